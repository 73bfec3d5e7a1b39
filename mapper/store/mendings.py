"""What supervisors corrected, joined and divided, in its order; kept for good, and left out of account once undone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, or_, select, update

from mapper.domain.dividing import TwoHouseholds
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


@dataclass(frozen=True, slots=True)
class Mended:
    """What was mended about households that hang together by it: nothing, nearly always.

    acts: that hold. undone: those taken back that made two households of one, since what was told of the second must
    count, each with the place of the last submission known then. Both in their order. numbers: of each act by the id
    of the second household that it made. houses: by id.
    """

    acts: tuple[Act, ...] = ()
    undone: tuple[tuple[TwoHouseholds, int], ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    houses: tuple[House, ...] = ()


NOTHING = Mended()

_COUNTS = or_(_m.c.undone_at.is_(None), _m.c.act.startswith('["two_households"', autoescape=True))
"""Acts that hold, and those that once made a second household, of which phones may still tell."""


def holding(database: Database, connection: Connection, houses: Collection[House]) -> Mended:
    """What was mended about households and about all that these hang together with.

    Costs one question where nothing was.
    """
    found: dict[int, tuple[Act, bool, int]] = {}
    seen: set[House] = set()
    fresh = set(houses)
    while fresh:
        seen |= fresh
        ids = [household_id for _, household_id in fresh]
        about = or_(database.among(_m.c.household_id, ids), database.among(_m.c.other_id, ids))
        columns = (
            _m.c.seq,
            _m.c.campaign_id,
            _m.c.household_id,
            _m.c.other_id,
            _m.c.act,
            _m.c.undone_at,
            _m.c.undone_upto,
        )
        statement = select(*columns).where(about, _COUNTS)
        linked: set[House] = set()
        for seq, campaign_id, household_id, other_id, act, undone_at, upto in connection.execute(statement):
            pair = {(campaign_id, household_id)} | ({(campaign_id, other_id)} if other_id else set())
            if pair & seen:
                found[seq] = _read(act), undone_at is None, upto or 0
                linked |= pair
        fresh = linked - seen
    if not found:
        return NOTHING
    ordered = [(seq, *found[seq]) for seq in sorted(found)]
    return Mended(
        tuple(act for _, act, holds, _ in ordered if holds),
        tuple((act, upto) for _, act, holds, upto in ordered if not holds and isinstance(act, TwoHouseholds)),
        {act.second_id: seq for seq, act, _, _ in ordered if isinstance(act, TwoHouseholds)},
        tuple(sorted(seen)),
    )


def mended(connection: Connection) -> set[House]:
    """Every household about which something was mended that must be looked at when it is counted."""
    rows = connection.execute(select(_m.c.campaign_id, _m.c.household_id, _m.c.other_id).where(_COUNTS)).all()
    return {(row[0], household_id) for row in rows for household_id in row[1:] if household_id}


def divided_off(connection: Connection, house: House) -> bool:
    """Whether a supervisor made a household, of which no submission is the first."""
    campaign_id, household_id = house
    texts = connection.scalars(
        select(_m.c.act).where(_m.c.other_id == household_id, _m.c.campaign_id == campaign_id, _COUNTS)
    )
    return any(isinstance(act, TwoHouseholds) and act.second_id == household_id for act in map(_read, texts))


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


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission that counts of a household. root_id: the first of its edits. sender: name, None where unknown."""

    root_id: str
    instance_id: str
    received_at: str
    sender: str | None


def sent_of(
    database: Database, connection: Connection, campaign_id: str, household_ids: Sequence[str]
) -> dict[str, list[Sent]]:
    """The submissions that count of each household, as they came, by id; not those that a division took from it."""
    acts = select(_m.c.act).where(
        database.among(_m.c.household_id, household_ids), _m.c.campaign_id == campaign_id, _m.c.undone_at.is_(None)
    )
    dividing = [act for act in map(_read, connection.scalars(acts)) if isinstance(act, TwoHouseholds)]
    taken = {root_id for act in dividing for root_id in act.tellings}
    s, u = tables.submissions.c, tables.users.c
    statement = (
        select(s.household_id, s.root_id, s.instance_id, s.received_at, u.name)
        .select_from(tables.submissions.outerjoin(tables.users, u.id == s.sender_id))
        .where(database.among(s.household_id, household_ids), s.campaign_id == campaign_id, s.state == "processed")
        .order_by(s.seq)
    )
    found: dict[str, list[Sent]] = {}
    for household_id, *told in connection.execute(statement):
        if told[0] not in taken:
            found.setdefault(household_id, []).append(Sent(*told))
    return found


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


def undo(connection: Connection, seq: int, user_id: int | None, at: str, upto: int | None = None) -> bool:
    """Note that an act no longer holds; False where it did not. upto: of one that divided, see tables.mendings."""
    held = (
        update(_m)
        .where(_m.c.seq == seq, _m.c.undone_at.is_(None))
        .values(undone_at=at, undone_by=user_id, undone_upto=upto)
    )
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
    if isinstance(act, TwoHouseholds):
        return act.household_id, act.second_id
    return act.kept[0], act.other[0] if act.other[0] != act.kept[0] else None


def _write(act: Act) -> str:
    if isinstance(act, Correction):
        told: list[object] = ["correct", act.household_id, list(act.what), act.before, act.after]
    elif isinstance(act, SamePerson):
        told = ["same_person", list(act.kept), list(act.other)]
    elif isinstance(act, TwoPeople):
        told = ["two_people", act.household_id, act.person_id, act.second_id, act.name, [list(d) for d in act.doses]]
    elif isinstance(act, TwoHouseholds):
        told = ["two_households", act.household_id, act.second_id, list(act.people), list(act.tellings), act.upto]
        told += [act.house_number, act.head]
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
    if kind == "two_households":
        household_id, second_id, people, tellings, upto, house_number, head = told
        return TwoHouseholds(household_id, second_id, tuple(people), tuple(tellings), upto, house_number, head)
    kept, gone, people = told
    return SameHousehold(kept, gone, tuple((one, other) for one, other in people))
