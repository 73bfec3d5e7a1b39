"""Two applications over one PostgreSQL, each with folders and memory of its own: what takes several requests goes on
whichever of them each request meets."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import func, select

from mapper.formats.plan_file import write_question
from mapper.services import exporting, plan_work
from mapper.settings import Settings
from mapper.store import tables
from tests.client.collect import Collect
from tests.client.site import House, Site, running
from tests.web.conftest import Lent
from tests.web.planned import question, settle
from tests.web.test_boundary_sets import a_later_set
from tests.web.test_exports import ASKED, HOUSES
from tests.web.test_sign_in import PASSWORD, Desk


class InTurn(HTTPAdapter):
    """Sends each request to the machine whose turn it is, as a proxy in front of them may. met: ports, in order."""

    def __init__(self, *machines: Site) -> None:
        super().__init__()
        self._ports = itertools.cycle(urlsplit(one.url).port for one in machines)
        self.met: list[int | None] = []

    def send(self, request: requests.PreparedRequest, *args: object, **options: object) -> requests.Response:
        parts, port = urlsplit(str(request.url)), next(self._ports)
        self.met.append(port)
        request.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{port}"))
        return super().send(request, *args, **options)  # type: ignore[arg-type]


@pytest.fixture
def machines(filled_postgres: Lent, tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """Two that know nothing of each other but the database."""

    def settings(name: str) -> Settings:
        return Settings(data_dir=tmp_path / name, chunk_mb=1, max_submission_mb=4)

    with running(settings("a"), filled_postgres.url) as a, running(settings("b"), filled_postgres.url) as b:
        yield a, b
    filled_postgres.restore()


@pytest.fixture
def desk(machines: tuple[Site, Site]) -> Iterator[Callable[..., Desk]]:
    """Signs users in, at browsers whose requests take turns."""
    made: list[Desk] = []

    def signed_in(role: str = "administrator", *areas: str) -> Desk:
        name = machines[0].user(role, *areas, password=PASSWORD).name
        made.append(Desk(machines[0]))
        made[-1].session.mount("http://", InTurn(*machines))
        made[-1].sign_in(name, PASSWORD)
        return made[-1]

    yield signed_in
    for one in made:
        one.session.close()


def in_turn(phone: Collect, machines: tuple[Site, Site]) -> InTurn:
    adapter = InTurn(*machines)
    phone._session.mount("http://", adapter)
    return adapter


def exported(site: Site) -> int:
    """How often a file of people was made, as the audit trail has it."""
    with site.reference.database.read() as connection:
        made = select(func.count()).where(tables.audit.c.action == "people.exported")
        return connection.scalar(made) or 0


@pytest.fixture
def slow(machines: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Three houses are many, and the file of them is written when the test says so."""
    for house in HOUSES:
        machines[0].phone().send(house.form())
    may_go_on = threading.Event()
    written = exporting.make
    monkeypatch.setattr("mapper.web.exports.AT_ONCE", 0)

    def slowly(reference: object, user: object, wish: object, told: Callable[[float], None]) -> object:
        told(0.5)
        while not may_go_on.wait(0.05):
            told(0.5)
        return written(reference, user, wish, told)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "make", slowly)
    yield may_go_on
    may_go_on.set()


def until(answer: Callable[[], requests.Response], stage: str) -> None:
    """Ask until every machine in turn says this."""
    said: list[str] = []
    for _ in range(600):
        said.append(answer().json()["stage"])
        if said[-2:] == [stage, stage]:
            return
        time.sleep(0.05)
    raise AssertionError(said[-5:])


def test_a_file_asked_for_at_one_machine_is_followed_and_fetched_at_the_other_and_made_once(
    machines: tuple[Site, Site], desk: Callable[..., Desk], slow: threading.Event
) -> None:
    at = desk()
    asked = at.session.get(
        f"{at.url}/export/people.csv", params=ASKED, headers={"Accept": "text/html"}, allow_redirects=False
    )
    assert asked.status_code == 303
    where = asked.headers["Location"].replace("/export/waiting", "/export/progress")
    until(lambda: at.get(where), "running")
    listed = at.get("/export/files").text, at.get("/export/files").text
    assert [page.count("đang ghi") for page in listed] == [1, 1]
    slow.set()
    until(lambda: at.get(where), "done")
    (address,) = set(re.findall(r'href="(/export/files/\w+)"', at.get("/export/files").text))
    files = [at.get(address).content for _ in range(4)]
    files += [at.session.get(f"{at.url}/export/people.csv", params=ASKED).content for _ in range(2)]
    assert len(set(files)) == 1 and "Lý Sún" in files[0].decode()
    assert exported(machines[0]) == 1
    # Nobody else is handed it, at either.
    other = desk("supervisor", "squares:00001")
    assert [other.get(address).status_code for _ in range(2)] == [404, 404]


def test_a_file_is_stopped_from_the_machine_that_does_not_make_it_and_asked_for_anew(
    machines: tuple[Site, Site], desk: Callable[..., Desk], slow: threading.Event
) -> None:
    at = desk()
    (where,) = {
        at.session.get(
            f"{at.url}/export/people.csv", params=ASKED, headers={"Accept": "text/html"}, allow_redirects=False
        ).headers["Location"]
        for _ in range(2)
    }
    progress = where.replace("/waiting", "/progress")
    until(lambda: at.get(progress), "running")
    at.get(where)  # the other machine's turn comes, and the token of its page is good at the first
    assert at.post(where.replace("/waiting", "/stop")).status_code == 303
    until(lambda: at.get(progress), "stopped")
    assert exported(machines[0]) == 0
    slow.set()
    at.get(f"{where}&again=1")
    until(lambda: at.get(progress), "done")
    assert exported(machines[0]) == 1


