"""Who answers for an area: entered by whoever oversees it, one by one or as a list; telephone numbers only for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.domain.places import order_key
from mapper.domain.roles import OVERSEERS
from mapper.errors import Forbidden, InvalidInput, mark
from mapper.formats.responsible_list import (
    ListedPerson,
    checked_name,
    checked_phone,
    checked_position,
    read_responsible,
)
from mapper.linkage.gazetteer import How, Told
from mapper.services import audit
from mapper.services.accounts import User, holds
from mapper.services.areas import Area
from mapper.services.place_matching import match, words_for
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.target_setting import existing, written
from mapper.services.targets import place_of
from mapper.store import targets as kept
from mapper.store.database import Connection
from mapper.store.targets import Place, Responsible


@dataclass(frozen=True, slots=True)
class ListedPlace:
    """A place of the list to fill in, and who answers for it by now."""

    level: str
    code: str
    name: str
    responsible: Responsible | None


def may_name(reference: Reference, user: User, place: Place | None) -> bool:
    """Whether a user may say who answers for a place, and read the telephone number."""
    if place is None or user.role not in OVERSEERS:
        return False
    with reference.database.read() as connection:
        return holds(reference, connection, user, [(place.set_id, place.code)])


def name_responsible(
    reference: Reference, user: User, set_id: str, area: Area, name: str, position: str = "", phone: str = ""
) -> None:
    """Say who answers for an area; an empty name takes the person out. Raises InvalidInput, NotFound, Forbidden."""
    with reference.database.write() as connection:
        known = reference.known(connection)
        place = existing(known, set_id, area)
        _allow(reference, connection, user, place)
        if not name.strip():
            kept.remove_responsible(connection, [place])
            audit.record(reference, connection, user.id, user.name, "responsible.removed", written(place))
            return
        one = Responsible(place, checked_name(name), checked_position(position), checked_phone(phone))
        kept.save_responsible(reference.database, connection, [one], user.id, _now())
        audit.record(reference, connection, user.id, user.name, "responsible.set", written(place))


def take_list(reference: Reference, user: User, set_id: str, data: bytes) -> int:
    """Enter a whole list; how many people. Of a list with one wrong line nothing is taken.

    Raises InvalidInput, which names the line; Forbidden.
    """
    people = [one for one in read_responsible(data) if one.name]
    with reference.database.write() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id)
        _is_overseer(user)
        found = [_of_line(known, places, one) for one in people]
        for one, place in zip(people, found, strict=True):
            if not holds(reference, connection, user, [(place.set_id, place.code)]):
                raise Forbidden(
                    mark("Line {line} of the list: {level} {code} does not lie in your area. Take the line out."),
                    line=one.line,
                    level=one.level,
                    code=one.code,
                )
        if not found:
            raise InvalidInput(mark("Nobody is named in this list. Fill in the column name and upload it again."))
        several = [
            Responsible(place, one.name, one.position, one.phone) for one, place in zip(people, found, strict=True)
        ]
        kept.save_responsible(reference.database, connection, several, user.id, _now())
        facts = {"number": len(several)}
        audit.record(reference, connection, user.id, user.name, "responsible.listed", places.id, facts)
    return len(several)


def list_to_fill(reference: Reference, user: User, set_id: str, area: Area | None) -> list[ListedPlace]:
    """Every unit and hamlet of an area that a user oversees as a whole, from the outermost level in.

    That telephone numbers were taken is entered in the trail. Raises Forbidden.
    """
    _is_overseer(user)
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id)
        people = kept.responsible(connection, places.id)
        found: list[ListedPlace] = []
        for level in (*places.about.levels, HAMLET):
            for code, name, leaf in _of_level(known, places, level):
                here = Area(level, code)
                place = place_of(places, here)
                if place is None or not _within(places, area, here, leaf):
                    continue
                if holds(reference, connection, user, [(place.set_id, place.code)]):
                    found.append(ListedPlace(level, code, name, people.get(place)))
    facts = {"number": sum(one.responsible is not None for one in found)}
    audit.record_seen(reference, user.id, user.name, "responsible.downloaded", places.id, facts)
    return found


def _of_level(known: Known, places: PlaceSet, level: str) -> list[tuple[str, str, str | None]]:
    """Code, name and an innermost unit of each place of a level, by name."""
    if level == HAMLET:
        hamlets = known.hamlets.values()
        home = places.id == known.home
        rows = [(one.code, one.label, one.commune_code if home else None) for one in hamlets]
        return sorted(rows, key=lambda row: (row[2] or "", order_key(row[1]), row[0]))
    inner: dict[str, str] = {}
    for leaf in places.at_level(places.leaf):
        code = places.above(leaf.code, level)
        if code is not None:
            inner.setdefault(code, leaf.code)
    units = [(unit.code, unit.name, inner.get(unit.code)) for unit in places.at_level(level)]
    return sorted(units, key=lambda row: (order_key(row[1]), row[0]))


def _within(places: PlaceSet, area: Area | None, here: Area, leaf: str | None) -> bool:
    """Whether a place is an area, or lies within it."""
    if area is None or here == area:
        return True
    levels = (*places.about.levels, HAMLET)
    return levels.index(here.level) > levels.index(area.level) and area.holds(places, leaf, None)


def _of_line(known: Known, places: PlaceSet, one: ListedPerson) -> Place:
    """The place that a line names; where a spreadsheet took the zeros off a code, the one place that it can mean."""
    levels = (*places.about.levels, HAMLET)
    if one.level not in levels:
        raise InvalidInput(
            mark("Line {line} of the list: there is no level {level}. Write one of: {levels}."),
            line=one.line,
            level=one.level,
            levels=", ".join(levels),
        )
    if one.level == HAMLET:
        code = _hamlet(known, one)
    else:
        told = Told(one.code, one.place)
        found = match(places, told, [one.level])
        if found.how is How.OTHER and len(found.candidates) == 1:
            # The list came with its codes; what stands beside one is no place of this set, and may be a remark.
            found = match(places, Told(one.code), [one.level])
        if found.place is None and found.how is How.UNKNOWN and one.code:
            raise _no_such(one)
        if found.place is None:
            raise InvalidInput(
                mark(
                    "Line {line} of the list: {name} may be another place than its code says, or one of several: "
                    "{places}. Correct the code, or leave the name of the place empty."
                ),
                line=one.line,
                name=one.place[:60] or one.code or "–",
                places=words_for(found.candidates) or "–",
            )
        code = found.place.code
    place = place_of(places, Area(one.level, code))
    assert place is not None
    return place


def _hamlet(known: Known, one: ListedPerson) -> str:
    if one.code in known.hamlets:
        return one.code
    bare = one.code.lstrip("0")
    alike = [each for each in known.hamlets if bare and each.lstrip("0") == bare]
    if len(alike) != 1:
        raise _no_such(one)
    return alike[0]


def _no_such(one: ListedPerson) -> InvalidInput:
    return InvalidInput(
        mark("Line {line} of the list: there is no {level} with the code {code}. Correct the code."),
        line=one.line,
        level=one.level,
        code=one.code or "–",
    )


def _is_overseer(user: User) -> None:
    if user.role not in OVERSEERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))


def _allow(reference: Reference, connection: Connection, user: User, place: Place) -> None:
    _is_overseer(user)
    if not holds(reference, connection, user, [(place.set_id, place.code)]):
        raise Forbidden(mark("This place does not lie in your area as a whole. Ask whoever oversees all of it."))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
