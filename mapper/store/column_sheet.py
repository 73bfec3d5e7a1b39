"""The copy of the register as one wide table: a row a person, with their household and columns for each dose.

Three narrow questions, put together here: many wide rows are joined and ordered in a fraction of DuckDB's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mapper.store.column_conditions import Condition

if TYPE_CHECKING:
    import pyarrow as pa

FACTS = ("given_on", "vaccine", "lot", "place", "evidence")
"""What is told of a dose; column ``d0_given_on`` and so on for the first of the campaign's doses."""

_OF_PERSON = (
    *("person", "cell", "id", "name", "born_on", "birth_precision", "sex", "residence", "away_place", "priorities"),
    *("contraindicated", "contraindication", "deferred_until", "deferral_reason", "infected_on", "refused"),
    *("refusal_reason", "vaccination_unknown", "reported_on"),
)
_OF_HOUSE = (
    *("instance_id", "visited_on", "outcome", "house_number", "number_order", "head", "phone", "lat", "lon"),
    *("point_state", "sender", "review"),
)

ORDER = ("place_rank", "number_order", "person")
"""Columns that the rows of a list are sorted by: hamlet by hamlet, house by house."""

DOSES = f"SELECT person, position, code, {', '.join(FACTS)} FROM doses WHERE cell IN (SELECT unnest(?))"
"""The doses told in some cells. Values: the cells."""

STANDINGS = (
    "SELECT person, state FROM standings WHERE cell IN (SELECT unnest(?)) AND series = ? AND since <= ? AND until > ? "
)
"""Where people of some cells stand. Values: the cells, the series, the day twice."""


def people_statement(wanted: Condition) -> str:
    """A query for some cells' people with their households, and ORDER. Values: the cells twice, the filter's."""
    chosen = ", ".join([f"p.{name}" for name in _OF_PERSON] + [f"h.{name}" for name in _OF_HOUSE])
    return (
        f"SELECT {chosen}, h.id AS household_id, o.rank AS place_rank FROM people p "
        "JOIN (SELECT * FROM houses WHERE cell IN (SELECT unnest(?))) h USING (seq) JOIN places o ON o.cell = p.cell "
        f"WHERE p.cell IN (SELECT unnest(?)) AND {wanted.sql}"
    )


def put_together(people: pa.Table, doses: pa.Table, standings: pa.Table, codes: Sequence[str]) -> pa.Table:
    """People in their order, with ``state`` (null outside) and columns for their doses.

    codes: of the doses with columns. A dose told twice stands in its columns as it was told first; the other, and
    doses of other codes, stand in ``other_doses`` as text. people, standings: each person once.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    people, doses = _sorted(people, ORDER).combine_chunks(), _sorted(doses, ("person", "position"))
    stands = pc.index_in(people["person"], standings["person"])
    wide = people.append_column("state", standings["state"].take(stands))

    row = pc.index_in(doses["person"], people["person"])
    doses = doses.filter(pc.is_valid(row)).combine_chunks()
    rows = row.drop_null().to_numpy().astype(np.int64)
    code = pc.fill_null(pc.index_in(doses["code"], pa.array(codes, pa.string())), len(codes)).to_numpy()
    first = np.zeros(len(rows), dtype=bool)
    first[np.unique(rows * (len(codes) + 1) + code, return_index=True)[1]] = True
    first &= code < len(codes)
    for place in range(len(codes)):
        told = np.flatnonzero(first & (code == place))
        at = np.full(people.num_rows, -1)
        at[rows[told]] = told
        found = pa.array(at, mask=at < 0)
        for fact in FACTS:
            wide = wide.append_column(f"d{place}_{fact}", doses[fact].take(found))

    others: list[str | None] = [None] * people.num_rows
    told = np.flatnonzero(~first)
    facts = doses.select(("code", "given_on", "vaccine", "lot")).take(pa.array(told)).to_pylist()
    for number, dose in zip(rows[told].tolist(), facts, strict=True):
        text = " ".join(str(fact) for fact in dose.values() if fact is not None)
        others[number] = text if others[number] is None else f"{others[number]}; {text}"
    return wide.append_column("other_doses", pa.array(others, pa.string()))


def _sorted(table: pa.Table, columns: Sequence[str]) -> Any:
    import pyarrow.compute as pc

    return table.take(pc.sort_indices(table.select(columns), sort_keys=[(name, "ascending") for name in columns]))
