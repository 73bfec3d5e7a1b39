"""Files and uploads that somebody spoiled on purpose: each reader of them either understands or says what is wrong.

A reader gets real files with bytes cut, doubled, exchanged and overwritten, and those of an archive within its parts.
Whatever it raises besides a MapperError is a fault, and so is more than ``MOST_S`` seconds of CPU for one input.
``tests/test_attacks.py`` tries each for a moment, ``bench/attack.py`` for as long as one wants.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from mapper.errors import MapperError
from mapper.formats.campaign import read_campaign
from mapper.formats.crosswalk import read_crosswalk
from mapper.formats.hamlets import read_hamlets
from mapper.formats.instance import read_instance
from mapper.formats.level_table import LevelColumns, read_levels
from mapper.formats.register_table import read_register_table
from mapper.formats.responsible_list import read_responsible
from mapper.formats.stock_table import read_stock_table
from mapper.formats.survey_file import read_survey
from mapper.formats.uploaded_folder import read_uploaded
from mapper.formats.xlsform import convert
from mapper.geo.boundary_file import read_boundaries
from mapper.services.sites import read_file
from mapper.web.phones import parts
from tests.client.site import CAMPAIGN, CHOICES, HAMLETS, SURVEY, House, squares, workbook

MOST_S = 20.0
"""CPU seconds of one small input: far beyond what any takes, far below what stops a server."""

BOUNDARY = "grenze"
NASTY = (
    *(b"\0", b"\xff\xfe", b'"', b"\r\n", b"'", b"&#0;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>&b;", b"<a>" * 300, b"]]>"),
    *(b"1e999", b"-1", b"NaN", b"9" * 400, b"99999-99-99", b"0000-00-00", b"[" * 3000, b"null", b"{}", b"%s%n"),
    *(
        "\u202e".encode(),
        "ﷺ".encode() * 50,
        "١٢".encode(),
        "²".encode(),
        b"\xed\xa0\x80",
        b"\xf0\x9f\x92\xa9",
        b"../../x",
    ),
    b"--" + BOUNDARY.encode() + b"\r\n",
)
"""What readers stumble over."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader, and files that it understands. files: name to content; the name is told to the reader."""

    read: Callable[[str, bytes], object]
    files: Mapping[str, bytes]


def table(rows: Sequence[Sequence[object]]) -> bytes:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _tables(csv: str) -> dict[str, bytes]:
    return {"a.csv": csv.encode(), "a.xlsx": table([line.split(",") for line in csv.splitlines()])}


def _upload() -> bytes:
    pieces = ""
    for name, file, kind, content in (
        ("xml_submission_file", "a.xml", "text/xml", House("uuid:a", photo="nhà.jpg").xml.decode()),
        ("nhà.jpg", "nhà.jpg", "image/jpeg", "JFIF" * 30),
    ):
        pieces += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        pieces += f"Content-Type: {kind}\r\n\r\n{content}\r\n"
    return f"{pieces}--{BOUNDARY}--\r\n".encode()


def _parts(_name: str, body: bytes) -> object:
    return parts(io.BytesIO(body), f"multipart/form-data; boundary={BOUNDARY}", len(body), 1_000_000)


def outlines(folder: Path) -> dict[str, bytes]:
    """The two communes as GeoJSON, GeoPackage and zipped Shapefile. folder: to write into."""
    import geopandas

    (folder / "a.geojson").write_bytes(squares())
    frame = geopandas.read_file(folder / "a.geojson")
    frame.to_file(folder / "a.gpkg")
    short = {"commune_code": "ma_xa", "commune_name": "ten_xa"}
    frame[[*short, "geometry"]].rename(columns=short).to_file(folder / "shape.shp", encoding="utf-8")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for part in sorted(folder.glob("shape.*")):
            archive.write(part, part.name)
    return {name: (folder / name).read_bytes() for name in ("a.geojson", "a.gpkg", "a.zip")}


