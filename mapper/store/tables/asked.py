"""What users keep of their own questions, and the files that they asked for."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mapper.store.sealing import SealedBytes, SealedText
from mapper.store.tables.schema import metadata

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("query", SealedText, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("user_id", "name"),
    comment="Filters that users keep by name. query: the part of an address behind the question mark.",
)

asked_files = Table(
    "asked_files",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("allowed", Text, nullable=False),
    Column("name", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("query", SealedText, nullable=False),
    Column("language", String, nullable=False),
    Column("asked_at", String, nullable=False),
    Column("told_at", String, nullable=False),
    Column("state", String, nullable=False),
    Column("share", Float, nullable=False),
    Column("to_stop", Boolean, nullable=False),
    Column("file", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    comment="Files that take a while and wait to be fetched, for some hours. allowed: JSON of the role and areas that "
    "the user had. query: JSON of the address of the page that waits. told_at: when the process that makes it last "
    "said so. file: its name in the folder of the machine that made it. number: of people or submissions in it.",
)

asked_file_pieces = Table(
    "asked_file_pieces",
    metadata,
    Column("file_id", String, ForeignKey("asked_files.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("content", SealedBytes, nullable=False),
    PrimaryKeyConstraint("file_id", "position"),
    comment="On PostgreSQL the bytes of such a file, piece by piece, for the other machines; on SQLite none.",
)
