"""Routes of teams: published answers, every order tried on small ones, and what none may break."""

from __future__ import annotations

import sys
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest

from mapper.errors import NotSupported
from mapper.solve.routing import shortest_routes
from mapper.solve.siting import Floats, Limits, Stop
from mapper.solve.team_days import Halt, Missed, Roads, Routing, Shift, Team, Window
from mapper.solve.watch import Progress, Watch

INF = np.inf
DAY = Shift(0, 7 * 60, 17 * 60)


def rounds(number: int, seed: int = 1) -> Watch:
    """So many rounds of search, however long they take."""
    return Watch(Limits(INF, rounds=number, seed=seed))


def plane(points: Floats, metres_a_minute: float = 400.0) -> Roads:
    """Beelines between points in metres."""
    metres = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    return Roads(metres, metres / metres_a_minute)


def line(*metres: float) -> Roads:
    """Places along one road, 100 metres a minute."""
    return plane(np.array([(each, 0.0) for each in metres]), 100)


@pytest.mark.parametrize(("name", "teams", "expected"), [("E-n13-k4", 4, 247), ("A-n32-k5", 5, 784)])
def test_vehicle_routes_are_as_short_as_the_best_known(shared: Path, name: str, teams: int, expected: int) -> None:
    path = shared / "reference" / f"{name}.vrp"
    if not path.exists():
        pytest.skip(f"no {path.name} among the shared test data")
    import vrplib

    told = vrplib.read_instance(str(path))
    metres = np.rint(np.asarray(told["edge_weight"], float))
    halts = [Halt(place, int(told["demand"][place])) for place in range(1, len(metres))]
    team = Team(0, 0, (DAY,), int(told["capacity"]))
    found = shortest_routes(Roads(metres, np.zeros_like(metres)), halts, [team] * teams, rounds(300))
    assert (found.metres, found.missed, found.stopped) == (expected, {}, Stop.ROUNDS)
    assert all(route.doses <= int(told["capacity"]) for route in found.routes)


def test_one_team_takes_the_shortest_of_all_orders() -> None:
    random = np.random.default_rng(1)
    for _ in range(12):
        metres = np.ceil(random.uniform(1, 5000, (6, 6)))
        np.fill_diagonal(metres, 0)
        shortest = min(
            sum(metres[one, other] for one, other in pairwise((0, *order, 5))) for order in permutations(range(1, 5))
        )
        # All is worth going to: more than any detour.
        halts = [Halt(place, prize=10**6) for place in range(1, 5)]
        found = shortest_routes(Roads(metres, metres / 1000), halts, [Team(0, 5, (DAY,))], rounds(60))
        assert (found.metres, found.missed) == (shortest, {})


def sound(roads: Roads, halts: list[Halt], teams: list[Team], found: Routing) -> None:
    """Nothing is broken: hours, doses, cold box, windows; each halt once or missed; times go as the roads do."""
    seen = [arrival.halt for route in found.routes for arrival in route.halts]
    assert sorted([*seen, *found.missed]) == list(range(len(halts)))
    assert len({(route.team, route.day) for route in found.routes}) == len(found.routes)
    for route in found.routes:
        team = teams[route.team]
        shift = next(each for each in team.shifts if each.day == route.day)
        assert shift.begin <= route.begin <= route.end <= shift.end
        assert team.minutes is None or route.end - route.begin <= team.minutes
        assert route.doses == sum(halts[arrival.halt].doses for arrival in route.halts)
        assert team.doses is None or route.doses <= team.doses
        place, free, metres = team.start, route.begin, 0.0
        for arrival in route.halts:
            halt = halts[arrival.halt]
            assert arrival.begin >= free + roads.minutes[place, halt.place] - 1e-6
            assert arrival.end - arrival.begin >= halt.minutes - 1e-6
            assert not halt.windows or any(
                window.begin <= arrival.begin <= window.end and window.day in (None, route.day)
                for window in halt.windows
            )
            metres += roads.metres[place, halt.place]
            place, free = halt.place, arrival.end
        assert route.end >= free + roads.minutes[place, team.finish] - 1e-6
        metres += roads.metres[place, team.finish]
        assert metres <= route.metres + 1e-3 <= metres + len(route.halts) + 2


