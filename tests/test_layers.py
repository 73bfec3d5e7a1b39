"""The rooms keep to their floors, and the check that says so is able to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layers import violations

CHECKOUT = Path(__file__).resolve().parent.parent


def house(root: Path, files: dict[str, str]) -> list[str]:
    """The violations of a made-up tree: {"store/tables": "import flask"} is mapper/store/tables.py."""
    for name, source in files.items():
        path = root / ("" if name == "server" else "mapper") / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return violations(root)


def test_imports_of_the_product_only_go_down() -> None:
    assert violations(CHECKOUT) == []


def test_the_product_is_what_is_read() -> None:
    assert (CHECKOUT / "mapper" / "domain" / "people.py").is_file()


def test_a_house_in_order_has_no_violations(tmp_path: Path) -> None:
    files = {
        "server": """
import flask
from mapper.settings import Settings
from mapper.web import pages
def create_app(settings: Settings) -> flask.Flask:
    return flask.Flask(__name__)
if __name__ == "__main__":
    create_app(Settings()).run()
""",
        "web/pages": """
from flask import Blueprint
from mapper.services import intake
pages = Blueprint("pages", "x")
""",
        "services/intake": """
from mapper.store import tables
from mapper.geo import units
from mapper.errors import mark
""",
        "store/tables": """
