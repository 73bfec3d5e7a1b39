"""Intake of the census over HTTP: submissions a second, latencies, and the CPU that a submission costs the server.

python bench/intake.py [--clients 8,16] [--submissions 4000] [--workers 1] [--threads 8] [--repeat 3]
                       [--database-url postgres] [--slow-phones 20] [--one-hamlet] [--no-bounds]
python bench/intake.py --server-url http://127.0.0.1:8383/v1/key/TOKEN/projects/1 --server-pid PID [--server-pid PID]

Starts `python server.py serve` with its defaults (fsync on), publishes the census and a boundary set, makes the
submissions beforehand, sends them over real sockets as ODK Collect does, and at the end holds every hamlet's figures
against those worked out from the answers. Beside them stand two bounds of the same run: how often the disk alone keeps
so many bytes for good, one after the other, and what the same phones reach at an endpoint that reads each POST and says
201. --workers 1,2,4 goes through as many processes of the server; --one-hamlet has all phones count into one hamlet,
whose tallies they then contend for. With --server-url any other OpenRosa server is measured with the same
driver; forms/covid19/census.xlsx must be published there, and the processes whose CPU counts be named.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Inventor, instance_id, sample_hamlets
from bench.phones import Run, SlowPhones, Target, upload
from bench.service import CHECKOUT, cpu_ms, import_sample_outlines, installation, serving
from bench.yardstick import Yardstick
from mapper.domain.ledger import INSIDE, State, state_on
from mapper.domain.people import Dose, Person
from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import read_xform

FORM_ID = "covid19_census"
AIM_CPU_MS = 9.4 / 5
"""A fifth of what ODK Central's backend spent on a simple submission, on this kind of machine while it was quiet."""
DAYS = (date(2021, 12, 31), date(2022, 8, 15), date(2022, 12, 31))
"""Days whose figures are checked: before, amid and after the census."""


@dataclass
class Sender:
    """Makes submissions that nobody sent before, and remembers which were."""

    inventor: Inventor
    writer: InstanceWriter
    target: Target
    run: str
    made: int = 0

    def posts(self, number: int) -> list[bytes]:
        """So many new POSTs."""
        posts = []
        for one in range(self.made, self.made + number):
            answers, people = self.inventor.household(one)
            name = f"{answers['household.head']}"
            posts.append(
                self.target.post(
                    self.writer.write(answers, people, instance_id=instance_id(one, self.run), instance_name=name)
                )
            )
        self.made += number
        return posts


def fetch(address: str, token: str = "") -> bytes:
    """What a GET answers."""
    asking = urllib.request.Request(address, headers={"X-OpenRosa-Version": "1.0"})
    if token:
        asking.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(asking, timeout=120) as answer:
        return bytes(answer.read())


def census_form(target: Target) -> bytes:
    """The census as a phone fetches it."""
    listed = fetch(f"{target.url}/formList").decode()
    for block in re.findall(r"<xform>.*?</xform>", listed, re.DOTALL):
        address = re.search(r"<downloadUrl>(.*?)</downloadUrl>", block, re.DOTALL)
        if address and re.search(rf"<formID>{FORM_ID}</formID>", block):
            return fetch(address[1].strip().replace("&amp;", "&"))
    sys.exit(f"{target.url} offers no form with the id {FORM_ID}")


