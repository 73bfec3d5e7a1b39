"""Views for map programs on a real PostGIS: opened as QGIS does, equal to the product's figures, and without people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import pytest
from pandas.errors import DatabaseError
from sqlalchemy import Connection, create_engine, insert, select, text

from mapper.errors import Conflict, NotSupported, Unavailable
from mapper.formats.writer import InstanceWriter
from mapper.services import map_views, sites
from mapper.services.reference import Reference
from mapper.store import map_views as kept
from mapper.store import schema, tables
from mapper.store.database import Database
from mapper.store.filling import filling
from tests import postgres
from tests.conftest import missing
from tests.ready import sqlite_copy
from tests.services.town import COMMUNES, HAMLETS, Town, inside, person


@pytest.fixture(scope="module")
def with_postgis() -> Iterator[postgres.Server]:
    """A PostgreSQL of the system's, whose PostGIS the wheel's has not."""
    for binaries in postgres._binaries():
        shared = binaries.parent / "share" / "extension" / "postgis.control"
        packaged = Path("/usr/share/postgresql") / binaries.parent.name / "extension" / "postgis.control"
        if shared.exists() or (binaries.is_relative_to("/usr/lib/postgresql") and packaged.exists()):
            server = postgres._start(binaries, "", "")
            yield server
            server.stop()
            return
    missing("no PostGIS here: install the system's postgresql-postgis")


@pytest.fixture(scope="module")
def town(
    with_postgis: postgres.Server,
    town_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
    writers: dict[str, InstanceWriter],
) -> Iterator[Town]:
    """The town with houses in three communes and a site."""
    with with_postgis.database() as url:
        database, source = Database(url), Database(f"sqlite:///{town_file}")
        schema.upgrade(database)
        with source.read() as reader, database.write() as connection:
            for table in tables.metadata.sorted_tables:
                rows = [dict(row) for row in reader.execute(select(table)).mappings()]
                if rows:
                    connection.execute(insert(table), rows)
            for name in ("series", "cells", "users"):
                highest = f"(SELECT coalesce(max(id), 1) FROM {name})"
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {highest})"))
        source.close()
        made = Town(Reference(database), tmp_path_factory.mktemp("town"), writers)
        given = [("1", date(2021, 9, 1), "astrazeneca")]
        for number in range(6):
            doses = given if number % 2 else []
            made.send(made.write({"household.point": inside(0, 0.1 * number + 0.2)}, [person(doses=doses)]))
        made.send(made.write(commune=8, people=[person(doses=given), person()], hamlet=0))
        made.send(made.write({"household.point": None}, [person()], commune=3))
        station = "code,name,kind,lat,lon,capacity,cold_chain\nTYT,Trạm,fixed,22.05,105.05,100,yes\n"
        sites.take_file(made.reference, None, "sites.csv", station.encode())
        yield made
        database.close()


def layer(url: str, statement: str, role: str = kept.SCHEMA) -> Any:
    """What a program that signs in with that role alone reads."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"SET ROLE {role}"))
            return geopandas.read_postgis(text(statement), connection)  # type: ignore[attr-defined, no-untyped-call]
    finally:
        engine.dispose()


def test_a_map_program_reads_units_coverage_hamlets_and_sites_with_a_role_that_sees_no_table(town: Town) -> None:
    url = town.reference.database.engine.url.render_as_string(hide_password=False)
    assert map_views.make(town.reference) == []
    units = layer(url, "SELECT * FROM tungnha_maps.units")
    assert units.crs.to_epsg() == 4326
    assert units.groupby("level").size().to_dict() == {"commune": 14, "district": 2, "province": 1}
    assert set(units.geom_type) == {"MultiPolygon"} and units.fid.is_unique
    coverage = layer(url, "SELECT * FROM tungnha_maps.coverage WHERE group_code = '18_plus' AND dose_code = '1'")
    for level, codes in (("commune", COMMUNES), ("district", "SN"), ("province", "P")):
        own = coverage[coverage.level == level].set_index("code")
        answer = town.ask(level=level, day=date.today())
        told = {unit.code: (unit.eligible, unit.counts[1], unit.houses.visited) for unit in answer.units}
        shown = {code: (row.eligible, row.vaccinated, row.visited) for code, row in own.iterrows()}
        assert shown == {code: told[code] for code in shown} and set(shown) <= set(codes)
        assert sum(row[0] for row in shown.values()) == answer.total.eligible == 9
    first = coverage.set_index("code").loc[COMMUNES[0]]
    assert (first.eligible, first.vaccinated, first.coverage, first.few) == (6, 3, 0.5, True)
    hamlets = layer(url, "SELECT * FROM tungnha_maps.hamlets").set_index("code")
    middle = hamlets.loc[HAMLETS[0][0]].geom  # of six houses in a row, a tenth of a square apart
    assert (middle.x, middle.y) == (105.045, 22.05)
    assert hamlets.loc[HAMLETS[0][0]].positioned_houses == 6
    assert hamlets.loc[HAMLETS[8][0]].positioned_houses == 1 and hamlets.loc[HAMLETS[8][0]].geom is None
    (site,) = layer(url, "SELECT * FROM tungnha_maps.sites").itertuples()
    assert (site.code, site.geom.x, site.geom.y) == ("TYT", 105.05, 22.05)
    for table in ("public.households", "public.people", "public.sites", "tungnha_houses.households"):
        with pytest.raises(DatabaseError, match=r"permission denied|does not exist"):
            layer(url, f"SELECT * FROM {table}")


