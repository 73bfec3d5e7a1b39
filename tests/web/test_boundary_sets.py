"""Boundary sets on their page: what is told of one and the next, by whom, seen by readers and told to programs."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import requests

from mapper.geo import overlap
from mapper.geo.overlap import Overlap
from mapper.services import boundaries, set_periods, successions
from mapper.services.accounts import OPERATOR
from mapper.services.boundaries import SetFacts
from mapper.store import reference as kept
from mapper.web import boundary_sets as pages
from tests.client.site import SET_ID, Site
from tests.web.test_forms_page import manager
from tests.web.test_pages import Reader, reader

CROSSWALK = "Mã cũ,Tên cũ,Mã mới,Quan hệ,Nghị quyết\n00001,Xã Một,00002,toàn bộ,NQ 9\n00002,Xã Hai,00002,toàn bộ,NQ 9\n"


def a_later_set(site: Site, folder: Path) -> None:
    """Both communes as one, which has the code of the second."""
    ring = [[105.0, 22.0], [105.2, 22.0], [105.2, 22.1], [105.0, 22.1], [105.0, 22.0]]
    facts = {"commune_code": "00002", "commune_name": "Xã Chung", "province_code": "01", "province_name": "Tỉnh"}
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": facts, "geometry": geometry}
    path = folder / "later.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    set_periods.change(site.reference, OPERATOR, SET_ID, date(2020, 1, 1), date(2025, 6, 30))
    boundaries.import_file(site.reference, path, SetFacts("later", "Từ 2025", date(2025, 7, 1)))


def a_step(site: Site, folder: Path) -> None:
    """Two sets and what became of the communes, which the outlines say otherwise."""
    a_later_set(site, folder)
    content = b"old_code,new_code,relation\n00001,00002,part\n"
    successions.take_crosswalk(site.reference, OPERATOR, "crosswalk.csv", content, SET_ID, "later")


@pytest.fixture
def site(sqlite_site: Site, tmp_path: Path) -> Site:
    """Two sets, of which nobody has told anything."""
    a_later_set(sqlite_site, tmp_path)
    return sqlite_site


def tell(who: Reader, content: str = "", **typed: str) -> requests.Response:
    """Send one of the page's forms."""
    key = re.search(r'name="csrf_token" value="([^"]+)"', who.get("/boundary-sets").text)
    assert key
    return who.session.post(
        f"{who.site.url}/boundary-sets/succession?lang=en",
        data={"csrf_token": key[1], "old": SET_ID, "new": "later", **typed},
        files={"file": ("crosswalk.csv", content.encode())} if content else None,
        allow_redirects=False,
        timeout=60,
    )


def test_a_crosswalk_is_taken_shown_and_taken_out(site: Site) -> None:
    chief = manager(site)
    assert "Nobody told yet" in chief.get("/boundary-sets", lang="en").text
    sent = tell(chief, CROSSWALK, by="crosswalk")
    assert sent.status_code == 303
    shown = chief.get(sent.headers["Location"], lang="en").text
    assert "Told by: crosswalk." in shown
    assert "NQ 9" in shown
    assert "All of them say the same." in shown
    assert shown.count(">merged</td>") == 2
    assert 'href="/boundary-sets/squares/to/later?change=merged"' in chief.get("/boundary-sets").text
    assert chief.get("/boundary-sets/squares/to/later?change=gone", lang="en").text.count("No unit fits.") == 1
    assert "Xã Hai" not in chief.get("/boundary-sets/squares/to/later?find=xa+mot").text.partition("<tbody>")[2]
    removed = chief.post("/boundary-sets/squares/to/later/remove", chief.get("/boundary-sets").text)
    assert removed.status_code == 303
    assert chief.get("/boundary-sets/squares/to/later").status_code == 404


def test_a_faulty_crosswalk_is_told_row_by_row_and_nothing_is_kept(site: Site) -> None:
    chief = manager(site)
    refused = tell(chief, CROSSWALK + "00009,,00002,toàn bộ,\n", by="crosswalk")
    assert refused.status_code == 400
    assert "Row 4:" in refused.text
    assert "The old set has no unit of the code 00009." in refused.text
    assert "Nobody told yet" in refused.text
    assert tell(chief, CROSSWALK + "00009,,00002,toàn bộ,\n", by="crosswalk", only_known="yes").status_code == 303
    assert tell(chief, by="crosswalk").status_code == 400
    assert tell(chief, by="outlines", new=SET_ID).status_code == 400
    for least in ("0", "30", "half"):
        assert tell(chief, by="outlines", least=least).status_code == 400
    assert tell(chief, by="outlines", old="later", new=SET_ID).status_code == 400
    assert chief.get("/boundary-sets/squares/to/later?change=lost").status_code == 400


