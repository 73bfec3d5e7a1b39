"""The form for a plan: what was typed -> the question, with a sentence at each field that cannot be; and back again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from mapper.domain.people import Point
from mapper.domain.plan import HOUR, Aim, FieldTeam, PlanQuestion, Scenario, working_days
from mapper.domain.sites import Site, SiteKind
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, mark
from mapper.web.plan_levels import Levels, read_levels, written_levels

MOST_TEAMS = 10
"""Rows of teams in the form, where a plan that it begins with has not more."""

MOST_DAYS = 62
"""From the first to the last day of a plan."""

AIMS: Mapping[Aim, str] = {
    Aim.MOST_PEOPLE: mark("As many people as possible at so many sites"),
    Aim.FEWEST_SITES: mark("As few sites as possible, leaving out nobody who can walk there"),
    Aim.LEAST_TRAVEL: mark("The shortest ways for people, within what each site can take a day"),
}
"""What a plan may be best at, in plain words."""

NEAREST, AT_POINT = "", "point"
"""Starts of a team: the station nearest to the middle of the area; coordinates that are told. Else "site:CODE"."""

_GROUPED = re.compile(r"\d{1,3}([.,  \u202f]\d{3})+")
_SEVERAL = re.compile(r"[,;\s]+")

Typed = Mapping[str, Sequence[str]]
"""What stands in the fields, by their names."""


@dataclass(slots=True)
class Reading:
    """Fields being read. problems: by the name of the field, what cannot be."""

    typed: Typed
    problems: dict[str, MapperError] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What stands in a field; "" for nothing."""
        return next(iter(self.typed.get(name, ())), "").strip()

    def refuse(self, at: str, message: str, /, **facts: object) -> None:
        """Say what cannot be in a field; the first that is said stays."""
        self.problems.setdefault(at, InvalidInput(message, **facts))

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number; None where nothing stands, or nothing that can be."""
        text = self.text(name)
        if not text:
            return None
        plain = re.sub(r"\D", "", text) if _GROUPED.fullmatch(text) else text
        number = whole(plain, most)
        if number is not None and number >= least:
            return number
        self.refuse(
            name, mark("{value} is no whole number from {least} to {most}."), value=text[:20], least=least, most=most
        )
        return None

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number, with a comma or a point; None likewise."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = float(text.replace(",", "."))
        except ValueError:
            found = float("nan")
        if least <= found <= most:
            return found
        self.refuse(
            name,
            mark("{value} is no number from {least} to {most}."),
            value=text[:20],
            least=f"{least:g}",
            most=f"{most:g}",
        )
        return None

    def day(self, name: str) -> date | None:
        """A day; None where nothing stands that is one."""
        text = self.text(name)
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.refuse(name, mark("Choose a day.") if not text else mark("{value} is no day."), value=text[:20])
            return None

    def minutes(self, name: str, usual: float) -> float:
        """A time of day as minutes after midnight."""
        text = self.text(name)
        if not text:
            return usual
        found = re.fullmatch(r"(\d{1,2})[:hg](\d{2})?", text)
        if found and int(found[1]) < 24 and int(found[2] or 0) < 60:
            return int(found[1]) * HOUR + int(found[2] or 0)
        self.refuse(name, mark("{value} is no time of day. Write it like 7:30."), value=text[:20])
        return usual


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan can be asked of. areas: as the form writes them; units: names of innermost units by code.

    sites: those that were entered; within: the areas in which each lies, by its code. middles: of the areas, "" for
    everything; scenarios: by code.
    """

    campaigns: Sequence[str]
    set_id: str
    areas: Sequence[str]
    units: Mapping[str, str]
    sites: Sequence[Site]
    within: Mapping[str, frozenset[str]]
    middles: Mapping[str, Point]
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)

    def stations(self, area: str) -> list[Site]:
        """The fixed sites of an area."""
        fixed = (one for one in self.sites if one.kind is SiteKind.FIXED)
        return [one for one in fixed if not area or area in self.within.get(one.code, ())]

    def start_near(self, area: str) -> Point:
        """Where a team sets out that was told no place: the station nearest to an area's middle, else the middle."""
        middle = self.middles.get(area) or self.middles[""]
        stations = self.stations(area)
        if not stations:
            return middle
        near = min(stations, key=lambda one: ((one.lat - middle.lat) ** 2 + (one.lon - middle.lon) ** 2, one.code))
        return Point(near.lat, near.lon)


def usual(ground: Ground, today: date, team_names: Sequence[str]) -> dict[str, list[str]]:
    """What stands in a form that nobody has touched: a plan of five working days from tomorrow on, for two teams."""
    first = next(day for day in working_days(today + timedelta(days=1), today + timedelta(days=8)))
    last = working_days(first, first + timedelta(days=8))[4]
    plain = {
        "campaign": ground.campaigns[0],
        "first": first.isoformat(),
        "last": last.isoformat(),
        "aim": Aim.MOST_PEOPLE.value,
        "proposed": "1",
        "mobile_days": "1",
        "as_entered": "1",
        "farther": "1",
        "seconds": "20",
        "gap": "0.1",
        "seed": "1",
    }
    for place, name in enumerate(team_names):
        plain |= {f"team_name-{place}": name, f"team_begin-{place}": "07:00", f"team_end-{place}": "17:00"}
    return {name: [value] for name, value in plain.items()}


