"""Households without a point on a map of later: exact where their commune went as a whole, else within a range."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from shapely import box

from mapper.charts.picture import Form
from mapper.domain.coverage import Verdict
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.ranges import Leaf, OneOf
from mapper.domain.roles import Role
from mapper.domain.succession import Heir, Succession
from mapper.geo.placing import Placer
from mapper.services import figure_rows, people_list, reporting, trend_charts, trends
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.following import telling
from mapper.services.questions import Question
from mapper.services.rebuilding import rebuild
from mapper.services.reference import PlaceSet
from mapper.services.report_writing import Writing
from mapper.services.row_sums import Ground, RowSum
from mapper.services.target_words import TargetWords
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.reference import BoundarySet, UnitRow
from mapper.web.api import figures
from tests.conftest import CHECKOUT
from tests.services.book import check_figures
from tests.services.town import COMMUNES, EVERYTHING, EXPECTED, HAMLETS, Answers, Town, inside, person

LATER = date(2025, 8, 1)
VACCINATED = person(doses=[("1", date(2021, 9, 1), "astrazeneca")])
UNVACCINATED = person()

# Of the squares in the first row: 0 and 1 went to X, 2 to X and Y, 3 to Y, 4 in part to Y; nobody told of the others.
TOLD = Succession(
    (
        Heir(COMMUNES[0], "X", True, 1.0, "NQ 1"),
        Heir(COMMUNES[1], "X", True, 1.0, "NQ 1"),
        Heir(COMMUNES[2], "X", False, 0.5, "NQ 1"),
        Heir(COMMUNES[2], "Y", False, 0.5, "NQ 1"),
        Heir(COMMUNES[3], "Y", True, 1.0, "NQ 1"),
        Heir(COMMUNES[4], "Y", False, 0.7, "NQ 1"),
    )
)


def tell(town: Town, told: Succession = TOLD, sets: tuple[str, str] = ("squares", "strips")) -> None:
    with telling(town.reference) as connection:
        successions.save(connection, successions.ToldSuccession(*sets, "crosswalk", "", "", ""), told)


def house(town: Town, commune: int, east: float | None, *people: Answers, hamlet: int = 0) -> None:
    point = None if east is None else inside(commune, east)
    town.send(town.write({"household.point": point}, list(people), commune=commune, hamlet=hamlet))


def later(town: Town, level: str = "commune", user: User = EVERYTHING) -> reporting.Answer:
    return town.ask(level, set_id="strips", day=LATER, user=user)


def rows(answer: reporting.Answer) -> dict[str | None, figure_rows.UnitFigures]:
    """Of those units of which anything was visited, or may have been."""
    return {unit.code: unit for unit in answer.units if unit.houses.visited or unit.maybe}


def test_households_without_a_point_follow_a_commune_that_went_as_a_whole(town: Town) -> None:
    town.import_strips()
    tell(town)
    for commune in (0, 1, 3):
        house(town, commune, None, VACCINATED, UNVACCINATED)
    found = rows(later(town))
    assert {code: (unit.houses.visited, unit.people, unit.maybe) for code, unit in found.items()} == {
        "X": (2, 4, None),
        "Y": (1, 2, None),
    }
    check_figures(town, "strips", "18_plus", "1", LATER)


def test_those_of_a_divided_commune_stand_beside_what_is_certain(town: Town) -> None:
    town.import_strips()
    tell(town)
    house(town, 0, 0.5, VACCINATED, VACCINATED)
    house(town, 3, 0.5, UNVACCINATED)
    # of the divided commune three houses are known to be in X and one in Y
    for east in (0.1, 0.2, 0.3, 0.9):
        house(town, 2, east, UNVACCINATED)
    for _ in range(4):
        house(town, 2, None, VACCINATED, UNVACCINATED)
    answer = later(town)
    found = rows(answer)
    x, y, unknown = found["X"], found["Y"], found[None]
    assert (x.people, y.people, unknown.people) == (5, 2, 8)
    assert x.ranges["people"] == (5, 5 + 6, 5 + 8)
    assert y.ranges["people"] == (2, 2 + 2, 2 + 8)
    assert x.ranges["visited"] == (4, 7, 8)
    assert x.ranges["vaccinated"] == (2, 2 + 3, 2 + 4)
    # at worst the four who are not vaccinated come alone, at best those who are
    assert x.coverage_range == pytest.approx((2 / 9, 5 / 11, 6 / 9))
    assert y.coverage_range == pytest.approx((0 / 6, 1 / 4, 4 / 6))
    assert x.assessment.coverage == pytest.approx(5 / 11)
    assert unknown.maybe is None
    # all together, and the province that holds both, are one exact number, that of the older map
    assert answer.total.maybe is None
    (province,) = (unit for unit in later(town, "province").units if unit.people)
    assert (province.code, province.people, province.maybe) == ("Q", 15, None)
    assert answer.total.states == town.ask(day=LATER).total.states == province.states
    check_figures(town, "strips", "18_plus", "1", LATER)


def test_the_hamlet_tells_before_its_commune_does(town: Town) -> None:
    town.import_strips()
    tell(town)
    for east in (0.1, 0.2, 0.3):
        house(town, 2, east, UNVACCINATED, hamlet=0)
    house(town, 2, 0.9, UNVACCINATED, hamlet=1)
    for _ in range(4):
        house(town, 2, None, UNVACCINATED, hamlet=1)
    found = rows(later(town))
    assert (found["X"].ranges["people"], found["Y"].ranges["people"]) == ((3, 3, 7), (1, 5, 5))
    hamlets = {unit.key: unit for unit in later(town, "hamlet").units}
    assert hamlets[f"Y/{HAMLETS[2][1]}"].ranges["people"] == (1, 5, 5)
    assert hamlets[f"-/{HAMLETS[2][1]}"].people == 4


def test_a_part_without_the_rest_told_may_lie_elsewhere(town: Town) -> None:
    town.import_strips()
    tell(town)
    for _ in range(10):
        house(town, 4, None, UNVACCINATED)
    found = rows(later(town))
    assert found["Y"].ranges["people"] == (0, 7, 10)
    (province, unknown) = later(town, "province").units
    assert (province.ranges["people"], unknown.people) == ((0, 7, 10), 10)


def test_of_an_area_the_range_is_of_what_may_lie_in_it(town: Town) -> None:
    town.import_strips()
    tell(town)
    house(town, 2, 0.1, UNVACCINATED)
    house(town, 2, None, UNVACCINATED)
    question = Question("covid19", "18_plus", "1", LATER, "hamlet", "strips")
    everybody = User(0, "all", Role.ADMINISTRATOR, (), 0)
    x = reporting.coverage(town.reference, everybody, question, Area("commune", "X"))
    assert (x.total.people, x.total.ranges["people"]) == (1, (1, 2, 2))
    province = reporting.coverage(town.reference, everybody, question, Area("province", "Q"))
    assert (province.total.people, province.total.maybe) == (2, None)


def test_who_sees_one_heir_alone_is_told_how_many_more_there_may_be(town: Town) -> None:
    town.import_strips()
    tell(town)
    house(town, 2, 0.1, UNVACCINATED)
    house(town, 2, 0.9, UNVACCINATED)
    house(town, 2, None, VACCINATED)
    of_x = User(1, "somebody", Role.SUPERVISOR, (("strips", "X"),), 0)
    answer = later(town, user=of_x)
    assert [(unit.code, unit.people, unit.ranges["people"]) for unit in answer.units] == [("X", 1, (1, 2, 2))]
    assert (answer.total.people, answer.total.ranges["people"]) == (1, (1, 2, 2))
    # who sees the old commune alone sees its households, and both units of which these are a part
    of_commune = User(1, "somebody", Role.SUPERVISOR, (("squares", COMMUNES[2]),), 0)
    some = {unit.code: unit for unit in later(town, user=of_commune).units if unit.people or unit.maybe}
    assert {code: unit.shown("people") for code, unit in some.items()} == {"X": (1, 2, 2), "Y": (1, 1, 2), None: 1}
    of_q = User(1, "somebody", Role.SUPERVISOR, (("strips", "Q"),), 0)
    assert later(town, "province", user=of_q).total.people == 3
    question = Question("covid19", "18_plus", "1", LATER, "commune", "strips")
    every = reporting.coverage_of_every(town.reference, of_x, question, None, (7,), units=True)
    first = next(at for at, one in enumerate(every.totals) if one.counts == answer.total.counts and one.maybe)
    assert every.units[first]["X"].maybe is not None


@pytest.mark.parametrize("areas", [(), (("strips", "X"),), (("strips", "Q"),)])
def test_all_series_at_once_say_what_each_says(sqlite_town: Town, areas: tuple[tuple[str, str], ...]) -> None:
    town = sqlite_town
    town.import_strips()
    tell(town)
    for east in (0.1, 0.8, None, None):
        house(town, 2, east, VACCINATED, UNVACCINATED)
    user = User(0 if not areas else 1, "somebody", Role.SUPERVISOR, areas, 0)
    question = Question("covid19", "18_plus", "1", LATER, "commune", "strips")
    every = reporting.coverage_of_every(town.reference, user, question, None, (7,), units=True)
    campaign = town.campaign("covid19_census")
    assert campaign is not None
    for (group, dose), total, units in zip(campaign.series, every.totals, every.units, strict=True):
        one = town.ask("commune", group.code, dose.code, LATER, "strips", user)
        assert total == one.total
        assert units == {unit.code: unit for unit in one.units}


def test_what_is_told_of_an_older_set_places_households_there(town: Town) -> None:
    # the hamlet list knows the squares, and the strips are told as what was there before them
    town.import_strips()
    parts = (("X", COMMUNES[0]), ("X", COMMUNES[2]), ("Y", COMMUNES[2]))
    back = Succession(tuple(Heir(old, new, False, 0.2) for old, new in parts))
    tell(town, back, ("strips", "squares"))
    house(town, 0, None, UNVACCINATED)
    house(town, 2, None, UNVACCINATED)
    found = rows(later(town))
    assert {code: unit.people for code, unit in found.items()} == {"X": 1, "Y": 0, None: 1}
    # of 2 an equal share of both is more ground of Y, which is larger
    assert (found["X"].ranges["people"], found["Y"].ranges["people"]) == ((1, 1, 2), (0, 1, 1))


def test_what_was_told_later_places_households_as_a_rebuild_does(town: Town) -> None:
    town.import_strips()
    for commune in range(6):
        house(town, commune, None, VACCINATED)
        house(town, commune, 0.6, UNVACCINATED)
    before = town.everything()
    # Other than the outlines: 3 went to X, and 0 is divided.
    other = Succession((Heir(COMMUNES[3], "X", True), *(Heir(COMMUNES[0], new, False, 0.5) for new in "XY")))
    for told in (TOLD, other):
        tell(town, told)
        placed = town.everything()
        assert placed != before
        rebuild(town.reference)
        assert town.everything() == placed
    with telling(town.reference) as connection:
        assert successions.remove(connection, "squares", "strips")
    assert town.everything() == before


def test_a_telling_that_fails_moves_nobody(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    house(town, 3, None, VACCINATED)
    before = town.everything()
    told = successions.ToldSuccession("squares", "strips", "crosswalk", "", "", "")
    with pytest.raises(MemoryError), telling(town.reference) as connection:
        successions.save(connection, told, Succession((Heir(COMMUNES[3], "X", True),)))
        kept.raise_revision(town.reference.database, connection)
        town.reference.known(connection)
        raise MemoryError
    assert town.everything() == before
    assert [unit.code for unit in later(town).units if unit.people] == ["Y"]


# Where the truth is known


def invented() -> PlaceSet:
    """Two provinces: P of the communes a, b and c, Q of d and e."""
    units = [UnitRow("province", code, code, None, 1.0, (0, 0, 1, 1)) for code in "PQ"]
    units += [UnitRow("commune", code, code, "P" if code in "abc" else "Q", 1.0, (0, 0, 1, 1)) for code in "abcde"]
    about = BoundarySet("new", "New", None, None, False, "", ("province", "commune"), "[]", "")
    placer = Placer.build(["a"], [box(0, 0, 1, 1).wkb])
    return PlaceSet(about, {(unit.level, unit.code): unit for unit in units}, placer)


def told_by(counts: Sequence[int]) -> dict[str, int]:
    """People by the name of their state."""
    return {state.value: count for state, count in zip(INSIDE, counts, strict=True)}


def test_the_truth_lies_within_every_range_and_nobody_is_lost() -> None:
    places = invented()
    draw = random.Random(20250701)
    ranges = exact = 0
    for _ in range(200):
        sources: list[Leaf] = []
        for number in range(draw.randrange(1, 5)):
            codes = tuple(sorted(draw.sample("abcde", draw.randrange(1, 4))))
            grounds = tuple(draw.random() for _ in codes) if draw.random() < 0.7 else None
            sources.append(codes[0] if len(codes) == 1 else OneOf(f"S{number}", codes, grounds))
        sums: dict[figure_rows.Row, RowSum] = {}
        placed: dict[tuple[str, str | None], dict[str, int]] = {}
        truth: dict[str, Counter[str]] = {code: Counter() for code in "abcdePQ"}
        everything: Counter[str] = Counter()
        for _ in range(draw.randrange(40)):
            source, hamlet = draw.choice(sources), draw.choice(["h1", "h2", None])
            there = draw.choice(source.codes) if isinstance(source, OneOf) else str(source)
            counts = [draw.choice((0, 0, 1, 2)) for _ in INSIDE]
            houses = [1, 1, *[0] * (len(HOUSE_COUNTS) - 3), sum(counts)]
            has_point = draw.random() < 0.6
            row: figure_rows.Row = (there if has_point else source, hamlet)
            into = sums.setdefault(row, RowSum())
            into.states = [a + b for a, b in zip(into.states, counts, strict=True)]
            into.houses = [a + b for a, b in zip(into.houses, houses, strict=True)]
            if has_point and isinstance(source, OneOf):
                for at in {hamlet, None}:
                    of_place = placed.setdefault((source.source, at), {})
                    of_place[there] = of_place.get(there, 0) + 1
            told = Counter(told_by(counts)) + Counter(people=sum(counts), visited=1)
            for unit in (there, "P" if there in "abc" else "Q"):
                truth[unit] += told
            everything += told
        ground = Ground(sums, {}, {}, "", True, {}, {}, placed)
        for level, units in (("commune", "abcde"), ("province", "PQ")):
            more = figure_rows.beside(ground, sums, {}, places, level, None, None)
            assert more.whole is None
            certain: dict[str | None, Counter[str]] = {}
            for row, one in sums.items():
                told = Counter(told_by(one.states))
                told += Counter(people=sum(one.states), visited=one.houses[0])
                certain.setdefault(figure_rows.unit_of(places, level, row), Counter()).update(told)
            likely = Counter(certain.get(None, Counter()))
            for code in units:
                own, maybe = certain.get(code, Counter()), more.units.get(code)
                if maybe is None:
                    exact += 1
                    assert own == truth[code]
                    continue
                ranges += 1
                may = Counter(told_by(maybe.states))
                may += Counter(people=sum(maybe.states), visited=maybe.houses[0])
                for figure, number in truth[code].items():
                    assert own[figure] <= number <= own[figure] + may[figure]
                likely -= Counter(told_by(maybe.likely_states))
                eligible = [state.value for state in INSIDE if state in ELIGIBLE]
                found = maybe.coverage(own[State.VACCINATED.value], sum(own[state] for state in eligible))
                everybody = sum(truth[code][state] for state in eligible)
                if everybody:
                    assert found is not None
                    assert found.least <= truth[code][State.VACCINATED.value] / everybody <= found.most
                    assert found.least <= found.likely <= found.most
            assert not any(likely[state.value] for state in INSIDE)
            assert sum(certain.values(), Counter()) == everything
    assert min(ranges, exact) > 200


def test_lists_name_the_units_in_one_of_which_somebody_lives(town: Town) -> None:
    town.import_strips()
    tell(town)
    house(town, 2, None, VACCINATED)
    house(town, 0, None, VACCINATED)
    question = Question("covid19", "18_plus", "1", LATER, "commune", "strips")
    found = people_list.people(town.reference, EVERYTHING, question, Area("province", "Q"), "vaccinated")
    assert isinstance(found, people_list.PeopleList)
    assert sorted((one.unit, one.one_of) for one in found.people) == [("", ("Xã X", "Xã Y")), ("Xã X", ())]
    houses = people_list.houses(town.reference, EVERYTHING, question, Area("province", "Q"), "visited")
    assert sorted(one.one_of for one in houses.houses) == [(), ("Xã X", "Xã Y")]


def test_a_range_is_written_as_one_wherever_it_is_told(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    tell(town)
    for people in ([VACCINATED] * 3, [UNVACCINATED]):
        house(town, 0, 0.5, *people)
    for people in ([VACCINATED], [UNVACCINATED]):
        house(town, 2, None, *people)
    x = rows(later(town))["X"]
    # three of four for certain; at worst three of five, at best four of five
    words = TargetWords("en")
    assert (words.share(x.coverage), words.people(x.shown("eligible"))) == ("60–80%", "4–6")
    assert words.maybe(x).startswith("2 people without a position")
    report = Writing("vi")
    assert report.share(x.coverage).text == "60–80%"
    assert report.number(x.shown("vaccinated")).text == "3–4"
    (row,) = figures([x])
    assert (row["eligible"], row["ranges"]["eligible"]) == (4, [4, 5, 6])
    assert row["ranges"]["coverage"][::2] == [0.6, 0.8]
    (province,) = figures([rows(later(town, "province"))["Q"]])
    # of a commune that went there in part, nobody was visited
    assert province["ranges"].keys() == {"households_expected", "households_unvisited"}


def test_every_day_of_a_curve_has_the_range_of_that_day(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    tell(town)
    house(town, 2, 0.1, VACCINATED, UNVACCINATED)
    house(town, 2, None, VACCINATED, UNVACCINATED, UNVACCINATED)
    house(town, 0, 0.5, VACCINATED)
    of_x = User(1, "somebody", Role.SUPERVISOR, (("strips", "X"),), 0)
    for user in (EVERYTHING, of_x):
        for area in (None, Area("commune", "X"), Area("commune", "Y"), Area("province", "Q")):
            if user is of_x and area == Area("commune", "Y"):
                continue
            for level in ("commune", "hamlet", "province"):
                question = Question("covid19", "18_plus", "1", LATER, level, "strips")
                answer = reporting.coverage(town.reference, user, question, area)
                found = trends.course(town.reference, user, question, area)
                told = answer.total.coverage_range
                assert bool(found.loose) == (told is not None)
                assert (found.ranges[-1] and found.ranges[-1][::2]) == (told and told[::2])
                by_day = trends.units_by_day(town.reference, user, question, area)
                ends = np.stack([by_day.more_vaccinated[:, -1], by_day.more_eligible[:, -1]]).T.tolist()
                expected = {
                    unit.key: [unit.maybe.vaccinated, unit.maybe.eligible] for unit in answer.units if unit.maybe
                }
                given = dict(zip(by_day.keys, ends, strict=True))
                assert {key: more for key, more in given.items() if key in expected or any(more)} == expected or (
                    level == "hamlet" and expected.items() <= given.items()
                )
                whole = answer.total.maybe
                assert by_day.more_in_all[:, -1].tolist() == ([whole.vaccinated, whole.eligible] if whole else [0, 0])


def test_a_curve_of_an_area_tells_from_where_to_where_it_may_lie(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    tell(town)
    house(town, 2, 0.1, VACCINATED, UNVACCINATED)
    house(town, 2, None, VACCINATED, UNVACCINATED, UNVACCINATED)
    question = Question("covid19", "18_plus", "1", LATER, "commune", "strips")
    course = trends.course(town.reference, EVERYTHING, question, Area("commune", "X"))
    # 1 of 2 for certain; at worst 1 of 4, at best 2 of 3
    assert course.ranges[-1] is not None
    assert course.ranges[-1][::2] == pytest.approx((1 / 4, 2 / 3))
    about = trend_charts.About("vi", "", "", "X", "", "", "", LATER, True, (), course.loose)
    said = trend_charts.coverage_finding(about, course)
    assert "1–2 trên 2–5" in said
    assert "25–67%" in said
    assert "3 người" in said
    assert "Chưa kể 3 người" in " ".join(about.without())
    table = trend_charts.coverage_table(about, course, 0)
    assert table.rows[0][1:] == (1, 2, 3, 25.0, 66.7)
    form = Form(CHECKOUT / "mapper" / "web" / "static" / "vendor" / "be-vietnam-pro")
    assert b'id="between"' in trend_charts.coverage_picture(about, course, 0, form)
    whole = trends.course(town.reference, EVERYTHING, question)
    assert whole.loose == 0
    assert b'id="between"' not in trend_charts.coverage_picture(about, whole, 0, form)


def test_expected_houses_of_a_divided_hamlet_are_parted_by_those_visited(town: Town) -> None:
    town.import_strips()
    tell(town)
    hamlet = HAMLETS[2][0]
    # three houses of one hamlet in X, one in Y, and one of which nobody can tell
    for east in (0.1, 0.2, 0.3, 0.9, None):
        house(town, 2, east, UNVACCINATED)
    with town.reference.database.read() as connection:
        listed = town.reference.known(connection).hamlets[hamlet].households
    assert listed is not None
    found = {unit.key: unit.houses for unit in later(town, "hamlet").units}
    x, y, unknown = (found[f"{unit}/{hamlet}"] for unit in ("X", "Y", "-"))
    assert (x.unvisited, y.unvisited) == (round((listed - 5) * 3 / 4), listed - 5 - round((listed - 5) * 3 / 4))
    assert (x.expected, y.expected, unknown.expected) == (3 + x.unvisited, 1 + y.unvisited, 1)
    # whoever sees one of them sees its part alone; together they are what the list says, as on the older map
    of_y = User(1, "somebody", Role.SUPERVISOR, (("strips", "Y"),), 0)
    seen = {unit.key: unit.houses.expected for unit in later(town, "hamlet", of_y).units}
    assert seen[f"Y/{hamlet}"] == y.expected
    assert f"X/{hamlet}" not in seen
    now, before = later(town).total.houses, town.ask(day=LATER).total.houses
    assert (now.expected, now.unvisited) == (before.expected, before.unvisited)
    by_unit = {unit.code: unit.houses for unit in later(town).units}
    assert sum(one.expected or 0 for one in by_unit.values()) == before.expected
    check_figures(town, "strips", "18_plus", "1", LATER)


def test_unvisited_hamlets_of_a_divided_commune_may_be_in_each_of_its_heirs(town: Town) -> None:
    town.import_strips()
    tell(town)
    listed = {at: sum(EXPECTED[code] for code in HAMLETS[at]) for at in range(14)}
    before = town.ask(day=LATER).total.houses
    answer = later(town)
    found = {unit.code: unit for unit in answer.units}
    for code, own in (("X", (0, 1)), ("Y", (3,))):
        certain = sum(listed[at] for at in own)
        least, likely, most = found[code].ranges["expected"]
        # all of commune 2 may be here; of commune 4 most went to Y, and the rest nobody told where
        assert (found[code].houses.expected, least, most) == (
            certain,
            certain,
            certain + listed[2] + (listed[4] if code == "Y" else 0),
        )
        assert least < likely < most
        assert found[code].ranges["unvisited"] == found[code].ranges["expected"] == found[code].expected
        assert found[code].maybe is None
    assert (answer.total.lists, answer.total.houses) == (None, before)
    (province,) = (unit for unit in later(town, "province").units if unit.code == "Q")
    assert province.expected == (
        sum(listed[at] for at in (0, 1, 2, 3)),
        sum(listed[at] for at in (0, 1, 2, 3)) + found["Y"].ranges["expected"].likely - listed[3] - half(listed[2]),
        sum(listed[at] for at in (0, 1, 2, 3, 4)),
    )
    # of one heir alone, and whoever sees that heir alone, there is the same range
    x = User(1, "somebody", Role.SUPERVISOR, (("strips", "X"),), 0)
    (of_x,) = later(town, user=x).units
    assert (of_x.code, of_x.expected) == ("X", found["X"].expected)
    question = Question("covid19", "18_plus", "1", LATER, "commune", "strips")
    alone = reporting.coverage(town.reference, EVERYTHING, question, Area("commune", "X"))
    assert alone.total.expected == found["X"].expected
    (row,) = figures([of_x])
    assert row["ranges"].keys() == {"households_expected", "households_unvisited"}


def half(number: int) -> int:
    """The second of two like parts of a whole."""
    return number // 2


def test_a_unit_is_not_complete_while_hamlets_that_nobody_visited_may_be_in_it(town: Town) -> None:
    town.import_strips()
    tell(town, Succession(tuple(one for one in TOLD.heirs if one.old in (COMMUNES[0], COMMUNES[2]))))
    for hamlet, code in enumerate(HAMLETS[0]):
        for _ in range(EXPECTED[code]):
            house(town, 0, 0.5, VACCINATED, hamlet=hamlet)
    whole = {unit.code: unit for unit in town.ask(day=LATER).units}[COMMUNES[0]]
    assert (whole.assessment.complete, whole.assessment.verdict) == (True, Verdict.MET)
    x = {unit.code: unit for unit in later(town).units}["X"]
    # those of the divided commune may all be here, and nobody asked them
    assert (x.assessment.coverage, x.assessment.complete, x.assessment.verdict) == (1.0, False, Verdict.UNDECIDED)
    assert x.assessment.worst is not None
    assert x.assessment.worst < 0.9
    for hamlet, code in enumerate(HAMLETS[2]):
        for _ in range(EXPECTED[code]):
            house(town, 2, 0.1, VACCINATED, hamlet=hamlet)
    x = {unit.code: unit for unit in later(town).units}["X"]
    assert (x.lists, x.assessment.complete, x.assessment.verdict) == (None, True, Verdict.MET)
