"""What every answer tells a browser to refrain from, where the walk over all addresses does not come by."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests

from mapper.settings import Settings
from tests.client.site import House, Site
from tests.web.headers_wanted import faults

HSTS = "max-age=31536000"


@pytest.mark.parametrize("path", ["/nothing/here", "/key/nobody/formList", "/api/nothing", "/odata/x.svc", "/sign-in"])
def test_errors_and_refusals_carry_the_same_guards(sqlite_site: Site, path: str) -> None:
    answer = requests.get(sqlite_site.url + path, timeout=60)
    lacking = _faults(answer, f"GET {path}")
    assert lacking == []


def _faults(answer: requests.Response, row: str) -> list[str]:
    from werkzeug.datastructures import Headers

    class Told:
        status_code = answer.status_code
        headers = Headers(list(answer.headers.items()))
        mimetype = answer.headers.get("Content-Type", "").partition(";")[0]

    return list(faults(Told(), row))


def test_a_phone_s_quick_answer_carries_them_too(run_site: Callable[[Settings], Site], settings: Settings) -> None:
    site = run_site(settings.model_copy(update={"public_url": "https://tiem.example.vn"}))
    token = site.user("canvasser", "001").token
    sent = {"xml_submission_file": ("a.xml", House("uuid:one").xml, "text/xml")}
    address = f"{site.url}/key/{token}/submission"
    quick = requests.post(address, files=sent, timeout=60)
    slow = requests.post(f"{address}?lang=en", files=sent, timeout=60)  # not by the short cut
    assert (quick.status_code, slow.status_code) == (201, 201)
    assert _faults(quick, "POST /submission") == []
    names = {"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "Strict-Transport-Security"}
    assert {name: quick.headers.get(name) for name in names} == {name: slow.headers.get(name) for name in names}
    assert quick.headers["Strict-Transport-Security"] == HSTS


def test_https_is_asked_for_only_where_the_address_is_https(
    run_site: Callable[[Settings], Site], settings: Settings, sqlite_site: Site
) -> None:
    site = run_site(settings.model_copy(update={"public_url": "https://tiem.example.vn"}))
    for path in ("/sign-in", "/assets/x/css/mapper.css", "/nothing", "/key/nobody/formList"):
        assert requests.get(site.url + path, timeout=60).headers["Strict-Transport-Security"] == HSTS
        assert "Strict-Transport-Security" not in requests.get(sqlite_site.url + path, timeout=60).headers


def test_inline_scripts_carry_the_nonce_of_their_answer(sqlite_site: Site) -> None:
    from tests.web.test_forms_page import manager

    chief = manager(sqlite_site)
    nonces = set()
    for _ in range(2):
        answer = chief.get("/map")
        nonce = re.search(r"script-src 'self' 'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
        inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", answer.text)
        running = [each for each in inline if 'type="application/json"' not in each]
        assert nonce and running
        assert all(f'nonce="{nonce[1]}"' in each for each in running)
        nonces.add(nonce[1])
    assert len(nonces) == 2
