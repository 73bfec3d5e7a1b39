"""What phones were handed lately, remembered in this process: hashes of lists for long, the lists for a while.

A list is found under a key that says all it depends on, so that nothing here ever has to be thrown away as wrong.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Value = TypeVar("Value")
Files = Mapping[str, bytes]
"""Name to content of the files that are made together."""

_LOCKS = 64


class KeptLists:
    """Files by key, and other values that cost much to work out. Safe for threads.

    room_bytes: of contents in all; the least lately asked are forgotten. most: hashes that are kept. values: other
    values that are. made: how often files had to be made.
    """

    def __init__(self, room_bytes: int = 64_000_000, most: int = 20_000, values: int = 5_000) -> None:
        self._room, self._most, self._most_values = room_bytes, most, values
        self._hashes: OrderedDict[Hashable, Mapping[str, str]] = OrderedDict()
        self._contents: OrderedDict[Hashable, Files] = OrderedDict()
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._held = 0
        self._change = threading.Lock()
        self._making = tuple(threading.Lock() for _ in range(_LOCKS))
        self.made = 0

    def hashes(self, key: Hashable, make: Callable[[], Files]) -> Mapping[str, str]:
        """MD5 of each file, hexadecimal; the files are made where they are not known."""
        with self._change:
            found = self._hashes.get(key)
            if found is not None:
                self._hashes.move_to_end(key)
                return found
        self.contents(key, make)
        with self._change:
            return self._hashes[key]

    def contents(self, key: Hashable, make: Callable[[], Files]) -> Files:
        """The files; whoever asks while they are being made waits, and does not make them again."""
        with self._making[hash(key) % _LOCKS]:
            with self._change:
                found = self._contents.get(key)
                if found is not None:
                    self._contents.move_to_end(key)
                    return found
            made = make()
            told = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in made.items()}
            with self._change:
                self.made += 1
                _keep(self._hashes, key, told, self._most)
                self._keep_contents(key, made)
            return made

    def value(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Anything else that follows from its key alone."""
        with self._change:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        made = make()
        with self._change:
            _keep(self._values, key, made, self._most_values)
        return made

    def _keep_contents(self, key: Hashable, made: Files) -> None:
        size = _size(made)
        if size > self._room:
            return
        self._contents[key] = made
        self._held += size
        while self._held > self._room:
            _, gone = self._contents.popitem(last=False)
            self._held -= _size(gone)


def _keep(kept: OrderedDict[Hashable, Value], key: Hashable, value: Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


def _size(files: Files) -> int:
    return sum(len(content) for content in files.values())
