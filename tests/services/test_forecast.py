"""The forecast agrees with coverage and follow-up about who is due, and with the stock ledger about what is there."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest

from mapper.domain.follow_up import PersonState
from mapper.domain.ledger import State
from mapper.domain.planning import PlanningRules
from mapper.errors import InvalidQuestion
from mapper.formats.stock_table import read_stock_row
from mapper.services import coming, demand, follow_up, stock
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.coming import BeingRead
from mapper.services.field_area import FieldArea
from mapper.services.forecast import Forecast, ForecastQuestion, forecast
from mapper.services.forecast_json import forecast_json
from mapper.services.vaccine_need import needs_of
from tests.services.test_seen_whole import later
from tests.services.test_stock import added
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Answers, Town, inside, person

LAST = DAY + timedelta(days=27)
BASE = ("5_11", "12_17", "18_plus")
"""Groups of the campaign that divide everybody by age; the others lie within them."""


def ask(
    town: Town,
    area: Area | None = None,
    level: str = "commune",
    user: User = EVERYTHING,
    days: tuple[date, date] = (DAY, LAST),
    sessions: int = 1,
    follow: bool = False,
    set_id: str = "squares",
) -> Forecast:
    question = ForecastQuestion("covid19", *days, set_id, area, level, sessions, follow)
    return forecast(town.reference, user, question, wait=True)


def fill(town: Town, houses: int = 60) -> None:
    """Houses of all ages, doses, obstacles and places, some without a position."""
    chance = random.Random(5)
    for number in range(houses):
        people: list[Answers] = []
        for _ in range(chance.randrange(1, 5)):
            born = date(chance.randrange(1930, 2019), chance.randrange(1, 13), chance.randrange(1, 29))
            codes = ("1", "2", "booster1")[: chance.randrange(4)]
            vaccine = chance.choice(["pfizer", "astrazeneca", "moderna", "vero_cell", "sputnik_v", "abdala"])
            first = DAY - timedelta(days=chance.randrange(300, 420))
            doses = [(code, first + timedelta(days=110 * at), vaccine) for at, code in enumerate(codes)]
            doses = [(code, min(on, DAY - timedelta(days=2)), each) for code, on, each in doses]
            facts: Answers = chance.choice(
                [
                    {},
                    {},
                    {},
                    {"consent": "no"},
                    {"residence": "works_away"},
                    {"deferred_until": DAY + timedelta(days=4)},
                ]
            )
            people.append(person(born, doses, **facts))  # type: ignore[arg-type]
        commune = chance.randrange(4)
        where: Answers = {} if number % 9 else {"household.point": None}
        hamlet = chance.randrange(len(HAMLETS[commune]))
        town.send(town.write(where, people, commune=commune, hamlet=hamlet))


def test_due_today_is_what_coverage_and_follow_up_show_for_every_dose_and_area(town: Town) -> None:
    fill(town)
    areas = [None, Area("district", "S"), Area("commune", COMMUNES[1]), Area("hamlet", HAMLETS[0][0])]
    for area in areas:
        found = ask(town, area, "hamlet")
        by_dose = Counter({one.dose: 0 for one in found.coverage})
        for one in found.coverage:
            by_dose[one.dose] += one.due if one.group in BASE else 0
        assert found.now_by_dose == {dose: number for dose, number in by_dose.items() if number}
        assert found.total.now == by_dose.total()
    whole = ask(town)
    told = {
        (group, dose): town.ask(group=group, dose=dose).total.states[State.DUE]
        for group, dose in {(one.group, one.dose) for one in whole.coverage}
    }
    assert {(one.group, one.dose): one.due for one in whole.coverage} == told, "the page of coverage itself"
    by_row = {one.code: one.now for one in whole.rows}
    for code in COMMUNES[:4]:
        units = [
            next(unit for unit in town.ask(group=group, dose=dose).units if unit.code == code).states[State.DUE]
            for group, dose in told
            if group in BASE
        ]
        assert by_row[code] == sum(units)
    houses = follow_up.households(town.reference, EVERYTHING, "covid19", DAY)
    due = [one for house in houses for one in house.people if one.status.state is PersonState.DUE]
    assert whole.total.people == len(due) > 20
    assert whole.total.now == sum(len(one.status.due) for one in due)


def test_a_plan_of_the_same_day_is_for_the_same_doses(town: Town) -> None:
    fill(town, 20)
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaign("covid19")
        rules = demand.rules_of(connection, campaign)
        planned = list(demand.people_due(town.reference, connection, campaign, rules, (DAY, DAY), FieldArea(None)))
    doses = Counter(one.vials.get(dose, "") for house in planned for one in house.people for dose in one.due)
    found = ask(town, days=(DAY, DAY))
    told = {need.formulation.code: need.now for need in found.total.needs} | {"": found.total.unknown_now}
    assert {code: number for code, number in told.items() if number} == doses


def test_rows_weeks_and_days_add_up_to_the_total(sqlite_town: Town) -> None:
    fill(sqlite_town)
    found = ask(sqlite_town)
    hamlets = ask(sqlite_town, level="hamlet")
    district = ask(sqlite_town, level="district")
    for some in (found, hamlets, district):
        assert sum(one.due for one in some.rows) == found.total.due
        assert sum(one.people for one in some.rows) == found.total.people
        assert sum(one.unknown for one in some.rows) == found.total.unknown
    assert found.total.unknown > 0, "doses of no known formulation are never dropped"
    due = {need.formulation.code: need.due for need in found.total.needs} | {"": found.total.unknown}
    vials = {need.formulation.code: need.vials for need in found.total.needs}
    assert sum((Counter(week.due) for week in found.weeks), Counter()) == Counter(due)
    assert sum((Counter(week.vials) for week in found.weeks), Counter()) == Counter(vials)
    assert sum(found.total.by_day.values()) == found.total.due == sum(due.values())
    assert min(found.total.by_day) == DAY and max(found.total.by_day) <= LAST
    of_rows = sum((Counter({need.formulation.code: need.vials for need in row.needs}) for row in found.rows), Counter())
    assert of_rows == Counter(vials)
    assert [need.vials for need in hamlets.total.needs] == [need.vials for need in found.total.needs]
    assert not any(row.has_vials for row in hamlets.rows)


def rules_of(town: Town) -> PlanningRules:
    with town.reference.database.read() as connection:
        return demand.rules_of(connection, town.reference.known(connection).campaign("covid19"))


def test_vials_are_for_the_sessions_of_every_commune_and_week(sqlite_town: Town) -> None:
    grown = date(1980, 1, 1)
    for number in range(25):
        sqlite_town.send(sqlite_town.write(people=[person(grown)], commune=number % 2))
    later = [("1", DAY - timedelta(days=18), "pfizer")]
    sqlite_town.send(sqlite_town.write(people=[person(grown, later)]))
    rules = rules_of(sqlite_town)
    (need,) = ask(sqlite_town).total.needs
    # 13 and 12 people now, and one dose 28 days after the first, ten days on: a vial of its own in the second week.
    expected = [needs_of({"pfizer_purple": number}, rules, 1)[0].vials for number in (13, 12, 1)]
    assert (need.due, need.now, need.vials) == (26, 25, sum(expected))
    assert need.order == -(-need.vials * 11 // 10)
    spread = ask(sqlite_town, sessions=3).total.needs[0]
    assert spread.vials == sum(needs_of({"pfizer_purple": number}, rules, 3)[0].vials for number in (13, 12, 1))
    assert spread.wasted > need.wasted
    following = ask(sqlite_town, follow=True, days=(DAY, DAY + timedelta(days=28))).total
    assert following.due == 26 + 25, "and the second doses of the 25 four weeks on"


def enter(town: Town, kind: str, store: str, doses: int, set_id: str = "squares", **more: str) -> None:
    usual = {"day": DAY.isoformat(), "formulation": "pfizer_purple", "lot": "L1", "expiry": "2022-12-31"}
    row = read_stock_row({"kind": kind, "store": store, "doses": str(doses)} | usual | more)
    stock.enter(town.reference, added(town, "administrator"), "covid19", set_id, row, DAY)


def test_need_stands_against_stock_and_what_is_still_to_come(town: Town) -> None:
    for number in range(20):
        town.send(town.write(people=[person(date(1980, 1, 1))], commune=number % 2))
    one, two = (f"commune:{code}" for code in COMMUNES[:2])
    enter(town, "allocated", one, 60)
    enter(town, "received", one, 12)
    enter(town, "received", two, 60)
    enter(town, "received", two, 6, lot="L2", expiry=(DAY + timedelta(days=5)).isoformat())
    enter(town, "received", "district:S", 600)
    found = ask(town)
    rows = {row.code: row.needs[0] for row in found.rows}
    short, enough = rows[COMMUNES[0]], rows[COMMUNES[1]]
    assert (short.vials, short.stock, short.promised, short.over) == (2, 12, 48, 48)
    assert short.run.short_on is None
    assert (enough.vials, enough.stock, enough.over, enough.to_order) == (2, 66, 54, 0)
    assert enough.run.unused == {}, "the six that expire first are used first"
    (total,) = found.total.needs
    assert (total.stock, total.promised, total.to_order) == (678, 48, 0)
    assert found.larger is not None and found.larger.needs[0].stock == 600
    enter(town, "used", one, 12, expiry="")
    short = {row.code: row.needs[0] for row in ask(town).rows}[COMMUNES[0]]
    assert (short.stock, short.run.short_on, short.run.missing) == (0, DAY, 12)
    commune = added(town, "commune_supervisor", f"squares:{COMMUNES[1]}")
    mine = ask(town, user=commune)
    assert [row.code for row in mine.rows] == [COMMUNES[1]]
    assert mine.larger is None and mine.total.needs[0].stock == 66
    assert mine.total.now == 10


def test_stores_of_an_older_set_count_where_their_ground_went(town: Town) -> None:
    for number in range(3):
        town.send(town.write(people=[person(date(1980, 1, 1))], commune=number))
    later(town)
    for store, doses in ((f"commune:{COMMUNES[0]}", 12), (f"commune:{COMMUNES[1]}", 18), ("district:S", 600)):
        enter(town, "received", store, doses)
    enter(town, "allocated", f"commune:{COMMUNES[0]}", 30)
    old, new = (ask(town, level="commune", set_id=set_id) for set_id in ("squares", "later"))
    (before,), (after,) = old.total.needs, new.total.needs
    # Where the vials of the whole district are nobody can say: some of its communes lie outside the newer set.
    assert (before.stock, after.stock, new.elsewhere) == (630, 30, 600)
    assert after.promised == before.promised == 18
    rows = {row.code: row.needs[0] for row in new.rows}
    assert (rows["A"].stock, rows["A"].promised, rows["B"].stock) == (30, 18, 0)
    # A commune of which nobody can say that it lies in one of the older ones keeps its vials out of their rows.
    enter(town, "moved", f"squares/commune:{COMMUNES[0]}", 12, set_id="later", other="commune:B", expiry="")
    old, new = (ask(town, level="commune", set_id=set_id) for set_id in ("squares", "later"))
    assert {row.code: row.needs[0].stock for row in new.rows} == {"A": 18, "B": 12}
    assert (old.total.needs[0].stock, old.elsewhere) == (618, 12)


def test_a_lot_that_expires_before_it_is_needed_is_told(sqlite_town: Town) -> None:
    later = [("1", DAY - timedelta(days=18), "pfizer")]
    sqlite_town.send(sqlite_town.write(people=[person(date(1980, 1, 1), later)]))
    enter(sqlite_town, "received", f"commune:{COMMUNES[0]}", 6, expiry=(DAY + timedelta(days=9)).isoformat())
    (need,) = ask(sqlite_town).total.needs
    assert need.run.unused == {"L1": 6}
    assert need.run.short_on == DAY + timedelta(days=10)


def test_people_who_fall_out_of_the_count_fall_out_of_the_forecast(sqlite_town: Town) -> None:
    first = sqlite_town.new_instance()
    sqlite_town.send(sqlite_town.write(people=[person(date(1980, 1, 1))], instance=first))
    assert ask(sqlite_town).total.now == 1
    refuses = sqlite_town.write(people=[person(date(1980, 1, 1), consent="no")], edits=first)
    sqlite_town.send(refuses)
    assert ask(sqlite_town).total.now == 0, "numbers that were remembered are read again where something was counted"


@pytest.mark.parametrize(
    ("days", "sessions", "level"),
    [
        ((DAY, DAY - timedelta(days=1)), 1, "commune"),
        ((DAY, DAY + timedelta(days=184)), 1, "commune"),
        ((date(2020, 1, 1), date(2020, 1, 9)), 1, "commune"),
        ((DAY, LAST), 0, "commune"),
        ((DAY, LAST), 8, "commune"),
        ((DAY, LAST), 1, "region"),
    ],
)
def test_what_has_no_answer_is_refused(sqlite_town: Town, days: tuple[date, date], sessions: int, level: str) -> None:
    with pytest.raises(InvalidQuestion):
        ask(sqlite_town, days=days, sessions=sessions, level=level)


def test_many_people_are_read_in_the_background(sqlite_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        sqlite_town.send(sqlite_town.write(people=[person(date(1980, 1, 1))] * 3, commune=number))
    monkeypatch.setattr(coming, "AT_ONCE", 5)
    monkeypatch.setattr(coming, "CHUNK", 2)
    question = ForecastQuestion("covid19", DAY, LAST, "squares", None, "commune")
    found = None
    with pytest.raises(BeingRead):
        forecast(sqlite_town.reference, EVERYTHING, question)
    for _ in range(2000):
        try:
            found = forecast(sqlite_town.reference, EVERYTHING, question)
            break
        except BeingRead as waiting:
            assert 0 <= waiting.standing.share <= 1
    assert found is not None and found.total.now == 12


def test_programs_are_told_numbers_and_nobody_s_name(sqlite_town: Town) -> None:
    sqlite_town.send(sqlite_town.write(people=[person(date(1980, 1, 1))]))
    told = forecast_json(ask(sqlite_town))
    assert told["total"]["doses_due_now"] == 1 and told["units"][0]["vaccines"][0]["vials"] == 1
    assert "Nông" not in repr(told)
    hamlets = forecast_json(ask(sqlite_town, level="hamlet"))
    assert "vials" not in hamlets["units"][0]["vaccines"][0] and hamlets["total"]["vaccines"][0]["vials"] == 1


def test_a_campaign_without_vials_has_doses_alone(sqlite_town: Town) -> None:
    question = ForecastQuestion("measles", DAY, LAST, "squares", None, "commune")
    found = forecast(sqlite_town.reference, EVERYTHING, question, wait=True)
    assert (found.total.needs, found.total.due) == ((), 0)


def test_positions_do_not_matter_where_a_commune_was_told(sqlite_town: Town) -> None:
    for point in (None, inside(0, accuracy_m=900.0), inside(0)):
        sqlite_town.send(sqlite_town.write({"household.point": point}, [person(date(1980, 1, 1))]))
    assert {row.code: row.now for row in ask(sqlite_town).rows} == {COMMUNES[0]: 3}
