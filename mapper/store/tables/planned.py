"""What a district decides and does beside the census: levels, targets, publications, those responsible, lots."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mapper.store.sealing import SealedText
from mapper.store.tables.schema import metadata

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

sites = Table(
    "sites",
    metadata,
    Column("code", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("capacity", Integer),
    Column("cold_chain", Boolean, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    comment="Where people can be vaccinated. kind: fixed for a health station, mobile for a place that a team may come "
    "to. capacity: people a day. user_id: who entered it last, NULL at the command line.",
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
    Column("name", SealedText(String), nullable=False),
    Column("position", String, nullable=False),
    Column("phone", SealedText(String), nullable=False),
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

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("campaign_id", String, ForeignKey("campaigns.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("question", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("share", Float, nullable=False),
    Column("told_at", String, nullable=False),
    Column("to_stop", Boolean, nullable=False),
    Column("summary", Text),
    Column("trouble", Text),
    Column("in_use", Boolean, nullable=False),
    Column("follows", Integer),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("at", String, nullable=False),
    Column("areas", Text, nullable=False),
    Column("worker", String),
    Column("given_of", Integer),
    Column("made_with", Text),
    Index("ix_plans_in_use", "campaign_id", "in_use", "told_at"),
    comment="Plans of sites, teams and vials. question: JSON. summary: JSON of figures for lists. trouble: JSON of why "
    "there is none. told_at: when the process that makes it last said so. follows: the plan that it takes the place "
    "of. areas: JSON of [set, code] of all that it is about, empty for everything. worker: a word of the process that "
    "makes it. given_of: the plan from whose census it is made. made_with: JSON of versions of what made it.",
)

plan_contents = Table(
    "plan_contents",
    metadata,
    Column("plan_id", Integer, ForeignKey("plans.id", ondelete="CASCADE"), nullable=False),
    Column("part", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("plan_id", "part"),
    comment="What belongs to a plan and is large. part: given, what it was made from, or made, what came out; both "
    "compressed JSON without names. Apart from the plan, which is written to while it is made.",
)
