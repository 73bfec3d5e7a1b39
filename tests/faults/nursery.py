"""Brings up servers in a moment: everything is imported once, and each server is a process forked from here.

Runs by itself, ``python -m tests.faults.nursery``: every line it reads is one server to start, as JSON (settings, port,
workers, threads, log), and it answers with the number of its process, which leads a group of its own. What is forked
does what ``python server.py serve`` does from the point at which its settings are read.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from werkzeug.routing import Rule

import server
from mapper.settings import Settings
from mapper.web import log_lines, serving
from tests.client.site import _compiled_once


def become(told: dict[str, Any]) -> None:
    """Be that server until the end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # no server outlives the tests that wanted it
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(told["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(log, number)
    settings = Settings(**told["settings"])
    log_lines.set_up(settings.log)
    listener = serving.listen("127.0.0.1", told["port"])
    limit = (max(settings.max_submission_mb, settings.max_upload_mb) + 1) * 1_000_000
    serving.serve(partial(server._warmed, settings), listener, told["workers"], told["threads"], limit)


def make_ready() -> None:
    """Make one application over nothing: what it imports and compiles is there for all that are forked."""
    Rule.compile = _compiled_once  # type: ignore[method-assign]
    with TemporaryDirectory(prefix="tungnha-nursery-") as folder:
        app = server.create_app(Settings(data_dir=Path(folder)))
        app.test_client().get("/sign-in")
        app.extensions["mapper"].reference.database.close()
    # Whether numbers are kept for one process or for several is settled by that library's first import.
    for name in [name for name in sys.modules if name.partition(".")[0] == "prometheus_client"]:
        del sys.modules[name]


def main() -> None:
    """Fork a server for each line."""
    make_ready()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    print("ready", flush=True)
    for line in sys.stdin:
        leads, led = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setsid()
                os.close(led)
                os.close(leads)
                become(json.loads(line))
                status = 0
            except SystemExit as end:
                status = int(end.code or 0)
            finally:
                sys.stderr.flush()
                os._exit(status)
        # Who is told of it may kill its group at once: were there none yet, it would live on beside the next one.
        os.close(led)
        os.read(leads, 1)
        os.close(leads)
        print(child, flush=True)


if __name__ == "__main__":
    main()
