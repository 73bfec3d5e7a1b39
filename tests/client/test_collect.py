"""The phone of the tests is as hard to please as ODK Collect: what it would not take, it does not take."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.client.collect import Collect, Fault, FilledForm, LocalForm, NotAccepted, ServerFault, chunks, multipart

XFORM = b"<h:html/>"
HASH = f"md5:{hashlib.md5(XFORM).hexdigest()}"
XML = {"Content-Type": "text/xml; charset=utf-8", "X-OpenRosa-Version": "1.0"}
FORM = FilledForm("a.xml", b"<data/>", {"a.jpg": b"JPEG"})
TAKEN = b'<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message> Thanks </message></OpenRosaResponse>'


def form_list(*entries: str, namespace: str = "http://openrosa.org/xforms/xformsList") -> bytes:
    """A form list of these entries."""
    return f'<xforms xmlns="{namespace}">{"".join(f"<xform>{entry}</xform>" for entry in entries)}</xforms>'.encode()


@dataclass
class Canned:
    """A server that answers as a test tells it. answers: (method, path) to (status, headers, body)."""

    url: str
    answers: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def entry(self, **other: str) -> str:
        """A good entry of the form list, parts replaced or (when empty) left out."""
        parts = {"formID": "f", "name": "F", "version": "1", "hash": HASH, "downloadUrl": f"{self.url}/f.xml"} | other
        return "".join(f"<{name}>{text}</{name}>" for name, text in parts.items() if text)


@pytest.fixture
def canned() -> Iterator[Canned]:
    """A server with one form, which takes every submission."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path = self.path.partition("?")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.asked.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = made.answers.get((self.command, path), (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Canned(f"http://127.0.0.1:{server.server_port}")
        made.answers = {
            ("GET", "/formList"): (200, XML, form_list(made.entry())),
            ("GET", "/f.xml"): (200, XML, XFORM),
            ("HEAD", "/submission"): (204, {"X-OpenRosa-Accept-Content-Length": "1000"}, b""),
            ("POST", "/submission"): (201, XML, TAKEN),
        }
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def phone(canned: Canned) -> Iterator[Collect]:
    """A phone of that server."""
    with Collect(canned.url) as made:
        yield made


def test_good_server_pleases_it(canned: Canned, phone: Collect) -> None:
    assert phone.match_exactly() == ({"f"}, set())
    assert phone.forms["f", "1"].xform == XFORM
    assert phone.send(FORM).message == "Thanks"
    for _, path, headers, _ in canned.asked:
        assert headers["X-OpenRosa-Version"] == "1.0"
        assert "deviceID=collect%3AaBc123" in path


@pytest.mark.parametrize("missing", ["formID", "name", "downloadUrl"])
def test_one_bad_entry_voids_the_list_and_keeps_the_forms(canned: Canned, phone: Collect, missing: str) -> None:
    phone.match_exactly()
    listed = form_list(canned.entry(), canned.entry(**{"formID": "g", missing: ""}))
    canned.answers["GET", "/formList"] = (200, XML, listed)
    with pytest.raises(ServerFault, match="void"):
        phone.match_exactly()
    assert set(phone.forms) == {("f", "1")}


def test_list_without_a_form_deletes_it(canned: Canned, phone: Collect) -> None:
    phone.match_exactly()
    canned.answers["GET", "/formList"] = (200, XML, form_list())
    assert phone.match_exactly() == (set(), {"f"})
    assert phone.forms == {}


@pytest.mark.parametrize(
    ("status", "headers", "namespace"),
    [
        (500, XML, "http://openrosa.org/xforms/xformsList"),
        (204, XML, "http://openrosa.org/xforms/xformsList"),
        (302, XML | {"Location": "/elsewhere"}, "http://openrosa.org/xforms/xformsList"),
        (200, XML | {"Content-Type": "application/xml"}, "http://openrosa.org/xforms/xformsList"),
        (200, {"Content-Type": "text/xml"}, "http://openrosa.org/xforms/xformsList"),
        (200, XML, "http://example.org/"),
        (200, XML, ""),
    ],
)
def test_list_that_is_not_as_it_should_be_changes_nothing(
    canned: Canned, phone: Collect, status: int, headers: dict[str, str], namespace: str
) -> None:
    phone.match_exactly()
    canned.answers["GET", "/formList"] = (status, headers, form_list(namespace=namespace))
    with pytest.raises(ServerFault):
        phone.match_exactly()
    assert set(phone.forms) == {("f", "1")}


def test_form_with_another_hash_than_listed_is_refused(canned: Canned, phone: Collect) -> None:
    canned.answers["GET", "/f.xml"] = (200, XML, XFORM + b" ")
    with pytest.raises(ServerFault, match="where the list says"):
        phone.match_exactly()


