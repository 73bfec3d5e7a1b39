"""What an OData address asks of a feed: ``$filter``, ``$orderby``, ``$select`` and ``$expand``.

What is no OData is InvalidInput; what is, but not offered here, is NotSupported: spreadsheets then do it themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from mapper.errors import InvalidInput, NotSupported, mark
from mapper.formats.odata import Properties, Shape
from mapper.formats.submission_tables import Path, SubmissionTable

FIELDS = ("submissionDate", "updatedAt", "submitterId", "reviewState")
"""Parts of ``__system`` that submissions are filtered and ordered by."""

_OF_SUBMISSION = re.compile(r"(?:\$root/Submissions/)?__system/(\w+)")
_ORDERED = re.compile(r"(\S+)(?:\s+(asc|desc))?", re.IGNORECASE)


def read_order(text: str) -> list[tuple[str, bool]]:
    """An ``$orderby``: what to order by, and whether the other way round. Raises InvalidInput, NotSupported."""
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        told = _ORDERED.fullmatch(part)
        field = _OF_SUBMISSION.fullmatch(told[1]) if told else None
        if told is None or field is None or field[1] not in FIELDS:
            raise (InvalidInput if told is None else NotSupported)(
                mark(
                    "The order {order} is not understood. Order by __system/submissionDate, __system/updatedAt, "
                    "__system/submitterId or __system/reviewState, with asc or desc behind it."
                ),
                order=text[:120],
            )
        found.append((field[1], (told[2] or "").lower() == "desc"))
    return found


_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[(),])|(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[ +-]\d\d:\d\d)?)?)"
    r"|(?P<number>\d+)|(?P<word>[$\w/]+))"
)
_COMPARED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
"""Comparisons, each with the one that says the same of its two sides changed about."""
_REVIEWS = {"hasIssues": "has_issues", "approved": "approved", "edited": "edited", "rejected": "rejected"}
"""Review states of ODK Central; nothing here is ever edited or rejected."""
_PARTS = frozenset({"year", "month", "day", "hour", "minute", "second", "date"})
_DATES = frozenset({"submissionDate", "updatedAt"})
_DEEPEST = 40
_LONGEST = 2000

Condition = tuple[Any, ...]
"""("and", a, b), ("or", a, b), ("not", a), or (comparison, field, part, value).

