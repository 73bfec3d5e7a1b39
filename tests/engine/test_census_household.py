"""The COVID-19 census at the door: where the house is, who lives there, what is stopped."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.engine.census import (
    DAY,
    HOUSE,
    IN_BACH_THONG,
    PLACE,
    TODAY,
    adult,
    at_the_door,
    refusal,
)
from tests.engine.javarosa import Form, NotOffered, NotRelevant, Refused

pytestmark = pytest.mark.today


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
    assert refusal(entry, "revisit_on", TODAY - DAY) == "Ngày hẹn không thể trước ngày đến nhà."
    entry.answer("revisit_on", TODAY)
    assert entry.shown() == [*PLACE, "outcome", "revisit_on", "head", "phone", "expected_members", "remarks"]


def test_form_finished_days_after_the_visit_keeps_its_appointment(census: Form) -> None:
    entry = census.new(on=TODAY - 9 * DAY).fill({**PLACE, "outcome": "absent"})
    assert refusal(entry, "revisit_on", TODAY - 10 * DAY) == "Ngày hẹn không thể trước ngày đến nhà."
    entry.answer("revisit_on", TODAY - 3 * DAY)
    assert f"<revisit_on>{TODAY - 3 * DAY}</revisit_on>".encode() in entry.finalise()


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
