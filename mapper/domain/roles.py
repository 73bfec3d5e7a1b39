"""Who may do what: the roles of users. What a form's questions mean is another matter (``forms/README.md``)."""

from __future__ import annotations

from collections.abc import Mapping
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

UNLIMITED = frozenset({Role.PLANNER, Role.ADMINISTRATOR})
"""Roles that may be without an area, and then see everything."""

OVERSEERS = frozenset({Role.COMMUNE_SUPERVISOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
"""Roles that look after other users and their work."""

MAY_MAKE: Mapping[Role, frozenset[Role]] = {
    Role.CANVASSER: frozenset(),
    Role.COMMUNE_SUPERVISOR: frozenset({Role.CANVASSER}),
    Role.SUPERVISOR: frozenset({Role.CANVASSER, Role.COMMUNE_SUPERVISOR}),
    Role.PLANNER: frozenset(),
    Role.ADMINISTRATOR: frozenset(Role),
}
"""Which users somebody may make and look after, inside their own area; nobody gives more than they have."""
