"""Where a household counts: in the middle of a commune, on a border, outside, or with no position worth the name."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import select

from mapper.domain.people import Point, Whereabouts
from mapper.domain.roles import Role
from mapper.services import accounts, boundaries, intake, rebuilding, review
from mapper.services.accounts import User
from mapper.store import tables
from tests.services.book import check_figures
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, HAMLETS, Town, inside, person

LATER = date(2025, 8, 1)
HERE = 2
"""The commune chosen in the form where a test tells none: the square 105.2 - 105.3, 22.0 - 22.1."""


def send(
    town: Town, point: Point | None, chosen: int | str | None = HERE, hamlet: str | None = HAMLETS[HERE][0]
) -> None:
    """One household; chosen: the commune in the form, by its number here or by a code."""
    code = COMMUNES[chosen] if isinstance(chosen, int) else chosen
    answers = {"household.point": point, "household.commune": code, "household.hamlet": hamlet}
    town.send(town.write(answers, [person()], entity="h"))


def placed(town: Town, set_id: str = "squares") -> tuple[str | None, str]:
    """The unit of the only household's point, and how it came about."""
    h = tables.households
    with town.reference.database.read() as connection:
        house = connection.execute(select(h)).one()
        point = None if house.lat is None else Point(house.lat, house.lon, house.accuracy_m)
        visit = Whereabouts(house.id, house.visited_on, house.hamlet_code, house.commune_code, point)
        known = town.reference.known(connection)
        return known.place(visit, known.campaigns[house.campaign_id].accuracy_limit_m).placements[set_id]


def counted_in(town: Town, set_id: str = "squares") -> list[str | None]:
    """Codes of the communes with a household; None where it counts in none."""
    return [unit.code for unit in town.ask(set_id=set_id).units if unit.houses.visited]


def findings(town: Town, user: User = EVERYTHING) -> list[str]:
    """What is odd, but for the short ids of these tests' households."""
    found = review.findings(town.reference, user)
    return [one.message.format(**one.facts) for one in found if one.code != "entity_id_unusual"]


def test_a_point_inside_places_the_household(sqlite_town: Town) -> None:
    send(sqlite_town, inside(HERE))
    assert placed(sqlite_town) == (COMMUNES[HERE], "inside")
    assert counted_in(sqlite_town) == [COMMUNES[HERE]]
    assert findings(sqlite_town) == []


def test_a_point_in_another_commune_than_the_one_chosen_counts_and_is_a_finding(town: Town) -> None:
    send(town, inside(5))
    assert placed(town) == (COMMUNES[5], "inside")
    assert counted_in(town) == [COMMUNES[5]]
    assert findings(town) == ["The form says Xã 2, the position lies in Xã 5. The position counts."]


def test_a_commune_chosen_that_the_set_does_not_know_is_named_by_its_code(sqlite_town: Town) -> None:
    send(sqlite_town, inside(5), "99999")
    assert counted_in(sqlite_town) == [COMMUNES[5]]
    assert "The form says 99999, the position lies in Xã 5. The position counts." in findings(sqlite_town)


def test_a_point_on_a_border_counts_in_the_lower_code_of_the_two(sqlite_town: Town) -> None:
    low, high = sorted((COMMUNES[HERE], COMMUNES[HERE + 1]))
    send(sqlite_town, inside(HERE, east=1.0), COMMUNES.index(low))
    assert placed(sqlite_town) == (low, "border")
    assert counted_in(sqlite_town) == [low]
    assert findings(sqlite_town) == [
        f"The position lies exactly on the border of Xã {COMMUNES.index(low)}, and counts there."
    ]
    send(sqlite_town, inside(HERE, east=1.0), COMMUNES.index(high))
    assert counted_in(sqlite_town) == [low]
    assert "The form says" in findings(sqlite_town)[0]


def test_a_point_outside_every_commune_is_a_finding_and_the_commune_chosen_counts(sqlite_town: Town) -> None:
    send(sqlite_town, inside(0, east=-3.0))
    assert placed(sqlite_town) == (None, "outside")
    assert counted_in(sqlite_town) == [COMMUNES[HERE]]
    assert findings(sqlite_town) == [
        "The position lies outside every commune of Ô vuông; the commune chosen in the form counts."
    ]


