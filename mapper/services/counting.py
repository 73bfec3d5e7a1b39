"""What one submission changes in the register and the tallies.

Understanding is pure and needs no database, so it is done before the transaction that counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from mapper.domain.campaign import Campaign
from mapper.domain.entities import Placed, Standing, line_up
from mapper.domain.household import combine, house_counts, household_moves
from mapper.domain.people import Finding, Property, Visit
from mapper.domain.places import USABLE, Placement
from mapper.domain.sums import SUMMANDS, per_state
from mapper.domain.updates import WHOLE, Said, set_aside, without
from mapper.errors import InvalidInput, MapperError, NotFound, mark, trace
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import Roles, read_visit
from mapper.services.reference import Known, Reference
from mapper.store import decisions, register, submissions, tallies
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission, SubmissionState

log = logging.getLogger(__name__)

EVERYTHING = "everything"
"""The lock that a rebuild wants alone, and that whoever counts a submission shares."""

LONGEST_CODE = 250
"""Characters that the code of a household, hamlet or commune may have."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a submission says: a visit of a campaign, or neither where its form draws no coverage.

    known: the reference data it was read by. steps: what the visit alone puts into the tallies.
    """

    known: Known
    campaign: Campaign | None = None
    visit: Visit | None = None
    findings: Sequence[Finding] = ()
    steps: register.Steps = ()


def understand(
    known: Known, form: tuple[Roles, str | None] | None, instance: Instance, received_on: date, root_instance_id: str
) -> Understood:
    """Read a submission by the roles of its form.

    form: None where this version was never published. received_on: stands in where the form tells no day.
    root_instance_id: of the first submission of a chain of edits. Raises NotFound, InvalidInput.
    """
    if form is None:
        raise NotFound(
            mark("Form {form_id} has no version {version} here. Publish it, then process this submission again."),
            form_id=instance.form_id,
            version=instance.version or "-",
        )
    roles, campaign_id = form
    if campaign_id is None or not roles.draws_coverage:
        return Understood(known)
    campaign = known.campaigns[campaign_id]
    try:
        visit, found = read_visit(instance, roles, campaign, received_on, root_instance_id=root_instance_id)
        _check_codes(visit)
        return Understood(known, campaign, visit, found, dated_steps(known, campaign, visit))
    except MapperError:
        raise
    except Exception as fault:
        message, facts = reason(fault)
        raise InvalidInput(message, **facts) from fault


def dated_steps(known: Known, campaign: Campaign, visit: Visit) -> register.Steps:
    """What a household puts into the tallies, its series under the numbers that the store gave them."""
    steps = household_moves(visit, campaign)
    numbers = known.series[campaign.id]
    steps[::3] = [numbers[series] for series in steps[::3]]
    return steps


def reason(fault: Exception) -> tuple[str, Mapping[str, object]]:
    """Why a submission does not count, as message and facts for translation; a fault of ours is logged besides."""
    if isinstance(fault, MapperError):
        return fault.message, fault.facts
    log.error("submission could not be understood: %s", trace(fault))
    return mark("The server could not understand this submission ({fault}). It is kept; report it, then try again."), {
        "fault": type(fault).__name__
    }


def _check_codes(visit: Visit) -> None:
    """Raise InvalidInput for a code that no index holds; it would stop every rebuild, not only its own submission."""
    for code in (visit.household_id, visit.hamlet_code, visit.commune_code):
        if code is not None and len(code) > LONGEST_CODE:
            raise InvalidInput(
                mark("The code {code} is longer than {limit} characters. Send an edit that mends it."),
                code=f"{code[:20]}…",
                limit=LONGEST_CODE,
            )


def understand_stored(
    reference: Reference, connection: Connection, known: Known, stored: StoredSubmission
) -> Understood:
    """Read a submission that is kept."""
    form = reference.roles(connection, known, stored.form_id, stored.form_version)
    instance = read_instance(stored.xml, reference.namespaces(connection, known))
    return understand(known, form, instance, stored.received_on, stored.root_id)


@dataclass
class Gathered:
    """Changes of one or many submissions, written together at the end of a transaction.

    people: by cell, series and day the people per state, as ``sums`` adds them up. awaited: households that updates
    wait for. alone: nobody else counts until then, so that no household needs a lock of its own.
    """

    entries: dict[tuple[str, str], register.HouseholdEntry] = field(default_factory=dict)
    people: dict[tuple[int, int, int], int] = field(default_factory=dict)
    houses: tallies.HouseChanges = field(default_factory=dict)
    new_cells: dict[str, int] = field(default_factory=dict)
    awaited: set[tuple[str, str]] = field(default_factory=set)
    alone: bool = False

    def add(self, other: Gathered) -> None:
        """Gather what was gathered elsewhere, of households that are not among these."""
        self.entries |= other.entries
        self.new_cells |= other.new_cells
        self.awaited |= other.awaited
        for key, total in other.people.items():
            self.people[key] = self.people.get(key, 0) + total
        for place, change in other.houses.items():
            held = self.houses.get(place)
            self.houses[place] = change if held is None else [a + b for a, b in zip(held, change, strict=True)]


def count(
    reference: Reference, connection: Connection, stored: StoredSubmission, told: Understood, gathered: Gathered
) -> SubmissionState:
    """Work out what one submission changes, into ``gathered``; the state that it is in then.

    Its own row, its original's, and those of others that waited for it, or now wait, change at once.
    """
    database, original = reference.database, stored.deprecated_id
    replaced = None if original is None else submissions.household_of(connection, original)
    household: House | None = None
    if told.campaign is not None and told.visit is not None:
        household = (told.campaign.id, told.visit.household_id)
    houses = sorted({house for house in (replaced, household) if house is not None})
    # Always in this order, and before any row is touched, so that no two wait for each other.
    if not gathered.alone:
        for _, household_id in houses:
            database.lock(connection, f"household {household_id}")
    if original is not None:
        submissions.supersede(connection, original)
    if household is None:
        submissions.set_processed(database, connection, stored.instance_id, None, None)
    state = SubmissionState.PROCESSED
    for house in houses:
        tellers = tellers_of(reference, connection, told.known, house, stored.instance_id)
        if house == household:
            tellers.append(Teller(submissions.place(connection, stored), stored, told))
        states = recount(reference, connection, told.known, house, tellers, gathered)
        state = states.get(stored.instance_id, state)
    return state


House = tuple[str, str]
"""Campaign and id of a household."""


class Teller(NamedTuple):
    """A submission and what it tells of a household, with its place in the order of arrival."""

    place: int
    stored: StoredSubmission
    told: Understood

    @property
    def visit(self) -> Visit:
        """The visit that it tells of."""
        assert self.told.visit is not None
        return self.told.visit


def tellers_of(
    reference: Reference, connection: Connection, known: Known, household: House, instance_id: str = ""
) -> list[Teller]:
    """The submissions that tell of a household or wait to do so, but for one, in order of arrival."""
    found = []
    for place, other in submissions.others_of_household(reference.database, connection, *household, instance_id):
        try:
            told = understand_stored(reference, connection, known, other)
        except MapperError:
            if other.state is SubmissionState.PROCESSED:
                raise
            continue  # it waits, and whoever processes it again is told why it cannot count
        if told.visit is not None:
            found.append(Teller(place, other, told))
    return found


def recount(
    reference: Reference,
    connection: Connection,
    known: Known,
    household: House,
    tellers: list[Teller],
    gathered: Gathered,
) -> dict[str, SubmissionState]:
    """Replace what the register and tallies hold of a household by what its submissions tell; nothing, if none do.

    The state of each submission then, by instance id: those that build on what has not arrived wait for it.
    """
    if household in gathered.entries:
        write_entries(reference, connection, gathered)
    before = register.counted(reference.database, connection, *household)
    if before is not None:
        register.remove(connection, *household)
        _gather(gathered, household[0], before, -1)
    tellers.sort(key=lambda teller: teller.place)
    line = line_up([teller.visit.entity for teller in tellers])
    states = _set_states(reference, connection, household, tellers, line, gathered)
    applied = [pair for pair in zip(tellers, line, strict=True) if pair[1].standing is Standing.APPLIED]
    if not applied:
        return states
    odd: list[tuple[str, Finding]] = []
    rulings = NO_RULINGS
    if len(applied) > 1:
        rulings = Rulings.read(reference, connection, tellers)
        odd = _odd_updates(tellers, applied, rulings)
    told, merged = fold(applied, rulings)
    campaign = known.campaigns[household[0]]
    steps = told[0].told.steps if len(told) == 1 else dated_steps(known, campaign, merged)
    # What is odd about the place is found in the submission that tells of it.
    telling = next((teller for teller in reversed(told) if teller.visit.point), told[-1])
    houses = house_counts(merged)
    findings = [(teller.stored.instance_id, finding) for teller in told for finding in teller.told.findings]
    entering = Entering(
        campaign,
        told[-1].stored.instance_id,
        merged,
        register.visit_rows(campaign.id, merged, steps, houses, *(versions_of(applied) if len(applied) > 1 else ())),
        steps,
        houses,
        findings + odd,
        telling.stored.instance_id,
    )
    enter(reference, connection, known, entering, gathered)
    return states


def _set_states(
    reference: Reference,
    connection: Connection,
    household: House,
    tellers: Sequence[Teller],
    line: Sequence[Placed],
    gathered: Gathered,
) -> dict[str, SubmissionState]:
    """Write down which of a household's submissions count, and for what the others wait."""
    states: dict[str, SubmissionState] = {}
    counting = []
    for teller, placed in zip(tellers, line, strict=True):
        instance_id, entity = teller.stored.instance_id, teller.visit.entity
        state = states[instance_id] = _STATES[placed.standing]
        if state is SubmissionState.PROCESSED:
            if teller.stored.state is not state:
                counting.append((instance_id, *household))
            continue
        gathered.awaited.add(household)
        if teller.stored.state is state and teller.stored.household_id is not None:
            continue
        facts: dict[str, object] = {}
        if state is SubmissionState.FLAGGED:
            facts = {"household": household[1]}
            message = mark(
                "This server has no household {household}, which this update changes. "
                "It counts as soon as the household's census arrives."
            )
        elif entity.base is not None and entity.base > 1:
            facts = {"version": entity.base}
            message = mark(
                "This update was made without a signal, on version {version} of its household, which has not arrived "
                "yet. It waits for that."
            )
        else:
            message = mark(
                "The household that this update changes was made on a phone and has not arrived yet. It waits for that."
            )
        submissions.set_state(connection, instance_id, state, message, facts, household)
    submissions.set_all_processed(reference.database, connection, counting)
    return states


