"""Checking a lot after a campaign: houses drawn at random from the fresh household list, findings, and the verdict."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mapper.domain.campaign import Label
from mapper.domain.people import Outcome
from mapper.domain.places import fold
from mapper.domain.walk import Stop, number_key, walk
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit, reporting
from mapper.services.accounts import User, visible_cells
from mapper.services.areas import Area, cells_in
from mapper.services.listed import visible_hamlets, visited_in
from mapper.services.reference import Known, Reference
from mapper.services.reporting import HAMLET, Question, UnitFigures
from mapper.stats import lots as rules
from mapper.stats.lots import Judgement, Rule, judge
from mapper.store import follow_up, tallies
from mapper.store import lots as kept
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow
from mapper.store.lots import KeptLot, LotHouse

PEOPLE, RISK, APART, USUAL_TARGET = 60, 0.10, 0.10, 0.95
"""Where nothing else is chosen: so many people are looked at; a bad lot is accepted that seldom; what is bad lies so
far below what is good; and good is the target of the dose, or this."""

MOST_PEOPLE = 500
SPARE = 5
"""For every so many houses one is drawn to spare, for houses where nobody of the group lives or nobody is met."""

SMALL_LOT = 20
"""A lot of fewer people than so many times those looked at is small: what is left of it changes as they are drawn."""

REASONS: Mapping[str, str] = {
    "not_told": mark("did not know of the session"),
    "away": mark("was away then"),
    "put_off": mark("was ill, or put off"),
    "contraindicated": mark("must not have it"),
    "refused": mark("did not want it"),
    "no_vaccine": mark("came, and there was no vaccine"),
    "other": mark("another reason"),
}
"""Why somebody met is not vaccinated: code to words."""


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


@dataclass(frozen=True, slots=True)
class DrawnHouse:
    """A house of a lot. row: of the register; None for a house not visited yet, or one not in the user's area."""

    house: LotHouse
    row: HouseholdRow | None


@dataclass(frozen=True, slots=True)
class HamletHouses:
    """The houses of a lot in one hamlet, in walking order; those not visited yet come last."""

    code: str
    label: str
    houses: tuple[DrawnHouse, ...]


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot as its page shows it. frame: facts of Frame, and ``fingerprint``. spare: in the order to take them."""

    kept: KeptLot
    area: str
    group: Label
    dose: Label
    frame: Mapping[str, object]
    rule: Rule
    houses: tuple[HamletHouses, ...]
    spare: tuple[tuple[str, DrawnHouse], ...]
    judgement: Judgement | None
    several: bool


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot in a list."""

    kept: KeptLot
    area: str
    judgement: Judgement | None


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
        places = reporting.default_set(known, question.set_id, question.day)
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


def lines(reference: Reference, user: User, campaign_id: str, limit: int) -> list[LotLine]:
    """The newest lots of a campaign in a user's area, the newest first."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        found = kept.of_campaign(connection, campaign_id, limit)
        seen = _hamlets_seen(reference, connection, known, user)
        numbers = [one.id for one in found]
        where, sums = kept.hamlets(connection, numbers), kept.sums(connection, numbers)
    return [
        LotLine(one, _area_name(known, one), _judged(one, sums.get(one.id)))
        for one in found
        if seen is None or where[one.id] <= seen
    ]


def lot(reference: Reference, user: User, number: int) -> Lot:
    """A lot with its houses. Raises NotFound where there is none of that number in the user's area."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        one, houses = _lot(reference, connection, known, user, number)
        sums = kept.sums(connection, [number]).get(number)
        ids = [house.household_id for house in houses if house.household_id is not None]
        rows = follow_up.households_of(reference.database, connection, one.campaign_id, ids)
        cells = visible_cells(reference, connection, user)
    seen = None if cells is None else set(cells)
    told = {code: row for code, row in rows.items() if seen is None or row.cell_id in seen}
    drawn = [DrawnHouse(house, told.get(house.household_id or "")) for house in houses]
    by_hamlet: dict[str, list[DrawnHouse]] = {}
    for each in drawn:
        if not each.house.spare:
            by_hamlet.setdefault(each.house.hamlet_code, []).append(each)
    labels = {house.hamlet_code: _hamlet_name(known, house.hamlet_code) for house in houses}
    order = sorted(by_hamlet, key=lambda code: (not code, number_key(fold(labels[code])), code))
    return Lot(
        one,
        _area_name(known, one),
        *_of_whom(known, one),
        json.loads(one.frame),
        _rule(one),
        tuple(HamletHouses(code, labels[code], _in_order(by_hamlet[code])) for code in order),
        tuple((labels[each.house.hamlet_code], each) for each in drawn if each.house.spare),
        _judged(one, sums),
        any((each.house.seen or 0) > 1 for each in drawn),
    )


def _in_order(houses: Sequence[DrawnHouse]) -> tuple[DrawnHouse, ...]:
    known = [each for each in houses if each.row is not None]
    stops = [Stop(each.row.id, each.row.point, each.row.house_number) for each in known if each.row is not None]
    others = sorted((each for each in houses if each.row is None), key=lambda each: each.house.unlisted or 0)
    return (*(known[place] for place in walk(stops)), *others)


