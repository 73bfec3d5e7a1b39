"""What a server does in bad hours: its disk is full, its database goes and comes back, its clock is set back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from mapper.services import intake
from mapper.services.reference import Reference
from mapper.store.database import Database
from tests import postgres
from tests.client.collect import NotAccepted
from tests.client.site import House
from tests.faults.full_disk import NoDisk, restart, run_full, small_disk
from tests.faults.ground import (
    Crowd,
    Ground,
    Nursery,
    Phone,
    Promise,
    check,
    derived,
    ground,
    nursery,
    sqlite_in,
    token_of,
    until,
)

pytestmark = pytest.mark.long
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A file system of 12 MB of its own."""
    try:
        with small_disk(12) as place:
            yield place
    except NoDisk as reason:
        pytest.skip(str(reason))


def test_a_full_disk_keeps_nothing_by_halves_and_once_there_is_room_phones_go_on(disk: Path, started: Nursery) -> None:
    promises: dict[str, Promise] = {}
    refused = 0
    with ground(sqlite_in(disk / "data"), disk / "data", started) as here:
        token = token_of(here.database_url)
        here.start()
        with Phone(f"{here.url}/key/{token}", promises) as phone:
            phone.instance = "uuid:before"
            phone.send(House("uuid:before").form())
            ballast = disk / "ballast"
            with ballast.open("wb") as file, pytest.raises(OSError, match="space"):
                while True:
                    file.write(bytes(65536))
                    file.flush()
            turn = 0
            while not refused:
                turn += 1
                phone.instance = f"uuid:full {turn}"
                house = House(phone.instance, photo="a.jpg").form({"a.jpg": os.urandom(300_000)})
                try:
                    phone.send(house)
                except NotAccepted as answer:
                    assert answer.status == 503, answer
                    assert answer.message
                    refused += 1
                assert turn < 50
            again = requests.get(f"{here.url}/healthz", timeout=30)
            assert again.status_code == 200
            assert requests.get(f"{here.url}/readyz", timeout=30).json()["checks"]["disk"] is False
            ballast.unlink()
            assert requests.get(f"{here.url}/readyz", timeout=30).json()["checks"]["disk"] is True
            phone.send(house)
            phone.instance = "uuid:after"
            phone.send(House("uuid:after").form())
        here.stop()
        assert phone.instance in promises
        found = check(here.database_url, promises)
        assert found.submissions == len(promises)


def test_postgresql_whose_disk_is_full_keeps_what_it_promised_and_goes_on_once_there_is_room(
    tmp_path: Path, started: Nursery
) -> None:
    """Its tables' disk; ``bench/faults.py --full`` fills that of its log too."""
    try:
        seen = run_full(started, tmp_path / "data", with_log=False)
    except (NoDisk, postgres.NoPostgres) as reason:
        pytest.skip(str(reason))
    assert seen.answers_503 > 0
    assert not seen.ended
    assert seen.found.submissions == seen.promised


def test_a_database_that_is_stopped_and_started_under_the_phones_loses_nothing(
    tmp_path: Path, started: Nursery
) -> None:
    try:
        server = postgres.start()
    except postgres.NoPostgres as reason:
        pytest.skip(str(reason))
    try:
        with server.database() as url, ground(url, tmp_path / "data", started) as here:
            crowd = Crowd(here, token_of(url), number=3, seed=3, photo_bytes=100_000)
            here.start()
            crowd.start()
            try:
                until(lambda: len(crowd.promises) > 5, lambda: "nothing is received")
                go_down(server)
                answer = requests.get(f"{here.url}/readyz", timeout=60)
                assert answer.status_code == 503
                assert answer.json()["checks"]["database"] is False
                assert requests.get(f"{here.url}/healthz", timeout=30).status_code == 200
                until(lambda: crowd.answers_503 > 0, lambda: "no phone was told to come again")
                restart(server)
                before = len(crowd.promises)
                until(lambda: len(crowd.promises) > before + 5, lambda: "it does not find its database again")
                assert requests.get(f"{here.url}/readyz", timeout=30).status_code == 200
            finally:
                crowd.end()
            here.stop()
            here.start()  # counts what was kept and could not be counted
            here.stop()
            assert crowd.refused == []
            check(url, crowd.promises)
    finally:
        server.stop()


