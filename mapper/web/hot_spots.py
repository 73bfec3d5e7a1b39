"""The page of clusters of the unvaccinated, how far the search for them is, and the same for the map."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.ranges import ShareRange
from mapper.domain.roles import READERS
from mapper.errors import mark
from mapper.services import hot_spots as spots
from mapper.services import questions, reporting
from mapper.services.background import Progress, Stage, Standing
from mapper.services.hot_spots import Found, Row, Spot
from mapper.services.questions import HAMLET
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.behind import Behind
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

LISTED = 200
"""Hamlets of the table shown at once, the lowest first; choosing an area shows others."""

TOLD = 4
"""Hamlets of a cluster that its sentence names, and whose lists of people stand under it."""

NAMED = 40
"""Hamlets without figures that are named."""

FRESH_S = 600
"""So long the clusters found before will do while forms come in; a search keeps a core busy for seconds."""

LEAST_RADIUS_M = 250
"""A cluster of one hamlet is drawn so wide."""

_KIND = re.compile(r"^(Thôn|Bản|Ấp|Xóm) (?=[^\W\d_])")
"""Whatever follows a number only, such as "Thôn 1", stays whole."""

_VIETNAMESE_MARKS = str.maketrans(",.", ".,")

hot_spots = Blueprint("hot_spots", __name__)
_only_for_readers = only_for(*READERS)


@hot_spots.before_request
def _guard() -> AnyResponse | None:
    if request.path.startswith("/api/"):
        reader()
        return None
    return _only_for_readers()


@hot_spots.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@hot_spots.get("/hot-spots")
def page() -> str:
    """Clusters with their hamlets, and every hamlet's coverage, raw and levelled; sets the search off."""
    asked = ask()
    if asked is None:
        return render_template("hot_spots.html", asked=None)
    here = installation()
    of = spots.overview(here.reference, reader(), asked.question(HAMLET), asked.area)
    standing = _searched(asked, again=bool(request.args.get("again")))
    found = standing.made
    return render_template(
        "hot_spots.html",
        asked=asked,
        of=of,
        standing=standing,
        found=found,
        old=found is not None and standing.made_from != reporting.version(here.reference),
        sentences=[(why(spot, found.replications), tonight(spot)) for spot in found.spots] if found else [],
        listed=LISTED,
        named=NAMED,
        fewest=spots.FEWEST,
        most=spots.MOST,
        largest=spots.LARGEST,
        told=TOLD,
        most_due=most_due,
        percent=percent,
        decimal=decimal,
        people_of=partial(_people_of, asked),
        reasons_of=lambda spot: _address("reasons.page", asked, area=f"{HAMLET}:{spot.rows[0].figures.code}"),
        made_at=standing.made_at.isoformat() if standing.made_at else None,
    )


@hot_spots.get("/hot-spots/progress")
def progress() -> Response:
    """How far the search of this address is, for the page's script."""
    asked = ask()
    if asked is None:
        return jsonify(stage=Stage.DONE, share=1)
    standing = installation().hot_spots.look(_key(asked)) or _searched(asked)
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@hot_spots.get("/api/hot-spots")
def features() -> Response:
    """Clusters as GeoJSON: a point each, its middle, with a radius to draw; while they are looked for, the last ones.

    Besides the features: ``stage`` (done, running, waiting, failed, busy; none where nothing is published), ``share``
    of the work done, ``made_at``, and ``current``, whether they belong to the figures of this moment.
    """
    asked = ask_for_file()
    body: dict[str, Any] = {"type": "FeatureCollection", "stage": "none", "share": 1, "made_at": None, "current": True}
    found: Found | None = None
    if asked is not None:
        standing = _searched(asked)
        found = standing.made
        body["stage"], body["share"] = standing.stage, round(standing.share, 3)
        body["made_at"] = standing.made_at.isoformat() if standing.made_at else None
        body["current"] = found is not None and standing.made_from == reporting.version(installation().reference)
        body["page"] = _address("hot_spots.page", asked)
    body["features"] = [_feature(spot, found.replications) for spot in found.spots] if found else []
    response = jsonify(body)
    response.content_type = "application/geo+json"
    return response


def _key(asked: Asked) -> tuple[object, ...]:
    return asked.question(HAMLET), asked.area, reader().areas


def _searched(asked: Asked, again: bool = False) -> Standing[Found]:
    here, user, question, area = installation(), reader(), asked.question(HAMLET), asked.area
    questions.check(here.reference, question)

    def work(progress: Progress) -> Found:
        return spots.search(here.reference, user, spots.overview(here.reference, user, question, area), progress)

    return here.hot_spots.ask(_key(asked), reporting.version(here.reference), work, FRESH_S, again)


