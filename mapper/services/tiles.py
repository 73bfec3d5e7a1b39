"""The national map as vector tiles: communes and hamlets with their figures, cut to what a reader's screen shows.

Nothing that takes long is done for a tile. Outlines were simplified by the import; of a country the figures are worked
out and the outlines read beside the requests, and tiles draw from what is ready. Of few hamlets all is done at once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from mapper.errors import NotFound, mark
from mapper.geo import tiles as drawing
from mapper.geo.shapes import BANDS, zoom_band
from mapper.geo.tiles import Centres, Feature, Outlines, TileLayer, Value
from mapper.services.accounts import User
from mapper.services.background import Background, Progress, Stage, Standing
from mapper.services.boundaries import areas_in
from mapper.services.figure_rows import hamlet_key
from mapper.services.hamlet_figures import DUE, NEEDED, UNKNOWN, HamletFigures, hamlet_figures
from mapper.services.listed import visible_hamlets, visited_in
from mapper.services.questions import Question, default_set, find_series
from mapper.services.reference import Reference
from mapper.services.reporting import Version, version, visible_rows
from mapper.services.set_outlines import shapes_of
from mapper.store import outlines as drawn
from mapper.store import register

AREAS_FROM_ZOOM = 12
"""From this zoom on hamlets are drawn as areas; below, as points at the middle of their households."""

HAMLETS_FROM_ZOOM = 6
"""Below this zoom communes alone are told apart on a screen."""

MOST_BYTES = 500_000
"""Of a tile before it is packed: what vector tiles are kept below, so that a phone draws them and a slow line brings
them. One of more is drawn with less detail."""

MANY_HAMLETS = 3000
"""With more hamlets than this a map asks for tiles; fewer outlines are sent as they are."""

FRESH_S = 20
"""So long the figures of a country will do while forms come in."""

LAYERS = ("communes", "hamlets")
OFFERED = ("borders", *LAYERS)
"""What may be asked for: ``borders`` are the outlines of the units above the communes, without figures."""

MANY_UNITS = 1000
"""Of more innermost units than this a map draws those that its screen shows, from tiles, and not all from one file."""

Cells = tuple[tuple[int, int], ...]
"""Cells of a unit, and how often anything was counted in each: what its hamlets' areas are made from."""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that the tiles of one question draw from. centres: of the rows that are placed, in their order.

    national: whether what it takes long to make is made beside the requests. above: the level over the innermost, ""
    for none; parents: code of the unit there that holds each innermost unit which the reader may see.
    """

    figures: HamletFigures
    centres: Centres
    national: bool
    above: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)

    def most(self) -> dict[str, dict[str, int]]:
        """By layer the largest counts that any one place of it has, for a scale of colours that stays as it is."""
        of = {"communes": self.figures.unit_numbers, "hamlets": self.figures.numbers[self.figures.placed]}
        return {
            name: {"needed": int(numbers[:, NEEDED].max(initial=0)), "due": int(numbers[:, DUE].max(initial=0))}
            for name, numbers in of.items()
        }


@dataclass(frozen=True, slots=True)
class Tile:
    """The bytes of a tile. whole: whether nothing in it stands in for what is still being made."""

    content: bytes
    whole: bool


@dataclass(slots=True)
class Grounds:
    """What is ready for the tiles of a running product, and what is being made.

    ready: by question and the reader's areas, of a country up to 50 MB each. areas: of the hamlets of one unit, up to
    100 kB each.
    """

    ready: Background[Ground] = field(default_factory=lambda: Background(keep=3))
    areas: Background[Outlines] = field(default_factory=lambda: Background(keep=400, most_waiting=40))
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, reference: Reference, user: User, question: Question, now: Version | None = None) -> Standing[Ground]:
        """What the tiles of a question draw from. Of a country as it stands: nobody waits for it.

        now: the version of the figures, where it was read already. Raises what ``reporting.coverage`` raises, of a
        country for the day and the names in the question alone.
        """
        now = now or version(reference)
        if not is_national(reference):
            with self._alone:  # tiles are asked for a dozen at once, and one answer serves them all
                return Standing(Stage.DONE, 1.0, _ground_at_once(reference, user, question, now), now)
        with reference.database.read() as connection:
            known = reference.known(connection)
            find_series(known, question)
            default_set(known, question.set_id, question.day)
        key = question, user.areas
        kept = self.ready.look(key)
        before = None if kept is None or kept.made is None else kept.made.figures

        def work(progress: Progress) -> Ground:
            ground = _ground(reference, user, question, before, True)
            for done, band in enumerate(BANDS, 1):
                progress(0.4 + 0.6 * done / len(BANDS))
                for level in filter(None, (ground.figures.leaf, ground.above)):
                    _outlines(reference, ground.figures.set_id, ground.figures.imported_at, level, band)
            return ground

        return self.ready.ask(key, now, work, FRESH_S)

    def areas_of(self, reference: Reference, ground: Ground, unit: str, cells: Cells) -> tuple[Outlines | None, bool]:
        """Areas of a unit's hamlets, of a country those that are ready; and whether they are of these cells."""
        figures = ground.figures
        of = figures.campaign_id, figures.set_id, figures.leaf, unit
        if not ground.national:
            return _areas_at_once(reference, *of, cells), True
        key = *of, figures.imported_at, figures.of_states[0]
        standing = self.areas.ask(key, cells, lambda _: _areas(reference, *of, cells))
        return standing.made, standing.made_from == cells


