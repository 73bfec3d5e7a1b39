"""The queue of what is odd in the register: what a commune station looks at, decides, mends and takes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.dividing import TwoHouseholds
from mapper.domain.mending import Act, Correction
from mapper.domain.people import Person
from mapper.domain.quality import RULES
from mapper.domain.roles import OVERSEERS
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User, visible_cells
from mapper.services.background import Standing
from mapper.services.counting import EVERYTHING, Gathered, recount, take_out, write
from mapper.services.folding import as_known
from mapper.services.looking_through import set_off
from mapper.services.mending_choices import Correcting, Dividing, Parting, correction, dividing, joining, parting
from mapper.services.reference import Known, Reference
from mapper.services.review import place_name
from mapper.services.tellings import tellers_of
from mapper.store import follow_up, mendings, oddities, register
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow
from mapper.store.mendings import Sent
from mapper.store.oddities import REOPENED, VISIT, Oddity, Verdict

LISTED = 20
"""Oddities, or decisions, on one page."""

LONGEST = 500
"""Characters of a reason."""

CHOICES = ("accept", "correct", "join", "part", "divide", VISIT, "not_a_problem")
"""What may be decided of an oddity."""

NEED_REASON = frozenset({"not_a_problem", VISIT})


@dataclass(frozen=True, slots=True)
class House:
    """A household as the register knows it, with the people of whom an oddity speaks first.

    sent: the submissions that count of it, under its own id.
    """

    row: HouseholdRow
    place: str
    people: tuple[Person, ...]
    sent: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """An oddity with its evidence. house, other: None where the register no longer has it. person, other_person: of
    whom it speaks."""

    oddity: Oddity
    house: House | None
    other: House | None
    person: Person | None
    other_person: Person | None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a user's area. counts: by rule. rule: the one asked for, "" for all. work: how far looking is."""

    campaign: Campaign
    counts: Mapping[str, int]
    rule: str
    findings: tuple[Finding, ...]
    work: Standing[int]


def queue(
    reference: Reference, user: User, campaign_id: str, rule: str = "", limit: int = LISTED, offset: int = 0
) -> Queue:
    """What waits for a decision in a user's area, `limit` of it from the `offset`-th on with its evidence.

    Has what changed looked through in the background. Raises Forbidden for a role that does not look after others'
    work, NotFound for an unknown campaign.
    """
    _only_overseers(user)
    work = set_off(reference, campaign_id)
    with reference.database.read() as connection:
        known = reference.known(connection)
        visible = visible_cells(reference, connection, user)
        counts = oddities.counts(reference.database, connection, campaign_id, visible)
        rules = [rule] if rule in RULES else RULES
        found: Sequence[Oddity] = ()
        if limit:
            found = oddities.waiting(reference.database, connection, campaign_id, rules, visible, limit, offset)
        findings = _with_evidence(reference, connection, known, campaign_id, visible, found)
        ordered = {each: counts[each] for each in RULES if counts.get(each)}
        found_all = Queue(known.campaign(campaign_id), ordered, rule if rule in RULES else "", findings, work)
    if findings:
        facts = {"number": len(findings), "rule": found_all.rule}
        audit.record_seen(reference, user.id, user.name, "people.listed", campaign_id, facts)
    return found_all


