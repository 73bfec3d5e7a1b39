"""The index gives the answers of testing every polygon: inside, on borders, in gaps, at sea, in every way of asking."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.errors import InvalidBoundaries, Unavailable
from mapper.geo.placing import NO_UNIT, Placer, cells_for
from tests.geo.drawing import EAST, NORTH, STEP, place, square

CHECKOUT = Path(__file__).resolve().parents[2]

#  row 1 | C  (covers both columns)      |
#  row 0 | A          | B (with a hole)  |  gap  | D
A, B, C, D = square(0, 0), square(1, 0), square(0, 1, 2), square(3, 0)
HOLE = square(1.4, 0.4, 0.2, 0.2)
CODES = ["00030", "00010", "00020", "00040"]
OUTLINES = [A, B.difference(HOLE), C, D]


def wkbs(outlines: list[Any]) -> list[bytes]:
    return [bytes(wkb) for wkb in shapely.to_wkb(np.array(outlines, dtype=object))]


def build(outlines: list[Any] = OUTLINES, codes: list[str] = CODES, cells: int | None = None) -> Placer:
    return Placer.build(codes, wkbs(outlines), cells)


def by_testing_every_polygon(codes: list[str], outlines: list[Any], lon: Any, lat: Any) -> list[int]:
    """The index of the lowest code that covers each point, without any index."""
    found = []
    for point in shapely.points(lon, lat):
        covering = [n for n, outline in enumerate(outlines) if outline.covers(point)]
        found.append(min(covering, key=lambda n: codes[n], default=NO_UNIT))
    return found


def every_way(placer: Placer, lon: float, lat: float) -> str | None:
    """The code of a point, asked alone, in an array, and of a placer read back; all must agree."""
    again = Placer.from_bytes(placer.to_bytes())
    answers = set()
    for one in (placer, again):
        answers.add(one.place_one(lon, lat)[0])
        for array in ([lon], [lon] * 3):
            index = int(one.place(np.array(array), np.array([lat] * len(array)))[-1])
            answers.add(one.codes[index] if index >= 0 else None)
    (answer,) = answers
    return answer


@pytest.mark.parametrize("cells", [1, 2, 7, 64, 1024])
@pytest.mark.parametrize(
    ("column", "row", "expected", "on_border"),
    [
        (0.5, 0.5, "00030", False),
        (1.2, 0.5, "00010", False),
        (1.0, 1.7, "00020", False),
        (3.5, 0.5, "00040", False),
        (1.5, 0.5, None, False),  # in the hole
        (2.5, 0.5, None, False),  # in the gap
        (2.5, 1.5, None, False),  # beside C, above the gap
        (0, 0.5, "00030", True),  # on the outer border
        (0, 0, "00030", True),  # an outer corner
        (1, 0.5, "00010", True),  # between A and B: the lower code
        (0.5, 1, "00020", True),  # between A and C
        (1, 1, "00010", True),  # where A, B and C meet
        (1.4, 0.5, "00010", True),  # on the hole's border
        (4, 1, "00040", True),  # the farthest corner
        (-0.001, 0.5, None, False),
        (4.001, 0.5, None, False),
        (0.5, -50, None, False),
    ],
)
def test_a_point_is_placed(cells: int, column: float, row: float, expected: str | None, on_border: bool) -> None:
    placer = build(cells=cells)
    lon, lat = (round(v, 9) for v in place(column, row))
    assert every_way(placer, lon, lat) == expected
    assert placer.place_one(lon, lat) == (expected, on_border)


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        (0.0, 0.0),  # what a device writes when it has no fix
        (110.5, 18.0),  # at sea
        (22.005, 106.005),  # latitude and longitude swapped
        (math.nan, 22.0),
        (106.0, math.nan),
        (math.inf, 22.0),
        (106.0, -math.inf),
        (1e300, -1e300),
    ],
)
def test_no_unit_holds_what_is_no_place_of_the_set(lon: float, lat: float) -> None:
    assert every_way(build(), lon, lat) is None


def test_points_keep_their_order_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapper.geo.placing._BLOCK", 10)
    rng = np.random.default_rng(7)
    lon, lat = EAST + rng.uniform(-0.5, 4.5, 997) * STEP, NORTH + rng.uniform(-0.5, 2.5, 997) * STEP
    assert build().place(lon, lat).tolist() == by_testing_every_polygon(CODES, OUTLINES, lon, lat)
    assert build().place(lon[:0], lat[:0]).tolist() == []


def test_answers_do_not_depend_on_the_order_of_the_units() -> None:
    for order in ([3, 2, 1, 0], [1, 0, 3, 2]):
        placer = build([OUTLINES[n] for n in order], [CODES[n] for n in order])
        assert placer.codes == tuple(CODES[n] for n in order)
        assert every_way(placer, 106.01, 22.005) == "00010"


@pytest.mark.parametrize(("codes", "outlines"), [([], []), (["1", "1"], [A, B]), (["1"], [A, B])])
def test_units_without_one_code_each_are_refused(codes: list[str], outlines: list[Any]) -> None:
    with pytest.raises(InvalidBoundaries, match="one code and one outline"):
        Placer.build(codes, wkbs(outlines))


def test_more_units_get_a_finer_grid_up_to_a_bound() -> None:
    assert [cells_for(n) for n in (1, 14, 523, 3321, 10600, 10**6)] == [64, 256, 1024, 4096, 4096, 4096]


def test_only_what_was_written_is_read_back() -> None:
    kept = build().to_bytes()
    assert Placer.from_bytes(kept).codes == tuple(CODES)
    other = io.BytesIO()
    np.savez(other, format=np.array([99]))
    pickled = io.BytesIO()
    np.savez(pickled, format=np.array([{"a": 1}], dtype=object))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    for spoilt in (b"", b"PK", kept[: len(kept) // 2], other.getvalue(), pickled.getvalue(), empty.getvalue()):
        with pytest.raises(Unavailable, match="built again"):
            Placer.from_bytes(spoilt)


def grid_of(side: int, jitter: np.ndarray) -> list[Any]:
    """side x side quadrilaterals that share their corners, each corner moved a little: a coverage."""
    corners = np.stack(np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0)), axis=-1) + jitter
    corners = np.array([EAST, NORTH]) + corners * STEP
    return [
        shapely.Polygon([corners[r, c], corners[r, c + 1], corners[r + 1, c + 1], corners[r + 1, c]])
        for r in range(side)
        for c in range(side)
    ]


def searching_points(outlines: list[Any], rng: np.random.Generator) -> tuple[Any, Any]:
    """Points anywhere, on corners, in the middle of sides, and a hair beside these."""
    corners = shapely.get_coordinates(np.array(outlines, dtype=object))
    middles = (corners[1:] + corners[:-1]) / 2
    exact = np.concatenate([corners, middles])
    beside = exact + rng.choice([-1e-9, -1e-12, 1e-14, 1e-12, 1e-9], exact.shape)
    west, south, east, north = shapely.total_bounds(np.array(outlines, dtype=object))
    anywhere = rng.uniform([west - 0.003, south - 0.003], [east + 0.003, north + 0.003], (400, 2))
    points = np.concatenate([exact, beside, anywhere])
    return points[:, 0], points[:, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.sampled_from([1, 3, 16, 33, 128]), st.floats(0, 0.35))
def test_the_index_answers_as_testing_every_polygon_does(seed: int, side: int, cells: int, wobble: float) -> None:
    rng = np.random.default_rng(seed)
    outlines = grid_of(side, rng.uniform(-wobble, wobble, (side + 1, side + 1, 2)))
    outlines = [outlines[n] for n in rng.permutation(len(outlines))[: max(2, len(outlines) - 2)]]  # with gaps
    codes = [f"{n:05d}" for n in rng.permutation(len(outlines))]
    lon, lat = searching_points(outlines, rng)
    placer = build(outlines, codes, cells)
    expected = by_testing_every_polygon(codes, outlines, lon, lat)
    assert placer.place(lon, lat).tolist() == expected
    assert Placer.from_bytes(placer.to_bytes()).place(lon, lat).tolist() == expected
    at_once, on_border = placer.place_exactly(lon, lat)
    for n in range(0, len(lon), 7):
        code = codes[expected[n]] if expected[n] >= 0 else None
        point = shapely.Point(lon[n], lat[n])
        touches = code is not None and outlines[expected[n]].boundary.intersects(point)
        assert placer.place_one(float(lon[n]), float(lat[n])) == (code, touches)
        assert (int(at_once[n]), bool(on_border[n])) == (expected[n], touches)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from([1, 4, 32, 100]))
def test_units_that_overlap_are_answered_by_the_lowest_code(seed: int, count: int, cells: int) -> None:
    """A set should not overlap; if one does, every way of asking still says the same."""
    rng = np.random.default_rng(seed)
    outlines: list[Any] = []
    for _ in range(count):
        column, row, width, height = rng.uniform([0, 0, 0.1, 0.1], [4, 4, 4, 4])
        outlines.append(square(column, row, width, height))
    codes = [f"{n:05d}" for n in rng.permutation(count)]
    lon, lat = searching_points(outlines, rng)
    assert build(outlines, codes, cells).place(lon, lat).tolist() == by_testing_every_polygon(codes, outlines, lon, lat)


def test_a_cell_that_a_border_only_passes_by_still_belongs_to_its_unit() -> None:
    """Eight cells a side, one a step. The border of A and B ends just right of the cell in column 3, row 3.

    That cell is C's as a whole, and C's own border keeps out of the boxes around it; the box around the last piece of
    the other two's border reaches in.
    """
    end = (4.1, 3.2)
    outlines = [
        shapely.Polygon([place(*xy) for xy in corners])
        for corners in (
            [(0, 0), (3.6, 0), (3.88, 2.6), end, (4.005, 2.95), (3.5, 2.9), (0, 2.9)],
            [(3.6, 0), (8, 0), (8, 3.2), end, (3.88, 2.6)],
            [(0, 2.9), (3.5, 2.9), (4.005, 2.95), end, (8, 3.2), (8, 8), (0, 8)],
        )
    ]
    assert shapely.coverage_is_valid(outlines)
    placer = build(outlines, ["A", "B", "C"], cells=8)
    for column in (3.1, 3.5, 3.9, 3.99):
        for row in (3.1, 3.5, 3.9):
            assert placer.place_one(*place(column, row)) == ("C", False)
            assert placer.place(*(np.array([v]) for v in place(column, row))).tolist() == [2]


SHARED_BY_THREADS = """
import sys, threading
import numpy as np, shapely
from mapper.geo.placing import Placer
rng = np.random.default_rng(11)
corners = np.stack(np.meshgrid(np.arange(7.0), np.arange(7.0)), axis=-1) + rng.uniform(-0.3, 0.3, (7, 7, 2))
outlines = [
    shapely.segmentize(shapely.Polygon(corners[[r, r, r + 1, r + 1], [c, c + 1, c + 1, c]]), 0.002)
    for r in range(6) for c in range(6)
]
wkbs = [bytes(shapely.to_wkb(outline)) for outline in outlines]
lon, lat = rng.uniform(0, 6, 20_000), rng.uniform(0, 6, 20_000)
expected = None
for turn in range(8):
    placer = Placer.build([f"{n:05d}" for n in range(36)], wkbs, cells=8)  # nearly every cell is a border cell
    start, answers = threading.Barrier(8), []
    def ask():
        start.wait()
        answers.append(placer.place(lon, lat).tolist())
        answers.append([placer.place_one(x, y)[0] for x, y in zip(lon[:500].tolist(), lat[:500].tolist())])
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    expected = expected or placer.place(lon, lat).tolist()
    names = [placer.codes[n] if n >= 0 else None for n in expected[:500]]
    assert len(answers) == 16 and all(answer in (expected, names) for answer in answers)
print("all the same")
"""


def test_threads_may_share_one_placer() -> None:
    """Threads that share a prepared geometry without a lock abort the process, so they run in one of their own."""
    done = subprocess.run(
        [sys.executable, "-c", SHARED_BY_THREADS],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=CHECKOUT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all the same\n"), done.stderr
