"""A boundary file becomes the units of a boundary set, with a report of what was wrong and what was mended."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mapper.domain.people import Finding
from mapper.domain.places import Unit, UnitShape, name_key
from mapper.errors import InvalidBoundaries, mark
from mapper.geo.codes import clean_codes
from mapper.geo.fields import LevelFields, ReadOptions, choose_fields, filled_in, guess_level
from mapper.geo.layer import Layer, Limits
from mapper.geo.measure import areas_km2
from mapper.geo.mending import AreaChange, mend
from mapper.geo.reading import read_layer

_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class BoundaryFile:
    """What a file gave. units: outermost level first, each level in the order of its codes.

    levels: outermost first; the last one, leaf_level, is the one that points are placed in.
    findings: what a supervisor should know; changes: areas that mending changed, the most changed first.
    """

    units: tuple[UnitShape, ...]
    levels: tuple[str, ...]
    leaf_level: str
    findings: tuple[Finding, ...]
    changes: tuple[AreaChange, ...]

    @property
    def leaves(self) -> tuple[UnitShape, ...]:
        """The units of the innermost level."""
        return tuple(shape for shape in self.units if shape.unit.level == self.leaf_level)


def read_boundaries(
    path: Path,
    options: ReadOptions | None = None,
    known: Iterable[Unit] = (),
    limits: Limits | None = None,
) -> BoundaryFile:
    """Read the units of a GeoJSON, GeoPackage or zipped Shapefile, mended to a coverage.

    options: fields, levels and what the file does not say of itself; the rest is guessed. A file whose rows also
    tell the codes of upper units (commune_code, district_code, province_code) gives those as well, dissolved from
    the leaves, unless options.dissolve is False.
    known: units already known, for comparing names, names of upper units and the length of codes.
    Shapes are MultiPolygons, EPSG:4326. Raises InvalidBoundaries or TooLarge; the message names the cure.
    """
    options = options or ReadOptions()
    layer = read_layer(path, layer=options.layer, encoding=options.encoding, crs=options.crs, limits=limits)
    return units_of(layer, options, tuple(known))


def units_of(layer: Layer, options: ReadOptions, known: tuple[Unit, ...] = ()) -> BoundaryFile:
    """The units of a layer that was read; see read_boundaries."""
    findings: list[Finding] = []
    levels = choose_fields(list(layer.fields), options)
    columns = [clean_codes(layer.fields[level.code], level.level, known, findings) for level in levels]
    levels, columns = filled_in(levels, columns, findings)
    if not levels[0].level:
        levels[0] = LevelFields(guess_level([code for code in columns[0] if code]), levels[0].code, levels[0].name)
    if levels[0].level in {upper.level for upper in levels[1:]}:
        raise InvalidBoundaries(
            mark("Units and their parents cannot both be of the level {level}. Say another level."),
            level=levels[0].level,
        )
    bridged = _bridged(layer, levels, columns, findings)
    parts = _rows_with_outline(layer, levels[0], columns, findings)
    rows = [some[0] for some in parts]
    names = _leaf_names(layer, levels[0], columns[0], rows, known, findings)
    mended = mend(_united(layer, parts), [columns[0][row] or "" for row in rows])
    findings += mended.findings

    parents = _parents(levels, columns, rows)
    shapes: dict[str, list[tuple[Unit, Any]]] = {levels[0].level: []}
    for position, row in enumerate(rows):
        code = columns[0][row] or ""
        unit = Unit(code, names[code], levels[0].level, parents[0].get(code))
        shapes[levels[0].level].append((unit, mended.shapes[position]))
    leaves = [unit for unit, _ in shapes[levels[0].level]]
    if options.dissolve:
        for depth, upper in enumerate(levels[1:], start=1):
            shapes[upper.level] = _dissolved(
                upper, columns[depth], layer, rows, mended.shapes, parents[depth], known, findings, leaves, bridged
            )
    for units in shapes.values():
        _compare_names([unit for unit, _ in units], known, findings)
    outermost_first = [level.level for level in reversed(levels) if level.level in shapes]
    found = [_unit_shapes(shapes[level]) for level in outermost_first]
    return BoundaryFile(
        tuple(shape for level in found for shape in level),
        tuple(outermost_first),
        levels[0].level,
        tuple(findings),
        mended.changes,
    )


def _bridged(
    layer: Layer, levels: Sequence[LevelFields], columns: Sequence[list[str | None]], findings: list[Finding]
) -> dict[str, str]:
    """Units that stand directly under one of an outer level get one in between, of each outer one its own; its name.

    columns are filled in for them. A row that tells of no outer level is left as it is.
    """
    names: dict[str, str] = {}
    for depth in range(len(levels) - 2, 0, -1):
        rows: dict[str, list[int]] = defaultdict(list)
        for row, code in enumerate(columns[depth]):
            outer = columns[depth + 1][row]
            if code is None and outer is not None and columns[0][row] is not None:
                rows[outer].append(row)
        for outer, those in sorted(rows.items()):
            field = levels[depth + 1].name
            name = names.get(outer) or (_text(layer.fields[field][those[0]]) if field is not None else None) or outer
            code = f"{outer}-0"
            names[code] = name if outer in names else f"{name} (trực thuộc)"
            for row in those:
                columns[depth][row] = code
            findings.append(
                Finding(
                    "bridged",
                    mark(
                        "{count} units have no code of their {level} and stand directly under {outer}: they are "
                        "together in {name}, {code}. If that is not meant, fill in the field {field} in their rows and "
                        "import the file again: {units}."
                    ),
                    (
                        ("count", str(len(those))),
                        ("level", levels[depth].level),
                        ("outer", f"{outer} {name}"),
                        ("name", names[code]),
                        ("code", code),
                        ("field", levels[depth].code),
                        ("units", _listed([columns[0][row] or "" for row in those])),
                    ),
                )
            )
    return names


def _rows_with_outline(
    layer: Layer, leaf: LevelFields, columns: Sequence[Sequence[str | None]], findings: list[Finding]
) -> list[list[int]]:
    """The rows that make each leaf, in the order of the codes: one, or several that are parts of one unit.

    columns: the codes of each level, the leaves' first. Each row has a code and an outline; no outline stands twice.
    """
    codes = columns[0]
    empty = [row for row, g in enumerate(layer.shapes) if g is None or g.is_empty]
    without = set(empty)
    missing = [row for row, code in enumerate(codes) if code is None and row not in without]
    if missing:
        raise InvalidBoundaries(
            mark("Row {row} has no code ({count} such rows). Give every unit its code."),
            row=missing[0] + 1,
            count=len(missing),
        )
    if empty:
        findings.append(
            Finding(
                "no_outline",
                mark("{count} units have no outline and were left out: {codes}."),
                (("count", str(len(empty))), ("codes", ", ".join(codes[row] or "?" for row in empty[:10]))),
            )
        )
    rows_by_code: dict[str, list[int]] = defaultdict(list)
    for row, code in enumerate(codes):
        if row not in without:
            rows_by_code[str(code)].append(row)
    if not rows_by_code:
        raise InvalidBoundaries(mark("The file holds no outline at all. Export the units' polygons."))
    parted = []
    for code, rows in rows_by_code.items():
        if len(rows) == 1:
            continue
        different = _different_outlines(layer, rows)
        if len(different) > 1:
            if not _one_unit(layer, leaf, columns, rows):
                raise InvalidBoundaries(
                    mark(
                        "Code {code} stands {count} times with different outlines, and not always with the same name "
                        "and parent. Correct those of the parts of one unit, or choose the field that tells the units "
                        "apart."
                    ),
                    code=code,
                    count=len(rows),
                )
            parted.append(code)
        if len(different) < len(rows):
            findings.append(
                Finding(
                    "duplicate_rows",
                    mark("Code {code} stands {count} times with the same outline; one was kept."),
                    (("code", code), ("count", str(len(rows) - len(different) + 1))),
                )
            )
        rows_by_code[code] = different
    if parted:
        findings.append(
            Finding(
                "united_parts",
                mark("{count} units stood in several rows, a part in each, and were united: {codes}."),
                (("count", str(len(parted))), ("codes", ", ".join(sorted(parted)[:10]))),
            )
        )
    return [rows_by_code[code] for code in sorted(rows_by_code)]


def _different_outlines(layer: Layer, rows: Sequence[int]) -> list[int]:
    """The rows without those that repeat the outline of one before them."""
    first: dict[bytes, int] = {}
    for row in rows:
        first.setdefault(shapely.to_wkb(shapely.normalize(layer.shapes[row])), row)
    return list(first.values())


def _one_unit(layer: Layer, leaf: LevelFields, columns: Sequence[Sequence[str | None]], rows: Sequence[int]) -> bool:
    """Whether rows of one code are parts of one unit: all of one name, and under the same units of every level."""
    names = [_text(layer.fields[leaf.name][row]) if leaf.name is not None else None for row in rows]
    parents = {tuple(codes[row] for codes in columns[1:]) for row in rows}
    return len(parents) == 1 and len({name_key(name or "") for name in names}) == 1 and names[0] is not None


def _united(layer: Layer, parts: Sequence[Sequence[int]]) -> NDArray[np.object_]:
    """One outline a leaf; of several parts a multipolygon, its faults left to be told and mended like any other's."""
    shapes = layer.shapes[[rows[0] for rows in parts]]
    for position, rows in enumerate(parts):
        if len(rows) > 1:
            some = layer.shapes[list(rows)]
            valid = bool(shapely.is_valid(some).all())
            shapes[position] = shapely.union_all(some) if valid else shapely.multipolygons(shapely.get_parts(some))
    return shapes


