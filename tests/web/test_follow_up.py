"""The follow-up lists, their sheets and the page of fieldwork, over HTTP: who may see them, and what they say."""

from __future__ import annotations

import json
import re
import warnings

import pypdfium2
import pytest
import requests
import zxingcpp
from sqlalchemy import select

from mapper.store import tables
from mapper.web import follow_up
from tests.client.site import House, Site
from tests.web.test_pages import Reader, reader

DAY = "2022-08-20"
NOBODY_YET = (("Nông Thị Mỷ", "1980-05-04", ""),)
PAGES = (
    "/follow-up",
    "/follow-up?hamlet=0000101",
    "/follow-up/sheets.pdf?hamlet=0000101",
    "/fieldwork",
    "/fieldwork/version",
)


@pytest.fixture
def walked(site: Site) -> Site:
    """Four houses of Thôn Đông: one due, one vaccinated, one where nobody was at home; one due in Bản Nam."""
    phone = site.phone()
    phone.send(House("uuid:due", head="Nông Văn Đức", people=NOBODY_YET).form())
    phone.send(House("uuid:done", location="22.051 105.05 300 6.5").form())
    phone.send(
        House("uuid:absent", head="Lý Thị Hoa", location="22.052 105.05 300 6.5", outcome="absent", people=()).form()
    )
    phone.send(
        House("uuid:other", commune="00002", hamlet="0000201", location="22.05 105.15 300 6", people=NOBODY_YET).form()
    )
    return site


def said(page: requests.Response) -> str:
    """What a page says, without its tags."""
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def said_anyway(page: requests.Response) -> str:
    """The same of a page that tells why not."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def rows(page: requests.Response) -> list[list[str]]:
    """The cells of the page's tables, row by row."""
    return [
        [
            re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", page.text, re.S)
    ][1:]


# Who may see them


@pytest.mark.parametrize("path", PAGES)
def test_these_pages_are_for_readers_who_signed_in(sqlite_site: Site, path: str) -> None:
    reply = sqlite_site.get(path)
    assert (reply.status_code, reply.headers["Location"][:8]) == (302, "/sign-in")
    assert sqlite_site.get(path, sqlite_site.user("canvasser", "001").token).status_code == 403
    found = sqlite_site.get(path, sqlite_site.user("commune_supervisor", "00001").token)
    assert (found.status_code, found.headers["Cache-Control"]) == (200, "private, no-store")


@pytest.mark.parametrize("path", ["/follow-up", "/follow-up/sheets.pdf"])
@pytest.mark.parametrize("place", [{"commune": "00002"}, {"hamlet": "0000201"}, {"hamlet": "nowhere"}])
def test_another_area_is_as_good_as_not_there(sqlite_site: Site, path: str, place: dict[str, str]) -> None:
    token = sqlite_site.user("commune_supervisor", "00001").token
    assert sqlite_site.get(path, token, **place).status_code == 404
    assert sqlite_site.get("/fieldwork", token, commune="00002").status_code == 404


def test_a_canvasser_of_another_area_cannot_be_asked_for(sqlite_site: Site) -> None:
    own, other = sqlite_site.user("canvasser", "0000101"), sqlite_site.user("canvasser", "0000201")
    supervisor = reader(sqlite_site, "00001", role="commune_supervisor")
    assert supervisor.get("/follow-up", canvasser=str(own.id)).status_code == 200
    assert supervisor.get("/follow-up", canvasser=str(other.id)).status_code == 404
    assert other.name not in supervisor.get("/follow-up").text


# What they say


def test_hamlets_are_listed_with_what_is_to_be_done_there(walked: Site) -> None:
    found = rows(reader(walked, "00001").get("/follow-up", date=DAY))
    # hamlet, people due, nobody met, refused, never visited, visited of expected
    assert found == [
        ["Thôn Đông", "1", "1", "0", "7", "3 / 10"],
        ["Thôn Tây", "0", "0", "0", "5", "0 / 5"],
        ["Cộng", "1", "1", "0", "12", "3"],
    ]


def test_a_hamlet_s_walk_names_who_is_due_for_what_and_leaves_out_the_rest(walked: Site) -> None:
    page = reader(walked, "00001").get("/follow-up", hamlet="0000101", date=DAY)
    text = said(page)
    assert (
        "2 nhà theo thứ tự đường đi, từ nhà nọ sang nhà kia khoảng 250 m. Còn 7 nhà của thôn này chưa ai đến." in text
    )
    # Neither has a number, so the way begins at the house of the lower id, uuid:absent.
    assert text.index("Lý Thị Hoa") < text.index("Nông Văn Đức")
    assert "Nông Thị Mỷ, 42 tuổi Mũi 1 từ 08/03/2021" in text
    assert "thăm lần cuối 10/08/2022: vắng nhà" in text
    assert page.text.count('class="walk-number"') == 2
    # One above the other, 222 m apart; only at the southern one is somebody due.
    assert re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="9" (?:class="(.*?)")?', page.text) == [
        ("320.0", "24.0", "is-other"),
        ("320.0", "276.0", ""),
    ]
    assert "unit=00001/0000101" in page.text
    assert re.findall(r"\son\w+=|<script>|style=", page.text) == []


