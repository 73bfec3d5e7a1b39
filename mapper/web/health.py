"""What watches the server asks: whether it lives, whether it should be sent requests, its numbers."""

from __future__ import annotations

from hmac import compare_digest

from flask import Blueprint, Response, current_app, jsonify, request

from mapper.errors import NotFound, mark
from mapper.services import readiness
from mapper.web.installation import installation
from mapper.web.watch import Watch

health = Blueprint("health", __name__)
RETRY_S = 15
NEVER_KEPT = {"Cache-Control": "no-store"}


@health.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers at all; nothing else is looked at."""
    return Response("ok\n", content_type="text/plain; charset=utf-8", headers=NEVER_KEPT)


@health.get("/readyz")
def ready() -> Response:
    """200 where requests should come here, else 503; each check by name, nothing that tells more of the inside."""
    here = installation()
    watch: Watch = current_app.extensions["watch"]
    held = readiness.checks(here.reference.database, here.settings.data_dir, here.settings.disk_floor_mb)
    held["staying"] = not watch.stopping
    well = all(held.values())
    answer = jsonify(ready=well, checks=held)
    answer.headers.update(NEVER_KEPT)
    if not well:
        answer.status_code = 503
        answer.headers["Retry-After"] = str(RETRY_S)
    return answer


@health.get("/metrics")
def metrics() -> Response:
    """Numbers for Prometheus, for whoever shows the token that the operator set; without one there are none."""
    wanted = installation().settings.metrics_token
    if not wanted:
        raise NotFound(mark("There is nothing at this address."))
    given = request.authorization
    token = given.token if given is not None and given.type == "bearer" else None
    if not compare_digest((token or "").encode(), wanted.encode()):
        return Response(status=401, headers={"WWW-Authenticate": "Bearer", **NEVER_KEPT})
    watch: Watch = current_app.extensions["watch"]
    text, kind = watch.metrics.page()
    return Response(text, content_type=kind, headers=NEVER_KEPT)
