"""The life of a form: a draft with phones of its own, published, offered, closed; and who may do none of it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from mapper.errors import Conflict
from mapper.services import publish
from mapper.store import tables
from tests.client.collect import Collect, FilledForm, NotAccepted
from tests.client.site import (
    CAMPAIGN,
    CHOICES,
    COMMUNES,
    HAMLETS,
    NEXT_VERSION,
    SURVEY,
    VERSION,
    House,
    Site,
    workbook,
    write_house_check,
)
from tests.web.test_pages import Reader, reader

LONGER = SURVEY + "text | remarks | Ghi chú | |\n"
MOVED = SURVEY.replace("| born      |", "| dob       |")
HOUSE = House("uuid:1", photo="a.jpg")
BESIDE = {"campaign.toml": CAMPAIGN, "communes.csv": COMMUNES, "hamlets.csv": HAMLETS}


def manager(site: Site) -> Reader:
    """An administrator of everything."""
    return everywhere(site, "administrator")


def everywhere(site: Site, role: str) -> Reader:
    password = "mười hai chữ cái"
    return Reader(site, site.user(role, name=f"{role} {site.made}", password=password).name)


def house_check(version: str = NEXT_VERSION, survey: str = LONGER) -> bytes:
    return workbook("house_check", "Thăm nhà", version, survey, CHOICES)


def packed(files: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"chien-dich/{name}", content)
    return file.getvalue()


def upload(someone: Reader, *files: tuple[str, bytes]) -> requests.Response:
    token = re.search(r'name="csrf_token" value="([^"]+)"', someone.get("/submissions").text)
    assert token
    return someone.session.post(
        f"{someone.site.url}/forms",
        data={"csrf_token": token[1]},
        files=[("files", file) for file in files],
        timeout=60,
        allow_redirects=False,
    )


def draft(someone: Reader, content: bytes | None = None) -> str:
    """Make a draft of house_check's next version; the address of its phones' server."""
    reply = upload(someone, ("house_check.xlsx", content or house_check()))
    assert reply.status_code == 302, reply.text
    return trial_address(someone)


def trial_address(someone: Reader, form_id: str = "house_check") -> str:
    found = re.search(r"<code>(http[^<]+/test/[^<]+)</code>", someone.get(f"/form/{form_id}/draft").text)
    assert found
    return found[1]


def post(someone: Reader, path: str, fields: Mapping[str, str | Sequence[str]] | None = None) -> requests.Response:
    return someone.post(path, someone.get("/submissions").text, **(fields or {}))  # type: ignore[arg-type]


def publish_it(someone: Reader, confirmed: Sequence[str] = ()) -> requests.Response:
    md5 = re.search(r'name="md5" value="([^"]+)"', someone.get("/form/house_check/draft").text)
    assert md5
    return post(someone, "/form/house_check/publish", {"md5": md5[1], "confirmed": confirmed})


def phone(site: Site, address: str) -> Collect:
    """A phone that scanned a trial's code."""
    site.phones.append(Collect(address))
    return site.phones[-1]


def refusal(trier: Collect, form: FilledForm) -> int:
    with pytest.raises(NotAccepted) as refused:
        trier.send(form)
    return refused.value.status


def versions(someone: Collect) -> set[tuple[str, str]]:
    """What is on a phone once it has asked."""
    someone.match_exactly()
    return set(someone.forms)


def ask(address: str, path: str) -> requests.Response:
    return requests.get(f"{address}{path}", headers={"X-OpenRosa-Version": "1.0"}, timeout=60)


# Who may


@pytest.mark.parametrize("role", ["supervisor", "commune_supervisor", "planner"])
def test_only_an_administrator_of_everything_manages_forms(sqlite_site: Site, role: str) -> None:
    site = sqlite_site
    draft(manager(site))
    others = [reader(site, role=role), reader(site, role="administrator")]
    before = site.rows("forms", "form_drafts")
    for someone in others:
        assert someone.get("/forms").status_code == 403
        assert someone.get("/form/house_check/draft").status_code == 403
        assert upload(someone, ("house_check.xlsx", house_check())).status_code == 403
        for action in ("publish", "delete-draft", "delete-tried", "close", "offer"):
            assert post(someone, f"/form/house_check/{action}", {"version": VERSION}).status_code == 403, action
        assert 'href="/forms"' not in someone.get("/submissions").text
    assert site.rows("forms", "form_drafts") == before
    assert site.get("/forms").headers["Location"].startswith("/sign-in")
    assert 'href="/forms"' in manager(site).get("/submissions").text


