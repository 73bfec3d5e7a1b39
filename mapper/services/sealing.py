"""Sealing what a database holds of names and phones, opening it again, and changing its key."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mapper.errors import InvalidInput, Unavailable, mark
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.store import erasing, sealed_columns
from mapper.store.filling import be_alone
from mapper.store.sealing import add_key, read_keys

Rows = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was done. rows: that were changed. beside: older copies of the database, which hold names as they were.

    swept: whether nothing of before is left in the files of the database.
    """

    rows: int
    beside: tuple[Path, ...]
    swept: bool


def in_memory(memory: Path, data_dir: Path) -> Path:
    """The folder of this installation below one that is kept in memory; made where there is none, for this user alone.

    Raises InvalidInput where it cannot be.
    """
    name = sha256(str(data_dir.expanduser().resolve()).encode()).hexdigest()[:12]
    folder = memory / f"tungnha-{os.getuid()}-{name}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        status = None
    if status is None or not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise InvalidInput(
            mark(
                "With a field key, copies that hold names lie in memory, and {folder} cannot be used for them. Set "
                "MAPPER_MEMORY_DIR to a folder of a tmpfs, or on an encrypted disk, that this program may write to."
            ),
            folder=str(folder),
        )
    return folder


def make_key(path: Path) -> int:
    """Put a new key in front of those of a file, made where there is none; how many it holds now."""
    return add_key(path)


def how_many(reference: Reference, *, to_open: bool = False) -> int:
    """Rows that there are to go over."""
    return sealed_columns.how_many(reference.database, to_open=to_open)


def seal(reference: Reference, progress: Rows = lambda rows: None) -> Sealed:
    """Have everything under the newest key, beside a server that has it too."""
    return _went_over(reference, "sealing.sealed", sealed_columns.seal_all(reference.database, progress))


def rotate(reference: Reference, path: Path, progress: Rows = lambda rows: None) -> Sealed:
    """The same, where a newer key was put in front of that which everything is under. Raises InvalidInput for one key.

    path: of the file of keys.
    """
    if len(read_keys(path)) == 1:
        raise InvalidInput(
            mark("The file of keys holds one key. Put a new one in front of it first: python server.py make-key")
        )
    return _went_over(reference, "sealing.rotated", sealed_columns.seal_all(reference.database, progress))


def unseal(reference: Reference, progress: Rows = lambda rows: None) -> int:
    """Have everything plain again; how many rows. Raises Conflict where a server, or anybody, has the database open."""
    database = reference.database
    be_alone(database)
    rows = sealed_columns.open_all(database, progress)
    with database.write() as connection:
        audit.record(reference, connection, None, audit.COMMAND_LINE, "sealing.opened", "", {"rows": rows})
    return rows


def _went_over(reference: Reference, action: str, rows: int) -> Sealed:
    database = reference.database
    with database.write() as connection:
        audit.record(reference, connection, None, audit.COMMAND_LINE, action, "", {"rows": rows})
    try:
        erasing.sweep(database)
        sealed_columns.rewrite_files(database)
        swept = True
    except Unavailable:
        swept = False
    return Sealed(rows, _beside(reference), swept)


def _beside(reference: Reference) -> tuple[Path, ...]:
    """Older copies of a SQLite file in its folder: of an earlier release, set aside by a restore."""
    database = reference.database
    if not database.keeps_files:
        return ()
    file = Path(str(database.engine.url.database))
    copies = (*file.parent.glob(f"{file.stem}-of-*"), *file.parent.glob(f"{file.stem}-before-*"))
    return tuple(sorted(one for one in copies if one.suffix == file.suffix))
