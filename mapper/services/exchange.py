"""Figures as DHIS2 data values, by the codes of a campaign's exchange.toml and of the list of organisation units."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from mapper.domain.campaign import Campaign
from mapper.domain.exchange import (
    FIGURES,
    DataValue,
    ExchangeMapping,
    PeriodKind,
    ReportPeriod,
    period_around,
    read_period,
)
from mapper.errors import InvalidInput, InvalidQuestion, mark
from mapper.formats.exchange_mapping import read_mapping
from mapper.formats.org_units import OrgUnitLine
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, Question, default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import coverage, coverage_of_every
from mapper.store import reference as kept
from mapper.store.database import Connection

OrgUnits = Mapping[tuple[str, str], tuple[str, str]]
"""DHIS2's uid and code of units, by level and code; "" where the list had none."""

WHY = {
    "unmapped": mark("no organisation unit of DHIS2 is mapped to it"),
    "partial": mark("you see only a part of it, so its figures would be too small"),
    "nowhere": mark("households that belong to no unit"),
    "range": mark("its figures are ranges: of some people nobody can tell whether they live there"),
    "split": mark("it lies in several units, and DHIS2 would take the figures of one of them for all"),
}
"""Why a unit is not sent, in words."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent. set_id "" for the usual one; day: the figures are of its end; area: only units in it."""

    campaign_id: str
    set_id: str
    level: str
    day: date
    period: ReportPeriod
    area: Area | None = None


def wanted_of(
    campaign_id: str, set_id: str, level: str, period: str, day: date, today: date, area: Area | None = None
) -> Wanted:
    """What is to be sent of a period: a kind of it around a day, or one as DHIS2 writes it.

    The figures are of the day where it lies in the period, else of the period's last day, or of today. Raises
    InvalidQuestion where the period is none, or has not begun.
    """
    of = period_around(PeriodKind(period), day) if period in list(PeriodKind) else read_period(period)
    if not of.first <= day <= of.last:
        day = min(of.last, today)
        if day < of.first:
            raise InvalidQuestion(mark("The period {period} has not begun. Choose an earlier one."), period=of.dhis2)
    return Wanted(campaign_id, set_id, level, day, of, area)


class LeftOut(NamedTuple):
    """A unit that is not sent. why: a key of WHY; people: registered there."""

    code: str
    name: str
    why: str
    people: int


class SentUnit(NamedTuple):
    """A unit that is sent, with the organisation unit it is in DHIS2, and how many values it has."""

    code: str
    name: str
    org_unit: str
    values: tuple[DataValue, ...]


@dataclass(frozen=True, slots=True)
class Sending:
    """What would be sent, and everything that would not.

    silent: figures, as ``figure.group.dose``, that the mapping names no data element or combo for.
    """

    wanted: Wanted
    campaign: Campaign
    mapping: ExchangeMapping
    units: tuple[SentUnit, ...]
    left_out: tuple[LeftOut, ...]
    silent: tuple[str, ...]

    @property
    def values(self) -> list[DataValue]:
        """All values, unit by unit."""
        return [value for unit in self.units for value in unit.values]


def mapping_of(connection: Connection, campaign: Campaign) -> ExchangeMapping:
    """The mapping that was published with a campaign; an empty one where none was."""
    held = kept.fact(connection, _of_campaign(campaign.id))
    return read_mapping(held, campaign) if held else ExchangeMapping()


def usual_period(reference: Reference, campaign_id: str) -> PeriodKind:
    """How long the periods of a campaign's data set are; a month where its mapping does not say."""
    with reference.database.read() as connection:
        campaign = reference.known(connection).campaign(campaign_id)
        return mapping_of(connection, campaign).period_kind or PeriodKind.MONTHLY


def keep_mapping(reference: Reference, connection: Connection, campaign: Campaign, toml: str) -> None:
    """Keep a campaign's exchange.toml, which was checked."""
    kept.set_fact(reference.database, connection, _of_campaign(campaign.id), toml)


def _of_campaign(campaign_id: str) -> str:
    return f"exchange of {campaign_id}"


def _of_set(set_id: str) -> str:
    return f"organisation units of {set_id}"


def org_units(connection: Connection, set_id: str) -> OrgUnits:
    """The organisation units mapped to a boundary set's units."""
    held = json.loads(kept.fact(connection, _of_set(set_id)) or "[]")
    return {(level, code): (uid, other) for level, code, uid, other in held}


