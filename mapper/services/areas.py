"""The part of a boundary set that a page is about: a unit of a level, or a hamlet; within what its reader may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from mapper.domain.ranges import Leaf
from mapper.errors import NotFound, mark
from mapper.services.accounts import User, visible_cells
from mapper.services.listed import main_unit, visible_hamlets, visited_in
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import visible_rows
from mapper.store import tallies
from mapper.store.database import Connection

MOST_CHOICES = 700
"""Units offered at once; of a set that has more, the innermost level is reached by links alone."""


@dataclass(frozen=True, slots=True)
class Area:
    """A unit of a level of a boundary set, or a hamlet (level ``HAMLET``); in an address ``level:code``."""

    level: str
    code: str

    def __str__(self) -> str:
        return f"{self.level}:{self.code}"

    def holds(self, places: PlaceSet, leaf: Leaf, hamlet: str | None) -> bool:
        """Whether households of a hamlet in an innermost unit of the set, or in one of several, belong to the area."""
        if self.level == HAMLET:
            return hamlet == self.code
        return leaf is not None and places.above(leaf, self.level) == self.code


@dataclass(frozen=True, slots=True)
class AreaChoice:
    """An area that can be chosen. depth: 0 for the outermost level of the set."""

    area: Area
    name: str
    depth: int


def read_area(text: str) -> Area | None:
    """The area that an address names, None for everything. Raises NotFound for what is no area."""
    if not text:
        return None
    level, colon, code = text.partition(":")
    if not (level and colon and code):
        raise NotFound(mark("{area} names no area. Choose one of the list."), area=text[:60])
    return Area(level, code)


def narrowed(reference: Reference, user: User, set_id: str, area: Area | None) -> User:
    """A user who sees no more than an area of a set.

    Where it holds more than they may see, their own areas that lie within it; the user as they are where none does.
    """
    if area is None:
        return user
    inner = replace(user, areas=(("" if area.level == HAMLET else set_id, area.code),))
    with reference.database.read() as connection:
        own = visible_cells(reference, connection, user)
        within = frozenset(visible_cells(reference, connection, inner) or ())
        if own is None or within <= set(own):
            return inner
        # An area of another vintage: a commune that was joined to others since, say.
        parts = [(one, visible_cells(reference, connection, replace(user, areas=(one,))) or ()) for one in user.areas]
    inside = tuple(one for one, cells in parts if cells and within.issuperset(cells))
    return replace(user, areas=inside) if inside else user


def choices(reference: Reference, user: User, set_id: str, area: Area | None = None) -> list[AreaChoice]:
    """The units of a set that a user sees any part of, each before those within it, and ``area`` where it is a hamlet.

    Raises NotFound for an area that does not exist, or that the user sees nothing of.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        if not known.sets:
            return []
        places = default_set(known, set_id)
        seen = visible_rows(reference, connection, known, places, user)
        found = _units(places, seen)
        if area is None:
            return found
        if area.level == HAMLET:
            return _with_hamlet(reference, connection, known, user, places, area, found)
    if area not in {choice.area for choice in found}:
        if (area.level, area.code) not in places.units or not _leaves(places, area, seen):
            raise _unknown(area)
        found.append(AreaChoice(area, places.units[area.level, area.code].name, places.about.levels.index(area.level)))
    return found


def check(reference: Reference, user: User, set_id: str, area: Area | None, day: date | None = None) -> None:
    """Raise NotFound for an area that does not exist, or that a user sees nothing of: its figures would be zeros.

    set_id, day: as for ``questions.default_set``.
    """
    if area is None:
        return
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id, day)
        if area.level == HAMLET:
            _with_hamlet(reference, connection, known, user, places, area, [])
            return
        seen = visible_rows(reference, connection, known, places, user)
        if (area.level, area.code) not in places.units or not _leaves(places, area, seen):
            raise _unknown(area)


def _units(places: PlaceSet, seen: set[str] | None) -> list[AreaChoice]:
    levels = places.about.levels
    lines = [places.line(leaf.code)[::-1] for leaf in places.at_level(places.leaf) if seen is None or leaf.code in seen]
    while len(levels) > 1 and len({tuple(line[: len(levels)]) for line in lines}) > MOST_CHOICES:
        levels = levels[:-1]
    found: dict[Area, AreaChoice] = {}
    for line in sorted(lines):
        # A line lacks its outer units where a parent is missing.
        for level, code in zip(places.about.levels[-len(line) :], line, strict=True):
            if level in levels and (level, code) in places.units:
                area = Area(level, code)
                depth = places.about.levels.index(level)
                found.setdefault(area, AreaChoice(area, places.units[level, code].name, depth))
    return list(found.values())


def _leaves(places: PlaceSet, area: Area, seen: set[str] | None) -> set[str]:
    """The innermost units of an area of which a user may see anybody; seen: None for all."""
    within = {leaf.code for leaf in places.at_level(places.leaf) if area.holds(places, leaf.code, None)}
    return within if seen is None else within & seen


def _with_hamlet(
    reference: Reference,
    connection: Connection,
    known: Known,
    user: User,
    places: PlaceSet,
    area: Area,
    found: list[AreaChoice],
) -> list[AreaChoice]:
    houses = [
        row for campaign in known.campaigns for row in tallies.houses(reference.database, connection, campaign, None)
    ]
    cells = reference.cells(connection)
    hamlets = {one.code: one for one in visible_hamlets(known, user, lambda at: visited_in(cells, houses, at))}
    hamlet = hamlets.get(area.code)
    unit = main_unit(known, places, hamlet, visited_in(cells, houses, places.id)) if hamlet else None
    if hamlet is None:
        own = cells_in(reference, connection, known, user, places, area)
        if not own:
            raise _unknown(area)
        unit = cells[own[0]].units.get(places.id)
    unit = unit if isinstance(unit, str) else None
    choice = AreaChoice(area, hamlet.label if hamlet else area.code, len(places.about.levels))
    place = next((i for i, each in enumerate(found) if each.area == Area(places.leaf, unit or "")), len(found) - 1)
    return [*found[: place + 1], choice, *found[place + 1 :]]


def _unknown(area: Area) -> NotFound:
    return NotFound(
        mark("There is no area {area} here, or it is not among those that you may see. Choose one of the list."),
        area=str(area)[:60],
    )


def cells_in(
    reference: Reference, connection: Connection, known: Known, user: User, places: PlaceSet, area: Area | None
) -> list[int] | None:
    """Numbers of the cells of an area that a user may see; None for all cells there are."""
    visible = visible_cells(reference, connection, user)
    if area is None:
        return visible
    cells = reference.cells(connection)
    return [
        number
        for number in (cells if visible is None else visible)
        if area.holds(places, known.leaf(cells[number], places), cells[number].hamlet_code)
    ]
