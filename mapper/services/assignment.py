"""Who walks where: hamlets and drawn areas of canvassers, given, moved and taken by whoever oversees both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.places import order_key
from mapper.domain.roles import Role
from mapper.domain.whole import whole
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound, mark
from mapper.geo.drawing import as_geojson, cut, read_drawing
from mapper.geo.drawn import bounds, overlap
from mapper.services import accounts, users
from mapper.services.accounts import DRAWN, HAMLET_LIST, IDLE, User, as_user
from mapper.services.field_area import field_area
from mapper.services.follow_up import standings
from mapper.services.hamlet_places import HamletPlaces, hamlet_places
from mapper.services.reference import Known, Reference
from mapper.store import accounts as kept
from mapper.store import drawn_areas, follow_up
from mapper.store.accounts import Account
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow

LABEL_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Load:
    """How much work something holds. expected: houses by the hamlet list, None where no list says; visited: houses
    with a visit of any outcome; due: people who may be given a dose on the day asked.
    """

    expected: int | None
    visited: int
    due: int


@dataclass(frozen=True, slots=True)
class Work:
    """A canvasser and their work in one commune. places: areas anywhere, as users.Place."""

    id: int
    name: str
    places: tuple[users.Place, ...]
    load: Load


@dataclass(frozen=True, slots=True)
class Shared:
    """A hamlet or a drawn area, written as SET:CODE, and the canvassers who have it, (number, name)."""

    written: str
    label: str
    load: Load
    holders: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A house on the map: degrees, its number, and who has it; None for nobody."""

    lat: float
    lon: float
    number: str | None
    holder_id: int | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The work of a commune on a day. outlines: of the units that may be drawn in, and of the drawn areas by label,
    as GeoJSON geometry; bounds: west, south, east, north of the commune, None where no set knows it; may_draw: whether
    the area of who asks has outlines to draw in.
    """

    canvassers: tuple[Work, ...]
    hamlets: tuple[Shared, ...]
    drawn: tuple[Shared, ...]
    dots: tuple[Dot, ...]
    outlines: tuple[str, ...]
    drawn_outlines: tuple[tuple[str, str], ...]
    bounds: tuple[float, float, float, float] | None
    may_draw: bool


@dataclass(frozen=True, slots=True)
class Assigned:
    """All that a user works in. units: (set id, unit code); shapes: drawn areas, WKB; everything: without limits."""

    hamlets: frozenset[str]
    units: frozenset[tuple[str, str]]
    shapes: tuple[bytes, ...]
    everything: bool


def assigned(reference: Reference, user: User) -> Assigned:
    """The hamlets, units and drawn areas of a user."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        told = (whole(code) for set_id, code in user.areas if set_id == DRAWN)
        numbers = [number for number in told if number is not None]
        shapes = (drawn_areas.outline(connection, number) for number in numbers)
        return Assigned(
            frozenset(code for set_id, code in user.areas if not set_id),
            frozenset((set_id, code) for set_id, code in user.areas if set_id in known.every_set),
            tuple(shape for shape in shapes if shape is not None),
            not user.areas,
        )


def communes(reference: Reference, by: User, set_id: str = "") -> list[users.Commune]:
    """The communes of a set in which hamlets of a user's area lie, a divided one in each, by name.

    set_id: "" for the set of the hamlet list. Raises NotFound for an unknown set.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        at = hamlet_places(reference, connection, known, set_id)
        listed = users.communes_of(reference, connection, known, by)
    found: dict[str, list[tuple[str, str]]] = {}
    for commune in listed:
        for code, label in commune.hamlets:
            for unit in at.units(known.hamlets[code]) - {""}:
                found.setdefault(unit, []).append((code, label))
    made = [users.Commune(unit, at.name(unit), tuple(hamlets)) for unit, hamlets in found.items()]
    return sorted(made, key=lambda commune: (order_key(commune.name), commune.code))


def overview(
    reference: Reference, by: User, campaign_id: str, day: date, commune: users.Commune, set_id: str = ""
) -> Overview:
    """Who has what in a commune of a set, as far as it lies in the area of who asks.

    set_id: "" for the set of the hamlet list; of hamlets that another one divides only what lies in the commune is
    counted. Raises NotFound for an unknown campaign or set.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(campaign_id)
        at = hamlet_places(reference, connection, known, set_id)
        rows = _houses(reference, connection, known, by, campaign_id, commune, at)
        due = _due(reference, connection, known, campaign, day, rows)
        outline = _outline(connection, at, commune.code)
        box = bounds(outline) if outline else None
        areas = [area for area in drawn_areas.every(connection) if box and overlap(bounds(area.wkb), box)]
        areas = [area for area in areas if accounts.holds(reference, connection, by, [(DRAWN, str(area.id))])]
        near = {str(area.id) for area in areas}
        workers = [
            account
            for account in users.managed(reference, connection, by, Role.CANVASSER)
            if account.active and _works_in(connection, known, account, at, commune.code, near)
        ]
        houses = {account.id: _houses_of(reference, connection, known, account, rows) for account in workers}
        expected = {
            code: known.hamlets[code].households if at.main(known.hamlets[code]) == commune.code else None
            for code, _ in commune.hamlets
        }
        return Overview(
            tuple(
                Work(
                    account.id,
                    account.name,
                    tuple(users.place_of(connection, known, *area) for area in account.areas),
                    _load(houses[account.id], due, _expected(reference, connection, account, expected)),
                )
                for account in workers
            ),
            tuple(
                Shared(
                    f"{HAMLET_LIST}:{code}",
                    label,
                    _load([row for row in rows if row.hamlet_code == code], due, expected[code]),
                    _holders(workers, ("", code)),
                )
                for code, label in commune.hamlets
            ),
            tuple(
                Shared(
                    f"{DRAWN}:{area.id}",
                    area.label,
                    _load(_inside(reference, connection, known, area.id, rows), due, None),
                    _holders(workers, (DRAWN, str(area.id))),
                )
                for area in areas
            ),
            _dots(rows, houses),
            (as_geojson(outline),) if outline else (),
            tuple((area.label, as_geojson(area.wkb)) for area in areas),
            box,
            box is not None and (not by.areas or any(set_id in known.every_set for set_id, _ in by.areas)),
        )


