"""Whom a plan is for: those whom the ledger calls due, on the day on which they become it, and nobody else."""

from __future__ import annotations

from datetime import date, timedelta

from mapper.domain.follow_up import PersonState
from mapper.domain.ledger import State
from mapper.domain.plan import DueHouse
from mapper.domain.planning import PlanningRules
from mapper.services import demand
from mapper.services.field_area import FieldArea
from tests.services.town import COMMUNES, DAY, Town, inside, person

LAST = DAY + timedelta(days=9)
GROWN = date(1980, 1, 1)


def due(town: Town, last: date = LAST) -> list[DueHouse]:
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaign("covid19")
        rules = demand.rules_of(connection, campaign)
        return list(demand.people_due(town.reference, connection, campaign, rules, (DAY, last), FieldArea(None)))


def on_days(houses: list[DueHouse]) -> list[tuple[int, str]]:
    """Days from the first on, and the dose, of everybody."""
    return sorted(((one.on - DAY).days, dose) for house in houses for one in house.people for dose in one.due)


def test_everybody_is_planned_for_on_the_day_on_which_they_become_due(town: Town) -> None:
    first = DAY - timedelta(days=25)
    people = [
        person(GROWN),
        person(GROWN, [("1", first, "pfizer")]),
        person(GROWN, [("1", DAY - timedelta(days=10), "pfizer")]),
        person(GROWN, deferred_until=DAY + timedelta(days=4), deferral_reason="fever"),  # type: ignore[arg-type]
        person(GROWN, consent="no", refusal_reason="far"),
        person(GROWN, residence="works_away"),
        person(GROWN, contraindicated="yes"),
        person(date(DAY.year - 5, DAY.month, DAY.day) + timedelta(days=2)),
    ]
    town.send(town.write(people=people))
    assert on_days(due(town)) == [(0, "1"), (2, "1"), (3, "2"), (4, "1")]
    assert on_days(due(town, DAY)) == [(0, "1")]


def test_as_many_are_due_on_the_first_day_as_the_ledger_says(town: Town) -> None:
    for number in range(12):
        born = date(1975 + 5 * (number % 3), 3, 1)
        doses = [("1", DAY - timedelta(days=20 + number), "astrazeneca" if number % 2 else "pfizer")]
        town.send(town.write(people=[person(born), person(born, doses)], commune=number % 4))
    told = {dose: town.ask(dose=dose).total.states[State.DUE] for dose in ("1", "2")}
    found = on_days(due(town, DAY))
    assert told == {dose: sum(code == dose for _, code in found) for dose in ("1", "2")}
    assert told["1"] == 12 and 0 < told["2"] < 12


def test_a_house_without_a_position_that_can_be_trusted_has_none_and_keeps_its_people(town: Town) -> None:
    town.send(town.write({"household.point": inside(0, accuracy_m=400.0)}, [person(GROWN)]))
    town.send(town.write({"household.point": None}, [person(GROWN)], hamlet=1))
    town.send(town.write(people=[person(GROWN)], commune=2))
    houses = due(town)
    assert sorted((house.commune_code, house.point is not None) for house in houses) == [
        (COMMUNES[0], False),
        (COMMUNES[0], False),
        (COMMUNES[2], True),
    ]


def test_what_is_owed_follows_the_campaigns_own_rules(town: Town) -> None:
    old = person(date(1932, 1, 1))
    child = person(date(2014, 1, 1))
    town.send(town.write(people=[old, child, person(GROWN)]))
    (house,) = due(town)
    with town.reference.database.read() as connection:
        rules = demand.rules_of(connection, town.reference.known(connection).campaign("covid19"))
    owed = [(rules.needs(one.precedences), one.vials["1"]) for one in house.people]
    needs = sorted((one.weight, one.at_home, vial) for one, vial in owed)
    assert needs == [(1, False, "pfizer_purple"), (2, False, "pfizer_orange"), (3, True, "pfizer_purple")]


def test_a_campaign_without_rules_is_planned_by_what_is_assumed(town: Town) -> None:
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaign("measles")
        assert demand.rules_of(connection, campaign) == PlanningRules()


def test_everybody_else_is_counted_by_how_they_stand_and_when_they_fall_due(town: Town) -> None:
    people = [
        person(GROWN),
        person(GROWN, [("1", DAY - timedelta(days=10), "pfizer")]),
        person(GROWN, consent="no", refusal_reason="far"),
        person(GROWN, consent="no", refusal_reason="far"),
        person(GROWN, residence="works_away"),
    ]
    town.send(town.write(people=people))
    others = demand.NotDue()
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaign("covid19")
        rules, days = demand.rules_of(connection, campaign), (DAY, DAY + timedelta(days=2))
        houses = demand.people_due(town.reference, connection, campaign, rules, days, FieldArea(None), others)
        assert sum(len(house.people) for house in houses) == 1
    assert others.stands == {PersonState.WAITING: 1, PersonState.REFUSED: 2, PersonState.AWAY: 1}
    assert others.next_on == DAY + timedelta(days=18), "28 days after the first dose"
