"""Plans: asked for, looked at while they are made and after, explained, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    get_flashed_messages,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.made_plan import WHY, Unserved
from mapper.domain.plan import PlanQuestion
from mapper.domain.roles import OVERSEERS, READERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, InvalidQuestion, MapperError, NotFound, mark
from mapper.services import intake, plan_progress, plans
from mapper.services.plan_figures import (
    PlaceNames,
    by_hamlet,
    calendar_of,
    clock,
    names_of,
    rules_for,
    site_rows,
    waiting_rows,
)
from mapper.services.plan_levels import carried_in, sentences
from mapper.services.plan_question import LONGEST_NAME
from mapper.services.plans import PlanLine
from mapper.services.questions import set_name
from mapper.web import plan_words
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.plan_curve import curve_of
from mapper.web.plan_form import AIMS, AT_POINT, MOST_TEAMS, read_question, typed_of, usual
from mapper.web.plan_ground import ground_of, presets, presets_of
from mapper.web.plan_map_view import map_of
from mapper.web.plan_people import KINDS, formulations_of, has_files, made_of, plan_of
from mapper.web.plan_variants import varied
from mapper.web.plan_words import AT_WORK
from mapper.web.wanted import keep_private

KEPT_DAYS: dict[str, int | None] = {"all": None, "0": 0, "1": 1, "2": 2}
"""On how many of the next days sessions may be kept, as the form says it."""

plan_pages = Blueprint("plans", __name__)
_only_for_readers = only_for(*READERS)


@plan_pages.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@plan_pages.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


@plan_pages.get("/plans")
def page() -> str:
    """All plans that the reader may see, and the form for another. ``from``: number of a plan to begin with."""
    return _page(None, {})


@plan_pages.post("/plans")
def enter() -> AnyResponse | tuple[str, int]:
    """Ask for a plan."""
    asked = ask(_set_of(request.form))
    if asked is None:
        raise NotFound(mark("No campaign or no boundary set is here yet. Publish a form and import boundaries first."))
    typed = {name: request.form.getlist(name) for name in request.form}
    question, problems = read_question(typed, ground_of(asked), _like(typed))
    if question is not None:
        try:
            return _begin(question)
        except MapperError as problem:
            problems = {"": problem}
    return _page(typed, {name: say(problem) for name, problem in problems.items()}), 400


def _set_of(told: Mapping[str, str]) -> dict[str, str]:
    """The boundary set that an address or a form names; a plan has its own campaign, day and area."""
    return {"set": told["set"]} if told.get("set") else {}


def _like(typed: Mapping[str, Sequence[str]] | None) -> PlanQuestion | None:
    """The question of the plan that a form begins with, None where it begins with none."""
    number = next(iter((typed or {}).get("like", ())), "")
    return plans.line(installation().reference, reader(), _number(number)).question if number else None


def _begin(question: PlanQuestion, given_of: int | None = None) -> AnyResponse:
    """Ask for a plan, have it made, and lead to its page."""
    here = installation()
    number = plans.ask(here.reference, reader(), question, given_of)
    _line(number)
    return redirect(url_for("plans.show", number=number), 303)


def _line(number: int) -> PlanLine:
    """A plan as lists tell it; one that waits is set going."""
    from mapper.services.plan_work import see_to

    here = installation()
    line = plans.line(here.reference, reader(), number)
    see_to(here.plans, here.reference, line)
    return line


def _page(typed: dict[str, list[str]] | None, problems: dict[str, str]) -> str:
    reference, user, begun = installation().reference, reader(), request.args.get("from", "")
    like = plans.line(reference, user, _number(begun)).question if begun else None
    its_set = {"set": like.set_id} if like is not None and not names_of(reference, like.set_id).withdrawn else {}
    asked = ask(_set_of(request.values) or its_set)
    lines = plans.lines(reference, user)
    told: dict[str, Any] = {"lines": lines, "asked": asked, "problems": problems, "words": plan_words}
    if asked is not None:
        ground = ground_of(asked)
        area = request.args.get("area", "")
        is_open = bool(problems or begun or area in ground.areas or not lines)
        if typed is None and like is not None:
            typed = typed_of(like, ground) | {"like": [begun]}
        if typed is None:
            names = [say("Team {number}", number=number) for number in (1, 2)]
            typed = usual(ground, asked.day, names) | ({"area": [area]} if area in ground.areas else {})
        told |= {
            "ground": ground,
            "typed": {name: values[0] if values else "" for name, values in typed.items()},
            "closed": frozenset(typed.get("closed", ())),
            "aims": AIMS,
            "at_point": AT_POINT,
            "teams": range(max(MOST_TEAMS, sum(name.startswith("team_name-") for name in typed))),
            "keeps": len(like.keeps) if (like := _like(typed)) else 0,
            "is_open": is_open,
            "area_names": {str(one.area): one.name for one in asked.choices},
            "presets": presets(asked),
        }
    return render_template("plans.html", **told)


@plan_pages.get("/plans/<int:number>")
def show(number: int) -> str:
    """A plan: how far it is, or what came out of it."""
    from mapper.services.plan_again import origin

    _line(number)
    found = plan_of(number, outlined=True)
    question, made = found.line.question, found.made
    names = names_of(installation().reference, question.set_id)
    told: dict[str, Any] = {
        "number": number,
        "line": found.line,
        "question": question,
        "made": made,
        "words": plan_words,
        "told": get_flashed_messages(),
        "at_work": found.line.state in AT_WORK,
        "area_name": _area_name(question, names),
        "withdrawn": names.places.about.label if names.withdrawn else "",
        "boundaries": set_name(names.places.about, chosen_language()) if len(names.known.sets) > 1 else "",
        "campaign": names.known.campaign(question.campaign_id),
        "presets": presets_of(question),
        "overseer": reader().role in OVERSEERS,
        "clock": clock,
        "closed": [names.unit(code) for code in question.scenario.closed],
        "has_files": has_files(),
        "carried": sentences(carried_in(found.line.row.made_with), names, chosen_language()),
        "origin": origin(installation().reference, reader(), number) if found.line.row.made_with else None,
    }
    if made is not None and made.people:
        rows = site_rows(made, names)
        waiting = waiting_rows(made, names)
        calendar = calendar_of(made, names)
        told |= {
            "rows": rows,
            "waiting": waiting,
            "why": WHY,
            "kinds": KINDS,
            "calendar": calendar,
            "formulations": formulations_of(question),
            "homes": by_hamlet(made.homes, names),
            "map": map_of(number, question, made, rows, waiting, names, reader().role in OVERSEERS),
            "approximate": names.places.about.approximate,
        }
    return render_template("plan.html", **told)


@plan_pages.get("/plans/<int:number>/stage")
def stage(number: int) -> Response:
    """How far a plan is, for the page's script. seen: what can be looked at already; see PlanLine."""
    line = _line(number)
    return jsonify(stage=line.state, share=round(line.row.share, 3), seen=line.seen)


