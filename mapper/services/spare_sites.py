"""More sites of those asked for, where fewer have everybody within their walk but not room for all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapper.solve.siting import NOBODY, Problem, Siting, why_left


def with_spare_sites(problem: Problem, found: Siting, sites: int) -> Siting:
    """The plan with further sites up to so many, each where most people can walk to whose own site is overfull."""
    travel, people = problem.travel, problem.demand.people
    chosen, site = list(found.chosen), found.site
    while chosen and len(chosen) < min(sites, len(problem.candidates)):
        there = site != NOBODY
        load = np.bincount(site[there], people[there], len(problem.candidates))
        over = np.where(load > problem.capacity, 1 - problem.capacity / np.maximum(load, 1e-9), 0.0)
        lacking = np.where(there, over[np.where(there, site, 0)], 0.0) * people
        gain = np.bincount(travel.site, lacking[travel.point], len(problem.candidates))
        gain = np.minimum(gain, problem.capacity)
        gain[chosen] = 0.0
        best = int(gain.argmax())
        if gain[best] <= 1e-9:
            break
        chosen = sorted([*chosen, best])
        site = travel.nearest(chosen)
    if len(chosen) == len(found.chosen):
        return found
    return replace(found, chosen=tuple(chosen), site=site, left=why_left(problem, chosen, site))
