"""Tallies of states and of houses; derived."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from mapper.domain.ledger import INSIDE
from mapper.store.tables.schema import metadata

STATE_COLUMNS: tuple[str, ...] = tuple(state.value for state in INSIDE)

tallies = Table(
    "tallies",
    metadata,
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in STATE_COLUMNS),
    PrimaryKeyConstraint("cell_id", "series_id", "day"),
    sqlite_with_rowid=False,
    comment="People entering (+) and leaving (-) each state on a day; the running sum is the ledger of a day. "
    "By cell first: a household changes many series of one cell, on few pages.",
)

HOUSE_COLUMNS: tuple[str, ...] = ("visited", "interviewed", "vacant", "refused", "closed", "people")

tally_sums = Table(
    "tally_sums",
    metadata,
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("day", Integer, nullable=False),
    Column("era", String, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("cells", LargeBinary, nullable=False),
    Column("around", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series_id", "day"),
    comment="Tallies summed up to some days, as they were once: what a process that has just started need not add up. "
    "era and changes: of the tallies then. cells, around: see store.tally_sums.",
)

house_tallies = Table(
    "house_tallies",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in HOUSE_COLUMNS),
    PrimaryKeyConstraint("campaign_id", "cell_id", "day"),
    sqlite_with_rowid=False,
    comment="Households by the day of the visit that counts; closed: absent or locked.",
)

house_totals = Table(
    "house_totals",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("changes", BigInteger, nullable=False),
    *(Column(name, Integer, nullable=False) for name in HOUSE_COLUMNS),
    PrimaryKeyConstraint("campaign_id", "cell_id"),
    sqlite_with_rowid=False,
    comment="The same over all days, since coverage counts every visit known now. changes: in how many transactions "
    "anything of this campaign and cell was counted, so that whoever remembers its tallies knows whether they hold.",
)
