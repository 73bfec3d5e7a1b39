"""The page of contradictions: who sees it, what stands on it, and what a decision changes."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
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


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def test_without_a_contradiction_the_page_says_so(site: Site) -> None:
    assert "Không có bản cập nhật nào mâu thuẫn trong địa bàn của bạn." in reader(site).get("/conflicts").text


def test_both_sides_stand_beside_each_other_property_by_property(site: Site) -> None:
    contradict(site)
    page = reader(site).get("/conflicts").text
    assert "Hoàng Văn Páo" in page
    assert "Hoàng Văn Pó" in page
    assert "Lượt thăm ngày 20/8/2022" in page
    assert "Lượt thăm ngày 21/8/2022" in page
    assert page.count("khác nhau</span>") == 1  # the head alone: the second tells nothing of the person
    assert 'class="tag tag-flagged"' in page
    assert "Nông Thị Mỷ: Ngày sinh" in page


def test_the_list_of_findings_leads_to_the_page(site: Site) -> None:
    assert "/conflicts" not in reader(site).get("/submissions").text
    contradict(site)
    assert 'href="/conflicts"' in reader(site).get("/submissions").text
    assert 'href="/conflicts"' not in reader(site, role="planner").get("/submissions").text


@pytest.mark.parametrize(
    ("instance", "choice", "name"),
    [
        ("uuid:3", "stands", "Hoàng Văn Pó"),
        ("uuid:3", "set_aside", "Hoàng Văn Páo"),
        ("uuid:2", "set_aside", "Hoàng Văn Pó"),
    ],
)
def test_a_decision_counts_at_once_is_in_the_trail_and_outlives_a_rebuild(
    site: Site, instance: str, choice: str, name: str
) -> None:
    contradict(site)
    supervisor = reader(site)
    page = supervisor.get("/conflicts").text
    reply = supervisor.post(f"/conflicts/{instance}", page, choice=choice)
    assert (reply.status_code, reply.headers["Location"]) == (302, "/conflicts")
    after = supervisor.get("/conflicts").text
    assert "Đã quyết định. Hộ này đã được tính lại." in after
    assert "Không có bản cập nhật nào mâu thuẫn" in after
    assert head(site) == name
    (entry,) = audit.entries(site.reference, 10, action="conflict.decided")
    assert (entry.subject, dict(entry.facts)) == (instance, {"choice": choice, "household": HOME})
    before = site.rows("households", "people", "doses", "findings", "decisions")
    rebuilding.rebuild(site.reference)
    assert site.rows("households", "people", "doses", "findings", "decisions") == before
    assert head(site) == name


def test_a_decision_can_be_taken_back(site: Site) -> None:
    contradict(site)
    supervisor = reader(site)
    page = supervisor.get("/conflicts").text
    supervisor.post("/conflicts/uuid:3", page, choice="set_aside")
    assert head(site) == "Hoàng Văn Páo"
    supervisor.post("/conflicts/uuid:3", page, choice="stands")
    assert head(site) == "Hoàng Văn Pó"


@pytest.mark.parametrize(
    ("instance", "choice", "status", "said"),
    [
        ("uuid:1", "set_aside", 404, "không mâu thuẫn với phiếu nào"),
        ("uuid:9", "stands", 404, "không mâu thuẫn với phiếu nào"),
        ("uuid:3", "both", 400, "Chỉ chọn được stands hoặc set_aside"),
        ("uuid:3", "", 400, "Chỉ chọn được stands hoặc set_aside"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_changes_nothing(
    site: Site, instance: str, choice: str, status: int, said: str
) -> None:
    contradict(site)
    supervisor = reader(site)
    page = supervisor.get("/conflicts").text
    before = site.rows()
    reply = supervisor.post(f"/conflicts/{instance}", page, choice=choice)
    assert reply.status_code == status
    assert said in reply.text
    assert site.rows() == before


def test_another_commune_sees_and_decides_nothing(site: Site) -> None:
    contradict(site)
    own, other = reader(site, "00001", role="commune_supervisor"), reader(site, "00002", role="commune_supervisor")
    assert "Hoàng Văn Pó" in own.get("/conflicts").text
    page = other.get("/conflicts").text
    assert "Không có bản cập nhật nào mâu thuẫn" in page
    before = site.rows("decisions", "households")
    assert other.post("/conflicts/uuid:3", page, choice="set_aside").status_code == 404
    assert site.rows("decisions", "households") == before


def test_only_those_who_look_after_others_open_the_page(site: Site) -> None:
    assert site.get("/conflicts").headers["Location"].startswith("/sign-in")
    planner = reader(site, role="planner")
    assert planner.get("/conflicts").status_code == 403
    page = planner.get("/submissions").text
    assert planner.post("/conflicts/uuid:3", page, choice="stands").status_code == 403


def test_a_decision_without_the_page_of_this_server_is_refused(site: Site) -> None:
    contradict(site)
    supervisor: Reader = reader(site)
    reply = supervisor.session.post(
        f"{site.url}/conflicts/uuid:3", data={"choice": "set_aside"}, timeout=60, allow_redirects=False
    )
    assert reply.status_code == 400
    assert head(site) == "Hoàng Văn Pó"


def test_both_databases_take_a_decision(standing_site: Site) -> None:
    contradict(standing_site)
    supervisor = reader(standing_site)
    supervisor.post("/conflicts/uuid:3", supervisor.get("/conflicts").text, choice="set_aside")
    assert head(standing_site) == "Hoàng Văn Páo"
