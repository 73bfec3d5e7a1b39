"""What all submissions of households that hang together make known, with what supervisors mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mapper.domain.dividing import Told, TwoHouseholds
from mapper.domain.entities import Placed, Standing
from mapper.domain.mending import mend
from mapper.domain.people import Finding, Visit
from mapper.services.reference import Known, Reference
from mapper.services.tellings import (
    NO_RULINGS,
    Applied,
    House,
    Rulings,
    Teller,
    odd_updates,
    stand,
    tellers_of,
    versions_of,
    visits_of,
)
from mapper.store import mendings, register
from mapper.store.database import Connection
from mapper.store.mendings import Mended


@dataclass(frozen=True, slots=True)
class Folded:
    """What the submissions of one household make known.

    applied: those of its entity. told: those of which anything counts here, in their order, and visits what they tell;
    moved: what was told of it under the id of the household that it was divided from.
    """

    applied: Applied = ()
    told: Sequence[Teller] = ()
    visits: Sequence[Told] = ()
    findings: Sequence[tuple[str, Finding]] = ()
    moved: Sequence[Told] = ()

    @property
    def tells_point(self) -> bool:
        """Whether any of its own submissions tells where it lies."""
        return any(one.visit.point for one in (*self.moved, *self.visits))


_NOTHING = Folded()


@dataclass(frozen=True, slots=True)
class Together:
    """Households that hang together. merged: as they are now, by id; into: of those that are told of and are not, of
    which one they are part."""

    folded: Mapping[str, Folded]
    merged: Mapping[str, Visit]
    mended: Mended
    into: Mapping[str, str]

    def parts(self, household_id: str) -> list[Folded]:
        """What is told of a household by its own id, then by the ids of those that are part of it."""
        others = [one for each, one in self.folded.items() if self._whole(each) == household_id]
        return [self.folded.get(household_id, _NOTHING), *others]

    def told_of(self, household_id: str) -> Teller:
        """The submission that told of a household last, if only before it was divided from another."""
        found = next((one for one in self.parts(household_id) if one.told), None)
        return found.told[-1] if found else self.told_of(self._origin(household_id))

    def seq(self, household_id: str) -> int:
        """Number of a household in the register: that of its first submission, or one below zero of who divided it."""
        number = self.mended.numbers.get(household_id)
        return -number if number else min(teller.place for teller, _ in self.folded[household_id].applied)

    def versions(self, household_id: str) -> tuple[register.Version, dict[str, register.Version]]:
        """Version of a household's entity and, by id, of its people's, who may have been told of elsewhere before."""
        own, *others = self.parts(household_id)
        version, people = versions_of(own.applied)
        before = [self.versions(self._origin(household_id))[1]] if household_id in self.mended.numbers else []
        for theirs in (*(versions_of(one.applied)[1] for one in others), *before):
            for person_id, known in theirs.items():
                if person_id not in people or people[person_id][0] < known[0]:
                    people[person_id] = known
        return version, people

    @property
    def newest(self) -> int:
        """Place in the order of arrival of the newest submission that tells of any of them."""
        return max((teller.place for one in self.folded.values() for teller, _ in one.applied), default=0)

    def divided(self, act: TwoHouseholds) -> Mapping[str, Visit]:
        """The households as they would be after one more act."""
        numbers = {**self.mended.numbers, act.second_id: 0}
        return _merged(self.folded, replace(self.mended, acts=(*self.mended.acts, act), numbers=numbers)).merged

    def _whole(self, household_id: str) -> str | None:
        """The household that one is part of, which may be part of another since."""
        found = self.into.get(household_id)
        while found is not None and found in self.into:
            found = self.into[found]
        return found

    def _origin(self, household_id: str) -> str:
        """The household that one was divided from."""
        acts = (*self.mended.acts, *(act for act, _ in self.mended.undone))
        return next(
            act.household_id for act in acts if isinstance(act, TwoHouseholds) and act.second_id == household_id
        )


def fold_together(
    reference: Reference,
    connection: Connection,
    known: Known,
    household: House,
    mended: Mended,
    own: tuple[Sequence[Teller], Sequence[Placed]] | None = None,
) -> Together:
    """A household, and all that hang together with it, as submissions and what was mended make them known.

    own: the household's submissions and where each stands, if not those that are kept.
    """
    folded: dict[str, Folded] = {}
    for house in mended.houses or (household,):
        if own is not None and house == household:
            tellers, line = own
        else:
            tellers = tellers_of(reference, connection, known, house)
            line = stand(tellers, house[1] in mended.numbers)
        applied = [pair for pair in zip(tellers, line, strict=True) if pair[1].standing is Standing.APPLIED]
        if applied:
            folded[house[1]] = _fold(reference, connection, tellers, applied)
    return _merged(folded, mended)


def _merged(folded: Mapping[str, Folded], mended: Mended) -> Together:
    """Households that hang together, with what was mended about them."""
    folded = dict(folded)
    for act in mended.acts:
        if isinstance(act, TwoHouseholds) and act.tellings and act.household_id in folded:
            folded |= _moved(act, folded)
    visits = {each: one.visits for each, one in folded.items()}
    moved = {each: one.moved for each, one in folded.items() if one.moved}
    merged, into = mend(visits, mended.acts, mended.undone, moved)
    for act, _ in mended.undone:
        if act.second_id in folded and act.second_id not in merged:
            into[act.second_id] = act.household_id
    return Together(folded, merged, mended, into)


def as_known(reference: Reference, connection: Connection, known: Known, household: House) -> Together:
    """The same as it stands now."""
    mended = mendings.holding(reference.database, connection, [household])
    return fold_together(reference, connection, known, household, mended)


def _fold(reference: Reference, connection: Connection, tellers: Sequence[Teller], applied: Applied) -> Folded:
    odd: list[tuple[str, Finding]] = []
    rulings = NO_RULINGS
    if len(applied) > 1:
        rulings = Rulings.read(reference, connection, tellers)
        odd = odd_updates(tellers, applied, rulings)
    visits = visits_of(applied, rulings)
    findings = [(teller.stored.instance_id, finding) for teller, _ in visits for finding in teller.told.findings]
    told = [teller for teller, _ in visits]
    return Folded(applied, told, [Told(teller.place, visit) for teller, visit in visits], findings + odd)


def _moved(act: TwoHouseholds, folded: Mapping[str, Folded]) -> dict[str, Folded]:
    """The two households with the submissions that tell of the second, each where it belongs."""
    first, second = folded[act.household_id], folded.get(act.second_id, _NOTHING)
    before = len(first.moved)
    pairs = list(zip(first.told[before:], first.visits, strict=True))
    gone = [(teller, visit) for teller, visit in pairs if teller.stored.root_id in act.tellings]
    stay = [pair for pair in pairs if pair not in gone]
    ids = {teller.stored.instance_id for teller, _ in gone}
    return {
        act.household_id: replace(
            first,
            told=[*first.told[:before], *(teller for teller, _ in stay)],
            visits=[visit for _, visit in stay],
            findings=[each for each in first.findings if each[0] not in ids],
        ),
        act.second_id: replace(
            second,
            told=[*(teller for teller, _ in gone), *second.told],
            findings=[*(each for each in first.findings if each[0] in ids), *second.findings],
            moved=[visit for _, visit in gone],
        ),
    }
