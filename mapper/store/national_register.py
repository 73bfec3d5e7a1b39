"""Extracts of the national register, their people, the layouts they came in, and what was decided about pairs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select

from mapper.domain.people import Dose
from mapper.store import tables
from mapper.store.database import Database

_e, _r, _l, _d = (
    tables.register_extracts,
    tables.register_rows,
    tables.register_layouts,
    tables.register_decisions,
)
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Extract:
    """An uploaded file; see tables.national. user_name: None where its account is gone."""

    id: int
    campaign_id: str
    set_id: str
    file_name: str
    sha256: str
    user_id: int | None
    at: str
    people: int | None
    skipped: int | None
    user_name: str | None = None


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A person of an extract; see tables.national."""

    row: int
    code: str
    name: str
    born_on: date | None
    birth_precision: str
    sex: str
    phone: str
    national_id: str
    commune_code: str
    commune: str
    hamlet: str
    unit_code: str | None
    doses: tuple[Dose, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was last said of a pair; same None: taken back."""

    seq: int
    theirs: str
    ours: str
    same: bool | None
    user_name: str | None
    at: str


def add_extract(
    connection: Connection, campaign_id: str, set_id: str, file_name: str, sha256: str, user_id: int | None, at: str
) -> int:
    """Keep an uploaded file, whose content is the blob of that SHA-256; its number."""
    added = connection.execute(
        _e.insert().values(
            campaign_id=campaign_id, set_id=set_id, file_name=file_name, sha256=sha256, user_id=user_id, at=at
        )
    )
    (number,) = added.inserted_primary_key or (0,)
    return int(number)


def extracts(connection: Connection, campaign_id: str) -> list[Extract]:
    """The files of a campaign, the newest first."""
    u = tables.users
    rows = connection.execute(
        select(_e, u.c.name)
        .outerjoin(u, u.c.id == _e.c.user_id)
        .where(_e.c.campaign_id == campaign_id)
        .order_by(_e.c.id.desc())
    )
    return [Extract(*row) for row in rows]


def extract(connection: Connection, number: int) -> Extract | None:
    """A file by its number."""
    row = connection.execute(select(_e).where(_e.c.id == number)).first()
    return Extract(*row) if row else None


def take(connection: Connection, number: int, rows: Iterable[KeptRow], skipped: int) -> int:
    """Keep the people of an extract, in the place of those kept before; how many they are."""
    connection.execute(_r.delete().where(_r.c.extract_id == number))
    people, left = 0, iter(rows)
    while some := [_values(number, one) for one in islice(left, _AT_ONCE)]:
        connection.execute(_r.insert(), some)
        people += len(some)
    connection.execute(_e.update().where(_e.c.id == number).values(people=people, skipped=skipped))
    return people


def unplaced(connection: Connection, number: int) -> list[tuple[str, str, int]]:
    """Code and name of each commune as told of which no unit is known, and its people, most of them first."""
    people = func.count()
    rows = connection.execute(
        select(_r.c.commune_code, _r.c.commune, people)
        .where(_r.c.extract_id == number, _r.c.unit_code.is_(None))
        .group_by(_r.c.commune_code, _r.c.commune)
        .order_by(people.desc(), _r.c.commune, _r.c.commune_code)
    )
    return [(code, name, count) for code, name, count in rows]


def place(connection: Connection, number: int, commune_code: str, commune: str, unit_code: str) -> int:
    """Say which unit a commune that was told so is, where none is known; of how many people."""
    told = _r.c.extract_id == number, _r.c.commune_code == commune_code, _r.c.commune == commune
    changed = connection.execute(_r.update().where(*told, _r.c.unit_code.is_(None)).values(unit_code=unit_code))
    return changed.rowcount


def delete(connection: Connection, number: int) -> None:
    """Delete an extract with its people; the file itself goes too, unless another extract is of the same."""
    sha256 = connection.scalar(select(_e.c.sha256).where(_e.c.id == number))
    connection.execute(_r.delete().where(_r.c.extract_id == number))
    connection.execute(_e.delete().where(_e.c.id == number))
    b, media, sent = tables.blobs, tables.form_media, tables.attachments
    used = [connection.scalar(select(func.count()).where(each.c.sha256 == sha256)) for each in (_e, media, sent)]
    if sha256 is not None and not any(used):
        connection.execute(b.delete().where(b.c.sha256 == sha256))


def _values(number: int, one: KeptRow) -> dict[str, object]:
    doses = [
        [dose.code, dose.given_on.isoformat() if dose.given_on else None, dose.vaccine, dose.lot] for dose in one.doses
    ]
    named = {name: getattr(one, name) for name in KeptRow.__dataclass_fields__ if name != "doses"}
    return {"extract_id": number, **named, "doses": json.dumps(doses, ensure_ascii=False)}


def rows(connection: Connection, number: int) -> list[KeptRow]:
    """The people of an extract in the file's order."""
    found = connection.execute(select(_r).where(_r.c.extract_id == number).order_by(_r.c.row))
    made = []
    for one in found:
        facts: dict[str, Any] = {name: value for name, value in one._mapping.items() if name != "extract_id"}
        made.append(KeptRow(**{**facts, "doses": tuple(map(_dose, json.loads(one.doses)))}))
    return made


def _dose(told: Sequence[str | None]) -> Dose:
    code, given, vaccine, lot = told
    return Dose(code or "", date.fromisoformat(given) if given else None, vaccine, lot)


def layout(connection: Connection, campaign_id: str, key: str) -> dict[str, int] | None:
    """What was last said of a layout's columns; None where nobody said anything."""
    said = connection.scalar(select(_l.c.said).where(_l.c.campaign_id == campaign_id, _l.c.key == key))
    return json.loads(said) if said else None


def remember(
    database: Database,
    connection: Connection,
    campaign_id: str,
    key: str,
    said: dict[str, int],
    user_id: int | None,
    at: str,
) -> None:
    """Keep what was said of a layout's columns."""
    values = {"said": json.dumps(said), "user_id": user_id, "at": at}
    connection.execute(
        database.insert(_l)
        .values(campaign_id=campaign_id, key=key, **values)
        .on_conflict_do_update(index_elements=["campaign_id", "key"], set_=values)
    )


def decide(
    connection: Connection, campaign_id: str, theirs: str, ours: str, same: bool | None, user_id: int | None, at: str
) -> None:
    """Enter what was decided about a pair."""
    connection.execute(
        _d.insert().values(campaign_id=campaign_id, theirs=theirs, ours=ours, same=same, user_id=user_id, at=at)
    )


def decisions(connection: Connection, campaign_id: str) -> list[Decided]:
    """What holds of each pair that anything was said of, in the order said; what was taken back left out."""
    u = tables.users
    newest = select(func.max(_d.c.seq)).where(_d.c.campaign_id == campaign_id).group_by(_d.c.theirs, _d.c.ours)
    found = connection.execute(
        select(_d.c.seq, _d.c.theirs, _d.c.ours, _d.c.same, u.c.name, _d.c.at)
        .outerjoin(u, u.c.id == _d.c.user_id)
        .where(_d.c.seq.in_(newest), _d.c.same.is_not(None))
        .order_by(_d.c.seq)
    )
    return [Decided(*row) for row in found]
