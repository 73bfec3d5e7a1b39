"""What if: the questions next to a question, each answered from what was gathered for it, so that only they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mapper.domain.made_plan import Explained
from mapper.domain.plan import Aim, PlanGiven, PlanQuestion, Scenario
from mapper.domain.planning import PlanningRules
from mapper.errors import InvalidQuestion, mark

HALF_AGAIN = 1.5
"""So many times as far people walk in one of the questions."""

Variant = tuple[Explained, PlanQuestion]
"""A question, and in words what is other in it."""


def variants(given: PlanGiven, rules: PlanningRules, doses: int | None = None) -> list[Variant]:
    """A question with one thing other each time: teams, doses, sites, walks, the scenario.

    doses: that there might be alone; half of those due where nothing is told. A fact ``scenario`` is a code.
    """
    wish = given.question
    return [*_teams(wish), *_sites(wish), *_doses(given, doses), *_walks(wish), *_scenarios(wish, rules)]


def what_if(given: PlanGiven, question: PlanQuestion) -> PlanGiven:
    """What another question is answered from: the same people, sites and levels.

    Raises InvalidQuestion where it asks for other people: of another campaign, area or days.
    """
    wish = given.question
    for first, other in (
        (wish.campaign_id, question.campaign_id),
        (wish.set_id, question.set_id),
        (wish.area, question.area),
        (wish.first, question.first),
        (wish.last, question.last),
    ):
        if first != other:
            raise InvalidQuestion(
                mark("This asks for other people: {other} in place of {first}. Make a plan of its own for them."),
                other=str(other) or "–",
                first=str(first) or "–",
            )
    return replace(given, question=question)


def _teams(wish: PlanQuestion) -> Iterator[Variant]:
    if len(wish.teams) > 1:
        gone = wish.teams[-1]
        yield Explained(mark("without team {team}"), {"team": gone.name}), replace(wish, teams=wish.teams[:-1])


def _sites(wish: PlanQuestion) -> Iterator[Variant]:
    if wish.aim is Aim.FEWEST_SITES or wish.sites is None:
        return
    if wish.sites > 1:
        yield Explained(mark("with one site less")), replace(wish, sites=wish.sites - 1)
    yield Explained(mark("with one site more")), replace(wish, sites=wish.sites + 1)


def _doses(given: PlanGiven, doses: int | None) -> Iterator[Variant]:
    wish = given.question
    due = sum(len(person.due) for house in given.houses for person in house.people)
    number = doses if doses is not None else min(due, due if wish.doses is None else wish.doses) // 2
    if number > 0 and number != wish.doses:
        yield Explained(mark("with {doses} doses only"), {"doses": number}), replace(wish, doses=number)


def _walks(wish: PlanQuestion) -> Iterator[Variant]:
    farther = wish.farther * HALF_AGAIN
    yield Explained(mark("with walks {times} times as long"), {"times": farther}), replace(wish, farther=farther)


def _scenarios(wish: PlanQuestion, rules: PlanningRules) -> Iterator[Variant]:
    """Every other scenario, with the levels and closed units that were told for this one."""
    now = wish.scenario
    others = [Scenario(), *(one.scenario for one in rules.scenarios)]
    for other in others:
        if other.code != now.code:
            made = replace(other, levels=now.levels, closed=now.closed) if other.code else other
            words = mark("in scenario {scenario}") if other.code else mark("without a scenario")
            yield Explained(words, {"scenario": other.code} if other.code else {}), replace(wish, scenario=made)
