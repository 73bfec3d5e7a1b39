"""Houses of a canvasser drawn at random for a second interview by somebody else, and how far both interviews agree."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.people import Outcome, Person, Visit
from mapper.domain.places import fold
from mapper.domain.roles import Role
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit, users
from mapper.services.accounts import User, visible_cells
from mapper.services.areas import cells_in
from mapper.services.integrity import MOST, Period, only_overseers, read_form
from mapper.services.questions import default_set
from mapper.services.reference import Known, Reference
from mapper.stats.second_interview import Agreement, agreement, draw
from mapper.store import integrity as kept
from mapper.store.database import Connection
from mapper.store.integrity import BackCheck, BackCheckHouse, SentForm

HOUSES, MOST_HOUSES = 10, 50
LISTED = 50
"""Draws of a campaign that are listed, the newest."""

YES_NO = ("yes", "no")
MET = ("met", "unmet")
SEXES = ("male", "female")
MOST_PEOPLE, MOST_DOSES = 60, 20


@dataclass(frozen=True, slots=True)
class Line:
    """A draw in a list: whose houses, who is to go, how many houses, and of how many something was told."""

    kept: BackCheck
    canvasser: str
    checker: str
    houses: int
    told: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the second interview of a house told. came: whether the family says that somebody had come before.

    people: how many live there. persons: by place among those first told (from 0): lives there, year of birth, sex,
    doses; "" where nobody said.
    """

    outcome: str
    came: str = ""
    people: str = ""
    persons: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AskedTwice:
    """A question that both interviews answered, about a person, or about the house where there is none."""

    question: str
    person: Person | None
    first: str
    again: str


