"""Signing in: passwords for people at a desk, tokens for phones and programs; and what a user may see."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError

from mapper.domain.places import same_name
from mapper.domain.ranges import OneOf
from mapper.domain.roles import READERS, UNLIMITED, Role
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, SignInRequired, Unavailable, mark
from mapper.geo.drawing import lies_within
from mapper.services import audit, passwords
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import accounts, drawn_areas, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection

REALM = "tung-nha"
_KEY = "secret_key"

HAMLET_LIST = "hamlet"
"""What stands before the colon where the code of a hamlet is meant."""

IDLE = "idle"
"""The set of an area that opens nothing: the SET:CODE of what was taken from a canvasser who has no other."""

DRAWN = "drawn"
"""The set of an area that is the number of a drawn one."""

NOWHERE = (IDLE, ":")
"""The area of somebody who may see nothing at all."""

SAME_AREA = 0.05
"""Difference in area that two drawings of one unit may have; a commune that others were joined to has more."""

_hasher = PasswordHasher()


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user. areas: (set id, unit code), or ("", hamlet code); empty means everything."""

    id: int
    name: str
    role: Role
    areas: tuple[tuple[str, str], ...]
    session_epoch: int

    @property
    def reads_figures(self) -> bool:
        """Whether figures, maps and lists are open to this role."""
        return self.role in READERS


OPERATOR = User(0, audit.COMMAND_LINE, Role.ADMINISTRATOR, (), 0)
"""Whoever works at the server itself."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user just made, with the token that opens the server to their phone."""

    id: int
    name: str
    token: str


def as_user(account: accounts.Account) -> User:
    """The user of an account."""
    role = Role(account.role)
    # Having no area means everything, which no mistake may give to others than those who can have it.
    areas = account.areas or (() if role in UNLIMITED else (NOWHERE,))
    return User(account.id, account.name, role, areas, account.session_epoch)


def _typed(text: str) -> str:
    """A name or password as it compares: one keyboard composes accents and another does not."""
    return unicodedata.normalize("NFC", text)


def token_hash(token: str) -> str:
    """What is stored of a token: nobody can guess one, so a plain SHA-256 does."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(key: str, user_id: int, epoch: int) -> str:
    """The token of a user: the same as long as the epoch is, so that a QR code can be shown again."""
    made = hmac.digest(key.encode(), f"phone token {user_id} {epoch}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def digest_ha1(name: str, token: str) -> str:
    """What HTTP Digest (RFC 7616, MD5) needs of a name and its token."""
    return hashlib.md5(f"{name}:{REALM}:{token}".encode(), usedforsecurity=False).hexdigest()


def add_user(
    reference: Reference, name: str, role: str, area_codes: Sequence[str], password: str | None = None
) -> NewUser:
    """Make a user, or renew the one of that name: new token, new areas, the old ones void at once.

    For the command line, which may do everything; see ``enter`` for what is wanted and raised.
    """
    with reference.database.write() as connection:
        made = enter(reference, connection, name, role, area_codes, password)
        facts = {"role": role, "areas": " ".join(area_codes)}
        audit.record(reference, connection, None, audit.COMMAND_LINE, "user.added", str(made.id), facts)
    return made


def enter(
    reference: Reference,
    connection: Connection,
    name: str,
    role: str,
    area_codes: Sequence[str],
    password: str | None = None,
) -> NewUser:
    """Make a user, or renew the one of that name, in the caller's transaction.

    area_codes: unit codes of any boundary set, or hamlet codes; a code that means different places in several sets is
    written SET:CODE, and "hamlet:CODE" is one of the hamlet list. Of the same unit in several sets the newest counts.
    None means everything, which only an administrator or planner may see. Raises InvalidInput, NotFound.
    """
    name = typed_name(name)
    try:
        wanted = Role(role)
    except ValueError:
        raise InvalidInput(
            mark("There is no role {role}. Choose one of: {roles}."), role=role, roles=", ".join(Role)
        ) from None
    password_hash = None if password is None else hashed(password, name)
    if not area_codes and wanted not in UNLIMITED:
        raise InvalidInput(mark("A {role} needs an area: give the code of a unit or of a hamlet."), role=role)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    user_id, epoch = accounts.save(
        connection, name, wanted.value, find_areas(reference, connection, area_codes), password_hash, at
    )
    return NewUser(user_id, name, _give_token(reference, connection, user_id, name, epoch))


def typed_name(written: str) -> str:
    """A user's name as it is kept. Raises InvalidInput."""
    name = _typed(written).strip()
    if not name or len(name) > 80 or ":" in name or not name.isprintable():
        raise InvalidInput(mark("A user's name has 1 to 80 characters and no colon."))
    return name


