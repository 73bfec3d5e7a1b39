"""Levels are data: pages, files and answers for programs on sets of one to four levels, some of words nobody knows.

Every set stands on the ground of the site's two communes, which are its innermost units; each level above holds both.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import shapely

from mapper.domain.places import Unit, UnitShape
from mapper.services import boundaries
from mapper.services.accounts import OPERATOR
from mapper.services.boundaries import SetFacts
from mapper.settings import Settings
from tests.client.site import Site, running
from tests.web.planned import planned, settle
from tests.web.test_menu import at_desk
from tests.web.test_sign_in import Desk
from tests.web.test_trends import visit

SETS: dict[str, tuple[str, ...]] = {
    "one": ("commune",),
    "two": ("province", "commune"),
    "three": ("province", "district", "commune"),
    "four": ("vùng", "province", "district", "commune"),
    "other": ("zone", "cell"),
}
Q = "campaign=mini&group=5_plus&dose=1&date=2022-08-31"
PAGES = (
    f"/map?{Q}",
    f"/map/compare?{Q}",
    f"/map/print?{Q}",
    f"/exchange?{Q}",
    "/forecast?campaign=mini",
    f"/targets?{Q}",
    f"/report?{Q}",
)
PAGES_OF_AN_AREA = (
    "/epidemic-levels?date=2022-08-31",
    f"/hot-spots?{Q}",
    "/integrity?campaign=mini&date=2022-08-31",
    f"/list?{Q}&view=people",
    f"/people?{Q}",
    "/plans?",
    f"/reasons?{Q}",
    f"/report?{Q}",
    "/sites?",
    "/stock?campaign=mini&date=2022-08-31",
    f"/surveys?{Q}",
    f"/targets?{Q}",
    f"/trends?{Q}",
    "/upcoming?campaign=mini&kind=group&from=2022-09-01&to=2022-10-31",
    "/forecast?campaign=mini",
)
FILES = (
    f"/api/coverage?{Q}",
    f"/api/coverage-by-day?{Q}",
    "/api/shapes?campaign=mini&zoom=10&date=2022-08-31",
    f"/exchange/left-out.csv?{Q}",
    "/forecast.csv?campaign=mini",
    "/api/forecast?campaign=mini",
    f"/targets.csv?{Q}",
    f"/map/print.pdf?{Q}",
    f"/api/tiles/10/810/447.mvt?{Q}",
)
FILES_OF_AN_AREA = (
    f"/export/people.csv?{Q}",
    f"/api/people?{Q}",
    f"/list/paper?{Q}",
    f"/report.docx?{Q}",
    f"/targets/responsible.csv?{Q}",
    f"/trends/changes.csv?{Q}",
    "/api/stock?campaign=mini",
    "/stock/balances.csv?campaign=mini",
    f"/api/hot-spots?{Q}",
    "/api/epidemic-levels?date=2022-08-31",
)


FILTERED = ("/list", "/export", "/api/people")
"""These take several areas."""


def add(site: Site, set_id: str) -> None:
    """A set of these levels: its two innermost units, and one unit a level around both."""
    levels = SETS[set_id]
    shapes = []
    for code, name, west, east in (("00001", "Ô Một", 105.0, 105.1), ("00002", "Ô Hai", 105.1, 105.2)):
        parent = "U" + levels[-2] if len(levels) > 1 else None
        shapes.append(shape(Unit(code, name, levels[-1], parent), west, east))
    for at, level in enumerate(levels[:-1]):
        parent = "U" + levels[at - 1] if at else None
        shapes.append(shape(Unit("U" + level, f"Cả {level}", level, parent), 105.0, 105.2))
    facts = SetFacts(set_id, f"Bộ {set_id}", date(2020, 1, 1), trial=True)
    boundaries.add_set(site.reference, facts, levels, shapes)


def shape(unit: Unit, west: float, east: float) -> UnitShape:
    box = shapely.MultiPolygon([shapely.box(west, 22.0, east, 22.1)])
    return UnitShape(unit, shapely.to_wkb(box), 100.0, (west, 22.0, east, 22.1), ((west + east) / 2, 22.05))


@pytest.fixture(scope="module")
def levelled(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with all these sets, some houses visited and others that wait for a plan."""
    folder = tmp_path_factory.mktemp("levels")
    shutil.copy(filled_sqlite, folder / "site.sqlite3")
    with running(Settings(data_dir=folder), f"sqlite:///{folder / 'site.sqlite3'}") as site:
        visit(site)
        settle(site)
        for set_id in SETS:
            add(site, set_id)
        yield site


