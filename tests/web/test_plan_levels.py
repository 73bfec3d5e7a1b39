"""A plan says which epidemic levels it was made with were entered for another boundary set."""

from __future__ import annotations

import json
import zlib
from datetime import date
from pathlib import Path

import pytest

from mapper.domain.epidemic import LevelEntry
from mapper.domain.plan import Scenario
from mapper.formats.plan_file import read_given, write_given
from mapper.services.plan_levels import carried_in
from mapper.store import epidemic, plans
from tests.client.site import SET_ID, Site
from tests.formats.test_sheet import Reader as PdfReader
from tests.web.planned import FIRST, LAST, planned, settle
from tests.web.test_boundary_sets import a_step
from tests.web.test_pages import PASSWORD, Reader

BEGUN = date(2022, 9, 1)
FIRST_WORDS = "Epidemic levels entered for the boundaries"
SITE_WORDS = "Epidemic level 3, carried over from the boundaries"


@pytest.fixture
def site(sqlite_site: Site, tmp_path: Path) -> Site:
    """Houses of two communes, which are one in a later set, and a level that was entered for the first of them."""
    settle(sqlite_site)
    a_step(sqlite_site, tmp_path)
    enter(sqlite_site, SET_ID, "00001", BEGUN, 3)
    return sqlite_site


def enter(site: Site, set_id: str, unit: str, day: date, level: int) -> None:
    with site.reference.database.write() as connection:
        epidemic.add(connection, set_id, [LevelEntry(unit, day, level, "QĐ 1")], None, "2022-08-01T00:00:00.000Z")


def of_plan(site: Site, number: int) -> list[tuple[str, date, date | None, int, str]]:
    """The levels carried over into a plan, as they are kept with it."""
    with site.reference.database.read() as connection:
        row = plans.one(connection, number)
    assert row is not None
    return [(one.unit, one.from_day, one.until, one.level, one.set_id) for one in carried_in(row.made_with)]


def test_the_page_the_site_and_its_sheet_say_that_a_level_was_carried_over(site: Site) -> None:
    who = Reader(site, site.user("administrator", name="whole", password=PASSWORD).name)
    number = planned(site.reference, set_id="later", area="commune:00002")
    assert of_plan(site, number) == [("00002", BEGUN, None, 3, SET_ID)]
    page = who.get(f"/plans/{number}", lang="en").text
    assert FIRST_WORDS in page and "Xã Chung level 3 from 1 Sep 2022" in page
    assert "Xã Chung cấp 3 từ ngày 01/09/2022" in who.get(f"/plans/{number}", lang="vi").text
    assert SITE_WORDS in who.get(f"/plans/{number}/sites/TYT", lang="en").text
    sheets = PdfReader(who.get(f"/plans/{number}/files/sheets.pdf", lang="en", site="TYT").content)
    assert SITE_WORDS in " ".join(sheets.text().split())


def test_a_plan_on_the_set_for_which_levels_were_entered_says_nothing(site: Site) -> None:
    who = Reader(site, site.user("administrator", name="whole", password=PASSWORD).name)
    number = planned(site.reference)
    assert of_plan(site, number) == []
    assert FIRST_WORDS not in who.get(f"/plans/{number}", lang="en").text
    assert SITE_WORDS not in who.get(f"/plans/{number}/sites/TYT", lang="en").text


def test_a_level_of_the_unit_itself_and_one_of_the_scenario_take_its_place(site: Site) -> None:
    asked = {"set_id": "later", "area": "commune:00002"}
    for scenario in (Scenario(as_entered=False), Scenario(levels=(("00002", FIRST, 1),))):
        assert of_plan(site, planned(site.reference, scenario=scenario, **asked)) == []
    halfway = planned(site.reference, scenario=Scenario(levels=(("00002", LAST, 1),)), **asked)
    assert of_plan(site, halfway) == [("00002", BEGUN, LAST, 3, SET_ID)]
    enter(site, "later", "00002", LAST, 2)
    number = planned(site.reference, **asked)
    assert of_plan(site, number) == [("00002", BEGUN, LAST, 3, SET_ID)]
    (held,) = carried_in(json.dumps({"carried": [["00002", BEGUN.isoformat(), LAST.isoformat(), 3, SET_ID]]}))
    assert held.holds_on(FIRST) and not held.holds_on(LAST)


def test_what_an_older_release_kept_says_nothing_of_levels_carried_over(site: Site) -> None:
    number = planned(site.reference, set_id="later", area="commune:00002")
    with site.reference.database.read() as connection:
        content = plans.given(connection, number)
        row = plans.one(connection, number)
    assert content is not None and row is not None
    given = read_given(content)
    assert given.carried == (("00002", BEGUN, SET_ID),) and read_given(write_given(given)) == given
    older = json.loads(zlib.decompress(content))
    del older["carried"]
    assert read_given(zlib.compress(json.dumps(older).encode())).carried == ()
    assert carried_in(row.made_with) != [] and carried_in(None) == carried_in('{"moment": ""}') == []
