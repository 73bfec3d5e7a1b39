"""A plan in figures for a page: sites, hamlets, the calendar of teams, and whom no place was found for; no names.

Where a hamlet lies is told as roughly as a map of it needs, so that no house is told by it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from mapper.domain.made_plan import MadePlan, PlannedHouse, PlannedPart, PlanSite, Session, TeamDay, Unserved
from mapper.domain.people import Point
from mapper.domain.places import fold
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.domain.walk import number_key
from mapper.services import demand
from mapper.services.questions import set_made_on
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.site_places import PROPOSED
from mapper.store.reference import SetState

ROUGHLY = 3
"""Decimals of a degree that a hamlet's middle is told with: a hundred metres."""

EXACTLY = 5
"""Decimals of a degree that a site's place is told with: a metre."""

MINUTES = 60


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """What hamlets and innermost units of a boundary set are called."""

    known: Known
    places: PlaceSet

    @property
    def withdrawn(self) -> bool:
        """Whether the set was withdrawn since."""
        return self.places.about.state is SetState.WITHDRAWN

    def hamlet(self, code: str | None) -> str:
        """Name of a hamlet; "" where none was told."""
        found = self.known.hamlets.get(code or "")
        return found.label if found else code or ""

    def unit(self, code: str | None) -> str:
        """Name of an innermost unit; "" where none is known."""
        found = self.places.units.get((self.places.leaf, code or ""))
        return found.name if found else code or ""


def names_of(reference: Reference, set_id: str) -> PlaceNames:
    """The names of a plan's places. Raises NotFound where its boundary set is gone."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    return PlaceNames(known, set_made_on(known, set_id))


@dataclass(frozen=True, slots=True)
class HamletPart:
    """People of one hamlet of whom one thing holds.

    hamlet, unit: codes, "" for none; farthest_m: of their ways, None where nobody walks. middle: of their houses by
    people, told roughly; None where no house has a position.
    """

    hamlet: str
    unit: str
    hamlet_name: str
    unit_name: str
    people: int
    houses: int
    farthest_m: float | None
    middle: Point | None


def by_hamlet(houses: Iterable[PlannedHouse], names: PlaceNames) -> list[HamletPart]:
    """Houses by hamlet, in the order of names; those of no hamlet come last in their commune."""
    found: dict[tuple[str, str], list[PlannedHouse]] = {}
    for one in houses:
        found.setdefault((one.commune_code or "", one.hamlet_code or ""), []).append(one)
    parts = [
        HamletPart(
            hamlet,
            unit,
            names.hamlet(hamlet),
            names.unit(unit),
            sum(len(one.people) for one in several),
            len({one.id for one in several}),
            max((one.way_m for one in several if one.way_m is not None), default=None),
            middle_of(several),
        )
        for (unit, hamlet), several in found.items()
    ]
    return sorted(parts, key=_in_names)


def named_parts(parts: Iterable[PlannedPart], names: PlaceNames) -> list[HamletPart]:
    """Hamlets that are counted already, in the order of names."""
    found = [
        HamletPart(
            one.hamlet_code or "",
            one.commune_code or "",
            names.hamlet(one.hamlet_code),
            names.unit(one.commune_code),
            one.people,
            one.houses,
            one.farthest_m,
            one.middle,
        )
        for one in parts
    ]
    return sorted(found, key=_in_names)


def _in_names(one: HamletPart) -> tuple[object, ...]:
    return not one.unit, fold(one.unit_name), one.unit, not one.hamlet, number_key(fold(one.hamlet_name))


def middle_of(houses: Sequence[PlannedHouse]) -> Point | None:
    """The median of houses' positions by their people, told roughly; None where none has a position."""
    placed = [(one.point.lat, one.point.lon, len(one.people)) for one in houses if one.point is not None]
    if not placed:
        return None
    lat, lon = (_median([(one[axis], one[2]) for one in placed]) for axis in (0, 1))
    return Point(round(lat, ROUGHLY), round(lon, ROUGHLY))


def _median(weighed: list[tuple[float, int]]) -> float:
    weighed.sort()
    sums = list(accumulate(weight for _, weight in weighed))
    return weighed[bisect_left(sums, sums[-1] / 2)][0]


