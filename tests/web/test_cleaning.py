"""The page of the cleaning station: who sees it, what it offers, and what a press of a button changes."""

from __future__ import annotations

import re

from sqlalchemy import select

from mapper.services import intake
from mapper.services.looking_through import look_through
from mapper.store import tables
from tests.client.site import House, Site
from tests.web.test_pages import reader


def people(site: Site) -> list[str | None]:
    with site.reference.database.read() as connection:
        return list(connection.scalars(select(tables.people.c.name).order_by(tables.people.c.name)))


def test_somebody_entered_twice_is_joined_by_a_button_and_parted_by_another(site: Site) -> None:
    for instance in ("uuid:1", "uuid:2"):
        house = House(instance, people=(("Nông Thị Mỷ", "1980-05-04", "2021-08-10"),), head=f"Chủ {instance[-1]}")
        assert intake.receive(site.reference, house.xml, {}, sender_id=site.user("canvasser", "00001").id).counted
    look_through(site.reference, "mini")
    supervisor = reader(site)
    page = supervisor.get("/cleaning", rule="same_person").text
    assert "Có thể là một người bị ghi hai lần" in page
    assert page.count("<b>Nông Thị Mỷ</b>") == 2
    assert reader(site, role="planner").get("/cleaning").status_code == 403

    def press(shown: str, **fields: str) -> str:
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown)
        address = re.search(r'action="(/cleaning/[^"]+)"', shown)
        assert token and address
        answer = supervisor.session.post(
            site.url + address[1], data={"csrf_token": token[1]} | fields, timeout=60, allow_redirects=True
        )
        assert answer.ok, answer.text
        return answer.text

    after = press(page, choice="join", kept="one")
    assert "Đã quyết định." in after
    assert people(site) == ["Nông Thị Mỷ"]
    decided = supervisor.get("/cleaning", state="decided").text
    assert "hai mục của một người đã gộp làm một" in decided
    assert "Đã rút lại." in press(decided, take_back="1")
    assert people(site) == ["Nông Thị Mỷ"] * 2


def test_an_entry_is_parted_on_the_page_and_what_cannot_be_is_refused(site: Site) -> None:
    house = House("uuid:1", people=(("Nông Thị Mỷ", "2021-05-04", "2021-08-10"),))
    assert intake.receive(site.reference, house.xml, {}, sender_id=site.user("canvasser", "00001").id).counted
    look_through(site.reference, "mini")
    supervisor = reader(site)
    page = supervisor.get("/cleaning").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    address = re.search(r'action="(/cleaning/[^"]+)"', page)
    box = re.search(r'name="dose" value="([^"]+)"', page)
    assert token and address and box
    assert "Findings before" not in page and "Các phát hiện tiếp theo" not in page
    told = {"csrf_token": token[1], "choice": "part", "name": "Nông Thị Mỵ"}

    def press(dose: str) -> int:
        return supervisor.session.post(site.url + address[1], data=told | {"dose": dose}, timeout=60).status_code

    assert press("1|2001-01-01 pfizer") == 409
    assert people(site) == ["Nông Thị Mỷ"]
    assert press(box[1]) == 200
    assert people(site) == ["Nông Thị Mỵ", "Nông Thị Mỷ"]


def test_a_name_is_corrected_on_the_page_where_the_old_one_is_still_what_was_seen(site: Site) -> None:
    house = House("uuid:1", people=(("Nông Thị Mỷ", "2021-05-04", "2021-08-10"),))
    assert intake.receive(site.reference, house.xml, {}, sender_id=site.user("canvasser", "00001").id).counted
    look_through(site.reference, "mini")
    supervisor = reader(site)
    page = supervisor.get("/cleaning").text
    assert "Sửa thông tin khác" in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    address = re.search(r'action="(/cleaning/[^"]+)"', page)
    person = re.search(r'name="person" value="([^"]+)"', page)
    assert token and address and person
    told = {"csrf_token": token[1], "choice": "correct", "person": person[1], "what": "name", "code": ""}

    def press(before: str) -> int:
        data = told | {"before": before, "after": "Nông Thị Mỵ"}
        return supervisor.session.post(site.url + address[1], data=data, timeout=60).status_code

    assert press("Nông Thị Mẩy") == 409
    assert people(site) == ["Nông Thị Mỷ"]
    assert press("Nông Thị Mỷ") == 200
    assert people(site) == ["Nông Thị Mỵ"]
    assert supervisor.get("/cleaning", area="commune:no-such").status_code == 404


def test_a_household_is_divided_on_the_page_and_what_cannot_be_is_refused(site: Site) -> None:
    family = (("Nông Thị Mỷ", "1980-05-04", "2021-08-10"), ("Lý Văn Đức", "2012-06-01", ""))
    for instance in ("uuid:1", "uuid:2"):
        house = House(instance, people=family if instance == "uuid:1" else (), head=f"Chủ {instance[-1]}")
        assert intake.receive(site.reference, house.xml, {}, sender_id=site.user("canvasser", "00001").id).counted
    look_through(site.reference, "mini")
    supervisor = reader(site)
    page = supervisor.get("/cleaning", rule="point_shared").text
    assert page.count("thực ra là hai hộ") == 1, "the house of nobody cannot be two"
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    address = re.search(r'action="(/cleaning/[^"]+)"', page)
    form = page[page.index("thực ra là hai hộ") :].split("</form>")[0]
    goes = re.findall(r'name="goes" value="([^"]+)"', form)
    assert token and address and len(goes) == 2
    other = {"of_other": "1"} if 'name="of_other"' in form else {}

    def press(**fields: object) -> int:
        data = {"csrf_token": token[1], "choice": "divide", **other, **fields}  # type: ignore[index]
        return supervisor.session.post(site.url + address[1], data=data, timeout=60).status_code  # type: ignore[index]

    def heads() -> set[str | None]:
        with site.reference.database.read() as connection:
            return set(connection.scalars(select(tables.households.c.head)))

    assert [press(goes=goes[:1]), press(goes=goes, head="Lý Văn Tờ"), press(goes="x", head="Lý Văn Tờ")] == [
        400,
        400,
        409,
    ]
    assert heads() == {"Chủ 1", "Chủ 2"}
    assert press(goes=goes[1:], head="Lý Văn Tờ") == 200
    assert heads() == {"Chủ 1", "Chủ 2", "Lý Văn Tờ"}
    decided = supervisor.get("/cleaning", state="decided").text
    assert "đã tách thành hai hộ – số người sang hộ thứ hai: 1" in decided
    assert supervisor.session.post(
        site.url + address[1], data={"csrf_token": token[1], "take_back": "1"}, timeout=60
    ).ok
    assert heads() == {"Chủ 1", "Chủ 2"}
