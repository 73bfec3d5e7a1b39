"""Plans for programs, as JSON: asked for, looked at, stopped, varied, compared, carried out.

What answers is imported when somebody asks: solvers are heavy, and a server starts without them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import Forbidden, InvalidInput, InvalidQuestion, mark
from mapper.formats.plan_file import asked_question, made_json, question_fields
from mapper.services import plans
from mapper.services.intake import today
from mapper.services.plan_figures import rules_for
from mapper.services.plan_question import MOST_DAYS
from mapper.services.plans import PlanLine
from mapper.web.accounts import csrf, reader
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.wanted import keep_private

if TYPE_CHECKING:
    from mapper.services.plan_again import Origin

plans_api = Blueprint("plans_api", __name__, url_prefix="/api/plans")

MOST_LISTED = 500


@plans_api.before_request
def _guard() -> None:
    user = reader()
    if user.role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    given = request.authorization
    if given is None or given.type != "bearer":
        csrf.protect()  # the blueprint is exempt, since a program's token needs no such thing


@plans_api.after_request
def _keep_private(response: Response) -> Response:
    return keep_private(response)


@plans_api.post("")
def ask() -> tuple[Response, int]:
    """Ask for a plan; the body is the question as JSON. 201 with the plan, which waits to be made."""
    return _begin(plans.ask(installation().reference, reader(), asked_question(request.get_data())))


@plans_api.get("")
def listed() -> Response:
    """The newest plans that the reader sees; ``campaign`` for those of one, ``limit`` up to 500."""
    from mapper.services.plan_facts import line_facts

    limit = _number("limit", 100, MOST_LISTED)
    found = plans.lines(installation().reference, reader(), request.args.get("campaign") or None, limit)
    return jsonify(plans=[line_facts(one, say) for one in found])


@plans_api.get("/<int:number>")
def one(number: int) -> Response:
    """A plan: how it stands, how far it is, its figures, and from what it was made.

    ``told``, once it is made: in the reader's language what its page says of it: who has a place and who has none, how
    many sites are used and why, how good they are, and what holds it back, with what would help.
    """
    line = _look(number)
    return jsonify({**_whole(line), "told": _told(number) if line.state in plans.ENDED and line.seen else None})


@plans_api.get("/<int:number>/made")
def made(number: int) -> Response:
    """What came out, houses and people by their ids, as far as the reader may see them; entered in the trail."""
    from mapper.services.plan_again import not_made

    found = plans.plan_with_people(installation().reference, reader(), number)
    if found.made is None:
        raise not_made(number)
    return Response(made_json(found.made), mimetype="application/json")


@plans_api.post("/<int:number>/stop")
def stop(number: int) -> Response:
    """Stop it, keeping the best so far."""
    plans.stop(installation().reference, reader(), number)
    return jsonify(_whole(_look(number)))


@plans_api.post("/<int:number>/again")
def again(number: int) -> Response:
    """Make one anew that failed or was stopped."""
    plans.ask_again(installation().reference, reader(), number)
    return jsonify(_whole(_look(number)))


@plans_api.post("/<int:number>/use")
def use(number: int) -> Response:
    """Have it carried out."""
    plans.use(installation().reference, reader(), number)
    return jsonify(_whole(_look(number)))


@plans_api.post("/<int:number>/unuse")
def unuse(number: int) -> Response:
    """Have it carried out no longer."""
    plans.unuse(installation().reference, reader(), number)
    return jsonify(_whole(_look(number)))


@plans_api.get("/<int:number>/variants")
def variants(number: int) -> Response:
    """What may be other in a plan: codes, and what they mean in words."""
    from mapper.services import what_if

    line = plans.line(installation().reference, reader(), number)
    rules = rules_for(installation().reference, line.question.campaign_id)
    found = what_if.variants(line.question, rules, line.sites_used)
    return jsonify(variants=[{"what_if": one.code, "words": say(one.told.words, **one.told.facts)} for one in found])


@plans_api.post("/<int:number>/variants")
def vary(number: int) -> tuple[Response, int]:
    """Ask what another question makes of the same census.

    The body holds the fields that are other than the plan's; or in place of them ``what_if``, a code of those listed,
    or ``doses:2000``.
    """
    reference, user = installation().reference, reader()
    line = plans.line(reference, user, number)
    question = line.question
    if (code := _what_if()) is not None:
        from mapper.services import what_if

        other = what_if.varied(question, rules_for(reference, question.campaign_id), code, line.sites_used).question
    else:
        other = asked_question(request.get_data(), question_fields(question))
    return _begin(plans.ask(reference, user, other, given_of=number))


@plans_api.post("/<int:number>/tomorrow")
def replan(number: int) -> tuple[Response, int]:
    """Plan the days still to come from today's register; the body may hold ``keep_days``, else all sessions stand."""
    from mapper.services.plan_again import question_again

    reference, user = installation().reference, reader()
    question = question_again(reference, user, number, today(), _keep_days())
    return _begin(plans.ask(reference, user, question))


