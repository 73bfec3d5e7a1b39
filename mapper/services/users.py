"""The accounts of an area, looked after by whoever oversees it: made, renewed, ended, given other places.

Nobody gives more than they have: only the roles of ``MAY_MAKE``, and areas that lie in their own. What is done stands
in the audit trail, by numbers and codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mapper.domain.places import order_key
from mapper.domain.roles import MAY_MAKE, Role
from mapper.domain.whole import whole
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound, mark
from mapper.geo.drawn import bounds, overlap
from mapper.services import accounts, audit
from mapper.services.accounts import DRAWN, HAMLET_LIST, IDLE, User
from mapper.services.listed import leaves_in_areas
from mapper.services.reference import Known, Reference
from mapper.store import accounts as kept
from mapper.store import drawn_areas
from mapper.store.accounts import Account
from mapper.store.database import Connection


@dataclass(frozen=True, slots=True)
class Place:
    """An area of a user in words. written: what names it in a form, SET:CODE; within: name of the unit around it.

    idle: it is no longer theirs, and says only where they belong.
    """

    written: str
    label: str
    within: str = ""
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Overseen:
    """An account as whoever oversees it sees it. has_password: whether it opens pages.

    communes: codes of the communes, of the hamlet list's own set, that its areas lie in.
    """

    id: int
    name: str
    role: Role
    active: bool
    has_password: bool
    places: tuple[Place, ...]
    communes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Card:
    """An account with the token that its QR code holds; None for no canvasser, for one whose access has ended, and
    where it cannot be told any more, see renew.
    """

    user: Overseen
    token: str | None


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune of the hamlet list with those of its hamlets, (code, name), that lie in somebody's area."""

    code: str
    name: str
    hamlets: tuple[tuple[str, str], ...]


def overseen(reference: Reference, by: User, commune: str = "") -> list[Overseen]:
    """The accounts that a user looks after, by name, the ended ones last; of one commune only, when given."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        found = [_told(connection, known, one) for one in managed(reference, connection, by)]
    return sorted(
        (one for one in found if not commune or commune in one.communes),
        key=lambda one: (not one.active, order_key(one.name)),
    )


def one_overseen(reference: Reference, by: User, user_id: int) -> Card:
    """One account that a user looks after; a canvasser's token is told only here and in ``cards``, and entered.

    Raises NotFound for any other.
    """
    with reference.database.write() as connection:
        account = find_managed(reference, connection, by, user_id)
        told = _told(connection, reference.known(connection), account)
        token = accounts.token_again(reference, connection, account) if told.role is Role.CANVASSER else None
        if token is not None:
            record(reference, connection, by, "user.card", str(user_id))
        return Card(told, token)


def cards(reference: Reference, by: User, commune: str) -> list[Card]:
    """The canvassers of a commune that a user looks after, by name, with their tokens; who looked is entered.

    Raises NotFound for a commune without any.
    """
    with reference.database.write() as connection:
        known = reference.known(connection)
        found = []
        for account in sorted(managed(reference, connection, by, Role.CANVASSER), key=lambda one: order_key(one.name)):
            told = _told(connection, known, account)
            if account.active and commune in told.communes:
                found.append(Card(told, accounts.token_again(reference, connection, account)))
        if not found:
            raise NotFound(mark("No canvasser works in commune {commune}. Add one first."), commune=commune)
        record(reference, connection, by, "user.cards", commune, {"number": len(found)})
    return found


def communes(reference: Reference, by: User) -> list[Commune]:
    """The communes whose hamlets, all or some, lie in a user's area, by name."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        return communes_of(reference, connection, known, by)


def communes_of(reference: Reference, connection: Connection, known: Known, by: User) -> list[Commune]:
    """The same within a transaction."""
    found: dict[str, list[tuple[str, str]]] = {}
    for hamlet in known.hamlets.values():
        if accounts.holds(reference, connection, by, [("", hamlet.code)]):
            found.setdefault(hamlet.commune_code, []).append((hamlet.code, hamlet.label))
    made = [Commune(code, _commune_name(known, code), tuple(hamlets)) for code, hamlets in found.items()]
    return sorted(made, key=lambda commune: (order_key(commune.name), commune.code))


