"""Tiles draw from columns of figures that say what coverage says; of a country nothing is worked out in a request."""

from __future__ import annotations

import math
import random
import threading
import time
import tracemalloc
from dataclasses import replace
from datetime import date

import mapbox_vector_tile
import numpy as np
import pytest
from shapely import MultiPolygon, Polygon, box

from mapper.domain.ledger import State
from mapper.domain.places import Unit, UnitShape
from mapper.domain.roles import Role
from mapper.domain.shelves import CELLS
from mapper.errors import InvalidQuestion, NotFound
from mapper.services import boundaries, tiles
from mapper.services.accounts import User
from mapper.services.background import Standing
from mapper.services.boundaries import SetFacts
from mapper.services.figure_rows import UnitFigures
from mapper.services.hamlet_figures import EXPECTED, UNKNOWN, HamletFigures, hamlet_figures
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.services.reporting import coverage
from mapper.services.tiles import Ground, Grounds
from tests.geo.test_tiles import tile_of
from tests.services.test_places import area
from tests.services.test_ranges import tell
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, inside, person

BOUNDS = (105.0, 22.0, 105.7, 22.2)
QUESTION = Question("covid19", "18_plus", "1", DAY, HAMLET, "squares")


def houses(town: Town) -> None:
    """Commune 0: two hamlets, one of them with a house in commune 1; commune 3 by its chosen code alone."""
    due, done = person(), person(doses=[("1", DAY, "pfizer")])
    town.send(town.write(people=[due, done, done]))
    town.send(town.write({"household.point": inside(0, 0.9, 0.1)}, people=[done], hamlet=1))
    town.send(town.write({"household.point": inside(1, 0.1, 0.1)}, people=[due, due], hamlet=1))
    town.send(town.write({"household.point": None}, people=[done], commune=3))
    town.send(town.write({"household.point": inside(9)}, people=[person(born=None)], commune=9))


def numbers(one: UnitFigures) -> tuple[int, ...]:
    """What coverage says, in the columns' order."""
    needed = UNKNOWN if one.assessment.needed is None else one.assessment.needed
    vaccinated, due = one.states[State.VACCINATED], one.states[State.DUE]
    return one.eligible, vaccinated, due, needed, one.houses.expected or 0, one.houses.unvisited


def agree(town: Town, user: User, set_id: str, before: HamletFigures | None = None) -> HamletFigures:
    """The columns, once they were found to say what coverage says of every hamlet and unit."""
    question = replace(QUESTION, set_id=set_id)
    found = hamlet_figures(town.reference, user, question, before)
    rows = dict(zip(found.places.keys, map(tuple, found.numbers.tolist()), strict=True))
    assert rows == {one.key: numbers(one) for one in coverage(town.reference, user, question).units}
    units = {code: tuple(found.unit_numbers[at].tolist()) for code, at in found.places.units.items()}
    by_unit = coverage(town.reference, user, replace(question, level="commune")).units
    assert units == {one.code: numbers(one) for one in by_unit if one.code is not None}
    for one in by_unit:
        if one.code is not None:
            at = found.places.units[one.code]
            expected, unvisited = found.unit_numbers[at, EXPECTED:] + found.places.unit_likely[at]
            assert (1 - unvisited / expected if expected else None) == pytest.approx(one.share_visited)
    return found


def test_columns_say_what_coverage_says_in_every_set_to_every_reader(sqlite_town: Town) -> None:
    houses(sqlite_town)
    sqlite_town.import_strips()
    some = area(sqlite_town, "X")
    for user in (EVERYTHING, some):
        for set_id in ("squares", "strips"):
            found = agree(sqlite_town, user, set_id)
            assert len(found.placed) == len(found.middles) > 0
    assert agree(sqlite_town, some, "squares").places.leaves is not None


