"""The page of the vaccine stock: what is where, what to look at first, and what came, went and was counted."""

from __future__ import annotations

from flask import Blueprint, Response, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import OVERSEERS, READERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, NotFound, TooLarge, mark
from mapper.formats.level_table import RowFault
from mapper.formats.register_file import MEDIA_TYPES, write_list
from mapper.formats.stock_table import read_stock_row
from mapper.services import stock as service
from mapper.services.intake import today
from mapper.services.stock_view import LATELY, StockOverview, overview
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.file_set import heads, in_name, with_set
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.stock_words import (
    BALANCE_HEAD,
    COMES,
    GOES,
    KINDS,
    LEDGER_HEAD,
    REASONS,
    balance_rows,
    fault,
    ledger_rows,
    sentence,
)
from mapper.web.uploads import content

FAULTS = 20
"""Faulty rows told at once; the others after these are mended."""

MOST_OFFERED = 400
"""Of more stores, or lots, none is offered in the forms: an area is chosen first."""

PLACE = ("campaign", "set", "date", "area")

stock = Blueprint("stock", __name__)
_only_for_readers = only_for(*READERS)


@stock.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@stock.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@stock.get("/stock")
def page() -> str:
    """Balances by store and lot, warnings first, forms to enter, and the ledger's lines."""
    return _page()


def _page(problem: MapperError | None = None, faults: tuple[RowFault, ...] = ()) -> str:
    asked = ask({**request.args, **request.form} if request.method == "POST" else None)
    if asked is None:
        return render_template("stock.html", asked=None)
    found = _found(asked)
    return render_template(
        "stock.html",
        asked=asked,
        found=found,
        kinds=KINDS,
        reasons=REASONS,
        comes=COMES,
        goes=GOES,
        lately=LATELY,
        stores=found.stores if len(found.stores) <= MOST_OFFERED else (),
        lots=found.own_lines if len(found.own_lines) <= MOST_OFFERED else [],
        overseer=reader().role in OVERSEERS,
        warnings=[(one.grade, sentence(one, found)) for one in found.warnings],
        problem=say(problem) if problem is not None else None,
        faults=[fault(one) for one in faults[:FAULTS]],
        more_faults=max(0, len(faults) - FAULTS),
        typed=request.form,
        today=today(),
        told=get_flashed_messages(),
    )


def _found(asked: Asked, everything: bool = False) -> StockOverview:
    at = asked.state
    limit = {"limit": None} if everything else {}
    return overview(installation().reference, reader(), at["campaign"], at["set"], asked.day, asked.area, **limit)


@stock.post("/stock")
def enter() -> AnyResponse | tuple[str, int]:
    """Enter what came to a store, went from it, or was counted there."""
    typed = request.form
    amount = typed.get("amount", "")
    fields = {name: typed.get(name, "") for name in ("day", "document", "expiry", "store", "formulation", "lot")}
    fields |= {"vials" if typed.get("unit") == "vials" else "doses": amount, "other": typed.get("other", "")}
    fields["kind"], _, fields["reason"] = typed.get("what", "").partition(":")
    if "line" in typed:
        fields["store"], _, rest = typed["line"].partition("|")
        fields["formulation"], _, fields["lot"] = rest.partition("|")
    try:
        row = read_stock_row(fields)
        reference, place = installation().reference, (typed.get("campaign", ""), typed.get("set", ""))
        entry = service.enter(reference, reader(), *place, row, today())
    except MapperError as problem:
        return _page(problem), 400
    flash(say("Entry {number} is in the ledger.", number=entry.seq))
    return _back()


@stock.post("/stock/undo")
def undo() -> AnyResponse | tuple[str, int]:
    """Take an entry back by one that counts the other way."""
    typed = request.form
    try:
        told = typed.get("number", "")
        number = whole(told)
        if number is None:
            raise NotFound(mark("The ledger has no entry {number}."), number=told[:20] or "–")
        service.undo(
            installation().reference, reader(), typed.get("set", ""), number, typed.get("document", ""), today()
        )
    except MapperError as problem:
        return _page(problem), 400
    flash(say("Entry {number} is undone by one that counts the other way.", number=number))
    return _back()


@stock.post("/stock/import")
def take() -> AnyResponse | tuple[str, int]:
    """Enter the rows of a table."""
    typed, file = request.form, request.files.get("file")
    try:
        if file is None or not file.filename:
            raise InvalidInput(mark("Choose a file: CSV or XLSX."))
        place = typed.get("campaign", ""), typed.get("set", "")
        done = service.import_table(installation().reference, reader(), *place, file.filename, content(file), today())
    except MapperError as problem:
        return _page(problem), 413 if isinstance(problem, TooLarge) else 400
    if done.faults:
        return _page(None, done.faults), 400
    flash(say("{number} entries are in the ledger.", number=done.entered))
    return _back()


def _back() -> AnyResponse:
    chosen = {name: request.form[name] for name in PLACE if request.form.get(name)}
    return redirect(url_for("stock.page", **chosen), 303)  # type: ignore[arg-type]


@stock.get("/stock/<what>.<kind>")
def file(what: str, kind: str) -> Response:
    """The balances, or the whole ledger, for spreadsheets."""
    if what not in ("balances", "ledger") or kind not in MEDIA_TYPES:
        raise NotFound(mark("There is nothing at this address."))
    asked = ask_for_file()
    if asked is None:
        raise NotFound(mark("No campaign is published yet."))
    found = _found(asked, everything=True)
    if what == "ledger":
        content = write_list(kind, LEDGER_HEAD, ledger_rows(found), "ledger")
    else:
        head = [*(say(one) for one in BALANCE_HEAD), *heads(asked.state["set"])]
        content = write_list(kind, head, with_set(balance_rows(found), asked.state["set"], asked.day), "stock")
    answer = Response(content, content_type=MEDIA_TYPES[kind])
    set_id, day = asked.state["set"], asked.state["date"]
    name = "-".join((what, asked.state["campaign"], *in_name(set_id), day))
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
