"""A boundary file sent on its page: imported beside the requests, told how far and how it ended, by administrators."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import pytest
import requests

from mapper.services import boundaries, boundary_uploads, set_periods
from mapper.services.accounts import OPERATOR
from mapper.services.background import Stage
from mapper.services.boundary_uploads import Coming
from mapper.store import reference as kept
from tests.client.site import SET_ID, Site
from tests.web.test_forms_page import manager
from tests.web.test_pages import Reader, reader

PATIENCE_S = 30


def a_file(code: str = "00002", **facts: str) -> bytes:
    """Both communes as one."""
    ring = [[105.0, 22.0], [105.2, 22.0], [105.2, 22.1], [105.0, 22.1], [105.0, 22.0]]
    told = {"commune_code": code, "commune_name": "Xã Chung", "province_code": "01", "province_name": "Tỉnh", **facts}
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature: dict[str, Any] = {"type": "Feature", "properties": told, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def send(who: Reader, content: bytes | None, **typed: str) -> requests.Response:
    """Send the form."""
    key = re.search(r'name="csrf_token" value="([^"]+)"', who.get("/boundary-sets").text)
    assert key
    return who.session.post(
        f"{who.site.url}/boundary-sets/import?lang=en",
        data={"csrf_token": key[1], **typed},
        files={"file": ("later.geojson", content)} if content is not None else None,
        allow_redirects=False,
        timeout=60,
    )


def ended(who: Reader, address: str) -> str:
    """The page of an import once it has ended."""
    until = monotonic() + PATIENCE_S
    while who.get(f"{address}/progress").json()["stage"] in ("waiting", "running"):
        assert monotonic() < until
        sleep(0.02)
    return who.get(address, lang="en").text


@pytest.fixture
def site(sqlite_site: Site) -> Site:
    """A set until 30-06-2025."""
    set_periods.change(sqlite_site.reference, OPERATOR, SET_ID, date(2020, 1, 1), date(2025, 6, 30))
    return sqlite_site


def test_a_file_becomes_a_set_that_readers_see(site: Site) -> None:
    chief = manager(site)
    assert 'href="/boundary-sets/import"' in chief.get("/boundary-sets").text
    assert 'type="file"' in chief.get("/boundary-sets/import").text
    sent = send(chief, a_file(), id="later", label="Từ 2025", first="2025-07-01", source="NQ 9")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/boundary-sets/import/later")
    page = ended(chief, "/boundary-sets/import/later")
    assert "The set is added" in page
    assert "Từ 2025" in page
    shown = {one["id"]: one for one in chief.get("/api/boundary-sets").json()["sets"]}["later"]
    assert (shown["state"], shown["valid_from"], shown["source"]) == ("shown", "2025-07-01", "NQ 9")
    assert "boundary set imported" in chief.get("/audit", lang="en").text


def test_a_file_that_cannot_be_read_is_told_with_its_cure_and_adds_nothing(site: Site) -> None:
    chief = manager(site)
    sent = send(chief, b"not an outline", id="later", first="2025-07-01")
    page = ended(chief, sent.headers["Location"])
    assert "is not a boundary file" in page
    assert [one["id"] for one in chief.get("/api/boundary-sets").json()["sets"]] == [SET_ID]
    again = send(chief, a_file(), id="later", first="2025-07-01")  # the same id may be sent again
    assert "The set is added" in ended(chief, again.headers["Location"])


@pytest.mark.parametrize(
    ("content", "typed", "status", "words"),
    [
        (None, {}, 400, "Choose a file"),
        (b"", {"id": "later"}, 400, "The file is empty"),
        (a_file(), {"id": "Not an id"}, 400, "is no id of a boundary set"),
        (a_file(), {"id": SET_ID}, 409, "There is a boundary set squares already"),
        (a_file(), {"id": "later", "first": "01-07-2025"}, 400, "is no day"),
        (a_file(), {"id": "later", "upper": "zone"}, 400, "names no level"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_once(
    site: Site, content: bytes | None, typed: dict[str, str], status: int, words: str
) -> None:
    refused = send(manager(site), content, **typed)
    assert refused.status_code == status
    assert words in refused.text


def test_a_set_on_the_days_of_another_is_refused_by_its_import(site: Site) -> None:
    chief = manager(site)
    page = ended(chief, send(chief, a_file(), id="later", first="2024-01-01").headers["Location"])
    assert "would hold on the same ground and the same days" in page


def test_only_administrators_without_an_area_add_sets(site: Site) -> None:
    supervisor = reader(site)
    assert "/boundary-sets/import" not in supervisor.get("/boundary-sets").text
    assert supervisor.get("/boundary-sets/import").status_code == 403
    assert send(supervisor, a_file(), id="later").status_code == 403
    assert supervisor.get("/boundary-sets/import/later/progress").status_code == 403


def test_an_import_whose_process_ended_is_told(site: Site) -> None:
    boundary_uploads.begin(site.reference, "later")
    found = boundary_uploads.look(site.reference, "later")
    assert found
    assert found.at_work
    with site.reference.database.write() as connection:
        told = json.loads(kept.fact(connection, "import later") or "")
        told["at"] = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
        kept.set_fact(site.reference.database, connection, "import later", json.dumps(told))
    assert (boundary_uploads.look(site.reference, "later") or found).stage is Stage.FAILED
    assert (boundary_uploads.look(site.reference, "later", here=True) or found).at_work
    page = manager(site).get("/boundary-sets/import/later", lang="en").text
    assert "Nothing was added. Send the file again." in page


def test_a_set_that_would_make_the_register_anew_is_asked_for_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundaries, "home_of", lambda sets, hamlets: "later")
    monkeypatch.setattr(boundaries.placements, "count", lambda connection: 1)
    chief = manager(site)
    page = ended(chief, send(chief, a_file(), id="later", first="2025-07-01").headers["Location"])
    assert "register and figures are made anew" in page
    again = send(chief, a_file(), id="later", first="2025-07-01", rebuild="yes")
    assert "The set is added" in ended(chief, again.headers["Location"])


def test_how_far_it_is_stands_in_the_database(site: Site) -> None:
    """Another process reads it there, while its own knows nothing of the work."""
    boundary_uploads.begin(site.reference, "later")
    assert manager(site).get("/boundary-sets/import/later/progress").json() == {"stage": "waiting", "share": 0}
    assert isinstance(boundary_uploads.look(site.reference, "later"), Coming)
    boundary_uploads.refuse(site.reference, "later")
    assert boundary_uploads.look(site.reference, "later") is None