@pytest.mark.parametrize(
    ("entry", "content", "says"),
    [
        ("<filename>a.csv</filename><hash>md5:0</hash>", b"", "void"),
        ("<filename>a.csv</filename><downloadUrl>URL/a.csv</downloadUrl>", b"", "void"),
        ("<hash>md5:0</hash><downloadUrl>URL/a.csv</downloadUrl>", b"", "void"),
        ("<filename>a.csv</filename><hash>md5:0</hash><downloadUrl>URL/a.csv</downloadUrl>", b"a", "the list says"),
    ],
)
def test_bad_manifest_is_refused(canned: Canned, phone: Collect, entry: str, content: bytes, says: str) -> None:
    space = "http://openrosa.org/xforms/xformsManifest"
    manifest = f'<manifest xmlns="{space}"><mediaFile>{entry.replace("URL", canned.url)}</mediaFile></manifest>'
    canned.answers["GET", "/formList"] = (200, XML, form_list(canned.entry(manifestUrl=f"{canned.url}/m.xml")))
    canned.answers["GET", "/m.xml"] = (200, XML, manifest.encode())
    canned.answers["GET", "/a.csv"] = (200, {}, content)
    with pytest.raises(ServerFault, match=says):
        phone.match_exactly()


@pytest.mark.parametrize("status", [200, 201, 202, 301, 401, 403, 404, 500])
def test_only_204_to_head_opens_the_way(canned: Canned, phone: Collect, status: int) -> None:
    canned.answers["HEAD", "/submission"] = (status, {}, b"")
    with pytest.raises(NotAccepted):
        phone.send(FORM)
    assert not [asked for asked in canned.asked if asked[0] == "POST"]


@pytest.mark.parametrize("status", [200, 203, 204, 302, 400, 409, 500])
def test_only_201_and_202_are_a_success(canned: Canned, phone: Collect, status: int) -> None:
    canned.answers["POST", "/submission"] = (status, XML, TAKEN)
    with pytest.raises(NotAccepted) as refused:
        phone.send(FORM)
    assert refused.value.status == status
    for good in (201, 202):
        canned.answers["POST", "/submission"] = (good, XML, TAKEN)
        assert phone.send(FORM).statuses == (good,)


@pytest.mark.parametrize(
    "body", [b"plain words", b"<html>No</html>", b"<OpenRosaResponse><message>No</message></OpenRosaResponse>"]
)
def test_user_reads_nothing_but_an_openrosa_message(canned: Canned, phone: Collect, body: bytes) -> None:
    canned.answers["POST", "/submission"] = (400, {}, body)
    with pytest.raises(NotAccepted) as refused:
        phone.send(FORM)
    assert refused.value.message == ""


def test_without_a_length_ten_megabytes_go_at_once(canned: Canned, phone: Collect) -> None:
    canned.answers["HEAD", "/submission"] = (204, {}, b"")
    assert phone.may_send() == 10_485_760


def test_files_are_sent_in_chunks_each_with_the_xml(canned: Canned, phone: Collect) -> None:
    form = FilledForm("a.xml", b"<data/>" * 10, {f"{n}.jpg": bytes([65 + n]) * 400 for n in range(5)})
    assert [names for names, _ in chunks(form, 1000)] == [["0.jpg", "1.jpg"], ["2.jpg", "3.jpg"], ["4.jpg"]]
    assert [last for _, last in chunks(form, 1000)] == [False, False, True]
    assert phone.send(form).statuses == (201, 201, 201)
    bodies = [body for method, _, _, body in canned.asked if method == "POST"]
    assert all(form.xml in body for body in bodies)
    assert [b"*isIncomplete*" in body for body in bodies] == [True, True, False]


def test_form_without_files_is_one_post() -> None:
    assert list(chunks(FilledForm("a.xml", b"<data/>"), 10)) == [([], True)]


def test_more_than_a_hundred_files_are_two_posts() -> None:
    form = FilledForm("a.xml", b"", {f"{n}": b"" for n in range(150)})
    assert [len(names) for names, _ in chunks(form, 10_000)] == [101, 49]


def test_file_names_go_out_as_they_are() -> None:
    body = multipart(FilledForm("a.xml", b"", {'Ảnh "1".jpg': b"x"}), ['Ảnh "1".jpg'], True, "b")
    assert 'name="Ảnh %221%22.jpg"; filename="Ảnh %221%22.jpg"'.encode() in body


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.BROKEN_OFF])
def test_broken_line_is_tried_again_from_the_beginning(canned: Canned, fault: Fault) -> None:
    line: Callable[[], Fault] = iter([fault, Fault.NONE]).__next__
    with Collect(canned.url, bad_line=line) as phone:
        assert phone.send(FORM, tries=2).statuses == (201,)
        assert (phone.posts, phone.lost) == (2, 1)
    assert [asked[0] for asked in canned.asked if asked[0] == "HEAD"] == ["HEAD", "HEAD"]


def test_line_that_stays_broken_is_given_up(canned: Canned) -> None:
    with Collect(canned.url, bad_line=lambda: Fault.LOST_REPLY) as phone, pytest.raises(ConnectionError):
        phone.send(FORM, tries=3)
    assert phone.posts == 3


def test_older_version_of_an_offered_form_stays_on_the_phone(canned: Canned, phone: Collect) -> None:
    phone.match_exactly()
    canned.answers["GET", "/formList"] = (200, XML, form_list(canned.entry(version="2")))
    assert phone.match_exactly() == ({"f"}, set())
    assert set(phone.forms) == {("f", "1"), ("f", "2")}
    assert isinstance(phone.forms["f", "1"], LocalForm)
