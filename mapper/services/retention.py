"""How long a campaign's people and photos are kept: never shorter than somebody said, and told before it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from mapper.errors import Conflict, InvalidInput, mark
from mapper.services import audit, notice_board
from mapper.services.accounts import User
from mapper.services.counting import EVERYTHING
from mapper.services.erased import Marks
from mapper.services.reducing import Portions, reduce, take_files
from mapper.services.reference import Reference
from mapper.store import erasing, retention
from mapper.store import reference as kept
from mapper.store.database import Connection

NOTICE = timedelta(days=7)
"""So long before it is done by itself it stands in the trail that it will be."""

LONGEST = 36_500

SILENT = timedelta(minutes=3)

WORDS: Mapping[str, str] = {
    "files": mark("photos and other files"),
    "submissions": mark("submissions deleted, with all their versions"),
    "people": mark("people of the register"),
    "slips": mark("slips, which no longer hold"),
    "register": mark("entries in extracts of the national register"),
    "plans_gone": mark("plans"),
}
"""What goes, by its word in the record, in words."""


class Part(StrEnum):
    """What goes when its time is over: photos and other files, or everybody, of whom numbers stay."""

    PHOTOS = "photos"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Policy:
    """Of a campaign. end: its last day; photos, people: days after it, None for as long as nobody says otherwise."""

    end: date
    photos: int | None = None
    people: int | None = None

    def due_on(self, part: Part) -> date | None:
        """The first day on which something may go."""
        days = self.photos if part is Part.PHOTOS else self.people
        return None if days is None else self.end + timedelta(days=days)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A part of a campaign on its way out. number: of the erasure; taken: how much of what; files, people: gone so far.

    told_at: ISO time in UTC when that was last told; one that has been silent for SILENT was cut off.
    """

    part: Part
    number: int
    taken: Mapping[str, int]
    files: int
    told_at: str
    people: int = 0

    @property
    def share(self) -> float:
        """Done of it, 0..1."""
        of = self.taken["files"] + self.taken.get("people", 0)
        return min(1.0, (self.files + self.people) / of) if of else 1.0

    @property
    def silent(self) -> bool:
        """Whether nobody has told how far it is for a while: who worked at it has died."""
        return datetime.fromisoformat(self.told_at) + SILENT < datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands. numbers: of what there is, empty where nobody asked; announced: since when the trail tells
    what is to go; done: days on which it went; under_way: what is being taken out.
    """

    campaign_id: str
    policy: Policy | None
    numbers: Mapping[str, int]
    announced: Mapping[str, str]
    done: Mapping[str, str]
    under_way: UnderWay | None = None

    def due(self, day: date) -> list[Part]:
        """What may go on a day, and has not."""
        if self.policy is None:
            return []
        found = [(part, self.policy.due_on(part)) for part in Part if part not in self.done]
        return [part for part, on in found if on is not None and on <= day]

    def goes_on(self, part: Part) -> date | None:
        """The day on which a server takes a part out by itself; None before that is announced."""
        since = self.announced.get(part)
        return None if since is None or part in self.done else date.fromisoformat(since) + NOTICE

    def done_on(self, part: Part) -> date:
        """The day on which a part went. Raises KeyError for one that is there."""
        return date.fromisoformat(self.done[part])


def standings(reference: Reference, *, counted: bool = True) -> list[Standing]:
    """Every campaign. counted: with the numbers of what there is."""
    with reference.database.read() as connection:
        return [_standing(connection, each, counted) for each in reference.known(connection).campaigns]


def standing(reference: Reference, campaign_id: str, *, counted: bool = True) -> Standing:
    """One of them. Raises NotFound."""
    with reference.database.read() as connection:
        reference.known(connection).campaign(campaign_id)
        return _standing(connection, campaign_id, counted)


def set_policy(reference: Reference, user: User | None, campaign_id: str, policy: Policy | None) -> None:
    """Say how long a campaign is kept, None for ever again. Raises InvalidInput, NotFound."""
    for days in (policy.photos, policy.people) if policy else ():
        if days is not None and not 0 <= days <= LONGEST:
            raise InvalidInput(mark("Write a number of days from 0 to {most}."), most=LONGEST)
    with reference.database.write() as connection:
        reference.known(connection).campaign(campaign_id)
        if _under_way(connection, campaign_id) is not None:
            raise Conflict(mark("It is being taken out just now. Wait until that is done."))
        if policy is None:
            kept.forget_fact(connection, _fact("policy", campaign_id))
        else:
            told = asdict(policy) | {"end": policy.end.isoformat()}
            kept.set_fact(reference.database, connection, _fact("policy", campaign_id), json.dumps(told))
        kept.forget_fact(connection, _fact("announced", campaign_id))
        facts = {name: value for name, value in (asdict(policy) if policy else {}).items() if value is not None}
        _record(reference, connection, user, "retention.set", campaign_id, facts)


def carry_out(reference: Reference, user: User | None, campaign_id: str, part: Part, day: date) -> Mapping[str, int]:
    """Take out what is due of a campaign; how much there was. Raises Conflict where its time is not over.

    Phones are refused what goes from the first moment; files and people go some at a time while others write. Cut off
    at any moment, the same call goes on with it, and a server does so by itself.
    """
    work = begin(reference, user, campaign_id, part, day)

    def told(files: int, people: int) -> Portions:
        def tell(connection: Connection, gone: int) -> None:
            _tell(reference, connection, campaign_id, gone * files, gone * people)

        return Portions(reference, tell)

    take_files(reference, campaign_id, told(1, 0))
    if part is Part.PEOPLE:
        reduce(reference, campaign_id, told(0, 1), work.told_at, user.id if user else None)
    return _finish(reference, user, campaign_id, part, day)


def begin(reference: Reference, user: User | None, campaign_id: str, part: Part, day: date) -> UnderWay:
    """Note that a part of a campaign goes, and keep out from now on what phones still send of it; where that was noted
    before, as it stands. Raises Conflict where its time is not over, or another part is on its way.
    """
    database = reference.database
    with database.write() as connection:
        database.lock(connection, erasing.LOCK)
        database.lock(connection, EVERYTHING)
        reference.known(connection).campaign(campaign_id)
        found = _standing(connection, campaign_id, counted=True)
        if found.under_way is not None and found.under_way.part is part:
            return found.under_way
        if found.under_way is not None or part not in found.due(day):
            raise Conflict(mark("The time of this campaign is not over, or nobody set one: retention set."))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        number = erasing.add(connection, campaign_id, "campaign", "retention", user.id if user else None, at)
        taken = {name: found.numbers[name] for name in (("files",) if part is Part.PHOTOS else found.numbers)}
        marks = Marks(reference, connection, make=True)
        erasing.add_marks(database, connection, number, part, {marks.of(part, campaign_id): None})
        erasing.set_taken(connection, number, taken)
        work = UnderWay(part, number, taken, 0, at)
        _note(reference, connection, campaign_id, work)
        kept.raise_revision(database, connection)
        _record(
            reference, connection, user, f"retention.begun_{part.value}", campaign_id, {"number": sum(taken.values())}
        )
    reference.forget()
    return work


def _tell(reference: Reference, connection: Connection, campaign_id: str, files: int, people: int) -> None:
    """Write down how far it is; nothing where another process has finished."""
    work = _under_way(connection, campaign_id)
    if work is not None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        after = replace(work, files=work.files + files, people=work.people + people, told_at=at)
        _note(reference, connection, campaign_id, after)


def _finish(reference: Reference, user: User | None, campaign_id: str, part: Part, day: date) -> Mapping[str, int]:
    """All is gone: what is left is short. Nothing where another process was faster."""
    database = reference.database
    with database.write() as connection:
        database.lock(connection, erasing.LOCK)
        database.lock(connection, EVERYTHING)
        found = _standing(connection, campaign_id, counted=False)
        work = found.under_way
        if work is None or work.part is not part:
            return {}
        at = datetime.now(UTC).isoformat(timespec="seconds")
        if part is Part.PEOPLE:
            notice_board.forget_people(connection)
            retention.delete_filters(connection, campaign_id)
        erasing.delete_asked_files(connection)
        done = {**found.done, part.value: day.isoformat()}
        kept.set_fact(database, connection, _fact("done", campaign_id), json.dumps(done))
        kept.forget_fact(connection, _fact("under way", campaign_id))
        kept.set_fact(database, connection, erasing.DUE, at)
        kept.raise_revision(database, connection)
        _record(
            reference, connection, user, f"retention.{part.value}", campaign_id, {"number": sum(work.taken.values())}
        )
    reference.forget()
    return work.taken


def see_to(reference: Reference, day: date) -> None:
    """What a server does by itself: announce in the trail what is due, and take it out NOTICE later.

    It also goes on with what somebody's process left behind.
    """
    for standing in standings(reference):
        if standing.under_way is not None:
            if standing.under_way.silent:
                carry_out(reference, None, standing.campaign_id, standing.under_way.part, day)
            continue
        for part in standing.due(day):
            since = standing.announced.get(part)
            if since is None:
                _announce(reference, standing, part, day)
            elif date.fromisoformat(since) + NOTICE <= day:
                carry_out(reference, None, standing.campaign_id, part, day)


def _announce(reference: Reference, standing: Standing, part: Part, day: date) -> None:
    with reference.database.write() as connection:
        told = {**_told(connection, "announced", standing.campaign_id), part.value: day.isoformat()}
        kept.set_fact(reference.database, connection, _fact("announced", standing.campaign_id), json.dumps(told))
        facts = {"number": sum(standing.numbers.values()), "day": day + NOTICE}
        _record(reference, connection, None, "retention.announced", standing.campaign_id, facts)


def _standing(connection: Connection, campaign_id: str, counted: bool) -> Standing:
    said = _told(connection, "policy", campaign_id)
    policy = Policy(**{**said, "end": date.fromisoformat(said["end"])}) if said else None
    numbers = retention.numbers(connection, campaign_id) if counted else {}
    announced, done = _told(connection, "announced", campaign_id), _told(connection, "done", campaign_id)
    return Standing(campaign_id, policy, numbers, announced, done, _under_way(connection, campaign_id))


def _told(connection: Connection, what: str, campaign_id: str) -> dict[str, Any]:
    return json.loads(kept.fact(connection, _fact(what, campaign_id)) or "{}")  # type: ignore[no-any-return]


def _under_way(connection: Connection, campaign_id: str) -> UnderWay | None:
    told = _told(connection, "under way", campaign_id)
    return UnderWay(**{**told, "part": Part(told["part"])}) if told else None


def _note(reference: Reference, connection: Connection, campaign_id: str, work: UnderWay) -> None:
    kept.set_fact(reference.database, connection, _fact("under way", campaign_id), json.dumps(asdict(work)))


def _fact(what: str, campaign_id: str) -> str:
    return f"retention {what} {campaign_id}"


def _record(
    reference: Reference,
    connection: Connection,
    user: User | None,
    action: str,
    campaign_id: str,
    facts: Mapping[str, object],
) -> None:
    name = audit.COMMAND_LINE if user is None else user.name
    audit.record(reference, connection, user.id if user else None, name, action, campaign_id, facts)
