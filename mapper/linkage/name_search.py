"""Places whose names begin as somebody types, best first: for a field to search in, where a person chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from mapper.domain.place_names import lacks_marks, readings, respelled, unmarked, words_of
from mapper.domain.places import order_key
from mapper.domain.walk import number_key
from mapper.linkage.gazetteer import NamedPlace

CODE, SPELLED, LACKING, OTHER_MARKS, BEGUN, WITHIN, AROUND, NEAR = range(8)
"""How well a place fits, the best first: its code; its name as spelled, with marks left out, or with other marks; a
name that begins so, or one of whose words does; words of the name and of what is around it; nothing but likeness."""


MOST_WEIGHED = 1000
"""Places looked at closely; what is typed so far may be the beginning of a whole country's."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A place and how well it fits."""

    rank: int
    place: NamedPlace


def _order(hit: Hit) -> tuple[object, ...]:
    """The best first, larger units before those within, Phường 2 before Phường 10."""
    name = hit.place.name
    return hit.rank, len(hit.place.around), number_key(order_key(name)[0]), order_key(name)


class NameSearch:
    """Places in the order in which they are to be offered where they fit alike."""

    def __init__(self, places: Sequence[NamedPlace]) -> None:
        self.places = tuple(places)
        self._words = [f" {words_of(place.name)}" for place in self.places]
        self._joined = [words.replace(" ", "") for words in self._words]
        self._around: dict[tuple[tuple[str, str, str], ...], str] = {}

    def find(self, typed: str, most: int, fits: Callable[[NamedPlace], bool] = lambda place: True) -> list[Hit]:
        """At most so many places, the best first; by name where they fit alike."""
        ways = respelled(typed)
        if not ways:
            return []
        needles = [f" {way}" for way in ways]
        joined = "".join(ways[0].split())
        code = typed.strip()
        fitting = [
            at
            for at, (words, place) in enumerate(zip(self._words, self.places, strict=True))
            if (any(each in words for each in needles) or place.code.startswith(code) or joined in self._joined[at])
            and fits(place)
        ]
        if len(fitting) > MOST_WEIGHED:
            # Of a letter or two: what is exactly that, or begins so, is short.
            fitting = nsmallest(
                MOST_WEIGHED, fitting, key=lambda at: (self.places[at].code != code, len(self._words[at]))
            )
        found = [
            Hit(rank, self.places[at]) for at in fitting if (rank := self._rank(at, typed, code, needles)) is not None
        ]
        found = found or self._by_words(ways[0].split(), fits)
        return sorted(found, key=_order)[:most]

    def _rank(self, at: int, typed: str, code: str, needles: Sequence[str]) -> int | None:
        place = self.places[at]
        if code == place.code:
            return CODE
        ours = [reading.form for reading in readings(place.name)]
        theirs = [
            one for one in readings(typed) if not one.word or any(one.word == our.word for our in readings(place.name))
        ]
        forms = [reading.form for reading in theirs]
        if any(form in ours for form in forms):
            return SPELLED
        if any(lacks_marks(form, our) for form in forms for our in ours):
            return LACKING
        bare = {unmarked(our) for our in ours}
        if any(unmarked(form) in bare for form in forms):
            return OTHER_MARKS
        if any(unmarked(our).startswith(unmarked(forms[0])) for our in ours) or place.code.startswith(code):
            return BEGUN
        return WITHIN if any(needle in self._words[at] for needle in needles) else None

    def _by_words(self, words: Sequence[str], fits: Callable[[NamedPlace], bool]) -> list[Hit]:
        """Places that have the first word, and all the others in their names or around them; the last one begun."""
        found = []
        for own, place in zip(self._words, self.places, strict=True):
            if f" {words[0]} " in f"{own} ":
                everything = f"{own}{self._around_of(place)} "
                whole = all(f" {word} " in everything for word in words[:-1])
                if whole and f" {words[-1]}" in everything and fits(place):
                    found.append(Hit(AROUND, place))
        return found

    def _around_of(self, place: NamedPlace) -> str:
        if place.around not in self._around:
            self._around[place.around] = "".join(f" {words_of(name)}" for _, _, name in place.around)
        return self._around[place.around]
