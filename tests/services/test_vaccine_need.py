"""Vials of a place: whole ones, with what an opened one wastes, a buffer, diluent and syringes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from mapper.domain.campaign import Label
from mapper.domain.planning import Formulation, PlanningRules
from mapper.domain.vials import Supplies
from mapper.services.vaccine_need import needs_of

TEN = Formulation("ten", "a", Label("Mười liều"), 10, 6)
MIXED = Formulation("mixed", "b", Label("Sáu liều"), 6, 6, diluent_ml=1.8)
KEPT = Formulation("kept", "c", Label("Giữ được"), 10, 28 * 24)
RULES = PlanningRules((TEN, MIXED, KEPT), buffer=Fraction(0))


@pytest.mark.parametrize(
    ("formulation", "due", "sessions", "vials", "wasted"),
    [
        pytest.param(TEN, 25, 1, 3, 5, id="a session opens whole vials"),
        pytest.param(TEN, 25, 5, 5, 25, id="five sessions of five open five"),
        pytest.param(TEN, 26, 5, 5, 24, id="one day has one more"),
        pytest.param(TEN, 2, 5, 2, 18, id="no vial for days on which nobody is due"),
        pytest.param(MIXED, 13, 1, 3, 5, id="six doses a vial"),
        pytest.param(KEPT, 25, 5, 3, 5, id="what is kept is used the next day"),
    ],
)
def test_where_everybody_comes_vials_are_counted_by_hand(
    formulation: Formulation, due: int, sessions: int, vials: int, wasted: int
) -> None:
    (need,) = needs_of({formulation.code: due}, RULES, sessions)
    assert (need.due, need.given, need.vials) == (due, due, vials)
    assert need.wasted == pytest.approx(wasted)


def test_a_buffer_diluent_and_syringes_go_with_the_vials() -> None:
    (need,) = needs_of({"mixed": 60}, replace(RULES, buffer=Fraction(1, 10)), 1)
    assert need.vials == 10
    # 60 / 0.9 syringes, 11 / 0.9 to mix with, a box for each hundred of both.
    assert need.supplies == Supplies(11, 67, 11, 13, 1)
    (dry,) = needs_of({"ten": 60}, RULES, 1)
    assert (dry.supplies.diluents, dry.supplies.mixing_syringes) == (0, 0)


def test_where_nine_in_ten_come_fewer_vials_do_but_nobody_is_sent_away_in_19_of_20_sessions() -> None:
    rules = replace(RULES, come=Fraction(9, 10))
    (need,) = needs_of({"ten": 100}, rules, 1)
    assert need.given == pytest.approx(90)
    # Of 100 invited 95 or fewer come with a chance of .976, and 90 or fewer with one of .549.
    assert need.vials == 10
    (many,) = needs_of({"ten": 1000}, rules, 1)
    assert many.vials == 92


def test_needs_come_in_the_order_of_the_rules_and_of_known_formulations_alone() -> None:
    found = needs_of({"": 4, "kept": 1, "ten": 3, "mixed": 0}, RULES, 1)
    assert [(one.formulation.code, one.due) for one in found] == [("ten", 3), ("kept", 1)]
    assert set(found[0].as_json()) == {"formulation", "doses_due", "given", "wasted", "vials", "with_buffer"}
