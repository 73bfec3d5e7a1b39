"""Signing in and out, and who is asking: a session, a program's token, a phone's token or its digest.

A session's cookie holds a key; whose it is, and whether it lives, stands in the database (``services/sessions``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from flask import Blueprint, Flask, Request, current_app, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_httpauth import HTTPDigestAuth
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import Authorization
from werkzeug.wrappers import Response

from mapper.domain.roles import Role
from mapper.errors import Forbidden, InvalidInput, SignInRequired, TooManyTries, mark
from mapper.formats.code_photo import LARGEST_BYTES
from mapper.services import accounts, sessions
from mapper.services.accounts import User
from mapper.services.guessing import Door
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.phones import for_phones
from mapper.web.uploads import STRANGER_BYTES

NONCE_LIFE_S = 600
YEAR_S = 365 * 24 * 3600

KNOWN = "known"
"""The cookie of a browser in which somebody signed in; it opens nothing."""

MOST_KNOWN = 8
"""People whom a browser knows, those who signed in last; an office shares one."""

BY_THEMSELVES = frozenset({"version", "fieldwork_version", "progress", "file_progress"})
"""What open pages ask without anybody's doing."""

signing_in = Blueprint("accounts", __name__)
csrf = CSRFProtect()


class PhonesHaveNoSession(SecureCookieSessionInterface):
    """Sessions for browsers only: a phone signs in anew with every request, and need not pay for one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The browser's session; one that cannot be written, and is never sent back, for a phone."""
        if for_phones(request.path):  # no route is found yet
            return self.make_null_session(app)
        return super().open_session(app, request)


class SessionUser(UserMixin):
    """A user as flask-login carries it. key: of the session; empty for a program's token."""

    def __init__(self, user: User, key: str = "") -> None:
        self.user = user
        self.key = key

    def get_id(self) -> str:
        """What stands in the session's cookie."""
        return self.key

    @property
    def name(self) -> str:
        """The user's name."""
        return self.user.name

    @property
    def role(self) -> str:
        """The user's role."""
        return self.user.role.value

    @property
    def areas(self) -> tuple[tuple[str, str], ...]:
        """The user's areas; empty for one who may see everything."""
        return self.user.areas


def set_up(app: Flask) -> None:
    """Give the app its sign-in."""
    app.session_interface = PhonesHaveNoSession()
    manager = LoginManager(app)
    manager.user_loader(_from_session)
    manager.request_loader(_from_bearer)
    manager.unauthorized_handler(_to_sign_in)
    app.extensions["door"] = Door(app.extensions["mapper"].reference, app.config["SECRET_KEY"])
    app.before_request(_let_strangers_send_little)  # before a form is looked for its token
    csrf.init_app(app)
    app.register_blueprint(signing_in)


def _let_strangers_send_little() -> None:
    """Nobody who has not signed in has a file read; phones have limits of their own, and a slip's photo too."""
    writes = request.method not in ("GET", "HEAD", "OPTIONS")
    if writes and not for_phones(request.path) and signed_in() is None:
        photo = LARGEST_BYTES if request.endpoint == "slips.check" else 0
        request.max_content_length = STRANGER_BYTES + photo


