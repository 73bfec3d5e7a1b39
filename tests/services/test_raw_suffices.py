"""Raw submissions and what was entered and decided are all that is needed: everything else is made again from them."""

from __future__ import annotations

import json
from datetime import date

from sqlalchemy import Table, delete, select, update

from mapper.services import cleaning, looking_through, rebuilding
from mapper.services.cleaning import Choice
from mapper.services.reference import Reference
from mapper.store import tables, tallies
from mapper.store.database import Database
from mapper.store.tables.origin import DERIVED, DERIVED_COLUMNS, PASSING
from tests.services.test_cleaning import lan, overseer, send, waiting
from tests.services.test_rebuilding import tell
from tests.services.town import Town

CAMPAIGN = "covid19"

# How often something was counted, and when it was looked at: they say what a process remembers, and nothing of a house.
OF_THE_MOMENT = {"house_totals": ("changes",), "looked_at": ("made_of", "at")}
COUNTS = {
    "tallies": tables.STATE_COLUMNS,
    "house_tallies": tables.HOUSE_COLUMNS,
    "house_totals": tables.HOUSE_COLUMNS,
}


def live(town: Town) -> None:
    """Submissions of every kind, a second boundary set, and one person of two houses joined by a supervisor."""
    tell(town)
    first, second = ("1", date(2021, 8, 10), "pfizer"), ("2", date(2021, 9, 20), "pfizer")
    send(town, "x", [lan(first)], 0.4)
    send(town, "y", [lan(first, second)], 0.6)
    town.import_strips()
    (odd,) = waiting(town, "same_person")
    cleaning.decide(town.reference, overseer(town), CAMPAIGN, odd.key, Choice("join"))
    looking_through.look_through(town.reference, CAMPAIGN)


def derived(database: Database) -> dict[str, list[str]]:
    """All rows of the derived tables, cells by their signature and not by their number, in one order.

    Left out are numbers of nothing, and cells that nobody lives in any more: they stay where there once was something.
    """
    with database.read() as connection:
        used = set(connection.scalars(select(tables.households.c.cell_id)))
        signatures = {
            one.id: tallies.signature(one.hamlet_code, one.commune_code, one.units) for one in tallies.cells(connection)
        }
        found: dict[str, list[str]] = {}
        for name in sorted(DERIVED):
            rows = []
            for row in connection.execute(select(tables.metadata.tables[name])).mappings():
                values = {column: value for column, value in row.items() if column not in OF_THE_MOMENT.get(name, ())}
                if name in COUNTS and not any(values[column] for column in COUNTS[name] if column in values):
                    continue
                if name == "cells":
                    values["cell_id"] = values.pop("id")
                if values.get("cell_id"):
                    if values["cell_id"] not in used:
                        continue
                    values["cell_id"] = signatures[values["cell_id"]]
                if "steps" in values:
                    houses, steps = json.loads(values["steps"])
                    values["steps"] = (houses, sorted(zip(steps[::3], steps[1::3], steps[2::3], strict=True)))
                rows.append(repr(values))
            found[name] = sorted(rows)
        return found


def forget_what_is_derived(database: Database) -> None:
    """Nothing stays but what came from outside."""
    with database.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name in DERIVED | PASSING:
                connection.execute(delete(table))
        for name, columns in DERIVED_COLUMNS.items():
            table = tables.metadata.tables[name]
            values = {column: _nothing(table, column) for column in columns}
            connection.execute(update(table).values(**values))


def _nothing(table: Table, column: str) -> str | None:
    return None if table.c[column].nullable else "received"


def test_everything_derived_is_made_again_from_what_came_from_outside(town: Town) -> None:
    live(town)
    database = town.reference.database
    before, states = derived(database), town.states()
    assert all(before.values()), "a table without rows proves nothing"
    forget_what_is_derived(database)
    assert not any(derived(database).values())
    fresh = Town(Reference(database), town.files, town.writers)  # a process that never saw any of it
    rebuilding.rebuild(fresh.reference)
    looking_through.look_through(fresh.reference, CAMPAIGN)
    after = derived(database)
    for name in DERIVED:
        assert after[name] == before[name], name
    assert fresh.states() == states
