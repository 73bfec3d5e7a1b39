"""The visit after the census: a house from the list, and of its people only what has changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from lxml import etree

from mapper.domain.people import Visit
from mapper.formats.campaign import read_campaign
from mapper.formats.declared import Roles
from mapper.formats.instance import InstanceEntity, read_instance
from mapper.formats.roles import read_visit
from mapper.formats.xform import read_xform
from tests.engine.census import ADULT, DAY, FIRST, IN_BACH_THONG, TODAY, adult, at_the_door, refusal
from tests.engine.conftest import FORMS, MEDIA
from tests.engine.javarosa import Entry, Form, JavaRosa, NotOffered, NotRelevant, Refused
from tests.engine.lists import (
    ABSENT,
    CHILD,
    ELSEWHERE,
    FATHER,
    HOUSE_COLUMNS,
    HOUSES,
    LISTS,
    MET,
    MOTHER,
    OFFLINE,
    PEOPLE,
    PEOPLE_COLUMNS,
    entity,
    house,
    rows,
)

pytestmark = pytest.mark.today

SECOND = {"dose_number": "2", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": "2022-08-20"}
INFANT = {"person_name": "Hoàng Văn Út", "sex": "male", "birth_known": "date", "birth_date": TODAY - 30 * DAY}
WHO = {name: ADULT[name] for name in ("person_name", "sex", "birth_known", "birth_date")}
WELL = {name: answer for name, answer in ADULT.items() if name not in (*WHO, "residence")}


@pytest.fixture(scope="module")
def revisit(engine: JavaRosa, revisit_xform: bytes) -> Form:
    """The form on a phone whose lists hold houses and people."""
    return engine.load(revisit_xform, {**MEDIA, **LISTS})


def at(form: Form, household: str = MET, outcome: str = "interviewed", **other: object) -> Entry:
    """At the door of a house that was found in the list, everybody living there on the screens to come."""
    entry = form.new().fill({"hamlet": "0196901", "house_listed": household, "outcome": outcome, **other})
    for _ in range(int(entry.value("member_count") or 0)):
        entry.add("member")
    return entry


def tell(entry: Entry, member: int, **answers: object) -> Entry:
    """Answer questions about one person."""
    for name, answer in answers.items():
        entry.answer(name, answer, member=member)
    return entry


def give(entry: Entry, member: int, dose: Mapping[str, object]) -> Entry:
    """Enter one more dose of a person, where doses are asked."""
    number = entry.add("dose", member=member)
    for name, answer in dose.items():
        entry.answer(name, answer, member=member, dose=number)
    return entry


def entities(xml: bytes) -> dict[str, InstanceEntity]:
    return {one.id: one for one in read_instance(xml).entities}


def versions(one: InstanceEntity) -> tuple[bool, bool, str, str, str]:
    """Whether it is made and updated, and the base, trunk and branch of the update."""
    return one.create, one.update, one.base_version, one.trunk_version, one.branch_id


def told(xml: bytes, xform: bytes) -> Visit:
    """What the server reads, without a finding."""
    campaign = read_campaign((FORMS / "covid19/campaign.toml").read_text("utf-8"))
    visit, findings = read_visit(read_instance(xml), Roles.of(read_xform(xform)), campaign, TODAY)
    assert findings == ()
    return visit


# --- the house ---


def test_houses_of_the_hamlet_are_found_in_the_list_or_on_the_map(revisit: Form) -> None:
    entry = revisit.new().answer("hamlet", "0196901")
    here = {ABSENT: "7 - Lò Văn Ứng", OFFLINE: "8", MET: "9 - Nông Thị Mỷ"}
    assert entry.choices("house_listed") == here
    with pytest.raises(NotRelevant):
        entry.answer("house_mapped", MET)
    entry.answer("find_by", "map")
    assert entry.choices("house_mapped") == here
    with pytest.raises(NotOffered):
        entry.answer("house_mapped", ELSEWHERE)
    entry.answer("house_mapped", MET)
    assert entry.value("house") == MET
    assert entry.label("house_note") == (
        "9 - Nông Thị Mỷ. Tình hình: 1 người đến lượt. Điện thoại: 0912345678. Trong danh sách có 3 người."
    )


def test_a_phone_shows_when_and_where_house_and_person_are_asked_to_come(
    engine: JavaRosa, revisit_xform: bytes
) -> None:
    asked = "mời ngày 25/11/2026 07:30–11:00 tại Nhà văn hoá Nà Pái"
    houses = [
        one | {"state_text": f"{one.get('state_text', '')}; {asked}"} if one["name"] == MET else one for one in HOUSES
    ]
    people = [one | {"due_text": f"{one['due_text']}; {asked}"} if one["name"] == MOTHER else one for one in PEOPLE]
    lists = {"households.csv": rows(HOUSE_COLUMNS, houses), "people.csv": rows(PEOPLE_COLUMNS, people)}
    entry = at(engine.load(revisit_xform, {**MEDIA, **lists}))
    assert asked in entry.label("house_note")
    assert asked in entry.label("listed_note", member=1)
    assert asked not in entry.label("listed_note", member=2)


@pytest.mark.parametrize("state", ["all_done", "away", "visited"])
def test_a_house_where_nothing_is_left_to_do_is_on_the_map_and_in_the_list_of_all(
    engine: JavaRosa, revisit_xform: bytes, state: str
) -> None:
    done = [one | {"state": state} if one["name"] == MET else one for one in HOUSES]
    form = engine.load(revisit_xform, {**MEDIA, **LISTS, "households.csv": rows(HOUSE_COLUMNS, done)})
    entry = form.new().answer("hamlet", "0196901")
    assert entry.choices("house_listed").keys() == {ABSENT, OFFLINE}
    for everywhere, question in (("map", "house_mapped"), ("all", "house_listed")):
        entry.answer("find_by", everywhere)
        assert entry.choices(question).keys() == {ABSENT, OFFLINE, MET}
    entry.answer("house_listed", MET)
    # A form that is opened again keeps its house, whatever became of that since.
    entry.answer("find_by", "list")
    assert entry.choices("house_listed").keys() == {ABSENT, OFFLINE, MET}


@pytest.mark.parametrize(
    ("outcome", "known"),
    [
        ("interviewed", ("visited", "Đã đến, chờ máy chủ", "#5f6b73", "✓")),
        ("absent", ("someone_due", "1 người đến lượt", "#b45309", "1")),
    ],
)
def test_phone_knows_at_once_which_house_was_gone_to(revisit: Form, outcome: str, known: tuple[str, ...]) -> None:
    entry = at(revisit, outcome=outcome)
    for member in range(1, int(entry.value("member_count") or 0) + 1):
        tell(entry, member, about=["nothing"])
    tree = etree.fromstring(entry.finalise())
    saved = ("state_since", "state_text_since", "color_since", "symbol_since")
    assert tuple(tree.findtext(name) for name in saved) == known


def test_next_revisit_begins_in_the_hamlet_of_the_last(revisit: Form) -> None:
    last = at(revisit, outcome="absent").finalise()
    assert revisit.new(last_saved=last).value("hamlet") == "0196901"


def test_hamlet_of_a_chosen_house_stays(revisit: Form) -> None:
    entry = at(revisit, outcome="absent")
    assert refusal(entry, "hamlet", "0196902").startswith("Nhà đã chọn không ở thôn này.")
    assert entry.answer("hamlet", "0196901").value("hamlet") == "0196901"


def test_house_is_asked_for(revisit: Form) -> None:
    with pytest.raises(Refused) as refused:
        revisit.new().answer("hamlet", "0196901").finalise()
    assert (refused.value.name, refused.value.reason) == ("house_listed", "required")


@pytest.mark.parametrize("outcome", ["absent", "locked", "refused", "moved_away"])
def test_visit_that_met_nobody_updates_the_house_alone(revisit: Form, revisit_xform: bytes, outcome: str) -> None:
    xml = at(revisit, outcome=outcome).finalise()
    assert {name: versions(one) for name, one in entities(xml).items()} == {MET: (False, True, "3", "3", "")}
    visit = told(xml, revisit_xform)
    assert (visit.household_id, visit.outcome, visit.partial, visit.people) == (MET, outcome, True, ())
    assert (visit.commune_code, visit.hamlet_code) == ("01969", "0196901")
    assert (visit.head, visit.phone, visit.house_number, visit.point) == (None, None, None, None)


def test_house_made_by_this_phone_is_updated_in_its_own_branch(revisit: Form) -> None:
    xml = at(revisit, OFFLINE, "absent").finalise()
    assert versions(entities(xml)[OFFLINE]) == (False, True, "1", "", "b8")


def test_house_is_corrected_where_the_canvasser_says_so(revisit: Form, revisit_xform: bytes) -> None:
    entry = at(revisit, outcome="absent")
    assert not any(entry.is_relevant(name) for name in ("house_number", "head", "phone", "location"))
    entry.answer("mends", ["head", "phone", "location"])
    assert refusal(entry, "head", "A").startswith("Họ tên cần ít nhất 2 chữ cái")
    assert refusal(entry, "phone", "5").startswith("Số điện thoại gồm 10 chữ số")
    for point in ((0, 0, 0, 5), (22.2, 105.8, 300, 50.1)):
        assert "kém chính xác hơn 50 m" in refusal(entry, "location", point)
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("head", "required")
    entry.fill({"head": "Hoàng Văn Đức", "phone": "0987654321", "location": IN_BACH_THONG})
    xml = entry.finalise()
    visit = told(xml, revisit_xform)
    assert (visit.head, visit.phone, visit.house_number) == ("Hoàng Văn Đức", "0987654321", None)
    assert visit.point is not None and visit.point.lat == IN_BACH_THONG[0]
    assert b"<house_number" not in xml, "what is not corrected is not overwritten"


# --- its people ---


def test_everybody_on_the_list_is_shown_with_what_is_due(revisit: Form) -> None:
    entry = at(revisit, new_members=0)
    with pytest.raises(NotOffered):
        entry.add("member")
    assert [entry.value("person_id", member=n) for n in (1, 2, 3)] == [MOTHER, FATHER, CHILD]
    assert entry.label("listed_note", member=1) == (
        "Nông Thị Mỷ. Tình hình: Mũi 2 từ 01/08/2022: Pfizer. Đã tiêm: Mũi 1 10/08/2021 Pfizer."
    )
    assert entry.label("about", member=2) == "Có gì mới về Hoàng Văn Đức?"


def test_about_whom_is_due_something_must_be_said_and_about_the_others_not(revisit: Form) -> None:
    entry = at(revisit)
    with pytest.raises(Refused) as refused:
        entry.finalise()
    assert (refused.value.name, refused.value.reason) == ("about", "required")
    with pytest.raises(Refused, match="Không có gì mới thì không chọn mục khác"):
        entry.answer("about", ["nothing", "dose"], member=1)
    xml = tell(entry, 1, about=["nothing"]).finalise()
    assert not any(one.create or one.update for one in entities(xml).values() if one.dataset == "people")


def test_only_what_changed_is_told_and_updates_the_versions_that_the_phone_holds(
    revisit: Form, revisit_xform: bytes
) -> None:
    entry = at(revisit)
    give(tell(entry, 1, about=["dose"]), 1, SECOND)
    tell(entry, 3, about=["residence", "deferral"], residence="works_away", away_place="Bắc Ninh", deferred="no")
    xml = entry.finalise()
    found = entities(xml)
    assert {name: versions(one) for name, one in found.items()} == {
        MET: (False, True, "3", "3", ""),
        MOTHER: (False, True, "3", "3", ""),
        FATHER: (False, False, "1", "", "b9"),
        CHILD: (False, True, "4", "2", "b7"),
    }
    tree = etree.fromstring(xml)
    assert [member.findtext("of_household") for member in tree.iterfind("member")] == [None] * 3
    visit = told(xml, revisit_xform)
    assert (visit.household_id, visit.outcome, visit.partial) == (MET, "interviewed", True)
    mother, child = visit.people
    assert (mother.id, mother.name, mother.answered) == (MOTHER, "Nông Thị Mỷ", frozenset())
    assert [(dose.code, str(dose.given_on), dose.vaccine) for dose in mother.doses] == [("2", "2022-08-20", "pfizer")]
    assert (child.id, child.residence, child.away_place) == (CHILD, "works_away", "Bắc Ninh")
    assert (child.deferred_until, child.deferral_reason) == (TODAY, None), "a deferral that is over ends today"


def test_refusal_contraindication_and_deferral_come_with_their_reasons(revisit: Form, revisit_xform: bytes) -> None:
    entry = at(revisit)
    tell(entry, 1, about=["consent"])
    with pytest.raises(Refused, match="required"):
        entry.finalise()
    tell(entry, 1, consent="no", refusal_reason="other", refusal_other="Đợi con về")
    tell(entry, 2, about=["contraindication"], contraindicated="yes", contraindication="Phản vệ độ 3")
    tell(entry, 3, about=["deferral"], deferred="yes")
    with pytest.raises(Refused, match="Ngày hết hoãn không thể trước ngày đến nhà"):
        entry.answer("deferred_on", TODAY - DAY, member=3)
    tell(entry, 3, deferred_on=TODAY + 9 * DAY, deferral_reason="treatment")
    mother, father, child = told(entry.finalise(), revisit_xform).people
    assert (mother.refused, mother.refusal_reason, mother.answered) == (True, "other", {"consent"})
    assert (father.contraindicated, father.contraindication) == (True, "Phản vệ độ 3")
    assert (child.deferred_until, child.deferral_reason) == (TODAY + 9 * DAY, "treatment")


@pytest.mark.parametrize(
    ("first", "then", "taken"),
    [
        ({"dose_number": "2"}, {}, True),
        ({"dose_number": "booster2"}, {}, True),
        ({"dose_number": "2"}, {"dose_number": "2"}, False),
        ({"dose_number": "booster1"}, {"dose_number": "2"}, False),
        ({"dose_date": TODAY + DAY}, {}, False),
        ({"dose_date": "1979-01-01"}, {}, False),
    ],
)
def test_doses_given_since_are_told_in_order(
    revisit: Form, first: dict[str, object], then: dict[str, object], taken: bool
) -> None:
    entry = tell(at(revisit), 1, about=["dose"])

    def enter() -> None:
        give(entry, 1, {**SECOND, **first})
        if then:
            give(entry, 1, {**SECOND, "dose_date": "2022-09-20", **then})

    if taken:
        enter()
        entry.finalise()
    else:
        with pytest.raises(Refused):
            enter()


def test_dose_that_was_given_is_entered_or_nobody_knows_it(revisit: Form) -> None:
    entry = tell(at(revisit), 1, about=["dose"])
    entry.remove("dose", member=1)
    assert entry.is_relevant("no_dose_choice", member=1)
    with pytest.raises(Refused, match="Hãy quay lại và thêm mũi tiêm"):
        entry.answer("no_dose_choice", "mend", member=1)
    tell(entry, 1, no_dose_choice="nobody_knows").finalise()


def test_new_members_are_asked_like_in_the_census_and_join_the_household(revisit: Form, revisit_xform: bytes) -> None:
    entry = tell(at(revisit, new_members=2), 1, about=["nothing"])
    tell(entry, 4, **INFANT, residence="here")
    assert not entry.is_relevant("vaccinated", member=4), "nobody vaccinates an infant"
    tell(entry, 5, **{**WHO, "person_name": "Lý Thị Xuân"})
    with pytest.raises(NotRelevant):
        entry.answer("about", ["dose"], member=5)
    with pytest.raises(Refused):
        entry.finalise()
    tell(entry, 5, residence="moved_in", away_place="Hà Nội", **WELL)
    xml = entry.finalise()
    made = [one for one in read_instance(xml).entities if one.create]
    assert [(one.dataset, one.label, one.update, one.base_version) for one in made] == [
        ("people", "Hoàng Văn Út", False, ""),
        ("people", "Lý Thị Xuân", False, ""),
    ]
    tree = etree.fromstring(xml)
    assert [member.findtext("of_household") for member in tree.iterfind("member")] == [None, None, None, MET, MET]
    infant, woman = told(xml, revisit_xform).people
    assert [infant.id, woman.id] == [one.id for one in made]
    assert (infant.name, infant.born_on, infant.sex) == ("Hoàng Văn Út", TODAY - 30 * DAY, "male")
    assert (woman.residence, woman.refused, woman.doses) == ("moved_in", False, ())


def test_first_dose_of_a_new_member_comes_first(revisit: Form) -> None:
    entry = tell(at(revisit, new_members=1), 1, about=["nothing"])
    tell(entry, 4, **WHO, residence="here", **{**WELL, "vaccinated": "yes"})
    with pytest.raises(Refused, match="Ghi các mũi theo thứ tự"):
        give(entry, 4, SECOND)


# --- a mistake, a list that changes, an edit ---


def test_another_house_may_be_chosen_as_long_as_nothing_is_told_of_its_people(revisit: Form) -> None:
    entry = at(revisit)
    assert entry.value("member_count") == "3"
    entry.answer("house_listed", OFFLINE)
    assert (entry.value("house"), entry.value("member_count")) == (OFFLINE, "0")
    assert [one.id for one in read_instance(entry.finalise()).entities if one.create or one.update] == [OFFLINE]
    entry = tell(tell(at(revisit), 1, about=["nothing"]), 2, about=["consent"], consent="yes")
    assert refusal(entry, "house_listed", OFFLINE).startswith("Đã ghi câu trả lời của người trong nhà đã chọn.")
    tell(entry, 2, about=None).answer("house_listed", OFFLINE)
    assert entry.value("house") == OFFLINE


def test_answers_stay_with_their_people_when_the_list_changes(
    engine: JavaRosa, revisit: Form, revisit_xform: bytes
) -> None:
    draft = tell(at(revisit), 1, about=["consent"], consent="no", refusal_reason="far").xml()
    later = [entity("aaaaaaaa-0000-4aaa-8aaa-aaaaaaaaaaaa", "Bà nội", "1-1-", household=MET), *reversed(PEOPLE)]
    houses = [house(MET, "9 - Nông Thị Mỷ", "4-4-", head="Nông Thị Mỷ", outcome="interviewed")]
    lists = {"households.csv": rows(HOUSE_COLUMNS, houses), "people.csv": rows(PEOPLE_COLUMNS, later)}
    xml = engine.load(revisit_xform, {**MEDIA, **lists}).edit(draft).answer("remarks", "Sửa").finalise()
    (mother,) = told(xml, revisit_xform).people
    assert (mother.id, mother.refused) == (MOTHER, True)
    assert versions(entities(xml)[MET])[2:4] == ("4", "4")


def test_edit_keeps_house_and_people(revisit: Form, revisit_xform: bytes) -> None:
    entry = tell(at(revisit, new_members=1), 1, about=["consent"], consent="yes")
    first = tell(entry, 4, **INFANT, residence="here").finalise()
    edited = tell(revisit.edit(first), 4, person_name="Hoàng Thị Út", sex="female").finalise()
    assert list(entities(edited)) == list(entities(first))
    assert [person.name for person in told(edited, revisit_xform).people] == ["Nông Thị Mỷ", "Hoàng Thị Út"]


def test_household_made_without_a_line_is_revisited_without_a_line(
    engine: JavaRosa, census: Form, revisit_xform: bytes
) -> None:
    """The phone puts what its census makes on its lists; the form finds it there."""
    made = read_instance(at_the_door(census).fill({"person": [adult()]}).finalise()).entities
    person, house_made = sorted(made, key=lambda one: one.dataset == "households")
    houses = [*HOUSES, house(house_made.id, house_made.label, "1--b1", outcome="interviewed")]
    people = [*PEOPLE, entity(person.id, person.label, "1--b2", household=house_made.id, person_name="Nông Thị Mỷ")]
    lists = {"households.csv": rows(HOUSE_COLUMNS, houses), "people.csv": rows(PEOPLE_COLUMNS, people)}
    entry = at(engine.load(revisit_xform, {**MEDIA, **lists}), house_made.id)
    xml = give(tell(entry, 1, about=["dose"]), 1, FIRST).finalise()
    assert {name: versions(one) for name, one in entities(xml).items()} == {
        house_made.id: (False, True, "1", "", "b1"),
        person.id: (False, True, "1", "", "b2"),
    }


# --- the form ---


def test_every_question_is_there_in_both_languages(revisit_xform: bytes) -> None:
    model = read_xform(revisit_xform)
    assert model.languages == ("Tiếng Việt (vi)", "English (en)")
    for node in model.nodes:
        if node.control and node.control != "repeat":
            assert all(node.labels.get(language) for language in model.languages), node.path
            assert node.labels["Tiếng Việt (vi)"] != node.labels["English (en)"], node.path
    for choices in model.choice_lists:
        for choice in choices.choices:
            assert all(choice.labels.get(language) for language in model.languages), choice


def test_words_are_those_of_the_census(revisit_xform: bytes, census_xform: bytes) -> None:
    revisit, census = read_xform(revisit_xform), read_xform(census_xform)
    shared = {found.name for found in revisit.choice_lists} & {found.name for found in census.choice_lists}
    assert {"outcome", "residence", "dose_number", "vaccine", "consent", "priority"} <= shared
    assert all(revisit.choice_list(name) == census.choice_list(name) for name in shared)
    saved = {node.save_to: node.role for node in revisit.nodes if node.save_to}
    assert saved == {
        "outcome": "visit.outcome",
        "house_number": "household.house_number",
        "head": "household.head",
        "phone": "household.phone",
        "geometry": "household.point",
        "household": None,
        "person_name": None,
        "sex": "person.sex",
        "residence": "person.residence",
        "state": None,
        "state_text": None,
        "marker-color": None,
        "marker-symbol": None,
    }
    assert (revisit.entity_lists, revisit.entities_version) == (("people", "households"), "2025.1.0")
    assert Roles.of(revisit).flat is not None, "a revisit is read in one pass"
