"""On PostgreSQL each province's households and tallies lie in partitions of their own, whoever wrote them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from mapper.domain.shelves import CELLS, arrival, on_shelf, shelf_of_household, shelf_of_province
from mapper.formats.writer import InstanceWriter
from mapper.services import boundaries, moving, rebuilding, set_placing
from mapper.services.boundaries import SetFacts
from mapper.services.reference import Reference
from mapper.store import follow_up, register, shelves, tables, tallies
from mapper.store.database import Connection, Database
from mapper.store.shelves import TABLES
from tests.postgres import Server
from tests.ready import Lent
from tests.services.town import COMMUNES, HAMLETS, SIDE, SOUTH, WEST, Town, feature, feature_file, inside, person

CAO_BANG, BAC_KAN = 4, 6
"""The provinces of the town's northern and southern row in ``divided``."""


def divided(town: Town) -> None:
    """The town's squares once more, of an earlier time, as two provinces: the set of its hamlet list from then on."""
    features = []
    for number, code in enumerate(COMMUNES):
        row, column = divmod(number, 7)
        west, south = WEST + SIDE * column, SOUTH + SIDE * row
        province = {"province_code": ("06", "04")[row], "province_name": "Tỉnh"}
        features.append(
            feature(west, south, west + SIDE, south + SIDE, commune_code=code, commune_name=f"Xã {number}", **province)
        )
    facts = SetFacts("provinces", "Hai tỉnh", date(2019, 1, 1), date(2019, 12, 31))
    boundaries.import_file(town.reference, feature_file(town.files / "provinces.geojson", features), facts)


@pytest.fixture
def bare(town_postgres: Lent, tmp_path: Path, writers: dict[str, InstanceWriter]) -> Iterator[Town]:
    """The town on PostgreSQL, whose province has no number."""
    town_postgres.restore()
    database = Database(town_postgres.url)
    yield Town(Reference(database), tmp_path, writers)
    database.close()


@pytest.fixture
def town(bare: Town) -> Town:
    """The same of two provinces."""
    divided(bare)
    return bare


