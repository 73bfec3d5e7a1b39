"""One POST becomes a stored submission, then a visit in its place.

Two commits: the raw submission first, exactly as it came; then the register and the tallies. If the second step
fails, the first stays, flagged with the reason, and can be processed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import TypeVar

from mapper.errors import Conflict, InvalidInput, MapperError, NotFound, Unavailable, mark
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import Roles
from mapper.services.counting import EVERYTHING, Gathered, count, count_firsts, write
from mapper.services.erased import nobody_is_erased, sift
from mapper.services.reference import Known, Reference
from mapper.services.understanding import Understood, reason, understand, understand_stored
from mapper.store import edits, submissions
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.submissions import RawSubmission, Saved, StoredSubmission, SubmissionState

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


@dataclass(frozen=True, slots=True)
class Upload:
    """One POST. xml: the instance as sent. attachments: NFC file name to content, of this POST alone; later ones may
    bring the rest."""

    xml: bytes
    attachments: Mapping[str, bytes]
    sender_id: int | None = None
    device_id: str | None = None


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

    The parameters are those of ``Upload``. Raises MalformedXml or InvalidInput for what is no submission, NotFound for
    a form that was never published here, Conflict for the same instance with other content or an edit of something
    already edited. Then nothing is kept.
    """
    (receipt,) = receive_all(reference, [Upload(xml, attachments, sender_id, device_id)], received)
    if isinstance(receipt, Exception):
        raise receipt
    return receipt


def receive_all(
    reference: Reference, uploads: Sequence[Upload], received: datetime | None = None
) -> list[Receipt | Exception]:
    """Keep submissions, all in one transaction, then count them in another; what became of each.

    Each is kept or refused by itself, with the exception that ``receive`` raises.
    """
    results: list[Receipt | Exception] = []
    keeping: dict[int, Keeping] = {}
    moment = received or now()
    for place, upload in enumerate(uploads):
        try:
            keeping[place] = Keeping.of(upload, _read(reference, upload.xml), moment)
            results.append(Receipt(SubmissionState.RECEIVED, False))
        except Exception as refusal:
            results.append(refusal)
    counting: dict[int, Counting] = {}
    for place, kept_one in zip(keeping, _each(partial(_keep_together, reference), [*keeping.values()]), strict=True):
        if isinstance(kept_one, Exception):
            results[place] = kept_one
            continue
        results[place] = Receipt(kept_one.state, kept_one.new)
        if kept_one.state is SubmissionState.RECEIVED:
            counting[place] = kept_one.understood(keeping[place])
    for place, outcome in zip(counting, _count(reference, [*counting.values()]), strict=True):
        try:
            if isinstance(outcome, Exception):
                raise outcome
            results[place] = Receipt(_settle(reference, counting[place].instance_id, outcome), counting[place].new)
        except Exception as fault:
            results[place] = fault
    return results


@dataclass(frozen=True, slots=True)
class Keeping:
    """A submission to keep, with its instance as read."""

    raw: RawSubmission
    instance: Instance

    @classmethod
    def of(cls, upload: Upload, instance: Instance, received: datetime) -> Keeping:
        """An upload that has been read."""
        raw = RawSubmission(
            instance_id=instance.instance_id,
            deprecated_id=instance.deprecated_id,
            form_id=instance.form_id,
            form_version=instance.version,
            xml=upload.xml,
            received_at=received.isoformat(timespec="milliseconds"),
            received_on=received.astimezone(VIETNAM).date(),
            sender_id=upload.sender_id,
            device_id=upload.device_id,
            attachments=upload.attachments,
        )
        return cls(raw, instance)


@dataclass(frozen=True, slots=True)
class Counting:
    """A kept submission that is to be counted; told: as it was understood a moment ago, where it was."""

    instance_id: str
    told: Understood | None
    new: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state that a submission ends in, and the edit that waited for it."""

    state: SubmissionState
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What became of a submission that is kept, with the reference data and its form's roles at that moment.

    sifted: as it is kept, where somebody was taken out of it.
    """

    state: SubmissionState
    new: bool
    known: Known
    form: tuple[Roles, str | None] | None
    sifted: Keeping | None = None

    def understood(self, job: Keeping) -> Counting:
        """What follows; understood here, so that no transaction is open meanwhile."""
        job = self.sifted or job
        raw, told = job.raw, None
        if raw.deprecated_id is None and self.form is not None:
            with suppress(MapperError):
                told = understand(self.known, self.form, job.instance, raw.received_on, raw.instance_id)
        return Counting(raw.instance_id, told, self.new)


Job = TypeVar("Job")
Done = TypeVar("Done")


def _each(work: Callable[[Sequence[Job]], Sequence[Done | Exception]], jobs: Sequence[Job]) -> list[Done | Exception]:
    """What ``work`` makes of jobs in one transaction; where that fails, of each in a transaction of its own.

    So a faulty one fails by itself. A database that does not answer fails them all, and none is tried again.
    """
    if not jobs:
        return []
    for tries_left in reversed(range(BUSY_TRIES)):
        try:
            return list(work(jobs))
        except Unavailable as fault:
            if not tries_left:
                return [fault for _ in jobs]
        except Exception as fault:
            return [one for job in jobs for one in _each(work, [job])] if len(jobs) > 1 else [fault]
    raise AssertionError("BUSY_TRIES is at least 1")


