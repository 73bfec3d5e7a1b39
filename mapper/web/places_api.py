"""What programs and search fields read of places: by their names, of every boundary set."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from mapper.services import place_search
from mapper.services.place_search import PlaceFound
from mapper.web.accounts import reader
from mapper.web.api import asked_day, asked_for
from mapper.web.installation import installation

places_api = Blueprint("places_api", __name__, url_prefix="/api")


@places_api.get("/places")
def places() -> Response:
    """Units of every boundary set, and hamlets, whose names begin as ``q`` does or whose code it is, the best first.

    ``q`` may lack accents and unit words; ``set`` asks for one set alone, ``limit`` for so many, 20 where it says
    nothing, 50 at most. ``date`` is the day whose set comes first, or ``into`` names that set. In the answer each place
    has its ``set``, ``level``, ``code``, ``name``, ``around`` (the units around it, the innermost first), ``bounds``
    and ``near``, true where it is only like what was asked for; of an older set than that first one, ``today`` says
    where its ground lies in it, as far as that is known.
    """
    user, asked = reader(), request.args
    most = asked.get("limit", default=20, type=int)
    found = place_search.search(
        installation().reference,
        user,
        asked_for(asked, "q"),
        asked_day(asked),
        asked.get("set", ""),
        max(1, most),
        asked.get("into", ""),
    )
    return jsonify(places=[_place(each) for each in found])


def _place(found: PlaceFound) -> dict[str, Any]:
    return {
        "set": found.set_id,
        "set_label": found.set_label,
        "valid_from": found.valid_from.isoformat() if found.valid_from else None,
        "valid_to": found.valid_to.isoformat() if found.valid_to else None,
        "level": found.place.level,
        "code": found.place.code,
        "name": found.place.name,
        "around": [{"level": level, "code": code, "name": name} for level, code, name in found.place.around],
        "bounds": found.bounds,
        "near": found.near,
        "today": [
            {"set": one.set_id, "level": one.level, "code": one.code, "name": one.name, "whole": one.whole}
            for one in found.today
        ],
    }
