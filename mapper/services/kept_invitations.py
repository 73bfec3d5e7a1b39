"""Who is invited by the plans in use, remembered in this process as long as these are in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from mapper.domain.follow_up import PersonState, Status
from mapper.services.bounded import BoundedStore

Versions = tuple[tuple[int, str], ...]
"""Number of each plan in use, and when it was told last: the same versions hold the same invitations."""

ROOM = 500_000
"""People who are remembered, of all campaigns: some 90 MB a process."""

STAYS = timedelta(days=7)
"""So long after its day somebody who did not come is still told of as invited."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """When and where somebody is asked to come. code, site: the site and its name, "" where a team comes to the house.

    begin, end: minutes after midnight, of all sessions there on the day; equal where no hour is known. doses: codes.
    """

    day: date
    code: str
    site: str
    begin: float
    end: float
    doses: tuple[str, ...]

    def holds(self, status: Status, day: date) -> bool:
        """Whether it still concerns somebody who stands like this on a day."""
        if self.day + STAYS < day:
            return False
        if status.state is PersonState.DUE:
            return any(dose.code in self.doses for dose in status.due)
        # Who is of no group yet has nothing to do until a birthday.
        to_come = status.state in (PersonState.WAITING, PersonState.DEFERRED, PersonState.DONE)
        return to_come and status.next_on is not None and day <= status.next_on <= self.day


@dataclass(frozen=True, slots=True)
class InvitedTo:
    """Which invitations are looked for: of one day, to one site by its code; all where neither is told."""

    day: date | None = None
    site: str = ""

    def takes(self, one: Invitation) -> bool:
        """Whether an invitation is one of them."""
        return self.day in (None, one.day) and self.site in ("", one.code)


Invited = Mapping[str, Invitation]
"""By the person's id."""


class KeptInvitations:
    """Invitations by the versions of plans. Safe for threads. room: see ROOM."""

    def __init__(self, room: int = ROOM) -> None:
        self._kept: BoundedStore[Versions, Invited] = BoundedStore(room, len)

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, versions: Versions, read: Callable[[], Invited]) -> Invited:
        """What is remembered of these versions; read where nothing is."""
        found = self._kept.get(versions)
        if found is None:
            with self._kept.alone(versions):
                found = self._kept.get(versions)
                if found is None:
                    found = read()
                    self._kept.keep(versions, found)
        return found