class TakenLine(NamedTuple):
    """What became of a line of a list of organisation units. unit: code of ours; what: a key of TAKEN."""

    line: int
    name: str
    unit: str
    what: str


TAKEN = {
    "new": mark("mapped"),
    "changed": mark("mapped anew"),
    "same": mark("was mapped so already"),
    "unknown": mark("no unit here has this code"),
    "several": mark("units of several levels have this code: write the level beside it"),
    "twice": mark("another line names the same unit: keep one of them"),
}


def take_org_units(
    reference: Reference, user: User, set_id: str, day: date, lines: Sequence[OrgUnitLine]
) -> list[TakenLine]:
    """Map a boundary set's units to DHIS2's by their codes, and tell what became of every line.

    Lines that fit none of our units change nothing, and units that no line names stay as they were mapped. Nothing is
    taken where two lines name one unit.
    """
    with reference.database.write() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id, day)
        before = dict(org_units(connection, places.id))
        found = [(line, _levels(known, places, line)) for line in lines]
        named = [(*levels, line.unit) for line, levels in found if len(levels) == 1]
        told, after = [], dict(before)
        for line, levels in found:
            what = "several" if levels else "unknown"
            if len(levels) == 1:
                key, new = (levels[0], line.unit), (line.uid, line.code)
                what = "same" if before.get(key) == new else "changed" if key in before else "new"
                if named.count(key) > 1:
                    what = "twice"
                after[key] = new
            told.append(TakenLine(line.line, line.name or line.unit, line.unit, what))
        if any(one.what == "twice" for one in told):
            return [one if one.what == "twice" else one._replace(what="") for one in told if one.what]
        if after != before:
            rows = [[*key, *new] for key, new in sorted(after.items())]
            kept.set_fact(reference.database, connection, _of_set(places.id), json.dumps(rows))
            facts = {"set": places.id, "number": sum(one.what in ("new", "changed") for one in told)}
            audit.record(reference, connection, user.id, user.name, "exchange.units", places.id, facts)
    return told


def _levels(known: Known, places: PlaceSet, line: OrgUnitLine) -> list[str]:
    levels = [line.level] if line.level else [*places.about.levels, HAMLET]
    found = [level for level in levels if (level, line.unit) in places.units]
    return [*found, HAMLET] if HAMLET in levels and line.unit in known.hamlets else found


