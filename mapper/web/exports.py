"""Files of a filter's people, and of a form's submissions: made at once where they are few, else while a page waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.people_filter import NAMES, read_filter
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import NotFound, Unavailable, mark
from mapper.services import asked_files, reporting
from mapper.services.asked_files import PLAN, AskedFile, Noted
from mapper.services.background import Progress, Stage, Standing
from mapper.services.files_to_fetch import KEPT_S, Made
from mapper.services.filtered import FilterQuestion
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask, ask_for_file
from mapper.web.file_set import in_name
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.wanted import BESIDES, refuse_unknown

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
    wanted = _people(wish)
    try:
        with filtered(reference, user, wish.question) as found:
            few = found.count()[0] <= AT_ONCE
        if few:
            return _send(make(reference, user, wish), wanted)
    except NotReady:
        pass
    return _answered(wanted, _standing_for_file(wanted))


def _standing_for_file(wanted: _Wanted) -> Standing[Made]:
    """As ``_standing``; whoever asks for the file itself wants it also where its writing was stopped."""
    standing = _standing(wanted)
    return _standing(wanted, again=True) if standing.stage is Stage.STOPPED else standing


def _answered(wanted: _Wanted, standing: Standing[Made]) -> AnyResponse:
    """The file, or where a browser waits for it, or for a program how far it is."""
    if standing.stage is Stage.DONE and standing.made is not None:
        return _send(standing.made, wanted)
    if standing.stage is Stage.FAILED:
        raise Unavailable(mark("The file could not be written. Try again in a minute."))
    if request.authorization is None and request.accept_mimetypes.accept_html:
        return redirect(url_for("exports.waiting", **wanted.query), 303)
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
    wanted = _zip(form_id)
    standing = _standing_for_file(wanted)
    for _ in range(ZIP_WAITS):
        if standing.stage not in (Stage.WAITING, Stage.RUNNING):
            break
        time.sleep(ZIP_WAIT_S)
        standing = _standing(wanted)
    return _answered(wanted, standing)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that an address asks for. query: the address of the page that waits for it; address: of the file itself.

    key, version, work: for ``Background``. name, media_type: of the file as it is handed over.
    """

    key: Hashable
    version: Hashable
    work: Callable[[Progress], Made]
    query: dict[str, Any]
    address: str
    name: str
    media_type: str


def _zip(form_id: str) -> _Wanted:
    """The zip of a form's submissions that this address asks for. Raises NotFound."""
    from mapper.services.submission_export import ZipWish, form_tables, write_zip

    here, user, files = installation(), reader(), request.args.get("attachments", "") != "false"
    wish = ZipWish(form_id, files, chosen_language(), here.sample)
    form_tables(here.reference, form_id)  # no form of that name: told at once
    plain: dict[str, Any] = {} if files else {"attachments": ["false"]}
    return _Wanted(
        key=("submissions", wish, user.id, user.areas, user.role),
        # Nothing counts what only arrived or was written about: each asking is of another version.
        version=object(),
        work=lambda told: write_zip(here.reference, user, wish, told),
        query={"form": [form_id], **plain},
        address=url_for("exports.submissions", form_id=form_id, **plain),
        name=f"{form_id}.zip",
        media_type="application/zip",
    )


def _people(wish: Wish) -> _Wanted:
    """A file of people."""
    from mapper.services.exporting import MEDIA_TYPES, make
    from mapper.services.people_copy import NotReady

    here, user, question = installation(), reader(), wish.question

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

    asked: dict[str, Any] = {name: request.args.getlist(name) for name in ASKED if request.args.getlist(name)}
    asked |= {"campaign": [question.campaign_id], "set": [question.set_id], "date": [question.day.isoformat()]}
    return _Wanted(
        key=("people", wish, user.id, user.areas, user.role),
        version=reporting.version(here.reference),
        work=work,
        query={"kind": [wish.kind], **asked},
        address=url_for("exports.people", **{"kind": wish.kind, **asked}),
        name=f"{'-'.join((question.campaign_id, *in_name(question.set_id), question.day.isoformat()))}.{wish.kind}",
        media_type=MEDIA_TYPES[wish.kind],
    )


def _wanted() -> _Wanted:
    """The file that the address of a page that waits, and of all that it asks, is about."""
    form_id = request.args.get("form", "")
    return _zip(form_id) if form_id else _people(_wish(request.args.get("kind", "")))


def _standing(wanted: _Wanted, again: bool = False) -> Standing[Made]:
    """How a file stands; it is set off where nobody has asked for it lately, but not anew where it was stopped."""
    here = installation()
    standing = here.exports.look(wanted.key)
    if standing is None or standing.stage not in (Stage.WAITING, Stage.RUNNING):
        # The request before this one may have gone to another process.
        fresh_s = 0 if standing is not None and standing.stage is Stage.DONE else FRESH_S
        language = chosen_language()
        told = asked_files.elsewhere(here.reference, reader(), wanted.name, wanted.query, language, fresh_s)
        if told is not None and (not again or told.stage in (Stage.WAITING, Stage.RUNNING)):
            return told
        if standing is not None and standing.stage is Stage.STOPPED and not again:
            return standing
    made = standing.made if standing is not None else None
    gone = made is not None and not made.path.exists()  # lay too long: another is written
    version, fresh_s = (object(), 0) if gone else (wanted.version, FRESH_S)
    noted = Noted(here.reference, reader(), wanted.name, wanted.media_type, wanted.query, chosen_language())

    def work(progress: Progress) -> Made:
        return noted.follow(wanted.work, progress, lambda: here.exports.stop(wanted.key))

    return here.exports.ask(wanted.key, version, work, fresh_s, again, noted.waits)


