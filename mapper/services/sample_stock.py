"""The sample district's invented vaccine: what it was allocated, received, handed on, used and threw away.

Entered as a supervisor enters it, so that the pages of stock and forecast have something to show.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from mapper.domain.stock import Kind, Store, WasteReason
from mapper.formats.stock_table import StockRow
from mapper.services import demand, stock
from mapper.services.accounts import User
from mapper.services.invented import SEED
from mapper.services.reference import Reference
from mapper.store import reference as kept

CAMPAIGN = "covid19"
DOCUMENT = "Số liệu mẫu, không có thật"

_ENTERED = "sample stock"
_ORANGE, _PURPLE, _MODERNA = "pfizer_orange", "pfizer_purple", "moderna"


def enter(reference: Reference, user: User, set_id: str, day: date) -> None:
    """Enter it all in a supervisor's name, once; what people enter afterwards stays. day: the last of the census."""
    with reference.database.read() as connection:
        if kept.fact(connection, _ENTERED):
            return
        known = reference.known(connection)
        rules = demand.rules_of(connection, known.campaign(CAMPAIGN))
        places = known.sets[set_id]
        communes = sorted(unit.code for unit in places.at_level(places.leaf))
    if not {_ORANGE, _PURPLE, _MODERNA} <= {one.code for one in rules.formulations}:
        return
    district = Store(places.about.levels[-2], places.above(communes[0], places.about.levels[-2]) or "", set_id)
    for row in rows(communes, places.leaf, district, day):
        stock.enter(reference, user, CAMPAIGN, set_id, row, day)
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, _ENTERED, "yes")


def rows(communes: list[str], level: str, district: Store, day: date) -> list[StockRow]:
    """The entries, in the order in which they happened; the same every time."""
    chance = random.Random(f"{SEED} stock")  # noqa: S311
    store = f"{district.level}:{district.code}"
    lots = {
        "MAU-P1": (_PURPLE, day + timedelta(days=75)),
        "MAU-P2": (_PURPLE, day + timedelta(days=18)),
        "MAU-C1": (_ORANGE, day + timedelta(days=120)),
        "MAU-M1": (_MODERNA, day + timedelta(days=40)),
    }
    found: list[StockRow] = []

    def add(
        ago: int,
        kind: Kind,
        where: str,
        lot: str,
        vials: int | None,
        doses: int | None = None,
        reason: WasteReason | None = None,
        other: str = "",
        note: str = "",
    ) -> None:
        formulation, expiry = lots[lot]
        told = f"{DOCUMENT}{note}"
        on = day - timedelta(days=ago)
        found.append(StockRow(0, on, kind, where, formulation, lot, expiry, doses, vials, reason, other, told))

    for lot, vials in (("MAU-P1", 420), ("MAU-P2", 90), ("MAU-C1", 30), ("MAU-M1", 20)):
        add(30, Kind.ALLOCATED, store, lot, vials)
    for lot, vials in (("MAU-P1", 300), ("MAU-P2", 90), ("MAU-C1", 20), ("MAU-M1", 20)):
        add(25, Kind.RECEIVED, store, lot, vials)
    for number, code in enumerate(communes):
        commune = f"{level}:{code}"
        lot = "MAU-P2" if number in (1, 4) else "MAU-P1"
        vials = chance.randrange(8, 19)
        add(20, Kind.MOVED, store, lot, vials, other=commune)
        used = chance.randrange(3, vials - 3)
        left_over = chance.randrange(0, 6)
        add(12, Kind.USED, commune, lot, None, used * 6 - left_over)
        if left_over:
            add(12, Kind.WASTED, commune, lot, None, left_over, WasteReason.OPEN_VIAL)
        if number == 6:
            add(10, Kind.WASTED, commune, lot, 1, reason=WasteReason.BROKEN)
        if number % 4 == 0:
            add(19, Kind.MOVED, store, "MAU-C1", 1, other=commune)
    add(3, Kind.MOVED, f"{level}:{communes[4]}", "MAU-P2", 1, other=f"{level}:{communes[1]}")
    return found
