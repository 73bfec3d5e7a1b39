"""The files that a user asked for and that take a while: a note of each in the database, which every process reads.

Where the database is shared by several machines it holds their bytes too, so that a file that was made by one is
fetched from any; on SQLite, where all processes are of one machine, they lie in a folder alone.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from mapper.errors import NotFound, Unavailable, mark
from mapper.services.accounts import User
from mapper.services.background import Progress, Stage, Standing, Stopped
from mapper.services.files_to_fetch import KEPT_S, Made, folder_of
from mapper.services.filter_words import in_words
from mapper.services.filtered import FilterQuestion
from mapper.services.people_words import PeopleWords
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.store import asked_files as kept
from mapper.store.asked_files import AskedRow

SLIPS = "slips"
"""What the query of a zip of slips names besides: its file is known by its number alone, and made by a form."""

PLAN = "plan"
"""What the query of a file of a plan names besides: the plan's number."""

STEP = 0.01
"""Progress is noted each time so much more is done, though not more often than every TOLD_S seconds."""

TOLD_S = 1.0

PULSE_S = 5.0
"""How often a process says that it is still at a file, and looks whether it is wanted."""

SILENT_S = 60.0
"""A file of which nothing was said for so long is not being made any more."""

PIECE = 1 << 20
"""Bytes of a file that are kept together."""

Query = Mapping[str, Sequence[str]]
"""Names of an address to their values."""


class State(StrEnum):
    """How a file that was asked for stands. expired: it was ready, and has been deleted since."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    EXPIRED = "expired"
    STOPPED = "stopped"
    FAILED = "failed"


AT_WORK = frozenset({State.WAITING, State.RUNNING})


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file that somebody asked for. query: the address of the page that waits for it.

    language: of its words; number: of people or submissions in it.
    """

    id: str
    user: int
    name: str
    media_type: str
    query: Query
    language: str
    asked_at: str
    state: State
    share: float
    file: str
    number: int
    size: int

    @property
    def at_work(self) -> bool:
        """Whether it is still to come."""
        return self.state in AT_WORK

    @property
    def filter_query(self) -> Query:
        """The address of its filter alone."""
        return {name: values for name, values in self.query.items() if name != SLIPS}


class Noted:
    """The note of one file, kept by the process that makes it; ``follow`` ends what ``waits`` begins."""

    def __init__(
        self, reference: Reference, user: User, name: str, media_type: str, query: Query, language: str = ""
    ) -> None:
        self._reference = reference
        moment, held = _now(), json.dumps({key: list(values) for key, values in query.items()})
        self._row = AskedRow(
            *(secrets.token_hex(16), user.id, _allowed(user), name, media_type, held, language, moment, moment),
            *(State.WAITING, 0.0, False, "", 0, 0),
        )
        self._share, self._shared_at = 0.0, -TOLD_S
        self._running = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def id(self) -> str:
        """By which its reader finds it."""
        return self._row.id

    def waits(self) -> None:
        """It stands in the queue; what nobody fetched for long is taken out."""
        with self._reference.database.write() as connection:
            kept.forget_before(connection, _old())
            kept.add(connection, self._row)
        self._thread = threading.Thread(target=self._pulse, name="file asked for", daemon=True)
        self._thread.start()

    def follow(self, work: Callable[[Progress], Made], progress: Progress, stop: Callable[[], None]) -> Made:
        """Do the work and note how far it is. stop: called where another process was asked to stop it."""
        stopped = False

        def told(share: float) -> None:
            nonlocal stopped
            tells = share >= self._share + STEP and time.monotonic() >= self._shared_at + TOLD_S
            if tells:
                self._share, self._shared_at = share, time.monotonic()
                self._write(share=share)
            if self._unwanted():
                stop()
            try:
                progress(share)
            except Stopped:
                stopped = True
                raise

        self._running = True
        self._write(state=State.RUNNING)
        try:
            made = work(told)
            size = made.path.stat().st_size
            if not self._reference.database.is_sqlite:
                self._share_out(made.path)
            self._write(state=State.READY, share=1.0, file=made.path.name, number=made.number, size=size)
        except BaseException:
            self._write(state=State.STOPPED if stopped else State.FAILED)
            raise
        finally:
            self._over.set()
            if self._thread is not None:
                self._thread.join()
        return made

    def _share_out(self, path: Path) -> None:
        """Give every machine the bytes; those of the same file that its user had before are taken out."""
        database = self._reference.database
        with database.write() as connection:
            same = [one.id for one in kept.of_user(connection, self._row.user_id) if _same(one, self._row)]
            kept.forget_pieces(connection, same)
            with path.open("rb") as file:
                for position, content in enumerate(iter(lambda: file.read(PIECE), b"")):
                    kept.keep_piece(connection, self.id, position, content)

    def _unwanted(self) -> bool:
        with suppress(Unavailable), self._reference.database.read() as connection:
            return kept.to_stop(connection, self.id)
        return False

    def _pulse(self) -> None:
        """Say now and then that this process lives; ends with the work, or where nobody wants what still waits."""
        while not self._over.wait(PULSE_S):
            if self._unwanted() and not self._running:
                return
            self._write()

    def _write(self, **changed: object) -> None:
        # A note that cannot be kept is no reason to lose the file.
        with suppress(Unavailable), self._reference.database.write() as connection:
            kept.change(connection, self.id, {**changed, "told_at": _now()})


