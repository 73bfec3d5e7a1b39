"""Which limit keeps people from having a site, and how much of it would free them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapper.solve.covering import fewest_sites
from mapper.solve.groups import Groups
from mapper.solve.siting import Left, Problem, Siting
from mapper.solve.watch import Watch


@dataclass(frozen=True, slots=True)
class Shortage:
    """Of the people without a site how many each limit keeps from one, and what would free them.

    unreachable: people without a candidate within their limit; only candidates nearer by, longer ways or visits at home
    help them. not_chosen: people of whose candidates none was chosen; sites: that it takes at least to reach all who
    can be reached. full: people whose sites have no place left; places: that the chosen sites lack for all who can go
    to one; sites_for_all: so many of the largest candidates have places for all who can be reached, None where even
    all of them have not. never: people for whom there is no place even with all candidates chosen.
    """

    unreachable: float
    not_chosen: float
    sites: int | None
    full: float
    places: float
    sites_for_all: int | None
    never: float

    def __bool__(self) -> bool:
        """Whether anybody is without a site."""
        return bool(self.unreachable or self.not_chosen or self.full)


def what_binds(problem: Problem, plan: Siting, watch: Watch | None = None) -> Shortage:
    """Why people of a plan have no site. ``sites`` takes a solve of its own; the others are added up."""
    people = problem.demand.people
    left = dict.fromkeys(Left, 0.0)
    for point, why in plan.left.items():
        left[why] += float(people[point])
    sites = int(np.ceil(fewest_sites(problem, watch).bound - 1e-6)) if left[Left.NOT_CHOSEN] else None
    near = problem.travel.nearest(plan.chosen) >= 0
    places = max(0.0, float(people[near].sum() - problem.capacity[list(plan.chosen)].sum()))
    return Shortage(
        left[Left.UNREACHABLE],
        left[Left.NOT_CHOSEN],
        sites,
        left[Left.FULL],
        places,
        _sites_for(problem),
        float(people[problem.reachable].sum()) - most_served(problem),
    )


def _sites_for(problem: Problem) -> int | None:
    """How many of the largest candidates, those kept among them, have places for all who can be reached."""
    needed = float(problem.demand.people[problem.reachable].sum())
    kept = np.zeros(len(problem.candidates), np.bool_)
    kept[list(problem.kept)] = True
    order = np.lexsort((-problem.capacity, ~kept))
    places = np.concatenate(([0.0], np.cumsum(problem.capacity[order])))
    enough = np.flatnonzero(places >= needed - 1e-9)
    enough = enough[enough >= len(problem.kept)]
    return int(enough[0]) if len(enough) else None


def most_served(problem: Problem) -> float:
    """People who have a place if all candidates are chosen, at most: families may be parted. Whole people.

    Source: L. R. Ford and D. R. Fulkerson, Canadian Journal of Mathematics 8 (1956) 399-404.
    """
    # Loaded here, since only who plans needs it.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    groups, _ = Groups.of(problem.travel, problem.demand.people, [])
    if not groups.number:
        return 0.0
    number, last = groups.number, groups.number + groups.sites + 1
    weight = np.rint(groups.weight)
    room = np.minimum(np.floor(problem.capacity), weight.sum())
    # From 0 to each group, from each group to its candidates, from each candidate to the last node.
    source = np.concatenate((np.zeros(number), 1 + groups.group, 1 + number + np.arange(groups.sites)))
    target = np.concatenate((1 + np.arange(number), 1 + number + groups.site, np.full(groups.sites, last)))
    most = np.concatenate((weight, weight[groups.group], room))
    graph = csr_array((most.astype(np.int32), (source.astype(np.int32), target.astype(np.int32))), (last + 1, last + 1))
    return float(maximum_flow(graph, 0, last).flow_value)
