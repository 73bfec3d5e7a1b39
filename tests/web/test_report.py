"""The daily report: its numbers are the map's, on the page and in every file, in both languages; who may have it."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator

import docx
import openpyxl
import pypdfium2
import pytest
import requests

from tests.client.site import Site
from tests.web.test_api import HOUSES
from tests.web.test_sign_in import Desk

PASSWORD = "mật khẩu đủ dài"
DAY = {"date": "2022-08-31"}
AREAS = {"": ("district", None), "district:001": ("district", "001"), "commune:00001": ("commune", "00001")}
VERDICTS = {
    "vi": {"met": "Đạt", "not_met": "Chưa đạt", "undecided": "Chưa kết luận", None: "–"},
    "en": {"met": "Met", "not_met": "Not met", "undecided": "Undecided", None: "–"},
}
SERIES = {"vi": "Từ 5 tuổi: Mũi 1", "en": "5 and older: Dose 1"}


@pytest.fixture(scope="module")
def reported(standing_site: Site) -> Iterator[Site]:
    """A server with four houses; its tests only read, and users are added."""
    phone = standing_site.phone()
    for house in HOUSES:
        phone.send(house.form())
    yield standing_site


def share(value: float | None, language: str) -> str:
    if value is None:
        return "–"
    shown = f"{math.floor(value * 1000 + 1e-9) / 10:g}%"
    return shown.replace(".", ",") if language == "vi" else shown


def number(value: int | None) -> str:
    return "–" if value is None else str(value)


def expected(site: Site, bearer: str, area: str, language: str) -> list[list[str]]:
    """The rows of the report that hold the map's numbers, from ``/api/coverage``."""
    level, code = AREAS[area]
    found = site.coverage(bearer, level)
    row = found[code] if code else found["total"]
    assert isinstance(row, dict)
    label = SERIES[language]
    result = [
        label,
        *(number(row["vaccinated"]), number(row["eligible"])),
        *(share(row["coverage"], language), share(0.9, language)),
        *(VERDICTS[language][row["verdict"]], number(row["needed"])),
    ]
    reasons = [
        label,
        *(
            number(row[each])
            for each in ("due", "waiting", "deferred", "contraindicated", "refused", "away", "unknown")
        ),
    ]
    houses = [number(row[f"households_{each}"]) for each in ("expected", "visited", "interviewed")]
    lowest = []
    for key, unit in site.coverage(bearer, "hamlet").items():
        assert isinstance(unit, dict)
        if key == "total" or unit["coverage"] is None or (level == "commune" and unit["parent"] != code):
            continue
        done = [number(unit["vaccinated"]), number(unit["eligible"]), share(unit["coverage"], language)]
        houses_of = [number(unit["households_visited"]), number(unit["households_expected"])]
        lowest.append([*done, VERDICTS[language][unit["verdict"]], *houses_of])
    return [result, reasons, houses, *lowest]


def ask(site: Site, bearer: str, path: str, **asked: str) -> requests.Response:
    answer = site.get(path, bearer, **DAY | asked)
    assert answer.status_code == 200, answer.text
    return answer


def words_of_page(content: bytes) -> str:
    return re.sub(r"<[^>]+>", " ", content.decode().partition('<article class="paper"')[2])


