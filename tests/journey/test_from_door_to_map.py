"""From the door to the map: the published census, filled by the engine inside Collect, sent as Collect sends, counted.

Three hundred households are told by chance, entered as a phone lets them be entered, and sent over real sockets on a
bad line by eight phones at once, some of them edited, some edits before their originals. The figures that a program
then reads are those of a second reckoning, which knows nothing but what was said at the doors.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import shapely
from sqlalchemy import select

from mapper.geo.approximate import approximate_set
from mapper.services import accounts, boundaries, publish, rebuilding
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import schema, tables, tallies
from mapper.store.database import Database
from tests.client.collect import Collect, Fault, FilledForm, LocalForm, NotAccepted
from tests.client.site import running
from tests.engine.javarosa import TIME_ZONE, JavaRosa
from tests.journey.canvasser import Canvasser, Hamlet, Told
from tests.journey.reckoning import STATES, Ground, state
from tests.postgres import Server

pytestmark = [pytest.mark.today, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
FORM = ROOT / "forms" / "covid19"
TODAY = datetime.now(ZoneInfo(TIME_ZONE)).date()
HOUSEHOLDS = 300
PHONES = 8
LEVELS = ("hamlet", "commune", "district", "province")
CAMPAIGN = tomllib.loads((FORM / "campaign.toml").read_text("utf-8"))
SERIES = [(group, dose) for group in CAMPAIGN["groups"] for dose in group["doses"]]
DAYS = (date(2021, 12, 1), TODAY, TODAY + timedelta(days=200))


@dataclass(frozen=True)
class Sent:
    """One finished form on one phone."""

    phone: int
    form: FilledForm


@dataclass
class Census:
    """What the canvassers did. queue: in the order in which each phone sends. houses: as they stand in the end."""

    form: LocalForm
    queue: list[Sent] = field(default_factory=list)
    houses: list[Told] = field(default_factory=list)
    edits: int = 0


def fetch_form(server_url: str) -> LocalForm:
    """What a new phone has after its first contact."""
    with Collect(server_url) as phone:
        assert phone.match_exactly() == ({"covid19_census", "covid19_revisit"}, set())
        (form,) = [form for (form_id, _), form in phone.forms.items() if form_id == "covid19_census"]
        return form


def fill(form: LocalForm, hamlets: list[Hamlet]) -> Census:
    """Three hundred households at the doors of twenty hamlets, one in twelve corrected afterwards."""
    chance = random.Random(2022)
    canvasser = Canvasser(JavaRosa().load(form.xform, form.media), hamlets, TODAY, chance)
    census = Census(form)
    for number in range(HOUSEHOLDS):
        xml, told = canvasser.visit(number)
        files = {"audit.csv": f"event,node,start,end\nform start,,{number},\n".encode()}
        if number % 60 == 7:
            # Over the megabyte that the server takes at once, so in two posts.
            files |= {f"{number}-{side}.jpg": chance.randbytes(600_000) for side in ("front", "door")}
        chain = [FilledForm(f"{number}.xml", xml, files)]
        for _ in range((number % 12 == 5) + (number % 36 == 5)):
            xml, told = canvasser.correct(xml, told)
            chain.append(FilledForm(f"{number}-edit.xml", xml, files))
            census.edits += 1
        if number % 24 == 5:
            # Collect sends by the day of finalising and goes on after a failure: an edit may come first.
            chain.reverse()
        census.queue += [Sent(number % PHONES, one) for one in chain]
        census.houses.append(told)
    return census


def instance_id(xml: bytes) -> str:
    """The id of a submission."""
    found = re.search(rb"instanceID>(uuid:[0-9a-f-]+)<", xml)
    assert found
    return found[1].decode()


def send_all(census: Census, server_urls: list[str]) -> Counter[int]:
    """Every phone sends its queue at the same time as the others; how often each status came."""
    statuses: Counter[int] = Counter()
    faults: list[BaseException] = []

    def run(number: int, url: str) -> None:
        line = random.Random(f"line {number}")
        weights = {Fault.NONE: 80, Fault.LOST_REPLY: 14, Fault.BROKEN_OFF: 6}
        with Collect(url, bad_line=lambda: line.choices(list(weights), list(weights.values()))[0]) as phone:
            try:
                for one in census.queue:
                    if one.phone == number:
                        statuses.update(phone.send(one.form, tries=12).statuses)
            except BaseException as fault:
                faults.append(fault)
            assert phone.lost > 0

    threads = [threading.Thread(target=run, args=(n, url)) for n, url in enumerate(server_urls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return statuses


@dataclass
class Prepared:
    """A database with the census published, and who may use it."""

    phones: list[str]
    reader: str
    supervisor: str


def prepare(database_url: str, outlines: bytes, folder: Path) -> Prepared:
    """Import the approximate communes, publish the census, make users."""
    reference = Reference(Database(database_url))
    schema.upgrade(reference.database)
    file = folder / "communes.geojson"
    file.write_bytes(outlines)
    boundaries.import_file(
        reference, file, boundaries.SetFacts("bach_thong", "Huyện Bạch Thông", date(2020, 2, 1), approximate=True)
    )
    publish.publish(reference, FORM)
    prepared = Prepared(
        [accounts.add_user(reference, f"may-{n}", "canvasser", ["063"]).token for n in range(PHONES)],
        accounts.add_user(reference, "doc", "planner", []).token,
        accounts.add_user(reference, "xa", "commune_supervisor", ["01969"]).token,
    )
    reference.database.close()
    return prepared


@contextmanager
def served(data_dir: Path) -> Iterator[str]:
    """``python server.py serve`` on a free port, as an operator runs it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "server.py", "serve", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "MAPPER_DATA_DIR": str(data_dir), "MAPPER_CHUNK_MB": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    try:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if str(port) in line:
                break
        else:
            pytest.fail(f"the server did not start: {''.join(lines)}")
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        reader.join()
        process.stdout.close()  # type: ignore[union-attr]
    said = "".join(lines)
    assert status == 0, said
    # Nothing about the people of the census, and no token, is in what an operator may keep.
    assert "Traceback" not in said and "fault" not in said, said
    addresses = said.replace("/key/<token>", "")  # the word for any token
    for secret in ("uuid:", "Nông", "/key/"):
        assert secret not in addresses


