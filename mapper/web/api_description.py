"""``/api/openapi.json``: every address for programs, described for them by its view's own words (OpenAPI 3.1).

It tells of the product alone, of nobody's data, so that it wants no sign-in. A route that stands in no row of ROUTES is
not described, and ``tests/web/test_api_description.py`` fails.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from werkzeug.routing import Rule

from mapper.domain.people_filter import NAMES
from mapper.web.api_parameters import ENTRY, ERROR, PARAMETERS, PATHS, Schema, shape

api_description = Blueprint("api_description", __name__)

JSON, GEOJSON, TILE = "application/json", "application/geo+json", "application/vnd.mapbox-vector-tile"
QUESTION = "campaign! group! dose! date level set"
FILTER = f"campaign set date view {' '.join(sorted(NAMES))}"
FEATURES = shape("type features:list")
WORK = shape("stage share:number")
PLAN = shape(
    "number:whole campaign name state:text share:any asked_at:any asked_by:any told_at:any in_use:any follows:any "
    "variant_of:any whole:any first last summary:object? trouble:text? question:object explained:object?"
)
FIGURES = "campaign set level group dose date target:number? deadline:text?"

WRONG = {
    400: "What was asked or sent cannot be read; the message names the cure.",
    401: "Nobody is signed in, and no key was shown.",
    403: "The role, or the area, of who asks does not open this.",
    404: "There is no such thing, or none that the asking user may see.",
    409: "It contradicts what stands already.",
    413: "More was sent than is taken.",
    429: "Too many tries; Retry-After says how long to wait.",
    501: "This installation cannot do that.",
    503: "Not now: it is being prepared, or the database is away. Retry-After says when to ask again.",
}
"""What every address may answer when it refuses, with the body of an error."""


@dataclass(frozen=True, slots=True)
class Route:
    """An address: the names it may be asked (``!`` behind those that must be there), what it answers and takes."""

    asks: str = ""
    answer: Schema = field(default_factory=dict)
    status: int = 200
    kind: str = JSON
    body: Schema | None = None
    body_needed: bool = True
    waits: bool = False
    open: bool = False


ROUTES: Mapping[str, Route] = {
    "api.campaigns": Route(answer=shape("campaigns:list")),
    "api.sets": Route(answer=shape("sets:list")),
    "api.version": Route(answer=shape("version")),
    "api.coverage": Route(f"{QUESTION} area", shape(f"{FIGURES} design sample:object? units:list total:object")),
    "api.coverage_by_day": Route(
        f"{QUESTION} area",
        shape(
            f"{FIGURES} days:list keys:list vaccinated:list eligible:list more_vaccinated:any more_eligible:any "
            "total:object"
        ),
    ),
    "api.shapes": Route("level! zoom date set campaign", FEATURES, kind=GEOJSON),
    "api.heat": Route(QUESTION, shape("points:list")),
    "map_layers.epidemic_levels": Route("date set", shape("set date levels:object since:object carried_from:object")),
    "map_layers.tile": Route(f"{QUESTION} layers", kind=TILE, waits=True),
    "map_layers.tracks": Route("campaign! date area set", FEATURES, kind=GEOJSON),
    "places_api.places": Route("q! date set limit into", shape("places:list")),
    "people_api.people": Route(
        f"{FILTER} page limit",
        shape("campaign set date people:whole households:whole page:whole pages:whole results:list"),
    ),
    "people_api.count": Route(FILTER, shape("campaign set date people:whole households:whole")),
    "filter_layer.by_hamlet": Route(
        FILTER,
        shape("people:whole households:whole criteria:list list hamlets:list unplaced:whole houses:list?"),
        waits=True,
    ),
    "hot_spots.features": Route(
        "campaign group dose date set level area area_set unit",
        shape("type stage share:number made_at:text? current:yes features:list"),
        kind=GEOJSON,
    ),
    "forecast.of_program": Route(
        "campaign! from to set area level sessions follow",
        shape(
            "campaign set area level from to sessions_a_week:number next_doses_too:yes total:object units:list "
            "stores_of_larger_units:object? doses_in_other_sets:any weeks:list due_on_first_day:any "
            "coverage_says_due:list"
        ),
    ),
    "units.of_program": Route(
        answer=shape(
            "set:object level code name area_km2:number bounds:any around:list within:list history:list same_code:list"
        )
    ),
    "boundary_sets.sets_of_program": Route(answer=shape("sets:list successions:list")),
    "boundary_sets.succession_of_program": Route(
        answer=shape(
            "old new told_by:any source:text? changes:object units:list without_forebear:list findings:list "
            "compared:any disagreements:list"
        )
    ),
    "stock_api.balances": Route(
        "campaign! set area date",
        shape("campaign set date area lots:list promised:list use:object warnings:list"),
    ),
    "stock_api.entries": Route("campaign! set area date", shape("entries:list")),
    "stock_api.enter": Route(
        "campaign! set",
        shape("entries:list"),
        201,
        body={"oneOf": [ENTRY, {"type": "array", "items": ENTRY, "minItems": 1}]},
    ),
    "stock_api.undo": Route(
        "set",
        shape("undone:whole"),
        201,
        body={"type": "object", "additionalProperties": False, "properties": {"document": {"type": "string"}}},
        body_needed=False,
    ),
    "plans_api.ask": Route(
        answer=PLAN, status=201, body={"type": "object", "required": ["campaign_id", "group", "dose", "first", "last"]}
    ),
    "plans_api.listed": Route("campaign limit", shape("plans:list")),
    "plans_api.one": Route(answer=PLAN),
    "plans_api.made": Route(answer={"type": "object"}),
    "plans_api.stop": Route(answer=PLAN),
    "plans_api.again": Route(answer=PLAN),
    "plans_api.use": Route(answer=PLAN),
    "plans_api.unuse": Route(answer=PLAN),
    "plans_api.variants": Route(answer=shape("variants:list")),
    "plans_api.vary": Route(
        answer=PLAN,
        status=201,
        body={"type": "object", "properties": {"what_if": {"type": "string", "example": "doses:2000"}}},
        body_needed=False,
    ),
    "plans_api.replan": Route(
        answer=PLAN,
        status=201,
        body={"type": "object", "properties": {"keep_days": {"type": ["integer", "null"], "minimum": 0}}},
        body_needed=False,
    ),
    "plans_api.remove": Route(status=204),
    "plans_api.progress": Route(
        answer=shape("number:whole date whole:any total:object not_asked:object sites:list places:list teams:list")
    ),
    "plans_api.comparison": Route("with!", shape("plans:list differences:list")),
    "api_description.described": Route(answer=shape("openapi info:object paths:object components:object"), open=True),
}
"""By endpoint."""


@api_description.get("/api/openapi.json")
def described() -> Response:
    """This description: every address for programs, as OpenAPI 3.1."""
    return jsonify(describe(current_app))


def describe(app: Flask) -> dict[str, Any]:
    """The description of an application's addresses under ``/api``."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        route = ROUTES.get(rule.endpoint)
        if route is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            at = paths.setdefault(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
            at[method.lower()] = _operation(rule, route, inspect.getdoc(app.view_functions[rule.endpoint]) or "")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Từng Nhà",
            "version": "1",
            "description": "Door-to-door vaccination census, coverage and plans. A user's own key, shown as bearer "
            "token, or a session of the browser; what is answered ends at the user's area. A browser's session that "
            "writes also sends X-CSRFToken.",
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
            },
            "parameters": {name: _parameter(name) for name in PARAMETERS},
            "schemas": {"Error": ERROR},
            "responses": {
                str(status): {
                    "description": told,
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, told in WRONG.items()
            },
        },
    }


