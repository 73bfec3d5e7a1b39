"""What an edit changed: the answers of two versions of one submission, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapper.formats.answers import Answer

Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that differs. before, after: as shown to people, "" for no answer. path, numbers: as in Answer."""

    path: str
    label: str
    numbers: tuple[int, ...]
    before: str
    after: str


def compare(
    before: Sequence[Answer], after: Sequence[Answer], renamed: Mapping[str, str] | None = None
) -> list[Change]:
    """What differs between two versions, in the order of the later one's answers, then what it no longer has.

    renamed: paths of questions that go by another path in the later version's form, old to new.
    """
    renamed = renamed or {}
    old: dict[Key, Answer] = {(renamed.get(a.path, a.path), a.numbers): a for a in before if not a.heading}
    changes = []
    for answer in after:
        if answer.heading:
            continue
        was = old.pop((answer.path, answer.numbers), None)
        if was is None or was.value != answer.value:
            changes.append(Change(answer.path, answer.label, answer.numbers, was.shown if was else "", answer.shown))
    return [*changes, *(Change(gone.path, gone.label, gone.numbers, gone.shown, "") for gone in old.values())]
