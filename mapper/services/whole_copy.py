"""Everything of one database in another, or in an archive, and the proof that nothing is other there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mapper.domain.table_digest import Fingerprint, TableDigest
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.store import cell_check, schema, shelves, tallies, whole
from mapper.store.database import Connection, Database
from mapper.store.filling import Filling
from mapper.store.whole import Rows, Shape

Progress = Callable[[int], None]
"""Called with the number of rows just done."""

CELLS = 200
"""Cells whose tallies are recounted from their households."""


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What a table held where it was read, and what it holds where it was entered."""

    name: str
    source: Fingerprint
    target: Fingerprint

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows."""
        return self.source == self.target


@dataclass(frozen=True, slots=True)
class Proof:
    """Every table, and the cells that were recounted in the copy. wrong_cells: whose tallies are not their households'.

    broken: tables with a row that refers to one that is not there.
    """

    tables: list[TableCheck]
    cells: int
    wrong_cells: list[int]
    broken: list[str]

    @property
    def equal(self) -> bool:
        """Whether the copy is what it was made from."""
        return all(table.equal for table in self.tables) and not self.wrong_cells and not self.broken

    @property
    def rows(self) -> int:
        """Of all tables where they were read."""
        return sum(table.source.rows for table in self.tables)


class Differs(Exception):
    """Ends a transaction whose copy is not what it was made from."""


def counted(digest: TableDigest, portions: Iterable[Rows], progress: Progress) -> Iterator[Rows]:
    """Portions of rows as they come, each taken into a digest on its way."""
    for some in portions:
        digest.add(some)
        yield some
        progress(len(some))


def enter(filling: Filling, shape: Shape, portions: Iterable[Rows], progress: Progress) -> Fingerprint:
    """Enter a table's rows; what they were, as they came."""
    digest = TableDigest(shape.kinds)
    whole.enter(filling.database, filling.connection, shape, counted(digest, portions, progress))
    return digest.fingerprint()


def prove(filling: Filling, entered: Iterable[tuple[Shape, Fingerprint]], progress: Progress) -> Proof:
    """Read back all that was entered, in the transaction that entered it, and hold it against what it was to be.

    Then the schema is brought up to date, numbers that the database gives itself go on behind, and what processes
    remember of the source, with its folder of caches, no longer counts for the copy.
    """
    database, connection = filling.database, filling.connection
    checks = [
        TableCheck(shape.name, source, fingerprint(database, connection, shape, progress)) for shape, source in entered
    ]
    schema.make(connection, schema.head())
    shelves.make_known(database, connection)
    cells = cell_check.some_cells(connection, CELLS, seed=sum(check.source.rows for check in checks))
    proof = Proof(
        checks,
        len(cells),
        cell_check.wrong_cells(database, connection, cells),
        whole.broken_references(database, connection),
    )
    whole.go_on_numbering(database, connection, whole.shapes())
    tallies.begin_era(connection)
    return proof


def record(filling: Filling, action: str, subject: str, facts: Mapping[str, object]) -> None:
    """Enter in the copy's own trail how it came to be."""
    reference = Reference(filling.database)
    audit.record(reference, filling.connection, None, audit.COMMAND_LINE, action, subject, facts)


def fingerprint(database: Database, connection: Connection, shape: Shape, progress: Progress) -> Fingerprint:
    """What a table holds in this transaction."""
    digest = TableDigest(shape.kinds)
    for some in whole.rows(database, connection, shape):
        digest.add(some)
        progress(len(some))
    return digest.fingerprint()
