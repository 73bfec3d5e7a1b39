"""What seldom changes: campaigns, forms and their media, hamlets, boundary sets and units.

Every change raises the revision, so that each process knows when to read again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, select, update

from mapper.store import tables
from mapper.store.database import Database, driver_of

_f = tables.facts


def revision(database: Database, connection: Connection) -> int:
    """A number that rises with every change of reference data."""
    rows = database.prepared("revision", lambda: select(_f.c.value).where(_f.c.name == bindparam("fact"))).rows(
        driver_of(connection), {"fact": "revision"}
    )
    return int(rows[0][0]) if rows else 0


def raise_revision(database: Database, connection: Connection) -> None:
    """Tell every process that reference data has changed."""
    set_fact(database, connection, "revision", str(revision(database, connection) + 1))


def fact(connection: Connection, name: str) -> str | None:
    """A fact about this installation, or None."""
    return connection.scalar(select(_f.c.value).where(_f.c.name == name))


def facts_named(connection: Connection, beginning: str) -> list[tuple[str, str]]:
    """Facts whose names begin so, with their values."""
    rows = connection.execute(select(_f.c.name, _f.c.value).where(_f.c.name.startswith(beginning, autoescape=True)))
    return [(name, value) for name, value in rows]


def set_fact(database: Database, connection: Connection, name: str, value: str) -> None:
    """Keep a fact about this installation."""
    connection.execute(
        database.insert(_f)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def forget_fact(connection: Connection, name: str) -> None:
    """Keep a fact no longer."""
    connection.execute(delete(_f).where(_f.c.name == name))


def keep_fact(database: Database, connection: Connection, name: str, value: str) -> str:
    """The fact as it is, or this value from now on where there is none."""
    connection.execute(database.insert(_f).values(name=name, value=value).on_conflict_do_nothing())
    return fact(connection, name) or value


# Campaigns


def save_campaign(
    database: Database, connection: Connection, campaign_id: str, toml: str, series: Sequence[tuple[str, str]], at: str
) -> None:
    """Keep a campaign's file and number its series (group code, dose code); numbers once given stay."""
    connection.execute(
        database.insert(tables.campaigns)
        .values(id=campaign_id, toml=toml, published_at=at)
        .on_conflict_do_update(index_elements=["id"], set_={"toml": toml, "published_at": at})
    )
    for group_code, dose_code in series:
        connection.execute(
            database.insert(tables.series)
            .values(campaign_id=campaign_id, group_code=group_code, dose_code=dose_code)
            .on_conflict_do_nothing()
        )


def campaigns(connection: Connection) -> list[tuple[str, str]]:
    """(id, file) of every campaign, the oldest first."""
    c = tables.campaigns
    return [
        (row.id, row.toml) for row in connection.execute(select(c.c.id, c.c.toml).order_by(c.c.published_at, c.c.id))
    ]


def series_ids(connection: Connection, campaign_id: str) -> dict[tuple[str, str], int]:
    """Numbers of a campaign's series by (group code, dose code)."""
    s = tables.series
    rows = connection.execute(select(s.c.group_code, s.c.dose_code, s.c.id).where(s.c.campaign_id == campaign_id))
    return {(row.group_code, row.dose_code): row.id for row in rows}


# Forms


@dataclass(frozen=True, slots=True)
class FormVersion:
    """A published form version, without its XML. model: the JSON that the formats room reads back."""

    form_id: str
    version: str
    title: str
    md5: str
    model: str
    campaign_id: str | None
    published_at: str
    current: bool


_FORM_COLUMNS = tuple(
    tables.forms.c[name]
    for name in ("form_id", "version", "title", "md5", "model", "campaign_id", "published_at", "current")
)


def form(connection: Connection, form_id: str, version: str) -> FormVersion | None:
    """One version of a form, or None."""
    f = tables.forms
    row = connection.execute(select(*_FORM_COLUMNS).where(f.c.form_id == form_id, f.c.version == version)).first()
    return FormVersion(*row) if row else None


def has_form(connection: Connection, form_id: str) -> bool:
    """Whether any version of that form was ever published."""
    return (
        connection.scalar(select(tables.forms.c.form_id).where(tables.forms.c.form_id == form_id).limit(1)) is not None
    )


def form_models(connection: Connection) -> list[str]:
    """The model of every form version ever published, as JSON."""
    return list(connection.scalars(select(tables.forms.c.model)))