@pytest.fixture(scope="module")
def desk(levelled: Site) -> Iterator[Desk]:
    with at_desk(levelled, "administrator") as made:
        yield made


def wrong(desk: Desk, address: str) -> str:
    """What went wrong with an answer, "" where nothing did; work that goes on beside is waited for."""
    for _ in range(100):
        answer = desk.session.get(f"{desk.url}{address}", timeout=60)
        if answer.status_code not in (202, 503):
            break
    told = answer.text.partition("<main")[2].partition("</main")[0] or answer.text
    return "" if answer.status_code == 200 else f"{address}: {answer.status_code} {' '.join(told.split())[:300]}"


def joined(address: str, **more: str) -> str:
    return "&".join([address, *(f"{name}={value}" for name, value in more.items())]).replace("?&", "?")


@pytest.mark.parametrize("set_id", SETS)
def test_what_is_asked_by_level_answers_for_every_level_of_every_set(desk: Desk, set_id: str) -> None:
    asked = [
        joined(address, set=set_id, level=level)
        for address in (*PAGES, *FILES)
        for level in (*SETS[set_id], "hamlet")
        if level != "hamlet" or not address.startswith(("/api/tiles", "/exchange"))
    ]
    assert "\n".join(fault for address in asked if (fault := wrong(desk, address))) == ""


@pytest.mark.parametrize("set_id", SETS)
def test_what_is_about_an_area_answers_for_one_of_every_level_of_every_set(desk: Desk, set_id: str) -> None:
    areas = ["", *(f"{level}:U{level}" for level in SETS[set_id][:-1]), f"{SETS[set_id][-1]}:00001"]
    asked = [
        joined(address, set=set_id, **({"areas" if address.startswith(FILTERED) else "area": area} if area else {}))
        for address in (*PAGES_OF_AN_AREA, *FILES_OF_AN_AREA)
        for area in areas
    ]
    assert "\n".join(fault for address in asked if (fault := wrong(desk, address))) == ""


@pytest.mark.parametrize("set_id", SETS)
def test_figures_of_every_level_are_those_of_the_whole(desk: Desk, set_id: str) -> None:
    totals = []
    for level in (*SETS[set_id], "hamlet"):
        told = desk.get(f"/api/coverage?{Q}&set={set_id}&level={level}").json()
        totals.append(told["total"] | {"name": None})
        assert sum(unit["eligible"] for unit in told["units"]) == told["total"]["eligible"] > 0
    assert all(total["eligible"] == totals[0]["eligible"] for total in totals)
    assert all(total["vaccinated"] == totals[0]["vaccinated"] for total in totals)


def test_a_level_of_an_unknown_word_is_called_by_its_word(desk: Desk) -> None:
    page = desk.get(f"/targets?{Q}&set=four&level=vùng").text
    assert "Cả vùng" in page and ">Vùng</" in page
    assert ">Cell</" in desk.get(f"/targets?{Q}&set=other&level=cell&lang=en").text
    assert "a report for each unit of the level zone" in desk.get(f"/report?{Q}&set=other&lang=en").text


@pytest.mark.parametrize("set_id", SETS)
def test_a_plan_is_made_on_every_set(levelled: Site, desk: Desk, set_id: str) -> None:
    level = SETS[set_id][-1]
    number = planned(levelled.reference, OPERATOR, area=f"{level}:00001", set_id=set_id)
    assert wrong(desk, f"/plans/{number}") == ""
