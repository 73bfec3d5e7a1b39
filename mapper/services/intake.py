"""One POST becomes a stored submission, then a visit in its place.

Two commits: the raw submission first, exactly as it came; then the register and the tallies. If the second step
fails, the first stays, flagged with the reason, and can be processed again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

from mapper.domain.campaign import Campaign
from mapper.domain.household import combine, house_counts, state_changes
from mapper.domain.people import Finding, Visit
from mapper.errors import Conflict, InvalidInput, MapperError, NotFound, mark
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import read_visit
from mapper.services.reference import Known, Reference
from mapper.store import reference as kept
from mapper.store import register, submissions, tallies
from mapper.store.database import Connection
from mapper.store.submissions import RawSubmission, Saved, StoredSubmission, SubmissionState

log = logging.getLogger(__name__)

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


@dataclass
class Gathered:
    """Changes of one or many submissions, written together at the end of a transaction."""

    entries: list[register.HouseholdEntry] = field(default_factory=list)
    people: tallies.Changes = field(default_factory=dict)
    houses: tallies.HouseChanges = field(default_factory=dict)
    new_cells: dict[str, int] = field(default_factory=dict)

    def holds(self, campaign_id: str, household_id: str) -> bool:
        """Whether a household is among the entries not yet written."""
        return any(e.campaign_id == campaign_id and e.visit.household_id == household_id for e in self.entries)


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
    instance = read_instance(xml)
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
    database = reference.database
    with database.write() as connection:
        known = reference.known(connection)
        form = reference.roles(connection, known, instance.form_id, instance.version)
        if form is None and not kept.has_form(connection, instance.form_id):
            raise NotFound(
                mark("This server has no form {form_id}. Check the server address on the phone, or publish the form."),
                form_id=instance.form_id,
            )
        saved, state = submissions.save(database, connection, raw)
        if saved is Saved.OTHER_CONTENT:
            raise Conflict(
                mark("Submission {instance_id} is already here with other answers. Send changes as an edit."),
                instance_id=instance.instance_id,
            )
        if saved is Saved.STALE_EDIT:
            raise Conflict(
                mark(
                    "Submission {instance_id} was already edited from elsewhere. Open the newest version and edit that."
                ),
                instance_id=instance.deprecated_id or "",
            )
        if state is SubmissionState.HELD and saved is Saved.NEW:
            submissions.set_state(
                connection,
                instance.instance_id,
                SubmissionState.HELD,
                mark("This edit came before its original and waits for it."),
                {},
            )
    if state is SubmissionState.RECEIVED:
        state = process(reference, raw.instance_id, instance)
    return Receipt(state, saved is Saved.NEW)


def process(reference: Reference, instance_id: str, instance: Instance | None = None) -> SubmissionState:
    """Count one kept submission, and the held edits that waited for it; the state it ends in.

    Safe to call again at any time: what counts already stays as it is. Whatever goes wrong is written to the
    submission as its reason, and the submission stays.
    """
    database = reference.database
    try:
        with database.write() as connection:
            database.lock(connection, f"submission {instance_id}")
            stored = submissions.read(database, connection, instance_id)
            if stored is None:
                raise NotFound(mark("There is no submission {instance_id}."), instance_id=instance_id)
            if stored.state not in (SubmissionState.RECEIVED, SubmissionState.FLAGGED):
                return stored.state
            gathered = Gathered()
            known = reference.known(connection)
            count_submission(reference, connection, known, stored, instance, gathered)
            write(reference, connection, gathered)
            waiting = submissions.held_edit_of(database, connection, instance_id)
            if waiting is not None:
                submissions.release(connection, waiting, stored.root_id)
        known.cells.update(gathered.new_cells)
    except MapperError as problem:
        return _flag(reference, instance_id, problem.message, problem.facts)
    except Exception as fault:
        log.exception("submission could not be processed")
        message = mark(
            "The server could not understand this submission ({fault}). It is kept; report it, then try again."
        )
        return _flag(reference, instance_id, message, {"fault": type(fault).__name__})
    if waiting is not None:
        process(reference, waiting)
        return SubmissionState.SUPERSEDED
    return SubmissionState.PROCESSED


def _flag(reference: Reference, instance_id: str, message: str, facts: Mapping[str, object]) -> SubmissionState:
    with reference.database.write() as connection:
        submissions.set_state(connection, instance_id, SubmissionState.FLAGGED, message, facts)
    return SubmissionState.FLAGGED


def count_submission(
    reference: Reference,
    connection: Connection,
    known: Known,
    stored: StoredSubmission,
    instance: Instance | None,
    gathered: Gathered,
) -> None:
    """Work out what one submission changes, into ``gathered``; its own row is updated at once.

    Raises MapperError where the submission cannot be understood.
    """
    database = reference.database
    campaign, visit, found = _understand(reference, connection, known, stored, instance)
    replaced = None if stored.deprecated_id is None else submissions.supersede(connection, stored.deprecated_id)
    if campaign is None or visit is None:
        submissions.set_processed(database, connection, stored.instance_id, None, None)
        return
    household_id = visit.household_id
    database.lock(connection, f"household {household_id}")
    submissions.set_processed(database, connection, stored.instance_id, campaign.id, household_id)
    if gathered.holds(campaign.id, household_id):
        write(reference, connection, gathered)
    told = [(visit.visited_on, stored.seq, visit, found)]
    told += _told_before(reference, connection, known, campaign.id, household_id, stored.instance_id)
    _enter(reference, connection, known, campaign, household_id, stored.instance_id, told, gathered)
    if replaced is not None and replaced != (campaign.id, household_id):
        write(reference, connection, gathered)
        left = _told_before(reference, connection, known, *replaced, stored.instance_id)
        _enter(
            reference, connection, known, known.campaigns[replaced[0]], replaced[1], stored.instance_id, left, gathered
        )


Told = tuple[date, int, Visit, Sequence[Finding]]
"""What one submission tells of a household: the day, the order of arrival, the visit, its findings."""


def _told_before(
    reference: Reference, connection: Connection, known: Known, campaign_id: str, household_id: str, instance_id: str
) -> list[Told]:
    """What the other submissions of a household tell."""
    told: list[Told] = []
    for other in submissions.others_of_household(
        reference.database, connection, campaign_id, household_id, instance_id
    ):
        _, visit, found = _understand(reference, connection, known, other, None)
        if visit is not None:
            told.append((visit.visited_on, other.seq, visit, found))
    return told


def _enter(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    household_id: str,
    instance_id: str,
    told: list[Told],
    gathered: Gathered,
) -> None:
    """Replace what the register and tallies hold of a household by what its submissions tell; nothing, when none do."""
    before = register.counted(reference.database, connection, campaign.id, household_id)
    if before is not None:
        register.remove(connection, campaign.id, household_id)
        _gather(gathered, campaign.id, before, -1)
    if not told:
        return
    told.sort(key=lambda one: one[:2])
    merged = combine([visit for _, _, visit, _ in told])
    findings = [finding for *_, some in told for finding in some]
    entry = _entry(reference, connection, known, campaign, instance_id, merged, findings, gathered)
    gathered.entries.append(entry)
    after = register.Counted(entry.cell_id, merged.visited_on.toordinal(), entry.steps, entry.houses)
    _gather(gathered, campaign.id, after, +1)


def _understand(
    reference: Reference, connection: Connection, known: Known, stored: StoredSubmission, instance: Instance | None
) -> tuple[Campaign | None, Visit | None, Sequence[Finding]]:
    form = reference.roles(connection, known, stored.form_id, stored.form_version)
    if form is None:
        raise NotFound(
            mark("Form {form_id} has no version {version} here. Publish it, then process this submission again."),
            form_id=stored.form_id,
            version=stored.form_version or "-",
        )
    roles, campaign_id = form
    if campaign_id is None or not roles.draws_coverage:
        return None, None, ()
    campaign = known.campaigns[campaign_id]
    try:
        visit, found = read_visit(
            instance or read_instance(stored.xml), roles, campaign, stored.received_on, root_instance_id=stored.root_id
        )
    except MapperError:
        raise
    except Exception as fault:
        log.exception("submission could not be understood")
        message = mark(
            "The server could not understand this submission ({fault}). It is kept; report it, then try again."
        )
        raise InvalidInput(message, fault=type(fault).__name__) from fault
    return campaign, visit, found


def _entry(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    instance_id: str,
    visit: Visit,
    findings: list[Finding],
    gathered: Gathered,
) -> register.HouseholdEntry:
    placed = known.place(visit, campaign.accuracy_limit_m)
    signature = tallies.signature(visit.hamlet_code, visit.commune_code, placed.units)
    cell_id = known.cells.get(signature) or gathered.new_cells.get(signature)
    if cell_id is None:
        cell_id = tallies.cell(reference.database, connection, visit.hamlet_code, visit.commune_code, placed.units)
        gathered.new_cells[signature] = cell_id
    numbers = known.series[campaign.id]
    steps = {(numbers[s], day): row for (s, day), row in state_changes(visit, campaign).items()}
    return register.HouseholdEntry(
        campaign_id=campaign.id,
        instance_id=instance_id,
        visit=visit,
        point_state=placed.point_state,
        cell_id=cell_id,
        steps=steps,
        houses=house_counts(visit),
        placements=placed.placements,
        findings=[*findings, *place_findings(known, visit, placed.point_state, placed.placements)],
    )


def place_findings(
    known: Known, visit: Visit, point_state: str, placements: Mapping[str, tuple[str | None, str]]
) -> list[Finding]:
    """What is odd about a household's place: no usable point, outside every commune, or not the commune chosen."""
    if point_state != "usable":
        if visit.point is None:
            return []
        accuracy = f"{visit.point.accuracy_m:.0f}" if visit.point.accuracy_m is not None else "-"
        message = mark("The position is accurate to {accuracy} m only, so the commune chosen in the form counts.")
        return [Finding("point_poor_accuracy", message, (("accuracy", accuracy),))]
    if known.home is None:
        return []
    home = known.sets[known.home]
    code, _ = placements[known.home]
    if code is None:
        message = mark("The position lies outside every commune of {set}; the commune chosen in the form counts.")
        return [Finding("point_outside", message, (("set", home.about.label),))]
    chosen = visit.commune_code
    if chosen is not None and chosen != code:
        message = mark("The form says {chosen}, the position lies in {found}. The position counts.")
        name = home.units[home.leaf, chosen].name if (home.leaf, chosen) in home.units else chosen
        return [Finding("commune_differs", message, (("chosen", name), ("found", home.units[home.leaf, code].name)))]
    return []


