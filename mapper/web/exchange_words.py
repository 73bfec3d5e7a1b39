"""What the page of exchange calls periods, levels, figures and what differs between a file and the register."""

from __future__ import annotations

from mapper.domain import level_words
from mapper.domain.exchange import PeriodKind
from mapper.errors import mark

PERIODS = {
    PeriodKind.DAILY: mark("day"),
    PeriodKind.WEEKLY: mark("week"),
    PeriodKind.MONTHLY: mark("month"),
    PeriodKind.QUARTERLY: mark("quarter"),
    PeriodKind.YEARLY: mark("year"),
}

LEVELS = level_words.ONE

FIGURE_WORDS = {
    "people": mark("People registered"),
    "eligible": mark("Eligible"),
    "needed": mark("Still needed"),
    "outside": mark("Not in the group"),
    "away": mark("Away"),
    "vaccinated": mark("Vaccinated"),
    "contraindicated": mark("Contraindicated"),
    "refused": mark("Refused"),
    "deferred": mark("Deferred"),
    "unknown": mark("Not known"),
    "waiting": mark("Waiting"),
    "due": mark("Due"),
}

FACT_WORDS = {
    "here": mark("not in the register here, or outside your area or the list"),
    "there": mark("not in the file"),
    "name": mark("another name"),
    "sex": mark("another sex"),
    "birth": mark("another birth date"),
    "doses": mark("other doses"),
    "hindered": mark("another refusal or contraindication"),
}
