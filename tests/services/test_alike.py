"""That a kind says of its people what the ledger says of each of them, on any day and however oddly they are told."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random

import numpy as np
import pytest

from mapper.domain.people import Dose, Person
from mapper.formats.campaign import read_campaign
from mapper.formats.planning_rules import read_planning
from mapper.services.alike import Kinds
from mapper.services.demand import Crowd, NotDue, due_among, due_between
from mapper.services.kept_people import folk, together
from mapper.store import follow_up
from mapper.store.follow_up import Deciding, Held, HouseholdRow
from tests.services.town import DAY, FORMS, Town, person

PEOPLE = 4_000
DAYS = (date(2020, 1, 1), date(2021, 3, 8), date(2022, 8, 15), date(2022, 12, 31), date(2024, 2, 29), date(2040, 1, 1))


def told(one: Person) -> Deciding:
    """Somebody as SQLite gives them."""
    return Deciding(
        one.id,
        one.reported_on.isoformat(),
        one.born_on and one.born_on.isoformat(),
        one.residence,
        " ".join(one.priorities) or None,
        int(one.contraindicated),
        one.deferred_until and one.deferred_until.isoformat(),
        one.infected_on and one.infected_on.isoformat(),
        int(one.refused),
        int(one.vaccination_unknown),
        tuple((dose.code, dose.given_on and dose.given_on.isoformat(), dose.vaccine) for dose in one.doses),
    )


def house(number: int) -> HouseholdRow:
    nothing = (None,) * 8
    return HouseholdRow(
        number, str(number), "", date(2022, 8, 1), "interviewed", *nothing, "missing", number % 7, Held(1, None, None)
    )


@pytest.mark.parametrize("name", ["covid19", "measles"])
@pytest.mark.parametrize("day", DAYS)
def test_who_is_due_is_the_same_by_kind_as_person_by_person(name: str, day: date) -> None:
    campaign = read_campaign((FORMS / name / "campaign.toml").read_text("utf-8"))
    planning = FORMS / name / "planning.toml"
    rules = read_planning(planning.read_text("utf-8") if planning.exists() else "", campaign)
    chance = Random(f"{name} {day}")
    groups = [one for group in campaign.groups for one in group.priorities] or ["none"]
    limits = [age for group in campaign.groups for age in (group.from_age, group.to_age) if age is not None]

    def near(middle: date, days: int) -> date:
        return middle + timedelta(days=chance.randint(-days, days))

    def somebody(number: int) -> Person:
        born = date(
            day.year - chance.choice([0, 3, 8, 15, 30, 64, 70, 90]), chance.randint(1, 12), chance.randint(1, 28)
        )
        if limits and chance.random() < 0.3:  # who comes of an age about that day
            born = date.fromordinal(chance.choice(limits).over_by(near(day, 20)))
        codes = list(campaign.doses)[: chance.randint(0, len(campaign.doses))]
        if chance.random() < 0.2:
            chance.shuffle(codes)
        if codes and chance.random() < 0.1:
            codes.append(chance.choice(codes))
        vaccines = [*campaign.vaccines, None] if chance.random() < 0.3 else [chance.choice(list(campaign.vaccines))]
        at = near(day, 600)
        doses = []
        for code in codes:
            at = at + timedelta(days=chance.choice([0, 14, 28, 29, 90, 120, 152]))
            on = None if chance.random() < 0.1 else near(day, 200) if chance.random() < 0.1 else at
            doses.append(Dose(code, on, chance.choice(vaccines)))
        return Person(
            str(number),
            near(day, 30),
            born_on=None if chance.random() < 0.05 else born,
            residence=chance.choices(["here", "works_away", "moved_out", "absent", "far"], [20, 1, 1, 1, 1])[0],
            priorities=tuple(chance.sample(groups, 1)) if chance.random() < 0.2 else (),
            contraindicated=chance.random() < 0.03,
            deferred_until=near(day, 30) if chance.random() < 0.1 else None,
            infected_on=near(day, 120) if chance.random() < 0.1 else None,
            refused=chance.random() < 0.1,
            vaccination_unknown=chance.random() < 0.05,
            doses=tuple(doses),
        )

    people = [somebody(number) for number in range(PEOPLE)]
    days = (day, day + timedelta(days=9))
    kinds, alone, alike = Kinds(campaign, rules, day), NotDue(), NotDue()
    one_by_one = [due_between(one, campaign, rules, days, alone) for one in people]
    houses = [(house(number), [told(one) for one in people[number : number + 3]]) for number in range(0, PEOPLE, 3)]
    cells = [folk(each for each in houses if each[0].cell_id == cell) for cell in range(7)]
    every = together(cells)
    for number, one in enumerate(every.ids):
        assert every.person(number) == told(people[int(one)]).person()
        assert every.homes[every.house[number]].id == str(int(one) // 3 * 3)
    by_kind = due_among(every, kinds, campaign, rules, days, alike)
    assert by_kind.rows.tolist() == sorted(by_kind.rows.tolist())
    stands = every.house[by_kind.rows].astype(np.int64)
    rows = by_kind.rows, stands, by_kind.on, by_kind.sort, by_kind.sorts
    crowd = Crowd(every.homes, every.stand, None, every.ids, *rows)
    found = {one.id: one for house in crowd.houses() for one in house.people}
    assert [found.get(one.id) for one in people] == one_by_one
    assert (alike.stands, alike.next_on) == (alone.stands, alone.next_on)
    seen = Counter(one is not None for one in one_by_one)
    assert seen[False] and (seen[True] or day < campaign.start or name == "measles")


def test_what_decides_is_read_as_the_whole_person_is(town: Town) -> None:
    people = [
        person(date(1980, 1, 1), [("1", DAY - timedelta(days=40), "pfizer"), ("2", None, "pfizer")]),
        person(None, consent="no", refusal_reason="far"),
        person(date(1990, 5, 5), deferred_until=DAY + timedelta(days=4), deferral_reason="fever"),  # type: ignore[arg-type]
        person(date(2012, 2, 29), residence="works_away"),
        person(date(1950, 1, 1), contraindicated="yes", priority="underlying_disease pregnant"),
    ]
    town.send(town.write(people=people))
    with town.reference.database.read() as connection:
        rows = follow_up.households(town.reference.database, connection, "covid19", None)
        numbers = [row.seq for row in rows]
        whole = follow_up.people(town.reference.database, connection, numbers)
        deciding = follow_up.deciding(town.reference.database, connection, numbers)
    assert sum(map(len, deciding.values())) == len(people)
    for number in numbers:
        for (one, _), other in zip(whole[number], deciding[number], strict=True):
            again = other.person()
            assert (again.id, again.reported_on, again.born_on) == (one.id, one.reported_on, one.born_on)
            assert (again.residence, again.priorities, again.refused) == (one.residence, one.priorities, one.refused)
            assert (again.contraindicated, again.deferred_until) == (one.contraindicated, one.deferred_until)
            assert (again.infected_on, again.vaccination_unknown) == (one.infected_on, one.vaccination_unknown)
            assert [(d.code, d.given_on, d.vaccine) for d in again.doses] == [
                (d.code, d.given_on, d.vaccine) for d in one.doses
            ]
