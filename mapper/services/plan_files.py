"""Files of a plan: sheets to print, a workbook, maps and ways for phones, calendars; what names people is entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mapper.domain.roles import OVERSEERS
from mapper.errors import NotFound, mark
from mapper.formats.plan_places import PlanMap, write_geojson, write_gpx, write_kml
from mapper.services import audit, plan_sheets
from mapper.services.accounts import User
from mapper.services.plan_houses import SeenHouses, seen_houses
from mapper.services.plan_sheets import SheetWriter
from mapper.services.plan_tables import TableWriter
from mapper.services.plan_told import Asked, ToldPlan, told_plan
from mapper.services.plan_ways import WayWriter
from mapper.services.reference import Reference

MEDIA_TYPES: Mapping[str, str] = {
    "sheets.pdf": "application/pdf",
    "team-days.pdf": "application/pdf",
    "plan.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "plan.geojson": "application/geo+json",
    "plan.kml": "application/vnd.google-earth.kml+xml",
    "plan.gpx": "application/gpx+xml",
    "plan.ics": "text/calendar",
}
"""Kinds of files to their media types."""

WITH_NAMES = frozenset({"sheets.pdf", "plan.xlsx"})
"""Kinds that tell who somebody is."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a file is wanted. address: of the plan's page; fonts: folder of the sheets' fonts."""

    kind: str
    asked: Asked = field(default_factory=Asked)
    language: str = "vi"
    project: str = ""
    address: str = ""
    fonts: Path = Path()


def write(reference: Reference, user: User, number: int, wish: Wish) -> bytes:
    """``write_counted`` without the number."""
    return write_counted(reference, user, number, wish)[0]


def write_counted(reference: Reference, user: User, number: int, wish: Wish) -> tuple[bytes, int]:
    """A file of a plan as far as its reader may see it, and of how many people it tells; that is entered in the trail.

    Raises NotFound for a kind, plan, site, team or day that is not there, Unavailable for a plan that is not made yet,
    TooLarge for more people than are printed at once.
    """
    if wish.kind not in MEDIA_TYPES:
        raise NotFound(
            mark("There is no file {kind}. Choose one of: {kinds}."), kind=wish.kind, kinds=", ".join(_MAKERS)
        )
    told = told_plan(reference, user, number, wish.language, wish.project)
    if wish.kind == "sheets.pdf":
        plan_sheets.check(told, wish.asked)
    points = user.role in OVERSEERS
    seen = SeenHouses()
    if wish.kind in WITH_NAMES or points:
        houses = [house for house, _ in told.made.houses()] if wish.kind in WITH_NAMES else list(told.made.homes)
        if wish.kind == "plan.xlsx":
            houses += [house for several in told.made.unserved.values() for house in several]
        seen = seen_houses(reference, user, told.line.row.campaign_id, houses, wish.kind in WITH_NAMES)
    content, people = _MAKERS[wish.kind](told, seen, wish, points)
    if people:
        asked = wish.asked
        facts: dict[str, object] = {"campaign": told.campaign.id, "file": wish.kind, "number": people}
        facts |= {"area": asked.site} if asked.site else {}
        facts |= {"day": asked.day} if asked.day else {}
        audit.record_seen(reference, user.id, user.name, "plan.file", str(number), facts)
    return content, people


def check(reference: Reference, user: User, number: int, wish: Wish) -> None:
    """Raises what ``write`` would raise, before anybody waits for it."""
    told = told_plan(reference, user, number, wish.language, wish.project)
    told.sites(wish.asked), told.team_days(wish.asked)
    if wish.kind == "sheets.pdf":
        plan_sheets.check(told, wish.asked)


def file_name(number: int, wish: Wish) -> str:
    """What a file is called: plan-3-sheets-2026-11-25.pdf."""
    stem, _, ending = wish.kind.rpartition(".")
    day = wish.asked.day.isoformat() if wish.asked.day else ""
    parts = (f"plan-{number}", "" if stem == "plan" else stem, wish.asked.site, day)
    plain = ("".join(c if (c.isascii() and c.isalnum()) or c == "-" else "_" for c in part) for part in parts if part)
    return f"{'-'.join(plain)}.{ending}"


Maker = Callable[[ToldPlan, SeenHouses, Wish, bool], tuple[bytes, int]]
"""The file, and how many people it tells of by name, by id or by where they live."""


def _sheets(told: ToldPlan, seen: SeenHouses, wish: Wish, points: bool) -> tuple[bytes, int]:
    writer = SheetWriter(told, seen, wish.address, points)
    return writer.people_pdf(wish.asked, wish.fonts), writer.people


def _team_days(told: ToldPlan, seen: SeenHouses, wish: Wish, points: bool) -> tuple[bytes, int]:
    writer = SheetWriter(told, seen, wish.address, points)
    return writer.teams_pdf(wish.asked, wish.fonts), writer.people


def _workbook(told: ToldPlan, seen: SeenHouses, wish: Wish, points: bool) -> tuple[bytes, int]:
    writer = TableWriter(told, seen, wish.asked, points)
    return writer.workbook(), writer.people


def _on_map(write: Callable[[PlanMap], bytes]) -> Maker:
    def make(told: ToldPlan, seen: SeenHouses, wish: Wish, points: bool) -> tuple[bytes, int]:
        writer = WayWriter(told, seen, wish.asked, wish.address)
        return write(writer.map()), writer.houses_told()

    return make


def _calendar(told: ToldPlan, seen: SeenHouses, wish: Wish, points: bool) -> tuple[bytes, int]:
    return WayWriter(told, SeenHouses(), wish.asked, wish.address).calendar(), 0


_MAKERS: Mapping[str, Maker] = {
    "sheets.pdf": _sheets,
    "team-days.pdf": _team_days,
    "plan.xlsx": _workbook,
    "plan.geojson": _on_map(write_geojson),
    "plan.kml": _on_map(write_kml),
    "plan.gpx": _on_map(write_gpx),
    "plan.ics": _calendar,
}