@plans_api.delete("/<int:number>")
def remove(number: int) -> tuple[str, int]:
    """Take it away."""
    plans.remove(installation().reference, reader(), number)
    return "", 204


@plans_api.get("/<int:number>/progress")
def progress(number: int) -> Response:
    """The plan against what came in until today."""
    from mapper.services.plan_facts import progress_facts
    from mapper.services.plan_progress import progress as progress_of

    found = progress_of(installation().reference, reader(), number, today())
    return jsonify(progress_facts(found))


@plans_api.get("/<int:number>/comparison")
def comparison(number: int) -> Response:
    """The plan beside others, ``with`` their numbers, one to three."""
    from mapper.services.plan_again import side_by_side

    told = [whole(one) for one in request.args.get("with", "").split(",")]
    others = [one for one in told if one is not None]
    if len(others) < len(told):
        raise InvalidQuestion(mark("Name the plans to compare with by their numbers: with=12,13."))
    found = side_by_side(installation().reference, reader(), [number, *others])
    figures = [{"number": int(each.label), **_plain(asdict(each))} for each in found.figures]
    return jsonify(plans=figures, differences=[_plain(asdict(each)) for each in found.differences])


def _begin(number: int) -> tuple[Response, int]:
    answer = jsonify(_whole(_look(number)))
    answer.headers["Location"] = f"{request.script_root}/api/plans/{number}"
    return answer, 201


def _look(number: int) -> PlanLine:
    """A plan; one that waits is set going."""
    from mapper.services.plan_work import see_to

    here = installation()
    line = plans.line(here.reference, reader(), number)
    see_to(here.plans, here.reference, line)
    return line


def _whole(line: PlanLine) -> dict[str, Any]:
    from mapper.services.plan_again import origin
    from mapper.services.plan_facts import line_facts

    made_from = origin(installation().reference, reader(), line.row.id) if line.row.made_with else None
    explained = _explained(made_from) if made_from is not None else None
    question = question_fields(line.question)
    # Who is asked to a session is told with what came out, as far as its reader may see them.
    question["keeps"] = [{name: told for name, told in one.items() if name != "asked"} for one in question["keeps"]]
    return {**line_facts(line, say), "question": question, "explained": explained}


def _told(number: int) -> dict[str, Any] | None:
    """A plan in words."""
    from mapper.web import plan_words

    found = plans.plan(installation().reference, reader(), number)
    made, question = found.made, found.line.question
    if made is None:
        return None
    return {
        "headline": plan_words.headline(made),
        "without": plan_words.rest(made),
        "sites": plan_words.sites_used(question, made),
        "quality": plan_words.how_good(question, made) if made.people else "",
        "binds": [plan_words.explained(one) for one in made.binds],
    }


def _explained(made_from: Origin) -> dict[str, Any]:
    return {name: value for name, value in asdict(made_from).items() if name != "question"}


def _plain(value: Any) -> Any:
    """As JSON has it: names as keys, None among them as ""."""
    if isinstance(value, dict):
        return {"" if name is None else str(name): _plain(each) for name, each in value.items()}
    return value


def _what_if() -> str | None:
    """The code of a body that holds nothing else."""
    try:
        told = json.loads(request.get_data() or b"{}")
    except ValueError:
        return None  # told as what is asked is read
    return str(told["what_if"]) if isinstance(told, dict) and told.keys() == {"what_if"} else None


def _keep_days() -> int | None:
    try:
        told = json.loads(request.get_data() or b"{}")
    except ValueError:
        told = None
    keep = told.get("keep_days") if isinstance(told, dict) else -1
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or not 0 <= keep <= MOST_DAYS):
        raise InvalidQuestion(mark("keep_days is a number of days, 0 for no session that stands, or null for all."))
    return keep


def _number(name: str, usual: int, most: int) -> int:
    number = whole(request.args.get(name, str(usual)), most)
    if not number:
        raise InvalidInput(mark("{name} is a number from 1 to {most}."), name=name, most=most)
    return number
