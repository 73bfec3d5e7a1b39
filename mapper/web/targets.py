"""The page of targets: where an area stands, the ranking of its units, who answers for them; and the same as files."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, flash, get_flashed_messages, redirect, render_template, request
from flask import url_for as address_of
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain import level_words
from mapper.domain.ranges import Range, ShareRange
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import InvalidInput, MapperError, NotFound, TooLarge, mark
from mapper.formats.cells import harmless
from mapper.services import responsible, target_setting
from mapper.services.areas import read_area
from mapper.services.figure_rows import UnitFigures
from mapper.services.goals import HAMLET_LEVEL
from mapper.services.hot_spots import shrunken
from mapper.services.ranking import FEW_PEOPLE, Band
from mapper.services.target_words import VERDICTS, TargetWords
from mapper.services.targets import RankedUnit, levels_within, targets
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.behind import Behind
from mapper.web.file_set import heads, in_name, with_set
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.uploads import content

LISTED = 100
"""Units of a band shown at once; all of them with ``?all=1``."""

LEVELS = level_words.ONE
"""Words for levels; one that is not usual shows as its set calls it."""

BANDS = {
    Band.JUDGED: mark("Half of the houses visited or more, lowest coverage first"),
    Band.THIN: mark("Hardly visited (under half of the houses): figures that say little"),
    Band.EMPTY: mark("No data yet"),
    Band.LOST: mark("Households that belong to no place of this level"),
}

HEAD = (
    mark("Place"),
    mark("Within"),
    mark("Level"),
    mark("Code"),
    mark("Order"),
    mark("Vaccinated"),
    mark("Eligible"),
    mark("Coverage"),
    mark("Worst case"),
    mark("Best case"),
    mark("Target"),
    mark("Verdict"),
    mark("Still needed"),
    mark("Deadline"),
    mark("Needed a day"),
    mark("Can be vaccinated by the deadline"),
    mark("Highest coverage by the deadline"),
    mark("Pace, people a day"),
    mark("Reached on"),
    mark("Due now"),
    mark("Houses visited"),
    mark("Houses expected"),
    mark("Responsible"),
    mark("Office"),
)
RANGES = (
    mark("Vaccinated, at most"),
    mark("Eligible, at most"),
    mark("Coverage, at least"),
    mark("Coverage, at most"),
    mark("Houses expected, at most"),
)
"""More columns, where of some people nobody can tell in which of several places they are."""

LIST_HEAD = ("level", "code", "place", "name", "position", "phone")
"""Columns of the list to fill in; in Vietnamese as ``formats.responsible_list`` reads them too."""
LIST_HEAD_VI = ("cấp", "mã", "nơi", "họ tên", "chức vụ", "điện thoại")

target_pages = Blueprint("targets", __name__)
_only_for_readers = only_for(*READERS)


@target_pages.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@target_pages.after_request
def _keep_private(response: Response) -> Response:
    """Names and telephone numbers stand here: no copy stays in the browser."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


@target_pages.get("/targets")
def page() -> str:
    """One sentence, every group and dose of the area, and the ranking of its units."""
    return _page()


def _page(problem: MapperError | None = None) -> str:
    asked = ask(request.values)
    if asked is None:
        return render_template("targets.html", asked=None)
    reference, user = installation().reference, reader()
    level, levels = _level(asked)
    whole = bool(request.values.get("all"))
    found = targets(reference, user, asked.question(level), asked.area, None if whole else LISTED)
    series, behind = _series(asked.state), Behind(asked)
    return render_template(
        "targets.html",
        asked=asked,
        found=found,
        words=TargetWords(chosen_language()),
        verdicts=VERDICTS,
        level=level,
        levels=levels,
        level_words=LEVELS,
        bands=BANDS,
        few=FEW_PEOPLE,
        shrunken=shrunken(found.answer) if level == HAMLET_LEVEL else {},
        within=_addresses("targets.page", asked),
        people_of=lambda one: partial(_behind, behind, level, one.figures, "state"),
        people_of_series=lambda one: lambda state: behind.total(group=one.group.code, dose=one.dose.code, state=state),
        houses_of=lambda one: partial(_behind, behind, level, one.figures, "houses"),
        own=target_setting.own_goal(reference, *series, found.place),
        elsewhere=target_setting.set_elsewhere(reference, user, series, asked.state["set"]),
        carried_from=target_setting.carried_from(reference, series, asked.state["set"]),
        set_names={one["id"]: one["label"] for one in asked.sets},
        may_set=target_setting.may_set(reference, user, found.place),
        may_name=responsible.may_name(reference, user, found.place),
        may_list=user.role in OVERSEERS,
        phones=user.role in OVERSEERS,
        told=get_flashed_messages(),
        problem=say(problem) if problem else "",
        typed=request.form,
    )


