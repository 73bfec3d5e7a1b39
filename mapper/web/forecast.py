"""The page of the vaccine forecast: what falls due by when, in whole vials, beside stock and what was allocated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import InvalidQuestion, NotFound, mark
from mapper.formats.register_file import MEDIA_TYPES, Value, write_list
from mapper.services.areas import read_area
from mapper.services.background import Stage
from mapper.services.coming import BeingRead
from mapper.services.forecast import (
    MOST_SESSIONS,
    Forecast,
    ForecastQuestion,
    ForecastRow,
    VaccineNeed,
    forecast,
)
from mapper.services.forecast_json import forecast_json
from mapper.services.goals import HAMLET_LEVEL
from mapper.services.plan_figures import names_of
from mapper.services.reasons import level_within
from mapper.services.targets import levels_within
from mapper.web.accounts import only_for, reader
from mapper.web.api import asked_day, asked_for, first_set
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.behind import Behind
from mapper.web.file_set import heads, in_name, with_set
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.outside import with_asked
from mapper.web.targets import LEVELS

if TYPE_CHECKING:
    from mapper.services.background import Standing

AHEAD = 27
"""So many days are foreseen besides the first where nobody says: four weeks."""

TALL = 60
"""Pixels of the highest bar of the days."""

HEAD = (
    mark("Place"),
    mark("Code"),
    mark("Vaccine"),
    mark("Doses due on the first day"),
    mark("Doses due"),
    mark("Vials for the sessions"),
    mark("Vials with buffer"),
    mark("In stock, doses"),
    mark("Allocated, not received, doses"),
    mark("Over or missing, doses"),
    mark("Short on"),
    mark("Vials to order"),
    mark("Syringes"),
    mark("Diluent, vials"),
    mark("Safety boxes"),
)

forecasts = Blueprint("forecast", __name__)
_only_for_readers = only_for(*READERS)


@forecasts.before_request
def _guard() -> AnyResponse | None:
    return None if request.path.startswith("/api/") else _only_for_readers()


@forecasts.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@forecasts.get("/forecast")
def page() -> str:
    """Need by vaccine, week, day and place, beside stock; what to order; how the figures are made."""
    asked = ask()
    if asked is None:
        return render_template("forecast.html", asked=None)
    levels = levels_within(asked.boundary_set["levels"], asked.area)
    shared: dict[str, Any] = {"asked": asked, "levels": levels, "level_words": LEVELS, "most_sessions": MOST_SESSIONS}
    shared["with_asked"] = with_asked
    try:
        question = _question(asked)
        shared |= {"question": question}
        found = forecast(installation().reference, reader(), question)
    except InvalidQuestion as problem:
        return render_template("forecast.html", **shared, problem=say(problem))
    except BeingRead as waiting:
        standing: Standing[int] = waiting.standing
        return render_template("forecast.html", **shared, standing=standing)
    behind = Behind(asked)
    days = [question.first + timedelta(days=more) for more in range((question.last - question.first).days + 1)]
    # The first day holds all who have been waiting so far, and would leave no height to the others.
    most = max((found.total.by_day.get(one, 0) for one in days[1:]), default=0)
    bars = [
        (one, number, max(2 if number else 0, round(TALL * number / most)) if most else 0)
        for one in days[1:]
        for number in (found.total.by_day.get(one, 0),)
    ]
    own_row = any(one.code is None for one in found.rows)
    return render_template(
        "forecast.html",
        **shared,
        found=found,
        bars=bars,
        tall=TALL,
        outside=own_row,
        vials_by=next((one for one in reversed(levels) if one != HAMLET_LEVEL), ""),
        series=_series(found, asked),
        due_people=lambda group, dose: behind.total(
            group=group, dose=dose, state="due", date=question.first.isoformat()
        ),
        communes=_by_commune(found) if question.level == HAMLET_LEVEL else (),
        columns=[(one.formulation.code, one.formulation.label[chosen_language()]) for one in found.total.needs],
    )


def _by_commune(found: Forecast) -> list[tuple[str, int, list[ForecastRow]]]:
    """Hamlets under the communes of their list, each with its name and the doses due there; those of none come last."""
    names = names_of(installation().reference, found.places.id)
    hamlets = names.known.hamlets
    parts: dict[str, list[ForecastRow]] = {}
    for row in found.rows:
        parts.setdefault(hamlets[row.code].commune_code if row.code in hamlets else "", []).append(row)
    told = [(names.unit(code) if code else "", sum(row.due for row in rows), rows) for code, rows in parts.items()]
    return sorted(told, key=lambda one: (not one[0], one[0]))


def _series(found: Forecast, asked: Asked) -> list[tuple[str, str, int, list[tuple[str, str, int]]]]:
    """By dose: code, its name, doses due in the forecast, and what coverage says of each group: code, name, people."""
    names = {group["code"]: group["label"] for group in asked.campaign["groups"]}
    language = chosen_language()
    return [
        (
            dose,
            found.campaign.doses[dose][language],
            number,
            [(one.group, names.get(one.group, one.group), one.due) for one in found.coverage if one.dose == dose],
        )
        for dose, number in found.now_by_dose.items()
    ]


def _question(asked: Asked) -> ForecastQuestion:
    told = request.args
    first = _day(told.get("from", ""), asked.day)
    last = _day(told.get("to", ""), _ahead(first))
    levels = levels_within(asked.boundary_set["levels"], asked.area)
    level = told.get("level", "")
    if level not in levels:
        level = level_within(installation().reference, reader(), asked.state["set"], asked.area)
    at = asked.state
    return ForecastQuestion(
        at["campaign"], first, last, at["set"], asked.area, level, _sessions(), bool(told.get("follow"))
    )


def _day(text: str, usual: date) -> date:
    if not text:
        return usual
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidQuestion(mark("{date} is not a day. Write it as 2022-08-31."), date=text[:20]) from None


def _ahead(first: date) -> date:
    """The last day of a forecast from a day on, of which none is told."""
    return first + min(timedelta(days=AHEAD), date.max - first)


def _sessions() -> int:
    return whole(request.args.get("sessions", "1"), 99) or 0


@forecasts.get("/forecast/progress")
def progress() -> Response:
    """How far the reading of the people of this address is, for the page's script."""
    asked = ask()
    if asked is not None:
        try:
            forecast(installation().reference, reader(), _question(asked))
        except BeingRead as waiting:
            return jsonify(stage=waiting.standing.stage, share=round(waiting.standing.share, 3))
    return jsonify(stage=Stage.DONE, share=1)


