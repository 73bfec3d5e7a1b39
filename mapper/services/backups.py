"""The installation as one file, taken while phones send; proven by restoring it; put back into either database."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mapper.domain.table_digest import Fingerprint, TableDigest
from mapper.errors import Conflict, InvalidInput, Unavailable, mark
from mapper.formats.archive import ArchiveReader, ArchiveWriter, open_archive
from mapper.services import audit
from mapper.services.reference import Reference
from mapper.services.whole_copy import Differs, Progress, Proof, counted, enter, prove, record
from mapper.store import schema, whole
from mapper.store.database import Database
from mapper.store.filling import Filling, filling
from mapper.store.whole import Column, Shape

FORMAT = 1
ENDING = ".tungnha.zip"
"""Of the name that a backup is given in a folder."""

NOTE = """\
Tệp này là bản sao lưu của Từng Nhà. Tệp chứa dữ liệu cá nhân: họ tên, ngày sinh, số điện thoại, vị trí nhà, tình trạng
tiêm chủng và khóa đăng nhập. Hãy mã hóa, cất nơi an toàn và xóa khi hết hạn giữ.
Khôi phục: python server.py restore TỆP

This file is a backup of Từng Nhà. It holds personal data: names, birth dates, phone numbers, positions of houses, who
is vaccinated, and keys that open accounts. Encrypt it, keep it safe, delete it when its time is over.
To put it back: python server.py restore FILE
"""


@dataclass(frozen=True, slots=True)
class Files:
    """What belongs to an installation and lies outside of its database. None, or nothing there: not in a backup.

    base_map: large, and public; only where it is asked for. key_outside: the key that sessions are signed and phones'
    tokens made with is a setting, and so in no backup.
    """

    road_map: Path
    base_map: Path | None = None
    key_outside: bool = False

    def named(self) -> dict[str, Path]:
        """Those of a backup, by the names that they have there."""
        found = {"roads.npz": self.road_map}
        return found if self.base_map is None else {**found, "basemap": self.base_map}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup says of itself. made_at: ISO time in UTC."""

    revision: str
    made_at: str
    database: str
    key_outside: bool
    tables: list[tuple[Shape, Fingerprint]]
    files: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(fingerprint.rows for _, fingerprint in self.tables)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was taken. proof: of restoring it, where that was asked for."""

    file: Path
    bytes: int
    contents: Contents
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. complete: it stands; else everything is as it was. aside: where what was there is now.

    files: those outside of the database that were put in their places, and where those are that were there.
    """

    contents: Contents
    proof: Proof
    complete: bool
    aside: str
    files: list[tuple[Path, Path | None]]


def back_up(
    reference: Reference, to: Path, files: Files, *, verify: bool = False, progress: Progress = lambda rows: None
) -> Backup:
    """Write a backup of one moment, that of the call; phones and readers go on meanwhile.

    to: the file, or a folder in which it gets a name with the moment. verify: restore it into a temporary database and
    compare before it gets its name. progress: is called with rows written, and twice more with those restored.
    Raises Conflict where there is such a file, Unavailable where it cannot be written or is not what it should be.
    """
    moment = datetime.now(UTC)
    file = to / f"tungnha-{moment:%Y%m%dT%H%M%SZ}{ENDING}" if to.is_dir() else to
    if file.exists():
        raise Conflict(mark("There is a file {file} already. Give the backup another name."), file=str(file))
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with os.fdopen(handle, "w+b") as out:
            with ArchiveWriter(out, NOTE) as archive:
                contents = _write(reference, archive, files, moment, progress)
            out.flush()
            os.fsync(out.fileno())
        proof = check(part, progress).proof if verify else None
        if proof is not None and not proof.equal:
            raise Unavailable(mark("The backup is not what the database holds, and was thrown away. Check the disk."))
        part.replace(file)
        _sync(file.parent)
    except OSError as fault:
        raise Unavailable(
            mark("The backup cannot be written to {file} ({fault})."), file=str(file), fault=fault.strerror or ""
        ) from fault
    finally:
        part.unlink(missing_ok=True)
    return Backup(file, file.stat().st_size, contents, proof)


def size(database: Database) -> int:
    """How many rows a backup would have."""
    with database.read() as connection:
        return sum(whole.number_of_rows(connection, shape) for shape in whole.shapes())


