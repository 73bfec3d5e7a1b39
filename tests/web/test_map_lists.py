"""The list of households as GeoJSON, for forms that ask for it so: the CSV's houses, as a map that JavaRosa reads."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
import requests
from sqlalchemy import update

from mapper.domain.entities import ROUND
from mapper.errors import InvalidForm
from mapper.services import publish
from mapper.store import tables
from tests.client.collect import MANIFEST, Collect
from tests.client.site import CHOICES, Site, workbook, write_house_check
from tests.engine.javarosa import JavaRosa, NotOffered
from tests.web.test_forms_page import manager, trial_address, upload
from tests.web.test_pages import Reader
from tests.web.test_phone_lists import HOUSES, MOTHER, Field, made_field, write_with_lists

VERSION = "2026112205"
SURVEY = """
type                                   |name   |label  |role            |choice_filter     |calculation|save_to
today                                  |today  |       |visit.date      |                  |           |
calculate                              |kind   |       |visit.kind      |                  |'revisit'  |
select_one_from_file hamlets.csv       |hamlet |Thôn   |household.hamlet|                  |           |
select_one_from_file households.geojson|house  |Nhà nào|                |hamlet = ${hamlet}|           |
select_one_from_file people.csv        |who    |Ai     |                |household=${house}|           |
calculate                              |state  |       |                |                  |STATE      |
select_one outcome                     |outcome|Kết quả|visit.outcome   |                  |           |
text                                   |head   |Chủ hộ |household.head  |                  |           |households#head
begin_repeat                           |person |Mới    |person          |                  |           |
text                                   |called |Họ tên |person.name     |                  |           |
end_repeat                             |person |       |                |                  |           |
""".replace("STATE", "instance('households')/root/item[id = ${house}]/state")


def again(survey: str = SURVEY, version: str = VERSION) -> bytes:
    """A form that goes back to a house chosen from the map, and updates it."""
    book = openpyxl.load_workbook(io.BytesIO(workbook("again", "Trở lại", version, survey, CHOICES)))
    entities = book.create_sheet("entities")
    entities.append(["list_name", "label", "entity_id", "update_if"])
    entities.append(["households", "${head}", "${house}", "true()"])
    file = io.BytesIO()
    book.save(file)
    book.close()
    return file.getvalue()


def publish_again(site: Site, folder: Path) -> None:
    write_with_lists(folder)
    (folder / "again.xlsx").write_bytes(again())
    publish.publish(site.reference, folder)


@pytest.fixture
def walk(site: Site, tmp_path: Path) -> Field:
    """The form that goes back, and one absent house in each of the three hamlets, on each kind of database."""
    made = made_field(site, tmp_path)
    publish_again(site, tmp_path / "again")
    return made


@pytest.fixture
def sqlite_walk(sqlite_site: Site, tmp_path: Path) -> Field:
    """The same on SQLite."""
    made = made_field(sqlite_site, tmp_path)
    publish_again(sqlite_site, tmp_path / "again")
    return made


def get(walk: Field, token: str, rest: str, **headers: str) -> requests.Response:
    return requests.get(f"{walk.site.url}/key/{token}/forms/again/{VERSION}/{rest}", headers=headers, timeout=60)


def features(walk: Field, token: str) -> list[dict[str, Any]]:
    """The houses on the map as a phone fetches it."""
    answer = get(walk, token, "media/households.geojson")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/geo+json"
    told = answer.json()
    assert (told["type"], set(told)) == ("FeatureCollection", {"type", "features"})
    return list(told["features"])


def draft_of_again(someone: Reader) -> str:
    """Make a draft of the next version; the address of its phones' server."""
    reply = upload(someone, ("again.xlsx", again(version="2026112206")))
    assert reply.status_code == 302, reply.text
    return trial_address(someone, "again")


def test_the_map_holds_the_houses_of_the_csv_as_points(walk: Field) -> None:
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", None, None))
    token = walk.token("0000101")
    (row,) = walk.rows(token, "households.csv")
    (feature,) = features(walk, token)
    assert (feature["type"], feature["id"]) == ("Feature", HOUSES[0])
    assert feature["geometry"] == {"type": "Point", "coordinates": [105.05, 22.05]}
    assert row.pop("geometry") == "22.0500000 105.0500000 0 6.0"
    assert feature["properties"] == {"title": row["label"], **row}
    assert (row["state"], row["marker-color"], row["marker-symbol"]) == ("someone_due", "#b2182b", "!")


def test_each_canvasser_has_a_map_of_the_own_hamlets(walk: Field) -> None:
    one, two = walk.token("0000101"), walk.token("0000102", "0000201")
    assert [feature["id"] for feature in features(walk, one)] == [HOUSES[0]]
    assert [feature["id"] for feature in features(walk, two)] == [HOUSES[1], HOUSES[2]]
    assert get(walk, "nobody", "media/households.geojson").status_code == 403


def test_a_house_without_a_position_is_on_the_list_and_on_no_map(sqlite_walk: Field) -> None:
    with sqlite_walk.site.reference.database.write() as connection:
        connection.execute(update(tables.households).values(lat=None, lon=None, point_state="missing"))
    token = sqlite_walk.token("0000101")
    assert features(sqlite_walk, token) == []
    assert [row["name"] for row in sqlite_walk.rows(token, "households.csv")] == [HOUSES[0]]


