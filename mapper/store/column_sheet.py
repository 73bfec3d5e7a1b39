"""The copy of the register as one wide table: a row a person, with their household and columns for each dose."""

from __future__ import annotations

from collections.abc import Sequence

from mapper.store.column_conditions import Condition

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


def sheet_statement(wanted: Condition, codes: Sequence[str]) -> str:
    """A query for some cells' people, with ORDER besides. Values: the cells, the filter's, series, day, day, codes.

    codes: of the campaign's doses, for each of which the values end with its code once; then all of them as a list.
    A dose told twice stands in its columns as it was told first; the other, and doses that the campaign does not
    know, stand in ``other_doses`` as text.
    """
    chosen = ", ".join([f"p.{name}" for name in _OF_PERSON] + [f"h.{name}" for name in _OF_HOUSE])
    shown = ", ".join(f"d{place}.{fact} AS d{place}_{fact}" for place in range(len(codes)) for fact in FACTS)
    joined = " ".join(
        f"LEFT JOIN told d{place} ON d{place}.person = w.person AND d{place}.code = ? AND d{place}.first"
        for place in range(len(codes))
    )
    return (
        f"WITH w AS MATERIALIZED (SELECT {chosen}, h.id AS household_id, o.rank AS place_rank FROM people p "
        "JOIN houses h USING (seq) JOIN places o ON o.cell = p.cell "
        f"WHERE p.cell IN (SELECT unnest(?)) AND {wanted.sql}), "
        "told AS MATERIALIZED (SELECT d.*, d.position = f.position AS first FROM doses d "
        "SEMI JOIN w ON w.person = d.person JOIN (SELECT person, code, min(position) AS position FROM doses "
        "WHERE cell IN (SELECT cell FROM w) GROUP BY person, code) f ON f.person = d.person AND f.code = d.code), "
        "stands AS (SELECT person, state FROM standings WHERE series = ? AND since <= ? AND until > ?) "
        f"SELECT w.*, stands.state{', ' if shown else ''}{shown}, rest.other_doses "
        f"FROM w LEFT JOIN stands ON stands.person = w.person {joined} "
        "LEFT JOIN (SELECT person, string_agg(concat_ws(' ', code, given_on, vaccine, lot), '; ' ORDER BY position) "
        "AS other_doses FROM told WHERE NOT first OR NOT list_contains(?, code) GROUP BY person) rest "
        "ON rest.person = w.person"
    )
