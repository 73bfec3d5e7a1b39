"""Clusters of the unvaccinated in the town of squares: who is compared, what is flagged, and what is left out."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.roles import Role
from mapper.services import hot_spots
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.hot_spots import Found, Overview
from mapper.services.questions import Question
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Answers, Town, inside, person

LOW = (0, 1, 7)
"""Communes side by side in the south-west corner where few are vaccinated."""

VACCINATED = [("1", date(2021, 9, 1), "pfizer")]


def people(vaccinated: int, of: int) -> list[Answers]:
    return [person(doses=VACCINATED if number < vaccinated else ()) for number in range(of)]


def fill(town: Town, low: tuple[int, ...] = LOW) -> None:
    """Three houses of four in the first hamlet of each commune but the last: 2 vaccinated where it is low, else 11."""
    for commune in range(13):
        for vaccinated in (2, 0, 0) if commune in low else (3, 4, 4):
            town.send(town.write(people=people(vaccinated, 4), commune=commune))


def of_town(town: Town, user: User = EVERYTHING, area: Area | None = None) -> Overview:
    question = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
    return hot_spots.overview(town.reference, user, question, area)


def found_in(town: Town, user: User = EVERYTHING, area: Area | None = None) -> Found:
    return hot_spots.search(town.reference, user, of_town(town, user, area))


def test_low_hamlets_side_by_side_are_one_cluster(town: Town) -> None:
    fill(town)
    found = found_in(town)
    assert found.compared == 13
    spot = found.spots[0]
    assert {row.figures.code for row in spot.rows} == {HAMLETS[commune][0] for commune in LOW}
    # 3 x 10 of 3 x 12 here, 10 x 1 of 10 x 12 elsewhere; spread evenly 40 x 36 / 156 would be here.
    assert (spot.unvaccinated, spot.eligible, spot.due, spot.houses) == (30, 36, 30, 9)
    assert (spot.due_houses, found.houses, found.missed_houses) == (9, 39, 9 + 10)
    # Houses one by one come to what the tallies say.
    assert (sum(row.unvaccinated for row in spot.rows), sum(row.due for row in spot.rows)) == (30, 30)
    assert spot.relative_risk == pytest.approx((30 / 36) / (10 / 120))
    assert spot.expected == pytest.approx(40 * 36 / 156)
    assert spot.p == 0.001
    assert found.replications == 999
    middle = spot.rows[0].figures.code
    at = inside(next(number for number in LOW if HAMLETS[number][0] == middle))
    assert (spot.lat, spot.lon) == pytest.approx((at.lat, at.lon))
    # A tenth of a degree is 10.3 km to the east here and 11.1 km to the north.
    assert 10_200 < spot.radius_m < 15_300
    assert len(found.spots) == 1


def test_the_same_figures_give_the_same_clusters(sqlite_town: Town) -> None:
    fill(sqlite_town)
    assert found_in(sqlite_town) == found_in(sqlite_town)


def test_hamlets_alike_are_no_cluster(sqlite_town: Town) -> None:
    fill(sqlite_town, ())
    found = found_in(sqlite_town)
    assert (found.compared, found.spots, found.low_around) == (13, (), frozenset())


def test_where_nobody_was_asked_there_is_no_cluster_but_no_data(town: Town) -> None:
    fill(town)
    town.send(town.write({"visit.outcome": "absent"}, commune=13))
    of = of_town(town)
    silent = {row.figures.code for row in of.silent}
    everything = {code for hamlets in HAMLETS for code in hamlets}
    assert silent == everything - {HAMLETS[commune][0] for commune in range(13)}
    assert len(of.rows) == 13
    assert of.without == ()
    compared = {row.figures.code for spot in found_in(town).spots for row in spot.rows}
    assert not compared & silent


def test_a_hamlet_of_children_alone_is_told_apart(sqlite_town: Town) -> None:
    fill(sqlite_town)
    sqlite_town.send(sqlite_town.write(people=[person(born=date(2015, 1, 1))], commune=13))
    of = of_town(sqlite_town)
    assert [row.figures.code for row in of.without] == [HAMLETS[13][0]]
    assert HAMLETS[13][0] not in {row.figures.code for row in (*of.rows, *of.silent)}


def test_a_hamlet_without_a_usable_position_is_not_compared(sqlite_town: Town) -> None:
    fill(sqlite_town)
    vague = inside(13, accuracy_m=5000.0)
    sqlite_town.send(sqlite_town.write({"household.point": vague}, people(0, 12), commune=13))
    found = found_in(sqlite_town)
    assert [row.figures.code for row in found.unplaced] == [HAMLETS[13][0]]
    assert found.compared == 13
    assert HAMLETS[13][0] in {row.figures.code for row in of_town(sqlite_town).rows}


def test_one_large_family_is_no_cluster(sqlite_town: Town) -> None:
    for commune in range(13):
        sqlite_town.send(sqlite_town.write(people=people(0 if commune == 0 else 8, 8), commune=commune))
    found = found_in(sqlite_town)
    assert (found.spots, found.houses, found.missed_houses, found.too_few) == ((), 13, 1, True)
    # 8 of 8, and nobody of 96 others: (8^2 x (12 / 13)^2 + 12 x (8 / 13)^2) / (104 x 1 / 13 x 12 / 13) = 8.
    assert found.apart == pytest.approx(8)


def test_more_hamlets_than_are_compared_are_not_searched(sqlite_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(sqlite_town)
    assert not found_in(sqlite_town).too_many
    monkeypatch.setattr(hot_spots, "MOST", 12)
    found = found_in(sqlite_town)
    assert (found.too_many, found.compared, found.spots, found.likeness) == (True, 13, (), None)


def test_two_hamlets_are_too_few_to_compare(sqlite_town: Town) -> None:
    for commune in (0, 1):
        sqlite_town.send(sqlite_town.write(people=people(0, 12), commune=commune))
    found = found_in(sqlite_town)
    assert (found.compared, found.spots, found.likeness) == (2, (), None)
    assert found_in(sqlite_town, area=Area("commune", COMMUNES[5])).compared == 0


def test_nothing_of_other_areas_is_compared_or_told(town: Town) -> None:
    fill(town)
    south = User(1, "somebody", Role.SUPERVISOR, (("squares", "S"),), 0)
    for user, area in ((south, None), (EVERYTHING, Area("district", "S"))):
        found = found_in(town, user, area)
        assert found.compared == 7
        assert {row.figures.code for spot in found.spots for row in spot.rows} == {HAMLETS[0][0], HAMLETS[1][0]}
        assert {row.figures.parent for row in of_town(town, user, area).rows} == set(COMMUNES[:7])


def test_raw_and_levelled_coverage_stand_side_by_side(sqlite_town: Town) -> None:
    fill(sqlite_town)
    sqlite_town.send(sqlite_town.write(people=people(0, 1), commune=13))
    of = of_town(sqlite_town)
    levelled = {row.figures.code: row.shrunken for row in of.rows}
    raw = {row.figures.code: row.figures.assessment.coverage for row in of.rows}
    one, low, high = HAMLETS[13][0], HAMLETS[0][0], HAMLETS[4][0]
    # One person says less than twelve: 0 of 1 comes nearer to the share of all, 116 of 157, than 2 of 12 does.
    assert (raw[one], raw[low]) == (0, 2 / 12)
    assert 2 / 12 < levelled[low] < levelled[one] < 116 / 157 < levelled[high] < 11 / 12
    assert [row.shrunken for row in of.rows] == sorted(levelled.values())
    assert hot_spots.shrunken(of.answer) == {row.figures.key: row.shrunken for row in of.rows}
    assert {row.commune for row in of.rows if row.figures.code == low} == {"Xã 0"}


def test_how_many_houses_were_asked_says_how_certain_a_hamlet_is(sqlite_town: Town) -> None:
    fill(sqlite_town)
    row = of_town(sqlite_town).rows[0]
    assert row.figures.houses.interviewed == 3
    # Three houses of those that the list expects there.
    assert row.to_ask == row.figures.houses.expected
    assert row.unfinished
    assert found_in(sqlite_town).spots[0].unfinished == found_in(sqlite_town).spots[0].rows


def test_an_empty_town_has_neither_clusters_nor_rows(sqlite_town: Town) -> None:
    of = of_town(sqlite_town)
    assert of.rows == ()
    assert hot_spots.shrunken(of.answer) == {}
    assert found_in(sqlite_town).compared == 0


def test_progress_is_told_from_nothing_to_nearly_all(sqlite_town: Town) -> None:
    fill(sqlite_town)
    shares: list[float] = []
    hot_spots.search(sqlite_town.reference, EVERYTHING, of_town(sqlite_town), shares.append)
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1
