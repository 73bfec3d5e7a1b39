"""How much slower than quiet the cores are while something is measured."""

from __future__ import annotations

import io
import re
import statistics
import threading
import time

from werkzeug.wrappers import Request

QUIET_US = 196
"""What the piece of work takes on this kind of machine with nothing beside it, as in the trial that set the aims."""


BURST, WARM = 40, 20
"""Repetitions each time, and how many of them only fill the processor's caches: cold, it all takes twice as long."""
EVERY_S = 0.5


class Yardstick:
    """How fast this machine is while a run lasts, by CPU time of one fixed piece of work, some hundredths of the time.

    Neighbours on shared cores make every CPU-millisecond do less; the same piece of work tells by how much. It is
    werkzeug's parsing of one submission's multipart, since its time on the quiet machine is known.
    """

    def __init__(self, post: bytes) -> None:
        self._head, self._body = post.split(b"\r\n\r\n", 1)
        self._type = re.search(rb"Content-Type: (.*?)\r\n", self._head)
        self._over = threading.Event()
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        assert self._type is not None
        facts = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": self._type[1].decode(),
            "CONTENT_LENGTH": str(len(self._body)),
        }
        while not self._over.wait(EVERY_S):
            for turn in range(BURST):
                start = time.thread_time()
                request = Request({**facts, "wsgi.input": io.BytesIO(self._body)})
                assert len(request.files) == 1
                if turn >= WARM:
                    self._times.append((time.thread_time() - start) * 1e6)

    def slower(self) -> float:
        """Stop; how many times longer the work took than while the machine was quiet, the median over the run.

        1 where nothing was measured long enough.
        """
        self._over.set()
        self._thread.join()
        return statistics.median(self._times) / QUIET_US if self._times else 1.0
