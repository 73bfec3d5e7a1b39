"""Addresses that somebody wrote by hand, of whom nobody knows what they wanted: answered in words, never by a fault."""

from __future__ import annotations

import pytest

from tests.client.site import Site
from tests.web.test_forms_page import manager

DATED = ("/map", "/map/compare", "/integrity", "/integrity/progress", "/upcoming", "/targets", "/stock", "/forecast")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_there_is_are_days(sqlite_site: Site, day: str) -> None:
    chief = manager(sqlite_site)
    answered = {path: chief.session.get(f"{sqlite_site.url}{path}?date={day}").status_code for path in DATED}
    # 400, with the reason in words, where a campaign has no figures of that day.
    assert {path: status for path, status in answered.items() if status not in (200, 400)} == {}
