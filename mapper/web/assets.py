"""Static files under addresses that name their content, so that a browser asks for each only once."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, has_request_context, request, send_from_directory

STATIC = Path(__file__).parent / "static"
YEAR_S = 365 * 24 * 3600

assets = Blueprint("assets", __name__)


@lru_cache(maxsize=1)
def version() -> str:
    """A word that changes when any static file does.

    It stands in the path and not behind a question mark: scripts and styles that name each other by
    relative address then stay within one version.
    """
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def asset_url(name: str) -> str:
    """Address of a file below the static folder, as a page names it."""
    return (request.script_root if has_request_context() else "") + asset_path(name)


def asset_path(name: str) -> str:
    """The same as this server knows it: below whatever path a proxy gives the product."""
    return f"/assets/{version()}/{name}"


@assets.get("/assets/<asked>/<path:name>")
def asset(asked: str, name: str) -> Response:
    """One static file; kept by browsers for a year where its version is the present one."""
    response = send_from_directory(STATIC, name, max_age=YEAR_S if asked == version() else 0)
    if asked == version():
        response.cache_control.public = True
        response.cache_control.immutable = True
    return response
