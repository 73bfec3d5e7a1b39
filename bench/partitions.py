"""What partitions by province cost intake on PostgreSQL, and what they gain: the product's own tables and statements.

    python bench/partitions.py [--provinces 34] [--households 1500] [--forms 1000]

Two databases on a server of their own, with the same invented rows: one as the product makes it, a shelf a province;
one whose register and tallies are whole tables, its cells all on one shelf. Asked of both: what intake does for a form
that is the first of its household, and for one that tells of it anew; the sums and the people of one province; the
sums of the country; taking a province out. Commits do not wait for the disk, which costs both the same; the server's
own processor time is what counts, from /proc.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mapper.domain.people import Outcome, Person, Visit
from mapper.domain.shelves import CELLS, HOUSES, on_shelf
from mapper.store import follow_up, register, schema, shelves, tallies
from mapper.store.database import Connection, Database
from mapper.store.tables import HOUSE_COLUMNS, STATE_COLUMNS
from tests import postgres

CELLS_EACH, SERIES, DAYS, PEOPLE = 40, 8, 40, 4
DAY = date(2022, 8, 15)
STATES = ", ".join("1" for _ in STATE_COLUMNS)
REPEATS = 20


@dataclass(frozen=True)
class Kept:
    """A database of the two. parted: whether each province has a shelf of its own."""

    database: Database
    parted: bool
    provinces: int

    def shelf(self, province: int) -> int:
        """Where the rows of a province lie."""
        return province if self.parted else 0

    def cell(self, province: int, number: int) -> int:
        """A cell of a province."""
        return self.shelf(province) * CELLS + province * CELLS_EACH + number

    def cells(self, province: int) -> list[int]:
        """All of them."""
        return [self.cell(province, number) for number in range(CELLS_EACH)]


def made_whole(connection: Connection) -> None:
    """The tables without partitions, as SQLite has them."""
    for table in reversed(shelves.TABLES):
        connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION public_shelves.{table}_0"))
        connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text(f"ALTER TABLE public_shelves.{table}_0 SET SCHEMA public"))
        connection.execute(text(f"ALTER TABLE {table}_0 RENAME TO {table}"))


def fill(kept: Kept, households: int) -> None:
    """Provinces 1 and on, rows of all of them mixed, as in service."""
    n, number = kept.provinces, kept.provinces * households
    a_shelf = HOUSES if kept.parted else 0
    cells = CELLS_EACH + (CELLS if kept.parted else 0)

    def shelf(province: str) -> str:
        return f"({province}) * {a_shelf}"

    def cell(province: str) -> str:
        return f"({province}) * {cells}"

    database = kept.database
    schema.upgrade(database)
    with database.write() as connection:
        if kept.parted:
            shelves.make(database, connection, range(1, n + 1))
        else:
            made_whole(connection)
        run = connection.exec_driver_sql
        run("INSERT INTO campaigns VALUES ('c', '', '')")
        run(f"INSERT INTO series SELECT e, 'c', e::text, '1' FROM generate_series(1, {SERIES}) e")
        run(
            f"INSERT INTO cells SELECT {cell('p')} + c, p || '/' || c FROM generate_series(1, {n}) p, "
            f"generate_series(0, {CELLS_EACH - 1}) c"
        )
        run(
            "INSERT INTO households (seq, campaign_id, id, instance_id, visited_on, outcome, head, lat, lon, "
            f"point_state, cell_id, steps, version) SELECT {shelf(f'mod(s, {n}) + 1')} + s, 'c', md5(s::text), "
            f"s::text, DATE '2022-08-15', 'interviewed', 'Nông Văn Nam', 22, 105, 'usable', "
            f"{cell(f'mod(s, {n}) + 1')} + mod(s / {n}, {CELLS_EACH}), '[[1,1,0,0,0,4],[1,738382,2,2,738382,2]]', 1 "
            f"FROM generate_series(1, {number}) s"
        )
        run(
            "INSERT INTO people (household_seq, position, id, reported_on, name, born_on, sex, residence, priorities, "
            f"contraindicated, refused, vaccination_unknown, version) SELECT {shelf(f'mod(s, {n}) + 1')} + s, p, "
            "s || '/' || p, DATE '2022-08-15', 'Nông Thị Lan', DATE '1990-01-01', 'female', 'here', '', false, false, "
            f"false, 1 FROM generate_series(1, {number}) s, generate_series(0, {PEOPLE - 1}) p"
        )
        run(
            f"INSERT INTO tallies SELECT {cell('p')} + c, e, d, {STATES} FROM generate_series(1, {n}) p, "
            f"generate_series(0, {CELLS_EACH - 1}) c, generate_series(1, {SERIES}) e, generate_series(1, {DAYS}) d"
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM ANALYZE cells, {', '.join(shelves.TABLES)}")


def entry(kept: Kept, number: int, province: int, cell: int) -> register.HouseholdEntry:
    """A household of four, first told of by submission ``number``."""
    people = tuple(
        Person(f"{number}/{place}", DAY, "Nông Thị Lan", date(1990, 1, 1), sex="female") for place in range(PEOPLE)
    )
    visit = Visit(f"new {number}", DAY, Outcome.INTERVIEWED, head="Nông Văn Nam", people=people)
    rows = register.visit_rows(visit, [1, DAY.toordinal(), 2] * 12, [1] * len(HOUSE_COLUMNS))
    seq = on_shelf(kept.shelf(province), number)
    return register.HouseholdEntry(seq, "c", f"new {number}", f"uuid:{number}", rows, "usable", cell, [])


def intake(
    kept: Kept, connection: Connection, first: int, forms: int, again: bool = False, anywhere: bool = False
) -> None:
    """Forms one after another, a transaction each: the household, its people and thirty tallies.

    again: each tells of a household that is known, found by its id. anywhere: looked for on every shelf at once, and
    not on that of the form's place first.
    """
    chance, database = random.Random(8), kept.database
    driver = connection.connection.driver_connection
    for number in range(first, first + forms):
        province = 1 + chance.randrange(kept.provinces)
        cell = kept.cell(province, chance.randrange(CELLS_EACH))
        days = sorted(chance.sample(range(1, DAYS + 20), 4))
        driver.execute("BEGIN")  # type: ignore[union-attr]
        if again:
            shelf = None if anywhere else kept.shelf(province)
            found = register.counted(database, connection, "c", f"new {number}", shelf)
            assert found is not None
            register.remove(connection, found[0])
        register.enter(database, connection, [entry(kept, number, province, cell)])
        people = [[cell, e, day, *([1] * len(STATE_COLUMNS))] for e in range(1, SERIES + 1) for day in days][:30]
        houses = {("c", cell, DAY.toordinal()): [1] * len(HOUSE_COLUMNS)}
        tallies.add(database, connection, [people], houses)
        driver.commit()  # type: ignore[union-attr]


def cpu(pid: int) -> float:
    """Seconds that a process has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(connection: Connection, work: Callable[[], object]) -> float:
    """The server's processor time, seconds."""
    pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
    before = cpu(pid)
    work()
    return cpu(pid) - before


