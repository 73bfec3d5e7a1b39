"""What one process works out in the background, told to all that share the database: how far it is, what came of it.

Whoever is asked next may be another process, or another machine: it tells the same share, does not begin the same work
beside, and hands out the same result. A process of which nothing was heard for a while is held for dead.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import mapper
from mapper.errors import Unavailable
from mapper.store import reference as kept
from mapper.store.database import Connection, Database

Made = TypeVar("Made")

TOLD_S = 1.0
"""How far a piece of work is, is written down so often at most."""

SILENT_S = 60.0
"""Work of which nothing was heard for so long is nobody's any more."""

KEPT = timedelta(hours=6)
"""So long a result is kept for other processes; whoever asks later has it worked out anew."""

FORMS_LOOKED_THROUGH, REGISTERS_COMPARED = "forms looked through", "registers compared"
"""Work whose results tell of houses and of people."""

MOST_TEXT = 24_000_000
"""Characters of a result that is handed on; what is longer every process works out for itself."""

_WORK, _RESULT = "work", "worked"


@dataclass(frozen=True, slots=True)
class Notice:
    """How a piece of work stands. stage: a word of ``background.Stage``. version: what it is, or was, made of, as text.

    by: who is at it. made_at: when its result was made, None where there is none; made_from: the version of that.
    to_stop: whether somebody asked who is at it to stop.
    """

    by: str
    version: str
    stage: str
    share: float
    told_at: str
    made_at: str | None = None
    made_from: str | None = None
    to_stop: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing was heard of it for long."""
        return self.seconds > SILENT_S

    @property
    def seconds(self) -> float:
        """Since it was told last."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.told_at)).total_seconds()


