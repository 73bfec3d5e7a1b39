"""Every address that a phone's key opens: none tells a canvasser of another hamlet's houses, and every hash is right.

The walk goes over the application's own map of addresses, so that an address without a row here fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
import requests

from mapper.web.phones import for_phones
from server import create_app
from tests.client.collect import FORM_LIST, MANIFEST, Collect
from tests.client.site import House, Site
from tests.web.test_forms_page import manager
from tests.web.test_map_lists import draft_of_again, publish_again
from tests.web.test_phone_lists import HOUSES, MOTHER, Field, made_field

HERE, ELSEWHERE = "0000101", "0000102"
SECRETS = (HOUSES[0], MOTHER, "Mỷ bí mật", "22.05", "0000101")
"""What only the canvasser of the hamlet may read: ids, a name, a position, the hamlet itself."""

NOTHING = "nothing of any hamlet"
LISTS = "lists, each canvasser's own"
ASKED = "the entities asked for, told to be gone"
SENT = "takes what is sent"
EVERYWHERE = {
    "GET /formList": NOTHING,
    "GET /submission": SENT,
    "POST /submission": SENT,
}
FORMS = {
    "GET /forms/<form_id>/<version>/form.xml": NOTHING,
    "GET /forms/<form_id>/<version>/manifest": NOTHING,
    "GET /forms/<form_id>/<version>/media/<name>": LISTS,
    "GET /forms/<form_id>/<version>/integrity/<name>": ASKED,
}
PAGES = {"GET /fill": NOTHING, "GET /fill-worker.js": NOTHING, "GET /fill/<path:form_id>": NOTHING}
TRIED = {
    "GET /form.xml": NOTHING,
    "GET /manifest": NOTHING,
    "GET /media/<name>": NOTHING,
    "GET /integrity": NOTHING,
}


def below(start: str, *tables: dict[str, str]) -> dict[str, str]:
    """The rows of addresses that begin alike."""
    return {row.replace(" ", f" {start}", 1): told for table in tables for row, told in table.items()}


TABLE = (
    below("", EVERYWHERE, FORMS)
    | below("/key/<token>", EVERYWHERE, FORMS, PAGES)
    | below("/test/<token>", EVERYWHERE, TRIED, PAGES)
)
"""Method and rule of every address of phones, and what a canvasser of another hamlet gets there."""


def rules(site: Site) -> Iterator[str]:
    """Method and rule of each address that phones' keys open; HEAD of /submission is asked for apart."""
    app = create_app(site.settings, site.reference)
    for rule in app.url_map.iter_rules():
        if "<token>" in rule.rule or for_phones(rule.rule):
            methods = (rule.methods or set()) - {"OPTIONS"}
            if rule.rule.endswith("/submission"):
                yield f"{'POST' if 'POST' in methods else 'GET'} {rule.rule}"
            else:
                yield from (f"{method} {rule.rule}" for method in methods - {"HEAD"})


@pytest.fixture
def walk(sqlite_site: Site, tmp_path: Path) -> Field:
    """One house in each hamlet, the one here with somebody living in it; a form with CSV and one with GeoJSON."""
    made = made_field(sqlite_site, tmp_path)
    publish_again(sqlite_site, tmp_path / "again")
    made.visit(HERE, HOUSES[0], (MOTHER, "Mỷ bí mật", None, None))
    return made


def test_every_address_that_a_phone_s_key_opens_stands_in_the_table(sqlite_site: Site) -> None:
    assert sorted(rules(sqlite_site)) == sorted(TABLE)


def addresses(walk: Field, rule: str, server: str, phone: Collect) -> list[str]:
    """Every address of a rule, with the forms and files that there are."""
    found = []
    for form in phone.form_list():
        names = [file.filename for file in phone.manifest(form)]
        for name in names if "<name>" in rule else [""]:
            path = rule.replace("<form_id>", form.form_id).replace("<path:form_id>", form.form_id)
            path = path.replace("<version>", form.version).replace("<name>", quote(name))
            if "/integrity" not in rule or name in ("households.csv", "people.csv", ""):
                found.append(f"{server}{path}")
    return list(dict.fromkeys(found))


def gone(content: bytes) -> list[str | None]:
    """Of each entity asked for whether it is to go."""
    return [each.findtext("deleted") for each in ElementTree.fromstring(content).iter("entity")]


@pytest.mark.parametrize("rule", sorted(row for row in below("", EVERYWHERE, FORMS, PAGES) if "/submission" not in row))
def test_nothing_of_a_hamlet_is_told_to_the_canvasser_of_another(walk: Field, rule: str) -> None:
    site, path = walk.site, rule.removeprefix("GET ")
    own, other = walk.token(HERE), walk.token(ELSEWHERE)
    kind = TABLE[rule.replace(" ", " /key/<token>", 1)]
    seen: set[str] = set()
    for address in addresses(walk, path, f"{site.url}/key/{own}", site.phone(own)):
        asked = f"?id={HOUSES[0]},{MOTHER}" if kind == ASKED else ""
        mine = requests.get(address + asked, timeout=60)
        theirs = requests.get(address.replace(own, other) + asked, timeout=60)
        assert (mine.status_code, theirs.status_code) == (200, 200), address
        assert requests.get(address.replace(own, "nobody") + asked, timeout=60).status_code == 403, address
        seen.update(secret for secret in SECRETS if secret in mine.content.decode())
        if kind == ASKED:
            # The one canvasser keeps both entities; of the other's phone they go, were they ever on it.
            told = [
                [each.findtext("deleted") for each in ElementTree.fromstring(one.content).iter("entity")]
                for one in (mine, theirs)
            ]
            assert told == [["false", "false"], ["true", "true"]]
        else:
            assert not [secret for secret in SECRETS if secret in theirs.content.decode()], address
    # What is kept from the other is told to the one.
    assert seen == (set(SECRETS) if kind == LISTS else set(SECRETS[:2]) if kind == ASKED else set())


