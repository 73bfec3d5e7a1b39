"""Who is to be visited again: each household of a user's area as it stands on a day, and nobody else's."""

from __future__ import annotations

from datetime import date

import pytest
import shapely
from sqlalchemy import insert

from mapper.domain.follow_up import DueDose, HouseState, PersonState
from mapper.domain.people import Point
from mapper.domain.roles import Role
from mapper.errors import NotFound
from mapper.services import follow_up
from mapper.services.accounts import NOWHERE, User
from mapper.services.follow_up import HouseToSee
from mapper.store import tables
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Town, inside, person

HERE = HAMLETS[0][0]
ONE_AZ = [("1", date(2022, 7, 1), "astrazeneca")]
"""Its second dose falls due 8 weeks later: on 26 August 2022."""
HOUSE = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"


def canvasser(*areas: tuple[str, str]) -> User:
    return User(7, "hoa", Role.CANVASSER, areas, 0)


def seen(town: Town, user: User = EVERYTHING, day: date = DAY, hamlet: str | None = None) -> dict[str, HouseToSee]:
    return {house.id: house for house in follow_up.households(town.reference, user, "covid19", day, hamlet)}


def draw(town: Town, number: int, west: float, south: float, east: float, north: float) -> None:
    """An area of that number."""
    wkb = shapely.to_wkb(shapely.multipolygons([shapely.box(west, south, east, north)]))
    with town.reference.database.write() as connection:
        connection.execute(
            insert(tables.drawn_areas).values(id=number, label="x", wkb=wkb, user_id=None, drawn_at="2026-11-22")
        )


def test_a_house_is_told_with_its_people_and_what_each_is_due_for(town: Town) -> None:
    town.send(town.write({}, [person(doses=ONE_AZ), person(date(2022, 1, 1))], entity=HOUSE))
    (house,) = seen(town).values()
    assert (house.id, house.hamlet_code, house.commune_code, house.house_number) == (HOUSE, HERE, COMMUNES[0], "12")
    assert (house.head, house.outcome, house.visited_on) == ("Nông Văn Nam", "interviewed", DAY)
    assert house.point == Point(22.05, 105.05, 5.0)
    assert house.point_usable
    assert house.held.version == 1
    # On 15 August the first adult waits, and the baby belongs to no group.
    assert [each.status.state for each in house.people] == [PersonState.WAITING, PersonState.DONE]
    assert house.state is HouseState.ALL_DONE
    (later,) = seen(town, day=date(2022, 8, 26)).values()
    assert later.state is HouseState.SOMEONE_DUE
    (due,) = later.people[0].status.due
    assert (due.code, due.since) == ("2", date(2022, 8, 26))
    assert isinstance(due, DueDose)
    assert "pfizer" in due.vaccines
    assert later.people[0].person.doses[0].given_on == date(2022, 7, 1)


def test_who_was_deferred_until_today_is_due_today(town: Town) -> None:
    until = {"deferred_until": date(2022, 9, 5), "deferral_reason": "treatment"}
    town.send(town.write({}, [person() | {f"person.{word}": value for word, value in until.items()}], entity=HOUSE))
    assert seen(town, day=date(2022, 9, 4))[HOUSE].state is HouseState.DEFERRED
    assert seen(town, day=date(2022, 9, 5))[HOUSE].state is HouseState.SOMEONE_DUE


def test_a_house_where_nobody_opened_is_not_met_and_one_with_a_poor_position_has_it_all_the_same(town: Town) -> None:
    town.send(town.write({"visit.outcome": "absent", "household.point": inside(0, accuracy_m=400)}, entity=HOUSE))
    town.send(town.write({"visit.outcome": "locked", "household.point": Point(0, 0)}, entity=OTHER))
    houses = seen(town)
    assert {house.state for house in houses.values()} == {HouseState.NOT_MET}
    assert (houses[HOUSE].point, houses[HOUSE].point_usable) == (inside(0, accuracy_m=400), False)
    assert houses[OTHER].point is None


def test_a_user_sees_the_houses_of_the_own_hamlets_units_and_drawn_areas(town: Town) -> None:
    town.send(town.write(entity=HOUSE))
    town.send(town.write(entity=OTHER, hamlet=1))
    town.send(town.write({"household.point": inside(1, 0.1, 0.1)}, entity=THIRD, commune=1))
    assert set(seen(town, canvasser(("", HERE)))) == {HOUSE}
    assert set(seen(town, canvasser(("", HERE), ("", HAMLETS[1][0])))) == {HOUSE, THIRD}
    assert set(seen(town, canvasser(("squares", COMMUNES[0])))) == {HOUSE, OTHER}
    assert set(seen(town, canvasser(("squares", "S")))) == {HOUSE, OTHER, THIRD}
    assert seen(town, canvasser(("squares", "N"))) == {}
    assert seen(town, canvasser(NOWHERE)) == {}
    # The square 1 begins at 105.1: its house stands at 105.11 22.01, those of the square 0 at 105.05 22.05.
    draw(town, 4, 105.10, 22.00, 105.12, 22.02)
    draw(town, 5, 105.04, 22.04, 105.05, 22.06)
    assert set(seen(town, canvasser(("drawn", "4")))) == {THIRD}
    assert set(seen(town, canvasser(("drawn", "5"), ("", HERE)))) == {HOUSE, OTHER}
    assert seen(town, canvasser(("drawn", "6"))) == {}


def test_a_house_without_a_usable_position_lies_in_no_drawn_area(town: Town) -> None:
    town.send(town.write({"household.point": inside(0, accuracy_m=400)}, entity=HOUSE))
    draw(town, 1, 105.0, 22.0, 105.1, 22.1)
    assert seen(town, canvasser(("drawn", "1"))) == {}
    assert set(seen(town, canvasser(("drawn", "1"), ("", HERE)))) == {HOUSE}


def test_one_hamlet_can_be_asked_for_and_never_another_users(town: Town) -> None:
    town.send(town.write(entity=HOUSE))
    town.send(town.write(entity=OTHER, hamlet=1))
    assert set(seen(town, hamlet=HAMLETS[0][1])) == {OTHER}
    assert set(seen(town, canvasser(("", HERE)), hamlet=HERE)) == {HOUSE}
    assert seen(town, canvasser(("", HERE)), hamlet=HAMLETS[0][1]) == {}


def test_an_unknown_campaign_is_said_to_be_unknown(town: Town) -> None:
    with pytest.raises(NotFound, match="no campaign rubella"):
        follow_up.households(town.reference, EVERYTHING, "rubella", DAY)
