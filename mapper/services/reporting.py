"""A question about figures -> ledger and coverage of every unit, from tallies; never by scanning people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from mapper.domain.campaign import Campaign, Design, Group, Label, ScheduledDose
from mapper.domain.coverage import Assessment, Houses, assess
from mapper.domain.ledger import ELIGIBLE, INSIDE, MOVES, State
from mapper.domain.targets import NO_GOAL, Goal
from mapper.errors import InvalidQuestion, NotFound, mark
from mapper.services import row_sums
from mapper.services.accounts import User, visible_cells
from mapper.services.cluster_design import AskedRow, assess_rows
from mapper.services.goals import Goals, goals
from mapper.services.kept_states import NOBODY
from mapper.services.listed import leaves_in_areas
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.row_sums import RowSum, total_of
from mapper.store import reference as kept
from mapper.store import register, tallies
from mapper.store.database import Connection

HAMLET = "hamlet"
"""The level below the leaf units of every set: hamlets of the communes' lists, with no outlines of their own."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. set_id "" means the set shown first."""

    campaign_id: str
    group_code: str
    dose_code: str
    day: date
    level: str
    set_id: str = ""


class UnitFigures(NamedTuple):
    """One row of an answer: a unit, its houses, its ledger, and what may be said of it.

    key: names the row within the answer; a hamlet that lies in two units of a set has two rows.
    code: None for households that no unit holds. people: all registered there, in the group or not.
    counts: people per state, in the order of INSIDE. eligible: the denominator of coverage. outside: people registered
    who are not in the group on that day. partial: the figures are of those parts of the unit alone that the user may
    see. goal: what holds here; its verdict stands in the assessment.
    """

    key: str
    code: str | None
    name: str
    parent: str | None
    houses: Houses
    people: int
    counts: tuple[int, ...]
    eligible: int
    outside: int
    assessment: Assessment
    partial: bool = False
    goal: Goal = NO_GOAL

    @property
    def states(self) -> Mapping[State, int]:
        """People by state."""
        return dict(zip(INSIDE, self.counts, strict=True))


Version = tuple[int, str, int]
"""Revision of the reference data, era of the tallies, and a number that rises with what is counted in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows of a level, their total, and what was asked, with every default filled in."""

    campaign: Campaign
    places: kept.BoundarySet
    level: str
    group: Group
    dose: ScheduledDose
    day: date
    units: tuple[UnitFigures, ...]
    total: UnitFigures


_LAST = "\U0010ffff"
_eligible = itemgetter(*(INSIDE.index(state) for state in INSIDE if state in ELIGIBLE))
_VACCINATED, _UNKNOWN = INSIDE.index(State.VACCINATED), INSIDE.index(State.UNKNOWN)


Row = row_sums.Row
"""(leaf unit code, hamlet code), either None where a household has none."""


def campaigns(reference: Reference, language: str) -> list[dict[str, Any]]:
    """Every campaign, the oldest first, with groups, doses and targets, ready for JSON."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    return [
        {
            "id": campaign.id,
            **_labels(campaign.label, language),
            "start": campaign.start.isoformat(),
            "until": campaign.until.isoformat(),
            "source": campaign.source,
            "groups": [
                {
                    "code": group.code,
                    **_labels(group.label, language),
                    "priority": bool(group.priorities),
                    "doses": [
                        {
                            "code": dose.code,
                            **_labels(campaign.doses[dose.code], language),
                            "target": None if dose.target is None else float(dose.target),
                            "deadline": None if dose.deadline is None else dose.deadline.isoformat(),
                        }
                        for dose in group.doses
                    ],
                }
                for group in campaign.groups
            ],
        }
        for campaign in known.campaigns.values()
    ]


def _labels(label: Label, language: str) -> dict[str, Any]:
    return {"label": label[language], "labels": {"vi": label["vi"], "en": label["en"]}}


def default_set(known: Known, wanted: str = "", day: date | None = None) -> PlaceSet:
    """The set of that id; else the one in force on the day that knows the hamlets, else any in force, else the newest.

    Raises NotFound for an unknown id, or where no set was imported.
    """
    if wanted:
        if wanted not in known.sets:
            raise NotFound(
                mark("There is no boundary set {set}. Choose one of: {sets}."),
                set=wanted,
                sets=", ".join(known.sets) or "-",
            )
        return known.sets[wanted]
    if not known.sets:
        raise NotFound(mark("No boundary set was imported yet. Import one: python server.py boundaries import FILE."))
    in_force = [places for places in known.sets.values() if day is None or places.in_force(day)]
    for places in in_force:
        if places.id == known.home:
            return places
    return (in_force or list(known.sets.values()))[0]


def boundary_sets(reference: Reference, day: date, wanted: str = "") -> list[dict[str, Any]]:
    """Every boundary set, the newest period first, ready for JSON; the one shown first says so.

    wanted: the operator's choice of that one, passed over where no such set is here.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
    if not known.sets:
        return []
    first = default_set(known, wanted if wanted in known.sets else "", day).id
    return [
        {
            "id": places.id,
            "label": places.about.label,
            "valid_from": places.about.valid_from.isoformat() if places.about.valid_from else None,
            "valid_to": places.about.valid_to.isoformat() if places.about.valid_to else None,
            "approximate": places.about.approximate,
            "source": places.about.source,
            "levels": list(places.about.levels),
            "default": places.id == first,
            "bounds": places.bounds,
        }
        for places in known.sets.values()
    ]


