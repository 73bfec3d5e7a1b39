"""What many tests lean on: a database of each kind, the shared test data, and a browser with the network cut.

Where a machine cannot have one of them, its tests are skipped and say why; with CI set in the environment they fail
instead, except for the shared data, which only its owners have.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests import browser, memory, postgres, proofs

if TYPE_CHECKING:
    from tests.faults.ground import Nursery

CHECKOUT = Path(__file__).resolve().parent.parent
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
BEFORE_MIDNIGHT = timedelta(minutes=5)
"""Time enough for all that takes the day."""
PATIENCE_MS = 40_000
"""How long a page may take to show what a test expects, on a machine that is busy with other tests."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """See tests/proofs.py."""
    parser.addoption("--whole", action="store_true", help="draw every case of the long random proofs")


def pytest_configure(config: pytest.Config) -> None:
    """Some files take the day when they are read, and phones and servers go by the clock: midnight is waited for."""
    if config.getoption("--whole"):
        os.environ[proofs.WHOLE] = "yes"
    if "TMPDIR" not in os.environ and memory.is_enough():
        os.environ["TMPDIR"] = str(memory.FOLDER)
        tempfile.tempdir = None  # asked for anew
    config.addinivalue_line("markers", "today: a file that takes the day when it is read")
    config.addinivalue_line("markers", "long: a file that alone takes a quarter of a minute or more")
    now = datetime.now(VIETNAM)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), VIETNAM)
    if midnight - now < BEFORE_MIDNIGHT:
        left = (midnight - now).total_seconds()
        print(f"The day in Vietnam ends in {left:.0f} s: the tests begin with the next one.", flush=True)
        sleep(left + 1)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Every other process reads the files from the last to the first, and finds compiled what the others have read."""
    report = yield
    if _reads_backwards(collector.config) and isinstance(collector, pytest.Directory):
        report.result.reverse()
    return report


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """What takes the day goes first, while it lasts; then what takes longest, lest one process be left with it."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.parts)  # the same in all processes, whichever way they read
    yield
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("today", "long")])


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test's pages are made last and so closed first: none of them sees the server of its test go."""
    if isinstance(item, pytest.Function):
        item.fixturenames.sort(key=lambda name: name == "open_page")


def _reads_backwards(config: pytest.Config) -> bool:
    """Whether this is the second, fourth, ... process of a run."""
    return getattr(config, "workerinput", {"workerid": ""})["workerid"][-1:] in {*"13579"}


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end; to look through it for garbage took a fifth of the time."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let the interpreter end as it always does: DuckDB would else report what is left of it."""
    gc.unfreeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What lies in memory goes when all is well; else it stays to be looked at until the next run."""
    if (
        not hasattr(session.config, "workerinput")
        and exitstatus == 0
        and os.environ.get("TMPDIR") == str(memory.FOLDER)
    ):
        shutil.rmtree(session.config._tmp_path_factory.getbasetemp(), ignore_errors=True)  # type: ignore[attr-defined]


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything must be there."""
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        pytest.skip(reason)
    pytest.fail(f"CI must have everything: {reason}", pytrace=False)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees the settings it makes, not those of the operator who runs it."""
    for name in list(os.environ):
        if name.startswith("MAPPER_") and name != "MAPPER_SHARED":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL of this test process; ``with postgres_server.database() as url`` lends an empty database."""
    try:
        server = postgres.start()
    except postgres.NoPostgres as error:
        missing(str(error))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def started() -> Iterator[Nursery]:
    """The process that servers are forked from: its imports take longer than most of the tests that want one."""
    from tests.faults.ground import nursery  # heavy, and wanted by few

    with nursery() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The SQLAlchemy address of an empty database, of each kind in turn; gone after the test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite3'}"
    else:
        with request.getfixturevalue("postgres_server").database() as url:
            yield url


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared test data beside the checkout, or where MAPPER_SHARED says."""
    folder = Path(os.environ.get("MAPPER_SHARED") or CHECKOUT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared test data: {folder.name} is not beside the checkout, and MAPPER_SHARED names no folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser of this test process; use ``open_page`` to look at a page."""
    with sync_playwright() as playwright:
        try:
            started = browser.launch(playwright)
        except browser.NoChromium as error:
            missing(str(error))
        expect.set_options(timeout=PATIENCE_MS)
        yield started
        started.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[browser.Pages]:
    """``open_page(width, language)`` gives an empty page; the test fails if anything went wrong on one of them."""
    pages = browser.Pages(chromium)
    yield pages
    pages.finish()


@pytest.fixture(scope="module")
def open_standing_page(chromium: Browser) -> Iterator[browser.Pages]:
    """The same for pages that several tests of a module look at and leave as they were."""
    pages = browser.Pages(chromium)
    yield pages
    pages.finish()
