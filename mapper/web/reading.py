"""Which requests are answered from the replica, and that nobody misses there what they have just written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from mapper.domain.whole import whole
from mapper.errors import MapperError, Unavailable
from mapper.store.database import Database
from mapper.store.replica import Replica
from mapper.web.accounts import signed_in

READING = frozenset(
    "api compare epidemic filter_layer follow_up hot_spots integrity list_paper lists map_layers odata pages people "
    "people_api places_api public reasons report submission surveys targets trends units upcoming wall".split()
)
"""Blueprints whose questions it answers: what reads much and writes nothing. Phones, plans, files that are followed
while they are made, users and the trail keep to the primary."""

WRITTEN = "written"
"""The cookie with the position of the log that its browser's own writing stands before."""

KEPT_S = 600
"""A replica so far behind serves nobody in any case."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def set_up(app: Flask, database: Database, answer: Callable[[MapperError], Response]) -> None:
    """Have the app read from the database's replica, where it has one. answer: to an error that stands."""
    replica = database.aside
    if not isinstance(replica, Replica):
        return
    replica.watch()

    @app.before_request
    def choose() -> None:
        Replica.turn(False)
        if request.method not in _SAFE or request.blueprint not in READING:
            return
        with suppress(Unavailable):
            signed_in()  # whom the primary knows no more is let in nowhere
        Replica.turn(replica.serves(_written()))

    @app.after_request
    def remember(response: Response) -> Response:
        Replica.turn(False)
        if request.method not in _SAFE and response.status_code < 400 and request.cookies:
            with suppress(Unavailable):  # what was written is written; it shows a little later
                position, secure = str(replica.written()), request.is_secure
                response.set_cookie(WRITTEN, position, max_age=KEPT_S, samesite="Lax", httponly=True, secure=secure)
        return response

    @app.teardown_request
    def turn_back(_fault: BaseException | None) -> None:
        Replica.turn(False)

    @app.errorhandler(Unavailable)
    def once_more(fault: Unavailable) -> ResponseReturnValue:
        """What the replica could not answer the primary does."""
        if not replica.is_asked:
            return answer(fault)
        replica.gives_up()
        Replica.turn(False)
        try:
            return current_app.dispatch_request()
        except MapperError as again:
            return answer(again)


def _written() -> int:
    return whole(request.cookies.get(WRITTEN, ""), 10**19) or 0
