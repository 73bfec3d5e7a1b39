"""What lies over the map, as programs read it: epidemic levels, ways, tiles, the base map; each with who may not.

Two houses of one day in commune 00001 with a way between them, one in 00002; one of the day before,
and one of long ago.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import mapbox_vector_tile
import openpyxl
import pytest
import requests
from lxml import html

from mapper.services import intake, tiles
from mapper.settings import Settings
from mapper.web import epidemic as epidemic_page
from tests.client.site import SET_ID, House, Site
from tests.geo.test_tiles import tile_of
from tests.services.test_base_map import PNG, VECTOR, mbtiles, pmtiles
from tests.web.test_forms_page import manager
from tests.web.test_pages import Reader

pytestmark = pytest.mark.today

TODAY = intake.today()
"""This server takes visits now."""
VISITED, BEFORE, LONG_AGO = ((TODAY - timedelta(days=days)).isoformat() for days in (0, 1, 90))
DAY = "2022-08-10"
ONCE = "2021-08-10"
HOUSES = (
    House("uuid:a", location="22.05 105.05 300 6.5", today=VISITED, people=(("A B", "1980-05-04", ONCE),)),
    House("uuid:b", location="22.06 105.05 300 6.5", today=VISITED, people=(("C D", "1980-05-04", ""),)),
    House("uuid:c", commune="00002", hamlet="0000201", location="22.05 105.15 300 6.5", today=VISITED),
    House("uuid:d", location="22.07 105.05 300 6.5", today=BEFORE),
    House("uuid:e", commune="00002", hamlet="0000201", location="22.06 105.15 300 6.5", today=LONG_AGO),
)
ASKED = {"campaign": "mini", "group": "5_plus", "dose": "1", "date": "2022-08-31", "set": SET_ID}
NEAR, FAR = (14, *tile_of(105.05, 22.05, 14)), (8, *tile_of(105.05, 22.05, 8))


@pytest.fixture(scope="module")
def site(standing_site: Site) -> Iterator[Site]:
    canvasser = standing_site.user("canvasser", "001", name="Tổ Một")
    phone = standing_site.phone(canvasser.token)
    for house in HOUSES:
        phone.send(house.form())
    yield standing_site


def token(site: Site, role: str, *areas: str) -> str:
    return site.user(role, *areas).token


@pytest.mark.parametrize("path", ["/api/epidemic-levels", "/api/tracks", "/api/tiles/8/202/111.mvt", "/basemap/1/0/0"])
def test_nobody_reads_without_signing_in_and_no_canvasser_reads_figures(site: Site, path: str) -> None:
    assert site.get(path, **ASKED).status_code == 401
    if path.startswith("/api"):
        assert site.get(path, token(site, "canvasser", "001"), **ASKED).status_code == 403


def tracks(site: Site, whose: str, **more: str) -> list[dict[str, object]]:
    answer = site.get("/api/tracks", whose, **{**ASKED, "date": VISITED, **more})
    assert answer.status_code == 200, answer.text
    return [feature["properties"] | feature["geometry"] for feature in answer.json()["features"]]


def test_a_way_of_a_day_goes_from_house_to_house_in_the_order_of_visiting(site: Site) -> None:
    line, *stops = tracks(site, token(site, "supervisor", "001"))
    assert (line["kind"], line["name"], line["houses"]) == ("track", "Tổ Một", 3)
    assert line["coordinates"] == [[105.05, 22.05], [105.05, 22.06], [105.15, 22.05]]
    # Along a meridian a hundredth of a degree is 1.11 km; the way over to the other commune is some 10.4 km.
    assert line["km"] == pytest.approx(1.11 + 10.37, abs=0.1)
    assert [(stop["kind"], stop["number"], stop["submission"]) for stop in stops] == [
        ("stop", 1, "uuid:a"),
        ("stop", 2, "uuid:b"),
        ("stop", 3, "uuid:c"),
    ]
    # This form tells no hour: that of arrival stands in, unless it was on another day.
    assert all(re.fullmatch(r"\d\d:\d\d", str(stop["time"])) and stop["by"] == "arrival" for stop in stops)
    (late,) = tracks(site, token(site, "administrator"), date=BEFORE)
    assert (late["time"], late["by"]) == ("", "arrival")
    assert [stop["submission"] for stop in tracks(site, token(site, "administrator"), date=BEFORE)] == ["uuid:d"]
    assert tracks(site, token(site, "administrator"), date="2022-08-12") == []
    # A phone that was without a net for months: its visit stands on the way of its day, whenever it came.
    (long_ago,) = tracks(site, token(site, "administrator"), date=LONG_AGO)
    assert (long_ago["submission"], long_ago["time"], long_ago["by"]) == ("uuid:e", "", "arrival")
    assert tracks(site, token(site, "commune_supervisor", "00001"), date=LONG_AGO) == []


def test_ways_are_for_those_who_oversee_and_end_where_their_area_does(site: Site) -> None:
    assert site.get("/api/tracks", token(site, "planner"), **ASKED).status_code == 403
    houses = [stop.get("submission") for stop in tracks(site, token(site, "commune_supervisor", "00002"))]
    assert houses == ["uuid:c"]
    within = tracks(site, token(site, "administrator"), area="commune:00001")
    assert [stop.get("submission") for stop in within] == [None, "uuid:a", "uuid:b"]
    elsewhere = site.get("/api/tracks", token(site, "administrator"), **{**ASKED, "campaign": "none"})
    assert elsewhere.status_code == 404
    text = site.get("/api/tracks", token(site, "administrator"), **{**ASKED, "date": VISITED}).text
    assert "uuid:a" in text
    assert "A B" not in text


def tile(site: Site, whose: str, place: tuple[int, int, int]) -> dict[str, dict[str, dict[str, object]]]:
    z, x, y = place
    answer = site.get(f"/api/tiles/{z}/{x}/{y}.mvt", whose, **ASKED)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    found = mapbox_vector_tile.decode(answer.content)
    return {
        name: {each["properties"].get("key", ""): each["properties"] | each["geometry"] for each in layer["features"]}
        for name, layer in found.items()
    }


def test_a_tile_says_what_the_figures_say(site: Site) -> None:
    whose = token(site, "administrator")
    units = {unit["key"]: unit for unit in site.get("/api/coverage", whose, level="hamlet", **ASKED).json()["units"]}
    found = tile(site, whose, FAR)
    assert found["communes"].keys() == {"00001", "00002"}
    assert found["hamlets"].keys() == {"00001/0000101", "00002/0000201"}
    east = found["hamlets"]["00001/0000101"]
    assert (east["type"], east["name"]) == ("Point", "Thôn Đông")
    for key, told in found["hamlets"].items():
        unit = units[key]
        assert [told.get(name) for name in ("eligible", "vaccinated", "due", "needed", "coverage")] == [
            unit[name] if name != "coverage" else round(unit[name], 4)
            for name in ("eligible", "vaccinated", "due", "needed", "coverage")
        ]
        houses = unit["households_expected"], unit["households_unvisited"]
        assert told["visited"] == round(1 - houses[1] / houses[0], 4)
    near = tile(site, whose, NEAR)["hamlets"]
    assert {key: told["type"] for key, told in near.items()} == {"00001/0000101": "MultiPolygon"}
    assert "hamlets" not in tile(site, whose, (5, 25, 13))


def test_a_tile_holds_nothing_of_what_its_reader_may_not_see(site: Site) -> None:
    found = tile(site, token(site, "commune_supervisor", "00002"), FAR)
    assert (found["communes"].keys(), found["hamlets"].keys()) == ({"00002"}, {"00002/0000201"})
    assert tile(site, token(site, "commune_supervisor", "00002"), NEAR) == {}


def test_a_tile_is_asked_about_by_its_tag_and_one_that_is_none_is_refused(site: Site) -> None:
    whose = token(site, "administrator")
    address = f"{site.url}/api/tiles/8/202/111.mvt"
    headers = {"Authorization": f"Bearer {whose}"}
    first = requests.get(address, params=ASKED, headers=headers, timeout=60)
    again = requests.get(address, params=ASKED, headers=headers | {"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Content-Encoding"] in ("br", "gzip")
    for place, status in (("1/2/0", 404), ("19/0/0", 404), ("8/202/-1", 404)):
        assert site.get(f"/api/tiles/{place}.mvt", whose, **ASKED).status_code == status
    assert site.get("/api/tiles/8/202/111.mvt", whose, campaign="mini").status_code == 400


def test_maps_take_tiles_of_very_many_hamlets_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = manager(site)
    assert '"tiles": false' in desk.get("/map").text.replace('"tiles":false', '"tiles": false')
    monkeypatch.setattr(tiles, "MANY_HAMLETS", 2)
    page = desk.get("/map?level=hamlet").text.replace('"tiles":true', '"tiles": true')
    assert '"tiles": true' in page


# The page of epidemic levels


def enter(
    desk: Reader, path: str, files: dict[str, tuple[str, bytes]] | None = None, **typed: str
) -> requests.Response:
    """What the page shows after something was entered on it."""
    key = re.search(r'name="csrf_token" value="([^"]+)"', desk.get(f"/epidemic-levels?date={DAY}").text)
    assert key
    data = {"csrf_token": key[1], "set": SET_ID, "date": DAY, **typed}
    return desk.session.post(desk.site.url + path, data=data, files=files, timeout=60)


def test_a_level_is_entered_on_the_page_and_told_to_the_map(site: Site) -> None:
    desk = manager(site)
    done = enter(desk, "/epidemic-levels", unit="00002", level="4", **{"from": DAY}, source="QĐ 77/QĐ-UBND")
    assert done.status_code == 200, done.text
    assert "QĐ 77/QĐ-UBND" in done.text
    whose = token(site, "administrator")
    levels = site.get("/api/epidemic-levels", whose, set=SET_ID, date=DAY).json()
    assert (levels["levels"]["00002"], levels["since"]["00002"]) == (4, DAY)
    assert "00002" not in site.get("/api/epidemic-levels", whose, set=SET_ID, date="2022-08-09").json()["levels"]
    other = site.get("/api/epidemic-levels", token(site, "supervisor", "00001"), set=SET_ID, date=DAY).json()
    assert "00002" not in other["levels"]
    wrong = enter(desk, "/epidemic-levels", unit="00002", level="4", **{"from": DAY}, source="")
    assert wrong.status_code == 400
    assert "Hãy ghi quyết định" in wrong.text


def test_a_district_is_entered_at_once_and_a_commune_is_looked_for_among_many(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = manager(site)
    done = enter(desk, "/epidemic-levels", unit="district:001", level="2", **{"from": DAY}, source="QĐ 78")
    assert done.status_code == 200, done.text
    asked = f"/epidemic-levels?date={DAY}&set={SET_ID}"
    assert desk.get(asked).text.count("QĐ 78") == 4, "two communes, in the list and in the history"
    assert desk.get(f"{asked}&unit=00002").text.count("QĐ 78") == 3, "with the history of one"
    assert "Xã Một" not in html.fromstring(desk.get(f"{asked}&find=hai").text).xpath("string(//table)")
    monkeypatch.setattr(epidemic_page, "AT_ONCE", 1)
    monkeypatch.setattr(epidemic_page, "MOST_OFFERED", 1)
    for page, shown in (("1", "Xã Hai"), ("2", "Xã Một"), ("9", "Xã Một"), ("x", "Xã Hai")):
        found = html.fromstring(desk.get(f"{asked}&page={page}").text)
        assert [each.text for each in found.xpath("(//table)[1]/tbody//th/a")] == [shown]
        assert found.xpath("//select[@name='unit']//option/@value") == ["province:01", "district:001"]


def test_a_table_is_taken_on_the_page_or_its_wrong_rows_are_named(site: Site) -> None:
    desk = manager(site)
    book = openpyxl.Workbook()
    for row in (("Mã xã", "Cấp độ"), ("00001", "vùng cam"), ("00002", "7")):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    book.close()
    typed = {"from": "2022-08-20", "source": "QĐ 78"}
    refused = enter(desk, "/epidemic-levels/import", {"file": ("cap_do.xlsx", file.getvalue())}, **typed)
    assert refused.status_code == 400
    assert "Dòng 3:" in refused.text
    content = "Mã xã;Cấp độ\n00001;vùng cam\n".encode()
    done = enter(desk, "/epidemic-levels/import", {"file": ("cap_do.csv", content)}, **typed)
    assert "Đã ghi 1 cấp độ dịch." in done.text
    levels = site.get("/api/epidemic-levels", token(site, "administrator"), set=SET_ID, date="2022-08-20").json()
    assert levels["levels"]["00001"] == 3
    none = enter(desk, "/epidemic-levels/import", **typed)
    assert (none.status_code, "Hãy chọn một tệp" in none.text) == (400, True)


# The map for the wall


def test_the_wall_map_is_one_a3_page_in_the_reader_s_area(site: Site) -> None:
    import pypdfium2

    for whose, there in ((token(site, "administrator"), True), (token(site, "commune_supervisor", "00002"), False)):
        answer = site.get("/map/print.pdf", whose, **ASKED, level="commune")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
        document = pypdfium2.PdfDocument(answer.content)
        assert len(document) == 1
        page = document[0]
        assert [round(side / 72 * 25.4) for side in page.get_size()] == [420, 297]
        words = page.get_textpage()
        text = words.get_text_range()
        assert ("Xã Một" in text, "Xã Hai" in text) == (there, True)
        assert "31/08/2022" in text
        words.close()
        page.close()
        document.close()
    assert site.get("/map/print.pdf").status_code == 302
    other = token(site, "commune_supervisor", "00002")
    assert site.get("/map/print.pdf", other, **ASKED, area="commune:00001").status_code == 404


# The base map


@pytest.mark.parametrize(("make", "kind"), [(mbtiles, "mbtiles"), (pmtiles, "pmtiles")])
def test_the_base_map_s_tiles_come_from_this_server_as_its_file_has_them(
    run_site: Callable[[Settings], Site], tmp_path: Path, make: Callable[[Path], Path], kind: str
) -> None:
    path = make(tmp_path / f"nen.{kind}")
    site = run_site(Settings(data_dir=tmp_path, basemap=str(path)))
    whose = token(site, "administrator")
    answer = site.get("/basemap/1/0/0", whose)
    assert answer.status_code == 200
    if kind == "mbtiles":
        assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
    else:
        assert (answer.headers["Content-Encoding"], answer.content) == ("gzip", gzip.decompress(VECTOR))
    assert site.get("/basemap/1/0/1", whose).status_code == 204
    page = manager(site).get("/map").text
    assert "/basemap/{z}/{x}/{y}?v=" in page
    assert "C\\u1ee5c B\\u1ea3n \\u0111\\u1ed3" in page
    assert ("vectorBaseMap" in page) == (kind == "pmtiles")


def test_without_a_base_map_there_is_none(site: Site) -> None:
    assert site.get("/basemap/1/0/0", token(site, "administrator")).status_code == 404
    assert "/basemap/" not in manager(site).get("/map").text
