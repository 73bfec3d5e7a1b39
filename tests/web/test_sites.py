"""The page of sites: entered by who oversees the land, refused with the field and the cure, seen by all readers."""

from __future__ import annotations

import re
from typing import Any

import requests

from tests.client.site import Site
from tests.web.test_pages import Reader, reader

HALL = {"name": "Nhà văn hóa thôn Một", "kind": "mobile", "lat": "22,05", "lon": "105,05", "capacity": "120"}
LIST = "code,name,kind,lat,lon\nTYT,Trạm y tế,fixed,22.05,105.05\nXA,Trạm xa,fixed,22.05,105.15\n"


def send(who: Reader, path: str, **typed: Any) -> requests.Response:
    return who.post(path, who.get("/sites", lang="en").text, **typed)


def upload(who: Reader, name: str, content: str) -> requests.Response:
    key = re.search(r'name="csrf_token" value="([^"]+)"', who.get("/sites").text)
    assert key
    return who.session.post(
        f"{who.site.url}/sites/import",
        data={"csrf_token": key[1]},
        files={"file": (name, content.encode())},
        allow_redirects=False,
        timeout=60,
    )


def test_a_site_is_entered_changed_and_taken_out(sqlite_site: Site) -> None:
    who = reader(sqlite_site, "001", role="supervisor")
    assert "No site was entered yet." in who.get("/sites", lang="en").text
    assert send(who, "/sites", **HALL).status_code == 303
    page = who.get("/sites", lang="en").text
    assert "Đã nhập điểm tiêm Nhà văn hóa thôn Một." in page
    assert "22.05000, 105.05000" in page and ">120<" in page
    (code,) = re.findall(r'name="code" value="(S-[0-9a-f]{8})"', page)
    assert send(who, "/sites", **HALL | {"code": code, "cold_chain": "yes", "capacity": ""}).status_code == 303
    page = who.get("/sites", lang="en").text
    assert page.count('<th scope="row">') == 1 and ">120<" not in page
    assert send(who, "/sites/remove", code=code).status_code == 303
    assert "The site is taken out." in who.get("/sites", lang="en").text
    assert send(who, "/sites/remove", code=code).status_code == 400


def test_what_cannot_be_entered_is_told_with_the_field_and_what_was_typed_stays(sqlite_site: Site) -> None:
    who = reader(sqlite_site, "001", role="supervisor")
    refused = send(who, "/sites?lang=en", **HALL | {"lat": "north"})
    assert refused.status_code == 400
    assert "lat cannot be north. Write it like 22.2851." in refused.text
    assert 'value="Nhà văn hóa thôn Một"' in refused.text
    assert upload(who, "sites.csv", "").status_code == 400
    assert upload(who, "sites.csv", LIST + "B,,mobile,22,105\n").status_code == 400
    assert "<tbody>" not in who.get("/sites").text


def test_a_file_is_taken_whole_and_only_of_the_own_area(sqlite_site: Site) -> None:
    district = reader(sqlite_site, "001", role="supervisor")
    assert upload(district, "sites.csv", LIST).status_code == 303
    assert "2 điểm tiêm mới, 0 thay đổi, 0 như trước." in district.get("/sites").text
    commune = reader(sqlite_site, "00001", role="commune_supervisor")
    page = commune.get("/sites", lang="en").text
    assert page.count('<th scope="row">') == 2
    assert page.count('action="/sites/remove"') == 1, "the other lies in another commune"
    assert send(commune, "/sites/remove", code="XA").status_code == 400
    assert upload(commune, "sites.csv", LIST.replace("Trạm xa", "Của ai")).status_code == 400
    canvasser = sqlite_site.user("canvasser", "001").token
    assert sqlite_site.get("/sites", canvasser).status_code == 403
