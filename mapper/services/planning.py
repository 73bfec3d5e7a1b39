"""What a plan is made from -> the plan: sites, then the days of teams, then who is asked to come on which day."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import SiteKind
from mapper.services.appointments import Place, Slot, appoint
from mapper.services.made import Parts, put_together
from mapper.services.scenarios import Conditions, conditions
from mapper.services.site_plan import PlannedSite, SitePlan, plan_sites
from mapper.services.spare_hours import fill_up
from mapper.services.team_plan import TeamPlan, plan_teams
from mapper.services.team_stops import SessionStop, standing, unit_of_site
from mapper.services.travel import Straight, Ways
from mapper.services.turns import Weights, comers_of
from mapper.solve.siting import Limits
from mapper.solve.watch import Progress, Watch

SITES, ROUTES = 0.5, 0.9
"""Shares of the work that are done once sites are chosen, and once teams have their days."""

STEP = 0.01
"""So much further, and it is told."""

FIRST = Limits(math.inf, rounds=1)
"""Of routes of a first plan: by rounds alone, so that the same question has the same one however busy the cores are."""

LIKELY = 1.6
"""Of the work that teams can do, so many times as much is looked at for a first plan."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Who looks on while a plan is made. told: how far it is, 0..1; first: a plan that can be used, still bettered.

    unwanted: asked now and then; once it says yes the best plan so far is taken.
    """

    told: Callable[[float], None] = lambda share: None
    first: Callable[[MadePlan], None] | None = None
    unwanted: Callable[[], bool] = lambda: False


def make(given: PlanGiven, rules: PlanningRules, watched: Watched = Watched(), ways: Ways | None = None) -> MadePlan:
    """The plan. The same given makes the same plan, unless the clock or somebody ended it (``Quality.repeatable``).

    ways: straight lines where none are given. Raises InvalidQuestion for a question that cannot be.
    """
    ways, question = ways or Straight(rules), given.question
    limits = Limits(question.seconds, question.gap, seed=question.seed)
    share = _Share(watched.told)

    def first(plan: SitePlan) -> None:
        if watched.first is not None:
            watched.first(_made(given, plan, ways, Watch(FIRST, cancelled=watched.unwanted), complete=False))

    sites_watch = Watch(limits, lambda far: share.reach(0.0, SITES, _of(far, limits)), cancelled=watched.unwanted)
    plan = plan_sites(given, rules, sites_watch, first if watched.first is not None else None, ways)
    share.reach(0.0, SITES, 1.0)
    routes_watch = Watch(limits, lambda far: share.reach(SITES, ROUTES, _of(far, limits)), cancelled=watched.unwanted)
    made = _made(given, plan, ways, routes_watch, complete=True)
    share.reach(0.0, 1.0, 1.0)
    return made


def _made(given: PlanGiven, plan: SitePlan, ways: Ways, watch: Watch, *, complete: bool) -> MadePlan:
    held = conditions(given, plan.rules)
    weights = Weights(held)
    comers = [comers_of(one, weights, held.days[-1]) for one in plan.sites]
    sent = (
        plan_teams(given, plan, comers, held, ways, watch, times=math.inf if complete else LIKELY)
        if given.question.teams
        else None
    )
    places = places_of(given, plan.sites, held, sent)
    appointed = appoint(places, comers, held, weights, ways)
    if complete and sent is not None:
        plan, sent, appointed = fill_up(given, plan, sent, appointed, weights, held, ways, watch.cancelled or _never)
    return put_together(Parts(given, held, plan, sent, appointed, ways), complete=complete)


def _never() -> bool:
    return False


def places_of(given: PlanGiven, sites: Iterable[PlannedSite], held: Conditions, sent: TeamPlan | None) -> list[Place]:
    """Sites with the sessions that teams hold there, and those that stand.

    Where no team is named, whoever there is holds sessions at mobile sites, on as many days as are told.
    """
    slots: dict[str, list[Slot]] = {}
    for day in sent.days if sent else ():
        for stay in day.stays:
            if not isinstance(stay.stop, SessionStop):
                continue
            kept = stay.stop.kept
            people = math.inf if kept is None or kept.people is None else kept.people
            before = kept.asked if kept is not None else ()
            room = people, stay.stop.doses
            slot = Slot(day.day, stay.begin, stay.end, day.team.name, *room, kept is not None, stay.turn, before)
            slots.setdefault(stay.stop.site.site.code, []).append(slot)
    missed = {stop.site.site.code for stop, _ in (sent.missed if sent else ()) if isinstance(stop, SessionStop)}
    return [_place(given, one, held, sent, slots.get(one.site.code, []), one.site.code in missed) for one in sites]


def _place(
    given: PlanGiven, one: PlannedSite, held: Conditions, sent: TeamPlan | None, slots: list[Slot], missed: bool
) -> Place:
    """A site to which teams come so. missed: for a session at least none does."""
    site, question, unit = one.site, given.question, unit_of_site(given, one)
    own = site.kind is SiteKind.FIXED or sent is None
    for fixed in standing(question):
        if fixed.site == site.code and own and (sent is None or not fixed.team):
            people = math.inf if fixed.people is None else fixed.people
            slots.append(Slot(fixed.day, team=fixed.team, people=people, kept=True, before=fixed.asked))
    days = {*held.days, *(slot.day for slot in slots)}
    return Place(
        site,
        unit,
        {day: held.room(site, unit, day) for day in sorted(days)},
        sorted(slots, key=lambda slot: slot.order),
        tuple(held.days) if own else (),
        question.mobile_days if own and site.kind is SiteKind.MOBILE else None,
        missed,
    )


class _Share:
    """How far it is, told where that is further than before."""

    def __init__(self, told: Callable[[float], None]) -> None:
        self._told, self._last = told, 0.0

    def reach(self, begin: float, end: float, share: float) -> None:
        """Of a part of the work that goes from one share to another."""
        now = begin + (end - begin) * min(1.0, share)
        if now >= self._last + STEP or now == 1.0 > self._last:
            self._last = now
            self._told(now)


def _of(far: Progress, limits: Limits) -> float:
    return far.seconds / limits.seconds if limits.seconds else 1.0
