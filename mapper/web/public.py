"""The public page, which needs no sign-in, and the page on which an administrator opens and closes it."""

from __future__ import annotations

from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, Response, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import Role
from mapper.domain.suppression import LEAST_THRESHOLD
from mapper.domain.whole import whole
from mapper.errors import Forbidden, InvalidInput, MapperError, NotFound, mark
from mapper.maps.coverage_map import MapParts
from mapper.maps.palette import NO_DATA, coverage_classes
from mapper.maps.public_map import KEPT_BACK, PublicView, public_map
from mapper.services import boundaries, public_page, questions
from mapper.services.intake import today
from mapper.services.public_figures import EVERYBODY
from mapper.services.public_page import Publication, PublicRow, PublicSettings
from mapper.services.report_writing import shown_share, whole_day
from mapper.web.accounts import only_for, reader
from mapper.web.finished import Body, answer
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

WIDE_DEGREES, NEAR_ZOOM, FAR_ZOOM = 2.5, 9, 7
"""Sets wider than this are drawn with the outlines of the far zoom."""

public = Blueprint("public", __name__)
_only_for_administrators = only_for(Role.ADMINISTRATOR)


def _guard() -> AnyResponse | None:
    refused = _only_for_administrators()
    if refused is None and reader().areas:
        raise Forbidden(mark("The public page tells of everything; only an administrator without areas opens it."))
    return refused


@public.get("/public")
def page() -> Response:
    """What everybody may see; the same bytes for everybody who reads the same language."""
    return _kept("page")


@public.get("/public/map.js")
def script() -> Response:
    """The map's own script: apart, so that the page holds nothing that differs from one reader to the next."""
    return _kept("map")


def _kept(kind: str) -> Response:
    here = installation()
    settings, found = public_page.published(here.reference, today())
    asked = request.args.get("show", "").replace(".", " ")
    names = [" ".join(each) for each in found.series]
    place = names.index(asked) if asked in names else 0
    key = ("public", kind, found.seq, settings.text, chosen_language(), place)
    body = here.bodies.get(key)
    if body is None:
        words = _Words(found)
        map_parts = _map(found, words, place)
        made = map_parts.script if kind == "map" else _page(settings, found, words, map_parts, place)
        body = Body.of(made.encode())
        here.bodies.set(key, body)
    return answer(body, "text/javascript; charset=utf-8" if kind == "map" else "text/html; charset=utf-8")


class _Words:
    """What is said of rows."""

    def __init__(self, found: Publication) -> None:
        self._found = found

    def series(self, place: int) -> str:
        group, dose = self._found.series[place]
        labels = {each.code: each.label for each in self._found.campaign.groups}
        language = chosen_language()
        return f"{labels[group][language]}: {self._found.campaign.doses[dose][language]}"

    def share(self, row: PublicRow, place: int) -> str:
        share, between = row.share(place), self._found.between(row, place)
        if between is not None:
            return "–".join(shown_share(each, chosen_language()) for each in between)
        return say("kept back") if share is None else shown_share(share, chosen_language())

    def counts(self, row: PublicRow, place: int) -> str:
        pair = row.pairs[place]
        if pair is None:
            return ""
        language = chosen_language()
        done, of = (format_decimal(number, locale=language) for number in (pair[0], sum(pair)))
        told = say("{vaccinated} of {eligible} people", vaccinated=done, eligible=of)
        more = self._found.loose[place].get(row.code, 0) if row.level == self._found.leaf else 0
        if more:
            told += "; " + say("up to {number} more may live here", number=format_decimal(more, locale=language))
        shown, all_of = row.within[place]
        if shown == all_of:
            return told
        return f"{told}; {say('in {shown} of {communes} communes', shown=shown, communes=all_of)}"

    def divided(self, row: PublicRow) -> str:
        """That some of a unit's people may be in none of its figures, where no number of them is told."""
        if row.level != self._found.leaf or row.code not in self._found.divided:
            return ""
        told = all(pair is None or self._found.between(row, at) for at, pair in enumerate(row.pairs))
        return (
            ""
            if told and any(row.pairs)
            else say("has a part of a commune that was divided: who gave no position there is not counted")
        )

    def visited(self, row: PublicRow) -> str:
        if row.visited is None:
            return "–"
        return (say("nine tenths or more"), say("half or more"), say("less than half"))[row.visited]