def units(reference: Reference, by: User) -> list[Place]:
    """Units that may be given to a desk user: those of the hamlet list's set that lie in somebody's own area."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = known.sets.get(known.home or "")
        if places is None:
            return []
        own = None if not by.areas else leaves_in_areas(known, places, by)
        below: dict[str, bool] = {}
        for leaf in places.at_level(places.leaf):
            line = places.line(leaf.code)
            for number, code in enumerate(line):
                # A district that is all there is of its province is not for its supervisor to name the province.
                above_own = any((places.id, under) in by.areas for under in line[:number])
                inside = own is None or (leaf.code in own and not above_own)
                below[code] = below.get(code, True) and inside
        return [
            Place(f"{places.id}:{unit.code}", unit.name, _name(known, places.id, unit.parent_code or ""))
            for level in places.about.levels
            for unit in sorted(places.at_level(level), key=lambda unit: (unit.name, unit.code))
            if below.get(unit.code)
        ]


def add(
    reference: Reference, by: User, name: str, role: str, written: Sequence[str], password: str = ""
) -> tuple[int, str]:
    """Make an account; its number, and the password of one that is no canvasser's, made up where none is given.

    written: areas as SET:CODE, none for everything. Raises Conflict for a name in use, Forbidden for a role or an
    area that the user may not give, and what ``accounts.enter`` raises.
    """
    wanted = _role(by, role)
    password = "" if wanted is Role.CANVASSER else password or secrets.token_urlsafe(9)
    with reference.database.write() as connection:
        _may_give(reference, connection, by, accounts.find_areas(reference, connection, written))
        if kept.by_name(connection, accounts.typed_name(name)) is not None:
            raise Conflict(
                mark("There is a user named {name} already. Add the hamlet to the name, for example."),
                name=accounts.typed_name(name),
            )
        made = accounts.enter(reference, connection, name, wanted.value, written, password or None)
        record(
            reference, connection, by, "user.added", str(made.id), {"role": wanted.value, "areas": " ".join(written)}
        )
    return made.id, password


def renew(reference: Reference, by: User, user_id: int) -> None:
    """Give an account a new key: the QR code before it opens nothing from then on. An ended account opens again."""
    with reference.database.write() as connection:
        account = find_managed(reference, connection, by, user_id)
        accounts.renew(reference, connection, account.id, account.name)
        record(reference, connection, by, "user.renewed", str(user_id))


def end(reference: Reference, by: User, user_id: int) -> None:
    """Let an account in no more, at once; what it sent stays. Raises Conflict for one's own."""
    if user_id == by.id:
        raise Conflict(mark("You cannot end your own access. Ask another administrator."))
    with reference.database.write() as connection:
        account = find_managed(reference, connection, by, user_id)
        kept.end(connection, account.id)
        record(reference, connection, by, "user.revoked", str(user_id))


def change_areas(reference: Reference, by: User, user_id: int, written: Sequence[str]) -> None:
    """Give an account these areas, SET:CODE, and no others. Drawn ones it keeps if named; others are given with
    ``assignment.give_drawn``. Raises InvalidInput for none, Forbidden for one that the user may not give.
    """
    with reference.database.write() as connection:
        account = find_managed(reference, connection, by, user_id)
        kept_drawn = [(set_id, code) for set_id, code in account.areas if _is_named(set_id, code, written)]
        other = [one for one in written if not one.startswith(f"{DRAWN}:")]
        areas = kept_drawn + accounts.find_areas(reference, connection, other)
        if not areas:
            raise InvalidInput(mark("Choose at least one place. To stop somebody's work, end their access."))
        _may_give(reference, connection, by, areas)
        kept.set_areas(connection, user_id, areas)
        told = " ".join(f"{set_id or HAMLET_LIST}:{code}" for set_id, code in areas)
        record(reference, connection, by, "user.areas", str(user_id), {"areas": told})


def _is_named(set_id: str, code: str, written: Iterable[str]) -> bool:
    return set_id == DRAWN and f"{DRAWN}:{code}" in written


def new_password(reference: Reference, by: User, user_id: int) -> str:
    """Give an account for pages a new password, told this once; its sessions end. Raises Conflict for a canvasser."""
    password = secrets.token_urlsafe(9)
    hashed = accounts.hashed(password, "")  # before the transaction: it takes a while
    with reference.database.write() as connection:
        account = find_managed(reference, connection, by, user_id)
        if account.role == Role.CANVASSER:
            raise Conflict(mark("A canvasser signs in with the QR code alone and has no password."))
        kept.set_password(connection, user_id, hashed)
        record(reference, connection, by, "user.password", str(user_id))
    return password


