"""The pages where forms are filled in a browser: who is let in, what they may load, and what they keep."""

from __future__ import annotations

import json
import re

import pytest
import requests
from sqlalchemy import select

from mapper.store import tables
from mapper.web.fill import RULES
from mapper.web.phones import for_phones
from tests.client.site import House, Site

DEAD = "This server address is no longer valid. Ask your supervisor for a new QR code, and open it in this same browser"


def page_data(text: str) -> dict[str, object]:
    """What a page tells its scripts."""
    found = re.search(r'id="page-data">(.*?)</script>', text)
    assert found
    data: dict[str, object] = json.loads(found[1])
    return data


@pytest.mark.parametrize("path", ["fill", "fill/house_check", "fill/a%2Fb", "fill-worker.js"])
def test_only_a_living_key_opens_the_pages(site: Site, path: str) -> None:
    token = site.user("canvasser", "001").token
    assert site.get(f"/key/{token}/{path}").status_code == 200
    refused = site.get(f"/key/{token}x/{path}", lang="en")
    assert refused.status_code == 403
    assert refused.headers["Content-Type"].startswith("text/html")
    assert DEAD in refused.text


@pytest.mark.parametrize("path", ["fill", "fill/house_check", "fill-worker.js"])
def test_only_the_key_of_a_trial_opens_the_pages_where_a_draft_is_tried(site: Site, path: str) -> None:
    token = site.user("canvasser", "001").token
    refused = site.get(f"/test/{token}/{path}", lang="en")
    assert refused.status_code == 403
    assert refused.headers["Content-Type"].startswith("text/html")
    assert refused.headers["Content-Security-Policy"] == RULES
    assert "This form is no longer being tried." in refused.text


def test_the_worker_sends_only_where_it_is_asked_to(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    plain = sqlite_site.get(f"/key/{token}/fill-worker.js").text
    assert plain.startswith("self.KEPT = ")
    sends = sqlite_site.get(f"/key/{token}/fill-worker.js", sends="").text
    first, rest = sends.split("\n", 1)
    assert re.fullmatch(r'import "/assets/[0-9a-f]{12}/js/fill_sync\.js";', first)
    assert rest == plain


def test_keys_of_two_users_have_nothing_in_common_and_a_renewed_one_finds_what_the_old_one_left(
    sqlite_site: Site,
) -> None:
    tokens = [sqlite_site.user("canvasser", "001", name=name).token for name in ("Tẩn Mẩy", "Lý Páo", "Tẩn Mẩy")]
    assert sqlite_site.get(f"/key/{tokens[0]}/fill").status_code == 403
    other, renewed = [page_data(sqlite_site.get(f"/key/{token}/fill").text) for token in tokens[1:]]
    assert other["store"] != renewed["store"]
    assert other["key"] != renewed["key"]
    with sqlite_site.reference.database.read() as connection:
        number = connection.scalar(select(tables.users.c.id).where(tables.users.c.name == "Tẩn Mẩy"))
    assert renewed["store"] == f"fill-{number}"


def test_a_revoked_key_opens_nothing_at_once(site: Site) -> None:
    token = site.user("canvasser", "001", name="Tẩn Mẩy").token
    assert site.get(f"/key/{token}/fill").status_code == 200
    site.user("canvasser", "001", name="Tẩn Mẩy")
    assert site.get(f"/key/{token}/fill").status_code == 403


def test_the_pages_load_nothing_from_elsewhere_and_tell_nobody_their_address(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    for path in (f"/key/{token}/fill", f"/key/{token}/fill/house_check", "/key/wrong/fill"):
        answer = sqlite_site.get(path)
        rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
        assert rules["default-src"] == "'self'"
        assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert rules["frame-ancestors"] == "'none'"
        assert not any("http" in sources or "*" in sources for sources in rules.values())
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert f"next=/key/{token}" not in answer.text
        assert "Set-Cookie" not in answer.headers


def test_other_pages_keep_their_stricter_rules(sqlite_site: Site) -> None:
    assert "wasm" not in sqlite_site.get("/sign-in").headers["Content-Security-Policy"]


def test_a_page_holds_the_number_of_its_user_and_the_limits_but_no_key_and_no_household(sqlite_site: Site) -> None:
    sqlite_site.phone().send(House("uuid:1").form())
    user = sqlite_site.user("canvasser", "001")
    text = sqlite_site.get(f"/key/{user.token}/fill").text
    data = page_data(text)
    assert data["store"] == f"fill-{user.id}"
    assert (data["chunkBytes"], data["mostBytes"]) == (1_000_000, 4_000_000)
    assert user.token not in json.dumps(data)
    assert "Nông Thị Mỷ" not in text


def test_a_language_chosen_stays_and_no_key_stands_in_a_query(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    browser = requests.Session()
    assert page_data(browser.get(f"{sqlite_site.url}/key/{token}/fill").text)["language"] == "vi"
    chosen = browser.get(f"{sqlite_site.url}/key/{token}/fill?lang=en")
    assert chosen.url == f"{sqlite_site.url}/key/{token}/fill"
    assert page_data(chosen.text)["language"] == "en"
    assert "Fill a form" in chosen.text


def test_every_file_that_the_browser_is_to_keep_is_there(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = sqlite_site.get(f"/key/{token}/fill-worker.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    told = json.loads(re.match(r"self\.KEPT = (.*);\n", answer.text)[1])  # type: ignore[index]
    names = {each.rpartition("/")[2] for each in told["files"]}
    assert {"web_forms.js", "fill_form.js", "fill_list.js", "words.js", "mapper.css", "fill.css"} <= names
    assert "fill_worker.js" in names or "fill_store.js" in names
    for address in told["files"]:
        assert sqlite_site.get(address).status_code == 200


@pytest.mark.parametrize(
    "path", ["/test/abc/fill", "/key/abc/fill", "/key/abc/fill/x", "/key/abc/fill/x/y", "/key/abc/fill-worker.js"]
)
def test_pages_under_a_key_are_for_people(path: str) -> None:
    assert not for_phones(path)


@pytest.mark.parametrize("path", ["/key/abc/formList", "/key/abc/filling", "/key/fill", "/key/a/b/fill", "/submission"])
def test_all_else_under_a_key_is_for_phones(path: str) -> None:
    assert for_phones(path)