def _with_evidence(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign_id: str,
    visible: Sequence[int] | None,
    found: Sequence[Oddity],
) -> tuple[Finding, ...]:
    ids = sorted({each for one in found for each in (one.household_id, one.other_household_id) if each})
    rows = follow_up.households_of(reference.database, connection, campaign_id, ids)
    among = None if visible is None else set(visible)
    own = {row.seq: row for row in rows.values() if among is None or row.cell_id in among}
    members = follow_up.people(reference.database, connection, list(own))
    cells = reference.cells(connection)
    sent = mendings.sent_of(reference.database, connection, campaign_id, ids)
    houses = {}
    for row in own.values():
        people = tuple(person for person, _ in members.get(row.seq, ()))
        place = place_name(known, cells.get(row.cell_id))
        houses[row.id] = House(row, place, people, tuple(sent.get(row.id, ())))

    def person(house: House | None, person_id: str) -> Person | None:
        return next((one for one in house.people if one.id == person_id), None) if house and person_id else None

    findings = []
    for one in found:
        house, other = houses.get(one.household_id), houses.get(one.other_household_id)
        findings.append(Finding(one, house, other, person(house, one.person_id), person(other, one.other_person_id)))
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision that holds. act: what was mended with it. names: of the people it speaks of, by id."""

    verdict: Verdict
    act: Act | None
    place: str


@dataclass(frozen=True, slots=True)
class Decided:
    """Which decisions are wanted: by rule, as what was chosen, by whom; "" or None for all."""

    rule: str = ""
    choice: str = ""
    user_id: int | None = None


EVERY = Decided()


def settled(
    reference: Reference, user: User, campaign_id: str, limit: int = LISTED, offset: int = 0, wanted: Decided = EVERY
) -> list[Settled]:
    """Decisions of a user's area that hold, the latest first. Raises Forbidden, NotFound."""
    _only_overseers(user)
    with reference.database.read() as connection:
        known = reference.known(connection)
        known.campaign(campaign_id)
        visible = visible_cells(reference, connection, user)
        found = oddities.verdicts(
            reference.database,
            connection,
            campaign_id,
            visible,
            limit,
            offset,
            rule=wanted.rule,
            choice=wanted.choice,
            user_id=wanted.user_id,
        )
        acts = mendings.read(connection, [one.mending for one in found if one.mending is not None])
        cells = reference.cells(connection)
        return [
            Settled(
                one,
                acts[one.mending].act if one.mending is not None else None,
                place_name(known, cells.get(one.cell_id)),
            )
            for one in found
        ]


