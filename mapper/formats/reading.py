"""Answers of one visit turned into the register's words, dates and numbers, with findings for what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from mapper.domain.campaign import Campaign, Period
from mapper.domain.people import Finding
from mapper.errors import mark
from mapper.formats.declared import Roles

Answers = Mapping[str, str]
"""Role to what was answered: cleaned, never empty."""

KNOWN = frozenset({"yes", "no", "unknown"})
_PLAIN = {"true": "yes", "false": "no", "1": "yes", "0": "no"}


class Reading:
    """One visit being read. Its findings grow as answers turn out unusable.

    visited_on: the day at the door, and partial: whether only what changed is told; ``roles.read_visit`` sets both
    before any person is read. ranks: the order of the campaign's doses.
    """

    __slots__ = ("campaign", "findings", "partial", "ranks", "received_on", "roles", "visited_on", "words")

    def __init__(self, roles: Roles, campaign: Campaign, received_on: date) -> None:
        self.roles = roles
        self.campaign = campaign
        self.words = campaign.values
        self.received_on = received_on
        self.visited_on = received_on
        self.partial = False
        self.ranks = {code: rank for rank, code in enumerate(campaign.doses)}
        self.findings: list[Finding] = []

    def find(self, code: str, message: str, **facts: object) -> None:
        """Add a finding; facts fill the message."""
        self.findings.append(Finding(code, message, tuple((name, str(fact)) for name, fact in facts.items())))

    def word(self, answers: Answers, role: str, field: str) -> str | None:
        """The register's word for a choice. field: the table of the campaign's values that maps it."""
        text = answers.get(role)
        words = self.words.get(field)
        return words.get(text, text) if words and text else text

    def choice(self, answers: Answers, role: str, field: str, known: frozenset[str], person: str) -> str | None:
        """One of the known words, or None with a finding where it is another."""
        word = self.word(answers, role, field)
        if word is None or word in known:
            return word
        plain = _PLAIN.get(word)
        if plain in known:
            return plain
        self.find(
            "choice_unknown",
            mark("{person}: the answer {value} to {role} is unknown and counts as not given."),
            person=person,
            value=word,
            role=role,
        )
        return None

    def day(self, answers: Answers, role: str, person: str) -> date | None:
        """A date, or None with a finding where it cannot be read."""
        text = answers.get(role)
        if text is None:
            return None
        day = read_day(text)
        if day is None:
            self.find(
                "date_unreadable",
                mark("{person}: the date {value} ({role}) cannot be read."),
                person=person,
                value=text,
                role=role,
            )
        return day


def read_day(text: str) -> date | None:
    """The day of a date, a date with time, or a calculated date (2021-02-01T00:00:00.000+07:00); None for others."""
    if len(text) > 10:
        text = text[:10]
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_whole(text: str) -> int | None:
    """A whole number, also where a calculation wrote it as 3.0; parts of a year are cut off. None for others."""
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if abs(number) < 1e9 else None


def months_before(day: date, months: int) -> date:
    """The same day of the month that many months earlier, or that month's last."""
    return Period(months=-months).after(day)
