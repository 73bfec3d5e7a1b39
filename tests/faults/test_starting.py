"""Several processes that start at once over an empty database make one installation of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from mapper.store import schema
from mapper.store.database import Database
from tests.faults.ground import Ground, Nursery, sqlite_in
from tests.postgres import Server


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_three_that_start_at_once_over_nothing_all_serve_with_one_schema_and_one_key(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, started: Nursery
) -> None:
    if kind == "sqlite":
        start_three(sqlite_in(tmp_path / "data"), tmp_path, started)
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database() as url:
        start_three(url, tmp_path, started)


def start_three(url: str, folder: Path, started: Nursery) -> None:
    """Three servers over one database that holds nothing; they begin within a few milliseconds."""
    places = [Ground(started, url, folder / f"machine {place}") for place in range(3)]
    for here in places:
        here.folder.mkdir()
    try:
        for here in places:
            here.start(wait=False)
        for here in places:
            here.wait()
            answer = requests.get(f"{here.url}/readyz", timeout=30)
            assert answer.json()["ready"], answer.text
    finally:
        for here in places:
            if here.alive():
                here.kill()
    database = Database(url)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [(schema.head(),)]
        keys = connection.execute(text("SELECT count(*) FROM facts WHERE name = 'secret_key'")).scalar()
    assert keys == 1
    assert schema.differences(database) == []
    database.close()
