"""What if: the questions next to a question, each with one thing other, to be answered from the same census."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mapper.domain.made_plan import Explained
from mapper.domain.plan import Aim, PlanQuestion, Scenario
from mapper.domain.planning import PlanningRules
from mapper.domain.whole import whole
from mapper.errors import InvalidQuestion, mark
from mapper.services.plan_question import MOST_DOSES

HALF_AGAIN = 1.5
"""So many times as far people walk in one of the questions."""

DOSES, SCENARIO = "doses:", "scenario:"
"""Beginnings of codes that a number of doses follows, or the code of a scenario; nothing for none."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A question, and in words what is other in it. code: by which it is asked for. A fact ``scenario`` is a code."""

    code: str
    told: Explained
    question: PlanQuestion


def variants(wish: PlanQuestion, rules: PlanningRules, used: int | None = None) -> list[Variant]:
    """All that can be asked of a question without a number: teams, sites, walks, scenarios.

    used: sites of the plan that was made of it, which count where nobody said how many.
    """
    return [*_teams(wish), *_sites(wish, used), _walks(wish), *_scenarios(wish, rules)]


def varied(wish: PlanQuestion, rules: PlanningRules, code: str, used: int | None = None) -> Variant:
    """The question of a code. used: as in variants.

    Raises InvalidQuestion for one that cannot be, with those that can.
    """
    if code.startswith(DOSES):
        return _doses(wish, code.removeprefix(DOSES))
    every = {one.code: one for one in variants(wish, rules, used)}
    if code not in every:
        raise InvalidQuestion(
            mark("This plan cannot be varied by {code}. It can by: {codes}."),
            code=code[:40] or "–",
            codes=", ".join([*every, f"{DOSES}2000"]),
        )
    return every[code]


def _teams(wish: PlanQuestion) -> Iterator[Variant]:
    if len(wish.teams) > 1:
        told = Explained(mark("without {team}"), {"team": wish.teams[-1].name})
        yield Variant("team_less", told, replace(wish, teams=wish.teams[:-1]))


def _sites(wish: PlanQuestion, used: int | None) -> Iterator[Variant]:
    sites = used if wish.sites is None else wish.sites
    if wish.aim is Aim.FEWEST_SITES or not sites:
        return
    if sites > 1:
        yield Variant("site_less", Explained(mark("one site less")), replace(wish, sites=sites - 1))
    yield Variant("site_more", Explained(mark("one site more")), replace(wish, sites=sites + 1))


def _doses(wish: PlanQuestion, written: str) -> Variant:
    doses = whole(written, MOST_DOSES)
    if not doses:
        raise InvalidQuestion(mark("Write how many doses there are."))
    return Variant(
        f"{DOSES}{doses}", Explained(mark("{doses} doses only"), {"doses": doses}), replace(wish, doses=doses)
    )


def _walks(wish: PlanQuestion) -> Variant:
    farther = wish.farther * HALF_AGAIN
    told = Explained(mark("walks {times} times as long"), {"times": farther})
    return Variant("farther", told, replace(wish, farther=farther))


def _scenarios(wish: PlanQuestion, rules: PlanningRules) -> Iterator[Variant]:
    """Every other scenario, with the levels and closed units that were told for this one."""
    now = wish.scenario
    for other in (Scenario(), *(one.scenario for one in rules.scenarios)):
        if other.code != now.code:
            told = Explained(mark("without a scenario"))
            if other.code:
                told = Explained(mark("in scenario {scenario}"), {"scenario": other.code})
            scenario = replace(other, levels=now.levels, closed=now.closed)
            yield Variant(f"{SCENARIO}{other.code}", told, replace(wish, scenario=scenario))
