"""A phone on the line: what ODK Collect asks a server, what it believes of the answers, and what it does then.

Only the manners, none of the screens. It is as strict as Collect is: a form list with one bad entry is no form list, a
success is 201 or 202 and nothing else, and what the user reads comes out of ``<OpenRosaResponse>`` or not at all.

    phone = Collect("http://127.0.0.1:8000/key/TOKEN")
    phone.match_exactly()
    phone.send(FilledForm("census.xml", xml, {"photo.jpg": jpg}))

``bad_line`` breaks connections as the mountains do: it is asked before each POST what shall go wrong with it.
"""

from __future__ import annotations

import hashlib
import mimetypes
import socket
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import requests
from requests.auth import HTTPDigestAuth

FORM_LIST = "http://openrosa.org/xforms/xformsList"
MANIFEST = "http://openrosa.org/xforms/xformsManifest"
RESPONSE = "http://openrosa.org/http/response"
USUAL_CHUNK = 10_485_760
"""Longest POST where the server names no other."""
MOST_FILES = 100
DATE = "Sun, 22 Nov 2026 02:05:17 GMT+07:00"
"""In the afternoon: Collect's clock has twelve hours."""


class ServerFault(Exception):
    """The server did not do what Collect needs, and the phone keeps what it had."""


class NotAccepted(Exception):
    """A submission did not go through. status: of HTTP; message: what the user reads, "" where there is nothing."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Fault(Enum):
    """What the line does to one POST."""

    NONE = "none"
    LOST_REPLY = "lost reply"
    BROKEN_OFF = "broken off"


@dataclass(frozen=True)
class ListedForm:
    """One entry of the form list; what is optional may be empty."""

    form_id: str
    name: str
    version: str
    hash: str
    download_url: str
    manifest_url: str


@dataclass(frozen=True)
class ListedFile:
    """One entry of a manifest."""

    filename: str
    hash: str
    download_url: str


@dataclass
class LocalForm:
    """A form on the phone. media: file name to content."""

    listed: ListedForm
    xform: bytes
    media: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class FilledForm:
    """A finalised form with the files that lie in its folder. name: of the XML file."""

    name: str
    xml: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """A submission that went through. statuses: of each POST."""

    statuses: tuple[int, ...]
    message: str


class _Digest(HTTPDigestAuth):
    """Digest with the user's name as UTF-8 on the line, where requests would refuse it."""

    def build_digest_header(self, method: str, url: str) -> str | None:
        header = super().build_digest_header(method, url)
        return header.encode().decode("latin-1") if header else header


