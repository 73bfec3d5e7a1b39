"""Targets that were set for units of another boundary set, carried over to the units of this one by the people there.

A unit is to reach of its people what they were to reach where they lived before: so the numbers of people that targets
mean add up to the same over a province, whichever of its maps is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.ledger import ELIGIBLE, INSIDE
from mapper.domain.ranges import Leaf, OneOf
from mapper.domain.targets import Goal
from mapper.services.goals import Goals, goals
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import tallies
from mapper.store.database import Connection
from mapper.store.targets import Place

_ELIGIBLE = [INSIDE.index(state) for state in INSIDE if state in ELIGIBLE]
_Pairs = Mapping[tuple[Leaf, Leaf], int]


def goals_on(
    reference: Reference,
    connection: Connection,
    known: Known,
    places: PlaceSet,
    campaign: Campaign,
    group: Group,
    dose: ScheduledDose,
    day: date,
) -> Goals:
    """The goals of a group and a dose in a set on a day, with those carried over from another set.

    A target of the set's own goes first, also where it was set for a unit around. Otherwise a unit has the mean of what
    its eligible people were to reach in the other set, in the unit of the same level, or of the next one outwards that
    it has; its deadline is the earliest of theirs.
    """
    own = goals(known, places, campaign, group, dose)
    before = source_of(known, places, own.own)
    if before is None:
        return own
    series_id = known.series[campaign.id][campaign.series.index((group, dose))]
    pairs = _people(reference, connection, known, campaign, series_id, day, (before, places))
    own.carried = _carried(before, places, goals(known, before, campaign, group, dose), pairs)
    return own


def source_of(known: Known, places: PlaceSet, own: Mapping[Place, Goal]) -> PlaceSet | None:
    """The set whose targets are carried over: the next older one that has any, else the next newer one."""
    others = {place.set_id for place in own} - {places.id}
    found = [known.sets[set_id] for set_id in others if set_id in known.sets and not known.sets[set_id].about.trial]

    def begins(one: PlaceSet) -> tuple[date, str]:
        return one.about.valid_from or date.min, one.id

    older = [one for one in found if begins(one) < begins(places)]
    return max(older, key=begins) if older else min(found, key=begins, default=None)


def _people(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    series_id: int,
    day: date,
    sets: tuple[PlaceSet, PlaceSet],
) -> _Pairs:
    """Eligible people by where they are in both sets."""
    database, cells = reference.database, reference.cells(connection)
    houses = tallies.houses(database, connection, campaign.id, None)
    changes = {row[0]: row[-1] for row in houses if any(row[1:-1])}
    era, _ = tallies.version(database, connection)
    states = reference.states.on(database, connection, era, series_id, day.toordinal(), changes, everywhere=True)
    found: Counter[tuple[Leaf, Leaf]] = Counter()
    for cell_id, counts in states.items():
        before, now = (known.leaf(cells[cell_id], places) for places in sets)
        found[before, now] += sum(counts[at] for at in _ELIGIBLE)
    return found


def _carried(before: PlaceSet, places: PlaceSet, aims: Goals, pairs: _Pairs) -> dict[tuple[str, str], Goal]:
    """Goals by level and code of the units in which anybody lives; none at all where nobody had one of a place."""
    sums: dict[tuple[str, str], Counter[Goal]] = {}
    open_ones: set[tuple[str, str]] = set()
    for (then, now), people in pairs.items():
        if not people:
            continue
        for level in places.about.levels:
            unit = places.above(now, level)
            if unit is not None:
                sums.setdefault((level, unit), Counter())[_goal(before, level, places, aims, then)] += people
            elif isinstance(now, OneOf):
                open_ones |= {(level, code) for each in now.codes if (code := places.above(each, level)) is not None}
    if not any(goal.own for of_place in sums.values() for goal in of_place):
        return {}
    return {place: _mean(of_place, before.id, place in open_ones) for place, of_place in sums.items()}


def _goal(before: PlaceSet, level: str, places: PlaceSet, aims: Goals, leaf: Leaf) -> Goal:
    """What people were to reach in the other set: in the unit of a level, or of the next one outwards that it has."""
    levels = places.about.levels
    for each in reversed(levels[: levels.index(level) + 1]):
        there = before.leaf if each == places.leaf else each
        if there in before.about.levels:
            return aims.unit(there, before.above(leaf, there))
    return aims.usual


def _mean(several: Mapping[Goal, int], set_id: str, open_one: bool) -> Goal:
    """What all these people together are to reach. open_one: others may live there too."""
    if not any(goal.own for goal in several):
        return next(iter(several))
    told = [(goal.share, people) for goal, people in several.items() if goal.share is not None]
    people = sum(number for _, number in told)
    share = sum((share * number for share, number in told), Fraction(0)) / people if people else None
    deadlines = [goal.deadline for goal in several if goal.deadline is not None]
    # Who had no target is not in the mean; and whoever may still come could move it.
    about = len(told) < len(several) or (open_one and len(several) > 0)
    return Goal(share, min(deadlines, default=None), True, set_id, about)
