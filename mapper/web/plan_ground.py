"""What a plan can be asked of by its reader: campaigns, areas with their middles, sites, and scenarios."""

from __future__ import annotations

from mapper.domain.people import Point
from mapper.domain.plan import PlanQuestion
from mapper.domain.planning import ScenarioPreset
from mapper.services import sites as site_list
from mapper.services.plan_figures import names_of, rules_for
from mapper.web.accounts import reader
from mapper.web.asked import Asked
from mapper.web.installation import installation
from mapper.web.plan_form import Ground


def ground_of(asked: Asked) -> Ground:
    """What a plan can be asked of by the reader."""
    names = names_of(installation().reference, asked.state["set"])
    places = names.places
    areas = {str(one.area): one for one in asked.choices}
    middles = {
        text: _middle(places.units[one.area.level, one.area.code].bounds)
        for text, one in areas.items()
        if (one.area.level, one.area.code) in places.units
    }
    boxes = [places.units[one.area.level, one.area.code].bounds for one in asked.choices] or [places.bounds]
    wests, souths, easts, norths = zip(*boxes, strict=True)
    middles[""] = _middle((min(wests), min(souths), max(easts), max(norths)))
    within: dict[str, frozenset[str]] = {}
    found = []
    for site in site_list.everywhere(installation().reference):
        unit, _ = places.placer.place_one(site.lon, site.lat)
        line = frozenset(
            f"{level}:{code}" for level in places.about.levels if (code := places.above(unit or "", level)) is not None
        )
        if not reader().areas or line & areas.keys():
            within[site.code] = line
            found.append(site)
    units = {one.area.code: one.name for one in asked.choices if one.area.level == places.leaf}
    return Ground(
        [one["id"] for one in asked.campaigns],
        asked.state["set"],
        tuple(areas),
        units,
        sorted(found, key=lambda one: (one.kind, one.name, one.code)),
        within,
        middles,
        {one.scenario.code: one.scenario for one in presets(asked)},
    )


def presets_of(question: PlanQuestion) -> tuple[ScenarioPreset, ...]:
    """The scenarios that the planning.toml of a question's campaign offers."""
    return rules_for(installation().reference, question.campaign_id).scenarios


def presets(asked: Asked) -> list[ScenarioPreset]:
    """The scenarios that the campaigns' planning.toml offer."""
    return [one for each in asked.campaigns for one in rules_for(installation().reference, each["id"]).scenarios]


def _middle(bounds: tuple[float, float, float, float]) -> Point:
    west, south, east, north = bounds
    return Point(round((south + north) / 2, 6), round((west + east) / 2, 6))
