"""The COVID-19 census, person by person and dose by dose: what is asked, what is stopped."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.engine.census import (
    ADULT,
    DAY,
    FIRST,
    HOUSE,
    SECOND,
    TODAY,
    adult,
    at_the_door,
    refusal,
    vaccinated,
    with_doses,
    with_person,
)
from tests.engine.javarosa import Form, Refused

pytestmark = pytest.mark.today


@pytest.mark.parametrize(("born", "taken"), [(TODAY, True), (TODAY + DAY, False), (date(1850, 1, 1), False)])
def test_birth_lies_within_a_lifetime(census: Form, born: date, taken: bool) -> None:
    entry = with_person(census, "birth_date")
    if taken:
        entry.answer("birth_date", born)
        assert entry.value("age_shown") == "0"
    else:
        assert refusal(entry, "birth_date", born) == "Ngày sinh không thể sau hôm nay, và không ai quá 120 tuổi."


@pytest.mark.parametrize(("years_ago", "taken"), [(0, True), (120, True), (121, False), (-1, False)])
def test_birth_year_lies_within_a_lifetime(census: Form, years_ago: int, taken: bool) -> None:
    entry = with_person(census, "birth_date", birth_known="year")
    if taken:
        entry.answer("birth_year", TODAY.year - years_ago)
        assert entry.value("age_shown") == str(years_ago)
    else:
        assert refusal(entry, "birth_year", TODAY.year - years_ago).startswith("Năm sinh không thể sau năm nay")


@pytest.mark.parametrize(("age", "taken"), [(0, True), (120, True), (121, False), (-1, False)])
def test_age_lies_within_a_lifetime(census: Form, age: int, taken: bool) -> None:
    entry = with_person(census, "birth_date", birth_known="age")
    if taken:
        assert entry.answer("age_years", age).value("age_shown") == str(age)
    else:
        assert refusal(entry, "age_years", age) == "Tuổi từ 0 đến 120."


def test_only_what_is_known_of_the_birth_is_asked(census: Form) -> None:
    questions = {"date": "birth_date", "year": "birth_year", "age": "age_years"}
    for known, asked in questions.items():
        entry = with_person(census, "birth_date", birth_known=known)
        assert [name for name in questions.values() if entry.is_relevant(name)] == [asked]


@pytest.mark.parametrize(("days", "age"), [(0, 30), (1, 29), (-1, 30)])
def test_age_shown_is_that_of_the_day(census: Form, days: int, age: int) -> None:
    birthday = date(TODAY.year - 30, TODAY.month, min(TODAY.day, 28))
    shift = TODAY - date(TODAY.year, TODAY.month, min(TODAY.day, 28))
    entry = with_person(census, "birth_date").answer("birth_date", birthday + shift + days * DAY)
    assert entry.label("residence") == f"Nông Thị Mỷ, {age} tuổi, hiện ở đâu?"


def test_place_is_asked_of_those_who_are_or_were_elsewhere(census: Form) -> None:
    asked = {}
    for residence in ("here", "works_away", "absent", "moved_in", "moved_out"):
        entry = with_person(census, "priority", residence=residence)
        asked[residence] = entry.is_relevant("away_place")
    assert asked == {"here": False, "works_away": True, "absent": True, "moved_in": True, "moved_out": True}


def test_who_moved_out_is_asked_nothing_about_health(census: Form) -> None:
    entry = with_person(census, "priority", residence="moved_out").answer("away_place", "Bình Dương")
    assert not entry.is_relevant("priority")
    assert b"<vaccinated" not in entry.finalise()


def test_small_children_are_listed_without_health_questions(census: Form) -> None:
    for age, asked in ((3, False), (4, True)):
        entry = with_person(census, "birth_date", birth_known="age").fill({"age_years": age, "residence": "here"})
        assert entry.is_relevant("vaccinated") is asked


@pytest.mark.parametrize(
    ("groups", "sex", "taken"),
    [
        (["none"], "male", True),
        (["underlying_disease", "frontline"], "male", True),
        (["pregnant"], "female", True),
        (["pregnant"], "male", False),
        (["none", "frontline"], "female", False),
    ],
)
def test_priority_groups_do_not_contradict(census: Form, groups: list[str], sex: str, taken: bool) -> None:
    entry = with_person(census, "priority", sex=sex)
    if taken:
        assert entry.answer("priority", groups).value("priority") == " ".join(groups)
    else:
        assert refusal(entry, "priority", groups).startswith("Không thuộc nhóm nào thì")


@pytest.mark.parametrize(
    ("day", "taken"),
    [(TODAY, True), (date(2020, 1, 1), True), (date(2019, 12, 31), False), (TODAY + DAY, False)],
)
def test_infection_lies_between_2020_and_today(census: Form, day: date, taken: bool) -> None:
    entry = with_person(census, "infected").answer("infected", "yes")
    if taken:
        entry.answer("infected_on", day)
    else:
        assert refusal(entry, "infected_on", day).startswith("Ngày mắc phải từ năm 2020")


def test_infection_before_birth_is_refused(census: Form) -> None:
    born = TODAY - timedelta(days=5 * 366)
    entry = with_person(census, "infected", birth_date=born).answer("infected", "yes")
    refusal(entry, "infected_on", born - DAY)
    entry.answer("infected_on", born)


@pytest.mark.parametrize(("day", "taken"), [(TODAY, True), (TODAY + 90 * DAY, True), (TODAY - DAY, False)])
def test_deferral_ends_on_a_day_to_come(census: Form, day: date, taken: bool) -> None:
    entry = with_person(census, "deferred").answer("deferred", "yes")
    if taken:
        entry.answer("deferred_until", day).answer("deferral_reason", "acute_illness")
    else:
        assert refusal(entry, "deferred_until", day) == "Ngày hết hoãn không thể trước ngày đến nhà."


def test_household_is_corrected_after_a_deferral_in_it_has_ended(census: Form) -> None:
    entry = census.new(on=TODAY - 20 * DAY).fill(HOUSE)
    entry.add("person")
    people = adult(deferred="yes", deferred_until=TODAY - 5 * DAY, deferral_reason="acute_illness")
    late = {name: people.pop(name) for name in ("vaccinated", "consent")}
    for name, value in {**people, **late}.items():
        entry.answer(name, value)
    edited = census.edit(entry.finalise()).answer("house_number", "14").finalise()
    assert f"<deferred_until>{TODAY - 5 * DAY}</deferred_until>".encode() in edited


def test_contraindicated_person_is_asked_what_it_is_and_not_for_consent(census: Form) -> None:
    entry = with_person(census, "contraindicated").answer("contraindicated", "yes")
    assert [entry.is_relevant(name) for name in ("contraindication", "deferred", "consent")] == [True, False, False]
    entry.answer("contraindicated", "no")
    assert [entry.is_relevant(name) for name in ("contraindication", "deferred", "consent")] == [False, True, True]


def test_who_does_not_agree_is_asked_why(census: Form) -> None:
    entry = with_person(census, "consent")
    for consent, asked in (("yes", False), ("no", True), ("undecided", True)):
        assert entry.answer("consent", consent).is_relevant("refusal_reason") is asked
    entry.answer("refusal_reason", "other").answer("refusal_other", "Đợi con về")
    entry.answer("refusal_reason", "far")
    assert not entry.is_relevant("refusal_other")


@pytest.mark.parametrize(
    ("earlier", "number", "taken"),
    [
        ([], "1", True),
        ([], "2", False),
        ([], "booster1", False),
        (["1"], "2", True),
        (["1"], "1", False),
        (["1"], "booster2", False),
        (["1", "2"], "2", False),
        (["1", "2"], "1", False),
        (["1", "2"], "additional", True),
        (["1", "2"], "booster1", True),
        (["1", "2"], "booster2", False),
        (["1", "2", "booster1"], "booster2", True),
        (["1", "2", "booster1"], "additional", False),
        (["1", "2", "booster1", "booster2"], "booster2", False),
    ],
)
def test_doses_come_in_order_and_once(census: Form, earlier: list[str], number: str, taken: bool) -> None:
    given = [
        {**FIRST, "dose_number": code, "dose_date": date(2021, 8, 1) + 120 * n * DAY} for n, code in enumerate(earlier)
    ]
    entry = with_doses(census, *given)
    if taken:
        assert entry.answer("dose_number", number).value("dose_number") == number
    else:
        assert refusal(entry, "dose_number", number).startswith("Ghi các mũi theo thứ tự")


@pytest.mark.parametrize(("vaccine", "taken"), [("abdala", True), ("pfizer", False), (None, True)])
def test_third_primary_dose_is_of_abdala(census: Form, vaccine: str | None, taken: bool) -> None:
    known = {"evidence": "recall", "vaccine": vaccine}
    entry = with_doses(census, {**FIRST, **known}, {**SECOND, **known})
    if taken:
        entry.answer("dose_number", "3")
    else:
        assert "Mũi 3 cơ bản chỉ có ở vắc xin Abdala" in refusal(entry, "dose_number", "3")
        entry.answer("dose_number", "booster1")


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        (date(2021, 8, 9), False),
        (date(2021, 8, 10), False),
        (date(2021, 8, 11), True),
        (TODAY, True),
        (TODAY + DAY, False),
    ],
)
def test_second_dose_comes_after_the_first_and_not_after_today(census: Form, day: date, taken: bool) -> None:
    entry = with_doses(census, FIRST).fill({"dose_number": "2", "evidence": "app", "vaccine": "pfizer"})
    if taken:
        assert entry.answer("dose_date", day).value("dose_date") == day.isoformat()
    else:
        assert refusal(entry, "dose_date", day).startswith("Ngày tiêm phải sau ngày sinh")


@pytest.mark.parametrize(("day", "taken"), [(date(2020, 11, 30), False), (date(2020, 12, 1), True)])
def test_no_dose_is_older_than_the_vaccines(census: Form, day: date, taken: bool) -> None:
    entry = with_doses(census).fill({"dose_number": "1", "evidence": "app", "vaccine": "pfizer"})
    if taken:
        entry.answer("dose_date", day)
    else:
        refusal(entry, "dose_date", day)


@pytest.mark.parametrize(
    ("known", "question", "value", "first_day"),
    [
        ("date", "birth_date", "2021-03-05", date(2021, 3, 5)),
        ("year", "birth_year", 2021, date(2021, 1, 1)),
    ],
)
def test_no_dose_before_birth(census: Form, known: str, question: str, value: object, first_day: date) -> None:
    entry = with_person(census, "birth_date", birth_known=known).answer(question, value)
    entry.fill({name: answer for name, answer in ADULT.items() if name not in (*list(ADULT)[:4], "consent")})
    entry.answer("vaccinated", "yes")
    entry.add("dose")
    entry.fill({"dose_number": "1", "evidence": "app", "vaccine": "pfizer"})
    refusal(entry, "dose_date", first_day - DAY)
    entry.answer("dose_date", first_day)


def test_no_dose_before_the_earliest_birth_that_an_age_allows(census: Form) -> None:
    entry = with_person(census, "birth_date", birth_known="age").fill({"age_years": 4, "residence": "here"})
    entry.fill({name: ADULT[name] for name in ("priority", "infected", "contraindicated", "deferred")})
    entry.answer("vaccinated", "yes")
    entry.add("dose")
    entry.fill({"dose_number": "1", "evidence": "app", "vaccine": "pfizer"})
    five_years_ago = date(TODAY.year - 5, TODAY.month, min(TODAY.day, 28))
    refusal(entry, "dose_date", five_years_ago - DAY)
    entry.answer("dose_date", five_years_ago + 4 * DAY)


def test_undated_dose_does_not_hide_the_date_before_it(census: Form) -> None:
    undated = {"dose_number": "2", "evidence": "recall"}
    entry = with_doses(census, FIRST, undated).fill({"dose_number": "booster1", "evidence": "app", "vaccine": "pfizer"})
    refusal(entry, "dose_date", "2021-08-10")
    entry.answer("dose_date", "2021-12-10")


@pytest.mark.parametrize("question", ["vaccine", "dose_date"])
def test_only_memory_may_lack_vaccine_and_date(census: Form, question: str) -> None:
    entry = with_doses(census).fill({"dose_number": "1", "evidence": "paper_card"})
    with pytest.raises(Refused) as refused:
        entry.answer(question, None)
    assert refused.value.reason == "required"
    entry.answer("evidence", "recall").answer(question, None)


@pytest.mark.parametrize(("lot", "taken"), [("FK0108", True), ("4120Z-001", True), ("lô số 5", False), ("x", False)])
def test_lot_number_is_plain(census: Form, lot: str, taken: bool) -> None:
    entry = with_doses(census).fill(FIRST)
    if taken:
        entry.answer("lot", lot)
    else:
        assert refusal(entry, "lot", lot).startswith("Số lô gồm chữ không dấu")


def test_correction_that_turns_the_order_is_found_when_finalising(census: Form) -> None:
    entry = at_the_door(census).fill({"person": [vaccinated(FIRST, SECOND)]})
    entry.answer("dose_date", "2021-10-01", person=1, dose=1)
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("dose_date", "constraint")
    entry.answer("dose_date", "2021-11-01", person=1, dose=2)
    assert entry.finalise().count(b"<dose>") == 2


def test_doses_of_one_person_do_not_bind_the_next(census: Form) -> None:
    entry = at_the_door(census, expected_members=2)
    entry.fill({"person": [vaccinated(FIRST, SECOND), vaccinated({**FIRST, "dose_date": "2021-07-01"})]})
    assert entry.value("earlier_numbers", person=2, dose=1) is None
    assert entry.finalise().count(b"<dose>") == 3


def test_vaccinated_person_without_a_dose_is_confirmed(census: Form) -> None:
    entry = at_the_door(census).fill({"person": [vaccinated(FIRST)]})
    assert not entry.is_relevant("no_dose_choice")
    entry.remove("dose")
    assert entry.label("no_dose_choice").startswith("Nông Thị Mỷ đã tiêm nhưng chưa ghi mũi nào.")
    assert refusal(entry, "no_dose_choice", "mend") == "Hãy quay lại và thêm mũi tiêm."
    entry.answer("no_dose_choice", "nobody_knows")
    assert b"<dose>" not in entry.finalise()
