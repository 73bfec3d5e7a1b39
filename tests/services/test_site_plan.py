"""A plan of sites: everybody due is in exactly one part of it, and no limit is broken."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyproj
import pytest

from mapper.domain.ledger import State
from mapper.domain.made_plan import Unserved
from mapper.domain.plan import Aim, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.errors import InvalidQuestion
from mapper.services import accounts, demand, site_plan, site_problem, sites
from mapper.services.accounts import User
from mapper.services.plan_given import gather
from mapper.services.site_places import PROPOSED
from mapper.services.site_plan import SitePlan
from mapper.services.travel import Straight
from mapper.services.vaccine_need import needs_of
from mapper.solve.siting import Limits
from mapper.solve.watch import Watch
from tests.services.town import COMMUNES, DAY, Town, inside, person

GROWN, OLD, VERY_OLD = date(1980, 1, 1), date(1950, 1, 1), date(1930, 1, 1)
HALF_A_SQUARE_M = Straight(PlanningRules()).square_m * 2**0.5 / 2


def administrator(town: Town) -> User:
    user = accounts.by_id(town.reference, accounts.add_user(town.reference, "plans", "administrator", []).id)
    assert user is not None
    return user


def wish(aim: Aim = Aim.MOST_PEOPLE, sites: int | None = 2, **other: object) -> PlanQuestion:
    last = DAY + timedelta(days=4)
    return PlanQuestion("covid19", DAY, last, aim=aim, sites=sites, gap=0.0, **other)  # type: ignore[arg-type]


def planned(town: Town, user: User, question: PlanQuestion) -> SitePlan:
    given = gather(town.reference, user, question).given()
    with town.reference.database.read() as connection:
        rules = demand.rules_in(given.rules, town.reference.known(connection).campaign(question.campaign_id))
    return site_plan.plan_sites(given, rules, Watch(Limits(question.seconds, question.gap, seed=question.seed)))


def peopled(town: Town, seed: int = 5) -> Town:
    """Forty houses in two communes, of all ages; every tenth without a position."""
    chance = random.Random(seed)
    for number in range(40):
        people = [
            person(chance.choice((GROWN, OLD, VERY_OLD, date(2012, 1, 1)))) for _ in range(chance.randrange(1, 4))
        ]
        commune = number % 2
        place = None if number % 10 == 0 else inside(commune, chance.uniform(0.1, 0.9), chance.uniform(0.1, 0.9))
        town.send(town.write({"household.point": place}, people, commune=commune, hamlet=chance.randrange(2)))
    return town


def held(plan: SitePlan, town: Town) -> None:
    """What every plan keeps to."""
    everybody = Counter(one.id for site in plan.sites for some in site.served for one in some.people)
    everybody.update(one.id for several in plan.unserved.values() for _, people in several for one in people)
    everybody.update(one.id for _, people in plan.homes for one in people)
    due = sum(town.ask(group=group, dose="1").total.states[State.DUE] for group in ("5_11", "12_17", "18_plus"))
    assert set(everybody.values()) == {1}
    assert plan.people == len(everybody) == due
    ground = pyproj.Geod(ellps="WGS84")
    for site in plan.sites:
        for some in site.served:
            needs = [plan.rules.needs(one.precedences) for one in some.people]
            assert some.way_m <= min(one.walk_limit_m for one in needs) and not any(one.at_home for one in needs)
            assert some.house.point is not None
            *_, line = ground.inv(some.house.point.lon, some.house.point.lat, site.site.lon, site.site.lat)
            assert abs(line * plan.rules.detour - some.way_m) <= plan.rules.detour * HALF_A_SQUARE_M + 0.002 * line
        assert site.people == sum(site.doses.values())
        vials = needs_of(site.doses, plan.rules, 1)
        assert sum(one.due for one in vials) + site.doses.get("", 0) == site.people
        assert all(one.vials * one.formulation.doses >= one.given for one in vials) and vials


@pytest.mark.parametrize("aim", list(Aim))
def test_everybody_due_is_in_one_part_of_the_plan_and_no_walk_is_too_long(
    new_town: Callable[[], Town], aim: Aim
) -> None:
    town = peopled(new_town())
    user = administrator(town)
    plan = planned(town, user, wish(aim, 3))
    held(plan, town)
    assert plan.siting.gap < 1e-6 and plan.siting.repeatable
    assert plan.homes and Unserved.NO_POSITION in plan.unserved
    assert all(plan.rules.needs(one.precedences).at_home for _, people in plan.homes for one in people)
    assert len(plan.sites) <= 3 or aim is Aim.FEWEST_SITES
    again = planned(town, user, wish(aim, 3))
    assert again.sites == plan.sites, "asked again, it is the same"


def test_stations_are_kept_and_places_nobody_reaches_are_no_part_of_the_plan(sqlite_town: Town) -> None:
    town = peopled(sqlite_town)
    here, far = inside(0), inside(12)
    user = administrator(town)
    sites.enter(town.reference, user, Site("TYT", "Trạm y tế", SiteKind.FIXED, here.lat, here.lon))
    sites.enter(town.reference, user, Site("XA", "Trạm xa", SiteKind.FIXED, far.lat, far.lon))
    plan = planned(town, user, wish(sites=2))
    held(plan, town)
    assert len(plan.sites) == 2 and "TYT" in {one.site.code for one in plan.sites}
    alone = planned(town, user, wish(sites=2, proposed=False))
    assert [one.site.code for one in alone.sites] == ["TYT"]


def test_what_a_site_can_serve_binds_and_the_plan_says_what_would_free_it(sqlite_town: Town) -> None:
    town = sqlite_town
    for _ in range(12):
        town.send(town.write(people=[person(GROWN), person(GROWN)]))
    here, user = inside(0), administrator(town)
    sites.enter(town.reference, user, Site("TYT", "Trạm y tế", SiteKind.FIXED, here.lat, here.lon, capacity=2))
    plan = planned(town, user, wish(Aim.LEAST_TRAVEL, 1, proposed=False))
    held(plan, town)
    (only,) = plan.sites
    assert (only.people, plan.people) == (10, 24), "2 a day, for five days"
    assert plan.shortage is not None
    assert (plan.shortage.full, plan.shortage.places, plan.shortage.never) == (14, 14, 14)
    assert sum(len(people) for _, people in plan.unserved[Unserved.FULL]) == 14


def test_a_proposed_site_stands_at_the_house_in_the_middle_of_its_hamlet(sqlite_town: Town) -> None:
    town = sqlite_town
    for east in (0.10, 0.20, 0.22, 0.24, 0.90):
        town.send(town.write({"household.point": inside(0, east)}, [person(GROWN)]))
    plan = planned(town, administrator(town), wish(sites=1))
    (only,) = plan.sites
    assert only.site.code.startswith(PROPOSED)
    assert (only.site.lat, only.site.lon) == (inside(0, 0.22).lat, inside(0, 0.22).lon)


def test_nobody_due_and_no_place_are_empty_plans(sqlite_town: Town) -> None:
    user = administrator(sqlite_town)
    empty = planned(sqlite_town, user, wish())
    assert (empty.sites, empty.unserved, empty.people) == ((), {}, 0)
    sqlite_town.send(sqlite_town.write(people=[person(GROWN)]))
    plan = planned(sqlite_town, user, wish(proposed=False))
    assert (plan.sites, set(plan.unserved), plan.people) == ((), {Unserved.UNREACHABLE}, 1)


def test_a_user_plans_for_the_people_of_the_own_area(sqlite_town: Town) -> None:
    town = peopled(sqlite_town)
    number = accounts.add_user(town.reference, "commune", "commune_supervisor", [f"squares:{COMMUNES[0]}"]).id
    user = accounts.by_id(town.reference, number)
    assert user is not None
    plan = planned(town, user, wish())
    communes = {some.house.commune_code for site in plan.sites for some in site.served}
    assert communes == {COMMUNES[0]}
    assert 0 < plan.people < planned(town, administrator(town), wish()).people


@pytest.mark.parametrize(
    "wrong",
    [
        PlanQuestion("covid19", DAY, DAY - timedelta(days=1), sites=2),
        PlanQuestion("covid19", DAY, DAY, sites=0),
        PlanQuestion("covid19", DAY, DAY, sites=2, mobile_days=0),
    ],
    ids=["days turned round", "no site", "no day"],
)
def test_a_wish_that_cannot_be_is_refused(sqlite_town: Town, wrong: PlanQuestion) -> None:
    with pytest.raises(InvalidQuestion):
        planned(sqlite_town, administrator(sqlite_town), wrong)


@pytest.mark.parametrize("largest", [2**62, 10])
def test_rows_are_told_apart_by_columns_as_they_are_whole(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_problem, "_LARGEST", largest)
    chance = np.random.default_rng(3)
    for number in (0, 1, 2, 500):
        rows = chance.integers(-3, 3, (number, 5)).astype(np.float64) / 2
        apart, which = site_problem.rows_apart(rows)
        whole, of_whole = np.unique(rows, axis=0, return_inverse=True)
        assert (apart == whole).all() and (which == of_whole.reshape(-1)).all()
