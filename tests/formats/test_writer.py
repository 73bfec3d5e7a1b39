"""Submissions written from roles say, when read again, what was written."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from functools import cache
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Campaign, Label
from mapper.domain.people import Dose, Person, Point, Visit
from mapper.errors import InvalidInput
from mapper.formats.instance import Instance, read_instance
from mapper.formats.roles import Roles, read_visit
from mapper.formats.writer import InstanceWriter, write_instance
from mapper.formats.xform import XFormModel
from tests.formats.forms import CENSUS, model
from tests.formats.test_roles import CAMPAIGN, VISITED

PLAIN = Campaign(
    "c", Label("C"), date(2021, 3, 8), (), {"1": Label("1"), "2": Label("2")}, {"pfizer": Label("Pfizer")}, {}
)
ENTITY = CENSUS + "| entities |\n| | list_name | label |\n| | households | ${head} |"


@cache
def census() -> XFormModel:
    return model(ENTITY)


def visit_of(xml: bytes, form: XFormModel, campaign: Campaign) -> Visit:
    visit, found = read_visit(read_instance(xml), Roles.of(form), campaign, VISITED)
    assert {finding.code for finding in found} <= {"entity_id_unusual"}  # ids are drawn at random here
    return visit


def test_a_written_submission_is_one_of_that_form() -> None:
    xml = write_instance(
        census(), {"visit.date": VISITED}, instance_id="uuid:1", deprecated_id="uuid:0", entity_id="e1"
    )
    found: Instance = read_instance(xml)
    assert (found.form_id, found.version, found.instance_id, found.deprecated_id) == ("t", "1", "uuid:1", "uuid:0")
    assert [(entity.dataset, entity.id, entity.create) for entity in found.entities] == [("households", "e1", True)]


def test_a_household_without_an_entity_id_is_given_one_that_follows_from_the_instance() -> None:
    first, again, other = (
        read_instance(write_instance(census(), {}, instance_id=name)).entities[0].id for name in ("a", "a", "b")
    )
    assert first == again != other


UPSERT = (
    CENSUS.replace("| date               | born ", "| text | pid | Id | person.id | |\n| | date | born ")
    + "| | text | hid | House | | |\n| entities |\n| | list_name | label | entity_id | create_if | update_if |\n"
    + "| | households | ${head} | ${hid} | ${hid} = '' | ${hid} != '' |\n"
    + "| | people | ${called} | ${pid} | ${hid} = '' | ${hid} != '' |"
)


def test_an_entity_that_a_form_makes_or_updates_is_new_unless_versions_are_given() -> None:
    people = [{"person.name": "A"}, {"person.id": "p2", "update": ("1", "", "b9")}]
    new = write_instance(model(UPSERT), {}, people, instance_id="uuid:1", entity_id="h")
    house, first, second = sorted(read_instance(new).entities, key=lambda one: one.dataset)
    assert (house.dataset, house.id, house.create, house.update, house.base_version) == (
        "households",
        "h",
        True,
        False,
        "",
    )
    assert (first.dataset, first.create, first.update, first.base_version) == ("people", True, False, "")
    assert (second.id, second.create, second.update) == ("p2", False, True)
    assert (second.base_version, second.trunk_version, second.branch_id) == ("1", "", "b9")
    assert f"<pid>{first.id}</pid>".encode() in new
    named = [{"person.id": "p3", "label": "C", "told": False, "update": ("2", "2", "b7")}]
    (only,) = read_instance(write_instance(model(UPSERT), {}, named, instance_id="uuid:3")).entities[:1]
    assert (only.id, only.label, only.create, only.update, only.base_version) == ("p3", "C", False, False, "2")
    later = write_instance(model(UPSERT), {}, instance_id="uuid:2", entity_id="h", update=("3", "3", ""))
    (house,) = read_instance(later).entities
    assert (house.id, house.create, house.update) == ("h", False, True)
    assert (house.base_version, house.trunk_version, house.branch_id) == ("3", "3", "")


def test_choices_are_written_in_the_forms_own_words() -> None:
    xml = write_instance(
        census(),
        {"visit.date": VISITED, "visit.outcome": "interviewed", "household.hamlet": "1"},
        [
            {
                "person.residence": "works_away",
                "person.priority": ["elderly", "ill"],
                "doses": [{"dose.number": "1", "dose.vaccine": "pfizer"}],
            }
        ],
        instance_id="uuid:1",
        campaign=CAMPAIGN,
    )
    for written in (b"<result>gap<", b"<lives>di_lam<", b"<groups>gia ill<", b"<number>mui1<", b"<product>pz<"):
        assert written in xml
    visit = visit_of(xml, census(), CAMPAIGN)
    assert visit.people[0].residence == "works_away"
    assert visit.people[0].doses == (Dose("1", None, "pfizer"),)


def test_what_a_form_does_not_ask_is_left_out_and_what_no_form_asks_is_refused() -> None:
    form = model(
        "| survey |\n| | type | name | label | bind::map:role |\n| | begin_repeat | p | P | person |\n"
        "| | text | n | N | person.name |\n| | end_repeat | | | |"
    )
    xml = write_instance(form, {"household.head": "Đức"}, [{"person.name": "A", "person.sex": "male"}], instance_id="i")
    assert visit_of(xml, form, PLAIN).people == (Person("i/1", VISITED, "A"),)
    for answers, people in (
        ({"household.haed": "Đức"}, []),
        ({}, [{"person.nam": "A"}]),
        ({}, [{"doses": [{"lot": 1}]}]),
    ):
        with pytest.raises(InvalidInput, match="does not exist"):
            write_instance(census(), answers, people, instance_id="i")


def test_doses_are_written_into_a_form_that_asks_each_by_itself() -> None:
    form = model(
        """