@exports.get("/export/waiting")
def waiting() -> str:
    """How far a file with many people is, and where it is then fetched."""
    if not request.args.get("form") and ask() is None:
        return render_template("export_waiting.html", standing=None)
    wanted = _wanted()
    standing = _standing(wanted, bool(request.args.get("again")))
    kind = wanted.name.rpartition(".")[2]
    return render_template(
        "export_waiting.html", standing=standing, kind=kind, query=wanted.query, address=wanted.address
    )


@exports.get("/export/progress")
def progress() -> Response:
    """The same for the page's script."""
    standing = _standing(_wanted())
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@exports.post("/export/stop")
def stop() -> AnyResponse:
    """Stop the writing of a file; what of it is written is deleted. The address is that of ``waiting``."""
    here, wanted = installation(), _wanted()
    here.exports.stop(wanted.key)
    for one in asked_files.files_of(here.reference, reader()):
        if (one.name, one.query) == (wanted.name, wanted.query):
            asked_files.ask_to_stop(here.reference, one)
    return redirect(url_for("exports.waiting", **wanted.query), 303)


@exports.get("/export/files")
def files() -> str:
    """The reader's own files: what was asked for in the last hours, how far it is, and where it is fetched."""
    found = [(one, *_words(one)) for one in asked_files.files_of(installation().reference, reader())]
    return render_template("export_files.html", files=found, hours=KEPT_S // 3600)


@exports.get("/export/files/<number>/progress")
def file_progress(number: str) -> Response:
    """How far one of them is, for the page's script."""
    one = asked_files.file_of(installation().reference, reader(), number)
    return jsonify(stage=one.state, share=round(one.share, 3))


@exports.get("/export/files/<number>")
def fetch(number: str) -> AnyResponse:
    """One of them."""
    reference = installation().reference
    one = asked_files.file_of(reference, reader(), number)
    path = asked_files.path_of(reference, one)
    return send_file(path, _kind(one.media_type), as_attachment=True, download_name=one.name, etag=False)


@exports.post("/export/files/<number>/stop")
def stop_file(number: str) -> AnyResponse:
    """Stop the writing of one of them."""
    reference = installation().reference
    asked_files.ask_to_stop(reference, asked_files.file_of(reference, reader(), number))
    return redirect(url_for("exports.files"), 303)


def _words(one: AskedFile) -> tuple[str, str]:
    """What a file is of, in the reader's words, and by which criteria."""
    form_id = "".join(one.query.get("form", ()))
    if form_id:
        from mapper.services.submission_export import every_form

        title = dict(every_form(installation().reference)).get(form_id, form_id)
        left_out = "attachments" in one.query
        return title, say(mark("without the files sent with them")) if left_out else ""
    if PLAN in one.query:
        parts = [value for name, values in one.query.items() if name in ("site", "team", "day") for value in values]
        return say(mark("Plan {number}"), number=one.query[PLAN][0]), " · ".join(parts)
    (campaign,), (set_id,), (day,) = (one.query[name] for name in ("campaign", "set", "date"))
    wanted = read_filter({name: list(values) for name, values in one.query.items()})
    question = FilterQuestion(campaign, set_id, date.fromisoformat(day), wanted)
    try:
        return asked_files.criteria(installation().reference, question, chosen_language())
    except NotFound:
        return campaign, ""


def _wish(kind: str) -> Wish:
    """What file of people this request's address asks for. Raises what ``exporting.check`` raises."""
    from mapper.services.exporting import Wish, check

    check(reader(), kind)
    refuse_unknown("kind", "again", *BESIDES)
    asked = ask_for_file()
    if asked is None:
        raise NotFound(mark("There is nothing at this address."))
    given = {name: request.args.getlist(name) for name in request.args}
    question = FilterQuestion(asked.state["campaign"], asked.state["set"], asked.day, read_filter(given))
    return Wish(question, kind, chosen_language(), installation().sample)


def _send(made: Made, wanted: _Wanted) -> AnyResponse:
    if not made.path.exists():
        raise Unavailable(mark("The file lay too long and was deleted. Ask for it again in a minute."))
    kind = _kind(wanted.media_type)
    return send_file(made.path.resolve(), kind, as_attachment=True, download_name=wanted.name, etag=False)


def _kind(media_type: str) -> str:
    """A media type without its letters' coding, which is put behind that of every text."""
    return media_type.partition(";")[0]


def may_take_points() -> bool:
    """Whether the reader may have the positions of houses in a file; for ``export_links.html``."""
    return reader().role in OVERSEERS
