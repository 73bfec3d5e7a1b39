"""What does not count yet, canvasser by canvasser, and what a supervisor is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest

from mapper.services import intake
from mapper.services.accounts import NewUser
from tests.client.site import House, Site
from tests.web.test_pages import reader

HOME = str(UUID(int=12, version=4))
UPDATE = f'<entity dataset="households" id="{HOME}" update="1" baseVersion="1" trunkVersion="" branchId="a"/></meta>'


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def send(site: Site, sender: NewUser, house: House, entity: str = "</meta>") -> None:
    intake.receive(site.reference, house.xml.replace(b"</meta>", entity.encode()), {}, sender_id=sender.id)


def waiting(site: Site) -> tuple[NewUser, NewUser]:
    """Of one canvasser an edit and an update that wait, of another a submission that nobody can read."""
    one, other = site.user("canvasser", "00001", name="Lan"), site.user("canvasser", "00001", name="Minh")
    send(site, one, House("uuid:edit", deprecated_id="uuid:on-its-way"))
    send(site, one, House("uuid:update"), UPDATE)
    send(site, other, House("uuid:unread", version="1999"))
    return one, other


def cards(page: str) -> list[str]:
    return re.findall(r'<li class="card">(.*?)</li>', page, re.DOTALL)


def test_each_that_waits_says_for_what_and_who_sent_it(site: Site) -> None:
    waiting(site)
    found = cards(reader(site).get("/submissions").text)
    assert len(found) == 3
    edit, update = (next(card for card in found if name in card) for name in ("uuid:edit", "uuid:update"))
    assert "Bản sửa này đến trước bản gốc và đang chờ bản gốc." in edit
    assert "Hộ mà bản cập nhật này thay đổi được lập trên điện thoại" in update
    assert "bản gốc" not in update
    assert all("Lan gửi" in card for card in (edit, update))


@pytest.mark.parametrize("instance", ["uuid:edit", "uuid:update"])
def test_processing_what_waits_again_tells_what_either_kind_waits_for(site: Site, instance: str) -> None:
    waiting(site)
    someone = reader(site)
    done = someone.post(f"/submissions/{instance}/process", someone.get("/submissions").text)
    assert done.headers["Location"] == "/submissions?again=held"
    page = someone.get("/submissions", again="held").text
    assert "phiếu sửa thì chờ phiếu mà nó sửa, phiếu cập nhật thì chờ hộ" in page


def test_what_waits_is_listed_for_one_canvasser_alone(site: Site) -> None:
    one, other = waiting(site)
    someone = reader(site)
    page = someone.get("/submissions", sender=str(one.id)).text
    assert "Chỉ các phiếu do Lan gửi." in page
    assert [("uuid:edit" in card, "uuid:update" in card) for card in cards(page)] == [(False, True), (True, False)]
    page = someone.get("/submissions", sender=str(other.id)).text
    assert ["uuid:unread" in card for card in cards(page)] == [True]
    assert len(cards(someone.get("/submissions").text)) == 3


@pytest.mark.parametrize("sender", ["0", "x", "999999", "1 OR 1=1"])
def test_a_sender_of_whom_nothing_waits_has_an_empty_list(site: Site, sender: str) -> None:
    waiting(site)
    page = reader(site).get("/submissions", sender=sender)
    assert page.status_code == 200
    assert cards(page.text) == []
    assert "Người này không có phiếu nào đang chờ ở đây." in page.text


def test_of_another_commune_s_canvasser_nothing_is_listed(site: Site) -> None:
    one, _ = waiting(site)
    page = reader(site, "00002", role="commune_supervisor").get("/submissions", sender=str(one.id)).text
    assert cards(page) == []
    assert "Lan" not in page


def test_fieldwork_leads_from_each_canvasser_to_what_waits_of_theirs(site: Site) -> None:
    one, other = waiting(site)
    site.user("canvasser", "00001", name="Hoa")
    page = reader(site, "00001", role="commune_supervisor").get("/fieldwork", commune="00001").text
    links = re.findall(r'href="/submissions\?sender=(\d+)#waiting">(\d+) phiếu chờ hoặc bị đánh dấu', page)
    assert sorted(links) == sorted([(str(one.id), "2"), (str(other.id), "1")])


def test_an_update_from_outside_the_sender_s_area_is_told_of_on_the_pages(site: Site) -> None:
    minh = site.user("canvasser", "00002", name="Minh")
    send(site, site.user("canvasser", "00001"), House("uuid:1"), UPDATE.replace("update", "create", 1))
    someone = reader(site)
    assert "địa bàn hiện nay" not in someone.get("/submissions").text
    send(site, minh, House("uuid:2"), UPDATE)
    told = "Minh gửi bản cập nhật này, nhưng nhà không nằm trong địa bàn hiện nay của Minh."
    assert told in someone.get("/submissions").text
    assert told in someone.get("/submission/uuid:2").text
    assert told not in someone.get("/submission/uuid:1").text
    assert site.state("uuid:2") == "processed"
