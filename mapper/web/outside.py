"""Addresses as the world outside knows them: of this host or of the operator's, and below a path where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from flask import request, url_for

from mapper.web.installation import installation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def root() -> str:
    """Address of the product, without a slash at the end: the operator's, else that which was asked for."""
    return (installation().settings.public_url or request.url_root).rstrip("/")


def outside(endpoint: str, **values: Any) -> str:
    """The whole address of a page, for what is printed, saved or sent on."""
    return root() + url_for(endpoint, **values).removeprefix(request.script_root)


def with_asked(endpoint: str, parts: Mapping[str, Any], asked: Mapping[str, str | Sequence[str]]) -> str:
    """The path of a page with what a reader's address asked behind it, whatever they called it.

    ``url_for`` alone takes ``_scheme``, ``_anchor`` or ``endpoint`` for words of its own, and a name of ``parts`` for
    that part of the path.
    """
    query = urlencode(asked, doseq=True)
    return url_for(endpoint, **parts) + (f"?{query}" if query else "")


def path_of(public_url: str) -> str:
    """The path below which an address has the product, "" for the whole of its host."""
    return urlsplit(public_url).path.rstrip("/")


class Below:
    """The product below a path of its host: every address names it, whether or not the proxy takes it off."""

    def __init__(self, app: WSGIApplication, path: str) -> None:
        self._app, self._path = app, path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        asked = environ.get("PATH_INFO", "")
        if asked == self._path or asked.startswith(f"{self._path}/"):
            environ["PATH_INFO"] = asked[len(self._path) :] or "/"
        environ["SCRIPT_NAME"] = self._path
        return self._app(environ, start_response)
