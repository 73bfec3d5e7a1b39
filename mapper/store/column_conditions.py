"""The columns of the copy that DuckDB filters, and a filter as a condition over them.

``people`` p and ``houses`` h are joined by seq. ``person`` numbers people: their household's seq and their position.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mapper.domain.campaign import days_of
from mapper.domain.ledger import INSIDE, State
from mapper.domain.people import AWAY
from mapper.domain.people_filter import Entering, Obstacle, PeopleFilter, phone_digits, search_words
from mapper.domain.places import USABLE, Placement

ON_EARTH = f"lat IS NOT NULL AND point_state IN ('{USABLE}', '{Placement.POOR_ACCURACY}')"
"""Houses whose point is a position at all, however exact."""

PERSON = 1024
"""A person's number: seq of the household times this, and the position in it."""

_TEXT, _DAY, _COUNT, _LONG, _YES, _REAL = "string", "date32", "int32", "int64", "bool_", "float64"
_WORDS, _PLACE, _STATE = "list of string", "int16", "int8"

TABLES: dict[str, dict[str, str]] = {
    "houses": {
        "seq": _LONG,
        "cell": _COUNT,
        "id": _TEXT,
        "instance_id": _TEXT,
        "visited_on": _DAY,
        "outcome": _TEXT,
        "house_number": _TEXT,
        "number_order": _TEXT,
        "head": _TEXT,
        "head_folded": _TEXT,
        "phone": _TEXT,
        "phone_digits": _TEXT,
        "lat": _REAL,
        "lon": _REAL,
        "accuracy_m": _REAL,
        "point_state": _TEXT,
        "sender": _COUNT,
        "review": _TEXT,
    },
    "people": {
        "person": _LONG,
        "seq": _LONG,
        "cell": _COUNT,
        "id": _TEXT,
        "name": _TEXT,
        "folded": _TEXT,
        "born_on": _DAY,
        "birth_precision": _TEXT,
        "sex": _TEXT,
        "residence": _TEXT,
        "away_place": _TEXT,
        "priorities": _WORDS,
        "contraindicated": _YES,
        "contraindication": _TEXT,
        "deferred_until": _DAY,
        "deferral_reason": _TEXT,
        "infected_on": _DAY,
        "refused": _YES,
        "refusal_reason": _TEXT,
        "vaccination_unknown": _YES,
        "reported_on": _DAY,
    },
    "doses": {
        "person": _LONG,
        "cell": _COUNT,
        "position": _COUNT,
        "code": _TEXT,
        "given_on": _DAY,
        "vaccine": _TEXT,
        "lot": _TEXT,
        "place": _TEXT,
        "evidence": _TEXT,
    },
    # Where a person stands in a series of the campaign from one day up to, but not on, another: ordinals of days.
    # enters: whether they were not in the group before.
    "standings": {
        "person": _LONG,
        "cell": _COUNT,
        "series": _PLACE,
        "state": _STATE,
        "since": _COUNT,
        "until": _COUNT,
        "enters": _YES,
    },
}
"""The columns of each table with their kinds, as Arrow calls them; Arrow itself is loaded where a copy is opened."""


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that holds for whoever is wanted, with the values of its places."""

    sql: str
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter's words mean in a campaign. day: asked about. cells: that count, None for all.

    of_group: positions in ``Campaign.series`` of the series of the filter's group; series: the one of its dose too.
    births: first and last birth, as ordinals, of the ages asked. within: whether a table ``within`` of the seq of
    households inside the drawn polygon is registered; invited: whether one of the ids of people invited is. first: the
    campaign's first day.
    """

    day: date
    cells: Sequence[int] | None = None
    of_group: Sequence[int] = ()
    series: int | None = None
    births: tuple[int, int] | None = None
    within: bool = False
    invited: bool = False
    first: date = date.min


def condition(wanted: PeopleFilter, scope: Scope) -> Condition:
    """A filter over ``people p JOIN houses h``."""
    found = _Conditions()
    if scope.cells is not None:
        found.add("p.cell IN (SELECT unnest(?))", list(scope.cells))
    if scope.within:
        found.add("p.seq IN (SELECT seq FROM within)")
    for word in search_words(wanted.text):
        _word(found, word)
    _standing(found, wanted, scope)
    if scope.births is not None:
        born = days_of(scope.births)
        if born is None:
            found.add("false")
        else:
            found.add("p.born_on BETWEEN ? AND ?", *born)
    for column, values in (
        ("p.sex", wanted.sexes),
        ("p.residence", wanted.residences),
        ("h.outcome", wanted.outcomes),
        ("h.sender", wanted.senders),
        ("h.review", wanted.reviews),
    ):
        if values:
            found.add(f"{column} IN (SELECT unnest(?))", list(values))
    if wanted.priorities:
        found.add("list_has_any(p.priorities, ?)", list(wanted.priorities))
    _period(found, "h.visited_on", wanted.visited_from, wanted.visited_to)
    if scope.invited:
        found.add("p.id IN (SELECT id FROM invited)")
    if wanted.asks_dose:
        _dose(found, wanted)
    if wanted.reasons:
        _reasons(found, wanted)
    return found.joined()


