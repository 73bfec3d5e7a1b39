"""Stock of vaccine by store and lot: entries add up to what is there, and what is there lasts until some day.

Entries are only ever added. A wrong one is undone by another of the same kind that names it and counts the other way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

SITE = "site"
"""Stands for the level of a store that is a site."""

TINY = 1e-9
"""Doses below this are rounding."""


class Kind(StrEnum):
    """ALLOCATED is promised and not there yet; the others change what is there."""

    ALLOCATED = "allocated"
    RECEIVED = "received"
    USED = "used"
    WASTED = "wasted"
    MOVED = "moved"
    COUNTED = "counted"


class WasteReason(StrEnum):
    """Why doses were thrown away; only OPEN_VIAL is of vials from which somebody may have been vaccinated."""

    OPEN_VIAL = "open_vial"
    BROKEN = "broken"
    COLD_CHAIN = "cold_chain"
    EXPIRED = "expired"
    OTHER = "other"


class Store(NamedTuple):
    """Where vaccine is kept: a unit of a level of a boundary set; or a site, of level SITE and no set."""

    level: str
    code: str
    set_id: str = ""

    def __str__(self) -> str:
        return f"{self.set_id}/{self.level}:{self.code}" if self.set_id else f"{self.level}:{self.code}"

    @classmethod
    def of(cls, text: str) -> Store:
        """What ``str`` wrote. Raises ValueError for anything else."""
        if text.startswith(f"{SITE}:"):
            return cls(SITE, text.removeprefix(f"{SITE}:"))
        set_id, slash, rest = text.partition("/")
        level, colon, code = rest.partition(":")
        if not (set_id and slash and level and colon and code):
            raise ValueError(text)
        return cls(level, code, set_id)


class Held(NamedTuple):
    """A lot of a formulation in a store."""

    store: Store
    formulation: str
    lot: str


@dataclass(frozen=True, slots=True)
class StockEntry:
    """One row of the ledger.

    lot: "" only of what is allocated. vial_doses: in a vial of it when it was entered. other: to which a move goes.
    difference: of a count, what was counted less what was there by the ledger. undoes: number of the entry that this
    one takes back. document: the decision, delivery note or session sheet that says so.
    """

    day: date
    kind: Kind
    store: Store
    formulation: str
    lot: str
    doses: int
    vial_doses: int = 1
    expiry: date | None = None
    other: Store | None = None
    reason: WasteReason | None = None
    difference: int = 0
    undoes: int | None = None
    document: str = ""
    seq: int = 0

    @property
    def held(self) -> Held:
        """The lot that it is about, where it came from."""
        return Held(self.store, self.formulation, self.lot)

    @property
    def counts(self) -> int:
        """Its doses: as they are, or taken away where it undoes another."""
        return -self.doses if self.undoes is not None else self.doses

    def changes(self) -> list[tuple[Held, int]]:
        """By how many doses it changes what is there; nothing comes or goes with a move."""
        match self.kind:
            case Kind.RECEIVED:
                return [(self.held, self.counts)]
            case Kind.USED | Kind.WASTED:
                return [(self.held, -self.counts)]
            case Kind.MOVED:
                assert self.other is not None
                return [(self.held, -self.counts), (self.held._replace(store=self.other), self.counts)]
            case Kind.COUNTED:
                return [(self.held, -self.difference if self.undoes is not None else self.difference)]
            case Kind.ALLOCATED:
                return []

    @property
    def says(self) -> tuple[object, ...]:
        """What it says, without its number: two that say the same were probably entered twice."""
        where = self.store, self.formulation, self.lot, self.other
        return self.day, self.kind, *where, self.doses, self.reason, self.document, self.undoes


class Book:
    """Entries added up as they come. undone: numbers of those that were taken back."""

    def __init__(self, entries: Iterable[StockEntry] = ()) -> None:
        self.entries: list[StockEntry] = []
        self.undone: set[int] = set()
        self._said: dict[tuple[object, ...], int] = {}
        self._days: defaultdict[Held, defaultdict[date, int]] = defaultdict(lambda: defaultdict(int))
        self._expiries: defaultdict[tuple[str, str], dict[int, date]] = defaultdict(dict)
        self._counts: defaultdict[Held, dict[int, date]] = defaultdict(dict)
        for one in entries:
            self.add(one)

    def add(self, entry: StockEntry) -> None:
        """Add an entry, whatever it leads to."""
        self.entries.append(entry)
        self._said[entry.says] = entry.seq
        for held, change in entry.changes():
            self._days[held][entry.day] += change
        expiries = self._expiries[entry.formulation, entry.lot]
        if entry.undoes is not None:
            self.undone.add(entry.undoes)
            self._counts[entry.held].pop(entry.undoes, None)
            expiries.pop(entry.undoes, None)
            return
        if entry.kind is Kind.COUNTED:
            self._counts[entry.held][entry.seq] = entry.day
        if entry.expiry is not None and entry.lot:
            expiries[entry.seq] = entry.expiry

    def expiry(self, formulation: str, lot: str) -> date | None:
        """The last day on which a lot may be used, None where nobody said."""
        return next(iter(self._expiries.get((formulation, lot), {}).values()), None)

    def told_already(self, entry: StockEntry) -> int | None:
        """The number of an entry that says the same and stands."""
        seq = self._said.get(entry.says)
        return None if seq in self.undone else seq

    def balance(self, held: Held, day: date) -> int:
        """Doses that were there when a day ended."""
        return sum(change for on, change in self._days.get(held, {}).items() if on <= day)

    def lowest(self, held: Held, day: date) -> tuple[int, date]:
        """The fewest doses that were there when that day or a later one ended, and that day."""
        days: Mapping[date, int] = self._days.get(held, {})
        there, later = self.balance(held, day), sorted(on for on in days if on > day)
        sums = accumulate((days[on] for on in later), initial=there)
        return min(zip(sums, (day, *later), strict=True))

    def counted_on(self, held: Held, after: int = 0) -> date | None:
        """The latest day on which a lot was counted there, by entries of a number above ``after``."""
        return max((day for seq, day in self._counts.get(held, {}).items() if seq > after), default=None)

    def at_hand(self, day: date) -> dict[Held, int]:
        """Doses of every lot that a day ended with, those that are there."""
        found = {held: self.balance(held, day) for held in self._days}
        return {held: doses for held, doses in found.items() if doses}


@dataclass(frozen=True, slots=True)
class Use:
    """What became of doses in a time. a_day: used and thrown away with opened vials, a day.

    Rates are those of WHO, Monitoring vaccine wastage at country level, WHO/V&B/03.18.Rev.1 (2005): what is thrown away
    of opened vials as a share of the doses opened, and of unopened ones as a share of all that went out of stock.
    """

    received: int
    used: int
    wasted_open: int
    wasted_closed: int
    a_day: float = 0.0

    @property
    def use_rate(self) -> float | None:
        """Share of what was received that was given to people; None where nothing was received."""
        return self.used / self.received if self.received else None

    @property
    def open_waste(self) -> float | None:
        """Share of the doses opened that nobody got; None where none was opened."""
        opened = self.used + self.wasted_open
        return self.wasted_open / opened if opened else None

    @property
    def closed_waste(self) -> float | None:
        """Share of the doses gone that were in vials never opened; None where none is gone."""
        gone = self.used + self.wasted_open + self.wasted_closed
        return self.wasted_closed / gone if gone else None


def use_of(entries: Iterable[StockEntry], day: date, days: int) -> Use:
    """What became of the doses of some entries until a day, and how many a day in the last ``days`` up to it."""
    received = used = wasted_open = wasted_closed = lately = 0
    since = day - timedelta(days=days - 1)
    for one in entries:
        if one.day > day:
            continue
        opened = 0
        if one.kind is Kind.RECEIVED:
            received += one.counts
        elif one.kind is Kind.USED:
            used += one.counts
            opened = one.counts
        elif one.kind is Kind.WASTED and one.reason is WasteReason.OPEN_VIAL:
            wasted_open += one.counts
            opened = one.counts
        elif one.kind is Kind.WASTED:
            wasted_closed += one.counts
        lately += opened if one.day >= since else 0
    return Use(received, used, wasted_open, wasted_closed, lately / days)


def leaving(entries: Iterable[StockEntry], store: Store, day: date, days: int) -> float:
    """Doses a day that left a store in the last ``days`` up to a day: used, thrown away opened, or moved on."""
    since = day - timedelta(days=days - 1)
    gone = sum(
        one.counts
        for one in entries
        if one.store == store
        and since <= one.day <= day
        and (one.kind in (Kind.USED, Kind.MOVED) or (one.kind, one.reason) == (Kind.WASTED, WasteReason.OPEN_VIAL))
    )
    return max(0.0, gone / days)


def first_to_use(lots: Mapping[str, date | None], day: date) -> list[str]:
    """Lots in the order in which they are to be used: first expiry, first out; without those that have expired."""
    good = [lot for lot, expiry in lots.items() if expiry is None or expiry >= day]
    return sorted(good, key=lambda lot: (lots[lot] or date.max, lot))


@dataclass(frozen=True, slots=True)
class RunDown:
    """How lots are used up. short_on: first day on which they do not suffice; missing: doses, by the last day.

    unused: by lot the doses that expire before anybody needs them.
    """

    short_on: date | None
    missing: float
    unused: Mapping[str, float]


def run_down(
    lots: Mapping[str, tuple[int, date | None]], needs: Sequence[tuple[date, float]], day: date, until: date
) -> RunDown:
    """Use lots up, the first to expire first. lots: doses and last day of use. needs: doses by day, days ascending.

    day: from which on lots may be used; until: what expires later than this is not called unused, since what is needed
    then is not known.
    """
    left = {lot: float(doses) for lot, (doses, _) in lots.items()}
    order = first_to_use({lot: expiry for lot, (_, expiry) in lots.items()}, day)
    short_on, missing = None, 0.0
    for on, need in needs:
        for lot in order:
            expiry = lots[lot][1]
            if need > TINY and (expiry is None or expiry >= on):
                taken = min(left[lot], need)
                left[lot] -= taken
                need -= taken
        if need > TINY:
            short_on = short_on or on
            missing += need
    unused = {
        lot: doses
        for lot, doses in left.items()
        if doses > TINY and (expiry := lots[lot][1]) is not None and expiry <= until
    }
    return RunDown(short_on, missing, unused)


def steady(a_day: float, day: date, until: date) -> list[tuple[date, float]]:
    """The need of so many doses on each day of a time, both its ends among them."""
    return [(day + timedelta(days=more), a_day) for more in range((until - day).days + 1)]
