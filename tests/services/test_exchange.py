"""What goes to DHIS2, ADX and FHIR says what the figures and the register say, and reads back as the same."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Callable, Mapping
from datetime import date

import orjson
import pytest

from mapper.domain.exchange import FIGURES, DataValue, PeriodKind, period_around, read_period
from mapper.domain.people_filter import PeopleFilter
from mapper.errors import InvalidCampaign, InvalidInput, InvalidQuestion
from mapper.formats import dhis2, fhir, fhir_transaction
from mapper.formats.exchange_mapping import read_mapping
from mapper.formats.org_units import OrgUnitLine, read_org_units
from mapper.services import accounts, exchange, publish
from mapper.services import fhir as handing
from mapper.services.areas import Area
from mapper.services.exchange import Sending, Wanted
from mapper.services.filtered import FilterQuestion
from tests.services.town import COMMUNES, DAY, EVERYTHING, FORMS, HAMLETS, Town, inside, person

LATER = date(2022, 12, 1)
AUGUST = period_around(PeriodKind.MONTHLY, DAY)
UIDS = [f"Uabcdefgh{number:02}" for number in range(14)]


def fill(town: Town) -> None:
    """Three people in the first commune, one in the second, and the codes of both."""
    with town.reference.database.write() as connection:
        campaign = town.reference.known(connection).campaigns["covid19"]
        toml = (FORMS / "covid19" / "exchange.toml").read_text("utf-8")
        exchange.keep_mapping(town.reference, connection, campaign, toml)
    doses = [("1", date(2021, 9, 1), "pfizer"), ("2", None, "abdala")]
    people = (
        person(date(1980, 5, 17), doses, name="Nông Thị Đào", sex="female"),
        person(None, name="Lý Văn Sơn", sex="male", age_years="40"),
        person(date(1990, 1, 1), name="Hoàng Nam", consent="no", refusal_reason="fear"),
    )
    town.send(town.write({"household.phone": "0912345678"}, people))
    town.send(town.write({}, (person(date(1970, 2, 3)),), commune=1))


def lines(*numbers: int) -> list[OrgUnitLine]:
    return [OrgUnitLine(number + 2, COMMUNES[number], "", UIDS[number], "", f"Xã {number}") for number in numbers]


def send(town: Town, level: str = "commune") -> Sending:
    return exchange.sending(town.reference, EVERYTHING, Wanted("covid19", "squares", level, DAY, AUGUST))


def test_every_value_is_the_figure_of_the_coverage_and_unmapped_units_are_named(town: Town) -> None:
    fill(town)
    taken = exchange.take_org_units(
        town.reference, EVERYTHING, "squares", DAY, [*lines(0), lines(1)[0]._replace(unit="99")]
    )
    assert [one.what for one in taken] == ["new", "unknown"]
    sending = send(town)
    assert [unit.code for unit in sending.units] == [COMMUNES[0]]
    assert (COMMUNES[1], "unmapped", 1) in [(one.code, one.why, one.people) for one in sending.left_out]
    told = {(one.element, one.combo): one.value for one in sending.values}
    checked = 0
    for group, dose in sending.campaign.series:
        unit = next(one for one in town.ask("commune", group.code, dose.code).units if one.code == COMMUNES[0])
        for figure in FIGURES:
            to = sending.mapping.element(figure, group.code, dose.code)
            number = exchange.figure_of(unit, figure)
            if to is not None and number is not None:
                assert told.pop(to) == number
                checked += 1
    assert not told and checked > 100
    # By hand: three adults there, one of them with a first dose, one refuses.
    assert {one.value for one in sending.values if one[0] == "TN_C19_PEOPLE"} == {3}
    first = {one.element: one.value for one in sending.values if one.combo == "TN_C19_18_P_1"} or {
        one.element: one.value for one in sending.values if one.combo == sending.mapping.combos["18_plus", "1"]
    }
    assert (first["TN_C19_ELIGIBLE"], first["TN_C19_VACCINATED"], first["TN_C19_REFUSED"]) == (3, 1, 1)
    assert any(one.startswith("outside.") for one in sending.silent)


@pytest.mark.parametrize("layout", ["json", "csv", "xml", "adx"])
def test_each_layout_reads_back_as_what_was_written(sqlite_town: Town, layout: str) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0, 1))
    sending = send(sqlite_town)
    write: Mapping[str, Callable[[], bytes]] = {
        "json": lambda: dhis2.write_json(sending.values, sending.mapping),
        "csv": lambda: dhis2.write_csv(sending.values),
        "xml": lambda: dhis2.write_xml(sending.values, sending.mapping),
        "adx": lambda: dhis2.write_adx(sending.values, sending.mapping, "2022-08-31T00:00:00Z")[0],
    }
    content = write[layout]()
    back = dhis2.read_values(content, sending.mapping)
    assert back == sending.values and len(back) > 200
    assert exchange.compare(sending.values, back) == (len(back), [])
    wrong = [back[0]._replace(value=back[0].value + 7), *back[2:]]
    agree, different = exchange.compare(sending.values, wrong)
    assert agree == len(back) - 2
    assert [(one.ours, one.theirs) for one in different] == [
        (back[0].value, back[0].value + 7),
        (back[1].value, None),
    ]
    with pytest.raises(InvalidInput, match="twice"):
        exchange.compare(sending.values, [*back, wrong[0]])


def test_files_are_laid_out_as_the_systems_read_them(sqlite_town: Town) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0))
    sending = send(sqlite_town)
    body = json.loads(dhis2.write_json(sending.values, sending.mapping))
    assert (body["dataSet"], body["orgUnitIdScheme"], body["dataElementIdScheme"]) == ("TN_C19", "UID", "CODE")
    assert body["dataValues"][0]["orgUnit"] == UIDS[0] and body["dataValues"][0]["period"] == "202208"
    head = next(csv.reader(io.StringIO(dhis2.write_csv(sending.values).decode())))
    assert head == ["dataelement", "period", "orgunit", "catoptcombo", "attroptcombo", "value"]
    adx, left_out = dhis2.write_adx(sending.values, sending.mapping, "2022-08-31T00:00:00Z")
    assert b'<group orgUnit="Uabcdefgh00" period="2022-08-01/P1M" dataSet="TN_C19">' in adx and not left_out
    assert b'TN_C19_DOSE="BOOSTER1"' in adx


def test_a_data_set_takes_periods_of_its_own_length_alone(sqlite_town: Town) -> None:
    fill(sqlite_town)
    with sqlite_town.reference.database.write() as connection:
        campaign = sqlite_town.reference.known(connection).campaigns["covid19"]
        exchange.keep_mapping(sqlite_town.reference, connection, campaign, '[dhis2]\nperiod_type = "weekly"')
    assert exchange.usual_period(sqlite_town.reference, "covid19") is PeriodKind.WEEKLY
    with pytest.raises(InvalidQuestion, match="weekly periods, not 202208"):
        send(sqlite_town)
    week = period_around(PeriodKind.WEEKLY, DAY)
    wanted = Wanted("covid19", "squares", "commune", DAY, week)
    assert exchange.sending(sqlite_town.reference, EVERYTHING, wanted).wanted.period.dhis2 == "2022W33"


@pytest.mark.parametrize(
    ("kind", "dhis2_text", "adx_text", "last"),
    [
        (PeriodKind.DAILY, "20220905", "2022-09-05/P1D", date(2022, 9, 5)),
        (PeriodKind.WEEKLY, "2022W36", "2022-09-05/P7D", date(2022, 9, 11)),
        (PeriodKind.MONTHLY, "202209", "2022-09-01/P1M", date(2022, 9, 30)),
        (PeriodKind.QUARTERLY, "2022Q3", "2022-07-01/P3M", date(2022, 9, 30)),
        (PeriodKind.YEARLY, "2022", "2022-01-01/P1Y", date(2022, 12, 31)),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_periods_are_written_and_read_as_both_have_them(
    kind: PeriodKind, dhis2_text: str, adx_text: str, last: date
) -> None:
    period = period_around(kind, date(2022, 9, 5))
    assert (period.dhis2, period.adx, period.last) == (dhis2_text, adx_text, last)
    assert read_period(dhis2_text) == read_period(adx_text) == period


@pytest.mark.parametrize("text", ["2022W54", "20220231", "2022Q5", "2022-02-02/P1M", "tomorrow", "٢٠٢٢"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuestion, match="no reporting period"):
        read_period(text)


def test_the_first_days_of_a_year_may_lie_in_the_last_week_of_the_one_before() -> None:
    assert period_around(PeriodKind.WEEKLY, date(2023, 1, 1)).dhis2 == "2022W52"


BAD_VALUES = {
    "no list": (b'{"dataSet": "X"}', "dataValues"),
    "half a number": (b'{"dataValues":[{"dataElement":"A","period":"2022","orgUnit":"U","value":"1.5"}]}', "Line 1"),
    "no unit": (b"dataelement,period,orgunit,value\nA,2022,,1\n", "Line 2"),
    "no head": (b"A,2022,U,1\n", "columns"),
    "other XML": (b"<a/>", "neither"),
    "unknown dimension": (
        b'<adx xmlns="urn:ihe:qrph:adx:2015">\n<group orgUnit="U" period="2022-01-01/P1Y">'
        b'<dataValue dataElement="A" AGE="9" value="1"/></group></adx>',
        "Line 2.*AGE=9",
    ),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_file_of_values_that_cannot_be_read_is_refused_with_its_place(sqlite_town: Town, case: str) -> None:
    content, told = BAD_VALUES[case]
    fill(sqlite_town)
    with pytest.raises(InvalidInput, match=f"(?s){told}") as problem:
        dhis2.read_values(content, send(sqlite_town).mapping)
    assert "{" not in str(problem.value)


def test_a_value_of_an_organisation_unit_list_is_read_from_what_dhis2_exports() -> None:
    from_json = read_org_units(b'{"organisationUnits":[{"id":"Uabcdefgh00","code":"01","displayName":"X","level":4}]}')
    from_table = read_org_units("\ufeffid;code;name\nUabcdefgh00;01;X\n".encode())
    assert [one[1:] for one in from_json] == [one[1:] for one in from_table] == [("01", "", "Uabcdefgh00", "01", "X")]
    assert from_table[0].line == 2
    own = read_org_units(b"uid,unit,unit_level\nUabcdefgh00,7,commune\n")
    assert own[0][1:4] == ("7", "commune", "Uabcdefgh00")
    for bad in (b"", b"{]", b"id,code\nshort,01\n", b"id,name\nUabcdefgh00,X\n", "tên".encode("utf-16")):
        with pytest.raises(InvalidInput):
            read_org_units(bad)


def test_two_lines_for_one_unit_take_nothing(sqlite_town: Town) -> None:
    taken = exchange.take_org_units(
        sqlite_town.reference, EVERYTHING, "squares", DAY, [*lines(0, 1), lines(2)[0]._replace(unit=COMMUNES[0])]
    )
    assert {one.unit for one in taken if one.what == "twice"} == {COMMUNES[0]}
    with sqlite_town.reference.database.read() as connection:
        assert exchange.org_units(connection, "squares") == {}


def test_an_area_sends_its_own_units_and_no_larger_ones(sqlite_town: Town) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0, 1))
    hamlet = OrgUnitLine(9, HAMLETS[0][0], "hamlet", UIDS[5], "", "")
    assert exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, [hamlet])[0].what == "new"

    def codes(level: str, area: Area) -> list[str]:
        wanted = Wanted("covid19", "squares", level, DAY, AUGUST, area)
        return [unit.code for unit in exchange.sending(sqlite_town.reference, EVERYTHING, wanted).units]

    assert codes("commune", Area("district", "S")) == sorted(COMMUNES[:2])
    assert codes("commune", Area("commune", COMMUNES[1])) == [COMMUNES[1]]
    assert codes("commune", Area("district", "N")) == []
    assert codes("hamlet", Area("commune", COMMUNES[0])) == codes("hamlet", Area("hamlet", HAMLETS[0][0]))
    assert codes("hamlet", Area("district", "S")) == [HAMLETS[0][0]]
    with pytest.raises(InvalidQuestion, match="larger"):
        codes("district", Area("commune", COMMUNES[0]))


def test_a_hamlet_in_two_units_is_not_sent_in_parts(sqlite_town: Town) -> None:
    fill(sqlite_town)
    hamlet = OrgUnitLine(9, HAMLETS[0][0], "hamlet", UIDS[5], "", "")
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, [hamlet])
    assert len(send(sqlite_town, "hamlet").units) == 1
    sqlite_town.send(sqlite_town.write({"household.point": inside(1)}, (person(),)))
    sending = send(sqlite_town, "hamlet")
    assert not sending.units and [one.why for one in sending.left_out].count("split") == 2


def test_who_sees_a_part_of_a_unit_does_not_send_it(sqlite_town: Town) -> None:
    fill(sqlite_town)
    district = OrgUnitLine(2, "S", "district", UIDS[0], "", "Huyện S")
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, [district])
    assert [unit.code for unit in send(sqlite_town, "district").units] == ["S"]
    made = accounts.add_user(sqlite_town.reference, "of one", "commune_supervisor", [f"squares:{COMMUNES[0]}"])
    user = accounts.by_id(sqlite_town.reference, made.id)
    assert user is not None
    wanted = Wanted("covid19", "squares", "district", DAY, AUGUST)
    sending = exchange.sending(sqlite_town.reference, user, wanted)
    assert not sending.units and [one.why for one in sending.left_out] == ["partial"]


BAD_MAPPINGS = {
    'a = "b"': "unknown",
    '[dhis2.data_elements]\nvaccinatd = "X"': "vaccinated",
    '[dhis2.option_combos]\n"18_plus.1" = "A"\n"18_plus.2" = "A"': "option_combos",
    '[dhis2]\nid_scheme = "NAME"': "CODE",
    '[dhis2]\nperiod_type = "fortnightly"': "weekly",
    '[adx]\ngroup_dimension = "value"': "group_dimension",
    '[[fhir.vaccines.pfizer]]\nsystem = "x"': "code is missing",
    "[": "TOML",
}


@pytest.mark.parametrize("toml", BAD_MAPPINGS)
def test_a_mapping_that_cannot_be_meant_is_refused_with_its_place(sqlite_town: Town, toml: str) -> None:
    campaign = sqlite_town.campaign("covid19_census")
    assert campaign is not None
    with pytest.raises(InvalidCampaign, match=f"exchange.toml.*{BAD_MAPPINGS[toml]}"):
        read_mapping(toml, campaign)


@pytest.mark.parametrize("folder", ["covid19", "measles"])
def test_the_mappings_beside_the_campaigns_have_a_code_for_every_group_and_dose(folder: str) -> None:
    campaign = publish.read_campaign((FORMS / folder / "campaign.toml").read_text("utf-8"))
    mapping = read_mapping(publish.read_exchange(FORMS / folder, campaign), campaign)
    for group, dose in campaign.series:
        element, combo = mapping.element("vaccinated", group.code, dose.code) or ("", "")
        assert element and mapping.combo_of(mapping.dimensions(combo) or {}) == combo


def people(town: Town, **wanted: object) -> list[fhir.Resource]:
    question = FilterQuestion("covid19", "squares", DAY, PeopleFilter(**wanted))  # type: ignore[arg-type]
    return list(handing.resources(town.reference, EVERYTHING, question))


def test_everybody_goes_as_fhir_has_it_and_reads_back_as_the_same(town: Town) -> None:
    fill(town)
    found = people(town)
    bundle = b"".join(fhir.write_bundle(iter(found), "https://example.org/fhir", "2022-08-31T00:00:00Z"))
    check(bundle)
    by_lines = b"".join(fhir.write_ndjson(iter(found)))
    read = fhir.read_people(io.BytesIO(bundle))
    assert [one.id for one in read] == [one.id for one in fhir.read_people(io.BytesIO(by_lines))] and len(read) == 4
    everybody = FilterQuestion("covid19", "squares", DAY, PeopleFilter())
    assert handing.compare(town.reference, EVERYTHING, everybody, read) == (4, [])
    first = read[0]
    assert (first.name, first.sex, first.birth) == ("Nông Thị Đào", "female", "1980-05-17")
    assert [(dose.code, dose.given_on, dose.vaccine) for dose in first.doses] == [
        ("1", date(2021, 9, 1), "pfizer"),
        ("2", None, "abdala"),
    ]
    given = [one for one in found if one["resourceType"] == "Immunization"]
    assert {"system": "http://hl7.org/fhir/sid/cvx", "code": "208"}.items() <= given[0]["vaccineCode"]["coding"][
        1
    ].items()
    assert given[1]["occurrenceString"] == "unknown" and len(given[1]["vaccineCode"]["coding"]) == 1
    refused = [one for one in given if one["status"] == "not-done"]
    assert [one["statusReason"]["text"] for one in refused] == ["fear"]
    units = [one["identifier"][0]["value"] for one in found if one["resourceType"] in ("Organization", "Location")]
    assert units == ["P", "S", COMMUNES[0], HAMLETS[0][0], COMMUNES[1], HAMLETS[1][0]]
    assert not [one for one in found if one["resourceType"] == "ImmunizationRecommendation"]


def test_a_fhir_server_that_gets_the_transactions_twice_has_everybody_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fhir_transaction, "ENTRIES", 5)
    fill(town)
    found = people(town, group="18_plus", dose="1")
    bundles = [orjson.loads(line) for line in fhir_transaction.write_transactions(found)]
    assert len(bundles) > 1
    for bundle in bundles:
        check(orjson.dumps(bundle))
    holds: dict[str, fhir.Resource] = {}
    for bundle in [*bundles, *bundles]:
        take(holds, bundle)
    assert len(holds) == len(found)
    everybody = FilterQuestion("covid19", "squares", DAY, PeopleFilter())
    read = fhir.read_people(io.BytesIO(b"".join(fhir.write_ndjson(iter(holds.values())))))
    assert handing.compare(town.reference, EVERYTHING, everybody, read) == (4, [])


def take(holds: dict[str, fhir.Resource], bundle: fhir.Resource) -> None:
    """Take a transaction as FHIR's rules for conditional updates and references say. holds: by what finds each."""
    numbered = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{number}" for number, entry in of(holds, bundle)
    }
    for number, entry in of(holds, bundle):
        text = orjson.dumps({**entry["resource"], "id": str(number)}).decode()
        for urn, own in numbered.items():
            text = text.replace(urn, own)
        assert "urn:uuid:" not in text and entry["request"]["method"] == "PUT"
        holds[entry["request"]["url"]] = orjson.loads(text)
    told = orjson.dumps(list(holds.values())).decode()
    assert all(url in holds for url in re.findall(r'"reference":"((?:Organization|Location)[^"]*)"', told))


