"""When somebody stood at the door, as a submission itself tells it; read without understanding the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from lxml import etree

from mapper.errors import MapperError
from mapper.formats.declared import Plan, Roles
from mapper.formats.reading import read_day
from mapper.formats.xml import local_name, parse

_TOLD = ("visit.date", "visit.date/day", "visit.date/time")
_SPAN = ("visit.date/time", "visit.date/end")


def read_moment(xml: bytes, roles: Roles) -> tuple[date | None, datetime | None]:
    """The day of the visit and the moment at which the form was opened, each None where it tells none.

    The moment is that of the start metadata, or of a visit.date with a time; it carries its zone.
    """
    try:
        root = parse(xml)
    except MapperError:
        return None, None
    answers = {role: _text(root, chain) for role, chain in _chains(roles.plan, ()) if role in _TOLD}
    told = next((answers[role] for role in _TOLD if answers.get(role)), "")
    day = read_day(told) if told else None
    moments = (_moment(answers.get(role, "")) for role in ("visit.date/time", "visit.date"))
    return day, next((moment for moment in moments if moment is not None), None)


def read_span(root: etree._Element, roles: Roles) -> tuple[datetime | None, datetime | None]:
    """When a form was opened and when it was finished, by its start and end metadata; each None where it tells none."""
    told = {role: _text(root, chain) for role, chain in _chains(roles.plan, ()) if role in _SPAN}
    start, end = (_moment(told.get(role, "")) for role in _SPAN)
    return start, end


def _chains(plan: Plan, above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every role outside of repeats with the names of the elements that lead to it."""
    for name, step in plan.items():
        if step.role:
            yield step.role, (*above, name)
        if not step.opens:
            yield from _chains(step.below, (*above, name))


def _text(root: etree._Element, chain: Sequence[str]) -> str:
    at: etree._Element | None = root
    for name in chain:
        at = None if at is None else next((child for child in at.iterchildren("*") if local_name(child) == name), None)
    return "" if at is None else (at.text or "").strip()


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
