"""A server that is told to end: what has begun to come is answered, what comes then is told to come again.

One server of two processes for all that takes one: its numbers are those of both, its log names nobody.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.client.collect import multipart
from tests.client.site import House
from tests.faults.ground import Ground, Nursery, Phone, Promise, check, ground, sqlite_in, token_of, until

TOKEN = "a token for the watch"


@pytest.fixture
def here(tmp_path: Path, started: Nursery) -> Iterator[Ground]:
    """Two processes over one SQLite database, each answering whom it happens to meet."""
    settings = {"metrics_token": TOKEN}
    with ground(sqlite_in(tmp_path / "data"), tmp_path / "data", started, workers=2, settings=settings) as made:
        yield made


@dataclass
class Half:
    """A connection over which half of an upload has gone, and the rest."""

    line: socket.socket
    rest: bytes

    def send(self, number: int) -> None:
        """So many more bytes."""
        self.line.sendall(self.rest[:number])
        self.rest = self.rest[number:]


@contextmanager
def going_on(halves: Sequence[Half]) -> Iterator[None]:
    """A byte of each now and then, however long the test takes over other things: a server waits for no silent line."""
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(0.3):
            for half in halves:
                if len(half.rest) > 1:
                    half.send(1)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def half_sent(here: Ground, token: str, house: House) -> Half:
    """Half of an upload, sent."""
    body = multipart(house.form(), [], True, "b")
    head = (
        f"POST /key/{token}/submission HTTP/1.1\r\nHost: 127.0.0.1\r\nX-OpenRosa-Version: 1.0\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    whole = head + body
    line = socket.create_connection(("127.0.0.1", here.port), 30)
    line.sendall(whole[: len(whole) // 2])
    return Half(line, whole[len(whole) // 2 :])


def logged(here: Ground) -> list[dict[str, object]]:
    """Every whole line of the log."""
    whole, _, _ = here.log.read_text("utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def answering(here: Ground) -> set[object]:
    """The processes that have answered somebody by now; asks once more, for whichever is quicker."""
    requests.get(f"{here.url}/sign-in", timeout=30)
    return {one["process"] for one in logged(here) if one.get("route")}


def numbers(here: Ground) -> dict[tuple[str, ...], float]:
    page = requests.get(f"{here.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def test_what_has_begun_is_answered_what_comes_later_is_told_to_come_again(here: Ground) -> None:
    token = token_of(here.database_url)
    here.start()
    until(lambda: len(answering(here)) == 2, lambda: "one process answers all")
    promises: dict[str, Promise] = {}
    for number in range(12):
        with Phone(f"{here.url}/key/{token}", promises) as phone:  # a connection each, to whichever process
            phone.instance = f"uuid:{number}"
            phone.send(House(phone.instance).form())
    found = numbers(here)
    assert found[("tungnha_submissions_total", "counted")] == 12
    assert found[("tungnha_submissions_waiting", "received")] == 0
    late = House("uuid:late")
    halves = [half_sent(here, token, House(f"uuid:half {place}")) for place in range(6)]
    keeping = [requests.Session() for _ in range(6)]
    with going_on(halves):
        for session in keeping:
            assert session.get(f"{here.url}/readyz", timeout=30).status_code == 200
        assert here.process is not None
        os.kill(here.process, signal.SIGTERM)

        told_to_come_again = 0
        for session in keeping:

            def stopping(session: requests.Session = session) -> bool:
                return session.get(f"{here.url}/readyz", timeout=30).status_code == 503

            try:
                until(stopping, lambda: "it is ready as before")
                refused = session.post(
                    f"{here.url}/key/{token}/submission",
                    data=multipart(late.form(), [], True, "b"),
                    headers={"Content-Type": "multipart/form-data; boundary=b", "X-OpenRosa-Version": "1.0"},
                    timeout=30,
                )
                assert refused.status_code == 503
                assert int(refused.headers["Retry-After"]) > 0
                assert "OpenRosaResponse" in refused.text
                assert session.get(f"{here.url}/healthz", timeout=30).status_code == 200
            except requests.ConnectionError:
                continue  # all halves went to the other process: this one had nothing left to answer, and has ended
            finally:
                session.close()
            told_to_come_again += 1
    assert told_to_come_again
    for half in halves:
        half.send(len(half.rest))
    for place, half in enumerate(halves):
        assert half.line.recv(65536).startswith(b"HTTP/1.1 201"), place
        half.line.close()
        promises[f"uuid:half {place}"] = Promise(House(f"uuid:half {place}").xml)
    here._ended()
    assert check(here.database_url, promises).submissions == 18
    log = here.log.read_text("utf-8")
    assert token not in log
    assert "Nông" not in log
    assert "uuid:" not in log
    told = logged(here)
    assert {one["status"] for one in told if one.get("route") == "/key/<token>/submission"} == {201, 204, 503}
