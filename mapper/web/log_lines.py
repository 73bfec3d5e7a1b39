"""How the log is written: a line an event, as text or as JSON, without keys, addresses, answers or messages of faults.

A fault's message may hold what somebody answered, so only its kind and place are written (``errors.trace``).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Literal

from mapper.errors import trace

_PHONE = re.compile(r"/(?:key|test)/(?!<token>)[^/\s]+")
_SERVED = re.compile(r"(?<= while serving ).*", re.DOTALL)

log = logging.getLogger(__name__)


class NoKeysInLogs(logging.Filter):
    """Keeps addresses out of the log: waitress names the one whose reader hung up, and keys and codes stand in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, its text without keys."""
        text = _SERVED.sub("(an address)", record.getMessage())
        record.msg, record.args = _PHONE.sub("(phone)", text), ()
        return True


class _Lines(logging.Formatter):
    """What both kinds of lines have in common: faults are written by kind and place alone."""

    def facts(self, record: logging.LogRecord) -> dict[str, Any]:
        """What a line tells beside its sentence."""
        told: dict[str, Any] = dict(getattr(record, "facts", {}))
        fault = record.exc_info[1] if record.exc_info else None
        if fault is not None:
            told["fault"] = trace(fault)
        return told


class TextLines(_Lines):
    """``2026-01-31T10:15:00.123Z INFO mapper.requests: GET /unit/<code> 200 request_id=... ms=12.3``"""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told = "".join(f" {name}={value}" for name, value in self.facts(record).items() if name not in _IN_SENTENCE)
        return f"{_moment(record)} {record.levelname} {record.name}: {_one_line(record.getMessage())}{told}"


class JsonLines(_Lines):
    """The same as an object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": _one_line(record.getMessage()),
            **self.facts(record),
        }
        return json.dumps(line, ensure_ascii=False, default=str)


_IN_SENTENCE = frozenset({"method", "route", "status"})


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _one_line(text: str) -> str:
    """Nobody writes a second line into the log by what they send."""
    return " ".join(text.splitlines()) if not text.isprintable() else text


def set_up(kind: Literal["text", "json"]) -> None:
    """Write the log of this process to standard error, faults that nobody caught among it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    handler.addFilter(NoKeysInLogs())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a busy moment is no warning

    def uncaught(fault: BaseException | None, where: str) -> None:
        if fault is not None:
            log.error("nobody caught a fault in %s: %s", where, trace(fault))

    threading.excepthook = lambda told: uncaught(told.exc_value, told.thread.name if told.thread else "a thread")
    sys.unraisablehook = lambda told: uncaught(told.exc_value, "what cannot raise")
