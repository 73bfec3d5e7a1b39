"""The queue of what is odd in the register: one finding after another, with its evidence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.campaign import Campaign
from mapper.domain.mending import Correction, SameHousehold, SamePerson, TwoPeople
from mapper.domain.people import Dose, Person
from mapper.domain.quality import RULES
from mapper.domain.roles import OVERSEERS
from mapper.errors import mark
from mapper.services import cleaning
from mapper.services.cleaning import Choice, Finding, Settled
from mapper.services.looking_through import set_off
from mapper.services.mending_choices import Correcting, Parting
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
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
    "visit": mark("to be visited again"),
    "not_a_problem": mark("not a problem"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A correction that the page offers. kind: of the field, "none" where something is taken out.

    before: the value as it is; choices: value and label of each that can be taken.
    """

    label: str
    person: str
    what: str
    code: str
    kind: str
    before: str | None
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    of_other: bool = False


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
    queue = cleaning.queue(reference, reader(), campaign_id, rule, 0 if settled else cleaning.LISTED, first)
    waiting = queue.counts.get(rule, 0) if rule else sum(queue.counts.values())
    held: list[Settled] = []
    if settled:
        held = cleaning.settled(reference, reader(), campaign_id, cleaning.LISTED + 1, first)
    campaign = queue.campaign
    return render_template(
        "cleaning.html",
        asked=asked,
        queue=queue,
        settled=settled,
        held=held[: cleaning.LISTED],
        number=number,
        older=len(held) > cleaning.LISTED,
        more=not settled and waiting > first + cleaning.LISTED,
        rules={each: say(NAMES[each]) for each in RULES},
        decisions={each: say(text) for each, text in DECISIONS.items()},
        why=lambda finding: _why(campaign, finding),
        offers=lambda finding: _offers(campaign, finding),
        dose=lambda each: _dose(campaign, each),
        born=_born,
        mended=lambda one: _mended(one),
        of_people=lambda finding: finding.oddity.rule.startswith("same_"),
        done=get_flashed_messages(),
    )


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
    rule = form.get("rule", "")
    rule = rule if rule in RULES else ""
    if form.get("take_back"):
        cleaning.take_back(reference, reader(), campaign_id, key)
        flash(say("Taken back. The register is as it was before this decision."))
        return redirect(url_for("cleaning.page", campaign=campaign_id, state="decided"))
    correcting = None
    if form.get("choice") == "correct":
        told = form.get("before")
        number = form.get("what") == "expected_members" and told is not None and told.isdecimal()
        before = int(told) if number and told else told
        correcting = Correcting(
            (form.get("person", ""), form.get("what", ""), form.get("code", "")),
            before,
            form.get("after"),
            form.get("of_other") == "1",
        )
    theirs = tuple(_told_dose(each) for each in form.getlist("dose"))
    parting = Parting(form.get("name", ""), theirs) if form.get("choice") == "part" else None
    choice = Choice(form.get("choice", ""), form.get("reason", ""), correcting, parting, form.get("kept", "one"))
    cleaning.decide(reference, reader(), campaign_id, key, choice)
    flash(say("Decided. It stands under “decided”, where it can be taken back."))
    return redirect(url_for("cleaning.page", campaign=campaign_id, rule=rule or None))


def _told_dose(text: str) -> tuple[str, str]:
    """Code of a dose, and its day and vaccine, from the value of its box."""
    code, _, what = text.partition("|")
    return code, what


def _page_number() -> int:
    written = request.args.get("page", "")
    return max(1, int(written)) if written.isascii() and written.isdecimal() and len(written) < 6 else 1


