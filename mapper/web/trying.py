"""What phones speak that try a draft: one form, its media, and submissions that never count.

The same ways as in ``openrosa``, under ``/test/TOKEN``.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from flask import Response, g, request

from mapper.formats import openrosa as replies
from mapper.services import trials
from mapper.services.drafts import md5_of
from mapper.store.drafts import Draft
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
from mapper.web.phones import parts

trying = phone_addresses("openrosa_trying", "/test/<token>")


def _draft() -> Draft:
    """The draft that the phone asking tries. Raises Forbidden."""
    check_version()
    return trials.by_token(installation().reference, g.phone_token)


@trying.get("/formList")
def form_list() -> Response:
    """The form being tried, and no other."""
    draft = _draft()
    files = trials.trial_files(installation().reference, draft)
    base = base_address("test")
    listed = replies.ListedForm(
        draft.form_id,
        draft.title,
        draft.version,
        f"md5:{draft.md5}",
        f"{base}/form.xml",
        f"{base}/manifest" if files else None,
    )
    return xml(replies.form_list([listed]))


@trying.get("/form.xml")
def form_xml() -> Response:
    """The XForm, byte for byte as its hash was taken."""
    return xml(_draft().xform)


@trying.get("/manifest")
def manifest() -> Response:
    """The files of the form."""
    base = base_address("test")
    return xml(
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
    """One file of the form; 304 where the phone has it already."""
    name = unquote(name)
    content = trials.media_content(installation().reference, _draft(), name)
    md5 = md5_of(content)
    return file_answer(name, md5, None if request.if_none_match.contains_weak(md5) else content)


@trying.get("/integrity")
def integrity() -> Response:
    """Which entities are gone: none, since a trial's are invented and stay."""
    _draft()
    return xml(replies.integrity((each, False) for each in asked_ids()))


@trying.route("/submission", methods=["HEAD"], provide_automatic_options=False)
def submission_head() -> Response:
    """Tells a phone that it may send, and how much at once."""
    _draft()
    return may_send()


@trying.post("/submission")
def submission() -> Response:
    """Take a submission, or one chunk of it, for trying."""
    draft = _draft()
    limit = limit_upload()
    sent, attachments = parts(request.stream, request.content_type or "", request.content_length, limit)
    trials.receive(installation().reference, draft, sent, attachments)
    return xml(replies.response(say("Received for trying; it does not count.")), 201)
