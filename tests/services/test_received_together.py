"""Submissions that come together: kept in one transaction and counted in another, each as if it had come alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, time

import pytest

from mapper.domain.campaign import Campaign
from mapper.domain.household import household_moves
from mapper.domain.people import Visit
from mapper.errors import Conflict, MalformedXml, NotFound, Unavailable
from mapper.services import counting, intake, rebuilding
from mapper.services.intake import Receipt, Upload
from tests.services.test_at_once import edited_families
from tests.services.town import DAY, Town, person


def together(town: Town, xmls: Sequence[bytes]) -> list[Receipt | Exception]:
    """What became of submissions that came at one moment."""
    received = datetime.combine(DAY, time(5), UTC)
    return intake.receive_all(town.reference, [Upload(xml, {}) for xml in xmls], received)


def words(results: Sequence[Receipt | Exception]) -> list[object]:
    """State and newness of those that were kept, the kind of error of the others."""
    return [(one.state.value, one.new) if isinstance(one, Receipt) else type(one) for one in results]


def test_a_faulty_one_is_refused_by_itself(town: Town) -> None:
    town.send(town.write(people=[person()], instance="uuid:here"))
    good = [town.write(people=[person()], instance=f"uuid:good-{n}") for n in range(3)]
    other = town.write(people=[person()] * 2, instance="uuid:here")
    unknown = good[0].replace(b'id="covid19_census"', b'id="nobody_knows"', 1)
    assert unknown != good[0]
    results = together(town, [good[0], b"<broken", good[1], unknown, other, good[2]])
    new = ("processed", True)
    assert words(results) == [new, MalformedXml, new, NotFound, Conflict, new]
    assert town.states() == dict.fromkeys(["uuid:here", "uuid:good-0", "uuid:good-1", "uuid:good-2"], "processed")
    assert (town.ask().total.houses.visited, town.ask().total.people) == (4, 4)


def test_one_that_cannot_be_counted_is_flagged_and_the_others_count(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    xmls = [town.write(people=[person()], instance=f"uuid:{n}", entity=f"house-{n}") for n in range(4)]

    def fault(visit: Visit, campaign: Campaign) -> list[int]:
        if visit.household_id == "house-2":
            raise ZeroDivisionError
        return household_moves(visit, campaign)

    monkeypatch.setattr("mapper.services.understanding.household_moves", fault)
    new = ("processed", True)
    assert words(together(town, xmls)) == [new, new, ("flagged", True), new]
    assert town.ask().total.houses.visited == 3


def test_one_that_cannot_be_placed_is_flagged_and_the_others_count(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    xmls = [town.write(people=[person()], instance=f"uuid:{n}", entity=f"house-{n}") for n in range(4)]
    placed = counting.place_findings

    def fault(known: object, visit: object, *others: object) -> object:
        if visit.household_id == "house-2":  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return placed(known, visit, *others)  # type: ignore[arg-type]

    monkeypatch.setattr("mapper.services.counting.place_findings", fault)
    new = ("processed", True)
    assert words(together(town, xmls)) == [new, new, ("flagged", True), new]
    assert town.ask().total.houses.visited == 3


def test_copies_count_once_and_one_of_them_is_new(town: Town) -> None:
    xml = town.write(people=[person()])
    assert words(together(town, [xml] * 5)) == [("processed", True), *[("processed", False)] * 4]
    assert town.ask().total.people == 1


def test_a_database_that_does_not_answer_refuses_them_all_and_the_next_try_counts_them(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    xmls = [town.write(people=[person()]) for _ in range(3)]
    tried = []

    def fault(*_: object) -> None:
        tried.append(1)
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.intake.write", fault)
        assert words(together(town, xmls)) == [Unavailable] * 3
    assert len(tried) == intake.BUSY_TRIES
    assert set(town.states().values()) == {"received"}
    assert words(together(town, xmls)) == [("processed", False)] * 3
    assert town.ask().total.people == 3


@pytest.mark.parametrize("seed", range(6))
def test_edits_and_visits_of_the_same_households_in_whatever_order_and_crowds(town: Town, seed: int) -> None:
    chance = random.Random(seed)
    xmls = edited_families(town)
    chance.shuffle(xmls)
    while xmls:
        crowd = chance.randint(1, 12)
        assert all(isinstance(one, Receipt) for one in together(town, xmls[:crowd]))
        del xmls[:crowd]
    assert (town.ask().total.houses.visited, town.ask().total.people) == (5, 15)
    states, kept = town.states(), town.everything()
    assert set(states.values()) == {"processed", "superseded"}
    rebuilding.rebuild(town.reference)
    assert (town.states(), town.everything()) == (states, kept)


def test_an_edit_that_cannot_go_on_after_its_original_troubles_nobody_else(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = town.write(people=[person()], instance="uuid:1", entity="house-1")
    assert words(
        together(town, [town.write(people=[person()] * 2, instance="uuid:2", edits="uuid:1", entity="house-1")])
    ) == [("held", True)]

    def fault(*_: object) -> None:
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.intake.process", fault)
        assert words(together(town, [first, town.write(people=[person()], instance="uuid:3")])) == [
            Unavailable,
            ("processed", True),
        ]
    assert town.states() == {"uuid:1": "processed", "uuid:2": "received", "uuid:3": "processed"}
    assert intake.process_waiting(town.reference) == 1
    assert town.states() == {"uuid:1": "superseded", "uuid:2": "processed", "uuid:3": "processed"}
