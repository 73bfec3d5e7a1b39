"""Two questions side by side: what differs, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mapper.domain.roles import Role
from mapper.errors import InvalidQuestion
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.comparison import compare
from mapper.services.questions import Question
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, person

AFTER = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
BEFORE = replace(AFTER, day=DAY - timedelta(days=14))


def fill(town: Town) -> None:
    """First commune: 1 of 2 vaccinated 20 days ago, both now. Second: nobody of 2. Ninth: 1 of 1 all the time."""
    for commune, back in ((0, (20, 3)), (1, (None, None)), (8, (30,))):
        people = [person(doses=[("1", DAY - timedelta(days=each), "pfizer")] if each else []) for each in back]
        town.send(town.write(people=people, commune=commune))


def test_units_come_with_what_changed_those_that_rose_least_first(town: Town) -> None:
    fill(town)
    found = compare(town.reference, EVERYTHING, BEFORE, AFTER)
    told = [(row.unit.code, row.share) for row in found.rows if row.share is not None]
    assert told[-1] == (COMMUNES[0], 0.5)
    assert sorted(told[:-1]) == sorted([(COMMUNES[1], 0.0), (COMMUNES[8], 0.0)])
    # 2 of 5, then 3 of 5.
    assert found.total.share == pytest.approx(0.2)
    assert [row.share for row in found.rows][len(told) :] == [None] * (len(found.rows) - len(told))


def test_rows_are_sorted_by_either_figure_the_change_or_the_name_those_without_it_last(town: Town) -> None:
    fill(town)

    def told(order: str, down: bool = False) -> list[str]:
        rows = compare(town.reference, EVERYTHING, BEFORE, AFTER, order=order, down=down).rows
        return [str(row.unit.code) for row in rows if row.share is not None]

    first, second, ninth = COMMUNES[0], COMMUNES[1], COMMUNES[8]
    # Before: 0.5, 0 and 1; after: 1, 0 and 1. Names break ties, whichever way.
    assert told("before") == [second, first, ninth]
    assert told("before", down=True) == [ninth, first, second]
    assert told("after") == [second, first, ninth]
    assert told("after", down=True) == [first, ninth, second]
    assert told("change", down=True) == [first, second, ninth]
    assert told("name", down=True) == told("name")[::-1]
    rows = compare(town.reference, EVERYTHING, BEFORE, AFTER, order="after", down=True).rows
    assert [row.share is None for row in rows] == sorted(row.share is None for row in rows)


def test_two_doses_of_one_day_are_compared_within_what_a_user_sees(town: Town) -> None:
    fill(town)
    only = User(1, "somebody", Role.SUPERVISOR, (("squares", COMMUNES[0]),), 0)
    found = compare(town.reference, only, AFTER, replace(AFTER, dose_code="2"))
    assert [(row.unit.code, row.share) for row in found.rows] == [(COMMUNES[0], -1.0)]
    part = compare(town.reference, EVERYTHING, BEFORE, AFTER, Area("commune", COMMUNES[8]))
    assert part.total.share == 0


def test_a_question_without_figures_is_refused_on_either_side(town: Town) -> None:
    for before, after in ((replace(BEFORE, dose_code="9"), AFTER), (BEFORE, replace(AFTER, dose_code="9"))):
        with pytest.raises(InvalidQuestion):
            compare(town.reference, EVERYTHING, before, after)
