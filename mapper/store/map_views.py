# ruff: noqa: S608 - what is put into statements here are names of this module's own
"""Views with geometry for map programs such as QGIS, in a schema of their own on PostgreSQL with PostGIS.

Views are read with the rights of whoever made them, so that a role which may read them needs no right to any table.
Nothing personal stands in SCHEMA: houses, and ways from house to house, are in HOUSES alone, which is not made unless
asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, ProgrammingError

from mapper.domain.ledger import ELIGIBLE
from mapper.domain.suppression import LEAST_THRESHOLD
from mapper.errors import Conflict, NotSupported, Unavailable, mark
from mapper.store.database import Database
from mapper.store.tables import STATE_COLUMNS

SCHEMA, HOUSES = "tungnha_maps", "tungnha_houses"
"""Of the views that hold nothing personal, and of those that do; each has a role of the same name that may read it."""

FEWEST_HOUSES = 5
"""A hamlet has a place on the map from so many houses on: of fewer, their middle would tell where they stand."""


@dataclass(frozen=True, slots=True)
class Route:
    """A team's day in a plan. path: longitude and latitude of two places or more. at_houses: whether it stops there."""

    plan: int
    team: str
    day: date
    begin_min: float
    end_min: float
    way_km: float
    path: Sequence[tuple[float, float]]
    at_houses: bool


_TODAY = "((now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - DATE '0001-01-01') + 1"

_LEVELS = """
    SELECT b.id AS set_id, l.name AS level, l.place, max(l.place) OVER (PARTITION BY b.id) AS innermost
    FROM public.boundary_sets b, json_array_elements_text(b.levels::json) WITH ORDINALITY AS l (name, place)
    WHERE b.state = 'shown' AND NOT b.trial
"""

_UNITS = f"""
CREATE VIEW {SCHEMA}.units AS
    SELECT row_number() OVER (ORDER BY u.set_id, u.level, u.code) AS fid, u.set_id, b.label AS set_label, b.valid_from,
        b.valid_to, u.level, u.code, u.name, u.parent_code, u.area_km2,
        ST_Multi(ST_GeomFromWKB(u.wkb, 4326))::geometry(MultiPolygon, 4326) AS geom
    FROM public.units u JOIN public.boundary_sets b ON b.id = u.set_id
    WHERE b.state = 'shown' AND NOT b.trial
"""

_WITHIN = f"""
CREATE VIEW {SCHEMA}.units_within AS
    WITH RECURSIVE levels AS ({_LEVELS}), up AS (
        SELECT u.set_id, u.code AS innermost, u.level, u.code, u.parent_code, l.place
        FROM public.units u JOIN levels l ON l.set_id = u.set_id AND l.level = u.level AND l.place = l.innermost
        UNION ALL
        SELECT up.set_id, up.innermost, u.level, u.code, u.parent_code, l.place
        FROM up JOIN levels l ON l.set_id = up.set_id AND l.place = up.place - 1
        JOIN public.units u ON u.set_id = up.set_id AND u.level = l.level AND u.code = up.parent_code
    )
    SELECT set_id, innermost, level, code FROM up
"""

_STATES = ", ".join(f"coalesce(sum(t.{name}), 0)::bigint AS {name}" for name in STATE_COLUMNS)
_ELIGIBLE = " + ".join(f"p.{state.value}" for state in sorted(ELIGIBLE))

