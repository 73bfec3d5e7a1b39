"""The operator's base map: its tiles for the browser, and where a map of ours finds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from markupsafe import escape

from mapper.errors import NotFound, SignInRequired, mark
from mapper.web.accounts import signed_in
from mapper.web.installation import installation

DAY_S = 24 * 3600

base_map = Blueprint("base_map", __name__)


@base_map.get("/basemap/<int:z>/<int:x>/<int:y>")
def tile(z: int, x: int, y: int) -> Response:
    """A tile of the base map's file; 204 where the file has none there, which is no fault."""
    if signed_in() is None:
        raise SignInRequired(mark("Sign in, or send the header Authorization: Bearer TOKEN."))
    held = installation().base_map
    if held is None:
        raise NotFound(mark("This server has no base map. Its operator may set MAPPER_BASEMAP."))
    found = held.tile(z, x, y)
    if found is None:
        response = Response(status=204)
    else:
        content, gzipped = found
        response = Response(content, content_type=held.media_type)
        if gzipped:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(f"{held.stamp}-{z}-{x}-{y}")
    response.headers["Cache-Control"] = f"private, max-age={DAY_S}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request)
    return response


class BaseTiles(NamedTuple):
    """The base map of this server's maps, as their views take it; see ``maps.base_tiles``."""

    url: str
    attribution: str
    options: Mapping[str, Any]


def base_tiles() -> BaseTiles:
    """The server's own file first, else the operator's address; "" where there is neither."""
    here = installation()
    held, settings = here.base_map, here.settings
    if held is None:
        return BaseTiles(settings.tile_url, settings.tile_attribution, {})
    # The file's stamp in the address: another file is another address, whatever browsers keep.
    url = f"{request.script_root}/basemap/{{z}}/{{x}}/{{y}}?v={held.stamp}"
    options = {"vector": held.is_vector, "max_native_zoom": held.zooms[1]}
    return BaseTiles(url, settings.tile_attribution or str(escape(held.attribution)), options)
