"""Sites and ways of teams as files for maps and phones: GeoJSON (RFC 7946), KML 2.2 and GPX 1.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

KML, GPX = "http://www.opengis.net/kml/2.2", "http://www.topografix.com/GPX/1/1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

Spot = tuple[float, float]
"""Longitude and latitude on WGS 84, degrees, as GeoJSON has them."""

Facts = dict[str, str | int | float | list[dict[str, str | int]]]


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A place. kind: for programs; text: below its name, for people; facts: for programs."""

    kind: str
    name: str
    at: Spot
    text: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MapStop:
    """A stop of a way. begin, end: moments with their zone."""

    name: str
    at: Spot
    text: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class MapWay:
    """A team's day. path: the way itself, of two spots or more, else empty."""

    name: str
    text: str
    path: tuple[Spot, ...]
    stops: tuple[MapStop, ...]
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanMap:
    """A plan. about: who made it, when, whether invented. headings: of sites, and of people without a place."""

    name: str
    about: str
    moment: datetime
    sites: tuple[MapPoint, ...]
    ways: tuple[MapWay, ...]
    unserved: tuple[MapPoint, ...]
    headings: tuple[str, str]


def write_geojson(plan: PlanMap) -> bytes:
    """Points of sites and of people without a place, and a line a team and day."""
    features = [_feature(one.kind, "Point", _round(one.at), one.name, one.text, one.facts) for one in plan.sites]
    for way in plan.ways:
        if way.path:
            line = [_round(spot) for spot in way.path]
            features.append(_feature("way", "LineString", line, way.name, way.text, way.facts))
    features += [_feature(one.kind, "Point", _round(one.at), one.name, one.text, one.facts) for one in plan.unserved]
    whole = {"type": "FeatureCollection", "name": plan.name, "description": plan.about, "features": features}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _feature(kind: str, shape: str, coordinates: object, name: str, text: str, facts: Facts) -> dict[str, object]:
    told = {"kind": kind, "name": name, "description": text, **facts}
    return {"type": "Feature", "geometry": {"type": shape, "coordinates": coordinates}, "properties": told}


def _round(spot: Spot) -> list[float]:
    return [round(spot[0], 6), round(spot[1], 6)]


def write_kml(plan: PlanMap) -> bytes:
    """The same, with a folder a team and day that holds its stops."""
    root = etree.Element(f"{{{KML}}}kml", nsmap={None: KML})
    document = _child(root, KML, "Document")
    _child(document, KML, "name", plan.name)
    _child(document, KML, "description", plan.about)
    sites, unserved = plan.headings
    _folder(document, sites, plan.sites)
    for way in plan.ways:
        folder = _child(document, KML, "Folder")
        _child(folder, KML, "name", way.name)
        _child(folder, KML, "description", way.text)
        for stop in way.stops:
            mark = _placemark(folder, stop.name, stop.text)
            span = _child(mark, KML, "TimeSpan")
            _child(span, KML, "begin", stop.begin.isoformat())
            _child(span, KML, "end", stop.end.isoformat())
            _point(mark, stop.at)
        if way.path:
            line = _child(_placemark(folder, way.name, way.text), KML, "LineString")
            _child(line, KML, "tessellate", "1")
            _child(line, KML, "coordinates", " ".join(_lon_lat(spot) for spot in way.path))
    _folder(document, unserved, plan.unserved)
    return _xml(root)


def _folder(document: etree._Element, name: str, points: Sequence[MapPoint]) -> None:
    if not points:
        return
    folder = _child(document, KML, "Folder")
    _child(folder, KML, "name", name)
    for one in points:
        _point(_placemark(folder, one.name, one.text), one.at)


def _placemark(folder: etree._Element, name: str, text: str) -> etree._Element:
    mark = _child(folder, KML, "Placemark")
    _child(mark, KML, "name", name)
    _child(mark, KML, "description", text)
    return mark


def _point(mark: etree._Element, at: Spot) -> None:
    _child(_child(mark, KML, "Point"), KML, "coordinates", _lon_lat(at))


def _lon_lat(spot: Spot) -> str:
    return f"{spot[0]:.6f},{spot[1]:.6f}"


def write_gpx(plan: PlanMap) -> bytes:
    """The stops as waypoints with the moments at which they begin, and a route a team and day.

    Elements stand in the order that the schema asks for.
    """
    root = etree.Element(f"{{{GPX}}}gpx", nsmap={None: GPX, "xsi": XSI}, version="1.1", creator="Tung Nha")
    root.set(f"{{{XSI}}}schemaLocation", f"{GPX} {GPX}/gpx.xsd")
    about = _child(root, GPX, "metadata")
    _child(about, GPX, "name", plan.name)
    _child(about, GPX, "desc", plan.about)
    _child(about, GPX, "time", _moment(plan.moment))
    stops = [(way, stop) for way in plan.ways for stop in way.stops]
    for way, stop in stops:
        _waypoint(root, "wpt", stop.at, f"{way.name} · {stop.name}", stop.text, stop.begin)
    for site in plan.sites if not stops else ():
        _waypoint(root, "wpt", site.at, site.name, site.text)
    for number, way in enumerate(plan.ways, 1):
        route = _child(root, GPX, "rte")
        _child(route, GPX, "name", way.name)
        _child(route, GPX, "desc", way.text)
        _child(route, GPX, "number", str(number))
        for stop in way.stops:
            _waypoint(route, "rtept", stop.at, stop.name, stop.text, stop.begin)
    for way in plan.ways:
        if way.path:
            track = _child(root, GPX, "trk")
            _child(track, GPX, "name", way.name)
            segment = _child(track, GPX, "trkseg")
            for lon, lat in way.path:
                etree.SubElement(segment, f"{{{GPX}}}trkpt", lat=f"{lat:.6f}", lon=f"{lon:.6f}")
    return _xml(root)


def _waypoint(parent: etree._Element, tag: str, at: Spot, name: str, text: str, begin: datetime | None = None) -> None:
    point = etree.SubElement(parent, f"{{{GPX}}}{tag}", lat=f"{at[1]:.6f}", lon=f"{at[0]:.6f}")
    if begin is not None:
        _child(point, GPX, "time", _moment(begin))
    _child(point, GPX, "name", name)
    if text:
        _child(point, GPX, "desc", text)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _child(parent: etree._Element, space: str, tag: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{space}}}{tag}")
    if text is not None:
        made.text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text).strip()
    return made


def _xml(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
