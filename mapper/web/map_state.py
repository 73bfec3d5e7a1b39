"""What the map page shows, read from its query string and made whole from what there is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from mapper.errors import mark
from mapper.maps.coverage_map import DETAIL_BANDS

WIDE_DEGREES = 2.5
"""Sets wider than this open with their lowest official level: a hamlet of a whole province is a speck."""

TALL_DEGREES = 8
"""Sets of more degrees from south to north are first shown in the least detail, whatever the screen."""

FIGURE_QUERY = ("campaign", "set", "level", "group", "dose", "date")

HEAT = "heat"
"""Name in the address of the layer that shows where people due live."""

MAP_ONLY = ("show", "layers")
"""Parts of the map's address that pages beside it do not use, and hand on to the map they lead back to."""

MEASURES = ("coverage", "needed", "due", "visited")
"""What units can be coloured by; ``show=`` in the address."""

UNKNOWN = mark("This link names something that is not here ({name}: {value}). The page shows {shown} instead.")

Notice = tuple[str, dict[str, object]]


def settle(
    query: Mapping[str, str],
    campaigns: Sequence[Mapping[str, Any]],
    sets: Sequence[Mapping[str, Any]],
    today: date,
    usual_days: Mapping[str, date],
    *,
    tiles: bool = False,
    wide: Collection[str] = (),
) -> tuple[dict[str, Any], list[Notice]]:
    """The state of the page, each part from the query where it names something that exists.

    campaigns, sets: as ``/api/campaigns`` and ``/api/sets`` list them. usual_days: by campaign, the day shown where
    the query names none, if not today. tiles: there are so many hamlets that they are no level to choose. wide: ids of
    sets of a whole country, which open with their outermost level. Values are None where nothing exists at all. Also
    returns what to tell the reader of parts that had to be replaced: sentences and their facts.
    """
    notices: list[Notice] = []

    def choose(name: str, options: Sequence[str], default: str | None) -> str | None:
        wish = query.get(name)
        if wish is None or wish in options:
            return wish if wish is not None else default
        if default is not None:
            notices.append((UNKNOWN, {"name": name, "value": wish[:40], "shown": default}))
        return default

    def find(rows: Sequence[Mapping[str, Any]], key: str, value: str | None) -> Mapping[str, Any]:
        return next((row for row in rows if row[key] == value), {})

    campaign = choose("campaign", [row["id"] for row in campaigns], campaigns[0]["id"] if campaigns else None)
    groups = find(campaigns, "id", campaign).get("groups", [])
    group = choose("group", [row["code"] for row in groups], groups[0]["code"] if groups else None)
    doses = find(groups, "code", group).get("doses", [])
    aimed_at = next((row["code"] for row in doses if row.get("target") is not None), None)
    dose = choose("dose", [row["code"] for row in doses], aimed_at or (doses[0]["code"] if doses else None))
    day = _day(query, _within(find(campaigns, "id", campaign), usual_days.get(campaign or "", today)), notices)
    first_set = set_of(sets, day)
    set_id = choose("set", [row["id"] for row in sets], first_set["id"] if first_set else None)
    chosen_set = find(sets, "id", set_id)
    levels = [*chosen_set.get("levels", []), *([] if tiles else ["hamlet"])]
    west, _, east, _ = chosen_set.get("bounds") or (0, 0, 0, 0)
    lowest = [level for level in levels if level != "hamlet"][-1:]
    usual = lowest[0] if lowest and (tiles or east - west > WIDE_DEGREES) else "hamlet"
    if set_id in wide:
        usual = levels[0]
    return {
        "campaign": campaign,
        "set": set_id,
        "level": choose("level", levels, usual),
        "group": group,
        "dose": dose,
        "date": day,
        "unit": query.get("unit"),
    }, notices


def in_force(one: Mapping[str, Any], day: str) -> bool:
    """Whether the period of a set, as ``/api/sets`` lists it, holds an ISO day; that of one on trial holds none."""
    return not one.get("trial") and (one.get("valid_from") or "") <= day <= (one.get("valid_to") or "9999")


def set_then(sets: Sequence[Mapping[str, Any]], day: str) -> Mapping[str, Any] | None:
    """The set in force on an ISO day, of several the one that the lists of hamlets belong to; None where none was."""
    there = [one for one in sets if in_force(one, day)]
    wanted = (one for key in ("lists", "default") for one in there if one.get(key))
    return next(wanted, there[0] if there else None)


