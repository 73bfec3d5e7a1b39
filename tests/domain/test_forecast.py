"""Doses to come: on the first day on which the rule of follow-up calls them due, each once, and their vaccine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from mapper.domain.follow_up import PersonState, status
from mapper.domain.forecast import Horizon, doses_coming
from mapper.domain.people import Dose, Person
from mapper.domain.planning import PlanningRules
from mapper.formats.campaign import read_campaign
from mapper.formats.planning_rules import read_planning

FOLDER = Path(__file__).parents[2] / "forms" / "covid19"
CAMPAIGN = read_campaign((FOLDER / "campaign.toml").read_text(encoding="utf-8"))
RULES = read_planning((FOLDER / "planning.toml").read_text(encoding="utf-8"), CAMPAIGN)
DAY = date(2022, 9, 8)
GROWN = Person("p", DAY - timedelta(days=20), born_on=date(1980, 1, 1))

CHILD = replace(GROWN, born_on=date(2014, 1, 1))
PURPLE = "pfizer_purple"


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def told(
    person: Person, days: int = 30, follow: bool = False, rules: PlanningRules = RULES
) -> list[tuple[int, str, str]]:
    """Days from the first on, dose, formulation."""
    horizon = Horizon(DAY, DAY + timedelta(days=days), follow)
    return [((one.day - DAY).days, *one[1:]) for one in doses_coming(person, CAMPAIGN, rules, horizon)]


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        pytest.param(GROWN, [(0, "1", PURPLE)], id="due today"),
        pytest.param(replace(GROWN, doses=(Dose("1", ago(20), "pfizer"),)), [(8, "2", PURPLE)], id="28 days"),
        pytest.param(replace(GROWN, doses=(Dose("1", ago(50), "astrazeneca"),)), [(6, "2", PURPLE)], id="8 weeks"),
        pytest.param(replace(GROWN, deferred_until=DAY + timedelta(days=3)), [(3, "1", PURPLE)], id="deferred"),
        pytest.param(replace(GROWN, refused=True), [], id="refused"),
        pytest.param(replace(GROWN, residence="works_away"), [], id="away"),
        pytest.param(replace(GROWN, vaccination_unknown=True), [], id="nobody could say"),
        pytest.param(replace(GROWN, born_on=date(2017, 9, 12)), [(4, "1", "pfizer_orange")], id="five in four days"),
        pytest.param(CHILD, [(0, "1", "pfizer_orange")], id="a child's vial"),
        pytest.param(replace(GROWN, doses=(Dose("1", ago(5), "pfizer"),)), [(23, "2", PURPLE)], id="in time"),
        pytest.param(replace(GROWN, doses=(Dose("1", DAY, "astrazeneca"),)), [], id="beyond the horizon"),
        pytest.param(
            replace(CHILD, doses=(Dose("1", ago(60), "moderna"),)), [(0, "2", "moderna")], id="of the same vaccine"
        ),
        pytest.param(
            replace(CHILD, doses=(Dose("1", ago(60), "sputnik_v"),)), [(0, "2", "")], id="of no formulation known"
        ),
    ],
)  # fmt: skip
def test_doses_fall_due_on_their_day(person: Person, expected: list[tuple[int, str, str]]) -> None:
    assert told(person) == expected


def test_next_doses_follow_where_every_dose_is_taken_for_given_on_its_day() -> None:
    assert told(GROWN, 27, follow=True) == [(0, "1", PURPLE)]
    assert told(GROWN, 28, follow=True) == [(0, "1", PURPLE), (28, "2", PURPLE)]
    # Three months after 6 October 2022.
    booster = (date(2023, 1, 6) - DAY).days
    assert told(GROWN, 120, follow=True)[-1] == (booster, "booster1", PURPLE)
    assert told(GROWN, 120) == [(0, "1", PURPLE)], "by itself nothing follows a dose that was not given"


def test_whoever_is_due_on_the_first_day_is_whom_follow_up_calls_due() -> None:
    for number in range(200):
        doses = (Dose("1", ago(number), "pfizer" if number % 2 else "astrazeneca"),) if number % 3 else ()
        one = replace(
            GROWN, born_on=date(1935 + number % 85, 1 + number % 12, 5), doses=doses, refused=number % 11 == 0
        )
        stands = status(one, CAMPAIGN, DAY)
        now = [dose for day, dose, _ in told(one) if day == 0]
        assert now == [dose.code for dose in stands.due]
        assert bool(now) == (stands.state is PersonState.DUE)


def test_without_rules_doses_are_foreseen_all_the_same() -> None:
    assert told(GROWN, rules=PlanningRules()) == [(0, "1", "")]
