"""An empty, migrated database of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mapper.store import schema
from mapper.store.database import Database
from tests.postgres import Server
from tests.ready import Lent, filled_postgres, filled_sqlite, sqlite_copy


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema and nothing in it."""
    return filled_sqlite(tmp_path_factory.mktemp("migrated"), schema.upgrade)


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Server) -> Iterator[Lent]:
    """A database with the schema and nothing in it, for one test after another."""
    with filled_postgres(postgres_server, schema.upgrade) as url, closing(Lent(url)) as lent:
        yield lent


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database, of each kind in turn."""
    if request.param == "sqlite":
        yield sqlite_copy(request.getfixturevalue("migrated_sqlite"), tmp_path)
    else:
        lent: Lent = request.getfixturevalue("migrated_postgres")
        yield lent.url
        lent.restore()


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """Of each kind in turn, its schema made."""
    opened = Database(migrated_url)
    yield opened
    opened.close()
