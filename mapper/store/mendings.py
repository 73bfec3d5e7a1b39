"""What supervisors corrected and joined, in its order; kept for good, and left out of account once undone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, update

from mapper.domain.mending import Act, Correction, SameHousehold, SamePerson, TwoPeople
from mapper.store import tables
from mapper.store.database import Database

_m = tables.mendings
House = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """An act that holds, or was undone. user: name of who did it. at: an ISO time."""

    seq: int
    campaign_id: str
    act: Act
    user: str | None
    at: str
    undone: bool


def holding(database: Database, connection: Connection, houses: Collection[House]) -> tuple[list[Act], list[House]]:
    """The acts that hold about households and about all that these are joined with, and which those are, by id.

    Both empty where nothing was mended, which is nearly always and costs one question.
    """
    found: dict[int, Act] = {}
    seen: set[House] = set()
    fresh = set(houses)
    while fresh:
        seen |= fresh
        ids = [household_id for _, household_id in fresh]
        statement = select(_m.c.seq, _m.c.campaign_id, _m.c.household_id, _m.c.other_id, _m.c.act).where(
            or_(database.among(_m.c.household_id, ids), database.among(_m.c.other_id, ids)), _m.c.undone_at.is_(None)
        )
        linked: set[House] = set()
        for seq, campaign_id, household_id, other_id, act in connection.execute(statement):
            pair = {(campaign_id, household_id)} | ({(campaign_id, other_id)} if other_id else set())
            if pair & seen:
                found[seq] = _read(act)
                linked |= pair
        fresh = linked - seen
    return [found[seq] for seq in sorted(found)], sorted(seen) if found else []


def mended(connection: Connection) -> set[House]:
    """Every household about which an act holds."""
    rows = connection.execute(
        select(_m.c.campaign_id, _m.c.household_id, _m.c.other_id).where(_m.c.undone_at.is_(None))
    ).all()
    return {(row[0], household_id) for row in rows for household_id in row[1:] if household_id}


def named(connection: Connection, campaign_id: str, ids: Collection[str]) -> set[str]:
    """Those of the ids of households and people that some act of a campaign names, whether or not it holds still."""
    wanted = set(ids)
    if not wanted:
        return set()
    found: set[str] = set()
    for text in connection.scalars(select(_m.c.act).where(_m.c.campaign_id == campaign_id)):
        found |= wanted & set(_words(json.loads(text)))
    return found


def _words(told: object) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, list):
        for each in told:
            yield from _words(each)


def add(connection: Connection, campaign_id: str, act: Act, user_id: int | None, at: str) -> int:
    """Keep an act; its number."""
    first, other = households_of(act)
    result = connection.execute(
        insert(_m).values(
            campaign_id=campaign_id, household_id=first, other_id=other, act=_write(act), user_id=user_id, at=at
        )
    )
    (seq,) = result.inserted_primary_key or (0,)
    return int(seq)


def undo(connection: Connection, seq: int, user_id: int | None, at: str) -> bool:
    """Note that an act no longer holds; False where it did not."""
    held = update(_m).where(_m.c.seq == seq, _m.c.undone_at.is_(None)).values(undone_at=at, undone_by=user_id)
    return connection.execute(held).rowcount == 1


def read(connection: Connection, seqs: Sequence[int]) -> dict[int, Kept]:
    """Acts by number."""
    u = tables.users
    rows = connection.execute(
        select(_m.c.seq, _m.c.campaign_id, _m.c.act, u.c.name, _m.c.at, _m.c.undone_at)
        .outerjoin(u, u.c.id == _m.c.user_id)
        .where(_m.c.seq.in_(list(seqs)))
    )
    return {row[0]: Kept(row[0], row[1], _read(row[2]), row[3], row[4], row[5] is not None) for row in rows}


def households_of(act: Act) -> tuple[str, str | None]:
    """Ids of the one or two households that an act is about."""
    if isinstance(act, Correction | TwoPeople):
        return act.household_id, None
    if isinstance(act, SameHousehold):
        return act.kept, act.other
    return act.kept[0], act.other[0] if act.other[0] != act.kept[0] else None


def _write(act: Act) -> str:
    if isinstance(act, Correction):
        told: list[object] = ["correct", act.household_id, list(act.what), act.before, act.after]
    elif isinstance(act, SamePerson):
        told = ["same_person", list(act.kept), list(act.other)]
    elif isinstance(act, TwoPeople):
        told = ["two_people", act.household_id, act.person_id, act.second_id, act.name, [list(d) for d in act.doses]]
    else:
        told = ["same_household", act.kept, act.other, [list(pair) for pair in act.people]]
    return json.dumps(told, ensure_ascii=False)


def _read(text: str) -> Act:
    kind, *told = json.loads(text)
    if kind == "correct":
        household_id, (person, what, code), before, after = told
        return Correction(household_id, (person, what, code), before, after)
    if kind == "same_person":
        (one, first), (two, second) = told
        return SamePerson((one, first), (two, second))
    if kind == "two_people":
        household_id, person_id, second_id, name, doses = told
        return TwoPeople(household_id, person_id, second_id, name, tuple((code, text) for code, text in doses))
    kept, gone, people = told
    return SameHousehold(kept, gone, tuple((one, other) for one, other in people))