def _level(asked: Asked) -> tuple[str, list[str]]:
    """The level that is ranked, and those that can be: by itself the first in which there is something to compare."""
    levels = levels_within(asked.boundary_set["levels"], asked.area)
    wish = request.values.get("level")
    if wish in levels:
        return str(wish), levels
    if asked.area is not None:
        return levels[0], levels
    count = Counter(choice.area.level for choice in asked.choices)
    return next((level for level in levels if count[level] > 1), levels[-1]), levels


def _series(parts: Any) -> tuple[str, str, str]:
    return parts.get("campaign", ""), parts.get("group", ""), parts.get("dose", "")


def _behind(behind: Behind, level: str, unit: UnitFigures, what: str, counted: str) -> str | None:
    """Address of a unit's people of a state, or of its houses."""
    return behind.unit(level, unit, **{what: counted})


def _addresses(endpoint: str, asked: Asked, **other: str) -> Callable[[RankedUnit], str | None]:
    """The address of a page about each unit, the rest of the question as it is; None where there is none.

    Joined by hand: a page has hundreds of them.
    """
    if endpoint not in current_app.view_functions:
        return lambda unit: None
    start = address_of(endpoint, **asked.query(area=None, level=None, **other))  # type: ignore[arg-type]
    return lambda unit: f"{start}&area={quote(str(unit.area), safe='')}" if unit.area is not None else None


@target_pages.get("/targets.csv")
def ranking_file() -> Response:
    """The whole ranking as a table for spreadsheets."""
    asked = ask_for_file()
    if asked is None:
        raise NotFound(mark("No campaign is published yet."))
    level, _ = _level(asked)
    found = targets(installation().reference, reader(), asked.question(level), asked.area)
    units = [one for band in found.ranking.values() for one in band.units]
    rows = [_row(one, level) for one in units]
    head = [say(each) for each in HEAD]
    if any(one.figures.ranges for one in units):
        head += map(say, RANGES)
        rows = [(*row, *_range(one.figures)) for row, one in zip(rows, units, strict=True)]
    state = asked.state
    set_id, day = state["set"], asked.day.isoformat()
    parts = ("targets", state["campaign"], state["group"], state["dose"], level, *in_name(set_id), day)
    return _file([(*head, *heads(set_id)), *with_set(rows, set_id, day)], f"{'-'.join(parts)}.csv")


def _row(one: RankedUnit, level: str) -> tuple[str, ...]:
    unit, look, said = one.figures, one.outlook, one.figures.assessment
    words = TargetWords(chosen_language())
    states = {state.value: people for state, people in unit.states.items()}
    return (
        unit.name,
        one.above,
        say(LEVELS[level]),
        unit.code or "",
        _text(one.rank),
        str(states["vaccinated"]),
        str(unit.eligible),
        _decimal(said.coverage),
        _decimal(said.worst),
        _decimal(said.best),
        _decimal(look.goal.share),
        say(VERDICTS[look.verdict]) if look.verdict else "",
        _text(look.needed),
        look.goal.deadline.isoformat() if look.goal.deadline else "",
        words.at_least(look.per_day) if look.per_day is not None else "",
        str(look.at_deadline.due) if look.at_deadline else "",
        _decimal(look.at_deadline.highest if look.at_deadline else None),
        _decimal(look.pace.per_day if look.pace else None, 2),
        look.projected.isoformat() if look.projected else "",
        str(states["due"]),
        str(unit.houses.visited),
        _text(unit.houses.expected),
        one.responsible.name if one.responsible else "",
        one.responsible.position if one.responsible else "",
    )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _range(unit: UnitFigures) -> tuple[str, ...]:
    most = (unit.shown(name) for name in ("vaccinated", "eligible"))
    share = unit.coverage
    least, greatest = (share.least, share.most) if isinstance(share, ShareRange) else (share, share)
    expected = unit.expected
    return (
        *(str(one.most if isinstance(one, Range) else one) for one in most),
        _decimal(least),
        _decimal(greatest),
        _text(expected.most if isinstance(expected, Range) else expected),
    )