def test_photos_of_one_form_may_come_to_both(machines: tuple[Site, Site]) -> None:
    phone = machines[0].phone()
    adapter = in_turn(phone, machines)
    photos = {f"{number}.jpg": bytes([number]) * 700_000 for number in range(4)}
    assert phone.send(House("uuid:chunks", photo="0.jpg").form(photos)).statuses == (201,) * 4
    assert len(set(adapter.met[1:3])) == 2
    for site in machines:
        assert site.attachments("uuid:chunks") == photos
        assert site.state("uuid:chunks") == "processed"
    # The same once more, as after a lost answer: nothing is there twice.
    assert phone.send(House("uuid:chunks", photo="0.jpg").form(photos)).statuses == (201,) * 4
    with machines[0].reference.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.submissions)) == 1
        assert connection.scalar(select(func.count()).select_from(tables.households)) == 1


def test_what_one_machine_counted_the_other_shows_and_corrects(machines: tuple[Site, Site]) -> None:
    a, b = machines
    key = a.user("administrator").token
    for site in (a, b, a):  # each has read, and remembers
        assert site.coverage(key)["total"]["eligible"] == 0  # type: ignore[index]
    phone = a.phone()
    in_turn(phone, machines)
    for house in HOUSES:
        phone.send(house.form())
    phone.send(HOUSES[0].edited("uuid:1-b", people=()).form())
    totals = [site.coverage(key)["total"] for site in (a, b, a)]
    assert totals[0] == totals[1] == totals[2] and totals[0]["eligible"] == 3  # type: ignore[index]


def test_a_phone_set_up_by_hand_answers_at_one_machine_the_challenge_of_the_other(machines: tuple[Site, Site]) -> None:
    user = machines[0].user("canvasser", "001", name="Nông Thị Mỷ")
    phone = machines[0].by_hand(user="Nông Thị Mỷ", password=user.token)
    adapter = in_turn(phone, machines)
    assert phone.match_exactly() == ({"house_check", "plain"}, set())
    assert phone.send(House("uuid:by-hand", photo="a.jpg").form({"a.jpg": b"JPEG"})).statuses == (201,)
    assert len(set(adapter.met)) == 2
    assert machines[1].attachments("uuid:by-hand") == {"a.jpg": b"JPEG"}


def test_who_signed_in_at_one_machine_is_known_to_the_other_until_signing_out(
    machines: tuple[Site, Site], desk: Callable[..., Desk]
) -> None:
    at = desk("supervisor", "001")
    assert [at.get("/api/campaigns").status_code for _ in range(4)] == [200] * 4
    at.get("/export/files")  # the form's token is of one, and is sent to the other
    assert at.post("/sign-out").status_code == 302
    assert [at.get("/api/campaigns").status_code for _ in range(2)] == [401] * 2


def test_a_plan_asked_for_at_one_machine_is_watched_and_stopped_at_the_other(
    machines: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = machines
    settle(a)
    boss = a.user("administrator").token
    told, stopped = threading.Event(), threading.Event()
    made = plan_work.make  # type: ignore[attr-defined]

    def until_stopped(given: object, rules: object, watched: object, *more: object) -> object:
        told.set()
        for _ in range(600):
            if watched.unwanted():  # type: ignore[attr-defined]
                stopped.set()
                break
            time.sleep(0.05)
        return made(given, rules, watched, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(plan_work, "make", until_stopped)
    body = write_question(question())
    headers = {"Authorization": f"Bearer {boss}", "Content-Type": "application/json"}
    answer = requests.post(f"{a.url}/api/plans", data=body, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    number = answer.json()["number"]
    assert told.wait(60)
    seen = [site.get(f"/api/plans/{number}", boss).json()["state"] for site in (b, a, b)]
    assert set(seen) == {"running"}
    assert requests.post(f"{b.url}/api/plans/{number}/stop", headers=headers, timeout=60).status_code == 200
    assert stopped.wait(60)
    for _ in range(600):
        states = {site.get(f"/api/plans/{number}", boss).json()["state"] for site in machines}
        if states == {"stopped"}:
            break
        time.sleep(0.05)
    assert states == {"stopped"}
    with a.reference.database.read() as connection:  # made by one of them, once
        assert connection.scalar(select(func.count()).select_from(tables.plans)) == 1


def test_boundaries_added_at_one_machine_are_shown_and_placed_in_at_the_other(
    machines: tuple[Site, Site], tmp_path: Path
) -> None:
    a, b = machines
    key = a.user("administrator").token
    before = b.coverage(key, level="commune")
    assert set(before) == {"00001", "00002", "total"}
    phone = a.phone()
    phone.send(HOUSES[0].form())
    a_later_set(a, tmp_path)
    assert set(b.coverage(key, level="commune", set="later")) == {"00002", "total"}
    in_turn(phone, (b, a))
    phone.send(HOUSES[2].form())
    totals = [site.coverage(key, level="commune", set="later")["00002"] for site in machines]
    assert totals[0] == totals[1] and totals[0]["eligible"] == 2  # type: ignore[index]
