"""What a campaign.toml may say, and what it is told when it may not."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Campaign, Design, Label, Period
from mapper.errors import InvalidCampaign
from mapper.formats.campaign import read_campaign
from mapper.formats.toml_table import read_period

FORMS = Path(__file__).resolve().parents[2] / "forms"

TETANUS = """
id = "tetanus"
label = { vi = "Uốn ván", en = "Tetanus" }
start = 2022-01-01

[doses]
T1 = { vi = "Mũi 1", en = "Dose 1" }
T2 = "T2"
T3 = { vi = "Mũi 3" }

[vaccines]
tt = "TT"
td = "Td"

[[groups]]
code = "women"
label = { vi = "Phụ nữ 15 đến 35 tuổi", en = "Women 15 to 35" }
from_age = "15 years"
to_age = "36 years"

[[groups.doses]]
dose = "T1"

[[groups.doses]]
dose = "T2"
after = "T1"
interval = "28 days"
"""


def with_line(line: str, after: str) -> str:
    """TETANUS with one more line behind the first that begins so."""
    lines = TETANUS.splitlines()
    place = next(i for i, text in enumerate(lines) if text.startswith(after))
    return "\n".join([*lines[: place + 1], line, *lines[place + 1 :]])


def instead(old: str, new: str) -> str:
    """TETANUS with that text exchanged."""
    assert TETANUS.count(old) == 1
    return TETANUS.replace(old, new)


def refusal(text: str) -> str:
    with pytest.raises(InvalidCampaign) as refused:
        read_campaign(text)
    return str(refused.value)


def test_a_campaign_is_a_census_unless_it_says_that_it_is_a_cluster_survey() -> None:
    assert read_campaign(TETANUS).design is Design.CENSUS
    assert read_campaign(with_line('design = "census"', "id =")).design is Design.CENSUS
    assert read_campaign(with_line('design = "cluster_survey"', "id =")).design is Design.CLUSTER_SURVEY
    said = refusal(with_line('design = "survey"', "id ="))
    assert "design cannot be survey. Use one of: census, cluster_survey." in said
    assert "design cannot be 1" in refusal(with_line("design = 1", "id ="))


def test_small_campaign_is_read_whole() -> None:
    campaign = read_campaign(TETANUS)
    assert (campaign.id, campaign.label, campaign.start) == (
        "tetanus",
        Label("Uốn ván", "Tetanus"),
        date(2022, 1, 1),
    )
    assert campaign.doses == {"T1": Label("Mũi 1", "Dose 1"), "T2": Label("T2", "T2"), "T3": Label("Mũi 3", "")}
    assert campaign.doses["T3"]["en"] == "Mũi 3"
    assert list(campaign.vaccines) == ["tt", "td"]
    (women,) = campaign.groups
    assert (women.code, women.from_age, women.to_age) == ("women", Period(15 * 12), Period(36 * 12))
    assert (women.priorities, women.either, women.after_infection) == (frozenset(), False, None)
    assert [(dose.code, dose.after, dose.interval, dose.target, dose.deadline) for dose in women.doses] == [
        ("T1", None, Period(), None, None),
        ("T2", "T1", Period(0, 28), None, None),
    ]
    assert (campaign.values, campaign.accuracy_limit_m, campaign.hamlets_file, campaign.source) == ({}, 100.0, None, "")


def test_file_with_a_byte_order_mark_is_read() -> None:
    assert read_campaign("\ufeff" + TETANUS) == read_campaign(TETANUS)


def test_covid_campaign_says_what_the_ministry_said() -> None:
    campaign = read_campaign((FORMS / "covid19/campaign.toml").read_text("utf-8"))
    assert (campaign.id, campaign.start, campaign.accuracy_limit_m) == ("covid19", date(2021, 3, 8), 50.0)
    assert "August 2022" in campaign.source

    def scheduled(group: str, dose: str) -> tuple[object, ...]:
        found = campaign.find(group, dose)
        assert found is not None
        return found[1].after, found[1].interval, found[1].target

    ninety, ninety_five = Fraction(9, 10), Fraction(19, 20)
    assert scheduled("5_11", "2")[2] == ninety_five
    assert scheduled("12_17", "booster1") == ("2", Period(5), ninety)
    assert scheduled("18_plus", "booster1") == ("2", Period(3), ninety)
    assert scheduled("18_plus", "booster2") == ("booster1", Period(4), ninety)
    adults = {dose.code: dose for group, dose in campaign.series if group.code == "18_plus"}
    assert adults["3"].only_vaccines == {"abdala"}
    assert adults["booster1"].after_by_vaccine["abdala"] == "3"
    for group, dose in campaign.series:
        if dose.code == "2" and group.from_age == Period(216):  # one dose of it is a whole primary course
            assert dose.given_by_vaccine == {"janssen": "1"}
    at_risk = next(group for group in campaign.groups if group.code == "high_risk_18_plus")
    assert (at_risk.from_age, at_risk.also_from_age, at_risk.either) == (Period(216), Period(780), False)
    children = next(group for group in campaign.groups if group.code == "5_11")
    assert (children.from_age, children.to_age, children.after_infection) == (Period(60), Period(144), Period(3))
    assert children.doses[1].same_vaccine
    assert children.doses[1].vaccines == ("pfizer", "moderna")
    assert set(campaign.vaccines) - {"other"} == set(
        "astrazeneca pfizer moderna vero_cell sputnik_v abdala hayat_vax janssen".split()
    )


def test_measles_campaign_is_for_children_from_9_months_to_5_years() -> None:
    campaign = read_campaign((FORMS / "measles/campaign.toml").read_text("utf-8"))
    assert [(g.code, g.from_age, g.to_age) for g in campaign.groups] == [
        ("9m_4y", Period(9), Period(60)),
        ("18m_4y", Period(18), Period(60)),
    ]
    assert campaign.values["residence"] == {"lives_here": "here", "elsewhere": "works_away"}
    assert "sample" in campaign.source.lower()


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("5 years", Period(60)),
        ("1 year", Period(12)),
        ("28 days", Period(0, 28)),
        ("3 months", Period(3)),
        ("8 weeks", Period(0, 56)),
        ("1 year and 6 months", Period(18)),
        ("1 month and 2 weeks and 1 day", Period(1, 15)),
        ("  12  Years ", Period(144)),
        ("0 days", Period()),
    ],
)
def test_periods_are_whole_months_and_days(text: str, period: Period) -> None:
    assert read_period(text) == period


@pytest.mark.parametrize(
    "text", ["", "5", "years", "5 tuổi", "-3 months", "1.5 years", "3 months 2 days", "and", "9999 years", "3 mo"]
)
def test_what_is_no_period_is_told(text: str) -> None:
    assert read_period(text) is None
    said = refusal(instead('from_age = "15 years"', f'from_age = "{text}"'))
    assert said == f'campaign.toml, groups women: from_age cannot be "{text}". Write it like "5 years".'


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("95 %", Fraction(19, 20)),
        ("95%", Fraction(19, 20)),
        ("92,5 %", Fraction(37, 40)),
        ("66.667 %", Fraction(66667, 100000)),
        ("100 %", Fraction(1)),
        ("0 %", Fraction(0)),
    ],
)
def test_targets_are_exact(text: str, share: Fraction) -> None:
    campaign = read_campaign(with_line(f'target = "{text}"', "interval"))
    assert campaign.groups[0].doses[1].target == share


@pytest.mark.parametrize("value", ['"101 %"', '"-5 %"', '"95"', "0.95", "95", '"95 percent"', "true", '"100.01 %"'])
def test_target_outside_0_to_100_percent_is_refused(value: str) -> None:
    said = refusal(with_line(f"target = {value}", "interval"))
    assert said.startswith("campaign.toml, groups women, dose T2: target cannot be ")
    assert said.endswith('Write it like "95 %" (0 to 100 %).')


@pytest.mark.parametrize("value", ['"2022-08-31"', "2022-08-31T07:00:00", "07:00:00", "20220831", '"31/8/2022"'])
def test_dates_that_are_no_dates_are_refused(value: str) -> None:
    assert "deadline cannot be" in refusal(with_line(f"deadline = {value}", "interval"))
    assert "start cannot be" in refusal(instead("start = 2022-01-01", f"start = {value}"))


def test_last_day_of_visits_lies_within_the_campaign() -> None:
    assert read_campaign(TETANUS).visits_until is None
    assert read_campaign(with_line("visits_until = 2022-03-01", "start")).visits_until == date(2022, 3, 1)
    assert read_campaign(with_line("visits_until = 2022-01-01", "start")).working_days(date(2022, 1, 1)) == 1
    for day in ("2021-12-31", "2032-01-02"):
        with pytest.raises(InvalidCampaign, match=f"the last day of visits, is {day}. Name a day between"):
            read_campaign(with_line(f"visits_until = {day}", "start"))
    with pytest.raises(InvalidCampaign, match='visits_until cannot be "soon"'):
        read_campaign(with_line('visits_until = "soon"', "start"))


def test_working_days_are_all_but_sundays_and_a_sunday_that_is_asked_for() -> None:
    campaign = read_campaign(with_line("visits_until = 2022-03-31", "start"))  # a Thursday
    counted = {day: campaign.working_days(date(2022, 3, day)) for day in (31, 30, 27, 26, 21, 20, 1)}
    # The 27th, the 20th, the 13th and the 6th are Sundays.
    assert counted == {31: 1, 30: 2, 27: 5, 26: 5, 21: 10, 20: 11, 1: 27}
    assert campaign.working_days(date(2022, 4, 1)) is None


def test_dates_are_written_plain() -> None:
    campaign = read_campaign(with_line("deadline = 2022-08-31", "interval"))
    assert campaign.groups[0].doses[1].deadline == date(2022, 8, 31)


@pytest.mark.parametrize(
    ("line", "after", "said"),
    [
        ("lable = 1", "id", "campaign.toml: the key lable is unknown. Did you mean label?"),
        ("from_ages = 1", "code", "campaign.toml, groups women: the key from_ages is unknown. Did you mean from_age?"),
        (
            "intervall = 1",
            "after",
            "campaign.toml, groups women, dose T2: the key intervall is unknown. Did you mean interval?",
        ),
        (
            "colour = 1",
            "code",
            "campaign.toml, groups women: the key colour is unknown. Known are: code, label, from_age, to_age, "
            "priorities, either, also_from_age, after_infection, doses.",
        ),
        (
            "values = { residense = { o_day = 'here' } }",
            "id",
            "campaign.toml, values: the key residense is unknown. Did you mean residence?",
        ),
    ],
)
def test_unknown_key_is_named_with_the_nearest_known(line: str, after: str, said: str) -> None:
    assert refusal(with_line(line, after)) == said


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ('id = "tetanus"', "campaign.toml: id is missing. Add it, for example id = "),
        ("start = 2022-01-01", "campaign.toml: start is missing. Add it, for example start = 2021-03-08."),
        ('label = { vi = "Uốn ván", en = "Tetanus" }', "campaign.toml: label is missing."),
        ('code = "women"', "campaign.toml, groups 1: code is missing."),
        ('dose = "T1"', "campaign.toml, groups women, doses 1: dose is missing."),
        ('tt = "TT"\ntd = "Td"', "campaign.toml: vaccines is missing."),
    ],
)
def test_what_is_missing_is_named(old: str, said: str) -> None:
    assert refusal(instead(old, "")).startswith(said)


def test_campaign_without_groups_and_group_without_doses_are_refused() -> None:
    assert refusal(TETANUS.partition("[[groups]]")[0]).startswith("campaign.toml: groups is missing.")
    assert refusal(TETANUS.partition("[[groups.doses]]")[0]).startswith("campaign.toml, groups women: doses is missing")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id = "tetanus"', 'id = "uốn ván"'),
        ('id = "tetanus"', "id = 5"),
        ('code = "women"', 'code = "a/b"'),
        ("T3 = {", '"T 3" = {'),
        ('{ vi = "Mũi 3" }', '{ vi = "" }'),
        ('{ vi = "Mũi 3" }', "3"),
        ('vi = "Mũi 3"', 'tay = "Mũi 3"'),
        ("start = 2022-01-01", 'start = 2022-01-01\nhamlets = "../../etc/passwd"'),
        ("start = 2022-01-01", 'start = 2022-01-01\nhamlets = "hamlets.xlsx"'),
        ("start = 2022-01-01", "start = 2022-01-01\naccuracy_limit_m = 0"),
        ("start = 2022-01-01", "start = 2022-01-01\naccuracy_limit_m = nan"),
        ("start = 2022-01-01", 'start = 2022-01-01\naccuracy_limit_m = "50 m"'),
        ("start = 2022-01-01", "start = 2022-01-01\nvalues = 3"),
        ("start = 2022-01-01", "start = 2022-01-01\nsource = 3"),
        ('interval = "28 days"', 'interval = "28 days"\nsame_vaccine = "yes"'),
        ('interval = "28 days"', 'interval = "28 days"\nvaccines = "tt"'),
        ('interval = "28 days"', "interval = 28"),
        ('interval = "28 days"', "interval_by_vaccine = { tt = 28 }"),
        ('to_age = "36 years"', 'to_age = "36 years"\npriorities = [1]'),
    ],
)
def test_values_of_the_wrong_kind_are_refused_with_an_example(old: str, new: str) -> None:
    said = refusal(instead(old, new))
    assert " cannot be " in said or "is unknown" in said
    assert "Write it like " in said or "Known are" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('only_vaccines = ["ttt"]', "only_vaccines names ttt, which is not in [vaccines]."),
        ('vaccines = ["tt", "dpt"]', "vaccines names dpt, which is not in [vaccines]."),
        ('interval_by_vaccine = { dt = "8 weeks" }', "vaccine names dt, which is not in [vaccines]."),
        ('after_by_vaccine = { dt = "T3" }', "vaccine names dt, which is not in [vaccines]."),
        ('after_by_vaccine = { td = "T9" }', "td names T9, which is not in [doses]."),
        ('given_by_vaccine = { dt = "T1" }', "vaccine names dt, which is not in [vaccines]."),
        ('given_by_vaccine = { td = "T9" }', "td names T9, which is not in [doses]."),
        ('given_by_vaccine = { td = "T2" }', "given_by_vaccine names the dose itself. Name the earlier dose"),
    ],
)
def test_unknown_vaccine_or_dose_is_named(line: str, said: str) -> None:
    message = refusal(with_line(line, "interval"))
    assert said in message
    assert message.startswith("campaign.toml, groups women, dose T2")


def test_known_vaccines_and_doses_are_taken() -> None:
    lines = 'only_vaccines = ["tt"]\nvaccines = ["td", "tt"]\ninterval_by_vaccine = { td = "8 weeks" }\n'
    lines += 'given_by_vaccine = { tt = "T1" }\n'
    dose = read_campaign(with_line(lines + 'after_by_vaccine = { td = "T3" }', "interval")).groups[0].doses[1]
    assert (dose.only_vaccines, dose.vaccines) == ({"tt"}, ("td", "tt"))
    assert (dose.interval_by_vaccine, dose.after_by_vaccine) == ({"td": Period(0, 56)}, {"td": "T3"})
    assert dose.given_by_vaccine == {"tt": "T1"}


def test_dose_after_an_unknown_one_is_refused() -> None:
    assert refusal(instead('after = "T1"', 'after = "T0"')) == (
        "campaign.toml, groups women, dose T2: after names T0, which is not in [doses]. "
        "Add it there, or use one of: T1, T2, T3."
    )
    assert "dose names T7, which is not in [doses]" in refusal(instead('dose = "T1"', 'dose = "T7"'))


def test_doses_that_wait_for_each_other_are_refused() -> None:
    circle = TETANUS.replace('dose = "T1"', 'dose = "T1"\nafter = "T2"')
    assert "in a circle: T1 > T2 > T1." in refusal(circle)
    assert "in a circle: T2 > T2." in refusal(instead('after = "T1"', 'after = "T2"'))
    by_vaccine = TETANUS + 'after_by_vaccine = { tt = "T3" }\n[[groups.doses]]\ndose = "T3"\nafter = "T2"\n'
    assert "in a circle: T2 > T3 > T2." in refusal(by_vaccine)


def test_series_without_a_circle_is_taken() -> None:
    longer = TETANUS + '[[groups.doses]]\ndose = "T3"\nafter = "T2"\nafter_by_vaccine = { tt = "T1" }\n'
    assert [dose.after for dose in read_campaign(longer).groups[0].doses] == [None, "T1", "T2"]


@pytest.mark.parametrize("line", ['interval = "3 months"', "same_vaccine = true", 'only_vaccines = ["tt"]'])
def test_line_about_the_dose_before_needs_one(line: str) -> None:
    said = refusal(instead('dose = "T1"', f'dose = "T1"\n{line}'))
    key = line.partition(" ")[0]
    assert said == (
        f'campaign.toml, groups women, dose T1: {key} speaks of the dose before, but none is named. Add after = "...".'
    )


@pytest.mark.parametrize("to_age", ["15 years", "14 years and 11 months", "180 months", "1 day"])
def test_reversed_ages_are_refused(to_age: str) -> None:
    said = refusal(instead('"36 years"', f'"{to_age}"'))
    assert said.startswith(f"campaign.toml, groups women: from_age 15 years is not below to_age {to_age}.")


@pytest.mark.parametrize("to_age", ["15 years and 1 day", "181 months"])
def test_narrow_ages_are_taken(to_age: str) -> None:
    assert read_campaign(instead('"36 years"', f'"{to_age}"')).groups[0].to_age == read_period(to_age)


def test_group_may_have_any_age() -> None:
    campaign = read_campaign(instead('from_age = "15 years"\nto_age = "36 years"', ""))
    assert (campaign.groups[0].from_age, campaign.groups[0].to_age) == (None, None)


def test_either_joins_an_age_with_priorities() -> None:
    both = 'to_age = "36 years"\npriorities = ["pregnant", "soldier"]\neither = true'
    group = read_campaign(instead('to_age = "36 years"', both)).groups[0]
    assert (group.priorities, group.either) == ({"pregnant", "soldier"}, True)
    assert "either = true joins" in refusal(instead('to_age = "36 years"', 'to_age = "36 years"\neither = true'))
    no_age = instead('from_age = "15 years"\nto_age = "36 years"', 'priorities = ["pregnant"]\neither = true')
    assert "either = true joins" in refusal(no_age)


def test_what_stands_twice_is_refused() -> None:
    group = TETANUS[TETANUS.index("[[groups]]") :]
    assert refusal(TETANUS + group) == "campaign.toml: women stands twice in groups. Keep one of them."
    assert "T1 stands twice in doses" in refusal(TETANUS + '[[groups.doses]]\ndose = "T1"\n')
    assert "tt stands twice in vaccines" in refusal(with_line('vaccines = ["tt", "tt"]', "interval"))


def test_values_stand_for_words_of_the_register() -> None:
    words = '[values.residence]\no_day = "here"\n[values.outcome]\nvang = "absent"\n[values.vaccine]\nuv = "tt"\n'
    campaign = read_campaign(TETANUS + words + '[values.priority]\nbau = "pregnant"\n')
    assert campaign.values == {
        "residence": {"o_day": "here"},
        "outcome": {"vang": "absent"},
        "vaccine": {"uv": "tt"},
        "priority": {"bau": "pregnant"},
    }
    assert refusal(TETANUS + '[values.outcome]\nvang = "away"\n') == (
        "campaign.toml, values, outcome: vang stands for away, which is no word for outcome. "
        "Use one of: absent, interviewed, locked, moved_away, refused."
    )
    assert "which is no word for vaccine" in refusal(TETANUS + '[values.vaccine]\nuv = "dpt"\n')
    assert "which is no word for number" in refusal(TETANUS + '[values.number]\nm1 = "T9"\n')


@pytest.mark.parametrize(
    "text", ["id = ", "[doses", 'id = "a"\nid = "b"', "\x00", "a = " + "[" * 2000, 'start = 2022-02-30\nid = "x"']
)
def test_what_is_no_toml_is_refused(text: str) -> None:
    assert refusal(text).startswith("campaign.toml is not valid TOML: ")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(read_campaign(text), Campaign)
    except InvalidCampaign as error:
        assert str(error)


_SCALARS = st.one_of(st.integers(-9, 9), st.floats(), st.booleans(), st.text(max_size=12), st.dates(), st.datetimes())
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
_LINES = ("id", "label", "start", "doses", "vaccines", "groups", "values", "hamlets", "source", "accuracy_limit_m")


def as_toml(value: object) -> str:
    """A value as it stands behind the equals sign."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=True)
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_toml(key)} = {as_toml(item)}" for key, item in value.items()) + "}"
    return value.isoformat() if isinstance(value, date) else repr(value)


