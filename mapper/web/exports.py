"""Files of the people whom a filter wants: made at once where they are few, else in the background and then fetched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.people_filter import NAMES, read_filter
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import NotFound, Unavailable, mark
from mapper.services import reporting
from mapper.services.background import Progress, Stage, Standing
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language

if TYPE_CHECKING:
    from mapper.services.exporting import Made, Wish

AT_ONCE = 5000
"""So many people at most are written while the reader waits."""

FRESH_S = 600
"""So long a file that was made before will do while forms come in."""

RETRY_S = 2

ASKED = ("campaign", "set", "date", "lang", *sorted(NAMES))
"""What of an address tells whom a file holds."""

exports = Blueprint("exports", __name__)
_only_for_readers = only_for(*READERS)


@exports.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@exports.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@exports.get("/export/people.<kind>")
def people(kind: str) -> AnyResponse:
    """The people whom the address's filter wants as a file, a row each.

    ``kind``: xlsx, csv, and for those who oversee canvassers gpkg, parquet (GeoParquet), geojson, with the points of
    their houses. The address is that of the list: ``campaign``, ``set``, ``date`` and the filter's criteria. Where many
    are listed a browser is led to a page that shows how far the file is; a program that asks for JSON, or signs in with
    a token, is answered 202 with ``share`` and ``Retry-After``, and asks again.
    """
    from mapper.services.exporting import make
    from mapper.services.filtered import filtered
    from mapper.services.people_copy import NotReady

    wish, user, reference = _wish(kind), reader(), installation().reference
    try:
        with filtered(reference, user, wish.question) as found:
            few = found.count()[0] <= AT_ONCE
        if few:
            return _send(make(reference, user, wish), wish)
    except NotReady:
        pass
    standing = _made(wish)
    if standing.stage is Stage.DONE and standing.made is not None:
        return _send(standing.made, wish)
    if standing.stage is Stage.FAILED:
        raise Unavailable(mark("The file could not be written. Try again in a minute."))
    if request.authorization is None and request.accept_mimetypes.accept_html:
        return redirect(url_for("exports.waiting", kind=kind, **_address()), 303)
    response = jsonify(stage=standing.stage, share=round(standing.share, 3))
    response.status_code = 202
    response.headers["Retry-After"] = str(RETRY_S)
    return response


@exports.get("/export/waiting")
def waiting() -> str:
    """How far a file with many people is, and where it is then fetched."""
    kind = request.args.get("kind", "")
    wish = _wish(kind) if ask() is not None else None
    standing = None
    if wish is not None:
        standing = _made(wish, again=bool(request.args.get("again")))
    return render_template("export_waiting.html", standing=standing, kind=kind, query=_address())


@exports.get("/export/progress")
def progress() -> Response:
    """The same for the page's script."""
    standing = _made(_wish(request.args.get("kind", "")))
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


def _wish(kind: str) -> Wish:
    """What file this request's address asks for. Raises what ``exporting.check`` raises."""
    from mapper.services.exporting import Wish, check
    from mapper.services.filtered import FilterQuestion

    check(reader(), kind)
    asked = ask()
    if asked is None:
        raise NotFound(mark("There is nothing at this address."))
    question = FilterQuestion(asked.state["campaign"], asked.state["set"], asked.day, read_filter(_lists(request.args)))
    return Wish(question, kind, chosen_language(), installation().sample)


def _lists(args: MultiDict[str, str]) -> dict[str, list[str]]:
    return {name: args.getlist(name) for name in args}


def _address() -> dict[str, Any]:
    """The parts of this request's address that tell whom the file holds."""
    return {name: request.args.getlist(name) for name in ASKED if request.args.getlist(name)}


def _made(wish: Wish, again: bool = False) -> Standing[Made]:
    """How far a file is; it is set off where nobody has asked for it lately."""
    from mapper.services.exporting import make
    from mapper.services.people_copy import NotReady

    here, user = installation(), reader()

    def work(told: Progress) -> Made:
        while True:
            try:
                return make(here.reference, user, wish, told)
            except NotReady as waits:
                # The copy comes first; the file begins when it is there.
                if waits.standing.stage is Stage.FAILED:
                    raise
                time.sleep(0.2)

    key = (wish, user.id, user.areas, user.role)
    return here.exports.ask(key, reporting.version(here.reference), work, FRESH_S, again)


def _send(made: Made, wish: Wish) -> AnyResponse:
    from mapper.services.exporting import MEDIA_TYPES

    if not made.path.exists():
        raise Unavailable(mark("The file lay too long and was deleted. Ask for it again in ten minutes."))
    name = f"{wish.question.campaign_id}-{wish.question.day.isoformat()}.{wish.kind}"
    return send_file(made.path, MEDIA_TYPES[wish.kind], as_attachment=True, download_name=name, etag=False)


def may_take_points() -> bool:
    """Whether the reader may have the positions of houses in a file; for ``export_links.html``."""
    return reader().role in OVERSEERS
