"""One household at a time: what it changes in the figures, and that nothing else does."""

from __future__ import annotations

import itertools
import random
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from mapper.domain.ledger import State
from mapper.errors import Conflict, InvalidInput, MalformedXml, NotFound, Unavailable
from mapper.services import intake, rebuilding, review
from mapper.services.figure_rows import UnitFigures
from mapper.store import reference as kept
from mapper.store import submissions, tables
from mapper.store.submissions import SubmissionState
from tests.services.town import COMMUNES, EVERYTHING, HAMLETS, Town, inside, person

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
COVERED = [("1", date(2021, 9, 1), "pfizer")]
LATER = "2030010101"


def of_a_later_version(xml: bytes) -> bytes:
    """The submission, as a phone with a version would send it that this server does not know."""
    changed, times = re.subn(rb' version="\d{10}"', f' version="{LATER}"'.encode(), xml)
    assert times == 1
    return changed


def publish_later(town: Town) -> None:
    """The later version, with the same questions; nothing is processed yet."""
    form = town.form("covid19_census")
    with town.reference.database.write() as connection:
        xform = kept.xform(connection, form.form_id, form.version)
        assert xform is not None
        kept.save_form(connection, replace(form, version=LATER), xform)
        kept.raise_revision(town.reference.database, connection)


def counts(total: UnitFigures) -> tuple[int, int, int, int]:
    """Houses visited, houses interviewed, people, of those vaccinated."""
    return total.houses.visited, total.houses.interviewed, total.people, total.states[State.VACCINATED]


def attachments(town: Town, instance: str) -> list[str]:
    with town.reference.database.read() as connection:
        return submissions.attachment_names(connection, instance)


def test_an_interview_counts_at_once(town: Town) -> None:
    receipt = town.send(town.write(people=[person(doses=COVERED), person()]))
    assert (receipt.state, receipt.new, receipt.counted) == (SubmissionState.PROCESSED, True, True)
    total = town.ask().total
    assert counts(total) == (1, 1, 2, 1)
    assert (total.states[State.DUE], total.eligible, total.outside) == (1, 2, 0)
    assert town.ask(group="5_11").total.outside == 2


def test_the_same_submission_again_counts_once_and_brings_its_photos(town: Town) -> None:
    xml = town.write(people=[person()], instance="uuid:a")
    town.send(xml, attachments={"a.jpg": b"1"})
    before = town.everything()
    receipt = town.send(xml, attachments={"b.jpg": b"2"})
    assert (receipt.new, receipt.counted) == (False, True)
    assert town.everything() == before
    assert attachments(town, "uuid:a") == ["a.jpg", "b.jpg"]


def test_the_same_instance_with_other_answers_is_a_conflict_that_changes_nothing(town: Town) -> None:
    town.send(town.write(people=[person()], instance="uuid:a"))
    before = town.everything()
    with pytest.raises(Conflict, match="uuid:a is already here with other answers"):
        town.send(town.write(people=[person(), person()], instance="uuid:a"), attachments={"a.jpg": b"1"})
    assert town.everything() == before
    assert attachments(town, "uuid:a") == []


