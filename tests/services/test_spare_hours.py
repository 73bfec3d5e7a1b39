"""What teams have left of their days: for whom they come once more, and for whom no vial is opened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mapper.domain.campaign import Label
from mapper.domain.planning import Formulation, PlanningRules
from mapper.services import planning
from mapper.services.appointments import Appointed, Slot
from mapper.services.planning import make
from mapper.services.scenarios import conditions
from mapper.services.spare_days import Days
from mapper.services.spare_hours import fill_up
from mapper.services.spare_places import Day, Stop
from mapper.services.spare_vials import FilledVials
from mapper.services.team_stops import HomeStop
from mapper.services.turns import Comer
from tests.services.plan_cases import MONDAY, RULES, at, given, house, team
from tests.services.test_random_plans import asked

TEN = Formulation("ten", "a", Label("Mười liều"), 10, 6)
SINGLE = Formulation("single", "b", Label("Một liều"), 1, 6)
RULE = replace(RULES, formulations=(TEN, SINGLE))
SEEDS = range(0, 240, 2)


def comers(people: int, vial: str, doses: tuple[str, ...] = ("1",)) -> list[Comer]:
    home = house("h", at(0, 0), people, doses=doses, vial=vial)
    return [Comer(home, one, 0.0, 1.0, one.on, len(one.due)) for one in home.people]


@pytest.mark.parametrize(
    ("several", "share"),
    [
        (comers(1, "ten"), 0.1),
        (comers(5, "ten"), 0.5),
        (comers(11, "ten"), 0.55),
        (comers(5, "ten", ("1", "2")), 1.0),
        (comers(1, "single"), 1.0),
        (comers(2, "ten") + comers(3, "single"), 5 / 13),
        (comers(1, ""), 1.0),
        (comers(1, "ten") + comers(9, ""), 10 / 19),
    ],
)
def test_vials_are_filled_by_the_doses_due_from_those_that_are_opened(several: list[Comer], share: float) -> None:
    vials = FilledVials(RULE)
    assert float(vials.share(vials.doses(several).sum(axis=0))) == pytest.approx(share)


def test_half_a_vial_is_enough_or_as_much_as_there_was() -> None:
    vials = FilledVials(RULE)
    four, five, eleven = (vials.doses(comers(number, "ten")).sum(axis=0) for number in (4, 5, 11))
    assert not vials.enough(four) and vials.enough(five) and vials.enough(eleven)
    assert vials.enough(four, before=vials.doses(comers(3, "ten")).sum(axis=0)), "fuller than it was"
    assert not vials.enough(vials.doses(comers(2, "ten")).sum(axis=0), before=four), "emptier than it was"
    assert vials.enough(four - four, before=four), "a session to which nobody comes opens none"


def filled_by(seed: int, share: Fraction, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float | None]]:
    """Of each team's session of a random plan how full its vials are, and were before; None of one put in."""
    wish, rules = asked(seed), replace(RULES, formulations=(TEN,), filled=share)
    vials = FilledVials(rules)
    found: list[tuple[float, float | None]] = []

    def full(slot: Slot) -> float:
        return float(vials.share(vials.doses(slot.asked).sum(axis=0)))

    def spied(given: Any, plan: Any, sent: Any, appointed: Appointed, *other: Any) -> Any:
        before: Mapping[int, tuple[Slot, float]] = {
            id(slot): (slot, full(slot)) for place in appointed.places for slot in place.slots if slot.asked
        }
        made = fill_up(given, plan, sent, appointed, *other)
        for place in made[2].places:
            found.extend(
                (full(slot), before[id(slot)][1] if id(slot) in before else None)
                for slot in place.slots
                if slot.team and slot.asked
            )
        return made

    monkeypatch.setattr(planning, "fill_up", spied)
    make(wish, rules)
    return found


def test_no_session_is_put_in_for_less_than_the_rules_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapper.services.team_plan.ROUNDS", 0)
    monkeypatch.setattr("mapper.services.team_plan.FEWEST_ROUNDS", 15)
    put_in: Callable[[Fraction], list[float]] = lambda share: [  # noqa: E731
        now
        for seed in SEEDS
        for now, before in filled_by(seed, share, monkeypatch)
        if before is None or now < before - 1e-9
    ]
    assert min(put_in(Fraction(0))) < 0.5, "with no least share vials are opened for one or two"
    kept = put_in(Fraction(1, 2))
    assert kept and min(kept) >= 0.5


def test_a_campaign_says_its_own_share() -> None:
    assert PlanningRules().filled == Fraction(1, 2)
    vials = FilledVials(replace(RULE, filled=Fraction(1)))
    assert not vials.enough(vials.doses(comers(9, "ten")).sum(axis=0))
    assert vials.enough(vials.doses(comers(10, "ten")).sum(axis=0))


def test_a_day_that_was_filled_has_its_stops_in_an_order_of_less_way() -> None:
    """Stops put in leave a way to and fro; those of the day are put in a better order."""
    chance = np.random.default_rng(3)
    at_km = chance.uniform(0, 9_000, (7, 2))
    stops = [Stop(HomeStop(house(f"h{n}", at(*place)), (), MONDAY, 1.0), n + 1, "") for n, place in enumerate(at_km)]
    every = np.vstack([[(4_500.0, 4_500.0)], at_km])
    metres = np.ceil(np.hypot(*(every[:, None] - every[None]).transpose(2, 0, 1)))
    wish = given([house("h", at(0, 0))], [], 1, teams=(team(),))
    day = Day(team(), MONDAY, 0, [], [])
    days = Days(wish, conditions(wish, RULE), [day], metres, metres / 400, math.inf)
    for stop in stops:
        days.put(stop, day, 0)
    as_put = [0, *range(7, 0, -1), 0]
    now = day.nodes
    assert sorted(now) == sorted(as_put)
    assert metres[now[:-1], now[1:]].sum() < metres[as_put[:-1], as_put[1:]].sum()
    before = list(now)
    days.shorten(day)
    assert day.nodes == before, "nothing is left to better"
