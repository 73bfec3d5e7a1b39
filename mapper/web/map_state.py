"""What the map page shows, read from its query string and made whole from what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mapper.errors import mark

WIDE_DEGREES = 2.5
"""Sets wider than this open with their lowest official level: a hamlet of a whole province is a speck."""

UNKNOWN = mark("This link names something that is not here ({name}: {value}). The page shows {shown} instead.")

Notice = tuple[str, dict[str, object]]


def settle(
    query: Mapping[str, str],
    campaigns: Sequence[Mapping[str, Any]],
    sets: Sequence[Mapping[str, Any]],
    today: date,
    usual_days: Mapping[str, date],
) -> tuple[dict[str, Any], list[Notice]]:
    """The state of the page, each part from the query where it names something that exists.

    campaigns, sets: as ``/api/campaigns`` and ``/api/sets`` list them. usual_days: by campaign, the day shown where
    the query names none, if not today. Values are None where nothing exists at all. Also returns what to tell the
    reader of parts that had to be replaced: sentences and their facts.
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
    first_set = next((row["id"] for row in sets if row.get("default")), sets[0]["id"] if sets else None)
    set_id = choose("set", [row["id"] for row in sets], first_set)
    chosen_set = find(sets, "id", set_id)
    levels = [*chosen_set.get("levels", []), "hamlet"]
    west, _, east, _ = chosen_set.get("bounds") or (0, 0, 0, 0)
    usual = levels[-2] if len(levels) > 1 and east - west > WIDE_DEGREES else "hamlet"
    return {
        "campaign": campaign,
        "set": set_id,
        "level": choose("level", levels, usual),
        "group": group,
        "dose": dose,
        "date": _day(query, usual_days.get(campaign or "", today), notices),
        "unit": query.get("unit"),
    }, notices


def _day(query: Mapping[str, str], usual: date, notices: list[Notice]) -> str:
    wish = query.get("date")
    if wish is None:
        return usual.isoformat()
    try:
        return date.fromisoformat(wish).isoformat()
    except ValueError:
        notices.append((UNKNOWN, {"name": "date", "value": wish[:40], "shown": usual.isoformat()}))
        return usual.isoformat()
