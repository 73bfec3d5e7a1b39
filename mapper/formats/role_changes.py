"""What a new version of a form does to the roles of the one before: those that no question has any more, or another.

Submissions keep the roles of their own version and go on counting. But an answer that moves to another question, or is
asked no more, comes apart in tables and in edits, and nobody sees it until the figures sink.
"""

from __future__ import annotations

from dataclasses import dataclass

from mapper.formats.declared import Roles


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A role whose question changed. before, after: paths of the question; after is "" where none has the role now."""

    role: str
    before: str
    after: str

    @property
    def old_name(self) -> str:
        """Name of the question that had the role."""
        return self.before.rpartition("/")[2]

    @property
    def new_name(self) -> str:
        """Name of the question that has it now, "" for none."""
        return self.after.rpartition("/")[2]

    @property
    def mapping(self) -> str:
        """How somebody confirms it: "person.birth_date:born=dob"; nothing behind = says that it is asked no more."""
        return f"{self.role}:{self.old_name}={self.new_name}"


def role_changes(before: Roles, after: Roles) -> tuple[RoleChange, ...]:
    """Roles of the older version whose question has another name in the newer one, or that are gone, by role.

    A question that only went into another group keeps its name, and with it its column in every table.
    """
    changed = (RoleChange(role, path, after.paths.get(role, "")) for role, path in sorted(before.paths.items()))
    return tuple(change for change in changed if change.new_name != change.old_name)
