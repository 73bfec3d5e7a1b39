"""The national register against the census, person by person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from time import sleep

from mapper.domain.people import Dose
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.places import fold
from mapper.domain.roles import Role
from mapper.errors import NotFound, mark
from mapper.linkage.comparing import compare
from mapper.linkage.pairing import Class, Link, candidates, judge, link, log_odds
from mapper.linkage.rarity import LinkPerson, Rarity
from mapper.services.accounts import User
from mapper.services.filtered import FilterQuestion, filtered
from mapper.services.people_copy import NotReady
from mapper.services.reference import Reference
from mapper.services.register_entries import CensusPerson, Compared, Difference, Entry, Kind
from mapper.store import national_register as kept
from mapper.store.national_register import Decided, KeptRow

_PATIENCE_S, _LOOK_S = 600, 0.2
"""So long the copy of the register is waited for, and how often it is looked for; others make it in the background."""

_PAIRS_BETWEEN = 5000
"""Pairs of a list looked at before the share of the work is told again, by which it can also be stopped."""

_EVERYBODY = User(0, "", Role.ADMINISTRATOR, (), 0)


def compare_people(
    theirs: Sequence[KeptRow],
    ours: Sequence[CensusPerson],
    decided: Sequence[Decided] = (),
    told: Callable[[float], None] | None = None,
) -> list[Entry]:
    """Every person of either side, once: the register's in its order, then the census's that nobody answers to.

    ours: also people of communes that the register does not tell of; they are left out unless somebody answers to them.
    """
    left = [_their(one) for one in theirs]
    right = [_our(one) for one in ours]
    said = {(each.theirs, each.ours): each for each in decided}
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(theirs):
        places[their_key(row)].append(place)
    here = {one.key: place for place, one in enumerate(ours)}
    same, different = _settled(decided, places, here)
    links = link(left, right, same, different, _part(told, 0.0, 0.8))
    scope = {row.unit_code for row in theirs if row.unit_code}
    doubles_there = _doubles(left, {each.one for each in links}, _part(told, 0.8, 0.9))
    doubles_here = _doubles(right, {each.other for each in links}, _part(told, 0.9, 1.0))
    links = [_sure(each, doubles_there, doubles_here) for each in links]
    of_theirs = {each.one: each for each in links}
    of_ours = {each.other: each for each in links}
    entries: list[Entry] = []
    for place, row in enumerate(theirs):
        found = of_theirs.get(place)
        if found is not None:
            one = ours[found.other]
            entries.append(_pair(row, one, found, said.get((their_key(row), one.key))))
        elif place in doubles_there:
            entries.append(Entry(Kind.TWICE_THERE, row, None, double=str(theirs[doubles_there[place]].row)))
        else:
            entries.append(Entry(Kind.MISSING_HERE, row, None))
    for place, one in enumerate(ours):
        if place not in of_ours and one.unit in scope:
            first = doubles_here.get(place)
            kind = Kind.MISSING_THERE if first is None else Kind.TWICE_HERE
            entries.append(Entry(kind, None, one, double="" if first is None else ours[first].key))
    return entries


def _settled(
    decided: Sequence[Decided], places: Mapping[str, Sequence[int]], here: Mapping[str, int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs said to be one person, and said not to be, by their places; of each entry one pair, the last said."""
    same: dict[int, int] = {}
    different = []
    for each in decided:
        if each.ours not in here:
            continue
        for place in places.get(each.theirs, ()):
            if each.same:
                same = {one: other for one, other in same.items() if other != here[each.ours]}
                same[place] = here[each.ours]
                break
            different.append((place, here[each.ours]))
    return list(same.items()), different


def _part(told: Callable[[float], None] | None, begin: float, end: float) -> Callable[[float], None]:
    """Tells the share of a part of the work as a share of the whole."""
    return lambda share: None if told is None else told(begin + share * (end - begin))


def _doubles(people: Sequence[LinkPerson], linked: set[int], told: Callable[[float], None]) -> dict[int, int]:
    """Entries without a partner that tell of the same person as another entry of their list, to that entry."""
    rarity = Rarity(people)
    found: dict[int, tuple[float, int]] = {}
    for number, (one, other) in enumerate(candidates(people)):
        if not number % _PAIRS_BETWEEN:
            told(one / len(people))
        if one in linked and other in linked:
            continue
        comparison = compare(people[one], people[other], rarity)
        odds = log_odds(comparison, len(people))
        if judge(comparison, odds) is not Class.MATCH or _other_identity(people[one], people[other]):
            continue
        # Of a father and a son of one name and phone none is entered twice.
        if comparison.level("born") == "different":
            continue
        later, first = (one, other) if other in linked or (one not in linked and one > other) else (other, one)
        if later not in linked and odds > found.get(later, (0.0, 0))[0]:
            found[later] = (odds, first)
    # Of two without a partner that double each other one stays a person.
    return {place: first for place, (_, first) in found.items() if first not in found or first < place}


