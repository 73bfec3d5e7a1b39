"""PMTiles 3: a base map in one file with its own directory, read in place."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, cast

from mapper.errors import InvalidInput, mark

KINDS = {1: "pbf", 2: "png", 3: "jpg", 4: "webp", 5: "avif"}


class Pmtiles:
    """An open file. kind: "pbf", "png", "jpg", "webp" or "avif". gzipped: whether tiles are kept compressed.

    is_empty: whether its directory names no tile.
    """

    def __init__(self, path: Path) -> None:
        from pmtiles.reader import Reader  # for those alone who have such a file
        from pmtiles.tile import deserialize_directory

        try:
            with path.open("rb") as file:
                self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            make = cast(Any, Reader)  # the library has no types
            self._reader = make(lambda offset, length: self._content[offset : offset + length])
            header: dict[str, Any] = self._reader.header()
            self.kind = KINDS[int(header["tile_type"].value)]
            compression = header["tile_compression"].name.lower()
            if compression not in ("none", "gzip", "unknown"):
                raise ValueError(compression)
            self.gzipped = compression == "gzip"
            self.zooms = int(header["min_zoom"]), int(header["max_zoom"])
            self.metadata: dict[str, Any] = dict(self._reader.metadata())
            root = slice(header["root_offset"], header["root_offset"] + header["root_length"])
            self.is_empty = not cast(Any, deserialize_directory)(self._content[root])
        except Exception as fault:
            # The library meets damage with errors of many kinds, down to those of struct and gzip.
            raise InvalidInput(
                mark(
                    "{file} is no PMTiles file of version 3 that can be read ({fault}). Copy it to the server again, "
                    "or leave MAPPER_BASEMAP empty."
                ),
                file=str(path),
                fault=type(fault).__name__,
            ) from fault

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        """The bytes of a tile as they are kept, None where there is none."""
        content: bytes | None = self._reader.get(zoom, x, y)
        return content

    def close(self) -> None:
        """Let go of the file."""
        self._content.close()