def version(reference: Reference) -> Version:
    """What the figures, points and outlines of this moment belong to, whichever process counted; cheap to ask.

    None comes twice, so an answer worked out after it was read, and kept under it, is never older than it says.
    """
    with reference.database.read() as connection:
        return kept.revision(reference.database, connection), *tallies.version(reference.database, connection)


def revision(reference: Reference) -> int:
    """The same for what depends on campaigns, hamlets and boundary sets alone."""
    with reference.database.read() as connection:
        return kept.revision(reference.database, connection)


class Part(Protocol):
    """A part of a boundary set; ``services.areas`` has them."""

    @property
    def level(self) -> str:
        """Its level, or HAMLET."""

    @property
    def code(self) -> str:
        """Its code."""

    def holds(self, places: PlaceSet, leaf: str | None, hamlet: str | None) -> bool:
        """Whether households of a hamlet in an innermost unit of the set belong to it."""


def coverage(reference: Reference, user: User, question: Question, part: Part | None = None) -> Answer:
    """The ledger and coverage of every unit of a level that a user may see.

    Of a campaign that is a cluster survey, whatever was not asked to its last house is judged as a sample.
    part: only of this part of the boundary set; the total then too.
    Raises NotFound for an unknown campaign or set, InvalidQuestion for a group, dose, level or day that has no figure.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        _check_level(places, question.level)
        ground = row_sums.ground(reference, connection, known, places, campaign, user)
        sums = row_sums.with_states(ground, reference, connection, series_id, question.day)
    if part is not None:
        sums = {(leaf, hamlet): one for (leaf, hamlet), one in sums.items() if part.holds(places, leaf, hamlet)}
    aims = goals(known, places, campaign, group, dose)
    if question.level == HAMLET:
        rows = _hamlet_rows(known, sums, aims)
    else:
        totals = {code: total_of(several) for code, several in _by_unit(places, question.level, sums).items()}
        rows = _unit_rows(question.level, totals, aims, _cut(known, places, user, question.level))
    total = _figures("total", None, "", None, total_of(list(sums.values())), goal_of_all(aims, part, sums))
    if campaign.design is Design.CLUSTER_SURVEY:
        rows = _as_sample(rows, sums, places, question.level)
        total = _as_sample([total], sums, places, "")[0]
    return Answer(
        campaign,
        places.about,
        question.level,
        group,
        dose,
        question.day,
        tuple(rows),
        total,
    )


@dataclass(frozen=True, slots=True)
class EverySeries:
    """Figures of every group and dose of a campaign, in its order.

    totals: of all together. units: by code, None for households that no unit holds; empty where none were asked for.
    vaccinated: on each of the days before, by code or all under None, a number a series; None before the campaign.
    """

    totals: tuple[UnitFigures, ...]
    units: tuple[Mapping[str | None, UnitFigures], ...]
    vaccinated: tuple[Mapping[str | None, Sequence[int]] | None, ...]


def coverage_of_every(
    reference: Reference, user: User, question: Question, part: Part | None, back: Sequence[int], units: bool
) -> EverySeries:
    """What ``coverage`` says of every group and dose of the question's campaign, from one reading of houses and sums.

    back: days before the question's of which people vaccinated are wanted. units: whether units of its level are.
    Raises as ``coverage`` does, and for a question of hamlets.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, *_ = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        _check_level(places, question.level)
        ground = row_sums.ground(reference, connection, known, places, campaign, user)
        series = known.series[campaign.id]
        days = [question.day, *(question.day - timedelta(days=days) for days in back)]
        people = [
            row_sums.people_of(ground, reference, connection, series, day) for day in days if day >= campaign.start
        ]
    held = [row for row in ground.sums if part is None or part.holds(places, *row)]
    rows = {row: ground.sums[row] for row in held}
    of_units = _by_unit(places, question.level, rows) if units else {}
    sums = {code: total_of(several) for code, several in of_units.items()}
    everything = total_of(list(rows.values()))
    cells = row_sums.cells_of(ground, held, lambda row: _unit_of(places, question.level, row) if units else None)
    now, *before = ({code: one[among].sum(axis=0).tolist() for code, among in cells.items()} for one in people)
    cut = _cut(known, places, user, question.level)
    totals, by_unit = [], []
    for number, (group, dose) in enumerate(campaign.series):
        aims = goals(known, places, campaign, group, dose)
        states = {code: now[code][number] if code in now else NOBODY for code in sums}
        told = {code: replace(one, states=states[code]) for code, one in sums.items()}
        whole = [sum(column) for column in zip(NOBODY, *(each[number] for each in now.values()), strict=True)]
        of_all = [_figures("total", None, "", None, replace(everything, states=whole), goal_of_all(aims, part, rows))]
        of_each = _unit_rows(question.level, told, aims, cut)
        if campaign.design is Design.CLUSTER_SURVEY:
            asked = row_sums.of_series(ground, held, people[0], number)
            of_all, of_each = _as_sample(of_all, asked, places, ""), _as_sample(of_each, asked, places, question.level)
        totals += of_all
        by_unit.append({unit.code: unit for unit in of_each})
    found = iter(before)
    vaccinated = (
        {code: [of_series[_VACCINATED] for of_series in each] for code, each in next(found).items()}
        if day >= campaign.start
        else None
        for day in days[1:]
    )
    return EverySeries(tuple(totals), tuple(by_unit), tuple(vaccinated))


