"""One household from all that was submitted about it, and what it adds to the tallies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mapper.domain.campaign import Campaign
from mapper.domain.ledger import moves
from mapper.domain.people import Outcome, Residence, Visit

HOUSE_COUNTS = ("visited", "interviewed", "vacant", "refused", "closed", "people")
"""What a household adds to the count of houses; closed is absent or locked."""


def combine(visits: Sequence[Visit]) -> Visit:
    """The household as its visits, oldest first by day and arrival, make it known.

    The latest interview tells who lives there; a later visit that met nobody changes nothing of that, one that found
    the house empty for good moves everybody out, and only an interview or a refusal shows that it is lived in again.
    Contact, place and point come from the latest visit that has them.
    """
    latest = visits[-1]
    if len(visits) == 1:
        return latest
    interviews = [number for number, visit in enumerate(visits) if visit.outcome == Outcome.INTERVIEWED]
    base = visits[interviews[-1]] if interviews else latest
    outcome, people = base.outcome, base.people
    since = [visit.outcome for visit in visits[interviews[-1] + 1 if interviews else 0 :]]
    if Outcome.VACANT in since:
        outcome = next(one for one in reversed(since) if one in (Outcome.VACANT, Outcome.REFUSED))
        people = tuple(replace(person, residence=Residence.MOVED_OUT) for person in base.people)

    def newest(field: str) -> object:
        return next((value for v in reversed(visits) if (value := getattr(v, field)) is not None), None)

    known = {
        field: newest(field)
        for field in ("hamlet_code", "commune_code", "house_number", "head", "phone", "point", "expected_members")
    }
    return replace(base, outcome=outcome, people=people, **known)  # type: ignore[arg-type]


def house_counts(visit: Visit) -> list[int]:
    """What a household adds to the count of houses, in the order of HOUSE_COUNTS."""
    outcome = visit.outcome
    return [
        1,
        int(outcome == Outcome.INTERVIEWED),
        int(outcome == Outcome.VACANT),
        int(outcome == Outcome.REFUSED),
        int(outcome in (Outcome.ABSENT, Outcome.LOCKED)),
        len(visit.people),
    ]


def household_moves(visit: Visit, campaign: Campaign) -> list[int]:
    """All dated steps of a household's people as plain numbers, one after another: ``ledger.moves``."""
    return [number for person in visit.people for number in moves(person, campaign)]
