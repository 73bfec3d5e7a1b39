"""The audit trail in words: whom and what its entries are about, for a page and for a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from mapper.domain.places import order_key
from mapper.domain.roles import Role
from mapper.domain.whole import whole
from mapper.errors import mark
from mapper.services import audit, users
from mapper.services.accounts import HAMLET_LIST, User
from mapper.services.audit import Entry
from mapper.services.reference import Known, Reference
from mapper.store import accounts as kept
from mapper.store import edits, mendings, reviews, submissions
from mapper.store.audit import About
from mapper.store.database import Connection

PORTION = 1000
"""Entries read at once for a file."""

_OF_USERS = frozenset({"from", "to", "user"})
_OF_PLACES = frozenset(
    {
        "area.drawn",
        "area.removed",
        "hamlet.moved",
        "responsible.removed",
        "responsible.set",
        "target.removed",
        "target.set",
    }
)
_OF_COMMUNES = frozenset({"user.cards"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of an entry. name: to be translated, as value is where it is a word of the program."""

    name: str
    value: str
    is_word: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An entry in words. subject: whom or what it is about, in words where there are any.

    user: number of the account that it is about, None for another thing; submission: an instance id, "" for none.
    """

    entry: Entry
    subject: str
    facts: tuple[Fact, ...]
    user: int | None
    submission: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for. day: in Vietnam; about: a submission, for entries about its household alone."""

    action: str = ""
    user_id: int | None = None
    day: date | None = None
    about: str = ""


def entries(reference: Reference, wanted: Wanted, limit: int, before: int | None = None) -> list[Told]:
    """The newest entries first; before: only those of a lower number. For administrators of the whole installation."""
    about = _about(reference, wanted.about) if wanted.about else None
    found = audit.entries(reference, limit, before, wanted.action, wanted.user_id, wanted.day, about)
    with reference.database.read() as connection:
        known = reference.known(connection)
        names = {one.id: one.name for one in kept.everyone(connection)}
        return [_told(connection, known, names, one) for one in found]


def actors(reference: Reference) -> list[tuple[int, str]]:
    """Number and name of everybody who can have done what is entered, by name: canvassers do nothing on pages."""
    with reference.database.read() as connection:
        found = [(one.id, one.name) for one in kept.everyone(connection) if one.role != Role.CANVASSER]
    return sorted(found, key=lambda one: order_key(one[1]))


def download(reference: Reference, by: User, wanted: Wanted) -> Iterator[list[Told]]:
    """Every entry asked for, the newest first, some at a time; that they were taken is entered before."""
    asked = {"action": wanted.action, "user": wanted.user_id or "", "day": wanted.day or "", "about": wanted.about}
    with reference.database.write() as connection:
        facts = {name: value for name, value in asked.items() if value}
        audit.record(reference, connection, by.id, by.name, "audit.downloaded", "audit", facts)

    def portions() -> Iterator[list[Told]]:
        before: int | None = None
        while found := entries(reference, wanted, PORTION, before):
            yield found
            before = found[-1].entry.seq

    return portions()


def _about(reference: Reference, instance_id: str) -> About:
    """The household that a submission tells of, with all that were joined with it, and all that was sent of them.

    Of one that tells of none, or is here no more, itself and its versions.
    """
    database = reference.database
    with database.read() as connection:
        versions = reviews.lineage(connection, instance_id)
        ids, homes = {instance_id, *versions}, set[str]()
        told = (edits.household_of(connection, each) for each in reversed(versions))
        house = next((each for each in told if each is not None), None)
        if house is not None:
            joined = mendings.holding(database, connection, [house]).houses
            homes = {house[1], *(each for campaign_id, each in joined if campaign_id == house[0])}
            ids |= set(submissions.sent_of(database, connection, house[0], sorted(homes)))
    return About(ids, homes)


def _told(connection: Connection, known: Known, names: dict[int, str], one: Entry) -> Told:
    user = int(one.subject) if one.action.startswith("user.") and _is_number(one.subject) else None
    if one.action in _OF_COMMUNES:
        user, subject = None, users.place_of(connection, known, known.home or "", one.subject).label
    elif one.action in _OF_PLACES:
        subject = _places(connection, known, one.subject)
    else:
        subject = names.get(user, one.subject) if user is not None else one.subject
    facts = []
    for name, value in one.facts.items():
        word = audit.VALUES.get((name, value)) or (audit.ACTIONS.get(value) if name == "action" else None)
        shown = word or value
        if name in _OF_USERS and _is_number(value):
            shown = names.get(int(value), value)
        elif name == "areas" and not value:
            word = shown = mark("everything")
        elif name == "areas":
            shown = ", ".join(_places(connection, known, written) for written in value.split())
        facts.append(Fact(audit.FACTS.get(name, name), shown, word is not None))
    submission = one.subject if one.action.startswith(("submission.", "conflict.")) else ""
    return Told(one, subject, tuple(facts), user, submission)


def _places(connection: Connection, known: Known, written: str) -> str:
    """A place, SET:CODE, by its name."""
    set_id, _, code = written.partition(":")
    if not code:
        return written
    place = users.place_of(connection, known, "" if set_id == HAMLET_LIST else set_id, code)
    return f"{place.label} ({place.within})" if place.within else place.label


def _is_number(text: str) -> bool:
    return whole(text) is not None
