"""Random filters find the same people as pandas does in the raw answers: count, list, API, files and map."""

from __future__ import annotations

import csv
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

import pyogrio
import pytest

from mapper.domain.people_filter import PeopleFilter, read_filter
from mapper.services import exporting, filter_lists
from mapper.services.exporting import Wish
from mapper.services.filtered import FilterQuestion
from mapper.services.people_copy import copy_of
from tests.proofs import drawn
from tests.services.random_census import Census
from tests.services.town import DAY, EVERYTHING, Town

pytestmark = pytest.mark.long

TOWNS, FILTERS, HOUSES = 4, drawn(250, 50), 60
"""A thousand filters in all, each counted and listed page by page; two hundred unless the whole proof is asked for."""

IN_FILES = 20
"""One filter of so many is compared in both files and on the map too."""


@pytest.mark.parametrize("seed", range(TOWNS))
def test_random_filters_find_whom_the_raw_answers_tell(new_town: Callable[[], Town], seed: int) -> None:
    town = new_town()
    town.import_strips()
    census = Census(town, seed, HOUSES)
    reference = town.reference
    copy_of(reference).copy(reference, "covid19")
    found = 0
    for number in range(FILTERS):
        values, set_id, day = census.filter()
        rows = census.raw.wanted(values, set_id, day)
        expected = sorted(rows["id"])
        # As an address carries it, there and back.
        wanted = read_filter(values)
        wanted = read_filter(parse_qs(urlencode(wanted.address()), keep_blank_values=True))
        question = FilterQuestion("covid19", set_id, day, wanted)
        listed = filter_lists.people(reference, EVERYTHING, question, 1, filter_lists.MOST_AT_ONCE)
        assert sorted(one.person.id for one in listed.rows) == expected, (values, set_id, day)
        assert (listed.of.people, listed.of.households) == (len(expected), rows["house"].nunique())
        if number % IN_FILES == 0:
            check_views(town, question, expected)
        found += bool(expected)
    assert found > 0.6 * FILTERS, found
    everybody = FilterQuestion("covid19", "squares", DAY, PeopleFilter())
    assert filter_lists.count(reference, EVERYTHING, everybody).people == len(census.raw.people)


def check_views(town: Town, question: FilterQuestion, expected: list[str]) -> None:
    """Shorter pages, both files and the map tell of the same people."""
    reference = town.reference
    first = filter_lists.people(reference, EVERYTHING, question, 1, 40)
    pages = [first, *(filter_lists.people(reference, EVERYTHING, question, n, 40) for n in range(2, first.pages + 1))]
    assert sorted(one.person.id for page in pages for one in page.rows) == expected
    table = exporting.make(reference, EVERYTHING, Wish(question, "csv", "en", False))
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    head = next(place for place, line in enumerate(lines) if "Person id" in line)
    column = lines[head].index("Person id")
    assert sorted(line[column] for line in lines[head + 1 :]) == expected
    points = exporting.make(reference, EVERYTHING, Wish(question, "gpkg", "en", False))
    assert sorted(pyogrio.read_dataframe(points.path, layer="people", read_geometry=False)["id"]) == expected
    drawn = filter_lists.on_map(reference, EVERYTHING, question)
    assert sum(spot.people for spot in drawn.spots) == len(expected)
    assert drawn.dots is None or sum(dot.people for dot, _ in drawn.dots) == sum(
        1 for page in pages for one in page.rows if one.row.lat is not None
    )
