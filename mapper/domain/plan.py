"""What a plan is asked for, and from what it is made: all that makes it again, and nothing that names anybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from mapper.domain.people import Point
from mapper.domain.sites import Site

HOUR = 60.0
"""Minutes."""

SUNDAY = 6

HOLIDAYS = frozenset({(1, 1), (4, 30), (5, 1), (9, 2)})
"""Months and days on which Vietnam rests every year; those of the lunar calendar are told. Source: Labour Code
45/2019/QH14, article 112."""


def working_days(first: date, last: date, off: Collection[date] = ()) -> list[date]:
    """The days from one to another that are no Sundays, no holidays and not off; all of them where no day is left."""
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    open_ = [
        day for day in every if day.weekday() != SUNDAY and (day.month, day.day) not in HOLIDAYS and day not in off
    ]
    return open_ or every


class Aim(StrEnum):
    """What a plan of sites is best at.

    MOST_PEOPLE: as many as so many sites can have within their walk, whatever the sites' capacity. FEWEST_SITES: all
    who can be reached, likewise. LEAST_TRAVEL: within capacity as many as can be, by the shortest ways.
    """

    MOST_PEOPLE = "most_people"
    FEWEST_SITES = "fewest_sites"
    LEAST_TRAVEL = "least_travel"


@dataclass(frozen=True, slots=True)
class FieldTeam:
    """A mobile team. start: where it sets out and comes back to. begin, end: minutes after midnight of its day.

    doses: that it gives on a day at most; cold_minutes: that its box keeps vaccine cold; None for no such limit.
    days: on which it works, empty for every working day of the plan. vehicle: words, shown and nothing more.
    """

    name: str
    start: Point
    begin: float = 7 * HOUR
    end: float = 17 * HOUR
    doses: int | None = None
    cold_minutes: float | None = None
    days: tuple[date, ...] = ()
    vehicle: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Under what conditions a plan is made, from one and the same census.

    code: of planning.toml, or "" for none. levels: epidemic level by innermost unit from a day on, in place of those
    entered; unit, day, level. as_entered: whether the levels entered hold where none is told here. level: of units of
    which none is told otherwise. closed: innermost units that nobody walks into or out of; closed_from: the level from
    which a unit is one, None for no level. order: codes of precedences, first served first; empty as planning.toml
    weighs them. crowd: people a day at one site at most, by level. weigh: how many others a person counts as, by level
    of where they live. teams: how many of them go out, the first ones. doses_a_day: of a team; None for those of the
    teams themselves.
    """

    code: str = ""
    levels: tuple[tuple[str, date, int], ...] = ()
    as_entered: bool = True
    level: int | None = None
    closed: tuple[str, ...] = ()
    closed_from: int | None = None
    order: tuple[str, ...] = ()
    crowd: Mapping[int, int] = field(default_factory=dict)
    weigh: Mapping[int, float] = field(default_factory=dict)
    teams: int | None = None
    doses_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class FixedSession:
    """A session that stands: a team at a site on a day, from an earlier plan or as agreed.

    people: at most, None for any. asked: ids of those who were asked to it; they stay as long as they go to that site.
    """

    site: str
    day: date
    team: str = ""
    people: int | None = None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """A plan as it was asked for.

    set_id, area: a unit of a boundary set as level:code, "" for all that the asker sees. first, last: days of the plan;
    whoever is due on one of them is planned for. off: days among them without work, beside Sundays and holidays.
    sites: how many at most, the fixed ones among them; None for as many as the days of teams hold; not asked by
    FEWEST_SITES. proposed: whether the middle house of each hamlet is a candidate too. mobile_days: on how many days a
    team is at a mobile site, or on more if those do not suffice. doses: to be had in all, None for no limit. rolling:
    commune after commune. farther: how many times as far as planning.toml says people walk. keeps: sessions that stand;
    follows: the plan that this one takes the place of. seconds: in which the sites are to be chosen, and again the
    routes.
    """

    campaign_id: str
    first: date
    last: date
    name: str = ""
    set_id: str = ""
    area: str = ""
    aim: Aim = Aim.MOST_PEOPLE
    sites: int | None = None
    proposed: bool = True
    mobile_days: int = 1
    teams: tuple[FieldTeam, ...] = ()
    scenario: Scenario = Scenario()
    doses: int | None = None
    rolling: bool = False
    keeps: tuple[FixedSession, ...] = ()
    follows: int | None = None
    seconds: float = 60.0
    gap: float = 0.001
    seed: int = 1
    off: tuple[date, ...] = ()
    farther: float = 1.0

    @property
    def working_days(self) -> list[date]:
        """On which stations and teams work."""
        return working_days(self.first, self.last, self.off)


@dataclass(frozen=True, slots=True)
class DuePerson:
    """Somebody who is due in the days of a plan. on: the first of them on which that holds; due: codes of doses then.

    vials: code of the formulation by that of the dose; a dose without one is of no vaccine of planning.toml.
    precedences: positions of those of planning.toml that hold for them.
    """

    id: str
    on: date
    due: tuple[str, ...]
    vials: Mapping[str, str]
    precedences: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DueHouse:
    """A household with anybody due. point: None where it has no position that can be trusted. unit: innermost unit of
    the plan's boundary set in which it stands."""

    id: str
    hamlet_code: str | None
    commune_code: str | None
    point: Point | None
    people: tuple[DuePerson, ...]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class PlanGiven:
    """What a plan is made from; the same gives the same plan.

    moment: ISO time of the census. rules: planning.toml, "" for none. units: innermost unit of each site by its code.
    hamlets, names: of hamlets and of innermost units by code. levels: as entered; unit, day from which it holds, level.
    roads: what ways are reckoned by, as a plan tells it. not_due: people of the area who are not due in the days of the
    plan, by how they stand; next_on: the first day after those on which any of them falls due. carried: unit and day of
    those of the levels that were entered for another boundary set, and that set.
    """

    question: PlanQuestion
    moment: str
    rules: str
    houses: tuple[DueHouse, ...]
    sites: tuple[Site, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    hamlets: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    levels: tuple[tuple[str, date, int], ...] = ()
    roads: str = ""
    not_due: Mapping[str, int] = field(default_factory=dict)
    next_on: date | None = None
    carried: tuple[tuple[str, date, str], ...] = ()