def test_what_figures_take_does_not_grow_with_the_numbers_of_cells(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapper.services.reference.shelf_of_province", lambda code: 1)
    houses(sqlite_town)
    figures = hamlet_figures(sqlite_town.reference, EVERYTHING, QUESTION)
    assert figures.cell_ids.min() > CELLS, "a province's cells begin far behind one"
    tracemalloc.start()
    try:
        hamlet_figures(sqlite_town.reference, EVERYTHING, QUESTION)
        assert tracemalloc.get_traced_memory()[1] < CELLS, "not a byte for each number"
    finally:
        tracemalloc.stop()


def test_of_what_was_known_only_cells_counted_since_are_read_again(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses(sqlite_town)
    before = agree(sqlite_town, EVERYTHING, "squares")
    sqlite_town.send(sqlite_town.write(people=[person(doses=[("1", DAY, "pfizer")])]))
    asked: list[int] = []
    on = sqlite_town.reference.states.on

    def counted(*of: object, **how: bool) -> object:
        asked.append(len(of[-1]))  # type: ignore[arg-type]
        return on(*of, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite_town.reference.states, "on", counted)
    after = hamlet_figures(sqlite_town.reference, EVERYTHING, QUESTION, before)
    assert (asked, after.places is before.places) == ([1], True)
    assert hamlet_figures(sqlite_town.reference, EVERYTHING, QUESTION, after).numbers.tolist() == after.numbers.tolist()
    assert asked == [1]
    monkeypatch.undo()
    agree(sqlite_town, EVERYTHING, "squares", before)
    # Of another day nothing of before may serve.
    other = hamlet_figures(sqlite_town.reference, EVERYTHING, replace(QUESTION, day=DAY.replace(day=1)), after)
    assert other.numbers.tolist() != after.numbers.tolist()


def settled(grounds: Grounds, reference: Reference, question: Question = QUESTION) -> Standing[Ground]:
    """What tiles draw from once nothing is being made."""
    for _ in range(600):
        standing = grounds.ask(reference, EVERYTHING, question)
        if standing.made is not None and standing.stage == "done":
            return standing
        time.sleep(0.01)
    raise AssertionError("never ready")


def kinds(content: bytes) -> dict[str, str]:
    layer = mapbox_vector_tile.decode(content).get("hamlets", {"features": []})
    return {each["properties"].get("key", ""): each["geometry"]["type"] for each in layer["features"]}


def test_of_a_country_nobody_waits_and_what_was_ready_serves_meanwhile(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses(sqlite_town)
    monkeypatch.setattr(tiles, "MANY_HAMLETS", 2)
    reference, grounds = sqlite_town.reference, Grounds()
    gate, by = threading.Event(), []
    figures, areas = tiles.hamlet_figures, tiles._areas

    def slowly(*of: object) -> HamletFigures:
        by.append(threading.current_thread().name)
        gate.wait(60)
        return figures(*of)  # type: ignore[arg-type]

    def area_of(*of: object) -> object:
        by.append(threading.current_thread().name)
        return areas(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(tiles, "hamlet_figures", slowly)
    monkeypatch.setattr(tiles, "_areas", area_of)
    assert grounds.ask(reference, EVERYTHING, QUESTION).made is None
    with pytest.raises(InvalidQuestion):
        grounds.ask(reference, EVERYTHING, replace(QUESTION, dose_code="9"))
    gate.set()
    ready = settled(grounds, reference)
    assert ready.made is not None
    # Of so few seconds ago the old figures serve, and say that they are old.
    sqlite_town.send(sqlite_town.write(people=[person()]))
    later = grounds.ask(reference, EVERYTHING, QUESTION)
    assert later.made is ready.made
    assert later.made_from == ready.made_from
    monkeypatch.setattr(tiles, "FRESH_S", 0)
    grounds.ask(reference, EVERYTHING, QUESTION)
    newest = settled(grounds, reference)
    assert newest.made is not None
    assert newest.made is not ready.made
    # Areas stand in as points until they are made.
    point = inside(0)
    place = 13, *tile_of(point.lon, point.lat, 13)
    first = tiles.tile(grounds, reference, newest.made, *place)
    assert (first.whole, set(kinds(first.content).values())) == (False, {"Point"})
    for _ in range(600):
        second = tiles.tile(grounds, reference, newest.made, *place)
        if second.whole:
            break
        time.sleep(0.01)
    assert set(kinds(second.content).values()) <= {"Polygon", "MultiPolygon"}
    assert set(by) == {"background"}


def test_a_tile_of_one_layer_holds_no_other_and_one_that_is_none_is_refused(sqlite_town: Town) -> None:
    houses(sqlite_town)
    grounds = Grounds()
    ground = settled(grounds, sqlite_town.reference).made
    assert ground is not None
    place = 9, *tile_of(105.05, 22.05, 9)
    for layers in (("hamlets",), ("communes",), tiles.LAYERS):
        content = tiles.tile(grounds, sqlite_town.reference, ground, *place, layers).content
        assert mapbox_vector_tile.decode(content).keys() == set(layers)
    with pytest.raises(NotFound):
        tiles.tile(grounds, sqlite_town.reference, ground, 3, 8, 0)


def features(content: bytes, layer: str) -> dict[str, dict[str, object]]:
    """Properties of a layer's features by their key."""
    found = mapbox_vector_tile.decode(content).get(layer, {"features": []})["features"]
    return {each["properties"]["key"]: each["properties"] for each in found}


def test_borders_are_the_outlines_above_the_communes_which_say_whose_they_are(sqlite_town: Town) -> None:
    houses(sqlite_town)
    grounds, reference = Grounds(), sqlite_town.reference
    ground = settled(grounds, reference).made
    assert ground is not None
    place = 8, *tile_of(105.05, 22.05, 8)
    content = tiles.tile(grounds, reference, ground, *place, ("borders", "communes")).content
    assert features(content, "borders") == {"S": {"key": "S"}, "N": {"key": "N"}}
    communes = features(content, "communes")
    assert communes[COMMUNES[0]]["parent"] == "S"
    assert communes[COMMUNES[9]]["parent"] == "N"
    # Who does not ask for them is not sent them.
    assert "borders" not in mapbox_vector_tile.decode(tiles.tile(grounds, reference, ground, *place).content)


def test_whoever_sees_one_district_gets_its_outlines_and_figures_and_no_other(sqlite_town: Town) -> None:
    houses(sqlite_town)
    grounds, reference = Grounds(), sqlite_town.reference
    north = grounds.ask(reference, area(sqlite_town, "N"), QUESTION).made
    everything = grounds.ask(reference, EVERYTHING, QUESTION).made
    assert north is not None
    assert everything is not None
    for zoom in (8, 11, 13):
        x, y = tile_of(105.25, 22.15, zoom)
        content = tiles.tile(grounds, reference, north, zoom, x, y, tiles.OFFERED).content
        assert set(features(content, "borders")) <= {"N"}
        assert set(features(content, "communes")) <= set(COMMUNES[7:])
    x, y = tile_of(105.05, 22.05, 8)
    assert not set(COMMUNES[:7]) & set(features(tiles.tile(grounds, reference, north, 8, x, y).content, "communes"))
    # The largest counts, which a scale of colours begins from, are those of the reader's own ground.
    assert everything.most()["communes"]["due"] == 2
    assert north.most() == {"communes": {"needed": 0, "due": 0}, "hamlets": {"needed": 0, "due": 0}}


def test_a_set_is_wide_for_those_alone_who_see_very_many_of_its_communes(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_town.import_strips()
    reference = sqlite_town.reference
    assert tiles.wide_sets(reference, EVERYTHING) == []
    monkeypatch.setattr(tiles, "MANY_UNITS", 3)
    assert tiles.wide_sets(reference, EVERYTHING) == ["squares"]
    assert tiles.wide_sets(reference, area(sqlite_town, "S")) == ["squares"]
    assert tiles.wide_sets(reference, area(sqlite_town, COMMUNES[8])) == []


def test_a_tile_of_what_is_ready_asks_the_database_nothing(sqlite_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    houses(sqlite_town)
    grounds, reference = Grounds(), sqlite_town.reference
    ground = settled(grounds, reference).made
    assert ground is not None
    x, y = tile_of(105.05, 22.05, 9)
    first = tiles.tile(grounds, reference, ground, 9, x, y, tiles.OFFERED)

    def asked() -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(type(reference.database), "read", lambda self: asked())
    assert tiles.tile(grounds, reference, ground, 9, x, y, tiles.OFFERED) == first


def test_tiles_tell_who_may_live_in_a_place_as_well(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    tell(town)
    due, done = person(), person(doses=[("1", DAY, "pfizer")])
    for commune, east in ((2, 0.1), (2, 0.9), (2, None), (2, None), (0, None)):
        point = None if east is None else inside(commune, east)
        town.send(town.write({"household.point": point}, people=[due, due, done], commune=commune))
    for user in (EVERYTHING, User(1, "somebody", Role.SUPERVISOR, (("strips", "X"),), 0)):
        found = hamlet_figures(town.reference, user, replace(QUESTION, set_id="strips"))
        columns = dict(zip(found.places.keys, found.more.tolist(), strict=True))
        by_unit = {code: found.unit_more[at].tolist() for code, at in found.places.units.items()}
        for level, more in ((HAMLET, columns), ("commune", by_unit)):
            answer = coverage(town.reference, user, replace(QUESTION, level=level, set_id="strips"))
            for unit in answer.units:
                if unit.maybe is None:
                    assert not any(more.get(unit.key, (0,))[:3])
                else:
                    needed = unit.ranges["needed"]
                    come = (
                        unit.maybe.eligible,
                        unit.maybe.vaccinated,
                        unit.ranges["due"].most - unit.ranges["due"].least,
                    )
                    assert tuple(more[unit.key]) == (*come, needed.least, needed.most)
        assert sum(more[0] for more in columns.values())
        # Houses of a hamlet that nobody visited yet count where they are likely.
        by_unit_too = coverage(town.reference, user, replace(QUESTION, level="commune", set_id="strips")).units
        shares = {one.code: one.share_visited for one in by_unit_too if one.code in found.places.units}
        assert found.places.unit_likely.any()
        for code, share in shares.items():
            at = found.places.units[code or ""]
            told = tiles._said(*found.unit_numbers[at].tolist(), *found.places.unit_likely[at].tolist())
            assert told.get("visited") == (None if share is None else pytest.approx(share, abs=1e-4))
    ground = Grounds().ask(town.reference, EVERYTHING, replace(QUESTION, set_id="strips")).made
    assert ground is not None
    x = ground.figures.places.units["X"]
    assert tiles._may_be(*ground.figures.unit_more[x].tolist())["more_eligible"] == 6


def jagged(town: Town) -> None:
    """The town's fourteen communes in a set of their own, each with 1,500 corners that lie nowhere on a line."""
    chance = random.Random(7)
    turns = np.linspace(0, 2 * math.pi, 1500, endpoint=False)
    units = [UnitShape(Unit("Q", "Tỉnh Q", "province"), box(105.0, 22.0, 105.7, 22.2).wkb, 1.0, BOUNDS, (105.3, 22.1))]
    for number, code in enumerate(COMMUNES):
        lon, lat = 105.05 + 0.1 * (number % 7), 22.05 + 0.1 * (number // 7)
        radius = np.array([chance.uniform(0.035, 0.049) for _ in turns])
        shape = MultiPolygon([Polygon(np.column_stack((lon + radius * np.cos(turns), lat + radius * np.sin(turns))))])
        unit = Unit(code, f"Xã {number}", "commune", "Q")
        units.append(UnitShape(unit, shape.wkb, 1.0, shape.bounds, (lon, lat)))
    facts = SetFacts("jagged", "Răng cưa", date(2025, 7, 1))
    boundaries.add_set(town.reference, facts, ("province", "commune"), units)


def heaviest(town: Town, grounds: Grounds, ground: Ground) -> dict[int, tuple[int, int]]:
    """By zoom the bytes of the heaviest tile of all that hold any of the town, and the features of all of them."""
    found = {}
    for zoom in (4, 6, 8, 9, 10, 11):
        (west, north), (east, south) = tile_of(105.0, 22.2, zoom), tile_of(105.7, 22.0, zoom)
        made = [
            tiles.tile(grounds, town.reference, ground, zoom, x, y).content
            for x in range(west, east + 1)
            for y in range(north, south + 1)
        ]
        told = {key for content in made for key in features(content, "communes")}
        found[zoom] = max(map(len, made)), len(told)
    return found


def test_no_tile_of_a_set_is_heavier_than_the_cap_for_which_it_is_drawn_with_less_detail(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses(sqlite_town)
    jagged(sqlite_town)
    grounds = Grounds()
    ground = grounds.ask(sqlite_town.reference, EVERYTHING, replace(QUESTION, set_id="jagged")).made
    assert ground is not None
    free = heaviest(sqlite_town, grounds, ground)
    assert all(size <= tiles.MOST_BYTES for size, _ in free.values())
    assert max(size for size, _ in free.values()) > 20_000
    monkeypatch.setattr(tiles, "MOST_BYTES", 12_000)
    capped = heaviest(sqlite_town, grounds, ground)
    # lighter, and every commune is still there
    assert {zoom: size for zoom, (size, _) in capped.items() if size > 12_000} == {}
    assert {zoom: told for zoom, (_, told) in capped.items()} == {zoom: told for zoom, (_, told) in free.items()}
    # what was light enough before is as it was
    assert all(capped[zoom] == free[zoom] for zoom, (size, _) in free.items() if size <= 12_000)


def test_a_tile_with_too_many_areas_of_hamlets_has_their_points(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses(sqlite_town)
    grounds = Grounds()
    ground = settled(grounds, sqlite_town.reference).made
    assert ground is not None
    place = 12, *tile_of(105.05, 22.05, 12)

    def kinds() -> set[str]:
        content = tiles.tile(grounds, sqlite_town.reference, ground, *place, ("hamlets",)).content
        return {one["geometry"]["type"] for one in mapbox_vector_tile.decode(content)["hamlets"]["features"]}

    assert kinds() != {"Point"}
    monkeypatch.setattr(tiles, "MOST_BYTES", 10)
    assert kinds() == {"Point"}
