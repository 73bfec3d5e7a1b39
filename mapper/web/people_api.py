"""The people of a filter for programs, as JSON.

What answers is imported when somebody asks: it is heavy, and a server starts without it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from mapper.domain.roles import OVERSEERS, READERS
from mapper.domain.whole import whole
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.web.accounts import reader
from mapper.web.installation import installation
from mapper.web.wanted import Wanted, keep_private, page_asked, read_wanted

if TYPE_CHECKING:
    from mapper.services.filter_lists import Counted, FoundPerson

people_api = Blueprint("people_api", __name__)


@people_api.before_request
def _guard() -> None:
    if reader().role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))


@people_api.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


@people_api.get("/api/people")
def people() -> Response:
    """A page of the people of a filter, as JSON; ``page`` from 1, ``limit`` up to 1000."""
    from mapper.services import filter_lists

    at = _wanted_of_program()
    user, limit = reader(), whole(request.args.get("limit", str(filter_lists.AT_ONCE)), filter_lists.MOST_AT_ONCE)
    if not limit:
        raise InvalidInput(mark("A page holds 1 to {most} people. Ask for as many."), most=filter_lists.MOST_AT_ONCE)
    found = filter_lists.people(installation().reference, user, at.question, page_asked(), limit)
    phones = user.role in OVERSEERS
    return jsonify(
        **_head(at, found.of),
        page=found.page,
        pages=found.pages,
        results=[_as_json(one, phones) for one in found.rows],
    )


@people_api.get("/api/people/count")
def count() -> Response:
    """How many people and households a filter finds."""
    from mapper.services import filter_lists

    at = _wanted_of_program()
    return jsonify(**_head(at, filter_lists.count(installation().reference, reader(), at.question)))


def _wanted_of_program() -> Wanted:
    at = read_wanted(program=True)
    if at is None:
        raise NotFound(mark("No campaign, or no boundary set, is published yet."))
    return at


def _head(at: Wanted, of: Counted) -> dict[str, Any]:
    return {
        "campaign": of.campaign.id,
        "set": of.places.id,
        "date": at.asked.day.isoformat(),
        "people": of.people,
        "households": of.households,
    }


def _as_json(one: FoundPerson, phones: bool) -> dict[str, Any]:
    row, person, place = one.row, one.person, one.place
    held: dict[str, Any] = {
        "id": person.id,
        "name": person.name,
        "born_on": _iso(person.born_on),
        "birth_precision": person.birth_precision,
        "sex": person.sex,
        "residence": person.residence,
        "away_place": person.away_place,
        "priorities": list(person.priorities),
        "contraindicated": person.contraindicated,
        "contraindication": person.contraindication,
        "deferred_until": _iso(person.deferred_until),
        "deferral_reason": person.deferral_reason,
        "infected_on": _iso(person.infected_on),
        "refused": person.refused,
        "refusal_reason": person.refusal_reason,
        "vaccination_unknown": person.vaccination_unknown,
        "doses": [
            {
                "dose": dose.code,
                "date": _iso(dose.given_on),
                "vaccine": dose.vaccine,
                "lot": dose.lot,
                "place": dose.place,
                "evidence": dose.evidence,
            }
            for dose in person.doses
        ],
        "state": one.why.state if one.why else None,
        "household": {
            "id": row.household_id,
            "submission": row.instance_id,
            "number": row.house_number,
            "head": row.head,
            "hamlet": place.hamlet_code,
            "hamlet_name": place.hamlet,
            "unit": place.unit_code,
            "unit_name": place.unit,
            "visited_on": _iso(row.visited_on),
            "outcome": row.outcome,
            "review": row.review,
        },
    }
    if phones:
        held["household"]["phone"] = row.phone
    return held


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
