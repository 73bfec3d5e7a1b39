"""Questions about figures: what is answered, what is refused with its cure, and what is shown first."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.coverage import Verdict
from mapper.domain.ledger import State
from mapper.errors import InvalidQuestion, MapperError, NotFound
from mapper.services import heat_points, publish, questions, reporting, review
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store import schema
from mapper.store.database import Database
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, FORMS, HAMLETS, Town, inside, person

ALL_EXPECTED = sum(EXPECTED.values())
FIRST = [("1", date(2021, 9, 1), "pfizer")]


def ask(town: Town, **facts: object) -> reporting.Answer:
    values = {"campaign_id": "covid19", "group_code": "18_plus", "dose_code": "1", "day": DAY, "level": "commune"}
    return reporting.coverage(town.reference, EVERYTHING, Question(**{**values, **facts}))  # type: ignore[arg-type]


# Before anybody was visited


def test_before_any_visit_every_hamlet_of_the_list_is_expected_and_nothing_is_known(town: Town) -> None:
    hamlets = town.ask("hamlet")
    assert {unit.code: unit.houses.expected for unit in hamlets.units} == EXPECTED
    assert {unit.parent for unit in hamlets.units} == set(COMMUNES)
    for unit in (*hamlets.units, hamlets.total):
        assert (unit.houses.visited, unit.people, unit.eligible, unit.outside) == (0, 0, 0, 0)
        assert (unit.assessment.coverage, unit.assessment.needed) == (None, None)
        assert unit.assessment.verdict is Verdict.UNDECIDED
    assert hamlets.total.houses.expected == ALL_EXPECTED


def test_expected_houses_add_up_through_the_levels(town: Town) -> None:
    communes = {unit.code: unit.houses.expected for unit in town.ask("commune").units}
    assert communes == {code: sum(EXPECTED[h] for h in HAMLETS[n]) for n, code in enumerate(COMMUNES)}
    districts = {unit.code: unit.houses.expected for unit in town.ask("district").units}
    south = sum(communes[code] or 0 for code in COMMUNES[:7])
    assert districts == {"N": ALL_EXPECTED - south, "S": south}
    (province,) = town.ask("province").units
    assert (province.code, province.name, province.parent) == ("P", "Tỉnh P", None)
    assert province.houses.expected == ALL_EXPECTED


def test_rows_are_named_in_order_and_once_each(town: Town) -> None:
    town.send(town.write(people=[person()]))
    communes = town.ask("commune").units
    assert [unit.key for unit in communes] == sorted(COMMUNES)
    assert [unit.parent for unit in communes] == ["SN"[COMMUNES.index(unit.key) // 7] for unit in communes]
    hamlets = town.ask("hamlet").units
    assert len({unit.key for unit in hamlets}) == len(hamlets) == len(EXPECTED)
    assert hamlets[0].key == f"{hamlets[0].parent}/{hamlets[0].code}"
    assert [unit.key for unit in hamlets] == sorted(unit.key for unit in hamlets)


# Figures


def test_a_days_figures_are_those_of_that_day_past_or_coming(town: Town) -> None:
    town.send(town.write(people=[person(doses=[("1", date(2022, 7, 1), "pfizer")])]))
    child = person(date(2010, 9, 1))
    town.send(town.write(people=[child]))

    def states(dose: str, day: date, group: str = "18_plus") -> dict[str, int]:
        total = town.ask(group=group, dose=dose, day=day).total
        return {state.value: count for state, count in total.states.items() if count} | {"outside": total.outside}

    assert states("1", date(2022, 6, 30)) == {"due": 1, "outside": 1}
    assert states("1", date(2022, 7, 1)) == {"vaccinated": 1, "outside": 1}
    assert states("2", date(2022, 7, 28)) == {"waiting": 1, "outside": 1}
    assert states("2", date(2022, 7, 29)) == {"due": 1, "outside": 1}
    assert states("1", date(2028, 8, 31)) == {"vaccinated": 1, "outside": 1}
    assert states("1", date(2028, 9, 1)) == {"vaccinated": 1, "due": 1, "outside": 0}
    assert states("1", date(2022, 8, 31), "5_11") == {"due": 1, "outside": 1}
    assert states("1", date(2022, 9, 1), "5_11") == {"outside": 2}
    assert states("1", date(2022, 9, 1), "12_17") == {"due": 1, "outside": 1}


def test_coverage_verdict_and_need_stand_beside_the_counts(town: Town) -> None:
    for number in range(10):
        people = [person(doses=FIRST), person(doses=FIRST if number else [])]
        town.send(town.write(people=people))
    town.send(town.write({"visit.outcome": "refused"}))
    unit = next(unit for unit in town.ask("hamlet").units if unit.code == HAMLETS[0][0])
    assert (unit.houses.visited, unit.houses.interviewed, unit.houses.expected) == (11, 10, EXPECTED[HAMLETS[0][0]])
    assert (unit.eligible, unit.states[State.VACCINATED], unit.assessment.coverage) == (20, 19, 0.95)
    # two people a house in the houses not interviewed
    missing = 2 * (EXPECTED[HAMLETS[0][0]] - 10)
    assert unit.assessment.worst == 19 / (20 + missing)
    assert unit.assessment.best == (19 + missing) / (20 + missing)
    assert (unit.assessment.needed, unit.assessment.verdict) == (0, Verdict.UNDECIDED)


def test_one_hamlet_with_more_houses_than_listed_does_not_hide_what_another_lacks(town: Town) -> None:
    small = min(HAMLETS[0], key=lambda hamlet: EXPECTED[hamlet])
    for _ in range(EXPECTED[small] + 3):
        town.send(town.write({"household.hamlet": small}, [person(doses=FIRST)]))
    commune = next(unit for unit in town.ask("commune").units if unit.code == COMMUNES[0])
    assert commune.houses.expected == sum(EXPECTED[hamlet] for hamlet in HAMLETS[0])
    assert commune.houses.missing == sum(EXPECTED[hamlet] for hamlet in HAMLETS[0] if hamlet != small)
    hamlets = {unit.code: unit for unit in town.ask("hamlet").units}
    assert hamlets[small].houses.missing == 0
    assert hamlets[small].assessment.verdict is Verdict.MET


def test_a_hamlet_whose_size_no_list_says_is_decided_by_its_interval(town: Town) -> None:
    reference = town.reference
    with reference.database.write() as connection:
        code, commune = HAMLETS[0][0], COMMUNES[0]
        kept.save_hamlets(reference.database, connection, [kept.Hamlet(code, "Thôn", commune, None)])
        kept.raise_revision(reference.database, connection)
    town.send(town.write(people=[person(doses=FIRST)] * 3))
    unit = next(unit for unit in town.ask("hamlet").units if unit.code == code)
    assert (unit.houses.expected, unit.houses.visited, unit.assessment.coverage) == (None, 1, 1.0)
    assert unit.assessment.verdict is Verdict.UNDECIDED


def test_a_place_left_by_its_last_household_is_a_row_no_more(town: Town) -> None:
    nowhere = {"household.point": inside(0, east=-3.0), "household.commune": None, "household.hamlet": None}
    before = town.ask()
    town.send(town.write(nowhere, [person()], instance="uuid:1", entity="h"))
    assert [unit.key for unit in town.ask().units] == [*(unit.key for unit in before.units), "-"]
    town.send(town.write({"visit.outcome": "absent"}, instance="uuid:2", edits="uuid:1", entity="h"))
    assert [unit.key for unit in town.ask().units] == [unit.key for unit in before.units]


def test_a_second_campaign_draws_its_coverage_with_its_own_words(town: Town) -> None:
    def house(book: str, *children: object, outcome: str = "interviewed") -> None:
        answers = {"household.id": book, "visit.outcome": outcome}
        town.send(town.write(answers, children, form_id="measles_children"))  # type: ignore[arg-type]

    done, due, away = date(2021, 1, 1), date(2021, 6, 1), date(2020, 6, 1)
    house(
        "1",
        person(done, [("MR1", date(2021, 12, 1), "mr"), ("MR2", date(2022, 3, 1), "mr")]),
        person(due, [("MR1", date(2022, 8, 1), "mmr")]),
    )
    house("2", person(away, residence="works_away"))
    house("3", outcome="absent")
    first = town.ask(campaign="measles", group="9m_4y", dose="MR1").total
    assert (first.houses.visited, first.houses.interviewed, first.people) == (3, 2, 3)
    assert (first.states[State.VACCINATED], first.states[State.AWAY], first.eligible) == (2, 1, 2)
    # the second child is 14 months old, and its interval is not over either
    second = town.ask(campaign="measles", group="18m_4y", dose="MR2").total
    assert (second.states[State.VACCINATED], second.outside, second.eligible) == (1, 1, 1)
    assert town.ask().total.houses.visited == 0


# Questions without an answer


@pytest.mark.parametrize(
    ("question", "error", "says"),
    [
        (
            {"campaign_id": "flu"},
            NotFound,
            "There is no campaign flu. Choose one of: covid19, measles.",
        ),
        (
            {"group_code": "0_4"},
            InvalidQuestion,
            "Campaign covid19 has no dose 1 for a group 0_4. It has: 5_11 1, 5_11 2, 12_17 1",
        ),
        (
            {"group_code": "5_11", "dose_code": "booster1"},
            InvalidQuestion,
            "Campaign covid19 has no dose booster1 for a group 5_11.",
        ),
        (
            {"day": date(2021, 3, 7)},
            InvalidQuestion,
            "Figures of campaign covid19 begin on 2021-03-08. Ask for a later day.",
        ),
        (
            {"day": date(2031, 3, 9)},
            InvalidQuestion,
            "Figures of campaign covid19 end on 2031-03-08. Ask for an earlier day.",
        ),
        (
            {"set_id": "moon"},
            NotFound,
            "There is no boundary set moon. Choose one of: squares.",
        ),
        (
            {"level": "country"},
            InvalidQuestion,
            "Boundary set squares has no level country. Choose one of: province, district, commune, hamlet.",
        ),
    ],
)
def test_a_question_without_an_answer_is_refused_with_what_could_be_asked(
    sqlite_town: Town, question: dict[str, object], error: type[MapperError], says: str
) -> None:
    with pytest.raises(error) as refusal:
        ask(sqlite_town, **question)
    assert str(refusal.value).startswith(says)


def test_the_first_and_the_last_day_of_a_campaign_have_figures(sqlite_town: Town) -> None:
    sqlite_town.send(sqlite_town.write(people=[person()]))
    assert ask(sqlite_town, day=date(2021, 3, 8)).total.states[State.DUE] == 1
    assert ask(sqlite_town, day=date(2031, 3, 8)).total.states[State.DUE] == 1


def test_without_a_campaign_or_a_set_the_way_to_one_is_named(database_url: str) -> None:
    database = Database(database_url)
    schema.upgrade(database)
    empty = Town(Reference(database), FORMS)
    assert questions.campaigns(empty.reference, "vi") == []
    assert questions.boundary_sets(empty.reference, DAY) == []
    with pytest.raises(NotFound, match=r"There is no campaign covid19. Choose one of: -\."):
        ask(empty)
    with database.write() as connection:
        toml = (FORMS / "covid19" / "campaign.toml").read_text()
        campaign = publish.read_campaign(toml)
        series = [(group.code, dose.code) for group, dose in campaign.series]
        kept.save_campaign(database, connection, "covid19", toml, series, "2022-08-15")
        kept.raise_revision(database, connection)
    with pytest.raises(NotFound, match=r"No boundary set was imported yet. Import one: python server.py boundaries"):
        ask(empty)
    database.close()


# What there is to choose from


def test_campaigns_are_told_with_their_groups_doses_and_targets(sqlite_town: Town) -> None:
    covid, measles = questions.campaigns(sqlite_town.reference, "en")
    assert (covid["id"], covid["label"], covid["start"]) == ("covid19", "COVID-19 vaccination", "2021-03-08")
    assert measles["id"] == "measles"
    children = covid["groups"][0]
    assert children["labels"] == {"vi": "Trẻ 5 đến dưới 12 tuổi", "en": "Children 5 to under 12"}
    assert children["doses"][0] == {
        "code": "1",
        "label": "Dose 1",
        "labels": {"vi": "Mũi 1", "en": "Dose 1"},
        "target": 0.95,
        "deadline": "2022-08-31",
    }
    third = next(dose for dose in covid["groups"][2]["doses"] if dose["code"] == "3")
    assert (third["target"], third["deadline"]) == (None, None)
    assert questions.campaigns(sqlite_town.reference, "vi")[0]["label"] == "Tiêm vắc xin phòng COVID-19"


def test_sets_are_told_newest_period_first_and_one_is_shown_first(sqlite_town: Town) -> None:
    sqlite_town.import_strips()

    def shown(day: date, wanted: str = "") -> list[tuple[str, bool]]:
        return [(s["id"], s["default"]) for s in questions.boundary_sets(sqlite_town.reference, day, wanted)]

    assert shown(DAY) == [("strips", False), ("squares", True)]
    assert shown(date(2025, 6, 30)) == [("strips", False), ("squares", True)]
    assert shown(date(2025, 7, 1)) == [("strips", True), ("squares", False)]
    assert shown(DAY, "strips") == [("strips", True), ("squares", False)]
    assert shown(DAY, "moon") == [("strips", False), ("squares", True)]
    strips, squares = questions.boundary_sets(sqlite_town.reference, DAY)
    assert (strips["valid_from"], strips["valid_to"], strips["levels"]) == ("2025-07-01", None, ["province", "commune"])
    assert squares["levels"] == ["province", "district", "commune"]
    assert squares["bounds"] == pytest.approx((105.0, 22.0, 105.7, 22.2))
    assert squares["approximate"] is False


def test_the_heat_is_where_people_are_due(town: Town) -> None:
    town.send(town.write(people=[person(), person(), person(doses=FIRST)], commune=0))
    town.send(town.write(people=[person(doses=FIRST)], commune=1))
    town.send(town.write({"household.point": inside(2, accuracy_m=900.0)}, [person()], commune=2))

    def heat(day: date) -> list[tuple[float, float, int]]:
        return heat_points.heat(town.reference, EVERYTHING, Question("covid19", "18_plus", "1", day, "hamlet"))

    assert heat(DAY) == [(22.05, 105.05, 2)]
    assert sorted(heat(date(2021, 8, 31))) == [(22.05, 105.05, 3), (22.05, 105.15, 1)]
    with pytest.raises(InvalidQuestion, match="begin on 2021-03-08"):
        heat(date(2020, 1, 1))


def test_the_days_of_the_visits_are_told_newest_first(town: Town) -> None:
    for day, outcome in ((1, "interviewed"), (1, "absent"), (3, "interviewed"), (2, "refused")):
        town.send(town.write({"visit.date": date(2022, 8, day), "visit.outcome": outcome}, entity=f"{day}{outcome}"))
    later = {"visit.date": date(2022, 8, 5)}
    town.send(town.write(later, entity="1absent"))  # the house that was absent is met at last

    def history(last: int) -> list[tuple[int, int, int]]:
        found = review.visit_history(town.reference, EVERYTHING, "covid19", last)
        return [(one.day.day, one.visited, one.interviewed) for one in found]

    assert history(14) == [(5, 1, 1), (3, 1, 1), (2, 1, 0), (1, 1, 1)]
    assert history(2) == [(5, 1, 1), (3, 1, 1)]
    assert review.visit_history(town.reference, EVERYTHING, "measles") == []
