"""The national platform's import layout of a campaign, as it was published beside it."""

from __future__ import annotations

from mapper.domain.campaign import Campaign
from mapper.formats.register_layout import Layout, read_layout, usual_layout
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store.database import Connection


def keep_layout(reference: Reference, connection: Connection, campaign: Campaign, toml: str) -> None:
    """Keep a campaign's register_layout.toml, which was checked; "" where it has none."""
    kept.set_fact(reference.database, connection, _of_campaign(campaign.id), toml)


def layout_of(connection: Connection, campaign: Campaign) -> Layout:
    """The layout that was published with a campaign; the usual one where none was."""
    held = kept.fact(connection, _of_campaign(campaign.id))
    return read_layout(held, campaign) if held else usual_layout(campaign)


def _of_campaign(campaign_id: str) -> str:
    return f"register layout of {campaign_id}"
