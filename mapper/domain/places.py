"""Places: units of a boundary set, how a point fell into one, and names that people spell in several ways.

A code identifies a unit and a name is only shown. Levels are words of the data ("commune", "district"),
not of the program.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from mapper.domain.people import Point


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of one boundary set; codes are strings and keep their leading zeros.

    parent_code: the unit one level up, None at the top. Codes are unique within a level of a set.
    """

    code: str
    name: str
    level: str
    parent_code: str | None = None


@dataclass(frozen=True, slots=True)
class UnitShape:
    """A unit with its outline: MultiPolygon as WKB, EPSG:4326, x = longitude.

    bbox: west, south, east, north in degrees. centre: longitude, latitude of a point inside the outline.
    """

    unit: Unit
    wkb: bytes
    area_km2: float
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]


class Placement(StrEnum):
    """What came of looking for the unit of a household's point.

    INSIDE one unit; BORDER: exactly on an outline, the lowest code of the touching units was taken; OUTSIDE
    every unit; NO_POINT: none given, or the 0 0 that a device writes when it has none; POOR_ACCURACY: less
    exact than the campaign allows, so not used; OUT_OF_RANGE: no position on this earth.
    """

    INSIDE = "inside"
    BORDER = "border"
    OUTSIDE = "outside"
    NO_POINT = "no_point"
    POOR_ACCURACY = "poor_accuracy"
    OUT_OF_RANGE = "out_of_range"


USABLE = "usable"
"""What is kept of a household's point that is good enough to place it, where else the Placement tells why not."""


def point_fault(point: Point | None, accuracy_limit_m: float | None = None) -> Placement | None:
    """Why a point cannot be looked up in a boundary set, or None where it can.

    accuracy_limit_m: a point with a larger accuracy figure is not used; a point without a figure is.
    """
    if point is None:
        return Placement.NO_POINT
    if not (math.isfinite(point.lat) and math.isfinite(point.lon) and abs(point.lat) <= 90 and abs(point.lon) <= 180):
        return Placement.OUT_OF_RANGE
    if point.lat == 0 and point.lon == 0:
        return Placement.NO_POINT
    # "not <=" so that an accuracy of NaN counts as poor
    if accuracy_limit_m is not None and point.accuracy_m is not None and not point.accuracy_m <= accuracy_limit_m:
        return Placement.POOR_ACCURACY
    return None


# grave, acute, hook above, tilde, dot below: the marks that say a tone. The others (circumflex, breve, horn)
# make another letter and stay where they are.
_TONES = frozenset("\u0300\u0301\u0309\u0303\u0323")
_SYLLABLE = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")


def name_key(name: str) -> str:
    """A name as it compares: Hoà and Hòa, composed and decomposed, upper and lower case are the same.

    A Vietnamese syllable carries one tone, so where in the syllable its mark is written says nothing: the
    mark moves to the syllable's end. Runs of white space count as one blank.
    """
    text = unicodedata.normalize("NFD", " ".join(name.split()).casefold())

    def tone_last(match: re.Match[str]) -> str:
        letters = "".join(c for c in match[0] if c not in _TONES)
        return letters + "".join(sorted(c for c in match[0] if c in _TONES))

    return _SYLLABLE.sub(tone_last, text)


def same_name(one: str, other: str) -> bool:
    """Whether two names differ at most in tone placement, Unicode form, case or blanks."""
    return name_key(one) == name_key(other)


def order_key(name: str) -> tuple[str, str]:
    """Where a name stands in a list: by its letters, Đ behind D, hats and tones only among names alike without them."""
    bare = "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))
    return " ".join(bare.split()).replace("đ", "d\U0010ffff"), name_key(name)


def fold(text: str) -> str:
    """Text without accents, for searching: "Nguyễn Văn Đức" and "nguyen van duc" fold to the same."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.replace("đ", "d").split())
