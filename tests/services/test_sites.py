"""Sites are taken from files as people make them, whole or not at all, and only where the user oversees the land."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest
from sqlalchemy import select

from mapper.domain.sites import Site, SiteKind
from mapper.errors import Forbidden, InvalidInput, MapperError, NotFound
from mapper.services import accounts, sites
from mapper.services.accounts import User
from mapper.services.sites import TakenSites
from mapper.store import tables
from tests.services.town import COMMUNES, Town, inside

TABLE = (
    "Mã,Tên,Loại,Vĩ độ,Kinh độ,Công suất,Dây chuyền lạnh\n"
    "TYT-1,Trạm y tế xã 0,cố định,22.05,105.05,200,có\n"
    ',Nhà văn hóa thôn Nà Lẹng,,"22,06","105,06",,\n'
)
STATION = Site("TYT-1", "Trạm y tế xã 0", SiteKind.FIXED, 22.05, 105.05, 200, True)
HALL = ("Nhà văn hóa thôn Nà Lẹng", SiteKind.MOBILE, 22.06, 105.06, None, False)
KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Folder><name>Trạm</name><Placemark><name>Trạm y tế xã 0</name><ExtendedData>
<Data name="code"><value>TYT-1</value></Data><Data name="kind"><value>fixed</value></Data>
<Data name="capacity"><value>200</value></Data><Data name="cold_chain"><value>yes</value></Data></ExtendedData>
<Point><coordinates>105.05,22.05,0</coordinates></Point></Placemark></Folder>
<Folder><name>Lưu động</name><Placemark><name>Nhà văn hóa thôn Nà Lẹng</name>
<Point><coordinates>105.06,22.06</coordinates></Point></Placemark></Folder></Document></kml>"""


def geojson(*geometries: object) -> bytes:
    features = [
        {"type": "Feature", "properties": {"name": f"Nơi {number}"}, "geometry": geometry}
        for number, geometry in enumerate(geometries)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def point(lon: float, lat: float) -> dict[str, object]:
    return {"type": "Point", "coordinates": [lon, lat]}


def workbook(*rows: tuple[object, ...]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


LINE = {"type": "LineString", "coordinates": [[105, 22], [105, 23]]}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("sites.csv", TABLE.encode("utf-8-sig"), id="csv"),
        pytest.param(
            "sites.csv",
            TABLE.replace(",", ";").replace('"22;06"', "22,06").replace('"105;06"', "105,06").encode(),
            id="semicolons",
        ),
        pytest.param(
            "sites.xlsx",
            workbook(
                ("code", "name", "kind", "lat", "lon", "capacity", "cold_chain"),
                ("TYT-1", "Trạm y tế xã 0", "fixed", 22.05, 105.05, 200, "yes"),
                (None, "Nhà văn hóa thôn Nà Lẹng", None, 22.06, 105.06, None, None),
            ),
            id="workbook",
        ),
        pytest.param("sites.kml", KML.encode(), id="kml of two folders"),
    ],
)
def test_a_list_is_read_from_every_kind_of_file(name: str, data: bytes) -> None:
    station, hall = sites.read_file(name, data)
    assert station == STATION
    assert (hall.name, hall.kind, hall.lat, hall.lon, hall.capacity, hall.cold_chain) == HALL
    assert hall.code.startswith("S-")


def test_a_list_is_taken_and_taken_again_changes_nothing(town: Town) -> None:
    assert sites.take_file(town.reference, None, "a.csv", TABLE.encode()) == TakenSites(2, 0, 0)
    assert sites.take_file(town.reference, None, "a.kml", KML.encode()) == TakenSites(0, 0, 2)
    changed = TABLE.replace("200", "150").encode()
    assert sites.take_file(town.reference, None, "a.csv", changed) == TakenSites(0, 1, 1)
    assert {one.code: one.capacity for one in sites.everywhere(town.reference)}["TYT-1"] == 150
    with town.reference.database.read() as connection:
        actions = list(connection.scalars(select(tables.audit.c.action).order_by(tables.audit.c.seq)))
    assert actions[-3:] == ["sites.taken"] * 3


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.csv", b"name,lat\nA,22\n", "lacks the column lon"),
        ("a.csv", b"name,lat,lon\nA,22,105\n,22,105\n", "row 3: name cannot be"),
        ("a.csv", b"name,lat,lon\nA,105,22,\nB,22,205\n", "row 2: lat cannot be 105"),
        ("a.csv", b"name,lat,lon\nA,22 05,105\n", "lat cannot be 22 05"),
        ("a.csv", b"name,lat,lon\nA,nan,105\n", "lat cannot be nan"),
        ("a.csv", b"name,lat,lon,kind\nA,22,105,tent\n", "kind cannot be tent"),
        ("a.csv", b"name,lat,lon,capacity\nA,22,105,-5\n", "capacity cannot be -5"),
        ("a.csv", b"name,lat,lon,cold_chain\nA,22,105,perhaps\n", "cold_chain cannot be perhaps"),
        ("a.csv", b"code,name,lat,lon\nX,A,22,105\nX,B,22,105\n", "rows 2 and 3: X stands twice"),
        ("a.csv", b"name,lat,lon\n", "holds no site"),
        ("a.kml", b"<kml", "cannot be read as KML"),
        ("a.geojson", b"{", "cannot be read as GeoJSON"),
        ("a.geojson", geojson(point(105, 22), LINE), "place 2: this is no point"),
        ("a.geojson", geojson(None), "place 1: this is no point"),
        ("a.geojson", geojson(point(205, 22)), "row 1: lon cannot be 205"),
    ],
)  # fmt: skip
def test_a_list_with_one_wrong_row_is_refused_whole(sqlite_town: Town, name: str, data: bytes, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sites.take_file(sqlite_town.reference, None, name, data)
    assert told in refused.value.message.format(**refused.value.facts)
    assert sites.everywhere(sqlite_town.reference) == []


def added(town: Town, role: str, *areas: str) -> User:
    user = accounts.by_id(town.reference, accounts.add_user(town.reference, role, role, areas).id)
    assert user is not None
    return user


def test_sites_are_entered_only_where_one_oversees_the_land(sqlite_town: Town) -> None:
    reference = sqlite_town.reference
    here, there = inside(0), inside(3)
    own = Site("A", "Nhà văn hóa", SiteKind.MOBILE, here.lat, here.lon)
    other = Site("B", "Trường học", SiteKind.MOBILE, there.lat, there.lon)
    user = added(sqlite_town, "supervisor", f"squares:{COMMUNES[0]}")
    sites.enter(reference, user, own)
    with pytest.raises(Forbidden):
        sites.enter(reference, user, other)
    sites.enter(reference, added(sqlite_town, "administrator"), other)
    refused: list[type[MapperError]] = []
    for act in (
        lambda: sites.enter(reference, user, Site("B", "Về đây", SiteKind.MOBILE, here.lat, here.lon)),
        lambda: sites.remove(reference, user, "B"),
        lambda: sites.remove(reference, user, "C"),
        lambda: sites.enter(reference, added(sqlite_town, "canvasser", f"squares:{COMMUNES[0]}"), own),
        lambda: sites.enter(reference, user, Site("Z", "Ngoài biển", SiteKind.MOBILE, 10.0, 110.0)),
    ):
        with pytest.raises(MapperError) as told:
            act()
        refused.append(told.type)
    assert refused == [Forbidden, Forbidden, NotFound, Forbidden, Forbidden]
    sites.remove(reference, user, "A")
    assert [one.code for one in sites.everywhere(reference)] == ["B"]
