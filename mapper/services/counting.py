"""What one submission changes in the register and the tallies.

Understanding is pure and needs no database, so it is done before the transaction that counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.household import StateChanges, combine, house_counts, state_changes
from mapper.domain.people import Finding, Visit
from mapper.domain.places import Placement
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

    known: the reference data it was read by. changes: what the visit alone puts into the tallies.
    """

    known: Known
    campaign: Campaign | None = None
    visit: Visit | None = None
    findings: Sequence[Finding] = ()
    changes: StateChanges | None = None


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
        return Understood(known, campaign, visit, found, state_changes(visit, campaign))
    except MapperError:
        raise
    except Exception as fault:
        message, facts = reason(fault)
        raise InvalidInput(message, **facts) from fault


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
    """Changes of one or many submissions, written together at the end of a transaction."""

    entries: dict[tuple[str, str], register.HouseholdEntry] = field(default_factory=dict)
    people: tallies.Changes = field(default_factory=dict)
    houses: tallies.HouseChanges = field(default_factory=dict)
    new_cells: dict[str, int] = field(default_factory=dict)


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
        write(reference, connection, gathered)
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
    changes = visits[0][-1].changes if len(visits) == 1 else None
    findings = [finding for *_, told in visits for finding in told.findings]
    entry = _entry(
        reference,
        connection,
        known,
        campaign,
        visits[-1][2].instance_id,
        merged,
        changes or state_changes(merged, campaign),
        findings,
        gathered,
    )
    gathered.entries[household] = entry
    after = register.Counted(entry.cell_id, merged.visited_on.toordinal(), entry.steps, entry.houses)
    _gather(gathered, campaign.id, after, +1)


def _entry(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    instance_id: str,
    visit: Visit,
    changes: StateChanges,
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
    return register.HouseholdEntry(
        campaign_id=campaign.id,
        instance_id=instance_id,
        visit=visit,
        point_state=placed.point_state,
        cell_id=cell_id,
        steps={(numbers[series], day): row for (series, day), row in changes.items()},
        houses=house_counts(visit),
        placements=placed.placements,
        findings=[*findings, *place_findings(known, visit, placed.point_state, placed.placements, findings)],
    )


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
    register.enter(reference.database, connection, list(gathered.entries.values()))
    tallies.add(reference.database, connection, gathered.people, gathered.houses)
    gathered.entries.clear()
    gathered.people.clear()
    gathered.houses.clear()
