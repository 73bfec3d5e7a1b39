"""Files of a filter's people: who may take them, what stands in them, and that the same people are in each."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import requests

from mapper.services import exporting
from mapper.web import exports
from tests.client.collect import Collect
from tests.client.site import House, Site
from tests.web.test_api import token
from tests.web.test_sign_in import PASSWORD, Desk

HOUSES = (
    House("uuid:1", people=(("=1+1", "1980-05-04", "2021-08-10"), ("Nông Thị Lan", "2020-01-01", ""))),
    House("uuid:2", people=(("@SUM(A1)", "1950-05-04", "2022-01-10"), ("Bế Văn Nam", "2010-05-04", ""))),
    House(
        "uuid:4",
        commune="00002",
        hamlet="0000201",
        location="22.05 105.15 300 6.5",
        people=(("Lý Sún", "1990-05-04", ""),),
    ),
)
ASKED = {"campaign": "mini", "date": "2022-08-31", "lang": "vi"}
NAMES = ["=1+1", "@SUM(A1)", "Bế Văn Nam", "Lý Sún", "Nông Thị Lan"]


@pytest.fixture(scope="module")
def full(standing_site: Site) -> Iterator[Site]:
    """A server with five people; its tests only read, and users are added."""
    phone: Collect = standing_site.phone()
    for house in HOUSES:
        phone.send(house.form())
    yield standing_site


def fetch(site: Site, kind: str, key: str, **asked: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.get(f"{site.url}/export/people.{kind}", params=ASKED | asked, headers=headers, timeout=60)


def test_every_kind_of_file_holds_the_same_people(full: Site, tmp_path: Path) -> None:
    key = token(full, "administrator")
    for kind in ("xlsx", "csv", "gpkg", "parquet", "geojson"):
        answer = fetch(full, kind, key)
        assert answer.status_code == 200, answer.text
        assert f"mini-2022-08-31.{kind}" in answer.headers["Content-Disposition"]
        (tmp_path / f"people.{kind}").write_bytes(answer.content)
    assert (tmp_path / "people.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "people.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["Họ và tên"] for row in rows) == sorted(("'" + n if n[0] in "=@" else n) for n in NAMES)
    first = next(row for row in rows if row["Họ và tên"] == "'=1+1")
    assert (first["Mũi 1: ngày"], first["Ngày sinh"], first["Tuổi"]) == ("2021-08-10", "1980-05-04", "42")
    assert (first["Xã"], first["Thôn, bản"]) == ("Xã Một", "Thôn Đông")
    about = list(rows[0])[-1]
    assert "Bộ lọc: tất cả mọi người" in about and "31/08/2022" in about and "Số người trong danh sách: 5" in about
    sheet = openpyxl.load_workbook(tmp_path / "people.xlsx").worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    column = headings.index("Họ và tên")
    assert sorted(row[column].value for row in sheet.iter_rows(min_row=2)) == NAMES
    # A name that looks like a formula is text; a day is a day; the headings stay in sight and filter.
    assert {row[column].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}
    assert sheet.cell(2, headings.index("Ngày sinh") + 1).is_date
    assert (sheet.freeze_panes, sheet.auto_filter.ref is not None) == ("A2", True)
    for kind in ("gpkg", "geojson"):
        layer = pyogrio.read_dataframe(tmp_path / f"people.{kind}")
        assert sorted(layer["name"]) == NAMES and set(layer.geometry.geom_type) == {"Point"}
        assert layer.crs.to_epsg() == 4326 and 105.0 < layer.geometry.x.min() < 105.2
    frame = pd.read_parquet(tmp_path / "people.parquet")
    assert sorted(frame["name"]) == NAMES and b"geo" in pq.read_schema(tmp_path / "people.parquet").metadata
    found = duckdb.sql(f"SELECT name FROM '{tmp_path / 'people.parquet'}' WHERE dose_1_given_on IS NOT NULL").fetchall()
    assert sorted(found) == [("=1+1",), ("@SUM(A1)",)]


def test_a_filter_of_the_address_is_kept_to_and_told(full: Site) -> None:
    key = token(full, "supervisor", "squares:00001")
    narrow = fetch(full, "csv", key, age_from="18", group="5_plus", dose="1", states="vaccinated").content.decode()
    assert "tuổi từ 18" in narrow and "đã tiêm" in narrow
    assert len(narrow.strip().splitlines()) == 3
    # Whatever the filter says, nobody outside the area is in the file.
    assert "Lý Sún" not in fetch(full, "csv", key).text
    assert len(fetch(full, "csv", key, areas="commune:00002").text.strip().splitlines()) == 1
    assert fetch(full, "csv", key, age_from="40", age_to="30").status_code == 400


def test_only_those_who_oversee_canvassers_take_points_and_phones(full: Site) -> None:
    planner, canvasser = token(full, "planner"), token(full, "canvasser", "squares:00001")
    assert fetch(full, "gpkg", planner).status_code == 403
    assert "Điện thoại" not in fetch(full, "csv", planner).text
    assert "Điện thoại" in fetch(full, "csv", token(full, "administrator")).text
    assert fetch(full, "csv", canvasser).status_code == 403
    assert fetch(full, "exe", planner).status_code == 404


def test_a_file_taken_stands_in_the_audit_trail_without_what_was_searched(full: Site) -> None:
    fetch(full, "csv", token(full, "planner"), text="Nông Thị Lan", lots="A1")
    trail = full.get("/audit.csv", token(full, "administrator"), lang="en").content.decode()
    assert "list of people downloaded" in trail and "lots=A1" in trail and "Nông Thị Lan" not in trail


def test_many_people_are_written_in_the_background_and_then_fetched(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    key = token(full, "administrator")
    for _ in range(600):
        answer = fetch(full, "csv", key)
        if answer.status_code != 202:
            break
        assert answer.headers["Retry-After"] and 0 <= answer.json()["share"] <= 1
        time.sleep(0.05)
    assert answer.status_code == 200 and "Lý Sún" in answer.content.decode()
    made = full.user("administrator", password=PASSWORD)
    desk = Desk(full)
    desk.sign_in(made.name, PASSWORD)
    browser = desk.session
    page = browser.get(f"{full.url}/export/people.xlsx", params=ASKED, headers={"Accept": "text/html"})
    for _ in range(600):
        if not re.search('id="at-work"', page.text):
            break
        time.sleep(0.05)
        page = browser.get(page.url)
    (link,) = re.findall(r'class="button" href="([^"]+)"', page.text)
    book = browser.get(full.url + link.replace("&amp;", "&")).content
    browser.close()
    assert openpyxl.load_workbook(io.BytesIO(book)).worksheets[0].max_row == 6


def test_a_file_that_is_being_written_can_be_stopped_and_written_after_all(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def slowly(reference: object, user: object, wish: object, told: Callable[[float], None]) -> object:
        told(0.5)
        assert may_go_on.wait(60)
        told(0.6)
        return written(reference, user, wish, told)  # type: ignore[arg-type]

    written = exporting.make
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    monkeypatch.setattr(exporting, "make", slowly)
    made = full.user("administrator", password=PASSWORD)
    desk = Desk(full)
    desk.sign_in(made.name, PASSWORD)
    browser = desk.session
    page = browser.get(f"{full.url}/export/people.csv", params=ASKED, headers={"Accept": "text/html"})
    (stop,) = re.findall(r'action="([^"]*export/stop[^"]*)"', page.text)
    (token_,) = re.findall(r'action="[^"]*export/stop[^"]*">\s*<input[^>]*value="([^"]+)"', page.text)
    assert browser.post(full.url + unescape(stop)).status_code in (400, 403)
    browser.post(full.url + unescape(stop), data={"csrf_token": token_})
    may_go_on.set()
    for _ in range(600):
        page = browser.get(page.url)
        if 'id="at-work"' not in page.text:
            break
        time.sleep(0.05)
    (again,) = re.findall(r'href="([^"]*again=1[^"]*)"', page.text)
    assert "Đã dừng ghi tệp" in page.text and 'class="button" href' not in page.text
    page = browser.get(full.url + unescape(again))
    for _ in range(600):
        if 'id="at-work"' not in page.text:
            break
        time.sleep(0.05)
        page = browser.get(page.url.replace("again=1", ""))
    (link,) = re.findall(r'class="button" href="([^"]+)"', page.text)
    assert "Lý Sún" in browser.get(full.url + unescape(link)).content.decode()
    browser.close()
