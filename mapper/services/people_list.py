"""A figure -> the people behind it, or the houses: a page of them at a time, in the order in which people look.

How many there are, and in which hamlets, tallies tell; only the hamlets of the page shown are read, through a sieve,
and the ledger's own rule decides person by person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mapper.domain.campaign import Campaign, Group, ScheduledDose
from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import ELIGIBLE, INSIDE, State
from mapper.domain.people import Outcome, Person
from mapper.domain.places import fold
from mapper.domain.reasons import Why, why
from mapper.domain.walk import number_key
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import HAMLET_LIST, User
from mapper.services.area_ledger import Counted, Told, asked_for, counted, households_of, reasons, ways_of
from mapper.services.areas import Area
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.services.ways import Missing
from mapper.store import follow_up, people_list
from mapper.store.follow_up import HouseholdRow

AT_ONCE = 200
"""People, or houses, of one page."""

SIEVED = 20_000
"""People whom the database may look through for a page; where they are more, each of many hamlets having a few of those
wanted, the page is found by everybody's way."""

FIGURES: Mapping[str, frozenset[State]] = {
    **{state.value: frozenset({state}) for state in (*INSIDE, State.OUTSIDE)},
    "group": frozenset(INSIDE),
    "eligible": ELIGIBLE,
    "not_vaccinated": frozenset(INSIDE) - {State.VACCINATED},
    "": frozenset(State),
}
"""What can be asked for by its name in an address, and the states that it counts; "" for everybody registered."""

