"""Places are found by what somebody types, in every boundary set, within what a user sees, and lead to today's."""

from __future__ import annotations

import csv
from datetime import date

import pytest

from mapper.domain.roles import Role
from mapper.domain.succession import Heir, Succession
from mapper.errors import InvalidQuestion, NotFound
from mapper.services import boundaries, place_search, set_periods
from mapper.services.accounts import OPERATOR, User
from mapper.services.boundaries import SetFacts
from mapper.services.place_search import PlaceFound
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.successions import ToldSuccession
from tests.services.town import COMMUNES, EVERYTHING, FORMS, HAMLETS, Town, feature, feature_file

THEN, NOW = date(2022, 8, 31), date(2026, 11, 1)
OLD = ("Xã Hoà An", "Thị trấn Sỹ Hai", "Phường 1", "Xã Đắk Sóc"), "Huyện Ia H'Drai", "Tỉnh Sóc Trăng"
NEW = ("Xã Hòa An", "Phường Sóc Trăng"), "Thành phố Cần Thơ"


def name_sets(town: Town) -> None:
    """Four communes of the north row until 2025, two after it: the first two were joined, and the third was divided."""
    old = [
        feature(105.0 + 0.1 * at, 22.1, 105.1 + 0.1 * at, 22.2, commune_code=f"0100{at}", commune_name=name,
                district_code="010", district_name=OLD[1], province_code="01", province_name=OLD[2])
        for at, name in enumerate(OLD[0])
    ]  # fmt: skip
    new = [
        feature(west, 22.1, east, 22.2, commune_code=code, commune_name=name, province_code="92", province_name=NEW[1])
        for name, code, west, east in ((NEW[0][0], "01002", 105.0, 105.25), (NEW[0][1], "31510", 105.25, 105.4))
    ]
    set_periods.change(town.reference, OPERATOR, "squares", None, date(1999, 12, 31))
    told = (("old", old, date(2000, 1, 1), date(2025, 6, 30)), ("new", new, date(2025, 7, 1), None))
    for name, features, first, last in told:
        path = feature_file(town.files / f"{name}.geojson", features)
        boundaries.import_file(town.reference, path, SetFacts(name, f"Set {name}", first, last))


def tell_heirs(town: Town) -> None:
    with town.reference.database.write() as connection:
        about = ToldSuccession("old", "new", "crosswalk", "", "[]", "2026-11-01T00:00:00+00:00")
        heirs = (
            Heir("01000", "01002", True),
            Heir("01001", "01002", True),
            Heir("01002", "01002", False, 0.5),
            Heir("01002", "31510", False, 0.5),
            Heir("01003", "31510", True),
        )
        successions.save(connection, about, Succession(heirs))
        kept.raise_revision(town.reference.database, connection)


def found(town: Town, typed: str, user: User = EVERYTHING, day: date = NOW, set_id: str = "") -> list[str]:
    return [f"{one.set_id} {one.place.name}" for one in place_search.search(town.reference, user, typed, day, set_id)]


def one(town: Town, typed: str, set_id: str) -> PlaceFound:
    (first, *_) = place_search.search(town.reference, EVERYTHING, typed, NOW, set_id)
    return first


@pytest.fixture
def named(sqlite_town: Town) -> Town:
    name_sets(sqlite_town)
    return sqlite_town


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("soc trang", ["new Phường Sóc Trăng", "old Tỉnh Sóc Trăng"]),
        ("Sóc Trăng", ["new Phường Sóc Trăng", "old Tỉnh Sóc Trăng"]),
        ("Hòa An", ["new Xã Hòa An", "old Xã Hoà An"]),
        ("hoà a", ["new Xã Hòa An", "old Xã Hoà An"]),
        ("Sĩ Hai", ["old Thị trấn Sỹ Hai"]),
        ("TT. si hai", ["old Thị trấn Sỹ Hai"]),
        ("P.01", ["old Phường 1"]),
        ("Ia HDrai", ["old Huyện Ia H'Drai"]),
        ("daksoc", ["old Xã Đắk Sóc"]),
        ("01003", ["old Xã Đắk Sóc"]),
        ("hoa an soc trang", ["old Xã Hoà An"]),
    ],
)
def test_a_place_is_found_however_its_name_is_typed(named: Town, typed: str, expected: list[str]) -> None:
    assert found(named, typed)[: len(expected)] == expected


