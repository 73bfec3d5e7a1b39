"""Everybody of some cells, read lean: only what decides where a person stands and why, and their age and sex."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from sqlalchemy import Connection, select

from mapper.domain.people import Dose, Person
from mapper.store import tables
from mapper.store.database import Database
from mapper.store.follow_up import day_told, read_rows, some_day

_h, _p, _d = tables.households, tables.people, tables.doses


def of_cells(
    database: Database,
    connection: Connection,
    campaign_id: str,
    cell_ids: Sequence[int],
    born: Callable[[date | None], bool],
) -> Iterator[tuple[int, int, Person]]:
    """(cell id, household's seq, person) of everybody whose birth is wanted, with their doses; names are left out.

    born: whether people of a birth are wanted at all.
    """
    wanted = (_h.c.campaign_id == campaign_id, database.among(_h.c.cell_id, cell_ids))
    doses: dict[tuple[int, int], list[Dose]] = {}
    told = (_d.c.household_seq, _d.c.person_position, _d.c.code, _d.c.given_on, _d.c.vaccine)
    of_doses = (
        select(*told)
        .join_from(_h, _d, _d.c.household_seq == _h.c.seq)
        .where(*wanted)
        .order_by(_d.c.household_seq, _d.c.person_position, _d.c.position)
    )
    for household, position, code, given_on, vaccine in read_rows(database, connection, of_doses):
        doses.setdefault((household, position), []).append(Dose(code, some_day(given_on), vaccine))
    names = (
        *("household_seq", "position", "id", "reported_on", "born_on", "sex", "residence", "priorities"),
        *("contraindicated", "deferred_until", "infected_on", "refused", "vaccination_unknown"),
        *("contraindication", "deferral_reason", "refusal_reason", "away_place"),
    )
    of_people = (
        select(_h.c.cell_id, *(_p.c[name] for name in names))
        .join_from(_h, _p, _p.c.household_seq == _h.c.seq)
        .where(*wanted)
        .order_by(_p.c.household_seq, _p.c.position)
    )
    for cell, household, position, identity, reported_on, born_on, sex, residence, priorities, *rest in read_rows(
        database, connection, of_people
    ):
        birth = some_day(born_on)
        if not born(birth):
            continue
        barred, until, infected_on, refused, unknown, why_barred, why_deferred, why_refused, place = rest
        yield (
            cell,
            household,
            Person(
                id=identity,
                reported_on=day_told(reported_on),
                born_on=birth,
                sex=sex,
                residence=residence,
                priorities=tuple(priorities.split()) if priorities else (),
                contraindicated=bool(barred),
                deferred_until=some_day(until),
                infected_on=some_day(infected_on),
                refused=bool(refused),
                vaccination_unknown=bool(unknown),
                contraindication=why_barred,
                deferral_reason=why_deferred,
                refusal_reason=why_refused,
                away_place=place,
                doses=tuple(doses.get((household, position), ())),
            ),
        )
