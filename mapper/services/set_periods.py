"""Periods of boundary sets: two that hold on the same days and the same ground, and sets that do not follow closely."""

from __future__ import annotations

from itertools import combinations

from mapper.domain.people import Finding
from mapper.domain.succession import Period, follows, shown_day
from mapper.errors import InvalidBoundaries, mark
from mapper.services.reference import Known, PlaceSet, Reference

LOOKED_AT = 60
"""Units of a set that are looked for in another, spread evenly over its list."""


def period(places: PlaceSet) -> Period:
    """The days of a set."""
    about = places.about
    return Period(about.label, about.valid_from, about.valid_to)


def side_by_side(known: Known) -> list[tuple[str, str, Finding]]:
    """Every two sets that hold on the same days and the same ground, so that a day alone says not which is meant."""
    found = []
    for one, other in combinations(sorted(known.sets.values(), key=lambda each: each.id), 2):
        if period(one).meets(period(other)) and _same_ground(one, other):
            found.append((one.id, other.id, _together(one, other)))
    return found


def beside(reference: Reference, set_id: str) -> list[Finding]:
    """The same of one set, as it is told when that is imported."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    return [finding for one, other, finding in side_by_side(known) if set_id in (one, other)]


def closely(old: PlaceSet, new: PlaceSet) -> list[Finding]:
    """What is wrong with the days of a set and of the one after it, a turned order told as a finding too."""
    try:
        return follows(period(old), period(new))
    except InvalidBoundaries as turned:
        return [Finding("period_turned", turned.message, tuple((k, str(v)) for k, v in turned.facts.items()))]


def _together(one: PlaceSet, other: PlaceSet) -> Finding:
    begins = [each for each in (one.about.valid_from, other.about.valid_from) if each]
    ends = [each for each in (one.about.valid_to, other.about.valid_to) if each]
    facts = (
        ("one", one.about.label),
        ("other", other.about.label),
        ("begin", shown_day(max(begins)) if begins else "…"),
        ("end", shown_day(min(ends)) if ends else "…"),
    )
    words = mark(
        "{one} and {other} hold on the same ground and the same days ({begin} – {end}), so that a day alone does not "
        "say which is meant. Withdraw one of them, or import it again with its own period."
    )
    return Finding("same_period", words, facts)


def _same_ground(one: PlaceSet, other: PlaceSet) -> bool:
    """Whether a middle of some of one's units lies in a unit of the other."""
    west, south, east, north = one.bounds
    w, s, e, n = other.bounds
    if w > east or e < west or s > north or n < south:
        return False
    for asked, holding in ((one, other), (other, one)):
        units = asked.at_level(asked.leaf)
        for unit in units[:: max(1, len(units) // LOOKED_AT)]:
            left, bottom, right, top = unit.bounds
            lon, lat = (left + right) / 2, (bottom + top) / 2
            # A unit's middle may lie outside of it, and of its whole set.
            if asked.placer.place_one(lon, lat)[0] is not None and holding.placer.place_one(lon, lat)[0] is not None:
                return True
    return False
