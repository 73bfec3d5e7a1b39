"""A question about figures -> ledger and coverage of every unit, from tallies; never by scanning people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from mapper.domain.campaign import Campaign, Design, Group, ScheduledDose
from mapper.domain.ranges import OneOf
from mapper.services import row_sums
from mapper.services.accounts import User, visible_cells
from mapper.services.carried_targets import goals_on
from mapper.services.cluster_design import estimate
from mapper.services.figure_rows import (
    VACCINATED,
    Beside,
    Part,
    UnitFigures,
    as_sample,
    asked_row,
    beside,
    by_unit,
    cut_units,
    figures_of,
    goal_of_all,
    hamlet_rows,
    unit_of,
    unit_rows,
)
from mapper.services.kept_states import NOBODY
from mapper.services.listed import leaves_in_areas, seen_whole
from mapper.services.questions import HAMLET, Question, check_level, default_set, find_series
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.row_sums import total_of
from mapper.stats.surveys import Estimate
from mapper.store import reference as kept
from mapper.store import tallies
from mapper.store.database import Connection

Version = tuple[int, str, int]
"""Revision of the reference data, era of the tallies, and a number that rises with what is counted in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows of a level, their total, and what was asked, with every default filled in.

    sample: what a cluster survey says of all rows together; None of a census, of a survey that asked nobody yet, and
    where everybody was asked.
    """

    campaign: Campaign
    places: kept.BoundarySet
    level: str
    group: Group
    dose: ScheduledDose
    day: date
    units: tuple[UnitFigures, ...]
    total: UnitFigures
    sample: Estimate | None = None


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
        check_level(places, question.level)
        ground = row_sums.ground(reference, connection, known, places, campaign, user)
        sums = row_sums.with_states(ground, reference, connection, series_id, question.day)
        seen = seen_whole(reference, connection, known, places, user)
        aims = goals_on(reference, connection, known, places, campaign, group, dose, question.day)
    more = beside(ground, sums, ground.apart, places, question.level, part, seen)
    if part is not None:
        sums = {(leaf, hamlet): one for (leaf, hamlet), one in sums.items() if part.holds(places, leaf, hamlet)}
    if question.level == HAMLET:
        rows = hamlet_rows(known, sums, aims, more)
    else:
        totals = {code: total_of(several) for code, several in by_unit(places, question.level, sums).items()}
        rows = unit_rows(question.level, totals, aims, cut_units(places, question.level, seen), more)
    together = total_of(list(sums.values()))
    total = figures_of("total", None, "", None, together, goal_of_all(aims, part, sums), more.whole, more.whole_lists)
    sample = None
    if campaign.design is Design.CLUSTER_SURVEY:
        sample = None if total.assessment.complete else estimate(map(asked_row, sums.items()))
        rows = as_sample(rows, sums, places, question.level)
        total = as_sample([total], sums, places, "")[0]
    return Answer(
        campaign,
        places.about,
        question.level,
        group,
        dose,
        question.day,
        tuple(rows),
        total,
        sample,
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
        check_level(places, question.level)
        ground = row_sums.ground(reference, connection, known, places, campaign, user)
        series = known.series[campaign.id]
        days = [question.day, *(question.day - timedelta(days=days) for days in back)]
        people = [
            row_sums.people_of(ground, reference, connection, series, day) for day in days if day >= campaign.start
        ]
        aims_of = [
            goals_on(reference, connection, known, places, campaign, *each, question.day) for each in campaign.series
        ]
        seen = seen_whole(reference, connection, known, places, user)
    held = [row for row in ground.sums if part is None or part.holds(places, *row)]
    rows = {row: ground.sums[row] for row in held}
    of_units = by_unit(places, question.level, rows) if units else {}
    sums = {code: total_of(several) for code, several in of_units.items()}
    everything = total_of(list(rows.values()))
    cells = row_sums.cells_of(ground, held, lambda row: unit_of(places, question.level, row) if units else None)
    now, *before = ({code: one[among].sum(axis=0).tolist() for code, among in cells.items()} for one in people)
    cut = cut_units(places, question.level, seen)
    loose = [row for row in ground.sums if isinstance(row[0], OneOf)]
    totals, rows_by_code = [], []
    for number in range(len(campaign.series)):
        aims = aims_of[number]
        states = {code: now[code][number] if code in now else NOBODY for code in sums}
        told = {code: replace(one, states=states[code]) for code, one in sums.items()}
        whole = [sum(column) for column in zip(NOBODY, *(each[number] for each in now.values()), strict=True)]
        doubtful = row_sums.of_series(ground, loose, people[0], number) if loose else {}
        apart = row_sums.apart_of_series(ground, people[0], number) if ground.apart else {}
        more = beside(ground, doubtful, apart, places, question.level, part, seen)
        together, goal = replace(everything, states=whole), goal_of_all(aims, part, rows)
        of_all = [figures_of("total", None, "", None, together, goal, more.whole, more.whole_lists)]
        of_each = unit_rows(question.level, told, aims, cut, more if units else Beside({}, None))
        if campaign.design is Design.CLUSTER_SURVEY:
            asked = row_sums.of_series(ground, held, people[0], number)
            of_all, of_each = as_sample(of_all, asked, places, ""), as_sample(of_each, asked, places, question.level)
        totals += of_all
        rows_by_code.append({unit.code: unit for unit in of_each})
    found = iter(before)
    vaccinated = (
        {code: [of_series[VACCINATED] for of_series in each] for code, each in next(found).items()}
        if day >= campaign.start
        else None
        for day in days[1:]
    )
    return EverySeries(tuple(totals), tuple(rows_by_code), tuple(vaccinated))


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
