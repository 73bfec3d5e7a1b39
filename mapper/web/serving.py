"""A production WSGI server: waitress, which buffers slow phones' uploads, in one or several processes."""

from __future__ import annotations

import gc
import io
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, Task, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

from mapper.errors import InvalidInput, Unavailable, mark
from mapper.web import metrics
from mapper.web.phones import ShortCut
from mapper.web.watch import BEGAN, Watch

MOST_CONNECTIONS = 2000
FILES_OF_OUR_OWN = 100
"""Open files kept back for the database and for bodies too long for memory."""
MOST = 64
"""Uploads taken at once, so that nobody waits for very many others."""
GATHERING_S = 0.003
"""How long uploads that came are kept waiting for those about to come."""
STOPPING = {signal.SIGTERM, signal.SIGINT}
GRACE_S = 20.0
"""How long a server that is told to stop waits for what it has begun to answer, or to be told."""

SILENT_S = 2.0
"""A phone in the middle of an upload of which nothing came for so long is not waited for: it sends it again."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, shared by all workers. Raises Unavailable where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        raise Unavailable(
            mark("Address {host}:{port} cannot be used ({fault}). Choose another with --host and --port."),
            host=host,
            port=port,
            fault=fault.strerror or str(fault),
        ) from fault
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def serve(make_app: Callable[[], Flask], listener: socket.socket, workers: int, threads: int, limit_bytes: int) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C); with several workers, each a process with an app of its own.

    limit_bytes: longest request body that is read at all. A worker that dies is replaced.
    """
    if workers == 1:
        _stay_on_one_core(os.getpid())
        _serve_one(make_app, listener, threads, limit_bytes, STOPPING)
        return
    if not hasattr(os, "fork"):
        raise InvalidInput(mark("This system runs one worker only. Leave out --workers."))
    stopping = threading.Event()
    children: dict[int, int] = {}  # process to its place among the workers

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with tempfile.TemporaryDirectory(prefix="tungnha-metrics-") as folder:
        # Each worker writes its numbers there, and whichever is asked for metrics sums them.
        os.environ.setdefault(metrics.FOLDER, folder)
        _keep_up(make_app, listener, workers, threads, limit_bytes, stopping, children)


def _keep_up(
    make_app: Callable[[], Flask],
    listener: socket.socket,
    workers: int,
    threads: int,
    limit_bytes: int,
    stopping: threading.Event,
    children: dict[int, int],
) -> None:
    """Have so many workers, until it is time to stop; then wait for them."""
    while not stopping.is_set():
        while len(children) < workers and not stopping.is_set():
            # A signal to stop waits until the parent knows its child, and the child has laid down its parent's ways.
            signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
            place = min(set(range(workers)) - set(children.values()))
            child = os.fork()
            if child == 0:
                _stay_on_one_core(place)
                _worker(make_app, listener, threads, limit_bytes)
            children[child] = place
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        ended = _wait()
        children.pop(ended, None)
        metrics.forget_process(ended)
    while children:
        children.pop(_wait(), None)