@given(key=st.sampled_from(_LINES), value=_TREES)
def test_any_value_at_any_key_is_read_or_refused(key: str, value: object) -> None:
    head, _, groups = TETANUS.partition("[doses]")
    kept = "\n".join(line for line in head.splitlines() if not line.startswith(key + " "))
    text = f"{key} = {as_toml(value)}\n{kept}\n" + (f"[doses]{groups}" if key not in ("doses", "groups") else "")
    try:
        assert isinstance(read_campaign(text), Campaign)
    except InvalidCampaign as error:
        assert str(error)


@given(years=st.integers(0, 150), months=st.integers(0, 30), weeks=st.integers(0, 60), days=st.integers(0, 400))
def test_periods_add_up(years: int, months: int, weeks: int, days: int) -> None:
    text = f"{years} years and {months} months and {weeks} weeks and {days} days"
    assert read_period(text) == Period(12 * years + months, 7 * weeks + days)


def test_a_group_of_people_with_a_priority_may_take_in_those_older() -> None:
    ages = 'to_age = "36 years"\npriorities = ["soldier"]\nalso_from_age = "30 years"'
    (group,) = read_campaign(instead('to_age = "36 years"', ages)).groups
    assert (group.from_age, group.also_from_age) == (Period(180), Period(360))


@pytest.mark.parametrize(
    "lines",
    [
        'to_age = "36 years"\nalso_from_age = "30 years"',
        'to_age = "36 years"\npriorities = ["soldier"]\neither = true\nalso_from_age = "30 years"',
        'to_age = "36 years"\npriorities = ["soldier"]\nalso_from_age = "15 years"',
        'to_age = "36 years"\npriorities = ["soldier"]\nalso_from_age = "36 years"',
    ],
)
def test_an_age_that_adds_nobody_is_refused(lines: str) -> None:
    assert "also_from_age adds older people to those with a priority." in refusal(instead('to_age = "36 years"', lines))
