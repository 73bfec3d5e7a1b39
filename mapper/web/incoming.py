"""What stands in an address or a form and in no database: refused before anything asks for it."""

from __future__ import annotations

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
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """No text has the character NUL, and PostgreSQL keeps none that has. A phone's form is read by its intake."""
    if NUL in request.path:
        raise NotFound(mark("There is nothing at this address."))
    typed = [] if for_phones(request.path) else [*request.args.items(multi=True), *request.form.items(multi=True)]
    if any(NUL in name or NUL in text for name, text in typed):
        raise InvalidInput(mark("What was typed holds a character that no text has (NUL). Type it again."))
