"""The page of epidemic levels: which commune stands where, entering a level, taking levels from a table."""

from __future__ import annotations

from flask import Blueprint, Response, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.epidemic import LEVELS
from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, TooLarge, mark
from mapper.formats.level_table import LevelColumns, RowFault
from mapper.services import epidemic as levels
from mapper.services.intake import today
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.uploads import content

FAULTS = 20
"""Faulty rows told at once; the others after these are mended."""

AT_ONCE = 100
"""Communes shown on a page."""

MOST_OFFERED = 300
"""Of more communes none is offered by itself in the form: an area is chosen, or one looked for, first."""

LONGEST_SEARCH = 80

epidemic = Blueprint("epidemic", __name__)
_only_for_readers = only_for(*READERS)


@epidemic.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@epidemic.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@epidemic.get("/epidemic-levels")
def page() -> str:
    """Communes with their levels on a day, a form for one commune, one for a table, and what was entered."""
    return _page()


def _page(problem: MapperError | None = None, faults: tuple[RowFault, ...] = ()) -> str:
    asked = ask({**request.args, **request.form} if request.method == "POST" else None)
    if asked is None:
        return render_template("epidemic.html", asked=None)
    find, unit = (request.args.get(name, "").strip()[:LONGEST_SEARCH] for name in ("find", "unit"))
    found = levels.overview(installation().reference, reader(), asked.state["set"], asked.day, asked.area, find, unit)
    pages = max(1, -(-len(found.units) // AT_ONCE))
    page = max(1, min(whole(request.args.get("page", "1")) or 1, pages))
    return render_template(
        "epidemic.html",
        asked=asked,
        found=found,
        find=find,
        shown=found.units[(page - 1) * AT_ONCE : page * AT_ONCE],
        page=page,
        pages=pages,
        at_once=AT_ONCE,
        offered=found.may_set if len(found.may_set) <= MOST_OFFERED else [],
        levels=LEVELS,
        set_names={one["id"]: one["name"] for one in asked.sets},
        problem=say(problem) if problem is not None else None,
        faults=[(fault.row, say(fault.message, **fault.facts)) for fault in faults[:FAULTS]],
        more_faults=max(0, len(faults) - FAULTS),
        typed=request.form,
        told=get_flashed_messages(),
    )


@epidemic.post("/epidemic-levels")
def enter() -> AnyResponse | tuple[str, int]:
    """Enter the level of one commune, or of all of a district."""
    typed = request.form
    try:
        number = levels.enter(
            installation().reference,
            reader(),
            typed.get("set", ""),
            typed.get("unit", ""),
            typed.get("level", ""),
            typed.get("from", ""),
            typed.get("source", ""),
            today(),
        )
    except InvalidInput as problem:
        return _page(problem), 400
    flash(mark("The level is entered.") if number == 1 else say("{number} levels are entered.", number=number))
    return _back()


@epidemic.post("/epidemic-levels/import")
def take() -> AnyResponse | tuple[str, int]:
    """Enter the levels of a table."""
    typed, file = request.form, request.files.get("file")
    chosen = {name: typed.get(f"column_{name}", "").strip() or None for name in LevelColumns.__dataclass_fields__}
    try:
        if file is None or not file.filename:
            raise InvalidInput(mark("Choose a file: CSV or XLSX."))
        done = levels.import_table(
            installation().reference,
            reader(),
            typed.get("set", ""),
            file.filename,
            content(file),
            today(),
            LevelColumns(**chosen),
            typed.get("from", ""),
            typed.get("source", ""),
        )
    except (InvalidInput, TooLarge) as problem:
        return _page(problem), 413 if isinstance(problem, TooLarge) else 400
    if done.faults:
        return _page(None, done.faults), 400
    flash(say("{number} levels are entered.", number=done.entered))
    for finding in done.findings:
        flash(say(finding.message, **dict(finding.facts)))
    return _back()


def _back() -> AnyResponse:
    chosen = {name: request.form[name] for name in ("campaign", "set", "date", "area") if request.form.get(name)}
    return redirect(url_for("epidemic.page", **chosen))  # type: ignore[arg-type]
