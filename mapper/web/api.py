"""What programs read: campaigns, boundary sets, coverage, outlines. ``Authorization: Bearer TOKEN``, or a session."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import orjson
from flask import Blueprint, Response, jsonify, request
from numpy.typing import NDArray

from mapper.errors import InvalidQuestion, mark
from mapper.geo.shapes import zoom_band
from mapper.services import boundaries, heat_points, questions, reporting, trends
from mapper.services.accounts import User
from mapper.services.areas import Area, check, read_area
from mapper.services.figure_rows import UnitFigures
from mapper.services.intake import today
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.stats.surveys import Estimate
from mapper.web.accounts import reader
from mapper.web.finished import Body, answer
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language

api = Blueprint("api", __name__, url_prefix="/api")

GEOJSON = "application/geo+json"


@api.get("/campaigns")
def campaigns() -> Response:
    """Campaigns with their groups, doses and targets."""
    reader()
    return jsonify(campaigns=questions.campaigns(installation().reference, chosen_language()))


@api.get("/sets")
def sets() -> Response:
    """Boundary sets with their levels."""
    reader()
    here = installation()
    wanted = here.settings.boundary_set
    return jsonify(sets=questions.boundary_sets(here.reference, today(), wanted, chosen_language()))


@api.get("/version")
def version() -> Response:
    """A word that is another when any figure may be."""
    reader()
    return jsonify(version=figures_version())


def figures_version() -> str:
    """What the figures of this moment belong to, as a word."""
    return ".".join(str(part) for part in reporting.version(installation().reference))


@api.get("/coverage")
def coverage() -> Response:
    """Ledger and coverage of every unit of a level; ``area=LEVEL:CODE`` for a part."""
    user, question, area = reader(), asked_question(), read_area(request.args.get("area", ""))
    key = ("coverage", question, area, user.areas)
    return kept_answer(key, reporting.version, lambda: _coverage(user, question, area))


def _coverage(user: User, question: Question, area: Area | None) -> bytes:
    check(installation().reference, user, question.set_id, area, question.day)
    found = reporting.coverage(installation().reference, user, question, area)
    target = found.dose.target
    body = {
        "campaign": found.campaign.id,
        "set": found.places.id,
        "level": found.level,
        "group": found.group.code,
        "dose": found.dose.code,
        "date": found.day.isoformat(),
        "target": None if target is None else float(target),
        "deadline": found.dose.deadline.isoformat() if found.dose.deadline else None,
        "design": found.campaign.design.value,
        "sample": _sample(found.sample) if found.sample else None,
        "units": figures(found.units),
        "total": figures([found.total])[0],
    }
    return orjson.dumps(body)


def _sample(found: Estimate) -> dict[str, Any]:
    return {
        "people": found.people,
        "clusters": found.clusters,
        "strata": found.strata,
        "deff": None if found.deff is None else round(found.deff, 3),
    }


@api.get("/coverage-by-day")
def coverage_by_day() -> Response:
    """Coverage of every unit of a level on evenly spaced days, for whoever shows how it moved.

    The address is that of ``/api/coverage``, and ``area=LEVEL:CODE`` for a part. In the answer, ``days`` are at most 60
    days, evenly spaced since the campaign's start, the last of them ``date``; ``keys`` are those of the rows of
    ``/api/coverage``; ``vaccinated`` and ``eligible`` hold a list a key with a number a day, and ``total`` the same for
    all of them together. The share of a day is vaccinated / eligible, and where eligible is 0, or a key is missing,
    there are no data. ``more_vaccinated`` and ``more_eligible``, in ``total`` too, are people who may live there as
    well, or in another part of a unit that was divided. Figures of each day equal those of ``/api/coverage`` for it.
    ``set``, ``level``, ``group``, ``dose``, ``campaign``, ``target`` and ``deadline`` say what was asked.
    """
    user, question, area = reader(), asked_question(), read_area(request.args.get("area", ""))
    key = ("coverage by day", question, area, user.areas)
    return kept_answer(key, reporting.version, lambda: _coverage_by_day(user, question, area))


def _coverage_by_day(user: User, question: Question, area: Area | None) -> bytes:
    check(installation().reference, user, question.set_id, area, question.day)
    found = trends.units_by_day(installation().reference, user, question, area)
    target, deadline = found.dose.target, found.dose.deadline
    body = {
        "campaign": found.campaign.id,
        "set": found.places.id,
        "level": found.level,
        "group": found.group.code,
        "dose": found.dose.code,
        "date": question.day.isoformat(),
        "target": None if target is None else float(target),
        "deadline": deadline.isoformat() if deadline else None,
        "days": [day.isoformat() for day in found.days],
        "keys": found.keys,
        "vaccinated": found.vaccinated,
        "eligible": found.eligible,
        "more_vaccinated": found.more_vaccinated,
        "more_eligible": found.more_eligible,
        "total": {
            "vaccinated": found.vaccinated.sum(axis=0),
            "eligible": found.eligible.sum(axis=0),
            "more_vaccinated": found.more_in_all[0],
            "more_eligible": found.more_in_all[1],
        },
    }
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def figures(units: Sequence[UnitFigures]) -> list[dict[str, Any]]:
    """Rows as programs read them; null (in Python not a number, for shares) where a figure does not exist."""
    shares = to_six_places(np.array([unit.assessment[:5] for unit in units], np.float64))
    rows = [_row(unit, *of_unit) for unit, of_unit in zip(units, shares.tolist(), strict=True)]
    for unit, row in zip(units, rows, strict=True):
        if unit.maybe is not None or unit.lists is not None:
            # Only where some may be here or in another unit: [at least, likely, at most].
            row["ranges"] = {_IN_ROWS.get(name, name): list(one) for name, one in unit.ranges.items()}
        if unit.maybe is not None:
            share = unit.coverage_range
            row["ranges"]["coverage"] = None if share is None else [round(each, 6) for each in share]
        if unit.goal.own:
            # Only where it is not the campaign's, which stands once in the answer.
            row["target"] = None if unit.goal.share is None else float(unit.goal.share)
            row["deadline"] = unit.goal.deadline.isoformat() if unit.goal.deadline else None
            if unit.goal.carried:
                row["target_carried_from"] = unit.goal.carried
    return rows


_IN_ROWS = {name: f"households_{name}" for name in ("visited", "interviewed", "expected", "unvisited")}
"""What rows call figures that have another name elsewhere."""


def _row(unit: UnitFigures, share: float, low: float, high: float, worst: float, best: float) -> dict[str, Any]:
    key, code, name, parent, houses, people, counts, eligible, outside, said, partial, *_ = unit
    away, vaccinated, contraindicated, refused, deferred, unknown, waiting, due = counts
    # Written out: put together from parts, it takes twice as long, for each of thousands of hamlets.
    return {
        "key": key,
        "code": code,
        "name": name,
        "parent": parent,
        "partial": partial,
        "households_expected": houses.expected,
        "households_visited": houses.visited,
        "households_interviewed": houses.interviewed,
        "households_unvisited": houses.unvisited,
        "people": people,
        "eligible": eligible,
        "away": away,
        "vaccinated": vaccinated,
        "contraindicated": contraindicated,
        "refused": refused,
        "deferred": deferred,
        "unknown": unknown,
        "waiting": waiting,
        "due": due,
        "outside": outside,
        "coverage": share,
        "low": low,
        "high": high,
        "worst": worst,
        "best": best,
        "needed": said.needed,
        "verdict": said.verdict,
    }


def to_six_places(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What ``round`` makes of each share in 0..1, all at once."""
    millions = shares * 1e6
    whole = np.rint(millions)
    found: NDArray[np.float64] = whole / 1e6
    # The product is itself rounded, so it cannot tell which side of a half a share lies on.
    for place in np.flatnonzero(np.abs(millions - whole) > 0.499999):
        found.flat[place] = round(float(shares.flat[place]), 6)
    return found


