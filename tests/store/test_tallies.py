"""Cells and tallies: numbers for places, and counts that add up to any day."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select

from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, MOVES, State
from mapper.store import reference, tables, tallies
from mapper.store.database import Database, driver_of
from mapper.store.tables import HOUSE_COLUMNS, STATE_COLUMNS

AT = "2022-08-15T00:00:00+00:00"


@pytest.fixture
def series(database: Database) -> dict[str, int]:
    """Numbers of two series of a campaign; two boundary sets are there too."""
    with database.write() as connection:
        reference.save_campaign(database, connection, "c", "", [("g", "1"), ("g", "2")], AT)
        for set_id in ("new", "old"):
            connection.execute(
                insert(tables.boundary_sets).values(
                    id=set_id,
                    label="",
                    approximate=False,
                    source="",
                    levels="[]",
                    report="",
                    imported_at=AT,
                    state="shown",
                )
            )
        return {dose: number for (_, dose), number in reference.series_ids(connection, "c").items()}


def cell(database: Database, hamlet: str | None, commune: str | None = "C", **units: str | None) -> int:
    with database.write() as connection:
        return tallies.cell(database, connection, hamlet, commune, units)


def change(**states: int) -> list[int]:
    return [states.get(name, 0) for name in STATE_COLUMNS]


def houses(**counts: int) -> list[int]:
    return [counts.get(name, 0) for name in HOUSE_COLUMNS]


Changes = Mapping[tuple[int, int, int], list[int]]


def add(database: Database, people: Changes, of_houses: Mapping[tuple[str, int, int], list[int]] = {}) -> None:
    rows = [(*key, *change) for key, change in sorted(people.items())]
    with database.write() as connection:
        tallies.add(database, connection, [rows], {("c", key[0], 0): houses() for key in people} | dict(of_houses))


def steps_of(moves: list[tuple[int, int, State | None, State | None]]) -> list[int]:
    """moves: series, day, state left, state entered."""
    return [number for series, day, *states in moves for number in (series, day, MOVES.index((states[0], states[1])))]


def test_steps_add_up_to_the_change_in_people_per_state() -> None:
    assert len(set(MOVES)) == 81  # from and to eight states and outside
    steps = tallies.Steps()
    assert list(steps.sums()) == []
    steps.gather(7, [], 1)
    assert (len(steps), list(steps.sums())) == (0, [])
    dose = (3, 200, State.DUE, State.VACCINATED)
    steps.gather(7, steps_of([(3, 100, None, State.DUE), dose, (3, 100, None, State.DUE)]), 1)
    steps.gather(5, steps_of([(3, 100, None, State.REFUSED), (2, 300, State.WAITING, None)]), 1)
    others = tallies.Steps()
    others.gather(7, steps_of([(3, 100, None, State.DUE), (4, 100, None, State.AWAY), dose]), -1)
    others.gather(7, steps_of([(4, 100, None, State.AWAY)]), 1)
    steps.join(others)
    assert len(steps) == 9
    (found,) = steps.sums()
    # By cell, series and day; the dose and the one who is away were taken back again.
    assert found == [
        [5, 2, 300, *change(waiting=-1)],
        [5, 3, 100, *change(refused=1)],
        [7, 3, 100, *change(due=1)],
    ]
    steps.clear()
    assert (len(steps), list(steps.sums())) == (0, [])


def test_many_steps_are_summed_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "_SUMMED_AT_ONCE", 3)
    steps = tallies.Steps()
    for day in (5, 3, 1, 2, 4, 3, 7, 6):
        steps.gather(1, steps_of([(1, day, None, State.DUE)]), 1)
    parts = [[(row[2], row[3:]) for row in part] for part in steps.sums()]
    assert [len(part) for part in parts] == [3, 3, 1]
    expected = [(day, change(due=2 if day == 3 else 1)) for day in range(1, 8)]
    assert [row for part in parts for row in part] == expected


def on(database: Database, series_id: int, day: int, cells: list[int] | None = None) -> dict[int, dict[str, int]]:
    with database.read() as connection:
        rows = list(tallies.states_on(database, connection, series_id, day, cells))
    return {row[0]: {name: n for name, n in zip(STATE_COLUMNS, row[1:], strict=True) if n} for row in rows}


def test_the_columns_are_the_states_and_counts_of_the_domain() -> None:
    assert tuple(state.value for state in INSIDE) == STATE_COLUMNS
    assert HOUSE_COLUMNS == HOUSE_COUNTS
    assert State.OUTSIDE.value not in STATE_COLUMNS


def test_a_ledger_is_the_sum_of_changes_up_to_the_day(database: Database, series: dict[str, int]) -> None:
    here, there = cell(database, "A"), cell(database, "B")
    one, two = series["1"], series["2"]
    add(
        database,
        {
            (here, one, 100): change(due=3),
            (here, one, 110): change(due=-1, vaccinated=1),
            (there, one, 105): change(due=2),
            (here, two, 100): change(waiting=3),
        },
    )
    assert on(database, one, 99) == {}
    assert on(database, one, 100) == {here: {"due": 3}}
    assert on(database, one, 109) == {here: {"due": 3}, there: {"due": 2}}
    assert on(database, one, 110) == {here: {"due": 2, "vaccinated": 1}, there: {"due": 2}}
    assert on(database, two, 110) == {here: {"waiting": 3}}
    assert on(database, one, 10**6, [there]) == {there: {"due": 2}}
    assert on(database, one, 10**6, []) == {}


def test_what_changed_after_a_day_is_added_to_it(database: Database, series: dict[str, int]) -> None:
    here, one = cell(database, "A"), series["1"]
    add(database, {(here, one, day): change(due=1) for day in (100, 101, 105)})
    with database.read() as connection:
        for cells in (None, [here]):
            rows = [list(row) for row in tallies.states_on(database, connection, one, 105, cells, after=100)]
            assert rows == [[here, *change(due=2)]]
            assert list(tallies.states_on(database, connection, one, 104, cells, after=101)) == []


def test_the_version_rises_with_every_count_even_of_nothing(database: Database, series: dict[str, int]) -> None:
    def version() -> tuple[str, int]:
        with database.read() as connection:
            return tallies.version(database, connection)

    assert version() == ("", 0)
    here, there = cell(database, "A"), cell(database, "B")
    add(database, {(here, series["1"], 100): change(due=1)})
    assert version() == ("", 1)
    add(database, {}, {("c", here, 100): houses(), ("c", here, 101): houses(visited=1), ("c", there, 100): houses()})
    assert version() == ("", 3)
    with database.read() as connection:
        assert {row[0]: row[-1] for row in tallies.houses(database, connection, "c", None)} == {here: 2, there: 1}
    with database.write() as connection:
        tallies.clear(database, connection)
    first = version()
    assert first[0] != ""
    assert first[1] == 0
    with database.write() as connection:
        tallies.clear(database, connection)
    assert version()[0] not in ("", first[0])


def test_people_of_a_cell_that_is_not_marked_as_changed_are_refused(database: Database, series: dict[str, int]) -> None:
    here, there = cell(database, "A"), cell(database, "B")
    with database.write() as connection, pytest.raises(ValueError, match="houses are not named"):
        people = [[(here, series["1"], 100, *change(due=1))]]
        tallies.add(database, connection, people, {("c", there, 100): houses(visited=1)})
    assert on(database, series["1"], 100) == {}


def test_changes_add_to_what_is_there_and_back_to_nothing(database: Database, series: dict[str, int]) -> None:
    here, one = cell(database, "A"), series["1"]
    add(database, {(here, one, 100): change(due=3, refused=1)}, {("c", here, 100): houses(visited=1, people=4)})
    add(database, {(here, one, 100): change(due=-1, vaccinated=2)}, {("c", here, 100): houses(visited=1, people=2)})
    assert on(database, one, 100) == {here: {"due": 2, "refused": 1, "vaccinated": 2}}
    add(
        database,
        {(here, one, 100): change(due=-2, refused=-1, vaccinated=-2)},
        {("c", here, 100): houses(visited=-2, people=-6)},
    )
    with database.read() as connection:
        assert tallies.snapshot(connection) == {}


def test_changes_of_nothing_write_no_row(database: Database, series: dict[str, int]) -> None:
    here = cell(database, "A")
    steps = tallies.Steps()
    for sign in (1, -1):
        steps.gather(here, steps_of([(series["1"], 100, None, State.DUE)]), sign)
    with database.write() as connection:
        tallies.add(database, connection, steps.sums(), {("c", here, 100): houses()})
    with database.read() as connection:
        assert connection.execute(select(tables.tallies)).all() == []
        assert connection.execute(select(tables.house_tallies)).all() == []


def test_houses_are_summed_over_all_days_by_campaign(database: Database, series: dict[str, int]) -> None:
    here, there = cell(database, "A"), cell(database, "B")
    with database.write() as connection:
        reference.save_campaign(database, connection, "d", "", [], AT)
    add(
        database,
        {},
        {
            ("c", here, 100): houses(visited=1, interviewed=1, people=4),
            ("c", here, 120): houses(visited=1, closed=1),
            ("c", there, 90): houses(visited=1, vacant=1),
            ("d", here, 100): houses(visited=1, refused=1),
        },
    )
    with database.read() as connection:
        found = {row[0]: list(row[1:-1]) for row in tallies.houses(database, connection, "c", None)}
        assert found == {
            here: houses(visited=2, interviewed=1, closed=1, people=4),
            there: houses(visited=1, vacant=1),
        }
        assert [tuple(row) for row in tallies.houses(database, connection, "c", [there])] == [
            (there, *houses(visited=1, vacant=1), 1)
        ]
        assert list(tallies.houses(database, connection, "c", [])) == []
        assert [row[0] for row in tallies.houses(database, connection, "d", None)] == [here]


def test_a_user_of_very_many_cells_still_gets_an_answer(database: Database, series: dict[str, int]) -> None:
    # more than the 32,766 or 65,535 values that one statement may carry
    here = cell(database, "A")
    add(database, {(here, series["1"], 100): change(due=3)}, {("c", here, 100): houses(visited=1)})
    many = list(range(here, here + 70_000))
    assert on(database, series["1"], 100, many) == {here: {"due": 3}}
    with database.read() as connection:
        assert [row[0] for row in tallies.houses(database, connection, "c", many)] == [here]


def test_a_place_has_one_cell_however_often_it_is_met(database: Database, series: dict[str, int]) -> None:
    first = cell(database, "A", "C", old="01", new=None)
    assert cell(database, "A", "C", new=None, old="01") == first
    others = [
        cell(database, "A", "C", old="01", new="1"),
        cell(database, "A", "C", old="02", new=None),
        cell(database, "B", "C", old="01", new=None),
        cell(database, "A", None, old="01", new=None),
        cell(database, None, "A", old="01", new=None),
        cell(database, "A", "C"),
    ]
    assert len({first, *others}) == 7
    with database.read() as connection:
        assert tallies.cells_stand(connection)[0] == 7
        found = {one.id: one for one in tallies.cells(connection)}
    assert found[first] == tallies.Cell(first, "A", "C", {"old": "01", "new": None})
    assert found[others[-1]] == tallies.Cell(others[-1], "A", "C", {})


def test_codes_that_hold_the_separator_do_not_meet_in_one_cell(database: Database, series: dict[str, int]) -> None:
    pairs = [("a|b", "c"), ("a", "b|c"), ("a|", "|c"), ("a||", "c"), ("a", "||c"), ("a|||c", None), ("a\\p", "\\c")]
    assert len({tallies.signature(*pair, {}) for pair in pairs}) == len(pairs)


def test_a_missing_code_is_not_an_empty_place_of_another_kind() -> None:
    assert tallies.signature(None, "A", {}) != tallies.signature("A", None, {})
    assert tallies.signature("A", "C", {"s": "1"}) != tallies.signature("A", "C", {"s": None})


def test_at_first_there_is_no_cell(database: Database) -> None:
    with database.read() as connection:
        assert tallies.cells_stand(connection)[0] == 0
        assert tallies.cells(connection) == []


def test_clearing_empties_the_tallies_and_keeps_the_cells(database: Database, series: dict[str, int]) -> None:
    here = cell(database, "A")
    add(database, {(here, series["1"], 100): change(due=3)}, {("c", here, 100): houses(visited=1)})
    with database.write() as connection:
        tallies.clear(database, connection)
    with database.read() as connection:
        assert tallies.snapshot(connection) == {}
        assert [one.id for one in tallies.cells(connection)] == [here]


def test_a_snapshot_names_places_and_never_their_numbers(database: Database, series: dict[str, int]) -> None:
    here = cell(database, "A", "C", old="01")
    add(database, {(here, series["2"], 100): change(due=3)}, {("c", here, 100): houses(visited=1)})
    signature = tallies.signature("A", "C", {"old": "01"})
    with database.read() as connection:
        assert tallies.snapshot(connection) == {
            ("c", "g", "2", signature, 100): tuple(change(due=3)),
            ("c", signature, 100): tuple(houses(visited=1)),
        }


def test_writers_at_once_add_up(database: Database, series: dict[str, int]) -> None:
    here, there = cell(database, "A"), cell(database, "B")
    faults: list[Any] = []

    def write(number: int) -> None:
        try:
            for day in range(100, 106):
                # everybody begins at another place, and no two wait for each other in a circle
                keys = [(here, series["1"], day), (there, series["1"], day), (there, series["2"], day)]
                turned = keys[number % 3 :] + keys[: number % 3]
                add(database, {key: change(due=1) for key in turned}, {("c", here, day): houses(visited=1)})
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert on(database, series["1"], 105) == {here: {"due": 36}, there: {"due": 36}}
    with database.read() as connection:
        assert next(iter(tallies.houses(database, connection, "c", None)))[1::6] == (36, 36)


def test_one_cell_met_by_many_at_once_is_one_cell(database: Database, series: dict[str, int]) -> None:
    found: list[int] = []
    start = threading.Barrier(6)

    def meet() -> None:
        start.wait()
        found.append(cell(database, "new", "C", old="01"))

    threads = [threading.Thread(target=meet) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    with database.read() as connection:
        assert [one.units for one in tallies.cells(connection)] == [{"old": "01"}]


@pytest.mark.parametrize("number", [0, 1, 2, 7, 300, 1003])
def test_many_rows_at_once_are_added_in_their_order(database: Database, series: dict[str, int], number: int) -> None:
    """Every key comes three times: the first makes the row, the others add to it."""
    place = cell(database, "h")
    rows = [(place, series["1"], day, *range(day % 3, day % 3 + len(STATE_COLUMNS))) for day in range(1, number + 1)]
    with database.write() as connection:
        adding = database.adding(tables.tallies, STATE_COLUMNS)
        adding.run_many(driver_of(connection), [row for row in rows for _ in range(3)])
    with database.read() as connection:
        found = connection.execute(select(tables.tallies).order_by(tables.tallies.c.day)).all()
    assert [tuple(row) for row in found] == [(*row[:3], *(3 * value for value in row[3:])) for row in rows]


@pytest.mark.parametrize("number", [0, 1, 7, 1003])
def test_rows_of_numbers_are_added_to_those_that_are_there(
    database: Database, series: dict[str, int], number: int
) -> None:
    place = cell(database, "h")
    rows = [(place, series["1"], day, *range(-3, len(STATE_COLUMNS) - 3)) for day in range(1, number + 1)]
    with database.write() as connection:
        for some in (rows, rows[::2]):
            adding = database.adding(tables.tallies, STATE_COLUMNS)
            adding.run_array(driver_of(connection), np.array(some, np.int32).reshape(-1, 3 + len(STATE_COLUMNS)))
    with database.read() as connection:
        found = connection.execute(select(tables.tallies).order_by(tables.tallies.c.day)).all()
    assert [tuple(row) for row in found] == [
        (*row[:3], *((2 if at % 2 == 0 else 1) * value for value in row[3:])) for at, row in enumerate(rows)
    ]


def test_changes_of_several_cells_are_summed_by_day(database: Database, series: dict[str, int]) -> None:
    here, there = cell(database, "A"), cell(database, "B")
    one, two = series["1"], series["2"]
    add(
        database,
        {
            (here, one, 110): change(due=-1, vaccinated=1),
            (here, one, 100): change(due=3),
            (there, one, 110): change(due=2),
            (there, one, 120): change(refused=1),
            (here, two, 105): change(waiting=3),
        },
    )
    with database.read() as connection:

        def found(until: int, cells: list[int] | None = None) -> list[tuple[int, ...]]:
            return [tuple(row) for row in tallies.by_day(database, connection, one, cells, until)]

        first, second, third = (
            (100, *change(due=3)),
            (110, *change(due=1, vaccinated=1)),
            (120, *change(refused=1)),
        )
        assert found(99) == []
        assert found(119) == [first, second]
        assert found(120) == found(120, [here, there]) == [first, second, third]
        assert found(120, [there]) == [(110, *change(due=2)), third]
        assert found(120, []) == []


def test_changes_are_summed_by_cell_and_by_spans_of_days_backwards(database: Database, series: dict[str, int]) -> None:
    here, there = cell(database, "A"), cell(database, "B")
    one = series["1"]
    add(
        database,
        {
            (here, one, 100): change(due=3, away=9),
            (here, one, 103): change(due=-1, vaccinated=1),
            (here, one, 104): change(due=-1, vaccinated=1),
            (here, one, 107): change(due=-1, contraindicated=1),
            (here, one, 108): change(vaccinated=5),
            (there, one, 105): change(waiting=2, deferred=1, refused=1),
        },
    )
    # The span 0 holds the days 105 to 107, 1 those from 102 to 104, and 2 the day 100.
    expected = {(here, 2, 0, 3), (here, 1, 2, 0), (here, 0, 0, -1), (there, 0, 0, 4)}
    with database.read() as connection:
        for cells in (None, [here, there]):
            rows = list(tallies.by_cell_and_span(database, connection, one, cells, 107, 3))
            assert {tuple(row) for row in rows} == expected
            assert len(rows) == len(expected)
        assert [tuple(row) for row in tallies.by_cell_and_span(database, connection, one, [there], 200, 500)] == [
            (there, 0, 0, 4)
        ]
