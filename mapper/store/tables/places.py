"""Hamlets, boundary sets with their units, and the cells that households are counted in."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
)

from mapper.store.tables.schema import metadata

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
    Column("state", String, nullable=False),
    # On trial: in force on no day, only to be looked at beside others.
    Column("trial", Boolean, nullable=False, server_default=false()),
    comment="levels: JSON list, outermost first. state: placing while households that were here before it are still "
    "being placed, then shown; withdrawn once nobody is to see it any more. Intake places in all of them.",
)

point_indexes = Table(
    "point_indexes",
    metadata,
    Column("set_id", String, ForeignKey("boundary_sets.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    comment="What finds the innermost unit of a set that holds a point: tens of MB of a country. Apart from the set, "
    "which is read often and changes state.",
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

successions = Table(
    "successions",
    metadata,
    Column("old_set", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("new_set", String, ForeignKey("boundary_sets.id"), nullable=False),
    Column("told_by", String, nullable=False),
    Column("source", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("imported_at", String, nullable=False),
    PrimaryKeyConstraint("old_set", "new_set"),
    comment="What became of a set's innermost units in another set. told_by: crosswalk, package or outlines; source: "
    "decree or file; report: JSON list of findings and of where the outlines say otherwise.",
)

unit_heirs = Table(
    "unit_heirs",
    metadata,
    Column("old_set", String, nullable=False),
    Column("new_set", String, nullable=False),
    Column("old_code", String, nullable=False),
    Column("new_code", String, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("share", Float),
    Column("source", Text, nullable=False),
    ForeignKeyConstraint(["old_set", "new_set"], ["successions.old_set", "successions.new_set"]),
    PrimaryKeyConstraint("old_set", "new_set", "old_code", "new_code"),
    sqlite_with_rowid=False,
    comment="Heirs of an old unit; whole: all its ground; share: of its area; source: '' as of the succession.",
)

cells = Table(
    "cells",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("signature", String, nullable=False, unique=True),
    Column("hamlet_code", String),
    Column("commune_code", String),
    comment="Households alike in hamlet, chosen commune and unit of every set share a cell: what tallies count in. id: "
    "holds the shelf of its province.",
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
