"""30,000 invented households on the real communes of four provinces, of 2022 and of 2025: nothing is moved or lost.

Six thousand of them unless the whole proof is asked for.

Each household stands at a point drawn within an old commune, so that its commune of both sets is known to the test by
shapely's own test of points in polygons; figures are then held against sums made by hand over those points.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from mapper.domain.ledger import State
from mapper.services import intake, publish, reporting, successions, trends
from mapper.services.accounts import OPERATOR
from mapper.services.areas import Area
from mapper.services.intake import Receipt, Upload
from mapper.services.questions import Question, default_set
from mapper.services.reference import Reference
from mapper.services.unit_history import history
from mapper.store.database import Database
from tests.client.site import House, write_house_check
from tests.proofs import drawn
from tests.ready import sqlite_copy
from tests.services.town import CHANGE, VINTAGES

pytestmark = pytest.mark.long

HOUSEHOLDS = drawn(30_000, 6_000)
AT_ONCE = 1000
FIRST = date(2021, 6, 1)
DAYS = (date(2022, 8, 31), CHANGE - timedelta(days=1), CHANGE, date(2025, 12, 31))
"""Days on both sides of the change."""

CROSSWALK = "crosswalk_2022_to_2025_4prov.csv"


@dataclass(frozen=True)
class Country:
    """What was drawn, a row a household, and where it is kept.

    old, new: codes of its communes. people: how many live there, all old enough. doses: day number of each one's dose,
    a row a household and a column a person, 0 for none. provinces: of the communes, by set.
    """

    reference: Reference
    old: NDArray[np.str_]
    new: NDArray[np.str_]
    people: NDArray[np.int64]
    doses: NDArray[np.int64]
    provinces: Mapping[str, Mapping[str, str]]
    heirs: Mapping[str, Mapping[str, str]]

    def codes(self, set_id: str) -> NDArray[np.str_]:
        """The households' communes."""
        return self.old if set_id == "2022" else self.new

    def by_hand(self, set_id: str, day: date) -> dict[str, tuple[int, int, int]]:
        """Households, people and vaccinated people of each commune, summed over the points."""
        vaccinated = ((self.doses > 0) & (self.doses <= day.toordinal())).sum(axis=1)
        codes, place = np.unique(self.codes(set_id), return_inverse=True)
        columns = (np.ones(len(place), np.int64), self.people, vaccinated)
        sums = [np.bincount(place, weights=each).astype(int).tolist() for each in columns]
        return {str(code): (houses, people, done) for code, houses, people, done in zip(codes, *sums, strict=True)}

    def figures(self, set_id: str, day: date, level: str = "commune") -> dict[str | None, tuple[int, int, int]]:
        """The same as the product tells them."""
        found = reporting.coverage(self.reference, OPERATOR, Question("mini", "5_plus", "1", day, level, set_id))
        return {
            unit.code: (unit.houses.visited, unit.people, unit.states[State.VACCINATED])
            for unit in found.units
            if unit.houses.visited
        }


