"""Which addresses are for phones, and a phone's upload: its parts, its way into the intake, a short cut for most.

Everything that a campaign's evening costs goes through here, so an ordinary upload does not pass through what only
pages and programs need: sessions, sign-in, forms, compression.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qs

from multipart import MultipartError, MultipartParser
from werkzeug.http import parse_options_header

from mapper.domain.whole import whole
from mapper.errors import InvalidInput, mark
from mapper.formats import openrosa as replies
from mapper.language import translate
from mapper.services import intake
from mapper.services.accounts import sender
from mapper.services.intake import Receipt, Upload
from mapper.web.headers import EVERYWHERE, NOTHING_RUNS, transport
from mapper.web.installation import Installation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

XML_PART = "xml_submission_file"
INCOMPLETE = "*isIncomplete*"
MAX_NAME = 250
MOST_PARTS = 1000
ORDINARY_BYTES = 1_000_000
"""Up to so long an upload may be ordinary: it is in memory then, and no photo's copy is made of it."""

ROUTE = "mapper.route"
"""Where a request carries the template of its address."""

USER = "mapper.user"
"""Where it carries the number of who asks."""

RECEIPT = "mapper.upload_receipt"
PROBLEM = "mapper.upload_problem"
"""Where an upload that was taken carries its receipt, and a refused one the reason, which the application words."""

RECEIVED = mark("Received. Thank you.")
WAITS = mark("Received and kept; a supervisor will look at it.")
_BROKEN = mark("The upload is broken off or has no part xml_submission_file. Send it again.")
_ADDRESS = re.compile(r"/key/([^/]+)/submission")
_PLACES = frozenset({"key", "test", "formList"})
_BY_DIGEST = re.compile(r"/submission|/forms/.*", re.DOTALL)
_PAGES = re.compile(r"/(?:key|test)/[^/]+/fill(-worker\.js|/.*)?", re.DOTALL)


def for_phones(path: str) -> bool:
    """Whether an address is one of those that phones use, right or wrong; a phone reads OpenRosa's XML only.

    Under a phone's key stand also the pages where forms are filled in a browser: those are for people, as are the
    pages of forms and submissions, whose addresses begin like those of phones that sign in with Digest.
    """
    if _PAGES.fullmatch(path):
        return False
    return path.lstrip("/").partition("/")[0] in _PLACES or _BY_DIGEST.fullmatch(path) is not None


def take(
    here: Installation,
    user_id: int,
    stream: IO[bytes],
    content_type: str,
    length: int | None,
    limit_bytes: int,
    device: str | None,
) -> Receipt:
    """Read a multipart body and hand the submission to the intake.

    length: of the body in bytes, None where it came in chunks. device: what the phone calls itself. Raises
    InvalidInput for a body that is broken or no submission, and what ``intake.receive`` raises.
    """
    xml, attachments = parts(stream, content_type, length, limit_bytes)
    return intake.receive(here.reference, xml, attachments, sender_id=user_id, device_id=_device(device))


def _device(said: str | None) -> str | None:
    """What the phone calls itself, without what no database takes."""
    return "".join(c for c in said if c.isprintable())[:MAX_NAME] or None if said else None


def parts(stream: IO[bytes], content_type: str, length: int | None, limit_bytes: int) -> tuple[bytes, dict[str, bytes]]:
    """The submission's XML and its attachments by NFC file name. Raises InvalidInput."""
    xml: bytes | None = None
    attachments: dict[str, bytes] = {}
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise InvalidInput(_BROKEN)
    try:
        for part in MultipartParser(
            stream,
            boundary,
            length or -1,
            strict=True,
            part_limit=MOST_PARTS,
            partsize_limit=limit_bytes,
            memory_limit=limit_bytes,
            disk_limit=limit_bytes,
        ):
            if part.name == XML_PART:
                if xml is not None:
                    raise InvalidInput(
                        mark("The upload has two parts named xml_submission_file. Send one submission at a time.")
                    )
                xml = part.raw
            elif part.name != INCOMPLETE:
                attachments[_file_name(part.filename or part.name)] = part.raw
            part.close()
    except MultipartError as fault:
        raise InvalidInput(_BROKEN) from fault
    if xml is None:
        raise InvalidInput(_BROKEN)
    return xml, attachments


