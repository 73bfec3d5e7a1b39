"""What a boundary file may be: three kinds, in any system it declares, and a clear answer to everything else."""

from __future__ import annotations

import json
import math
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapper.errors import InvalidBoundaries, MapperError, TooLarge
from mapper.geo.boundary_file import BoundaryFile, read_boundaries
from mapper.geo.fields import ReadOptions
from mapper.geo.layer import Limits
from mapper.geo.reading import read_layer
from tests.geo.drawing import (
    collection,
    commune,
    square,
    write_geojson,
    write_geopackage,
    write_shapefile,
)

TWO = [commune("00001", square(0, 0), "Xã Đông Hoà"), commune("00002", square(1, 0), "Xã Tây Thuỷ")]
# a Shapefile cuts field names to ten letters
SHAPE_TWO = [({"ma_xa": fields["commune_code"], "ten_xa": fields["commune_name"]}, g) for fields, g in TWO]


def names(read: BoundaryFile) -> list[tuple[str, str]]:
    return [(leaf.unit.code, leaf.unit.name) for leaf in read.leaves]


def refusal(path: Path, options: ReadOptions | None = None, limits: Limits | None = None) -> str:
    with pytest.raises(InvalidBoundaries) as caught:
        read_boundaries(path, options, limits=limits)
    return str(caught.value)


def test_the_three_kinds_of_file_give_the_same_units(tmp_path: Path) -> None:
    read = [
        read_boundaries(write_geojson(tmp_path / "a.geojson", TWO)),
        read_boundaries(write_geopackage(tmp_path / "a.gpkg", TWO)),
        read_boundaries(write_shapefile(tmp_path / "a.zip", SHAPE_TWO)),
    ]
    for one in read:
        assert names(one) == [("00001", "Xã Đông Hoà"), ("00002", "Xã Tây Thuỷ")]
        assert one.levels == ("commune",)
        assert one.findings == ()
        assert one.changes == ()
        for leaf, (_, outline) in zip(one.leaves, TWO, strict=True):
            shape = shapely.from_wkb(leaf.wkb)
            assert shape.geom_type == "MultiPolygon"
            assert shape.equals_exact(shapely.MultiPolygon([outline]).normalize(), 0) or shape.equals(outline)
            assert shapely.Point(leaf.centre).within(shape)
            assert leaf.bbox == outline.bounds
            # 0.01 degree is 1.1132 km along the equator; on the ellipsoid at 22 N 1.0324 km by 1.1073 km
            assert leaf.area_km2 == pytest.approx(1.0324 * 1.1073, rel=2e-3)


def test_what_a_file_is_its_bytes_say_and_not_its_name(tmp_path: Path) -> None:
    assert len(read_boundaries(write_geojson(tmp_path / "a.zip", TWO)).units) == 2
    geopackage = write_geopackage(tmp_path / "a.gpkg", TWO).rename(tmp_path / "a.geojson")
    assert len(read_boundaries(geopackage).units) == 2


@pytest.mark.parametrize("crs", ["EPSG:32648", "EPSG:3405", "EPSG:9210", "EPSG:3857", "EPSG:4756"])
def test_outlines_in_another_system_come_out_in_wgs84(tmp_path: Path, crs: str) -> None:
    for path in (
        write_geopackage(tmp_path / "a.gpkg", TWO, crs),
        write_shapefile(tmp_path / "b.zip", SHAPE_TWO, crs),
    ):
        for leaf, (_, outline) in zip(read_boundaries(path).leaves, TWO, strict=True):
            assert leaf.bbox == pytest.approx(outline.bounds, abs=1e-6)


def test_vn2000_is_not_taken_for_wgs84(tmp_path: Path) -> None:
    """The published shift (EPSG 6960) moves a point at 22 N 106 E by some 200 m; read as WGS 84 it would stay."""
    same_numbers = write_geojson(
        tmp_path / "a.geojson", TWO, crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4756"}}
    )
    west, south, _, _ = read_boundaries(same_numbers).leaves[0].bbox
    assert 0.001 < abs(west - 106.0) + abs(south - 22.0) < 0.004