def _text(value: object) -> str | None:
    """A name as it is kept: NFC, single blanks; None where nothing is written."""
    if value is None:
        return None
    return unicodedata.normalize("NFC", " ".join(str(value).split())) or None


def _names_by_code(known: tuple[Unit, ...]) -> defaultdict[tuple[str, str], set[str]]:
    """The known names of each level and code; of several sets, several."""
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for unit in known:
        names[unit.level, unit.code].add(_text(unit.name) or unit.code)
    return names


def _only(names: set[str]) -> str | None:
    """The one name, where there is no other to doubt it."""
    return next(iter(names)) if len(names) == 1 else None


def _leaf_names(
    layer: Layer,
    leaf: LevelFields,
    codes: Sequence[str | None],
    rows: Sequence[int],
    known: tuple[Unit, ...],
    findings: list[Finding],
) -> dict[str, str]:
    listed = _names_by_code(known)
    values = layer.fields[leaf.name] if leaf.name is not None else [None] * len(layer)
    names = {}
    nameless = []
    for row in rows:
        code = codes[row] or ""
        name = _text(values[row]) or _only(listed[leaf.level, code])
        if name is None:
            nameless.append(code)
        names[code] = name or code
    _report_nameless(leaf.level, nameless, findings)
    return names


def _report_nameless(level: str, codes: list[str], findings: list[Finding]) -> None:
    if codes:
        findings.append(
            Finding(
                "no_name",
                mark("{count} units of the level {level} have no name and are shown by their code: {codes}."),
                (("count", str(len(codes))), ("level", level), ("codes", ", ".join(codes[:10]))),
            )
        )


