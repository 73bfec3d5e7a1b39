"""The stock ledger: entered, undone and imported; never below nothing, only by whom it concerns, and always told."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from mapper.domain.sites import Site, SiteKind
from mapper.domain.stock import Kind, StockEntry
from mapper.errors import Conflict, Forbidden, InvalidInput, MapperError, NotFound
from mapper.formats.stock_table import read_stock_row
from mapper.services import accounts, sites, stock
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.stock_view import Grade, StockOverview, overview
from mapper.store import tables
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, inside

SOUTH, ONE, TWO = "district:S", f"commune:{COMMUNES[0]}", f"commune:{COMMUNES[1]}"
EXPIRY = "2022-12-31"


def typed(kind: str, store: str, doses: int, ago: int = 0, **more: str) -> dict[str, str]:
    day = (DAY - timedelta(days=ago)).isoformat()
    usual = {"formulation": "pfizer_purple", "lot": "L1", "doses": str(doses)}
    return {"kind": kind, "store": store, "day": day} | usual | more


def enter(
    town: Town, kind: str, store: str, doses: int, ago: int = 0, user: User = EVERYTHING, **more: str
) -> StockEntry:
    row = read_stock_row(typed(kind, store, doses, ago, **more))
    return stock.enter(town.reference, _there(town, user), "covid19", "squares", row, DAY)


def _there(town: Town, user: User) -> User:
    """A user who is in the database, as whoever enters is."""
    return user if user is not EVERYTHING else added(town, "administrator")


def added(town: Town, role: str, *areas: str) -> User:
    name = f"{role} {' '.join(areas)}".replace(":", " ")
    user = accounts.by_id(town.reference, accounts.add_user(town.reference, name, role, areas).id)
    assert user is not None
    return user


def look(town: Town, user: User = EVERYTHING, area: Area | None = None, day: date = DAY) -> StockOverview:
    return overview(town.reference, user, "covid19", "squares", day, area)


def balances(town: Town, user: User = EVERYTHING, area: Area | None = None) -> dict[str, int]:
    return {one.key: one.doses for one in look(town, user, area).lines}


def refusal(act: Callable[[], object]) -> tuple[type[MapperError], str]:
    with pytest.raises(MapperError) as refused:
        act()
    return refused.type, str(refused.value)


def test_what_comes_goes_and_is_counted_stands_in_the_balance(town: Town) -> None:
    enter(town, "allocated", SOUTH, 1200, ago=9, lot="")
    enter(town, "received", SOUTH, 600, ago=8, expiry=EXPIRY, document="PXK 12")
    enter(town, "moved", SOUTH, 120, ago=6, other=ONE)
    enter(town, "used", ONE, 55, ago=5)
    enter(town, "wasted", ONE, 5, ago=5, reason="open_vial")
    counted = enter(town, "counted", ONE, 57, ago=1)
    assert counted.difference == -3
    assert balances(town) == {f"{SOUTH}|pfizer_purple|L1": 480, f"{ONE}|pfizer_purple|L1": 57}
    found = look(town)
    assert [(one.allocated, one.received) for one in found.promises] == [(1200, 600)]
    assert [(one.vial_doses, one.expiry) for one in found.lines] == [(6, date(2022, 12, 31))] * 2
    use = found.use["pfizer_purple"]
    assert (use.received, use.used, use.wasted_open) == (600, 55, 5)
    assert [one.entry.kind for one in found.entries] == [
        *(Kind.COUNTED, Kind.WASTED, Kind.USED, Kind.MOVED, Kind.RECEIVED, Kind.ALLOCATED)
    ]
    assert balances(town, area=Area("commune", COMMUNES[0])) == {f"{ONE}|pfizer_purple|L1": 57}
    assert [one.doses for one in look(town, day=DAY - timedelta(days=7)).lines] == [600]
    with town.reference.database.read() as connection:
        audit = connection.execute(select(tables.audit.c.action, tables.audit.c.facts).order_by(tables.audit.c.seq))
        told = [facts for action, facts in audit if action == "stock.entered"]
    assert len(told) == 6
    assert '"stock":"moved"' in told[2] and f'"store":"squares/{SOUTH}"' in told[2] and f"squares/{ONE}" in told[2]


def test_more_than_there_is_cannot_go_on_that_day_or_on_a_later_one(sqlite_town: Town) -> None:
    town = sqlite_town
    enter(town, "received", ONE, 60, ago=6, expiry=EXPIRY)
    enter(town, "used", ONE, 50, ago=1)
    kind, words = refusal(lambda: enter(town, "used", ONE, 11))
    assert kind is Conflict
    assert f"has 10 doses of lot L1 (pfizer_purple) at the end of {DAY.day}/{DAY.month}/{DAY.year}, and 11" in words
    yesterday = DAY - timedelta(days=1)
    kind, words = refusal(lambda: enter(town, "moved", ONE, 20, ago=3, other=TWO))
    assert kind is Conflict and f"{yesterday.day}/{yesterday.month}" in words, "there on the day, and used since"
    assert refusal(lambda: enter(town, "used", ONE, 1, ago=7))[0] is Conflict, "before it came"
    assert refusal(lambda: enter(town, "used", TWO, 1))[0] is Conflict
    assert refusal(lambda: enter(town, "used", ONE, 1, lot="L2"))[0] is Conflict
    enter(town, "used", ONE, 10)
    assert balances(town) == {}


def test_an_entry_is_undone_once_and_only_while_its_doses_are_there(town: Town) -> None:
    received = enter(town, "received", ONE, 60, ago=6, expiry=EXPIRY)
    moved = enter(town, "moved", ONE, 30, ago=5, other=TWO)
    used = enter(town, "used", TWO, 12, ago=4)
    user = added(town, "administrator")

    def undo(seq: int) -> StockEntry:
        return stock.undo(town.reference, user, "squares", seq, "", DAY)

    assert refusal(lambda: undo(received.seq))[0] is Conflict, "30 of them went on"
    assert refusal(lambda: undo(moved.seq))[0] is Conflict, "12 of them were used there"
    counter = undo(used.seq)
    assert (counter.undoes, counter.doses, counter.day) == (used.seq, 12, used.day)
    for seq in (used.seq, counter.seq):
        assert refusal(lambda seq=seq: undo(seq))[0] is Conflict  # type: ignore[misc]
    assert refusal(lambda: undo(999))[0] is NotFound
    undo(moved.seq)
    assert balances(town) == {f"{ONE}|pfizer_purple|L1": 60}
    undo(received.seq)
    assert balances(town) == {}
    enter(town, "received", ONE, 48, ago=6, expiry="2023-01-31")
    assert [one.expiry for one in look(town).lines] == [date(2023, 1, 31)], "the wrong expiry went with its entry"
    with town.reference.database.read() as connection:
        kept = connection.execute(select(tables.stock_entries.c.seq, tables.stock_entries.c.doses)).all()
    assert len(kept) == 7 and dict(kept)[received.seq] == 60, "rows are added and never changed"


def test_nothing_is_put_in_behind_a_count_or_taken_back_behind_it(sqlite_town: Town) -> None:
    town = sqlite_town
    received = enter(town, "received", ONE, 60, ago=6, expiry=EXPIRY)
    counted = enter(town, "counted", ONE, 54, ago=3)
    kind, words = refusal(lambda: enter(town, "used", ONE, 6, ago=4))
    assert kind is Conflict and "was counted on" in words
    user = added(town, "administrator")
    assert refusal(lambda: stock.undo(town.reference, user, "squares", received.seq, "", DAY))[0] is Conflict
    enter(town, "used", ONE, 6, ago=3)
    stock.undo(town.reference, user, "squares", counted.seq, "", DAY)
    enter(town, "used", ONE, 6, ago=4, document="sổ ghi muộn")
    assert balances(town) == {f"{ONE}|pfizer_purple|L1": 48}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"kind": "lent"}, "lent is no kind of entry"),
        ({"day": "31/02/2022"}, "31/02/2022 is not a day"),
        ({"day": "2022-08-16"}, "cannot be right"),
        ({"day": "2019-01-01"}, "cannot be right"),
        ({"doses": "0"}, "0 is no number"),
        ({"doses": "-5"}, "-5 is no number"),
        ({"doses": "1.5"}, "1.5 is no number"),
        ({"doses": "99999999999"}, "is no number"),
        ({"vials": "3"}, "one of the two"),
        ({"doses": ""}, "one of the two"),
        ({"lot": ""}, "The lot is missing"),
        ({"lot": "L" * 41}, "too long"),
        ({"lot": "L\u200b1"}, "cannot be printed"),
        ({"store": "nowhere"}, "no store nowhere"),
        ({"store": ""}, "store is missing"),
        ({"formulation": "sputnik"}, "sputnik is no vaccine"),
        ({"expiry": ""}, "expiry of lot L1 is missing"),
        ({"expiry": "2022-08-01"}, "had expired"),
        ({"kind": "wasted", "reason": "lost"}, "lost is no reason"),
        ({"kind": "moved"}, "to which store"),
        ({"kind": "moved", "other": ONE}, "one store to another"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_names_the_cure(sqlite_town: Town, more: dict[str, str], told: str) -> None:
    fields = typed("received", ONE, 60, 0, expiry=EXPIRY) | more
    user = added(sqlite_town, "administrator")

    def act() -> None:
        stock.enter(sqlite_town.reference, user, "covid19", "squares", read_stock_row(fields), DAY)

    kind, words = refusal(act)
    assert kind is InvalidInput and told in words
    assert look(sqlite_town).all_entries == 0


def test_a_lot_has_one_expiry_and_the_same_is_not_entered_twice(sqlite_town: Town) -> None:
    enter(sqlite_town, "received", ONE, 60, expiry=EXPIRY)
    assert "by the ledger" in refusal(lambda: enter(sqlite_town, "received", TWO, 60, expiry="2023-02-01"))[1]
    assert enter(sqlite_town, "received", TWO, 60).expiry == date(2022, 12, 31)
    assert refusal(lambda: enter(sqlite_town, "received", ONE, 60))[0] is Conflict
    enter(sqlite_town, "received", ONE, 60, document="PXK 2")
    assert balances(sqlite_town)[f"{ONE}|pfizer_purple|L1"] == 120


def test_vials_are_as_many_doses_as_the_campaign_says(sqlite_town: Town) -> None:
    row = read_stock_row(typed("received", ONE, 0, expiry=EXPIRY) | {"doses": "", "vials": "1.200"})
    entry = stock.enter(sqlite_town.reference, added(sqlite_town, "administrator"), "covid19", "squares", row, DAY)
    assert (entry.doses, entry.vial_doses) == (7200, 6)


def test_only_who_oversees_a_store_enters_for_it_and_readers_read_their_own_area(sqlite_town: Town) -> None:
    town, here = sqlite_town, inside(0)
    hall = Site("HALL", "Nhà văn hóa", SiteKind.MOBILE, here.lat, here.lon)
    sites.enter(town.reference, added(town, "administrator"), hall)
    enter(town, "received", SOUTH, 600, expiry=EXPIRY)
    district = added(town, "supervisor", "squares:S")
    enter(town, "moved", SOUTH, 60, user=district, other=ONE)
    enter(town, "moved", SOUTH, 60, user=district, other=TWO)
    commune = added(town, "commune_supervisor", f"squares:{COMMUNES[0]}")
    enter(town, "moved", ONE, 12, user=commune, other="site:HALL")
    enter(town, "used", "HALL", 6, user=commune)
    for act in (
        lambda: enter(town, "used", TWO, 6, user=commune),
        lambda: enter(town, "moved", ONE, 6, user=commune, other=TWO),
        lambda: enter(town, "moved", TWO, 6, user=commune, other=ONE),
        lambda: enter(town, "received", SOUTH, 6, user=commune, expiry=EXPIRY),
        lambda: enter(town, "received", ONE, 6, user=added(town, "planner"), expiry=EXPIRY),
        lambda: stock.undo(town.reference, commune, "squares", 3, "", DAY),
    ):
        assert refusal(act)[0] is Forbidden
    assert balances(town, commune) == {f"{ONE}|pfizer_purple|L1": 48, "site:HALL|pfizer_purple|L1": 6}
    assert len(balances(town, district)) == 4
    kind, words = refusal(lambda: sites.remove(town.reference, district, "HALL"))
    assert kind is Conflict and "6 doses of vaccine stand at the site" in words
    north = added(town, "supervisor", "squares:N")
    assert (balances(town, north), look(town, north).all_entries) == ({}, 0)
    seen = look(town, commune)
    assert [(one.entry.kind, one.may_undo) for one in seen.entries] == [
        (Kind.USED, True),
        (Kind.MOVED, True),
        (Kind.MOVED, False),
    ], "what the district sent is theirs to undo"
    assert {one.key for one in seen.stores} == {ONE, "site:HALL"}
    assert look(town, added(town, "planner")).stores == ()
    enter(town, "used", "HALL", 6, user=commune, document="phiên 2")
    sites.remove(town.reference, district, "HALL")
    assert "HALL" in {one.where for one in look(town).entries}, "its entries stay, under its code"


TABLE = f"""ngày;loại;kho;vắc-xin;số lô;hạn dùng;lọ;lý do;kho nhận;chứng từ
10/08/2022;nhập;district:S;pfizer_purple;L1;31/12/2022;100;;;PXK 1
11/08/2022;điều chuyển;district:S;pfizer_purple;L1;;20;;{COMMUNES[0]};
12/08/2022;hủy;{COMMUNES[0]};pfizer_purple;L1;;1;vỡ;;
"""


def test_a_table_is_taken_whole_in_its_order_and_only_once(town: Town) -> None:
    user = added(town, "administrator")

    def take(text: str) -> stock.ImportedStock:
        return stock.import_table(town.reference, user, "covid19", "squares", "kho.csv", text.encode(), DAY)

    done = take(TABLE)
    assert (done.entered, done.faults) == (3, ())
    assert balances(town) == {f"{SOUTH}|pfizer_purple|L1": 480, f"{ONE}|pfizer_purple|L1": 114}
    again = take(TABLE)
    assert again.entered == 0 and [fault.row for fault in again.faults] == [2, 3, 4]
    wrong = take(TABLE.replace("PXK 1", "PXK 2").replace(";20;", ";19;").replace("12/08/2022;hủy", "12/08/2022;mất"))
    assert [fault.row for fault in wrong.faults] == [4]
    assert "is no kind" in wrong.faults[0].message
    assert sum(balances(town).values()) == 594, "of a table with a wrong row nothing is taken"
    with town.reference.database.read() as connection:
        last = connection.execute(select(tables.audit.c.action).order_by(tables.audit.c.seq.desc()).limit(1)).scalar()
    assert last == "stock.imported"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ngày,loại,kho\n", "lacks the column formulation"),
        ("day,kind,store,formulation,lot\n", "lacks the column doses"),
        ("day,kind,store,formulation,lot,doses\n", "has no row"),
        ("", "is empty"),
    ],
)
def test_what_is_no_table_of_stock_is_refused(sqlite_town: Town, text: str, told: str) -> None:
    reference = sqlite_town.reference
    words = refusal(lambda: stock.import_table(reference, None, "covid19", "squares", "k.csv", text.encode(), DAY))[1]
    assert told in words


def test_what_to_look_at_first(sqlite_town: Town) -> None:
    town = sqlite_town
    enter(town, "received", ONE, 60, ago=20, lot="GONE", expiry="2022-08-10")
    enter(town, "used", ONE, 6, ago=3, lot="GONE")
    enter(town, "received", TWO, 280, ago=20, lot="SLOW", expiry=(DAY + timedelta(days=13)).isoformat())
    enter(town, "used", TWO, 140, ago=10, lot="SLOW")
    enter(town, "received", TWO, 30, ago=20, lot="LATER", expiry="2022-12-31")
    found = look(town)
    assert [(one.grade, one.facts["lot"]) for one in found.warnings] == [
        (Grade.TROUBLE, "GONE"),
        (Grade.TROUBLE, "GONE"),
        (Grade.CARE, "SLOW"),
    ]
    told = {one.lot: one for one in found.lines}
    # 140 in 28 days are 5 a day, 70 in the fourteen days that are left; the other 70 expire.
    assert (told["SLOW"].unused, told["SLOW"].first, told["SLOW"].soon) == (70, True, True)
    assert (told["GONE"].expired, told["GONE"].first, told["LATER"].first) == (True, False, False)


def test_random_days_in_the_stores_never_fall_below_nothing(sqlite_town: Town) -> None:
    town, chance = sqlite_town, random.Random(11)
    stores, lots = [SOUTH, ONE, TWO], ["A", "B"]
    expected: dict[tuple[str, str], int] = dict.fromkeys([(store, lot) for store in stores for lot in lots], 0)
    user = added(town, "administrator")
    refused = 0
    for number in range(120):
        kind, store, lot = (
            chance.choice(["received", "used", "wasted", "moved"]),
            chance.choice(stores),
            chance.choice(lots),
        )
        other = chance.choice([one for one in stores if one != store])
        doses, more = chance.randrange(1, 40), {"reason": "other", "other": other, "document": str(number)}
        row = read_stock_row(typed(kind, store, doses, 0, lot=lot, expiry=EXPIRY, **more))
        try:
            stock.enter(town.reference, user, "covid19", "squares", row, DAY)
        except Conflict:
            refused += 1
            assert kind != "received" and doses > expected[store, lot]
            continue
        expected[store, lot] += doses if kind == "received" else -doses
        if kind == "moved":
            expected[other, lot] += doses
        assert expected[store, lot] >= 0
    assert refused > 10
    assert balances(town) == {
        f"{store}|pfizer_purple|{lot}": doses for (store, lot), doses in expected.items() if doses
    }


def test_of_several_at_once_only_so_many_take_as_there_are_doses(town: Town) -> None:
    enter(town, "received", ONE, 30, expiry=EXPIRY)
    user = added(town, "administrator")

    def use(number: int) -> bool:
        row = read_stock_row(typed("used", ONE, 10, document=str(number)))
        try:
            stock.enter(town.reference, user, "covid19", "squares", row, DAY)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(8))) == 3
    assert balances(town) == {}


def test_a_long_table_is_taken(sqlite_town: Town) -> None:
    lines = [f"2022-08-01,received,{COMMUNES[0]},pfizer_purple,L1,2022-12-31,6000,"]
    lines += [f"2022-08-02,used,{COMMUNES[0]},pfizer_purple,L1,,1,{number}" for number in range(3000)]
    data = "\n".join(["day,kind,store,formulation,lot,expiry,doses,document", *lines]).encode()
    assert stock.import_table(sqlite_town.reference, None, "covid19", "squares", "k.csv", data, DAY).entered == 3001
    assert balances(sqlite_town) == {f"{ONE}|pfizer_purple|L1": 3000}
