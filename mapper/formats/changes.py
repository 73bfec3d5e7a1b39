"""What an edit changed: the answers of two versions of one submission, side by side.

The instances of a repeat are told apart by what they are, not by their place: where one person is taken out of the
middle, the others are who they were.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mapper.formats.answers import Answer

Fate = Literal["changed", "added", "removed"]

Told = frozenset[tuple[str, tuple[int, ...], str]]
"""Answers as (path, place among those of that path, value)."""

_ALIKE = 0.5
"""Share of equal answers from which two instances of a repeat are one that was changed."""

_MOST_PAIRS = 10_000
"""Pairs of instances that are held against each other; beyond that the order alone tells who is who."""


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that differs. before, after: as shown to people, "" for no answer. path, numbers: as in Answer."""

    path: str
    label: str
    numbers: tuple[int, ...]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An instance of a repeat by which others know it. number: from 1, in the version where it still or already is."""

    label: str
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """What an edit did to one instance of a repeat or, with no line, to all that stands outside of every repeat.

    line: this instance, behind those around it. fate: whether the whole instance came or went. changes: of one that
    came or went, all of its answers, those of the repeats inside it too.
    """

    line: tuple[Entry, ...]
    fate: Fate
    changes: tuple[Change, ...]


@dataclass(slots=True)
class _Instance:
    """A submission, or an instance of a repeat in it. repeats: the instances below it, by the path of their repeat."""

    heading: Answer | None
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    repeats: dict[str, list[_Instance]] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        own = self.heading
        return Entry(own.label, own.numbers[-1], own.shown) if own is not None else Entry("", 0, "")

    @property
    def identity(self) -> str:
        return self.heading.identity if self.heading is not None else ""

    def told(self) -> Told:
        """Its own answers and those of the instances in it, for holding it against another."""
        own: set[tuple[str, tuple[int, ...], str]] = {
            (path, (turn,), answer.value) for (path, turn), answer in self.answers.items()
        }
        for below in self.repeats.values():
            for number, each in enumerate(below):
                own |= {(path, (number, *place), value) for path, place, value in each.told()}
        return frozenset(own)

    def every(self) -> Iterator[Answer]:
        """Each answer in it, however deep."""
        yield from self.answers.values()
        for below in self.repeats.values():
            for each in below:
                yield from each.every()


def compare(before: Sequence[Answer], after: Sequence[Answer], renamed: Mapping[str, str] | None = None) -> list[Part]:
    """What differs between two versions: first outside of every repeat, then by instance, in the later one's order.

    Instances are the same where both have the same identity; where they tell none, those whose answers are alike. What
    the later version no longer has stands behind what it has. renamed: paths of questions that go by another path in
    the later version's form, old to new.
    """
    return list(_compare((), _gather(before, renamed or {}), _gather(after, {})))


def _gather(answers: Sequence[Answer], renamed: Mapping[str, str]) -> _Instance:
    """Answers in the order of the document, as the tree that they were."""
    whole = _Instance(None)
    line = [whole]
    for answer in answers:
        around = answer.numbers[:-1] if answer.heading else answer.numbers
        while (top := line[-1].heading) is not None and not (
            answer.path.startswith(f"{top.path}/") and around[: len(top.numbers)] == top.numbers
        ):
            line.pop()
        if answer.heading:
            made = _Instance(answer)
            line[-1].repeats.setdefault(_now(answer.path, renamed), []).append(made)
            line.append(made)
            continue
        # A node that the form does not have may stand there more than once.
        path, turn = _now(answer.path, renamed), 0
        while (path, turn) in line[-1].answers:
            turn += 1
        line[-1].answers[path, turn] = answer
    return whole


def _now(path: str, renamed: Mapping[str, str]) -> str:
    """The path by which the later version's form knows a question, or anything inside a repeat with another name."""
    if path in renamed or not renamed:
        return renamed.get(path, path)
    around = max((old for old in renamed if path.startswith(f"{old}/")), key=len, default="")
    return renamed[around] + path[len(around) :] if around else path


def _compare(line: tuple[Entry, ...], before: _Instance, after: _Instance) -> Iterator[Part]:
    changes = _differing(before.answers, after.answers)
    if changes:
        yield Part(line, "changed", tuple(changes))
    for path in dict.fromkeys((*after.repeats, *before.repeats)):
        old, new = before.repeats.get(path, []), after.repeats.get(path, [])
        partner = _partners(old, new)
        for number, one in enumerate(new):
            inner = (*line, one.entry)
            if number in partner:
                yield from _compare(inner, old[partner[number]], one)
            else:
                yield Part(inner, "added", tuple(_only(one, came=True)))
        kept = set(partner.values())
        for number, one in enumerate(old):
            if number not in kept:
                yield Part((*line, one.entry), "removed", tuple(_only(one, came=False)))


def _differing(old: Mapping[tuple[str, int], Answer], new: Mapping[tuple[str, int], Answer]) -> list[Change]:
    changes = []
    for key, answer in new.items():
        was = old.get(key)
        if was is None or was.value != answer.value:
            changes.append(Change(answer.path, answer.label, answer.numbers, was.shown if was else "", answer.shown))
    gone = (answer for key, answer in old.items() if key not in new)
    return [*changes, *(Change(each.path, each.label, each.numbers, each.shown, "") for each in gone)]


def _only(one: _Instance, *, came: bool) -> Iterator[Change]:
    for each in one.every():
        before, after = ("", each.shown) if came else (each.shown, "")
        yield Change(each.path, each.label, each.numbers, before, after)


def _partners(old: Sequence[_Instance], new: Sequence[_Instance]) -> dict[int, int]:
    """Place in the later list to place in the earlier one, of the instances that are the same."""
    partner: dict[int, int] = {}
    once = [_once(each) for each in (old, new)]
    for identity, number in once[1].items():
        if identity in once[0]:
            partner[number] = once[0][identity]
    told_old, told_new = [each.told() for each in old], [each.told() for each in new]
    # What nobody touched, wherever it went; who has an identity is nobody of another identity.
    untouched: defaultdict[tuple[bool, Told], deque[int]] = defaultdict(deque)
    for was in _left(len(old), partner.values()):
        untouched[bool(old[was].identity), told_old[was]].append(was)
    for now in _left(len(new), partner):
        waiting = untouched[False, told_new[now]] or (not new[now].identity and untouched[True, told_new[now]])
        if waiting:
            partner[now] = waiting.popleft()
    left, right = _left(len(old), partner.values()), _left(len(new), partner)
    if len(left) * len(right) > _MOST_PAIRS:
        return partner | dict(zip(right, left, strict=False))
    alike = (
        (-_likeness(told_old[was], told_new[now]), abs(was - now), now, was)
        for now in right
        for was in left
        if not (old[was].identity and new[now].identity)
    )
    taken: set[int] = set()
    for unlike, _, now, was in sorted(alike):
        if -unlike >= _ALIKE and now not in partner and was not in taken:
            partner[now] = was
            taken.add(was)
    return partner


def _left(number: int, taken: Collection[int]) -> list[int]:
    gone = set(taken)
    return [each for each in range(number) if each not in gone]


def _once(instances: Sequence[_Instance]) -> dict[str, int]:
    """Identity to place, of those that one instance alone has."""
    number_of = Counter(each.identity for each in instances)
    return {each.identity: n for n, each in enumerate(instances) if each.identity and number_of[each.identity] == 1}


def _likeness(old: Told, new: Told) -> float:
    """Share of the questions answered in either to which both give the same answer, from 0 to 1."""
    asked = {(path, place) for path, place, _ in old | new}
    return len(old & new) / len(asked) if asked else 1.0
