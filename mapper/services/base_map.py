"""The operator's own base map: one file, MBTiles or PMTiles, of pictures or of vector tiles; no internet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Protocol

from mapper.errors import InvalidInput, mark
from mapper.formats.pmtiles_file import Pmtiles
from mapper.store.mbtiles import Mbtiles

MEDIA: Mapping[str, str] = {
    "pbf": "application/vnd.mapbox-vector-tile",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
}
_GZIP = b"\x1f\x8b"


class TileFile(Protocol):
    """A file of tiles. is_empty: whether there is none in it."""

    is_empty: bool

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        """The bytes of a tile as they are kept, None where there is none."""

    def close(self) -> None:
        """Let go of the file."""


@dataclass(frozen=True, slots=True)
class BaseMap:
    """An open base map. attribution: the credit that the file asks for, as text; stamp: changes with the file."""

    file: TileFile
    kind: str
    zooms: tuple[int, int]
    attribution: str
    stamp: str

    @property
    def is_vector(self) -> bool:
        """Whether the browser draws it itself."""
        return self.kind == "pbf"

    @property
    def media_type(self) -> str:
        """What a tile is sent as."""
        return MEDIA[self.kind]

    def tile(self, zoom: int, x: int, y: int) -> tuple[bytes, bool] | None:
        """A tile and whether it is gzipped; None where the file has none."""
        if not (0 <= zoom <= self.zooms[1] and 0 <= x < 2**zoom and 0 <= y < 2**zoom):
            return None
        content = self.file.tile(zoom, x, y)
        return None if not content else (content, content.startswith(_GZIP))


def open_base_map(written: str) -> BaseMap | None:
    """The base map of a file, None where none is set. Raises InvalidInput, naming the cure."""
    if not written.strip():
        return None
    path = Path(written.strip()).expanduser()
    if not path.is_file():
        raise InvalidInput(
            mark("There is no base map {file}. Set MAPPER_BASEMAP to an .mbtiles or .pmtiles file, or leave it empty."),
            file=str(path),
        )
    stat = path.stat()
    stamp = f"{stat.st_size:x}-{stat.st_mtime_ns:x}"
    if path.suffix.lower() == ".mbtiles":
        mbtiles = Mbtiles(path)
        _refuse_empty(mbtiles, path)
        told = mbtiles.metadata
        kind = {"jpeg": "jpg", "mvt": "pbf"}.get(told.get("format", "png").lower(), told.get("format", "png").lower())
        if kind not in MEDIA:
            raise InvalidInput(
                mark("The base map {file} holds tiles of the kind {kind}. Take one with png, jpg, webp or pbf tiles."),
                file=str(path),
                kind=kind[:20],
            )
        return BaseMap(mbtiles, kind, mbtiles.zooms(), plain_text(told.get("attribution", "")), stamp)
    if path.suffix.lower() == ".pmtiles":
        pmtiles = Pmtiles(path)
        _refuse_empty(pmtiles, path)
        credit = plain_text(str(pmtiles.metadata.get("attribution", "")))
        return BaseMap(pmtiles, pmtiles.kind, pmtiles.zooms, credit, stamp)
    raise InvalidInput(
        mark("{file} is no base map: its name ends neither in .mbtiles nor in .pmtiles. Set MAPPER_BASEMAP to one."),
        file=str(path),
    )


def _refuse_empty(file: TileFile, path: Path) -> None:
    """An empty file would show an empty ground, and nobody would know why."""
    if file.is_empty:
        file.close()
        raise InvalidInput(
            mark(
                "The base map {file} holds no tiles, as where its making was broken off. Make it again for this region "
                "and copy it to the server, or leave MAPPER_BASEMAP empty."
            ),
            file=str(path),
        )


def plain_text(html: str) -> str:
    """A credit line without its links: files bring HTML, which no page of ours takes from anybody."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.words).split())


class _Words(HTMLParser):
    """What of HTML is read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)
