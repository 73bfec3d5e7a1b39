"""Submissions from a folder or a zip, as copied from a phone by cable or exported from another ODK server."""

from __future__ import annotations

import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mapper.errors import InvalidInput, MapperError, NotFound, TooLarge, mark
from mapper.services import intake
from mapper.services.reference import Reference

MAX_FILE_BYTES = 100_000_000
MAX_FILES = 1_000_000
AUDIT = "audit.csv"
"""Collect's log of a filling; no question names it, yet it belongs to the submission beside it."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to take in. folder: where it lies, "/" between names. size: bytes. read: its content."""

    folder: str
    name: str
    size: int
    read: Callable[[], bytes]

    @property
    def path(self) -> str:
        """Its place inside the folder or zip."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file. outcome: "taken", "known" or "refused", the last with its problem."""

    name: str
    outcome: str
    problem: MapperError | None = None


def find(path: Path) -> list[FoundFile]:
    """All files of a folder or zip, in the order of their paths; those that systems hide are passed over.

    Raises NotFound, InvalidInput for what is neither folder nor zip, TooLarge for too many files.
    """
    if path.is_dir():
        files = [
            FoundFile(_inner(p.parent.relative_to(path).as_posix()), p.name, p.stat().st_size, p.read_bytes)
            for p in sorted(path.rglob("*"))
            if p.is_file() and not _hidden(PurePosixPath(p.relative_to(path).as_posix()))
        ]
    elif path.is_file() and zipfile.is_zipfile(path):
        files = _in_zip(path)
    elif path.exists():
        raise InvalidInput(mark("{path} is neither a folder nor a zip file."), path=str(path))
    else:
        raise NotFound(mark("There is no folder or file {path}."), path=str(path))
    if len(files) > MAX_FILES:
        raise TooLarge(
            mark("There are {number} files, more than {limit}. Import them in parts."),
            number=len(files),
            limit=MAX_FILES,
        )
    return files


def _in_zip(path: Path) -> list[FoundFile]:
    with zipfile.ZipFile(path) as archive:
        members = sorted((m for m in archive.infolist() if not m.is_dir()), key=lambda m: m.filename)

    def reader(member: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            try:
                with zipfile.ZipFile(path) as archive, archive.open(member) as file:
                    content = file.read(MAX_FILE_BYTES + 1)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as fault:
                raise InvalidInput(
                    mark("The zip file is damaged or locked here. Make it again without a password.")
                ) from fault
            if len(content) > MAX_FILE_BYTES:
                raise _too_large()
            return content

        return read

    found = []
    for member in members:
        place = PurePosixPath(member.filename)
        if not _hidden(place):
            found.append(FoundFile(_inner(place.parent.as_posix()), place.name, member.file_size, reader(member)))
    return found


def _inner(folder: str) -> str:
    return "" if folder == "." else folder


def _hidden(place: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in place.parts)


def _too_large() -> TooLarge:
    return TooLarge(mark("The file is larger than {limit} MB."), limit=MAX_FILE_BYTES // 1_000_000)


def take(reference: Reference, files: list[FoundFile]) -> Iterator[Taken]:
    """Take in every file, one folder after another; each is reported, in the order it was dealt with.

    An XML file is a submission; other files are attachments of the submission beside them that names them.
    """
    folders: dict[str, list[FoundFile]] = defaultdict(list)
    for file in files:
        folders[file.folder].append(file)
    for here in folders.values():
        yield from _take_folder(reference, here)


def _take_folder(reference: Reference, files: list[FoundFile]) -> Iterator[Taken]:
    forms = [file for file in files if file.name.lower().endswith(".xml")]
    others = {unicodedata.normalize("NFC", file.name): file for file in files if file not in forms}
    used: set[str] = set()
    for form in forms:
        yield from _take_submission(reference, form, others, used, alone=len(forms) == 1)
    for name, file in others.items():
        if name not in used:
            yield Taken(
                file.path, "refused", InvalidInput(mark("No submission beside this file names it as its attachment."))
            )


def _take_submission(
    reference: Reference, form: FoundFile, others: Mapping[str, FoundFile], used: set[str], *, alone: bool
) -> Iterator[Taken]:
    attachments: dict[str, bytes] = {}
    own: list[FoundFile] = []
    try:
        xml = _read(form)
        text = unicodedata.normalize("NFC", xml.decode("utf-8", "replace"))
        for name, file in others.items():
            if f">{name}<" in text or (alone and name == AUDIT):
                used.add(name)
                own.append(file)
                attachments[name] = _read(file)
        receipt = intake.receive(reference, xml, attachments)
    except MapperError as problem:
        yield Taken(form.path, "refused", problem)
        for file in own:
            yield Taken(file.path, "refused", InvalidInput(mark("Its submission was refused.")))
        return
    outcome = "taken" if receipt.new else "known"
    yield Taken(form.path, outcome)
    for file in own:
        yield Taken(file.path, outcome)


def _read(file: FoundFile) -> bytes:
    if file.size > MAX_FILE_BYTES:
        raise _too_large()
    return file.read()
