"""People remembered by what decides where they stand: as if they were read anew, whatever came in since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest
import shapely

from mapper.domain.plan import DueHouse
from mapper.services import accounts, demand
from mapper.services.accounts import User
from mapper.services.field_area import FieldArea, field_area
from mapper.services.kept_people import KeptPeople
from mapper.services.reference import Reference
from mapper.store import follow_up
from mapper.store.database import Connection, Database
from mapper.store.follow_up import HouseholdRow
from tests.services.town import COMMUNES, DAY, HAMLETS, Town, inside, person

DAYS = DAY, DAY + timedelta(days=9)
Found = tuple[list[DueHouse], demand.NotDue]


def due(reference: Reference, user: User = accounts.OPERATOR, days: tuple[date, date] = DAYS) -> Found:
    others = demand.NotDue()
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign("covid19")
        rules = demand.rules_of(connection, campaign)
        area = field_area(reference, connection, known, user)
        return demand.people_due(reference, connection, campaign, rules, days, area, others), others


def one_by_one(reference: Reference, days: tuple[date, date] = DAYS) -> Found:
    """The same of everybody, read whole and asked person by person."""
    others = demand.NotDue()
    found = []
    with reference.database.read() as connection:
        campaign = reference.known(connection).campaign("covid19")
        rules = demand.rules_of(connection, campaign)
        rows = follow_up.households(reference.database, connection, "covid19", None)
        members = follow_up.people(reference.database, connection, [row.seq for row in rows])
    for row in rows:
        asked = [demand.due_between(one, campaign, rules, days, others) for one, _ in members.get(row.seq, ())]
        people = tuple(one for one in asked if one is not None)
        if people:
            point = row.point if row.point_usable else None
            found.append(DueHouse(row.id, row.hamlet_code, row.commune_code, point, people))
    return found, others


def anybody(chance: Random) -> dict[str, object]:
    born = date(chance.choice([1940, 1975, 1990, 2008, 2016, 2021]), chance.randint(1, 12), chance.randint(1, 28))
    doses = [
        (str(number + 1), DAY - timedelta(days=200 - 60 * number + chance.randint(-40, 40)), "pfizer")
        for number in range(chance.randint(0, 2))
    ]
    told: dict[str, object] = chance.choice(
        [
            {},
            {},
            {},
            {"consent": "no", "refusal_reason": "far"},
            {"residence": "works_away"},
            {"deferred_until": DAY + timedelta(days=chance.randint(1, 20)), "deferral_reason": "fever"},
        ]
    )
    return person(born, doses, **told)  # type: ignore[arg-type]


def same(one: Found, other: Found) -> bool:
    return one[0] == other[0] and (one[1].stands, one[1].next_on) == (other[1].stands, other[1].next_on)


def test_whatever_comes_in_the_people_remembered_are_those_of_the_register(town: Town) -> None:
    chance = Random(5)
    for _ in range(6):
        for _ in range(3):
            commune, hamlet = chance.randrange(3), chance.randrange(2)
            place = {"household.point": chance.choice([None, inside(commune, chance.random())])}
            people = [anybody(chance) for _ in range(chance.randint(0, 4))]
            town.send(town.write(place, people, commune=commune, hamlet=hamlet))
        for days in (DAYS, (DAY + timedelta(days=3), DAY + timedelta(days=3))):
            assert same(due(town.reference, days=days), one_by_one(town.reference, days))
    assert due(town.reference)[0]


def test_only_cells_in_which_something_was_counted_are_read_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = person(date(1980, 1, 1))
    for commune in range(3):
        town.send(town.write({"household.point": inside(commune)}, [grown], commune=commune))
    before, _ = due(town.reference)
    read: list[int] = []

    def households(database: Database, connection: Connection, campaign: str, cells: list[int]) -> list[HouseholdRow]:
        read.append(len(cells))
        return really(database, connection, campaign, cells)

    really = follow_up.households
    monkeypatch.setattr(follow_up, "households", households)
    assert due(town.reference)[0] == before and read == []
    town.send(town.write({"household.point": inside(1)}, [grown, grown], commune=1))
    after, _ = due(town.reference)
    assert read == [1], "of three cells"
    assert sum(len(one.people) for one in after) == sum(len(one.people) for one in before) + 2


def test_what_is_remembered_of_all_shows_nobody_more_than_their_area(new_town: Callable[[], Town]) -> None:
    town = new_town()
    grown = person(date(1980, 1, 1))
    for commune in (0, 1):
        for hamlet in (0, 1):
            place = {"household.point": inside(commune, 0.2 + 0.4 * hamlet)}
            town.send(town.write(place, [grown], commune=commune, hamlet=hamlet))
    assert len(due(town.reference)[0]) == 4
    for name, areas, hamlets in (
        ("one", [HAMLETS[0][1]], [HAMLETS[0][1]]),
        ("commune", [COMMUNES[1]], [HAMLETS[1][0], HAMLETS[1][1]]),
    ):
        made = accounts.add_user(town.reference, name, "canvasser", areas)
        user = accounts.by_id(town.reference, made.id)
        assert user is not None
        houses, _ = due(town.reference, user)
        assert sorted(one.hamlet_code or "" for one in houses) == hamlets
    assert len(due(town.reference)[0]) == 4
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaign("covid19")
        rules, cells = demand.rules_of(connection, campaign), frozenset(town.reference.cells(connection))
        middle = inside(0, 0.2)
        around = shapely.to_wkb(
            shapely.box(middle.lon - 0.001, middle.lat - 0.001, middle.lon + 0.001, middle.lat + 0.001)
        )
        drawn = FieldArea(frozenset(), (around,), cells)
        (house,) = demand.people_due(town.reference, connection, campaign, rules, DAYS, drawn)
        assert house.hamlet_code == HAMLETS[0][0]


def test_more_people_than_there_is_room_for_are_read_and_not_remembered(town: Town) -> None:
    grown = person(date(1980, 1, 1))
    town.send(town.write(people=[grown, grown]))
    town.reference.people = KeptPeople(room=1)
    for _ in range(2):
        assert sum(len(one.people) for one in due(town.reference)[0]) == 2
    assert len(town.reference.people._kept) == 0
