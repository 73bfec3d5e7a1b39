"""Which unit holds a point: a grid of cells wholly inside one unit, and an exact test for the few cells on borders.

Built once a boundary set and kept beside it; answers are those of testing every polygon, only sooner.
"""

from __future__ import annotations

import io
import json
import math
import threading
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from mapper.errors import InvalidBoundaries, Unavailable, mark
from mapper.geo.unit_grid import Frame, draw

Indexes = NDArray[np.int32]
Floats = NDArray[np.float64]

NO_UNIT = -1
_BORDER = -2
_FORMAT = 1
_BLOCK = 1 << 18  # points at a time: the working arrays stay in the processor's cache
_MIN_CELLS, _MAX_CELLS = 64, 4096


def cells_for(units: int) -> int:
    """Cells a side for so many units, a power of two: about forty cells across a unit, 4096 at most."""
    wanted = 40 * math.sqrt(max(units, 1))
    return int(min(max(2 ** math.ceil(math.log2(wanted)), _MIN_CELLS), _MAX_CELLS))


@dataclass(frozen=True, slots=True)
class _Border:
    """For each border cell the units that may cover a point in it, in the order of their codes.

    units[starts[i]:starts[i + 1]]: the candidates of the cell that the grid gives the number _BORDER - i.
    """

    starts: NDArray[np.int64]
    units: Indexes