def read_question(
    typed: Typed, ground: Ground, like: PlanQuestion | None = None
) -> tuple[PlanQuestion | None, dict[str, MapperError]]:
    """The question, None where anything cannot be; and what cannot, by the name of its field.

    like: the question that the form began with, of which what it does not show holds on.
    """
    at = Reading(typed)
    campaign, area = at.text("campaign"), at.text("area")
    if campaign not in ground.campaigns:
        at.refuse("campaign", mark("Choose a campaign of the list."))
    if area and area not in ground.areas:
        at.refuse("area", mark("Choose an area of the list."))
    first, last = at.day("first"), at.day("last")
    if first and last and last < first:
        at.refuse("last", mark("The last day lies before the first."))
    elif first and last and (last - first).days >= MOST_DAYS:
        at.refuse("last", mark("A plan is of {most} days at most. Choose an earlier day."), most=MOST_DAYS)
    try:
        aim = Aim(at.text("aim"))
    except ValueError:
        aim = Aim.MOST_PEOPLE
        at.refuse("aim", mark("Choose what the plan is to be best at."))
    days: Sequence[date] = ()
    off: tuple[date, ...] = ()
    if first and last and "last" not in at.problems:
        off = _off(at, "off", working_days(first, last))
        days = working_days(first, last, off)
    teams = _teams(at, ground, area, days)
    mobile_days = at.whole("mobile_days", 1, MOST_DAYS) or 1
    sites = at.whole("sites", 1, 2_000) if aim is not Aim.FEWEST_SITES else None
    question = PlanQuestion(
        campaign,
        first or date.min,
        last or date.min,
        at.text("name")[:80],
        ground.set_id,
        area,
        aim,
        sites,
        bool(at.text("proposed")),
        mobile_days,
        teams,
        _scenario(at, ground, first, like.scenario if like else None),
        at.whole("doses", 1, 100_000_000),
        bool(at.text("rolling")),
        off=off,
        farther=at.number("farther", 0.1, 20) or 1.0,
        seconds=at.number("seconds", 1, 3_600) or 20.0,
        gap=(at.number("gap", 0, 50) or 0.0) / 100,
        seed=at.whole("seed", 0, 999_999_999) or 0,
        keeps=like.keeps if like and at.text("keeps") else (),
        follows=like.follows if like and at.text("keeps") else None,
    )
    return (None if at.problems else question), at.problems


def _teams(at: Reading, ground: Ground, area: str, days: Sequence[date]) -> tuple[FieldTeam, ...]:
    found = []
    names: set[str] = set()
    rows = (row for name in at.typed if (row := re.fullmatch(r"team_name-([0-9]{1,3})", name)))
    for place in sorted({*range(MOST_TEAMS), *(int(row[1]) for row in rows)}):
        name = at.text(f"team_name-{place}")[:60]
        if not name:
            told = ("doses", "lat", "lon", "cold", "vehicle", "off")
            if any(at.text(f"team_{each}-{place}") for each in told):
                at.refuse(f"team_name-{place}", mark("Give this team a name, or empty its row."))
            continue
        if name.casefold() in names:
            at.refuse(f"team_name-{place}", mark("Two teams are called {name}. Give each its own name."), name=name)
        names.add(name.casefold())
        begin = at.minutes(f"team_begin-{place}", 7 * HOUR)
        end = at.minutes(f"team_end-{place}", 17 * HOUR)
        if end <= begin:
            at.refuse(f"team_end-{place}", mark("{name} comes back before it sets out. Put a later time."), name=name)
        cold = at.number(f"team_cold-{place}", 0.5, 240)
        found.append(
            FieldTeam(
                name,
                _start(at, place, ground, area),
                begin,
                end,
                at.whole(f"team_doses-{place}", 1, 100_000),
                cold * HOUR if cold else None,
                _working(at, place, days),
                at.text(f"team_vehicle-{place}")[:60],
            )
        )
    return tuple(found)


def _start(at: Reading, place: int, ground: Ground, area: str) -> Point:
    told = at.text(f"team_start-{place}")
    if told.startswith("site:"):
        site = next((one for one in ground.sites if one.code == told.removeprefix("site:")), None)
        if site is not None:
            return Point(site.lat, site.lon)
        at.refuse(f"team_start-{place}", mark("This site is not in the list any more. Choose another."))
    elif told == AT_POINT:
        lat = at.number(f"team_lat-{place}", -90, 90)
        lon = at.number(f"team_lon-{place}", -180, 180)
        if lat is not None and lon is not None:
            return Point(lat, lon)
        at.refuse(f"team_lat-{place}", mark("Write latitude and longitude, like 22.2851 and 105.9003."))
    elif told != NEAREST:
        at.refuse(f"team_start-{place}", mark("This site is not in the list any more. Choose another."))
    return ground.start_near(area)


