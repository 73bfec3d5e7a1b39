"""The queue of what is odd in the register: one finding after another, with its evidence, and what to do about it."""

from __future__ import annotations

from babel.numbers import format_decimal
from flask import Blueprint, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.campaign import Campaign
from mapper.domain.dividing import TwoHouseholds
from mapper.domain.mending import Correction, SameHousehold, SamePerson, TwoPeople
from mapper.domain.quality import RULES
from mapper.domain.roles import OVERSEERS
from mapper.domain.whole import whole
from mapper.errors import mark
from mapper.services import areas, cleaning, users
from mapper.services.cleaning import EVERY, Choice, Decided, Finding, Settled
from mapper.services.looking_through import set_off
from mapper.services.mending_choices import Correcting, Dividing, Parting
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.cleaning_offers import born, day_shown, dose_line, dose_name, offers, others, to_divide, vaccine_name
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

cleaning_pages = Blueprint("cleaning", __name__)
_only_for_overseers = only_for(*OVERSEERS)

NAMES = {
    "same_person": mark("Perhaps one person, entered twice"),
    "same_person_elsewhere": mark("Perhaps one person, in two communes"),
    "same_household": mark("Perhaps one household, entered twice"),
    "dose_before_birth": mark("Dose before birth"),
    "dose_before_vaccine": mark("Dose before the vaccine existed"),
    "dose_too_soon": mark("Dose too soon after the one before"),
    "dose_at_age": mark("Dose or vaccine not meant for that age"),
    "doses_mixed": mark("Different vaccines that must not be mixed"),
    "dose_twice": mark("One dose entered on two days"),
    "point_shared": mark("Several houses at one position"),
    "point_far": mark("House far from its hamlet"),
    "commune_differs": mark("Position and chosen commune differ"),
    "head_count": mark("Improbable number of people"),
}
"""Rules in words."""

DECISIONS = {
    "accept": mark("right as it stands"),
    "correct": mark("corrected"),
    "join": mark("joined"),
    "part": mark("parted"),
    "divide": mark("divided into two households"),
    "visit": mark("to be visited again"),
    "not_a_problem": mark("not a problem"),
}


@cleaning_pages.before_request
def _guard() -> Response | None:
    return _only_for_overseers()


@cleaning_pages.get("/cleaning")
def page() -> str:
    """What waits in the reader's area, or what was decided there."""
    asked = ask()
    if asked is None:
        return render_template("cleaning.html", asked=None, done=())
    reference, campaign_id, rule = installation().reference, asked.state["campaign"], request.args.get("rule", "")
    rule = rule if rule in RULES else ""
    settled = request.args.get("state") == "decided"
    number = _page_number()
    first = (number - 1) * cleaning.LISTED
    user = areas.narrowed(reference, reader(), asked.state["set"], asked.area)
    queue = cleaning.queue(reference, user, campaign_id, rule, 0 if settled else cleaning.LISTED, first)
    waiting = queue.counts.get(rule, 0) if rule else sum(queue.counts.values())
    held: list[Settled] = []
    wanted = _wanted() if settled else EVERY
    if settled:
        held = cleaning.settled(reference, user, campaign_id, cleaning.LISTED + 1, first, wanted)
    campaign = queue.campaign
    communes = users.communes(reference, reader()) if queue.findings else []
    return render_template(
        "cleaning.html",
        asked=asked,
        queue=queue,
        settled=settled,
        held=held[: cleaning.LISTED],
        wanted=wanted,
        deciders=cleaning.deciders(reference, user, campaign_id) if settled else [],
        number=number,
        older=len(held) > cleaning.LISTED,
        more=not settled and waiting > first + cleaning.LISTED,
        rules={each: say(NAMES[each]) for each in RULES},
        decisions={each: say(text) for each, text in DECISIONS.items()},
        why=lambda finding: _why(campaign, finding),
        offers=lambda finding: offers(campaign, finding),
        others=lambda finding: others(campaign, finding, communes),
        to_divide=to_divide,
        dose=lambda each: dose_line(campaign, each),
        born=born,
        mended=_mended,
        of_people=lambda finding: finding.oddity.rule.startswith("same_"),
        done=get_flashed_messages(),
    )


def _wanted() -> Decided:
    """Which decisions this request's address asks for; what it does not know is left aside."""
    rule, choice, by = (request.args.get(name, "") for name in ("rule", "choice", "by"))
    return Decided(rule if rule in RULES else "", choice if choice in DECISIONS else "", whole(by))


@cleaning_pages.get("/cleaning/progress")
def progress() -> Response:
    """How far looking through is, as JSON."""
    asked = ask()
    if asked is None:
        return jsonify(stage="done", share=1.0)
    standing = set_off(installation().reference, asked.state["campaign"])
    return jsonify(stage=standing.stage.value, share=standing.share)


