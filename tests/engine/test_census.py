"""The COVID-19 census, filled by the engine inside Collect: what it asks, what it stops at the door, what it sends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from mapper.formats.campaign import read_campaign
from mapper.formats.declared import Roles
from mapper.formats.instance import read_instance
from mapper.formats.roles import read_visit
from mapper.formats.xform import read_xform
from tests.engine.conftest import FORMS
from tests.engine.javarosa import TIME_ZONE, Entry, Form, NotOffered, NotRelevant, Refused

TODAY = datetime.now(ZoneInfo(TIME_ZONE)).date()
DAY = timedelta(days=1)
IN_BACH_THONG = (22.2151, 105.8203, 310.0, 8.5)
PLACE = {"commune": "01969", "hamlet": "0196901", "house_number": "12", "location": IN_BACH_THONG}
HOUSE = {**PLACE, "outcome": "interviewed", "head": "Nông Thị Mỷ", "phone": "0912345678", "expected_members": 1}
ADULT = {
    "person_name": "Nông Thị Mỷ",
    "sex": "female",
    "birth_known": "date",
    "birth_date": "1980-05-04",
    "residence": "here",
    "priority": ["none"],
    "infected": "no",
    "contraindicated": "no",
    "deferred": "no",
    "vaccinated": "no",
    "consent": "yes",
}
FIRST = {"dose_number": "1", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": "2021-08-10"}
SECOND = {"dose_number": "2", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": "2021-09-10"}


def adult(**other: object) -> dict[str, object]:
    """A person's answers in the order of the form; what is given other than by default takes its place."""
    return {**ADULT, **other}


def vaccinated(*doses: Mapping[str, object]) -> dict[str, object]:
    """A person with those doses, the consent asked after them."""
    answers = adult(vaccinated="yes")
    consent = answers.pop("consent")
    return {**answers, "dose": list(doses), "consent": consent}


def at_the_door(form: Form, **other: object) -> Entry:
    """An interview that has come as far as the first person."""
    return form.new().fill({**HOUSE, **other})


def with_person(form: Form, upto: str, **other: object) -> Entry:
    """An interview with one person, answered as far as the question before ``upto``."""
    entry = at_the_door(form)
    entry.add("person")
    for name, value in adult(**other).items():
        if name == upto:
            break
        entry.answer(name, value)
    return entry


def with_doses(form: Form, *doses: Mapping[str, object]) -> Entry:
    """An interview with one vaccinated person, those doses entered and one more begun."""
    entry = with_person(form, "vaccinated").answer("vaccinated", "yes").fill({"dose": list(doses)})
    entry.add("dose")
    return entry


def refusal(entry: Entry, name: str, value: object) -> str:
    """What the phone says when it does not take the answer."""
    with pytest.raises(Refused) as refused:
        entry.answer(name, value)
    assert refused.value.reason == "constraint"
    return refused.value.message


# Where


def test_hamlets_offered_are_those_of_the_commune(census: Form) -> None:
    entry = census.new()
    assert entry.choices("commune") == {"01969": "Xã Lục Bình", "01972": "Xã Tân Tú"}
    entry.answer("commune", "01969")
    assert entry.choices("hamlet") == {"0196901": "Thôn Nà Nghịu", "0196902": "Bản Mún"}
    with pytest.raises(NotOffered):
        entry.answer("hamlet", "0197201")
    entry.answer("commune", "01972").answer("hamlet", "0197201")


def test_hamlet_of_another_commune_is_asked_again(census: Form) -> None:
    entry = census.new().fill({**PLACE, "outcome": "moved_away"})
    entry.answer("commune", "01972")
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("hamlet", "required")
    entry.answer("hamlet", "0197201")
    assert b"<hamlet>0197201</hamlet>" in entry.finalise()


