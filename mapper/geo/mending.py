"""Outlines that do not fit together: what is wrong is counted, mended where safe, refused where not.

Safe is a narrow gap or overlap, of the kind that two digitisations of one border leave. Ground that two units
both claim in earnest is for people to settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mapper.domain.people import Finding
from mapper.errors import InvalidBoundaries, mark
from mapper.geo.measure import METRES_PER_DEGREE, areas_km2, in_metres, widths_m

GAP_WIDTH_M = 300.0
"""A gap up to about this width is closed; a wider one may be a lake, or a unit that the file lacks."""

OVERLAP_WIDTH_M = 500.0
OVERLAP_SHARE = 1 / 3
"""An overlap wider than this, or a larger part of the smaller unit, is no slip of drawing: refused."""

SMALLEST_M2 = 1.0
"""An overlap up to this is rounding."""

_TOLD_CHANGE = 0.01  # a unit whose area changed by more is named
_SAME = 1e-9  # a share of its area up to this is rounding


@dataclass(frozen=True, slots=True)
class AreaChange:
    """A unit whose area mending changed, in km2."""

    code: str
    before_km2: float
    after_km2: float


@dataclass(frozen=True, slots=True)
class Mended:
    """Valid polygons that meet edge to edge, in the order they came; changes: largest share of area first."""

    shapes: NDArray[np.object_]
    findings: tuple[Finding, ...]
    changes: tuple[AreaChange, ...]


def mend(shapes: NDArray[np.object_], codes: Sequence[str]) -> Mended:
    """Make one coverage of polygons (EPSG:4326): no overlap, no narrow gap, neighbours sharing every vertex.

    A file that is a coverage already comes back exactly as it was. Raises InvalidBoundaries for an outline
    without area and for overlaps too large to be slips.
    """
    before = areas_km2(shapes)
    findings: list[Finding] = []
    shapes = _mend_rings(shapes, codes, findings)
    fits = bool(shapely.coverage_is_valid(shapes))
    if not fits:
        _judge_overlaps(shapes, codes, findings)
    gaps = _gaps(shapes, fits)
    if not fits or (len(gaps) and widths_m(gaps).min() <= GAP_WIDTH_M):
        unmatched = int((~shapely.is_empty(shapely.coverage_invalid_edges(shapes))).sum())
        shapes = _clean(shapes, codes)
        if unmatched:
            findings.append(
                Finding(
                    "edges",
                    mark("{count} units did not meet their neighbours point by point; their borders were joined."),
                    (("count", str(unmatched)),),
                )
            )
    _report_gaps(gaps, _gaps(shapes, True), findings)
    changes = _changes(codes, before, areas_km2(shapes), findings)
    return Mended(shapes, tuple(findings), changes)


def _valid(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Projecting can make a razor-thin polygon cross itself; structure keeps areas, and only areas."""
    made: NDArray[np.object_] = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    return made


def _mend_rings(shapes: NDArray[np.object_], codes: Sequence[str], findings: list[Finding]) -> NDArray[np.object_]:
    broken = ~shapely.is_valid(shapes)
    if broken.any():
        shapes = shapes.copy()
        shapes[broken] = _valid(shapes[broken])
        findings.append(
            Finding(
                "invalid_rings",
                mark("{count} outlines crossed themselves or were not closed properly, and were mended: {codes}."),
                (("count", str(int(broken.sum()))), ("codes", _some(codes, broken))),
            )
        )
    flat = shapely.area(shapes) == 0
    if flat.any():
        raise InvalidBoundaries(
            mark("The outline of {codes} encloses no area. Draw it again, or leave the unit out."),
            codes=_some(codes, flat),
        )
    return shapes


def _some(codes: Sequence[str], chosen: NDArray[np.bool_], most: int = 10) -> str:
    picked = [code for code, is_chosen in zip(codes, chosen, strict=True) if is_chosen]
    return ", ".join(picked[:most]) + (", ..." if len(picked) > most else "")


def _judge_overlaps(shapes: NDArray[np.object_], codes: Sequence[str], findings: list[Finding]) -> None:
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    # cut in degrees, as drawn: a side that is straight there is none in metres, and would overlap by its bend
    common = in_metres(shapely.intersection(shapes[left], shapes[right]))
    area = shapely.area(common)
    real = area > SMALLEST_M2
    left, right, common, area = left[real], right[real], common[real], area[real]
    if not len(area):
        return
    share = area / 1e6 / np.minimum(areas_km2(shapes[left]), areas_km2(shapes[right]))
    wide = np.zeros(len(area), dtype=bool)
    # a piece as wide as the limit has at least the area of that circle; the others need no measuring
    large = area >= np.pi / 4 * OVERLAP_WIDTH_M**2
    wide[large] = widths_m(common[large]) > OVERLAP_WIDTH_M
    refused = np.flatnonzero(wide | (share > OVERLAP_SHARE))
    if len(refused):
        worst = int(refused[np.argmax(area[refused])])
        raise InvalidBoundaries(
            mark(
                "{one} and {other} claim the same {area_km2} km² ({pairs} such pairs): too much for a slip of drawing. "
                "Settle whose ground it is and import again."
            ),
            one=codes[left[worst]],
            other=codes[right[worst]],
            area_km2=f"{area[worst] / 1e6:.2f}",
            pairs=len(refused),
        )
    worst = int(np.argmax(area))
    findings.append(
        Finding(
            "overlaps",
            mark(
                "{count} pairs of units overlap, by {area_km2} km² in all, most between {one} and {other}; each piece "
                "went to the unit it has the longer border with."
            ),
            (
                ("count", str(len(area))),
                ("area_km2", f"{area.sum() / 1e6:.2f}"),
                ("one", codes[left[worst]]),
                ("other", codes[right[worst]]),
            ),
        )
    )