def _operation(rule: Rule, route: Route, words: str) -> dict[str, Any]:
    summary, _, more = words.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": " ".join(summary.split()),
        "description": more or " ".join(summary.split()),
        "parameters": [_in_path(name) for name in sorted(rule.arguments)]
        + [_asked(name) for name in (*route.asks.split(), "lang")],
        "responses": _answers(route),
    }
    if route.open:
        described["security"] = []
    if route.body is not None:
        described["requestBody"] = {"required": route.body_needed, "content": {JSON: {"schema": route.body}}}
    return described


def _answers(route: Route) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "What was asked for."}
    if route.status != 204:
        done["content"] = {route.kind: {"schema": route.answer} if route.answer else {}}
    found = {str(route.status): done}
    if route.waits:
        found["202"] = {
            "description": "It is being prepared; ask again.",
            "content": {JSON: {"schema": WORK}},
        }
    if not route.open:
        found |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in WRONG}
    return found


def _in_path(name: str) -> dict[str, Any]:
    words, schema = PATHS[name]
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _asked(told: str) -> dict[str, Any]:
    name = told.rstrip("!")
    if told == name:
        return {"$ref": f"#/components/parameters/{name}"}
    return {**_parameter(name), "required": True}


def _parameter(name: str) -> dict[str, Any]:
    words, schema, example = PARAMETERS[name]
    found = {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
    return found if example is None else {**found, "example": example}
