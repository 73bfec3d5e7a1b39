"""Drawing a lot: the plan and its rule, and houses drawn at random from the fresh household list of an area."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mapper.domain.people import Outcome
from mapper.domain.places import fold
from mapper.errors import InvalidInput, mark
from mapper.services import audit, questions, reporting
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.stats import lots as rules
from mapper.stats.lots import Rule
from mapper.store import follow_up
from mapper.store import lots as kept
from mapper.store.lots import LotHouse

PEOPLE, RISK, APART, USUAL_TARGET = 60, 0.10, 0.10, 0.95
"""Where nothing else is chosen: so many people are looked at; a bad lot is accepted that seldom; what is bad lies so
far below what is good; and good is the target of the dose, or this."""

MOST_PEOPLE = 500
SPARE = 5
"""For every so many houses one is drawn to spare, for houses where nobody of the group lives or nobody is met."""

SMALL_LOT = 20
"""A lot of fewer people than so many times those looked at is small: what is left of it changes as they are drawn."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a lot is to be checked by. lower, upper: coverage in 0..1 that is bad, and that is good.

    allowed: unvaccinated people allowed, None for as many as keep ``risk``, how often a bad lot may be accepted.
    """

    people: int = PEOPLE
    lower: float = USUAL_TARGET - APART
    upper: float = USUAL_TARGET
    allowed: int | None = None
    risk: float = RISK


@dataclass(frozen=True, slots=True)
class Counts:
    """How many houses a lot can be drawn from: visited by the census, and not visited yet.

    gone: visited and empty for good, so left out. unsized: labels of hamlets whose list names no number of houses, of
    which only those visited can be drawn.
    """

    visited: int
    unvisited: int
    gone: int
    unsized: tuple[str, ...]

    @property
    def houses(self) -> int:
        """How many can be drawn."""
        return self.visited + self.unvisited


@dataclass(frozen=True, slots=True)
class Frame:
    """The houses that a lot is drawn from.

    names: of each hamlet ("" for houses that told none) the houses, by household id, or by number for those that the
    census has not visited yet.
    """

    names: Mapping[str, tuple[str, ...]]
    counts: Counts


def usual_plan(target: float | None) -> Plan:
    """What is offered where nothing is chosen. target: of the dose, 0..1."""
    upper = round(target or USUAL_TARGET, 4)
    return Plan(upper=upper, lower=round(max(0.0, upper - APART), 4))


def counts_of(hamlets: Sequence[UnitFigures]) -> Counts:
    """The same numbers as those of the frame of these hamlets, from their tallies, without reading a house."""
    visited, gone = sum(unit.houses.visited for unit in hamlets), sum(unit.houses.vacant for unit in hamlets)
    unvisited = sum(unit.houses.unvisited for unit in hamlets if unit.code is not None)
    return Counts(visited - gone, unvisited, gone, _unsized(hamlets))


def frame_of(reference: Reference, user: User, question: Question, area: Area) -> Frame:
    """The houses of an area, as visits and the hamlets' lists know them; of the user's part of it alone."""
    answer = reporting.coverage(reference, user, replace(question, level=HAMLET), area)
    return _frame(reference, user, question, area, answer.units)


def _frame(reference: Reference, user: User, question: Question, area: Area, hamlets: Sequence[UnitFigures]) -> Frame:
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = questions.default_set(known, question.set_id, question.day)
        cells = cells_in(reference, connection, known, user, places, area)
        rows = follow_up.households(reference.database, connection, question.campaign_id, cells)
    names: dict[str, list[str]] = {}
    living = [row for row in rows if row.outcome != Outcome.VACANT]
    for row in living:
        names.setdefault(row.hamlet_code or "", []).append(f"house {row.id}")
    unvisited = 0
    for unit in hamlets:
        # Of a hamlet that lies in several units only the main one tells of houses not visited.
        if unit.code is not None and unit.houses.unvisited:
            unvisited += unit.houses.unvisited
            names.setdefault(unit.code, []).extend(f"number {it}" for it in range(1, unit.houses.unvisited + 1))
    by_hamlet = {hamlet: tuple(those) for hamlet, those in names.items()}
    return Frame(by_hamlet, Counts(len(living), unvisited, len(rows) - len(living), _unsized(hamlets)))


def _unsized(hamlets: Sequence[UnitFigures]) -> tuple[str, ...]:
    return tuple(sorted({unit.name for unit in hamlets if unit.houses.unlisted}, key=fold))


def draw(
    reference: Reference, user: User, question: Question, area: Area, plan: Plan, at: datetime, seed: str = ""
) -> int:
    """Draw the houses of a lot and keep it; its number. One person is looked at in each house.

    at: the moment, for the record. seed: "" makes one. Raises InvalidInput for a plan that no rule fits, or for an area
    with too few houses, InvalidQuestion and NotFound as figures do.
    """
    answer = reporting.coverage(reference, user, replace(question, level=HAMLET), area)
    frame = _frame(reference, user, question, area, answer.units)
    complete = answer.total.assessment.complete
    eligible = answer.total.eligible
    small = eligible if complete and plan.people <= eligible < SMALL_LOT * plan.people else None
    rule, risk = rule_of(plan, small)
    counts = frame.counts
    if counts.houses < plan.people:
        raise InvalidInput(
            mark(
                "Only {houses} houses are known here, and {people} people of as many houses are to be looked at. "
                "Choose fewer people, or a larger area."
            ),
            houses=counts.houses,
            people=plan.people,
        )
    seed = seed or secrets.token_hex(8)
    drawn = rules.draw(frame.names, plan.people + math.ceil(plan.people / SPARE), seed)
    facts = {
        "visited": counts.visited,
        "unvisited": counts.unvisited,
        "gone": counts.gone,
        "unsized": list(counts.unsized),
        "fingerprint": rules.fingerprint(frame.names),
    }
    lot = kept.NewLot(
        campaign_id=answer.campaign.id,
        group_code=answer.group.code,
        dose_code=answer.dose.code,
        set_id=answer.places.id,
        level=area.level,
        code=area.code,
        day=answer.day,
        drawn_at=at.astimezone(UTC).isoformat(timespec="seconds"),
        user_id=user.id or None,
        seed=seed,
        frame=json.dumps(facts, ensure_ascii=False),
        people=rule.n,
        allowed=rule.d,
        lower=rule.lower,
        upper=rule.upper,
        risk=risk,
        lot_people=rule.lot,
    )
    houses = [_house(place, hamlet, name, place > plan.people) for place, (hamlet, name) in enumerate(drawn, 1)]
    with reference.database.write() as connection:
        number = kept.add(connection, lot, houses)
        told = {"campaign": lot.campaign_id, "area": str(area), "houses": len(houses), "seed": seed}
        audit.record(reference, connection, user.id, user.name, "lot.drawn", str(number), told)
    return number


def _house(position: int, hamlet: str, name: str, spare: bool) -> LotHouse:
    kind, _, told = name.partition(" ")
    visited = kind == "house"
    return LotHouse(position, hamlet, told if visited else None, None if visited else int(told), spare)


def rule_of(plan: Plan, lot: int | None = None) -> tuple[Rule, float]:
    """The rule of a plan, and how often it accepts a bad lot at most. Raises InvalidInput, naming the cure."""
    if not 1 <= plan.people <= MOST_PEOPLE:
        raise InvalidInput(mark("Look at 1 to {most} people."), most=MOST_PEOPLE)
    if not 0 < plan.lower < plan.upper <= 1:
        raise InvalidInput(
            mark("Coverage that is bad must lie below coverage that is good, and both between 0 and 100 %.")
        )
    if plan.allowed is not None:
        if not 0 <= plan.allowed < plan.people:
            raise InvalidInput(mark("Fewer people may be unvaccinated than are looked at, and not fewer than 0."))
        rule = Rule(plan.people, plan.allowed, plan.lower, plan.upper, lot)
        return rule, rule.wrongly_accepted
    if not 0 < plan.risk < 1:
        raise InvalidInput(mark("The risk of accepting a bad lot lies between 0 and 100 %."))
    rule = rules.choose(plan.people, plan.lower, plan.upper, plan.risk, lot)
    if rule.d < 0:
        raise InvalidInput(
            mark(
                "{people} people are too few: even if all of them were vaccinated, a lot with a coverage of {lower} % "
                "would be accepted more often than asked. Look at more people, or allow more risk."
            ),
            people=plan.people,
            lower=round(100 * plan.lower, 2),
        )
    return rule, plan.risk
