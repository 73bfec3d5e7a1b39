"""People per state added up quickly: the counts of all states stand side by side in one whole number.

A tally is the sum of many steps, and each step changes two states of eight. Added as lists that is eight additions a
step; as numbers of 32 bits a state it is one, and Python's own.
"""

from __future__ import annotations

from struct import Struct

from mapper.domain.ledger import INSIDE, MOVES

_BITS = 32
_PLACE = {state: 1 << _BITS * column for column, state in enumerate(INSIDE)}
_HALF = sum(1 << _BITS - 1 << _BITS * column for column in range(len(INSIDE)))
_COUNTS = Struct(f"<{len(INSIDE)}i")

SUMMANDS: tuple[int, ...] = tuple(
    (_PLACE[entered] if entered else 0) - (_PLACE[left] if left else 0) for left, entered in MOVES
)
"""What one person's move, by its place in MOVES, adds to a sum."""


def per_state(total: int) -> tuple[int, ...]:
    """The change in people per state, in the order of INSIDE, that a sum holds; each below 2^31 either way."""
    # Raised by half its range no count is below zero, so none borrows from the next; taking that half away again bit
    # by bit leaves the two's complement that Struct reads.
    return _COUNTS.unpack(((total + _HALF) ^ _HALF).to_bytes(_COUNTS.size, "little"))
