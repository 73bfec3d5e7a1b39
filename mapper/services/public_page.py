"""The public page: what everybody may see, if an administrator opens it; of communes and what lies above them alone.

What is protected: no count of people below the threshold is shown, nor its complement among the eligible, nor anything
from which one could be worked out (``domain.suppression``). One day is published once, the day before, and stays as it
was published, whatever comes in later. From one publication to the next a count moves by the threshold at least, or not
at all, so that a difference between days is nobody's doing alone; a count may therefore lag behind by less than the
threshold. Units of which nobody was visited are named as such, and are in no sum.

What is not: who keeps older pages and guesses that a row stood still meanwhile may guess what was kept back then; a row
stays back as long as one beside it is small, so that this tells of no small count of today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mapper.domain.campaign import Campaign, Group
from mapper.domain.ledger import INSIDE, State
from mapper.domain.roles import Role
from mapper.domain.suppression import LEAST_THRESHOLD, Pair, Place, add_up, kept_back
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit, reporting, review
from mapper.services.accounts import User
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import Question
from mapper.store import publications
from mapper.store import reference as kept

FACT = "public_page"
EVERYBODY = User(0, "", Role.PLANNER, (), 0)
"""In whose name figures are asked for: they are of all there is."""

MOST_THRESHOLD = 100
LONGEST_TEXT = 1000
LONG_QUIET = timedelta(days=60)
"""Without a visit for so long the day of the last one is published, as pages for readers open on it."""

BANDS = (0.9, 0.5)
"""Shares of the expected houses visited, told as bands: at least the first, at least the second, less."""

TOTAL = ""
"""Code of the row of everything."""


@dataclass(frozen=True, slots=True)
class PublicSettings:
    """What an administrator chose. series: (group, dose) codes in the campaign's order."""

    is_open: bool
    campaign: str
    series: tuple[tuple[str, str], ...]
    set_id: str
    threshold: int = LEAST_THRESHOLD
    text: str = ""

    @property
    def digest(self) -> str:
        """What the figures depend on, as a hash."""
        parts = (self.campaign, self.series, self.set_id, self.threshold)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PublicRow:
    """A unit. code: TOTAL for everything; depth: 0 for it. pairs: by series, None where kept back.

    visited: place of the band of houses visited in BANDS, len(BANDS) below them all, None where no list says.
    """

    level: str
    code: str
    name: str
    depth: int
    visited: int | None
    pairs: tuple[Pair | None, ...]

    def share(self, place: int) -> float | None:
        """Coverage in a series; None where it is kept back."""
        pair = self.pairs[place]
        return None if pair is None else pair[0] / sum(pair)


@dataclass(frozen=True, slots=True)
class Publication:
    """What is shown. rows: the total, then every unit before those within it; unvisited: names of units of no sum."""

    seq: int
    day: date
    campaign: Campaign
    set_id: str
    leaf: str
    approximate: bool
    series: tuple[tuple[str, str], ...]
    threshold: int
    rows: tuple[PublicRow, ...]
    unvisited: Mapping[str, str]


def read_settings(reference: Reference) -> PublicSettings | None:
    """What was chosen; None where nobody did yet."""
    with reference.database.read() as connection:
        written = kept.fact(connection, FACT)
    if written is None:
        return None
    told: dict[str, Any] = json.loads(written)
    return PublicSettings(**told | {"series": tuple((group, dose) for group, dose in told["series"])})


def save_settings(reference: Reference, user: User, wanted: PublicSettings) -> None:
    """Open, close or change the page. Raises InvalidInput, NotFound for what cannot be chosen."""
    if not LEAST_THRESHOLD <= wanted.threshold <= MOST_THRESHOLD:
        raise InvalidInput(
            mark("The smallest number shown must be from {least} to {most}."),
            least=LEAST_THRESHOLD,
            most=MOST_THRESHOLD,
        )
    if len(wanted.text) > LONGEST_TEXT:
        raise InvalidInput(mark("The text has more than {limit} characters."), limit=LONGEST_TEXT)
    if not wanted.series:
        raise InvalidInput(mark("Choose one group and dose at least."))
    with reference.database.write() as connection:
        known = reference.known(connection)
        campaign = known.campaign(wanted.campaign)
        for group, dose in wanted.series:
            if campaign.find(group, dose) is None:
                raise InvalidInput(mark("Choose groups and doses of the campaign."))
        order = [(group.code, dose.code) for group, dose in campaign.series]
        wanted = replace(wanted, series=tuple(sorted(set(wanted.series), key=order.index)))
        if wanted.set_id not in known.sets:
            raise NotFound(
                mark("There is no boundary set {set}. Choose one of the list."), set=wanted.set_id[:60] or "-"
            )
        kept.set_fact(reference.database, connection, FACT, json.dumps(asdict(wanted), ensure_ascii=False))
        facts = {
            "campaign": campaign.id,
            "set": wanted.set_id,
            "number": len(wanted.series),
            "to": "open" if wanted.is_open else "closed",
        }
        audit.record(reference, connection, user.id, user.name, "public.settings", "public", facts)


