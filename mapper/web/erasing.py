"""The page on which an administrator erases a person or a household, and sees first what that takes out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import Role
from mapper.errors import InvalidInput, MapperError, TooManyTries
from mapper.services import erasing, erasing_view
from mapper.services.erasing import REASONS, WORDS, Wish
from mapper.web.accounts import only_for, reader, tell_password_again
from mapper.web.installation import installation
from mapper.web.language_choice import say

erasing_pages = Blueprint("erasing", __name__)
_only_for_administrators = only_for(Role.ADMINISTRATOR)


@erasing_pages.before_request
def _guard() -> AnyResponse | None:
    refused = _only_for_administrators()
    if refused is None:
        erasing.may_erase(reader())
    return refused


@erasing_pages.get("/erasure")
def page() -> str:
    """What was erased, and how to erase more."""
    found, due = erasing_view.erased(installation().reference, reader())
    return render_template(
        "erasing.html", erasures=found, due=due, done=request.args.get("done", type=int), reasons=REASONS, words=WORDS
    )


@erasing_pages.get("/erasure/<path:instance_id>")
def house(instance_id: str) -> str:
    """Who lives in the house that a submission tells of, to choose whom to erase."""
    return _house(instance_id, None)


@erasing_pages.post("/erasure/<path:instance_id>")
def erase(instance_id: str) -> str | AnyResponse | tuple[str, int]:
    """Show what would be taken out, or take it out: who asks tells the password once more."""
    here = installation()
    wish = Wish(
        request.form.get("campaign", ""),
        request.form.get("household", ""),
        request.form.get("person", ""),
        request.form.get("reason", ""),
        bool(request.form.get("photos")),
    )
    if request.form.get("step") != "erase":
        return _house(instance_id, wish)
    try:
        tell_password_again(request.form.get("present", ""))
    except InvalidInput as problem:
        return _house(instance_id, wish, problem), 400
    except TooManyTries as problem:
        return _house(instance_id, wish, problem), 429
    done = erasing.erase(here.reference, reader(), wish)
    return redirect(url_for("erasing.page", done=done.number), 303)


def _house(instance_id: str, wish: Wish | None, problem: MapperError | None = None) -> str:
    reference = installation().reference
    shown = erasing_view.house(reference, reader(), instance_id)
    looked = None if wish is None else erasing.preview(reference, reader(), wish)
    return render_template(
        "erasing_house.html",
        shown=shown,
        wish=wish or Wish(shown.campaign_id, shown.id),
        looked=looked,
        reasons=REASONS,
        words=WORDS,
        instance_id=instance_id,
        problem=say(problem) if problem is not None else "",
    )
