"""One POST becomes a stored submission, then a visit in its place.

Two commits: the raw submission first, exactly as it came; then the register and the tallies. If the second step
fails, the first stays, flagged with the reason, and can be processed again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import cast

from mapper.errors import Conflict, InvalidInput, MapperError, NotFound, Unavailable, mark, trace
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import Roles
from mapper.services.counting import EVERYTHING, Gathered, Understood, count, understand, understand_stored, write
from mapper.services.reference import Known, Reference
from mapper.store import reference as kept
from mapper.store import submissions
from mapper.store.database import Connection
from mapper.store.submissions import RawSubmission, Saved, StoredSubmission, SubmissionState

log = logging.getLogger(__name__)

BUSY_TRIES = 3
"""How often a submission is counted anew where the database gave up, as it does with one of two in a deadlock."""

VIETNAM = timezone(timedelta(hours=7))
"""The day at the door is a day in Vietnam, whatever the server's clock is set to."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one POST. new: whether the submission was not here before."""

    state: SubmissionState
    new: bool

    @property
    def counted(self) -> bool:
        """Whether it is understood and in its place (201), or kept on disk and waiting (202)."""
        return self.state in (SubmissionState.PROCESSED, SubmissionState.SUPERSEDED)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def receive(
    reference: Reference,
    xml: bytes,
    attachments: Mapping[str, bytes],
    *,
    sender_id: int | None = None,
    device_id: str | None = None,
    received: datetime | None = None,
) -> Receipt:
    """Keep one submission, then count it.

    xml: the instance as sent. attachments: NFC file name to content, of this POST alone; later chunks bring the rest.
    Raises MalformedXml or InvalidInput for what is no submission, NotFound for a form that was never published here,
    Conflict for the same instance with other content or an edit of something already edited. Then nothing is kept.
    """
    instance = _read(reference, xml)
    received = received or now()
    raw = RawSubmission(
        instance_id=instance.instance_id,
        deprecated_id=instance.deprecated_id,
        form_id=instance.form_id,
        form_version=instance.version,
        xml=xml,
        received_at=received.isoformat(timespec="milliseconds"),
        received_on=received.astimezone(VIETNAM).date(),
        sender_id=sender_id,
        device_id=device_id,
        attachments=attachments,
    )
    answer = _write(reference, raw)
    if isinstance(answer, MapperError):
        raise answer
    known, form, saved, state = cast(Kept, answer)
    if state is SubmissionState.RECEIVED:
        told = None
        if raw.deprecated_id is None and form is not None:
            with suppress(MapperError):
                told = understand(known, form, instance, raw.received_on, raw.instance_id)
        state = process(reference, raw.instance_id, told)
    return Receipt(state, saved is Saved.NEW)


Kept = tuple[Known, tuple[Roles, str | None] | None, Saved, SubmissionState]
"""The reference data and the form's roles at that moment, what was found, and the state the submission is in."""


def _write(reference: Reference, job: RawSubmission | Counting) -> Kept | MapperError | Counted:
    """Do one job, together with those of other threads that wait at the same moment."""
    return reference.together.do(lambda jobs: _write_together(reference, jobs), job)


@dataclass(frozen=True, slots=True)
class Counting:
    """A kept submission that is to be counted; told: as it was understood a moment ago, where it was."""

    instance_id: str
    told: Understood | None


Counted = tuple[SubmissionState, str | None]
"""The state that a submission ends in, and the edit that waited for it."""


def _write_together(
    reference: Reference, jobs: Sequence[RawSubmission | Counting]
) -> list[Kept | MapperError | Counted]:
    """One transaction for all that waits: submissions to keep, each accepted or refused by itself, and to count.

    A submission is counted in a later transaction than the one that keeps it.
    """
    for tries_left in reversed(range(BUSY_TRIES)):
        gathered = Gathered()
        answers: list[Kept | MapperError | Counted] = []
        try:
            with reference.database.write() as connection:
                if any(isinstance(job, Counting) for job in jobs):
                    reference.database.lock(connection, EVERYTHING, shared=True)
                known = reference.known(connection)
                for job in jobs:
                    if isinstance(job, Counting):
                        answers.append(_count_one(reference, connection, known, job, gathered))
                    else:
                        answers.append(_keep_or_refuse(reference, connection, known, job))
                write(reference, connection, gathered)
            known.cells.update(gathered.new_cells)
            return answers
        except Unavailable:
            if not tries_left:
                raise
    raise AssertionError("BUSY_TRIES is at least 1")


def _keep_or_refuse(
    reference: Reference, connection: Connection, known: Known, raw: RawSubmission
) -> Kept | MapperError:
    try:
        return _keep_one(reference, connection, known, raw)
    except Unavailable:
        raise
    except MapperError as refusal:
        return refusal


