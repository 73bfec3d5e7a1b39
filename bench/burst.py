"""At 17:00 all phones come into signal: everything they hold at once, photos in parts, answers lost, or a steady day.

python bench/burst.py [--clients 1000] [--each 30] [--photos 0.1] [--again 0.05] [--workers 2] [--database-url postgres]
                      [--steady MINUTES --rate 20] [--keep FOLDER]
python bench/burst.py --server-url http://10.0.0.2:8000/key/TOKEN [--server-url http://10.0.0.3:8000/key/TOKEN]

Every client is a phone with a connection of its own: a HEAD, then its submissions one after another as ODK Collect
sends them. Of some submissions two photos come, each in a POST of its own, the first marked as incomplete. Of some the
answer is lost: half of those hang up before it comes, half send the same once more. Where a line breaks, or the server
asks to come again (5xx), the phone waits and begins that submission anew, at the next address where several are given.
--steady: no burst; so many submissions a second for so many minutes, and what the server's memory does meanwhile. The
first --houses of them are new, all others correct one of those again and again: what a server remembers of a register
grows with it up to bounds of its own, and is not what is looked for.

Of an installation of its own it ends with an error where a submission or a photo is lost, is there twice or waits, or
where any hamlet's figures are not those of the answers. Of any other OpenRosa server only what phones saw is told;
forms/covid19/census.xlsx must be published there.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import func, select

from bench.households import Inventor, instance_id, sample_hamlets
from bench.intake import census_form, check
from bench.phones import BOUNDARY, FORK, Target
from bench.service import CHECKOUT, cpu_ms, import_sample_outlines, installation, serving, tree
from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import read_xform
from mapper.store import tables
from mapper.store.database import Database

PHOTO_BYTES = 150_000
"""Of a photo as phones scale it down."""

PHOTOS = 2
WAIT_S = (0.5, 8.0)
"""A phone whose line broke waits so long, at first and at most."""

TRIES = 60
ANSWER_S = 60.0
LOOKS_S = 5.0
"""How often the server's memory is looked at."""

FILES = 8192
"""Open files that this program asks for: a socket each phone."""

FLAT = 1.1
"""The server's memory in the last quarter of a steady day is at most so many times that in the second."""


@dataclass
class Seen:
    """What phones saw. times_ms: of each POST that was answered, by whether it carried a photo."""

    statuses: Counter[int] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    times_ms: dict[str, list[float]] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    def merge(self, other: Seen) -> None:
        """What others saw too."""
        self.statuses.update(other.statuses)
        self.troubles.update(other.troubles)
        for kind, times in other.times_ms.items():
            self.times_ms.setdefault(kind, []).extend(times)
        self.taken += other.taken
        self.given_up += other.given_up
        self.began = min(self.began or other.began, other.began)
        self.ended = max(self.ended, other.ended)


@dataclass(frozen=True, slots=True)
class Habits:
    """How phones behave. photos, again: shares of submissions. rate: submissions a second of all, 0 for no limit.

    houses: after so many submissions phones correct those that they sent.
    """

    targets: tuple[Target, ...]
    photos: float
    again: float
    each: int
    rate: float = 0.0
    houses: int = sys.maxsize
    answer_s: float = ANSWER_S


