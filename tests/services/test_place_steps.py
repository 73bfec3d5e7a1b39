"""Places to choose for a filter: step by step where they are many, and none at random."""

from __future__ import annotations

import pytest

from mapper.domain.people_filter import PeopleFilter
from mapper.services import filter_lists, place_steps
from mapper.services.filtered import FilterQuestion
from mapper.services.place_steps import PlaceSteps
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Town, person


@pytest.fixture
def visited(sqlite_town: Town) -> Town:
    """A house in three hamlets of the first commune, which is in the south, and one in the north."""
    for commune, hamlet in ((0, 0), (0, 1), (0, 2), (7, 0)):
        sqlite_town.send(sqlite_town.write({}, [person()], commune=commune, hamlet=hamlet))
    return sqlite_town


def steps(town: Town, *areas: str) -> PlaceSteps:
    question = FilterQuestion("covid19", "squares", DAY, PeopleFilter(areas=areas))
    return filter_lists.choices(town.reference, EVERYTHING, question).places


def offered(found: PlaceSteps) -> tuple[list[str], list[str]]:
    return sorted(one.area for one in found.units), sorted(one.area for one in found.hamlets)


FIRST, NORTHERN = f"commune:{COMMUNES[0]}", f"commune:{COMMUNES[7]}"
OF_FIRST = [f"hamlet:{code}" for code in HAMLETS[0][:3]]
OF_NORTHERN = f"hamlet:{HAMLETS[7][0]}"


def test_few_places_are_all_offered_with_the_chosen_one_that_holds_them(visited: Town) -> None:
    found = steps(visited)
    assert (offered(found), found.too_many) == (([FIRST, NORTHERN], [*OF_FIRST, OF_NORTHERN]), False)
    found = steps(visited, "district:S", FIRST)
    assert offered(found) == ([NORTHERN], [*OF_FIRST, OF_NORTHERN])
    assert [one.within for one in found.hamlets] == [("district:S", FIRST)] * 3 + [()]


def test_of_many_hamlets_those_of_the_chosen_commune_are_offered(
    visited: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_steps, "MOST_AT_ONCE", 3)
    found = steps(visited)
    assert (offered(found), found.too_many) == (([FIRST, NORTHERN], []), True)
    found = steps(visited, FIRST)
    assert (offered(found), found.too_many) == (([NORTHERN], OF_FIRST), False)
    # The hamlets of a commune that are too many are none of them offered.
    monkeypatch.setattr(place_steps, "MOST_AT_ONCE", 2)
    found = steps(visited, FIRST)
    assert (offered(found), found.too_many) == (([NORTHERN], []), True)
    monkeypatch.setattr(place_steps, "MOST_AT_ONCE", 1)
    assert offered(steps(visited)) == ([], [])
    assert offered(steps(visited, "district:N")) == ([NORTHERN], [OF_NORTHERN])
