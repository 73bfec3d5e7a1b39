"""Files made to do harm, at every address that takes one: refused in words, and nothing of them is kept."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator

import openpyxl
import pytest
import requests

from mapper.formats.code_photo import LARGEST_BYTES
from mapper.web import uploads
from tests.client.site import SET_ID, House, Site
from tests.conftest import CHECKOUT
from tests.web.test_forms_page import manager
from tests.web.test_sign_in import PASSWORD, Desk

IMPORTS = {
    "/boundary-sets/import": {"id": "hostile", "label": "x", "trial": "yes"},
    "/boundary-sets/succession": {"old": SET_ID, "new": SET_ID, "source": "x"},
    "/epidemic-levels/import": {"set": SET_ID, "from": "2022-08-01", "source": "x"},
    "/exchange/compare": {"campaign": "mini", "date": "2022-08-31"},
    "/exchange/people": {"campaign": "mini", "date": "2022-08-31"},
    "/exchange/units": {"set": SET_ID},
    "/forms": {},
    "/national-register": {"campaign": "mini", "set": SET_ID},
    "/sites/import": {},
    "/slips/check": {},
    "/stock/import": {"campaign": "mini", "set": SET_ID},
    "/surveys/file": {"campaign": "mini"},
    "/targets/responsible-list": {"set": SET_ID},
}
"""Every address that takes a file, with what else its form sends; ``test_every_upload_stands_here`` sees to that."""

FIELDS = {"/forms": "files", "/slips/check": "photo"}

SHEET = (
    '<?xml version="1.0"?>{declared}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row></sheetData></worksheet>'
)
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY b "ha">'
    + "".join(f'<!ENTITY c{n} "{"&c" + str(n - 1) + ";" if n else "&b;"}{"&b;" * 9}">' for n in range(9))
    + "]>"
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


def book(declared: str = "", text: str = "code", pad: int = 0) -> bytes:
    """A workbook whose sheet says what an attacker wrote."""
    plain, made = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = SHEET.format(declared=declared, text=text + " " * pad).encode()
            target.writestr(name, content)
    return made.getvalue()


def packed(names: dict[str, bytes]) -> bytes:
    """A zip of these names, however they look."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


HOSTILE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a bomb of spaces": lambda: ("bom.xlsx", book(pad=65_000_000)),
    "entities that multiply": lambda: ("cười.xlsx", book(LAUGHS, "&c8;")),
    "a file of the server": lambda: ("đọc.xlsx", book(OUTSIDE, "&b;")),
    "a workbook that is none": lambda: ("hỏng.xlsx", b"PK\x03\x04" + bytes(range(256)) * 40),
    "a zip that leads out": lambda: ("ra ngoài.zip", packed({"../../../etc/cron.d/x": b"x", "/tmp/y.csv": b"a,b"})),
    "a name that leads out": lambda: ("..\\..\\../etc/passwd", b"code,name\n1,a\n"),
    "a name with a header": lambda: ('a"\r\nX-Injected: 1\r\n.csv', b"code,name\n1,a\n"),
    "entities in plain XML": lambda: ("x.kml", (LAUGHS + "<kml>&c8;</kml>").encode()),
    "nothing but zeros": lambda: ("không.csv", bytes(100_000)),
    "quotes without end": lambda: ("nháy.csv", b'a,"' + b'b""' * 50_000),
    "one endless line": lambda: ("dài.csv", b"a," * 300_000),
    "JSON without end": lambda: ("sâu.json", b"[" * 100_000),
}


@pytest.fixture
def desk(sqlite_site: Site) -> Iterator[Desk]:
    """An administrator's browser."""
    sqlite_site.user("administrator", name="chief", password=PASSWORD)
    made = Desk(sqlite_site)
    made.sign_in("chief")
    made.get("/account")
    yield made
    made.session.close()


