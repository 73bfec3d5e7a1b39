"""The page of updates that contradict each other, for those who look after the canvassers' work."""

from __future__ import annotations

from datetime import date
from functools import partial

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.campaign import Campaign
from mapper.domain.people import Point, Property
from mapper.domain.roles import OVERSEERS
from mapper.domain.updates import DOSE, Compared, Value
from mapper.domain.whole import whole
from mapper.errors import mark
from mapper.services import conflicts
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
    "point": mark("Position"),
    "person": mark("Belongs to this household"),
    "name": mark("Name"),
    "born_on": mark("Date of birth"),
    "sex": mark("Sex"),
    "residence": mark("Where they live"),
    "contraindicated": mark("Must not be vaccinated"),
    "infected_on": mark("Last infection"),
    "deferred_until": mark("Deferred until"),
    "refused": mark("Refuses"),
    "vaccination_unknown": mark("Nobody knows of earlier doses"),
    "priorities": mark("Priority groups"),
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

DECIDED_LISTED = 20
"""Decisions on one page."""


@conflict_pages.before_request
def _guard() -> Response | None:
    return _only_for_overseers()


@conflict_pages.get("/conflicts")
def page() -> str:
    """Updates of the reader's area that may contradict each other, side by side; or those that were decided about."""
    reference = installation().reference
    settled, number = request.args.get("state") == "decided", _page_number()
    if settled:
        found = conflicts.decided(reference, reader(), DECIDED_LISTED + 1, (number - 1) * DECIDED_LISTED)
    else:
        found = conflicts.contradictions(reference, reader())
    words = conflicts.words(reference, {one.campaign.id for one in found}, chosen_language())
    return render_template(
        "conflicts.html",
        contradictions=found[:DECIDED_LISTED] if settled else found,
        settled=settled,
        number=number,
        older=settled and len(found) > DECIDED_LISTED,
        listed=conflicts.LISTED,
        what=_what,
        shown=partial(_shown, words),
        field=_field,
        day=_day,
        language=chosen_language(),
        done=get_flashed_messages(),
    )


def _page_number() -> int:
    return whole(request.args.get("page", ""), 99_999) or 1


@conflict_pages.post("/conflicts/<path:instance_id>")
def decide(instance_id: str) -> Response:
    """Say which of the updates is right about what, or take back what was said; then back to the list."""
    reference = installation().reference
    if request.form.get("take_back"):
        conflicts.take_back(reference, reader(), instance_id)
        flash(say("Taken back. The household was counted anew, and waits to be decided about again."))
        return redirect(url_for("conflicts.page", state="decided"))
    chosen = {_property(name): value for name, value in request.form.items() if name.startswith(_FIELD) and value}
    choice = conflicts.Choice(
        tuple(request.form.getlist("side")),
        chosen,
        request.form.get("all_of") or None,
        request.form.get("nothing_of") or None,
    )
    conflicts.decide(reference, reader(), instance_id, choice)
    flash(say("Decided. The household was counted anew."))
    return redirect(url_for("conflicts.page"))


_FIELD = "of:"


def _field(row: Compared) -> str:
    """The name under which the page asks about a property; the person's id, which may hold anything, stands last."""
    return f"{_FIELD}{row.what}:{row.code}:{row.person}"


def _property(name: str) -> Property:
    what, code, person, *_ = *name.removeprefix(_FIELD).split(":", 2), "", ""
    return person, what, code


def _what(campaign: Campaign, row: Compared) -> str:
    """What a property is called."""
    if row.what != DOSE:
        return say(_WHAT[row.what])
    label = campaign.doses.get(row.code)
    return label[chosen_language()] if label else say("Dose {dose}", dose=row.code)


def _shown(words: conflicts.Words, campaign: Campaign, row: Compared, value: Value | None) -> str:
    """What an update tells of a property, in words."""
    called = words[campaign.id].get(row.what, {})
    if isinstance(value, tuple):
        first, more = value
        if row.what == DOSE:
            label = campaign.vaccines.get(str(more))
            parts = [_day(first) if isinstance(first, date) else say("day unknown")]
            parts.append(label[chosen_language()] if label else str(more or ""))
        else:
            reason = str(more or "")
            parts = [_shown(words, campaign, row, first) if first is not None else "", called.get(reason, reason)]
        return " · ".join(part for part in parts if part)
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, date):
        return _day(value)
    if isinstance(value, Point):
        accuracy = "" if value.accuracy_m is None else f" (±{value.accuracy_m:.0f} m)"
        return f"{value.lat:.5f}, {value.lon:.5f}{accuracy}"
    word = str(value)
    if row.what == "priorities":
        return ", ".join(called.get(each, each) for each in word.split())
    return say(_WORDS[word]) if row.what in _WORDED and word in _WORDS else word


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
