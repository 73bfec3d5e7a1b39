"""Looking through the register for what is odd: commune by commune, where something was counted since, and kept.

Rules look at one commune's households at a time, and people and households are compared within it. Once something has
changed anywhere, people of one name and day of birth are compared across communes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from mapper.domain.campaign import Campaign
from mapper.domain.people import Person
from mapper.domain.places import fold
from mapper.domain.quality import (
    RULES,
    Odd,
    equal_points,
    far_houses,
    key,
    of_house,
    of_person,
    pair_key,
)
from mapper.domain.shelves import arrival
from mapper.services.background import Background, Progress, Standing
from mapper.services.reference import Known, Reference
from mapper.store import follow_up, oddities, tallies
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow
from mapper.store.oddities import Oddity

if TYPE_CHECKING:
    from mapper.linkage.rarity import LinkPerson

ELSEWHERE = "same_person_elsewhere"
_WITHIN = tuple(rule for rule in RULES if rule != ELSEWHERE)

EVERYWHERE = 0
"""Stands for a cell where comparing across communes is noted."""

_FORM = "6"
"""Changes with the rules, after which everything is looked through again."""


class _Looking:
    """The work of one installation in the background."""

    def __init__(self) -> None:
        self.work: Background[int] = Background()


_all: WeakKeyDictionary[Reference, _Looking] = WeakKeyDictionary()
_opening = Lock()


def set_off(reference: Reference, campaign_id: str) -> Standing[int]:
    """Have what changed looked through in the background, and tell how far it is."""
    with _opening:
        looking = _all.setdefault(reference, _Looking())
    with reference.database.read() as connection:
        reference.known(connection).campaign(campaign_id)
        state = _state(reference, connection, campaign_id)
        looked = oddities.looked(connection, campaign_id)
    version = hashlib.sha256(repr(sorted(state.items())).encode()).hexdigest()
    if all(looked.get(cell) == of for cell, of in state.items()) and EVERYWHERE in looked:
        version = "up to date"

    def work(progress: Progress) -> int:
        return look_through(reference, campaign_id, progress)

    return looking.work.ask(campaign_id, version, work)


def look_through(reference: Reference, campaign_id: str, progress: Progress = lambda share: None) -> int:
    """Look through all that changed, each commune in a transaction of its own; how many communes there were."""
    with reference.database.read() as connection:
        state = _state(reference, connection, campaign_id)
        looked = oddities.looked(connection, campaign_id)
        areas = _areas(reference, connection, state)
    changed = [cells for cells in areas if any(looked.get(cell) != state[cell] for cell in cells)]
    for done, cells in enumerate(changed):
        with reference.database.read() as connection:
            now = _state(reference, connection, campaign_id)
            found = of_cells(reference, connection, campaign_id, cells)
        with reference.database.write() as connection:
            held = {cell: now[cell] for cell in cells if cell in now}
            gone = {cell: state[cell] for cell in cells if cell not in now}
            oddities.keep(reference.database, connection, campaign_id, held | gone, _WITHIN, found, _now())
        progress((done + 1) / (len(changed) + 1))
    if changed or EVERYWHERE not in looked:
        with reference.database.read() as connection:
            found = _across(reference, connection, campaign_id)
        with reference.database.write() as connection:
            everywhere = {EVERYWHERE: _FORM}
            oddities.keep(
                reference.database, connection, campaign_id, everywhere, (ELSEWHERE,), found, _now(), everywhere=True
            )
    return len(changed)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _state(reference: Reference, connection: Connection, campaign_id: str) -> dict[int, str]:
    """Of each cell that a household was ever counted in, as of what it is to be looked through."""
    era, _ = tallies.version(reference.database, connection)
    known = reference.known(connection)
    rules = hashlib.sha256(repr(known.campaign(campaign_id)).encode()).hexdigest()[:12]
    houses = tallies.houses(reference.database, connection, campaign_id, None)
    return {row[0]: f"{era}/{row[-1]}/{rules}/{_FORM}" for row in houses}


def _areas(reference: Reference, connection: Connection, state: Mapping[int, str]) -> list[list[int]]:
    """Cells by commune; those of none stand together."""
    cells = reference.cells(connection)
    home = reference.known(connection).home or ""
    areas: dict[str, list[int]] = defaultdict(list)
    for cell in sorted(state):
        areas[cells[cell].units.get(home) or ""].append(cell)
    return [areas[code] for code in sorted(areas)]


@dataclass(frozen=True, slots=True)
class _Member:
    house: HouseholdRow
    person: Person


def of_cells(reference: Reference, connection: Connection, campaign_id: str, cells: Sequence[int]) -> list[Oddity]:
    """All that is odd in some cells, which are a commune."""
    known, database = reference.known(connection), reference.database
    campaign = known.campaign(campaign_id)
    houses = follow_up.households(database, connection, campaign_id, cells)
    people = {
        seq: [person for person, _ in members]
        for seq, members in follow_up.people(database, connection, [house.seq for house in houses]).items()
    }
    expected = oddities.expected(database, connection, campaign_id, cells)
    found = []
    for house in houses:
        members = people.get(house.seq, [])
        count = of_house(house.outcome, len(members), expected.get(house.seq))
        odd = [each for person in members for each in of_person(person, campaign)] + ([count] if count else [])
        commune = _commune(reference, connection, known, house)
        found += [_about(house, each) for each in (*odd, *([commune] if commune else []))]
    found += _places(houses)
    return found + _alike(known, campaign, houses, people)


def _about(house: HouseholdRow, odd: Odd) -> Oddity:
    about = odd.about if odd.person else (house.id, *odd.about)
    return Oddity(key(odd.rule, *about), odd.rule, house.cell_id, house.id, odd.person, facts=odd.facts)


def _commune(reference: Reference, connection: Connection, known: Known, house: HouseholdRow) -> Odd | None:
    """The commune of the point against the one chosen in the form."""
    if known.home is None or not house.point_usable or not house.commune_code:
        return None
    home = known.sets[known.home]
    code = reference.cells(connection)[house.cell_id].units.get(home.id)
    if code is None or code == house.commune_code:
        return None
    names = [
        home.units[home.leaf, each].name if (home.leaf, each) in home.units else each
        for each in (house.commune_code, code)
    ]
    return Odd(
        "commune_differs", "", (house.commune_code, code), {"chosen": names[0], "found": names[1], "found_code": code}
    )


def _places(houses: Sequence[HouseholdRow]) -> list[Oddity]:
    """Houses at one and the same position, and houses far from their hamlet."""
    found = []
    placed = [(house, point) for house in houses if (point := house.point) is not None]
    for first, other in equal_points([(point.lat, point.lon) for _, point in placed]):
        one, two = placed[first][0], placed[other][0]
        spot = f"{placed[other][1].lat:.6f}, {placed[other][1].lon:.6f}"
        rule = "point_shared"
        pair = pair_key(rule, one.id, two.id)
        found.append(Oddity(pair, rule, two.cell_id, two.id, "", one.id, "", {"point": spot}))
    hamlets = defaultdict(list)
    for house, point in placed:
        if house.hamlet_code:
            hamlets[house.hamlet_code].append((house, point))
    for members in hamlets.values():
        for place, metres in far_houses([(point.lat, point.lon) for _, point in members]).items():
            house, point = members[place]
            facts = {"metres": f"{metres:.0f}", "point": f"{point.lat:.6f}, {point.lon:.6f}"}
            found.append(_about(house, Odd("point_far", "", (facts["point"],), facts)))
    return found


def _alike(
    known: Known, campaign: Campaign, houses: Sequence[HouseholdRow], people: Mapping[int, Sequence[Person]]
) -> list[Oddity]:
    """People who may be one person, and households that may be one, of a commune."""
    # The comparing library is heavy, and needed by this work alone.
    from mapper.linkage.within import twice

    members = [_Member(house, person) for house in houses for person in people.get(house.seq, ())]
    named = [one for one in members if one.person.name and one.person.residence != "moved_out"]
    pairs: dict[tuple[str, str], list[tuple[_Member, _Member, float]]] = defaultdict(list)
    for each in twice([_entry(one) for one in named], [one.house.id for one in named]):
        a, b = named[each.one], named[each.other]
        first, second = (a, b) if (arrival(a.house.seq), a.person.id) <= (arrival(b.house.seq), b.person.id) else (b, a)
        pairs[first.house.id, second.house.id].append((first, second, each.odds))
    found = []
    same_door = _same_door(houses)
    for (one, other), alike in pairs.items():
        houses_of = alike[0][0].house, alike[0][1].house
        theirs = min(len(people.get(house.seq, ())) for house in houses_of)
        if one != other and len({second.person.id for _, second, _ in alike}) >= min(2, theirs) and theirs > 1:
            same_door.setdefault((houses_of[0].seq, houses_of[1].seq), houses_of)
            continue
        for first_member, second_member, odds in alike:
            found.append(_pair("same_person", first_member, second_member, odds))
    for kept, gone in same_door.values():
        alike = pairs.get((kept.id, gone.id), [])
        matched: dict[str, str] = {}
        for a, b, _ in sorted(alike, key=lambda each: -each[2]):
            if a.person.id not in matched and b.person.id not in matched.values():
                matched[a.person.id] = b.person.id
        facts = {"alike": str(len(matched)), "pairs": "\n".join(f"{a}\t{b}" for a, b in matched.items())}
        same = pair_key("same_household", kept.id, gone.id)
        found.append(Oddity(same, "same_household", gone.cell_id, kept.id, "", gone.id, "", facts))
    return found


def _same_door(houses: Sequence[HouseholdRow]) -> dict[tuple[int, int], tuple[HouseholdRow, HouseholdRow]]:
    """Households of one head in one hamlet with the same house number or telephone."""
    first: dict[tuple[str, ...], HouseholdRow] = {}
    found = {}
    for house in sorted(houses, key=lambda house: arrival(house.seq)):
        head, hamlet = fold(house.head or ""), house.hamlet_code or ""
        for kind, value in (("number", house.house_number), ("phone", house.phone)):
            if head and value:
                other = first.setdefault((kind, hamlet, head, value.strip()), house)
                if other is not house:
                    found[other.seq, house.seq] = (other, house)
    return found


def _entry(one: _Member) -> LinkPerson:
    from mapper.linkage.rarity import LinkPerson

    person, house = one.person, one.house
    precision = person.birth_precision or "day"
    return LinkPerson(
        person.id,
        person.name or "",
        person.born_on,
        "year" if precision == "age" else precision,
        person.sex or "",
        house.phone or "",
        house.commune_code or "",
        house.hamlet_code or "",
        told=_first_told(person),
        doses=frozenset((dose.code, dose.given_on.isoformat()) for dose in person.doses if dose.given_on is not None),
    )


def _first_told(person: Person) -> str:
    """The day of the visit that first told of somebody, "" where a later answer may have taken its place."""
    later = person.refused or person.deferred_until or any(dose.given_on is None for dose in person.doses)
    return "" if later else person.reported_on.isoformat()


def _pair(rule: str, first: _Member, second: _Member, odds: float) -> Oddity:
    pair = pair_key(rule, first.person.id, second.person.id)
    facts = {"odds": f"{odds:.1f}"}
    house, other = first.house, second.house
    return Oddity(pair, rule, other.cell_id, house.id, first.person.id, other.id, second.person.id, facts)


def _across(reference: Reference, connection: Connection, campaign_id: str) -> list[Oddity]:
    """People of one name and day of birth in two communes."""
    cells, home = reference.cells(connection), reference.known(connection).home or ""
    found = []
    for _, members in oddities.namesakes(connection, campaign_id):
        for place, (household_id, person_id, cell_id) in enumerate(members):
            for other_household, other_person, other_cell in members[place + 1 :]:
                apart = cells[cell_id].units.get(home) != cells[other_cell].units.get(home)
                if apart and person_id != other_person:
                    pair = pair_key("same_person", person_id, other_person)
                    found.append(
                        Oddity(
                            *(pair, ELSEWHERE, other_cell, household_id, person_id),
                            *(other_household, other_person, {"odds": ""}),
                        )
                    )
    return found
