"""Files for other systems over the wire: who may take them, that they tell the page's own figures, what is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
import requests

from mapper.domain.exchange import FIGURES
from mapper.formats.org_units import read_org_units
from mapper.services import audit, exchange
from mapper.services.accounts import OPERATOR
from tests.client.site import SET_ID, House, Site
from tests.web.test_api import token
from tests.web.test_sign_in import PASSWORD, Desk

MAPPING = "\n".join(
    ['[dhis2]\ndata_set = "SET"\n[dhis2.data_elements]', *(f'"{one}.5_plus.1" = "DE_{one}"' for one in FIGURES)]
)
ASKED = {"campaign": "mini", "group": "5_plus", "dose": "1", "date": "2022-08-31", "set": SET_ID, "level": "commune"}
UNITS = b"id,code,name\nUabcdefgh01,00001,One\nUabcdefgh02,00009,Nobody\n"


@pytest.fixture(scope="module")
def full(standing_site: Site) -> Iterator[Site]:
    """A server with three people in two communes, whose campaign has codes; its tests add users."""
    phone = standing_site.phone()
    people = (("Nông Thị Lan", "1980-05-04", "2021-08-10"), ("Bế Văn Nam", "2010-05-04", ""))
    phone.send(House("uuid:x1", people=people).form())
    elsewhere = {"commune": "00002", "hamlet": "0000201", "location": "22.05 105.15 300 6.5"}
    phone.send(House("uuid:x2", people=(("Lý Sún", "1990-05-04", ""),), **elsewhere).form())
    reference = standing_site.reference
    with reference.database.write() as connection:
        campaign = reference.known(connection).campaigns["mini"]
        exchange.keep_mapping(reference, connection, campaign, MAPPING)
    exchange.take_org_units(reference, OPERATOR, SET_ID, date(2022, 8, 31), read_org_units(UNITS))
    yield standing_site


@pytest.fixture(scope="module")
def desk(full: Site) -> Desk:
    full.user("administrator", name="everything", password=PASSWORD)
    found = Desk(full)
    found.sign_in("everything", PASSWORD)
    return found


def upload(desk: Desk, path: str, content: bytes, **more: str) -> requests.Response:
    desk.get("/exchange", date="2022-08-31")
    data = {"csrf_token": desk.csrf, **ASKED, "period": "monthly", **more}
    return desk.session.post(f"{desk.url}{path}", data=data, files={"file": ("list", content)}, timeout=60)


def test_a_list_of_units_is_told_line_by_line_and_what_goes_equals_the_coverage(full: Site, desk: Desk) -> None:
    told = upload(desk, "/exchange/units", UNITS)
    assert told.status_code == 200 and "00009" in told.text
    bearer = token(full, "administrator")
    answer = full.get("/exchange/dhis2.json", bearer, period="monthly", **ASKED)
    assert answer.headers["X-Units-Left-Out"] == "1"
    sent = {one["dataElement"]: int(one["value"]) for one in answer.json()["dataValues"]}
    rows = full.get("/api/coverage", bearer, **ASKED).json()["units"]
    row = next(one for one in rows if one["code"] == "00001")
    assert sent == {f"DE_{one}": row[one] for one in FIGURES if row[one] is not None}
    assert (sent["DE_people"], sent["DE_vaccinated"]) == (2, 1)
    for path in ("dhis2.csv", "dhis2.xml", "adx.xml"):
        file = full.get(f"/exchange/{path}", bearer, period="2022Q3", **ASKED).content
        compared = upload(desk, "/exchange/compare", file)
        assert compared.status_code == 200, path
    assert b"2022-07-01/P3M" in file
    page = desk.session.get(f"{desk.url}/exchange", params=ASKED, timeout=60).text
    assert "Uabcdefgh01" in page and "00002" in page
    wrong = upload(desk, "/exchange/units", b"id,code\nshort,00001\n")
    assert wrong.status_code == 400 and "short" in wrong.text


def test_people_go_to_those_who_see_lists_within_their_area_and_each_file_stands_in_the_trail(full: Site) -> None:
    bearer = token(full, "commune_supervisor", f"{SET_ID}:00002")
    asked = {"campaign": "mini", "date": "2022-08-31", "set": SET_ID}
    answer = full.get("/exchange/fhir.ndjson", bearer, type="Patient", **asked)
    assert [json.loads(line)["name"][0]["text"] for line in answer.text.splitlines()] == ["Lý Sún"]
    elsewhere = full.get("/exchange/fhir.json", bearer, area="commune:00001", **asked)
    assert "Lan" not in elsewhere.text
    everything = full.get("/exchange/fhir.json", token(full, "administrator"), **asked).json()
    kinds = [one["resource"]["resourceType"] for one in everything["entry"]]
    assert (kinds.count("Patient"), kinds.count("Immunization")) == (3, 1)
    entries = audit.entries(full.reference, 50, action="exchange.fhir")
    assert len(entries) >= 2 and not [one for one in entries if "Lan" in str(one.facts)]
    assert full.get("/exchange/fhir.json", bearer, type="Cat", **asked).status_code == 400
    mistyped = full.get("/exchange/fhir.json", bearer, stat="due", **asked)
    assert mistyped.status_code == 400 and "stat" in mistyped.text, "passed over, it would widen the file"


def test_nobody_and_canvassers_get_no_file(full: Site) -> None:
    canvasser = token(full, "canvasser", "001")
    for path in ("dhis2.json", "dhis2.csv", "dhis2.xml", "adx.xml", "fhir.json", "fhir.ndjson"):
        assert full.get(f"/exchange/{path}", **ASKED).status_code == 401
        assert full.get(f"/exchange/{path}", canvasser, **ASKED).status_code == 403
    assert full.get("/exchange/dhis2.exe", token(full, "administrator")).status_code == 404


def test_only_an_administrator_of_everything_maps_units(full: Site) -> None:
    full.user("supervisor", "001", name="a district", password=PASSWORD)
    other = Desk(full)
    other.sign_in("a district", PASSWORD)
    assert upload(other, "/exchange/units", UNITS).status_code == 403
    assert "/exchange/units" not in other.session.get(f"{full.url}/exchange", timeout=60).text


def test_all_that_differs_comes_as_a_table_that_runs_no_formula(full: Site, desk: Desk) -> None:
    bearer = token(full, "administrator")
    values = (
        full.get("/exchange/dhis2.csv", bearer, period="monthly", **ASKED).content + b"=1+1,202208,Uabcdefgh01,,,3\n"
    )
    told = upload(desk, "/exchange/compare", values, **{"as": "csv"})
    assert told.headers["Content-Type"].startswith("text/csv") and "'=1+1" in told.text
    left_out = full.get("/exchange/left-out.csv", bearer, **ASKED).text
    assert "00002" in left_out and left_out.startswith("\ufeff")
    units = upload(desk, "/exchange/units", UNITS, **{"as": "csv"}).text
    assert len(units.splitlines()) == 3 and "00009" in units


def test_a_file_is_compared_with_a_list_by_its_filter(full: Site, desk: Desk) -> None:
    asked = {"campaign": "mini", "date": "2022-08-31", "set": SET_ID, "text": "ly sun"}
    bundle = full.get("/exchange/fhir.json", token(full, "administrator"), **asked)
    assert bundle.text.count('"Patient"') == 1
    found = {"filter": "1", "text": "ly sun", "group": "", "dose": ""}
    page = upload(desk, "/exchange/people", bundle.content, **found).text
    assert "1 người khớp, 0 người không khớp" in page and "text=ly+sun" in page
    whole = upload(desk, "/exchange/people", bundle.content, group="", dose="").text
    assert "1 người khớp, 2 người không khớp" in whole


def test_transactions_come_one_a_line(full: Site) -> None:
    asked = {"campaign": "mini", "date": "2022-08-31", "set": SET_ID, "bundle": "transaction"}
    answer = full.get("/exchange/fhir.ndjson", token(full, "administrator"), **asked)
    kinds = [json.loads(line)["type"] for line in answer.text.splitlines()]
    assert kinds == ["transaction"] and "Patient?identifier=urn:tung-nha:person|" in answer.text


def test_figures_go_to_dhis2_only_by_an_administrator_and_only_where_a_server_is_set(full: Site, desk: Desk) -> None:
    none = upload(desk, "/exchange/send", b"")
    assert none.status_code == 400 and "MAPPER_DHIS2_URL" in none.text
    unmapped = upload(desk, "/exchange/send", b"", really="yes")
    assert unmapped.status_code == 400 and "chưa được gắn" in unmapped.text
    full.user("supervisor", "001", name="of a district", password=PASSWORD)
    other = Desk(full)
    other.sign_in("of a district", PASSWORD)
    assert upload(other, "/exchange/send", b"", really="yes").status_code == 403


def test_a_fhir_file_is_compared_person_by_person(full: Site, desk: Desk) -> None:
    bundle = full.get("/exchange/fhir.json", token(full, "administrator"), **{**ASKED, "group": "", "dose": ""})
    same = upload(desk, "/exchange/people", bundle.content)
    other = upload(desk, "/exchange/people", bundle.content.replace(b"1980-05-04", b"1981-05-04"))
    assert (same.status_code, other.status_code) == (200, 200)
    assert "khác ngày sinh" in other.text and "khác ngày sinh" not in same.text
    assert upload(desk, "/exchange/people", b"no").status_code == 400
