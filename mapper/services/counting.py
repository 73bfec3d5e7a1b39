"""What one submission changes in the register and the tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mapper.domain.campaign import Campaign
from mapper.domain.entities import Placed, Standing
from mapper.domain.household import house_counts
from mapper.domain.people import Finding, Visit, Whereabouts
from mapper.domain.places import USABLE, Placement
from mapper.domain.shelves import on_shelf, shelf_of_cell
from mapper.errors import mark
from mapper.services.folding import Together, fold_together
from mapper.services.reference import Known, Reference
from mapper.services.tellings import House, Teller, stand, tellers_of
from mapper.services.understanding import Understood, dated_steps
from mapper.store import edits, mendings, register, submissions, tallies
from mapper.store.database import Connection, Database
from mapper.store.submissions import StoredSubmission, SubmissionState

EVERYTHING = "everything"
"""The lock that a rebuild wants alone, and that whoever counts a submission shares."""


@dataclass
class Gathered:
    """Changes of one or many submissions, written together at the end of a transaction.

    steps: of the people, by cell. awaited: households that updates
    wait for. alone: nobody else counts until then, so that no household needs a lock of its own.
    """

    entries: dict[tuple[str, str], register.HouseholdEntry] = field(default_factory=dict)
    steps: tallies.Steps = field(default_factory=tallies.Steps)
    houses: tallies.HouseChanges = field(default_factory=dict)
    new_cells: dict[str, int] = field(default_factory=dict)
    awaited: set[tuple[str, str]] = field(default_factory=set)
    alone: bool = False

    def add(self, other: Gathered) -> None:
        """Gather what was gathered elsewhere, of households that are not among these."""
        self.entries |= other.entries
        self.new_cells |= other.new_cells
        self.awaited |= other.awaited
        self.steps.join(other.steps)
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
    replaced = None if original is None else edits.household_of(connection, original)
    household: House | None = None
    if told.campaign is not None and told.visit is not None:
        household = (told.campaign.id, told.visit.household_id)
    # What is replaced first: the household that an edit moves to may take over its seq.
    houses = list(dict.fromkeys(house for house in (replaced, household) if house is not None))
    # Always in this order, and before any row is touched, so that no two wait for each other.
    if not gathered.alone:
        lock_together(database, connection, houses)
    if original is not None:
        edits.supersede(connection, original)
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


def count_firsts(
    reference: Reference, connection: Connection, known: Known, told: Mapping[str, Understood], gathered: Gathered
) -> set[str]:
    """Count those submissions that are the first to tell of their households, as nearly all are; their instance ids.

    told: by instance id, of submissions that nobody else counts meanwhile. The others are left to ``count``.
    """
    database = reference.database
    households: dict[str, House] = {}
    for instance_id, one in told.items():
        if one.known is not known or one.campaign is None or one.visit is None:
            continue
        if not one.visit.entity.needs_base:
            households[instance_id] = (one.campaign.id, one.visit.household_id)
    often = Counter(households.values())
    mended = mendings.holding(database, connection, often).houses
    households = {
        instance_id: house for instance_id, house in households.items() if often[house] == 1 and house not in mended
    }
    if not gathered.alone:
        for _, household_id in sorted(households.values()):
            database.lock(connection, f"household {household_id}")
    counting = []
    for instance_id, stored in submissions.unheard_of(database, connection, households).items():
        one = told[instance_id]
        assert one.campaign is not None and one.visit is not None
        houses = house_counts(one.visit)
        findings = [(instance_id, finding) for finding in one.findings]
        rows = register.visit_rows(one.visit, one.steps, houses)
        visit = one.visit.whereabouts
        entering = Entering(
            stored.seq, one.campaign, instance_id, visit, rows, one.steps, houses, findings, instance_id
        )
        enter(reference, connection, known, entering, gathered)
        counting.append((instance_id, *households[instance_id]))
    submissions.set_all_processed(database, connection, counting)
    return {instance_id for instance_id, _, _ in counting}


def lock_together(database: Database, connection: Connection, houses: Collection[House]) -> None:
    """Have households alone, with all that hang together with them: always in one order, so that no two wait for each
    other. What hangs together changes only while nobody counts."""
    together = mendings.holding(database, connection, houses).houses
    for household_id in sorted({household_id for _, household_id in (*houses, *together)}):
        database.lock(connection, f"household {household_id}")


def recount(
    reference: Reference,
    connection: Connection,
    known: Known,
    household: House,
    tellers: list[Teller],
    gathered: Gathered,
) -> dict[str, SubmissionState]:
    """Replace what the register and tallies hold of a household by what its submissions tell; nothing, if none do.

    Households that were joined with it, gave it people or took some are counted anew together with it.

    The state of each submission then, by instance id: those that build on what has not arrived wait for it.
    """
    mended = mendings.holding(reference.database, connection, [household])
    houses = mended.houses or (household,)
    # Where its newest form was filled it mostly lies already; one shelf is sooner looked at than all of them.
    shelf = None if reference.database.is_sqlite or not tellers else _shelf(known, household[0], tellers[-1].visit)
    take_out(reference, connection, houses, gathered, shelf)
    tellers.sort(key=lambda teller: teller.place)
    line = stand(tellers, household[1] in mended.numbers)
    states = _set_states(reference, connection, household, tellers, line, gathered)
    together = fold_together(reference, connection, known, household, mended, (tellers, line))
    campaign = known.campaigns[household[0]]
    for household_id, visit in together.merged.items():
        enter(reference, connection, known, _entering(known, campaign, together, household_id, visit), gathered)
    return states


def _shelf(known: Known, campaign_id: str, visit: Visit) -> int:
    """The shelf that a household of one visit would lie on."""
    where = visit.whereabouts
    units = known.place(where, known.campaigns[campaign_id].accuracy_limit_m).units
    cell_id = known.cells.get(tallies.signature(where.hamlet_code, where.commune_code, units))
    return known.shelf(units) if cell_id is None else shelf_of_cell(cell_id)


def take_out(
    reference: Reference,
    connection: Connection,
    houses: Collection[House],
    gathered: Gathered,
    shelf: int | None = None,
) -> None:
    """Take households out of the register, and gather what the tallies are without them.

    shelf: on which they are looked for first.
    """
    if any(house in gathered.entries for house in houses):
        write_entries(reference, connection, gathered)
    for house in houses:
        before = register.counted(reference.database, connection, *house, shelf)
        if before is not None:
            seq, counted = before
            register.remove(connection, seq)
            gather(gathered, house[0], counted, -1)


def _entering(known: Known, campaign: Campaign, together: Together, household_id: str, visit: Visit) -> Entering:
    """A household on its way into the register."""
    parts = together.parts(household_id)
    own = parts[0]
    alone = len(own.told) == 1 and visit is own.told[0].visit
    steps = own.told[0].told.steps if alone else dated_steps(known, campaign, visit)
    # What is odd about the place is found in the submission that tells of it; of a household that was divided from
    # another the other's is.
    places = next((one for one in parts if one.tells_point), own)
    telling = next((teller for teller in reversed(places.told) if teller.visit.point), None)
    telling = telling or (places.told[-1] if places.told else None)
    houses = house_counts(visit)
    versions: tuple[register.Version, dict[str, register.Version]] | tuple[()] = ()
    if len(own.applied) > 1 or not alone:
        versions = together.versions(household_id)
    return Entering(
        together.seq(household_id),
        campaign,
        together.told_of(household_id).stored.instance_id,
        visit.whereabouts,
        register.visit_rows(visit, steps, houses, *versions),
        steps,
        houses,
        [finding for part in parts for finding in part.findings],
        telling.stored.instance_id if telling else None,
    )


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


@dataclass(frozen=True, slots=True)
class Entering:
    """A household on its way into the register, everything about it but where it lies.

    arrival: the seq of the first submission that tells of it, or a number below zero. instance_id: the submission that
    counts. placing_id: the one that tells of the place, None where that is another household's.
    """

    arrival: int
    campaign: Campaign
    instance_id: str
    visit: Whereabouts
    rows: register.VisitRows
    steps: register.Steps
    houses: Sequence[int]
    findings: Sequence[tuple[str, Finding]]
    placing_id: str | None


def enter(reference: Reference, connection: Connection, known: Known, entering: Entering, gathered: Gathered) -> None:
    """Place a household that is not in the register, and gather it with what it adds to the tallies."""
    visit, campaign = entering.visit, entering.campaign
    placed = known.place(visit, campaign.accuracy_limit_m)
    signature = tallies.signature(visit.hamlet_code, visit.commune_code, placed.units)
    cell_id = known.cells.get(signature) or gathered.new_cells.get(signature)
    if cell_id is None:
        shelf = known.shelf(placed.units)
        cell_id = tallies.cell(
            reference.database, connection, visit.hamlet_code, visit.commune_code, placed.units, shelf
        )
        gathered.new_cells[signature] = cell_id
    before = [finding for _, finding in entering.findings]
    placing = entering.placing_id
    odd = place_findings(known, visit, placed.point_state, placed.placements, before) if placing else []
    gathered.entries[campaign.id, visit.household_id] = register.HouseholdEntry(
        on_shelf(shelf_of_cell(cell_id), entering.arrival),
        campaign.id,
        visit.household_id,
        entering.instance_id,
        entering.rows,
        placed.point_state,
        cell_id,
        [*entering.findings, *((placing or "", finding) for finding in odd)],
    )
    day = visit.visited_on.toordinal()
    gather(gathered, campaign.id, register.Counted(cell_id, day, entering.steps, entering.houses), +1)


def place_findings(
    known: Known,
    visit: Whereabouts,
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


def gather(gathered: Gathered, campaign_id: str, counted: register.Counted, sign: int) -> None:
    """Gather what a household adds to the tallies; sign -1 takes it back."""
    gathered.steps.gather(counted.cell_id, counted.steps, sign)
    house = gathered.houses.setdefault((campaign_id, counted.cell_id, counted.day), [0] * len(counted.houses))
    for index, value in enumerate(counted.houses):
        house[index] += sign * value


def write(reference: Reference, connection: Connection, gathered: Gathered) -> None:
    """Enter what was gathered, in this transaction, and be ready to gather more."""
    write_entries(reference, connection, gathered)
    tallies.add(reference.database, connection, gathered.steps.summed(), gathered.houses)
    gathered.steps.clear()
    gathered.houses.clear()


def write_entries(reference: Reference, connection: Connection, gathered: Gathered) -> None:
    """Enter the households alone that were gathered; nobody who counts looks at the tallies."""
    register.enter(reference.database, connection, list(gathered.entries.values()))
    gathered.entries.clear()
