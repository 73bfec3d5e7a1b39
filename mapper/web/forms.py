"""Forms for their administrators: what is published, drafts being tried, publishing and closing."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.errors import InvalidInput, MapperError, TooLarge, mark
from mapper.formats.collect_settings import qr_code_svg
from mapper.formats.uploaded_folder import read_uploaded
from mapper.services import drafts, form_life
from mapper.services.accounts import User
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.outside import root
from mapper.web.shown_values import shown_value
from mapper.web.submission import to_save

forms = Blueprint("forms", __name__)


_only_for_readers = only_for(*READERS)


@forms.before_request
def _guard() -> AnyResponse | None:
    """Every page here is for administrators of the whole."""
    refused = _only_for_readers()
    if refused is None:
        _manager()
    return refused


def _manager() -> User:
    user = reader()
    drafts.check_manager(user)
    return user


@forms.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"  # the key of a trial's phones stands in its page
    return response


@forms.get("/forms")
def page() -> str:
    """Published forms with their versions, drafts, and where to upload a new one."""
    return _page()


def _page(problem: MapperError | None = None) -> str:
    reference = installation().reference
    return render_template(
        "forms.html",
        forms=form_life.forms(reference),
        drafts=drafts.listed(reference),
        problem=say(problem) if problem is not None else None,
        done=request.args.get("done"),
    )


@forms.post("/forms")
def upload() -> AnyResponse | tuple[str, int]:
    """Make drafts of an uploaded zip, or of a workbook with the files that it asks for."""
    try:
        files = read_uploaded((file.filename or "", file.read()) for file in request.files.getlist("files") if file)
        if not files:
            raise InvalidInput(mark("Choose a zip file, or an XLSForm with the files that it asks for."))
        made = drafts.make(installation().reference, _manager(), files)
    except (InvalidInput, TooLarge) as problem:
        return _page(problem), 413 if isinstance(problem, TooLarge) else 400
    if len(made) == 1:
        return redirect(url_for("forms.draft", form_id=made[0], done="made"))
    return redirect(url_for("forms.page", done="made"))


@forms.get("/form/<path:form_id>/draft")
def draft(form_id: str) -> str:
    """A draft with the QR code of its phones, what publishing it would change, and what was sent to it."""
    here = installation()
    shown = drafts.draft_page(here.reference, _manager(), form_id, chosen_language())
    address, code = "", Markup()
    if shown.token:
        address = f"{root()}/test/{shown.token}"
        name = say("Trial: {title}", title=shown.title)
        # The picture is drawn here, and its title quoted by the library that draws it.
        code = Markup(qr_code_svg(address, name, chosen_language(), say("QR code for trying this form")))  # noqa: S704
    return render_template(
        "draft.html",
        shown=shown,
        address=address,
        code=code,
        value=shown_value,
        file_address=lambda file: url_for(
            "forms.tried_file", form_id=form_id, instance_id=file.owner, sha256=file.sha256
        ),
        done=request.args.get("done"),
    )


@forms.get("/form/<path:form_id>/tried/<path:instance_id>/files/<sha256>")
def tried_file(form_id: str, instance_id: str, sha256: str) -> Response:
    """One attachment of what was sent to a draft, told by its content and only ever shown as a picture or saved."""
    name, kind, content = drafts.tried_file(installation().reference, _manager(), form_id, instance_id, sha256)
    return to_save(content, kind, name)


@forms.post("/form/<path:form_id>/publish")
def publish(form_id: str) -> AnyResponse:
    """Publish a draft, with the changes of roles that were confirmed."""
    confirmed = request.form.getlist("confirmed")
    drafts.publish_draft(installation().reference, _manager(), form_id, request.form.get("md5", ""), confirmed)
    return redirect(url_for("forms.page", done="published"))


@forms.post("/form/<path:form_id>/delete-draft")
def delete_draft(form_id: str) -> AnyResponse:
    """Delete a draft with all that was sent to it."""
    drafts.delete(installation().reference, _manager(), form_id)
    return redirect(url_for("forms.page", done="deleted"))


@forms.post("/form/<path:form_id>/delete-tried")
def delete_tried(form_id: str) -> AnyResponse:
    """Delete what was sent to a draft, or one of it."""
    drafts.delete_tried(installation().reference, _manager(), form_id, request.form.get("instance_id") or None)
    return redirect(url_for("forms.draft", form_id=form_id, done="deleted"))


@forms.post("/form/<path:form_id>/close")
def close(form_id: str) -> AnyResponse:
    """Offer a form to phones no more."""
    form_life.close(installation().reference, _manager(), form_id)
    return redirect(url_for("forms.page", done="closed"))


@forms.post("/form/<path:form_id>/offer")
def offer(form_id: str) -> AnyResponse:
    """Offer one version of a form to phones."""
    form_life.offer(installation().reference, _manager(), form_id, request.form.get("version", ""))
    return redirect(url_for("forms.page", done="offered"))
