"""Whole vials for sessions: what an opened one wastes, how many to take along, and what goes with them.

An opened vial of most vaccines is thrown away after the session or six hours, whichever comes first; some may be used
again on later days. Source: WHO, Multi-dose vial policy, WHO/IVB/14.07 (2014). Wastage and buffer of a campaign: MSF,
Management of a measles epidemic (2013), chapter 6.2.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mapper.domain.turnout import Turnout

SERVICE = 0.95
"""In so large a share of sessions nobody is sent away for want of vaccine, and so many of all people are served."""

SPARE_SYRINGES = 0.10
"""Share of syringes that break or are spoilt, for which others are taken along: a factor of 1.11."""

SYRINGES_A_BOX = 100
"""That a safety box holds. Source: needs of a session in the COVID-19 vaccination training of Ethiopia's Ministry of
Health, as WHO teaches it: a syringe a dose, diluent and a mixing syringe a vial, a box for 100 syringes."""

UNLIKELY = 1e-12
"""Chances below this are left out where many sessions follow one another."""


@dataclass(frozen=True, slots=True)
class Vial:
    """doses: in it. open_days: after the day of opening on which it may still be used, 0 for none.

    mixed: a powder, to which diluent of the same maker goes with a syringe of its own.
    """

    doses: int
    open_days: int = 0
    mixed: bool = False

    def __post_init__(self) -> None:
        if self.doses < 1 or self.open_days < 0:
            raise ValueError("a vial holds a dose or more, and is kept open for days from 0")

    def needed(self, people: int) -> int:
        """Vials that so many people need at once."""
        return -(-people // self.doses)


@dataclass(frozen=True, slots=True)
class Session:
    """A session at one place. day: counted from any first one."""

    day: int
    turnout: Turnout


@dataclass(frozen=True, slots=True)
class Opened:
    """What sessions at one place come to on average. vials: opened; given, wasted: doses; to_take: vials.

    to_take: with which at the level of service nobody is sent away in all these sessions.
    """

    vials: float
    given: float
    wasted: float
    to_take: int

    @property
    def waste(self) -> float | None:
        """Share of the doses in opened vials that nobody gets; None where none is opened."""
        return self.wasted / (self.given + self.wasted) if self.vials else None


def open_vial_waste(turnout: Turnout, doses: int) -> float | None:
    """Share of doses that is thrown away with opened vials, on average; None where nobody comes.

    1 - E[S] / (d E[ceil(S / d)]) for S people and vials of d doses.
    """
    opened = turnout.average(lambda people: Vial(doses).needed(people))
    return 1 - turnout.mean / (doses * opened) if opened else None


def served(turnout: Turnout, doses: int) -> float:
    """Share of the people who come that so many doses suffice for, on average; 1 where nobody comes."""
    return turnout.average(lambda people: min(people, doses)) / turnout.mean if turnout.mean else 1.0


def vials_for(turnout: Turnout, doses: int, service: float = SERVICE) -> int:
    """The fewest whole vials for a session, by exact chances, with the level of service.

    With this chance nobody is sent away, and at least this share of all people is served: of sessions to which mostly
    nobody comes the first alone would leave all without vaccine.
    """
    vials = Vial(doses).needed(turnout.at_most(service))
    while served(turnout, vials * doses) < service - 1e-12:
        vials += 1
    return vials


def over_sessions(sessions: Sequence[Session], vial: Vial, service: float = SERVICE) -> Opened:
    """Sessions at one place one after another, where what is left in an opened vial is used first while it is good.

    All chances are followed exactly: how many vials were opened, what is left in the last one, since which day.
    """
    if any(later.day < sooner.day for sooner, later in pairwise(sessions)):
        raise ValueError("sessions follow one another")
    # Vials opened, doses left in the last of them, day of its opening.
    states: dict[tuple[int, int, int], float] = {(0, 0, 0): 1.0}
    for session in sessions:
        after: dict[tuple[int, int, int], float] = defaultdict(float)
        for (opened, left, since), chance in states.items():
            good = left if vial.open_days and session.day - since <= vial.open_days else 0
            for people, of_people in session.turnout:
                if chance * of_people < UNLIKELY:
                    continue
                more = vial.needed(max(0, people - good))
                rest = good + more * vial.doses - people
                day = session.day if more else since
                after[opened + more, rest, day if rest else 0] += chance * of_people
        states = after
    if not sessions:
        return Opened(0.0, 0.0, 0.0, 0)
    used_up = math.fsum(number * chance for (number, _, _), chance in states.items())
    given = math.fsum(session.turnout.mean for session in sessions)
    chances: dict[int, float] = defaultdict(float)
    for (number, _, _), chance in states.items():
        chances[number] += chance
    return Opened(used_up, given, used_up * vial.doses - given, _enough(chances, given, vial.doses, service))


def _enough(chances: dict[int, float], given: float, doses: int, service: float) -> int:
    """The fewest vials that suffice with this chance and leave no more than the rest of the doses ungiven."""
    sum_of, whole = 0.0, math.fsum(chances.values())
    for vials in sorted(chances):
        sum_of += chances[vials]
        short = math.fsum((more - vials) * doses * chance for more, chance in chances.items() if more > vials)
        if sum_of >= (service - 1e-12) * whole and short <= (1 - service + 1e-12) * given:
            return vials
    return max(chances)


def wastage_factor(rate: float) -> float:
    """Doses to order for each one that is given, where such a share is wasted: 100 / (100 - w)."""
    if not 0 <= rate < 1:
        raise ValueError("a wastage rate is a share from 0, below 1")
    return 1 / (1 - rate)


def doses_to_order(people: float, factor: float, buffer: float) -> int:
    """Doses for a campaign: people, times the wastage factor, and a buffer as a share of that (MSF: 0.10 to 0.25)."""
    if people < 0 or factor < 1 or buffer < 0:
        raise ValueError("people and a buffer are numbers from 0, a wastage factor is one from 1")
    return math.ceil(round(people * factor * (1 + buffer), 6))


def with_buffer(vials: int, buffer: float) -> int:
    """Whole vials with a buffer stock, a share of them."""
    return doses_to_order(vials, 1, buffer)


@dataclass(frozen=True, slots=True)
class Supplies:
    """What goes with the vials. syringes: auto-disable, one an injection; diluent and mixing syringes: one a vial."""

    vials: int
    syringes: int
    diluents: int
    mixing_syringes: int
    safety_boxes: int


def supplies(injections: int, vials: int, vial: Vial, spare: float = SPARE_SYRINGES) -> Supplies:
    """For so many injections from so many vials. spare: share of syringes that is spoilt; diluent comes by the vial."""
    factor = wastage_factor(spare)
    syringes = doses_to_order(injections, factor, 0)
    mixing = doses_to_order(vials, factor, 0) if vial.mixed else 0
    boxes = -(-(syringes + mixing) // SYRINGES_A_BOX)
    return Supplies(vials, syringes, vials if vial.mixed else 0, mixing, boxes)