def _stay_on_one_core(worker: int) -> None:
    """Keep this process on one of the cores that it may use.

    Python runs one thread of a process at a time. On several cores its threads wake one another for nothing whenever
    one of them lets go for a moment, as for every statement of SQLite: over a hundred times an upload, it was seen.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[worker % len(cores)]})


def _wait() -> int:
    """Number of a process that has ended; interrupted by signals, it just waits on."""
    while True:
        try:
            return os.wait()[0]
        except InterruptedError:
            continue


def _worker(make_app: Callable[[], Flask], listener: socket.socket, threads: int, limit_bytes: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    status = 1
    try:
        _serve_one(make_app, listener, threads, limit_bytes, {signal.SIGTERM})
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _serve_one(
    make_app: Callable[[], Flask], listener: socket.socket, threads: int, limit_bytes: int, signals: Collection[int]
) -> None:
    """Serve with this process until one of the signals comes."""
    app = make_app()
    # What stands now stays; a full collection in the middle of an upload would look through all of it in vain.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    server = make_server(app, listener, threads, limit_bytes)
    _end_on(server, app.extensions["watch"], signals)
    try:
        server.run()
    finally:
        # The interpreter ends as it always does; DuckDB would else report all that is left of it.
        gc.unfreeze()


def make_server(app: Flask, listener: socket.socket, threads: int, limit_bytes: int) -> Any:
    """waitress's server, ready to run: its channels let the application refuse what is too long, and uploads that come
    together are taken together."""
    server: Any = create_server(
        app,
        sockets=[listener],
        max_request_body_size=limit_bytes,
        connection_limit=_connections(),
        recv_bytes=65_536,  # most uploads in one piece
        asyncore_use_poll=True,  # select() knows no file beyond number 1023
        channel_timeout=900,
        backlog=1024,
        ident=None,
        clear_untrusted_proxy_headers=False,
        _dispatcher=_Dispatcher(app.extensions["short_cut"], app.extensions["watch"], threads),
    )
    app.extensions["watch"].metrics.queues = server.task_dispatcher.waiting
    server.channel_class = _Channel
    pulled: list[bool] = []
    accepts, pull = server.readable, server.pull_trigger

    def readable() -> bool:
        """Asked in every round of the loop, before its connections are: whether the server takes new ones."""
        pulled.clear()
        return bool(accepts())

    def pull_trigger() -> None:
        """Have the loop look at all connections again; asked several times within a round, once does."""
        if not pulled:
            pulled.append(True)
            pull()

    server.readable, server.pull_trigger = readable, pull_trigger
    return server


def _end_on(server: Any, watch: Watch, signals: Collection[int]) -> None:
    """Have a signal end the server's loop; requests under way are finished, and later ones told to come again.

    An exception out of a signal's handler comes amid whatever its thread does just then: amid a lock that nobody
    releases after that, or where no exception is let through. So the loop ends itself, between two rounds.
    """
    told: list[int] = []
    ends: list[float] = []
    accepts = server.readable

    def readable() -> bool:
        if told:
            watch.stop()
            ends.append(time.monotonic() + GRACE_S)
            if not _busy(server, watch) or time.monotonic() > ends[0]:
                raise SystemExit(0)
        return bool(accepts())

    def leave(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        server.pull_trigger()

    server.readable = readable
    for number in signals:
        signal.signal(number, leave)


def _busy(server: Any, watch: Watch) -> bool:
    """Whether something is being answered, or told, that had begun before the server was told to stop."""
    now = time.time()  # as waitress notes what its connections do
    for channel in list(server.active_channels.values()):
        if channel.total_outbufs_len or any(not watch.comes_late(one.began) for one in list(channel.requests)):
            return True
        half: _Request | None = channel.request
        if half is not None and not watch.comes_late(half.began) and now - channel.last_activity < SILENT_S:
            return True
    return False


class _Request(HTTPRequestParser):
    """A request that notes when its first byte came."""

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)  # type: ignore[no-untyped-call]
        self.began = time.perf_counter()


class _Task(WSGITask):
    """A request with a body that is read."""

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment, with the moment at which the request began to come."""
        environ: dict[str, Any] = super().get_environment()  # type: ignore[no-untyped-call]
        environ[BEGAN] = self.request.began
        return environ


