"""What the stores of an area hold on a day and were promised, by the rows of a table of its units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.stock import Book, Kind, StockEntry, Store
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.reference import Reference
from mapper.services.stores import Stores
from mapper.store import stock as kept
from mapper.store.database import Connection


@dataclass(slots=True)
class Shelf:
    """What some stores hold. stock: by formulation and lot, doses and last day of use. promised: doses."""

    stock: dict[str, dict[str, tuple[int, date | None]]] = field(default_factory=dict)
    promised: Counter[str] = field(default_factory=Counter)

    def put(self, formulation: str, lot: str, doses: int, expiry: date | None) -> None:
        """Add doses of a lot."""
        lots = self.stock.setdefault(formulation, {})
        before = lots.get(lot, (0, expiry))[0]
        lots[lot] = before + doses, expiry


class Shelves:
    """The shelves of each row, of all together, and of stores of units larger than the rows'.

    Stores of another boundary set count where their ground went. elsewhere: doses in those of which nobody can say
    where, since their unit was divided; no row counts them.
    """

    def __init__(
        self,
        reference: Reference,
        connection: Connection,
        user: User,
        campaign: Campaign,
        day: date,
        ground: tuple[str, Area | None, str],
    ) -> None:
        """ground: the boundary set, the area, and the level of the rows."""
        set_id, area, level = ground
        entries = [one for one in kept.entries(connection, campaign.id) if one.day <= day]
        stores = Stores(reference, connection, user, set_id, day)
        book = Book(entries)
        self.everything, self.larger = Shelf(), Shelf()
        self.elsewhere = 0
        self._rows: dict[str, Shelf] = {}
        for held, doses in book.at_hand(day).items():
            if not stores.may_see(held.store):
                continue
            line = stores.line(held.store)
            if not line:
                self.elsewhere += doses
            elif stores.within(held.store, area):
                expiry = book.expiry(held.formulation, held.lot)
                for shelf in (self.everything, self._shelf(line, level)):
                    shelf.put(held.formulation, held.lot, doses, expiry)
        for (store, formulation), doses in promised(entries).items():
            if doses > 0 and stores.may_see(store) and stores.line(store) and stores.within(store, area):
                for shelf in (self.everything, self._shelf(stores.line(store), level)):
                    shelf.promised[formulation] += doses

    @property
    def codes(self) -> list[str]:
        """Codes of the rows that have anything."""
        return list(self._rows)

    def of(self, code: str | None) -> Shelf:
        """What the stores of a row hold."""
        return self._rows.get(code or "", Shelf())

    def _shelf(self, line: Sequence[tuple[str, str]], level: str) -> Shelf:
        code = next((code for at, code in line if at == level), None)
        return self.larger if code is None else self._rows.setdefault(code, Shelf())


def promised(entries: Sequence[StockEntry]) -> Counter[tuple[Store, str]]:
    """Doses allocated and not received yet, by store and formulation; more may have come than was promised."""
    found: Counter[tuple[Store, str]] = Counter()
    for one in entries:
        if one.kind is Kind.ALLOCATED:
            found[one.store, one.formulation] += one.counts
        elif one.kind is Kind.RECEIVED:
            found[one.store, one.formulation] -= one.counts
    return found
