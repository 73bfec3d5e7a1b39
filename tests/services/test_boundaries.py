"""Boundary sets enter whole or not at all, and outlines are shown to those who may see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mapper.errors import Conflict, InvalidBoundaries, InvalidQuestion, MapperError, NotFound
from mapper.services import accounts, boundaries, rebuilding, set_outlines, set_placing
from mapper.services.accounts import User
from mapper.services.boundaries import SetFacts
from mapper.store import outlines as drawn
from mapper.store import reference as kept
from mapper.store import tables
from tests.services.town import (
    COMMUNES,
    DAY,
    EVERYTHING,
    HAMLETS,
    SQUARES,
    STRIPS,
    Town,
    feature,
    feature_file,
    inside,
    person,
    squares,
    strips,
)

LATER = date(2025, 8, 1)


def sets(town: Town) -> list[str]:
    with town.reference.database.read() as connection:
        return [one.id for one in kept.boundary_sets(connection)]


def shapes(town: Town, level: str, user: User = EVERYTHING, set_id: str = "squares") -> dict[str, dict[str, Any]]:
    """Properties of each unit's outline, by key."""
    found = boundaries.unit_shapes(town.reference, user, set_id, level, 12, DAY)
    return {one["properties"]["key"]: one["properties"] for one in json.loads(found)["features"]}


def test_an_import_tells_what_it_made(town: Town) -> None:
    town.send(town.write(people=[person()]))
    made = town.import_strips()
    assert (made.id, made.label, made.units) == ("strips", "Dải", (("province", 1), ("commune", 2)))
    assert (made.households, made.changed_areas) == (1, 0)
    assert sets(town) == ["strips", "squares"]


def test_a_set_that_lies_in_another_country_is_taken_with_a_word_about_it(sqlite_town: Town) -> None:
    assert "far_away" not in [finding.code for finding in sqlite_town.import_strips().findings]
    facts = {"commune_code": "Z", "commune_name": "Z", "province_code": "Q"}
    path = feature_file(sqlite_town.files / "far.geojson", [feature(-5.0, 40.0, -4.5, 40.5, **facts)])
    (finding,) = boundaries.import_file(sqlite_town.reference, path, SetFacts()).findings
    assert (finding.code, finding.facts) == ("far_away", (("place", "40.0, -5.0"),))


def test_a_set_is_named_by_its_label_else_by_its_file(sqlite_town: Town) -> None:
    path = strips(sqlite_town.files)
    named = SetFacts(label="Đắk  Lắk, 2025", trial=True)
    assert boundaries.import_file(sqlite_town.reference, path, named).id == "dak_lak_2025"
    made = boundaries.import_file(sqlite_town.reference, path, SetFacts(trial=True))
    assert (made.id, made.label) == ("strips", "strips")


def test_what_a_set_says_of_itself_is_kept(sqlite_town: Town) -> None:
    facts = SetFacts("drawn", "Vẽ tay", date(2022, 1, 1), date(2022, 12, 31), True, "a map on the wall", trial=True)
    boundaries.import_file(sqlite_town.reference, strips(sqlite_town.files), facts)
    with sqlite_town.reference.database.read() as connection:
        drawn = next(one for one in kept.boundary_sets(connection) if one.id == "drawn")
    assert (drawn.valid_from, drawn.valid_to) == (date(2022, 1, 1), date(2022, 12, 31))
    assert (drawn.approximate, drawn.source, drawn.trial) == (True, "a map on the wall", True)
    assert drawn.levels == ("province", "commune")


@pytest.mark.parametrize(
    ("facts", "error", "says"),
    [
        (SQUARES, Conflict, "There is a boundary set squares already. Give the new one another id."),
        (SetFacts("Strips!"), InvalidBoundaries, "Strips! is no id of a boundary set: use small letters"),
        (SetFacts("x" * 41), InvalidBoundaries, "x is no id of a boundary set"),
        (SetFacts(label="???"), InvalidBoundaries, " is no id of a boundary set"),
        (replace(STRIPS, valid_to=date(2025, 6, 30)), InvalidBoundaries, "ends on 30/06/2025, before it begins"),
    ],
)
def test_a_set_that_cannot_be_is_refused_and_leaves_nothing(
    sqlite_town: Town, facts: SetFacts, error: type[MapperError], says: str
) -> None:
    before = sqlite_town.everything()
    with pytest.raises(error) as refusal:
        boundaries.import_file(sqlite_town.reference, strips(sqlite_town.files), facts)
    assert says in str(refusal.value)
    assert sets(sqlite_town) == ["squares"]
    assert sqlite_town.everything() == before