def set_of(sets: Sequence[Mapping[str, Any]], day: str) -> Mapping[str, Any] | None:
    """The set that a page about a day opens with: the operator's choice, else that of the day, else the newest."""
    chosen = next((one for one in sets if one.get("chosen")), None)
    lasting = [one for one in sets if not one.get("trial")] or sets
    return chosen or set_then(sets, day) or (lasting[0] if lasting else None)


def shown_measure(query: Mapping[str, str], notices: list[Notice]) -> str:
    """What the colours of the map say; a notice is added where the address names something else."""
    wish = query.get("show", MEASURES[0])
    if wish in MEASURES:
        return wish
    notices.append((UNKNOWN, {"name": "show", "value": wish[:40], "shown": MEASURES[0]}))
    return MEASURES[0]


def shown_layers(query: Mapping[str, str], offered: Sequence[str], notices: list[Notice]) -> str:
    """What lies over the areas, as ``layers=`` in the address has it: names with dots between, in the order offered.

    A notice is added where the address names something that this reader is not offered.
    """
    wishes = [each for each in query.get("layers", "").split(".") if each]
    found = ".".join(name for name in offered if name in wishes)
    unknown = [each for each in wishes if each not in offered]
    if unknown:
        notices.append((UNKNOWN, {"name": "layers", "value": ".".join(unknown)[:40], "shown": found or "-"}))
    return found


def level_above(state: Mapping[str, Any], chosen_set: Mapping[str, Any]) -> str | None:
    """The level that holds the units of the level shown, in this set; None for the outermost."""
    levels = [*chosen_set["levels"], "hamlet"]
    place = levels.index(state["level"])
    return levels[place - 1] if place else None


def outline_queries(state: Mapping[str, Any], chosen_set: Mapping[str, Any] | None) -> dict[str, dict[str, str] | None]:
    """What the map's two layers ask of ``/api/shapes`` for this state, save the zoom, as ``map_page.js`` asks it."""
    if chosen_set is None or state["campaign"] is None:
        return {"areas": None, "hamlets": None}
    hamlets = state["level"] == "hamlet"
    area_level = (level_above(state, chosen_set) or "commune") if hamlets else state["level"]
    return {
        "areas": {"set": state["set"], "level": area_level},
        "hamlets": {"set": state["set"], "level": "hamlet", "campaign": state["campaign"]} if hamlets else None,
    }


def first_outlines(state: Mapping[str, Any], chosen_set: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """What the page asks of ``/api/shapes`` first, for preloading; nothing where its zoom is the screen's to say.

    The order of the keys is that of ``unit_layer.js``.
    """
    areas = outline_queries(state, chosen_set)["areas"]
    if areas is None or chosen_set is None or not chosen_set.get("bounds"):
        return []
    _, south, _, north = chosen_set["bounds"]
    if north - south < TALL_DEGREES:
        return []
    return [{**dict(sorted(areas.items())), "zoom": str(DETAIL_BANDS[0])}]


def figure_queries(state: Mapping[str, Any], chosen_set: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """What the page asks of ``/api/coverage`` first, for preloading: the level shown and the one above it.

    The order of the keys is that of ``figures.js``, since only the very same address finds what was preloaded.
    """
    if chosen_set is None or state["dose"] is None:
        return []
    above = level_above(state, chosen_set)
    return [
        {name: level if name == "level" else state[name] for name in FIGURE_QUERY}
        for level in (state["level"], above)
        if level is not None
    ]


def _within(campaign: Mapping[str, Any], day: date) -> date:
    """The day, or the nearest one that the campaign has figures for."""
    first, last = campaign.get("start"), campaign.get("until")
    if last:
        day = min(day, date.fromisoformat(last))
    return max(day, date.fromisoformat(first)) if first else day


def _day(query: Mapping[str, str], usual: date, notices: list[Notice]) -> str:
    wish = query.get("date")
    if wish is None:
        return usual.isoformat()
    try:
        return date.fromisoformat(wish).isoformat()
    except ValueError:
        notices.append((UNKNOWN, {"name": "date", "value": wish[:40], "shown": usual.isoformat()}))
        return usual.isoformat()
