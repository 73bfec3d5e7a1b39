"""What every page and endpoint is given: the settings and the reference data with its database."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from mapper.services.reference import Reference
from mapper.settings import Settings


@dataclass(frozen=True, slots=True)
class Installation:
    """One running product."""

    settings: Settings
    reference: Reference

    @property
    def sample(self) -> bool:
        """Whether this installation holds invented households, which every page then says."""
        return self.reference.is_sample()


def installation() -> Installation:
    """The running product of this request."""
    found: Installation = current_app.extensions["mapper"]
    return found