@cleaning_pages.post("/cleaning/<campaign_id>/<key>")
def decide(campaign_id: str, key: str) -> Response:
    """Decide about a finding, or take a decision back; then back to the list."""
    reference, form = installation().reference, request.form
    area, set_id = (form.get(name, "")[:80] or None for name in ("area", "set"))
    if form.get("take_back"):
        cleaning.take_back(reference, reader(), campaign_id, key)
        flash(say("Taken back. The register is as it was before this decision."))
        return redirect(url_for("cleaning.page", campaign=campaign_id, set=set_id, area=area, state="decided"))
    correcting = None
    if form.get("choice") == "correct":
        told = form.get("before")
        number = whole(told or "") if form.get("what") == "expected_members" else None
        before = told if number is None else number
        correcting = Correcting(
            (form.get("person", ""), form.get("what", ""), form.get("code", "")),
            before,
            form.get("after"),
            form.get("of_other") == "1",
        )
    theirs = tuple(_told_dose(each) for each in form.getlist("dose"))
    parting = Parting(form.get("name", ""), theirs) if form.get("choice") == "part" else None
    kept = form.get("kept", "one")
    choice = Choice(form.get("choice", ""), form.get("reason", ""), correcting, parting, _dividing(), kept)
    cleaning.decide(reference, reader(), campaign_id, key, choice)
    flash(say("Decided. It stands under “decided”, where it can be taken back."))
    rule = form.get("rule", "")
    rule = rule if rule in RULES else ""
    return redirect(url_for("cleaning.page", campaign=campaign_id, rule=rule or None, set=set_id, area=area))


def _dividing() -> Dividing | None:
    """What the form says of a second household."""
    form = request.form
    if form.get("choice") != "divide":
        return None
    return Dividing(
        tuple(form.getlist("goes")),
        tuple(form.getlist("telling")),
        form.get("house_number", ""),
        form.get("head", ""),
        form.get("of_other") == "1",
    )


def _told_dose(text: str) -> tuple[str, str]:
    """Code of a dose, and its day and vaccine, from the value of its box."""
    code, _, what = text.partition("|")
    return code, what


def _page_number() -> int:
    return whole(request.args.get("page", ""), 99_999) or 1


def _why(campaign: Campaign, finding: Finding) -> str:
    """The evidence in a sentence."""
    rule, facts = finding.oddity.rule, dict(finding.oddity.facts or {})
    dose = dose_name(campaign, facts.get("dose", ""))
    day, vaccine = day_shown(facts.get("given_on", "")), vaccine_name(campaign, facts.get("vaccine", ""))
    earlier, earlier_on = dose_name(campaign, facts.get("before", "")), day_shown(facts.get("before_on", ""))
    if rule == "dose_before_birth":
        born = facts.get("born_on", "")
        return say("{dose} is of {day}, and the birth of {born}.", dose=dose, day=day, born=day_shown(born))
    if rule == "dose_before_vaccine":
        first = day_shown(facts.get("first", ""))
        text = mark("{dose} is of {day}; {vaccine} was not given before {first}.")
        return say(text, dose=dose, day=day, vaccine=vaccine, first=first)
    if rule == "dose_too_soon":
        text = mark("{dose} is of {day}, {earlier} of {earlier_on}: it may be given from {first} on.")
        first = day_shown(facts.get("from", ""))
        return say(text, dose=dose, day=day, earlier=earlier, earlier_on=earlier_on, first=first)
    if rule == "dose_at_age":
        text = mark("{dose} of {day}, {vaccine}: no group of that age is to have it.")
        return say(text, dose=dose, day=day, vaccine=vaccine or say("vaccine unknown"))
    if rule == "doses_mixed":
        text = mark("{dose} is {vaccine}, {earlier} is {other}: both are to be of one vaccine.")
        other = vaccine_name(campaign, facts.get("other_vaccine", ""))
        return say(text, dose=dose, vaccine=vaccine, earlier=earlier, other=other)
    if rule == "dose_twice":
        return say("{dose} stands here of {day} and of {other}.", dose=dose, day=day, other=earlier_on or "–")
    if rule == "point_shared":
        return say("Both houses stand at {point}.", point=facts.get("point", ""))
    if rule == "point_far":
        return say(
            "It lies {metres} m from the middle of its hamlet's houses.", metres=_grouped(facts.get("metres", ""))
        )
    if rule == "commune_differs":
        text = mark("The form says {chosen}, the position lies in {found}.")
        return say(text, chosen=facts.get("chosen", ""), found=facts.get("found", ""))
    if rule == "head_count":
        text = mark("{people} people are listed; the household said {expected}.")
        return say(text, people=facts.get("people", ""), expected=facts.get("expected") or "–")
    if rule == "same_household" and facts.get("alike", "0") != "0":
        return say("{number} people of both look alike; the dose records are joined with them.", number=facts["alike"])
    if rule == "same_household":
        return say("Head of the household and house number or telephone are the same.")
    return say("Name, birth and place look alike.")


def _mended(one: Settled) -> str:
    """What a decision changed, in words without names."""
    act = one.act
    if isinstance(act, Correction):
        return say("{before} became {after}", before=act.before or "–", after=act.after or "–")
    if isinstance(act, SamePerson):
        return say("two entries of a person are one")
    if isinstance(act, SameHousehold):
        return say("two households are one")
    if isinstance(act, TwoPeople):
        return say("one entry became two people")
    if isinstance(act, TwoHouseholds):
        return say("people who went to the second household: {number}", number=len(act.people))
    return ""


def _grouped(number: str) -> str:
    """A whole number as the reader's language writes it."""
    counted = whole(number)
    return number if counted is None else str(format_decimal(counted, locale=chosen_language()))