def test_houses_stand_apart_only_when_asked_for_and_go_again(town: Town) -> None:
    url = town.reference.database.engine.url.render_as_string(hide_password=False)
    assert map_views.make(town.reference, houses=True) == []
    houses = layer(url, "SELECT * FROM tungnha_houses.households", kept.HOUSES)
    assert len(houses) == 7 and not {"head", "phone", "name"} & set(houses.columns)
    with pytest.raises(DatabaseError, match="permission denied"):
        layer(url, "SELECT * FROM tungnha_houses.households")
    map_views.make(town.reference)
    with town.reference.database.read() as connection:
        assert kept.stands(connection) and not kept.stands(connection, kept.HOUSES)


def test_what_an_operator_granted_stays_and_views_that_lean_on_these_are_not_taken_along(town: Town) -> None:
    database = town.reference.database
    map_views.make(town.reference)

    def may(relation: str) -> bool:
        with database.read() as connection:
            asked = "SELECT has_table_privilege('q gis', :of, 'SELECT') AND has_schema_privilege('q gis', :in, 'USAGE')"
            return bool(connection.scalar(text(asked), {"of": relation, "in": kept.SCHEMA}))

    with database.write() as connection:
        connection.execute(text('CREATE ROLE "q gis" NOLOGIN'))
        connection.execute(text(f'GRANT USAGE ON SCHEMA {kept.SCHEMA} TO "q gis"'))
        connection.execute(text(f'GRANT SELECT ON {kept.SCHEMA}.units TO "q gis" WITH GRANT OPTION'))
    map_views.make(town.reference)
    assert may("tungnha_maps.units") and not may("tungnha_maps.coverage")
    with database.write() as connection, kept.set_aside(database, connection):
        pass
    assert may("tungnha_maps.units") and not may("tungnha_maps.coverage")
    with database.write() as connection:
        connection.execute(text("CREATE VIEW public.of_our_own AS SELECT code FROM tungnha_maps.units"))
    with pytest.raises(Conflict, match="of_our_own"):
        map_views.make(town.reference)
    with database.write() as connection:
        connection.execute(text("DROP VIEW public.of_our_own"))


def test_ways_that_stop_at_houses_are_kept_with_the_houses(town: Town) -> None:
    database = town.reference.database
    url = database.engine.url.render_as_string(hide_password=False)
    line = [(105.0, 22.0), (105.1, 22.1)]
    routes = [
        kept.Route(1, "Đội 1", date(2026, 11, 23), 480, 660, 14.2, line, False),
        kept.Route(1, "Đội 2", date(2026, 11, 23), 480, 700, 9.5, line, True),
    ]
    with database.write() as connection:
        kept.make(database, connection, routes, houses=True)
    assert list(layer(url, "SELECT * FROM tungnha_maps.routes").team) == ["Đội 1"]
    assert list(layer(url, "SELECT * FROM tungnha_houses.routes", kept.HOUSES).team) == ["Đội 2"]


def test_views_do_not_stand_in_the_way_of_a_later_schema_and_come_again(town: Town) -> None:
    database = town.reference.database
    map_views.make(town.reference, houses=True)
    with database.write() as connection, kept.set_aside(database, connection):
        assert not kept.stands(connection)
        connection.execute(text("ALTER TABLE sites ALTER COLUMN name TYPE text"))  # refused while views show it
    with database.read() as connection:
        assert kept.stands(connection) and kept.stands(connection, kept.HOUSES)


SITE = "INSERT INTO sites (code, name, kind, lat, lon, cold_chain, at) VALUES ('{}', '', '', 22, 105, true, '')"


def test_views_show_what_was_put_back_and_not_what_was_set_aside(with_postgis: postgres.Server) -> None:
    with with_postgis.database() as url:
        database = Database(url)
        schema.upgrade(database)
        with database.write() as connection:
            connection.execute(text(SITE.format("OLD")))
            kept.make(database, connection, [], houses=True)
        database.close()
        with filling(url, schema.head(), replace=True) as made:
            made.connection.execute(text(SITE.format("NEW")))
        assert list(layer(url, "SELECT * FROM tungnha_maps.sites").code) == ["NEW"]
        assert len(layer(url, "SELECT * FROM tungnha_houses.households", kept.HOUSES)) == 0


def test_an_upgrade_makes_the_views_anew(with_postgis: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_postgis.database() as url:
        database = Database(url)
        schema.upgrade(database)
        with database.write() as connection:
            kept.make(database, connection, [], houses=True)
            connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))

        def later(connection: Connection, revision: str) -> None:
            connection.execute(text("ALTER TABLE sites ALTER COLUMN name TYPE text"))  # refused while views show it
            connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})

        monkeypatch.setattr(schema, "make", later)
        schema.upgrade(database)
        with database.read() as connection:
            assert kept.stands(connection) and kept.stands(connection, kept.HOUSES)
        database.close()


def test_a_server_without_postgis_is_told_with_the_cure(postgres_server: postgres.Server) -> None:
    with postgres_server.database() as url:
        database = Database(url)
        with database.read() as connection:
            if connection.scalar(text("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'")):
                pytest.skip("the PostgreSQL of the tests has PostGIS itself")
        schema.upgrade(database)
        with pytest.raises(Unavailable, match="CREATE EXTENSION postgis"), database.write() as connection:
            kept.make(database, connection, [], houses=False)
        database.close()


def test_sqlite_has_none(town_file: Path, tmp_path: Path) -> None:
    database = Database(sqlite_copy(town_file, tmp_path))
    with pytest.raises(NotSupported, match="PostGIS"):
        map_views.make(Reference(database))
    database.close()
