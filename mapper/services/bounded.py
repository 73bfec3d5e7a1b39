"""What a process remembers of what it worked out, never more than there is room for: the least lately asked goes first.

Every store of this kind finds a thing under a key that says all it depends on, or carries the changes of the cells it
was read of, so that nothing here ever has to be thrown away as wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_LOCKS = 64


class BoundedStore(Generic[Key, Value]):
    """Values by key, the least lately asked forgotten where all together are larger than the room. Safe for threads.

    room: in what ``size`` measures a value by; 1 each where none is given. What alone is larger is not remembered.
    """

    def __init__(self, room: int, size: Callable[[Value], int] = lambda _: 1) -> None:
        self.room = room
        self._size = size
        self._held = 0
        self._values: dict[Key, tuple[Value, int]] = {}
        self._change = threading.Lock()
        self._making = tuple(threading.Lock() for _ in range(_LOCKS))

    def __len__(self) -> int:
        return len(self._values)

    @property
    def held(self) -> int:
        """How much of the room is taken."""
        return self._held

    def get(self, key: Key) -> Value | None:
        """What is remembered under a key, or None."""
        with self._change:
            found = self._values.pop(key, None)
            if found is None:
                return None
            self._values[key] = found
            return found[0]

    def keep(self, key: Key, value: Value) -> None:
        """Remember a value in place of what stood under its key, and forget what there is no more room for."""
        size = self._size(value)
        with self._change:
            self._held -= self._values.pop(key, (value, 0))[1]
            if size > self.room:
                return
            self._values[key] = value, size
            self._held += size
            while self._held > self.room:
                self._held -= self._values.pop(next(iter(self._values)))[1]

    def in_order(self) -> list[Key]:
        """All keys of this moment, the least lately asked first."""
        with self._change:
            return list(self._values)

    def alone(self, key: Hashable) -> threading.Lock:
        """Held while a value is made: whoever asks for the same meanwhile waits, and finds it remembered."""
        return self._making[hash(key) % _LOCKS]


class CellStore(Generic[Key, Value]):
    """Values by key and cell, each read again only where something was counted in its cell since. Safe for threads.

    Each cell carries a number that rises with every change of its tallies, read in the same view of the database as
    the values are: what was read under the same number is the same still. room: in what ``size`` measures a cell's
    value by; 1 each where none is given.
    """

    def __init__(self, room: int, size: Callable[[Value], int] = lambda _: 1) -> None:
        self._kept: BoundedStore[Key, dict[int, tuple[int, Value]]] = BoundedStore(
            room, lambda cells: sum(size(value) for _, value in cells.values())
        )

    def __len__(self) -> int:
        return len(self._kept)

    def of(
        self, key: Key, changes: Mapping[int, int], read: Callable[[list[int]], Mapping[int, Value]], nothing: Value
    ) -> dict[int, Value]:
        """The value of every cell in ``changes``: the cells' changes, in the transaction in which ``read`` reads.

        read: is given the cells of which nothing is remembered that holds. nothing: of a cell for which it has none.
        """
        with self._kept.alone(key):
            kept = self._kept.get(key) or {}
            missing = [cell for cell, changed in changes.items() if cell not in kept or kept[cell][0] != changed]
            if missing:
                found = read(missing)
                kept = {**kept, **{cell: (changes[cell], found.get(cell, nothing)) for cell in missing}}
                self._kept.keep(key, kept)
        return {cell: kept[cell][1] for cell in changes}
