"""A plan on paper: a sheet a site and day, a sheet of visits at home, and the page that a team sets out with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from mapper.domain.made_plan import PlannedHouse, PlanSite, Session, TeamDay, VialNeed, together
from mapper.domain.sites import SiteKind
from mapper.errors import NotFound, TooLarge, mark
from mapper.formats.plan_sheet import (
    PageWords,
    PlanSheet,
    PlanSheetWords,
    SheetNeed,
    SheetPart,
    SheetRow,
    draw_plan_sheets,
)
from mapper.formats.plan_team_sheet import StopRow, TeamSheet, TeamSheetWords, draw_team_sheets
from mapper.services.plan_houses import Named, NamedHouse, SeenHouses
from mapper.services.plan_levels import carried_in, of_site
from mapper.services.plan_told import COUNTED, Asked, ToldPlan, hours, position

MOST_PRINTED = 20_000
"""People in one PDF; more are a pile that nobody sorts."""

TAKEN = ("ready", "diluents", "syringes", "mixing_syringes", "safety_boxes")
"""What of a need stands on paper."""


def check(told: ToldPlan, asked: Asked) -> None:
    """Raises TooLarge for more than MOST_PRINTED people on sheets, NotFound for a site or team that is not there."""
    sites, days = told.sites(asked), told.team_days(asked)
    people = sum(session.people for one in sites for session in one.sessions if asked.takes(session))
    people += sum(stop.people for day in days for stop in day.stops if not stop.site)
    if people > MOST_PRINTED:
        raise TooLarge(
            mark("These are {people} people; at most {most} are printed at once. Choose a day, a team or a site."),
            people=people,
            most=MOST_PRINTED,
        )


class SheetWriter:
    """Sheets of one plan. seen: what its reader sees of houses; phones: whether telephones may be told.

    address: of the plan's page, for the QR codes.
    """

    def __init__(self, told: ToldPlan, seen: SeenHouses, address: str, phones: bool) -> None:
        self._told, self._seen, self._address, self._phones = told, seen, address, phones
        self._carried = carried_in(told.line.row.made_with)
        self._teams = {one.name: one for one in told.line.question.teams}
        self.people = 0
        """By name on the sheets written so far, or houses whose positions these tell."""

    def people_pdf(self, asked: Asked, fonts: Path) -> bytes:
        """Who comes to which site on which day, and who is visited by which team.

        Of a plan that its reader sees in part, sheets without any of their people are left out, unless they ask for
        the site. Raises NotFound where nothing of what is asked for is in the plan.
        """
        told = self._told
        sheets = [
            self._site(site, day, list(sessions))
            for site in told.sites(asked)
            for day, sessions in groupby(
                sorted((one for one in site.sessions if asked.takes(one)), key=lambda one: one.day),
                key=lambda one: one.day,
            )
        ]
        if not asked.site:
            sheets += [one for day in told.team_days(asked) if (one := self._visits(day)) is not None]
            sheets = [one for one in sheets if told.line.whole or one.parts]
        if not sheets:
            raise _nothing(told)
        return draw_plan_sheets(sheets, self._sheet_words(), fonts)

    def teams_pdf(self, asked: Asked, fonts: Path) -> bytes:
        """A page a team and day. Raises NotFound where no team goes anywhere."""
        days = self._told.team_days(asked)
        if not days:
            raise _nothing(self._told)
        self.people = sum(stop.house in self._seen.rows for day in days for stop in day.stops)
        return draw_team_sheets([self._team(day) for day in days], self._team_words(), fonts)

    def _site(self, one: PlanSite, day: date, sessions: Sequence[Session]) -> PlanSheet:
        told, site = self._told, one.site
        parts = self._by_hamlet(self._seen.of(one.houses, told.names, day))
        named = sum(len(part.rows) for part in parts)
        people = sum(session.people for session in sessions)
        lines = [
            " · ".join(filter(None, (told.say(_KINDS[site.kind]), told.names.unit(one.unit)))),
            told.say(mark("Position: {position}"), position=position(site)),
        ]
        for session in sessions:
            team = session.team or told.say(mark("the site's own staff"))
            when = f"{told.day(day)}, {hours(session.begin, session.end)}"
            lines.append(" · ".join((when, team, told.say(mark("{number} people"), number=session.people))))
        if level := of_site(self._carried, one.unit, day, told.names, told.language):
            lines.append(level)
        more = told.say(mark("And {number} people of places outside your area."), number=people - named)
        return PlanSheet(
            site.name,
            told.day(day),
            tuple(lines),
            f"{self._address}/sites/{quote(site.code)}",
            self._needs([need for session in sessions for need in session.needs]),
            parts,
            told.say(mark("Nobody is asked to come on this day.")),
            more if people > named else "",
        )

    def _visits(self, day: TeamDay) -> PlanSheet | None:
        told = self._told
        stops = {number: stop for number, stop in enumerate(day.stops, 1) if not stop.site}
        if not stops:
            return None
        houses = {one.id: one for one in told.made.homes}
        parts: list[SheetPart] = []
        for number, stop in stops.items():
            house = houses.get(stop.house)
            found = self._seen.of([house], told.names, day.day) if house is not None else []
            if found:
                parts.append(self._visit(found[0], hours(stop.begin, stop.end), number))
        named = sum(len(part.rows) for part in parts)
        people = sum(stop.people for stop in stops.values())
        lines = (
            told.say(mark("Visits at home")),
            f"{told.day(day.day)} · {told.say(mark('{number} houses'), number=len(stops))} · "
            f"{told.say(mark('{number} people'), number=people)}",
        )
        more = told.say(mark("And {number} people of places outside your area."), number=people - named)
        return PlanSheet(
            day.team,
            told.day(day.day),
            lines,
            self._address,
            self._needs(day.needs),
            tuple(parts),
            told.say(mark("These houses lie outside your area.")),
            more if people > named and parts else "",
        )

    def _visit(self, house: NamedHouse, when: str, number: int) -> SheetPart:
        told, row = self._told, house.row
        title = told.say(mark("House {number}"), number=row.house_number) if row.house_number else ""
        label = " · ".join(filter(None, (f"{number}. {when}", title, row.head)))
        facts = [told.place(house.planned.hamlet_code, house.planned.commune_code)]
        if house.planned.point is not None and self._phones:
            facts.append(position(house.planned.point))
        if row.phone and self._phones:
            facts.append(told.say(mark("tel. {number}"), number=row.phone))
        return SheetPart(label, " · ".join(filter(None, facts)), tuple(self._rows(house)))

    def _by_hamlet(self, houses: Iterable[NamedHouse]) -> tuple[SheetPart, ...]:
        told, parts = self._told, []
        for (commune, hamlet), several in groupby(
            houses, key=lambda one: (one.planned.commune_code, one.planned.hamlet_code)
        ):
            rows = tuple(row for house in several for row in self._rows(house))
            label = told.place(hamlet, commune) or told.say(mark("Hamlet not told"))
            parts.append(SheetPart(f"{label} ({len(rows)})", "", rows))
        return tuple(parts)

    def _rows(self, house: NamedHouse) -> list[SheetRow]:
        self.people += len(house.people)
        place = house.row.house_number or house.row.head or "–"
        return [self._row(one, place) for one in house.people]

    def _row(self, one: Named, place: str) -> SheetRow:
        told, person = self._told, one.person
        doses = ", ".join(told.dose(code) for code in one.planned.due)
        vaccines = dict.fromkeys(one.planned.vials.get(code, "") for code in one.planned.due)
        shown = ", ".join(told.formulation(code) for code in vaccines)
        if person is None:
            return SheetRow(told.say(mark("not in the register any more")), "–", place, doses, shown)
        return SheetRow(person.name or told.say(mark("Without a name")), told.born(person), place, doses, shown)

    def _needs(self, needs: Iterable[VialNeed]) -> tuple[SheetNeed, ...]:
        return tuple(
            SheetNeed(self._told.formulation(one.formulation), tuple(str(getattr(one, name)) for name in TAKEN))
            for one in together(needs)
        )

    def _team(self, day: TeamDay) -> TeamSheet:
        told, team = self._told, self._teams.get(day.team)
        people = sum(stop.people for stop in day.stops)
        counts = (
            told.say(mark("{number} people"), number=people),
            told.say(mark("{number} doses"), number=day.doses),
            told.say(mark("{length} km of way"), length=f"{day.way_m / 1000:.1f}".replace(".", _POINT[told.language])),
        )
        lines = [
            told.day(day.day),
            told.say(mark("Sets out {begin}, is back {end}"), **_when(day)),
            " · ".join(counts),
        ]
        if team is not None and team.vehicle:
            lines.append(told.say(mark("Vehicle: {vehicle}"), vehicle=team.vehicle))
        stops = []
        for stop in day.stops:
            name, facts = self._stop(stop.site, stop.house)
            stops.append(StopRow(hours(stop.begin, stop.end), name, facts, str(stop.people), str(stop.doses)))
        return TeamSheet(
            day.team, told.day(day.day), tuple(lines), self._address, self._needs(told.load(day)), tuple(stops)
        )

    def _stop(self, code: str, house_id: str) -> tuple[str, str]:
        """What a stop is called, and where it is."""
        told = self._told
        site = told.site(code) if code else None
        if site is not None:
            return site.site.name, " · ".join(filter(None, (told.names.unit(site.unit), position(site.site))))
        home = next((one for one in told.made.homes if one.id == house_id), None)
        if home is None:
            return told.say(mark("Visit at home")), ""
        return self._home(home)

    def _home(self, home: PlannedHouse) -> tuple[str, str]:
        told, row = self._told, self._seen.rows.get(home.id)
        told_number = row.house_number if row is not None else None
        title = told.say(mark("House {number}"), number=told_number) if told_number else told.say(mark("Visit at home"))
        facts = [told.place(home.hamlet_code, home.commune_code)]
        if row is not None and home.point is not None and self._phones:
            facts.append(position(home.point))
        return title, " · ".join(filter(None, facts))

    def _page_words(self, title: str) -> PageWords:
        told = self._told
        return PageWords(
            told.language,
            f"{title} · {told.name}",
            scan=told.say(mark("Scan for its page")),
            take=told.say(mark("To take along")),
            counts=tuple(told.say(COUNTED[name]) for name in TAKEN),
            continued=told.say(mark("continued")),
            page=told.say(mark("Page {page} of {pages}"), page="{page}", pages="{pages}"),
            foot=told.foot,
        )

    def _sheet_words(self) -> PlanSheetWords:
        say = self._told.say
        return PlanSheetWords(
            self._page_words(say(mark("Sheets of sites"))),
            number=say(mark("No.")),
            name=say(mark("Name")),
            born=say(mark("Born")),
            place=say(mark("House")),
            dose=say(mark("Dose")),
            vaccine=say(mark("Vaccine")),
            came=say(mark("Came")),
            done=say(mark("Given")),
            deferred=say(mark("Deferred, because …")),
            closing=(
                say(mark("Came: …………  Given: …………  Deferred: …………  Vials opened: …………  thrown away: …………")),
                say(mark("Team leader: …………………………………………………… Signature: ……………………")),
            ),
        )

    def _team_words(self) -> TeamSheetWords:
        say = self._told.say
        return TeamSheetWords(
            self._page_words(say(mark("Days of teams"))),
            number=say(mark("No.")),
            hours=say(mark("Hours")),
            place=say(mark("Place")),
            people=say(mark("Number of people")),
            doses=say(mark("Doses")),
            arrived=say(mark("Arrived")),
            left=say(mark("Left")),
            closing=(
                say(mark("Loaded by: ………………………………  Box temperature: ………… °C at …………")),
                say(mark("Vials brought back unopened: …………  opened: …………  Signature: ……………………")),
            ),
        )


_KINDS = {SiteKind.FIXED: mark("Fixed site"), SiteKind.MOBILE: mark("Mobile site")}
_POINT = {"vi": ",", "en": "."}


def _when(day: TeamDay) -> dict[str, str]:
    begin, end = hours(day.begin, day.end).split("–")
    return {"begin": begin, "end": end}


def _nothing(told: ToldPlan) -> NotFound:
    return NotFound(
        mark("Plan {number} has nothing there on that day. Choose another day, team or site."), number=told.number
    )
