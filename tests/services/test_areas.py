"""Areas: what can be chosen, which households belong to one, and figures of it alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mapper.domain.roles import Role
from mapper.errors import NotFound
from mapper.services import areas, reporting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.questions import Question
from tests.services.town import COMMUNES, DAY, HAMLETS, Town, inside, person

SOUTH, FIRST_COMMUNE, HAMLET = Area("district", "S"), Area("commune", COMMUNES[0]), Area("hamlet", HAMLETS[0][1])


def someone(*seen: tuple[str, str]) -> User:
    return User(1, "somebody", Role.SUPERVISOR, seen, 0)


def offered(town: Town, user: User, area: Area | None = None) -> list[tuple[str, int]]:
    found = areas.choices(town.reference, user, "squares", area)
    return [(str(choice.area), choice.depth) for choice in found]


def asked(level: str) -> Question:
    return Question("covid19", "18_plus", "1", DAY, level, "squares")


def test_an_address_names_an_area_or_none() -> None:
    assert areas.read_area("") is None
    assert areas.read_area("commune:01:x") == Area("commune", "01:x")
    assert str(Area("hamlet", "7")) == "hamlet:7"
    for wrong in ("commune", "commune:", ":7"):
        with pytest.raises(NotFound, match="names no area"):
            areas.read_area(wrong)


def test_units_are_offered_each_before_those_within_it(town: Town) -> None:
    found = offered(town, someone())
    assert len(found) == 1 + 2 + 14
    assert found[0] == ("province:P", 0)
    for district in "SN":
        at = found.index((f"district:{district}", 1))
        within = found[at + 1 : at + 8]
        codes = COMMUNES[:7] if district == "S" else COMMUNES[7:]
        assert within == [(f"commune:{code}", 2) for code in sorted(codes)]


def test_only_what_a_user_sees_is_offered(town: Town) -> None:
    user = someone(("squares", COMMUNES[8]))
    assert offered(town, user) == [("province:P", 0), ("district:N", 1), (f"commune:{COMMUNES[8]}", 2)]
    assert offered(town, user, Area("commune", COMMUNES[8])) == offered(town, user)
    for elsewhere in (FIRST_COMMUNE, SOUTH, HAMLET, Area("commune", "nowhere"), Area("hamlet", "nowhere")):
        with pytest.raises(NotFound, match="not among those that you may see"):
            areas.choices(town.reference, user, "squares", elsewhere)


def test_a_hamlet_stands_below_its_commune_while_it_is_chosen(town: Town) -> None:
    found = offered(town, someone(), HAMLET)
    at = found.index((f"commune:{COMMUNES[0]}", 2))
    assert found[at + 1] == (str(HAMLET), 3)
    assert len(found) == 18


def test_where_a_set_has_very_many_units_the_innermost_are_reached_by_links(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(areas, "MOST_CHOICES", 13)
    assert offered(town, someone()) == [("province:P", 0), ("district:N", 1), ("district:S", 1)]
    assert offered(town, someone(), FIRST_COMMUNE)[-1] == (str(FIRST_COMMUNE), 2)
    with pytest.raises(NotFound):
        areas.choices(town.reference, someone(("squares", "N")), "squares", FIRST_COMMUNE)


def test_figures_of_an_area_are_those_of_its_rows(town: Town) -> None:
    for commune, hamlet in ((0, 0), (0, 1), (3, 0), (9, 0)):
        town.send(town.write(people=[person()] * (1 + hamlet), commune=commune, hamlet=hamlet))
    # The point counts, not the commune that was chosen: these lie in the northern row.
    town.send(town.write({"household.point": inside(8)}, [person()] * 5))
    everybody = someone()
    of_all = {unit.key: unit for unit in reporting.coverage(town.reference, everybody, asked("hamlet")).units}
    for area, people in ((SOUTH, 1 + 2 + 1), (FIRST_COMMUNE, 1 + 2), (HAMLET, 2), (None, 10)):
        answer = reporting.coverage(town.reference, everybody, asked("hamlet"), area)
        assert answer.total.people == people
        assert sum(unit.people for unit in answer.units) == people
        assert all(of_all[unit.key] == unit for unit in answer.units)
    communes = reporting.coverage(town.reference, everybody, asked("commune"), SOUTH).units
    assert {unit.code for unit in communes} == set(COMMUNES[:7])
    nobody = reporting.coverage(town.reference, someone(("squares", "N")), asked("commune"), SOUTH)
    assert (nobody.units, nobody.total.people) == ((), 0)


def test_the_cells_of_an_area_hold_its_households_and_no_others(town: Town) -> None:
    for commune, hamlet in ((0, 0), (0, 1), (3, 0), (9, 0)):
        town.send(town.write(people=[person()], commune=commune, hamlet=hamlet))
    reference = town.reference
    with reference.database.read() as connection:
        known = reference.known(connection)
        places, cells = known.sets["squares"], reference.cells(connection)

        def hamlets(user: User, area: Area | None) -> set[str | None] | None:
            found = areas.cells_in(reference, connection, known, user, places, area)
            return None if found is None else {cells[number].hamlet_code for number in found}

        assert hamlets(someone(), None) is None
        assert hamlets(someone(), SOUTH) == {HAMLETS[0][0], HAMLETS[0][1], HAMLETS[3][0]}
        assert hamlets(someone(), HAMLET) == {HAMLETS[0][1]}
        north = someone(("squares", "N"))
        assert (hamlets(north, None), hamlets(north, SOUTH)) == ({HAMLETS[9][0]}, set())
        assert hamlets(replace(north, areas=(("", HAMLETS[0][1]),)), FIRST_COMMUNE) == {HAMLETS[0][1]}


def test_of_a_unit_of_another_vintage_that_holds_more_than_somebody_sees_their_own_part_is_what_they_see(
    sqlite_town: Town,
) -> None:
    sqlite_town.import_strips()
    for commune in (0, 1, 3):
        sqlite_town.send(sqlite_town.write(people=[person()], commune=commune))
    # A house in the western half of the square that the strips divide.
    sqlite_town.send(sqlite_town.write({"household.point": inside(2, east=0.2)}, [person()], commune=2))
    reference, west = sqlite_town.reference, Area("commune", "X")
    two = someone(("squares", COMMUNES[0]), ("squares", COMMUNES[3]))
    assert areas.narrowed(reference, two, "strips", west).areas == (("squares", COMMUNES[0]),)
    assert areas.narrowed(reference, someone(), "strips", west).areas == (("strips", "X"),)
    half = someone(("squares", COMMUNES[2]))
    # No strip lies in the square, and yet the one where its house stands can be chosen; the other cannot.
    assert [str(one.area) for one in areas.choices(reference, half, "strips")] == ["province:Q", "commune:X"]
    with pytest.raises(NotFound):
        areas.choices(reference, half, "strips", Area("commune", "Y"))
    question = Question("covid19", "18_plus", "1", DAY, "commune", "strips")
    (unit,) = reporting.coverage(reference, half, question, west).units
    assert (unit.code, unit.partial, unit.houses.visited) == ("X", True, 1)