def questions(kept: Kept, connection: Connection) -> dict[str, Callable[[], object]]:
    """What is asked of both, by its name in the report."""
    database, cells = kept.database, kept.cells(7)
    with_people = text("SELECT seq FROM households WHERE cell_id = ANY(:cells)")

    def people() -> object:
        return follow_up.people(database, connection, list(connection.scalars(with_people, {"cells": cells})))

    return {
        "sums of a province": lambda: list(tallies.states_on(database, connection, 3, 10**6, cells)),
        "days of a province": lambda: tallies.by_day(database, connection, 3, cells, 10**6),
        "people of a province": people,
        "sums of the country": lambda: list(tallies.states_on(database, connection, 3, 10**6, None)),
        "households by thirty ids": lambda: [
            register.cell_of(connection, "c", f"new {number}") for number in range(30)
        ],
    }


def often(asked: Callable[[], object]) -> None:
    for _ in range(REPEATS):
        asked()


def taken_out(kept: Kept, connection: Connection) -> None:
    """A province taken out, to be made anew."""
    if kept.parted:
        connection.exec_driver_sql(
            "TRUNCATE public_shelves.people_7, public_shelves.doses_7, "
            "public_shelves.findings_7, public_shelves.households_7, public_shelves.tallies_7"
        )
        return
    among = {"cells": kept.cells(7)}
    seqs = "(SELECT seq FROM households WHERE cell_id = ANY(:cells))"
    connection.execute(text(f"DELETE FROM people WHERE household_seq IN {seqs}"), among)
    connection.execute(text("DELETE FROM households WHERE cell_id = ANY(:cells)"), among)
    connection.execute(text("DELETE FROM tallies WHERE cell_id = ANY(:cells)"), among)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("--provinces", 34), ("--households", 1500), ("--forms", 1000)):
        parser.add_argument(name, type=int, default=usual)
    given = parser.parse_args()
    server = postgres.start()
    try:
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        with server.database() as whole_url, server.database() as parted_url:
            both = {
                "whole": Kept(Database(whole_url), False, given.provinces),
                "parted": Kept(Database(parted_url), True, given.provinces),
            }
            connections: dict[str, Connection] = {}
            for name, kept in both.items():
                fill(kept, given.households)
                connections[name] = kept.database.engine.connect()
                for setting in ("synchronous_commit = off", "max_parallel_workers_per_gather = 0"):
                    connections[name].exec_driver_sql(f"SET {setting}")
                connections[name].commit()
            version = connections["whole"].exec_driver_sql("SHOW server_version").scalar()
            print(f"PostgreSQL {version}, {given.provinces} provinces of {given.households} households")
            first = given.provinces * given.households + 1
            for what, ways in (
                ("a household's first form", {}),
                ("a form that tells anew", {"again": True}),
                ("the same, looked for everywhere", {"again": True, "anywhere": True}),
            ):
                # Warm, then two rounds in turn.
                for start, count, tell in (
                    (0, 100, False),
                    (100, given.forms, True),
                    (100 + given.forms, given.forms, True),
                ):
                    for name in ("whole", "parted"):
                        kept, connection = both[name], connections[name]
                        used = measured(
                            connection,
                            partial(intake, kept, connection, first + start, count, **ways),
                        )
                        if tell:
                            print(f"{what}, {name}: {used / count * 1e3:.2f} ms CPU", flush=True)
            asked = {name: questions(kept, connections[name]) for name, kept in both.items()}
            for what in asked["whole"]:
                for name, connection in connections.items():
                    asked[name][what]()
                    used = measured(connection, partial(often, asked[name][what]))
                    connection.rollback()
                    print(f"{what}, {name}: {used / REPEATS * 1e3:.1f} ms CPU", flush=True)
            for name, kept in both.items():
                used = measured(connections[name], partial(taken_out, kept, connections[name]))
                connections[name].rollback()
                print(f"a province taken out, {name}: {used * 1e3:.0f} ms CPU")
            for name, kept in both.items():
                connections[name].close()
                kept.database.close()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
