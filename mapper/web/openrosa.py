"""What phones speak: form list, form, manifest and media, submission. ODK Collect's ways stand in the tests.

Every address exists twice: under ``/key/TOKEN``, which the QR code of a canvasser carries, and plain, where the
phone signs in with HTTP Digest.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from flask import Response, current_app, g, request

from mapper.errors import Forbidden, mark
from mapper.formats import openrosa as replies
from mapper.services import phone_lists, publish
from mapper.services.accounts import User, by_id, sender
from mapper.services.intake import today
from mapper.web.accounts import PhoneDigest
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.phone_ways import (
    asked_ids,
    base_address,
    check_version,
    file_answer,
    limit_upload,
    may_send,
    phone_addresses,
    xml,
)
from mapper.web.phones import PROBLEM, RECEIVED, USER, WAITS, take

openrosa = phone_addresses("openrosa")


def phone_user() -> int:
    """Number of the user whose phone is asking. Raises Forbidden for a dead token, SignInRequired for none."""
    check_version()
    token = g.phone_token
    if token is None:
        digest: PhoneDigest = current_app.extensions["phone_digest"]
        user: int | None = digest.user().id
    else:
        user = sender(installation().reference, token)
    if user is None:
        raise Forbidden(mark("This server address is no longer valid. Ask your supervisor for a new QR code."))
    request.environ[USER] = user
    return user


def _reader() -> User:
    """The user whose phone is asking, with the areas that tell what it is handed."""
    user = by_id(installation().reference, phone_user())
    if user is None:  # put out between the two questions
        raise Forbidden(mark("This server address is no longer valid. Ask your supervisor for a new QR code."))
    return user


def _form_address(form_id: str, version: str) -> str:
    # Quoted twice: a server undoes one quoting before it looks for a route, and an id or version may hold a slash.
    return f"{base_address('key')}/forms/{quote(_segment(form_id))}/{quote(_segment(version))}"


def _segment(text: str) -> str:
    """One part of an address; a lone "." or ".." would be taken for a step between folders."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


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
    return xml(replies.form_list(listed))


@openrosa.get("/forms/<form_id>/<version>/form.xml")
def form_xml(form_id: str, version: str) -> Response:
    """The XForm, byte for byte as its hash was taken."""
    phone_user()
    return xml(publish.form_xml(installation().reference, unquote(form_id), unquote(version)))


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
    return xml(replies.manifest(listed))


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
    return file_answer(name, md5, content)


@openrosa.get("/forms/<form_id>/<version>/integrity/<name>")
def integrity(form_id: str, version: str, name: str) -> Response:
    """Which of the entities ``id`` (one, or several with commas between) are to go from this phone."""
    reference, user = installation().reference, _reader()
    told = phone_lists.deleted(reference, user, unquote(form_id), unquote(version), unquote(name), asked_ids())
    return xml(replies.integrity(told))


@openrosa.route("/submission", methods=["HEAD"], provide_automatic_options=False)
def submission_head() -> Response:
    """Tells a phone that it may send, and how much at once."""
    phone_user()
    return may_send()


@openrosa.post("/submission")
def submission() -> Response:
    """Take one submission, or one chunk of it: 201 when it counts, 202 when it is kept and waits."""
    problem = request.environ.get(PROBLEM)
    if problem is not None:
        raise problem
    user_id = phone_user()
    limit = limit_upload()
    receipt = take(
        installation(),
        user_id,
        request.stream,
        request.content_type or "",
        request.content_length,
        limit,
        request.args.get("deviceID"),
    )
    return xml(replies.response(say(RECEIVED if receipt.counted else WAITS)), 201 if receipt.counted else 202)
