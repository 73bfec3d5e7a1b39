"""Sentences in the reader's language: Vietnamese first, English second.

Message ids are the English sentences of the code; ``translations/vi.po`` holds the Vietnamese.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from babel.messages.pofile import read_po

from mapper.errors import MapperError

LANGUAGES = ("vi", "en")
DEFAULT = "vi"
CATALOGUE = Path(__file__).parent / "translations" / "vi.po"

Fact = TypeVar("Fact")

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=1)
def _vietnamese() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale="vi") if m.id and m.string}


def translate(message: str, language: str = DEFAULT, **facts: object) -> str:
    """The sentence in that language, its ``{places}`` filled with the facts.

    A sentence the catalogue lacks stays English; a test keeps the catalogue complete.
    """
    text = _vietnamese().get(message, message) if language == "vi" else message
    return text.format(**facts) if facts else text


def written_day(day: date, language: str = DEFAULT) -> str:
    """A date as people write it; 08/09 is September to some who read English, and August to others."""
    return f"{day:%d/%m/%Y}" if language == "vi" else f"{day.day} {day:%b %Y}"


def written_facts(facts: Mapping[str, Fact], language: str = DEFAULT) -> dict[str, Fact | str]:
    """Facts of a sentence, ISO days among them as people write them."""
    written: dict[str, Fact | str] = dict(facts)
    for name, fact in facts.items():
        if isinstance(fact, str) and _DAY.fullmatch(fact):
            with suppress(ValueError):
                written[name] = written_day(date.fromisoformat(fact), language)
    return written


def explain(error: MapperError, language: str = DEFAULT) -> str:
    """What an error says to its reader."""
    return translate(error.message, language, **error.facts)
