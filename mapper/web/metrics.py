"""What operators watch, in Prometheus' form: requests, intake, what waits. Numbers only, and few of them.

Labels are route templates, classes of status and states; never what somebody sent. One process keeps its numbers in
memory. Of several, each writes them into files of a folder that ``serve`` makes, and whichever is asked sums them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapper.services.readiness import Watched, free_bytes

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own name of the folder of several processes; read when it is first imported."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The numbers of one process, and of all of them where there are several."""

    def __init__(self, watched: Watched, data_dir: Path) -> None:
        # Imported here: which kind of numbers it keeps is settled by its first import.
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self._watched, self._data_dir = watched, data_dir
        self._registry = CollectorRegistry()
        registry: Any = self._registry
        self._requests = Counter(
            "tungnha_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "tungnha_http_request_seconds",
            "Seconds from the first byte of a request to its answer.",
            ["kind"],
            buckets=SECONDS,
            registry=registry,
        )
        self._intake = Histogram(
            "tungnha_intake_seconds",
            "Seconds from the first byte of a submission's POST to its answer, the phone's line included.",
            buckets=SECONDS,
            registry=registry,
        )
        self._submissions = Counter(
            "tungnha_submissions",
            "POSTs of submissions: counted (201), kept (202), refused (4xx), failed (5xx).",
            ["outcome"],
            registry=registry,
        )
        self._under_way = self._gauge("tungnha_http_requests_in_progress", "Requests being answered.")
        self._queued = self._gauge("tungnha_requests_queued", "Requests that wait for a thread.", "queue")
        self._connections = self._gauge("tungnha_database_connections", "Connections to the database.", "state")
        self._kept: dict[tuple[str, ...], Any] = {}
        self.queues: Callable[[], tuple[int, int]] = lambda: (0, 0)
        if FOLDER not in os.environ:
            from prometheus_client import ProcessCollector

            ProcessCollector(registry=self._registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Any:
        from prometheus_client import Gauge

        return Gauge(name, meaning, labels, registry=self._registry, multiprocess_mode="livesum")

    def begin(self) -> None:
        """A request has come to the application."""
        self._under_way.inc()

    def end(self, method: str, route: str, kind: str, status: int, seconds: float) -> None:
        """A request was answered. route: the template of its address, "" where there is none; kind: who asks it."""
        self._under_way.dec()
        self._child(
            self._requests, method if method in METHODS else "OTHER", route or "none", f"{status // 100}xx"
        ).inc()
        self._child(self._seconds, kind).observe(seconds)
        if method == "POST" and kind == "phones" and route.endswith("/submission"):
            self._intake.observe(seconds)
            self._child(self._submissions, _outcome(status)).inc()
        idle, in_use = self._watched.reference.database.connections()
        self._child(self._connections, "idle").set(idle)
        self._child(self._connections, "in use").set(in_use)
        pages, uploads = self.queues()
        self._child(self._queued, "pages").set(pages)
        self._child(self._queued, "uploads").set(uploads)

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric._name, *labels)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = metric.labels(*labels)
        return found

    def page(self) -> tuple[bytes, str]:
        """All numbers as text, with its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._whole()), CONTENT_TYPE_LATEST

    def _whole(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry, multiprocess

        whole = CollectorRegistry()
        if FOLDER in os.environ:
            multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        else:
            whole.register(self._registry)
        whole.register(_Asked(self._watched, self._data_dir))
        return whole


def _outcome(status: int) -> str:
    return {201: "counted", 202: "kept"}.get(status, "failed" if status >= 500 else "refused")


class _Asked:
    """Numbers that nobody keeps: read from the database and the disk when they are asked for."""

    def __init__(self, watched: Watched, data_dir: Path) -> None:
        self._watched, self._data_dir = watched, data_dir

    def collect(self) -> Iterator[Metric]:
        """The numbers; those of the database are left out while it does not answer."""
        from prometheus_client.core import GaugeMetricFamily

        waiting = self._watched.waiting()
        yield GaugeMetricFamily("tungnha_database_up", "Whether the database answers.", value=waiting is not None)
        free = free_bytes(self._data_dir)
        if free is not None:
            yield GaugeMetricFamily("tungnha_disk_free_bytes", "Free on the data folder's disk.", value=free)
        if waiting is None:
            return
        for name, meaning, states in (
            ("tungnha_submissions_waiting", "Submissions kept and not counted.", waiting.submissions),
            ("tungnha_plans_under_way", "Plans that wait to be made or are being made.", waiting.plans),
            ("tungnha_boundary_sets_under_way", "Boundary sets being taken in or placed.", waiting.boundary_sets),
        ):
            family = GaugeMetricFamily(name, meaning, labels=["state"])
            for state, number in states.items():
                family.add_metric([state], number)
            yield family
        yield GaugeMetricFamily(
            "tungnha_counting_lag_seconds",
            "Age of the oldest submission that is to be counted and is not.",
            value=waiting.lag_s,
        )


def forget_process(number: int) -> None:
    """A process of several has ended: what it was doing goes, what it counted stays."""
    if FOLDER in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(number)  # type: ignore[no-untyped-call]
