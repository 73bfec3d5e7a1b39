"""Slips that were given to people: what proves one, and nothing of what stands on it."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table

from mapper.store.tables.schema import metadata

slips = Table(
    "slips",
    metadata,
    Column("id", String, primary_key=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("household_id", String, nullable=False),
    Column("person_id", String, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", String(64), nullable=False),
    Column("key_id", String, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("issued_at", String, nullable=False),
    Column("issued_by", Integer, ForeignKey("users.id")),
    Column("revoked_at", String),
    Column("revoked_by", Integer, ForeignKey("users.id")),
    Column("reason", String),
    Index("ix_slips_household", "campaign_id", "household_id"),
    Index("ix_slips_revoked_at", "revoked_at"),
    comment="Slips given out; no name, birth or dose stands here. sha256: of the signed text. content: keyed hash of "
    "what the register said of the person, so that a later change shows. reason: a word of the program.",
)
