"""Where teams have too few hours for all who would come to them, stations take as many people as they can."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mapper.domain.sites import SiteKind
from mapper.services.scenarios import Conditions
from mapper.services.site_problem import SiteProblem
from mapper.solve.siting import Floats, Problem, Travel

WORK = 0.8
"""Share of a team's hours that is left beside its ways."""


@dataclass(frozen=True, slots=True)
class AtHome:
    """How many houses are visited, and the doses due there."""

    houses: int
    doses: int


def teams_short(under: Conditions, asked: SiteProblem, people: Floats, homes: AtHome) -> bool:
    """Whether teams have too few hours or doses for all at mobile sites and at home. people: of each place of asked."""
    if not under.teams:
        return False
    mobile = np.array([one.site.kind is SiteKind.MOBILE for one in asked.places], np.bool_)
    doses, rules = float(people[mobile].sum()), under.rules
    minutes = doses * rules.minutes_a_dose + rules.minutes_a_home * homes.houses
    doses += homes.doses
    days = [len(one.days) or len(under.days) for one in under.teams]
    hours = sum(
        number * min(one.end - one.begin, one.cold_minutes or math.inf)
        for one, number in zip(under.teams, days, strict=True)
    )
    given = sum(
        number * (math.inf if one.doses is None else one.doses) for one, number in zip(under.teams, days, strict=True)
    )
    return minutes > WORK * hours or doses > given


def stations_first(asked: SiteProblem) -> Problem:
    """The same question with ways to mobile sites longer than any to a station."""
    problem, travel = asked.problem, asked.problem.travel
    mobile = np.array([one.site.kind is SiteKind.MOBILE for one in asked.places], np.bool_)
    longest = float(travel.far.max()) if len(travel.far) else 0.0
    far = travel.far + np.where(mobile[travel.site], longest + 1.0, 0.0)
    farther = Travel.of_pairs(travel.point, travel.site, far, (travel.points, travel.sites))
    return Problem(problem.demand, problem.candidates, farther)
