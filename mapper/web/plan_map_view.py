"""A plan as its map draws it: positions with what is said of each, in the reader's words; no name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import url_for

from mapper.domain.made_plan import WHY, MadePlan, PlannedHouse, TeamDay
from mapper.domain.people import Point
from mapper.domain.plan import PlanQuestion
from mapper.domain.sites import SiteKind
from mapper.errors import mark
from mapper.maps.coverage_map import MapParts
from mapper.maps.plan_map import TEAM_COLOURS, PlanMapView, Reach, SiteMark, Way, Without, plan_map
from mapper.services.boundaries import outlines_of
from mapper.services.plan_figures import HamletPart, PlaceNames, SiteRow, WaitingRow, middle_of, shown_at
from mapper.web.base_map import base_tiles
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.pages import count
from mapper.web.plan_words import km, short_day

DISTRICT_BAND, PROVINCE_BAND, MANY = 11, 9, 60
"""Zooms that outlines are simplified for, the latter for a set of very many units."""

PATH_DECIMALS = 4
"""Of a degree: ten metres."""

_STRAIGHT = mark("{team}, {day}: {way}, drawn as the crow flies")
_BY_ROAD = mark("{team}, {day}: {way} by road")

Spot = tuple[float, float]


def team_colours(question: PlanQuestion) -> dict[str, str]:
    """The colour of each team."""
    return {team.name: TEAM_COLOURS[place % len(TEAM_COLOURS)] for place, team in enumerate(question.teams)}


def map_of(
    number: int,
    question: PlanQuestion,
    made: MadePlan,
    rows: Sequence[SiteRow],
    waiting: Sequence[WaitingRow],
    names: PlaceNames,
    points: bool,
) -> MapParts:
    """The map of a plan. points: whether its reader may see where houses stand, to which roads lead."""
    sites = [_site(number, row, made.outline) for row in rows]
    reaches = [
        Reach(place, part.middle.lat, part.middle.lon, part.people, _reach_words(row, part))
        for place, row in enumerate(rows)
        for part in row.parts
        if part.middle is not None
    ]
    ways = _ways(question, made, points)
    without = _without(waiting)
    shapes = dict(_outlines(names))
    spots = [(one.lat, one.lon) for one in sites]
    spots += [(one.lat, one.lon) for one in reaches] + [(one.lat, one.lon) for one in without]
    box = _around(spots) if spots else names.places.bounds
    near = [
        shapes[unit.code]
        for unit in names.places.at_level(names.places.leaf)
        if unit.code in shapes and _meets(unit.bounds, box)
    ]
    ground = base_tiles()
    return plan_map(
        PlanMapView(
            box,
            sites,
            reaches,
            ways,
            without,
            near,
            [shapes[code] for code in question.scenario.closed if code in shapes],
            {"open_site": say("Whom this site serves"), "closed": say("closed area")},
            ground.url,
            ground.attribution,
            ground.options,
        )
    )


def _site(number: int, row: SiteRow, outline: bool) -> SiteMark:
    site = row.one.site
    people: dict[str, int] = {}
    teams: dict[str, list[str]] = {}
    for session in row.one.sessions:
        day = session.day.isoformat()
        people[day] = people.get(day, 0) + session.people
        if session.team:
            teams.setdefault(day, []).append(session.team)
    told = [say("{people} people, {sessions} days", people=count(row.people), sessions=count(len(row.one.sessions)))]
    if row.farthest_m is not None:
        told.append(say("farthest walk {way}", way=km(row.farthest_m)))
    if row.teams and any(row.teams):
        told.append(", ".join(filter(None, row.teams)))
    # Whom a site serves is not written yet of a plan by numbers.
    address = "" if outline else url_for("plan_people.site", number=number, code=site.code)
    fixed, at = site.kind is SiteKind.FIXED, shown_at(site)
    return SiteMark(site.name, at.lat, at.lon, fixed, people, teams, told, address)


def _reach_words(row: SiteRow, part: HamletPart) -> str:
    return say(
        "{hamlet}: {people} people to {site}",
        hamlet=_place(part),
        people=count(part.people),
        site=row.one.site.name,
    )


def _place(part: HamletPart) -> str:
    return ", ".join(filter(None, (part.hamlet_name or say("Hamlet not told"), part.unit_name)))


def _without(waiting: Sequence[WaitingRow]) -> list[Without]:
    """Hamlets with people who have no place, all reasons together."""
    found: dict[tuple[str, str], list[WaitingRow]] = {}
    for row in waiting:
        found.setdefault((row.part.unit, row.part.hamlet), []).append(row)
    made = []
    for several in found.values():
        middle = next((row.part.middle for row in several if row.part.middle is not None), None)
        if middle is None:
            continue
        told = [_place(several[0].part), *(f"{count(row.part.people)} {say(WHY[row.why])}" for row in several)]
        made.append(Without(middle.lat, middle.lon, sum(row.part.people for row in several), told))
    return made


def _ways(question: PlanQuestion, made: MadePlan, points: bool) -> list[Way]:
    colours = team_colours(question)
    starts = {team.name: (round(team.start.lat, 5), round(team.start.lon, 5)) for team in question.teams}
    sites = {one.site.code: (at.lat, at.lon) for one in made.sites if (at := shown_at(one.site))}
    hamlets: dict[tuple[str | None, str | None], list[PlannedHouse]] = {}
    for house in made.homes:
        hamlets.setdefault((house.commune_code, house.hamlet_code), []).append(house)
    middles = {key: middle_of(several) for key, several in hamlets.items()}
    homes = {one.id: middles[one.commune_code, one.hamlet_code] for one in made.homes}
    found = []
    for day in made.days:
        stops = _stops(day, sites, homes)
        start = starts.get(day.team)
        straight = not day.path or not (points or all(stop.site for stop in day.stops))
        if straight:
            line = [start, *stops, start] if start else list(stops)
        else:
            line = [(round(lat, PATH_DECIMALS), round(lon, PATH_DECIMALS)) for lon, lat in day.path]
        sentence = _STRAIGHT if straight else _BY_ROAD
        told = say(sentence, team=day.team, day=short_day(day.day), way=km(day.way_m))
        spots = [spot for spot in line if spot is not None]
        if len(spots) > 1:
            colour = colours.get(day.team, TEAM_COLOURS[-1])
            found.append(Way(day.team, day.day.isoformat(), colour, spots, straight, stops, told))
    return found


def _stops(day: TeamDay, sites: Mapping[str, Spot], homes: Mapping[str, Point | None]) -> list[Spot]:
    """Where a team stays, one after the other; houses of a hamlet are one place."""
    found: list[Spot] = []
    for stop in day.stops:
        home = homes.get(stop.house)
        spot = sites.get(stop.site) if stop.site else (home.lat, home.lon) if home else None
        if spot is not None and (not found or found[-1] != spot):
            found.append(spot)
    return found


def _outlines(names: PlaceNames) -> Sequence[tuple[str, str]]:
    about = names.places.about
    band = DISTRICT_BAND if len(names.places.at_level(names.places.leaf)) <= MANY else PROVINCE_BAND
    return outlines_of(installation().reference, about.id, about.imported_at, names.places.leaf, band)


def _around(spots: Sequence[Spot]) -> tuple[float, float, float, float]:
    lats, lons = zip(*spots, strict=True)
    return min(lons) - 0.005, min(lats) - 0.005, max(lons) + 0.005, max(lats) + 0.005


def _meets(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
