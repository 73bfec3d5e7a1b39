"""The report of a day: houses and changes worked out by hand, and one area at a time the same as all in one file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mapper.domain.ledger import State
from mapper.domain.roles import Role
from mapper.errors import InvalidQuestion
from mapper.services import daily_report, reporting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.daily_report import DailyReport
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.report_words import Issuer, paper
from mapper.services.report_writing import whole_day
from mapper.store import tallies
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Town, inside, person

EARLIER = DAY - timedelta(days=1)


def asked(day: date = DAY, level: str = "commune") -> Question:
    return Question("covid19", "18_plus", "1", day, level, "squares")


def report(town: Town, day: date = DAY, area: Area | None = None) -> DailyReport:
    return daily_report.report(town.reference, EVERYTHING, asked(day), area)


def had(on: date) -> dict[str, object]:
    return person(doses=[("1", on, "pfizer")])


@pytest.fixture
def visited(town: Town) -> Town:
    """In the first commune three people: one vaccinated yesterday, one six days ago, one not; in the second nobody."""
    town.send(town.write({}, [had(EARLIER), had(DAY - timedelta(days=6)), person()]))
    town.send(town.write({"visit.outcome": "absent", "visit.date": EARLIER}, commune=0, hamlet=1))
    town.send(town.write({"visit.outcome": "refused", "household.point": inside(1)}, commune=1))
    return town


def test_changes_count_doses_by_their_day(visited: Town) -> None:
    # On the day: both were vaccinated by the day before, none a week before. The day before: one that day, one earlier.
    for day, one, seven in ((DAY, 0, 2), (EARLIER, 1, 2), (DAY - timedelta(days=6), 1, 1)):
        main = report(visited, day).main
        assert (main.change(0), main.change(1)) == (one, seven), day
    start = report(visited, date(2021, 3, 8)).main
    assert (start.change(0), start.change(1)) == (None, None), "the campaign had not begun"


def test_houses_are_told_by_what_came_of_the_visit(visited: Town) -> None:
    houses = report(visited).houses
    assert (houses.visited, houses.interviewed, houses.closed, houses.refused, houses.vacant) == (3, 1, 1, 1, 0)
    assert (houses.on_the_day, houses.people) == (2, 3)
    assert report(visited, EARLIER).houses.on_the_day == 1
    first = report(visited, area=Area("commune", COMMUNES[0])).houses
    assert (first.visited, first.closed, first.refused, first.on_the_day) == (2, 1, 0, 1)


def test_all_in_one_file_is_each_alone(visited: Town) -> None:
    together = daily_report.reports(visited.reference, EVERYTHING, asked(), None)
    assert [one.code for one in together][:2] == sorted(COMMUNES)[:2]
    for one in together:
        alone = report(visited, area=Area("commune", one.code or ""))
        assert one.houses == alone.houses
        assert [each.figures[4:] for each in one.series] == [each.figures[4:] for each in alone.series]
        assert [each.before for each in one.series] == [each.before for each in alone.series]
        assert [each.figures for each in one.hamlets] == [each.figures for each in alone.hamlets]
        assert (one.name, one.within) == (alone.name, alone.within)


def test_reports_of_hamlets_are_refused_and_a_hamlet_alone_is_not(visited: Town) -> None:
    with pytest.raises(InvalidQuestion, match="communes, districts and provinces"):
        daily_report.reports(visited.reference, EVERYTHING, asked(level="hamlet"), None)
    one = report(visited, area=Area("hamlet", HAMLETS[0][1]))
    assert (one.houses.visited, one.houses.closed) == (1, 1)


def test_a_part_of_an_area_says_so(visited: Town) -> None:
    user = User(1, "somebody", Role.COMMUNE_SUPERVISOR, (("squares", COMMUNES[0]),), 0)
    (district,) = daily_report.reports(visited.reference, user, asked(level="district"), None)
    assert district.partial
    assert district.houses.visited == 2
    told = paper(district, "vi", Issuer(), datetime.now(UTC), sample=True)
    assert "Chỉ tính phần địa bàn mà người xem được phép xem." in told.notes
    assert "Số liệu mẫu: hộ và người ở đây không có thật." in told.notes
    assert "Ranh giới: Ô vuông (đến 30/06/2025)." in told.notes


def test_a_past_day_says_that_houses_are_as_of_now(visited: Town) -> None:
    past = "Ages, doses and states are those of that day, of everybody known by now; houses are counted as of now."
    at = datetime(DAY.year, DAY.month, DAY.day, 3, tzinfo=UTC)
    for day, told in ((EARLIER, True), (DAY, False)):
        assert (past in paper(report(visited, day), "en", Issuer(), at, sample=False).notes) is told


def test_what_is_to_be_done_is_told_with_numbers(visited: Town) -> None:
    facts = paper(report(visited), "en", Issuer(), datetime.now(UTC), sample=False).sections[-1].points
    assert any("1 people" in point and "vaccination team" in point for point in facts)
    assert "1 houses were absent or locked, and are to be visited again." in facts


@pytest.mark.parametrize(
    ("day", "told"),
    [(date(2022, 9, 8), "08/9/2022"), (date(2022, 2, 18), "18/02/2022"), (date(2022, 11, 1), "01/11/2022")],
)
def test_days_are_written_as_in_official_papers(day: date, told: str) -> None:
    assert whole_day(day) == told


def test_every_group_and_dose_has_the_figures_of_the_map_from_one_reading(
    visited: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, district = visited.reference, Area("district", "S")
    user = User(1, "somebody", Role.COMMUNE_SUPERVISOR, (("squares", COMMUNES[0]), ("squares", COMMUNES[1])), 0)
    for reader, area in ((EVERYTHING, None), (user, district)):
        alone = daily_report.report(reference, reader, asked(), area)
        units = daily_report.reports(reference, reader, asked(), area)
        for place, one in enumerate(alone.series):
            question = Question("covid19", one.group.code, one.dose.code, DAY, "commune", "squares")
            told = reporting.coverage(reference, reader, question, area)
            assert one.figures == told.total
            named = [
                unit for unit in told.units if unit.code is not None and (unit.houses.visited or unit.houses.unvisited)
            ]
            assert [each.series[place].figures for each in units] == named
            before = replace(question, day=EARLIER)
            assert one.before[0] == reporting.coverage(reference, reader, before, area).total.states[State.VACCINATED]
    read = {"houses": 0, "states_of": 0, "states_on": 0}

    def counted(name: str) -> None:
        real = getattr(tallies, name)

        def call(*args: Any, **named: Any) -> Any:
            read[name] += 1
            return real(*args, **named)

        monkeypatch.setattr(tallies, name, call)

    for name in read:
        counted(name)
    daily_report.report(Reference(reference.database), EVERYTHING, asked(), None)
    assert read == {"houses": 3, "states_of": 3, "states_on": 0}, "whatever the number of groups and doses"
