"""What programs read: campaigns, boundary sets, coverage, outlines. ``Authorization: Bearer TOKEN``, or a session."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify, request

from mapper.domain.ledger import INSIDE
from mapper.errors import InvalidQuestion, mark
from mapper.services import boundaries, reporting
from mapper.services.intake import today
from mapper.services.reporting import HAMLET, Question, UnitFigures
from mapper.web.accounts import reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language

api = Blueprint("api", __name__, url_prefix="/api")

_STATES = tuple(state.value for state in INSIDE)


@api.get("/campaigns")
def campaigns() -> Response:
    """Campaigns with their groups, doses and targets."""
    reader()
    return jsonify(campaigns=reporting.campaigns(installation().reference, chosen_language()))


@api.get("/sets")
def sets() -> Response:
    """Boundary sets with their levels."""
    reader()
    here = installation()
    return jsonify(sets=reporting.boundary_sets(here.reference, today(), here.settings.boundary_set))


@api.get("/coverage")
def coverage() -> Response:
    """Ledger and coverage of every unit of a level."""
    user = reader()
    answer = reporting.coverage(installation().reference, user, _question())
    target = answer.dose.target
    body = {
        "campaign": answer.campaign.id,
        "set": answer.places.id,
        "level": answer.level,
        "group": answer.group.code,
        "dose": answer.dose.code,
        "date": answer.day.isoformat(),
        "target": None if target is None else float(target),
        "deadline": answer.dose.deadline.isoformat() if answer.dose.deadline else None,
        "units": [figures(unit) for unit in answer.units],
        "total": figures(answer.total),
    }
    return _tagged(_json(body))


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), content_type="application/json")


def figures(unit: UnitFigures) -> dict[str, Any]:
    """One row as programs read it; null where a figure does not exist."""
    key, code, name, parent, houses, people, states, eligible, outside, said = unit
    share, low, high, worst, best, needed, verdict = said
    return {
        "key": key,
        "code": code,
        "name": name,
        "parent": parent,
        "households_expected": houses.expected,
        "households_visited": houses.visited,
        "households_interviewed": houses.interviewed,
        "people": people,
        "eligible": eligible,
        **dict(zip(_STATES, states.values(), strict=True)),
        "outside": outside,
        "coverage": None if share is None else round(share, 6),
        "low": None if low is None else round(low, 6),
        "high": None if high is None else round(high, 6),
        "worst": None if worst is None else round(worst, 6),
        "best": None if best is None else round(best, 6),
        "needed": needed,
        "verdict": None if verdict is None else verdict.value,
    }


@api.get("/shapes")
def shapes() -> Response:
    """Outlines of a level's units, simplified for a zoom."""
    user = reader()
    asked = request.args
    reference, day = installation().reference, _day(asked)
    level = _given(asked, "level")
    zoom = asked.get("zoom", default=12, type=int)
    if level == HAMLET:
        found = boundaries.hamlet_shapes(
            reference, user, asked.get("set", _first_set()), _given(asked, "campaign"), zoom, day
        )
    else:
        found = boundaries.unit_shapes(reference, user, asked.get("set", _first_set()), level, zoom, day)
    return _tagged(Response(found.geojson, content_type="application/geo+json"))


@api.get("/heat")
def heat() -> Response:
    """Where people due live: latitude, longitude, how many."""
    user = reader()
    return _tagged(_json({"points": reporting.heat(installation().reference, user, _question())}))


def _question() -> Question:
    asked = request.args
    return Question(
        campaign_id=_given(asked, "campaign"),
        group_code=_given(asked, "group"),
        dose_code=_given(asked, "dose"),
        day=_day(asked),
        level=asked.get("level", HAMLET),
        set_id=asked.get("set", "") or _first_set(),
    )


def _first_set() -> str:
    """The operator's choice of boundary set, where it is here; "" lets the services choose."""
    here = installation()
    wanted = here.settings.boundary_set
    known = {each["id"] for each in reporting.boundary_sets(here.reference, today(), wanted)} if wanted else set()
    return wanted if wanted in known else ""


def _given(asked: Mapping[str, str], name: str) -> str:
    value = asked.get(name, "")
    if not value:
        raise InvalidQuestion(mark("The address lacks {name}=."), name=name)
    return value


def _day(asked: Mapping[str, str]) -> date:
    text = asked.get("date", "")
    if not text:
        return today()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidQuestion(mark("{date} is not a day. Write it as 2022-08-31."), date=text) from None


def _tagged(response: Response) -> Response:
    """Let the browser keep the answer and ask whether it still holds."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response
