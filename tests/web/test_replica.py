"""Pages read from a real streaming replica: never without what their reader wrote, and from the primary where it lags
or is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from mapper.settings import Settings
from mapper.store import replica as kept
from mapper.store.database import Database
from mapper.store.replica import Replica
from mapper.store.sealing import Sealing
from tests.client.collect import NotAccepted
from tests.client.site import Site, running
from tests.conftest import missing
from tests.postgres import NoPostgres, Server
from tests.replica import replica_of
from tests.web.conftest import Lent
from tests.web.test_exports import HOUSES
from tests.web.test_sign_in import PASSWORD, Desk


@dataclass(frozen=True)
class Pair:
    """A site that reads from a replica. The replica stands still, and goes on, when it is told to."""

    site: Site
    server: Server
    replica: Replica
    address: str

    def tell(self, statement: str) -> object:
        """Ask the replica's server."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            answer = connection.execute(statement)
            return answer.fetchone() if answer.description else None

    def stands_still(self) -> None:
        self.tell("SELECT pg_wal_replay_pause()")
        until(lambda: self.tell("SELECT pg_get_wal_replay_pause_state()") == ("paused",))

    def goes_on(self) -> None:
        self.tell("SELECT pg_wal_replay_resume()")

    def asked(self) -> int:
        """How many transactions the replica has answered in this database."""
        time.sleep(1.1)  # servers add them up once a second
        found = self.tell("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        assert isinstance(found, tuple)
        return int(found[0])


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.fixture(scope="module")
def follower(postgres_server: Server) -> Iterator[Server]:
    try:
        with replica_of(postgres_server) as made:
            yield made
    except NoPostgres as reason:
        missing(str(reason))


@pytest.fixture
def pair(filled_postgres: Lent, follower: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(kept, "LOOKS_S", 0.05)
    url = follower.url(filled_postgres.url.rpartition("/")[2])
    made: list[Replica] = []
    opened = Database.__init__

    def with_replica(database: Database, address: str, sealing: Sealing | None = None) -> None:
        opened(database, address, sealing)
        if address == filled_postgres.url and not made:
            made.append(Replica(database, url))
            database.aside = made[0]

    monkeypatch.setattr(Database, "__init__", with_replica)
    settings = Settings(data_dir=tmp_path, chunk_mb=1, max_submission_mb=4)
    with running(settings, filled_postgres.url) as site:
        one = Pair(site, follower, made[0], url.replace("+psycopg", ""))
        until(lambda: one.replica.serves())
        yield one
        with suppress(psycopg.Error):
            one.goes_on()
    filled_postgres.restore()


@pytest.fixture
def desk(pair: Pair) -> Iterator[Desk]:
    """A supervisor's browser."""
    name = pair.site.user("supervisor", "001", password=PASSWORD).name
    made = Desk(pair.site)
    made.sign_in(name, PASSWORD)
    yield made
    made.session.close()


def eligible(pair: Pair, key: str) -> int:
    return int(pair.site.coverage(key)["total"]["eligible"])  # type: ignore[index, call-overload]


def test_pages_are_read_from_the_replica_and_phones_are_not(pair: Pair) -> None:
    key = pair.site.user("administrator").token
    phone = pair.site.phone()
    before = pair.asked()
    for house in HOUSES:
        phone.send(house.form())
    phone.match_exactly()
    looks = pair.asked() - before  # its own asking how far it is, which goes on
    until(lambda: eligible(pair, key) == 4)
    for _ in range(200):
        assert eligible(pair, key) == 4
    until(lambda: pair.asked() - before > looks + 200)


def test_a_replica_that_stands_still_shows_what_it_has_to_others_and_never_to_who_wrote(
    pair: Pair, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LAG_S", 600.0)  # nothing but what they wrote counts
    key = pair.site.user("administrator").token
    until(lambda: eligible(pair, key) == 0)
    desk.get("/export/files")  # shows the token of a form
    pair.stands_still()
    pair.site.phone().send(HOUSES[0].form())
    asked = {"campaign": "mini", "group": "5_plus", "dose": "1", "level": "hamlet", "date": "2022-08-31"}
    assert eligible(pair, key) == 0  # as the replica has it
    assert desk.get("/api/coverage", **asked).json()["total"]["eligible"] == 0
    saved = desk.post("/list/saved", name="Người già", query="campaign=mini&date=2022-08-31&age_from=60")
    assert saved.status_code in (302, 303), saved.text
    assert "Người già" in desk.get("/list", campaign="mini", date="2022-08-31").text
    assert desk.get("/api/coverage", **asked).json()["total"]["eligible"] == 1  # they have written: from the primary
    assert eligible(pair, key) == 0
    pair.goes_on()
    until(lambda: eligible(pair, key) == 1)


def test_one_that_lags_serves_nobody(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    key = pair.site.user("administrator").token
    monkeypatch.setattr(kept, "LAG_S", 0.6)
    pair.stands_still()
    pair.site.phone().send(HOUSES[0].form())
    until(lambda: not pair.replica.serves(), 10)
    assert eligible(pair, key) == 1
    pair.goes_on()
    until(lambda: pair.replica.serves())
    assert eligible(pair, key) == 1


def test_a_replica_that_dies_in_the_middle_of_a_page_and_stays_away_is_not_missed(pair: Pair) -> None:
    key = pair.site.user("administrator").token
    pair.site.phone().send(HOUSES[0].form())
    until(lambda: eligible(pair, key) == 1)
    pair.replica._over.set()  # nobody looks any more: it counts as well for a moment longer
    assert pair.replica._thread is not None
    pair.replica._thread.join()
    pair.replica.look()
    assert pair.replica.serves()
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    pair.tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    dead = Database(pair.address.replace(f":{pair.server.port}/", ":1/"))
    alive, pair.replica.database = pair.replica.database, dead
    assert eligible(pair, key) == 1
    assert not pair.replica.serves()
    pair.replica.look()
    assert not pair.replica.serves() and eligible(pair, key) == 1
    pair.replica.database = alive
    until(lambda: pair.replica.look() or pair.replica.serves())
    assert eligible(pair, key) == 1


def test_while_the_primary_is_gone_pages_are_still_answered_and_sending_waits(
    pair: Pair, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = pair.site.phone()
    phone.send(HOUSES[0].form())
    asked = {"campaign": "mini", "group": "5_plus", "dose": "1", "level": "hamlet", "date": "2022-08-31"}
    until(lambda: desk.get("/api/coverage", **asked).json()["total"]["eligible"] == 1)

    def refused(_begin: str, _end: str = "") -> None:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(pair.site.reference.database, "_borrow", refused)
    until(lambda: not pair.replica._primary_answers)
    monkeypatch.setattr(kept, "LAG_S", 3.0)
    for _ in range(3):
        answer = desk.get("/api/coverage", **asked)
        assert (answer.status_code, answer.json()["total"]["eligible"]) == (200, 1)
    with pytest.raises(NotAccepted) as refusal:
        phone.send(HOUSES[1].form())
    assert refusal.value.status == 503
    monkeypatch.undo()
    assert phone.send(HOUSES[1].form()).statuses == (201,)
