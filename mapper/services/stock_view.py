"""What the stock page shows: balances by store and lot, what to look at first, what was promised, used and wasted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from mapper.domain.campaign import Campaign, Label
from mapper.domain.places import order_key
from mapper.domain.planning import Formulation
from mapper.domain.stock import (
    Book,
    Kind,
    StockEntry,
    Store,
    Use,
    first_to_use,
    leaving,
    run_down,
    steady,
    use_of,
)
from mapper.errors import mark
from mapper.services import demand
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.reference import PlaceSet, Reference
from mapper.services.stock_shelves import promised
from mapper.services.stores import NamedStore, Stores
from mapper.store import stock as kept

LATELY = 28
"""Days from which the use of a day is reckoned."""

SOON = 30
"""Days before its expiry from which on a lot is pointed out."""

AHEAD = 90
"""Days of which it is foreseen what expires unused; later, use may well have changed."""

LEDGER_LINES = 30
"""Entries shown at once, the newest."""


EXPIRED = mark(
    "{store}: lot {lot} of {formulation} expired on {expiry}, and {doses} doses are still there. Put them aside and "
    "enter them as thrown away."
)
WILL_EXPIRE = mark(
    "{store}: of {doses} doses of lot {lot} ({formulation}) about {unused} will not be used before they expire on "
    "{expiry}, as use goes now. Move them to where they are needed."
)
EXPIRES_SOON = mark("{store}: lot {lot} of {formulation} expires on {expiry}; {doses} doses. Use it first.")
USED_LATE = mark(
    "{store}: {doses} doses of lot {lot} were used on {day}, after it had expired on {expiry} (entry {number}). Find "
    "out whether the day or the lot is wrong, or people have to be told."
)


class Grade(IntEnum):
    """How much a warning weighs, the worst first."""

    TROUBLE = 0
    CARE = 1
    NOTE = 2


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to look at: a sentence for translation with its facts; days among them are days."""

    grade: Grade
    message: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StockLine:
    """A lot in a store. first: to be used before the others there. unused: doses that expire, as use goes now."""

    where: NamedStore
    formulation: str
    lot: str
    expiry: date | None
    doses: int
    vial_doses: int
    first: bool
    expired: bool
    soon: bool
    unused: int

    @property
    def key(self) -> str:
        """How a form names the line."""
        return f"{self.where.key}|{self.formulation}|{self.lot}"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a store was allocated, and how much of it has come; doses."""

    where: NamedStore
    formulation: str
    allocated: int
    received: int

    @property
    def missing(self) -> int:
        """Still to come."""
        return max(0, self.allocated - self.received)


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """An entry as the page lists it. may_undo: by this user, as far as is known before trying."""

    entry: StockEntry
    where: str
    to: str
    user: str | None
    at: str
    undone: bool
    may_undo: bool


@dataclass(frozen=True, slots=True)
class StockOverview:
    """The stock of an area on a day. use: by code of the formulation. stores: those that the user may fill.

    entries: the newest; all_entries: how many there are.
    """

    campaign: Campaign
    places: PlaceSet
    formulations: tuple[Formulation, ...]
    labels: Mapping[str, Label]
    lines: tuple[StockLine, ...]
    promises: tuple[Promise, ...]
    use: Mapping[str, Use]
    warnings: tuple[Warned, ...]
    entries: tuple[LedgerLine, ...]
    all_entries: int
    stores: tuple[NamedStore, ...]

    @property
    def own_lines(self) -> list[StockLine]:
        """The lots that the user may enter what became of."""
        return [one for one in self.lines if one.where.own]


def overview(
    reference: Reference,
    user: User,
    campaign_id: str,
    set_id: str,
    day: date,
    area: Area | None = None,
    limit: int | None = LEDGER_LINES,
) -> StockOverview:
    """The stores of an area that a user may see. limit: of the ledger's lines, None for all. Raises NotFound."""
    with reference.database.read() as connection:
        stores = Stores(reference, connection, user, set_id, day)
        campaign = stores.known.campaign(campaign_id)
        formulations = demand.rules_of(connection, campaign).formulations
        every = kept.entries(connection, campaign.id)
        here = {store for one in every for store in _stores_of(one) if _is_here(stores, store, area)}
        history = kept.history(reference.database, connection, campaign.id, sorted(here), limit)
        number = kept.how_many(reference.database, connection, campaign.id, sorted(here))
        names = {store: stores.named(store) for store in here}
        others = {store: stores.name(store) for one in history for store in _stores_of(one.entry)}
        fillable = [one for one in stores.choices(area) if one.own]
    book, until_day = Book(every), [one for one in every if one.day <= day]
    own = [one for one in until_day if one.store in here]
    labels = {one.code: one.label for one in formulations}
    lines = _lines(book, own, names, day)
    use = {
        code: use_of([one for one in own if one.formulation == code], day, LATELY)
        for code in _in_order({one.formulation for one in own}, formulations)
    }
    order = {one.code: place for place, one in enumerate(formulations)}
    return StockOverview(
        campaign,
        stores.places,
        formulations,
        labels | {code: Label(code) for code in use if code not in labels},
        tuple(sorted(lines, key=lambda one: _place(one.where, order.get(one.formulation, 99), one.expiry, one.lot))),
        tuple(_promises(own, names, order)),
        use,
        tuple(sorted(_warnings(book, own, lines, names, day), key=lambda one: one.grade)),
        tuple(
            LedgerLine(
                one.entry,
                others[one.entry.store],
                others[one.entry.other] if one.entry.other else "",
                one.user_name,
                one.at,
                one.entry.seq in book.undone,
                one.entry.undoes is None
                and one.entry.seq not in book.undone
                and all(store in names and names[store].own for store in _stores_of(one.entry)),
            )
            for one in history
        ),
        number,
        tuple(fillable),
    )


