"""The vaccine stock for programs, as JSON: what is where, the ledger, and entering into it by the rules of the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, request

from mapper.errors import InvalidInput, MapperError, mark
from mapper.formats.level_table import RowFault
from mapper.formats.register_file import Value
from mapper.formats.stock_table import COLUMNS, StockRow, read_stock_row
from mapper.services import stock as service
from mapper.services.areas import Area, check, read_area
from mapper.services.intake import today
from mapper.services.stock_view import StockOverview, overview
from mapper.web.accounts import csrf, reader
from mapper.web.api import asked_day, asked_for, first_set
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.stock_words import LEDGER_HEAD, entry_row, ledger_rows, sentence
from mapper.web.wanted import keep_private

FIELDS = {names[0]: column for column, names in COLUMNS.items() if column != "undoes"}
"""What an entry may tell, by its name in JSON: the first names of the columns of a table."""

MOST_AT_ONCE = 5_000
"""Entries of one request."""

stock_api = Blueprint("stock_api", __name__, url_prefix="/api/stock")


@stock_api.before_request
def _guard() -> None:
    reader()  # before anything is said of what was asked
    given = request.authorization
    if request.method == "POST" and (given is None or given.type != "bearer"):
        csrf.protect()  # the blueprint is exempt, since a program's token needs no such thing


@stock_api.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


def _of_program() -> tuple[StockOverview, Area | None]:
    area = read_area(request.args.get("area", ""))
    set_id = request.args.get("set", "") or first_set()
    campaign = asked_for(request.args, "campaign")
    day = asked_day(request.args)
    check(installation().reference, reader(), set_id, area, day)
    return overview(installation().reference, reader(), campaign, set_id, day, area, None), area


@stock_api.get("")
def balances() -> Response:
    """Lots by store with doses, expiry and what will probably not be used; what was promised; use and waste.

    ``campaign``, ``set``, ``area`` as ``level:code`` and ``date`` choose; a user sees the stores of their area.
    ``store_set`` is the set that a store was named in, "" of a site; one of another set than ``set`` is written with
    that, as ``SET/LEVEL:CODE``.
    """
    found, area = _of_program()
    return jsonify(
        campaign=found.campaign.id,
        set=found.places.id,
        date=asked_day(request.args).isoformat(),
        area=str(area or ""),
        lots=[
            {
                "store": one.where.key,
                "store_set": one.where.store.set_id,
                "name": one.where.name,
                "within": one.where.around,
                "formulation": one.formulation,
                "lot": one.lot,
                "expiry": one.expiry.isoformat() if one.expiry else None,
                "doses": one.doses,
                "vial_doses": one.vial_doses,
                "use_first": one.first,
                "expired": one.expired,
                "unused_at_expiry": one.unused,
            }
            for one in found.lines
        ],
        promised=[
            {
                "store": one.where.key,
                "formulation": one.formulation,
                "allocated": one.allocated,
                "received": one.received,
            }
            for one in found.promises
        ],
        use={
            code: {
                "received": one.received,
                "used": one.used,
                "wasted_open": one.wasted_open,
                "wasted_closed": one.wasted_closed,
                "a_day": round(one.a_day, 3),
                "use_rate": one.use_rate,
                "open_waste": one.open_waste,
                "closed_waste": one.closed_waste,
            }
            for code, one in found.use.items()
        },
        warnings=[{"grade": one.grade.name.lower(), "sentence": sentence(one, found)} for one in found.warnings],
    )


@stock_api.get("/entries")
def entries() -> Response:
    """The ledger's entries of the same stores, the oldest first."""
    found, _ = _of_program()
    return jsonify(entries=[_plain(row) for row in ledger_rows(found)])


@stock_api.post("/entries")
def enter() -> tuple[Response, int]:
    """Enter what came, went or was counted: an entry as a JSON object, or a list of which all are taken or none.

    ``campaign`` and ``set`` choose as above; fields are named like the columns of a table, ``to_store`` for a move. 201
    with the entries and their numbers. What stands in the ledger already is 409 and names the entry, so that whoever
    got no answer may send again; of a list each wrong entry is told, counted from 1, with 400.
    """
    told = _body()
    several = told if isinstance(told, list) else [told]
    place = asked_for(request.args, "campaign"), request.args.get("set", "") or first_set()
    reference, user = installation().reference, reader()
    if not isinstance(told, list):
        entry = service.enter(reference, user, *place, read_stock_row(_fields(told)), today())
        return jsonify(entries=[_plain(entry_row(entry, entry.store.set_id))]), 201
    if not 1 <= len(several) <= MOST_AT_ONCE:
        raise InvalidInput(mark("Send 1 to {most} entries at once."), most=MOST_AT_ONCE)
    rows: list[StockRow] = []
    faults: list[RowFault] = []
    for number, one in enumerate(several, start=1):
        try:
            rows.append(read_stock_row(_fields(one), number))
        except MapperError as problem:
            faults.append(RowFault(number, problem.message, problem.facts))
    done = service.enter_all(reference, user, *place, rows, today(), faults)
    if done.faults:
        message = say(
            "Nothing was entered: {number} entries are wrong. Mend them and send all again.", number=len(done.faults)
        )
        wrong = [{"entry": one.row, "message": say(one.message, **one.facts)} for one in done.faults]
        return jsonify(error={"status": 400, "message": message, "entries": wrong}), 400
    return jsonify(entries=[_plain(entry_row(one, one.store.set_id)) for one in done.entries]), 201


@stock_api.post("/entries/<int:number>/undo")
def undo(number: int) -> tuple[Response, int]:
    """Take an entry back by one that counts the other way; the body may tell why: ``{"document": "..."}``."""
    told = _body() if request.get_data() else {}
    document = told.get("document", "") if isinstance(told, dict) else ""
    if not isinstance(told, dict) or told.keys() - {"document"} or not isinstance(document, str):
        raise InvalidInput(mark("An entry is a JSON object of these fields: {fields}."), fields="document")
    set_id = request.args.get("set", "") or first_set()
    service.undo(installation().reference, reader(), set_id, number, document, today())
    return jsonify(undone=number), 201


def _body() -> Any:
    try:
        return json.loads(request.get_data() or b"null")
    except ValueError:
        raise InvalidInput(mark("What was sent is no JSON. Correct it and send it again.")) from None


def _fields(told: Any) -> dict[str, str]:
    """An entry's fields as a table's cells. Raises InvalidInput for what is none, or a field that nobody knows."""
    if not isinstance(told, dict) or told.keys() - FIELDS.keys():
        raise InvalidInput(mark("An entry is a JSON object of these fields: {fields}."), fields=", ".join(FIELDS))
    found = {}
    for name, value in told.items():
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise InvalidInput(mark("The field {field} of an entry is a text or a whole number."), field=name)
        found[FIELDS[name]] = "" if value is None else str(value)
    return found


def _plain(row: Sequence[Value]) -> dict[str, Any]:
    """An entry as JSON has it, named like the columns of the ledger."""
    named = dict(zip(LEDGER_HEAD, row, strict=False))
    return {name: str(cell) if isinstance(cell, date) else cell for name, cell in named.items()}
