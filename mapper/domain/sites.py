"""Places where people can be vaccinated: health stations, and wherever a team may set up for a day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SiteKind(StrEnum):
    """FIXED: a health station, which every plan holds. MOBILE: a place that a team may come to."""

    FIXED = "fixed"
    MOBILE = "mobile"


@dataclass(frozen=True, slots=True)
class Site:
    """code: unique in an installation. lat, lon: degrees on WGS 84.

    capacity: people a day, None where nobody said. cold_chain: whether vaccine can be kept cold there overnight.
    """

    code: str
    name: str
    kind: SiteKind
    lat: float
    lon: float
    capacity: int | None = None
    cold_chain: bool = False
