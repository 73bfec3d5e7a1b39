"""What stays of people who were erased: that somebody was, marks that keep them out, and numbers without anybody."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table, Text

from mapper.store.tables.counted import HOUSE_COLUMNS, STATE_COLUMNS
from mapper.store.tables.schema import metadata

erasures = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("taken", Text, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    comment="That somebody was erased, never who. kind: person, household or campaign. reason: a word of the program. "
    "taken: JSON of how much of what was taken out. user_id: NULL at the command line.",
)

erased_marks = Table(
    "erased_marks",
    metadata,
    Column("mark", String(64), primary_key=True),
    Column("erasure_id", Integer, ForeignKey("erasures.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("former", String(64)),
    comment="Keyed hashes of ids that must not come back. kind: submission, of which nothing is here any more; "
    "redacted, which is here without the person; household; person; name, of somebody without an id of their own. "
    "former: SHA-256 of the submission as it came.",
)

counts_left = Table(
    "counts_left",
    metadata,
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in STATE_COLUMNS),
    PrimaryKeyConstraint("cell_id", "series_id", "day"),
    sqlite_with_rowid=False,
    comment="The share of tallies of those who were erased, all of a cell together; a rebuild adds it.",
)

houses_left = Table(
    "houses_left",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in HOUSE_COLUMNS),
    PrimaryKeyConstraint("campaign_id", "cell_id", "day"),
    sqlite_with_rowid=False,
    comment="The same of the tallies of houses.",
)
