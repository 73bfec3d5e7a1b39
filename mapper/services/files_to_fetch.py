"""Files that were made for somebody and wait to be fetched."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

from mapper.services.reference import Reference

KEPT_S = 6 * 3600
"""A file that was made and not fetched is deleted after so long."""


class Made:
    """A file that was made; it is deleted with the last who remembers it. number: of people or submissions in it.

    lent: another process made it, and deletes it.
    """

    def __init__(self, path: Path, number: int, lent: bool = False) -> None:
        self.path = path
        self.number = number
        self._end = None if lent else weakref.finalize(self, path.unlink, missing_ok=True)


_aside: WeakKeyDictionary[Reference, Path] = WeakKeyDictionary()
_opening = Lock()


def folder_of(reference: Reference) -> Path:
    """Where files lie until they are fetched; what nobody fetched is taken out."""
    if reference.folder is None:
        with _opening:
            if reference not in _aside:
                _aside[reference] = made = Path(tempfile.mkdtemp(prefix="tungnha-exports-"))
                weakref.finalize(reference, shutil.rmtree, made, ignore_errors=True)
            return _aside[reference]
    folder = reference.folder / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = time.time() - KEPT_S
    for each in folder.iterdir():
        try:
            if each.stat().st_mtime < before:
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        except OSError:
            continue
    return folder
