"""Sending: what is kept and counted, once, whatever the line does and in whatever order edits come."""

from __future__ import annotations

import io
import itertools
import threading
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from mapper.errors import Conflict, InvalidInput
from mapper.language import translate
from mapper.services import publish, rebuilding, review
from mapper.settings import Settings
from mapper.store import submissions, tables
from mapper.web.installation import Installation
from mapper.web.phones import PROBLEM, ShortCut
from tests.client.collect import Collect, Fault, FilledForm, NotAccepted, chunks, multipart
from tests.client.site import (
    NEXT_VERSION,
    VERSION,
    House,
    Site,
    workbook,
    write_house_check,
)
from tests.services.town import EVERYTHING

pytestmark = pytest.mark.long

# The household of the tests: two people of five and older, one of them vaccinated.
MOTHER = ("Nông Thị Mỷ", "1980-05-04", "2021-08-10")
SON = ("Hoàng Văn Đức", "2005-03-01", "")
HOUSE = House("uuid:house-1", people=(MOTHER, SON))


def figures(site: Site, place: str = "total", level: str = "hamlet") -> tuple[int, int, int]:
    """(households visited, people eligible, vaccinated) of a place on 31 August 2022."""
    name = "the administrator"
    row = site.coverage(site.user("administrator", name=name).token, level)[place]
    assert isinstance(row, dict)
    return row["households_visited"], row["eligible"], row["vaccinated"]


def kept(site: Site) -> dict[str, str]:
    """State by instance id of everything kept."""
    s = tables.submissions
    with site.reference.database.read() as connection:
        return {row.instance_id: row.state for row in connection.execute(select(s.c.instance_id, s.c.state))}


def raw(site: Site, instance_id: str) -> bytes:
    """The XML as it is kept."""
    s = tables.submissions
    with site.reference.database.read() as connection:
        i = tables.instances
        return bytes(
            connection.execute(
                select(i.c.xml).join(s, s.c.seq == i.c.seq).where(s.c.instance_id == instance_id)
            ).scalar_one()
        )


def reasons(site: Site) -> dict[str, str]:
    """Why what does not count does not, in English, by instance id."""
    return {one.instance_id: one.message.format(**one.facts) for one in review.troubled(site.reference, EVERYTHING)}


def found(site: Site) -> set[str]:
    """Codes of all findings."""
    with site.reference.database.read() as connection:
        return set(connection.scalars(select(tables.findings.c.code)))


# May I?


