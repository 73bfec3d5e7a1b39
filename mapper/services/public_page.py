"""The public page: what everybody may see, if an administrator opens it; of communes and what lies above them alone.

What is protected: no count of people below the threshold is shown, nor its complement among the eligible, nor what is
left between doses of a group or between a group and one within it. Nothing published depends on a count that is kept
back: sums are of the rows shown, so that neither one page nor several, set against each other, tell of it; and with
each row kept back goes another, so that who knows a true sum from elsewhere does not learn it either
(``domain.suppression``, ``services.public_figures``). One day is published once, the day before, and stays as it was
published, whatever comes in later. From one publication to the next a count moves by the threshold at least, or not at
all, so that a difference between days is nobody's doing alone; a count may therefore lag behind by less than the
threshold. A campaign is published by one boundary set alone: with two, their sums could be set against each other.
Units of which nobody was visited are named as such, and are in no sum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mapper.domain.campaign import Campaign
from mapper.domain.suppression import LEAST_THRESHOLD, Pair, sums_shown
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit, review
from mapper.services.accounts import User
from mapper.services.public_figures import EVERYBODY, TOTAL, key_of, make, tree_of
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import publications
from mapper.store import reference as kept
from mapper.store.database import Connection

FACT = "public_page"
MOST_THRESHOLD = 100
LONGEST_TEXT = 1000
LONG_QUIET = timedelta(days=60)
"""Without a visit for so long the day of the last one is published, as pages for readers open on it."""


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
    within: by series, of how many innermost units visited it is the sum, and how many there are.
    """

    level: str
    code: str
    name: str
    depth: int
    visited: int | None
    pairs: tuple[Pair | None, ...]
    within: tuple[tuple[int, int], ...]

    def share(self, place: int) -> float | None:
        """Coverage in a series; None where it is kept back."""
        pair = self.pairs[place]
        return None if pair is None else pair[0] / sum(pair)


@dataclass(frozen=True, slots=True)
class Publication:
    """What is shown. rows: the total, then every unit before those within it; unvisited: names of units of no sum.

    loose: by series and innermost unit how many more people may live there, of whom nobody can tell in which unit they
    do. divided: innermost units that have a part of one that was divided.
    """

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
    loose: tuple[Mapping[str, int], ...] = ()
    divided: frozenset[str] = frozenset()

    def between(self, row: PublicRow, place: int) -> tuple[float, float] | None:
        """From where to where a unit's share of a series may lie; None where it is one figure, or kept back."""
        pair, more = row.pairs[place], self.loose[place].get(row.code, 0) if row.level == self.leaf else 0
        if pair is None or not more:
            return None
        return pair[0] / (sum(pair) + more), (pair[0] + more) / (sum(pair) + more)


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
        if _before(connection, campaign.id).get("set", wanted.set_id) != wanted.set_id:
            raise InvalidInput(
                mark(
                    "This campaign was already published with other boundaries. With both, small numbers could be "
                    "worked out; keep the boundaries first chosen."
                )
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
        before = _before(connection, settings.campaign) if found is None else {}
    if found is None:
        if before.get("set", settings.set_id) != settings.set_id:
            raise NotFound(mark("This server has no public page."))
        campaign, places = known.campaign(settings.campaign), known.sets[settings.set_id]
        made = make(reference, campaign, places, settings.series, settings.threshold, day, before)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        with reference.database.write() as connection:
            publications.add(reference.database, connection, day, settings.digest, json.dumps(made), at)
            found = publications.of_day(connection, day, settings.digest)
        assert found is not None
    return settings, _read(known, settings, found)


def _before(connection: Connection, campaign_id: str) -> dict[str, Any]:
    """What was published of a campaign last; empty where nothing was."""
    for body in publications.newest_first(connection):
        told: dict[str, Any] = json.loads(body)
        if told["campaign"] == campaign_id:
            return told
    return {}


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


def _read(known: Known, settings: PublicSettings, found: publications.Kept) -> Publication:
    """A publication as it is shown: without the counts kept back."""
    body = json.loads(found.body)
    loose = body.get("loose") if isinstance(body.get("loose"), dict) else {}
    places = known.sets[settings.set_id]
    codes = [code for code in body["visited"] if (places.leaf, code) in places.units]
    tree = tree_of(places, dict.fromkeys(codes, ()))
    above = {place.code: place.parent for place in tree}
    told = []
    for key in (key_of(*each) for each in settings.series):
        held, hidden = body["held"][key], set(body["hidden"][key])
        rows = {f"{places.leaf}:{code}": code for code in codes}
        told.append(sums_shown(tree, {row: [tuple(held[code])] for row, code in rows.items() if row not in hidden}))

    def line(code: str) -> list[str]:
        parent = above[code]
        return [*(line(parent) if parent is not None else []), code]

    made = []
    for code in sorted(above, key=lambda each: [_named(places, part) for part in line(each)]) if codes else []:
        level, _, unit = code.partition(":")
        made.append(
            PublicRow(
                level,
                unit,
                _named(places, code)[0],
                len(line(code)) - 1,
                body["visited"].get(unit) if level == places.leaf else None,
                tuple(sums[code][0] if code in sums else None for sums, _ in told),
                tuple(within[code] for _, within in told),
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
        tuple(dict(loose.get(key_of(*each), {})) for each in settings.series),
        frozenset((*body.get("divided", ()), *(body.get("loose", ()) if not loose else ()))),
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
    day = public_day(reference, settings, today)
    with reference.database.read() as connection:
        known = reference.known(connection)
    campaign, places = known.campaign(settings.campaign), known.sets[settings.set_id]
    made = make(reference, campaign, places, settings.series, settings.threshold, day, {})
    found = []
    for series in settings.series:
        back = sum(f"{places.leaf}:{code}" in made["hidden"][key_of(*series)] for code in made["visited"])
        found.append((len(made["visited"]) - back, back))
    return found