HOUSES: Mapping[str, frozenset[str] | None] = {
    "visited": None,
    "interviewed": frozenset({Outcome.INTERVIEWED}),
    "closed": frozenset({Outcome.ABSENT, Outcome.LOCKED}),
    "refused": frozenset({Outcome.REFUSED}),
    "vacant": frozenset({Outcome.VACANT}),
}
"""Houses that can be asked for, as ``HOUSE_COUNTS`` calls them, and how their visits ended; None for any way."""

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of a list. hamlet, unit: names; of the unit alone where no hamlet was told.

    one_of: names of several units, where they live in one of these and nobody can tell in which.
    """

    person: Person
    why: Why
    house: HouseholdRow
    hamlet: str
    unit: str
    one_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedHouse:
    """A visited house of a list. people: how many are registered there."""

    house: HouseholdRow
    hamlet: str
    unit: str
    one_of: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class PeopleList:
    """A page of the people behind a figure. total: of all pages. first: number of the first one shown, from 1."""

    campaign: Campaign
    group: Group
    dose: ScheduledDose
    total: int
    page: int
    pages: int
    first: int
    people: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class HouseList:
    """The same of houses."""

    campaign: Campaign
    total: int
    page: int
    pages: int
    first: int
    houses: tuple[ListedHouse, ...]


def people(
    reference: Reference,
    user: User,
    question: Question,
    area: Area | None,
    figure: str,
    page: int = 1,
    reason: str = "",
) -> PeopleList | Missing:
    """A page of the people whom a figure counts; that it was seen is entered in the audit trail.

    figure: of FIGURES. reason: of a figure that is one state, as ``asked_for`` has it. Missing where too many people
    have to be read before anybody knows who they are. Raises NotFound for a page that is not there,
    InvalidInput for a figure that is none.
    """
    states = FIGURES.get(figure)
    if states is None:
        raise InvalidInput(
            mark("There is no figure {figure}. Choose one of: {figures}."),
            figure=figure[:40],
            figures=", ".join(name for name in FIGURES if name),
        )
    if reason and len(states) > 1:
        raise InvalidInput(mark("A reason belongs to one state. Choose a state, or ask without the reason."))
    with reference.database.read() as connection:
        at = counted(reference, connection, user, question, area)
        wanted = frozenset[Told]()
        if reason:
            (state,) = states
            told = reasons(reference, connection, at, state, question.day)
            if isinstance(told, Missing):
                return told
            wanted = asked_for(reason, told)
            numbers = {
                cell: sum(number for one, number in found.items() if one in wanted) for cell, found in told.items()
            }
        else:
            numbers = {cell: at.people(cell, states) for cell in at.cells}
        passing = people_list.sieve(states, at.group, at.dose, question.day)

        def read(cells: Sequence[int]) -> list[tuple[int, str | None, tuple[int, int], tuple[people_list.Found, Why]]]:
            found, only = [], None
            if State.OUTSIDE not in states and sum(map(at.registered, cells)) > SIEVED:
                spans = ways_of(reference, connection, at, cells)
                if isinstance(spans, Missing):
                    unread.append(spans)
                    return []
                only = households_of(spans, states, question.day)
            for one in people_list.people(reference.database, connection, at.campaign.id, cells, passing, only):
                stands = why(one.person, at.group, at.dose, question.day)
                if stands.state in states and (not reason or (stands.kind, stands.reason or None) in wanted):
                    key = one.household_seq, one.position
                    found.append((one.cell_id, one.house_number, key, (one, stands)))
            return found

        unread: list[Missing] = []
        total, pages, first, rows = _page(at, numbers, page, read)
        if unread:
            return unread[0]
        seqs = sorted({one.household_seq for one, _ in rows})
        houses = follow_up.by_number(reference.database, connection, at.campaign.id, seqs)
        shown = tuple(
            Listed(one.person, stands, houses[one.household_seq], *_place(at, one.cell_id)) for one, stands in rows
        )
    asked = {"state": figure or "registered", "group": question.group_code, "dose": question.dose_code}
    _enter(reference, user, question, area, asked | ({"reason": reason} if reason else {}), len(shown))
    return PeopleList(at.campaign, at.group, at.dose, total, page, pages, first, shown)


def houses(
    reference: Reference, user: User, question: Question, area: Area | None, figure: str, page: int = 1
) -> HouseList:
    """A page of the visited houses that a figure counts, with the same entry in the audit trail. figure: of HOUSES."""
    if figure not in HOUSES:
        raise InvalidInput(
            mark("There is no figure {figure}. Choose one of: {figures}."),
            figure=figure[:40],
            figures=", ".join(HOUSES),
        )
    with reference.database.read() as connection:
        at = counted(reference, connection, user, question, area)
        column = HOUSE_COUNTS.index(figure)
        numbers = {cell: row[column] for cell, row in at.houses.items()}

        def read(cells: Sequence[int]) -> list[tuple[int, str | None, tuple[int, int], people_list.House]]:
            found = people_list.houses(reference.database, connection, at.campaign.id, cells, HOUSES[figure])
            return [(one.cell_id, one.house_number, (one.seq, 0), one) for one in found]

        total, pages, first, rows = _page(at, numbers, page, read)
        known = follow_up.by_number(reference.database, connection, at.campaign.id, [one.seq for one in rows])
        living = people_list.members(reference.database, connection, [one.seq for one in rows])
        shown = tuple(ListedHouse(known[one.seq], *_place(at, one.cell_id), living.get(one.seq, 0)) for one in rows)
    _enter(reference, user, question, area, {"houses_seen": figure}, len(shown))
    return HouseList(at.campaign, total, page, pages, first, shown)


def house_counts(reference: Reference, user: User, question: Question, area: Area | None) -> dict[str, int]:
    """How many houses of an area each of HOUSES counts."""
    with reference.database.read() as connection:
        at = counted(reference, connection, user, question, area)
    columns = zip([0] * len(HOUSE_COUNTS), *at.houses.values(), strict=True)
    found = dict(zip(HOUSE_COUNTS, map(sum, columns), strict=True))
    return {name: found[name] for name in HOUSES}


def _page(
    at: Counted,
    numbers: Mapping[int, int],
    page: int,
    read: Callable[[Sequence[int]], Iterable[tuple[int, str | None, tuple[int, int], Read]]],
) -> tuple[int, int, int, list[Read]]:
    """Total, pages, the number of the first shown, and what is shown. numbers: by cell, how many there are.

    read: (cell, house number, what tells several apart, value) of cells. Only hamlets that the page meets are read.
    """
    hamlets: dict[tuple[str | None, str | None], list[int]] = {}
    for cell, number in numbers.items():
        if number:
            one = at.cells[cell]
            hamlets.setdefault((one.units.get(at.places.id), one.hamlet_code), []).append(cell)
    total = sum(numbers.values())
    pages = max(1, -(-total // AT_ONCE))
    if not 1 <= page <= pages:
        raise NotFound(mark("This list has {pages} pages. Choose one of them."), pages=pages)
    start, end = (page - 1) * AT_ONCE, min(page * AT_ONCE, total)
    cells: list[int] = []
    hamlet_of: dict[int, int] = {}
    before = skipped = 0
    for place, row in enumerate(sorted(hamlets, key=lambda row: _order(at, *row))):
        number = sum(numbers[cell] for cell in hamlets[row])
        if before + number <= start:
            skipped = before + number
        elif before < end:
            cells += hamlets[row]
            hamlet_of.update(dict.fromkeys(hamlets[row], place))
        before += number
    found = sorted(read(cells), key=lambda one: (hamlet_of[one[0]], number_key(one[1]), one[2])) if cells else []
    return total, pages, start + 1, [value for *_, value in found[start - skipped : end - skipped]]


def _order(at: Counted, unit: str | None, hamlet: str | None) -> tuple[object, ...]:
    """Hamlets by the name of their innermost unit and their own; whatever has no name comes last."""
    name, label = _names(at, unit, hamlet)
    return not unit, fold(name), unit or "", not hamlet, number_key(fold(label)), hamlet or ""


def _names(at: Counted, unit: str | None, hamlet: str | None) -> tuple[str, str]:
    found = at.places.units.get((at.places.leaf, unit or ""))
    listed = at.known.hamlets.get(hamlet or "")
    return found.name if found else unit or "", listed.label if listed else hamlet or ""


def _place(at: Counted, cell: int) -> tuple[str, str, tuple[str, ...]]:
    """Names of a cell's hamlet and innermost unit, and of the units in one of which it is."""
    one = at.cells[cell]
    unit, hamlet = _names(at, one.units.get(at.places.id), one.hamlet_code)
    return hamlet, unit, at.places.names_of(at.known.leaf(one, at.places))


def _enter(
    reference: Reference, user: User, question: Question, area: Area | None, asked: Mapping[str, str], shown: int
) -> None:
    """Enter in the audit trail which list was seen: what it was of and how many, and nobody's name."""
    if not shown:
        return
    where = ""
    if area is not None:
        where = f"{HAMLET_LIST if area.level == HAMLET else question.set_id}:{area.code}"
    facts = {"areas": where, **asked, "day": question.day.isoformat(), "number": shown}
    audit.record_seen(reference, user.id, user.name, "people.listed", question.campaign_id, facts)
