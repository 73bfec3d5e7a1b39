"""Answers become a visit: every role, every way of not knowing, and a finding for what cannot be so."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import date
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Campaign, Label
from mapper.domain.people import Dose, Finding, Person, Point, Visit
from mapper.errors import InvalidInput, MapperError
from mapper.formats.instance import read_instance
from mapper.formats.roles import Roles, read_visit
from tests.formats.forms import CENSUS, model

VISITED = date(2022, 9, 1)
CAMPAIGN = Campaign(
    id="c",
    label=Label("C"),
    start=date(2021, 3, 8),
    groups=(),
    doses={"1": Label("Mũi 1"), "2": Label("Mũi 2"), "b": Label("Nhắc lại")},
    vaccines={"pfizer": Label("Pfizer"), "abdala": Label("Abdala")},
    values={
        "residence": {"o_nha": "here", "di_lam": "works_away"},
        "outcome": {"gap": "interviewed"},
        "consent": {"khong": "no"},
        "number": {"mui1": "1"},
        "vaccine": {"pz": "pfizer"},
        "priority": {"gia": "elderly"},
        "sex": {"nam": "male"},
    },
)
HOUSE = "<today>2022-09-01</today><hamlet>0196901</hamlet><result>interviewed</result>"


@cache
def census() -> Roles:
    return Roles.of(model(CENSUS))


def read(
    inside: str, roles: Roles | None = None, received: date = VISITED, root: str = "", meta: str = ""
) -> tuple[Visit, tuple[Finding, ...]]:
    xml = f'<data id="t" version="1">{inside}<meta><instanceID>uuid:1</instanceID>{meta}</meta></data>'
    return read_visit(read_instance(xml.encode()), roles or census(), CAMPAIGN, received, root)


def person(inside: str) -> tuple[Person, list[str]]:
    """The one person of a household and the codes of what was found."""
    visit, found = read(f"{HOUSE}<someone><called>Lan</called>{inside}</someone>")
    (one,) = visit.people
    return one, [finding.code for finding in found]


def test_every_role_finds_its_place() -> None:
    visit, found = read(
        """<today>2022-09-01</today><hamlet>0196901</hamlet><commune>01969</commune><house>12B</house>
        <gps>22.15 105.85 310.5 4.5</gps><result>interviewed</result><head>Nguyễn Văn Đức</head><phone>0912</phone>
        <members>3</members>
        <someone><called>Lan</called><gender>female</gender><born>1980-03-04</born><lives>here</lives>
          <groups>elderly ill</groups><contra>yes</contra><contra2>allergy</contra2><until>2022-10-01</until>
          <why>fever</why><ill>2022-02-03</ill><agrees>no</agrees><because>afraid</because><any_dose>yes</any_dose>
          <shot><number>1</number><on>2021-06-01</on><product>pfizer</product><batch>FF1</batch><site>Trạm</site>
            <proof>card</proof></shot>
          <shot><number>2</number></shot></someone>
        <someone><called>Minh</called><lives>works_away</lives><where>Bắc Ninh</where><any_dose>unknown</any_dose>
        </someone>"""
    )
    assert found == ()
    assert visit == Visit(
        household_id="uuid:1",
        visited_on=VISITED,
        outcome="interviewed",
        hamlet_code="0196901",
        commune_code="01969",
        house_number="12B",
        head="Nguyễn Văn Đức",
        phone="0912",
        point=Point(22.15, 105.85, 4.5, 310.5),
        expected_members=3,
        people=(
            Person(
                id="uuid:1/1",
                reported_on=VISITED,
                name="Lan",
                born_on=date(1980, 3, 4),
                birth_precision="day",
                sex="female",
                residence="here",
                priorities=("elderly", "ill"),
                contraindicated=True,
                contraindication="allergy",
                deferred_until=date(2022, 10, 1),
                deferral_reason="fever",
                infected_on=date(2022, 2, 3),
                refused=True,
                refusal_reason="afraid",
                doses=(Dose("1", date(2021, 6, 1), "pfizer", "FF1", "Trạm", "card"), Dose("2")),
            ),
            Person(
                id="uuid:1/2",
                reported_on=VISITED,
                name="Minh",
                residence="works_away",
                away_place="Bắc Ninh",
                vaccination_unknown=True,
            ),
        ),
    )


def test_the_campaign_says_which_choice_is_which_word() -> None:
    visit, found = read(
        "<today>2022-09-01</today><hamlet>1</hamlet><result>gap</result><someone><called>A</called><gender>nam</gender>"
        "<lives>di_lam</lives><groups>gia ill</groups><agrees>khong</agrees>"
        "<shot><number>mui1</number><product>pz</product></shot></someone>"
    )
    (one,) = visit.people
    assert (visit.outcome, one.sex, one.residence, one.priorities) == (
        "interviewed",
        "male",
        "works_away",
        ("elderly", "ill"),
    )
    assert one.refused
    assert one.doses == (Dose("1", None, "pfizer"),)
    assert found == ()


def test_vietnamese_in_loose_letters_is_the_same_name() -> None:
    for form in ("NFC", "NFD"):
        visit, _ = read(HOUSE + "<head>" + unicodedata.normalize(form, "Nguyễn Thị Thuỷ") + "</head>")
        assert visit.head == unicodedata.normalize("NFC", "Nguyễn Thị Thuỷ")


def test_a_refusal_of_every_other_consent_is_no_refusal() -> None:
    assert [person(f"<agrees>{word}</agrees>")[0].refused for word in ("no", "yes", "undecided", "")] == [
        True,
        False,
        False,
        False,
    ]


# --- whose household it is ---


def test_the_household_of_a_first_submission_is_named_by_its_instance_and_of_an_edit_by_the_first() -> None:
    assert read(HOUSE)[0].household_id == "uuid:1"
    assert read(HOUSE, root="uuid:0")[0].household_id == "uuid:0"


def test_an_entity_names_the_household_before_any_instance() -> None:
    entity = '<entity dataset="households" id="e1" create="1"/>'
    assert read(HOUSE, root="uuid:0", meta=entity)[0].household_id == "e1"
    assert read(HOUSE, meta='<entity dataset="households" id=""/>')[0].household_id == "uuid:1"


def test_an_id_of_its_own_names_the_household_before_its_entity() -> None:
    form = CENSUS.replace("| text               | head ", "| text | hid | Id | household.id | |\n| | text | head ")
    entity = '<entity dataset="households" id="e1" create="1"/>'
    visit, _ = read(f"{HOUSE}<hid> H-7 </hid><someone><called>A</called></someone>", Roles.of(model(form)), meta=entity)
    assert (visit.household_id, visit.people[0].id) == ("H-7", "H-7/1")


def test_a_person_is_named_by_their_entity_or_their_own_id() -> None:
    form = model(
        CENSUS.replace("| date               | born ", "| text | pid | Id | person.id | |\n| | date | born ")
        + "| entities |\n| | list_name | label |\n| | people | ${called} |"
    )
    roles = Roles.of(form)
    assert roles.flat is not None
    answers = (
        HOUSE
        + '<entity dataset="odd" id="nobody"/>'
        + '<someone><called>A</called><meta><entity dataset="people" id="p1" create="1"/></meta></someone>'
        + '<someone><called>B</called><pid>own</pid><meta><entity dataset="people" id="p2"/></meta></someone>'
        + '<someone><called>C</called><meta><entity dataset="people" id="" create="1"/></meta></someone>'
        + '<entity dataset="odd" id="nobody"/><a><b><entity dataset="odd" id="nobody"/></b></a>'
    )
    entity = '<entity dataset="households" id="e1" create="1"/>'
    visit, _ = read(answers, roles, meta=entity)
    assert (visit.household_id, [one.id for one in visit.people]) == ("e1", ["p1", "own", "e1/3"])
    assert read(answers, replace(roles, flat=None), meta=entity)[0] == visit


def test_an_empty_row_of_the_repeat_is_nobody_and_does_not_rename_the_next() -> None:
    visit, _ = read(f"{HOUSE}<someone><called> </called><shot/></someone><someone><called>B</called></someone>")
    assert [(one.id, one.name) for one in visit.people] == [("uuid:1/2", "B")]


# --- when ---


def test_the_day_of_the_visit_is_the_forms_then_its_metadata_then_the_day_of_receipt() -> None:
    rows = "| | type | name | label | bind::map:role |\n| | start | s | | |\n{}| | begin_repeat | p | P | person |\n"
    rows += "| | text | n | N | person.name |\n| | end_repeat | | | |"
    start = "<s>2022-08-31T23:30:00.000+07:00</s>"
    only_start = Roles.of(model("| survey |\n" + rows.format("")))
    with_today = Roles.of(model("| survey |\n" + rows.format("| | today | t | | |\n")))
    assert read(start, only_start)[0].visited_on == date(2022, 8, 31)
    assert read(start + "<t>2022-08-30</t>", with_today)[0].visited_on == date(2022, 8, 30)
    assert read("", with_today)[0].visited_on == VISITED


def test_a_calculated_date_is_the_day_in_the_phones_own_zone() -> None:
    assert person("<born>2021-02-01T00:00:00.000+07:00</born>")[0].born_on == date(2021, 2, 1)


def test_a_day_of_grace_allows_for_the_time_zone_and_no_more() -> None:
    for told, taken, codes in (
        ("2022-09-02", date(2022, 9, 2), []),
        ("2022-09-03", VISITED, ["visit_in_future"]),
        ("1970-01-01", VISITED, ["visit_too_early"]),
        ("yesterday", VISITED, ["visit_date_unreadable"]),
    ):
        visit, found = read(f"<today>{told}</today><hamlet>1</hamlet><result>absent</result>")
        assert (visit.visited_on, [finding.code for finding in found]) == (taken, codes)


# --- how it ended, and where ---


def test_an_outcome_that_nobody_knows_is_interviewed_with_people_and_absent_without() -> None:
    someone = "<someone><called>A</called></someone>"
    for answer, code in (("<result>asleep</result>", "outcome_unknown"), ("", "outcome_missing")):
        for people, outcome in ((someone, "interviewed"), ("", "absent")):
            visit, found = read(f"<today>2022-09-01</today><hamlet>1</hamlet>{answer}{people}")
            assert (visit.outcome, [finding.code for finding in found]) == (outcome, [code])


def test_a_form_that_never_asks_the_outcome_was_an_interview() -> None:
    form = "\n".join(line for line in CENSUS.splitlines() if "visit.outcome" not in line)
    visit, found = read("<today>2022-09-01</today><hamlet>1</hamlet>", Roles.of(model(form)))
    assert (visit.outcome, found) == ("interviewed", ())


def test_a_missing_hamlet_is_found_only_where_it_is_asked() -> None:
    visit, found = read("<today>2022-09-01</today><result>absent</result>")
    assert visit.hamlet_code is None
    assert [finding.code for finding in found] == ["hamlet_missing"]
    form = "\n".join(line for line in CENSUS.splitlines() if "household.hamlet" not in line)
    assert read("<today>2022-09-01</today><result>absent</result>", Roles.of(model(form)))[1] == ()


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("22.15 105.85 310.5 4.5", Point(22.15, 105.85, 4.5, 310.5)),
        ("22.15 105.85", Point(22.15, 105.85)),
        (" 22.15  105.85 0 0 ", Point(22.15, 105.85, 0.0, 0.0)),
        ("-90 180 NaN NaN", Point(-90.0, 180.0)),
        ("22.15 105.85 1e400 -1", Point(22.15, 105.85)),
    ],
)
def test_a_geopoint_is_latitude_first(text: str, point: Point) -> None:
    visit, found = read(f"{HOUSE}<gps>{text}</gps>")
    assert (visit.point, found) == (point, ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("105.85 22.15 0 0", "point_out_of_range"),
        ("22.15 205.85 0 0", "point_out_of_range"),
        ("nan 105.85 0 0", "point_out_of_range"),
        ("inf 105 0 0", "point_out_of_range"),
        ("0 0 0 0", "point_zero"),
        ("0.0 -0.0 0 0", "point_zero"),
        ("22.15", "point_unreadable"),
        ("22,15 105,85", "point_unreadable"),
        ("22.15 105.85 0 0;22.16 105.86 0 0", "point_unreadable"),
    ],
)
def test_a_point_that_cannot_be_is_no_point_and_a_finding(text: str, code: str) -> None:
    visit, found = read(f"{HOUSE}<gps>{text}</gps>")
    assert visit.point is None
    assert [finding.code for finding in found] == [code]


@pytest.mark.parametrize(
    ("text", "count"), [("4", 4), ("4.0", 4), ("0", 0), ("-1", None), ("many", None), ("9e9", None)]
)
def test_expected_members_are_a_number_of_people(text: str, count: int | None) -> None:
    visit, found = read(f"{HOUSE}<members>{text}</members>")
    assert visit.expected_members == count
    assert [finding.code for finding in found] == ([] if count is not None else ["members_unreadable"])


# --- when somebody was born ---


@pytest.mark.parametrize(
    ("answers", "born", "precision"),
    [
        ("<born>1980-03-04</born>", date(1980, 3, 4), "day"),
        ("<born>2022-09-01</born>", VISITED, "day"),
        ("<born>1902-09-01</born>", date(1902, 9, 1), "day"),
        ("<year>1980</year>", date(1980, 7, 1), "year"),
        ("<year>1980-01-01</year>", date(1980, 7, 1), "year"),
        # Born this year: between 1 January and 1 September 2022 lie 244 days; the 122nd after the first is 3 May.
        ("<year>2022</year>", date(2022, 5, 3), "year"),
        # 30 years old on 1 September 2022: born 2 September 1991 to 1 September 1992, 366 days; + 183 is 3 March.
        ("<years>30</years>", date(1992, 3, 3), "age"),
        # 14 months: born 2 June to 1 July 2021, 30 days; + 15 is 17 June.
        ("<months>14</months>", date(2021, 6, 17), "age"),
        ("<months>14.0</months>", date(2021, 6, 17), "age"),
        # Less than a month: 2 August to 1 September 2022, 31 days; + 15 is 17 August.
        ("<months>0</months>", date(2022, 8, 17), "age"),
        # The first that is answered counts.
        ("<born>1980-03-04</born><year>1990</year><years>10</years>", date(1980, 3, 4), "day"),
        ("<year>1990</year><years>10</years>", date(1990, 7, 1), "year"),
        ("<years>30</years><months>14</months>", date(1992, 3, 3), "age"),
        ("", None, None),
    ],
)
def test_a_birth_is_known_to_the_day_the_year_or_by_age(answers: str, born: date | None, precision: str | None) -> None:
    one, codes = person(answers)
    assert (one.born_on, one.birth_precision, codes) == (born, precision, [])


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ("<born>2022-09-02</born>", "birth_in_future"),
        ("<born>2119-03-04</born>", "birth_in_future"),
        ("<year>2023</year>", "birth_in_future"),
        ("<born>1902-08-31</born>", "birth_too_early"),
        ("<year>1901</year>", "birth_too_early"),
        ("<years>122</years>", "birth_too_early"),
        ("<years>1980</years>", "birth_unreadable"),
        ("<years>-3</years>", "birth_unreadable"),
        ("<years>old</years>", "birth_unreadable"),
        ("<year>0</year>", "birth_unreadable"),
        ("<year>inf</year>", "birth_unreadable"),
        ("<born>1980-13-04</born>", "birth_unreadable"),
        ("<born>04/03/1980</born>", "birth_unreadable"),
        ("<born>1980-W10-2</born>", "birth_unreadable"),
    ],
)
def test_a_birth_that_cannot_be_is_unknown_and_a_finding(answers: str, code: str) -> None:
    one, codes = person(answers)
    assert (one.born_on, one.birth_precision, codes) == (None, None, [code])


@pytest.mark.parametrize(
    ("appearance", "told", "born", "precision"),
    [
        ("month-year", "2015-03-01", date(2015, 3, 16), "month"),
        # Born this very month: on its first, the day of the visit.
        ("month-year", "2022-09-01", VISITED, "month"),
        ("year", "2015-01-01", date(2015, 7, 1), "year"),
    ],
)
def test_a_birth_date_asked_by_month_or_year_is_no_exact_date(
    appearance: str, told: str, born: date, precision: str
) -> None:
    form = re.sub(r"(person\.birth_date *\|)", rf"\1 {appearance}", CENSUS)
    visit, found = read(f"{HOUSE}<someone><born>{told}</born></someone>", Roles.of(model(form)))
    assert (visit.people[0].born_on, visit.people[0].birth_precision, found) == (born, precision, ())


# --- what was given ---


@pytest.mark.parametrize(
    ("dose", "given_on", "codes"),
    [
        ("<on>2022-09-01</on>", VISITED, []),
        ("<on>2022-09-02</on>", None, ["dose_in_future"]),
        ("<on>1980-03-04</on>", date(1980, 3, 4), []),
        ("<on>1980-03-03</on>", None, ["dose_before_birth"]),
        ("<on>soon</on>", None, ["date_unreadable"]),
        ("", None, []),
    ],
)
def test_a_dose_is_given_between_birth_and_the_visit(dose: str, given_on: date | None, codes: list[str]) -> None:
    one, found = person(f"<born>1980-03-04</born><shot><number>1</number>{dose}</shot>")
    assert (one.doses, found) == ((Dose("1", given_on),), codes)


def test_a_dose_before_the_middle_of_a_birth_year_is_not_before_birth() -> None:
    one, codes = person("<year>2021</year><shot><number>1</number><on>2021-02-01</on></shot>")
    assert (one.born_on, one.doses[0].given_on, codes) == (date(2021, 7, 1), date(2021, 2, 1), [])


def test_a_dose_or_vaccine_that_the_campaign_lacks_is_found() -> None:
    one, codes = person("<shot><number>9</number><product>water</product></shot>")
    assert (one.doses, codes) == ((Dose("9"),), ["dose_unknown", "vaccine_unknown"])


def test_an_unknown_vaccine_is_an_honest_answer() -> None:
    one, codes = person("<shot><number>1</number><product>unknown</product></shot>")
    assert (one.doses, codes) == ((Dose("1"),), [])


def test_a_dose_without_a_number_counts_for_nothing_and_is_found() -> None:
    one, codes = person("<shot><on>2021-06-01</on></shot><shot/>")
    assert (one.doses, codes) == ((), ["dose_without_number"])


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ([("1", "2021-06-01"), ("2", "2021-07-01")], []),
        ([("2", "2021-07-01"), ("1", "2021-06-01")], []),
        ([("1", "2021-06-01"), ("2", "2021-06-01")], []),
        ([("1", "2021-06-01"), ("2", "2021-05-31")], ["doses_out_of_order"]),
        ([("2", "2021-06-01"), ("1", "2021-06-02")], ["doses_out_of_order"]),
        ([("1", "2021-06-01"), ("b", "2021-05-31")], ["doses_out_of_order"]),
        ([("1", "2021-06-01"), ("1", "2021-08-01")], ["dose_twice"]),
        ([("1", "2021-06-01"), ("2", ""), ("b", "2022-01-01")], []),
    ],
)
def test_doses_follow_each_other_in_the_order_of_the_campaign(told: list[tuple[str, str]], codes: list[str]) -> None:
    one, found = person("".join(f"<shot><number>{code}</number><on>{on}</on></shot>" for code, on in told))
    assert found == codes
    assert len(one.doses) == len(told)


@pytest.mark.parametrize(
    ("answer", "has_dose", "unknown", "codes"),
    [
        ("no", False, False, []),
        ("no", True, False, ["doses_despite_no"]),
        ("yes", True, False, []),
        ("yes", False, True, ["no_doses_despite_yes"]),
        ("unknown", False, True, []),
        ("unknown", True, True, []),
        ("maybe", False, False, ["choice_unknown"]),
        ("", False, False, []),
    ],
)
def test_whether_anybody_knows_of_doses(answer: str, has_dose: bool, unknown: bool, codes: list[str]) -> None:
    dose = "<shot><number>1</number></shot>" if has_dose else ""
    one, found = person(f"<any_dose>{answer}</any_dose>{dose}")
    assert (one.vaccination_unknown, len(one.doses), found) == (unknown, int(has_dose), codes)


def test_answers_beside_the_choices_count_as_not_given() -> None:
    one, codes = person("<lives>moon</lives><agrees>perhaps</agrees><contra>sometimes</contra><until>later</until>")
    assert (one.residence, one.refused, one.contraindicated, one.deferred_until) == ("here", False, False, None)
    assert codes == ["choice_unknown", "choice_unknown", "date_unreadable", "choice_unknown"]


def test_an_infection_after_the_visit_is_unknown() -> None:
    one, codes = person("<ill>2022-09-02</ill>")
    assert (one.infected_on, codes) == (None, ["infection_in_future"])


def test_a_finding_names_the_person_or_their_number() -> None:
    _, found = read(f"{HOUSE}<someone><called>Lan</called><born>x</born></someone><someone><born>y</born></someone>")
    assert [dict(finding.facts)["person"] for finding in found] == ["Lan", "#2"]
    assert all(finding.message.format(**dict(finding.facts)) for finding in found)


# --- doses without a repeat ---

MEASLES = """
| survey |              |      |       |                  |
|        | type         | name | label | bind::map:role   |
|        | begin_repeat | p    | P     | person           |
|        | text         | n    | N     | person.name      |
|        | text         | g1   | G     | dose.given@1     |
|        | date         | d1   | D     | dose.date@1      |
|        | text         | v1   | V     | dose.vaccine@1   |
|        | date         | d2   | D     | dose.date@2      |
|        | end_repeat   |      |       |                  |
"""


@pytest.mark.parametrize(
    ("answers", "doses", "unknown", "codes"),
    [
        ("<g1>yes</g1><d1>2021-06-01</d1><v1>pz</v1>", (Dose("1", date(2021, 6, 1), "pfizer"),), False, []),
        ("<g1>yes</g1>", (Dose("1"),), False, []),
        ("<g1>no</g1>", (), False, []),
        ("<g1>unknown</g1>", (), True, []),
        ("<g1>no</g1><d1>2021-06-01</d1>", (Dose("1", date(2021, 6, 1)),), False, ["dose_despite_no"]),
        ("<d2>2021-06-01</d2>", (Dose("2", date(2021, 6, 1)),), False, []),
        ("", (), False, []),
    ],
)
def test_doses_may_be_told_without_a_repeat(
    answers: str, doses: tuple[Dose, ...], unknown: bool, codes: list[str]
) -> None:
    visit, found = read(f"<p><n>A</n>{answers}</p>", Roles.of(model(MEASLES)))
    (one,) = visit.people
    assert (one.doses, one.vaccination_unknown) == (doses, unknown)
    assert [finding.code for finding in found] == codes


# --- the tree ---


def test_the_same_answers_in_a_namespace_or_with_names_that_stand_twice_are_the_same_visit() -> None:
    inside = (
        f"{HOUSE}<head>Đức</head><someone><called>A</called><shot><number>1</number><on>2021-06-01</on></shot></someone>"
        "<someone><called>B</called><any_dose>unknown</any_dose></someone>"
    )
    expected = read(inside)
    twice = Roles.of(
        model(CENSUS + "| | begin_group | g | G | | |\n| | text | called | C | | |\n| | end_group | | | | |")
    )
    assert twice.flat is None
    assert read(inside, twice) == expected
    meta = "<meta><instanceID>uuid:1</instanceID></meta>"
    xml = f'<data xmlns="http://www.w3.org/2002/xforms" id="t">{inside}{meta}</data>'
    assert read_visit(read_instance(xml.encode()), census(), CAMPAIGN, VISITED) == expected


def test_the_order_of_elements_does_not_matter() -> None:
    shuffled = "<someone><called>A</called></someone><result>interviewed</result><hamlet>0196901</hamlet>"
    visit, found = read(shuffled + "<today>2022-09-01</today>")
    assert (visit.hamlet_code, visit.visited_on, found) == ("0196901", VISITED, ())


def test_an_encrypted_submission_is_refused_with_the_cure() -> None:
    xml = b'<data id="t" encrypted="yes"><meta><instanceID>uuid:1</instanceID></meta></data>'
    with pytest.raises(InvalidInput, match="public_key"):
        read_visit(read_instance(xml), census(), CAMPAIGN, VISITED)


NAMES = tuple(line.split("|")[3].strip() for line in CENSUS.splitlines()[3:] if line.count("|") > 3)
WORDS = ["", "yes", "no", "1", "2022-09-01", "1980-01-01", "22 105 0 0", "-1", "9" * 30, "1e308", "nan", "Đ\u0302", "x"]


@given(
    st.recursive(
        st.tuples(
            st.sampled_from([name for name in NAMES if name]), st.sampled_from(WORDS) | st.text("0123456789-:T. ")
        ),
        lambda inner: st.tuples(st.sampled_from(["someone", "shot", "meta", "other"]), st.lists(inner, max_size=6)),
        max_leaves=30,
    )
)
def test_any_answers_at_all_are_a_visit(tree: tuple[str, object]) -> None:
    def written(node: tuple[str, object]) -> str:
        name, inside = node
        text = inside if isinstance(inside, str) else "".join(written(one) for one in inside)  # type: ignore[attr-defined]
        return f"<{name}>{text}</{name}>"

    try:
        visit, found = read(written(tree))
    except MapperError as error:  # the made-up tree may hold a second meta
        assert str(error)
        return
    assert isinstance(visit, Visit)
    for finding in found:
        assert finding.message.format(**dict(finding.facts))
    for one in visit.people:
        assert one.born_on is None or one.born_on <= visit.visited_on
        assert all(dose.given_on is None or dose.given_on <= visit.visited_on for dose in one.doses)
