"""What every answer tells a browser to refrain from; where a page wants less or more, what it says itself holds.

Source: OWASP Secure Headers Project; OWASP ASVS 4.0.3, V14.4 and V8.2.1.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, g
from werkzeug.wrappers import Response

from mapper.web.installation import installation

YEAR_S = 365 * 24 * 3600

EVERYWHERE = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Short: a phone pays for each of them with every upload."""

PAGES = (
    ("Cross-Origin-Opener-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(self), geolocation=(self), browsing-topics=(), display-capture=(), hid=(), microphone=(), midi=(), "
        "payment=(), serial=(), usb=()",
    ),
)
"""The camera reads slips, the place of a house is where its form is filled; nothing else is asked of a device."""

DATA = frozenset(
    {
        "application/atom+xml",
        "application/geo+json",
        "application/gpx+xml",
        "application/json",
        "application/vnd.google-earth.kml+xml",
        "application/xml",
        "image/svg+xml",
        "text/csv",
        "text/plain",
        "text/xml",
    }
)
"""Kinds that a browser would show as a page, and that run nothing. Not scripts: a worker's rules are its file's."""

NOTHING_RUNS = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


def set_up(app: Flask) -> None:
    """Guard every answer of the app: pages, files, errors, and what phones get."""
    app.after_request(guard)


def transport(public_url: str) -> tuple[tuple[str, str], ...]:
    """That browsers and phones come by https alone from now on, where the public address is https."""
    return (("Strict-Transport-Security", f"max-age={YEAR_S}"),) if public_url.startswith("https://") else ()


def nonce() -> str:
    """The word by which this response's own inline scripts are known to the browser."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def guard(response: Response) -> Response:
    """Say what holds for this kind of answer, unless the page said its own."""
    settings, told = installation().settings, response.headers
    for name, value in (*EVERYWHERE, *transport(settings.public_url)):
        told.setdefault(name, value)
    told.setdefault("Cache-Control", "private, no-store")
    if response.mimetype == "text/html":
        for name, value in PAGES:
            told.setdefault(name, value)
        told.setdefault("Content-Security-Policy", page_rules(settings.tile_url))
    else:
        told.setdefault(
            "Content-Security-Policy", NOTHING_RUNS if response.mimetype in DATA else "frame-ancestors 'none'"
        )
    return response


def page_rules(tile_url: str) -> str:
    """Let a page load nothing but what this server, and the operator's base map, hand out."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce()}'",
            f"img-src 'self' data: {_origin(tile_url)}".strip(),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _origin(tile_url: str) -> str:
    """Scheme and host of a tile address, its {s} as a wildcard; empty for none or for one on this server."""
    parts = urlsplit(tile_url)
    return f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}" if parts.scheme and parts.netloc else ""
