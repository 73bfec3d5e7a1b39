"""Which goal holds where: a place's own, else that of the nearest unit around it, else the campaign's.

Where none of these was set in the boundary set, what was set in another one is carried over (``carried_targets``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.targets import Goal
from mapper.services.reference import Known, PlaceSet
from mapper.store.targets import Place

HAMLET_LEVEL = "hamlet"
"""What stands for the level where a single hamlet is meant."""


@dataclass(slots=True)
class Goals:
    """The goals of one group and dose in a boundary set. usual: the campaign's. own: those of single places.

    carried: by level and code those that come from another set.
    """

    places: PlaceSet
    usual: Goal
    own: Mapping[Place, Goal]
    carried: Mapping[tuple[str, str], Goal] = field(default_factory=dict)
    _units: dict[tuple[str, str], Goal] = field(default_factory=dict)

    def unit(self, level: str, code: str | None) -> Goal:
        """The goal of a unit; the campaign's for households that no unit holds."""
        if not self.apart or code is None:
            return self.usual
        key = (level, code)
        found = self._units.get(key)
        if found is None:
            levels = self.places.about.levels
            above = levels[levels.index(level) - 1] if level in levels[1:] else None
            unit = self.places.units.get(key)
            around = self.unit(above, unit.parent_code) if above is not None and unit is not None else self.usual
            own = self.own.get(Place(self.places.id, level, code))
            if own is None and key in self.carried and (not around.own or around.carried):
                found = self._units[key] = self.carried[key]
            else:
                found = self._units[key] = _joined(own, around)
        return found

    @property
    def apart(self) -> bool:
        """Whether any place may have another goal than the campaign's."""
        return bool(self.own or self.carried)

    def hamlet(self, leaf: str | None, code: str | None) -> Goal:
        """The goal of a hamlet in an innermost unit."""
        if not self.apart:
            return self.usual
        around = self.unit(self.places.leaf, leaf)
        return _joined(self.own.get(Place("", HAMLET_LEVEL, code)), around) if code is not None else around

    def around(self, leaves: Iterable[str]) -> Goal:
        """The goal of the smallest unit that holds all these innermost ones; the campaign's where none does."""
        if not self.apart:
            return self.usual
        lines = [self.places.line(leaf)[::-1] for leaf in set(leaves)]
        levels = self.places.about.levels
        shared = None
        for level, codes in zip(levels, zip(*lines, strict=False), strict=False):
            if len(set(codes)) > 1 or any(len(line) != len(levels) for line in lines):
                break
            shared = (level, codes[0])
        return self.usual if shared is None else self.unit(*shared)


def _joined(own: Goal | None, around: Goal) -> Goal:
    if own is None:
        return around
    return own if own.deadline is not None else replace(own, deadline=around.deadline)


def goals(known: Known, places: PlaceSet, campaign: Campaign, group: Group, dose: ScheduledDose) -> Goals:
    """The goals of a group and a dose."""
    own = known.targets.get((campaign.id, group.code, dose.code), {})
    return Goals(places, Goal(dose.target, dose.deadline), own)