def _decimal(number: Any, places: int = 4) -> str:
    return "" if number is None else f"{float(number):.{places}f}"


def _file(rows: Iterable[tuple[str, ...]], name: str) -> Response:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    # Spreadsheets take the letters of a file by this sign.
    response = Response("\ufeff" + file.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@target_pages.post("/targets/target")
def set_target() -> AnyResponse | tuple[str, int]:
    """Give the area a target of its own, or take it back."""
    typed, user, reference = request.form, reader(), installation().reference
    try:
        area = read_area(typed.get("area", ""))
        if area is None:
            raise InvalidInput(mark("Choose the unit or hamlet first."))
        if typed.get("remove"):
            target_setting.remove_target(reference, user, _series(typed), typed.get("set", ""), area)
            flash(mark("The target of this place is taken back; the one around it holds again."))
        else:
            share, deadline = typed.get("target", ""), typed.get("deadline", "")
            target_setting.set_target(reference, user, _series(typed), typed.get("set", ""), area, share, deadline)
            flash(mark("The target of this place is saved, and holds at once on every page."))
    except InvalidInput as problem:
        return _page(problem), 400
    return _back()


@target_pages.post("/targets/responsible")
def name_responsible() -> AnyResponse | tuple[str, int]:
    """Say who answers for the area."""
    typed = request.form
    try:
        area = read_area(typed.get("area", ""))
        if area is None:
            raise InvalidInput(mark("Choose the unit or hamlet first."))
        responsible.name_responsible(
            installation().reference,
            reader(),
            typed.get("set", ""),
            area,
            typed.get("name", ""),
            typed.get("position", ""),
            typed.get("phone", ""),
        )
    except InvalidInput as problem:
        return _page(problem), 400
    flash(
        mark("Saved who is responsible here.") if typed.get("name", "").strip() else mark("Nobody is named here now.")
    )
    return _back()


@target_pages.get("/targets/responsible.csv")
def responsible_file() -> Response:
    """The list to fill in: every place of the area that the reader oversees, with who answers for it by now."""
    asked = ask_for_file()
    if asked is None:
        raise NotFound(mark("No campaign is published yet."))
    places = responsible.list_to_fill(installation().reference, reader(), asked.state["set"], asked.area)
    rows = [
        (one.level, one.code, one.name, *((who.name, who.position, who.phone) if who else ("", "", "")))
        for one in places
        for who in (one.responsible,)
    ]
    head = LIST_HEAD_VI if chosen_language() == "vi" else LIST_HEAD
    return _file([head, *rows], f"responsible-{asked.state['set']}.csv")


@target_pages.post("/targets/responsible-list")
def take_list() -> AnyResponse | tuple[str, int]:
    """Enter a list that was filled in."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise InvalidInput(mark("Choose the file first."))
        number = responsible.take_list(installation().reference, reader(), request.form.get("set", ""), content(file))
    except (InvalidInput, TooLarge) as problem:
        return _page(problem), 413 if isinstance(problem, TooLarge) else 400
    flash(say(mark("{number} responsible people are entered."), number=number))
    return _back()


def _back() -> AnyResponse:
    names = ("campaign", "group", "dose", "date", "set", "level", "area")
    kept = {name: request.form[name] for name in names if request.form.get(name)}
    return redirect(address_of("targets.page", **kept))  # type: ignore[arg-type]
