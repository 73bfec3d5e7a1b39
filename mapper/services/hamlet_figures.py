"""Figures of every hamlet and innermost unit of a country as columns of numbers, for one question of one reader.

They say what ``reporting.coverage`` says. Ten thousands of hamlets are summed column by column, and of what was known a
moment ago only those cells are read again in which something was counted since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Design
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.ranges import OneOf, apportioned
from mapper.domain.targets import Goal
from mapper.services.accounts import User, visible_cells
from mapper.services.carried_targets import goals_on
from mapper.services.figure_rows import hamlet_key
from mapper.services.goals import Goals
from mapper.services.listed import Visited, seen_whole, visible_expected, visited_in
from mapper.services.questions import Question, default_set, find_series
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import visible_rows
from mapper.services.row_sums import placed_near
from mapper.store import register, tallies
from mapper.store.reference import Hamlet
from mapper.store.tallies import Cell

Ints = NDArray[np.int64]

COLUMNS = ("eligible", "vaccinated", "due", "needed", "expected", "unvisited")
ELIGIBLE_, VACCINATED, DUE, NEEDED, EXPECTED, UNVISITED = range(6)
"""Columns of figures; no house is expected where no list says."""

UNKNOWN = -1
"""Instead of the number of people needed, where that is not known."""

MORE = ("eligible", "vaccinated", "due", "least needed", "most needed")
"""Columns of who may live in a place as well, or in another part of a unit that was divided; and of how many people are
then still needed at least and at most, UNKNOWN as where it is so."""

_ELIGIBLE = [INSIDE.index(state) for state in INSIDE if state in ELIGIBLE]
_VACCINATED, _DUE = INSIDE.index(State.VACCINATED), INSIDE.index(State.DUE)
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Places:
    """Rows, and which cells belong to each: the same as long as no cell, hamlet or unit is added.

    made_from: what decides them. lasting: whether they hold whatever is counted. leaves: the units that the reader may
    see any of, None for all. keys, names: of each row, a hamlet's part in a unit. told: whether it is a hamlet in a
    unit. units, unit_names: the innermost units with any row. unit_of: place of a row's unit there, -1 for none, at the
    end; unit_starts: the first row of each unit, and after the last.
    expected: houses, -1 where no list says. unvisited: of these; None where it is what a hamlet's visits leave. likely,
    unit_likely: of rows and units, how many more are likely there of houses whose hamlet lies in one of several units:
    expected, unvisited. hamlet: a number for each row's hamlet, whatever its unit. row_of, hamlet_of: of each cell that
    has any houses, by their numbers, -1 for none. loose: by cell id the rows and the units in which households may be
    that are in one of several. goals, unit_goals: share to reach, numerator and denominator, (-1, 1) for none.
    """

    made_from: tuple[Any, ...]
    lasting: bool
    leaves: frozenset[str] | None
    keys: Sequence[str]
    names: Sequence[str]
    told: NDArray[np.bool_]
    units: Mapping[str, int]
    unit_names: Sequence[str]
    unit_of: Ints
    unit_starts: Ints
    expected: Ints
    unvisited: Ints | None
    likely: Ints
    unit_likely: Ints
    hamlet: Ints
    row_of: Ints
    hamlet_of: Ints
    loose: Mapping[int, tuple[Sequence[int], Sequence[int]]]
    goals: Ints
    unit_goals: Ints


@dataclass(frozen=True, slots=True)
class HamletFigures:
    """The figures of a question. numbers, unit_numbers: of each row and unit of places, in the columns named above.
    more, unit_more: who may come to each of them, in the columns of MORE.

    placed, middles: the rows that have houses on the map; longitude and latitude of the middle of these. parts,
    part_rows: places of their cells, row by row; the row of each.
    era, series_id, day: what the states of cells belong to. cell_ids: that have any houses; states and lon_lat: of
    each, nan for none placed; changes: how often anything was counted there; visited: houses.
    """

    set_id: str
    imported_at: str
    leaf: str
    campaign_id: str
    places: Places
    numbers: Ints
    unit_numbers: Ints
    more: Ints
    unit_more: Ints
    placed: Ints
    middles: NDArray[np.float64]
    parts: Ints
    part_rows: Ints
    of_states: tuple[str, int, int]
    cell_ids: Ints
    changes: Ints
    visited: Ints
    states: Ints
    lon_lat: NDArray[np.float64]

    def rows_of(self, unit: str) -> range:
        """The rows of a unit."""
        at = self.places.units.get(unit)
        return range(0) if at is None else range(*self.places.unit_starts[at : at + 2].tolist())

    def cells_of(self, rows: range) -> tuple[tuple[int, int], ...]:
        """The cells of placed rows, and how often anything was counted in each."""
        first, last = np.searchsorted(self.part_rows, (rows.start, rows.stop))
        found = self.parts[first:last]
        return tuple(zip(self.cell_ids[found].tolist(), self.changes[found].tolist(), strict=True))


def hamlet_figures(
    reference: Reference, user: User, question: Question, before: HamletFigures | None = None
) -> HamletFigures:
    """The figures of a question, whatever its level. before: of the same question and reader, a while ago.

    Raises what ``reporting.coverage`` raises.
    """
    database = reference.database
    with database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        aims = goals_on(reference, connection, known, places, campaign, group, dose, question.day)
        visible = visible_cells(reference, connection, user)
        every = tallies.houses(database, connection, campaign.id, None)
        cells = reference.cells(connection)
        era, _ = tallies.version(database, connection)
        width = len(every[0]) if every else 2
        houses: Ints = np.fromiter(chain.from_iterable(every), np.int64, len(every) * width).reshape(-1, width)
        houses = houses[houses[:, 1:-1].any(axis=1)]
        houses = houses[np.argsort(houses[:, 0])]
        cell_ids, visited, changes = houses[:, 0], houses[:, 1], houses[:, -1]
        made_from = (known.revision, era, len(cells), cell_ids.tobytes(), None if visible is None else tuple(visible))
        there = before.places if before is not None else None
        if there is None or not there.lasting or there.made_from != made_from:
            leaves = visible_rows(reference, connection, known, places, user)
            whole = seen_whole(reference, connection, known, places, user)
            there = _lay_out(known, places, user, aims, cells, every, cell_ids, visible, leaves, whole, made_from)
        seen = there.row_of >= 0
        if there.loose:
            seen |= np.isin(cell_ids, list(there.loose))
        states = np.zeros((len(cell_ids), len(INSIDE)), np.int64)
        lon_lat = np.full((len(cell_ids), 2), np.nan)
        stale = seen.copy()
        of_states = era, series_id, question.day.toordinal()
        if before is not None and before.of_states == of_states:
            at = np.minimum(np.searchsorted(before.cell_ids, cell_ids), len(before.cell_ids) - 1)
            if len(before.cell_ids):
                same = (before.cell_ids[at] == cell_ids) & (before.changes[at] == changes)
                states[same], lon_lat[same] = before.states[at[same]], before.lon_lat[at[same]]
                stale &= ~same
        wanted = dict(zip(cell_ids[stale].tolist(), changes[stale].tolist(), strict=True))
        if wanted:
            found = reference.states.on(
                database, connection, *of_states, wanted, everywhere=len(wanted) == len(cell_ids)
            )
            states[stale] = [found[cell] for cell in wanted]
            few = None if len(wanted) * 2 > len(cell_ids) else list(wanted)
            middles = register.cell_centres(database, connection, campaign.id, few)
            lon_lat[stale] = [middles.get(cell, (np.nan, np.nan))[::-1] for cell in wanted]
    numbers, unit_numbers = _summed(there, visited, states)
    if campaign.design is Design.CLUSTER_SURVEY:
        numbers[:, NEEDED] = unit_numbers[:, NEEDED] = UNKNOWN
    more, unit_more = _more(there, cell_ids, states, numbers, unit_numbers)
    placed, row_middles, parts = _placed(there, visited, lon_lat)
    return HamletFigures(
        places.id,
        places.about.imported_at,
        places.leaf,
        campaign.id,
        there,
        numbers,
        unit_numbers,
        more,
        unit_more,
        placed,
        row_middles,
        parts,
        there.row_of[parts],
        of_states,
        cell_ids,
        changes,
        visited,
        states,
        lon_lat,
    )


def _lay_out(
    known: Known,
    places: PlaceSet,
    user: User,
    aims: Goals,
    cells: Mapping[int, Cell],
    houses: Sequence[Sequence[int]],
    cell_ids: Ints,
    visible: Sequence[int] | None,
    leaves: set[str] | None,
    whole: set[str] | None,
    made_from: tuple[Any, ...],
) -> Places:
    seen = None if visible is None else set(visible)
    lasting = (
        places.id == known.home
        and not aims.carried
        and all((places.leaf, one.commune_code) in places.units for one in known.hamlets.values())
        and all(set_id in ("", places.id) for set_id, _ in user.areas)
    )
    row_of_cell: dict[int, tuple[str | None, str | None]] = {}
    for cell_id in cell_ids.tolist():
        if seen is None or cell_id in seen:
            row_of_cell[cell_id] = cells[cell_id].units.get(places.id), cells[cell_id].hamlet_code
    expected: dict[tuple[str | None, str | None], int] = {}
    unvisited: dict[tuple[str | None, str | None], int] = {}

    def visited(set_id: str) -> Visited:
        # At home a hamlet lies where its list says, whatever was visited.
        return {} if lasting else visited_in(cells, houses, set_id)

    doubtful: list[tuple[Hamlet, OneOf, tuple[int | None, int], bool]] = []

    def hidden(hamlet: Hamlet, leaf: OneOf, part: tuple[int | None, int]) -> None:
        doubtful.append((hamlet, leaf, part, False))

    for hamlet, parts in visible_expected(known, places, user, visited, hidden):
        for unit, (number, left) in parts.items():
            if isinstance(unit, OneOf):
                doubtful.append((hamlet, unit, (number, left), True))
            there = unit if isinstance(unit, str) else None, hamlet.code
            expected[there] = -1 if number is None else max(0, expected.get(there, 0)) + number
            unvisited[there] = unvisited.get(there, 0) + left
    rows = sorted({*row_of_cell.values(), *expected}, key=lambda row: (row[0] or _LAST, row[1] or _LAST))
    row_number = {row: number for number, row in enumerate(rows)}
    hamlets = {code: number for number, code in enumerate(dict.fromkeys(code for _, code in rows))}
    units = {code: number for number, code in enumerate(dict.fromkeys(unit for unit, _ in rows if unit is not None))}
    near = (
        placed_near(known, places, cells, houses, {one_of.source for _, one_of, _, _ in doubtful}) if doubtful else {}
    )
    likely, unit_likely = np.zeros((len(rows), 2), np.int64), np.zeros((len(units), 2), np.int64)
    for hamlet, one_of, (number, left), counted in doubtful:
        parts_of, of = one_of.weights([near.get((one_of.source, each), {}) for each in (hamlet.code, None)])
        pairs = zip(*(apportioned(each, parts_of, of) for each in (number or 0, left)), strict=True)
        for code, pair in zip(one_of.codes, pairs, strict=True):
            if counted or whole is None or code in whole:
                if code in units:
                    unit_likely[units[code]] += pair
                if (code, hamlet.code) in row_number:
                    likely[row_number[code, hamlet.code]] += pair
    loose = {}
    for cell_id in cell_ids.tolist() if places.id != known.home else ():
        leaf = known.leaf(cells[cell_id], places)
        if isinstance(leaf, OneOf):
            # Whoever sees the households sees where they may be.
            codes = [code for code in leaf.codes if cell_id in row_of_cell or whole is None or code in whole]
            of_hamlet = cells[cell_id].hamlet_code
            of_rows = [row_number[code, of_hamlet] for code in codes if (code, of_hamlet) in row_number]
            loose[cell_id] = of_rows, [units[code] for code in codes if code in units]
    # By place and not by the cells' numbers, which begin at 960 millions in the last province.
    row_of = [row_number[row_of_cell[cell_id]] if cell_id in row_of_cell else -1 for cell_id in cell_ids.tolist()]
    hamlet_of = [hamlets.get(cells[cell_id].hamlet_code, -1) for cell_id in cell_ids.tolist()]
    unit_of = np.array([-1 if unit is None else units[unit] for unit, _ in rows], np.int64)
    named = known.hamlets
    return Places(
        made_from,
        lasting,
        None if leaves is None else frozenset(leaves),
        [hamlet_key(unit, code) for unit, code in rows],
        [named[code].label if code in named else code or "" for _, code in rows],
        np.array([unit is not None and code is not None for unit, code in rows], np.bool_),
        units,
        [places.units[places.leaf, code].name for code in units],
        unit_of,
        np.searchsorted(unit_of[unit_of >= 0], np.arange(len(units) + 1)),
        np.array([expected.get(row, -1) for row in rows], np.int64),
        None if lasting else np.array([unvisited.get(row, 0) for row in rows], np.int64),
        likely,
        unit_likely,
        np.array([hamlets[code] for _, code in rows], np.int64),
        np.array(row_of, np.int64),
        np.array(hamlet_of, np.int64),
        loose,
        _ratios([aims.hamlet(*row) for row in rows]),
        _ratios([aims.unit(places.leaf, code) for code in units]),
    )


def _ratios(aims: Sequence[Goal]) -> Ints:
    pairs = [(-1, 1) if aim.share is None else aim.share.as_integer_ratio() for aim in aims]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _summed(places: Places, visited: Ints, states: Ints) -> tuple[Ints, Ints]:
    """The numbers of rows, and of units."""
    rows, hamlets = places.row_of, places.hamlet_of
    seen, listed = rows >= 0, places.expected >= 0
    of_hamlet = _totals(hamlets[hamlets >= 0], visited[hamlets >= 0, None], int(places.hamlet.max(initial=-1)) + 1)[
        :, 0
    ]
    numbers = np.zeros((len(places.keys), len(COLUMNS)), np.int64)
    asked = np.column_stack((states[:, _ELIGIBLE].sum(axis=1), states[:, _VACCINATED], states[:, _DUE]))
    numbers[:, :NEEDED] = _totals(rows[seen], asked[seen], len(numbers))
    numbers[:, EXPECTED] = np.where(listed, places.expected, 0)
    # How many houses of a hamlet are still to be visited does not depend on who asks.
    left = np.maximum(0, places.expected - of_hamlet[places.hamlet]) if places.unvisited is None else places.unvisited
    numbers[:, UNVISITED] = np.where(listed, left, 0)
    within = places.unit_of >= 0
    unit_numbers = _totals(places.unit_of[within], numbers[within], len(places.units))
    numbers[:, NEEDED] = _needed(numbers, places.goals)
    unit_numbers[:, NEEDED] = _needed(unit_numbers, places.unit_goals)
    return numbers, unit_numbers


def _more(places: Places, cell_ids: Ints, states: Ints, numbers: Ints, unit_numbers: Ints) -> tuple[Ints, Ints]:
    """Who may come to rows, and to units."""
    found = np.zeros((len(numbers), len(MORE)), np.int64), np.zeros((len(unit_numbers), len(MORE)), np.int64)
    at = {cell: number for number, cell in enumerate(cell_ids.tolist())} if places.loose else {}
    for cell, into in places.loose.items():
        of_cell = states[at[cell]]
        people = of_cell[_ELIGIBLE].sum(), of_cell[_VACCINATED], of_cell[_DUE]
        for more, chosen in zip(found, into, strict=True):
            more[list(chosen), :3] += people
    for more, known, ratios in zip(found, (numbers, unit_numbers), (places.goals, places.unit_goals), strict=True):
        # At best the vaccinated alone come, at worst those alone who are not.
        best, worst = known[:, : VACCINATED + 1] + more[:, 1:2], known[:, : VACCINATED + 1].copy()
        worst[:, 0] += more[:, 0] - more[:, 1]
        more[:, 3], more[:, 4] = np.maximum(_needed(best, ratios), 0), _needed(worst, ratios)
        more[known[:, NEEDED] == UNKNOWN, 3:] = UNKNOWN
    return found


def _totals(groups: Ints, values: Ints, count: int) -> Ints:
    """Sums of rows by group, column by column; exact below 2 to the power of 53."""
    columns = [np.bincount(groups, values[:, column], count) for column in range(values.shape[1])]
    return np.column_stack(columns).astype(np.int64)


def _needed(numbers: Ints, ratios: Ints) -> Ints:
    """People still to vaccinate to reach the target; UNKNOWN without a target or without anybody eligible."""
    wanted, of = ratios.T
    eligible, vaccinated = numbers[:, ELIGIBLE_], numbers[:, VACCINATED]
    needed = np.maximum(0, -(-wanted * eligible // of) - vaccinated)
    return np.where((wanted >= 0) & (eligible > 0), needed, UNKNOWN)


def _placed(places: Places, visited: Ints, lon_lat: NDArray[np.float64]) -> tuple[Ints, NDArray[np.float64], Ints]:
    """The rows that are drawn, the middle of each, whose households may lie in several cells, and these, row by row."""
    rows = places.row_of
    parts = np.flatnonzero((rows >= 0) & places.told[rows] & (visited > 0) & ~np.isnan(lon_lat[:, 0]))
    parts = parts[np.argsort(rows[parts], kind="stable")]
    rows, weights, at = rows[parts], visited[parts], lon_lat[parts]
    weight = np.bincount(rows, weights, len(places.keys))
    found = np.flatnonzero(weight)
    middles = [np.bincount(rows, weights * at[:, axis], len(places.keys))[found] / weight[found] for axis in (0, 1)]
    return found, np.column_stack(middles), parts
