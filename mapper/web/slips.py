"""Slips for people: the pages that make, revoke and check them, and the one page that checks them without a line.

What is on a slip stands behind the # of its address, which a browser sends to nobody; the page posts it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.people_filter import read_filter
from mapper.domain.roles import READERS, Role
from mapper.domain.slip import BirthAs, NameAs, RevokedFor, Standing
from mapper.errors import Forbidden, InvalidInput, MapperError, TooLarge, Unavailable, mark
from mapper.formats.code_photo import LARGEST_BYTES, read_code
from mapper.formats.slip_code import LONGEST, Fault
from mapper.formats.slip_sheet import Paper
from mapper.services import slip_keys, slip_words, slips
from mapper.services.audit import VIETNAM
from mapper.services.background import Stage
from mapper.services.background import Standing as Waiting
from mapper.services.intake import now, today
from mapper.services.people_words import PeopleWords
from mapper.services.slip_words import FAULTS, NOTICE, REASONS, STANDINGS, SlipTexts
from mapper.services.slips import MONTHS, Checked, Choice, Given
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.assets import STATIC
from mapper.web.follow_up import FONTS
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.outside import outside, with_asked
from mapper.web.slip_batches import begin
from mapper.web.wanted import BESIDES, refuse_unknown

if TYPE_CHECKING:
    from mapper.services.filtered import Filtered, FilterQuestion
    from mapper.services.slip_batches import Wish

PAPERS = {
    Paper.CARD: mark("cards to fold, four on A4"),
    Paper.A4: mark("A6 slips, four on A4"),
    Paper.EIGHT: mark("small slips, eight on A4"),
    Paper.A6: mark("A6 sheets"),
}
NAMES = {NameAs.FULL: mark("as in the census"), NameAs.INITIALS: mark("initials only")}
BIRTHS = {BirthAs.DATE: mark("as exactly as known"), BirthAs.YEAR: mark("year only")}
STALE_DAYS = 7
"""A page that checks without a line asks to be fetched anew when it is older."""

slip_pages = Blueprint("slips", __name__)
_only_for_readers = only_for(*READERS)
FOR_EVERYBODY = {"slips.check_page", "slips.check", "slips.offline"}


@slip_pages.before_request
def _guard() -> AnyResponse | None:
    return None if request.endpoint in FOR_EVERYBODY else _only_for_readers()


@slip_pages.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _keeps_keys() -> bool:
    user = reader()
    return user.role is Role.ADMINISTRATOR and not user.areas


@slip_pages.get("/slips")
def page() -> str:
    """How many slips there are, where they are checked, and the keys that sign them."""
    reference = installation().reference
    given, revoked = slips.counts(reference)
    return render_template(
        "slips.html",
        given=given,
        revoked=revoked,
        keys=slips.known(reference, today()).keys[::-1] if _keeps_keys() else None,
        check=_check_address(),
        told=get_flashed_messages(),
        notice=NOTICE,
    )


@slip_pages.post("/slips/keys")
def change_keys() -> AnyResponse:
    """Sign with a new key from now on, or withdraw one."""
    if not _keeps_keys():
        raise Forbidden(mark("Only an administrator without areas changes the keys of slips."))
    reference, withdrawn = installation().reference, request.form.get("withdraw", "")
    if withdrawn:
        slip_keys.withdraw_key(reference, reader(), withdrawn)
        flash(mark("The key was withdrawn: whatever it signed is refused from now on."))
    else:
        slip_keys.replace_key(reference, reader())
        flash(mark("Slips are signed with a new key from now on. Older slips stay good."))
    return redirect(url_for("slips.page"))


@slip_pages.get("/slips/house")
def house() -> str:
    """The people of a household, whom to give a slip, and the slips given to them."""
    campaign_id, household_id = request.args.get("campaign", ""), request.args.get("house", "")
    here = installation()
    shown = slips.household(here.reference, reader(), campaign_id, household_id, today())
    return render_template(
        "slips_house.html",
        shown=shown,
        words=PeopleWords.of(here.reference, shown.campaign, chosen_language(), today()),
        standings=STANDING_TAGS,
        reasons={one: words for one, words in REASONS.items() if one is not RevokedFor.REPLACED},
        all_reasons=REASONS,
        told=get_flashed_messages(),
        notice=NOTICE,
        **_choices(),
    )


STANDING_TAGS = {
    Standing.GOOD: mark("good"),
    Standing.SUPERSEDED: mark("superseded"),
    Standing.REVOKED: mark("revoked"),
    Standing.EXPIRED: mark("expired"),
    Standing.UNKNOWN: mark("not known"),
    Standing.WITHDRAWN: mark("key withdrawn"),
}


def _choices() -> dict[str, Any]:
    return {"papers": PAPERS, "names": NAMES, "births": BIRTHS, "months": MONTHS}


@slip_pages.get("/slips/of/<path:instance_id>")
def of_submission(instance_id: str) -> AnyResponse:
    """The household that a submission tells of; not told where its page would not be."""
    reference = installation().reference
    campaign_id, household_id = slips.household_of(reference, instance_id)
    slips.household(reference, reader(), campaign_id, household_id, today())  # of another area: not even which it is
    return redirect(url_for("slips.house", campaign=campaign_id, house=household_id))


@slip_pages.post("/slips/house")
def make() -> Response:
    """Slips for the people chosen of a household, as PDF."""
    campaign_id, household_id = request.form.get("campaign", ""), request.form.get("house", "")
    given = slips.give(
        installation().reference,
        reader(),
        campaign_id,
        {household_id: request.form.getlist("person")},
        _choice(),
        today(),
    )
    return _printed(given, campaign_id)


@slip_pages.get("/slips/people")
def people() -> str:
    """How many people a filter wants, and the form that makes their slips."""
    from mapper.services.slip_batches import MOST

    asked = ask()
    if asked is None:
        return render_template("slips_people.html", asked=None)
    try:
        with _filtered(asked) as found:
            number, houses = found.count()
    except Unavailable as waiting:
        standing: Waiting[None] | None = getattr(waiting, "standing", None)
        if standing is None:
            raise
        return render_template("slips_people.html", asked=asked, standing=standing, query=request.query_string.decode())
    return render_template(
        "slips_people.html",
        asked=asked,
        number=number,
        houses=houses,
        at_once=slips.MOST_AT_ONCE,
        most=MOST,
        address=with_asked("slips.make_for_people", {}, request.args.to_dict(flat=False)),
        notice=NOTICE,
        **_choices(),
    )


@slip_pages.post("/slips/people")
def make_for_people() -> AnyResponse:
    """Slips for everybody a filter wants, hamlet by hamlet: of many, a page waits for the file."""
    asked = ask()
    if asked is None:
        raise InvalidInput(mark("No campaign, or no boundary set, is published yet."))
    wanted: dict[str, list[str]] = {}
    with _filtered(asked) as found:
        if found.count()[0] > slips.MOST_AT_ONCE:
            return begin(_batch(asked))
        for one in found.page(0, slips.MOST_AT_ONCE + 1):
            wanted.setdefault(one.household_id, []).append(one.id)
    campaign_id = asked.state["campaign"]
    return _printed(
        slips.give(installation().reference, reader(), campaign_id, wanted, _choice(), today()), campaign_id
    )


@slip_pages.get("/slips/people/progress")
def progress() -> Response:
    """How far the lists' preparation is, for the page's script."""
    from mapper.services.people_copy import copy_of

    asked = ask()
    standing = copy_of(installation().reference).standing(asked.state["campaign"]) if asked else None
    if standing is None:
        return jsonify(stage=Stage.DONE, share=1)
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


def _batch(asked: Asked) -> Wish:
    from mapper.services.slip_batches import Wish

    return Wish(
        _question(asked),
        _choice(),
        _paper(),
        today(),
        chosen_language(),
        installation().settings.project_name,
        _check_address(),
        FONTS,
    )


def _question(asked: Asked) -> FilterQuestion:
    """What the filter in this request's address asks."""
    from mapper.services.filtered import FilterQuestion

    refuse_unknown(*BESIDES)
    wanted = read_filter(request.args.to_dict(flat=False))
    return FilterQuestion(asked.state["campaign"], asked.state["set"], asked.day, wanted)


