"""The form in the browser: pages under a canvasser's own address, where forms are filled with or without a signal.

The pages speak with the server as phones do: the same form list, manifests, media and submissions, under the same key.
A draft of a form is tried in the same pages, under the key of its trial. What lets them work without a signal stands in
``static/js/fill_*.js``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.errors import Forbidden, mark
from mapper.language import LANGUAGES
from mapper.services import trials
from mapper.services.accounts import sender
from mapper.web.assets import STATIC, asset_url, version
from mapper.web.installation import installation
from mapper.web.language_choice import COOKIE, chosen_language, script_messages

MEGABYTE = 1_000_000
YEAR_S = 365 * 24 * 3600
CODE = ("css/mapper.css", "css/fill.css", "img/house.svg", "js/words.js", "js/fill_*.js", "vendor/web-forms/*.js")
"""What the pages consist of, and a browser keeps for the way without a signal."""

RULES = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""What ODK Web Forms needs, and nothing else: it counts in WebAssembly, writes styles into
its elements, and draws its map in workers of its own."""

fill = Blueprint("fill", __name__, template_folder="templates", url_prefix="/key/<token>")
fill_trial = Blueprint("fill_trial", __name__, template_folder="templates", url_prefix="/test/<token>")


@dataclass(frozen=True, slots=True)
class Door:
    """Whose pages these are. store: name of the browser's database; trial: title of the draft tried, "" for none."""

    store: str
    trial: str = ""


@fill.url_value_preprocessor
@fill_trial.url_value_preprocessor
def _take_token(_endpoint: str | None, values: dict[str, str] | None) -> None:
    g.phone_token = values.pop("token", "") if values else ""


@fill.after_request
@fill_trial.after_request
def _guard(response: AnyResponse) -> AnyResponse:
    """The address holds a key: it is told to nobody, and no page of another site is let near."""
    response.headers["Content-Security-Policy"] = RULES
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _key() -> str:
    """A word that is another one for every token, and tells nothing of it."""
    return hashlib.sha256(f"fill {g.phone_token}".encode()).hexdigest()[:16]


def _door() -> Door:
    """Who the key in the address lets in. Raises Forbidden."""
    if request.blueprint == fill_trial.name:
        return Door(f"fill-trial-{_key()}", trials.by_token(installation().reference, g.phone_token).title)
    user = sender(installation().reference, g.phone_token)
    if user is None:
        raise Forbidden(
            mark(
                "This server address is no longer valid. Ask your supervisor for a new QR code, and open it in this "
                "same browser: forms that wait here then go by themselves."
            )
        )
    # By the user and not by the key: a renewed key finds what the old one left.
    return Door(f"fill-{user}")


@fill.get("/fill")
@fill_trial.get("/fill")
def forms() -> AnyResponse:
    """The canvasser's forms, drafts, and what waits to be sent."""
    return _page("fill_list.html")


@fill.get("/fill/<path:form_id>")
@fill_trial.get("/fill/<path:form_id>")
def form(form_id: str) -> AnyResponse:
    """One form; the browser finds it by the address, so that one page kept serves every form without a signal."""
    return _page("fill_form.html")


def _page(template: str) -> AnyResponse:
    door = _door()
    wish = request.args.get("lang")
    if wish in LANGUAGES:
        response = redirect(request.path)
        response.set_cookie(COOKIE, wish, max_age=YEAR_S, samesite="Lax", httponly=True, secure=request.is_secure)
        return response
    settings = installation().settings
    page: dict[str, Any] = {
        "language": chosen_language(),
        "messages": script_messages(),
        "store": door.store,
        "key": _key(),
        "chunkBytes": settings.chunk_mb * MEGABYTE,
        "mostBytes": settings.max_submission_mb * MEGABYTE,
        "project": settings.project_name,
        "webForms": asset_url("vendor/web-forms/web_forms.js"),
    }
    home = url_for(".forms", token=g.phone_token)
    return Response(render_template(template, page=page, home=home, trial=door.trial), mimetype="text/html")


@fill.get("/fill-worker.js")
@fill_trial.get("/fill-worker.js")
def worker() -> Response:
    """The worker that keeps the pages for the way without a signal, told which files they consist of.

    With ``?sends`` it is a module that also sends what waits, for browsers that wake it when there is a line.
    """
    door = _door()
    script = (STATIC / "js" / "fill_worker.js").read_text("utf-8")
    files = sorted(path.relative_to(STATIC).as_posix() for pattern in CODE for path in STATIC.glob(pattern))
    told = json.dumps(
        {
            "version": version(),
            "key": _key(),
            "store": door.store,
            "chunkBytes": installation().settings.chunk_mb * MEGABYTE,
            "files": [asset_url(name) for name in files],
        }
    )
    sends = f'import "{asset_url("js/fill_sync.js")}";\n' if "sends" in request.args else ""
    return Response(f"{sends}self.KEPT = {told};\n{script}", content_type="text/javascript; charset=utf-8")
