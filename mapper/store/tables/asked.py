"""What users keep of their own questions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from mapper.store.tables.schema import metadata

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("query", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("user_id", "name"),
    comment="Filters that users keep by name. query: the part of an address behind the question mark.",
)
