"""Lists that are too long for a phone, and houses that can be on no list: told beside the canvasser, with the cure."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from mapper.services import follow_up, phone_lists
from mapper.services.follow_up import HouseToSee
from mapper.services.phone_lists import MANY, ListTrouble
from mapper.store import tables, tallies
from tests.client.site import Site
from tests.web.test_pages import Reader
from tests.web.test_phone_lists import CHILD, HOUSES, MOTHER, Field, made_field

ROOM = 64_000_000
"""Bytes of lists that a process keeps, by KeptLists."""


@pytest.fixture
def walk(site: Site, tmp_path: Path) -> Field:
    return made_field(site, tmp_path)


@pytest.fixture
def sqlite_walk(sqlite_site: Site, tmp_path: Path) -> Field:
    return made_field(sqlite_site, tmp_path)


def build(walk: Field, number: int) -> None:
    """So many further houses in the hamlet of the first, as the intake would have left them."""
    table, database = tables.households, walk.site.reference.database
    with database.write() as connection:
        model = connection.execute(select(table).where(table.c.id == HOUSES[0])).one()._asdict()
        rows = [
            model | {"seq": 1_000 + n, "id": str(uuid.UUID(int=n, version=4)), "head": f"Chủ hộ {n}"}
            for n in range(number)
        ]
        connection.execute(insert(table), rows)
        day = model["visited_on"].toordinal()
        tallies.add(database, connection, [], {("mini", model["cell_id"], day): [number, 0, 0, 0, number, 0]})


def supervisor(site: Site) -> Reader:
    password = "mười hai chữ cái"
    return Reader(site, site.user("administrator", name=f"admin {site.made}", password=password).name)


def number_of(walk: Field, hamlet: str) -> int:
    walk.token(hamlet)
    with walk.site.reference.database.read() as connection:
        u, a = tables.users, tables.user_areas
        found = select(u.c.id).join(a, a.c.user_id == u.c.id).where(a.c.code == hamlet, u.c.role == "canvasser")
        return int(connection.execute(found).scalars().first() or 0)


def test_a_list_that_is_short_and_whole_has_no_trouble(walk: Field) -> None:
    assert (
        phone_lists.troubles(walk.site.reference, {number_of(walk, hamlet) for hamlet in ("0000101", "0000102")}) == {}
    )
    page = supervisor(walk.site).get("/users?commune=00001").text
    assert "nhiều hơn mức hiển thị được" not in page
    assert "không có mã mà điện thoại hiểu được" not in page


def test_what_is_on_no_phone_s_list_is_told_beside_its_canvasser_alone(walk: Field) -> None:
    walk.visit("0000101", "house-77", (CHILD, "Nông Thị Mỷ", None, None))
    walk.visit("0000101", HOUSES[0], ("person 1", "Không mã", None, None), (MOTHER, "Có mã", None, None))
    one, two = number_of(walk, "0000101"), number_of(walk, "0000102")
    assert phone_lists.troubles(walk.site.reference, {one, two}) == {one: ListTrouble(0, 1, 2)}
    assert phone_lists.troubles(walk.site.reference, {one, two}, unlisted=False) == {}
    reader = supervisor(walk.site)
    told = "Danh sách trên điện thoại thiếu 1 nhà và 2 người: phiếu đã gửi không có mã"
    for path, times in (
        ("/users?commune=00001", 1),
        ("/assignment?commune=00001", 1),
        (f"/users/{one}", 1),
        (f"/users/{two}", 0),
    ):
        assert reader.get(path).text.count(told) == times, path
    # What is counted as missing is what the lists lack.
    token = walk.token("0000101")
    assert [row["name"] for row in walk.rows(token, "households.csv")] == [HOUSES[0]]
    assert [row["name"] for row in walk.rows(token, "people.csv")] == [MOTHER]


def test_more_houses_than_a_phone_shows_are_told_with_the_cure(sqlite_walk: Field) -> None:
    one = number_of(sqlite_walk, "0000101")
    build(sqlite_walk, MANY - 1)
    assert phone_lists.troubles(sqlite_walk.site.reference, {one}) == {}
    build_one_more(sqlite_walk)
    assert phone_lists.troubles(sqlite_walk.site.reference, {one}) == {one: ListTrouble(MANY + 1)}
    reader = supervisor(sqlite_walk.site)
    for path in ("/users", "/users?commune=00001", "/assignment?commune=00001", f"/users/{one}"):
        assert "Điện thoại có 5.001 nhà, nhiều hơn mức hiển thị được. Hãy chia bớt thôn" in reader.get(path).text, path


def build_one_more(walk: Field) -> None:
    walk.visit("0000101", str(uuid.UUID(int=1 << 100, version=4)))


def test_thirty_thousand_houses_are_served_with_their_hash_a_few_at_a_time(
    sqlite_walk: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[int] = []
    usual = follow_up.with_people

    def watched(*args: object, **options: object) -> Sequence[HouseToSee]:
        found = usual(*args, **options)  # type: ignore[arg-type]
        at_once.append(len(found))
        return found

    monkeypatch.setattr(follow_up, "with_people", watched)
    build(sqlite_walk, 30_000)
    token, lists = sqlite_walk.token("0000101"), sqlite_walk.site.reference.lists
    made = lists.made
    answer = sqlite_walk.get(token, "media/households.csv")
    assert answer.status_code == 200
    announced, _, _ = sqlite_walk.manifest(token)["households.csv"]
    assert announced == f"md5:{hashlib.md5(answer.content).hexdigest()}"
    assert sum(1 for _ in csv.DictReader(io.StringIO(answer.content.decode()))) == 30_001
    # Never more than a thousand of them are worked on together, and what is kept of them has room.
    assert (max(at_once), sum(at_once)) == (1_000, 30_001)
    assert 5_000_000 < len(answer.content) < 15_000_000
    assert lists._contents.held < ROOM
    again = sqlite_walk.get(token, "media/households.csv", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    # Hamlets and communes are the other two that were made, for the manifest.
    assert lists.made - made == 3
