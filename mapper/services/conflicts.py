"""Updates of one household that may contradict each other: side by side for a supervisor, who decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mapper.domain.entities import Placed, line_up
from mapper.domain.people import Visit
from mapper.domain.roles import OVERSEERS
from mapper.domain.updates import Compared, compare
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User, visible_cells
from mapper.services.counting import EVERYTHING, Gathered, House, Teller, opponents, recount, tellers_of, write
from mapper.services.reference import Known, Reference
from mapper.services.review import place_name
from mapper.store import accounts, decisions, register, submissions
from mapper.store.database import Connection

LISTED = 50
"""Households shown at once."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the updates. version: its own; base: the version it was made to, None for one that tells none.

    sender: name of the user who sent it, None where nobody knows. began: whether the household began with it, which
    cannot be set aside.
    """

    instance_id: str
    version: int
    base: int | None
    visited_on: date
    received_at: str
    sender: str | None
    began: bool


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An update and those that were made at the same time; the later one, about which to decide, stands last.

    names: of the people whom the updates speak of, by id. places: names of hamlets and communes, by code. rows: with
    one value for each side, in their order.
    """

    campaign_id: str
    household_id: str
    place: str
    house: str | None
    sides: tuple[Side, ...]
    rows: tuple[Compared, ...]
    names: dict[str, str]
    places: dict[object, str]

    @property
    def about(self) -> Side:
        """The update about which to decide."""
        return self.sides[-1]


def contradictions(reference: Reference, user: User, limit: int = LISTED) -> list[Contradiction]:
    """Those of the user's area about which nobody has decided yet, the newest first.

    limit: of households. Raises Forbidden for a role that does not look after others' work.
    """
    _only_overseers(user)
    with reference.database.read() as connection:
        known = reference.known(connection)
        visible = visible_cells(reference, connection, user)
        cells = reference.cells(connection)
        found: list[Contradiction] = []
        houses = register.found_in(reference.database, connection, "update_conflict", limit, visible)
        for campaign_id, household_id, cell_id in houses:
            place = place_name(known, cells.get(cell_id))
            found += _of(reference, connection, known, (campaign_id, household_id), place)
    return found


def _of(
    reference: Reference, connection: Connection, known: Known, household: House, place: str
) -> list[Contradiction]:
    tellers = tellers_of(reference, connection, known, household)
    line = line_up([teller.visit.entity for teller in tellers])
    chosen = decisions.latest(reference.database, connection, [teller.stored.instance_id for teller in tellers])
    names = {person.id: person.name for teller in tellers for person in teller.visit.people if person.name}
    house = next((number for teller in reversed(tellers) if (number := teller.visit.house_number)), None)
    found = []
    for teller, placed in zip(tellers, line, strict=True):
        against = opponents(tellers, placed, chosen)
        if teller.stored.instance_id in chosen or not against:
            continue
        sides = [*against, teller]
        found.append(
            Contradiction(
                *household,
                place,
                house,
                tuple(_side(connection, each, line[tellers.index(each)]) for each in sides),
                tuple(compare([each.visit for each in sides])),
                names,
                _places(known, [each.visit for each in sides]),
            )
        )
    return found


def _places(known: Known, visits: Sequence[Visit]) -> dict[object, str]:
    names: dict[object, str] = {}
    home = known.sets[known.home] if known.home is not None else None
    for visit in visits:
        hamlet = known.hamlets.get(visit.hamlet_code or "")
        unit = home.units.get((home.leaf, visit.commune_code or "")) if home else None
        names |= {visit.hamlet_code: hamlet.label} if hamlet else {}
        names |= {visit.commune_code: unit.name} if unit else {}
    return names


def _side(connection: Connection, teller: Teller, placed: Placed) -> Side:
    stored = teller.stored
    sender = accounts.by_id(connection, stored.sender_id) if stored.sender_id is not None else None
    return Side(
        stored.instance_id,
        placed.version or 0,
        placed.base,
        teller.visit.visited_on,
        stored.received_at,
        sender.name if sender else None,
        placed.version == 1,
    )


def decide(reference: Reference, user: User, instance_id: str, choice: str) -> None:
    """Let an update count beside those that it contradicts ("stands"), or take it out ("set_aside"); counts at once.

    A later decision about the same one takes the place of this; a rebuild keeps to it. Raises Forbidden for a role
    that does not look after others' work, NotFound for an update that contradicts nothing, or lies outside of the
    user's area, InvalidInput for another choice, or to set aside what the household began with.
    """
    _only_overseers(user)
    if choice not in (decisions.STANDS, decisions.SET_ASIDE):
        raise InvalidInput(mark("Choose stands or set_aside, not {choice}."), choice=choice[:40])
    database, gathered = reference.database, Gathered()
    with database.write() as connection:
        database.lock(connection, EVERYTHING, shared=True)
        known = reference.known(connection)
        household = submissions.told_of(connection, instance_id)
        if household is not None:
            database.lock(connection, f"household {household[1]}")
            _check_area(reference, connection, user, household, instance_id)
        tellers = [] if household is None else tellers_of(reference, connection, known, household)
        placed = _contradicting(tellers).get(instance_id)
        if household is None or placed is None:
            raise _nothing(instance_id)
        if placed.version == 1 and choice == decisions.SET_ASIDE:
            raise InvalidInput(
                mark("The household began with submission {instance_id}, so it stays. Set the other one aside."),
                instance_id=instance_id,
            )
        at = datetime.now(UTC).isoformat(timespec="seconds")
        decisions.add(connection, instance_id, choice, user.id, at)
        recount(reference, connection, known, household, tellers, gathered)
        write(reference, connection, gathered)
        facts = {"choice": choice, "household": household[1]}
        audit.record(reference, connection, user.id, user.name, "conflict.decided", instance_id, facts)
    known.cells.update(gathered.new_cells)


def _contradicting(tellers: Sequence[Teller]) -> dict[str, Placed]:
    """Those that stand against another, or that another stands against, whatever was decided."""
    line = line_up([teller.visit.entity for teller in tellers])
    places = {place for placed in line for place in placed.against}
    places |= {place for place, placed in enumerate(line) if placed.against}
    return {tellers[place].stored.instance_id: line[place] for place in places}


def _check_area(reference: Reference, connection: Connection, user: User, household: House, instance_id: str) -> None:
    visible = visible_cells(reference, connection, user)
    if visible is not None and register.cell_of(connection, *household) not in visible:
        raise _nothing(instance_id)


def _nothing(instance_id: str) -> NotFound:
    return NotFound(
        mark("Submission {instance_id} contradicts no other here. Open the page of contradictions again."),
        instance_id=instance_id,
    )


def _only_overseers(user: User) -> None:
    if user.role not in OVERSEERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