def main() -> None:
    """Start, send, print, check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", default="8,16", help="numbers of phones that send at once, each a run of its own")
    parser.add_argument("--submissions", type=int, default=4000, help="of each run")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each number of clients")
    parser.add_argument("--workers", default="1", help="server processes, each number with an installation of its own")
    parser.add_argument("--one-hamlet", action="store_true", help="all households stand in one hamlet")
    parser.add_argument("--no-bounds", action="store_true", help="measure neither the disk nor a bare endpoint")
    parser.add_argument("--sealed", action="store_true", help="names, phones and forms are sealed with a key")
    parser.add_argument("--threads", type=int, default=8, help="threads of each")
    parser.add_argument("--database-url", default="", help="empty: SQLite; postgres: a server of this run's own")
    parser.add_argument("--slow-phones", type=int, default=0, help="phones that upload slowly meanwhile, in extra runs")
    parser.add_argument("--slow-bytes", type=int, default=2000, help="bytes a second of each slow phone")
    parser.add_argument("--server-url", default="", help="measure the OpenRosa server that is running here instead")
    parser.add_argument("--server-pid", type=int, action="append", default=[], help="a process whose CPU counts")
    parser.add_argument("--warm-up", type=int, default=300, help="submissions sent before the first run")
    options = parser.parse_args()
    for workers in map(int, "1" if options.server_url else options.workers.split(",")):
        run(options, workers)


def run(options: argparse.Namespace, workers: int) -> None:
    """One installation from its making to its figures."""
    with ExitStack() as stack:
        token = ""
        if options.server_url:
            target, pids = Target(options.server_url.rstrip("/")), {"server": options.server_pid}
        else:
            here = stack.enter_context(installation(options.database_url))
            if options.sealed:
                here = replace(here, sealed=True)
                here.command("make-key")
            kind = "PostgreSQL" if options.database_url else "SQLite"
            print(f"publishing the census on {kind}; {workers} processes will serve ...", flush=True)
            import_sample_outlines(here)
            here.command("forms", "publish", "forms/covid19")
            token = here.token("reader", "administrator")
            phone = here.token("phone", "canvasser", "063")
            server = stack.enter_context(serving(here, workers, options.threads))
            target = Target(f"{server.url}/key/{phone}")
            pids = {"server": [server.pid]} | ({"database": [here.database_pid]} if here.database_pid else {})
        campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
        inventor = Inventor(campaign, sample_hamlets(CHECKOUT)[: 1 if options.one_hamlet else None])
        sender = Sender(inventor, InstanceWriter(read_xform(census_form(target)), campaign), target, f"{time.time()}")
        sizes = [len(post) for post in sender.posts(options.warm_up)]
        sender.made = 0
        print(f"a submission is {statistics.mean(sizes):,.0f} bytes on average, with its multipart frame")
        upload(target, split(sender.posts(options.warm_up), 4))
        clients = [int(number) for number in options.clients.split(",")]
        if token and not options.no_bounds:
            print(f"the disk alone: {syncs_a_second(here.data_dir, round(statistics.mean(sizes))):.0f} times a second")
            for number in clients:
                print(bare(sender, options, number))
        print(
            "clients  submissions/s  p50 ms  p95 ms  p99 ms  "
            + "  ".join(f"{name} CPU-ms" for name in pids)
            + "  slower than quiet"
        )
        for number in clients:
            costs, quiet = [], []
            for _ in range(options.repeat):
                seen, cost, slower = measure(sender, options.submissions, number, pids)
                costs.append(sum(cost.values()))
                quiet.append(costs[-1] / slower)
                print(line(number, options.submissions, seen, cost, slower), flush=True)
            print(
                f"{number} clients: {statistics.median(costs):.2f} CPU-ms a submission "
                f"(from {min(costs):.2f} to {max(costs):.2f}); on quiet cores, by the yardstick, "
                f"{statistics.median(quiet):.2f} (from {min(quiet):.2f} to {max(quiet):.2f}); aim {AIM_CPU_MS:.2f}"
            )
        if options.slow_phones:
            compare_with_slow(sender, options, clients[0], pids)
        if token:
            check(server.url, token, inventor, sender.made)


SYNCING_S = 2.0
BARE = """
import sys
from waitress import serve
def app(environ, start):
    environ["wsgi.input"].read()
    start("204 No Content" if environ["REQUEST_METHOD"] == "HEAD" else "201 Created", [("Content-Length", "0")][
        environ["REQUEST_METHOD"] == "HEAD":])
    return []
serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=8, _quiet=True)
"""
"""Reads what is posted and says that it came."""


def syncs_a_second(folder: Path, length: int) -> float:
    """How often a second a file of this folder takes so many bytes more for good, one after the other."""
    done, content = 0, bytes(length)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        begin = time.perf_counter()
        while time.perf_counter() - begin < SYNCING_S:
            file.write(content)
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - begin)


def bare(sender: Sender, options: argparse.Namespace, clients: int) -> str:
    """What so many phones reach at an endpoint that keeps nothing, in words."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        posts = sender.posts(options.submissions)
        sender.made -= len(posts)
        before = cpu_ms([process.pid])
        seen = upload(Target(url), split(posts, clients))
        cost = (cpu_ms([process.pid]) - before) / len(posts)
        return (
            f"an endpoint that keeps nothing, {clients} clients: {len(posts) / seen.seconds:.0f} a second, "
            f"p95 {seen.percentile(0.95):.1f} ms, {cost:.2f} CPU-ms"
        )
    finally:
        process.terminate()
        process.wait()


def split(posts: Sequence[bytes], shares: int) -> list[Sequence[bytes]]:
    """The posts dealt out to so many phones."""
    return [posts[one::shares] for one in range(shares)]


def measure(
    sender: Sender, submissions: int, clients: int, pids: dict[str, list[int]]
) -> tuple[Run, dict[str, float], float]:
    """One run, the CPU-ms a submission of each kind of process, and how many times slower than quiet the cores were."""
    posts = split(sender.posts(submissions), clients)
    before = {name: cpu_ms(numbers) for name, numbers in pids.items()}
    yardstick = Yardstick(posts[0][0])
    run = upload(sender.target, posts)
    cost = {name: (cpu_ms(numbers) - before[name]) / submissions for name, numbers in pids.items()}
    return run, cost, yardstick.slower()


