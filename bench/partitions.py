"""What declarative partitions by province would cost intake, and what they would gain: on a PostgreSQL of its own.

    python bench/partitions.py [--provinces 34] [--households 1500] [--forms 1000]

Two copies of the register's and the tallies' main columns, invented rows, one copy partitioned by LIST of the
province. Asked of both: the statements of a form's counting, one after another over one connection; the sums of one
province; taking a province out. Commits do not wait for the disk, which costs both the same; the server's own
processor time is what counts, from /proc, and the clock stands beside it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import postgres

CELLS, SERIES, DAYS, PEOPLE = 40, 8, 40, 4
STATES = "due integer, vaccinated integer, waiting integer, refused integer"


def make(connection: psycopg.Connection, schema: str, provinces: int, households: int) -> None:
    """The tables of one kind, filled. Keys hold the province where partitions ask for it."""
    parted = schema == "parted"
    by = "PARTITION BY LIST (province)" if parted else ""
    p = "province, " if parted else ""
    fk = "(province, seq)" if parted else "(seq)"
    own = "province, household_seq" if parted else "household_seq"
    connection.execute(f"CREATE SCHEMA {schema}")
    connection.execute(
        f"CREATE TABLE {schema}.households (province smallint NOT NULL, seq integer NOT NULL, id text NOT NULL, "
        f"campaign_id text NOT NULL, cell_id integer NOT NULL, head text, lat float8, lon float8, steps text NOT NULL, "
        f"PRIMARY KEY ({p}seq), UNIQUE ({p}id, campaign_id)) {by}"
    )
    connection.execute(
        f"CREATE TABLE {schema}.people (province smallint NOT NULL, household_seq integer NOT NULL, "
        f"position integer NOT NULL, name text, born_on date, sex text, PRIMARY KEY ({p}household_seq, position), "
        f"FOREIGN KEY ({own}) REFERENCES {schema}.households {fk}) {by}"
    )
    connection.execute(
        f"CREATE TABLE {schema}.tallies (province smallint NOT NULL, cell_id integer NOT NULL, "
        f"series_id integer NOT NULL, day integer NOT NULL, {STATES}, PRIMARY KEY ({p}cell_id, series_id, day)) {by}"
    )
    if parted:
        for table in ("households", "people", "tallies"):
            for n in range(provinces):
                connection.execute(
                    f"CREATE TABLE {schema}.{table}_{n} PARTITION OF {schema}.{table} FOR VALUES IN ({n})"
                )
    connection.execute(f"CREATE INDEX ON {schema}.households (cell_id)")
    number = provinces * households
    # Forms of all provinces come mixed, as in service.
    connection.execute(
        f"INSERT INTO {schema}.households SELECT s % {provinces}, s, md5(s::text), 'c', "
        f"(s % {provinces}) * {CELLS} + s / {provinces} % {CELLS}, 'Nông Văn Nam', 22 + s * 1e-6, 105, "
        "repeat('[1,2]', 40) "
        f"FROM generate_series(1, {number}) s"
    )
    connection.execute(
        f"INSERT INTO {schema}.people SELECT s % {provinces}, s, p, 'Nông Thị Lan', DATE '1990-01-01', 'female' "
        f"FROM generate_series(1, {number}) s, generate_series(0, {PEOPLE - 1}) p"
    )
    connection.execute(
        f"INSERT INTO {schema}.tallies SELECT c / {CELLS}, c, e, d, 1, 1, 0, 0 FROM "
        f"generate_series(0, {provinces * CELLS - 1}) c, generate_series(1, {SERIES}) e, generate_series(1, {DAYS}) d"
    )
    connection.execute(f"ANALYZE {schema}.households, {schema}.people, {schema}.tallies")


def intake(schema: str, provinces: int, first: int, forms: int, told: bool) -> Callable[[psycopg.Connection], None]:
    """A form: is the household known by its id; it, its people and thirty tallies.

    told: statements name the province.
    """
    parted = schema == "parted"
    p = "province, " if parted else ""
    name = " AND province = %s" if told else ""

    def work(connection: psycopg.Connection) -> None:
        chance = random.Random(8)
        for seq in range(first, first + forms):
            n = chance.randrange(provinces)
            cell = n * CELLS + chance.randrange(CELLS)
            with connection.transaction():
                values = [f"new {seq}", "c", *([n] if told else [])]
                connection.execute(
                    f"SELECT seq FROM {schema}.households WHERE id = %s AND campaign_id = %s{name}", values
                )
                connection.execute(
                    f"INSERT INTO {schema}.households VALUES (%s, %s, %s, 'c', %s, 'Nông Văn Nam', 22, 105, %s)",
                    [n, seq, f"new {seq}", cell, "[1,2]" * 40],
                )
                with connection.cursor() as cursor:
                    cursor.executemany(
                        f"INSERT INTO {schema}.people VALUES (%s, %s, %s, 'Nông Thị Lan', '1990-01-01', 'female')",
                        [(n, seq, position) for position in range(PEOPLE)],
                    )
                    cursor.executemany(
                        f"INSERT INTO {schema}.tallies AS t VALUES (%s, %s, %s, %s, 1, 0, 0, 0) "
                        f"ON CONFLICT ({p}cell_id, series_id, day) DO UPDATE SET due = t.due + excluded.due",
                        [(n, cell, 1 + k % SERIES, 1 + chance.randrange(DAYS + 5)) for k in range(30)],
                    )

    return work


def cpu(pid: int) -> float:
    """Seconds that a process has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(connection: psycopg.Connection, work: Callable[[psycopg.Connection], None]) -> tuple[float, float]:
    """The server's processor time and the clock, seconds."""
    pid = connection.info.backend_pid
    before, began = cpu(pid), time.perf_counter()
    work(connection)
    return cpu(pid) - before, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("--provinces", 34), ("--households", 1500), ("--forms", 1000)):
        parser.add_argument(name, type=int, default=usual)
    given = parser.parse_args()
    server = postgres.start()
    try:
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
            version = connection.execute("SHOW server_version").fetchone()
            print(
                f"PostgreSQL {version and version[0]}, {given.provinces} provinces, {given.households} households each"
            )
            connection.execute("SET synchronous_commit = off; SET max_parallel_workers_per_gather = 0")
            number = given.provinces * given.households
            for schema in ("whole", "parted"):
                make(connection, schema, given.provinces, given.households)
            connection.execute("CHECKPOINT")
            for told in (False, True):
                for schema in ("whole", "parted", "parted", "whole"):
                    number += given.forms
                    work = intake(schema, given.provinces, number, given.forms, told and schema == "parted")
                    used, took = measured(connection, work)
                    how = "id and province" if told and schema == "parted" else "id alone"
                    print(
                        f"form, {schema}, asked by {how}: {used / given.forms * 1e3:.2f} ms CPU, {took:.1f} s for all"
                    )
            asked = {
                "sums of a province": "SELECT cell_id, sum(due) FROM {0}.tallies WHERE {1} AND series_id = 3 "
                "GROUP BY cell_id",
                "people of a province": "SELECT count(*) FROM {0}.people p JOIN {0}.households h ON h.seq = "
                "p.household_seq AND h.province = p.province WHERE h.{1} AND p.{1}",
                "sums of the country": "SELECT cell_id, sum(due) FROM {0}.tallies WHERE series_id = 3 GROUP BY cell_id",
            }
            for name, statement in asked.items():
                for schema in ("whole", "parted"):
                    sql = statement.format(schema, "province = 7")
                    connection.execute(sql)
                    used, _ = measured(connection, lambda one, sql=sql: [one.execute(sql) for _ in range(20)])  # type: ignore[misc]
                    print(f"{name}, {schema}: {used / 20 * 1e3:.1f} ms CPU")
            out = {
                "whole": "DELETE FROM whole.people WHERE province = 7; DELETE FROM whole.tallies WHERE province = 7",
                "parted": "TRUNCATE parted.people_7; TRUNCATE parted.tallies_7",
            }
            for schema, sql in out.items():
                used, took = measured(connection, lambda one, sql=sql: one.execute(sql))  # type: ignore[misc]
                print(f"a province taken out to be made anew, {schema}: {used * 1e3:.0f} ms CPU, {took * 1e3:.0f} ms")
            connection.execute("DROP SCHEMA whole CASCADE")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
