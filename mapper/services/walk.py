"""Walks to the doors that are to be knocked at again: a hamlet's houses in order, in each who is to be seen and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from mapper.domain.follow_up import PersonState
from mapper.domain.people import Outcome, Point
from mapper.domain.places import fold, point_fault
from mapper.domain.roles import Role
from mapper.domain.walk import Stop, length_m, number_key, walk
from mapper.errors import NotFound, mark
from mapper.services import follow_up, invitations
from mapper.services.accounts import User, as_user, oversees, visible_cells
from mapper.services.field_area import field_area
from mapper.services.follow_up import HouseToSee, PersonToSee
from mapper.services.hamlet_places import HamletPlaces, hamlet_places
from mapper.services.kept_invitations import InvitedTo
from mapper.services.listed import Visited, visible_hamlets, visited_in
from mapper.services.reference import Known, Reference
from mapper.store import accounts, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection


class Why(StrEnum):
    """Why somebody is to be seen again.

    DUE: a dose may be given. BACK: the same, and it was put off until this very day. ASK: nobody at home knew the
    doses, or the age. REFUSED, NOT_MET (of houses): at the last visit. DEFERRED: put off until a day still to come.
    INVITED: falls due before a day on which the plan in use asks them to come.
    """

    DUE = "due"
    BACK = "back"
    ASK = "ask"
    REFUSED = "refused"
    NOT_MET = "not_met"
    DEFERRED = "deferred"
    INVITED = "invited"


EVERYWHERE = InvitedTo()

TODAY = frozenset(set(Why) - {Why.DEFERRED, Why.INVITED})
"""What a walk takes in where no list is chosen: everything that can be done today."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A person to be seen, and why."""

    each: PersonToSee
    why: Why


@dataclass(frozen=True, slots=True)
class WalkedHouse:
    """A house of a walk. why: of the house as a whole (refused, not met), None where it is about its people alone.

    point: where it stands, also where the position is poor; None where nothing usable at all is known.
    """

    number: int
    house: HouseToSee
    point: Point | None
    people: tuple[Seen, ...]
    why: Why | None


@dataclass(frozen=True, slots=True)
class Hamlet:
    """A hamlet, or its part in one unit of a set, with its houses as counted. code "": of the houses that told none.

    commune_code, commune: the unit. divided: whether others hold parts, too, with so many houses visited_elsewhere.
    expected: of the whole hamlet; None where the list names no number, and of parts but the one in which houses never
    visited are counted. unvisited: expected and not visited yet, by number only, since no house without a visit is
    known. due: people due, where they were asked for.
    """

    code: str
    label: str
    commune_code: str
    commune: str
    expected: int | None
    visited: int
    refused: int
    closed: int
    due: int = 0
    divided: bool = False
    visited_elsewhere: int = 0

    @property
    def unvisited(self) -> int | None:
        """Houses that nobody went to yet."""
        return None if self.expected is None else max(0, self.expected - self.visited - self.visited_elsewhere)


@dataclass(frozen=True, slots=True)
class Walk:
    """The houses of a hamlet in walking order. counts: people, or houses, by why. length_m: door to door, by air."""

    hamlet: Hamlet
    houses: tuple[WalkedHouse, ...]
    counts: Mapping[Why, int]
    length_m: float


@dataclass(frozen=True, slots=True)
class Canvasser:
    """Somebody whose walks can be asked for."""

    id: int
    name: str


