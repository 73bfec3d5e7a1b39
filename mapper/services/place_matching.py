"""Which unit of a boundary set a row or a person names: one service for every upload, form and command.

Found it is by its code, else by its name in any spelling; what may be several units, or contradicts itself, is told
back with the units that may be meant and the cure, and never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mapper.domain.people import Finding
from mapper.errors import InvalidInput, mark
from mapper.linkage.gazetteer import Gazetteer, How, Key, Match, NamedPlace, Told
from mapper.services.reference import PlaceSet

MOST_NAMED = 5
"""Units named in one sentence; of more their number is told."""

_MOST_KEPT = 8
_kept: dict[int, tuple[Mapping[Key, Any], Gazetteer]] = {}


def names_of(places: PlaceSet) -> Gazetteer:
    """The units of a set by what they are called; the last ones asked for are kept in this process."""
    kept = _kept.get(id(places.units))
    if kept is not None and kept[0] is places.units:
        return kept[1]
    found = Gazetteer(named(places))
    if len(_kept) >= _MOST_KEPT:
        _kept.pop(next(iter(_kept)), None)
    _kept[id(places.units)] = (places.units, found)
    return found


def named(places: PlaceSet) -> list[NamedPlace]:
    """Every unit of a set with those around it."""
    return [
        NamedPlace(level, code, unit.name, around(places, level, code)) for (level, code), unit in places.units.items()
    ]


def around(places: PlaceSet, level: str, code: str) -> tuple[tuple[str, str, str], ...]:
    """(level, code, name) of the units around one of a set, the innermost first; none beyond one whose parent is
    missing."""
    found = []
    at = places.about.levels.index(level)
    unit = places.units.get((level, code))
    while at > 0 and unit is not None and unit.parent_code is not None:
        at -= 1
        unit = places.units.get((places.about.levels[at], unit.parent_code))
        if unit is not None:
            found.append((unit.level, unit.code, unit.name))
    return tuple(found)


def match(
    places: PlaceSet,
    told: Told,
    levels: Collection[str] | None = None,
    own: Collection[str] | None = None,
) -> Match:
    """The unit of a set that is told. levels: those it may be of, None for the innermost one. own: codes of those among
    which a name is looked for first, elsewhere where none of them fits; None for all. What follows a comma in the name
    is told of the units around it, as in "Xã Hà Vị, huyện Bạch Thông"."""
    wanted = (places.leaf,) if levels is None else levels
    keys = None if own is None else {(level, code) for level in wanted for code in own}
    name, *outer = (part.strip() for part in told.name.split(","))
    if outer and name:
        told = Told(told.code, name, (*told.around, *(("", part) for part in outer if part)))
    return names_of(places).match(told, wanted, keys)


def found_by_name(places: Mapping[str, str], written: str) -> str:
    """The code of one of some units that somebody wrote by code or name. places: names by code.

    Raises InvalidInput, which names those that may be meant.
    """
    few = Gazetteer([NamedPlace("", code, name) for code, name in places.items()])
    found = few.match(Told(code=written))
    if found.place is None:
        found = few.match(Told(name=written))
    if found.place is None:
        message, facts = why_not(found, Told(name=written))
        raise InvalidInput(message, **facts)
    return found.place.code


def filled_up(matches: Sequence[tuple[Match, str]]) -> list[Finding]:
    """What is told of codes whose leading zeros were lost and put back; empty where there are none.

    matches: with the code that was written.
    """
    lost = [(code, found.place.code) for found, code in matches if found.how is How.FILLED and found.place is not None]
    if not lost:
        return []
    message = mark("{count} codes had lost their leading zeros: {example} was taken as {code}.")
    facts = (("count", str(len(lost))), ("example", lost[0][0]), ("code", lost[0][1]))
    return [Finding("codes_lost_zeros", message, facts)]


def why_not(found: Match, told: Told) -> tuple[str, dict[str, object]]:
    """Why no unit was found and what cures it: a sentence, to stand alone or behind a row's number, with its facts."""
    listed = words_for(found.candidates)
    if found.how is How.SEVERAL:
        return (
            mark("{name} may be one of {number} places: {places}. Give the code."),
            {"name": found.told[:60], "number": len(found.candidates), "places": listed},
        )
    if found.how is How.OTHER:
        return (
            mark(
                "the code {code} is that of {place} here, which does not go with {name}. Correct the code, or leave it "
                "or the name empty."
            ),
            {"code": told.code[:40], "place": words_for(found.candidates[:1]), "name": found.told[:60] or "–"},
        )
    if found.how is How.AROUND:
        return (
            mark("there is no {name} here in which the place could lie. Correct it, or leave it empty."),
            {"name": found.told[:60]},
        )
    if told.code:
        return (
            mark("the boundary set has no unit of the code {code}. Correct it, or leave it empty."),
            {"code": told.code[:40]},
        )
    if found.candidates:
        return (
            mark("there is no {name} here. Is one of these meant: {places}? Write its name, or its code."),
            {"name": told.name[:60] or "–", "places": listed},
        )
    return mark("there is no {name} here. Correct the name, or give the code."), {"name": told.name[:60] or "–"}


def words_for(several: Sequence[NamedPlace]) -> str:
    """Places with what is around them and their codes, as a sentence names them; dots where there are more."""
    told = [
        ", ".join((place.name, *(name for _, _, name in place.around))) + f" ({place.code})"
        for place in several[:MOST_NAMED]
    ]
    return "; ".join([*told, *(["…"] if len(several) > MOST_NAMED else [])])