def _check_level(places: PlaceSet, level: str) -> None:
    levels = (*places.about.levels, HAMLET)
    if level not in levels:
        raise InvalidQuestion(
            mark("Boundary set {set} has no level {level}. Choose one of: {levels}."),
            set=places.id,
            level=level,
            levels=", ".join(levels),
        )


def _as_sample(
    units: Sequence[UnitFigures], sums: Mapping[Row, RowSum], places: PlaceSet, level: str
) -> list[UnitFigures]:
    """The same units with what a sample says of those that are not complete. level: "" for all in one."""
    parts: dict[str | None, list[AskedRow]] = {}
    for (leaf, hamlet), one in sums.items():
        asked = leaf, hamlet, sum(_eligible(one.states)), one.states[_VACCINATED]
        if level == HAMLET:
            parts[hamlet_key(leaf, hamlet)] = [asked]
        else:
            parts.setdefault(places.above(leaf, level) if level and leaf is not None else None, []).append(asked)
    return [
        unit
        if unit.assessment.complete
        else unit._replace(
            assessment=assess_rows(parts.get(unit.key if level == HAMLET else unit.code, ()), unit.goal.share)
        )
        for unit in units
    ]


def goal_of_all(aims: Goals, part: Part | None, rows: Iterable[Row]) -> Goal:
    """The goal of rows together: that of the area that was asked for, else of the smallest unit that holds them."""
    if not aims.own:
        return aims.usual
    leaves = [leaf for leaf, _ in rows if leaf is not None]
    if part is None:
        return aims.around(leaves)
    if part.level == HAMLET:
        # A hamlet's households may lie in several units; the one that most of its rows name stands for it.
        return aims.hamlet(max(leaves, key=leaves.count) if leaves else None, part.code)
    return aims.unit(part.level, part.code)


def find_series(known: Known, question: Question) -> tuple[Campaign, Group, ScheduledDose, int]:
    """The campaign, group, dose and series number of a question, its day checked."""
    campaign = known.campaign(question.campaign_id)
    found = campaign.find(question.group_code, question.dose_code)
    if found is None:
        raise InvalidQuestion(
            mark("Campaign {campaign} has no dose {dose} for a group {group}. It has: {series}."),
            campaign=campaign.id,
            dose=question.dose_code,
            group=question.group_code,
            series=", ".join(f"{g.code} {d.code}" for g, d in campaign.series),
        )
    if question.day < campaign.start:
        raise InvalidQuestion(
            mark("Figures of campaign {campaign} begin on {start}. Ask for a later day."),
            campaign=campaign.id,
            start=campaign.start.isoformat(),
        )
    if question.day > campaign.until:
        raise InvalidQuestion(
            mark("Figures of campaign {campaign} end on {until}. Ask for an earlier day."),
            campaign=campaign.id,
            until=campaign.until.isoformat(),
        )
    return campaign, *found, known.series[campaign.id][campaign.series.index(found)]


