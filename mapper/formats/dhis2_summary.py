"""What DHIS2 answers to data values that were sent: how many it took, and what it did not take and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Refused(NamedTuple):
    """What DHIS2 did not take. what: the object it names, or its code of the fault; why: in DHIS2's own words."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """Values taken newly, changed, left as ignored and deleted, with the reasons of those ignored."""

    imported: int = 0
    updated: int = 0
    ignored: int = 0
    deleted: int = 0
    refused: tuple[Refused, ...] = ()

    @property
    def reasons(self) -> list[tuple[Refused, int]]:
        """The reasons, each once with how often it was given, the most frequent first."""
        return Counter(self.refused).most_common()

    def __add__(self, other: ImportSummary) -> ImportSummary:
        """Both together."""
        return ImportSummary(
            self.imported + other.imported,
            self.updated + other.updated,
            self.ignored + other.ignored,
            self.deleted + other.deleted,
            (*self.refused, *other.refused),
        )


def read_summary(content: bytes) -> ImportSummary | None:
    """The import summary in an answer's JSON, bare or within ``response``; None where it holds none."""
    try:
        body = json.loads(content)
        found = body.get("response", body)
        parts = found.get("importSummaries", [found])
        read = [_one(part) for part in parts if "importCount" in part]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    whole = ImportSummary()
    for each in read:
        whole = whole + each
    return whole if read else None


def _one(part: dict[str, Any]) -> ImportSummary:
    counts = part["importCount"]
    imported, updated, ignored, deleted = (
        int(counts.get(name, 0)) for name in ("imported", "updated", "ignored", "deleted")
    )
    return ImportSummary(imported, updated, ignored, deleted, tuple(_refused(part.get("conflicts") or ())))


def _refused(conflicts: Iterable[dict[str, Any]]) -> Iterable[Refused]:
    for one in conflicts:
        # Which objects a conflict is about stands in one word, or by kind.
        of_kinds = one.get("objects") or {}
        what = one.get("object") or ", ".join(str(each) for each in of_kinds.values()) or one.get("errorCode") or ""
        yield Refused(str(what), str(one.get("value") or one.get("errorCode") or ""))
