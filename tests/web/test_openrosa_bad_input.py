"""Whatever is thrown at the phones' door is refused clearly, touches nothing that is kept, and leaves the door open."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.language import translate
from mapper.settings import Settings
from tests.client.collect import Collect, FilledForm, message_of, multipart
from tests.client.site import House, Site, running

pytestmark = pytest.mark.long

HOUSE = House("uuid:new")
KEPT = House("uuid:kept", photo="a.jpg")
BOUNDARY = "3f2a9c"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
RAW = ("submissions", "attachments", "blobs", "users", "forms", "campaigns", "facts")


@pytest.fixture(scope="module")
def phone(standing_site: Site) -> Collect:
    """A phone of a server that holds one submission."""
    made = standing_site.phone()
    made.send(KEPT.form({"a.jpg": b"JPEG"}))
    return made


@pytest.fixture
def door(standing_site: Site, phone: Collect) -> Iterator[str]:
    """The address to send to; whatever the test sends must leave everything stored alone, and the door open."""
    before = standing_site.rows()
    yield f"{phone.server_url}/submission"
    assert standing_site.rows() == before
    assert phone.send(KEPT.form({"a.jpg": b"JPEG"})).statuses == (201,)
    assert standing_site.rows() == before


def body(xml: bytes, **files: bytes) -> bytes:
    """A well-made POST of that XML."""
    return multipart(FilledForm("a.xml", xml, files), files, True, BOUNDARY)


def refused(answer: requests.Response, status: int) -> str:
    """The message of a refusal; fails where it is none, or not one that a phone can show."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    message = message_of(answer.content)
    assert message
    return message


BROKEN_OFF = translate("The upload is broken off or has no part xml_submission_file. Send it again.")
WHOLE = body(HOUSE.xml, photo=b"JPEG" * 50)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (None, b""),
        (KIND, b""),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("text/xml", HOUSE.xml),
        ("multipart/form-data", WHOLE),
        ("multipart/form-data; boundary=", WHOLE),
        ("multipart/form-data; boundary=another", WHOLE),
        ("multipart/mixed; boundary=3f2a9c", WHOLE),
        (KIND, multipart(FilledForm("a.xml", HOUSE.xml, {"a.jpg": b"x"}), ["a.jpg"], True, BOUNDARY)[len(HOUSE.xml) :]),
        (KIND, WHOLE.replace(b'name="xml_submission_file"', b'name="xml_submission"')),
        (KIND, WHOLE.replace(b"\r\n", b"\n")),
        (KIND, WHOLE[:-3]),
        (KIND, WHOLE[: WHOLE.index(b"</data>")]),
        (KIND, WHOLE[: WHOLE.index(b"JPEG") + 10]),
        (KIND, WHOLE[: WHOLE.index(b"filename")]),
    ],
)
def test_upload_that_is_no_upload_is_refused(door: str, kind: str | None, content: bytes) -> None:
    answer = requests.post(door, data=content, headers={"Content-Type": kind} if kind else {})
    assert refused(answer, 400) == BROKEN_OFF


def test_two_submissions_in_one_upload_are_refused(door: str) -> None:
    twice = body(HOUSE.xml)[: -len(f"--{BOUNDARY}--\r\n")] + body(HOUSE.but(instance_id="uuid:other").xml)
    assert "xml_submission_file" in refused(requests.post(door, data=twice, headers={"Content-Type": KIND}), 400)


LAUGHS = b'<!DOCTYPE d [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12)
)


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (b" ", "empty"),
        (b"nothing but words", "XML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "UTF-8"),
        (HOUSE.xml[:-20], "line 1"),
        (HOUSE.xml.decode().encode("utf-16"), "UTF-8"),
        (HOUSE.xml.replace(b"UTF-8", b"ISO-8859-1"), "ISO-8859-1"),
        (HOUSE.xml.replace(b"<head>", b"<head>\xff\xfe"), ""),
        (HOUSE.xml.replace(b"<data", LAUGHS + b"]><data").replace(b"<head>", b"<head>&m;"), "DOCTYPE"),
        (
            HOUSE.xml.replace(b"<data", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><data').replace(
                b"<head>", b"<head>&x;"
            ),
            "DOCTYPE",
        ),
        (HOUSE.xml.replace(b"<data", b'<!DOCTYPE d SYSTEM "http://198.51.100.1/x.dtd"><data'), "DOCTYPE"),
        (HOUSE.xml.replace(b"<head>", b"<head>&x;"), ""),
        (b"<a>" * 5000 + b"</a>" * 5000, ""),
        (b"<html><body>Welcome to the hotel's Wi-Fi</body></html>", "html"),
        (HOUSE.xml.replace(b' id="house_check"', b""), "id"),
        (HOUSE.xml.replace(b"<instanceID>uuid:new</instanceID>", b""), "instanceID"),
        (HOUSE.xml.replace(b"<instanceID>uuid:new</instanceID>", b"<instanceID> </instanceID>"), "instanceID"),
        (HOUSE.xml.replace(b"<data", b'<data xmlns="http://example.org/other"'), "http://example.org/other"),
        (HOUSE.but(instance_id="uuid:" + "a" * 300).xml, "250"),
        (HOUSE.but(deprecated_id="uuid:" + "a" * 5000).xml, "250"),
        (HOUSE.but(form_id="f" * 5000).xml, "250"),
    ],
)
def test_xml_that_is_no_submission_is_refused(door: str, xml: bytes, says: str) -> None:
    answer = requests.post(door, params={"lang": "en"}, data=body(xml), headers={"Content-Type": KIND})
    assert says in refused(answer, 400)
    # The same words reach a Vietnamese reader in Vietnamese.
    again = requests.post(door, data=body(xml), headers={"Content-Type": KIND})
    assert refused(again, 400)


