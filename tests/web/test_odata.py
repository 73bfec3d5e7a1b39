"""Submissions handed over as they came: a zip of CSV files joined by keys, and a feed that spreadsheets connect to."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
import requests

from mapper.errors import InvalidInput
from mapper.formats.odata import read_condition
from mapper.services import submission_page
from mapper.services.accounts import by_id
from tests.client.site import House, Site
from tests.web.test_api import token
from tests.web.test_sign_in import PASSWORD

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
HOUSES = (
    House("uuid:1", people=(("A B", "1980-05-04", "2021-08-10"), ("=C", "2020-01-01", ""))),
    House("uuid:2", hamlet="0000102", outcome="absent", people=()),
    House(
        "uuid:3",
        commune="00002",
        hamlet="0000201",
        location="22.05 105.15 300 6.5",
        people=(("I K", "1990-05-04", ""),),
    ),
)


@pytest.fixture(scope="module")
def fed(standing_site: Site) -> Iterator[Site]:
    """A server with three houses, the first of them edited and the second reviewed."""
    phone = standing_site.phone()
    for house in HOUSES:
        phone.send(house.form({"photo.jpg": b"\xff\xd8\xff" + house.instance_id.encode()}))
    phone.send(HOUSES[0].edited("uuid:1b", head="Sửa").form())
    boss = by_id(standing_site.reference, standing_site.user("administrator").id)
    assert boss is not None
    submission_page.remark(standing_site.reference, boss, "uuid:2", "approved", "")
    yield standing_site


def ask(site: Site, what: str, key: str, **asked: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.get(f"{site.url}/odata/house_check.svc/{what}", params=asked, headers=headers, timeout=60)


def ids(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["__id"] for row in answer.json()["value"]]


def test_the_zip_holds_a_table_for_each_repeat_whose_rows_find_their_parents(fed: Site) -> None:
    headers = {"Authorization": f"Bearer {token(fed, 'administrator')}"}
    answer = requests.get(f"{fed.url}/export/submissions/house_check.zip", headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))

    def read(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))

    forms, people = read("house_check.csv"), read("house_check-person.csv")
    # Of an edited submission the newest answers, under the key of the first.
    assert [row["KEY"] for row in forms] == ["uuid:1", "uuid:2", "uuid:3"]
    assert (forms[0]["head"], forms[0]["Edits"], forms[1]["ReviewState"]) == ("Sửa", "1", "approved")
    assert forms[2]["location-Latitude"] == "22.05" and forms[2]["location-Accuracy"] == "6.5"
    assert [(row["KEY"], row["PARENT_KEY"], row["full_name"]) for row in people] == [
        ("uuid:1/person[1]", "uuid:1", "A B"),
        ("uuid:1/person[2]", "uuid:1", "'=C"),
        ("uuid:3/person[1]", "uuid:3", "I K"),
    ]
    joined = pd.DataFrame(people).merge(pd.DataFrame(forms), left_on="PARENT_KEY", right_on="KEY")
    assert len(joined) == 3
    # Three photos of one name: each is there, and the tables tell which is whose.
    named = [name for name in archive.namelist() if name.startswith("media/")]
    assert len(named) == 3 and {archive.read(name)[3:] for name in named} == {b"uuid:1", b"uuid:2", b"uuid:3"}
    limited = {"Authorization": f"Bearer {token(fed, 'supervisor', 'squares:00002')}"}
    answer = requests.get(f"{fed.url}/export/submissions/house_check.zip", headers=limited, timeout=60)
    assert zipfile.ZipFile(io.BytesIO(answer.content)).read("house_check.csv").count(b"uuid:") == 2
    # Each says of what it is, in its reader's language.
    told = archive.read("about.txt").decode("utf-8-sig").splitlines()
    assert {"Biểu mẫu: house_check", "Bộ lọc: tất cả", "Phiếu: 3", "Bộ ranh giới: Hai ô vuông"} <= set(told)
    narrow = zipfile.ZipFile(io.BytesIO(answer.content)).read("about.txt").decode("utf-8-sig")
    assert "(00002)" in narrow and "Phiếu: 1" in narrow


def test_a_form_without_roles_is_handed_over_too(fed: Site) -> None:
    headers = {"Authorization": f"Bearer {token(fed, 'planner')}"}
    answer = requests.get(f"{fed.url}/export/submissions/plain.zip", headers=headers, timeout=60)
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == ["plain.csv", "about.txt"]
    assert requests.get(f"{fed.url}/export/submissions/none.zip", headers=headers, timeout=60).status_code == 404


def test_the_metadata_describes_every_row_that_is_sent(fed: Site) -> None:
    key = token(fed, "administrator")
    answer = ask(fed, "$metadata", key)
    assert answer.headers["OData-Version"] == "4.0" and answer.headers["Content-Type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.content)
    types: dict[str, dict[str, str]] = {}
    for schema in root.iter(f"{EDM}Schema"):
        for one in [*schema.iter(f"{EDM}EntityType"), *schema.iter(f"{EDM}ComplexType")]:
            properties = {p.get("Name", ""): p.get("Type", "") for p in one if p.tag != f"{EDM}Key"}
            assert one.tag == f"{EDM}ComplexType" or one.find(f"{EDM}Key/{EDM}PropertyRef").get("Name") in properties  # type: ignore[union-attr]
            types[f"{schema.get('Namespace')}.{one.get('Name')}"] = properties
    sets = {one.get("Name", ""): one.get("EntityType", "") for one in root.iter(f"{EDM}EntitySet")}
    # Every type that is named exists, and each binding leads to a set.
    named = {kind.removeprefix("Collection(").rstrip(")") for one in types.values() for kind in one.values()}
    assert {kind for kind in named if not kind.startswith("Edm.")} | set(sets.values()) <= set(types)
    assert {one.get("Target") for one in root.iter(f"{EDM}NavigationPropertyBinding")} <= set(sets)
    service = ask(fed, "", key).json()
    assert [one["url"] for one in service["value"]] == list(sets) == ["Submissions", "Submissions.person"]
    for name, kind in sets.items():
        for row in ask(fed, name, key, **{"$expand": "*"}).json()["value"]:
            fits(row, kind, types)


def fits(value: Any, kind: str, types: dict[str, dict[str, str]]) -> None:
    """Whether a value is of a type of the metadata."""
    if value is None:
        return
    if kind.startswith("Collection("):
        for one in value:
            fits(one, kind[11:-1], types)
    elif kind in types:
        assert set(value) <= set(types[kind]), (set(value), kind)
        for name, inner in value.items():
            fits(inner, types[kind][name], types)
    else:
        expected = {"Edm.Int64": int, "Edm.Double": float, "Edm.Boolean": bool, "Edm.GeographyPoint": dict}
        assert isinstance(value, expected.get(kind, str)), (value, kind)


def test_rows_are_paged_counted_chosen_and_written_out(fed: Site) -> None:
    key = token(fed, "administrator")
    first = ask(fed, "Submissions", key, **{"$top": "2", "$count": "true"})
    assert ids(first) == ["uuid:1", "uuid:2"] and first.json()["@odata.count"] == 3
    headers = {"Authorization": f"Bearer {key}"}
    link = first.json()["@odata.nextLink"]
    last = requests.get(link, headers=headers, timeout=60)
    assert ids(last) == ["uuid:3"] and "@odata.nextLink" not in last.json()
    assert "@odata.nextLink" not in ask(fed, "Submissions", key, **{"$top": "3"}).json()
    assert ids(ask(fed, "Submissions", key, **{"$filter": "__system/reviewState eq 'approved'"})) == ["uuid:2"]
    rest = "not (__system/reviewState ne null) and __system/submissionDate ge 2020-01-01T00:00:00Z"
    assert ids(ask(fed, "Submissions", key, **{"$filter": rest})) == ["uuid:1", "uuid:3"]
    assert ids(ask(fed, "Submissions", key, **{"$filter": "__system/submissionDate lt 2020-01-01"})) == []
    row = ask(fed, "Submissions('uuid:1')", key, **{"$expand": "*"}).json()
    assert [one["full_name"] for one in row["person"]] == ["A B", "=C"] and row["__system"]["edits"] == 1
    assert row["location"]["coordinates"][0] == pytest.approx(105.05, abs=0.05)
    people = ask(fed, "Submissions.person", key, **{"$top": "2", "$count": "true"}).json()
    assert people["@odata.count"] == 3 and [one["__Submissions-id"] for one in people["value"]] == ["uuid:1", "uuid:1"]
    assert ids(ask(fed, "Submissions('uuid:1')/person", key)) == [one["__id"] for one in people["value"]]
    assert ask(fed, "Submissions/$count", key).text == "3"
    rest = requests.get(people["@odata.nextLink"], headers=headers, timeout=60).json()
    assert [one["__Submissions-id"] for one in rest["value"]] == ["uuid:3"]
    first = ask(fed, "Submissions", key, **{"$orderby": "__system/reviewState, __system/updatedAt desc", "$top": "1"})
    assert ids(first) == ["uuid:2"]
    assert len(ids(requests.get(first.json()["@odata.nextLink"], headers=headers, timeout=60))) == 1
    last = ask(fed, "Submissions", key, **{"$orderby": "__system/reviewState desc, __system/submitterId"})
    assert ids(last) == ["uuid:1", "uuid:3", "uuid:2"]
    assert ask(fed, "Submissions", key, **{"$orderby": "head"}).status_code == 400
    assert ask(fed, "Submissions.nothing", key).status_code == 404


def test_only_who_may_read_reads_and_only_their_area(fed: Site) -> None:
    made = fed.user("supervisor", "squares:00002", password=PASSWORD)
    address = f"{fed.url}/odata/house_check.svc/Submissions"
    assert ids(requests.get(address, auth=(made.name.encode(), PASSWORD.encode()), timeout=60)) == ["uuid:3"]
    wrong = requests.get(address, auth=(made.name.encode(), b"wrong"), timeout=60)
    assert wrong.status_code == 401 and wrong.headers["WWW-Authenticate"].startswith("Basic")
    assert requests.get(address, timeout=60).status_code == 401
    assert ask(fed, "Submissions('uuid:1')", made.token).status_code == 404
    assert ask(fed, "Submissions", made.token, **{"$count": "true"}).json()["@odata.count"] == 1
    assert ask(fed, "Submissions", token(fed, "canvasser", "squares:00001")).status_code == 403


@pytest.mark.parametrize(
    "text",
    ["head eq 'x'", "__system/reviewState gt 'approved'", "__system/submissionDate ge 'x'", "(((", "' or 1=1 --"],
    ids=["a question", "an order of states", "no date", "open", "a quote"],
)
def test_a_filter_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="submissionDate"):
        read_condition(text)
