"""Sentences in the reader's language: Vietnamese first, English second.

Message ids are the English sentences of the code; ``translations/vi.po`` holds the Vietnamese.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from mapper.errors import MapperError

LANGUAGES = ("vi", "en")
DEFAULT = "vi"
CATALOGUE = Path(__file__).parent / "translations" / "vi.po"


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


def explain(error: MapperError, language: str = DEFAULT) -> str:
    """What an error says to its reader."""
    return translate(error.message, language, **error.facts)
