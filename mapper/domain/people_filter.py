"""One filter over the people of the register: the same for page, count, map, API and export, and all in its address.

Every criterion narrows; several values of one criterion widen it. What is left out asks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import TypeVar

from mapper.domain.ledger import State
from mapper.domain.places import fold
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, mark

LONGEST_TEXT = 200
MOST_VALUES = 200
MOST_CORNERS = 500
OLDEST = 150

Corners = tuple[tuple[float, float], ...]
"""A drawn polygon: latitude and longitude of each corner, degrees; the last is joined to the first."""


Word = TypeVar("Word", bound=StrEnum)


class Entering(StrEnum):
    """What somebody comes into between two days."""

    GROUP = "group"
    DUE = "due"


class Obstacle(StrEnum):
    """What a person told that keeps them from a dose, each with reasons of its own."""

    CONTRAINDICATED = "contraindicated"
    DEFERRED = "deferred"
    REFUSED = "refused"
    AWAY = "away"


Reason = tuple[Obstacle, str | None]
"""An obstacle and the reason told with it; "" for whoever told none, None for any."""


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Who is wanted.

    text: words of a name in any order and without accents, digits of a phone, or a year of birth; all must be found.
    areas: of the boundary set asked about, ``level:code`` each. within: inside a drawn polygon. age_from, age_to: full
    years on the day asked about. states: where people stand for the group and dose asked about; group alone: members
    of it. given, vaccines, lots, given_from, given_to: facts of one and the same dose that a person has. entering:
    whoever comes into the group, or becomes due for its dose, between two days, both taken in. senders: ids of users.
    reviews: as supervisors set them, "" where nobody looked yet. invited_from, invited_to, invited_sites: whom a plan
    in use asks to come between two days, to any of these sites by their codes. Days include both ends.
    """

    text: str = ""
    areas: tuple[str, ...] = ()
    within: Corners = ()
    group: str = ""
    dose: str = ""
    states: frozenset[State] = frozenset()
    age_from: int | None = None
    age_to: int | None = None
    sexes: tuple[str, ...] = ()
    residences: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    vaccines: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    given_from: date | None = None
    given_to: date | None = None
    entering: Entering | None = None
    entering_from: date | None = None
    entering_to: date | None = None
    reasons: tuple[Reason, ...] = ()
    outcomes: tuple[str, ...] = ()
    senders: tuple[int, ...] = ()
    reviews: tuple[str, ...] = ()
    visited_from: date | None = None
    visited_to: date | None = None
    invited_from: date | None = None
    invited_to: date | None = None
    invited_sites: tuple[str, ...] = ()

    @property
    def asks_invited(self) -> bool:
        """Whether it asks for an invitation of a plan in use."""
        return bool(self.invited_from or self.invited_to or self.invited_sites)

    @property
    def asks_dose(self) -> bool:
        """Whether it asks for a dose that people have."""
        return bool(self.given or self.vaccines or self.lots or self.given_from or self.given_to)

    @property
    def is_empty(self) -> bool:
        """Whether everybody is wanted."""
        return self == PeopleFilter()

    def address(self) -> list[tuple[str, str]]:
        """Names and values of an address that reads back as this filter, always in the same order."""
        found: list[tuple[str, str]] = []
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "within":
                found += [(one.name, ",".join(f"{lat:.6f} {lon:.6f}" for lat, lon in value))] if value else []
            elif one.name == "reasons":
                found += [(one.name, obstacle if told is None else f"{obstacle}:{told}") for obstacle, told in value]
            elif isinstance(value, tuple | frozenset):
                found += [(one.name, str(each)) for each in (sorted(value) if one.name == "states" else value)]
            elif value is not None and value != "":
                found.append((one.name, value.isoformat() if isinstance(value, date) else str(value)))
        return found


_TELEPHONE = re.compile(r"(?<!\S)\+?\d[\d .()-]{7,}\d(?!\S)")
"""What looks like a whole number of a telephone, in whatever groups it is written."""


def phone_digits(text: str) -> str:
    """The digits of a phone's number, or of a part, as it is dialled at home: +84 912 is 0912."""
    digits = re.sub(r"\D", "", text)
    if digits.startswith("0084"):
        digits = digits[2:]
    abroad = digits.startswith("84") and (text.lstrip().startswith(("+", "00")) or len(digits) == 11)
    return f"0{digits[2:]}" if abroad else digits


def search_words(text: str) -> list[str]:
    """The words of free text, without accents; a whole telephone number is one word however it is grouped."""

    def joined(match: re.Match[str]) -> str:
        digits = phone_digits(match[0])
        return digits if digits.startswith("0") and len(digits) in (10, 11) else match[0]

    return _TELEPHONE.sub(joined, fold(text)).split()


