"""A small invented plan, made in memory alone: what plans load and set up at their first use is there before anybody
asks for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta

from mapper.domain.made_plan import MadePlan
from mapper.domain.people import Point
from mapper.domain.plan import DueHouse, DuePerson, FieldTeam, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.formats.plan_file import read_made, write_made
from mapper.services.planning import Watched, make
from mapper.services.plans import summary

HAMLETS, HOUSES = 6, 12
"""Invented, and so many houses in each."""

HOME = Point(21.0, 105.8)
APART_DEG, NEXT_DEG = 0.01, 0.0005
"""Between hamlets, and between houses."""

CAPACITY, DOSES = 10, 10
"""People a day of the one station, and doses of a team: fewer than there are people, so that all steps have work."""

FIRST = date(2024, 1, 8)
"""A Monday."""


def rehearse(rules: PlanningRules) -> MadePlan:
    """The first plan of invented people, as it would be kept and read; nothing of it stays anywhere."""
    told: list[MadePlan] = []
    make(invented(), rules, Watched(first=told.append, unwanted=lambda: bool(told)))
    (plan,) = told
    json.dumps(summary(plan))
    return read_made(write_made(plan))


def invented(doses: int | None = None) -> PlanGiven:
    """Hamlets around a station, of which some people are due later, and two teams. doses: to be had in all."""
    team = FieldTeam("1", HOME, doses=DOSES), FieldTeam("2", HOME, doses=DOSES)
    question = PlanQuestion("", FIRST, FIRST + timedelta(days=2), sites=3, teams=team, doses=doses)
    station = Site("station", "", SiteKind.FIXED, HOME.lat, HOME.lon, CAPACITY)
    return PlanGiven(question, "", "", tuple(_houses()), (station,))


def _houses() -> Iterator[DueHouse]:
    for hamlet in range(HAMLETS):
        for number in range(HOUSES):
            where = Point(HOME.lat + hamlet * APART_DEG, HOME.lon + number * NEXT_DEG)
            name = f"{hamlet}.{number:02}"
            people = tuple(
                DuePerson(f"{name}.{one}", FIRST + timedelta(days=number % 2), ("1",), {}) for one in range(2)
            )
            yield DueHouse(name, str(hamlet), None, where, people)
