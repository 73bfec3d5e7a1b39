"""Submissions from a folder or a zip, as copied from a phone by cable or exported from another ODK server."""

from __future__ import annotations

import hashlib
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import unescape

from mapper.errors import InvalidInput, MapperError, NotFound, TooLarge, mark
from mapper.formats.instance import read_instance
from mapper.services import intake
from mapper.services.reference import Reference
from mapper.store import submissions
from mapper.store.submissions import SubmissionState

MAX_FILE_BYTES = 100_000_000
MAX_FILES = 1_000_000
AUDIT = "audit.csv"
"""Collect's log of a filling; no question names it, yet it belongs to the submission beside it."""

_TEXTS = re.compile(r">([^<>]+)<")
_UTF8_NAMES = 0x800
"""The flag of a zip's entry that says its name is UTF-8."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to take in. folder: where it lies, "/" between names. size: bytes. place: the file, or the zip it is in.

    member: its entry in the zip, None outside one.
    """

    folder: str
    name: str
    size: int
    place: Path
    member: zipfile.ZipInfo | None = None

    @property
    def path(self) -> str:
        """Its place inside the folder or zip."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file. outcome: "taken", "known" or "refused".

    problem: why it was refused, or why a submission that was taken does not count yet.
    """

    name: str
    outcome: str
    problem: MapperError | None = None


def find(path: Path) -> list[FoundFile]:
    """All files of a folder or zip, in the order of their paths; those that systems hide are passed over.

    Raises NotFound, InvalidInput for what is neither folder nor zip, TooLarge for too many files.
    """
    if path.is_dir():
        files = [
            FoundFile(_inner(p.parent.relative_to(path).as_posix()), p.name, p.stat().st_size, p)
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
    try:
        with zipfile.ZipFile(path) as archive:
            members = {_name(member): member for member in archive.infolist() if not member.is_dir()}
    except _BROKEN as fault:
        raise _damaged() from fault
    places = [(PurePosixPath(name), members[name]) for name in sorted(members)]
    return [
        FoundFile(_inner(place.parent.as_posix()), place.name, member.file_size, path, member)
        for place, member in places
        if not _hidden(place)
    ]


def _name(member: zipfile.ZipInfo) -> str:
    """The path of an entry; some programs write UTF-8 without saying so, others write backslashes."""
    name = member.filename
    if not member.flag_bits & _UTF8_NAMES:
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = member.filename
    return name.replace("\\", "/")


_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(NotImplementedError, RuntimeError, EOFError, OSError, ValueError),
)
"""What zipfile raises for archives that are damaged, locked, or packed in a way it does not know."""


def _damaged() -> InvalidInput:
    return InvalidInput(mark("The zip file is damaged or locked here. Make it again without a password."))


def _inner(folder: str) -> str:
    return "" if folder == "." else folder


def _hidden(place: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in place.parts)


class _Shelf:
    """Reads files, each zip opened once."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._archives: dict[Path, zipfile.ZipFile] = {}

    def read(self, file: FoundFile) -> bytes:
        """A file's content. Raises TooLarge, InvalidInput."""
        if file.size > MAX_FILE_BYTES:
            raise _too_large()
        if file.member is None:
            try:
                return file.place.read_bytes()
            except OSError as fault:
                raise InvalidInput(
                    mark("The file cannot be read ({fault})."), fault=fault.strerror or type(fault).__name__
                ) from fault
        try:
            if file.place not in self._archives:
                self._archives[file.place] = self._stack.enter_context(zipfile.ZipFile(file.place))
            with self._archives[file.place].open(file.member) as opened:
                # An entry may hold more than it says.
                content = opened.read(MAX_FILE_BYTES + 1)
        except _BROKEN as fault:
            raise _damaged() from fault
        if len(content) > MAX_FILE_BYTES:
            raise _too_large()
        return content


def _too_large() -> TooLarge:
    return TooLarge(mark("The file is larger than {limit} MB."), limit=MAX_FILE_BYTES // 1_000_000)


def take(reference: Reference, files: list[FoundFile]) -> Iterator[Taken]:
    """Take in every file, one folder after another; each is reported, in the order it was dealt with.

    An XML file is a submission; other files are attachments of the submission beside them that names them.
    """
    folders: dict[str, list[FoundFile]] = defaultdict(list)
    for file in files:
        folders[file.folder].append(file)
    with ExitStack() as stack:
        shelf = _Shelf(stack)
        for here in folders.values():
            yield from _take_folder(reference, shelf, here)


def _take_folder(reference: Reference, shelf: _Shelf, files: list[FoundFile]) -> Iterator[Taken]:
    forms = [file for file in files if file.name.lower().endswith(".xml")]
    others: dict[str, FoundFile] = {}
    left: dict[str, FoundFile] = {}
    for file in files:
        if file not in forms:
            others.setdefault(unicodedata.normalize("NFC", file.name), file)
            left[file.path] = file
    for form in forms:
        for taken in _take_submission(reference, shelf, form, others, alone=len(forms) == 1):
            left.pop(taken.name, None)
            yield taken
    for path in left:
        yield Taken(path, "refused", InvalidInput(mark("No submission beside this file names it as its attachment.")))


def _take_submission(
    reference: Reference, shelf: _Shelf, form: FoundFile, others: Mapping[str, FoundFile], *, alone: bool
) -> Iterator[Taken]:
    own: list[str] = []
    attachments: dict[str, bytes] = {}
    unreadable: dict[str, MapperError] = {}
    try:
        xml = shelf.read(form)
        own = _named(xml, others, alone)
        for name in own:
            try:
                attachments[name] = shelf.read(others[name])
            except MapperError as problem:
                unreadable[name] = problem
        before = _kept_files(reference, xml)
        receipt = intake.receive(reference, xml, attachments)
    except MapperError as problem:
        yield Taken(form.path, "refused", problem)
        for name in own:
            yield Taken(others[name].path, "refused", InvalidInput(mark("Its submission was refused.")))
        return
    waits = _why_flagged(reference, xml) if receipt.state is SubmissionState.FLAGGED else None
    yield Taken(form.path, "taken" if receipt.new else "known", waits)
    for name in own:
        if name in unreadable:
            yield Taken(others[name].path, "refused", unreadable[name])
        else:
            known = hashlib.sha256(attachments[name]).hexdigest() in before.get(name, ())
            yield Taken(others[name].path, "known" if known else "taken")


def _named(xml: bytes, others: Mapping[str, FoundFile], alone: bool) -> list[str]:
    """Names of the files that a submission's answers name, and Collect's log where it can be no other's."""
    text = unicodedata.normalize("NFC", xml.decode("utf-8", "replace"))
    answers = {unescape(answer).strip() for answer in _TEXTS.findall(text)}
    return [name for name in others if name in answers or (alone and name == AUDIT)]


def _kept_files(reference: Reference, xml: bytes) -> dict[str, list[str]]:
    """SHA-256 by name of all files kept of this submission until now; none of what is no submission."""
    try:
        instance_id = read_instance(xml, None).instance_id
    except MapperError:
        return {}
    with reference.database.read() as connection:
        return submissions.attachment_hashes(connection, instance_id)


def _why_flagged(reference: Reference, xml: bytes) -> MapperError | None:
    instance_id = read_instance(xml, None).instance_id
    with reference.database.read() as connection:
        stored = submissions.read(reference.database, connection, instance_id)
    if stored is None or stored.reason is None:
        return None
    message, facts = stored.reason
    return InvalidInput(message, **facts)
