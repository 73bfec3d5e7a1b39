"""What the page of erasing shows: who lives in a house, and what was erased before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mapper.errors import NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.erasing import may_erase
from mapper.services.reference import Reference
from mapper.store import edits, erasing, follow_up, register
from mapper.store import reference as kept
from mapper.store.erasing import Erasure

LISTED = 50


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """Somebody of a house, to be chosen."""

    id: str
    name: str
    born_on: date | None


@dataclass(frozen=True, slots=True)
class ShownHouse:
    """A house and who lives there. house_number: as it was told, "" for none."""

    campaign_id: str
    id: str
    house_number: str
    people: tuple[ShownPerson, ...]


def house(reference: Reference, user: User, instance_id: str) -> ShownHouse:
    """The house that a submission tells of. That its people were seen stands in the trail; not who they are.

    Raises Forbidden, and NotFound where the submission tells of no house of the register.
    """
    may_erase(user)
    database = reference.database
    with database.read() as connection:
        of = edits.household_of(connection, instance_id)
        counted = None if of is None else register.counted(database, connection, *of)
        if of is None or counted is None:
            raise NotFound(mark("This submission tells of no household of the register. Look at the list again."))
        row = follow_up.households_of(database, connection, of[0], [of[1]])[of[1]]
        told = follow_up.people(database, connection, [counted[0]]).get(counted[0], [])
    audit.record_seen(reference, user.id, user.name, "erased.looked", of[0], {"seen": len(told)})
    people = tuple(ShownPerson(one.id, one.name or "", one.born_on) for one, _ in told)
    return ShownHouse(*of, row.house_number or "", people)


def erased(reference: Reference, user: User) -> tuple[list[Erasure], bool]:
    """The newest erasures, and whether files of the database may still hold somebody erased."""
    may_erase(user)
    with reference.database.read() as connection:
        return erasing.newest(connection, LISTED), kept.fact(connection, erasing.DUE) is not None
