"""Pages of the accounts that somebody oversees: the list, one account with its QR code, a sheet of cards to print."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.roles import MAY_MAKE, OVERSEERS, UNLIMITED, Role
from mapper.errors import MapperError, mark
from mapper.formats.collect_settings import address_code_svg, qr_code_svg
from mapper.services import phone_lists, users
from mapper.web.accounts import door, only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.outside import root

LISTED = 300
"""Accounts shown at once; choosing a commune shows all of its."""

ROLE_WORDS = {
    Role.CANVASSER: mark("canvasser"),
    Role.COMMUNE_SUPERVISOR: mark("commune supervisor"),
    Role.SUPERVISOR: mark("district or province supervisor"),
    Role.PLANNER: mark("planner"),
    Role.ADMINISTRATOR: mark("administrator"),
}

user_pages = Blueprint("users", __name__)
_only_for_overseers = only_for(*OVERSEERS)


@user_pages.before_request
def _guard() -> Response | None:
    return _only_for_overseers()


@user_pages.after_request
def _keep_no_keys(response: Response) -> Response:
    """Pages here show keys and passwords: no copy of them stays in the browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


@user_pages.get("/users")
def user_list() -> str:
    """The accounts that the reader looks after, and the form that makes one."""
    return _list()


def _list(problem: MapperError | None = None) -> str:
    here, by = installation(), reader()
    communes = users.communes(here.reference, by)
    commune = request.values.get("commune", "")
    if len(communes) == 1 and not commune:
        commune = communes[0].code
    every = users.overseen(here.reference, by, commune)
    roles = [role for role in ROLE_WORDS if role in MAY_MAKE[by.role] and role is not Role.CANVASSER]
    return render_template(
        "users.html",
        users=every[:LISTED],
        # What stands in no list is looked for in a commune alone: a row is read for each of its houses.
        troubles=phone_lists.troubles(here.reference, {one.id for one in every[:LISTED]}, unlisted=bool(commune)),
        count_of_all=len(every),
        canvassers=sum(one.active and one.role is Role.CANVASSER for one in every),
        communes=communes,
        commune=next((each for each in communes if each.code == commune), None),
        role_words=ROLE_WORDS,
        desk_roles=roles,
        unlimited=UNLIMITED if not by.areas else frozenset(),
        units=users.units(here.reference, by) if roles else [],
        problem=say(problem) if problem else "",
        typed=request.form,
        chosen=set(request.form.getlist("area")),
    )


@user_pages.post("/users")
def add_user() -> Response | str | tuple[str, int]:
    """Make an account and show it; what is wrong with it is said above the form, filled in as before."""
    typed = request.form
    try:
        made, password = users.add(
            installation().reference,
            reader(),
            typed.get("name", ""),
            typed.get("role", Role.CANVASSER.value),
            [area for area in typed.getlist("area") if area],
            typed.get("password", ""),
        )
    except MapperError as problem:
        return _list(problem), 400
    return _one(made, password) if password else redirect(url_for("users.one_user", user_id=made))


@user_pages.get("/users/<int:user_id>")
def one_user(user_id: int) -> str:
    """One account: the QR code of a canvasser, the places, and what can be done about it."""
    return _one(user_id)


def _one(user_id: int, password: str = "") -> str:
    """The page of an account. password: one just given, which is told here and nowhere else."""
    here, by = installation(), reader()
    card = users.one_overseen(here.reference, by, user_id)
    own = {place.written for place in card.user.places if not place.idle}
    communes = users.communes(here.reference, by)
    asked = request.args.get("commune", "")
    shown = [each for each in communes if each.code in card.user.communes or each.code == asked]
    return render_template(
        "user.html",
        user=card.user,
        role_words=ROLE_WORDS,
        qr=_qr(card),
        browser_qr=_browser_qr(card),
        own=own,
        shown=shown,
        others=[each for each in communes if each not in shown],
        units=users.units(here.reference, by) if card.user.role is not Role.CANVASSER else [],
        told=get_flashed_messages(),
        password=password,
        trouble=phone_lists.troubles(here.reference, {user_id}).get(user_id),
        is_self=card.user.id == by.id,
        reachable=_is_reachable(),
        server_url=_server_url(),
    )


@user_pages.post("/users/<int:user_id>/renew")
def renew(user_id: int) -> Response:
    """Give a new key."""
    users.renew(installation().reference, reader(), user_id)
    flash(mark("The new QR code is ready. The one before opens nothing any more."))
    return redirect(url_for("users.one_user", user_id=user_id))


@user_pages.post("/users/<int:user_id>/end")
def end(user_id: int) -> Response:
    """End access."""
    users.end(installation().reference, reader(), user_id)
    flash(mark("Access has ended. What was sent before stays."))
    return redirect(url_for("users.one_user", user_id=user_id))


@user_pages.post("/users/<int:user_id>/areas")
def change_areas(user_id: int) -> Response:
    """Give other places."""
    written = [area for area in request.form.getlist("area") if area]
    users.change_areas(installation().reference, reader(), user_id, written)
    flash(mark("The places are saved. The phone follows when it next asks for its forms."))
    return redirect(url_for("users.one_user", user_id=user_id))


@user_pages.post("/users/<int:user_id>/password")
def new_password(user_id: int) -> str:
    """Give a new password, shown once."""
    reference = installation().reference
    password = users.new_password(reference, reader(), user_id)
    door().forget(users.one_overseen(reference, reader(), user_id).user.name)
    return _one(user_id, password)


@user_pages.get("/users/cards")
def cards() -> str:
    """The QR codes of a commune's canvassers, to print and cut apart; who looked at them is entered in the trail."""
    here, by = installation(), reader()
    commune = request.args.get("commune", "")
    found = users.cards(here.reference, by, commune)
    name = next((each.name for each in users.communes(here.reference, by) if each.code == commune), commune)
    return render_template(
        "cards.html",
        cards=[(card.user, _qr(card)) for card in found],
        commune=name,
        reachable=_is_reachable(),
        server_url=_server_url(),
    )


def _server_url() -> str:
    return root()


def _qr(card: users.Card) -> str:
    """The QR code of a canvasser as SVG; empty for others, and where the key cannot be told any more."""
    if card.token is None or card.user.role is not Role.CANVASSER:
        return ""
    title = say("QR code of {name} for ODK Collect", name=card.user.name)
    settings = installation().settings
    return qr_code_svg(f"{_server_url()}/key/{card.token}", settings.project_name, settings.language, title)


def _browser_qr(card: users.Card) -> str:
    """The QR code of a canvasser's forms in the browser; empty where there is none of the app."""
    if card.token is None or card.user.role is not Role.CANVASSER:
        return ""
    title = say("QR code of {name} for the browser", name=card.user.name)
    return address_code_svg(f"{_server_url()}/key/{card.token}/fill", title)


def _is_reachable() -> bool:
    """Whether the address in the QR codes leads anywhere from a phone."""
    return urlsplit(_server_url()).hostname not in ("127.0.0.1", "localhost", "::1")
