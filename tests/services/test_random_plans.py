"""Five hundred plans of random places: no limit is broken, nobody is forgotten, nobody is in them twice.

A hundred and fifty unless the whole proof is asked for.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from mapper.domain.campaign import Label
from mapper.domain.made_plan import MadePlan, PlannedPerson, Session, together
from mapper.domain.plan import Aim, DueHouse, FixedSession, PlanGiven, Scenario
from mapper.domain.planning import Formulation
from mapper.domain.sites import Site, SiteKind
from mapper.services import team_plan
from mapper.services.planning import make
from mapper.services.scenarios import conditions
from mapper.services.travel import Straight, lon_lat
from tests.proofs import drawn
from tests.services.plan_cases import AT_HOME, MONDAY, OLD, RULES, at, fixed, given, house, mobile, team

BLOCKS, A_BLOCK = 10, drawn(50, 15)
SIDE_M = 9_000.0
RULE = replace(
    RULES,
    formulations=(
        Formulation("ten", "a", Label("Mười liều"), 10, 6),
        Formulation("kept", "b", Label("Giữ được"), 5, 72),
    ),
    come=Fraction(9, 10),
)
HALF_A_SQUARE_M = 50.0 * 2**0.5 / 2 * RULE.detour
"""Houses of one square may be reckoned from its middle."""


def asked(seed: int) -> PlanGiven:
    """A question with some of all that can be asked."""
    chance = random.Random(seed)
    number = chance.randrange(1, 9)
    last = MONDAY + timedelta(days=number - 1)
    houses = [_house(chance, place, number) for place in range(chance.randrange(0, 45))]
    sites = [_site(chance, place) for place in range(chance.randrange(0, 6))]
    teams = tuple(
        team(
            f"Đội {place}",
            at(chance.uniform(0, SIDE_M), chance.uniform(0, SIDE_M)),
            begin=chance.choice((420.0, 480.0)),
            end=chance.choice((400.0, 660.0, 1020.0, 1020.0)),
            doses=chance.choice((None, 5, 12, 40)),
            cold_minutes=chance.choice((None, 180.0, 300.0)),
            days=tuple(sorted(chance.sample([MONDAY + timedelta(days=n) for n in range(number + 2)], 2)))
            if chance.random() < 0.3
            else (),
        )
        for place in range(chance.choice((0, 1, 1, 2, 3)))
    )
    keeps = tuple(
        FixedSession(
            chance.choice(sites).code,
            MONDAY + timedelta(days=chance.randrange(number + 1)),
            chance.choice(["", *(one.name for one in teams)]),
            chance.choice((None, 3, 10)),
            tuple(f"h{chance.randrange(45):02}.0" for _ in range(chance.choice((0, 8)))),
        )
        for _ in range(chance.choice((0, 0, 1, 2)))
        if sites
    )
    stations = sum(one.kind is SiteKind.FIXED for one in sites)
    wish = given(
        houses,
        sites,
        number,
        sites=stations + chance.randrange(1, 4) + len({one.site for one in keeps}),
        aim=chance.choice(list(Aim)),
        proposed=chance.random() < 0.6,
        mobile_days=chance.choice((1, 1, 1, 2, 3)),
        teams=teams,
        keeps=tuple({(one.site, one.day, one.team): one for one in keeps}.values()),
        rolling=chance.random() < 0.4,
        scenario=_scenario(chance) if chance.random() < 0.5 else Scenario(),
        doses=chance.choice((None, None, None, 30)),
        off=(MONDAY + timedelta(days=1),) if chance.random() < 0.2 else (),
    )
    assert wish.question.last == last
    return replace(wish, units={one.code: chance.choice("xyz") for one in sites})


def _house(chance: random.Random, number: int, days: int) -> DueHouse:
    place = None if chance.random() < 0.05 else at(chance.uniform(0, SIDE_M), chance.uniform(0, SIDE_M))
    made = house(
        f"h{number:02}",
        place,
        chance.randrange(1, 5),
        on=[MONDAY + timedelta(days=chance.choice((0, 0, 0, chance.randrange(days)))) for _ in range(4)],
        doses=chance.choice((("1",), ("1",), ("1", "2"))),
        vial=chance.choice(("ten", "ten", "kept", "")),
        hamlet=chance.choice("abcd"),
        commune=chance.choice("xyz"),
    )
    people = (replace(one, precedences=chance.choice(((), (), (OLD,), (AT_HOME,)))) for one in made.people)
    return replace(made, people=tuple(people))


def _site(chance: random.Random, number: int) -> Site:
    place = at(chance.uniform(0, SIDE_M), chance.uniform(0, SIDE_M))
    kind = fixed if chance.random() < 0.35 else mobile
    return kind(f"s{number}", place, chance.choice((None, None, 2, 8, 30)))


def _scenario(chance: random.Random) -> Scenario:
    return Scenario(
        levels=tuple((unit, MONDAY + timedelta(days=chance.randrange(3)), chance.randrange(1, 5)) for unit in "xy"),
        closed=chance.choice(((), ("z",))),
        crowd={4: 4, 3: 9},
        weigh={4: 3.0},
        teams=chance.choice((None, 1)),
        doses_a_day=chance.choice((None, 20)),
    )


def held(wish: PlanGiven, made: MadePlan) -> None:
    """What every plan keeps to."""
    due = {one.id: (one, home) for home in wish.houses for one in home.people}
    planned = [(one, home, site) for home, site in made.houses() for one in home.people]
    unserved = [one for several in made.unserved.values() for home in several for one in home.people]
    assert Counter([one.id for one, _, _ in planned] + [one.id for one in unserved]) == Counter(due.keys())
    assert made.people == len(due) and made.served == len(planned)
    under = conditions(wish, RULE)
    for one, home, site in planned:
        assert one.day is not None and one.day >= one.on == due[one.id][0].on
        needs = RULE.needs(due[one.id][0].precedences)
        assert needs.at_home is (site is None)
        if site is not None:
            assert home.way_m is not None and home.way_m <= needs.walk_limit_m
            straight = Straight(RULE).drives(lon_lat([home.point, site.site])).metres[0, 1]  # type: ignore[list-item]
            assert straight <= needs.walk_limit_m + HALF_A_SQUARE_M
            assert not under.crosses(due[one.id][1].unit, site.unit)
    assert all(one.day is None for one in unserved)
    assert wish.question.doses is None or sum(len(one.due) for one, _, _ in planned) <= wish.question.doses
    _sessions_held(wish, made)
    _standing_held(wish, made)
    days_held(wish, made)
    needs = together(need for site in made.sites for need in site.needs)
    needs = together([*needs, *(need for day in made.days for need in day.needs)])
    assert {one.formulation: one for one in made.needs} == {
        one.formulation: replace(one, wasted=pytest.approx(one.wasted), given=pytest.approx(one.given)) for one in needs
    }
    given_to = Counter(one.vials.get(dose, "") for one, _, _ in planned for dose in one.due)
    del given_to[""]
    assert {one.formulation: one.due for one in made.needs} == dict(given_to)


def _sessions_held(wish: PlanGiven, made: MadePlan) -> None:
    under = conditions(wish, RULE)
    for site in made.sites:
        assert sum(one.people for one in site.sessions) == site.people
        of_day = Counter(one.day for home in site.houses for one in home.people)
        for day in {one.day for one in site.sessions}:
            own = [one for one in site.sessions if one.day == day]
            people = [one for home in site.houses for one in home.people if one.day == day]
            assert sum(one.people for one in own) == of_day[day]
            assert sum(sum(one.doses.values()) for one in own) == sum(len(one.due) for one in people)
            room = under.room(site.site, site.unit, day)
            assert room is None or of_day[day] <= room
        for one in site.sessions:
            assert one.people or one.kept
            assert wish.question.first <= one.day <= wish.question.last
            assert one.begin < one.end or not one.people
            vials = {need.formulation: need for need in one.needs}
            assert all(need.ready >= need.vials >= 0 for need in one.needs)
            assert {code: need.due for code, need in vials.items()} == {
                code: doses for code, doses in one.doses.items() if code
            }


def _standing_held(wish: PlanGiven, made: MadePlan) -> None:
    """A session that stands is held by its team at its site on its day, or the plan says why it cannot be."""
    names = {one.code: one.name for one in wish.sites}
    for kept in wish.question.keeps:
        held_there = [
            one
            for site in made.sites
            if site.site.code == kept.site
            for one in site.sessions
            if one.kept and one.day == kept.day and kept.team in ("", one.team)
        ]
        assert kept.people is None or all(one.people <= kept.people for one in held_there)
        facts = {"day": kept.day.isoformat(), "site": names[kept.site], "team": kept.team}
        assert held_there or facts in [dict(one.facts) for one in made.binds]


def days_held(wish: PlanGiven, made: MadePlan) -> None:
    """What the days of teams keep to, with their sessions and visits."""
    under = conditions(wish, RULE)
    teams = {one.name: one for one in under.teams}
    sessions: dict[tuple[object, ...], list[Session]] = {}
    for site in made.sites:
        for one in site.sessions:
            sessions.setdefault((site.site.code, one.team, one.day, one.begin), []).append(one)
    homes: dict[tuple[object, ...], list[PlannedPerson]] = {}
    for home in made.homes:
        for person in home.people:
            homes.setdefault((home.id, person.day), []).append(person)
    kept_days = {(one.team, one.day) for one in wish.question.keeps}
    kept_days |= {(one.team, one.day) for site in made.sites for one in site.sessions if one.kept}
    assert len({(one.team, one.day) for one in made.days}) == len(made.days)
    for day in made.days:
        crew = teams[day.team]
        allowed = day.day in crew.days if crew.days else day.day in under.days
        assert allowed or (day.team, day.day) in kept_days
        assert crew.begin <= day.begin <= day.end <= crew.end
        assert crew.cold_minutes is None or day.end - day.begin <= crew.cold_minutes + 1 / 60
        assert crew.doses is None or day.doses <= crew.doses
        assert day.doses == sum(one.doses for one in day.stops) and day.stops
        end = day.begin
        for stop in day.stops:
            assert end <= stop.begin + 1e-9 and stop.begin <= stop.end <= day.end + 1e-9
            end = stop.end
            if stop.site:
                own = sessions[stop.site, day.team, day.day, stop.begin].pop(0)
                assert (own.people, sum(own.doses.values()), own.end) == (stop.people, stop.doses, stop.end)
                assert stop.end - stop.begin >= stop.doses * RULE.minutes_a_dose - 1 / 60
            else:
                people = homes.pop((stop.house, day.day))
                assert (len(people), sum(len(one.due) for one in people)) == (stop.people, stop.doses)
                assert stop.end - stop.begin >= RULE.minutes_a_home - 1 / 60
        way = day.way_m / 1_000 / RULE.driving_kmh * 60
        work = sum(one.end - one.begin for one in day.stops)
        assert day.end - day.begin >= way + work - 1 - len(day.stops)
    assert not homes
    left = {key for key, several in sessions.items() if several and key[1] and wish.question.teams}
    assert not left, "a team's session is a stop of its day"
    if wish.question.rolling:
        _rolled(wish, made, kept_days)


def _rolled(wish: PlanGiven, made: MadePlan, kept_days: set[tuple[str, date]]) -> None:
    units = {site.site.code: site.unit for site in made.sites} | {one.id: one.unit for one in wish.houses}
    for name in {one.team for one in made.days}:
        communes = [
            units[stop.site or stop.house]
            for day in made.days
            if day.team == name and (name, day.day) not in kept_days
            for stop in day.stops
        ]
        turns = [code for place, code in enumerate(communes) if not place or communes[place - 1] != code]
        assert len(turns) == len(set(turns)), f"{name} comes back to a commune: {turns}"


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_limit_is_broken_and_everybody_is_in_one_part_of_the_plan(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team_plan, "ROUNDS", 0)
    monkeypatch.setattr(team_plan, "FEWEST_ROUNDS", 15)
    for seed in range(block * A_BLOCK, (block + 1) * A_BLOCK):
        wish = asked(seed)
        try:
            made = make(wish, RULE)
            held(wish, made)
            if seed % 5 == 0:
                again = make(wish, RULE)
                assert (again.sites, again.homes, again.days, again.unserved) == (
                    made.sites,
                    made.homes,
                    made.days,
                    made.unserved,
                )
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