class _TooLong(_Task):
    """A request whose body is over waitress's own limit, and is not read.

    The application gets it with the length it has and no body: its own limits are lower, so it refuses, in the words
    and the form that this reader wants.
    """

    def execute(self) -> None:
        """Answer, and end the connection: the rest of the body may be on its way."""
        self.set_close_on_finish()
        super().execute()  # type: ignore[no-untyped-call]

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment, without the body."""
        environ = super().get_environment()
        # A body that came in chunks has told no length.
        length = max(self.request.content_length, self.request.body_bytes_received)
        environ.update({"CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(), "wsgi.input_terminated": True})
        return environ


def _refusal(channel: HTTPChannel, request: HTTPRequestParser) -> Task:
    """What answers a request that waitress itself refuses."""
    return (
        _TooLong(channel, request) if isinstance(request.error, RequestEntityTooLarge) else ErrorTask(channel, request)
    )


def _task(channel: _Channel, request: HTTPRequestParser) -> Task:
    """What answers a request: as it was begun, where it was."""
    begun, channel.begun = channel.begun, None
    return begun if begun is not None and begun.request is request else _Task(channel, request)  # type: ignore[no-untyped-call]


class _Channel(HTTPChannel):
    error_task_class = staticmethod(_refusal)  # type: ignore[assignment]
    task_class = staticmethod(_task)  # type: ignore[assignment]
    parser_class = _Request
    begun: WSGITask | None = None

    def writable(self) -> bool:
        """Whether the loop is to send what waits to go out.

        Not what a thread is sending at this moment: whatever it leaves, it tells the loop, which until then would ask
        in vain and hinder it.
        """
        if self.total_outbufs_len:
            if not self.outbuf_lock.acquire(False):
                return False
            self.outbuf_lock.release()
        return bool(super().writable())  # type: ignore[no-untyped-call]

    def begin(self) -> dict[str, Any]:
        """The WSGI environment of the request whose turn it is, which ``service`` then goes on with."""
        self.begun = _Task(self, self.requests[0])  # type: ignore[no-untyped-call]
        return self.begun.get_environment()


class _Dispatcher(ThreadedTaskDispatcher):
    """waitress's threads, which answer a request each, and one that takes phones' uploads, as many as have come.

    Python runs one thread at a time. Uploads that had a thread each would wake one another dozens of times, and each
    would find the processor's caches full of what another one needs; step by step in one thread, all of them take
    less time, and two flushes of the disk.
    """

    def __init__(self, short_cut: ShortCut, watch: Watch, threads: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._short_cut, self._watch = short_cut, watch
        self._uploads: deque[_Channel] = deque()
        self._come = threading.Condition()
        self._wanted = 1
        self._stopping = False
        self.set_thread_count(threads)  # type: ignore[no-untyped-call]
        self._taker = threading.Thread(target=self._take, name="uploads", daemon=True)
        self._taker.start()

    def add_task(self, task: _Channel) -> None:
        """Have a connection's next request answered."""
        request = task.requests[0]
        if (
            request.error
            or self._watch.comes_late(request.began)
            or not self._short_cut.wants(request.command, request.path, request.content_length)
        ):
            super().add_task(task)  # type: ignore[no-untyped-call]
            return
        with self._come:
            self._uploads.append(task)
            if len(self._uploads) >= self._wanted:
                self._come.notify()

    def waiting(self) -> tuple[int, int]:
        """How many requests wait for a thread, and how many uploads to be taken."""
        return len(self.queue), len(self._uploads)

    def _take(self) -> None:
        crowd = 1
        while some := self._gather(crowd):
            crowd = len(some)
            try:
                self._short_cut.take_all([channel.begin() for channel in some])
            except Exception:
                self.logger.exception("fault while taking uploads")
            for channel in some:
                try:
                    channel.service()  # type: ignore[no-untyped-call]
                except Exception:
                    self.logger.exception("fault while answering an upload")

    def _gather(self, crowd: int) -> list[_Channel]:
        """The uploads that have come, waiting for the first; none when it is time to stop.

        crowd: how many came together the last time. So many are waited for a little, since phones that were answered
        together send their next ones at almost the same moment.
        """
        with self._come:
            self._wanted = 1
            self._come.wait_for(lambda: self._uploads or self._stopping)
            self._wanted = crowd
            self._come.wait_for(lambda: len(self._uploads) >= crowd or self._stopping, GATHERING_S)
            return [self._uploads.popleft() for _ in range(min(MOST, len(self._uploads)))]

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Let the requests under way be answered, and stop."""
        with self._come:
            self._stopping = True
            self._come.notify()
        self._taker.join(timeout)
        return bool(super().shutdown(cancel_pending, timeout))  # type: ignore[no-untyped-call]


def _connections() -> int:
    """How many phones may be connected at once: the system's limit of open files is raised as far as it goes."""
    try:
        import resource
    except ImportError:  # Windows
        return 400
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + FILES_OF_OUR_OWN
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft - FILES_OF_OUR_OWN)
