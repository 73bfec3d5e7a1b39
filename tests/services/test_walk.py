"""Who is to be seen again on a day, in which order, and who may ask: from submissions, on each database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from mapper.domain.people import Point
from mapper.errors import NotFound
from mapper.services import accounts, walk
from mapper.services.accounts import User
from mapper.services.kept_houses import KeptHouses, Stands
from mapper.services.walk import Walk, Why
from mapper.store import tallies
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, HAMLETS, Answers, Town, inside, person

HERE = HAMLETS[0][0]
VACCINATED = [
    ("1", date(2021, 8, 1), "pfizer"),
    ("2", date(2021, 9, 1), "pfizer"),
    ("booster1", date(2022, 8, 1), "pfizer"),
]
"""Waits until 1 December 2022, four months, for the next."""


def enter(town: Town, house: str, *people: Answers, east: float = 0.5, hamlet: int = 0, **facts: object) -> None:
    """A visited house, named by its number, that far to the east in the first commune."""
    told: Answers = {f"household.{word}" if word != "outcome" else "visit.outcome": v for word, v in facts.items()}
    point: Answers = {"household.house_number": house, "household.point": inside(0, east)}
    town.send(town.write(point | told, people, hamlet=hamlet))


def through(town: Town, day: date = DAY, only: Why | None = None, user: User = EVERYTHING, **other: object) -> Walk:
    return walk.walk_through(town.reference, user, "covid19", day, HERE, only, **other)  # type: ignore[arg-type]


def told(found: Walk) -> list[tuple[str | None, str | None, list[str]]]:
    """House number, why of the whole, and why of each person."""
    return [(one.house.house_number, one.why, [seen.why.value for seen in one.people]) for one in found.houses]


def user(town: Town, role: str, *areas: str) -> User:
    made = accounts.add_user(town.reference, f"{role} of {'-'.join(areas)}", role, areas)
    found = accounts.by_id(town.reference, made.id)
    assert found is not None
    return found


def test_a_walk_takes_in_everybody_who_can_be_helped_today(town: Town) -> None:
    enter(town, "1", person())
    enter(town, "2", person(doses=VACCINATED))
    enter(town, "3", person(consent="no"), person(born=None))
    enter(town, "4", outcome="absent")
    enter(town, "5", outcome="locked")
    enter(town, "6", outcome="refused")
    enter(town, "7", person(residence="works_away"), person(contraindicated="yes"))
    enter(town, "8", outcome="moved_away")
    found = through(town)
    assert sorted(told(found)) == [
        ("1", None, ["due"]),
        ("3", None, ["refused", "ask"]),
        ("4", Why.NOT_MET, []),
        ("5", Why.NOT_MET, []),
        ("6", Why.REFUSED, []),
    ]
    assert found.counts == {Why.DUE: 1, Why.REFUSED: 2, Why.ASK: 1, Why.NOT_MET: 2}
    assert [one.number for one in found.houses] == [1, 2, 3, 4, 5]
    assert (found.hamlet.visited, found.hamlet.expected) == (8, EXPECTED[HERE])
    assert found.hamlet.unvisited == EXPECTED[HERE] - 8


def test_somebody_deferred_comes_back_on_that_very_day(town: Town) -> None:
    until = DAY + timedelta(days=5)
    enter(town, "1", person(deferred_until=until.isoformat()))
    assert told(through(town, until - timedelta(days=1))) == []
    assert told(through(town, until - timedelta(days=1), Why.DEFERRED)) == [("1", None, ["deferred"])]
    assert told(through(town, until)) == [("1", None, ["back"])]
    assert told(through(town, until, Why.BACK)) == [("1", None, ["back"])]
    assert told(through(town, until, Why.DUE)) == [("1", None, ["back"])]
    assert told(through(town, until + timedelta(days=1))) == [("1", None, ["due"])]
    assert told(through(town, until + timedelta(days=1), Why.BACK)) == []


@pytest.mark.parametrize(
    ("only", "houses"),
    [
        (Why.DUE, [("1", None, ["due"])]),
        (Why.ASK, [("1", None, ["ask"])]),
        (Why.REFUSED, [("1", None, ["refused"]), ("2", Why.REFUSED, [])]),
        (Why.NOT_MET, [("3", Why.NOT_MET, [])]),
        (Why.DEFERRED, []),
    ],
)
def test_one_list_holds_nothing_of_the_others(sqlite_town: Town, only: Why, houses: list[object]) -> None:
    enter(sqlite_town, "1", person(), person(born=None), person(consent="no"), east=0.1)
    enter(sqlite_town, "2", outcome="refused", east=0.2)
    enter(sqlite_town, "3", outcome="absent", east=0.3)
    assert told(through(sqlite_town, only=only)) == houses


def test_houses_are_walked_along_the_street_and_those_without_a_position_come_last(sqlite_town: Town) -> None:
    # House 20 stands between 1 and 2; 3 has no position, 4 a poor one, which is good enough to find the door.
    enter(sqlite_town, "2", person(), east=0.12)
    enter(sqlite_town, "3", person(), point=None)
    enter(sqlite_town, "1", person(), east=0.10)
    enter(sqlite_town, "20", person(), east=0.11)
    enter(sqlite_town, "4", person(), point=inside(0, 0.13, accuracy_m=90.0))
    found = through(sqlite_town)
    assert [one.house.house_number for one in found.houses] == ["1", "20", "2", "4", "3"]
    assert found.houses[-1].point is None
    assert isinstance(found.houses[3].point, Point)
    # Three steps of 0.001 degrees of longitude at latitude 22.05: 3 * 111.195 m * cos(22.05 degrees).
    assert found.length_m == pytest.approx(309.2, abs=0.1)


def test_a_house_seen_again_leaves_the_list(town: Town) -> None:
    enter(town, "9", person())
    (one,) = through(town).houses
    other = town.write(
        {"household.house_number": "9", "visit.date": DAY + timedelta(days=1)},
        [person(doses=VACCINATED)],
        entity=one.house.id,
    )
    town.send(other, DAY + timedelta(days=1))
    assert told(through(town, DAY + timedelta(days=1))) == []


def test_hamlets_are_listed_with_their_houses_and_people_due(town: Town) -> None:
    enter(town, "1", person(), person())
    enter(town, "2", outcome="absent")
    enter(town, "3", outcome="refused", hamlet=1)
    found = {one.code: one for one in walk.hamlets(town.reference, EVERYTHING, "covid19", DAY, COMMUNES[0])}
    assert set(found) == set(HAMLETS[0])
    first, second = found[HERE], found[HAMLETS[0][1]]
    assert (first.visited, first.closed, first.refused, first.due) == (2, 1, 0, 2)
    assert (second.visited, second.closed, second.refused, second.due) == (1, 0, 1, 0)
    assert (first.commune, first.unvisited) == ("Xã 0", EXPECTED[HERE] - 2)


def test_people_due_are_those_of_the_day_and_of_what_was_counted_since(town: Town) -> None:
    def due(day: date = DAY, **other: object) -> int:
        found = walk.hamlets(town.reference, EVERYTHING, "covid19", day, COMMUNES[0], **other)  # type: ignore[arg-type]
        return {one.code: one for one in found}[HERE].due

    enter(town, "1", person(), person(deferred_until=(DAY + timedelta(days=3)).isoformat()))
    assert [due(), due(), due(DAY + timedelta(days=3))] == [1, 1, 2]
    enter(town, "2", person())
    assert [due(), due(DAY + timedelta(days=3))] == [2, 3]
    assert due(canvasser=user(town, "canvasser", HERE).id) == 2


def test_houses_are_read_again_in_cells_that_changed_and_the_oldest_question_is_forgotten(town: Town) -> None:
    enter(town, "1", person())
    enter(town, "2", person(), person(), hamlet=1)
    kept = KeptHouses(room=3)

    def ask(day: date = DAY) -> dict[str, int]:
        database = town.reference.database
        with database.read() as connection:
            known, cells = town.reference.known(connection), town.reference.cells(connection)
            changes = {row[0]: row[-1] for row in tallies.houses(database, connection, "covid19", None)}
            campaign = known.campaigns["covid19"]
            found = kept.on(database, connection, ("era", known.revision, "covid19", day), campaign, changes)
        answers.append(found)
        return {
            cells[cell].hamlet_code or "": sum(one.due for one in houses.values()) for cell, houses in found.items()
        }

    answers: list[dict[int, Mapping[str, Stands]]] = []
    assert ask() == {HERE: 1, HAMLETS[0][1]: 2}
    enter(town, "3", person())
    assert ask() == {HERE: 2, HAMLETS[0][1]: 2}
    same = [cell for cell in answers[0] if answers[1][cell] is answers[0][cell]]
    assert len(same) == 1, "the other hamlet was not read again"
    ask(DAY + timedelta(days=1))
    ask()
    assert answers[3][same[0]] is not answers[1][same[0]], "there was room for one day only"


def test_houses_that_told_no_listed_hamlet_are_found_under_what_they_told(town: Town) -> None:
    town.send(town.write({"household.hamlet": None}, [person()]))
    found = walk.hamlets(town.reference, EVERYTHING, "covid19", DAY)
    assert [(one.code, one.visited, one.expected, one.unvisited, one.due) for one in found[-1:]] == [
        ("", 1, None, None, 1)
    ]
    one = walk.walk_through(town.reference, EVERYTHING, "covid19", DAY, "")
    assert len(one.houses) == 1


def test_a_supervisor_sees_the_hamlets_of_the_own_area_alone(town: Town) -> None:
    enter(town, "1", person())
    own, other = user(town, "commune_supervisor", COMMUNES[0]), user(town, "commune_supervisor", COMMUNES[1])
    assert len(through(town, user=own).houses) == 1
    with pytest.raises(NotFound, match=HERE):
        through(town, user=other)
    assert [code for code, _ in walk.communes(town.reference, other)] == [COMMUNES[1]]
    assert {one.commune_code for one in walk.hamlets(town.reference, other, "covid19", DAY)} == {COMMUNES[1]}


def test_a_canvasser_s_walk_is_through_the_own_hamlets(town: Town) -> None:
    enter(town, "1", person())
    enter(town, "2", person(), hamlet=1)
    supervisor = user(town, "commune_supervisor", COMMUNES[0])
    here, there, away = (user(town, "canvasser", area) for area in (HERE, HAMLETS[0][1], COMMUNES[1]))
    assert {one.id for one in walk.canvassers(town.reference, supervisor)} == {here.id, there.id}
    assert {one.id for one in walk.canvassers(town.reference, EVERYTHING, COMMUNES[1])} == {away.id}
    found = walk.hamlets(town.reference, supervisor, "covid19", DAY, None, here.id)
    assert [one.code for one in found] == [HERE]
    assert len(through(town, user=supervisor, canvasser=here.id).houses) == 1
    with pytest.raises(NotFound, match="hamlet"):
        through(town, user=supervisor, canvasser=there.id)
    for nobody in (away.id, supervisor.id, 999):
        with pytest.raises(NotFound, match="canvasser"):
            through(town, user=supervisor, canvasser=nobody)


def test_an_unknown_campaign_is_refused(sqlite_town: Town) -> None:
    with pytest.raises(NotFound, match="campaign"):
        walk.walk_through(sqlite_town.reference, EVERYTHING, "none", DAY, HERE)


def test_an_area_of_later_boundaries_holds_the_hamlets_that_went_there(town: Town) -> None:
    # Xã X of later is the squares 0 and 1 whole and half of 2, so that only 2 is divided.
    town.import_strips()
    west = user(town, "canvasser", "X")
    enter(town, "1", person())
    found = {one.id for one in walk.canvassers(town.reference, EVERYTHING, COMMUNES[0])}
    assert found == {west.id}
    assert walk.canvassers(town.reference, EVERYTHING, COMMUNES[4]) == []
    assert {one.id for one in walk.canvassers(town.reference, EVERYTHING, COMMUNES[2])} == {west.id}
    own = user(town, "commune_supervisor", "X")
    assert {code for code, _ in walk.communes(town.reference, own)} >= {COMMUNES[0], COMMUNES[1]}
    assert COMMUNES[4] not in {code for code, _ in walk.communes(town.reference, own)}
    assert len(through(town, user=own).houses) == 1
    with pytest.raises(NotFound, match="hamlet"):
        walk.walk_through(town.reference, own, "covid19", DAY, HAMLETS[4][0])