def _file_name(written: str) -> str:
    """An attachment's name as the XML writes it, without any folder."""
    name = unicodedata.normalize("NFC", written).replace("\\", "/").rpartition("/")[2].strip()
    if not name.strip(".") or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(mark("An attachment has no usable name. Take the picture again."))
    return name


class ShortCut:
    """Takes phones' ordinary uploads: token in the path, a short body of known length, nothing to refuse.

    Everything else goes on to the application with its body untouched; an upload that was refused here takes the
    reason along, so that one place words every error.
    """

    def __init__(self, application: WSGIApplication, here: Installation, limit_bytes: int) -> None:
        self._application = application
        self._here = here
        self._limit_bytes = min(limit_bytes, ORDINARY_BYTES)
        self._headers = (
            *replies.HEADERS,
            *EVERYWHERE,
            ("Content-Security-Policy", NOTHING_RUNS),
            *transport(here.settings.public_url),
        )
        self._answers = {
            counted: replies.response(translate(sentence, here.settings.language))
            for counted, sentence in ((True, RECEIVED), (False, WAITS))
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        if RECEIPT not in environ and PROBLEM not in environ:
            self.take_all([environ])
        receipt: Receipt | None = environ.get(RECEIPT)
        if receipt is None:
            return self._application(environ, start_response)
        environ[ROUTE] = "/key/<token>/submission"
        answer = self._answers[receipt.counted]
        headers = [("Content-Type", replies.CONTENT_TYPE), ("Content-Length", str(len(answer))), *self._headers]
        start_response("201 CREATED" if receipt.counted else "202 ACCEPTED", headers)
        return [answer]

    def wants(self, method: str, path: str, length: int) -> bool:
        """Whether a request may be an ordinary upload. length: of its body in bytes."""
        return method == "POST" and 0 < length <= self._limit_bytes and _ADDRESS.fullmatch(path) is not None

    def take_all(self, environs: Iterable[WSGIEnvironment]) -> None:
        """Hand the ordinary uploads among these requests to the intake, all at once.

        What became of each stands in its environment then, for whoever answers it.
        """
        uploads: list[tuple[WSGIEnvironment, Upload]] = []
        for environ in environs:
            try:
                upload = self._upload(environ)
            except Exception as problem:
                environ[PROBLEM] = problem
            else:
                if upload is not None:
                    uploads.append((environ, upload))
        receipts = intake.receive_all(self._here.reference, [upload for _, upload in uploads])
        for (environ, _), receipt in zip(uploads, receipts, strict=True):
            environ[PROBLEM if isinstance(receipt, Exception) else RECEIPT] = receipt

    def _upload(self, environ: WSGIEnvironment) -> Upload | None:
        """A request's submission, or None where it is no ordinary upload. Raises InvalidInput."""
        path, length = environ["PATH_INFO"], whole(environ.get("CONTENT_LENGTH", ""), 10**15)
        if length is None or not self.wants(environ["REQUEST_METHOD"], path, length):
            return None
        query = parse_qs(environ.get("QUERY_STRING", ""))
        if "lang" in query or environ.get("HTTP_X_OPENROSA_VERSION", "1.0") != "1.0":
            return None
        user_id = sender(self._here.reference, path.split("/")[2])
        if user_id is None:
            return None
        environ[USER] = user_id
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        xml, attachments = parts(io.BytesIO(body), environ.get("CONTENT_TYPE", ""), len(body), self._limit_bytes)
        return Upload(xml, attachments, user_id, _device(query.get("deviceID", [None])[0]))