def test_external_entity_reads_nothing(door: str) -> None:
    xml = HOUSE.xml.replace(b"<data", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><data')
    answer = requests.post(door, data=body(xml.replace(b"<head>", b"<head>&x;")), headers={"Content-Type": KIND})
    assert socket.gethostname() not in refused(answer, 400)


def test_form_id_of_a_stranger_is_not_found(door: str) -> None:
    answer = requests.post(door, data=body(HOUSE.but(form_id="other").xml), headers={"Content-Type": KIND})
    assert "other" in refused(answer, 404)


@pytest.mark.parametrize("name", ["", " ", "..", ".", "/", "a\tb.jpg", "a\x00b.jpg", "ả" * 300])
def test_file_without_a_usable_name_is_refused(door: str, name: str) -> None:
    whole = multipart(FilledForm("a.xml", HOUSE.xml, {"NAME": b"x"}), ["NAME"], True, BOUNDARY)
    answer = requests.post(door, data=whole.replace(b"NAME", name.encode()), headers={"Content-Type": KIND})
    assert answer.status_code == 400
    assert message_of(answer.content)


def test_body_over_the_limit_is_refused_before_it_is_read(door: str) -> None:
    answer = requests.post(door, data=body(HOUSE.xml, a=b"x" * 4_000_001), headers={"Content-Type": KIND})
    assert "4 MB" in refused(answer, 413)


def test_body_of_unknown_length_over_the_limit_is_refused(door: str) -> None:
    whole = body(HOUSE.xml, a=b"x" * 5_000_000)
    pieces = (whole[at : at + 100_000] for at in range(0, len(whole), 100_000))
    answer = requests.post(door, data=pieces, headers={"Content-Type": KIND})
    refused(answer, 413)


def test_answers_over_their_own_limit_are_refused(sqlite_url: str, tmp_path: object) -> None:
    with running(Settings(max_submission_mb=20), sqlite_url) as site:
        phone = site.phone()
        huge = HOUSE.but(head="Nông " * 1_200_000)
        answer = requests.post(f"{phone.server_url}/submission", data=body(huge.xml), headers={"Content-Type": KIND})
        assert "5 MB" in refused(answer, 413)
        assert site.state("uuid:new") is None


def test_hundred_megabytes_are_refused_and_the_server_stays_up(door: str) -> None:
    megabyte = b"x" * 1_000_000

    def stream() -> Iterator[bytes]:
        yield WHOLE[:-20]
        for _ in range(100):
            yield megabyte

    head = {"Content-Type": KIND, "Content-Length": str(100_000_000 + len(WHOLE) - 20)}
    request = requests.Request("POST", door, data=stream(), headers=head).prepare()
    request.headers.pop("Transfer-Encoding", None)
    with requests.Session() as session:
        refused(session.send(request), 413)


def test_long_text_is_kept_even_where_it_cannot_be_counted(site: Site) -> None:
    """A hamlet's code of a megabyte fits no index; the submission is kept all the same, and waits."""
    house = HOUSE.but(hamlet="0" * 1_000_000, location="")
    assert site.phone().send(house.form()).statuses[0] in (201, 202)
    assert site.state("uuid:new") in ("processed", "flagged")


@pytest.mark.parametrize("device", ["a\0b", "x" * 10_000, "%ff", "\ud7ff\u202e", "'; DROP TABLE submissions; --"])
def test_device_may_call_itself_anything(site: Site, device: str) -> None:
    phone = site.phone()
    for asked in ({"deviceID": device}, {"deviceID": device, "deviceId": "b"}):
        answer = requests.post(
            f"{phone.server_url}/submission", params=asked, data=body(HOUSE.xml), headers={"Content-Type": KIND}
        )
        assert answer.status_code == 201
    assert site.state("uuid:new") == "processed"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /submission HTTP/1.1\r\n\r\n",
        b"POST /submission HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /submission HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /submission HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /formList HTTP/1.1\r\n" + b"A: b\r\n" * 60_000 + b"\r\n",
        b"\x00" * 1000,
    ],
)
def test_what_is_no_http_ends_the_connection_only(door: str, sent: bytes) -> None:
    address = urlsplit(door)
    with socket.create_connection((address.hostname or "", address.port or 80), 30) as line:
        try:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass
        except TimeoutError:
            pytest.fail("the connection was not ended")
        except OSError:
            pass  # an end amid the sending is told in several ways


