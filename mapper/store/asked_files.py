"""Files that users asked for: how each stands, and on PostgreSQL its bytes, which every machine then has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields

from sqlalchemy import Connection, delete, select, update

from mapper.store import tables

_f, _p = tables.asked_files, tables.asked_file_pieces


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A file that was asked for, as it is kept. query, allowed: JSON. asked_at, told_at: ISO times."""

    id: str
    user_id: int
    allowed: str
    name: str
    media_type: str
    query: str
    language: str
    asked_at: str
    told_at: str
    state: str
    share: float
    to_stop: bool
    file: str
    number: int
    size: int


_COLUMNS = [_f.c[one.name] for one in fields(AskedRow)]


def add(connection: Connection, row: AskedRow) -> None:
    """Keep what was asked for."""
    connection.execute(_f.insert().values(dict(zip(AskedRow.__dataclass_fields__, astuple(row), strict=True))))


def change(connection: Connection, file_id: str, told: Mapping[str, object]) -> None:
    """Set columns of a file."""
    connection.execute(update(_f).where(_f.c.id == file_id).values(**told))


def to_stop(connection: Connection, file_id: str) -> bool:
    """Whether nobody wants a file any more."""
    return bool(connection.scalar(select(_f.c.to_stop).where(_f.c.id == file_id)))


def of_user(connection: Connection, user_id: int) -> list[AskedRow]:
    """What a user asked for, the newest first."""
    statement = select(*_COLUMNS).where(_f.c.user_id == user_id).order_by(_f.c.asked_at.desc(), _f.c.id)
    return [AskedRow(*row) for row in connection.execute(statement)]


def any_before(connection: Connection, moment: str) -> bool:
    """Whether there are files that were asked for before an ISO time."""
    return connection.scalar(select(_f.c.id).where(_f.c.asked_at < moment).limit(1)) is not None


def forget_before(connection: Connection, moment: str) -> None:
    """Take out files that were asked for before an ISO time, with their bytes."""
    connection.execute(delete(_f).where(_f.c.asked_at < moment))


def keep_piece(connection: Connection, file_id: str, position: int, content: bytes) -> None:
    """Keep some bytes of a file, position: 0, 1, 2 ..."""
    connection.execute(_p.insert().values(file_id=file_id, position=position, content=content))


def with_pieces(connection: Connection, user_id: int) -> set[str]:
    """The files of a user whose bytes are here."""
    found = select(_p.c.file_id).join(_f, _f.c.id == _p.c.file_id).where(_f.c.user_id == user_id, _p.c.position == 0)
    return set(connection.scalars(found))


def pieces(connection: Connection, file_id: str) -> Iterator[bytes]:
    """The bytes of a file in their order."""
    position = 0
    while (
        content := connection.scalar(select(_p.c.content).where(_p.c.file_id == file_id, _p.c.position == position))
    ) is not None:
        yield bytes(content)
        position += 1


def forget_pieces(connection: Connection, file_ids: list[str]) -> None:
    """Take out the bytes of some files."""
    connection.execute(delete(_p).where(_p.c.file_id.in_(file_ids)))
