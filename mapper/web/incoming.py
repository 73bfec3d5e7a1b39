"""What stands in an address, a form or a program's JSON and in no database: told before anything keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Flask, request
from werkzeug.routing import IntegerConverter

from mapper.errors import InvalidInput, NotFound, mark
from mapper.web.accounts import signed_in
from mapper.web.phones import for_phones

HIGHEST = 2**31 - 1
"""A number that is kept in four bytes, and that no row ever gets."""

NUL = "\0"


class RowNumber(IntegerConverter):
    """The number of a row in an address; any higher one is the highest, so that nothing is found by it."""

    def to_python(self, value: str) -> int:
        """The number."""
        return HIGHEST if len(value) > len(str(HIGHEST)) else min(int(value), HIGHEST)


def set_up(app: Flask) -> None:
    """Guard the app; its blueprints have to come later."""
    app.url_map.converters["int"] = RowNumber
    app.before_request(_refuse)


def _refuse() -> None:
    """No path has the character NUL, no form and nothing that a program sends: PostgreSQL keeps none that has.

    Of what is looked for the database tells it, and of what a stranger types nothing is kept. Raises NotFound for an
    address, InvalidInput for a form and for the JSON of a program.
    """
    if request.routing_exception is not None:
        return
    if NUL in request.path:
        raise NotFound(mark("There is nothing at this address."))
    if request.method in ("GET", "HEAD", "OPTIONS") or for_phones(request.path) or signed_in() is None:
        return
    if any(NUL in name or NUL in text for name, text in request.form.items(multi=True)):
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
