"""What supervisors look at: the map with its table, and submissions that want a hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from babel.numbers import format_decimal
from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.ranges import Range
from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import NotFound, mark
from mapper.language import LANGUAGES, written_day
from mapper.maps.coverage_map import MapView, coverage_map
from mapper.maps.local_assets import serve_assets_locally
from mapper.services import intake, questions, review, submission_export, submission_page, tiles
from mapper.web.accounts import only_for, reader
from mapper.web.api import figures_version
from mapper.web.asked import LONG_QUIET, keep_set, last_visits
from mapper.web.assets import asset_path, asset_url, assets
from mapper.web.base_map import base_tiles
from mapper.web.filter_layer import FILTER, laid_filter, overlay
from mapper.web.headers import nonce
from mapper.web.installation import installation
from mapper.web.language_choice import COOKIE, chosen_language, say, script_messages, template_words
from mapper.web.map_state import (
    HEAT,
    figure_queries,
    first_outlines,
    outline_queries,
    settle,
    shown_layers,
    shown_measure,
)
from mapper.web.menu import menu
from mapper.web.outside import with_asked

VIETNAM_BOUNDS = (102.1, 8.2, 109.5, 23.4)
YEAR_S = 365 * 24 * 3600

LISTED = 200
"""Submissions and findings shown at once; the newest matter most."""

RECEIVED = 50
"""The newest submissions that count, shown at once."""

EVERY_S = 20
"""How often an open map asks whether anything was counted, seconds."""

pages = Blueprint("pages", __name__, template_folder="templates")


@pages.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = state.app
    serve_assets_locally(asset_path)
    app.register_blueprint(assets)
    app.context_processor(template_words)
    app.context_processor(_about_this_server)
    app.add_template_filter(count)
    app.add_template_filter(moment)
    app.add_template_filter(day, "day")


def _about_this_server() -> dict[str, Any]:
    here = installation()
    return {
        "project_name": here.settings.project_name,
        "sample": here.sample,
        "asset": asset_url,
        "nonce": nonce,
        "menu": menu,
    }


_guard_readers = only_for(*READERS)


@pages.before_request
def _only_for_readers() -> AnyResponse | None:
    """Every page here is for signed-in readers of figures, save the language switch, which the sign-in page has too."""
    return None if request.endpoint == "pages.switch_language" else _guard_readers()


def count(number: float | Range) -> str:
    """A number with the reader's separators, or from where to where it may lie."""
    if isinstance(number, Range):
        return f"{count(number.least)}–{count(number.most)}"
    return _written(number, chosen_language())


@lru_cache(maxsize=20_000)
def _written(number: float, language: str) -> str:
    """A page has hundreds of small numbers, and working out each anew takes longer than all the rest of it."""
    return str(format_decimal(number, locale=language))


def day(when: date) -> str:
    """A date as the reader writes it."""
    return written_day(when, chosen_language())


def moment(written: str) -> str:
    """An ISO time as kept in the database -> time of day and date in Vietnam."""
    when = datetime.fromisoformat(written)
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    local = aware.astimezone(intake.VIETNAM)
    return f"{local:%H:%M} {day(local)}"


@pages.get("/")
def home() -> AnyResponse:
    """The first page is the map, of what the address asks for."""
    return redirect(with_asked("pages.map_page", {}, request.args.to_dict(flat=False)))