def of(holds: dict[str, fhir.Resource], bundle: fhir.Resource) -> list[tuple[int, fhir.Resource]]:
    """Each entry with the number that the server gives it, or gave it before."""
    order = list(dict.fromkeys([*holds, *(entry["request"]["url"] for entry in bundle["entry"])]))
    return [(order.index(entry["request"]["url"]) + 1, entry) for entry in bundle["entry"]]


def test_a_dose_put_off_goes_with_its_day_and_reads_back(sqlite_town: Town) -> None:
    sqlite_town.send(sqlite_town.write({}, (person(deferred_until=LATER, deferral_reason="treatment"),)))
    found = people(sqlite_town)
    put_off = next(one for one in found if one.get("status") == "not-done")
    why = put_off["statusReason"]
    assert why["coding"] == [{"system": fhir.OBSTACLES, "code": "DEFERRED"}]
    assert why["extension"][0]["valueDate"] == "2022-12-01"
    read = fhir.read_people(io.BytesIO(b"".join(fhir.write_ndjson(iter(found)))))
    everybody = FilterQuestion("covid19", "squares", DAY, PeopleFilter())
    assert handing.compare(sqlite_town.reference, EVERYTHING, everybody, read) == (1, [])
    del put_off["statusReason"]["extension"]
    read = fhir.read_people(io.BytesIO(b"".join(fhir.write_ndjson(iter(found)))))
    assert handing.compare(sqlite_town.reference, EVERYTHING, everybody, read)[1][0].what == ("hindered",)