def shelved(connection: Connection) -> dict[str, dict[int, int]]:
    """How many rows each shelf's partition of a table holds, as PostgreSQL tells where they lie."""
    found: dict[str, dict[int, int]] = {}
    for table in TABLES:
        rows = connection.execute(text(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1"))
        found[table] = {int(name.removeprefix(f"public_shelves.{table}_")): number for name, number in rows}
    return found


def of_households(town: Town) -> dict[str, tuple[int, int]]:
    """The shelf of each household, and what is left of its number."""
    with town.reference.database.read() as connection:
        rows = connection.execute(select(tables.households.c.id, tables.households.c.seq)).all()
    return {row.id: (shelf_of_household(row.seq), arrival(row.seq)) for row in rows}


def test_numbers_hold_the_shelf_and_the_order_of_arrival() -> None:
    assert [shelf_of_province(code) for code in ("01", "96", "97", "00", "1", "001", "P", None)] == [1, 96] + [0] * 6
    for shelf, number in ((0, 1), (0, -7), (4, 1), (4, -7), (96, 5 * 10**11 - 1)):
        assert (shelf_of_household(on_shelf(shelf, number)), arrival(on_shelf(shelf, number))) == (shelf, number)


def test_rows_lie_in_the_partition_of_their_province(town: Town) -> None:
    for commune in (0, 0, 9, 13):
        point = {"household.point": inside(0, accuracy_m=9000.0)} if commune == 13 else {}
        town.send(town.write(point, people=[person(doses=[("1", date(2022, 1, 1), "pfizer")])] * 2, commune=commune))
    town.send(town.write({"household.point": None, "household.commune": None, "household.hamlet": None}))
    with town.reference.database.read() as connection:
        found = shelved(connection)
        assert town.reference.known(connection).home == "provinces"
    assert found["households"] == {0: 1, BAC_KAN: 2, CAO_BANG: 2}
    assert found["people"] == found["doses"] == {BAC_KAN: 4, CAO_BANG: 4}
    assert found["findings"].keys() <= {0, CAO_BANG}
    assert found["tallies"].keys() == {BAC_KAN, CAO_BANG}
    assert found["house_tallies"] == {0: 1, BAC_KAN: 1, CAO_BANG: 2} == found["house_totals"]


def test_a_shelf_holds_together_by_itself(town: Town) -> None:
    """What is said of whole tables on SQLite, each shelf says of its own rows."""
    query = """
        SELECT c.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = 'public_shelves'::regnamespace AND (k.contype = 'u' OR k.confrelid::regclass::text LIKE
            'public_shelves.%')
    """
    wanted = {(f"households_{shelf}", "UNIQUE (id, campaign_id)") for shelf in (0, CAO_BANG, BAC_KAN)} | {
        (
            f"{table}_{shelf}",
            f"FOREIGN KEY (household_seq) REFERENCES public_shelves.households_{shelf}(seq)",
        )
        for table in ("people", "doses", "findings")
        for shelf in (0, CAO_BANG, BAC_KAN)
    }
    with town.reference.database.read() as connection:
        assert wanted <= {(name, definition) for name, definition in connection.execute(text(query))}
        before = shelves.there(town.reference.database, connection)
    with town.reference.database.write() as connection:
        shelves.make_known(town.reference.database, connection)
        assert shelves.there(town.reference.database, connection) == before >= {0, CAO_BANG, BAC_KAN}


def test_who_moves_to_another_province_is_counted_there_as_a_rebuild_would(town: Town) -> None:
    first = town.write(people=[person()] * 2, instance="uuid:first", entity="house", commune=0)
    town.send(first)
    (shelf, number) = of_households(town)["house"]
    assert shelf == BAC_KAN
    town.send(town.write(people=[person()], edits="uuid:first", entity="house", commune=8))
    assert of_households(town) == {"house": (CAO_BANG, number)}
    before = town.everything(), of_households(town)
    assert rebuilding.rebuild(town.reference) == 2
    assert (town.everything(), of_households(town)) == before


def test_a_known_household_is_looked_for_in_the_province_of_its_form_and_only_then_in_all(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[set[str]] = []
    counted = register.counted
    scans = text("SELECT relname, idx_scan + seq_scan FROM pg_stat_xact_user_tables WHERE relname ~ '^households_'")

    def watched(database: Database, connection: Connection, *asked: Any) -> Any:
        before = {(row[0], row[1]) for row in connection.execute(scans)}
        found = counted(database, connection, *asked)
        looked.append({row[0] for row in connection.execute(scans) if (row[0], row[1]) not in before and row[1]})
        return found

    monkeypatch.setattr(register, "counted", watched)
    for commune in (0, 8):
        town.send(town.write(people=[person()], entity=f"house-{commune}", commune=commune))
    assert looked == [], "nobody told of them before"
    for commune, shelf in ((0, BAC_KAN), (8, CAO_BANG)):
        town.send(town.write(people=[person()], entity=f"house-{commune}", commune=commune))
        assert looked.pop() == {f"households_{shelf}"}
    (_, number) = of_households(town)["house-0"]
    # Visited where its people live now.
    town.send(town.write(people=[person()], entity="house-0", commune=9))
    assert looked.pop() >= {f"households_{shelf}" for shelf in (0, BAC_KAN, CAO_BANG)}
    assert of_households(town)["house-0"] == (CAO_BANG, number)
    town.send(town.write(people=[person()] * 2, entity="house-0", commune=9))
    assert looked == [{f"households_{CAO_BANG}"}]
    before = town.everything(), of_households(town)
    assert len(before[1]) == town.ask().total.houses.visited == 2
    rebuilding.rebuild(town.reference)
    assert (town.everything(), of_households(town)) == before


def test_one_household_told_of_in_two_provinces_at_once_is_one(town: Town) -> None:
    for number in range(4):
        xmls = [town.write(people=[person()], entity=f"house-{number}", commune=commune) for commune in (1, 8)]
        gate = threading.Barrier(2)

        def send(xml: bytes, gate: threading.Barrier = gate) -> None:
            gate.wait()
            town.send(xml)

        phones = [threading.Thread(target=send, args=(xml,)) for xml in xmls]
        for phone in phones:
            phone.start()
        for phone in phones:
            phone.join()
    assert sorted(of_households(town)) == [f"house-{number}" for number in range(4)]
    with town.reference.database.read() as connection:
        assert sum(shelved(connection)["households"].values()) == 4
    assert town.ask().total.houses.visited == 4
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before


def plan(connection: Connection, statement: str, values: Any = None) -> set[str]:
    """The partitions that PostgreSQL looks into."""
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF, VERBOSE) {statement}", values).scalars()
    words = " ".join(rows).split()
    return {word.removeprefix("public_shelves.") for word in words if word.startswith("public_shelves.")} & {
        f"{table}_{shelf}" for table in TABLES for shelf in range(97)
    }


def test_a_lookup_by_key_looks_into_one_province(town: Town) -> None:
    town.send(town.write(people=[person()], commune=0))
    town.send(town.write(people=[person()], commune=8))
    database = town.reference.database
    (south,) = [seq for seq in _seqs(town) if shelf_of_household(seq) == BAC_KAN]
    asked: list[tuple[str, Any]] = []
    with database.read() as connection:
        cells = [cell.id for cell in tallies.cells(connection) if cell.id // CELLS == BAC_KAN]
        event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        follow_up.people(database, connection, [south])
        tallies.states_on(database, connection, 1, 10**6, cells)
        tallies.by_day(database, connection, 1, cells, 10**6)
        tallies.houses(database, connection, "covid19", cells)
        seen = set().union(*(plan(connection, *each) for each in list(asked)))
        for table in ("people", "doses", "findings"):
            seen |= plan(connection, f"DELETE FROM {table} WHERE household_seq = %s", (south,))
        seen |= plan(connection, "DELETE FROM households WHERE seq = %s", (south,))
        assert plan(connection, "SELECT * FROM people") > {f"people_{BAC_KAN}", f"people_{CAO_BANG}"}
    assert seen == {f"{table}_{BAC_KAN}" for table in TABLES} - {f"house_tallies_{BAC_KAN}"}


def _seqs(town: Town) -> list[int]:
    with town.reference.database.read() as connection:
        return list(connection.scalars(select(tables.households.c.seq)))


DETACH = ("people", "doses", "findings", "households", "tallies", "house_tallies", "house_totals")


def test_a_province_is_taken_out_and_put_back(town: Town) -> None:
    """The statements are those of docs/OPERATIONS.md."""
    for commune in (0, 1, 8):
        town.send(town.write(people=[person()] * 2, commune=commune))
    before = town.everything()
    database = town.reference.database
    with database.write() as connection:
        for table in DETACH:
            connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION public_shelves.{table}_{CAO_BANG}"))
    with database.read() as connection:
        assert shelved(connection)["people"] == {BAC_KAN: 4}
    town.send(town.write(people=[person()], instance="uuid:meanwhile", commune=0))
    with database.write() as connection:
        for table in reversed(DETACH):
            first, end = shelves.bounds(table, CAO_BANG)
            connection.execute(
                text(
                    f"ALTER TABLE {table} ATTACH PARTITION public_shelves.{table}_{CAO_BANG} "
                    f"FOR VALUES FROM ({first}) TO ({end})"
                )
            )
    with database.read() as connection:
        assert shelved(connection)["people"] == {BAC_KAN: 5, CAO_BANG: 2}
    assert before["register"]["people"][0] in town.everything()["register"]["people"]  # type: ignore[index]
    kept = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == kept


def test_cells_made_before_their_province_was_known_go_to_its_shelf_with_a_rebuild(bare: Town) -> None:
    for commune in (0, 8):
        bare.send(bare.write(people=[person()] * 2, commune=commune))
    assert {shelf for shelf, _ in of_households(bare).values()} == {0}
    # Withdrawn from the figures, and put under the two provinces: their codes are known from here on.
    with bare.reference.database.write() as connection:
        for row, code in enumerate(("06", "04")):
            connection.execute(
                text(
                    "INSERT INTO units SELECT set_id, level, :code, name, parent_code, area_km2, west, south, east, "
                    "north, wkb FROM units WHERE set_id = 'squares' AND level = 'province' AND code = 'P'"
                ),
                {"code": code},
            )
            connection.execute(
                text("UPDATE units SET parent_code = :code WHERE set_id = 'squares' AND code = :district"),
                {"code": code, "district": "SN"[row]},
            )
        connection.execute(text("UPDATE facts SET value = (value::int + 1)::text WHERE name = 'revision'"))
        connection.execute(text("UPDATE boundary_sets SET imported_at = 'anew' WHERE id = 'squares'"))
        shelves.make_known(bare.reference.database, connection)
    before = bare.everything()
    rebuilding.rebuild(bare.reference)
    assert bare.everything() == before
    assert sorted(shelf for shelf, _ in of_households(bare).values()) == [CAO_BANG, BAC_KAN]
    with bare.reference.database.read() as connection:
        assert shelved(connection)["tallies"].keys() == {CAO_BANG, BAC_KAN}
    bare.send(bare.write(people=[person()], commune=0))
    with bare.reference.database.read() as connection:
        assert shelved(connection)["house_totals"] == {BAC_KAN: 1, CAO_BANG: 1}


def test_a_move_from_sqlite_puts_every_province_on_its_shelf(sqlite_town: Town, postgres_server: Server) -> None:
    divided(sqlite_town)
    for commune in (0, 8):
        sqlite_town.send(sqlite_town.write(people=[person()] * 2, commune=commune))
    before, numbers = sqlite_town.everything(), of_households(sqlite_town)
    assert {shelf for shelf, _ in numbers.values()} == {BAC_KAN, CAO_BANG}
    with postgres_server.database() as url:
        assert moving.move(sqlite_town.reference.database, url).complete
        database = Database(url)
        there = Town(Reference(database), sqlite_town.files, sqlite_town.writers, numbers=100)
        assert (there.everything(), of_households(there)) == (before, numbers)
        there.send(there.write({"household.hamlet": HAMLETS[0][1]}, people=[person()], commune=0))
        with database.read() as connection:
            assert shelved(connection)["people"] == {BAC_KAN: 3, CAO_BANG: 2}
            assert {cell.id // CELLS for cell in tallies.cells(connection)} == {BAC_KAN, CAO_BANG}
        database.close()


def looked_at(database: Database) -> dict[str, float]:
    """How many rows PostgreSQL takes two tables over partitions to have; -1 where it never looked."""
    asked = text("SELECT relname, reltuples FROM pg_class WHERE relname IN ('households', 'people') AND relkind = 'p'")
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(asked)}


def test_postgresql_knows_the_tables_over_partitions_after_all_that_fills_them(
    sqlite_town: Town, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for commune in (1, 8, 9):
        sqlite_town.send(sqlite_town.write(people=[person()] * 2, commune=commune))
    with postgres_server.database() as url:
        assert moving.move(sqlite_town.reference.database, url).complete
        database = Database(url)
        reference = Reference(database)
        there = Town(reference, sqlite_town.files, sqlite_town.writers, numbers=100)
        try:
            assert looked_at(database) == {"households": 3, "people": 6}
            there.send(there.write(people=[person()], commune=2))
            rebuilding.rebuild(reference)
            assert looked_at(database) == {"households": 3, "people": 6}, "so few are not worth it"
            monkeypatch.setattr(rebuilding, "MANY", 4)
            rebuilding.rebuild(reference, processes=1)
            assert looked_at(database) == {"households": 4, "people": 7}
            there.send(there.write(people=[person()], commune=3))
            monkeypatch.setattr(set_placing, "MANY", 5)
            there.import_strips()
            assert looked_at(database) == {"households": 5, "people": 8}
            assert shelves.analyse(database, older_than_h=24) == []
            assert shelves.analyse(database) == sorted(TABLES)
        finally:
            database.close()
    assert shelves.analyse(sqlite_town.reference.database) == []
