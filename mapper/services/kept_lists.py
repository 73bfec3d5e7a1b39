"""What phones were handed lately, remembered in this process: hashes of lists for long, the lists for a while.

A list is found under a key that says all it depends on, so that nothing here ever has to be thrown away as wrong.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mapper.services.bounded import BoundedStore

Value = TypeVar("Value")
Files = Mapping[str, bytes]
"""Name to content of the files that are made together."""


@dataclass(frozen=True, slots=True)
class Made:
    """Files that were made together. state: what they now depend on besides their key."""

    files: Files
    state: Hashable = None


class KeptLists:
    """Files by key and state, and other values that cost much to work out. Safe for threads.

    room_bytes: of contents in all; the least lately asked are forgotten. most: hashes that are kept. values: other
    values that are. made: how often files had to be made.
    """

    def __init__(self, room_bytes: int = 64_000_000, most: int = 20_000, values: int = 5_000) -> None:
        self._hashes: BoundedStore[Hashable, Mapping[str, str]] = BoundedStore(most)
        self._contents: BoundedStore[Hashable, Files] = BoundedStore(room_bytes, _size)
        self._values: BoundedStore[Hashable, tuple[object]] = BoundedStore(values)
        self._counting = threading.Lock()
        self.made = 0

    def hashes(self, key: Hashable, make: Callable[[], Made], state: Hashable = None) -> Mapping[str, str]:
        """MD5 of each file, hexadecimal; the files are made where they are not known."""
        found = self._hashes.get((key, state))
        return self._made(key, make, state)[1] if found is None else found

    def contents(self, key: Hashable, make: Callable[[], Made], state: Hashable = None) -> Files:
        """The files; whoever asks while they are being made waits, and does not make them again."""
        return self._made(key, make, state)[0]

    def value(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Anything else that follows from its key alone."""
        found = self._values.get(key)
        if found is None:
            made = make()
            self._values.keep(key, (made,))
            return made
        return found[0]  # type: ignore[return-value]

    def _made(self, key: Hashable, make: Callable[[], Made], state: Hashable) -> tuple[Files, Mapping[str, str]]:
        with self._contents.alone(key):
            found, told = self._contents.get((key, state)), self._hashes.get((key, state))
            if found is None or told is None:
                made = make()
                found, told = made.files, {name: _hash(content) for name, content in made.files.items()}
                with self._counting:
                    self.made += 1
                self._hashes.keep((key, made.state), told)
                self._contents.keep((key, made.state), found)
            return found, told


def _hash(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _size(files: Files) -> int:
    return sum(len(content) for content in files.values())
