"""Erasing on its page: seen first, done once, told without names; nobody else opens it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mapper.services import audit, intake
from tests.client.site import House, Site
from tests.web.test_forms_page import manager
from tests.web.test_pages import PASSWORD, reader


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def test_an_administrator_sees_what_goes_and_erases_a_household(site: Site) -> None:
    house = House("uuid:gone", people=[("Nông Xuân Quỳnh", "1980-03-04", "")])
    assert intake.receive(site.reference, house.xml, {}).new
    someone = manager(site)
    assert "/erasure/uuid:gone" in someone.get("/submission/uuid:gone").text
    page = someone.get("/erasure/uuid:gone").text
    assert "Nông Xuân Quỳnh" in page
    campaign = re.search(r'name="campaign" value="([^"]+)"', page)
    assert campaign
    wish = {"campaign": campaign[1], "household": "uuid:gone", "person": "", "reason": "request"}
    looked = someone.post("/erasure/uuid:gone", page, step="look", **wish)
    assert "Sẽ xóa: Nông Xuân Quỳnh" in looked.text
    assert someone.get("/submission/uuid:gone").status_code == 200
    for wrong in ({}, {"present": "another one"}):
        refused = someone.post("/erasure/uuid:gone", looked.text, step="erase", **wish, **wrong)
        assert refused.status_code == 400 and "Mật khẩu hiện tại" in refused.text
    assert someone.get("/submission/uuid:gone").status_code == 200
    done = someone.post("/erasure/uuid:gone", looked.text, step="erase", present=PASSWORD, **wish)
    assert done.status_code == 303
    told = someone.get(done.headers["Location"].removeprefix(site.url)).text
    assert "Đã xóa. Số lần xóa: 1" in told
    assert someone.get("/submission/uuid:gone").status_code == 404
    entries = audit.entries(site.reference, 9)
    assert next(one.action for one in entries if one.action.startswith("erased.")) == "erased.household"
    assert not any(
        "Quỳnh" in repr(one) or "uuid:gone" in repr(one) for one in entries if one.action.startswith("erased.")
    )
    receipt = intake.receive(site.reference, house.xml, {})
    assert (receipt.counted, receipt.new) == (True, False)
    assert someone.get("/submission/uuid:gone").status_code == 404


def test_nobody_else_opens_the_page(site: Site) -> None:
    for someone in (reader(site), reader(site, "001", role="administrator")):
        for path in ("/erasure", "/erasure/uuid:gone"):
            assert someone.get(path).status_code == 403
            page = someone.get("/map").text
            assert someone.post("/erasure/uuid:gone", page, step="erase").status_code == 403
    assert site.get("/erasure").status_code == 302
