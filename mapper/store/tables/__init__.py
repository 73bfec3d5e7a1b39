"""The one schema, for SQLite and PostgreSQL alike.

Raw part, never derived: forms, media, submissions, attachments, boundary sets, accounts. Derived part, rebuilt
from it at will: households, people, doses, findings, cells and tallies. Timestamps are ISO 8601 text in
UTC; days of a tally are proleptic ordinals (``date.toordinal``); JSON is text.
"""

from __future__ import annotations

from mapper.store.tables.accounts import audit, drawn_areas, phone_contacts, phone_rounds, user_areas, users
from mapper.store.tables.asked import asked_file_pieces, asked_files, saved_filters
from mapper.store.tables.checked import back_check_houses, back_checks, integrity_notes
from mapper.store.tables.cleaning import looked_at, mendings, oddities, verdicts
from mapper.store.tables.counted import HOUSE_COLUMNS, STATE_COLUMNS, house_tallies, house_totals, tallies, tally_sums
from mapper.store.tables.erased import counts_left, erased_marks, erasures, houses_left
from mapper.store.tables.national import register_decisions, register_extracts, register_layouts, register_rows
from mapper.store.tables.places import (
    boundary_sets,
    cell_units,
    cells,
    hamlets,
    point_indexes,
    successions,
    unit_heirs,
    unit_shapes,
    units,
)
from mapper.store.tables.planned import (
    area_targets,
    epidemic_levels,
    lot_houses,
    lots,
    plan_contents,
    plans,
    publications,
    responsible,
    sites,
)
from mapper.store.tables.published import (
    blobs,
    campaigns,
    draft_submissions,
    facts,
    form_drafts,
    form_media,
    forms,
    series,
)
from mapper.store.tables.received import WAITS, attachments, decisions, instances, remarks, submissions
from mapper.store.tables.register import doses, findings, households, people
from mapper.store.tables.schema import metadata
from mapper.store.tables.signing_in import failed_tries, sessions
from mapper.store.tables.slips import slips
from mapper.store.tables.stock import stock_entries

__all__ = [
    "HOUSE_COLUMNS",
    "STATE_COLUMNS",
    "WAITS",
    "area_targets",
    "asked_file_pieces",
    "asked_files",
    "attachments",
    "audit",
    "back_check_houses",
    "back_checks",
    "blobs",
    "boundary_sets",
    "campaigns",
    "cell_units",
    "cells",
    "counts_left",
    "decisions",
    "doses",
    "draft_submissions",
    "drawn_areas",
    "epidemic_levels",
    "erased_marks",
    "erasures",
    "facts",
    "failed_tries",
    "findings",
    "form_drafts",
    "form_media",
    "forms",
    "hamlets",
    "house_tallies",
    "house_totals",
    "households",
    "houses_left",
    "instances",
    "integrity_notes",
    "looked_at",
    "lot_houses",
    "lots",
    "mendings",
    "metadata",
    "oddities",
    "people",
    "phone_contacts",
    "phone_rounds",
    "plan_contents",
    "plans",
    "point_indexes",
    "publications",
    "register_decisions",
    "register_extracts",
    "register_layouts",
    "register_rows",
    "remarks",
    "responsible",
    "saved_filters",
    "series",
    "sessions",
    "sites",
    "slips",
    "stock_entries",
    "submissions",
    "successions",
    "tallies",
    "tally_sums",
    "unit_heirs",
    "unit_shapes",
    "units",
    "user_areas",
    "users",
    "verdicts",
]
