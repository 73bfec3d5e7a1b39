"""A plan as tables: sites, sessions, days of teams, people, whom there is no place for and why, and vials."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from mapper.domain.made_plan import WHY, PlannedPerson
from mapper.domain.people import Person
from mapper.domain.sites import SiteKind
from mapper.errors import mark
from mapper.formats.plan_workbook import TableSheet, Value, write_tables
from mapper.services.plan_figures import by_hamlet, clock
from mapper.services.plan_houses import NamedHouse, SeenHouses
from mapper.services.plan_told import COUNTED, Asked, ToldPlan

Row = tuple[Value, ...]

KINDS = {SiteKind.FIXED: mark("fixed"), SiteKind.MOBILE: mark("mobile")}

SEXES = {"female": mark("female"), "male": mark("male")}


class TableWriter:
    """The workbook of one plan. points: whether positions of houses and telephones may be told."""

    def __init__(self, told: ToldPlan, seen: SeenHouses, asked: Asked, points: bool) -> None:
        self._told, self._seen, self._asked, self._points = told, seen, asked, points
        self.people = 0
        """Of whom is told who they are."""

    def workbook(self) -> bytes:
        """All tables. Raises NotFound for a site or team that is not in the plan."""
        told = self._told
        told.sites(self._asked), told.team_days(self._asked)  # a wrong name is told before a row is written
        tables = [
            self._sheet(mark("Summary"), ((mark("What"), 40), (mark("Value"), 60)), self._summary()),
            self._sheet(mark("Sites"), _SITES, self._sites()),
            self._sheet(mark("Sessions"), _SESSIONS, self._sessions()),
            self._sheet(mark("Days of teams"), _STOPS, self._stops()),
            self._sheet(mark("People"), self._of_people(), self._persons()),
            self._sheet(mark("Without a place"), _UNSERVED, self._unserved()),
            self._sheet(mark("Vials"), self._of_vials(), self._vials()),
        ]
        return write_tables(tables, told.name, told.foot)

    def _sheet(self, name: str, columns: tuple[tuple[str, int], ...], rows: Iterator[Row]) -> TableSheet:
        say = self._told.say
        return TableSheet(say(name), tuple((say(title), width) for title, width in columns), rows)

    def _summary(self) -> Iterator[Row]:
        told, made, question = self._told, self._told.made, self._told.line.question
        say = told.say
        yield say(mark("Plan")), told.name
        yield say(mark("Campaign")), told.campaign.label[told.language]
        if told.boundaries:
            yield say(mark("Boundary set")), told.boundaries
        yield say(mark("First day")), question.first
        yield say(mark("Last day")), question.last
        yield say(mark("Made")), told.moment
        yield say(mark("People due")), made.people
        yield say(mark("with a place")), made.served
        for why, number in made.by_why().items():
            yield f"{say(mark('without a place'))}: {say(WHY[why])}", number
        yield say(mark("Sites")), len(made.sites)
        yield say(mark("Days of teams")), len(made.days)
        yield say(mark("Way of all teams, km")), round(made.way_m / 1000, 1)
        if not told.line.whole:
            yield say(mark("Area")), say(mark("people of your area alone; sites, days and vials of the whole plan"))
        if told.sample:
            yield say(mark("Data")), say(mark("invented people"))

    def _sites(self) -> Iterator[Row]:
        told = self._told
        for one in told.sites(self._asked):
            site = one.site
            farthest = max((house.way_m for house in one.houses if house.way_m is not None), default=None)
            yield (
                site.code,
                site.name,
                told.say(KINDS[site.kind]),
                told.names.unit(one.unit),
                site.lat,
                site.lon,
                site.capacity,
                sum(session.people for session in one.sessions),
                len({house.id for house in one.houses}),
                round(farthest) if farthest is not None else None,
                len(one.sessions),
            )

    def _sessions(self) -> Iterator[Row]:
        told = self._told
        for one in told.sites(self._asked):
            for each in filter(self._asked.takes, one.sessions):
                yield (
                    each.day,
                    clock(each.begin),
                    clock(each.end),
                    one.site.code,
                    one.site.name,
                    told.names.unit(one.unit),
                    each.team or told.say(mark("the site's own staff")),
                    each.people,
                    sum(each.doses.values()),
                    sum(need.ready for need in each.needs),
                    told.say(mark("yes")) if each.kept else "",
                )

    def _stops(self) -> Iterator[Row]:
        told = self._told
        homes = {house.id: house for house in told.made.homes}
        for day in told.team_days(self._asked):
            for number, stop in enumerate(day.stops, 1):
                site, home = told.site(stop.site), homes.get(stop.house)
                point = site.site if site else home.point if home and self._may_place(home.id) else None
                place = site.site.name if site else told.say(mark("Visit at home"))
                where = told.names.unit(site.unit) if site else ""
                where = told.place(home.hamlet_code, home.commune_code) if home else where
                lat, lon = (point.lat, point.lon) if point else (None, None)
                at = clock(stop.begin), clock(stop.end)
                yield day.day, day.team, number, *at, stop.site, place, where, lat, lon, stop.people, stop.doses

    def _may_place(self, house_id: str) -> bool:
        return self._points and house_id in self._seen.rows

    def _of_people(self) -> tuple[tuple[str, int], ...]:
        return _PEOPLE if self._points else tuple(one for one in _PEOPLE if one[0] not in _POSITION)

    def _persons(self) -> Iterator[Row]:
        told, asked = self._told, self._asked
        days = told.team_days(asked)
        for site in told.sites(asked):
            on = {each.day for each in site.sessions if asked.takes(each)}
            for house in self._seen.of(site.houses, told.names):
                yield from self._house(house, site.site.code, site.site.name, on)
        if not asked.site:
            visited = {(stop.house, day.day) for day in days for stop in day.stops if stop.house}
            for house in self._seen.of(told.made.homes, told.names):
                days_there = {one.planned.day for one in house.people}
                visits = [day for day in days_there if (house.planned.id, day) in visited]
                yield from self._house(house, "", told.say(mark("at home")), visits)

    def _house(self, house: NamedHouse, code: str, place: str, on: Collection[date | None]) -> Iterator[Row]:
        told, row = self._told, house.row
        for one in house.people:
            if one.planned.day not in on:
                continue
            self.people += 1
            head: Row = (one.planned.day, code, place, told.names.unit(house.planned.commune_code))
            head += (told.names.hamlet(house.planned.hamlet_code), row.house_number or "", row.head or "")
            if self._points:
                point = house.planned.point
                head += (row.phone or "", point.lat if point else None, point.lon if point else None)
            yield (*head, *self._person(one.planned, one.person), house.planned.way_m and round(house.planned.way_m))

    def _person(self, planned: PlannedPerson, person: Person | None) -> Row:
        told = self._told
        doses = ", ".join(told.dose(code) for code in planned.due)
        vaccines = dict.fromkeys(planned.vials.get(code, "") for code in planned.due)
        shown = ", ".join(told.formulation(code) for code in vaccines)
        if person is None:
            return told.say(mark("not in the register any more")), None, "", doses, shown, planned.id
        born = person.born_on.year if person.born_on else None
        sex = told.say(SEXES[person.sex]) if person.sex in SEXES else ""
        return person.name or told.say(mark("Without a name")), born, sex, doses, shown, planned.id

    def _unserved(self) -> Iterator[Row]:
        told = self._told
        for why, houses in told.made.unserved.items():
            for part in by_hamlet(houses, told.names):
                yield told.say(WHY[why]), part.unit_name, part.hamlet_name, part.houses, part.people

    def _of_vials(self) -> tuple[tuple[str, int], ...]:
        return (*_VIALS, *((title, 12) for title in COUNTED.values()))

    def _vials(self) -> Iterator[Row]:
        told = self._told
        for one in told.sites(self._asked):
            for each in filter(self._asked.takes, one.sessions):
                for need in each.needs:
                    counts = tuple(getattr(need, name) for name in COUNTED)
                    team = each.team or told.say(mark("the site's own staff"))
                    yield each.day, one.site.name, team, told.formulation(need.formulation), need.due, *counts
        if self._asked == Asked():
            for need in told.made.needs:
                counts = tuple(getattr(need, name) for name in COUNTED)
                yield None, told.say(mark("the whole plan")), "", told.formulation(need.formulation), need.due, *counts


_SITES = (
    (mark("Code"), 14),
    (mark("Site"), 30),
    (mark("Kind"), 12),
    (mark("Commune"), 20),
    (mark("Latitude"), 11),
    (mark("Longitude"), 11),
    (mark("Capacity a day"), 10),
    (mark("Number of people"), 9),
    (mark("Houses"), 9),
    (mark("Farthest way, m"), 10),
    (mark("Sessions"), 9),
)
_SESSIONS = (
    (mark("Day"), 12),
    (mark("From hour"), 8),
    (mark("To hour"), 8),
    (mark("Code"), 14),
    (mark("Site"), 30),
    (mark("Commune"), 20),
    (mark("Team"), 22),
    (mark("Number of people"), 9),
    (mark("Doses"), 9),
    (mark("Vials"), 9),
    (mark("Kept"), 8),
)
_STOPS = (
    (mark("Day"), 12),
    (mark("Team"), 22),
    (mark("Stop number"), 8),
    (mark("From hour"), 8),
    (mark("To hour"), 8),
    (mark("Code"), 14),
    (mark("Place"), 30),
    (mark("Commune"), 30),
    (mark("Latitude"), 11),
    (mark("Longitude"), 11),
    (mark("Number of people"), 9),
    (mark("Doses"), 9),
)
_POSITION = frozenset({"Telephone", "Latitude", "Longitude"})
_PEOPLE = (
    (mark("Day"), 12),
    (mark("Code"), 14),
    (mark("Place"), 28),
    (mark("Commune"), 20),
    (mark("Hamlet"), 22),
    (mark("House"), 9),
    (mark("Head of the household"), 24),
    (mark("Telephone"), 13),
    (mark("Latitude"), 11),
    (mark("Longitude"), 11),
    (mark("Name"), 26),
    (mark("Born"), 7),
    (mark("Sex"), 8),
    (mark("Dose"), 24),
    (mark("Vaccine"), 28),
    (mark("Number in the register"), 38),
    (mark("Way, m"), 9),
)
_UNSERVED = (
    (mark("Why"), 44),
    (mark("Commune"), 22),
    (mark("Hamlet"), 24),
    (mark("Houses"), 9),
    (mark("Number of people"), 9),
)
_VIALS = ((mark("Day"), 12), (mark("Site"), 30), (mark("Team"), 22), (mark("Vaccine"), 30), (mark("Doses due"), 9))
