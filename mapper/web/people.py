"""The people, or the houses, behind a figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import people_list, reporting
from mapper.services.people_words import OUTCOMES, STATES, PeopleWords
from mapper.services.reporting import UnitFigures
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language

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

people = Blueprint("people", __name__)
_only_for_readers = only_for(*READERS)


@people.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@people.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@people.get("/people")
def page() -> str:
    """Who is behind a figure: the shared question with ``state`` and ``reason``, or with ``houses``."""
    asked = ask()
    if asked is None:
        return render_template("people.html", asked=None)
    reference, user = installation().reference, reader()
    total = reporting.coverage(reference, user, asked.question(asked.boundary_set["levels"][-1]), asked.area).total
    wanted = request.args.get("houses", "")
    shared = {
        "asked": asked,
        "total": total,
        "figures": FIGURES,
        "numbers": _numbers(total),
        "houses": HOUSES,
        "house_numbers": _house_numbers(total, people_list.house_counts(reference, user, asked.question(), asked.area)),
        "phones": user.role in OVERSEERS,
        "outcomes": OUTCOMES,
        "state_words": STATES,
    }
    if wanted:
        return _houses(asked, wanted, shared)
    figure = request.args.get("state", "")
    shown = people_list.people(reference, user, asked.question(), asked.area, figure, _page())
    words = PeopleWords.of(reference, shown.campaign, chosen_language(), asked.day)
    return render_template(
        "people.html",
        shown=shown,
        rows=shown.people,
        words=words,
        figure=figure,
        wanted="",
        turn=_turning(asked, state=figure, reason=request.args.get("reason")),
        **shared,
    )


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
        shown = people_list.houses(here.reference, user, asked.question(), asked.area, figure, _page())
    return render_template(
        "people.html",
        shown=shown,
        rows=shown.houses if shown else (),
        figure="",
        wanted=wanted,
        turn=_turning(asked, houses=wanted),
        **shared,
    )


def _turning(asked: Asked, **chosen: str | None) -> Callable[[int], str]:
    """The address of a page of the list."""

    def turn(page: int) -> str:
        parts: dict[str, Any] = asked.query(**chosen, page=page)
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


def _page() -> int:
    """The page asked for, from 1. Raises NotFound for what is no number."""
    told = request.args.get("page", "1")
    if not (told.isascii() and told.isdecimal() and len(told) < 10):
        raise NotFound(mark("There is no page {page} of this list."), page=told[:20])
    return int(told)
