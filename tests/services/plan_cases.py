"""Questions for plans, without a register: houses and sites by metres east and north of one point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from mapper.domain.campaign import Label
from mapper.domain.people import Point
from mapper.domain.plan import Aim, DueHouse, DuePerson, FieldTeam, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules, Precedence
from mapper.domain.sites import Site, SiteKind
from mapper.services.site_plan import SitePlan, plan_sites
from mapper.solve.siting import Limits
from mapper.solve.watch import Watch

LAT, LON = 22.0, 105.0
MONDAY = date(2022, 8, 15)
OLD, AT_HOME = 0, 1
"""Positions of the precedences below."""
RULES = PlanningRules(
    precedences=(
        Precedence(Label("Già"), weight=3.0, walk_limit_m=3_000.0),
        Precedence(Label("Tại nhà"), weight=3.0, at_home=True),
    ),
)


def days(number: int, first: date = MONDAY) -> list[date]:
    """So many days, one after another."""
    return [first + timedelta(days=n) for n in range(number)]


def at(east_m: float, north_m: float) -> Point:
    """A place on WGS 84."""
    degree = 111_195.0
    return Point(LAT + north_m / degree, LON + east_m / degree / math.cos(math.radians(LAT)))


def house(
    name: str,
    place: Point | None,
    people: int = 1,
    *,
    on: Sequence[date] = (),
    precedences: tuple[int, ...] = (),
    doses: tuple[str, ...] = ("1",),
    vial: str = "ten",
    hamlet: str = "a",
    commune: str = "x",
) -> DueHouse:
    """A house of so many people. on: when each of them falls due, the first day where nothing is told."""
    several = tuple(
        DuePerson(
            f"{name}.{number}",
            on[number % len(on)] if on else MONDAY,
            doses,
            dict.fromkeys(doses, vial) if vial else {},
            precedences,
        )
        for number in range(people)
    )
    return DueHouse(name, hamlet, commune, place, several, commune)


def fixed(code: str, place: Point, capacity: int | None = None) -> Site:
    """A health station."""
    return Site(code, f"Trạm {code}", SiteKind.FIXED, place.lat, place.lon, capacity, cold_chain=True)


def mobile(code: str, place: Point, capacity: int | None = None) -> Site:
    """A place that a team may come to."""
    return Site(code, f"Điểm {code}", SiteKind.MOBILE, place.lat, place.lon, capacity)


def team(name: str = "Đội", place: Point | None = None, **other: object) -> FieldTeam:
    """A team that sets out from the middle."""
    return FieldTeam(name, place or at(0, 0), **other)  # type: ignore[arg-type]


def given(
    houses: Sequence[DueHouse], places: Sequence[Site] = (), number_of_days: int = 3, **question: object
) -> PlanGiven:
    """A question of some days from Monday, with proposed sites only where they are asked for."""
    asked = {"sites": 3, "aim": Aim.MOST_PEOPLE, "proposed": False, "seconds": 5.0, "gap": 0.0} | question
    wish = PlanQuestion("covid19", MONDAY, MONDAY + timedelta(days=number_of_days - 1), **asked)  # type: ignore[arg-type]
    communes = {one.commune_code for one in houses if one.commune_code}
    return PlanGiven(
        wish,
        "2022-08-14T20:00:00.000Z",
        "",
        tuple(houses),
        tuple(places),
        names={code: f"Xã {code}" for code in sorted(communes)},
    )


def sited(asked: PlanGiven, rules: PlanningRules = RULES) -> SitePlan:
    """Its sites."""
    return plan_sites(asked, rules, Watch(Limits(asked.question.seconds, asked.question.gap)))
