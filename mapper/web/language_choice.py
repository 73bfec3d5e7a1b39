"""Which language a request is answered in, and the words that templates and scripts use."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import g, has_request_context, request

from mapper.errors import MapperError
from mapper.language import DEFAULT, LANGUAGES, explain, translate
from mapper.web.installation import installation

COOKIE = "lang"
SCRIPTS = Path(__file__).parent / "static" / "js"
_CALL = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')


def chosen_language() -> str:
    """The reader's language: ``?lang=``, else the cookie, else the operator's setting.

    Asks neither session nor user: phones are answered in a language too, and theirs have to be answered fast.
    """
    if not has_request_context():
        return DEFAULT
    if "language" not in g:
        settings = installation().settings
        wishes = (request.args.get("lang"), request.cookies.get(COOKIE), settings.language, DEFAULT)
        g.language = next(wish for wish in wishes if wish in LANGUAGES)
    return str(g.language)


def say(message: str | MapperError, /, **facts: object) -> str:
    """A sentence, or an error, in the reader's language; ``_`` in templates."""
    if isinstance(message, MapperError):
        return explain(message, chosen_language())
    return translate(message, chosen_language(), **facts)


@lru_cache(maxsize=1)
def script_sentences() -> tuple[str, ...]:
    """Every sentence that the scripts say: the texts inside ``t("...")`` of ``static/js``, sorted."""
    found: set[str] = set()
    for script in SCRIPTS.glob("*.js"):
        found.update(json.loads(f'"{text}"') for text in _CALL.findall(script.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def script_messages() -> dict[str, str]:
    """English sentence -> the reader's, for the scripts; empty in English, whose sentences are the keys."""
    language = chosen_language()
    if language == "en":
        return {}
    return {sentence: translate(sentence, language) for sentence in script_sentences()}


def template_words() -> dict[str, Any]:
    """What every template may use: the translation, the language, the other language."""
    language = chosen_language()
    return {"_": say, "language": language, "other_language": "en" if language == "vi" else "vi"}