# Trying


def test_a_draft_reaches_its_own_phones_and_no_others(site: Site) -> None:
    address = draft(manager(site))
    assert versions(site.phone()) == {("house_check", VERSION), ("plain", "1")}
    trier = phone(site, address)
    assert versions(trier) == {("house_check", NEXT_VERSION)}
    got = trier.forms["house_check", NEXT_VERSION]
    assert b"remarks" in got.xform
    assert got.media["hamlets.csv"] == HAMLETS.encode()


def test_what_a_trial_sends_counts_nowhere_and_can_be_deleted(site: Site) -> None:
    someone = manager(site)
    trier = phone(site, draft(someone))
    before = site.rows("submissions", "households", "attachments")
    tried = HOUSE.but(version=NEXT_VERSION)
    assert trier.send(tried.form({"a.jpg": b"\xff\xd8\xff photo"})).statuses == (201,)
    assert trier.send(tried.form({"a.jpg": b"\xff\xd8\xff photo"})).statuses == (201,)
    assert trier.send(tried.but(instance_id="uuid:2").form()).statuses == (201,)
    assert site.rows("submissions", "households", "attachments") == before
    page = someone.get("/form/house_check/draft").text
    assert page.count("<summary>") - page.count("advise") >= 2
    assert "Nông Thị Mỷ" in page
    assert "Đã gặp" in page
    blobs = len(site.rows("blobs")["blobs"])
    assert post(someone, "/form/house_check/delete-tried", {"instance_id": "uuid:1"}).status_code == 302
    assert {row[0] for row in site.rows("draft_submissions")["draft_submissions"]} == {"uuid:2"}
    assert len(site.rows("blobs")["blobs"]) == blobs - 1
    assert post(someone, "/form/house_check/delete-tried").status_code == 302
    assert site.rows("draft_submissions")["draft_submissions"] == set()


def test_photos_of_a_trial_are_shown_and_its_other_files_can_be_saved(sqlite_site: Site) -> None:
    site = sqlite_site
    someone = manager(site)
    trier = phone(site, draft(someone))
    picture, script = b"\xff\xd8\xff photo", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    trier.send(HOUSE.but(version=NEXT_VERSION).form({"a.jpg": picture, "x.svg": script}))
    page = someone.get("/form/house_check/draft").text
    shown = re.findall(r'src="(/form/[^"]+/files/[^"]+)"', page)
    saved = re.findall(r'href="(/form/[^"]+/files/[^"]+)" download>x.svg', page)
    assert (len(shown), len(saved)) == (1, 1)
    photo, other = someone.get(shown[0]), someone.get(saved[0])
    assert (photo.content, photo.headers["Content-Type"]) == (picture, "image/jpeg")
    assert (other.content, other.headers["Content-Type"]) == (script, "application/octet-stream")
    for reply in (photo, other):
        assert reply.headers["Content-Disposition"].startswith("attachment;")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert reader(site).get(shown[0]).status_code == 403
    assert site.get(shown[0]).headers["Location"].startswith("/sign-in")
    for wrong in (
        shown[0].replace("house_check", "plain"),
        shown[0].replace("uuid:1", "uuid:9"),
        shown[0][:-1] + ("0" if shown[0][-1] != "0" else "1"),
    ):
        assert someone.get(wrong).status_code == 404, wrong


def test_a_trial_s_submission_with_other_answers_or_of_another_form_is_refused(sqlite_site: Site) -> None:
    site = sqlite_site
    trier = phone(site, draft(manager(site)))
    tried = HOUSE.but(version=NEXT_VERSION)
    assert trier.send(tried.form()).statuses == (201,)
    assert refusal(trier, tried.but(head="ai khác").form()) == 409
    assert refusal(trier, tried.but(instance_id="uuid:3", form_id="plain").form()) == 400
    assert refusal(trier, FilledForm("x.xml", b"<data/>", {})) == 400
    assert {row[0] for row in site.rows("draft_submissions")["draft_submissions"]} == {"uuid:1"}


def test_files_that_come_later_join_their_trial_submission(sqlite_site: Site) -> None:
    site = sqlite_site
    someone = manager(site)
    trier = phone(site, draft(someone))
    tried = HOUSE.but(version=NEXT_VERSION)
    trier.send(tried.form())
    assert "chưa nhận được" in someone.get("/form/house_check/draft").text
    trier.send(tried.form({"a.jpg": b"photo"}))
    assert "chưa nhận được" not in someone.get("/form/house_check/draft").text


