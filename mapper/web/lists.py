"""People and households of a filter: the page of lists, and filters kept by name.

What answers is imported when somebody asks: it is heavy, and a server starts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.campaign import Label
from mapper.domain.ledger import INSIDE
from mapper.domain.people_filter import NAMES, Obstacle, PeopleFilter, read_filter
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import NotFound, Unavailable, mark
from mapper.services import filter_words, saved_filters
from mapper.services.accounts import User
from mapper.services.background import Stage, Standing
from mapper.services.people_words import OUTCOMES, STATES, PeopleWords
from mapper.web.accounts import only_for, reader
from mapper.web.base_map import base_tiles
from mapper.web.drawing_words import tool_words
from mapper.web.filter_chips import chips, invited_sites, reason_words
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.wanted import Wanted, keep_private, page_asked, read_wanted

if TYPE_CHECKING:
    from mapper.maps.coverage_map import MapParts
    from mapper.services.filter_lists import Choices, Counted, FilterMap

VIEWS = {
    "people": mark("Person by person"),
    "houses": mark("House by house"),
    "map": mark("On the map"),
}
"""How what a filter finds is shown."""

USUAL = ("text", "areas", "group", "dose", "states", "age_from", "age_to")
"""Criteria that stand open; the others lie behind a heading."""

lists = Blueprint("lists", __name__)
_only_for_readers = only_for(*READERS)


@lists.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@lists.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


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
    word = reason_words(of, at.asked.day)
    return {
        "of": of,
        "shown": shown,
        "invited_sites": invited_sites(at),
        "map": drawn,
        "people_words": people_words,
        **_offered(at, filter_lists.choices(reference, user, at.question), word),
        "chips": chips(at, of, word),
        "narrowed": lambda area: _narrowed(at, area),
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
        "listed_areas": {str(one.area) for one in at.asked.choices},
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


def _narrowed(at: Wanted, area: str) -> str | None:
    """The list of those of one place; None where areas are asked for already, which it would widen."""
    if not area or at.wanted.areas:
        return None
    return f"{url_for('lists.page')}?{at.query(replace(at.wanted, areas=(area,)), view='people')}"


def _tidied(at: Wanted) -> str | None:
    """The address without what asks nothing, as a form sends it; None where it is so already."""
    given = [(name, value) for name, value in request.args.items(multi=True) if name in NAMES]
    if not any(value == "" and name != "reviews" for name, value in given):
        return None
    other: dict[str, Any] = {name: request.args[name] for name in ("view", "page", "lang") if request.args.get(name)}
    return f"{url_for('lists.page')}?{at.query(**other)}"


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
