"""Checking a lot after a campaign: its houses in the order of walking, what was found there, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.domain.campaign import Label
from mapper.domain.places import fold
from mapper.domain.walk import Stop, number_key, walk
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User, visible_cells
from mapper.services.listed import visible_hamlets, visited_in
from mapper.services.lot_drawing import MOST_PEOPLE
from mapper.services.questions import HAMLET
from mapper.services.reference import Known, Reference
from mapper.stats.lots import Judgement, Rule, judge
from mapper.store import follow_up, tallies
from mapper.store import lots as kept
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow
from mapper.store.lots import KeptLot, LotHouse

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
    return whole(text.strip(), min(most, 99_999))


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
