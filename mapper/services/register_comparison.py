"""The national register against the census, person by person, and the difference of their totals explained to zero."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from time import sleep

from mapper.domain.people import Dose
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.places import fold, order_key
from mapper.domain.roles import Role
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.linkage.comparing import Agreement, compare
from mapper.linkage.pairing import Class, Link, candidates, judge, link, log_odds
from mapper.linkage.rarity import LinkPerson, Rarity
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.filtered import FilterQuestion, filtered
from mapper.services.listed import leaves_in_areas
from mapper.services.national_register import may_import
from mapper.services.people_copy import NotReady
from mapper.services.reference import Reference
from mapper.services.reporting import default_set
from mapper.store import national_register as kept
from mapper.store.national_register import Decided, KeptRow

PEOPLE = "people"
"""What is counted: people, or those with a dose of the campaign, by its code."""

_PATIENCE = 600
"""Seconds that the copy of the register is waited for; the work is done in the background."""

_EVERYBODY = User(0, "", Role.ADMINISTRATOR, (), 0)


class Kind(StrEnum):
    """What became of a person of either side."""

    SAME = "same"
    DIFFERENT = "different"
    POSSIBLE = "possible"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    TWICE_THERE = "twice_there"
    TWICE_HERE = "twice_here"


KINDS: Mapping[Kind, str] = {
    Kind.SAME: mark("the same in both"),
    Kind.DIFFERENT: mark("in both, but different"),
    Kind.POSSIBLE: mark("perhaps one person: to be decided"),
    Kind.MISSING_HERE: mark("in the register, missing in the census"),
    Kind.MISSING_THERE: mark("in the census, missing in the register"),
    Kind.TWICE_THERE: mark("entered twice in the register"),
    Kind.TWICE_HERE: mark("entered twice in the census"),
}


@dataclass(frozen=True, slots=True)
class CensusPerson:
    """A person of the census. key: household and person; unit: commune in the set compared, "" where in none."""

    key: str
    household_id: str
    instance_id: str
    name: str
    born_on: date | None
    precision: str
    sex: str
    phone: str
    unit: str
    hamlet: str
    doses: tuple[Dose, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between the two. field: name, born, sex, commune, or "given:CODE", "vaccine:CODE", "dose:CODE".

    theirs, ours: as told; None where a side does not tell it, of a dose: does not have it.
    """

    field: str
    theirs: str | date | None
    ours: str | date | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of either side, or of both. odds: log odds (base 2) of a pair. double: row or key entered before.

    decided: what somebody said of the pair, None where nobody did.
    """

    kind: Kind
    theirs: KeptRow | None
    ours: CensusPerson | None
    odds: float = 0.0
    evidence: tuple[Agreement, ...] = ()
    differences: tuple[Difference, ...] = ()
    double: str = ""
    decided: Decided | None = None

    @property
    def their_unit(self) -> str:
        """The commune that the register has them in, "" where it is in none."""
        return (self.theirs.unit_code or "") if self.theirs else ""

    @property
    def our_unit(self) -> str:
        """The same of the census."""
        return self.ours.unit if self.ours else ""

    @property
    def elsewhere(self) -> bool:
        """Whether both have them, in different communes."""
        return self.theirs is not None and self.ours is not None and self.their_unit != self.our_unit

    def counts(self, measure: str) -> tuple[int, int]:
        """How many they are in the register and in the census."""
        return _counts(self.theirs, measure), _counts(self.ours, measure)


@dataclass(frozen=True, slots=True)
class Balance:
    """Why two totals differ: ``ours`` and all steps come to ``theirs``; ``rest`` is what stays unexplained, 0.

    elsewhere_there: in both, here in the register and elsewhere in the census; elsewhere_here: the other way round.
    """

    unit: str
    theirs: int
    ours: int
    missing_here: int
    twice_there: int
    elsewhere_there: int
    missing_there: int
    twice_here: int
    elsewhere_here: int
    different: int

    @property
    def rest(self) -> int:
        """What no person explains."""
        more = self.missing_here + self.twice_there + self.elsewhere_there
        less = self.missing_there + self.twice_here + self.elsewhere_here
        return self.theirs - (self.ours + more - less + self.different)


@dataclass(frozen=True, slots=True)
class Compared:
    """All entries of an extract and of the census where it speaks of it; scope: communes the extract tells of."""

    extract_id: int
    entries: tuple[Entry, ...]
    scope: frozenset[str]
    made_at: datetime

    def kinds(self, entries: Sequence[Entry]) -> Counter[Kind]:
        """How many of each kind."""
        return Counter(entry.kind for entry in entries)


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
    links = link(left, right, same, different, told)
    scope = {row.unit_code for row in theirs if row.unit_code}
    doubles_there = _doubles(left, {each.one for each in links})
    doubles_here = _doubles(right, {each.other for each in links})
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


def _doubles(people: Sequence[LinkPerson], linked: set[int]) -> dict[int, int]:
    """Entries without a partner that tell of the same person as another entry of their list, to that entry."""
    rarity = Rarity(people)
    found: dict[int, tuple[float, int]] = {}
    for one, other in candidates(people):
        if one in linked and other in linked:
            continue
        comparison = compare(people[one], people[other], rarity)
        odds = log_odds(comparison, len(people))
        if judge(comparison, odds) is not Class.MATCH or _other_identity(people[one], people[other]):
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


def balances(entries: Sequence[Entry], measure: str) -> list[Balance]:
    """For every commune that any entry is in, why its totals differ; see Balance."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        there, here = entry.counts(measure)
        their, our = entry.their_unit, entry.our_unit
        if entry.theirs is not None:
            found[their]["theirs"] += there
        if entry.ours is not None:
            found[our]["ours"] += here
        if entry.theirs is not None and entry.ours is not None:
            if their == our:
                found[their]["different"] += there - here
            else:
                found[their]["elsewhere_there"] += there
                found[our]["elsewhere_here"] += here
        else:
            found[their if entry.theirs is not None else our][entry.kind.value] += there + here
    names = [name for name in Balance.__dataclass_fields__ if name != "unit"]
    return [Balance(unit, *(counts[name] for name in names)) for unit, counts in found.items()]


