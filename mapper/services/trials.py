"""What the phones of a draft ask for: its files, and somewhere to send to that counts nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound, TooLarge, mark
from mapper.formats.campaign import read_campaign
from mapper.formats.entity_lists import is_map, served_lists
from mapper.formats.hamlets import read_hamlets
from mapper.formats.instance import read_instance
from mapper.formats.xform import XFormModel
from mapper.services import accounts
from mapper.services.drafts import md5_of
from mapper.services.reference import Reference
from mapper.services.trial_lists import trial_list, trial_map
from mapper.store import drafts, submissions
from mapper.store import reference as kept
from mapper.store.drafts import Draft, DraftSubmission

MOST_SUBMISSIONS = 500
"""To one draft: trying a form takes a handful, and nobody is to fill the disk with a code that was passed on."""


def by_token(reference: Reference, token: str) -> Draft:
    """The draft that a phone with this token tries. Raises Forbidden for a token of none."""
    with reference.database.read() as connection:
        draft = drafts.by_token(connection, accounts.token_hash(token))
    if draft is None:
        raise Forbidden(mark("This form is no longer being tried. Ask your administrator for a new QR code."))
    return draft


@dataclass(frozen=True, slots=True)
class TrialFile:
    """A file of a draft as its phones get it; md5 in hexadecimal. entity_list: its rows are entities, invented ones."""

    name: str
    md5: str
    content: bytes | None
    entity_list: bool = False


def trial_files(reference: Reference, draft: Draft) -> list[TrialFile]:
    """The files of a draft, by name; the content of entity lists only, which are made here."""
    files = [TrialFile(name, md5, None) for name, (_, md5) in draft.media.items()]
    model = XFormModel.from_json(draft.model)
    with reference.database.read() as connection:
        others = [XFormModel.from_json(form.model) for form in kept.current_forms(connection)]
        listed_hamlets = submissions.read_blob(connection, draft.hamlets) if draft.hamlets else None
    declared = {name for each in (model, *others) for name in each.entity_lists}
    wanted = [media.name for media in model.media if media.name not in draft.media]
    hamlets = read_hamlets(listed_hamlets) if listed_hamlets is not None else ()
    place = (hamlets[0].commune_code, hamlets[0].code) if hamlets else ("", "")
    campaign = read_campaign(draft.toml) if draft.toml else None
    doses = list(campaign.doses) if campaign is not None else []
    dose = (doses[0], campaign.doses[doses[0]].vi) if campaign is not None and doses else ("", "")
    vaccines = " ".join(campaign.vaccines) if campaign is not None else ""
    for name, kind in served_lists(wanted, declared).items():
        content = trial_map(place) if is_map(name) else trial_list(kind, place, dose, vaccines)
        files.append(TrialFile(name, md5_of(content), content, not is_map(name)))
    return sorted(files, key=lambda file: file.name)


def media_content(reference: Reference, draft: Draft, name: str) -> bytes:
    """One file of a draft. Raises NotFound."""
    with reference.database.read() as connection:
        content = submissions.read_blob(connection, draft.media[name][0]) if name in draft.media else None
    if content is None:
        content = next((file.content for file in trial_files(reference, draft) if file.name == name), None)
    if content is None:
        raise NotFound(mark("Form {form_id} has no file {name}."), form_id=draft.form_id, name=name)
    return content


def receive(reference: Reference, draft: Draft, xml: bytes, attachments: Mapping[str, bytes]) -> None:
    """Keep what was sent to a draft, apart from everything that counts.

    Raises InvalidInput for what is no filled form, or of another one, Conflict for the same instance with other
    answers, TooLarge for more than a trial takes.
    """
    instance = read_instance(xml, None)
    if instance.form_id != draft.form_id:
        raise InvalidInput(
            mark("This address takes the form {form_id} only, for trying it. Send {sent} to the server's own address."),
            form_id=draft.form_id,
            sent=instance.form_id,
        )
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    with reference.database.write() as connection:
        reference.database.lock(connection, f"draft {draft.form_id}")
        if drafts.by_token(connection, draft.token_sha256) is None:
            raise Forbidden(mark("This form is no longer being tried. Ask your administrator for a new QR code."))
        before = drafts.submission(connection, instance.instance_id)
        if before is not None and (before.xml != xml or before.form_id != draft.form_id):
            raise Conflict(
                mark("Submission {instance_id} is already here with other answers. Send changes as an edit."),
                instance_id=instance.instance_id,
            )
        if before is None and drafts.count(connection, draft.form_id) >= MOST_SUBMISSIONS:
            raise TooLarge(
                mark("The draft holds {limit} submissions already. Delete those on its page, then send again."),
                limit=MOST_SUBMISSIONS,
            )
        files = {
            name: submissions.save_blob(reference.database, connection, content)
            for name, content in attachments.items()
        }
        own = dict(before.attachments) if before is not None else {}
        new = DraftSubmission(instance.instance_id, draft.form_id, instance.version, xml, at, own | files)
        drafts.save_submission(reference.database, connection, new)