from sqlalchemy import MetaData, Table
from mapper.domain.people import Person
metadata = MetaData()
people = Table("people", metadata)
""",
        "geo/units": "import re\nimport shapely\nPATTERN = re.compile('x')\nSMALL = frozenset({1})",
        "formats/xlsform": "def read():\n    from pyxform.xls2xform import convert\n    return convert",
        "domain/people": "import datetime\nfrom mapper import errors\nclass Person:\n    born: datetime.date",
        "settings": "from pydantic_settings import BaseSettings",
        "language": "from babel.messages.pofile import read_po\nfrom mapper.errors import mark",
        "errors": "def mark(message: str) -> str:\n    return message",
    }
    assert house(tmp_path, files) == []


@pytest.mark.parametrize(
    ("room", "source", "expected"),
    [
        (
            "domain/people",
            "from mapper.store import tables",
            "mapper/domain/people.py:1: imports mapper.store; domain",
        ),
        ("domain/people", "import mapper.language", "mapper/domain/people.py:1: imports mapper.language; domain"),
        ("store/tables", "\nfrom mapper.services.intake import take", ":2: climbs from store to services"),
        ("services/intake", "import mapper.web.pages", ":1: climbs from services to web"),
        ("web/pages", "from server import create_app", ":1: climbs from web to server"),
        ("commands/plan", "from mapper.web import pages", ":1: commands and web are on one floor"),
        ("services/plans", "from mapper.commands import plan", ":1: climbs from services to commands"),
        ("commands/plan", "from mapper.settings import Settings", ":1: reads settings; only server.py does"),
        ("errors", "from mapper.language import translate", ":1: climbs from errors to language"),
        ("store/tables", "from mapper import geo", ":1: store and geo are on one floor; a service"),
        ("maps/page", "from ..store import tables", ":1: maps and store are on one floor"),
        ("geo/units", "def f():\n    import mapper.formats.instance", ":2: geo and formats are on one floor"),
        (
            "geo/units",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mapper.solve import sites",
            ":3: geo and solve are on one floor",
        ),
        ("services/intake", "from mapper.settings import Settings", ":1: reads settings; only server.py does"),
        (
            "services/intake",
            "from mapper.planning import sites",
            ":1: imports mapper.planning, a room that has no floor",
        ),
        ("planning/sites", "", "mapper/planning/sites.py:1: room planning has no floor"),
    ],
)
def test_an_import_that_climbs_or_crosses_is_named(tmp_path: Path, room: str, source: str, expected: str) -> None:
    found = house(tmp_path, {room: source})
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("room", "source", "owner"),
    [
        ("services/intake", "from sqlalchemy import text", "sqlalchemy, which belongs to mapper.store"),
        ("server", "import sqlalchemy", "sqlalchemy, which belongs to mapper.store"),
        ("formats/table", "import sqlite3", "sqlite3, which belongs to mapper.store"),
        ("services/intake", "from flask import request", "flask, which belongs to mapper.web and server"),
        ("web/map", "import folium", "folium, which belongs to mapper.maps"),
        ("services/plan", "import branca.colormap", "branca, which belongs to mapper.maps"),
        ("maps/page", "import shapely", "shapely, which belongs to mapper.geo"),
        ("services/plan", "import geopandas as gpd", "geopandas, which belongs to mapper.geo"),
        ("formats/forms", "import pyxform", "pyxform, which belongs to mapper.formats.xlsform"),
        ("formats/xlsform_old", "import pyxform", "pyxform, which belongs to mapper.formats.xlsform"),
        ("geo/clusters", "import ortools", "ortools, which belongs to mapper.solve"),
        ("domain/people", "import numpy", "numpy; domain is plain Python, standard library only"),
        ("errors", "import babel", "babel; errors is plain Python, standard library only"),
    ],
)
def test_a_library_outside_its_room_is_named(tmp_path: Path, room: str, source: str, owner: str) -> None:
    found = house(tmp_path, {room: source})
    assert len(found) == 1
    assert f":1: imports {owner}" in found[0]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("engine = create_engine('sqlite://')", "calls create_engine"),
        ("import flask\napp = flask.Flask(__name__)", "calls flask.Flask"),
        ("TEXT = open('a').read()", "calls open"),
        ("from pathlib import Path\nROWS = [x for x in Path('a').read_text().split()]", "calls Path('a').read_text"),
        ("import os\nHOME = os.environ['HOME']", "reads the environment"),
        ("from datetime import date\nTODAY = date.today()", "calls date.today"),
        ("from datetime import date\ndef age(day=date.today()): ...", "calls date.today"),
        ("class Page:\n    text = open('a').read()", "calls open"),
        ("import folium\nfolium.Map.default_js = []", "changes something made elsewhere"),
        ("warm_up()", "runs `warm_up()`"),
        ("for x in range(3):\n    pass", "runs `for x in range(3):`"),
        ("with lock:\n    pass", "runs `with lock:`"),
        ("try:\n    import uvloop\nexcept ImportError:\n    print('slow')", "runs `print('slow')`"),
        ("if FAST:\n    warm_up()", "runs `warm_up()`"),
    ],
)
def test_work_at_import_is_named(tmp_path: Path, source: str, what: str) -> None:
    found = [line for line in house(tmp_path, {"server": source}) if "which belongs to" not in line]
    assert len(found) == 1
    assert f": {what} when it is imported; do it in a function" in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "def later():\n    return open('a')",
        "LATER = lambda: open('a')",
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: list = field(default_factory=list)",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pathlib",
        "from enum import Enum\nclass A(Enum):\n    X = 'x'\nALL = tuple(a for a in A)",
        "if __name__ == '__main__':\n    print('on purpose')",
    ],
)
def test_what_waits_for_a_call_is_no_work_at_import(tmp_path: Path, source: str) -> None:
    assert house(tmp_path, {"server": source}) == []


def test_only_what_alembic_runs_may_act(tmp_path: Path) -> None:
    act = "run_migrations()"
    assert house(tmp_path, {"store/migrations/env": act}) == []
    assert house(tmp_path, {"store/env": act}) == [
        "mapper/store/env.py:1: runs `run_migrations()` when it is imported; do it in a function"
    ]


@pytest.mark.parametrize("name", ["store/utils", "geo/helpers", "services/common/dates"])
def test_a_room_without_a_purpose_is_named(tmp_path: Path, name: str) -> None:
    (found,) = house(tmp_path, {name: ""})
    assert "no room is called" in found


def test_a_circle_is_named_once(tmp_path: Path) -> None:
    files = {
        "store/a": "from mapper.store import b",
        "store/b": "def f():\n    from mapper.store.c import g",
        "store/c": "from . import a",
        "store/d": "from mapper.store import a",
    }
    found = house(tmp_path, files)
    assert found == ["mapper/store/a.py:1: imports in a circle: mapper.store.a, mapper.store.b, mapper.store.c"]


def test_a_package_that_shows_its_modules_is_no_circle(tmp_path: Path) -> None:
    files = {
        "store/__init__": "from mapper.store import a, b",
        "store/a": "from mapper.store import b",
        "store/b": "",
    }
    assert house(tmp_path, files) == []
    assert house(tmp_path, {"store/b": "from mapper import store"}) == [
        "mapper/store/__init__.py:1: imports in a circle: mapper.store, mapper.store.a, mapper.store.b"
    ]
