"""A unit through the boundary sets: what it was made of, what became of it, and what its code meant elsewhere.

Told by what is known of the sets (``Known.succession``); where nobody told of two of them, by their outlines, which
see only what lies in another unit as good as whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mapper.domain.succession import Heir, Succession
from mapper.errors import NotFound, mark
from mapper.geo.drawn import overlap
from mapper.services.areas import Area
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, PlaceSet
from mapper.store.reference import BoundarySet, UnitRow

WHOLE = 0.995
"""Share from which a unit went as a whole: parts of it that were each rounded may miss it by so much."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A unit of another set that shares ground with a unit. around: names of the units it lies in, the nearest first.

    whole: the older of the two went wholly into the newer. share: of the older one's ground, 0..1, None where nobody
    told. sources: decrees.
    """

    unit: UnitRow
    around: tuple[str, ...]
    whole: bool
    share: float | None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A unit's ground in another set. later: whether that set comes after. measured: by outlines, told by nobody."""

    places: BoundarySet
    later: bool
    measured: bool
    relatives: tuple[Relative, ...]


@dataclass(frozen=True, slots=True)
class SameCode:
    """What the code of a unit means in another set. elsewhere: a place that shares no ground with the unit."""

    places: BoundarySet
    unit: UnitRow
    around: tuple[str, ...]
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class UnitHistory:
    """A unit, what lies around it, nearest first, and within it, and its ground in the other sets, oldest first."""

    places: BoundarySet
    unit: UnitRow
    around: tuple[UnitRow, ...]
    within: tuple[UnitRow, ...]
    steps: tuple[Step, ...]
    same_code: tuple[SameCode, ...]


def history(known: Known, places: PlaceSet, level: str, code: str) -> UnitHistory:
    """The history of a unit of a set. Raises NotFound for a unit that is not there."""
    unit = places.units.get((level, code))
    if unit is None:
        raise NotFound(
            mark("Boundary set {set} has no unit {level} {code}. Its code may be one of another set."),
            set=places.id,
            level=level[:40],
            code=code[:40],
        )
    others = [other for other in known.sets.values() if other.id != places.id]
    steps = [step for other in others if (step := _step(known, places, unit, other)) is not None]
    steps.sort(key=lambda step: (step.places.valid_from is not None, step.places.valid_from, step.places.id))
    levels = places.about.levels
    below = levels[levels.index(level) + 1] if level != places.leaf else None
    return UnitHistory(
        places.about,
        unit,
        tuple(_around(places, unit)),
        tuple(one for one in places.at_level(below) if one.parent_code == code) if below else (),
        tuple(steps),
        tuple(same for other in others if (same := _same_code(unit, other, steps)) is not None),
    )


def area_there(known: Known, places: PlaceSet, area: Area, other: PlaceSet) -> Area | None:
    """The area of another set that holds an area of this one as good as whole; None where none does."""
    if area.level == HAMLET:
        return area
    leaves = _leaves(places, area.level, area.code)
    there = {known.counterpart(places, leaf, other) for leaf in leaves}
    if not leaves or None in there:
        return None
    lines = [other.line(leaf or "")[::-1] for leaf in there]
    found = None
    for level, codes in zip(other.about.levels, zip(*lines, strict=False), strict=False):
        if len(set(codes)) > 1:
            break
        found = Area(level, codes[0])
    return found


def _around(places: PlaceSet, unit: UnitRow) -> Iterable[UnitRow]:
    levels = places.about.levels
    for level in reversed(levels[: levels.index(unit.level)]):
        found = places.units.get((level, unit.parent_code or ""))
        if found is None:
            return
        yield found
        unit = found


def _leaves(places: PlaceSet, level: str, code: str) -> set[str]:
    """The innermost units within a unit."""
    return {leaf.code for leaf in places.at_level(places.leaf) if places.above(leaf.code, level) == code}


def _step(known: Known, places: PlaceSet, unit: UnitRow, other: PlaceSet) -> Step | None:
    """A unit's ground in another set; None where nothing of it is known."""
    heirs, forebears = known.succession(places.id, other.id), known.succession(other.id, places.id)
    level = unit.level if unit.level in other.about.levels else other.leaf
    leaves = _leaves(places, unit.level, unit.code)
    if heirs is not None:
        return _told(other, True, _later(heirs, places, leaves, other, level))
    if forebears is not None:
        return _told(other, False, _earlier(forebears, leaves, other, level))
    later = _begin(other) > _begin(places)
    old, new = (places, other) if later else (other, places)
    found = _measured(known, old, new)
    relatives = _later(found, places, leaves, other, level) if later else _earlier(found, leaves, other, level)
    return Step(other.about, later, True, relatives) if relatives else None


