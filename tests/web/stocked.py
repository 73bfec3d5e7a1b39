"""Vials and stock for the two communes of the tests' own server."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from mapper.domain.roles import Role
from mapper.formats.stock_table import read_stock_row
from mapper.services import demand, stock
from mapper.services.accounts import User
from mapper.services.intake import today
from mapper.store import reference as kept
from tests.client.site import SET_ID, Site

VIALS = """
come = "100 %"
buffer = "0 %"
[[vials]]
code = "ten"
vaccine = "pfizer"
label = { vi = "Pfizer lọ mười", en = "Pfizer of ten" }
doses = 10
open_hours = 6
"""

EXPIRY = today() + timedelta(days=200)


def with_vials(site: Site) -> None:
    """The small campaign says which vaccine its dose is of, and what its vials hold."""
    database = site.reference.database
    with database.write() as connection:
        toml = dict(kept.campaigns(connection))["mini"]
        if "vaccines =" not in toml:
            toml = toml.replace('dose = "1"', 'dose = "1"\nvaccines = ["pfizer"]')
        kept.save_campaign(database, connection, "mini", toml, [("5_plus", "1")], "2022-08-01T00:00:00+00:00")
        kept.raise_revision(database, connection)
    with database.write() as connection:
        campaign = site.reference.known(connection).campaign("mini")
        demand.keep_rules(site.reference, connection, campaign, VIALS)


def stocked(site: Site, kind: str, store: str, doses: int, day: date | None = None, **more: Any) -> int:
    """An entry of the ledger; its number."""
    made = site.user("administrator", name=f"kho {site.made}", password="mười hai chữ cái")
    user = User(made.id, "kho", Role.ADMINISTRATOR, (), 0)
    told = {"day": (day or today()).isoformat(), "formulation": "ten", "lot": "LÔ-1", "expiry": EXPIRY.isoformat()}
    row = read_stock_row({"kind": kind, "store": store, "doses": str(doses)} | told | more)
    return stock.enter(site.reference, user, "mini", SET_ID, row, today()).seq


def a_stock(site: Site) -> None:
    """Something of everything: a lot close to expiry, one that has expired, what was promised, moved and wasted."""
    with_vials(site)
    now = today()
    stocked(site, "allocated", "001", 300, lot="", expiry="")
    stocked(site, "received", "001", 200)
    stocked(site, "received", "001", 50, lot="GẦN", expiry=(now + timedelta(days=9)).isoformat())
    stocked(
        site, "received", "001", 20, now - timedelta(days=9), lot="CŨ", expiry=(now - timedelta(days=2)).isoformat()
    )
    stocked(site, "moved", "001", 60, other="00001")
    stocked(site, "used", "00001", 17)
    stocked(site, "wasted", "00001", 3, reason="open_vial")
    stocked(site, "counted", "00001", 38)