@dataclass(frozen=True, slots=True)
class House:
    """A house drawn. visit: the first interview, None where it does not count any more, or lies outside the area.

    later: instance id of the last form that somebody else sent of it since, None where nobody did. told: as entered on
    the page, else as that form tells it if it is a whole interview.
    """

    position: int
    instance_id: str
    place: str
    visit: Visit | None
    told: Told | None
    found_at: str | None
    later: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A draw with its houses, and question by question how far the two interviews agree, once something was told."""

    kept: BackCheck
    canvasser: str
    checker: str
    houses: tuple[House, ...]
    agreements: tuple[Agreement, ...]


def draw_houses(
    reference: Reference, user: User, period: Period, canvasser: int, checker: int | None, number: int, seed: str = ""
) -> int:
    """Draw houses where a canvasser held interviews in a period, as far as the user may see them; number of the draw.

    checker: another canvasser who is to go. seed: "" makes one. Raises NotFound for somebody whom the user does not
    look after, InvalidInput where there is nothing to draw from, or the same person is to go.
    """
    only_overseers(user)
    if not 1 <= number <= MOST_HOUSES:
        raise InvalidInput(mark("Draw 1 to {most} houses."), most=MOST_HOUSES)
    if checker == canvasser:
        raise InvalidInput(mark("Somebody else is to go: nobody can check their own interviews."))
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(period.campaign_id)
        for one in (canvasser, checker):
            if one is not None:
                users.find_managed(reference, connection, user, one)
        places = default_set(known, period.set_id, period.last)
        cells = cells_in(reference, connection, known, user, places, period.area)
        asked = (campaign.id, period.first, period.last)
        sent = kept.sent_between(reference.database, connection, *asked, cells, MOST, canvasser)
        frame = [one.instance_id for one in interviews(reference, connection, known, campaign, sent)]
    if not frame:
        raise InvalidInput(mark("This canvasser held no interview in this period. Choose a longer one."))
    seed = seed or secrets.token_hex(8)
    made = new_draw(user, period, canvasser, checker, seed, frame)
    drawn = draw(frame, number, seed)
    with reference.database.write() as connection:
        new = kept.add_back_check(connection, made, drawn)
        facts = {"campaign": campaign.id, "user": canvasser, "houses": len(drawn), "seed": seed}
        audit.record(reference, connection, user.id, user.name, "backcheck.drawn", str(new), facts)
    return new


def interviews(
    reference: Reference, connection: Connection, known: Known, campaign: Campaign, sent: Sequence[SentForm]
) -> Iterator[SentForm]:
    """Those of some submissions that tell of a whole interview: the ones a draw is made from."""
    by_seq = {one.seq: one for one in sent}
    for seq, xml in kept.xml_of(reference.database, connection, list(by_seq)):
        read = read_form(reference, connection, known, campaign, by_seq[seq], xml)
        if read is not None and read[0].outcome == Outcome.INTERVIEWED and not read[0].partial:
            yield by_seq[seq]


def new_draw(
    user: User, period: Period, canvasser: int, checker: int | None, seed: str, frame: Sequence[str]
) -> kept.NewBackCheck:
    """What is kept of a draw. frame: instance ids of the interviews it is made from, in any order."""
    return kept.NewBackCheck(
        campaign_id=period.campaign_id,
        canvasser_id=canvasser,
        checker_id=checker,
        first_day=period.first,
        last_day=period.last,
        seed=seed,
        drawn_from=len(frame),
        fingerprint=hashlib.sha256("\n".join(sorted(frame)).encode()).hexdigest(),
        user_id=user.id or None,
        drawn_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def lines(reference: Reference, user: User, campaign_id: str) -> list[Line]:
    """The draws of those whom a user looks after, the newest first."""
    only_overseers(user)
    with reference.database.read() as connection:
        names = {one.id: one.name for one in users.managed(reference, connection, user, Role.CANVASSER)}
        found = []
        for one in kept.back_checks(reference.database, connection, campaign_id, list(names), LISTED):
            houses = kept.back_check_houses(connection, one.id)
            told = sum(house.told is not None for house in houses)
            checker = names.get(one.checker_id or 0, "")
            found.append(Line(one, names[one.canvasser_id], checker, len(houses), told))
    return found


def back_check(reference: Reference, user: User, number: int) -> Shown:
    """A draw with what both interviews told; entered in the audit trail, since it lists families.

    Raises NotFound for one of somebody whom the user does not look after.
    """
    with reference.database.read() as connection:
        one, names = _find(reference, connection, user, number)
        known = reference.known(connection)
        cells = visible_cells(reference, connection, user)
        seen = None if cells is None else frozenset(cells)
        rows = kept.back_check_houses(connection, number)
        houses = tuple(_house(reference, connection, known, one, row, seen) for row in rows)
    facts = {"campaign": one.campaign_id, "houses": len(houses)}
    audit.record_seen(reference, user.id, user.name, "backcheck.seen", str(number), facts)
    return Shown(one, names[one.canvasser_id], names.get(one.checker_id or 0, ""), houses, compare(houses))


def tell(reference: Reference, user: User, number: int, position: int, told: Told) -> None:
    """Keep what a second interview told. Raises InvalidInput, naming what is no answer."""
    _check(told)
    with reference.database.write() as connection:
        one, _ = _find(reference, connection, user, number)
        if position not in {house.position for house in kept.back_check_houses(connection, number)}:
            raise NotFound(mark("This draw has no house {number}."), number=position)
        text = json.dumps([told.outcome, told.came, told.people, told.persons], ensure_ascii=False)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept.tell(connection, number, position, text, at, user.id or None)
        facts = {"campaign": one.campaign_id, "number": position}
        audit.record(reference, connection, user.id, user.name, "backcheck.told", str(number), facts)


def compare(houses: Sequence[House]) -> tuple[Agreement, ...]:
    """How far both interviews agree, question by question; of answers that both gave."""
    pairs: dict[str, list[tuple[str, str]]] = {name: [] for name in QUESTIONS}
    for house in houses:
        for one in asked_twice(house):
            pairs[one.question].append((one.first, one.again))
    graded = {"sex", "doses"}
    return tuple(agreement(name, told, name in graded) for name, told in pairs.items() if told)


def differences(house: House) -> list[AskedTwice]:
    """What both interviews of a house answered differently; nothing where nobody was met at the second."""
    return [one for one in asked_twice(house) if one.first != one.again]


def asked_twice(house: House) -> list[AskedTwice]:
    """The questions that both interviews of a house answered; none where nobody was met at the second."""
    told, visit = house.told, house.visit
    if told is None or told.outcome != "met" or visit is None:
        return []
    found = [
        AskedTwice("came", None, "yes", told.came),
        AskedTwice("people", None, str(len(visit.people)), told.people),
    ]
    for person, (lives, born, sex, doses) in zip(visit.people, told.persons, strict=False):
        found.append(AskedTwice("lives", person, "yes", lives))
        if lives != "no":
            again = {"born": born, "sex": sex, "doses": doses}
            found += [AskedTwice(name, person, first, again[name]) for name, first in answers_of(person).items()]
    return [one for one in found if one.first and one.again]


QUESTIONS = ("came", "people", "lives", "born", "sex", "doses")


def answers_of(person: Person) -> Mapping[str, str]:
    """The first interview's answers to the questions about a person."""
    return {
        "born": str(person.born_on.year) if person.born_on else "",
        "sex": person.sex or "",
        "doses": "" if person.vaccination_unknown else str(len(person.doses)),
    }