def is_national(reference: Reference) -> bool:
    """Whether there are so many hamlets that their figures are worked out beside the requests."""
    with reference.database.read() as connection:
        return len(reference.known(connection).hamlets) > MANY_HAMLETS


def wants_tiles(reference: Reference, user: User) -> bool:
    """Whether a reader sees so many hamlets that a map takes tiles."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        if len(known.hamlets) <= MANY_HAMLETS or not user.areas:
            return len(known.hamlets) > MANY_HAMLETS
        return len(visible_hamlets(known, user, lambda set_id: visited_in({}, (), set_id))) > MANY_HAMLETS


def wide_sets(reference: Reference, user: User) -> list[str]:
    """The boundary sets of which a reader sees so many innermost units that a map takes these from tiles too."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        many = [places for places in known.sets.values() if len(places.at_level(places.leaf)) > MANY_UNITS]
        if not user.areas:
            return [places.id for places in many]
        seen = {places.id: visible_rows(reference, connection, known, places, user) for places in many}
    return [set_id for set_id, leaves in seen.items() if leaves is None or len(leaves) > MANY_UNITS]


def tile(
    grounds: Grounds,
    reference: Reference,
    ground: Ground,
    zoom: int,
    x: int,
    y: int,
    layers: Collection[str] = LAYERS,
) -> Tile:
    """One tile, without what the reader may not see: its layers, as ``README`` lists their properties.

    layers: any of ``OFFERED``. What is heavier than MOST_BYTES has coarser outlines. Raises NotFound for no tile.
    """
    if not (0 <= zoom <= drawing.MAX_ZOOM and 0 <= x < 2**zoom and 0 <= y < 2**zoom):
        raise NotFound(mark("There is no tile {z}/{x}/{y}."), z=zoom, x=x, y=y)
    best = zoom_band(zoom)
    for band in [band for band in sorted(BANDS, reverse=True) if band <= best]:
        made = _tile(grounds, reference, ground, (zoom, x, y), layers, band, zoom >= AREAS_FROM_ZOOM)
        if len(made.content) <= MOST_BYTES:
            return made
    # However coarse its outlines, it has too much: hamlets are drawn as points, those near each other as one.
    return _tile(grounds, reference, ground, (zoom, x, y), layers, min(BANDS), False)


def _tile(
    grounds: Grounds,
    reference: Reference,
    ground: Ground,
    at: tuple[int, int, int],
    layers: Collection[str],
    band: int,
    areas_of_hamlets: bool,
) -> Tile:
    """The same, its outlines with the detail of a band. at: zoom, x, y."""
    zoom, x, y = at
    figures, found, whole = ground.figures, [], True
    near = "hamlets" in layers and areas_of_hamlets
    if "borders" in layers and ground.above:
        found.append(TileLayer("borders", _borders(reference, ground, zoom, x, y, band)))
    if near or "communes" in layers:
        outlines = _outlines(reference, figures.set_id, figures.imported_at, figures.leaf, band)
    if "communes" in layers:
        found.append(TileLayer("communes", _communes(ground, outlines, zoom, x, y)))
    if near:
        features: list[Feature] = []
        unmade: list[int] = []
        for unit in outlines.touching(zoom, x, y):
            rows = figures.rows_of(unit)
            cells = figures.cells_of(rows)
            if not cells:
                continue
            areas, current = grounds.areas_of(reference, ground, unit, cells)
            whole &= current
            if areas is None:
                unmade += rows
                continue
            row_of = {figures.places.keys[row]: row for row in rows}
            features += [
                Feature(3, commands, _told(figures, row_of[key]))
                for key, commands in areas.cut(zoom, x, y)
                if key in row_of
            ]
        if unmade:
            features += _points(ground, zoom, x, y, unmade)
        found.append(TileLayer("hamlets", features))
    elif "hamlets" in layers and zoom >= HAMLETS_FROM_ZOOM:
        found.append(TileLayer("hamlets", _points(ground, zoom, x, y)))
    return Tile(drawing.write_tile(found), whole)


def _borders(reference: Reference, ground: Ground, zoom: int, x: int, y: int, band: int) -> list[Feature]:
    """Outlines of the units above; of a reader's area those that hold any of it."""
    figures = ground.figures
    outlines = _outlines(reference, figures.set_id, figures.imported_at, ground.above, band)
    seen = None if figures.places.leaves is None else set(ground.parents.values())
    return [
        Feature(3, commands, {"key": code})
        for code, commands in outlines.cut(zoom, x, y)
        if seen is None or code in seen
    ]


