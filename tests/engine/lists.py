"""The entity lists as the server gives them to one canvasser: a few houses of two hamlets and who lives there."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from io import StringIO

HOUSE_COLUMNS = (
    *("name", "label", "__version", "__trunkVersion", "__branchId", "geometry", "commune", "hamlet", "house_number"),
    *("head", "phone", "outcome", "state", "state_text", "due_text", "marker-color", "marker-symbol"),
)
PEOPLE_COLUMNS = (
    *("name", "label", "__version", "__trunkVersion", "__branchId", "household", "person_name", "sex", "born"),
    *("age_text", "residence", "state", "due", "due_text", "vaccines", "doses_text", "deferred_until"),
)

ABSENT = "11111111-1111-4111-8111-111111111111"
OFFLINE = "22222222-2222-4222-8222-222222222222"
MET = "33333333-3333-4333-8333-333333333333"
ELSEWHERE = "44444444-4444-4444-8444-444444444444"
MOTHER = "aaaaaaaa-0001-4aaa-8aaa-aaaaaaaaaaaa"
FATHER = "aaaaaaaa-0002-4aaa-8aaa-aaaaaaaaaaaa"
CHILD = "aaaaaaaa-0003-4aaa-8aaa-aaaaaaaaaaaa"

Entity = dict[str, str]


def entity(name: str, label: str, versions: str, **other: str) -> Entity:
    """A row. versions: version, trunk version and branch as the phone holds them, "1--b8" of one made by the phone."""
    version, trunk, branch = versions.split("-")
    return {"name": name, "label": label, "__version": version, "__trunkVersion": trunk, "__branchId": branch, **other}


def house(name: str, label: str, versions: str, hamlet: str = "0196901", **other: str) -> Entity:
    """A household of the first commune."""
    return entity(name, label, versions, commune="01969", hamlet=hamlet, house_number=label.split(" ")[0], **other)


HOUSES = (
    house(ABSENT, "7 - Lò Văn Ứng", "2-2-", head="Lò Văn Ứng", geometry="22.2 105.8 310 5", outcome="absent")
    | {"state": "not_met", "state_text": "Chưa gặp"},
    # Made by this phone, which was out of reach since: no state, version 1 of a branch of its own.
    house(OFFLINE, "8", "1--b8", outcome="locked"),
    house(MET, "9 - Nông Thị Mỷ", "3-3-", head="Nông Thị Mỷ", geometry="22.21 105.81 310 5", phone="0912345678")
    | {"outcome": "interviewed", "state": "someone_due", "state_text": "1 người đến lượt"}
    | {"due_text": "Nông Thị Mỷ: Mũi 2 từ 01/08/2022: Pfizer", "marker-color": "#b45309", "marker-symbol": "1"},
    house(ELSEWHERE, "1 - Hà Đức", "1-1-", "0196902", head="Hà Đức", outcome="absent", state="not_met"),
)
PEOPLE = (
    entity(MOTHER, "Nông Thị Mỷ", "3-3-", household=MET, person_name="Nông Thị Mỷ", sex="female", born="1980-05-04")
    | {"age_text": "42 tuổi", "residence": "here", "state": "due", "due": "2", "vaccines": "pfizer"}
    | {"due_text": "Mũi 2 từ 01/08/2022: Pfizer", "doses_text": "Mũi 1 10/08/2021 Pfizer"},
    entity(FATHER, "Hoàng Văn Đức", "1--b9", household=MET, person_name="Hoàng Văn Đức", sex="male", residence="here"),
    entity(CHILD, "Hoàng Ngọc Ánh", "4-2-b7", household=MET, person_name="Hoàng Ngọc Ánh", sex="female")
    | {"born": "2021-02-03", "age_text": "5 tuổi", "residence": "here", "state": "deferred"}
    | {"deferred_until": "2026-12-24"},
    entity("aaaaaaaa-0009-4aaa-8aaa-aaaaaaaaaaaa", "Hà Đức", "1-1-", household=ELSEWHERE, person_name="Hà Đức"),
)


def rows(columns: Iterable[str], entities: Iterable[Mapping[str, str]] = ()) -> bytes:
    """A list as CSV, UTF-8."""
    text = StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(entities)
    return text.getvalue().encode()


LISTS = {"households.csv": rows(HOUSE_COLUMNS, HOUSES), "people.csv": rows(PEOPLE_COLUMNS, PEOPLE)}
"""A canvasser's lists with some in them."""
EMPTY = {"households.csv": rows(HOUSE_COLUMNS), "people.csv": rows(PEOPLE_COLUMNS)}
"""The lists before anybody was visited."""
