"""A running server with a small form, on each kind of database; see tests/client/site.py for what it holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mapper.settings import Settings
from tests.client.site import Site, fill_database, running
from tests.postgres import Server
from tests.ready import Lent, forms_checked_once, quick_passwords


@pytest.fixture(scope="module", autouse=True)
def passwords() -> Iterator[None]:
    """Hashed quickly; tests/test_command_line.py sees how they are in service."""
    with quick_passwords():
        yield


@pytest.fixture(scope="module", autouse=True)
def checks() -> Iterator[None]:
    """A form that is published for many tests is checked for the first of them."""
    with forms_checked_once():
        yield


@pytest.fixture(scope="session")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy: the squares and two forms."""
    folder = tmp_path_factory.mktemp("filled-sqlite")
    fill_database(f"sqlite:///{folder / 'filled.sqlite3'}", folder)
    return folder / "filled.sqlite3"


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a PostgreSQL database with the same, to make others from: nobody is connected to it."""
    with postgres_server.database() as url:
        fill_database(url, tmp_path_factory.mktemp("filled-postgres"))
        yield url.rpartition("/")[2]


@pytest.fixture(scope="session")
def filled_postgres(postgres_server: Server, postgres_template: str) -> Iterator[Lent]:
    """A PostgreSQL database with the same, for one test after another."""
    with postgres_server.database(postgres_template) as url, closing(Lent(url)) as lent:
        yield lent


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def standing_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server for a whole module, of each kind in turn: for tests that leave it as they found it."""
    folder = tmp_path_factory.mktemp("standing")
    with ExitStack() as stack:
        if request.param == "sqlite":
            shutil.copy(request.getfixturevalue("filled_sqlite"), folder / "site.sqlite3")
            url = f"sqlite:///{folder / 'site.sqlite3'}"
        else:
            server: Server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database(request.getfixturevalue("postgres_template")))
        small = Settings(data_dir=folder, chunk_mb=1, max_submission_mb=4)
        yield stack.enter_context(running(small, url))


@pytest.fixture
def sqlite_url(filled_sqlite: Path, tmp_path: Path) -> str:
    """A copy of the filled database, SQLite."""
    shutil.copy(filled_sqlite, tmp_path / "site.sqlite3")
    return f"sqlite:///{tmp_path / 'site.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def filled_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A copy of the filled database, of each kind in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    lent: Lent = request.getfixturevalue("filled_postgres")
    yield lent.url
    lent.restore()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits, so that tests need no large files: 1 MB a chunk, 4 MB a POST."""
    return Settings(data_dir=tmp_path, chunk_mb=1, max_submission_mb=4)


@pytest.fixture
def site(filled_url: str, settings: Settings) -> Iterator[Site]:
    """A running server, once on SQLite and once on PostgreSQL."""
    with running(settings, filled_url) as made:
        yield made


@pytest.fixture
def sqlite_site(sqlite_url: str, settings: Settings) -> Iterator[Site]:
    """A running server on SQLite, for what the database has no say in."""
    with running(settings, sqlite_url) as made:
        yield made


@pytest.fixture
def run_site(sqlite_url: str) -> Iterator[Callable[[Settings], Site]]:
    """Start a server on SQLite with other settings; it ends with the test."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(running(settings, sqlite_url))