def total(parts: Sequence[Balance]) -> Balance:
    """The balance of several communes together."""
    names = [name for name in Balance.__dataclass_fields__ if name != "unit"]
    return Balance("", *(sum(getattr(one, name) for one in parts) for name in names))


def their_key(row: KeptRow) -> str:
    """What a decision remembers an entry by: its number in the register, else a digest of who it is."""
    if row.code:
        return row.code
    facts = (fold(row.name), str(row.born_on), row.phone, row.unit_code or row.commune)
    return f"sha256:{sha256('|'.join(facts).encode()).hexdigest()}"


def work(reference: Reference, number: int, told: Callable[[float], None]) -> Compared:
    """Compare an extract with the census as it is now. Raises NotFound."""
    with reference.database.read() as connection:
        extract = kept.extract(connection, number)
        if extract is None or extract.people is None:
            raise NotFound(mark("There is no such file of the national register here. Look at the list again."))
        rows = kept.rows(connection, number)
        decided = kept.decisions(connection, extract.campaign_id)
    ours = _census_when_ready(reference, extract.campaign_id, extract.set_id)
    entries = compare_people(rows, ours, decided, told)
    scope = frozenset(row.unit_code for row in rows if row.unit_code)
    return Compared(number, tuple(entries), scope, datetime.now(UTC))


def _census_when_ready(reference: Reference, campaign_id: str, set_id: str) -> list[CensusPerson]:
    for _ in range(_PATIENCE):
        try:
            return census(reference, campaign_id, set_id)
        except NotReady:
            sleep(1)
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


def own_units(reference: Reference, user: User, set_id: str) -> set[str] | None:
    """Communes of a set whose people a user may see, None for all."""
    if not user.areas:
        return None
    with reference.database.read() as connection:
        known = reference.known(connection)
        return leaves_in_areas(known, default_set(known, set_id), user)


def visible(compared: Compared, own: set[str] | None) -> list[Entry]:
    """The entries of which either side lies in some communes; of a side that does not, nothing but the commune."""
    if own is None:
        return list(compared.entries)
    found = []
    for entry in compared.entries:
        there, here = entry.their_unit in own, entry.our_unit in own
        if (there and (here or entry.ours is None)) or (here and entry.theirs is None):
            found.append(entry)
        elif there and entry.ours is not None:
            hidden = CensusPerson("", "", "", "", None, "", "", "", entry.our_unit, "", ())
            found.append(Entry(Kind.DIFFERENT, entry.theirs, hidden, differences=_moved(entry)))
        elif here and entry.theirs is not None:
            row = KeptRow(0, "", "", None, "", "", "", "", "", "", "", entry.theirs.unit_code, ())
            found.append(Entry(Kind.DIFFERENT, row, entry.ours, differences=_moved(entry)))
    return found


def _moved(entry: Entry) -> tuple[Difference, ...]:
    return tuple(one for one in entry.differences if one.field == "commune")


def decide(
    reference: Reference, user: User, compared: Compared, set_id: str, row: int, key: str, same: bool | None
) -> None:
    """Say whether a pair is one person, or with None take back what was said; kept, and in the audit trail."""
    if not may_import(user):
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    entries = visible(compared, own_units(reference, user, set_id))
    theirs = next((each.theirs for each in entries if each.theirs is not None and each.theirs.row == row), None)
    ours = next((each.ours for each in entries if each.ours is not None and each.ours.key == key), None)
    if theirs is None or ours is None or not row or not key:
        raise InvalidInput(mark("This pair is not among those that you may see. Load the page again."))
    with reference.database.write() as connection:
        extract = kept.extract(connection, compared.extract_id)
        if extract is None:
            raise NotFound(mark("There is no such file of the national register here. Look at the list again."))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept.decide(connection, extract.campaign_id, their_key(theirs), ours.key, same, user.id, at)
        facts = {
            "number": row,
            "household": ours.household_id,
            "choice": "taken_back" if same is None else "one" if same else "two",
        }
        audit.record(reference, connection, user.id, user.name, "register.decided", str(extract.id), facts)


def in_order(found: Sequence[Balance], names: Mapping[str, str]) -> list[Balance]:
    """Balances by the name of their commune, those in none last."""
    return sorted(found, key=lambda one: (not one.unit, order_key(names.get(one.unit, one.unit)), one.unit))


def version(reference: Reference, campaign_id: str) -> int:
    """Number of the last decision of a campaign, 0 where there is none."""
    with reference.database.read() as connection:
        return max((each.seq for each in kept.decisions(connection, campaign_id)), default=0)


def _counts(one: KeptRow | CensusPerson | None, measure: str) -> int:
    if one is None:
        return 0
    return 1 if measure == PEOPLE else int(any(dose.code == measure for dose in one.doses))


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