def current_forms(connection: Connection) -> list[FormVersion]:
    """The version of each form that phones are offered, by form id."""
    f = tables.forms
    return [
        FormVersion(*row) for row in connection.execute(select(*_FORM_COLUMNS).where(f.c.current).order_by(f.c.form_id))
    ]


def xform(connection: Connection, form_id: str, version: str) -> bytes | None:
    """The XForm exactly as its hash was taken, or None."""
    f = tables.forms
    content = connection.scalar(select(f.c.xform).where(f.c.form_id == form_id, f.c.version == version))
    return None if content is None else bytes(content)


def save_form(connection: Connection, new: FormVersion, xform: bytes) -> None:
    """Add a form version; it becomes the one offered to phones."""
    f = tables.forms
    connection.execute(update(f).where(f.c.form_id == new.form_id).values(current=False))
    connection.execute(
        f.insert().values(
            form_id=new.form_id,
            version=new.version,
            title=new.title,
            xform=xform,
            md5=new.md5,
            model=new.model,
            campaign_id=new.campaign_id,
            published_at=new.published_at,
            current=True,
        )
    )


def make_current(connection: Connection, form_id: str, version: str) -> None:
    """Offer this version to phones, and no other of the form."""
    f = tables.forms
    connection.execute(update(f).where(f.c.form_id == form_id).values(current=False))
    connection.execute(update(f).where(f.c.form_id == form_id, f.c.version == version).values(current=True))


@dataclass(frozen=True, slots=True)
class Media:
    """A media file of a form version; its content is the blob of that SHA-256."""

    name: str
    sha256: str
    md5: str


def media(connection: Connection, form_id: str, version: str) -> list[Media]:
    """Media files of a form version, by name."""
    m = tables.form_media
    rows = connection.execute(
        select(m.c.name, m.c.sha256, m.c.md5).where(m.c.form_id == form_id, m.c.version == version).order_by(m.c.name)
    )
    return [Media(*row) for row in rows]


def save_media(connection: Connection, form_id: str, version: str, files: Sequence[Media]) -> None:
    """Set the media files of a form version; their blobs are kept already."""
    m = tables.form_media
    connection.execute(delete(m).where(m.c.form_id == form_id, m.c.version == version))
    if files:
        connection.execute(
            m.insert(),
            [{"form_id": form_id, "version": version, "name": f.name, "sha256": f.sha256, "md5": f.md5} for f in files],
        )


# Hamlets


@dataclass(frozen=True, slots=True)
class Hamlet:
    """A hamlet of a commune's list; households expected there, None where the list does not say."""

    code: str
    label: str
    commune_code: str
    households: int | None


def save_hamlets(database: Database, connection: Connection, hamlets: Sequence[Hamlet]) -> None:
    """Add hamlets or correct them; none is ever removed, since households may point at it."""
    h = tables.hamlets
    for hamlet in hamlets:
        values = {"label": hamlet.label, "commune_code": hamlet.commune_code, "households": hamlet.households}
        connection.execute(
            database.insert(h)
            .values(code=hamlet.code, **values)
            .on_conflict_do_update(index_elements=["code"], set_=values)
        )


def hamlets(connection: Connection) -> list[Hamlet]:
    """Every hamlet, by code."""
    h = tables.hamlets
    return [
        Hamlet(*row)
        for row in connection.execute(select(h.c.code, h.c.label, h.c.commune_code, h.c.households).order_by(h.c.code))
    ]


# Boundary sets


