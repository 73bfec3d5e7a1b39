"""The other two forms, filled by the engine: doses without a repeat, and questions without a role."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from mapper.formats.campaign import read_campaign
from mapper.formats.declared import Roles
from mapper.formats.instance import read_instance
from mapper.formats.roles import read_visit
from mapper.formats.xform import read_xform
from tests.engine.conftest import FORMS, xform_of
from tests.engine.javarosa import TIME_ZONE, EngineError, Entry, Form, NotOffered, NotRelevant, Refused

pytestmark = pytest.mark.today

TODAY = datetime.now(ZoneInfo(TIME_ZONE)).date()
DAY = timedelta(days=1)
HOUSE = {"xa": "01972", "thon": "0197201", "so_ho": 7, "vi_tri": (22.19, 105.86, 250, 12), "ket_qua": "gap_duoc"}


def child(form: Form, **answers: object) -> Entry:
    """A visit that has come to its first child, who has the age and doses given."""
    entry = form.new().fill({**HOUSE, "so_tre": 1})
    entry.add("tre")
    return entry.fill({"ten": "Bàn Thị Pham", "gioi": "female", **answers})


def test_as_many_children_are_asked_for_as_live_there(measles: Form) -> None:
    entry = measles.new().fill({**HOUSE, "so_tre": 2})
    assert [entry.add("tre"), entry.add("tre")] == [1, 2]
    with pytest.raises(NotOffered):
        entry.add("tre")
    entry.answer("so_tre", 0)
    with pytest.raises(NotRelevant):
        entry.answer("ten", "Bàn Thị Pham", tre=1)


@pytest.mark.parametrize("outcome", ["vang", "tu_choi", "khoa_cua", "bo_di"])
def test_family_not_met_is_asked_for_no_child(measles: Form, outcome: str) -> None:
    entry = measles.new().fill({**HOUSE, "ket_qua": outcome})
    assert entry.shown() == list(HOUSE)
    assert b"<tre>" not in entry.finalise()


@pytest.mark.parametrize(("born", "taken"), [(0, True), (-1, False), (5 * 365, True), (6 * 366 + 2, False)])
def test_children_asked_for_are_small(measles: Form, born: int, taken: bool) -> None:
    entry = child(measles, co_ngay_sinh="yes")
    if taken:
        entry.answer("ngay_sinh", TODAY - born * DAY)
    else:
        with pytest.raises(Refused, match="Trẻ phải dưới 6 tuổi"):
            entry.answer("ngay_sinh", TODAY - born * DAY)


def test_second_dose_is_asked_after_a_first(measles: Form) -> None:
    for given, asked in (("yes", True), ("no", False), ("unknown", False)):
        entry = child(measles, co_ngay_sinh="no", so_thang=20, noi_o="lives_here", mr1=given)
        assert entry.is_relevant("mr2") is asked


def test_doses_follow_birth_and_each_other(measles: Form) -> None:
    born = TODAY - 600 * DAY
    entry = child(measles, co_ngay_sinh="yes", ngay_sinh=born, noi_o="lives_here", mr1="yes")
    for day in (born, TODAY + DAY):
        with pytest.raises(Refused, match="Ngày tiêm phải sau ngày sinh"):
            entry.answer("mr1_ngay", day)
    entry.fill({"mr1_ngay": born + 280 * DAY, "mr1_loai": "measles", "mr2": "yes"})
    with pytest.raises(Refused, match="Mũi 2 phải sau mũi 1"):
        entry.answer("mr2_ngay", born + 280 * DAY)
    entry.fill({"mr2_ngay": born + 550 * DAY, "mr2_loai": "mr", "chong_chi_dinh": "no", "dong_y": "yes"})
    assert b"<mr2>yes</mr2>" in entry.finalise()


def test_undated_first_dose_does_not_stop_the_second(measles: Form) -> None:
    entry = child(measles, co_ngay_sinh="no", so_thang=30, noi_o="lives_here", mr1="yes", mr2="yes")
    with pytest.raises(Refused):
        entry.answer("mr2_ngay", TODAY + DAY)
    entry.answer("mr2_ngay", TODAY - 30 * DAY)


def test_dose_before_the_earliest_birth_that_the_months_allow_is_refused(measles: Form) -> None:
    entry = child(measles, co_ngay_sinh="no", so_thang=30, noi_o="lives_here", mr1="yes")
    months = TODAY.year * 12 + TODAY.month - 1 - 31
    earliest = date(months // 12, months % 12 + 1, min(TODAY.day, 28))
    assert entry.value("sinh_tu") == f"{months // 12}{months % 12 + 1:02}{TODAY.day:02}"
    with pytest.raises(Refused, match="Ngày tiêm phải sau ngày sinh"):
        entry.answer("mr1_ngay", earliest - DAY)
    entry.answer("mr1_ngay", earliest + 4 * DAY)


def test_measles_visit_is_read_by_the_same_roles(measles: Form) -> None:
    born = TODAY - 600 * DAY
    entry = measles.new(on=TODAY - DAY).fill({**HOUSE, "chu_ho": "Bàn Văn Sinh", "so_tre": 2})
    entry.fill(
        {
            "tre": [
                {"ten": "Bàn Thị Pham", "gioi": "female", "co_ngay_sinh": "yes", "ngay_sinh": born}
                | {"noi_o": "lives_here", "mr1": "yes", "mr1_ngay": born + 280 * DAY, "mr1_loai": "measles"}
                | {"mr2": "unknown", "chong_chi_dinh": "no", "dong_y": "yes"},
                {"ten": "Bàn Văn Kim", "gioi": "male", "co_ngay_sinh": "no", "so_thang": 10, "noi_o": "elsewhere"}
                | {"mr1": "no", "chong_chi_dinh": "no", "dong_y": "no", "ly_do": "Sợ sốt"},
            ]
        }
    )
    model = read_xform(xform_of(FORMS / "measles/measles.xlsx"))
    campaign = read_campaign((FORMS / "measles/campaign.toml").read_text("utf-8"))
    visit, findings = read_visit(read_instance(entry.finalise()), Roles.of(model), campaign, TODAY)
    assert findings == ()
    assert (visit.household_id, visit.visited_on, visit.outcome) == ("0197201-7", TODAY - DAY, "interviewed")
    girl, boy = visit.people
    assert (girl.residence, girl.born_on, girl.vaccination_unknown) == ("here", born, True)
    assert [(d.code, d.given_on, d.vaccine) for d in girl.doses] == [("MR1", born + 280 * DAY, "measles")]
    assert (boy.residence, boy.birth_precision, boy.doses) == ("works_away", "age", ())
    assert (boy.refused, boy.refusal_reason) == (True, "Sợ sốt")


def test_measles_choices_are_words_or_codes_of_the_campaign() -> None:
    model = read_xform(xform_of(FORMS / "measles/measles.xlsx"))
    campaign = read_campaign((FORMS / "measles/campaign.toml").read_text("utf-8"))
    roles = Roles.of(model)

    def offered(role: str) -> set[str]:
        node = model.node(roles.paths[role])
        assert node is not None
        choices = model.choice_list(node.choices)
        assert choices is not None
        return {choice.value for choice in choices.choices}

    assert roles.coded_doses == tuple(campaign.doses) == ("MR1", "MR2")
    assert offered("dose.vaccine@MR1") == set(campaign.vaccines)
    assert offered("visit.outcome") == set(campaign.values["outcome"])
    assert offered("person.residence") - set(campaign.values["residence"]) == {"moved_in", "moved_out"}


def test_form_without_roles_declares_none_and_is_filled_all_the_same(water: Form) -> None:
    assert not Roles.of(read_xform(xform_of(FORMS / "village_water/water_points.xlsx"))).draws_coverage
    entry = water.new().fill(
        {
            "village": "Bản Áng",
            "gps": (22.18, 105.79, 312.5, 6),
            "source": "dug_well",
            "photo": "1669082400000.jpg",
            "depth_m": 8.5,
            "dry_months": ["m02", "m12", "m01"],
            "test": [
                {"taken_at": datetime(2022, 8, 1, 7, 30), "kind": "ph", "reading": 6.8, "strip": "1669082500000.jpg"},
                {"taken_at": "2022-08-01T08:00:00.000+07:00", "kind": "ecoli", "reading": 0},
            ],
            "usable": "yes",
            "notes": "Nước đục sau mưa",
        }
    )
    tree = etree.fromstring(entry.finalise())
    assert tree.get("id") == "water_points"
    assert tree.findtext("photo") == "1669082400000.jpg"
    assert tree.findtext("dry_months") == "m01 m02 m12"
    assert [test.findtext("taken_at") for test in tree.iterfind("test")] == [
        "2022-08-01T07:30:00.000+07:00",
        "2022-08-01T08:00:00.000+07:00",
    ]
    assert [test.findtext("strip") for test in tree.iterfind("test")] == ["1669082500000.jpg", ""]
    assert tree.findtext("depth_m") == "8.5"
    assert tree.findtext("device") == "collect:engine"


@pytest.mark.parametrize(("depth", "taken"), [(0, False), (0.5, True), (299.9, True), (300, False)])
def test_well_has_a_depth(water: Form, depth: float, taken: bool) -> None:
    entry = water.new().fill({"source": "spring"})
    assert not entry.is_relevant("depth_m")
    entry.answer("source", "drilled_well")
    if taken:
        entry.answer("depth_m", depth)
    else:
        with pytest.raises(Refused, match=r"A depth between 0 and 300 m\."):
            entry.answer("depth_m", depth)


def test_edit_of_a_form_without_entities_keeps_its_answers(water: Form) -> None:
    answers = {"village": "Bản Áng", "gps": (22.18, 105.79, 312.5, 6), "source": "rain", "usable": "no"}
    tests = {"test": [{"taken_at": "2022-08-01T08:00:00.000+07:00", "kind": "ph", "reading": 7}]}
    first = water.new().fill({**answers, **tests}).finalise()
    edited = etree.fromstring(water.edit(first).answer("usable", "yes").finalise())
    assert (edited.findtext("usable"), edited.findtext("test/reading")) == ("yes", "7.0")
    old = etree.fromstring(first).findtext("{*}meta/{*}instanceID")
    assert edited.findtext("{*}meta/{*}deprecatedID") == old
    assert edited.findtext("start") == etree.fromstring(first).findtext("start")


def test_date_in_words_is_no_date(measles: Form) -> None:
    entry = child(measles, co_ngay_sinh="yes")
    with pytest.raises(EngineError, match="is not a date"):
        entry.answer("ngay_sinh", "hôm qua")
    entry.answer("ngay_sinh", date(TODAY.year, 1, 1))