def _listed(several: Sequence[str]) -> str:
    return ", ".join([*several[:_MOST_LISTED], *(["…"] if len(several) > _MOST_LISTED else [])])


def _parents(
    levels: Sequence[LevelFields], columns: Sequence[Sequence[str | None]], rows: Sequence[int]
) -> list[dict[str, str]]:
    """For each level the code of each unit's parent, one level up; a unit cannot have two."""
    found: list[dict[str, str]] = []
    for depth in range(len(levels)):
        parents: dict[str, str] = {}
        if depth + 1 < len(levels):
            for row in rows:
                code, parent = columns[depth][row], columns[depth + 1][row]
                if code is None or parent is None:
                    continue
                if parents.setdefault(code, parent) != parent:
                    raise InvalidBoundaries(
                        mark(
                            "{level} {code} stands under both {one} and {other}. Correct the {field} field and import "
                            "again."
                        ),
                        level=levels[depth].level,
                        code=code,
                        one=parents[code],
                        other=parent,
                        field=levels[depth + 1].code,
                    )
        found.append(parents)
    return found


def _dissolved(
    upper: LevelFields,
    codes: Sequence[str | None],
    layer: Layer,
    rows: Sequence[int],
    shapes: NDArray[np.object_],
    parents: dict[str, str],
    known: tuple[Unit, ...],
    findings: list[Finding],
    leaves: Sequence[Unit],
    bridged: Mapping[str, str],
) -> list[tuple[Unit, Any]]:
    """The units of an upper level, each joined from its leaves; the commonest of several names is taken."""
    listed = _names_by_code(known)
    members: dict[str, list[int]] = defaultdict(list)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    orphans: list[Unit] = []
    for position, row in enumerate(rows):
        code = codes[row]
        if code is None:
            orphans.append(leaves[position])
            continue
        members[code].append(position)
        name = _text(layer.fields[upper.name][row]) if upper.name is not None else None
        if name is not None:
            names[code][name] += 1
    if orphans:
        findings.append(
            Finding(
                "no_parent",
                mark(
                    "{count} units have no code of their {level}, and count in no {level} nor in what is around it: "
                    "{units}. Fill in the field {field} in their rows and import the file again."
                ),
                (
                    ("count", str(len(orphans))),
                    ("level", upper.level),
                    ("units", _listed([f"{unit.code} {unit.name}" for unit in orphans])),
                    ("field", upper.code),
                ),
            )
        )
    found = []
    nameless = []
    for code in sorted(members):
        if len(names[code]) > 1:
            findings.append(_name_finding(upper.level, code, sorted(names[code])))
        name = names[code].most_common(1)[0][0] if names[code] else _only(listed[upper.level, code])
        name = bridged.get(code) or name
        if name is None:
            nameless.append(code)
        unit = Unit(code, name or code, upper.level, parents.get(code))
        found.append((unit, shapely.coverage_union_all(shapes[members[code]])))
    _report_nameless(upper.level, nameless, findings)
    return found


