"""The page of contradictions: who sees it, what stands on it, and what a decision changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
import requests
from sqlalchemy import select

from mapper.services import audit, intake, rebuilding
from mapper.store import tables
from tests.client.site import House, Site
from tests.web.test_pages import Reader, reader

HOME = str(UUID(int=12, version=4))


def sent(site: Site, house: House, entity: str) -> None:
    """A visit with what its form says of the household's entity."""
    xml = house.xml.replace(b"</meta>", f'<entity dataset="households" id="{HOME}" {entity}/></meta>'.encode())
    assert intake.receive(site.reference, xml, {}, sender_id=site.user("canvasser", "00001").id).counted


def contradict(site: Site) -> None:
    """A household, and two updates of its first version from two phones."""
    sent(site, House("uuid:1"), 'create="1"')
    people = (("Nông Thị Mỷ", "1980-05-04", "2021-08-10"),)
    first = House("uuid:2", head="Hoàng Văn Páo", today="2022-08-20", people=people)
    sent(site, first, 'update="1" baseVersion="1" trunkVersion="1" branchId="a"')
    later = House("uuid:3", head="Hoàng Văn Pó", today="2022-08-21", people=())
    sent(site, later, 'update="1" baseVersion="1" trunkVersion="1" branchId="b"')


def head(site: Site) -> str | None:
    with site.reference.database.read() as connection:
        return connection.scalar(select(tables.households.c.head))


