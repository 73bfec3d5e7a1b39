"""Static files under addresses that name their content, so that a browser asks for each only once."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

STATIC = Path(__file__).parent / "static"
YEAR_S = 365 * 24 * 3600
COMPRESSED = frozenset({".js", ".css", ".svg", ".json"})

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
    """Address of a file below the static folder."""
    return f"/assets/{version()}/{name}"


@lru_cache(maxsize=128)
def _gzipped(name: str, _version: str) -> bytes:
    return gzip.compress((STATIC / name).read_bytes(), 9, mtime=0)


@assets.get("/assets/<asked>/<path:name>")
def asset(asked: str, name: str) -> Response:
    """One static file; kept by browsers for a year where its version is the present one."""
    response = send_from_directory(STATIC, name, max_age=YEAR_S if asked == version() else 0)
    if asked == version():
        response.cache_control.public = True
        response.cache_control.immutable = True
    if Path(name).suffix in COMPRESSED and request.accept_encodings.quality("gzip") > 0:
        packed = Response(_gzipped(name, version()), headers=dict(response.headers))
        packed.headers["Content-Encoding"] = "gzip"
        packed.headers["Content-Length"] = str(len(packed.get_data()))
        response.close()
        response = packed
    response.headers["Vary"] = "Accept-Encoding"
    return response