@pages.get("/map")
def map_page() -> Response:
    """The coverage map with its table; what it shows stands in the query string."""
    here = installation()
    language = chosen_language()
    campaigns = questions.campaigns(here.reference, language)
    today = intake.today()
    sets = questions.boundary_sets(here.reference, today, here.settings.boundary_set, language)
    visits = last_visits(each["id"] for each in campaigns)
    usual = {each: day for each, day in visits.items() if today - day > LONG_QUIET}
    many = tiles.wants_tiles(here.reference, reader())
    wide = tiles.wide_sets(here.reference, reader())
    state, notices = settle(request.args, campaigns, sets, today, usual, tiles=many, wide=wide)
    if state["set"]:
        keep_set(state["set"], sets, state["date"])
    state["show"] = shown_measure(request.args, notices)
    state[FILTER] = laid_filter(request.args, notices)
    overlays = _overlays(bool(state[FILTER]))
    state["layers"] = shown_layers(request.args, [HEAT, *(kind for kind, _, _ in overlays)], notices)
    shown = next((each for each in sets if each["id"] == state["set"]), None)
    ground = base_tiles()
    view = MapView(
        bounds=tuple(shown["bounds"]) if shown else VIETNAM_BOUNDS,
        shapes_url=url_for("api.shapes"),
        heat_url=url_for("api.heat"),
        words=map_words(),
        **outline_queries(state, shown),
        overlays=overlays,
        tile_url=ground.url,
        tile_attribution=ground.attribution,
        tile_options=ground.options,
    )
    page = {
        "language": language,
        "today": today.isoformat(),
        "lastVisits": {each: day.isoformat() for each, day in visits.items()},
        "campaigns": campaigns,
        "sets": sets,
        "state": state,
        "messages": script_messages(),
        "version": figures_version(),
        "every": EVERY_S,
        "sample": here.sample,
        "tiles": many,
        "wide": wide,
    }
    html = render_template(
        "map.html",
        map=coverage_map(view),
        page=page,
        state=state,
        notices=notices,
        figures=figure_queries(state, shown),
        outlines=first_outlines(state, shown),
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _overlays(filtered: bool) -> list[tuple[str, str, str]]:
    """What this reader may lay over the areas, as far as this server answers for it; a filter where there is one."""
    offered = [
        ("hot_spots", say("Clusters of people not vaccinated"), "/api/hot-spots", READERS),
        ("epidemic", say("Epidemic level of each commune"), "/api/epidemic-levels", READERS),
        ("tracks", say("Ways of the canvassers on this day"), "/api/tracks", OVERSEERS),
    ]
    there = {rule.rule for rule in current_app.url_map.iter_rules()}
    found = [(kind, name, url) for kind, name, url, roles in offered if url in there and reader().role in roles]
    return [(kind, name, request.script_root + url) for kind, name, url in found] + ([overlay()] if filtered else [])


def map_words() -> dict[str, str]:
    """What the map itself says, for ``MapView``."""
    return {
        "areas": say("Communes"),
        "hamlets": say("Hamlets"),
        "heat": say("Where people still due live"),
        "base_map": say("Base map"),
        "legend": say("Coverage, %"),
        "no_data": say("No data"),
        "thin": say("Hatched: under 50% of houses visited"),
        "faded": say("Paler: 50 to 90% of houses visited"),
        "due_few": say("few"),
        "due_many": say("many"),
    }


@pages.get("/language/<code>")
def switch_language(code: str) -> AnyResponse:
    """Remember a language and go back to the page that asked."""
    if code not in LANGUAGES:
        raise NotFound(mark("There is no language {code} here. Choose vi or en."), code=code)
    response = redirect(request.root_path + _own_page(request.args.get("next", "")))
    response.set_cookie(COOKIE, code, max_age=YEAR_S, samesite="Lax", httponly=True, secure=request.is_secure)
    return response


def _own_page(address: str) -> str:
    """The address if it is a path of this server, else the first page: no link of ours leads elsewhere."""
    parts = urlsplit(address)
    own = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return address if own and address.isprintable() else "/"


@pages.get("/submissions")
def submissions() -> str:
    """Submissions that do not count yet, findings in those that do, and how the visits go on."""
    reference = installation().reference
    campaigns = questions.campaigns(reference, chosen_language())
    troubled = review.troubled(reference, reader())
    sender = request.args.get("sender", "")
    if sender:
        troubled = [each for each in troubled if str(each.sender_id) == sender]
    return render_template(
        "submissions.html",
        kept=None if reader().areas else intake.how_many(reference),
        troubled=troubled[:LISTED],
        troubled_count=len(troubled),
        sender=sender,
        findings=review.findings(reference, reader(), LISTED),
        listed=LISTED,
        last_days=review.LAST_DAYS,
        histories=[(each["label"], review.visit_history(reference, reader(), each["id"])) for each in campaigns],
        outcome=request.args.get("again"),
        received=submission_page.received(reference, reader(), RECEIVED, request.args.get("review")),
        reviews=submission_page.REVIEWS,
        review=request.args.get("review"),
        forms=submission_export.every_form(reference),
    )


@pages.post("/submissions/<path:instance_id>/process")
def process_again(instance_id: str) -> AnyResponse:
    """Process one stored submission again, and say on the list what came of it."""
    reference = installation().reference
    if instance_id not in {each.instance_id for each in review.troubled(reference, reader())}:
        message = mark("Submission {instance_id} does not wait here: it counts already, or it never came.")
        raise NotFound(message, instance_id=instance_id)
    state = intake.process(reference, instance_id)
    return redirect(url_for("pages.submissions", again=state.value))