def _told(other: PlaceSet, later: bool, relatives: tuple[Relative, ...]) -> Step | None:
    return Step(other.about, later, False, relatives) if relatives else None


def _begin(places: PlaceSet) -> str:
    day = places.about.valid_from or places.about.valid_to
    return day.isoformat() if day else ""


def _measured(known: Known, old: PlaceSet, new: PlaceSet) -> Succession:
    """By outlines alone: units that lie as good as whole in one of the newer set."""
    found = ((leaf.code, known.counterpart(old, leaf.code, new)) for leaf in old.at_level(old.leaf))
    return Succession(tuple(Heir(code, there, True, 1.0) for code, there in found if there is not None))


def _later(told: Succession, places: PlaceSet, leaves: set[str], other: PlaceSet, level: str) -> tuple[Relative, ...]:
    """What became of a unit, told of the innermost units within it."""
    area = sum(_area(places, leaf) for leaf in leaves)
    parts: dict[str, list[Heir]] = defaultdict(list)
    for leaf in leaves:
        for heir in told.of_old.get(leaf, ()):
            code = other.above(heir.new, level)
            if code is not None and (level, code) in other.units:
                parts[code].append(heir)
    found = []
    for code, heirs in parts.items():
        held = [_held(places, heir) for heir in heirs]
        share = sum(each for each in held if each is not None) / area if None not in held and area else None
        whole = len(parts) == 1 and all(told.of_old.get(leaf) for leaf in leaves) and _all_told(told, leaves)
        found.append(_relative(other, level, code, whole, share, heirs))
    return tuple(sorted(found, key=_order))


def _earlier(told: Succession, leaves: set[str], other: PlaceSet, level: str) -> tuple[Relative, ...]:
    """What a unit was made of, told of the innermost units within it."""
    parts: dict[str, list[Heir]] = defaultdict(list)
    for leaf in leaves:
        for heir in told.of_new.get(leaf, ()):
            code = other.above(heir.old, level)
            if code is not None and (level, code) in other.units:
                parts[code].append(heir)
    found = []
    for code, heirs in parts.items():
        of_old = _leaves(other, level, code)
        area = sum(_area(other, leaf) for leaf in of_old)
        held = [_held(other, heir) for heir in heirs]
        share = sum(each for each in held if each is not None) / area if None not in held and area else None
        whole = all(
            told.of_old.get(leaf) and all(heir.new in leaves for heir in told.of_old[leaf]) for leaf in of_old
        ) and _all_told(told, of_old)
        found.append(_relative(other, level, code, whole, share, heirs))
    return tuple(sorted(found, key=_order))


def _all_told(told: Succession, leaves: set[str]) -> bool:
    """Whether nothing of these older units is told to have gone where nobody says."""
    return all(len(heirs := told.of_old.get(leaf, ())) > 1 or any(one.whole for one in heirs) for leaf in leaves)


def _held(old: PlaceSet, heir: Heir) -> float | None:
    """Ground that an heir took over, km²; None where nobody told."""
    share = 1.0 if heir.whole else heir.share
    return None if share is None else share * _area(old, heir.old)


def _area(places: PlaceSet, leaf: str) -> float:
    return places.area_km2(leaf) or 0.0


def _relative(
    places: PlaceSet, level: str, code: str, whole: bool, share: float | None, heirs: Iterable[Heir]
) -> Relative:
    unit = places.units[level, code]
    names = tuple(one.name for one in _around(places, unit))
    sources = tuple(sorted({heir.source for heir in heirs if heir.source}))
    whole = whole or (share is not None and share >= WHOLE)
    return Relative(unit, names, whole, 1.0 if whole else share, sources)


def _order(one: Relative) -> tuple[bool, float, str]:
    return not one.whole, -(one.share or 0), one.unit.code


def _same_code(unit: UnitRow, other: PlaceSet, steps: Iterable[Step]) -> SameCode | None:
    """What the unit's code means in another set, where that is another place, or more or less than the unit."""
    same = other.units.get((unit.level, unit.code))
    if same is None:
        return None
    step = next((step for step in steps if step.places.id == other.id), None)
    relatives = step.relatives if step is not None else ()
    own = next((one for one in relatives if one.unit is same), None)
    if own is not None and own.whole and len(relatives) == 1:
        return None
    # Outlines say nothing of parts: only ground that lies far away is surely that of another place.
    told = step is not None and not step.measured
    elsewhere = own is None and (told or not overlap(unit.bounds, same.bounds))
    return SameCode(other.about, same, tuple(one.name for one in _around(other, same)), elsewhere)
