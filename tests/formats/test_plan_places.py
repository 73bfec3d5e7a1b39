"""Sites and ways as files for maps and phones, read back by GDAL and against the order of the GPX schema."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyogrio
import pytest
import shapely
from lxml import etree

from mapper.formats.plan_places import GPX, MapPoint, MapStop, MapWay, PlanMap, write_geojson, write_gpx, write_kml

ZONE = timezone(timedelta(hours=7))
SEVEN = datetime(2026, 11, 25, 7, 30, tzinfo=ZONE)
STOPS = tuple(
    MapStop(f"{n}. Điểm <{n}> & \x07", (105.0 + n / 100, 22.0), f"{n} người", SEVEN + n * timedelta(hours=1), SEVEN)
    for n in range(1, 4)
)
PATH = ((105.0, 22.0), (105.015, 22.01), (105.03, 22.0))
PLAN = PlanMap(
    "Kế hoạch 7",
    "Từng Nhà · giả định",
    SEVEN,
    (
        MapPoint(
            "site", "Nhà văn hoá", (105.01, 22.0), "40 người", {"code": "nvh", "sessions": [{"day": "2026-11-25"}]}
        ),
    ),
    (MapWay("Đội 1 · 25/11/2026", "07:30–11:00", PATH, STOPS, {"team": "Đội 1"}),),
    (MapPoint("unserved", "Thôn Xa", (105.2, 22.2), "7 người: xa quá", {"why": "unreachable", "people": 7}),),
    ("Điểm tiêm", "Chưa có chỗ"),
)
ORDER = {
    "gpx": ("metadata", "wpt", "rte", "trk", "extensions"),
    "metadata": ("name", "desc", "author", "copyright", "link", "time", "keywords", "bounds", "extensions"),
    "rte": ("name", "cmt", "desc", "src", "link", "number", "type", "extensions", "rtept"),
    "trk": ("name", "cmt", "desc", "src", "link", "number", "type", "extensions", "trkseg"),
    "trkseg": ("trkpt", "extensions"),
    **dict.fromkeys(
        ("wpt", "rtept", "trkpt"),
        ("ele", "time", "magvar", "geoidheight", "name", "cmt", "desc", "src", "link", "sym", "type", "extensions"),
    ),
}
"""Children of each element in the order of the schema. Source: https://www.topografix.com/GPX/1/1/gpx.xsd."""


def test_geojson_has_a_point_a_site_a_line_a_way_and_who_waits_where() -> None:
    whole = json.loads(write_geojson(PLAN))
    assert whole["type"] == "FeatureCollection"
    site, way, waiting = whole["features"]
    assert (site["geometry"], site["properties"]["code"]) == ({"type": "Point", "coordinates": [105.01, 22.0]}, "nvh")
    assert way["geometry"]["coordinates"] == [list(spot) for spot in PATH]
    assert (waiting["properties"]["why"], waiting["properties"]["people"]) == ("unreachable", 7)
    for feature in whole["features"]:
        assert set(feature) == {"type", "geometry", "properties"}
        assert shapely.from_geojson(json.dumps(feature["geometry"])).is_valid


def read(tmp_path: Path, name: str, content: bytes) -> dict[str, object]:
    """The layers of a file as GDAL has them."""
    path = tmp_path / name
    path.write_bytes(content)
    return {str(layer): pyogrio.read_dataframe(path, layer=layer) for layer, _ in pyogrio.list_layers(path)}


def test_kml_is_read_by_others_folder_by_folder(tmp_path: Path) -> None:
    layers = read(tmp_path, "plan.kml", write_kml(PLAN))
    assert list(layers) == ["Điểm tiêm", "Đội 1 · 25/11/2026", "Chưa có chỗ"]
    way = layers["Đội 1 · 25/11/2026"]
    assert list(way.geometry.geom_type) == ["Point", "Point", "Point", "LineString"]
    assert way["Name"][0] == "1. Điểm <1> &"
    assert b"<begin>2026-11-25T08:30:00+07:00</begin>" in write_kml(PLAN)


def test_gpx_is_read_by_others_with_stops_their_moments_routes_and_tracks(tmp_path: Path) -> None:
    layers = read(tmp_path, "plan.gpx", write_gpx(PLAN))
    assert {name: len(layers[name]) for name in ("waypoints", "routes", "route_points", "tracks")} == {
        "waypoints": 3,
        "routes": 1,
        "route_points": 3,
        "tracks": 1,
    }
    first = layers["waypoints"].iloc[0]
    assert first["name"] == "Đội 1 · 25/11/2026 · 1. Điểm <1> &"
    assert str(first["time"]).startswith("2026-11-25 01:30:00"), "in UTC"
    assert (first.geometry.x, first.geometry.y) == (105.01, 22.0)


def test_gpx_keeps_to_the_order_of_its_schema() -> None:
    root = etree.fromstring(write_gpx(PLAN))
    assert (etree.QName(root).namespace, root.get("version"), bool(root.get("creator"))) == (GPX, "1.1", True)
    seen = set()
    for element in root.iter():
        tag = etree.QName(element).localname
        seen.add(tag)
        if tag in ORDER:
            places = [ORDER[tag].index(etree.QName(child).localname) for child in element]
            assert places == sorted(places), tag
            assert ("lat" in element.attrib) == (tag in ("wpt", "rtept", "trkpt"))
    assert {"metadata", "wpt", "rte", "rtept", "trk", "trkseg", "trkpt"} <= seen


@pytest.mark.parametrize("write", [write_geojson, write_kml, write_gpx])
def test_a_plan_of_nothing_is_still_a_file(write: object, tmp_path: Path) -> None:
    empty = PlanMap("Kế hoạch 8", "", SEVEN, (), (), (), ("Điểm tiêm", "Chưa có chỗ"))
    content = write(empty)  # type: ignore[operator]
    assert content
    if write is not write_geojson:
        etree.fromstring(content)
