"""Slips on paper and on pages: who makes them, what a print's code holds, and what is said of each kind of forgery."""

from __future__ import annotations

import io
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pypdfium2
import pytest
import requests
import zxingcpp
from PIL import Image, ImageFilter
from sqlalchemy import select

from mapper.services import slip_batches, slips
from mapper.services.intake import today
from mapper.store import tables
from tests.client.site import House, Site
from tests.web.test_forms_page import manager
from tests.web.test_pages import Reader, reader

PEOPLE = (("Nông Thị Mỷ", "1980-05-04", "2021-08-10"), ("Nông Văn Páo", "1990-02-03", ""))
CHOSEN = {"paper": "a4", "name": "full", "birth": "date", "months": "12"}


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    sqlite_site.phone().send(House("uuid:1", people=PEOPLE).form())
    yield sqlite_site


def household(site: Site) -> str:
    with site.reference.database.read() as connection:
        return str(connection.scalar(select(tables.households.c.id)))


def print_slips(chief: Reader, **other: str) -> requests.Response:
    """Slips for everybody of the house, as its page asks for them."""
    page = chief.get("/slips/house", campaign="mini", house=household(chief.site)).text
    people = re.findall(r'name="person" value="([^"]+)"', page)
    fields = {"campaign": "mini", "house": household(chief.site), "person": people, **CHOSEN, **other}
    return chief.post("/slips/house", page, **fields)  # type: ignore[arg-type]


def codes(pdf: bytes) -> list[str]:
    """What the codes of all pages hold, as a scanner of 200 dots to the inch sees them."""
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        picture = page.render(scale=200 / 72).to_pil()
        found += [one.text for one in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)]
    document.close()
    return found


def verdict(site: Site, text: str) -> str:
    """What the page says of a text, to somebody who is not signed in."""
    anybody = requests.Session()
    page = anybody.get(f"{site.url}/slips/check?lang=en", timeout=60).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {"csrf_token": token[1], "text": text}
    reply = anybody.post(f"{site.url}/slips/check?lang=en", data=data, timeout=60)
    assert reply.status_code == 200, reply.text
    shown = re.search(r'<section class="slip.*?</section>', reply.text, re.DOTALL)
    assert shown
    return " ".join(re.sub(r"<[^>]+>", " ", shown[0]).split())


@pytest.mark.parametrize(("paper", "pages"), [("card", 1), ("a4", 1), ("eight", 1), ("a6", 2)])
def test_the_print_s_codes_lead_to_what_the_census_knows(site: Site, paper: str, pages: int) -> None:
    reply = print_slips(reader(site), paper=paper)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/pdf")
    assert reply.headers["Cache-Control"] == "private, no-store"
    document = pypdfium2.PdfDocument(reply.content)
    words = " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
    assert len(document) == pages
    document.close()
    for told in (
        "Nông Thị Mỷ",
        "04/05/1980",
        "10/08/2021",
        "không phải giấy chứng nhận",
        "not an official vaccination",
    ):
        assert told in words, told
    found = codes(reply.content)
    assert len(found) == 2
    told = " ".join(verdict(site, each) for each in found)
    assert told.count("genuine") == 2
    for each in ("Nông Thị Mỷ", "Nông Văn Páo", "10/08/2021", "The census knows of no dose"):
        assert each in told
    # Nothing of the person stands where a server, or its log, would be told of it.
    assert {urlsplit(each)[2:4] for each in found} == {("/slips/check", "")}


def test_each_kind_of_forgery_has_its_sentence(site: Site) -> None:
    chief = reader(site)
    text = codes(print_slips(chief).content)[0]
    assert verdict(site, text).startswith("This slip is genuine")
    # The last letter holds bits that count and bits that do not: neither may change.
    for changed in (text[:-1] + chr(ord(text[-1]) + 1), text[:-40] + ("A" if text[-40] != "A" else "B") + text[-39:]):
        assert verdict(site, changed).startswith("The signature does not fit")
    key = text.partition("#")[2].split(".")[1]
    assert verdict(site, text.replace(key, "0" * 8)).startswith("This slip was signed elsewhere")
    assert verdict(site, "https://tiem.example.vn/").startswith("This is no slip of the census")
    page = chief.get("/slips/house", campaign="mini", house=household(site)).text
    (number,) = {each for each in re.findall(r'name="slip" value="([^"]+)"', page) if each in verdict(site, text)}
    reply = chief.post("/slips/revoke", page, slip=number, reason="lost")
    assert reply.status_code == 302
    assert verdict(site, text).startswith("This slip was revoked. It holds no more. Since ")
    edited = House("uuid:1", people=PEOPLE).edited("uuid:2", people=(PEOPLE[0], (*PEOPLE[1][:2], "2022-08-09")))
    other = codes(print_slips(chief).content)
    site.phone().send(edited.form())
    assert sorted(verdict(site, each).split(":")[0].split(".")[0] for each in other) == [
        "Superseded",
        "This slip is genuine and still agrees with the census",
    ]


