"""The page of updates that contradict each other, for those who look after the canvassers' work."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.roles import OVERSEERS
from mapper.domain.updates import Compared, Value
from mapper.errors import mark
from mapper.services import conflicts, reporting
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

conflict_pages = Blueprint("conflicts", __name__)
_only_for_overseers = only_for(*OVERSEERS)

_WHAT = {
    "outcome": mark("How the visit ended"),
    "hamlet_code": mark("Hamlet"),
    "commune_code": mark("Commune"),
    "house_number": mark("House number"),
    "head": mark("Head of the household"),
    "phone": mark("Telephone"),
    "expected_members": mark("Number of people"),
    "name": mark("Name"),
    "born_on": mark("Date of birth"),
    "sex": mark("Sex"),
    "residence": mark("Where they live"),
    "away_place": mark("Place away from home"),
    "contraindicated": mark("Must not be vaccinated"),
    "contraindication": mark("Reason against vaccination"),
    "infected_on": mark("Last infection"),
    "deferred_until": mark("Deferred until"),
    "refused": mark("Refuses"),
}
_WORDS = {
    "interviewed": mark("interviewed"),
    "absent": mark("absent"),
    "refused": mark("refused"),
    "locked": mark("locked"),
    "moved_away": mark("moved away"),
    "here": mark("lives here"),
    "works_away": mark("works away"),
    "moved_in": mark("moved in"),
    "moved_out": mark("moved out"),
    "male": mark("male"),
    "female": mark("female"),
}
_WORDED = frozenset({"outcome", "residence", "sex"})


@conflict_pages.before_request
def _guard() -> Response | None:
    return _only_for_overseers()


@conflict_pages.get("/conflicts")
def page() -> str:
    """Updates of the reader's area that may contradict each other, side by side."""
    reference = installation().reference
    known = {each["id"]: each for each in reporting.campaigns(reference, chosen_language())}
    return render_template(
        "conflicts.html",
        contradictions=conflicts.contradictions(reference, reader()),
        listed=conflicts.LISTED,
        what=_what,
        shown=_shown,
        day=_day,
        labels={each: found["label"] for each, found in known.items()},
        done=get_flashed_messages(),
    )


@conflict_pages.post("/conflicts/<path:instance_id>")
def decide(instance_id: str) -> Response:
    """Let an update stand beside the others, or set it aside; then back to the list."""
    choice = request.form.get("choice", "")
    conflicts.decide(installation().reference, reader(), instance_id, choice)
    flash(say("Decided. The household was counted anew."))
    return redirect(url_for("conflicts.page"))


def _what(row: Compared) -> str:
    """What a property is called."""
    return say("Dose {dose}", dose=row.code) if row.what == "dose" else say(_WHAT[row.what])


def _shown(row: Compared, value: Value) -> str:
    """What an update tells of a property, in words."""
    if isinstance(value, tuple):
        given_on, vaccine = value
        parts = [_day(given_on) if given_on else say("day unknown"), vaccine or ""]
        return " · ".join(part for part in parts if part)
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, date):
        return _day(value)
    word = str(value)
    return say(_WORDS[word]) if row.what in _WORDED and word in _WORDS else word


def _day(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year}"
