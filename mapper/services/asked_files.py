"""The files that a user asked for and that take a while: a note of each beside the files, which every process reads."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from mapper.errors import NotFound, mark
from mapper.services.accounts import User
from mapper.services.background import Progress, Stopped
from mapper.services.files_to_fetch import Made, folder_of
from mapper.services.filter_words import in_words
from mapper.services.filtered import FilterQuestion
from mapper.services.people_words import PeopleWords
from mapper.services.questions import default_set
from mapper.services.reference import Reference

SLIPS = "slips"
"""What the query of a zip of slips names besides: its file is known by its number alone, and made by a form."""

PLAN = "plan"
"""What the query of a file of a plan names besides: the plan's number."""

STEP = 0.01
"""Progress is noted each time so much more is done."""

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

    allowed: what the user might see when they asked; process: that makes it; number: of people or submissions in it.
    """

    id: str
    user: int
    allowed: str
    name: str
    media_type: str
    query: Query
    asked_at: str
    process: int
    state: State = State.WAITING
    share: float = 0.0
    file: str = ""
    number: int = 0
    size: int = 0

    @property
    def at_work(self) -> bool:
        """Whether it is still to come."""
        return self.state in AT_WORK

    @property
    def filter_query(self) -> Query:
        """The address of its filter alone."""
        return {name: values for name, values in self.query.items() if name != SLIPS}


class Noted:
    """The note of one file, kept by the process that makes it."""

    def __init__(self, reference: Reference, user: User, name: str, media_type: str, query: Query) -> None:
        self._reference = reference
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        number = secrets.token_hex(16)
        held = {key: list(values) for key, values in query.items()}
        self._told = AskedFile(number, user.id, _allowed(user), name, media_type, held, moment, os.getpid())

    @property
    def id(self) -> str:
        """By which its reader finds it."""
        return self._told.id

    def waits(self) -> None:
        """It stands in the queue."""
        self._folder = folder_of(self._reference)
        self._write()

    def follow(self, work: Callable[[Progress], Made], progress: Progress, stop: Callable[[], None]) -> Made:
        """Do the work and note how far it is. stop: called where another process was asked to stop it."""
        stopped = False

        def told(share: float) -> None:
            nonlocal stopped
            if _stop_of(self._folder, self._told.id).exists():
                stop()
            try:
                progress(share)
            except Stopped:
                stopped = True
                raise
            if share >= self._told.share + STEP:
                self._write(share=share)

        self._write(state=State.RUNNING)
        try:
            made = work(told)
        except BaseException:
            self._write(state=State.STOPPED if stopped else State.FAILED)
            raise
        size = made.path.stat().st_size
        self._write(state=State.READY, share=1.0, file=made.path.name, number=made.number, size=size)
        return made

    def _write(self, **changed: object) -> None:
        self._told = replace(self._told, **changed)  # type: ignore[arg-type]
        draft = self._folder / f"{self._told.id}.{secrets.token_hex(4)}.draft"
        with suppress(OSError):  # a note that cannot be kept is no reason to lose the file
            draft.write_text(json.dumps(asdict(self._told)), "utf-8")
            draft.replace(self._folder / f"{self._told.id}.json")


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
    found: dict[tuple[str, str], AskedFile] = {}
    folder = folder_of(reference)
    for path in folder.glob("*.json"):
        one = _read(folder, path)
        if one is None or one.user != user.id or one.allowed != _allowed(user):
            continue
        same = one.name, json.dumps(one.query, sort_keys=True)
        if same not in found or found[same].asked_at < one.asked_at:
            found[same] = one
    return sorted(found.values(), key=lambda one: one.asked_at, reverse=True)


def file_of(reference: Reference, user: User, number: str) -> AskedFile:
    """One of a user's own files by its id. Raises NotFound, also for somebody else's."""
    found = next((one for one in files_of(reference, user) if one.id == number), None)
    if found is None:
        raise NotFound(mark("This file lies here no more, or somebody else asked for it. Ask for it again."))
    return found


def path_of(reference: Reference, one: AskedFile) -> Path:
    """Where a file that is ready lies. Raises NotFound for one that is not."""
    if one.state is not State.READY:
        raise NotFound(mark("This file lies here no more, or somebody else asked for it. Ask for it again."))
    return (folder_of(reference) / one.file).resolve()


def ask_to_stop(reference: Reference, one: AskedFile) -> None:
    """Let the process that makes a file know that nobody wants it; it then stops at the next share that it tells."""
    if one.at_work:
        _stop_of(folder_of(reference), one.id).touch()


def _read(folder: Path, path: Path) -> AskedFile | None:
    try:
        held = json.loads(path.read_text("utf-8"))
        one = AskedFile(**held | {"state": State(held["state"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None  # deleted meanwhile, or of another release
    if one.at_work:
        if _stop_of(folder, one.id).exists():
            return replace(one, state=State.STOPPED)
        return one if _lives(one.process) else replace(one, state=State.FAILED)
    ready = one.state is State.READY
    return replace(one, state=State.EXPIRED) if ready and not (folder / one.file).exists() else one


def _stop_of(folder: Path, number: str) -> Path:
    return folder / f"{number}.stop"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _allowed(user: User) -> str:
    return json.dumps([user.role.value, sorted(user.areas)])
