"""The notice boards of work whose progress every process tells: how each kind of result is written, and read."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from datetime import date
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mapper import errors
from mapper.services.hot_spots import Found
from mapper.services.integrity import Examined
from mapper.services.notice_board import FORMS_LOOKED_THROUGH, REGISTERS_COMPARED, NoticeBoard
from mapper.services.register_entries import Compared, Difference
from mapper.services.successions import Outcome, Taken
from mapper.services.tiles import Ground
from mapper.store.database import Database


@cache
def _as_json(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def hot_spots(database: Database) -> NoticeBoard[Found]:
    """Of clusters."""
    told = _as_json(Found)
    return NoticeBoard(database, "clusters", lambda made: told.dump_json(made).decode(), told.validate_json)


def integrity(database: Database) -> NoticeBoard[Examined]:
    """Of canvassers' forms being looked through."""
    return NoticeBoard(database, FORMS_LOOKED_THROUGH, _examined_as_text, _read_examined, personal=True)


def _examined_as_text(made: Examined) -> str:
    told = _as_json(Examined).dump_python(made, exclude={"newest"})
    return json.dumps({**told, "newest": [(*of, seq) for of, seq in made.newest.items()]})


def _read_examined(text: str) -> Examined:
    told = json.loads(text)
    newest = {(canvasser, test): seq for canvasser, test, seq in told["newest"]}
    found: Examined = _as_json(Examined).validate_python({**told, "newest": newest})
    return found


def registers(database: Database) -> NoticeBoard[Compared]:
    """Of comparisons with the national register."""
    return NoticeBoard(database, REGISTERS_COMPARED, _compared_as_text, _read_compared, personal=True)


def _compared_as_text(made: Compared) -> str:
    told = _as_json(Compared).dump_python(made, mode="json")
    # A text and a day are told apart only by what they are here.
    for written, entry in zip(told["entries"], made.entries, strict=True):
        written["differences"] = [(one.field, _plain(one.theirs), _plain(one.ours)) for one in entry.differences]
    return b64encode(zlib.compress(json.dumps(told).encode(), 1)).decode()


def _plain(told: str | date | None) -> tuple[str | None, bool]:
    return (told.isoformat(), True) if isinstance(told, date) else (told, False)


def _read_compared(text: str) -> Compared:
    told = json.loads(zlib.decompress(b64decode(text)))
    for entry in told["entries"]:
        entry["differences"] = [
            Difference(field, *(date.fromisoformat(each) if is_day else each for each, is_day in sides))
            for field, *sides in entry["differences"]
        ]
    found: Compared = _as_json(Compared).validate_python(told)
    return found


def grounds(database: Database) -> NoticeBoard[Ground]:
    """Of what tiles draw from: each process makes its own, of up to 50 MB."""
    return NoticeBoard(database, "grounds", _never_written, _never_written, each=True)


def _never_written(_: object) -> Any:
    raise NotImplementedError  # it is not handed on


def successions(database: Database) -> NoticeBoard[Outcome]:
    """Of what became of units, being measured and kept."""
    return NoticeBoard(database, "successions", _outcome_as_text, _read_outcome)


def _outcome_as_text(made: Outcome) -> str:
    problem = made.problem
    taken = _as_json(Taken).dump_python(made.taken, mode="json") if made.taken is not None else None
    why = None if problem is None else (type(problem).__name__, problem.message, problem.facts)
    return json.dumps({"taken": taken, "problem": why}, default=str)


def _read_outcome(text: str) -> Outcome:
    told = json.loads(text)
    taken = _as_json(Taken).validate_python(told["taken"]) if told["taken"] is not None else None
    if told["problem"] is None:
        return Outcome(taken)
    kind, message, facts = told["problem"]
    return Outcome(taken, getattr(errors, kind, errors.InvalidInput)(message, **facts))
