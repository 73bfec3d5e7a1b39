"""Answers kept ready: their bytes, the tag by which a browser asks whether they still hold, and what was compressed.

Nothing here grows old: a body is found by the version of the figures it was made from, its tag is a hash of its bytes,
and what was compressed is found by that tag.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from flask import Request, Response, g, request


class Sized(Protocol):
    """Whatever has a length."""

    def __len__(self) -> int: ...


Kept = TypeVar("Kept", bound=Sized)


class Shelf(Generic[Kept]):
    """Things by key, up to so many bytes in all; the least lately used go first. Safe for threads."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held = 0
        self._things: dict[Hashable, Kept] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under a key, or None."""
        with self._lock:
            found = self._things.pop(key, None)
            if found is not None:
                self._things[key] = found
            return found

    def set(self, key: Hashable, thing: Kept) -> None:
        """Keep something, unless it alone takes half of the room."""
        if len(thing) * 2 > self._room:
            return
        with self._lock:
            before = self._things.pop(key, None)
            self._held += len(thing) - (0 if before is None else len(before))
            self._things[key] = thing
            while self._held > self._room:
                self._held -= len(self._things.pop(next(iter(self._things))))


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes of an answer and their tag."""

    content: bytes
    tag: str

    @classmethod
    def of(cls, content: bytes) -> Body:
        """The body of these bytes."""
        return cls(content, hashlib.sha256(content).hexdigest()[:32])

    def __len__(self) -> int:
        return len(self.content)


def answer(body: Body, content_type: str) -> Response:
    """The answer, or that the browser's own copy still holds."""
    response = Response(body.content, content_type=content_type)
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(body.tag)
    g.tag = body.tag
    response.make_conditional(request)
    return response


class Compressed:
    """What flask-compress keeps of answers with a tag; of all else nothing."""

    def __init__(self) -> None:
        self._shelf: Shelf[bytes] = Shelf(16_000_000)

    def get(self, key: str) -> bytes | None:
        """The compressed bytes of an answer, or None."""
        return self._shelf.get(key) if not key.endswith(";") else None

    def set(self, key: str, content: bytes) -> None:
        """Keep the compressed bytes of an answer."""
        if not key.endswith(";"):
            self._shelf.set(key, content)


def tag_of(_asking: Request) -> str:
    """The tag of the answer being sent, "" where it has none: what flask-compress finds compressed bytes by."""
    return str(g.get("tag", ""))
