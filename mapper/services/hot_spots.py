"""Where the unvaccinated live close together, and which low hamlets are low by small numbers alone.

Figures come from tallies. What chance may bring is reckoned by households, since families refuse or go together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper.domain.ledger import INSIDE, State
from mapper.geo.measure import points_m
from mapper.services import figure_rows, reporting
from mapper.services.accounts import User, visible_cells
from mapper.services.areas import Area
from mapper.services.families import Families, families
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.services.reporting import Answer
from mapper.stats import clusters, scan, small_areas
from mapper.stats.chance import Households
from mapper.stats.clusters import Moran
from mapper.store import register, tallies

BY_CHANCE = 0.05
"""Flagged is what chance alone brings about on fewer than this share of maps; the same for flags of hamlets."""

REPLICATIONS = 999
LARGEST = 0.5
"""Of all eligible people, the most that one cluster may hold."""

MOST = 6000
"""Hamlets beyond which no search is made, as work and memory grow with their square; a province has some 3,000."""

ENOUGH_ASKED = 0.8
"""Where fewer of the houses were asked, what a hamlet's figures say may still change."""

FEWEST = 3
"""Hamlets with figures, and houses with unvaccinated people, below which there is nothing to compare."""

READ = 0.1
"""Share of the work that is done when all houses are read."""

