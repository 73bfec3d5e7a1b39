"""A folder that came through a browser: a zip, or single files. What is taken of it are names and contents, no paths.

A zip is read entry by entry up to a limit, whatever its directory says of sizes; nothing is unpacked to a place that
the zip names.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterable
from io import BytesIO
from unicodedata import normalize

from mapper.errors import InvalidInput, TooLarge, mark

MAX_FILES = 200
MAX_BYTES = 100_000_000
MAX_NAME_BYTES = 200

_UTF8_NAMES = 0x800
"""The flag of a zip's entry that says its name is UTF-8."""
_FORBIDDEN = frozenset('<>:"|?*')
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(NotImplementedError, RuntimeError, EOFError, OSError, ValueError),
)
"""What zipfile raises for archives that are damaged, locked, or packed in a way it does not know."""


def read_uploaded(files: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Contents by plain NFC file name, zips opened; what systems hide is passed over.

    files: (name, content) as the browser sent them. Raises InvalidInput for a damaged or locked zip, a name that no
    file may have and a name that stands twice, TooLarge over 200 files or 100 MB unpacked; each names the cure.
    """
    found: dict[str, bytes] = {}
    left = MAX_BYTES
    for name, content in files:
        inner = _unpacked(content, left) if name.lower().endswith(".zip") else [(name, content)]
        for path, inside in inner:
            plain = _plain_name(path)
            if plain is None:
                continue
            left -= len(inside)
            if plain in found:
                raise InvalidInput(
                    mark("The file {name} is there twice, in two folders. Send one campaign at a time."), name=plain
                )
            found[plain] = inside
            if left < 0 or len(found) > MAX_FILES:
                raise _too_large()
    return found


def _unpacked(content: bytes, limit: int) -> list[tuple[str, bytes]]:
    """Path and content of each file in a zip, together no longer than the limit."""
    found, left = [], limit
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > 2 * MAX_FILES:
                raise _too_large()
            for entry in entries:
                with archive.open(entry) as packed:
                    inside = packed.read(left + 1)
                left -= len(inside)
                if left < 0:
                    raise _too_large()
                found.append((_path(entry), inside))
    except _BROKEN as fault:
        raise InvalidInput(mark("The zip file is damaged or locked here. Make it again without a password.")) from fault
    return found


def _path(entry: zipfile.ZipInfo) -> str:
    """The path of an entry; some programs write UTF-8 without saying so."""
    if entry.flag_bits & _UTF8_NAMES:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _plain_name(path: str) -> str | None:
    """The last part of a path; None for what systems hide. Raises InvalidInput for no usable name."""
    parts = normalize("NFC", path).replace("\\", "/").split("/")
    name = parts[-1].strip()
    if "__MACOSX" in parts or (name.startswith((".", "~$")) and name.strip(".")):
        return None
    usable = name.strip(".") and name.isprintable() and not _FORBIDDEN & set(name)
    if not usable or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidInput(mark("The file name {name} cannot be used. Rename the file."), name=name[:60] or "?")
    return name


def _too_large() -> TooLarge:
    return TooLarge(
        mark("The folder holds more than {files} files or {limit} MB. Send only the form with the files it asks for."),
        files=MAX_FILES,
        limit=MAX_BYTES // 1_000_000,
    )