def test_who_is_due_has_a_recommendation_and_who_refuses_has_none(sqlite_town: Town) -> None:
    fill(sqlite_town)
    found = people(sqlite_town, group="18_plus", dose="1")
    due = [one for one in found if one["resourceType"] == "ImmunizationRecommendation"]
    assert len(due) == 2 and due[0]["recommendation"][0]["doseNumberPositiveInt"] == 1
    names = {one["id"]: one["name"][0]["text"] for one in found if one["resourceType"] == "Patient"}
    assert [names[one["patient"]["reference"].partition("/")[2]] for one in due] == ["Lý Văn Sơn", "Nông Thị Lan"]
    check(b"".join(fhir.write_bundle(iter(found), "https://example.org/fhir", "2022-08-31T00:00:00Z")))


def test_a_birth_told_as_an_age_or_a_year_goes_as_a_year(sqlite_town: Town) -> None:
    fill(sqlite_town)
    patients = [one for one in people(sqlite_town) if one["resourceType"] == "Patient"]
    born = {one["name"][0]["text"]: one.get("birthDate") for one in patients}
    assert len(str(born["Lý Văn Sơn"])) == 4


def test_nobody_wanted_makes_a_bundle_without_entries(sqlite_town: Town) -> None:
    empty = b"".join(fhir.write_bundle(iter(people(sqlite_town)), "https://example.org", "2022-08-31T00:00:00Z"))
    assert "entry" not in orjson.loads(empty)
    check(empty)