class _Conditions:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, sql: str, *values: Any) -> None:
        self.parts.append(sql)
        self.values += values

    def joined(self, word: str = " AND ", empty: str = "true") -> Condition:
        return Condition(word.join(f"({part})" for part in self.parts) or empty, tuple(self.values))


_YEAR = re.compile(r"(19|20)\d\d")


def _word(found: _Conditions, word: str) -> None:
    """A word of free text: the beginning of a word of a name, a run of a phone's digits, or a year of birth."""
    either = _Conditions()
    either.add("contains(p.folded, ?)", f" {word}")
    either.add("contains(h.head_folded, ?)", f" {word}")
    digits = phone_digits(word)
    if len(digits) >= 3 and len(digits) >= len(word) - 3:
        either.add("contains(h.phone_digits, ?)", digits)
    if _YEAR.fullmatch(word):
        either.add("year(p.born_on) = ?", int(word))
    told = either.joined(" OR ")
    found.add(told.sql, *told.values)


def _standing(found: _Conditions, wanted: PeopleFilter, scope: Scope) -> None:
    series = list(scope.of_group) if scope.series is None else [scope.series]
    if wanted.group and not wanted.entering:
        inside = [INSIDE.index(state) for state in wanted.states if state is not State.OUTSIDE]
        on = scope.day.toordinal()
        sql = (
            "p.person IN (SELECT person FROM standings WHERE series IN (SELECT unnest(?)) AND since <= ? AND until > ?"
        )
        if State.OUTSIDE not in wanted.states:
            of_states, values = (" AND state IN (SELECT unnest(?))", [inside]) if inside else ("", [])
            found.add(f"{sql}{of_states})", series, on, on, *values)
        else:
            others = [place for place in range(len(INSIDE)) if place not in inside]
            found.add(f"NOT ({sql} AND state IN (SELECT unnest(?))))", series, on, on, others)
    if wanted.entering and wanted.entering_from and wanted.entering_to:
        first, last = max(wanted.entering_from, scope.first).toordinal(), wanted.entering_to.toordinal()
        # What was so on the campaign's first day did not come about on it.
        sql = (
            "p.person IN (SELECT person FROM standings WHERE series IN (SELECT unnest(?)) "
            "AND since BETWEEN ? AND ? AND since > ?"
        )
        begins = scope.first.toordinal()
        if wanted.entering is Entering.GROUP:
            found.add(f"{sql} AND enters)", series, first, last, begins)
        else:
            found.add(f"{sql} AND state = ?)", series, first, last, begins, INSIDE.index(State.DUE))


def _period(found: _Conditions, column: str, first: date | None, last: date | None) -> None:
    if first is not None:
        found.add(f"{column} >= ?", first)
    if last is not None:
        found.add(f"{column} <= ?", last)


def _dose(found: _Conditions, wanted: PeopleFilter) -> None:
    dose = _Conditions()
    for column, values in (("code", wanted.given), ("vaccine", wanted.vaccines), ("lot", wanted.lots)):
        if values:
            dose.add(f"{column} IN (SELECT unnest(?))", list(values))
    _period(dose, "given_on", wanted.given_from, wanted.given_to)
    told = dose.joined()
    found.add(f"p.person IN (SELECT person FROM doses WHERE {told.sql})", *told.values)


_OBSTACLES: dict[Obstacle, tuple[str, str]] = {
    Obstacle.CONTRAINDICATED: ("p.contraindicated", "p.contraindication"),
    Obstacle.DEFERRED: ("p.deferred_until IS NOT NULL", "p.deferral_reason"),
    Obstacle.REFUSED: ("p.refused", "p.refusal_reason"),
    Obstacle.AWAY: (f"p.residence IN ({', '.join(repr(str(word)) for word in sorted(AWAY))})", "p.away_place"),
}


def _reasons(found: _Conditions, wanted: PeopleFilter) -> None:
    either = _Conditions()
    for obstacle, reason in wanted.reasons:
        so, told = _OBSTACLES[obstacle]
        if reason is None:
            either.add(so)
        else:
            either.add(f"{so} AND coalesce({told}, '') = ?", reason)
    joined = either.joined(" OR ")
    found.add(joined.sql, *joined.values)
