"""A rebuild on a real Dask cluster of two workers ends with the same as in one process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mapper.errors import Unavailable
from mapper.services import cluster, rebuilding
from mapper.services.cluster import Cluster
from tests.conftest import missing
from tests.services.test_rebuilding import tell
from tests.services.town import Town

CHECKOUT = Path(__file__).resolve().parents[2]


def falls_over(_data: bytes, _raws: object) -> None:
    raise MemoryError


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    try:
        from distributed import LocalCluster
    except ImportError:
        missing("no distributed here: install requirements-dev.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")]))
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
            yield made.scheduler_address


def test_workers_of_a_cluster_read_to_the_same_end_as_one_process(
    town: Town, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = tell(town)
    kept = town.everything()
    rebuilding.rebuild(town.reference, processes=1)
    assert (town.everything(), town.states()) == (kept, states)
    here: list[int] = []
    read = rebuilding.read_all
    monkeypatch.setattr(rebuilding, "read_all", lambda known, raws: here.append(len(raws)) or read(known, raws))
    reading = Cluster(scheduler)
    assert reading.workers == 2
    done = rebuilding.rebuild(town.reference, batch=2, cluster=reading)
    assert (town.everything(), town.states()) == (kept, states)
    assert sum(here) < done / 2  # the others read most of it


@pytest.mark.parametrize("fails", ["before it is asked", "while it reads"])
def test_a_cluster_that_fails_leaves_everything_as_it_was(sqlite_town: Town, scheduler: str, fails: str) -> None:
    town = sqlite_town
    tell(town)
    kept = town.everything()
    reading = Cluster(scheduler)
    if fails == "before it is asked":
        reading._executor.shutdown()
    else:
        submit = reading.submit
        reading.submit = lambda _work, data, raws: submit(falls_over, data, raws)  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="nothing was changed"):
        rebuilding.rebuild(town.reference, batch=2, cluster=reading)
    assert town.everything() == kept


def test_an_address_where_nobody_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    with pytest.raises(Unavailable, match="does not answer"):
        Cluster("tcp://127.0.0.1:9")