def published(reference: Reference, today: date) -> tuple[PublicSettings, Publication]:
    """What the page shows today; made where nobody asked yet today. Raises NotFound where it is not open."""
    settings = read_settings(reference)
    if settings is None or not settings.is_open:
        raise NotFound(mark("This server has no public page."))
    day = public_day(reference, settings, today)
    with reference.database.read() as connection:
        known = reference.known(connection)
        if settings.campaign not in known.campaigns or settings.set_id not in known.sets:
            raise NotFound(mark("This server has no public page."))
        found = publications.of_day(connection, day, settings.digest)
        before = publications.newest(connection) if found is None else None
    if found is None:
        made = make(reference, settings, day, json.loads(before.body) if before else {})
        at = datetime.now(UTC).isoformat(timespec="seconds")
        with reference.database.write() as connection:
            publications.add(reference.database, connection, day, settings.digest, json.dumps(made), at)
            found = publications.of_day(connection, day, settings.digest)
        assert found is not None
    return settings, _read(known, settings, found)


def public_day(reference: Reference, settings: PublicSettings, today: date) -> date:
    """The day published: yesterday; long after the last visit, the day of that one. Raises NotFound before any."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    campaign = known.campaigns.get(settings.campaign)
    last = review.visit_history(reference, EVERYBODY, settings.campaign, last=1)
    day = today - timedelta(days=1)
    if campaign is None or not last or day < campaign.start:
        raise NotFound(mark("There are no figures to publish yet."))
    if day - last[0].day > LONG_QUIET:
        day = last[0].day
    return max(campaign.start, min(day, campaign.until))


def families(campaign: Campaign, series: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Series of the same people: doses of a group, and groups that overlap; each kept back alike."""
    groups = {group.code: group for group in campaign.groups}
    found: list[list[tuple[str, str]]] = []
    for each in series:
        same = [one for one in found if any(_overlap(groups[each[0]], groups[other[0]]) for other in one)]
        found = [one for one in found if one not in same] + [[*(other for one in same for other in one), each]]
    return found


def _overlap(one: Group, other: Group) -> bool:
    """Whether somebody may be in both groups, now or ever; by their ages alone, and so too often rather than not."""
    if one.code == other.code:
        return True

    def apart(younger: Group, older: Group) -> bool:
        if younger.to_age is None or older.from_age is None or younger.either or older.either:
            return False
        day = date(2000, 1, 1)
        ages = [older.from_age, *([older.also_from_age] if older.also_from_age else [])]
        return all(younger.to_age.after(day) <= age.after(day) for age in ages)

    return not (apart(one, other) or apart(other, one))


