"""Which place a code and a name mean: one that is found, several that may be meant, or none and those that are near.

A code comes first, then a name within the places around it that were told, then a name alone. Nothing is guessed: what
fits several places, and a code that is another place's than the name, is for whoever wrote it to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process

from mapper.domain.place_names import Reading, lacks_marks, readings, unmarked, words_of

NEAR = 70
"""From so much likeness on, of 100, a name without marks is offered in place of an unknown one."""

ALIKE = 85
"""From so much on it is the same name with a slip of the pen, where a code tells the place already."""

MOST_NEAR = 5

Key = tuple[str, str]
"""Level and code."""


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place of a set. around: (level, code, name) of the units around it, the innermost first."""

    level: str
    code: str
    name: str
    around: tuple[tuple[str, str, str], ...] = ()

    @property
    def key(self) -> Key:
        """Level and code."""
        return self.level, self.code


@dataclass(frozen=True, slots=True)
class Told:
    """What a row tells of a place. around: code and name, one of them may be empty, of each place around it."""

    code: str = ""
    name: str = ""
    around: tuple[tuple[str, str], ...] = ()


class How(StrEnum):
    """How a place was found, or why not.

    CODE; FILLED: by a code whose leading zeros were lost; NAME; UNMARKED: by a name that lacks some or all marks.
    SEVERAL places fit. OTHER: the code is that of a place with another name, or in another area, than told.
    AROUND: a place around it is unknown. UNKNOWN.
    """

    CODE = "code"
    FILLED = "filled"
    NAME = "name"
    UNMARKED = "unmarked"
    SEVERAL = "several"
    OTHER = "other"
    AROUND = "around"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Match:
    """What came of it. place: None unless found. candidates: those that fit, or are near. told: what failed of it."""

    how: How
    place: NamedPlace | None = None
    candidates: tuple[NamedPlace, ...] = ()
    told: str = ""


