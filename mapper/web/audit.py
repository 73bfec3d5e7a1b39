"""The page of who did what, for administrators of the whole installation."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from mapper.domain.roles import Role
from mapper.errors import Forbidden, mark
from mapper.services import audit
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation

LISTED = 100
"""Entries on one page."""

trail = Blueprint("trail", __name__)
_only_for_administrators = only_for(Role.ADMINISTRATOR)


@trail.before_request
def _guard() -> Response | None:
    refused = _only_for_administrators()
    if refused is None and reader().areas:
        raise Forbidden(mark("The trail holds what was done everywhere; only an administrator without areas reads it."))
    return refused


@trail.get("/audit")
def audit_page() -> str:
    """The newest entries, chosen by kind and user; with ``?check=1`` the whole trail is checked besides."""
    reference = installation().reference
    before, user_id = _number("before"), _number("user")
    action = request.args.get("action", "")
    found = audit.entries(reference, LISTED + 1, before, action, user_id)
    return render_template(
        "audit.html",
        entries=found[:LISTED],
        older=found[LISTED - 1].seq if len(found) > LISTED else None,
        actions=audit.ACTIONS,
        action=action,
        user_id=user_id,
        verdict=audit.verify(reference) if request.args.get("check") else None,
    )


def _number(name: str) -> int | None:
    written = request.args.get(name, "")
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else None
