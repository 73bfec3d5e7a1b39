"""The page on which an administrator says how long a campaign is kept, sees what would go, and has it go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import Role
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, TooManyTries, mark
from mapper.services import intake, questions
from mapper.services import retention as service
from mapper.services.background import Progress, Stage
from mapper.services.background import Standing as Work
from mapper.services.erasing import may_erase
from mapper.services.retention import NOTICE, WORDS, Part, Policy
from mapper.web.accounts import only_for, reader, tell_password_again
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

retention = Blueprint("retention", __name__)
_only_for_administrators = only_for(Role.ADMINISTRATOR)


@retention.before_request
def _guard() -> AnyResponse | None:
    refused = _only_for_administrators()
    if refused is None:
        may_erase(reader())
    return refused


@retention.get("/retention")
def page() -> str:
    """Every campaign: how long it is kept, and what is due."""
    found = service.standings(installation().reference, counted=False)
    return render_template(
        "retention.html",
        standings=found,
        campaigns=_campaigns(),
        parts=list(Part),
        today=intake.today(),
        notice=NOTICE.days,
    )


@retention.get("/retention/<campaign_id>")
def campaign(campaign_id: str) -> str:
    """One campaign: what there is, what would go when, and how far it is when it goes."""
    return _campaign(campaign_id)


@retention.post("/retention/<campaign_id>")
def set_policy(campaign_id: str) -> AnyResponse | tuple[str, int]:
    """Say how long a campaign is kept; nothing typed, for ever."""
    typed = request.form
    try:
        service.set_policy(installation().reference, reader(), campaign_id, _policy(typed))
    except InvalidInput as problem:
        return _campaign(campaign_id, problem=problem), 400
    flash(mark("Kept."))
    return redirect(url_for("retention.campaign", campaign_id=campaign_id), 303)


@retention.post("/retention/<campaign_id>/erase")
def begin(campaign_id: str) -> AnyResponse | str | tuple[str, int]:
    """Ask again what is due to go, and take it out: who asks tells the password once more."""
    if request.form.get("part", "") not in list(Part):
        raise InvalidInput(mark("Choose what is to go."))
    part, here, user = Part(request.form["part"]), installation(), reader()
    if request.form.get("step") != "erase":
        return _campaign(campaign_id, asked=part)
    try:
        tell_password_again(request.form.get("present", ""))
    except InvalidInput as problem:
        return _campaign(campaign_id, asked=part, problem=problem), 400
    except TooManyTries as problem:
        return _campaign(campaign_id, asked=part, problem=problem), 429
    day = intake.today()
    service.begin(here.reference, user, campaign_id, part, day)

    def work(_: Progress) -> int:
        return sum(service.carry_out(here.reference, user, campaign_id, part, day).values())

    here.retention.ask(campaign_id, part, work, again=True)
    return redirect(url_for("retention.campaign", campaign_id=campaign_id), 303)


def _policy(typed: Mapping[str, str]) -> Policy | None:
    """What was typed. Raises InvalidInput."""
    days: dict[str, int | None] = {}
    for part in Part:
        told = typed.get(part.value, "").strip()
        number = whole(told, 999_999)
        if told and number is None:
            raise InvalidInput(mark("Write a number of days from 0 to {most}."), most=service.LONGEST)
        days[part.value] = number
    if all(each is None for each in days.values()):
        return None
    try:
        end = date.fromisoformat(typed.get("end", "").strip())
    except ValueError as fault:
        raise InvalidInput(mark("Say on which day the campaign ended.")) from fault
    return Policy(end, **days)


@retention.get("/retention/<campaign_id>/progress")
def progress(campaign_id: str) -> Response:
    """How far it is, for the page's script; every process knows, whichever works at it."""
    work = _at_work(service.standing(installation().reference, campaign_id, counted=False))
    return jsonify(stage=work.stage, share=round(work.share, 3))


def _at_work(standing: service.Standing) -> Work[int]:
    going = standing.under_way
    if going is None or going.silent:
        return Work(Stage.DONE, 1.0)
    return Work(Stage.RUNNING, going.share)


def _campaign(campaign_id: str, asked: Part | None = None, problem: MapperError | None = None) -> str:
    standing = service.standing(installation().reference, campaign_id)
    campaigns = _campaigns()
    return render_template(
        "retention_campaign.html",
        standing=standing,
        label=campaigns[campaign_id]["label"],
        last=campaigns[campaign_id]["until"],
        parts=list(Part),
        today=intake.today(),
        due=standing.due(intake.today()),
        asked=asked,
        work=_at_work(standing),
        words=WORDS,
        notice=NOTICE,
        problem=say(problem) if problem is not None else "",
        typed=request.form,
        told=get_flashed_messages(),
    )


def _campaigns() -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in questions.campaigns(installation().reference, chosen_language())}