def test_next_household_begins_in_the_hamlet_of_the_last(census: Form) -> None:
    last = census.new().fill({**PLACE, "outcome": "absent"}).finalise()
    following = census.new(last_saved=last)
    assert (following.value("commune"), following.value("hamlet")) == ("01969", "0196901")
    assert following.value("house_number") is None
    assert census.new().value("commune") is None


@pytest.mark.parametrize("point", [(0, 0, 0, 5), (51.5, -0.1, 0, 5), (22.2, 10.5, 0, 5), (105.8, 22.2, 0, 5)])
def test_position_outside_viet_nam_is_measured_again(census: Form, point: tuple[float, ...]) -> None:
    entry = census.new()
    assert refusal(entry, "location", point) == "Vị trí này nằm ngoài Việt Nam. Hãy đo lại."
    entry.answer("location", IN_BACH_THONG)
    assert entry.value("location") == "22.2151 105.8203 310.0 8.5"


@pytest.mark.parametrize(("accuracy_m", "asked"), [(4.2, False), (50, False), (50.1, True), (900, True)])
def test_poor_accuracy_must_be_confirmed(census: Form, accuracy_m: float, asked: bool) -> None:
    entry = census.new().answer("location", (22.2, 105.8, 300, accuracy_m))
    assert entry.is_relevant("accuracy_choice") is asked


def test_poor_position_is_kept_only_when_the_canvasser_says_so(census: Form) -> None:
    entry = census.new().fill({**PLACE, "location": (22.2, 105.8, 300, 64.44)})
    assert entry.label("accuracy_choice").startswith("Độ chính xác chỉ đạt 64.4 m, kém hơn 50 m.")
    assert refusal(entry, "accuracy_choice", "again") == "Hãy quay lại câu trước và đo lại vị trí."
    entry.answer("outcome", "absent")
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("accuracy_choice", "required")
    entry.answer("accuracy_choice", "keep")
    assert b"<accuracy_choice>keep</accuracy_choice>" in entry.finalise()


def test_better_measurement_withdraws_the_question(census: Form) -> None:
    entry = census.new().fill({**PLACE, "location": (22.2, 105.8, 300, 80), "accuracy_choice": "keep"})
    entry.answer("location", IN_BACH_THONG).answer("outcome", "absent")
    assert b"accuracy_choice" not in entry.finalise()


def test_household_without_a_position_tells_why(census: Form) -> None:
    answers = {name: value for name, value in PLACE.items() if name != "location"}
    entry = census.new().fill({**answers, "outcome": "absent"})
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("no_point_reason", "required")
    entry.answer("no_point_reason", "no_signal")
    tree = etree.fromstring(entry.finalise())
    assert tree.findtext("location") == ""


# The household


@pytest.mark.parametrize("number", ["0912345678", "+84912345678", "0321234567", "02093870123", "+842093870123"])
def test_vietnamese_phone_numbers_are_taken(census: Form, number: str) -> None:
    assert at_the_door(census, phone=number).value("phone") == number


@pytest.mark.parametrize("number", ["912345678", "0912 345 678", "0112345678", "091234567", "09123456789", "không có"])
def test_what_is_no_phone_number_is_refused(census: Form, number: str) -> None:
    assert refusal(at_the_door(census), "phone", number).startswith("Số điện thoại gồm 10 chữ số")


@pytest.mark.parametrize("question", ["head", "person_name"])
@pytest.mark.parametrize(
    ("name", "taken"), [("Ý Nhi", True), ("Hà", True), ("A", False), ("Nam 2", False), ("   ", False)]
)
def test_name_has_letters_and_no_digits(census: Form, question: str, name: str, taken: bool) -> None:
    entry = at_the_door(census)
    entry.add("person")
    if taken:
        assert entry.answer(question, name).value(question) == name
    else:
        assert refusal(entry, question, name).startswith("Họ tên cần ít nhất 2 chữ cái")