def test_a_photo_of_the_code_is_read_by_the_server_and_other_files_are_not(site: Site) -> None:
    document = pypdfium2.PdfDocument(print_slips(reader(site), paper="a6").content)
    photo = io.BytesIO()
    document[0].render(scale=150 / 72).to_pil().rotate(7, expand=True, fillcolor="grey").save(photo, "JPEG", quality=60)
    document.close()
    empty = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(empty, "PNG")
    said = [verdict_of_photo(site, each) for each in (photo.getvalue(), empty.getvalue(), b"GIF89a no picture", b"")]
    assert "This slip is genuine and still agrees with the census." in said[0]
    assert "Nông Thị Mỷ" in said[0]
    assert "No code was found in this picture." in said[1]
    assert "This file is no picture." in said[2]
    assert "This file is no picture." in said[3]


LONGEST = "Hoàng Phủ Ngọc Nguyễn Thị Phương Quỳnh Trang Thanh Hương Ánh Nguyệt"
"""Longer than any line of a slip; letters with two marks take three bytes each."""


@pytest.mark.parametrize("paper", ["card", "a4", "eight"])
def test_a_phone_s_photo_of_the_print_is_read_at_an_angle_blurred_and_small(sqlite_site: Site, paper: str) -> None:
    sqlite_site.phone().send(House("uuid:1", people=((LONGEST, "1980-05-04", "2021-08-10"),)).form())
    document = pypdfium2.PdfDocument(print_slips(reader(sqlite_site), paper=paper).content)
    assert LONGEST in " ".join(document[0].get_textpage().get_text_range().split())
    whole = document[0].render(scale=300 / 72).to_pil().convert("L")
    document.close()
    # The card alone fills the picture, as somebody holds a phone over it: 1,200 dots wide.
    wide, high = {"card": (118, 162), "a4": (105, 148.5), "eight": (105, 74.25)}[paper]
    card = whole.crop((0, 0, round(wide * 300 / 25.4), round(high * 300 / 25.4)))
    card = card.resize((1200, round(1200 * high / wide)))
    right, down = card.size
    tilted = card.transform(
        (1200, down),
        Image.Transform.QUAD,
        (-30, -50, -70, down + 40, right + 90, down + 60, right + 40, -20),
        Image.Resampling.BICUBIC,
        fillcolor=110,
    )
    photo = io.BytesIO()
    tilted.filter(ImageFilter.GaussianBlur(1.2)).point(lambda grey: 40 + grey * 0.7).save(photo, "JPEG", quality=70)
    said = verdict_of_photo(sqlite_site, photo.getvalue())
    assert "This slip is genuine and still agrees with the census." in said
    assert LONGEST in said


