"""Everything of one database into another: SQLite to PostgreSQL, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mapper.errors import Conflict, InvalidInput, MapperError, mark
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.services.whole_copy import Differs, Progress, Proof, enter, prove, record
from mapper.store import schema, whole
from mapper.store.database import Connection, Database
from mapper.store.filling import be_alone, file_of, filling, held


@dataclass(frozen=True, slots=True)
class Moved:
    """What was proven of the copy. complete: it stands, and the source is no longer served; else all is as it was."""

    proof: Proof
    complete: bool


def size(database: Database) -> int:
    """How many rows are to be copied."""
    with database.read() as connection:
        return sum(whole.number_of_rows(connection, shape) for shape in whole.shapes())


def move(source: Database, target_url: str, progress: Progress = lambda rows: None) -> Moved:
    """Copy every table into an empty database and prove it equal; from then on the source refuses to be served.

    The source says so of itself before the first row is copied, lest a power cut leave two databases that both are
    served; what fails takes that back where the target is as it was. Nobody writes to the source meanwhile: a server
    that still serves it is told of, and none can start. progress: is called with rows copied, and again with rows read
    back. Raises Conflict for a source that is in use or a target that is not empty, InvalidInput, Unavailable; then
    the target is as it was and the source serves on.
    """
    if Database(target_url).engine.url == source.engine.url:
        raise InvalidInput(mark("That is the database in use. Name the one that its data are to go to."))
    reference = Reference(source)
    audit.settle(reference)
    with _moving(source, target_url) as proven, held(source) as reading:
        proof = _copy(source, reading, target_url, proven, progress)
        if proof.equal:
            schema.mark_moved(reading)
        else:
            schema.unmark_moved(reading)
    return Moved(proof, proof.equal)


@contextmanager
def _moving(source: Database, target_url: str) -> Iterator[list[Proof]]:
    """Within it the source is marked as being moved; taken back where that fails and the target cannot have it all.

    Yields a list for the proof, once there is nothing left to do but to let the target stand.
    """
    be_alone(source)  # before a server that serves it learns of the mark
    with source.write() as connection:
        schema.mark_moving(connection)
    proven: list[Proof] = []
    try:
        yield proven
    except BaseException:
        if not proven or not _holds_anything(target_url):
            undo(source.engine.url.render_as_string(hide_password=False))
        raise


def _holds_anything(target_url: str) -> bool:
    """Whether a target may hold what was copied; so does one that cannot be asked."""
    target = Database(target_url)
    try:
        if target.is_sqlite and not file_of(target).exists():
            return False
        with target.read() as connection:
            return not whole.is_empty(connection)
    except MapperError:
        return True
    finally:
        target.close()


def _copy(source: Database, reading: Connection, target_url: str, proven: list[Proof], progress: Progress) -> Proof:
    """Every table into the target, and the proof; where that is not equal the target is as it was."""
    proof: Proof | None = None
    try:
        with filling(target_url, schema.head()) as made:
            entered = [
                (shape, enter(made, shape, whole.rows(source, reading, shape), progress)) for shape in whole.shapes()
            ]
            proof = prove(made, entered, progress)
            if not proof.equal:
                raise Differs
            facts = {"from": _kind(source), "to": _kind(made.database), "number": proof.rows}
            record(made, "database.moved", "", facts)
            proven.append(proof)
    except Differs:
        pass
    assert proof is not None
    return proof


def undo(url: str) -> None:
    """Let a database be served again whose data were moved, or about to be. Raises Conflict where they were not."""
    source = Database(url)
    try:
        with source.write() as connection:
            if not schema.unmark_moved(connection):
                raise Conflict(mark("The data of this database were not moved away; it is served as it is."))
    finally:
        source.close()


def _kind(database: Database) -> str:
    return "SQLite" if database.is_sqlite else "PostgreSQL"
