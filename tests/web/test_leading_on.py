"""An address that names a commune and no set opens in the set that has it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.client.site import Site
from tests.web.test_boundary_sets import a_later_set
from tests.web.test_forms_page import manager
from tests.web.test_pages import Reader, reader

ADDRESSES = ("/assignment?commune={}", "/follow-up?commune={}", "/fieldwork?commune={}", "/people?area=commune:{}")


@pytest.fixture
def chief(sqlite_site: Site, tmp_path: Path) -> Reader:
    """Somebody who sees everything, where the commune 00001 is of the older set alone."""
    a_later_set(sqlite_site, tmp_path)
    return manager(sqlite_site)


def opened(who: Reader, address: str) -> requests.Response:
    return who.session.get(f"{who.site.url}{address}", allow_redirects=False, timeout=30)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_commune_of_another_set_leads_on_to_it(chief: Reader, address: str) -> None:
    # On the day of the older set both codes are its own; on one of the later set the second alone is there.
    later = f"{address}&date=2026-01-01"
    assert opened(chief, later.format("00002")).status_code == 200
    led = opened(chief, later.format("00001"))
    assert led.status_code == 302
    asked = parse_qs(urlsplit(led.headers["Location"]).query)
    assert asked["set"] == ["squares"]
    assert asked["date"] == ["2026-01-01"]
    assert opened(chief, led.headers["Location"]).status_code == 200


def test_what_no_set_has_and_what_names_its_set_is_not_found(chief: Reader) -> None:
    for address in ("/follow-up?commune=99999", "/follow-up?commune=00001&set=later", "/people?area=commune:99999"):
        assert opened(chief, f"{address}&date=2026-01-01").status_code == 404


ASKED_BY_PROGRAMS = (
    "/api/coverage?campaign=mini&group=5_plus&dose=1&level=commune&date=2026-01-01&area=commune:{}",
    "/api/coverage-by-day?campaign=mini&group=5_plus&dose=1&level=commune&date=2026-01-01&area=commune:{}",
    "/api/forecast?campaign=mini&level=commune&from=2026-01-01&area=commune:{}",
    "/api/tracks?campaign=mini&date=2026-01-01&area=commune:{}",
)


@pytest.mark.parametrize("address", ASKED_BY_PROGRAMS)
def test_programs_are_told_which_set_has_a_code_and_how_to_ask_there(chief: Reader, address: str) -> None:
    # No zeros for a commune that the set of the day has not, and no answer of another set than was meant.
    answer = opened(chief, address.format("00001"))
    assert answer.status_code == 404, answer.text
    (one,) = answer.json()["error"]["elsewhere"]
    assert (one["set"], one["level"], one["code"], one["name"]) == ("squares", "commune", "00001", "Xã Một")
    assert parse_qs(urlsplit(one["address"]).query)["set"] == ["squares"]
    assert opened(chief, one["address"]).status_code == 200
    assert "elsewhere" not in opened(chief, address.format("99999")).json()["error"]
    assert opened(chief, address.format("00002")).status_code == 200


def test_figures_of_programs_keep_to_the_area_that_was_asked_for(chief: Reader) -> None:
    told = opened(chief, ASKED_BY_PROGRAMS[0].format("00001") + "&set=squares").json()
    assert [unit["code"] for unit in told["units"]] == ["00001"]


def test_the_page_of_a_unit_that_a_set_has_not_names_the_sets_that_have_its_code(chief: Reader) -> None:
    page = opened(chief, "/unit/later/commune/00001?date=2026-01-01")
    assert page.status_code == 404
    found = re.search(r'<a href="([^"]+)">Xã Một</a>', page.text)
    assert found is not None
    assert found[1] == "/unit/squares/commune/00001?date=2026-01-01"
    assert opened(chief, found[1]).status_code == 200
    told = opened(chief, "/api/units/later/commune/00001").json()["error"]["elsewhere"]
    assert [one["address"] for one in told] == ["/api/units/squares/commune/00001"]


def test_places_outside_a_readers_area_are_named_to_nobody(sqlite_site: Site, tmp_path: Path) -> None:
    a_later_set(sqlite_site, tmp_path)
    answer = opened(
        reader(sqlite_site, "squares:00002", role="commune_supervisor"), ASKED_BY_PROGRAMS[0].format("00001")
    )
    assert answer.status_code == 404
    assert "elsewhere" not in answer.json()["error"]


def test_words_of_the_framework_in_an_address_are_words_like_any_other(chief: Reader) -> None:
    asked = "endpoint=x&_scheme=javascript&_external=1&_anchor=x&_method=POST&values=1&number=9"
    for page in ("/?", "/forecast?level=commune&", "/follow-up?commune=00001&date=2026-01-01&", "/people?area=&"):
        answer = opened(chief, page + asked)
        assert answer.status_code in (200, 302), page
        assert answer.headers.get("Location", "/").startswith("/")
        assert not re.search(r"""(href|action)="(javascript|https?):""", answer.text), page
    assert opened(chief, f"/?{asked}").headers["Location"].endswith(asked)