@pytest.mark.parametrize(
    ("xml", "error"),
    [
        (b"", MalformedXml),
        (b"<census", MalformedXml),
        (b"<census id='covid19_census' version='1'/>", InvalidInput),
        (b"<census><meta><instanceID>uuid:1</instanceID></meta></census>", InvalidInput),
        (b"<x id='nowhere' version='1'><meta><instanceID>uuid:1</instanceID></meta></x>", NotFound),
    ],
)
def test_what_is_no_submission_here_is_refused_and_not_kept(
    sqlite_town: Town, xml: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        sqlite_town.send(xml)
    assert sqlite_town.states() == {}


def test_the_day_of_a_visit_that_tells_none_is_the_day_it_came_in_vietnam(town: Town) -> None:
    # 18:30 on the 15th in UTC is the 16th in Vietnam
    xml = town.write({"visit.date": None}, [person()], instance="uuid:a")
    moment = intake.datetime(2022, 8, 15, 18, 30, tzinfo=intake.UTC)
    intake.receive(town.reference, xml, {}, received=moment)
    with town.reference.database.read() as connection:
        assert connection.execute(tables.households.select()).one().visited_on == date(2022, 8, 16)


# Edits


def three(town: Town) -> dict[str, bytes]:
    """A submission, its edit, and the edit's edit, each with one person more."""
    people = [person(doses=COVERED)]
    return {
        "uuid:1": town.write(people=people, instance="uuid:1", entity="h"),
        "uuid:2": town.write(people=people * 2, instance="uuid:2", edits="uuid:1", entity="h"),
        "uuid:3": town.write(people=people * 3, instance="uuid:3", edits="uuid:2", entity="h", hamlet=1),
    }


def test_an_edit_takes_the_place_of_its_original(town: Town) -> None:
    xmls = three(town)
    town.send(xmls["uuid:1"])
    assert counts(town.ask().total) == (1, 1, 1, 1)
    town.send(xmls["uuid:2"])
    assert counts(town.ask().total) == (1, 1, 2, 2)
    assert town.states() == {"uuid:1": "superseded", "uuid:2": "processed"}


@pytest.mark.parametrize("order", list(itertools.permutations(["uuid:1", "uuid:2", "uuid:3"])))
def test_a_chain_of_edits_ends_the_same_in_whatever_order_it_comes(
    new_town: Callable[[], Town], order: Sequence[str]
) -> None:
    straight, mixed = new_town(), new_town()
    xmls = three(straight)
    for xml in xmls.values():
        straight.send(xml)
    for instance in order:
        mixed.send(xmls[instance])
    assert mixed.states() == {"uuid:1": "superseded", "uuid:2": "superseded", "uuid:3": "processed"}
    assert mixed.everything() == straight.everything()
    assert counts(mixed.ask().total) == (1, 1, 3, 3)


def test_an_edit_before_its_original_is_kept_visibly_and_counts_when_that_comes(town: Town) -> None:
    xmls = three(town)
    receipt = town.send(xmls["uuid:2"])
    assert (receipt.state, receipt.counted) == (SubmissionState.HELD, False)
    assert counts(town.ask().total) == (0, 0, 0, 0)
    (waiting,) = review.troubled(town.reference, EVERYTHING)
    assert (waiting.instance_id, waiting.state) == ("uuid:2", "held")
    assert waiting.message == "This edit came before its original and waits for it."
    assert town.send(xmls["uuid:1"]).counted
    assert counts(town.ask().total) == (1, 1, 2, 2)
    assert review.troubled(town.reference, EVERYTHING) == []


def test_a_held_edit_sent_again_is_still_held(town: Town) -> None:
    xmls = three(town)
    town.send(xmls["uuid:2"])
    receipt = town.send(xmls["uuid:2"], attachments={"a.jpg": b"1"})
    assert (receipt.state, receipt.new) == (SubmissionState.HELD, False)
    assert attachments(town, "uuid:2") == ["a.jpg"]


def test_a_second_edit_of_one_original_is_a_conflict(town: Town) -> None:
    xmls = three(town)
    town.send(xmls["uuid:1"])
    town.send(xmls["uuid:2"])
    before = town.everything()
    with pytest.raises(Conflict, match="uuid:1 was already edited from elsewhere"):
        town.send(town.write(instance="uuid:other", edits="uuid:1", entity="h"))
    assert town.everything() == before


def test_an_edit_that_moves_to_another_household_leaves_nothing_in_the_first(town: Town) -> None:
    town.send(town.write(people=[person()], instance="uuid:1", entity="first"))
    town.send(town.write(people=[person()], instance="uuid:2", edits="uuid:1", entity="second", commune=3))
    by_code = {unit.code: unit for unit in town.ask().units}
    assert counts(by_code[COMMUNES[3]]) == (1, 1, 1, 0)
    assert by_code[COMMUNES[0]].houses.visited == 0


def test_an_edit_that_moves_leaves_the_other_visits_of_the_first_household(town: Town) -> None:
    # both visits have findings, as their points lie in another commune than the one chosen
    odd = {"household.commune": COMMUNES[5]}
    town.send(town.write(odd, [person()], instance="uuid:1", entity=FIRST))
    town.send(town.write(odd | {"visit.date": date(2022, 8, 20)}, [person()] * 3, instance="uuid:2", entity=FIRST))
    town.send(town.write(odd, [person()] * 2, instance="uuid:3", edits="uuid:2", entity=SECOND))
    assert town.states()["uuid:3"] == "processed"
    assert counts(town.ask().total) == (2, 2, 3, 0)
    with town.reference.database.read() as connection:
        h, f = tables.households, tables.findings
        rows = select(h.c.id, f.c.instance_id, f.c.code).join(f, f.c.household_seq == h.c.seq)
        found = sorted(tuple(row) for row in connection.execute(rows))
    assert found == [(FIRST, "uuid:1", "commune_differs"), (SECOND, "uuid:3", "commune_differs")]


def test_a_finding_stands_under_the_submission_that_it_was_found_in(town: Town) -> None:
    first = {"household.point": inside(5)}  # not the commune chosen
    town.send(town.write(first, [person(infected_on=date(2022, 8, 16))], instance="uuid:1", entity=FIRST))
    later = {"visit.date": date(2022, 8, 20), "visit.outcome": "absent", "household.point": None}
    town.send(town.write(later, instance="uuid:2", entity=FIRST), received=date(2022, 8, 20))
    with town.reference.database.read() as connection:
        rows = connection.execute(tables.findings.select()).mappings()
        found = sorted((row["instance_id"], row["position"], row["code"]) for row in rows)
    assert found == [("uuid:1", 0, "infection_in_future"), ("uuid:1", 1, "commune_differs")]


def test_an_edit_by_a_form_without_roles_takes_the_household_out(town: Town) -> None:
    town.send(town.write(people=[person()], instance="uuid:1"))
    town.send(town.write(instance="uuid:2", edits="uuid:1", form_id="water_points"))
    assert counts(town.ask().total) == (0, 0, 0, 0)
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before


# Several visits


def test_of_several_visits_the_interview_counts_and_the_house_counts_once(town: Town) -> None:
    def visit(day: date, outcome: str, people: int) -> None:
        answers = {"visit.date": day, "visit.outcome": outcome, "household.head": None}
        town.send(town.write(answers, [person(doses=COVERED)] * people, entity="h"))

    visit(date(2022, 8, 1), "absent", 0)
    assert counts(town.ask().total) == (1, 0, 0, 0)
    visit(date(2022, 8, 5), "interviewed", 2)
    visit(date(2022, 8, 9), "locked", 0)
    assert counts(town.ask().total) == (1, 1, 2, 2)
    visit(date(2022, 8, 3), "interviewed", 4)  # an older interview that comes late
    assert counts(town.ask().total) == (1, 1, 2, 2)
    visit(date(2022, 8, 12), "moved_away", 0)
    total = town.ask().total
    assert (total.houses.visited, total.houses.vacant, total.people, total.states[State.AWAY]) == (1, 1, 2, 2)


def test_of_two_visits_on_one_day_the_later_arrival_counts(town: Town) -> None:
    town.send(town.write(people=[person()] * 2, entity="h"))
    town.send(town.write(people=[person()] * 3, entity="h"))
    assert counts(town.ask().total) == (1, 1, 3, 0)


# What cannot be understood


def test_an_unknown_version_is_kept_and_flagged_with_the_cure(town: Town) -> None:
    receipt = town.send(of_a_later_version(town.write(people=[person()], instance="uuid:a")), attachments={"a": b"1"})
    assert (receipt.state, receipt.new, receipt.counted) == (SubmissionState.FLAGGED, True, False)
    (flagged,) = review.troubled(town.reference, EVERYTHING)
    assert (flagged.instance_id, flagged.form_id, flagged.form_version) == ("uuid:a", "covid19_census", LATER)
    assert flagged.message.format(**flagged.facts) == (
        f"Form covid19_census has no version {LATER} here. Publish it, then process this submission again."
    )
    assert attachments(town, "uuid:a") == ["a"]


def test_a_flagged_submission_counts_once_its_version_is_published(town: Town) -> None:
    town.send(of_a_later_version(town.write(people=[person()])))
    assert intake.process_waiting(town.reference, "covid19_census") == 0
    publish_later(town)
    assert intake.process_waiting(town.reference) == 0  # flagged ones are tried again only with their form
    assert intake.process_waiting(town.reference, "water_points") == 0
    assert intake.process_waiting(town.reference, "covid19_census") == 1
    assert counts(town.ask().total) == (1, 1, 1, 0)
    assert review.troubled(town.reference, EVERYTHING) == []
    assert intake.process_waiting(town.reference, "covid19_census") == 0


def test_an_edit_mends_an_original_that_could_not_be_understood(town: Town) -> None:
    town.send(of_a_later_version(town.write(people=[person()], instance="uuid:1", entity="h")))
    assert town.send(town.write(people=[person()] * 2, instance="uuid:2", edits="uuid:1", entity="h")).counted
    assert town.states() == {"uuid:1": "superseded", "uuid:2": "processed"}
    assert counts(town.ask().total) == (1, 1, 2, 0)


def test_a_held_edit_mends_such_an_original_too(town: Town) -> None:
    town.send(town.write(people=[person()] * 2, instance="uuid:2", edits="uuid:1", entity="h"))
    receipt = town.send(of_a_later_version(town.write(people=[person()], instance="uuid:1", entity="h")))
    assert receipt.counted
    assert town.states() == {"uuid:1": "superseded", "uuid:2": "processed"}
    assert counts(town.ask().total) == (1, 1, 2, 0)


def test_a_flagged_edit_leaves_its_original_counting(town: Town) -> None:
    town.send(town.write(people=[person()], instance="uuid:1", entity="h"))
    town.send(of_a_later_version(town.write(people=[person()] * 2, instance="uuid:2", edits="uuid:1", entity="h")))
    assert town.states() == {"uuid:1": "processed", "uuid:2": "flagged"}
    assert counts(town.ask().total) == (1, 1, 1, 0)


def test_a_fault_of_the_program_flags_the_submission_and_loses_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    xml = town.write(people=[person()], instance="uuid:a")
    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.intake.count_firsts", fault)
        assert town.send(xml).state is SubmissionState.FLAGGED
    (flagged,) = review.troubled(town.reference, EVERYTHING)
    assert flagged.facts == {"fault": "ZeroDivisionError"}
    assert intake.process(town.reference, "uuid:a") is SubmissionState.PROCESSED
    assert counts(town.ask().total) == (1, 1, 1, 0)


# Crashes and other troubles between the two commits


def test_a_crash_between_the_two_commits_is_healed_at_the_next_start(town: Town) -> None:
    xml = town.write(people=[person()], instance="uuid:a")
    town.keep_only(xml, "uuid:a")
    assert counts(town.ask().total) == (0, 0, 0, 0)
    assert [one.state for one in review.troubled(town.reference, EVERYTHING)] == ["received"]
    assert intake.process_waiting(town.reference) == 1
    assert counts(town.ask().total) == (1, 1, 1, 0)
    assert intake.process_waiting(town.reference) == 0


def test_a_crash_between_the_two_commits_is_healed_by_the_phone_that_tries_again(town: Town) -> None:
    xml = town.write(people=[person()], instance="uuid:a")
    town.keep_only(xml, "uuid:a")
    receipt = town.send(xml)
    assert (receipt.new, receipt.counted) == (False, True)
    assert counts(town.ask().total) == (1, 1, 1, 0)


def test_an_edit_of_what_a_crash_left_counts_once_that_counts(town: Town) -> None:
    xmls = three(town)
    town.keep_only(xmls["uuid:1"], "uuid:1")
    assert town.send(xmls["uuid:2"]).state is SubmissionState.HELD
    assert intake.process_waiting(town.reference) == 1
    assert town.states() == {"uuid:1": "superseded", "uuid:2": "processed"}


def test_a_database_that_fails_between_the_two_commits_asks_the_phone_to_try_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The database does not answer. Try again in a moment.")

    xml = town.write(people=[person()], instance="uuid:a")
    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.intake.count_firsts", fail)
        with pytest.raises(Unavailable):
            town.send(xml)
    assert town.states() == {"uuid:a": "received"}  # kept, and no fault of its own to be flagged for
    assert town.send(xml).counted
    assert counts(town.ask().total) == (1, 1, 1, 0)


def test_processing_what_counts_already_changes_nothing(town: Town) -> None:
    town.send(town.write(people=[person()], instance="uuid:a"))
    before = town.everything()
    assert intake.process(town.reference, "uuid:a") is SubmissionState.PROCESSED
    assert town.everything() == before


# Other forms and campaigns


def test_a_form_without_roles_is_kept_and_draws_no_coverage(town: Town) -> None:
    assert town.send(town.write(form_id="water_points", instance="uuid:a"), attachments={"p.jpg": b"1"}).counted
    assert counts(town.ask().total) == (0, 0, 0, 0)
    assert attachments(town, "uuid:a") == ["p.jpg"]


def test_two_campaigns_count_the_same_house_each_for_itself(town: Town) -> None:
    baby = person(date(2021, 5, 1), [("MR1", date(2022, 5, 1), "mr")])
    house = {"household.id": "12", "household.hamlet": HAMLETS[0][0]}
    town.send(town.write(people=[person(doses=COVERED)] * 2, entity="12"))
    town.send(town.write(house, [baby], form_id="measles_children"))
    measles = town.ask(campaign="measles", group="9m_4y", dose="MR1")
    assert counts(measles.total) == (1, 1, 1, 1)
    assert counts(town.ask().total) == (1, 1, 2, 2)
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before


# Codes that no index holds


TOO_LONG = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=9000))
"""More than an index row of PostgreSQL takes, and not to be compressed."""