@api.get("/shapes")
def shapes() -> Response:
    """Outlines of a level's units, simplified for a zoom."""
    user, asked = reader(), request.args
    level, zoom, day = asked_for(asked, "level"), asked.get("zoom", default=12, type=int), asked_day(asked)
    set_id = asked.get("set", first_set())
    # A set's id alone says which it is; without one, the day chooses.
    key = (level, zoom_band(zoom), set_id or day, user.areas)
    if level == HAMLET:
        campaign = asked_for(asked, "campaign")
        return kept_answer(
            ("hamlets", campaign, *key),
            reporting.version,
            lambda: boundaries.hamlet_shapes(installation().reference, user, set_id, campaign, zoom, day),
            GEOJSON,
        )
    return kept_answer(
        ("units", *key),
        reporting.version if user.areas else reporting.revision,
        lambda: boundaries.unit_shapes(installation().reference, user, set_id, level, zoom, day),
        GEOJSON,
    )


@api.get("/heat")
def heat() -> Response:
    """Where people due live: latitude, longitude, how many."""
    user, question = reader(), asked_question()

    def points() -> bytes:
        return orjson.dumps({"points": heat_points.heat(installation().reference, user, question)})

    # Points are the same whatever the boundary set and level.
    asked = replace(question, set_id="", level="")
    return kept_answer(("heat", asked, user.areas), reporting.version, points)


def asked_question() -> Question:
    """The question about figures that this request's address asks. Raises InvalidQuestion."""
    asked = request.args
    return Question(
        campaign_id=asked_for(asked, "campaign"),
        group_code=asked_for(asked, "group"),
        dose_code=asked_for(asked, "dose"),
        day=asked_day(asked),
        level=asked.get("level", HAMLET),
        set_id=asked.get("set", "") or first_set(),
    )


def first_set() -> str:
    """The operator's choice of boundary set, where it is here; "" lets the services choose."""
    here = installation()
    wanted = here.settings.boundary_set
    known = {each["id"] for each in questions.boundary_sets(here.reference, today(), wanted)} if wanted else set()
    return wanted if wanted in known else ""


def asked_for(asked: Mapping[str, str], name: str) -> str:
    """A part of an address that must be there. Raises InvalidQuestion."""
    value = asked.get(name, "")
    if not value:
        raise InvalidQuestion(mark("The address lacks {name}=."), name=name)
    return value


def asked_day(asked: Mapping[str, str]) -> date:
    """The day that an address names, today where it names none. Raises InvalidQuestion."""
    text = asked.get("date", "")
    if not text:
        return today()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidQuestion(mark("{date} is not a day. Write it as 2022-08-31."), date=text) from None


def kept_answer(
    key: tuple[Hashable, ...],
    version: Callable[[Reference], Hashable],
    make: Callable[[], bytes],
    content_type: str = "application/json",
) -> Response:
    """The answer to a question, made anew only when what it is made from has another version.

    key: all that the answer depends on besides; whose areas it shows, first of all.
    """
    here = installation()
    whole = (version(here.reference), *key)
    body = here.bodies.get(whole)
    if body is None:
        body = Body.of(make())
        here.bodies.set(whole, body)
    return answer(body, content_type)
