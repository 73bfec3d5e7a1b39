"""Routing engines for tests: the real ones where they are installed, else what they answered when they were asked here.

``MAPPER_ENGINES`` names a folder of Python packages with osrm-bindings and pyvalhalla (both have the engines' programs;
they need Python 3.12, their programs do not). With ``MAPPER_RECORD=1`` besides, the answers are kept anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

import requests

from tests.formats.road_town import osm_xml, town_ways, write_extract

ANSWERS = Path(__file__).with_name("routing_answers.json")
ENGINES, RECORD = os.environ.get("MAPPER_ENGINES", ""), bool(os.environ.get("MAPPER_RECORD"))
LIVE = {"osrm_car": "osrm", "osrm_foot": "osrm", "valhalla": "valhalla"}

Answer = Callable[[str, str, str], tuple[int, str]]
"""Of a method, a path with its question, and a body: the status and the text, or where a redirect leads."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server of ours on this machine that answers so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, text = answer(self.command, self.path, self.rfile.read(length).decode())
            content = text.encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def engine(name: str, folder: Path) -> Iterator[str]:
    """The engine of that name over the invented town, or what it answered; its address."""
    told = {} if RECORD else _known().get(name, {})
    if not ENGINES:
        with serving(lambda *asked: tuple(told.get(" ".join(asked), (400, '{"code": "NotRecorded"}')))) as address:
            yield address
        return
    with ExitStack() as stack:
        address = stack.enter_context(_live(name, folder))
        if not RECORD:
            yield address
            return

        def record(method: str, path: str, body: str) -> tuple[int, str]:
            found = requests.request(method, address + path, data=body.encode(), timeout=30)
            told[f"{method} {path} {body}"] = [found.status_code, found.text]
            return found.status_code, found.text

        yield stack.enter_context(serving(record))
        # Another engine may have kept its own meanwhile.
        known = _known() | {name: told}
        ANSWERS.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def _known() -> dict[str, dict[str, list[object]]]:
    return dict(json.loads(ANSWERS.read_text("utf-8"))) if ANSWERS.exists() else {}


@contextmanager
def _live(name: str, folder: Path) -> Iterator[str]:
    extract = write_extract(folder / "town.osm.pbf", osm_xml(town_ways()))
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    packages = Path(ENGINES)
    if LIVE[name] == "osrm":
        programs, profile = packages / "osrm" / "bin", packages / "osrm" / "share" / "profiles"
        kind = f"{name.removeprefix('osrm_')}.lua"
        _run(programs / "osrm-extract", "-p", profile / kind, extract)
        _run(programs / "osrm-contract", folder / "town.osrm")
        command = [programs / "osrm-routed", "-i", "127.0.0.1", "-p", str(port), folder / "town.osrm"]
    else:
        programs = packages / "valhalla" / "bin"
        settings = folder / "valhalla.json"
        settings.write_text(json.dumps(_valhalla(packages, folder, port)), "utf-8")
        _run(programs / "valhalla_build_tiles", "-c", settings, extract)
        command = [programs / "valhalla_service", settings, "1"]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            run.terminate()


def _valhalla(packages: Path, folder: Path, port: int) -> dict[str, object]:
    """Valhalla's own settings, with tiles and sockets in a folder of ours."""
    made = subprocess.run(
        [next(packages.parents[2].glob("bin/python3")), "-m", "valhalla.valhalla_build_config"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    settings = json.loads(made.stdout)
    settings["mjolnir"] |= {"tile_dir": str(folder / "tiles"), "tile_extract": "", "admin": "", "timezone": ""}
    sockets = {"loopback": f"ipc://{folder}/loopback", "interrupt": f"ipc://{folder}/interrupt"}
    settings["httpd"]["service"] |= {"listen": f"tcp://127.0.0.1:{port}"} | sockets
    for part in ("loki", "thor", "odin"):
        settings[part]["service"]["proxy"] = f"ipc://{folder}/{part}"
    return dict(settings)


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def _wait(port: int) -> None:
    for _ in range(200):
        with socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")