def record(
    reference: Reference,
    connection: Connection,
    by: User,
    action: str,
    subject: str,
    facts: dict[str, object] | None = None,
) -> None:
    """Enter in the trail what a user did; the last thing in a transaction."""
    audit.record(reference, connection, by.id, by.name, action, subject, facts)


def managed(reference: Reference, connection: Connection, by: User, role: Role | None = None) -> list[Account]:
    """The accounts that a user looks after; of one role only, when given."""
    every = kept.everyone(connection, role.value if role else None)
    return [account for account in every if _manages(reference, connection, by, account)]


def find_managed(reference: Reference, connection: Connection, by: User, user_id: int) -> Account:
    """One of them by its number. Raises NotFound for any other, whether it is there or not."""
    account = kept.by_id(connection, user_id)
    if account is None or not _manages(reference, connection, by, account):
        raise NotFound(mark("No user {number} works in your area. Look in the list."), number=user_id)
    return account


def _manages(reference: Reference, connection: Connection, by: User, account: Account) -> bool:
    return Role(account.role) in MAY_MAKE[by.role] and accounts.holds(reference, connection, by, account.areas)


def _role(by: User, written: str) -> Role:
    """The role of that name. Raises InvalidInput, and Forbidden for one that the user may not give."""
    if written not in set(Role):
        raise InvalidInput(
            mark("There is no role {role}. Choose one of: {roles}."), role=written, roles=", ".join(MAY_MAKE[by.role])
        )
    if Role(written) not in MAY_MAKE[by.role]:
        raise Forbidden(mark("You cannot make a user of the role {role}. Ask the administrator."), role=written)
    return Role(written)


def _may_give(reference: Reference, connection: Connection, by: User, areas: Sequence[tuple[str, str]]) -> None:
    """Raises Forbidden where a user would give more than they have."""
    if not accounts.holds(reference, connection, by, areas):
        raise Forbidden(mark("You can give only what lies in your own area. Choose other places."))


def _told(connection: Connection, known: Known, account: Account) -> Overseen:
    places = tuple(place_of(connection, known, set_id, code) for set_id, code in account.areas)
    communes = frozenset(code for area in account.areas for code in communes_of_area(connection, known, area))
    return Overseen(
        account.id,
        account.name,
        Role(account.role),
        account.active,
        account.password_hash is not None,
        tuple(sorted(places, key=lambda place: (place.idle, place.within, place.label))),
        communes,
    )


def place_of(connection: Connection, known: Known, set_id: str, code: str) -> Place:
    """An area in words."""
    idle = set_id == IDLE
    if idle:
        set_id, _, code = code.partition(":")
    if set_id == DRAWN:
        number = whole(code)
        label = drawn_areas.label(connection, number) if number is not None else None
        return Place(f"{DRAWN}:{code}", label or code, "", idle)
    if not set_id:
        hamlet = known.hamlets.get(code)
        within = _commune_name(known, hamlet.commune_code) if hamlet else ""
        return Place(f"{HAMLET_LIST}:{code}", hamlet.label if hamlet else code, within, idle)
    return Place(f"{set_id}:{code}", _name(known, set_id, code), "", idle)


def _commune_name(known: Known, code: str) -> str:
    return _name(known, known.home or "", code)


def _name(known: Known, set_id: str, code: str) -> str:
    """Name of a unit, of whichever level; its code where the set does not know it."""
    places = known.every_set.get(set_id)
    levels = places.about.levels if places else ()
    found = (places.units.get((level, code)) for level in reversed(levels)) if places else ()
    return next((unit.name for unit in found if unit is not None), code)


def communes_of_area(connection: Connection, known: Known, area: tuple[str, str]) -> set[str]:
    """Codes of the hamlet list's communes that an area lies in, or that lie in it; of a drawn one those near it."""
    set_id, code = area
    if set_id == IDLE:
        set_id, _, code = code.partition(":")
    if not set_id:
        hamlet = known.hamlets.get(code)
        return {hamlet.commune_code} if hamlet else set()
    home, places = known.sets.get(known.home or ""), known.every_set.get(set_id)
    if home is not None and set_id == DRAWN:
        number = whole(code)
        outline = drawn_areas.outline(connection, number) if number is not None else None
        box = bounds(outline) if outline else None
        return {unit.code for unit in home.at_level(home.leaf) if box and overlap(unit.bounds, box)}
    if home is None or places is None:
        return set()
    found = set()
    for unit in home.at_level(home.leaf):
        there = known.counterpart(home, unit.code, places)
        if there is not None and code in places.line(there):
            found.add(unit.code)
    return found
