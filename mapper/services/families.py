"""Households one by one with their people of a question, as members decide together; summed from the steps kept."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.domain.ledger import ELIGIBLE, MOVES, State
from mapper.services import figure_rows
from mapper.services.accounts import User, visible_cells
from mapper.services.reference import Reference
from mapper.services.reporting import Answer
from mapper.store import register

AT_ONCE = 400_000
"""Numbers of steps kept until they are summed."""

_ENTERS = np.array(
    [
        [
            (entered in states) - (left in states)
            for states in (ELIGIBLE, ELIGIBLE - {State.VACCINATED}, frozenset({State.DUE}))
        ]
        for left, entered in MOVES
    ],
    np.int64,
)
"""What a step, by its place in MOVES, changes in the eligible, the unvaccinated among them and the due."""


@dataclass(frozen=True, slots=True)
class Families:
    """Households with eligible people, a number each. places: see ``families``."""

    places: NDArray[np.int64]
    eligible: NDArray[np.int64]
    unvaccinated: NDArray[np.int64]
    due: NDArray[np.int64]

    def of(self, wanted: NDArray[np.bool_]) -> Families:
        """Some of them."""
        return Families(self.places[wanted], self.eligible[wanted], self.unvaccinated[wanted], self.due[wanted])


def families(reference: Reference, user: User, answer: Answer, places: Mapping[str, int]) -> Families:
    """The households of some hamlets of an answer. places: the number that each hamlet's key shall have."""
    campaign, day = answer.campaign, answer.day.toordinal()
    with reference.database.read() as connection:
        series = reference.known(connection).series[campaign.id][campaign.series.index((answer.group, answer.dose))]
        visible = visible_cells(reference, connection, user)
        cells, seen = reference.cells(connection), None if visible is None else set(visible)
        place_of = {
            cell.id: place
            for cell in cells.values()
            if (seen is None or cell.id in seen)
            and (place := places.get(figure_rows.hamlet_key(cell.units.get(answer.places.id), cell.hamlet_code)))
            is not None
        }
        wanted = None if len(place_of) == len(cells) else sorted(place_of)
        at, sums = [], [np.zeros((0, 3), np.int64)]
        steps, ends = array("i"), array("q")
        for cell_id, way in register.steps_by_cell(reference.database, connection, campaign.id, wanted):
            if cell_id not in place_of:
                continue
            at.append(place_of[cell_id])
            steps.extend(way)
            ends.append(len(steps) // 3)
            if len(steps) > AT_ONCE:
                sums.append(_summed(steps, ends, series, day))
                steps, ends = array("i"), array("q")
        sums.append(_summed(steps, ends, series, day))
    counts = np.concatenate(sums)
    found = Families(np.array(at, np.int64), *counts.T)
    return found.of(found.eligible > 0)


def _summed(steps: array[int], ends: array[int], series: int, day: int) -> NDArray[np.int64]:
    """(households, 3): what the steps of each, up to where the next one's begin, add up to on a day."""
    sums = np.zeros((len(ends), 3), np.int64)
    of = np.frombuffer(steps, np.int32).reshape(-1, 3) if len(steps) else np.zeros((0, 3), np.int32)
    counted = np.flatnonzero((of[:, 0] == series) & (of[:, 1] <= day))
    np.add.at(sums, np.searchsorted(np.array(ends), counted, side="right"), _ENTERS[of[counted, 2]])
    return sums