def hashed(password: str, name: str) -> str:
    """What is kept of a password. name: of its user. Raises InvalidInput."""
    passwords.check(_typed(password), name)
    return _hasher.hash(_typed(password))


def renew(reference: Reference, connection: Connection, user_id: int, name: str) -> str:
    """Give a user a new token, in the caller's transaction; the one before opens nothing from then on."""
    return _give_token(reference, connection, user_id, name, accounts.next_token(connection, user_id))


def _give_token(reference: Reference, connection: Connection, user_id: int, name: str, epoch: int) -> str:
    token = token_of(_key(reference, connection), user_id, epoch)
    accounts.set_token(connection, user_id, token_hash(token), digest_ha1(name, token))
    return token


def token_again(reference: Reference, connection: Connection, account: accounts.Account) -> str | None:
    """The token that the user has, to be shown again.

    None where access has ended, or where the token was made with another key of the installation: it opens the
    server all the same, but nobody can tell it any more.
    """
    key = reference.secret_key or kept.fact(connection, _KEY) or ""
    token = token_of(key, account.id, account.token_epoch)
    return token if account.active and account.token_sha256 == token_hash(token) else None


def find_areas(reference: Reference, connection: Connection, written: Iterable[str]) -> list[tuple[str, str]]:
    """The areas that codes mean; see ``enter``. Raises NotFound, InvalidInput."""
    known = reference.known(connection)
    return list(dict.fromkeys(_find_area(known, code) for code in written))


def _find_area(known: Known, written: str) -> tuple[str, str]:
    """The area that a code means; see enter. Raises NotFound, InvalidInput."""
    found = _areas_of(known, written, known.sets)
    code = written
    if not found:
        where, _, code = written.partition(":")
        sets = [] if where not in known.sets else [where]
        found = _areas_of(known, code, sets, in_list=where == HAMLET_LIST) if code else []
    if not found:
        raise NotFound(
            mark(
                "No boundary set and no hamlet list knows the code {code}. Import the boundaries or publish the form "
                "first."
            ),
            code=written,
        )
    (set_id, unit), *others = found
    if all(unit is not None and other is not None and _alike(unit, other) for _, other in others):
        return set_id, code
    shown = [f"{at or HAMLET_LIST}:{code}" for at, _ in found]
    if len(set(shown)) == 1:
        raise InvalidInput(
            mark("Code {code} names units of several levels of {set}. Give the codes of the innermost ones instead."),
            code=code,
            set=set_id,
        )
    names = [unit.name if unit is not None else known.hamlets[code].label for _, unit in found]
    raise InvalidInput(
        mark("Code {code} means several places: {places}. Write which of them, for example {example}."),
        code=code,
        places=", ".join(f"{one} = {name}" for one, name in zip(shown, names, strict=True)),
        example=shown[0],
    )


def _areas_of(
    known: Known, code: str, sets: Iterable[str], *, in_list: bool = True
) -> list[tuple[str, kept.UnitRow | None]]:
    """Every unit of these sets that has a code, and the hamlet as ("", None) where the list is looked into."""
    found: list[tuple[str, kept.UnitRow | None]] = [
        (set_id, unit)
        for set_id in sets
        for level in known.sets[set_id].about.levels
        if (unit := known.sets[set_id].units.get((level, code))) is not None
    ]
    if in_list and code in known.hamlets:
        found.append(("", None))
    return found


def _alike(one: kept.UnitRow, other: kept.UnitRow) -> bool:
    """Whether two units of one code are one place in two vintages; a code and a name often went to a merged commune."""
    return (
        one.level == other.level
        and same_name(one.name, other.name)
        and abs(one.area_km2 - other.area_km2) <= SAME_AREA * max(one.area_km2, other.area_km2)
    )


