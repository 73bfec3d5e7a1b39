"""Hamlets of the communes' lists: in which unit of each boundary set they lie, and which of them a user sees.

A list names a hamlet's commune in one set only, the list's own. In any other set a hamlet lies where most of its
households do that were visited; one without such a household lies where its commune does, if that went into one unit
as a whole. Of a divided commune nobody can say where an unvisited hamlet belongs: it lies in one of several units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mapper.domain.ranges import Leaf, OneOf, apportioned
from mapper.geo.counterparts import WHOLE
from mapper.services.accounts import User, visible_cells
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import tallies
from mapper.store.database import Connection
from mapper.store.reference import Hamlet

Visited = Mapping[str, Mapping[str | None, int]]
"""By hamlet the households visited in each innermost unit of a set; None: in no unit."""


def visited_in(cells: Mapping[int, tallies.Cell], houses: Iterable[Sequence[int]], set_id: str) -> Visited:
    """Where each hamlet's households lie in a set. houses: (cell id, visited, ...) as tallies.houses gives them."""
    found: dict[str, Counter[str | None]] = {}
    for cell_id, visited, *_ in houses:
        cell = cells[cell_id]
        if visited and cell.hamlet_code is not None:
            found.setdefault(cell.hamlet_code, Counter())[cell.units.get(set_id)] += visited
    return found


def main_unit(known: Known, places: PlaceSet, hamlet: Hamlet, visited: Visited) -> Leaf:
    """The innermost unit of a set that a hamlet belongs to, or one of several; None where nobody can say."""
    if places.id == known.home and (places.leaf, hamlet.commune_code) in places.units:
        return hamlet.commune_code
    units = {unit: count for unit, count in visited.get(hamlet.code, {}).items() if unit is not None}
    if units:
        return max(units, key=lambda unit: (units[unit], unit))
    return known.followed(hamlet.commune_code, places)


def visible_hamlets(known: Known, user: User, visited: Callable[[str], Visited]) -> list[Hamlet]:
    """The listed hamlets that belong to a user's areas, each in the set of its own.

    visited: of a set by its id; asked for only where an area belongs to another set than the list.
    """
    if not user.areas:
        return list(known.hamlets.values())
    found: dict[str, Hamlet] = {}
    for set_id, codes in _by_set(user).items():
        if not set_id:
            found.update((code, known.hamlets[code]) for code in codes if code in known.hamlets)
            continue
        places = known.every_set.get(set_id)
        if places is None:
            continue
        there = {} if set_id == known.home else visited(set_id)
        for hamlet in known.hamlets.values():
            if not codes.isdisjoint(places.line(main_unit(known, places, hamlet, there))):
                found[hamlet.code] = hamlet
    return list(found.values())


def expected_in(known: Known, places: PlaceSet, hamlet: Hamlet, visited: Visited) -> dict[Leaf, tuple[int | None, int]]:
    """Houses that a list expects of a hamlet, and how many of these are not visited yet, by where they are counted.

    Of a hamlet that lies in several units each has those visited there, and of the others a part by their numbers; all
    parts together are what the list says. In the list's own set a hamlet lies where its list says.
    """
    main = main_unit(known, places, hamlet, visited)
    found = {unit: number for unit, number in visited.get(hamlet.code, {}).items() if number}
    total = sum(found.values())
    left = max(0, (hamlet.households or 0) - total)
    if places.id == known.home or hamlet.households is None or not any(unit is not None for unit in found):
        return {main: (hamlet.households, left)}
    there: Counter[Leaf] = Counter()
    for unit, number in found.items():
        there[unit if unit is not None else known.followed(hamlet.commune_code, places)] += number
    if not isinstance(main, str) or main not in there:
        return {main: (hamlet.households, left)}
    if total > hamlet.households:
        parts = apportioned(hamlet.households, list(there.values()), total)
        return {leaf: (part, 0) for leaf, part in zip(there, parts, strict=True)}
    # Houses of which nobody can tell the unit tell nothing of where the others are.
    weights = [number if isinstance(leaf, str) else 0 for leaf, number in there.items()]
    parts = apportioned(left, weights, sum(weights))
    return {leaf: (number + part, part) for (leaf, number), part in zip(there.items(), parts, strict=True)}


