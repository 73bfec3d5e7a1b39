"""A plan for maps, phones and calendars: sites, ways of teams and how many wait where, without anybody's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mapper.domain.made_plan import WHY, PlanSite, Session, TeamDay, TeamStop, VialNeed
from mapper.domain.sites import SiteKind
from mapper.errors import mark
from mapper.formats.plan_calendar import CalendarEvent, write_calendar
from mapper.formats.plan_places import MapPoint, MapStop, MapWay, PlanMap, Spot
from mapper.services.plan_figures import by_hamlet
from mapper.services.plan_houses import SeenHouses
from mapper.services.plan_told import Asked, ToldPlan, geo_address, hours

ZONE = "Asia/Ho_Chi_Minh"

TOGETHER = 5
"""Minutes to which hours are told everywhere."""

KINDS = {SiteKind.FIXED: mark("Fixed site"), SiteKind.MOBILE: mark("Mobile site")}


class WayWriter:
    """Maps, ways and calendars of one plan. address: of the plan's page.

    seen: houses whose positions may be told; with none of them ways lead from site to site.
    """

    def __init__(self, told: ToldPlan, seen: SeenHouses, asked: Asked, address: str) -> None:
        self._told, self._seen, self._asked, self._address = told, seen, asked, address
        self._starts = {one.name: (one.start.lon, one.start.lat) for one in told.line.question.teams}
        self._homes = {one.id: one for one in told.made.homes}
        self._zone = ZoneInfo(ZONE)

    def map(self) -> PlanMap:
        """Sites, ways, and people without a place. Raises NotFound for a site or team that is not in the plan."""
        told = self._told
        sites = tuple(self._site(one) for one in told.sites(self._asked) if self._is_meant(one))
        invented = told.say(mark("invented people")) * told.sample
        return PlanMap(
            told.name,
            " · ".join(filter(None, (told.project, told.moment, told.boundaries, invented))),
            datetime.fromisoformat(told.line.row.at),
            sites,
            tuple(self._way(day) for day in told.team_days(self._asked)),
            tuple(self._unserved()) if self._asked == Asked() else (),
            (told.say(mark("Sites")), told.say(mark("Without a place"))),
        )

    def houses_told(self) -> int:
        """Of how many houses positions are told."""
        days = self._told.team_days(self._asked)
        return len({stop.house for day in days for stop in day.stops if self._home_at(stop) is not None})

    def _is_meant(self, one: PlanSite) -> bool:
        if not self._asked.team and self._asked.day is None:
            return True
        return any(self._asked.takes(session) for session in one.sessions)

    def _site(self, one: PlanSite) -> MapPoint:
        told, site = self._told, one.site
        sessions = [each for each in one.sessions if self._asked.takes(each)]
        people = sum(each.people for each in sessions)
        lines = [
            " · ".join(filter(None, (told.say(KINDS[site.kind]), told.names.unit(one.unit)))),
            told.say(mark("{number} people"), number=people),
            *(self._session(each) for each in sessions),
        ]
        return MapPoint(
            "site",
            site.name,
            (site.lon, site.lat),
            "\n".join(lines),
            {
                "code": site.code,
                "site": site.kind.value,
                "unit": one.unit or "",
                "people": people,
                "geo": geo_address(site),
                "sessions": [
                    {"day": each.day.isoformat(), "hours": hours(each.begin, each.end), "team": each.team}
                    | {"people": each.people}
                    for each in sessions
                ],
            },
        )

    def _session(self, each: Session) -> str:
        told = self._told
        team = each.team or told.say(mark("the site's own staff"))
        people = told.say(mark("{number} people"), number=each.people)
        return f"{told.day(each.day)}, {hours(each.begin, each.end)} · {team} · {people}"

    def _way(self, day: TeamDay) -> MapWay:
        told = self._told
        stops = []
        for number, stop in enumerate(day.stops, 1):
            at = self._at(stop)
            if at is not None:
                people = told.say(mark("{number} people"), number=stop.people)
                doses = told.say(mark("{number} doses"), number=stop.doses)
                text = f"{hours(stop.begin, stop.end)} · {people} · {doses}"
                moments = self._moment(day.day, stop.begin), self._moment(day.day, stop.end)
                stops.append(MapStop(f"{number}. {self._named(stop)}", at, text, *moments))
        people = told.say(mark("{number} people"), number=sum(stop.people for stop in day.stops))
        return MapWay(
            f"{day.team} · {day.day:%d/%m/%Y}",
            f"{hours(day.begin, day.end)} · {people} · {round(day.way_m / 1000, 1)} km",
            self._path(day, [stop.at for stop in stops]),
            tuple(stops),
            {
                "team": day.team,
                "day": day.day.isoformat(),
                "way_m": round(day.way_m),
                "doses": day.doses,
                "stops": len(day.stops),
            },
        )

    def _path(self, day: TeamDay, spots: list[Spot]) -> tuple[Spot, ...]:
        """The way itself where it is known and tells no house that may not be told, else straight from stop to stop."""
        if day.path and len(spots) == len(day.stops):
            return day.path
        start = self._starts.get(day.team)
        ends = [start] if start is not None and spots else []
        return (*ends, *spots, *ends) if len(spots) + len(ends) > 1 else ()

    def _at(self, stop: TeamStop) -> Spot | None:
        site = self._told.site(stop.site) if stop.site else None
        return (site.site.lon, site.site.lat) if site is not None else self._home_at(stop)

    def _home_at(self, stop: TeamStop) -> Spot | None:
        home = self._homes.get(stop.house)
        if home is None or home.point is None or home.id not in self._seen.rows:
            return None
        return home.point.lon, home.point.lat

    def _named(self, stop: TeamStop) -> str:
        told = self._told
        site = told.site(stop.site) if stop.site else None
        if site is not None:
            return site.site.name
        row = self._seen.rows.get(stop.house)
        if row is not None and row.house_number:
            return told.say(mark("House {number}"), number=row.house_number)
        return told.say(mark("Visit at home"))

    def _unserved(self) -> Iterator[MapPoint]:
        told = self._told
        for why, houses in told.made.unserved.items():
            for part in by_hamlet(houses, told.names):
                if part.middle is not None:
                    people = told.say(mark("{number} people"), number=part.people)
                    yield MapPoint(
                        "unserved",
                        part.hamlet_name or part.unit_name or told.say(mark("Hamlet not told")),
                        (part.middle.lon, part.middle.lat),
                        f"{people}: {told.say(WHY[why])}",
                        {"hamlet": part.hamlet, "unit": part.unit, "why": why.value, "people": part.people},
                    )

    def _moment(self, day: date, minutes: float) -> datetime:
        whole = timedelta(minutes=round(minutes / TOGETHER) * TOGETHER)
        return datetime.combine(day, time(), self._zone) + whole

    def calendar(self) -> bytes:
        """Sessions at sites and a team's visits of a day, an event each."""
        told = self._told
        told.sites(self._asked)
        events = [self._at_site(one, each) for one in told.sites(self._asked) for each in self._held(one)]
        for day in told.team_days(self._asked):
            for run, several in enumerate(_runs(day)):
                events.append(self._visits(day, several, run))
        events.sort(key=lambda one: (one.begin, one.key))
        name = f"{told.name} · {self._asked.team}" if self._asked.team else told.name
        moment = datetime.fromisoformat(told.line.row.at)
        return write_calendar(name, events, moment, told.number)

    def _held(self, one: PlanSite) -> list[Session]:
        return [each for each in one.sessions if self._asked.takes(each)]

    def _at_site(self, one: PlanSite, each: Session) -> CalendarEvent:
        told, site = self._told, one.site
        people = told.say(mark("{number} people"), number=each.people)
        same = [other for other in one.sessions if (other.day, other.team) == (each.day, each.team)]
        unit = told.names.unit(one.unit)
        return CalendarEvent(
            "/".join((told.campaign.id, each.day.isoformat(), each.team, site.code, str(same.index(each)))),
            " · ".join(filter(None, (each.team, site.name, people))),
            "\n".join(
                [people, *(self._need(need) for need in each.needs), told.say(mark("invented people")) * told.sample]
            ).rstrip(),
            ", ".join(filter(None, (site.name, unit))),
            (site.lat, site.lon),
            self._moment(each.day, each.begin),
            self._moment(each.day, each.end),
            f"{self._address}/sites/{quote(site.code)}" if self._address else "",
        )

    def _need(self, need: VialNeed) -> str:
        told = self._told
        vials = told.say(mark("{number} vials"), number=need.ready)
        return f"{told.formulation(need.formulation)}: {vials}"

    def _visits(self, day: TeamDay, stops: list[TeamStop], run: int) -> CalendarEvent:
        told = self._told
        homes = [self._homes[stop.house] for stop in stops if stop.house in self._homes]
        hamlets = dict.fromkeys(told.place(one.hamlet_code, one.commune_code) for one in homes)
        people = told.say(mark("{number} people"), number=sum(stop.people for stop in stops))
        visits = told.say(mark("{number} visits at home"), number=len(stops))
        return CalendarEvent(
            "/".join((told.campaign.id, day.day.isoformat(), day.team, "homes", str(run))),
            f"{day.team} · {visits} · {people}",
            f"{visits}, {people}",
            "; ".join(filter(None, hamlets)),
            None,
            self._moment(day.day, stops[0].begin),
            self._moment(day.day, stops[-1].end),
            self._address,
        )


def _runs(day: TeamDay) -> list[list[TeamStop]]:
    """Visits at home one after the other, with no site between them."""
    return [list(several) for at_site, several in groupby(day.stops, key=lambda one: bool(one.site)) if not at_site]