part: of a date, as the functions of OData are called, "" for the whole. value: a moment in UTC as text up to the
millisecond, a day as text, a number, the word of a review state, or None.
"""


def read_condition(text: str, now: datetime) -> Condition:
    """A ``$filter`` on the date of submission or update, the sender, and the review state, with and, or, not.

    Raises InvalidInput or NotSupported, which say what can be asked.
    """
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or len(text) > _LONGEST:
            raise _unknown(text)
        tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
        at = found.end()
    reader = _Reader(tokens, text, now)
    told = reader.either(0)
    if reader.tokens:
        raise _unknown(text)
    return told


def _unknown(text: str, kind: type[InvalidInput | NotSupported] = InvalidInput) -> InvalidInput | NotSupported:
    return kind(
        mark(
            "The filter {filter} is not understood. Compare __system/submissionDate, __system/updatedAt, "
            "__system/submitterId or __system/reviewState by eq, ne, lt, le, gt, ge; of dates also year(), month(), "
            "day(), hour(), minute(), second() and date(); now() is this moment. Join by and, or, not."
        ),
        filter=text[:120],
    )


class _Reader:
    def __init__(self, tokens: Sequence[tuple[str, str]], text: str, now: datetime) -> None:
        self.tokens, self._text, self._now = list(tokens), text, now

    def _next(self, *wanted: str) -> str | None:
        if self.tokens and self.tokens[0][1] in wanted:
            return self.tokens.pop(0)[1]
        return None

    def either(self, depth: int) -> Condition:
        found = self._both(depth)
        while self._next("or"):
            found = ("or", found, self._both(depth))
        return found

    def _both(self, depth: int) -> Condition:
        found = self._one(depth)
        while self._next("and"):
            found = ("and", found, self._one(depth))
        return found

    def _one(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise _unknown(self._text)
        if self._next("not"):
            return ("not", self._one(depth + 1))
        if self._next("("):
            found = self.either(depth + 1)
            if not self._next(")"):
                raise _unknown(self._text)
            return found
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        how = self._next(*_COMPARED)
        if how is None:
            raise _unknown(self._text)
        right = self._operand()
        if left[0] != "field":
            left, right, how = right, left, _COMPARED[how]
        if left[0] != "field" or right[0] == "field":
            raise _unknown(self._text)
        _, field, part = left
        return (how, field, part, self._value(field, part, how, *right))

    def _operand(self) -> tuple[str, ...]:
        """("field", name, part), or the kind and text of a value."""
        if not self.tokens:
            raise _unknown(self._text)
        kind, text = self.tokens.pop(0)
        if kind != "word" or text == "null":
            return kind, text
        if self._next("("):
            if text == "now" and self._next(")"):
                return "now", ""
            inner = self._operand()
            if not self._next(")"):
                raise _unknown(self._text, NotSupported)
            if text not in _PARTS or inner[0] != "field" or inner[1] not in _DATES or inner[2]:
                raise _unknown(self._text, NotSupported)
            return "field", inner[1], text
        field = _OF_SUBMISSION.fullmatch(text)
        if field is None or field[1] not in FIELDS:
            raise _unknown(self._text, NotSupported)
        return "field", field[1], ""

    def _value(self, field: str, part: str, how: str, kind: str, text: str) -> Any:
        try:
            if text == "null" and kind == "word" and how in ("eq", "ne") and not part:
                return None
            if part == "date" and kind == "moment" and len(text) == 10:
                return datetime.fromisoformat(text).date().isoformat()
            if part and part != "date" and kind == "number" and len(text) <= 9:
                return int(text)
            if field in _DATES and not part and kind in ("moment", "now"):
                return self._moment(text)
            if field == "reviewState" and how in ("eq", "ne") and kind == "text":
                return _REVIEWS[text[1:-1]]
            if field == "submitterId" and kind in ("text", "number"):
                number = int(text.strip("'"))
                if 0 <= number < 2**63:
                    return number
        except (ValueError, KeyError, OverflowError):
            pass
        raise _unknown(self._text)

    def _moment(self, text: str) -> str:
        # A plus that was not written as %2B arrives as a space.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+")) if text else self._now
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def read_expand(text: str, shape: Shape, table: SubmissionTable) -> frozenset[Path]:
    """An ``$expand``: the repeats to write out in their rows; ``*`` is all of them, also those in others.

    Raises NotSupported for what is no repeat in the table's rows.
    """
    wanted = [name for name in map(str.strip, text.split(",")) if name]
    if wanted == ["*"]:
        return frozenset(shape.tables)
    here = {"/".join(shape.steps_in(table, one.path)): one.path for one in shape.within(table)}
    if any(name not in here for name in wanted):
        raise NotSupported(
            mark("{option} is not understood. Write {known}."),
            option=f"$expand={text[:80]}",
            known=", ".join(f"$expand={name}" for name in ("*", *here))[:400],
        )
    return frozenset(here[name] for name in wanted)


def read_select(text: str, shape: Shape, table: SubmissionTable, expanded: Collection[Path]) -> Properties | None:
    """A ``$select``: the properties wanted, of those that have some themselves which; None for all.

    The key and the repeats that are written out come along. Raises InvalidInput for what a row does not have.
    """
    named = [name for name in map(str.strip, text.split(",")) if name]
    if not named or "*" in named:
        return None
    every = shape.properties(table)
    wanted = {("__id",), *(tuple(name.split("/")) for name in named)}
    for path in sorted(wanted):
        there = every
        for name in path:
            if name not in there:
                raise InvalidInput(
                    mark("{table} has no property {name}. It has: {known}."),
                    table=shape.names.set_name(table.path),
                    name="/".join(path)[:80],
                    known=", ".join(there or every)[:400],
                )
            there = there[name]
    wanted |= {tuple(shape.steps_in(table, one.path)) for one in shape.within(table) if one.path in expanded}
    found: Properties = {}
    for path in wanted:
        if not any(path[:end] in wanted for end in range(1, len(path))):
            at = found
            for name in path:
                at = at.setdefault(name, {})
    return found


def only(row: dict[str, Any], wanted: Properties) -> dict[str, Any]:
    """A row, or a part of one, with nothing but what is wanted."""
    told = {name: (value, wanted.get(name.split("@")[0])) for name, value in row.items()}
    return {name: only(value, inner) if inner else value for name, (value, inner) in told.items() if inner is not None}
