"""What every answer is to carry, whoever asks for whatever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from werkzeug.datastructures import Headers

PEOPLE = re.compile(
    r" /(list|people|export|users|account|submission|slips|follow-up|plans/<int:number>/(people|sites|files)|audit|"
    r"national-register|integrity|conflicts|cleaning|assignment|api/people|api/plans|odata|exchange/fhir|upcoming)\b"
)
"""Addresses whose answers name people, houses or users: nothing of them stays in a browser."""


class Answer(Protocol):
    """What a test client got."""

    status_code: int
    headers: Headers

    @property
    def mimetype(self) -> str:
        """Kind of the body."""


def faults(answer: Answer, row: str) -> Iterator[str]:
    """What an answer lacks. row: method and rule."""
    told = answer.headers
    rules = told.get("Content-Security-Policy", "")
    if told.get("X-Content-Type-Options") != "nosniff":
        yield "may be taken for another kind"
    if told.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        yield "tells other sites its address"
    if "frame-ancestors 'none'" not in rules and "sandbox" not in rules:
        yield "may stand in a frame"
    if told.get("Cross-Origin-Resource-Policy") != "same-origin":
        yield "may be drawn into another site"
    if not told.get("Cache-Control"):
        yield "does not say who may keep it"
    kept = told.get("Cache-Control", "")
    names = re.search(PEOPLE, row) and not re.search(r"slips/(check|offline)", row) and answer.status_code == 200
    if names and "no-store" not in kept:
        yield f"names people and may be kept: {kept}"
    if answer.mimetype == "text/html":
        scripts = next((one for one in rules.split("; ") if one.startswith("script-src")), "")
        if not scripts or "'unsafe-inline'" in rules.replace("style-src 'self' 'unsafe-inline'", "") or "*" in scripts:
            yield f"runs scripts of anybody: {rules}"
        if "object-src 'none'" not in rules and "default-src 'none'" not in rules:
            yield "draws plug-ins in"
        if not told.get("Permissions-Policy") or told.get("Cross-Origin-Opener-Policy") != "same-origin":
            yield "leaves camera and window to others"
