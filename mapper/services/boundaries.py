"""Boundary sets: import one and place every household in it; outlines for the map."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from mapper.domain.people import Finding
from mapper.domain.places import Unit, UnitShape, fold
from mapper.errors import Conflict, InvalidBoundaries, InvalidQuestion, NotFound, mark
from mapper.geo.boundary_file import read_boundaries
from mapper.geo.fields import ReadOptions
from mapper.geo.hamlet_areas import hamlet_areas
from mapper.geo.placing import Placer
from mapper.geo.shapes import feature_collection, simplified, zoom_band
from mapper.services import intake, rebuilding, set_arrival, set_periods, set_placing
from mapper.services.accounts import User, visible_cells
from mapper.services.figure_rows import hamlet_key
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import Known, PlaceSet, Reference, home_of, shelves_of
from mapper.services.reporting import visible_rows
from mapper.services.set_outlines import shapes_of
from mapper.services.set_work import Share
from mapper.store import outlines as drawn
from mapper.store import placements, register, shelves
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.reference import BoundarySet, SetState, UnitRow

VIETNAM = (102.0, 8.0, 110.0, 24.0)
"""West, south, east, north of the mainland with its coastal islands, in whole degrees."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What a boundary file does not say of itself. id "" is made from the label, label "" from the file's name.

    trial: in force on no day, only to be looked at beside others.
    """

    id: str = ""
    label: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    approximate: bool = False
    source: str = ""
    trial: bool = False


@dataclass(frozen=True, slots=True)
class ImportedSet:
    """What an import made: units by level, what was found and mended, households placed."""

    id: str
    label: str
    units: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]
    changed_areas: int
    households: int


def import_file(
    reference: Reference,
    path: Path,
    facts: SetFacts,
    options: ReadOptions | None = None,
    share: Share = lambda done: None,
    *,
    may_rebuild: bool = True,
) -> ImportedSet:
    """Read a boundary file into a new set, and place every household in it, see ``add_set``.

    Raises InvalidBoundaries, TooLarge, NotFound for a missing file, Conflict for a set of that id or those days.
    """
    if not path.is_file():
        raise NotFound(mark("There is no file {file}."), file=str(path))
    with reference.database.read() as connection:
        known = reference.known(connection)
    units = [
        Unit(row.code, row.name, row.level, row.parent_code)
        for places in known.every_set.values()
        for row in places.units.values()
    ]
    read = read_boundaries(path, options, units)
    found = [*read.findings, *_far_away([shape.bbox for shape in read.units])]
    return add_set(
        reference,
        replace(facts, label=facts.label or path.stem, source=facts.source or path.name),
        read.levels,
        read.units,
        found,
        len(read.changes),
        share,
        may_rebuild=may_rebuild,
    )


def _far_away(boxes: Sequence[tuple[float, float, float, float]]) -> list[Finding]:
    """A finding where no unit lies in Viet Nam, as happens when a file's coordinates are read in the wrong system."""
    west, south, east, north = VIETNAM
    if any(w < east and e > west and s < north and n > south for w, s, e, n in boxes):
        return []
    place = f"{min(b[1] for b in boxes):.1f}, {min(b[0] for b in boxes):.1f}"
    message = mark(
        "No unit lies in Viet Nam: the set begins at {place} (latitude, longitude). If that is not meant, import the "
        "file again with its right coordinate system."
    )
    return [Finding("far_away", message, (("place", place),))]


def add_set(
    reference: Reference,
    facts: SetFacts,
    levels: Sequence[str],
    units: Sequence[UnitShape],
    findings: Sequence[Finding] = (),
    changed_areas: int = 0,
    share: Share = lambda done: None,
    *,
    may_rebuild: bool = True,
) -> ImportedSet:
    """Add a set of units; every household is placed in it before anybody sees it, while phones go on sending.

    Where that is cut off, ``set_placing.go_on`` goes on with it. Only a set that knows more of the hamlet list's
    communes than any other, as the first one does, changes what households without a point count for: then register
    and tallies are made anew, in one transaction that uploads wait for. may_rebuild: whether they may. share: told how
    much is done, 0..1. A set that holds on the same ground and days as another one is refused, see
    ``set_periods.check``. Raises Conflict.
    """
    set_id = _id_of(facts)
    if HAMLET in levels:
        raise InvalidBoundaries(
            mark("Hamlets are no level of a boundary set here: their areas come from their households.")
        )
    leaves = [shape for shape in units if shape.unit.level == levels[-1]]
    placer = Placer.build([leaf.unit.code for leaf in leaves], [leaf.wkb for leaf in leaves])
    kept_placer = placer.to_bytes()
    report = [{"code": f.code, "message": f.message, "facts": dict(f.facts)} for f in findings]
    new = BoundarySet(
        set_id,
        facts.label,
        facts.valid_from,
        facts.valid_to,
        facts.approximate,
        facts.source,
        tuple(levels),
        json.dumps(report, ensure_ascii=False),
        datetime.now(UTC).isoformat(timespec="seconds"),
        SetState.ARRIVING,
        facts.trial,
    )
    rows = [
        (UnitRow(s.unit.level, s.unit.code, s.unit.name, s.unit.parent_code, s.area_km2, s.bbox), s.wkb) for s in units
    ]

    with reference.database.read() as connection:
        set_arrival.check_is_new(connection, set_id)
        known = reference.known(connection)
        number = placements.count(connection)
    place_set = PlaceSet(new, {(row.level, row.code): row for row, _ in rows}, placer)
    set_periods.check(known, place_set)
    with reference.database.write() as connection:
        shelves.make(reference.database, connection, shelves_of(place_set))
    if home_of([*known.every_set.values(), place_set], known.hamlets.values()) != known.home and number:
        if not may_rebuild:
            raise Conflict(
                mark(
                    "The list of hamlets has the commune codes of this set: with it register and figures are made anew "
                    "from all forms, and phones wait with theirs until that is done, some minutes for every 100,000 "
                    "households. Send it again with the box for that ticked, at an hour when nobody sends."
                )
            )
        total, done = intake.how_many(reference), 0

        def counted(more: int) -> None:
            nonlocal done
            done += more
            share(min(done / max(total, 1), 1.0))

        def add(connection: Connection) -> None:
            set_arrival.begin(reference, connection, new.id)
            set_periods.check(reference.here(), place_set)
            kept.save_boundary_set(connection, replace(new, state=SetState.SHOWN), kept_placer, rows)
            set_arrival.forget(connection, new.id)
            kept.raise_revision(reference.database, connection)

        rebuilding.rebuild(reference, counted, change=add)
    else:
        set_arrival.save(reference, place_set, kept_placer, rows)
        reference.keep_ready(replace(place_set, about=replace(new, state=SetState.PLACING)))
    number = set_placing.go_on(reference, set_id, share)
    return ImportedSet(
        set_id,
        facts.label,
        tuple((level, sum(s.unit.level == level for s in units)) for level in levels),
        tuple(findings),
        changed_areas,
        number,
    )