def test_a_new_upload_replaces_the_draft_under_the_same_code(sqlite_site: Site) -> None:
    someone = manager(sqlite_site)
    first = draft(someone)
    before = ask(first, "/form.xml").content
    assert draft(someone, house_check(survey=LONGER + "text | more | Thêm | |\n")) == first
    after = ask(first, "/form.xml").content
    assert b"/data/more" not in before
    assert b"/data/more" in after


def test_a_deleted_draft_s_code_opens_nothing(sqlite_site: Site) -> None:
    someone = manager(sqlite_site)
    address = draft(someone)
    assert ask(address, "/formList").status_code == 200
    assert post(someone, "/form/house_check/delete-draft").status_code == 302
    for path in ("/formList", "/form.xml", "/manifest", "/media/hamlets.csv", "/integrity"):
        reply = ask(address, path)
        assert (reply.status_code, reply.headers["Content-Type"]) == (403, "text/xml; charset=utf-8"), path
        assert "OpenRosaResponse" in reply.text
    assert requests.head(f"{address}/submission", timeout=60).status_code == 403
    assert someone.get("/form/house_check/draft").status_code == 404
    again = draft(someone)
    assert again != address
    assert ask(address, "/formList").status_code == 403


# Uploading


def test_a_zip_of_the_folder_makes_a_draft_of_every_form_in_it(sqlite_site: Site) -> None:
    someone = manager(sqlite_site)
    other = workbook("second", "Phiếu hai", "1", SURVEY, CHOICES)
    reply = upload(someone, ("c.zip", packed({"house_check.xlsx": house_check(), "second.xlsx": other, **BESIDE})))
    assert (reply.status_code, reply.headers["Location"]) == (302, "/forms?done=made")
    page = someone.get("/forms").text
    assert 'href="/form/house_check/draft"' in page
    assert 'href="/form/second/draft"' in page
    assert "Phiếu hai" in page


def test_what_a_known_form_lacks_is_taken_from_its_published_version(sqlite_site: Site) -> None:
    someone = manager(sqlite_site)
    address = draft(someone)
    assert ask(address, "/media/communes.csv").content == COMMUNES.encode()
    assert publish_it(someone).status_code == 302
    # A form that nobody knows brings everything along.
    lone = upload(someone, ("new.xlsx", workbook("new", "Mới", "1", SURVEY, CHOICES)))
    assert lone.status_code == 400
    assert "campaign.toml" in lone.text


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.zip", b"PK broken", "hỏng"),
        ("a.csv", b"x", "Không có XLSForm nào"),
        ("a.xlsx", b"no workbook", "a.xlsx"),
    ],
)
def test_an_upload_that_makes_no_form_is_told_on_the_page(
    sqlite_site: Site, name: str, content: bytes, told: str
) -> None:
    reply = upload(manager(sqlite_site), (name, content))
    assert reply.status_code == 400
    assert 'role="alert"' in reply.text
    assert told in reply.text
    assert "/tmp" not in reply.text
    assert sqlite_site.rows("form_drafts")["form_drafts"] == set()


def test_an_upload_of_nothing_is_refused(sqlite_site: Site) -> None:
    assert upload(manager(sqlite_site), ("", b"")).status_code == 400


# Publishing


def test_a_published_draft_is_the_form_that_phones_get(site: Site) -> None:
    someone = manager(site)
    address = draft(someone)
    site.phone().send(HOUSE.form())
    assert publish_it(someone).status_code == 302
    canvasser = site.phone()
    assert versions(canvasser) == {("house_check", NEXT_VERSION), ("plain", "1")}
    assert ask(address, "/formList").status_code == 403
    # Phones that still have the old version go on sending it.
    assert canvasser.send(HOUSE.but(instance_id="uuid:old").form()).statuses == (201,)
    assert canvasser.send(HOUSE.but(instance_id="uuid:new", version=NEXT_VERSION).form()).statuses == (201,)
    assert {site.state(each) for each in ("uuid:1", "uuid:old", "uuid:new")} == {"processed"}
    a = tables.audit
    with site.reference.database.read() as connection:
        told = connection.execute(select(a.c.action, a.c.facts).where(a.c.subject == "house_check")).all()
    assert [row.action for row in told][-2:] == ["form.draft", "form.published"]
    assert NEXT_VERSION in told[-1].facts