@pytest.mark.parametrize(("members", "taken"), [(1, True), (40, True), (0, False), (41, False), (-1, False)])
def test_interviewed_household_has_members(census: Form, members: int, taken: bool) -> None:
    entry = at_the_door(census)
    if taken:
        entry.answer("expected_members", members)
    else:
        assert refusal(entry, "expected_members", members) == "Số người từ 1 đến 40."


def test_other_number_of_people_than_expected_is_confirmed(census: Form) -> None:
    entry = at_the_door(census, expected_members=1).fill({"person": [adult()]})
    assert not entry.is_relevant("count_choice")
    entry.fill({"person": [adult(person_name="Nông Văn Tài", sex="male")]})
    assert entry.label("count_choice").startswith("Đã ghi 2 người, nhưng hộ có 1 người.")
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("count_choice", "required")
    assert refusal(entry, "count_choice", "mend").startswith("Hãy quay lại thêm, bớt người")
    entry.answer("count_choice", "right")
    assert entry.finalise().count(b"<person>") == 2


def test_fewer_people_than_expected_are_confirmed_or_the_number_is_mended(census: Form) -> None:
    entry = at_the_door(census, expected_members=4).fill({"person": [adult()]})
    assert entry.is_relevant("count_choice")
    entry.answer("expected_members", 1)
    assert b"count_choice" not in entry.finalise()


@pytest.mark.parametrize("outcome", ["absent", "locked", "refused"])
def test_household_not_met_is_visited_again_on_a_day_to_come(census: Form, outcome: str) -> None:
    entry = census.new().fill({**PLACE, "outcome": outcome})
    assert refusal(entry, "revisit_on", TODAY - DAY) == "Ngày hẹn không thể ở trong quá khứ."
    entry.answer("revisit_on", TODAY)
    assert entry.shown() == [*PLACE, "outcome", "revisit_on", "head", "phone", "expected_members", "remarks"]


def test_absent_household_is_sent_without_people(census: Form) -> None:
    entry = census.new().fill({**PLACE, "outcome": "absent"})
    with pytest.raises(NotRelevant):
        entry.add("person")
    tree = etree.fromstring(entry.finalise())
    assert tree.findtext("outcome") == "absent"
    assert tree.find("household") is not None
    assert tree.find("person") is None


def test_empty_house_is_asked_nothing_more(census: Form) -> None:
    entry = census.new().fill({**PLACE, "outcome": "moved_away"})
    assert entry.shown() == [*PLACE, "outcome", "remarks"]
    tree = etree.fromstring(entry.finalise())
    assert (tree.find("household"), tree.find("person")) == (None, None)


def test_interview_needs_the_head_and_the_number_of_people(census: Form) -> None:
    for missing in ("head", "expected_members"):
        entry = census.new().fill({name: value for name, value in HOUSE.items() if name != missing})
        entry.fill({"person": [adult()]}, skip_hidden=True)
        with pytest.raises(Refused) as refused:
            entry.finalise()
        assert (refused.value.name, refused.value.reason) == (missing, "required")


# The person


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
        assert refusal(entry, "deferred_until", day) == "Ngày hết hoãn không thể ở trong quá khứ."


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


# Doses


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


# What is sent


def whole_household(form: Form) -> Entry:
    """An interview with a family of three: a vaccinated mother, a father at work far away, a deferred child."""
    father = adult(person_name="Hoàng Văn Đức", sex="male", birth_known="year")
    del father["birth_date"], father["consent"]
    father = {
        **dict(list(father.items())[:3]),
        "birth_year": 1978,
        "residence": "works_away",
        "away_place": "Khu công nghiệp Yên Phong, Bắc Ninh",
        **dict(list(father.items())[4:]),
        "vaccinated": "unknown",
        "consent": "undecided",
        "refusal_reason": "other",
        "refusal_other": "Đợi về quê",
    }
    child: dict[str, object] = {
        "person_name": "Hoàng Thị Ngọc Ánh",
        "sex": "female",
        "birth_known": "age",
        "age_years": 9,
        "residence": "here",
        "priority": ["underlying_disease"],
        "infected": "yes",
        "infected_on": "2022-03-02",
        "contraindicated": "no",
        "deferred": "yes",
        "deferred_until": TODAY + 30 * DAY,
        "deferral_reason": "treatment",
        "vaccinated": "no",
        "consent": "yes",
    }
    first = {**FIRST, "lot": "FK0108", "dose_place": "Trạm Y tế xã Lục Bình"}
    entry = at_the_door(form, expected_members=3)
    return entry.fill({"person": [vaccinated(first, SECOND), father, child], "remarks": "Nhà sàn cuối bản"})


