"""People at a desk: signing in with a password, staying in, and out; what a phone's account cannot do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
import requests
from sqlalchemy import select

from mapper.language import translate
from mapper.services import accounts
from mapper.settings import Settings
from mapper.store import tables
from tests.client.site import Site

NAME, PASSWORD = "Nông Thị Giám", "mật khẩu đủ dài"


class Desk:
    """A browser without scripts. csrf: the token of the last form it was shown."""

    def __init__(self, site: Site) -> None:
        self.url = site.url
        self.session = requests.Session()
        self.csrf = ""

    def get(self, path: str, **asked: str) -> requests.Response:
        """Open a page, without following where it leads."""
        answer = self.session.get(self.url + path, params=asked, timeout=60, allow_redirects=False)
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer

    def post(self, path: str, **fields: str) -> requests.Response:
        """Send a form as the page does."""
        fields.setdefault("csrf_token", self.csrf)
        return self.session.post(self.url + path, data=fields, timeout=60, allow_redirects=False)

    def sign_in(self, name: str = NAME, password: str = PASSWORD, following: str = "") -> requests.Response:
        """Open the sign-in page and send it."""
        self.get("/sign-in", **({"next": following} if following else {}))
        return self.post("/sign-in", name=name, password=password, **({"next": following} if following else {}))


@pytest.fixture
def site(sqlite_site: Site) -> Site:
    """A server with one supervisor."""
    sqlite_site.user("supervisor", "001", name=NAME, password=PASSWORD)
    return sqlite_site


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    """A browser that nobody has signed in with."""
    made = Desk(site)
    yield made
    made.session.close()


def is_in(desk: Desk) -> bool:
    """Whether the browser's session opens figures."""
    return desk.get("/api/campaigns").status_code == 200


def test_name_and_password_open_pages_and_figures(desk: Desk) -> None:
    assert not is_in(desk)
    answer = desk.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert is_in(desk)
    assert desk.get("/").headers["Location"].startswith("/map")
    assert desk.get("/sign-in").status_code == 302


def test_name_may_be_typed_with_blanks_around_it(desk: Desk) -> None:
    assert desk.sign_in(name=f"  {NAME} ").status_code == 302


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (NAME, "wrong"),
        (NAME, ""),
        (NAME, PASSWORD + " "),
        ("nobody", PASSWORD),
        ("", ""),
        (NAME, "\0"),
        ("a\0b", PASSWORD),
        ("x" * 100_000, PASSWORD),
        (NAME, "x" * 100_000),
        ("' OR 1=1 --", "' OR 1=1 --"),
    ],
)
def test_wrong_name_or_password_is_refused_in_the_same_words(desk: Desk, name: str, password: str) -> None:
    answer = desk.sign_in(name, password)
    assert answer.status_code == 401
    assert translate("The name or the password is wrong.") in answer.text
    assert not is_in(desk)


@pytest.mark.parametrize(("name", "password"), [("a\0b", PASSWORD), ("nobody", PASSWORD)])
def test_wrong_name_is_refused_on_every_database(standing_site: Site, name: str, password: str) -> None:
    desk = Desk(standing_site)
    assert desk.sign_in(name, password).status_code == 401
    desk.session.close()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_count_however_a_keyboard_writes_them(site: Site, desk: Desk, form: Literal["NFC", "NFD"]) -> None:
    name, password = (unicodedata.normalize(form, text) for text in (NAME, PASSWORD))
    assert desk.sign_in(name, password).status_code == 302
    accounts.add_user(site.reference, unicodedata.normalize("NFD", NAME), "supervisor", ["001"], password)
    assert len([row for row in site.rows()["users"] if "Gi" in str(row)]) == 1
    assert desk.sign_in(name, password).status_code == 302


def test_token_is_no_password(site: Site, desk: Desk) -> None:
    token = site.user("supervisor", "001", name="token only").token
    assert desk.sign_in("token only", token).status_code == 401


def test_canvasser_with_a_password_is_sent_to_the_phone(site: Site, desk: Desk) -> None:
    site.user("canvasser", "001", name="phone", password=PASSWORD)
    answer = desk.sign_in("phone", PASSWORD)
    assert answer.status_code == 401
    assert "ODK Collect" in answer.text
    assert not is_in(desk)


def test_password_is_kept_as_an_argon2_hash_only(site: Site) -> None:
    with site.reference.database.read() as connection:
        (kept,) = connection.scalars(select(tables.users.c.password_hash).where(tables.users.c.name == NAME))
        everything = str(site.rows()["users"])
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in everything


@pytest.mark.parametrize("password", ["", "short", "Xk7_mà4Gỳ-q"])
def test_short_password_is_not_given(site: Site, password: str) -> None:
    with pytest.raises(accounts.InvalidInput, match="12 characters"):
        site.user("supervisor", "001", name="new", password=password)


# Forgery


@pytest.mark.parametrize("token", ["", "wrong"])
def test_form_of_another_site_signs_nobody_in(desk: Desk, token: str) -> None:
    desk.get("/sign-in")
    answer = desk.post("/sign-in", name=NAME, password=PASSWORD, csrf_token=token)
    assert answer.status_code == 400
    assert not is_in(desk)


def test_token_of_another_session_signs_nobody_in(site: Site, desk: Desk) -> None:
    other = Desk(site)
    other.get("/sign-in")
    desk.get("/sign-in")
    assert desk.post("/sign-in", name=NAME, password=PASSWORD, csrf_token=other.csrf).status_code == 400
    other.session.close()


