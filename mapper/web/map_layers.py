"""What the map lays over its coverage, for programs as ``/api`` tells everything: epidemic levels, canvassers' ways."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from mapper.services import epidemic
from mapper.web.accounts import reader
from mapper.web.api import asked_day, first_set
from mapper.web.finished import Body, answer
from mapper.web.installation import installation

map_layers = Blueprint("map_layers", __name__, url_prefix="/api")


@map_layers.get("/epidemic-levels")
def epidemic_levels() -> Response:
    """Level 1 to 4 of each commune on a day, and since when it holds; communes without one are left out."""
    user, asked = reader(), request.args
    day = asked_day(asked)
    set_id, found = epidemic.levels(installation().reference, user, asked.get("set", "") or first_set(), day)
    body = {
        "set": set_id,
        "date": day.isoformat(),
        "levels": {code: entry.level for code, entry in found.items()},
        "since": {code: entry.from_day.isoformat() for code, entry in found.items()},
    }
    return answer(Body.of(orjson.dumps(body)), "application/json")
