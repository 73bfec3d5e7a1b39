"""Where sites of a plan could stand: those entered, those of sessions that are kept, and the middle of each hamlet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.domain.plan import DueHouse, PlanGiven
from mapper.domain.sites import Site, SiteKind
from mapper.geo.measure import on_plane
from mapper.services.scenarios import unit_of_house

PROPOSED = "+"
"""What the code of a proposed site begins with."""

_MEDOIDS, _AT_ONCE = 500, 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site could stand. unit: the innermost one around it. planned: a session that is kept is there."""

    site: Site
    unit: str | None
    planned: bool = False

    @property
    def kept(self) -> bool:
        """Whether every plan holds it."""
        return self.planned or self.site.kind is SiteKind.FIXED


def places(given: PlanGiven, proposed: Sequence[Place] | None = None) -> list[Place]:
    """Every place that there is for a plan, those entered before those proposed; each code once.

    proposed: in the place of ``proposals``.
    """
    kept = {one.site for one in given.question.keeps}
    entered = [Place(one, given.units.get(one.code), one.code in kept) for one in given.sites]
    known = {one.site.code for one in entered}
    return entered + [
        Place(one.site, one.unit, one.site.code in kept)
        for one in (proposals(given) if proposed is None else proposed)
        if one.site.code not in known and (given.question.proposed or one.site.code in kept)
    ]


def proposals(given: PlanGiven) -> list[Place]:
    """In each hamlet the house from which all others of people due are nearest, as a place that could be a site."""
    hamlets: dict[str, list[DueHouse]] = {}
    for house in given.houses:
        if house.hamlet_code and house.point is not None:
            hamlets.setdefault(house.hamlet_code, []).append(house)
    return [_proposal(code, hamlets[code], given.hamlets.get(code, code)) for code in sorted(hamlets)]


def _proposal(code: str, houses: Sequence[DueHouse], name: str) -> Place:
    points = [(one.point.lon, one.point.lat) for one in houses if one.point is not None]
    people = np.array([len(one.people) for one in houses], np.float64)
    return proposal(code, name, np.array(points, np.float64), people, [unit_of_house(one) for one in houses])


def proposal(
    code: str, name: str, at: NDArray[np.float64], people: NDArray[np.float64], units: Sequence[str | None]
) -> Place:
    """The middle one of a hamlet's houses. at: longitude and latitude of each; units: innermost one of each."""
    middle = _medoid(on_plane(*at.T), people)
    lon, lat = at[middle].tolist()
    return Place(Site(f"{PROPOSED}{code}", name, SiteKind.MOBILE, lat, lon), units[middle])


def _medoid(xy: NDArray[np.float64], weight: NDArray[np.float64]) -> int:
    """The point with the least way from all, by weight; of very many points among those near the middle."""
    middle = (xy * weight[:, None]).sum(axis=0) / weight.sum()
    near = np.argsort(((xy - middle) ** 2).sum(axis=1), kind="stable")[:_MEDOIDS]
    found = np.full(len(near), np.inf)
    # The way from all is no less anywhere than its tangents say: who is beyond the best by one need not be looked at.
    least = np.zeros(len(near))
    left = np.arange(len(near))
    while len(left):
        some = left[np.argsort(least[left], kind="stable")[:_AT_ONCE]]
        x, y = (np.subtract.outer(xy[near[some], axis], xy[:, axis]) for axis in (0, 1))
        far = np.sqrt(x * x + y * y)
        found[some] = (far * weight).sum(axis=1)
        pull = weight / np.where(far > 0, far, np.inf)
        across, up = (np.subtract.outer(xy[near, axis], xy[near[some], axis]) for axis in (0, 1))
        tangents = found[some] + across * (x * pull).sum(axis=1) + up * (y * pull).sum(axis=1)
        least = np.maximum(least, tangents.max(axis=1))
        left = np.flatnonzero(np.isinf(found) & (least <= found.min() * (1 + 1e-9)))
    return int(near[found.argmin()])