def test_form_of_another_site_signs_nobody_out(desk: Desk) -> None:
    desk.sign_in()
    assert desk.post("/sign-out", csrf_token="wrong").status_code == 400
    assert is_in(desk)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://example.org/",
        "//example.org/",
        "/\\example.org",
        "javascript:alert(1)",
        "map",
        "/map\r\nX-A: b",
        "\t//a",
    ],
)
def test_sign_in_leads_to_this_server_only(desk: Desk, elsewhere: str) -> None:
    assert desk.sign_in(following=elsewhere).headers["Location"] == "/"


def test_sign_in_leads_to_the_page_that_was_wanted(desk: Desk) -> None:
    assert desk.sign_in(following="/map?level=hamlet&date=2022-08-31").headers["Location"] == (
        "/map?level=hamlet&date=2022-08-31"
    )


# The session


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(desk: Desk) -> None:
    cookie = desk.sign_in().headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_session_cookie_travels_encrypted_where_the_address_is_https(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    site = run_site(settings.model_copy(update={"public_url": "https://tiem.example.vn"}))
    site.user("supervisor", "001", name=NAME, password=PASSWORD)
    desk = Desk(site)
    page = desk.get("/sign-in")
    assert "Secure" in page.headers["Set-Cookie"]
    desk.session.close()


def test_sign_out_ends_the_session(desk: Desk) -> None:
    desk.sign_in()
    desk.get("/map")
    assert desk.post("/sign-out").headers["Location"] == "/sign-in"
    assert not is_in(desk)


@pytest.mark.parametrize("change", [{"password": PASSWORD}, {"password": None}, {"password": "một mật khẩu khác"}])
def test_renewed_user_is_out_at_once(site: Site, desk: Desk, change: dict[str, str | None]) -> None:
    desk.sign_in()
    assert is_in(desk)
    accounts.add_user(site.reference, NAME, "supervisor", ["001"], change["password"])
    assert not is_in(desk)


def test_user_whose_area_changed_sees_the_new_one(site: Site, desk: Desk) -> None:
    accounts.add_user(site.reference, NAME, "supervisor", ["00002"], PASSWORD)
    desk.sign_in()
    units = desk.get("/api/coverage", campaign="mini", group="5_plus", dose="1", level="commune").json()["units"]
    assert [unit["code"] for unit in units] == ["00002"]


@pytest.mark.parametrize("cookie", ["", "wrong", "eyJfdXNlcl9pZCI6IjE6MCJ9.aaaa.bbbb", "x" * 4000])
def test_made_up_cookie_is_nobody(site: Site, cookie: str) -> None:
    answer = requests.get(f"{site.url}/api/campaigns", headers={"Cookie": f"session={cookie}"})
    assert answer.status_code == 401


def test_session_is_signed_with_a_key_of_this_installation(site: Site, desk: Desk) -> None:
    desk.sign_in()
    key = site.rows()["facts"]
    (secret,) = [value for name, value in key if name == "secret_key"]
    assert re.fullmatch("[0-9a-f]{64}", str(secret))


def test_failed_sign_in_does_not_keep_the_password_on_the_page(desk: Desk) -> None:
    answer = desk.sign_in(password="sai mật khẩu rồi")
    assert "sai mật khẩu rồi" not in answer.text
    assert NAME in answer.text


def test_name_cannot_bring_markup_into_the_page(desk: Desk) -> None:
    answer = desk.sign_in(name='"><script>alert(1)</script>')
    assert "<script>alert(1)" not in answer.text


def test_signing_in_below_a_path_that_a_proxy_takes_off(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    """A cookie named __Host- is taken by browsers for the path / alone (RFC 6265bis, 4.1.3.2)."""
    outside = "https://tiem.example.vn/nha"
    site = run_site(settings.model_copy(update={"behind_proxy": True, "public_url": outside}))
    site.user("supervisor", "001", name=NAME, password=PASSWORD)
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tiem.example.vn", "X-Forwarded-Prefix": "/nha"}
    told["Referer"] = f"{outside}/sign-in"
    kept: dict[str, str] = {}

    def ask(method: str, path: str, **fields: str) -> requests.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in kept.items())
        answer = requests.request(
            method, site.url + path, data=fields, headers={**told, "Cookie": cookies}, allow_redirects=False, timeout=60
        )
        for each in answer.raw.headers.getlist("Set-Cookie"):
            parts = [part.strip() for part in each.split(";")]
            if parts[0].startswith("__Host-"):
                assert {"Path=/", "Secure"} <= set(parts) and not [part for part in parts if part.startswith("Domain")]
            name, _, kept_as = parts[0].partition("=")
            kept[name] = kept_as
        return answer

    assert ask("GET", "/trends?day=1").headers["Location"] == "/nha/sign-in?next=%2Ftrends%3Fday%3D1"
    form = ask("GET", "/sign-in?next=/trends?day=1").text
    assert 'action="/nha/sign-in"' in form
    (token, *_) = re.findall(r'name="csrf_token" value="([^"]+)"', form)
    entered = ask("POST", "/sign-in", name=NAME, password=PASSWORD, next="/trends?day=1", csrf_token=token)
    assert (entered.status_code, entered.headers["Location"]) == (302, "/nha/trends?day=1")
    assert {"__Host-session", "__Host-known"} <= kept.keys()
    page = ask("GET", "/account")
    assert page.status_code == 200 and 'action="/nha/sign-out"' in page.text
    assert ask("GET", "/language/en?next=/account").headers["Location"] == "/nha/account"
    (token, *_) = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)
    assert ask("POST", "/sign-out", csrf_token=token).headers["Location"] == "/nha/sign-in"
