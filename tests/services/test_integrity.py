"""Signs in canvassers' forms through the real intake: what is read, who sees names, notes, and second interviews."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from mapper.domain.roles import Role
from mapper.errors import Forbidden, InvalidInput, NotFound
from mapper.services import accounts, audit, back_checks, intake, integrity
from mapper.services.accounts import User
from mapper.services.back_check_round import Round, draw_round
from mapper.services.back_checks import Told
from mapper.services.integrity import Period
from mapper.stats.second_interview import Agreement
from mapper.store import tables
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, inside, person

PERIOD = Period("covid19", DAY - timedelta(days=10), DAY, "squares")
MORNING = datetime.combine(DAY, time(1), UTC)
CHIEF = User(0, "chief", Role.SUPERVISOR, (("squares", COMMUNES[0]),), 0)


def work(town: Town, sender: int, houses: int, seconds: int, commune: int = 0, first: int = 0) -> None:
    """Houses a hundred metres and half an hour apart, two people in each, nobody like the next."""
    for number in range(first, first + houses):
        start = MORNING + timedelta(minutes=30 * (number % 20)) - timedelta(days=number // 20)
        people = [
            person(date(1950 + number, 1 + age, 1 + number % 28), sex=("male", "female")[number % 2])
            for age in range(2)
        ]
        answers = {
            "household.point": inside(
                commune, 0.20037 + number * 0.01, 0.30041 + 0.001 * (37 * number * number % 97), 4.0 + number % 5
            ),
            "household.house_number": str(number),
            "started": start,
            "ended": start + timedelta(seconds=seconds),
        }
        xml = town.write(answers, people, commune=commune)
        intake.receive(town.reference, xml, {}, sender_id=sender, received=datetime.combine(DAY, time(9), UTC))


def canvasser(town: Town, name: str, commune: int = 0) -> int:
    return accounts.add_user(town.reference, name, "canvasser", [f"squares:{COMMUNES[commune]}"]).id


def found(town: Town, user: User = EVERYTHING, period: Period = PERIOD) -> integrity.Shown:
    return integrity.shown(town.reference, user, period, integrity.examine(town.reference, user, period))


def signs(shown: integrity.Shown) -> set[tuple[str, str]]:
    return {(sign.name, sign.evidence.test) for sign in shown.open}


def test_short_interviews_are_seen_by_whoever_looks_after_the_canvasser_and_nobody_else(town: Town) -> None:
    quick, slow, far = canvasser(town, "Nhanh"), canvasser(town, "Chậm"), canvasser(town, "Xa", 1)
    work(town, quick, 12, 100)
    work(town, slow, 12, 600)
    work(town, far, 12, 100, commune=1)
    assert signs(found(town)) == {("Nhanh", "short"), ("Xa", "short")}
    shown = found(town, CHIEF)
    assert signs(shown) == {("Nhanh", "short")}
    assert {row.name for row in shown.rows} == {"Nhanh", "Chậm"}
    (sign,) = shown.open
    assert (sign.evidence.odd, sign.evidence.of) == (12, 12)
    evidence = {shown.told[key].house_number: shown.told[key] for key in sign.evidence.keys}
    assert set(evidence) == {str(number) for number in range(12)}
    assert (evidence["2"].opened, evidence["2"].minutes, evidence["2"].people) == (
        (MORNING + timedelta(hours=1)).isoformat(timespec="seconds"),
        100 / 60,
        2,
    )
    assert {row.name: row.work.minutes for row in shown.rows} == {"Nhanh": 100 / 60, "Chậm": 10.0}
    for role in (Role.PLANNER, Role.CANVASSER):
        with pytest.raises(Forbidden):
            integrity.examine(town.reference, User(0, "x", role, (), 0), PERIOD)


def test_forms_out_of_the_period_are_not_read(sqlite_town: Town) -> None:
    work(sqlite_town, canvasser(sqlite_town, "Nhanh"), 12, 100)
    later = Period("covid19", DAY + timedelta(days=1), DAY + timedelta(days=9), "squares")
    assert (found(sqlite_town, period=later).forms, found(sqlite_town).forms) == (0, 12)


def test_an_explanation_closes_a_sign_until_newer_forms_show_the_same(town: Town) -> None:
    quick = canvasser(town, "Nhanh")
    work(town, quick, 12, 100)
    (sign,) = found(town, CHIEF).open
    explained = (town.reference, CHIEF, "covid19", quick, "short", sign.newest)
    with pytest.raises(InvalidInput):
        integrity.explain(*explained, "  ")
    integrity.explain(*explained, "Điền từ danh sách có sẵn.")
    shown = found(town, CHIEF)
    assert not shown.open
    assert [each.note.words for each in shown.closed if each.note] == ["Điền từ danh sách có sẵn."]
    integrity.open_again(town.reference, CHIEF, "covid19", quick, "short")
    assert signs(found(town, CHIEF)) == {("Nhanh", "short")}
    integrity.explain(*explained, "Điền từ danh sách có sẵn.")
    work(town, quick, 1, 100, first=12)
    (sign,) = found(town, CHIEF).open
    assert sign.note is not None and sign.note.words == "Điền từ danh sách có sẵn."
    told = [(entry.action, entry.subject) for entry in audit.entries(town.reference, 10)]
    assert told.count(("integrity.explained", str(quick))) == 2
    assert told.count(("integrity.reopened", str(quick))) == 1
    elsewhere = User(0, "x", Role.SUPERVISOR, (("squares", COMMUNES[1]),), 0)
    with pytest.raises(NotFound):
        integrity.explain(town.reference, elsewhere, "covid19", quick, "short", 1, "Tôi biết.")


def drawn(town: Town, quick: int, other: int | None, houses: int = 3, user: User = CHIEF) -> int:
    return back_checks.draw_houses(town.reference, user, PERIOD, quick, other, houses, "seed")


def test_houses_of_a_canvasser_are_drawn_and_both_interviews_compared(town: Town) -> None:
    quick, other = canvasser(town, "Nhanh"), canvasser(town, "Khác")
    work(town, quick, 8, 100)
    work(town, other, 4, 600, first=8)
    number = drawn(town, quick, other)
    shown = back_checks.back_check(town.reference, CHIEF, number)
    numbers = [house.visit.house_number for house in shown.houses if house.visit]
    assert len(set(numbers)) == 3
    assert set(numbers) <= {str(each) for each in range(8)}, "none that somebody else asked"
    again = back_checks.back_check(town.reference, CHIEF, drawn(town, quick, other))
    assert [house.instance_id for house in again.houses] == [house.instance_id for house in shown.houses]
    assert (shown.canvasser, shown.checker, shown.kept.drawn_from, shown.agreements) == ("Nhanh", "Khác", 8, ())
    first = shown.houses[0].visit
    assert first is not None
    born = [str(each.born_on.year) for each in first.people if each.born_on]
    lived = ("yes", born[0], first.people[0].sex or "", "2")
    back_checks.tell(town.reference, CHIEF, number, 1, Told("met", "no", "2", (lived, ("no", "", "", ""))))
    told = {one.question: one for one in back_checks.back_check(town.reference, CHIEF, number).agreements}
    assert told["came"] == Agreement("came", 0, 1, None)
    assert told["people"] == Agreement("people", 1, 1, None)
    assert (told["lives"].same, told["lives"].of) == (1, 2)
    assert (told["born"].same, told["sex"].same, told["doses"].same) == (1, 1, 0)
    told_once = back_checks.back_check(town.reference, CHIEF, number).houses[0]
    unlike = [(one.question, one.first, one.again) for one in back_checks.differences(told_once)]
    assert unlike == [
        ("came", "yes", "no"),
        ("doses", back_checks.answers_of(first.people[0])["doses"], "2"),
        ("lives", "yes", "no"),
    ]
    back_checks.tell(town.reference, CHIEF, number, 2, Told("unmet"))
    absent = back_checks.back_check(town.reference, CHIEF, number)
    assert back_checks.asked_twice(absent.houses[1]) == [], "nobody met is no difference"
    assert [one.of for one in absent.agreements] == [one.of for one in told.values()]
    actions = [entry.action for entry in audit.entries(town.reference, 20)]
    assert actions.count("backcheck.drawn") == 2
    assert actions.count("backcheck.told") == 2
    assert "backcheck.seen" in actions
    assert [(line.told, line.houses) for line in back_checks.lines(town.reference, CHIEF, "covid19")] == [
        (0, 3),
        (2, 3),
    ]


def test_a_round_draws_the_same_share_of_every_canvasser_and_no_house_twice(town: Town) -> None:
    senders = [canvasser(town, name) for name in ("Một", "Hai", "Ba")]
    elsewhere = canvasser(town, "Bốn", commune=1)
    for place, sender in enumerate(senders):
        work(town, sender, (11, 4, 1)[place], 600, first=20 * place)
    work(town, elsewhere, 3, 600, commune=1)

    def houses(made: Round) -> dict[int, tuple[int | None, list[str]]]:
        shown = [back_checks.back_check(town.reference, CHIEF, number) for number in made.numbers]
        return {
            one.kept.canvasser_id: (one.kept.checker_id, [house.instance_id for house in one.houses]) for one in shown
        }

    first = draw_round(town.reference, CHIEF, PERIOD, 20, True, "mầm")
    told = houses(first)
    # A fifth of 11 rounded up, at least two of 4, and the only one; nobody of the next commune.
    assert [len(told[sender][1]) for sender in senders] == [3, 2, 1]
    assert (set(told), first.houses, first.left_out) == (set(senders), 6, 0)
    assert sorted(checker or 0 for checker, _ in told.values()) == senders
    assert all(checker != sender for sender, (checker, _) in told.items())
    own = back_checks.back_check(town.reference, CHIEF, first.numbers[0]).kept
    assert (own.seed, own.drawn_from) == (f"mầm-{senders[0]}", 11)
    # Drawn again from what is kept: the interviews by their fingerprint, and the seed.
    single = drawn(town, senders[0], None, 3)
    assert back_checks.back_check(town.reference, CHIEF, single).kept.fingerprint == own.fingerprint
    again = back_checks.draw_houses(town.reference, CHIEF, PERIOD, senders[0], None, 3, own.seed)
    assert [one.instance_id for one in back_checks.back_check(town.reference, CHIEF, again).houses] == told[senders[0]][
        1
    ]

    taken = {each for _, all_ in told.values() for each in all_}
    taken |= {one.instance_id for one in back_checks.back_check(town.reference, CHIEF, single).houses}
    second = draw_round(town.reference, CHIEF, PERIOD, 20, False, "mầm")
    more = houses(second)
    assert set(more) == set(senders[:2]), "the third has no other house"
    assert second.left_out == 1
    assert all(checker is None for checker, _ in more.values())
    assert not taken & {each for _, all_ in more.values() for each in all_}
    for percent, seed in ((7, ""), (10, "x" * 41)):
        with pytest.raises(InvalidInput):
            draw_round(town.reference, CHIEF, PERIOD, percent, False, seed)
    with pytest.raises(Forbidden):
        draw_round(town.reference, User(0, "x", Role.CANVASSER, (), 0), PERIOD, 10, False)


def test_a_whole_interview_that_somebody_else_sends_later_is_compared_by_itself(town: Town) -> None:
    quick, other = canvasser(town, "Nhanh"), canvasser(town, "Khác")

    def ask(sender: int, people: list[dict[str, object]], instance: str) -> None:
        house = "5a0c1b5e-0000-4000-8000-000000000001"
        xml = town.write({}, people, instance=instance, entity=house)
        intake.receive(town.reference, xml, {}, sender_id=sender, received=datetime.combine(DAY, time(9), UTC))

    lan, nam = person(name="Nông Thị Lan"), person(date(2010, 3, 4), name="Nông Văn Nam", sex="male")
    ask(quick, [lan, nam, person(name="Hà Thị Không")], "uuid:first")
    number = drawn(town, quick, other)
    assert back_checks.back_check(town.reference, CHIEF, number).agreements == ()
    ask(quick, [lan, nam], "uuid:own")
    assert back_checks.back_check(town.reference, CHIEF, number).houses[0].later is None, "not by the same"
    ask(other, [person(name="nong thi lan"), {**nam, "person.sex": "female"}], "uuid:again")
    shown = back_checks.back_check(town.reference, CHIEF, number)
    told = {one.question: (one.same, one.of) for one in shown.agreements}
    assert told == {"people": (0, 1), "lives": (2, 3), "born": (2, 2), "sex": (1, 2), "doses": (2, 2)}
    assert shown.houses[0].later == "uuid:again"


def test_a_draw_that_makes_no_sense_is_refused(sqlite_town: Town) -> None:
    town = sqlite_town
    quick, idle = canvasser(town, "Nhanh"), canvasser(town, "Nghỉ")
    work(town, quick, 3, 600)
    for asked in ((quick, quick), (idle, quick)):
        with pytest.raises(InvalidInput):
            drawn(town, *asked)
    with pytest.raises(InvalidInput):
        drawn(town, quick, idle, 0)
    number = drawn(town, quick, None, 50)
    assert len(back_checks.back_check(town.reference, CHIEF, number).houses) == 3, "all there are"
    elsewhere = User(0, "x", Role.SUPERVISOR, (("squares", COMMUNES[1]),), 0)
    with pytest.raises(NotFound):
        drawn(town, quick, None, user=elsewhere)
    with pytest.raises(NotFound):
        back_checks.back_check(town.reference, elsewhere, number)
    for told in (
        Told(""),
        Told("met", "perhaps"),
        Told("met", people="-1"),
        Told("met", persons=(("yes", "80", "", ""),)),
    ):
        with pytest.raises(InvalidInput):
            back_checks.tell(town.reference, CHIEF, number, 1, told)
    with pytest.raises(NotFound):
        back_checks.tell(town.reference, CHIEF, number, 4, Told("unmet"))
    with town.reference.database.read() as connection:
        kept = connection.execute(tables.back_check_houses.select()).all()
    assert [row.told for row in kept] == [None, None, None]