def by_chance(random: np.random.Generator) -> tuple[Roads, list[Halt], list[Team]]:
    """A few places, one in eight of them on an island, with more to do than some of the teams can."""
    places = int(random.integers(3, 16))
    roads = plane(random.uniform(0, 20_000, (places, 2)))
    island = random.random(places) < 0.125
    island[0] = False
    cut = island[:, None] != island
    roads = Roads(np.where(cut, INF, roads.metres), np.where(cut, INF, roads.minutes))

    def windows() -> tuple[Window, ...]:
        begins = random.integers(6 * 60, 16 * 60, random.integers(0, 3)).tolist()
        return tuple(
            Window(begin, begin + float(random.integers(0, 180)), None if random.random() < 0.5 else 1)
            for begin in begins
        )

    halts = [
        Halt(place, int(random.integers(0, 60)), float(random.uniform(0, 90)), windows(), random.choice([None, 500.0]))
        for place in range(places)
    ]
    teams = [
        Team(
            int(random.integers(2)),
            int(random.integers(2)),
            tuple(
                Shift(day, 7 * 60 + random.integers(60), 11 * 60 + random.integers(360))
                for day in range(random.integers(1, 4))
            ),
            None if random.random() < 0.3 else int(random.integers(20, 200)),
            None if random.random() < 0.5 else float(random.uniform(60, 400)),
        )
        for _ in range(random.integers(1, 4))
    ]
    return roads, halts, teams


def test_no_route_breaks_hours_doses_cold_box_or_windows() -> None:
    random = np.random.default_rng(2)
    why: set[Missed] = set()
    routes = windows = 0
    for _ in range(120):
        roads, halts, teams = by_chance(random)
        found = shortest_routes(roads, halts, teams, rounds(20))
        sound(roads, halts, teams, found)
        why |= set(found.missed.values())
        routes += len(found.routes)
        windows += sum(bool(halts[arrival.halt].windows) for route in found.routes for arrival in route.halts)
    assert why == set(Missed)
    assert min(routes, windows) > 100


def test_the_same_seed_and_rounds_give_the_same_routes() -> None:
    roads = plane(np.random.default_rng(3).uniform(0, 20_000, (30, 2)))
    halts = [Halt(place, 10, 20.0) for place in range(1, 30)]
    teams = [Team(0, 0, tuple(Shift(day, 420, 1020) for day in range(3)), 60)] * 2
    told: list[Progress] = []
    limits = Limits(INF, rounds=80, seed=5)
    one = shortest_routes(roads, halts, teams, Watch(limits, progress=told.append))
    other = shortest_routes(roads, halts, teams, Watch(limits))
    assert (one.routes, one.missed, one.metres) == (other.routes, other.missed, other.metres)
    assert one.repeatable
    assert len(told) > 80
    assert told[-1].objective is not None


def test_a_search_that_is_not_wanted_any_more_ends() -> None:
    roads = plane(np.random.default_rng(3).uniform(0, 20_000, (30, 2)))
    asked = iter(range(10_000))
    halts = [Halt(place) for place in range(1, 30)]
    found = shortest_routes(roads, halts, [Team(0, 0, (DAY,))], Watch(Limits(INF), cancelled=lambda: next(asked) > 20))
    assert (found.stopped, found.repeatable) == (Stop.CANCELLED, False)
    sound(roads, halts, [Team(0, 0, (DAY,))], found)


def test_by_hand_a_day_along_one_road() -> None:
    # 10 minutes out, 30 of work, 10 further, a house that opens at 8:00, and 20 back.
    halts = [Halt(1, 5, 30.0), Halt(2, 7, 15.0, (Window(480, 540),))]
    found = shortest_routes(line(0, 1000, 2000), halts, [Team(0, 0, (Shift(0, 420, 600),))], rounds(30))
    (route,) = found.routes
    assert [arrival.halt for arrival in route.halts] in ([0, 1], [1, 0])
    assert (route.metres, route.doses, found.missed) == (4000, 12, {})
    second = next(arrival for arrival in route.halts if arrival.halt == 1)
    assert 480 <= second.begin <= 540
    assert second.end == pytest.approx(second.begin + 15)


def test_what_cannot_be_gone_to_says_why() -> None:
    metres = np.array([[0.0, 1000, INF], [1000, 0, INF], [INF, INF, 0]])
    roads = Roads(metres, metres / 100)
    team = Team(0, 0, (Shift(0, 420, 480),), doses=50, minutes=40)
    cases = {
        Missed.NO_WAY: Halt(2),
        Missed.TOO_MANY_DOSES: Halt(1, doses=51),
        # 10 minutes there, 25 of work, 10 back: five more than the cold box keeps.
        Missed.OUT_OF_HOURS: Halt(1, minutes=25),
    }
    for why, halt in cases.items():
        assert shortest_routes(roads, [halt], [team], rounds(5)).missed == {0: why}
    assert shortest_routes(roads, [Halt(1, 50, 20.0)], [team], rounds(5)).missed == {}
    two = [Halt(1, 30), Halt(1, 30)]
    assert list(shortest_routes(roads, two, [team], rounds(30)).missed.values()) == [Missed.NO_ROOM]
    assert shortest_routes(roads, two, [], rounds(30)).missed == dict.fromkeys((0, 1), Missed.NO_ROOM)
    on_sunday = Halt(1, windows=(Window(0, 1440, day=6),))
    assert shortest_routes(roads, [on_sunday], [team], rounds(5)).missed == {0: Missed.OUT_OF_HOURS}


