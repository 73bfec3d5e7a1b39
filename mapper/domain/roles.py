"""Who may do what: the roles of users. What a form's questions mean is another matter (``forms/README.md``)."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A user's role; areas limit it further."""

    CANVASSER = "canvasser"
    COMMUNE_SUPERVISOR = "commune_supervisor"
    SUPERVISOR = "supervisor"
    PLANNER = "planner"
    ADMINISTRATOR = "administrator"


READERS = frozenset({Role.COMMUNE_SUPERVISOR, Role.SUPERVISOR, Role.PLANNER, Role.ADMINISTRATOR})
"""Roles that read figures and maps; a canvasser's token opens only what a phone needs."""