def _why(campaign: Campaign, finding: Finding) -> str:
    """The evidence in a sentence."""
    rule, facts = finding.oddity.rule, dict(finding.oddity.facts or {})
    dose = _dose_name(campaign, facts.get("dose", ""))
    day, vaccine = _day(facts.get("given_on", "")), _vaccine(campaign, facts.get("vaccine", ""))
    earlier, earlier_on = _dose_name(campaign, facts.get("before", "")), _day(facts.get("before_on", ""))
    if rule == "dose_before_birth":
        born = facts.get("born_on", "")
        return say("{dose} is of {day}, and the birth of {born}.", dose=dose, day=day, born=_day(born))
    if rule == "dose_before_vaccine":
        first = _day(facts.get("first", ""))
        text = mark("{dose} is of {day}; {vaccine} was not given before {first}.")
        return say(text, dose=dose, day=day, vaccine=vaccine, first=first)
    if rule == "dose_too_soon":
        text = mark("{dose} is of {day}, {earlier} of {earlier_on}: it may be given from {first} on.")
        first = _day(facts.get("from", ""))
        return say(text, dose=dose, day=day, earlier=earlier, earlier_on=earlier_on, first=first)
    if rule == "dose_at_age":
        text = mark("{dose} of {day}, {vaccine}: no group of that age is to have it.")
        return say(text, dose=dose, day=day, vaccine=vaccine or say("vaccine unknown"))
    if rule == "doses_mixed":
        text = mark("{dose} is {vaccine}, {earlier} is {other}: both are to be of one vaccine.")
        other = _vaccine(campaign, facts.get("other_vaccine", ""))
        return say(text, dose=dose, vaccine=vaccine, earlier=earlier, other=other)
    if rule == "dose_twice":
        return say("{dose} stands here of {day} and of {other}.", dose=dose, day=day, other=earlier_on or "–")
    if rule == "point_shared":
        return say("Both houses stand at {point}.", point=facts.get("point", ""))
    if rule == "point_far":
        return say("It lies {metres} m from the middle of its hamlet's houses.", metres=facts.get("metres", ""))
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


def _offers(campaign: Campaign, finding: Finding) -> list[Offer]:
    """What can be corrected of a finding."""
    one, facts, person = finding.oddity, finding.oddity.facts or {}, finding.person
    found: list[Offer] = []
    if one.rule.startswith("dose") and person is not None:
        code, given = facts.get("dose", ""), facts.get("given_on") or None
        found.append(Offer(say("Day of the dose"), person.id, "dose_given_on", code, "date", given, given or ""))
        if one.rule in ("dose_before_vaccine", "dose_at_age", "doses_mixed"):
            vaccines = tuple((each, label[chosen_language()]) for each, label in campaign.vaccines.items())
            vaccine = facts.get("vaccine") or None
            found.append(
                Offer(say("Vaccine"), person.id, "dose_vaccine", code, "choice", vaccine, vaccine or "", vaccines)
            )
        if one.rule in ("dose_before_birth", "dose_at_age"):
            born = person.born_on.isoformat() if person.born_on else None
            found.append(Offer(say("Date of birth"), person.id, "born_on", "", "date", born, born or ""))
        text = f"{given or ''} {facts.get('vaccine', '')}"
        found.append(Offer(say("This dose was not given: take it out"), person.id, "dose", code, "none", text))
    house = finding.house
    if house is not None and one.rule in ("point_shared", "point_far", "commune_differs") and house.row.point:
        point = f"{house.row.point.lat:.7f} {house.row.point.lon:.7f}"
        found.append(Offer(say("The position is wrong: take it out"), "", "point", "", "none", point))
    if one.rule == "point_shared" and finding.other is not None and finding.other.row.point:
        point = f"{finding.other.row.point.lat:.7f} {finding.other.row.point.lon:.7f}"
        label = say("The position of the other house is wrong: take it out")
        found.append(Offer(label, "", "point", "", "none", point, of_other=True))
    if house is not None and one.rule == "commune_differs" and facts.get("found_code"):
        label, now = say("The commune of the position is right"), house.row.commune_code
        found.append(Offer(label, "", "commune_code", "", "set", now, facts["found_code"]))
    if one.rule == "head_count":
        expected = facts.get("expected") or None
        label = say("Number of people in the household")
        found.append(Offer(label, "", "expected_members", "", "number", expected, facts.get("people", "")))
    return found


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
    return ""


def _dose(campaign: Campaign, dose: Dose) -> str:
    when = _day(dose.given_on.isoformat()) if dose.given_on else say("day unknown")
    return " · ".join(filter(None, (_dose_name(campaign, dose.code), when, _vaccine(campaign, dose.vaccine or ""))))


def _dose_name(campaign: Campaign, code: str) -> str:
    label = campaign.doses.get(code)
    return label[chosen_language()] if label else say("Dose {dose}", dose=code)


def _vaccine(campaign: Campaign, code: str) -> str:
    label = campaign.vaccines.get(code)
    return label[chosen_language()] if label else code


def _born(person: Person) -> str:
    if person.born_on is None:
        return say("date of birth unknown")
    return _day(person.born_on.isoformat()) if person.birth_precision == "day" else str(person.born_on.year)


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day}/{day.month}/{day.year}"