def _gather(gathered: Gathered, campaign_id: str, counted: register.Counted, sign: int) -> None:
    for (series_id, day), row in counted.steps.items():
        key = (counted.cell_id, series_id, day)
        total = gathered.people.get(key)
        if total is None:
            gathered.people[key] = [sign * value for value in row]
        else:
            for index, value in enumerate(row):
                total[index] += sign * value
    house = gathered.houses.setdefault((campaign_id, counted.cell_id, counted.day), [0] * len(counted.houses))
    for index, value in enumerate(counted.houses):
        house[index] += sign * value


def write(reference: Reference, connection: Connection, gathered: Gathered) -> None:
    """Enter what was gathered, in this transaction, and be ready to gather more."""
    register.enter(reference.database, connection, gathered.entries)
    tallies.add(reference.database, connection, gathered.people, gathered.houses)
    gathered.entries.clear()
    gathered.people.clear()
    gathered.houses.clear()


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


def rebuild(reference: Reference, progress: Callable[[int], None] = lambda done: None, batch: int = 500) -> int:
    """Register and tallies anew from the raw submissions alone; how many submissions were read.

    Ends with what intake would have kept: an edit is counted after its original, whichever came first. Runs in one
    transaction, so that readers see the old figures until the new ones stand. progress: called with the number of
    submissions just done.
    """
    database = reference.database
    try:
        with database.write() as connection:
            register.clear(connection)
            tallies.clear(connection)
            submissions.forget_processing(connection)
            known = reference.known(connection)
            gathered = Gathered()
            waiting: dict[str, str] = {}
            done = 0
            for stored in submissions.stream(connection, batch):
                for one in stored:
                    _recount(reference, connection, known, one, gathered, waiting)
                write(reference, connection, gathered)
                done += len(stored)
                progress(len(stored))
        known.cells.update(gathered.new_cells)
    except BaseException:
        reference.forget()
        raise
    return done