def line(clients: int, submissions: int, run: Run, cost: dict[str, float], slower: float) -> str:
    """A row of the table."""
    shown = "  ".join(f"{cost[name]:{len(name) + 7}.2f}" for name in cost)
    return (
        f"{clients:7}  {submissions / run.seconds:13.0f}  {run.percentile(0.5):6.1f}  {run.percentile(0.95):6.1f}  "
        f"{run.percentile(0.99):6.1f}  {shown}  {slower:16.2f}x"
    )


def compare_with_slow(sender: Sender, options: argparse.Namespace, clients: int, pids: dict[str, list[int]]) -> None:
    """Runs with and without slow phones in turn: what the others' p95 becomes."""
    with_slow, without = [], []
    received = 0
    for _ in range(max(3, options.repeat)):
        run, _, _ = measure(sender, options.submissions, clients, pids)
        without.append(run.percentile(0.95))
        posts = sender.posts(options.submissions)
        # Enough for a minute of slow phones; those that are not sent are given back, so they come last.
        slow_posts = sender.posts(options.slow_phones * (2 + 60 * options.slow_bytes // len(posts[0])))
        slow = SlowPhones(sender.target, slow_posts, options.slow_phones, options.slow_bytes)
        time.sleep(1.5)
        run = upload(sender.target, split(posts, clients))
        sent = slow.stop()
        sender.made -= len(slow_posts) - sent
        received += sent
        with_slow.append(run.percentile(0.95))
    ratio = statistics.median(with_slow) / statistics.median(without)
    print(
        f"{options.slow_phones} phones at {options.slow_bytes} bytes/s meanwhile ({received} of theirs received): "
        f"p95 of the {clients} others {statistics.median(with_slow):.1f} ms with them, "
        f"{statistics.median(without):.1f} ms without: ratio {ratio:.2f}"
    )


def check(url: str, token: str, inventor: Inventor, submissions: int) -> None:
    """Hold every hamlet's figures of every series and three days against the answers. Ends the program on a difference.

    Expected figures come from the ledger's one rule, person by person; tallies are running sums of steps.
    """
    campaign = inventor.campaign
    houses: dict[str, list[int]] = {}
    expected: dict[tuple[str, str, date, str], list[int]] = {}
    for number in range(submissions):
        answers, people = inventor.household(number)
        hamlet, visited = str(answers["household.hamlet"]), answers["visit.date"]
        assert isinstance(visited, date)
        counts = houses.setdefault(hamlet, [0, 0])
        counts[0] += 1
        counts[1] += len(people)
        for said in people:
            person = told(said, visited)
            for group in campaign.groups:
                for dose in group.doses:
                    for day in DAYS:
                        state = state_on(person, group, dose, day)
                        if state is not State.OUTSIDE:
                            row = expected.setdefault((group.code, dose.code, day, hamlet), [0] * len(INSIDE))
                            row[INSIDE.index(state)] += 1
    compared = 0
    for group in campaign.groups:
        for dose in group.doses:
            for day in DAYS:
                found: dict[str, list[int]] = {}
                query = f"campaign={campaign.id}&level=hamlet&group={group.code}&dose={dose.code}&date={day}"
                for unit in json.loads(fetch(f"{url}/api/coverage?{query}", token))["units"]:
                    row = found.setdefault(str(unit["code"]), [0] * (2 + len(INSIDE)))
                    figures = (unit["households_visited"], unit["people"], *(unit[state.value] for state in INSIDE))
                    found[str(unit["code"])] = [a + b for a, b in zip(row, figures, strict=True)]
                for hamlet in found.keys() | houses.keys():
                    states = expected.get((group.code, dose.code, day, hamlet), [0] * len(INSIDE))
                    right = houses.get(hamlet, [0, 0]) + states
                    if found.get(hamlet) != right:
                        sys.exit(
                            f"hamlet {hamlet}, {group.code} {dose.code} on {day}: "
                            f"{found.get(hamlet)} instead of {right}"
                        )
                    compared += len(right)
    print(f"{submissions:,} submissions are there; {compared:,} figures of hamlets equal those of the answers")


def told(said: dict[str, Any], visited: date) -> Person:
    """A person as the answers tell them, without any XML between."""
    return Person(
        "",
        visited,
        born_on=said["person.birth_date"],
        residence=said["person.residence"],
        priorities=tuple(said.get("person.priority", ())),
        contraindicated=said["person.contraindicated"] == "yes",
        deferred_until=said.get("person.deferred_until"),
        refused=said["person.consent"] == "no",
        doses=tuple(Dose(d["dose.number"], d["dose.date"], d["dose.vaccine"]) for d in said["doses"]),
    )


if __name__ == "__main__":
    main()
