"""The ledger of vaccine."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from mapper.store.tables.schema import metadata

stock_entries = Table(
    "stock_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", String, nullable=False),
    Column("store", String, nullable=False),
    Column("formulation", String, nullable=False),
    Column("lot", String, nullable=False),
    Column("doses", Integer, nullable=False),
    Column("vial_doses", Integer, nullable=False),
    Column("expiry", Date),
    Column("other", String),
    Column("reason", String),
    Column("difference", Integer, nullable=False),
    Column("undoes", Integer, ForeignKey("stock_entries.seq")),
    Column("document", Text, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Index("ix_stock_entries_lot", "campaign_id", "formulation", "lot"),
    UniqueConstraint("undoes"),
    comment="Doses of vaccine that were allocated, received, used, wasted, moved and counted. Rows are added and never "
    "changed: one that was wrong is undone by another that names it in undoes. store, other: SET/LEVEL:CODE of a unit, "
    "or site:CODE. difference: of a count, what was counted less what was there. user_id: NULL at the command line.",
)