def test_whoever_differs_or_is_missing_is_named_with_what_differs(sqlite_town: Town) -> None:
    fill(sqlite_town)
    found = people(sqlite_town)
    patients = [one for one in found if one["resourceType"] == "Patient"]
    doses = [one for one in found if one["resourceType"] == "Immunization" and one["status"] == "completed"]
    found.remove(patients[3])
    patients[1]["gender"] = "female"
    patients[2]["identifier"][0]["value"] = "somebody else"
    doses[0]["occurrenceDateTime"] = "2021-09-02"
    everybody = FilterQuestion("covid19", "squares", DAY, PeopleFilter())
    same, different = handing.compare(
        sqlite_town.reference,
        EVERYTHING,
        everybody,
        fhir.read_people(io.BytesIO(b"".join(fhir.write_ndjson(iter(found))))),
    )
    assert same == 0
    assert sorted(one.what for one in different) == [("doses",), ("here",), ("sex",), ("there",), ("there",)]


BAD_FHIR = {
    "no JSON": (b"x", "Line 1"),
    "no id": (b'{"resourceType":"Patient"}', "Line 1"),
    "twice": (b'{"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient","id":"a"}', "Line 2"),
    "a list": (b"[1]", "Line 1"),
    "nobody's dose": (
        b'{"resourceType":"Immunization","status":"completed","patient":{"reference":"Patient/b"},"vaccineCode":{}}',
        "patient b",
    ),
    "no day": (
        b'{"resourceType":"Patient","id":"a"}\n{"resourceType":"Immunization","status":"completed",'
        b'"patient":{"reference":"Patient/a"},"vaccineCode":{},"occurrenceDateTime":"soon"}',
        "Line 2",
    ),
}


@pytest.mark.parametrize("case", BAD_FHIR)
def test_a_fhir_file_that_cannot_be_read_is_refused_with_its_place(case: str) -> None:
    content, told = BAD_FHIR[case]
    with pytest.raises(InvalidInput, match=told):
        fhir.read_people(io.BytesIO(content))


def check(bundle: bytes) -> None:
    """What the models of FHIR R4B, which has these resources as R4 has them, make of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhir.resources.R4B.bundle import Bundle
    Bundle.model_validate_json(bundle)
    broken = orjson.loads(bundle)
    broken["type"] = 7
    with pytest.raises(ValueError):
        Bundle.model_validate(broken)


def test_a_value_without_its_dimensions_is_left_out_of_adx_and_told(sqlite_town: Town) -> None:
    fill(sqlite_town)
    mapping = send(sqlite_town).mapping
    lost = DataValue("X", "2022", "U", "none such", "", 1)
    kept = DataValue("Y", "2022", "U", "", "", 2)
    content, left_out = dhis2.write_adx([lost, kept], mapping, "2022-08-31T00:00:00Z")
    assert left_out == [lost] and dhis2.read_values(content, mapping) == [kept]