def hamlets(
    reference: Reference,
    user: User,
    campaign_id: str,
    day: date,
    commune: str | None = None,
    canvasser: int | None = None,
    set_id: str = "",
) -> list[Hamlet]:
    """The hamlets of a user's area by commune and label, with the people due in each.

    commune: only those of one commune of a boundary set, with their part in it. canvasser: only those that this
    canvasser works in. set_id: the set, "" for that of the hamlet list. Raises NotFound for an unknown campaign or
    set, and for a canvasser who is not overseen.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, working = known.campaign(campaign_id), _worker(reference, connection, user, canvasser)
        at = hamlet_places(reference, connection, known, set_id)
        found = _hamlets(reference, connection, known, user, campaign_id, working, at)
        found = [hamlet for hamlet in found if commune is None or hamlet.commune_code == commune]
        shown, due = {(hamlet.commune_code, hamlet.code) for hamlet in found}, Counter[tuple[str, str]]()
        parts = {n: (at.unit_of(cell), cell.hamlet_code or "") for n, cell in reference.cells(connection).items()}
        cells = [number for number, part in parts.items() if part in shown]
        areas = [field_area(reference, connection, known, one) for one in (user, working) if one is not None]
        for cell, houses in follow_up.standings(reference, connection, known, campaign, day, cells, areas).items():
            due[parts[cell]] += sum(house.due for house in houses.values())
    return [replace(hamlet, due=due[hamlet.commune_code, hamlet.code]) for hamlet in found]


def codes(
    reference: Reference,
    user: User,
    campaign_id: str,
    commune: str | None = None,
    canvasser: int | None = None,
    set_id: str = "",
) -> list[str]:
    """Codes of the same hamlets that were visited, in the same order."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        working = _worker(reference, connection, user, canvasser)
        at = hamlet_places(reference, connection, known, set_id)
        found = _hamlets(reference, connection, known, user, campaign_id, working, at)
    return [one.code for one in found if one.visited and (commune is None or one.commune_code == commune)]


def communes(reference: Reference, user: User, set_id: str = "") -> list[tuple[str, str]]:
    """Code and name of the communes of a set in which hamlets of a user's area lie, by name.

    Of a divided hamlet only those in which the user may see its houses. set_id: "" for the set of the hamlet list.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        at = hamlet_places(reference, connection, known, set_id)
        return [(unit, at.name(unit)) for unit in _units(reference, connection, known, user, at)]


def _units(reference: Reference, connection: Connection, known: Known, user: User, at: HamletPlaces) -> list[str]:
    """Codes of the same communes."""
    listed = _listed(reference, connection, known, user)
    if at.at_home or not user.areas:
        return [unit for unit, _ in at.choices(listed)]
    visible, cells = visible_cells(reference, connection, user) or (), reference.cells(connection)
    units = {at.unit_of(cells[number]) for number in visible} | {at.main(hamlet) for hamlet in listed}
    return sorted(units - {""}, key=lambda unit: (at.name(unit), unit))


def canvassers(reference: Reference, user: User, commune: str | None = None, set_id: str = "") -> list[Canvasser]:
    """The active canvassers whom a user oversees, by name; of one commune of a set, those whose area touches it."""
    with reference.database.read() as connection:
        at = hamlet_places(reference, connection, reference.known(connection), set_id)
        return [Canvasser(one.id, one.name) for one in canvassers_of(reference, connection, user, at, commune)]


def canvassers_of(
    reference: Reference, connection: Connection, user: User, at: HamletPlaces, commune: str | None = None
) -> list[accounts.Account]:
    """The same as accounts, within a transaction."""
    return [
        one
        for one in accounts.everyone(connection, Role.CANVASSER.value)
        if one.active
        and (commune is None or at.touched(one.areas, commune))
        and oversees(reference, connection, user, one.id)
    ]


def listed_codes(
    reference: Reference, connection: Connection, known: Known, user: User, at: HamletPlaces, commune: str
) -> list[str]:
    """Codes of the listed hamlets of a user's area that lie in a commune of a set, or a part of which does."""
    listed = _listed(reference, connection, known, user)
    return sorted(hamlet.code for hamlet in listed if commune in at.units(hamlet))


def hamlets_of(
    reference: Reference, connection: Connection, known: Known, account: accounts.Account | None, among: Sequence[str]
) -> list[str]:
    """Codes of those hamlets that a canvasser works in as a whole."""
    if account is None:
        return []
    listed = _listed(reference, connection, known, as_user(account))
    own = {hamlet.code for hamlet in listed}
    return [code for code in among if code in own]


