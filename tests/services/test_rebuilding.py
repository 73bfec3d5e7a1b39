"""A rebuild ends with what intake kept, whoever reads the submissions, and whatever becomes of one of them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections import Counter
from datetime import date

import pytest

from mapper.domain.campaign import Campaign
from mapper.domain.household import household_moves
from mapper.domain.people import Visit
from mapper.errors import Unavailable
from mapper.services import rebuilding
from mapper.store import submissions
from tests.services.town import HAMLETS, Town, inside, person

LATER = {"visit.date": date(2022, 8, 20)}


def tell(town: Town) -> dict[str, str]:
    """Submissions of every kind; the state that each ends in."""
    states: dict[str, str] = {}

    def send(state: str, instance: str, xml: bytes) -> None:
        town.send(xml, received=date(2022, 8, 20))
        states[instance] = state

    for number in range(8):
        house, commune = f"house-{number}", number % 3
        send(
            "processed", f"{house}a", town.write(people=[person()], instance=f"{house}a", entity=house, commune=commune)
        )
        if number % 2:  # somebody comes again
            again = town.write(LATER, [person()] * 2, instance=f"{house}b", entity=house, commune=commune)
            send("processed", f"{house}b", again)
    for number in range(3):
        edit = town.write(people=[person()] * 3, instance=f"edit-{number}", edits=f"house-{number}a", entity="moved")
        send("processed", f"edit-{number}", edit)
        states[f"house-{number}a"] = "superseded"
    early = town.write(people=[person()], instance="second", edits="first", entity="early")
    send("processed", "second", early)
    send("superseded", "first", town.write(people=[person()] * 2, instance="first", entity="early"))
    send("held", "orphan", town.write(instance="orphan", edits="never sent"))
    send("flagged", "long", town.write({"household.hamlet": "x" * 300}, instance="long"))
    send("flagged", "unknown", town.write(instance="unknown").replace(b'version="2026', b'version="3026'))
    send("processed", "water", town.write(instance="water", form_id="water_points"))
    odd = {"household.point": inside(5), "household.hamlet": HAMLETS[1][0]}
    send("processed", "odd", town.write(odd, [person(infected_on=date(2030, 1, 1))], instance="odd"))
    return states


def test_reading_by_other_processes_ends_with_what_intake_kept(town: Town) -> None:
    states = tell(town)
    kept = town.everything()
    assert town.states() == states
    assert Counter(states.values()) == {"processed": 15, "superseded": 4, "flagged": 2, "held": 1}
    for processes in (1, 2):
        assert rebuilding.rebuild(town.reference, batch=3, processes=processes) == 22
        assert town.states() == states
        assert town.everything() == kept
    assert multiprocessing.active_children() == []


def test_tallies_written_in_many_portions_are_the_same(sqlite_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(sqlite_town)
    kept = sqlite_town.everything()
    monkeypatch.setattr(rebuilding, "MOST_STEPS", 5)
    rebuilding.rebuild(sqlite_town.reference, batch=2)
    assert sqlite_town.everything() == kept


class Deadly:
    """Ends the process that opens it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (3,)


def test_a_reading_process_that_dies_leaves_the_old_figures(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    states = tell(town)
    kept = town.everything()
    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "reference_for", lambda known: pickle.dumps(Deadly()))
        with pytest.raises(Unavailable, match="ended by itself"):
            rebuilding.rebuild(town.reference, batch=3, processes=2)
    assert multiprocessing.active_children() == []
    assert (town.states(), town.everything()) == (states, kept)
    assert town.send(town.write(people=[person()])).counted  # nobody holds a lock


def test_a_rebuild_that_is_interrupted_ends_its_processes(sqlite_town: Town) -> None:
    states = tell(sqlite_town)
    kept = sqlite_town.everything()

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuilding.rebuild(sqlite_town.reference, interrupt, batch=3, processes=2)
    assert multiprocessing.active_children() == []
    assert (sqlite_town.states(), sqlite_town.everything()) == (states, kept)


def test_a_submission_that_makes_reading_fail_is_flagged_and_the_others_count(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        town.send(town.write(people=[person()], instance=f"uuid:{number}", entity=f"house-{number}"))

    def fault(visit: Visit, campaign: Campaign) -> list[int]:
        if visit.household_id == "house-1":
            raise ZeroDivisionError
        return household_moves(visit, campaign)

    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.understanding.household_moves", fault)
        assert rebuilding.rebuild(town.reference) == 3
    assert town.states() == {"uuid:0": "processed", "uuid:1": "flagged", "uuid:2": "processed"}
    assert town.ask().total.houses.visited == 2
    with town.reference.database.read() as connection:
        (flagged,) = submissions.waiting(connection)
    assert flagged.reason is not None
    assert flagged.reason[1] == {"fault": "ZeroDivisionError"}
    assert rebuilding.rebuild(town.reference) == 3  # mended
    assert set(town.states().values()) == {"processed"}


def test_a_submission_that_makes_counting_fail_is_flagged_and_leaves_what_others_told(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.send(town.write(people=[person()], instance="uuid:1", entity="house"))
    alone = town.everything()
    town.send(town.write(LATER, [person()] * 4, instance="uuid:2", entity="house"), received=date(2022, 8, 20))
    town.send(town.write(people=[person()], instance="uuid:3", edits="uuid:2", entity="another"))

    def fault(visits: object) -> Visit:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("mapper.domain.dividing.combine", fault)
        assert rebuilding.rebuild(town.reference) == 3
    # combining even a single visit fails, so the edit's own household could not be entered either
    assert town.states() == {"uuid:1": "processed", "uuid:2": "flagged", "uuid:3": "flagged"}
    assert town.everything() == alone


def test_a_place_that_cannot_be_worked_out_flags_its_submission(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.send(town.write(people=[person()], instance="uuid:1"))
    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.counting.place_findings", lambda *_: 1 // 0)
        assert rebuilding.rebuild(town.reference) == 1
    assert town.states() == {"uuid:1": "flagged"}
    assert town.ask().total.houses.visited == 0
