"""With a key nothing that a database keeps tells a name or a phone, and everything else is as it is without."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlalchemy import column as named
from sqlalchemy import table as of_name

from mapper.domain.people_filter import PeopleFilter
from mapper.errors import InvalidInput, Unavailable
from mapper.services import erasing, exporting, rebuilding, sealing, submission_page
from mapper.services.erasing import Wish
from mapper.services.exporting import Wish as File
from mapper.services.filtered import FilterQuestion
from mapper.services.reference import Reference
from mapper.store import oddities, schema, tables
from mapper.store import sealed_columns as store
from mapper.store.database import Database
from mapper.store.sealed_columns import begin, check, how_many, may_be_plain, open_all, seal_all, sealed_columns
from mapper.store.sealing import Sealing, add_key, read_keys
from tests.ready import sqlite_copy
from tests.services.test_erasing import HOUSE, PHONE, C, member, tell
from tests.services.test_filtered import names
from tests.services.town import DAY, EVERYTHING, Town
from tests.store.whole_rows import everything, fill

with TemporaryDirectory() as _folder:
    add_key(Path(_folder) / "keys")
    ANY = Sealing(Path(_folder) / "keys")

WORDS = ("Nông Xuân Quỳnh", "Quỳnh", "Đàm Thị Hạ", "Nông Thu Sương", "Triệu Văn Sinh", PHONE, "a picture of the house")


@pytest.fixture(autouse=True)
def no_server_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else has to take up a newer key here; that servers do, tests/faults/test_sealed.py tells."""
    monkeypatch.setattr(store, "TAKEN_UP_S", 0.0)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file with one key."""
    path = tmp_path / "secrets" / "keys"
    path.parent.mkdir()
    add_key(path)
    return path


@contextmanager
def opened(url: str, keys: Path | None) -> Iterator[Database]:
    database = Database(url, Sealing(keys) if keys else None)
    yield database
    database.close()


@pytest.fixture
def sealed_town(town_url: str, keys: Path, tmp_path: Path) -> Iterator[Town]:
    """The town on each kind of database, with a key since before anybody was visited."""
    (tmp_path / "data").mkdir(exist_ok=True)
    with opened(town_url, keys) as database:
        begin(database)
        seal_all(database)
        yield Town(Reference(database, folder=tmp_path / "memory"), tmp_path / "data")


def kept(database: Database, connection: Connection) -> dict[str, list[object]]:
    """Every text and every file of every table as the database has it: nothing is opened on the way."""
    found: dict[str, list[object]] = {}
    for table in tables.metadata.sorted_tables:
        raw = of_name(table.name, *(named(one.name) for one in table.columns))
        found[table.name] = [value for row in connection.execute(select(raw)) for value in row]
    return found


def told_in(database: Database, *words: str) -> set[tuple[str, str]]:
    """(table, word) for each word that stands anywhere in a database."""
    with database.read() as connection:
        return {
            (table, word)
            for table, values in kept(database, connection).items()
            for word in words
            for value in values
            if (isinstance(value, str) and (word in value or ascii(word)[1:-1] in value))
            or (isinstance(value, bytes | memoryview) and word.encode() in bytes(value))
        }


def journey(town: Town) -> list[object]:
    """From a phone to searches, pages, a file, duplicates, a rebuild and an erasure: what everybody sees of it."""
    user = tell(town)
    town.send(
        town.write({"household.house_number": "7"}, [member("Đàm Thị Hạ")], instance="uuid:twice", entity="twice")
    )
    reference, seen = town.reference, list[object]()
    seen += [names(town), names(town, text="quynh"), names(town, text=PHONE[1:7]), names(town, text="han")]
    page = repr(submission_page.submission_page(reference, user, "uuid:again", "vi"))
    seen.append([word for word in (*WORDS, "đi vắng", "nha.jpg") if word in page])
    everybody = FilterQuestion(C, "squares", DAY, PeopleFilter())
    made = exporting.make(reference, EVERYTHING, File(everybody, "csv", "en", False))
    file = made.path.read_text("utf-8-sig")
    seen.append([file.count(word) for word in WORDS])
    with reference.database.read() as connection:
        seen.append([len(told) for _, told in oddities.namesakes(connection, C)])
    before = town.everything()
    rebuilding.rebuild(reference)
    assert town.everything() == before
    seen += [before["tallies"], town.states()]
    return seen


def forget(town: Town) -> list[object]:
    """The household of ``tell`` is erased; what is seen then."""
    done = erasing.erase(town.reference, None, Wish(C, HOUSE))
    again = town.send(town.write({}, [member("Nông Xuân Quỳnh")], entity=HOUSE, instance="uuid:first"))
    return [dict(done.numbers), again.new, names(town), town.everything()["tallies"], town.states()]


@pytest.fixture(scope="module")
def without_key(
    town_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[object], set[str], list[object]]:
    """What is seen without a key, the words that the database then tells, and what is seen after the erasure."""
    folder = tmp_path_factory.mktemp("plain")
    with opened(sqlite_copy(town_file, folder), None) as database:
        town = Town(Reference(database), folder)
        return journey(town), {word for _, word in told_in(database, *WORDS)}, forget(town)


def test_all_is_as_it_is_without_a_key_and_the_database_tells_no_name(
    sealed_town: Town, without_key: tuple[list[object], set[str], list[object]]
) -> None:
    expected, found, forgotten = without_key
    town = sealed_town
    assert found == {*WORDS}, "the search finds words"
    assert journey(town) == expected
    assert told_in(town.reference.database, *WORDS) == set()
    if town.reference.database.is_sqlite:
        file = Path(str(town.reference.database.engine.url.database))
        beside = [path for path in file.parent.iterdir() if path.is_file()]
        assert any(path.name.endswith("-wal") for path in beside)
        texts = b"".join(path.read_bytes() for path in beside)
        assert [word for word in WORDS if word.encode() in texts] == []
    assert forget(town) == forgotten


def plain_columns(database: Database) -> set[str]:
    """Columns that should be sealed and in which something is not."""
    found = set()
    with database.read() as connection:
        for table, columns in sealed_columns():
            raw = of_name(table.name, *(named(one.name) for one in columns))
            for row in connection.execute(select(raw)):
                for one, value in zip(columns, row, strict=True):
                    if value and not cast(Any, one.type).is_sealed(value):
                        found.add(f"{table.name}.{one.name}")
    return found


@pytest.fixture
def full_url(database_url: str) -> str:
    """The address of a database with rows in every table, sealed nowhere."""
    database = Database(database_url)
    schema.upgrade(database)
    with database.write() as connection:
        fill(connection, tables.metadata)
        connection.execute(tables.mendings.update().values(act='["two_households", "Nông Thị Lan"]'))
    database.close()
    return database_url


def rows_of(database: Database) -> dict[str, list[dict[str, object]]]:
    with database.read() as connection:
        every = everything(connection, tables.metadata)
    every["facts"] = [row for row in every["facts"] if row["name"] not in ("field key", "revision")]
    return every


def test_what_was_there_is_sealed_although_it_is_killed_and_plain_again_in_the_end(full_url: str, keys: Path) -> None:
    with opened(full_url, None) as database:
        before = rows_of(database)
        assert len(plain_columns(database)) > 20
    _killed(full_url, keys)
    with opened(full_url, keys) as database:
        begin(database)
        assert may_be_plain(database)
        left = how_many(database)
        assert left > 0 and plain_columns(database), "it was killed half-way"
        assert rows_of(database) == before, "sealed and plain rows are read alike"
        assert 0 < seal_all(database) <= left
        assert (plain_columns(database), seal_all(database), may_be_plain(database)) == (set(), 0, False)
        assert rows_of(database) == before
    with opened(full_url, None) as database, pytest.raises(Unavailable, match="MAPPER_FIELD_KEY"):
        check(database)
    add_key(keys)
    with opened(full_url, keys) as database:
        check(database)
        assert rows_of(database) == before, "values of the older key are read"
        assert seal_all(database) > 0
    keys.write_bytes(b"".join(keys.read_bytes().splitlines(keepends=True)[:1]))
    with opened(full_url, keys) as database:
        check(database)
        assert rows_of(database) == before, "nothing needs the older key"
        open_all(database)
    with opened(full_url, None) as database:
        check(database)
        assert rows_of(database) == before


def test_no_page_on_the_disk_holds_what_was_plain(full_url: str, keys: Path) -> None:
    with opened(full_url, keys) as database:
        begin(database)
        with database.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO remarks (seq, root_id, instance_id, at, words) VALUES (99, '', '', '', 'Nông Xuân Quỳnh')"
            )
        assert "Nông Xuân Quỳnh".encode() in on_disk(database)
        done = sealing.seal(Reference(database))
        assert (done.swept, done.beside) == (True, ())
        assert "Nông Xuân Quỳnh".encode() not in on_disk(database)


def on_disk(database: Database) -> bytes:
    """The file of remarks, as whoever takes the disk finds it; on SQLite the database with what lies beside it."""
    if database.is_sqlite:
        file = Path(str(database.engine.url.database))
        return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        path = connection.exec_driver_sql(
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('remarks')"
        ).scalar_one()
    return Path(path).read_bytes()


def _killed(url: str, keys: Path) -> None:
    """Another process seals, and is killed after its second portion."""
    child = os.fork()
    if child == 0:
        database, portions = Database(url, Sealing(keys)), 0

        def die(_rows: int) -> None:
            nonlocal portions
            portions += 1
            if portions == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            begin(database)
            seal_all(database, die)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def test_a_key_that_does_not_fit_is_refused_before_anything_is_written(
    full_url: str, keys: Path, tmp_path: Path
) -> None:
    with opened(full_url, keys) as database:
        begin(database)
        seal_all(database)
    add_key(other := tmp_path / "other")
    for wrong, words in ((other, "not in the file"), (None, "MAPPER_FIELD_KEY")):
        with opened(full_url, wrong) as database:
            with pytest.raises(Unavailable, match=words):
                check(database)
            reference = Reference(database)
            with database.read() as connection, pytest.raises(Unavailable, match=words):
                reference.known(connection)


def test_a_server_without_the_key_is_refused_as_soon_as_another_has_it(sqlite_town: Town, keys: Path) -> None:
    xml = sqlite_town.write()
    with opened(sqlite_town.reference.database.engine.url.render_as_string(), keys) as database:
        begin(database)
        with pytest.raises(Unavailable, match="MAPPER_FIELD_KEY"):
            sqlite_town.send(xml)
        assert Town(Reference(database), sqlite_town.files).send(xml).counted
        open_all(database)
        with database.read() as connection, pytest.raises(Unavailable, match="not sealed any more"):
            Reference(database).known(connection)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0o600, "cannot be read"),
        (b"", 0o600, "holds something else"),
        (b"too short\n", 0o600, "holds something else"),
        (b"A" * 43 + b"=\n" + b"A" * 43 + b"=\n", 0o600, "none twice"),
        (b"A" * 43 + b"=\n", 0o604, "chmod 600"),
    ],
)
def test_a_file_that_holds_no_keys_or_that_all_may_read_is_refused(
    tmp_path: Path, content: bytes | None, mode: int, words: str
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(InvalidInput, match=words):
        Sealing(path)


def test_a_key_that_was_added_is_found_without_a_new_start(keys: Path) -> None:
    before = Sealing(keys)
    old = before.seal("Nông Thị Lan")
    assert add_key(keys) == len(read_keys(keys)) == 2
    new = Sealing(keys)
    assert new.seal("Nông Thị Lan")[:5] != old[:5]
    assert before.open(new.seal("Nông Thị Lan")) == new.open(old) == "Nông Thị Lan"
    assert before.open_bytes(new.seal_bytes(b"\0\xff")) == b"\0\xff"
    assert keys.stat().st_mode & 0o777 == 0o600


@given(text=st.text(max_size=40), content=st.binary(max_size=40))
@settings(max_examples=30)
def test_whatever_was_sealed_is_opened_and_what_was_not_stays(text: str, content: bytes) -> None:
    assert ANY.open(ANY.seal(text)) == text and ANY.open_bytes(ANY.seal_bytes(content)) == content
    for plain in (text.replace("\x02", ""), f"\x02{text}!"):
        assert ANY.open(plain) == plain
    assert ANY.seal("x") != ANY.seal("x")


def test_a_value_that_somebody_changed_is_not_taken_for_another() -> None:
    sealed = ANY.seal_bytes(b"0987123456")
    for place in (4, 8, len(sealed) - 1):
        with pytest.raises(Unavailable):
            ANY.open_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])


def test_sealed_columns_cannot_be_compared_in_sql_by_mistake() -> None:
    name = tables.people.c.name
    for compare in (name.__eq__, name.__ne__, name.__lt__, name.like, name.contains):
        with pytest.raises(TypeError, match="not in SQL"):
            compare("Lan")
    with pytest.raises(TypeError, match="not in SQL"):
        name.in_(["Lan"])
    assert str(tables.people.c.name.is_(None)) == "people.name IS NULL"


def test_the_document_tells_of_every_sealed_column() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "DATA_PROTECTION.md").read_text("utf-8")
    assert [
        f"{table.name}.{one.name}"
        for table, columns in sealed_columns()
        for one in columns
        if f"`{table.name}.{one.name}`" not in text
    ] == []
