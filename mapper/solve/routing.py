"""Which team goes where on which day, by PyVRP: the shortest routes within hours, doses and windows.

Source: N. A. Wouda, L. Lan and W. Kool, INFORMS Journal on Computing 36 (2024) 943-955.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.errors import NotSupported, mark
from mapper.solve.siting import Floats, Stop
from mapper.solve.team_days import (
    DAY_S,
    Arrival,
    Halt,
    Missed,
    Roads,
    Route,
    Routing,
    Team,
    TeamDay,
    Window,
    check,
    impossible,
    spans_of,
    team_days,
)
from mapper.solve.watch import Watch

WORTH = 3
"""To go to a halt whose prize is not told is worth a way so many times as long as the longest of all."""

NO_WAY = 10**9
"""Metres and seconds of a way that does not exist; small enough to be added up."""


def shortest_routes(
    roads: Roads, halts: Sequence[Halt], teams: Sequence[Team], watch: Watch | None = None, *, day_m: float = 0.0
) -> Routing:
    """Go to all halts with the least way, or to those of the highest prizes where not all fit.

    day_m: metres that it is worth not to send a team out on a day. The search goes on to the end of the watch, or for
    so many rounds: the same rounds and seed give the same routes. Times are counted in seconds and ways in metres, both
    rounded up, so that no route takes longer than it says. Raises ValueError for numbers that cannot be.
    """
    watch = watch or Watch()
    check(roads, halts, teams, day_m)
    days = team_days(teams)
    missed = impossible(roads, halts, teams)
    going = [place for place in range(len(halts)) if place not in missed]
    if not going or not days:
        return Routing((), missed, 0.0, watch.seconds, watch.limits.seed, Stop.OPTIMAL)
    data, halt_of, day_of = _data(roads, halts, going, days, day_m)
    best, stopped = _solved(data, watch, _bound(data, halts, halt_of, day_of))
    routes = _routes(best, halts, halt_of, day_of)
    on_route = {arrival.halt for route in routes for arrival in route.halts}
    missed |= dict.fromkeys((place for place in going if place not in on_route), Missed.NO_ROOM)
    metres = sum(route.metres for route in routes)
    return Routing(tuple(routes), dict(sorted(missed.items())), metres, watch.seconds, watch.limits.seed, stopped)


def _whole(ways: Floats, scale: float) -> NDArray[np.int64]:
    """Ways in whole units, rounded up; what is a whole number but for rounding stays it."""
    found = ways * scale
    found -= 1e-6
    np.ceil(found, out=found)
    found[np.isinf(found)] = NO_WAY
    return found.astype(np.int64)


def _data(
    roads: Roads, halts: Sequence[Halt], going: list[int], days: Sequence[TeamDay], day_m: float
) -> tuple[Any, list[int], list[TeamDay]]:
    """The question as PyVRP reads it, the halt of each of its clients, and the team and day of each of its vehicles."""
    pyvrp = _pyvrp()

    # Of a whole province's places one commune's routes need a few.
    named = {place for day in days for place in (day.team.start, day.team.finish)}
    places = sorted(named | {halts[number].place for number in going})
    at = {place: number for number, place in enumerate(places)}
    few = np.ix_(places, places)
    metres: Any = _whole(roads.metres[few], 1)
    seconds: Any = _whole(roads.minutes[few], 60)
    unpriced = _unpriced(roads, day_m) if any(halts[number].prize is None for number in going) else 0
    # Beside doses, a load of each set of teams that alone may go somewhere: the others have no room for it.
    closed = sorted({halts[number].teams for number in going} - {()})
    ends = sorted(at[place] for place in named)
    clients: list[Any] = []
    groups: list[Any] = []
    halt_of: list[int] = []
    spans_by: dict[tuple[Window, ...], list[tuple[int, int]]] = {}
    for number in going:
        halt = halts[number]
        spans = spans_by.get(halt.windows)
        if spans is None:
            spans = spans_by[halt.windows] = spans_of(halt, days)
        prize = unpriced if halt.prize is None else math.ceil(halt.prize)
        if len(spans) > 1:
            groups.append(pyvrp.ClientGroup(list(range(len(clients), len(clients) + len(spans))), required=False))
        for begin, end in spans:
            clients.append(
                pyvrp.Client(
                    at[halt.place],
                    delivery=[halt.doses, *(int(halt.teams == several) for several in closed)],
                    service_duration=math.ceil(60 * halt.minutes),
                    tw_early=begin,
                    tw_late=end,
                    prize=prize,
                    required=False,
                    group=len(groups) - 1 if len(spans) > 1 else None,
                )
            )
            halt_of.append(number)
    most = sum(halt.doses for halt in halts)
    vehicles = [
        pyvrp.VehicleType(
            capacity=[
                most if day.team.doses is None else day.team.doses,
                *(len(going) if day.number in several else 0 for several in closed),
            ],
            start_depot=ends.index(at[day.team.start]),
            end_depot=ends.index(at[day.team.finish]),
            fixed_cost=math.ceil(day_m + day.worth_m),
            tw_early=day.begin,
            tw_late=day.end,
            shift_duration=day.longest,
        )
        for day in days
    ]
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(len(metres))],
        clients,
        [pyvrp.Depot(place) for place in ends],
        vehicles,
        [metres],
        [seconds],
        groups,
    )
    return data, halt_of, list(days)


def _unpriced(roads: Roads, day_m: float) -> int:
    """What a halt is worth whose prize is not told."""
    longest = float(roads.metres[np.isfinite(roads.metres)].max())
    return math.ceil(WORTH * max(longest, 1) + day_m)


def _pyvrp() -> Any:
    """Loaded late, since only who plans needs it. Raises NotSupported where there is none for this computer."""
    try:
        import pyvrp
    except ImportError as error:
        raise NotSupported(
            mark(
                "Routes of teams need the package PyVRP, which is not installed; there is none for Macs with an Intel "
                "processor. Make the plan on another computer."
            )
        ) from error
    return pyvrp


def _bound(data: Any, halts: Sequence[Halt], halt_of: list[int], day_of: list[TeamDay]) -> list[Any]:
    """Routes of the halts to which only some teams may go, those of the highest prizes first, within every limit.

    The search, which looks for another route beside neighbours, hardly ever brings such a halt to its own team's day.
    """
    pyvrp = _pyvrp()
    bound = [client for client, number in enumerate(halt_of) if halts[number].teams]
    clients = data.clients()
    visits: dict[int, list[int]] = {}
    routes: dict[int, Any] = {}
    gone: set[int] = set()
    for client in sorted(bound, key=lambda one: (-clients[one].prize, one)):
        halt, one = halts[halt_of[client]], clients[client]
        if halt_of[client] in gone:
            continue
        best: tuple[int, int, list[int], Any] | None = None
        for place, day in enumerate(day_of):
            if day.number not in halt.teams or one.tw_late < day.begin or one.tw_early > day.end:
                continue
            before, now = visits.get(place, []), routes.get(place)
            for at in range(len(before) + 1):
                order = [*before[:at], client, *before[at:]]
                route = pyvrp.Route(data, order, place)
                more = route.distance() - (now.distance() if now is not None else 0)
                if route.is_feasible() and (best is None or more < best[0]):
                    best = more, place, order, route
        if best is not None:
            gone.add(halt_of[client])
            _, place, visits[place], routes[place] = best
    return [routes[place] for place in sorted(routes)]


def _begun(data: Any, routes: list[Any], seed: int) -> Any:
    """A solution with these routes, filled up as PyVRP's own first one is; the search then begins with it."""
    pyvrp = _pyvrp()
    params, rng = pyvrp.SolveParams(), pyvrp.RandomNumberGenerator(seed=seed)
    perturbation = pyvrp.search.PerturbationManager(params.perturbation)
    neighbours = pyvrp.search.compute_neighbours(data, params.neighbourhood)
    search = pyvrp.search.LocalSearch(data, rng, neighbours, perturbation)
    for operator in params.operators:
        if operator.supports(data):
            search.add_operator(operator(data))
    penalties = pyvrp.PenaltyManager(params.penalty.midpoint_penalties(data), params.penalty)
    alone = pyvrp.Solution(data, routes)
    filled = search(alone, penalties.max_cost_evaluator(), exhaustive=True)
    return filled if filled.is_feasible() else alone