def _map(found: Publication, words: _Words, place: int) -> MapParts:
    here = installation()
    sets = questions.boundary_sets(here.reference, today(), "")
    bounds = next(each["bounds"] for each in sets if each["id"] == found.set_id)
    zoom = FAR_ZOOM if bounds[2] - bounds[0] > WIDE_DEGREES else NEAR_ZOOM
    leaves = [row for row in found.rows if row.level == found.leaf]
    told = {row.code: f"{row.name}: {words.share(row, place)}" for row in leaves}
    told |= {row.code: f"{told[row.code]}, {without}" for row in leaves if (without := words.divided(row))}
    told |= {code: say("{name}: no data", name=name) for code, name in found.unvisited.items()}
    view = PublicView(
        tuple(bounds),
        boundaries.unit_shapes(here.reference, EVERYBODY, found.set_id, found.leaf, zoom, found.day),
        {row.code: row.share(place) for row in leaves},
        told,
        here.settings.tile_url,
        here.settings.tile_attribution,
    )
    return public_map(view)


def _page(settings: PublicSettings, found: Publication, words: _Words, map_parts: MapParts, place: int) -> str:
    classes = [
        (each.colour, f"{each.start:.0%}–{each.end:.0%}" if each.start else f"< {each.end:.0%}")
        for each in coverage_classes()
    ]
    return render_template(
        "public.html",
        found=found,
        text=settings.text.strip(),
        words=words,
        map=map_parts,
        place=place,
        day=whole_day(found.day),
        label=found.campaign.label[chosen_language()],
        shows=[".".join(each) for each in found.series],
        legend=[*classes, (NO_DATA, say("No data")), (KEPT_BACK, say("kept back"))],
    )


@public.get("/public/settings")
def settings() -> AnyResponse | str:
    """Whether the page is open, and what it shows."""
    refused = _guard()
    return refused if refused is not None else _settings()


@public.post("/public/settings")
def change() -> AnyResponse | tuple[str, int]:
    """Open, close or change it."""
    refused = _guard()
    if refused is not None:
        return refused
    typed = request.form
    try:
        wanted = _wanted()
        public_page.save_settings(installation().reference, reader(), wanted)
    except (InvalidInput, NotFound) as problem:
        return _settings(problem), 400
    flash(mark("The public page is open.") if typed.get("open") else mark("The public page is closed."))
    return redirect(url_for("public.settings"))


def _wanted() -> PublicSettings:
    typed = request.form
    threshold = whole(typed.get("threshold", "").strip(), 99_999)
    if threshold is None:
        raise InvalidInput(mark("The smallest number shown is a number, such as 5."))
    campaign, _, _ = typed.get("campaign", "").partition(" ")
    chosen = [tuple(each.split(" ")) for each in typed.getlist("series")]
    return PublicSettings(
        bool(typed.get("open")),
        campaign,
        tuple((each[1], each[2]) for each in chosen if len(each) == 3 and each[0] == campaign),
        typed.get("set", ""),
        threshold,
        typed.get("text", "").replace("\r\n", "\n").strip(),
    )


def _settings(problem: MapperError | None = None) -> str:
    here = installation()
    campaigns = questions.campaigns(here.reference, chosen_language())
    sets = questions.boundary_sets(here.reference, today(), here.settings.boundary_set, chosen_language())
    kept = public_page.read_settings(here.reference)
    seen: dict[str, Any] = {}
    if kept is not None:
        try:
            numbers = public_page.preview(here.reference, kept, today())
            seen = {f"{kept.campaign} {' '.join(one)}": each for one, each in zip(kept.series, numbers, strict=True)}
        except NotFound:
            seen = {}
    return render_template(
        "public_settings.html",
        campaigns=campaigns,
        sets=sets,
        kept=kept,
        chosen={f"{kept.campaign} {' '.join(each)}" for each in kept.series} if kept else set(),
        seen=seen,
        least=LEAST_THRESHOLD,
        problem=say(problem) if problem is not None else None,
        told=get_flashed_messages(),
        longest=public_page.LONGEST_TEXT,
    )