| survey |              |      |       |                  |
|        | type         | name | label | bind::map:role   |
|        | begin_repeat | p    | P     | person           |
|        | text         | n    | N     | person.name      |
|        | text         | g1   | G     | dose.given@1     |
|        | date         | d1   | D     | dose.date@1      |
|        | text         | g2   | G     | dose.given@2     |
|        | text         | v2   | V     | dose.vaccine@2   |
|        | end_repeat   |      |       |                  |
"""
    )
    people = [
        {"person.name": "A", "doses": [{"dose.number": "1", "dose.date": date(2021, 6, 1), "dose.lot": "not asked"}]},
        {"person.name": "B", "dose.given@2": "unknown", "doses": []},
    ]
    xml = write_instance(form, {}, people, instance_id="i")
    first, second = visit_of(xml, form, PLAIN).people
    assert (first.doses, first.vaccination_unknown) == ((Dose("1", date(2021, 6, 1)),), False)
    assert (second.doses, second.vaccination_unknown) == ((), True)
    assert b"<g2>no</g2>" in xml


def test_defaults_stay_where_nothing_is_said() -> None:
    form = model(
        """
| survey |              |      |       |                |         |
|        | type         | name | label | bind::map:role | default |
|        | text         | a    | A     |                | here    |
|        | text         | b    | B     | household.head | nobody  |
|        | begin_repeat | p    | P     | person         |         |
|        | text         | n    | N     | person.name    |         |
|        | end_repeat   |      |       |                |         |
"""
    )
    assert b"<a>here</a><b>nobody</b>" in write_instance(form, {}, instance_id="i")
    assert b"<a>here</a><b>Lan</b>" in write_instance(form, {"household.head": "Lan"}, instance_id="i")
    assert b"<a>here</a><b></b>" in write_instance(form, {"household.head": None}, instance_id="i")


def test_the_clock_of_the_phone_agrees_with_the_visit() -> None:
    form = model(
        "| survey |\n| | type | name | label | bind::map:role |\n| | start | s | | |\n| | end | e | | |\n"
        "| | today | t | | |\n| | begin_repeat | p | P | person |\n"
        "| | text | n | N | person.name |\n| | end_repeat | | | |"
    )
    xml = write_instance(form, {"visit.date": date(2022, 5, 4)}, instance_id="i")
    assert b"<s>2022-05-04T08:00:00.000+07:00</s>" in xml
    assert b"<t>2022-05-04</t>" in xml
    assert visit_of(xml, form, PLAIN).visited_on == date(2022, 5, 4)


def test_an_instance_in_a_namespace_of_its_own_keeps_it() -> None:
    form = model(
        """
