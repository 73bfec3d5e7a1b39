"""Whom a plan serves and whom it does not, by name: the people of a site, of a reason, and those who are visited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.made_plan import WHY, MadePlan, PlannedHouse, PlanSite, Unserved
from mapper.domain.plan import PlanQuestion
from mapper.domain.planning import Formulation
from mapper.domain.roles import OVERSEERS, READERS
from mapper.domain.sites import SiteKind
from mapper.errors import NotFound, mark
from mapper.services import plan_people, plans
from mapper.services.people_words import PeopleWords
from mapper.services.plan_figures import PlaceNames, by_hamlet, clock, names_of, rules_for, session_days, shown_at
from mapper.services.plan_levels import carried_in, of_site
from mapper.services.plans import KeptPlan
from mapper.web import plan_words
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.outside import with_asked
from mapper.web.wanted import keep_private, page_asked

KINDS = {SiteKind.FIXED: mark("fixed"), SiteKind.MOBILE: mark("mobile")}

plan_people_pages = Blueprint("plan_people", __name__)
_only_for_readers = only_for(*READERS)


@plan_people_pages.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@plan_people_pages.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


@plan_people_pages.get("/plans/<int:number>/sites/<path:code>")
def site(number: int, code: str) -> str:
    """Whom a site of a plan serves: its sessions, its hamlets, and a page of its people by day."""
    found = plan_of(number)
    made, question = made_of(found), found.line.question
    one = next((each for each in made.sites if each.site.code == code), None)
    if one is None:
        raise NotFound(mark("This plan has no site {code}. Choose one of its list."), code=code[:60])
    names = names_of(installation().reference, question.set_id)
    houses = _on_day(one, request.args.get("day", ""))
    carried = carried_in(found.line.row.made_with)
    return render_template(
        "plan_site.html",
        site=one,
        has_files=has_files(),
        at=shown_at(one.site),
        unit=names.unit(one.unit),
        kinds=KINDS,
        parts=by_hamlet(one.houses, names),
        days=session_days(one),
        day=request.args.get("day", ""),
        clock=clock,
        formulations=formulations_of(question),
        level_at=lambda day: of_site(carried, one.unit, day, names, chosen_language()),
        **_people(number, found, houses, names, f"site {code}"),
    )


def _on_day(site: PlanSite, day: str) -> tuple[PlannedHouse, ...]:
    if not day:
        return site.houses
    held = (
        replace(house, people=tuple(one for one in house.people if one.day is not None and one.day.isoformat() == day))
        for house in site.houses
    )
    return tuple(house for house in held if house.people)


@plan_people_pages.get("/plans/<int:number>/people")
def people(number: int) -> str:
    """Who has no place in a plan, or is visited at home: ``why``, or ``home``, and the codes of unit and hamlet."""
    found = plan_of(number)
    made, question = made_of(found), found.line.question
    told = request.args.get("why", "")
    if told == "home":
        houses, heading = made.homes, say("Visited at home")
    elif told in set(Unserved):
        houses, heading = made.unserved.get(Unserved(told), ()), say(WHY[Unserved(told)])
    else:
        raise NotFound(mark("There is no such list of this plan. Choose one on the plan's page."))
    unit, hamlet = request.args.get("unit"), request.args.get("hamlet")
    names = names_of(installation().reference, question.set_id)
    if unit is not None:
        houses = tuple(one for one in houses if (one.commune_code or "") == unit)
    if hamlet is not None:
        houses = tuple(one for one in houses if (one.hamlet_code or "") == hamlet)
    if not houses:
        raise NotFound(mark("There is no such list of this plan. Choose one on the plan's page."))
    where = ", ".join(filter(None, (names.hamlet(hamlet), names.unit(unit))))
    return render_template(
        "plan_people.html", heading=heading, where=where, home=told == "home",
        **_people(number, found, houses, names, told),
    )  # fmt: skip


def _people(
    number: int, found: KeptPlan, houses: tuple[PlannedHouse, ...], names: PlaceNames, about: str
) -> dict[str, Any]:
    reference, user, question = installation().reference, reader(), found.line.question
    shown = plan_people.people(reference, user, number, question.campaign_id, houses, names, about, page_asked())
    args = {name: value for name, value in request.args.items() if name != "page"}

    def turn(page: int) -> str:
        return with_asked(str(request.endpoint), request.view_args or {}, args | {"page": str(page)})

    return {
        "number": number,
        "line": found.line,
        "question": question,
        "words": plan_words,
        "shown": shown,
        "turn": turn,
        "people_words": PeopleWords.of(reference, shown.campaign, chosen_language(), question.first),
        "phones": user.role in OVERSEERS,
    }


def plan_of(number: int, *, outlined: bool = False) -> KeptPlan:
    """A plan, as far as its reader may see it. outlined: also where it is not written yet who is asked to come when."""
    return plans.plan(installation().reference, reader(), number, outlined=outlined)


def made_of(found: KeptPlan) -> MadePlan:
    """What came out of it. Raises NotFound while nothing has."""
    if found.made is None and found.line.outlined:
        raise NotFound(mark("Who is asked to come when is still being written. Look again in a moment."))
    if found.made is None:
        raise NotFound(mark("This plan is not worked out yet. Look again in a minute."))
    return found.made


def has_files() -> bool:
    """Whether this server writes files of plans."""
    return "plan_files.fetch" in current_app.view_functions


def formulations_of(question: PlanQuestion) -> dict[str, Formulation]:
    """Those of its campaign's planning.toml, by code."""
    return {one.code: one for one in rules_for(installation().reference, question.campaign_id).formulations}
