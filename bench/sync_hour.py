"""1,000 canvassers come into signal in one hour: their phones ask for forms and lists, and send the day's work.

python bench/sync_hour.py [--canvassers 1000] [--households 20000] [--minutes 60] [--sent 12] [--database-url postgres]
                          [--workers 2]

Arrivals are drawn at random over the hour, more of them towards its middle. Each phone does what ODK Collect does with
"match exactly" and auto-send: HEAD and POST of every finished submission, then form list, manifests, and those media
and entity lists whose hash is not the one it has. With --minutes below 60 the same arrivals come so much faster.
Prints requests, statuses and percentiles of each kind; ends with an error where any answer was 5xx.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Inventor, instance_id, sample_hamlets
from bench.phones import Target
from bench.rebuild import fill
from bench.service import CHECKOUT, cpu_ms, import_sample_outlines, installation, serving
from bench.yardstick import Yardstick
from mapper.domain.roles import Role
from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import XFormModel
from mapper.services import accounts
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import reference as kept
from server import open_reference

AIM_P95_MS = 1000
CENSUS = "covid19_census"


@dataclass
class Seen:
    """What all phones saw: statuses, and milliseconds by kind of request."""

    statuses: Counter[int] = field(default_factory=Counter)
    times_ms: dict[str, list[float]] = field(default_factory=dict)
    fetched: int = 0

    def add(self, kind: str, status: int, ms: float, length: int) -> None:
        """One answer."""
        self.statuses[status] += 1
        self.times_ms.setdefault(kind, []).append(ms)
        self.fetched += length


@dataclass(frozen=True, slots=True)
class Phone:
    """A canvasser's phone. url: with its token. posts: finished submissions. has: hashes of media fetched before."""

    url: str
    posts: list[bytes]
    has: dict[str, str] = field(default_factory=dict)

    async def visit(self, seen: Seen) -> None:
        """Once in signal: send, then bring forms and lists up to date."""
        parts = urlsplit(self.url)
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

        async def ask(kind: str, request: bytes) -> bytes:
            nonlocal line
            start = time.perf_counter()
            reader, writer = line = line or await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(request)
            status, body, closes = await _answer(reader, bodiless=request.startswith(b"HEAD"))
            seen.add(kind, status, (time.perf_counter() - start) * 1000, len(body))
            if closes:
                writer.close()
                line = None
            return body

        def get(address: str) -> bytes:
            path = address[len(f"http://{parts.netloc}") :] if address.startswith("http") else address
            return f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nX-OpenRosa-Version: 1.0\r\n\r\n".encode()

        if self.posts:
            await ask("head", Target(self.url).head())
        for post in self.posts:
            await ask("submission", post)
        listed = (await ask("form list", get(f"{parts.path}/formList"))).decode()
        for manifest in re.findall(r"<manifestUrl>(.*?)</manifestUrl>", listed):
            body = (await ask("manifest", get(unescape(manifest)))).decode()
            for media in re.findall(r"<mediaFile.*?</mediaFile>", body):
                address = unescape(re.findall(r"<downloadUrl>(.*?)</downloadUrl>", media)[0])
                hash_ = re.findall(r"<hash>(.*?)</hash>", media)[0]
                if self.has.get(address) != hash_:
                    await ask("entity list" if "entityList" in media else "media", get(address))
                    self.has[address] = hash_
        if line:
            line[1].close()


