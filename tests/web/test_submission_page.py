"""One submission in the browser: its answers in words, versions, photos, review; and who is shown none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from sqlalchemy import select

from mapper.store import submissions, tables
from tests.client.collect import FilledForm
from tests.client.site import VERSION, House, Site
from tests.web.test_pages import Reader, reader

JPEG = b"\xff\xd8\xff\xe0 a picture"
SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HOUSE = House("uuid:1", photo="nhà.jpg")


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


def address(instance_id: str, *more: str) -> str:
    return "/".join((f"/submission/{quote(instance_id, safe=':')}", *more))


def file_address(site: Site, instance_id: str, name: str) -> str:
    a = tables.attachments
    with site.reference.database.read() as connection:
        sha256 = connection.scalar(
            select(a.c.sha256).where(a.c.instance_id == instance_id, a.c.name == name).order_by(a.c.turn.desc())
        )
    return address(instance_id, "files", str(sha256))


# Answers


def test_answers_stand_in_the_form_s_own_words(site: Site) -> None:
    site.phone().send(HOUSE.form())
    page = reader(site).get(address("uuid:1")).text
    for shown in ("Chủ hộ", "Nông Thị Mỷ", "Đã gặp", "Xã Một", "Thôn Đông", "04/05/1980", "sai số 6 m", "Thành viên 1"):
        assert shown in page, shown
    assert "interviewed" not in page
    assert "0000101" not in page


def test_an_answer_is_text_and_never_markup(site: Site) -> None:
    site.phone().send(HOUSE.but(head="<script>alert(1)</script>").form())
    page = reader(site).get(address("uuid:1")).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_a_submission_whose_form_version_is_unknown_is_shown_in_the_words_of_the_one_that_is(site: Site) -> None:
    site.phone().send(HOUSE.but(version="1999").form())
    page = reader(site).get(address("uuid:1")).text
    assert "Phiên bản 1999 của biểu mẫu chưa từng được phát hành" in page
    assert "Chủ hộ" in page
    site.phone().send(HOUSE.but(instance_id="uuid:2").form())
    assert "chưa từng được phát hành" not in reader(site).get(address("uuid:2")).text


def test_the_lists_link_to_the_page(site: Site) -> None:
    site.phone().send(HOUSE.form())
    site.phone().send(HOUSE.but(instance_id="uuid:waits", version="1999").form())
    site.phone().send(HOUSE.but(instance_id="uuid:odd", location="22.05 105.15 300 6.5").form())
    page = reader(site).get("/submissions").text
    for instance_id in ("uuid:1", "uuid:waits", "uuid:odd"):
        assert f'href="{address(instance_id)}"' in page, instance_id


# Who sees it


@pytest.mark.parametrize("path", [("",), ("xml",), ("files", "0" * 64)])
def test_another_area_s_submission_is_not_there(site: Site, path: tuple[str, ...]) -> None:
    site.phone().send(HOUSE.form({"nhà.jpg": JPEG}))
    more = tuple(part for part in path if part)
    wanted = file_address(site, "uuid:1", "nhà.jpg") if "files" in more else address("uuid:1", *more)
    for area in ("00002", "hamlet:0000102"):
        assert reader(site, area).get(wanted).status_code == 404
    for area in ("00001", "hamlet:0000101"):
        assert reader(site, area).get(wanted).status_code == 200
    assert site.get(wanted).headers["Location"].startswith("/sign-in")
    assert site.get(wanted, site.user("canvasser", "00001").token).status_code == 403


def test_a_submission_that_is_nowhere_is_told_the_same_way(site: Site) -> None:
    site.phone().send(HOUSE.form())
    stranger = reader(site, "00002")
    there, nowhere = stranger.get(address("uuid:1")), stranger.get(address("uuid:9"))
    assert (there.status_code, nowhere.status_code) == (404, 404)
    told = [re.sub(r'name="csrf_token" value="[^"]*"', "", one.text) for one in (there, nowhere)]
    assert told[0].replace("uuid:1", "uuid:9") == told[1]


def test_an_edit_that_moves_the_house_takes_its_versions_along(site: Site) -> None:
    site.phone().send(HOUSE.form())
    moved = HOUSE.edited("uuid:2", commune="00002", hamlet="0000201", location="22.05 105.15 300 6.5")
    site.phone().send(moved.form())
    for instance_id in ("uuid:1", "uuid:2"):
        assert reader(site, "00001").get(address(instance_id)).status_code == 404
        assert reader(site, "00002").get(address(instance_id)).status_code == 200


def test_a_form_without_roles_is_seen_by_who_oversees_its_sender(site: Site) -> None:
    phone = site.phone(site.user("canvasser", "hamlet:0000101").token)
    meta = "<meta><instanceID>uuid:w</instanceID></meta>"
    xml = f'<data id="plain" version="1"><place>Giếng</place>{meta}</data>'.encode()
    phone.send(FilledForm("w.xml", xml, {}))
    assert "Giếng" in reader(site, "00001").get(address("uuid:w")).text
    assert reader(site, "00002").get(address("uuid:w")).status_code == 404


# Files


def test_a_photo_is_shown_and_served_as_a_file_to_save(site: Site) -> None:
    site.phone().send(HOUSE.form({"nhà.jpg": JPEG}))
    someone, wanted = reader(site), file_address(site, "uuid:1", "nhà.jpg")
    assert f'src="{wanted}"' in someone.get(address("uuid:1")).text
    reply = someone.get(wanted)
    assert reply.content == JPEG
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''nh%C3%A0.jpg"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert reply.headers["Cache-Control"] == "private, no-store"


def test_what_only_calls_itself_a_photo_is_no_picture(site: Site) -> None:
    site.phone().send(HOUSE.form({"nhà.jpg": SCRIPT}))
    someone, wanted = reader(site), file_address(site, "uuid:1", "nhà.jpg")
    assert f'src="{wanted}"' not in someone.get(address("uuid:1")).text
    assert someone.get(wanted).headers["Content-Type"] == "application/octet-stream"


HOSTILE = {
    'x".html\r\nX-Injected: 1': b"<!DOCTYPE html><script>alert(1)</script>",
    "../../x.svg": SCRIPT,
    "x.jpg": b"GIF89a<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>.xml": b"<?xml-stylesheet href='x'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
}


@pytest.mark.parametrize("name", HOSTILE, ids=["page", "drawing", "picture with a script", "xml"])
def test_a_hostile_file_is_saved_and_never_run(site: Site, name: str) -> None:
    """However it came here: no phone's name for a file, and nothing in it, makes the browser do anything."""
    site.phone().send(HOUSE.form())
    content = HOSTILE[name]
    with site.reference.database.write() as connection:
        sha256 = submissions.save_blob(site.reference.database, connection, content)
        row = {"instance_id": "uuid:1", "name": name, "sha256": sha256, "turn": 9, "received_at": "2022-08-15T01:02:03"}
        connection.execute(tables.attachments.insert().values(row))
    someone = reader(site)
    page = someone.get(address("uuid:1")).text
    assert sha256 in page
    assert "<img src=x" not in page and 'x".html' not in page
    reply = someone.get(address("uuid:1", "files", sha256))
    assert reply.content == content
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert reply.headers["Content-Disposition"].isprintable() and '"' not in reply.headers["Content-Disposition"]
    assert "X-Injected" not in reply.headers
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Content-Type"] in ("application/octet-stream", "image/gif")


