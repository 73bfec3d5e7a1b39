"""What was found to be odd in the register as a whole, what was decided about it, and what was mended."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table

from mapper.store.sealing import SealedText
from mapper.store.tables.schema import metadata

mendings = Table(
    "mendings",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("household_id", String, nullable=False, index=True),
    Column("other_id", String, index=True),
    Column("act", SealedText(after=","), nullable=False),
    Column("undone_at", String),
    Column("undone_upto", Integer),
    Column("undone_by", Integer, ForeignKey("users.id")),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    comment="What supervisors corrected, joined and divided, applied in this order to what submissions tell; a rebuild "
    "keeps to it. act: JSON. other_id: the second household that it is about, if any. undone_upto: of a division that "
    "was taken back, the place of the last submission known then. Nothing is ever deleted here.",
)

oddities = Table(
    "oddities",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("key", String(32), nullable=False),
    Column("rule", String, nullable=False),
    Column("cell_id", Integer, nullable=False),
    Column("household_id", String, nullable=False),
    Column("person_id", String, nullable=False),
    Column("other_household_id", String, nullable=False),
    Column("other_person_id", String, nullable=False),
    Column("facts", SealedText, nullable=False),
    PrimaryKeyConstraint("campaign_id", "key"),
    Index("ix_oddities_cell", "campaign_id", "cell_id"),
    comment="Derived: what is odd by rule or by comparison, worked out aside. key: the same for the same oddity.",
)

looked_at = Table(
    "looked_at",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("cell_id", Integer, nullable=False),
    Column("made_of", String, nullable=False),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("campaign_id", "cell_id"),
    comment="Of each cell, as of which change its households were last looked through; cell 0 stands for comparisons.",
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("key", String(32), nullable=False),
    Column("rule", String, nullable=False),
    Column("cell_id", Integer, nullable=False),
    Column("household_id", String, nullable=False),
    Column("choice", String, nullable=False),
    Column("reason", SealedText, nullable=False),
    Column("mending", Integer, ForeignKey("mendings.seq")),
    Column("instance_id", String),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Index("ix_verdicts_key", "campaign_id", "key"),
    Index("ix_verdicts_household", "household_id"),
    comment="What was decided about oddities; of one key the latest holds. mending: what was mended with it. "
    "instance_id: the submission that told of the household last.",
)