@lru_cache(maxsize=1)
def _decoy() -> str:
    """A hash to check against where there is no user, so that both take as long."""
    return _hasher.hash(secrets.token_urlsafe(16))


def sign_in(reference: Reference, name: str, password: str) -> User:
    """The user of that name and password.

    Raises SignInRequired, the same for a wrong name or password; Unavailable where there is no memory to tell.
    """
    name = _typed(name).strip()
    account = None
    if name.isprintable():
        with reference.database.read() as connection:
            account = accounts.by_name(connection, name)
    stored = account.password_hash if account and account.active else None
    try:
        _hasher.verify(stored or _decoy(), _typed(password))
    except VerifyMismatchError:
        stored = None
    except VerificationError:
        raise Unavailable(mark("Too many people sign in at this moment. Try again in a moment.")) from None
    if account is None or stored is None:
        raise SignInRequired(mark("The name or the password is wrong."))
    if _hasher.check_needs_rehash(stored):
        # Made when a hash took less work; now is the only moment at which the password is known.
        with reference.database.write() as connection:
            accounts.renew_hash(connection, account.id, stored, _hasher.hash(_typed(password)))
    return as_user(account)


def change_password(reference: Reference, user: User, password: str) -> User:
    """Give somebody the password that they chose; every session ends. The user as they are then.

    Raises InvalidInput.
    """
    made = hashed(password, user.name)
    with reference.database.write() as connection:
        accounts.set_password(connection, user.id, made)
        audit.record(reference, connection, user.id, user.name, "user.own_password", str(user.id))
        changed = user_in(connection, user.id)
    if changed is None:
        raise SignInRequired(mark("Your access has ended. Ask the administrator of this server."))
    return changed


def by_token(reference: Reference, token: str) -> User | None:
    """The active user whose token this is, or None."""
    with reference.database.read() as connection:
        account = accounts.by_token(connection, token_hash(token))
    return as_user(account) if account and account.active else None


def sender(reference: Reference, token: str) -> int | None:
    """Number of the active user whose token this is; asked at every upload, so that revoking works at once."""
    with reference.database.read() as connection:
        return accounts.sender(reference.database, connection, token_hash(token))


def by_id(reference: Reference, user_id: int) -> User | None:
    """The active user of that number, or None."""
    with reference.database.read() as connection:
        return user_in(connection, user_id)


def user_in(connection: Connection, user_id: int) -> User | None:
    """The same in the caller's transaction."""
    account = accounts.by_id(connection, user_id)
    return as_user(account) if account and account.active else None


def digest_secret(reference: Reference, name: str) -> str | None:
    """What HTTP Digest checks for the active user of that name, or None."""
    with reference.database.read() as connection:
        account = accounts.by_name(connection, _typed(name))
    return account.digest_ha1 if account and account.active else None


def by_name(reference: Reference, name: str) -> User | None:
    """The active user of that name, or None."""
    with reference.database.read() as connection:
        account = accounts.by_name(connection, _typed(name))
    return as_user(account) if account and account.active else None


def visible_cells(reference: Reference, connection: Connection, user: User) -> list[int] | None:
    """Numbers of the cells whose households a user may see; None for all of them."""
    if not user.areas:
        return None
    known = reference.known(connection)
    hamlets = {code for set_id, code in user.areas if not set_id}
    # By set the units in which an area lies, asked of each unit once and not of each cell.
    leaves: dict[str, set[str]] = {}
    for set_id, code in user.areas:
        if set_id in known.every_set:
            leaves.setdefault(set_id, set()).add(code)
    for set_id, codes in leaves.items():
        places = known.every_set[set_id]
        codes |= {unit.code for unit in places.at_level(places.leaf) if not codes.isdisjoint(places.line(unit.code))}
    found = []
    for cell in reference.cells(connection).values():
        if cell.hamlet_code in hamlets or any(_lies(known, cell, set_id, codes) for set_id, codes in leaves.items()):
            found.append(cell.id)
    return found


