"""What stands in an address or a form and in no database: refused before anything asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Flask, request
from werkzeug.routing import IntegerConverter, ValidationError

from mapper.errors import InvalidInput, NotFound, mark
from mapper.web.phones import for_phones

HIGHEST = 2**31 - 1
"""The highest number that a row of any table has."""

NUL = "\0"


class RowNumber(IntegerConverter):
    """A number in an address; no row has a higher one, so that address is none."""

    def to_python(self, value: str) -> int:
        """The number. Raises ValidationError, by which no route is found."""
        if len(value) > len(str(HIGHEST)) or int(value) > HIGHEST:
            raise ValidationError
        return int(value)


def set_up(app: Flask) -> None:
    """Guard the app; its blueprints have to come later."""
    app.url_map.converters["int"] = RowNumber
    app.before_request(_refuse)


def _refuse() -> None:
    """No text has the character NUL, and PostgreSQL keeps none that has. A phone's form is read by its intake.

    Raises NotFound for an address, InvalidInput for what was typed or is the JSON of a program.
    """
    if NUL in request.path:
        raise NotFound(mark("There is nothing at this address."))
    if for_phones(request.path):
        return
    typed = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if any(NUL in name or NUL in text for name, text in typed):
        raise InvalidInput(mark("What was typed holds a character that no text has (NUL). Type it again."))
    if request.path.startswith("/api/") and not all(map(_is_text, _texts(request.get_data()))):
        raise InvalidInput(mark("What was sent is no JSON. Correct it and send it again."))


def _texts(body: bytes) -> Iterator[str]:
    """Every text in a program's JSON, a name too; of what is no JSON none, since whoever wants it says so."""
    try:
        left: list[Any] = [json.loads(body)]
    except ValueError:
        return
    except RecursionError:
        yield NUL  # deeper than anything can be read
        return
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one


def _is_text(told: str) -> bool:
    """Whether something can be written down: no NUL, and no half of a letter (a surrogate alone)."""
    return NUL not in told and not any("\ud800" <= letter <= "\udfff" for letter in told)
