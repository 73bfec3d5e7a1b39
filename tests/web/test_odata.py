"""Submissions handed over as they came: a zip of CSV files joined by keys, and a feed that spreadsheets connect to."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

import pandas as pd
import pytest
import requests

from mapper.services import submission_page
from mapper.services.accounts import by_id
from tests.client.site import House, Site
from tests.formats.csdl import Metadata
from tests.web.test_api import token
from tests.web.test_sign_in import PASSWORD

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
    described = Metadata(answer.content)
    service = ask(fed, "", key).json()
    assert [one["url"] for one in service["value"]] == list(described.sets) == ["Submissions", "Submissions.person"]
    for name, kind in described.sets.items():
        for asked in ({}, {"$expand": "*"}):
            found = ask(fed, name, key, **asked).json()["value"]
            assert len(found) == 3
            for row in found:
                described.check_row(row, kind)


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
    first = ask(fed, "Submissions", key, **{"$orderby": "__system/reviewState desc, __system/updatedAt", "$top": "1"})
    assert ids(first) == ["uuid:2"]
    assert len(ids(requests.get(first.json()["@odata.nextLink"], headers=headers, timeout=60))) == 1
    last = ask(fed, "Submissions", key, **{"$orderby": "__system/reviewState, __system/submitterId"})
    assert ids(last) == ["uuid:1", "uuid:3", "uuid:2"]
    assert ask(fed, "Submissions", key, **{"$orderby": "head"}).status_code == 501
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


def filtered(site: Site, key: str, condition: str, what: str = "Submissions") -> list[str]:
    found = ask(site, what, key, **{"$filter": condition}).json()["value"]
    return [row.get("__Submissions-id", row["__id"]) for row in found]


def test_a_filter_tells_dates_of_arrival_and_of_edits(fed: Site) -> None:
    key = token(fed, "administrator")
    told = {row["__id"]: row["__system"] for row in ask(fed, "Submissions", key).json()["value"]}
    arrived = told["uuid:2"]["submissionDate"]
    assert filtered(fed, key, f"__system/submissionDate gt {arrived}") == ["uuid:3"]
    assert filtered(fed, key, f"{arrived} ge __system/submissionDate") == ["uuid:1", "uuid:2"]
    assert filtered(fed, key, f"__system/submissionDate eq {arrived}") == ["uuid:2"]
    # Only the first was edited: the others have no such date, which is neither early nor late.
    assert filtered(fed, key, "__system/updatedAt gt 2020-01-01") == ["uuid:1"]
    assert filtered(fed, key, "not (__system/updatedAt gt 2020-01-01)") == ["uuid:2", "uuid:3"]
    assert filtered(fed, key, "__system/updatedAt eq null") == ["uuid:2", "uuid:3"]
    year, month = int(arrived[:4]), int(arrived[5:7])
    same = f"year(__system/submissionDate) eq {year} and month(__system/submissionDate) le {month}"
    assert filtered(fed, key, same) == ["uuid:1", "uuid:2", "uuid:3"]
    assert filtered(fed, key, f"year(__system/updatedAt) eq {year}") == ["uuid:1"]
    assert filtered(fed, key, f"year(__system/submissionDate) lt {year}") == []
    assert filtered(fed, key, "__system/submissionDate gt now()") == []
    assert filtered(fed, key, "date(__system/submissionDate) eq 2020-01-01") == []
    assert filtered(fed, key, "__system/reviewState ne 'rejected'") == ["uuid:1", "uuid:2", "uuid:3"]
    assert filtered(fed, key, "__system/submitterId ne null") == ["uuid:1", "uuid:2", "uuid:3"]
    asked = "$root/Submissions/__system/updatedAt eq null"
    assert filtered(fed, key, asked, "Submissions.person") == ["uuid:3"]


def test_pages_of_a_repeat_neither_repeat_nor_miss_rows_while_others_come_in(fed: Site) -> None:
    key = token(fed, "administrator")
    headers = {"Authorization": f"Bearer {key}"}
    first = ask(fed, "Submissions.person", key, **{"$top": "1", "$count": "true", "$select": "full_name"}).json()
    second = requests.get(first["@odata.nextLink"], headers=headers, timeout=60).json()
    third = requests.get(second["@odata.nextLink"], headers=headers, timeout=60).json()
    assert [page["value"][0]["full_name"] for page in (first, second, third)] == ["A B", "=C", "I K"]
    assert {page["@odata.count"] for page in (first, second, third)} == {3} and "@odata.nextLink" not in third
    assert "$skiptoken" in unquote(second["@odata.nextLink"])
    # Rows of one submission lead to further ones of the same.
    some = ask(fed, "Submissions('uuid:1')/person", key, **{"$top": "1"}).json()
    rest = requests.get(some["@odata.nextLink"], headers=headers, timeout=60).json()
    assert [row["full_name"] for row in rest["value"]] == ["=C"] and "@odata.nextLink" not in rest
    assert ask(fed, "Submissions.person", key, **{"$top": "3"}).json().keys() == {"@odata.context", "value"}
    assert ask(fed, "Submissions.person", key, **{"$skip": "2", "$top": "0"}).json()["value"] == []
    # With an order the next page is named by number, since places move.
    ordered = ask(fed, "Submissions.person", key, **{"$top": "1", "$orderby": "__system/submissionDate desc"}).json()
    assert ordered["value"][0]["full_name"] == "I K" and "$skip=1" in unquote(ordered["@odata.nextLink"])


def test_points_are_told_as_wkt_where_that_is_asked(fed: Site) -> None:
    row = ask(fed, "Submissions('uuid:3')", token(fed, "administrator"), **{"$wkt": "true"}).json()
    assert row["location"] == "POINT (105.15 22.05 300)"


@pytest.mark.parametrize(
    ("asked", "status", "cure"),
    [
        ({"$search": "Lan"}, 501, "$filter"),
        ({"$apply": "aggregate(x)"}, 501, "$filter"),
        ({"$format": "atom"}, 501, "$format=json"),
        ({"$expand": "nothing"}, 501, "$expand=*, $expand=person"),
        ({"$filter": "head eq 'x'"}, 501, "__system/submissionDate"),
        ({"$orderby": "head"}, 501, "__system/submissionDate"),
        ({"$select": "nothing"}, 400, "location"),
        ({"$filter": "((("}, 400, "__system/submissionDate"),
        ({"$top": "-1"}, 400, "0"),
        ({"$skiptoken": "abc"}, 400, "$skiptoken"),
        ({"$wkt": "maybe"}, 400, "true"),
    ],
    ids=["search", "apply", "atom", "expand", "filter", "order", "select", "syntax", "top", "token", "wkt"],
)
def test_what_the_feed_does_not_do_is_refused_with_what_it_does(
    fed: Site, asked: dict[str, str], status: int, cure: str
) -> None:
    answer = ask(fed, "Submissions", token(fed, "planner"), **asked)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == str(status) and cure in error["message"]
