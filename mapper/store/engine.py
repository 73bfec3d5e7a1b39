"""The engine of a database by its address: the driver, how long it is waited for, and how SQLite is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from mapper.errors import InvalidInput, Unavailable, mark

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for another process before giving up."""

_DRIVERS = frozenset({"sqlite", "sqlite+pysqlite", "postgresql", "postgres", "postgresql+psycopg"})

CONNECT_S = 10
"""How long a PostgreSQL server may take to answer at all, unless its address says otherwise (?connect_timeout=...)."""

ALIVE = {"idle": 10, "interval": 5, "count": 3}
"""Seconds after which a silent line to PostgreSQL is asked whether it lives, and how often: a machine that was cut off
is noticed within 25 s on both ends, and what its transactions held is free for the others."""

_UNANSWERED_MS = 20_000
_ALIVE_HERE = {"keepalives": 1, "tcp_user_timeout": _UNANSWERED_MS} | {f"keepalives_{k}": v for k, v in ALIVE.items()}
_ALIVE_THERE = " ".join(
    [*(f"-c tcp_keepalives_{name}={value}" for name, value in ALIVE.items()), f"-c tcp_user_timeout={_UNANSWERED_MS}"]
)


def open_engine(url: str) -> Engine:
    """The engine of an address, whose transactions somebody else begins and ends; a SQLite file's folder is made.

    Raises InvalidInput for an address of no database that this product keeps its data in, Unavailable where the folder
    of a file cannot be made.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        if _is_file(address.database):
            _make_folder(Path(str(address.database)).parent)
        options: dict[str, Any] = {"timeout": 30, "check_same_thread": False}
    else:
        address = address.set(drivername="postgresql+psycopg")
        ours = {"connect_timeout": CONNECT_S, **_ALIVE_HERE, "options": _ALIVE_THERE}
        options = {name: value for name, value in ours.items() if name not in address.query}
    engine = create_engine(
        address, hide_parameters=True, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=options
    )
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def file_of(engine: Engine) -> Path | None:
    """The file of a SQLite database; None where it has none, as in memory."""
    is_file = engine.dialect.name == "sqlite" and _is_file(engine.url.database)
    return Path(str(engine.url.database)) if is_file else None


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.drivername not in _DRIVERS:
        # The address itself is not repeated: it may hold a password.
        raise InvalidInput(
            mark(
                "MAPPER_DATABASE_URL is no address of a PostgreSQL database. Write postgresql://user:password@host/name."
            )
        )
    return address


def _is_file(name: str | None) -> bool:
    return bool(name) and name != ":memory:" and not str(name).startswith("file:")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise Unavailable(
            mark("The data folder {folder} cannot be used ({fault}). Set another one: MAPPER_DATA_DIR."),
            folder=str(folder),
            fault=fault.strerror or type(fault).__name__,
        ) from fault


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()