| survey   |              |      |       |                |
|          | type         | name | label | bind::map:role |
|          | begin_repeat | p    | P     | person         |
|          | text         | n    | N     | person.name    |
|          | end_repeat   |      |       |                |
| settings |
|          | form_id | version | instance_xmlns | namespaces                         |
|          | t       | 1       | urn:my         | map="urn:household-coverage:roles" |
"""
    )
    xml = write_instance(form, {}, [{"person.name": "A"}], instance_id="i")
    instance = read_instance(xml, {"urn:my"})
    assert instance.namespace == "urn:my"
    visit, _ = read_visit(instance, Roles.of(form), PLAIN, VISITED)
    assert visit.people[0].name == "A"


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
WORD = st.sampled_from(["x", "card", "FF1234", "a&b<c>\"d'"])
PAST = st.dates(date(2021, 3, 8), VISITED)


def maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | values


PERSON = st.builds(
    Person,
    id=st.just(""),
    reported_on=st.just(VISITED),
    name=TEXT,
    born_on=st.dates(date(1903, 1, 1), date(2021, 3, 8)),
    birth_precision=st.just("day"),
    sex=maybe(st.sampled_from(["male", "female"])),
    residence=st.sampled_from(["here", "works_away", "absent", "moved_in", "moved_out"]),
    away_place=maybe(TEXT),
    priorities=st.lists(st.sampled_from(["elderly", "ill", "pregnant"]), unique=True).map(tuple),
    contraindicated=st.booleans(),
    contraindication=maybe(TEXT),
    deferred_until=maybe(st.dates(VISITED, VISITED + timedelta(days=400))),
    deferral_reason=maybe(TEXT),
    infected_on=maybe(PAST),
    refused=st.booleans(),
    refusal_reason=maybe(TEXT),
    vaccination_unknown=st.just(False),
    doses=st.sampled_from([(), ("1",), ("1", "2")]).flatmap(
        lambda codes: st.tuples(
            *(
                st.builds(
                    Dose,
                    code=st.just(code),
                    given_on=st.just(VISITED - timedelta(days=300 - 100 * int(code))),
                    vaccine=maybe(st.just("pfizer")),
                    lot=maybe(WORD),
                    place=maybe(TEXT),
                    evidence=maybe(WORD),
                )
                for code in codes
            )
        )
    ),
)
VISIT = st.builds(
    Visit,
    household_id=TEXT,
    visited_on=st.just(VISITED),
    outcome=st.sampled_from(["interviewed", "absent", "refused", "locked", "moved_away"]),
    hamlet_code=st.sampled_from(["0196901", "0196902"]),
    commune_code=maybe(st.just("01969")),
    house_number=maybe(TEXT),
    head=maybe(TEXT),
    phone=maybe(st.from_regex("0[0-9]{9}", fullmatch=True)),
    point=maybe(
        st.builds(
            Point,
            lat=st.floats(8, 24),
            lon=st.floats(102, 110),
            accuracy_m=st.floats(0, 500),
            altitude_m=st.floats(-50, 3000),
        )
    ),
    expected_members=maybe(st.integers(0, 30)),
    people=st.lists(PERSON, max_size=4).map(tuple),
)


def told(visit: Visit) -> tuple[dict[str, object], list[dict[str, object]]]:
    """A visit as roles and values."""
    answers: dict[str, object] = {
        "visit.date": visit.visited_on,
        "visit.outcome": visit.outcome,
        "household.point": visit.point,
        "household.hamlet": visit.hamlet_code,
        "household.commune": visit.commune_code,
        "household.house_number": visit.house_number,
        "household.head": visit.head,
        "household.phone": visit.phone,
        "household.expected_members": visit.expected_members,
    }
    people: list[dict[str, object]] = [
        {
            "person.name": one.name,
            "person.sex": one.sex,
            "person.residence": one.residence,
            "person.away_place": one.away_place,
            "person.birth_date": one.born_on,
            "person.priority": one.priorities,
            "person.contraindicated": one.contraindicated,
            "person.contraindication": one.contraindication,
            "person.deferred_until": one.deferred_until,
            "person.deferral_reason": one.deferral_reason,
            "person.infected_on": one.infected_on,
            "person.consent": not one.refused,
            "person.refusal_reason": one.refusal_reason,
            "doses": [
                {
                    "dose.number": dose.code,
                    "dose.date": dose.given_on,
                    "dose.vaccine": dose.vaccine,
                    "dose.lot": dose.lot,
                    "dose.place": dose.place,
                    "dose.evidence": dose.evidence,
                }
                for dose in one.doses
            ],
        }
        for one in visit.people
    ]
    return answers, people


def composed(value: object) -> object:
    if isinstance(value, str):
        return normalize("NFC", value)
    if isinstance(value, tuple):
        return tuple(composed(one) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: composed(getattr(value, f.name)) for f in dataclasses.fields(value)})
    return value


@cache
def writer() -> InstanceWriter:
    return InstanceWriter(census(), PLAIN)


@given(VISIT)
def test_any_visit_written_is_the_visit_read(visit: Visit) -> None:
    answers, people = told(visit)
    xml = writer().write(answers, people, instance_id="uuid:1", entity_id=visit.household_id)
    expected = dataclasses.replace(
        visit,
        people=tuple(
            dataclasses.replace(one, id=f"{visit.household_id}/{number}") for number, one in enumerate(visit.people, 1)
        ),
    )
    read = visit_of(xml, census(), PLAIN)
    assert composed(read) == composed(expected)