def test_one_list_can_be_chosen_and_the_page_speaks_english_too(walked: Site) -> None:
    someone = reader(walked, "00001")
    text = said(someone.get("/follow-up", hamlet="0000101", date=DAY, list="not_met", lang="en"))
    assert "1 houses in walking order" in text
    assert "last visit 10/08/2022: nobody at home" in text
    assert "Nông Văn Đức" not in text
    assert "No house of this list here today." in said(
        someone.get("/follow-up", hamlet="0000101", date=DAY, list="refused", lang="en")
    )


def test_long_after_the_last_visit_the_lists_open_on_its_day(walked: Site) -> None:
    assert 'value="2022-08-10"' in reader(walked).get("/follow-up").text


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"date": "20/8/2022"}, 400, "2022-08-31"),
        ({"list": "everybody"}, 400, "not_met"),
        ({"campaign": "none"}, 404, "mini"),
        ({"canvasser": "1e3"}, 404, "danh sách"),
        ({"canvasser": "99999"}, 404, "danh sách"),
        ({"hamlet": "x" * 300}, 404, "danh sách"),
    ],
)
def test_an_address_that_names_nothing_is_refused_with_what_there_is(
    sqlite_site: Site, query: dict[str, str], status: int, told: str
) -> None:
    someone = reader(sqlite_site)
    for path in ("/follow-up", "/follow-up/sheets.pdf"):
        reply = someone.get(path, **query)
        assert reply.status_code == status
        assert told in reply.text


# On paper


def sheet(someone: Reader, **query: str) -> pypdfium2.PdfDocument:
    reply = someone.get("/follow-up/sheets.pdf", date=DAY, **query)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/pdf"), reply.text
    return pypdfium2.PdfDocument(reply.content)


def test_the_sheet_has_the_walk_in_vietnamese_and_codes_of_its_houses(walked: Site) -> None:
    someone = reader(walked, "00001")
    pdf = sheet(someone, hamlet="0000101")
    assert len(pdf) == 1
    text = pdf[0].get_textpage().get_text_bounded()
    for told in (
        "Thôn Đông",
        "Xã Một",
        "20/08/2022",
        "2 nhà · cần gặp 1 người",
        "Nông Văn Đức",
        "Lý Thị Hoa",
        "Trang 1/1",
    ):
        assert told in text
    assert "Nông Thị Mỷ, 42 tuổi: Mũi 1 từ 08/03/2021" in text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        codes = zxingcpp.read_barcodes(pdf[0].render(scale=3).to_pil(), formats=zxingcpp.BarcodeFormat.QRCode)
    assert {code.text for code in codes} == {"uuid:due", "uuid:absent"}


def test_the_sheets_of_a_commune_leave_out_hamlets_without_anything_to_do(walked: Site) -> None:
    someone = reader(walked)
    assert "Thôn Đông" in sheet(someone, commune="00001")[0].get_textpage().get_text_bounded()
    assert "Bản Nam" in sheet(someone, commune="00002")[0].get_textpage().get_text_bounded()
    assert len(sheet(someone, commune="00001")) == 1


def test_an_empty_list_prints_one_sheet_that_says_so(walked: Site) -> None:
    text = sheet(reader(walked), hamlet="0000101", list="deferred")[0].get_textpage().get_text_bounded()
    assert "không có nhà nào trong danh sách này" in text


