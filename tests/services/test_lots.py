"""Lots: drawn from the houses that are there, kept with who and when, found and judged; within each user's area."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from mapper.domain.roles import Role
from mapper.errors import InvalidInput, NotFound
from mapper.services import audit, lot_drawing, lots, reporting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.lot_drawing import Plan
from mapper.services.lots import Told
from mapper.services.questions import Question
from mapper.stats.lots import Rule, Verdict, acceptance, judge
from mapper.store import tables
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, HAMLETS, Town, person

COMMUNE = Area("commune", COMMUNES[0])
NOW = datetime(2022, 8, 16, 3, tzinfo=UTC)
PLAN = Plan(people=10, lower=0.6, upper=0.9)
"""Of ten people at 60 %, nobody is unvaccinated in .6 % of cases, up to one in 4.6 %, up to two in 16.7 %: d is 1."""
QUESTION = Question("covid19", "18_plus", "1", DAY, "commune", "squares")


def someone(*seen: tuple[str, str], number: int = 0) -> User:
    return User(number, "somebody", Role.SUPERVISOR, seen, 0)


def visit(town: Town, times: int, hamlet: int = 0, outcome: str = "interviewed", commune: int = 0) -> None:
    people = [person()] if outcome == "interviewed" else []
    for _ in range(times):
        answers = {"visit.outcome": outcome, "household.house_number": str(town.numbers + 1)}
        town.send(town.write(answers, people, commune=commune, hamlet=hamlet))


def drawn(town: Town, user: User = EVERYTHING, plan: Plan = PLAN, seed: str = "seed", area: Area = COMMUNE) -> int:
    return lot_drawing.draw(town.reference, user, QUESTION, area, plan, NOW, seed)


def everything(town: Town) -> list[tuple[str, str | None, int | None]]:
    with town.reference.database.read() as connection:
        h = tables.lot_houses
        columns = (h.c.hamlet_code, h.c.household_id, h.c.unlisted)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(h.c.lot_id, h.c.position))]


def test_the_frame_holds_every_house_visited_or_not_but_those_empty_for_good(town: Town) -> None:
    visit(town, 3)
    visit(town, 1, outcome="absent")
    visit(town, 2, outcome="moved_away")
    visit(town, 1, hamlet=1)
    visit(town, 1, commune=1)
    frame = lot_drawing.frame_of(town.reference, EVERYTHING, QUESTION, COMMUNE)
    # Six of the first hamlet's houses are visited, two of them empty; one of the second's.
    sizes = [EXPECTED[code] for code in HAMLETS[0]]
    assert frame.counts == lot_drawing.Counts(5, sum(sizes) - 7, 2, ())
    assert len(frame.names[HAMLETS[0][0]]) == sizes[0] - 2
    assert set(frame.names) == set(HAMLETS[0])
    assert frame.counts.houses == sum(map(len, frame.names.values()))
    answer = reporting.coverage(town.reference, EVERYTHING, replace(QUESTION, level="hamlet"), COMMUNE)
    assert lot_drawing.counts_of(answer.units) == frame.counts


def test_a_lot_is_kept_with_its_rule_its_houses_who_drew_it_and_when(town: Town) -> None:
    visit(town, 4)
    number = drawn(town)
    lot = lots.lot(town.reference, EVERYTHING, number)
    assert (lot.kept.people, lot.kept.allowed, lot.kept.seed, lot.kept.drawn_at) == (
        10,
        1,
        "seed",
        "2022-08-16T03:00:00+00:00",
    )
    assert (lot.area, lot.group["en"], lot.dose["en"]) == ("Xã 0", "18 and older", "Dose 1")
    assert lot.rule == Rule(10, 1, 0.6, 0.9)
    assert lot.judgement is None
    houses = [each for hamlet in lot.houses for each in hamlet.houses]
    assert (len(houses), len(lot.spare)) == (10, 2)
    # A house is either known, with its head, or told by a number among those of its hamlet not visited yet.
    assert all((each.row is None) == (each.house.household_id is None) for each in houses)
    assert all(each.house.unlisted for each in houses if each.row is None)
    assert {each.row.head for each in houses if each.row is not None} <= {"Nông Văn Nam"}
    entry = audit.entries(town.reference, 1)[0]
    assert (entry.action, entry.subject) == ("lot.drawn", str(number))
    assert entry.facts == {"campaign": "covid19", "area": str(COMMUNE), "houses": "12", "seed": "seed"}


def test_the_same_seed_and_houses_draw_the_same_lot_and_its_frame_says_whether_they_are_the_same(town: Town) -> None:
    visit(town, 4)
    first, again, other = drawn(town), drawn(town), drawn(town, seed="other")
    rows = everything(town)
    assert rows[:12] == rows[12:24] != rows[24:]
    prints = [lots.lot(town.reference, EVERYTHING, one).frame["fingerprint"] for one in (first, again, other)]
    assert len(set(prints)) == 1
    visit(town, 1)
    assert lots.lot(town.reference, EVERYTHING, drawn(town)).frame["fingerprint"] != prints[0]
    # Without a seed each draw has one of its own.
    seeds = {lots.lot(town.reference, EVERYTHING, drawn(town, seed="")).kept.seed for _ in range(3)}
    assert len(seeds) == 3


def test_houses_are_spread_over_the_hamlets_by_their_size(town: Town) -> None:
    lot = lots.lot(town.reference, EVERYTHING, drawn(town, plan=Plan(people=50)))
    everywhere = sum(EXPECTED[code] for code in HAMLETS[0])
    counts = {code: sum(row[0] == code for row in everything(town)) for code in HAMLETS[0]}
    assert all(abs(counts[code] - 60 * EXPECTED[code] / everywhere) < 1 for code in HAMLETS[0])
    assert [hamlet.label for hamlet in lot.houses]


def test_a_small_lot_that_is_known_to_the_last_person_has_its_own_exact_risks(town: Town) -> None:
    visit(town, EXPECTED[HAMLETS[0][0]])
    lot = lots.lot(town.reference, EVERYTHING, drawn(town, area=Area("hamlet", HAMLETS[0][0])))
    people = EXPECTED[HAMLETS[0][0]]
    assert lot.kept.lot_people == lot.rule.lot == people
    assert lot.rule.wrongly_accepted == acceptance(10, lot.rule.d, 0.6, people)
    # A house is still to be visited in the commune, so that nobody knows how many people it has.
    assert lots.lot(town.reference, EVERYTHING, drawn(town)).rule.lot is None


def answers(lot: lots.Lot, vaccinated: int, unvaccinated: int) -> dict[int, Told]:
    houses = sorted(each.house.position for hamlet in lot.houses for each in hamlet.houses)
    told = [Told("1", "1")] * vaccinated + [Told("1", "0", "refused")] * unvaccinated
    return dict(zip(houses, told, strict=False))


@pytest.mark.parametrize(
    ("vaccinated", "unvaccinated", "verdict", "lacking"),
    [(9, 1, Verdict.ACCEPTED, 0), (8, 2, Verdict.REFUSED, 0), (8, 1, Verdict.OPEN, 1), (1, 2, Verdict.REFUSED, 7)],
)
def test_findings_are_kept_and_judged_by_the_rule(
    town: Town, vaccinated: int, unvaccinated: int, verdict: Verdict, lacking: int
) -> None:
    supervisor = someone(("squares", "S"))
    number = drawn(town, supervisor)
    told = answers(lots.lot(town.reference, supervisor, number), vaccinated, unvaccinated)
    lots.find(town.reference, supervisor, number, told, Told(), NOW)
    lot = lots.lot(town.reference, supervisor, number)
    assert lot.judgement is not None
    assert (lot.judgement.verdict, lot.judgement.lacking) == (verdict, lacking)
    assert (lot.judgement.seen, lot.judgement.unvaccinated) == (vaccinated + unvaccinated, unvaccinated)
    assert (lot.kept.found_at, lot.several) == ("2022-08-16T03:00:00+00:00", False)
    reasons = [each.house.reason for hamlet in lot.houses for each in hamlet.houses if each.house.reason]
    assert reasons == ["refused"] * unvaccinated
    assert lots.lines(town.reference, supervisor, "covid19", 10)[0].judgement == lot.judgement
    entry = audit.entries(town.reference, 1)[0]
    assert (entry.action, entry.facts["seen"]) == ("lot.found", str(vaccinated + unvaccinated))
    # What is written again takes the place of what was found before.
    lots.find(town.reference, supervisor, number, {}, Told("10", "10"), NOW)
    again = lots.lot(town.reference, supervisor, number).judgement
    assert again is not None
    assert (again.verdict, again.unvaccinated) == (Verdict.ACCEPTED, 0)


def test_more_people_than_planned_are_judged_by_the_rule_for_as_many() -> None:
    rule, risk = lot_drawing.rule_of(PLAN)
    found = judge(rule, risk, 20, 16)
    # Of twenty at 60 %, at most four are unvaccinated in 5.1 % of cases, at most five in 12.6 %.
    assert (found.rule.n, found.rule.d, found.verdict) == (20, 4, Verdict.ACCEPTED)
    assert judge(rule, risk, 20, 15).verdict is Verdict.REFUSED


def test_several_people_of_a_house_are_told_apart_since_the_risks_hold_for_one(town: Town) -> None:
    number = drawn(town)
    lots.find(town.reference, EVERYTHING, number, {1: Told("3", "2", "away"), 2: Told("0", "")}, Told(), NOW)
    lot = lots.lot(town.reference, EVERYTHING, number)
    assert lot.several
    assert lot.judgement is not None
    assert (lot.judgement.seen, lot.judgement.unvaccinated) == (3, 1)


@pytest.mark.parametrize(
    ("houses", "totals", "says"),
    [
        ({1: Told("1", "2")}, Told(), "House 1:"),
        ({2: Told("one", "1")}, Told(), "House 2:"),
        ({2: Told("1", "")}, Told(), "House 2:"),
        ({2: Told("", "1")}, Told(), "House 2:"),
        ({2: Told("-1", "0")}, Told(), "House 2:"),
        ({2: Told("1", "0", "bored")}, Told(), "House 2:"),
        ({}, Told("5", "6"), "Totals:"),
        ({}, Told("five", "5"), "Totals:"),
        ({1: Told("1", "1")}, Told("5", "5"), "both at houses and as totals"),
    ],
)
def test_what_cannot_have_been_found_is_refused_and_nothing_is_kept(
    sqlite_town: Town, houses: dict[int, Told], totals: Told, says: str
) -> None:
    number = drawn(sqlite_town)
    lots.find(sqlite_town.reference, EVERYTHING, number, {3: Told("1", "1")}, Told(), NOW)
    before = lots.lot(sqlite_town.reference, EVERYTHING, number)
    with pytest.raises(InvalidInput) as refusal:
        lots.find(sqlite_town.reference, EVERYTHING, number, {4: Told("1", "1")} | houses, totals, NOW)
    assert says in str(refusal.value)
    assert lots.lot(sqlite_town.reference, EVERYTHING, number) == before


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Plan(people=0), "1 to 500 people"),
        (Plan(people=501), "1 to 500 people"),
        (Plan(lower=0.95), "must lie below"),
        (Plan(lower=0.0), "must lie below"),
        (Plan(people=5), "5 people are too few"),
        (Plan(people=5, allowed=5), "Fewer people may be unvaccinated"),
        (Plan(risk=0.0), "lies between 0 and 100 %"),
        (Plan(people=400), "Choose fewer people, or a larger area"),
    ],
)
def test_a_plan_that_no_rule_fits_is_refused_with_the_cure(sqlite_town: Town, plan: Plan, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        drawn(sqlite_town, plan=plan)
    assert says in str(refusal.value)
    assert everything(sqlite_town) == []


def test_a_number_allowed_may_be_chosen_and_then_has_the_risk_that_follows(sqlite_town: Town) -> None:
    lot = lots.lot(sqlite_town.reference, EVERYTHING, drawn(sqlite_town, plan=Plan(lower=0.9, upper=0.95, allowed=3)))
    assert (lot.rule.n, lot.rule.d) == (60, 3)
    assert lot.kept.risk == pytest.approx(0.1374, abs=5e-5)


def test_a_lot_is_seen_and_filled_only_by_who_sees_all_its_hamlets(town: Town) -> None:
    number = drawn(town)
    for user in (someone(("squares", COMMUNES[0])), someone(("squares", "P"))):
        assert lots.lot(town.reference, user, number).kept.id == number
        assert [line.kept.id for line in lots.lines(town.reference, user, "covid19", 10)] == [number]
    for user in (someone(("squares", COMMUNES[1])), someone(("", HAMLETS[0][0]))):
        assert lots.lines(town.reference, user, "covid19", 10) == []
        for act in (
            lambda user=user: lots.lot(town.reference, user, number),
            lambda user=user: lots.find(town.reference, user, number, {}, Told("1", "1"), NOW),
            lambda user=user: lots.lot(town.reference, user, number + 1),
        ):
            with pytest.raises(NotFound, match="no lot"):
                act()
    assert lots.lines(town.reference, EVERYTHING, "measles", 10) == []


def test_who_sees_a_part_of_an_area_draws_from_that_part_alone(town: Town) -> None:
    part = someone(("", HAMLETS[0][0]))
    lot = lots.lot(town.reference, part, drawn(town, part))
    assert [hamlet.code for hamlet in lot.houses] == [HAMLETS[0][0]]
    assert {row[0] for row in everything(town)} == {HAMLETS[0][0]}


def test_hamlets_of_unknown_size_are_named_among_the_gaps_of_the_frame(sqlite_town: Town) -> None:
    town = sqlite_town
    with town.reference.database.write() as connection:
        connection.execute(
            tables.hamlets.update().where(tables.hamlets.c.code == HAMLETS[0][1]).values(households=None)
        )
    town.reference.forget()
    visit(town, 2, hamlet=1)
    frame = lot_drawing.frame_of(town.reference, EVERYTHING, QUESTION, COMMUNE)
    assert len(frame.counts.unsized) == 1
    assert len(frame.names[HAMLETS[0][1]]) == 2
    kept = json.loads(lots.lot(town.reference, EVERYTHING, drawn(town)).kept.frame)
    assert kept["unsized"] == list(frame.counts.unsized)
