"""A filter of people laid over the map of coverage: where its address stands in the map's, and what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, jsonify, request, url_for

from mapper.domain.people_filter import read_filter
from mapper.domain.roles import READERS
from mapper.errors import Forbidden, InvalidInput, NotFound, Unavailable, mark
from mapper.services.background import Standing
from mapper.web.accounts import reader
from mapper.web.asked import of_the_map
from mapper.web.filter_chips import chips, reason_words
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.map_state import UNKNOWN, Notice
from mapper.web.wanted import read_wanted

FILTER = "filter"
"""Name in the map's address of the filter, which is an address in it; also that of the layer."""

filter_layer = Blueprint("filter_layer", __name__)


def laid_filter(query: Mapping[str, str], notices: list[Notice]) -> str:
    """The filter that a map's address holds, with its campaign; "" where there is none, or none that can be read."""
    text = query.get(FILTER, "")
    if not text:
        return ""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text):
        values.setdefault(name, []).append(value)
    try:
        wanted = read_filter(values)
    except InvalidInput:
        notices.append((UNKNOWN, {"name": FILTER, "value": text[:40], "shown": "-"}))
        return ""
    return urlencode([("campaign", each) for each in values.get("campaign", [])[:1]] + wanted.address())


def overlay() -> tuple[str, str, str]:
    """The layer as ``MapView`` has it: kind, name, address of its figures."""
    return FILTER, say("People of the filter"), url_for("filter_layer.by_hamlet")


def handed_on(notices: list[Notice]) -> dict[str, str]:
    """What this request's address says of the map alone, with its filter, for links and forms that lead back to it."""
    laid = laid_filter(request.args, notices)
    return of_the_map() | ({FILTER: laid} if laid else {})


@filter_layer.get("/api/people/by-hamlet")
def by_hamlet() -> Response | tuple[Response, int]:
    """People of a filter hamlet by hamlet; its address is that of ``/api/people``.

    ``hamlets`` are latitude, longitude, people and name, of very many the units around them; ``criteria`` are those of
    the filter in words; ``list`` is the address of the list; ``houses`` latitude, longitude and people, null for who
    may not see positions. While the lists are being prepared: 202 with ``share`` of it done.
    """
    user = reader()
    if user.role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    at = read_wanted(program=True)
    if at is None:
        raise NotFound(mark("No campaign, or no boundary set, is published yet."))
    from mapper.services.filter_layer import layer

    try:
        found = layer(installation().reference, user, at.question)
    except Unavailable as waiting:
        standing: Standing[None] | None = getattr(waiting, "standing", None)
        if standing is None:
            raise
        return jsonify(stage=standing.stage, share=round(standing.share, 3)), 202
    body: dict[str, Any] = {
        "people": found.of.people,
        "households": found.of.households,
        "criteria": [one.words for one in chips(at, found.of, reason_words(found.of, at.asked.day))],
        "list": f"{url_for('lists.page')}?{at.query(view='people')}",
        "hamlets": [
            [round(one.lat, 4), round(one.lon, 4), one.people, one.place.hamlet or one.place.unit]
            for one in found.hamlets
            if one.lat is not None and one.lon is not None
        ],
        "unplaced": sum(one.people for one in found.hamlets if one.lat is None),
        "houses": found.houses,
    }
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
