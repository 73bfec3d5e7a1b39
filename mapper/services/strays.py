"""Updates of households that do not lie in the area of the canvasser who sent them.

They count like any other. Nothing of this is kept: it is worked out from the areas as they are when it is asked, so
whoever was given other hamlets since is not asked about for long, and counting everything anew changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from mapper.domain.places import USABLE
from mapper.domain.roles import Role
from mapper.errors import MapperError, mark
from mapper.geo.drawn import within_any
from mapper.services import accounts
from mapper.services.field_area import FieldArea, field_area
from mapper.services.reference import Known, Reference
from mapper.services.understanding import understand_stored
from mapper.store import reviews, submissions
from mapper.store.database import Connection
from mapper.store.register import KeptFinding
from mapper.store.reviews import SentUpdate
from mapper.store.submissions import StoredSubmission

LOOKED_BACK = timedelta(days=30)
"""Of so long ago updates are looked through."""

LISTED = 100
"""So many are told of at most."""

CODE = "sender_outside"
_MESSAGE = mark(
    "{name} sent this update, and the house does not lie in the area that {name} has now. It counts; ask how that came."
)


def strays(
    reference: Reference, connection: Connection, known: Known, visible: Sequence[int] | None, today: date | None = None
) -> list[KeptFinding]:
    """Those of the last weeks, the newest first; only of households in the cells, when given.

    today: the day by which is counted back, by default that of the clock.
    """
    since = (today or datetime.now(UTC).date()) - LOOKED_BACK
    database = reference.database
    areas: dict[int, FieldArea | None] = {}
    outside = []
    for sender_id, cell_id in reviews.updated_cells(database, connection, Role.CANVASSER, since, visible):
        if sender_id not in areas:
            areas[sender_id] = _area(reference, connection, known, sender_id)
        area = areas[sender_id]
        if area is not None and area.cells is not None and cell_id not in area.cells:
            outside.append((sender_id, cell_id))
    found = []
    for sent in reviews.updates_from(database, connection, outside, since, LISTED):
        area = areas[sent.sender_id]
        if area is None or _holds(area, sent):
            continue
        stored = submissions.read(database, connection, sent.instance_id)
        if stored is not None and _is_update(reference, connection, known, stored):
            found.append(_finding(sent))
    return found


def stray(reference: Reference, connection: Connection, known: Known, stored: StoredSubmission) -> KeptFinding | None:
    """What is to be told of one submission, None where it is no such update."""
    sent = reviews.update_of(connection, stored.instance_id, Role.CANVASSER)
    if sent is None or not _is_update(reference, connection, known, stored):
        return None
    area = _area(reference, connection, known, sent.sender_id)
    return None if area is None or _holds(area, sent) else _finding(sent)


def _finding(sent: SentUpdate) -> KeptFinding:
    facts = {"name": sent.sender}
    return KeptFinding(
        sent.instance_id, sent.cell_id, CODE, _MESSAGE, sent.visited_on, sent.house_number, sent.sender, facts
    )


def _area(reference: Reference, connection: Connection, known: Known, user_id: int) -> FieldArea | None:
    """Where somebody works; None for those whose access has ended."""
    user = accounts.user_in(connection, user_id)
    return None if user is None else field_area(reference, connection, known, user)


def _holds(area: FieldArea, sent: SentUpdate) -> bool:
    """Whether a household lies in an area, one that was drawn too."""
    if area.cells is None or sent.cell_id in area.cells:
        return True
    usable = sent.point_state == USABLE and sent.lon is not None and sent.lat is not None
    return usable and bool(within_any(area.outlines, [(sent.lon or 0.0, sent.lat or 0.0)])[0])


def _is_update(reference: Reference, connection: Connection, known: Known, stored: StoredSubmission) -> bool:
    """Whether a submission changes a household that there was, and did not make it."""
    try:
        told = understand_stored(reference, connection, known, stored)
    except MapperError:
        return False
    return told.visit is not None and told.visit.entity.needs_base
