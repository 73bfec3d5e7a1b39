"""People and households of a filter: the page of lists, who is coming, filters kept by name, and the same for programs.

What answers is imported when somebody asks: it is heavy, and a server starts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.campaign import Label
from mapper.domain.ledger import INSIDE
from mapper.domain.people_filter import NAMES, Entering, Obstacle, PeopleFilter, read_filter
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import Forbidden, InvalidInput, NotFound, Unavailable, mark
from mapper.services import filter_words, saved_filters
from mapper.services.accounts import User
from mapper.services.background import Stage, Standing
from mapper.services.people_words import OUTCOMES, STATES, PeopleWords
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.base_map import base_tiles
from mapper.web.drawing_words import tool_words
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

if TYPE_CHECKING:
    from mapper.maps.coverage_map import MapParts
    from mapper.services.filter_lists import Choices, Counted, FilterMap, FoundPerson
    from mapper.services.filtered import FilterQuestion

VIEWS = {
    "people": mark("Person by person"),
    "houses": mark("House by house"),
    "map": mark("On the map"),
}
"""How what a filter finds is shown."""

OF_THE_PLACE = ("campaign", "set", "date")
"""What an address says besides the filter."""

USUAL = ("text", "areas", "group", "dose", "states", "age_from", "age_to")
"""Criteria that stand open; the others lie behind a heading."""

NOT_YET = 503

lists = Blueprint("lists", __name__)
_only_for_readers = only_for(*READERS)


@lists.before_request
def _guard() -> AnyResponse | None:
    if request.path.startswith("/api/"):
        if reader().role not in READERS:
            raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
        return None
    return _only_for_readers()


@lists.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    if response.status_code == NOT_YET:
        response.headers["Retry-After"] = "2"
    return response


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter with the place its words belong to, as an address tells it."""

    asked: Asked
    wanted: PeopleFilter

    @property
    def question(self) -> FilterQuestion:
        """The same for services."""
        from mapper.services.filtered import FilterQuestion

        state = self.asked.state
        return FilterQuestion(state["campaign"], state["set"], self.asked.day, self.wanted)

    def address(self, wanted: PeopleFilter | None = None, **other: object) -> list[tuple[str, str]]:
        """Names and values of the address, of this filter or of another."""
        parts = [(name, self.asked.state[name]) for name in OF_THE_PLACE]
        parts += (self.wanted if wanted is None else wanted).address()
        return parts + [(name, str(value)) for name, value in other.items() if value]

    def query(self, wanted: PeopleFilter | None = None, **other: object) -> str:
        """The same, encoded."""
        return urlencode(self.address(wanted, **other))


def read_wanted() -> Wanted | None:
    """What this request asks for; None where nothing is published yet. Raises InvalidInput, NotFound."""
    args = request.args
    wanted = read_filter({name: args.getlist(name) for name in NAMES})
    asked = ask({name: args[name] for name in OF_THE_PLACE if args.get(name)})
    if asked is None:
        return None
    return Wanted(asked, wanted)


@lists.get("/list")
def page() -> str | AnyResponse:
    """The filter with what it finds: ``view`` is people, houses or map, or count for how many alone."""
    at = read_wanted()
    if at is None:
        return render_template("list.html", at=None)
    tidy = _tidied(at)
    if tidy is not None:
        return redirect(tidy)
    user, reference = reader(), installation().reference
    view = request.args.get("view", "count" if at.wanted.is_empty else "people")
    if view not in VIEWS and view != "count":
        raise NotFound(mark("There is nothing at this address."))
    shared = {
        "at": at,
        "asked": at.asked,
        "wanted": at.wanted,
        "view": view,
        "views": VIEWS,
        "question": at.address(),
        "words": filter_words,
        "states": {state: STATES[state] for state in INSIDE},
        "obstacles": Obstacle,
        "outcomes": OUTCOMES,
        "state_words": STATES,
        "phones": user.role in OVERSEERS,
        "points": user.role in OVERSEERS,
        "export_points": user.role in OVERSEERS,
        "export_query": MultiDict(at.address()).to_dict(flat=False),
        "saved": saved_filters.seen(reference, user),
        "me": user.id,
        "told": get_flashed_messages(),
        "labelled": _labelled,
        "named": _named,
        "address": lambda wanted=None, **other: f"{url_for('lists.page')}?{at.query(wanted, **other)}",
        "turn": lambda number: f"{url_for('lists.page')}?{at.query(view=view, page=number)}",
    }
    try:
        return render_template("list.html", **shared, **_found(at, user, view), open=_is_open(at.wanted))
    except Unavailable as waiting:
        standing: Standing[None] | None = getattr(waiting, "standing", None)
        if standing is None:
            raise
        return render_template("list.html", **shared, standing=standing, chips=[], choices=None, open=False)


