"""A set is added while phones send: what comes out is what counting everything anew gives, whenever it was cut off.

Between any two transactions of the placing something happens in the town: visits, edits, several visits of one
household, crashes, a rebuild. Batches are so small that there are many of these moments.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from mapper.domain.people import Point
from mapper.errors import Conflict, NotFound
from mapper.services import boundaries, intake, rebuilding, set_cells, set_placing, set_points, set_work
from mapper.services.reference import Reference
from mapper.store import placements, tables, tallies
from mapper.store import reference as kept
from mapper.store.reference import SetState
from tests.services.test_sequences import Story, check
from tests.services.town import COMMUNES, HAMLETS, STRIPS, Town, inside, person, strips

LATER = date(2025, 8, 1)


class Killed(BaseException):
    """The process dies."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """One household or a few cells at a time, without rest."""
    monkeypatch.setattr(set_points, "READ_AT_ONCE", 5)
    monkeypatch.setattr(set_work, "FEWEST", 1)
    monkeypatch.setattr(set_cells, "CUT", 1)
    monkeypatch.setattr(set_work, "MOST_ROWS", 3)
    monkeypatch.setattr(set_work, "HELD_S", 0)
    monkeypatch.setattr(set_work, "REST", 0)


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen after each transaction of the placing."""
    short = set_work.Work.short

    def and_then(*given: Any) -> Any:
        done = short(*given)
        with given[0].reference.database.read() as connection:
            arriving = [one.id for one in kept.boundary_sets(connection) if one.state is SetState.ARRIVING]
        if given[0].set_id not in arriving:
            happens()
        return done

    monkeypatch.setattr(set_work.Work, "short", and_then)


def state(town: Town, set_id: str = "strips") -> str:
    with town.reference.database.read() as connection:
        return next(one.state.value for one in kept.boundary_sets(connection) if one.id == set_id)


