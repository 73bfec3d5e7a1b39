"""Sites, days of teams and appointments -> the plan as it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    together,
)
from mapper.domain.people import Point
from mapper.domain.plan import DueHouse, DuePerson, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services import team_plan
from mapper.services.appointments import BEGIN, END, Appointed, Order, Slot
from mapper.services.plan_limits import binds
from mapper.services.roads import written
from mapper.services.scenarios import Conditions
from mapper.services.site_plan import SitePlan
from mapper.services.team_paths import along_roads
from mapper.services.team_plan import TeamPlan
from mapper.services.team_stops import HomeStop
from mapper.services.travel import Ways
from mapper.services.vaccine_need import Round, needs_by_round

QUARTER = 15.0
"""Minutes: sessions of a place's own staff end on a quarter of an hour."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What a plan is put together from. sent: None where no team is named."""

    given: PlanGiven
    held: Conditions
    plan: SitePlan
    sent: TeamPlan | None
    appointed: Appointed
    ways: Ways


@dataclass(frozen=True, slots=True)
class Tally:
    """Who comes to a session, counted. of: doses by formulation, "" for those of which none is known."""

    people: int
    doses: int
    of: Mapping[str, int]


Tallies = Mapping[tuple[int, Order], Tally]
"""Of the sessions to which anybody comes, and of those that stand, by number of the place and order."""


def put_together(parts: Parts, *, complete: bool) -> MadePlan:
    """The plan, with the vials of each session and each day of visits. Everybody due is in one part of it."""
    given, plan, sent = parts.given, parts.plan, parts.sent
    sessions = {
        (number, slot.order): slot
        for number, place in enumerate(parts.appointed.places)
        for slot in place.slots
        if slot.asked or slot.kept
    }
    asked = {key: tuple(_person(one.person, slot.day) for one in slot.asked) for key, slot in sessions.items()}
    tallies = {
        key: Tally(len(people), sum(len(one.due) for one in people), doses_of(people)) for key, people in asked.items()
    }
    days, visited = team_days(parts, tallies)
    rounds = rounds_of(parts, tallies, days, visited)
    sites = []
    for number, place in enumerate(parts.appointed.places):
        own = [(slot, asked[number, slot.order]) for slot in place.slots if (number, slot.order) in sessions]
        if own or place.site.kind is SiteKind.FIXED:
            held = tuple(
                session_of(parts, slot, tallies[key], rounds.get(key, ()))
                for slot, _ in own
                if (key := (number, slot.order))
            )
            sites.append(PlanSite(place.site, place.unit, _houses(own), held))
    days = [replace(day, needs=rounds.get((day.team, day.day), ())) for day in days]
    if complete:
        days = _along_roads(parts, days)
    homes, left = visits_of(parts, visited)
    made = MadePlan(
        tuple(sites),
        tuple(homes),
        tuple(days),
        _unserved(parts, left),
        quality_of(parts),
        in_order(parts, [need for several in rounds.values() for need in several]),
        roads=written(parts.ways),
        complete=complete,
    )
    return replace(made, binds=(*binds(given, parts.held, plan, sent, made), *plan.binds))


def quality_of(parts: Parts) -> Quality:
    """How good its sites and routes are."""
    found, sent = parts.plan.siting, parts.sent
    routes = (str(sent.stopped), sent.seconds) if sent else ("", 0.0)
    return Quality(
        found.objective,
        found.bound,
        found.gap,
        str(found.stopped),
        found.repeatable and routes[0] not in ("time", "cancelled"),
        found.seconds,
        *routes,
    )


def team_days(parts: Parts, tallies: Tallies) -> tuple[list[TeamDay], dict[tuple[str, str], TeamDay]]:
    """Days of teams without the sessions to which nobody comes, and the day of each visit by house and first person."""
    codes = [place.site.code for place in parts.appointed.places]
    asked = {(codes[number], order): tally for (number, order), tally in tallies.items()}
    days, visited = [], {}
    for route in parts.sent.days if parts.sent else ():
        stays = []
        for stay in route.stays:
            order = route.day, stay.begin, route.team.name, stay.turn
            if isinstance(stay.stop, HomeStop) or (stay.stop.site.site.code, order) in asked:
                stays.append(stay)
        left = route if len(stays) == len(route.stays) else team_plan.without(route, stays, parts.ways)
        if left is None:
            continue
        stops = []
        for stay in left.stays:
            stop = stay.stop
            if isinstance(stop, HomeStop):
                stops.append(TeamStop("", stop.house.id, stay.begin, stay.end, len(stop.people), stop.doses))
            else:
                code = stop.site.site.code
                tally = asked[code, (route.day, stay.begin, route.team.name, stay.turn)]
                stops.append(TeamStop(code, "", stay.begin, stay.end, tally.people, tally.doses))
        doses = sum(one.doses for one in stops)
        day = TeamDay(route.team.name, route.day, left.begin, left.end, left.way_m, doses, tuple(stops))
        days.append(day)
        for stay in left.stays:
            if isinstance(stay.stop, HomeStop):
                visited[stay.stop.house.id, stay.stop.people[0].id] = day
    return days, visited


def _along_roads(parts: Parts, days: Sequence[TeamDay]) -> list[TeamDay]:
    starts = {team.name: team.start for team in parts.given.question.teams}
    sites = {place.site.code: Point(place.site.lat, place.site.lon) for place in parts.appointed.places}
    houses = {house.id: house.point for house in parts.given.houses if house.point is not None}
    return along_roads(days, starts, sites, houses, parts.ways)