def test_a_photo_that_has_not_come_is_said_to_be_missing(site: Site) -> None:
    site.phone().send(HOUSE.form())
    assert "chưa nhận được" in reader(site).get(address("uuid:1")).text
    site.phone().send(HOUSE.form({"nhà.jpg": JPEG}))
    assert "chưa nhận được" not in reader(site).get(address("uuid:1")).text


def test_an_edit_shows_the_photo_that_came_with_its_original(site: Site) -> None:
    site.phone().send(HOUSE.form({"nhà.jpg": JPEG}))
    site.phone().send(HOUSE.edited("uuid:2").form())
    assert f'src="{file_address(site, "uuid:1", "nhà.jpg")}"' in reader(site).get(address("uuid:2")).text


def test_a_file_of_another_submission_is_not_served_under_this_one(site: Site) -> None:
    site.phone().send(HOUSE.form({"nhà.jpg": JPEG}))
    site.phone().send(HOUSE.but(instance_id="uuid:2").form())
    stolen = file_address(site, "uuid:1", "nhà.jpg").replace("uuid:1", "uuid:2")
    assert reader(site).get(stolen).status_code == 404


def test_the_xml_is_downloaded_byte_for_byte_and_the_trail_says_so(site: Site) -> None:
    site.phone().send(HOUSE.form())
    someone = reader(site)
    reply = someone.get(address("uuid:1", "xml"))
    assert reply.content == HOUSE.xml
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''1.xml"
    with site.reference.database.read() as connection:
        a = tables.audit
        told = connection.execute(select(a.c.subject, a.c.user_name).where(a.c.action == "submission.downloaded")).all()
    assert [row.subject for row in told] == ["uuid:1"]