def _keep_one(reference: Reference, connection: Connection, known: Known, raw: RawSubmission) -> Kept:
    """Keep one submission. Raises NotFound or Conflict before anything of it is written."""
    database = reference.database
    form = reference.roles(connection, known, raw.form_id, raw.form_version)
    if form is None and not kept.has_form(connection, raw.form_id):
        raise NotFound(
            mark("This server has no form {form_id}. Check the server address on the phone, or publish the form."),
            form_id=raw.form_id,
        )
    if raw.deprecated_id is not None:
        # Wait while the original is being counted, so that one of the two sees the other.
        database.lock(connection, f"submission {raw.deprecated_id}")
    saved, state = submissions.save(database, connection, raw)
    if saved is Saved.OTHER_CONTENT:
        raise Conflict(
            mark("Submission {instance_id} is already here with other answers. Send changes as an edit."),
            instance_id=raw.instance_id,
        )
    if saved is Saved.STALE_EDIT:
        raise Conflict(
            mark("Submission {instance_id} was already edited from elsewhere. Open the newest version and edit that."),
            instance_id=raw.deprecated_id or "",
        )
    if (
        saved is Saved.NEW
        and raw.deprecated_id is not None
        and state is SubmissionState.RECEIVED
        and submissions.state_of(connection, raw.deprecated_id) is SubmissionState.RECEIVED
    ):
        # Counted before the original is, it would leave what the original itself edits counting too.
        state = SubmissionState.HELD
    if state is SubmissionState.HELD and saved is Saved.NEW:
        message = mark("This edit came before its original and waits for it.")
        submissions.set_state(connection, raw.instance_id, SubmissionState.HELD, message, {})
    return known, form, saved, state


def process(reference: Reference, instance_id: str, told: Understood | None = None) -> SubmissionState:
    """Count one kept submission, and the held edits that waited for it; the state it ends in.

    told: the submission as it was understood a moment ago, where it was.
    Safe to call again at any time: what counts already stays as it is. Whatever goes wrong is written to the
    submission as its reason, and the submission stays. Raises Unavailable where the database does not answer.
    """
    database = reference.database
    try:
        state, waiting = cast(Counted, _write(reference, Counting(instance_id, told)))
    except Unavailable:
        raise  # no fault of the submission's: it stays received, and the phone's next try counts it
    except MapperError as problem:
        state, waiting = _flag(reference, instance_id, problem.message, problem.facts)
    except Exception as fault:
        log.error("submission could not be processed: %s", trace(fault))
        message = mark(
            "The server could not understand this submission ({fault}). It is kept; report it, then try again."
        )
        state, waiting = _flag(reference, instance_id, message, {"fault": type(fault).__name__})
    if waiting is None:
        return state
    process(reference, waiting)
    with database.read() as connection:
        return submissions.state_of(connection, instance_id) or state


def _read(reference: Reference, xml: bytes) -> Instance:
    """A submission's XML, read; forms may give their instances a namespace of their own, and seldom do."""
    try:
        return read_instance(xml)
    except InvalidInput:
        with reference.database.read() as connection:
            own = reference.namespaces(connection, reference.known(connection))
        if not own:
            raise
        return read_instance(xml, own)


def _count_one(
    reference: Reference,
    connection: Connection,
    known: Known,
    job: Counting,
    gathered: Gathered,
) -> Counted:
    database, instance_id, told = reference.database, job.instance_id, job.told
    database.lock(connection, f"submission {instance_id}")
    stored = submissions.read(database, connection, instance_id)
    if stored is None:
        raise NotFound(mark("There is no submission {instance_id}."), instance_id=instance_id)
    if stored.state not in (SubmissionState.RECEIVED, SubmissionState.FLAGGED):
        return stored.state, None
    if stored.deprecated_id is not None:
        database.lock(connection, f"submission {stored.deprecated_id}")
    if told is None or told.known is not known:
        told = understand_stored(reference, connection, known, stored)
    count(reference, connection, stored, told, gathered)
    return SubmissionState.PROCESSED, _release(reference, connection, stored)


def _flag(
    reference: Reference, instance_id: str, message: str, facts: Mapping[str, object]
) -> tuple[SubmissionState, str | None]:
    """Write down why a submission does not count; its state, and the edit that waited for it and may mend it."""
    database = reference.database
    with database.write() as connection:
        database.lock(connection, EVERYTHING, shared=True)
        database.lock(connection, f"submission {instance_id}")
        stored = submissions.read(database, connection, instance_id)
        if stored is None or stored.state not in (SubmissionState.RECEIVED, SubmissionState.FLAGGED):
            return (stored.state if stored else SubmissionState.FLAGGED), None
        submissions.set_state(connection, instance_id, SubmissionState.FLAGGED, message, facts)
        return SubmissionState.FLAGGED, _release(reference, connection, stored)


def _release(reference: Reference, connection: Connection, original: StoredSubmission) -> str | None:
    """Let the edit go on that was held for this original; its instance id, None where none was."""
    waiting = submissions.held_edit_of(reference.database, connection, original.instance_id)
    if waiting is not None:
        submissions.release(connection, waiting, original.root_id)
    return waiting


def process_waiting(reference: Reference, form_id: str | None = None) -> int:
    """Process what was received but not counted (a crash in between), and what is flagged of a form; how many count."""
    with reference.database.read() as connection:
        waiting = submissions.waiting(connection, form_id=form_id)
    tried = [
        s
        for s in reversed(waiting)
        if s.state is SubmissionState.RECEIVED or (form_id is not None and s.state is SubmissionState.FLAGGED)
    ]
    return sum(process(reference, s.instance_id) is not SubmissionState.FLAGGED for s in tried)


def how_many(reference: Reference) -> int:
    """How many submissions are kept."""
    with reference.database.read() as connection:
        return submissions.count(connection)


def today() -> date:
    """The day in Vietnam."""
    return now().astimezone(VIETNAM).date()