def test_geojson_without_crs_is_wgs84_and_its_old_crs_member_is_obeyed(tmp_path: Path) -> None:
    assert read_boundaries(write_geojson(tmp_path / "a.geojson", TWO)).leaves[0].bbox == TWO[0][1].bounds
    metres = [
        (fields, shapely.box(5e5 + i * 1000, 24e5, 5e5 + i * 1000 + 1000, 2401000)) for i, (fields, _) in enumerate(TWO)
    ]
    utm = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32648"}}
    west, south, _, _ = read_boundaries(write_geojson(tmp_path / "b.geojson", metres, crs=utm)).leaves[0].bbox
    assert (west, south) == pytest.approx((105.0, 21.7034173), abs=1e-6)  # zone 48's middle meridian is 105 E
    assert "no longitude, latitude" in refusal(write_geojson(tmp_path / "c.geojson", metres))
    assert "reference system" in refusal(write_geojson(tmp_path / "d.geojson", TWO, crs=None))
    assert "cannot be understood" in refusal(write_geojson(tmp_path / "e.geojson", TWO, crs={"type": "link"}))


def test_a_file_without_crs_is_refused_until_the_importer_names_it(tmp_path: Path) -> None:
    shapefile = write_shapefile(tmp_path / "a.zip", SHAPE_TWO, without=[".prj"])
    geopackage = write_geopackage(tmp_path / "a.gpkg", TWO, crs=None)
    for path in (shapefile, geopackage):
        assert "Add the .prj" in refusal(path)
        assert read_boundaries(path, ReadOptions(crs="EPSG:4326")).leaves[0].bbox == TWO[0][1].bounds
        assert "no coordinate reference system" in refusal(path, ReadOptions(crs="my own"))


def test_a_shapefile_whose_reference_system_is_garbled_is_refused(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "a.zip", SHAPE_TWO)
    with zipfile.ZipFile(tmp_path / "a.zip") as whole, zipfile.ZipFile(tmp_path / "b.zip", "w") as spoiled:
        for name in whole.namelist():
            content = whole.read(name)
            spoiled.writestr(name, content[:7] + b"\x80" + content[7:] if name.endswith(".prj") else content)
    assert "damaged" in refusal(tmp_path / "b.zip")


def test_swapped_latitude_and_longitude_are_named(tmp_path: Path) -> None:
    swapped = [(fields, shapely.transform(g, lambda xy: xy[:, ::-1])) for fields, g in TWO]
    assert "swapped" in refusal(write_geojson(tmp_path / "a.geojson", swapped))