def _filtered(asked: Asked) -> AbstractContextManager[Filtered]:
    """The people that the filter in this request's address wants."""
    from mapper.services.filtered import filtered

    return filtered(installation().reference, reader(), _question(asked))


def _choice() -> Choice:
    typed = request.form
    try:
        return Choice(NameAs(typed.get("name", "")), BirthAs(typed.get("birth", "")), int(typed.get("months", "")))
    except ValueError:
        raise _unreadable() from None


def _paper() -> Paper:
    try:
        return Paper(request.form.get("paper", ""))
    except ValueError:
        raise _unreadable() from None


def _printed(given: Sequence[Given], campaign_id: str) -> Response:
    here, paper = installation(), _paper()
    language = chosen_language()
    project = here.settings.project_name
    campaign = slips.campaign(here.reference, campaign_id)
    pdf = slip_words.print_slips(given, campaign, paper, _check_address(), language, project, FONTS)
    response = Response(pdf, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=f"slips-{today().isoformat()}.pdf")
    return response


def _unreadable() -> InvalidInput:
    return InvalidInput(mark("The choices of the slip were not understood. Open the page anew and choose again."))


@slip_pages.post("/slips/revoke")
def revoke() -> AnyResponse:
    """Let a slip hold no more; back to its household."""
    old = slips.revoke(installation().reference, reader(), request.form.get("slip", ""), request.form.get("reason", ""))
    flash(mark("The slip is revoked."))
    return redirect(url_for("slips.house", campaign=old.campaign_id, house=old.household_id) + "#given")


