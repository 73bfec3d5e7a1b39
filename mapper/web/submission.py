"""One submission for its supervisors: the page, its photos, its XML, its review."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS, Role
from mapper.services import submission_page
from mapper.services.submission_page import File
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.shown_values import shown_value

submission = Blueprint("submission", __name__)
_only_for_readers = only_for(*READERS)


@submission.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@submission.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@submission.get("/submission/<path:instance_id>")
def page(instance_id: str) -> str:
    """The answers of a submission with its versions, findings, review and comments."""
    shown = submission_page.submission_page(installation().reference, reader(), instance_id, chosen_language())
    return render_template(
        "submission.html",
        shown=shown,
        reviews=submission_page.REVIEWS,
        most_words=submission_page.MOST_WORDS,
        value=shown_value,
        address=_address,
        done=request.args.get("done"),
        of_everything=reader().role == Role.ADMINISTRATOR and not reader().areas,
    )


def _address(file: File) -> str:
    return url_for("submission.file", instance_id=file.owner, sha256=file.sha256)


@submission.get("/submission/<path:instance_id>/files/<sha256>")
def file(instance_id: str, sha256: str) -> Response:
    """One attachment, told by its content and only ever shown as a picture or saved."""
    name, kind, content = submission_page.attachment(installation().reference, reader(), instance_id, sha256)
    return to_save(content, kind, name)


@submission.get("/submission/<path:instance_id>/xml")
def xml(instance_id: str) -> Response:
    """The submission as the phone sent it."""
    content = submission_page.raw_xml(installation().reference, reader(), instance_id)
    return to_save(content, "application/xml", f"{instance_id.removeprefix('uuid:')}.xml")


@submission.post("/submission/<path:instance_id>/remarks")
def remark(instance_id: str) -> AnyResponse:
    """Set the review state, write a comment, or both; back to the page."""
    review, words = request.form.get("review", ""), request.form.get("words", "").replace("\r\n", "\n")
    submission_page.remark(installation().reference, reader(), instance_id, review, words)
    return redirect(url_for("submission.page", instance_id=instance_id, done="remark") + "#remarks")


def to_save(content: bytes, kind: str, name: str) -> Response:
    """A file that somebody sent: whatever is in it, a browser runs none of it and reads none of it as a page."""
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def review_words() -> dict[str, str]:
    """Review states in the reader's language."""
    return {"received": say("not reviewed yet"), "has_issues": say("has issues"), "approved": say("approved")}
