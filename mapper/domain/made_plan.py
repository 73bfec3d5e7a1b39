"""A plan as it came out: who goes where on which day, with how many vials, and who has no place in it and why.

Houses and people are known by their ids alone; whoever shows names takes them from the register, as far as their
reader may see them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum

from mapper.domain.people import Point
from mapper.domain.sites import Site
from mapper.errors import mark


class Unserved(StrEnum):
    """Why somebody due has no place in a plan."""

    NO_POSITION = "no_position"
    UNREACHABLE = "unreachable"
    CUT_OFF = "cut_off"
    OFF_ROADS = "off_roads"
    CLOSED = "closed"
    NOT_CHOSEN = "not_chosen"
    FULL = "full"
    NO_DOSES = "no_doses"
    DUE_LATER = "due_later"
    NO_TEAM = "no_team"


WHY: Mapping[Unserved, str] = {
    Unserved.NO_POSITION: mark("no position known"),
    Unserved.UNREACHABLE: mark("no place within walking distance"),
    Unserved.CUT_OFF: mark("no road leads to a place nearby"),
    Unserved.OFF_ROADS: mark("no road comes near the house"),
    Unserved.CLOSED: mark("in a closed area without a place"),
    Unserved.NOT_CHOSEN: mark("places within walking distance were not chosen"),
    Unserved.FULL: mark("sites within walking distance are full"),
    Unserved.NO_DOSES: mark("doses do not suffice"),
    Unserved.DUE_LATER: mark("falls due after the last session within walking distance"),
    Unserved.NO_TEAM: mark("no team gets there"),
}


@dataclass(frozen=True, slots=True)
class PlannedPerson:
    """Somebody in a plan. on: falls due; day: is asked to come or is visited, None without a place in the plan.

    due: codes of doses; vials: code of the formulation by that of the dose.
    """

    id: str
    on: date
    due: tuple[str, ...]
    vials: Mapping[str, str]
    day: date | None = None


@dataclass(frozen=True, slots=True)
class PlannedHouse:
    """People of one house of whom one thing holds. way_m: to their site, None where they have none or stay at home."""

    id: str
    hamlet_code: str | None
    commune_code: str | None
    point: Point | None
    people: tuple[PlannedPerson, ...]
    way_m: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """People of one hamlet of whom one thing holds, counted. middle: of their houses by people, told roughly.

    farthest_m: of their ways, None where nobody walks.
    """

    hamlet_code: str | None
    commune_code: str | None
    people: int
    houses: int
    farthest_m: float | None
    middle: Point | None


@dataclass(frozen=True, slots=True)
class VialNeed:
    """What is to be taken of a formulation. due: doses; given, wasted: on average; vials: without the buffer.

    ready: vials with it; the rest goes with those.
    """

    formulation: str
    due: int
    given: float
    wasted: float
    vials: int
    ready: int
    diluents: int
    syringes: int
    mixing_syringes: int
    safety_boxes: int


@dataclass(frozen=True, slots=True)
class Session:
    """A day at a site. team: "" where the site's own staff holds it. begin, end: minutes after midnight.

    people: who are asked to come on it. needs: in the order of planning.toml.
    """

    day: date
    begin: float
    end: float
    team: str
    people: int
    doses: Mapping[str, int]
    needs: tuple[VialNeed, ...]
    kept: bool = False


@dataclass(frozen=True, slots=True)
class PlanSite:
    """A site of a plan with whom it serves and on which days. A mobile one without a session has nobody.

    parts: whom it serves by hamlet, in place of houses as long as these are not written.
    """

    site: Site
    unit: str | None
    houses: tuple[PlannedHouse, ...]
    sessions: tuple[Session, ...]
    parts: tuple[PlannedPart, ...] = ()

    @property
    def people(self) -> int:
        """How many are asked to come."""
        return _people(self.houses) + _counted(self.parts)

    @property
    def needs(self) -> tuple[VialNeed, ...]:
        """What all its sessions are given."""
        return together(need for one in self.sessions for need in one.needs)


@dataclass(frozen=True, slots=True)
class TeamStop:
    """A stop of a team's day. site: code, or "" at a house; house: id, or "" at a site. begin, end: minutes."""

    site: str
    house: str
    begin: float
    end: float
    people: int
    doses: int


