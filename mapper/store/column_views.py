"""Views of the people whom a filter wants, besides the list of them: their houses, places, days, and what was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from mapper.domain.ledger import INSIDE, State
from mapper.store.column_conditions import ON_EARTH, Condition
from mapper.store.columns import Asking

_WANTED = "people p JOIN houses h USING (seq)"
_ON_EARTH = f"({ON_EARTH})"


class HouseFound(NamedTuple):
    """A house with people wanted; people: how many of them."""

    cell: int
    id: str
    instance_id: str
    visited_on: date
    outcome: str
    house_number: str | None
    head: str | None
    phone: str | None
    lat: float | None
    lon: float | None
    people: int


class Dot(NamedTuple):
    """A house on the map."""

    cell: int
    house_number: str | None
    lat: float
    lon: float
    people: int


def houses(asking: Asking, wanted: Condition, first: int, limit: int) -> list[HouseFound]:
    """Some of the houses that people wanted belong to, in the order of lists."""
    # One row a house before it is ordered: what it shows is read for those of the page only.
    rows = asking.rows(
        f"WITH found AS (SELECT p.seq, count(*) AS people FROM {_WANTED} WHERE {wanted.sql} GROUP BY p.seq) "
        "SELECT h.cell, h.id, h.instance_id, h.visited_on, h.outcome, h.house_number, h.head, h.phone, h.lat, h.lon, "
        "found.people FROM found JOIN houses h USING (seq) JOIN places o ON o.cell = h.cell "
        f"ORDER BY o.rank, h.number_order, h.seq LIMIT {int(limit)} OFFSET {int(first)}",
        wanted.values,
    )
    return [HouseFound(*row) for row in rows]


def dots(asking: Asking, wanted: Condition, most: int) -> list[Dot] | None:
    """The houses of people wanted that have a position; None where they are more than ``most``."""
    rows = asking.rows(
        f"SELECT h.cell, any_value(h.house_number), any_value(h.lat), any_value(h.lon), count(*) FROM {_WANTED} "
        f"WHERE ({wanted.sql}) AND {_ON_EARTH} GROUP BY h.cell, h.seq ORDER BY h.cell, h.seq LIMIT {int(most) + 1}",
        wanted.values,
    )
    return None if len(rows) > most else [Dot(*row) for row in rows]


def entering_by_day(
    asking: Asking, wanted: Condition, series: Sequence[int], between: tuple[date, date], begins: date, due: bool
) -> list[tuple[int, date, int]]:
    """Of people wanted who come into something: (cell, day, how many) of each day between two, both taken in.

    series: positions of the series asked about. due: into being due, else into the group. begins: the campaign's first
    day, on which nothing came about.
    """
    how, values = ("s.state = ?", [INSIDE.index(State.DUE)]) if due else ("s.enters", [])
    rows = asking.rows(
        f"SELECT p.cell, s.since, count(DISTINCT p.person) FROM {_WANTED} JOIN standings s ON s.person = p.person "
        f"WHERE ({wanted.sql}) AND s.series IN (SELECT unnest(?)) AND s.since BETWEEN ? AND ? AND s.since > ? "
        f"AND {how} GROUP BY p.cell, s.since ORDER BY s.since, p.cell",
        [*wanted.values, list(series), *(day.toordinal() for day in (*between, begins)), *values],
    )
    return [(cell, date.fromordinal(since), number) for cell, since, number in rows]


def told(asking: Asking, wanted: Condition, most: int = 200) -> dict[str, list[tuple[str, int]]]:
    """What people wanted have of lots, canvassers, priorities and reasons, the most frequent first, with how many."""
    people = f"FROM {_WANTED} WHERE {wanted.sql}"
    questions = {
        "lots": (
            "SELECT d.lot, count(DISTINCT d.person) FROM doses d WHERE d.lot IS NOT NULL "
            f"AND d.person IN (SELECT p.person {people})"
        ),
        "senders": f"SELECT h.sender, count(*) {people} AND h.sender IS NOT NULL",
        "priorities": f"SELECT unnest(p.priorities), count(*) {people}",
        "contraindicated": f"SELECT p.contraindication, count(*) {people} AND p.contraindicated",
        "deferred": f"SELECT p.deferral_reason, count(*) {people} AND p.deferred_until IS NOT NULL",
        "refused": f"SELECT p.refusal_reason, count(*) {people} AND p.refused",
    }
    return {
        name: [
            (str(word), number)
            for word, number in asking.rows(
                f"{sql} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(most)}".replace("WHERE true AND", "WHERE"),
                wanted.values,
            )
            if word is not None and str(word)
        ]
        for name, sql in questions.items()
    }