def test_the_map_is_announced_as_a_file_with_its_hash_and_no_entity_list(walk: Field) -> None:
    phone = walk.site.phone(walk.token("0000101"))
    (listed,) = (form for form in phone.form_list() if form.form_id == "again")
    form = phone.download(listed)  # every hash is checked
    assert set(form.media) == {"hamlets.csv", "households.geojson", "people.csv"}
    manifest = ElementTree.fromstring(get(walk, walk.token("0000101"), "manifest").content)
    kinds = {entry.findtext(f"{{{MANIFEST}}}filename"): entry.get("type") for entry in manifest}
    assert kinds == {"hamlets.csv": None, "households.geojson": None, "people.csv": "entityList"}
    assert [entry.find(f"{{{MANIFEST}}}integrityUrl") is not None for entry in manifest] == [False, False, True]
    assert get(walk, walk.token("0000101"), f"integrity/households.geojson?id={HOUSES[0]}").status_code == 404


def test_a_phone_that_has_the_map_is_told_so_and_all_lists_are_made_once(walk: Field) -> None:
    token, lists = walk.token("0000101"), walk.site.reference.lists
    before = lists.made
    first = get(walk, token, "media/households.geojson")
    for rest in ("manifest", "media/people.csv"):
        assert get(walk, token, rest).status_code == 200
    walk.manifest(token)
    # The houses and people, the hamlets and the communes: each is made once for both forms.
    assert lists.made - before == 3
    same = get(walk, token, "media/households.geojson", **{"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", None, None))
    other = get(walk, token, "media/households.geojson", **{"If-None-Match": first.headers["ETag"]})
    assert (other.status_code, other.content == first.content) == (200, False)


def test_javarosa_offers_the_houses_that_the_server_served(sqlite_walk: Field) -> None:
    sqlite_walk.visit("0000101", HOUSES[0], (MOTHER, "Nông Thị Mỷ", None, None))
    phone = sqlite_walk.site.phone(sqlite_walk.token("0000101", "0000102"))
    phone.match_exactly()
    local = phone.forms["again", VERSION]
    engine = JavaRosa()
    assert engine.validate(local.xform) == []
    entry = engine.load(local.xform, local.media).new()
    entry.answer("hamlet", "0000101")
    assert entry.choices("house") == {HOUSES[0]: "Nông Thị Mỷ"}
    entry.answer("house", HOUSES[0])
    assert entry.value("state") == "someone_due"
    assert entry.choices("who") == {MOTHER: "Nông Thị Mỷ"}
    with pytest.raises(NotOffered):
        entry.answer("house", HOUSES[1])
    entry.answer("outcome", "absent").answer("head", "Nông Thị Hoa")
    sent = entry.finalise()
    assert f'id="{HOUSES[0]}"'.encode() in sent
    (base,) = re.findall(rb'baseVersion="(\d+)"', sent)  # read from the map's properties
    assert int(base) % ROUND == 2


def test_javarosa_takes_a_map_without_houses(sqlite_walk: Field) -> None:
    phone = sqlite_walk.site.phone(sqlite_walk.site.user("canvasser", "00002").token)
    with sqlite_walk.site.reference.database.write() as connection:
        connection.execute(update(tables.households).values(lat=None, lon=None, point_state="missing"))
    phone.match_exactly()
    local = phone.forms["again", VERSION]
    entry = JavaRosa().load(local.xform, local.media).new()
    entry.answer("hamlet", "0000201")
    assert entry.choices("house") == {}


def test_a_draft_has_a_map_of_invented_houses(sqlite_walk: Field) -> None:
    address = draft_of_again(manager(sqlite_walk.site))
    phone = Collect(address)
    sqlite_walk.site.phones.append(phone)
    phone.match_exactly()
    local = phone.forms["again", "2026112206"]
    entry = JavaRosa().load(local.xform, local.media).new()
    entry.answer("hamlet", "0000101")
    houses = json.loads(local.media["households.geojson"])["features"]
    assert [feature["geometry"]["coordinates"] for feature in houses] == [[105.05, 22.05], [105.051, 22.051]]
    assert set(entry.choices("house")) == {feature["id"] for feature in houses}
    whole = requests.get(f"{address}/media/households.geojson", timeout=60)
    md5 = hashlib.md5(whole.content).hexdigest()
    assert (whole.headers["ETag"], whole.headers["Content-Type"]) == (f'"{md5}"', "application/geo+json")
    same = requests.get(f"{address}/media/households.geojson", headers={"If-None-Match": f'"{md5}"'}, timeout=60)
    assert (same.status_code, same.content) == (304, b"")


def test_people_stand_on_no_map(tmp_path: Path) -> None:
    folder = write_house_check(tmp_path / "people")
    (folder / "again.xlsx").write_bytes(again(SURVEY.replace("people.csv", "people.geojson")))
    with pytest.raises(InvalidForm, match=r"people\.geojson"):
        publish.read_folder(folder)


def test_one_form_cannot_have_the_list_as_both(tmp_path: Path) -> None:
    folder = write_house_check(tmp_path / "both")
    (folder / "again.xlsx").write_bytes(again(SURVEY.replace("people.csv ", "households.csv ")))
    with pytest.raises(InvalidForm, match="households"):
        publish.read_folder(folder)
