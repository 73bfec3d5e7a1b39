"""What teams' spare hours can be used for: days as they fill, places for a session, and people without a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mapper.domain.made_plan import Unserved
from mapper.domain.people import Point
from mapper.domain.plan import Aim, FieldTeam, PlanGiven
from mapper.domain.sites import Site, SiteKind
from mapper.services.appointments import Appointed, Place, Slot
from mapper.services.scenarios import Conditions, own_days, unit_of_house
from mapper.services.site_places import places
from mapper.services.site_plan import PlannedSite, SitePlan
from mapper.services.team_plan import TeamDay
from mapper.services.team_stops import HomeStop, Stopover, place_of
from mapper.services.travel import Ways, lon_lat
from mapper.services.turns import Comer, Weights

LACKING = (Unserved.NOT_CHOSEN, Unserved.FULL, Unserved.DUE_LATER, Unserved.NO_TEAM)
"""Why those have no place who may find one."""


@dataclass(eq=False)
class Spot:
    """Where a team could hold a session, or a house it could visit.

    who: numbers of people within their walk, whose turn is first before; far: their ways. planned: the site as teams
    know it. node: its number among the ways.
    """

    who: NDArray[np.int64]
    far: NDArray[np.float64]
    unit: str
    place: Place | None = None
    planned: PlannedSite | None = None
    home: HomeStop | None = None
    node: int = 0

    @property
    def used(self) -> bool:
        """Whether the plan holds it as a site already."""
        return self.place is not None and used(self.place)


@dataclass(eq=False)
class Stop:
    """A stop of a day: a session with its site, or a visit."""

    stop: Stopover
    node: int
    unit: str
    slot: Slot | None = None
    place: Place | None = None

    @property
    def doses(self) -> int:
        """That are given there."""
        return self.stop.doses if self.slot is None else sum(one.doses for one in self.slot.asked)


@dataclass(eq=False)
class Day:
    """A day of a team as it fills. node: where it begins and ends."""

    team: FieldTeam
    day: date
    node: int
    stops: list[Stop]
    gone: list[Stop]
    before: TeamDay | None = None
    changed: bool = False
    stamp: int = 0

    @property
    def nodes(self) -> list[int]:
        """By which it goes."""
        return [self.node, *(one.node for one in self.stops), self.node]

    @property
    def stands(self) -> bool:
        """Whether a session that stands is on it."""
        return any(one.slot is not None and one.slot.kept for one in self.stops)


def used(place: Place) -> bool:
    return any(slot.asked or slot.kept for slot in place.slots)


def position(spot: Spot) -> Site | Point:
    if spot.place is not None:
        return spot.place.site
    assert spot.home is not None
    return place_of(spot.home)


def lacking_of(plan: SitePlan, appointed: Appointed, weights: Weights) -> list[Comer]:
    """Whoever could come to a session and has no place."""
    found = []
    for left in (plan.unserved, appointed.unserved):
        for why in LACKING:
            for house, people in left.get(why, ()):
                if house.point is not None:
                    found += [Comer(house, one, 0.0, weights.of(house, one), one.on, len(one.due)) for one in people]
    return found


def spots_of(
    given: PlanGiven,
    plan: SitePlan,
    appointed: Appointed,
    people: Sequence[Comer],
    homes: Sequence[HomeStop],
    weights: Weights,
    held: Conditions,
    ways: Ways,
) -> list[Spot]:
    """Places of the plan and others that there are, as far as anybody could come to them; and houses to visit."""
    planned = {one.site.code: one for one in plan.sites}
    days = {slot.day for place in appointed.places for slot in place.slots} | {*held.days}
    # A team may work on days on which nobody else does: crowds are limited then too.
    days.update(day for team in held.teams for day in own_days(team, given, held))
    for place in appointed.places:
        place.limit = {day: held.room(place.site, place.unit, day) for day in sorted(days)}
    where = [
        (place, planned[place.site.code])
        for place in appointed.places
        if place.site.kind is SiteKind.MOBILE or any(slot.team for slot in place.slots)
    ]
    for one in places(given) if given.question.aim is not Aim.FEWEST_SITES else ():
        if one.site.code not in planned and one.site.kind is SiteKind.MOBILE:
            room = {day: held.room(one.site, one.unit, day) for day in sorted(days)}
            where.append((Place(one.site, one.unit, room, []), PlannedSite(one.site, (), one.unit)))
    travel = _walks(people, [place for place, _ in where], weights, ways)
    found = []
    for number, (place, site) in enumerate(where):
        near = [
            (one, far)
            for one, far in travel.get(number, ())
            if not held.crosses(unit_of_house(people[one].house), place.unit)
        ]
        if near:
            near.sort(key=lambda each: _turn(people[each[0]]))
            who, far = np.array([one for one, _ in near], np.int64), np.array([far for _, far in near], np.float64)
            found.append(Spot(who, far, place.unit or "", place, site))
    nobody = np.zeros(0, np.int64)
    found += [Spot(nobody, np.zeros(0), unit_of_house(one.house) or "", home=one) for one in homes]
    return found


def _turn(comer: Comer) -> tuple[object, ...]:
    return -comer.weight / max(1, comer.doses), comer.house.id, comer.person.id


def _walks(
    people: Sequence[Comer], where: Sequence[Place], weights: Weights, ways: Ways
) -> Mapping[int, list[tuple[int, float]]]:
    """Of each place the numbers of people within their own walk, and how far they have."""
    found: dict[int, list[tuple[int, float]]] = {}
    if not people or not where:
        return found
    limits = [weights.walk_m(one.house, one.person) for one in people]
    homes = [one.house.point for one in people if one.house.point is not None]
    travel = ways.walks(lon_lat(homes), lon_lat([one.site for one in where]), limits).travel
    for one, number, far in zip(travel.point.tolist(), travel.site.tolist(), travel.far.tolist(), strict=True):
        found.setdefault(number, []).append((one, far))
    return found