async def _answer(reader: asyncio.StreamReader, *, bodiless: bool) -> tuple[int, bytes, bool]:
    """Status, body, and whether the server closes the connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status, closes = int(head[9:12]), b"\nconnection: close" in head
    if bodiless or status in (204, 304):
        return status, b"", closes
    length = re.search(rb"\ncontent-length: *(\d+)", head)
    if length:
        return status, await reader.readexactly(int(length[1])), closes
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return status, body, closes


async def hour(phones: list[Phone], moments: list[float], seen: Seen) -> None:
    """Every phone at its moment, seconds from now."""

    async def come(phone: Phone, moment: float) -> None:
        await asyncio.sleep(moment)
        await phone.visit(seen)

    await asyncio.gather(*map(come, phones, moments))


def prepare(reference: Reference, options: argparse.Namespace, url: str) -> list[Phone]:
    """Canvassers, each of one hamlet, with what they found today."""
    with reference.database.read() as connection:
        form = next(one for one in kept.current_forms(connection) if one.form_id == CENSUS)
    campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
    inventor = Inventor(campaign, sample_hamlets(CHECKOUT))
    writer = InstanceWriter(XFormModel.from_json(form.model), campaign)
    hamlets = sorted({str(inventor.household(number)[0]["household.hamlet"]) for number in range(5000)})
    phones = []
    number = options.households
    for one in range(options.canvassers):
        hamlet = hamlets[one % len(hamlets)]
        user = accounts.add_user(reference, f"bench {one}", Role.CANVASSER, [f"hamlet:{hamlet}"])
        target, posts = Target(f"{url}/key/{user.token}"), []
        for _ in range(options.sent):
            answers, people = inventor.household(number)
            posts.append(target.post(writer.write(answers, people, instance_id=instance_id(number))))
            number += 1
        phones.append(Phone(target.url, posts))
    return phones


def main() -> None:
    """Fill, serve, let them come, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canvassers", type=int, default=1000)
    parser.add_argument("--households", type=int, default=20_000, help="that the register holds before")
    parser.add_argument("--minutes", type=float, default=60, help="in which all of them come")
    parser.add_argument("--sent", type=int, default=12, help="submissions that each of them sends")
    parser.add_argument("--workers", type=int, default=2, help="processes of the server")
    parser.add_argument("--database-url", default="", help="empty: SQLite; postgres: a server of this run's own")
    options = parser.parse_args()
    with ExitStack() as stack:
        here = stack.enter_context(installation(options.database_url))
        import_sample_outlines(here)
        here.command("forms", "publish", "forms/covid19")
        reference = open_reference(Settings(data_dir=here.data_dir, database_url=here.database_url))
        fill(reference, 0, options.households, 2)
        here.command("rebuild")
        server = stack.enter_context(serving(here, options.workers))
        phones = prepare(reference, options, server.url)
        reference.database.close()
        drawn, span = random.Random(17), options.minutes * 60
        moments = [drawn.triangular(0, span, span / 2) for _ in phones]
        print("every phone fetches forms and lists for the first time ...", flush=True)
        first = Seen()
        asyncio.run(hour([Phone(p.url, [], p.has) for p in phones[:50]], [i * 0.2 for i in range(50)], first))
        report(first)
        print(f"{len(phones):,} phones come within {options.minutes:g} minutes ...", flush=True)
        seen, yardstick, before = Seen(), Yardstick(phones[0].posts[0]), cpu_ms([server.pid])
        asyncio.run(hour(phones, moments, seen))
        cpu_s = (cpu_ms([server.pid]) - before) / 1000
        report(seen)
        print(f"server: {cpu_s:.0f} s of CPU time, cores {yardstick.slower():.2f}x slower than quiet")
        everything = [ms for times in seen.times_ms.values() for ms in times]
        print(f"p95 of all requests {percentile(everything, 0.95):.0f} ms; aim {AIM_P95_MS} ms, and no 5xx")
        if any(status >= 500 for status in seen.statuses):
            sys.exit("some were answered with 5xx")


def report(seen: Seen) -> None:
    """A row for each kind of request."""
    print("request      number  p50 ms  p95 ms  max ms")
    for kind, times in seen.times_ms.items():
        print(
            f"{kind:<11}  {len(times):6,}  {statistics.median(times):6.1f}  {percentile(times, 0.95):6.1f}  "
            f"{max(times):6.0f}"
        )
    print(f"answers: {dict(sorted(seen.statuses.items()))}; {seen.fetched / 1e6:.1f} MB fetched")


def percentile(times: list[float], share: float) -> float:
    """The time that a share of them stayed below."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


if __name__ == "__main__":
    main()