def decide(supervisor: Reader, fields: dict[str, str], instance: str = "uuid:3") -> requests.Response:
    """Send the form of the page."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', supervisor.get("/conflicts").text)
    assert token
    data = {"csrf_token": token[1], "side": ["uuid:2", "uuid:3"]} | fields
    return supervisor.session.post(
        f"{supervisor.site.url}/conflicts/{instance}", data=data, timeout=60, allow_redirects=False
    )


def legends(page: str) -> list[str]:
    return re.findall(r"<legend>([^<]+)</legend>", page)


def choices(page: str, name: str) -> list[tuple[str, bool]]:
    """Values of the radio buttons of a name, and whether each is chosen."""
    found = re.findall(rf'<input type="radio" name="{re.escape(name)}" value="([^"]+)"( checked)?>', page)
    return [(value, bool(checked)) for value, checked in found]


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def test_without_a_contradiction_the_page_says_so(site: Site) -> None:
    assert "Không có bản cập nhật nào mâu thuẫn trong địa bàn của bạn." in reader(site).get("/conflicts").text


def test_both_sides_stand_beside_each_other_property_by_property(site: Site) -> None:
    contradict(site)
    page = reader(site).get("/conflicts").text
    for words in ("Hoàng Văn Páo", "Hoàng Văn Pó", "Lượt thăm ngày 20/08/2022", "Lượt thăm ngày 21/08/2022"):
        assert words in page
    assert legends(page) == ["Chủ hộ", "Nông Thị Mỷ: Là người của hộ này"]
    # What all tell alike is in a table apart.
    assert "Nông Thị Mỷ: Ngày sinh" in page.partition("<main")[2].split("<details")[1]


def test_what_counts_now_is_chosen_already_and_neither_can_be_chosen_too(site: Site) -> None:
    contradict(site)
    page = reader(site).get("/conflicts").text
    assert choices(page, "of:head::") == [("uuid:2", False), ("uuid:3", True), ("otherwise", False)]
    # That the person belongs there is known without the two as well, so the first of them is choice enough.
    assert choices(page, f"of:person::{HOME}/1") == [("uuid:2", False), ("uuid:3", True)]


def test_the_list_of_findings_leads_to_the_page(site: Site) -> None:
    assert "/conflicts" not in reader(site).get("/submissions").text
    contradict(site)
    assert 'href="/conflicts"' in reader(site).get("/submissions").text
    assert 'href="/conflicts"' not in reader(site, role="planner").get("/submissions").text


@pytest.mark.parametrize(
    ("fields", "name", "people"),
    [
        ({}, "Hoàng Văn Pó", 0),
        ({"of:head::": "uuid:3"}, "Hoàng Văn Pó", 0),
        ({"of:head::": "uuid:2"}, "Hoàng Văn Páo", 0),
        ({"of:head::": "otherwise"}, "Nông Thị Mỷ", 0),
        ({"of:head::": "uuid:3", f"of:person::{HOME}/1": "uuid:2"}, "Hoàng Văn Pó", 1),
        ({"of:head::": "uuid:2", f"of:person::{HOME}/1": "otherwise"}, "Hoàng Văn Páo", 1),
        ({"all_of": "uuid:2", "of:head::": "uuid:3"}, "Hoàng Văn Páo", 1),
        ({"all_of": "uuid:3"}, "Hoàng Văn Pó", 0),
        ({"nothing_of": "uuid:3"}, "Hoàng Văn Páo", 1),
        ({"nothing_of": "uuid:2"}, "Hoàng Văn Pó", 0),
    ],
)
def test_a_decision_counts_at_once_is_in_the_trail_and_outlives_a_rebuild(
    site: Site, fields: dict[str, str], name: str, people: int
) -> None:
    contradict(site)
    supervisor = reader(site)
    reply = decide(supervisor, fields)
    assert (reply.status_code, reply.headers["Location"]) == (302, "/conflicts")
    after = supervisor.get("/conflicts").text
    assert "Đã quyết định. Hộ này đã được tính lại." in after
    assert "Không có bản cập nhật nào mâu thuẫn" in after
    assert (head(site), len(site.rows("people")["people"])) == (name, people)
    (entry,) = audit.entries(site.reference, 10, action="conflict.decided")
    assert (entry.subject, entry.facts["household"]) == ("uuid:3", HOME)
    assert "Pó" not in str(entry.facts)
    before = site.rows("households", "people", "doses", "findings", "decisions")
    rebuilding.rebuild(site.reference)
    assert site.rows("households", "people", "doses", "findings", "decisions") == before


def test_the_trail_names_what_was_set_aside(site: Site) -> None:
    contradict(site)
    decide(reader(site), {"of:head::": "uuid:2", f"of:person::{HOME}/1": "otherwise"})
    (entry,) = audit.entries(site.reference, 10, action="conflict.decided")
    assert dict(entry.facts) == {"household": HOME, "uuid:3": "head, person"}


def test_a_decision_stands_in_the_second_list_with_who_and_can_be_taken_back(site: Site) -> None:
    contradict(site)
    supervisor = reader(site)
    assert "Chưa có quyết định nào" in supervisor.get("/conflicts", state="decided").text
    decide(supervisor, {"of:head::": "uuid:2"})
    page = supervisor.get("/conflicts", state="decided").text
    assert re.search(r"reader \d+ đã quyết định lúc \d\d:\d\d", page)
    assert "<del>Hoàng Văn Pó</del>" in page
    assert head(site) == "Hoàng Văn Páo"
    kept = site.rows("decisions")["decisions"]
    reply = supervisor.post("/conflicts/uuid:3", page, take_back="1")
    assert (reply.status_code, reply.headers["Location"]) == (302, "/conflicts?state=decided")
    page = supervisor.get("/conflicts", state="decided").text
    assert "Đã rút lại." in page
    assert "Chưa có quyết định nào" in page
    assert head(site) == "Hoàng Văn Pó"
    assert kept < site.rows("decisions")["decisions"]
    (entry,) = audit.entries(site.reference, 10, action="conflict.reopened")
    assert (entry.subject, dict(entry.facts)) == ("uuid:3", {"household": HOME})
    before = site.rows("households", "people", "doses", "findings", "decisions")
    rebuilding.rebuild(site.reference)
    assert site.rows("households", "people", "doses", "findings", "decisions") == before
    assert "Hoàng Văn Pó" in supervisor.get("/conflicts").text
    decide(supervisor, {"nothing_of": "uuid:3"})
    assert head(site) == "Hoàng Văn Páo"


@pytest.mark.parametrize(
    ("instance", "fields", "status", "said"),
    [
        ("uuid:1", {"nothing_of": "uuid:1"}, 404, "không mâu thuẫn với phiếu nào"),
        ("uuid:9", {}, 404, "không mâu thuẫn với phiếu nào"),
        ("uuid:3", {"nothing_of": "uuid:1"}, 400, "Hộ được lập từ phiếu uuid:1 nên phiếu này phải giữ"),
        ("uuid:3", {"all_of": "uuid:9"}, 400, "Phiếu uuid:9 không nằm trong các phiếu mâu thuẫn"),
        ("uuid:3", {"of:head::": "uuid:1"}, 400, "Không có lựa chọn như vậy về head"),
        ("uuid:3", {"of:outcome::": "uuid:2"}, 400, "Không có lựa chọn như vậy về outcome"),
        ("uuid:3", {"of:": "uuid:2"}, 400, "Không có lựa chọn như vậy về"),
        ("uuid:3", {"side": "uuid:3"}, 409, "Hãy mở lại trang mâu thuẫn rồi quyết định"),
        ("uuid:3", {"take_back": "1"}, 404, "Không có quyết định nào về phiếu uuid:3"),
        ("uuid:9", {"take_back": "1"}, 404, "không mâu thuẫn với phiếu nào"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_changes_nothing(
    site: Site, instance: str, fields: dict[str, str], status: int, said: str
) -> None:
    contradict(site)
    supervisor = reader(site)
    supervisor.get("/conflicts")
    before = site.rows()
    reply = decide(supervisor, fields, instance)
    assert reply.status_code == status
    assert said in reply.text
    assert site.rows() == before


def test_who_comes_second_is_told_that_it_was_decided_meanwhile(site: Site) -> None:
    contradict(site)
    assert decide(reader(site), {"nothing_of": "uuid:2"}).status_code == 302
    reply = decide(reader(site), {"nothing_of": "uuid:3"})
    assert reply.status_code == 409
    assert "đã có người quyết định về phiếu uuid:3" in reply.text
    assert head(site) == "Hoàng Văn Pó"


def test_another_commune_sees_and_decides_nothing(site: Site) -> None:
    contradict(site)
    own, other = reader(site, "00001", role="commune_supervisor"), reader(site, "00002", role="commune_supervisor")
    assert "Hoàng Văn Pó" in own.get("/conflicts").text
    page = other.get("/conflicts").text
    assert "Không có bản cập nhật nào mâu thuẫn" in page
    before = site.rows("decisions", "households")
    assert decide(other, {"nothing_of": "uuid:3"}).status_code == 404
    assert site.rows("decisions", "households") == before
    decide(own, {"nothing_of": "uuid:3"})
    assert "Hoàng Văn Pó" in own.get("/conflicts", state="decided").text
    assert "Hoàng Văn Pó" not in other.get("/conflicts", state="decided").text
    before = site.rows("decisions", "households")
    assert other.post("/conflicts/uuid:3", page, take_back="1").status_code == 404
    assert site.rows("decisions", "households") == before


def test_only_those_who_look_after_others_open_the_page(site: Site) -> None:
    assert site.get("/conflicts").headers["Location"].startswith("/sign-in")
    planner = reader(site, role="planner")
    assert planner.get("/conflicts").status_code == 403
    page = planner.get("/submissions").text
    assert planner.get("/conflicts", state="decided").status_code == 403
    assert planner.post("/conflicts/uuid:3", page, nothing_of="uuid:3").status_code == 403


def test_a_decision_without_the_page_of_this_server_is_refused(site: Site) -> None:
    contradict(site)
    supervisor: Reader = reader(site)
    reply = supervisor.session.post(
        f"{site.url}/conflicts/uuid:3",
        data={"side": ["uuid:2", "uuid:3"], "nothing_of": "uuid:3"},
        timeout=60,
        allow_redirects=False,
    )
    assert reply.status_code == 400
    assert head(site) == "Hoàng Văn Pó"


def test_both_databases_take_a_decision_and_that_it_is_taken_back(standing_site: Site) -> None:
    contradict(standing_site)
    supervisor = reader(standing_site)
    decide(supervisor, {"of:head::": "uuid:2"})
    assert head(standing_site) == "Hoàng Văn Páo"
    page = supervisor.get("/conflicts", state="decided").text
    assert "<del>Hoàng Văn Pó</del>" in page
    supervisor.post("/conflicts/uuid:3", page, take_back="1")
    assert head(standing_site) == "Hoàng Văn Pó"


@pytest.mark.parametrize("number", ["2", "0", "-1", "x", "999999999"])
def test_a_page_of_decisions_that_is_not_there_is_empty_or_the_first(site: Site, number: str) -> None:
    contradict(site)
    supervisor = reader(site)
    decide(supervisor, {})
    page = supervisor.get("/conflicts", state="decided", page=number)
    assert page.status_code == 200
    assert ("Hoàng Văn Pó" in page.text) == (number != "2")