def cookie_name(name: str, address: str) -> str:
    """A cookie as browsers take it from this server alone, where its public address is https (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if address.startswith("https://") else name


def door() -> Door:
    """Where names and passwords are told."""
    found: Door = current_app.extensions["door"]
    return found


def idle_s() -> float:
    """Seconds without use after which a session ends."""
    return installation().settings.idle_minutes * 60


def session_key() -> str:
    """The key of the session that asks; empty for a program."""
    found: Any = current_user
    key: str = found.key if found.is_authenticated else ""
    return key


def tell_password_again(typed: str) -> None:
    """Have whoever is signed in tell the password once more, before what cannot be taken back.

    Raises Forbidden for a program's token, InvalidInput for another password, TooManyTries.
    """
    if not session_key():
        raise Forbidden(mark("A program's token erases nothing. Sign in with a browser."))
    try:
        # Counted as this browser's: whoever sits at somebody's open page does not make strangers of all browsers.
        door().sign_in(reader().name, typed, "", browser=session_key())
    except SignInRequired:
        raise InvalidInput(mark("The present password is wrong.")) from None


def _from_session(key: str) -> SessionUser | None:
    by_hand = (request.endpoint or "").rpartition(".")[2] not in BY_THEMSELVES
    user = sessions.user_of(installation().reference, key, idle_s(), by_hand=by_hand)
    return SessionUser(user, key) if user is not None else None


def _from_bearer(asking: Request) -> SessionUser | None:
    given = asking.authorization
    if given is None or given.type != "bearer" or not given.token:
        return None
    user = accounts.by_token(installation().reference, given.token)
    return SessionUser(user) if user else None


def _to_sign_in() -> Response:
    if request.method != "GET" or request.path == "/":
        return redirect(url_for("accounts.sign_in_page"))
    return redirect(f"{url_for('accounts.sign_in_page')}?next={quote(request.full_path.rstrip('?'), safe='')}")


def signed_in() -> User | None:
    """The user of this request, by session or by token."""
    found: Any = current_user
    user: User | None = found.user if found.is_authenticated else None
    return user


def reader() -> User:
    """The signed-in user, who may read figures. Raises SignInRequired, Forbidden."""
    user = signed_in()
    if user is None:
        raise SignInRequired(mark("Sign in, or send the header Authorization: Bearer TOKEN."))
    if not user.reads_figures:
        raise Forbidden(mark("A canvasser's token opens forms and submissions, not figures. Ask for a supervisor's."))
    return user


def only_for(*roles: Role) -> Callable[[], Response | None]:
    """What a blueprint for these roles does before a request: to the sign-in, or Forbidden for another role."""

    def guard() -> Response | None:
        if signed_in() is None:
            to_sign_in: Response = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            return to_sign_in
        if reader().role not in roles:
            raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
        return None

    return guard


@signing_in.get("/sign-in")
def sign_in_page() -> str | Response:
    """The sign-in form."""
    if signed_in() is not None:
        return redirect(request.root_path + _inner(request.args.get("next", "")))
    return render_template("sign_in.html", next=_inner(request.args.get("next", "")))


@signing_in.post("/sign-in")
def sign_in() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Check name and password, and start a session."""
    name, following = request.form.get("name", ""), _inner(request.form.get("next", ""))
    browser, known = _known()
    tag = door().name_tag(name)
    try:
        user = door().sign_in(
            name, request.form.get("password", ""), request.remote_addr or "", browser if tag in known else ""
        )
        if not user.reads_figures:
            raise SignInRequired(mark("This account is for a phone. Scan its QR code in ODK Collect instead."))
    except SignInRequired as problem:
        return render_template("sign_in.html", error=say(problem), name=name, next=following), 401
    except TooManyTries as problem:
        page = render_template("sign_in.html", error=say(problem), name=name, next=following)
        return page, 429, wait_of(problem)
    start_session(user)
    response = redirect(request.root_path + following)
    _make_known(response, browser, [tag, *(one for one in known if one != tag)][:MOST_KNOWN])
    return response


def wait_of(problem: TooManyTries) -> dict[str, str]:
    """The header that tells a program how long to wait."""
    return {"Retry-After": str(int(str(problem.facts["minutes"])) * 60)}


def start_session(user: User) -> None:
    """Begin a session with a new key; nothing of the one before is left, neither here nor in the database."""
    reference, before = installation().reference, session_key()
    if before:
        sessions.end(reference, before)
    session.clear()
    login_user(SessionUser(user, sessions.begin(reference, user, str(request.user_agent), idle_s())))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(door().key, salt="known browser")


def _known() -> tuple[str, list[str]]:
    """Id of this browser, a new one where it has none, and tags of the names that signed in with it."""
    written = request.cookies.get(cookie_name(KNOWN, installation().settings.public_url), "")
    try:
        browser, known = _signer().loads(written, max_age=YEAR_S)
    except BadSignature:
        return secrets.token_urlsafe(16), []
    return browser, known


