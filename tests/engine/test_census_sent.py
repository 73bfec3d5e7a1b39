"""The COVID-19 census as it arrives: the submission, its entity, its edits, its languages, its visit."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from lxml import etree

from mapper.formats.campaign import read_campaign
from mapper.formats.declared import Roles
from mapper.formats.instance import Instance, InstanceEntity, read_instance
from mapper.formats.roles import read_visit
from mapper.formats.xform import read_xform
from tests.engine.census import (
    DAY,
    FIRST,
    PLACE,
    SECOND,
    TODAY,
    adult,
    at_the_door,
    refusal,
    vaccinated,
)
from tests.engine.conftest import FORMS
from tests.engine.javarosa import Entry, Form, NotOffered, Refused

pytestmark = pytest.mark.today


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
<new_household>UUID</new_household><household_id>UUID</household_id>\
<location>22.2151 105.8203 310.0 8.5</location><accuracy_m>8.5</accuracy_m><outcome>interviewed</outcome>\
<household><head>Nông Thị Mỷ</head><phone>0912345678</phone><expected_members>3</expected_members></household>\
<person><of_household>UUID</of_household>\
<identity><person_name>Nông Thị Mỷ</person_name><sex>female</sex><birth_known>date</birth_known>\
<birth_date>1980-05-04</birth_date></identity><residence>here</residence>\
<health><priority>none</priority><infected>no</infected><contraindicated>no</contraindicated>\
<deferred>no</deferred><vaccinated>yes</vaccinated>\
<dose><dose_number>1</dose_number><evidence>paper_card</evidence><vaccine>pfizer</vaccine>\
<dose_date>2021-08-10</dose_date><lot>FK0108</lot><dose_place>Trạm Y tế xã Lục Bình</dose_place></dose>\
<dose><dose_number>2</dose_number><evidence>paper_card</evidence><vaccine>pfizer</vaccine>\
<dose_date>2021-09-10</dose_date></dose>\
<consent>yes</consent></health>\
<meta><entity dataset="people" create="1" id="UUID"><label>Nông Thị Mỷ</label></entity></meta></person>\
<person><of_household>UUID</of_household>\
<identity><person_name>Hoàng Văn Đức</person_name><sex>male</sex><birth_known>year</birth_known>\
<birth_year>1978</birth_year></identity><residence>works_away</residence>\
<away_place>Khu công nghiệp Yên Phong, Bắc Ninh</away_place>\
<health><priority>none</priority><infected>no</infected><contraindicated>no</contraindicated>\
<deferred>no</deferred><vaccinated>unknown</vaccinated><consent>undecided</consent>\
<refusal_reason>other</refusal_reason><refusal_other>Đợi về quê</refusal_other></health>\
<meta><entity dataset="people" create="1" id="UUID"><label>Hoàng Văn Đức</label></entity></meta></person>\
<person><of_household>UUID</of_household>\
<identity><person_name>Hoàng Thị Ngọc Ánh</person_name><sex>female</sex><birth_known>age</birth_known>\
<age_years>9</age_years></identity><residence>here</residence>\
<health><priority>underlying_disease</priority><infected>yes</infected><infected_on>2022-03-02</infected_on>\
<contraindicated>no</contraindicated><deferred>yes</deferred><deferred_until>DEFERRED</deferred_until>\
<deferral_reason>treatment</deferral_reason><vaccinated>no</vaccinated><consent>yes</consent></health>\
<meta><entity dataset="people" create="1" id="UUID"><label>Hoàng Thị Ngọc Ánh</label></entity></meta></person>\
<people_count>3</people_count><remarks>Nhà sàn cuối bản</remarks>\
<meta><entity dataset="households" create="1" update="0" baseVersion="" trunkVersion="" branchId="" id="UUID">\
<label>12 - Nông Thị Mỷ</label></entity>\
<instanceID>uuid:UUID</instanceID><instanceName>12 - Nông Thị Mỷ</instanceName></meta></data>"""

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
REMEMBERED = {
    *("born_from_ymd", "age_shown", "dose_index", "earlier_numbers", "earlier_vaccines", "earlier_rank"),
    *("earlier_ymd", "dose_rank", "dose_ymd", "dose_count", "is_known"),
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
    entity = entities_of(instance, "households")[0]
    assert (entity.create, entity.update) == (True, False)
    assert entity.label == "12 - Nông Thị Mỷ"
    assert re.fullmatch(UUID, entity.id)


def test_everybody_living_there_becomes_an_entity_that_names_the_household(census: Form) -> None:
    instance = read_instance(whole_household(census).finalise())
    people = entities_of(instance, "people")
    assert [(entity.create, entity.update, entity.label) for entity in people] == [
        (True, False, "Nông Thị Mỷ"),
        (True, False, "Hoàng Văn Đức"),
        (True, False, "Hoàng Thị Ngọc Ánh"),
    ]
    assert all(re.fullmatch(UUID, entity.id) for entity in people)
    assert len({entity.id for entity in instance.entities}) == 4
    house = entities_of(instance, "households")[0].id
    assert [person.findtext("of_household") for person in instance.root.iterfind("person")] == [house] * 3


def entities_of(instance: Instance, dataset: str) -> list[InstanceEntity]:
    """The entities of one list, in the order of the document."""
    return [entity for entity in instance.entities if entity.dataset == dataset]


def test_entity_of_a_house_without_a_known_head_is_called_by_its_number(census: Form) -> None:
    instance = read_instance(census.new().fill({**PLACE, "outcome": "locked"}).finalise())
    assert instance.entities[0].label == instance.instance_name == "12"


def test_entity_keeps_what_a_follow_up_needs(census_xform: bytes) -> None:
    model = read_xform(census_xform)
    saved = {node.save_to: node.role for node in model.nodes if node.save_to}
    assert saved == {
        "commune": "household.commune",
        "hamlet": "household.hamlet",
        "house_number": "household.house_number",
        "head": "household.head",
        "phone": "household.phone",
        "outcome": "visit.outcome",
        "geometry": "household.point",
        "household": None,
        "person_name": "person.name",
        "sex": "person.sex",
        "residence": "person.residence",
    }
    assert (model.entity_lists, model.entities_version) == (("people", "households"), "2025.1.0")
    assert Roles.of(model).flat is not None, "a census is read in one pass"


def test_edit_deprecates_the_submission_and_keeps_its_household(census: Form) -> None:
    first = whole_household(census).finalise()
    entry = census.edit(first)
    entry.answer("person_name", "Hoàng Văn Được", person=2)
    edited = entry.finalise()
    before, after = read_instance(first), read_instance(edited)
    assert after.deprecated_id == before.instance_id
    assert after.instance_id not in (None, before.instance_id)
    assert [entity.id for entity in after.entities] == [entity.id for entity in before.entities]
    changed = plain(first).replace("Hoàng Văn Đức", "Hoàng Văn Được")
    assert plain(edited).replace("<deprecatedID>uuid:UUID</deprecatedID>", "") == changed


def test_second_edit_deprecates_the_first(census: Form) -> None:
    first = census.edit(whole_household(census).finalise()).finalise()
    second = census.edit(first).answer("remarks", "Đã gọi lại").finalise()
    assert read_instance(second).deprecated_id == read_instance(first).instance_id
    assert second.count(b"<deprecatedID>") == 1


def test_edit_turns_an_absence_into_an_interview(census: Form) -> None:
    entry = census.edit(census.new().fill({**PLACE, "outcome": "absent"}).finalise())
    entry.fill({"outcome": "interviewed", "head": "Nông Thị Mỷ", "expected_members": 2})
    entry.fill({"person": [adult(), vaccinated(FIRST)]})
    assert entry.finalise().count(b"<person>") == 2


def test_edit_adds_to_the_people_who_are_there(census: Form) -> None:
    entry = census.edit(at_the_door(census, expected_members=3).fill({"person": [vaccinated(FIRST), adult()]}).xml())
    assert entry.add("person") == 3
    entry.fill(adult(person_name="Nông Văn Tài"))
    assert entry.add("dose", person=1) == 2
    entry.answer("dose_number", "2", person=1).answer("evidence", "recall", person=1)
    tree = etree.fromstring(entry.finalise())
    assert [p.findtext("identity/person_name") for p in tree.iterfind("person")] == [
        "Nông Thị Mỷ",
        "Nông Thị Mỷ",
        "Nông Văn Tài",
    ]
    assert [d.findtext("dose_number") for d in tree.iterfind("person/health/dose")] == ["1", "2"]


def test_edit_obeys_the_constraints(census: Form) -> None:
    entry = census.edit(whole_household(census).finalise())
    with pytest.raises(Refused):
        entry.answer("dose_date", "2021-08-09", person=1, dose=2)
    entry.answer("dose_date", "2021-08-11", person=1, dose=2)


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
    assert entry.choices("outcome")["locked"] == "Locked: nobody knows when they will be back"
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
    assert (visit.household_id, visit.visited_on, visit.outcome) == (
        entities_of(instance, "households")[0].id,
        TODAY,
        "interviewed",
    )
    assert (visit.commune_code, visit.hamlet_code, visit.house_number) == ("01969", "0196901", "12")
    assert (visit.head, visit.phone, visit.expected_members) == ("Nông Thị Mỷ", "0912345678", 3)
    assert visit.point is not None
    assert (visit.point.lat, visit.point.lon, visit.point.accuracy_m) == (22.2151, 105.8203, 8.5)
    mother, father, child = visit.people
    assert [person.id for person in visit.people] == [entity.id for entity in entities_of(instance, "people")]
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
