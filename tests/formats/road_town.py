"""A small invented town as an extract of OpenStreetMap, written by hand: a river, a bridge, an island, a ferry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Point = tuple[float, float]

LON, LAT = 105.8, 22.2
"""South-west corner of the town."""

STEP = 0.001
"""Degrees between two streets: about 103 m eastward, 111 m northward."""

DATED = "2026-11-01T00:00:00Z"


def at(east: float, north: float) -> Point:
    """Longitude and latitude of a place in streets from the corner."""
    return (LON + east * STEP, LAT + north * STEP)


def osm_xml(ways: Sequence[tuple[Sequence[Point], Mapping[str, str]]], dated: str = DATED) -> str:
    """OSM XML of ways by their points; points at the same place are one node."""
    number: dict[Point, int] = {}
    lines = []
    for way, (points, tags) in enumerate(ways, 1):
        refs = [number.setdefault((round(lon, 7), round(lat, 7)), len(number) + 1) for lon, lat in points]
        told = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        along = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        lines.append(f'<way id="{way}" version="1">{along}{told}</way>')
    nodes = [f'<node id="{ref}" version="1" lat="{lat}" lon="{lon}"/>' for (lon, lat), ref in number.items()]
    return f'<?xml version="1.0"?><osm version="0.6" generator="by hand">{"".join(nodes)}{"".join(lines)}</osm>'


def town_ways() -> list[tuple[list[Point], dict[str, str]]]:
    """Streets 0 to 10 eastward and 0 to 4 north of the corner; beyond a river those from 6 to 10, by one bridge at 0.

    A path leads on from the south-east corner; an island north has a road of 1 km and a ferry, another one no road.
    """
    ways: list[tuple[list[Point], dict[str, str]]] = []
    for south, north in ((0, 4), (6, 10)):
        for row in range(south, north + 1):
            ways.append(([at(east, row) for east in range(11)], {"highway": "residential", "name": f"row {row}"}))
        for column in range(11):
            ways.append(([at(column, row) for row in range(south, north + 1)], {"highway": "residential"}))
    ways.append(([at(0, 4), at(0, 5), at(0, 6)], {"highway": "tertiary", "bridge": "yes"}))
    ways.append(([at(10, 0), at(12, 0), at(20, 0)], {"highway": "path"}))
    ways.append(([at(10, 10), at(10, 30)], {"route": "ferry", "duration": "0:15"}))
    ways.append(([at(10, 30), at(15, 30), at(20, 30)], {"highway": "unclassified"}))
    ways.append(([at(4.5, 3.4), at(4.5, 3.6)], {"highway": "service", "access": "private"}))
    ways.append(([at(50, 50), at(60, 50)], {"building": "yes"}))
    return ways


def write_extract(path: Path, xml: str, dated: str = DATED) -> Path:
    """The ways as a file of the ending that the path has, by libosmium itself."""
    import osmium

    source = path.with_name(path.name + ".source.osm")
    source.write_text(xml, "utf-8")
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", dated)
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for one in osmium.FileProcessor(str(source)):
            writer.add(one)
    source.unlink()
    return path


def positions(places: Sequence[Point]) -> np.ndarray:
    """Places in streets as longitudes and latitudes, (n, 2)."""
    return np.array([at(*place) for place in places], np.float64).reshape(-1, 2)