_COVERAGE = f"""
CREATE VIEW {SCHEMA}.coverage AS
    WITH people AS (
        SELECT w.set_id, w.level, w.code, t.series_id, {_STATES}
        FROM {SCHEMA}.units_within w
        JOIN public.cell_units c ON c.set_id = w.set_id AND c.unit_code = w.innermost
        JOIN public.tallies t ON t.cell_id = c.cell_id
        WHERE t.day <= {_TODAY}
        GROUP BY w.set_id, w.level, w.code, t.series_id
    ), houses AS (
        SELECT w.set_id, w.level, w.code, h.campaign_id, sum(h.visited)::bigint AS visited,
            sum(h.interviewed)::bigint AS interviewed
        FROM {SCHEMA}.units_within w
        JOIN public.cell_units c ON c.set_id = w.set_id AND c.unit_code = w.innermost
        JOIN public.house_totals h ON h.cell_id = c.cell_id
        GROUP BY w.set_id, w.level, w.code, h.campaign_id
    )
    SELECT row_number() OVER (ORDER BY u.set_id, u.level, u.code, s.id) AS fid, s.campaign_id, s.group_code,
        s.dose_code, u.set_id, u.level, u.code, u.name, {", ".join(f"p.{name}" for name in STATE_COLUMNS)},
        {_ELIGIBLE} AS eligible, p.vaccinated::float8 / nullif({_ELIGIBLE}, 0) AS coverage,
        least(p.vaccinated, {_ELIGIBLE} - p.vaccinated) < {LEAST_THRESHOLD} AS few,
        coalesce(h.visited, 0) AS visited, coalesce(h.interviewed, 0) AS interviewed, u.geom
    FROM people p JOIN public.series s ON s.id = p.series_id
    JOIN {SCHEMA}.units u ON u.set_id = p.set_id AND u.level = p.level AND u.code = p.code
    LEFT JOIN houses h ON h.set_id = p.set_id AND h.level = p.level AND h.code = p.code
        AND h.campaign_id = s.campaign_id
"""

_HAMLETS = f"""
CREATE VIEW {SCHEMA}.hamlets AS
    SELECT row_number() OVER (ORDER BY h.code) AS fid, h.code, h.label, h.commune_code, h.households AS expected_houses,
        coalesce(m.visited, 0) AS positioned_houses,
        CASE WHEN m.visited >= {FEWEST_HOUSES} THEN ST_SetSRID(ST_MakePoint(m.lon, m.lat), 4326) END
            ::geometry(Point, 4326) AS geom
    FROM public.hamlets h LEFT JOIN (
        SELECT hamlet_code, count(DISTINCT id) AS visited, round(avg(lon)::numeric, 3)::float8 AS lon,
            round(avg(lat)::numeric, 3)::float8 AS lat
        FROM public.households WHERE point_state = 'usable' GROUP BY hamlet_code
    ) m ON m.hamlet_code = h.code
"""

_SITES = f"""
CREATE VIEW {SCHEMA}.sites AS
    SELECT row_number() OVER (ORDER BY code) AS fid, code, name, kind, capacity, cold_chain,
        ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geometry(Point, 4326) AS geom
    FROM public.sites
"""

_HOUSEHOLDS = f"""
CREATE VIEW {HOUSES}.households AS
    SELECT seq AS fid, campaign_id, id, visited_on, outcome, hamlet_code, commune_code, house_number, accuracy_m,
        ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geometry(Point, 4326) AS geom
    FROM public.households WHERE lat IS NOT NULL AND lon IS NOT NULL AND point_state IN ('usable', 'poor_accuracy')
"""


