"""A production WSGI server: waitress, which buffers slow phones' uploads, in one or several processes."""

from __future__ import annotations

import gc
import io
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection
from functools import partial
from types import FrameType
from typing import Any, cast

import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from mapper.errors import InvalidInput, Unavailable, mark

MOST_CONNECTIONS = 2000
FILES_OF_OUR_OWN = 100
"""Open files kept back for the database and for bodies too long for memory."""
STOPPING = {signal.SIGTERM, signal.SIGINT}


_PHONE = re.compile(r"/(?:key|test)/[^/\s]+")


class NoKeysInLogs(logging.Filter):
    """Keeps phones' keys out of the log: waitress names the address whose reader hung up, and a key stands in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, its text without keys."""
        record.msg, record.args = _PHONE.sub("(phone)", record.getMessage()), ()
        return True


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
        children.pop(_wait(), None)
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
    waitress.serve(
        app,
        sockets=[listener],
        threads=threads,
        max_request_body_size=limit_bytes,
        connection_limit=_connections(),
        asyncore_use_poll=True,  # select() knows no file beyond number 1023
        channel_timeout=900,
        backlog=1024,
        ident=None,
        clear_untrusted_proxy_headers=False,
        _server=partial(_create_server, signals),
        _quiet=True,
    )


def _create_server(signals: Collection[int], app: Flask, **options: Any) -> BaseWSGIServer:
    """waitress's server, with channels that let the application refuse what is too long; a signal ends its loop.

    An exception out of a signal's handler comes amid whatever its thread does just then: amid a lock that nobody
    releases after that, or where no exception is let through. So the loop ends itself, between two rounds.
    """
    server: Any = create_server(app, **options)
    server.channel_class = _Channel
    told: list[int] = []
    accepts = server.readable

    def readable() -> bool:
        """Asked in every round of the loop: whether the server takes connections. Requests under way are finished."""
        if told:
            raise SystemExit(0)
        return bool(accepts())

    def leave(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        server.pull_trigger()

    server.readable = readable
    for number in signals:
        signal.signal(number, leave)
    return cast(BaseWSGIServer, server)


class _TooLong(WSGITask):
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
        environ: dict[str, Any] = super().get_environment()  # type: ignore[no-untyped-call]
        # A body that came in chunks has told no length.
        length = max(self.request.content_length, self.request.body_bytes_received)
        environ.update({"CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(), "wsgi.input_terminated": True})
        return environ


def _refusal(channel: HTTPChannel, request: HTTPRequestParser) -> Task:
    """What answers a request that waitress itself refuses."""
    return (
        _TooLong(channel, request) if isinstance(request.error, RequestEntityTooLarge) else ErrorTask(channel, request)
    )


class _Channel(HTTPChannel):
    error_task_class = staticmethod(_refusal)  # type: ignore[assignment]


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
