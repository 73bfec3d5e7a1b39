"""Who walks where: hamlets and drawn areas, given and moved within one's own area."""

from __future__ import annotations

import json
from datetime import date

import pytest

from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound
from mapper.services import accounts, assignment, audit, follow_up, users
from mapper.services.accounts import User
from mapper.services.assignment import Assigned, Load, Overview
from mapper.store import drawn_areas
from tests.services.town import COMMUNES, DAY, EXPECTED, HAMLETS, Town, inside, person

FIRST, SECOND, THIRD = (f"hamlet:{HAMLETS[0][number]}" for number in range(3))
NEXT_DOOR = f"hamlet:{HAMLETS[1][0]}"
TODAY = date(2022, 9, 1)


def user(town: Town, role: str, *areas: str, name: str = "") -> User:
    made = accounts.add_user(town.reference, name or role, role, areas)
    return again(town, made.id)


def again(town: Town, number: int) -> User:
    found = accounts.by_id(town.reference, number)
    assert found is not None
    return found


def box(west: float, east: float, south: float = 22.0, north: float = 22.1) -> str:
    """A rectangle as the map writes it; the square of commune 0 is 105.0 - 105.1, 22.0 - 22.1."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "MultiPolygon", "coordinates": [[ring]]})


def overview(town: Town, by: User, number: int = 0) -> Overview:
    (commune,) = [one for one in users.communes(town.reference, by) if one.code == COMMUNES[number]]
    return assignment.overview(town.reference, by, "covid19", TODAY, commune)


def loads(found: Overview) -> dict[str, Load]:
    return {one.name: one.load for one in found.canvassers}


def holders(found: Overview) -> dict[str, list[str]]:
    """By place the names of who has it; places that nobody has are left out."""
    return {one.written: [name for _, name in one.holders] for one in (*found.hamlets, *found.drawn) if one.holders}


@pytest.fixture
def by(town: Town) -> User:
    """The supervisor of commune 0."""
    return user(town, "commune_supervisor", COMMUNES[0])


def test_a_hamlet_moves_from_one_to_another_and_stands_in_the_trail(town: Town, by: User) -> None:
    hoa, son = user(town, "canvasser", FIRST, SECOND, name="Hoa"), user(town, "canvasser", THIRD, name="Sơn")
    assignment.move(town.reference, by, SECOND, hoa.id, son.id)
    assert again(town, hoa.id).areas == (("", HAMLETS[0][0]),)
    assert set(again(town, son.id).areas) == {("", HAMLETS[0][1]), ("", HAMLETS[0][2])}
    assert holders(overview(town, by)) == {FIRST: ["Hoa"], SECOND: ["Sơn"], THIRD: ["Sơn"]}
    entry = audit.entries(town.reference, 1)[0]
    assert (entry.user_id, entry.action, entry.subject) == (by.id, "hamlet.moved", SECOND)
    assert entry.facts == {"from": str(hoa.id), "to": str(son.id)}


def test_who_gives_the_last_hamlet_away_sees_nothing_and_not_everything(town: Town, by: User) -> None:
    hoa, son = user(town, "canvasser", FIRST, name="Hoa"), user(town, "canvasser", SECOND, name="Sơn")
    town.send(town.write(people=[person()]))
    assignment.move(town.reference, by, FIRST, hoa.id, son.id)
    idle = again(town, hoa.id)
    assert idle.areas == (("idle", f":{HAMLETS[0][0]}"),)
    assert follow_up.households(town.reference, idle, "covid19", TODAY) == []
    assert assignment.assigned(town.reference, idle) == Assigned(frozenset(), frozenset(), (), everything=False)
    assert loads(overview(town, by))["Hoa"] == Load(None, 0, 0)
    assignment.move(town.reference, by, FIRST, son.id, hoa.id)
    assert again(town, hoa.id).areas == (("", HAMLETS[0][0]),)


def test_a_place_is_given_to_two_and_taken_from_one(town: Town, by: User) -> None:
    hoa, son = user(town, "canvasser", FIRST, name="Hoa"), user(town, "canvasser", SECOND, name="Sơn")
    assignment.move(town.reference, by, FIRST, None, son.id)
    assignment.move(town.reference, by, FIRST, None, son.id)  # pressed twice
    assert holders(overview(town, by))[FIRST] == ["Hoa", "Sơn"]
    assignment.move(town.reference, by, FIRST, hoa.id, None)
    assert holders(overview(town, by))[FIRST] == ["Sơn"]


def test_what_was_moved_meanwhile_is_not_moved_again(town: Town, by: User) -> None:
    hoa, son = user(town, "canvasser", FIRST, name="Hoa"), user(town, "canvasser", SECOND, name="Sơn")
    assignment.move(town.reference, by, FIRST, hoa.id, son.id)
    with pytest.raises(Conflict, match="meanwhile"):
        assignment.move(town.reference, by, FIRST, hoa.id, None)
    assert holders(overview(town, by))[FIRST] == ["Sơn"]


@pytest.mark.parametrize("place", [NEXT_DOOR, "hamlet:nowhere", "drawn:1", "drawn:x", "squares:S", "", "idle:"])
def test_a_place_outside_the_own_area_is_not_there(town: Town, by: User, place: str) -> None:
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    with pytest.raises(NotFound, match="your area"):
        assignment.move(town.reference, by, place, None, hoa.id)
    assert again(town, hoa.id) == hoa


def test_nobody_outside_the_own_area_is_given_work_or_loses_it(town: Town, by: User) -> None:
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    other = user(town, "canvasser", NEXT_DOOR, name="other")
    both = user(town, "canvasser", FIRST, NEXT_DOOR, name="both")
    desk = user(town, "commune_supervisor", COMMUNES[0], name="desk")
    for number in (other.id, both.id, desk.id, by.id, 999):
        with pytest.raises(NotFound):
            assignment.move(town.reference, by, FIRST, hoa.id, number)
        with pytest.raises(NotFound):
            assignment.draw(town.reference, by, "x", box(105.0, 105.1), number)
    with pytest.raises(NotFound):
        assignment.move(town.reference, by, FIRST, both.id, hoa.id)
    assert again(town, hoa.id) == hoa and again(town, other.id) == other


def test_who_lost_access_is_given_nothing(town: Town, by: User) -> None:
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    users.end(town.reference, by, hoa.id)
    with pytest.raises(NotFound):
        assignment.move(town.reference, by, SECOND, None, hoa.id)
    assert overview(town, by).canvassers == ()


def test_work_is_counted_by_hamlet_and_by_canvasser(town: Town, by: User) -> None:
    """In hamlet 0 two houses with three people due, in hamlet 1 one that nobody opened, none in hamlet 2."""
    user(town, "canvasser", FIRST, SECOND, name="Hoa")
    user(town, "canvasser", "squares:" + COMMUNES[0], name="Sơn")
    town.send(town.write(people=[person(), person(date(1990, 1, 1))]))
    town.send(town.write({"household.point": inside(0, east=0.2)}, people=[person()]))
    town.send(town.write({"visit.outcome": "absent"}, hamlet=1))
    town.send(town.write(people=[person()], commune=1))
    found = overview(town, by)
    expected = [EXPECTED[code] for code in HAMLETS[0]]
    assert [one.load for one in found.hamlets][:3] == [
        Load(expected[0], 2, 3),
        Load(expected[1], 1, 0),
        Load(expected[2], 0, 0),
    ]
    assert loads(found) == {"Hoa": Load(expected[0] + expected[1], 3, 3), "Sơn": Load(sum(expected), 3, 3)}
    assert len(found.dots) == 3 and {dot.holder_id for dot in found.dots} == {found.canvassers[0].id}
    assert found.bounds == (105.0, 22.0, 105.1, 22.1)


def test_a_drawn_area_gives_the_houses_that_stand_in_it(town: Town, by: User) -> None:
    """The west half of the square: the house at a fifth of its side lies in it, the one at four fifths does not."""
    for east in (0.2, 0.8):
        town.send(town.write({"household.point": inside(0, east=east)}, people=[person()]))
    hoa = user(town, "canvasser", THIRD, name="Hoa")
    number = assignment.draw(town.reference, by, "  Nửa  phía tây ", box(105.0, 105.05), hoa.id)
    found = overview(town, by)
    (area,) = found.drawn
    assert (area.written, area.label, area.load) == (f"drawn:{number}", "Nửa phía tây", Load(None, 1, 1))
    assert loads(found)["Hoa"] == Load(EXPECTED[HAMLETS[0][2]], 1, 1)
    (house,) = follow_up.households(town.reference, again(town, hoa.id), "covid19", TODAY)
    assert house.point is not None and house.point.lon == pytest.approx(105.02)
    told = assignment.assigned(town.reference, again(town, hoa.id))
    assert (told.hamlets, len(told.shapes), told.everything) == (frozenset({HAMLETS[0][2]}), 1, False)
    assert [name for name, _ in found.drawn_outlines] == ["Nửa phía tây"]


def test_a_drawn_area_is_cut_to_the_own_area(town: Town, by: User) -> None:
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    number = assignment.draw(town.reference, by, "Lan ra ngoài", box(105.05, 105.3), hoa.id)
    town.send(town.write({"household.point": inside(0, east=0.7)}, people=[person()], hamlet=1))
    town.send(town.write(people=[person()], commune=1))
    (house,) = follow_up.households(town.reference, again(town, hoa.id), "covid19", TODAY)
    assert house.commune_code == COMMUNES[0]
    with town.reference.database.read() as connection:
        assert accounts.holds(town.reference, connection, by, [("drawn", str(number))])
        next_door = User(0, "", Role.COMMUNE_SUPERVISOR, (("squares", COMMUNES[1]),), 0)
        assert not accounts.holds(town.reference, connection, next_door, [("drawn", str(number))])
    assert [one.name for one in users.overseen(town.reference, by)] == ["Hoa"]  # still theirs


def test_an_area_drawn_by_the_district_across_communes_is_the_districts(town: Town, by: User) -> None:
    district = user(town, "supervisor", "S")
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    number = assignment.draw(town.reference, district, "Hai xã", box(105.05, 105.15), hoa.id)
    assert users.overseen(town.reference, by) == []
    assert [one.name for one in users.overseen(town.reference, district) if one.role is Role.CANVASSER] == ["Hoa"]
    with pytest.raises(NotFound):
        assignment.move(town.reference, by, f"drawn:{number}", None, hoa.id)


@pytest.mark.parametrize(
    ("label", "outline", "kind"),
    [
        ("", box(105.0, 105.1), InvalidInput),
        ("x" * 61, box(105.0, 105.1), InvalidInput),
        ("a\0b", box(105.0, 105.1), InvalidInput),
        ("x", "", InvalidInput),
        ("x", box(106.0, 106.1), InvalidInput),
        ("x", box(105.0, 105.0), InvalidInput),
    ],
)
def test_what_is_no_area_is_not_kept(town: Town, by: User, label: str, outline: str, kind: type[Exception]) -> None:
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    with pytest.raises(kind):
        assignment.draw(town.reference, by, label, outline, hoa.id)
    with town.reference.database.read() as connection:
        assert drawn_areas.every(connection) == []
    assert again(town, hoa.id) == hoa


def test_who_has_single_hamlets_only_has_no_outline_to_draw_in(sqlite_town: Town) -> None:
    by = user(sqlite_town, "commune_supervisor", FIRST)
    hoa = user(sqlite_town, "canvasser", FIRST, name="Hoa")
    with pytest.raises(Forbidden, match="no outlines"):
        assignment.draw(sqlite_town.reference, by, "x", box(105.0, 105.1), hoa.id)
    assert not overview(sqlite_town, by).may_draw


def test_a_drawn_area_is_deleted_when_nobody_has_it(town: Town, by: User) -> None:
    hoa = user(town, "canvasser", FIRST, name="Hoa")
    place = f"drawn:{assignment.draw(town.reference, by, 'Tây', box(105.0, 105.05), hoa.id)}"
    with pytest.raises(Conflict, match="works there"):
        assignment.remove_drawn(town.reference, by, place)
    with pytest.raises(Conflict):
        assignment.remove_drawn(town.reference, by, FIRST)
    assignment.move(town.reference, by, place, hoa.id, None)
    assignment.remove_drawn(town.reference, by, place)
    assert overview(town, by).drawn == ()
    with pytest.raises(NotFound):
        assignment.remove_drawn(town.reference, by, place)


def test_an_unknown_campaign_is_named(sqlite_town: Town) -> None:
    by = user(sqlite_town, "commune_supervisor", COMMUNES[0])
    (commune,) = users.communes(sqlite_town.reference, by)
    with pytest.raises(NotFound, match="smallpox"):
        assignment.overview(sqlite_town.reference, by, "smallpox", DAY, commune)
