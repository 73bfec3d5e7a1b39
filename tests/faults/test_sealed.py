"""A server with a field key: no file of its tells a name, also of what came before the key and before a newer one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from mapper.services import accounts, sealing
from mapper.services.reference import Reference
from mapper.store import erasing, tables
from mapper.store.database import Database
from mapper.store.sealed_columns import begin
from mapper.store.sealing import Sealing, add_key
from tests.client.collect import multipart
from tests.client.site import House
from tests.faults.ground import Crowd, Ground, Nursery, Phone, Promise, check, ground, sqlite_in, token_of, until
from tests.postgres import Server

pytestmark = pytest.mark.long

EARLIER, PHONE = "Nông Xuân Quỳnh", "0987123456"
"""Of a household that came before there was a key."""

OF_CROWD = ("Chủ hộ uuid", "Người 0", "Chủ hộ sửa uuid")
"""How the names of all begin that phones send beside the commands."""

PHOTO = b"\xff\xd8 not really a picture of the house"


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path, started: Nursery) -> Iterator[Ground]:
    """An installation on each database in turn, whose server has a key."""
    (tmp_path / "memory").mkdir()
    settings = {"field_key": str(tmp_path / "keys"), "memory_dir": str(tmp_path / "memory")}
    with _url(request, tmp_path) as url, ground(url, tmp_path / "data", started, settings=settings) as made:
        yield made


@contextmanager
def _url(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_in(folder / "data")
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


def written(here: Ground) -> bytes:
    """All that lies in the data folder, its database's file, that one's log and the server's among it, or what the
    files of a PostgreSQL database hold."""
    kept = b"".join(path.read_bytes() for path in here.folder.rglob("*") if path.is_file())
    if here.database_url.startswith("sqlite"):
        return kept
    database = Database(here.database_url)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        files = connection.exec_driver_sql(
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(oid) FROM pg_class "
            "WHERE pg_relation_filepath(oid) IS NOT NULL"
        ).scalars()
        kept += b"".join(Path(file).read_bytes() for file in files if Path(file).exists())
    database.close()
    return kept


def told(here: Ground, *words: str | bytes) -> set[str | bytes]:
    """Those of the words that stand in a file, as they are or as JSON writes them."""
    kept = written(here)
    return {
        word
        for word in words
        if (word.encode() if isinstance(word, str) else word) in kept
        or (isinstance(word, str) and ascii(word)[1:-1].encode() in kept)
    }


@dataclass
class Reader:
    """Somebody who asks for the people of the earliest household, over and over. answers: how often they were right."""

    here: Ground
    token: str
    answers: int = 0
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While something else is done."""
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _read(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        while not self._over.wait(0.5):
            answer = requests.get(
                f"{self.here.url}/api/people", {"text": "Quỳnh", "date": "2022-08-31"}, headers=headers, timeout=40
            )
            right = [one["household"]["head"] for one in answer.json().get("results", ())]
            if answer.status_code == 200 and right == [f"{EARLIER} {PHONE}"]:
                self.answers += 1
            else:
                self.wrong.append(f"{answer.status_code} {answer.text[:400]}")


def test_no_name_is_in_a_file_of_a_server_that_seals(here: Ground, tmp_path: Path) -> None:
    words = ("Đàm Thị Hạ", "0977654321", "Triệu Văn Sinh", "Nông Thu Sương", PHOTO)
    house = House("uuid:first", head=f"{words[0]} {words[1]}", photo="nha.jpg", people=((words[2], "1980-05-04", ""),))
    token = token_of(here.database_url)
    add_key(tmp_path / "keys")
    here.start()
    promises: dict[str, Promise] = {}
    with Phone(f"{here.url}/key/{token}", promises) as phone:
        for one in (house, house.edited("uuid:edit", head=words[3]), house.but(instance_id="uuid:new", version="9")):
            phone.instance = one.instance_id
            phone.send(one.form({"nha.jpg": PHOTO} if one is house else {}))
        # Refused, and so in the server's log alone.
        other = house.but(head=words[3]).form()
        body = multipart(other, [], True, "b")
        headers = {"X-OpenRosa-Version": "1.0", "Content-Type": "multipart/form-data; boundary=b"}
        assert requests.post(f"{here.url}/key/{token}/submission", body, headers=headers, timeout=40).status_code == 409
    assert {one: promise.statuses for one, promise in promises.items()} == {
        "uuid:first": [201],
        "uuid:edit": [201],
        "uuid:new": [202],
    }
    if here.database_url.startswith("sqlite"):
        assert any(path.name.endswith("-wal") and path.stat().st_size for path in here.folder.iterdir())
    assert "submission" in here.log.read_text()
    assert told(here, *words, "house_check") == {"house_check"}, "the search finds what is not sealed"
    here.stop()
    assert told(here, *words) == set()
    check(here.database_url, promises, Sealing(tmp_path / "keys"))


def test_all_is_sealed_and_sealed_anew_beside_a_server_that_takes_submissions(here: Ground, tmp_path: Path) -> None:
    supervisor = earlier(here)
    assert told(here, EARLIER, PHONE) == {EARLIER, PHONE}
    keys = tmp_path / "keys"
    add_key(keys)
    here.start()
    crowd = Crowd(here, token_of(here.database_url, Sealing(keys)), number=2, photo_bytes=1000, pause_s=0.15)
    reader = Reader(here, supervisor)
    crowd.start()
    try:
        with reader.reading():
            until(lambda: len(crowd.promises) > 2, lambda: "no phone was answered")
            assert _beside(here, keys, crowd, anew=False) > 3000
            add_key(keys)
            assert _beside(here, keys, crowd, anew=True) > 3000
            after = len(crowd.promises)
            until(lambda: len(crowd.promises) > after + 2, lambda: "no phone was answered")
            until(lambda: reader.answers > 2, lambda: f"nobody was answered: {reader.wrong[:1]}")
    finally:
        crowd.end()
    assert (crowd.refused[:1], reader.wrong[:1]) == ([], [])
    here.stop()
    # Who holds the newest key alone reads everything.
    keys.write_bytes(keys.read_bytes().splitlines(keepends=True)[0])
    found = check(here.database_url, crowd.promises, Sealing(keys))
    assert found.submissions >= len(crowd.promises) + 1
    database = Database(here.database_url, Sealing(keys))
    erasing.sweep(database)
    database.close()
    assert told(here, EARLIER, PHONE, *OF_CROWD) == set()


def earlier(here: Ground) -> str:
    """What came before there was a key: a household, and 3000 remarks; the token of a reader."""
    here.settings, sealed = {}, here.settings
    here.start()
    with Phone(f"{here.url}/key/{token_of(here.database_url)}", {}) as phone:
        phone.send(House("uuid:earlier", head=f"{EARLIER} {PHONE}", people=((EARLIER, "1980-05-04", ""),)).form())
    here.stop()
    here.settings = sealed
    reference = Reference(Database(here.database_url))
    made = accounts.add_user(reference, "supervisor", "supervisor", ["001"], None)
    with reference.database.write() as connection:
        rows = [
            {"root_id": "a", "instance_id": "a", "at": "2022-08-15", "words": f"{EARLIER} {PHONE} {number}"}
            for number in range(3000)
        ]
        connection.execute(tables.remarks.insert(), rows)
    reference.database.close()
    return made.token


def _beside(here: Ground, keys: Path, crowd: Crowd, *, anew: bool) -> int:
    """Seal everything while phones send: between portions a form is received; how many rows were changed."""
    portions = 0

    def wait(_rows: int) -> None:
        nonlocal portions
        portions += 1
        if portions <= 6:
            before = len(crowd.promises)
            until(lambda: len(crowd.promises) > before, lambda: "no phone was answered meanwhile")

    database = Database(here.database_url, Sealing(keys))
    try:
        begin(database)
        reference = Reference(database)
        return (sealing.rotate(reference, keys, wait) if anew else sealing.seal(reference, wait)).rows
    finally:
        database.close()
