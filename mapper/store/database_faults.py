"""What a database that fails is to whoever asked: tell the phone to come again, make room, restore a backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DatabaseError

from mapper.errors import InvalidInput, NoRoom, Unavailable, mark


@contextmanager
def faults() -> Iterator[None]:
    """A database that does not answer is a fault on this side: phones are to try again."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError, psycopg.DatabaseError) as fault:
        cause = fault.orig if isinstance(fault, DatabaseError) else fault
        if _lacks_schema(cause):
            raise Unavailable(
                mark(
                    "The database lacks a table of this release. If it is a new one, restart the server, which makes "
                    "its tables; else restore a backup."
                )
            ) from fault
        if isinstance(cause, psycopg.DataError) and "NUL" in str(cause):
            raise InvalidInput(
                mark("What was typed holds a character that no text has (NUL). Type it again.")
            ) from fault
        if isinstance(cause, psycopg.errors.ProgramLimitExceeded):
            raise  # a text too long for an index stays too long: trying again is no cure
        if _is_full(cause):
            raise NoRoom(
                mark(
                    "The disk of the server's database is full. Nothing that it has received is lost. Send it again "
                    "later, and tell whoever looks after the server."
                )
            ) from fault
        if isinstance(cause, sqlite3.OperationalError | psycopg.OperationalError):
            raise Unavailable(mark("The database does not answer. Try again in a moment.")) from fault
        if getattr(cause, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise Unavailable(
                mark(
                    "The database file is damaged, or is none. Restore a backup, or set another folder: "
                    "MAPPER_DATA_DIR."
                )
            ) from fault
        raise


def _is_full(cause: BaseException | None) -> bool:
    return isinstance(cause, psycopg.errors.DiskFull) or getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL


def _lacks_schema(cause: BaseException | None) -> bool:
    """Whether a statement found no such table or column; SQLite tells it by its words alone."""
    if isinstance(cause, sqlite3.OperationalError):
        return str(cause).startswith(("no such table", "no such column"))
    return isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn)