def test_a_file_that_is_not_there_is_named(sqlite_town: Town) -> None:
    with pytest.raises(NotFound, match=r"There is no file .*nowhere\.geojson"):
        boundaries.import_file(sqlite_town.reference, Path("nowhere.geojson"), STRIPS)


def test_a_set_whose_households_could_not_be_placed_is_seen_by_nobody_until_they_are(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.send(town.write(people=[person()]))
    before, answer = town.everything(), town.ask()

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.set_placing.find", fail)
        with pytest.raises(MemoryError):
            town.import_strips()
    assert (town.everything(), town.ask()) == (before, answer)
    with pytest.raises(NotFound, match="There is no boundary set strips"):
        town.ask(set_id="strips")
    with pytest.raises(Conflict, match="boundaries place strips"):
        town.import_strips()
    assert set_placing.go_on(town.reference, "strips") == 1
    assert town.ask(set_id="strips").total.people == 1


def test_a_set_that_changes_whose_codes_the_hamlets_have_makes_everything_anew_or_is_not_there(
    new_town: Callable[[], Town], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The squares come after the strips and after the households: only then the chosen commune says anything."""
    town = new_town()
    with town.reference.database.write() as connection:
        for table in (tables.unit_shapes, tables.units, tables.point_indexes, tables.boundary_sets):
            connection.execute(table.delete())
        kept.raise_revision(town.reference.database, connection)
    town.send(town.write({"household.point": None}, [person()], commune=0))
    town.import_strips()
    before = town.everything()

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.rebuilding.write", fail)
        with pytest.raises(MemoryError):
            town.import_squares()
    assert sets(town) == ["strips"]
    assert town.everything() == before
    assert town.import_squares().households == 1  # under the same id
    assert [unit.code for unit in town.ask().units if unit.people] == [COMMUNES[0]]
    after = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == after


def test_the_commune_codes_of_the_hamlet_list_belong_to_the_set_that_knows_most_of_them(sqlite_town: Town) -> None:
    # a set of the same land in which one old code names another place: 0 lies in X, and Y has its code
    town = sqlite_town
    town.send(town.write({"household.point": None}, [person()], commune=0))
    path = strips(town.files)
    text = path.read_text().replace('"commune_code": "Y"', f'"commune_code": "{COMMUNES[0]}"')
    path.write_text(text)
    boundaries.import_file(town.reference, path, STRIPS)
    assert [unit.code for unit in town.ask(set_id="strips", day=LATER).units if unit.people] == ["X"]
    assert [unit.code for unit in town.ask(set_id="squares").units if unit.people] == [COMMUNES[0]]


# Outlines


def test_outlines_carry_key_code_name_and_parent(sqlite_town: Town) -> None:
    communes = shapes(sqlite_town, "commune")
    assert set(communes) == set(COMMUNES)
    assert communes[COMMUNES[8]] == {"key": COMMUNES[8], "code": COMMUNES[8], "name": "Xã 8", "parent": "N"}
    assert shapes(sqlite_town, "province") == {"P": {"key": "P", "code": "P", "name": "Tỉnh P", "parent": None}}


def test_outlines_are_those_of_the_users_area(sqlite_town: Town) -> None:
    accounts.add_user(sqlite_town.reference, "south", "supervisor", ["S"])
    accounts.add_user(sqlite_town.reference, "one", "commune_supervisor", [COMMUNES[9]])
    south, one = (accounts.by_name(sqlite_town.reference, name) for name in ("south", "one"))
    assert south is not None
    assert one is not None
    assert set(shapes(sqlite_town, "commune", south)) == set(COMMUNES[:7])
    assert set(shapes(sqlite_town, "district", south)) == {"S"}
    assert set(shapes(sqlite_town, "commune", one)) == {COMMUNES[9]}
    assert set(shapes(sqlite_town, "district", one)) == {"N"}


def test_a_level_or_set_that_is_not_there_is_refused(sqlite_town: Town) -> None:
    with pytest.raises(InvalidQuestion, match="Boundary set squares has no level village"):
        shapes(sqlite_town, "village")
    with pytest.raises(NotFound, match="There is no boundary set moon"):
        shapes(sqlite_town, "commune", set_id="moon")


def hamlets(town: Town, user: User = EVERYTHING, set_id: str = "squares", campaign: str = "covid19") -> dict[str, Any]:
    found = boundaries.hamlet_shapes(town.reference, user, set_id, campaign, 12, DAY)
    return {one["properties"]["key"]: one["geometry"] for one in json.loads(found)["features"]}


def test_hamlets_have_areas_where_households_were_placed(town: Town) -> None:
    for hamlet, east in ((0, 0.2), (0, 0.25), (1, 0.8)):
        town.send(town.write({"household.point": inside(0, east)}, [person()], hamlet=hamlet))
    town.send(town.write({"household.point": None}, [person()], commune=1))
    found = hamlets(town)
    assert set(found) == {f"{COMMUNES[0]}/{HAMLETS[0][0]}", f"{COMMUNES[0]}/{HAMLETS[0][1]}"}
    keys = {unit.key for unit in town.ask("hamlet").units}
    assert set(found) <= keys
    assert hamlets(town, campaign="measles") == {}
    with pytest.raises(NotFound, match="There is no campaign flu"):
        hamlets(town, campaign="flu")


def test_hamlet_areas_are_those_of_the_users_area(town: Town) -> None:
    town.send(town.write(people=[person()], commune=0))
    town.send(town.write(people=[person()], commune=9))
    accounts.add_user(town.reference, "north", "supervisor", ["N"])
    north = accounts.by_name(town.reference, "north")
    assert north is not None
    assert set(hamlets(town, north)) == {f"{COMMUNES[9]}/{HAMLETS[9][0]}"}


def test_two_sets_of_the_same_land_give_the_same_totals_after_a_rebuild(town: Town) -> None:
    for commune in range(6):
        town.send(town.write(people=[person()] * 2, commune=commune))
    boundaries.import_file(town.reference, squares(town.files), SetFacts("again", "Again", date(2025, 7, 1)))
    rebuilding.rebuild(town.reference)
    first, again = town.ask("district"), town.ask("district", set_id="again")
    assert [(unit.code, unit.people) for unit in again.units if unit.people] == [("S", 12)]
    assert (again.total.houses, again.total.states) == (first.total.houses, first.total.states)
    # hamlets that nobody visited lie where their communes do, which are the same land
    for level in ("commune", "hamlet"):
        assert town.ask(level, set_id="again").units == town.ask(level).units


def test_outlines_of_every_detail_are_made_by_the_import_and_by_no_reader(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_town.import_strips()
    with sqlite_town.reference.database.read() as connection:
        made = drawn.kept_shapes(connection, "strips")
    assert made == {(level, band) for level in ("province", "commune") for band in (5, 7, 9, 11, 13, 14)}
    monkeypatch.setattr(set_outlines, "simplified", lambda *_: pytest.fail("made by a reader"))
    for zoom in (3, 8, 12, 18):
        found = boundaries.unit_shapes(sqlite_town.reference, EVERYTHING, "strips", "commune", zoom, DAY)
        assert len(json.loads(found)["features"]) == 2


def test_outlines_asked_for_before_they_are_kept_are_the_same_and_are_kept_by_whoever_goes_on(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(set_placing, "find", killed)
        with pytest.raises(MemoryError):
            town.import_strips()
        with pytest.raises(NotFound, match="There is no boundary set strips"):
            town.ask(set_id="strips")

    def nothing(*_: object) -> list[tuple[str, int, bytes]]:
        return []

    with monkeypatch.context() as patch:
        patch.setattr(set_placing, "packed_one_by_one", nothing)
        assert set_placing.go_on(town.reference, "strips") == 0

    def asked() -> list[bytes]:
        boundaries.outlines_of.cache_clear()
        return [
            boundaries.unit_shapes(town.reference, EVERYTHING, "strips", level, zoom, DAY)
            for level in ("province", "commune")
            for zoom in (3, 8, 12, 18)
        ]

    before = asked()
    assert all(json.loads(each)["features"] for each in before)
    monkeypatch.setattr(set_placing, "QUIET_S", -1)
    assert set_placing.left_behind(town.reference) == ["strips"]
    set_placing.go_on(town.reference, "strips")
    assert set_placing.left_behind(town.reference) == []
    monkeypatch.setattr(set_outlines, "simplified", killed)
    assert asked() == before
