"""The map's address: what it names is shown, what it names wrongly is replaced, and the reader is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mapper.web.map_state import (
    Notice,
    figure_queries,
    first_outlines,
    outline_queries,
    settle,
    shown_layers,
    shown_measure,
)

TODAY = date(2022, 8, 20)


def dose(code: str, target: float | None) -> dict[str, Any]:
    return {"code": code, "target": target, "deadline": None}


CAMPAIGNS = [
    {
        "id": "covid19",
        "groups": [
            {"code": "18_plus", "doses": [dose("1", None), dose("3", 0.9)]},
            {"code": "5_11", "doses": [dose("1", None), dose("2", None)]},
        ],
    },
    {"id": "measles", "groups": [{"code": "child", "doses": [dose("1", 0.95)]}]},
]
DISTRICT = {"id": "district", "levels": ["district", "commune"], "bounds": (105.6, 22.0, 106.1, 22.4), "default": True}
COUNTRY = {"id": "country", "levels": ["province", "commune"], "bounds": (102.1, 8.2, 109.5, 23.4), "default": False}
SETS = [COUNTRY, DISTRICT]


def state(**query: str) -> dict[str, Any]:
    return settle(query, CAMPAIGNS, SETS, TODAY, {})[0]


def replaced(**query: str) -> list[dict[str, object]]:
    return [facts for _, facts in settle(query, CAMPAIGNS, SETS, TODAY, {})[1]]


def test_without_a_query_the_first_campaign_group_and_aimed_at_dose_are_shown_on_the_default_set_today() -> None:
    assert state() == {
        "campaign": "covid19",
        "set": "district",
        "level": "hamlet",
        "group": "18_plus",
        "dose": "3",
        "date": "2022-08-20",
        "unit": None,
    }
    assert replaced() == []


def test_the_address_names_what_lies_over_the_areas_and_what_is_not_offered_is_told() -> None:
    notices: list[Notice] = []
    offered = ["heat", "hot_spots", "epidemic"]
    assert shown_layers({"layers": "epidemic.heat"}, offered, notices) == "heat.epidemic"
    assert shown_layers({}, offered, notices) == ""
    assert notices == []
    assert shown_layers({"layers": "tracks.heat.rain"}, offered, notices) == "heat"
    assert [facts for _, facts in notices] == [{"name": "layers", "value": "tracks.rain", "shown": "heat"}]


def test_a_query_is_followed() -> None:
    query = {"campaign": "measles", "set": "country", "level": "province", "group": "child", "dose": "1"}
    assert state(**query, date="2021-03-09", unit="01834") == {**query, "date": "2021-03-09", "unit": "01834"}


def test_a_group_without_a_target_opens_with_its_first_dose() -> None:
    assert state(group="5_11")["dose"] == "1"


def test_a_set_too_wide_for_hamlets_opens_with_its_communes() -> None:
    assert state(set="country")["level"] == "commune"
    assert state(set="country", level="hamlet")["level"] == "hamlet"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("campaign", "polio", "covid19"),
        ("set", "mars", "district"),
        ("level", "province", "hamlet"),
        ("group", "90_plus", "18_plus"),
        ("dose", "9", "3"),
        ("date", "31/8/2022", "2022-08-20"),
        ("date", "2022-02-30", "2022-08-20"),
    ],
)
def test_what_is_not_here_is_replaced_and_named(name: str, value: str, shown: str) -> None:
    assert state(**{name: value})[name] == shown
    assert replaced(**{name: value}) == [{"name": name, "value": value, "shown": shown}]


def test_a_long_wrong_value_is_not_repeated_whole() -> None:
    (facts,) = replaced(campaign="x" * 5000)
    assert facts["value"] == "x" * 40


def test_a_campaign_with_a_usual_day_opens_on_it_unless_the_query_says_otherwise() -> None:
    usual = {"measles": date(2019, 5, 4)}
    assert settle({"campaign": "measles"}, CAMPAIGNS, SETS, TODAY, usual)[0]["date"] == "2019-05-04"
    assert (
        settle({"campaign": "measles", "date": "2022-08-20"}, CAMPAIGNS, SETS, TODAY, usual)[0]["date"] == "2022-08-20"
    )
    assert settle({}, CAMPAIGNS, SETS, TODAY, usual)[0]["date"] == "2022-08-20"


def test_a_campaign_without_figures_of_today_opens_on_the_nearest_day_that_has_some() -> None:
    def opened(start: str, until: str) -> str:
        campaign = {"id": "one", "start": start, "until": until, "groups": []}
        return str(settle({}, [campaign], SETS, TODAY, {})[0]["date"])

    assert opened("2021-03-08", "2022-08-31") == "2022-08-20"
    assert opened("2021-03-08", "2022-08-19") == "2022-08-19"
    assert opened("2022-09-01", "2023-09-01") == "2022-09-01"


def test_an_empty_installation_has_an_empty_state_and_nothing_to_ask_for() -> None:
    empty, notices = settle({"campaign": "covid19"}, [], [], TODAY, {})
    assert (empty["campaign"], empty["set"], empty["dose"], notices) == (None, None, None, [])
    assert outline_queries(empty, None) == {"areas": None, "hamlets": None}
    assert figure_queries(empty, None) == []


def test_hamlets_are_drawn_over_the_communes_of_their_set() -> None:
    assert outline_queries(state(), DISTRICT) == {
        "areas": {"set": "district", "level": "commune"},
        "hamlets": {"set": "district", "level": "hamlet", "campaign": "covid19"},
    }
    assert outline_queries(state(level="district"), DISTRICT) == {
        "areas": {"set": "district", "level": "district"},
        "hamlets": None,
    }


def test_outlines_of_a_country_are_asked_for_before_its_scripts_are_there_and_no_others() -> None:
    (query,) = first_outlines(state(set="country", level="commune"), COUNTRY)
    assert list(query.items()) == [("level", "commune"), ("set", "country"), ("zoom", "5")]
    assert first_outlines(state(), DISTRICT) == []
    assert first_outlines(settle({}, [], [], TODAY, {})[0], None) == []


def test_figures_are_asked_for_the_level_shown_and_the_one_above() -> None:
    assert [query["level"] for query in figure_queries(state(), DISTRICT)] == ["hamlet", "commune"]
    assert [query["level"] for query in figure_queries(state(level="district"), DISTRICT)] == ["district"]


def test_the_colours_show_coverage_unless_the_address_says_otherwise() -> None:
    assert shown_measure({}, notices := []) == "coverage"
    assert [shown_measure({"show": each}, notices) for each in ("needed", "due", "visited")] == [
        "needed",
        "due",
        "visited",
    ]
    assert notices == []


def test_a_figure_that_the_map_does_not_show_is_replaced_and_told() -> None:
    notices: list[tuple[str, dict[str, object]]] = []
    assert shown_measure({"show": "rain"}, notices) == "coverage"
    assert [facts for _, facts in notices] == [{"name": "show", "value": "rain", "shown": "coverage"}]


def test_a_set_of_a_whole_country_opens_with_its_provinces_unless_the_address_says_otherwise() -> None:
    def level(**query: str) -> str:
        return str(settle(query, CAMPAIGNS, SETS, TODAY, {}, tiles=True, wide=["country"])[0]["level"])

    assert level(set="country") == "province"
    assert level(set="country", level="commune") == "commune"
    assert level(set="district") == "commune"
