"""What is left on the disk when the power goes: only what was synced, and of the rest whatever the disk felt like.

``strace`` writes down what a real server does with its database's files and its phones' sockets. From that the files
are made as they would be after a cut at any moment: what was synced is there, each later write is there whole, in part
(a sector is 512 bytes), or not at all. Nothing is assumed of the order in which unsynced writes reach the disk.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TRACED = ("pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "sendto")
SECTOR = 512
_LINE = re.compile(r"(\d+)\s+(?:<\.\.\. (\w+) resumed>)?(.*)", re.DOTALL)
_CALL = re.compile(r"(\w+)\((.*)", re.DOTALL)
_FILE = re.compile(r"\d+<([^>]*)>")
_PEER = re.compile(r"\d+<TCP:\[[^\]]*->[^\]]*:(\d+)\]>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def strace(log: Path) -> list[str]:
    """The command before which a server's command stands, so that what it does is written down."""
    return [
        *("strace", "-f", "--seccomp-bpf", "-qq", "-yy", "-xx", "-s", "200000", "-e", "signal=none"),
        *("-e", f"trace={','.join(TRACED)}", "-o", str(log)),
    ]


def why_not() -> str:
    """Why nothing can be traced here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"strace may trace nothing here: {tried.stderr.strip()[:200]}"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the server did. kind: write, truncate, sync begun, synced, unlink, or answered.

    file: path; peer: port of the phone; offset, data: of a write; number: process, which syncs one file at a time.
    """

    kind: str
    file: str = ""
    peer: int = 0
    offset: int = 0
    data: bytes = b""
    number: int = 0


def events(log: Path, database: Path) -> Iterator[Event]:
    """What happened to a database's files and which 201s and 202s left, in order."""
    names = {str(database), f"{database}-wal", f"{database}-journal"}
    for line in log.read_text("latin-1").splitlines():
        match = _LINE.match(line)
        assert match is not None, line
        number, resumed, rest = int(match[1]), match[2], match[3]
        if resumed in ("fsync", "fdatasync"):
            yield Event("synced", number=number)
            continue
        call = _CALL.match(rest)
        if resumed or call is None:
            continue
        name, told = call[1], call[2]
        if name == "sendto":
            peer, text = _PEER.match(told), _bytes(told)
            if peer is not None and text.startswith((b"HTTP/1.1 201", b"HTTP/1.1 202")):
                yield Event("answered", peer=int(peer[1]))
            continue
        path = _bytes(told).decode() if name == "unlink" else _path(told)
        if path not in names:
            if name in ("fsync", "fdatasync") and "<unfinished" in rest:
                yield Event("sync begun", "", number=number)
            continue
        if name == "pwrite64":
            offset = told[_text_end(told) :].split(",")[2]
            yield Event("write", path, offset=int(offset.split(")")[0].split("<")[0]), data=_bytes(told))
        elif name == "ftruncate":
            yield Event("truncate", path, offset=int(told.split(",")[1].split(")")[0].split("<")[0]))
        elif name == "unlink":
            yield Event("unlink", path)
        else:
            yield Event("sync begun", path, number=number)
            if "<unfinished" not in rest:
                yield Event("synced", number=number)


def _path(told: str) -> str:
    match = _FILE.match(told)
    path = match[1] if match is not None else ""
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path


def _bytes(told: str) -> bytes:
    match = _TEXT.search(told)
    return bytes.fromhex(match[1].replace("\\x", "")) if match is not None else b""


def _text_end(told: str) -> int:
    match = _TEXT.search(told)
    assert match is not None, told[:200]
    return match.end()


@dataclass
class Disk:
    """The files of one database: what is synced of each, and what was written since, in order."""

    synced: dict[str, bytearray]
    pending: dict[str, list[Event]] = field(default_factory=dict)
    begun: dict[int, tuple[str, int]] = field(default_factory=dict)
    answered: Counter[int] = field(default_factory=Counter)

    def see(self, event: Event, *, syncs: bool = True) -> None:
        """Take one event in. syncs: whether the disk does what it is told; a lying one keeps nothing for certain."""
        if event.kind == "answered":
            self.answered[event.peer] += 1
        elif event.kind == "sync begun":
            self.begun[event.number] = (event.file, len(self.pending.get(event.file, ())))
        elif event.kind == "synced":
            file, upto = self.begun.pop(event.number, ("", 0))
            waiting = self.pending.get(file, [])
            for one in waiting[:upto] if syncs else ():
                _apply(self.synced, one, one.data)
            if syncs:
                # Another thread's sync may have taken some of them already.
                self.pending[file] = waiting[upto:]
                for number, (other, begun) in self.begun.items():
                    if other == file:
                        self.begun[number] = (other, max(0, begun - upto))
        else:
            self.pending.setdefault(event.file, []).append(event)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files as somebody may find them when the power is back."""
        left = {file: bytearray(content) for file, content in self.synced.items()}
        for waiting in self.pending.values():
            mood = chance.choice((0.0, 0.5, 0.9, 1.0))
            for one in waiting:
                if chance.random() >= mood:
                    continue
                data = one.data
                if one.kind == "write" and chance.random() < 0.3:
                    data = data[: chance.randrange(0, len(data) + 1, SECTOR)]
                _apply(left, one, data)
        return {file: bytes(content) for file, content in left.items()}


def _apply(files: dict[str, bytearray], event: Event, data: bytes) -> None:
    if event.kind == "unlink":
        files.pop(event.file, None)
        return
    content = files.setdefault(event.file, bytearray())
    if event.kind == "truncate":
        del content[event.offset :]
        content.extend(b"\0" * (event.offset - len(content)))
        return
    if len(content) < event.offset:
        content.extend(b"\0" * (event.offset - len(content)))
    content[event.offset : event.offset + len(data)] = data
