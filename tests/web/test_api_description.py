"""Every address for programs is described, with every name that its view reads; and the description holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from mapper.domain.people_filter import NAMES
from mapper.web.api_description import ROUTES, describe
from mapper.web.api_parameters import PARAMETERS
from server import create_app
from tests.api_attack import ask_all
from tests.client.site import Site
from tests.web.page_attack import Read


@pytest.fixture
def app(sqlite_site: Site) -> Flask:
    """The application of a site with two communes."""
    return create_app(sqlite_site.settings, sqlite_site.reference)


def of_api(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and rule of each address for programs."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            yield from ((rule.endpoint, one, rule.rule) for one in (rule.methods or set()) - {"HEAD", "OPTIONS"})


def operations(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each operation of a description."""
    for methods in told["paths"].values():
        yield from methods.values()


def test_every_address_for_programs_is_described_and_none_that_is_gone(app: Flask) -> None:
    assert {endpoint for endpoint, _, _ in of_api(app)} == set(ROUTES)
    assert len(list(operations(describe(app)))) == len(list(of_api(app)))
    for one in operations(describe(app)):
        assert len(one["summary"]) > 10, one["operationId"]


def test_every_name_is_told_once_and_used(app: Flask) -> None:
    used = {name.rstrip("!") for route in ROUTES.values() for name in route.asks.split()} | {"lang"}
    assert used == set(PARAMETERS)
    assert set(PARAMETERS) >= NAMES


def test_examples_fit_their_schemas() -> None:
    for name, (_, schema, example) in PARAMETERS.items():
        if example is not None:
            assert jsonschema_rs.is_valid(schema, example), name


def test_the_description_wants_no_sign_in_and_tells_of_nobody(sqlite_site: Site) -> None:
    client = create_app(sqlite_site.settings, sqlite_site.reference).test_client()
    answer = client.get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.get_json()["openapi"] == "3.1.0"
    for secret in ("Xã Một", "0000101", "squares"):
        assert secret not in answer.get_data(as_text=True)


ASKED = {
    "campaign": "mini",
    "group": "5_plus",
    "dose": "1",
    "date": "2022-08-31",
    "set": "squares",
    "level": "commune",
    "q": "Xã",
    "with": "1",
}


def test_every_name_that_a_view_reads_is_described(app: Flask, sqlite_site: Site) -> None:
    app.request_class = type("Noting", (app.request_class,), {"parameter_storage_class": Read})
    client, boss = app.test_client(), sqlite_site.user("supervisor", "squares:001")
    undescribed = []
    for endpoint, method, rule in of_api(app):
        described = {name.rstrip("!") for name in ROUTES[endpoint].asks.split()} | {"lang"}
        path = rule.replace("<set_id>/<level>/<path:code>", "squares/commune/00001").replace("<old>", "squares")
        path = path.replace("<new>", "squares").replace("<int:number>", "1").replace("<int:z>/<int:x>/<int:y>", "9/1/1")
        Read.names.clear()
        asked = {name: value for name, value in ASKED.items() if name in described}
        client.open(path, method=method, query_string=asked, headers={"Authorization": f"Bearer {boss.token}"})
        undescribed += [f"{method} {rule} reads {name}" for name in sorted(Read.names - described)]
        missing = {name.rstrip("!") for name in ROUTES[endpoint].asks.split() if name.endswith("!")} - Read.names
        undescribed += [f"{method} {rule} never reads {name}" for name in sorted(missing)]
    assert not undescribed, "\n".join(undescribed)


def test_answers_to_made_up_questions_are_as_described(app: Flask, sqlite_site: Site) -> None:
    seen: set[int] = set()
    wrong = list(ask_all(app, sqlite_site.reference, 5, 1, seen))
    assert not wrong, "\n\n".join(wrong)
    assert {200, 400, 404} <= seen


def test_an_answer_that_is_not_described_is_found(app: Flask, sqlite_site: Site) -> None:
    app.view_functions["api.version"] = lambda: ({"version": 1}, 200)
    app.view_functions["api.sets"] = lambda: ({}, 418)
    wrong = list(ask_all(app, sqlite_site.reference, 1, 1))
    assert sorted(one.split(":")[0] for one in wrong) == ["GET /api/sets", "GET /api/version"]