def stands(connection: Connection, schema: str = SCHEMA) -> bool:
    """Whether such views were made."""
    return bool(connection.scalar(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": schema}))


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody granted of the views. relation: "" for the schema; role: as statements name it."""

    schema: str
    relation: str
    role: str
    privilege: str
    grantable: bool


_GRANTED = f"""
    SELECT o.schema, o.relation, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        a.privilege_type, a.is_grantable
    FROM (
        SELECT n.nspname AS schema, c.relname AS relation, c.relacl AS acl, c.relowner AS owner
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        UNION ALL SELECT nspname, '', nspacl, nspowner FROM pg_namespace
    ) o, aclexplode(o.acl) a
    WHERE o.schema IN ('{SCHEMA}', '{HOUSES}') AND a.grantee <> o.owner AND pg_get_userbyid(a.grantee) <> o.schema
"""

_LEANING = f"""
    SELECT DISTINCT d.refclassid, r.ev_class::regclass::text AS name
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_class ours ON ours.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_namespace n ON n.oid = ours.relnamespace AND n.nspname IN ('{SCHEMA}', '{HOUSES}')
    JOIN pg_class theirs ON theirs.oid = r.ev_class
    JOIN pg_namespace t ON t.oid = theirs.relnamespace AND t.nspname NOT IN ('{SCHEMA}', '{HOUSES}')
"""


def drop(connection: Connection) -> list[Grant]:
    """Take the views out, as before the tables below them change; what was granted of them. The roles stay.

    Raises Conflict where somebody made views of their own over them, which would go too.
    """
    leaning = sorted({row.name for row in connection.execute(text(_LEANING))})
    if leaning:
        raise Conflict(
            mark(
                "The views for map programs are to be made anew, and others lean on them: {views}. Have their owner "
                "take those out (DROP VIEW), try again, and make them anew afterwards."
            ),
            views=", ".join(leaning),
        )
    granted = [Grant(*row) for row in connection.execute(text(_GRANTED))]
    for schema in (HOUSES, SCHEMA):
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
    return granted


def _grant_again(connection: Connection, granted: Iterable[Grant]) -> None:
    """Give what was granted before of what is there again."""
    there = {
        (row[0], row[1])
        for row in connection.execute(
            text(
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                f"WHERE n.nspname IN ('{SCHEMA}', '{HOUSES}')"
            )
        )
    }
    schemas = {schema for schema, _ in there}
    for one in granted:
        if one.schema not in schemas or (one.relation and (one.schema, one.relation) not in there):
            continue
        of = f"TABLE {one.schema}.{one.relation}" if one.relation else f"SCHEMA {one.schema}"
        more = " WITH GRANT OPTION" if one.grantable else ""
        connection.execute(text(f"GRANT {one.privilege} ON {of} TO {one.role}{more}"))


@contextmanager
def set_aside(database: Database, connection: Connection) -> Iterator[None]:
    """Without the views meanwhile, if there are any: PostgreSQL changes no column that a view shows.

    Ways come again with the next ``make``.
    """
    if database.is_sqlite or not stands(connection):
        yield
        return
    houses = stands(connection, HOUSES)
    granted = drop(connection)
    yield
    make(database, connection, [], houses)
    _grant_again(connection, granted)


def make(database: Database, connection: Connection, routes: Iterable[Route], houses: bool) -> list[str]:
    """Make the views anew and let their roles read them, and whom they were granted; the roles that could not be made.

    houses: whether those of single houses are wanted too. Raises NotSupported on SQLite, Unavailable without PostGIS,
    Conflict where others' views lean on them.
    """
    if database.is_sqlite:
        raise NotSupported(mark("Views for map programs need PostgreSQL with PostGIS. Set MAPPER_DATABASE_URL."))
    try:
        with database.attempt(connection):
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public"))
    except (DatabaseError, Unavailable) as fault:  # not allowed, not on this machine, or no answer
        raise Unavailable(
            mark("This database has no PostGIS. Have its administrator install it, and run: CREATE EXTENSION postgis;")
        ) from fault
    granted = drop(connection)
    told = list(routes)
    missing = []
    for schema in (SCHEMA, *([HOUSES] if houses else [])):
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        views = (_UNITS, _WITHIN, _COVERAGE, _HAMLETS, _SITES) if schema == SCHEMA else (_HOUSEHOLDS,)
        for view in views:
            connection.execute(text(view))
        _enter_routes(connection, schema, [one for one in told if one.at_houses == (schema == HOUSES)])
        if not _let_read(database, connection, schema):
            missing.append(schema)
    _grant_again(connection, granted)
    return missing


def _enter_routes(connection: Connection, schema: str, routes: Sequence[Route]) -> None:
    connection.execute(
        text(
            f"CREATE TABLE {schema}.routes (fid integer PRIMARY KEY, plan integer, team text, day date, "
            "begin_min float8, end_min float8, way_km float8, geom geometry(LineString, 4326))"
        )
    )
    statement = text(
        f"INSERT INTO {schema}.routes VALUES (:fid, :plan, :team, :day, :begin, :end, :way, "
        "ST_SetSRID(ST_GeomFromGeoJSON(:line), 4326))"
    )
    for number, one in enumerate(routes, 1):
        line = json.dumps({"type": "LineString", "coordinates": [list(spot) for spot in one.path]})
        values = {"fid": number, "plan": one.plan, "team": one.team, "day": one.day, "line": line}
        connection.execute(
            statement, values | {"begin": one.begin_min, "end": one.end_min, "way": round(one.way_km, 3)}
        )


def _let_read(database: Database, connection: Connection, schema: str) -> bool:
    """Let the role of a schema's name read it; whether there is such a role, or could be made."""
    if not connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = :name"), {"name": schema}):
        try:
            with database.attempt(connection):
                connection.execute(text(f"CREATE ROLE {schema} NOLOGIN"))
        except ProgrammingError:
            return False
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {schema}"))
    connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {schema}"))
    return True
