"""From the question to the first plan that can be used, and to the plan itself, by invented districts and a province.

python bench/first_plan.py [--households 1500,14000] [--copies 1] [--seconds 8] [--data FOLDER] [--doses 2000]
    [--teams 3] [--rolling] [--sessions-stand] [--what-if]

Makes the sample district of each size in a folder of its own, unless --data names one that holds it, with --copies 3
every household and everybody in it thrice, which is as many people as a small province has (the tallies stay as they
are; plans do not read them), and asks for ten days of five teams with as many sites as there are stations and eight
more: in a process that has just started, and in one that has read ahead, as a server has a moment after its start
(``warming.warm_plans``). Prints when the people were taken from the register, when there is a first plan that the
plan's page can show, by numbers, when it is known who is asked to come on which day in a first plan, and when the plan
was made, as seconds of CPU of the process since the question, without those of looking, and in brackets of wall time;
and the CPU time of reading the first plan, as the page does. --seconds: in which the sites, and the routes, may be
chosen. --doses: to be had in all; --teams: other than five; --rolling: commune after commune. --sessions-stand: makes
such a plan first, and measures the one that is asked for in its place, all sessions of its teams kept and those asked
who were, from the moment at which the plan before is looked into. --what-if: likewise measures the question of --doses
and --teams, asked of the people of the first.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import func, select

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, PlanQuestion
from mapper.services import accounts, plan_again, plan_work, plans, sample, warming
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import plans as kept
from mapper.store import sites, tables
from server import open_reference

ROOT = Path(__file__).resolve().parents[1]
CAMPAIGN = "covid19"
DAYS, TEAMS, DOSES, MOBILE = 10, 5, 200, 8
LOOKS_S = 0.02
SEQ = "household_seq"


@dataclass(frozen=True)
class Options:
    """What is asked otherwise than in the plain question."""

    doses: int | None = None
    teams: int = TEAMS
    rolling: bool = False
    stand: bool = False
    what_if: bool = False


def question(reference: Reference, seconds: float, other: Options = Options()) -> PlanQuestion:
    """Teams that set out from the first station."""
    with reference.database.read() as connection:
        stations = sites.everywhere(connection)
    home = Point(stations[0].lat, stations[0].lon)
    teams = tuple(FieldTeam(f"Team {number}", home, doses=DOSES) for number in range(1, other.teams + 1))
    first = date.today()
    last = first + timedelta(days=DAYS - 1)
    sites_ = len(stations) + MOBILE
    return PlanQuestion(
        CAMPAIGN, first, last, sites=sites_, teams=teams, seconds=seconds, doses=other.doses, rolling=other.rolling
    )


def asked_and_made(reference: Reference, seconds: float, other: Options) -> None:
    """Ask for a plan, make it, and print when what was there."""
    asked, given_of = question(reference, seconds, other), None
    if other.stand or other.what_if:
        before = plans.ask(reference, accounts.OPERATOR, question(reference, seconds))
        plan_work.work_out(reference, before)
        given_of = before if other.what_if else None
    wall, cpu = time.monotonic(), time.process_time()
    if other.stand:
        yesterday = date.today() - timedelta(days=1)
        asked = replace(plan_again.question_again(reference, accounts.OPERATOR, before, yesterday), seconds=seconds)
    number = plans.ask(reference, accounts.OPERATOR, asked, given_of)
    seen: dict[str, tuple[float, float]] = {}
    reading: list[float] = []
    looked = 0.0

    def see(what: str) -> None:
        """Without the time of looking, which no server spends."""
        seen.setdefault(what, (time.process_time() - cpu - looked, time.monotonic() - wall))

    def look() -> None:
        nonlocal looked
        while "who is asked" not in seen and "the plan" not in seen:
            time.sleep(LOOKS_S)
            looked = time.thread_time()
            with reference.database.read() as connection:
                row = kept.one(connection, number)
            if row is not None and row.share > 0:
                see("people gathered")
            if row is not None and row.summary:
                outlined = "outline" in row.summary
                see("first plan" if outlined else "who is asked")
                began = time.thread_time()
                if outlined and not reading:
                    plans.plan(reference, accounts.OPERATOR, number, outlined=True)
                    reading.append(time.thread_time() - began)
        looked = time.thread_time()

    looking = threading.Thread(target=look)
    looking.start()
    plan_work.work_out(reference, number)
    see("the plan")
    looking.join()
    if not reading:
        sys.exit("the plan failed, or was made before anybody looked")
    people = (plans.line(reference, accounts.OPERATOR, number).summary or {}).get("people")
    if other.stand:
        print(f"  {len(asked.keeps)} sessions stand", flush=True)
    told = [f"{what} {a:.2f} s ({b:.1f} s)" for what, (a, b) in seen.items()]
    print(f"  {people} people due:", ", ".join(told), f"; read in {reading[0]:.2f} s", flush=True)


def fill(folder: Path, households: int, copies: int) -> None:
    """The sample, where there is none, everybody so many times."""
    reference = open_reference(Settings(data_dir=folder))
    with reference.database.read() as connection:
        there = CAMPAIGN in reference.known(connection).campaigns
    if not there:
        sample.build(reference, ROOT, households, lambda done: None)
        copy(reference, copies)


def copy(reference: Reference, copies: int) -> None:
    """Every household of the register, with its people and their doses, so many times in all, under ids of its own."""
    with reference.database.write() as connection:
        last = connection.execute(select(func.max(tables.households.c.seq))).scalar_one()
        for number in range(1, copies):
            for table, seq in ((tables.households, "seq"), (tables.people, SEQ), (tables.doses, SEQ)):
                of_copy = {seq: table.c[seq] + number * last}
                if "id" in table.c:
                    of_copy["id"] = table.c.id + f"-{number}"
                told = select(*[of_copy.get(one.name, one) for one in table.c]).where(table.c[seq] <= last)
                connection.execute(table.insert().from_select([one.name for one in table.c], told))


def ask_once(folder: Path, seconds: float, ahead: bool, other: Options) -> None:
    """A plan in a process that has just started, or has read ahead."""
    reference = open_reference(Settings(data_dir=folder))
    if ahead:
        before, began = resident(), time.process_time()
        people = warming.warm_plans(reference)
        took = time.process_time() - began
        print(f"  read ahead {people} people in {took:.1f} s of CPU, {resident() - before:.0f} MB more", flush=True)
    # As mapper.web.serving has it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    asked_and_made(reference, seconds, other)


def resident() -> float:
    """Memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def apart(work: Callable[..., None], *told: object) -> None:
    """In a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=told)
    process.start()
    process.join()


def main() -> None:
    """Every size."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--households", default="1500,14000")
    ask.add_argument("--copies", type=int, default=1)
    ask.add_argument("--seconds", type=float, default=8.0)
    ask.add_argument("--data", type=Path)
    ask.add_argument("--doses", type=int)
    ask.add_argument("--teams", type=int, default=TEAMS)
    ask.add_argument("--rolling", action="store_true")
    ask.add_argument("--sessions-stand", action="store_true")
    ask.add_argument("--what-if", action="store_true")
    asked = ask.parse_args()
    other = Options(asked.doses, asked.teams, asked.rolling, asked.sessions_stand, asked.what_if)
    for size in asked.households.split(","):
        with tempfile.TemporaryDirectory() as folder:
            where = asked.data or Path(folder)
            apart(fill, where, int(size), asked.copies)
            print(f"{size} households" + (f", {asked.copies} times" if asked.copies > 1 else ""), flush=True)
            for ahead in (True,) if asked.sessions_stand or asked.what_if else (False, True):
                apart(ask_once, where, asked.seconds, ahead, other)


if __name__ == "__main__":
    main()
