"""Whoever is shown a person's name stands in the audit trail: every address is asked, and what it shows is looked at.

A new address that names people and enters nothing fails here, by itself.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

import pytest

from mapper.services import audit
from mapper.services.reference import Reference
from mapper.settings import Settings
from tests.client.site import running
from tests.web.every_role import SLOW, Walker, World, read, rules, walk, world

pytestmark = pytest.mark.long

PEOPLE = ("Lò Thị Ún", "Lò Văn Bình", "Lò Mai", "Ma Thị Xuân", "Ma Văn Thu")
"""Whom the census knows there; users of the server are none of them."""

NO_TRAIL: dict[str, str] = {
    "openrosa_key.media": "a canvasser's own lists, which the phone asks for again and again; its QR code is entered",
    "openrosa_trying.media": "the same of a form on trial",
}
"""Endpoints that name people and enter nothing, and why."""

PATIENCE_S = 5


@pytest.fixture(scope="module")
def here(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A district where something of everything happened."""
    folder = tmp_path_factory.mktemp("trail")
    (folder / "site.sqlite3").write_bytes(filled_sqlite.read_bytes())
    settings = Settings(data_dir=folder, chunk_mb=1, max_submission_mb=4)
    with running(settings, f"sqlite:///{folder / 'site.sqlite3'}") as site:
        return world(site, folder / "site.sqlite3", folder)


def reference_of(walker: Walker) -> Reference:
    """The database that somebody walks through."""
    found: Reference = walker.app.extensions["mapper"].reference
    return found


def entered(walker: Walker) -> int:
    """How many entries the trail has."""
    return audit.size(reference_of(walker))


def look(walker: Walker) -> None:
    """Ask for everything there is to read."""
    silent, named = {}, set()
    for row, rule in rules(walker.app).items():
        if not row.startswith("GET "):
            continue
        before, answer, until = entered(walker), walker.ask(row, rule), monotonic() + PATIENCE_S
        while rule.endpoint in SLOW and answer.status_code in (202, 302, 303) and monotonic() < until:
            sleep(0.1)
            answer = walker.ask(row, rule)
        shown = [one for one in PEOPLE if one in read(answer)]
        if shown:
            named.add(rule.endpoint)
            if entered(walker) == before and rule.endpoint not in NO_TRAIL:
                silent[rule.endpoint] = shown
        before = entered(walker)
        for other in walker.others(row, rule):
            if any(one in read(other) for one in PEOPLE) and entered(walker) == before:
                silent[rule.endpoint] = ["at another of its addresses"]
            before = entered(walker)
    assert silent == {}
    # Were nobody named anywhere, this would prove nothing.
    assert {"submission.page", "lists.page", "people_api.people", "slips.house", "submission.xml"} <= named
    told = [f"{one.subject} {one.facts}" for one in audit.entries(reference_of(walker), 10_000)]
    assert len(told) > 15
    assert [each for each in told if any(name in each for name in PEOPLE)] == []


@pytest.mark.parametrize("who", ["admin"])
def test_whoever_is_shown_a_name_is_entered_and_no_entry_names_anybody(here: World, tmp_path: Path, who: str) -> None:
    with walk(here, tmp_path, who) as walker:
        look(walker)
