"""Everything moved to another database, backed up and put back: proven equal, or everything is as it was."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import select, text

from mapper.errors import Conflict, InvalidInput, Unavailable
from mapper.services import audit, backups, moving, rebuilding, whole_copy
from mapper.services.backups import Files
from mapper.services.reference import Reference
from mapper.store import audit as trail
from mapper.store import schema, tables, tallies, whole
from mapper.store.database import Database
from tests.postgres import Server
from tests.services.town import Town, person
from tests.store.whole_rows import fill as fill_rows
from tests.store.whole_rows import reflected


def fill(town: Town) -> None:
    """Some houses, one twice, one with a photo."""
    for number in range(6):
        town.send(
            town.write(people=[person()] * (number % 3), instance=f"a{number}", entity=f"h{number}", commune=number % 3)
        )
    town.send(
        town.write({"visit.date": date(2022, 8, 20)}, [person()], instance="again", entity="h1"), date(2022, 8, 21)
    )
    town.send(town.write(instance="photo", entity="h9"), attachments={"nha.jpg": b"\xff\xd8 no real photo"})


@pytest.fixture
def filled(town: Town) -> Town:
    """The town on each kind of database, with some houses."""
    fill(town)
    return town


@pytest.fixture
def filled_file(sqlite_town: Town) -> Town:
    """The same on SQLite alone."""
    fill(sqlite_town)
    return sqlite_town


@contextmanager
def opened(url: str) -> Iterator[Town]:
    database = Database(url)
    yield Town(Reference(database), Path())
    database.close()


@pytest.fixture
def no_files(tmp_path: Path) -> Files:
    return Files(tmp_path / "roads.npz")


# Moving


def test_a_town_moved_to_the_other_kind_of_database_and_back_is_the_same_town(
    filled_file: Town, postgres_server: Server, tmp_path: Path
) -> None:
    before, states = filled_file.everything(), filled_file.states()
    there = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    with postgres_server.database() as url:
        moved = moving.move(filled_file.reference.database, url)
        assert moved.complete
        assert moved.proof.equal
        assert (moved.proof.cells, moved.proof.wrong_cells) == (3, [])
        with opened(url) as town:
            assert (town.everything(), town.states()) == (before, states)
            rebuilding.rebuild(town.reference)
            assert town.everything() == before
            town.writers = filled_file.writers
            assert town.send(filled_file.write(people=[person()], instance="new", entity="new")).counted
            after = town.everything()
            back = moving.move(town.reference.database, there)
            assert back.complete
    with opened(there) as town:
        assert town.everything() == after
        assert town.reference.database.is_sqlite
        verdict = audit.verify(town.reference)
        assert (verdict.entries, verdict.broken_at) == (2, None)
        assert [one.action for one in audit.entries(town.reference, 5)] == ["database.moved"] * 2


def test_no_server_starts_on_a_database_whose_data_were_moved(filled_file: Town, tmp_path: Path) -> None:
    database = filled_file.reference.database
    moving.move(database, f"sqlite:///{tmp_path / 'there' / 'new.sqlite3'}")
    with pytest.raises(Unavailable, match="moved to another one"):
        schema.upgrade(database)
    moving.undo(str(database.engine.url))
    schema.upgrade(database)
    with pytest.raises(Conflict, match="were not moved away"):
        moving.undo(str(database.engine.url))


def test_a_source_is_marked_before_the_copy_and_stays_so_where_the_copy_may_stand(
    filled_file: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = filled_file.reference.database
    url = database.engine.url.render_as_string(hide_password=False)
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"

    def fails(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(whole_copy.whole, "enter", fails)
        patch.setattr(schema, "unmark_moved", lambda connection: False)  # as if the power had failed here
        with pytest.raises((OSError, Conflict)):
            moving.move(database, target)
    with pytest.raises(Unavailable, match="was cut off, or is still going on"):
        schema.upgrade(database)
    assert not (tmp_path / "target.sqlite3").exists()
    moving.undo(url)
    with monkeypatch.context() as patch:
        patch.setattr(whole_copy.whole, "enter", fails)
        with pytest.raises(OSError):
            moving.move(database, target)
    schema.upgrade(database)  # a fault takes the mark back
    with monkeypatch.context() as patch:
        patch.setattr(schema, "mark_moved", fails)
        with pytest.raises(OSError):
            moving.move(database, target)
    with opened(target) as town:
        assert town.states() == filled_file.states()
    with pytest.raises(Unavailable, match="was cut off, or is still going on"):
        schema.upgrade(database)  # the copy stands: not both


def test_a_database_that_a_server_has_open_is_not_moved(filled: Town, tmp_path: Path) -> None:
    database = filled.reference.database
    url = database.engine.url.render_as_string(hide_password=False)
    with opened(url) as server:
        server.states()
        with pytest.raises(Conflict, match=r"still has this database open|\d other sessions"):
            moving.move(database, f"sqlite:///{tmp_path / 'new.sqlite3'}")
    assert not (tmp_path / "new.sqlite3").exists()
    schema.upgrade(database)  # served as before


def test_a_target_that_holds_anything_is_refused(filled_file: Town, tmp_path: Path) -> None:
    database = filled_file.reference.database
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    assert moving.move(database, target).complete
    moving.undo(str(database.engine.url))
    with pytest.raises(Conflict, match="There are data in this database already"):
        moving.move(database, target)
    with pytest.raises(InvalidInput, match="That is the database in use"):
        moving.move(database, str(database.engine.url))


def test_a_copy_that_differs_in_one_value_is_undone_and_told(
    filled_file: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proper = whole_copy.whole.enter

    def spoil(database: Database, connection: object, shape: whole_copy.Shape, portions: object) -> None:
        proper(database, connection, shape, portions)  # type: ignore[arg-type]
        if shape.name == "people":
            connection.execute(text("UPDATE people SET sex = 'male' WHERE household_seq = 2"))  # type: ignore[attr-defined]

    target = tmp_path / "target.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr(whole_copy.whole, "enter", spoil)
        moved = moving.move(filled_file.reference.database, f"sqlite:///{target}")
    assert not moved.complete
    assert [one.name for one in moved.proof.tables if not one.equal] == ["people"]
    assert not target.exists()
    schema.upgrade(filled_file.reference.database)  # served as before


def test_tallies_that_are_not_what_their_households_add_up_to_are_told(filled_file: Town, tmp_path: Path) -> None:
    database = filled_file.reference.database
    with database.write() as connection:
        cell = connection.scalar(select(tables.tallies.c.cell_id).limit(1))
        connection.execute(tables.tallies.update().where(tables.tallies.c.cell_id == cell).values(vaccinated=7))
    moved = moving.move(database, f"sqlite:///{tmp_path / 'target.sqlite3'}")
    assert not moved.complete
    assert all(one.equal for one in moved.proof.tables)
    assert moved.proof.wrong_cells == [cell]


# Backups


def test_a_backup_restores_into_either_database(
    filled: Town, tmp_path: Path, no_files: Files, postgres_server: Server
) -> None:
    made = backups.back_up(filled.reference, tmp_path / "b.zip", no_files, verify=True)
    assert made.proof is not None
    assert made.proof.equal
    assert made.file.stat().st_mode & 0o777 == 0o600
    before = filled.everything()
    with postgres_server.database() as postgres:
        for url in (postgres, f"sqlite:///{tmp_path / 'new' / 'tungnha.sqlite3'}"):
            done = backups.restore(url, made.file, no_files)
            assert done.complete
            with opened(url) as town:
                assert town.everything() == before
                assert [one.action for one in audit.entries(town.reference, 2)] == [
                    "database.restored",
                    "database.backed_up",
                ]
                assert audit.verify(town.reference).broken_at is None
    assert sorted(path.name for path in tmp_path.iterdir() if "restored" in path.name or "part" in path.name) == []


def test_phones_send_while_a_backup_is_taken_and_it_is_of_one_moment(
    filled: Town, tmp_path: Path, no_files: Files
) -> None:
    before, sent = filled.everything(), []

    def send(rows: int) -> None:
        if len(sent) < 3:
            sent.append(filled.send(filled.write(people=[person()], instance=f"w{len(sent)}", entity=f"w{len(sent)}")))

    made = backups.back_up(filled.reference, tmp_path / "b.zip", no_files, progress=send)
    assert [one.counted for one in sent] == [True] * 3
    url = f"sqlite:///{tmp_path / 'new' / 'tungnha.sqlite3'}"
    backups.restore(url, made.file, no_files)
    with opened(url) as town:
        assert town.everything() == before
        assert len(town.states()) == len(filled.states()) - 3


def test_what_waits_beside_the_trail_is_in_the_backup(filled_file: Town, tmp_path: Path, no_files: Files) -> None:
    database = filled_file.reference.database
    trail.append_aside(database, "2026-01-01T00:00:00+00:00", 1, "lan", "people.listed", "", {})
    made = backups.back_up(filled_file.reference, tmp_path / "b.zip", no_files)
    backups.restore(f"sqlite:///{tmp_path / 'new' / 't.sqlite3'}", made.file, no_files)
    with opened(f"sqlite:///{tmp_path / 'new' / 't.sqlite3'}") as town:
        assert [one.action for one in audit.entries(town.reference, 5)][1:] == ["database.backed_up", "people.listed"]


def test_a_restore_over_data_sets_them_aside_with_files(filled_file: Town, tmp_path: Path) -> None:
    files = Files(tmp_path / "roads.npz", tmp_path / "land.pmtiles")
    files.road_map.write_bytes(b"roads")
    assert files.base_map is not None
    files.base_map.write_bytes(b"land")
    database = filled_file.reference.database
    url = str(database.engine.url)
    made = backups.back_up(filled_file.reference, tmp_path, files)
    assert made.file.name.startswith("tungnha-20")
    before = filled_file.everything()
    filled_file.send(filled_file.write(people=[person()], instance="late", entity="late"))
    files.road_map.write_bytes(b"newer roads")
    with pytest.raises(Conflict, match="There are data in this database already"):
        backups.restore(url, made.file, files)
    database.close()
    done = backups.restore(url, made.file, files, replace=True)
    assert files.road_map.read_bytes() == b"roads"
    kept = {place.name: aside for place, aside in done.files}
    assert kept["roads.npz"] is not None
    assert kept["roads.npz"].read_bytes() == b"newer roads"
    with opened(url) as town, opened(f"sqlite:///{done.aside}") as old:
        assert town.everything() == before
        assert "late" in old.states()
        assert "late" not in town.states()


def test_a_restore_that_fails_in_the_end_leaves_files_as_they_were(
    filled_file: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path / "there" / "roads.npz")
    files.road_map.parent.mkdir()
    files.road_map.write_bytes(b"roads")
    made = backups.back_up(filled_file.reference, tmp_path, files)
    files.road_map.write_bytes(b"newer roads")
    seen: list[bytes] = []

    def fails(database: Database) -> None:
        seen.append(files.road_map.read_bytes())
        raise OSError

    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(schema, "upgrade", fails)  # the database is the last to stand
        backups.restore(url, made.file, files)
    assert seen == [b"roads"]
    assert [file.read_bytes() for file in files.road_map.parent.iterdir()] == [b"newer roads"]
    assert backups.restore(url, made.file, files).complete
    assert files.road_map.read_bytes() == b"roads"


def test_whatever_a_cache_knows_of_the_database_before_a_restore_no_longer_holds(
    filled_file: Town, tmp_path: Path, no_files: Files
) -> None:
    def version(town: Town) -> tuple[str, int]:
        with town.reference.database.read() as connection:
            return tallies.version(town.reference.database, connection)

    made = backups.back_up(filled_file.reference, tmp_path / "b.zip", no_files)
    backups.restore(f"sqlite:///{tmp_path / 'new.sqlite3'}", made.file, no_files)
    with opened(f"sqlite:///{tmp_path / 'new.sqlite3'}") as town:
        assert version(town)[0] != version(filled_file)[0]
        assert version(town)[1] == version(filled_file)[1]


@pytest.mark.parametrize("harm", ["cut", "flipped", "text", "no manifest", "later", "other table"])
def test_a_file_that_is_no_whole_backup_is_refused(
    filled_file: Town, tmp_path: Path, no_files: Files, harm: str
) -> None:
    file = backups.back_up(filled_file.reference, tmp_path / "b.zip", no_files).file
    content = file.read_bytes()
    if harm == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif harm == "flipped":
        place = content.index(b"tables/instances.arrow") + 2000
        file.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
    elif harm == "text":
        file.write_text("no backup")
    else:
        spoil_manifest(file, harm)
    with pytest.raises(InvalidInput, match=r"no backup|newer release|none of this program"):
        backups.restore(f"sqlite:///{tmp_path / 'new' / 't.sqlite3'}", file, no_files)
    assert not (tmp_path / "new" / "t.sqlite3").exists()


def spoil_manifest(file: Path, harm: str) -> None:
    other = file.with_suffix(".other")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                told = json.loads(content)
                if harm == "no manifest":
                    continue
                if harm == "later":
                    told["format"] = 2
                else:
                    told["tables"][0]["name"] = 'people"; DROP TABLE people; --'
                content = json.dumps(told).encode()
            new.writestr(name, content)
    other.replace(file)


def test_a_backup_whose_rows_are_not_those_that_it_tells_of_is_not_put_back(
    filled_file: Town, tmp_path: Path, no_files: Files
) -> None:
    file = backups.back_up(filled_file.reference, tmp_path / "b.zip", no_files).file
    other = file.with_suffix(".other")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = content.replace(b'"digest": "', b'"digest": "0')
            new.writestr(name, content)
    done = backups.restore(f"sqlite:///{tmp_path / 'new.sqlite3'}", other, no_files)
    assert not done.complete
    assert not (tmp_path / "new.sqlite3").exists()


def test_a_backup_is_never_written_over_another_and_never_half(
    filled_file: Town, tmp_path: Path, no_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.zip"
    file.write_text("the one of yesterday")
    with pytest.raises(Conflict, match="There is a file"):
        backups.back_up(filled_file.reference, file, no_files)
    assert file.read_text() == "the one of yesterday"

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pa.ipc.RecordBatchStreamWriter, "write_batch", full)
    with pytest.raises(Unavailable, match="No space left"):
        backups.back_up(filled_file.reference, tmp_path / "c.zip", no_files)
    assert {path.name for path in tmp_path.iterdir() if "c.zip" in path.name} == set()


def test_only_the_newest_backups_of_a_folder_are_kept(tmp_path: Path) -> None:
    for day in (1, 2, 3, 4):
        (tmp_path / f"tungnha-2026110{day}T000000Z{backups.ENDING}").touch()
    (tmp_path / "of somebody else.zip").touch()
    deleted = backups.thin_out(tmp_path, 2)
    assert [file.name[8:16] for file in deleted] == ["20261102", "20261101"]
    assert (tmp_path / "of somebody else.zip").exists()


def test_a_backup_of_the_previous_release_is_brought_up_to_date(
    tmp_path: Path, no_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(f"sqlite:///{tmp_path / 'old.sqlite3'}") as old:
        database = old.reference.database
        with database.write() as connection:
            schema.make(connection, "0002")
        with database.write() as connection:
            found = reflected(connection)
            fill_rows(connection, found)
            connection.execute(text("DELETE FROM tallies"))
            connection.execute(text("DELETE FROM house_tallies"))
            connection.execute(text("UPDATE households SET steps = '[[0, 0, 0, 0, 0, 0], []]'"))
        with monkeypatch.context() as patch:
            patch.setattr(backups.whole, "shapes", partial(whole.shapes, found))  # as that release had them
            file = backups.back_up(old.reference, tmp_path / "old.zip", no_files).file
    done = backups.restore(f"sqlite:///{tmp_path / 'new.sqlite3'}", file, no_files)
    assert (done.complete, done.contents.revision) == (True, "0002")
    with opened(f"sqlite:///{tmp_path / 'new.sqlite3'}") as town:
        assert schema.differences(town.reference.database) == []
        with town.reference.database.read() as connection:
            assert len(connection.execute(select(tables.households)).all()) == 3
