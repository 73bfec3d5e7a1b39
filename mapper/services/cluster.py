"""A Dask cluster that works along with this machine; the library is loaded where one is named alone.

What travels to it are submissions as phones sent them, and where households are: personal data. A scheduler lets
everybody who reaches it run anything, so it stands in a network of its own, or asks for TLS certificates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any

import mapper
from mapper.errors import Unavailable, mark

ANSWER_S = 15
"""So long a scheduler, and its first worker, is waited for."""


class Cluster:
    """Workers of a scheduler, as ``read_ahead`` hands work to others. workers: threads of them all."""

    def __init__(self, address: str) -> None:
        """Raises Unavailable where the scheduler does not answer, has no workers, or they are of another release."""
        try:
            from distributed import Client
        except ImportError as fault:
            raise Unavailable(
                mark("MAPPER_DASK names a scheduler, but Dask is not installed. Run: pip install distributed")
            ) from fault
        self._client: Any = None
        try:
            self._client = Client(address, timeout=ANSWER_S, set_as_default=False)  # type: ignore[no-untyped-call]
            self._client.wait_for_workers(1, timeout=ANSWER_S)
            releases = set(self._client.run(_release).values())
        except Exception as fault:
            self.shutdown()
            raise Unavailable(
                mark("The Dask scheduler that MAPPER_DASK names does not answer, or has no workers of this release.")
            ) from fault
        if releases != {_release()}:
            self.shutdown()
            raise Unavailable(
                mark("The Dask scheduler that MAPPER_DASK names does not answer, or has no workers of this release.")
            )
        self.workers = sum(self._client.nthreads().values())
        self._executor: Any = self._client.get_executor(pure=False)
        self._told: tuple[bytes, Any] | None = None

    def submit(self, work: Callable[..., Any], reference_data: bytes, raws: Sequence[Any]) -> Future[Any]:
        """Have a worker do it. reference_data travels once, however often it is worked with.

        Raises BrokenExecutor where the cluster fails, and so does the future.
        """
        made: Future[Any] = Future()

        def done(theirs: Future[Any]) -> None:
            try:
                made.set_result(theirs.result())
            except BaseException as fault:
                broken = BrokenExecutor(type(fault).__name__)
                broken.__cause__ = fault
                made.set_exception(broken)

        try:
            if self._told is None or self._told[0] is not reference_data:
                self._told = reference_data, self._client.scatter(reference_data, broadcast=True, hash=False)
            self._executor.submit(work, self._told[1], raws).add_done_callback(done)
        except Exception as fault:  # of many libraries' kinds
            raise BrokenExecutor(type(fault).__name__) from fault
        return made

    def shutdown(self, cancel_futures: bool = True) -> None:
        """Leave the cluster, which goes on."""
        if self._client is not None:
            self._client.close(timeout=ANSWER_S)


def _release() -> str:
    """Of the program, wherever this is asked."""
    return f"{mapper.__version__}, Python {sys.version_info.major}.{sys.version_info.minor}"