@plan_pages.post("/plans/<int:number>/change")
def change(number: int) -> AnyResponse:
    """Stop, choose, put aside, name anew, take away or make again a plan, as ``act`` says."""
    reference, user, act = installation().reference, reader(), request.form.get("act", "")
    match act:
        case "stop":
            plans.stop(reference, user, number)
        case "use":
            plans.use(reference, user, number)
            flash(mark("This plan is carried out from now on."))
        case "unuse":
            plans.unuse(reference, user, number)
            flash(mark("This plan is carried out no longer."))
        case "rename":
            plans.rename(reference, user, number, request.form.get("name", ""))
        case "again":
            plans.ask_again(reference, user, number)
        case "remove":
            plans.remove(reference, user, number)
            return redirect(url_for("plans.page"), 303)
        case _:
            raise InvalidInput(mark("A plan cannot be changed like that. Load its page again."))
    return redirect(url_for("plans.show", number=number), 303)


@plan_pages.post("/plans/<int:number>/what-if")
def what_if(number: int) -> AnyResponse:
    """Ask for the same plan with one thing other, from the same census."""
    line = plans.line(installation().reference, reader(), number)
    question, rules = line.question, rules_for(installation().reference, line.question.campaign_id)
    other, words = varied(question, request.form, rules, line.sites_used)
    title = f"{plan_words.title(question.name, number)}: {words}"
    return _begin(replace(other, name=title[:LONGEST_NAME]), number)