def _find(reference: Reference, connection: Connection, user: User, number: int) -> tuple[BackCheck, dict[int, str]]:
    only_overseers(user)
    names = {one.id: one.name for one in users.managed(reference, connection, user, Role.CANVASSER)}
    one = kept.back_check(connection, number)
    if one is None or one.canvasser_id not in names:
        raise NotFound(mark("There is no draw {number} in your area. Choose one of the list."), number=number)
    return one, names


def _house(
    reference: Reference,
    connection: Connection,
    known: Known,
    one: BackCheck,
    row: BackCheckHouse,
    seen: frozenset[int] | None,
) -> House:
    told = _read(row.told) if row.told else None
    sent = kept.form_of(connection, one.campaign_id, row.instance_id)
    visit, place, later = None, "", None
    if sent is not None and (seen is None or sent.cell_id in seen):
        visit = _visit(reference, connection, known, one, sent)
        since = kept.later_of_house(connection, one.campaign_id, row.instance_id)
        later = since[-1] if since else None
        again = _visit(reference, connection, known, one, later) if later is not None else None
        if told is None and visit is not None and again is not None and not again.partial:
            told = told_again(visit, again)
        hamlet = known.hamlets.get((visit.hamlet_code if visit is not None else None) or "")
        place = hamlet.label if hamlet is not None else ""
    sent_since = later.instance_id if later is not None else None
    return House(row.position, row.instance_id, place, visit, told, row.found_at, sent_since)


def _visit(reference: Reference, connection: Connection, known: Known, one: BackCheck, sent: SentForm) -> Visit | None:
    ((_, xml),) = kept.xml_of(reference.database, connection, [sent.seq])
    read = read_form(reference, connection, known, known.campaign(one.campaign_id), sent, xml)
    return read[0] if read is not None else None


def told_again(first: Visit, again: Visit) -> Told:
    """What a second whole interview of a house tells; people are found by id, else by name, without its accents."""
    if again.outcome != Outcome.INTERVIEWED:
        return Told("unmet")
    by_id = {person.id: person for person in again.people}
    by_name = {fold(person.name or ""): person for person in again.people}
    persons = []
    for person in first.people:
        found = by_id.get(person.id) or (by_name.get(fold(person.name)) if person.name else None)
        answers = answers_of(found) if found is not None else {"born": "", "sex": "", "doses": ""}
        persons.append(("yes" if found is not None else "no", answers["born"], answers["sex"], answers["doses"]))
    return Told("met", "", str(len(again.people)), tuple(persons))


def _read(text: str) -> Told:
    outcome, came, people, persons = json.loads(text)
    return Told(outcome, came, people, tuple((lives, born, sex, doses) for lives, born, sex, doses in persons))


def _check(told: Told) -> None:
    if told.outcome not in MET:
        raise InvalidInput(mark("Say whether somebody was met at this house."))
    _one_of(told.came, YES_NO)
    _whole(told.people, 0, MOST_PEOPLE)
    for lives, born, sex, doses in told.persons:
        _one_of(lives, YES_NO)
        _whole(born, 1880, 2100)
        _one_of(sex, SEXES)
        _whole(doses, 0, MOST_DOSES)


def _one_of(text: str, words: Sequence[str]) -> None:
    if text and text not in words:
        raise InvalidInput(mark("{value} is no answer to choose here."), value=text[:20])


def _whole(text: str, least: int, most: int) -> None:
    number = whole(text, most)
    if text and (number is None or number < least):
        raise InvalidInput(
            mark("{value} is no whole number from {least} to {most}."), value=text[:20], least=least, most=most
        )