class Placer:
    """Finds the units of points, longitude and latitude in degrees (EPSG:4326).

    A point belongs to a unit that covers it, its border included. On a shared border, or where units overlap, the
    lowest code wins. What no unit covers (water, a gap too wide to be closed, ground that the set lacks) belongs to
    none, however near one is: nothing is drawn in from outside. So an answer depends on the point and the outlines
    alone, not on the units' order nor on the run. May be used by several threads at once.
    """

    def __init__(
        self, codes: Sequence[str], wkbs: Sequence[bytes], frame: Floats, grid: Indexes, border: _Border
    ) -> None:
        """Use build or from_bytes. frame: west, south, and the cells per degree in x and in y."""
        self.codes = tuple(codes)
        self._wkbs = tuple(wkbs)
        self._frame = frame
        self._west, self._south, self._per_x, self._per_y = (float(v) for v in frame)
        self._grid = grid
        self._rows, self._columns = grid.shape
        self._border = border
        # Geometries of this object alone, and every use of them under the lock: two threads that share one
        # prepared geometry abort the process (GEOS issue 825).
        self._lock = threading.Lock()
        self._shapes = shapely.from_wkb(np.array(self._wkbs, dtype=object))
        shapely.prepare(self._shapes)

    @classmethod
    def build(cls, codes: Sequence[str], wkbs: Sequence[bytes], cells: int | None = None) -> Placer:
        """Make the grid. codes: of the leaf units; wkbs: their valid polygons; cells: a side, None to choose.

        Raises InvalidBoundaries where there is no unit, or a code stands twice.
        """
        if not codes or len(codes) != len(wkbs) or len(set(codes)) != len(codes):
            raise InvalidBoundaries(mark("Points can be placed only in units with one code and one outline each."))
        cells = cells or cells_for(len(codes))
        shapes = shapely.from_wkb(np.array(list(wkbs), dtype=object))
        west, south, east, north = shapely.total_bounds(shapes)
        # The margin dwarfs the rounding of a point's cell number, so that a cell counts as touched by a border
        # whenever a point reckoned to be in it could lie on or beyond that border.
        margin = 1e-11 * max(abs(west), abs(east), abs(south), abs(north), 1.0)
        west, south, east, north = west - 2 * margin, south - 2 * margin, east + 2 * margin, north + 2 * margin
        frame = Frame(west, south, cells / (east - west), cells / (north - south), cells, margin)
        # Units in the order of their codes; the last of these is nobody.
        order = np.array([*sorted(range(len(codes)), key=codes.__getitem__), NO_UNIT], dtype=np.int32)
        drawn = draw(shapes, np.argsort(order[:-1]), frame)
        grid = np.full((cells, cells), NO_UNIT, dtype=np.int32)
        _number(grid, drawn.border)
        begins, ends = drawn.free
        grid[grid > _BORDER] = np.repeat(order[drawn.holder], ends - begins)
        return cls(codes, wkbs, np.array(frame[:4]), grid, _Border(drawn.starts, order[drawn.ranks]))

    def place(self, lon: Floats, lat: Floats) -> Indexes:
        """For each point the index of its unit in codes, or -1 where none covers it (or it is not a number)."""
        return self._place(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))[0]

    def place_exactly(self, lon: Floats, lat: Floats) -> tuple[Indexes, NDArray[np.bool_]]:
        """The same, and whether each point lies on the border of its unit, as ``place_one`` tells it."""
        lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        found, exact = self._place(lon, lat)
        on_border = np.zeros(len(lon), dtype=bool)
        near = exact[found[exact] >= 0]
        for start in range(0, len(near), _BLOCK):
            some = near[start : start + _BLOCK]
            # side by side what asks one polygon, as in _test
            some = some[np.argsort(found[some])]
            with self._lock:
                on_border[some] = ~shapely.contains_xy(self._shapes[found[some]], lon[some], lat[some])
        return found, on_border

    def _place(self, lon: Floats, lat: Floats) -> tuple[Indexes, NDArray[np.int64]]:
        """The index of each point's unit, or -1, and which points were in border cells."""
        found = np.empty(len(lon), dtype=np.int32)
        for start in range(0, len(lon), _BLOCK):
            block = slice(start, start + _BLOCK)
            found[block] = self._look_up(lon[block], lat[block])
        exact = np.flatnonzero(found <= _BORDER)
        for start in range(0, len(exact), _BLOCK):
            some = exact[start : start + _BLOCK]
            found[some] = self._test(lon[some], lat[some], _BORDER - found[some])
        return found, exact

    def _look_up(self, lon: Floats, lat: Floats) -> Indexes:
        """What the grid says of each point: its unit, none, or the border cell it lies in."""
        x = (lon - self._west) * self._per_x
        y = (lat - self._south) * self._per_y
        # false for NaN too, which must not reach the cast below
        inside = (x >= 0) & (x < self._columns) & (y >= 0) & (y < self._rows)
        if not inside.all():
            x, y = np.where(inside, x, 0), np.where(inside, y, 0)
        cell = y.astype(np.int32)
        cell *= self._columns
        cell += x.astype(np.int32)
        found: Indexes = self._grid.ravel().take(cell)
        found[~inside] = NO_UNIT
        return found

    def _test(self, lon: Floats, lat: Floats, cell: Indexes) -> Indexes:
        """The exact answer for points in border cells (numbers of cells in the border list).

        The candidates of a cell stand in the order of their codes: the first that covers the point is the one.
        """
        starts, units = self._border.starts, self._border.units
        found = np.full(len(lon), NO_UNIT, dtype=np.int32)
        waiting = np.arange(len(lon))
        turn = 0
        while len(waiting):
            candidates = units[starts[cell[waiting]] + turn]
            # side by side what asks one polygon: it then is still in the processor's cache
            order = np.argsort(candidates)
            waiting, candidates = waiting[order], candidates[order]
            with self._lock:
                hit = shapely.intersects_xy(self._shapes[candidates], lon[waiting], lat[waiting])
            found[waiting[hit]] = candidates[hit]
            turn += 1
            waiting = waiting[~hit]
            waiting = waiting[starts[cell[waiting]] + turn < starts[cell[waiting] + 1]]
        return found

    def place_one(self, lon: float, lat: float) -> tuple[str | None, bool]:
        """The code of the unit that covers the point, None where none does, and whether it lies on that border."""
        x = (lon - self._west) * self._per_x
        y = (lat - self._south) * self._per_y
        if not (0 <= x < self._columns and 0 <= y < self._rows):
            return None, False
        value = int(self._grid[int(y), int(x)])
        if value > _BORDER:
            return (self.codes[value], False) if value >= 0 else (None, False)
        cell = _BORDER - value
        with self._lock:
            for unit in self._border.units[self._border.starts[cell] : self._border.starts[cell + 1]].tolist():
                shape = self._shapes[unit]
                if shapely.intersects_xy(shape, lon, lat):
                    return self.codes[unit], not shapely.contains_xy(shape, lon, lat)
        return None, False

    def to_bytes(self) -> bytes:
        """Everything as one compressed file, to keep beside the set; from_bytes reads it."""
        inner = np.maximum(self._grid, _BORDER)  # the border cells are numbered anew on reading
        arrays = {
            "format": np.array([_FORMAT]),
            "codes": np.frombuffer(json.dumps(self.codes).encode(), dtype=np.uint8),
            "lengths": np.array([len(wkb) for wkb in self._wkbs], dtype=np.int64),
            "wkbs": np.frombuffer(b"".join(self._wkbs), dtype=np.uint8),
            "frame": self._frame,
            "grid": inner.astype(np.int16) if len(self.codes) < 2**15 else inner,
            "counts": np.diff(self._border.starts).astype(np.int32),
            "units": self._border.units,
        }
        buffer = io.BytesIO()
        # np.savez_compressed would do, but knows only a level that takes ten times as long for little
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Placer:
        """The placer that to_bytes wrote. Raises Unavailable for anything else: build it again from the outlines."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as kept:
                if int(kept["format"][0]) != _FORMAT:
                    raise ValueError("another format")
                codes = json.loads(kept["codes"].tobytes())
                ends = np.cumsum(kept["lengths"]).tolist()
                joined = kept["wkbs"].tobytes()
                wkbs = [joined[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
                grid = kept["grid"].astype(np.int32)
                cells = np.flatnonzero(grid == _BORDER)
                border = _Border(np.append(0, np.cumsum(kept["counts"], dtype=np.int64)), kept["units"])
                _number(grid, cells)
                return cls(codes, wkbs, kept["frame"], grid, border)
        except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise Unavailable(
                mark("The kept index of the boundary set cannot be read; it has to be built again.")
            ) from error


def _number(grid: Indexes, cells: NDArray[np.int64]) -> None:
    """Write into the border cells (flat numbers, ascending) which entry of the border list is theirs."""
    grid.ravel()[cells] = _BORDER - np.arange(len(cells), dtype=np.int32)
