"""Plans as they came out, written by hand, and put into a register as if they had been made there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import insert, update

from mapper.domain.made_plan import (
    MadePlan,
    PlannedHouse,
    PlannedPerson,
    PlanSite,
    Quality,
    Session,
    TeamDay,
    VialNeed,
)
from mapper.domain.people import Point
from mapper.domain.plan import PlanGiven, PlanQuestion
from mapper.domain.sites import Site, SiteKind
from mapper.formats.plan_file import write_given, write_made, write_question
from mapper.services.reference import Reference
from mapper.store import plans, tables
from mapper.store.plans import Part

QUALITY = Quality(1.0, 1.0, 0.0, "proven", True, 0.1)
HALF_PAST_SEVEN, ELEVEN = 450.0, 660.0
TEN_DOSES = VialNeed("ten", 12, 11.0, 3.0, 2, 3, 0, 14, 0, 1)


def planned(person_id: str, day: date | None, *doses: str, vial: str = "ten") -> PlannedPerson:
    """Somebody with a day."""
    due = doses or ("1",)
    return PlannedPerson(person_id, day or date(2022, 8, 15), due, dict.fromkeys(due, vial), day)


def of_house(
    house_id: str,
    people: Iterable[PlannedPerson],
    hamlet: str | None = None,
    commune: str | None = None,
    point: Point | None = None,
) -> PlannedHouse:
    """A house of a plan."""
    return PlannedHouse(house_id, hamlet, commune, point, tuple(people))


def session(day: date, people: int, team: str = "Đội 1", needs: Sequence[VialNeed] = (TEN_DOSES,)) -> Session:
    """From half past seven to eleven."""
    return Session(day, HALF_PAST_SEVEN, ELEVEN, team, people, {"ten": people}, tuple(needs))


def hall(
    name: str, houses: Sequence[PlannedHouse], sessions: Sequence[Session], code: str = "nvh", unit: str | None = None
) -> PlanSite:
    """A mobile site."""
    return PlanSite(Site(code, name, SiteKind.MOBILE, 22.05, 105.05), unit, tuple(houses), tuple(sessions))


def made_of(
    *sites: PlanSite,
    homes: Sequence[PlannedHouse] = (),
    days: Sequence[TeamDay] = (),
    needs: Sequence[VialNeed] = (TEN_DOSES,),
    **other: object,
) -> MadePlan:
    """A plan."""
    return MadePlan(sites, tuple(homes), tuple(days), {}, QUALITY, tuple(needs), **other)  # type: ignore[arg-type]


def keep(
    reference: Reference,
    made: MadePlan,
    question: PlanQuestion,
    *,
    in_use: bool = True,
    told_at: str = "now",
    areas: Sequence[Sequence[str]] = (),
) -> int:
    """Have a plan in the register; its number."""
    given = PlanGiven(question, "2022-08-14T03:00:00.000+00:00", "", (), tuple(one.site for one in made.sites))
    asked = {"campaign_id": question.campaign_id, "name": question.name, "question": write_question(question)}
    stands = {"state": "done", "share": 1.0, "told_at": told_at, "to_stop": False, "in_use": in_use, "at": told_at}
    with reference.database.write() as connection:
        statement = insert(tables.plans).values(**asked, **stands, summary="{}", areas=json.dumps(areas))
        number: int = connection.execute(statement.returning(tables.plans.c.id)).scalar_one()
        plans.keep(connection, number, Part.GIVEN, write_given(given))
        plans.keep(connection, number, Part.MADE, write_made(made))
    return number


def change(reference: Reference, number: int, **told: object) -> None:
    """Have it otherwise."""
    with reference.database.write() as connection:
        connection.execute(update(tables.plans).where(tables.plans.c.id == number).values(**told))
