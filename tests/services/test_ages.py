"""The age pyramid: the people of the ledger, by age and sex."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from mapper.domain.ledger import State
from mapper.domain.roles import Role
from mapper.services import ages, rebuilding, reporting, ways
from mapper.services.accounts import User
from mapper.services.ages import BANDS, Pyramid
from mapper.services.areas import Area
from mapper.services.questions import Question
from mapper.services.ways import Missing
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, person

QUESTION = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
FEMALE, MALE, UNKNOWN = 0, 1, 2
FIRST = [("1", date(2021, 9, 1), "pfizer")]


def shown(town: Town, question: Question = QUESTION, user: User = EVERYTHING, area: Area | None = None) -> Pyramid:
    found = ages.pyramid(town.reference, user, question, area)
    assert isinstance(found, Pyramid)
    return found


def counts(found: Pyramid) -> dict[tuple[int, int], list[int]]:
    """(sex, band) to people vaccinated, due and others, where there are any."""
    return {
        (int(sex), int(band)): found.counts[sex, band].tolist() for sex, band in np.argwhere(found.counts.any(axis=2))
    }


def test_people_stand_in_their_band_and_sex(town: Town) -> None:
    town.send(
        town.write(
            people=[
                person(date(2002, 8, 15), FIRST),  # twenty on the day itself
                person(date(2002, 8, 16)),  # nineteen until tomorrow
                person(date(2002, 8, 16), sex="male", consent="no"),
                person(date(1915, 1, 1), FIRST, sex="male"),
                person(date(1980, 1, 1), residence="works_away"),
                person(date(2004, 8, 16)),  # not yet eighteen
                person(date(1990, 1, 1), sex="other"),
                person(None),
            ]
        )
    )
    found = shown(town)
    assert counts(found) == {
        (FEMALE, 4): [1, 0, 0],
        (FEMALE, 3): [0, 1, 0],
        (MALE, 3): [0, 0, 1],
        (MALE, BANDS - 1): [1, 0, 0],
        (FEMALE, 8): [0, 0, 1],
        (UNKNOWN, 6): [0, 1, 0],
        (FEMALE, BANDS): [0, 0, 1],
    }
    assert found.total == (2, 2, 3)
    tomorrow = counts(shown(town, replace(QUESTION, day=DAY + timedelta(days=1))))
    assert tomorrow[FEMALE, 4] == [1, 1, 0]
    assert tomorrow[FEMALE, 3] == [0, 1, 0]  # now eighteen
    assert (ages.band_name(0), ages.band_name(3), ages.band_name(BANDS - 1)) == ("0–4", "15–19", "100+")


def test_who_was_born_on_29_february_is_older_on_the_28th_of_other_years(town: Town) -> None:
    town.send(town.write(people=[person(date(2000, 2, 29))]))
    for day, band in ((date(2024, 2, 28), 4), (date(2025, 2, 27), 4), (date(2025, 2, 28), 5)):
        assert list(counts(shown(town, replace(QUESTION, day=day)))) == [(FEMALE, band)]


@pytest.mark.parametrize(
    ("group", "dose"), [("18_plus", "1"), ("18_plus", "booster1"), ("5_11", "2"), ("65_plus", "1")]
)
def test_the_sums_are_those_of_the_tallies_on_any_day(town: Town, group: str, dose: str) -> None:
    chance = random.Random(5)
    for number in range(14):
        people = []
        for _ in range(3):
            born = DAY - timedelta(days=chance.randrange(100, 33_000))
            second = DAY - timedelta(days=chance.randrange(-20, 300))
            doses = [("1", second - timedelta(days=40), "pfizer"), ("2", second, "pfizer")][: chance.randrange(3)]
            facts = chance.choice(({}, {}, {"consent": "no"}, {"residence": "moved_out"}, {"sex": "male"}))
            people.append(person(born, doses, **facts))
        town.send(town.write(people=people, commune=number % 3))
    question = replace(QUESTION, group_code=group, dose_code=dose)
    for shift in (-400, -30, 0, 1, 90, 700):
        asked = replace(question, day=DAY + timedelta(days=shift))
        for area in (None, Area("commune", COMMUNES[1])):
            total = reporting.coverage(town.reference, EVERYTHING, asked, area).total
            vaccinated, due = total.states[State.VACCINATED], total.states[State.DUE]
            others = sum(total.counts) - vaccinated - due
            assert shown(town, asked, area=area).total == (vaccinated, due, others)


def test_only_people_of_the_reader_s_area_are_told(town: Town) -> None:
    for commune in (0, 0, 8):
        town.send(town.write(people=[person()], commune=commune))
    north = User(1, "somebody", Role.SUPERVISOR, (("squares", "N"),), 0)
    assert shown(town, user=north).total == (0, 1, 0)
    assert shown(town).total == (0, 3, 0)
    assert shown(town, user=north, area=Area("district", "S")).total == (0, 0, 0)


def test_what_is_told_newly_is_in_the_next_answer(town: Town) -> None:
    first = town.new_instance()
    town.send(town.write(people=[person()], instance=first, entity="a"))
    town.send(town.write(people=[person(date(1950, 1, 1))], commune=1))
    assert shown(town).total == (0, 2, 0)
    town.send(town.write(people=[person(doses=FIRST)], edits=first, entity="a"))
    assert counts(shown(town)) == {(FEMALE, 8): [1, 0, 0], (FEMALE, 14): [0, 1, 0]}
    rebuilding.rebuild(town.reference)
    assert shown(town).total == (1, 1, 0)


def test_very_many_people_are_read_first_some_at_a_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for commune in range(5):
        town.send(town.write(people=[person(), person(doses=FIRST)], commune=commune))
    monkeypatch.setattr(ways, "AT_ONCE", 9)
    monkeypatch.setattr(ways, "CHUNK", 4)
    missing = ages.pyramid(town.reference, EVERYTHING, QUESTION)
    assert isinstance(missing, Missing)
    assert (missing.people, len(missing.cells)) == (10, 5)
    # A part of them is few enough to be read at once, and is then not missing any more.
    assert shown(town, area=Area("commune", COMMUNES[2])).total == (1, 1, 0)
    told: list[float] = []
    ways.read(town.reference, missing, told.append)
    assert told == [2 / 5, 4 / 5, 1.0]
    assert shown(town).total == (5, 5, 0)
    # Counted meanwhile: only that cell is read again.
    town.send(town.write(people=[person()], commune=3))
    assert shown(town).total == (5, 6, 0)


def test_what_a_rebuild_makes_void_is_not_read_to_the_end(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.send(town.write(people=[person()]))
    monkeypatch.setattr(ways, "AT_ONCE", 0)
    missing = ages.pyramid(town.reference, EVERYTHING, QUESTION)
    assert isinstance(missing, Missing)
    rebuilding.rebuild(town.reference)
    told: list[float] = []
    ways.read(town.reference, missing, told.append)
    assert told == []


def test_no_more_ways_are_remembered_than_there_is_room_for(sqlite_town: Town) -> None:
    town = sqlite_town
    town.send(town.write(people=[person() for _ in range(6)]))
    town.reference.ages.room = 10
    for dose in ("1", "2"):
        shown(town, replace(QUESTION, dose_code=dose))
    assert len(town.reference.ages._kept) == 1
    assert shown(town).total == (0, 6, 0)