def _working(at: Reading, place: int, days: Sequence[date]) -> tuple[date, ...]:
    """The days on which a team works, empty for all of them."""
    off = _off(at, f"team_off-{place}", days)
    left = tuple(day for day in days if day not in off)
    if off and not left:
        at.refuse(f"team_off-{place}", mark("This team has no working day left. Take out a day off, or empty its row."))
    return left if off else ()


def _off(at: Reading, name: str, days: Sequence[date]) -> tuple[date, ...]:
    """The days off of a field, written like 26/11."""
    off: set[date] = set()
    for told in filter(None, _SEVERAL.split(at.text(name))) if days else ():
        day = _day_off(told, days)
        if day is None:
            at.refuse(name, mark("{value} is no day of this plan. Write days off like 26/11, 27/11."), value=told[:20])
        else:
            off.add(day)
    return tuple(sorted(off))


def _day_off(told: str, days: Sequence[date]) -> date | None:
    found = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?", told)
    if found is None:
        return None
    for year in {days[0].year, days[-1].year} if not found[3] else {int(found[3])}:
        try:
            day = date(year, int(found[2]), int(found[1]))
        except ValueError:
            continue
        if days[0] <= day <= days[-1]:
            return day
    return None


def _scenario(at: Reading, ground: Ground, first: date | None, like: Scenario | None) -> Scenario:
    code = at.text("scenario")
    if code and code not in ground.scenarios:
        at.refuse("scenario", mark("Choose a scenario of the list."))
    closed = tuple(sorted({one for one in at.typed.get("closed", ()) if one}))
    if any(one not in ground.units for one in closed):
        at.refuse("closed", mark("Choose closed communes of the list."))
    preset = ground.scenarios.get(code, Scenario())
    base = like if like is not None and like.code == code else preset
    if not code:
        base = replace(base, as_entered=bool(at.text("as_entered")))
    levels: Levels = ()
    try:
        levels = read_levels(at.text("levels"), ground.units, first)
    except InvalidInput as problem:
        at.problems.setdefault("levels", problem)
    return replace(
        base,
        levels=levels,
        closed=closed,
        teams=at.whole("team_limit", 1, 1_000) or preset.teams,
        doses_a_day=at.whole("day_doses", 1, 1_000_000) or preset.doses_a_day,
    )


def typed_of(question: PlanQuestion, ground: Ground) -> dict[str, list[str]]:
    """What has to be typed for a question, to be asked again with changes."""
    plain: dict[str, object] = {
        "campaign": question.campaign_id,
        "name": question.name,
        "area": question.area,
        "first": question.first.isoformat(),
        "last": question.last.isoformat(),
        "aim": question.aim.value,
        "sites": question.sites or "",
        "proposed": "1" if question.proposed else "",
        "mobile_days": question.mobile_days,
        "scenario": question.scenario.code,
        "as_entered": "1" if question.scenario.as_entered else "",
        "levels": written_levels(question.scenario.levels, ground.units),
        "keeps": "1" if question.keeps else "",
        "team_limit": question.scenario.teams or "",
        "day_doses": question.scenario.doses_a_day or "",
        "doses": question.doses or "",
        "rolling": "1" if question.rolling else "",
        "farther": f"{question.farther:g}",
        "off": _written(question.off),
        "seconds": f"{question.seconds:g}",
        "gap": f"{question.gap * 100:g}",
        "seed": question.seed,
    }
    days = question.working_days
    starts = {(one.lat, one.lon): one.code for one in ground.sites}
    for place, team in enumerate(question.teams):
        code = starts.get((team.start.lat, team.start.lon))
        off = [day for day in days if team.days and day not in team.days]
        told: dict[str, object] = {
            "name": team.name,
            "start": f"site:{code}" if code else AT_POINT,
            "lat": "" if code else f"{team.start.lat:.6f}",
            "lon": "" if code else f"{team.start.lon:.6f}",
            "begin": _clock(team.begin),
            "end": _clock(team.end),
            "doses": team.doses or "",
            "cold": f"{team.cold_minutes / HOUR:g}" if team.cold_minutes else "",
            "vehicle": team.vehicle,
            "off": _written(off),
        }
        plain |= {f"team_{name}-{place}": value for name, value in told.items()}
    return {name: [str(value)] for name, value in plain.items()} | {"closed": list(question.scenario.closed)}


def _written(days: Sequence[date]) -> str:
    return ", ".join(f"{day:%d/%m/%Y}" for day in days)


def _clock(minutes: float) -> str:
    return f"{int(minutes // HOUR):02d}:{int(minutes % HOUR):02d}"
