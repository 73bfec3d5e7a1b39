"""A backup as one file: a ZIP of tables as Arrow streams, of files, and of a manifest that tells what they must be.

    READ-ME-FIRST.txt     whom the file tells of, and how it is put back
    tables/NAME.arrow     Arrow IPC stream, compressed with zstd: int64, float64, bool, string, date32, large_binary
    files/NAME            as they were
    manifest.json         last, so that an archive that was cut off has none

Any program that reads Arrow reads the tables; nothing in it depends on the kind of the database.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import pyarrow as pa

from mapper.errors import InvalidInput, mark

MANIFEST = "manifest.json"
NOTE = "READ-ME-FIRST.txt"
_AT_ONCE = 1 << 20
_TYPES = {
    "truth": pa.bool_(),
    "whole": pa.int64(),
    "real": pa.float64(),
    "day": pa.date32(),
    "bytes": pa.large_binary(),
    "text": pa.string(),
}


class ArchiveWriter:
    """Writes an archive from its beginning to its end; what is not finished cannot be read."""

    def __init__(self, file: IO[bytes], note: str) -> None:
        # Tables are compressed in themselves, and the files are mostly pictures and packed arrays.
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._zip.writestr(NOTE, note)

    def table(self, name: str, columns: Sequence[tuple[str, str]], portions: Iterable[Sequence[Sequence[Any]]]) -> None:
        """Write a table. columns: name and kind of each; see ``store.whole.Column``. portions: of its rows."""
        schema = pa.schema([(column, _TYPES[kind]) for column, kind in columns])
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with (
            self._zip.open(_table(name), "w", force_zip64=True) as member,
            pa.ipc.new_stream(member, schema, options=options) as stream,
        ):
            for rows in portions:
                values = zip(*rows, strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
                stream.write_batch(pa.record_batch(arrays, schema=schema))

    def file(self, name: str, source: Path) -> dict[str, object]:
        """Write a file; its size and SHA-256 for the manifest."""
        digest, size = hashlib.sha256(), 0
        with source.open("rb") as reading, self._zip.open(_file(name), "w", force_zip64=True) as member:
            while some := reading.read(_AT_ONCE):
                digest.update(some)
                size += len(some)
                member.write(some)
        return {"size": size, "sha256": digest.hexdigest()}

    def finish(self, manifest: Mapping[str, object]) -> None:
        """Write the manifest, and end."""
        self._zip.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        with suppress(OSError, ValueError):  # what ended the writing is told, not this
            self._zip.close()


class ArchiveReader:
    """Reads an archive. manifest: as it was written."""

    def __init__(self, file: zipfile.ZipFile, manifest: Mapping[str, Any]) -> None:
        self._zip = file
        self.manifest = manifest

    def rows(self, name: str) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a table, a portion at a time. Raises InvalidInput where they cannot be read."""
        with _readable(), self._zip.open(_table(name)) as member, pa.ipc.open_stream(member) as stream:
            for batch in stream:
                yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
            # The checksum of a member is looked at when its end is met.
            while member.read(_AT_ONCE):
                pass

    def copy_file(self, name: str, target: IO[bytes]) -> str:
        """Write a file of the archive out; its SHA-256. Raises InvalidInput where it cannot be read."""
        digest = hashlib.sha256()
        with _readable(), self._zip.open(_file(name)) as member:
            while some := member.read(_AT_ONCE):
                digest.update(some)
                target.write(some)
        return digest.hexdigest()


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """An archive to be read. Raises InvalidInput for a file that is none, or was cut off."""
    try:
        opened = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as fault:
        raise _unreadable() from fault
    with opened:
        try:
            manifest = json.loads(opened.read(MANIFEST))
        except (KeyError, ValueError, OSError, zipfile.BadZipFile) as fault:
            raise _unreadable() from fault
        if not isinstance(manifest, dict):
            raise _unreadable()
        yield ArchiveReader(opened, manifest)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (KeyError, OSError, EOFError, pa.ArrowException, zipfile.BadZipFile) as fault:
        raise _unreadable() from fault


def _unreadable() -> InvalidInput:
    return InvalidInput(mark("This file is no backup, or is damaged or cut off. Take another backup."))


def _table(name: str) -> str:
    return f"tables/{name}.arrow"


def _file(name: str) -> str:
    return f"files/{name}"
