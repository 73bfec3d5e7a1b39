"""The one schema, for SQLite and PostgreSQL alike.

Raw part, never derived: forms, media, submissions, attachments, boundary sets, accounts. Derived part, rebuilt
from it at will: households, people, doses, placements, findings, cells and tallies. Timestamps are ISO 8601 text in
UTC; days of a tally are proleptic ordinals (``date.toordinal``); JSON is text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mapper.domain.ledger import INSIDE

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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
    Column("content", LargeBinary, nullable=False),
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
    Column("reason", Text),
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
    Column("xml", LargeBinary, nullable=False),
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
    Column("words", Text, nullable=False),
    comment="What supervisors write about a submission and its edits; review: the state that was set with it, if any.",
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("instance_id", String, nullable=False, index=True),
    Column("said", Text),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    comment="What a supervisor decided about an update and those that it contradicts. said: JSON, by instance id the "
    "properties [person, what, code, whether it counts]; NULL takes back what was decided before. The latest counts.",
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
    Column("xml", LargeBinary, nullable=False),
    Column("received_at", String, nullable=False),
    Column("attachments", Text, nullable=False),
    comment="What was sent to a draft: never counted, deleted at will; attachments as JSON: name to sha256.",
)

hamlets = Table(
    "hamlets",
    metadata,
    Column("code", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("commune_code", String, nullable=False),
    Column("households", Integer),
    comment="The communes' own lists; no official hamlet code or polygon exists.",
)

boundary_sets = Table(
    "boundary_sets",
    metadata,
    Column("id", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("approximate", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("levels", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("imported_at", String, nullable=False),
    Column("placer", LargeBinary, nullable=False),
    comment="levels: JSON list, outermost first; placer: the point index made from the innermost level.",
)

units = Table(
    "units",
    metadata,
    Column("set_id", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("level", String, nullable=False),
    Column("code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("parent_code", String),
    Column("area_km2", Float, nullable=False),
    Column("west", Float, nullable=False),
    Column("south", Float, nullable=False),
    Column("east", Float, nullable=False),
    Column("north", Float, nullable=False),
    Column("wkb", LargeBinary, nullable=False),
    PrimaryKeyConstraint("set_id", "level", "code"),
    comment="Units of a boundary set; EPSG:4326 MultiPolygon as WKB; parent in the level above.",
)

unit_shapes = Table(
    "unit_shapes",
    metadata,
    Column("set_id", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("level", String, nullable=False),
    Column("band", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("set_id", "level", "band"),
    comment="Outlines of a level simplified for the zooms of a band, made when the set is imported. content: deflated "
    "UTF-8: a line with the codes as a JSON list, then a line a unit with its GeoJSON geometry.",
)

households = Table(
    "households",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("instance_id", String, nullable=False),
    Column("visited_on", Date, nullable=False),
    Column("outcome", String, nullable=False),
    Column("hamlet_code", String),
    Column("commune_code", String),
    Column("house_number", String),
    Column("head", String),
    Column("phone", String),
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
    # By id first: SQLite would else look through a whole campaign for the households of a cell.
    UniqueConstraint("id", "campaign_id"),
    Index("ix_households_cell_id", "cell_id"),
    comment="The register: each household as all that was told of it makes it known; steps as JSON. seq: that of the "
    "first submission that tells of it, its edits standing in its place; no other household has it. version, "
    "trunk_version and branch_id are those of the ODK entity.",
)

people = Table(
    "people",
    metadata,
    Column("household_seq", Integer, ForeignKey("households.seq"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", String, nullable=False),
    Column("reported_on", Date, nullable=False),
    Column("name", String),
    Column("born_on", Date),
    Column("birth_precision", String),
    Column("sex", String),
    Column("residence", String, nullable=False),
    Column("away_place", String),
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
    Column("household_seq", Integer, ForeignKey("households.seq"), nullable=False),
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
    Column("instance_id", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("household_seq", Integer, ForeignKey("households.seq"), nullable=False, index=True),
    Column("cell_id", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("facts", Text, nullable=False),
    PrimaryKeyConstraint("instance_id", "position"),
    comment="What a supervisor should look at in a submission that counts all the same.",
    sqlite_with_rowid=False,
)

placements = Table(
    "placements",
    metadata,
    Column("household_seq", Integer, ForeignKey("households.seq"), nullable=False),
    Column("set_id", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("unit_code", String),
    Column("result", String, nullable=False),
    PrimaryKeyConstraint("household_seq", "set_id"),
    comment="Where a household's point lies in each set, as found, whatever commune was chosen in the form.",
    sqlite_with_rowid=False,
)

cells = Table(
    "cells",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("signature", String, nullable=False, unique=True),
    Column("hamlet_code", String),
    Column("commune_code", String),
    comment="Households alike in hamlet, chosen commune and unit of every set share a cell: what tallies count in.",
)

cell_units = Table(
    "cell_units",
    metadata,
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("set_id", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("unit_code", String),
    PrimaryKeyConstraint("cell_id", "set_id"),
    sqlite_with_rowid=False,
)

STATE_COLUMNS: tuple[str, ...] = tuple(state.value for state in INSIDE)

tallies = Table(
    "tallies",
    metadata,
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in STATE_COLUMNS),
    PrimaryKeyConstraint("cell_id", "series_id", "day"),
    sqlite_with_rowid=False,
    comment="People entering (+) and leaving (-) each state on a day; the running sum is the ledger of a day. "
    "By cell first: a household changes many series of one cell, on few pages.",
)

HOUSE_COLUMNS: tuple[str, ...] = ("visited", "interviewed", "vacant", "refused", "closed", "people")

tally_sums = Table(
    "tally_sums",
    metadata,
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("day", Integer, nullable=False),
    Column("era", String, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("cells", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series_id", "day"),
    comment="Tallies summed up to some days, as they were once: what a process that has just started need not add up. "
    "era and changes: of the tallies then. cells: see store.tallies.",
)

house_tallies = Table(
    "house_tallies",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in HOUSE_COLUMNS),
    PrimaryKeyConstraint("campaign_id", "cell_id", "day"),
    sqlite_with_rowid=False,
    comment="Households by the day of the visit that counts; closed: absent or locked.",
)

house_totals = Table(
    "house_totals",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("cell_id", Integer, ForeignKey("cells.id"), nullable=False),
    Column("changes", BigInteger, nullable=False),
    *(Column(name, Integer, nullable=False) for name in HOUSE_COLUMNS),
    PrimaryKeyConstraint("campaign_id", "cell_id"),
    sqlite_with_rowid=False,
    comment="The same over all days, since coverage counts every visit known now. changes: in how many transactions "
    "anything of this campaign and cell was counted, so that whoever remembers its tallies knows whether they hold.",
)

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

epidemic_levels = Table(
    "epidemic_levels",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("set_id", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("unit_code", String, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("level", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Index("ix_epidemic_levels_unit", "set_id", "unit_code", "from_day"),
    comment="Epidemic level 1-4 of innermost units; holds until one of a later day. Of several of one day the newest "
    "row counts: nothing is changed or taken out.",
)

area_targets = Table(
    "area_targets",
    metadata,
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("group_code", String, nullable=False),
    Column("dose_code", String, nullable=False),
    Column("set_id", String, nullable=False),
    Column("level", String, nullable=False),
    Column("code", String, nullable=False),
    Column("target", String, nullable=False),
    Column("deadline", Date),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("campaign_id", "group_code", "dose_code", "set_id", "level", "code"),
    comment="What a unit of a set, or with an empty set_id a hamlet, is to reach in place of the campaign's target: an "
    "exact share such as 19/20. deadline: NULL leaves the one that holds around it.",
)

publications = Table(
    "publications",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("day", Date, nullable=False),
    Column("settings", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("day", "settings"),
    comment="What the public page showed of a day, under settings with this SHA-256; once made it stays. body: JSON of "
    "figures by unit, those kept back among them, which the next one is made from.",
)

responsible = Table(
    "responsible",
    metadata,
    Column("set_id", String, nullable=False),
    Column("level", String, nullable=False),
    Column("code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("position", String, nullable=False),
    Column("phone", String, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("set_id", "level", "code"),
    comment="Who answers for a unit of a set, or with an empty set_id for a hamlet.",
)

lots = Table(
    "lots",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False, index=True),
    Column("group_code", String, nullable=False),
    Column("dose_code", String, nullable=False),
    Column("set_id", String, nullable=False),
    Column("level", String, nullable=False),
    Column("code", String, nullable=False),
    Column("day", Date, nullable=False),
    Column("drawn_at", String, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("seed", String, nullable=False),
    Column("frame", Text, nullable=False),
    Column("people", Integer, nullable=False),
    Column("allowed", Integer, nullable=False),
    Column("lower", Float, nullable=False),
    Column("upper", Float, nullable=False),
    Column("risk", Float, nullable=False),
    Column("lot_people", Integer),
    Column("seen", Integer),
    Column("vaccinated", Integer),
    Column("found_at", String),
    Column("found_by", Integer, ForeignKey("users.id")),
    comment="A lot to be checked after a campaign: the area, the rule (of `people` looked at `allowed` may be "
    "unvaccinated), the seed and, as JSON, the frame that its houses were drawn from. seen, vaccinated: what was found "
    "there, if only totals were told.",
)

lot_houses = Table(
    "lot_houses",
    metadata,
    Column("lot_id", Integer, ForeignKey("lots.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("hamlet_code", String, nullable=False),
    Column("household_id", String),
    Column("unlisted", Integer),
    Column("spare", Boolean, nullable=False),
    Column("seen", Integer),
    Column("vaccinated", Integer),
    Column("reason", String),
    PrimaryKeyConstraint("lot_id", "position"),
    sqlite_with_rowid=False,
    comment="Houses of a lot in the order drawn. household_id: of the register; without one the house was not visited "
    "by the census, and is the one of number `unlisted` among those of its hamlet. seen: people of the group met.",
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
