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
from mapper.services.reporting import Question
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, person

QUESTION = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
SOUTH = Area("district", "S")


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