def _found(at: Wanted, user: User, view: str) -> dict[str, Any]:
    """What the filter finds, as the view shows it."""
    from mapper.services import filter_lists

    reference = installation().reference
    shown: Any = None
    drawn: MapParts | None = None
    if view == "people":
        shown = filter_lists.people(reference, user, at.question, page_asked())
    elif view == "houses":
        shown = filter_lists.houses(reference, user, at.question, page_asked())
    elif view == "map":
        shown = filter_lists.on_map(reference, user, at.question)
        drawn = _map(at, shown)
    of: Counted = shown.of if shown else filter_lists.count(reference, user, at.question)
    people_words = PeopleWords.of(reference, of.campaign, chosen_language(), at.asked.day)
    priorities = filter_lists.priority_words(reference, of.campaign.id, chosen_language())

    def word(written: str) -> str:
        """A reason or a priority group as its form words it."""
        return priorities.get(written) or people_words.reason(written)

    return {
        "of": of,
        "shown": shown,
        "map": drawn,
        "people_words": people_words,
        **_offered(at, filter_lists.choices(reference, user, at.question), word),
        "chips": chips(at, of, word),
        "hamlet_link": lambda place: _narrowed(at, place.hamlet_code, place.unit_code, of.places.leaf),
    }


def _offered(at: Wanted, choices: Choices, word: Callable[[str], str]) -> dict[str, Any]:
    """What can be chosen of what people told, in words; what is chosen already stays among it."""
    chosen = [obstacle if told is None else f"{obstacle}:{told}" for obstacle, told in at.wanted.reasons]
    reasons = {each.value: say(filter_words.OBSTACLES[each]) for each in Obstacle}
    for text in (*(text for text, _ in choices.reasons), *chosen):
        obstacle, colon, told = text.partition(":")
        if colon:
            reasons[text] = f"{say(filter_words.OBSTACLES[Obstacle(obstacle)])}: {word(told) or '-'}"
    return {
        "choices": choices,
        "reasons": list(reasons.items()),
        "chosen_reasons": chosen,
        "priorities": [(code, word(code)) for code, _ in choices.priorities],
    }


def _labelled(words: Mapping[Any, str]) -> list[tuple[str, str]]:
    """Codes and what they are called, in the reader's language."""
    return [(str(code), say(text)) for code, text in words.items()]


def _named(labels: Mapping[str, Label]) -> list[tuple[str, str]]:
    """The same of a campaign's own words."""
    return [(code, label[chosen_language()]) for code, label in labels.items()]


def _is_open(wanted: PeopleFilter) -> bool:
    """Whether a criterion is chosen that lies behind the heading."""
    usual = replace(wanted, **{name: getattr(PeopleFilter(), name) for name in USUAL})
    return not usual.is_empty


def _narrowed(at: Wanted, hamlet: str, unit: str, leaf: str) -> str | None:
    """The list of those of one hamlet; None where areas are asked for already, which it would widen."""
    if not (hamlet or unit) or at.wanted.areas:
        return None
    area = f"hamlet:{hamlet}" if hamlet else f"{leaf}:{unit}"
    return f"{url_for('lists.page')}?{at.query(replace(at.wanted, areas=(area,)), view='people')}"