# Versions


def test_versions_tell_what_each_edit_changed(site: Site) -> None:
    site.phone().send(HOUSE.form())
    site.phone().send(HOUSE.edited("uuid:2", outcome="absent", head="Nông Văn Páo").form())
    page = reader(site).get(address("uuid:2")).text
    for before, after in (("Đã gặp", "Vắng nhà"), ("Nông Thị Mỷ", "Nông Văn Páo")):
        assert f"<td><del>{before}</del></td><td><ins>{after}</ins></td>" in page
    assert page.count("<del>") == 2
    old = reader(site).get(address("uuid:1")).text
    assert "Phiếu này sau đó đã được sửa." in old
    assert f'href="{address("uuid:2")}"' in old


def test_a_person_taken_out_by_an_edit_is_among_the_changes(site: Site) -> None:
    two = HOUSE.but(people=(("Lan", "1980-01-01", ""), ("Páo", "1990-02-03", "")))
    site.phone().send(two.form())
    site.phone().send(two.edited("uuid:2", people=two.people[:1]).form())
    page = reader(site).get(address("uuid:2")).text
    assert '<td><del>Páo</del></td><td><span class="soft">–</span></td>' in page
    assert "<del>Lan</del>" not in page
    heading = re.search(r'<details class="changes-of">\s*<summary>(.*?)</summary>', page, re.DOTALL)
    assert heading and "Thành viên 2: Páo" in heading[1] and "bỏ ra" in heading[1]


def test_who_stands_behind_one_taken_out_is_not_among_the_changes(site: Site) -> None:
    three = HOUSE.but(people=(("Lan", "1980-01-01", ""), ("Páo", "1990-02-03", ""), ("Mỷ", "2001-03-04", "")))
    site.phone().send(three.form())
    fewer = (three.people[0], ("Mỷ", "2001-03-04", "2022-08-10"))
    site.phone().send(three.edited("uuid:2", people=fewer).form())
    page = reader(site).get(address("uuid:2")).text
    assert page.count('class="changes-of"') == 2
    assert "Thành viên 2: Mỷ" in page
    assert '<td><span class="soft">–</span></td><td><ins>10/08/2022</ins></td>' in page
    assert "<del>Mỷ</del>" not in page and "<del>04/03/2001</del>" not in page
    site.phone().send(three.edited("uuid:3", people=three.people).but(deprecated_id="uuid:2").form())
    page = reader(site).get(address("uuid:3")).text
    assert page.count("thêm vào") == 1 and page.count("bỏ ra") == 1


