"""The things other tests lean on are what they say they are."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from tests import browser, postgres
from tests.browser import Pages
from tests.conftest import missing

PAGES = {
    "/": "<!doctype html><title>Bản đồ</title><h1>Xã Cẩm Giàng</h1>",
    "/outside": '<!doctype html><script src="http://scripts.example.invalid/map.js"></script>',
    "/favicon.ico": "",  # a browser asks every site for it
    "/broken": "<!doctype html><script>throw new Error('hỏng')</script>",
}


@pytest.fixture
def address() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in PAGES else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(PAGES.get(self.path, "nothing here").encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_each_kind_of_database_starts_empty_and_keeps_what_is_written(database_url: str) -> None:
    engine = create_engine(database_url)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE commune (name TEXT)"))
        connection.execute(text("INSERT INTO commune VALUES ('Vi Hương')"))
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT name FROM commune")) == "Vi Hương"
    engine.dispose()


def test_postgresql_is_real_durable_and_bound_to_this_machine(postgres_server: postgres.Server) -> None:
    with postgres_server.database() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert str(connection.scalar(text("SELECT version()"))).startswith("PostgreSQL 1")
            shown = {
                name: connection.scalar(text(f"SHOW {name}"))
                for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "server_encoding")
            }
        engine.dispose()
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "127.0.0.1",
        "server_encoding": "UTF8",
    }


def test_postgresql_lends_databases_apart_and_takes_them_back(postgres_server: postgres.Server) -> None:
    with postgres_server.database() as first, postgres_server.database() as second:
        assert first != second
        engine = create_engine(first)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE commune (name TEXT)"))
        engine.dispose()
        other = create_engine(second)
        assert inspect(other).get_table_names() == []
        other.dispose()
    gone = create_engine(first)
    with pytest.raises(OperationalError, match="does not exist"), gone.connect():
        pass
    gone.dispose()


def test_postgresql_asks_for_its_password(postgres_server: postgres.Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=postgres_server.port, user=postgres.USER, password="guess", dbname="postgres"
        )


def test_postgresql_that_cannot_start_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binaries = tmp_path / "install" / "bin"
    binaries.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = binaries / name
        program.write_text("#!/bin/sh\necho 'no room on the disk' >&2\nexit 3\n")
        program.chmod(0o755)
    monkeypatch.setattr(postgres, "_binaries", lambda: [binaries])
    with pytest.raises(postgres.NoPostgres, match="initdb failed: no room on the disk"):
        postgres.start()
    monkeypatch.setattr(postgres, "_binaries", list)
    with pytest.raises(postgres.NoPostgres, match=r"requirements-dev\.txt"):
        postgres.start()


def test_a_page_is_rendered_in_the_language_and_width_asked_for(open_page: Pages, address: str) -> None:
    page = open_page(390, "en")
    page.goto(address)
    assert page.title() == "Bản đồ"
    assert page.inner_text("h1") == "Xã Cẩm Giàng"
    assert page.evaluate("[window.innerWidth, navigator.language]") == [390, "en-GB"]
    assert open_page(1366, "vi").evaluate("[window.innerWidth, navigator.language]") == [1366, "vi-VN"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/outside", "asked another machine: http://scripts.example.invalid/map.js"),
        ("/outside", "failed: http://scripts.example.invalid/map.js net::ERR_NAME_NOT_RESOLVED"),
        ("/missing", "status 404: {address}/missing"),
        ("/broken", "exception: hỏng"),
    ],
)
def test_what_goes_wrong_on_a_page_is_recorded(open_page: Pages, address: str, path: str, problem: str) -> None:
    page = open_page()
    page.goto(address + path)
    page.wait_for_timeout(300)
    page.close()  # nothing more is reported of it, such as an icon that comes late
    recorded = [line.splitlines()[0] for line in open_page.problems]
    open_page.problems.clear()
    assert problem.format(address=address) in recorded


def test_the_browser_leaves_out_all_that_its_driver_does(open_page: Pages) -> None:
    page = open_page()
    page.goto("chrome://version")
    command = page.inner_text("#command_line")
    drivers, ours = (set(names.split(",")) for names in re.findall(r"--disable-features=(\S+)", command))
    assert drivers < ours


def test_a_browser_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    assert browser.find() is None
    (tmp_path / "own").touch()
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "own"))
    assert browser.find() == tmp_path / "own"


@pytest.mark.parametrize("value", ["", "false"])
def test_what_is_missing_is_skipped_on_a_desk(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CI", value)
    with pytest.raises(pytest.skip.Exception, match="no server"):
        missing("no server")


def test_what_is_missing_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no server"):
        missing("no server")


def test_settings_of_the_operator_do_not_reach_a_test() -> None:
    assert [name for name in os.environ if name.startswith("MAPPER_") and name != "MAPPER_SHARED"] == []


def test_shared_data_is_a_folder_with_boundaries(shared: Path) -> None:
    assert (shared / "geodata" / "PROVENANCE.md").is_file()
