"""`make-key`, `encrypt`, `rotate-key` and `decrypt` as an operator runs them; no name is left in any file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapper.settings import Settings
from mapper.store import schema, tables
from mapper.store import sealed_columns as store
from mapper.store.database import Database
from server import command_line

NAMES = ("Nông Xuân Quỳnh", "0987123456")


@pytest.fixture(autouse=True)
def no_server_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else has to take up a newer key here; that servers do, tests/faults/test_sealed.py tells."""
    monkeypatch.setattr(store, "TAKEN_UP_S", 0.0)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with somebody's answers, an older copy of its database, and a copy of columns."""
    # A process with a key takes its temporary files elsewhere.
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    folder = tmp_path / "data"
    (folder / "columns").mkdir(parents=True)
    (folder / "columns" / "people").write_text(NAMES[0])
    database = Database(f"sqlite:///{folder / 'tungnha.sqlite3'}")
    schema.upgrade(database)
    with database.write() as connection:
        rows = [
            {"root_id": "a", "instance_id": "a", "at": "2022-08-15", "words": " ".join((*NAMES, str(number)))}
            for number in range(3000)
        ]
        connection.execute(tables.remarks.insert(), rows)
    database.close()
    (tmp_path / "memory").mkdir()
    return folder


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Callable[..., Result]:
    def one(*words: object, key: bool = True) -> Result:
        settings = Settings(
            data_dir=data,
            language="en",
            memory_dir=tmp_path / "memory",
            field_key=str(tmp_path / "keys") if key else "",
        )
        return CliRunner().invoke(command_line(settings), list(map(str, words)))

    return one


def told_in_files(folder: Path) -> set[str]:
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {name for name in NAMES if any(name.encode() in text for text in texts)}


def test_what_is_sealed_is_in_no_file_any_more_and_comes_back(
    data: Path, tmp_path: Path, run: Callable[..., Result]
) -> None:
    assert "make-key" in str(run("encrypt", key=False).exception)
    assert "make-key" in str(run("encrypt").exception), "there is no file of keys yet"
    assert told_in_files(data) == {*NAMES}
    assert "1 keys" in run("make-key").output
    done = run("encrypt")
    assert done.exit_code == 0, done.output
    assert "Sealed 3" in done.output
    assert told_in_files(data) == set()
    assert not (data / "columns").exists()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "memory").iterdir()] == [0o700]
    assert "MAPPER_FIELD_KEY" in str(run("erase", "sweep", key=False).exception)
    assert told_in_files(data) == set()

    assert "make-key" in str(run("rotate-key").exception), "the file holds one key"
    assert "2 keys" in run("make-key").output
    assert "newest key" in run("rotate-key").output
    lines = (tmp_path / "keys").read_bytes().splitlines(keepends=True)
    (tmp_path / "keys").write_bytes(lines[1])
    assert "not in the file" in str(run("encrypt").exception), "the older key opens nothing any more"
    (tmp_path / "keys").write_bytes(lines[0])
    assert "Sealed 0 rows" in run("encrypt").output

    assert run("decrypt", "--yes").exit_code == 0
    assert told_in_files(data) == {*NAMES}
    assert run("erase", "sweep", key=False).exit_code == 0


def test_older_copies_beside_the_database_are_named(data: Path, run: Callable[..., Result]) -> None:
    run("make-key")
    copy = data / "tungnha-of-0001.sqlite3"
    copy.touch()
    assert str(copy) in run("encrypt").output


def test_a_database_that_somebody_uses_is_not_opened(data: Path, run: Callable[..., Result]) -> None:
    run("make-key")
    run("encrypt")
    other = Database(f"sqlite:///{data / 'tungnha.sqlite3'}")
    with other.engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM remarks").all()
        assert "Stop it first" in str(run("decrypt", "--yes").exception)
    other.close()
    assert told_in_files(data) == set()


def test_a_memory_folder_that_others_may_read_is_refused(tmp_path: Path, run: Callable[..., Result]) -> None:
    run("make-key")
    run("encrypt")
    (folder,) = (tmp_path / "memory").iterdir()
    folder.chmod(0o755)
    assert "MAPPER_MEMORY_DIR" in str(run("encrypt").exception)
