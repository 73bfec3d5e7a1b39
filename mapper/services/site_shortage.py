"""Why a plan of sites leaves people without a place, in words: which limit binds, and what would free it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mapper.domain.follow_up import PersonState
from mapper.domain.made_plan import Explained, Unserved
from mapper.domain.plan import DueHouse, DuePerson, PlanGiven
from mapper.errors import mark
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.site_places import Place
from mapper.services.site_problem import SiteProblem, Walkers, nearest_m
from mapper.services.travel import Ways
from mapper.solve.shortage import Shortage
from mapper.solve.siting import Siting

Left = Mapping[Unserved, Sequence[tuple[DueHouse, tuple[DuePerson, ...]]]]
"""People without a place, by why."""

NAMED = 5
"""Units that are named one by one."""

STATES: Mapping[PersonState, str] = {
    PersonState.DONE: mark("{people} people have all doses that they need."),
    PersonState.WAITING: mark("{people} people are waiting for the interval since their last dose, or for their age."),
    PersonState.DEFERRED: mark("{people} people were deferred to a later day."),
    PersonState.CONTRAINDICATED: mark("{people} people must not be vaccinated."),
    PersonState.REFUSED: mark("{people} people refused. Talk to them again, or visit them once more."),
    PersonState.AWAY: mark("{people} people are away or have moved."),
    PersonState.UNKNOWN: mark("Of {people} people it is not known what they had. Visit them again."),
}
"""How people stand who are not due."""


def explained(
    given: PlanGiven,
    under: Conditions,
    asked: SiteProblem,
    every: Sequence[Place],
    ways: Ways,
    left: Left,
    shortage: Shortage | None,
    found: Siting,
) -> tuple[Explained, ...]:
    """What holds a plan of sites back, first what keeps most people from a place.

    every: all places that there are for it. shortage: None where nobody is without a site. found: the sites chosen.
    """
    if not given.houses:
        return tuple(_nobody_due(given))
    told = [
        *_more_kept(given, asked),
        *_no_position(left),
        *_too_far(given, under, every, ways, left),
        *_no_way(under, left),
        *_closed(given, left),
        *_not_chosen(given, left, shortage),
        *_full(under, asked, left, shortage, found),
        *_no_doses(given, left),
    ]
    return tuple(one for _, one in sorted(told, key=lambda each: -each[0]))


Weighed = Iterator[tuple[int, Explained]]
"""Words, with how many people they are about."""


def _nobody_due(given: PlanGiven) -> Iterator[Explained]:
    wish = given.question
    if given.next_on is not None:
        yield Explained(
            mark("Nobody is due from {first} to {last}. The next fall due on {next}: plan for a period that holds it."),
            {"first": wish.first.isoformat(), "last": wish.last.isoformat(), "next": given.next_on.isoformat()},
        )
    elif given.not_due:
        yield Explained(
            mark("Nobody is due from {first} to {last}, and nobody of the area falls due later."),
            {"first": wish.first.isoformat(), "last": wish.last.isoformat()},
        )
    else:
        yield Explained(mark("Nobody of the area is in the register. Choose another area, or send canvassers there."))
    stands = [(number, state) for state in STATES if (number := given.not_due.get(state.value, 0))]
    for number, state in sorted(stands, key=lambda each: -each[0]):
        yield Explained(STATES[state], {"people": number})


def _more_kept(given: PlanGiven, asked: SiteProblem) -> Weighed:
    wanted = given.question.sites
    if wanted is not None and asked.kept > wanted:
        yield (
            0,
            Explained(
                mark(
                    "{kept} sites are fixed or kept, more than the {sites} asked for: all of them are in the plan, and "
                    "no other. Ask for more than {kept} sites to have mobile ones too."
                ),
                {"kept": asked.kept, "sites": wanted},
            ),
        )


def _no_position(left: Left) -> Weighed:
    without = left.get(Unserved.NO_POSITION, ())
    if number := _people(without):
        houses = len({house.id for house, _ in without})
        words = mark(
            "{people} people live in {houses} houses of which no position is known. Visit these houses again and take "
            "their position."
        )
        yield number, Explained(words, {"people": number, "houses": houses})


def _too_far(given: PlanGiven, under: Conditions, every: Sequence[Place], ways: Ways, left: Left) -> Weighed:
    several = left.get(Unserved.UNREACHABLE, ())
    number = _people(several)
    if not number:
        return
    if not every:
        if given.question.proposed:
            words = mark("There is no place for a site. Enter health stations and other places where a team can work.")
        else:
            words = mark(
                "There is no place for a site. Enter sites, or let the middle house of each hamlet be one, and "
                "{people} people can have one."
            )
        yield number, Explained(words, {"people": number})
        return
    rules = under.rules
    limits = np.array([rules.needs(people[0].precedences).walk_limit_m for _, people in several], np.float64)
    groups = [Walkers(house, people, limit, 0.0) for (house, people), limit in zip(several, limits, strict=True)]
    share = nearest_m(groups, every, ways, 2 * limits) / limits
    people = np.array([len(one.people) for one in groups])
    more, twice = int(people[share <= 1.5].sum()), int(people[share <= 2.0].sum())
    if twice:
        words = mark(
            "{people} people have no place for a site within their walk, {km} km for most people. With limits half as "
            "long again {more} of them have one, with limits twice as long {twice}; or enter sites nearer to them."
        )
    else:
        words = mark(
            "{people} people have no place for a site even within twice their walk, {km} km for most people. Enter "
            "sites nearer to them, or have teams visit them."
        )
    km = round(rules.walk_limit_m / 1000, 1)
    yield number, Explained(words, {"people": number, "km": km, "more": more, "twice": twice})


def _no_way(under: Conditions, left: Left) -> Weighed:
    if number := _people(left.get(Unserved.CUT_OFF, ())):
        words = mark(
            "{people} people have a place for a site near them to which no road or path leads: they live on an island, "
            "or beyond a gap of the road map. Enter a site on their side, or complete the way in OpenStreetMap and "
            "import its next extract."
        )
        yield number, Explained(words, {"people": number})
    if number := _people(left.get(Unserved.OFF_ROADS, ())):
        words = mark(
            "{people} people live farther than {metres} m from every road and path that is known. Complete the ways in "
            "OpenStreetMap, allow more by off_road_m of planning.toml, or have teams visit them."
        )
        yield number, Explained(words, {"people": number, "metres": round(under.rules.off_road_m)})


def _closed(given: PlanGiven, left: Left) -> Weighed:
    several = left.get(Unserved.CLOSED, ())
    if number := _people(several):
        units = sorted({unit for house, _ in several if (unit := unit_of_house(house)) is not None})
        names = [given.names.get(one, one) for one in units]
        words = mark(
            "{people} people live in closed areas without a site that they can walk to. Enter one in: {units}."
        )
        yield number, Explained(words, {"people": number, "units": _listed(names)})


def _not_chosen(given: PlanGiven, left: Left, shortage: Shortage | None) -> Weighed:
    number = _people(left.get(Unserved.NOT_CHOSEN, ()))
    if number and shortage is not None and shortage.sites is not None and given.question.sites is None:
        words = mark(
            "{people} people can walk only to places that were not chosen: {sites} sites or more would have everybody "
            "within their walk. Further teams or days, or that number of sites, give them one."
        )
        yield number, Explained(words, {"people": number, "sites": shortage.sites})
    elif number and shortage is not None and shortage.sites is not None:
        words = mark(
            "{people} people can walk only to places that were not chosen: {asked} sites were asked for, and {sites} "
            "or more would have everybody within their walk."
        )
        yield number, Explained(words, {"people": number, "asked": given.question.sites or 0, "sites": shortage.sites})


def _full(under: Conditions, asked: SiteProblem, left: Left, shortage: Shortage | None, found: Siting) -> Weighed:
    number = _people(left.get(Unserved.FULL, ()))
    if not number:
        return
    chosen = [asked.places[site] for site in found.chosen]
    rooms = [room for one in chosen for day in under.days if (room := under.room(one.site, one.unit, day)) is not None]
    a_day = sum(rooms) / max(1, len(under.days))
    facts: dict[str, str | int | float] = {"people": number}
    if a_day:
        facts["days"] = math.ceil(number / a_day)
    words = mark("{people} people find all sites within their walk full. Have more sites, or larger ones.")
    if a_day and shortage is not None and shortage.sites_for_all is not None:
        facts["sites"] = shortage.sites_for_all
        words = mark(
            "{people} people find all sites within their walk full: so many places are lacking. {days} more days at "
            "the same sites would do at best, or {sites} of the largest sites in all."
        )
    elif a_day:
        words = mark(
            "{people} people find all sites within their walk full: so many places are lacking, and all places for "
            "sites together have not enough. {days} more days would do at best, or more staff at the sites."
        )
    yield number, Explained(words, facts)


def _no_doses(given: PlanGiven, left: Left) -> Weighed:
    several = left.get(Unserved.NO_DOSES, ())
    if number := _people(several):
        lacking = sum(len(one.due) for _, people in several for one in people)
        words = mark(
            "{doses} doses are not enough: {people} people come after those who get one. {lacking} more doses would "
            "serve them."
        )
        facts = {"doses": given.question.doses or 0, "people": number, "lacking": lacking}
        yield number, Explained(words, facts)


def _people(several: Sequence[tuple[DueHouse, tuple[DuePerson, ...]]]) -> int:
    return sum(len(people) for _, people in several)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" (+{more})" if more > 0 else "")