def _solved(data: Any, watch: Watch, bound: list[Any]) -> tuple[Any, Stop]:
    """bound: routes to begin with, none for any."""
    pyvrp = _pyvrp()

    rounds = 0
    ended = Stop.ROUNDS

    def over(best_cost: int) -> bool:
        nonlocal rounds, ended
        rounds += 1
        watch.tell(float(best_cost), None)
        limit = watch.limits.rounds
        if limit is not None and rounds > limit:
            return True
        if stop := watch.over():
            ended = stop
            return True
        return False

    seed = watch.limits.seed
    begun = _begun(data, bound, seed) if bound else None
    result = pyvrp.solve(data, over, seed=seed, collect_stats=False, display=False, initial_solution=begun)
    return result.best, ended


def _routes(best: Any, halts: Sequence[Halt], halt_of: list[int], day_of: list[TeamDay]) -> list[Route]:
    """By day and team. Where the search ended before all of them kept to every limit, those that do."""
    routes: list[Route] = []
    seen: set[int] = set()
    for route in best.routes():
        day = day_of[route.vehicle_type()]
        midnight = day.day * DAY_S
        arrivals = tuple(_arrivals(route, halt_of, midnight))
        own = [arrival.halt for arrival in arrivals]
        if not route.is_feasible() or len(seen.union(own)) < len(seen) + len(own):
            continue
        seen.update(own)
        routes.append(
            Route(
                day.number,
                day.day,
                arrivals,
                (route.start_time() - midnight) / 60,
                (route.end_time() - midnight) / 60,
                float(route.distance()),
                sum(halts[arrival.halt].doses for arrival in arrivals),
            )
        )
    return sorted(routes, key=lambda route: (route.day, route.team))


def _arrivals(route: Any, halt_of: list[int], midnight: int) -> Iterator[Arrival]:
    for activity in route.schedule():
        if activity.is_client():
            begin = (activity.start_time - midnight) / 60
            yield Arrival(halt_of[activity.idx], begin, begin + activity.duration / 60)
