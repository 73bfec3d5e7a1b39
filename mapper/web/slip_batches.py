"""Slips of many people while a page waits: how far the file is, and stopping it; it is one of its reader's own files.

Opening a page gives out no slip: the work is begun by the form alone, and known by a number that only its reader has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.errors import Unavailable, mark
from mapper.services import asked_files
from mapper.services.asked_files import SLIPS, AskedFile, Noted
from mapper.services.background import Progress, Stage
from mapper.services.files_to_fetch import Made
from mapper.services.intake import today
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation

if TYPE_CHECKING:
    from mapper.services.slip_batches import Wish

slip_batches = Blueprint("slip_batches", __name__)
_only_for_readers = only_for(*READERS)


@slip_batches.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@slip_batches.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def begin(wish: Wish) -> AnyResponse:
    """Set the making of slips off and lead to the page that waits for it."""
    from mapper.services.slip_batches import make

    here, user, question = installation(), reader(), wish.question
    place = {"campaign": question.campaign_id, "set": question.set_id, "date": question.day.isoformat()}
    query: dict[str, list[str]] = {SLIPS: ["1"]}
    for name, value in (*place.items(), *question.wanted.address()):
        query.setdefault(name, []).append(value)
    noted = Noted(here.reference, user, f"slips-{today().isoformat()}.zip", "application/zip", query)
    key = SLIPS, noted.id

    def work(told: Progress) -> Made:
        return noted.follow(lambda share: make(here.reference, user, wish, share), told, lambda: here.exports.stop(key))

    if here.exports.ask(key, noted.id, work, taken=noted.waits).stage is Stage.BUSY:
        raise Unavailable(mark("Many files are waiting on the server. Try again in a minute."))
    return redirect(url_for("slip_batches.waiting", number=noted.id), 303)


@slip_batches.get("/slips/batch/<number>")
def waiting(number: str) -> str:
    """How far the slips are, and where they are then fetched."""
    return render_template("slips_batch.html", file=_file(number))


@slip_batches.post("/slips/batch/<number>/stop")
def stop(number: str) -> AnyResponse:
    """Stop the work, whichever process does it: no slip of it is given out, and what is written is deleted."""
    asked_files.ask_to_stop(installation().reference, _file(number))
    return redirect(url_for("slip_batches.waiting", number=number), 303)


def _file(number: str) -> AskedFile:
    return asked_files.file_of(installation().reference, reader(), number)