def test_head_says_yes_and_how_much(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = requests.head(f"{sqlite_site.url}/key/{token}/submission?deviceID=collect%3Aabc")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["X-OpenRosa-Accept-Content-Length"] == "1000000"
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    assert "Location" not in answer.headers


# Kept and counted


def test_submission_is_kept_as_it_came_and_counts_at_once(site: Site) -> None:
    user = site.user("canvasser", "001")
    phone = site.phone(user.token)
    sent = phone.send(HOUSE.form())
    assert sent.statuses == (201,)
    assert sent.message == translate("Received. Thank you.", "vi")
    assert raw(site, "uuid:house-1") == HOUSE.xml
    assert figures(site, "0000101") == (1, 2, 1)
    assert figures(site, "0000102") == (0, 0, 0)
    for level, code in (("commune", "00001"), ("district", "001"), ("province", "01")):
        assert figures(site, code, level) == (1, 2, 1)
    s = tables.submissions
    with site.reference.database.read() as connection:
        row = connection.execute(select(s.c.sender_id, s.c.device_id, s.c.form_version)).one()
    assert tuple(row) == (user.id, "collect:aBc123", VERSION)


def test_submission_of_a_form_without_roles_is_kept_and_draws_nothing(site: Site) -> None:
    xml = (
        b'<data id="plain" version="1"><place>Gi\xe1\xba\xbfng l\xc3\xa0ng</place>'
        b"<meta><instanceID>uuid:w</instanceID></meta></data>"
    )
    assert site.phone().send(FilledForm("w.xml", xml)).statuses == (201,)
    assert (raw(site, "uuid:w"), kept(site)) == (xml, {"uuid:w": "processed"})
    assert figures(site) == (0, 0, 0)


def test_every_canvasser_may_send_and_a_supervisor_too(sqlite_site: Site) -> None:
    for number, role in enumerate(("canvasser", "commune_supervisor", "supervisor", "administrator")):
        areas = ("001",) if role != "administrator" else ()
        phone = sqlite_site.phone(sqlite_site.user(role, *areas).token)
        assert phone.send(House(f"uuid:by-{number}").form()).statuses == (201,)


def test_xml_as_a_plain_field_is_taken_too(sqlite_site: Site) -> None:
    phone = sqlite_site.phone()
    answer = requests.post(
        f"{phone.server_url}/submission", files={"xml_submission_file": (None, HOUSE.xml.decode(), "text/xml")}
    )
    assert answer.status_code == 201
    assert raw(sqlite_site, "uuid:house-1") == HOUSE.xml


def test_body_of_unknown_length_is_taken(sqlite_site: Site) -> None:
    phone = sqlite_site.phone()
    body, kind = requests.models.RequestEncodingMixin._encode_files(  # type: ignore[attr-defined]
        {"xml_submission_file": ("a.xml", HOUSE.xml)}, None
    )
    answer = requests.post(
        f"{phone.server_url}/submission",
        data=(body[at : at + 100] for at in range(0, len(body), 100)),
        headers={"Content-Type": kind},
    )
    assert answer.status_code == 201
    assert figures(sqlite_site) == (1, 2, 1)


# The line


def test_lost_reply_leaves_one_record(site: Site) -> None:
    faults = iter([Fault.LOST_REPLY, Fault.LOST_REPLY, Fault.NONE])
    phone = site.phone(bad_line=lambda: next(faults))
    assert phone.send(HOUSE.form(), tries=3).statuses == (201,)
    assert (phone.posts, phone.lost) == (3, 2)
    assert kept(site) == {"uuid:house-1": "processed"}
    assert figures(site) == (1, 2, 1)


def test_upload_broken_off_leaves_nothing_and_is_begun_anew(site: Site) -> None:
    before = site.rows()
    faults = iter([Fault.BROKEN_OFF, Fault.NONE])
    phone = site.phone(site_token := site.user("canvasser", "001").token, bad_line=lambda: next(faults))
    assert site_token
    with pytest.raises(ConnectionError):
        phone.send(HOUSE.form({"photo.jpg": b"x" * 50_000}))
    after = site.rows()
    assert {name for name in after if after[name] != before[name]} <= {"users", "user_areas", "audit"}
    assert phone.send(HOUSE.form({"photo.jpg": b"x" * 50_000})).statuses == (201,)
    assert len(site.attachments("uuid:house-1")["photo.jpg"]) == 50_000


@pytest.mark.parametrize("times", [2, 10])
def test_same_submission_at_once_leaves_one_record(site: Site, times: int) -> None:
    phones = [site.phone(site.user("canvasser", "001").token) for _ in range(times)]
    answers: list[object] = []

    def send(phone: Collect) -> None:
        try:
            answers.append(phone.send(HOUSE.form({"photo.jpg": b"JPEG"})).statuses)
        except Exception as fault:
            answers.append(fault)

    _together([threading.Thread(target=send, args=(phone,)) for phone in phones])
    assert answers == [(201,)] * times
    assert kept(site) == {"uuid:house-1": "processed"}
    assert site.attachments("uuid:house-1") == {"photo.jpg": b"JPEG"}
    assert figures(site) == (1, 2, 1)


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_other_content_under_the_same_id_is_refused_and_changes_nothing(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form({"photo.jpg": b"JPEG"}))
    before = site.rows()
    with pytest.raises(NotAccepted) as refused:
        phone.send(HOUSE.but(head="Ai khác").form({"photo.jpg": b"another"}))
    assert refused.value.status == 409
    sentence = "Submission {instance_id} is already here with other answers. Send changes as an edit."
    assert refused.value.message == translate(sentence, "vi", instance_id="uuid:house-1")
    assert site.rows() == before
    assert phone.send(HOUSE.form({"photo.jpg": b"JPEG"})).statuses == (201,)


# Attachments


def test_files_over_the_chunk_length_come_in_several_posts(site: Site) -> None:
    files = {f"photo{n}.jpg": bytes([65 + n]) * 600_000 for n in range(3)} | {"audit.csv": b"event,node\n"}
    form = HOUSE.form(files)
    assert [names for names, _ in chunks(form, 1_000_000)] == [
        ["photo0.jpg"],
        ["photo1.jpg"],
        ["photo2.jpg", "audit.csv"],
    ]
    assert site.phone().send(form).statuses == (201, 201, 201)
    assert site.attachments("uuid:house-1") == files
    assert kept(site) == {"uuid:house-1": "processed"}
    assert figures(site) == (1, 2, 1)


def test_more_than_a_hundred_files_come_in_two_posts(sqlite_site: Site) -> None:
    files = {f"{n:03d}.jpg": b"%d" % n for n in range(150)}
    assert sqlite_site.phone().send(HOUSE.form(files)).statuses == (201, 201)
    assert sqlite_site.attachments("uuid:house-1") == files


def test_line_lost_between_two_posts_loses_no_file(site: Site) -> None:
    files = {f"photo{n}.jpg": bytes([65 + n]) * 600_000 for n in range(3)}
    faults = iter([Fault.NONE, Fault.LOST_REPLY, Fault.NONE, Fault.BROKEN_OFF, Fault.NONE, Fault.NONE, Fault.NONE])
    phone = site.phone(bad_line=lambda: next(faults))
    assert phone.send(HOUSE.form(files), tries=3).statuses == (201, 201, 201)
    assert site.attachments("uuid:house-1") == files
    assert kept(site) == {"uuid:house-1": "processed"}


def test_late_file_of_a_known_submission_is_saved(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form({"a.jpg": b"first"}))
    phone.send(HOUSE.form({"b.jpg": b"second"}))
    assert site.attachments("uuid:house-1") == {"a.jpg": b"first", "b.jpg": b"second"}
    assert figures(site) == (1, 2, 1)


def test_late_file_of_an_edited_submission_is_saved(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form())
    phone.send(HOUSE.edited("uuid:house-2").form())
    assert phone.send(HOUSE.form({"a.jpg": b"late"})).statuses == (201,)
    assert site.attachments("uuid:house-1") == {"a.jpg": b"late"}
    assert kept(site) == {"uuid:house-1": "superseded", "uuid:house-2": "processed"}


def test_file_sent_again_with_other_content_counts_and_the_one_before_it_stays_with_its_submission(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form({"a.jpg": b"first", "b.jpg": b"other"}))
    phone.send(HOUSE.form({"a.jpg": b"second"}))
    phone.send(HOUSE.form({"a.jpg": b"first", "b.jpg": b"other"}))  # a retry that came late
    assert site.attachments("uuid:house-1") == {"a.jpg": b"second", "b.jpg": b"other"}
    with site.reference.database.read() as connection:
        hashes = submissions.attachment_hashes(connection, "uuid:house-1")
        contents = {name: [submissions.read_blob(connection, each) for each in some] for name, some in hashes.items()}
    assert contents == {"a.jpg": [b"first", b"second"], "b.jpg": [b"other"]}
    assert figures(site) == (1, 2, 1)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_file_name_is_that_of_the_xml_however_its_accents_are_written(site: Site, form: str) -> None:
    name = unicodedata.normalize("NFC", "Ảnh nhà Nguyễn Đức Ệ.jpg")
    sent = unicodedata.normalize(form, name)
    site.phone().send(HOUSE.but(photo=name).form({sent: b"JPEG"}))
    assert site.attachments("uuid:house-1") == {name: b"JPEG"}


@pytest.mark.parametrize(
    ("sent", "kept_as"),
    [
        ("audit.csv", "audit.csv"),
        ("1661.m4a", "1661.m4a"),
        ('a "b".jpg', 'a "b".jpg'),
        ("../../server.py", "server.py"),
        ("/etc/passwd", "passwd"),
        ("ảnh; filename=x.jpg", "ảnh; filename=x.jpg"),
        ("日本.jpg", "日本.jpg"),
    ],
)
def test_file_name_never_becomes_a_path(sqlite_site: Site, sent: str, kept_as: str) -> None:
    sqlite_site.phone().send(HOUSE.form({sent: b"content"}))
    assert sqlite_site.attachments("uuid:house-1") == {kept_as: b"content"}


# Forms and versions


def test_form_never_published_here_is_404_and_nothing_is_kept(site: Site) -> None:
    phone = site.phone()
    before = site.rows()
    with pytest.raises(NotAccepted) as refused:
        phone.send(HOUSE.but(form_id="somebody_elses").form({"a.jpg": b"JPEG"}))
    assert refused.value.status == 404
    assert "somebody_elses" in refused.value.message
    assert site.rows() == before


def test_unknown_version_of_a_known_form_waits_and_counts_once_it_is_published(site: Site, tmp_path: Path) -> None:
    phone = site.phone()
    house = HOUSE.but(version=NEXT_VERSION)
    sent = phone.send(house.form())
    assert sent.statuses == (202,)
    assert sent.message == translate("Received and kept; a supervisor will look at it.", "vi")
    assert phone.send(house.form({"late.jpg": b"JPEG"})).statuses == (202,)
    assert kept(site) == {"uuid:house-1": "flagged"}
    assert NEXT_VERSION in reasons(site)["uuid:house-1"]
    assert figures(site) == (0, 0, 0)

    made = publish.publish(site.reference, write_house_check(tmp_path / "next", NEXT_VERSION))
    assert made.counted == 1
    assert (kept(site), reasons(site)) == ({"uuid:house-1": "processed"}, {})
    assert figures(site) == (1, 2, 1)
    assert phone.send(house.form()).statuses == (201,)


def test_form_with_a_namespace_of_its_own_is_taken(site: Site, tmp_path: Path) -> None:
    book = workbook("spaced", "Không gian tên", "1", "type | name | label\ntext | place | Nơi nào?")
    import openpyxl

    opened = openpyxl.load_workbook(io.BytesIO(book))
    opened["settings"].append([])
    for column, value in (("instance_xmlns", "http://example.org/water"),):
        at = opened["settings"].max_column + 1
        opened["settings"].cell(1, at, column)
        opened["settings"].cell(2, at, value)
    (tmp_path / "spaced").mkdir()
    opened.save(tmp_path / "spaced" / "spaced.xlsx")
    opened.close()
    publish.publish(site.reference, tmp_path / "spaced")
    xml = (
        b'<data xmlns="http://example.org/water" xmlns:orx="http://openrosa.org/xforms" id="spaced" version="1">'
        b"<place>Khe</place><orx:meta><orx:instanceID>uuid:s</orx:instanceID></orx:meta></data>"
    )
    assert site.phone().send(FilledForm("s.xml", xml)).statuses == (201,)
    with pytest.raises(NotAccepted) as refused:
        site.phone().send(FilledForm("s.xml", xml.replace(b"org/water", b"org/other").replace(b"uuid:s", b"uuid:t")))
    assert refused.value.status == 400


def test_encrypted_submission_is_kept_and_waits(site: Site) -> None:
    xml = (
        f'<data xmlns="http://www.opendatakit.org/xforms/encrypted" encrypted="yes" id="house_check" '
        f'version="{VERSION}"><base64EncryptedKey>aGk=</base64EncryptedKey><orx:meta xmlns:orx='
        '"http://openrosa.org/xforms"><orx:instanceID>uuid:e</orx:instanceID></orx:meta>'
        "<encryptedXmlFile>submission.xml.enc</encryptedXmlFile></data>"
    ).encode()
    files = {"submission.xml.enc": b"\x01\x02"}
    assert site.phone().send(FilledForm("e.xml", xml, files)).statuses == (202,)
    assert site.attachments("uuid:e") == files
    assert "encrypted" in reasons(site)["uuid:e"]


# Edits


def test_edit_takes_the_place_of_its_original(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form({"a.jpg": b"JPEG"}))
    edit = HOUSE.edited("uuid:house-2", hamlet="0000102", people=(MOTHER, (*SON[:2], "2021-09-01")))
    assert phone.send(edit.form({"a.jpg": b"JPEG"})).statuses == (201,)
    assert kept(site) == {"uuid:house-1": "superseded", "uuid:house-2": "processed"}
    assert figures(site, "0000101") == (0, 0, 0)
    assert figures(site, "0000102") == (1, 2, 2)
    assert raw(site, "uuid:house-1") == HOUSE.xml
    # Both are known now, and sending either again changes nothing.
    assert [phone.send(one.form()).statuses for one in (HOUSE, edit)] == [(201,), (201,)]
    assert figures(site) == (1, 2, 2)


def test_edit_before_its_original_is_held_and_then_counts(site: Site) -> None:
    phone = site.phone()
    edit = HOUSE.edited("uuid:house-2", people=(MOTHER,))
    assert phone.send(edit.form()).statuses == (202,)
    assert kept(site) == {"uuid:house-2": "held"}
    assert reasons(site) == {"uuid:house-2": "This edit came before its original and waits for it."}
    assert figures(site) == (0, 0, 0)
    assert phone.send(edit.form()).statuses == (202,)

    assert phone.send(HOUSE.form()).statuses == (201,)
    assert kept(site) == {"uuid:house-1": "superseded", "uuid:house-2": "processed"}
    assert reasons(site) == {}
    assert figures(site) == (1, 1, 1)
    assert phone.send(edit.form()).statuses == (201,)


CHAIN = (
    HOUSE.but(today="2022-08-12"),
    HOUSE.edited("uuid:house-2", people=(MOTHER,)),
    HOUSE.but(instance_id="uuid:house-2").edited("uuid:house-3", hamlet="0000102", people=(SON,)),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_chain_of_edits_ends_the_same_in_whatever_order_it_comes(site: Site, order: tuple[int, ...]) -> None:
    phone = site.phone()
    statuses = [phone.send(CHAIN[at].form()).statuses[0] for at in order]
    assert kept(site) == {"uuid:house-1": "superseded", "uuid:house-2": "superseded", "uuid:house-3": "processed"}
    assert figures(site, "0000101") == (0, 0, 0)
    assert figures(site, "0000102") == (1, 1, 0)
    # What comes before its original is held; the original itself and what follows in order counts.
    here: set[int] = set()
    for at, status in zip(order, statuses, strict=True):
        here.add(at)
        assert status == (201 if here >= set(range(at + 1)) else 202)
    before = counting_rows(site)
    rebuilding.rebuild(site.reference)
    assert counting_rows(site) == before


def counting_rows(site: Site) -> dict[str, set[Any]]:
    """The register and the tallies, without tallies that have come back to nothing, which a rebuild does not make."""
    rows = site.rows("tallies", "house_tallies", "households", "people", "doses")
    for table in ("tallies", "house_tallies"):
        rows[table] = {row for row in rows[table] if any(row[3:])}
        assert rows[table]
    return rows


def test_original_and_its_edits_at_once_end_the_same(site: Site) -> None:
    families = [
        [
            first := House(f"uuid:{n}-1", people=(MOTHER, SON)),
            second := first.edited(f"uuid:{n}-2", people=(MOTHER,)),
            second.edited(f"uuid:{n}-3", people=(SON,)),
        ]
        for n in range(8)
    ]
    faults: list[Exception] = []

    def send(phone: Collect, house: House) -> None:
        try:
            assert phone.send(house.form()).statuses[0] in (201, 202)
        except Exception as fault:
            faults.append(fault)

    for family in families:
        _together([threading.Thread(target=send, args=(site.phone(), one)) for one in reversed(family)])
    assert faults == []
    assert reasons(site) == {}
    assert {state for name, state in kept(site).items() if name.endswith("3")} == {"processed"}
    assert {state for name, state in kept(site).items() if not name.endswith("3")} == {"superseded"}
    assert figures(site) == (8, 8, 0)


def test_edit_of_what_was_edited_elsewhere_is_refused(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form())
    phone.send(HOUSE.edited("uuid:house-2").form())
    before = site.rows()
    with pytest.raises(NotAccepted) as refused:
        phone.send(HOUSE.edited("uuid:house-3", people=()).form({"a.jpg": b"JPEG"}))
    assert refused.value.status == 409
    assert "uuid:house-1" in refused.value.message
    assert site.rows() == before
    assert phone.send(HOUSE.but(instance_id="uuid:house-2").edited("uuid:house-3").form()).statuses == (201,)


def test_second_edit_of_what_has_not_come_yet_is_refused(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.edited("uuid:house-2").form())
    with pytest.raises(NotAccepted) as refused:
        phone.send(HOUSE.edited("uuid:house-3").form())
    assert refused.value.status == 409
    assert kept(site) == {"uuid:house-2": "held"}


@pytest.mark.parametrize("edit_first", [False, True])
def test_edit_mends_an_original_that_could_not_be_understood(site: Site, edit_first: bool) -> None:
    phone = site.phone()
    broken, edit = HOUSE.but(version="7"), HOUSE.edited("uuid:house-2")
    for one in (edit, broken) if edit_first else (broken, edit):
        phone.send(one.form())
    assert kept(site) == {"uuid:house-1": "superseded", "uuid:house-2": "processed"}
    assert figures(site) == (1, 2, 1)


def test_edit_that_cannot_be_understood_leaves_its_original_counting(site: Site) -> None:
    phone = site.phone()
    phone.send(HOUSE.form())
    assert phone.send(HOUSE.edited("uuid:house-2", version="7").form()).statuses == (202,)
    assert kept(site) == {"uuid:house-1": "processed", "uuid:house-2": "flagged"}
    assert figures(site) == (1, 2, 1)


def test_submission_that_edits_itself_is_refused(site: Site) -> None:
    with pytest.raises(NotAccepted) as refused:
        site.phone().send(HOUSE.but(deprecated_id="uuid:house-1").form())
    assert refused.value.status == 400
    assert kept(site) == {}


# Answers that cannot be


@pytest.mark.parametrize(
    ("answers", "finding", "expected"),
    [
        ({"location": "122.05 105.05 300 6.5"}, "point_out_of_range", (1, 2, 1)),
        ({"location": "0 0 0 0"}, "point_zero", (1, 2, 1)),
        ({"location": "lost"}, "point_unreadable", (1, 2, 1)),
        ({"location": "10.05 105.05 300 6.5"}, "point_outside", (1, 2, 1)),
        ({"location": "22.05 105.05 300 600"}, "point_poor_accuracy", (1, 2, 1)),
        ({"location": "22.05 105.15 300 6.5"}, "commune_differs", (1, 2, 1)),
        # Whose birth cannot be read is in no group that anybody could name: unknown, not eligible.
        ({"people": (MOTHER, ("Hoàng Văn Đức", "2105-03-01", ""))}, "birth_in_future", (1, 1, 1)),
        ({"people": (MOTHER, ("Hoàng Văn Đức", "hôm qua", ""))}, "birth_unreadable", (1, 1, 1)),
        # A dose dated after the visit was given at a time nobody knows: it counts from the visit.
        ({"people": (MOTHER, (*SON[:2], "2030-01-01"))}, "dose_in_future", (1, 2, 2)),
        ({"today": "2099-01-01"}, "visit_in_future", (1, 2, 1)),
        ({"outcome": "flew_away"}, "outcome_unknown", (1, 2, 1)),
    ],
)
def test_impossible_answer_is_counted_without_it_and_shown(
    site: Site, answers: dict[str, object], finding: str, expected: tuple[int, int, int]
) -> None:
    if finding == "dose_in_future":
        answers["today"] = "2022-08-10"
    assert site.phone().send(HOUSE.but(**answers).form()).statuses == (201,)
    assert finding in found(site)
    day = "2022-08-31"
    row = site.coverage(site.user("administrator").token, day=day)["total"]
    assert isinstance(row, dict)
    assert (row["households_visited"], row["eligible"], row["vaccinated"]) == expected


def test_point_decides_the_commune_where_the_form_says_another(site: Site) -> None:
    site.phone().send(HOUSE.but(location="22.05 105.15 300 6.5").form())
    assert figures(site, "00002", "commune") == (1, 2, 1)
    assert figures(site, "00001", "commune") == (0, 0, 0)


def test_phones_of_many_teams_send_at_once_and_every_house_counts(site: Site) -> None:
    houses = [House(f"uuid:{n:03d}", hamlet="0000101" if n % 3 else "0000102") for n in range(60)]
    faults: list[Exception] = []

    def send(team: int) -> None:
        line = itertools.cycle([Fault.NONE, Fault.LOST_REPLY, Fault.NONE, Fault.NONE, Fault.BROKEN_OFF][team % 3 :])
        phone = phones[team]
        phone.bad_line = line.__next__
        for house in houses[team::6]:
            try:
                phone.send(house.form(), tries=3)
            except Exception as fault:
                faults.append(fault)

    phones = [site.phone() for _ in range(6)]
    _together([threading.Thread(target=send, args=(team,)) for team in range(6)])
    assert faults == []
    assert sum(phone.lost for phone in phones) > 10
    assert figures(site, "0000101") == (40, 40, 40)
    assert figures(site, "0000102") == (20, 20, 20)


# The short cut of an ordinary upload


BOUNDARY = "3f2a9c"


def ask(site: Site, path: str, body: bytes, query: str = "", **environ: str) -> tuple[str, dict[str, Any] | None]:
    """Status of a POST to the short cut alone; what the application was given, None where it was not asked."""
    asked: list[dict[str, Any]] = []
    statuses: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        asked.append(environ | {"body": environ["wsgi.input"].read()})
        start_response("599 ASKED", [])
        return []

    short_cut = ShortCut(application, Installation(Settings(), site.reference), 1_000_000)
    values = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    short_cut(values, lambda status, headers: statuses.append(status))
    return statuses[0], asked[0] if asked else None


def posted(house: House) -> bytes:
    """The body of a POST of one household."""
    return multipart(FilledForm("a.xml", house.xml), [], False, BOUNDARY)


def test_ordinary_upload_does_not_reach_the_application(sqlite_site: Site) -> None:
    path = f"/key/{sqlite_site.user('canvasser', '001').token}/submission"
    status, asked = ask(sqlite_site, path, posted(HOUSE), "deviceID=collect%3Aabc", HTTP_X_OPENROSA_VERSION="1.0")
    assert (status, asked) == ("201 CREATED", None)
    assert kept(sqlite_site) == {"uuid:house-1": "processed"}
    with sqlite_site.reference.database.read() as connection:
        assert connection.scalar(select(tables.submissions.c.device_id)) == "collect:abc"
    assert ask(sqlite_site, path, posted(HOUSE)) == ("201 CREATED", None)
    early = HOUSE.but(instance_id="uuid:nobody").edited("uuid:early")
    assert ask(sqlite_site, path, posted(early)) == ("202 ACCEPTED", None)


def test_whatever_is_not_ordinary_reaches_the_application_with_its_body_whole(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    path, body = f"/key/{token}/submission", posted(HOUSE)
    for status, asked in (
        ask(sqlite_site, "/submission", body),
        ask(sqlite_site, f"/key/{token[:-1]}/submission", body),
        ask(sqlite_site, f"/key/{token}/forms/submission", body),
        ask(sqlite_site, path, body, "lang=en"),
        ask(sqlite_site, path, body, REQUEST_METHOD="HEAD"),
        ask(sqlite_site, path, body, CONTENT_LENGTH=""),
        ask(sqlite_site, path, body, HTTP_X_OPENROSA_VERSION="2.0"),
        ask(sqlite_site, path, body + b" " * 1_000_000),
    ):
        assert status == "599 ASKED"
        assert asked is not None and PROBLEM not in asked
        assert asked["body"].rstrip(b" ") == body
    assert kept(sqlite_site) == {}


def test_refused_upload_takes_its_reason_to_the_application(sqlite_site: Site) -> None:
    path = f"/key/{sqlite_site.user('canvasser', '001').token}/submission"
    assert ask(sqlite_site, path, posted(HOUSE))[1] is None
    for body, kind in ((posted(HOUSE.but(people=())), Conflict), (b"--nothing", InvalidInput)):
        status, asked = ask(sqlite_site, path, body)
        assert status == "599 ASKED"
        assert asked is not None and isinstance(asked[PROBLEM], kind)
        assert asked["body"] == body