def sending(reference: Reference, user: User, wanted: Wanted) -> Sending:
    """The data values of every unit of a level that a user may see, with all that is not sent, and why.

    Each figure is the one that ``reporting.coverage`` gives for the unit, group, dose and day. Raises as it does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(wanted.campaign_id)
        places = default_set(known, wanted.set_id, wanted.day)
        mapping = mapping_of(connection, campaign)
        mapped = org_units(connection, places.id)
        split = _split(reference, connection, places) if wanted.level == HAMLET else frozenset()
    _check_area(places, wanted)
    if mapping.period_kind not in (None, wanted.period.kind):
        raise InvalidQuestion(
            mark("The data set of DHIS2 takes {wanted} periods, not {period}. Choose such a period."),
            wanted=mapping.period_kind,
            period=wanted.period.dhis2,
        )
    rows = _figures(reference, user, wanted, campaign)
    units, left_out, silent = [], [], dict[str, None]()
    for of_unit in rows.values():
        first = next(iter(of_unit.values()))
        if wanted.area is not None and not _within(places, wanted.level, first, wanted.area):
            continue
        org_unit = _org_unit(mapping, mapped.get((wanted.level, first.code or "")))
        why = "partial" if first.partial else "" if org_unit else "unmapped"
        if first.code is None or first.code in split:
            why = "split" if first.code else "nowhere"
        if org_unit and not why and any(unit.maybe for unit in of_unit.values()):
            why = "range"
        if why:
            left_out.append(LeftOut(first.code or "", first.name, why, first.people))
            continue
        values = []
        for (group, dose), unit in of_unit.items():
            for figure in FIGURES:
                number, to = figure_of(unit, figure), mapping.element(figure, group, dose)
                if to is None:
                    silent[f"{figure}.{group}.{dose}"] = None
                elif number is not None:
                    period, attribute = wanted.period.dhis2, mapping.attribute_combo
                    values.append(DataValue(to[0], period, org_unit, to[1], attribute, number))
        units.append(SentUnit(first.code or "", first.name, org_unit, tuple(values)))
    return Sending(replace(wanted, set_id=places.id), campaign, mapping, tuple(units), tuple(left_out), tuple(silent))


def check_mapped(sending: Sending) -> None:
    """Raises InvalidInput where units with people are mapped to nothing, so that nobody leaves them out unknowingly."""
    lost = [one for one in sending.left_out if one.why == "unmapped" and one.people]
    if lost:
        raise InvalidInput(
            mark(
                "{number} units with people are mapped to no organisation unit of DHIS2, {name} for one. Map them, or "
                "say that they are to be left out."
            ),
            number=len(lost),
            name=lost[0].name or lost[0].code,
        )


def _check_area(places: PlaceSet, wanted: Wanted) -> None:
    """Raises InvalidQuestion where units would be larger than the area, so that it has only a part of them."""
    levels = [*places.about.levels, HAMLET]
    level, area = wanted.level, wanted.area
    if area is not None and level in levels and area.level in levels and levels.index(level) < levels.index(area.level):
        raise InvalidQuestion(
            mark("Units of this level are larger than the area. Choose a lower level or a larger area.")
        )


def _within(places: PlaceSet, level: str, unit: UnitFigures, area: Area) -> bool:
    """Whether a unit or hamlet lies in an area."""
    if level == area.level:
        return unit.code == area.code
    at, code = (places.leaf, unit.parent) if level == HAMLET else (level, unit.code)
    levels = places.about.levels
    for each in reversed(levels[: levels.index(at) + 1]):
        if each == area.level or code is None:
            return code == area.code
        held = places.units.get((each, code))
        code = held.parent_code if held else None
    return False


def _split(reference: Reference, connection: Connection, places: PlaceSet) -> frozenset[str]:
    """Hamlets of which households lie in more than one unit, or in none."""
    found: dict[str, set[str | None]] = {}
    for cell in reference.cells(connection).values():
        if cell.hamlet_code is not None:
            found.setdefault(cell.hamlet_code, set()).add(cell.units.get(places.id))
    return frozenset(code for code, units in found.items() if len(units) > 1)


def figure_of(unit: UnitFigures, figure: str) -> int | None:
    """A figure by its name among FIGURES; None where it does not exist."""
    if figure == "needed":
        return unit.assessment.needed
    if figure in ("people", "eligible", "outside"):
        return int(getattr(unit, figure))
    return next(number for state, number in unit.states.items() if state.value == figure)


def _figures(
    reference: Reference, user: User, wanted: Wanted, campaign: Campaign
) -> dict[str, dict[tuple[str, str], UnitFigures]]:
    """By key of unit and by group and dose the figures of each."""
    rows: dict[str, dict[tuple[str, str], UnitFigures]] = {}
    questions = [
        Question(campaign.id, group.code, dose.code, wanted.day, wanted.level, wanted.set_id)
        for group, dose in campaign.series
    ]
    if wanted.level == HAMLET:
        answers = [coverage(reference, user, question).units for question in questions]
    else:
        every = coverage_of_every(reference, user, questions[0], None, (), True)
        answers = [tuple(units.values()) for units in every.units]
    for question, units in zip(questions, answers, strict=True):
        for unit in units:
            rows.setdefault(unit.key, {})[question.group_code, question.dose_code] = unit
    return rows


def _org_unit(mapping: ExchangeMapping, mapped: tuple[str, str] | None) -> str:
    if mapped is None:
        return ""
    return mapped[0] if mapping.unit_scheme == "UID" else mapped[1]


class Compared(NamedTuple):
    """One value of either side that the other tells differently; None where a side has none."""

    key: DataValue
    ours: int | None
    theirs: int | None


def compare(ours: Sequence[DataValue], theirs: Sequence[DataValue]) -> tuple[int, list[Compared]]:
    """How many values agree, and every one that does not. Raises InvalidInput where a file tells one twice."""
    held = {one._replace(value=0): one.value for one in ours}
    told: dict[DataValue, int] = {}
    for one in theirs:
        key = one._replace(value=0)
        if told.setdefault(key, one.value) != one.value:
            raise InvalidInput(
                mark("The file tells {element} of {unit} in {period} twice, and differently. Keep one of them."),
                element=one.element,
                unit=one.unit,
                period=one.period,
            )
    keys = dict.fromkeys((*held, *told))
    found = [Compared(key, held.get(key), told.get(key)) for key in keys if held.get(key) != told.get(key)]
    return len(keys) - len(found), found
