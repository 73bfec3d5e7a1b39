"""Boundary sets and what became of their units, for those who look after them: lists, one succession, its rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mapper.domain.people import Finding
from mapper.domain.places import fold, order_key
from mapper.domain.succession import Change, Doubtful, Heir
from mapper.errors import NotFound, mark
from mapper.formats.crosswalk import GONE
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.set_periods import closely, side_by_side
from mapper.services.succession_report import Report, read_findings
from mapper.store import successions
from mapper.store.reference import BoundarySet
from mapper.store.successions import ToldSuccession


@dataclass(frozen=True, slots=True)
class SetLine:
    """A boundary set. units: how many of each level, outermost first; households: visited ones that a unit of it holds;
    findings: of its import; beside: other sets on the same days and ground."""

    about: BoundarySet
    units: tuple[tuple[str, int], ...]
    households: int
    findings: tuple[Finding, ...]
    beside: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class StepLine:
    """What is told between two sets. changes: old units by what became of them; reused: codes that mean other ground;
    doubts: pairs of which tellings disagree; findings: what is wrong, with the sets' days first."""

    about: ToldSuccession
    old_label: str
    new_label: str
    changes: Mapping[Change, int]
    reused: int
    doubts: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Every set, withdrawn ones too, the newest first, and every step from one to the next."""

    sets: tuple[SetLine, ...]
    steps: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A unit: its code, its name, and the names of those around it, the next one first."""

    code: str
    name: str
    around: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an old unit. heirs: with the place of each; code_now: the unit that has its code today, None where
    none has or where it is an heir."""

    old: Place
    change: Change
    heirs: tuple[tuple[Heir, Place], ...]
    code_now: Place | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pair of which tellings disagree, with names."""

    old: Place
    new: Place
    pair: Doubtful


@dataclass(frozen=True, slots=True)
class Shown:
    """From one set to a later one. about, report: None where it leads over sets between. born: new units without a
    forebear."""

    old: BoundarySet
    new: BoundarySet
    fates: tuple[Fate, ...]
    born: tuple[Place, ...]
    doubts: tuple[Doubt, ...]
    about: ToldSuccession | None
    report: Report | None
    findings: tuple[Finding, ...]

    @property
    def changes(self) -> dict[Change, int]:
        """How many old units had each fate, all of them in their order."""
        count = Counter(fate.change for fate in self.fates)
        return {change: count[change] for change in Change}

    @property
    def reused(self) -> tuple[Fate, ...]:
        """Old units whose code means other ground in the new set."""
        return tuple(fate for fate in self.fates if fate.code_now is not None)


def overview(reference: Reference) -> Overview:
    """All sets and steps; what became of units is no secret, nor how many households a set holds."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        told = successions.told(connection)
        houses = successions.visited_by_set(connection)
    beside: dict[str, list[Finding]] = {}
    for one, other, finding in side_by_side(known):
        for set_id in (one, other):
            beside.setdefault(set_id, []).append(finding)
    sets = tuple(
        SetLine(
            places.about,
            tuple((level, len(places.at_level(level))) for level in places.about.levels),
            houses.get(places.id, 0),
            read_findings(json.loads(places.about.report)),
            tuple(beside.get(places.id, ())),
        )
        for places in known.every_set.values()
    )
    steps = tuple(_step(known, about) for about in told if {about.old_set, about.new_set} <= known.every_set.keys())
    return Overview(sets, steps)


def _step(known: Known, about: ToldSuccession) -> StepLine:
    old, new = known.every_set[about.old_set], known.every_set[about.new_set]
    succession, report = known.successions[old.id, new.id], Report.from_json(about.report)
    names = _names(old), _names(new)
    changes = Counter(succession.change(code, names) for code in names[0])
    return StepLine(
        about,
        old.about.label,
        new.about.label,
        {change: changes[change] for change in Change},
        len(succession.reused()),
        len(report.doubts),
        (*closely(old, new), *_lasting(report)),
    )


def look(reference: Reference, old_set: str, new_set: str) -> Shown:
    """What became of every unit of a set in a later one, over sets between where nothing is told of the two themselves.

    Raises NotFound for sets that are not there, or between which nothing is told.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        told = {(one.old_set, one.new_set): one for one in successions.told(connection)}
    succession = known.succession(old_set, new_set) if {old_set, new_set} <= known.every_set.keys() else None
    if succession is None:
        raise NotFound(mark("Nothing is told of what became of {old} in {new}."), old=old_set, new=new_set)
    old, new = known.every_set[old_set], known.every_set[new_set]
    about = told.get((old_set, new_set))
    report = Report.from_json(about.report) if about else None
    names = _names(old), _names(new)
    reused = succession.reused()
    fates = [
        Fate(
            _place(old, code),
            succession.change(code, names),
            tuple((heir, _place(new, heir.new)) for heir in succession.of_old.get(code, ())),
            _place(new, code) if code in reused else None,
        )
        for code in names[0]
    ]
    doubts = [Doubt(_place(old, one.old), _place(new, one.new), one) for one in (report.doubts if report else ())]
    return Shown(
        old.about,
        new.about,
        tuple(sorted(fates, key=lambda fate: (order_key(fate.old.around), order_key(fate.old.name), fate.old.code))),
        tuple(_place(new, code) for code in names[1] if code not in succession.of_new),
        tuple(doubts),
        about,
        report,
        (*closely(old, new), *(_lasting(report) if report else ())),
    )


