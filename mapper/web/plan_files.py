"""Files of a plan to print, to take along on a phone and to put into a calendar: made at once, or while a page waits.

What answers is imported when somebody asks: it is heavy, and a server starts without it.
"""

from __future__ import annotations

import secrets
from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.errors import InvalidInput, Unavailable, mark
from mapper.services import plans, reporting
from mapper.services.asked_files import PLAN, Noted, elsewhere
from mapper.services.background import Progress, Stage
from mapper.services.files_to_fetch import Made, folder_of
from mapper.web.accounts import only_for, reader
from mapper.web.follow_up import FONTS
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language
from mapper.web.outside import outside
from mapper.web.wanted import keep_private

if TYPE_CHECKING:
    from mapper.services.plan_files import Wish

AT_ONCE = 5_000
"""So many people at most are written while the reader waits."""

FRESH_S = 60
RETRY_S = 2

plan_files = Blueprint("plan_files", __name__)
_only_for_readers = only_for(*READERS)


@plan_files.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@plan_files.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


@plan_files.get("/plans/<int:number>/files/<kind>")
def fetch(number: int, kind: str) -> AnyResponse:
    """A file of a plan, as far as the reader may see it.

    ``kind``: sheets.pdf (a sheet a site and day, and of visits), team-days.pdf, plan.xlsx, plan.geojson, plan.kml,
    plan.gpx, plan.ics. ``site``, ``team``, ``day``: only of these. Where very many people are in it, a browser is led
    to the page of its reader's files, and a program answered 202 with ``Retry-After``.
    """
    from mapper.services.plan_files import MEDIA_TYPES, WITH_NAMES, file_name, write

    here, user, wish = installation(), reader(), _wish(number, kind)
    line = plans.line(here.reference, user, number)
    many = kind in WITH_NAMES and not wish.asked.site and int(line.summary.get("served", 0)) > AT_ONCE
    if many:
        return _while_waiting(number, wish, line.row.told_at)
    content = write(here.reference, user, number, wish)
    response = Response(content, mimetype=MEDIA_TYPES[kind])
    shown = "inline" if kind.endswith(".pdf") else "attachment"
    response.headers.set("Content-Disposition", shown, filename=file_name(number, wish))
    return response


def _wish(number: int, kind: str) -> Wish:
    """What file this address asks for. Raises InvalidInput for what is no day, or a name that is not understood."""
    from mapper.services.plan_files import Wish
    from mapper.services.plan_told import Asked

    args = request.args
    unknown = sorted(set(args) - {"site", "team", "day", "lang"})
    if unknown:
        raise InvalidInput(
            mark("A file of a plan knows no {name}. It may be asked for by site, team and day."), name=unknown[0][:40]
        )
    told = args.get("day", "")
    try:
        day = date.fromisoformat(told) if told else None
    except ValueError:
        raise InvalidInput(mark("{date} is not a day. Write it as 2022-08-31."), date=told[:40]) from None
    here = installation()
    asked = Asked(args.get("site", ""), args.get("team", ""), day)
    return Wish(kind, asked, chosen_language(), here.settings.project_name, outside("plans.show", number=number), FONTS)


def _while_waiting(number: int, wish: Wish, told_at: str) -> AnyResponse:
    """The file, where it is written already; else where it is waited for."""
    from mapper.services.plan_files import MEDIA_TYPES, check, file_name, write_counted

    here, user = installation(), reader()
    name, media_type = file_name(number, wish), MEDIA_TYPES[wish.kind]
    query = {PLAN: [str(number)], "kind": [wish.kind]} | {key: [value] for key, value in request.args.items()}
    language = chosen_language()
    noted = Noted(here.reference, user, name, media_type, query, language)
    key = PLAN, number, wish, user.id, user.areas, user.role

    def make(told: Progress) -> Made:
        told(0.0)
        content, people = write_counted(here.reference, user, number, wish)
        path = folder_of(here.reference) / f"{secrets.token_hex(16)}{name[-5:]}"
        path.write_bytes(content)
        return Made(path, people)

    def work(progress: Progress) -> Made:
        return noted.follow(make, progress, lambda: here.exports.stop(key))

    version = told_at, reporting.version(here.reference)
    standing = here.exports.look(key)
    told = None
    if standing is None:
        check(here.reference, user, number, wish)
        told = elsewhere(here.reference, user, name, query, language, FRESH_S)  # asked of another process before
    gone = standing is not None and standing.made is not None and not standing.made.path.exists()
    version, fresh_s = (object(), 0) if gone else (version, FRESH_S)  # type: ignore[assignment]
    if told is not None and told.stage is not Stage.STOPPED:
        standing = told
    else:
        standing = here.exports.ask(key, version, work, fresh_s, taken=noted.waits)
    if standing.stage is Stage.DONE and standing.made is not None:
        return send_file(standing.made.path.resolve(), media_type, as_attachment=True, download_name=name, etag=False)
    if standing.stage is Stage.BUSY:
        raise Unavailable(mark("Many files are waiting on the server. Try again in a minute."))
    if standing.stage is Stage.FAILED:
        raise Unavailable(mark("The file could not be written. Try again in a minute."))
    if request.authorization is None and request.accept_mimetypes.accept_html:
        return redirect(url_for("exports.files"), 303)
    response = jsonify(stage=standing.stage, share=round(standing.share, 3))
    response.status_code = 202
    response.headers["Retry-After"] = str(RETRY_S)
    return response
