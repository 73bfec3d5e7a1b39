"""What a campaign says about planning: who comes first, how far anybody walks, and what a vial holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from mapper.domain.campaign import Label, Period
from mapper.domain.people import Person
from mapper.domain.plan import Scenario
from mapper.domain.roads import Vehicle
from mapper.domain.vials import Vial

DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Ages:
    """From one age on and below another, as groups of a campaign have them; None where there is no such limit."""

    start: Period | None = None
    end: Period | None = None

    def hold(self, born_on: date | None, day: date) -> bool:
        """Whether somebody is of such an age on a day; who is of no known age is only where no age is asked for."""
        if self.start is None and self.end is None:
            return True
        if born_on is None:
            return False
        young, old = self.start and self.start.after(born_on) > day, self.end and self.end.after(born_on) <= day
        return not young and not old


@dataclass(frozen=True, slots=True)
class Formulation:
    """A vaccine as it is delivered. ages: of whom it may be given to.

    open_hours: how long a vial may be used once it was opened. diluent_ml: what is added to a vial, 0 for none.
    """

    code: str
    vaccine: str
    label: Label
    doses: int
    open_hours: float
    ages: Ages = Ages()
    diluent_ml: float = 0.0

    @property
    def vial(self) -> Vial:
        """One of its vials."""
        return Vial(self.doses, int(self.open_hours // DAY_HOURS), self.diluent_ml > 0)


@dataclass(frozen=True, slots=True)
class Precedence:
    """People who come before others. priorities: of whom one is enough; none asks for the age alone.

    weight: how many others one of them counts as. walk_limit_m: None where they walk as far as everybody.
    at_home: a team comes to them. code: by which a scenario names them, "" for none.
    """

    label: Label
    priorities: frozenset[str] = frozenset()
    ages: Ages = Ages()
    weight: float = 1.0
    walk_limit_m: float | None = None
    at_home: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioPreset:
    """A scenario of planning.toml as it is offered. source: where its figures come from."""

    label: Label
    scenario: Scenario
    source: Label | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a plan owes to one person."""

    weight: float
    walk_limit_m: float
    at_home: bool


@dataclass(frozen=True, slots=True)
class PlanningRules:
    """A campaign's planning.toml.

    detour: by how much a way is longer than the straight line. off_road_m: how far off the roads a house stands at
    most, where ways are reckoned by them. vehicle: what teams go by there. come: the share of people invited who come.
    served: the share of sessions in which the vials are to suffice; buffer: of vials kept ready beyond that.
    filled: of the vials that a session put in where a team has time left opens, the least share of doses due there.
    minutes_a_dose: of a team, all in all.
    """

    formulations: tuple[Formulation, ...] = ()
    precedences: tuple[Precedence, ...] = ()
    walk_limit_m: float = 5_000.0
    detour: float = 1.3
    walking_kmh: float = 4.0
    driving_kmh: float = 25.0
    off_road_m: float = 1_000.0
    vehicle: Vehicle = Vehicle.MOTORBIKE
    come: Fraction = Fraction(1)
    buffer: Fraction = Fraction(1, 10)
    served: Fraction = Fraction(95, 100)
    filled: Fraction = Fraction(1, 2)
    minutes_a_dose: float = 3.0
    minutes_a_home: float = 20.0
    source: Label | None = None
    scenarios: tuple[ScenarioPreset, ...] = ()

    def farther(self, times: float) -> PlanningRules:
        """The same with all walking limits so many times as long."""
        if times == 1:
            return self
        several = tuple(
            one if one.walk_limit_m is None else replace(one, walk_limit_m=one.walk_limit_m * times)
            for one in self.precedences
        )
        return replace(self, walk_limit_m=self.walk_limit_m * times, precedences=several)

    def preset(self, code: str) -> ScenarioPreset | None:
        """The scenario of a code; None where planning.toml has none of it."""
        return next((one for one in self.scenarios if one.scenario.code == code), None)

    def precedences_of(self, person: Person, day: date) -> tuple[int, ...]:
        """Positions of the precedences that hold for somebody on a day."""
        return tuple(
            place
            for place, one in enumerate(self.precedences)
            if one.ages.hold(person.born_on, day)
            and (not one.priorities or not one.priorities.isdisjoint(person.priorities))
        )

    def needs(self, held: Sequence[int]) -> Needs:
        """What is owed to somebody for whom these hold: of all of them the most weight and the shortest walk."""
        several = [self.precedences[place] for place in held]
        limits = [one.walk_limit_m for one in several if one.walk_limit_m is not None]
        return Needs(
            max([1.0, *(one.weight for one in several)]),
            min([self.walk_limit_m, *limits]),
            any(one.at_home for one in several),
        )

    def formulation_for(self, vaccines: Sequence[str], born_on: date | None, day: date) -> Formulation | None:
        """The first, in the file's order, of a vaccine that may be given and for somebody's age; None for none."""
        held = (one for one in self.formulations if one.vaccine in vaccines and one.ages.hold(born_on, day))
        return next(held, None)