def checked(reference: Reference, facts: SetFacts) -> SetFacts:
    """The same with its id, as far as it can be told before its file is read that the set may come.

    Raises InvalidBoundaries, and Conflict where there is one of that id.
    """
    found = replace(facts, id=_id_of(facts))
    with reference.database.read() as connection:
        set_arrival.check_is_new(connection, found.id)
    return found


def _id_of(facts: SetFacts) -> str:
    set_id = facts.id or _make_id(facts.label)
    if not _ID.fullmatch(set_id):
        raise InvalidBoundaries(
            mark("{id} is no id of a boundary set: use small letters, digits, - and _, 40 at most."), id=set_id
        )
    set_periods.check_period(facts.valid_from, facts.valid_to)
    return set_id


def _make_id(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", fold(unicodedata.normalize("NFC", label))).strip("_")[:40]


def unit_shapes(reference: Reference, user: User, set_id: str, level: str, zoom: int, day: date) -> bytes:
    """Outlines of a level's units that a user may see, simplified for a zoom, as a GeoJSON FeatureCollection."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id, day)
        if level not in places.about.levels:
            raise InvalidQuestion(
                mark("Boundary set {set} has no level {level}. Choose one of: {levels}."),
                set=places.id,
                level=level,
                levels=", ".join((*places.about.levels, HAMLET)),
            )
        leaves = visible_rows(reference, connection, known, places, user)
    band = zoom_band(zoom)
    everything = outlines_of(reference, places.id, places.about.imported_at, level, band)
    codes = None if leaves is None else {places.above(leaf, level) for leaf in leaves}
    features = [
        (_properties(places, level, code), geometry) for code, geometry in everything if codes is None or code in codes
    ]
    return feature_collection(features)


def _properties(places: PlaceSet, level: str, code: str) -> dict[str, str | None]:
    unit = places.units[level, code]
    return {"key": code, "code": code, "name": unit.name, "parent": unit.parent_code}


@lru_cache(maxsize=12)
def outlines_of(
    reference: Reference, set_id: str, imported_at: str, level: str, band: int
) -> tuple[tuple[str, str], ...]:
    """Simplified outlines of a level, the last ones asked for kept in this process.

    imported_at: there to tell sets of one id apart.
    """
    return tuple(shapes_of(reference, set_id, level, band))


def hamlet_shapes(reference: Reference, user: User, set_id: str, campaign_id: str, zoom: int, day: date) -> bytes:
    """Hamlet areas, from the households that a campaign placed, within each unit; of the units a user may see."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        known.campaign(campaign_id)
        places = default_set(known, set_id, day)
        visible = visible_cells(reference, connection, user)
        points = register.house_points(reference.database, connection, campaign_id, visible)
        cells = reference.cells(connection)
        by_unit: dict[str, list[tuple[str, float, float]]] = {}
        for point in points:
            unit = cells[point.cell_id].units.get(places.id)
            if unit is not None and point.hamlet_code is not None:
                by_unit.setdefault(unit, []).append((point.hamlet_code, point.lon, point.lat))
        outlines = dict(drawn.outlines(connection, places.id, places.leaf)) if by_unit else {}
    features = []
    band = zoom_band(zoom)
    for unit in sorted(by_unit):
        areas = areas_in(tuple(by_unit[unit]), outlines[unit], band)
        features += [(_hamlet_properties(known, unit, code), geometry) for code, geometry in areas]
    return feature_collection(features)


@lru_cache(maxsize=4096)
def areas_in(points: tuple[tuple[str, float, float], ...], outline: bytes, band: int) -> tuple[tuple[str, str], ...]:
    """Areas of the hamlets of one unit, made anew only when its households have changed.

    points: hamlet code, longitude, latitude of each household. Returns hamlet code and GeoJSON geometry text.
    """
    codes = [code for code, _, _ in points]
    places = np.array([(lon, lat) for _, lon, lat in points])
    return tuple(simplified(sorted(hamlet_areas(codes, places[:, 0], places[:, 1], outline).items()), band))


def _hamlet_properties(known: Known, unit: str, code: str) -> dict[str, str | None]:
    hamlet = known.hamlets.get(code)
    return {"key": hamlet_key(unit, code), "code": code, "name": hamlet.label if hamlet else code, "parent": unit}
