"""The audit trail on its page and as a table: in words, chosen by kind, user and day, and safe to open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from mapper.services import audit, trail
from mapper.store import edits
from tests.client.site import House, Site
from tests.web.test_forms_page import everywhere, manager
from tests.web.test_pages import Reader, reader


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def note(site: Site, action: str, subject: str, user: tuple[int | None, str] = (1, "Lan"), **facts: object) -> None:
    with site.reference.database.write() as connection:
        audit.record(site.reference, connection, *user, action, subject, facts)


def entries(page: str) -> str:
    """The part of the page that lists."""
    return page.partition("<tbody>")[2].partition("</tbody>")[0]


def table(someone: Reader, **asked: str) -> list[list[str]]:
    reply = someone.get("/audit.csv", **asked)
    assert reply.status_code == 200
    assert reply.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))


def test_facts_stand_in_the_reader_s_words(site: Site) -> None:
    someone, made = manager(site), site.user("canvasser", "hamlet:0000101", name="Nông Thị Hoa")
    note(site, "hamlet.moved", "hamlet:0000102", **{"from": made.id, "to": "-"})
    note(site, "submission.reviewed", "uuid:1", review="has_issues", before="received")
    note(site, "user.cards", "00001", number=3)
    shown = entries(someone.get("/audit").text)
    for words in (
        "từ: Nông Thị Hoa",
        "sang: -",
        "Thôn Tây (Xã Một)",
        "kết quả duyệt: có vấn đề",
        "trước đó: chưa duyệt",
        "Xã Một",
        "vai trò: người đi rà soát",
        "địa bàn: Thôn Đông (Xã Một)",
        "dòng lệnh của máy chủ",
    ):
        assert words in shown, words
    for code in ("has_issues", "received", "canvasser", "hamlet:", "from:", "review"):
        assert code not in shown, code
    english = entries(someone.get("/audit", lang="en").text)
    assert "review: has issues" in english and "role: canvasser" in english and "kết quả" not in english


def test_a_name_that_is_a_word_of_the_program_stays_a_name(site: Site) -> None:
    someone, made = manager(site), site.user("canvasser", "00001", name="planner")
    note(site, "hamlet.moved", "hamlet:0000102", **{"from": made.id, "to": "-"})
    assert "từ: planner" in entries(someone.get("/audit").text)


def test_entries_are_chosen_by_kind_user_and_day(site: Site) -> None:
    someone = manager(site)
    note(site, "form.closed", "first", (7, "Hoa"))
    note(site, "form.opened", "second", (8, "Lan"))
    today = audit.entries(site.reference, 1)[0].at
    assert today.endswith("+00:00")

    def listed(**asked: str) -> set[str]:
        shown = entries(someone.get("/audit", **asked).text)
        return {each for each in ("first", "second") if f">{each}" in shown}

    assert listed() == {"first", "second"}
    assert listed(action="form.closed") == {"first"}
    assert listed(user="8") == {"second"}
    assert listed(user="8", action="form.closed") == set()
    assert listed(day="2020-01-01") == set()
    assert listed(day="yesterday", user="x", before="-1") == {"first", "second"}
    assert listed(day="0001-01-01") == {"first", "second"}
    assert listed(day="9999-12-31") in (set(), {"first", "second"})


def test_a_day_is_one_of_vietnam(site: Site) -> None:
    """17:00 in UTC is midnight there."""
    someone = manager(site)
    with site.reference.database.write() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        for number, at in enumerate(("2026-03-01T16:59:59", "2026-03-01T17:00:00", "2026-03-02T17:00:00")):
            audit.record(site.reference, connection, 1, "Lan", "form.closed", f"f{number}")
            connection.execute(text(f"UPDATE audit SET at = '{at}+00:00' WHERE subject = 'f{number}'"))
    shown = entries(someone.get("/audit", day="2026-03-02").text)
    assert [each for each in ("f0", "f1", "f2") if each in shown] == ["f1"]


def test_many_entries_are_shown_a_hundred_at_a_time(site: Site) -> None:
    someone = manager(site)
    for number in range(1, 151):
        note(site, "form.closed", f"f{number:03}")
    first = someone.get("/audit", action="form.closed").text
    assert "f150<" in entries(first) and "f050<" not in entries(first)
    (older,) = [each for each in first.split('"') if "before=" in each]
    assert "action=form.closed" in older
    second = someone.get(older.replace("&amp;", "&")).text
    assert "f050<" in entries(second) and "f051<" not in entries(second)
    assert "Các dòng mới nhất" in second and "before=" not in second


def test_the_check_says_in_a_sentence_what_it_found(site: Site) -> None:
    someone = manager(site)
    note(site, "form.closed", "house_check")
    number = len(audit.entries(site.reference, 100))
    assert f"Cả {number} dòng" in someone.get("/audit").text
    with site.reference.database.write() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET subject = 'another' WHERE subject = 'house_check'"))
    page = someone.get("/audit").text
    assert f"Dòng số {number} " in page or f"Dòng {number} " in page
    assert f"Cả {number} dòng" not in page


def test_the_table_holds_every_entry_and_nothing_that_runs(site: Site) -> None:
    someone = manager(site)
    note(site, "form.closed", "=1+1", (9, "@SUM(A1)"), version='=HYPERLINK("http://x")')
    rows = table(someone)
    assert rows[0][:4] == ["STT", "Lúc", "Giờ UTC", "Ai"]
    assert {len(row) for row in rows} == {10}
    (row,) = [row for row in rows if "1+1" in row[6]]
    assert (row[3], row[6], row[7]) == ("'@SUM(A1)", "'=1+1", "'=1+1")
    assert row[8] == 'phiên bản: =HYPERLINK("http://x")'
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert [row[0] for row in rows[1:]] == [str(n) for n in range(len(rows) - 1, 0, -1)]


def test_taking_the_table_is_entered_with_what_was_asked_for(site: Site) -> None:
    someone = manager(site)
    rows = table(someone, action="user.added", day="")
    assert {row[5] for row in rows[1:]} == {"tạo tài khoản"}
    newest = audit.entries(site.reference, 1)[0]
    assert (newest.action, newest.facts) == ("audit.downloaded", {"action": "user.added"})
    assert "chỉ loại việc: tạo tài khoản" in entries(someone.get("/audit").text)


def test_the_table_of_thousands_is_complete(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(trail, "PORTION", 7)
    for number in range(20):
        note(site, "form.closed", f"f{number}")
    assert len(table(manager(site))) - 1 == len(audit.entries(site.reference, 100))


def test_nobody_else_gets_the_table(site: Site) -> None:
    for refused in (reader(site), reader(site, role="administrator")):
        assert refused.get("/audit.csv").status_code == 403
    assert site.get("/audit.csv").headers["Location"].startswith("/sign-in")
    assert not audit.entries(site.reference, 5, action="audit.downloaded")


# What gives a key or a household away is entered


@pytest.mark.parametrize("look", ["page", "renewed"])
def test_looking_at_one_phone_s_code_is_entered(site: Site, look: str) -> None:
    made = site.user("canvasser", "hamlet:0000101")
    someone = reader(site, "00001", role="commune_supervisor")
    assert 'class="qr"' in someone.get(f"/users/{made.id}").text
    if look == "renewed":
        someone.post(f"/users/{made.id}/renew", someone.get("/users").text)
        someone.get(f"/users/{made.id}")
    shown = audit.entries(site.reference, 5, action="user.card")
    assert [one.subject for one in shown] == [str(made.id)] * (2 if look == "renewed" else 1)
    assert {one.user_name for one in shown} == {someone_name(site)}


def someone_name(site: Site) -> str:
    return f"reader {site.made - 1}"


def test_an_account_without_a_code_enters_nothing(site: Site) -> None:
    made = site.user("planner", name="Lan", password="mười hai chữ cái")
    gone = site.user("canvasser", "hamlet:0000101")
    someone = manager(site)
    someone.post(f"/users/{gone.id}/end", someone.get("/users").text)
    for number in (made.id, gone.id):
        assert someone.get(f"/users/{number}").status_code == 200
    assert audit.entries(site.reference, 5, action="user.card") == []


def test_a_file_that_is_no_picture_is_entered_when_it_is_taken(site: Site) -> None:
    site.phone().send(House("uuid:1", photo="a.jpg").form({"a.jpg": b"\xff\xd8\xff x", "audit.csv": b"event"}))
    someone = reader(site)
    page = someone.get("/submission/uuid:1").text
    files = {each for each in page.split('"') if "/files/" in each}
    assert len(files) == 2
    for each in files:
        assert someone.get(each).status_code == 200
    (entry,) = audit.entries(site.reference, 5, action="submission.downloaded")
    assert entry.subject == "uuid:1" and len(entry.facts["file"]) == 12
    assert "tệp: " in entries(manager(site).get("/audit").text)


def test_the_trail_s_page_stays_in_no_cache(site: Site) -> None:
    assert manager(site).get("/audit").headers["Cache-Control"] == "private, no-store"


def test_who_looked_at_a_household_is_asked_from_its_submission(site: Site) -> None:
    someone, phone, house = manager(site), site.phone(), House("uuid:1")
    for sent in (house, house.edited("uuid:2", head="Nông Thị Na"), House("uuid:3"), House("uuid:33")):
        phone.send(sent.form())
    with site.reference.database.read() as connection:
        of, other = (edits.household_of(connection, each) for each in ("uuid:2", "uuid:3"))
    assert of is not None and other is not None and of != other
    for subject in ("uuid:1", "uuid:2", "uuid:3", "uuid:33"):
        note(site, "submission.seen", subject, (8, "Lan"))
    note(site, "slip.given", "7", campaign=of[0], household=of[1])
    note(site, "slip.given", "8", campaign=of[0], household=other[1])
    for path in ("/audit", "/audit.csv"):
        assert 'uuid:3"' in someone.get(path).text or "uuid:3," in someone.get(path).text
    page = someone.get("/submission/uuid:2").text
    (address,) = [each for each in page.split('"') if each.startswith("/audit?about=")]
    shown = someone.get(address).text
    listed = [row for row in entries(shown).split("<tr>") if "Lan" in row]
    assert [
        each for row in listed for each in ("uuid:1", "uuid:2", "uuid:3", "uuid:33") if f"<code>{each}<" in row
    ] == [
        "uuid:2",
        "uuid:1",
    ]
    assert len(listed) == 3  # the slip of that household too, and no other
    assert "không ghi tên hộ nào" in shown
    assert {row[7] for row in table(someone, about="uuid:1")[1:] if row[3] == "Lan"} == {"uuid:1", "uuid:2", "7"}
    assert len(table(someone, about="uuid:nobody")) == 1


def test_only_who_reads_the_whole_trail_is_led_to_it(site: Site) -> None:
    site.phone().send(House("uuid:1").form())
    for someone in (everywhere(site, "planner"), reader(site, "00001", role="administrator")):
        assert "/audit" not in someone.get("/submission/uuid:1").text
        assert someone.get("/audit", about="uuid:1").status_code == 403
