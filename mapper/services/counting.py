"""What one submission changes in the register and the tallies.

Understanding is pure and needs no database, so it is done before the transaction that counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.household import combine, house_counts, household_moves
from mapper.domain.people import Finding, Visit
from mapper.domain.places import Placement
from mapper.domain.sums import SUMMANDS, per_state
from mapper.errors import InvalidInput, MapperError, NotFound, mark, trace
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import Roles, read_visit
from mapper.services.reference import Known, Reference
from mapper.store import register, submissions, tallies
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission

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

    people: by cell, series and day the people per state, as ``sums`` adds them up. alone: nobody else counts until
    then, so that no household needs a lock of its own.
    """

    entries: dict[tuple[str, str], register.HouseholdEntry] = field(default_factory=dict)
    people: dict[tuple[int, int, int], int] = field(default_factory=dict)
    houses: tallies.HouseChanges = field(default_factory=dict)
    new_cells: dict[str, int] = field(default_factory=dict)
    alone: bool = False

    def add(self, other: Gathered) -> None:
        """Gather what was gathered elsewhere, of households that are not among these."""
        self.entries |= other.entries
        self.new_cells |= other.new_cells
        for key, total in other.people.items():
            self.people[key] = self.people.get(key, 0) + total
        for place, change in other.houses.items():
            held = self.houses.get(place)
            self.houses[place] = change if held is None else [a + b for a, b in zip(held, change, strict=True)]


def count(
    reference: Reference, connection: Connection, stored: StoredSubmission, told: Understood, gathered: Gathered
) -> None:
    """Work out what one submission changes, into ``gathered``; its own row, and its original's, change at once."""
    database, known, original = reference.database, told.known, stored.deprecated_id
    replaced = None if original is None else submissions.household_of(connection, original)
    household: tuple[str, str] | None = None
    if told.campaign is not None and told.visit is not None:
        household = (told.campaign.id, told.visit.household_id)
    houses = sorted({house for house in (replaced, household) if house is not None})
    # Always in this order, and before any row is touched, so that no two wait for each other.
    if not gathered.alone:
        for _, household_id in houses:
            database.lock(connection, f"household {household_id}")
    if original is not None:
        submissions.supersede(connection, original)
    submissions.set_processed(database, connection, stored.instance_id, *(household or (None, None)))
    for house in houses:
        tellers = _others(reference, connection, known, house, stored.instance_id)
        if house == household:
            tellers.append((stored, told))
        _enter(reference, connection, known, house, tellers, gathered)


Teller = tuple[StoredSubmission, Understood]
"""A submission and what it tells of a household."""


def _others(
    reference: Reference, connection: Connection, known: Known, household: tuple[str, str], instance_id: str
) -> list[Teller]:
    """The other submissions that tell of a household."""
    return [
        (other, understand_stored(reference, connection, known, other))
        for other in submissions.others_of_household(reference.database, connection, *household, instance_id)
    ]


def _enter(
    reference: Reference,
    connection: Connection,
    known: Known,
    household: tuple[str, str],
    tellers: list[Teller],
    gathered: Gathered,
) -> None:
    """Replace what the register and tallies hold of a household by what its submissions tell; nothing, if none do."""
    if household in gathered.entries:
        write_entries(reference, connection, gathered)
    before = register.counted(reference.database, connection, *household)
    if before is not None:
        register.remove(connection, *household)
        _gather(gathered, household[0], before, -1)
    visits = sorted(
        ((told.visit.visited_on, stored.seq, stored, told) for stored, told in tellers if told.visit is not None),
        key=lambda visit: visit[:2],
    )
    if not visits:
        return
    campaign = known.campaigns[household[0]]
    merged = combine([told.visit for *_, told in visits if told.visit is not None])
    steps = visits[0][-1].steps if len(visits) == 1 else dated_steps(known, campaign, merged)
    # What is odd about the place is found in the submission that tells of it.
    telling = next((visit for visit in reversed(visits) if visit[-1].visit and visit[-1].visit.point), visits[-1])
    houses = house_counts(merged)
    entering = Entering(
        campaign,
        visits[-1][2].instance_id,
        merged,
        register.visit_rows(campaign.id, merged, steps, houses),
        steps,
        houses,
        [(stored.instance_id, finding) for *_, stored, told in visits for finding in told.findings],
        telling[2].instance_id,
    )
    enter(reference, connection, known, entering, gathered)


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
    if point_state != "usable":
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
