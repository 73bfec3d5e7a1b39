"""What machines that watch the server are told: that it lives, whether it is ready, its numbers; and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from mapper.errors import Unavailable, mark
from mapper.services import readiness
from mapper.settings import Settings
from mapper.store import schema
from mapper.store.standing import Standing
from tests.client.collect import Collect, FilledForm, NotAccepted
from tests.client.site import House, Site
from tests.web.test_forms_page import manager

TOKEN = "a token for the watch"


def numbers(site: Site) -> dict[tuple[str, ...], float]:
    """Every number by name and the values of its labels."""
    page = site.get("/metrics", TOKEN)
    assert page.status_code == 200, page.text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


@pytest.fixture
def watched(run_site: Callable[[Settings], Site], tmp_path: Path) -> Site:
    """A server whose operator set a token."""
    return run_site(Settings(data_dir=tmp_path, metrics_token=TOKEN, disk_floor_mb=0))


def test_a_server_that_can_take_things_in_says_so_on_both_databases(site: Site) -> None:
    assert (site.get("/healthz").status_code, site.get("/healthz").text) == (200, "ok\n")
    answer = site.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {"database": True, "schema": True, "disk": True, "staying": True},
    }
    assert "Set-Cookie" not in answer.headers


def test_a_database_of_another_release_is_not_ready_and_the_process_still_lives(site: Site) -> None:
    with site.reference.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        answer = site.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": True, "schema": False, "disk": True, "staying": True}
        assert int(answer.headers["Retry-After"]) > 0
        assert site.get("/healthz").status_code == 200
    finally:
        with site.reference.database.write() as connection:
            head = connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": schema.head()})
            assert head.rowcount == 1
    assert site.get("/readyz").status_code == 200


def test_a_database_that_does_not_answer_is_not_ready_and_phones_are_told_when_to_come_again(
    watched: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = watched.phone()
    database = watched.reference.database

    def gone(begin: str, end: str = "") -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(database, "_borrow", gone)
    assert watched.get("/readyz").json()["checks"] == {
        "database": False,
        "schema": False,
        "disk": True,
        "staying": True,
    }
    answer = watched.get(f"/key/{phone.server_url.rpartition('/')[2]}/formList")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "OpenRosaResponse" in answer.text
    found = numbers(watched)
    assert found[("tungnha_database_up",)] == 0
    assert ("tungnha_counting_lag_seconds",) not in found


def test_a_disk_that_is_nearly_full_is_not_ready(run_site: Callable[[Settings], Site], tmp_path: Path) -> None:
    answer = run_site(Settings(data_dir=tmp_path, disk_floor_mb=10**9)).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["disk"] is False


def test_numbers_are_shown_to_the_token_alone_and_to_nobody_where_none_is_set(watched: Site, site: Site) -> None:
    assert watched.get("/metrics").status_code == 401
    assert watched.get("/metrics", "another token of that length").status_code == 401
    administrator = watched.user("administrator").token
    assert watched.get("/metrics", administrator).status_code == 401
    assert watched.get("/metrics", TOKEN).status_code == 200
    assert site.get("/metrics", TOKEN).status_code == 404


def test_what_phones_send_is_counted_by_what_became_of_it_and_nothing_of_it_is_told(watched: Site) -> None:
    phone = watched.phone()
    assert phone.send(House("uuid:1").form()).statuses == (201,)
    assert phone.send(House("uuid:2", version="never published").form()).statuses == (202,)
    with pytest.raises(NotAccepted):
        phone.send(House("uuid:1", head="Ai đó khác").form())
    with pytest.raises(NotAccepted):
        phone.send(FilledForm("broken.xml", b"<data", {}))
    watched.get("/api/coverage", campaign="Nông Thị Mỷ")
    watched.get("/unit/squares/commune/00001")
    watched.get("/no/such/Nông Thị Mỷ")
    found = numbers(watched)
    assert found[("tungnha_submissions_total", "counted")] == 1
    assert found[("tungnha_submissions_total", "kept")] == 1
    assert found[("tungnha_submissions_total", "refused")] == 2
    assert found[("tungnha_intake_seconds_count",)] == 4
    assert found[("tungnha_submissions_waiting", "flagged")] == 1
    assert found[("tungnha_submissions_waiting", "received")] == 0
    assert found[("tungnha_http_requests_total", "GET", "none", "4xx")] == 1
    assert found[("tungnha_http_requests_total", "POST", "/key/<token>/submission", "2xx")] == 2
    assert found[("tungnha_http_request_seconds_count", "programs")] == 1
    assert found[("tungnha_database_up",)] == 1
    assert found[("tungnha_database_connections", "idle")] >= 1
    assert found[("tungnha_http_requests_in_progress",)] == 1  # this one
    # What they are called; among the digits of a time any number may stand.
    page = "\n".join(line.rpartition(" ")[0] for line in watched.get("/metrics", TOKEN).text.splitlines())
    for told in ("Mỷ", "00001", "uuid", phone.server_url.rpartition("/")[2], "squares"):
        assert told not in page


def test_methods_and_addresses_that_somebody_makes_up_add_no_lines(watched: Site) -> None:
    watched.get("/healthz")
    numbers(watched)
    before = len(numbers(watched))
    for turn in range(30):
        watched.get(f"/made/up/{turn}")
        watched.get(f"/key/{turn}/formList")
    after = numbers(watched)
    made_up = [key for key in after if key[0] == "tungnha_http_requests_total" and "none" in key]
    assert made_up == [("tungnha_http_requests_total", "GET", "none", "4xx")]
    assert len(after) - before < 40


def test_lag_of_counting_is_the_age_of_the_oldest_and_never_negative() -> None:
    moment = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    oldest = (moment - timedelta(minutes=5)).isoformat(timespec="milliseconds")
    found = readiness.told(Standing({"received": 3, "flagged": 1}, oldest, {"running": 2, "done": 9}, {}), moment)
    assert found.submissions == {"received": 3, "held": 0, "flagged": 1}
    assert found.lag_s == 300
    assert found.plans == {"waiting": 0, "running": 2}
    assert found.boundary_sets == {"arriving": 0, "placing": 0}
    assert readiness.told(Standing({}, oldest, {}, {}), moment - timedelta(hours=1)).lag_s == 0
    assert readiness.told(Standing({}, None, {}, {}), moment).lag_s == 0


def test_every_answer_names_its_request_as_the_proxy_did_only_where_there_is_one(
    run_site: Callable[[Settings], Site], watched: Site, tmp_path: Path
) -> None:
    given = {"X-Request-ID": "0123456789abcdef"}
    own = requests.get(f"{watched.url}/healthz", headers=given, timeout=30).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{16}", own)
    assert own != given["X-Request-ID"]
    behind = run_site(Settings(data_dir=tmp_path, behind_proxy=True))
    assert (
        requests.get(f"{behind.url}/healthz", headers=given, timeout=30).headers["X-Request-ID"] == "0123456789abcdef"
    )
    odd = requests.get(f"{behind.url}/healthz", headers={"X-Request-ID": "a b\tc"}, timeout=30)
    assert re.fullmatch("[0-9a-f]{16}", odd.headers["X-Request-ID"])


def test_an_address_of_a_phone_is_one_template(watched: Site) -> None:
    for _ in range(3):
        phone: Collect = watched.phone()
        phone.form_list()
    assert numbers(watched)[("tungnha_http_requests_total", "GET", "/key/<token>/formList", "2xx")] == 3


def test_a_page_says_that_the_database_does_not_answer_whoever_asks(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = manager(sqlite_site)
    assert chief.get("/map").status_code == 200

    def gone(begin: str, end: str = "") -> None:
        raise Unavailable(mark("The database does not answer. Try again in a moment."))

    monkeypatch.setattr(sqlite_site.reference.database, "_borrow", gone)
    for path in ("/map?lang=en", "/submissions", "/sites"):
        answer = chief.get(path)
        assert (answer.status_code, answer.headers["Retry-After"] > "0") == (503, True)
        assert 'class="problem-code">503' in answer.text
    assert "Cơ sở dữ liệu không trả lời" in answer.text
