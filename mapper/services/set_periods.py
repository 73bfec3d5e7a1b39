"""Periods of boundary sets: two that hold on the same days and the same ground, and sets that do not follow closely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

from mapper.domain.people import Finding
from mapper.domain.roles import Role
from mapper.domain.succession import Period, follows, shown_day
from mapper.errors import Conflict, Forbidden, InvalidBoundaries, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import OPERATOR, User
from mapper.services.counting import EVERYTHING
from mapper.services.reference import Known, PlaceSet, Reference, home_of
from mapper.store import reference as kept
from mapper.store.reference import SetState

LOOKED_AT = 60
"""Units of a set that are looked for in another, spread evenly over its list."""


def period(places: PlaceSet) -> Period:
    """The days of a set."""
    about = places.about
    return Period(about.label, about.valid_from, about.valid_to)


def check_period(first: date | None, last: date | None) -> None:
    """Refuse a period that ends before it begins. Raises InvalidBoundaries."""
    if first and last and first > last:
        raise InvalidBoundaries(mark("A set's period ends on {end}, before it begins."), end=shown_day(last))


def check(known: Known, places: PlaceSet) -> None:
    """Refuse a set beside another one of its ground, days and innermost level, unless it is on trial. Raises Conflict.

    Of such two a day would not say which is meant. Sets that are withdrawn or on trial are in nobody's way.
    """
    mine, others = _begin(places), sorted(_same_period(known, places), key=_begin)
    if not others:
        return
    other = next((one for one in reversed(others) if _begin(one) <= mine), others[0])
    theirs = _begin(other)
    facts = {**_facts(places, other), "set": other.id}
    if mine > theirs:
        keeps = f" --valid-from {theirs}" if other.about.valid_from else ""
        facts["days"] = f"{keeps} --valid-to {mine - timedelta(days=1)}"
        raise Conflict(
            mark(
                "{one} would hold on the same ground and the same days ({begin} – {end}) as boundary set {set}, "
                "{other}: a day alone would not say which is meant. Close the other's period first: python server.py "
                "boundaries days {set}{days}. Or withdraw it: python server.py boundaries withdraw {set}. To look at "
                "this one only beside it, add it with --beside."
            ),
            **facts,
        )
    if mine < theirs:
        facts["last"] = (theirs - timedelta(days=1)).isoformat()
        raise Conflict(
            mark(
                "{one} would hold on the same ground and the same days ({begin} – {end}) as boundary set {set}, "
                "{other}: a day alone would not say which is meant. Let this one end on the day before: --valid-to "
                "{last}. Or withdraw the other: python server.py boundaries withdraw {set}. To look at this one only "
                "beside it, add it with --beside."
            ),
            **facts,
        )
    raise Conflict(
        mark(
            "{one} would hold on the same ground and the same days ({begin} – {end}) as boundary set {set}, {other}: a "
            "day alone would not say which is meant. Give this one its own days: --valid-from, --valid-to. Or withdraw "
            "the other: python server.py boundaries withdraw {set}. To look at this one only beside it, add it with "
            "--beside."
        ),
        **facts,
    )


def _begin(places: PlaceSet) -> date:
    return places.about.valid_from or date.min


def _same_period(known: Known, places: PlaceSet) -> Iterator[PlaceSet]:
    if places.about.trial:
        return
    for other in known.every_set.values():
        here = other.id != places.id and not other.about.trial and other.about.state is not SetState.WITHDRAWN
        if here and other.leaf == places.leaf and period(places).meets(period(other)) and _same_ground(places, other):
            yield other


def check_shown_again(reference: Reference, set_id: str) -> None:
    """The same of a withdrawn set that is to be shown again. Raises Conflict."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    places = known.every_set.get(set_id)
    if places is not None and places.about.state is SetState.WITHDRAWN:
        check(known, places)


def may_change(user: User) -> bool:
    """Whether a user may change the days of sets: administrators of everything."""
    return user.role is Role.ADMINISTRATOR and not user.areas


def change(
    reference: Reference, user: User, set_id: str, first: date | None, last: date | None, trial: bool = False
) -> None:
    """Change on which days a set is in force; None without an end there. trial: on none, it only stands beside others.

    Raises InvalidBoundaries, NotFound, Forbidden, and Conflict where it would hold together with another set, or where
    other units would be those of the list of hamlets.
    """
    if not may_change(user):
        raise Forbidden(mark("Days of boundary sets are changed by administrators whose area has no limits. Ask one."))
    check_period(first, last)
    with reference.database.write() as connection:
        reference.database.lock(connection, EVERYTHING)
        known = reference.here()
        if set_id not in known.every_set:
            raise NotFound(
                mark("There is no boundary set {set}. Choose one of: {sets}."),
                set=set_id,
                sets=", ".join(known.every_set) or "-",
            )
        places = known.every_set[set_id]
        changed = replace(places, about=replace(places.about, valid_from=first, valid_to=last, trial=trial))
        if places.about.state is not SetState.WITHDRAWN:
            check(known, changed)
        others = [one for one in known.every_set.values() if one.id != set_id]
        if home_of([*others, changed], known.hamlets.values()) != known.home:
            raise Conflict(
                mark(
                    "With these days another boundary set would be the one of the list of hamlets, by which households "
                    "without a position are placed. {set} keeps its days."
                ),
                set=set_id,
            )
        kept.set_days(connection, set_id, first, last, trial)
        kept.raise_revision(reference.database, connection)
        number = None if user is OPERATOR else user.id
        facts = {"begin": first.isoformat() if first else "-", "end": last.isoformat() if last else "-", "trial": trial}
        audit.record(reference, connection, number, user.name, "set.days", set_id, facts)


def side_by_side(known: Known) -> list[tuple[str, str, Finding]]:
    """Every two sets that hold on the same days and the same ground, so that a day alone says not which is meant."""
    found = []
    lasting = (each for each in known.sets.values() if not each.about.trial)
    for one, other in combinations(sorted(lasting, key=lambda each: each.id), 2):
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
    words = mark(
        "{one} and {other} hold on the same ground and the same days ({begin} – {end}), so that a day alone does not "
        "say which is meant. Withdraw one of them, or change the days of one."
    )
    return Finding("same_period", words, tuple(_facts(one, other).items()))


def _facts(one: PlaceSet, other: PlaceSet) -> dict[str, str]:
    """Labels of two sets and the days that they share."""
    begins = [each for each in (one.about.valid_from, other.about.valid_from) if each]
    ends = [each for each in (one.about.valid_to, other.about.valid_to) if each]
    return {
        "one": one.about.label,
        "other": other.about.label,
        "begin": shown_day(max(begins)) if begins else "…",
        "end": shown_day(min(ends)) if ends else "…",
    }


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