def test_several_layers_want_a_choice(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", TWO)
    write_geopackage(path, [commune("00009", square(5, 5))], layer="others")
    assert "communes, others" in refusal(path)
    assert names(read_boundaries(path, ReadOptions(layer="others"))) == [("00009", "Xã Một")]
    assert "communes, others" in refusal(path, ReadOptions(layer="third"))


def test_several_shapefiles_in_one_archive_want_a_choice(tmp_path: Path) -> None:
    first, second = write_shapefile(tmp_path / "a.zip", SHAPE_TWO), write_shapefile(tmp_path / "b.zip", SHAPE_TWO[:1])
    both = tmp_path / "both.zip"
    with zipfile.ZipFile(both, "w") as archive:
        for source in (first, second):
            with zipfile.ZipFile(source) as part:
                for name in part.namelist():
                    archive.writestr(f"folder/{name}", part.read(name))
        archive.writestr("__MACOSX/folder/._a.shp", b"not a shapefile")
    assert "a, b" in refusal(both)
    assert len(read_boundaries(both, ReadOptions(layer="b")).units) == 1


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_a_shapefile_without_one_of_its_parts_is_refused(tmp_path: Path, part: str) -> None:
    assert part in refusal(write_shapefile(tmp_path / "a.zip", SHAPE_TWO, without=[part]))


def test_names_of_a_shapefile_are_never_garbled_silently(tmp_path: Path) -> None:
    utf8 = write_shapefile(tmp_path / "a.zip", SHAPE_TWO, without=[".cpg"])
    assert names(read_boundaries(utf8))[0][1] == "Xã Đông Hoà"
    rows = [({"ma_xa": "00001", "ten_xa": "Xã Ðoài"}, square(0, 0))]
    western = write_shapefile(tmp_path / "b.zip", rows, without=[".cpg"], encoding="ISO-8859-1")
    assert "encoding" in refusal(western)
    assert names(read_boundaries(western, ReadOptions(encoding="ISO-8859-1")))[0][1] == "Xã Ðoài"


LINE = shapely.LineString([(106, 22), (106.1, 22.1)])


@pytest.mark.parametrize(
    ("outlines", "named"),
    [
        ([LINE], "1 LineString"),
        ([shapely.Point(106, 22)], "1 Point"),
        ([square(0, 0), LINE, LINE], "2 LineString"),
        ([shapely.GeometryCollection([square(0, 0), LINE])], "1 GeometryCollection"),
    ],
)
def test_lines_points_and_mixtures_are_refused(tmp_path: Path, outlines: list[Any], named: str) -> None:
    rows = [commune(f"{i:05d}", outline) for i, outline in enumerate(outlines)]
    assert named in refusal(write_geojson(tmp_path / "a.geojson", rows))


def test_lines_in_a_shapefile_and_a_geopackage_are_refused(tmp_path: Path) -> None:
    assert "LineString" in refusal(write_shapefile(tmp_path / "a.zip", [({"ma_xa": "1"}, LINE)]))
    assert "LineString" in refusal(write_geopackage(tmp_path / "a.gpkg", [commune("1", LINE)]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"\x00" * 4096,
        b"code,name\n1,2\n",
        b"%PDF-1.7\n",
        b"SQLite format 3\x00" + b"\x00" * 200,
        b"<?xml version='1.0'?><kml/>",
        b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>"
        b"</OGRVRTDataSource>",
        b"[]",
        b"{}",
        b'{"type":"FeatureCollection"}',
        b'{"type":"FeatureCollection","features":{}}',
        b'{"type":"FeatureCollection","features":[]}',
        b'{"type":"FeatureCollection","features":[1]}',
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":[],"geometry":null}]}',
        b'{"type":"Polygon","coordinates":[[[106,22],[107,22],[107,23],[106,22]]]}',
        b'{"type":"Topology","objects":{}}',
        '{"type":"FeatureCollection"}'.encode("utf-16"),
        b'{"type":"FeatureCollection","name":"\xe3\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_boundary_file_is_refused_with_the_cure(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.geojson"
    path.write_bytes(content)
    assert refusal(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / "none.geojson")
    assert "cannot be opened" in refusal(tmp_path)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[106, 22], [107, 22]]]},
        {"type": "Polygon", "coordinates": [[106, 22], [107, 22], [107, 23]]},
        {"type": "Polygon", "coordinates": "106 22"},
        {"type": "Polygon", "coordinates": [[["a", "b"], [107, 22], [107, 23], [106, 22]]]},
        {"type": "Polygon"},
        {"type": "Blob", "coordinates": []},
        {"coordinates": []},
        "POLYGON",
        7,
        {"type": "Polygon", "coordinates": [[[106, 22], [107, 22], [1e999, 23], [106, 22]]]},
        {"type": "Polygon", "coordinates": [[[106, 22], [107, 22], [500, 23], [106, 22]]]},
    ],
)
def test_geometry_that_cannot_be_read_is_refused(tmp_path: Path, geometry: object) -> None:
    data = collection([commune("00001", square(0, 0)), commune("00002", None)])
    data["features"][1]["geometry"] = geometry
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(data))
    assert refusal(path)


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "zip"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    many = [(fields, square(i, j)) for j in range(8) for i, (fields, _) in enumerate(TWO * 4)]
    rows = [
        ({"ma_xa": f"{n:05d}", "ten_xa": f"Xã {n}", "ghi_chu": str(n) * 40}, outline)
        for n, (_, outline) in enumerate(many)
    ]
    write = {"geojson": write_geojson, "gpkg": write_geopackage, "zip": write_shapefile}[kind]
    path = write(tmp_path / f"a.{kind}", rows)
    assert len(read_boundaries(path).units) == 64
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path / "a.zip", SHAPE_TWO)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("a.shp").header_offset + 40
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert "damaged" in refusal(path)


