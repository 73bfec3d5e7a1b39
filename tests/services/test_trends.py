"""How figures moved: always what the ledger says of each day by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mapper.domain.ledger import State
from mapper.domain.roles import Role
from mapper.errors import InvalidQuestion
from mapper.services import reporting, trends
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.questions import Question
from mapper.services.trends import Change
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Town, person

QUESTION = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
SOUTH = Area("district", "S")
NORTH = User(1, "somebody", Role.SUPERVISOR, (("squares", "N"),), 0)


def dose(back: int) -> list[tuple[str, date | None, str]]:
    """The first dose, so many days before DAY."""
    return [("1", DAY - timedelta(days=back), "pfizer")]


def fill(town: Town) -> None:
    """Houses of four communes with doses on several days, a child that grows into the group, a refusal, a deferral."""
    town.send(town.write(people=[person(doses=dose(0)), person(doses=dose(1)), person()]))
    town.send(town.write(people=[person(doses=dose(1)), person(doses=dose(6))], hamlet=1))
    town.send(
        town.write(people=[person(doses=dose(7)), person(doses=dose(40)), person(born=date(2004, 8, 15))], commune=1)
    )
    town.send(
        town.write({"visit.date": DAY - timedelta(days=3)}, [person(consent="no"), person(doses=dose(3))], commune=8)
    )
    town.send(town.write({"household.point": None, "household.commune": None}, [person(doses=dose(5))], commune=9))


@pytest.mark.parametrize("level", ["hamlet", "commune", "district", "province"])
def test_units_by_day_are_the_figures_of_each_of_these_days(town: Town, level: str) -> None:
    fill(town)
    question = replace(QUESTION, level=level)
    for area in (None, SOUTH):
        found = trends.units_by_day(town.reference, EVERYTHING, question, area)
        assert len(found.days) <= trends.MOST_DAYS
        assert found.days[-1] == DAY
        assert {(b - a).days for a, b in zip(found.days, found.days[1:], strict=False)} == {9}
        assert (found.days[0] - found.campaign.start).days < 9
        for column, day in list(enumerate(found.days))[-8:]:
            answer = reporting.coverage(town.reference, EVERYTHING, replace(question, day=day), area)
            expected = {unit.key: (unit.states[State.VACCINATED], unit.eligible) for unit in answer.units}
            of_day = zip(found.vaccinated[:, column], found.eligible[:, column], strict=True)
            given = dict(zip(found.keys, of_day, strict=True))
            assert given.items() <= expected.items()
            assert not [key for key, figures in expected.items() if any(figures) and key not in given]


def test_units_by_day_tell_a_user_of_their_own_area_alone(town: Town) -> None:
    fill(town)
    user = User(1, "somebody", Role.SUPERVISOR, (("squares", COMMUNES[8]),), 0)
    found = trends.units_by_day(town.reference, user, QUESTION)
    assert found.keys == (COMMUNES[8],)
    assert (found.vaccinated[0, -1], found.eligible[0, -1]) == (1, 2)
    assert trends.units_by_day(town.reference, user, QUESTION, SOUTH).keys == ()


def test_of_very_many_units_fewer_days_are_told(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(town)
    monkeypatch.setattr(trends, "MOST_FIGURES", 40)
    found = trends.units_by_day(town.reference, EVERYTHING, QUESTION)
    assert 2 <= len(found.days) <= 40 // 4
    assert found.vaccinated[:, -1].sum() == 8


def test_a_campaign_s_first_day_is_a_series_of_one_day(town: Town) -> None:
    fill(town)
    start = reporting.coverage(town.reference, EVERYTHING, QUESTION).campaign.start
    found = trends.units_by_day(town.reference, EVERYTHING, replace(QUESTION, day=start))
    assert found.days == (start,)
    with pytest.raises(InvalidQuestion, match="begin on"):
        trends.units_by_day(town.reference, EVERYTHING, replace(QUESTION, day=start - timedelta(days=1)))
    with pytest.raises(InvalidQuestion, match="no level street"):
        trends.units_by_day(town.reference, EVERYTHING, replace(QUESTION, level="street"))


def test_a_course_holds_the_figures_of_every_day(town: Town) -> None:
    fill(town)
    for user, area in (
        (EVERYTHING, None),
        (EVERYTHING, SOUTH),
        (EVERYTHING, Area("hamlet", HAMLETS[0][1])),
        (NORTH, None),
    ):
        found = trends.course(town.reference, user, QUESTION, area)
        assert found.days[0] == found.campaign.start
        assert found.days[-1] == DAY
        for back in (0, 1, 2, 3, 5, 6, 7, 8, 40, 41, 300, len(found.days) - 1):
            day = DAY - timedelta(days=back)
            total = reporting.coverage(town.reference, user, replace(QUESTION, day=day), area).total
            assert found.days[-1 - back] == day
            assert tuple(found.states[-1 - back]) == total.counts
            assert (found.vaccinated[-1 - back], found.eligible[-1 - back]) == (
                total.states[State.VACCINATED],
                total.eligible,
            )
            assert found.shares[-1 - back] == total.assessment.coverage


def test_doses_a_day_and_their_mean_of_seven_days(town: Town) -> None:
    fill(town)
    found = trends.course(town.reference, EVERYTHING, QUESTION)
    # Doses were given 0, 1, 1, 3, 5, 6, 7 and 40 days ago.
    assert found.gained[-9:] == [0, 1, 1, 1, 0, 1, 0, 2, 1]
    assert found.gained[0] is None
    assert found.means[-1] == pytest.approx((1 + 1 + 0 + 1 + 0 + 2 + 1) / 7)
    assert found.means[-2] == pytest.approx((1 + 1 + 1 + 0 + 1 + 0 + 2) / 7)
    # The first day holds what was before, so that the first mean ends seven days later.
    assert found.means[:7] == [None] * 7
    assert found.means[7] == 0


def test_a_course_of_nobody_has_days_and_no_coverage(town: Town) -> None:
    found = trends.course(town.reference, EVERYTHING, QUESTION)
    assert set(found.shares) == {None}
    first = trends.course(town.reference, EVERYTHING, replace(QUESTION, day=found.campaign.start))
    assert (len(first.days), first.gained, first.means) == (1, [None], [None])
    with pytest.raises(InvalidQuestion, match="begin on"):
        trends.course(town.reference, EVERYTHING, replace(QUESTION, day=found.campaign.start - timedelta(days=1)))


def test_what_changed_since_another_day_by_unit_most_first(town: Town) -> None:
    fill(town)
    yesterday, week = trends.changes_since(town.reference, EVERYTHING, QUESTION, None, (1, 7))
    assert (yesterday.since, week.since) == (DAY - timedelta(days=1), DAY - timedelta(days=7))
    assert (yesterday.level, week.level) == ("district", "district")
    # In the southern row somebody was vaccinated, and somebody else became eighteen: as many are due as before.
    assert [(one.name, one.area, one.change) for one in yesterday.units] == [
        ("Huyện S", SOUTH, Change(vaccinated=1, due=0, visited=3)),
        ("Huyện N", Area("district", "N"), Change(visited=1)),
    ]
    assert yesterday.total == Change(vaccinated=1, visited=4)
    assert yesterday.still == 0


def test_changes_equal_the_difference_of_two_ledgers(town: Town) -> None:
    fill(town)
    for area, level in ((None, "district"), (SOUTH, "commune"), (Area("commune", COMMUNES[0]), "hamlet")):
        for back, found in zip(
            (1, 7, 30), trends.changes_since(town.reference, EVERYTHING, QUESTION, area, (1, 7, 30)), strict=True
        ):
            assert found.level == level
            then, now = (
                reporting.coverage(town.reference, EVERYTHING, replace(QUESTION, day=day, level=level), area)
                for day in (DAY - timedelta(days=back), DAY)
            )
            before = {unit.code: unit.states for unit in then.units}
            given = {one.area.code if one.area else None: one.change for one in found.units}
            for unit in now.units:
                change = given.get(unit.code, Change())
                for name, state in (
                    *(("vaccinated", State.VACCINATED), ("due", State.DUE), ("refused", State.REFUSED)),
                    *(("deferred", State.DEFERRED), ("away", State.AWAY)),
                ):
                    assert getattr(change, name) == unit.states[state] - before[unit.code][state], (unit.code, name)
            assert sum(one.change.visited for one in found.units) == found.total.visited


def test_a_hamlet_s_changes_stand_alone(town: Town) -> None:
    fill(town)
    hamlet = Area("hamlet", HAMLETS[0][1])
    (found,) = trends.changes_since(town.reference, EVERYTHING, QUESTION, hamlet, (7,))
    assert found.level == "hamlet"
    assert [(one.area, one.place, one.change) for one in found.units] == [
        (hamlet, "Xã 0", Change(vaccinated=2, due=-2, visited=1))
    ]
    nobody = trends.changes_since(town.reference, NORTH, QUESTION, SOUTH, (7,))[0]
    assert (nobody.units, nobody.total, nobody.still) == ((), Change(), 0)
