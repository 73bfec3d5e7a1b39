"""Houses as a day found and left them: which had been visited by then, and which of them wanted another visit.

The register holds where a house stands now. Of one that was visited after the day, its own visits tell how it was then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.entities import Standing
from mapper.domain.follow_up import HouseState, house_state, status
from mapper.domain.household import combine
from mapper.domain.people import Visit
from mapper.services.follow_up import standings
from mapper.services.reference import Known, Reference
from mapper.services.tellings import stands_now, tellers_of
from mapper.store import tallies
from mapper.store.database import Connection

WANTS_A_VISIT = frozenset({HouseState.SOMEONE_DUE, HouseState.NOT_MET})
"""Houses that are expected to be visited: who refused or was put off to a later day is not gone to every day."""


@dataclass(frozen=True, slots=True)
class HouseDay:
    """Houses by hamlet code, "" for none.

    before: visited before the day; again: of them, those that wanted another visit when it began. today: visited on it,
    whenever again; until: visited by its end.
    """

    before: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    today: Counter[str] = field(default_factory=Counter)
    until: Counter[str] = field(default_factory=Counter)


def houses_on(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    cells: Mapping[int, tallies.Cell],
    day: date,
) -> HouseDay:
    """The houses of cells on a day. What was told of a later one changes nothing of it.

    What a supervisor decided about updates that contradict each other is left out.
    """
    found = HouseDay()
    for cell, houses in standings(reference, connection, known, campaign, day, cells).items():
        code = cells[cell].hamlet_code or ""
        for household, stands in houses.items():
            state: HouseState | None = stands.state
            last: date | None = stands.visited_on
            if stands.visited_on >= day:
                state, before = None, None
                if stands.version > 1:
                    state, before = _as_it_was(reference, connection, known, campaign, household, stands.version, day)
                if stands.visited_on > day:
                    last = before
            found.before[code] += state is not None
            found.again[code] += state in WANTS_A_VISIT
            found.today[code] += last == day
            found.until[code] += last is not None
    return found


def _as_it_was(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    household_id: str,
    version: int,
    day: date,
) -> tuple[HouseState | None, date | None]:
    """Where a household stood when a day began, and its last visit by the end of that; None each where there was none.

    version: of its entity now, since that rises with whatever is told of it.
    """
    era, _ = tallies.version(reference.database, connection)

    def look() -> tuple[HouseState | None, date | None]:
        house = campaign.id, household_id
        tellers = tellers_of(reference, connection, known, house)
        line = stands_now(connection, house, tellers)
        told = sorted(
            (
                (teller.visit.visited_on, placed.version or 0, teller.place, teller.visit)
                for teller, placed in zip(tellers, line, strict=True)
                if placed.standing is Standing.APPLIED and teller.visit.visited_on <= day
            ),
            key=lambda one: one[:3],
        )
        before = [visit for visited_on, *_, visit in told if visited_on < day]
        return _state(before, campaign, day), told[-1][0] if told else None

    return reference.lists.value(("before", era, known.revision, campaign.id, household_id, version, day), look)


def _state(visits: list[Visit], campaign: Campaign, day: date) -> HouseState | None:
    if not visits:
        return None
    visit = combine(visits)
    return house_state(visit.outcome, [status(person, campaign, day) for person in visit.people])