class Phone:
    """One canvasser's phone: finished submissions by number, sent one after another."""

    def __init__(self, habits: Habits, numbers: Sequence[int], write: Writing, seen: Seen) -> None:
        self._habits, self._numbers, self._write, self._seen = habits, numbers, write, seen
        self._chance = random.Random(numbers[0] if numbers else 0)
        self._at = self._chance.randrange(len(habits.targets))
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._asked = False

    async def come(self, moments: Sequence[float]) -> None:
        """Send everything; the first submission at the first of the moments (monotonic seconds), and so on."""
        for number, moment in zip(self._numbers, moments, strict=True):
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            wait = WAIT_S[0]
            for _ in range(TRIES):
                try:
                    done = await self._send(number)
                except (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError) as fault:
                    self._seen.troubles[type(fault).__name__] += 1
                    done = False
                if done:
                    self._seen.taken.append(number)
                    self._write.forget(number)
                    break
                self._hang_up()
                self._at = (self._at + 1) % len(self._habits.targets)
                await asyncio.sleep(wait * self._chance.uniform(0.5, 1.5))
                wait = min(wait * 2, WAIT_S[1])
            else:
                self._seen.given_up.append(number)
        self._hang_up()

    async def _send(self, number: int) -> bool:
        chance = random.Random(number)
        photos = chance.random() < self._habits.photos
        again = chance.random() < self._habits.again
        target = self._habits.targets[self._at]
        if not self._asked:
            if await self._ask(target, target.head(), "head") != 204:
                return False
            self._asked = True
        posts = self._write.posts(target, number, photos)
        if again and chance.random() < 0.5:
            # The whole came, and nobody waited for the answer.
            await self._open(target)
            assert self._line is not None
            self._line[1].write(posts[0])
            await self._line[1].drain()
            await asyncio.sleep(chance.random() * 0.2)
            self._hang_up()
        for _ in range(2 if again else 1):
            for post in posts:
                if await self._ask(target, post, "with a photo" if photos else "without") not in (201, 202):
                    return False
        return True

    async def _open(self, target: Target) -> None:
        if self._line is None:
            self._line = await asyncio.wait_for(asyncio.open_connection(*target.address), self._habits.answer_s)

    async def _ask(self, target: Target, request: bytes, kind: str) -> int:
        start = time.perf_counter()
        await self._open(target)
        assert self._line is not None
        reader, writer = self._line
        writer.write(request)
        status, closes = await asyncio.wait_for(_status(reader, bodiless=kind == "head"), self._habits.answer_s)
        self._seen.times_ms.setdefault(kind, []).append((time.perf_counter() - start) * 1000)
        self._seen.statuses[status] += 1
        if closes:
            self._hang_up()
        return status

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line[1].close()
            self._line = None