def test_where_not_all_fit_the_higher_prize_is_gone_to() -> None:
    halts = [Halt(1, 30, prize=3000), Halt(2, 30, prize=9000)]
    found = shortest_routes(line(0, 1000, 2000), halts, [Team(0, 0, (DAY,), doses=50)], rounds(30))
    assert ([arrival.halt for arrival in found.routes[0].halts], found.missed) == ([1], {0: Missed.NO_ROOM})


def test_where_one_team_alone_may_go_no_other_does() -> None:
    metres = np.array([[0.0, 10_000, 1_000], [10_000, 0, 9_000], [1_000, 9_000, 0]])
    roads = Roads(metres, metres / 500)
    teams = [Team(start, start, (Shift(0, 480, 1020), Shift(1, 480, 1020))) for start in (0, 1)]
    free = shortest_routes(roads, [Halt(2, minutes=30)], teams, Watch(Limits(rounds=50)))
    assert [(route.team, route.metres) for route in free.routes] == [(0, 2_000)]
    second_day = (Window(0, 1440, 1),)
    bound = shortest_routes(
        roads, [Halt(2, minutes=30, windows=second_day, teams=(1,))], teams, Watch(Limits(rounds=50))
    )
    assert [(route.team, route.day, route.metres) for route in bound.routes] == [(1, 1, 18_000)]
    from_then_on = (Window(0, 2 * 1440, 1),)
    late = shortest_routes(roads, [Halt(2, windows=from_then_on)] * 2, teams, Watch(Limits(rounds=50)))
    assert {route.day for route in late.routes} == {1}


def test_among_very_many_others_whoever_is_bound_to_a_team_and_a_day_is_gone_to_from_the_first_round_on() -> None:
    random = np.random.default_rng(4)
    teams, days, others = 4, 6, 260
    roads = plane(random.uniform(0, 40_000, (teams + teams * days + others, 2)))
    crews = [Team(one, one, tuple(Shift(day, 420, 1020) for day in range(days))) for one in range(teams)]
    prize = 10.0 * 200_000 * others
    halts = [
        Halt(teams + number, 60, 120, (Window(420, 1020, number // teams),), prize, (number % teams,))
        for number in range(teams * days)
    ]
    halts += [Halt(len(crews) + len(halts) + number, 60, 120, (), 200_000) for number in range(others)]
    found = shortest_routes(roads, halts, crews, rounds(1))
    sound(roads, halts, crews, found)
    held = {arrival.halt: (route.team, route.day) for route in found.routes for arrival in route.halts}
    assert {number: held.get(number) for number in range(teams * days)} == {
        number: (number % teams, number // teams) for number in range(teams * days)
    }
    assert len(held) > 2 * teams * days


def test_a_day_without_a_team_is_worth_a_detour() -> None:
    # Two teams at both ends of the road; each could do the halt beside it.
    teams = [Team(0, 0, (DAY,)), Team(3, 3, (DAY,))]
    halts = [Halt(1), Halt(2)]
    roads = line(0, 100, 900, 1000)
    assert len(shortest_routes(roads, halts, teams, rounds(30)).routes) == 2
    assert len(shortest_routes(roads, halts, teams, rounds(30), day_m=5000).routes) == 1


def test_of_days_that_are_alike_the_one_that_is_worth_less_is_taken() -> None:
    for early in (0, 1):
        shifts = tuple(Shift(day, 480, 1020, 50.0 * (day != early)) for day in (0, 1))
        found = shortest_routes(line(0, 1000), [Halt(1)], [Team(0, 0, shifts)], rounds(30))
        assert [route.day for route in found.routes] == [early]


def test_a_computer_without_pyvrp_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvrp", None)
    with pytest.raises(NotSupported, match="on another computer"):
        shortest_routes(line(0, 1000), [Halt(1)], [Team(0, 0, (DAY,))], rounds(5))


def test_numbers_that_cannot_be_are_refused() -> None:
    roads, team = line(0, 1000), Team(0, 0, (DAY,))
    with pytest.raises(ValueError, match="counted from 0 to 1"):
        shortest_routes(roads, [Halt(2)], [team])
    with pytest.raises(ValueError, match="numbers from 0"):
        shortest_routes(roads, [Halt(1, -1)], [team])
    with pytest.raises(ValueError, match="ends before"):
        shortest_routes(roads, [Halt(1, windows=(Window(9, 8),))], [team])
    with pytest.raises(ValueError, match="later than it begins"):
        shortest_routes(roads, [Halt(1)], [Team(0, 0, (Shift(0, 600, 600),))])
    with pytest.raises(ValueError, match="one shift a day"):
        shortest_routes(roads, [Halt(1)], [Team(0, 0, (DAY, DAY))])
    with pytest.raises(ValueError, match="from all to all"):
        Roads(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="inf where there is none"):
        Roads(np.zeros((1, 1)), np.full((1, 1), -1.0))