def move(reference: Reference, by: User, written: str, from_id: int | None, to_id: int | None) -> None:
    """Take a hamlet or a drawn area, SET:CODE, from one canvasser and give it to another; either may be None.

    Who has nothing left keeps the account, whose phone then shows no house and can still send what is filled. Raises
    NotFound for a canvasser or a place outside the user's area, Conflict where the first has not got it.
    """
    with reference.database.write() as connection:
        area = _area(reference, connection, by, written)
        if from_id is not None:
            account = _canvasser(reference, connection, by, from_id)
            if area not in account.areas:
                raise Conflict(mark("That place was moved meanwhile. Look at the list again."))
            left = [one for one in account.areas if one != area]
            kept.set_areas(connection, from_id, left or [(IDLE, f"{area[0]}:{area[1]}")])
        if to_id is not None:
            account = _canvasser(reference, connection, by, to_id)
            have = [one for one in account.areas if one[0] != IDLE and one != area]
            kept.set_areas(connection, to_id, [*have, area])
        facts: dict[str, object] = {"from": from_id or "-", "to": to_id or "-"}
        users.record(reference, connection, by, "hamlet.moved", written, facts)


def draw(reference: Reference, by: User, label: str, outline: str, to_id: int) -> int:
    """Keep an area drawn on the map and give it to a canvasser; its number.

    outline: GeoJSON; what of it lies outside the user's own area is cut off. Raises InvalidInput for what is no area
    or lies outside wholly, NotFound for a canvasser outside the user's area, Forbidden where that area knows no
    outlines.
    """
    label = " ".join(label.split())
    if not label or len(label) > LABEL_LENGTH or not label.isprintable():
        raise InvalidInput(mark("Give the area a name of 1 to {number} characters."), number=LABEL_LENGTH)
    shape = read_drawing(outline)
    with reference.database.write() as connection:
        account = _canvasser(reference, connection, by, to_id)
        if by.areas:
            own = drawn_areas.unit_outlines(connection, by.areas)
            if not own:
                raise Forbidden(mark("Your area is single hamlets, which have no outlines. Give out hamlets instead."))
            shape = cut(shape, own)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        number = drawn_areas.add(connection, label, shape, by.id, at)
        have = [one for one in account.areas if one[0] != IDLE]
        kept.set_areas(connection, to_id, [*have, (DRAWN, str(number))])
        users.record(reference, connection, by, "area.drawn", f"{DRAWN}:{number}", {"to": to_id})
    return number


def remove_drawn(reference: Reference, by: User, written: str) -> None:
    """Delete a drawn area that nobody has. Raises NotFound outside the user's area, Conflict where somebody has it."""
    with reference.database.write() as connection:
        area = _area(reference, connection, by, written)
        every = kept.everyone(connection)
        if area[0] != DRAWN or any(
            area in account.areas or (IDLE, ":".join(area)) in account.areas for account in every
        ):
            raise Conflict(mark("Somebody works there, or worked nowhere else. Give them another place first."))
        drawn_areas.remove(connection, int(area[1]))
        users.record(reference, connection, by, "area.removed", written)


def _area(reference: Reference, connection: Connection, by: User, written: str) -> tuple[str, str]:
    """The hamlet or drawn area of that name, if it lies in the user's own area. Raises NotFound."""
    set_id, _, code = written.partition(":")
    known = reference.known(connection)
    area = ("", code) if set_id == HAMLET_LIST else (set_id, code)
    there = (not area[0] and code in known.hamlets) or (
        set_id == DRAWN and (number := whole(code)) is not None and drawn_areas.outline(connection, number) is not None
    )
    if there and not area[0] and not accounts.holds(reference, connection, by, [area]):
        _refuse_part(known, by, code)
    if not there or not accounts.holds(reference, connection, by, [area]):
        raise NotFound(mark("There is no place {place} in your area. Look at the list again."), place=written)
    return area


