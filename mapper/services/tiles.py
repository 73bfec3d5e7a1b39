"""The national map as vector tiles: communes and hamlets with their figures, cut to what a reader's screen shows.

What does not change with the figures is kept: simplified outlines by detail, the middle of each cell's households as
long as nothing was counted there, areas of a commune's hamlets. What a tile says comes from one answer of
``reporting`` for all tiles of a question.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mapper.domain.ledger import INSIDE, State
from mapper.errors import NotFound, mark
from mapper.geo import tiles as drawing
from mapper.geo.shapes import zoom_band
from mapper.geo.tiles import Centres, Feature, Outlines, TileLayer, Value
from mapper.services.accounts import User, visible_cells
from mapper.services.boundaries import areas_in, outlines_of
from mapper.services.listed import visible_hamlets, visited_in
from mapper.services.reference import Reference
from mapper.services.reporting import (
    HAMLET,
    Question,
    UnitFigures,
    Version,
    coverage,
    default_set,
    hamlet_key,
    version,
    visible_rows,
)
from mapper.store import outlines as drawn
from mapper.store import register, tallies

AREAS_FROM_ZOOM = 12
"""From this zoom on hamlets are drawn as areas; below, as points at the middle of their households."""

HAMLETS_FROM_ZOOM = 6
"""Below this zoom communes alone are told apart on a screen."""

MANY_HAMLETS = 3000
"""With more hamlets than this a map asks for tiles; fewer outlines are sent as they are."""

_VACCINATED, _DUE = INSIDE.index(State.VACCINATED), INSIDE.index(State.DUE)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that the tiles of one question draw from.

    leaves: the units that the user may see any of, None for all. units, hamlets: figures by key. placed: keys of the
    hamlets that have a middle, in the order of centres and of numbers, whose columns are those of ``_numbers``.
    by_unit: the cells with their changes of each unit that has households with a hamlet.
    """

    set_id: str
    imported_at: str
    leaf: str
    leaves: frozenset[str] | None
    units: Mapping[str, UnitFigures]
    hamlets: Mapping[str, UnitFigures]
    placed: Sequence[str]
    centres: Centres
    numbers: NDArray[np.int64]
    by_unit: Mapping[str, tuple[tuple[int, int], ...]]


def wants_tiles(reference: Reference, user: User) -> bool:
    """Whether a reader sees so many hamlets that a map takes tiles."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        if len(known.hamlets) <= MANY_HAMLETS or not user.areas:
            return len(known.hamlets) > MANY_HAMLETS
        return len(visible_hamlets(known, user, lambda set_id: visited_in({}, (), set_id))) > MANY_HAMLETS


def tile(reference: Reference, user: User, question: Question, zoom: int, x: int, y: int) -> bytes:
    """One tile, without what a user may not see: layers communes and hamlets, as ``README`` lists their properties.

    Raises NotFound for a tile that is none, and whatever ``reporting.coverage`` raises.
    """
    if not (0 <= zoom <= drawing.MAX_ZOOM and 0 <= x < 2**zoom and 0 <= y < 2**zoom):
        raise NotFound(mark("There is no tile {z}/{x}/{y}."), z=zoom, x=x, y=y)
    with _preparing:  # tiles are asked for a dozen at once, and one answer serves them all
        made = _prepare(reference, user, replace(question, level=HAMLET), version(reference))
    outlines = _outlines(reference, made.set_id, made.imported_at, made.leaf, zoom_band(zoom))
    communes = [
        Feature(3, commands, _told(code, made.units.get(code)))
        for code, commands in outlines.cut(zoom, x, y)
        if made.leaves is None or code in made.leaves
    ]
    hamlets: list[Feature] = []
    if zoom >= AREAS_FROM_ZOOM:
        for unit in outlines.touching(zoom, x, y):
            cells = made.by_unit.get(unit)
            if cells:
                areas = _areas(reference, made.set_id, made.imported_at, made.leaf, unit, question.campaign_id, cells)
                hamlets += [
                    Feature(3, commands, _told(key, made.hamlets.get(key))) for key, commands in areas.cut(zoom, x, y)
                ]
    elif zoom >= HAMLETS_FROM_ZOOM:
        hamlets = _points(made, zoom, x, y)
    return drawing.write_tile([TileLayer("communes", communes), TileLayer("hamlets", hamlets)])


def _points(made: _Prepared, zoom: int, x: int, y: int) -> list[Feature]:
    found = made.centres.grouped(zoom, x, y)
    if not found.commands:
        return []
    sums = np.add.reduceat(made.numbers[found.numbers], found.starts).tolist()
    sizes = np.diff(np.r_[found.starts, len(found.numbers)]).tolist()
    firsts = found.numbers[found.starts].tolist()
    features = []
    for commands, size, first, summed in zip(found.commands, sizes, firsts, sums, strict=True):
        if size == 1:
            key = made.placed[first]
            features.append(Feature(1, commands, _told(key, made.hamlets[key])))
        else:
            features.append(Feature(1, commands, {"number": size} | _said(*summed)))
    return features


_preparing = threading.Lock()


@lru_cache(maxsize=4)
def _prepare(reference: Reference, user: User, question: Question, _of: Version) -> _Prepared:
    """The figures of a question with the places to draw them; ``_of`` tells one state of the figures from the next."""
    answer = coverage(reference, user, question)
    places = answer.places
    of_units = coverage(reference, user, replace(question, level=places.levels[-1]))
    with reference.database.read() as connection:
        known = reference.known(connection)
        leaves = visible_rows(reference, connection, known, default_set(known, places.id), user)
        visible = visible_cells(reference, connection, user)
        houses = tallies.houses(reference.database, connection, question.campaign_id, visible)
        cells = reference.cells(connection)
        era, _ = tallies.version(reference.database, connection)
    middles = _middles(reference, question.campaign_id, era)
    middles.renew({row[0]: row[-1] for row in houses if row[1]})
    by_unit: dict[str, list[tuple[int, int]]] = {}
    weighed: dict[str, list[tuple[float, float, int]]] = {}
    for cell_id, visited, *_, changes in houses:
        unit, hamlet = cells[cell_id].units.get(places.id), cells[cell_id].hamlet_code
        middle = middles.of.get(cell_id)
        if visited and unit is not None and hamlet is not None and middle is not None:
            by_unit.setdefault(unit, []).append((cell_id, changes))
            weighed.setdefault(hamlet_key(unit, hamlet), []).append((middle[1], middle[0], visited))
    hamlets = {one.key: one for one in answer.units if one.code is not None and one.parent is not None}
    placed = [key for key in hamlets if key in weighed]
    return _Prepared(
        places.id,
        places.imported_at,
        places.levels[-1],
        None if leaves is None else frozenset(leaves),
        {one.key: one for one in of_units.units},
        hamlets,
        placed,
        Centres(np.array([_middle(weighed[key]) for key in placed], np.float64)),
        np.array([_numbers(hamlets[key]) for key in placed], np.int64).reshape(len(placed), -1),
        {unit: tuple(sorted(of_unit)) for unit, of_unit in by_unit.items()},
    )


def _middle(parts: Sequence[tuple[float, float, int]]) -> tuple[float, float]:
    """Longitude and latitude of the middle of a hamlet, whose households may lie in several cells."""
    weight = sum(visited for *_, visited in parts)
    return sum(lon * v for lon, _, v in parts) / weight, sum(lat * v for _, lat, v in parts) / weight


class _Middles:
    """The middle of each cell's households, (latitude, longitude), asked for again only where something was counted."""

    def __init__(self, reference: Reference, campaign_id: str) -> None:
        self._reference = reference
        self._campaign_id = campaign_id
        self._changes: dict[int, int] = {}
        self.of: dict[int, tuple[float, float]] = {}

    def renew(self, changes: Mapping[int, int]) -> None:
        """Bring cells up to date. changes: by cell, how often anything was counted there."""
        stale = [cell for cell, count in changes.items() if self._changes.get(cell) != count]
        if not stale:
            return
        database = self._reference.database
        with database.read() as connection:
            wanted = None if len(stale) * 2 > len(changes) else stale
            found = register.cell_centres(database, connection, self._campaign_id, wanted)
        for cell in stale:
            self.of.pop(cell, None)
            if cell in found:
                self.of[cell] = found[cell]
            self._changes[cell] = changes[cell]