def verdict_of_photo(site: Site, photo: bytes) -> str:
    anybody = requests.Session()
    token = re.search(r'name="csrf_token" value="([^"]+)"', anybody.get(f"{site.url}/slips/check", timeout=60).text)
    assert token
    address, data = f"{site.url}/slips/check?lang=en", {"csrf_token": token[1]}
    reply = anybody.post(address, data=data, files={"photo": ("photo.jpg", photo, "image/jpeg")}, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.text


def test_only_readers_of_the_area_make_slips_and_only_who_sees_all_keeps_the_keys(site: Site) -> None:
    house = {"campaign": "mini", "house": household(site)}
    assert site.get("/slips/house", **house).status_code == 302
    assert site.get("/slips/house", site.user("canvasser", "001").token, **house).status_code == 403
    assert reader(site, "00002", role="commune_supervisor").get("/slips/house", **house).status_code == 404
    here = reader(site, "00001", role="commune_supervisor")
    page = here.get("/slips/house", **house)
    assert page.status_code == 200
    assert here.post("/slips/keys", page.text).status_code == 403
    assert site.rows("slips") == {"slips": set()}
    assert print_slips(here, months="7").status_code == 400
    assert print_slips(here, paper="gold").status_code == 400
    assert here.post("/slips/house", page.text, **house, **CHOSEN).status_code == 400  # nobody was chosen
    chief = manager(site)
    assert chief.post("/slips/keys", chief.get("/slips").text).status_code == 302
    assert print_slips(here).status_code == 200
    trail = chief.get("/audit", lang="en").text
    assert "slips given to people" in trail
    assert "new key for slips" in trail
    assert "Nông" not in re.sub(r"<header.*?</header>", "", trail, flags=re.DOTALL)


def test_slips_for_everybody_whom_a_filter_wants(site: Site) -> None:
    chief = reader(site)
    wanted = {"campaign": "mini", "date": date(2022, 8, 31).isoformat(), "text": "pao"}
    assert chief.get("/slips/people", stat="due", **wanted).status_code == 400, "no slips for more than were wanted"
    page = chief.get("/slips/people", lang="en", **wanted).text
    assert "1 people in 1 households" in page
    address = re.search(r'action="(/slips/people[^"]*)"', page)
    assert address
    found = codes(chief.post(address[1].replace("&amp;", "&"), page, **CHOSEN).content)
    assert len(found) == 1
    assert "Nông Văn Páo" in verdict(site, found[0])


def begin_batch(chief: Reader) -> str:
    """Ask for everybody's slips on the page of many; the address at which they are waited for."""
    wanted = {"campaign": "mini", "date": date(2022, 8, 31).isoformat()}
    page = chief.get("/slips/people", lang="en", **wanted).text
    address = re.search(r'action="(/slips/people[^"]*)"', page)
    assert address
    assert "Make slips (zip)" in page
    reply = chief.post(address[1].replace("&amp;", "&"), page, **CHOSEN | {"paper": "eight"})
    assert reply.status_code == 303, reply.text
    return reply.headers["Location"]


def file_of(address: str) -> str:
    """Where the file lies that the page of an address waits for."""
    return address.replace("/slips/batch/", "/export/files/")


def test_slips_of_many_that_are_stopped_were_never_given(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slips, "MOST_AT_ONCE", 1)
    at_work, go_on, whole = threading.Event(), threading.Event(), slip_batches.print_slips

    def held(*given: Any) -> bytes:
        at_work.set()
        assert go_on.wait(60)
        return whole(*given)

    monkeypatch.setattr(slip_batches, "print_slips", held)
    chief = reader(site)
    address = begin_batch(chief)
    assert at_work.wait(60)
    page = chief.get(address, lang="en").text
    assert "The slips are being made" in page
    assert chief.get(file_of(address)).status_code == 404
    assert chief.post(f"{address}/stop", page).status_code == 303
    go_on.set()
    for _ in range(300):
        if chief.get(f"{file_of(address)}/progress").json()["stage"] == "stopped":
            break
        time.sleep(0.1)
    assert "No slip of it was given out." in chief.get(address, lang="en").text
    assert site.rows("slips") == {"slips": set()}


def test_slips_of_many_are_made_while_a_page_waits_and_are_their_maker_s_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.phone().send(House("uuid:2", hamlet="0000102", people=(("Bế Văn Nam", "1970-01-02", ""),)).form())
    monkeypatch.setattr(slips, "MOST_AT_ONCE", 2)
    chief = reader(site)
    address = begin_batch(chief)
    for _ in range(300):
        at = chief.get(f"{file_of(address)}/progress").json()
        if at["stage"] not in ("waiting", "running"):
            break
        time.sleep(0.1)
    assert at == {"stage": "ready", "share": 1}
    assert "3 slips are ready" in chief.get(address, lang="en").text
    assert f"slips-{today().isoformat()}.zip" in chief.get("/export/files", lang="en").text
    reply = chief.get(file_of(address))
    assert (reply.headers["Content-Type"], reply.headers["Cache-Control"]) == ("application/zip", "private, no-store")
    with zipfile.ZipFile(io.BytesIO(reply.content)) as zipped:
        assert len(zipped.namelist()) == 2
        assert all(re.fullmatch(r"00[12]-[a-z0-9-]+\.pdf", name) for name in zipped.namelist())
        told = [verdict(site, each) for name in zipped.namelist() for each in codes(zipped.read(name))]
    assert [one.startswith("This slip is genuine and still agrees") for one in told] == [True] * 3
    assert sum(name in " ".join(told) for name in ("Nông Thị Mỷ", "Nông Văn Páo", "Bế Văn Nam")) == 3
    for path in (address, file_of(address), f"{file_of(address)}/progress"):
        assert reader(site, "00001", role="commune_supervisor").get(path).status_code == 404
    trail = manager(site).get("/audit", lang="en").text
    assert "slips given to people" in trail
    assert not re.search("Páo|Nam", re.sub(r"<header.*?</header>", "", trail, flags=re.DOTALL))
