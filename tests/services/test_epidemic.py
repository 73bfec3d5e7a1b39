"""Epidemic levels: which one holds on a day, who may enter and read them, and tables taken whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from mapper.domain.roles import Role
from mapper.errors import InvalidInput, NotFound
from mapper.services import accounts, audit, epidemic
from mapper.services.accounts import User
from mapper.services.areas import Area
from tests.services.town import COMMUNES, EVERYTHING, Town

TODAY = date(2022, 9, 8)
FIRST, SECOND, NORTH = COMMUNES[0], COMMUNES[1], COMMUNES[7]


@pytest.fixture
def chief(town: Town) -> User:
    """An administrator who has an account, as the table wants it."""
    made = accounts.add_user(town.reference, "quản trị", "administrator", [])
    return User(made.id, "quản trị", Role.ADMINISTRATOR, (), 0)


def supervisor(town: Town, *areas: str) -> User:
    made = accounts.add_user(town.reference, "giám sát", "supervisor", areas)
    user = accounts.by_id(town.reference, made.id)
    assert user is not None
    return user


def enter(town: Town, user: User, unit: str, level: int, day: str, source: str = "QĐ 1") -> None:
    epidemic.enter(town.reference, user, "squares", unit, str(level), day, source, TODAY)


def told(town: Town, day: date, user: User = EVERYTHING) -> dict[str, int]:
    _, found = epidemic.levels(town.reference, user, "squares", day)
    return {code: entry.level for code, entry in found.items()}


def test_a_level_holds_from_its_day_until_a_later_one(town: Town, chief: User) -> None:
    enter(town, chief, FIRST, 3, "2022-08-10")
    enter(town, chief, FIRST, 1, "2022-08-20")
    enter(town, chief, SECOND, 4, "2022-08-15")
    assert told(town, date(2022, 8, 9)) == {}
    assert told(town, date(2022, 8, 10)) == {FIRST: 3}
    assert told(town, date(2022, 8, 19)) == {FIRST: 3, SECOND: 4}
    assert told(town, date(2022, 8, 20)) == {FIRST: 1, SECOND: 4}


def test_of_one_day_the_entry_made_last_counts_and_both_stay_in_the_history(town: Town, chief: User) -> None:
    enter(town, chief, FIRST, 2, "2022-08-10", "QĐ 5")
    enter(town, chief, FIRST, 3, "2022-08-10", "QĐ 5 đính chính")
    assert told(town, date(2022, 8, 10)) == {FIRST: 3}
    history = epidemic.overview(town.reference, chief, "squares", TODAY).history
    assert [(one.name, one.entry.level, one.entry.source, one.by) for one in history] == [
        ("Xã 0", 3, "QĐ 5 đính chính", "quản trị"),
        ("Xã 0", 2, "QĐ 5", "quản trị"),
    ]


def test_a_user_reads_and_enters_levels_of_the_own_area_alone(town: Town, chief: User) -> None:
    south = supervisor(town, "squares:S")
    enter(town, chief, NORTH, 4, "2022-08-10")
    enter(town, south, FIRST, 2, "2022-08-10")
    assert told(town, TODAY, south) == {FIRST: 2}
    assert told(town, TODAY) == {FIRST: 2, NORTH: 4}
    with pytest.raises(NotFound, match="There is no place"):
        enter(town, south, NORTH, 1, "2022-08-10")
    seen = epidemic.overview(town.reference, south, "squares", TODAY)
    assert {unit.code for unit in seen.units} == set(COMMUNES[:7])
    assert {one.entry.unit_code for one in seen.history} == {FIRST}
    one = epidemic.overview(town.reference, chief, "squares", TODAY, Area("commune", NORTH))
    assert [(unit.name, unit.parent, unit.entry and unit.entry.level) for unit in one.units] == [("Xã 7", "Huyện N", 4)]
    assert one.count == {4: 1}


@pytest.mark.parametrize(
    ("level", "day", "source", "why"),
    [
        ("5", "2022-08-10", "QĐ 1", "is no epidemic level"),
        ("", "2022-08-10", "QĐ 1", "is no epidemic level"),
        ("1", "10/08/2022", "QĐ 1", "is not a day"),
        ("1", "1922-08-10", "QĐ 1", "cannot hold from"),
        ("1", "2024-01-01", "QĐ 1", "cannot hold from"),
        ("1", "2022-08-10", "  ", "Say which decision"),
        ("1", "2022-08-10", "x" * 301, "more than 300"),
    ],
)
def test_what_is_typed_wrong_is_refused_and_nothing_entered(
    sqlite_town: Town, level: str, day: str, source: str, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        epidemic.enter(sqlite_town.reference, EVERYTHING, "squares", FIRST, level, day, source, TODAY)
    assert told(sqlite_town, TODAY) == {}


def take(town: Town, user: User, text: str, **more: str) -> epidemic.ImportedLevels:
    return epidemic.import_table(town.reference, user, "squares", "levels.csv", text.encode(), TODAY, **more)


def test_a_table_is_taken_by_code_by_code_without_zeros_and_by_name(town: Town, chief: User) -> None:
    text = f"code,name,level,from,source\n{FIRST.lstrip('0')},,2,2022-08-10,A\n,xa 1,3,,\n,Xã 7,đỏ,,B\n"
    done = take(town, chief, text, from_day="2022-08-12", source="C")
    assert (done.entered, done.faults) == (3, ())
    assert told(town, TODAY) == {FIRST: 2, SECOND: 3, NORTH: 4}
    _, found = epidemic.levels(town.reference, chief, "squares", TODAY)
    assert [(found[code].from_day.day, found[code].source) for code in (FIRST, SECOND, NORTH)] == [
        (10, "A"),
        (12, "C"),
        (12, "B"),
    ]
    last = audit.entries(town.reference, 1)[0]
    assert (last.action, last.subject, last.facts) == (
        "epidemic.imported",
        "squares",
        {"number": "3", "set": "squares"},
    )


def rows_and_sentences(faults: Sequence[object]) -> list[tuple[int, str]]:
    return [(fault.row, fault.message.format(**fault.facts).split(".")[0]) for fault in faults]  # type: ignore[attr-defined]


def test_a_table_with_a_wrong_row_enters_nothing_and_names_every_such_row(town: Town) -> None:
    south = supervisor(town, "squares:S")
    text = (
        f"code,name,level,from\n{FIRST},,2,2022-08-10\nX,,1,2022-08-10\n{NORTH},,1,2022-08-10\n,Xã 99,1,\n{FIRST},,9,\n"
    )
    done = take(town, south, text, source="A")
    assert rows_and_sentences(done.faults) == [
        (3, "the boundary set has no unit of the code X"),
        (4, f"{NORTH} is no unit of your area in this set"),
        (5, "there is no Xã 99 here"),
        (6, "9 is no epidemic level"),
    ]
    assert done.entered == 0
    assert told(town, TODAY) == {}
    bare = take(town, south, f"code,level\n{FIRST},1\n")
    assert rows_and_sentences(bare.faults) == [(2, "it names no day")]
    assert rows_and_sentences(take(town, south, f"code,level\n{FIRST},1\n", from_day="2022-08-10").faults) == [
        (2, "it names no decision")
    ]


def test_an_entry_stands_in_the_audit_trail(town: Town, chief: User) -> None:
    enter(town, chief, FIRST, 3, "2022-08-10", "QĐ 12")
    last = audit.entries(town.reference, 1)[0]
    assert (last.action, last.subject, last.user_id) == ("epidemic.entered", FIRST, chief.id)
    assert last.facts == {"level": "3", "from": "2022-08-10", "source": "QĐ 12", "set": "squares"}


def test_a_whole_district_is_entered_at_once_as_far_as_the_user_may(town: Town, chief: User) -> None:
    number = epidemic.enter(town.reference, chief, "squares", "district:S", "3", "2022-08-01", "QĐ 7", TODAY)
    found = told(town, TODAY)
    assert number == 7
    assert found == dict.fromkeys(COMMUNES[:7], 3)
    with pytest.raises(NotFound):
        epidemic.enter(town.reference, chief, "squares", "district:none", "3", "2022-08-01", "QĐ 7", TODAY)
    whole = epidemic.overview(town.reference, chief, "squares", TODAY).whole
    assert [(one.key, one.number) for one in whole] == [("province:P", 14), ("district:N", 7), ("district:S", 7)]
    north = epidemic.overview(town.reference, chief, "squares", TODAY, Area("district", "N")).whole
    assert [one.key for one in north] == ["district:N"], "nothing is offered that holds more than is shown"


def test_communes_are_found_by_name_and_code_and_one_has_its_own_history(town: Town, chief: User) -> None:
    epidemic.enter(town.reference, chief, "squares", "district:S", "3", "2022-08-01", "QĐ 7", TODAY)
    enter(town, chief, COMMUNES[3], 1, "2022-08-05")
    by_name = epidemic.overview(town.reference, chief, "squares", TODAY, find="xa 3")
    assert [unit.code for unit in by_name.units] == [COMMUNES[3]]
    assert by_name.whole == ()
    by_code = epidemic.overview(town.reference, chief, "squares", TODAY, find=COMMUNES[4])
    assert [unit.code for unit in by_code.units] == [COMMUNES[4]]
    assert epidemic.overview(town.reference, chief, "squares", TODAY, find="nowhere").units == ()
    one = epidemic.overview(town.reference, chief, "squares", TODAY, unit_code=COMMUNES[3])
    assert [each.entry.level for each in one.history] == [1, 3]
    assert len(one.units) == 14
    assert one.about is not None
    assert one.about.code == COMMUNES[3]


def test_names_of_a_table_may_be_spelled_otherwise_and_tell_what_is_around(town: Town, chief: User) -> None:
    text = 'Xã,Huyện,Tỉnh,Cấp độ,Từ ngày\nxa 3,H. S,Tinh P,2,10/08/2022\n"Xã 8, huyện N",,,3,10/08/2022\n'
    assert take(town, chief, text, source="A") == epidemic.ImportedLevels(2, ())
    assert told(town, TODAY) == {COMMUNES[3]: 2, COMMUNES[8]: 3}


def test_of_a_table_nothing_is_guessed_that_contradicts_itself(town: Town, chief: User) -> None:
    text = (
        f"code,name,district,level,from\n{FIRST},Xã 3,,2,2022-08-10\n{FIRST},Xã 0,N,2,2022-08-10\n"
        ",Xã 3,N,2,2022-08-10\n,Xã 3,T,2,2022-08-10\n,3,,2,2022-08-10\n"
    )
    done = take(town, chief, text, source="A")
    assert rows_and_sentences(done.faults) == [
        (2, f"the code {FIRST} is that of Xã 0, Huyện S, Tỉnh P ({FIRST}) here, which does not go with Xã 3"),
        (3, f"the code {FIRST} is that of Xã 0, Huyện S, Tỉnh P ({FIRST}) here, which does not go with N"),
        (4, "there is no Xã 3 here"),
        (5, "there is no T here in which the place could lie"),
        (6, "there is no 3 here"),
    ]
    assert told(town, TODAY) == {}


def test_codes_that_lost_their_zeros_are_taken_and_told(town: Town, chief: User) -> None:
    done = take(town, chief, f"code,level,from\n{FIRST.lstrip('0')},2,2022-08-10\n", source="A")
    assert (done.entered, [finding.code for finding in done.findings]) == (1, ["codes_lost_zeros"])
    assert dict(done.findings[0].facts) == {"count": "1", "example": FIRST.lstrip("0"), "code": FIRST}
