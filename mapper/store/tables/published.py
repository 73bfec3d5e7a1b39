"""Facts of the installation, files by content, campaigns and forms, those being tried too."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mapper.store.sealing import SealedBytes
from mapper.store.tables.schema import metadata

facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
    comment="Facts about this installation: signing key, whether it holds invented data, reference revision.",
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("content", SealedBytes, nullable=False),
    comment="Files by content: media of forms, attachments of submissions.",
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String, primary_key=True),
    Column("toml", Text, nullable=False),
    Column("published_at", String, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("group_code", String, nullable=False),
    Column("dose_code", String, nullable=False),
    UniqueConstraint("campaign_id", "group_code", "dose_code"),
    comment="A group and a dose whose coverage is kept; the key of tallies.",
)

forms = Table(
    "forms",
    metadata,
    Column("form_id", String, nullable=False),
    Column("version", String, nullable=False),
    Column("title", String, nullable=False),
    Column("xform", LargeBinary, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("campaign_id", String, ForeignKey("campaigns.id")),
    Column("published_at", String, nullable=False),
    Column("current", Boolean, nullable=False),
    PrimaryKeyConstraint("form_id", "version"),
    comment="Every form version ever published; the current one of each form is offered to phones.",
)

form_media = Table(
    "form_media",
    metadata,
    Column("form_id", String, nullable=False),
    Column("version", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("md5", String(32), nullable=False),
    PrimaryKeyConstraint("form_id", "version", "name"),
    ForeignKeyConstraint(["form_id", "version"], ["forms.form_id", "forms.version"]),
    sqlite_with_rowid=False,
)

form_drafts = Table(
    "form_drafts",
    metadata,
    Column("form_id", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("title", String, nullable=False),
    Column("xform", LargeBinary, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("toml", Text),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("made_at", String, nullable=False),
    comment="A form being tried, one draft a form; media as JSON: name to sha256 and md5. Its phones have a token "
    "of their own.",
)

draft_submissions = Table(
    "draft_submissions",
    metadata,
    Column("instance_id", String, primary_key=True),
    Column("form_id", String, ForeignKey("form_drafts.form_id"), nullable=False, index=True),
    Column("version", String, nullable=False),
    Column("xml", SealedBytes, nullable=False),
    Column("received_at", String, nullable=False),
    Column("attachments", Text, nullable=False),
    comment="What was sent to a draft: never counted, deleted at will; attachments as JSON: name to sha256.",
)
