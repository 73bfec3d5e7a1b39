"""Every request seen from outside: how long it took, what was answered, a line in the log; none while stopping.

Nothing of what was asked goes further than the template of its address: tokens, codes and names stand in addresses.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from werkzeug.wsgi import ClosingIterator

from mapper.errors import Unavailable, mark
from mapper.web.metrics import Metrics
from mapper.web.phones import PROBLEM, ROUTE, USER, for_phones

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("mapper.requests")

BEGAN = "mapper.began"
"""When the first byte of a request came, by ``time.perf_counter``; where the server told."""

LATE = "mapper.late"
STREAMED = "mapper.streamed"
"""There where the body is still to be made when the answer begins."""
UNLISTED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: in the log only where something is wrong."""

STARTED_ANEW = mark("The server is being started anew. Try again in a moment.")
_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")


class Watch:
    """Stands around the application (PEP 3333).

    trusted: whether a proxy in front names the requests, in X-Request-ID.
    """

    def __init__(self, application: WSGIApplication, metrics: Metrics, trusted: bool) -> None:
        self._application, self.metrics, self._trusted = application, metrics, trusted
        self._stopped_at: float | None = None

    def stop(self) -> None:
        """From now on refuse what comes; what has begun to come is answered."""
        if self._stopped_at is None:
            self._stopped_at = time.perf_counter()

    @property
    def stopping(self) -> bool:
        """Whether the server was told to stop."""
        return self._stopped_at is not None

    def comes_late(self, began: float) -> bool:
        """Whether a request began to come after the server was told to stop."""
        return self._stopped_at is not None and began > self._stopped_at

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        began: float = environ.setdefault(BEGAN, time.perf_counter())
        if self.comes_late(began):
            environ[LATE] = True
            environ[PROBLEM] = Unavailable(STARTED_ANEW)  # no short cut takes it
        name = self._name(environ)
        answered = [500]

        def start(status: str, headers: list[tuple[str, str]], *others: Any) -> Any:
            answered[0] = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", name)], *others)

        def end() -> None:
            self._end(environ, name, answered[0], time.perf_counter() - began)

        self.metrics.begin()
        try:
            answer = self._application(environ, start)
        except BaseException:
            end()
            raise
        if STREAMED in environ and isinstance(answer, ClosingIterator):
            return ClosingIterator(answer, end)
        end()
        return answer

    def _name(self, environ: WSGIEnvironment) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "") if self._trusted else ""
        return given if _ID.fullmatch(given) else secrets.token_hex(8)

    def _end(self, environ: WSGIEnvironment, name: str, status: int, seconds: float) -> None:
        route, method = environ.get(ROUTE, ""), environ["REQUEST_METHOD"]
        self.metrics.end(method, route, kind_of(route), status, seconds)
        if not log.isEnabledFor(logging.INFO) or (route in UNLISTED and status < 400):
            return
        facts: dict[str, object] = {
            "request_id": name,
            "method": method if method.isalpha() and len(method) < 10 else "OTHER",
            "route": route or "none",
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        if (user := environ.get(USER)) is not None:
            facts["user"] = user
        level = logging.ERROR if status == 500 else logging.WARNING if status > 500 else logging.INFO
        log.log(level, "%s %s %s", facts["method"], facts["route"], status, extra={"facts": facts})


def kind_of(route: str) -> str:
    """Who asks an address of this template: phones, programs, pages, files of the pages, or nobody."""
    if not route:
        return "none"
    if for_phones(route):
        return "phones"
    first = route.lstrip("/").partition("/")[0]
    return {"api": "programs", "odata": "programs", "static": "files"}.get(first, "pages")


def set_up(app: Flask) -> None:
    """Have the application tell the template of the address, and the number of who asks."""

    @app.before_request
    def template() -> None:
        request.environ[ROUTE] = request.url_rule.rule if request.url_rule is not None else ""
        if LATE in request.environ and request.environ[ROUTE] not in UNLISTED:
            raise Unavailable(STARTED_ANEW)

    @app.after_request
    def streamed(response: Response) -> Response:
        if response.is_streamed and not response.direct_passthrough:
            request.environ[STREAMED] = True
        return response

    @app.teardown_request
    def asker(_fault: BaseException | None) -> None:
        found = getattr(g.get("_login_user"), "user", None)
        if found is not None:
            request.environ[USER] = found.id
