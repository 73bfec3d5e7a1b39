"""The operator's base map: tiny files of both kinds, made here; each with its refusal."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest
from pmtiles.tile import (
    Compression,
    TileType,
    deserialize_header,
    serialize_directory,
    serialize_header,
    zxy_to_tileid,
)
from pmtiles.writer import Writer

from mapper.errors import InvalidInput
from mapper.services.base_map import open_base_map, plain_text

PNG = bytes.fromhex("89504e470d0a1a0a") + b"made for a test"
VECTOR = gzip.compress(b"layers", mtime=0)
CREDIT = '<a href="https://example.vn">&copy; Cục Bản đồ</a>'


def mbtiles(path: Path, form: str = "png", content: bytes = PNG, metadata: bool = True) -> Path:
    """One tile, 1/0/0 from the north-west; in the file's own rows it is the upper one, 1."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)")
        connection.execute("INSERT INTO tiles VALUES (1, 0, 1, ?)", [content])
        if metadata:
            connection.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
            connection.executemany("INSERT INTO metadata VALUES (?, ?)", [("format", form), ("attribution", CREDIT)])
    connection.close()
    return path


def without_tiles(path: Path) -> Path:
    """The same file, its tiles taken out."""
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM tiles")
    connection.close()
    return path


def without_entries(path: Path) -> Path:
    """The same file, its directory emptied; the library writes none such itself."""
    content = path.read_bytes()
    header, root = deserialize_header(content[:127]), serialize_directory([])
    at = header["root_offset"]
    rest = content[127:at] + root + content[at + len(root) :]
    path.write_bytes(serialize_header(header | {"root_length": len(root)}) + rest)
    return path


def pmtiles(path: Path) -> Path:
    """One gzipped vector tile, 1/0/0."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.write_tile(zxy_to_tileid(1, 0, 0), VECTOR)
        header = {"tile_type": TileType.MVT, "tile_compression": Compression.GZIP, "center_zoom": 0}
        corners = dict.fromkeys(("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7", "center_lon_e7"), 0)
        writer.finalize(header | corners | {"center_lat_e7": 0}, {"attribution": CREDIT})
    return path


def test_a_tile_is_found_from_the_north_west_in_either_kind_of_file(tmp_path: Path) -> None:
    pictures = open_base_map(str(mbtiles(tmp_path / "a.mbtiles")))
    vectors = open_base_map(str(pmtiles(tmp_path / "a.pmtiles")))
    assert pictures is not None
    assert vectors is not None
    assert (pictures.is_vector, pictures.media_type, pictures.zooms) == (False, "image/png", (1, 1))
    assert (vectors.is_vector, vectors.zooms) == (True, (1, 1))
    assert pictures.tile(1, 0, 0) == (PNG, False)
    assert vectors.tile(1, 0, 0) == (VECTOR, True)
    for held in (pictures, vectors):
        assert held.attribution == "© Cục Bản đồ"
        assert [held.tile(*place) for place in ((1, 0, 1), (0, 0, 0), (2, 0, 0), (1, 2, 0), (1, -1, 0))] == [None] * 5
        held.file.close()


def test_no_setting_is_no_base_map() -> None:
    assert open_base_map("") is None
    assert open_base_map("  ") is None


def test_a_file_that_is_none_is_refused_by_name_with_the_cure(tmp_path: Path) -> None:
    junk = tmp_path / "junk.mbtiles"
    junk.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    cut = tmp_path / "cut.pmtiles"
    cut.write_bytes(pmtiles(tmp_path / "whole.pmtiles").read_bytes()[:60])
    other = tmp_path / "map.zip"
    other.write_bytes(b"PK")
    bare = mbtiles(tmp_path / "bare.mbtiles", metadata=False)
    odd = mbtiles(tmp_path / "odd.mbtiles", form="tiff")
    for path, why in (
        (tmp_path / "none.mbtiles", "There is no base map"),
        (junk, "is no MBTiles file"),
        (bare, "is no MBTiles file"),
        (cut, "is no PMTiles file"),
        (other, "ends neither in .mbtiles nor in .pmtiles"),
        (odd, "holds tiles of the kind tiff"),
        (without_tiles(mbtiles(tmp_path / "empty.mbtiles")), "holds no tiles"),
        (without_entries(pmtiles(tmp_path / "empty.pmtiles")), "holds no tiles"),
    ):
        with pytest.raises(InvalidInput, match=why) as refused:
            open_base_map(str(path))
        assert path.name in str(refused.value)


def test_a_credit_line_loses_its_links_and_keeps_its_words() -> None:
    assert plain_text('<script>x()</script><b onclick="y()">© A</b> &amp;  B') == "x()© A & B"
    assert plain_text("") == ""
