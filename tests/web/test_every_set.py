"""Every address that shows figures, lists or plans answers on any boundary set; a table says how each is asked.

Beside the two communes of the site stands a second set, in force from 2025-07-01, in which the code of the western
commune was given to the eastern one:

    squares   00001 Xã Một   | 00002 Xã Hai        district 001 Huyện A, province 01 Tỉnh B, until 2025-06-30
    later     00005 Xã Tây   | 00001 Phường Đông   province 02 Tỉnh Mới
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import requests
from openpyxl import load_workbook

from mapper.domain.roles import Role
from mapper.services import boundaries, set_periods, sites, withdrawing
from mapper.services.accounts import OPERATOR, User
from tests.client.site import House, Site
from tests.web.planned import STATION, planned, settle
from tests.web.test_every_page import endpoints
from tests.web.test_menu import PASSWORD, at_desk
from tests.web.test_sign_in import Desk
from tests.web.test_trends import visit

NAMES = {"squares": ("Xã Một", "Xã Hai"), "later": ("Xã Tây", "Phường Đông")}
OTHER = {"squares": "later", "later": "squares"}
Q = "campaign=mini&group=5_plus&dose=1&date=2022-08-31"

NAMED: Mapping[str, str] = {
    "assignment.page": "/assignment?campaign=mini",
    "cleaning.page": "/cleaning?campaign=mini",
    "compare.page": f"/map/compare?{Q}&level=commune",
    "epidemic.page": "/epidemic-levels?date=2022-08-31",
    "exchange.page": f"/exchange?{Q}",
    "follow_up.fieldwork": "/fieldwork?campaign=mini&date=2022-08-31",
    "follow_up.lists": "/follow-up?campaign=mini&date=2022-08-31",
    "forecast.page": "/forecast?campaign=mini",
    "hot_spots.page": f"/hot-spots?{Q}",
    "integrity.page": "/integrity?campaign=mini&date=2022-08-31",
    "lists.page": f"/list?{Q}&view=people",
    "people.page": f"/people?{Q}",
    "plans.page": "/plans?",
    "reasons.page": f"/reasons?{Q}",
    "report.page": f"/report?{Q}",
    "sites.page": "/sites?",
    "stock.page": "/stock?campaign=mini&date=2022-08-31",
    "surveys.page": f"/surveys?{Q}",
    "targets.page": f"/targets?{Q}&level=commune",
    "trends.page": f"/trends?{Q}",
    "upcoming.page": "/upcoming?campaign=mini&kind=group&from=2022-09-01&to=2022-10-31",
    "wall.page": f"/map/print?{Q}&level=commune",
}
"""Pages: they name the units of the set asked for and none of the other, and lead on in it."""

LISTED = frozenset({"cleaning.page"})
"""Of these some tell of communes as forms and lists of hamlets name them, whatever set is shown."""

FILES: Mapping[str, str] = {
    "api.coverage": f"/api/coverage?{Q}&level=commune",
    "api.coverage_by_day": f"/api/coverage-by-day?{Q}&level=commune",
    "api.shapes": "/api/shapes?level=commune&zoom=10&date=2022-08-31",
    "exchange.left_out": f"/exchange/left-out.csv?{Q}&level=commune",
    "exports.people": f"/export/people.csv?{Q}",
    "filter_layer.by_hamlet": f"/api/people/by-hamlet?{Q}",
    "follow_up.printed": "/follow-up/sheets.pdf?campaign=mini&date=2022-08-31",
    "forecast.file": "/forecast.csv?campaign=mini",
    "forecast.of_program": "/api/forecast?campaign=mini&level=commune",
    "list_paper.page": f"/list/paper?{Q}",
    "map_layers.tile": f"/api/tiles/10/810/447.mvt?{Q}&level=commune",
    "people_api.people": f"/api/people?{Q}",
    "report.file": f"/report.docx?{Q}",
    "targets.ranking_file": f"/targets.csv?{Q}&level=commune",
    "targets.responsible_file": f"/targets/responsible.csv?{Q}",
    "trends.file": f"/trends/changes.csv?{Q}",
    "wall.printed": f"/map/print.pdf?{Q}&level=commune",
}
"""Figures for programs and files to save: another set, another answer; a set that is not here is told."""

REFUSING: Mapping[str, str] = {
    "exchange.adx": f"/exchange/adx.xml?{Q}&level=commune",
    "exchange.data_values": f"/exchange/dhis2.csv?{Q}&level=commune",
    "hot_spots.features": f"/api/hot-spots?{Q}",
    "map_layers.epidemic_levels": "/api/epidemic-levels?date=2022-08-31",
    "stock_api.balances": "/api/stock?campaign=mini",
    "stock.file": "/stock/balances.csv?campaign=mini",
}
"""The same of which the site has no figures: that the set is read shows in what is said of one that is not here."""

SAME: Mapping[str, str] = {
    "api.heat": "points of houses, wherever borders run",
    "api_description.": "describes addresses, no place",
    "exchange.people": "people as FHIR writes them; an area alone has a set, as on its page",
    "exports.": "what stands behind addresses of files that were asked for, each on its set",
    "retention.": "campaigns as a whole",
    "erasing.": "people of one submission, and what was erased",
    "follow_up.fieldwork_version": "no figures",
    "health.": "no figures of places",
    "map_layers.tracks": "ways from house to house; an area alone has a set",
    "national_register.": "an extract has the set that it was read with",
    "odata.": "submissions as they came",
    "own_account.": "no figures",
    "people_api.count": "a number of people, whatever the borders; an area alone has a set",
    "plan": "a plan keeps its set",
    "public.": "the set that the administrator chose",
    "slips.": "a slip names the hamlet of the list",
    "slip_batches.": "a slip names the hamlet of the list",
    "stock_api.": "entries of stores, each of which has its set",
    "stock.": "papers and counts of stores, each of which has its set",
    "submission": "one submission as it came, with its place in every set",
    "surveys.": "a lot keeps the set that it was drawn in",
    "units.": "the set stands in the path",
    "boundary_sets.": "the sets themselves",
    "boundary_import.": "a set that is being added",
    "places_api.": "places of every set at once",
    "users.": "accounts, whose areas have their own set",
    "pages.map_page": "its script asks for figures; tests/web/test_unit.py looks at its choice",
    "pages.submissions": "submissions as they came",
    "integrity.": "a draw keeps its set; how far work is",
    **{f"{page}.progress": "how far work is" for page in ("cleaning", "forecast", "hot_spots", "lists", "reasons")},
    "trends.progress": "how far work is",
    "conflicts.": "submissions as they came",
    **dict.fromkeys(
        ("accounts.", "assets.", "base_map.", "fill", "forms.", "openrosa", "static", "trail."), "no figures"
    ),
    **dict.fromkeys(("api.campaigns", "api.sets", "api.version", "pages.home", "pages.switch_language"), "no figures"),
}
"""Addresses, or how those of several begin, that have no set to choose, and why."""


@pytest.fixture
def site(sqlite_site: Site, tmp_path: Path) -> Site:
    """Four houses in the two communes, and the second set."""
    visit(sqlite_site)
    import_later(sqlite_site, tmp_path)
    made = sqlite_site.user("administrator")
    sites.enter(sqlite_site.reference, User(made.id, "", Role.ADMINISTRATOR, (), 0), replace(STATION, name="Trạm y tế"))
    return sqlite_site


def import_later(site: Site, folder: Path) -> None:
    """The set in force from 2025-07-01 on."""
    features = []
    for code, name, west in (("00005", "Xã Tây", 105.0), ("00001", "Phường Đông", 105.1)):
        east = round(west + 0.1, 1)
        ring = [[west, 22.0], [east, 22.0], [east, 22.1], [west, 22.1], [west, 22.0]]
        told = {"commune_code": code, "commune_name": name, "province_code": "02", "province_name": "Tỉnh Mới"}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": told, "geometry": geometry})
    file = folder / "later.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    set_periods.change(site.reference, OPERATOR, "squares", date(2020, 1, 1), date(2025, 6, 30))
    facts = boundaries.SetFacts("later", "Từ tháng 7", date(2025, 7, 1))
    boundaries.import_file(site.reference, file, facts)


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    with at_desk(site, "administrator") as made:
        yield made


def test_the_table_names_every_address(tmp_path: Path) -> None:
    there = endpoints(tmp_path)
    asked = {**NAMED, **FILES, **REFUSING}
    assert asked.keys() - there.keys() == set()
    unnamed = [each for each in there if each not in asked and not any(each.startswith(start) for start in SAME)]
    assert unnamed == []
    assert [start for start in SAME if not any(each.startswith(start) for each in there)] == []


def ask(desk: Desk, address: str, set_id: str) -> requests.Response:
    """An answer; work that goes on beside is waited for."""
    joined = f"{desk.url}{address}{'' if address.endswith('?') else '&'}set={set_id}"
    for _ in range(200):
        answer = desk.session.get(joined, timeout=60)
        if answer.status_code not in (202, 503):
            break
    return answer


def main_of(page: str) -> str:
    """What a page shows, without the names of the sets in the choice of them."""
    return re.sub(r"<select name=\"set\">.*?</select>", "", page[page.index("<main") :], flags=re.DOTALL)


@pytest.mark.parametrize("endpoint", sorted(NAMED))
def test_a_page_names_the_units_of_the_set_asked_for_and_offers_the_other(desk: Desk, endpoint: str) -> None:
    for set_id, other in (("squares", "later"), ("later", "squares")):
        answer = ask(desk, NAMED[endpoint], set_id)
        assert answer.status_code == 200, answer.text
        shown = main_of(answer.text)
        assert any(name in shown for name in NAMES[set_id])
        assert endpoint in LISTED or not [name for name in NAMES[other] if name in shown]
        # The choice is there, and stands on the set that is shown.
        chosen = re.search(rf'<option value="{set_id}" selected>|set={set_id}[^"]*" aria-current="true"', answer.text)
        assert chosen is not None
        assert re.search(rf'<option value="{other}"|[?&;]set={other}', answer.text) is not None
    told = ask(desk, NAMED[endpoint], "mars")
    assert told.status_code == 404 or "mars" in told.text


@pytest.mark.parametrize("endpoint", sorted(FILES))
def test_figures_for_programs_and_files_are_of_the_set_asked_for(desk: Desk, endpoint: str) -> None:
    answers = [ask(desk, FILES[endpoint], set_id) for set_id in NAMES]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    squares, later = (answer.content for answer in answers)
    assert squares.replace(b"squares", b"") != later.replace(b"later", b"")


SAVED = (
    "exports.people",
    "exchange.left_out",
    "follow_up.printed",
    "forecast.file",
    "report.file",
    "targets.ranking_file",
    "trends.file",
    "wall.printed",
    "stock.file",
    "exchange.data_values",
)
"""Files that somebody finds again in a folder."""

ROWS_ALONE = ("exports.people", "forecast.file", "targets.ranking_file")
"""Of these, tables that have no line over their heads."""


@pytest.mark.parametrize("endpoint", SAVED)
def test_a_file_says_in_its_name_and_its_rows_of_which_set_and_day_it_is(desk: Desk, endpoint: str) -> None:
    labels = {"squares": "Hai ô vuông (đến 30/06/2025)", "later": "Từ tháng 7 (từ 01/07/2025)"}
    for set_id, label in labels.items():
        answer = ask(desk, {**FILES, **REFUSING}[endpoint], set_id)
        if endpoint not in REFUSING or answer.status_code == 200:
            name = answer.headers["Content-Disposition"]
            assert f"-{set_id}-" in name, name
        if endpoint in ROWS_ALONE:
            rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
            told = {(row["Bộ ranh giới"], row["Số liệu tính đến ngày"]) for row in rows}
            assert {each for each, _ in told} == {label}
            assert endpoint == "forecast.file" or {day for _, day in told} <= {"2022-08-31", "31/08/2022"}


@pytest.mark.parametrize("endpoint", sorted({**FILES, **REFUSING}))
def test_a_file_or_an_answer_for_programs_is_never_of_another_set_than_it_was_asked_for(
    desk: Desk, endpoint: str
) -> None:
    told = ask(desk, {**FILES, **REFUSING}[endpoint], "mars")
    assert told.status_code == 404
    assert "mars" in told.text and "later, squares" in told.text


def test_without_a_set_the_one_in_force_on_the_day_is_shown(desk: Desk) -> None:
    for day, set_id in (("2022-08-31", "squares"), ("2025-06-30", "squares"), ("2025-08-31", "later")):
        shown = main_of(desk.get(f"/targets?campaign=mini&date={day}&level=commune").text)
        assert any(name in shown for name in NAMES[set_id]), day
        told = desk.get(f"/api/coverage?campaign=mini&group=5_plus&dose=1&level=commune&date={day}").json()
        assert told["set"] == set_id, day


def test_a_choice_of_the_set_wins_over_the_day_and_the_page_says_so(desk: Desk) -> None:
    page = desk.get("/trends?campaign=mini&set=later&date=2022-08-31&area=commune:00005&lang=en").text
    assert "Shown on the boundaries Từ tháng 7 (from 1 Jul 2025), which were not in force on" in page
    offered = re.search(r'<a href="([^"]+)">Show those of that day: Hai ô vuông \(until 30 Jun 2025\)</a>', page)
    assert offered is not None
    address = offered[1].replace("&amp;", "&")
    assert "set=squares" in address and "area=" not in address and "date=2022-08-31" in address
    assert "Xã Một" in desk.get(address).text
    # The menu leads on with the choice, since no page would open with that set by itself.
    assert 'href="/targets?set=later"' in page
    assert 'href="/targets"' in desk.get("/trends?campaign=mini&set=squares&date=2022-08-31").text


@pytest.mark.parametrize("page", ["/follow-up", "/fieldwork"])
def test_pages_by_hamlets_say_that_their_set_was_not_in_force(desk: Desk, page: str) -> None:
    asked = f"{page}?campaign=mini&date=2022-08-31&lang=en"
    shown = desk.get(f"{asked}&set=later&commune=00005").text
    assert "Shown on the boundaries Từ tháng 7 (from 1 Jul 2025), which were not in force on" in shown
    offered = re.search(r'<a href="([^"]+)">Show those of that day: Hai ô vuông \(until 30 Jun 2025\)</a>', shown)
    assert offered is not None
    led = desk.get(offered[1].replace("&amp;", "&")).text
    assert '<option value="00001" selected>Xã Một' in led
    assert "not in force" not in led


def test_an_area_goes_along_to_the_set_chosen_instead_and_its_code_is_not_taken_for_another_place(desk: Desk) -> None:
    asked = "campaign=mini&date=2022-08-31&set=later&area=commune:00001&area_set=squares&lang=en"
    page = desk.get(f"/people?{asked}").text
    assert "On the boundaries Từ tháng 7 (from 1 Jul 2025), Xã Một lies in Xã Tây, which is shown." in page
    assert '<option value="commune:00005" selected>' in page
    # The address as such means the code of the set that it names.
    assert '<option value="commune:00001" selected>' in desk.get(f"/people?{asked.replace('area_set', 'x')}").text


def test_the_people_of_an_area_of_one_set_are_all_that_its_supervisor_sees_in_another(site: Site) -> None:
    site.phone().send(House("uuid:east", commune="00002", hamlet="0000201", location="22.05 105.15 300 6").form())
    site.user("commune_supervisor", "squares:00001", name="one", password=PASSWORD)
    desk = Desk(site)
    desk.sign_in("one", PASSWORD)
    with desk.session:
        told = desk.get(f"/api/coverage?{Q}&level=commune&set=later").json()
        assert [unit["name"] for unit in told["units"]] == ["Xã Tây"]
        assert desk.get(f"/people?{Q}&set=later&area=commune:00001").status_code == 404
        assert "Phường Đông" not in main_of(desk.get(f"/targets?{Q}&set=later&level=commune").text)


def test_a_plan_is_asked_for_on_the_set_of_its_form_and_keeps_it(site: Site, desk: Desk) -> None:
    settle(site)
    number = planned(site.reference, name="Trước ngày đổi")
    form = desk.get(f"/plans?from={number}").text
    assert '<input type="hidden" name="set" value="squares">' in form
    assert '<input type="hidden" name="set" value="later">' in desk.get("/plans?set=later").text
    assert "Boundaries: Hai ô vuông (until 30 Jun 2025)." in desk.get(f"/plans/{number}?set=later&lang=en").text
    told = "Hai ô vuông (until 30 Jun 2025)"
    assert told in desk.get(f"/plans/{number}/files/plan.geojson?lang=en").json()["description"]
    book = load_workbook(io.BytesIO(desk.get(f"/plans/{number}/files/plan.xlsx?lang=en").content), read_only=True)
    assert ("Boundary set", told) in {row[:2] for row in book.worksheets[0].iter_rows(values_only=True)}


def test_a_commune_goes_along_on_pages_by_hamlets_where_another_set_is_chosen(desk: Desk) -> None:
    for page in ("/follow-up", "/fieldwork", "/assignment"):
        asked = f"{page}?campaign=mini&date=2022-08-31&commune=00001&commune_set=squares"
        assert '<option value="00005" selected>Xã Tây' in desk.get(f"{asked}&set=later").text, page
        # As such the code means the place of that set.
        named = desk.get(f"{page}?campaign=mini&date=2022-08-31&commune=00001&set=later").text
        assert '<option value="00001" selected>Phường Đông' in named, page


def test_reports_by_week_across_the_change_open_and_say_which_set_they_are_on(site: Site, desk: Desk) -> None:
    site.phone().send(House("uuid:late", today="2025-07-05", people=(("H", "1990-01-01", "2025-07-03"),)).form())
    found = []
    for day in ("2025-06-17", "2025-06-24", "2025-06-30", "2025-07-01", "2025-07-08", "2025-07-15"):
        page = desk.get(f"/report?campaign=mini&group=5_plus&dose=1&date={day}&lang=en")
        assert page.status_code == 200, day
        set_id = "squares" if day < "2025-07-01" else "later"
        assert re.search(rf'<option value="{set_id}" selected>', page.text), day
        shown = main_of(page.text)
        assert NAMES[set_id][0] in shown and NAMES[OTHER[set_id]][0] not in shown, day
        told = desk.get(f"/api/coverage?campaign=mini&group=5_plus&dose=1&level=commune&date={day}").json()
        assert told["set"] == set_id
        found.append(sum(unit["vaccinated"] for unit in told["units"]))
    # Nobody is lost or counted twice on the way: one more holds the dose, since the week of the change.
    assert found == [found[0]] * 4 + [found[0] + 1] * 2


def test_a_plan_on_a_set_that_is_withdrawn_later_opens_and_says_which_set(site: Site, desk: Desk) -> None:
    settle(site)
    number = planned(site.reference, name="Trên bộ mới", set_id="later", area="province:02")
    assert "has been withdrawn" not in desk.get(f"/plans/{number}?lang=en").text
    withdrawing.withdraw(site.reference, "later", anyway=True)
    page = desk.get(f"/plans/{number}?lang=en")
    assert page.status_code == 200
    told = "Boundary set Từ tháng 7, on which this plan was made, has been withdrawn."
    assert told in page.text and "Trên bộ mới" in page.text
    assert "Xã Tây" in main_of(page.text)
    # Other pages show what is left, also on days of the set that is gone; its own address is refused by name.
    assert "Xã Một" in main_of(desk.get("/targets?campaign=mini&date=2025-08-31&level=commune").text)
    assert desk.get("/follow-up?campaign=mini&set=later").status_code == 404
