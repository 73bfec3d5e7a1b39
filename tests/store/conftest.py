"""An empty, migrated database of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from mapper.store import schema
from mapper.store.database import Database

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Of each kind in turn, its schema made."""
    opened = Database(database_url)
    schema.upgrade(opened)
    yield opened
    opened.close()
