"""A forecast for programs: numbers by place, day and vaccine, and nobody's name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mapper.services.forecast import Forecast, ForecastRow, VaccineNeed


def forecast_json(found: Forecast) -> dict[str, Any]:
    """What ``/api/forecast`` and the command answer."""
    asked = found.question
    return {
        "campaign": found.campaign.id,
        "set": found.places.id,
        "area": str(asked.area or ""),
        "level": asked.level,
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "sessions_a_week": asked.sessions,
        "next_doses_too": asked.follow,
        "total": _row_json(found.total),
        "units": [_row_json(one) for one in found.rows],
        "stores_of_larger_units": _row_json(found.larger) if found.larger else None,
        "doses_in_other_sets": found.elsewhere,
        "weeks": [
            {"from": one.first.isoformat(), "to": one.last.isoformat(), "doses_due": one.due, "vials": one.vials}
            for one in found.weeks
        ],
        "due_on_first_day": found.now_by_dose,
        "coverage_says_due": [asdict(one) for one in found.coverage],
    }


def _row_json(row: ForecastRow) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "people_due_now": row.people,
        "doses_due_now": row.now,
        "doses_due": row.due,
        "doses_of_no_known_formulation": row.unknown,
        "doses_by_day": {day.isoformat(): doses for day, doses in row.by_day.items()},
        "vaccines": [
            {
                "formulation": one.formulation.code,
                "doses_due_now": one.now,
                "doses_due": one.due,
            }
            | (_vials_json(one) if row.has_vials else {})
            for one in row.needs
        ],
    }


def _vials_json(one: VaccineNeed) -> dict[str, Any]:
    return {
        "vials": one.vials,
        "vials_with_buffer": one.order,
        "given": round(one.given, 1),
        "wasted_in_opened_vials": round(one.wasted, 1),
        "stock_doses": one.stock,
        "promised_doses": one.promised,
        "over_doses": one.over,
        "vials_to_order": one.to_order,
        "short_on": one.run.short_on.isoformat() if one.run.short_on else None,
        "unused_at_expiry": {lot: round(doses, 1) for lot, doses in one.run.unused.items()},
        "supplies": asdict(one.supplies),
    }
