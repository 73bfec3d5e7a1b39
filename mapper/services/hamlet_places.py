"""Hamlets by the units of a boundary set in which their households lie, each divided one with its part in every unit.

In the set of the hamlets' lists a hamlet lies where its list says, wherever its houses stand. In any other set it lies
in each unit that holds houses of it that were visited; what nobody visited yet is counted where ``listed.main_unit``
has the hamlet. What may be in one of several units belongs to none of them, and has "" for its unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mapper.services.accounts import IDLE
from mapper.services.listed import Visited, main_unit, related, visited_in
from mapper.services.questions import default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import reference as kept
from mapper.store import tallies
from mapper.store.database import Connection


@dataclass(frozen=True, slots=True)
class HamletPlaces:
    """Where hamlets lie in a set. places: None where no set was imported. visited: empty for the set of the lists."""

    known: Known
    places: PlaceSet | None
    visited: Visited
    _sharing: dict[str, Mapping[str, Sequence[str | None]]] = field(default_factory=dict)

    @property
    def at_home(self) -> bool:
        """Whether the set is that of the hamlets' lists, or there is none to ask."""
        return self.places is None or self.known.home in (None, self.places.id)

    @property
    def set_id(self) -> str:
        """The set's id, "" where there is none."""
        return self.places.id if self.places is not None else ""

    def main(self, hamlet: kept.Hamlet) -> str:
        """The unit that a hamlet's unvisited houses are counted in."""
        if self.places is None or self.at_home:
            return hamlet.commune_code
        unit = main_unit(self.known, self.places, hamlet, self.visited)
        return unit if isinstance(unit, str) else ""

    def unit_of(self, cell: tallies.Cell) -> str:
        """The unit under which a cell's households are named."""
        hamlet = self.known.hamlets.get(cell.hamlet_code or "")
        if self.places is None or self.at_home:
            return hamlet.commune_code if hamlet else ""
        unit = self.known.leaf(cell, self.places)
        if isinstance(unit, str):
            return unit
        return self.main(hamlet) if hamlet else ""

    def units(self, hamlet: kept.Hamlet) -> set[str]:
        """All units under which a hamlet of the list is named."""
        if self.at_home:
            return {hamlet.commune_code}
        return {unit for unit in self.visited.get(hamlet.code, {}) if unit is not None} | {self.main(hamlet)}

    def name(self, unit: str) -> str:
        """What a unit is called; its code where the set does not know it."""
        found = self.places.units.get((self.places.leaf, unit)) if self.places is not None else None
        return found.name if found else unit

    def choices(self, hamlets: Iterable[kept.Hamlet]) -> list[tuple[str, str]]:
        """Code and name of the units of some hamlets, by name; without what is in none."""
        units = {unit for hamlet in hamlets for unit in self.units(hamlet)} - {""}
        return sorted(((unit, self.name(unit)) for unit in units), key=lambda one: (one[1], one[0]))

    def touched(self, areas: Sequence[tuple[str, str]], unit: str) -> bool:
        """Whether areas may hold houses of a unit; of a drawn one, or where nobody told of two sets, it is possible."""
        return any(self._touches(set_id, code, unit) for set_id, code in areas)

    def _touches(self, set_id: str, code: str, unit: str) -> bool:
        if not set_id:
            hamlet = self.known.hamlets.get(code)
            return hamlet is not None and unit in self.units(hamlet)
        own = self.known.every_set.get(set_id)
        if own is None or self.places is None:
            return set_id != IDLE
        if set_id not in self._sharing:
            self._sharing[set_id] = {} if self.at_home else related(self.known, self.places, own)
        there = self._sharing[set_id].get(unit) or [self.known.counterpart(self.places, unit, own)]
        return any(one is None or code in own.line(one) for one in there)


def hamlet_places(reference: Reference, connection: Connection, known: Known, set_id: str = "") -> HamletPlaces:
    """Where hamlets lie in a set, "" for that of their lists. Raises NotFound for an unknown set."""
    places = default_set(known, set_id) if set_id or known.sets else None
    found = HamletPlaces(known, places, {})
    if places is None or found.at_home:
        return found
    houses = [row for each in known.campaigns for row in tallies.houses(reference.database, connection, each, None)]
    return HamletPlaces(known, places, visited_in(reference.cells(connection), houses, places.id))
