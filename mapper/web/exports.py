"""Files of a filter's people, and of a form's submissions: made at once where they are few, else while a page waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.people_filter import NAMES, read_filter
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import NotFound, Unavailable, mark
from mapper.services import reporting
from mapper.services.background import Progress, Stage, Standing
from mapper.services.files_to_fetch import Made
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language

if TYPE_CHECKING:
    from mapper.services.exporting import Wish

AT_ONCE = 5000
"""So many people at most are written while the reader waits."""

FRESH_S = 60
"""So long a file that was made before will do while forms come in."""

RETRY_S = 2

ZIP_WAITS, ZIP_WAIT_S = 30, 0.1
"""How often and for how long a zip is waited for before its reader is led to a page that waits."""

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
    if standing.stage is Stage.STOPPED:
        standing = _made(wish, again=True)  # whoever asks for the file itself wants it after all
    if standing.stage is Stage.DONE and standing.made is not None:
        return _send(standing.made, wish)
    if standing.stage is Stage.FAILED:
        raise Unavailable(mark("The file could not be written. Try again in a minute."))
    if request.authorization is None and request.accept_mimetypes.accept_html:
        return redirect(url_for("exports.waiting", kind=kind, **_address()), 303)
    return _still_working(standing)


def _still_working(standing: Standing[Made]) -> Response:
    response = jsonify(stage=standing.stage, share=round(standing.share, 3))
    response.status_code = 202
    response.headers["Retry-After"] = str(RETRY_S)
    return response


@exports.get("/export/submissions/<form_id>.zip")
def submissions(form_id: str) -> AnyResponse:
    """The submissions of a form in the reader's area as they were sent: a zip of CSV files, with ``media``.

    A CSV for the form and one for each repeat, joined by PARENT_KEY and KEY; ``attachments=false`` leaves the files
    that were sent with them out. Answered as ``people`` is.
    """
    files = request.args.get("attachments", "") != "false"
    standing = _zipped(form_id, files)
    if standing.stage is Stage.STOPPED:
        standing = _zipped(form_id, files, again=True)
    for _ in range(ZIP_WAITS):
        if standing.stage not in (Stage.WAITING, Stage.RUNNING):
            break
        time.sleep(ZIP_WAIT_S)
        standing = _zipped(form_id, files)
    if standing.stage is Stage.DONE and standing.made is not None:
        return _send_file(standing.made, "application/zip", f"{form_id}.zip")
    if standing.stage is Stage.FAILED:
        raise Unavailable(mark("The file could not be written. Try again in a minute."))
    if request.authorization is None and request.accept_mimetypes.accept_html:
        return redirect(url_for("exports.waiting", form=form_id, attachments=None if files else "false"), 303)
    return _still_working(standing)


def _zipped(form_id: str, files: bool, again: bool = False) -> Standing[Made]:
    from mapper.services.submission_export import ZipWish, form_tables, write_zip

    here, user = installation(), reader()
    wish = ZipWish(form_id, files, chosen_language(), here.sample)
    form_tables(here.reference, form_id)  # no form of that name: told at once

    def work(told: Progress) -> Made:
        return write_zip(here.reference, user, wish, told)

    # Nothing counts what only arrived or was written about: each asking is of another version.
    return _asked(_zip_key(form_id, files), object(), work, again)


def _zip_key(form_id: str, files: bool) -> tuple[object, ...]:
    user = reader()
    return "submissions", form_id, files, chosen_language(), user.id, user.areas, user.role


def _asked(key: Hashable, version: Hashable, work: Callable[[Progress], Made], again: bool) -> Standing[Made]:
    """How a file stands; it is set off where nobody has asked for it lately, but not anew where it was stopped."""
    kept = installation().exports
    standing = None if again else kept.look(key)
    if standing is not None and standing.stage is Stage.STOPPED:
        return standing
    return kept.ask(key, version, work, FRESH_S, again)


@exports.get("/export/waiting")
def waiting() -> str:
    """How far a file with many people is, and where it is then fetched."""
    form_id, again = request.args.get("form", ""), bool(request.args.get("again"))
    if form_id:
        files = request.args.get("attachments", "") != "false"
        query = {"form": form_id} | ({} if files else {"attachments": "false"})
        address = url_for("exports.submissions", form_id=form_id, attachments=None if files else "false")
        zipped = _zipped(form_id, files, again)
        return render_template("export_waiting.html", standing=zipped, kind="zip", query=query, address=address)
    kind = request.args.get("kind", "")
    wish = _wish(kind) if ask() is not None else None
    standing = None
    if wish is not None:
        standing = _made(wish, again)
    address = url_for("exports.people", kind=kind or "csv", **_address())
    return render_template(
        "export_waiting.html", standing=standing, kind=kind, query={"kind": kind, **_address()}, address=address
    )


@exports.get("/export/progress")
def progress() -> Response:
    """The same for the page's script."""
    form_id = request.args.get("form", "")
    if form_id:
        standing = _zipped(form_id, request.args.get("attachments", "") != "false")
    else:
        standing = _made(_wish(request.args.get("kind", "")))
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@exports.post("/export/stop")
def stop() -> AnyResponse:
    """Stop the writing of a file; what of it is written is deleted. The address is that of ``waiting``."""
    form_id = request.args.get("form", "")
    if form_id:
        key = _zip_key(form_id, request.args.get("attachments", "") != "false")
    else:
        key = _people_key(_wish(request.args.get("kind", "")))
    installation().exports.stop(key)
    address: dict[str, Any] = _lists(request.args)
    return redirect(url_for("exports.waiting", **address), 303)


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
                told(0.0)  # may be stopped meanwhile
                time.sleep(0.2)

    return _asked(_people_key(wish), reporting.version(here.reference), work, again)


def _people_key(wish: Wish) -> tuple[object, ...]:
    user = reader()
    return wish, user.id, user.areas, user.role


def _send(made: Made, wish: Wish) -> AnyResponse:
    from mapper.services.exporting import MEDIA_TYPES

    name = f"{wish.question.campaign_id}-{wish.question.day.isoformat()}.{wish.kind}"
    return _send_file(made, MEDIA_TYPES[wish.kind], name)


def _send_file(made: Made, kind: str, name: str) -> AnyResponse:
    if not made.path.exists():
        raise Unavailable(mark("The file lay too long and was deleted. Ask for it again in a minute."))
    return send_file(made.path.resolve(), kind, as_attachment=True, download_name=name, etag=False)


def may_take_points() -> bool:
    """Whether the reader may have the positions of houses in a file; for ``export_links.html``."""
    return reader().role in OVERSEERS