async def _status(reader: asyncio.StreamReader, *, bodiless: bool) -> tuple[int, bool]:
    """Status of an answer whose body is read away, and whether the server closes the connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status, closes = int(head[9:12]), b"\nconnection: close" in head
    at = head.find(b"\ncontent-length:")
    if bodiless or status == 204:
        return status, closes
    if at >= 0:
        await reader.readexactly(int(head[at + 16 :].split(b"\r\n", 1)[0]))
        return status, closes
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
    return status, closes


class Writing:
    """Makes the POSTs of a submission by its number."""

    def __init__(self, inventor: Inventor, writer: InstanceWriter, run: str, houses: int) -> None:
        self._inventor, self._writer, self._run, self._houses = inventor, writer, run, houses
        self._made: dict[int, bytes] = {}

    def make(self, number: int) -> None:
        """Write it before it is sent."""
        answers, people = self._inventor.household(number % self._houses)
        before = instance_id(number - self._houses, self._run) if number >= self._houses else ""
        self._made[number] = self._writer.write(
            answers, people, instance_id=instance_id(number, self._run), deprecated_id=before
        )

    def forget(self, number: int) -> None:
        """It was taken."""
        self._made.pop(number, None)

    def posts(self, target: Target, number: int, photos: bool) -> list[bytes]:
        """One POST, or one for each photo."""
        if number not in self._made:
            self.make(number)
        whole = target.post(self._made[number])
        if not photos:
            return [whole]
        head, body = whole.split(b"\r\n\r\n", 1)
        end = f"--{BOUNDARY}--\r\n".encode()
        posts = []
        for place in range(PHOTOS):
            content = random.Random(number * PHOTOS + place).randbytes(PHOTO_BYTES)
            more = _part(f"{number}_{place}.jpg", content)
            if place + 1 < PHOTOS:
                more += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="*isIncomplete*"\r\n\r\nyes\r\n'.encode()
            longer = body.removesuffix(end) + more + end
            length = b"Content-Length: %d"
            posts.append(head.replace(length % len(body), length % len(longer)) + b"\r\n\r\n" + longer)
        return posts


def _part(name: str, content: bytes) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        f"Content-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"


def come(habits: Habits, clients: int, form: bytes, run: str, processes: int = 2, steady_s: float = 0.0) -> Seen:
    """All phones at once, or in turn at the rate; what they saw."""
    total = clients * habits.each if not steady_s else int(habits.rate * steady_s)
    begin = time.monotonic() + 2 + (0 if steady_s else total / processes / 1500)
    waiting = []
    for place in range(processes):
        ours, theirs = FORK.Pipe(duplex=False)
        process = FORK.Process(
            target=_some, args=(habits, clients, total, place, processes, form, run, begin, steady_s, theirs)
        )
        process.start()
        waiting.append((process, ours))
    seen = Seen()
    for process, ours in waiting:
        seen.merge(ours.recv())
        process.join()
    return seen


def _some(
    habits: Habits,
    clients: int,
    total: int,
    place: int,
    processes: int,
    form: bytes,
    run: str,
    begin: float,
    steady_s: float,
    answer: object,
) -> None:
    campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
    inventor = Inventor(campaign, sample_hamlets(CHECKOUT))
    writing = Writing(inventor, InstanceWriter(read_xform(form), campaign), run, habits.houses)
    seen = Seen(began=begin)
    phones, moments = [], []
    for one in range(place, clients, processes):
        numbers = range(one, total, clients)
        phones.append(Phone(habits, numbers, writing, seen))
        moments.append([begin + (number / habits.rate if steady_s else 0.0) for number in numbers])
        if not steady_s:
            for number in numbers:
                writing.make(number)

    async def all_of_them() -> None:
        await asyncio.gather(*(phone.come(own) for phone, own in zip(phones, moments, strict=True)))

    asyncio.run(all_of_them())
    seen.ended = time.monotonic()
    answer.send(seen)  # type: ignore[attr-defined]


class Memory:
    """Memory of a server and all below it, looked at now and then: megabytes without what others share."""

    def __init__(self, pid: int) -> None:
        self._pid, self.megabytes = pid, list[float]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        while not self._over.wait(LOOKS_S):
            try:
                self.megabytes.append(sum(_private_mb(one) for one in tree(self._pid)))
            except OSError:  # one of them just ended
                continue

    def end(self) -> list[float]:
        """All that was seen."""
        self._over.set()
        self._thread.join()
        return self.megabytes


def _private_mb(pid: int) -> float:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) / 1000


def held(url: str, numbers: Sequence[int], run: str, photos: float, most: int = sys.maxsize) -> None:
    """Hold what is kept against what was accepted. Ends the program where anything is lost, twice or waits.

    most: so many households there are to be, however often they were corrected.
    """
    s, a, h = tables.submissions, tables.attachments, tables.households
    expected = {instance_id(number, run): number for number in numbers}
    with_photos = {name for name, number in expected.items() if random.Random(number).random() < photos}
    database = Database(url)
    try:
        with database.read() as connection:
            states: dict[str, str] = {row[0]: row[1] for row in connection.execute(select(s.c.instance_id, s.c.state))}
            of_files = select(a.c.instance_id, func.count()).group_by(a.c.instance_id)
            files: dict[str, int] = {row[0]: row[1] for row in connection.execute(of_files)}
            houses = connection.scalar(select(func.count()).select_from(h)) or 0
    finally:
        database.close()
    lost, more = expected.keys() - states.keys(), states.keys() - expected.keys()
    settled = Counter(states.values())
    waits = {state: number for state, number in settled.items() if state not in ("processed", "superseded")}
    right = min(len(expected), most)
    halves = [name for name in with_photos if files.get(name) != PHOTOS]
    if lost or more or waits or halves or len(files) != len(with_photos) or {houses, settled["processed"]} != {right}:
        sys.exit(
            f"lost {len(lost)}, not sent {len(more)}, not counted {waits}, photos incomplete {len(halves)}, "
            f"{settled['processed']:,} count, of households {houses:,}; {right:,} there are to be"
        )
    print(f"all {len(expected):,} are there once, {right:,} count; {len(with_photos):,} have their {PHOTOS} photos")


def report(seen: Seen) -> None:
    """What phones saw, in words."""
    span = seen.ended - seen.began
    print(f"{len(seen.taken):,} submissions taken in {span:.1f} s: {len(seen.taken) / span:.0f} a second")
    for kind, times in sorted(seen.times_ms.items()):
        ordered = sorted(times)
        p95, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.95, 0.99))
        print(
            f"{kind:<13} {len(times):7,} answers: median {statistics.median(times):7.0f} ms, "
            f"p95 {p95:7.0f} ms, p99 {p99:7.0f} ms, most {ordered[-1]:7.0f} ms"
        )
    print(f"answers {dict(sorted(seen.statuses.items()))}; lines that broke {dict(seen.troubles)}")
    if seen.given_up:
        sys.exit(f"{len(seen.given_up):,} submissions were given up")


def main() -> None:
    """Serve, let them come, print, hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000, help="phones, each with a connection")
    parser.add_argument("--each", type=int, default=30, help="submissions of each")
    parser.add_argument("--photos", type=float, default=0.1, help="share of submissions with photos, sent in parts")
    parser.add_argument("--again", type=float, default=0.05, help="share of submissions whose answer is lost")
    parser.add_argument("--workers", type=int, default=2, help="processes of the server")
    parser.add_argument("--steady", type=float, default=0.0, help="minutes of a steady day, in place of the burst")
    parser.add_argument("--rate", type=float, default=20.0, help="submissions a second of the steady day")
    parser.add_argument("--houses", type=int, default=3000, help="new households of the steady day")
    parser.add_argument("--database-url", default="", help="empty: SQLite; postgres: a server of this run's own")
    parser.add_argument("--server-url", action="append", default=[], help="OpenRosa servers that are running already")
    parser.add_argument("--keep", type=Path, help="data folder, kept")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))
    run = f"{time.time()}"
    steady_s = options.steady * 60
    with ExitStack() as stack:
        token = url = ""
        if options.server_url:
            targets = [Target(address.rstrip("/")) for address in options.server_url]
        else:
            here = stack.enter_context(installation(options.database_url, options.keep))
            import_sample_outlines(here)
            here.command("forms", "publish", "forms/covid19")
            token, phone = here.token("reader", "administrator"), here.token("phone", "canvasser", "063")
            server = stack.enter_context(serving(here, options.workers))
            url, targets = server.url, [Target(f"{server.url}/key/{phone}")]
            memory, before = Memory(server.pid), cpu_ms([server.pid])
        houses = sys.maxsize
        if steady_s:
            houses = max(1, options.houses // options.clients) * options.clients  # each phone corrects its own
        habits = Habits(tuple(targets), options.photos, options.again, options.each, options.rate, houses)
        seen = come(habits, options.clients, census_form(targets[0]), run, steady_s=steady_s)
        report(seen)
        if not url:
            return
        megabytes = memory.end()
        spent = cpu_ms([server.pid]) - before
        print(f"server: {spent / len(seen.taken):.2f} ms of CPU a submission, memory {_course(megabytes)}")
        address = here.database_url or f"sqlite:///{here.data_dir.resolve() / 'tungnha.sqlite3'}"
        held(address, sorted(seen.taken), run, options.photos, houses)
        campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
        check(url, token, Inventor(campaign, sample_hamlets(CHECKOUT)), min(len(seen.taken), houses))
        if steady_s:
            quarter = len(megabytes) // 4
            earlier, later = (statistics.median(megabytes[quarter * part :][:quarter]) for part in (1, 3))
            print(f"memory in the last quarter is {later / earlier:.2f} times that in the second")
            if later > FLAT * earlier:
                sys.exit("memory grows")


def _course(megabytes: Sequence[float]) -> str:
    if not megabytes:
        return "not looked at"
    shown = [megabytes[round(part * (len(megabytes) - 1) / 6)] for part in range(7)]
    return " ".join(f"{one:.0f}" for one in shown) + " MB over the run"


if __name__ == "__main__":
    main()
