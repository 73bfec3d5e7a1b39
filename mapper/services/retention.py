"""How long a campaign's people and photos are kept: never shorter than somebody said, and told before it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from mapper.errors import Conflict, InvalidInput, mark
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.counting import EVERYTHING
from mapper.services.erased import Marks
from mapper.services.reference import Reference
from mapper.store import erasing, retention, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.tables import HOUSE_COLUMNS

NOTICE = timedelta(days=7)
"""So long before it is done by itself it stands in the trail that it will be."""

LONGEST = 36_500


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
class Standing:
    """How a campaign stands. numbers: of what there is; announced: since when the trail tells what is to go; done: days
    on which it went."""

    campaign_id: str
    policy: Policy | None
    numbers: Mapping[str, int]
    announced: Mapping[str, str]
    done: Mapping[str, str]

    def due(self, day: date) -> list[Part]:
        """What may go on a day, and has not."""
        if self.policy is None:
            return []
        found = [(part, self.policy.due_on(part)) for part in Part if part not in self.done]
        return [part for part, on in found if on is not None and on <= day]


def standings(reference: Reference) -> list[Standing]:
    """Every campaign."""
    with reference.database.read() as connection:
        return [_standing(connection, each) for each in reference.known(connection).campaigns]


def set_policy(reference: Reference, user: User | None, campaign_id: str, policy: Policy | None) -> None:
    """Say how long a campaign is kept, None for ever again. Raises InvalidInput, NotFound."""
    for days in (policy.photos, policy.people) if policy else ():
        if days is not None and not 0 <= days <= LONGEST:
            raise InvalidInput(mark("Write a number of days from 0 to {most}."), most=LONGEST)
    with reference.database.write() as connection:
        reference.known(connection).campaign(campaign_id)
        if policy is None:
            kept.forget_fact(connection, _fact("policy", campaign_id))
        else:
            told = asdict(policy) | {"end": policy.end.isoformat()}
            kept.set_fact(reference.database, connection, _fact("policy", campaign_id), json.dumps(told))
        kept.forget_fact(connection, _fact("announced", campaign_id))
        facts = {name: value for name, value in (asdict(policy) if policy else {}).items() if value is not None}
        _record(reference, connection, user, "retention.set", campaign_id, facts)


def carry_out(reference: Reference, user: User | None, campaign_id: str, part: Part, day: date) -> Mapping[str, int]:
    """Take out what is due of a campaign; how much there was. Raises Conflict where its time is not over."""
    database = reference.database
    with database.write() as connection:
        database.lock(connection, erasing.LOCK)
        database.lock(connection, EVERYTHING)
        reference.known(connection).campaign(campaign_id)
        standing = _standing(connection, campaign_id)
        if part not in standing.due(day):
            raise Conflict(mark("The time of this campaign is not over, or nobody set one: retention set."))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        number = erasing.add(connection, campaign_id, "campaign", "retention", user.id if user else None, at)
        taken = {name: standing.numbers[name] for name in (("files",) if part is Part.PHOTOS else standing.numbers)}
        if part is Part.PHOTOS:
            retention.delete_files(connection, campaign_id)
        else:
            retention.reduce_to_counts(database, connection, campaign_id)
            nothing = [0] * len(HOUSE_COLUMNS)
            cells = retention.cells_of(connection, campaign_id)
            tallies.add(database, connection, [], {(campaign_id, cell, 0): nothing for cell in cells})
        marks = Marks(reference, connection, make=True)
        erasing.add_marks(database, connection, number, part, {marks.of(part, campaign_id): None})
        erasing.set_taken(connection, number, taken)
        erasing.delete_asked_files(connection)
        done = {**standing.done, part.value: day.isoformat()}
        kept.set_fact(database, connection, _fact("done", campaign_id), json.dumps(done))
        kept.set_fact(database, connection, erasing.DUE, at)
        kept.raise_revision(database, connection)
        _record(reference, connection, user, f"retention.{part.value}", campaign_id, {"number": sum(taken.values())})
    reference.forget()
    return taken


def see_to(reference: Reference, day: date) -> None:
    """What a server does by itself: announce in the trail what is due, and take it out NOTICE later."""
    for standing in standings(reference):
        for part in standing.due(day):
            since = standing.announced.get(part)
            if since is None:
                _announce(reference, standing, part, day)
            elif date.fromisoformat(since) + NOTICE <= day:
                carry_out(reference, None, standing.campaign_id, part, day)


def _announce(reference: Reference, standing: Standing, part: Part, day: date) -> None:
    with reference.database.write() as connection:
        told = {**standing.announced, part.value: day.isoformat()}
        kept.set_fact(reference.database, connection, _fact("announced", standing.campaign_id), json.dumps(told))
        facts = {"number": sum(standing.numbers.values()), "day": day + NOTICE}
        _record(reference, connection, None, "retention.announced", standing.campaign_id, facts)


def _standing(connection: Connection, campaign_id: str) -> Standing:
    def told(what: str) -> dict[str, str]:
        return json.loads(kept.fact(connection, _fact(what, campaign_id)) or "{}")  # type: ignore[no-any-return]

    said = told("policy")
    policy = Policy(**{**said, "end": date.fromisoformat(said["end"])}) if said else None  # type: ignore[arg-type]
    return Standing(campaign_id, policy, retention.numbers(connection, campaign_id), told("announced"), told("done"))


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