EXPECTED = """\
<data id="covid19_census" version="VERSION"><start>TIME</start><end>TIME</end><today>TODAY</today>\
<place><commune>01969</commune><hamlet>0196901</hamlet><house_number>12</house_number></place>\
<location>22.2151 105.8203 310.0 8.5</location><accuracy_m>8.5</accuracy_m><outcome>interviewed</outcome>\
<household><head>Nông Thị Mỷ</head><phone>0912345678</phone><expected_members>3</expected_members></household>\
<person><identity><person_name>Nông Thị Mỷ</person_name><sex>female</sex><birth_known>date</birth_known>\
<birth_date>1980-05-04</birth_date></identity><residence>here</residence>\
<health><priority>none</priority><infected>no</infected><contraindicated>no</contraindicated>\
<deferred>no</deferred><vaccinated>yes</vaccinated>\
<dose><dose_number>1</dose_number><evidence>paper_card</evidence><vaccine>pfizer</vaccine>\
<dose_date>2021-08-10</dose_date><lot>FK0108</lot><dose_place>Trạm Y tế xã Lục Bình</dose_place></dose>\
<dose><dose_number>2</dose_number><evidence>paper_card</evidence><vaccine>pfizer</vaccine>\
<dose_date>2021-09-10</dose_date></dose>\
<consent>yes</consent></health></person>\
<person><identity><person_name>Hoàng Văn Đức</person_name><sex>male</sex><birth_known>year</birth_known>\
<birth_year>1978</birth_year></identity><residence>works_away</residence>\
<away_place>Khu công nghiệp Yên Phong, Bắc Ninh</away_place>\
<health><priority>none</priority><infected>no</infected><contraindicated>no</contraindicated>\
<deferred>no</deferred><vaccinated>unknown</vaccinated><consent>undecided</consent>\
<refusal_reason>other</refusal_reason><refusal_other>Đợi về quê</refusal_other></health></person>\
<person><identity><person_name>Hoàng Thị Ngọc Ánh</person_name><sex>female</sex><birth_known>age</birth_known>\
<age_years>9</age_years></identity><residence>here</residence>\
<health><priority>underlying_disease</priority><infected>yes</infected><infected_on>2022-03-02</infected_on>\
<contraindicated>no</contraindicated><deferred>yes</deferred><deferred_until>DEFERRED</deferred_until>\
<deferral_reason>treatment</deferral_reason><vaccinated>no</vaccinated><consent>yes</consent></health></person>\
<people_count>3</people_count><remarks>Nhà sàn cuối bản</remarks>\
<meta><entity dataset="households" create="1" id="UUID"><label>12 - Nông Thị Mỷ</label></entity>\
<instanceID>uuid:UUID</instanceID><instanceName>12 - Nông Thị Mỷ</instanceName></meta></data>"""

REMEMBERED = {
    *("born_from_ymd", "age_shown", "dose_index", "earlier_numbers", "earlier_vaccines", "earlier_rank"),
    *("earlier_ymd", "dose_rank", "dose_ymd", "dose_count"),
}


