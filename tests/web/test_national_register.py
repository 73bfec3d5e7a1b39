"""The national register through its pages: from the file to each person, a decision, the files handed over."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from io import BytesIO

import pytest
from openpyxl.reader.excel import load_workbook

from mapper.services import intake
from mapper.store import national_register as kept
from tests.client.site import House, Site
from tests.web.test_pages import Reader, reader

OURS = (
    ("Nguyễn Thị Hoà", "1980-02-11", "2021-09-15"),
    ("Lò Văn Ún", "1951-07-30", "2021-09-15"),
    ("Giàng A Páo", "1990-03-25", ""),
    ("Vàng Thị Dở", "1975-12-14", "2021-10-20"),
)
HEADER = "TT;Tên người tiêm;Ngày sinh;Mã xã;Mũi 1 - ngày tiêm"
THEIRS = (
    "1;NGUYEN THI HOA;11/02/1980;00001;15/09/2021",  # the same
    "2;Lò Văn Ún;30/07/1951;00001;16/09/2021",  # another day
    "3;Giàng A Páo;25/03/1990;00002;",  # another commune
    "4;Sùng Thị My;09/08/1966;00001;20/09/2021",  # missing here
    "5;LÒ VĂN ÚN;30/07/1951;00001;16/09/2021",  # twice there
    ";Tổng cộng;;;4",
)
"""Of the census Vàng Thị Dở is missing."""


@pytest.fixture
def supervisor(site: Site) -> Iterator[Reader]:
    house = House("uuid:1", people=OURS)
    assert intake.receive(site.reference, house.xml, {}, sender_id=site.user("canvasser", "00001").id).counted
    yield reader(site, role="administrator")


def upload(one: Reader, data: bytes, name: str = "trích.csv") -> tuple[int, str]:
    """The status, and where it leads to or what it says."""
    page = one.get("/national-register").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    fields = {"csrf_token": token[1], "campaign": "mini", "set": "squares"}
    address = one.site.url + "/national-register"
    answer = one.session.post(address, data=fields, files={"file": (name, data)}, timeout=60, allow_redirects=False)
    return answer.status_code, answer.headers.get("Location", answer.text)


def compared(one: Reader, number: int, **query: str) -> str:
    """The page of a comparison, once it is made."""
    for _ in range(600):
        page = one.get(f"/national-register/{number}", **query).text
        if 'id="at-work"' not in page:
            return page
        time.sleep(0.05)
    raise AssertionError(page)


def rows(page: str) -> list[list[str]]:
    """Cells of the table of communes."""
    table = page.split("<tbody>")[1].split("</tbody>")[0]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in table.split("</tr>")[:-1]]
    return [[re.sub(r"<[^>]+>|&nbsp;", "", cell).strip() for cell in row] for row in found]


def test_an_extract_is_mapped_once_and_compared_to_zero(site: Site, supervisor: Reader) -> None:
    data = "\n".join((HEADER, *THEIRS)).encode()
    status, address = upload(supervisor, data)
    number = number_of(address)
    assert (status, address) == (302, f"/national-register/{number}/columns")
    page = supervisor.get(address).text
    said = {"wide": "5", "role-1": "name", "role-2": "born", "role-3": "commune_code", "role-4": "on:1"}
    taken = supervisor.post(address, page, **said)
    assert (taken.status_code, taken.headers["Location"]) == (302, f"/national-register/{number}")
    page = compared(supervisor, number)
    # Commune, register, census, + missing here, - missing there, + twice there, - twice here, ± elsewhere, doses, rest.
    assert rows(page) == [
        ["Xã Hai", "1", "0", "0", "0", "0", "0", "+1", "0", "0"],
        ["Xã Một", "4", "4", "+1", "−1", "+1", "0", "−1", "0", "0"],
        ["Tất cả", "5", "4", "+1", "−1", "+1", "0", "+1 −1", "0", "0"],
    ]
    assert "16/09/2021 / 15/09/2021" in page
    # The next extract of the same columns is understood by itself.
    status, next_address = upload(supervisor, data + b"\n6;An;01/01/1990;00001;")
    assert (status, next_address) == (302, f"/national-register/{number + 1}")
    with site.reference.database.read() as connection:
        assert [one.people for one in kept.extracts(connection, "mini")] == [6, 5]
    book = load_workbook(
        BytesIO(supervisor.get(f"/national-register/{number}/list.xlsx", kind="missing_there").content)
    )
    assert [row[6] for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)] == ["Vàng Thị Dở"]
    # One district holds both communes: who moved between them is nowhere else for it.
    by_district = compared(supervisor, number, level="district")
    assert rows(by_district) == [["Huyện A", "5", "4", "+1", "−1", "+1", "0", "0", "0", "0"]]
    for query, totals in (
        ({}, (5, 4)),
        ({"level": "district", "unit": "001"}, (5, 4)),
        ({"unit": "00001"}, (4, 4)),
        ({"unit": "00002"}, (1, 0)),
        ({"unit": "00001", "measure": "1"}, (4, 3)),
    ):
        book = load_workbook(BytesIO(supervisor.get(f"/national-register/{number}/list.xlsx", **query).content))
        lines = [row[-2:] for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)]
        assert tuple(map(sum, zip(*lines, strict=True))) == totals, query
        shown = rows(compared(supervisor, number, **query))[-1]
        assert (shown[1], shown[2], shown[-1]) == (*map(str, totals), "0"), query
    # Who sees one commune is told of the district what lies in that commune, and of others no name.
    of_one = reader(site, "00002", role="supervisor")
    for level in ("commune", "district"):
        page = compared(of_one, number, level=level)
        assert [row[1:] for row in rows(page)] == [["1", "0", "0", "0", "0", "0", "+1", "0", "0"]]
        assert ("Giàng A Páo" in page, "Vàng Thị Dở" in page) == (True, False)
        listed = of_one.get(f"/national-register/{number}/list.csv", level=level).content.decode("utf-8-sig")
        assert [line.rsplit(",", 2)[1:] for line in listed.splitlines()[1:]] == [["1", "0"]]
    platform = supervisor.get(f"/national-register/{number}/platform.csv", kind="missing_there").content
    assert "Vàng Thị Dở,14/12/1975" in platform.decode("utf-8-sig")
    # What was written for the platform reads back without a question.
    written_to = number_of(upload(supervisor, platform, "nộp.csv")[1])
    with site.reference.database.read() as connection:
        (written,) = kept.rows(connection, written_to)
    assert (written.name, written.unit_code, [dose.code for dose in written.doses]) == ("Vàng Thị Dở", "00001", ["1"])


def test_what_is_decided_about_a_pair_holds_for_the_next_extract_too(site: Site, supervisor: Reader) -> None:
    namesakes = House("uuid:2", people=(("Nguyễn Thị Lan", "1980-05-04", ""), ("Nguyễn Thị Lan", "1980-09-09", "")))
    assert intake.receive(site.reference, namesakes.xml, {}, sender_id=site.user("canvasser", "00001").id).counted
    data = "Mã đối tượng;Họ và tên;Ngày sinh;Mã xã\nM7;Nguyễn Thị Lan;1980;00001".encode()
    first = number_of(upload(supervisor, data)[1])
    address = f"/national-register/{first}/columns"
    said = {"wide": "4", "role-0": "code", "role-1": "name", "role-2": "born", "role-3": "commune_code"}
    assert supervisor.post(address, supervisor.get(address).text, **said).status_code == 302
    page = compared(supervisor, first, kind="possible")
    ours = re.search(r'name="ours" value="([^"]+)"', page)
    assert ours
    # What a field weighs is written as the reader writes numbers.
    weights = {
        language: re.findall(r"\(([+−][\d.,]+)\)", compared(supervisor, first, kind="possible", lang=language))
        for language in ("vi", "en")
    }
    assert any("," in each for each in weights["vi"])
    assert [each.replace(",", ".") for each in weights["vi"]] == weights["en"]
    pair = {"row": "2", "ours": ours[1]}
    planner = reader(site, role="planner")
    assert planner.post(f"/national-register/{first}/decide", page, **pair, same="yes").status_code in (400, 403)
    assert planner.get(address).status_code == 403
    assert supervisor.post(f"/national-register/{first}/decide", page, **pair, same="yes").status_code == 302
    second = number_of(upload(supervisor, data)[1])
    for number in (first, second):
        assert "Rút lại quyết định" in compared(supervisor, number)
        assert 'name="ours"' not in compared(supervisor, number, kind="possible")


def number_of(address: str) -> int:
    """The number of an extract in an address."""
    found = re.search(r"/national-register/(\d+)", address)
    assert found
    return int(found[1])


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "cũ.xls", ".xlsx"),
        (b"", "rỗng.csv", "rỗng.csv"),
        (b"PK\x03\x04 half a book", "hỏng.xlsx", "hỏng.xlsx"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_leaves_nothing(
    site: Site, supervisor: Reader, data: bytes, name: str, words: str
) -> None:
    status, page = upload(supervisor, data, name)
    assert status == 400
    assert words in page.split('role="alert"')[1].split("</p>")[0]
    with site.reference.database.read() as connection:
        assert kept.extracts(connection, "mini") == []


def test_a_file_with_one_bad_row_is_not_taken_in_at_all(site: Site, supervisor: Reader) -> None:
    data = "Họ và tên;Ngày sinh;Mã xã\nAn;13/02/1980;00001\nBình;02/13/1980;00001".encode()
    address = upload(supervisor, data)[1]
    said = {"wide": "3", "role-0": "name", "role-1": "born", "role-2": "commune_code"}
    refused = supervisor.post(address, supervisor.get(address).text, **said)
    assert refused.status_code == 400
    assert "B (Ngày sinh)" in refused.text
    with site.reference.database.read() as connection:
        assert (kept.extracts(connection, "mini")[0].people, kept.rows(connection, number_of(address))) == (None, [])


def test_a_comparison_is_stopped_by_who_may_upload_and_begun_again_when_asked(site: Site, supervisor: Reader) -> None:
    data = "Họ và tên;Ngày sinh;Mã xã\nAn;13/02/1980;00001".encode()
    address = upload(supervisor, data)[1]
    said = {"wide": "3", "role-0": "name", "role-1": "born", "role-2": "commune_code"}
    page = supervisor.get(address).text
    assert supervisor.post(address, page, **said).status_code == 302
    number = number_of(address)
    stopped = supervisor.post(f"/national-register/{number}/stop", page)
    assert (stopped.status_code, stopped.headers["Location"]) == (302, f"/national-register/{number}")
    planner = reader(site, role="planner")
    shown = planner.get(f"/national-register/{number}").text
    assert planner.post(f"/national-register/{number}/stop", shown).status_code in (400, 403)
    assert "An · 13/02/1980" in compared(supervisor, number, again="1")
