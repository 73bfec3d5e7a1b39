"""A form is tried before it is published: as a draft with phones of its own, whose submissions never count."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mapper.domain.campaign import Campaign
from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidCampaign, InvalidForm, NotFound, mark
from mapper.formats.agreement import check_agreement
from mapper.formats.answers import read_answers
from mapper.formats.campaign import read_campaign
from mapper.formats.hamlets import read_hamlets
from mapper.formats.instance import read_instance
from mapper.formats.media_type import media_type
from mapper.formats.role_changes import RoleChange
from mapper.formats.roles import Roles
from mapper.formats.xform import XFormModel, read_xform
from mapper.formats.xlsform import convert
from mapper.services import accounts, audit
from mapper.services.accounts import User
from mapper.services.publish import Publication, ReadyForm, changed_roles, publish_ready, read_folder
from mapper.services.reference import Reference
from mapper.services.submission_page import File, Line, choice_labels, file_of, lines_of
from mapper.store import drafts, form_life, submissions
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.drafts import Draft, DraftSubmission


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft in the list."""

    form_id: str
    version: str
    title: str
    made_at: str
    submissions: int


@dataclass(frozen=True, slots=True)
class TriedForm:
    """One filled form that was sent to a draft, in the form's words. other_files: what no question names."""

    instance_id: str
    version: str
    received_at: str
    lines: tuple[Line, ...]
    other_files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class DraftPage:
    """All there is to see of a draft. token: of its phones, "" where the installation's key has changed since.

    published: version that is offered or was last, "" for a new form; taken: whether this very version is published
    with other content; changes: roles that it would take from the questions of the one before.
    """

    form_id: str
    version: str
    title: str
    md5: str
    made_at: str
    advice: tuple[str, ...]
    files: tuple[str, ...]
    campaign: bool
    token: str
    published: str
    taken: bool
    changes: tuple[RoleChange, ...]
    tried: tuple[TriedForm, ...]


def may_manage(user: User) -> bool:
    """Whether a user may try, publish and close forms: they belong to everybody, so no limited area will do."""
    return user.role is Role.ADMINISTRATOR and not user.areas


def check_manager(user: User) -> None:
    """Raise Forbidden for whoever may not manage forms."""
    if not may_manage(user):
        raise Forbidden(mark("Forms are managed by administrators whose area has no limits. Ask one of them."))


def listed(reference: Reference) -> list[DraftRow]:
    """Every draft, by form."""
    with reference.database.read() as connection:
        return [DraftRow(*row) for row in drafts.listed(connection)]


def make(reference: Reference, user: User, files: Mapping[str, bytes]) -> list[str]:
    """Make drafts of the forms in an uploaded folder; their form ids.

    files: plain name to content. What a folder lacks beside its workbook, campaign.toml and media, is taken from the
    published version of the same form. The draft that a form had is replaced, its phones and submissions stay.
    Raises Forbidden, InvalidForm for no workbook, and what ``publish.read_folder`` raises.
    """
    check_manager(user)
    if not any(name.endswith(".xlsx") for name in files):
        raise InvalidForm(mark("There is no XLSForm among these files (a file that ends in .xlsx). Choose it too."))
    key = accounts.secret_key(reference)
    with TemporaryDirectory() as place:
        folder = Path(place)
        # Plain names without any folder, checked where the upload was read.
        for name, content in files.items():
            (folder / Path(name).name).write_bytes(content)
        lists = _complete(reference, folder, files)
        campaign, toml, _, ready = read_folder(folder, lists=lists)
        hamlets = (folder / campaign.hamlets_file).read_bytes() if campaign and campaign.hamlets_file else None
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    with reference.database.write() as connection:
        for form in ready:
            before = drafts.by_form(connection, form.model.form_id)
            began = before.made_at if before is not None else at
            draft = Draft(
                form.model.form_id,
                form.model.version,
                form.model.title or form.model.form_id,
                form.xform,
                md5_of(form.xform),
                form.model.to_json(),
                {name: (_keep(reference, connection, one), md5_of(one)) for name, one in sorted(form.media.items())},
                None if hamlets is None or not form.draws_coverage else _keep(reference, connection, hamlets),
                form.file,
                form.warnings,
                toml if campaign is not None and form.draws_coverage else None,
                accounts.token_hash(token_of(key, form.model.form_id, began)),
                user.id,
                began,
            )
            drafts.save(reference.database, connection, draft)
            facts = {"version": draft.version}
            audit.record(reference, connection, user.id, user.name, "form.draft", draft.form_id, facts)
    return [form.model.form_id for form in ready]


