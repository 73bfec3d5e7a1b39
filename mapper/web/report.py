"""The daily report: a page, and the same as PDF, Word and Excel files; of one area, or of every unit in it."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.errors import NotFound, mark
from mapper.formats.paper import numbered
from mapper.services import daily_report
from mapper.services.daily_report import DailyReport
from mapper.services.questions import HAMLET
from mapper.services.report_files import MEDIA_TYPES, write_reports
from mapper.services.report_words import Issuer, paper
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.behind import Behind
from mapper.web.file_set import in_name
from mapper.web.follow_up import FONTS
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language

ISSUER = ("above", "body", "number", "place")
LONGEST = 120

report = Blueprint("report", __name__)
_only_for_readers = only_for(*READERS)


@report.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@report.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _issuer() -> Issuer:
    return Issuer(**{name: " ".join(request.args.get(name, "").split())[:LONGEST] for name in ISSUER})


def _levels(asked: Asked) -> list[str]:
    """Levels of which every unit of the area can have a report of its own, the innermost first."""
    levels = list(asked.boundary_set["levels"])
    if asked.area is not None:
        inner = levels.index(asked.area.level) + 1 if asked.area.level in levels else len(levels)
        levels = levels[inner:]
    return levels[::-1]


@report.get("/report")
def page() -> str:
    """The report of the area and day asked for."""
    asked = ask()
    if asked is None:
        return render_template("report.html", asked=None)
    here, issuer = installation(), _issuer()
    found = daily_report.report(here.reference, reader(), asked.question(), asked.area)
    told = {name: getattr(issuer, name) for name in ISSUER if getattr(issuer, name)}
    return render_template(
        "report.html",
        asked=asked,
        paper=paper(found, chosen_language(), issuer, datetime.now(UTC), here.sample),
        issuer=issuer,
        query=asked.query(level=None) | told,
        levels=_levels(asked),
        kinds=tuple(MEDIA_TYPES),
        numbered=numbered,
        behind=Behind(asked),
    )


@report.get("/report.<kind>")
def file(kind: str) -> Response:
    """The same as a file; with ``each=LEVEL`` the reports of all units of that level in the area, one after another."""
    asked = ask_for_file()
    if asked is None or kind not in MEDIA_TYPES:
        raise NotFound(mark("There is nothing at this address."))
    here, user, each = installation(), reader(), request.args.get("each", "")
    if each and each not in _levels(asked):
        raise NotFound(mark("There is no level {level} in this area. Choose one of the page."), level=each[:40])
    made: list[DailyReport]
    if each:
        made = daily_report.reports(here.reference, user, asked.question(each), asked.area)
    else:
        made = [daily_report.report(here.reference, user, asked.question(HAMLET), asked.area)]
    if not made:
        raise NotFound(mark("Nobody was visited here, so there is no report. Choose another area."))
    language, now = chosen_language(), datetime.now(UTC)
    papers = [paper(one, language, _issuer(), now, here.sample) for one in made]
    content = write_reports(
        here.reference,
        user,
        kind,
        papers,
        language,
        here.settings.project_name,
        FONTS,
        {"campaign": asked.state["campaign"], "day": asked.day, "set": asked.state["set"]},
        str(asked.area or "-"),
    )
    response = Response(content, mimetype=MEDIA_TYPES[kind])
    parts = (
        "report",
        asked.state["area"].replace(":", "-") or "all",
        each,
        *in_name(asked.state["set"]),
        asked.day.isoformat(),
    )
    name = "-".join(part for part in parts if part)
    response.headers.set("Content-Disposition", "inline" if kind == "pdf" else "attachment", filename=f"{name}.{kind}")
    return response