_STATES = {
    Standing.APPLIED: SubmissionState.PROCESSED,
    Standing.HELD: SubmissionState.HELD,
    Standing.UNKNOWN: SubmissionState.FLAGGED,
}

Applied = Sequence[tuple[Teller, Placed]]
"""The submissions of a household that count, in order of arrival."""


class Rulings(NamedTuple):
    """What was decided about the updates of a household.

    decided: what holds, by instance id of the update that it is about. aside: properties that do not count, by
    instance id of the update that tells them.
    """

    decided: Mapping[str, Said]
    aside: Mapping[str, frozenset[Property]]

    @classmethod
    def read(cls, reference: Reference, connection: Connection, tellers: Sequence[Teller]) -> Rulings:
        """Those about the submissions of a household."""
        instance_ids = [teller.stored.instance_id for teller in tellers]
        decided = decisions.latest(reference.database, connection, instance_ids)
        return cls(decided, set_aside(decided.values()))

    def counts(self, teller: Teller) -> bool:
        """Whether anything of an update counts."""
        return WHOLE not in self.aside.get(teller.stored.instance_id, ())

    def opponents(self, tellers: Sequence[Teller], placed: Placed) -> list[Teller]:
        """The submissions against which one stands, but for those of which nothing counts."""
        return [tellers[place] for place in placed.against if self.counts(tellers[place])]

    def open(self, teller: Teller, against: Sequence[Teller]) -> bool:
        """Whether nobody has decided yet between an update and its opponents."""
        weighed = self.decided.get(teller.stored.instance_id, {})
        return self.counts(teller) and any(other.stored.instance_id not in weighed for other in against)


