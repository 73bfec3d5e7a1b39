"""Plans of the town: whom they are for, what is asked, and work that a test holds or lets go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.made_plan import MadePlan
from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, PlanGiven, PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.domain.roles import Role
from mapper.services import accounts, plan_work, plans
from mapper.services.accounts import User
from mapper.services.planning import Watched
from mapper.services.reference import Reference
from mapper.services.travel import Ways
from mapper.store import follow_up
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, inside, person

PATIENCE_S = 60.0
QUESTION = PlanQuestion(
    "covid19", DAY, DAY + timedelta(days=4), sites=4, teams=(FieldTeam("Đội 1", inside(0)),), seconds=2.0
)


def houses(town: Town, communes: Sequence[int] = (0, 0, 1, 1, 2, 7), people: int = 2) -> list[str]:
    """Houses of so many people due, one after another in these communes; the households' ids."""
    ids = []
    for number, commune in enumerate(communes):
        entity = f"uuid:00000000-0000-4000-8000-{number:012}"
        answers = {"household.point": inside(commune, 0.4 + 0.01 * number)}
        several = _named(entity, [person(date(1980, 1, 1)) for _ in range(people)])
        town.send(town.write(answers, several, commune=commune, entity=entity))
        ids.append(entity)
    return ids


def reader_of(town: Town, name: str, role: Role, *areas: str) -> User:
    """A user of the installation."""
    accounts.add_user(town.reference, name, role.value, areas)
    found = accounts.by_name(town.reference, name)
    assert found is not None
    return found


def commune(number: int) -> str:
    """A commune's square as an area of a user."""
    return f"squares:{COMMUNES[number]}"


def made_of(town: Town, question: PlanQuestion = QUESTION, user: User = EVERYTHING, given_of: int | None = None) -> int:
    """A plan that was asked for and made; its number."""
    number = plans.ask(town.reference, user, question, given_of)
    return plan_work.work_out(town.reference, number)


class HeldMaking:
    """Stands in the place of the making of plans: tells a first plan, then waits until it is let go or unwanted."""

    def __init__(self, first: bool = True) -> None:
        self._make, self._first = plan_work.make, first
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.heard = False

    def __call__(self, given: PlanGiven, rules: PlanningRules, watched: Watched, *ways: Ways) -> MadePlan:
        made = self._make(given, rules, Watched(), *ways)
        watched.told(0.5)
        if self._first:
            watched.first(replace(made, days=()))
        self.begun.set()
        ticks = 0
        while not self.let_go.wait(0.02):
            ticks += 1
            if watched.unwanted():
                self.heard = True
                return made
            assert ticks * 0.02 < PATIENCE_S, "nobody let go"
        return made


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> HeldMaking:
    """Plans wait half done."""
    making = HeldMaking()
    monkeypatch.setattr(plan_work, "make", making)
    return making


@contextmanager
def working(reference: Reference, number: int) -> object:  # type: ignore[misc]
    """While a plan is made beside."""
    thread = threading.Thread(target=plan_work.work_out, args=(reference, number))
    thread.start()
    yield thread
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def wait_for(holds: Callable[[], bool]) -> None:
    """Until something holds."""
    for _ in range(int(PATIENCE_S / 0.05)):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never held")


def tell(town: Town, house: str, people: Sequence[Mapping[str, object]], day: date = DAY) -> None:
    """Another interview of a house, on a day, of the same people."""
    with town.reference.database.read() as connection:
        row = follow_up.households_of(town.reference.database, connection, "covid19", [house])[house]
    assert row.lat is not None and row.lon is not None
    answers = {"visit.date": day, "household.point": Point(row.lat, row.lon, 5.0)}
    number = next(n for n, code in enumerate(COMMUNES) if code == row.commune_code)
    xml = town.write(answers, _named(house, people), commune=number, entity=house, edits=row.instance_id)
    town.send(xml, day)


def vaccinate(town: Town, ids: Sequence[str], day: date) -> None:
    """Both people of each house have their first dose on a day, which is told on it."""
    for house in ids:
        tell(town, house, [person(date(1980, 1, 1), [("1", day, "pfizer")]) for _ in range(2)], day)


def _named(house: str, people: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """With an id each, by their place in the house."""
    tail = house.removeprefix("uuid:")[8:]
    return [{**one, "person.id": f"uuid:{number + 1:08}{tail}"} for number, one in enumerate(people)]
