"""Where people live who are due, for the heat map."""

from __future__ import annotations

from mapper.domain.ledger import INSIDE, MOVES, State
from mapper.services.accounts import User, visible_cells
from mapper.services.questions import Question, find_series
from mapper.services.reference import Reference
from mapper.store import register, tallies

HOUSES_ONE_BY_ONE = 5000
"""Up to so many households the heat map shows each; beyond, the middle of each hamlet's households, from tallies."""


def heat(reference: Reference, user: User, question: Question) -> list[tuple[float, float, int]]:
    """(latitude, longitude, people due) of places with people due, rounded to some 10 m."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, _, _, series_id = find_series(known, question)
        visible = visible_cells(reference, connection, user)
        day, column = question.day.toordinal(), INSIDE.index(State.DUE)
        changes = [(entered is State.DUE) - (left is State.DUE) for left, entered in MOVES]
        found: list[tuple[float, float, int]] = []
        if (
            sum(row[1] for row in tallies.houses(reference.database, connection, campaign.id, visible))
            > HOUSES_ONE_BY_ONE
        ):
            centres = register.cell_centres(reference.database, connection, campaign.id, visible)
            for cell_id, *states in tallies.states_on(reference.database, connection, series_id, day, visible):
                if cell_id in centres:
                    found.append((*centres[cell_id], states[column]))
        else:
            for lat, lon, steps in register.house_steps(reference.database, connection, campaign.id, visible):
                way = zip(steps[::3], steps[1::3], steps[2::3], strict=True)
                people = sum(changes[move] for series, on, move in way if series == series_id and on <= day)
                found.append((lat, lon, people))
    return [(round(lat, 4), round(lon, 4), people) for lat, lon, people in found if people > 0]
