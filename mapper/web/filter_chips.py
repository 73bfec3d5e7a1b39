"""The chosen criteria of a filter in words, each with the address that leaves it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import request, url_for

from mapper.domain.people_filter import Entering, PeopleFilter
from mapper.services import accounts, filter_words, invitations
from mapper.services.people_words import PeopleWords
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.wanted import Wanted

if TYPE_CHECKING:
    from mapper.services.filter_lists import Counted


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
    sites = dict(invited_sites(at)) if at.wanted.invited_sites else {}
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
            if one.name == "invited_sites":
                told = f"{say(filter_words.NAMES['invited_sites'])} {sites.get(each, each)}"
            without = _consistent(replace(at.wanted, **{one.name: rest}))
            found.append(Chip(told, f"{url_for('lists.page')}?{at.query(without, view=view)}"))
    return found


def invited_sites(at: Wanted) -> list[tuple[str, str]]:
    """Codes and names of sites to which plans in use ask people; the first that is chosen stays among them."""
    _, sites = invitations.days_and_sites(installation().reference, at.asked.state["campaign"], at.asked.day)
    listed = {code for code, _ in sites}
    return [*((code, code) for code in at.wanted.invited_sites[:1] if code not in listed), *sites]


def reason_words(of: Counted, day: date) -> Callable[[str], str]:
    """How a reason, or a priority group, is called by the form that it was written in."""
    from mapper.services.filter_lists import priority_words

    reference, language = installation().reference, chosen_language()
    people_words = PeopleWords.of(reference, of.campaign, language, day)
    priorities = priority_words(reference, of.campaign.id, language)
    return lambda written: priorities.get(written) or people_words.reason(written)


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

    users = (accounts.by_id(installation().reference, number) for number in numbers)
    return {user.id: user.name for user in users if user is not None}
