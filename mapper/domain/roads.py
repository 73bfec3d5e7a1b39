"""What the tags of a way of OpenStreetMap say about going along it: who may, in which direction, how fast.

Meaning of the tags: the keys highway, access, oneway, maxspeed, route and duration of the OpenStreetMap wiki.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

METRES_PER_KM = 1000.0
KMH_PER_MPH = 1.609344


class Vehicle(StrEnum):
    """What a team goes by. A motorbike also takes paths, and bridges too narrow for a car."""

    CAR = "car"
    MOTORBIKE = "motorbike"


ROAD_KMH: Mapping[str, float] = {
    "motorway": 80.0,
    "trunk": 60.0,
    "primary": 50.0,
    "secondary": 40.0,
    "tertiary": 35.0,
    "unclassified": 25.0,
    "residential": 20.0,
    "road": 20.0,
    "service": 15.0,
    "living_street": 10.0,
    "track": 10.0,
}
"""Speed on an open road of each class, for a vehicle with a load on country roads: chosen with care, not measured."""

PATH_KMH = 10.0
"""Of a motorbike on a path."""

FERRY_KMH = 5.0
"""Of a ferry whose crossing nobody timed, waiting included; as the car profile of OSRM has it."""

_PATHS = frozenset({"path", "footway", "bridleway", "cycleway", "pedestrian"})
_ON_FOOT_ONLY = frozenset({"steps", "corridor", "platform"})
_NOT_ON_FOOT = frozenset({"motorway"})
_FORBIDDEN = frozenset({"no", "private", "agricultural", "forestry", "use_sidepath"})
_ROUND = frozenset({"roundabout", "circular"})
_ONE_WAY: Mapping[str, int] = {"yes": 1, "true": 1, "1": 1, "-1": -1, "reverse": -1}
_WORDS_KMH: Mapping[str, float] = {"walk": 5.0, "VN:urban": 50.0, "VN:rural": 80.0}
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(km/?h|kph|mph)?$")
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?$")
_PERIOD = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$")


@dataclass(frozen=True, slots=True)
class Passage:
    """Who may go along a way. forward, backward: whether vehicles may, as it is drawn and against it.

    kmh: of vehicles. minutes: that the whole of it takes, as for a ferry that was timed; None where the speed says.
    People on foot go both ways. ferry: nobody lives along it.
    """

    on_foot: bool
    by_car: bool
    by_motorbike: bool
    forward: bool
    backward: bool
    kmh: float
    minutes: float | None = None
    ferry: bool = False


def passage(tags: Mapping[str, str]) -> Passage | None:
    """What tags say; None for what is no way, or one that nobody may use.

    A limit lowers the speed of a road's class and never raises it. Nobody walks on a ferry, so that an island is
    within nobody's walk; vehicles take it.
    """
    if tags.get("route") == "ferry":
        return _ferry(tags)
    highway = tags.get("highway", "")
    kind = highway.removesuffix("_link")
    on_road, on_path = kind in ROAD_KMH, kind in _PATHS
    if not (on_road or on_path or kind in _ON_FOOT_ONLY):
        return None
    plane = tags.get("area") == "yes"
    on_foot = kind not in _NOT_ON_FOOT and _may(tags, True, "foot", "access", private=True)
    by_car = on_road and not plane and _may(tags, True, "motorcar", "motor_vehicle", "vehicle", "access")
    rides = (on_road or on_path) and not plane
    by_motorbike = rides and _may(tags, True, "motorcycle", "motor_vehicle", "vehicle", "access")
    if not (on_foot or by_car or by_motorbike):
        return None
    kmh = ROAD_KMH.get(kind, PATH_KMH) * (0.5 if highway.endswith("_link") else 1.0)
    limit = _limit(tags.get("maxspeed", ""))
    one_way = _one_way(tags, kind)
    return Passage(on_foot, by_car, by_motorbike, one_way >= 0, one_way <= 0, kmh if limit is None else min(kmh, limit))


def _ferry(tags: Mapping[str, str]) -> Passage | None:
    by_car = _may(tags, True, "motorcar", "motor_vehicle", "vehicle", "access")
    by_motorbike = _may(tags, True, "motorcycle", "motor_vehicle", "vehicle", "access")
    if not (by_car or by_motorbike):
        return None
    one_way = _ONE_WAY.get(tags.get("oneway", ""), 0)
    minutes = _minutes(tags.get("duration", ""))
    return Passage(False, by_car, by_motorbike, one_way >= 0, one_way <= 0, FERRY_KMH, minutes, ferry=True)


def _may(tags: Mapping[str, str], otherwise: bool, *keys: str, private: bool = False) -> bool:
    """By the first of the keys that is told: the narrower comes first. private: whether who lives there is meant."""
    for key in keys:
        if told := tags.get(key):
            return told not in _FORBIDDEN or (private and told not in ("no", "use_sidepath"))
    return otherwise


def _one_way(tags: Mapping[str, str], kind: str) -> int:
    """1 as it is drawn, -1 against it, 0 both ways."""
    told = tags.get("oneway", "")
    if told in _ONE_WAY:
        return _ONE_WAY[told]
    return 1 if not told and (kind == "motorway" or tags.get("junction") in _ROUND) else 0


def _limit(told: str) -> float | None:
    """A speed limit in km/h; None where none is told, or none that can be read."""
    first = told.split(";")[0].strip()
    if first in _WORDS_KMH:
        return _WORDS_KMH[first]
    if (found := _SPEED.match(first)) is None or not float(found[1]):
        return None
    return float(found[1]) * (KMH_PER_MPH if found[2] == "mph" else 1.0)


def _minutes(told: str) -> float | None:
    """A duration such as 0:20, 00:20:00, PT20M or 20 (minutes)."""
    text = told.strip()
    if text.isascii() and text.isdecimal():
        total = float(text)
    elif found := _CLOCK.match(text) or (_PERIOD.match(text) if text != "PT" else None):
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        total = 60 * hours + minutes + seconds / 60
    else:
        return None
    return total or None
