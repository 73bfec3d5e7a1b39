"""Changes by day: the tallies' own, whatever was kept of them and counted since."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mapper.domain.ledger import INSIDE
from mapper.services import kept_days, questions, rebuilding
from mapper.services.kept_days import changes_by_day
from mapper.services.reference import Reference
from mapper.services.warming import warm
from mapper.store import tables, tallies
from tests.services.test_kept_states import QUESTION
from tests.services.town import DAY, Town, person

DAYS = (date(2021, 3, 8), DAY - timedelta(days=200), DAY, DAY + timedelta(days=390), date(2026, 1, 1))


@pytest.fixture(autouse=True)
def _few_cells_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_days, "MANY", 1)


def visit(town: Town, chance: random.Random) -> None:
    doses = [("1", DAY - timedelta(days=chance.randrange(300)), "pfizer")] if chance.random() < 0.6 else []
    people = [person(doses=doses), person(born=date(chance.randrange(1990, 2009), 8, 15))]
    town.send(town.write(people=people, commune=chance.randrange(4), hamlet=chance.randrange(2)))


def by_day(town: Town, last: date, counted: list[int] | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the room of kept days says, and what all tallies say, from the campaign's first day to the last."""
    database = town.reference.database
    with database.read() as connection:
        known = town.reference.known(connection)
        campaign, *_, series = questions.find_series(known, QUESTION)
        era, _ = tallies.version(database, connection)
        changes = {row[0]: row[-1] for row in tallies.houses(database, connection, campaign.id, None)}
        direct = np.zeros(((last - campaign.start).days + 1, len(INSIDE)), np.int64)
        for day, *of_day in tallies.by_day(database, connection, series, None, last.toordinal()):
            direct[max(0, day - campaign.start.toordinal())] += of_day
        read = tallies.by_day

        def seen(*args: Any) -> Any:
            if counted is not None:
                counted.extend(args[3])
            return read(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tallies, "by_day", seen)
            return changes_by_day(database, connection, era, series, changes, campaign.start, last), direct


def test_changes_are_those_of_all_tallies_before_and_after_anything_is_kept_and_counted(town: Town) -> None:
    chance = random.Random(5)
    for _ in range(6):
        for _ in range(4):
            visit(town, chance)
        for last in DAYS:
            found, direct = by_day(town, last)
            assert direct.any() and (found == direct).all()
        if chance.random() < 0.7:
            warm(Reference(town.reference.database))
    rebuilding.rebuild(town.reference)
    found, direct = by_day(town, DAY)
    assert (found == direct).all()


def test_only_cells_that_were_counted_in_since_are_read_anew(town: Town) -> None:
    chance = random.Random(6)
    for _ in range(12):
        visit(town, chance)
    warm(Reference(town.reference.database))
    counted: list[int] = []
    found, direct = by_day(town, DAY, counted)
    assert (found == direct).all() and counted == []
    town.send(town.write(people=[person()], commune=0, hamlet=0))
    found, direct = by_day(town, DAY, counted)
    assert (found == direct).all() and len(counted) == 1


@pytest.mark.parametrize("missing", ["first", "amid", "last"])
def test_kept_days_of_which_some_are_missing_do_no_harm(town: Town, missing: str) -> None:
    chance = random.Random(7)
    for _ in range(8):
        visit(town, chance)
    warm(Reference(town.reference.database))
    kept = tables.tally_sums
    with town.reference.database.write() as connection:
        days = sorted({row.day for row in connection.execute(kept.select())})
        gone = {"first": days[:2], "amid": days[3:5], "last": days[-3:]}[missing]
        connection.execute(kept.delete().where(kept.c.day.in_(gone)))
    for last in DAYS:
        found, direct = by_day(town, last)
        assert (found == direct).all()