def plain(xml: bytes) -> str:
    """A submission without what differs from day to day, the form's own reckoning and empty answers."""
    tree = etree.fromstring(xml)
    for element in list(tree.iter()):
        if element.tag in REMEMBERED or (len(element) == 0 and not element.text):
            element.getparent().remove(element)
    etree.cleanup_namespaces(tree)
    text = etree.tostring(tree, encoding="unicode")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r"(start|end)>[^<]+<", r"\1>TIME<", text)
    return text.replace(f"<today>{TODAY}<", "<today>TODAY<").replace(str(TODAY + 30 * DAY), "DEFERRED")


def test_whole_household_is_sent_as_answered(census: Form) -> None:
    xml = whole_household(census).finalise()
    assert plain(xml) == EXPECTED.replace("VERSION", census.version)


def test_vietnamese_arrives_as_typed(census: Form) -> None:
    name = unicodedata.normalize("NFC", "Nguyễn Thị Hoà Thuỷ Ệch Ợ Ữ Đ")
    xml = at_the_door(census, head=name, house_number="Cạnh miếu & <cổng>").fill({"person": [adult()]}).finalise()
    tree = etree.fromstring(xml)
    assert tree.findtext("household/head") == name
    assert tree.findtext("meta/instanceName") == f"Cạnh miếu & <cổng> - {name}"


def test_household_becomes_an_entity(census: Form) -> None:
    instance = read_instance(whole_household(census).finalise())
    (entity,) = instance.entities
    assert (entity.dataset, entity.create, entity.update) == ("households", True, False)
    assert entity.label == "12 - Nông Thị Mỷ"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", entity.id)


def test_entity_of_a_house_without_a_known_head_is_called_by_its_number(census: Form) -> None:
    instance = read_instance(census.new().fill({**PLACE, "outcome": "locked"}).finalise())
    assert instance.entities[0].label == instance.instance_name == "12"


def test_entity_keeps_what_a_follow_up_needs(census_xform: bytes) -> None:
    saved = {node.save_to: node.role for node in read_xform(census_xform).nodes if node.save_to}
    assert saved == {
        "commune": "household.commune",
        "hamlet": "household.hamlet",
        "house_number": "household.house_number",
        "head": "household.head",
        "phone": "household.phone",
        "outcome": "visit.outcome",
        "geometry": "household.point",
    }


def test_edit_deprecates_the_submission_and_keeps_its_household(census: Form) -> None:
    first = whole_household(census).finalise()
    entry = census.edit(first)
    entry.answer("person_name", "Hoàng Văn Được", person=2)
    edited = entry.finalise()
    before, after = read_instance(first), read_instance(edited)
    assert after.deprecated_id == before.instance_id
    assert after.instance_id not in (None, before.instance_id)
    assert after.entities[0].id == before.entities[0].id
    changed = plain(first).replace("Hoàng Văn Đức", "Hoàng Văn Được")
    assert plain(edited).replace("<deprecatedID>uuid:UUID</deprecatedID>", "") == changed


def test_second_edit_deprecates_the_first(census: Form) -> None:
    first = census.edit(whole_household(census).finalise()).finalise()
    entry = census.edit(first)
    entry.add("person")
    second = entry.answer("remarks", "Đã gọi lại").finalise()
    assert read_instance(second).deprecated_id == read_instance(first).instance_id
    assert second.count(b"<deprecatedID>") == 1


def test_edit_obeys_the_constraints(census: Form) -> None:
    entry = census.edit(whole_household(census).finalise())
    with pytest.raises(Refused):
        entry.answer("dose_date", "2021-08-09", person=1, dose=2)
    entry.answer("dose_date", "2021-08-11", person=1, dose=2)


# Languages, roles, campaign


def test_every_question_is_there_in_both_languages(census_xform: bytes) -> None:
    model = read_xform(census_xform)
    assert model.languages == ("Tiếng Việt (vi)", "English (en)")
    for node in model.nodes:
        if node.control:
            assert all(node.labels.get(language) for language in model.languages), node.path
            assert node.labels["Tiếng Việt (vi)"] != node.labels["English (en)"], node.path
    for choices in model.choice_lists:
        for choice in choices.choices:
            assert all(choice.labels.get(language) for language in model.languages), choice


