"""The people, or the houses, behind a figure of the ledger; ``web/behind.py`` says what is for which page of people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.ledger import State
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import InvalidInput, mark
from mapper.services import people_list, reasons, reporting
from mapper.services.area_ledger import OTHERS, AreaWithin
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.people_list import PeopleList
from mapper.services.people_words import KINDS, OUTCOMES, STATES, PeopleWords
from mapper.services.questions import HAMLET
from mapper.services.ways import Missing
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.behind import Behind
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.pages import count
from mapper.web.reading_people import be_read, reading_progress
from mapper.web.wanted import page_asked

FIGURES = {
    "": mark("everybody registered"),
    "group": mark("everybody of the group"),
    "eligible": mark("counted in the coverage"),
    "not_vaccinated": mark("everybody not vaccinated"),
    **{state.value: words for state, words in STATES.items()},
}
"""What can be asked for, in words."""

HOUSES = {
    "expected": mark("expected by the list"),
    "visited": mark("visited"),
    "interviewed": mark("interviewed"),
    "closed": mark("nobody met"),
    "refused": mark("interview refused"),
    "vacant": mark("nobody lives here now"),
    "never": mark("never visited"),
}
"""The same of houses."""

BRANCHES = STATES | {
    State.DUE: mark("due, reached and not vaccinated yet"),
    State.WAITING: mark("waiting"),
}
"""The branches of the tree of reasons."""

people = Blueprint("people", __name__)
not_vaccinated = Blueprint("reasons", __name__)
_only_for_readers = only_for(*READERS)


@people.before_request
@not_vaccinated.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@people.after_request
@not_vaccinated.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@people.get("/people")
def page() -> str:
    """Who is behind a figure: the shared question with ``state`` and ``reason``, or with ``houses``."""
    asked = ask()
    if asked is None:
        return render_template("people.html", asked=None)
    reference, user, area = installation().reference, reader(), _area(asked)
    total = reporting.coverage(reference, user, asked.question(asked.boundary_set["levels"][-1]), area).total
    wanted = request.args.get("houses", "")
    shared = {
        "asked": asked,
        "query": partial(asked.query, within=request.args.get("within")),
        "figures": FIGURES,
        "numbers": _numbers(total),
        "houses": HOUSES,
        "house_numbers": _house_numbers(total, people_list.house_counts(reference, user, asked.question(), asked.area)),
        "filtered": _filtered(asked, request.args.get("state", "")) if not wanted else None,
        "phones": user.role in OVERSEERS,
        "outcomes": OUTCOMES,
        "state_words": STATES,
    }
    if wanted:
        return _houses(asked, wanted, shared)
    figure = request.args.get("state", "")
    shown = people_list.people(
        reference, user, asked.question(), area, figure, page_asked(), request.args.get("reason", "")
    )
    if isinstance(shown, Missing):
        told = request.args.get("reason", "")
        parts = {"shown": None, "figure": figure, "wanted": "", "told": told}
        return render_template("people.html", **parts, **_being_read(shown), **shared)
    words = PeopleWords.of(reference, shown.campaign, chosen_language(), asked.day)
    return render_template(
        "people.html",
        shown=shown,
        rows=shown.people,
        words=words,
        figure=figure,
        reason=_reason(shown, words),
        wanted="",
        turn=_turning(asked, state=figure, reason=request.args.get("reason")),
        **shared,
    )


def _area(asked: Asked) -> Area | None:
    """The area asked for; of a hamlet, where the address says so, only what lies in one unit."""
    within = request.args.get("within", "")
    if asked.area is None or not within:
        return asked.area
    return AreaWithin(asked.area.level, asked.area.code, within)


def _houses(asked: Asked, wanted: str, shared: dict[str, object]) -> str:
    """The page of houses. Those that nobody went to are a number only: no list names them."""
    if wanted not in HOUSES:
        raise InvalidInput(
            mark("There is no figure {figure}. Choose one of: {figures}."),
            figure=wanted[:40],
            figures=", ".join(HOUSES),
        )
    shown = None
    if wanted != "never":
        figure = "visited" if wanted == "expected" else wanted
        here, user = installation(), reader()
        shown = people_list.houses(here.reference, user, asked.question(), _area(asked), figure, page_asked())
    return render_template(
        "people.html",
        shown=shown,
        rows=shown.houses if shown else (),
        figure="",
        wanted=wanted,
        turn=_turning(asked, houses=wanted),
        **shared,
    )


def _filtered(asked: Asked, figure: str) -> str | None:
    """Address of the same people as a filter, to be narrowed further; None where no filter says it."""
    states = people_list.FIGURES.get(figure)
    if states is None or request.args.get("within") or request.args.get("reason"):
        return None
    wanted = PeopleFilter(areas=(asked.state["area"],) if asked.state["area"] else ())
    if figure:
        asks = frozenset() if states == people_list.FIGURES["group"] else states
        wanted = replace(wanted, group=asked.state["group"], dose=asked.state["dose"], states=asks)
    return Behind(asked).found(wanted)


def _being_read(missing: Missing) -> dict[str, object]:
    """What a page says while the people are read on whom its figures depend."""
    return {"unread": missing.people, "standing": be_read(missing, bool(request.args.get("again")))}


def _reason(shown: PeopleList, words: PeopleWords) -> str:
    """The kind and the reason asked for, in the words of the first who has it; "" where none is."""
    told = request.args.get("reason", "")
    if not told or not shown.people:
        return ""
    first = shown.people[0].why
    kind = say(KINDS[first.kind]) if first.kind in KINDS else ""
    if told.endswith(f".{OTHERS}"):
        return ": ".join(part for part in (kind, say("other answers")) if part)
    named = words.reason(first.reason) if first.reason and "." in told else ""
    return ": ".join(part for part in (kind, named) if part)


def _turning(asked: Asked, **chosen: str | None) -> Callable[[int], str]:
    """The address of a page of the list."""

    def turn(page: int) -> str:
        parts: dict[str, Any] = asked.query(**chosen, page=page, within=request.args.get("within"))
        return url_for("people.page", **parts)

    return turn


def _numbers(total: UnitFigures) -> dict[str, int]:
    """How many people each figure counts."""
    inside = {state.value: number for state, number in total.states.items()}
    everybody = sum(inside.values())
    return {
        "": total.people,
        "group": everybody,
        "eligible": total.eligible,
        "not_vaccinated": everybody - inside["vaccinated"],
        **inside,
        "outside": total.outside,
    }


def _house_numbers(total: UnitFigures, found: dict[str, int]) -> dict[str, int | None]:
    """How many houses; None where no list says how many there are."""
    houses = total.houses
    known = houses.expected is not None
    return {"expected": houses.expected, **found, "never": houses.unvisited if known else None}


@not_vaccinated.get("/reasons", endpoint="page")
def reasons_page() -> str:
    """Why people of the group are not vaccinated, down to what was said at the door; and unit by unit."""
    asked = ask()
    if asked is None:
        return render_template("reasons.html", asked=None)
    reference, user = installation().reference, reader()
    level = reasons.level_within(reference, user, asked.state["set"], asked.area)
    tree = reasons.tree(reference, user, asked.question(level), _area(asked))
    return render_template(
        "reasons.html",
        asked=asked,
        query=partial(asked.query, within=request.args.get("within")),
        tree=tree,
        words=PeopleWords.of(reference, tree.answer.campaign, chosen_language(), asked.day),
        rows=[] if asked.area and asked.area.level == HAMLET else [one for one in tree.answer.units if sum(one.counts)],
        level=level,
        states=STATES,
        kinds=KINDS,
        **(_being_read(tree.unread) if tree.unread else {}),
        branches=BRANCHES,
        columns=STATES,
        share=_share,
        hamlets=level == HAMLET,
    )


@not_vaccinated.get("/reasons/progress")
def progress() -> Response:
    """How far the reading of the people of this address is, for the scripts of these pages."""
    asked = ask()
    missing = None
    if asked is not None:
        missing = reasons.unread(installation().reference, reader(), asked.question(), _area(asked))
    return reading_progress(missing)


def _share(number: int, of: int) -> str:
    """A part in per cent; never 0 or 100 where it is not."""
    if not of:
        return "–"
    share = round(100 * number / of, 1)
    if number < of:
        share = min(share, 99.9)
    if number and not share:
        return say("under {share}%", share=count(0.1))
    return say("{share}%", share=count(share))
