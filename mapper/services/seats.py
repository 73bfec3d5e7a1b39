"""Sites that were chosen -> who goes to which of them, within what each can have; and who cannot, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mapper.domain.made_plan import Unserved
from mapper.domain.plan import Aim
from mapper.services.scenarios import Conditions
from mapper.services.site_places import Place
from mapper.services.site_problem import Groups, SiteProblem, numbers_of
from mapper.services.stations_first import AtHome, stations_first, teams_short
from mapper.services.travel import Ways
from mapper.solve.median import least_travel
from mapper.solve.siting import NOBODY, Floats, Ints, Left, Limits, Siting
from mapper.solve.watch import Progress, Watch

SEATING_SECONDS = 10.0
"""In which people are seated at the sites chosen, within what these can have, even where no time is left."""


@dataclass(frozen=True, eq=False)
class Seats:
    """Of each group of walkers its place and way. place: position in places, NOBODY where it has none.

    why: of each group without one.
    """

    places: Sequence[Place]
    place: Ints
    way_m: Floats
    why: dict[int, Unserved]


def seated(
    asked: SiteProblem,
    found: Siting,
    walking: Groups,
    homes: AtHome,
    under: Conditions,
    aim: Aim,
    ways: Ways,
    watch: Watch,
    *,
    first: bool,
) -> Seats:
    """Everybody at a site within what it can have, also where sites were chosen whatever they can have.

    first: in which seats may be worse; what was found ends them and not the clock, so that they are the same each time.
    """
    problem = asked.problem
    crowded = found.people(problem.demand) > problem.capacity[list(found.chosen)] + 1e-9
    numbers, seats = asked, found
    people = np.zeros(len(asked.places))
    people[list(found.chosen)] = found.people(problem.demand)
    short = teams_short(under, asked, people, homes)
    if aim is not Aim.LEAST_TRAVEL and (crowded.any() or short):
        chosen = [replace(asked.places[site], planned=True) for site in found.chosen]
        numbers = numbers_of(walking, chosen, under, Aim.LEAST_TRAVEL, len(under.days), ways)
        seconds = math.inf if first else max(watch.remaining, SEATING_SECONDS)
        limits = Limits(seconds, watch.limits.gap, 1, watch.limits.seed)
        question = stations_first(numbers) if short else numbers.problem
        cancelled = watch.cancelled
        seating = _seated_once(limits, cancelled) if first else Watch(limits, cancelled=cancelled)
        seats = least_travel(question, len(chosen), seating)
    place = seats.site[numbers.point_of]
    without = np.flatnonzero(place == NOBODY)
    points = zip(asked.point_of[without].tolist(), numbers.point_of[without].tolist(), strict=True)
    why = {
        group: _why(asked, found, numbers, before, point)
        for group, (before, point) in zip(without.tolist(), points, strict=True)
    }
    return Seats(numbers.places, place, numbers.ways_to(seats.site)[numbers.point_of], why)


def _why(asked: SiteProblem, found: Siting, numbers: SiteProblem, before: int, point: int) -> Unserved:
    """Of a point without a place. before: what it was where sites were chosen.

    A house just beyond its walk may have had a site there, reckoned from the middle of its square, and has none as a
    point of its own.
    """
    if numbers is not asked and numbers.problem.reachable[point]:
        return Unserved.FULL
    why = Unserved(found.left.get(before, Left.UNREACHABLE))
    if why is Unserved.UNREACHABLE and asked.shut[before]:
        return Unserved.CLOSED
    if why is Unserved.UNREACHABLE and before in asked.why:
        return Unserved(asked.why[before])
    return why


def _seated_once(limits: Limits, cancelled: Callable[[], bool] | None) -> Watch:
    """The watch of a search for seats that ends with the first answer that was bettered, or could not be."""
    told = 0

    def tell(_: Progress) -> None:
        nonlocal told
        told += 1

    return Watch(limits, tell, cancelled=lambda: told > 1 or (cancelled is not None and cancelled()))