def _refuse_part(known: Known, by: User, code: str) -> None:
    """Raises Forbidden where a hamlet is divided, and some of it may lie in a user's area."""
    for set_id, unit in by.areas:
        places = known.every_set.get(set_id)
        parts = accounts.parts_of_hamlet(known, places, code) if places else None
        if places is not None and parts and any(unit in places.line(part) for part in parts):
            raise Forbidden(
                mark(
                    "{hamlet} lies in {communes}, of which not all are in your area: the whole hamlet is given by "
                    "somebody whose area holds them all. For your part of it, draw an area on the map."
                ),
                hamlet=known.hamlets[code].label,
                communes=", ".join(places.units[places.leaf, part].name for part in parts),
            )


def _canvasser(reference: Reference, connection: Connection, by: User, user_id: int) -> Account:
    account = users.find_managed(reference, connection, by, user_id)
    if account.role != Role.CANVASSER or not account.active:
        raise NotFound(mark("No user {number} works in your area. Look in the list."), number=user_id)
    return account


def _houses(
    reference: Reference,
    connection: Connection,
    known: Known,
    by: User,
    campaign_id: str,
    commune: users.Commune,
    at: HamletPlaces,
) -> list[HouseholdRow]:
    """Visited households of the commune's hamlets, and those that told no hamlet but lie or were said to lie there."""
    codes = {code for code, _ in commune.hamlets}
    cells = [
        cell.id
        for cell in reference.cells(connection).values()
        if accounts.sees(known, by, cell)
        and (
            at.unit_of(cell) == commune.code
            if not at.at_home
            else cell.hamlet_code in codes
            if cell.hamlet_code in known.hamlets
            else commune.code in (cell.commune_code, cell.units.get(known.home or ""))
        )
    ]
    return follow_up.households(reference.database, connection, campaign_id, cells)


def _due(
    reference: Reference,
    connection: Connection,
    known: Known,
    campaign: Campaign,
    day: date,
    rows: Sequence[HouseholdRow],
) -> Mapping[str, int]:
    """People due, by household."""
    cells = {row.cell_id for row in rows}
    found = standings(reference, connection, known, campaign, day, cells)
    return {household: house.due for houses in found.values() for household, house in houses.items()}


def _houses_of(
    reference: Reference, connection: Connection, known: Known, account: Account, rows: Sequence[HouseholdRow]
) -> list[HouseholdRow]:
    return field_area(reference, connection, known, as_user(account)).hold(rows)


def _inside(
    reference: Reference, connection: Connection, known: Known, number: int, rows: Sequence[HouseholdRow]
) -> list[HouseholdRow]:
    """The houses in a drawn area."""
    user = User(0, "", Role.CANVASSER, ((DRAWN, str(number)),), 0)
    return field_area(reference, connection, known, user).hold(rows)


def _load(rows: Sequence[HouseholdRow], due: Mapping[str, int], expected: int | None) -> Load:
    return Load(expected, len(rows), sum(due.get(row.id, 0) for row in rows))


def _expected(
    reference: Reference, connection: Connection, account: Account, expected: Mapping[str, int | None]
) -> int | None:
    """Houses of the hamlets that somebody has whole, by the list."""
    user = as_user(account)
    told = [number for code, number in expected.items() if accounts.holds(reference, connection, user, [("", code)])]
    numbers = [number for number in told if number is not None]
    return sum(numbers) if numbers else None


def _holders(workers: Sequence[Account], area: tuple[str, str]) -> tuple[tuple[int, str], ...]:
    return tuple((account.id, account.name) for account in workers if area in account.areas)


def _works_in(
    connection: Connection, known: Known, account: Account, at: HamletPlaces, commune: str, near: set[str]
) -> bool:
    """Whether a canvasser works in a commune, or did and has nothing now."""
    if not at.at_home:
        plain = [tuple(code.split(":", 1)) if set_id == IDLE else (set_id, code) for set_id, code in account.areas]
        return any(code in near if set_id == DRAWN else at.touched([(set_id, code)], commune) for set_id, code in plain)
    return any(
        commune in users.communes_of_area(connection, known, area) or (area[0] == DRAWN and area[1] in near)
        for area in account.areas
    )


def _dots(rows: Sequence[HouseholdRow], houses: Mapping[int, Sequence[HouseholdRow]]) -> tuple[Dot, ...]:
    """Houses with a usable point; one that several canvassers have is told to be the first's, fewest houses first."""
    holder: dict[str, int] = {}
    for user_id in sorted(houses, key=lambda user_id: (len(houses[user_id]), user_id)):
        for row in houses[user_id]:
            holder.setdefault(row.id, user_id)
    return tuple(
        Dot(row.lat, row.lon, row.house_number, holder.get(row.id))
        for row in rows
        if row.lat is not None and row.lon is not None and row.point_usable
    )


def _outline(connection: Connection, at: HamletPlaces, commune: str) -> bytes | None:
    places = at.places
    if places is None or (places.leaf, commune) not in places.units:
        return None
    return next(iter(drawn_areas.unit_outlines(connection, [(places.id, commune)])), None)