def deciders(reference: Reference, user: User, campaign_id: str) -> list[tuple[int, str]]:
    """(number, name) of those who decided in a user's area. Raises Forbidden for who oversees nobody."""
    _only_overseers(user)
    with reference.database.read() as connection:
        visible = visible_cells(reference, connection, user)
        return oddities.deciders(reference.database, connection, campaign_id, visible)


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody decided. kept: of "join", the household or person that stays: "one" or "other"."""

    choice: str
    reason: str = ""
    correcting: Correcting | None = None
    parting: Parting | None = None
    dividing: Dividing | None = None
    kept: str = "one"


def decide(reference: Reference, user: User, campaign_id: str, key: str, choice: Choice) -> None:
    """Decide about an oddity, which leaves the queue; what is mended counts at once, and submissions stay as they are.

    Raises Forbidden for a role that does not look after others' work, NotFound for an oddity that is not waiting in the
    user's area, Conflict where the value to be corrected has changed meanwhile, or what was to be joined is gone,
    InvalidInput for a choice that there is not.
    """
    _only_overseers(user)
    reason = " ".join(choice.reason.split())
    if choice.choice not in CHOICES:
        raise InvalidInput(mark("There is no such decision. Open the page again and choose one of its buttons."))
    if len(reason) > LONGEST:
        raise InvalidInput(mark("The reason has more than {number} characters. Shorten it."), number=LONGEST)
    if choice.choice in NEED_REASON and not reason:
        raise InvalidInput(mark("Write a reason: others are to understand the decision later."))
    database, gathered = reference.database, Gathered()
    mends = choice.choice in ("correct", "join", "part", "divide")
    with database.write() as connection:
        # What is joined may change only while nobody counts.
        database.lock(connection, EVERYTHING, shared=not mends)
        known = reference.known(connection)
        campaign = known.campaign(campaign_id)
        one = oddities.one(connection, campaign_id, key)
        if one is None or not _sees(reference, connection, user, campaign_id, one):
            raise NotFound(
                mark("This finding does not wait in your area: somebody may have decided. Open the list again.")
            )
        at = datetime.now(UTC).isoformat(timespec="seconds")
        act: Act | None = None
        number = None
        if choice.choice == "correct":
            act = correction(reference, connection, known, campaign, one, choice.correcting)
        elif choice.choice == "join":
            act = joining(reference, connection, known, campaign, one, choice.kept)
        elif choice.choice == "part":
            act = parting(reference, connection, known, campaign, one, choice.parting)
        elif choice.choice == "divide":
            act = dividing(reference, connection, known, campaign, one, choice.dividing)
        if act is not None:
            number = mendings.add(connection, campaign_id, act, user.id, at)
        oddities.decide(connection, campaign_id, one, choice.choice, reason, number, user.id, at)
        if mends or choice.choice == VISIT:
            houses = [one.household_id] if act is None else list(filter(None, mendings.households_of(act)))
            _count_anew(reference, connection, known, campaign_id, houses, gathered)
        facts = {"campaign": campaign_id, "rule": one.rule, "choice": choice.choice, "household": one.household_id}
        if isinstance(act, Correction):
            facts["property"] = " ".join(filter(None, act.what[1:]))
        if isinstance(act, TwoHouseholds):
            facts |= {"household": act.household_id, "second": act.second_id, "number": str(len(act.people))}
        audit.record(reference, connection, user.id, user.name, "oddity.decided", key, facts)
    known.cells.update(gathered.new_cells)


def take_back(reference: Reference, user: User, campaign_id: str, key: str) -> None:
    """Take a decision back: what was mended with it is as it was, and the oddity waits again where it is still found.

    Raises Forbidden, and NotFound where no decision about it holds in the user's area.
    """
    _only_overseers(user)
    database, gathered = reference.database, Gathered()
    with database.write() as connection:
        database.lock(connection, EVERYTHING)
        known = reference.known(connection)
        known.campaign(campaign_id)
        visible = visible_cells(reference, connection, user)
        held = oddities.verdicts(database, connection, campaign_id, visible, 1, key=key)
        if not held:
            raise NotFound(mark("No decision about this finding holds in your area. Open the list again."))
        (verdict,) = held
        at = datetime.now(UTC).isoformat(timespec="seconds")
        houses = [verdict.household_id]
        if verdict.mending is not None:
            act = mendings.read(connection, [verdict.mending])[verdict.mending].act
            about = [(campaign_id, each) for each in mendings.households_of(act) if each]
            houses = [household_id for _, household_id in mendings.holding(database, connection, about).houses]
            upto = None
            if isinstance(act, TwoHouseholds):
                upto = as_known(reference, connection, known, (campaign_id, act.household_id)).newest
            mendings.undo(connection, verdict.mending, user.id, at, upto)
        oddities.decide(connection, campaign_id, verdict, REOPENED, "", verdict.mending, user.id, at)
        if verdict.mending is not None or verdict.choice == VISIT:
            _count_anew(reference, connection, known, campaign_id, houses, gathered)
        facts = {"campaign": campaign_id, "rule": verdict.rule, "household": verdict.household_id}
        audit.record(reference, connection, user.id, user.name, "oddity.reopened", key, facts)
    known.cells.update(gathered.new_cells)


def _count_anew(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign_id: str,
    household_ids: Sequence[str],
    gathered: Gathered,
) -> None:
    houses = [(campaign_id, household_id) for household_id in dict.fromkeys(household_ids)]
    # All of them first: what one was part of may still stand under the other.
    take_out(reference, connection, houses, gathered)
    for house in houses:
        recount(reference, connection, known, house, tellers_of(reference, connection, known, house), gathered)
    write(reference, connection, gathered)


def _sees(reference: Reference, connection: Connection, user: User, campaign_id: str, one: Oddity) -> bool:
    """Whether all that an oddity is about lies in the user's area, as far as the register still has it."""
    visible = visible_cells(reference, connection, user)
    if visible is None:
        return True
    cells = {one.cell_id}
    for household_id in filter(None, (one.household_id, one.other_household_id)):
        cell = register.cell_of(connection, campaign_id, household_id)
        cells |= {cell} if cell is not None else set()
    return cells <= set(visible)


def _only_overseers(user: User) -> None:
    if user.role not in OVERSEERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