def test_too_many_houses_for_one_print_are_refused(walked: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapper.services.sheets.MOST_PRINTED", 1)
    reply = reader(walked).get("/follow-up/sheets.pdf", date=DAY, hamlet="0000101")
    assert reply.status_code == 413
    assert "2 nhà" in reply.text


def test_that_a_sheet_was_printed_stands_in_the_trail_without_a_name(walked: Site) -> None:
    sheet(reader(walked), hamlet="0000101")
    with walked.reference.database.read() as connection:
        a = tables.audit
        (row,) = connection.execute(select(a.c.subject, a.c.facts).where(a.c.action == "sheets.printed"))
    assert row.subject == "0000101"
    assert json.loads(row.facts) == {"campaign": "mini", "day": DAY, "hamlets": "1", "houses": "2"}


def test_a_canvasser_s_walk_holds_the_own_hamlets_alone(walked: Site) -> None:
    here = walked.user("canvasser", "0000101", name="Lan")
    someone = reader(walked, "00001")
    found = rows(someone.get("/follow-up", date=DAY, canvasser=str(here.id)))
    assert [row[0] for row in found] == ["Thôn Đông"]
    text = sheet(someone, hamlet="0000101", canvasser=str(here.id))[0].get_textpage().get_text_bounded()
    assert "Người đi rà soát: Lan" in text


def test_a_long_walk_is_shown_in_parts_that_say_which_they_are(walked: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    someone = reader(walked, "00001")
    asked = {"hamlet": "0000101", "date": DAY}
    assert "Nhà 1 đến" not in said(someone.get("/follow-up", **asked))
    monkeypatch.setattr(follow_up, "AT_ONCE", 1)
    first, second = (someone.get("/follow-up", **asked, part=part) for part in ("1", "2"))
    assert "2 nhà theo thứ tự" in said(first)
    assert ("Nhà 1 đến 1 trong 2 nhà" in said(first), "Nhà 2 đến 2 trong 2 nhà" in said(second)) == (True, True)
    assert ("Nông Văn Đức" in said(first)) != ("Nông Văn Đức" in said(second))
    assert ('rel="next"' in first.text, 'rel="prev"' in first.text) == (True, False)
    assert ('rel="next"' in second.text, 'rel="prev"' in second.text) == (False, True)
    assert "canvasser" not in second.url
    for part in ("0", "3", "-1", "x", "9" * 30):
        reply = someone.get("/follow-up", **asked, part=part)
        assert reply.status_code == 404
        assert "có 2 phần" in said_anyway(reply)


# How it goes


def test_fieldwork_shows_what_came_today_by_canvasser(site: Site) -> None:
    lan = site.user("canvasser", "0000101", name="Lan")
    site.phone(lan.token).send(House("uuid:1").form())
    site.phone(lan.token).send(House("uuid:2", version="1999").form())
    site.phone(lan.token).send(House("uuid:3", location="").form())
    someone = reader(site, "00001", role="commune_supervisor")
    page = someone.get("/fieldwork")
    (row,) = rows(page)
    # Ten houses in the list, of which the visited two are done; nobody says by when.
    assert row[0].startswith("Lan")
    assert row[1:5] == ["Thôn Đông", "8", "0", "8"]
    assert row[5:7] == ["3 1 chưa tính", "2 / 10"]
    assert "Đầu ngày có 13 nhà cần đến: 13 nhà trong danh sách thôn chưa ai đến lần nào, 0 nhà" in said(page)
    assert "vì chiến dịch không ghi ngày cuối đến nhà" in said(page)
    assert "1 phiếu bản cũ 1999 của house_check" in row[7]
    assert "bặt tin" not in row[7]
    assert "uuid:2" in page.text
    assert "uuid:3" in page.text[page.text.index('id="odd"') :]
    other = someone.get("/fieldwork", date="2022-08-10")
    assert rows(other)[0][2:6] == ["10", "2", "8", "0"]
    assert "Tình hình thực địa ngày 10/08/2022" in said(other)


def test_a_phone_that_asks_for_its_forms_is_no_longer_silent(site: Site) -> None:
    lan = site.user("canvasser", "0000101", name="Lan")
    someone = reader(site, "00001")
    assert "chưa lần nào bặt tin một ngày" in said(someone.get("/fieldwork"))
    site.phone(lan.token).form_list()
    assert "bặt tin một ngày" not in rows(someone.get("/fieldwork"))[0][7]
    with site.reference.database.read() as connection:
        (contact,) = connection.execute(select(tables.phone_contacts))
    assert contact.user_id == lan.id
    assert contact.device_id


def test_the_version_of_fieldwork_changes_when_something_arrives(site: Site) -> None:
    someone = reader(site, "00001")
    before = someone.get("/fieldwork/version").json()
    assert someone.get("/fieldwork/version").json() == before
    assert f'data-version="{before["version"]}"' in someone.get("/fieldwork").text
    site.phone().send(House("uuid:1", version="1999").form())
    assert someone.get("/fieldwork/version").json() != before


def test_fieldwork_of_an_unknown_campaign_or_day_is_refused(sqlite_site: Site) -> None:
    someone = reader(sqlite_site)
    assert someone.get("/fieldwork", campaign="none").status_code == 404
    assert someone.get("/fieldwork", date="today").status_code == 400
