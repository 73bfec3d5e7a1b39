"""What a plan is made from -> the plan: sites, then the days of teams, then who is asked to come on which day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from mapper.domain.made_plan import (
    MadePlan,
    PlannedHouse,
    PlannedPerson,
    PlanSite,
    Quality,
    Session,
    TeamDay,
    TeamStop,
    Unserved,
    VialNeed,
    doses_of,
)
from mapper.domain.plan import DueHouse, DuePerson, PlanGiven
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import SiteKind
from mapper.services.site_plan import SitePlan, plan_sites
from mapper.services.team_plan import HomeStop, SessionStop, TeamPlan, plan_teams, working_days
from mapper.services.vaccine_need import Need, needs_of
from mapper.solve.siting import Limits
from mapper.solve.watch import Watch


@dataclass(frozen=True, slots=True)
class Watched:
    """Who looks on while a plan is made. told: how far it is, 0..1; first: a plan that can be used, still bettered.

    unwanted: asked now and then; once it says yes the best plan so far is taken.
    """

    told: Callable[[float], None] = lambda share: None
    first: Callable[[MadePlan], None] = lambda plan: None
    unwanted: Callable[[], bool] = lambda: False


def make(given: PlanGiven, rules: PlanningRules, watched: Watched = Watched()) -> MadePlan:
    """The plan. The same given makes the same plan, unless the clock or somebody ended it (``Quality.repeatable``).

    Raises InvalidQuestion for a question that cannot be.
    """
    question = given.question
    limits = Limits(question.seconds, question.gap, seed=question.seed)
    plan = plan_sites(given, rules, Watch(limits, cancelled=watched.unwanted))
    watched.told(0.5)
    days = working_days(question.first, question.last)
    sent = None
    if question.teams:
        sent = plan_teams(plan, question.teams, days, Watch(limits, cancelled=watched.unwanted))
    watched.told(0.95)
    return _put_together(given, plan, sent)


def _put_together(given: PlanGiven, plan: SitePlan, sent: TeamPlan | None) -> MadePlan:
    rules, question = plan.rules, given.question
    every = working_days(question.first, question.last)
    days: list[TeamDay] = []
    held: dict[str, list[tuple[TeamDay, TeamStop]]] = {}
    visited: dict[str, TeamDay] = {}
    for route in sent.days if sent else ():
        stops = tuple(
            TeamStop(stay.stop.site.site.code, "", stay.begin, stay.end, stay.stop.people, _doses_at(stay.stop))
            if isinstance(stay.stop, SessionStop)
            else TeamStop("", stay.stop.house.id, stay.begin, stay.end, len(stay.stop.people), _doses_at(stay.stop))
            for stay in route.stays
        )
        day = TeamDay(route.team.name, route.day, route.begin, route.end, route.way_m, route.doses, stops)
        days.append(day)
        for stop in stops:
            if stop.site:
                held.setdefault(stop.site, []).append((day, stop))
            else:
                visited[stop.house] = day
    unserved: dict[Unserved, list[PlannedHouse]] = {
        why: [_house(*one) for one in several] for why, several in plan.unserved.items()
    }
    sites = []
    for one in plan.sites:
        code = one.site.code
        houses = [(some.house, some.people, some.way_m) for some in one.served]
        if one.site.kind is SiteKind.FIXED:
            dates = [(day, 7 * 60.0, 17 * 60.0, "") for day in every]
        elif sent is None:
            dates = [(every[0], 7 * 60.0, 17 * 60.0, "")]
        else:
            dates = [(day.day, stop.begin, stop.end, day.team) for day, stop in held.get(code, ())]
        if not dates:
            unserved.setdefault(Unserved.NO_TEAM, []).extend(_house(house, people) for house, people, _ in houses)
            continue
        planned: list[PlannedHouse] = []
        on_day: dict[int, list[PlannedPerson]] = {}
        for number, (house, people, way) in enumerate(houses):
            turn = number * len(dates) // len(houses)
            several = _house(house, people, way, dates[turn][0])
            planned.append(several)
            on_day.setdefault(turn, []).extend(several.people)
        sessions = []
        for turn, (date_, begin, end, team) in enumerate(dates):
            doses = doses_of(tuple(on_day.get(turn, ())))
            needs = tuple(_need(need) for need in needs_of(doses, rules, 1))
            sessions.append(Session(date_, begin, end, team, len(on_day.get(turn, ())), doses, needs))
        sites.append(PlanSite(one.site, given.units.get(code), tuple(planned), tuple(sessions)))
    homes = []
    for house, people in plan.homes:
        if house.id in visited:
            homes.append(_house(house, people, None, visited[house.id].day))
        else:
            unserved.setdefault(Unserved.NO_TEAM, []).append(_house(house, people))
    found = plan.siting
    quality = Quality(
        found.objective,
        found.bound,
        found.gap,
        found.stopped,
        found.repeatable,
        found.seconds,
        sent.stopped if sent else "",
        sent.seconds if sent else 0.0,
    )
    everybody = [person for site in sites for house in site.houses for person in house.people]
    everybody += [person for house in homes for person in house.people]
    needs = tuple(_need(need) for need in needs_of(doses_of(tuple(everybody)), rules, 1))
    return MadePlan(
        tuple(sites),
        tuple(homes),
        tuple(days),
        {why: tuple(several) for why, several in unserved.items() if several},
        quality,
        needs,
        roads=given.roads,
    )


def _doses_at(stop: SessionStop | HomeStop) -> int:
    if isinstance(stop, HomeStop):
        return sum(len(one.due) for one in stop.people)
    return stop.people


def _house(
    house: DueHouse, people: tuple[DuePerson, ...], way_m: float | None = None, day: date | None = None
) -> PlannedHouse:
    several = tuple(PlannedPerson(one.id, one.on, one.due, one.vials, day) for one in people)
    return PlannedHouse(house.id, house.hamlet_code, house.commune_code, house.point, several, way_m)


def _need(need: Need) -> VialNeed:
    kit = need.supplies
    return VialNeed(
        need.formulation.code,
        need.due,
        need.given,
        need.wasted,
        need.vials,
        kit.vials,
        kit.diluents,
        kit.syringes,
        kit.mixing_syringes,
        kit.safety_boxes,
    )
