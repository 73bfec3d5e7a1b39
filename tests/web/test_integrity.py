"""The page of forms to look at again: who opens it, what it says of a sign, how it is closed, and second interviews."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest
from lxml import html

from mapper.services import intake, integrity
from mapper.services.accounts import User
from mapper.services.background import Progress
from mapper.services.integrity import Examined, Period
from mapper.services.reference import Reference
from tests.client.site import House, Site
from tests.formats.test_sheet import Reader
from tests.web.test_sign_in import NAME, PASSWORD, Desk

PATIENCE_S = 60


@pytest.fixture
def desk(sqlite_site: Site) -> Iterator[Desk]:
    """A supervisor of the district, signed in; twelve houses at one point came from one canvasser."""
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    phone = sqlite_site.phone(sqlite_site.user("canvasser", "hamlet:0000101", name="Nông Thị Hoa").token)
    for number in range(12):
        phone.send(House(f"uuid:{number}").form())
    made = Desk(sqlite_site)
    assert made.sign_in().status_code == 302
    yield made
    made.session.close()


def today() -> str:
    return intake.today().isoformat()


def looked(desk: Desk, again: str = "") -> html.HtmlElement:
    """The page when all forms are read. again: "1" has them read once more."""
    end = time.monotonic() + PATIENCE_S
    page = desk.get("/integrity", date=today(), **({"again": again} if again else {}))
    while time.monotonic() < end:
        assert page.status_code == 200, page.text
        assert "private, no-store" in page.headers["Cache-Control"]
        if desk.get("/integrity/progress", date=today()).json()["stage"] == "done":
            return html.fromstring(desk.get("/integrity", date=today()).text)
        time.sleep(0.05)
    raise AssertionError("the reading never ended")


def told(page: html.HtmlElement) -> str:
    return " ".join(page.text_content().split())


def fields(page: html.HtmlElement, action: str, sign: str = "") -> dict[str, str]:
    about = f"[.//input[@value='{sign}']]" if sign else ""
    (form,) = page.xpath(f"//form[@action='{action}']{about}")
    return {each.name: each.value or "" for each in form.xpath(".//input | .//select | .//textarea")}


def test_a_sign_is_told_without_blame_and_closed_by_an_explanation(sqlite_site: Site, desk: Desk) -> None:
    page = looked(desk)
    said = told(page)
    assert "Nông Thị Hoa: Nhiều nhà ở cùng một chỗ" in said
    assert "12 trong 12 nhà cách ba nhà khác trở lên của cùng người chưa đến 12 m." in said
    assert "Có thể do nhà chung cư" in said
    assert "không phải bằng chứng, càng không phải lời buộc tội" in said
    assert "báo nhầm nhiều nhất 1 trong 20 trang" in said
    assert page.xpath("//a[@href='/submission/uuid:0']")
    (evidence,) = page.xpath(
        "(//h3[contains(., 'Nhiều nhà ở cùng một chỗ')]/following::li[a/@href='/submission/uuid:0'])[1]"
    )
    assert "22.05000, 105.05000" in told(evidence), "where the house stands, to be held against the others"
    note = fields(page, "/integrity/notes", "spot")
    token = note.pop("csrf_token")
    assert (note["sign"], note["canvasser"].isdecimal()) == ("spot", True)
    refused = desk.session.post(f"{desk.url}/integrity/notes", data={**note, "csrf_token": token, "words": " "})
    assert refused.status_code == 400
    assert "Hãy ghi lời giải thích" in refused.text
    words = {**note, "csrf_token": token, "words": "Nhà chung cư của nông trường."}
    assert desk.session.post(f"{desk.url}/integrity/notes", data=words).status_code == 200
    closed = looked(desk)
    assert "Nhà chung cư của nông trường." in told(closed)
    still = closed.xpath("//section[@aria-labelledby='signs']//input[@name='sign']/@value")
    assert set(still) == set(page.xpath("//input[@name='sign']/@value")) - {"spot"}
    assert closed.xpath("//section[@aria-labelledby='explained']//input[@name='sign']/@value") == ["spot"]


def test_forms_that_are_nearly_alike_name_each_other_as_evidence(sqlite_site: Site, desk: Desk) -> None:
    phone = sqlite_site.phone(sqlite_site.user("canvasser", "hamlet:0000101", name="Bế Văn Nam").token)
    people = (("Nông Thị Lan", "1980-05-04", "2021-08-10"), ("Nông Văn Tý", "2010-03-02", ""))
    for number in range(12):
        phone.send(House(f"uuid:copy{number}", people=people).form())
    page = looked(desk)
    (sign,) = page.xpath("//h3[contains(., 'Bế Văn Nam: Các hộ liền nhau gần như giống hệt')]/ancestor::li[1]")
    pairs = [each.xpath(".//a/@href") for each in sign.xpath(".//li[@class='two-forms']")]
    assert pairs[0] == ["/submission/uuid:copy0", "/submission/uuid:copy1"]
    assert all(len(pair) == 2 for pair in pairs)
    said = told(sign)
    assert "100 % câu trả lời giống nhau" in said.replace("\xa0", " ")
    assert said.count("Bế Văn Nam gửi") == 2 * len(pairs)


def test_a_reading_is_stopped_and_begun_anew(sqlite_site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, examine = threading.Event(), integrity.examine

    def slow(reference: Reference, user: User, period: Period, progress: Progress) -> Examined:
        begun.set()
        for _ in range(int(PATIENCE_S / 0.02)):
            progress(0.5)
            time.sleep(0.02)
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr(integrity, "examine", slow)
    page = html.fromstring(desk.get("/integrity", date=today(), lang="en").text)
    assert begun.wait(PATIENCE_S)
    assert "At most 30,000 forms are looked through at once." in told(page)
    (form,) = page.xpath("//form[starts-with(@action, '/integrity/stop')]")
    stopped = desk.session.post(f"{desk.url}{form.action}", data=fields(page, form.action), allow_redirects=False)
    assert stopped.status_code == 302
    end = time.monotonic() + PATIENCE_S
    while desk.get("/integrity/progress", date=today()).json()["stage"] != "stopped":
        assert time.monotonic() < end
        time.sleep(0.02)
    assert "The reading was stopped." in told(html.fromstring(desk.get("/integrity", date=today(), lang="en").text))
    monkeypatch.setattr(integrity, "examine", examine)
    assert "Nông Thị Hoa" in told(looked(desk, again="1"))


def test_houses_are_drawn_and_the_second_interview_is_entered_on_the_page(desk: Desk) -> None:
    draw = fields(looked(desk), "/integrity/back-checks") | {"houses": "2"}
    made = desk.session.post(f"{desk.url}/integrity/back-checks", data=draw)
    assert made.status_code == 200
    page = html.fromstring(made.text)
    assert len(page.xpath("//ol[@class='walk']/li")) == 2
    assert not page.xpath("//section[@aria-labelledby='agree']"), "nothing entered yet"
    assert not page.xpath("//a[contains(@href, '/submission/')]"), "the first answers lead nobody"
    address = made.url.removeprefix(desk.url)
    form = page.xpath(f"//form[@action='{address}']")[0]
    entered = [(each.name, each.value or "") for each in form.xpath(".//input | .//select")]
    sent = [("outcome", "met") if name == "outcome" else (name, value) for name, value in entered]
    sent = [("came", "yes") if name == "came" else (name, value) for name, value in sent]
    after = desk.session.post(made.url, data=sent)
    assert after.status_code == 200
    assert "Hai lần hỏi khớp nhau đến đâu" in after.text
    wrong = [("outcome", "perhaps") if name == "outcome" else (name, value) for name, value in sent]
    assert desk.session.post(made.url, data=wrong).status_code == 400
    assert desk.session.post(f"{desk.url}/integrity/back-checks", data=draw | {"houses": "0"}).status_code == 400


def test_all_canvassers_houses_are_drawn_at_once_and_stand_on_a_sheet_without_answers(
    sqlite_site: Site, desk: Desk
) -> None:
    phone = sqlite_site.phone(sqlite_site.user("canvasser", "hamlet:0000101", name="Bế Văn Nam").token)
    people = (("Lò Thị Bí", "1980-05-04", "2021-08-10"), ("Lò Văn Tý", "2010-03-02", ""))
    for number in range(4):
        phone.send(House(f"uuid:other{number}", people=people).form())
    page = looked(desk)
    asked = fields(page, "/integrity/back-checks/round") | {"percent": "10", "goes": "ring", "seed": "mam"}
    made = desk.session.post(f"{desk.url}/integrity/back-checks/round", data=asked)
    assert made.status_code == 200, made.text
    assert "Đã rút 4 nhà của 2 người đi rà soát. Mầm mam." in told(html.fromstring(made.text))
    again = desk.session.post(f"{desk.url}/integrity/back-checks/round", data=asked | {"percent": "11"})
    assert again.status_code == 400
    draws = html.fromstring(made.text).xpath("//section[@aria-labelledby='second']//ul[@class='findings']//a/@href")
    sheets = [desk.get(f"{address}/sheet.pdf") for address in draws]
    assert [one.headers["Content-Type"] for one in sheets] == ["application/pdf"] * 2
    assert sheets[0].headers["Cache-Control"] == "private, no-store"
    read = [Reader(one.content) for one in sheets]
    for one in read:
        text = one.text()
        assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in text.upper().replace("HOÀ", "HÒA")
        assert "Năm sinh" in text
        assert re.findall(r"Vị trí: 22.05000, 105.05000", text)
        assert set(one.codes()) == {"geo:22.050000,105.050000"}
        # Who lives there, their births and doses, and how many they are, the second interview is to tell.
        for answer in ("Lò Thị Bí", "Lò Văn Tý", "1980", "2010", "2021"):
            assert answer not in text, answer
    sqlite_site.user("commune_supervisor", "00002", name="xã khác", password=PASSWORD)
    other = Desk(sqlite_site)
    assert other.sign_in(name="xã khác").status_code == 302
    assert other.get(f"{draws[0]}/sheet.pdf").status_code == 404
    other.session.close()


def test_only_those_who_look_after_canvassers_open_it_and_see_their_own_alone(sqlite_site: Site, desk: Desk) -> None:
    draw = fields(looked(desk), "/integrity/back-checks") | {"houses": "1"}
    made = desk.session.post(f"{desk.url}/integrity/back-checks", data=draw).url.removeprefix(desk.url)
    for role, area, status in (("planner", "001", 403), ("commune_supervisor", "00002", 404)):
        sqlite_site.user(role, area, name=f"khác {role}", password=PASSWORD)
        other = Desk(sqlite_site)
        assert other.sign_in(name=f"khác {role}").status_code == 302
        page = other.get("/integrity", date=today())
        assert page.status_code == (403 if role == "planner" else 200)
        assert "Nông Thị Hoa" not in page.text
        assert other.get(made).status_code == status
        other.session.close()
