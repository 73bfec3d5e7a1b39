"""Extracts of the national immunisation register: as they were given, beside the census and never mixed with it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from mapper.store.sealing import SealedText
from mapper.store.tables.schema import metadata

register_extracts = Table(
    "register_extracts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False, index=True),
    Column("set_id", String, nullable=False),
    Column("file_name", String, nullable=False),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Column("people", Integer),
    Column("skipped", Integer),
    comment="A file of the national register as it was uploaded. people: entries understood, NULL while somebody still "
    "has to say which column holds what. set_id: the boundary set that its communes are looked up in.",
)

register_rows = Table(
    "register_rows",
    metadata,
    Column("extract_id", Integer, ForeignKey("register_extracts.id"), nullable=False),
    Column("row", Integer, nullable=False),
    Column("code", SealedText(String), nullable=False),
    Column("name", SealedText(String), nullable=False),
    Column("born_on", Date),
    Column("birth_precision", String, nullable=False),
    Column("sex", String, nullable=False),
    Column("phone", SealedText(String), nullable=False),
    Column("national_id", SealedText(String), nullable=False),
    Column("commune_code", String, nullable=False),
    Column("commune", String, nullable=False),
    Column("hamlet", String, nullable=False),
    Column("unit_code", String),
    Column("doses", Text, nullable=False),
    PrimaryKeyConstraint("extract_id", "row"),
    comment="People of an extract. unit_code: the commune in the extract's set, NULL where it is none. doses: JSON.",
    sqlite_with_rowid=False,
)

register_layouts = Table(
    "register_layouts",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("key", String(64), nullable=False),
    Column("said", Text, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("campaign_id", "key"),
    comment="Which column holds what in tables of a layout, as it was last said: JSON of the columns' places by role. "
    "key: SHA-256 of the columns' names.",
)

register_decisions = Table(
    "register_decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("theirs", String, nullable=False),
    Column("ours", String, nullable=False),
    Column("same", Boolean),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Index("ix_register_decisions_campaign", "campaign_id", "theirs"),
    comment="Whether an entry of the national register and a person of the census are one; NULL takes back what was "
    "said. The newest row of a pair counts, none is changed. theirs: the entry's number in the register, else a digest "
    "of name, birth, phone and commune; ours: household and person.",
)