class Collect:
    """One phone with one project.

    server_url: as in the QR code. user, password: only for a phone set up by hand, which answers Digest.
    """

    def __init__(
        self,
        server_url: str,
        *,
        user: str | None = None,
        password: str = "",
        device: str = "collect:aBc123",
        bad_line: Callable[[], Fault] = lambda: Fault.NONE,
        timeout_s: float = 60,
    ) -> None:
        self.server_url = server_url.rstrip("/")
        self.device = device
        self.bad_line = bad_line
        self.timeout_s = timeout_s
        self.forms: dict[tuple[str, str], LocalForm] = {}
        self.posts = 0
        self.lost = 0
        self._session = requests.Session()
        self._session.headers.update(
            {
                "User-Agent": "org.odk.collect.android/v2026.3.0 Dalvik/2.1.0 (Linux; U; Android 11)",
                "X-OpenRosa-Version": "1.0",
                "Date": DATE,
            }
        )
        self._session.trust_env = False
        if user is not None:
            self._session.auth = _Digest(user, password)

    def close(self) -> None:
        """Put the phone away: its connections end."""
        self._session.close()

    def __enter__(self) -> Collect:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # Forms

    def form_list(self) -> list[ListedForm]:
        """The forms that the server offers. Raises ServerFault where one entry makes the list void."""
        root = self._xml(f"{self.server_url}/formList", FORM_LIST, "xforms")
        found = []
        for entry in root:
            if entry.tag != f"{{{FORM_LIST}}}xform":
                continue
            told = {child.tag: (child.text or "").strip() for child in entry}

            def say(name: str, told: Mapping[str, str] = told) -> str:
                return told.get(f"{{{FORM_LIST}}}{name}", "")

            if not (say("formID") and say("name") and say("downloadUrl")):
                raise ServerFault("An entry of the form list lacks its id, name or address, so the list is void")
            found.append(
                ListedForm(
                    say("formID"), say("name"), say("version"), say("hash"), say("downloadUrl"), say("manifestUrl")
                )
            )
        return found

    def manifest(self, listed: ListedForm) -> list[ListedFile]:
        """The media of a form. Raises ServerFault where one entry makes the manifest void."""
        if not listed.manifest_url:
            return []
        root = self._xml(listed.manifest_url, MANIFEST, "manifest")
        found = []
        for entry in root:
            if entry.tag != f"{{{MANIFEST}}}mediaFile":
                continue
            told = {child.tag.removeprefix(f"{{{MANIFEST}}}"): (child.text or "").strip() for child in entry}
            if not (told.get("filename") and told.get("hash") and told.get("downloadUrl")):
                raise ServerFault("An entry of the manifest lacks its name, hash or address, so the manifest is void")
            found.append(ListedFile(told["filename"], told["hash"], told["downloadUrl"]))
        return found

    def download(self, listed: ListedForm) -> LocalForm:
        """A form with its media, every hash checked."""
        xform = self._file(listed.download_url, listed.hash, "text/xml")
        files = self.manifest(listed)
        return LocalForm(listed, xform, {f.filename: self._file(f.download_url, f.hash) for f in files})

    def match_exactly(self) -> tuple[set[str], set[str]]:
        """Make the phone's forms those of the server; form ids that were (fetched, deleted).

        A form that the list lacks is deleted with all its versions; on any fault nothing changes. A form whose hash
        is known already is left alone, its media are fetched when one of them has another hash.
        """
        listed = self.form_list()
        fetched: dict[tuple[str, str], LocalForm] = {}
        for entry in listed:
            known = self.forms.get((entry.form_id, entry.version))
            if known is None or known.listed.hash != entry.hash or self._media_differ(entry, known):
                fetched[entry.form_id, entry.version] = self.download(entry)
        offered = {entry.form_id for entry in listed}
        deleted = {form_id for form_id, _ in self.forms if form_id not in offered}
        self.forms = {key: form for key, form in self.forms.items() if key[0] in offered} | fetched
        return {form_id for form_id, _ in fetched}, deleted

    def _media_differ(self, entry: ListedForm, known: LocalForm) -> bool:
        return {f.filename: f.hash for f in self.manifest(entry)} != {n: _md5(c) for n, c in known.media.items()}

    def _xml(self, url: str, namespace: str, name: str) -> ElementTree.Element:
        answer = self._get(url)
        kind = answer.headers.get("Content-Type", "")
        if "text/xml" not in kind.lower():
            raise ServerFault(f"{url}: the content type {kind} is not text/xml")
        if answer.headers.get("X-OpenRosa-Version") != "1.0":
            raise ServerFault(f"{url}: the answer has no X-OpenRosa-Version")
        try:
            root = ElementTree.fromstring(answer.content)
        except ElementTree.ParseError as fault:
            raise ServerFault(f"{url}: {fault}") from fault
        if root.tag != f"{{{namespace}}}{name}":
            raise ServerFault(f"{url}: <{root.tag}> is no OpenRosa {name}")
        return root

    def _file(self, url: str, expected: str, content_type: str = "") -> bytes:
        answer = self._get(url)
        if content_type not in answer.headers.get("Content-Type", ""):
            raise ServerFault(f"{url}: not {content_type}")
        if _md5(answer.content) != expected:
            raise ServerFault(f"{url}: {_md5(answer.content)} came where the list says {expected}")
        return answer.content

    def _get(self, url: str) -> requests.Response:
        answer = self._session.get(self._with_device(url), timeout=self.timeout_s, allow_redirects=False)
        if answer.status_code != 200:
            raise ServerFault(f"{url}: {answer.status_code} {message_of(answer.content)}")
        return answer

    # Submissions

    def may_send(self) -> int:
        """Ask with HEAD whether to send, and how long one POST may be. Raises NotAccepted."""
        url = self._with_device(f"{self.server_url}/submission")
        answer = self._session.head(url, timeout=self.timeout_s, allow_redirects=False)
        if answer.status_code != 204:
            raise NotAccepted(answer.status_code, "")
        if "Location" in answer.headers:
            raise ServerFault("the server sends the phone elsewhere")
        return int(answer.headers.get("X-OpenRosa-Accept-Content-Length", USUAL_CHUNK))

    def send(self, form: FilledForm, tries: int = 1) -> Accepted:
        """Send a finalised form, again where the line breaks, as autosend does.

        tries: how often it is begun anew after a broken line before giving up.
        Raises NotAccepted with the words that the user reads, OSError where the line stays broken.
        """
        for attempt in range(1, tries + 1):
            try:
                return self._send_once(form)
            except (requests.ConnectionError, requests.Timeout, ConnectionError):
                if attempt == tries:
                    raise
        raise AssertionError("tries is at least 1")

    def _send_once(self, form: FilledForm) -> Accepted:
        limit = self.may_send()
        statuses, message = [], ""
        for files, last in chunks(form, limit):
            boundary = str(uuid.uuid4())
            body = multipart(form, files, last, boundary)
            status, message = self._post(body, boundary)
            if status not in (201, 202):
                raise NotAccepted(status, message)
            statuses.append(status)
        return Accepted(tuple(statuses), message)

    def _post(self, body: bytes, boundary: str) -> tuple[int, str]:
        url = self._with_device(f"{self.server_url}/submission")
        kind = f"multipart/form-data; boundary={boundary}"
        self.posts += 1
        fault = self.bad_line()
        if fault is not Fault.NONE:
            self.lost += 1
            self._lose(url, kind, body, fault)
            raise ConnectionError(fault.value)
        answer = self._session.post(
            url, data=body, headers={"Content-Type": kind}, timeout=self.timeout_s, allow_redirects=False
        )
        return answer.status_code, message_of(answer.content)

    def _lose(self, url: str, kind: str, body: bytes, fault: Fault) -> None:
        """Send over a connection of its own that ends before the reply is read, or before all is sent."""
        address = urlsplit(url)
        head = (
            f"POST {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\nX-OpenRosa-Version: 1.0\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode("latin-1")
        assert address.hostname is not None
        place = (address.hostname, address.port or 80)
        with socket.create_connection(place, self.timeout_s) as line, suppress(ConnectionError):
            if fault is Fault.BROKEN_OFF:
                line.sendall(head + body[: len(body) * 2 // 3])
                return
            line.sendall(head + body)
            # The reply has come as far as the phone's radio; nobody reads on.
            line.recv(1)

    def _with_device(self, url: str) -> str:
        return f"{url}{'&' if '?' in url else '?'}deviceID={quote(self.device)}"


def chunks(form: FilledForm, limit: int) -> Iterable[tuple[list[str], bool]]:
    """The names of the files of each POST, and whether it is the last one.

    A POST is full when the XML and its files reach ``limit`` with the next file, or hold more than 100 files.
    """
    names = list(form.files)
    while True:
        taken: list[str] = []
        length = len(form.xml)
        while names:
            taken.append(names.pop(0))
            length += len(form.files[taken[-1]])
            if names and (len(taken) > MOST_FILES or length + len(form.files[names[0]]) > limit):
                break
        yield taken, not names
        if not names:
            return


def multipart(form: FilledForm, files: Iterable[str], last: bool, boundary: str) -> bytes:
    """The body of one POST: the XML, some files, and ``*isIncomplete*`` where more follow."""
    parts = [_part("xml_submission_file", form.name, "text/xml", form.xml)]
    parts += [_part(name, name, _content_type(name), form.files[name]) for name in files]
    if not last:
        parts.append(_part("*isIncomplete*", None, None, b"yes"))
    between = f"--{boundary}\r\n".encode()
    return b"".join(between + part for part in parts) + f"--{boundary}--\r\n".encode()


def _part(name: str, filename: str | None, kind: str | None, content: bytes) -> bytes:
    # Names go out as raw UTF-8; only what would end the header is escaped.
    head = f'Content-Disposition: form-data; name="{_escaped(name)}"'
    if filename is not None:
        head += f'; filename="{_escaped(filename)}"'
    if kind is not None:
        head += f"\r\nContent-Type: {kind}"
    return f"{head}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content + b"\r\n"


def _escaped(name: str) -> str:
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")


def _content_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def message_of(content: bytes) -> str:
    """What the user reads of a reply: the message of an OpenRosaResponse, "" for anything else."""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return ""
    if root.tag != f"{{{RESPONSE}}}OpenRosaResponse":
        return ""
    return (root.findtext(f"{{{RESPONSE}}}message") or "").strip()


def _md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"
