"""A household that is two: who goes to the second, and what was told of them and of it, before and since.

Whatever is told later of somebody who went follows them, under whichever household's id it is sent; whatever else is
told of the first stays with the first. Once an act is taken back, what was told of the second is told of the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

from mapper.domain.household import combine
from mapper.domain.people import Outcome, Visit


@dataclass(frozen=True, slots=True)
class TwoHouseholds:
    """A household that is two: the second, of an id of its own, has some of the people.

    people: ids of those who go. tellings: instance ids of submissions, each the first of its edits, that were sent
    under the first's id and tell of the second. upto: place in the order of arrival of the last that was known then.
    house_number, head: the second's, None where nobody said.
    """

    household_id: str
    second_id: str
    people: tuple[str, ...]
    tellings: tuple[str, ...]
    upto: int
    house_number: str | None
    head: str | None


class Told(NamedTuple):
    """A visit that counts, with the place of its submission in the order of arrival."""

    place: int
    visit: Visit


_OF_HOUSE = dict.fromkeys(("hamlet_code", "commune_code", "house_number", "head", "phone", "point", "expected_members"))

Tellings = Mapping[str, Sequence[Told]]
"""By household id the visits that tell of it, as they follow one another."""


class Away(NamedTuple):
    """People who live in another household from one place in the order of arrival on, until another; None for good."""

    people: frozenset[str]
    since: int
    until: int | None = None


Undone = tuple[TwoHouseholds, int]
"""An act that was taken back, and the place of the last submission that was known then."""


def leaving(acts: Iterable[object]) -> list[Away]:
    """Who leaves by those of some acts that divide."""
    return [Away(frozenset(act.people), act.upto) for act in acts if isinstance(act, TwoHouseholds)]


def told_after_undoing(
    told: Tellings, undone: Sequence[Undone], made: Collection[str]
) -> tuple[dict[str, Sequence[Told]], list[Away]]:
    """What is told of each household once acts were taken back: of the second's people, it is told of the first.

    undone: in their order; made: ids of second households by acts that hold. A second household stays where the first
    is not told of any more. Told besides is who had left the first until then: while they had, its list lacked them.
    """
    found, were_away = dict(told), []
    made = {*made, *(act.second_id for act, _ in undone)}
    for act, until in reversed(undone):
        people = set(act.people)
        if act.second_id in found and (found.get(act.household_id) or act.household_id in made):
            back = _about(found.pop(act.second_id), None, act.household_id)
            people |= {person.id for one in back for person in one.visit.people}
            both = (*found.get(act.household_id, ()), *back)
            found[act.household_id] = sorted(both, key=lambda one: one.visit.visited_on)
        were_away.append(Away(frozenset(people), act.upto, until))
    return found, were_away[::-1]


def known_with(told: Sequence[Told], away: Iterable[Away]) -> Visit:
    """A household as visits make it known, with those people who leave it by acts that are yet to be applied.

    While they are away nothing counts of them but what names them: who is not told of here lives elsewhere.
    """
    now = combine([one.visit for one in told])
    seen: set[str] = set()
    for people, since, until in away:
        theirs = people - seen
        seen |= people
        passed = {one.place for one in told if since < one.place and (until is None or one.place <= until)}
        if not theirs or not passed:
            continue
        visits = [
            each.visit
            for one in told
            for each in (_about([one], theirs, now.household_id) if one.place in passed else [one])
        ]
        known = combine(visits).people if visits else ()
        others = [one for one in now.people if one.id not in theirs]
        now = replace(now, people=(*others, *(one for one in known if one.id in theirs)))
    return now


def divided(
    first: Visit | None, act: TwoHouseholds, told: Tellings, moved: Sequence[Told], away: Sequence[Away]
) -> tuple[Visit | None, Visit | None]:
    """The two households of one, each None where nothing tells of it.

    told: of all households that hang together. moved: the tellings that the act took from the first. away: who
    leaves the second by later acts.
    """
    own = told.get(act.second_id, ())
    going = tuple(one for one in first.people if one.id in act.people) if first else ()
    if first is None or not (going or moved):
        return first, known_with(own, away) if own else None
    place = None if _tells_place(moved) else first
    began = replace(
        first,
        household_id=act.second_id,
        visited_on=max((one.visit.visited_on for one in moved), default=first.visited_on),
        outcome=Outcome.INTERVIEWED,
        house_number=act.house_number,
        head=act.head,
        phone=None,
        expected_members=None,
        people=going,
        partial=False,
        of_some=True,
        aside=frozenset(),
        hamlet_code=place.hamlet_code if place else None,
        commune_code=place.commune_code if place else None,
        point=place.point if place else None,
    )
    first_since = min((one.visit.visited_on for one in own), default=None)
    news: list[Told] = []
    for household_id, visits in told.items():
        if household_id != act.second_id and first_since is not None:
            later = [one for one in visits if one.place > act.upto and one.visit.visited_on >= first_since]
            news += _about(later, act.people, act.second_id)
    since = sorted((*own, *news), key=lambda one: (one.visit.visited_on, one.place))
    stay = tuple(one for one in first.people if one.id not in act.people)
    at_first = [Told(one.place, _of_second(one.visit, act, {one.id for one in stay})) for one in moved]
    second = known_with([*at_first, Told(act.upto, began), *since], away)
    expected = first.expected_members
    if expected is not None and not _tells_number_since(told.get(act.household_id, ()), act.upto):
        expected = max(len(first.people) - len(going), expected - len(going), 1)
    return replace(first, people=stay, expected_members=expected), second


def _of_second(visit: Visit, act: TwoHouseholds, staying: Collection[str]) -> Visit:
    """A visit that was told of the first, as told of the second: whoever stays there is not whom it calls so."""
    people = tuple(
        replace(one, id=str(uuid5(NAMESPACE_OID, f"{act.second_id} {one.id}"))) if one.id in staying else one
        for one in visit.people
    )
    return replace(visit, household_id=act.second_id, people=people)


def _about(told: Iterable[Told], ids: Collection[str] | None, household_id: str) -> list[Told]:
    """Of visits what they tell of some people, of all where ids is None, as told of a household; nothing of a house."""
    found = []
    for place, visit in told:
        people = tuple(one for one in visit.people if ids is None or one.id in ids)
        if people and visit.outcome == Outcome.INTERVIEWED:
            about = replace(visit, household_id=household_id, people=people, of_some=True)
            found.append(Told(place, replace(about, **_OF_HOUSE)))  # type: ignore[arg-type]
    return found


def _tells_place(told: Iterable[Told]) -> bool:
    return any(one.visit.point or one.visit.hamlet_code or one.visit.commune_code for one in told)


def _tells_number_since(told: Iterable[Told], upto: int) -> bool:
    return any(one.place > upto and one.visit.expected_members is not None for one in told)
