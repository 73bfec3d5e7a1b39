"""What comparing the national register with the census comes to: people of either side, balances of totals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from mapper.domain.people import Dose
from mapper.domain.places import order_key
from mapper.errors import mark
from mapper.linkage.comparing import Agreement
from mapper.store.national_register import Decided, KeptRow

PEOPLE = "people"
"""What is counted: people, or those with a dose of the campaign, by its code."""


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


URGENCY = (
    Kind.POSSIBLE,
    Kind.MISSING_HERE,
    Kind.MISSING_THERE,
    Kind.DIFFERENT,
    Kind.TWICE_THERE,
    Kind.TWICE_HERE,
    Kind.SAME,
)
"""The order in which people are told: first who waits for somebody, last where there is nothing to do."""


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


def balances(entries: Sequence[Entry], measure: str, unit_of: Callable[[str], str] = str) -> list[Balance]:
    """For every unit that any entry is in, why its totals differ; see Balance. unit_of: the unit that holds a commune.

    Whoever is in two communes of one unit is elsewhere for the communes, and not for the unit.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        there, here = entry.counts(measure)
        their, our = unit_of(entry.their_unit), unit_of(entry.our_unit)
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


def in_order(found: Sequence[Balance], names: Mapping[str, str]) -> list[Balance]:
    """Balances by the name of their commune, those in none last."""
    return sorted(found, key=lambda one: (not one.unit, order_key(names.get(one.unit, one.unit)), one.unit))


def _counts(one: KeptRow | CensusPerson | None, measure: str) -> int:
    if one is None:
        return 0
    return 1 if measure == PEOPLE else int(any(dose.code == measure for dose in one.doses))