def targets(folder: Path) -> dict[str, Target]:
    """Every reader of what comes from outside. folder: for files that only a path can be read from."""

    def boundaries(name: str, data: bytes) -> object:
        path = folder / f"spoiled-{name}"
        path.write_bytes(data)
        return read_boundaries(path)

    kml = (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>'
        "<name>Trạm</name><Point><coordinates>105.05,22.05,0</coordinates></Point></Placemark></Document></kml>"
    )
    points = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"Trạm","kind":"fixed"},'
        '"geometry":{"type":"Point","coordinates":[105.05,22.05]}}]}'
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as folded:
        folded.writestr("house/hamlets.csv", HAMLETS)
        folded.writestr("house/campaign.toml", CAMPAIGN)
    persons = "level,code,name,position,phone\ncommune,00001,Bà Hoa,Trạm trưởng,0912345678\n"
    named = ("họ và tên", "ngày sinh", "mũi", "ngày tiêm")
    people = _tables("họ và tên,ngày sinh,mũi,ngày tiêm\nMa Văn Thu,5/3/2010,1,7/8/2021\nLò Thị Ún,1980,2,8/8/2021\n")
    return {
        "multipart": Target(_parts, {"body": _upload()}),
        "instance": Target(lambda _, data: read_instance(data), {"a.xml": House("uuid:a", deprecated_id="uuid:b").xml}),
        "boundaries": Target(boundaries, outlines(folder)),
        "sites": Target(
            read_file,
            {"a.kml": kml.encode(), "a.geojson": points.encode()} | _tables("name,lat,lon\nTrạm,22.05,105.05\n"),
        ),
        "epidemic levels": Target(
            lambda name, data: read_levels(name, data, LevelColumns()),
            _tables("commune_code,level,from\n00001,2,2022-08-01\n00002,Cấp 3,1/8/2022\n"),
        ),
        "stock": Target(
            read_stock_table,
            _tables("day,kind,store,formulation,lot,doses\n2022-08-01,received,commune:00001,pfizer,A1,60\n"),
        ),
        "crosswalk": Target(
            read_crosswalk, _tables("old_code,new_code,relation,share\n00001,00003,full,\n00002,00003,part,40%\n")
        ),
        "register": Target(lambda name, data: read_register_table(name, data, lambda title: title in named), people),
        "hamlets": Target(lambda _, data: read_hamlets(data), {"hamlets.csv": HAMLETS.encode()}),
        "survey": Target(lambda _, data: read_survey(data), {"a.csv": b"cluster,vaccinated,weight\n1,1,1.5\n2,0,2\n"}),
        "responsible": Target(
            lambda _, data: read_responsible(data),
            {"a.csv": persons.encode()},
        ),
        "campaign": Target(
            lambda _, data: read_campaign(data.decode("utf-8", "replace")), {"campaign.toml": CAMPAIGN.encode()}
        ),
        "folder": Target(lambda name, data: read_uploaded([(name, data)]), {"a.zip": archive.getvalue()}),
        "form": Target(convert, {"a.xlsx": workbook("house", "Nhà", "1", SURVEY, CHOICES)}),
    }


# Spoiling


@st.composite
def spoiled(draw: st.DrawFn, target: Target) -> tuple[str, bytes]:
    """A file of the target, with one to six faults; of an archive mostly within a part of it."""
    name = draw(st.sampled_from(sorted(target.files)))
    data = target.files[name]
    if data.startswith(b"PK") and draw(st.integers(0, 3)):
        return name, _within(draw, data)
    return name, _edited(draw, data)


def _within(draw: st.DrawFn, data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        held = {one: archive.read(one) for one in archive.namelist()}
    part = draw(st.sampled_from(sorted(held)))
    held[part] = _edited(draw, held[part])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, content in held.items():
            archive.writestr(one, content)
    return file.getvalue()


def _edited(draw: st.DrawFn, data: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        how = draw(st.integers(0, 5))
        if how == 0:
            data = data[:start] + data[end:]
        elif how == 1:
            data = data[:start]
        elif how == 2:
            data = data[:end] + data[start:end] * draw(st.integers(1, 50)) + data[end:]
        elif how == 3:
            data = data[:start] + draw(st.sampled_from(NASTY)) + data[end:]
        elif how == 4:
            data = data[:start] + draw(st.binary(max_size=8)) + data[end:]
        else:
            at = draw(st.integers(0, len(data)))
            data = data[:at] + data[start:end] + data[at:]
    return data


class Slow(Exception):
    """An input that takes too long."""


def attack(target: Target, examples: int, number: int) -> None:
    """Try so many inputs, always the same of one number. Raises what the reader should not have raised, or Slow."""

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled(target))
    def one(file: tuple[str, bytes]) -> None:
        before = time.process_time()
        try:
            target.read(*file)
        except MapperError as refused:
            assert str(refused.message)
        if time.process_time() - before > MOST_S:
            raise Slow(file[0])

    one()