@pytest.mark.parametrize("where", ["household", "hamlet", "commune"])
def test_a_code_too_long_flags_its_submission_and_stops_no_rebuild(town: Town, where: str) -> None:
    answers = {} if where == "household" else {f"household.{where}": TOO_LONG}
    entity = TOO_LONG if where == "household" else "h"
    town.send(town.write(people=[person()]))
    receipt = town.send(town.write(answers, [person()], instance="uuid:long", entity=entity))
    assert receipt.state is SubmissionState.FLAGGED
    (flagged,) = review.troubled(town.reference, EVERYTHING)
    assert flagged.message.format(**flagged.facts) == (
        f"The code {TOO_LONG[:20]}… is longer than 250 characters. Send an edit that mends it."
    )
    kept_by_intake = town.everything()
    assert rebuilding.rebuild(town.reference) == 2
    assert town.everything() == kept_by_intake
    assert town.send(town.write(people=[person()], instance="uuid:mended", edits="uuid:long")).counted
    assert counts(town.ask().total) == (2, 2, 2, 0)


def test_long_words_are_no_codes_and_are_kept(town: Town) -> None:
    answers = {"household.head": TOO_LONG, "household.house_number": TOO_LONG, "household.phone": TOO_LONG}
    assert town.send(town.write(answers, [person(name=TOO_LONG, residence=TOO_LONG)])).counted
    with town.reference.database.read() as connection:
        assert connection.execute(select(tables.people.c.name)).scalar_one() == TOO_LONG


def test_an_original_named_too_long_is_refused(town: Town) -> None:
    with pytest.raises(InvalidInput, match="longer than 250 characters"):
        town.send(town.write(instance="uuid:a", edits=TOO_LONG))
    assert town.states() == {}
