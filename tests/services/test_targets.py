"""Targets of areas: figures, pace and ranking from tallies; own targets and responsible people, and who may enter them.

Every house stands in a square of the town; numbers are worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from mapper.domain.coverage import Verdict
from mapper.domain.ledger import State
from mapper.domain.roles import Role
from mapper.errors import Forbidden, InvalidInput, NotFound
from mapper.services import reporting, responsible, target_setting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.questions import Question
from mapper.services.ranking import Band, band_of
from mapper.services.targets import Targets, targets
from mapper.store import audit as audit_store
from mapper.store import tables
from mapper.store import targets as kept
from mapper.store.targets import Place
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, HAMLETS, Town, person

CHILD = date(2014, 1, 1)
SERIES = ("covid19", "5_11", "1")
FIRST, SECOND = Area("commune", COMMUNES[0]), Area("commune", COMMUNES[1])
SOUTH = Area("district", "S")
HERE = Area("hamlet", HAMLETS[0][0])


def someone(role: Role, *areas: tuple[str, str]) -> User:
    return User(1, "somebody", role, areas, 0)


SOUTHERN = someone(Role.SUPERVISOR, ("squares", "S"))
NORTHERN = someone(Role.SUPERVISOR, ("squares", "N"))


@pytest.fixture
def known_users(town: Town) -> Town:
    """Rows of the trail and of targets name users who exist."""
    one = {"id": 1, "name": "somebody", "role": "supervisor", "created_at": "2022-08-01T00:00:00+00:00"}
    with town.reference.database.write() as connection:
        connection.execute(tables.users.insert().values(active=True, session_epoch=0, token_epoch=0, **one))
    return town


def asked(level: str = "commune", day: date = DAY, group: str = "5_11", dose: str = "1") -> Question:
    return Question("covid19", group, dose, day, level, "squares")


def children(town: Town, days: Sequence[date | None], commune: int = 0, hamlet: int = 0) -> None:
    """A house of children, each with the day of their first dose or None."""
    people = [person(CHILD, [("1", on, "pfizer")] if on else []) for on in days]
    town.send(town.write(people=people, commune=commune, hamlet=hamlet))


def of_series(found: Targets, group: str, dose: str) -> tuple[int, int | None]:
    one = next(each for each in found.every if (each.group.code, each.dose.code) == (group, dose))
    return one.figures.states[State.VACCINATED], one.outlook.needed


def ranked(found: Targets, band: Band = Band.JUDGED) -> list[tuple[int | None, str | None]]:
    return [(one.rank, one.figures.code) for one in found.ranking[band].units]


def test_needed_and_pace_come_from_tallies(town: Town) -> None:
    # On 15 August: doses of 8, 9 and 15 August, and one long before. After the 8th: two people in 7 days.
    children(town, [date(2022, 8, 8), date(2022, 8, 9), DAY, date(2022, 5, 1), None, None])
    found = targets(town.reference, EVERYTHING, asked())
    look = found.chosen.outlook
    # 95 % of 6 is 5.7, so 6 people are wanted and 4 are there; the deadline is 31 August, 16 days on.
    assert (look.needed, look.days_left, look.per_day) == (2, 16, Fraction(1, 8))
    assert look.pace is not None
    assert (look.pace.people, look.pace.days, look.pace.until) == (2, 7, DAY)
    assert found.window == (date(2022, 8, 8), DAY)
    assert look.projected == date(2022, 8, 22)
    assert [one.outlook.pace.people for one in found.ranking[Band.THIN].units if one.outlook.pace] == [2]
    assert of_series(found, "5_11", "2") == (0, 6)
    assert of_series(found, "18_plus", "1") == (0, None)


def test_days_after_the_last_visit_do_not_slow_the_pace(town: Town) -> None:
    children(town, [date(2022, 8, 9), DAY, None])
    later = targets(town.reference, EVERYTHING, asked(day=date(2022, 8, 29)))
    assert later.chosen.outlook.pace is not None
    assert (later.chosen.outlook.pace.people, later.chosen.outlook.pace.until) == (2, DAY)
    assert later.chosen.outlook.days_left == 2
    nothing = targets(town.reference, NORTHERN, asked())
    assert nothing.window is None
    assert nothing.chosen.outlook.pace is None


def test_people_due_or_eligible_only_after_the_deadline_are_counted_apart(town: Town) -> None:
    def first(on: date) -> dict[str, object]:
        return person(CHILD, [("1", on, "pfizer")])

    # Dose 2 follows 28 days after dose 1. Asked on 15 August, with the deadline on the 31st:
    people = [
        person(CHILD, [("1", date(2022, 6, 1), "pfizer"), ("2", date(2022, 7, 1), "pfizer")]),  # vaccinated
        first(date(2022, 6, 1)),  # due
        first(date(2022, 8, 3)),  # waits until 31 August: just in time
        first(date(2022, 8, 4)),  # until 1 September: a day too late
        person(date(2010, 8, 20), [("1", date(2022, 6, 1), "pfizer")]),  # due, but twelve years old by then
        person(date(2017, 8, 25)),  # turns five in time, but has no first dose: waits
        person(date(2017, 9, 5)),  # turns five too late: in nobody's count
    ]
    town.send(town.write(people=people))
    found = targets(town.reference, EVERYTHING, asked(dose="2"))
    look = found.chosen.outlook
    at = look.at_deadline
    # Of 5 now, 1 is vaccinated: 95 % are 5, so 4 are needed. On the 31st: 1 vaccinated, 2 due, 2 waiting, one gone.
    assert (look.needed, look.still) == (4, 4)
    assert at is not None
    assert (at.vaccinated, at.due, at.waiting, at.deferred, at.eligible) == (1, 2, 2, 0, 5)
    assert (at.highest, look.too_late, look.per_day) == (Fraction(3, 5), True, Fraction(2, 16))
    assert [one.outlook.at_deadline for one in found.ranking[Band.THIN].units] == [at]
    # Dose 1 in the same answer: on the 31st 4 of 5 children are vaccinated, and the one who turned five is due.
    other = next(one for one in found.every if (one.group.code, one.dose.code) == ("5_11", "1")).outlook.at_deadline
    assert other is not None and (other.vaccinated, other.due, other.highest) == (4, 1, 1)
    # The next submission is in the next answer; after the deadline there is nothing left to reach.
    children(town, [date(2022, 6, 1)], commune=1)
    again = targets(town.reference, EVERYTHING, asked(dose="2")).chosen.outlook.at_deadline
    assert again is not None and (again.due, again.eligible) == (3, 6)
    assert targets(town.reference, EVERYTHING, asked(dose="2", day=date(2022, 9, 1))).chosen.outlook.at_deadline is None


def test_who_grows_out_of_the_group_takes_a_vaccination_along(town: Town) -> None:
    # The first turns twelve on the 12th: one vaccinated child fewer, though nobody lost a dose.
    grown = person(date(2010, 8, 12), [("1", date(2022, 5, 1), "pfizer")])
    other = person(CHILD, [("1", date(2022, 5, 1), "pfizer")])
    town.send(town.write(people=[grown, other, person(CHILD)]))
    look = targets(town.reference, EVERYTHING, asked()).chosen.outlook
    assert look.pace is not None
    assert (look.pace.people, look.projected, look.needed) == (-1, None, 1)
    before = targets(town.reference, EVERYTHING, asked(day=date(2022, 8, 11))).chosen
    assert (before.figures.states[State.VACCINATED], before.outlook.needed) == (2, 1)


def test_a_count_that_comes_later_is_in_the_next_answer(town: Town) -> None:
    children(town, [DAY])
    assert of_series(targets(town.reference, EVERYTHING, asked()), "5_11", "1") == (1, 0)
    children(town, [DAY, None], commune=1)
    found = targets(town.reference, EVERYTHING, asked())
    assert of_series(found, "5_11", "1") == (2, 1)
    assert found.chosen.outlook.pace is not None
    assert found.chosen.outlook.pace.people == 2


def test_every_series_equals_the_figures_of_its_own_question(town: Town) -> None:
    for commune in range(3):
        children(town, [DAY, None], commune=commune)
        town.send(town.write(people=[person(), person(date(1950, 1, 1))], commune=commune))
    town.send(town.write({"visit.outcome": "absent"}, commune=1))
    for user in (EVERYTHING, SOUTHERN, someone(Role.COMMUNE_SUPERVISOR, ("squares", COMMUNES[1]))):
        for area in (None, SOUTH, FIRST, HERE):
            found = targets(town.reference, user, asked(), area)
            for one in found.every:
                question = asked("hamlet", group=one.group.code, dose=one.dose.code)
                assert one.figures == reporting.coverage(town.reference, user, question, area).total


def test_the_ranking_is_worst_first_and_equals_share_a_rank(town: Town) -> None:
    def whole(commune: int, days: Sequence[date | None]) -> None:
        """Most houses of each hamlet of a commune are visited; the children live in one of them."""
        children(town, days, commune=commune)
        for number, code in enumerate(HAMLETS[commune]):
            for _ in range(EXPECTED[code] * 6 // 10):
                town.send(town.write(commune=commune, hamlet=number))

    whole(0, [DAY, None])
    whole(1, [DAY, DAY, None, None])
    whole(2, [DAY, None, None])
    whole(3, [DAY])
    children(town, [None], commune=4)
    found = targets(town.reference, EVERYTHING, asked())
    # 1/3; twice 1/2, first where 2 are needed (4) and not 1 (2); 1/1.
    assert ranked(found) == [(1, COMMUNES[2]), (2, COMMUNES[1]), (2, COMMUNES[0]), (4, COMMUNES[3])]
    assert ranked(found, Band.THIN) == [(None, COMMUNES[4])]
    assert {code for _, code in ranked(found, Band.EMPTY)} == set(COMMUNES[5:])
    assert found.ranking[Band.JUDGED].units[0].above == "Huyện S"
    within = targets(town.reference, EVERYTHING, asked("hamlet"), FIRST)
    assert [one.figures.code for one in within.ranking[Band.JUDGED].units] == [HAMLETS[0][0]]
    assert {one.figures.code for one in within.ranking[Band.EMPTY].units} == set(HAMLETS[0][1:])


def test_houses_of_no_place_and_of_few_visits_are_apart(town: Town) -> None:
    children(town, [None])
    unit = next(one for one in town.ask("commune", "5_11").units if one.code == COMMUNES[0])
    assert band_of(unit) is Band.THIN
    assert band_of(unit._replace(code=None)) is Band.LOST
    half = unit.houses._replace(expected=10, unvisited=5)
    assert band_of(unit._replace(houses=half)) is Band.JUDGED
    assert band_of(unit._replace(houses=half._replace(unvisited=6))) is Band.THIN
    assert band_of(unit._replace(houses=half._replace(expected=None, unvisited=0))) is Band.JUDGED


# Targets of their own


def set_target(town: Town, area: Area, share: str, deadline: str = "", user: User = SOUTHERN) -> None:
    target_setting.set_target(town.reference, user, SERIES, "squares", area, share, deadline)


def trail(town: Town) -> list[tuple[str, str]]:
    with town.reference.database.read() as connection:
        return [(one.action, one.subject) for one in audit_store.newest(connection, 20)][::-1]


def goals_of(town: Town, level: str, area: Area | None = None) -> dict[str | None, Fraction | None]:
    answer = reporting.coverage(town.reference, EVERYTHING, asked(level), area)
    return {unit.code: unit.goal.share for unit in answer.units} | {"total": answer.total.goal.share}


def test_an_own_target_holds_for_the_unit_and_all_within_it(known_users: Town) -> None:
    town = known_users
    children(town, [DAY, DAY, DAY, None])
    children(town, [DAY], hamlet=1)
    children(town, [None], commune=1)
    set_target(town, FIRST, "80")
    communes = goals_of(town, "commune")
    assert (communes[COMMUNES[0]], communes[COMMUNES[1]]) == (Fraction(4, 5), Fraction(19, 20))
    assert communes["total"] == Fraction(19, 20)
    assert goals_of(town, "hamlet")[HAMLETS[0][1]] == Fraction(4, 5)
    assert goals_of(town, "hamlet", FIRST)["total"] == Fraction(4, 5)
    # 4 of 5 are vaccinated: enough for 80 %.
    assert targets(town.reference, EVERYTHING, asked(), FIRST).chosen.outlook.needed == 0
    set_target(town, HERE, "100", "2022-08-20")
    hamlets = {one.code: one.goal for one in reporting.coverage(town.reference, EVERYTHING, asked("hamlet")).units}
    assert (hamlets[HAMLETS[0][0]].share, hamlets[HAMLETS[0][0]].deadline) == (Fraction(1), date(2022, 8, 20))
    # Without a day of its own, the campaign's deadline stays.
    assert (hamlets[HAMLETS[0][1]].share, hamlets[HAMLETS[0][1]].deadline) == (Fraction(4, 5), date(2022, 8, 31))
    look = targets(town.reference, EVERYTHING, asked(), HERE).chosen.outlook
    assert (look.needed, look.days_left, look.goal.own) == (1, 5, True)
    # Another dose of the same group keeps the campaign's.
    other = reporting.coverage(town.reference, EVERYTHING, asked(dose="2")).units
    assert {unit.goal.share for unit in other} == {Fraction(19, 20)}


def test_a_district_s_target_reaches_communes_without_one(known_users: Town) -> None:
    town = known_users
    children(town, [DAY, None])
    set_target(town, SOUTH, "50")
    set_target(town, FIRST, "60")
    found = goals_of(town, "commune")
    assert (found[COMMUNES[0]], found[COMMUNES[1]], found[COMMUNES[8]]) == (
        Fraction(3, 5),
        Fraction(1, 2),
        Fraction(19, 20),
    )
    # Whoever sees the south alone is told its target; of one commune alone, that commune's.
    southern = reporting.coverage(town.reference, SOUTHERN, asked()).total.goal
    assert (southern.share, southern.own) == (Fraction(1, 2), True)
    chief = someone(Role.COMMUNE_SUPERVISOR, ("squares", COMMUNES[0]))
    assert reporting.coverage(town.reference, chief, asked()).total.goal.share == Fraction(3, 5)


def test_the_verdict_goes_by_the_own_target(known_users: Town) -> None:
    town = known_users
    for number, code in enumerate(HAMLETS[0]):
        for turn in range(EXPECTED[code]):
            days = [DAY, DAY, DAY, None] if (number, turn) == (0, 0) else []
            children(town, days, hamlet=number)
    assert targets(town.reference, EVERYTHING, asked(), FIRST).chosen.outlook.verdict is Verdict.NOT_MET
    set_target(town, FIRST, "75")
    assert targets(town.reference, EVERYTHING, asked(), FIRST).chosen.outlook.verdict is Verdict.MET
    set_target(town, FIRST, "75,5 %")
    assert targets(town.reference, EVERYTHING, asked(), FIRST).chosen.outlook.verdict is Verdict.NOT_MET


def test_targets_of_another_boundary_set_are_told_and_hold_for_the_people_who_had_them(known_users: Town) -> None:
    town = known_users
    town.import_strips()
    children(town, [DAY, None])
    for area in (FIRST, SECOND, HERE):
        set_target(town, area, "80")

    def told(user: User, set_id: str) -> dict[str, int]:
        return target_setting.set_elsewhere(town.reference, user, SERIES, set_id)

    # The hamlet's is no boundary set's, and holds in all.
    assert (told(SOUTHERN, "strips"), told(SOUTHERN, "squares"), told(NORTHERN, "later")) == ({"squares": 2}, {}, {})
    later = reporting.coverage(town.reference, EVERYTHING, replace(asked("hamlet"), set_id="strips"))
    assert {unit.code: unit.goal.share for unit in later.units}[HAMLETS[0][0]] == Fraction(4, 5)
    units = reporting.coverage(town.reference, EVERYTHING, replace(asked("commune"), set_id="strips")).units
    # All children known live in the commune of 80 %, which lies in X; of whom nobody is known, nothing is carried.
    assert {unit.code: (unit.goal.share, unit.goal.carried) for unit in units} == {
        "X": (Fraction(4, 5), "squares"),
        "Y": (Fraction(19, 20), ""),
        None: (Fraction(19, 20), ""),
    }


def test_a_target_is_taken_back_and_all_is_in_the_trail(known_users: Town) -> None:
    town = known_users
    children(town, [DAY, None])
    set_target(town, FIRST, "80")
    set_target(town, FIRST, "85")
    target_setting.remove_target(town.reference, SOUTHERN, SERIES, "squares", FIRST)
    assert goals_of(town, "commune")[COMMUNES[0]] == Fraction(19, 20)
    with pytest.raises(NotFound, match="no target of its own"):
        target_setting.remove_target(town.reference, SOUTHERN, SERIES, "squares", FIRST)
    place = f"squares:{COMMUNES[0]}"
    assert trail(town)[-3:] == [("target.set", place), ("target.set", place), ("target.removed", place)]


def test_who_may_not_set_a_target_changes_nothing(known_users: Town) -> None:
    town = known_users
    chief = someone(Role.COMMUNE_SUPERVISOR, ("squares", COMMUNES[0]))
    before = trail(town)
    for user in (NORTHERN, chief, someone(Role.PLANNER), someone(Role.SUPERVISOR, ("squares", COMMUNES[0]))):
        with pytest.raises(Forbidden):
            set_target(town, SOUTH, "80", user=user)
        assert not target_setting.may_set(town.reference, user, Place("squares", "district", "S"))
    with pytest.raises(Forbidden, match="set by supervisors"):
        set_target(town, FIRST, "80", user=chief)
    assert target_setting.may_set(town.reference, SOUTHERN, Place("squares", "district", "S"))
    assert target_setting.may_set(town.reference, SOUTHERN, Place("", "hamlet", HAMLETS[0][0]))
    assert not target_setting.may_set(town.reference, SOUTHERN, Place("", "hamlet", HAMLETS[8][0]))
    with town.reference.database.read() as connection:
        assert kept.every_target(connection) == []
    assert trail(town) == before


@pytest.mark.parametrize("share", ["", "0", "101", "100,01", "-5", "abc", "9.123", "1e2"])
def test_what_is_no_percentage_is_refused(known_users: Town, share: str) -> None:
    with pytest.raises(InvalidInput, match="is no target"):
        set_target(known_users, FIRST, share)


def test_percentages_are_read_exactly() -> None:
    assert target_setting.read_share("95") == Fraction(19, 20)
    assert target_setting.read_share(" 92,5 % ") == Fraction(37, 40)
    assert target_setting.read_share("33.33%") == Fraction(3333, 10_000)
    assert target_setting.read_share("100") == 1


def test_days_and_places_that_are_not_are_refused(known_users: Town) -> None:
    for day, words in (("31/8/2022", "is not a day"), ("2020-01-01", "outside of the campaign")):
        with pytest.raises(InvalidInput, match=words):
            set_target(known_users, FIRST, "80", day)
    for area in (Area("commune", "nowhere"), Area("hamlet", "nowhere"), Area("district", COMMUNES[0])):
        with pytest.raises(NotFound):
            set_target(known_users, area, "80", user=EVERYTHING)
    for series in (("covid19", "5_11", "9"), ("covid19", "nobody", "1")):
        with pytest.raises(InvalidInput, match="has no dose"):
            target_setting.set_target(known_users.reference, SOUTHERN, series, "squares", FIRST, "80")
    with known_users.reference.database.read() as connection:
        assert kept.every_target(connection) == []


# Who answers for a place


def people(town: Town) -> dict[str, tuple[str, str, str]]:
    with town.reference.database.read() as connection:
        found = kept.responsible(connection, "squares").values()
        return {one.place.code: (one.name, one.position, one.phone) for one in found}


def test_who_answers_for_a_place_is_entered_changed_and_taken_out(known_users: Town) -> None:
    town = known_users
    chief = someone(Role.COMMUNE_SUPERVISOR, ("squares", COMMUNES[0]))
    name = responsible.name_responsible
    name(town.reference, chief, "squares", FIRST, " Nông  Văn A ", "Chủ tịch xã", "0912 345 678")
    name(town.reference, chief, "squares", HERE, "Lý Thị B")
    assert people(town) == {
        COMMUNES[0]: ("Nông Văn A", "Chủ tịch xã", "0912 345 678"),
        HAMLETS[0][0]: ("Lý Thị B", "", ""),
    }
    found = targets(town.reference, EVERYTHING, asked(), FIRST)
    assert found.responsible is not None
    assert found.responsible.name == "Nông Văn A"
    communes = targets(town.reference, EVERYTHING, asked()).ranking[Band.EMPTY].units
    assert {one.figures.code: one.responsible.name for one in communes if one.responsible} == {
        COMMUNES[0]: "Nông Văn A"
    }
    name(town.reference, chief, "squares", HERE, "Lý Thị C", phone="+84 912 345 678")
    name(town.reference, chief, "squares", FIRST, "")
    assert people(town) == {HAMLETS[0][0]: ("Lý Thị C", "", "+84 912 345 678")}
    commune, hamlet = f"squares:{COMMUNES[0]}", f"hamlet:{HAMLETS[0][0]}"
    assert trail(town)[-4:] == [
        ("responsible.set", commune),
        ("responsible.set", hamlet),
        ("responsible.set", hamlet),
        ("responsible.removed", commune),
    ]


def test_who_does_not_oversee_a_place_names_nobody_there(known_users: Town) -> None:
    town = known_users
    for user in (NORTHERN, someone(Role.PLANNER), someone(Role.COMMUNE_SUPERVISOR, ("", HAMLETS[0][0]))):
        with pytest.raises(Forbidden):
            responsible.name_responsible(town.reference, user, "squares", FIRST, "Nông Văn A")
    with pytest.raises(Forbidden):
        responsible.list_to_fill(town.reference, someone(Role.PLANNER), "squares", None)
    for phone in ("12", "0912 345 678 901 234 5", "gọi sau"):
        with pytest.raises(InvalidInput, match="telephone number"):
            responsible.name_responsible(town.reference, SOUTHERN, "squares", FIRST, "Nông Văn A", phone=phone)
    with pytest.raises(InvalidInput, match="1 to 80"):
        responsible.name_responsible(town.reference, SOUTHERN, "squares", FIRST, "A" * 81)
    assert people(town) == {}


def test_a_list_is_downloaded_filled_in_and_entered(known_users: Town) -> None:
    town = known_users
    chief = someone(Role.COMMUNE_SUPERVISOR, ("squares", COMMUNES[0]))
    listed = responsible.list_to_fill(town.reference, chief, "squares", None)
    assert [(one.level, one.code) for one in listed if one.level == "commune"] == [("commune", COMMUNES[0])]
    assert {one.code for one in listed if one.level == "hamlet"} == set(HAMLETS[0])
    assert {one.code for one in responsible.list_to_fill(town.reference, EVERYTHING, "squares", SECOND)} == {
        COMMUNES[1],
        *HAMLETS[1],
    }
    lines = ["cấp;mã;nơi;họ tên;chức vụ;điện thoại", f"commune;{COMMUNES[0]};x;Nông Văn A;Chủ tịch;912345678"]
    lines += [f"hamlet;{code};;{'Lý Thị B' if code == HAMLETS[0][0] else ''};;" for code in HAMLETS[0]]
    data = ("\ufeff" + "\r\n".join(lines)).encode()
    assert responsible.take_list(town.reference, chief, "squares", data) == 2
    # The spreadsheet had taken the zero off the number.
    assert people(town)[COMMUNES[0]] == ("Nông Văn A", "Chủ tịch", "0912345678")
    assert people(town)[HAMLETS[0][0]][0] == "Lý Thị B"
    assert ("responsible.listed", "squares") in trail(town)
    again = responsible.list_to_fill(town.reference, chief, "squares", FIRST)
    assert [one.responsible.name for one in again if one.responsible] == ["Nông Văn A", "Lý Thị B"]


def test_a_code_whose_zeros_a_spreadsheet_took_is_understood(known_users: Town) -> None:
    town = known_users
    assert COMMUNES[0].startswith("0")
    data = f"level,code,name\ncommune,{COMMUNES[0].lstrip('0')},A\n".encode()
    assert responsible.take_list(town.reference, SOUTHERN, "squares", data) == 1
    assert set(people(town)) == {COMMUNES[0]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code,name\n1,A", "lacks the column level"),
        ("level,code,name", "Nobody is named"),
        ("level,code,name\ncommune,{0},", "Nobody is named"),
        ("level,code,name\ncommune,{0},A\ncommune,{0},B", "Lines 2 and 3"),
        ("level,code,name\ncommune,{0},A\nvillage,1,B", "Line 3 of the list: there is no level village"),
        ("level,code,name\ncommune,{0},A\ncommune,99999,B", "Line 3 of the list: there is no commune with the code"),
        ("level,code,place,name\ncommune,{0},Xã 3,A", "Line 2 of the list: Xã 3 may be another place"),
        ("level,code,name,phone\ncommune,{0},A,12", "Line 2 of the list: a telephone number"),
        ('level,code,name\ncommune,{0},"A', "Line 2 of the list"),
    ],
    ids=["column", "empty", "nobody", "twice", "level", "code", "another", "phone", "quotes"],
)
def test_of_a_wrong_list_nothing_is_taken_and_the_line_is_named(known_users: Town, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        responsible.take_list(known_users.reference, SOUTHERN, "squares", text.format(COMMUNES[0]).encode())
    with pytest.raises(InvalidInput, match="UTF-8"):
        responsible.take_list(known_users.reference, SOUTHERN, "squares", "level,code,name\ná".encode("utf-16"))
    assert people(known_users) == {}


def test_a_line_of_another_area_spoils_the_whole_list(known_users: Town) -> None:
    data = f"level,code,name\ncommune,{COMMUNES[0]},A\ncommune,{COMMUNES[8]},B\n".encode()
    with pytest.raises(Forbidden, match="Line 3 of the list"):
        responsible.take_list(known_users.reference, SOUTHERN, "squares", data)
    assert people(known_users) == {}
