"""The sieve that people are read through: nobody whom a figure counts is left behind, on either database."""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert

from mapper.domain.household import house_counts
from mapper.domain.ledger import State, state_on
from mapper.domain.people import Dose, Person, Visit
from mapper.store import people_list, reference, register, tables, tallies
from mapper.store.database import Database
from mapper.store.register import HouseholdEntry, visit_rows
from tests.domain.test_ledger_properties import Drawn

AT = "2022-08-15T00:00:00+00:00"
DAY = date(2022, 8, 15)
PLACES = 3


def entered(database: Database, visits: list[Visit]) -> list[int]:
    """Cells with these households in turn, numbered from 0."""
    with database.write() as connection:
        reference.save_campaign(database, connection, "c", "", [], AT)
        connection.execute(
            insert(tables.boundary_sets).values(
                id="old",
                label="",
                approximate=False,
                source="",
                levels="[]",
                report="",
                imported_at=AT,
                state="shown",
            )
        )
        cells = [tallies.cell(database, connection, f"H{n}", "C", {"old": "01"}) for n in range(PLACES)]
        entries = [
            HouseholdEntry(
                number,
                "c",
                visit.household_id,
                f"uuid:{number}",
                visit_rows(visit, [], house_counts(visit)),
                "usable",
                cells[number % PLACES],
                [],
            )
            for number, visit in enumerate(visits)
        ]
        register.enter(database, connection, entries)
    return cells


def household(number: int, people: tuple[Person, ...], outcome: str = "interviewed") -> Visit:
    return Visit(f"house-{number}", DAY, outcome, house_number=str(number), people=people)


def test_whoever_is_in_a_state_passes_its_sieve(database: Database) -> None:
    chance = Drawn(20220908)
    people = [chance.person() for _ in range(240)]
    # Told twice, once without a day: the rule takes the earlier, and the sieve must not know better.
    people.append(Person("p", DAY, born_on=date(2010, 1, 1), doses=(Dose("1"), Dose("1", date(2022, 9, 1)))))
    visits = [household(number, tuple(people[4 * number : 4 * number + 4])) for number in range(61)]
    cells = entered(database, visits)
    seen, passed, states = 0, 0, set()
    with database.read() as connection:
        for seed in range(8):
            campaign = Drawn(seed).campaign()
            days = [chance.day(), DAY]
            for group, dose in campaign.series:
                for day in days:
                    told = [state_on(person, group, dose, day) for person in people]
                    for state in State:
                        sieve = people_list.sieve({state}, group, dose, day)
                        found = people_list.people(database, connection, "c", cells[:2], sieve)
                        mine = {(one.household_seq, one.position) for one in found}
                        wanted = {
                            divmod(number, 4)
                            for number, each in enumerate(told)
                            if each is state and number // 4 % PLACES != 2
                        }
                        assert wanted <= mine
                        assert len(mine) == len(found)
                        seen, passed = seen + len(wanted), passed + len(mine)
                        states |= {state} if wanted else set()
    assert states == set(State)
    assert seen < passed


def test_people_come_out_as_they_went_in(database: Database) -> None:
    chance = Drawn(7)
    visits = [household(number, tuple(chance.person() for _ in range(3))) for number in range(12)]
    cells = entered(database, visits)
    campaign = chance.campaign()
    group, dose = campaign.series[0]
    with database.read() as connection:
        everybody = people_list.sieve(set(State), group, dose, DAY)
        found = people_list.people(database, connection, "c", cells, everybody)
        assert {(one.household_seq, one.position): one.person for one in found} == {
            (number, place): person for number, visit in enumerate(visits) for place, person in enumerate(visit.people)
        }
        assert {one.house_number for one in found if one.cell_id == cells[1]} == {"1", "4", "7", "10"}
        assert people_list.people(database, connection, "c", [], everybody) == []
        assert people_list.people(database, connection, "another", cells, everybody) == []


def test_several_states_pass_together(database: Database) -> None:
    chance = Drawn(11)
    visits = [household(number, (chance.person(),)) for number in range(60)]
    cells = entered(database, visits)
    campaign = chance.campaign()
    group, dose = campaign.series[0]
    wanted = {State.DUE, State.AWAY, State.VACCINATED}
    with database.read() as connection:

        def passing(states: set[State]) -> set[int]:
            sieve = people_list.sieve(states, group, dose, DAY)
            return {one.household_seq for one in people_list.people(database, connection, "c", cells, sieve)}

        assert passing(wanted) == passing({State.DUE}) | passing({State.AWAY}) | passing({State.VACCINATED})


def test_houses_are_told_by_how_their_visits_ended(database: Database) -> None:
    outcomes = ["interviewed", "absent", "locked", "refused", "moved_away", "interviewed"]
    people = (Person("p", DAY),) * 2
    visits = [household(n, people if end == "interviewed" else (), end) for n, end in enumerate(outcomes)]
    cells = entered(database, visits)
    with database.read() as connection:

        def found(among: list[int], ends: set[str] | None = None) -> list[int]:
            return sorted(one.seq for one in people_list.houses(database, connection, "c", among, ends))

        assert found(cells) == [0, 1, 2, 3, 4, 5]
        assert found(cells[2:]) == [2, 5]
        assert found(cells, {"absent", "locked"}) == [1, 2]
        assert found([]) == []
        assert people_list.members(database, connection, [0, 1, 5]) == {0: 2, 5: 2}
