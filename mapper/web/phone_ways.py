"""What all addresses of phones have in common: the token in the path, OpenRosa's version and headers, limits, files."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats import openrosa as replies
from mapper.formats.entity_lists import is_map
from mapper.language import LANGUAGES
from mapper.web.installation import installation
from mapper.web.outside import root

MEGABYTE = 1_000_000


def phone_addresses(name: str, url_prefix: str | None = None) -> Blueprint:
    """A blueprint of addresses that phones ask: ``g.phone_token`` is the token of the path, None where it has none."""
    made = Blueprint(name, __name__, url_prefix=url_prefix)
    made.url_value_preprocessor(_take_token)
    made.after_request(_speak_openrosa)
    return made


def _take_token(_endpoint: str | None, values: dict[str, str] | None) -> None:
    g.phone_token = values.pop("token", None) if values else None
    wish = request.args.get("lang")
    g.language = wish if wish in LANGUAGES else installation().settings.language


def _speak_openrosa(response: Response) -> Response:
    response.headers.update(replies.HEADERS)
    return response


def check_version() -> None:
    """Raise InvalidInput for a phone that speaks another OpenRosa."""
    said = request.headers.get("X-OpenRosa-Version")
    if said is not None and said != "1.0":
        raise InvalidInput(mark("This server speaks OpenRosa 1.0, not {version}. Update the app."), version=said)


def base_address(way: str) -> str:
    """Address of a phone's server, without a slash at the end. way: between the server's root and the phone's token."""
    key = f"/{way}/{g.phone_token}" if g.phone_token else ""
    return root() + key


def xml(content: bytes, status: int = 200) -> Response:
    """An answer as phones read it."""
    return Response(content, status, content_type="text/xml; charset=utf-8")


def file_answer(name: str, md5: str, content: bytes | None) -> Response:
    """A file, or where the phone has it already (content None) the word that it is the same. md5: in hexadecimal."""
    kind = "application/octet-stream"
    if is_map(name):
        kind = "application/geo+json"
    elif name.endswith(".csv"):
        kind = "text/csv; charset=utf-8"
    response = Response(content, 200 if content is not None else 304, content_type=kind)
    response.set_etag(md5)
    return response


def asked_ids() -> list[str]:
    """The entities that a phone asks about: ``id``, one or several with commas between."""
    return [one for part in request.args.getlist("id") for one in part.split(",") if one]


def may_send() -> Response:
    """Tells a phone that it may send, and how much at once."""
    response = Response(status=204, content_type=replies.CONTENT_TYPE)
    response.headers["X-OpenRosa-Accept-Content-Length"] = str(installation().settings.chunk_mb * MEGABYTE)
    return response


def limit_upload() -> int:
    """Bytes that one upload may have. Raises TooLarge for one that tells more."""
    limit = installation().settings.max_submission_mb
    request.max_content_length = limit * MEGABYTE
    if (request.content_length or 0) > limit * MEGABYTE:
        raise TooLarge(
            mark("This is over the {limit} MB that one upload may have. Send fewer or smaller photos at once."),
            limit=limit,
        )
    return limit * MEGABYTE