_VACCINATED, _DUE = INSIDE.index(State.VACCINATED), INSIDE.index(State.DUE)

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A hamlet with figures. commune: name of the unit it lies in. shrunken: coverage drawn towards that of all."""

    figures: UnitFigures
    commune: str
    shrunken: float

    @property
    def unvaccinated(self) -> int:
        """Eligible people without the dose."""
        return unvaccinated(self.figures)

    @property
    def due(self) -> int:
        """Of them, those who can be vaccinated now."""
        return self.figures.counts[_DUE]

    @property
    def to_ask(self) -> int | None:
        """Houses whose people are to be asked about, asked ones among them; None where no list says how many."""
        houses = self.figures.houses
        return None if houses.unlisted else houses.interviewed + max(0, houses.missing)

    @property
    def unfinished(self) -> bool:
        """Whether so few of its houses were asked, or so unknown a part, that its figures are not certain."""
        to_ask = self.to_ask
        return to_ask is None or self.figures.houses.interviewed < ENOUGH_ASKED * to_ask


@dataclass(frozen=True, slots=True)
class Overview:
    """All hamlets of a question. rows: those with eligible people, the lowest shrunken coverage first.

    silent: nobody was interviewed there yet: no data, which is not zero. without: interviewed, and nobody is eligible.
    elsewhere: eligible people whose houses tell no hamlet.
    """

    answer: Answer
    rows: tuple[Row, ...]
    silent: tuple[Row, ...]
    without: tuple[Row, ...]
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Hamlets close together where more people are unvaccinated than chance explains.

    rows: from the centre outwards, the first is the centre. lat, lon: of the centre, degrees. radius_m: to the farthest
    hamlet's middle; 0 for one hamlet. due: people who can be vaccinated now; due_houses: houses they live in.
    expected: unvaccinated if they were spread evenly. relative_risk: share of unvaccinated over the share elsewhere,
    None where there is none elsewhere. p: see ``stats.scan.Cluster``.
    """

    rows: tuple[Row, ...]
    lat: float
    lon: float
    radius_m: float
    unvaccinated: int
    eligible: int
    due: int
    due_houses: int
    expected: float
    relative_risk: float | None
    log_ratio: float
    p: float

    @property
    def houses(self) -> int:
        """Houses whose people were asked about."""
        return sum(row.figures.houses.interviewed for row in self.rows)

    @property
    def unfinished(self) -> tuple[Row, ...]:
        """Hamlets of which too few houses were asked to be certain."""
        return tuple(row for row in self.rows if row.unfinished)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to. spots: the flagged ones, the least likely by chance first.

    low_around: keys of hamlets that lie among hamlets of low coverage, after false-discovery control. likeness: Moran's
    I of all. compared: hamlets that took part. unplaced: hamlets with figures and no position. houses: with eligible
    people, of the hamlets compared; missed_houses: of them those with unvaccinated ones. apart: how many times more
    hamlets differ because families decide together.
    """

    spots: tuple[Spot, ...]
    low_around: frozenset[str]
    likeness: Moran | None
    compared: int
    unplaced: tuple[Row, ...]
    replications: int
    houses: int = 0
    missed_houses: int = 0
    apart: float = 1.0

    @property
    def too_many(self) -> bool:
        """Whether there are more hamlets than are compared."""
        return self.compared > MOST

    @property
    def too_few(self) -> bool:
        """Whether there are so few hamlets or houses that nothing can be said."""
        return self.compared < FEWEST or self.missed_houses < FEWEST


def unvaccinated(unit: UnitFigures) -> int:
    """Eligible people without the dose."""
    return unit.eligible - unit.counts[_VACCINATED]


def shrunken(answer: Answer) -> dict[str, float]:
    """Coverage of every unit of an answer that has any, drawn towards that of all by its small numbers; by key."""
    units = [unit for unit in answer.units if unit.eligible]
    found = small_areas.shrink([unit.counts[_VACCINATED] for unit in units], [unit.eligible for unit in units])
    return {unit.key: share for unit, share in zip(units, found.shares.tolist(), strict=True)}


def overview(reference: Reference, user: User, question: Question, area: Area | None = None) -> Overview:
    """The hamlets of a question with both figures. question: its level does not matter.

    Raises what ``reporting.coverage`` does.
    """
    answer = reporting.coverage(reference, user, replace(question, level=HAMLET), area)
    with reference.database.read() as connection:
        places = reference.known(connection).sets[answer.places.id]
    levelled = shrunken(answer)
    named: dict[bool | None, list[Row]] = {}
    for unit in answer.units:
        if unit.code is None:
            continue
        inside = places.units.get((places.leaf, unit.parent)) if unit.parent is not None else None
        row = Row(unit, inside.name if inside else "", levelled.get(unit.key, 0.0))
        # Of a hamlet in two units one may hold no house at all, and none is expected there.
        if unit.eligible or unit.houses.visited or unit.houses.expected != 0:
            kind = None if not unit.houses.interviewed else bool(unit.eligible)
            named.setdefault(kind, []).append(row)
    rows = sorted(named.get(True, []), key=lambda row: (row.shrunken, row.figures.key))
    elsewhere = sum(unit.eligible for unit in answer.units if unit.code is None)
    return Overview(answer, tuple(rows), tuple(named.get(None, [])), tuple(named.get(False, [])), elsewhere)


def search(
    reference: Reference, user: User, of: Overview, progress: Progress | None = None, replications: int = REPLICATIONS
) -> Found:
    """Clusters of the unvaccinated among the hamlets of an overview. Takes seconds; progress: shares of it done."""
    told = progress or (lambda share: None)
    told(0.0)
    centres = _centres(reference, user, of.answer)
    rows = [row for row in of.rows if row.figures.key in centres]
    unplaced = tuple(row for row in of.rows if row.figures.key not in centres)
    if not FEWEST <= len(rows) <= MOST:
        return Found((), frozenset(), None, len(rows), unplaced, replications)
    # By key, so that the same figures give the same answer whatever order they come in.
    rows.sort(key=lambda row: row.figures.key)
    homes = families(reference, user, of.answer, {row.figures.key: place for place, row in enumerate(rows)})
    # Forms may have come in since the overview was read, and left nobody eligible in some hamlet.
    there = np.unique(homes.places)
    rows, homes = [rows[place] for place in there.tolist()], replace(homes, places=np.searchsorted(there, homes.places))
    households = Households.of(homes.places, homes.eligible, homes.unvaccinated)
    people, cases = households.by_place(len(rows))
    told(READ)
    at = np.array([centres[row.figures.key] for row in rows])
    points = points_m(at)
    scanned = scan.scan(
        points,
        cases,
        people,
        model=scan.Model.BERNOULLI,
        largest=LARGEST,
        replications=replications,
        progress=lambda share: told(READ + (0.9 - READ) * share),
        households=households,
    )
    weights = clusters.nearest(points)
    # Shrunken shares: raw ones would flag hamlets of three people.
    missed = np.array([1 - row.shrunken for row in rows])
    around = clusters.high_neighbourhoods(missed, weights, BY_CHANCE)
    told(0.97)
    likeness = clusters.likeness(missed, weights)
    flagged = around.flagged if around else np.zeros(len(rows), np.bool_)
    return Found(
        tuple(_spot(rows, at, homes, one) for one in scanned.clusters if one.p <= BY_CHANCE),
        frozenset(row.figures.key for row, flag in zip(rows, flagged, strict=True) if flag),
        likeness,
        len(rows),
        unplaced,
        scanned.replications,
        len(homes.places),
        int((homes.unvaccinated > 0).sum()),
        households.design_effect(),
    )


def _spot(rows: Sequence[Row], at: NDArray[np.float64], homes: Families, one: scan.Cluster) -> Spot:
    lat, lon = at[one.centre].tolist()
    due = homes.due[np.isin(homes.places, one.members)]
    return Spot(
        tuple(rows[member] for member in one.members),
        lat,
        lon,
        one.radius,
        one.cases,
        int(one.population),
        int(due.sum()),
        int((due > 0).sum()),
        one.expected,
        one.relative_risk,
        one.log_ratio,
        one.p,
    )


def _centres(reference: Reference, user: User, answer: Answer) -> Mapping[str, tuple[float, float]]:
    """Latitude and longitude of the middle of each hamlet's houses, by key of its row."""
    campaign_id, set_id = answer.campaign.id, answer.places.id
    with reference.database.read() as connection:
        visible = visible_cells(reference, connection, user)
        middles = register.cell_centres(reference.database, connection, campaign_id, visible)
        visited = {row[0]: row[1] for row in tallies.houses(reference.database, connection, campaign_id, visible)}
        cells = reference.cells(connection)
    sums: dict[str, list[float]] = {}
    for cell_id, (lat, lon) in middles.items():
        cell, houses = cells[cell_id], max(1, visited.get(cell_id, 0))
        into = sums.setdefault(figure_rows.hamlet_key(cell.units.get(set_id), cell.hamlet_code), [0.0, 0.0, 0.0])
        into[0] += houses * lat
        into[1] += houses * lon
        into[2] += houses
    return {key: (lat / houses, lon / houses) for key, (lat, lon, houses) in sums.items()}