def _name_finding(level: str, code: str, names: Sequence[str]) -> Finding:
    facts = (("level", level), ("code", code), ("names", " / ".join(names)))
    if len({name_key(name) for name in names}) == 1:
        return Finding("name_tone", mark("{level} {code} is spelt in several ways: {names}."), facts)
    return Finding("name_differs", mark("{level} {code} has several names: {names}."), facts)


def _compare_names(units: Sequence[Unit], known: tuple[Unit, ...], findings: list[Finding]) -> None:
    """Report names that are spelt otherwise in the known list, and siblings whose names are the same or nearly so.

    A code whose known names are all quite different is not reported: codes are given to other places later.
    """
    listed = _names_by_code(known)
    for unit in units:
        others = listed[unit.level, unit.code]
        nearly = sorted(name for name in others if name_key(name) == name_key(unit.name))
        if nearly and unit.name not in others:
            findings.append(_name_finding(unit.level, unit.code, [unit.name, *nearly]))
    siblings: dict[tuple[str | None, str], list[Unit]] = defaultdict(list)
    for unit in units:
        siblings[unit.parent_code, name_key(unit.name)].append(unit)
    for group in siblings.values():
        if len(group) < 2:
            continue
        facts = (
            ("codes", ", ".join(unit.code for unit in group)),
            ("names", " / ".join(dict.fromkeys(unit.name for unit in group))),
        )
        if len({unit.name for unit in group}) > 1:
            message = mark("The units {codes} have names that differ only in how they are spelt: {names}.")
            findings.append(Finding("siblings_tone", message, facts))
        else:
            findings.append(Finding("siblings_same", mark("The units {codes} have the same name: {names}."), facts))


def _unit_shapes(units: Sequence[tuple[Unit, Any]]) -> list[UnitShape]:
    shapes = np.empty(len(units), dtype=object)
    shapes[:] = [shapely.multipolygons(shapely.get_parts(shape)) for _, shape in units]
    inside = shapely.point_on_surface(shapes)
    x, y, areas = shapely.get_x(inside), shapely.get_y(inside), areas_km2(shapes)
    bounds = shapely.bounds(shapes).tolist()
    wkbs = shapely.to_wkb(shapes)
    return [
        UnitShape(unit, bytes(wkbs[i]), float(areas[i]), tuple(bounds[i]), (float(x[i]), float(y[i])))
        for i, (unit, _) in enumerate(units)
    ]
