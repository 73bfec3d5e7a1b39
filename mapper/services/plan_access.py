"""Who sees which plan, and how much of it: whole, without houses that are not theirs to see, or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mapper.domain.made_plan import MadePlan, PlannedHouse, TeamDay
from mapper.domain.plan import PlanQuestion
from mapper.domain.roles import OVERSEERS
from mapper.errors import Forbidden, NotFound, mark
from mapper.services.accounts import OPERATOR, User, holds
from mapper.services.areas import Area, read_area
from mapper.services.field_area import field_area
from mapper.services.questions import HAMLET, default_set, set_made_on
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store import plans as kept
from mapper.store.database import Connection
from mapper.store.plans import PlanRow

Areas = tuple[tuple[str, str], ...]
"""As of a user: (set, unit), or ("", hamlet); none for everything."""


MOST_NUMBER = 2**31 - 1
"""What a database has for numbers of plans."""


class Sight(StrEnum):
    """How much of a plan somebody sees. PART: all but houses and people outside of their own area."""

    WHOLE = "whole"
    PART = "part"


def areas_asked(
    reference: Reference, connection: Connection, user: User, question: PlanQuestion, *, before: bool = False
) -> Areas:
    """What a question is about, as far as its asker sees it.

    before: it was asked before now, so that its set may be withdrawn since. Raises NotFound for an area that is none of
    theirs, and for a set that is not shown.
    """
    area, known = read_area(question.area), reference.known(connection)
    find = set_made_on if before else default_set
    if area is None:
        if question.set_id:
            find(known, question.set_id)
        return user.areas
    places = find(known, question.set_id)
    is_hamlet = area.level == HAMLET and area.code in known.hamlets
    if not is_hamlet and (area.level, area.code) not in places.units:
        raise _unknown(area)
    whole = (("" if is_hamlet else places.id, area.code),)
    if holds(reference, connection, user, whole):
        return whole
    if not overlap(reference, connection, whole, user.areas):
        raise _unknown(area)
    return user.areas


def areas_of(row: PlanRow) -> Areas:
    """What a plan is about."""
    return tuple((set_id, code) for set_id, code in json.loads(row.areas))


def told_areas(areas: Areas) -> str:
    """Areas as a plan keeps them."""
    return json.dumps(areas)


@dataclass(slots=True)
class Eyes:
    """What one user sees of plans, in one transaction; plans of one area are judged together."""

    reference: Reference
    connection: Connection
    user: User
    _known: dict[tuple[str, bool], bool] = field(default_factory=dict)

    def sight(self, row: PlanRow) -> Sight | None:
        """How much of a plan the user sees; None for nothing of it."""
        if not self.user.reads_figures:
            return None
        if self.holds(row):
            return Sight.WHOLE
        own = row.user_id is not None and row.user_id == self.user.id
        if own or (row.in_use and self._met(row)):
            return Sight.PART
        return None

    def holds(self, row: PlanRow) -> bool:
        """Whether all that a plan is about lies in the user's area."""
        key = row.areas, True
        if key not in self._known:
            self._known[key] = holds(self.reference, self.connection, self.user, areas_of(row))
        return self._known[key]

    def _met(self, row: PlanRow) -> bool:
        key = row.areas, False
        if key not in self._known:
            self._known[key] = overlap(self.reference, self.connection, self.user.areas, areas_of(row))
        return self._known[key]

    def look(self, number: int) -> tuple[PlanRow, Sight]:
        """A plan that the user sees. Raises NotFound, the same whether there is none or none for them."""
        row = kept.one(self.connection, number) if number <= MOST_NUMBER else None
        sight = self.sight(row) if row is not None else None
        if row is None or sight is None:
            raise NotFound(mark("There is no plan {number}. Choose one from the list."), number=number)
        return row, sight

    def decides(self, row: PlanRow) -> bool:
        """Whether the user decides which plans are carried out where this one is about."""
        return self.user.role in OVERSEERS and self.holds(row)

    def check_decides(self, row: PlanRow) -> None:
        """Raises Forbidden unless the user decides."""
        if not self.decides(row):
            raise Forbidden(
                mark("Which plan is carried out is decided by the supervisors of its whole area. Ask one of them.")
            )


def overlap(reference: Reference, connection: Connection, one: Areas, other: Areas) -> bool:
    """Whether any household may lie in both of two areas."""
    if not one or not other or set(one) & set(other):
        return True
    return not _cells(reference, connection, one).isdisjoint(_cells(reference, connection, other))


def within(reference: Reference, connection: Connection, user: User, campaign_id: str, made: MadePlan) -> MadePlan:
    """A plan without the houses outside of a user's area: sites, sessions and the days of teams stay as they are."""
    area = field_area(reference, connection, reference.known(connection), user)
    rows = follow_up.households(reference.database, connection, campaign_id, area.readable)
    seen = {row.id for row in area.hold(rows)}

    def of(houses: Sequence[PlannedHouse]) -> tuple[PlannedHouse, ...]:
        return tuple(one for one in houses if one.id in seen)

    unserved = {why: some for why, houses in made.unserved.items() if (some := of(houses))}
    return replace(
        made,
        sites=tuple(replace(one, houses=of(one.houses)) for one in made.sites),
        homes=of(made.homes),
        days=tuple(_without(one, seen) for one in made.days),
        unserved=unserved,
    )


def without_positions(made: MadePlan) -> MadePlan:
    """A plan that does not tell where a house stands, nor the way there."""

    def of(houses: Sequence[PlannedHouse]) -> tuple[PlannedHouse, ...]:
        return tuple(replace(one, point=None) for one in houses)

    return replace(
        made,
        sites=tuple(replace(one, houses=of(one.houses)) for one in made.sites),
        homes=of(made.homes),
        days=tuple(replace(one, path=()) if any(stop.house for stop in one.stops) else one for one in made.days),
        unserved={why: of(houses) for why, houses in made.unserved.items()},
    )


def _without(day: TeamDay, seen: set[str]) -> TeamDay:
    """A team's day that tells of no house but these; the way there would tell where the others stand."""
    if all(not stop.house or stop.house in seen for stop in day.stops):
        return day
    stops = tuple(replace(stop, house=stop.house if stop.house in seen else "") for stop in day.stops)
    return replace(day, stops=stops, path=())


def _cells(reference: Reference, connection: Connection, areas: Areas) -> frozenset[int]:
    found = field_area(reference, connection, reference.known(connection), replace(OPERATOR, areas=areas))
    return frozenset(found.readable or ())


def _unknown(area: Area) -> NotFound:
    return NotFound(
        mark("There is no area {area} here, or it is not among those that you may see. Choose one of the list."),
        area=str(area)[:60],
    )
