"""A boundary file that a browser sent becomes a boundary set beside the requests; how far it is stands in the database.

So every process tells the same, and what went wrong is there to be read when its sender comes back.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mapper.errors import Forbidden, MapperError, Unavailable, mark
from mapper.geo.fields import ReadOptions
from mapper.services import audit, boundaries
from mapper.services.accounts import OPERATOR, User
from mapper.services.background import Stage
from mapper.services.boundaries import ImportedSet, SetFacts
from mapper.services.reference import Reference
from mapper.services.set_periods import may_change
from mapper.services.set_work import Share
from mapper.store import reference as kept
from mapper.store.reference import SetState

TOLD_S = 2
"""So often it is written down how far an import is."""

GONE_S = 30
"""An import of which nothing was heard for so long ended with the process that made it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent: where it lies, in a folder of its own, and what is said of it.

    rebuild: see ``add_set``.
    """

    file: Path
    facts: SetFacts
    options: ReadOptions
    rebuild: bool = False

    @property
    def set_id(self) -> str:
        return self.facts.id

    def forget(self) -> None:
        """Delete it with its folder."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Coming:
    """An import as it stands.

    problem: sentence and facts of why it ended without a set; units: by level, of its set; mended: areas.
    """

    stage: Stage
    share: float
    at: datetime
    problem: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    units: tuple[tuple[str, int], ...] = ()
    mended: int = 0
    households: int = 0

    @property
    def at_work(self) -> bool:
        return self.stage in (Stage.WAITING, Stage.RUNNING)


def folder() -> Path:
    """A new folder for a file that is being received."""
    return Path(tempfile.mkdtemp(prefix="tungnha-boundaries-"))


def ready(reference: Reference, user: User, sent: Sent) -> Sent:
    """The same with its set's id, as far as it can be told without reading the file that it may come.

    Raises Forbidden, InvalidBoundaries, Conflict.
    """
    if not may_change(user):
        raise Forbidden(mark("Boundary sets are added by administrators whose area has no limits. Ask one."))
    facts = boundaries.checked(reference, sent.facts)
    return Sent(sent.file, facts, sent.options, sent.rebuild)


def begin(reference: Reference, set_id: str) -> None:
    """A file for a set was received, and is looked at as soon as nothing else is."""
    _note(reference, set_id, Coming(Stage.WAITING, 0.0, datetime.now(UTC)))


def refuse(reference: Reference, set_id: str) -> None:
    """Nothing becomes of it after all."""
    with reference.database.write() as connection:
        kept.forget_fact(connection, _fact(set_id))


def _note(reference: Reference, set_id: str, coming: Coming, *, waits: bool = True) -> None:
    """Write down how far an import is. waits: for whoever else is writing."""
    told = {
        "stage": coming.stage.value,
        "share": round(coming.share, 3),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "problem": coming.problem,
        "facts": {name: str(value) for name, value in coming.facts.items()},
        "units": coming.units,
        "mended": coming.mended,
        "households": coming.households,
    }
    database = reference.database
    with database.write() if waits else database.write_at_once(TOLD_S, done_again=True) as connection:
        kept.set_fact(database, connection, _fact(set_id), json.dumps(told, ensure_ascii=False))


def look(reference: Reference, set_id: str, *, here: bool = False) -> Coming | None:
    """How an import stands; None where nobody asked for one. here: whether this process is at it.

    One whose process ended failed, unless all of the set was written: then any process goes on with it.
    """
    with reference.database.read() as connection:
        text = kept.fact(connection, _fact(set_id))
        state = next((one.state for one in kept.boundary_sets(connection) if one.id == set_id), None)
    if text is None:
        return None
    told = json.loads(text)
    at = datetime.fromisoformat(told["at"])
    units = tuple((level, number) for level, number in told["units"])
    found = Coming(
        Stage(told["stage"]),
        told["share"],
        at,
        told["problem"],
        told["facts"],
        units,
        told["mended"],
        told["households"],
    )
    if not found.at_work or here or datetime.now(UTC) - at < timedelta(seconds=GONE_S):
        return found
    if state is SetState.SHOWN:
        return Coming(Stage.DONE, 1.0, at)
    return found if state is SetState.PLACING else Coming(Stage.FAILED, 0.0, at)


def bring(reference: Reference, user: User, sent: Sent, share: Share = lambda done: None) -> None:
    """Import the file, place everybody in its set, and write down how that ended. Never raises a MapperError."""
    try:
        with _told(reference, sent.set_id, share) as tell:
            made = boundaries.import_file(
                reference, sent.file, sent.facts, sent.options, tell, may_rebuild=sent.rebuild
            )
        _done(reference, user, sent, made)
    except MapperError as problem:
        facts = {name: str(value) for name, value in problem.facts.items()}
        _note(reference, sent.set_id, Coming(Stage.FAILED, 0.0, datetime.now(UTC), problem.message, facts))
    except BaseException:
        with suppress(Unavailable):
            _note(reference, sent.set_id, Coming(Stage.FAILED, 0.0, datetime.now(UTC)))
        raise
    finally:
        sent.forget()


def _done(reference: Reference, user: User, sent: Sent, made: ImportedSet) -> None:
    _note(
        reference,
        sent.set_id,
        Coming(
            Stage.DONE,
            1.0,
            datetime.now(UTC),
            units=made.units,
            mended=made.changed_areas,
            households=made.households,
        ),
    )
    number = None if user is OPERATOR else user.id
    with reference.database.write() as connection:
        audit.record(
            reference, connection, number, user.name, "set.imported", made.id, {"source": sent.facts.source[:100]}
        )


@contextmanager
def _told(reference: Reference, set_id: str, share: Share) -> Iterator[Share]:
    """A way to tell how much is done, written down now and then by a thread beside, also while nothing is told."""
    done, over = [0.0], threading.Event()

    def tell(now: float) -> None:
        done[0] = now
        share(now)

    def write() -> None:
        while not over.wait(TOLD_S):
            # While everything is made anew in one transaction nobody else writes.
            with suppress(Unavailable):
                _note(reference, set_id, Coming(Stage.RUNNING, done[0], datetime.now(UTC)), waits=False)

    beside = threading.Thread(target=write, name="boundaries", daemon=True)
    beside.start()
    try:
        yield tell
    finally:
        over.set()
        beside.join()


def _fact(set_id: str) -> str:
    return f"import {set_id}"
