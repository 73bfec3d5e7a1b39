"""Where the rows of each table come from: what must never be lost, and what can be made again from it."""

from __future__ import annotations

INPUT: frozenset[str] = frozenset(
    {
        # what phones sent, and its files
        *("submissions", "instances", "attachments", "blobs", "draft_submissions"),
        # what the installation was given and decided about: forms, places, people with access
        *("facts", "campaigns", "series", "forms", "form_media", "form_drafts"),
        *("hamlets", "boundary_sets", "point_indexes", "units", "unit_shapes", "successions", "unit_heirs", "sites"),
        *("users", "user_areas", "drawn_areas", "saved_filters", "responsible"),
        # what was said, decided, drawn by lot, published or handed out, and the trail of it
        *("audit", "remarks", "decisions", "mendings", "verdicts", "integrity_notes"),
        *("back_checks", "back_check_houses", "lots", "lot_houses", "slips", "stock_entries"),
        *("epidemic_levels", "area_targets", "publications", "plans", "plan_contents"),
        *("register_extracts", "register_rows", "register_layouts", "register_decisions"),
        *("phone_contacts", "phone_rounds"),
        # that somebody was erased, and what the figures keep of them
        *("erasures", "erased_marks", "counts_left", "houses_left"),
    }
)
"""What came from outside, or was once decided and stands since. Without it nothing else can be made."""

DERIVED: frozenset[str] = frozenset(
    {
        *("cells", "cell_units", "households", "people", "doses", "findings"),
        *("tallies", "house_tallies", "house_totals"),
        *("oddities", "looked_at"),
    }
)
"""What ``rebuild`` makes from the input, the last two when somebody next asks for what is odd.

A rebuild leaves the cells, which are only numbers for places, or gives them others on their province's shelf; it makes
those that are not there. Where people were erased they have to stay: what the figures keep of them is told by cell.
"""

DERIVED_COLUMNS: dict[str, tuple[str, ...]] = {"submissions": ("state", "reason", "household_id", "campaign_id")}
"""Columns of the input that say what became of it; ``rebuild`` writes them anew."""

PASSING: frozenset[str] = frozenset({"tally_sums", "asked_files", "asked_file_pieces", "sessions", "failed_tries"})
"""What holds for some hours or saves work; neither moved nor backed up. Whoever was signed in signs in again."""