NAMES = frozenset(one.name for one in fields(PeopleFilter))
"""What an address may name."""

_PERIODS = tuple((f"{name}_from", f"{name}_to") for name in ("given", "entering", "visited", "invited"))
_DAYS = tuple(name for period in _PERIODS for name in period)
_WORDS = (
    *("areas", "sexes", "residences", "priorities", "given", "vaccines", "lots", "outcomes", "reviews"),
    "invited_sites",
)


def read_filter(values: Mapping[str, Sequence[str]]) -> PeopleFilter:
    """The filter that the values of an address tell; names that are none of a filter's are passed over.

    A value left empty asks nothing, as an empty field of a form does, but for ``reviews``. Raises InvalidInput, which
    names the field and the cure.
    """

    def one(name: str) -> str:
        return next((text for each in values.get(name, ()) if (text := each.strip())), "")

    def several(name: str) -> tuple[str, ...]:
        found = dict.fromkeys(each.strip() for each in values.get(name, ()))
        if len(found) > MOST_VALUES or any(len(each) > LONGEST_TEXT for each in found):
            raise _unusable(name, f"{len(found)} ×")
        return tuple(each for each in found if each or name == "reviews")

    text = one("text")
    if len(text) > LONGEST_TEXT:
        raise _unusable("text", text)
    days = {name: _day(name, one(name)) for name in _DAYS}
    for first, last in _PERIODS:
        start, end = days[first], days[last]
        if start is not None and end is not None and start > end:
            raise InvalidInput(
                mark("The filter's period {first} to {last} ends before it begins. Exchange the two days."),
                first=start,
                last=end,
            )
    entering = one("entering")
    found = PeopleFilter(
        text=" ".join(text.split()),
        within=_corners(one("within")),
        group=one("group")[:LONGEST_TEXT],
        dose=one("dose")[:LONGEST_TEXT],
        states=frozenset(_word("states", each, State) for each in several("states")),
        age_from=_number("age_from", one("age_from")),
        age_to=_number("age_to", one("age_to")),
        entering=_word("entering", entering, Entering) if entering else None,
        reasons=tuple(_reason(each) for each in several("reasons")),
        senders=tuple(number for each in several("senders") if (number := _number("senders", each, 2**31)) is not None),
        **{name: several(name) for name in _WORDS},  # type: ignore[arg-type]
        **days,  # type: ignore[arg-type]
    )
    _check(found)
    return found


def _check(found: PeopleFilter) -> None:
    if found.age_from is not None and found.age_to is not None and found.age_from > found.age_to:
        raise InvalidInput(
            mark("The filter's ages {first} to {last} leave nobody. Exchange the two."),
            first=found.age_from,
            last=found.age_to,
        )
    if found.states and not (found.group and found.dose):
        raise InvalidInput(mark("Where people stand is asked for a group and a dose. Choose both, or no state."))
    if found.entering and not (found.group and (found.dose or found.entering is Entering.GROUP)):
        raise InvalidInput(mark("Who becomes due is asked for a group and a dose. Choose both."))
    if found.entering and not (found.entering_from and found.entering_to):
        raise InvalidInput(mark("Who becomes due is asked between two days. Give the first and the last."))


def _unusable(name: str, value: str) -> InvalidInput:
    return InvalidInput(
        mark("The filter cannot use {value} for {name}. Choose it anew on the page."), name=name, value=value[:60]
    )


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unusable(name, text) from None


def _number(name: str, text: str, most: int = OLDEST) -> int | None:
    if not text:
        return None
    number = whole(text, most)
    if number is None:
        raise _unusable(name, text)
    return number


def _word(name: str, text: str, words: type[Word]) -> Word:
    try:
        return words(text)
    except ValueError:
        raise _unusable(name, text) from None


def _reason(text: str) -> Reason:
    obstacle, colon, told = text.partition(":")
    return _word("reasons", obstacle, Obstacle), told if colon else None


_CORNER = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?) (-?\d{1,3}(?:\.\d+)?)\s*")


def _corners(text: str) -> Corners:
    if not text:
        return ()
    found = []
    for part in text.split(",")[: MOST_CORNERS + 1]:
        corner = _CORNER.fullmatch(part)
        lat, lon = (float(corner[1]), float(corner[2])) if corner else (999.0, 999.0)
        if abs(lat) > 90 or abs(lon) > 180:
            raise _unusable("within", part)
        found.append((lat, lon))
    if not 3 <= len(found) <= MOST_CORNERS:
        raise InvalidInput(mark("An area drawn on the map has three corners or more. Draw it again."))
    return tuple(found)
