"""Many values kept aside in a temporary file, so that memory does not grow with their number."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import TypeVar, overload
from weakref import finalize

T = TypeVar("T")

_IN_MEMORY = 2_000_000
"""Bytes that are not worth a file."""

_TOGETHER = 200
"""Values written and read at once."""


class Spool(Sequence[T]):
    """Values in the order they were added, to be read as often as wanted, by several readers in turn.

    They are plain values that pickle knows. The file has no name, and is gone with the spool.
    """

    def __init__(self, values: Iterable[T] = ()) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it lives as long as the spool
        finalize(self, self._file.close)
        self._places: list[int] = []
        self._last: list[T] = []
        for each in values:
            self.add(each)

    def add(self, value: T) -> None:
        """Add a value at the end."""
        self._last.append(value)
        if len(self._last) == _TOGETHER:
            self._file.seek(0, 2)
            self._places.append(self._file.tell())
            pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
            self._last = []

    def _some(self, number: int) -> list[T]:
        if number == len(self._places):
            return self._last
        self._file.seek(self._places[number])
        found: list[T] = pickle.load(self._file)  # noqa: S301 - nobody but this spool writes its file
        return found

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places) * _TOGETHER + len(self._last)

    def __iter__(self) -> Iterator[T]:
        """All of them, some at a time."""
        for number in range(len(self._places) + 1):
            yield from self._some(number)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        """One by its place, or several."""
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        number, within = divmod(range(len(self))[place], _TOGETHER)
        return self._some(number)[within]
