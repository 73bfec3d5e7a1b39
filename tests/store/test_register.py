"""The register: a household goes in whole, and comes out whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import pytest
from sqlalchemy import insert, select

from mapper.domain.household import house_counts
from mapper.domain.ledger import MOVES, State
from mapper.domain.people import Dose, Finding, Person, Point, Visit
from mapper.store import reference, register, tables, tallies
from mapper.store.database import Database
from mapper.store.register import Counted, HouseholdEntry, visit_rows

AT = "2022-08-15T00:00:00+00:00"
DAY = date(2022, 8, 15)
LAN = Person(
    id="lan",
    reported_on=DAY,
    name="Nông Thị Lan",
    born_on=date(1980, 7, 1),
    birth_precision="year",
    sex="female",
    residence="works_away",
    away_place="Bắc Ninh",
    priorities=("pregnant", "frontline"),
    contraindicated=True,
    contraindication="dị ứng",
    deferred_until=date(2022, 9, 1),
    deferral_reason="sốt",
    infected_on=date(2022, 3, 1),
    refused=True,
    refusal_reason="sợ",
    vaccination_unknown=True,
    doses=(
        Dose("1", date(2021, 9, 1), "pfizer", "FF1", "Trạm Y tế", "card"),
        Dose("2"),
    ),
)
BABY = Person("baby", DAY)
VISIT = Visit(
    "house", DAY, "interviewed", "A", "C", "12", "Lan", "0900", Point(22.25, 105.75, 4.5, 250.0), 2, (LAN, BABY)
)


def move(left: State | None, entered: State | None) -> int:
    return MOVES.index((left, entered))


STEPS = [
    1,
    738000,
    move(None, State.DUE),
    1,
    738000,
    move(None, State.AWAY),
    2,
    738100,
    move(State.DUE, State.VACCINATED),
]


@pytest.fixture
def cell_id(database: Database) -> int:
    """A cell; a campaign and a boundary set are there too."""
    with database.write() as connection:
        reference.save_campaign(database, connection, "c", "", [], AT)
        connection.execute(
            insert(tables.boundary_sets).values(
                id="old",
                label="",
                approximate=False,
                source="",
                levels="[]",
                report="",
                imported_at=AT,
                state="shown",
            )
        )
        return tallies.cell(database, connection, "A", "C", {"old": "01"})


def entry(cell_id: int, visit: Visit = VISIT, steps: Sequence[int] = STEPS, **facts: object) -> HouseholdEntry:
    values: dict[str, object] = {
        "seq": 7,
        "campaign_id": "c",
        "household_id": visit.household_id,
        "instance_id": "uuid:1",
        "rows": visit_rows(visit, steps, house_counts(visit)),
        "point_state": "usable",
        "cell_id": cell_id,
        "findings": [],
    }
    return HouseholdEntry(**{**values, **facts})  # type: ignore[arg-type]


def enter(database: Database, *entries: HouseholdEntry) -> None:
    with database.write() as connection:
        register.enter(database, connection, list(entries))


def rows(database: Database, name: str) -> list[dict[str, object]]:
    table = tables.metadata.tables[name]
    with database.read() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def test_a_household_is_written_column_by_column(database: Database, cell_id: int) -> None:
    enter(database, entry(cell_id))
    (house,) = rows(database, "households")
    steps = house.pop("steps")
    assert isinstance(steps, str)
    assert house == {
        "seq": 7,
        "campaign_id": "c",
        "id": "house",
        "instance_id": "uuid:1",
        "visited_on": DAY,
        "outcome": "interviewed",
        "hamlet_code": "A",
        "commune_code": "C",
        "house_number": "12",
        "head": "Lan",
        "phone": "0900",
        "lat": 22.25,
        "lon": 105.75,
        "accuracy_m": 4.5,
        "point_state": "usable",
        "expected_members": 2,
        "cell_id": cell_id,
        "version": 1,
        "trunk_version": None,
        "branch_id": None,
    }


def test_its_people_are_written_column_by_column(database: Database, cell_id: int) -> None:
    enter(database, entry(cell_id))
    lan, baby = rows(database, "people")
    assert lan == {
        "household_seq": 7,
        "position": 0,
        "id": "lan",
        "reported_on": DAY,
        "name": "Nông Thị Lan",
        "born_on": date(1980, 7, 1),
        "birth_precision": "year",
        "sex": "female",
        "residence": "works_away",
        "away_place": "Bắc Ninh",
        "priorities": "pregnant frontline",
        "contraindicated": True,
        "contraindication": "dị ứng",
        "deferred_until": date(2022, 9, 1),
        "deferral_reason": "sốt",
        "infected_on": date(2022, 3, 1),
        "refused": True,
        "refusal_reason": "sợ",
        "vaccination_unknown": True,
        "version": 1,
        "trunk_version": None,
        "branch_id": None,
    }
    assert (baby["position"], baby["id"], baby["priorities"]) == (1, "baby", "")
    assert (baby["name"], baby["born_on"]) == (None, None)
    assert (baby["residence"], baby["contraindicated"], baby["refused"]) == ("here", False, False)


def test_doses_and_findings_are_written_column_by_column(database: Database, cell_id: int) -> None:
    finding = Finding("odd", "{what} is odd.", (("what", "Tuổi"),))
    enter(database, entry(cell_id, findings=[("uuid:1", finding), ("uuid:1", Finding("odd", "Again."))]))
    first, second = rows(database, "doses")
    assert first == {
        "household_seq": 7,
        "person_position": 0,
        "position": 0,
        "code": "1",
        "given_on": date(2021, 9, 1),
        "vaccine": "pfizer",
        "lot": "FF1",
        "place": "Trạm Y tế",
        "evidence": "card",
    }
    assert (second["position"], second["code"], second["given_on"], second["vaccine"]) == (1, "2", None, None)
    odd, _ = rows(database, "findings")
    assert json.loads(str(odd.pop("facts"))) == {"what": "Tuổi"}
    assert odd == {
        "instance_id": "uuid:1",
        "position": 0,
        "household_seq": 7,
        "cell_id": cell_id,
        "code": "odd",
        "message": "{what} is odd.",
    }


def test_what_a_household_counts_for_is_read_back_as_it_was_entered(database: Database, cell_id: int) -> None:
    enter(database, entry(cell_id))
    with database.read() as connection:
        counted = register.counted(database, connection, "c", "house")
        assert register.counted(database, connection, "c", "next door") is None
        assert register.counted(database, connection, "d", "house") is None
    assert counted == (7, Counted(cell_id, DAY.toordinal(), STEPS, [1, 1, 0, 0, 0, 2]))


def test_a_household_without_people_or_point_counts_as_visited(database: Database, cell_id: int) -> None:
    closed = Visit("house", DAY, "locked")
    enter(database, entry(cell_id, closed, steps={}))
    with database.read() as connection:
        counted = register.counted(database, connection, "c", "house")
    assert counted == (7, Counted(cell_id, DAY.toordinal(), {}, [1, 0, 0, 0, 1, 0]))
    (house,) = rows(database, "households")
    assert (house["lat"], house["lon"], house["accuracy_m"], house["expected_members"]) == (None,) * 4


def test_a_household_taken_out_leaves_nothing_and_its_neighbours_stay(database: Database, cell_id: int) -> None:
    odd = Finding("odd", "Odd.")
    neighbour = Visit("next door", DAY, "interviewed", people=(LAN,))
    enter(
        database,
        entry(cell_id, findings=[("uuid:1", odd)]),
        entry(cell_id, neighbour, seq=8, instance_id="uuid:2", findings=[("uuid:2", odd)]),
    )
    before = {name: rows(database, name) for name in ("households", "people", "doses", "findings")}
    assert {name: len(found) for name, found in before.items()} == {
        "households": 2,
        "people": 3,
        "doses": 4,
        "findings": 2,
    }
    with database.write() as connection:
        register.remove(connection, 7)
    for name, found in before.items():
        key = "seq" if name == "households" else "household_seq"
        assert rows(database, name) == [row for row in found if row[key] == 8]
    with database.write() as connection:
        register.clear(database, connection)
    assert all(rows(database, name) == [] for name in before)


def test_only_households_whose_point_places_them_are_on_the_map(database: Database, cell_id: int) -> None:
    poor = Visit("poor", DAY, "interviewed", point=Point(22.0, 105.0, 900.0), people=(LAN,))
    enter(
        database,
        entry(cell_id),
        entry(cell_id, poor, seq=8, instance_id="uuid:2", point_state="poor_accuracy"),
        entry(cell_id, Visit("none", DAY, "locked"), seq=9, instance_id="uuid:3", point_state="no_point"),
    )
    with database.read() as connection:
        (point,) = register.house_points(database, connection, "c", None)
        assert point == register.HousePoint("house", "A", cell_id, 105.75, 22.25)
        assert register.house_points(database, connection, "c", [cell_id]) == [point]
        assert register.house_points(database, connection, "c", [cell_id + 1]) == []
        assert register.house_points(database, connection, "c", []) == []
