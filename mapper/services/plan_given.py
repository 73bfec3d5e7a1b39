"""What a plan is made from, taken from the register at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from mapper.domain.epidemic import LevelEntry
from mapper.domain.plan import PlanGiven, PlanQuestion
from mapper.domain.sites import Site
from mapper.errors import InvalidQuestion, NotFound, mark
from mapper.formats.plan_file import KeptSite, read_sessions
from mapper.services import demand
from mapper.services.accounts import User
from mapper.services.carried_levels import levels_until
from mapper.services.demand import Crowd, NotDue, Units, Wanted
from mapper.services.field_area import field_area
from mapper.services.kept_people import Folk
from mapper.services.questions import HAMLET, check_level, set_made_on
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.roads import written
from mapper.services.travel import lon_lat
from mapper.store import plans
from mapper.store import sites as kept
from mapper.store.database import Connection


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a plan is made from, its people as arrays. bare: without houses; whole: with them, once that is known."""

    bare: PlanGiven
    crowd: Crowd
    whole: PlanGiven | None = None

    @classmethod
    def of(cls, given: PlanGiven) -> Gathered:
        """Of what an earlier plan was made from."""
        return cls(replace(given, houses=()), Crowd.of(given.houses), given)

    def given(self) -> PlanGiven:
        """The whole of it, person by person."""
        return self.whole or replace(self.bare, houses=tuple(self.crowd.houses()))


def gather(reference: Reference, user: User, question: PlanQuestion) -> Gathered:
    """The people due, sites and levels of a question, as far as a user sees them. Raises NotFound, InvalidQuestion."""
    if not question.first <= question.last:
        raise InvalidQuestion(
            mark("The plan ends on {last}, before it begins on {first}. Turn the days round."),
            first=question.first,
            last=question.last,
        )
    others = NotDue()
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(question.campaign_id)
        places = set_made_on(known, question.set_id)
        _check_area(known, places, question.area)
        rules = demand.rules_of(connection, campaign)
        area = field_area(reference, connection, known, user)
        days = question.first, question.last
        wanted = _Area(places, question.area)
        crowd = demand.crowd_due(reference, connection, campaign, rules, days, area, others, wanted.among)
        sites = [*kept.everywhere(connection), *_kept_sites(reference, connection, question)]
        told = demand.rules_told(connection, campaign)
        entries = levels_until(reference, connection, known, places, question.last)
    levels = _levels(entries, question.first)
    elsewhere = {(one.unit_code, one.from_day): one.carried_from for one in entries if one.carried_from}
    stand = _placed(places, lon_lat(sites))
    bare = PlanGiven(
        question,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        told,
        (),
        tuple(sites),
        {one.code: unit for number, one in enumerate(sites) if (unit := stand.code(number)) is not None},
        {code: one.label for code, one in known.hamlets.items()},
        {unit.code: unit.name for unit in places.at_level(places.leaf)},
        levels,
        written(reference.roads.ways(rules)),
        {state.value: number for state, number in sorted(others.stands.items())},
        others.next_on,
        tuple((unit, day, elsewhere[unit, day]) for unit, day, _ in levels if (unit, day) in elsewhere),
    )
    return Gathered(bare, crowd)


def _check_area(known: Known, places: PlaceSet, area: str) -> None:
    if not area:
        return
    level, _, code = area.partition(":")
    check_level(places, level)
    if code not in known.hamlets if level == HAMLET else (level, code) not in places.units:
        raise NotFound(mark("There is no {level} {code}. Choose an area from the list."), level=level, code=code)


class _Area:
    """The houses of the unit or hamlet that a question is about."""

    def __init__(self, places: PlaceSet, area: str) -> None:
        self._places, self._area = places, area
        level, _, self._code = area.partition(":")
        self._hamlet = level == HAMLET
        leaves = places.at_level(places.leaf) if area and not self._hamlet else ()
        self._inside = {one.code for one in leaves if places.above(one.code, level) == self._code}

    def among(self, folk: Folk) -> Wanted:
        """Those of the houses that lie in it: where their position says, and without one where it was told."""
        stand, units = folk.stand, _placed(self._places, folk.stand.at)
        inside = np.ones(len(folk.homes), np.bool_)
        if self._hamlet:
            inside = np.array([hamlet == self._code for _, hamlet in stand.told], np.bool_)[stand.pair]
        elif self._area:
            told = np.array([commune in self._inside for commune, _ in stand.told], np.bool_)[stand.pair]
            placed = np.array([code in self._inside for code in units.codes] + [False], np.bool_)[units.number]
            inside = np.where(units.number < 0, told, placed)
        return Wanted(inside, units)


def _placed(places: PlaceSet, points: NDArray[np.float64]) -> Units:
    """The unit that holds each point, longitude and latitude; none where there is none."""
    return Units(places.placer.codes, places.placer.place(*points.T).astype(np.int64))


def _kept_sites(reference: Reference, connection: Connection, question: PlanQuestion) -> list[Site]:
    """Sites of sessions that stand of which the list of sites has none: those that the plan before proposed."""
    codes = {one.site for one in question.keeps}
    if not codes or question.follows is None:
        return []
    told = plans.made(connection, question.follows)
    if told is None:
        return []
    listed = {one.code for one in kept.everywhere(connection)}
    return [one for one in sites_of(reference, told, lambda: read_sessions(told)) if one.code in codes - listed]


def sites_of(reference: Reference, told: bytes, read: Callable[[], Sequence[KeptSite]]) -> list[Site]:
    """The sites of a plan as it was kept; whoever has read them for the question does not read them for the answer."""
    key = "sites of a plan", hashlib.sha256(told).digest()
    return reference.lists.value(key, lambda: [one.site for one in read()])


def _levels(entries: Sequence[LevelEntry], first: date) -> tuple[tuple[str, date, int], ...]:
    """By unit the level in force on the first day and each that takes its place later."""
    told: dict[tuple[str, date], int] = {}
    for one in entries:
        told[one.unit_code, one.from_day] = one.level
    begun: dict[str, date] = {}
    for unit, day in told:
        if day <= first:
            begun[unit] = max(day, begun.get(unit, day))
    return tuple((unit, day, level) for (unit, day), level in sorted(told.items()) if day >= begun.get(unit, day))
