"""Sessions: a new key with every sign-in, ended by hand, by time and by a new password, wherever their cookies are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import requests
from sqlalchemy import select, update

from mapper.language import translate
from mapper.services import accounts
from mapper.settings import Settings
from mapper.store import tables
from tests.client.site import Site
from tests.web.test_sign_in import NAME, PASSWORD, Desk, is_in

NEXT = "bốn từ chẳng liên quan"


@pytest.fixture
def site(sqlite_site: Site) -> Site:
    """A server with one supervisor."""
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    return sqlite_site


@pytest.fixture
def browsers(site: Site) -> Iterator[tuple[Desk, Desk]]:
    """Two browsers of one person, both signed in."""
    made = Desk(site), Desk(site)
    for one in made:
        assert one.sign_in().status_code == 302
    yield made
    for one in made:
        one.session.close()


def let_pass(site: Site, seconds: float, *columns: str) -> None:
    """Time passes for every session."""
    s = tables.sessions
    with site.reference.database.write() as connection:
        connection.execute(update(s).values({name: s.c[name] - seconds for name in columns}))


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, _ = browsers
    stolen = own.session.cookies["session"]
    own.get("/account")
    own.post("/sign-out")
    answer = requests.get(f"{site.url}/api/campaigns", headers={"Cookie": f"session={stolen}"}, timeout=60)
    assert answer.status_code == 401


def test_every_sign_in_begins_a_session_with_a_key_of_its_own(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, other = browsers
    first = own.session.cookies["session"]
    own.get("/account")
    own.post("/sign-out")
    before = own.session.cookies.get("session")
    own.sign_in()
    assert len({first, before, own.session.cookies["session"], other.session.cookies["session"]}) == 4
    kept = site.rows("sessions")["sessions"]
    assert len(kept) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", str(row[0])) for row in kept)  # hashes: a copied database opens nothing


def test_a_session_that_somebody_planted_is_not_taken_over(site: Site) -> None:
    attacker, victim = Desk(site), Desk(site)
    attacker.get("/sign-in")
    victim.session.cookies.update(attacker.session.cookies)
    victim.csrf = attacker.csrf
    assert victim.post("/sign-in", name=NAME, password=PASSWORD).status_code == 302
    assert is_in(victim)
    assert not is_in(attacker)
    for one in (attacker, victim):
        one.session.close()


def test_a_session_ends_when_nobody_used_it_for_half_an_hour(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, _ = browsers
    let_pass(site, 29 * 60, "seen_at")
    assert is_in(own)  # and is noted as used
    let_pass(site, 29 * 60, "seen_at")
    assert is_in(own)
    let_pass(site, 31 * 60, "seen_at")
    assert not is_in(own)
    assert own.get("/map").headers["Location"] == "/sign-in?next=%2Fmap"


@pytest.mark.parametrize("address", ["/api/version", "/hot-spots/progress", "/fieldwork/version"])
def test_a_page_left_open_keeps_no_session_alive(site: Site, browsers: tuple[Desk, Desk], address: str) -> None:
    own, _ = browsers
    let_pass(site, 20 * 60, "seen_at")
    assert own.get(address).status_code not in (302, 401)
    let_pass(site, 11 * 60, "seen_at")
    assert not is_in(own)


def test_the_operator_says_how_long_a_browser_may_rest(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    site = run_site(settings.model_copy(update={"idle_minutes": 5}))
    site.user("supervisor", "001", name=NAME, password=PASSWORD)
    own = Desk(site)
    own.sign_in()
    let_pass(site, 4 * 60, "seen_at")
    assert is_in(own)
    let_pass(site, 6 * 60, "seen_at")
    assert not is_in(own)
    own.session.close()


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, _ = browsers
    let_pass(site, 12 * 3600 - 60, "begun_at")
    assert is_in(own)
    let_pass(site, 120, "begun_at")
    assert not is_in(own)
    own.sign_in()
    assert len(site.rows("sessions")["sessions"]) == 1  # those that were over are cleared away


def test_all_other_browsers_can_be_signed_out(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, other = browsers
    page = own.get("/account")
    assert page.text.count("python-requests") == 2
    assert page.text.count(translate("this one")) == 1
    assert own.post("/account/sign-out-others").status_code == 302
    assert is_in(own)
    assert not is_in(other)
    assert any("user.signed_out" in map(str, row) for row in site.rows("audit")["audit"])


def test_only_one_s_own_browsers_are_shown_and_signed_out(site: Site, browsers: tuple[Desk, Desk]) -> None:
    site.user("supervisor", "001", name="Lan", password=PASSWORD)
    lan = Desk(site)
    lan.sign_in("Lan")
    assert lan.get("/account").text.count("python-requests") == 1
    lan.post("/account/sign-out-others")
    assert is_in(browsers[0]) and is_in(lan)
    lan.session.close()


# One's own password


def test_a_new_password_of_one_s_own_ends_all_other_sessions(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, other = browsers
    own.get("/account")
    before = own.session.cookies["session"]
    answer = own.post("/account/password", present=PASSWORD, new=NEXT, again=NEXT)
    assert answer.status_code == 302
    assert translate("The password is changed. All other browsers are signed out.") in own.get("/account").text
    assert own.session.cookies["session"] != before
    assert is_in(own)
    assert not is_in(other)
    assert other.sign_in().status_code == 401
    assert other.sign_in(password=NEXT).status_code == 302
    trail = [row for row in site.rows("audit")["audit"] if "user.own_password" in map(str, row)]
    assert len(trail) == 1
    assert NEXT not in str(trail)


@pytest.mark.parametrize(
    ("present", "new", "again", "says"),
    [
        ("sai mất rồi nhé", NEXT, NEXT, "The present password is wrong."),
        (PASSWORD, NEXT, NEXT + "!", "The new password was written in two ways. Write it twice alike."),
        (PASSWORD, "Gỳ9-kế", "Gỳ9-kế", "A password has at least {number} characters."),
        (PASSWORD, "tiemchung2026", "tiemchung2026", "This password is one of those that are guessed first."),
        (PASSWORD, "Nông Thị Giám 1", "Nông Thị Giám 1", "This password is one of those that are guessed first."),
    ],
)
def test_a_password_that_cannot_be_is_refused_and_nothing_changes(
    site: Site, browsers: tuple[Desk, Desk], present: str, new: str, again: str, says: str
) -> None:
    own, other = browsers
    own.get("/account")
    answer = own.post("/account/password", present=present, new=new, again=again)
    assert answer.status_code == 400
    sentence = next(each for each in _sentences() if each.startswith(says))
    assert translate(sentence, number=12) in answer.text
    assert is_in(other)
    assert accounts.sign_in(site.reference, NAME, PASSWORD).name == NAME


def _sentences() -> tuple[str, ...]:
    return (
        "The present password is wrong.",
        "The new password was written in two ways. Write it twice alike.",
        "A password has at least {number} characters.",
        "This password is one of those that are guessed first. Take four words or more that do not belong together.",
    )


def test_who_sits_at_an_open_page_cannot_guess_the_password_there(site: Site, browsers: tuple[Desk, Desk]) -> None:
    own, other = browsers
    own.get("/account")
    said = [own.post("/account/password", present="mò thử xem", new=NEXT, again=NEXT).status_code for _ in range(6)]
    assert said == [400] * 5 + [429]
    other.get("/account")
    assert other.post("/account/password", present=PASSWORD, new=NEXT, again=NEXT).status_code == 302


def test_a_program_s_token_changes_no_password(site: Site) -> None:
    token = site.user("supervisor", "001", name="Lan", password=PASSWORD).token
    assert site.get("/account", token).status_code == 403


@pytest.mark.parametrize(
    "password", ["password1234", "matkhau12345", "qwertyuiop12", "123456789012", "tiemchung2026", "aaaaaaaaaaaa"]
)
def test_passwords_that_are_guessed_first_are_given_to_nobody(site: Site, password: str) -> None:
    with pytest.raises(accounts.InvalidInput, match="guessed first"):
        site.user("supervisor", "001", name="new", password=password)


@pytest.mark.parametrize(
    "password", ["bò vàng leo núi đá", "Xk7_mà4Gỳ-qT", "一二三四五六七八九十百千 núi", "bò vàng leo núi đá " * 40]
)
def test_long_passwords_of_any_letters_are_given(site: Site, password: str) -> None:
    site.user("supervisor", "001", name="new", password=password)
    assert accounts.sign_in(site.reference, "new", password).name == "new"


# Cookies


def test_cookies_are_this_host_s_alone_where_the_address_is_https(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    site = run_site(settings.model_copy(update={"public_url": "https://tiem.example.vn", "behind_proxy": True}))
    site.user("supervisor", "001", name=NAME, password=PASSWORD)
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tiem.example.vn", "Referer": "https://tiem.example.vn/"}
    page = requests.get(f"{site.url}/sign-in", headers=https, timeout=60)
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    assert csrf and cookie.startswith("__Host-session=")
    answer = requests.post(
        f"{site.url}/sign-in",
        {"name": NAME, "password": PASSWORD, "csrf_token": csrf[1]},
        headers={**https, "Cookie": cookie},
        timeout=60,
        allow_redirects=False,
    )
    assert answer.status_code == 302
    given = {each.partition("=")[0]: each for each in answer.raw.headers.getlist("Set-Cookie")}
    assert set(given) == {"__Host-session", "__Host-known"}
    for each in given.values():
        assert "; Secure" in each and "; HttpOnly" in each and "; Path=/" in each and "Domain" not in each
        assert "SameSite=" in each


def test_both_databases_keep_sessions(standing_site: Site) -> None:
    name = f"phiên {standing_site.made}"
    standing_site.user("supervisor", "001", name=name, password=PASSWORD)
    own, other = Desk(standing_site), Desk(standing_site)
    for one in (own, other):
        assert one.sign_in(name).status_code == 302
    own.get("/account")
    own.post("/account/sign-out-others")
    assert (is_in(own), is_in(other)) == (True, False)
    with standing_site.reference.database.read() as connection:
        number = connection.scalar(select(tables.users.c.id).where(tables.users.c.name == name))
        left = connection.scalars(select(tables.sessions.c.user_id).where(tables.sessions.c.user_id == number)).all()
    assert len(left) == 1
    for one in (own, other):
        one.session.close()