def _tidied(at: Wanted) -> str | None:
    """The address without what asks nothing, as a form sends it; None where it is so already."""
    given = [(name, value) for name, value in request.args.items(multi=True) if name in NAMES]
    if not any(value == "" and name != "reviews" for name, value in given):
        return None
    other: dict[str, Any] = {name: request.args[name] for name in ("view", "page", "lang") if request.args.get(name)}
    return f"{url_for('lists.page')}?{at.query(**other)}"


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen criterion in words, and the address without it."""

    words: str
    without: str


def chips(at: Wanted, of: Counted, word: Callable[[str], str]) -> list[Chip]:
    """Every chosen criterion, which can be taken out one by one."""
    found: list[Chip] = []
    view = request.args.get("view", "")
    empty = PeopleFilter()
    names = {str(number): name for number, name in _sender_names(at.wanted.senders).items()}
    for one in fields(PeopleFilter):
        value = getattr(at.wanted, one.name)
        if value == getattr(empty, one.name):
            continue
        many = isinstance(value, tuple | frozenset) and one.name != "within"
        for each in sorted(value, key=str) if many else [value]:
            alone: Any = type(value)([each]) if many else each
            rest: Any = type(value)(other for other in value if other != each) if many else getattr(empty, one.name)
            told = filter_words.in_words(
                replace(empty, **{one.name: alone}), of.known, of.places, of.campaign, chosen_language(), word
            )
            if one.name in _PLAIN:
                told = told.removeprefix(say(filter_words.NAMES[one.name])).strip()
            if one.name == "senders":
                told = f"{say(filter_words.NAMES['senders'])} {names.get(str(each), each)}"
            without = _consistent(replace(at.wanted, **{one.name: rest}))
            found.append(Chip(told, f"{url_for('lists.page')}?{at.query(without, view=view)}"))
    return found


_PLAIN = frozenset({"areas", "group", "dose", "states"})
"""Criteria whose values say what they are."""


def _consistent(wanted: PeopleFilter) -> PeopleFilter:
    """A filter after something was taken out, without what then asks nothing."""
    if wanted.states and not (wanted.group and wanted.dose):
        wanted = replace(wanted, states=frozenset())
    if wanted.dose and not wanted.group:
        wanted = replace(wanted, dose="")
    told = wanted.group and wanted.entering_from and wanted.entering_to
    if wanted.entering and not (told and (wanted.dose or wanted.entering is Entering.GROUP)):
        wanted = replace(wanted, entering=None)
    if not wanted.entering:
        wanted = replace(wanted, entering_from=None, entering_to=None)
    return wanted


def _sender_names(numbers: Sequence[int]) -> dict[int, str]:
    if not numbers:
        return {}
    from mapper.services import accounts

    users = (accounts.by_id(installation().reference, number) for number in numbers)
    return {user.id: user.name for user in users if user is not None}


def page_asked() -> int:
    """The page asked for, from 1. Raises NotFound for what is no number."""
    told = request.args.get("page", "1")
    if not (told.isascii() and told.isdecimal() and len(told) < 10):
        raise NotFound(mark("There is no page {page} of this list."), page=told[:20])
    return int(told)


def _map(at: Wanted, shown: FilterMap) -> MapParts | None:
    from mapper.maps.filter_map import FilterView, Mark, filter_map

    hamlets = [
        Mark(one.lat, one.lon, one.people, f"{one.place.hamlet or one.place.unit}: {one.people}")
        for one in shown.spots
        if one.lat is not None and one.lon is not None
    ]
    houses = [
        Mark(dot.lat, dot.lon, dot.people, f"{place.hamlet} {dot.house_number or ''}: {dot.people}".strip())
        for dot, place in shown.dots or ()
    ]
    corners = [*((one.lat, one.lon) for one in (*hamlets, *houses)), *at.wanted.within]
    if not corners:
        return None
    lats, lons = zip(*corners, strict=True)
    ground = base_tiles()
    return filter_map(
        FilterView(
            (min(lons), min(lats), max(lons), max(lats)),
            hamlets,
            houses,
            at.wanted.within,
            tool_words(),
            tile_url=ground.url,
            tile_attribution=ground.attribution,
            tile_options=ground.options,
        )
    )


@lists.get("/list/progress")
def progress() -> Response:
    """How far the preparation of the lists is, for the page's script."""
    from mapper.services.people_copy import copy_of

    at = read_wanted()
    standing = copy_of(installation().reference).standing(at.asked.state["campaign"]) if at else None
    if standing is None:
        return jsonify(stage=Stage.DONE, share=1)
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@lists.post("/list/saved")
def save() -> AnyResponse:
    """Keep a filter by name."""
    typed = request.form
    query = _checked(typed.get("query", ""))
    saved_filters.save(installation().reference, reader(), typed.get("name", ""), query, typed.get("shared") == "yes")
    flash(mark("The filter is kept."))
    return redirect(f"{url_for('lists.page')}?{query}")


