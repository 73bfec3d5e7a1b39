"""The figures of the public page: counts of communes on a day, which of them are held, and which rows are kept back.

A row counts as small for what its counts leave between them too: people with one dose and not the next, people of a
group who are not in the group within it. What was shown last holds each count until it moves by the threshold; a row
that was kept back holds nothing, and no count that is kept back is in what is kept of a publication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from typing import Any

from mapper.domain.campaign import Campaign, Group, Period
from mapper.domain.ledger import INSIDE, State
from mapper.domain.ranges import OneOf, Range
from mapper.domain.roles import Role
from mapper.domain.suppression import Pair, Place, kept_back, small_rows
from mapper.services import reporting
from mapper.services.accounts import User
from mapper.services.questions import Question
from mapper.services.reference import PlaceSet, Reference

EVERYBODY = User(0, "", Role.PLANNER, (), 0)
"""In whose name figures are asked for: they are of all there is."""

BANDS = (0.9, 0.5)
"""Shares of the expected houses visited, told as bands: at least the first, at least the second, less."""

TOTAL = ""
"""Code of the row of everything."""

Series = tuple[str, str]
"""Codes of a group and a dose."""

Counts = Mapping[str, Mapping[str, Pair]]
"""Pairs by key of a series, then by code of an innermost unit."""


@dataclass(frozen=True, slots=True)
class Day:
    """What there is on a day. bands: place in BANDS of the units visited, None without a list; unvisited: codes.

    loose: by key and code how many people of the series may live in a unit as well, or in another part of one that was
    divided. divided: units that have a part of such a one, whether or not anybody there is without a position.
    """

    counts: Counts
    bands: Mapping[str, int | None]
    unvisited: tuple[str, ...]
    loose: Mapping[str, Mapping[str, int]]
    divided: tuple[str, ...]


def key_of(group: str, dose: str) -> str:
    """What a series is called where figures are kept."""
    return f"{group} {dose}"


def counts_of(reference: Reference, campaign_id: str, places: PlaceSet, series: Sequence[Series], day: date) -> Day:
    """The counts of every innermost unit visited by a day."""
    vaccinated = INSIDE.index(State.VACCINATED)
    counts: dict[str, dict[str, Pair]] = {key_of(*each): {} for each in series}
    bands: dict[str, int | None] = {}
    unvisited = set()
    loose: dict[str, dict[str, int]] = {key_of(*each): {} for each in series}
    for group, dose in series:
        question = Question(campaign_id, group, dose, day, places.leaf, places.id)
        for unit in reporting.coverage(reference, EVERYBODY, question).units:
            if unit.code is None:
                continue
            if unit.maybe is not None:
                loose[key_of(group, dose)][unit.code] = unit.maybe.eligible
            if not unit.houses.visited:
                unvisited.add(unit.code)
                continue
            pair = unit.counts[vaccinated], unit.eligible - unit.counts[vaccinated]
            counts[key_of(group, dose)][unit.code] = pair
            expected = unit.expected
            bands[unit.code] = _band(unit.houses.visited, expected.most if isinstance(expected, Range) else expected)
    return Day(counts, bands, tuple(sorted(unvisited)), loose, _divided(reference, places))


def _divided(reference: Reference, places: PlaceSet) -> tuple[str, ...]:
    with reference.database.read() as connection:
        known = reference.known(connection)
    home = known.every_set.get(known.home or "")
    leaves = [known.followed(unit.code, places) for unit in home.at_level(home.leaf)] if home else []
    return tuple(sorted({code for leaf in leaves if isinstance(leaf, OneOf) for code in leaf.codes}))


def make(
    reference: Reference,
    campaign: Campaign,
    places: PlaceSet,
    series: Sequence[Series],
    threshold: int,
    day: date,
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """What is kept of a publication; before: the one of the same campaign and set it follows, empty for the first.

    held: what was shown last, today or earlier, by key and unit; hidden, small: rows kept back, and why, by key. loose:
    by key and unit how many people may be missing in its figures, of whom nothing else is told: in whole thresholds,
    changed only where the threshold makes the difference. divided: units that have a part of a divided one.
    """
    now = counts_of(reference, campaign.id, places, series, day)
    last: Counts = before.get("held", {})
    next_ = {
        key: {code: _hold(pair, last.get(key, {}).get(code), threshold) for code, pair in row.items()}
        for key, row in now.counts.items()
    }
    held = {key: dict(row) for key, row in last.items()}
    hidden: dict[str, list[str]] = dict(before.get("hidden", {}))
    small: dict[str, list[str]] = dict(before.get("small", {}))
    for family in families(campaign, series):
        keys = [key_of(*each) for each in family]
        tree = tree_of(places, _cautious(campaign, family, now.counts, next_))
        was_small = {code for key in keys for code in small.get(key, ())}
        was_hidden = {code for key in keys for code in hidden.get(key, ())}
        back = kept_back(tree, threshold, was_hidden, was_small) if now.bands else frozenset()
        why = small_rows(tree, threshold, was_small) if now.bands else frozenset()
        for key in keys:
            hidden[key], small[key] = sorted(back), sorted(why)
            shown = {code: pair for code, pair in next_[key].items() if f"{places.leaf}:{code}" not in back}
            held.setdefault(key, {}).update(shown)
    return {
        "campaign": campaign.id,
        "set": places.id,
        "leaf": places.leaf,
        "held": held,
        "hidden": hidden,
        "small": small,
        "visited": now.bands,
        "unvisited": now.unvisited,
        "loose": {key: _loosely(row, _numbers(before, key), threshold) for key, row in now.loose.items()},
        "divided": now.divided,
    }


def _numbers(before: Mapping[str, Any], key: str) -> Mapping[str, int]:
    told = before.get("loose", {})
    # Earlier publications named units alone.
    return told.get(key, {}) if isinstance(told, dict) else {}


def _loosely(now: Mapping[str, int], last: Mapping[str, int], threshold: int) -> dict[str, int]:
    """How many people may be missing in each unit, in whole thresholds upwards; not told where they are fewer."""
    found = {}
    for code in sorted({*now, *last}):
        number, before = now.get(code, 0), last.get(code)
        told = -(-number // threshold) * threshold if number >= threshold else 0
        if before is not None and before - threshold < number < before + threshold:
            told = before
        if told:
            found[code] = told
    return found


def _hold(pair: Pair, last: Sequence[int] | None, threshold: int) -> Pair:
    """The pair to publish: each count as it was shown, unless it moved by the threshold."""
    if last is None:
        return pair
    now = [new if abs(new - old) >= threshold else old for new, old in zip(pair, last, strict=True)]
    return now[0], now[1]


def _cautious(campaign: Campaign, family: Sequence[Series], now: Counts, shown: Counts) -> dict[str, tuple[Pair, ...]]:
    """By unit the pairs that decide what is kept back: those of the series, then what they leave between them.

    Each count is the smaller of what it is and what would be shown of it.
    """
    places = {each: place for place, each in enumerate(family)}
    steps = _steps(campaign, places)
    parts = _parts(campaign, places)
    keys = [key_of(*each) for each in family]
    found: dict[str, list[tuple[Pair, ...]]] = {}
    exact = [[now[key][code] for key in keys] for code in now[keys[0]]]
    # Where groups make up a whole one to the last person, nobody is left to be protected.
    told = [(a, b) for a, b in parts if any(sum(row[a]) != sum(sum(row[n]) for n in b) for row in exact)]
    for counts in (now, shown):
        for code in counts[keys[0]]:
            row = [counts[key][code] for key in keys]
            between = [_rest(row[one][0] - row[other][0], sum(row[one])) for one, other in steps]
            left = [(row[a][0] - sum(row[n][0] for n in b), row[a][1] - sum(row[n][1] for n in b)) for a, b in told]
            found.setdefault(code, []).append((*row, *between, *((max(0, v), max(0, u)) for v, u in left)))
    return {
        code: tuple((min(v for v, _ in pair), min(u for _, u in pair)) for pair in zip(*both, strict=True))
        for code, both in found.items()
    }


def _rest(count: int, of: int) -> Pair:
    return max(0, count), of - max(0, count)


def _steps(campaign: Campaign, places: Mapping[Series, int]) -> list[tuple[int, int]]:
    """Pairs of series, by place: a dose of a group and the next one that is published."""
    found: list[tuple[int, int]] = []
    for group in campaign.groups:
        doses = [places[group.code, dose.code] for dose in group.doses if (group.code, dose.code) in places]
        found += pairwise(doses)
    return found


def _parts(campaign: Campaign, places: Mapping[Series, int]) -> list[tuple[int, tuple[int, ...]]]:
    """A series and others of the same dose whose people are among its people, none of them in two of these groups."""
    groups = {group.code: group for group in campaign.groups}
    found: list[tuple[int, tuple[int, ...]]] = []
    for (whole, dose), place in places.items():
        within = [code for code, other in places if other == dose and _holds(groups[whole], groups[code])]
        for number in range(1, len(within) + 1):
            for chosen in combinations(within, number):
                if not any(_overlap(groups[one], groups[other]) for one, other in combinations(chosen, 2)):
                    found.append((place, tuple(places[code, dose] for code in chosen)))
    return found


_BIRTH = date(2000, 1, 1)
"""Ages are set in order as they are reached by somebody born on this day."""


def families(campaign: Campaign, series: Sequence[Series]) -> list[list[Series]]:
    """Series of the same people: doses of a group, and groups that overlap; each kept back alike."""
    groups = {group.code: group for group in campaign.groups}
    found: list[list[Series]] = []
    for each in series:
        same = [one for one in found if any(_overlap(groups[each[0]], groups[other[0]]) for other in one)]
        found = [one for one in found if one not in same] + [[*(other for one in same for other in one), each]]
    return found


def _holds(whole: Group, part: Group) -> bool:
    """Whether everybody of a group is in another, by its ages."""
    if whole.code == part.code or whole.either or part.either:
        return False
    start = whole.also_from_age if whole.priorities else whole.from_age
    if start is None and whole.priorities:
        return False

    def sooner(one: Period, other: Period) -> bool:
        return one.after(_BIRTH) <= other.after(_BIRTH)

    starts = [age for age in (part.from_age, part.also_from_age) if age is not None]
    begins = start is None or (part.from_age is not None and all(sooner(start, age) for age in starts))
    return begins and (whole.to_age is None or (part.to_age is not None and sooner(part.to_age, whole.to_age)))


def _overlap(one: Group, other: Group) -> bool:
    """Whether somebody may be in both groups, now or ever; by their ages alone, and so too often rather than not."""
    if one.code == other.code:
        return True

    def apart(younger: Group, older: Group) -> bool:
        if younger.to_age is None or older.from_age is None or younger.either or older.either:
            return False
        ages = [older.from_age, *([older.also_from_age] if older.also_from_age else [])]
        return all(younger.to_age.after(_BIRTH) <= age.after(_BIRTH) for age in ages)

    return not (apart(one, other) or apart(other, one))


def _band(visited: int, expected: int | None) -> int | None:
    if not expected:
        return None
    return next((place for place, start in enumerate(BANDS) if visited >= start * expected), len(BANDS))


def _levels(places: PlaceSet) -> list[str]:
    """Levels that have rows of their own between the total and the innermost: those with several units."""
    return [level for level in places.about.levels[:-1] if len(places.at_level(level)) > 1]


def tree_of(places: PlaceSet, pairs: Mapping[str, tuple[Pair, ...]]) -> list[Place]:
    """The total, the units of the levels between, and the innermost units that have counts."""
    found = {TOTAL: Place(TOTAL, None)}
    for code in sorted(pairs):
        above = TOTAL
        for level in _levels(places):
            unit = places.above(code, level)
            if unit is not None and (level, unit) in places.units:
                found.setdefault(f"{level}:{unit}", Place(f"{level}:{unit}", above))
                above = f"{level}:{unit}"
        found[f"{places.leaf}:{code}"] = Place(f"{places.leaf}:{code}", above, pairs[code])
    return list(found.values())