@plan_pages.get("/plans/compare")
def compare() -> str:
    """Two plans side by side: ``a`` and ``b``, their numbers."""
    from mapper.services.plan_again import side_by_side

    reference, user = installation().reference, reader()
    numbers = [_number(request.args.get(name, "")) for name in ("a", "b")]
    found = side_by_side(reference, user, numbers)
    lines = [plans.line(reference, user, number) for number in numbers]
    first, other = found.figures
    return render_template(
        "plan_compare.html",
        lines=lines,
        found=found,
        words=plan_words,
        names=names_of(reference, lines[0].question.set_id),
        rules=rules_for(reference, lines[0].row.campaign_id),
        formulations=formulations_of(lines[0].question),
        why=WHY,
        vials=list(dict.fromkeys([*first.vials, *other.vials])),
        precedences=list(dict.fromkeys([*first.precedences, *other.precedences])),
        units=list(dict.fromkeys([*first.units, *other.units])),
        reasons=[why for why in Unserved if why in first.unserved or why in other.unserved],
        same_people={one: part.due for one, part in first.units.items()}
        == {one: part.due for one, part in other.units.items()},
    )


@plan_pages.get("/plans/<int:number>/progress")
def progress(number: int) -> str:
    """A plan against what came in, by site, team and day; and the form to plan anew."""
    return _progress_page(number)


def _progress_page(number: int, problem: str = "") -> str:
    reference, user, today = installation().reference, reader(), intake.today()
    found = plan_progress.progress(reference, user, number, today)
    made = made_of(plan_of(number))
    order = {one.site.code: place for place, one in enumerate(made.sites)}
    return render_template(
        "plan_progress.html",
        number=number,
        line=found.line,
        found=found,
        problem=problem,
        words=plan_words,
        fates=plan_progress.FATES,
        curve=curve_of(found.days, today),
        sites={one.site.code: one.site.name for one in made.sites},
        by_site=sorted(found.sites.items(), key=lambda item: order.get(item[0], len(order))),
        by_team=sorted(found.teams.items(), key=lambda item: (item[0].day, not item[0].team, item[0].team)),
        formulations=formulations_of(found.line.question),
    )


@plan_pages.post("/plans/<int:number>/again")
def again(number: int) -> AnyResponse | tuple[str, int]:
    """Ask for a plan of the days from tomorrow on, in the place of this one. ``keep``: for how many days it stands."""
    from mapper.services.plan_again import question_again

    told = request.form.get("keep", "")
    if told not in KEPT_DAYS:
        raise InvalidInput(mark("A plan cannot be changed like that. Load its page again."))
    try:
        question = question_again(installation().reference, reader(), number, intake.today(), KEPT_DAYS[told])
        title = say("{plan}, anew", plan=plan_words.title(question.name, number))
        return _begin(replace(question, name=title[:LONGEST_NAME]))
    except InvalidQuestion as problem:
        return _progress_page(number, say(problem)), 400


def _number(text: str) -> int:
    """Raises NotFound for what is no number of a plan."""
    number = whole(text)
    if number is None:
        raise NotFound(mark("There is no plan {number}. Choose one from the list."), number=text[:20])
    return number


def _area_name(question: PlanQuestion, names: PlaceNames) -> str:
    level, _, code = question.area.partition(":")
    unit = names.places.units.get((level, code))
    return unit.name if unit else code or say("All that its asker sees")
