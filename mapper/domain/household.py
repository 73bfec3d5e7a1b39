"""One household from all that was submitted about it, and what it adds to the tallies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mapper.domain.campaign import Campaign
from mapper.domain.ledger import moves
from mapper.domain.people import Dose, Outcome, Person, Residence, Visit
from mapper.domain.updates import MEMBER, as_before

HOUSE_COUNTS = ("visited", "interviewed", "vacant", "refused", "closed", "people")
"""What a household adds to the count of houses; closed is absent or locked."""


def combine(visits: Sequence[Visit]) -> Visit:
    """The household as its visits, oldest first by day and then by version, make it known.

    The latest census that was answered tells who lives there, and each revisit after it what changed since; a later
    visit that met nobody changes nothing of that, one that found the house empty for good moves everybody out, and only
    an interview or a refusal shows that it is lived in again. Contact, place and point come from the latest visit that
    has them.
    """
    latest = visits[-1]
    if len(visits) == 1:
        return latest
    interviews = [number for number, visit in enumerate(visits) if visit.outcome == Outcome.INTERVIEWED]
    base = visits[interviews[-1]] if interviews else latest
    said = [visit.outcome for visit in visits if visit.tells_outcome] or [latest.outcome]
    met = [number for number, outcome in enumerate(said) if outcome == Outcome.INTERVIEWED]
    outcome, people = said[met[-1]] if met else said[-1], base.people
    if interviews and not _tells_all(base):
        whole = [number for number in interviews if _tells_all(visits[number])]
        people = _living(visits[whole[-1] if whole else interviews[0] : interviews[-1] + 1])
    since = said[met[-1] + 1 if met else 0 :]
    if Outcome.VACANT in since:
        outcome = next(one for one in reversed(since) if one in (Outcome.VACANT, Outcome.REFUSED))
        people = _moved_out(people)

    def newest(field: str) -> object:
        return next((value for v in reversed(visits) if (value := getattr(v, field)) is not None), None)

    known = {
        field: newest(field)
        for field in ("hamlet_code", "commune_code", "house_number", "head", "phone", "point", "expected_members")
    }
    return replace(base, outcome=outcome, people=people, **known)  # type: ignore[arg-type]


def _tells_all(visit: Visit) -> bool:
    """Whether nothing that was known before of who lives there counts any more."""
    return not (visit.partial or visit.of_some or visit.aside)


def _living(visits: Sequence[Visit]) -> tuple[Person, ...]:
    """Who lives there after some visits, of which the first tells everybody and the others what changed."""
    people: list[Person] = []
    for number, visit in enumerate(visits):
        if visit.outcome == Outcome.VACANT and visit.tells_outcome:
            people = list(_moved_out(people))
        if visit.outcome != Outcome.INTERVIEWED:
            continue
        if not number or not visit.partial:
            people = _told_anew(people, visit)
            continue
        places: dict[str, int] = {}
        for place, person in enumerate(people):
            places.setdefault(person.id, place)
        for person in visit.people:
            place = places.setdefault(person.id, len(people))
            if place < len(people):
                people[place] = changed(people[place], person)
            else:
                people.append(person)
    return tuple(people)


def _told_anew(before: Sequence[Person], visit: Visit) -> list[Person]:
    """Who lives there as a visit tells it that tells of everybody; what is set aside of it stays as it was."""
    known = {person.id: person for person in before}
    told = [as_before(person, known.get(person.id), visit.aside) for person in visit.people]
    if visit.of_some:
        anew = {person.id: person for person in told}
        return [anew.pop(person.id, person) for person in before] + list(anew.values())
    return told + [person for person in before if (person.id, MEMBER, "") in visit.aside]


def _moved_out(people: Sequence[Person]) -> tuple[Person, ...]:
    return tuple(replace(person, residence=Residence.MOVED_OUT) for person in people)


_PLAIN = ("name", "sex", "away_place", "contraindication", "infected_on")


def changed(before: Person, told: Person) -> Person:
    """A person as known before, with what a revisit tells of them.

    Doses are added; one that was known is told more fully. A refusal or deferral holds until the next answer about it,
    and ends with a dose given since; a new deferral ends a refusal and a new refusal a deferral.
    """
    news: dict[str, object] = {field: value for field in _PLAIN if (value := getattr(told, field)) is not None}
    answered = told.answered
    if told.born_on is not None:
        news |= {"born_on": told.born_on, "birth_precision": told.birth_precision}
    if "residence" in answered:
        news |= {"residence": told.residence, "away_place": told.away_place}
    if "contraindicated" in answered:
        news |= {"contraindicated": told.contraindicated, "contraindication": told.contraindication}
    if "vaccinated" in answered:
        news["vaccination_unknown"] = told.vaccination_unknown
    if "priorities" in answered:
        news["priorities"] = told.priorities
    doses = _with_doses(before.doses, told.doses)
    if len(doses) > len(before.doses) or told.deferred_until is not None:
        news |= {"refused": False, "refusal_reason": None}
    if len(doses) > len(before.doses) or told.refused:
        news |= {"deferred_until": None, "deferral_reason": None}
    if "consent" in answered:
        news |= {"refused": told.refused, "refusal_reason": told.refusal_reason}
    if told.deferred_until is not None:
        news |= {"deferred_until": told.deferred_until, "deferral_reason": told.deferral_reason}
    # From then on a refusal or deferral holds, and a dose without a date counts.
    if told.refused or told.deferred_until is not None or any(dose.given_on is None for dose in told.doses):
        news["reported_on"] = told.reported_on
    return replace(before, doses=doses, **news)  # type: ignore[arg-type]


def _with_doses(before: Sequence[Dose], told: Sequence[Dose]) -> tuple[Dose, ...]:
    """Doses known and doses told, each code once where it was so; what is told newly of one that is known counts."""
    doses = list(before)
    places = {dose.code: place for place, dose in reversed(list(enumerate(before)))}
    for dose in told:
        place = places.setdefault(dose.code, len(doses))
        if place == len(doses):
            doses.append(dose)
            continue
        facts = {field: value for field in _FACTS if (value := getattr(dose, field)) is not None}
        doses[place] = replace(doses[place], **facts)
    return tuple(doses)


_FACTS = ("given_on", "vaccine", "lot", "place", "evidence")


def house_counts(visit: Visit) -> list[int]:
    """What a household adds to the count of houses, in the order of HOUSE_COUNTS."""
    outcome = visit.outcome
    return [
        1,
        int(outcome == Outcome.INTERVIEWED),
        int(outcome == Outcome.VACANT),
        int(outcome == Outcome.REFUSED),
        int(outcome in (Outcome.ABSENT, Outcome.LOCKED)),
        len(visit.people),
    ]


def household_moves(visit: Visit, campaign: Campaign) -> list[int]:
    """All dated steps of a household's people as plain numbers, one after another: ``ledger.moves``."""
    return [number for person in visit.people for number in moves(person, campaign)]
