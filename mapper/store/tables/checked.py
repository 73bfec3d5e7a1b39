"""Looking again at canvassers' work: what was explained, and houses drawn for a second interview with its answers."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer, PrimaryKeyConstraint, String, Table

from mapper.store.sealing import SealedText
from mapper.store.tables.schema import metadata

integrity_notes = Table(
    "integrity_notes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("canvasser_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("test", String, nullable=False),
    Column("upto_seq", Integer, nullable=False),
    Column("words", SealedText, nullable=False),
    Column("closes", Boolean, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    comment="How what a test showed of a canvasser was explained: closed for submissions up to a seq, or opened again. "
    "The latest counts.",
)

back_checks = Table(
    "back_checks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("canvasser_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("checker_id", Integer, ForeignKey("users.id")),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("seed", String, nullable=False),
    Column("drawn_from", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("drawn_at", String, nullable=False),
    comment="Houses of a canvasser drawn at random for a second interview. drawn_from, fingerprint: number of the "
    "interviews drawn from, and SHA-256 over their instance ids in order.",
)

back_check_houses = Table(
    "back_check_houses",
    metadata,
    Column("back_check_id", Integer, ForeignKey("back_checks.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("instance_id", String, nullable=False),
    Column("told", SealedText),
    Column("found_at", String),
    Column("found_by", Integer, ForeignKey("users.id")),
    PrimaryKeyConstraint("back_check_id", "position"),
    sqlite_with_rowid=False,
    comment="The first interview of each house drawn, and as JSON what the second one told.",
)
