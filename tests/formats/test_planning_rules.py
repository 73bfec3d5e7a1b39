"""planning.toml: read as it is meant, refused with place and cure."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from mapper.domain.campaign import Campaign, Period
from mapper.domain.plan import Scenario
from mapper.domain.planning import Ages, PlanningRules
from mapper.domain.roads import Vehicle
from mapper.errors import InvalidCampaign
from mapper.formats.campaign import read_campaign
from mapper.formats.planning_rules import read_planning

COVID19 = Path(__file__).resolve().parents[2] / "forms" / "covid19"
VIAL = '[[vials]]\ncode = "a"\nvaccine = "pfizer"\nlabel = "A"\ndoses = 6\nopen_hours = 6\n'
SCENARIO = '[[scenario]]\ncode = "red"\nlabel = "Red"\n'
FIRST = '[[first]]\nlabel = "Old"\nfrom_age = "65 years"\n'


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return read_campaign((COVID19 / "campaign.toml").read_text("utf-8"))


def test_the_campaigns_own_file_says_who_comes_first_and_what_vials_hold(campaign: Campaign) -> None:
    rules = read_planning((COVID19 / "planning.toml").read_text("utf-8"), campaign)
    assert (rules.walk_limit_m, rules.detour, rules.buffer) == (5000.0, 1.3, Fraction(1, 10))
    purple = next(one for one in rules.formulations if one.code == "pfizer_purple")
    assert (purple.doses, purple.open_hours, purple.diluent_ml, purple.ages) == (6, 6.0, 1.8, Ages(Period(144)))
    assert {one.vaccine for one in rules.formulations} <= set(campaign.vaccines)


def test_an_empty_file_leaves_what_is_assumed(campaign: Campaign) -> None:
    assert read_planning("", campaign) == PlanningRules()


def test_a_scenario_says_what_changes_and_leaves_the_rest(campaign: Campaign) -> None:
    told = 'closed_from = 4\norder = ["old"]\ncrowd = { 3 = 200, 4 = 100 }\nweigh = { 4 = 2.5 }\nteams = 2\n'
    rules = read_planning(FIRST + 'code = "old"\n' + SCENARIO + told + SCENARIO.replace("red", "none"), campaign)
    red, none = rules.scenarios
    assert red.scenario == Scenario(
        "red", closed_from=4, order=("old",), crowd={3: 200, 4: 100}, weigh={4: 2.5}, teams=2
    )
    assert none.scenario == Scenario("none"), "as entered, and nothing else"
    assert rules.preset("red") is red and rules.preset("green") is None


def test_the_campaigns_own_file_has_a_green_scenario_and_an_outbreak(campaign: Campaign) -> None:
    rules = read_planning((COVID19 / "planning.toml").read_text("utf-8"), campaign)
    green, outbreak = rules.preset("green"), rules.preset("outbreak")
    assert green is not None and not green.scenario.as_entered and green.scenario.closed_from is None
    assert outbreak is not None and outbreak.scenario.as_entered and outbreak.scenario.closed_from == 4
    for one in (green, outbreak):
        assert one.source is not None and "Assumptions" in one.source["en"], "no figure of it is official"
    assert set(outbreak.scenario.order) <= {one.code for one in rules.precedences}


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("walk = 5", "walk is unknown"),
        ("walk_limit_km = 0", "walk_limit_km cannot be 0"),
        ("detour = 0.9", "detour cannot be 0.9"),
        ('buffer = "120 %"', "buffer cannot be"),
        ('served = "100 %"', "served cannot be"),
        ('come = "0 %"', "come cannot be"),
        ("filled = 5", "filled cannot be"),
        (FIRST + "weight = 0.5", "weight cannot be 0.5"),
        (FIRST + 'to_age = "60 years"', "to_age cannot be"),
        (FIRST + 'priorities = ["nobody"]', "no group of the campaign has the priority nobody"),
        ('[[first]]\nlabel = "All"\nweight = 2', "priorities is missing"),
        (FIRST + 'code = "a"\n' + FIRST + 'code = "a"', "a stands twice in first"),
        (SCENARIO + SCENARIO, "red stands twice in scenario"),
        (SCENARIO.replace("code", "kode"), "kode is unknown"),
        (SCENARIO + 'order = ["old"]', "no [[first]] has the code old"),
        (SCENARIO + "closed_from = 5", "closed_from cannot be 5"),
        (SCENARIO + "level = 1.5", "level cannot be 1.5"),
        (SCENARIO + "crowd = { 7 = 100 }", "7 is unknown"),
        (SCENARIO + "crowd = { 4 = 0.5 }", "crowd cannot be 0.5"),
        (SCENARIO + "weigh = { 4 = 0.5 }", "weigh cannot be 0.5"),
        (SCENARIO + "teams = 0", "teams cannot be 0"),
        (VIAL + VIAL, "a stands twice in vials"),
        (VIAL.replace("pfizer", "phizer"), "vaccine cannot be"),
        (VIAL.replace("doses = 6", "doses = 6.5"), "doses cannot be 6.5"),
        (VIAL.replace("doses = 6\n", ""), "doses is missing"),
        (VIAL.replace("open_hours = 6\n", ""), "open_hours is missing"),
        (VIAL.replace("open_hours = 6", "open_hours = -1"), "open_hours cannot be -1"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(campaign: Campaign, toml: str, told: str) -> None:
    with pytest.raises(InvalidCampaign) as refused:
        read_planning(toml, campaign)
    message = refused.value.message.format(**refused.value.facts)
    assert told in message


def test_ways_by_roads_have_their_own_figures(campaign: Campaign) -> None:
    rules = read_planning('off_road_m = 300\nvehicle = "car"\n', campaign)
    assert (rules.off_road_m, rules.vehicle) == (300.0, Vehicle.CAR)
    with pytest.raises(InvalidCampaign, match="motorbike"):
        read_planning('vehicle = "boat"\n', campaign)
