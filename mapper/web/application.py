"""The web application over one database: its blueprints, its limits, and what its readers are told when it fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, render_template, request
from flask_compress import Compress
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from mapper.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    MapperError,
    NotFound,
    NotSupported,
    SignInRequired,
    TooLarge,
    TooManyTries,
    Unavailable,
    mark,
    trace,
)
from mapper.formats import openrosa as replies
from mapper.services import accounts, intake, sessions
from mapper.services.questions import set_name
from mapper.services.readiness import Watched
from mapper.web import accounts as web_accounts
from mapper.web import headers, incoming, reading, watch
from mapper.web.api import api
from mapper.web.api_description import api_description
from mapper.web.assets import asset_url
from mapper.web.assignment import assignment_pages
from mapper.web.audit import audit_pages
from mapper.web.base_map import base_map
from mapper.web.boundary_import import boundary_import
from mapper.web.boundary_sets import boundary_sets
from mapper.web.cleaning import cleaning_pages
from mapper.web.compare import compare
from mapper.web.conflicts import conflict_pages
from mapper.web.epidemic import epidemic
from mapper.web.erasing import erasing_pages
from mapper.web.exchange import exchange_pages
from mapper.web.exports import exports
from mapper.web.fill import fill, fill_trial
from mapper.web.filter_layer import filter_layer
from mapper.web.finished import Compressed, tag_of
from mapper.web.follow_up import follow_up
from mapper.web.forecast import forecasts
from mapper.web.forms import forms
from mapper.web.health import RETRY_S, health
from mapper.web.hot_spots import hot_spots
from mapper.web.installation import Installation
from mapper.web.integrity import integrity
from mapper.web.language_choice import chosen_language, say
from mapper.web.leading_on import Elsewhere, elsewhere, lead_on
from mapper.web.list_paper import list_paper
from mapper.web.lists import lists
from mapper.web.map_layers import map_layers
from mapper.web.metrics import Metrics
from mapper.web.national_register import national_register
from mapper.web.odata import odata
from mapper.web.openrosa import openrosa
from mapper.web.outside import Below, path_of
from mapper.web.own_account import own_account
from mapper.web.pages import pages
from mapper.web.people import not_vaccinated, people
from mapper.web.people_api import people_api
from mapper.web.phones import ShortCut, for_phones
from mapper.web.places_api import places_api
from mapper.web.plan_files import plan_files
from mapper.web.plan_people import plan_people_pages
from mapper.web.plans import plan_pages
from mapper.web.plans_api import plans_api
from mapper.web.public import public
from mapper.web.report import report
from mapper.web.retention import retention
from mapper.web.sites import sites
from mapper.web.slip_batches import slip_batches
from mapper.web.slips import slip_pages
from mapper.web.stock import stock
from mapper.web.stock_api import stock_api
from mapper.web.submission import submission
from mapper.web.surveys import surveys
from mapper.web.targets import target_pages
from mapper.web.trends import trend_pages
from mapper.web.trying import trying
from mapper.web.unit import units
from mapper.web.upcoming import upcoming
from mapper.web.users import user_pages
from mapper.web.wall import wall_map
from mapper.web.watch import Watch

STATUS: tuple[tuple[type[MapperError], int], ...] = (
    (InvalidInput, 400),
    (SignInRequired, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (TooManyTries, 429),
    (NotSupported, 501),
    (Unavailable, 503),
)
"""The one table from error to HTTP status; the first that fits."""

MEGABYTE = 1_000_000
COMPRESSED = [
    *("text/html", "text/css", "text/javascript", "application/json", "application/geo+json", "image/svg+xml"),
    "application/vnd.mapbox-vector-tile",
]
"""What goes over a poor line compressed. Phones get their XML as it is: its bytes are what hashes were taken of."""


def application(here: Installation) -> Flask:
    """The application over a database whose schema is up to date; counts what waited to be counted."""
    settings, reference = here.settings, here.reference
    app = Flask("mapper.web", root_path=str(Path(__file__).parent))
    app.config.update(
        SECRET_KEY=accounts.secret_key(reference),
        SESSION_COOKIE_NAME=web_accounts.cookie_name("session", settings.public_url),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=sessions.LONGEST_S),
        MAX_CONTENT_LENGTH=settings.max_upload_mb * MEGABYTE,
        MAX_FORM_MEMORY_SIZE=settings.max_submission_mb * MEGABYTE,
        WTF_CSRF_TIME_LIMIT=None,
        COMPRESS_MIMETYPES=COMPRESSED,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_REGISTER=False,
        COMPRESS_BR_LEVEL=3,
        COMPRESS_LEVEL=3,
        COMPRESS_CACHE_BACKEND=Compressed,
        COMPRESS_CACHE_KEY=tag_of,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    compression = Compress(app)
    watch.set_up(app)

    @app.after_request
    def compress(response: Response) -> Response:
        return response if (request.blueprint or "").startswith("openrosa") else compression.after_request(response)

    app.extensions["mapper"] = here
    app.extensions["phone_digest"] = web_accounts.PhoneDigest(app.config["SECRET_KEY"])
    web_accounts.set_up(app)
    incoming.set_up(app)
    headers.set_up(app)
    web_accounts.csrf.exempt(openrosa)
    web_accounts.csrf.exempt(trying)
    web_accounts.csrf.exempt(plans_api)  # asks itself, unless a program shows its token
    web_accounts.csrf.exempt(stock_api)  # likewise
    app.register_blueprint(openrosa)
    app.register_blueprint(openrosa, url_prefix="/key/<token>", name="openrosa_key")
    app.register_blueprint(fill)
    app.register_blueprint(fill_trial)
    app.register_blueprint(api)
    app.register_blueprint(api_description)
    app.register_blueprint(map_layers)
    app.register_blueprint(places_api)
    app.register_blueprint(wall_map)
    app.register_blueprint(base_map)
    app.register_blueprint(pages)
    app.register_blueprint(compare)
    app.register_blueprint(submission)
    app.register_blueprint(follow_up)
    app.register_blueprint(forms)
    app.register_blueprint(trying)
    app.register_blueprint(audit_pages)
    app.register_blueprint(erasing_pages)
    app.register_blueprint(retention)
    app.register_blueprint(user_pages)
    app.register_blueprint(own_account)
    app.register_blueprint(assignment_pages)
    app.register_blueprint(cleaning_pages)
    app.register_blueprint(conflict_pages)
    app.register_blueprint(hot_spots)
    app.register_blueprint(integrity)
    app.register_blueprint(trend_pages)
    app.register_blueprint(surveys)
    app.register_blueprint(people)
    app.register_blueprint(not_vaccinated)
    app.register_blueprint(exports)
    app.register_blueprint(odata)
    app.register_blueprint(lists)
    app.register_blueprint(people_api)
    app.register_blueprint(upcoming)
    app.register_blueprint(units)
    app.register_blueprint(filter_layer)
    app.register_blueprint(list_paper)
    app.register_blueprint(epidemic)
    app.register_blueprint(exchange_pages)
    app.register_blueprint(report)
    app.register_blueprint(public)
    app.register_blueprint(target_pages)
    app.register_blueprint(national_register)
    app.register_blueprint(slip_pages)
    app.register_blueprint(sites)
    app.register_blueprint(stock)
    app.register_blueprint(stock_api)
    app.register_blueprint(forecasts)
    app.register_blueprint(plan_pages)
    app.register_blueprint(plan_people_pages)
    app.register_blueprint(plans_api)
    app.register_blueprint(plan_files)
    app.register_blueprint(slip_batches)
    app.register_blueprint(boundary_sets)
    app.register_blueprint(boundary_import)
    app.register_blueprint(health)
    app.register_error_handler(MapperError, answer_error)
    reading.set_up(app, reference.database, answer_error)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_fault)
    short_cut = ShortCut(app.wsgi_app, here, settings.max_submission_mb * MEGABYTE)
    app.extensions["short_cut"] = short_cut
    seen = Watch(short_cut, Metrics(Watched(reference), settings.data_dir), settings.behind_proxy)
    app.wsgi_app = app.extensions["watch"] = seen  # type: ignore[method-assign]
    if path := path_of(settings.public_url):
        app.wsgi_app = Below(app.wsgi_app, path)  # type: ignore[method-assign]
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    intake.process_waiting(reference)
    return app


def status_of(error: MapperError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def answer_error(error: MapperError) -> Response:
    """An error as its reader wants it: XML for a phone, JSON for a program, a page for a person.

    Whose address names a place of another boundary set is led there, or told where it is.
    """
    led = lead_on(error)
    if led is not None:
        return led
    answer = _answer(status_of(error), say(error), elsewhere(error))
    if isinstance(error, TooManyTries):
        answer.headers.update(web_accounts.wait_of(error))
    if answer.status_code == 503:
        answer.headers["Retry-After"] = str(RETRY_S)
    return answer


def answer_http_error(error: HTTPException) -> WerkzeugResponse:
    """Werkzeug's own errors, in the reader's words where there are any."""
    if error.response is not None:
        return error.get_response()
    if isinstance(error, RequestEntityTooLarge):
        return _answer(413, say("This is larger than the server accepts. Send fewer or smaller files at once."))
    status = error.code or 500
    known = {
        400: mark("The request could not be understood."),
        404: mark("There is nothing at this address."),
        405: mark("This address does not do that."),
    }
    return _answer(status, say(known[status]) if status in known else error.description or error.name)


def answer_fault(error: Exception) -> Response:
    """A fault of ours: logged without personal data, told without detail."""
    logging.getLogger(__name__).error("fault while answering %s: %s", request.endpoint, trace(error))
    return _answer(500, say("Something went wrong on the server. What was received before is kept. Try again."))


def _answer(status: int, sentence: str, others: Sequence[Elsewhere] = ()) -> Response:
    if for_phones(request.path):
        response = Response(replies.response(sentence), status, content_type="text/xml; charset=utf-8")
        response.headers.update(replies.HEADERS)
        if status == 401:
            digest: web_accounts.PhoneDigest = current_app.extensions["phone_digest"]
            response.headers["WWW-Authenticate"] = digest.authenticate_header()
        return response
    if request.path.startswith("/odata/"):
        answer = jsonify(error={"code": str(status), "message": sentence})
        answer.status_code = status
        if status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="OData", charset="UTF-8"'
        return answer
    if f"{request.path}/".startswith("/api/"):
        told = {"elsewhere": [_told(one) for one in others]} if others else {}
        answer = jsonify(error={"status": status, "message": sentence, **told})
        answer.status_code = status
        return answer
    links = [(one.address, one.unit.name, set_name(one.places.about, chosen_language())) for one in others]
    try:
        page = render_template("problem.html", status=status, message=sentence, elsewhere=links)
    except Unavailable:  # nor can the database say who asks, for the page's head
        page = current_app.jinja_env.get_template("problem_alone.html").render(
            language=chosen_language(),
            asset=asset_url,
            title=say("This did not work"),
            status=status,
            message=sentence,
            again=say("Try again"),
        )
    return Response(page, status, mimetype="text/html")


def _told(one: Elsewhere) -> dict[str, str]:
    """A place of another set, for programs."""
    about, unit = one.places.about, one.unit
    return {
        "set": about.id,
        "set_name": set_name(about, chosen_language()),
        "level": unit.level,
        "code": unit.code,
        "name": unit.name,
        "address": one.address,
    }
