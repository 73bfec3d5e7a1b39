"""A town of the previous release is, after the upgrade, the same town: figures, register, and a rebuild."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, text

from mapper.services import rebuilding
from mapper.services.reference import Reference
from mapper.store import schema, tables, whole
from mapper.store.database import Connection, Database
from mapper.store.whole import Shape
from tests.services.test_rebuilding import tell
from tests.services.town import Town
from tests.store.whole_rows import reflected

PREVIOUS = "0002"


def as_before(town: Town, url: str) -> Database:
    """A database as the previous release would have it of the same submissions."""
    old = Database(url)
    with old.write() as connection:
        schema.make(connection, PREVIOUS)
    source = town.reference.database
    with source.read() as reading, old.write() as connection:
        found = reflected(connection)
        for shape in whole.shapes(found):
            if shape.name in MADE:
                connection.execute(found.tables[shape.name].insert(), MADE[shape.name](reading))
            else:
                now = whole_names(shape)
                assert set(shape.names) <= now, "what the previous release kept is kept still"
                whole.enter(old, connection, shape, whole.rows(source, reading, shape))
    return old


def whole_names(shape: Shape) -> set[str]:
    return set(tables.metadata.tables[shape.name].columns.keys())


def placements(reading: Connection) -> list[dict[str, object]]:
    """Where each household lies in each set, as that release kept it: once more, beside its cell."""
    h, units = tables.households, tables.cell_units
    rows = reading.execute(
        select(h.c.seq, units.c.set_id, units.c.unit_code).join(units, units.c.cell_id == h.c.cell_id)
    )
    return [
        {"household_seq": seq, "set_id": set_id, "unit_code": code, "result": "inside"} for seq, set_id, code in rows
    ]


def boundary_sets(reading: Connection) -> list[dict[str, object]]:
    """Each set with its index of points in the same row."""
    sets, indexes = tables.boundary_sets, tables.point_indexes
    rows = reading.execute(select(sets, indexes.c.content.label("placer")).join(indexes)).mappings()
    return [dict(row) for row in rows]


MADE = {"placements": placements, "boundary_sets": boundary_sets}
"""What the previous release kept in another way."""


def test_households_of_the_previous_release_count_as_before(sqlite_town: Town, tmp_path: Path) -> None:
    states = tell(sqlite_town)
    before = sqlite_town.everything()
    old = as_before(sqlite_town, f"sqlite:///{tmp_path / 'previous.sqlite3'}")
    with old.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM placements")).scalar_one() > 5
    schema.upgrade(old)
    assert schema.differences(old) == []
    town = Town(Reference(old), tmp_path, sqlite_town.writers)
    assert (town.everything(), town.states()) == (before, states)
    assert town.ask() == sqlite_town.ask()
    rebuilding.rebuild(town.reference)
    assert (town.everything(), town.states()) == (before, states)
    assert town.send(town.write(instance="first of the new release", entity="new")).counted
    old.close()
