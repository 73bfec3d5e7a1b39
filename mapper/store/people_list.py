"""People of the register by what a figure counts them for: a sieve in SQL, which rather lets through too many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, and_, bindparam, exists, false, func, not_, or_, select, true

from mapper.domain.campaign import Group, ScheduledDose, days_of
from mapper.domain.ledger import State
from mapper.domain.people import AWAY, Dose, Person
from mapper.store import tables
from mapper.store.database import Database
from mapper.store.follow_up import PERSON_FACTS, dose_of, person_of, read_rows

_h, _p, _d = tables.households, tables.people, tables.doses
_PERSON = tuple(_p.c[name] for name in PERSON_FACTS)
_DOSE = tuple(_d.c[name] for name in ("code", "given_on", "vaccine", "lot", "place", "evidence"))


@dataclass(frozen=True, slots=True)
class Found:
    """A person with the household that told of them."""

    household_seq: int
    position: int
    cell_id: int
    house_number: str | None
    person: Person


@dataclass(frozen=True, slots=True)
class House:
    """A visited household; number: as it stands at the door."""

    seq: int
    cell_id: int
    house_number: str | None


def sieve(states: Collection[State], group: Group, dose: ScheduledDose, day: date) -> ColumnElement[bool]:
    """Holds for everybody who is in one of the states on the day, and for some who are not.

    Written from the rule of ``ledger.state_on``, which decides in the end: only what every one of them must fulfil.
    """
    if State.OUTSIDE in states:
        return true()
    born: list[ColumnElement[bool]] = []
    days = days_of(group.births(day, day))
    if days is None:
        born.append(false())
    else:
        born += [_p.c.born_on >= _day(days[0])] if days[0] > date.min else []
        born += [_p.c.born_on <= _day(days[1])] if days[1] < date.max else []
    return and_(
        or_(_p.c.born_on.is_(None), and_(true(), *born)),
        or_(false(), *(_must(state, dose, day) for state in sorted(states))),
    )


def _must(state: State, dose: ScheduledDose, day: date) -> ColumnElement[bool]:
    """What everybody in a state fulfils."""
    on = _day(day)
    codes = {dose.code, *dose.given_by_vaccine.values()}
    if state is State.AWAY:
        return _one_of(_p.c.residence, AWAY)
    if state is State.VACCINATED:
        return _with_dose(codes, func.coalesce(_d.c.given_on, _p.c.reported_on) <= on)
    if state is State.UNKNOWN:
        return or_(_p.c.born_on.is_(None), _p.c.vaccination_unknown, _p.c.reported_on > on)
    # A dose of that day or before counts, whatever else is so; of one without a day the rule alone can say.
    open_still = not_(_with_dose({dose.code}, _d.c.given_on <= on))
    match state:
        case State.CONTRAINDICATED:
            return and_(_p.c.contraindicated, open_still)
        case State.REFUSED:
            return and_(_p.c.refused, open_still)
        case State.DEFERRED:
            return and_(or_(_p.c.deferred_until > on, _p.c.infected_on <= on), open_still)
        case State.DUE if dose.after is not None:
            before = {dose.after, *dose.after_by_vaccine.values()}
            return and_(_with_dose(before), open_still)
        case _:
            return open_still


def _with_dose(codes: Collection[str], *also: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = and_(_d.c.household_seq == _p.c.household_seq, _d.c.person_position == _p.c.position)
    return exists(select(_d.c.code).where(mine, _one_of(_d.c.code, codes), *also).correlate(_p))


def _day(day: date) -> ColumnElement[date]:
    """A day as read_rows hands it to the driver."""
    return bindparam(None, day.isoformat(), Date, unique=True)


def _one_of(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Written out: read_rows knows no lists of values."""
    return or_(false(), *(column == str(value) for value in sorted(values)))


def people(
    database: Database,
    connection: Connection,
    campaign_id: str,
    cells: Sequence[int],
    passing: ColumnElement[bool] | None = None,
    households: Sequence[int] | None = None,
) -> list[Found]:
    """The people of cells, in no order; those who pass a sieve, when given.

    households: seqs of the only ones that are looked at, where they are known.
    """
    sieved = true() if passing is None else passing
    where = database.among(_h.c.cell_id, cells) if households is None else database.among(_h.c.seq, households)
    wanted = (_h.c.campaign_id == campaign_id, where, sieved)
    doses: dict[tuple[int, int], list[Dose]] = {}
    given = (
        select(_d.c.household_seq, _d.c.person_position, *_DOSE)
        .join_from(_h, _p, _p.c.household_seq == _h.c.seq)
        .join(_d, and_(_d.c.household_seq == _p.c.household_seq, _d.c.person_position == _p.c.position))
        .where(*wanted)
        .order_by(_d.c.household_seq, _d.c.person_position, _d.c.position)
    )
    for household, position, *facts in read_rows(database, connection, given):
        doses.setdefault((household, position), []).append(dose_of(facts))
    told = (
        select(_p.c.household_seq, _p.c.position, _h.c.cell_id, _h.c.house_number, *_PERSON)
        .join_from(_h, _p, _p.c.household_seq == _h.c.seq)
        .where(*wanted)
    )
    return [
        Found(household, position, cell_id, number, person_of(facts, doses.get((household, position), ())))
        for household, position, cell_id, number, *facts in read_rows(database, connection, told)
    ]


def houses(
    database: Database,
    connection: Connection,
    campaign_id: str,
    cells: Sequence[int],
    outcomes: Iterable[str] | None = None,
) -> list[House]:
    """The visited households of cells, in no order; outcomes: only those whose visits ended so."""
    statement = select(_h.c.seq, _h.c.cell_id, _h.c.house_number).where(
        _h.c.campaign_id == campaign_id, database.among(_h.c.cell_id, cells)
    )
    if outcomes is not None:
        statement = statement.where(_h.c.outcome.in_(list(outcomes)))
    rows: Sequence[Sequence[Any]] = connection.execute(statement).all()
    return [House(*row) for row in rows]


def members(database: Database, connection: Connection, households: Sequence[int]) -> dict[int, int]:
    """How many people are registered in each of the households, by its seq; those with nobody are left out."""
    wanted = database.among(_p.c.household_seq, households)
    rows = connection.execute(select(_p.c.household_seq, func.count()).where(wanted).group_by(_p.c.household_seq))
    return {row[0]: row[1] for row in rows}
