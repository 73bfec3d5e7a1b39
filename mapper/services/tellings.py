"""All that is told of one household: its submissions, what was decided about them, and what they make known together.

Counting and the pages of contradictions fold the same way, so that what is shown is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mapper.domain.entities import CREATED, Placed, line_up
from mapper.domain.household import combine
from mapper.domain.people import Finding, Property, Visit
from mapper.domain.updates import WHOLE, Said, set_aside, without
from mapper.errors import MapperError, mark
from mapper.services.reference import Known, Reference
from mapper.services.understanding import Understood, understand_stored
from mapper.store import decisions, mendings, register, submissions
from mapper.store.database import Connection
from mapper.store.submissions import StoredSubmission, SubmissionState

House = tuple[str, str]
"""Campaign and id of a household."""


class Teller(NamedTuple):
    """A submission and what it tells of a household, with its place in the order of arrival."""

    place: int
    stored: StoredSubmission
    told: Understood

    @property
    def visit(self) -> Visit:
        """The visit that it tells of."""
        assert self.told.visit is not None
        return self.told.visit


def tellers_of(
    reference: Reference, connection: Connection, known: Known, household: House, instance_id: str = ""
) -> list[Teller]:
    """The submissions that tell of a household or wait to do so, but for one, in order of arrival."""
    found = []
    for place, other in submissions.others_of_household(reference.database, connection, *household, instance_id):
        try:
            told = understand_stored(reference, connection, known, other)
        except MapperError:
            if other.state is SubmissionState.PROCESSED:
                raise
            continue  # it waits, and whoever processes it again is told why it cannot count
        if told.visit is not None:
            found.append(Teller(place, other, told))
    return found


Applied = Sequence[tuple[Teller, Placed]]
"""The submissions of a household that count, in order of arrival."""


class Rulings(NamedTuple):
    """What was decided about the updates of a household.

    decided: what holds, by instance id of the update that it is about. aside: properties that do not count, by
    instance id of the update that tells them.
    """

    decided: Mapping[str, Said]
    aside: Mapping[str, frozenset[Property]]

    @classmethod
    def read(cls, reference: Reference, connection: Connection, tellers: Sequence[Teller]) -> Rulings:
        """Those about the submissions of a household."""
        instance_ids = [teller.stored.instance_id for teller in tellers]
        decided = decisions.latest(reference.database, connection, instance_ids)
        return cls(decided, set_aside(decided.values()))

    def counts(self, teller: Teller) -> bool:
        """Whether anything of an update counts."""
        return WHOLE not in self.aside.get(teller.stored.instance_id, ())

    def opponents(self, tellers: Sequence[Teller], placed: Placed) -> list[Teller]:
        """The submissions against which one stands, but for those of which nothing counts."""
        return [tellers[place] for place in placed.against if self.counts(tellers[place])]

    def open(self, teller: Teller, against: Sequence[Teller]) -> bool:
        """Whether nobody has decided yet between an update and its opponents."""
        weighed = self.decided.get(teller.stored.instance_id, {})
        return self.counts(teller) and any(other.stored.instance_id not in weighed for other in against)


NO_RULINGS = Rulings({}, {})
"""Nobody decided anything."""


def stand(tellers: Sequence[Teller], divided_off: bool) -> tuple[Placed, ...]:
    """Where each submission of a household stands among all of its entity.

    divided_off: a supervisor made the household, so that its first version is here and no submission tells of it.
    """
    tellings = [teller.visit.entity for teller in tellers]
    if not divided_off:
        return line_up(tellings)
    line = line_up([CREATED, *tellings])[1:]
    return tuple(replace(placed, against=tuple(each - 1 for each in placed.against if each)) for placed in line)


def stands_now(connection: Connection, household: House, tellers: Sequence[Teller]) -> tuple[Placed, ...]:
    """The same, whoever made the household."""
    may_be = bool(tellers) and all(teller.visit.entity.needs_base for teller in tellers)
    return stand(tellers, may_be and mendings.divided_off(connection, household))


def fold(applied: Applied, rulings: Rulings) -> Visit:
    """The household that submissions make known, of which it began with the first."""
    return combine([visit for _, visit in visits_of(applied, rulings)])


def visits_of(applied: Applied, rulings: Rulings) -> list[tuple[Teller, Visit]]:
    """The submissions of which anything counts, as they follow one another, with what counts of each.

    Nothing is set aside of the submission that the household began with.
    """
    visits = []
    for teller, placed in applied:
        aside = rulings.aside.get(teller.stored.instance_id, frozenset()) if placed.version != 1 else frozenset()
        visit = without(teller.visit, aside)
        if visit is not None:
            visits.append((teller, placed, visit))
    visits.sort(key=lambda one: (one[2].visited_on, one[1].version, one[0].place))
    return [(teller, visit) for teller, _, visit in visits]


def odd_updates(tellers: Sequence[Teller], applied: Applied, rulings: Rulings) -> list[tuple[str, Finding]]:
    """Updates about which nobody has decided yet and that may contradict another, or build on what is not here."""
    found = []
    for teller, placed in applied:
        instance_id, base = teller.stored.instance_id, teller.visit.entity.base
        if placed.beyond:
            message = mark(
                "The phone changed version {version} of the household, which is not here; "
                "it counts as made to the newest one."
            )
            found.append((instance_id, Finding("entity_version_unknown", message, (("version", str(base)),))))
        if rulings.open(teller, rulings.opponents(tellers, placed)):
            message = mark(
                "Two updates of this household were made at once: this one to version {version}, after which another "
                "had come. Compare them on the page of contradictions."
            )
            found.append((instance_id, Finding("update_conflict", message, (("version", str(placed.base)),))))
    return found


def versions_of(applied: Applied) -> tuple[register.Version, dict[str, register.Version]]:
    """Version of a household's entity and, by id, of its people's: how often each was told of, and by whom last."""
    household = register.FIRST
    people: dict[str, register.Version] = {}
    for teller, placed in sorted(applied, key=lambda pair: (pair[1].version or 0, pair[0].place)):
        entity = teller.visit.entity
        if placed.version != household[0] or entity.update:
            household = (placed.version or 1, entity.trunk, entity.branch or None)
        for person in teller.visit.people:
            known = people.get(person.id)
            own = person.entity
            if known is None or own.create or own.update:
                # Whom a supervisor parted from another, a phone knows from a list and no submission made.
                version = known[0] if known is not None else (own.base or 0) if own.needs_base else 0
                people[person.id] = (version + 1, own.trunk, own.branch or None)
    return household, people
