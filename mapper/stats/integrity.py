"""Which canvassers' forms look so unlike honest work that a supervisor should look again; and how sure that is.

Each test counts houses (or people) of a canvasser for which something holds, and asks how often an honest canvasser
would have that many. An honest share is never taken as smaller than the test's own ``usual``, nor as that of the other
canvassers, and canvassers may differ from each other (beta-binomial). Over the canvassers of an area each test controls
its false discoveries (Benjamini and Hochberg, JRSS B 57 (1995) 289-300) at ``ALL / number of tests``: where everybody
is honest, all tests together point at anybody in at most ``ALL`` of areas.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

ALL = 0.05
"""Of areas in which everybody works honestly, the share in which any test points at anybody."""

LIKE = 50
"""Honest canvassers differ: their shares spread as the shares of so many houses do by chance."""

FEWEST = 5
"""Fewer forms than this that look odd are never shown."""

SHORT_S, SHORT_PERSON_S = 75.0, 30.0
"""An interview is short that took less than this, and this for each person told of."""
LONGEST_S = 6 * 3600.0
"""A form left open for longer tells nothing about the interview."""
RIDE_M_S = 8.0
"""From door to door nobody goes faster: some 29 km/h."""
OVERLAP_S = 60.0
ONE_DAY_S = 12 * 3600.0
SPOT_M, SPOT_HOUSES = 12.0, 3
"""A spot is crowded on which a house stands with so many others within so many metres."""
LINE_M, APART_M = 0.5, 8.0
"""Three positions lie on a line if the middle one is that near to it, and none nearer to the next than that."""
GRID_DEGREES = 1e-4
ALIKE, IN_A_ROW = 0.85, 6
"""Two households are alike with this share of equal answers; each is compared with so many before it."""
NIGHT = (22.0, 5.0)
NEIGHBOURS = 20
"""Houses of others in the same communes below which those of the whole area are compared with."""
GROWN = 10


@dataclass(frozen=True, slots=True)
class Form:
    """One submission of a canvasser. start, end: seconds since some moment, UTC. hour: of the start, local, 0..24.

    place: code of the commune. outcome: "met", "unmet" (absent, locked, refused) or "empty". whole: it tells all of
    the household. people: the answers about each, birth date first; "" for none. ages: whole years.
    """

    key: str
    canvasser: int
    place: str = ""
    phone: str = ""
    start: float | None = None
    end: float | None = None
    hour: float | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    outcome: str = "met"
    whole: bool = True
    people: tuple[tuple[str, ...], ...] = ()
    ages: tuple[int, ...] = ()
    dose_days: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long the form was open; None where that tells nothing."""
        if self.start is None or self.end is None or not 0 <= self.end - self.start <= LONGEST_S:
            return None
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Beside:
    """Two forms that are odd together: the key of the odd one, and of the one before it.

    share: of answers equal. gap_s: from the end of that one to the start of the odd one, below 0 where they overlap;
    metres: between them.
    """

    key: str
    other: str
    share: float | None = None
    gap_s: float | None = None
    metres: float | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What a test found in one canvasser's forms: keys of the odd ones, each as often as it is odd, of how many.

    beside: for tests of two forms, which two; one for each key, in their order.
    """

    keys: tuple[str, ...]
    of: int
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A test of one canvasser. odd of ``of``; usual: the share that an honest canvasser may have.

    chance: how often an honest canvasser has that many or more. shown: after control over all canvassers. beside: as
    ``Counted`` has it.
    """

    test: str
    canvasser: int
    keys: tuple[str, ...]
    odd: int
    of: int
    usual: float
    chance: float
    shown: bool
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A canvasser's forms in figures. minutes: the middle interview; gap_minutes: between two forms of one day."""

    canvasser: int
    forms: int
    met: int
    unmet: int
    minutes: float | None
    gap_minutes: float | None


