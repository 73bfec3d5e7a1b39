"""Who comes into a group, or becomes due for a dose, in the days ahead.

What answers is imported when somebody asks: it is heavy, and a server starts without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.people_filter import Entering, read_filter
from mapper.domain.roles import READERS
from mapper.errors import Unavailable
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.installation import installation
from mapper.web.wanted import Wanted, keep_private

if TYPE_CHECKING:
    from mapper.services.background import Standing

AHEAD = 13
"""So many days ahead the table of who is coming looks, besides the first."""

upcoming = Blueprint("upcoming", __name__)
_only_for_readers = only_for(*READERS)


@upcoming.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@upcoming.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


@upcoming.get("/upcoming")
def page() -> str:
    """Who comes into the group, or becomes due, between two days: by unit and day, each number with its list."""
    from mapper.services import filter_lists

    asked = ask()
    if asked is None:
        return render_template("upcoming.html", asked=None)
    told = request.args
    last = asked.day + min(timedelta(days=AHEAD), date.max - asked.day)
    kind = Entering.GROUP if told.get("kind") == Entering.GROUP else Entering.DUE
    wanted = read_filter(
        {
            "group": [asked.state["group"]],
            "dose": [asked.state["dose"]] if kind is Entering.DUE else [],
            "areas": [asked.state["area"]],
            "entering": [kind.value],
            "entering_from": [told.get("from") or asked.state["date"]],
            "entering_to": [told.get("to") or last.isoformat()],
        }
    )
    at = Wanted(asked, wanted)
    shared = {"asked": asked, "at": at, "wanted": wanted, "kind": kind}
    try:
        found = filter_lists.coming(installation().reference, reader(), at.question)
    except Unavailable as waiting:
        standing: Standing[None] | None = getattr(waiting, "standing", None)
        if standing is None:
            raise
        return render_template("upcoming.html", **shared, standing=standing)
    return render_template("upcoming.html", **shared, found=found, list_of=_list_of(at, found.of.places.leaf))


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