def _gaps(shapes: NDArray[np.object_], fits: bool) -> NDArray[np.object_]:
    """The holes of all units together, as polygons in metres. fits: they are a coverage, which joins much faster.

    Where they are none, holes are looked for as drawn, without specks, and again in the plane of the middle UTM zone,
    as a GIS in metres would: a border whose points do not match can leave a hole a hair open in one of the two, and
    the plane shows every speck. Whichever finds more is told.
    """
    if fits:
        return in_metres(_holes(shapely.coverage_union_all(shapes)))
    drawn = in_metres(_holes(shapely.union_all(shapes)))
    drawn = drawn[shapely.area(drawn) > SMALLEST_M2]
    plane = _holes(shapely.union_all(_valid(in_metres(shapes))))
    return plane if len(plane) > len(drawn) else drawn


def _holes(whole: Any) -> NDArray[np.object_]:
    rings, part = shapely.get_rings(shapely.get_parts(whole), return_index=True)
    inner = np.diff(part, prepend=-1) == 0  # the first ring of each part is its shell
    holes: NDArray[np.object_] = shapely.polygons(rings[inner])
    return holes


def _clean(shapes: NDArray[np.object_], codes: Sequence[str]) -> NDArray[np.object_]:
    """Shared edges, no overlaps, narrow gaps given to a neighbour."""
    width = GAP_WIDTH_M / METRES_PER_DEGREE
    cleaned = shapes
    # closing gaps can leave an edge unmatched (seen with GEOS 3.14.1); a further round without gaps joins it
    for gap_width in (width, 0.0, 0.0):
        cleaned = np.asarray(shapely.coverage_clean(cleaned, gap_width=gap_width), dtype=object)
        if shapely.coverage_is_valid(cleaned) and shapely.is_valid(cleaned).all():
            break
    else:
        raise InvalidBoundaries(
            mark("The outlines do not fit together and could not be mended. Clean their topology and import again.")
        )
    lost = shapely.area(cleaned) == 0
    if lost.any():
        raise InvalidBoundaries(
            mark("After the overlaps are settled, nothing is left of {codes}. Draw these units again."),
            codes=_some(codes, lost),
        )
    return cleaned


def _report_gaps(before: NDArray[np.object_], after: NDArray[np.object_], findings: list[Finding]) -> None:
    if not len(before):
        return
    findings.append(
        Finding(
            "gaps",
            mark(
                "{count} gaps lie between units, {area_km2} km² in all. {closed} were closed; {kept} wider than "
                "{width_m} m stay open."
            ),
            (
                ("count", str(len(before))),
                ("area_km2", f"{shapely.area(before).sum() / 1e6:.2f}"),
                ("closed", str(len(before) - len(after))),
                ("kept", str(len(after))),
                ("width_m", f"{GAP_WIDTH_M:.0f}"),
            ),
        )
    )


def _changes(
    codes: Sequence[str], before: NDArray[np.float64], after: NDArray[np.float64], findings: list[Finding]
) -> tuple[AreaChange, ...]:
    share = np.abs(after - before) / np.maximum(after, 1e-12)
    order = [int(i) for i in np.argsort(-share, kind="stable") if share[i] > _SAME]
    changes = tuple(AreaChange(codes[i], float(before[i]), float(after[i])) for i in order)
    told = int((share > _TOLD_CHANGE).sum())
    if changes:
        moved = after - before
        findings.append(
            Finding(
                "area_total",
                mark(
                    "By mending, {grown} units gained {gained_km2} km² and {shrunk} lost {lost_km2} km². The areas of "
                    "all units were {before_km2} km² together and are {after_km2} km² now."
                ),
                (
                    ("grown", str(int((moved[share > _SAME] > 0).sum()))),
                    ("gained_km2", f"{moved[moved > 0].sum():.2f}"),
                    ("shrunk", str(int((moved[share > _SAME] < 0).sum()))),
                    ("lost_km2", f"{-moved[moved < 0].sum():.2f}"),
                    ("before_km2", f"{before.sum():.2f}"),
                    ("after_km2", f"{after.sum():.2f}"),
                ),
            )
        )
    if told:
        findings.append(
            Finding(
                "area_changed",
                mark(
                    "Mending changed the area of {count} units by more than 1 %, most that of {code}: "
                    "{before_km2} km² before, {after_km2} km² after."
                ),
                (
                    ("count", str(told)),
                    ("code", changes[0].code),
                    ("before_km2", f"{changes[0].before_km2:.3f}"),
                    ("after_km2", f"{changes[0].after_km2:.3f}"),
                ),
            )
        )
    return changes
