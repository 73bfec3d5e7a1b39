"""The figures worked out the long way: person by person from the register, by the one rule of the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, select

from mapper.domain.ledger import State, state_on
from mapper.domain.people import Dose, Person
from mapper.store import tables
from tests.services.town import Town

Place = tuple[str | None, str | None]
"""(unit of a set, hamlet)."""


@dataclass
class Line:
    """What is counted in one place."""

    visited: int = 0
    interviewed: int = 0
    vacant: int = 0
    people: int = 0
    states: Counter[State] = field(default_factory=Counter)


@dataclass(frozen=True)
class RegisteredHouse:
    """A household of the register."""

    cell_id: int
    hamlet: str | None
    outcome: str
    people: Sequence[Person]


def registered(town: Town) -> list[RegisteredHouse]:
    """Every household of the census, row by row from the register."""
    with town.reference.database.read() as connection:
        people = _people(connection)
        h = tables.households
        rows = select(h.c.seq, h.c.cell_id, h.c.hamlet_code, h.c.outcome).where(h.c.campaign_id == "covid19")
        return [
            RegisteredHouse(row.cell_id, row.hamlet_code, row.outcome, people.get(row.seq, ()))
            for row in connection.execute(rows)
        ]


def long_way(
    town: Town,
    set_id: str,
    group_code: str,
    dose_code: str,
    day: date,
    houses: Sequence[RegisteredHouse] | None = None,
) -> dict[Place, Line]:
    """Every place of a set that has a household, with what stands in the register about it.

    houses: of ``registered``, where they are known already.
    """
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaigns["covid19"]
        units = {
            row.cell_id: row.unit_code
            for row in connection.execute(select(tables.cell_units).where(tables.cell_units.c.set_id == set_id))
        }
    found = campaign.find(group_code, dose_code)
    assert found is not None
    group, dose = found
    lines: dict[Place, Line] = defaultdict(Line)
    for house in registered(town) if houses is None else houses:
        line = lines[units[house.cell_id], house.hamlet]
        line.visited += 1
        line.interviewed += house.outcome == "interviewed"
        line.vacant += house.outcome == "moved_away"
        line.people += len(house.people)
        line.states.update(state_on(person, group, dose, day) for person in house.people)
    return dict(lines)


def _people(connection: Connection) -> Mapping[int, list[Person]]:
    doses: dict[tuple[int, int], list[Dose]] = defaultdict(list)
    d = tables.doses
    for row in connection.execute(select(d).order_by(d.c.position)):
        doses[row.household_seq, row.person_position].append(Dose(row.code, row.given_on, row.vaccine))
    found: dict[int, list[Person]] = defaultdict(list)
    p = tables.people
    for row in connection.execute(select(p)):
        found[row.household_seq].append(
            Person(
                id=row.id,
                reported_on=row.reported_on,
                born_on=row.born_on,
                residence=row.residence,
                priorities=tuple(row.priorities.split()),
                contraindicated=row.contraindicated,
                deferred_until=row.deferred_until,
                infected_on=row.infected_on,
                refused=row.refused,
                vaccination_unknown=row.vaccination_unknown,
                doses=tuple(doses[row.household_seq, row.position]),
            )
        )
    return found


def check_figures(
    town: Town,
    set_id: str,
    group: str,
    dose: str,
    day: date,
    houses: Sequence[RegisteredHouse] | None = None,
) -> None:
    """The answer of every level equals the long way, and every level sums to the same total."""
    lines = long_way(town, set_id, group, dose, day, houses)
    hamlets = town.ask("hamlet", group, dose, day, set_id)
    assert len({unit.key for unit in hamlets.units}) == len(hamlets.units)
    seen = {}
    for unit in hamlets.units:
        if unit.houses.visited:
            states = Counter({state: count for state, count in unit.states.items() if count})
            states += Counter({State.OUTSIDE: unit.outside})
            houses = unit.houses
            seen[unit.parent, unit.code] = Line(houses.visited, houses.interviewed, houses.vacant, unit.people, states)
        else:
            assert unit.people == unit.outside == unit.eligible == 0
    assert seen == lines
    for level in (*hamlets.places.levels, "hamlet"):
        answer = town.ask(level, group, dose, day, set_id)
        assert answer.total == hamlets.total
        for figure in ("visited", "interviewed", "vacant", "missing"):
            assert sum(getattr(unit.houses, figure) for unit in answer.units) == getattr(answer.total.houses, figure)
        assert sum(unit.houses.expected or 0 for unit in answer.units) == (answer.total.houses.expected or 0)
        for state in hamlets.total.states:
            assert sum(unit.states[state] for unit in answer.units) == answer.total.states[state]
        for unit in (*answer.units, answer.total):
            assert unit.people == sum(unit.states.values()) + unit.outside
            assert unit.outside >= 0
            assert all(count >= 0 for count in unit.states.values())
        assert sum(unit.people for unit in answer.units) == answer.total.people
