"""What a plan may be asked: each field within bounds, whoever asks, and a scenario named by its code told in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from mapper.domain.epidemic import LEVELS
from mapper.domain.plan import FieldTeam, PlanQuestion, Scenario
from mapper.domain.planning import PlanningRules
from mapper.errors import InvalidInput, InvalidQuestion, mark

MOST_DAYS = 366
MOST_TEAMS = 200
MOST_DOSES = 100_000_000
MOST_PEOPLE = 1_000_000
MOST_KEPT = 20_000
"""Sessions that stand, and entries of levels, of one plan."""

DAY_MINUTES = 24 * 60.0
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
LONGEST_NAME = 80

LIMITS: Mapping[str, tuple[float, float]] = {
    "sites": (1, 100_000),
    "mobile_days": (1, MOST_DAYS),
    "doses": (0, MOST_DOSES),
    "seconds": (0.1, 3_600),
    "gap": (0, 1),
    "seed": (0, 2**31 - 1),
    "farther": (0.1, 1_000),
}
"""Least and most of what a question may ask; a field that is None asks nothing."""

_LEVELS = min(LEVELS), max(LEVELS)


def checked(question: PlanQuestion) -> PlanQuestion:
    """The question, its name tidied. Raises InvalidQuestion, InvalidInput for what cannot be asked whatever is due."""
    if not FIRST_DAY <= question.first <= LAST_DAY or not 1 <= (question.last - question.first).days + 1 <= MOST_DAYS:
        raise InvalidQuestion(
            mark("A plan has 1 to {most} days. Choose a last day that is not before the first."), most=MOST_DAYS
        )
    if len(question.teams) > MOST_TEAMS:
        raise InvalidQuestion(mark("A plan has at most {most} teams."), most=MOST_TEAMS)
    several = {"keeps": question.keeps, "scenario.levels": question.scenario.levels}
    several |= {"scenario.closed": question.scenario.closed}
    for field, entries in several.items():
        if len(entries) > MOST_KEPT:
            raise InvalidQuestion(
                mark("The field {field} of a plan has {most} entries at most."), field=field, most=MOST_KEPT
            )
    for field, value, least, most in _numbers(question):
        if value is not None and not least <= value <= most:
            raise InvalidQuestion(
                mark("The field {field} of a plan is a number from {least} to {most}."),
                field=field,
                least=least,
                most=most,
            )
    for place, day in enumerate(question.off):
        _check_day(question, f"off.{place}", day)
    for team in question.teams:
        _check_team(question, team)
    for place, (_, day, _) in enumerate(question.scenario.levels):
        if not FIRST_DAY <= day <= LAST_DAY:
            raise _no_day(f"scenario.levels.{place}", day, FIRST_DAY, LAST_DAY)
    return replace(question, name=name_of(question.name, empty=True))


def name_of(written: str, empty: bool = False) -> str:
    """The name of a plan. empty: whether it may be none. Raises InvalidInput."""
    name = " ".join(written.split())
    if len(name) > LONGEST_NAME or not (name or empty) or not name.isprintable():
        raise InvalidInput(mark("A plan's name has 1 to {most} letters. Write another."), most=LONGEST_NAME)
    return name


def in_full(scenario: Scenario, rules: PlanningRules) -> Scenario:
    """A scenario; of one that is named by its code alone what planning.toml says of it.

    Levels and closed units that are told beside the code hold. Raises InvalidQuestion for a code that is none.
    """
    if not scenario.code or replace(scenario, code="", levels=(), closed=()) != Scenario():
        return scenario
    found = rules.preset(scenario.code)
    if found is None:
        raise InvalidQuestion(
            mark("planning.toml has no scenario {code}. It has: {scenarios}."),
            code=scenario.code[:60],
            scenarios=", ".join(one.scenario.code for one in rules.scenarios) or "–",
        )
    return replace(found.scenario, levels=scenario.levels, closed=scenario.closed or found.scenario.closed)


def _numbers(question: PlanQuestion) -> Iterator[tuple[str, float | None, float, float]]:
    """Every number of a question: the field's name, the number, and its least and most."""
    for field, limits in LIMITS.items():
        yield field, getattr(question, field), *limits
    for place, team in enumerate(question.teams):
        yield f"teams.{place}.doses", team.doses, 1, MOST_DOSES
        yield f"teams.{place}.cold_minutes", team.cold_minutes, 1, MOST_DOSES
    for place, kept in enumerate(question.keeps):
        yield f"keeps.{place}.people", kept.people, 0, MOST_PEOPLE
        yield f"keeps.{place}.asked", len(kept.asked), 0, MOST_PEOPLE
    scenario = question.scenario
    yield "scenario.level", scenario.level, *_LEVELS
    yield "scenario.closed_from", scenario.closed_from, *_LEVELS
    yield "scenario.teams", scenario.teams, 0, MOST_PEOPLE
    yield "scenario.doses_a_day", scenario.doses_a_day, 1, MOST_DOSES
    for place, (_, _, level) in enumerate(scenario.levels):
        yield f"scenario.levels.{place}", level, *_LEVELS
    for level, people in scenario.crowd.items():
        yield "scenario.crowd", level, *_LEVELS
        yield f"scenario.crowd.{level}", people, 0, MOST_PEOPLE
    for level, weight in scenario.weigh.items():
        yield "scenario.weigh", level, *_LEVELS
        yield f"scenario.weigh.{level}", weight, 1, MOST_PEOPLE


def _check_team(question: PlanQuestion, team: FieldTeam) -> None:
    name, (lat, lon) = team.name.strip(), (team.start.lat, team.start.lon)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(mark("A team's name has 1 to {most} letters. Write another."), most=LONGEST_NAME)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise InvalidQuestion(mark("Team {name} sets out from no place on this earth."), name=name)
    if not 0 <= team.begin < team.end <= DAY_MINUTES:
        raise InvalidQuestion(
            mark("The day of team {name} ends before it begins, or is none. Turn its hours round."), name=name
        )
    if team.days and not any(question.first <= day <= question.last for day in team.days):
        raise InvalidQuestion(
            mark("Team {name} works on no day from {first} to {last}. Give it a day of the plan, or leave it out."),
            name=name,
            first=question.first.isoformat(),
            last=question.last.isoformat(),
        )


def _check_day(question: PlanQuestion, field: str, day: date) -> None:
    if not question.first <= day <= question.last:
        raise _no_day(field, day, question.first, question.last)


def _no_day(field: str, day: date, first: date, last: date) -> InvalidQuestion:
    told = {"field": field, "day": day.isoformat(), "first": first.isoformat(), "last": last.isoformat()}
    return InvalidQuestion(mark("The day {day} in the field {field} of a plan is not from {first} to {last}."), **told)