def _keep_together(reference: Reference, jobs: Sequence[Keeping]) -> list[_Kept | Exception]:
    """Keep submissions in one transaction, or refuse them."""
    done: list[_Kept | Exception] = []
    with reference.database.write() as connection:
        nobody_is_erased(reference, connection)
        known = reference.known(connection)
        for job in jobs:
            try:
                done.append((_keep_sifted if known.anybody_erased else _keep_job)(reference, connection, known, job))
            except Unavailable:
                raise
            except MapperError as refusal:
                done.append(refusal)
    return done


def _count(reference: Reference, jobs: Sequence[Counting]) -> list[Outcome | Exception]:
    """Count kept submissions, in a later transaction than the one that kept them.

    One that cannot be understood is flagged with the reason. Where the database does not answer it stays received, and
    the phone's next try counts it.
    """
    done = _each(partial(_count_together, reference), jobs)
    for place, (job, outcome) in enumerate(zip(jobs, done, strict=True)):
        if isinstance(outcome, Exception) and not isinstance(outcome, Unavailable):
            try:
                done[place] = _flag(reference, job, outcome)
            except Exception as fault:
                done[place] = fault
    return done


def _count_together(reference: Reference, jobs: Sequence[Counting]) -> list[Outcome | Exception]:
    """Count submissions in one transaction; raises what is wrong with any of them."""
    gathered = Gathered()
    with reference.database.write() as connection:
        reference.database.lock(connection, EVERYTHING, shared=True)
        known = reference.known(connection)
        told = {job.instance_id: job.told for job in jobs if job.told is not None}
        for instance_id in sorted(told):
            reference.database.lock(connection, f"submission {instance_id}")
        first = count_firsts(reference, connection, known, told, gathered)
        done: list[Outcome | Exception] = [
            Outcome(SubmissionState.PROCESSED)
            if job.instance_id in first
            else _count_one(reference, connection, known, job, gathered)
            for job in jobs
        ]
        write(reference, connection, gathered)
    known.cells.update(gathered.new_cells)
    return done


def _keep_job(reference: Reference, connection: Connection, known: Known, job: Keeping) -> _Kept:
    return _keep_one(reference, connection, known, job.raw)


def _keep_sifted(reference: Reference, connection: Connection, known: Known, job: Keeping) -> _Kept:
    """Keep a submission without whoever was erased; where that leaves nothing, the phone need not send it again."""
    left = sift(reference, connection, known, job.raw, job.instance)
    if left is None:
        return _Kept(SubmissionState.SUPERSEDED, False, known, None)
    return replace(_keep_one(reference, connection, known, left[0]), sifted=Keeping(*left))


def _keep_one(reference: Reference, connection: Connection, known: Known, raw: RawSubmission) -> _Kept:
    """Keep one submission. Raises NotFound or Conflict before it is written."""
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
        why = submissions.WAITS_FOR_ORIGINAL
        submissions.set_state(connection, raw.instance_id, SubmissionState.HELD, why, {})
    return _Kept(state, saved is Saved.NEW, known, form)


def process(reference: Reference, instance_id: str) -> SubmissionState:
    """Count one kept submission, and the held edits that waited for it; the state it ends in.

    Safe to call again at any time: what counts already stays as it is. Whatever goes wrong is written to the
    submission as its reason, and the submission stays. Raises Unavailable where the database does not answer.
    """
    (outcome,) = _count(reference, [Counting(instance_id, None)])
    if isinstance(outcome, Exception):
        raise outcome
    return _settle(reference, instance_id, outcome)


def _settle(reference: Reference, instance_id: str, outcome: Outcome) -> SubmissionState:
    """Count the edit that waited for a submission, if one did; the state that the submission is in then."""
    if outcome.waiting is None:
        return outcome.state
    process(reference, outcome.waiting)
    with reference.database.read() as connection:
        return submissions.state_of(connection, instance_id) or outcome.state


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
) -> Outcome:
    database, instance_id, told = reference.database, job.instance_id, job.told
    database.lock(connection, f"submission {instance_id}")
    stored = submissions.read(database, connection, instance_id)
    if stored is None:
        raise NotFound(mark("There is no submission {instance_id}."), instance_id=instance_id)
    if stored.state not in (SubmissionState.RECEIVED, SubmissionState.FLAGGED):
        return Outcome(stored.state)
    if stored.deprecated_id is not None:
        database.lock(connection, f"submission {stored.deprecated_id}")
    if told is None or told.known is not known:
        told = understand_stored(reference, connection, known, stored)
    state = count(reference, connection, stored, told, gathered)
    return Outcome(state, _release(reference, connection, stored))


def _flag(reference: Reference, job: Counting, fault: Exception) -> Outcome:
    """Write down why a submission does not count; its state, and the edit that waited for it and may mend it."""
    message, facts = reason(fault)
    database, instance_id = reference.database, job.instance_id
    with database.write() as connection:
        database.lock(connection, EVERYTHING, shared=True)
        database.lock(connection, f"submission {instance_id}")
        stored = submissions.read(database, connection, instance_id)
        if stored is None or stored.state not in (SubmissionState.RECEIVED, SubmissionState.FLAGGED):
            return Outcome(stored.state if stored else SubmissionState.FLAGGED)
        submissions.set_state(connection, instance_id, SubmissionState.FLAGGED, message, facts)
        return Outcome(SubmissionState.FLAGGED, _release(reference, connection, stored))


def _release(reference: Reference, connection: Connection, original: StoredSubmission) -> str | None:
    """Let the edit go on that was held for this original; its instance id, None where none was."""
    waiting = edits.held_edit_of(reference.database, connection, original.instance_id)
    if waiting is not None:
        edits.release(connection, waiting, original.root_id)
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