def test_a_draft_that_was_replaced_meanwhile_is_not_published(sqlite_site: Site) -> None:
    someone = manager(sqlite_site)
    draft(someone)
    seen = re.search(r'name="md5" value="([^"]+)"', someone.get("/form/house_check/draft").text)
    assert seen
    draft(someone, house_check(survey=SURVEY))
    assert post(someone, "/form/house_check/publish", {"md5": seen[1]}).status_code == 409
    assert publish_it(someone).status_code == 302


def test_a_version_that_is_out_with_other_content_cannot_be_published_again(sqlite_site: Site) -> None:
    someone = manager(sqlite_site)
    draft(someone, house_check(version=VERSION))
    page = someone.get("/form/house_check/draft").text
    assert f"Phiên bản {VERSION} đã được phát hành với nội dung khác" in page
    assert 'name="md5"' not in page
    before = sqlite_site.rows("forms")
    with sqlite_site.reference.database.read() as connection:
        md5 = str(connection.scalar(select(tables.form_drafts.c.md5)))
    assert post(someone, "/form/house_check/publish", {"md5": md5}).status_code == 409
    assert sqlite_site.rows("forms") == before


# Roles


def test_a_role_that_moves_is_refused_until_its_mapping_is_confirmed(site: Site) -> None:
    someone = manager(site)
    site.phone().send(HOUSE.form())
    draft(someone, house_check(survey=MOVED))
    page = someone.get("/form/house_check/draft").text
    assert "person.birth_date: từ câu hỏi born sang dob" in page
    before = site.rows("forms", "form_drafts")
    for wrong in ((), ("person.birth_date:born=",), ("person.birth_date:born=dob2",)):
        reply = publish_it(someone, wrong)
        assert reply.status_code == 409
        assert "person.birth_date:born=dob" in reply.text
    assert site.rows("forms", "form_drafts") == before
    assert publish_it(someone, ("person.birth_date:born=dob",)).status_code == 302
    # An edit made with the new version shows no change where the question was only renamed.
    edit = HOUSE.edited("uuid:2", version=NEXT_VERSION, head="Người khác").xml
    edit = edit.replace(b"<born>", b"<dob>").replace(b"</born>", b"</dob>")
    site.phone().send(FilledForm("e.xml", edit, {}))
    page = someone.get("/submission/uuid:2").text
    assert page.count("<del>") == 1
    assert "<ins>Người khác</ins>" in page


def test_the_command_line_s_publishing_asks_the_same(sqlite_site: Site, tmp_path: Path) -> None:
    folder = write_house_check(tmp_path / "moved", NEXT_VERSION, MOVED)
    with pytest.raises(Conflict, match=r"person\.birth_date:born=dob"):
        publish.publish(sqlite_site.reference, folder)
    made = publish.publish(sqlite_site.reference, folder, confirmed=("person.birth_date:born=dob",))
    assert [form.change for form in made.forms] == ["new"]


# Closing


def test_a_closed_form_is_listed_no_more_and_late_submissions_are_taken(site: Site) -> None:
    someone, canvasser = manager(site), site.phone()
    assert ("house_check", VERSION) in versions(canvasser)
    assert post(someone, "/form/house_check/close").status_code == 302
    assert "đã đóng" in someone.get("/forms").text
    assert versions(canvasser) == {("plain", "1")}
    assert canvasser.send(HOUSE.form()).statuses == (201,)
    assert site.state("uuid:1") == "processed"
    assert post(someone, "/form/house_check/close").status_code == 404
    assert post(someone, "/form/house_check/offer", {"version": VERSION}).status_code == 302
    assert ("house_check", VERSION) in versions(canvasser)
    assert post(someone, "/form/house_check/offer", {"version": "7"}).status_code == 404


def test_versions_are_listed_with_what_came_of_each(site: Site) -> None:
    someone = manager(site)
    for instance_id, version in (("uuid:1", VERSION), ("uuid:2", VERSION), ("uuid:3", "1999")):
        site.phone().send(HOUSE.but(instance_id=instance_id, version=version).form())
    page = someone.get("/forms").text
    rows = {
        found[1]: found[2]
        for found in re.finditer(r'<th scope="row">(\S+)</th>.*?<td data-title="Phiếu">(\d+)</td>', page, re.DOTALL)
    }
    assert rows == {VERSION: "2", "1999": "1", "1": "0"}
    assert "chưa từng; điện thoại gửi về" in page