def _stores_of(entry: StockEntry) -> list[Store]:
    return [entry.store, *([entry.other] if entry.other else [])]


def _is_here(stores: Stores, store: Store, area: Area | None) -> bool:
    return stores.may_see(store) and stores.within(store, area)


def _in_order(codes: set[str], formulations: Sequence[Formulation]) -> list[str]:
    known = [one.code for one in formulations if one.code in codes]
    return [*known, *sorted(codes - set(known))]


def _place(where: NamedStore, formulation: int, expiry: date | None, lot: str) -> tuple[object, ...]:
    return order_key(where.around), order_key(where.name), formulation, expiry or date.max, lot


def _lines(book: Book, own: Sequence[StockEntry], names: Mapping[Store, NamedStore], day: date) -> list[StockLine]:
    shelves: defaultdict[tuple[Store, str], dict[str, tuple[int, date | None]]] = defaultdict(dict)
    for held, doses in book.at_hand(day).items():
        if held.store in names:
            expiry = book.expiry(held.formulation, held.lot)
            shelves[held.store, held.formulation][held.lot] = doses, expiry
    sizes = {one.formulation: one.vial_doses for one in own}
    of_shelf: defaultdict[tuple[Store, str], list[StockEntry]] = defaultdict(list)
    for one in own:
        of_shelf[one.store, one.formulation].append(one)
    until = day + min(timedelta(days=AHEAD), date.max - day)
    lines = []
    for (store, formulation), lots in shelves.items():
        order = first_to_use({lot: expiry for lot, (_, expiry) in lots.items()}, day)
        a_day = leaving(of_shelf[store, formulation], store, day, LATELY)
        unused = run_down(lots, steady(a_day, day, until), day, until).unused
        for lot, (doses, expiry) in lots.items():
            expired = expiry is not None and expiry < day
            soon = expiry is not None and not expired and (expiry - day).days <= SOON
            first = len(order) > 1 and lot == order[0]
            left = 0 if expired else round(unused.get(lot, 0))
            size = sizes.get(formulation, 1)
            lines.append(StockLine(names[store], formulation, lot, expiry, doses, size, first, expired, soon, left))
    return lines


def _promises(own: Sequence[StockEntry], names: Mapping[Store, NamedStore], order: Mapping[str, int]) -> list[Promise]:
    allocated: defaultdict[tuple[Store, str], int] = defaultdict(int)
    for one in own:
        if one.kind is Kind.ALLOCATED:
            allocated[one.store, one.formulation] += one.counts
    left = promised(own)
    found = [
        Promise(names[store], code, doses, doses - left[store, code])
        for (store, code), doses in allocated.items()
        if doses
    ]
    return sorted(found, key=lambda one: _place(one.where, order.get(one.formulation, 99), None, ""))


def _warnings(
    book: Book, own: Sequence[StockEntry], lines: Sequence[StockLine], names: Mapping[Store, NamedStore], day: date
) -> list[Warned]:
    found = []
    for one in lines:
        facts = {"store": one.where.name, "lot": one.lot, "formulation": one.formulation, "doses": one.doses}
        if one.expired:
            found.append(Warned(Grade.TROUBLE, EXPIRED, {**facts, "expiry": one.expiry}))
        elif one.unused:
            found.append(Warned(Grade.CARE, WILL_EXPIRE, {**facts, "unused": one.unused, "expiry": one.expiry}))
        elif one.soon:
            found.append(Warned(Grade.NOTE, EXPIRES_SOON, {**facts, "expiry": one.expiry}))
    for entry in own:
        expiry = book.expiry(entry.formulation, entry.lot)
        used = entry.kind is Kind.USED and entry.undoes is None and entry.seq not in book.undone
        if used and expiry is not None and expiry < entry.day:
            facts = {"store": names[entry.store].name, "lot": entry.lot, "doses": entry.doses}
            more = {"number": entry.seq, "day": entry.day, "expiry": expiry}
            found.append(Warned(Grade.TROUBLE, USED_LATE, facts | more))
    return found
