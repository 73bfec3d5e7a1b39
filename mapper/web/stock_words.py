"""Words for what stands in the stock ledger, and its rows for files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from mapper.domain.stock import Kind, StockEntry, WasteReason
from mapper.errors import mark
from mapper.formats.level_table import RowFault
from mapper.formats.register_file import Value
from mapper.language import written_day
from mapper.services.stock_view import StockOverview, Warned
from mapper.services.stores import key_of
from mapper.web.language_choice import chosen_language, say

KINDS = {
    Kind.ALLOCATED: mark("allocated"),
    Kind.RECEIVED: mark("received (doses)"),
    Kind.USED: mark("used"),
    Kind.WASTED: mark("thrown away"),
    Kind.MOVED: mark("moved"),
    Kind.COUNTED: mark("stock count"),
}

REASONS = {
    WasteReason.OPEN_VIAL: mark("left over in opened vials"),
    WasteReason.BROKEN: mark("broken"),
    WasteReason.COLD_CHAIN: mark("cold chain failed"),
    WasteReason.EXPIRED: mark("expired"),
    WasteReason.OTHER: mark("other reason"),
}

COMES = (Kind.RECEIVED, Kind.ALLOCATED, Kind.COUNTED)
"""What is entered of a lot that the store need not hold yet."""

GOES = {
    "used": mark("used"),
    "wasted:open_vial": mark("thrown away: left over in opened vials"),
    "wasted:broken": mark("thrown away: broken"),
    "wasted:cold_chain": mark("thrown away: cold chain failed"),
    "wasted:expired": mark("thrown away: expired"),
    "wasted:other": mark("thrown away: other reason"),
    "moved": mark("moved to another store"),
    "counted": mark("counted: so much is there"),
}
"""What may become of a lot that is there; kind, and for what was thrown away the reason."""

BALANCE_HEAD = (
    mark("Store"),
    mark("Code of the store"),
    mark("Within"),
    mark("Vaccine"),
    mark("Lot number"),
    mark("Expiry"),
    mark("Doses"),
    mark("Whole vials"),
    mark("Likely unused at expiry, doses"),
)

LEDGER_HEAD = (
    "number",
    "day",
    "kind",
    "store",
    "formulation",
    "lot",
    "expiry",
    "doses",
    "reason",
    "to_store",
    "document",
    "difference",
    "undoes",
    "entered_by",
    "entered_at",
)
"""As an import reads them: another installation can take such a file, without what was undone."""


def sentence(one: Warned, found: StockOverview) -> str:
    """What a warning says, days as people write them and vaccines by name."""
    facts = told(one.facts)
    code = str(facts.get("formulation", ""))
    if code in found.labels:
        facts["formulation"] = found.labels[code][chosen_language()]
    return say(one.message, **facts)


def fault(one: RowFault) -> tuple[int, str]:
    """A row and what is wrong with it."""
    return one.row, say(one.message, **told(one.facts))


def told(facts: object) -> dict[str, object]:
    """Facts with their days as people write them."""
    language = chosen_language()
    return {
        name: written_day(value, language) if isinstance(value, date) else value
        for name, value in dict(facts).items()  # type: ignore[call-overload]
    }


def balance_rows(found: StockOverview) -> list[Sequence[Value]]:
    """Every lot in every store."""
    return [
        (
            one.where.name,
            one.where.key,
            one.where.around,
            found.labels[one.formulation][chosen_language()] if one.formulation in found.labels else one.formulation,
            one.lot,
            one.expiry,
            one.doses,
            one.doses // one.vial_doses,
            one.unused,
        )
        for one in found.lines
    ]


def ledger_rows(found: StockOverview) -> list[Sequence[Value]]:
    """Every entry, the oldest first, as they can be entered again elsewhere."""
    places = found.places.id
    return [(*entry_row(one.entry, places), one.user or "", one.at) for one in reversed(found.entries)]


def entry_row(entry: StockEntry, set_id: str) -> tuple[Value, ...]:
    """An entry as LEDGER_HEAD names its cells, without who made it and when. set_id: of which stores are written."""
    return (
        entry.seq,
        entry.day,
        entry.kind.value,
        key_of(entry.store, set_id),
        entry.formulation,
        entry.lot,
        entry.expiry,
        entry.doses,
        entry.reason.value if entry.reason else "",
        key_of(entry.other, set_id) if entry.other else "",
        entry.document,
        entry.difference if entry.kind is Kind.COUNTED else "",
        entry.undoes,
    )
