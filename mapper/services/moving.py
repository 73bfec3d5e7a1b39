"""Everything of one database into another: SQLite to PostgreSQL, and back."""

from __future__ import annotations

from dataclasses import dataclass

from mapper.errors import Conflict, InvalidInput, mark
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.services.whole_copy import Differs, Progress, Proof, enter, prove, record
from mapper.store import schema, whole
from mapper.store.database import Database
from mapper.store.filling import filling, held


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

    Nobody writes to the source meanwhile: a server that still serves it is told of, and none can start. progress: is
    called with rows copied, and again with rows read back. Raises Conflict for a source that is in use or a target
    that is not empty, InvalidInput, Unavailable; then, as after a cut-off, the target is as it was and the source
    serves on.
    """
    if Database(target_url).engine.url == source.engine.url:
        raise InvalidInput(mark("That is the database in use. Name the one that its data are to go to."))
    reference = Reference(source)
    audit.settle(reference)
    proof: Proof | None = None
    with held(source) as reading:
        try:
            with filling(target_url, schema.head()) as made:
                entered = [
                    (shape, enter(made, shape, whole.rows(source, reading, shape), progress))
                    for shape in whole.shapes()
                ]
                proof = prove(made, entered, progress)
                if not proof.equal:
                    raise Differs
                facts = {"from": _kind(source), "to": _kind(made.database), "number": proof.rows}
                record(made, "database.moved", "", facts)
        except Differs:
            assert proof is not None
            return Moved(proof, complete=False)
        schema.mark_moved(reading)
    return Moved(proof, complete=True)


def undo(url: str) -> None:
    """Let a database be served again whose data were moved. Raises Conflict where they were not."""
    source = Database(url)
    try:
        with source.write() as connection:
            if not schema.unmark_moved(connection):
                raise Conflict(mark("The data of this database were not moved away; it is served as it is."))
    finally:
        source.close()


def _kind(database: Database) -> str:
    return "SQLite" if database.is_sqlite else "PostgreSQL"
