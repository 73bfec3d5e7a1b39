"""Where those live to whom slips were given: their household may have been joined to another or divided since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mapper.domain.people import Person
from mapper.services.reference import Reference
from mapper.store import follow_up, mendings
from mapper.store import slips as store
from mapper.store.database import Connection


@dataclass(frozen=True, slots=True)
class Homes:
    """The people of households that are in the register, by household and person."""

    people: Mapping[str, Mapping[str, Person]]

    def of(self, household_id: str, person_id: str) -> str | None:
        """The household that somebody lives in who once lived in that one, itself first; None where in no other."""
        both = (household_id, *self.people)
        return next((each for each in both if person_id in self.people.get(each, ())), None)

    def person(self, household_id: str, person_id: str) -> Person | None:
        """Somebody as the register knows them now, wherever they live."""
        home = self.of(household_id, person_id)
        return None if home is None else self.people[home][person_id]

    def answers_for(self, household_id: str, person_id: str) -> str:
        """The household whose station answers for a slip: where its person lives, else what became of their house."""
        home = self.of(household_id, person_id)
        return home or (household_id if household_id in self.people else next(iter(self.people), household_id))


def mended_with(
    reference: Reference, connection: Connection, campaign_id: str, household_ids: Collection[str]
) -> list[str]:
    """These households and all that hang together with them by what was mended; nothing where nothing was."""
    houses = [(campaign_id, each) for each in household_ids]
    return [each for _, each in mendings.holding(reference.database, connection, houses).houses]


def homes(reference: Reference, connection: Connection, campaign_id: str, household_ids: Collection[str]) -> Homes:
    """Who lives in households, and in all that hang together with them."""
    together = mended_with(reference, connection, campaign_id, household_ids)
    wanted = sorted({*household_ids, *together})
    houses = store.houses(reference.database, connection, campaign_id, wanted)
    told = follow_up.people(reference.database, connection, [seq for seq, _ in houses.values()])
    return Homes({each: {one.id: one for one, _ in told.get(seq, [])} for each, (seq, _) in houses.items()})