def test_every_upload_stands_here() -> None:
    taking = [path for path in (CHECKOUT / "mapper" / "web").glob("*.py") if "request.files" in path.read_text("utf-8")]
    known = {
        "boundary_import",
        "boundary_sets",
        "epidemic",
        "exchange",
        "forms",
        "national_register",
        "sites",
        "slips",
        "stock",
    }
    assert {path.stem for path in taking} == known | {"surveys", "targets"}


def send(desk: Desk, path: str, name: str, content: bytes) -> requests.Response:
    """Send a file as the page of that address does."""
    return desk.session.post(
        f"{desk.url}{path}",
        data={**IMPORTS.get(path, {}), "csrf_token": desk.csrf},
        files={FIELDS.get(path, "file"): (name, content)},
        timeout=120,
        allow_redirects=False,
    )


def test_no_file_does_harm_wherever_it_is_sent(sqlite_site: Site, desk: Desk) -> None:
    kept = ("sites", "units", "forms", "epidemic_levels", "responsible", "stock_entries", "form_drafts")
    before = sqlite_site.rows(*kept)
    for kind, make in HOSTILE.items():
        name, content = make()
        for path in IMPORTS:
            began, told = time.process_time(), f"{kind} at {path}"
            answer = send(desk, path, name, content)
            assert answer.status_code in (200, 302, 303, 400, 403, 404, 413), f"{told}: {answer.status_code}"
            assert "X-Injected" not in answer.headers, told
            assert "root:" not in answer.text and "haha" not in answer.text, told
            assert time.process_time() - began < 30, told  # the server runs in this process: it is not kept busy
    assert sqlite_site.rows(*kept) == before


def test_a_file_over_the_limit_of_its_kind_is_refused_with_the_limit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MEGABYTE", 1000)  # a thousandth of the limits, since files cross a wire here
    # Forms, extracts of the register, people of FHIR and photos of slips have limits of their own, with their tests;
    # outlines that of every request.
    others = {
        "/boundary-sets/import",
        "/forms",
        "/national-register",
        "/exchange/people",
        "/slips/check",
        "/targets/responsible-list",
    }
    for path in IMPORTS.keys() - others:
        answer = send(desk, path, "dài.csv", b"code,name\n" + b"1,a\n" * 15_500)
        assert answer.status_code in (400, 413), path
        assert "dài.csv nặng 62 MB" in answer.text, path


def test_a_stranger_s_file_is_not_read(sqlite_site: Site) -> None:
    stranger = Desk(sqlite_site)
    stranger.get("/sign-in")
    for path in [*IMPORTS, "/sign-in", "/public/settings"]:
        size = LARGEST_BYTES + 500_000 if path == "/slips/check" else 400_000
        assert send(stranger, path, "a.bin", bytes(size)).status_code in (400, 413), path
    stranger.session.close()


def test_a_saved_file_s_name_brings_no_header_and_no_folder(sqlite_site: Site) -> None:
    names = ('a"b;c.png', "Ảnh nhà (1).png", "x%0d%0aSet-Cookie: a=b.png")
    phone = sqlite_site.phone()
    phone.send(House("uuid:one").form({name: name.encode() for name in names}))
    chief = manager(sqlite_site)
    page = chief.get("/submission/uuid:one").text
    found = sorted({part.partition('"')[0] for part in page.split('href="') if "/files/" in part.partition('"')[0]})
    assert len(found) == len(names)
    for address in found:
        answer = chief.get(address)
        told = answer.headers["Content-Disposition"]
        assert told.startswith("attachment; filename*=UTF-8''")
        assert not set(told.removeprefix("attachment; filename*=UTF-8''")) & set('"; /\\\r\n')
        assert "Set-Cookie" not in answer.headers
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_static_files_lead_nowhere_else(sqlite_site: Site) -> None:
    for path in (
        "/assets/x/../../pages.py",
        "/assets/x/..%2f..%2fpages.py",
        "/static/..%2fpages.py",
        "/assets/x/%2fetc%2fpasswd",
    ):
        sent = requests.Request("GET", sqlite_site.url).prepare()
        sent.url = sqlite_site.url + path
        with requests.Session() as line:
            assert line.send(sent, timeout=60).status_code in (302, 404), path
