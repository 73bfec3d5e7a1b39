"""What a plan is made from: the people, sites and levels of its area, as its asker sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from mapper.domain.epidemic import LevelEntry
from mapper.domain.plan import PlanQuestion
from mapper.domain.sites import Site, SiteKind
from mapper.errors import InvalidQuestion, NotFound
from mapper.services import accounts, sites
from mapper.services.accounts import User
from mapper.services.plan_given import gather
from mapper.store import epidemic
from tests.services.town import COMMUNES, DAY, HAMLETS, Town, inside, person

GROWN = date(1980, 1, 1)
FIRST, LAST = DAY, DAY + timedelta(days=4)


def administrator(town: Town) -> User:
    user = accounts.by_id(town.reference, accounts.add_user(town.reference, "given", "administrator", []).id)
    assert user is not None
    return user


def wish(**other: object) -> PlanQuestion:
    return PlanQuestion("covid19", FIRST, LAST, set_id="squares", sites=2, **other)  # type: ignore[arg-type]


def peopled(town: Town) -> Town:
    """One grown person in each of two hamlets of two communes; one without a position, and one who refused."""
    for commune in (0, 1):
        for hamlet in (0, 1):
            place = {"household.point": inside(commune, 0.2 + 0.4 * hamlet)}
            town.send(town.write(place, [person(GROWN)], commune=commune, hamlet=hamlet))
    town.send(town.write({"household.point": None}, [person(GROWN)], commune=0, hamlet=1))
    town.send(
        town.write({"household.point": inside(1)}, [person(GROWN, consent="no", refusal_reason="far")], commune=1)
    )
    return town


@pytest.mark.parametrize(
    ("area", "hamlets", "refused"),
    [
        ("", [HAMLETS[0][0], HAMLETS[0][1], HAMLETS[0][1], HAMLETS[1][0], HAMLETS[1][1]], 1),
        (f"commune:{COMMUNES[0]}", [HAMLETS[0][0], HAMLETS[0][1], HAMLETS[0][1]], 0),
        (f"commune:{COMMUNES[1]}", [HAMLETS[1][0], HAMLETS[1][1]], 1),
        ("district:S", [HAMLETS[0][0], HAMLETS[0][1], HAMLETS[0][1], HAMLETS[1][0], HAMLETS[1][1]], 1),
        ("district:N", [], 0),
        (f"hamlet:{HAMLETS[0][1]}", [HAMLETS[0][1], HAMLETS[0][1]], 0),
    ],
)
def test_the_people_of_an_area_are_taken_and_the_others_counted_by_how_they_stand(
    new_town: Callable[[], Town], area: str, hamlets: list[str], refused: int
) -> None:
    town = peopled(new_town())
    given = gather(town.reference, administrator(town), wish(area=area)).given()
    assert sorted(house.hamlet_code or "" for house in given.houses) == sorted(hamlets)
    assert given.not_due == ({"refused": refused} if refused else {})
    for house in given.houses:
        assert house.unit == (house.commune_code if house.point else None)


@pytest.mark.parametrize("area", ["commune:none", "hamlet:none", "parish:1", "none"])
def test_an_area_that_there_is_not_is_refused(sqlite_town: Town, area: str) -> None:
    with pytest.raises((NotFound, InvalidQuestion)):
        gather(sqlite_town.reference, administrator(sqlite_town), wish(area=area))


def test_sites_come_with_the_unit_around_them(town: Town) -> None:
    user = administrator(town)
    for code, commune in (("A", 0), ("B", 8)):
        where = inside(commune)
        sites.enter(town.reference, user, Site(code, code, SiteKind.FIXED, where.lat, where.lon))
    sites.enter(town.reference, user, Site("SEA", "Ngoài", SiteKind.MOBILE, 10.0, 110.0))
    given = gather(town.reference, user, wish()).given()
    assert [one.code for one in given.sites] == ["A", "B", "SEA"]
    assert given.units == {"A": COMMUNES[0], "B": COMMUNES[8]}


def test_levels_are_those_of_the_first_day_and_of_each_day_after_it(town: Town) -> None:
    entries = [
        LevelEntry(COMMUNES[0], FIRST - timedelta(days=30), 1, "a"),
        LevelEntry(COMMUNES[0], FIRST - timedelta(days=2), 2, "b"),
        LevelEntry(COMMUNES[0], FIRST + timedelta(days=2), 4, "wrong"),
        LevelEntry(COMMUNES[0], FIRST + timedelta(days=2), 3, "corrected"),
        LevelEntry(COMMUNES[1], LAST + timedelta(days=1), 4, "too late"),
        LevelEntry(COMMUNES[2], LAST, 2, "on the last day"),
    ]
    with town.reference.database.write() as connection:
        epidemic.add(connection, "squares", entries, None, "2022-08-01T00:00:00.000Z")
    given = gather(town.reference, administrator(town), wish()).given()
    assert given.levels == (
        (COMMUNES[0], FIRST - timedelta(days=2), 2),
        (COMMUNES[0], FIRST + timedelta(days=2), 3),
        (COMMUNES[2], LAST, 2),
    )


def test_days_turned_round_are_refused_before_anything_is_read(sqlite_town: Town) -> None:
    with pytest.raises(InvalidQuestion):
        gather(
            sqlite_town.reference,
            administrator(sqlite_town),
            PlanQuestion("covid19", LAST, FIRST, set_id="squares", sites=2),
        )