class Reader:
    """A program that asks for figures."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token

    def ask(self, path: str, group: str, dose: str, day: date, **other: str) -> dict[str, Any]:
        """An answer of the API about the census."""
        asked = {"campaign": "covid19", "group": group, "dose": dose, "date": day.isoformat(), **other}
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(f"{self.address}/api/{path}", params=asked, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def figures(self, level: str, group: str, dose: str, day: date) -> dict[str, dict[str, Any]]:
        """Every row by its key, and "total"."""
        body = self.ask("coverage", group, dose, day, level=level)
        return {unit["key"]: unit for unit in body["units"]} | {"total": body["total"]}


@pytest.fixture(scope="module")
def outlines() -> bytes:
    """The communes of the sample district, drawn as the sample draws them."""
    return approximate_set(ROOT / "geodata/bach_thong_communes.csv", ROOT / "geodata/bach_thong_outline.geojson")


@pytest.fixture(scope="module")
def ground(outlines: bytes) -> Ground:
    """What the second reckoning knows of the district."""
    features = json.loads(outlines)["features"]
    told = [feature["properties"] for feature in features]
    drawn = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    with (FORM / "hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        hamlets = list(csv.DictReader(file))
    return Ground(
        {place["commune_code"]: outline for place, outline in zip(told, drawn, strict=True)},
        {level: {place["commune_code"]: place[f"{level}_code"] for place in told} for level in LEVELS[1:]},
        hamlets,
        CAMPAIGN["accuracy_limit_m"],
    )


@pytest.fixture(scope="module")
def hamlets(ground: Ground) -> list[Hamlet]:
    """Twenty hamlets of many communes."""
    with (ROOT / "geodata/bach_thong_hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        centres = {row["code"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)}
    return [Hamlet(row["name"], row["commune"], *centres[row["name"]]) for row in ground.hamlets[::3]][:20]


@dataclass
class Journey:
    """A census that has come to its end, and the server that took it."""

    address: str
    database_url: str
    users: Prepared
    census: Census
    statuses: Counter[int]

    @property
    def reader(self) -> Reader:
        """A program of somebody who sees everything."""
        return Reader(self.address, self.users.reader)


@pytest.fixture(scope="module")
def journey(outlines: bytes, hamlets: list[Hamlet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """The census, filled from the form that a running server gave out, and sent back to it on bad lines."""
    folder = tmp_path_factory.mktemp("door-to-map")
    database_url = f"sqlite:///{folder / 'tungnha.sqlite3'}"
    users = prepare(database_url, outlines, folder)
    with served(folder) as address:
        census = fill(fetch_form(f"{address}/key/{users.phones[0]}"), hamlets)
        statuses = send_all(census, [f"{address}/key/{token}" for token in users.phones])
        yield Journey(address, database_url, users, census, statuses)


def compare(
    reader: Reader, ground: Ground, houses: list[Told], series: list[Any], days: tuple[date, ...] = DAYS
) -> Counter[str]:
    """Every figure of every place of every level is that of the second reckoning; how often each state and verdict."""
    seen: Counter[str] = Counter()
    for (group, dose), day in itertools.product(series, days):
        expected = ground.figures(houses, group, dose, day)
        for level in LEVELS:
            found = reader.figures(level, group["code"], dose["dose"], day)
            assert found.keys() == expected[level].keys()
            for key, row in expected[level].items():
                asked = f"{level} {key}, {group['code']} {dose['dose']}, {day}"
                told = {name: found[key][name] for name in row}
                for name in ("coverage", "low", "high", "worst", "best"):
                    assert told.pop(name) == pytest.approx(row[name], abs=1e-6), f"{name} of {asked}"
                assert told == {name: row[name] for name in told}, asked
                seen[f"verdict {row['verdict']}"] += 1
            # The places of a level make up its total, and all totals are one.
            for name in ("people", "households_visited", "households_expected", "eligible", *STATES):
                rows = [row[name] for key, row in found.items() if key != "total" and row[name] is not None]
                assert found["total"][name] == sum(rows) == expected["hamlet"]["total"][name], (name, level)
        seen.update({name: expected["hamlet"]["total"][name] for name in STATES})
    return seen


def test_census_has_all_that_the_proof_leans_on(journey: Journey) -> None:
    houses = journey.census.houses
    assert {told.house["outcome"] for told in houses} == {"interviewed", "absent", "refused", "locked", "moved_away"}
    people = [person for told in houses for person in told.people]
    assert len(people) > 600
    assert {person["residence"] for person in people} == {"here", "works_away", "absent", "moved_in", "moved_out"}
    assert {person["birth_known"] for person in people} == {"date", "year", "age"}
    doses = [dose for person in people for dose in person.get("dose", [])]  # type: ignore[attr-defined]
    assert {dose["dose_number"] for dose in doses} == {"1", "2", "3", "additional", "booster1", "booster2"}
    assert any("dose_date" not in dose for dose in doses) and any("vaccine" not in dose for dose in doses)
    assert any("location" not in told.house for told in houses)
    assert journey.census.edits > 20
    assert set(journey.statuses) == {201, 202}


def test_all_that_was_sent_is_kept_as_it_was_sent(journey: Journey) -> None:
    s, i, a, b = tables.submissions, tables.instances, tables.attachments, tables.blobs
    sent = {instance_id(one.form.xml): one.form for one in journey.census.queue}
    database = Database(journey.database_url)
    with database.read() as connection:
        kept = {
            row.instance_id: row
            for row in connection.execute(select(s.c.instance_id, i.c.xml, s.c.state).join(i, i.c.seq == s.c.seq))
        }
        files: dict[str, dict[str, bytes]] = {name: {} for name in sent}
        for row in connection.execute(select(a.c.instance_id, a.c.name, b.c.content).join(b, a.c.sha256 == b.c.sha256)):
            files[row.instance_id][row.name] = bytes(row.content)
    database.close()
    assert {name: bytes(row.xml) for name, row in kept.items()} == {name: form.xml for name, form in sent.items()}
    assert files == {name: dict(form.files) for name, form in sent.items()}
    states = Counter(row.state for row in kept.values())
    assert states == {"processed": HOUSEHOLDS, "superseded": journey.census.edits}


def test_figures_are_those_told_at_the_doors(journey: Journey, ground: Ground) -> None:
    seen = compare(journey.reader, ground, journey.census.houses, SERIES)
    assert all(seen[name] > 0 for name in STATES)
    assert {"verdict met", "verdict not_met", "verdict undecided", "verdict None"} <= set(seen)


def test_supervisor_of_a_commune_reads_its_figures_only(journey: Journey, ground: Ground) -> None:
    group, dose = SERIES[0]
    here = [told for told in journey.census.houses if ground.commune(told) == "01969"]
    assert 0 < len(here) < HOUSEHOLDS
    expected = replace(ground, hamlets=[one for one in ground.hamlets if one["commune"] == "01969"]).figures(
        here, group, dose, TODAY
    )
    reader = Reader(journey.address, journey.users.supervisor)
    for level in LEVELS:
        found = reader.figures(level, group["code"], dose["dose"], TODAY)
        assert found.keys() == expected[level].keys()
        for key, row in expected[level].items():
            for name in ("people", "households_visited", "households_expected", "eligible", *STATES):
                assert found[key][name] == row[name], (level, key, name)


def test_heat_is_where_people_due_live(journey: Journey, ground: Ground) -> None:
    group, dose = next((g, d) for g, d in SERIES if (g["code"], d["dose"]) == ("18_plus", "booster1"))
    expected: Counter[tuple[float, float]] = Counter()
    for told in journey.census.houses:
        due = sum(state(person, told, group, dose, TODAY) == "due" for person in told.people)
        point = told.house.get("location")
        if due and ground.positioned(told) and isinstance(point, tuple):
            expected[round(point[0], 4), round(point[1], 4)] += due
    found: Counter[tuple[float, float]] = Counter()
    for lat, lon, people in journey.reader.ask("heat", "18_plus", "booster1", TODAY)["points"]:
        found[lat, lon] += people
    assert found == expected and expected


def test_edit_of_a_submission_that_lost_its_race_is_refused_in_words(journey: Journey) -> None:
    """A phone whose edit comes second reads why, and what was counted stays."""
    superseded = next(one for one in journey.census.queue if one.form.name.endswith("edit.xml"))
    late = re.sub(rb"(instanceID>uuid:)[0-9a-f]{8}", rb"\g<1>00000000", superseded.form.xml)
    with Collect(f"{journey.address}/key/{journey.users.phones[0]}") as phone, pytest.raises(NotAccepted) as refused:
        phone.send(FilledForm("late.xml", late))
    assert refused.value.status == 409
    assert "uuid:" in refused.value.message


def test_rebuild_from_the_raw_submissions_changes_nothing(journey: Journey, tmp_path: Path) -> None:
    copy = sqlite3.connect(tmp_path / "copy.sqlite3")
    with sqlite3.connect(journey.database_url.removeprefix("sqlite:///")) as source:
        source.backup(copy)
    source.close()
    copy.close()
    reference = Reference(Database(f"sqlite:///{tmp_path / 'copy.sqlite3'}"))
    derived = (tables.households, tables.people, tables.doses, tables.findings)

    def everything() -> tuple[object, ...]:
        with reference.database.read() as connection:
            rows = [{tuple(row) for row in connection.execute(select(table))} for table in derived]
            return tallies.snapshot(connection), *rows

    before = everything()
    assert rebuilding.rebuild(reference) == len(journey.census.queue)
    assert everything() == before
    reference.database.close()


def test_figures_on_postgresql_are_the_same(
    journey: Journey, ground: Ground, outlines: bytes, tmp_path: Path, postgres_server: Server
) -> None:
    with postgres_server.database() as url:
        users = prepare(url, outlines, tmp_path)
        with running(Settings(data_dir=tmp_path, chunk_mb=1), url) as site:
            served_form = fetch_form(f"{site.url}/key/{users.phones[0]}")
            assert (served_form.xform, served_form.media) == (journey.census.form.xform, journey.census.form.media)
            send_all(journey.census, [f"{site.url}/key/{token}" for token in users.phones])
            compare(Reader(site.url, users.reader), ground, journey.census.houses, SERIES[::4], DAYS[1:2])