def _complete(reference: Reference, folder: Path, files: Mapping[str, bytes]) -> set[str]:
    """Put beside the workbooks what their published versions have and the upload lacks; entity lists known here."""
    with reference.database.read() as connection:
        for name, content in files.items():
            if not name.endswith(".xlsx"):
                continue
            before = form_life.newest(connection, convert(name, content).form_id)
            if before is None:
                continue
            toml = dict(kept.campaigns(connection)).get(before.campaign_id or "")
            if toml is not None and "campaign.toml" not in files:
                (folder / "campaign.toml").write_text(toml, encoding="utf-8")
            for media in kept.media(connection, before.form_id, before.version):
                content_before = submissions.read_blob(connection, media.sha256)
                if media.name not in files and content_before is not None:
                    (folder / Path(media.name).name).write_bytes(content_before)
        models = [XFormModel.from_json(form.model) for form in kept.current_forms(connection)]
    return {name for model in models for name in model.entity_lists}


def _keep(reference: Reference, connection: Connection, content: bytes) -> str:
    return submissions.save_blob(reference.database, connection, content)


def md5_of(content: bytes) -> str:
    """What phones compare, in hexadecimal."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def token_of(key: str, form_id: str, made_at: str) -> str:
    """The token of a draft's phones, made from the installation's key so that its QR code can be shown again."""
    made = hmac.digest(key.encode(), f"draft {made_at} {form_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def draft_page(reference: Reference, user: User, form_id: str, language: str) -> DraftPage:
    """Everything about one draft. Raises Forbidden, NotFound."""
    check_manager(user)
    key = accounts.secret_key(reference)
    with reference.database.read() as connection:
        draft = _draft(connection, form_id)
        model = XFormModel.from_json(draft.model)
        before = form_life.newest(connection, form_id)
        same = kept.form(connection, form_id, draft.version)
        token = token_of(key, form_id, draft.made_at)
        files = {choices.file: choices for choices in model.choice_lists if choices.file in draft.media}
        labels = {
            name: choice_labels(submissions.read_blob(connection, draft.media[name][0]) or b"", choices)
            for name, choices in files.items()
        }
        tried = [_tried(connection, model, language, labels, one) for one in drafts.submissions(connection, form_id)]
        return DraftPage(
            form_id,
            draft.version,
            draft.title,
            draft.md5,
            draft.made_at,
            draft.advice,
            tuple(sorted(draft.media)),
            draft.toml is not None,
            token if accounts.token_hash(token) == draft.token_sha256 else "",
            before.version if before is not None else "",
            same is not None and same.md5 != draft.md5,
            changed_roles(connection, model),
            tuple(tried),
        )


def _tried(
    connection: Connection,
    model: XFormModel,
    language: str,
    labels: Mapping[str, Mapping[str, str]],
    one: DraftSubmission,
) -> TriedForm:
    answers = read_answers(read_instance(one.xml, None), model, language, labels)
    files = {name: [sha256] for name, sha256 in one.attachments.items()}
    lines, named = lines_of(connection, model, answers, [one.instance_id], {one.instance_id: files})
    others = (
        file_of(connection, name, sha256, one.instance_id)
        for name, sha256 in sorted(one.attachments.items())
        if name not in named
    )
    return TriedForm(one.instance_id, one.version, one.received_at, lines, tuple(others))


def tried_file(reference: Reference, user: User, form_id: str, instance_id: str, sha256: str) -> tuple[str, str, bytes]:
    """Name, media type and content of one file that was sent to a draft. Raises Forbidden, NotFound."""
    check_manager(user)
    with reference.database.read() as connection:
        one = drafts.submission(connection, instance_id)
        files = one.attachments if one is not None and one.form_id == form_id else {}
        name = next((name for name, kept_as in files.items() if kept_as == sha256), None)
        content = submissions.read_blob(connection, sha256) if name is not None else None
    if name is None or content is None:
        raise NotFound(mark("Submission {instance_id} has no such file."), instance_id=instance_id)
    return name, media_type(content), content


def _draft(connection: Connection, form_id: str) -> Draft:
    draft = drafts.by_form(connection, form_id)
    if draft is None:
        raise NotFound(mark("Form {form_id} has no draft. Upload one."), form_id=form_id)
    return draft


def publish_draft(
    reference: Reference, user: User, form_id: str, md5: str, confirmed: Collection[str] = ()
) -> Publication:
    """Publish a draft, and delete it with all that was sent to it.

    md5: of the draft that the user looked at. confirmed: see ``publish.publish``. Raises Forbidden, NotFound, Conflict
    where the draft was replaced meanwhile, its version is published with other content, or roles were not confirmed.
    """
    check_manager(user)
    with reference.database.read() as connection:
        draft = _draft(connection, form_id)
        media = {name: submissions.read_blob(connection, sha256) for name, (sha256, _) in draft.media.items()}
        listed_hamlets = submissions.read_blob(connection, draft.hamlets) if draft.hamlets else None
        others = [form for form in kept.current_forms(connection) if form.form_id != form_id]
    if draft.md5 != md5:
        raise _replaced(form_id)
    model = read_xform(draft.xform)
    campaign = read_campaign(draft.toml) if draft.toml else None
    for other in others:
        if campaign is not None and other.campaign_id == campaign.id:
            _check_other(campaign, XFormModel.from_json(other.model))
    ready = ReadyForm(
        draft.file,
        draft.xform,
        model,
        {name: content for name, content in media.items() if content is not None},
        Roles.of(model).draws_coverage,
        draft.advice,
    )

    def finish(connection: Connection) -> None:
        now = drafts.by_form(connection, form_id)
        if now != draft:
            raise _replaced(form_id)
        drafts.delete_draft(connection, form_id)

    return publish_ready(
        reference,
        campaign,
        draft.toml or "",
        read_hamlets(listed_hamlets) if listed_hamlets is not None else (),
        [ready],
        confirmed,
        (user.id, user.name),
        finish,
    )


def _check_other(campaign: Campaign, other: XFormModel) -> None:
    """Raise Conflict where the draft's campaign would no longer fit another form that phones have."""
    try:
        check_agreement(campaign, other, Roles.of(other))
    except InvalidCampaign as problem:
        raise Conflict(
            mark("The draft's campaign.toml does not fit the form {other}, which phones have: {reason}"),
            other=other.form_id,
            reason=str(problem),
        ) from problem


def _replaced(form_id: str) -> Conflict:
    return Conflict(
        mark("The draft of form {form_id} was replaced or published meanwhile. Look at it again."), form_id=form_id
    )


def delete(reference: Reference, user: User, form_id: str) -> None:
    """Delete a draft with all that was sent to it; its phones' code opens nothing from now on."""
    check_manager(user)
    with reference.database.write() as connection:
        draft = _draft(connection, form_id)
        drafts.delete_draft(connection, form_id)
        facts = {"version": draft.version}
        audit.record(reference, connection, user.id, user.name, "form.draft_deleted", form_id, facts)


def delete_tried(reference: Reference, user: User, form_id: str, instance_id: str | None = None) -> int:
    """Delete what was sent to a draft, or one of it; how many went."""
    check_manager(user)
    with reference.database.write() as connection:
        _draft(connection, form_id)
        return drafts.delete_submissions(connection, form_id, instance_id)
