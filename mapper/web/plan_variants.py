"""What if: the question of a plan with one thing other, as its page offers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mapper.domain.plan import PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.services import what_if
from mapper.services.plan_question import MOST_DOSES
from mapper.web.language_choice import chosen_language, say
from mapper.web.plan_form import Reading
from mapper.web.plan_words import explained


def varied(
    question: PlanQuestion, typed: Mapping[str, str], rules: PlanningRules, used: int | None
) -> tuple[PlanQuestion, str]:
    """The other question, and in a few words what is other. typed: ``what``, and ``doses`` or ``scenario``.

    used: how many sites the plan has.
    Raises InvalidQuestion, InvalidInput for what cannot be.
    """
    what = typed.get("what", "")
    if what == "again":
        return question, say("again")
    if what == "doses":
        at = Reading({"doses": [typed.get("doses", "")]})
        doses = at.whole("doses", 1, MOST_DOSES)
        if at.problems:
            raise at.problems["doses"]
        what = f"{what_if.DOSES}{doses or ''}"
    elif what == "scenario":
        what = f"{what_if.SCENARIO}{typed.get('scenario', '')}"
    found = what_if.varied(question, rules, what, used)
    preset = rules.preset(str(found.told.facts.get("scenario", "")))
    told = replace(found.told, facts={"scenario": preset.label[chosen_language()]}) if preset else found.told
    return found.question, explained(told)
