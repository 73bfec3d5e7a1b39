"""`backup`, `restore` and `move-database` as an operator runs them: what they say, with which code they end."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapper.settings import Settings
from mapper.store.filling import PART
from server import command_line, main
from tests.client.site import fill_database

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the squares and the small forms."""
    folder = tmp_path_factory.mktemp("filled")
    fill_database(f"sqlite:///{folder / 'tungnha.sqlite3'}", folder)
    return folder


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tungnha.sqlite3").write_bytes((filled / "tungnha.sqlite3").read_bytes())
    return tmp_path / "data"


def run(data: Path, *arguments: object, **settings: object) -> Result:
    """One command, in this process."""
    given = Settings(data_dir=data, language="en", **settings)  # type: ignore[arg-type]
    return CliRunner().invoke(command_line(given), list(map(str, arguments)))


def hamlets(file: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return sorted(connection.execute("SELECT * FROM hamlets").fetchall())


def test_a_backup_into_a_folder_is_proven_put_back_and_the_older_ones_go(data: Path, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    (backups / "tungnha-20200101T000000Z.tungnha.zip").touch()
    (data / "roads.npz").write_bytes(b"roads")
    done = run(data, "backup", backups, "--verify", "--keep", 1)
    assert done.exit_code == 0, done.output
    (file,) = backups.iterdir()
    assert "all of it is equal" in done.output
    assert "personal data" in done.output
    assert "Deleted the older backup" in done.output
    tried = run(tmp_path / "new", "restore", file, "--check")
    assert (tried.exit_code, "The backup is whole" in tried.output) == (0, True), tried.output
    assert not (tmp_path / "new" / "tungnha.sqlite3").exists()
    done = run(tmp_path / "new", "restore", file)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines() if line.startswith("hamlets ")]
    assert [line[1] == line[2] and line[3] == line[4] for line in lines] == [True]
    assert "the tallies agree" in done.output
    assert hamlets(tmp_path / "new" / "tungnha.sqlite3") == hamlets(data / "tungnha.sqlite3") != []
    assert (tmp_path / "new" / "roads.npz").read_bytes() == b"roads"


def test_a_key_in_the_settings_is_told_to_be_kept_apart(data: Path, tmp_path: Path) -> None:
    done = run(data, "backup", tmp_path / "b.zip", secret_key="k" * 40)
    assert "MAPPER_SECRET_KEY is not in it" in done.output
    done = run(tmp_path / "new", "restore", tmp_path / "b.zip")
    assert "every phone needs a new QR code" in done.output


def test_a_database_moved_is_no_longer_served_until_that_is_undone(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there" / "tungnha.sqlite3"
    done = run(data, "move-database", "--to", f"sqlite:///{there}")
    assert done.exit_code == 0, done.output
    assert "Both are equal" in done.output
    assert "DIFFERS" not in done.output
    assert hamlets(there) == hamlets(data / "tungnha.sqlite3")
    assert "moved to another one" in str(run(data, "rebuild").exception)
    assert run(there.parent, "rebuild").exit_code == 0
    assert run(data, "move-database", "--undo").exit_code == 0
    assert run(data, "rebuild").exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["move-database"], ["move-database", "--undo", "--to", "sqlite:///x"], ["backup", "x", "--keep", "2"]]
)
def test_what_cannot_be_meant_is_a_usage_error(data: Path, arguments: list[str]) -> None:
    assert run(data, *arguments).exit_code == 2


def test_what_goes_wrong_is_one_line_with_its_cure(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAPPER_DATA_DIR", str(data))
    monkeypatch.setenv("MAPPER_LANGUAGE", "en")
    (tmp_path / "b.zip").write_text("no backup")
    monkeypatch.setattr(sys, "argv", ["server.py", "restore", str(tmp_path / "b.zip")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "This file is no backup, or is damaged or cut off. Take another backup.\n"


def test_a_restore_that_is_killed_leaves_what_was_there_and_can_be_begun_anew(data: Path, tmp_path: Path) -> None:
    assert run(data, "backup", tmp_path / "b.zip").exit_code == 0
    before = hamlets(data / "tungnha.sqlite3")
    script = (
        "import os, signal\n"
        "from mapper.store import whole\n"
        "whole.go_on_numbering = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"  # all is entered, and proven
        "import server\n"
        f"import sys; sys.argv = ['server.py', 'restore', '--replace', {str(tmp_path / 'b.zip')!r}]\n"
        "server.main()\n"
    )
    environment = {**os.environ, "MAPPER_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=120, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert (data / f"tungnha.sqlite3{PART}").exists()
    assert hamlets(data / "tungnha.sqlite3") == before
    done = run(data, "restore", "--replace", tmp_path / "b.zip")
    assert done.exit_code == 0, done.output
    assert not (data / f"tungnha.sqlite3{PART}").exists()
    assert hamlets(data / "tungnha.sqlite3") == before