def _recount(
    reference: Reference,
    connection: Connection,
    known: Known,
    stored: StoredSubmission,
    gathered: Gathered,
    waiting: dict[str, str],
) -> None:
    """Count one submission of a rebuild, then the edit that waited for it. waiting: original to its edit."""
    if stored.state is not SubmissionState.RECEIVED:
        return
    original = stored.deprecated_id
    if original is not None and submissions.state_of(connection, original) is SubmissionState.RECEIVED:
        waiting[original] = stored.instance_id
        return
    try:
        count_submission(reference, connection, known, stored, None, gathered)
    except MapperError as problem:
        submissions.set_state(connection, stored.instance_id, SubmissionState.FLAGGED, problem.message, problem.facts)
    edit = waiting.pop(stored.instance_id, None)
    if edit is not None:
        again = submissions.read(reference.database, connection, edit)
        if again is not None:
            _recount(reference, connection, known, again, gathered, waiting)


@dataclass(frozen=True, slots=True)
class TroubledSubmission:
    """A submission that does not count, and why; reason as message and facts for translation."""

    instance_id: str
    form_id: str
    form_version: str
    received_at: str
    state: str
    message: str
    facts: dict[str, str]


def troubled(reference: Reference) -> list[TroubledSubmission]:
    """Flagged and held submissions, newest first."""
    with reference.database.read() as connection:
        found = submissions.waiting(connection)
    return [
        TroubledSubmission(
            s.instance_id, s.form_id, s.form_version, s.received_at, s.state.value, *(s.reason or ("", {}))
        )
        for s in found
    ]


def count(reference: Reference) -> int:
    """How many submissions are kept."""
    with reference.database.read() as connection:
        return submissions.count(connection)


def today() -> date:
    """The day in Vietnam."""
    return now().astimezone(VIETNAM).date()