class SetState(StrEnum):
    """How far a boundary set is.

    ARRIVING: its units are being written, and nobody reads it; PLACING: households that were here before it are being
    placed; SHOWN: readers may ask for it; WITHDRAWN: no more.
    """

    ARRIVING = "arriving"
    PLACING = "placing"
    SHOWN = "shown"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class BoundarySet:
    """A boundary set without its units. levels: outermost first; report: findings of its import, as JSON.

    trial: in force on no day, only to be looked at beside others.
    """

    id: str
    label: str
    valid_from: date | None
    valid_to: date | None
    approximate: bool
    source: str
    levels: tuple[str, ...]
    report: str
    imported_at: str
    state: SetState = SetState.SHOWN
    trial: bool = False


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit of a set without its outline; bounds are west, south, east, north in degrees."""

    level: str
    code: str
    name: str
    parent_code: str | None
    area_km2: float
    bounds: tuple[float, float, float, float]


def save_boundary_set(
    connection: Connection, new: BoundarySet, placer: bytes, units: Sequence[tuple[UnitRow, bytes]]
) -> None:
    """Add a boundary set; placer: its point index, b"" where it follows; units with their WKB outlines, EPSG:4326."""
    connection.execute(
        tables.boundary_sets.insert().values(
            id=new.id,
            label=new.label,
            valid_from=new.valid_from,
            valid_to=new.valid_to,
            approximate=new.approximate,
            source=new.source,
            levels=json.dumps(new.levels),
            report=new.report,
            imported_at=new.imported_at,
            state=new.state,
            trial=new.trial,
        )
    )
    if placer:
        _save_index(connection, new.id, placer)
    save_units(connection, new.id, units)


def save_units(connection: Connection, set_id: str, units: Sequence[tuple[UnitRow, bytes]]) -> None:
    """Add units to a set, with their WKB outlines, EPSG:4326."""
    if not units:
        return
    connection.execute(
        tables.units.insert(),
        [
            {
                "set_id": set_id,
                "level": unit.level,
                "code": unit.code,
                "name": unit.name,
                "parent_code": unit.parent_code,
                "area_km2": unit.area_km2,
                "west": unit.bounds[0],
                "south": unit.bounds[1],
                "east": unit.bounds[2],
                "north": unit.bounds[3],
                "wkb": wkb,
            }
            for unit, wkb in units
        ],
    )


def boundary_sets(connection: Connection) -> list[BoundarySet]:
    """Every boundary set whatever its state, the newest period first."""
    b = tables.boundary_sets
    rows = connection.execute(
        select(
            b.c.id,
            b.c.label,
            b.c.valid_from,
            b.c.valid_to,
            b.c.approximate,
            b.c.source,
            b.c.levels,
            b.c.report,
            b.c.imported_at,
            b.c.state,
            b.c.trial,
        )
    )
    sets = [BoundarySet(*row[:6], tuple(json.loads(row[6])), *row[7:9], SetState(row[9]), row[10]) for row in rows]
    return sorted(sets, key=lambda s: (s.valid_from or date.min, s.imported_at), reverse=True)


def arrived(connection: Connection, set_id: str, placer: bytes) -> None:
    """All units of a set are written, and this is its point index: it can be read."""
    b = tables.boundary_sets
    _save_index(connection, set_id, placer)
    connection.execute(update(b).where(b.c.id == set_id).values(state=SetState.PLACING))


def _save_index(connection: Connection, set_id: str, content: bytes) -> None:
    connection.execute(tables.point_indexes.insert().values(set_id=set_id, content=content))


def remove_arriving(connection: Connection, set_id: str) -> None:
    """Take away a set whose arrival was cut off."""
    connection.execute(delete(tables.units).where(tables.units.c.set_id == set_id))
    connection.execute(delete(tables.point_indexes).where(tables.point_indexes.c.set_id == set_id))
    connection.execute(delete(tables.boundary_sets).where(tables.boundary_sets.c.id == set_id))


def set_state(connection: Connection, set_id: str, state: SetState) -> None:
    """Change how far a boundary set is."""
    b = tables.boundary_sets
    connection.execute(update(b).where(b.c.id == set_id).values(state=state))


def set_days(connection: Connection, set_id: str, first: date | None, last: date | None, trial: bool) -> None:
    """Change on which days a boundary set is in force."""
    b = tables.boundary_sets
    connection.execute(update(b).where(b.c.id == set_id).values(valid_from=first, valid_to=last, trial=trial))


def placer(connection: Connection, set_id: str) -> bytes | None:
    """The point index of a set, or None."""
    p = tables.point_indexes
    content = connection.scalar(select(p.c.content).where(p.c.set_id == set_id))
    return None if content is None else bytes(content)


def units(connection: Connection, set_id: str) -> list[UnitRow]:
    """All units of a set, by level and code."""
    u = tables.units
    rows = connection.execute(
        select(u.c.level, u.c.code, u.c.name, u.c.parent_code, u.c.area_km2, u.c.west, u.c.south, u.c.east, u.c.north)
        .where(u.c.set_id == set_id)
        .order_by(u.c.level, u.c.code)
    )
    return [UnitRow(*row[:5], tuple(row[5:])) for row in rows]
