"""Speed by counting: how many statements an upload and a question take, and that no question reads people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from mapper.services import accounts, intake, rebuilding
from mapper.services.accounts import User
from mapper.services.intake import Receipt, Upload
from mapper.store import follow_up
from tests.services.town import DAY, Town, person

READ_BY_FIGURES = {"facts", "tallies", "tally_sums", "house_totals", "house_tallies", "cells", "cell_units"}
"""Tables that an answer may read once reference data is known: tallies and their places, never a person."""


class Statements(list[str]):
    """What SQLite was told, in order."""

    def tables(self) -> Counter[str]:
        """Tables by the number of statements that name them first."""
        words = r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(\w+)"
        return Counter(name for one in self for name in set(re.findall(words, one)))


@pytest.fixture
def told(new_town: Callable[[], Town]) -> Iterator[tuple[Town, Statements]]:
    """A town of twelve houses in two hamlets, and all that its database is told from now on."""
    town, said = new_town(), Statements()

    def listen(driver: Any, _record: object) -> None:
        driver.set_trace_callback(said.append)

    event.listen(town.reference.database.engine, "connect", listen)
    for number in range(12):
        town.send(town.write(people=[person()] * 3, hamlet=number % 2))
    town.ask()
    said.clear()
    yield town, said


def test_an_upload_takes_a_bounded_number_of_statements(told: tuple[Town, Statements]) -> None:
    town, said = told
    xml = town.write(people=[person(doses=[("1", DAY, "pfizer"), ("2", DAY, "pfizer")]) for _ in range(4)])
    said.clear()
    assert town.send(xml).counted
    kinds = Counter(one.split(None, 1)[0] for one in said)
    assert (kinds["BEGIN"], kinds["COMMIT"]) == (2, 2), said
    assert kinds["SELECT"] <= 6, said
    assert kinds["UPDATE"] <= 1
    assert kinds["DELETE"] == 0
    inserted = Counter(re.findall(r"INTO (\w+)", "\n".join(said)))
    assert inserted["submissions"] == inserted["households"] == 1
    # Rows of a table go in by powers of two: four people and eight doses in one statement each.
    assert (inserted["people"], inserted["doses"]) == (1, 1)
    assert set(inserted) <= {
        "submissions",
        "instances",
        "households",
        "people",
        "doses",
        "findings",
        "tallies",
        "house_tallies",
        "house_totals",
    }


def test_an_upload_takes_as_many_statements_in_a_large_town_as_in_a_small_one(told: tuple[Town, Statements]) -> None:
    town, said = told
    counts = []
    for _ in range(2):
        said.clear()
        town.send(town.write(people=[person()]))
        counts.append(len(said))
        for _ in range(30):
            town.send(town.write(people=[person()]))
    assert counts[0] == counts[1]


def test_a_retry_writes_nothing(told: tuple[Town, Statements]) -> None:
    town, said = told
    xml = town.write(people=[person()])
    town.send(xml)
    said.clear()
    town.send(xml)
    assert len(said) <= 8, said
    assert said.tables()["households"] == 0


@pytest.mark.parametrize("level", ["hamlet", "commune", "province"])
def test_a_question_is_answered_from_tallies_alone(told: tuple[Town, Statements], level: str) -> None:
    town, said = told
    town.ask(level, day=DAY + timedelta(days=200))
    assert said.tables()["tallies"] == 1
    assert set(said.tables()) <= READ_BY_FIGURES, said
    assert len(said) <= 8, said


def test_a_question_asked_again_sums_only_the_cells_that_changed(told: tuple[Town, Statements]) -> None:
    town, said = told
    town.ask("commune")
    assert said.tables()["tallies"] == 0, said
    town.send(town.write(people=[person()], hamlet=1))
    said.clear()
    assert town.ask("commune").total.eligible == 37
    assert said.tables()["tallies"] == 1
    (summing,) = [one for one in said if "JOIN tallies" in one]
    assert re.search(r"json_each\('\[\d+\]'\)", summing), summing


def test_a_question_of_a_limited_user_is_answered_from_tallies_alone(told: tuple[Town, Statements]) -> None:
    town, said = told
    accounts.add_user(town.reference, "south", "supervisor", ["S"])
    south = accounts.by_name(town.reference, "south")
    assert isinstance(south, User)
    said.clear()
    town.ask(user=south)
    assert set(said.tables()) - {"json_each"} <= READ_BY_FIGURES, said
    assert len(said) <= 9, said


def test_a_question_takes_as_many_statements_in_a_large_town_as_in_a_small_one(told: tuple[Town, Statements]) -> None:
    town, said = told
    town.ask("hamlet")
    before = len(said)
    for number in range(40):
        town.send(town.write(people=[person()], commune=number % 14, hamlet=number % 3))
    town.ask("hamlet")  # learns of the new cells
    said.clear()
    town.ask("hamlet")
    assert len(said) == before


def test_a_rebuild_takes_statements_by_the_batch(told: tuple[Town, Statements]) -> None:
    town, said = told
    rebuilding.rebuild(town.reference)
    deletes = [one for one in said if one.startswith("DELETE")]
    assert len(deletes) <= 10
    assert sum(one.startswith(("BEGIN", "COMMIT")) for one in said) == 2
    # besides the rows themselves, a few statements for each of the 12 submissions
    assert sum(one.startswith("SELECT") for one in said) <= 12 * 4 + 20, Counter(one[:60] for one in said)


def test_houses_of_a_few_cells_are_looked_up_by_cell(told: tuple[Town, Statements]) -> None:
    town, said = told
    with town.reference.database.read() as connection:
        assert len(follow_up.households(town.reference.database, connection, "covid19", [1])) == 6
        (asked,) = [one for one in said if "FROM households" in one]
        plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]
    assert any("ix_households_cell_id" in step for step in plan), plan


def test_uploads_that_come_together_take_as_many_statements_as_one_and_look_up_what_they_ask_for(
    told: tuple[Town, Statements],
) -> None:
    town, said = told
    counts = []
    for number in (1, 16):
        xmls = [town.write(people=[person()] * 2) for _ in range(number)]
        said.clear()
        receipts = intake.receive_all(town.reference, [Upload(xml, {}) for xml in xmls])
        assert all(isinstance(one, Receipt) and one.counted for one in receipts)
        counting = said[said.index("COMMIT") + 1 :]
        counts.append(Counter(one.split(None, 1)[0] for one in counting))
    # Each submission's own row is marked; all else is asked for, and written, in one statement a table.
    assert counts[1]["SELECT"] == counts[0]["SELECT"]
    assert counts[1]["UPDATE"] == 16 * counts[0]["UPDATE"] == 16
    assert counts[1]["INSERT"] <= counts[0]["INSERT"] + 4, "rows go in by powers of two"
    with town.reference.database.read() as connection:
        for asked in [one for one in counting if one.startswith("SELECT")]:
            plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]
            first = plan[0]
            assert "(deprecated_id=?)" not in first or "deprecated_id IN" in asked, (asked, plan)
            assert not first.startswith("SCAN submissions"), (asked, plan)