def _lies(known: Known, cell: tallies.Cell, set_id: str, codes: set[str]) -> bool:
    """Whether households of a cell lie in one of these units, whichever of several innermost ones they are in."""
    unit = cell.units.get(set_id)
    if unit is not None:
        return unit in codes
    places = known.every_set[set_id]
    leaf = known.leaf(cell, places)
    return leaf is not None and not codes.isdisjoint(places.line(leaf))


def sees(known: Known, user: User, cell: tallies.Cell) -> bool:
    """Whether the households of a place lie in a user's area."""
    return not user.areas or any(_inside(known, cell, area) for area in user.areas)


def _inside(known: Known, cell: tallies.Cell, area: tuple[str, str]) -> bool:
    set_id, code = area
    if not set_id:
        return cell.hamlet_code == code
    places = known.every_set.get(set_id)
    return places is not None and code in places.line(known.leaf(cell, places))


def oversees(reference: Reference, connection: Connection, user: User, user_id: int | None) -> bool:
    """Whether all that another user may see lies in a user's own area.

    Somebody who may see everything, or whom nobody knows, is overseen only by those whose area has no limits.
    """
    return holds(reference, connection, user, () if user_id is None else accounts.areas(connection, user_id))


def holds(reference: Reference, connection: Connection, user: User, areas: Sequence[tuple[str, str]]) -> bool:
    """Whether all these areas lie in a user's own; none at all mean everything."""
    if not user.areas:
        return True
    known = reference.known(connection)
    return bool(areas) and all(_holds_area(connection, known, user, area) for area in areas)


def _holds_area(connection: Connection, known: Known, user: User, area: tuple[str, str]) -> bool:
    set_id, code = area
    if set_id == IDLE:
        set_id, _, code = code.partition(":")
    if set_id == DRAWN:
        number = whole(code)
        outline = drawn_areas.outline(connection, number) if number is not None else None
        return outline is not None and lies_within(outline, drawn_areas.unit_outlines(connection, user.areas))
    if not set_id:
        return ("", code) in user.areas or _holds_hamlet(known, user, code)
    return any(_holds(known, own, (set_id, code)) for own in user.areas)


def _holds_hamlet(known: Known, user: User, code: str) -> bool:
    """Whether a hamlet's commune, or all that may hold some of it in another set, lies in the areas of one set."""
    own: dict[str, set[str]] = {}
    for set_id, unit in user.areas:
        own.setdefault(set_id, set()).add(unit)
    return any(
        (parts := parts_of_hamlet(known, places, code)) is not None
        and all(not units.isdisjoint(places.line(part)) for part in parts)
        for set_id, units in own.items()
        if (places := known.every_set.get(set_id)) is not None
    )


def parts_of_hamlet(known: Known, places: PlaceSet, code: str) -> tuple[str, ...] | None:
    """The innermost units of a set that may hold houses of a hamlet of the lists; None where nobody can say all."""
    hamlet = known.hamlets.get(code)
    leaf = known.followed(hamlet.commune_code, places) if hamlet else None
    if isinstance(leaf, OneOf):
        return None if leaf.elsewhere else leaf.codes
    return None if leaf is None else (leaf,)


def _holds(known: Known, outer: tuple[str, str], inner: tuple[str, str]) -> bool:
    """Whether one area lies within another, of whichever sets: where all its innermost units lie in it as a whole."""
    if outer == inner:
        return True
    (outer_set, outer_code), (inner_set, inner_code) = outer, inner
    places, lower = known.every_set.get(outer_set), known.every_set.get(inner_set)
    if places is None or lower is None:
        return False
    leaves = [unit.code for unit in lower.at_level(lower.leaf) if inner_code in lower.line(unit.code)]
    there = [known.counterpart(lower, leaf, places) for leaf in leaves]
    return bool(there) and all(code is not None and outer_code in places.line(code) for code in there)


def secret_key(reference: Reference) -> str:
    """The key of this installation: the operator's, else one made once and kept in the database for all processes."""
    with reference.database.write() as connection:
        return _key(reference, connection)


def _key(reference: Reference, connection: Connection) -> str:
    return reference.secret_key or kept.keep_fact(reference.database, connection, _KEY, secrets.token_hex(32))
