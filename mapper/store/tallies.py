"""Tallies kept by intake: people per series, cell, day and state; houses per campaign, cell and day."""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
)

from mapper.domain.ledger import ELIGIBLE, INSIDE, MOVES, State
from mapper.domain.shelves import CELLS, UNKNOWN
from mapper.store import shelves, tables
from mapper.store.database import Database, driver_of
from mapper.store.tables import HOUSE_COLUMNS, STATE_COLUMNS

_t, _ht, _totals = tables.tallies, tables.house_tallies, tables.house_totals
_c, _cu, _facts = tables.cells, tables.cell_units, tables.facts
_ERA = "tallies"

Change = Sequence[int]
"""Cell id, series id, day, and the change in people per state, in the order of STATE_COLUMNS."""
HouseChanges = dict[tuple[str, int, int], list[int]]
"""(campaign id, cell id, day) to the change in houses, in the order of HOUSE_COLUMNS."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Households alike in hamlet, chosen commune and unit in every set. units: set id to unit code."""

    id: int
    hamlet_code: str | None
    commune_code: str | None
    units: Mapping[str, str | None]


class Steps:
    """Steps of people of many households, kept small until they are summed.

    A step is three numbers: series id, day, place in ``ledger.MOVES``.
    """

    def __init__(self) -> None:
        self._steps = array("i")
        self._runs: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        return len(self._steps) // 3

    def gather(self, cell_id: int, steps: Sequence[int], sign: int) -> None:
        """Take the steps of a household of a cell; sign -1 takes back what was counted."""
        if steps:
            self._steps.extend(steps)
            self._runs.append((cell_id, sign, len(steps) // 3))

    def join(self, other: Steps) -> None:
        """Take all that others gathered."""
        self._steps.extend(other._steps)
        self._runs += other._runs

    def clear(self) -> None:
        """Forget them all."""
        self._steps = array("i")
        self._runs.clear()

    def sums(self) -> Iterator[list[list[int]]]:
        """What they add up to, a Change each, in order and some at a time; what comes to nothing is left out."""
        for rows in self.summed():
            yield rows.tolist()

    def summed(self) -> Iterator[NDArray[np.int32]]:
        """The same, a Change a row."""
        if not self._runs:
            return
        runs = np.array(self._runs, np.int32)
        cell, sign = np.repeat(runs[:, :2], runs[:, 2], axis=0).T
        series, day, move = np.frombuffer(self._steps, np.int32).reshape(-1, 3).T
        order = np.lexsort((day, series, cell))
        place = np.column_stack((cell, series, day))[order]
        starts = np.flatnonzero(np.r_[True, np.any(place[1:] != place[:-1], axis=1)])
        for first in range(0, len(starts), _SUMMED_AT_ONCE):
            some = starts[first : first + _SUMMED_AT_ONCE]
            end = starts[first + _SUMMED_AT_ONCE] if first + _SUMMED_AT_ONCE < len(starts) else len(order)
            steps = order[some[0] : end]
            states = np.add.reduceat(_CHANGES[move[steps]] * sign[steps, None], some - some[0])
            rows = np.column_stack((place[some], states))
            yield rows[states.any(axis=1)]


_SUMMED_AT_ONCE = 20_000
_CHANGES = np.array([[(state == entered) - (state == left) for state in INSIDE] for left, entered in MOVES], np.int32)
"""What one person's step, by its place in MOVES, changes in the people per state."""


def add(
    database: Database,
    connection: Connection,
    people: Iterable[Sequence[Change] | NDArray[np.int32]],
    houses: HouseChanges,
) -> None:
    """Add changes to the tallies, in the order of their keys so that writers never wait in a circle.

    people: in this order, each place once and some at a time, as ``Steps.summed`` has them. houses: names every cell
    whose households were counted anew, with zeros where no number of houses changed; each of them is marked as
    changed. Raises ValueError for people of a cell that it does not name.
    """
    totals: dict[tuple[str, int], list[int]] = {}
    for (campaign, cell_id, _), change in houses.items():
        total = totals.setdefault((campaign, cell_id), [1] + [0] * len(HOUSE_COLUMNS))
        for column, number in enumerate(change, 1):
            total[column] += number
    named = {cell_id for _, cell_id in totals}
    driver = driver_of(connection)
    for changes in people:
        if len(changes):
            numbers = np.asarray(changes, np.int32)
            if not named.issuperset(numbers[:, 0].tolist()):
                raise ValueError("people of a cell whose houses are not named")
            database.adding(_t, STATE_COLUMNS).run_array(driver, numbers)
    rows: list[tuple[object, ...]] = [(*house, *houses[house]) for house in sorted(houses) if any(houses[house])]
    if rows:
        database.adding(_ht, HOUSE_COLUMNS).run_many(driver, rows)
    rows = [(*place, *totals[place]) for place in sorted(totals)]
    if rows:
        database.adding(_totals, ("changes", *HOUSE_COLUMNS)).run_many(driver, rows)


def clear(database: Database, connection: Connection) -> None:
    """Empty the tallies, before a rebuild. Cells stay: they are only numbers for places."""
    database.empty(connection, _t, _ht, _totals, tables.tally_sums)
    # The cells' changes are counted from one again: under another name, or they would mean two things.
    begin_era(connection)


def begin_era(connection: Connection) -> None:
    """Whatever anybody remembers of the tallies holds no longer."""
    connection.execute(delete(_facts).where(_facts.c.name == _ERA))
    connection.execute(_facts.insert().values(name=_ERA, value=secrets.token_hex(8)))


def version(database: Database, connection: Connection) -> tuple[str, int]:
    """The era of the tallies, which ends when they are cleared, and a number that rises with all that is counted in it.

    Equal versions mean equal tallies, and equal households.
    """

    def build() -> Select[Any]:
        era = select(_facts.c.value).where(_facts.c.name == bindparam("fact")).scalar_subquery()
        return select(era, select(func.sum(_totals.c.changes)).scalar_subquery())

    era, changes = database.prepared("version", build).rows(driver_of(connection), {"fact": _ERA})[0]
    return era or "", int(changes or 0)


def era(database: Database, connection: Connection) -> str:
    """The era of the tallies alone."""
    rows = database.prepared("era", lambda: select(_facts.c.value).where(_facts.c.name == bindparam("fact"))).rows(
        driver_of(connection), {"fact": _ERA}
    )
    return rows[0][0] if rows else ""


def signature(hamlet_code: str | None, commune_code: str | None, units: Mapping[str, str | None]) -> str:
    """The text that names a cell, whatever its number."""
    parts = [hamlet_code or "", commune_code or "", *(f"{s}={units[s] or ''}" for s in sorted(units))]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\p") for part in parts)


def beside(text: str, cell_id: int) -> str:
    """The text that names one more cell of the same places; phones are counted in that of the places alone."""
    return f"{text}|#{cell_id}"


def cell(
    database: Database,
    connection: Connection,
    hamlet_code: str | None,
    commune_code: str | None,
    units: Mapping[str, str | None],
    shelf: int = UNKNOWN,
) -> int:
    """Number of the cell of these places, made where it is new: on a shelf, where there is that."""
    text = signature(hamlet_code, commune_code, units)
    found: int | None = connection.scalar(select(_c.c.id).where(_c.c.signature == text))
    if found is not None:
        return found
    shelf = shelf if shelves.has(database, connection, shelf) else UNKNOWN
    made: int | None = connection.execute(
        database.insert(_c)
        .values(
            id=new_number(database, literal(shelf)), signature=text, hamlet_code=hamlet_code, commune_code=commune_code
        )
        .on_conflict_do_nothing()
        .returning(_c.c.id)
    ).scalar()
    if made is None:
        return int(connection.execute(select(_c.c.id).where(_c.c.signature == text)).scalar_one())
    if units:
        connection.execute(
            database.insert(_cu),
            [{"cell_id": made, "set_id": set_id, "unit_code": code} for set_id, code in units.items()],
        )
    return made


_A_SHELF: ColumnElement[int] = literal_column(str(CELLS), Integer)


def new_number(database: Database, shelf: ColumnElement[int]) -> ColumnElement[int]:
    """The number of a cell to be made on a shelf, which there is."""
    first = shelf * _A_SHELF
    if not database.is_sqlite:
        return first + func.nextval(literal_column("'cells_id_seq'"), type_=_c.c.id.type)
    on_shelf = _c.alias("on_shelf")
    last = select(func.max(on_shelf.c.id)).where(on_shelf.c.id >= first, on_shelf.c.id < first + _A_SHELF)
    return func.coalesce(last.scalar_subquery(), first) + literal_column("1")


def cells(connection: Connection) -> list[Cell]:
    """Every cell, by number."""
    units: dict[int, dict[str, str | None]] = {}
    for cell_id, set_id, code in connection.execute(select(_cu.c.cell_id, _cu.c.set_id, _cu.c.unit_code)):
        units.setdefault(cell_id, {})[set_id] = code
    rows = connection.execute(select(_c.c.id, _c.c.hamlet_code, _c.c.commune_code).order_by(_c.c.id))
    return [Cell(row.id, row.hamlet_code, row.commune_code, units.get(row.id, {})) for row in rows]


def cells_stand(connection: Connection) -> tuple[int, int]:
    """How many cells there are, of which none ever goes, and the revision that their units are as of."""
    count = select(func.count()).select_from(_c).scalar_subquery()
    revision = select(_facts.c.value).where(_facts.c.name == "revision").scalar_subquery()
    row = connection.execute(select(count, revision)).one()
    return row[0], int(row[1] or 0)


def states_on(
    database: Database,
    connection: Connection,
    series_id: int,
    day: int,
    cell_ids: Sequence[int] | None,
    after: int = 0,
) -> Iterable[Sequence[int]]:
    """(cell id, people per state in the order of STATE_COLUMNS) of every cell on a day that has a tally until then.

    cell_ids: only these cells; None for all. after: only what changed after this day.
    """
    if cell_ids is None:
        every = database.prepared(
            "states on", lambda: _states(bindparam("series"), bindparam("after"), bindparam("upto"))
        )
        return every.rows(driver_of(connection), {"series": series_id, "after": after, "upto": day})
    # Said of the tallies themselves, it tells PostgreSQL in which provinces to look.
    told = _c.c.id if database.is_sqlite else _t.c.cell_id
    among = _states(series_id, after, day).where(database.among(told, cell_ids))
    return [tuple(row) for row in connection.execute(among)]


def _states(series: Any, after: Any, upto: Any) -> Select[Any]:
    """Sums by cell; from the cells outwards, since tallies lie by cell and then by series."""
    return (
        select(_c.c.id, *(func.sum(_t.c[name]) for name in STATE_COLUMNS))
        .select_from(_c)
        .join(_t, _t.c.cell_id == _c.c.id)
        .where(_t.c.series_id == series, _t.c.day > after, _t.c.day <= upto)
        .group_by(_c.c.id)
    )


def changes_on(
    database: Database, connection: Connection, series_id: int, after: int, upto: int
) -> list[Sequence[int]]:
    """(cell id, day, change in people per state in the order of STATE_COLUMNS) of all cells, after a day up to another.

    As tallies lie: by cell, then by day.
    """

    def changes() -> Select[Any]:
        columns = (_t.c.cell_id, _t.c.day, *(_t.c[name] for name in STATE_COLUMNS))
        found = _of_series(bindparam("series"), bindparam("upto"), *columns, among=None, database=database)
        return found.where(_t.c.day > bindparam("after")).order_by(_t.c.cell_id, _t.c.day)

    every = database.prepared("changes on", changes)
    return list(every.rows(driver_of(connection), {"series": series_id, "after": after, "upto": upto}))


def by_day(
    database: Database,
    connection: Connection,
    series_id: int,
    cell_ids: Sequence[int] | None,
    until: int,
    after: int = 0,
) -> list[Sequence[int]]:
    """(day, change in people per state in the order of STATE_COLUMNS) of all cells together, the first day first.

    A day on which nothing changed has no row. cell_ids: only these cells; None for all. after: only later days.
    """
    columns = (func.sum(_t.c[name]) for name in STATE_COLUMNS)

    def changes(series: Any, first: Any, last: Any) -> Select[Any]:
        found = _of_series(series, last, _t.c.day, *columns, among=cell_ids, database=database)
        return found.where(_t.c.day > first).group_by(_t.c.day).order_by(_t.c.day)

    if cell_ids is None:
        every = database.prepared("by day", lambda: changes(*map(bindparam, ("series", "after", "upto"))))
        return list(every.rows(driver_of(connection), {"series": series_id, "after": after, "upto": until}))
    return [tuple(row) for row in connection.execute(changes(series_id, after, until))]


def by_cell_and_span(
    database: Database,
    connection: Connection,
    series_id: int,
    cell_ids: Sequence[int] | None,
    until: int,
    span: int,
) -> list[Sequence[int]]:
    """(cell id, n, change in people vaccinated, change in people eligible) of every cell, by spans of so many days.

    n: 0 for the span that ends on the day ``until``, 1 for the one before it, and so on. cell_ids: only these cells;
    None for all.
    """
    eligible = sum((_t.c[state.value] for state in INSIDE if state in ELIGIBLE), start=literal(0))

    back = ((literal(until) - _t.c.day) // span).label("back")
    sums = (func.sum(_t.c[State.VACCINATED.value]), func.sum(eligible))
    changes = _of_series(series_id, until, _t.c.cell_id, back, *sums, among=cell_ids, database=database).group_by(
        _t.c.cell_id, back
    )
    return [tuple(row) for row in connection.execute(changes)]


def _of_series(series: Any, upto: Any, *columns: Any, among: Sequence[int] | None, database: Database) -> Select[Any]:
    """Columns of a series' tallies, found cell by cell: tallies lie by cell and then by series.

    Joined to the cells instead, SQLite would look through the tallies of all series.
    """
    cells = _t.c.cell_id.in_(select(_c.c.id)) if among is None else database.among(_t.c.cell_id, among)
    return select(*columns).where(cells, _t.c.series_id == series, _t.c.day <= upto)


def states_of(
    database: Database,
    connection: Connection,
    series: Sequence[int],
    day: int,
    cell_ids: Sequence[int] | None,
    after: int = 0,
) -> list[Sequence[int]]:
    """(cell id, series id, people per state in the order of STATE_COLUMNS) of cells on a day, for many series.

    A cell that has no tally of a series until then has no row for it. cell_ids: only these cells; None for all.
    after: only what changed after this day.
    """
    sums = (func.sum(_t.c[name]) for name in STATE_COLUMNS)
    found = _between(database, series, after, day, *sums, among=cell_ids)
    return [tuple(row) for row in connection.execute(found)]


def _between(
    database: Database, series: Sequence[int], after: int, upto: int, *sums: Any, among: Sequence[int] | None
) -> Select[Any]:
    """Sums by cell and series of the days after one up to another.

    Series by series within a cell, as tallies lie: of each only these days are read. Joined to the cells and series
    instead, SQLite would look through all tallies.
    """
    cells = _t.c.cell_id.in_(select(_c.c.id)) if among is None else database.among(_t.c.cell_id, among)
    return (
        select(_t.c.cell_id, _t.c.series_id, *sums)
        .where(cells, _t.c.series_id.in_(series), _t.c.day > after, _t.c.day <= upto)
        .group_by(_t.c.cell_id, _t.c.series_id)
    )


def houses(
    database: Database, connection: Connection, campaign_id: str, cell_ids: Sequence[int] | None
) -> list[Sequence[int]]:
    """(cell id, houses in the order of HOUSE_COLUMNS, its changes) of every cell, over all days.

    cell_ids: only these cells; None for all. changes: how often anything was counted there within an era.
    """
    if cell_ids is None:
        every = database.prepared("houses", lambda: _houses(bindparam("campaign")))
        return list(every.rows(driver_of(connection), {"campaign": campaign_id}))
    among = _houses(campaign_id).where(database.among(_totals.c.cell_id, cell_ids))
    return [tuple(row) for row in connection.execute(among)]


def _houses(campaign_id: Any) -> Select[Any]:
    columns = (_totals.c[name] for name in ("cell_id", *HOUSE_COLUMNS, "changes"))
    return select(*columns).where(_totals.c.campaign_id == campaign_id)


def snapshot(connection: Connection) -> dict[tuple[object, ...], tuple[int, ...]]:
    """All tallies by lasting names (never by number), rows of zeros left out: for proving two ways equal."""
    s, found = tables.series, dict[tuple[object, ...], tuple[int, ...]]()
    names = {one.id: signature(one.hamlet_code, one.commune_code, one.units) for one in cells(connection)}

    def add(key: tuple[object, ...], counts: Sequence[int]) -> None:
        # Several cells may be of the same places.
        if any(counts):
            found[key] = tuple(a + b for a, b in zip(found.get(key, (0,) * len(counts)), counts, strict=True))

    people = select(
        s.c.campaign_id,
        s.c.group_code,
        s.c.dose_code,
        _t.c.cell_id,
        _t.c.day,
        *(_t.c[name] for name in STATE_COLUMNS),
    ).join(s, s.c.id == _t.c.series_id)
    for campaign_id, group, dose, cell_id, day, *counts in connection.execute(people):
        add((campaign_id, group, dose, names[cell_id], day), counts)
    house = select(_ht.c.campaign_id, _ht.c.cell_id, _ht.c.day, *(_ht.c[name] for name in HOUSE_COLUMNS))
    for campaign_id, cell_id, day, *counts in connection.execute(house):
        add((campaign_id, names[cell_id], day), counts)
    return {key: counts for key, counts in found.items() if any(counts)}