def go_down(server: postgres.Server) -> None:
    """PostgreSQL is gone as after a fault, without having put anything in order."""
    server.process.send_signal(3)  # SIGQUIT: its "immediate" shutdown
    server.process.wait(30)


def test_a_clock_that_is_set_back_while_phones_send_changes_no_figure(tmp_path: Path) -> None:
    """Once back and once ahead on a real server; moments that run backwards six times are in the next test."""
    if not FAKETIME.exists():
        pytest.skip("libfaketime is not installed")
    shift = tmp_path / "shift"
    shift.write_text("+0")
    environment = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    url = sqlite_in(tmp_path / "data")
    with nursery(environment=environment) as started, ground(url, tmp_path / "data", started) as here:
        promises: dict[str, Promise] = {}
        here.start()
        with Phone(f"{here.url}/key/{token_of(url)}", promises) as phone:
            house = House("uuid:first")
            for number, (back, sent) in enumerate(
                [
                    ("+0", house),
                    ("-400d", house.edited("uuid:second", head="Sửa khi đồng hồ lùi")),
                    ("+0", House("uuid:last", commune="00002", hamlet="0000201", location="22.05 105.15 300 6.5")),
                ]
            ):
                shift.write_text(back)
                until(lambda back=back: is_set_to(here, back), lambda number=number: f"the clock is not set: {number}")
                phone.instance = sent.instance_id
                until(lambda sent=sent: is_received(phone, sent), lambda: "a form is not received")
                assert promises[phone.instance].statuses == [201]
                until(lambda: is_ready(here), lambda: "it is not ready")
        here.stop()
        found = check(url, promises)
        assert found.states == {"superseded": 1, "processed": 2}


def is_set_to(here: Ground, back: str) -> bool:
    """Whether the server's clock is so many days behind, "-3d" for three."""
    with suppress(requests.ConnectionError):
        days = (datetime.now(UTC) - clock_of(here)) / timedelta(days=1)
        return abs(days - float(back.strip("+-d"))) < 0.01
    return False  # a connection open while the clock jumps ahead counts as idle for as long, and is closed


def is_received(phone: Phone, house: House) -> bool:
    """Send once; False where the line was closed, after which a phone comes again."""
    with suppress(requests.ConnectionError):
        return phone.send(house.form()).statuses == (201,)
    return False


def is_ready(here: Ground) -> bool:
    """Whether the server says so."""
    with suppress(requests.ConnectionError):
        return bool(requests.get(f"{here.url}/readyz", timeout=30).json()["ready"])
    return False


def clock_of(here: Ground) -> datetime:
    """What the server's clock says, by the Date of its answers."""
    told = requests.get(f"{here.url}/healthz", timeout=30).headers["Date"]
    return datetime.strptime(told, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)


def test_submissions_whose_moments_run_backwards_count_in_the_order_they_came(tmp_path: Path, started: Nursery) -> None:
    with ground(sqlite_in(tmp_path / "data"), tmp_path / "data", started) as here:
        reference = Reference(Database(here.database_url))
        moment = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
        for turn in range(6):
            house = House(f"uuid:{turn}", hamlet=("0000101", "0000102")[turn % 2])
            sent = house if turn < 4 else house.but(deprecated_id=f"uuid:{turn - 4}")
            receipt = intake.receive(reference, sent.xml, {}, received=moment - timedelta(hours=30 * turn))
            assert receipt.counted
        before = derived(reference)
        reference.database.close()
        check(here.database_url, {})
        reference = Reference(Database(here.database_url))
        assert derived(reference) == before
        reference.database.close()