def happenings(story: Story) -> list[Callable[[], None]]:
    often = [story.visit, story.edit, story.visit_again, story.withhold, story.deliver]
    return [*often, *often, *often, story.crash, story.retry, story.form_without_roles]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_comes_in_meanwhile_is_placed_as_by_counting_anew(
    town: Town, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    story = Story(town, seed)
    kinds, chance = happenings(story), random.Random(seed)
    for _ in range(40):
        chance.choice(kinds)()
    left = 25

    def something() -> None:
        nonlocal left
        if left and chance.random() < 0.7:
            left -= 1
            assert ("strips" in known_sets(town)) == (state(town) == "shown")
            chance.choice(kinds)()

    with monkeypatch.context() as patch:
        meanwhile(patch, something)
        town.import_strips()
    assert left < 25
    assert state(town) == "shown"
    for _ in range(5):
        chance.choice(kinds)()
    intake.process_waiting(town.reference)
    story.has_strips = True
    check(story)


def units_of(town: Town, set_id: str = "strips") -> set[str | None]:
    """Units of a set in which the households are; everybody is in one, or told to be in none."""
    with town.reference.database.read() as connection:
        cells = {cell.id: cell for cell in tallies.cells(connection)}
        return {cells[number].units[set_id] for number in connection.scalars(select(tables.households.c.cell_id))}


def known_sets(town: Town) -> list[str]:
    with town.reference.database.read() as connection:
        return list(town.reference.known(connection).sets)


@pytest.mark.parametrize("seed", [11, 12])
def test_killed_at_any_moment_and_gone_on_with_it_ends_the_same(
    town: Town, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    story = Story(town, seed)
    kinds, chance = happenings(story), random.Random(seed)
    for _ in range(30):
        chance.choice(kinds)()
    lives = chance.randrange(1, 4)

    def dies() -> None:
        nonlocal lives
        lives -= 1
        if not lives:
            raise Killed

    deaths = 0
    with monkeypatch.context() as patch:
        meanwhile(patch, dies)
        try:
            town.import_strips()
        except Killed:
            deaths += 1
        while state(town) != "shown":
            assert "strips" not in known_sets(town)
            chance.choice(kinds)()
            lives = chance.randrange(2, 5)
            # a process that has just started knows nothing but the database
            another = Reference(town.reference.database)
            try:
                set_placing.go_on(another, "strips")
            except Killed:
                deaths += 1
    assert deaths > 1
    intake.process_waiting(town.reference)
    story.has_strips = True
    check(story)


def test_two_processes_that_place_at_once_do_it_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(town, 21)
    for _ in range(15):
        story.visit()
    other, begun = Reference(town.reference.database), False

    def another_process() -> None:
        nonlocal begun
        if not begun:
            begun = True
            set_placing.go_on(other, "strips")

    with monkeypatch.context() as patch:
        meanwhile(patch, another_process)
        town.import_strips()
    assert begun
    story.has_strips = True
    check(story)


def test_a_second_set_may_be_added_while_the_first_is_placed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(town, 22)
    for _ in range(15):
        story.visit()
    path, begun = strips(town.files), False

    def another_set() -> None:
        nonlocal begun
        if not begun:
            begun = True
            boundaries.import_file(town.reference, path, boundaries.SetFacts("again", "Again", LATER, trial=True))

    with monkeypatch.context() as patch:
        meanwhile(patch, another_set)
        town.import_strips()
    assert known_sets(town)[:2] == ["again", "strips"]
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before


def test_a_cell_that_lies_in_one_unit_keeps_its_number_and_its_tallies(town: Town) -> None:
    """Square 0 lies in X whole; square 2 in X and Y, one house in each and two in Y."""
    for commune, east in ((0, 0.2), (0, 0.9), (2, 0.2), (2, 0.8), (2, 0.9)):
        town.send(town.write({"household.point": inside(commune, east)}, [person()], commune=commune))
    t = tables.house_totals

    def cells() -> dict[tuple[str, ...], tuple[int, int, int]]:
        with town.reference.database.read() as connection:
            known = town.reference.cells(connection)
            rows = connection.execute(select(t.c.cell_id, t.c.visited, t.c.changes)).all()
        return {
            (
                known[number].hamlet_code or "",
                *(str(known[number].units[key]) for key in sorted(known[number].units)),
            ): (
                number,
                visited,
                changes,
            )
            for number, visited, changes in rows
        }

    before = cells()
    town.import_strips()
    after = cells()
    assert after[HAMLETS[0][0], COMMUNES[0], "X"] == before[HAMLETS[0][0], COMMUNES[0]]
    number, visited, changes = before[HAMLETS[2][0], COMMUNES[2]]
    assert visited == 3
    assert after[HAMLETS[2][0], COMMUNES[2], "Y"] == (number, 2, changes + 1)
    assert after[HAMLETS[2][0], COMMUNES[2], "X"][1:] == (1, 1)
    assert [(unit.code, unit.houses.visited) for unit in town.ask(set_id="strips", day=LATER).units if unit.code] == [
        ("X", 3),
        ("Y", 2),
    ]


def test_points_on_borders_outside_or_of_no_use_are_placed_as_one_by_one(town: Town) -> None:
    points = [
        inside(1, 1.0),
        inside(2, 0.5),  # exactly between the strips
        inside(2, 0.5, 0.0),
        inside(5, 1.0),
        inside(6, 0.5),
        inside(0, -3.0),
        inside(3, accuracy_m=500.0),
        Point(0.0, 0.0),
        None,
    ]
    for point in points:
        town.send(town.write({"household.point": point}, [person()], commune=2))
    town.import_strips()
    placed = town.everything()
    assert units_of(town) == {None, "X", "Y"}
    rebuilding.rebuild(town.reference)
    assert town.everything() == placed


def test_a_set_that_is_being_placed_is_seen_by_nobody_and_its_id_is_taken(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = sqlite_town
    town.send(town.write(people=[person()]))
    asked: list[str] = []

    def ask() -> None:
        asked.append(state(town))
        if state(town) == "placing":
            with pytest.raises(NotFound, match=r"There is no boundary set strips\. Choose one of: squares"):
                town.ask(set_id="strips")
            with pytest.raises(Conflict, match=r"still being placed\. Go on with it"):
                boundaries.import_file(town.reference, town.files / "strips.geojson", STRIPS)

    with monkeypatch.context() as patch:
        meanwhile(patch, ask)
        town.import_strips()
    assert asked[0] == "placing"
    assert asked[-1] == "shown"
    assert town.ask(set_id="strips", day=LATER).total.houses.visited == 1


def test_progress_rises_to_the_end(sqlite_town: Town) -> None:
    for _ in range(12):
        sqlite_town.send(sqlite_town.write(people=[person()]))
    told: list[float] = []
    boundaries.import_file(sqlite_town.reference, strips(sqlite_town.files), STRIPS, share=told.append)
    assert told == sorted(told)
    assert len(set(told)) > 4
    assert told[-1] == 1.0


def test_only_what_was_quiet_for_a_while_is_left_behind(sqlite_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town = sqlite_town
    town.send(town.write(people=[person()]))

    def dies() -> None:
        raise Killed

    with monkeypatch.context() as patch:
        meanwhile(patch, dies)
        with pytest.raises(Killed):
            town.import_strips()
    assert set_placing.left_behind(town.reference) == []
    monkeypatch.setattr(set_placing, "QUIET_S", -1)
    assert set_placing.left_behind(town.reference) == ["strips"]
    assert set_placing.go_on(town.reference, "strips") == 1
    assert set_placing.left_behind(town.reference) == []
    assert set_placing.go_on(town.reference, "strips") == 1  # nothing more to do
    with pytest.raises(NotFound, match="There is no boundary set moon"):
        set_placing.go_on(town.reference, "moon")


def test_what_is_odd_and_was_decided_follows_its_household_to_its_cell(town: Town) -> None:
    for east in (0.2, 0.8, 0.9):
        town.send(town.write({"household.point": inside(2, east)}, [person()], commune=2, entity=f"house {east}"))
    o = tables.oddities
    h = tables.households
    with town.reference.database.write() as connection:
        cell = connection.scalar(select(h.c.cell_id).where(h.c.id == "house 0.2"))
        for name in ("house 0.2", "house 0.9"):
            connection.execute(
                o.insert().values(
                    campaign_id="covid19",
                    key=name,
                    rule="r",
                    cell_id=cell,
                    household_id=name,
                    person_id="",
                    other_household_id="",
                    other_person_id="",
                    facts="{}",
                )
            )
    town.import_strips()
    with town.reference.database.read() as connection:
        odd = dict(connection.execute(select(o.c.household_id, o.c.cell_id)).all())
        houses = dict(connection.execute(select(h.c.id, h.c.cell_id)).all())
        assert not placements.is_left(connection, "strips")
    assert odd == {name: houses[name] for name in odd}
    assert odd["house 0.2"] != odd["house 0.9"]
    assert SetState(state(town)) is SetState.SHOWN
