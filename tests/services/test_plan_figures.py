"""A plan in figures: hamlets in their order and told roughly, a calendar of stops, who has no place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mapper.domain.made_plan import (
    MadePlan,
    PlannedHouse,
    PlannedPerson,
    PlanSite,
    Quality,
    Session,
    TeamDay,
    TeamStop,
    Unserved,
)
from mapper.domain.people import Point
from mapper.domain.sites import Site, SiteKind
from mapper.services.plan_figures import (
    PlaceNames,
    by_hamlet,
    calendar_of,
    clock,
    middle_of,
    session_days,
    shown_at,
    site_rows,
    waiting_rows,
)

DAY, NEXT = date(2022, 9, 5), date(2022, 9, 6)


class Names(PlaceNames):
    """Names that are the codes."""

    def __init__(self) -> None:
        pass

    def hamlet(self, code: str | None) -> str:
        return f"Thôn {code}" if code else ""

    def unit(self, code: str | None) -> str:
        return f"Xã {code}" if code else ""


NAMES = Names()


def house(
    identity: str, people: int = 1, point: Point | None = None, hamlet: str = "1", **other: object
) -> PlannedHouse:
    told = tuple(PlannedPerson(f"{identity}-{number}", DAY, ("1",), {}, DAY) for number in range(people))
    return replace(PlannedHouse(identity, hamlet, "A", point, told, 100.0), **other)  # type: ignore[arg-type]


def made(**told: object) -> MadePlan:
    plan = MadePlan((), (), (), {}, Quality(0, 0, 0, "", True, 0))
    return replace(plan, **told)  # type: ignore[arg-type]


def test_a_hamlet_stands_at_the_median_of_its_people_to_a_hundred_metres() -> None:
    # Of eleven people six live in the second house: the median is theirs, told with three decimals.
    houses = [house("a", 4, Point(22.01111, 105.01111)), house("b", 6, Point(22.02345, 105.02345)), house("c", 1)]
    houses += [house("d", 1, Point(22.99, 105.99))]
    assert middle_of(houses) == Point(22.023, 105.023)
    assert middle_of([house("c")]) is None


def test_hamlets_come_in_the_order_of_names_and_numbers_those_of_none_last() -> None:
    houses = [
        house("a", hamlet="10"),
        house("b", hamlet="2"),
        house("c", hamlet=""),
        house("d", 2, hamlet="2", way_m=900.0),
    ]
    parts = by_hamlet([*houses, house("e", commune_code=None)], NAMES)
    assert [(one.hamlet_name, one.people, one.houses) for one in parts] == [
        ("Thôn 2", 3, 2),
        ("Thôn 10", 1, 1),
        ("", 1, 1),
        ("Thôn 1", 1, 1),
    ]
    assert parts[0].farthest_m == 900.0
    assert by_hamlet([house("a", way_m=None)], NAMES)[0].farthest_m is None


def test_visits_one_after_the_other_in_a_hamlet_are_one_stop() -> None:
    session = Session(DAY, 480, 600, "Đội 2", 1, {}, ())
    hall = PlanSite(Site("H", "Nhà văn hóa", SiteKind.MOBILE, 22, 105), "A", (house("x"),), (session,))
    stops = (
        TeamStop("", "a", 430, 440, 1, 1),
        TeamStop("", "b", 445, 455, 2, 2),
        TeamStop("H", "", 480, 600, 1, 1),
        TeamStop("", "c", 610, 620, 1, 1),
        TeamStop("", "gone", 630, 640, 1, 1),
    )
    day = TeamDay("Đội 2", DAY, 420, 650, 1000.0, 6, stops)
    other = TeamDay("Đội 10", NEXT, 420, 650, 1000.0, 1, ())
    homes = (house("a"), house("b", 2), house("c", hamlet="7"))
    found = calendar_of(made(sites=(hall,), homes=homes, days=(other, day)), NAMES)
    assert found.days == (DAY, NEXT)
    assert list(found.rows) == ["Đội 2", "Đội 10"]
    cell, free = found.rows["Đội 2"]
    assert free is None and cell is not None
    assert [(one.code, one.name, one.people, one.visits) for one in cell.stops] == [
        ("", "Thôn 1", 3, 2),
        ("H", "Nhà văn hóa", 1, 0),
        ("", "Thôn 7", 1, 1),
        ("", "", 1, 1),
    ]
    assert (cell.stops[0].begin, cell.stops[0].end) == (430, 455)
    assert found.stations == {DAY: (), NEXT: ()}


def test_fixed_sites_stand_first_and_then_those_with_the_most_people() -> None:
    def one(code: str, kind: SiteKind, people: int) -> PlanSite:
        return PlanSite(Site(code, code, kind, 22, 105), "A", (house(code, people),) if people else (), ())

    rows = site_rows(
        made(sites=(one("few", SiteKind.MOBILE, 1), one("many", SiteKind.MOBILE, 5), one("own", SiteKind.FIXED, 0))),
        NAMES,
    )
    assert [row.one.site.code for row in rows] == ["own", "many", "few"]
    assert [row.farthest_m for row in rows] == [None, 100.0, 100.0]
    assert session_days(rows[1].one) == {DAY: 5}


def test_those_without_a_place_by_why_and_the_most_first() -> None:
    unserved = {
        Unserved.FULL: (house("a", hamlet="1"), house("b", 3, hamlet="2")),
        Unserved.NO_POSITION: (house("c"),),
    }
    rows = waiting_rows(made(unserved=unserved), NAMES)
    assert [(row.why, row.part.hamlet, row.part.people) for row in rows] == [
        (Unserved.NO_POSITION, "1", 1),
        (Unserved.FULL, "2", 3),
        (Unserved.FULL, "1", 1),
    ]


def test_a_proposed_site_which_is_a_house_is_shown_roughly() -> None:
    site = Site("+0101", "Thôn", SiteKind.MOBILE, 22.123456, 105.123456)
    assert shown_at(site) == Point(22.123, 105.123)
    assert shown_at(replace(site, code="NVH")) == Point(22.12346, 105.12346)


@pytest.mark.parametrize(("minutes", "shown"), [(420, "07:00"), (452.4, "07:30"), (453, "07:35"), (1020, "17:00")])
def test_a_clock_shows_five_minutes(minutes: float, shown: str) -> None:
    assert clock(minutes) == shown
