"""MBTiles 1.3: a base map in one SQLite file, which the operator puts beside the server and nobody writes to."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from mapper.errors import InvalidInput, mark


class Mbtiles:
    """An open file. metadata: its own names and values; used by many threads, one at a time.

    is_empty: whether no tile is in it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            # As a read-only file that nobody changes: it may lie where the server cannot write a journal.
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            self.metadata = {str(name): str(value) for name, value in self._rows("SELECT name, value FROM metadata")}
            first = "SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles WHERE length(tile_data) > 0 LIMIT 1"
            self.is_empty = not self._rows(first)
        except sqlite3.Error as fault:
            raise InvalidInput(
                mark(
                    "{file} is no MBTiles file: its tables metadata and tiles cannot be read ({fault}). Copy it to the "
                    "server again, or leave MAPPER_BASEMAP empty."
                ),
                file=str(path),
                fault=str(fault),
            ) from fault

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        """The bytes of a tile as they are kept, None where there is none. y: from the north, as in addresses."""
        row = 2**zoom - 1 - y  # the file counts from the south
        found = self._rows(
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?", zoom, x, row
        )
        return bytes(found[0][0]) if found and found[0][0] is not None else None

    def zooms(self) -> tuple[int, int]:
        """The lowest and the highest zoom that has tiles; 0 and 0 where there is none."""
        low, high = self._rows("SELECT min(zoom_level), max(zoom_level) FROM tiles")[0]
        return int(low or 0), int(high or 0)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _rows(self, statement: str, *values: int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