def _feature(spot: Spot, replications: int) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(spot.lon, 6), round(spot.lat, 6)]},
        "properties": {
            "radius_m": round(max(LEAST_RADIUS_M, spot.radius_m)),
            "name": spot.rows[0].figures.name,
            "hamlets": [row.figures.code for row in spot.rows],
            "names": [row.figures.name for row in spot.rows],
            "unfinished": [row.figures.code for row in spot.unfinished],
            "unvaccinated": spot.unvaccinated,
            "eligible": spot.eligible,
            "due": spot.due,
            "due_houses": spot.due_houses,
            "houses": spot.houses,
            "expected": round(spot.expected, 1),
            "relative_risk": None if spot.relative_risk is None else round(spot.relative_risk, 2),
            "p": spot.p,
            "sentence": f"{why(spot, replications)} {tonight(spot)}",
        },
    }


def _people_of(asked: Asked, row: Row, state: str = "due") -> str | None:
    """Address of the people of a state in a hamlet."""
    return Behind(asked).unit(HAMLET, row.figures, state=state)


def _address(endpoint: str, asked: Asked, **other: object) -> str:
    return f"{url_for(endpoint)}?{urlencode(asked.query(**other))}"


def why(spot: Spot, replications: int) -> str:
    """Why a cluster is flagged, in one sentence: which hamlets, how many people, how unlikely by chance."""
    # Maps as unlike as this one, itself among them.
    rank, maps = round(spot.p * (replications + 1)), decimal(replications + 1, 0)
    chance = (
        say("at most 1 in {maps} times", maps=maps)
        if rank <= 1
        else say("about {number} in {maps} times", number=rank, maps=maps)
    )
    facts = {
        "hamlets": named_hamlets(spot),
        "unvaccinated": decimal(spot.unvaccinated, 0),
        "eligible": decimal(spot.eligible, 0),
        "chance": chance,
    }
    if spot.relative_risk is None:
        return say(
            mark(
                "{hamlets}: {unvaccinated} of {eligible} people not vaccinated, and nobody elsewhere; chance alone "
                "would bring families together like this {chance}."
            ),
            **facts,
        )
    return say(
        mark(
            "{hamlets}: {unvaccinated} of {eligible} people not vaccinated, {times} times the share elsewhere; chance "
            "alone would bring families together like this {chance}."
        ),
        times=decimal(spot.relative_risk, 1),
        **facts,
    )


def tonight(spot: Spot) -> str:
    """What to do about a cluster, in one sentence, with its people and houses."""
    if not spot.due:
        return say("Tonight: nobody there can be vaccinated now; see why, and who is to talk to them.")
    return say(
        mark("Tonight: hand out {houses} houses, where {due} people can be vaccinated now."),
        houses=decimal(spot.due_houses, 0),
        due=decimal(spot.due, 0),
    )


def named_hamlets(spot: Spot) -> str:
    """The hamlets of a cluster; of several how many, and the first names, those with most people due first."""
    rows = most_due(spot)
    if len(rows) == 1:
        return f"{rows[0].figures.name} ({rows[0].commune})" if rows[0].commune else rows[0].figures.name
    names = ", ".join(bare(row.figures.name) for row in rows[:TOLD])
    return say("{number} hamlets ({names})", number=len(rows), names=names + (", …" if len(rows) > TOLD else ""))


def most_due(spot: Spot) -> list[Row]:
    """The hamlets of a cluster, those with most people due first."""
    return sorted(spot.rows, key=lambda row: -row.due)


def bare(name: str) -> str:
    """A hamlet's name without the word for its kind, where that word stands beside it anyway."""
    return _KIND.sub("", name)


def decimal(number: float, digits: int = 1) -> str:
    """A number with so many decimals, in the reader's writing."""
    # Written out: a table holds a thousand of them, and Babel takes its time for each.
    written = f"{number:,.{digits}f}"
    return written if chosen_language() == "en" else written.translate(_VIETNAMESE_MARKS)


def percent(share: float | ShareRange | None, digits: int = 1) -> str:
    """A share in 0..1 as per cent, or from where to where it may lie; never rounded up to 100."""
    if share is None:
        return "–"
    if isinstance(share, ShareRange):
        return f"{percent(share.least, digits)} – {percent(share.most, digits)}"
    scale = 10**digits
    shown = int(share * 100 * scale + 1e-9) / scale
    return decimal(shown, 0 if shown == int(shown) else digits) + ("\u202f%" if chosen_language() == "vi" else "%")