def _points(communes: Mapping[str, BaseGeometry]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Points in communes, as many in each: longitude, latitude; and their codes."""
    chance = np.random.default_rng(20250701)
    each, more = divmod(HOUSEHOLDS, len(communes))
    points, codes = [], []
    for place, (code, polygon) in enumerate(sorted(communes.items())):
        wanted, found = each + (place < more), np.empty((0, 2))
        west, south, east, north = polygon.bounds
        shapely.prepare(polygon)
        while len(found) < wanted:
            drawn = chance.uniform((west, south), (east, north), (4 * wanted, 2)).round(6)
            found = np.concatenate([found, drawn[shapely.contains_xy(polygon, drawn[:, 0], drawn[:, 1])]])
        points.append(found[:wanted])
        codes += [code] * wanted
    return np.concatenate(points), np.array(codes)


def _brute_force(communes: Mapping[str, BaseGeometry], points: NDArray[np.float64]) -> NDArray[np.str_]:
    """The commune that holds each point, tried one commune after another; every point has just one."""
    found = np.full(len(points), "", "<U8")
    for code, polygon in communes.items():
        shapely.prepare(polygon)
        inside = shapely.contains_xy(polygon, points[:, 0], points[:, 1])
        assert not found[inside].any()
        found[inside] = code
    assert found.all()
    return found


@pytest.fixture(scope="module")
def country(shared: Path, both_vintages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    folder, made = shared / "geodata", tmp_path_factory.mktemp("vintages")
    reference = Reference(Database(sqlite_copy(both_vintages, made)))
    publish.publish(reference, write_house_check(made / "house_check"))
    outlines: dict[str, dict[str, BaseGeometry]] = {}
    provinces: dict[str, dict[str, str]] = {}
    for set_id, (name, *_) in VINTAGES.items():
        features = json.loads((folder / name).read_text("utf-8"))["features"]
        outlines[set_id] = {each["properties"]["commune_code"]: shape(each["geometry"]) for each in features}
        provinces[set_id] = {
            each["properties"]["commune_code"]: each["properties"]["province_code"] for each in features
        }
    content = (folder / CROSSWALK).read_bytes()
    assert successions.take_crosswalk(reference, OPERATOR, CROSSWALK, content, "2022", "2025").faults == ()
    heirs: dict[str, dict[str, str]] = defaultdict(dict)
    for row in csv.DictReader(content.decode("utf-8-sig").splitlines()):
        heirs[row["legacy_code"]][row["new_code"]] = row["relation"]
    points, old = _points(outlines["2022"])
    chance = np.random.default_rng(7)
    people = chance.integers(1, 4, len(points))
    day = chance.integers(FIRST.toordinal(), DAYS[-1].toordinal(), (len(points), 3))
    lives = np.arange(3) < people[:, None]
    doses = np.where(lives & (chance.random(day.shape) < 0.7), day, 0)
    _visit(reference, points, people, doses)
    yield Country(reference, old, _brute_force(outlines["2025"], points), people, doses, provinces, heirs)
    reference.database.close()


def _visit(
    reference: Reference, points: NDArray[np.float64], people: NDArray[np.int64], doses: NDArray[np.int64]
) -> None:
    """Every household sends its form; those of the old communes' time, and those of the new ones'."""
    uploads: list[Upload] = []
    for number, ((lon, lat), several, days) in enumerate(zip(points.tolist(), people, doses.tolist(), strict=True)):
        told = tuple(("A", "1980-05-04", date.fromordinal(day).isoformat() if day else "") for day in days[:several])
        house = House(
            f"uuid:{number:08}", commune="", hamlet="", location=f"{lat} {lon} 0 5", today="2025-12-31", people=told
        )
        uploads.append(Upload(house.xml, {}))
    for start in range(0, len(uploads), AT_ONCE):
        receipts = intake.receive_all(reference, uploads[start : start + AT_ONCE])
        assert all(isinstance(one, Receipt) and one.state.value == "processed" for one in receipts)


@pytest.mark.parametrize("set_id", sorted(VINTAGES))
@pytest.mark.parametrize("day", DAYS)
def test_every_commune_equals_a_count_of_the_points_within_it(country: Country, set_id: str, day: date) -> None:
    by_hand = country.by_hand(set_id, day)
    assert sum(houses for houses, _, _ in by_hand.values()) == HOUSEHOLDS
    assert country.figures(set_id, day) == by_hand


@pytest.mark.parametrize("day", DAYS)
def test_totals_of_the_country_and_of_every_province_are_the_same_in_both_sets(country: Country, day: date) -> None:
    one_to_one = {
        (country.provinces["2022"][old], country.provinces["2025"][new])
        for old, several in country.heirs.items()
        for new in several
    }
    # The file of 2025 holds of the four provinces now just what was the four of then.
    assert sorted(one_to_one) == [("06", "19"), ("11", "11"), ("22", "22"), ("94", "92")]
    old, new = (country.figures(set_id, day, "province") for set_id in ("2022", "2025"))
    assert {after: old[before] for before, after in one_to_one} == new
    whole = [
        reporting.coverage(country.reference, OPERATOR, Question("mini", "5_plus", "1", day, "commune", set_id)).total
        for set_id in ("2022", "2025")
    ]
    assert whole[0].counts == whole[1].counts
    assert (whole[0].houses.visited, whole[0].people) == (HOUSEHOLDS, country.people.sum())


def test_communes_wholly_merged_sum_exactly_and_divided_ones_are_parted_by_their_points(country: Country) -> None:
    day = DAYS[-1]
    old, new = country.figures("2022", day), country.figures("2025", day)
    forebears: dict[str, list[str]] = defaultdict(list)
    for code, several in country.heirs.items():
        for heir in several:
            forebears[heir].append(code)
    merged = {new_code for new_code, codes in forebears.items() if all(len(country.heirs[one]) == 1 for one in codes)}
    divided = {code for code, several in country.heirs.items() if len(several) > 1}
    assert (len(merged), len(divided)) == (160, 14)
    for code in merged:
        assert tuple(np.sum([old[one] for one in forebears[code]], axis=0)) == new[code], code
    for code in divided:
        parts = {heir: int(((country.old == code) & (country.new == heir)).sum()) for heir in country.heirs[code]}
        assert sum(parts.values()) == old[code][0]


def test_the_course_of_a_new_commune_is_one_curve_over_the_change(country: Country) -> None:
    code = "01840"
    question = Question("mini", "5_plus", "1", DAYS[-1], "commune", "2025")
    found = trends.course(country.reference, OPERATOR, question, Area("commune", code))
    mine = country.doses[country.new == code]
    days = [day.toordinal() for day in found.days]
    by_hand = [int(((mine > 0) & (mine <= day)).sum()) for day in days]
    assert found.vaccinated.tolist() == by_hand
    place = found.days.index(CHANGE)
    assert 0 < by_hand[place - 1] <= by_hand[place] < by_hand[-1]


def test_the_history_of_a_commune_tells_what_the_crosswalk_does(country: Country) -> None:
    with country.reference.database.read() as connection:
        known = country.reference.known(connection)
    for new_set, old_set, code in (("2025", "2022", "01840"), ("2025", "2022", "06706")):
        found = history(known, default_set(known, new_set), "commune", code)
        (step,) = found.steps
        told = {old: several[code] == "full" for old, several in country.heirs.items() if code in several}
        assert (step.places.id, step.later, step.measured) == (old_set, False, False)
        assert {one.unit.code: one.whole for one in step.relatives} == told
