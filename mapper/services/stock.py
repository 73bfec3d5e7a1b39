"""Entering into the stock ledger: one by one or from a table, and undoing what was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from mapper.domain.places import fold
from mapper.domain.planning import Formulation
from mapper.domain.roles import OVERSEERS
from mapper.domain.stock import Book, Kind, StockEntry
from mapper.errors import Conflict, Forbidden, InvalidInput, MapperError, NotFound, mark
from mapper.formats.level_table import RowFault
from mapper.formats.stock_table import StockRow, read_stock_table
from mapper.services import audit, demand
from mapper.services.accounts import User
from mapper.services.reference import Reference
from mapper.services.stores import Stores
from mapper.store import stock as kept
from mapper.store.database import Connection

EARLIEST = date(2019, 12, 1)


@dataclass(frozen=True, slots=True)
class ImportedStock:
    """What became of several entries: those made, with their numbers, or why none was."""

    entries: tuple[StockEntry, ...]
    faults: tuple[RowFault, ...]

    @property
    def entered(self) -> int:
        """How many were made."""
        return len(self.entries)


def enter(reference: Reference, user: User, campaign_id: str, set_id: str, row: StockRow, today: date) -> StockEntry:
    """Add one entry. Raises InvalidInput, Conflict, Forbidden, NotFound, naming what is there and the cure."""
    with reference.database.write() as connection:
        desk = _Desk(reference, connection, user, campaign_id, set_id, today)
        entry = desk.keep(desk.entry(row))
        _record(reference, connection, user, "stock.entered", str(entry.seq), _facts(entry))
    return entry


def undo(reference: Reference, user: User, set_id: str, seq: int, document: str, today: date) -> StockEntry:
    """Take an entry back by one that counts the other way, of the same day. Raises as ``enter`` does."""
    with reference.database.write() as connection:
        kept.hold(reference.database, connection)
        found = kept.of_number(connection, seq)
        if found is None:
            raise NotFound(mark("The ledger has no entry {number}."), number=seq)
        campaign_id, wrong = found
        desk = _Desk(reference, connection, user, campaign_id, set_id, today)
        entry = desk.keep(desk.counter_entry(wrong, document))
        _record(reference, connection, user, "stock.undone", str(seq), _facts(wrong))
    return entry


def import_table(
    reference: Reference, user: User | None, campaign_id: str, set_id: str, name: str, data: bytes, today: date
) -> ImportedStock:
    """Add the entries of a CSV or workbook in their order: all of them, or none where a row is wrong.

    user: None at the command line. Raises InvalidInput, TooLarge where the file is no table, or lacks a column.
    """
    rows, faults = read_stock_table(name, data)
    return enter_all(reference, user, campaign_id, set_id, rows, today, faults, name)


def enter_all(
    reference: Reference,
    user: User | None,
    campaign_id: str,
    set_id: str,
    rows: Sequence[StockRow],
    today: date,
    told: Sequence[RowFault] = (),
    name: str = "",
) -> ImportedStock:
    """Add entries in their order: all of them, or none where one is wrong.

    told: what is wrong with others beside them. name: of the file they come from. Raises Forbidden, NotFound.
    """
    faults = list(told)
    entries: list[StockEntry] = []
    with reference.database.write() as connection:
        desk = _Desk(reference, connection, user, campaign_id, set_id, today)
        for row in rows:
            try:
                entries.append(desk.take(desk.entry(row)))
            except MapperError as fault:
                faults.append(RowFault(row.row, fault.message, fault.facts))
        if faults:
            return ImportedStock((), tuple(sorted(faults, key=lambda fault: fault.row)))
        kept_ones = tuple(desk.keep(entry) for entry in entries)
        facts = {"number": len(kept_ones)} | ({"file": name} if name else {})
        _record(reference, connection, user, "stock.imported", campaign_id, facts)
    return ImportedStock(kept_ones, ())


class _Desk:
    """Whoever makes entries of a campaign in a transaction, with what the ledger says so far."""

    def __init__(
        self,
        reference: Reference,
        connection: Connection,
        user: User | None,
        campaign_id: str,
        set_id: str,
        today: date,
    ) -> None:
        kept.hold(reference.database, connection)
        self._connection, self._user, self._today = connection, user, today
        if user is not None and user.role not in OVERSEERS:
            raise Forbidden(mark("Stock is entered by those who oversee an area. Ask your supervisor."))
        self._stores = Stores(reference, connection, user, set_id)
        campaign = self._stores.known.campaign(campaign_id)
        self._campaign_id = campaign.id
        self._formulations = demand.rules_of(connection, campaign).formulations
        self._book = Book(kept.entries(connection, campaign_id))
        self._last = max((one.seq for one in self._book.entries), default=0)

    def entry(self, row: StockRow) -> StockEntry:
        """What a row says, as far as the ledger allows it."""
        if not EARLIEST <= row.day <= self._today:
            raise InvalidInput(
                mark("{day} cannot be right. Give a day from {first} to {last}: the ledger holds what has happened."),
                day=_told(row.day),
                first=_told(EARLIEST),
                last=_told(self._today),
            )
        formulation = self._formulation(row.formulation)
        store = self._stores.find(row.store)
        other = self._stores.find(row.other) if row.other else None
        doses = row.doses if row.doses is not None else (row.vials or 0) * formulation.doses
        entry = StockEntry(
            row.day,
            row.kind,
            store,
            formulation.code,
            row.lot,
            doses,
            formulation.doses,
            row.expiry,
            other,
            row.reason,
            document=row.document,
        )
        self._may_enter(entry)
        if other == store:
            raise InvalidInput(mark("A move goes from one store to another. Choose another store."))
        entry = self._with_expiry(entry)
        if entry.kind is Kind.COUNTED:
            entry = replace(entry, difference=doses - self._book.balance(entry.held, entry.day))
        again = self._book.told_already(entry)
        if again is not None:
            raise Conflict(
                mark(
                    "The same stands in the ledger already, as entry {number}. If it happened twice, say what tells "
                    "them apart as the document."
                ),
                number=again,
            )
        self._not_before_a_count(entry)
        self._suffices(entry)
        return entry

    def counter_entry(self, wrong: StockEntry, document: str) -> StockEntry:
        """What takes an entry back."""
        self._may_enter(wrong)
        if wrong.undoes is not None or wrong.seq in self._book.undone:
            raise Conflict(
                mark("Entry {number} is undone, or undoes another. Enter what is right anew."), number=wrong.seq
            )
        entry = replace(wrong, seq=0, undoes=wrong.seq, document=" ".join(document.split())[:200])
        self._not_before_a_count(entry)
        self._suffices(entry)
        return entry

    def take(self, entry: StockEntry) -> StockEntry:
        """Count an entry among the others, by the number that it will probably have."""
        self._last += 1
        entry = replace(entry, seq=self._last)
        self._book.add(entry)
        return entry

    def keep(self, entry: StockEntry) -> StockEntry:
        """Write an entry down; the same with its number."""
        user_id = self._user.id if self._user else None
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        return replace(entry, seq=kept.add(self._connection, self._campaign_id, entry, user_id, at))

    def _formulation(self, written: str) -> Formulation:
        asked = fold(written)
        for names in (
            lambda one: (one.code,),
            lambda one: (fold(one.label["vi"]), fold(one.label["en"])),
            lambda one: (one.vaccine,),
        ):
            found = [one for one in self._formulations if {written, asked} & set(names(one))]
            if len(found) == 1:
                return found[0]
        raise InvalidInput(
            mark("{formulation} is no vaccine of this campaign's planning.toml. It has: {known}."),
            formulation=written[:60] or "–",
            known=", ".join(one.code for one in self._formulations) or "–",
        )

    def _may_enter(self, entry: StockEntry) -> None:
        for store in (entry.store, entry.other):
            if store is not None and not self._stores.may_fill(store):
                raise Forbidden(
                    mark("The store {store} does not lie in your area. Ask whoever oversees it."),
                    store=self._stores.name(store),
                )

    def _with_expiry(self, entry: StockEntry) -> StockEntry:
        known = self._book.expiry(entry.formulation, entry.lot)
        if known is not None and entry.expiry not in (None, known):
            raise InvalidInput(
                mark(
                    "Lot {lot} expires on {known} by the ledger, not on {expiry}. Correct it, or undo what was wrong."
                ),
                lot=entry.lot,
                known=_told(known),
                expiry=_told(entry.expiry or known),
            )
        expiry = known or entry.expiry
        if entry.kind is Kind.RECEIVED and expiry is None:
            raise InvalidInput(mark("The expiry of lot {lot} is missing. Write the last day of use."), lot=entry.lot)
        if entry.kind is Kind.RECEIVED and expiry is not None and expiry < entry.day:
            raise InvalidInput(
                mark("Lot {lot} had expired on {expiry}, before it was received. Correct one of the days."),
                lot=entry.lot,
                expiry=_told(expiry),
            )
        return replace(entry, expiry=expiry if entry.lot else None)

    def _not_before_a_count(self, entry: StockEntry) -> None:
        """What was counted holds all that was before: nothing can be put in, or taken back, behind it."""
        for held, _ in entry.changes():
            counted = self._book.counted_on(held, entry.undoes or 0)
            behind = counted is not None and (
                entry.day < counted or (entry.undoes is not None and entry.day == counted)
            )
            if counted is not None and behind:
                raise Conflict(
                    mark(
                        "{store} was counted on {day}: the count of lot {lot} holds what was before. Enter it with a "
                        "later day, or undo the count first."
                    ),
                    store=self._stores.name(held.store),
                    day=_told(counted),
                    lot=held.lot,
                )

    def _suffices(self, entry: StockEntry) -> None:
        """Nothing is ever taken of what is not there."""
        for held, change in entry.changes():
            there, day = self._book.lowest(held, entry.day)
            if there + change < 0:
                raise Conflict(
                    mark(
                        "{store} has {there} doses of lot {lot} ({formulation}) at the end of {day}, and {doses} would "
                        "go. Correct the number, or enter first what was received or counted there."
                    ),
                    store=self._stores.name(held.store),
                    there=there,
                    lot=held.lot,
                    formulation=held.formulation,
                    day=_told(day),
                    doses=-change,
                )


def _told(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year}"


def _facts(entry: StockEntry) -> dict[str, object]:
    facts: dict[str, object] = {
        "stock": entry.kind.value,
        "store": str(entry.store),
        "formulation": entry.formulation,
        "lot": entry.lot,
        "doses": entry.doses,
        "day": entry.day.isoformat(),
    }
    return facts | ({"to": str(entry.other)} if entry.other else {})


def _record(
    reference: Reference,
    connection: Connection,
    user: User | None,
    action: str,
    subject: str,
    facts: Mapping[str, object],
) -> None:
    number, name = (user.id, user.name) if user else (None, audit.COMMAND_LINE)
    audit.record(reference, connection, number, name, action, subject, facts)