def _sure(found: Link, doubles_there: Mapping[int, int], doubles_here: Mapping[int, int]) -> Link:
    """A pair that only an entry made twice put in doubt is a match: the second entry is told as such."""
    doubled = found.one in doubles_there.values() or found.other in doubles_here.values()
    if doubled and found.judged is Class.POSSIBLE:
        return replace(found, judged=judge(found.comparison, found.odds))
    return found


def _other_identity(one: LinkPerson, other: LinkPerson) -> bool:
    return bool(one.national_id and other.national_id and one.national_id != other.national_id)


def _pair(row: KeptRow, one: CensusPerson, found: Link, said: Decided | None) -> Entry:
    differences = tuple(_differences(row, one, found))
    kind = Kind.DIFFERENT if differences else Kind.SAME
    if found.judged is Class.POSSIBLE:
        kind = Kind.POSSIBLE
    return Entry(kind, row, one, found.odds, found.comparison.evidence, differences, decided=said)


def _differences(row: KeptRow, one: CensusPerson, found: Link) -> list[Difference]:
    told: list[Difference] = []
    if found.comparison.level("name") not in ("same", "without_accents", "other_order"):
        told.append(Difference("name", row.name, one.name))
    if found.comparison.level("born") not in ("same", "", "year"):
        told.append(Difference("born", row.born_on, one.born_on))
    if found.comparison.level("sex") == "different":
        told.append(Difference("sex", row.sex, one.sex))
    if (row.unit_code or "") != one.unit:
        told.append(Difference("commune", row.unit_code, one.unit or None))
    theirs, ours = ({dose.code: dose for dose in doses} for doses in (row.doses, one.doses))
    for code in dict.fromkeys((*theirs, *ours)):
        there, here = theirs.get(code), ours.get(code)
        if there is None or here is None:
            given = (there or here or Dose(code)).given_on
            mine = given or "?"
            told.append(Difference(f"dose:{code}", mine if there else None, mine if here else None))
            continue
        if there.given_on and here.given_on and there.given_on != here.given_on:
            told.append(Difference(f"given:{code}", there.given_on, here.given_on))
        if there.vaccine and here.vaccine and there.vaccine != here.vaccine:
            told.append(Difference(f"vaccine:{code}", there.vaccine, here.vaccine))
    return told


def their_key(row: KeptRow) -> str:
    """What a decision remembers an entry by: its number in the register, else a digest of who it is."""
    if row.code:
        return row.code
    facts = (fold(row.name), str(row.born_on), row.phone, row.unit_code or row.commune)
    return f"sha256:{sha256('|'.join(facts).encode()).hexdigest()}"


def work(reference: Reference, number: int, told: Callable[[float], None]) -> Compared:
    """Compare an extract with the census as it is now; whatever ``told`` raises ends it. Raises NotFound."""
    with reference.database.read() as connection:
        extract = kept.extract(connection, number)
        if extract is None or extract.people is None:
            raise NotFound(mark("There is no such file of the national register here. Look at the list again."))
        rows = kept.rows(connection, number)
        decided = kept.decisions(connection, extract.campaign_id)
    ours = census_when_ready(reference, extract.campaign_id, extract.set_id, told)
    entries = compare_people(rows, ours, decided, told)
    scope = frozenset(row.unit_code for row in rows if row.unit_code)
    return Compared(number, tuple(entries), scope, datetime.now(UTC))


def census_when_ready(
    reference: Reference, campaign_id: str, set_id: str, told: Callable[[float], None] = lambda _: None
) -> list[CensusPerson]:
    """The same as ``census`` once the copy of the register is made. Raises people_copy.NotReady where it takes long."""
    for _ in range(round(_PATIENCE_S / _LOOK_S)):
        try:
            return census(reference, campaign_id, set_id)
        except NotReady:
            told(0.0)
            sleep(_LOOK_S)
    return census(reference, campaign_id, set_id)


def census(reference: Reference, campaign_id: str, set_id: str) -> list[CensusPerson]:
    """Everybody the census knows, with the commune in a set. Raises people_copy.NotReady."""
    found: list[CensusPerson] = []
    question = FilterQuestion(campaign_id, set_id, datetime.now(UTC).date(), PeopleFilter())
    with filtered(reference, _EVERYBODY, question) as people:
        for some in people.people():
            for one in some:
                at = people.place(one.cell)
                precision = one.birth_precision or "day"
                found.append(
                    CensusPerson(
                        f"{one.household_id}/{one.id}",
                        one.household_id,
                        one.instance_id,
                        one.name or "",
                        one.born_on,
                        precision if precision in ("day", "month") else "year",
                        one.sex or "",
                        one.phone or "",
                        at.unit_code,
                        at.hamlet,
                        one.doses,
                    )
                )
    return found


def _their(row: KeptRow) -> LinkPerson:
    return LinkPerson(
        str(row.row),
        row.name,
        row.born_on,
        row.birth_precision or "day",
        row.sex,
        row.phone,
        row.unit_code or "",
        fold(row.hamlet),
        row.national_id,
    )


def _our(one: CensusPerson) -> LinkPerson:
    return LinkPerson(one.key, one.name, one.born_on, one.precision, one.sex, one.phone, one.unit, fold(one.hamlet))
