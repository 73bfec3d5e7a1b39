"""Files of a plan over HTTP: who may fetch them, what they are called, and the page that waits for very large ones."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator

import pytest
import requests
from icalendar import Calendar

from mapper.services import plan_sheets
from mapper.services.plan_files import MEDIA_TYPES
from mapper.web import plan_files
from tests.client.site import Site
from tests.formats.test_sheet import Reader
from tests.web.planned import FIRST, planned, settle
from tests.web.test_pages import reader


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    settle(sqlite_site)
    yield sqlite_site


@pytest.fixture
def plan(site: Site) -> int:
    """A plan that was really made."""
    return planned(site.reference)


def fetch(where: Site, plan: int, kind: str, token: str = "", **asked: str) -> requests.Response:
    token = token or where.user("administrator").token
    return where.get(f"/plans/{plan}/files/{kind}", token, **asked)


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_every_kind_is_handed_to_readers_alone(site: Site, plan: int, kind: str) -> None:
    reply = site.get(f"/plans/{plan}/files/{kind}")
    assert (reply.status_code, reply.headers["Location"][:8]) == (302, "/sign-in")
    assert fetch(site, plan, kind, site.user("canvasser", "001").token).status_code == 403
    assert fetch(site, plan, kind, site.user("commune_supervisor", "00001").token).status_code == 404
    reply = fetch(site, plan, kind)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "private, no-store")
    assert reply.headers["Content-Type"].split(";")[0] == MEDIA_TYPES[kind]
    stem = "" if kind.startswith("plan.") else f"-{kind.split('.')[0]}"
    assert f"plan-{plan}{stem}.{kind.rpartition('.')[2]}" in reply.headers["Content-Disposition"]


def test_sheets_lead_to_the_site_s_page_of_this_server(site: Site, plan: int) -> None:
    token = site.user("administrator").token
    read = Reader(fetch(site, plan, "sheets.pdf", token, site="TYT").content)
    (address,) = {code for page in range(read.pages) for code in read.codes(page)}
    assert address == f"{site.url}/plans/{plan}/sites/TYT"
    assert site.get(address.removeprefix(site.url), token).status_code == 200
    assert "Trạm y tế Xã Một" in read.text()


def test_everybody_planned_stands_on_a_sheet(site: Site, plan: int) -> None:
    read = Reader(fetch(site, plan, "sheets.pdf", lang="en").content)
    text = "".join(read.text(page) for page in range(read.pages))
    served = [
        name for name in ("Nông Văn Páo", "Lò Thị Ún", "Lò Văn Bình", "Ma Thị Xuân", "Ma Văn Thu") if name in text
    ]
    assert len(served) == 5
    assert "Lò Mai" not in text, "not due"


def test_a_day_is_asked_for_alone_and_what_is_no_day_or_no_question_is_refused(site: Site, plan: int) -> None:
    token = site.user("administrator").token
    events = Calendar.from_ical(fetch(site, plan, "plan.ics", token, day=FIRST.isoformat()).content).walk("VEVENT")
    assert {one.start.date() for one in events} == {FIRST}
    assert fetch(site, plan, "plan.ics", token, day="15/8").status_code == 400
    assert fetch(site, plan, "plan.ics", token, dya=FIRST.isoformat()).status_code == 400
    assert fetch(site, plan, "plan.ics", token, site="nowhere").status_code == 404
    assert fetch(site, plan, "plan.doc", token).status_code == 404
    assert fetch(site, plan + 1, "plan.ics", token).status_code == 404


def test_a_very_large_file_is_waited_for_and_stands_among_its_reader_s_own(
    site: Site, plan: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "AT_ONCE", 1)
    token = site.user("administrator").token
    reply = fetch(site, plan, "plan.xlsx", token)
    for _ in range(100):
        if reply.status_code != 202:
            break
        assert reply.headers["Retry-After"]
        time.sleep(0.1)
        reply = fetch(site, plan, "plan.xlsx", token)
    assert reply.status_code == 200
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(reply.content)).namelist()
    page = site.get("/export/files", token, lang="en").text
    assert f"plan-{plan}.xlsx" in page
    assert f"Plan {plan}" in page
    assert fetch(site, plan, "plan.ics", token).status_code == 200, "small ones come at once"
    assert fetch(site, plan, "plan.xlsx", token, team="nobody").status_code == 404, "told before anybody waits"
    monkeypatch.setattr(plan_sheets, "MOST_PRINTED", 2)
    too_many = fetch(site, plan, "sheets.pdf", token, lang="en")
    assert (too_many.status_code, "at most 2 are printed at once" in too_many.text) == (413, True)


def test_a_browser_is_led_to_its_reader_s_files(site: Site, plan: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_files, "AT_ONCE", 1)
    who = reader(site, "001")
    page = who.get(f"/plans/{plan}/files/sheets.pdf", lang="en", day=FIRST.isoformat())
    assert (page.status_code, page.headers["Location"]) == (303, "/export/files")
    name = f"plan-{plan}-sheets-{FIRST.isoformat()}.pdf"
    for _ in range(100):
        found = re.search(r'href="(/export/files/[0-9a-f]+)"', page.text)
        if found:
            break
        time.sleep(0.1)
        page = who.get("/export/files", lang="en")
    assert name in page.text
    assert FIRST.isoformat() in page.text
    assert found is not None
    assert Reader(who.get(found[1]).content).pages > 0