@lists.post("/list/saved/<int:number>")
def change_saved(number: int) -> AnyResponse:
    """Rename a filter of one's own, or delete it."""
    typed, reference, user = request.form, installation().reference, reader()
    if typed.get("act") == "delete":
        saved_filters.remove(reference, user, number)
        flash(mark("The filter is deleted."))
    else:
        saved_filters.rename(reference, user, number, typed.get("name", ""))
        flash(mark("The filter has its new name."))
    return redirect(f"{url_for('lists.page')}?{_checked(typed.get('query', ''))}")


def _checked(query: str) -> str:
    """The part of an address that tells a filter and where its words belong to, and nothing else."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    kept = [(name, values[name][0]) for name in ("campaign", "set", "view") if values.get(name)]
    return urlencode(kept + read_filter(values).address())


@lists.get("/upcoming")
def upcoming() -> str | AnyResponse:
    """Who comes into the group, or becomes due, between two days: by unit and day, each number with its list."""
    asked = ask()
    if asked is None:
        return render_template("upcoming.html", asked=None)
    told = request.args
    kind = Entering.GROUP if told.get("kind") == Entering.GROUP else Entering.DUE
    wanted = read_filter(
        {
            "group": [asked.state["group"]],
            "dose": [asked.state["dose"]] if kind is Entering.DUE else [],
            "areas": [asked.state["area"]],
            "entering": [kind.value],
            "entering_from": [told.get("from") or asked.state["date"]],
            "entering_to": [told.get("to") or (asked.day + timedelta(days=AHEAD)).isoformat()],
        }
    )
    at = Wanted(asked, wanted)
    shared = {"asked": asked, "at": at, "wanted": wanted, "kind": kind}
    from mapper.services import filter_lists

    try:
        found = filter_lists.coming(installation().reference, reader(), at.question)
    except Unavailable as waiting:
        standing: Standing[None] | None = getattr(waiting, "standing", None)
        if standing is None:
            raise
        return render_template("upcoming.html", **shared, standing=standing)
    return render_template("upcoming.html", **shared, found=found, list_of=_list_of(at, found.of.places.leaf))


AHEAD = 13
"""So many days ahead the table of who is coming looks, besides the first."""


def _list_of(at: Wanted, leaf: str) -> Callable[..., str | None]:
    def address(unit: str | None = None, day: date | None = None) -> str | None:
        """The list behind a number of the table; None for people outside every unit, whom no area names."""
        wanted = at.wanted
        if unit == "":
            return None
        if unit is not None and not any(area.startswith("hamlet:") for area in wanted.areas):
            wanted = replace(wanted, areas=(f"{leaf}:{unit}",))
        if day is not None:
            wanted = replace(wanted, entering_from=day, entering_to=day)
        return f"{url_for('lists.page')}?{at.query(wanted, view='people')}"

    return address


@lists.get("/api/people")
def people_api() -> Response:
    """A page of the people of a filter, as JSON; ``page`` from 1, ``limit`` up to 1000."""
    from mapper.services import filter_lists

    at = _wanted_of_program()
    user, limit = reader(), request.args.get("limit", str(filter_lists.AT_ONCE))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= filter_lists.MOST_AT_ONCE):
        raise InvalidInput(mark("A page holds 1 to {most} people. Ask for as many."), most=filter_lists.MOST_AT_ONCE)
    found = filter_lists.people(installation().reference, user, at.question, page_asked(), int(limit))
    phones = user.role in OVERSEERS
    return jsonify(
        **_head(at, found.of),
        page=found.page,
        pages=found.pages,
        results=[_as_json(one, phones) for one in found.rows],
    )


@lists.get("/api/people/count")
def count_api() -> Response:
    """How many people and households a filter finds."""
    from mapper.services import filter_lists

    at = _wanted_of_program()
    return jsonify(**_head(at, filter_lists.count(installation().reference, reader(), at.question)))


def _wanted_of_program() -> Wanted:
    at = read_wanted()
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