class Gazetteer:
    """Places of a set by what they are called, however that is written."""

    def __init__(self, places: Iterable[NamedPlace]) -> None:
        self.places = tuple(places)
        self._codes: dict[str, list[int]] = defaultdict(list)
        self._bare_codes: dict[str, list[int]] = defaultdict(list)
        self._whole: dict[str, list[int]] = defaultdict(list)
        self._apart: dict[Reading, list[int]] = defaultdict(list)
        self._cores: dict[str, list[int]] = defaultdict(list)
        self._bare: dict[str, list[tuple[Reading, bool, int]]] = defaultdict(list)
        self._near: dict[int, str] = {}
        self._words: dict[int, str] = {}
        for at, place in enumerate(self.places):
            self._codes[place.code].append(at)
            if place.code.isdecimal():
                self._bare_codes[place.code.lstrip("0")].append(at)
            ways = readings(place.name)
            for reading in ways:
                self._bare[unmarked(reading.form)].append((reading, len(ways) > 1, at))
                if not reading.word:
                    self._whole[reading.form].append(at)
                else:
                    self._apart[reading].append(at)
                    if not reading.numbered:
                        self._cores[reading.form].append(at)
            self._near[at] = unmarked(ways[-1].form) if ways else ""
            self._words[at] = words_of(place.name)

    def match(
        self,
        told: Told,
        levels: Collection[str] | None = None,
        own: Collection[Key] | None = None,
    ) -> Match:
        """The place that is meant. levels: those it may be of, None for all. own: names are looked for among these
        first, and elsewhere where none of them fits."""
        rings, unknown = self._rings(told.around)

        def fits(at: int) -> bool:
            place = self.places[at]
            return (levels is None or place.level in levels) and all(
                any((level, code) in ring for level, code, _ in place.around) for ring in rings
            )

        if told.code:
            return self._of_code(told, levels, fits, unknown)
        if not told.name:
            return Match(How.UNKNOWN)
        if unknown:
            return Match(How.AROUND, candidates=self._nearest(unknown, lambda at: True), told=unknown)
        return self._of_name(told.name, levels, fits, own)

    def _of_code(self, told: Told, levels: Collection[str] | None, fits: Callable[[int], bool], unknown: str) -> Match:
        def of_level(several: Sequence[int]) -> list[int]:
            return [at for at in several if levels is None or self.places[at].level in levels]

        how = How.CODE
        found = of_level(self._codes.get(told.code, ()))
        if not found and told.code.isdecimal() and told.code.isascii():
            how = How.FILLED
            found = of_level(self._bare_codes.get(told.code.lstrip("0"), ()))
        if not found:
            return Match(How.UNKNOWN, told=told.code)
        agreeing = [at for at in found if fits(at) and (not told.name or self._called(at, told.name))]
        if unknown and not told.name:
            agreeing = []
        if len(agreeing) == 1:
            return Match(how, self.places[agreeing[0]])
        if agreeing:
            return Match(How.SEVERAL, candidates=self._places(agreeing), told=told.code)
        named = self._named(told.name, fits) if told.name else []
        failed = told.name
        if not told.name or any(self._called(at, told.name) for at in found):
            failed = unknown or ", ".join(name or code for code, name in told.around)
        return Match(How.OTHER, candidates=self._places([*found, *named]), told=failed)

    def _of_name(
        self,
        name: str,
        levels: Collection[str] | None,
        fits: Callable[[int], bool],
        own: Collection[Key] | None,
    ) -> Match:
        found: list[int] = []
        if own is not None:
            found = self._named(name, lambda at: fits(at) and self.places[at].key in own)
        found = found or self._named(name, fits)
        if len(found) > 1:
            return Match(How.SEVERAL, candidates=self._places(found), told=name)
        if found:
            forms = {reading.form for reading in readings(self.places[found[0]].name)}
            exact = any(reading.form in forms for reading in readings(name))
            return Match(How.NAME if exact else How.UNMARKED, self.places[found[0]])

        def of_level(at: int) -> bool:
            return levels is None or self.places[at].level in levels

        near = self._nearest(name, fits) or self._nearest(name, of_level)
        return Match(How.UNKNOWN, candidates=near, told=name)

    def _named(self, name: str, fits: Callable[[int], bool]) -> list[int]:
        """Places of a name: written so; else without the unit word, or it stands with the name alone; else with marks
        left out. A name without any mark may always be one that has some."""
        ways = readings(name)
        if not ways:
            return []

        def those(*several: Iterable[int]) -> list[int]:
            return sorted({at for each in several for at in each if fits(at)})

        whole = ways[0].form
        if whole != unmarked(whole):
            found = those(self._whole.get(whole, ()))
            found = found or those(self._cores.get(whole, ()), *(self._apart.get(each, ()) for each in ways[1:]))
            found = found or those(*(self._alone(each) for each in ways[1:] if not each.numbered))
            if found:
                return found
        return those(
            at
            for typed in ways
            for reading, parted, at in self._bare.get(unmarked(typed.form), ())
            if lacks_marks(typed.form, reading.form) and _words_fit(typed, reading, parted)
        )

    def _alone(self, typed: Reading) -> Iterable[int]:
        """Places that are called so and have no unit word in their names."""
        return (at for at in self._whole.get(typed.form, ()) if len(readings(self.places[at].name)) == 1)

    def _called(self, at: int, name: str) -> bool:
        """Whether a place may be meant by a name, slips of the pen and words around the name included."""
        if self._named(name, lambda other: other == at):
            return True
        if self._words[at] and f" {self._words[at]} " in f" {words_of(name)} ":
            # As in "Trạm Y tế xã Hà Vị".
            return True
        ours = [unmarked(each.form) for each in readings(self.places[at].name)]
        theirs = [each for each in readings(name) if not each.numbered]
        if any(each.isdecimal() for each in self._near[at]) or not theirs:
            return False
        return any(fuzz.ratio(unmarked(each.form), one) >= ALIKE for each in theirs for one in ours)

    def _rings(self, around: Sequence[tuple[str, str]]) -> tuple[list[set[Key]], str]:
        """The places that each told place around may be, and the first of which none is known."""
        rings: list[set[Key]] = []
        unknown = ""
        for code, name in around:
            if not code and not name:
                continue
            several = self._codes.get(code) or self._bare_codes.get(code.lstrip("0")) if code else None
            found = several or (self._named(name, lambda at: True) if name else [])
            if found:
                rings.append({self.places[at].key for at in found})
            else:
                unknown = unknown or name or code
        return rings, unknown

    def _nearest(self, name: str, fits: Callable[[int], bool]) -> tuple[NamedPlace, ...]:
        ways = readings(name)
        if not ways:
            return ()
        offered = {at: form for at, form in self._near.items() if fits(at)}
        near = process.extract(unmarked(ways[-1].form), offered, scorer=fuzz.ratio, limit=MOST_NEAR, score_cutoff=NEAR)
        return self._places([at for _, _, at in near])

    def _places(self, several: Iterable[int]) -> tuple[NamedPlace, ...]:
        return tuple(self.places[at] for at in dict.fromkeys(several))


def _words_fit(typed: Reading, reading: Reading, parted: bool) -> bool:
    """Whether unit words agree, or one of the two names has none. parted: a unit word can be read in the place's."""
    if typed.word == reading.word:
        return True
    if not typed.word:
        return not reading.numbered
    return not reading.word and not parted and not typed.numbered