def test_english_phone_asks_and_refuses_in_english(census: Form) -> None:
    entry = at_the_door(census)
    entry.speak("English (en)")
    assert entry.label("outcome") == "Outcome of the visit"
    assert entry.choices("outcome")["locked"] == "House locked"
    assert refusal(entry, "phone", "5").startswith("A phone number has 10 digits")
    with pytest.raises(Refused, match="This question needs an answer"):
        entry.answer("head", None)
    with pytest.raises(NotOffered):
        entry.speak("Tày")
    entry.speak("Tiếng Việt (vi)")


def test_choices_of_the_form_are_codes_of_the_campaign(census_xform: bytes) -> None:
    model = read_xform(census_xform)
    campaign = read_campaign((FORMS / "covid19/campaign.toml").read_text("utf-8"))
    roles = Roles.of(model)

    def offered(role: str) -> list[str]:
        node = model.node(roles.paths[role])
        assert node is not None
        choices = model.choice_list(node.choices)
        assert choices is not None
        return [choice.value for choice in choices.choices]

    assert offered("dose.number") == list(campaign.doses)
    assert offered("dose.vaccine") == list(campaign.vaccines)
    asked_for = {name for group in campaign.groups for name in group.priorities}
    assert asked_for <= set(offered("person.priority"))


def test_submission_reads_as_a_visit(census: Form, census_xform: bytes) -> None:
    campaign = read_campaign((FORMS / "covid19/campaign.toml").read_text("utf-8"))
    instance = read_instance(whole_household(census).finalise())
    visit, findings = read_visit(instance, Roles.of(read_xform(census_xform)), campaign, TODAY)
    assert findings == ()
    assert (visit.household_id, visit.visited_on, visit.outcome) == (instance.entities[0].id, TODAY, "interviewed")
    assert (visit.commune_code, visit.hamlet_code, visit.house_number) == ("01969", "0196901", "12")
    assert (visit.head, visit.phone, visit.expected_members) == ("Nông Thị Mỷ", "0912345678", 3)
    assert visit.point is not None
    assert (visit.point.lat, visit.point.lon, visit.point.accuracy_m) == (22.2151, 105.8203, 8.5)
    mother, father, child = visit.people
    assert (mother.born_on, mother.birth_precision) == (date(1980, 5, 4), "day")
    assert [(d.code, d.given_on, d.vaccine, d.evidence) for d in mother.doses] == [
        ("1", date(2021, 8, 10), "pfizer", "paper_card"),
        ("2", date(2021, 9, 10), "pfizer", "paper_card"),
    ]
    assert (mother.doses[0].lot, mother.doses[0].place) == ("FK0108", "Trạm Y tế xã Lục Bình")
    assert (father.born_on, father.residence, father.vaccination_unknown) == (date(1978, 7, 1), "works_away", True)
    assert (father.refused, father.refusal_reason) == (False, "other")
    assert (child.deferred_until, child.deferral_reason) == (TODAY + 30 * DAY, "treatment")
    assert (child.infected_on, child.priorities) == (date(2022, 3, 2), ("underlying_disease",))


def test_absent_household_reads_as_a_visit_without_people(census: Form, census_xform: bytes) -> None:
    campaign = read_campaign((FORMS / "covid19/campaign.toml").read_text("utf-8"))
    instance = read_instance(census.new(on=date(2022, 8, 15)).fill({**PLACE, "outcome": "absent"}).finalise())
    visit, findings = read_visit(instance, Roles.of(read_xform(census_xform)), campaign, TODAY)
    assert (visit.outcome, visit.visited_on, visit.people, findings) == ("absent", date(2022, 8, 15), (), ())