def thin_out(folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest backups of a folder that were given their names there; those deleted."""
    old = sorted(folder.glob(f"tungnha-*{ENDING}"), reverse=True)[keep:]
    for file in old:
        file.unlink()
    return old


def _write(
    reference: Reference, archive: ArchiveWriter, files: Files, moment: datetime, progress: Progress
) -> Contents:
    database = reference.database
    # In the trail before anything is read: whoever has the file has everybody's names. Takes in what waits aside, too.
    with database.write() as connection:
        audit.record(reference, connection, None, audit.COMMAND_LINE, "database.backed_up", "")
    tables: list[tuple[Shape, Fingerprint]] = []
    with database.read() as connection:
        revision = schema.revision(connection)
        assert revision is not None
        for shape in whole.shapes():
            digest = TableDigest(shape.kinds)
            columns = [(column.name, column.kind) for column in shape.columns]
            archive.table(shape.name, columns, counted(digest, whole.rows(database, connection, shape), progress))
            tables.append((shape, digest.fingerprint()))
    kept = {name: archive.file(name, path) for name, path in files.named().items() if path.is_file()}
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    made_at = moment.isoformat(timespec="seconds")
    archive.finish(
        {
            "format": FORMAT,
            "of": "Từng Nhà",
            "personal_data": True,
            "revision": revision,
            "made_at": made_at,
            "database": kind,
            "key_outside": files.key_outside,
            "tables": [
                {
                    "name": shape.name,
                    "columns": [[column.name, column.kind] for column in shape.columns],
                    "rows": fingerprint.rows,
                    "digest": fingerprint.digest,
                }
                for shape, fingerprint in tables
            ],
            "files": kept,
        }
    )
    return Contents(
        revision, made_at, kind, files.key_outside, tables, {name: str(f["sha256"]) for name, f in kept.items()}
    )


def contents(archive: ArchiveReader) -> Contents:
    """What an archive says of itself. Raises InvalidInput where that is none of ours, or of a later format."""
    told = archive.manifest
    try:
        if int(told["format"]) > FORMAT:
            raise InvalidInput(mark("This backup was made by a newer release. Update the program first."))
        return Contents(
            str(told["revision"]),
            str(told["made_at"]),
            str(told["database"]),
            bool(told["key_outside"]),
            [_table(one) for one in told["tables"]],
            {str(name): str(file["sha256"]) for name, file in told["files"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise InvalidInput(mark("This file is no backup, or is damaged or cut off. Take another backup.")) from fault


def _table(one: Mapping[str, Any]) -> tuple[Shape, Fingerprint]:
    columns = tuple(Column(str(name), kind) for name, kind in one["columns"])
    if any(column.kind not in whole.KINDS for column in columns):
        raise ValueError
    return Shape(str(one["name"]), columns), Fingerprint(int(one["rows"]), str(one["digest"]))


def look(file: Path) -> Contents:
    """What a backup says of itself. Raises InvalidInput."""
    with open_archive(file) as archive:
        return contents(archive)


def check(file: Path, progress: Progress = lambda rows: None) -> Restored:
    """Restore a backup into a temporary database beside it, compare every table and file, and throw that away.

    Raises InvalidInput for a file that cannot be read.
    """
    with (
        open_archive(file) as archive,
        tempfile.TemporaryDirectory(prefix=".restored-", dir=file.parent) as folder,
    ):
        there = Files(Path(folder, "roads.npz"), Path(folder, "basemap"))
        return _restore(f"sqlite:///{folder}/check.sqlite3", archive, there, replace=False, progress=progress)


def restore(
    url: str, file: Path, files: Files, *, replace: bool = False, progress: Progress = lambda rows: None
) -> Restored:
    """Put a backup back into the database at this address, and its files into their places, and compare everything.

    A backup of an earlier release is brought up to date. replace: set aside what is there; else the database must be
    empty. progress: is called with rows entered, and again with rows read back. Raises Conflict, InvalidInput,
    Unavailable; then everything is as it was.
    """
    with open_archive(file) as archive:
        return _restore(url, archive, files, replace=replace, progress=progress)


def _restore(url: str, archive: ArchiveReader, files: Files, *, replace: bool, progress: Progress) -> Restored:
    told = contents(archive)
    proof: Proof | None = None
    aside = ""
    placed: list[tuple[Path, Path | None]] = []
    with _arriving(archive, told, files) as arrived:
        try:
            with filling(url, told.revision, replace=replace) as made:
                proof = prove(made, _entered(made, archive, told, progress), progress)
                if not proof.equal:
                    raise Differs
                record(made, "database.restored", "", {"day": told.made_at, "number": told.rows})
                aside = made.aside
                # The database last: cut off before, it is as it was, and the same command can be given again.
                placed += [(place, _put(part, place)) for place, part in arrived.items()]
        except Differs:
            assert proof is not None
            return Restored(told, proof, False, "", [])
        except BaseException:
            _take_back(placed)
            raise
    return Restored(told, proof, True, aside, placed)


def _entered(
    made: Filling, archive: ArchiveReader, told: Contents, progress: Progress
) -> Iterator[tuple[Shape, Fingerprint]]:
    """Enter every table, all before the first is read back."""
    for shape, _ in told.tables:
        enter(made, shape, archive.rows(shape.name), progress)
    yield from told.tables


@contextmanager
def _arriving(archive: ArchiveReader, told: Contents, files: Files) -> Iterator[dict[Path, Path]]:
    """Files of a backup beside their places, by those; gone in the end where they were not put there."""
    arrived: dict[Path, Path] = {}
    try:
        for name, place in files.named().items():
            if name not in told.files:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            part = arrived[place] = place.with_name(f".{place.name}.part")
            with part.open("wb") as out:
                if archive.copy_file(name, out) != told.files[name]:
                    raise InvalidInput(mark("This file is no backup, or is damaged or cut off. Take another backup."))
                out.flush()
                os.fsync(out.fileno())
        yield arrived
    finally:
        for part in arrived.values():
            part.unlink(missing_ok=True)


def _put(part: Path, place: Path) -> Path | None:
    """Give a file its place; where the one is now that was there."""
    aside = None
    if place.exists():
        aside = place.with_name(f"{place.stem}-before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{place.suffix}")
        place.replace(aside)
    part.replace(place)
    _sync(place.parent)
    return aside


def _take_back(placed: list[tuple[Path, Path | None]]) -> None:
    """Files that were there before in their places again."""
    for place, aside in placed:
        if aside is None:
            place.unlink(missing_ok=True)
        else:
            aside.replace(place)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