def words_of_pdf(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return " ".join(page.get_textpage().get_text_range() for page in document)


def words_of_docx(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    return " ".join(cell.text for table in document.tables for row in table.rows for cell in row.cells)


def words_of_xlsx(content: bytes) -> str:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None)
    return " ".join(
        f"{round(cell.value * 1000) / 10:g}%" if cell.number_format == "0.0%" else str(cell.value) for cell in cells
    )


READ = {"": words_of_page, ".pdf": words_of_pdf, ".docx": words_of_docx, ".xlsx": words_of_xlsx}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("kind", READ)
def test_every_number_is_the_map_s(reported: Site, kind: str, area: str, language: str) -> None:
    bearer = reported.user("supervisor", "001").token
    answer = ask(reported, bearer, f"/report{kind}", area=area, lang=language)
    told = " ".join(READ[kind](answer.content).split())
    for row in expected(reported, bearer, area, language):
        # A workbook holds numbers, which each reader's program writes in its own way.
        line = " ".join(row).replace(",", ".") if kind == ".xlsx" else " ".join(row)
        assert line in told, (line, told)


def test_a_report_is_of_the_reader_s_own_area(reported: Site) -> None:
    own = reported.user("commune_supervisor", "00001").token
    told = words_of_docx(ask(reported, own, "/report.docx").content)
    assert "Từ 5 tuổi: Mũi 1 2 3 66,6%" in told
    assert "Bản Nam" not in told
    for path in ("/report", "/report.pdf", "/report.docx", "/report.xlsx"):
        assert reported.get(path, own, area="commune:00002", **DAY).status_code == 404
        assert reported.get(path, reported.user("canvasser", "001").token, **DAY).status_code == 403
        assert reported.get(path, "", **DAY).headers["Location"].startswith("/sign-in")


def test_a_district_s_communes_come_in_one_file(reported: Site) -> None:
    bearer = reported.user("supervisor", "001").token
    asked = {"each": "commune", "area": "district:001"}
    book = openpyxl.load_workbook(io.BytesIO(ask(reported, bearer, "/report.xlsx", **asked).content))
    assert book.sheetnames == ["Xã Một 00001", "Xã Hai 00002"]
    assert all(sheet.freeze_panes for sheet in book.worksheets)
    document = docx.Document(io.BytesIO(ask(reported, bearer, "/report.docx", **asked).content))
    assert [p.style.name for p in document.paragraphs].count("Heading 1") == 2
    pdf = words_of_pdf(ask(reported, bearer, "/report.pdf", **asked).content)
    assert "Từ 5 tuổi: Mũi 1 2 3 66,6% 90%" in " ".join(pdf.split())
    assert "Từ 5 tuổi: Mũi 1 0 2 0% 90%" in " ".join(pdf.split())


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/report.odt", {}),
        ("/report.pdf", {"each": "hamlet"}),
        ("/report.pdf", {"each": "district", "area": "commune:00001"}),
        ("/report", {"area": "commune:99999"}),
        ("/report.pdf", {"area": "commune"}),
    ],
)
def test_what_is_not_there_is_told(reported: Site, path: str, asked: dict[str, str]) -> None:
    assert reported.get(path, reported.user("supervisor", "001").token, **DAY | asked).status_code == 404


def test_the_motto_stands_there_only_with_an_issuing_body(reported: Site) -> None:
    bearer = reported.user("supervisor", "001").token
    plain, headed = (
        [READ[kind](ask(reported, bearer, f"/report{kind}", **asked).content) for kind in ("", ".pdf", ".docx")]
        for asked in ({}, {"body": "UBND xã <Một>", "number": "12/BC-UBND", "place": "Xã Một"})
    )
    assert not [told for told in plain if "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in told]
    for told in headed:
        assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in told
        assert "12/BC-UBND" in told


def test_the_day_is_told_as_offices_tell_it(reported: Site) -> None:
    bearer = reported.user("supervisor", "001").token
    told = words_of_page(ask(reported, bearer, "/report", lang="vi").content)
    assert re.search(r"\(Số liệu đến 17h ngày 31/8/2022; phiếu nhận gần nhất lúc \d+h\d\d ngày ", told)
    today = words_of_page(reported.get("/report", bearer, lang="vi", date=reported_today()).content)
    assert re.search(r"\(Số liệu đến \d+h\d\d ngày ", today)
    later = words_of_page(reported.get("/report", bearer, lang="vi", date="2030-01-05").content)
    assert "(Số liệu dự tính đến ngày 05/01/2030;" in later


def reported_today() -> str:
    from mapper.services.intake import today

    return today().isoformat()


def test_each_file_stands_in_the_audit_trail(sqlite_site: Site) -> None:
    sqlite_site.user("administrator", name="Quản trị", password=PASSWORD)
    desk = Desk(sqlite_site)
    desk.sign_in("Quản trị", PASSWORD)
    sqlite_site.phone().send(HOUSES[0].form())
    for kind in ("pdf", "docx", "xlsx"):
        assert desk.get(f"/report.{kind}", area="commune:00001", **DAY).status_code == 200
    assert desk.get("/report", **DAY).status_code == 200
    rows = desk.get("/audit.csv").text
    assert rows.count("tải báo cáo ngày") == 3
    assert "commune:00001" in rows
    desk.session.close()
