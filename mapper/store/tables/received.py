"""What phones sent, as it came, and what supervisors wrote and decided about it."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)

from mapper.store.sealing import SealedBytes, SealedText
from mapper.store.tables.schema import metadata

WAITS = text("state NOT IN ('processed', 'superseded')")
"""Submissions that do not count: a query that says exactly this reads their small index, never the table."""

submissions = Table(
    "submissions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("instance_id", String, nullable=False, unique=True),
    Column("deprecated_id", String, unique=True),
    Column("root_id", String, nullable=False),
    Column("form_id", String, nullable=False),
    Column("form_version", String, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("received_at", String, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("sender_id", Integer, ForeignKey("users.id")),
    Column("device_id", String),
    Column("state", String, nullable=False),
    Column("reason", SealedText),
    Column("household_id", String),
    Column("campaign_id", String),
    Column("review", String),
    Index("ix_submissions_household", "campaign_id", "household_id"),
    Index("ix_submissions_sender", "sender_id", "received_on"),
    Index("ix_submissions_waiting", "state", sqlite_where=WAITS, postgresql_where=WAITS),
    comment="Raw submissions; state says what became of each. An original has one edit at most.",
)

instances = Table(
    "instances",
    metadata,
    Column("seq", Integer, ForeignKey("submissions.seq"), primary_key=True, autoincrement=False),
    Column("xml", SealedBytes, nullable=False),
    comment="The XML of each submission, exactly as it came; apart, since what is said about a submission changes.",
)

attachments = Table(
    "attachments",
    metadata,
    Column("instance_id", String, ForeignKey("submissions.instance_id"), nullable=False),
    Column("name", String, nullable=False),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("received_at", String, nullable=False),
    PrimaryKeyConstraint("instance_id", "name", "sha256"),
    comment="Photos and audit files; names are NFC, whatever the phone wrote. Of several contents that came under one "
    "name all are kept, and the one of the highest turn counts.",
    sqlite_with_rowid=False,
)

remarks = Table(
    "remarks",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("root_id", String, nullable=False, index=True),
    Column("instance_id", String, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Column("review", String),
    Column("words", SealedText, nullable=False),
    comment="What supervisors write about a submission and its edits; review: the state that was set with it, if any.",
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("instance_id", String, nullable=False, index=True),
    Column("said", SealedText),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    comment="What a supervisor decided about an update and those that it contradicts. said: JSON, by instance id the "
    "properties [person, what, code, whether it counts]; NULL takes back what was decided before. The latest counts.",
)
