"""Who is vaccinated and who is due, by age and sex: from everybody's way, as remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mapper.domain.campaign import Group, ScheduledDose
from mapper.domain.ledger import INSIDE, State
from mapper.services import ways
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.kept_ages import Spans
from mapper.services.questions import Question, default_set, find_series
from mapper.services.reference import Reference
from mapper.services.ways import SEXES, Missing

WIDTH = 5
"""Years of a band."""

BANDS = 21
"""The last of them is open: 100 years and older."""

_COLUMNS = np.array([{State.VACCINATED: 0, State.DUE: 1}.get(state, 2) for state in INSIDE], np.int64)
"""Where a state is counted."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """People of a group on a day. counts: by sex (SEXES, then not known), band (BANDS, then not known), and

    vaccinated, due, all others of the group.
    """

    day: date
    group: Group
    dose: ScheduledDose
    counts: NDArray[np.int64]

    @property
    def total(self) -> tuple[int, int, int]:
        """People vaccinated, due, and others."""
        vaccinated, due, others = self.counts.sum(axis=(0, 1)).tolist()
        return vaccinated, due, others


def pyramid(reference: Reference, user: User, question: Question, area: Area | None = None) -> Pyramid | Missing:
    """Who of an area is vaccinated and due by age and sex; Missing where too many people have to be read for it first.

    The sums are the states that ``reporting.coverage`` gives. Raises as it does.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, group, dose, series_id = find_series(known, question)
        places = default_set(known, question.set_id, question.day)
        cell_ids = cells_in(reference, connection, known, user, places, area)
        people, changes = ways.held(reference, connection, campaign.id, cell_ids)
        found = ways.of_cells(reference, connection, (campaign, group, dose, series_id), people, changes)
    if isinstance(found, Missing):
        return found
    return Pyramid(question.day, group, dose, _counted([*found.values()], question.day))


def _counted(parts: Sequence[Spans], day: date) -> NDArray[np.int64]:
    spans = np.concatenate([ways.on(part, day) for part in parts] or [ways.NOBODY])
    # Who was born on 29 February is a year older on 28 February of a year without that day, as ``Period.after`` has it.
    leap = day.month == 2 and day.day == 28 and not _has_29_february(day.year)
    today = day.year * 10_000 + day.month * 100 + (29 if leap else day.day)
    born = spans[:, ways.BORN]
    band = np.where(born == 0, BANDS, np.clip((today - born) // 10_000 // WIDTH, 0, BANDS - 1))
    shape = (len(SEXES) + 1, BANDS + 1, 3)
    place = (spans[:, ways.SEX] * shape[1] + band) * shape[2] + _COLUMNS[spans[:, ways.STATE]]
    return np.bincount(place, minlength=shape[0] * shape[1] * shape[2]).reshape(shape)


def _has_29_february(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def band_name(band: int) -> str:
    """What a band is called: 0-4, ... 100+."""
    return f"{band * WIDTH}+" if band == BANDS - 1 else f"{band * WIDTH}–{band * WIDTH + WIDTH - 1}"
