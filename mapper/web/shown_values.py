"""Answers of forms as people write them: days, moments, places, yes or no."""

from __future__ import annotations

from datetime import date, datetime

from mapper.web.language_choice import say

_PARTS_OF_POINT = 4


def shown_value(shown: str, kind: str) -> str:
    """An answer in the reader's way of writing. kind: the form's type of it; one that does not fit stays as it is."""
    try:
        if kind == "date":
            day = date.fromisoformat(shown[:10])
            return f"{day:%d/%m/%Y}"
        if kind == "dateTime":
            # The phone's own clock and zone: what stood on it when the question was answered.
            at = datetime.fromisoformat(shown)
            return f"{at:%H:%M} {at:%d/%m/%Y}"
        if kind == "geopoint":
            parts = [float(part) for part in shown.split()]
            place = f"{parts[0]:.6f}, {parts[1]:.6f}"
            if len(parts) == _PARTS_OF_POINT:
                return say("{place} (accurate to {accuracy} m)", place=place, accuracy=f"{parts[3]:.0f}")
            return place
    except (ValueError, IndexError):
        return shown
    return shown
