"""Whether the tallies of some cells are what their households add up to."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from mapper.store import tables, tallies
from mapper.store.database import Database
from mapper.store.register import read_steps

_h, _totals = tables.households, tables.house_totals


def some_cells(connection: Connection, most: int, seed: int) -> list[int]:
    """At most so many cells that households were counted in, drawn by a seed; in their order."""
    every = sorted(connection.scalars(select(_totals.c.cell_id).distinct()))
    return sorted(random.Random(seed).sample(every, min(most, len(every))))  # noqa: S311


def wrong_cells(database: Database, connection: Connection, cell_ids: Sequence[int]) -> list[int]:
    """Those of the cells whose tallies of people or of houses are not what a recount gives.

    Recounted are their households, and what stays of people who were erased is added.
    """
    people = _kept(database, connection, tables.counts_left, cell_ids)
    houses = _kept(database, connection, tables.houses_left, cell_ids)
    steps = tallies.Steps()
    wanted = select(_h.c.campaign_id, _h.c.cell_id, _h.c.visited_on, _h.c.steps)
    for campaign, cell, day, text in connection.execute(wanted.where(database.among(_h.c.cell_id, cell_ids))):
        counts, moves = read_steps(text)
        steps.gather(cell, moves, 1)
        houses[campaign, cell, day.toordinal()].update(dict(enumerate(counts)))
    for some in steps.sums():
        for cell, series, on, *states in some:
            people[cell, series, on].update(dict(enumerate(states)))
    wrong = {place[0] for place in _differing(people, _kept(database, connection, tables.tallies, cell_ids))}
    wrong |= {place[1] for place in _differing(houses, _kept(database, connection, tables.house_tallies, cell_ids))}
    return sorted(wrong)


Kept = defaultdict[tuple[Any, ...], Counter[int]]
"""Numbers by their place among the columns, under the key of the row."""


def _kept(database: Database, connection: Connection, table: Table, cell_ids: Sequence[int]) -> Kept:
    key = list(table.primary_key.columns)
    numbers = [column for column in table.columns if not column.primary_key]
    found: Kept = defaultdict(Counter)
    rows = connection.execute(select(*key, *numbers).where(database.among(table.c.cell_id, cell_ids)))
    for row in rows:
        found[tuple(row[: len(key)])].update(dict(enumerate(row[len(key) :])))
    return found


def _differing(one: Kept, other: Kept) -> list[tuple[Any, ...]]:
    # Counters are equal where they differ by numbers of nothing alone.
    return [place for place in one.keys() | other.keys() if one[place] != other[place]]