@pytest.mark.parametrize("rule", sorted(row for row in below("", EVERYWHERE, TRIED, PAGES) if "/submission" not in row))
def test_a_draft_s_key_tells_of_no_house_at_all(walk: Field, rule: str) -> None:
    server = draft_of_again(manager(walk.site))
    phone = Collect(server)
    walk.site.phones.append(phone)
    for address in addresses(walk, rule.removeprefix("GET "), server, phone):
        answer = requests.get(f"{address}?id={HOUSES[0]}" if "/integrity" in rule else address, timeout=60)
        assert answer.status_code == 200, address
        # A trial's houses stand in the list's first hamlet, which is in the published list of hamlets.
        secrets = [secret for secret in SECRETS[:3] if secret in answer.content.decode()]
        assert secrets == ([HOUSES[0]] if "/integrity" in rule else []), address
        dead = address.replace(server, f"{walk.site.url}/test/nobody")
        assert requests.get(dead, timeout=60).status_code == 403, address


@pytest.mark.parametrize("way", ["key", "test"])
def test_an_address_to_send_to_opens_with_a_living_key_alone_and_answers_without_anybody_s_data(
    walk: Field, way: str
) -> None:
    server = f"{walk.site.url}/key/{walk.token(ELSEWHERE)}" if way == "key" else draft_of_again(manager(walk.site))
    dead = f"{walk.site.url}/{way}/nobody"
    sent = {"xml_submission_file": ("a.xml", House("uuid:other-hamlet", hamlet=HERE).xml, "text/xml")}
    assert [requests.head(f"{one}/submission", timeout=60).status_code for one in (server, dead)] == [204, 403]
    answers = [requests.post(f"{one}/submission", files=sent, timeout=60) for one in (server, dead)]
    # Whoever stands at a door may send what is seen there; it is kept, and shows nothing of what was kept before.
    assert [answer.status_code for answer in answers] == ([201, 403] if way == "key" else [400, 403])
    assert not [secret for answer in answers for secret in SECRETS if secret in answer.text]


def test_a_phone_s_key_opens_no_other_page(walk: Field) -> None:
    site, token = walk.site, walk.token(ELSEWHERE)
    app = create_app(site.settings, site.reference)
    asked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or "<token>" in rule.rule or for_phones(rule.rule):
            continue
        path = "/".join("1" if "<" in part else part for part in rule.rule.split("/"))
        for headers in ({"Authorization": f"Bearer {token}"}, {}):
            answer = requests.get(f"{site.url}{path}", headers=headers, timeout=60, allow_redirects=False)
            assert answer.status_code < 500, path
            assert not [secret for secret in (*SECRETS[:3], *HOUSES) if secret in answer.text], path
            asked += 1
    assert asked > 40


@pytest.mark.parametrize("whose", [HERE, ELSEWHERE, "draft"])
def test_every_file_that_a_phone_fetches_has_the_hash_that_was_announced(walk: Field, whose: str) -> None:
    server = draft_of_again(manager(walk.site)) if whose == "draft" else f"{walk.site.url}/key/{walk.token(whose)}"
    kinds = set()
    forms = ElementTree.fromstring(requests.get(f"{server}/formList", timeout=60).content)
    for form in forms.iter(f"{{{FORM_LIST}}}xform"):
        check(form.findtext(f"{{{FORM_LIST}}}downloadUrl"), form.findtext(f"{{{FORM_LIST}}}hash"))
        kinds.add("xml")
        manifest = form.findtext(f"{{{FORM_LIST}}}manifestUrl")
        for file in ElementTree.fromstring(requests.get(manifest, timeout=60).content) if manifest else ():
            told = {child.tag.removeprefix(f"{{{MANIFEST}}}"): child.text or "" for child in file}
            tag = check(told["downloadUrl"], told["hash"])
            again = requests.get(told["downloadUrl"], headers={"If-None-Match": tag}, timeout=60)
            assert (again.status_code, again.content) == (304, b""), told
            kinds.add(told["filename"])
    both = {"xml", "hamlets.csv", "people.csv", "households.geojson"}
    assert kinds == (both if whose == "draft" else both | {"communes.csv", "households.csv"})


def check(address: str | None, announced: str | None) -> str:
    """Fetch a file whose hash was announced; its ETag."""
    assert address
    answer = requests.get(address, timeout=60)
    assert answer.status_code == 200, address
    assert f"md5:{hashlib.md5(answer.content).hexdigest()}" == announced, address
    return answer.headers.get("ETag", "")
