"""A server on SQLite whose every write is written down while phones send to it; and then the power is cut, often."""

from __future__ import annotations

import random
import shutil
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from mapper.services import intake
from mapper.services.reference import Reference
from mapper.store.database import Database
from tests.client.collect import multipart
from tests.client.site import House
from tests.faults.ground import HAMLETS, Promise, _kept, check, ground, nursery, sqlite_in, token_of
from tests.faults.power_cut import Disk, Event, events, strace

CHECKED_WHOLE = 2
"""After so many of the cuts the server's work is gone on with, and a rebuild compared."""


@dataclass(frozen=True)
class Trace:
    """What a server did, from the files it found; sent: by a phone's port, ids and XML in the order of the answers."""

    before: Path
    happened: list[Event]
    sent: dict[int, list[tuple[str, bytes]]]
    database: Path


def traced(folder: Path, phones: int, forms: int) -> Trace:
    """Have so many phones send so many forms each, all at once, to a server that is watched."""
    log = folder / "strace.log"
    url = sqlite_in(folder / "data")
    database = folder / "data" / "tungnha.sqlite3"
    with nursery(strace(log)) as started, ground(url, folder / "data", started) as here:
        token = token_of(url)
        before = folder / "before"
        before.mkdir()
        for path in database.parent.glob("tungnha.sqlite3*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, before)
        here.start()
        sent: dict[int, list[tuple[str, bytes]]] = {}
        threads = [
            threading.Thread(target=_send, args=(here.port, token, place, forms, sent)) for place in range(phones)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        here.stop()
    return Trace(before, list(events(log, database)), sent, database)


def _send(port: int, token: str, place: int, forms: int, sent: dict[int, list[tuple[str, bytes]]]) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as line:
        mine = sent.setdefault(line.getsockname()[1], [])
        for turn in range(forms):
            commune, hamlet, east = HAMLETS[turn % len(HAMLETS)]
            house = House(f"uuid:{place}-{turn}", commune=commune, hamlet=hamlet, location=f"22.05 {east} 300 6.5")
            body = multipart(house.form(), [], True, "b")
            head = (
                f"POST /key/{token}/submission HTTP/1.1\r\nHost: x\r\nX-OpenRosa-Version: 1.0\r\n"
                f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            line.sendall(head + body)
            answer = b""
            while b"</OpenRosaResponse>" not in answer:
                some = line.recv(65536)
                assert some, "the server closed the connection"
                answer += some
            assert answer.startswith(b"HTTP/1.1 201"), answer[:200]
            mine.append((house.instance_id, house.xml))


@dataclass
class After:
    """Of all cuts together: submissions that had been answered, and how many of those were lost; files beyond use."""

    cuts: int = 0
    answered: int = 0
    lost: int = 0
    damaged: int = 0


def cuts(trace: Trace, number: int, chance: random.Random, folder: Path, *, syncs: bool = True) -> After:
    """Cut the power so often, each time at another moment of the same afternoon."""
    found = After()
    moments = sorted(chance.choices(range(1, len(trace.happened) + 1), k=number))
    whole = set(chance.sample(range(number), min(CHECKED_WHOLE, number))) if syncs else set()
    disk = Disk(
        {str(trace.database.parent / path.name): bytearray(path.read_bytes()) for path in trace.before.iterdir()}
    )
    seen = 0
    for turn, moment in enumerate(moments):
        for event in trace.happened[seen:moment]:
            disk.see(event, syncs=syncs)
        seen = moment
        promises = {
            instance: Promise(xml)
            for port, times in disk.answered.items()
            for instance, xml in trace.sent.get(port, [])[:times]
        }
        place = folder / "after the cut"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for file, content in disk.after_a_cut(chance).items():
            (place / Path(file).name).write_bytes(content)
        found.cuts += 1
        found.answered += len(promises)
        found.lost += _lost(place, promises, found, turn in whole)
    return found


def _lost(place: Path, promises: dict[str, Promise], found: After, whole: bool) -> int:
    url = f"sqlite:///{place / 'tungnha.sqlite3'}"
    reference = Reference(Database(url))
    try:
        with reference.database.read() as connection:
            if connection.execute(text("PRAGMA integrity_check")).scalar() != "ok":
                found.damaged += 1
        kept, _ = _kept(reference)
        if whole:
            intake.process_waiting(reference)  # as every start does
            check(url, promises)
    except Exception:
        found.damaged += 1
        return len(promises)
    finally:
        reference.database.close()
    return sum(kept.get(instance) != promise.xml for instance, promise in promises.items())