def _hamlet_rows(known: Known, sums: Mapping[Row, RowSum], aims: Goals) -> list[UnitFigures]:
    rows = []
    for (unit, code), one in sorted(sums.items(), key=_place):
        hamlet = known.hamlets.get(code) if code is not None else None
        name = hamlet.label if hamlet else code or ""
        rows.append(_figures(hamlet_key(unit, code), code, name, unit, one, aims.hamlet(unit, code)))
    return rows


def _place(item: tuple[Row, RowSum]) -> tuple[str, str]:
    """By unit and hamlet; what has no code comes last."""
    (unit, code), _ = item
    return unit or _LAST, code or _LAST


def hamlet_key(unit: str | None, hamlet: str | None) -> str:
    """Names a hamlet's part in one unit."""
    return f"{unit or '-'}/{hamlet or '-'}"


def _unit_of(places: PlaceSet, level: str, row: Row) -> str | None:
    return places.above(row[0], level) if row[0] is not None else None


def _by_unit(places: PlaceSet, level: str, sums: Mapping[Row, RowSum]) -> dict[str | None, list[RowSum]]:
    parts: dict[str | None, list[RowSum]] = {}
    for row, one in sums.items():
        parts.setdefault(_unit_of(places, level, row), []).append(one)
    return parts


def _cut(known: Known, places: PlaceSet, user: User, level: str) -> set[str | None]:
    """The units of which a user sees a part alone."""
    seen = leaves_in_areas(known, places, user) if user.areas else set()
    leaves = places.at_level(places.leaf) if user.areas else ()
    return {places.above(leaf.code, level) for leaf in leaves if leaf.code not in seen}


def _unit_rows(
    level: str, totals: Mapping[str | None, RowSum], aims: Goals, cut: Collection[str | None]
) -> list[UnitFigures]:
    rows, left = [], dict(totals)
    for unit in aims.places.at_level(level):
        if unit.code in left:
            goal = aims.unit(level, unit.code)
            figures = _figures(unit.code, unit.code, unit.name, unit.parent_code, left.pop(unit.code), goal)
            rows.append(figures._replace(partial=True) if unit.code in cut else figures)
    rows += [_figures("-", None, "", None, one, aims.usual) for one in left.values()]
    return rows


def _figures(key: str, code: str | None, name: str, parent: str | None, one: RowSum, goal: Goal) -> UnitFigures:
    visited, interviewed, vacant, _refused, _closed, people = one.houses
    houses = Houses(one.expected, visited, interviewed, vacant, one.unvisited, one.unlisted)
    states = one.states
    eligible = sum(_eligible(states))
    return UnitFigures(
        key,
        code,
        name,
        parent,
        houses,
        people,
        tuple(states),
        eligible,
        people - sum(states),
        assess(states[_VACCINATED], eligible, states[_UNKNOWN], houses, goal.share),
        False,
        goal,
    )


HOUSES_ONE_BY_ONE = 5000
"""Up to so many households the heat map shows each; beyond, the middle of each hamlet's households, from tallies."""


def heat(reference: Reference, user: User, question: Question) -> list[tuple[float, float, int]]:
    """(latitude, longitude, people due) of places with people due, rounded to some 10 m."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, _, _, series_id = find_series(known, question)
        visible = visible_cells(reference, connection, user)
        day, column = question.day.toordinal(), INSIDE.index(State.DUE)
        changes = [(entered is State.DUE) - (left is State.DUE) for left, entered in MOVES]
        found: list[tuple[float, float, int]] = []
        if (
            sum(row[1] for row in tallies.houses(reference.database, connection, campaign.id, visible))
            > HOUSES_ONE_BY_ONE
        ):
            centres = register.cell_centres(reference.database, connection, campaign.id, visible)
            for cell_id, *states in tallies.states_on(reference.database, connection, series_id, day, visible):
                if cell_id in centres:
                    found.append((*centres[cell_id], states[column]))
        else:
            for lat, lon, steps in register.house_steps(reference.database, connection, campaign.id, visible):
                way = zip(steps[::3], steps[1::3], steps[2::3], strict=True)
                people = sum(changes[move] for series, on, move in way if series == series_id and on <= day)
                found.append((lat, lon, people))
    return [(round(lat, 4), round(lon, 4), people) for lat, lon, people in found if people > 0]


def visible_rows(
    reference: Reference, connection: Connection, known: Known, places: PlaceSet, user: User
) -> set[str] | None:
    """Leaf units of a set that a user may see, None for all."""
    visible = visible_cells(reference, connection, user)
    if visible is None:
        return None
    cells = reference.cells(connection)
    units = {unit for cell_id in visible if (unit := cells[cell_id].units.get(places.id)) is not None}
    return units | leaves_in_areas(known, places, user)
