"""What if: the question of a plan with one thing other, as its page offers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mapper.domain.plan import Aim, PlanQuestion, Scenario
from mapper.errors import InvalidQuestion, mark
from mapper.services.what_if import HALF_AGAIN
from mapper.web.language_choice import say
from mapper.web.pages import count
from mapper.web.plan_form import Reading


def varied(
    question: PlanQuestion, typed: Mapping[str, str], scenarios: Mapping[str, Scenario], names: Mapping[str, str]
) -> tuple[PlanQuestion, str]:
    """The other question, and in a few words what is other. typed: ``what``, and ``doses`` or ``scenario``.

    names: of scenarios. Raises InvalidQuestion for what cannot be.
    """
    what, sites = typed.get("what", ""), question.sites or 0
    if what in ("site_more", "site_less") and question.aim is Aim.FEWEST_SITES:
        raise InvalidQuestion(mark("This plan looks for as few sites as can be: their number is no question."))
    match what:
        case "team_less":
            if len(question.teams) < 2:
                raise InvalidQuestion(mark("This plan has no two teams, of which one could stay away."))
            gone = question.teams[-1]
            return replace(question, teams=question.teams[:-1]), say("without {team}", team=gone.name)
        case "again":
            return question, say("again")
        case "site_more":
            return replace(question, sites=sites + 1), say("one site more")
        case "site_less":
            if sites < 2:
                raise InvalidQuestion(mark("This plan has a single site. Ask for one site more instead."))
            return replace(question, sites=sites - 1), say("one site less")
        case "doses":
            at = Reading({"doses": [typed.get("doses", "")]})
            doses = at.whole("doses", 1, 100_000_000)
            if doses is None:
                raise at.problems.get("doses") or InvalidQuestion(mark("Write how many doses there are."))
            return replace(question, doses=doses), say("{doses} doses only", doses=count(doses))
        case "scenario":
            code = typed.get("scenario", "")
            if code and code not in scenarios:
                raise InvalidQuestion(mark("Choose a scenario of the list."))
            words = names[code] if code else say("without a scenario")
            other, now = scenarios.get(code, Scenario()), question.scenario
            return replace(question, scenario=replace(other, levels=now.levels, closed=now.closed)), words
        case "farther":
            times = question.farther * HALF_AGAIN
            return replace(question, farther=times), say("walks {times} times as long", times=count(times))
    raise InvalidQuestion(mark("A plan cannot be changed like that. Load its page again."))
