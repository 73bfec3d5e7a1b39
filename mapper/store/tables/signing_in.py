"""Who is signed in with a browser, and how often somebody tried in vain."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, String, Table

from mapper.store.tables.schema import metadata

sessions = Table(
    "sessions",
    metadata,
    Column("key_sha256", String(64), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("begun_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("browser", String, nullable=False),
    comment="Browsers that are signed in. Of a session's key only its SHA-256 is kept; epoch: session_epoch of the "
    "user when it began. begun_at, seen_at: seconds since 1970.",
)

failed_tries = Table(
    "failed_tries",
    metadata,
    Column("key", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
    comment="How often signing in failed of late; key: what is counted, hashed with the installation's key, so that it "
    "names nobody. ends_at: seconds since 1970, when it counts no longer.",
)