# Review


def review(someone: Reader, instance_id: str, **fields: str) -> int:
    page = someone.get("/submissions").text
    return someone.post(address(instance_id, "remarks"), page, **fields).status_code


def test_a_review_and_its_comment_stand_on_every_version(site: Site) -> None:
    site.phone().send(HOUSE.form())
    someone = reader(site, "00001", role="commune_supervisor")
    assert "chưa duyệt" in someone.get(address("uuid:1")).text
    assert review(someone, "uuid:1", review="has_issues", words="Ngày sinh?\n<b>Hỏi lại.</b>") == 302
    page = someone.get(address("uuid:1")).text
    assert "Ngày sinh?\n&lt;b&gt;Hỏi lại.&lt;/b&gt;" in page
    assert '<span class="tag tag-has_issues">có vấn đề</span>' in page
    site.phone().send(HOUSE.edited("uuid:2").form())
    edited = someone.get(address("uuid:2")).text
    assert "Hỏi lại." in edited
    assert '<span class="tag tag-received">chưa duyệt</span>' in edited
    assert review(someone, "uuid:2", review="approved", words="") == 302
    assert '<span class="tag tag-approved">đã duyệt</span>' in someone.get(address("uuid:2")).text


def test_submissions_are_listed_by_their_review(site: Site) -> None:
    site.phone().send(HOUSE.form())
    site.phone().send(HOUSE.but(instance_id="uuid:2").form())
    site.phone().send(HOUSE.but(instance_id="uuid:3", commune="00002", location="22.05 105.15 300 6.5").form())
    someone = reader(site, "00001")
    review(someone, "uuid:2", review="approved")
    pages = {
        each: someone.get("/submissions", review=each).text for each in ("approved", "received", "has_issues", "?")
    }
    ids = ("uuid:1", "uuid:2", "uuid:3")
    listed = {wanted: [each for each in ids if address(each) in page] for wanted, page in pages.items()}
    assert listed == {
        "approved": ["uuid:2"],
        "received": ["uuid:1"],
        "has_issues": [],
        "?": ["uuid:1", "uuid:2"],
    }


def test_a_review_is_refused_for_what_it_is_not(site: Site) -> None:
    site.phone().send(HOUSE.form())
    before = site.rows("remarks", "submissions")
    assert review(reader(site), "uuid:1", review="fine") == 400
    assert review(reader(site), "uuid:1", review="", words="  ") == 400
    assert review(reader(site), "uuid:1", review="", words="x" * 4001) == 400
    assert review(reader(site, "00002"), "uuid:1", review="approved") == 404
    assert review(reader(site, role="planner"), "uuid:1", review="approved") == 403
    assert site.rows("remarks", "submissions") == before
    assert review(reader(site), "uuid:1", review="", words="x" * 4000) == 302


def test_a_review_without_the_page_s_word_is_refused(site: Site) -> None:
    site.phone().send(HOUSE.form())
    someone = reader(site)
    reply = someone.session.post(
        site.url + address("uuid:1", "remarks"), data={"review": "approved"}, timeout=60, allow_redirects=False
    )
    assert reply.status_code == 400
    assert site.rows("remarks")["remarks"] == set()


def test_the_trail_names_the_review_but_not_the_comment(site: Site) -> None:
    site.phone().send(HOUSE.form())
    review(reader(site), "uuid:1", review="approved", words="Nông Thị Mỷ đã tiêm")
    a = tables.audit
    with site.reference.database.read() as connection:
        row = connection.execute(select(a).where(a.c.action == "submission.reviewed")).one()
    assert row.subject == "uuid:1"
    assert row.facts == '{"before":"received","review":"approved"}'


def test_the_form_s_version_is_named(site: Site) -> None:
    site.phone().send(HOUSE.form())
    assert f"house_check · {VERSION}" in reader(site).get(address("uuid:1")).text