def test_an_archive_without_a_shapefile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "holds no Shapefile" in refusal(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A thousand times smaller than what it unpacks to; the limit is on what it unpacks to."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for ending in ("shp", "shx", "dbf", "prj"):
            archive.writestr(f"a.{ending}", b"\x00" * 20_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(TooLarge):
        read_boundaries(path, limits=Limits(max_bytes=50_000_000))


def test_an_archive_that_lies_about_its_size_unpacks_no_further_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for ending in ("shp", "shx", "dbf"):
            archive.writestr(f"a.{ending}", b"\x00" * 5_000_000)
    content = path.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", 100))
    path.write_bytes(content)
    assert refusal(path, limits=Limits(max_bytes=1_000_000))


def test_limits_of_units_points_and_bytes_hold(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "a.geojson", TWO)
    for limits in (Limits(max_units=1), Limits(max_vertices=9), Limits(max_bytes=100)):
        with pytest.raises(TooLarge):
            read_boundaries(path, limits=limits)
    assert read_boundaries(path, limits=Limits(max_units=2, max_vertices=10, max_bytes=path.stat().st_size))


def test_a_file_of_endless_fields_is_refused(tmp_path: Path) -> None:
    rows = [({"commune_code": "1", **{f"f{n}_{i}": 1 for i in range(300)}}, square(n, 0)) for n in range(5)]
    assert "fields" in refusal(write_geojson(tmp_path / "a.geojson", rows))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_spoilt_file_is_read_or_refused_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    """Any bytes of a good file changed: never an error without a cure."""
    source = {"geojson": write_geojson, "gpkg": write_geopackage, "zip": write_shapefile}
    kind = data.draw(st.sampled_from(sorted(source)))
    good = tmp_path / f"good.{kind}"
    if not good.exists():
        source[kind](good, SHAPE_TWO)
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    spoilt = tmp_path / f"spoilt.{kind}"
    spoilt.write_bytes(content)
    try:
        read_boundaries(spoilt)
    except MapperError as error:
        assert str(error)


def test_outlines_of_a_large_geojson_are_never_all_there_as_numbers(tmp_path: Path) -> None:
    """As lists of floats their points would take some six times the file."""
    corners = [(round(105 + math.cos(at / 320) / 9, 6), round(22 + math.sin(at / 320) / 9, 6)) for at in range(2000)]
    facts = {"commune_code": "00001", "commune_name": "Xã Một", "province_code": "01", "seat": {"type": "Point"}}
    ring = [*corners, (105.0, 22.0), corners[0]]
    features = [
        {
            "type": "Feature",
            "properties": {**facts, "commune_code": f"{n:05}"},
            "geometry": {"type": "Polygon", "coordinates": [[(round(x + n, 6), y) for x, y in ring]]},
        }
        for n in range(9)
    ]
    path = tmp_path / "large.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    size = path.stat().st_size
    del features
    tracemalloc.start()
    layer = read_layer(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert int(shapely.get_num_coordinates(layer.shapes).sum()) == 9 * 2002
    assert peak < 3 * size, peak / size
