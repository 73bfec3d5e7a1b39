"""A plan as it is made: heard from while it is, vials by session, and what binds."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from mapper.domain.campaign import Label
from mapper.domain.made_plan import MadePlan, Session, Unserved, together
from mapper.domain.plan import FixedSession, PlanGiven
from mapper.domain.planning import Formulation
from mapper.services import team_plan
from mapper.services.planning import Watched, make
from mapper.services.travel import LonLat, Straight
from mapper.solve.team_days import Roads
from tests.services.plan_cases import AT_HOME, MONDAY, OLD, RULES, at, days, fixed, given, house, mobile, team

TEN = Formulation("ten", "a", Label("Mười liều"), 10, 6)
FIVE = Formulation("five", "b", Label("Năm liều"), 5, 6)
KEPT = Formulation("kept", "c", Label("Giữ được"), 10, 28 * 24)
VIALS = replace(RULES, formulations=(TEN, FIVE, KEPT), come=Fraction(8, 10))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes are good enough after few rounds."""
    monkeypatch.setattr(team_plan, "ROUNDS", 0)
    monkeypatch.setattr(team_plan, "FEWEST_ROUNDS", 60)


def district(seed: int = 3, **question: object) -> PlanGiven:
    """Four communes of some hundred people each, with a station in every one and teams."""
    chance = random.Random(seed)
    houses, places = [], []
    for commune in range(4):
        east, north = 6_000.0 * (commune % 2), 6_000.0 * (commune // 2)
        places.append(fixed(f"T{commune}", at(east, north), 40))
        for hamlet in range(3):
            middle = east + chance.uniform(-2_500, 2_500), north + chance.uniform(-2_500, 2_500)
            places.append(mobile(f"m{commune}{hamlet}", at(*middle)))
            houses += [
                house(
                    f"h{commune}{hamlet}{number:02}",
                    at(middle[0] + chance.gauss(0, 400), middle[1] + chance.gauss(0, 400)),
                    chance.randrange(1, 5),
                    on=[MONDAY + timedelta(days=chance.choice((0,) * 19 + (2,)))],
                    precedences=chance.choice(((), (), (), (), (OLD,), (AT_HOME,))),
                    vial=chance.choice(("ten", "ten", "five", "kept")),
                    hamlet=f"{commune}{hamlet}",
                    commune=str(commune),
                )
                for number in range(14)
            ]
    teams = team("Đội 1", at(0, 0), doses=120), team("Đội 2", at(6_000, 6_000))
    asked = given(houses, places, 6, **{"sites": 10, "teams": teams} | question)
    return replace(asked, units={one.code: one.code[1] for one in places})


def test_with_the_vials_of_each_session_19_of_20_people_who_come_are_served() -> None:
    made = make(district(), VIALS)
    chance = random.Random(11)
    size = {one.code: one.doses for one in VIALS.formulations}
    came = served = enough = sessions = 0
    for _ in range(200):
        for site in made.sites:
            for one in site.sessions:
                for need in one.needs:
                    if need.formulation == "kept":
                        continue
                    people = sum(chance.random() < float(VIALS.come) for _ in range(need.due))
                    doses = need.vials * size[need.formulation]
                    came += people
                    served += min(people, doses)
                    enough += people <= doses
                    sessions += 1
    assert sessions > 1_000 and served >= 0.95 * came
    assert enough >= 0.95 * sessions


def test_vials_that_may_be_kept_serve_a_station_over_all_its_days() -> None:
    houses = [house(f"h{n:02}", at(0, 0), vial="kept", on=[MONDAY + timedelta(days=n % 4)]) for n in range(32)]
    keeps = tuple(FixedSession("TYT", day) for day in days(4))
    everyone = replace(VIALS, come=Fraction(1), buffer=Fraction(0))
    made = make(given(houses, [fixed("TYT", at(0, 0), 8)], 4, sites=1, keeps=keeps), everyone)
    (site,) = made.sites
    assert [one.people for one in site.sessions] == [8, 8, 8, 8]
    # 32 people need 4 vials of 10: the first lasts for 8 and 2 of the next day, and so on; 8 doses are left.
    assert [[need.vials for need in one.needs] for one in site.sessions] == [[1], [1], [1], [1]]
    assert sum(need.wasted for need in made.needs) == 8
    thrown = make(given(houses, [replace(fixed("TYT", at(0, 0), 8), cold_chain=False)], 4, sites=1), everyone)
    assert sum(need.wasted for need in thrown.needs) == 8


def test_of_small_sessions_half_an_opened_vial_is_wasted_and_of_larger_ones_a_fifth() -> None:
    # FIELD: sessions of 5 waste .5035 and of 20 .1815 of 10-dose vials; here each of many is invited, few come.
    rules = replace(VIALS, come=Fraction(5, 1_000))
    for people, expected in ((1_000, 0.5035), (4_000, 0.1815)):
        houses = [house(f"h{n:04}", at(0, 0), 10) for n in range(people // 10)]
        made = make(given(houses, [fixed("TYT", at(0, 0), people)], 1, sites=1), rules)
        (need,) = made.needs
        assert need.wasted / (need.given + need.wasted) == pytest.approx(expected, abs=0.002)


def test_the_buffer_is_one_for_all_sessions_of_a_team_or_station() -> None:
    houses = [house(f"h{n:02}", at(0, 0)) for n in range(50)]
    everyone = replace(VIALS, come=Fraction(1))
    made = make(given(houses, [fixed("TYT", at(0, 0), 10)], 5, sites=1), everyone)
    assert [[(need.vials, need.ready) for need in one.needs] for one in made.sites[0].sessions] == [
        [(1, 2)],
        [(1, 1)],
        [(1, 1)],
        [(1, 1)],
        [(1, 1)],
    ]
    assert [(one.vials, one.ready) for one in made.needs] == [(5, 6)]


def test_needs_of_a_plan_are_those_of_its_sessions_and_visits_and_unknown_doses_are_apart() -> None:
    asked = district()
    homes = [house("x", at(100, 0), 2, vial=""), house("y", at(200, 0), 1, vial="", precedences=(AT_HOME,))]
    made = make(replace(asked, houses=(*asked.houses, *homes)), VIALS)
    parts = [need for site in made.sites for one in site.sessions for need in one.needs]
    parts += [need for day in made.days for need in day.needs]
    assert {one.formulation: (one.vials, one.ready, one.due) for one in together(parts)} == {
        one.formulation: (one.vials, one.ready, one.due) for one in made.needs
    }
    assert sum(_doses(one).get("", 0) for site in made.sites for one in site.sessions) == 2
    assert [one.facts for one in made.binds if "no vaccine known" in one.words] == [{"doses": 3}]


def _doses(one: Session) -> dict[str, int]:
    return dict(one.doses)


def test_a_first_plan_can_be_used_and_the_share_done_only_grows() -> None:
    shares: list[float] = []
    first: list[MadePlan] = []
    asked = district()
    made = make(asked, VIALS, Watched(shares.append, first.append))
    assert len(first) == 1 and not first[0].complete and made.complete
    assert first[0].people == made.people and first[0].served > 0
    assert all(one.day is not None for home, _ in first[0].houses() for one in home.people)
    assert first[0].days and first[0].needs
    assert shares == sorted(shares) and shares[-1] == 1.0 and 0.5 in shares


def test_a_plan_that_is_not_wanted_any_more_is_the_best_so_far() -> None:
    made = make(district(), VIALS, Watched(unwanted=lambda: True))
    assert made.quality.routes_stopped == "cancelled" and not made.quality.repeatable
    assert made.people == sum(len(one.people) for one in district().houses)


def test_communes_are_finished_one_after_another_the_highest_level_first() -> None:
    levels = (("3", MONDAY, 4), ("0", MONDAY, 2))
    asked = replace(district(teams=(team(doses=60),), rolling=True), levels=levels)
    made = make(asked, VIALS)
    unit = {one.site.code: one.unit for one in made.sites} | {one.id: one.unit for one in asked.houses}
    stops = [unit[stop.site or stop.house] for day in made.days for stop in day.stops]
    turns = [one for place, one in enumerate(stops) if not place or stops[place - 1] != one]
    assert len(turns) == len(set(turns)) > 1
    assert turns[:2] == ["3", "0"]
    assert max(day.doses for day in made.days) <= 60


def test_many_teams_share_the_communes() -> None:
    made = make(district(rolling=True), VIALS)
    assert {one.team for one in made.days} == {"Đội 1", "Đội 2"}


def test_teams_that_do_not_suffice_are_told_with_the_team_days_that_are_lacking() -> None:
    made = make(district(teams=(team(doses=15),)), VIALS)
    people = sum(len(home.people) for home in made.unserved[Unserved.NO_TEAM])
    (told,) = [one for one in made.binds if "{more} team days" in one.words]
    assert "doses that they may" in told.words
    assert told.facts["people"] == people and told.facts["days"] == 6
    assert told.facts["more"] == pytest.approx(people / 15, abs=1)


def test_a_session_that_stands_and_cannot_be_held_is_told_with_why() -> None:
    houses = [house(f"{site}{n}", at(0, 30_000 * (site == "n"))) for site in "mn" for n in range(4)]
    places = [mobile("m", at(0, 0)), mobile("n", at(0, 30_000))]
    keeps = FixedSession("m", MONDAY, "Đội"), FixedSession("n", MONDAY, "Đội"), FixedSession("m", MONDAY, "Khác")
    asked = given(houses, places, 1, sites=2, teams=(team(end=10 * 60 + 25),), keeps=keeps[:2])
    made = make(asked, RULES)
    (told,) = [one for one in made.binds if "beside the others that stand" in one.words]
    assert told.facts["day"] == "2022-08-15"
    # What that day has left is used for others.
    assert made.served == 6 and made.by_why() == {Unserved.NO_TEAM: 2}
    other = make(replace(asked, question=replace(asked.question, keeps=keeps[2:])), RULES)
    assert any("does not go out" in one.words for one in other.binds)
    outside = FixedSession("m", MONDAY + timedelta(days=9), "Đội")
    late = make(replace(asked, question=replace(asked.question, keeps=(outside,))), RULES)
    assert any("outside the days" in one.words for one in late.binds)


class Strait(Straight):
    """Straight lines, with water north of 10 km that nobody drives over."""

    def drives(self, places: LonLat) -> Roads:
        roads = super().drives(places)
        over = places[:, 1] > at(0, 10_000).lat
        cut = over[:, None] != over[None, :]
        return Roads(np.where(cut, np.inf, roads.metres), np.where(cut, np.inf, roads.minutes))


def test_an_island_without_a_way_is_told_and_has_sessions_once_a_team_sets_out_there() -> None:
    houses = [house(f"{site}{n}", at(0, 20_000 * (site == "n"))) for site in "mn" for n in range(4)]
    places = [mobile("m", at(0, 0)), mobile("n", at(0, 20_000))]
    asked = given(houses, places, 2, sites=2, teams=(team("Đội 1"),))
    made = make(asked, RULES, ways=Strait(RULES))
    assert [site.site.code for site in made.sites] == ["m"] and made.by_why() == {Unserved.NO_TEAM: 4}
    (told,) = [one for one in made.binds if "island" in one.words]
    assert told.facts["people"] == 4
    crews = (*asked.question.teams, team("Đội 2", at(0, 20_000)))
    reached = make(replace(asked, question=replace(asked.question, teams=crews)), RULES, ways=Strait(RULES))
    assert reached.served == 8 and {one.team for one in reached.days} == {"Đội 1", "Đội 2"}


def test_a_team_without_a_day_or_without_hours_is_told() -> None:
    crews = team("Đội 1", days=(MONDAY + timedelta(days=30),)), team("Đội 2", begin=600, end=500)
    made = make(given([house("a", at(0, 0))], [mobile("m", at(0, 0))], 2, sites=1, teams=crews), RULES)
    assert made.by_why() == {Unserved.NO_TEAM: 1}
    assert [one.facts.get("team") for one in made.binds[:2]] == ["Đội 2", "Đội 1"]
