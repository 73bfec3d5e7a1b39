"""Somebody guesses passwords: waits that grow, for the guesser and not for whose account it is; phones feel nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import requests
from sqlalchemy import select, update

from mapper.errors import SignInRequired, TooManyTries
from mapper.language import translate
from mapper.services import accounts, guessing, users
from mapper.services.guessing import Door
from mapper.store import tables
from mapper.store.failed_tries import LONGEST_S, SharedCounts
from tests.client.site import House, Site
from tests.services.town import EVERYTHING
from tests.web.test_sign_in import NAME, PASSWORD, Desk, is_in

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def site(sqlite_site: Site) -> Site:
    """A server with one supervisor."""
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    return sqlite_site


@contextmanager
def browser(site: Site) -> Iterator[Desk]:
    """A browser that nobody has signed in with."""
    made = Desk(site)
    try:
        yield made
    finally:
        made.session.close()


def door(site: Site) -> Door:
    """The door as a process of its own has it."""
    return Door(site.reference, accounts.secret_key(site.reference))


def guess(door: Door, name: str, address: str, times: int, browser: str = "") -> list[str]:
    """Wrong passwords in a row, and what was said to each."""
    said = []
    for _ in range(times):
        with pytest.raises((SignInRequired, TooManyTries)) as refusal:
            door.sign_in(name, "không phải thế", address, browser)
        said.append(type(refusal.value).__name__)
    return said


def pass_by(site: Site, seconds: float) -> None:
    """Time passes for what is counted."""
    t = tables.failed_tries
    with site.reference.database.write() as connection:
        connection.execute(update(t).values(ends_at=t.c.ends_at - seconds))


def test_after_five_wrong_passwords_the_page_says_how_long_to_wait_and_the_right_one_waits_too(site: Site) -> None:
    with browser(site) as desk:
        assert [desk.sign_in(password="sai mất rồi").status_code for _ in range(6)] == [401] * 5 + [429]
        answer = desk.sign_in()
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        assert (
            translate(
                "Too many attempts have failed. Wait {minutes} minutes, or ask the administrator for a new password.",
                minutes=1,
            )
            in answer.text
        )
        assert not is_in(desk)
        pass_by(site, 61)
        assert desk.sign_in().status_code == 302


def test_waits_grow_and_never_pass_a_quarter_of_an_hour(site: Site) -> None:
    at = door(site)
    waits = []
    for number in range(8):
        guess(at, NAME, f"203.0.113.{number}", 5)
        with pytest.raises(TooManyTries) as refusal:
            at.sign_in(NAME, PASSWORD, ELSEWHERE)
        waits.append(int(str(refusal.value.facts["minutes"])))
        pass_by(site, 61)
    assert waits[:3] == [1, 1, 1]
    assert max(waits) > 5
    assert max(waits) <= 15


def test_an_account_gets_fewer_than_a_hundred_guesses_an_hour(site: Site) -> None:
    at, passed = door(site), 0
    for minute in range(60):
        passed += guess(at, NAME, f"203.0.113.{minute}", 6).count("SignInRequired")
        pass_by(site, 60)
    assert 50 < passed < 100


def test_a_stranger_s_guesses_do_not_keep_anybody_out_of_their_own_browser(site: Site) -> None:
    with browser(site) as own, browser(site) as stranger:
        assert own.sign_in().status_code == 302
        assert own.post("/sign-out", csrf_token=_token(own)).status_code == 302
        assert [stranger.sign_in(password="đoán mò thôi").status_code for _ in range(7)][-1] == 429
        assert own.sign_in().status_code == 302
        assert stranger.sign_in().status_code == 429


def _token(desk: Desk) -> str:
    desk.get("/account")
    return desk.csrf


def test_a_known_browser_s_own_guesses_are_counted_too(site: Site) -> None:
    with browser(site) as own:
        own.sign_in()
        own.post("/sign-out", csrf_token=_token(own))
        assert [own.sign_in(password="đoán mò thôi").status_code for _ in range(6)] == [401] * 5 + [429]


def test_a_browser_is_known_for_who_signed_in_there_and_a_made_up_one_for_nobody(site: Site) -> None:
    site.user("supervisor", "001", name="Lan", password=PASSWORD)
    with browser(site) as own, browser(site) as other:
        own.sign_in()
        known = own.session.cookies["known"]
        for _ in range(6):
            other.sign_in("Lan", "đoán mò thôi")
        own.session.cookies.clear()
        own.session.cookies.set("known", known)
        assert own.sign_in("Lan", PASSWORD).status_code == 429
        own.session.cookies.set("known", known[:-2] + "xx")
        assert own.sign_in("Lan", PASSWORD).status_code == 429
    assert NAME not in known and "Lan" not in known


def test_names_that_are_not_there_wait_alike(site: Site) -> None:
    at = door(site)
    assert guess(at, NAME, HERE, 7) == guess(at, "không có ai", ELSEWHERE, 7)


def test_an_unknown_name_takes_a_hash_as_long_as_a_known_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = accounts._hasher

    class Counting:
        """The hasher, and what it was asked."""

        def verify(self, kept: str, password: str) -> bool:
            checked.append(kept.rpartition("$")[0].rpartition("$")[0])
            return bool(real.verify(kept, password))

        def hash(self, password: str) -> str:
            return real.hash(password)

    monkeypatch.setattr(accounts, "_hasher", Counting())
    for name in (NAME, "không có ai"):
        with pytest.raises(SignInRequired):
            accounts.sign_in(site.reference, name, "không phải thế")
    assert len(checked) == 2
    assert len(set(checked)) == 1  # the same kind of hash, at the same cost


def test_many_names_from_one_address_wait_and_other_addresses_do_not(site: Site) -> None:
    at = door(site)
    said = [guess(at, f"tên {number}", HERE, 1)[0] for number in range(31)]
    assert said == ["SignInRequired"] * 30 + ["TooManyTries"]
    with pytest.raises(TooManyTries):
        at.sign_in(NAME, PASSWORD, HERE)
    assert at.sign_in(NAME, PASSWORD, ELSEWHERE).name == NAME


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:203.0.113.7", HERE, True),
    ],
)
def test_an_address_is_that_of_one_customer(site: Site, first: str, second: str, same: bool) -> None:
    at = door(site)
    for number in range(30):
        guess(at, f"tên {number}", first, 1)
    assert (guess(at, "tên mới", second, 1) == ["TooManyTries"]) == same


def test_every_process_counts_the_same(standing_site: Site) -> None:
    name = f"chung {standing_site.made}"
    standing_site.user("supervisor", "001", name=name, password=PASSWORD)
    one, two = door(standing_site), door(standing_site)
    assert guess(one, name, "", 3) + guess(two, name, "", 3) == ["SignInRequired"] * 5 + ["TooManyTries"]
    with pytest.raises(TooManyTries):
        two.sign_in(name, PASSWORD, "")
    one.forget(name)
    assert two.sign_in(name, PASSWORD, "").name == name


def test_a_new_password_ends_the_wait(site: Site) -> None:
    with browser(site) as desk, browser(site) as chief:
        for _ in range(6):
            desk.sign_in(password="sai mất rồi")
        site.user("administrator", name="chief", password=PASSWORD)
        chief.sign_in("chief")
        with site.reference.database.read() as connection:
            number = connection.scalar(select(tables.users.c.id).where(tables.users.c.name == NAME))
        chief.get(f"/users/{number}")
        shown = chief.post(f"/users/{number}/password")
        password = shown.text.partition('<b class="secret">')[2].partition("<")[0]
        assert desk.sign_in(password=password).status_code == 302


def test_what_is_counted_names_nobody_and_is_forgotten(site: Site) -> None:
    at = door(site)
    guess(at, NAME, HERE, 2)
    kept = str(site.rows("failed_tries"))
    assert kept.count("LIMIT") or kept.count("5/1/minute")
    assert NAME not in kept and HERE not in kept
    pass_by(site, 3600)
    guess(at, "ai khác", ELSEWHERE, 1)
    assert len(site.rows("failed_tries")["failed_tries"]) == 4


def test_a_clock_that_was_wrong_keeps_nobody_waiting(site: Site) -> None:
    at = door(site)
    guess(at, NAME, HERE, 6)
    pass_by(site, -LONGEST_S - 3600)
    assert at.sign_in(NAME, PASSWORD, HERE).name == NAME


def test_a_count_adds_up_and_ends(standing_site: Site) -> None:
    counts = SharedCounts(standing_site.reference.database)
    counts.reset()
    assert [counts.incr("a", 60), counts.incr("a", 60, 2), counts.incr("b", 60)] == [1, 3, 1]
    assert counts.get("a") == 3
    assert 0 < counts.get_expiry("a") - time.time() <= 60
    counts.clear("a")
    assert (counts.get("a"), counts.get("b"), counts.reset()) == (0, 1, 1)
    assert counts.check()


def test_an_old_hash_is_made_anew_at_the_next_sign_in_and_sessions_go_on(site: Site) -> None:
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    with site.reference.database.write() as connection:
        connection.execute(tables.users.update().where(tables.users.c.name == NAME).values(password_hash=cheap))
    before = accounts.sign_in(site.reference, NAME, PASSWORD)
    with site.reference.database.read() as connection:
        kept = connection.scalar(select(tables.users.c.password_hash).where(tables.users.c.name == NAME))
    assert kept != cheap and "m=8," in str(kept)
    assert accounts.sign_in(site.reference, NAME, PASSWORD) == before


# Programs that send name and password


def test_a_feed_s_name_and_password_are_counted_alike(site: Site) -> None:
    address = f"{site.url}/odata/house_check.svc"
    said = [requests.get(address, auth=(NAME.encode(), b"wrong"), timeout=60).status_code for _ in range(6)]
    assert said == [401] * 5 + [429]
    answer = requests.get(address, auth=(NAME.encode(), PASSWORD.encode()), timeout=60)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    with browser(site) as desk:
        assert desk.sign_in().status_code == 429


# Phones


def test_no_number_of_wrong_keys_stops_a_phone_at_the_same_address(site: Site) -> None:
    ended = site.user("canvasser", "001", name="đã thôi")
    users.end(site.reference, EVERYTHING, ended.id)
    with requests.Session() as bad:
        said = {bad.get(f"{site.url}/key/{ended.token}/formList", timeout=60).status_code for _ in range(200)}
        said |= {bad.get(f"{site.url}/key/nobody/formList", timeout=60).status_code for _ in range(100)}
    assert said == {403}  # and nothing else: the canvasser is told to ask for a new code
    assert site.phone().send(House("uuid:after").form()).statuses == (201,)
    assert site.rows("failed_tries")["failed_tries"] == set()


def test_a_thousand_phones_at_one_address_are_never_asked_to_wait(site: Site) -> None:
    with requests.Session() as line:
        for number in range(10):
            token = site.user("canvasser", "001", name=f"máy {number}").token
            said = {line.get(f"{site.url}/key/{token}/formList", timeout=60).status_code for _ in range(20)}
            assert said == {200}
    assert site.rows("failed_tries")["failed_tries"] == set()


def test_guessing_at_the_door_stops_no_phone(site: Site) -> None:
    with browser(site) as stranger:
        assert [stranger.sign_in(password="đoán mò thôi").status_code for _ in range(7)][-1] == 429
    assert site.phone().send(House("uuid:meanwhile").form()).statuses == (201,)


def test_passwords_are_checked_few_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "PATIENCE_S", 0.01)
    taken = [guessing._checking.acquire(blocking=False) for _ in range(guessing.CHECKED_AT_ONCE)]
    try:
        assert all(taken)
        with browser(site) as desk:
            assert desk.sign_in().status_code == 503
    finally:
        for _ in taken:
            guessing._checking.release()
    with browser(site) as desk:
        assert desk.sign_in().status_code == 302


def test_guesses_that_stand_in_the_queue_together_are_no_more_than_those_one_by_one(site: Site) -> None:
    for _ in range(guessing.CHECKED_AT_ONCE):
        guessing._checking.acquire()
    said: list[str] = []
    waiting = [Thread(target=lambda: said.extend(guess(door(site), NAME, HERE, 1))) for _ in range(12)]
    for each in waiting:
        each.start()
    deadline = time.monotonic() + 5
    while len(guessing._checking._cond._waiters) < len(waiting) and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.01)
    guessing._checking.release(guessing.CHECKED_AT_ONCE)
    for each in waiting:
        each.join()
    assert len(said) == len(waiting)
    assert said.count("SignInRequired") < 5 + guessing.CHECKED_AT_ONCE  # one more a place may be under way at the limit
