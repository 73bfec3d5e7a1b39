"""What the engine inside Collect sends is read as what was answered, and agrees with what the writer writes."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from mapper.domain.campaign import Campaign, Label
from mapper.domain.people import Dose, Point
from mapper.formats.answers import read_answers
from mapper.formats.instance import read_instance
from mapper.formats.roles import Roles, read_visit
from mapper.formats.writer import write_instance
from mapper.formats.xform import read_xform
from tests.engine.javarosa import JavaRosa
from tests.formats.forms import CENSUS, NAMESPACE, xform

DAY = date(2022, 9, 1)
CAMPAIGN = Campaign(
    "c", Label("C"), date(2021, 3, 8), (), {"1": Label("1"), "2": Label("2")}, {"pfizer": Label("Pfizer")}, {}
)
ENTITIES = "| entities |\n| | list_name | label |\n| | people | ${called} |"
OWN_NAMESPACE = f"""
| settings |
|          | form_id | version | instance_xmlns        | namespaces  |
|          | t       | 1       | http://example.org/my | {NAMESPACE} |
"""


@pytest.fixture(scope="module")
def engine() -> JavaRosa:
    return JavaRosa()


@pytest.mark.parametrize("extra", ["", ENTITIES, OWN_NAMESPACE], ids=["plain", "entities", "own namespace"])
def test_a_submission_of_the_engine_is_the_visit_that_was_answered(engine: JavaRosa, extra: str) -> None:
    form = xform(CENSUS + extra)
    model = read_xform(form)
    entry = engine.load(form).new(on=DAY)
    entry.fill(
        {"hamlet": "0196901", "gps": (22.15, 105.85, 300, 4.5), "result": "interviewed", "head": "Nguyễn Văn Đức"}
    )
    entry.fill({"members": 2})
    for number, name in ((1, "Lò Thị Pành"), (2, "Minh")):
        entry.add("someone")
        entry.answer("called", name, someone=number)
    entry.answer("born", date(1980, 3, 4), someone=1)
    entry.add("shot", someone=1)
    for name, value in (("number", "1"), ("on", date(2021, 6, 1)), ("product", "pfizer")):
        entry.answer(name, value, someone=1, shot=1)
    entry.answer("years", 30, someone=2)
    instance = read_instance(entry.finalise(), {model.namespace})
    assert (instance.form_id, instance.version) == ("t", "1")
    assert instance.instance_id.startswith("uuid:")

    visit, found = read_visit(instance, Roles.of(model), CAMPAIGN, DAY)
    assert found == ()
    assert (visit.visited_on, visit.hamlet_code, visit.head) == (DAY, "0196901", "Nguyễn Văn Đức")
    assert visit.point == Point(22.15, 105.85, 4.5, 300.0)
    first, second = visit.people
    assert (first.name, first.born_on, first.doses) == (
        "Lò Thị Pành",
        date(1980, 3, 4),
        (Dose("1", date(2021, 6, 1), "pfizer"),),
    )
    assert (second.name, second.born_on, second.birth_precision) == ("Minh", date(1992, 3, 3), "age")

    written = write_instance(
        model,
        {
            "visit.date": DAY,
            "household.hamlet": "0196901",
            "household.point": visit.point,
            "visit.outcome": "interviewed",
            "household.head": "Nguyễn Văn Đức",
            "household.expected_members": 2,
        },
        [
            {
                "person.name": "Lò Thị Pành",
                "person.birth_date": date(1980, 3, 4),
                "doses": [{"dose.number": "1", "dose.date": date(2021, 6, 1), "dose.vaccine": "pfizer"}],
            },
            {"person.name": "Minh", "person.age_years": 30},
        ],
        instance_id=instance.instance_id,
    )
    again, _ = read_visit(read_instance(written, {model.namespace}), Roles.of(model), CAMPAIGN, DAY)
    nameless = [dataclasses.replace(one, id="") for one in visit.people]
    assert [dataclasses.replace(one, id="") for one in again.people] == nameless
    assert dataclasses.replace(again, people=()) == dataclasses.replace(visit, people=())


def test_answers_of_the_engine_are_shown_by_their_questions(engine: JavaRosa) -> None:
    form = xform(CENSUS)
    entry = engine.load(form).new(on=DAY)
    entry.fill({"hamlet": "0196901", "head": "Đức"})
    shown = {
        answer.label: answer.shown for answer in read_answers(read_instance(entry.finalise()), read_xform(form), "vi")
    }
    assert shown["Hamlet"] == "0196901"
    assert shown["Head"] == "Đức"
