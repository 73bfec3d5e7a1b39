"""What the map lays over its coverage, for programs as ``/api`` tells everything: epidemic levels, canvassers' ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Blueprint, Response, request

from mapper.services import epidemic, reporting, tiles
from mapper.services import tracks as ways
from mapper.services.areas import check as check_area
from mapper.services.areas import read_area
from mapper.services.background import Stage
from mapper.services.tracks import Track
from mapper.web.accounts import reader
from mapper.web.api import GEOJSON, asked_day, asked_for, asked_question, first_set, kept_answer
from mapper.web.finished import Body, answer
from mapper.web.installation import installation

MVT = "application/vnd.mapbox-vector-tile"

map_layers = Blueprint("map_layers", __name__, url_prefix="/api")


@map_layers.get("/epidemic-levels")
def epidemic_levels() -> Response:
    """Level 1 to 4 of each commune on a day, and since when it holds; communes without one are left out.

    carried_from: by commune the set for whose units it was entered, where it was carried over.
    """
    user, asked = reader(), request.args
    day = asked_day(asked)
    set_id, found = epidemic.levels(installation().reference, user, asked.get("set", "") or first_set(), day)
    body = {
        "set": set_id,
        "date": day.isoformat(),
        "levels": {code: entry.level for code, entry in found.items()},
        "since": {code: entry.from_day.isoformat() for code, entry in found.items()},
        "carried_from": {code: entry.carried_from for code, entry in found.items() if entry.carried_from},
    }
    return answer(Body.of(orjson.dumps(body)), "application/json")


@map_layers.get("/tiles/<int:z>/<int:x>/<int:y>.mvt")
def tile(z: int, x: int, y: int) -> Response:
    """A vector tile of communes and hamlets with their figures, for the question that ``/api/coverage`` takes.

    layers: which of them, both without it; and ``borders``, the outlines of the units above the communes. A header
    ``Most`` tells the largest counts of people needed and due that any place of each layer has. Of a country, while
    the figures are worked out for the first time: 202, with ``stage`` and ``share`` of the work. A header ``Figures``
    says ``older`` where newer ones are being made, and ``partial`` where points stand in for areas.
    """
    here, user, question = installation(), reader(), asked_question()
    wanted = request.args.get("layers", "")
    layers = tuple(name for name in tiles.OFFERED if name in wanted.split(",")) if wanted else tiles.LAYERS
    now = reporting.version(here.reference)
    standing = here.grounds.ask(here.reference, user, question, now)
    ground = standing.made
    if ground is None:
        waits = Response(orjson.dumps({"stage": standing.stage, "share": round(standing.share, 3)}), 202)
        waits.content_type = "application/json"
        waits.headers.update({"Retry-After": "1", "Cache-Control": "private, no-store"})
        return waits
    key = ("tile", standing.made_from, question, z, x, y, layers, user.areas)
    body, whole = here.bodies.get(key), True
    if body is None:
        drawn = tiles.tile(here.grounds, here.reference, ground, z, x, y, layers)
        body, whole = Body.of(drawn.content), drawn.whole
        if whole:
            here.bodies.set(key, body)
    response = answer(body, MVT)
    response.headers["Most"] = orjson.dumps(ground.most()).decode()
    if not whole:
        response.headers["Figures"] = "partial"
    elif standing.stage is not Stage.DONE or standing.made_from != now:
        response.headers["Figures"] = "older"
    return response


@map_layers.get("/tracks")
def tracks() -> Response:
    """Each canvasser's houses of a day in the order of visiting: a line, and a point a house with the time of day.

    For those who oversee canvassers, within their area; nobody who lives there is named.
    """
    user, asked = reader(), request.args
    campaign, day, area = asked_for(asked, "campaign"), asked_day(asked), read_area(asked.get("area", ""))
    set_id = asked.get("set", "") or first_set()

    def made() -> bytes:
        check_area(installation().reference, user, set_id, area, day)
        found = ways.tracks(installation().reference, user, campaign, day, set_id, area)
        features = [feature for place, track in enumerate(found) for feature in _features(track, place)]
        return orjson.dumps({"type": "FeatureCollection", "features": features})

    key = ("tracks", campaign, day, set_id, area, user.areas, user.role)
    return kept_answer(key, reporting.version, made, GEOJSON)


def _features(track: Track, place: int) -> Iterator[dict[str, Any]]:
    """The line of a way, where it has two houses, then its houses. place: of the canvasser, for a colour."""
    whose = {"canvasser": track.user_id, "name": track.name, "place": place}
    corners = [[round(stop.lon, 6), round(stop.lat, 6)] for stop in track.stops]
    if len(corners) > 1:
        times = [stop.at for stop in track.stops if stop.at]
        told = {
            "kind": "track",
            "houses": len(corners),
            "first": times[0] if times else "",
            "last": times[-1] if times else "",
            "km": round(track.metres / 1000, 2),
        }
        yield _feature("LineString", corners, whose | told)
    for number, (stop, corner) in enumerate(zip(track.stops, corners, strict=True), 1):
        told = {"kind": "stop", "number": number, "time": stop.at, "by": "form" if stop.told else "arrival"}
        yield _feature("Point", corner, whose | told | {"submission": stop.instance_id})


def _feature(kind: str, corners: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": corners}, "properties": properties}
