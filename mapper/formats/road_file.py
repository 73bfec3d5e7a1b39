"""The file of a road map: arrays by name, and what is known of them, in one .npz."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mapper.errors import InvalidInput, mark

VERSION = 1
"""Of the arrays' names and meaning."""

_ABOUT = "about"


def write_roads(path: Path, arrays: Mapping[str, NDArray[np.generic]], about: Mapping[str, object]) -> None:
    """Write the file in place of what there was, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = json.dumps({**about, "version": VERSION}, ensure_ascii=False).encode()
    made = path.with_name(path.name + ".new")
    try:
        with made.open("wb") as file:
            np.savez_compressed(file, **{**arrays, _ABOUT: np.frombuffer(told, np.uint8)})  # type: ignore[arg-type]
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def read_about(path: Path) -> dict[str, object]:
    """What is known of a road map, without its arrays. Raises InvalidInput."""
    return _read(path, only_about=True)[1]


def read_roads(path: Path) -> tuple[dict[str, NDArray[np.generic]], dict[str, object]]:
    """The arrays and what is known of them. Raises InvalidInput, which names the cure."""
    return _read(path, only_about=False)


def _read(path: Path, only_about: bool) -> tuple[dict[str, NDArray[np.generic]], dict[str, object]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            about = json.loads(held[_ABOUT].tobytes())
            if about["version"] == VERSION:
                return ({} if only_about else {name: held[name] for name in held.files if name != _ABOUT}), about
    except (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as fault:
        raise _unreadable(path) from fault
    raise _unreadable(path)


def _unreadable(path: Path) -> InvalidInput:
    words = mark("The road map {file} cannot be read. Make it again with: python server.py roads import")
    return InvalidInput(words, file=str(path))