def test_the_set_in_force_on_the_day_comes_first(named: Town) -> None:
    assert found(named, "Hòa An", day=THEN) == ["old Xã Hoà An", "new Xã Hòa An"]
    assert found(named, "Hòa An", set_id="old") == ["old Xã Hoà An"]


def test_hamlets_of_the_lists_are_found_with_their_communes(town: Town) -> None:
    with (FORMS / "covid19" / "hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        label = next(row["label"] for row in csv.DictReader(file) if row["name"] == HAMLETS[3][0])
    hits = place_search.search(town.reference, EVERYTHING, label.upper(), THEN)
    mine = next(hit for hit in hits if hit.place.code == HAMLETS[3][0])
    assert (mine.place.level, mine.set_id) == ("hamlet", "squares")
    assert [code for _, code, _ in mine.place.around] == [COMMUNES[3], "S", "P"]
    assert mine.bounds == pytest.approx((105.3, 22.0, 105.4, 22.1))


def test_who_sees_a_part_finds_places_of_it_alone_with_what_is_around_it(town: Town) -> None:
    south = User(1, "S", Role.SUPERVISOR, (("squares", "S"),), 0)
    assert found(town, "Huyện", south) == ["squares Huyện S"]
    assert found(town, "Tỉnh P", south) == ["squares Tỉnh P"]
    assert found(town, "Xã 3", south)[0] == "squares Xã 3"
    assert found(town, "Xã 9", south) == []
    hamlets = place_search.search(town.reference, south, HAMLETS[3][0], THEN)
    assert [hit.place.code for hit in hamlets] == [HAMLETS[3][0]]
    assert place_search.search(town.reference, south, HAMLETS[9][0], THEN) == []
    assert [hit.place.code for hit in place_search.search(town.reference, EVERYTHING, HAMLETS[9][0], THEN)] == [
        HAMLETS[9][0]
    ]


def test_an_old_name_leads_to_where_it_lies_today(named: Town) -> None:
    # By outlines alone only what lies as good as whole in one is known.
    assert [each.code for each in one(named, "Sỹ Hai", "old").today] == ["01002"]
    assert one(named, "Phường 1", "old").today == ()
    tell_heirs(named)
    assert [(each.code, each.whole) for each in one(named, "Sỹ Hai", "old").today] == [("01002", True)]
    divided = one(named, "Phường 1", "old").today
    assert [(each.code, each.whole) for each in divided] == [("01002", False), ("31510", False)]
    assert [(each.level, each.name) for each in one(named, "Tỉnh Sóc Trăng", "old").today] == [
        ("province", "Thành phố Cần Thơ")
    ]
    assert one(named, "Hòa An", "new").today == ()


def test_names_alike_stand_in_the_order_of_their_numbers(town: Town) -> None:
    names = [name for name in found(town, "xa 1") if name.startswith("squares Xã")]
    assert names == ["squares Xã 1", "squares Xã 10", "squares Xã 11", "squares Xã 12", "squares Xã 13"]


def test_ground_is_told_in_the_set_asked_for_and_of_older_sets_alone(named: Town) -> None:
    tell_heirs(named)
    old = place_search.search(named.reference, EVERYTHING, "Sỹ Hai", THEN, into="new")
    assert [each.code for each in old[0].today] == ["01002"]
    new = place_search.search(named.reference, EVERYTHING, "Phường Sóc Trăng", NOW, into="old")
    assert ("new", ()) in [(each.set_id, each.today) for each in new]


def test_a_name_that_nobody_has_offers_those_that_are_near(named: Town) -> None:
    near = place_search.search(named.reference, EVERYTHING, "Hoaf An", NOW)
    assert near and all(each.near for each in near)
    assert found(named, "xyzzy") == []


def test_nothing_and_too_much_cannot_be_looked_for(sqlite_town: Town) -> None:
    for typed in ("", "  ", "a" * 101):
        with pytest.raises(InvalidQuestion, match="100 characters"):
            place_search.search(sqlite_town.reference, EVERYTHING, typed, NOW)
    with pytest.raises(NotFound):
        place_search.search(sqlite_town.reference, EVERYTHING, "a", NOW, "nowhere")
    assert place_search.search(sqlite_town.reference, EVERYTHING, "–", NOW) == []
