"""A rebuild, and placing everybody, on a real Dask cluster of two workers end with the same as in one process."""

from __future__ import annotations

import logging
import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import shapely

from mapper.errors import Unavailable
from mapper.geo.placing import Placer
from mapper.services import cluster, placing_ahead, rebuilding, set_points
from mapper.services.cluster import Cluster
from mapper.store.placements import Points
from tests.conftest import missing
from tests.services.test_rebuilding import tell
from tests.services.town import Town, inside, person

CHECKOUT = Path(__file__).resolve().parents[2]


def falls_over(_data: bytes, _raws: object) -> None:
    raise MemoryError


@contextmanager
def local(workers: int, *, processes: bool = True) -> Iterator[Any]:
    """A scheduler with so many workers, each a process of its own, or a thread of this one."""
    try:
        from distributed import LocalCluster
    except ImportError:
        missing("no distributed here: install requirements-dev.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")]))
        kind = {"n_workers": workers, "threads_per_worker": 1, "processes": processes, "protocol": "tcp"}
        with LocalCluster(**kind, dashboard_address="127.0.0.1:0") as made:
            yield made


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with local(2) as made:
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


def test_a_rebuild_ends_where_no_worker_answers_and_their_scheduler_stays(sqlite_town: Town, scheduler: str) -> None:
    town = sqlite_town
    tell(town)
    kept, states = town.everything(), town.states()
    reading = Cluster(scheduler)
    machines = list(reading._client.run(os.getpid).values())
    submit, given = reading.submit, 0

    def then_cut_off(*of: Any) -> Any:
        nonlocal given
        given += 1
        if given == 2:
            for each in machines:
                os.kill(each, signal.SIGSTOP)
        return submit(*of)

    reading.submit = then_cut_off  # type: ignore[method-assign]
    try:
        with pytest.raises(Unavailable, match="has answered for") as ended:
            rebuilding.rebuild(town.reference, batch=2, cluster=reading, patience_s=0.3)
    finally:
        for each in machines:
            os.kill(each, signal.SIGCONT)
    assert given > 2
    assert ended.value.facts == {"seconds": "0.3"}
    assert (town.everything(), town.states()) == (kept, states)
    rebuild_gives_the_same(town)


def rebuild_gives_the_same(town: Town) -> None:
    """This process alone makes of the submissions what there is."""
    before = town.everything()
    rebuilding.rebuild(town.reference, processes=1)
    assert town.everything() == before


# Placing


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A cluster is asked for the smallest register, four points at a time; how many it is sent each time."""
    found: list[int] = []
    submit = Cluster.submit

    def counted(asked: Cluster, work: Any, data: bytes, where: Any) -> Any:
        found.append(len(where[0]))
        return submit(asked, work, data, where)

    monkeypatch.setattr(Cluster, "submit", counted)
    monkeypatch.setattr(placing_ahead, "MANY", 1)
    monkeypatch.setattr(placing_ahead, "TOGETHER", 4)
    monkeypatch.setattr(set_points, "READ_AT_ONCE", 2)
    return found


def scattered(town: Town) -> None:
    """Households in both strips, on the line between them, in neither, and without a point."""
    for commune, east in ((0, 0.2), (2, 0.2), (2, 0.5), (2, 0.8), (1, 1.0), (3, 0.4), (6, 0.5), (5, 1.0)):
        for north in (0.1, 0.6):
            town.send(town.write({"household.point": inside(commune, east, north)}, [person()], commune=commune))
    town.send(town.write({}, [person()], commune=2))


def test_a_whole_register_is_placed_by_workers_as_by_one_process(
    town: Town, scheduler: str, sent: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    scattered(town)
    town.reference.dask = scheduler
    with caplog.at_level(logging.WARNING, "mapper"):
        town.import_strips()
    assert not caplog.records
    assert sum(sent) > 8
    assert town.ask(set_id="strips").total.houses.visited == 17
    rebuild_gives_the_same(town)


def test_a_cluster_that_is_gone_in_the_midst_leaves_the_rest_to_this_process(
    sqlite_town: Town, sent: list[int], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = sqlite_town
    scattered(town)
    with local(1, processes=False) as made:
        town.reference.dask = made.scheduler_address
        submit, given = Cluster.submit, 0

        def then_gone(*of: Any) -> Any:
            nonlocal given
            given += 1
            if given == 2:
                made.close()
            return submit(*of)

        monkeypatch.setattr(Cluster, "submit", then_gone)
        with caplog.at_level(logging.WARNING, "mapper"):
            town.import_strips()
    assert [record.message.partition(":")[0] for record in caplog.records if record.name.startswith("mapper")] == [
        "the Dask cluster failed, points are placed by this process alone"
    ]
    rebuild_gives_the_same(town)


def test_a_set_is_placed_though_its_cluster_cannot_be_reached(
    sqlite_town: Town, sent: list[int], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = sqlite_town
    scattered(town)
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    town.reference.dask = "tcp://127.0.0.1:9"
    with caplog.at_level(logging.WARNING, "mapper"):
        town.import_strips()
    assert "does not answer" in caplog.records[0].message
    assert "by this process alone" in caplog.records[0].message
    assert not sent
    assert town.ask(set_id="strips").total.houses.visited == 17


def test_points_come_back_in_order_whoever_placed_them() -> None:
    """Workers that answer late, never, or with a fault: every point is placed once, and in its turn."""
    wkb = shapely.to_wkb(shapely.box(0, 0, 1, 1))
    placer = Placer.build(["a"], [wkb])
    chance = random.Random(5)
    portions = []
    for first in range(0, 60, 3):
        seq = np.arange(first, first + 3)
        portions.append(Points(seq, seq, np.full(3, 0.5), np.where(seq % 2, 0.5, 1.5)))

    class Odd:
        """Answers each at random, some after others that came later; from some moment on it refuses."""

        workers = 3
        waiting: ClassVar[list[tuple[Future[Any], Any]]] = []
        given = 0

        def submit(self, work: Any, data: bytes, where: Any) -> Future[Any]:
            self.given += 1
            if self.given > 12:
                raise BrokenExecutor
            made: Future[Any] = Future()
            self.waiting.append((made, where))
            chance.shuffle(self.waiting)
            while len(self.waiting) > 2:
                theirs, of = self.waiting.pop()
                theirs.set_result(work(data, of))
            return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placing_ahead, "TOGETHER", 3)
        patch.setattr(placing_ahead, "PATIENCE_S", 0.01)
        found = list(placing_ahead.placed(portions, placer, placer.to_bytes, Odd()))  # type: ignore[arg-type]
    seqs = np.concatenate([points.seq for points, _ in found])
    assert seqs.tolist() == list(range(60))
    assert np.concatenate([units for _, units in found]).tolist() == [0 if one % 2 else -1 for one in range(60)]


def test_an_address_where_nobody_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    with pytest.raises(Unavailable, match="does not answer"):
        Cluster("tcp://127.0.0.1:9")