def walk_through(
    reference: Reference,
    user: User,
    campaign_id: str,
    day: date,
    hamlet: str,
    only: Why | None = None,
    canvasser: int | None = None,
    invited: InvitedTo = EVERYWHERE,
    part: tuple[str, str] | None = None,
) -> Walk:
    """The walk through one hamlet on a day; see ``walks``."""
    return walks(reference, user, campaign_id, day, [hamlet], only, canvasser, invited, part)[0]


def walks(
    reference: Reference,
    user: User,
    campaign_id: str,
    day: date,
    through: Sequence[str],
    only: Why | None = None,
    canvasser: int | None = None,
    invited: InvitedTo = EVERYWHERE,
    part: tuple[str, str] | None = None,
) -> list[Walk]:
    """The walks through several hamlets on a day.

    through: codes of hamlets. part: a boundary set and a commune of it: of hamlets that it divides only what lies
    there. only: the list asked for; None takes in all that can be done today. canvasser: only houses that this
    canvasser works in. invited: of the list of those INVITED, whom it is about. Raises NotFound for a campaign, set,
    hamlet or canvasser that is not there for this user.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        working = _worker(reference, connection, user, canvasser)
        found = {one.code: one for one in _hamlets(reference, connection, known, user, campaign_id, working)}
        inside: dict[str, set[int]] = {}
        if part is not None:
            at = hamlet_places(reference, connection, known, part[0])
            for one in _hamlets(reference, connection, known, user, campaign_id, working, at):
                if one.commune_code == part[1]:
                    found[one.code] = one
                    if one.divided:
                        inside[one.code] = set()
            for number, cell in reference.cells(connection).items():
                if (cell.hamlet_code or "") in inside and at.unit_of(cell) == part[1]:
                    inside[cell.hamlet_code or ""].add(number)
        asked = invitations.invited(reference, connection, campaign_id) if only is Why.INVITED else None
    for code in through:
        if code not in found:
            raise NotFound(mark("There is no hamlet {hamlet} in your area. Choose one of the list."), hamlet=code)

    def seen(each: PersonToSee) -> Seen | None:
        """A person of the list; None for others."""
        why = _why(each, day)
        if asked is None:
            return Seen(each, why) if why is not None and why in wanted else None
        one = asked.get(each.person.id)
        if one is None or not invited.takes(one) or not one.holds(each.status, day):
            return None
        return Seen(each, why or Why.INVITED)

    wanted = TODAY if only is None else {only, Why.BACK} if only is Why.DUE else {only}
    return [
        _walk(
            found[code],
            [
                house
                for house in _houses(reference, user, working, campaign_id, day, code)
                if code not in inside or house.cell_id in inside[code]
            ],
            wanted,
            seen,
        )
        for code in through
    ]


def _walk(
    hamlet: Hamlet, houses: Iterable[HouseToSee], wanted: Collection[Why], seen: Callable[[PersonToSee], Seen | None]
) -> Walk:
    chosen = []
    for house in houses:
        people = tuple(filter(None, map(seen, house.people)))
        whole = _why_house(house)
        if whole not in wanted:
            whole = None
        if people or whole is not None:
            usable = house.point if point_fault(house.point) is None else None
            chosen.append(WalkedHouse(0, house, usable, people, whole))
    order = walk([Stop(one.house.id, one.point, one.house.house_number) for one in chosen])
    ordered = tuple(replace(chosen[place], number=number) for number, place in enumerate(order, 1))
    counts = Counter(each.why for one in ordered for each in one.people)
    counts.update(one.why for one in ordered if one.why is not None)
    return Walk(hamlet, ordered, counts, length_m([one.point for one in ordered if one.point is not None]))


def _houses(
    reference: Reference, user: User, working: User | None, campaign_id: str, day: date, hamlet: str
) -> Iterable[HouseToSee]:
    """The visited houses of a hamlet that the user, and the canvasser where one is chosen, may see."""
    houses = follow_up.households(reference, user, campaign_id, day, hamlet)
    if working is None:
        return houses
    theirs = {house.id for house in follow_up.households(reference, working, campaign_id, day, hamlet)}
    return [house for house in houses if house.id in theirs]


def _why(each: PersonToSee, day: date) -> Why | None:
    """Why a person is to be seen; None where nothing can be done for them today, nor was put off."""
    state = each.status.state
    if state is PersonState.DUE:
        return Why.BACK if each.person.deferred_until == day else Why.DUE
    return _BY_STATE.get(state)


_BY_STATE = {
    PersonState.UNKNOWN: Why.ASK,
    PersonState.REFUSED: Why.REFUSED,
    PersonState.DEFERRED: Why.DEFERRED,
}


def _why_house(house: HouseToSee) -> Why | None:
    if house.outcome == Outcome.REFUSED:
        return Why.REFUSED
    return Why.NOT_MET if house.outcome in (Outcome.ABSENT, Outcome.LOCKED) else None


def _worker(reference: Reference, connection: Connection, user: User, canvasser: int | None) -> User | None:
    """The canvasser of that number. Raises NotFound where a user may not know of them."""
    if canvasser is None:
        return None
    account = accounts.by_id(connection, canvasser)
    if account is None or account.role != Role.CANVASSER or not oversees(reference, connection, user, canvasser):
        raise NotFound(mark("There is no canvasser of that number in your area. Choose one of the list."))
    return as_user(account)


def _hamlets(
    reference: Reference,
    connection: Connection,
    known: Known,
    user: User,
    campaign_id: str,
    working: User | None,
    at: HamletPlaces | None = None,
) -> list[Hamlet]:
    """The listed hamlets of a user's area, and whatever other hamlets its houses told; by the communes of a set.

    at: None for that of the hamlet list. Raises NotFound for an unknown campaign.
    """
    known.campaign(campaign_id)
    at = at or hamlet_places(reference, connection, known)
    houses = tallies.houses(reference.database, connection, campaign_id, None)
    cells = reference.cells(connection)
    visible = visible_cells(reference, connection, user)
    seen = set(visible or ())
    listed = {hamlet.code for hamlet in _listed(reference, connection, known, user)}
    if working is not None:
        theirs = {hamlet.code for hamlet in _listed(reference, connection, known, working)}
        readable = field_area(reference, connection, known, working).readable
        theirs |= {cells[number].hamlet_code or "" for number in (cells if readable is None else readable)}
    counted: dict[tuple[str, str], Counter[str]] = {}
    everywhere = Counter[str]()
    parts: set[tuple[str, str]] = set()
    for cell_id, visited, _, _, refused, closed, *_ in houses:
        cell = cells[cell_id]
        part = at.unit_of(cell), cell.hamlet_code or ""
        counts = counted.setdefault(part, Counter())
        counts.update(visited=visited, refused=refused, closed=closed)
        everywhere[part[1]] += visited
        if visited and (visible is None or cell_id in seen):
            parts.add(part)
    parts |= {(at.main(known.hamlets[code]), code) for code in listed}
    if at.at_home:
        parts |= {part for part in counted if part[1] in listed}
    if working is not None:
        parts = {part for part in parts if part[1] in theirs}
    found = []
    for unit, code in parts:
        hamlet, counts = known.hamlets.get(code), counted.get((unit, code), Counter())
        elsewhere = everywhere[code] - counts["visited"]
        found.append(
            Hamlet(
                code,
                hamlet.label if hamlet else code,
                unit,
                at.name(unit),
                hamlet.households if hamlet and unit == at.main(hamlet) else None,
                counts["visited"],
                counts["refused"],
                counts["closed"],
                0,
                elsewhere > 0,
                elsewhere,
            )
        )
    return sorted(
        found, key=lambda one: (not one.code, one.commune, one.commune_code, number_key(fold(one.label)), one.code)
    )


def _listed(reference: Reference, connection: Connection, known: Known, user: User) -> list[kept.Hamlet]:
    """The hamlets of the list that lie in a user's area."""

    def visited(set_id: str) -> Visited:
        houses = [row for each in known.campaigns for row in tallies.houses(reference.database, connection, each, None)]
        return visited_in(reference.cells(connection), houses, set_id)

    return visible_hamlets(known, user, visited)
