"""The page of who did what, for administrators of the whole installation, and the same as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from itertools import chain

from flask import Blueprint, Response, render_template, request, stream_with_context
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import Role
from mapper.domain.whole import whole
from mapper.errors import Forbidden, mark
from mapper.formats.cells import harmless
from mapper.services import audit, trail
from mapper.services.trail import Told, Wanted
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.pages import moment

LISTED = 100
"""Entries on one page."""

CHECKED_BY_ITSELF = 5000
"""Entries that are checked whenever somebody looks; more take seconds, and are checked when asked for."""

LONGEST_ID = 200
"""Of a submission that an address names."""

HEAD = (
    mark("No."),
    mark("When"),
    mark("Time in UTC"),
    mark("Who"),
    mark("Number of the user"),
    mark("What was done"),
    mark("To what"),
    mark("Code"),
    mark("Details"),
    mark("Seal"),
)

audit_pages = Blueprint("trail", __name__)
_only_for_administrators = only_for(Role.ADMINISTRATOR)


@audit_pages.before_request
def _guard() -> AnyResponse | None:
    refused = _only_for_administrators()
    if refused is None and reader().areas:
        raise Forbidden(mark("The trail holds what was done everywhere; only an administrator without areas reads it."))
    return refused


@audit_pages.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@audit_pages.get("/audit")
def audit_page() -> str:
    """The newest entries, chosen by kind, user, day and household; a long trail is checked with ``?check=1`` only."""
    reference = installation().reference
    before, wanted = _number("before"), _wanted()
    found = trail.entries(reference, wanted, LISTED + 1, before)
    check = bool(request.args.get("check")) or audit.size(reference) <= CHECKED_BY_ITSELF
    return render_template(
        "audit.html",
        entries=found[:LISTED],
        older=found[LISTED - 1].entry.seq if len(found) > LISTED else None,
        later=before is not None,
        actions=audit.ACTIONS,
        actors=trail.actors(reference),
        wanted=wanted,
        asked={
            "action": wanted.action or None,
            "user": wanted.user_id,
            "day": wanted.day,
            "about": wanted.about or None,
        },
        verdict=audit.verify(reference) if check else None,
    )


@audit_pages.get("/audit.csv")
def audit_file() -> Response:
    """The entries asked for as a table; that somebody took it is entered too."""
    found = trail.download(installation().reference, reader(), _wanted())
    first = next(found, [])  # what the database refuses to be asked is said before the file has begun
    response = Response(stream_with_context(_lines(chain([first], found))), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=audit.csv"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _lines(portions: Iterator[list[Told]]) -> Iterator[str]:
    yield "\ufeff" + _table([[say(each) for each in HEAD]])  # spreadsheets take the letters of a file by this sign
    for portion in portions:
        yield _table([_row(each) for each in portion])


def _row(told: Told) -> list[str]:
    one = told.entry
    details = "; ".join(f"{say(fact.name)}: {say(fact.value) if fact.is_word else fact.value}" for fact in told.facts)
    row = [
        str(one.seq),
        moment(one.at),
        one.at,
        one.user_name,
        "" if one.user_id is None else str(one.user_id),
        say(one.words),
        told.subject,
        one.subject,
        details,
        one.chain,
    ]
    return [harmless(cell) for cell in row]


def _table(rows: list[list[str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()


def _wanted() -> Wanted:
    """What the address asks for; what it cannot mean asks for nothing."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = None
    return Wanted(
        request.args.get("action", ""),
        _number("user"),
        day if day and day.year > 1 else None,
        request.args.get("about", "")[:LONGEST_ID],
    )


def _number(name: str) -> int | None:
    return whole(request.args.get(name, ""))
