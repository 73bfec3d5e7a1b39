"""What phones speak that try a draft: one form, its media, and submissions that never count.

The same ways as in ``openrosa``, under ``/test/TOKEN``.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from flask import Blueprint, Response, g, request

from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats import openrosa as replies
from mapper.language import LANGUAGES
from mapper.services import trials
from mapper.store.drafts import Draft
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.phones import parts

MEGABYTE = 1_000_000

trying = Blueprint("openrosa_trying", __name__, url_prefix="/test/<token>")


@trying.url_value_preprocessor
def _take_token(_endpoint: str | None, values: dict[str, str] | None) -> None:
    g.phone_token = values.pop("token", "") if values else ""
    wish = request.args.get("lang")
    g.language = wish if wish in LANGUAGES else installation().settings.language


@trying.after_request
def _speak_openrosa(response: Response) -> Response:
    response.headers.update(replies.HEADERS)
    return response


def _draft() -> Draft:
    """The draft that the phone asking tries. Raises Forbidden."""
    said = request.headers.get("X-OpenRosa-Version")
    if said is not None and said != "1.0":
        raise InvalidInput(mark("This server speaks OpenRosa 1.0, not {version}. Update the app."), version=said)
    return trials.by_token(installation().reference, g.phone_token)


def _base() -> str:
    root = installation().settings.public_url or request.url_root
    return f"{root.rstrip('/')}/test/{g.phone_token}"


def _xml(content: bytes, status: int = 200) -> Response:
    return Response(content, status, content_type="text/xml; charset=utf-8")


@trying.get("/formList")
def form_list() -> Response:
    """The form being tried, and no other."""
    draft = _draft()
    files = trials.trial_files(installation().reference, draft)
    base = _base()
    listed = replies.ListedForm(
        draft.form_id,
        draft.title,
        draft.version,
        f"md5:{draft.md5}",
        f"{base}/form.xml",
        f"{base}/manifest" if files else None,
    )
    return _xml(replies.form_list([listed]))


@trying.get("/form.xml")
def form_xml() -> Response:
    """The XForm, byte for byte as its hash was taken."""
    return _xml(_draft().xform)


@trying.get("/manifest")
def manifest() -> Response:
    """The files of the form."""
    base = _base()
    return _xml(
        replies.manifest(
            replies.ListedFile(
                file.name,
                f"md5:{file.md5}",
                # Quoted twice: a server undoes one quoting before it looks for a route, and a name may hold a slash.
                f"{base}/media/{quote(quote(file.name, safe=''))}",
                f"{base}/integrity" if file.entity_list else None,
            )
            for file in trials.trial_files(installation().reference, _draft())
        )
    )


@trying.get("/media/<name>")
def media(name: str) -> Response:
    """One file of the form."""
    name = unquote(name)
    content = trials.media_content(installation().reference, _draft(), name)
    return Response(
        content, content_type="text/csv; charset=utf-8" if name.endswith(".csv") else "application/octet-stream"
    )


@trying.get("/integrity")
def integrity() -> Response:
    """Which entities are gone: none, since a trial's are invented and stay."""
    _draft()
    asked = [each for part in request.args.getlist("id") for each in part.split(",") if each]
    return _xml(replies.integrity((each, False) for each in asked))


@trying.route("/submission", methods=["HEAD"], provide_automatic_options=False)
def submission_head() -> Response:
    """Tells a phone that it may send, and how much at once."""
    _draft()
    response = Response(status=204, content_type=replies.CONTENT_TYPE)
    response.headers["X-OpenRosa-Accept-Content-Length"] = str(installation().settings.chunk_mb * MEGABYTE)
    return response


@trying.post("/submission")
def submission() -> Response:
    """Take a submission, or one chunk of it, for trying."""
    draft = _draft()
    limit = installation().settings.max_submission_mb
    request.max_content_length = limit * MEGABYTE
    if (request.content_length or 0) > limit * MEGABYTE:
        raise TooLarge(
            mark("This is over the {limit} MB that one upload may have. Send fewer or smaller photos at once."),
            limit=limit,
        )
    xml, attachments = parts(request.stream, request.content_type or "", request.content_length, limit * MEGABYTE)
    trials.receive(installation().reference, draft, xml, attachments)
    return _xml(replies.response(say("Received for trying; it does not count.")), 201)