def _make_known(response: Response, browser: str, tags: list[str]) -> None:
    address = installation().settings.public_url
    response.set_cookie(
        cookie_name(KNOWN, address),
        str(_signer().dumps([browser, tags])),
        max_age=YEAR_S,
        httponly=True,
        samesite="Strict",
        secure=address.startswith("https://"),
    )


@signing_in.post("/sign-out")
def sign_out() -> Response:
    """End the session, wherever its cookie is."""
    if session_key():
        sessions.end(installation().reference, session_key())
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in_page"))


def _inner(address: str) -> str:
    """A path below this server's address to go to; anything else becomes the first page."""
    inner = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inner else "/"


class PhoneDigest(HTTPDigestAuth):
    """HTTP Digest for phones set up by hand: the password is the token; nonces are signed, not stored."""

    def __init__(self, secret_key: str) -> None:
        super().__init__(realm=accounts.REALM, use_ha1_pw=True, algorithm="MD5", qop="auth")  # type: ignore[no-untyped-call]
        signer = URLSafeTimedSerializer(secret_key, salt="digest nonce")
        self.generate_nonce(lambda: signer.dumps("n"))
        self.verify_nonce(lambda nonce: _signed(signer, nonce))
        self.generate_opaque(lambda: "tung-nha")
        self.verify_opaque(lambda opaque: opaque == "tung-nha")

    def authenticate_header(self) -> str:
        """The challenge; without its charset a phone would write "?" for the letters of a Vietnamese name."""
        return f'{super().authenticate_header()},charset="UTF-8"'  # type: ignore[no-untyped-call]

    def user(self) -> User:
        """The user of this request. Raises SignInRequired where the phone is to answer a challenge.

        Raises InvalidInput for an answer that was made for another address (RFC 7616, 3.4.6).
        """
        given = _readable(self.get_auth())
        if given is not None:
            reference, name = installation().reference, given.parameters["username"] or ""
            secret = accounts.digest_secret(reference, name)
            if secret is not None and self.authenticate(given, secret):
                if not _same_address(given.parameters["uri"] or ""):
                    raise InvalidInput(
                        mark("This sign-in was made for another address of the server. Send the request again.")
                    )
                user = accounts.by_name(reference, name)
                if user is not None:
                    return user
        raise SignInRequired(mark("Set the server address from your QR code, or enter your name and token."))


def _readable(given: Authorization | None) -> Authorization | None:
    """An answer to the challenge with all its parts, its texts read as UTF-8; None for anything else."""
    if given is None or given.type != "digest":
        return None
    try:
        # Headers reach Python as Latin-1, whatever was sent.
        told: dict[str, str | None] = {
            name: (text or "").encode("latin-1").decode() for name, text in given.parameters.items()
        }
    except UnicodeError:
        return None
    whole = all(told.get(name) for name in ("username", "realm", "uri", "nonce", "response"))
    if not whole or (told.get("qop") and not (told.get("nc") and told.get("cnonce"))):
        return None
    if not (told["response"] or "").isascii() or not (told["username"] or "").isprintable():
        return None
    return Authorization("digest", told)


def _same_address(uri: str) -> bool:
    """Whether a digest's uri is the address asked for, however it is quoted and whatever host stands before it.

    A proxy may have taken off the path of the public address without saying so.
    """
    told = urlsplit(uri)
    outside = urlsplit(installation().settings.public_url).path.rstrip("/")
    paths = {request.root_path + request.path, request.path, outside + request.path}
    return unquote(told.path) in paths and unquote(told.query) == unquote(request.query_string.decode("latin-1"))


def _signed(signer: URLSafeTimedSerializer, nonce: str | None) -> bool:
    try:
        signer.loads(nonce or "", max_age=NONCE_LIFE_S)
    except BadSignature:
        return False
    return True
