"""People due -> whole vials, and what goes with them, of each formulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from mapper.domain.made_plan import VialNeed
from mapper.domain.plan import DuePerson
from mapper.domain.planning import Formulation, PlanningRules
from mapper.domain.turnout import Turnout
from mapper.domain.vials import Opened, Session, Supplies, Vial, over_sessions, supplies, with_buffer


@dataclass(frozen=True, slots=True)
class Round:
    """A session, or the visits of a team on a day. place: where, "" on the way from house to house.

    doses: due by formulation. cold: whether opened vials can be kept there for a session on a later day.
    """

    day: date
    place: str
    doses: Mapping[str, int]
    cold: bool = False


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


def needs_by_round(rounds: Sequence[Round], rules: PlanningRules) -> list[tuple[VialNeed, ...]]:
    """What each round is given, of all that one team or one place holds, in the order of their days.

    Vials are counted for each round alone, with the rules' level of service; those that may be used on later days, at a
    place that keeps them cold, over its rounds together: a later one is given what it needs more, and what is left
    counts as wasted after the last. The buffer is one for all rounds: the first are given it, and who does not use it
    takes it to the next.
    """
    found: list[dict[str, VialNeed]] = [{} for _ in rounds]
    for one in rules.formulations:
        places: dict[str, list[int]] = {}
        for number, each in enumerate(rounds):
            if each.doses.get(one.code):
                kept = each.cold and one.vial.open_days
                places.setdefault(each.place if kept else f"\0{number}", []).append(number)
        opened: dict[int, tuple[int, float]] = {}
        for several in places.values():
            opened |= _opened_by(several, rounds, one, rules)
        vials = ready = 0
        for number in sorted(opened):
            more, wasted = opened[number]
            vials += more
            held = with_buffer(vials, float(rules.buffer)) - ready
            ready += held
            due = rounds[number].doses[one.code]
            kit = supplies(due, held, one.vial)
            found[number][one.code] = VialNeed(
                one.code,
                due,
                due * float(rules.come),
                wasted,
                more,
                kit.vials,
                kit.diluents,
                kit.syringes,
                kit.mixing_syringes,
                kit.safety_boxes,
            )
    return [tuple(each.values()) for each in found]


def _opened_by(
    numbers: list[int], rounds: Sequence[Round], one: Formulation, rules: PlanningRules
) -> dict[int, tuple[int, float]]:
    """Vials that each of these rounds is given more than those before it, and the doses that it wastes."""
    found, vials = {}, 0
    first = rounds[numbers[0]].day
    told = tuple(((rounds[number].day - first).days, rounds[number].doses[one.code]) for number in numbers)
    for place, number in enumerate(numbers):
        opened = _opened(told[: place + 1], one.vial, float(rules.come), float(rules.served))
        more = max(0, opened.to_take - vials)
        vials += more
        found[number] = more, opened.wasted if place == len(numbers) - 1 else 0.0
    return found


@lru_cache(maxsize=4096)
def _opened(told: tuple[tuple[int, int], ...], vial: Vial, come: float, served: float) -> Opened:
    return over_sessions([Session(day, Turnout.invited(people, come)) for day, people in told], vial, served)


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