def _check_address() -> str:
    return outside("slips.check_page")


@slip_pages.get("/slips/check")
def check_page() -> str:
    """Where anybody checks a slip; the script posts what stands behind the # of the address."""
    return _check(None, "")


@slip_pages.post("/slips/check")
def check() -> str:
    """What is to be said of the slip whose text was posted."""
    photo = request.files.get("photo")
    if photo:
        try:
            typed = read_code(photo.stream.read(LARGEST_BYTES + 1))
        except (InvalidInput, TooLarge) as problem:
            return _check(None, "", problem)
    else:
        typed = request.form.get("text", "")[: 4 * LONGEST]
    return _check(slips.check(installation().reference, typed, today()), typed)


def _check(found: Checked | Fault | None, typed: str, problem: MapperError | None = None) -> str:
    shown: dict[str, Any] = {}
    if isinstance(found, Fault):
        shown = {"verdict": FAULTS[found], "good": False}
    elif found is not None:
        texts = SlipTexts(chosen_language())
        shown = {
            "verdict": STANDINGS[found.standing],
            "good": found.standing is Standing.GOOD,
            "at": found.at,
            "slip": found.slip,
            "name": texts.name(found.slip),
            "born": texts.born(found.slip),
            "doses": texts.doses(found.slip, found.campaign),
            "days": texts.days(found.slip),
            "campaign": found.campaign.label[chosen_language()] if found.campaign else "",
        }
    return render_template(
        "slip_check.html", shown=shown, typed=typed, longest=4 * LONGEST, notice=NOTICE, problem=problem
    )


@slip_pages.get("/slips/offline.html")
def offline() -> Response:
    """One file to keep on a phone: it checks signatures by itself, as of the moment at which it was made."""
    script = (STATIC / "js" / "slip_check.js").read_text("utf-8")
    code_reader = (STATIC / "vendor" / "qr-reader" / "qr_reader.js").read_text("utf-8")
    style = (STATIC / "css" / "slip_offline.css").read_text("utf-8")
    rules = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}' '{_hash(code_reader)}'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    body = render_template(
        "slip_offline.html",
        script=script,
        code_reader=code_reader,
        style=style,
        rules=rules,
        data=_offline_data(),
        notice=NOTICE,
    )
    response = Response(body, mimetype="text/html")
    response.headers["Content-Security-Policy"] = f"{rules}; frame-ancestors 'none'"
    return response


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _offline_data() -> dict[str, Any]:
    language, found, made = chosen_language(), slips.known(installation().reference, today()), now()
    return {
        "made": made.isoformat(timespec="minutes"),
        "moment": f"{made.astimezone(VIETNAM):%d/%m/%Y %H:%M}",
        "staleDays": STALE_DAYS,
        "keys": {
            key.id: {"public": base64.urlsafe_b64encode(key.public).decode(), "withdrawn": key.withdrawn_at}
            for key in found.keys
        },
        "revoked": found.revoked,
        "campaigns": {
            one.id: {
                "label": one.label[language],
                "doses": {code: label[language] for code, label in one.doses.items()},
                "vaccines": {code: label[language] for code, label in one.vaccines.items()},
            }
            for one in found.campaigns.values()
        },
        "words": {name: say(words) for name, words in OFFLINE_WORDS.items()},
    }


OFFLINE_WORDS = {
    **{one.value: words for one, words in STANDINGS.items()},
    **{one.value: words for one, words in FAULTS.items()},
    "good": mark("The signature is genuine, and up to {moment} the slip was not revoked."),
    "later": mark("Whether the census knows something else since then, only the server can say."),
    "stale": mark("This page is {days} days old. Fetch a new one where there is a line."),
    "at": mark("Since {moment}"),
    "no_crypto": mark("This browser cannot check signatures. Use a newer one, or check the slip on the server."),
    "no_code": mark("No code was found in this picture. Come nearer, hold still, and avoid glare."),
    "no_camera": mark("The camera cannot be used. Allow it for this page, or paste the text."),
    "nameless": mark("Without a name"),
    "unborn": mark("date of birth not known"),
    "about": mark("born about {year}"),
    "born": mark("born {day}"),
    "no_day": mark("day unknown"),
    "no_dose": mark("The census knows of no dose."),
    "given": mark("Given {day}"),
    "until": mark("Good until {day}"),
    "number": mark("Slip {number}"),
}
"""What the page without a line says."""
