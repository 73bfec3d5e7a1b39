"""Communes of an extract that fit several units, or none: told with their people, asked about, never guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from mapper.domain.roles import Role
from mapper.services import boundaries, intake, national_register, set_periods
from mapper.services.accounts import OPERATOR, User
from mapper.store import audit
from mapper.store import national_register as kept
from tests.client.site import SET_ID, House, Site
from tests.web.test_national_register import compared, rows
from tests.web.test_pages import PASSWORD, Reader, reader

UNITS = (("00011", "Xã Một", "Huyện Trên", 105.0), ("00012", "Xã Một", "Huyện Dưới", 105.1))
HEADER = "Họ và tên;Ngày sinh;Xã"
PEOPLE = (
    "An;21/01/1990;Xã Một",
    "Bình;22/01/1990;Xã Một",
    "Chi;23/01/1990;Xã Mười",
    "Du;24/01/1990;Xã Một, Huyện Dưới",
)


@pytest.fixture
def number(site: Site, tmp_path: Path) -> int:
    """Four people of a register, in a set that has two communes of one name."""
    features = []
    for place, (code, name, district, west) in enumerate(UNITS):
        east = round(west + 0.1, 1)
        ring = [[west, 22.0], [east, 22.0], [east, 22.1], [west, 22.1], [west, 22.0]]
        told = {"commune_code": code, "commune_name": name, "province_code": "01", "province_name": "Tỉnh"}
        told |= {"district_code": f"00{place + 1}", "district_name": district}
        features.append({"type": "Feature", "properties": told, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    file = tmp_path / "twins.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    set_periods.change(site.reference, OPERATOR, SET_ID, date(2020, 1, 1), date(2025, 6, 30))
    boundaries.import_file(site.reference, file, boundaries.SetFacts("twins", "Hai xã một tên", date(2025, 7, 1)))
    intake.receive(site.reference, House("uuid:1").xml, {}, sender_id=site.user("canvasser", "00001").id)
    data = "\n".join((HEADER, *PEOPLE)).encode()
    user = User(site.user("administrator", name="chief").id, "chief", Role.ADMINISTRATOR, (), 0)
    made = national_register.upload(site.reference, user, "mini", "twins", "trích.csv", data, date(2026, 1, 1))
    said = {"name": 0, "born": 1, "commune": 2}
    assert not national_register.take(site.reference, user, made, said, {}, date(2026, 1, 1)).asked
    return made


@pytest.fixture
def who(site: Site) -> Iterator[Reader]:
    yield Reader(site, site.user("administrator", name="whole", password=PASSWORD).name)


def units(site: Site, number: int) -> list[str | None]:
    with site.reference.database.read() as connection:
        return [one.unit_code for one in kept.rows(connection, number)]


def asked(page: str) -> list[tuple[str, str, list[str]]]:
    """Of each commune that is asked about its name, its people, and the codes that are offered."""
    if 'id="communes"' not in page:
        return []
    part = page.split('id="communes"')[1].split("</section>")[0]
    return [
        (name, people, re.findall(r'<option value="(\d+)"', row))
        for row in part.split("<tr>")[2:]
        for name, people in re.findall(r'<th scope="row">([^<]*)</th>\s*<td class="number"[^>]*>(\d+)<', row)
    ]


def test_a_name_of_two_communes_is_asked_about_with_its_people(site: Site, who: Reader, number: int) -> None:
    assert units(site, number) == [None, None, None, "00012"]
    page = compared(who, number, lang="en")
    (twin, two, both), (unknown, one, _) = asked(page)
    assert (twin, two, both) == ("Xã Một", "2", ["00011", "00012"])
    assert (unknown, one) == ("Xã Mười", "1")
    assert "may be one of 2 places" in page
    # nobody is put anywhere by asking for nothing, or for what is no commune, or for a name of two
    for unit in ("", "99999", "Xã Một"):
        reply = who.post(f"/national-register/{number}/commune", page, name="Xã Một", code="", unit=unit)
        assert reply.status_code == 303 and units(site, number) == [None, None, None, "00012"]
        assert 'role="alert"' in who.get(f"/national-register/{number}", lang="en").text
    who.post(f"/national-register/{number}/commune", page, name="Xã Một", code="", unit="00011")
    assert units(site, number) == ["00011", "00011", None, "00012"]
    page = compared(who, number, lang="en")
    assert [name for name, _, _ in asked(page)] == ["Xã Mười"]
    table = page.split("<h2>Why the totals differ")[1]
    first, second, nowhere, total = (row[1] for row in rows(table))
    assert ({first, second}, nowhere, total) == ({"1", "2"}, "1", "4")
    # typed where none of those offered is meant; a second time it is known already
    for trouble in (False, True):
        who.post(f"/national-register/{number}/commune", page, name="Xã Mười", code="", other="00012")
        shown = who.get(f"/national-register/{number}", lang="en").text
        assert ("Xã này đã được xác định rồi" in shown) is trouble
    assert units(site, number) == ["00011", "00011", "00012", "00012"]
    assert asked(compared(who, number)) == []
    with site.reference.database.read() as connection:
        told = [json.dumps(one.facts) for one in audit.stream(connection) if one.action == "register.placed"]
    assert len(told) == 2


def test_who_sees_a_part_of_the_file_is_not_asked(site: Site, number: int) -> None:
    some = reader(site, "00001", role="supervisor")
    page = compared(some, number)
    assert asked(page) == [] and "Xã Mười" not in page
    reply = some.post(f"/national-register/{number}/commune", page, name="Xã Một", code="", unit="00011")
    assert reply.status_code == 404 and units(site, number)[0] is None
