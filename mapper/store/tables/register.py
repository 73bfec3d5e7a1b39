"""Households, people and doses as all that was told makes them known; derived."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mapper.store.sealing import SealedText
from mapper.store.tables.schema import metadata

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A household's number, which holds its shelf: see domain.shelves. On SQLite every INTEGER can."""

households = Table(
    "households",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("instance_id", String, nullable=False),
    Column("visited_on", Date, nullable=False),
    Column("outcome", String, nullable=False),
    Column("hamlet_code", String),
    Column("commune_code", String),
    Column("house_number", SealedText(String)),
    Column("head", SealedText(String)),
    Column("phone", SealedText(String)),
    Column("lat", Float),
    Column("lon", Float),
    Column("accuracy_m", Float),
    Column("point_state", String, nullable=False),
    Column("expected_members", Integer),
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("steps", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("trunk_version", Integer),
    Column("branch_id", String),
    # By id first: SQLite would else look through a whole campaign for the households of a cell. On PostgreSQL each
    # shelf has this of its own, and so have the references to households: see store.shelves.
    UniqueConstraint("id", "campaign_id"),
    Index("ix_households_cell_id", "cell_id"),
    comment="The register: each household as all that was told of it makes it known; steps as JSON. seq: its shelf, "
    "and the seq of the first submission that tells of it, its edits standing in its place; no other household has it. "
    "version, trunk_version and branch_id are those of the ODK entity.",
)

people = Table(
    "people",
    metadata,
    Column("household_seq", _NUMBER, ForeignKey("households.seq"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", String, nullable=False),
    Column("reported_on", Date, nullable=False),
    Column("name", SealedText(String)),
    Column("born_on", Date),
    Column("birth_precision", String),
    Column("sex", String),
    Column("residence", String, nullable=False),
    Column("away_place", SealedText(String)),
    Column("priorities", String, nullable=False),
    Column("contraindicated", Boolean, nullable=False),
    Column("contraindication", String),
    Column("deferred_until", Date),
    Column("deferral_reason", String),
    Column("infected_on", Date),
    Column("refused", Boolean, nullable=False),
    Column("refusal_reason", String),
    Column("vaccination_unknown", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("trunk_version", Integer),
    Column("branch_id", String),
    PrimaryKeyConstraint("household_seq", "position"),
    comment="priorities: codes joined by spaces; version, trunk_version and branch_id are those of the ODK entity.",
    sqlite_with_rowid=False,
)

doses = Table(
    "doses",
    metadata,
    Column("household_seq", _NUMBER, ForeignKey("households.seq"), nullable=False),
    Column("person_position", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("given_on", Date),
    Column("vaccine", String),
    Column("lot", String),
    Column("place", String),
    Column("evidence", String),
    PrimaryKeyConstraint("household_seq", "person_position", "position"),
    sqlite_with_rowid=False,
)

findings = Table(
    "findings",
    metadata,
    Column("household_seq", _NUMBER, ForeignKey("households.seq"), nullable=False),
    Column("instance_id", String, nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("cell_id", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("facts", SealedText, nullable=False),
    PrimaryKeyConstraint("household_seq", "instance_id", "position"),
    comment="What a supervisor should look at in a submission that counts all the same.",
    sqlite_with_rowid=False,
)
