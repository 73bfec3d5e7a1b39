"""The forms that are published: which version is offered, what came of each, and closing or opening them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.errors import NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.drafts import check_manager
from mapper.services.reference import Reference
from mapper.store import form_life
from mapper.store import reference as kept

COUNTED_ANEW = 1000
"""Submissions that a look at the forms may count anew; of more the counts are kept for the next look."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A form version. published_at: None for one that phones sent and that was never published here.

    last_at: when its newest submission came, None for none.
    """

    version: str
    published_at: str | None
    offered: bool
    submissions: int
    last_at: str | None


@dataclass(frozen=True, slots=True)
class FormRow:
    """A published form; offered: the version that phones get, None once it is closed. versions: the newest first."""

    form_id: str
    title: str
    offered: str | None
    versions: tuple[VersionRow, ...]


def forms(reference: Reference) -> list[FormRow]:
    """Every form ever published, by form id."""
    with reference.database.read() as connection:
        published = form_life.versions(connection)
        every, fresh = form_life.counts(connection)
    if fresh > COUNTED_ANEW:
        with reference.database.write() as connection:
            form_life.keep_counts(reference.database, connection, datetime.now(UTC))
    counts = {(each.form_id, each.version): each for each in every}
    rows: dict[str, list[VersionRow]] = {}
    titles: dict[str, str] = {}
    for form_id, version, title, at, offered in published:
        # What is offered names the form; else the newest does.
        titles[form_id] = title if offered else titles.get(form_id, title)
        count = counts.pop((form_id, version), None)
        number, last_at = (count.number, count.last_at) if count is not None else (0, None)
        rows.setdefault(form_id, []).append(VersionRow(version, at, offered, number, last_at))
    for (form_id, version), count in counts.items():
        if form_id in rows:
            rows[form_id].append(VersionRow(version, None, False, count.number, count.last_at))
    return [
        FormRow(form_id, titles[form_id], next((v.version for v in versions if v.offered), None), tuple(versions))
        for form_id, versions in rows.items()
    ]


def close(reference: Reference, user: User, form_id: str) -> None:
    """Offer a form to phones no more; what they still send of it is taken as before. Raises Forbidden, NotFound."""
    check_manager(user)
    with reference.database.write() as connection:
        if not form_life.close(connection, form_id):
            raise NotFound(mark("No version of form {form_id} is offered to phones."), form_id=form_id)
        kept.raise_revision(reference.database, connection)
        audit.record(reference, connection, user.id, user.name, "form.closed", form_id)


def offer(reference: Reference, user: User, form_id: str, version: str) -> None:
    """Offer a published version to phones, and no other of the form. Raises Forbidden, NotFound."""
    check_manager(user)
    with reference.database.write() as connection:
        if kept.form(connection, form_id, version) is None:
            raise NotFound(
                mark("Form {form_id} has no version {version} here. Publish it, or update the form on the phone."),
                form_id=form_id,
                version=version,
            )
        kept.make_current(connection, form_id, version)
        kept.raise_revision(reference.database, connection)
        audit.record(reference, connection, user.id, user.name, "form.opened", form_id, {"version": version})