@pytest.mark.parametrize("chosen", [None, "99999"])
def test_outside_and_without_a_commune_that_is_known_a_household_counts_in_no_unit(
    town: Town, chosen: str | None
) -> None:
    send(town, inside(0, east=-3.0), chosen, hamlet=None)
    assert counted_in(town) == [None]
    (row,) = [unit for unit in town.ask().units if unit.code is None]
    assert (row.key, row.name, row.parent, row.people) == ("-", "", None, 1)
    (row,) = [unit for unit in town.ask("hamlet").units if unit.houses.visited]
    assert (row.key, row.code, row.parent) == ("-/-", None, None)
    assert (town.ask().total.houses.visited, town.ask("province").total.people) == (1, 1)


def test_poor_accuracy_is_a_finding_and_the_commune_chosen_counts(sqlite_town: Town) -> None:
    # the campaign allows 50 m
    send(sqlite_town, inside(5, accuracy_m=50.5))
    assert placed(sqlite_town) == (None, "poor_accuracy")
    assert counted_in(sqlite_town) == [COMMUNES[HERE]]
    assert findings(sqlite_town) == ["The position is accurate to 50 m only, so the commune chosen in the form counts."]


@pytest.mark.parametrize("accuracy_m", [50.0, 0.0])
def test_accuracy_at_the_limit_or_unstated_is_good_enough(sqlite_town: Town, accuracy_m: float) -> None:
    send(sqlite_town, inside(5, accuracy_m=accuracy_m))
    assert placed(sqlite_town) == (COMMUNES[5], "inside")


def test_the_point_0_0_is_none_and_a_finding(sqlite_town: Town) -> None:
    send(sqlite_town, Point(0.0, 0.0, 5.0))
    assert placed(sqlite_town) == (None, "no_point")
    assert counted_in(sqlite_town) == [COMMUNES[HERE]]
    assert findings(sqlite_town) == ["The position is 0 0, which a phone writes when it knows none."]


def test_a_point_off_the_globe_is_none_and_a_finding(sqlite_town: Town) -> None:
    send(sqlite_town, Point(122.0, 105.0, 5.0))
    assert placed(sqlite_town) == (None, "no_point")
    assert counted_in(sqlite_town) == [COMMUNES[HERE]]
    assert findings(sqlite_town) == ["The position 122.0 105.0 0.0 5.0 is not on the globe."]


def test_without_a_position_the_commune_chosen_counts(sqlite_town: Town) -> None:
    send(sqlite_town, None)
    assert placed(sqlite_town) == (None, "no_point")
    assert counted_in(sqlite_town) == [COMMUNES[HERE]]
    assert findings(sqlite_town) == ["There is no position; the commune chosen in the form counts."]


def test_without_position_and_commune_the_hamlet_tells_the_commune(sqlite_town: Town) -> None:
    send(sqlite_town, None, None, HAMLETS[4][0])
    assert placed(sqlite_town) == (None, "no_point")
    assert counted_in(sqlite_town) == [COMMUNES[4]]


# A set that comes later


def test_a_later_set_places_every_household_and_changes_no_total(town: Town) -> None:
    for commune, east in ((0, 0.5), (2, 0.25), (2, 0.75), (9, 0.75), (6, 0.5)):
        town.send(town.write({"household.point": inside(commune, east)}, [person()] * 2, commune=commune))
    town.send(town.write({"household.point": None}, [person()] * 2, commune=3))
    before = {level: town.ask(level) for level in ("province", "district", "commune", "hamlet")}
    assert town.import_strips().households == 6
    for level, answer in before.items():
        assert town.ask(level) == answer
    # 0 and the west of 2 lie in X; the east of 2, and 9, in Y; 6 lies in neither; 3, where somebody has no point, went
    # to Y as a whole
    strips = town.ask(set_id="strips", day=LATER)
    assert {unit.code: (unit.houses.visited, unit.people) for unit in strips.units} == {
        "X": (2, 4),
        "Y": (3, 6),
        None: (1, 2),
    }
    assert strips.total.people == town.ask(day=LATER).total.people == 12
    for set_id in ("squares", "strips"):
        check_figures(town, set_id, "18_plus", "1", LATER)


