"""Slips of many people while a page waits: how far the file is, stopping it, and fetching it.

Opening a page gives out no slip: the work is begun by the form alone, and known by a number that only its reader has.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, redirect, render_template, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.errors import NotFound, Unavailable, mark
from mapper.services.background import Progress, Stage, Standing
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

    here, user, number = installation(), reader(), secrets.token_urlsafe(9)

    def work(told: Progress) -> Made:
        return make(here.reference, user, wish, told)

    if here.exports.ask(_key(number), number, work).stage is Stage.BUSY:
        raise Unavailable(mark("Many files are waiting on the server. Try again in a minute."))
    return redirect(url_for("slip_batches.waiting", number=number), 303)


@slip_batches.get("/slips/batch/<number>")
def waiting(number: str) -> str:
    """How far the slips are, and where they are then fetched."""
    return render_template("slips_batch.html", standing=_standing(number), number=number)


@slip_batches.get("/slips/batch/<number>/progress")
def progress(number: str) -> Response:
    """The same for the page's script."""
    standing = _standing(number)
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@slip_batches.post("/slips/batch/<number>/stop")
def stop(number: str) -> AnyResponse:
    """Stop the work: no slip of it is given out, and what is written is deleted."""
    installation().exports.stop(_key(number))
    return redirect(url_for("slip_batches.waiting", number=number), 303)


@slip_batches.get("/slips/batch/<number>/slips.zip")
def fetch(number: str) -> AnyResponse:
    """The slips: a zip with a PDF for each hamlet."""
    made = _standing(number).made
    if made is None or not made.path.exists():
        raise _gone()
    name = f"slips-{today().isoformat()}.zip"
    return send_file(made.path.resolve(), "application/zip", as_attachment=True, download_name=name, etag=False)


def _key(number: str) -> tuple[object, ...]:
    return "slips", number, reader().id


def _standing(number: str) -> Standing[Made]:
    standing = installation().exports.look(_key(number))
    if standing is None:
        raise _gone()
    return standing


def _gone() -> NotFound:
    return NotFound(mark("These slips lie here no more, or somebody else has them made. Make them anew."))