def visible_expected(
    known: Known,
    places: PlaceSet,
    user: User,
    visited: Callable[[str], Visited],
    hidden: Callable[[Hamlet, OneOf, tuple[int | None, int]], None] = lambda hamlet, leaf, part: None,
) -> Iterator[tuple[Hamlet, dict[Leaf, tuple[int | None, int]]]]:
    """The listed hamlets that a user may see any part of, each with its expected houses there, as ``expected_in``.

    visited: of a set by its id. hidden: told of parts in one of several units, of which the user may not see that they
    are in theirs.
    """
    here = visited(places.id)
    if places.id == known.home or not user.areas:
        for hamlet in visible_hamlets(known, user, visited):
            yield hamlet, expected_in(known, places, hamlet, here)
        return
    own = _by_set(user).get(places.id, set())
    others = tuple(area for area in user.areas if area[0] != places.id)
    whole = {one.code for one in visible_hamlets(known, replace(user, areas=others), visited)} if others else set()
    for hamlet in known.hamlets.values():
        parts = expected_in(known, places, hamlet, here)
        if hamlet.code not in whole:
            for leaf, part in parts.items():
                if isinstance(leaf, OneOf) and own.isdisjoint(places.line(leaf)):
                    hidden(hamlet, leaf, part)
            parts = {leaf: part for leaf, part in parts.items() if not own.isdisjoint(places.line(leaf))}
        if parts:
            yield hamlet, parts


def _by_set(user: User) -> dict[str, set[str]]:
    """The codes of a user's areas, by set."""
    found: dict[str, set[str]] = {}
    for set_id, code in user.areas:
        found.setdefault(set_id, set()).add(code)
    return found


def leaves_in_areas(known: Known, places: PlaceSet, user: User) -> set[str]:
    """The innermost units of a set that lie in a user's areas, of whichever set those are."""
    found: set[str] = set()
    for set_id, codes in _by_set(user).items():
        own = known.every_set.get(set_id)
        if own is None:
            continue
        for unit in places.at_level(places.leaf):
            there = known.counterpart(places, unit.code, own)
            if there is not None and not codes.isdisjoint(own.line(there)):
                found.add(unit.code)
    return found


def units_of(places: PlaceSet, user: User) -> set[str] | None:
    """The innermost units of a set that areas of that very set hold; None for all."""
    if not user.areas:
        return None
    own = _by_set(user).get(places.id, set())
    return {unit.code for unit in places.at_level(places.leaf) if not own.isdisjoint(places.line(unit.code))}


def seen_whole(
    reference: Reference, connection: Connection, known: Known, places: PlaceSet, user: User
) -> set[str] | None:
    """The innermost units of a set of which nothing is kept from a user; None for all.

    Areas may be of another set: then every unit of that one which a unit was made of, or divided among, has to lie in
    them. Ground of which only one of the sets knows is kept from nobody until a household there is.
    """
    if not user.areas:
        return None
    found: set[str] = set()
    for set_id, codes in _by_set(user).items():
        own = known.every_set.get(set_id)
        if own is None:
            continue
        sharing = related(known, places, own)
        for unit in places.at_level(places.leaf):
            there = sharing.get(unit.code) or [known.counterpart(places, unit.code, own)]
            if all(one is not None and not codes.isdisjoint(own.line(one)) for one in there):
                found.add(unit.code)
    if all(set_id == places.id for set_id, _ in user.areas):
        # Whose areas are units of the set itself sees every household of theirs.
        return found
    visible = set(visible_cells(reference, connection, user) or ())
    for number, cell in reference.cells(connection).items():
        if number not in visible:
            leaf = known.leaf(cell, places)
            if isinstance(leaf, str):
                found.discard(leaf)
    return found


def related(known: Known, places: PlaceSet, own: PlaceSet) -> Mapping[str, Sequence[str | None]]:
    """By innermost unit of a set those of another that share its ground, as far as anybody told.

    Where nobody told of the two sets, their outlines do, of a unit that is nothing but whole units of the other.
    """
    if own.id == places.id:
        return {}
    later = known.succession(places.id, own.id)
    if later is not None:
        return {code: [heir.new for heir in heirs] for code, heirs in later.of_old.items()}
    earlier = known.succession(own.id, places.id)
    if earlier is not None:
        return {code: [heir.old for heir in heirs] for code, heirs in earlier.of_new.items()}
    joined: dict[str, list[str]] = {}
    for one in own.at_level(own.leaf):
        code = known.counterpart(own, one.code, places)
        if code is not None:
            joined.setdefault(code, []).append(one.code)
    return {
        code: parts
        for code, parts in joined.items()
        if sum(own.area_km2(part) or 0.0 for part in parts) >= WHOLE * (places.area_km2(code) or 0.0)
    }
