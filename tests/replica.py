"""A real streaming replica of the tests' PostgreSQL: copied by pg_basebackup, following its log."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres import BECOME, START_SECONDS, USER, NoPostgres, Server


@contextmanager
def replica_of(server: Server) -> Iterator[Server]:
    """A replica of a running server, gone in the end. Raises NoPostgres where none can be had."""
    *_, uid, gid, program = [str(part) for part in server.process.args][:7]  # type: ignore[union-attr, misc]
    binaries = Path(program).parent
    if not (binaries / "pg_basebackup").exists():
        raise NoPostgres(f"{binaries} holds no pg_basebackup")
    folder = Path(tempfile.mkdtemp(prefix="tung-nha-replica-"))
    try:
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(data, int(uid), int(gid))
        become = [sys.executable, "-I", "-c", BECOME, uid, gid]
        address = f"host=127.0.0.1 port={server.port} user={USER} password={server.password}"
        copy = [str(binaries / "pg_basebackup"), "-d", address, "-D", str(data), "-R", "-X", "stream", "-c", "fast"]
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(data)}
        made = subprocess.run(
            [*become, *copy, "--no-sync"], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise NoPostgres(f"pg_basebackup failed: {made.stderr.strip()[-400:]}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "32MB"}
        settings |= {"max_connections": "100", "hot_standby": "on", "wal_retrieve_retry_interval": "100ms"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*become, program, "-D", str(data), "-p", str(port), *options],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    replica = Server(port=port, password=server.password, process=process, folder=folder)
    try:
        _wait(replica)
        yield replica
    finally:
        process.send_signal(signal.SIGCONT)
        replica.stop()


def _wait(replica: Server) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(replica.url("postgres").replace("+psycopg", ""), connect_timeout=5) as connection:
                ((follows,),) = connection.execute("SELECT pg_is_in_recovery()").fetchall()
                assert follows
                return
        except psycopg.OperationalError:
            if replica.process.poll() is not None or time.monotonic() > ends:
                log = (replica.folder / "log").read_text(errors="replace").strip()
                raise NoPostgres(f"the replica did not start: {log[-400:]}") from None
            time.sleep(0.05)