@dataclass(frozen=True, slots=True)
class Told:
    """What a monitor writes of one house: numbers and a code of REASONS, "" for nothing."""

    seen: str = ""
    vaccinated: str = ""
    reason: str = ""


def find(reference: Reference, user: User, number: int, houses: Mapping[int, Told], totals: Told, at: datetime) -> None:
    """Keep what was found in the houses of a lot, by position, or as totals; what was found before is replaced.

    Raises InvalidInput, naming the house, for what cannot be; nothing is kept then. NotFound as ``lot``.
    """
    with reference.database.write() as connection:
        known = reference.known(connection)
        one, drawn = _lot(reference, connection, known, user, number)
        told = {house.position: _read(houses.get(house.position, Told()), house.position) for house in drawn}
        total = _read(totals, None)
        if total[0] is not None and any(seen is not None for seen, *_ in told.values()):
            raise InvalidInput(
                mark("Findings stand both at houses and as totals. Leave one of them empty; nothing was saved.")
            )
        sums = None if total[0] is None else (total[0], total[1] or 0)
        kept.find(connection, number, told, sums, at.astimezone(UTC).isoformat(timespec="seconds"), user.id or None)
        seen = [row for row in told.values() if row[0] is not None]
        people, vaccinated = sums or (sum(row[0] or 0 for row in seen), sum(row[1] or 0 for row in seen))
        facts = {"campaign": one.campaign_id, "houses": len(seen), "seen": people, "unvaccinated": people - vaccinated}
        audit.record(reference, connection, user.id, user.name, "lot.found", str(number), facts)


def _read(told: Told, position: int | None) -> tuple[int | None, int | None, str | None]:
    """(seen, vaccinated, reason) of a house; position None: of all."""
    most = MOST_PEOPLE * 10 if position is None else 99
    seen, vaccinated = (_number(text, most) for text in (told.seen, told.vaccinated))
    if told.seen.strip() == "" and told.vaccinated.strip() == "":
        return None, None, None
    wrong = seen is None or (vaccinated is None and (told.vaccinated.strip() or seen > 0))
    if not wrong and seen is not None and (vaccinated or 0) > seen:
        wrong = True
    if told.reason and told.reason not in REASONS:
        wrong = True
    if wrong:
        if position is None:
            raise InvalidInput(
                mark(
                    "Totals: write how many people were seen and how many of them are vaccinated, as whole numbers, "
                    "the second no larger than the first. Nothing was saved."
                )
            )
        raise InvalidInput(
            mark(
                "House {number}: write how many people were seen and how many of them are vaccinated, as whole "
                "numbers, the second no larger than the first. Nothing was saved."
            ),
            number=position,
        )
    missed = seen is not None and seen > (vaccinated or 0)
    return seen, vaccinated or 0, (told.reason or None) if missed else None


def _number(text: str, most: int) -> int | None:
    text = text.strip()
    whole = text.isascii() and text.isdecimal() and len(text) < 6
    return int(text) if whole and int(text) <= most else None


def _rule(one: KeptLot) -> Rule:
    return Rule(one.people, one.allowed, one.lower, one.upper, one.lot_people)


def _judged(one: KeptLot, sums: tuple[int, int] | None) -> Judgement | None:
    if sums is None and one.seen is not None:
        sums = one.seen, one.vaccinated or 0
    return None if sums is None else judge(_rule(one), one.risk, *sums)


def _lot(
    reference: Reference, connection: Connection, known: Known, user: User, number: int
) -> tuple[KeptLot, list[LotHouse]]:
    one = kept.by_id(connection, number)
    houses = kept.houses(connection, number) if one is not None else []
    seen = _hamlets_seen(reference, connection, known, user)
    if one is None or (seen is not None and not {house.hamlet_code for house in houses} <= seen):
        raise NotFound(mark("There is no lot {number} in your area. Choose one of the list."), number=number)
    return one, houses


def _hamlets_seen(reference: Reference, connection: Connection, known: Known, user: User) -> set[str] | None:
    """Codes of the hamlets of a user's area, "" among them where a house without hamlet is seen; None for all."""
    visible = visible_cells(reference, connection, user)
    if visible is None:
        return None
    cells = reference.cells(connection)
    houses = [row for each in known.campaigns for row in tallies.houses(reference.database, connection, each, None)]
    listed = visible_hamlets(known, user, lambda set_id: visited_in(cells, houses, set_id))
    return {one.code for one in listed} | {cells[number].hamlet_code or "" for number in visible}


def _hamlet_name(known: Known, code: str) -> str:
    hamlet = known.hamlets.get(code)
    return hamlet.label if hamlet else code


def _of_whom(known: Known, one: KeptLot) -> tuple[Label, Label]:
    """The names of the group and the dose; the bare codes where the campaign has them no more."""
    campaign = known.campaigns.get(one.campaign_id)
    found = campaign.find(one.group_code, one.dose_code) if campaign is not None else None
    if campaign is None or found is None:
        return Label(one.group_code), Label(one.dose_code)
    return found[0].label, campaign.doses[one.dose_code]


def _area_name(known: Known, one: KeptLot) -> str:
    if one.level == HAMLET:
        return _hamlet_name(known, one.code)
    places = known.sets.get(one.set_id)
    unit = places.units.get((one.level, one.code)) if places is not None else None
    return unit.name if unit is not None else one.code
