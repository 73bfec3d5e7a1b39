"""Users, their areas and phones, and the trail of what they did."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from mapper.store.tables.schema import metadata

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("password_hash", String),
    Column("token_sha256", String(64), unique=True),
    Column("digest_ha1", String),
    Column("active", Boolean, nullable=False),
    Column("session_epoch", Integer, nullable=False),
    Column("token_epoch", Integer, nullable=False),
    Column("created_at", String, nullable=False),
    comment="A token is made from the installation's key, the user's number and token_epoch, so that a QR code can be "
    "shown again; of the token only its SHA-256 is kept.",
)

user_areas = Table(
    "user_areas",
    metadata,
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("set_id", String, nullable=False),
    Column("code", String, nullable=False),
    PrimaryKeyConstraint("user_id", "set_id", "code"),
    comment="A unit of a set, or with an empty set_id a hamlet, whose households the user may see; of a canvasser, "
    "with the set_id 'drawn', the number of a drawn area.",
)

drawn_areas = Table(
    "drawn_areas",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("label", String, nullable=False),
    Column("wkb", LargeBinary, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("drawn_at", String, nullable=False),
    comment="An area that a supervisor drew on the map; EPSG:4326 MultiPolygon as WKB.",
)

phone_contacts = Table(
    "phone_contacts",
    metadata,
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
    Column("seen_at", String, nullable=False),
    Column("device_id", String),
    Column("application", String),
    comment="When a user's phone last asked for its forms, which it does even where nothing is left to send.",
)

phone_rounds = Table(
    "phone_rounds",
    metadata,
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), primary_key=True),
    Column("round", Integer, nullable=False),
    Column("rows", LargeBinary, nullable=False),
    comment="What a user's phone was last handed of a campaign, as hashes: of each row the round in which it became "
    "what it is. round: the newest one.",
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", String, nullable=False, index=True),
    Column("user_id", Integer, index=True),
    Column("user_name", String, nullable=False),
    Column("action", String, nullable=False, index=True),
    Column("subject", String, nullable=False),
    Column("facts", Text, nullable=False),
    Column("chain", String(64), nullable=False),
    comment="Who did what. Triggers refuse every change; chain: SHA-256 over this row and the chain of the row before, "
    "so that a change behind their back shows.",
)