def reads(forms: Sequence[Form]) -> tuple[list[Work], list[Evidence]]:
    """The work of each canvasser, and every test of each, the least likely by chance first. forms: in order sent."""
    by: dict[int, list[Form]] = defaultdict(list)
    for form in forms:
        by[form.canvasser].append(form)
    for own in by.values():
        own.sort(key=lambda form: math.inf if form.start is None else form.start)
    found = [one for test in TESTS for one in _tested(test, by)]
    return [_work(number, own) for number, own in sorted(by.items())], sorted(found, key=lambda one: one.chance)


def chance_of(odd: int, of: int, share: float, like: float = LIKE) -> float:
    """How often ``odd`` or more of ``of`` come about where the share is that one, and differs as of ``like`` houses.

    The upper tail of a beta-binomial distribution with a = share like, b = (1 - share) like.
    """
    if odd <= 0:
        return 1.0
    if share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    a, b = share * like, (1 - share) * like
    whole = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + math.lgamma(of + 1) - math.lgamma(of + a + b)
    total = 0.0
    for k in range(odd, of + 1):
        log = math.lgamma(k + a) + math.lgamma(of - k + b) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
        total += math.exp(whole + log)
    return min(1.0, total)


def discoveries(chances: Sequence[float], rate: float) -> list[bool]:
    """Which of these stand out when of those that do at most ``rate`` may be mistaken."""
    order = sorted(range(len(chances)), key=lambda at: chances[at])
    last = max((rank for rank, at in enumerate(order, 1) if chances[at] <= rate * rank / len(chances)), default=0)
    shown = set(order[:last])
    return [at in shown for at in range(len(chances))]


@dataclass(frozen=True, slots=True)
class Test:
    """A test. usual: the share that an honest canvasser may well have. nearby: compared within the communes alone.

    by_chance: the same share as the area's own families give it.
    """

    code: str
    usual: float
    count: Callable[[Sequence[Form], Mapping[int, Sequence[Form]]], Counted]
    nearby: bool = False
    by_chance: Callable[[Sequence[Form]], float] | None = None


def _tested(test: Test, by: Mapping[int, Sequence[Form]]) -> list[Evidence]:
    counts = {number: test.count(own, by) for number, own in by.items()}
    rows: list[tuple[int, Counted, float, float]] = []
    least = test.usual
    if test.by_chance is not None and any(len(one.keys) >= FEWEST for one in counts.values()):
        least = max(least, test.by_chance([form for own in by.values() for form in own]))
    for number, counted in counts.items():
        if not counted.of:
            continue
        share, like = max(least, _of_others(test, number, by, counts)), float(LIKE)
        if test.nearby and _near(number, by) < NEIGHBOURS:
            like = LIKE / 2
        odd = len(counted.keys)
        rows.append((number, counted, share, chance_of(odd, counted.of, share, like) if odd >= FEWEST else 1.0))
    shown = discoveries([row[3] for row in rows], ALL / len(TESTS))
    return [
        Evidence(test.code, number, counted.keys, len(counted.keys), counted.of, share, chance, out, counted.beside)
        for (number, counted, share, chance), out in zip(rows, shown, strict=True)
    ]


def _of_others(test: Test, number: int, by: Mapping[int, Sequence[Form]], counts: Mapping[int, Counted]) -> float:
    """The share of the other canvassers: in the same communes where the test says so, and enough houses are there."""
    if test.nearby and _near(number, by) >= NEIGHBOURS:
        places = {form.place for form in by[number]}
        odd = of = 0
        for other, own in by.items():
            if other != number:
                there = [form for form in own if form.place in places]
                counted = test.count(there, by)
                odd, of = odd + len(counted.keys), of + counted.of
    else:
        odd = sum(len(one.keys) for other, one in counts.items() if other != number)
        of = sum(one.of for other, one in counts.items() if other != number)
    return (odd + 0.5) / (of + 1) if of else 0.0


def _near(number: int, by: Mapping[int, Sequence[Form]]) -> int:
    places = {form.place for form in by[number]}
    return sum(form.place in places for other, own in by.items() if other != number for form in own)


