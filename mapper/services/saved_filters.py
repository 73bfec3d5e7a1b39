"""Filters kept by name: one's own, and those shared by users of the same area, a part of it, or one around it."""

from __future__ import annotations

from datetime import UTC, datetime

from mapper.errors import InvalidInput, NotFound, TooLarge, mark
from mapper.services.accounts import User, holds
from mapper.services.reference import Reference
from mapper.store import accounts
from mapper.store import saved_filters as kept
from mapper.store.saved_filters import SavedFilter

LONGEST_NAME = 60
LONGEST_QUERY = 8000
MOST = 100
"""Filters that one user keeps."""


def seen(reference: Reference, user: User) -> list[SavedFilter]:
    """What a user finds: their own, and shared ones whose owner's area holds theirs or lies in it."""
    with reference.database.read() as connection:
        found = kept.seen_by(connection, user.id)
        owners = {one.user_id: accounts.by_id(connection, one.user_id) for one in found if one.user_id != user.id}
        near = {user.id}
        for number, account in owners.items():
            if account is None:
                continue
            other = User(number, account.name, user.role, account.areas, 0)
            if holds(reference, connection, user, account.areas) or holds(reference, connection, other, user.areas):
                near.add(number)
    return [one for one in found if one.user_id in near]


def save(reference: Reference, user: User, name: str, query: str, shared: bool) -> None:
    """Keep a filter, in place of one's own of that name. Raises InvalidInput, TooLarge with the cure."""
    name = _name(name)
    if len(query) > LONGEST_QUERY:
        raise TooLarge(mark("This filter is too long to be kept. Choose fewer values."))
    with reference.database.write() as connection:
        if kept.named(connection, user.id, name) is None and kept.number_of(connection, user.id) >= MOST:
            raise TooLarge(mark("You keep {number} filters already. Delete one first."), number=MOST)
        kept.save(connection, user.id, name, query, shared, datetime.now(UTC).isoformat(timespec="seconds"))


def rename(reference: Reference, user: User, number: int, name: str) -> None:
    """Give one's own filter another name. Raises NotFound, InvalidInput."""
    name = _name(name)
    with reference.database.write() as connection:
        other = kept.named(connection, user.id, name)
        if other is not None and other != number:
            raise InvalidInput(mark("You keep a filter of this name already. Choose another name."))
        if not kept.rename(connection, user.id, number, name):
            raise _gone()


def remove(reference: Reference, user: User, number: int) -> None:
    """Delete one's own filter. Raises NotFound."""
    with reference.database.write() as connection:
        if not kept.remove(connection, user.id, number):
            raise _gone()


def _name(written: str) -> str:
    name = " ".join(written.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(mark("A filter's name has 1 to {most} letters. Write another."), most=LONGEST_NAME)
    return name


def _gone() -> NotFound:
    return NotFound(mark("You keep no such filter. Look at the list again."))