@dataclass(frozen=True, slots=True)
class TeamDay:
    """A team's day. begin, end: when it leaves and is back. path: of the way as lon, lat; empty for straight lines.

    doses: asked for at all its stops. needs: of its visits at home; a session tells its own.
    """

    team: str
    day: date
    begin: float
    end: float
    way_m: float
    doses: int
    stops: tuple[TeamStop, ...]
    path: tuple[tuple[float, float], ...] = ()
    needs: tuple[VialNeed, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """Words with their facts: which limit binds, or what would free it. words: English, as they are translated.

    facts: days among them as ISO; whoever shows them writes them in the reader's language.
    """

    words: str
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a plan is known to be. objective, bound: of the sites; gap: share that the best may be better by.

    stopped: code of why the search ended; repeatable: whether the same given makes the same again.
    """

    objective: float
    bound: float
    gap: float
    stopped: str
    repeatable: bool
    seconds: float
    routes_stopped: str = ""
    routes_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A plan. Every person due is in exactly one of sites, homes, unserved.

    needs: the sum of what sessions and visits at home are given.
    homes: houses that a team visits; the day is the people's. binds: what holds the plan back, most telling first.
    complete: False while it is a first plan that is still being bettered. outline: whether it is not written yet who is
    asked to come when; until then sites have parts, and unserved_parts stand beside unserved.
    """

    sites: tuple[PlanSite, ...]
    homes: tuple[PlannedHouse, ...]
    days: tuple[TeamDay, ...]
    unserved: Mapping[Unserved, tuple[PlannedHouse, ...]]
    quality: Quality
    needs: tuple[VialNeed, ...] = ()
    binds: tuple[Explained, ...] = ()
    roads: str = ""
    complete: bool = True
    outline: bool = False
    unserved_parts: Mapping[Unserved, tuple[PlannedPart, ...]] = field(default_factory=dict)

    @property
    def served(self) -> int:
        """People with a site or a visit."""
        return sum(one.people for one in self.sites) + _people(self.homes)

    @property
    def people(self) -> int:
        """Everybody due."""
        return self.served + sum(self.by_why().values())

    @property
    def way_m(self) -> float:
        """Of all teams on all days."""
        return sum(one.way_m for one in self.days)

    def by_why(self) -> Mapping[Unserved, int]:
        """People without a place by why, the reasons in their order."""
        found = {
            why: _people(self.unserved.get(why, ())) + _counted(self.unserved_parts.get(why, ())) for why in Unserved
        }
        return {why: people for why, people in found.items() if people}

    def houses(self) -> Iterator[tuple[PlannedHouse, PlanSite | None]]:
        """Every house that is served, with its site; None at home."""
        for site in self.sites:
            for house in site.houses:
                yield house, site
        for house in self.homes:
            yield house, None


def _people(houses: tuple[PlannedHouse, ...]) -> int:
    return sum(len(one.people) for one in houses)


def _counted(parts: tuple[PlannedPart, ...]) -> int:
    return sum(one.people for one in parts)


def together(needs: Iterable[VialNeed]) -> tuple[VialNeed, ...]:
    """Their sums, one a formulation, in the order in which those come first."""
    sums: dict[str, VialNeed] = {}
    for one in needs:
        before = sums.get(one.formulation)
        if before is None:
            sums[one.formulation] = one
        else:
            more = (getattr(before, each.name) + getattr(one, each.name) for each in fields(VialNeed)[1:])
            sums[one.formulation] = VialNeed(one.formulation, *more)
    return tuple(sums.values())


def doses_of(people: tuple[PlannedPerson, ...]) -> Mapping[str, int]:
    """Doses by formulation, "" for those of which none is known."""
    return Counter(one.vials.get(dose, "") for one in people for dose in one.due)
