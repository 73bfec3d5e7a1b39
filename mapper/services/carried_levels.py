"""Epidemic levels that were entered for units of another boundary set, carried over to the units of this one.

The highest level in force counts among the other set's units whose ground or households a unit now holds; what was
entered for the unit itself goes before, from its day on.
"""

from __future__ import annotations

from datetime import date

from mapper.domain.epidemic import LevelEntry, carried_over
from mapper.services.listed import related
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import epidemic as kept
from mapper.store.database import Connection


def levels_until(
    reference: Reference, connection: Connection, known: Known, places: PlaceSet, day: date
) -> list[LevelEntry]:
    """All entries of a set that hold from a day or an earlier one, and those carried over to its units."""
    own = kept.until(connection, places.id, day)
    before = source_of(connection, known, places)
    if before is None:
        return own
    theirs = kept.until(connection, before.id, day)
    return own + carried_over(own, theirs, _forebears(reference, connection, known, places, before), before.id)


def source_of(connection: Connection, known: Known, places: PlaceSet) -> PlaceSet | None:
    """The set whose levels are carried over: the next older one that has any, else the next newer one."""
    others = [known.sets[set_id] for set_id in kept.sets(connection) if set_id in known.sets and set_id != places.id]
    others = [one for one in others if not one.about.trial]

    def begins(one: PlaceSet) -> tuple[date, str]:
        return one.about.valid_from or date.min, one.id

    older = [one for one in others if begins(one) < begins(places)]
    return max(older, key=begins) if older else min(others, key=begins, default=None)


def _forebears(
    reference: Reference, connection: Connection, known: Known, places: PlaceSet, before: PlaceSet
) -> dict[str, set[str]]:
    """By innermost unit those of the other set whose ground it holds, as far as that is known, or whose households."""
    told = related(known, places, before)
    found = {unit.code: {code for code in told.get(unit.code, ()) if code} for unit in places.at_level(places.leaf)}
    for unit, codes in found.items():
        alone = None if codes else known.counterpart(places, unit, before)
        if alone is not None:
            codes.add(alone)
    for cell in reference.cells(connection).values():
        now, then = cell.units.get(places.id), cell.units.get(before.id)
        if now in found and then is not None:
            found[now].add(then)
    return found