NO_RULINGS = Rulings({}, {})
"""Nobody decided anything."""


def fold(applied: Applied, rulings: Rulings) -> tuple[list[Teller], Visit]:
    """The submissions of which anything counts, as they follow one another, and the household that they make known.

    Nothing is set aside of the submission that the household began with.
    """
    visits = []
    for teller, placed in applied:
        aside = rulings.aside.get(teller.stored.instance_id, frozenset()) if placed.version != 1 else frozenset()
        visit = without(teller.visit, aside)
        if visit is not None:
            visits.append((teller, placed, visit))
    visits.sort(key=lambda one: (one[2].visited_on, one[1].version, one[0].place))
    return [teller for teller, _, _ in visits], combine([visit for _, _, visit in visits])


def _odd_updates(tellers: Sequence[Teller], applied: Applied, rulings: Rulings) -> list[tuple[str, Finding]]:
    """Updates about which nobody has decided yet and that may contradict another, or build on what is not here."""
    found = []
    for teller, placed in applied:
        instance_id, base = teller.stored.instance_id, teller.visit.entity.base
        if placed.beyond:
            message = mark(
                "The phone changed version {version} of the household, which is not here; "
                "it counts as made to the newest one."
            )
            found.append((instance_id, Finding("entity_version_unknown", message, (("version", str(base)),))))
        if rulings.open(teller, rulings.opponents(tellers, placed)):
            message = mark(
                "Two updates of this household were made at once: this one to version {version}, after which another "
                "had come. Compare them on the page of contradictions."
            )
            found.append((instance_id, Finding("update_conflict", message, (("version", str(placed.base)),))))
    return found


