"""A district of 14 communes with 35,000 invented people, what a plan for it is made from, and one made by eye.

The communes' outlines are those of the shared geodata; hamlets, houses and people are drawn by chance, always the same.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mapper.domain.made_plan import MadePlan
from mapper.domain.people import Person, Point
from mapper.domain.plan import Aim, DueHouse, DuePerson, FieldTeam, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site, SiteKind
from mapper.formats.campaign import read_campaign
from mapper.formats.planning_rules import read_planning
from mapper.geo.measure import on_plane

FORMS = Path(__file__).resolve().parents[2] / "forms" / "covid19"
OUTLINES = "legacy2022_communes_4prov.geojson"
DISTRICT, COMMUNES = "Huyện Chợ Mới", 14
PEOPLE = 35_000
HAMLET = 170
"""People of a hamlet, about."""
AROUND = 0.0032
"""Degrees: half of a hamlet's houses stand within some 350 m of its middle, and some by themselves far off."""
ALONE = 0.08
"""Share of houses that stand anywhere in their commune."""
DUE = 0.45
"""Share of people who are due for their second booster, a quarter of them only in the days of the plan."""
FIRST, LAST = date(2022, 8, 15), date(2022, 8, 25)
"""Ten working days, from a Monday on."""
STATION = 40
"""People a day at a health station, beside its other work."""
TEAMS, DOSES = 5, 200
MOBILE = 40
"""Mobile sites."""
AGES = ((0, 5, 0.09), (5, 12, 0.12), (12, 18, 0.09), (18, 40, 0.33), (40, 65, 0.27), (65, 85, 0.085), (85, 99, 0.015))


def rules() -> PlanningRules:
    """Those of the campaign's own files."""
    campaign = read_campaign((FORMS / "campaign.toml").read_text("utf-8"))
    return read_planning((FORMS / "planning.toml").read_text("utf-8"), campaign)


def question(**other: object) -> PlanQuestion:
    """Five teams, ten days, and as many mobile sites as they can be at."""
    asked = {"sites": COMMUNES + MOBILE, "aim": Aim.MOST_PEOPLE, "seconds": 60.0} | other
    return PlanQuestion("covid19", FIRST, LAST, **asked)  # type: ignore[arg-type]


def district(geodata: Path, people: int = PEOPLE, seed: int = 1, due: float = DUE, **asked: object) -> PlanGiven:
    """What a plan of the district is made from. geodata: the folder with the outlines. due: share of people."""
    random = np.random.default_rng(seed)
    held = rules()
    told = json.loads((geodata / OUTLINES).read_text("utf-8"))["features"]
    communes = [one for one in told if one["properties"]["district_name"] == DISTRICT]
    counted = np.array([one["properties"]["pop_2009"] for one in communes], np.float64)
    numbers = np.floor(counted / counted.sum() * people).astype(int)
    houses: list[DueHouse] = []
    stations: list[Site] = []
    units: dict[str, str] = {}
    hamlets: dict[str, str] = {}
    names: dict[str, str] = {}
    for one, number in zip(communes, numbers.tolist(), strict=True):
        code, name = one["properties"]["commune_code"], one["properties"]["commune_name"]
        shape = shapely.geometry.shape(one["geometry"])
        middles = _inside(shape, max(3, round(number / HAMLET)), random)
        # People live where it is flat, in the middle of their commune rather than at its ends.
        centre = np.array([[shape.representative_point().x, shape.representative_point().y]])
        middles = centre + (middles - centre) * random.beta(2.2, 1.6, len(middles))[:, None]
        names[code] = name
        lon, lat = middles[0].tolist()
        station = Site(f"TYT-{code}", f"Trạm y tế {name}", SiteKind.FIXED, lat, lon, STATION, cold_chain=True)
        stations.append(station)
        units[station.code] = code
        for at in range(len(middles)):
            hamlets[f"{code}-{at:02}"] = f"Thôn {at + 1}, {name}"
        houses += _houses(code, shape, middles, number, held, due, random)
    start = np.median(np.array([(one.point.lat, one.point.lon) for one in houses if one.point is not None]), axis=0)
    teams = tuple(FieldTeam(f"Đội {n + 1}", Point(*start.tolist()), doses=DOSES) for n in range(TEAMS))
    wish = question(**({"teams": teams} | asked))
    return PlanGiven(
        wish, f"{FIRST}T00:00:00.000Z", "", tuple(houses), tuple(stations), units, hamlets, names, roads="straight"
    )