@forecasts.get("/forecast.<kind>")
def file(kind: str) -> Response:
    """The need of every place and vaccine for spreadsheets."""
    if kind not in MEDIA_TYPES:
        raise NotFound(mark("There is nothing at this address."))
    asked = ask_for_file()
    if asked is None:
        raise NotFound(mark("No campaign is published yet."))
    found = forecast(installation().reference, reader(), _question(asked), wait=True)
    several = [(one, one.name or say("In no commune"), one.code or "") for one in found.rows]
    if found.larger:
        several.append((found.larger, say("Stores of larger units"), ""))
    several.append((found.total, say("Together"), ""))
    rows = [line for one, name, code in several for line in _lines(found, one, name, code)]
    set_id, asked_of = asked.state["set"], found.question
    head = [*(say(one) for one in HEAD), *heads(set_id)]
    content = write_list(kind, head, with_set(rows, set_id, asked_of.first), "forecast")
    answer = Response(content, content_type=MEDIA_TYPES[kind])
    days = asked_of.first.isoformat(), asked_of.last.isoformat()
    name = "-".join(("forecast", asked.state["campaign"], *in_name(set_id), *days))
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _lines(found: Forecast, row: ForecastRow, name: str, code: str) -> list[Sequence[Value]]:
    language = chosen_language()
    lines: list[Sequence[Value]] = [
        (name, code, need.formulation.label[language], need.now, *_figures(need)[: None if row.has_vials else 1])
        for need in row.needs
    ]
    if row.unknown:
        empty: list[Value] = [""] * (len(HEAD) - 5)
        lines.append((name, code, say("No vaccine of planning.toml"), row.unknown_now, row.unknown, *empty))
    return lines


def _figures(need: VaccineNeed) -> Sequence[Value]:
    goes = need.supplies
    return (
        need.due,
        need.vials,
        need.order,
        need.stock,
        need.promised,
        need.over,
        need.run.short_on,
        need.to_order,
        goes.syringes,
        goes.diluents,
        goes.safety_boxes,
    )


@forecasts.get("/api/forecast")
def of_program() -> Response:
    """Doses, vials and stock of every unit of a level, without names of people.

    ``campaign``; ``from`` (today) and ``to`` (four weeks on); ``set``, ``area`` as ``level:code``, ``level`` of the
    rows; ``sessions`` a week at each place; ``follow=1`` foresees the doses after those that fall due.
    """
    told = request.args
    area, user, reference = read_area(told.get("area", "")), reader(), installation().reference
    set_id = told.get("set", "") or first_set()
    first = _day(told.get("from", ""), asked_day({}))
    question = ForecastQuestion(
        asked_for(told, "campaign"),
        first,
        _day(told.get("to", ""), _ahead(first)),
        set_id,
        area,
        told.get("level", "") or HAMLET_LEVEL,
        _sessions(),
        bool(told.get("follow")),
    )
    return jsonify(forecast_json(forecast(reference, user, question)))
