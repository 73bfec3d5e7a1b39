"""Communes of an extract of which it is not known which they are: each is told with its people, and asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mapper.errors import Conflict, InvalidInput, NotFound, mark
from mapper.linkage.gazetteer import NamedPlace
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.national_register import CommuneFinder, may_import
from mapper.services.place_matching import found_by_name, why_not
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.store import national_register as kept
from mapper.store.national_register import Extract


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A commune as a file tells it. why, facts: a sentence of why it is not known; candidates: what may be meant."""

    code: str
    name: str
    people: int
    why: str
    facts: Mapping[str, object]
    candidates: tuple[NamedPlace, ...]


def may_place(user: User, extract: Extract) -> bool:
    """Whether a user may see the communes of a whole file, and say which they are: its uploader, or who sees all."""
    return may_import(user) and (not user.areas or extract.user_id == user.id)


def unplaced(reference: Reference, user: User, extract: Extract) -> list[Unplaced]:
    """The communes of which it is not known which they are, those of most people first; none for who may not say."""
    if not may_place(user, extract):
        return []
    with reference.database.read() as connection:
        places = default_set(reference.known(connection), extract.set_id)
        told = kept.unplaced(connection, extract.id)
    finder, found = CommuneFinder(places), []
    for code, name, people in told:
        looked, by = finder.look(code, name)
        why, facts = why_not(looked, by)
        near = tuple(one for one in looked.candidates if one.level == places.leaf)
        found.append(Unplaced(code, name, people, why, facts, near))
    return found


def place(reference: Reference, user: User, number: int, code: str, name: str, unit: str) -> int:
    """Say which unit a commune of an extract is, by the unit's code or name; of how many people.

    Raises InvalidInput for what is no unit or may be several, Conflict where it is known already, NotFound.
    """
    with reference.database.write() as connection:
        extract = kept.extract(connection, number)
        if extract is None or not may_place(user, extract):
            raise NotFound(mark("There is no such file of the national register here. Look at the list again."))
        if not unit.strip():
            raise InvalidInput(mark("Say which commune is meant."))
        places = default_set(reference.known(connection), extract.set_id)
        meant = found_by_name({one.code: one.name for one in places.at_level(places.leaf)}, unit.strip())
        people = kept.place(connection, number, code, name, meant)
        if not people:
            raise Conflict(mark("It is known already which commune that is. Look at the list again."))
        facts = {"set": places.id, "number": people, "commune": name[:60] or code[:60]}
        audit.record(reference, connection, user.id, user.name, "register.placed", meant, facts)
    return people
