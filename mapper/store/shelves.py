"""Each province's rows of the register and the tallies in partitions of their own, on PostgreSQL; see domain.shelves.

The numbers that lead these tables' keys hold the shelf, so every lookup by key finds its partition. Partitions lie in a
schema beside the tables', and refer to each other shelf by shelf: a household's people are on its own. SQLite has one
table of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from psycopg import sql
from sqlalchemy import Connection

from mapper.domain.shelves import CELLS, HOUSES, SHELVES, UNKNOWN
from mapper.errors import Unavailable
from mapper.store import tables
from mapper.store.database import Database, driver_of

TABLES: dict[str, str] = {
    "households": "seq",
    "people": "household_seq",
    "doses": "household_seq",
    "findings": "household_seq",
    "tallies": "cell_id",
    "house_tallies": "cell_id",
    "house_totals": "cell_id",
}
"""The tables that are parted, and the number that each is parted by."""

UNIQUE = "households", ("id", "campaign_id")
"""Unique on a shelf; that no household is on two is seen to by whoever counts, who holds a lock on its id."""

KEPT_BY_SHELF = frozenset(
    {
        ("unique_constraint", "uq_households_id_campaign_id"),
        *(("foreign_key_constraint", f"fk_{table}_household_seq") for table in ("people", "doses", "findings")),
    }
)
"""What the tables of the code say of themselves, and each shelf on its own."""

_THERE = """
    SELECT substring(c.relname FROM '[0-9]+$')::int FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('tallies')
"""

_ARE_PARTED = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass('tallies')"

_WANTED = f"""
    SELECT code::int FROM units WHERE parent_code IS NULL AND code ~ '^[0-9]{{2}}$' AND code::int < {SHELVES}
    UNION SELECT id / {CELLS} FROM cells
    ORDER BY 1
"""  # noqa: S608


def folder(connection: Connection) -> str:
    """The schema that the partitions lie in, beside that of the tables."""
    return f"{driver_of(connection).execute('SELECT current_schema()').fetchone()[0]}_shelves"


def bounds(table: str, shelf: int) -> tuple[int, int]:
    """The first number of a shelf in a table's key, and the first behind it."""
    if TABLES[table] == "cell_id":
        return shelf * CELLS, (shelf + 1) * CELLS
    return shelf * HOUSES - HOUSES // 2, shelf * HOUSES + HOUSES // 2


def there(database: Database, connection: Connection) -> frozenset[int]:
    """The shelves that have partitions; none on SQLite, or where the tables are of an earlier release."""
    if database.is_sqlite:
        return frozenset()
    return frozenset(row[0] for row in driver_of(connection).execute(_THERE).fetchall())


def has(database: Database, connection: Connection, shelf: int) -> bool:
    """Whether rows can be put on a shelf; on SQLite on any."""
    return database.is_sqlite or shelf == UNKNOWN or shelf in there(database, connection)


def make_known(database: Database, connection: Connection) -> None:
    """Make the shelves of every province that a boundary set has, or that a cell lies on, where they are lacking."""
    if database.is_sqlite or driver_of(connection).execute(_ARE_PARTED).fetchone() != (True,):
        return
    make(database, connection, [row[0] for row in driver_of(connection).execute(_WANTED).fetchall()])


def make(database: Database, connection: Connection, wanted: Iterable[int]) -> None:
    """Make partitions for shelves that have none.

    Nobody who reads waits for it. Who makes a new cell meanwhile waits until this transaction ends: let it be short.
    """
    if database.is_sqlite or not set(wanted := sorted(set(wanted))) - there(database, connection):
        return
    database.lock(connection, "shelves")
    lacking = [shelf for shelf in wanted if shelf not in there(database, connection)]
    driver, beside = driver_of(connection), folder(connection)
    for shelf in lacking:
        houses = sql.Identifier(beside, f"households_{shelf}")
        for table, column in TABLES.items():
            name = sql.Identifier(beside, f"{table}_{shelf}")
            first, end = bounds(table, shelf)
            # Attached, and not made as a partition: that would wait for everybody who reads the table.
            driver.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name, sql.Identifier(table)))
            if table == UNIQUE[0]:
                columns = sql.SQL(", ").join(map(sql.Identifier, UNIQUE[1]))
                driver.execute(sql.SQL("ALTER TABLE {} ADD UNIQUE ({})").format(name, columns))
            elif column == "household_seq":
                driver.execute(
                    sql.SQL("ALTER TABLE {} ADD FOREIGN KEY (household_seq) REFERENCES {} (seq)").format(name, houses)
                )
            driver.execute(
                sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    sql.Identifier(table), name, sql.Literal(first), sql.Literal(end)
                )
            )


_NAMING_CELLS = ("cell_units", "counts_left", "houses_left", "verdicts", "oddities", "looked_at")
"""Tables beside the register and the tallies that name cells."""


def put_cells(connection: Connection, moved: Sequence[tuple[int, int]]) -> None:
    """Put cells on other shelves, which there are, on PostgreSQL; each with its shelf.

    The register and the tallies are empty. Whoever remembers cells has to read them again.
    """
    cells = tables.cells.name
    for before, shelf in moved:
        driver = driver_of(connection)
        after = driver.execute(
            f"INSERT INTO {cells} (id, signature, hamlet_code, commune_code) SELECT %s + nextval('cells_id_seq'), "  # noqa: S608
            f"'| ' || signature, hamlet_code, commune_code FROM {cells} WHERE id = %s RETURNING id",
            [shelf * CELLS, before],
        ).fetchone()[0]
        for name in _NAMING_CELLS:
            driver.execute(f"UPDATE {name} SET cell_id = %s WHERE cell_id = %s", [after, before])  # noqa: S608
        driver.execute(f"DELETE FROM {cells} WHERE id = %s", [before])  # noqa: S608
        driver.execute(f"UPDATE {cells} SET signature = substr(signature, 3) WHERE id = %s", [after])  # noqa: S608


_STALE = """
    SELECT relname FROM pg_stat_user_tables
    WHERE relid = ANY (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
    AND (last_analyze IS NULL OR last_analyze < now() - make_interval(hours => %s))
    ORDER BY 1
"""


def analyse(database: Database, names: Iterable[str] = TABLES, *, older_than_h: int = 0) -> list[str]:
    """Let PostgreSQL look anew at what these tables hold, on which its ways of reading them rest; which it looked at.

    By itself it looks at partitions alone, and never at the tables above them. Nobody waits for it, and where it cannot
    be done all goes on as it was. names: of this schema. older_than_h: only those not looked at for so many hours.
    On SQLite nothing.
    """
    if database.is_sqlite:
        return []
    with suppress(Unavailable), database.write() as connection:
        driver = driver_of(connection)
        stale = [row[0] for row in driver.execute(_STALE, [list(names), older_than_h]).fetchall()]
        if stale:
            driver.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(sql.Identifier, stale))))
        return stale
    return []
