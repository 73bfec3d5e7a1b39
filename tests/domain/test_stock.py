"""A ledger of vaccine adds up: by hand, against a replay of every entry, and a move makes nothing and takes nothing."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.stock import (
    SITE,
    Book,
    Held,
    Kind,
    StockEntry,
    Store,
    WasteReason,
    first_to_use,
    leaving,
    run_down,
    steady,
    use_of,
)

DAY = date(2022, 9, 8)
A, B = Store("commune", "01969", "bach_thong"), Store(SITE, "TYT-1")
SOON, LATE = DAY + timedelta(days=10), DAY + timedelta(days=100)


def entry(kind: Kind, doses: int, ago: int = 0, seq: int = 0, **facts: object) -> StockEntry:
    usual: dict[str, object] = {"store": A, "formulation": "ten", "lot": "L1", "seq": seq}
    return StockEntry(day=DAY - timedelta(days=ago), kind=kind, doses=doses, **usual | facts)  # type: ignore[arg-type]


HELD = Held(A, "ten", "L1")


@pytest.mark.parametrize("store", [A, B, Store(SITE, "a/b:c"), Store("commune", "x:y", "set")])
def test_a_store_is_read_as_it_is_written(store: Store) -> None:
    assert Store.of(str(store)) == store


@pytest.mark.parametrize("text", ["", "commune:1", "/commune:1", "set/commune", "set/:1", "set/commune:"])
def test_what_is_no_store_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        Store.of(text)


def test_balances_by_hand() -> None:
    book = Book(
        [
            entry(Kind.ALLOCATED, 500, ago=9),
            entry(Kind.RECEIVED, 200, ago=8),
            entry(Kind.USED, 55, ago=6),
            entry(Kind.WASTED, 5, ago=6, reason=WasteReason.OPEN_VIAL),
            entry(Kind.MOVED, 40, ago=4, other=B),
            entry(Kind.COUNTED, 97, ago=2, seq=6, difference=-3),
        ]
    )
    assert [book.balance(HELD, DAY - timedelta(days=ago)) for ago in (9, 8, 6, 4, 2, 0)] == [0, 200, 140, 100, 97, 97]
    assert book.at_hand(DAY) == {HELD: 97, HELD._replace(store=B): 40}
    assert book.lowest(HELD, DAY - timedelta(days=8)) == (97, DAY - timedelta(days=2))
    assert book.counted_on(HELD) == DAY - timedelta(days=2)
    assert book.counted_on(HELD, after=6) is None


def test_an_entry_that_undoes_another_counts_the_other_way() -> None:
    received = entry(Kind.RECEIVED, 100, ago=5, seq=1, expiry=LATE)
    counted = entry(Kind.COUNTED, 90, ago=3, seq=2, difference=-10)
    moved = entry(Kind.MOVED, 30, ago=1, seq=3, other=B)
    book = Book([received, counted, moved])
    assert book.at_hand(DAY) == {HELD: 60, HELD._replace(store=B): 30}
    for one in (moved, counted, received):
        book.add(replace(one, seq=one.seq + 10, undoes=one.seq))
    assert book.at_hand(DAY) == {}
    assert book.undone == {1, 2, 3}
    assert book.counted_on(HELD) is None
    assert book.expiry("ten", "L1") is None, "nobody says now when it expires"


def test_the_same_twice_is_told_by_what_it_says_and_not_by_its_number() -> None:
    one = entry(Kind.USED, 10, seq=4)
    book = Book([one])
    assert book.told_already(replace(one, seq=9, expiry=LATE)) == 4
    assert book.told_already(replace(one, document="phiên 2")) is None
    assert book.told_already(replace(one, doses=11)) is None
    book.add(replace(one, seq=5, undoes=4))
    assert book.told_already(one) is None, "what was undone may be entered again"
    book.add(replace(one, seq=6))
    assert book.told_already(one) == 6


@pytest.mark.parametrize("seed", range(40))
def test_random_ledgers_equal_a_replay_of_every_entry(seed: int) -> None:
    chance = random.Random(seed)
    stores, lots = [A, B, Store("district", "063", "bach_thong")], ["L1", "L2"]
    book = Book()
    written: list[StockEntry] = []
    for seq in range(1, 80):
        kind = chance.choice(list(Kind))
        store = chance.choice(stores)
        made = StockEntry(
            DAY - timedelta(days=chance.randrange(20)),
            kind,
            store,
            "ten",
            chance.choice(lots),
            chance.randrange(1, 60),
            other=chance.choice([one for one in stores if one != store]) if kind is Kind.MOVED else None,
            reason=WasteReason.OTHER if kind is Kind.WASTED else None,
            difference=chance.randrange(-5, 6) if kind is Kind.COUNTED else 0,
            seq=seq,
        )
        standing = [one for one in written if one.undoes is None and one.seq not in book.undone]
        if standing and chance.random() < 0.2:
            wrong = chance.choice(standing)
            made = replace(wrong, seq=seq, undoes=wrong.seq)
        written.append(made)
        book.add(made)
    for ago in range(20):
        day = DAY - timedelta(days=ago)
        replayed: Counter[Held] = Counter()
        for one in written:
            # Told in full for each kind here, and by a table of signs there.
            times = 0 if one.day > day else -1 if one.undoes else 1
            if one.kind is Kind.RECEIVED:
                replayed[one.held] += times * one.doses
            if one.kind in (Kind.USED, Kind.WASTED, Kind.MOVED):
                replayed[one.held] -= times * one.doses
            if one.kind is Kind.MOVED and one.other:
                replayed[Held(one.other, one.formulation, one.lot)] += times * one.doses
            if one.kind is Kind.COUNTED:
                replayed[one.held] += times * one.difference
        assert book.at_hand(day) == {held: doses for held, doses in replayed.items() if doses}
    for held in book.at_hand(DAY):
        days = [DAY - timedelta(days=ago) for ago in range(20)]
        low = min(book.balance(held, day) for day in days)
        assert book.lowest(held, min(days))[0] == low
    without = Book([one for one in written if one.kind is not Kind.MOVED])
    assert sum(book.at_hand(DAY).values()) == sum(without.at_hand(DAY).values()), "a move makes and takes nothing"


def test_use_and_waste_by_hand() -> None:
    entries = [
        entry(Kind.RECEIVED, 200, ago=40),
        entry(Kind.USED, 60, ago=30),
        entry(Kind.USED, 38, ago=27, seq=3),
        entry(Kind.WASTED, 12, ago=0, reason=WasteReason.OPEN_VIAL),
        entry(Kind.WASTED, 10, ago=0, reason=WasteReason.BROKEN),
        entry(Kind.MOVED, 30, ago=1, other=B),
        entry(Kind.USED, 10, ago=5, seq=6),
        entry(Kind.USED, 10, ago=5, undoes=6),
        entry(Kind.USED, 99, ago=-1),
    ]
    use = use_of(entries, DAY, 28)
    assert (use.received, use.used, use.wasted_open, use.wasted_closed) == (200, 98, 12, 10)
    assert use.a_day == pytest.approx(50 / 28)
    assert use.use_rate == pytest.approx(0.49)
    # 12 of the 110 doses opened; 10 of the 120 gone.
    assert use.open_waste == pytest.approx(12 / 110)
    assert use.closed_waste == pytest.approx(10 / 120)
    assert leaving(entries, A, DAY, 28) == pytest.approx(80 / 28)
    assert leaving(entries, B, DAY, 28) == 0
    nothing = use_of([], DAY, 28)
    assert (nothing.use_rate, nothing.open_waste, nothing.closed_waste) == (None, None, None)


def test_the_first_to_expire_goes_first_and_what_has_expired_not_at_all() -> None:
    lots = {"none": None, "late": LATE, "gone": DAY - timedelta(days=1), "today": DAY, "soon": SOON}
    assert first_to_use(lots, DAY) == ["today", "soon", "late", "none"]


@pytest.mark.parametrize(
    ("lots", "a_day", "short_on", "missing", "unused"),
    [
        pytest.param({"a": (100, LATE)}, 5, None, 0, {}, id="enough for all twenty days"),
        pytest.param({"a": (99, LATE)}, 5, DAY + timedelta(days=19), 1, {}, id="one dose short on the last day"),
        pytest.param({"a": (0, LATE)}, 5, DAY, 100, {}, id="nothing there"),
        pytest.param({"a": (60, SOON), "b": (60, LATE)}, 5, None, 0, {"a": 5}, id="eleven days until it expires"),
        pytest.param({"a": (60, SOON)}, 5, SOON + timedelta(days=1), 45, {"a": 5}, id="short though some is left"),
        pytest.param({"a": (60, DAY - timedelta(days=1))}, 5, DAY, 100, {"a": 60}, id="expired is not there"),
        pytest.param({"a": (10, SOON), "b": (10, None)}, 0, None, 0, {"a": 10}, id="nobody needs it"),
        pytest.param({"a": (200, DAY + timedelta(days=50))}, 5, None, 0, {}, id="what comes then nobody knows"),
    ],
)
def test_lots_run_down(
    lots: dict[str, tuple[int, date | None]],
    a_day: float,
    short_on: date | None,
    missing: float,
    unused: dict[str, float],
) -> None:
    until = DAY + timedelta(days=19)
    found = run_down(lots, steady(a_day, DAY, until), DAY, until)
    assert found.short_on == short_on
    assert found.missing == pytest.approx(missing)
    assert found.unused == pytest.approx(unused)
