"""A server that is killed at any moment of intake loses nothing that a phone holds for received.

Two hundred such moments, on each database: ``python bench/faults.py``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ground import Crowd, Ground, Nursery, check, ground, sqlite_in, token_of
from tests.faults.killing import kill_at_random
from tests.postgres import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path, started: Nursery) -> Iterator[Ground]:
    """An installation on each database in turn."""
    if request.param == "sqlite":
        with ground(sqlite_in(tmp_path / "data"), tmp_path / "data", started) as made:
            yield made
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database() as url, ground(url, tmp_path / "data", started) as made:
        yield made


def test_killed_three_times_while_phones_send_nothing_received_is_lost_and_figures_are_a_rebuilds(here: Ground) -> None:
    crowd = Crowd(here, token_of(here.database_url), number=4, seed=1)
    told = kill_at_random(here, crowd, 3, random.Random(20261123))
    assert crowd.refused == []
    assert told.in_flight > 0, "no POST was under way at any kill"
    found = check(here.database_url, crowd.promises)
    assert found.submissions >= len(crowd.promises) > 10


def test_a_server_leads_its_group_as_soon_as_it_is_told_of_so_that_none_survives_its_kill(
    started: Nursery, tmp_path: Path
) -> None:
    here = Ground(started, sqlite_in(tmp_path / "data"), tmp_path / "data")
    for _ in range(5):
        here.start(wait=False)
        assert here.process is not None
        assert os.getpgid(here.process) == here.process
        here.kill()