@lru_cache(maxsize=4)
def _middles(reference: Reference, campaign_id: str, _era: str) -> _Middles:
    return _Middles(reference, campaign_id)


@lru_cache(maxsize=24)
def _outlines(reference: Reference, set_id: str, imported_at: str, leaf: str, band: int) -> Outlines:
    """A set's innermost units at one detail; imported_at is there to tell sets of one id apart."""
    return Outlines.of(outlines_of(reference, set_id, imported_at, leaf, band))


@lru_cache(maxsize=512)
def _areas(
    reference: Reference,
    set_id: str,
    _imported_at: str,
    leaf: str,
    unit: str,
    campaign_id: str,
    cells: tuple[tuple[int, int], ...],
) -> Outlines:
    """Areas of the hamlets of one unit, by key, from the households of these cells; made anew when they change."""
    with reference.database.read() as connection:
        points = register.house_points(reference.database, connection, campaign_id, [cell for cell, _ in cells])
        outline = drawn.outline(connection, set_id, leaf, unit)
    told = tuple((point.hamlet_code, point.lon, point.lat) for point in points if point.hamlet_code is not None)
    areas = areas_in(told, outline, drawing.MAX_ZOOM) if told and outline is not None else ()
    return Outlines.of([(hamlet_key(unit, code), geometry) for code, geometry in areas])


def _numbers(one: UnitFigures) -> tuple[int, ...]:
    """What several units can be summed by, as ``_said`` takes it; 0 where a number does not exist."""
    needed, houses = one.assessment.needed, one.houses
    expected = houses.expected or 0
    return one.eligible, one.counts[_VACCINATED], one.counts[_DUE], needed or 0, expected, houses.unvisited


def _told(key: str, one: UnitFigures | None) -> dict[str, Value]:
    """What a tile says of one unit; a number that nobody knows is left out."""
    if one is None:
        return {"key": key}
    told = {"key": key, "name": one.name} | _said(*_numbers(one))
    if one.assessment.needed is None:
        told.pop("needed", None)
    return told


def _said(eligible: int, vaccinated: int, due: int, needed: int, expected: int, unvisited: int) -> dict[str, Value]:
    told: dict[str, Value] = {"eligible": eligible, "vaccinated": vaccinated, "due": due, "needed": needed}
    if eligible:
        told["coverage"] = round(vaccinated / eligible, 4)
    if expected:
        told["visited"] = round(max(0.0, 1 - unvisited / expected), 4)
    return told
