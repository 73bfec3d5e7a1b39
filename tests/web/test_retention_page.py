"""How long a campaign is kept, on its page: seen with its numbers, asked twice, done beside other work, and told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mapper.services import audit, intake, retention
from mapper.services.retention import Part
from tests.client.site import House, Site
from tests.web.test_forms_page import manager
from tests.web.test_pages import PASSWORD, Reader, reader
from tests.web.test_serving import until


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def shown(someone: Reader) -> str:
    return re.sub(r"\s+", " ", someone.get("/retention/mini").text)


def test_an_administrator_sets_a_time_sees_what_goes_and_has_it_go(site: Site) -> None:
    house = House("uuid:gone", people=[("Nông Xuân Quỳnh", "1980-03-04", ""), ("Đàm Thị Hạ", "1981-03-04", "")])
    assert intake.receive(site.reference, house.xml, {}).new
    someone = manager(site)
    assert "giữ mãi" in someone.get("/retention").text
    page = shown(someone)
    assert "Xóa ngay" not in page
    told = {"end": "2022-12-31", "photos": "90", "people": "730"}
    assert someone.post("/retention/mini", page, **{**told, "people": "two"}).status_code == 400
    assert someone.post("/retention/mini", page, **{**told, "end": ""}).status_code == 400
    assert someone.post("/retention/mini", page, **told).status_code == 303
    page = shown(someone)
    assert "đến hạn xóa" in page and "chưa báo trước" in page
    retention.see_to(site.reference, intake.today())
    page = shown(someone)
    assert page.count("tự xóa ngày") == 2 and "chưa báo trước" not in page
    looked = someone.post("/retention/mini/erase", page, part="people", step="look").text
    assert re.search(r"người[^<]*</th><td class=\"number\">2<", looked), "how many people go"
    wrong = someone.post("/retention/mini/erase", looked, part="people", step="erase", present="another one")
    assert wrong.status_code == 400
    assert someone.get("/submission/uuid:gone").status_code == 200
    done = someone.post("/retention/mini/erase", looked, part="people", step="erase", present=PASSWORD)
    assert done.status_code == 303
    until(lambda: someone.get("/retention/mini/progress").json()["stage"] == "done")
    assert someone.get("/submission/uuid:gone").status_code == 404
    assert "đã xóa" in shown(someone)
    actions = [one.action for one in audit.entries(site.reference, 20)]
    assert [one for one in reversed(actions) if one.startswith("retention.")] == [
        "retention.set",
        *["retention.announced"] * 2,
        "retention.begun_people",
        "retention.people",
    ]
    trail = someone.get("/audit").text
    assert "bắt đầu rút gọn người của một chiến dịch thành con số" in trail
    assert "Quỳnh" not in trail


def test_what_another_process_takes_out_shows_too(site: Site) -> None:
    someone = manager(site)
    someone.post("/retention/mini", shown(someone), end="2022-12-31", photos="0")
    retention.begin(site.reference, None, "mini", Part.PHOTOS, datetime.now(UTC).date())
    assert someone.get("/retention/mini/progress").json()["stage"] == "running"
    assert 'id="at-work"' in shown(someone)
    assert someone.post("/retention/mini", shown(someone), end="2022-12-31", photos="9").status_code == 409


def test_nobody_else_opens_the_page(site: Site) -> None:
    for someone in (reader(site), reader(site, "001", role="administrator")):
        for path in ("/retention", "/retention/mini", "/retention/mini/progress"):
            assert someone.get(path).status_code == 403
        page = someone.get("/map").text
        assert someone.post("/retention/mini", page, end="2022-12-31", photos="0").status_code == 403
        assert someone.post("/retention/mini/erase", page, part="photos", step="erase").status_code == 403
    assert site.get("/retention").status_code == 302
