"""A planning.toml beside campaign.toml: who comes first, how far people walk, what vials hold, which scenarios."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mapper.domain.campaign import Campaign
from mapper.domain.epidemic import LEVELS
from mapper.domain.plan import Scenario
from mapper.domain.planning import Ages, Formulation, PlanningRules, Precedence, ScenarioPreset
from mapper.domain.roads import Vehicle
from mapper.errors import InvalidCampaign, mark
from mapper.formats.toml_table import Table, refuse_twice

FILE = "planning.toml"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_NUMBERS: Mapping[str, tuple[str, str, float]] = {
    "walk_limit_km": ("walk_limit_m", "5", 1000.0),
    "detour": ("detour", "1.3", 1.0),
    "walking_kmh": ("walking_kmh", "4", 1.0),
    "driving_kmh": ("driving_kmh", "25", 1.0),
    "off_road_m": ("off_road_m", "1000", 1.0),
    "minutes_a_dose": ("minutes_a_dose", "3", 1.0),
    "minutes_a_home": ("minutes_a_home", "20", 1.0),
}
"""By key: what it is called here, an example, and what one of it is."""

_SCENARIO = (
    "code",
    "label",
    "source",
    "as_entered",
    "level",
    "closed_from",
    "order",
    "crowd",
    "weigh",
    "teams",
    "doses_a_day",
)
_SHARES = ("come", "buffer", "served", "filled")
_MOST_DOSES = 100


def read_planning(toml: str, campaign: Campaign) -> PlanningRules:
    """What the file says, checked against the campaign it stands beside. Raises InvalidCampaign with place and cure."""
    root = Table.of_file(toml, FILE)
    root.allow((*_NUMBERS, *_SHARES, "vehicle", "source", "first", "vials", "scenario"))
    known = {priority for group in campaign.groups for priority in group.priorities}
    told: dict[str, Any] = {
        name: root.number(key, 1, example) * unit
        for key, (name, example, unit) in _NUMBERS.items()
        if key in root.entries
    }
    if told.get("detour", 1.0) < 1:
        root.wrong("detour", root.entries["detour"], "1.3, a way being no shorter than the straight line")
    if "vehicle" in root.entries:
        told["vehicle"] = Vehicle(root.text("vehicle", '"motorbike" or "car"', re.compile("|".join(Vehicle))))
    told |= {key: share for key in _SHARES if (share := root.share(key)) is not None}
    if told.get("served") == 1:
        root.wrong("served", root.entries["served"], '"95 %", below 100 %')
    if told.get("come") == 0:
        root.wrong("come", root.entries["come"], '"90 %", above 0 %')
    formulations = tuple(_formulation(table, campaign) for table in root.tables("vials"))
    refuse_twice([one.code for one in formulations], FILE, "vials")
    precedences = tuple(_precedence(table, known) for table in root.tables("first"))
    named = [one.code for one in precedences if one.code]
    refuse_twice(named, FILE, "first")
    scenarios = tuple(_scenario(table, named) for table in root.tables("scenario"))
    refuse_twice([one.scenario.code for one in scenarios], FILE, "scenario")
    return PlanningRules(
        formulations=formulations,
        precedences=precedences,
        scenarios=scenarios,
        source=root.label("source") if "source" in root.entries else None,
        **told,
    )


def _precedence(table: Table, known: set[str]) -> Precedence:
    table.allow(("code", "label", "priorities", "from_age", "to_age", "weight", "walk_limit_km", "at_home"))
    priorities = table.words("priorities", '["underlying_disease"]')
    for one in priorities:
        if one not in known:
            raise InvalidCampaign(
                mark("{where}: no group of the campaign has the priority {code}. Known are: {known}."),
                where=table.where,
                code=one,
                known=", ".join(sorted(known)) or "–",
            )
    ages = _ages(table)
    if not priorities and ages == Ages():
        table.missing("priorities", '["underlying_disease"], or from_age = "65 years"')
    weight = table.number("weight", 1, "3")
    if weight < 1:
        table.wrong("weight", table.entries["weight"], "3, since nobody counts for less than one")
    limit = table.number("walk_limit_km", 1, "2") * 1000 if "walk_limit_km" in table.entries else None
    code = table.text("code", '"old"', _CODE) if "code" in table.entries else ""
    return Precedence(table.label("label"), frozenset(priorities), ages, weight, limit, table.flag("at_home"), code)


def _scenario(table: Table, named: Sequence[str]) -> ScenarioPreset:
    table.allow(_SCENARIO)
    order = table.words("order", '["old", "ill"]')
    for one in order:
        if one not in named:
            raise InvalidCampaign(
                mark("{where}: no [[first]] has the code {code}. Known are: {known}."),
                where=table.where,
                code=one,
                known=", ".join(named) or "–",
            )
    weigh = _by_level(table, "weigh", "2")
    for level, weight in weigh.items():
        if weight < 1:
            table.wrong("weigh", weight, f"{level} = 2, since nobody counts for less than one")
    scenario = Scenario(
        table.text("code", '"outbreak"', _CODE),
        as_entered=table.flag("as_entered") if "as_entered" in table.entries else True,
        level=_level(table, "level"),
        closed_from=_level(table, "closed_from"),
        order=order,
        crowd={level: _whole(table, "crowd", people) for level, people in _by_level(table, "crowd", "100").items()},
        weigh=weigh,
        teams=_whole(table, "teams", table.number("teams", 1, "5")) if "teams" in table.entries else None,
        doses_a_day=_whole(table, "doses_a_day", table.number("doses_a_day", 1, "150"))
        if "doses_a_day" in table.entries
        else None,
    )
    return ScenarioPreset(table.label("label"), scenario, table.label("source") if "source" in table.entries else None)


def _level(table: Table, key: str) -> int | None:
    if key not in table.entries:
        return None
    level = table.number(key, 1, "3")
    return int(level) if level in LEVELS else table.wrong(key, table.entries[key], "3, a level from 1 to 4")


def _by_level(table: Table, key: str, example: str) -> dict[int, float]:
    """The figures of a table of the kind {3 = 200, 4 = 100}."""
    inner = table.table(key, f"{{ 3 = {example} }}")
    inner.allow([str(level) for level in LEVELS])
    return {level: inner.number(str(level), 1, example) for level in LEVELS if str(level) in inner.entries}


def _whole(table: Table, key: str, number: float) -> int:
    return int(number) if number.is_integer() else table.wrong(key, number, "100, a whole number")


def _formulation(table: Table, campaign: Campaign) -> Formulation:
    table.allow(("code", "vaccine", "label", "doses", "from_age", "to_age", "open_hours", "diluent_ml"))
    vaccine = table.text("vaccine", '"pfizer"')
    if vaccine not in campaign.vaccines:
        table.wrong("vaccine", vaccine, f'"{next(iter(campaign.vaccines), "")}", a vaccine of campaign.toml')
    if "doses" not in table.entries:
        table.missing("doses", "10")
    doses = table.number("doses", 1, "10")
    if not doses.is_integer() or doses > _MOST_DOSES:
        table.wrong("doses", table.entries["doses"], f"10, a whole number up to {_MOST_DOSES}")
    if "open_hours" not in table.entries:
        table.missing("open_hours", "6")
    return Formulation(
        table.text("code", '"pfizer_adult"', _CODE),
        vaccine,
        table.label("label"),
        int(doses),
        table.number("open_hours", 1, "6"),
        _ages(table),
        table.number("diluent_ml", 1, "1.8") if "diluent_ml" in table.entries else 0.0,
    )


def _ages(table: Table) -> Ages:
    start, end = table.period("from_age", "12 years"), table.period("to_age", "18 years")
    if start and end and (end.months, end.days) <= (start.months, start.days):
        table.wrong("to_age", table.entries["to_age"], "an age above from_age")
    return Ages(start, end)