def versions_of(applied: Applied) -> tuple[register.Version, dict[str, register.Version]]:
    """Version of a household's entity and, by id, of its people's: how often each was told of, and by whom last."""
    household = register.FIRST
    people: dict[str, register.Version] = {}
    for teller, placed in sorted(applied, key=lambda pair: (pair[1].version or 0, pair[0].place)):
        entity = teller.visit.entity
        if placed.version != household[0] or entity.update:
            household = (placed.version or 1, entity.trunk, entity.branch or None)
        for person in teller.visit.people:
            known = people.get(person.id)
            own = person.entity
            if known is None or own.create or own.update:
                people[person.id] = (1 if known is None else known[0] + 1, own.trunk, own.branch or None)
    return household, people


@dataclass(frozen=True, slots=True)
class Entering:
    """A household on its way into the register, everything about it but its place.

    instance_id: the submission that counts. visit: its people and doses are not looked at, since they stand in rows.
    placing_id: the submission that tells of the place.
    """

    campaign: Campaign
    instance_id: str
    visit: Visit
    rows: register.VisitRows
    steps: register.Steps
    houses: Sequence[int]
    findings: Sequence[tuple[str, Finding]]
    placing_id: str


def enter(reference: Reference, connection: Connection, known: Known, entering: Entering, gathered: Gathered) -> None:
    """Place a household that is not in the register, and gather it with what it adds to the tallies."""
    visit, campaign = entering.visit, entering.campaign
    placed = known.place(visit, campaign.accuracy_limit_m)
    signature = tallies.signature(visit.hamlet_code, visit.commune_code, placed.units)
    cell_id = known.cells.get(signature) or gathered.new_cells.get(signature)
    if cell_id is None:
        cell_id = tallies.cell(reference.database, connection, visit.hamlet_code, visit.commune_code, placed.units)
        gathered.new_cells[signature] = cell_id
    before = [finding for _, finding in entering.findings]
    odd = place_findings(known, visit, placed.point_state, placed.placements, before)
    gathered.entries[campaign.id, visit.household_id] = register.HouseholdEntry(
        campaign.id,
        visit.household_id,
        entering.instance_id,
        entering.rows,
        placed.point_state,
        cell_id,
        placed.placements,
        [*entering.findings, *((entering.placing_id, finding) for finding in odd)],
    )
    day = visit.visited_on.toordinal()
    _gather(gathered, campaign.id, register.Counted(cell_id, day, entering.steps, entering.houses), +1)


