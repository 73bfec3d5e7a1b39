"""A server on this machine that takes data values as DHIS2's developer manual says it does; no DHIS2 is needed.

It knows the units and codes it is told, keeps values by their key, deletes softly, and answers with import summaries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

TOKEN = "d2pat_invented"

Key = tuple[str, str, str, str, str]


class Dhis2(ThreadingHTTPServer):
    """values: what it holds, a whole number as text, None where softly deleted. refuse: answers given first."""

    daemon_threads = True

    def __init__(self, units: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.units = units
        self.values: dict[Key, str | None] = {}
        self.refuse: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def standing(self) -> dict[Key, int]:
        """Values not deleted."""
        return {key: int(value) for key, value in self.values.items() if value is not None}


class _Handler(BaseHTTPRequestHandler):
    server: Dhis2

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        if self.server.refuse:
            return self._answer(*self.server.refuse.pop(0))
        if self.headers.get("Authorization") != f"ApiToken {TOKEN}":
            return self._answer(401, {}, b'{"httpStatus":"Unauthorized","message":"Unauthorized"}')
        if self.headers["Content-Type"] != "application/json":
            return self._answer(415, {}, b"{}")
        asked = parse_qs(urlsplit(self.path).query)
        return self._take(json.loads(body), asked["importStrategy"][0], asked["dryRun"][0] == "true")

    def _take(self, body: dict[str, object], strategy: str, dry_run: bool) -> None:
        counts = dict.fromkeys(("imported", "updated", "ignored", "deleted"), 0)
        conflicts = []
        held = self.server.values
        rows: list[dict[str, str]] = body["dataValues"]  # type: ignore[assignment]
        for place, row in enumerate(rows):
            names = ("dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo")
            key: Key = tuple(row.get(name, "") for name in names)  # type: ignore[assignment]
            if row["orgUnit"] not in self.server.units:
                counts["ignored"] += 1
                told = {"object": row["orgUnit"], "value": "Organisation unit not found or not accessible"}
                conflicts.append({**told, "errorCode": "E7612", "property": "orgUnit", "indexes": [place]})
                continue
            before = held.get(key)
            if strategy == "DELETE":
                counts["ignored" if before is None else "deleted"] += 1
            else:
                counts["imported" if before is None else "updated"] += 1
            if not dry_run:
                held[key] = None if strategy == "DELETE" else row["value"]
        status = "WARNING" if conflicts else "SUCCESS"
        summary = {"responseType": "ImportSummary", "status": status, "importCount": counts, "conflicts": conflicts}
        code = 409 if conflicts else 200
        self._answer(code, {}, json.dumps({"httpStatusCode": code, "status": "OK", "response": summary}).encode())

    def _answer(self, code: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(code)
        for name, told in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, told)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def dhis2_server(units: set[str]) -> Iterator[Dhis2]:
    """One that runs until the end."""
    with Dhis2(units) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