def test_outlines_are_measured_and_what_the_table_says_otherwise_is_shown(site: Site) -> None:
    chief = manager(site)
    assert tell(chief, by="outlines", least="1,5 %").status_code == 303
    assert "Common ground under 1.5 % of the old unit" in chief.get("/boundary-sets/squares/to/later", lang="en").text
    assert "Told by: outlines." in chief.get("/boundary-sets/squares/to/later", lang="en").text
    assert tell(chief, "old_code,new_code,relation\n00001,00002,part\n00002,00002,full\n", by="crosswalk").ok
    shown = chief.get("/boundary-sets/squares/to/later", lang="en").text
    assert "went to one unit, and yet only in part" in shown
    told = chief.get("/boundary-sets/squares/to/later/disagreements.csv").content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(told))
    assert (row["old_code"], row["crosswalk"], row["outlines"]) == ("00001", "part", "full")
    assert float(row["share_on_outlines"]) == pytest.approx(1, abs=1e-6)


def test_the_units_are_files_for_spreadsheets(site: Site) -> None:
    chief = manager(site)
    tell(chief, CROSSWALK, by="crosswalk")
    told = chief.get("/boundary-sets/squares/to/later/units.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [(row["old_code"], row["new_code"], row["change"], row["relation"], row["decree"]) for row in rows] == [
        ("00002", "00002", "merged", "full", "NQ 9"),
        ("00001", "00002", "merged", "full", "NQ 9"),
    ]
    workbook = openpyxl.load_workbook(
        io.BytesIO(chief.get("/boundary-sets/squares/to/later/units.xlsx").content), read_only=True
    )
    assert workbook.active is not None
    assert [row[0] for row in workbook.active.iter_rows(values_only=True)] == ["old_code", "00002", "00001"]
    workbook.close()
    for path in ("units.pdf", "people.csv"):
        assert chief.get(f"/boundary-sets/squares/to/later/{path}").status_code == 404


def test_readers_see_what_became_of_units_and_only_administrators_of_everything_tell_it(site: Site) -> None:
    chief = manager(site)
    tell(chief, CROSSWALK, by="crosswalk")
    desk = reader(site, "00001", role="commune_supervisor")
    assert desk.get("/boundary-sets/squares/to/later").status_code == 200
    page = desk.get("/boundary-sets").text
    assert '<form method="post" action="/boundary-sets' not in page
    key = desk.get("/sites").text
    assert desk.post("/boundary-sets/succession", key, old=SET_ID, new="later", by="outlines").status_code == 403
    assert desk.post("/boundary-sets/squares/to/later/remove", key).status_code == 403
    canvasser = site.user("canvasser", "001").token
    assert site.get("/boundary-sets", canvasser).status_code == 403
    assert site.get("/api/boundary-sets/squares/succession/later", canvasser).status_code == 403
    assert site.get("/api/boundary-sets").status_code == 401


def test_programs_are_told_the_same(site: Site) -> None:
    chief = manager(site)
    tell(chief, CROSSWALK, by="crosswalk")
    token = site.user("supervisor", "001").token
    listed = site.get("/api/boundary-sets", token).json()
    begins = [(one["id"], one["valid_from"]) for one in listed["sets"]]
    assert begins == [("later", "2025-07-01"), (SET_ID, "2020-01-01")]
    assert all(one["same_days_and_ground"] == [] for one in listed["sets"])
    with site.reference.database.write() as connection:
        # As an earlier release took them.
        kept.set_days(connection, SET_ID, date(2020, 1, 1), None, False)
        kept.raise_revision(site.reference.database, connection)
    listed = site.get("/api/boundary-sets", token).json()
    assert all(len(one["same_days_and_ground"]) == 1 for one in listed["sets"])
    (step,) = listed["successions"]
    assert (step["old"], step["new"], step["told_by"], step["changes"]["merged"]) == (SET_ID, "later", "crosswalk", 2)
    told = site.get("/api/boundary-sets/squares/succession/later", token).json()
    assert told["changes"] == {"same": 0, "renamed": 0, "merged": 2, "divided": 0, "gone": 0}
    assert {one["code"]: one["heirs"][0]["name"] for one in told["units"]} == {"00001": "Xã Chung", "00002": "Xã Chung"}
    assert told["units"][0]["heirs"][0] == {
        "code": "00002",
        "name": "Xã Chung",
        "within": "Tỉnh",
        "whole": True,
        "share": None,
        "source": "NQ 9",
    }
    assert (told["disagreements"], told["compared"]) == ([], ["crosswalk", "outlines"])
    assert site.get("/api/boundary-sets/later/succession/squares", token).status_code == 404