def place_findings(
    known: Known,
    visit: Visit,
    point_state: str,
    placements: Mapping[str, tuple[str | None, str]],
    before: Sequence[Finding] = (),
) -> list[Finding]:
    """What is odd about a household's place: no usable point, outside every commune, on a border, not the one chosen.

    before: findings of reading the visits, which tell why a point that was given is none.
    """
    if point_state != USABLE:
        if visit.point is None:
            if any(finding.code.startswith("point_") for finding in before):
                return []
            return [Finding("point_missing", mark("There is no position; the commune chosen in the form counts."))]
        accuracy = f"{visit.point.accuracy_m:.0f}" if visit.point.accuracy_m is not None else "-"
        message = mark("The position is accurate to {accuracy} m only, so the commune chosen in the form counts.")
        return [Finding("point_poor_accuracy", message, (("accuracy", accuracy),))]
    if known.home is None:
        return []
    home = known.sets[known.home]
    code, result = placements[known.home]
    if code is None:
        message = mark("The position lies outside every commune of {set}; the commune chosen in the form counts.")
        return [Finding("point_outside", message, (("set", home.about.label),))]
    chosen = visit.commune_code
    if chosen is not None and chosen != code:
        message = mark("The form says {chosen}, the position lies in {found}. The position counts.")
        name = home.units[home.leaf, chosen].name if (home.leaf, chosen) in home.units else chosen
        return [Finding("commune_differs", message, (("chosen", name), ("found", home.units[home.leaf, code].name)))]
    if result == Placement.BORDER:
        message = mark("The position lies exactly on the border of {found}, and counts there.")
        return [Finding("point_on_border", message, (("found", home.units[home.leaf, code].name),))]
    return []


def _gather(gathered: Gathered, campaign_id: str, counted: register.Counted, sign: int) -> None:
    people, cell_id, steps = gathered.people, counted.cell_id, counted.steps
    for series_id, day, move in zip(steps[::3], steps[1::3], steps[2::3], strict=True):
        key = (cell_id, series_id, day)
        people[key] = people.get(key, 0) + sign * SUMMANDS[move]
    house = gathered.houses.setdefault((campaign_id, counted.cell_id, counted.day), [0] * len(counted.houses))
    for index, value in enumerate(counted.houses):
        house[index] += sign * value


def write(reference: Reference, connection: Connection, gathered: Gathered) -> None:
    """Enter what was gathered, in this transaction, and be ready to gather more."""
    write_entries(reference, connection, gathered)
    people = {key: per_state(total) for key, total in gathered.people.items() if total}
    tallies.add(reference.database, connection, people, gathered.houses)
    gathered.people.clear()
    gathered.houses.clear()


def write_entries(reference: Reference, connection: Connection, gathered: Gathered) -> None:
    """Enter the households alone that were gathered; nobody who counts looks at the tallies."""
    register.enter(reference.database, connection, list(gathered.entries.values()))
    gathered.entries.clear()