def _short(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    timed = [(form, form.seconds) for form in own if form.whole and form.outcome == "met"]
    told = [(form, seconds) for form, seconds in timed if seconds is not None]
    keys = [form.key for form, seconds in told if seconds < SHORT_S + SHORT_PERSON_S * len(form.people)]
    return Counted(tuple(keys), len(told))


def pairs(own: Sequence[Form]) -> list[tuple[Form, Form, float, float | None]]:
    """Forms of one phone one after the other on a day: both, seconds between them, metres or None."""
    found = []
    last: dict[str, Form] = {}
    for form in own:
        if form.start is None or form.seconds is None:
            continue
        before = last.get(form.phone)
        last[form.phone] = form
        if before is None or before.end is None or before.start is None:
            continue
        if form.start - before.start < ONE_DAY_S:
            found.append((before, form, form.start - before.end, _metres(before, form)))
    return found


def _pace(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    odd, every = [], pairs(own)
    for before, form, gap, metres in every:
        unsure = (before.accuracy_m or 0.0) + (form.accuracy_m or 0.0)
        way = max(0.0, (metres or 0.0) - unsure)
        if gap < -OVERLAP_S or (way > 0 and gap < way / RIDE_M_S - OVERLAP_S):
            odd.append(Beside(form.key, before.key, gap_s=gap, metres=metres))
    return Counted(tuple(each.key for each in odd), len(every), tuple(odd))


def _spot(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    placed = [form for form in own if form.lat is not None and form.whole and form.outcome == "met"]
    boxes: dict[tuple[int, int], list[Form]] = defaultdict(list)
    step = SPOT_M / 111_000
    for form in placed:
        boxes[_box(form, step)].append(form)
    keys = []
    for form in placed:
        row, column = _box(form, step)
        near = 0
        for at in ((row + i, column + j) for i in (-1, 0, 1) for j in (-2, -1, 0, 1, 2)):
            near += sum(other is not form and (_metres(form, other) or 0.0) <= SPOT_M for other in boxes.get(at, ()))
            if near >= SPOT_HOUSES:
                keys.append(form.key)
                break
    return Counted(tuple(keys), len(placed))


def _box(form: Form, step: float) -> tuple[int, int]:
    return math.floor((form.lat or 0.0) / step), math.floor((form.lon or 0.0) / step)


def _line(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    placed = [form for form in own if form.lat is not None]
    keys, of = [], 0
    for at in range(0, len(placed) - 2, 3):
        one, two, three = placed[at : at + 3]
        (x, y), (x2, y2) = _offset(one, two), _offset(one, three)
        long = math.hypot(x2, y2)
        if min(math.hypot(x, y), long, math.hypot(x2 - x, y2 - y)) < APART_M:
            continue
        of += 1
        if abs(x * y2 - y * x2) / long < LINE_M:
            keys.append(two.key)
    return Counted(tuple(keys), of)


def _grid(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    placed = [form for form in own if form.lat is not None and form.lon is not None]
    keys = [form.key for form in placed if _round(form.lat) and _round(form.lon)]
    return Counted(tuple(keys), len(placed))


def _round(degrees: float | None) -> bool:
    return degrees is not None and abs(degrees / GRID_DEGREES - round(degrees / GRID_DEGREES)) < 1e-4


def _accuracy(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    told = [(form.key, round(form.accuracy_m, 2)) for form in own if form.accuracy_m]
    if not told:
        return Counted((), 0)
    usual, _ = Counter(value for _, value in told).most_common(1)[0]
    return Counted(tuple(key for key, value in told if value == usual), len(told))


def alike(one: Form, other: Form) -> float:
    """Share of equal answers of two households, person by person; 0 where too few birth dates agree to be copies."""
    most = max(len(one.people), len(other.people))
    both = list(zip(one.people, other.people, strict=False))
    born = sum(bool(a[0]) and a[0] == b[0] for a, b in both)
    if most < 2 or 2 * born < most:
        return 0.0
    equal = sum(x == y for a, b in both for x, y in zip(a, b, strict=False))
    longest = sum(max(len(a), len(b)) for a, b in both)
    rest = (one.people if len(one.people) == most else other.people)[len(both) :]
    return equal / (longest + sum(len(person) for person in rest))


def _copied(own: Sequence[Form], by: Mapping[int, Sequence[Form]]) -> Counted:
    families = [form for form in own if form.whole and len(form.people) > 1]
    odd = []
    for at, form in enumerate(families):
        before = [(alike(form, other), other.key) for other in families[max(0, at - IN_A_ROW) : at]]
        share, other = max(before, key=lambda each: each[0], default=(0.0, ""))
        if share >= ALIKE:
            odd.append(Beside(form.key, other, share))
    return Counted(tuple(each.key for each in odd), len(families), tuple(odd))


def by_chance_alike(forms: Iterable[Form], seed: int = 1, tries: int = 2000) -> float:
    """How often a household is like one of ``IN_A_ROW`` households that another canvasser asked."""
    families = [form for form in forms if form.whole and len(form.people) > 1]
    chance = random.Random(seed)  # noqa: S311
    asked = like = 0
    for form in chance.sample(families, min(tries, len(families))):
        drawn = chance.sample(families, min(2 * IN_A_ROW, len(families)))
        others = [other for other in drawn if other.canvasser != form.canvasser][:IN_A_ROW]
        if others:
            asked += 1
            like += any(alike(form, other) >= ALIKE for other in others)
    return like / asked if asked else 0.0


def _night(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    told = [form for form in own if form.hour is not None]
    late = [form.key for form in told if form.hour is not None and not NIGHT[1] <= form.hour < NIGHT[0]]
    return Counted(tuple(late), len(told))


def _unmet(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    lived_in = [form for form in own if form.whole and form.outcome != "empty"]
    return Counted(tuple(form.key for form in lived_in if form.outcome == "unmet"), len(lived_in))


def _ages(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    told = [(form.key, age) for form in own for age in form.ages if age >= GROWN]
    return Counted(tuple(key for key, age in told if age % 5 == 0), len(told))


def _dates(own: Sequence[Form], _by: Mapping[int, Sequence[Form]]) -> Counted:
    told = [form for form in own if form.dose_days]
    if not told:
        return Counted((), 0)
    day, _ = Counter(day for form in told for day in set(form.dose_days)).most_common(1)[0]
    return Counted(tuple(form.key for form in told if day in form.dose_days), len(told))


TESTS: tuple[Test, ...] = (
    Test("short", 0.05, _short),
    Test("pace", 0.05, _pace),
    Test("spot", 0.15, _spot),
    Test("line", 0.2, _line),
    Test("grid", 0.05, _grid),
    Test("accuracy", 0.85, _accuracy),
    Test("copied", 0.05, _copied, by_chance=by_chance_alike),
    Test("night", 0.03, _night),
    Test("unmet", 0.05, _unmet, nearby=True),
    Test("ages", 0.25, _ages),
    Test("dates", 0.6, _dates, nearby=True),
)
"""Every test; ``usual`` is what the page tells of each."""

EACH = ALL / len(TESTS)
"""Of areas in which everybody works honestly, the share in which one test points at anybody."""


def _metres(one: Form, other: Form) -> float | None:
    if one.lat is None or other.lat is None:
        return None
    return math.hypot(*_offset(one, other))


def _offset(one: Form, other: Form) -> tuple[float, float]:
    """Metres east and north of one position from another near by."""
    lat, lon, lat2, lon2 = (float(value or 0.0) for value in (one.lat, one.lon, other.lat, other.lon))
    return (lon2 - lon) * 111_320 * math.cos(math.radians(lat)), (lat2 - lat) * 111_320


def _work(number: int, own: Sequence[Form]) -> Work:
    whole = [form for form in own if form.whole]
    minutes = [form.seconds / 60 for form in whole if form.outcome == "met" and form.seconds is not None]
    gaps = [gap / 60 for *_, gap, _metres_between in pairs(own)]
    return Work(
        number,
        len(own),
        sum(form.outcome == "met" for form in whole),
        sum(form.outcome == "unmet" for form in whole),
        statistics.median(minutes) if minutes else None,
        statistics.median(gaps) if gaps else None,
    )