def test_a_withdrawn_set_is_listed_as_such_and_offered_no_more(site: Site) -> None:
    chief = manager(site)
    tell(chief, CROSSWALK, by="crosswalk")
    with site.reference.database.write() as connection:
        kept.set_state(connection, "later", kept.SetState.WITHDRAWN)
        kept.raise_revision(site.reference.database, connection)
    page = chief.get("/boundary-sets", lang="en").text
    assert ">withdrawn</span>" in page
    assert '<option value="later"' not in page
    assert chief.get("/boundary-sets/squares/to/later").status_code == 200, "what became of units stays to be seen"
    assert tell(chief, by="outlines").status_code == 400


def change_days(who: Reader, set_id: str, **typed: str) -> requests.Response:
    key = re.search(r'name="csrf_token" value="([^"]+)"', who.get("/lists").text)
    assert key
    return who.session.post(
        f"{who.site.url}/boundary-sets/{set_id}/days?lang=en",
        data={"csrf_token": key[1], "days_of": set_id, **typed},
        allow_redirects=False,
    )


def test_days_of_a_set_are_changed_by_administrators_and_never_onto_those_of_another(site: Site) -> None:
    boss = manager(site)
    clash = change_days(boss, SET_ID, first="2020-01-01")
    assert clash.status_code == 409
    assert "(01/07/2025 – …) as boundary set later, Từ 2025" in clash.text
    wrong = change_days(boss, SET_ID, first="1/2020")
    assert (wrong.status_code, "1/2020 is no day. Write it as 2025-07-01." in wrong.text) == (400, True)
    done = change_days(boss, "later", first="2025-07-01", last="2026-12-31", trial="yes")
    assert done.status_code == 303
    page = boss.get("/boundary-sets?lang=en").text
    assert "The days of later are kept." in page
    assert re.search(r"Từ 2025 <span[^>]*>later</span> <span class=\"tag\">on trial</span>", page)
    listed = {one["id"]: one for one in boss.get("/api/sets").json()["sets"]}
    assert (listed["later"]["trial"], listed["later"]["default"], listed[SET_ID]["default"]) == (True, False, True)
    assert change_days(boss, SET_ID, first="2020-01-01").status_code == 303
    refused = change_days(reader(site), SET_ID, first="2020-01-01")
    assert refused.status_code == 403


def test_what_takes_long_is_worked_out_beside_and_its_page_says_how_far(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief, going, measured = manager(site), threading.Event(), overlap.overlaps

    def slow(old: dict[str, bytes], new: dict[str, bytes], share: Callable[[float], None]) -> list[Overlap]:
        share(0.25)
        assert going.wait(30)
        return measured(old, new, share)

    monkeypatch.setattr(successions, "overlaps", slow)
    monkeypatch.setattr(pages, "SOON_S", 0.0)
    address = "/boundary-sets/squares/to/later"
    sent = tell(chief, by="outlines")
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{address}/work")
    while chief.get(f"{address}/progress").json() != {"stage": "running", "share": 0.25}:
        pass
    assert 'value="0.25"' in chief.get(f"{address}/work", lang="en").text
    refused = tell(chief, CROSSWALK, by="crosswalk")
    assert (refused.status_code, "is being worked out already" in refused.text) == (409, True)
    assert reader(site).get(f"{address}/progress").json() == {"stage": "done", "share": 1}
    going.set()
    while chief.get(f"{address}/progress").json()["stage"] != "done":
        pass
    assert "2 pairs are kept." in chief.get(f"{address}/work", lang="en").text
    assert "Told by: outlines." in chief.get(address, lang="en").text
    # what is wrong is told on the same page
    assert tell(chief, CROSSWALK + "00009,,00002,toàn bộ,\n", by="crosswalk").status_code == 303
    while chief.get(f"{address}/progress").json()["stage"] != "done":
        pass
    assert "The old set has no unit of the code 00009." in chief.get(f"{address}/work", lang="en").text
    assert chief.get("/boundary-sets/later/to/squares/work").headers["Location"] == "/boundary-sets"
