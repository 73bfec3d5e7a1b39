"""What one submission says, as pure reading: no database is asked, so it is done before the transaction that counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.household import household_moves
from mapper.domain.people import Finding, Visit
from mapper.errors import InvalidInput, MapperError, NotFound, mark, trace
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import Roles, read_visit
from mapper.services.reference import Known, Reference
from mapper.store import register, submissions
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission

log = logging.getLogger(__name__)

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
    instance = read_instance(submissions.xml_of(connection, stored.seq), reference.namespaces(connection, known))
    return understand(known, form, instance, stored.received_on, stored.root_id)
