"""The order in which updates of one ODK entity build on one another, whatever order they arrive in.

A phone tells with every update which version of the entity it had before: a version that this server gave out (the
trunk), or one that the phone made itself while it was offline (a branch). Versions are counted here from 1 in the order
in which tellings could be applied, so they follow from the order of arrival alone, and counting everything anew gives
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mapper.domain.whole import whole

ROUND = 2**13
"""No entity is updated so often. Above it a version that a phone is handed tells the round of the phone's list.

A phone takes a row only where its version is higher than that of the row it has, and a row changes too where nothing
was sent of the entity: a dose falls due, a supervisor corrects a name. So what changed is handed out in a round that is
higher than the ones before, and the version proper stands in the bits below.
"""

HIGHEST_VERSION = 2**31 - 1
"""What a phone can hold; a larger number is a fault of the sender."""

LAST_ROUND = HIGHEST_VERSION // ROUND - 1


@dataclass(frozen=True, slots=True)
class Telling:
    """What one submission says of an entity's versions.

    create, update: what the form asked for; where neither, it names the entity and makes no version. base: the version
    that the phone had, None where none was told or it could not be read. trunk: the server's version below the phone's
    own, None where the phone made the entity itself or works online. branch: the phone's offline branch, "" for none.
    """

    create: bool = True
    update: bool = False
    base: int | None = None
    trunk: int | None = None
    branch: str = ""

    @property
    def needs_base(self) -> bool:
        """Whether it means nothing without the entity that it updates."""
        return self.update and not self.create


CREATED = Telling()
"""What is said where nothing is said of versions: here is the whole."""


class Standing(StrEnum):
    """What becomes of a telling."""

    APPLIED = "applied"
    HELD = "held"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a telling stands among all of its entity.

    standing: HELD waits for an earlier one of the same phone; UNKNOWN updates what this server should have and has
    not. version: the number that it got, None where it is not applied. base: the version that it was found to build
    on, None for a creation, or where nothing tells. against: places, in the order told, of the tellings applied after
    that base by somebody else: what they tell and what this one tells may contradict each other. beyond: it names a
    version that is not here, so it was applied on the newest.
    """

    standing: Standing
    version: int | None = None
    base: int | None = None
    against: tuple[int, ...] = ()
    beyond: bool = False


ALONE = (Placed(Standing.APPLIED, 1),)
"""How a single creation stands."""


def line_up(tellings: Sequence[Telling]) -> tuple[Placed, ...]:
    """Where each telling of one entity stands.

    tellings: in order of arrival, an edit in the place of what it edits. Each is applied as soon as what it builds on
    is there; those that wait are looked at again after each that was applied, the oldest first.
    """
    if len(tellings) == 1 and not tellings[0].needs_base:
        return ALONE
    line = _Line(tellings)
    waiting: list[int] = []
    for place in range(len(tellings)):
        waiting.append(place)
        while (following := next((each for each in waiting if line.applies(each)), None)) is not None:
            waiting.remove(following)
            line.apply(following)
    for place in waiting:
        line.placed[place] = Placed(line.why_not(place))
    return tuple(line.placed[place] for place in range(len(tellings)))


class _Line:
    """Versions applied so far. order: place of the telling of each version, from version 1 on."""

    def __init__(self, tellings: Sequence[Telling]) -> None:
        self.tellings = tellings
        self.order: list[int] = []
        self.placed: dict[int, Placed] = {}

    def applies(self, place: int) -> bool:
        """Whether what a telling builds on is here."""
        telling = self.tellings[place]
        if not telling.needs_base:
            return True
        return bool(self.order) and not (self._continues(telling) and self._of_branch(telling) is None)

    def why_not(self, place: int) -> Standing:
        """What to do with a telling that does not apply."""
        telling = self.tellings[place]
        if self._continues(telling):
            return Standing.UNKNOWN if telling.trunk is not None and not self.order else Standing.HELD
        return Standing.HELD if telling.base == 1 and telling.trunk is None else Standing.UNKNOWN

    def apply(self, place: int) -> None:
        """Give a telling the next version."""
        telling = self.tellings[place]
        newest = len(self.order)
        if newest and not telling.create and not telling.update:
            self.placed[place] = Placed(Standing.APPLIED, newest)
            return
        base, beyond = None, False
        if telling.update and newest and telling.base is not None:
            base = self._of_branch(telling) if self._continues(telling) else telling.base
            if base is None or base > newest:
                base, beyond = None, True
        against: tuple[int, ...] = ()
        if base is not None:
            later = self.order[base:]
            against = tuple(each for each in later if not self._below(self.tellings[each], telling))
        self.placed[place] = Placed(Standing.APPLIED, newest + 1, base, against, beyond)
        self.order.append(place)

    @staticmethod
    def _continues(telling: Telling) -> bool:
        """Whether it builds on an update that the same phone made offline, not on a version of the server's."""
        return (
            telling.needs_base
            and bool(telling.branch)
            and telling.base is not None
            and telling.base > 1
            and telling.base != telling.trunk
            and telling.base > (telling.trunk or 0)
        )

    def _of_branch(self, telling: Telling) -> int | None:
        """The version that the update before made on the same branch; None where it is not here."""
        assert telling.base is not None
        for version, place in enumerate(self.order, 1):
            before = self.tellings[place]
            if before.update and before.branch == telling.branch and before.base == telling.base - 1:
                return version
        return None

    @staticmethod
    def _below(other: Telling, telling: Telling) -> bool:
        """Whether another telling is an earlier update of the same branch."""
        return bool(telling.branch) and other.branch == telling.branch and (other.base or 0) < (telling.base or 0)


def handed_version(version: int, round: int) -> int:
    """The version under which a phone is handed an entity in a round of its list."""
    return min(round, LAST_ROUND) * ROUND + min(version, ROUND - 1)


def own_versions(base: int | None, trunk: int | None) -> tuple[int | None, int | None]:
    """The versions that a phone tells, base and trunk, as they are counted here.

    A phone counts on by one with each update it makes offline, from what it was handed.
    """
    if base is None or trunk is None or base < trunk:
        return _own(base), _own(trunk)
    return trunk % ROUND + base - trunk, _own(trunk)


def _own(version: int | None) -> int | None:
    return None if version is None else version % ROUND


def read_version(text: str) -> int | None:
    """A version as a phone writes it; None for "" and for what no version can be."""
    return whole(text, HIGHEST_VERSION) or None
