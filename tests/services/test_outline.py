"""A first plan by numbers: sites, seats and routes of the plan by name, within every limit, everybody counted once."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from mapper.domain.made_plan import MadePlan, Unserved, together
from mapper.domain.people import Point
from mapper.domain.plan import Aim, FixedSession, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.errors import InvalidQuestion
from mapper.formats.plan_file import read_made, read_sessions, write_made
from mapper.services import plan_work, plans
from mapper.services.demand import Crowd
from mapper.services.outline import Seated, outline
from mapper.services.outline_people import People
from mapper.services.plan_figures import middle_of
from mapper.services.planning import Watched, make
from mapper.services.plans import PlanState
from mapper.services.scenarios import conditions
from mapper.services.site_plan import SitePlan, plan_sites
from mapper.services.team_plan import able_teams
from mapper.services.team_stops import SessionStop, stops_of
from mapper.services.travel import Straight
from mapper.services.turns import Weights, comers_of
from mapper.solve.siting import Limits
from mapper.solve.watch import Watch
from tests.services.kept_plans import QUESTION, houses, wait_for
from tests.services.plan_cases import AT_HOME, OLD, at, days, fixed, given, house, mobile, team
from tests.services.test_random_plans import RULE, asked, days_held
from tests.services.town import EVERYTHING, Town

SEEDS = range(60)
SEATING = frozenset(
    (Unserved.NO_POSITION, Unserved.UNREACHABLE, Unserved.CLOSED, Unserved.NOT_CHOSEN, Unserved.NO_DOSES)
)


def outlined(wish: PlanGiven) -> MadePlan | None:
    """Its first plan by numbers."""
    crowd = Crowd.of(sorted(wish.houses, key=lambda one: one.id))
    return outline(replace(wish, houses=()), crowd, RULE, Straight(RULE), lambda: False)


def first_by_name(wish: PlanGiven) -> MadePlan:
    """Its first plan house by house."""
    found: list[MadePlan] = []
    make(wish, RULE, Watched(first=found.append, unwanted=lambda: bool(found)))
    return found[0]


def test_numbers_keep_to_every_limit_and_to_the_sites_of_the_plan_by_name() -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        wish = asked(seed)
        try:
            made = outlined(wish)
        except InvalidQuestion:
            continue
        if made is None:
            assert not wish.houses
            continue
        due = [one for home in wish.houses for one in home.people]
        assert made.outline and not made.complete and made.people == len(due)
        assert made.served == sum(made.by_why().values()) * -1 + len(due)
        _sessions(wish, made)
        days_held(wish, made)
        named = first_by_name(wish)
        assert (made.quality.objective, made.quality.gap) == (named.quality.objective, named.quality.gap)
        assert {why: each for why, each in made.by_why().items() if why in SEATING} == {
            why: each for why, each in named.by_why().items() if why in SEATING
        }
        assert sum(len(one.people) for one in made.homes) == sum(len(one.people) for one in named.homes)
        assert len(made.homes) == len(named.homes)
        # By name houses come together, and who finds no room at their own site is led to another one.
        seen["served"], seen["by name"] = seen["served"] + made.served, seen["by name"] + named.served
        seen["as many"] += made.served == named.served
        seen["by hamlet"] += _by_hamlet(made) == _by_hamlet(named)
        seen["with teams"] += bool(made.days)
        seen["rolling"] += wish.question.rolling
        seen["few doses"] += Unserved.NO_DOSES in made.by_why()
        stand = [one for site in made.sites for one in site.sessions if one.kept]
        seen["stands"] += bool(stand)
        assert len(stand) == sum(one.kept for site in named.sites for one in site.sessions)
    assert 0.9 < seen["served"] / seen["by name"] < 1.05 and seen["as many"] > 35, seen
    assert seen["with teams"] > 15 and seen["rolling"] > 12 and seen["by hamlet"] > 30, seen
    assert seen["few doses"] > 5 and seen["stands"] > 10, seen


def _by_hamlet(made: MadePlan) -> Counter[tuple[str, str | None]]:
    """People of each site by hamlet, and of those without a place by why."""
    found: Counter[tuple[str, str | None]] = Counter()
    for site in made.sites:
        for one in site.parts if made.outline else ():
            found[site.site.code, one.hamlet_code] += one.people
        for home in site.houses:
            found[site.site.code, home.hamlet_code] += len(home.people)
    for why, parts in made.unserved_parts.items():
        for one in parts:
            found[why, one.hamlet_code] += one.people
    for why, homes in made.unserved.items():
        for home in homes:
            found[why, home.hamlet_code] += len(home.people)
    return found


def _sessions(wish: PlanGiven, made: MadePlan) -> None:
    under = conditions(wish, RULE)
    for site in made.sites:
        assert not site.houses and site.people == sum(one.people for one in site.sessions)
        for day in {one.day for one in site.sessions}:
            room = under.room(site.site, site.unit, day)
            assert room is None or sum(one.people for one in site.sessions if one.day == day) <= room
        for one in site.sessions:
            assert (one.people or one.kept) and wish.question.first <= one.day <= wish.question.last
            assert {need.formulation: need.due for need in one.needs} == {
                code: doses for code, doses in one.doses.items() if code
            }
    needs = together(need for site in made.sites for need in site.needs)
    needs = together([*needs, *(need for day in made.days for need in day.needs)])
    assert {one.formulation: one.ready for one in made.needs} == {one.formulation: one.ready for one in needs}


def test_stops_of_teams_are_those_that_are_reckoned_person_by_person() -> None:
    stops = 0
    for seed in SEEDS:
        wish = asked(seed)
        told: list[SitePlan] = []
        try:
            plan_sites(wish, RULE, Watch(Limits(5.0), cancelled=lambda told=told: bool(told)), told.append)  # type: ignore[misc]
        except InvalidQuestion:
            continue
        crowd = Crowd.of(sorted(wish.houses, key=lambda one: one.id))
        if not told or not len(crowd):
            continue
        people = People.of(replace(wish, houses=()), crowd, RULE)
        seated = Seated.of(people, Straight(RULE), lambda: False)
        assert seated is not None
        under = conditions(wish, RULE)
        comers = [comers_of(one, Weights(under), under.days[-1]) for one in told[0].sites]
        one_by_one = [
            one for one in stops_of(wish, told[0], comers, under, able_teams(under)) if isinstance(one, SessionStop)
        ]
        facts = [
            [
                (one.site.site.code, one.people, one.doses, one.ready, pytest.approx(one.weight), one.part)
                for one in several
            ]
            for several in (one_by_one, seated.stops())
        ]
        assert facts[0] == facts[1], seed
        stops += len(one_by_one)
    assert stops > 60


def test_a_crowd_is_the_people_it_was_made_of() -> None:
    for seed in range(20):
        wish = asked(seed)
        assert Crowd.of(wish.houses).houses() == list(wish.houses)


def test_the_same_question_has_the_same_outline_and_is_read_as_it_was_written() -> None:
    wish = asked(3)
    first, again = outlined(wish), outlined(wish)
    assert first is not None and again is not None
    still = replace(first.quality, seconds=0.0, routes_seconds=0.0)
    assert replace(first, quality=still) == replace(
        again, quality=replace(again.quality, seconds=0.0, routes_seconds=0.0)
    )
    assert read_made(write_made(first)) == first
    kept = read_sessions(write_made(first))
    assert [one.site for one in kept] == [one.site for one in first.sites]


def test_hamlets_are_counted_with_their_houses_middles_and_farthest_walks() -> None:
    # Two hamlets beside a station that has six people a day, on one day: b has two houses, of which one lies 800 m off.
    homes = [
        house("h1", at(0, 100), 2, hamlet="a"),
        house("h2", at(0, 400), 2, hamlet="b"),
        house("h3", at(0, 800), 1, hamlet="b"),
        house("h4", None, 3, hamlet="b"),
        house("h5", at(100, 0), 2, hamlet="a", precedences=(AT_HOME,)),
        house("h6", at(0, 60_000), 2, hamlet="c"),
    ]
    wish = given(homes, [fixed("s", at(0, 0), 6)], 1, aim=Aim.LEAST_TRAVEL, teams=(team(),))
    made = outlined(wish)
    assert made is not None
    (site,) = made.sites
    parts = {one.hamlet_code: one for one in site.parts}
    assert {code: (one.people, one.houses) for code, one in parts.items()} == {"a": (2, 1), "b": (3, 2)}
    named = first_by_name(wish)
    of_b = [one for one in named.sites[0].houses if one.hamlet_code == "b"]
    assert parts["b"].middle == middle_of(of_b) == Point(22.004, 105.0)
    assert parts["b"].farthest_m == pytest.approx(max(one.way_m or 0 for one in of_b))
    assert made.by_why() == named.by_why() == {Unserved.NO_POSITION: 3, Unserved.UNREACHABLE: 2}
    assert [one.id for one in made.homes] == ["h5"] and made.served == 7
    (without,) = made.unserved_parts[Unserved.NO_POSITION]
    assert (without.people, without.houses, without.middle, without.farthest_m) == (3, 1, None, None)


def test_people_of_a_site_fill_its_days_the_weightier_first() -> None:
    homes = [house(f"h{number}", at(0, 10.0 * number), 4, on=days(2)[:1]) for number in range(5)]
    wish = given(homes, [fixed("s", at(0, 0), 6)], 2)
    made = outlined(wish)
    assert made is not None and made.sites[0].site.kind is SiteKind.FIXED
    assert [(one.day, one.people) for one in made.sites[0].sessions] == [(day, 6) for day in days(2)]
    assert made.by_why() == {Unserved.FULL: 8}


def test_doses_that_do_not_suffice_go_to_the_same_people_as_by_name() -> None:
    # Six doses: three old people first, the one at home among them; then those with short ways, of h2 one person.
    homes = [
        house("h1", at(0, 100), 2),
        house("h2", at(0, 200), 3, hamlet="b"),
        house("h3", at(0, 900), 2, hamlet="b", precedences=(OLD,)),
        house("h4", at(0, 50), 1, precedences=(OLD, AT_HOME)),
        house("h5", at(0, 60_000), 1, hamlet="c"),
    ]
    wish = given(homes, [fixed("s", at(0, 0), 40)], 1, aim=Aim.LEAST_TRAVEL, teams=(team(),), doses=6)
    made = outlined(wish)
    assert made is not None
    assert {one.hamlet_code: one.people for one in made.sites[0].parts} == {"a": 2, "b": 3}
    assert [one.id for one in made.homes] == ["h4"]
    assert made.by_why() == {Unserved.UNREACHABLE: 1, Unserved.NO_DOSES: 2}
    assert _by_hamlet(made) == _by_hamlet(first_by_name(wish))
    assert outlined(replace(wish, question=replace(wish.question, doses=0))).served == 0  # type: ignore[union-attr]


def test_a_house_beyond_its_walk_has_a_reason_where_the_middle_of_its_square_is_within() -> None:
    # The station is too small for all, so that people are seated once more, each house from where it stands.
    end_m = RULE.needs(()).walk_limit_m / RULE.detour
    homes = [house(f"h{number}", at(0, 20.0 + number), 2) for number in range(5)]
    homes += [house("i", at(0, end_m - 1), 1), house("j", at(0, end_m + 20), 4)]
    wish = given(homes, [fixed("s", at(0, 0), 3)], 1)
    made = outlined(wish)
    assert made is not None and made.by_why() == {Unserved.UNREACHABLE: 4, Unserved.FULL: 8}
    assert first_by_name(wish).by_why() == made.by_why()


def test_sessions_that_stand_are_held_and_ask_those_again_who_were_asked() -> None:
    # Two of the six who come were asked to the second day by the plan before, in which three have room.
    homes = [house(f"h{number}", at(0, 10.0 * number), 1) for number in range(6)]
    stands = FixedSession("m", days(2)[1], "Đội 1", 3, ("h4.0", "h5.0", "gone"))
    empty = FixedSession("e", days(2)[0], "Đội 1", 3)
    sites = [mobile("m", at(0, 0)), mobile("e", at(0, 50_000))]
    wish = given(homes, sites, 2, sites=2, teams=(team("Đội 1", at(0, 0)),), keeps=(stands, empty))
    made, named = outlined(wish), first_by_name(wish)
    assert made is not None
    held = {site.site.code: [(one.day, one.people, one.kept) for one in site.sessions] for site in made.sites}
    assert held == {site.site.code: [(one.day, one.people, one.kept) for one in site.sessions] for site in named.sites}
    assert held["e"] == [(days(2)[0], 0, True)] and (days(2)[1], 3, True) in held["m"]


def test_an_outline_is_kept_first_and_names_nobody(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    houses(town)
    begun, let_go, making = threading.Event(), threading.Event(), plan_work.make

    def waiting(*told: object) -> MadePlan:
        begun.set()
        assert let_go.wait(60)
        return making(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(plan_work, "make", waiting)
    number = plans.ask(town.reference, EVERYTHING, QUESTION)
    thread = threading.Thread(target=plan_work.work_out, args=(town.reference, number))
    thread.start()
    try:
        wait_for(begun.is_set)
        seen = plans.plan(town.reference, EVERYTHING, number, outlined=True)
        assert seen.made is not None and seen.made.outline and seen.line.seen == "outline"
        assert seen.line.summary["people"] == 12 and not seen.line.summary["complete"]
        assert not any(one.houses for one in seen.made.sites) and not seen.made.unserved
        # Papers, lists and whoever sees a part alone wait until it is written who is asked.
        assert plans.plan(town.reference, EVERYTHING, number).made is None
        assert replace(seen.line, whole=False).seen == "" == replace(seen.line, state=PlanState.FAILED).seen
    finally:
        let_go.set()
        thread.join(60)
    done = plans.plan(town.reference, EVERYTHING, number)
    assert done.made is not None and done.made.complete and not done.made.outline
    assert done.line.seen == "plan" and done.line.summary["people"] == 12