def criteria(reference: Reference, question: FilterQuestion, language: str) -> tuple[str, str]:
    """What a file of people is of, in words: its campaign, and its filter. Raises NotFound for a campaign not here."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    campaign = known.campaign(question.campaign_id)
    places = default_set(known, question.set_id, question.day)
    words = PeopleWords.of(reference, campaign, language, question.day)
    return campaign.label[language], in_words(question.wanted, known, places, campaign, language, words.reason)


def files_of(reference: Reference, user: User) -> list[AskedFile]:
    """What a user asked for in the last hours, the newest first; of one and the same file the newest alone."""
    with reference.database.read() as connection:
        rows = kept.of_user(connection, user.id)
        shared = kept.with_pieces(connection, user.id)
    folder, allowed = folder_of(reference), _allowed(user)
    found: dict[tuple[str, str], AskedFile] = {}
    for row in rows:
        if row.allowed == allowed:
            here = row.id in shared or (row.file and (folder / row.file).exists())
            found.setdefault((row.name, row.query), _told(row, bool(here)))
    return list(found.values())


def file_of(reference: Reference, user: User, number: str) -> AskedFile:
    """One of a user's own files by its id. Raises NotFound, also for somebody else's."""
    found = next((one for one in files_of(reference, user) if one.id == number), None)
    if found is None:
        raise NotFound(mark("This file lies here no more, or somebody else asked for it. Ask for it again."))
    return found


def path_of(reference: Reference, one: AskedFile) -> Path:
    """Where a file that is ready lies; one that another machine made is laid here first. Raises NotFound for others."""
    if one.state is State.READY:
        path = (folder_of(reference) / one.file).resolve()
        if path.exists() or _fetch(reference, one, path):
            return path
    raise NotFound(mark("This file lies here no more, or somebody else asked for it. Ask for it again."))


def _fetch(reference: Reference, one: AskedFile, path: Path) -> bool:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    with reference.database.read() as connection, draft.open("wb") as file:
        for content in kept.pieces(connection, one.id):
            file.write(content)
    if draft.stat().st_size != one.size:
        draft.unlink()
        return False
    draft.replace(path)
    return True


def elsewhere(
    reference: Reference, user: User, name: str, query: Query, language: str, fresh_s: float
) -> Standing[Made] | None:
    """How a file stands that another process was asked for; None where it is to be made here.

    fresh_s: so many seconds one that is ready will do.
    """
    wanted = {key: list(values) for key, values in query.items()}
    same = (one for one in files_of(reference, user) if (one.name, one.query, one.language) == (name, wanted, language))
    newest = next(same, None)
    if newest is None:
        return None
    if newest.at_work or newest.state is State.STOPPED:
        return Standing(Stage(newest.state.value), newest.share)
    age = datetime.now(UTC) - datetime.fromisoformat(newest.asked_at)
    if newest.state is State.READY and age < timedelta(seconds=fresh_s):
        with suppress(NotFound):
            return Standing(Stage.DONE, 1.0, Made(path_of(reference, newest), newest.number, lent=True))
    return None


def forget_old(reference: Reference) -> None:
    """Take out what nobody fetched for long, bytes and names in it too, though nobody asks for anything any more."""
    with reference.database.read() as connection:
        any_old = kept.any_before(connection, _old())
    if any_old:
        with reference.database.write() as connection:
            kept.forget_before(connection, _old())


def ask_to_stop(reference: Reference, one: AskedFile) -> None:
    """Let the process that makes a file know that nobody wants it; it then stops at the next share that it tells."""
    if one.at_work:
        with reference.database.write() as connection:
            kept.change(connection, one.id, {"to_stop": True})


def _told(row: AskedRow, here: bool) -> AskedFile:
    """here: whether its bytes are in this machine's folder, or shared by all."""
    state = State(row.state)
    if state in AT_WORK:
        silent = datetime.now(UTC) - datetime.fromisoformat(row.told_at) > timedelta(seconds=SILENT_S)
        state = State.STOPPED if row.to_stop else State.FAILED if silent else state
    elif state is State.READY and not here:
        state = State.EXPIRED
    return AskedFile(
        *(row.id, row.user_id, row.name, row.media_type, json.loads(row.query), row.language, row.asked_at),
        *(state, row.share, row.file, row.number, row.size),
    )


def _same(one: AskedRow, other: AskedRow) -> bool:
    return (one.name, one.query) == (other.name, other.query)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _old() -> str:
    return (datetime.now(UTC) - timedelta(seconds=KEPT_S)).isoformat(timespec="milliseconds")


def _allowed(user: User) -> str:
    return json.dumps([user.role.value, sorted(user.areas)])
