"""Whether the tallies of some cells are what their households add up to."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select

from mapper.store import tables, tallies
from mapper.store.database import Database
from mapper.store.register import read_steps
from mapper.store.tables import HOUSE_COLUMNS, STATE_COLUMNS

_h, _t, _ht, _totals = tables.households, tables.tallies, tables.house_tallies, tables.house_totals


def some_cells(connection: Connection, most: int, seed: int) -> list[int]:
    """At most so many cells that households were counted in, drawn by a seed; in their order."""
    every = sorted(connection.scalars(select(_totals.c.cell_id).distinct()))
    return sorted(random.Random(seed).sample(every, min(most, len(every))))  # noqa: S311  a sample, no secret


def wrong_cells(database: Database, connection: Connection, cell_ids: Sequence[int]) -> list[int]:
    """Those of the cells whose tallies of people or of houses are not what a recount of their households gives."""
    people: dict[tuple[int, int, int], tuple[int, ...]] = {}
    houses: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0] * len(HOUSE_COLUMNS))
    steps = tallies.Steps()
    wanted = select(_h.c.campaign_id, _h.c.cell_id, _h.c.visited_on, _h.c.steps)
    for campaign, cell, day, text in connection.execute(wanted.where(database.among(_h.c.cell_id, cell_ids))):
        assert isinstance(day, date)
        counts, moves = read_steps(text)
        steps.gather(cell, moves, 1)
        summed = houses[campaign, cell, day.toordinal()]
        for place, number in enumerate(counts):
            summed[place] += number
    for some in steps.sums():
        for cell, series, on, *states in some:
            people[cell, series, on] = tuple(states)
    kept_people = {
        tuple(row[:3]): tuple(row[3:])
        for row in connection.execute(
            select(_t.c.cell_id, _t.c.series_id, _t.c.day, *(_t.c[name] for name in STATE_COLUMNS)).where(
                database.among(_t.c.cell_id, cell_ids)
            )
        )
        if any(row[3:])
    }
    kept_houses = {
        tuple(row[:3]): tuple(row[3:])
        for row in connection.execute(
            select(_ht.c.campaign_id, _ht.c.cell_id, _ht.c.day, *(_ht.c[name] for name in HOUSE_COLUMNS)).where(
                database.among(_ht.c.cell_id, cell_ids)
            )
        )
        if any(row[3:])
    }
    recounted = {place: tuple(counts) for place, counts in houses.items() if any(counts)}
    wrong = {place[0] for place in _differing(people, kept_people)}
    return sorted(wrong | {place[1] for place in _differing(recounted, kept_houses)})


def _differing(one: dict, other: dict) -> list:  # type: ignore[type-arg]
    return [place for place in one.keys() | other.keys() if one.get(place) != other.get(place)]
