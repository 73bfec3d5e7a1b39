"""Keeping out who was erased: marks of ids, and what is taken from a submission before it is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from unicodedata import normalize

from mapper.errors import Conflict, MapperError, mark
from mapper.formats.instance import Instance, read_instance
from mapper.formats.redaction import Member, members, redact
from mapper.formats.roles import Roles, read_visit
from mapper.services.reference import Known, Reference
from mapper.store import erasing, submissions
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.submissions import RawSubmission

_SALT = "erasure salt"


class Marks:
    """Marks of this installation: keyed hashes, by which an id is known again and not told."""

    def __init__(self, reference: Reference, connection: Connection, *, make: bool = False) -> None:
        if make:
            kept.keep_fact(reference.database, connection, _SALT, secrets.token_hex(32))
        self._key = (kept.fact(connection, _SALT) or "").encode()

    def of(self, kind: str, *parts: str) -> str:
        """The mark of an id. kind: as in tables.erased_marks."""
        told = "\0".join((kind, *parts)).encode()
        return hashlib.blake2b(told, key=self._key[:64], digest_size=32).hexdigest()

    def submission(self, instance_id: str) -> str:
        """Of a submission of which nothing is here."""
        return self.of("submission", instance_id)

    def household(self, campaign_id: str, household_id: str) -> str:
        """Of a household."""
        return self.of("household", campaign_id, household_id)

    def member(self, campaign_id: str, household_id: str, one: Member) -> list[tuple[str, str]]:
        """Kinds and marks of a member: the id that a form gave, and name with birth in this household.

        A place in a list is no mark: after an edit it may be somebody else's.
        """
        found = [("person", self.of("person", campaign_id, one.id))] if one.told else []
        if one.name:
            found.append(("name", self.of("name", campaign_id, household_id, *one.key)))
        return found


def nobody_is_erased(reference: Reference, connection: Connection) -> None:
    """While this transaction lasts. To be said before it reads ``Known.anybody_erased``, and keeps anything."""
    reference.database.lock(connection, erasing.LOCK, shared=True)


def sift(
    reference: Reference, connection: Connection, known: Known, raw: RawSubmission, instance: Instance
) -> tuple[RawSubmission, Instance] | None:
    """A submission without whoever was erased, as it may be kept; None where nothing of it may.

    The latter is noted too, so that what edits it does not come back either. Called before it is kept, in the same
    transaction, where anybody was erased.
    """
    database = reference.database
    marks = Marks(reference, connection)
    asked = [marks.submission(raw.instance_id)]
    if raw.deprecated_id is not None:
        asked.append(marks.submission(raw.deprecated_id))
    form = reference.roles(connection, known, raw.form_id, raw.form_version)
    roles, campaign_id = form if form is not None else (Roles.empty(), None)
    telling = None
    if roles.draws_coverage and campaign_id in known.campaigns:
        root = _root(reference, connection, raw)
        telling = told(known, roles, campaign_id, instance, raw.received_on, root)
    listed: list[tuple[Member, str]] = []
    if telling is not None and campaign_id is not None:
        asked.append(marks.household(campaign_id, telling.household_id))
        listed = [
            (one, mark) for one in telling.members for _, mark in marks.member(campaign_id, telling.household_id, one)
        ]
    kept_short = {part: marks.of(part, campaign_id or "") for part in ("people", "photos")}
    over = erasing.marked(database, connection, kept_short.values())
    if kept_short["people"] in over:
        raise Conflict(
            mark(
                "The people of this campaign were reduced to numbers when its time was over; nothing more is taken. "
                "Delete the form from the phone."
            )
        )
    if kept_short["photos"] in over:
        raw = replace(raw, attachments={})
    found = erasing.marked(database, connection, [*asked, *(mark for _, mark in listed)])
    closed = [mark for mark in asked if mark in found]
    if closed:
        of = erasing.erasure_of(connection, closed[0])
        assert of is not None
        former = hashlib.sha256(raw.xml).hexdigest()
        erasing.add_marks(database, connection, of, "submission", {asked[0]: former})
        return None
    gone = list(dict.fromkeys(one for one, mark in listed if mark in found))
    if not gone or telling is None:
        return raw, instance
    return without(raw, instance, roles, gone, census=not telling.partial)


def without(
    raw: RawSubmission, instance: Instance, roles: Roles, gone: Sequence[Member], *, census: bool
) -> tuple[RawSubmission, Instance]:
    """A submission without some members, known by what it was: sent again, it is the same."""
    day = raw.received_on.isoformat()
    xml, files = redact(instance, roles, gone, words_of(gone), day, census=census)
    attachments = {
        name: content for name, content in (raw.attachments or {}).items() if normalize("NFC", name) not in files
    }
    digest = raw.digest or hashlib.sha256(raw.xml).hexdigest()
    cleaned = replace(raw, xml=xml, attachments=attachments, digest=digest)
    return cleaned, read_instance(xml, None)


def words_of(gone: Collection[Member]) -> set[str]:
    """What nobody is to find any more of these."""
    return {word for one in gone for word in (one.name, one.id if one.told else "") if word}


@dataclass(frozen=True, slots=True)
class Telling:
    """Of which household a submission tells, whether of changes alone, and whom it lists."""

    household_id: str
    partial: bool
    members: list[Member]


def told(
    known: Known, roles: Roles, campaign_id: str, instance: Instance, received_on: date, root_id: str
) -> Telling | None:
    """What a submission tells of a household; None where it cannot be understood. root_id: of its first version."""
    try:
        visit, _ = read_visit(instance, roles, known.campaigns[campaign_id], received_on, root_instance_id=root_id)
    except MapperError:
        return None
    namesake = root_id if visit.partial else visit.household_id
    return Telling(visit.household_id, visit.partial, members(instance, roles, namesake))


def _root(reference: Reference, connection: Connection, raw: RawSubmission) -> str:
    if raw.deprecated_id is None:
        return raw.instance_id
    stored = submissions.read(reference.database, connection, raw.deprecated_id)
    return stored.root_id if stored is not None else raw.deprecated_id