def _communes(ground: Ground, outlines: Outlines, zoom: int, x: int, y: int) -> list[Feature]:
    places, numbers = ground.figures.places, ground.figures.unit_numbers
    features = []
    for code, commands in outlines.cut(zoom, x, y):
        if places.leaves is None or code in places.leaves:
            at = places.units.get(code)
            told: dict[str, Value] = {"key": code}
            if code in ground.parents:
                told["parent"] = ground.parents[code]
            if at is not None:
                told |= {"name": places.unit_names[at]} | _said(*numbers[at].tolist(), *places.unit_likely[at].tolist())
                told |= _may_be(*ground.figures.unit_more[at].tolist())
            features.append(Feature(3, commands, told))
    return features


def _points(ground: Ground, zoom: int, x: int, y: int, among: Sequence[int] | None = None) -> list[Feature]:
    """Points of a tile's hamlets, those too near to be told apart together. among: only these rows."""
    figures = ground.figures
    found = ground.centres.grouped(zoom, x, y, None if among is None else np.isin(figures.placed, among))
    if not found.commands:
        return []
    rows = figures.placed[found.numbers]
    numbers = np.column_stack((figures.numbers[rows], figures.places.likely[rows]))
    numbers[:, NEEDED] = np.maximum(numbers[:, NEEDED], 0)
    sums = np.add.reduceat(numbers, found.starts).tolist()
    # Households that may be in two of these places count twice: then there are fewer than so many more.
    more = np.add.reduceat(np.maximum(figures.more[rows], 0), found.starts).tolist()
    sizes = np.diff(np.r_[found.starts, len(rows)]).tolist()
    firsts = rows[found.starts].tolist()
    return [
        Feature(
            1,
            commands,
            _told(figures, first) if size == 1 else {"number": size} | _said(*summed) | _may_be(*more_of),
        )
        for commands, size, first, summed, more_of in zip(found.commands, sizes, firsts, sums, more, strict=True)
    ]


def _ground(
    reference: Reference, user: User, question: Question, before: HamletFigures | None, national: bool
) -> Ground:
    figures = hamlet_figures(reference, user, question, before)
    with reference.database.read() as connection:
        places = reference.known(connection).sets[figures.set_id]
    *_, above, _ = ("", *places.about.levels)
    leaves = figures.places.leaves
    parents = {
        unit.code: unit.parent_code
        for unit in places.at_level(figures.leaf)
        if unit.parent_code and (leaves is None or unit.code in leaves)
    }
    return Ground(figures, Centres(figures.middles), national, above, parents)


@lru_cache(maxsize=4)
def _ground_at_once(reference: Reference, user: User, question: Question, _of: Version) -> Ground:
    """``_of`` tells one state of the figures from the next."""
    return _ground(reference, user, question, None, False)


@lru_cache(maxsize=4 * len(BANDS))
def _outlines(reference: Reference, set_id: str, _imported_at: str, level: str, band: int) -> Outlines:
    """A set's units of a level at one detail; imported_at is there to tell sets of one id apart."""
    return Outlines.of(shapes_of(reference, set_id, level, band))


def _areas(reference: Reference, campaign_id: str, set_id: str, leaf: str, unit: str, cells: Cells) -> Outlines:
    """Areas of the hamlets of one unit, by key, from the households of these cells."""
    with reference.database.read() as connection:
        points = register.house_points(reference.database, connection, campaign_id, [cell for cell, _ in cells])
        outline = drawn.outline(connection, set_id, leaf, unit)
    told = tuple((point.hamlet_code, point.lon, point.lat) for point in points if point.hamlet_code is not None)
    areas = areas_in(told, outline, drawing.MAX_ZOOM) if told and outline is not None else ()
    return Outlines.of([(hamlet_key(unit, code), geometry) for code, geometry in areas])


_areas_at_once = lru_cache(maxsize=400)(_areas)


def _told(figures: HamletFigures, row: int) -> dict[str, Value]:
    """What a tile says of one hamlet; a number that nobody knows is left out."""
    told: dict[str, Value] = {"key": figures.places.keys[row], "name": figures.places.names[row]}
    numbers = *figures.numbers[row].tolist(), *figures.places.likely[row].tolist()
    return told | _said(*numbers) | _may_be(*figures.more[row].tolist())


def _may_be(eligible: int, vaccinated: int, due: int, least_needed: int, most_needed: int) -> dict[str, Value]:
    """Who may live in a place as well, and who is then needed; nothing where nobody does."""
    if not eligible:
        return {}
    told: dict[str, Value] = {"more_eligible": eligible, "more_vaccinated": vaccinated, "more_due": due}
    return told if most_needed < 0 else told | {"least_needed": least_needed, "most_needed": most_needed}


def _said(
    eligible: int,
    vaccinated: int,
    due: int,
    needed: int,
    expected: int,
    unvisited: int,
    likely_expected: int,
    likely_unvisited: int,
) -> dict[str, Value]:
    """The figures of a place; of the houses of its lists also those that are likely there."""
    told: dict[str, Value] = {"eligible": eligible, "vaccinated": vaccinated, "due": due}
    if needed != UNKNOWN:
        told["needed"] = needed
    if eligible:
        told["coverage"] = round(vaccinated / eligible, 4)
    if all_expected := expected + likely_expected:
        told["visited"] = round(max(0.0, 1 - (unvisited + likely_unvisited) / all_expected), 4)
    return told