# Anything at all

ANY = settings(max_examples=60, deadline=None, derandomize=True)


def stored(site: Site) -> dict[str, set[tuple[object, ...]]]:
    """What must never change once it is there; the state of a submission may."""
    rows = site.rows(*RAW)
    return {table: {row[:11] for row in rows[table]} for table in RAW}


@ANY
@given(content=st.binary(max_size=2000), kind=st.sampled_from([KIND, "multipart/form-data", "text/xml", ""]))
def test_any_bytes_are_refused(standing_site: Site, phone: Collect, content: bytes, kind: str) -> None:
    before = stored(standing_site)
    answer = requests.post(f"{phone.server_url}/submission", data=content, headers={"Content-Type": kind})
    refused(answer, 400)
    assert stored(standing_site) == before


@ANY
@given(content=st.one_of(st.binary(max_size=500), st.text(max_size=500).map(str.encode)))
def test_any_bytes_as_the_submission_are_refused(standing_site: Site, phone: Collect, content: bytes) -> None:
    before = stored(standing_site)
    answer = requests.post(f"{phone.server_url}/submission", data=body(content), headers={"Content-Type": KIND})
    refused(answer, 400)
    assert stored(standing_site) == before


NUMBERS = itertools.count()
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff"), max_size=60
)


@ANY
@given(data=st.data())
def test_submission_changed_at_random_is_taken_or_refused_and_harms_nothing(
    standing_site: Site, phone: Collect, data: st.DataObject
) -> None:
    """Bytes flipped, cut out, doubled: there is an answer, and all that was kept stays."""
    before = stored(standing_site)
    whole = body(House("uuid:kept-too", people=KEPT.people).xml, photo=b"JPEG" * 10)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(whole) - 1))
        end = data.draw(st.integers(start, min(len(whole), start + 40)))
        whole = whole[:start] + data.draw(st.one_of(st.binary(max_size=8), st.just(whole[start:end] * 2))) + whole[end:]
    answer = requests.post(f"{phone.server_url}/submission", data=whole, headers={"Content-Type": KIND})
    assert answer.status_code in (201, 202, 400, 404, 409, 413), answer.text
    assert message_of(answer.content)
    after = stored(standing_site)
    if answer.status_code >= 400:
        assert after == before
    assert all(before[table] <= after[table] for table in RAW)


@ANY
@given(
    answers=st.fixed_dictionaries(
        {},
        optional={
            name: XML_TEXT.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;"))
            for name in ("commune", "hamlet", "location", "outcome", "today", "version", "deprecated_id")
        }
        | {"people": st.lists(st.tuples(XML_TEXT, st.just("2001-02-03"), st.just("")), max_size=3)},
    ),
)
def test_any_answers_are_kept(standing_site: Site, phone: Collect, answers: dict[str, object]) -> None:
    """A well-formed submission with whatever answers is kept, counted or waiting, and never a fault."""
    before = stored(standing_site)
    house = HOUSE.but(instance_id=f"uuid:any-{next(NUMBERS)}", **answers)
    answer = requests.post(f"{phone.server_url}/submission", data=body(house.xml), headers={"Content-Type": KIND})
    after = stored(standing_site)
    if answer.status_code == 409:
        # Two examples may happen to edit the same submission.
        assert answers["deprecated_id"]
    if answer.status_code in (400, 409):
        # 400: a character that XML does not have.
        refused(answer, answer.status_code)
        assert after == before
        return
    assert answer.status_code in (201, 202), answer.text
    assert standing_site.state(house.instance_id) in ("processed", "flagged", "held")
    assert all(before[table] <= after[table] for table in RAW)
