"""Files that a browser sends: how long each kind may be, refused before anything reads it."""

from __future__ import annotations

from os import SEEK_END
from pathlib import PurePosixPath

from werkzeug.datastructures import FileStorage

from mapper.errors import TooLarge, mark

MEGABYTE = 1_000_000

TABLE_MB = 20
"""A table that somebody keeps in a spreadsheet: 20,000 rows have two."""

LONG_TABLE_MB = 60
"""A table of a whole country, a drawing of places, and what other systems make."""

STRANGER_BYTES = 300_000
"""What somebody who has not signed in may send: a name, a password, a slip's text."""


def content(file: FileStorage, most_mb: int = TABLE_MB) -> bytes:
    """The content of a file that was sent. Raises TooLarge, naming the file and the cure."""
    size = file.stream.seek(0, SEEK_END)
    if size > most_mb * MEGABYTE:
        raise TooLarge(
            mark("{name} has {size} MB; {limit} MB are read. Delete what does not belong to the table, or divide it."),
            name=PurePosixPath((file.filename or "").replace("\\", "/")).name[:200],
            size=round(size / MEGABYTE),
            limit=most_mb,
        )
    file.stream.seek(0)
    return file.stream.read()
