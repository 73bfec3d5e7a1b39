"""`python server.py rebuild`: register and tallies anew from 100,000 raw submissions; seconds and memory.

python bench/rebuild.py [--households 100000] [--database-url postgres] [--keep FOLDER]

Keeps the submissions as intake does before it understands them, then runs the command in a process of its own: first
over a quarter of them, then over all, so that memory that grows with their number shows. The figures of the register
are held against the people that were made up.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Inventor, instance_id, sample_hamlets
from bench.phones import Target
from bench.service import CHECKOUT, SET_ID, Installation, cpu_ms, import_sample_outlines, installation, tree
from bench.yardstick import Yardstick
from mapper.domain.roles import Role
from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import XFormModel
from mapper.services import accounts, intake, questions, reporting
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import reference as kept
from mapper.store import submissions
from server import open_reference

AIM_S = 60
MADE_AT_ONCE = 200


class Maker:
    """Makes submissions by number, in a process of its own."""

    def __init__(self, inventor: Inventor, writer: InstanceWriter) -> None:
        self.inventor = inventor
        self.writer = writer

    def make(self, first: int) -> list[tuple[str, bytes, int]]:
        """(instanceID, XML, people) of some submissions."""
        made = []
        for number in range(first, first + MADE_AT_ONCE):
            answers, people = self.inventor.household(number)
            instance = instance_id(number)
            made.append((instance, self.writer.write(answers, people, instance_id=instance), len(people)))
        return made


def fill(reference: Reference, first: int, last: int, processes: int) -> int:
    """Keep the submissions of these numbers; how many people they tell of."""
    with reference.database.read() as connection:
        form = kept.current_forms(connection)[0]
    campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
    maker = Maker(
        Inventor(campaign, sample_hamlets(CHECKOUT)), InstanceWriter(XFormModel.from_json(form.model), campaign)
    )
    people = 0
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for some in pool.imap(maker.make, range(first, last, MADE_AT_ONCE)):
            with reference.database.write() as connection:
                for instance, xml, number in some:
                    raw = submissions.RawSubmission(
                        instance,
                        None,
                        form.form_id,
                        form.version,
                        xml,
                        "2022-09-09T03:00:00.000+00:00",
                        date(2022, 9, 9),
                    )
                    submissions.save(reference.database, connection, raw)
                    people += number
    return people


def any_xml(reference: Reference) -> bytes:
    """The first submission."""
    with reference.database.read() as connection:
        return next(submissions.stream(connection, 1))[0][1]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took, with all its processes: seconds, CPU seconds, most memory at one time in MB.

    slower: than on quiet cores.
    """

    seconds: float
    cpu_s: float
    peak_mb: float
    slower: float


def rebuild(here: Installation, xml: bytes) -> Usage:
    """Run the command. xml: a submission, for the yardstick. Ends the program where it fails."""
    yardstick = Yardstick(Target("http://127.0.0.1").post(xml))
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "server.py", "rebuild"], cwd=CHECKOUT, env=here.environment, stderr=subprocess.DEVNULL
    )
    cpu = peak = 0.0
    while process.poll() is None:
        with suppress(OSError):  # a process that ends while it is looked at
            cpu = max(cpu, cpu_ms([process.pid]) / 1000)
            peak = max(peak, sum(map(memory_mb, tree(process.pid))))
        time.sleep(0.2)
    seconds = time.perf_counter() - start
    slower = yardstick.slower()
    if process.returncode:
        sys.exit(f"rebuild ended with {process.returncode}")
    return Usage(seconds, cpu, peak, slower)


def memory_mb(pid: int) -> float:
    """Memory of a process, what it shares with others counted in parts."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return 0.0


def main() -> None:
    """Fill, rebuild, fill up, rebuild, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2, help="that make the submissions")
    parser.add_argument("--database-url", default="", help="empty: SQLite; postgres: a server of this run's own")
    parser.add_argument("--keep", type=Path, default=None, help="folder of the database, used again if it is there")
    options = parser.parse_args()
    whole = -(-options.households // (4 * MADE_AT_ONCE)) * 4 * MADE_AT_ONCE
    with ExitStack() as stack:
        here = stack.enter_context(installation(options.database_url, options.keep))
        reference = open_reference(Settings(data_dir=here.data_dir, database_url=here.database_url))
        stack.callback(reference.database.close)
        with reference.database.read() as connection:
            empty = not kept.campaigns(connection)
        if empty:
            import_sample_outlines(here)
            here.command("forms", "publish", "forms/covid19")
        results = []
        if empty:
            people = 0
            for first, last in ((0, whole // 4), (whole // 4, whole)):
                start = time.perf_counter()
                people += fill(reference, first, last, options.processes)
                print(f"{last:,} submissions kept ({time.perf_counter() - start:.0f} s to make and keep the new ones)")
                results.append((last, rebuild(here, any_xml(reference))))
                check(reference, last, people)
        else:
            whole = intake.how_many(reference)
            results.append((whole, rebuild(here, any_xml(reference))))
        print("households  seconds  CPU-seconds  CPU-ms each  peak memory MB  slower than quiet")
        for number, usage in results:
            print(
                f"{number:10,}  {usage.seconds:7.1f}  {usage.cpu_s:11.1f}  {usage.cpu_s * 1000 / number:11.3f}  "
                f"{usage.peak_mb:14.0f}  {usage.slower:16.2f}x"
            )
        number, usage = results[-1]
        quiet = usage.cpu_s / usage.slower * 100_000 / number
        print(f"100,000 would take {quiet:.0f} CPU-seconds on quiet cores, by the yardstick and in proportion")
        print(f"aim: {AIM_S} s for 100,000, and memory that does not grow")


def check(reference: Reference, households: int, people: int) -> None:
    """Hold the register's totals against what was made up. Ends the program on a difference."""
    question = questions.Question("covid19", "18_plus", "1", date(2022, 12, 31), "commune", SET_ID)
    total = reporting.coverage(reference, accounts.User(0, "bench", Role.ADMINISTRATOR, (), 0), question).total
    found = total.houses.visited, total.people
    if found != (households, people):
        sys.exit(f"{found[0]:,} households with {found[1]:,} people instead of {households:,} with {people:,}")


if __name__ == "__main__":
    main()
