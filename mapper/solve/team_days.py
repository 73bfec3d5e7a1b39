"""Days of teams as routes: what is asked of them and what comes out, and which halts no route could ever take in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mapper.solve.siting import Floats, Stop

DAY_S = 86_400


class Missed(StrEnum):
    """Why no team goes to a halt."""

    NO_WAY = "no_way"
    """No team gets there and back."""
    TOO_MANY_DOSES = "too_many_doses"
    """It alone needs more doses than any team carries on a day."""
    OUT_OF_HOURS = "out_of_hours"
    """Alone on a day it does not fit the hours of any team and its own windows."""
    NO_ROOM = "no_room"
    """It would fit, but teams, days, hours or doses do not suffice for all."""


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes after midnight between which work at a halt begins. day: only on that one; None on every day.

    From a day on, an end beyond its 1,440 minutes lies on the days after it.
    """

    begin: float
    end: float
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    """A place to go to once. minutes: of work there. windows: any of them, all times where there are none.

    prize: metres that going there is worth; it is left out where it would cost more or does not fit.
    teams: that may go there; all where none is named.
    """

    place: int
    doses: int = 0
    minutes: float = 0.0
    windows: tuple[Window, ...] = ()
    prize: float | None = None
    teams: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """Minutes after midnight between which a team is on its way on a day, counted from 0.

    worth_m: metres that it is worth not to go out on it, beside those of every day.
    """

    day: int
    begin: float
    end: float
    worth_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Team:
    """Starts and ends each of its days at a place. doses: that it carries; minutes: that its cold box keeps them."""

    start: int
    finish: int
    shifts: tuple[Shift, ...]
    doses: int | None = None
    minutes: float | None = None


