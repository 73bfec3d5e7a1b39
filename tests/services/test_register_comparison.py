"""Two registers with planted omissions, duplicates, moves and typing errors: all are explained, none is invented."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from mapper.domain.people import Dose
from mapper.linkage.rarity import LinkPerson
from mapper.services.register_comparison import compare_people, their_key
from mapper.services.register_entries import (
    PEOPLE,
    CensusPerson,
    Compared,
    Entry,
    Kind,
    balances,
    total,
)
from mapper.services.register_pairs import visible
from mapper.store.national_register import Decided, KeptRow
from tests.linkage.registers import mistyped, people

GIVEN = date(2021, 9, 1)


def ours_of(one: LinkPerson) -> CensusPerson:
    dose = (Dose("1", GIVEN, "pfizer"),)
    return CensusPerson(
        f"h/{one.key}", "h", "uuid:h", one.name, one.born_on, "day", one.sex, one.phone, one.commune, one.hamlet, dose
    )


def theirs_of(row: int, one: LinkPerson) -> KeptRow:
    facts = (row, f"M{row}", one.name, one.born_on, "day", one.sex, one.phone, "", one.commune, "", one.hamlet)
    return KeptRow(*facts, one.commune, (Dose("1", GIVEN, "pfizer"),))


def district(commune: str) -> str:
    return "A" if commune in ("00000", "00001") else "B"


@pytest.mark.parametrize("seed", [714, 20, 31])
def test_every_planted_difference_is_found_and_no_other_one(seed: int) -> None:
    chance = random.Random(seed)
    everybody = people(chance, 600, communes=3)
    chance.shuffle(everybody)
    missing_there, missing_here = range(10), range(10, 20)
    moved, typed, late, other, undosed = range(20, 30), range(30, 40), range(40, 50), range(50, 60), range(60, 70)
    twice = range(70, 80)
    ours = [ours_of(one) for place, one in enumerate(everybody) if place not in missing_here]
    theirs, expected = [], {}
    for place, one in enumerate(everybody):
        if place in missing_there:
            continue
        row = theirs_of(place + 2, one)
        if place in moved:
            row = replace(row, unit_code=f"{(int(one.commune) + 1) % 3:05d}")
            expected[row.row] = ["commune"]
        elif place in typed:
            row = replace(row, name=mistyped(chance, one.name))
        elif place in late:
            row = replace(row, doses=(Dose("1", GIVEN + timedelta(days=30), "pfizer"),))
            expected[row.row] = ["given:1"]
        elif place in other:
            row = replace(row, doses=(Dose("1", GIVEN, "moderna"),))
            expected[row.row] = ["vaccine:1"]
        elif place in undosed:
            row = replace(row, doses=())
            expected[row.row] = ["dose:1"]
        theirs.append(row)
        if place in twice:
            theirs.append(replace(row, row=place + 10_002, code=f"N{place}", name=row.name.upper()))
    chance.shuffle(theirs)
    entries = compare_people(theirs, ours)
    of = {kind: [each for each in entries if each.kind is kind] for kind in Kind}
    assert {each.theirs.row - 2 for each in of[Kind.MISSING_HERE] if each.theirs} == set(missing_here)
    assert {each.ours.key for each in of[Kind.MISSING_THERE] if each.ours} == {
        f"h/{everybody[place].key}" for place in missing_there
    }
    doubles = {each.theirs.row % 10_000 - 2 for each in of[Kind.TWICE_THERE] if each.theirs}
    assert doubles == set(twice)
    assert of[Kind.TWICE_HERE] == of[Kind.POSSIBLE] == []
    told = {each.theirs.row: [one.field for one in each.differences] for each in of[Kind.DIFFERENT] if each.theirs}
    names = {row: fields for row, fields in told.items() if fields == ["name"]}
    assert {row - 2 for row in names} == set(typed)
    assert {row: fields for row, fields in told.items() if row not in names} == expected
    # Three communes of two districts: two lie in one.
    for unit_of, measure in product((str, district), (PEOPLE, "1")):
        parts = balances(entries, measure, unit_of)
        assert all(one.rest == 0 for one in parts)
        counted = [row for row in theirs if measure == PEOPLE or row.doses]
        assert total(parts).theirs == len(counted)
        assert total(parts).ours == len(ours)
        for one in parts:
            assert one.theirs == sum(unit_of(row.unit_code or "") == one.unit for row in counted)
            assert one.ours == sum(unit_of(each.unit) == one.unit for each in ours)
    across = [one for place, one in enumerate(everybody) if place in moved and one.commune != "00000"]
    assert total(balances(entries, PEOPLE, district)).elsewhere_there == len(across)
    assert total(balances(entries, "1")).different == -len(undosed)
    assert total(balances(entries, PEOPLE)).elsewhere_there == total(balances(entries, PEOPLE)).elsewhere_here == 10


def one_pair() -> tuple[KeptRow, list[CensusPerson]]:
    born = date(1980, 5, 4)
    lan = LinkPerson("1", "Nguyễn Thị Lan", born, "day", "female", "", "00001", "")
    row = replace(theirs_of(2, lan), born_on=date(1980, 1, 1), birth_precision="year")
    return row, [ours_of(lan), ours_of(replace(lan, key="2", born_on=date(1980, 9, 9)))]


def test_what_somebody_decided_about_a_pair_stands() -> None:
    row, ours = one_pair()
    assert [each.kind for each in compare_people([row], ours)] == [Kind.POSSIBLE, Kind.MISSING_THERE]
    yes = Decided(1, their_key(row), "h/2", True, "chị", "2022-09-08T00:00:00+00:00")
    first, second = compare_people([row], ours, [yes])
    assert (first.kind, first.ours, first.decided) == (Kind.SAME, ours[1], yes)
    assert (second.kind, second.ours) == (Kind.MISSING_THERE, ours[0])
    no = [replace(yes, same=False), replace(yes, seq=2, ours="h/1", same=False)]
    assert [each.kind for each in compare_people([row], ours, no)] == [Kind.MISSING_HERE] + 2 * [Kind.MISSING_THERE]


def test_a_supervisor_sees_of_another_area_no_more_than_that_somebody_is_there() -> None:
    row, ours = one_pair()
    moved = [Entry(Kind.DIFFERENT, replace(row, unit_code="00009"), ours[0])]
    compared = Compared(1, tuple(moved), frozenset({"00009"}), datetime(2022, 9, 8, tzinfo=UTC))
    (seen,) = visible(compared, {"00001"})
    assert seen.ours == ours[0] and seen.theirs is not None
    assert (seen.theirs.name, seen.theirs.born_on, seen.theirs.row, seen.their_unit) == ("", None, 0, "00009")
    assert visible(compared, {"00005"}) == []
    assert visible(compared, None) == moved


def test_the_share_done_is_told_to_the_end_and_whatever_it_raises_ends_the_work() -> None:
    everybody = people(random.Random(3), 300, communes=2)
    theirs, ours = [theirs_of(place + 2, one) for place, one in enumerate(everybody)], list(map(ours_of, everybody))
    told: list[float] = []
    compare_people(theirs, ours, told=told.append)
    assert told == sorted(told)
    assert {0.0, 0.8, 0.9} <= set(told) and told[-1] < 1

    class Enough(Exception):
        pass

    def enough(share: float) -> None:
        if share >= 0.9:
            raise Enough

    with pytest.raises(Enough):
        compare_people(theirs, ours, told=enough)