def test_a_hamlet_divided_by_a_later_set_expects_its_houses_as_those_visited_lie(town: Town) -> None:
    hamlet = HAMLETS[2][0]
    for east in (0.1, 0.6, 0.7, 0.8):
        town.send(town.write({"household.point": inside(2, east)}, [person()], commune=2))
    town.import_strips()
    rows = {
        unit.key: unit.houses for unit in town.ask("hamlet", set_id="strips", day=LATER).units if unit.code == hamlet
    }
    assert set(rows) == {f"X/{hamlet}", f"Y/{hamlet}"}
    west, east_part = rows[f"X/{hamlet}"], rows[f"Y/{hamlet}"]
    left = EXPECTED[hamlet] - 4
    assert (west.visited, west.missing) == (1, left // 4)
    assert (east_part.visited, east_part.missing) == (3, left - left // 4)
    assert (west.expected, east_part.expected) == (1 + west.missing, 3 + east_part.missing)


def test_the_set_in_force_on_the_day_that_is_asked_for_is_the_first_choice(town: Town) -> None:
    town.import_strips()
    assert town.ask(set_id="", day=DAY).places.id == "squares"
    assert town.ask(set_id="", day=LATER).places.id == "strips"
    # on a day of no set, the newest
    assert town.ask(set_id="", day=date(2021, 3, 8)).places.id == "squares"


def test_the_commune_chosen_counts_only_in_the_set_of_the_hamlet_list(town: Town) -> None:
    town.import_strips()
    town.send(town.write({"household.point": None, "household.commune": "X", "household.hamlet": None}, [person()]))
    assert counted_in(town, "strips") == [None]
    assert counted_in(town, "squares") == [None]


# Areas of users


def area(town: Town, *codes: str, role: str = "supervisor") -> User:
    accounts.add_user(town.reference, "limited", role, codes)
    user = accounts.by_name(town.reference, "limited")
    assert user is not None
    return user


def three_houses(town: Town) -> None:
    """One each in the communes 0, 3 and 9; that in 3 was said to be in 4."""
    town.send(town.write(people=[person()], commune=0))
    town.send(town.write({"household.point": inside(3)}, [person()] * 2, commune=4))
    town.send(town.write(people=[person()] * 4, commune=9))


def test_a_district_sees_its_own_communes_and_the_sum_of_those(town: Town) -> None:
    three_houses(town)
    answer = town.ask(user=area(town, "S"))
    assert {unit.code for unit in answer.units} == set(COMMUNES[:7])
    assert {unit.code: unit.people for unit in answer.units if unit.people} == {COMMUNES[0]: 1, COMMUNES[3]: 2}
    assert answer.total.people == 3
    assert answer.total.houses.expected == sum(EXPECTED[hamlet] for some in HAMLETS[:7] for hamlet in some)


def test_a_commune_sees_itself_with_its_unvisited_hamlets(town: Town) -> None:
    three_houses(town)
    user = area(town, COMMUNES[3], role=Role.COMMUNE_SUPERVISOR)
    assert [(unit.code, unit.people) for unit in town.ask(user=user).units] == [(COMMUNES[3], 2)]
    hamlets = {unit.code: unit.houses.visited for unit in town.ask("hamlet", user=user).units}
    # its own hamlets, none visited, and the strayed part of another's
    assert hamlets == {**dict.fromkeys(HAMLETS[3], 0), HAMLETS[4][0]: 1}


def test_a_hamlet_sees_its_own_households(town: Town) -> None:
    three_houses(town)
    user = area(town, HAMLETS[4][0])
    answer = town.ask("hamlet", user=user)
    assert {unit.code for unit in answer.units} == {HAMLETS[4][0]}
    assert answer.total.people == 2
    assert answer.total.houses.expected == EXPECTED[HAMLETS[4][0]]


def test_several_areas_add_up_and_an_empty_one_sees_nobody(town: Town) -> None:
    three_houses(town)
    assert town.ask(user=area(town, COMMUNES[0], "N")).total.people == 5
    assert town.ask(user=area(town, COMMUNES[12])).total.people == 0


def test_findings_are_limited_to_the_area_too(town: Town) -> None:
    three_houses(town)
    assert len(findings(town)) == 1
    assert len(findings(town, area(town, "S"))) == 1
    assert findings(town, area(town, "N")) == []


def test_an_area_of_the_later_set_limits_rows_of_every_set(town: Town) -> None:
    three_houses(town)
    town.import_strips()
    # the house of 9 stands on the border of the strips, so in X
    user = area(town, "X")
    strips, squares = town.ask(set_id="strips", day=LATER, user=user), town.ask(set_id="squares", user=user)
    assert {unit.code: unit.people for unit in strips.units} == {"X": 5}
    assert {unit.code: unit.people for unit in squares.units if unit.people} == {COMMUNES[0]: 1, COMMUNES[9]: 4}


def listed(*communes: int) -> dict[str, int]:
    """Hamlets of these communes with the houses that the list tells."""
    return {hamlet: EXPECTED[hamlet] for commune in communes for hamlet in HAMLETS[commune]}


def expected(town: Town, user: User = EVERYTHING, set_id: str = "strips") -> dict[str, int]:
    """Houses expected by hamlet, of the rows that expect any."""
    rows = town.ask("hamlet", set_id=set_id, day=LATER, user=user).units
    return {unit.code: unit.houses.expected for unit in rows if unit.code and unit.houses.expected is not None}


def test_hamlets_nobody_visited_lie_in_a_later_set_where_their_commune_went_as_a_whole(town: Town) -> None:
    town.import_strips()
    units = {unit.code: unit.houses.expected for unit in town.ask(set_id="strips", day=LATER).units}
    # 2 and 9 are divided between X and Y, and 6 and 13 lie in neither
    assert units == {
        "X": sum(listed(0, 1, 7, 8).values()),
        "Y": sum(listed(3, 4, 5, 10, 11, 12).values()),
        None: sum(listed(2, 6, 9, 13).values()),
    }


def test_an_area_of_the_later_set_expects_its_hamlets_whether_visited_or_not(town: Town) -> None:
    three_houses(town)
    town.import_strips()
    # of the divided commune 9 only the hamlet whose house stands in X
    here = listed(0, 1, 7, 8) | {HAMLETS[9][0]: EXPECTED[HAMLETS[9][0]]}
    for set_id in ("strips", "squares"):
        assert expected(town, area(town, "X"), set_id) == here
    assert expected(town, area(town, "Y")) == listed(3, 4, 5, 10, 11, 12)
    assert expected(town, area(town, "Y", HAMLETS[0][0])) == listed(3, 4, 5, 10, 11, 12) | {
        HAMLETS[0][0]: EXPECTED[HAMLETS[0][0]]
    }


@pytest.mark.parametrize(
    ("set_id", "code"), [("strips", "X"), ("strips", "Y"), ("squares", "S"), ("squares", COMMUNES[3])]
)
def test_whoever_asks_a_unit_of_their_area_has_the_same_figures(town: Town, set_id: str, code: str) -> None:
    three_houses(town)
    town.send(town.write({"household.point": inside(5)}, [person()], commune=3))  # strayed out of 3
    town.import_strips()
    user = area(town, code)
    for level in ("commune", "hamlet"):
        rows = {unit.key: unit for unit in town.ask(level, set_id=set_id, day=LATER).units}
        own = {unit.key: unit for unit in town.ask(level, set_id=set_id, day=LATER, user=user).units}
        assert own
        assert own == {key: rows[key] for key in own}
        inner = {"S": COMMUNES[:7]}.get(code, (code,))
        unit = (lambda key: key) if level == "commune" else (lambda key: key.partition("/")[0])
        assert set(own) == {key for key in rows if unit(key) in inner}


def test_a_household_strayed_into_an_area_makes_no_hamlet_of_unknown_size(town: Town) -> None:
    three_houses(town)
    (strayed,) = (unit for unit in town.ask("hamlet", user=area(town, COMMUNES[3])).units if unit.code == HAMLETS[4][0])
    assert (strayed.houses.visited, strayed.houses.expected, strayed.houses.unlisted) == (1, None, 0)


def test_outlines_are_those_of_an_area_of_another_set(town: Town) -> None:
    three_houses(town)
    town.import_strips()
    shapes = boundaries.unit_shapes(town.reference, area(town, "X"), "squares", "commune", 12, DAY)
    codes = {each["properties"]["code"] for each in json.loads(shapes)["features"]}
    assert codes == {COMMUNES[number] for number in (0, 1, 7, 8, 9)}


def test_an_area_stays_what_it_is_after_a_rebuild(town: Town) -> None:
    three_houses(town)
    user = area(town, "S")
    before = town.ask(user=user)
    rebuilding.rebuild(town.reference)
    assert town.ask(user=user) == before


def test_rare_kinds_of_findings_come_first_with_house_day_and_sender(town: Town) -> None:
    sender = accounts.add_user(town.reference, "Đội 3", "planner", [])
    ids = {house: f"00000000-0000-4000-8000-00000000000{house}" for house in "456"}
    for house, point in (
        ("4", Point(0.0, 0.0, 5.0)),
        ("5", inside(5, accuracy_m=60.0)),
        ("6", inside(5, accuracy_m=70.0)),
    ):
        answers = {"household.point": point, "household.house_number": house}
        xml = town.write(answers, [person()], entity=ids[house])
        intake.receive(town.reference, xml, {}, sender_id=sender.id)
    found = review.findings(town.reference, EVERYTHING)
    assert [(one.house, one.day, one.sender) for one in found] == [
        ("4", DAY, "Đội 3"),
        ("6", DAY, "Đội 3"),
        ("5", DAY, "Đội 3"),
    ]
    assert found[0].code != found[1].code == found[2].code