def shown_at(site: Site) -> Point:
    """Where pages show a site: a proposed one, which is somebody's house, roughly."""
    decimals = ROUGHLY if site.code.startswith(PROPOSED) else EXACTLY
    return Point(round(site.lat, decimals), round(site.lon, decimals))


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site of a plan as a table shows it. vials: to be taken there in all its sessions, the buffer among them."""

    one: PlanSite
    unit_name: str
    houses: int
    farthest_m: float | None
    teams: tuple[str, ...]
    vials: int
    parts: tuple[HamletPart, ...]

    @property
    def people(self) -> int:
        """How many are asked to come."""
        return self.one.people


def site_rows(made: MadePlan, names: PlaceNames) -> list[SiteRow]:
    """The sites of a plan, the fixed ones first, then by people."""
    rows = []
    for one in made.sites:
        parts = named_parts(one.parts, names) if made.outline else by_hamlet(one.houses, names)
        rows.append(
            SiteRow(
                one,
                names.unit(one.unit),
                sum(part.houses for part in one.parts) if made.outline else len({house.id for house in one.houses}),
                max((part.farthest_m for part in parts if part.farthest_m is not None), default=None),
                tuple(dict.fromkeys(session.team for session in one.sessions)),
                sum(need.ready for session in one.sessions for need in session.needs),
                tuple(parts),
            )
        )
    return sorted(rows, key=lambda row: (row.one.site.kind is not SiteKind.FIXED, -row.people, fold(row.one.site.name)))


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a team as a calendar shows it. code: of the site, "" for houses; name: its own, or that of a hamlet.

    visits: how many houses are visited one after the other, 0 at a site.
    """

    code: str
    name: str
    begin: float
    end: float
    people: int
    visits: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A team's day in a calendar."""

    day: TeamDay
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Who is where on which day. rows: by team, a cell a day, None for a day without work.

    stations: sessions that the sites' own staff holds, by day: site and session.
    """

    days: tuple[date, ...]
    rows: Mapping[str, tuple[Cell | None, ...]]
    stations: Mapping[date, tuple[tuple[PlanSite, Session], ...]]


def calendar_of(made: MadePlan, names: PlaceNames) -> Calendar:
    """The calendar of a plan's teams; home visits in one hamlet one after the other are one stop."""
    sites = {one.site.code: one.site.name for one in made.sites}
    homes = {one.id: one for one in made.homes}
    days = sorted({one.day for one in made.days} | {each.day for one in made.sites for each in one.sessions})
    held: dict[str, dict[date, Cell]] = {}
    for one in made.days:
        held.setdefault(one.team, {})[one.day] = Cell(one, _stops(one, sites, homes, names))
    stations = {
        day: tuple(
            (one, session)
            for one in made.sites
            for session in one.sessions
            if session.day == day and not session.team and session.people
        )
        for day in days
    }
    rows = {team: tuple(cells.get(day) for day in days) for team, cells in sorted(held.items(), key=_by_team)}
    return Calendar(tuple(days), rows, stations)


def _by_team(item: tuple[str, object]) -> tuple[object, ...]:
    return number_key(fold(item[0]))


def _stops(
    day: TeamDay, sites: Mapping[str, str], homes: Mapping[str, PlannedHouse], names: PlaceNames
) -> tuple[Stop, ...]:
    found: list[Stop] = []
    for stop in day.stops:
        if stop.site:
            found.append(Stop(stop.site, sites.get(stop.site, stop.site), stop.begin, stop.end, stop.people))
            continue
        house = homes.get(stop.house)
        name = names.hamlet(house.hamlet_code) if house else ""
        last = found[-1] if found else None
        if last is not None and last.visits and last.name == name:
            found[-1] = Stop("", name, last.begin, stop.end, last.people + stop.people, last.visits + 1)
        else:
            found.append(Stop("", name, stop.begin, stop.end, stop.people, 1))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Why people of a hamlet have no place in a plan."""

    why: Unserved
    part: HamletPart


def waiting_rows(made: MadePlan, names: PlaceNames) -> list[WaitingRow]:
    """Everybody without a place by why and hamlet, the reasons in their order, of each the most people first."""
    found = []
    for why in Unserved:
        parts = [
            *by_hamlet(made.unserved.get(why, ()), names),
            *named_parts(made.unserved_parts.get(why, ()), names),
        ]
        found += [WaitingRow(why, part) for part in sorted(parts, key=lambda one: -one.people)]
    return found


def session_days(site: PlanSite) -> Mapping[date, int]:
    """How many are asked to come to a site on which day."""
    return Counter(person.day for house in site.houses for person in house.people if person.day is not None)


def clock(minutes: float) -> str:
    """Minutes after midnight as a clock shows them, to five minutes."""
    whole = round(minutes / 5) * 5
    return f"{whole // MINUTES:02d}:{whole % MINUTES:02d}"


def rules_for(reference: Reference, campaign_id: str) -> PlanningRules:
    """What a campaign's planning.toml says now."""
    with reference.database.read() as connection:
        return demand.rules_of(connection, reference.known(connection).campaign(campaign_id))
