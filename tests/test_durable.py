"""`serve` begins on no PostgreSQL that answers before its disk holds what was written: phones delete what is kept."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from mapper.errors import Unavailable
from mapper.settings import Settings
from mapper.web import serving
from server import command_line
from tests import postgres
from tests.conftest import missing
from tests.postgres import Server


class Began(Exception):
    """The server would now take its port."""


def begin(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the command until it takes a port. Raises Began there, or what the command ends with before."""

    def listen(host: str, port: int) -> None:
        raise Began

    monkeypatch.setattr(serving, "listen", listen)
    commands = command_line(Settings(data_dir=folder, database_url=url))
    done = CliRunner().invoke(commands, ["serve", "--port", "0"])
    assert done.exception is not None, done.output
    raise done.exception


def tell(url: str, whom: str, what: str) -> None:
    """Alter this database, or the role, for who connects from now on."""
    name = url.rpartition("/")[2] if whom == "DATABASE" else postgres.USER
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER {} {} {}").format(sql.SQL(whom), sql.Identifier(name), sql.SQL(what)))


def test_one_that_keeps_what_it_answered_is_served_and_one_made_quicker_is_refused(
    postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_server.database() as url:
        with pytest.raises(Began):
            begin(url, tmp_path, monkeypatch)
        for whom in ("DATABASE", "ROLE"):
            tell(url, whom, "SET synchronous_commit = off")
            try:
                with pytest.raises(Unavailable, match="synchronous_commit is off, and a power cut"):
                    begin(url, tmp_path, monkeypatch)
            finally:
                tell(url, whom, "RESET synchronous_commit")
        with pytest.raises(Began):
            begin(url, tmp_path, monkeypatch)


def test_a_server_without_fsync_or_whole_pages_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        server = postgres.start(lax=("fsync", "full_page_writes"))
    except postgres.NoPostgres as reason:
        missing(str(reason))
    try:
        with pytest.raises(Unavailable, match="fsync, full_page_writes is off"), server.database() as url:
            begin(url, tmp_path, monkeypatch)
    finally:
        server.stop()
