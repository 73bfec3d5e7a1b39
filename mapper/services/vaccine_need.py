"""People due -> whole vials, and what goes with them, of each formulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mapper.domain.plan import DuePerson
from mapper.domain.planning import Formulation, PlanningRules
from mapper.domain.turnout import Turnout
from mapper.domain.vials import Session, Supplies, over_sessions, supplies, with_buffer


@dataclass(frozen=True, slots=True)
class Need:
    """What one place is to be given of a formulation.

    due: doses due there; given: on average, of those who come; wasted: doses of opened vials that nobody gets, on
    average; vials: with which nobody is sent away at the rules' level of service, without the buffer.
    """

    formulation: Formulation
    due: int
    given: float
    wasted: float
    vials: int
    supplies: Supplies

    def as_json(self) -> dict[str, Any]:
        """The same for programs; supplies are those of the vials with their buffer."""
        return {
            "formulation": self.formulation.code,
            "doses_due": self.due,
            "given": round(self.given, 1),
            "wasted": round(self.wasted, 1),
            "vials": self.vials,
            "with_buffer": asdict(self.supplies),
        }


def doses_of(people: Sequence[DuePerson]) -> Mapping[str, int]:
    """Doses by formulation, "" for those of which none is known: one a dose due."""
    return Counter(one.vials.get(dose, "") for one in people for dose in one.due)


def needs_of(doses: Mapping[str, int], rules: PlanningRules, sessions: int) -> list[Need]:
    """The vials of a place by its doses due, in the rules' order; nothing is known of doses of no formulation.

    sessions: days one after another over which the doses are spread as evenly as may be.
    """
    return [_need(one, doses[one.code], rules, sessions) for one in rules.formulations if doses.get(one.code)]


def _need(formulation: Formulation, due: int, rules: PlanningRules, sessions: int) -> Need:
    each, more = divmod(due, sessions)
    spread = [each + (day < more) for day in range(sessions)]
    come, vial = float(rules.come), formulation.vial
    days = [Session(day, Turnout.invited(people, come)) for day, people in enumerate(spread) if people]
    opened = over_sessions(days, vial, float(rules.served))
    vials = with_buffer(opened.to_take, float(rules.buffer))
    return Need(formulation, due, opened.given, opened.wasted, opened.to_take, supplies(due, vials, vial))