def rounds_of(
    parts: Parts,
    tallies: Tallies,
    days: Iterable[TeamDay],
    visited: Mapping[tuple[str, str], TeamDay],
) -> dict[tuple[object, ...], tuple[VialNeed, ...]]:
    """Vials by session (number of the place, order), and by day of visits (team, day). Each team and each place with
    staff of its own holds one buffer."""
    holders: dict[tuple[int, str], list[tuple[tuple[object, ...], Round, float]]] = {}
    for (number, order), tally in tallies.items():
        place, (on, begin, team, _) = parts.appointed.places[number], order
        one = Round(on, place.site.code, tally.of, place.site.cold_chain and not team)
        holder = (0, team) if team else (1, place.site.code)
        holders.setdefault(holder, []).append(((number, order), one, begin))
    homes: dict[tuple[str, date], list[PlannedPerson]] = {}
    for house, due in _home_stops(parts):
        day = visited.get((house.id, due[0].id))
        if day is not None:
            homes.setdefault((day.team, day.day), []).extend(_person(one, day.day) for one in due)
    for (name, on), several in homes.items():
        holders.setdefault((0, name), []).append(((name, on), Round(on, "", doses_of(tuple(several))), 0.0))
    found = {}
    for _, own in sorted(holders.items()):
        own.sort(key=lambda each: (each[1].day, each[2], each[1].place))
        for (key, _, _), needs in zip(own, needs_by_round([each[1] for each in own], parts.held.rules), strict=True):
            found[key] = needs
    return found


def session_of(parts: Parts, slot: Slot, tally: Tally, needs: tuple[VialNeed, ...]) -> Session:
    """A session with those who come; of a place's own staff it ends when they are done."""
    end = slot.end
    if not slot.team:
        minutes = tally.doses * parts.held.rules.minutes_a_dose
        end = min(END, BEGIN + max(1.0, -(-minutes // QUARTER)) * QUARTER)
    return Session(slot.day, slot.begin, end, slot.team, tally.people, tally.of, needs, slot.kept)


def _houses(slots: Iterable[tuple[Slot, tuple[PlannedPerson, ...]]]) -> tuple[PlannedHouse, ...]:
    """Whoever is asked to a site, by house."""
    houses: dict[str, tuple[DueHouse, float, list[PlannedPerson]]] = {}
    for slot, asked in slots:
        for one, person in zip(slot.asked, asked, strict=True):
            house, far, people = houses.get(one.house.id, (one.house, 0.0, []))
            people.append(person)
            houses[one.house.id] = house, max(far, one.way_m), people
    return tuple(
        PlannedHouse(house.id, house.hamlet_code, house.commune_code, house.point, tuple(people), far)
        for house, far, people in houses.values()
    )


def _home_stops(parts: Parts) -> list[tuple[DueHouse, tuple[DuePerson, ...]]]:
    """Visits at home, those that no team makes among them."""
    if parts.sent is None:
        return list(parts.plan.homes)
    stops = [stay.stop for day in parts.sent.days for stay in day.stays]
    stops += [stop for stop, _ in parts.sent.missed]
    found = [(stop.house, stop.people) for stop in stops if isinstance(stop, HomeStop)]
    return sorted(found, key=lambda each: (each[0].id, each[1][0].id))


def visits_of(
    parts: Parts, visited: Mapping[tuple[str, str], TeamDay]
) -> tuple[list[PlannedHouse], Mapping[Unserved, list[tuple[DueHouse, tuple[DuePerson, ...]]]]]:
    """Houses that a team visits, and those where people wait for one in vain, by why."""
    found: dict[Unserved, list[tuple[DueHouse, tuple[DuePerson, ...]]]] = {}
    homes = []
    last = max([*parts.held.days, *(day.day for day in parts.sent.days)] if parts.sent else parts.held.days)
    for house, people in _home_stops(parts):
        day = visited.get((house.id, people[0].id))
        if day is not None:
            homes.append(_house(house, people, day=day.day))
        else:
            late = parts.sent is not None and min(one.on for one in people) > last
            found.setdefault(Unserved.DUE_LATER if late else Unserved.NO_TEAM, []).append((house, people))
    return homes, found


def _unserved(
    parts: Parts, left: Mapping[Unserved, list[tuple[DueHouse, tuple[DuePerson, ...]]]]
) -> Mapping[Unserved, tuple[PlannedHouse, ...]]:
    found = {
        why: [*parts.plan.unserved.get(why, ()), *parts.appointed.unserved.get(why, ()), *left.get(why, ())]
        for why in Unserved
    }
    unserved = {}
    for why, several in found.items():
        houses: dict[str, tuple[DueHouse, list[DuePerson]]] = {}
        for house, people in several:
            houses.setdefault(house.id, (house, []))[1].extend(people)
        if houses:
            unserved[why] = tuple(_house(house, tuple(people)) for house, people in houses.values())
    return unserved


def _house(house: DueHouse, people: tuple[DuePerson, ...], day: date | None = None) -> PlannedHouse:
    several = tuple(_person(one, day) for one in people)
    return PlannedHouse(house.id, house.hamlet_code, house.commune_code, house.point, several)


def _person(one: DuePerson, day: date | None) -> PlannedPerson:
    return PlannedPerson(one.id, one.on, one.due, one.vials, day)


def in_order(parts: Parts, needs: Iterable[VialNeed]) -> tuple[VialNeed, ...]:
    """Their sums, in the order of planning.toml."""
    sums = {one.formulation: one for one in together(needs)}
    return tuple(sums[one.code] for one in parts.held.rules.formulations if one.code in sums)