def _inside(shape: Any, number: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Points by chance in an outline."""
    west, south, east, north = shape.bounds
    found = np.empty((0, 2))
    while len(found) < number:
        tried = random.uniform((west, south), (east, north), (4 * number, 2))
        found = np.vstack([found, tried[shapely.contains_xy(shape, tried[:, 0], tried[:, 1])]])
    return found[:number]


def _houses(
    commune: str,
    shape: Any,
    middles: NDArray[np.float64],
    people: int,
    held: PlanningRules,
    due: float,
    random: np.random.Generator,
) -> list[DueHouse]:
    found: list[DueHouse] = []
    counted = 0
    while counted < people:
        size = min(
            int(random.choice((1, 2, 3, 4, 5, 6, 7), p=(0.06, 0.13, 0.2, 0.27, 0.19, 0.1, 0.05))), people - counted
        )
        counted += size
        hamlet = int(random.integers(0, len(middles)))
        lon, lat = middles[hamlet] + random.normal(0, AROUND, 2) / 1.4
        if random.random() < ALONE or not shapely.contains_xy(shape, lon, lat):
            ((lon, lat),) = _inside(shape, 1, random)
        name = f"{commune}-{len(found):05}"
        some = (_person(f"{name}.{n}", held, due, random) for n in range(size))
        point = None if random.random() < 0.02 else Point(round(float(lat), 6), round(float(lon), 6))
        found.append(
            DueHouse(
                name,
                f"{commune}-{hamlet:02}",
                commune,
                point,
                tuple(one for one in some if one is not None),
                commune if point else None,
            )
        )
    return [one for one in found if one.people]


def _person(name: str, held: PlanningRules, due: float, random: np.random.Generator) -> DuePerson | None:
    """Somebody as a plan sees them; None for those who are not due."""
    young, old, _ = AGES[int(random.choice(len(AGES), p=[share for *_, share in AGES]))]
    born = FIRST - timedelta(days=int(random.integers(young * 365, old * 365)))
    ill = ("underlying_disease",) if random.random() < (0.3 if old > 65 else 0.04) else ()
    if random.random() > due or old <= 5:
        return None
    on = FIRST if random.random() < 0.75 else FIRST + timedelta(days=int(random.integers(1, 11)))
    vial = held.formulation_for(("pfizer",), born, on)
    person = Person(name, FIRST, born_on=born, priorities=ill)
    return DuePerson(name, on, ("4",), {"4": vial.code} if vial else {}, held.precedences_of(person, on))


@dataclass(eq=False)
class ByEye:
    """A plan as it is made by eye: people go to their nearest station while it has room, and each day each team goes
    where most people are still due, to the middle of a hamlet, as long as doses and hours last. The last team goes from
    house to house of those who stay at home instead, as long as any of them is due: every plan has to visit them."""

    given: PlanGiven
    held: PlanningRules
    served: set[str] = field(default_factory=set)
    way_m: float = 0.0
    team_days: int = 0
    seen: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        wish = self.given.question
        places: dict[str, list[Point]] = {}
        for house in self.given.houses:
            if house.point is not None and house.hamlet_code is not None:
                places.setdefault(house.hamlet_code, []).append(house.point)
        self._codes = sorted(places)
        self._spots = middles = [
            Point(float(np.mean([one.lat for one in places[code]])), float(np.mean([one.lon for one in places[code]])))
            for code in self._codes
        ]
        people = [(house, one) for house in self.given.houses if house.point is not None for one in house.people]
        needs = [self.held.needs(one.precedences) for _, one in people]
        self._people = [one for _, one in people]
        self._home = np.array([one.at_home for one in needs])
        self._on = np.array([(one.on - wish.first).days for one in self._people])
        self._open = np.ones(len(people), np.bool_)
        spots = [*(house.point for house, _ in people), *self.given.sites, *middles, *(one.start for one in wish.teams)]
        xy = on_plane([one.lon for one in spots if one is not None], [one.lat for one in spots if one is not None])
        self._at, stations, self._middles, self._starts = np.split(
            xy, np.cumsum([len(people), len(self.given.sites), len(middles)])
        )
        limit = np.array([one.walk_limit_m for one in needs])[:, None]
        self._to_station = np.where((far := self._far(self._at, stations)) <= limit, far, np.inf)
        self._to_middle = np.where((far := self._far(self._at, self._middles)) <= limit, far, np.inf)

    def _far(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.sqrt(((first[:, None] - second[None]) ** 2).sum(axis=2)) * self.held.detour)

    @property
    def places(self) -> list[tuple[float, float]]:
        """Where teams stopped: latitude and longitude."""
        return [(self._spots[one].lat, self._spots[one].lon) for one in self.seen]

    @property
    def numbers(self) -> list[int]:
        """People whom teams saw at each of these."""
        return list(self.seen.values())

    def make(self) -> ByEye:
        """All days, one after another."""
        wish = self.given.question
        for day in wish.working_days:
            ready = (self._on <= (day - wish.first).days) & self._open
            self._at_stations(ready)
            for number, team in enumerate(wish.teams):
                if number == len(wish.teams) - 1 and (ready & self._home).any():
                    self._home_day(number, team, ready)
                else:
                    self._team_day(number, team, ready)
        return self

    def _take(self, ready: NDArray[np.bool_], several: NDArray[np.int64]) -> None:
        self._open[several] = False
        ready[several] = False
        self.served.update(self._people[one].id for one in several.tolist())

    def _at_stations(self, ready: NDArray[np.bool_]) -> None:
        nearest = self._to_station.argmin(axis=1)
        way = self._to_station.min(axis=1)
        for number, site in enumerate(self.given.sites):
            own = np.flatnonzero(ready & ~self._home & (nearest == number) & np.isfinite(way))
            order = own[np.argsort(way[own], kind="stable")]
            self._take(ready, order[: site.capacity])

    def _team_day(self, number: int, team: FieldTeam, ready: NDArray[np.bool_]) -> None:
        now, doses, place = team.begin, team.doses or len(self._people), self._starts[number]
        went = False
        while doses > 0:
            walkers = ready & ~self._home
            wanted = np.isfinite(self._to_middle[walkers]).sum(axis=0)
            best = int(wanted.argmax())
            there, back = (
                self._minutes(self._far(spot[None], self._middles[best : best + 1])[0, 0])
                for spot in (place, self._starts[number])
            )
            time = team.end - now - there - back
            most = min(doses, int(time // self.held.minutes_a_dose))
            if not wanted[best] or most < 1:
                break
            self.way_m += there * self.held.driving_kmh / 60 * 1000
            place, went = self._middles[best], True
            own = np.flatnonzero(walkers & np.isfinite(self._to_middle[:, best]))
            own = own[np.argsort(self._to_middle[own, best], kind="stable")][:most]
            self._take(ready, own)
            self.seen[best] += len(own)
            now += there + len(own) * self.held.minutes_a_dose
            doses -= len(own)
        if went:
            self.team_days += 1
            self.way_m += self._far(place[None], self._starts[number][None])[0, 0]

    def _home_day(self, number: int, team: FieldTeam, ready: NDArray[np.bool_]) -> None:
        """From house to house of those who stay at home, always to the nearest."""
        now, doses, place = team.begin, team.doses or len(self._people), self._starts[number]
        start, went = place, False
        while doses > 0:
            own = np.flatnonzero(ready & self._home)
            if not len(own):
                break
            far = self._far(place[None], self._at[own])[0]
            one, way = own[far.argmin()], float(far.min())
            after = now + self._minutes(way) + self.held.minutes_a_home
            if after + self._minutes(self._far(self._at[one][None], start[None])[0, 0]) > team.end:
                break
            self._take(ready, np.array([one]))
            now, doses, place, went = after, doses - 1, self._at[one], True
            self.way_m += way
        if went:
            self.team_days += 1
            self.way_m += self._far(place[None], start[None])[0, 0]

    def _minutes(self, way_m: float) -> float:
        return float(way_m) / 1000 / self.held.driving_kmh * 60


def served_by(made: MadePlan) -> set[str]:
    """Ids of everybody with a place in a plan."""
    return {one.id for house, _ in made.houses() for one in house.people}
