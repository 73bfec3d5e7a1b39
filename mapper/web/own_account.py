"""One's own account: another password, where one is signed in, and the end of that everywhere else."""

from __future__ import annotations

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.roles import READERS
from mapper.errors import Forbidden, InvalidInput, MapperError, SignInRequired, TooManyTries, mark
from mapper.services import accounts, sessions
from mapper.services.passwords import SHORTEST
from mapper.web.accounts import door, idle_s, only_for, reader, session_key, start_session
from mapper.web.installation import installation
from mapper.web.language_choice import say

own_account = Blueprint("own_account", __name__)
_only_for_readers = only_for(*READERS)


@own_account.before_request
def _guard() -> Response | None:
    refused = _only_for_readers()
    if refused is None and not session_key():
        raise Forbidden(mark("A program's token changes no password. Sign in with a browser."))
    return refused


@own_account.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@own_account.get("/account")
def page() -> str:
    """Where one is signed in, and the forms that change it."""
    return _page()


def _page(problem: MapperError | None = None) -> str:
    return render_template(
        "own_account.html",
        sessions=sessions.of_user(installation().reference, reader(), session_key(), idle_s()),
        shortest=SHORTEST,
        problem=say(problem) if problem is not None else "",
        told=get_flashed_messages(),
    )


@own_account.post("/account/password")
def change_password() -> Response | tuple[str, int]:
    """Change one's password: who asks tells the present one, and every other session ends."""
    typed, user, reference = request.form, reader(), installation().reference
    try:
        if typed.get("new", "") != typed.get("again", ""):
            raise InvalidInput(mark("The new password was written in two ways. Write it twice alike."))
        # Counted as this browser's: whoever sits at somebody's open page does not make strangers of all browsers.
        door().sign_in(user.name, typed.get("present", ""), "", browser=session_key())
        changed = accounts.change_password(reference, user, typed.get("new", ""))
    except SignInRequired:
        return _page(InvalidInput(mark("The present password is wrong."))), 400
    except TooManyTries as problem:
        return _page(problem), 429
    except InvalidInput as problem:
        return _page(problem), 400
    start_session(changed)
    flash(mark("The password is changed. All other browsers are signed out."))
    return redirect(url_for("own_account.page"))


@own_account.post("/account/sign-out-others")
def sign_out_others() -> Response:
    """End every session but this one."""
    sessions.end_others(installation().reference, reader(), session_key())
    flash(mark("All other browsers are signed out."))
    return redirect(url_for("own_account.page"))
