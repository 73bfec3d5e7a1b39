"""Answers kept ready: never an old one, whichever process counted, and never another reader's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from mapper.services import boundaries, rebuilding
from mapper.settings import Settings
from mapper.store import reference as kept
from mapper.web.finished import Body, Compressed, Shelf
from tests.client.site import House, Site, running, squares

ASKED = {"campaign": "mini", "group": "5_plus", "dose": "1", "date": "2022-08-31"}
COMMUNES, HAMLETS = {"level": "commune"}, {"level": "hamlet", "campaign": "mini"}
HOUSE = House("uuid:1", people=(("A B", "1980-05-04", ""),))


@pytest.fixture
def two(filled_url: str, settings: Settings) -> Iterator[tuple[Site, Site]]:
    """Two servers over one database, as two workers are."""
    with running(settings, filled_url) as one, running(settings, filled_url) as other:
        yield one, other


def get(site: Site, path: str, bearer: str, asked: dict[str, str], **headers: str) -> requests.Response:
    """Ask with headers."""
    return requests.get(
        f"{site.url}{path}", params=asked, headers={"Authorization": f"Bearer {bearer}"} | headers, timeout=60
    )


def told(site: Site, path: str, bearer: str, **asked: str) -> Any:
    """What a path answers; asked twice, since the second answer may be a kept one."""
    first, second = (get(site, path, bearer, ASKED | asked) for _ in range(2))
    assert first.status_code == 200, first.text
    assert (second.content, second.headers["ETag"]) == (first.content, first.headers["ETag"])
    return first.json()


def administrator(site: Site) -> str:
    return site.user("administrator").token


@pytest.mark.parametrize(("path", "asked"), [("/api/coverage", COMMUNES), ("/api/heat", {}), ("/api/shapes", HAMLETS)])
def test_what_one_server_counts_the_other_tells(two: tuple[Site, Site], path: str, asked: dict[str, str]) -> None:
    counting, telling = two
    bearer = administrator(telling)
    before = get(telling, path, bearer, ASKED | asked)
    tag = before.headers["ETag"]
    assert get(telling, path, bearer, ASKED | asked, **{"If-None-Match": tag}).status_code == 304
    phone = counting.phone()
    phone.send(HOUSE.form())
    after = get(telling, path, bearer, ASKED | asked, **{"If-None-Match": tag})
    assert after.status_code == 200
    assert after.content != before.content
    assert after.headers["ETag"] != tag
    # taken back by an edit that shows nobody at home, elsewhere: no figure of any moment before
    phone.send(HOUSE.edited("uuid:2", location="22.05 105.15 300 6.5", commune="00002", hamlet="0000201").form())
    last = get(telling, path, bearer, ASKED | asked, **{"If-None-Match": after.headers["ETag"]})
    assert last.status_code == 200
    assert last.content not in (before.content, after.content)


def test_a_house_moved_within_its_hamlet_moves_on_the_heat_map(two: tuple[Site, Site]) -> None:
    counting, telling = two
    bearer, phone = administrator(telling), counting.phone()
    phone.send(HOUSE.form())
    assert told(telling, "/api/heat", bearer)["points"] == [[22.05, 105.05, 1]]
    phone.send(HOUSE.edited("uuid:2", location="22.07 105.02 300 6.5").form())
    assert told(telling, "/api/heat", bearer)["points"] == [[22.07, 105.02, 1]]


def test_a_rebuild_is_told(two: tuple[Site, Site]) -> None:
    counting, telling = two
    bearer = administrator(telling)
    counting.phone().send(HOUSE.form())
    assert told(telling, "/api/coverage", bearer)["total"]["people"] == 1
    rebuilding.rebuild(counting.reference)
    assert told(telling, "/api/coverage", bearer)["total"]["people"] == 1
    counting.phone().send(HOUSE.but(instance_id="uuid:2").form())
    assert told(telling, "/api/coverage", bearer)["total"]["people"] == 2


def test_a_corrected_list_of_hamlets_and_a_new_boundary_set_are_told(two: tuple[Site, Site], tmp_path: Path) -> None:
    changing, telling = two
    bearer = administrator(telling)
    names = {unit["code"]: unit["name"] for unit in told(telling, "/api/coverage", bearer, level="hamlet")["units"]}
    assert names["0000101"] == "Thôn Đông"
    assert get(telling, "/api/shapes", bearer, COMMUNES | {"set": "later"}).status_code == 404
    here = told(telling, "/api/shapes", bearer, **COMMUNES)
    with changing.reference.database.write() as connection:
        hamlet = next(one for one in kept.hamlets(connection) if one.code == "0000101")
        kept.save_hamlets(changing.reference.database, connection, [replace(hamlet, label="Thôn Đông Mới")])
        kept.raise_revision(changing.reference.database, connection)
    (tmp_path / "later.geojson").write_bytes(squares().replace(rb"M\u1ed9t", rb"M\u1edbi"))
    facts = boundaries.SetFacts("later", "Sau này", trial=True)
    boundaries.import_file(changing.reference, tmp_path / "later.geojson", facts)
    units = told(telling, "/api/coverage", bearer, level="hamlet", set="squares")["units"]
    assert {unit["code"]: unit["name"] for unit in units}["0000101"] == "Thôn Đông Mới"
    later = told(telling, "/api/shapes", bearer, set="later", **COMMUNES)
    assert "Xã Mới" in [one["properties"]["name"] for one in later["features"]]
    assert told(telling, "/api/shapes", bearer, set="squares", **COMMUNES) == here


def test_a_kept_answer_is_for_readers_of_the_same_area_alone(sqlite_site: Site) -> None:
    phone = sqlite_site.phone()
    phone.send(HOUSE.form())
    phone.send(House("uuid:3", location="22.05 105.15 300 6.5", commune="00002", hamlet="0000201").form())
    everything, east, west = (
        sqlite_site.user("supervisor", *areas).token for areas in (("001",), ("00002",), ("00001",))
    )
    for bearer, codes in ((everything, ["00001", "00002"]), (east, ["00002"]), (west, ["00001"]), (east, ["00002"])):
        assert [unit["code"] for unit in told(sqlite_site, "/api/coverage", bearer, **COMMUNES)["units"]] == codes
        shapes = told(sqlite_site, "/api/shapes", bearer, **COMMUNES)["features"]
        assert [one["properties"]["code"] for one in shapes] == codes
        areas = told(sqlite_site, "/api/shapes", bearer, **HAMLETS)["features"]
        assert sorted({one["properties"]["parent"] for one in areas}) == codes
    assert told(sqlite_site, "/api/heat", east)["points"] == []
    assert told(sqlite_site, "/api/heat", west)["points"] == [[22.05, 105.05, 1]]
    # and the same reader's other area
    renewed = sqlite_site.user("supervisor", "00001", name="moves").token
    assert [unit["code"] for unit in told(sqlite_site, "/api/coverage", renewed, **COMMUNES)["units"]] == ["00001"]
    renewed = sqlite_site.user("supervisor", "00002", name="moves").token
    assert [unit["code"] for unit in told(sqlite_site, "/api/coverage", renewed, **COMMUNES)["units"]] == ["00002"]


def test_nothing_kept_is_shown_without_a_token(sqlite_site: Site) -> None:
    told(sqlite_site, "/api/coverage", administrator(sqlite_site))
    assert sqlite_site.get("/api/coverage", "", **ASKED).status_code == 401
    canvasser = sqlite_site.user("canvasser", "001").token
    assert sqlite_site.get("/api/coverage", canvasser, **ASKED).status_code == 403


def test_the_heat_map_is_the_same_for_every_set_and_level(sqlite_site: Site) -> None:
    sqlite_site.phone().send(HOUSE.form())
    bearer = administrator(sqlite_site)
    plain = told(sqlite_site, "/api/heat", bearer)
    assert told(sqlite_site, "/api/heat", bearer, set="squares", level="province") == plain
    assert plain["points"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", "gzip, br"])
def test_an_answer_is_the_same_however_it_is_packed(sqlite_site: Site, encoding: str) -> None:
    bearer = administrator(sqlite_site)
    plain = get(sqlite_site, "/api/coverage", bearer, ASKED, **{"Accept-Encoding": "identity"})
    sent = set()
    for _ in range(2):
        answer = requests.get(
            f"{sqlite_site.url}/api/coverage",
            params=ASKED,
            headers={"Authorization": f"Bearer {bearer}", "Accept-Encoding": encoding},
            stream=True,
            timeout=60,
        )
        sent.add(answer.raw.read())
        assert answer.headers.get("Content-Encoding", "identity") in encoding
        again = {"Accept-Encoding": encoding, "If-None-Match": answer.headers["ETag"]}
        assert get(sqlite_site, "/api/coverage", bearer, ASKED, **again).status_code == 304
    assert len(sent) == 1
    assert (sent == {plain.content}) == (encoding == "identity")
    if encoding == "gzip":
        assert get(sqlite_site, "/api/coverage", bearer, ASKED, **{"Accept-Encoding": "gzip"}).content == plain.content


def test_many_readers_and_a_phone_at_once_are_told_nothing_old(two: tuple[Site, Site]) -> None:
    counting, telling = two
    bearer = administrator(telling)
    sent, faults, over = [0], [], threading.Event()

    def read() -> None:
        while not over.is_set():
            least = sent[0]
            people = get(telling, "/api/coverage", bearer, ASKED | COMMUNES).json()["total"]["people"]
            if people < least:
                faults.append((people, least))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    phone = counting.phone()
    for number in range(1, 13):
        phone.send(HOUSE.but(instance_id=f"uuid:{number}").form())
        sent[0] = number
    over.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert told(telling, "/api/coverage", bearer)["total"]["people"] == 12


# The shelf itself


def test_a_shelf_gives_up_what_was_longest_unused() -> None:
    shelf: Shelf[bytes] = Shelf(10)
    for key in "abc":
        shelf.set(key, b"...")
    assert shelf.get("a") == b"..."
    shelf.set("d", b"...")
    assert [shelf.get(key) for key in "abcd"] == [b"...", None, b"...", b"..."]
    shelf.set("a", b".....")  # a longer one in its place: 3 + 3 + 5 are too many
    assert [shelf.get(key) for key in "cda"] == [None, b"...", b"....."]
    shelf.set("d", b"")
    shelf.set("e", b".....")
    assert [shelf.get(key) for key in "ade"] == [b".....", b"", b"....."]


def test_what_would_fill_half_a_shelf_is_not_kept() -> None:
    shelf: Shelf[Body] = Shelf(10)
    shelf.set("small", Body.of(b"....."))
    shelf.set("large", Body.of(b"......"))
    assert shelf.get("large") is None
    assert shelf.get("small") == Body.of(b".....")


def test_a_body_has_the_tag_of_its_bytes() -> None:
    assert Body.of(b"a").tag == Body.of(b"a").tag != Body.of(b"b").tag
    assert len(Body.of(b"abc")) == 3


def test_nothing_without_a_tag_is_kept_compressed() -> None:
    packed = Compressed()
    packed.set("br;", b"page")
    packed.set("br;tag", b"figures")
    assert packed.get("br;") is None
    assert packed.get("br;tag") == b"figures"
    assert packed.get("gzip;tag") is None