def make(reference: Reference, settings: PublicSettings, day: date, before: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a day, those kept back among them; before: the publication they follow, empty for the first."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    places, campaign = known.sets[settings.set_id], known.campaign(settings.campaign)
    vaccinated = INSIDE.index(State.VACCINATED)
    told: dict[str, dict[str, Pair]] = {}
    bands: dict[str, int | None] = {}
    unvisited = []
    for group, dose in settings.series:
        question = Question(campaign.id, group, dose, day, places.leaf, places.id)
        for unit in reporting.coverage(reference, EVERYBODY, question).units:
            if unit.code is None:
                continue
            if not unit.houses.visited:
                unvisited.append(unit.code)
                continue
            pair = unit.counts[vaccinated], unit.eligible - unit.counts[vaccinated]
            told.setdefault(_key(group, dose), {})[unit.code] = pair
            bands[unit.code] = _band(unit.houses.visited, unit.houses.expected)
    same = before.get("set") == places.id and before.get("campaign") == campaign.id
    held = before.get("held", {}) if same else {}
    pairs = {key: {code: _hold(pair, held.get(key, {}).get(code), settings.threshold) for code, pair in row.items()}
             for key, row in told.items()}  # fmt: skip
    hidden: dict[str, list[str]] = {}
    for family in families(campaign, settings.series):
        keys = [_key(*each) for each in family]
        tree = _tree(places, {code: tuple(pairs[key][code] for key in keys) for code in bands})
        past = {code for key in keys for code in before.get("hidden", {}).get(key, ())} if same else set()
        back = sorted(kept_back(tree, settings.threshold, past)) if bands else []
        hidden |= dict.fromkeys(keys, back)
    return {
        "campaign": campaign.id,
        "set": places.id,
        "leaf": places.leaf,
        "held": pairs,
        "hidden": hidden,
        "visited": bands,
        "unvisited": sorted(set(unvisited)),
    }


def _key(group: str, dose: str) -> str:
    return f"{group} {dose}"


def _band(visited: int, expected: int | None) -> int | None:
    if not expected:
        return None
    return next((place for place, start in enumerate(BANDS) if visited >= start * expected), len(BANDS))


def _hold(pair: Pair, last: Sequence[int] | None, threshold: int) -> Pair:
    """The pair to publish: each count as it was, unless it moved by the threshold."""
    if last is None:
        return pair
    now = [new if abs(new - old) >= threshold else old for new, old in zip(pair, last, strict=True)]
    return now[0], now[1]


def _levels(places: PlaceSet) -> list[str]:
    """Levels that have rows of their own between the total and the innermost: those with several units."""
    return [level for level in places.about.levels[:-1] if len(places.at_level(level)) > 1]


def _tree(places: PlaceSet, pairs: Mapping[str, tuple[Pair, ...]]) -> list[Place]:
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


def _read(known: Known, settings: PublicSettings, found: publications.Kept) -> Publication:
    """A publication as it is shown: without the counts kept back."""
    body = json.loads(found.body)
    places = known.sets[settings.set_id]
    codes = [code for code in body["visited"] if (places.leaf, code) in places.units]
    rows: dict[str, list[Pair | None]] = {}
    keys = [_key(*each) for each in settings.series]
    tree = _tree(places, {code: tuple(tuple(body["held"][key][code]) for key in keys) for code in codes})
    sums = add_up(tree) if codes else {}
    for code, pairs in sums.items():
        rows[code] = [
            None if code in body["hidden"][key] or not sum(pair) else pair
            for key, pair in zip(keys, pairs, strict=True)
        ]
    above = {place.code: place.parent for place in tree}

    def line(code: str) -> list[str]:
        parent = above[code]
        return [*(line(parent) if parent is not None else []), code]

    made = []
    for code in sorted(rows, key=lambda each: [_named(places, part) for part in line(each)]):
        level, _, unit = code.partition(":")
        made.append(
            PublicRow(
                level,
                unit,
                _named(places, code)[0],
                len(line(code)) - 1,
                body["visited"].get(unit) if level == places.leaf else None,
                tuple(rows[code]),
            )
        )
    return Publication(
        found.seq,
        found.day,
        known.campaign(settings.campaign),
        places.id,
        places.leaf,
        places.about.approximate,
        settings.series,
        settings.threshold,
        tuple(made),
        {
            code: places.units[places.leaf, code].name
            for code in body["unvisited"]
            if (places.leaf, code) in places.units
        },
    )


def _named(places: PlaceSet, code: str) -> tuple[str, str]:
    """Name and code, which rows are ordered by; of the total, the outermost unit where there is one alone."""
    if code == TOTAL:
        alone = [level for level in places.about.levels[:-1] if len(places.at_level(level)) == 1]
        return (places.at_level(alone[-1])[0].name if alone else ""), ""
    level, _, unit = code.partition(":")
    return places.units[level, unit].name, code


def preview(reference: Reference, settings: PublicSettings, today: date) -> list[tuple[int, int]]:
    """By series, how many innermost units would be shown and how many kept back, were it the first publication."""
    made = make(reference, settings, public_day(reference, settings, today), {})
    found = []
    for series in settings.series:
        back = sum(f"{made['leaf']}:{code}" in made["hidden"][_key(*series)] for code in made["visited"])
        found.append((len(made["visited"]) - back, back))
    return found
