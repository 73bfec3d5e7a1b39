"""The map for the wall: an A3 sheet on the screen, to print from there or to take as a PDF."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain import level_words
from mapper.domain.roles import READERS
from mapper.domain.wall_labels import LINE
from mapper.domain.wall_map import FRAME, HATCHES, HEIGHT, MARGIN, WIDTH, Row, Sheet
from mapper.errors import NotFound, TooLarge, mark
from mapper.services import wall
from mapper.services.questions import HAMLET
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.behind import Behind
from mapper.web.filter_layer import FILTER, handed_on
from mapper.web.follow_up import FONTS
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

POINT_MM = 25.4 / 72
"""A point of type in millimetres, in which the picture on the screen is drawn."""

wall_map = Blueprint("wall", __name__)
_only_for_readers = only_for(*READERS)


@wall_map.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@wall_map.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@wall_map.get("/map/print")
def page() -> str | tuple[str, int]:
    """The sheet as the printer will have it, with what it is to show."""
    asked = ask()
    if asked is None:
        return render_template("wall.html", asked=None)
    on_the_map = handed_on(asked.notices)
    told = {"asked": asked, "levels": _levels(asked), "level": _level(asked), "of_the_map": on_the_map}
    if FILTER in on_the_map:
        here = urlencode({name: asked.state[name] for name in ("set", "date")})
        told["left_out"] = f"{url_for('lists.page')}?{on_the_map[FILTER]}&{here}"
    try:
        sheet = _sheet(asked)
    except TooLarge as problem:
        return render_template("wall.html", **told, problem=say(problem)), 413
    layout = {"width": WIDTH, "height": HEIGHT, "margin": MARGIN, "frame": FRAME, "line": LINE, "point": POINT_MM}
    drawn = {"sheet": sheet, "hatches": HATCHES, "layout": layout, "query": _query(asked), "leads": _leads(asked)}
    return render_template("wall.html", **told, **drawn)


@wall_map.get("/map/print.pdf")
def printed() -> Response:
    """The same sheet as PDF."""
    asked = ask_for_file()
    if asked is None:
        raise NotFound(
            mark("There is nothing to show yet: publish a campaign's forms and import a boundary set first.")
        )
    response = Response(wall.wall_pdf(_sheet(asked), FONTS), mimetype="application/pdf")
    where = asked.state["area"].replace(":", "-") or asked.state["set"]
    name = "-".join(("map", where, asked.state["date"]))
    response.headers.set("Content-Disposition", "inline", filename=f"{name}.pdf")
    return response


def _sheet(asked: Asked) -> Sheet:
    here = installation()
    foot = " · ".join((here.settings.project_name, asked.boundary_set["label"]))
    question, language = asked.question(_level(asked)), chosen_language()
    return wall.wall_sheet(here.reference, reader(), question, asked.area, asked.area_name, language, foot, FONTS)


def _leads(asked: Asked) -> Callable[[Row, str], str | None]:
    """Where the numbers of a line of the table lead."""
    behind, level = Behind(asked), _level(asked)
    return lambda row, state: behind.place(level, row.code, row.parent, state=state)


def _levels(asked: Asked) -> list[tuple[str, str]]:
    """The levels that an area can be drawn by: those within it."""
    levels = [*asked.boundary_set["levels"], HAMLET]
    if asked.area is not None and asked.area.level in levels:
        levels = levels[levels.index(asked.area.level) + 1 :] or [HAMLET]
    return [(level, say(level_words.MANY[level])) for level in levels]


def _level(asked: Asked) -> str:
    """The level asked for; else hamlets of a commune, and the innermost units of anything larger."""
    levels = [level for level, _ in _levels(asked)]
    if request.args.get("level") in levels:
        return request.args["level"]
    return levels[-2] if len(levels) > 1 else levels[-1]


def _query(asked: Asked) -> str:
    return url_for("wall.printed", **asked.query(level=_level(asked)))  # type: ignore[arg-type]