class NoticeBoard(Generic[Made]):
    """Notices of one kind of work. name: of the kind. dumps, loads: a result as text, and back.

    personal: results tell of people, so they are handed on only where the database keeps such as they are, and
    ``forget_people`` takes them out whenever somebody is erased.
    each: every process needs a result of its own, too large to hand on, and works it out beside the others; what is
    told is how far the first of them is.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        dumps: Callable[[Made], str],
        loads: Callable[[str], Made],
        *,
        personal: bool = False,
        each: bool = False,
    ) -> None:
        self._database = database
        self._name, self._dumps, self._loads = name, dumps, loads
        self._personal = personal
        self._hands_on = not each and not (personal and getattr(database, "sealing", None) is not None)
        self.each = each
        self._me = secrets.token_hex(8)
        self._told_at = 0.0

    def read(self, key: Hashable) -> Notice | None:
        """How it stands with somebody else, or stood when it was done; None where nobody told, or all is long ago."""
        with suppress(Unavailable), self._database.read() as connection:
            return self._read(connection, key)
        return None

    def _read(self, connection: Connection, key: Hashable) -> Notice | None:
        text = kept.fact(connection, self._fact(_WORK, key))
        notice = Notice(**json.loads(text)) if text else None
        return notice if notice is not None and notice.seconds < KEPT.total_seconds() else None

    def is_mine(self, notice: Notice) -> bool:
        """Whether this process told it."""
        return notice.by == self._me

    def result(self, key: Hashable) -> Made | None:
        """What came of it, whoever made it; None where it is not kept."""
        with suppress(Unavailable, ValueError), self._database.read() as connection:
            text = kept.fact(connection, self._fact(_RESULT, key))
            return self._loads(text) if text else None
        return None

    def claim(self, key: Hashable, version: Hashable) -> bool:
        """Tell that this process is at it; False where another one is."""
        with suppress(Unavailable), self._database.write() as connection:
            self._database.lock(connection, self._fact(_WORK, key))
            before = self._read(connection, key)
            if before is not None and not self.is_mine(before) and before.stage == "running" and not before.silent:
                return False
            made = (before.made_at, before.made_from) if before is not None else (None, None)
            self._write(connection, key, Notice(self._me, repr(version), "running", 0.0, _now(), *made))
        return True

    def tell(self, key: Hashable, version: Hashable, share: float) -> bool:
        """Tell how far it is, unless that was told a moment ago; False where somebody wants it to stop.

        Without waiting for a turn to write: the work that tells it may itself be writing.
        """
        if time.monotonic() < self._told_at + TOLD_S:
            return True
        with suppress(Unavailable), self._database.write_at_once() as connection:
            before = self._read(connection, key)
            if before is not None and before.to_stop and self.is_mine(before):
                return False
            # Where there is nothing, it was forgotten: somebody was erased.
            if before is not None and not (self.each and self._is_behind(before, version, share)):
                self._stands(connection, key, version, "running", share)
            self._told_at = time.monotonic()
        return True

    def _is_behind(self, other: Notice, version: Hashable, share: float) -> bool:
        """Whether another process is farther with the same."""
        if self.is_mine(other) or other.version != repr(version):
            return False
        return other.stage == "done" or (other.stage == "running" and not other.silent and other.share >= share)

    def ended(self, key: Hashable, version: Hashable, stage: str) -> None:
        """Tell that it failed, or was stopped."""
        with suppress(Unavailable), self._database.write() as connection:
            self._stands(connection, key, version, stage, 0.0)

    def stop(self, key: Hashable) -> None:
        """Ask whoever is at it to stop when they next tell how far they are."""
        with suppress(Unavailable), self._database.write() as connection:
            notice = self._read(connection, key)
            if notice is not None and notice.stage == "running" and not notice.silent:
                self._write(connection, key, replace(notice, to_stop=True))

    def _stands(self, connection: Connection, key: Hashable, version: Hashable, stage: str, share: float) -> None:
        before = self._read(connection, key)
        made = (before.made_at, before.made_from) if before is not None else (None, None)
        self._write(connection, key, Notice(self._me, repr(version), stage, share, _now(), *made))

    def done(self, key: Hashable, version: Hashable, made: Made, made_at: datetime) -> None:
        """Hand on what came of it, and take out what nobody will ask for any more."""
        text = self._dumps(made) if self._hands_on else None
        if text is not None and len(text) > MOST_TEXT:
            text = None
        with suppress(Unavailable), self._database.write() as connection:
            self._forget_old(connection)
            if self._personal and self._read(connection, key) is None:
                return  # somebody was erased meanwhile, and may be in it
            moment, of = (made_at.isoformat(), repr(version)) if text is not None else (None, None)
            self._write(connection, key, Notice(self._me, repr(version), "done", 1.0, _now(), moment, of))
            if text is not None:
                kept.set_fact(self._database, connection, self._fact(_RESULT, key), text)

    def _write(self, connection: Connection, key: Hashable, notice: Notice) -> None:
        told = {name: getattr(notice, name) for name in Notice.__slots__}
        kept.set_fact(self._database, connection, self._fact(_WORK, key), json.dumps(told))

    def _fact(self, kind: str, key: Hashable) -> str:
        # Another release may work out something else, and write it otherwise.
        return f"{kind} {self._name} {hashlib.sha256(repr((mapper.__version__, key)).encode()).hexdigest()[:32]}"

    def _forget_old(self, connection: Connection) -> None:
        for name, text in kept.facts_named(connection, f"{_WORK} {self._name} "):
            if Notice(**json.loads(text)).seconds > KEPT.total_seconds():
                kept.forget_fact(connection, name)
                kept.forget_fact(connection, name.replace(_WORK, _RESULT, 1))


def forget_people(connection: Connection) -> None:
    """Take out all work whose results tell of people, as when somebody is erased; who asks next has it done anew."""
    for name in (FORMS_LOOKED_THROUGH, REGISTERS_COMPARED):
        for kind in (_WORK, _RESULT):
            for fact, _ in kept.facts_named(connection, f"{kind} {name} "):
                kept.forget_fact(connection, fact)


def _now() -> str:
    return datetime.now(UTC).isoformat()