def chosen(fates: Sequence[Fate], change: Change | None, find: str) -> list[Fate]:
    """Those of a fate, and of which a name or a code holds some words; None and "" for all."""
    words = fold(find)
    return [fate for fate in fates if change in (None, fate.change) and (not words or words in _text(fate))]


def _text(fate: Fate) -> str:
    places = [fate.old, *(place for _, place in fate.heirs)]
    return fold(" ".join(f"{place.code} {place.name} {place.around}" for place in places))


PAIR_HEAD = (
    "old_code",
    "old_name",
    "old_within",
    "change",
    "new_code",
    "new_name",
    "new_within",
    "relation",
    "share",
    "decree",
    "code_now_means",
)
"""Columns of ``pair_rows``; a crosswalk under these names is read again."""


def pair_rows(fates: Iterable[Fate], source: str = "") -> Iterator[tuple[str, ...]]:
    """A row a pair, and one for each unit without heir. source: where a pair tells none of its own."""
    for fate in fates:
        old = (fate.old.code, fate.old.name, fate.old.around, fate.change.value)
        now = fate.code_now.name if fate.code_now else ""
        for heir, new in fate.heirs:
            share = "" if heir.share is None else f"{heir.share:.6f}".rstrip("0").rstrip(".")
            relation = "full" if heir.whole else "part"
            yield *old, new.code, new.name, new.around, relation, share, heir.source or source, now
        if not fate.heirs:
            yield *old, "", "", "", GONE, "", "", now


def doubt_rows(doubts: Iterable[Doubt], compared: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """A row a pair of which tellings disagree: what each says, full, part or nothing, and the share on the outlines."""
    for one in doubts:
        says = ("" if said is None else "full" if said else "part" for said in map(one.pair.says.get, compared))
        share = "" if one.pair.share is None else f"{one.pair.share:.6f}"
        yield one.old.code, one.old.name, one.old.around, one.new.code, one.new.name, one.new.around, *says, share


def _lasting(report: Report) -> tuple[Finding, ...]:
    """Findings of an import but those of the sets' days, which may have changed since."""
    return tuple(finding for finding in report.findings if not finding.code.startswith("period_"))


def _names(places: PlaceSet) -> dict[str, str]:
    return {unit.code: unit.name for unit in places.at_level(places.leaf)}


def _place(places: PlaceSet, code: str) -> Place:
    unit = places.units.get((places.leaf, code))
    if unit is None:
        return Place(code, "", "")
    around = []
    for level, above in zip(places.about.levels[-2::-1], places.line(code)[1:], strict=False):
        found = places.units.get((level, above))
        if found is not None:
            around.append(found.name)
    return Place(code, unit.name, ", ".join(around))
