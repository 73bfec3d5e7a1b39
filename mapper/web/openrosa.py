"""What phones speak: form list, form, manifest and media, submission. ODK Collect's ways stand in the tests.

Every address exists twice: under ``/key/TOKEN``, which the QR code of a canvasser carries, and plain, where the
phone signs in with HTTP Digest.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from flask import Blueprint, Response, current_app, g, request

from mapper.errors import Forbidden, InvalidInput, TooLarge, mark
from mapper.formats import openrosa as replies
from mapper.language import LANGUAGES
from mapper.services import phone_lists, publish
from mapper.services.accounts import User, by_id, sender
from mapper.services.intake import today
from mapper.web.accounts import PhoneDigest
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.phones import PROBLEM, RECEIVED, WAITS, take

MEGABYTE = 1_000_000

openrosa = Blueprint("openrosa", __name__)


@openrosa.url_value_preprocessor
def _take_token(_endpoint: str | None, values: dict[str, str] | None) -> None:
    g.phone_token = values.pop("token", None) if values else None
    wish = request.args.get("lang")
    g.language = wish if wish in LANGUAGES else installation().settings.language


@openrosa.after_request
def _speak_openrosa(response: Response) -> Response:
    response.headers.update(replies.HEADERS)
    return response


def phone_user() -> int:
    """Number of the user whose phone is asking. Raises Forbidden for a dead token, SignInRequired for none."""
    said = request.headers.get("X-OpenRosa-Version")
    if said is not None and said != "1.0":
        raise InvalidInput(mark("This server speaks OpenRosa 1.0, not {version}. Update the app."), version=said)
    token = g.phone_token
    if token is None:
        digest: PhoneDigest = current_app.extensions["phone_digest"]
        return digest.user().id
    user = sender(installation().reference, token)
    if user is None:
        raise Forbidden(mark("This server address is no longer valid. Ask your supervisor for a new QR code."))
    return user


def _reader() -> User:
    """The user whose phone is asking, with the areas that tell what it is handed."""
    user = by_id(installation().reference, phone_user())
    if user is None:  # put out between the two questions
        raise Forbidden(mark("This server address is no longer valid. Ask your supervisor for a new QR code."))
    return user


def _base() -> str:
    """Address of this phone's server, without a slash at the end."""
    root = installation().settings.public_url or request.url_root
    key = f"/key/{g.phone_token}" if g.phone_token else ""
    return root.rstrip("/") + key


def _form_address(form_id: str, version: str) -> str:
    # Quoted twice: a server undoes one quoting before it looks for a route, and an id or version may hold a slash.
    return f"{_base()}/forms/{quote(_segment(form_id))}/{quote(_segment(version))}"


def _segment(text: str) -> str:
    """One part of an address; a lone "." or ".." would be taken for a step between folders."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def _xml(content: bytes, status: int = 200) -> Response:
    return Response(content, status, content_type="text/xml; charset=utf-8")


@openrosa.get("/formList")
def form_list() -> Response:
    """The forms a phone is to have, each in its current version."""
    here, user_id = installation(), phone_user()
    reference = here.reference
    here.heard.note(reference, user_id, request.args.get("deviceID"), request.headers.get("User-Agent"))
    listed = []
    for form in publish.offered_forms(reference):
        address = _form_address(form.form_id, form.version)
        listed.append(
            replies.ListedForm(
                form.form_id,
                form.title,
                form.version,
                f"md5:{form.md5}",
                f"{address}/form.xml",
                f"{address}/manifest" if phone_lists.has_files(reference, form.form_id, form.version) else None,
            )
        )
    return _xml(replies.form_list(listed))


@openrosa.get("/forms/<form_id>/<version>/form.xml")
def form_xml(form_id: str, version: str) -> Response:
    """The XForm, byte for byte as its hash was taken."""
    phone_user()
    return _xml(publish.form_xml(installation().reference, unquote(form_id), unquote(version)))


@openrosa.get("/forms/<form_id>/<version>/manifest")
def manifest(form_id: str, version: str) -> Response:
    """The media of a form version, with the hashes of what this phone's user is served."""
    here, user = installation(), _reader()
    form_id, version = unquote(form_id), unquote(version)
    address = _form_address(form_id, version)
    listed = []
    for file in phone_lists.files(here.reference, user, form_id, version, today(), here.settings.language):
        name = quote(_segment(file.name))
        whole = f"{address}/integrity/{name}" if file.entity_list else None
        listed.append(replies.ListedFile(file.name, f"md5:{file.md5}", f"{address}/media/{name}", whole))
    return _xml(replies.manifest(listed))


@openrosa.get("/forms/<form_id>/<version>/media/<name>")
def media(form_id: str, version: str, name: str) -> Response:
    """One media file as this phone's user gets it; 304 where the phone has it already."""
    here, user = installation(), _reader()
    name = unquote(name)
    md5, content = phone_lists.content(
        here.reference,
        user,
        unquote(form_id),
        unquote(version),
        name,
        today(),
        here.settings.language,
        request.if_none_match.contains_weak,
    )
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/octet-stream"
    response = Response(content, 200 if content is not None else 304, content_type=kind)
    response.set_etag(md5)
    return response


@openrosa.get("/forms/<form_id>/<version>/integrity/<name>")
def integrity(form_id: str, version: str, name: str) -> Response:
    """Which of the entities ``id`` (one, or several with commas between) are to go from this phone."""
    reference, user = installation().reference, _reader()
    asked = [one for part in request.args.getlist("id") for one in part.split(",") if one]
    return _xml(
        replies.integrity(
            phone_lists.deleted(reference, user, unquote(form_id), unquote(version), unquote(name), asked)
        )
    )


@openrosa.route("/submission", methods=["HEAD"], provide_automatic_options=False)
def submission_head() -> Response:
    """Tells a phone that it may send, and how much at once."""
    phone_user()
    response = Response(status=204, content_type=replies.CONTENT_TYPE)
    response.headers["X-OpenRosa-Accept-Content-Length"] = str(installation().settings.chunk_mb * MEGABYTE)
    return response


@openrosa.post("/submission")
def submission() -> Response:
    """Take one submission, or one chunk of it: 201 when it counts, 202 when it is kept and waits."""
    problem = request.environ.get(PROBLEM)
    if problem is not None:
        raise problem
    user_id = phone_user()
    limit = installation().settings.max_submission_mb
    request.max_content_length = limit * MEGABYTE
    if (request.content_length or 0) > limit * MEGABYTE:
        raise TooLarge(
            mark("This is over the {limit} MB that one upload may have. Send fewer or smaller photos at once."),
            limit=limit,
        )
    receipt = take(
        installation(),
        user_id,
        request.stream,
        request.content_type or "",
        request.content_length,
        limit * MEGABYTE,
        request.args.get("deviceID"),
    )
    return _xml(replies.response(say(RECEIVED if receipt.counted else WAITS)), 201 if receipt.counted else 202)