@dataclass(frozen=True, eq=False)
class Roads:
    """metres, minutes: (places, places) from each to each, inf where there is no way."""

    metres: Floats
    minutes: Floats

    def __post_init__(self) -> None:
        square = self.metres.ndim == 2 and self.metres.shape[0] == self.metres.shape[1]
        if not square or self.minutes.shape != self.metres.shape:
            raise ValueError(f"{self.metres.shape} metres and {self.minutes.shape} minutes; both go from all to all")
        if any(np.isnan(each).any() or (each < 0).any() for each in (self.metres, self.minutes)):
            raise ValueError("a way has metres and minutes from 0, inf where there is none")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A halt on a route: when work begins and ends there, in minutes after midnight."""

    halt: int
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Route:
    """The day of a team. begin, end: minutes after midnight when it leaves and is back."""

    team: int
    day: int
    halts: tuple[Arrival, ...]
    begin: float
    end: float
    metres: float
    doses: int


@dataclass(frozen=True, slots=True)
class Routing:
    """routes: by day and team, none empty. missed: halts that are on none, and why. metres: of all routes."""

    routes: tuple[Route, ...]
    missed: Mapping[int, Missed]
    metres: float
    seconds: float
    seed: int
    stopped: Stop

    @property
    def repeatable(self) -> bool:
        """Whether the same question and seed give these routes again."""
        return self.stopped not in (Stop.TIME, Stop.CANCELLED)


@dataclass(frozen=True, slots=True)
class TeamDay:
    """A team on one of its days, with times in seconds since the first midnight."""

    number: int
    team: Team
    day: int
    begin: int
    end: int
    worth_m: float

    @property
    def longest(self) -> int:
        """Seconds that a route may take."""
        return min(self.end - self.begin, math.floor(60 * self.team.minutes) if self.team.minutes else DAY_S)


def impossible(roads: Roads, halts: Sequence[Halt], teams: Sequence[Team]) -> dict[int, Missed]:
    """Halts to which no team could go even if it had no other, and why."""
    days = team_days(teams)
    spans: dict[tuple[Window, ...], list[tuple[int, int]]] = {}
    found = {}
    for place, halt in enumerate(halts):
        if halt.windows not in spans:
            spans[halt.windows] = spans_of(halt, days) if days else []
        if (why := _impossible(roads, halt, days, spans[halt.windows])) is not None:
            found[place] = why
    return found


def check(roads: Roads, halts: Sequence[Halt], teams: Sequence[Team], day_m: float) -> None:
    places = len(roads.metres)
    named = [halt.place for halt in halts] + [place for team in teams for place in (team.start, team.finish)]
    if any(not 0 <= place < places for place in named):
        raise ValueError(f"places are counted from 0 to {places - 1}")
    if any(shift.worth_m < 0 for team in teams for shift in team.shifts):
        raise ValueError("a day is worth metres from 0")
    if any(halt.doses < 0 or halt.minutes < 0 or (halt.prize or 0) < 0 for halt in halts) or day_m < 0:
        raise ValueError("doses, minutes and prizes are numbers from 0")
    if any(window.end < window.begin for halt in halts for window in halt.windows):
        raise ValueError("a window ends before it begins")
    if any(not 0 <= team < len(teams) for halt in halts for team in halt.teams):
        raise ValueError(f"teams are counted from 0 to {len(teams) - 1}")
    for team in teams:
        if any(not 0 <= shift.begin < shift.end <= DAY_S / 60 or shift.day < 0 for shift in team.shifts):
            raise ValueError("a shift begins and ends on its day, later than it begins")
        if len({shift.day for shift in team.shifts}) < len(team.shifts):
            raise ValueError("a team has one shift a day")


def team_days(teams: Sequence[Team]) -> list[TeamDay]:
    days = [
        TeamDay(
            number,
            team,
            shift.day,
            shift.day * DAY_S + math.ceil(60 * shift.begin),
            shift.day * DAY_S + math.floor(60 * shift.end),
            shift.worth_m,
        )
        for number, team in enumerate(teams)
        for shift in team.shifts
    ]
    return sorted(days, key=lambda one: (one.day, one.number))


def spans_of(halt: Halt, days: Sequence[TeamDay]) -> list[tuple[int, int]]:
    """Seconds since the first midnight between which work at a halt may begin; joined where nothing lies between."""
    whole = (min(day.begin for day in days), max(day.end for day in days))
    if not halt.windows:
        return [whole]
    each = sorted({day.day for day in days})
    spans = sorted(
        (day * DAY_S + math.ceil(60 * window.begin), day * DAY_S + math.floor(60 * window.end))
        for window in halt.windows
        for day in ([window.day] if window.day is not None else each)
        if window.day is None or window.day in each
    )
    if len(halt.windows) == 1 and halt.windows[0].day is None:
        window = halt.windows[0]
        hours = [(day.begin - day.day * DAY_S, day.end - day.day * DAY_S) for day in days]
        if all(60 * window.begin <= begin and end <= 60 * window.end for begin, end in hours):
            return [whole]
    return spans


def _impossible(roads: Roads, halt: Halt, days: Sequence[TeamDay], spans: list[tuple[int, int]]) -> Missed | None:
    """Why no team could go to a halt even if it had no other."""
    own = [day for day in days if not halt.teams or day.number in halt.teams]
    ends = {(day.team.start, day.team.finish) for day in own}
    reached = {
        (start, finish) for start, finish in ends if _there_and_back(roads.metres, halt, start, finish) < math.inf
    }
    ways = own if reached == ends else [day for day in own if (day.team.start, day.team.finish) in reached]
    if not ways:
        return Missed.NO_WAY if own else Missed.NO_ROOM
    carried = [day for day in ways if day.team.doses is None or halt.doses <= day.team.doses]
    if not carried:
        return Missed.TOO_MANY_DOSES
    return None if any(_fits(roads, halt, day, spans) for day in carried) else Missed.OUT_OF_HOURS


def _there_and_back(ways: Floats, halt: Halt, start: int, finish: int) -> float:
    return float(ways[start, halt.place] + ways[halt.place, finish])


def _fits(roads: Roads, halt: Halt, day: TeamDay, spans: list[tuple[int, int]]) -> bool:
    out = math.ceil(60 * roads.minutes[day.team.start, halt.place])
    back = math.ceil(60 * roads.minutes[halt.place, day.team.finish])
    work = math.ceil(60 * halt.minutes)
    return out + work + back <= day.longest and any(
        max(day.begin + out, begin) <= min(end, day.end - back - work) for begin, end in spans
    )
