"""Raw submissions are kept as they came, once each, whatever phones and networks do."""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import replace
from datetime import date

import pytest

from mapper.store import edits, submissions
from mapper.store.database import Database
from mapper.store.submissions import RawSubmission, Saved, StoredSubmission, SubmissionState

FIRST = RawSubmission(
    instance_id="uuid:1",
    deprecated_id=None,
    form_id="census",
    form_version="1",
    xml='<a>Nông Thị Thuỷ, "Phố" &amp; \u0000?</a>'.encode(),
    received_at="2022-08-15T01:02:03.000+00:00",
    received_on=date(2022, 8, 15),
    device_id="phone",
)
EDIT = replace(FIRST, instance_id="uuid:2", deprecated_id="uuid:1", xml=b"<a>2</a>")
PHOTO = "ảnh nhà.jpg"


def save(database: Database, raw: RawSubmission) -> tuple[Saved, SubmissionState]:
    with database.write() as connection:
        return submissions.save(database, connection, raw)


def xml(database: Database, submission: StoredSubmission) -> bytes:
    with database.read() as connection:
        return submissions.xml_of(connection, submission.seq)


def stored(database: Database, instance_id: str) -> submissions.StoredSubmission:
    with database.read() as connection:
        found = submissions.read(database, connection, instance_id)
    assert found is not None
    return found


def files(database: Database, instance_id: str) -> dict[str, bytes | None]:
    with database.read() as connection:
        held = submissions.attachment_hashes(connection, instance_id)
        assert sorted(held) == sorted(submissions.attachment_names(connection, instance_id))
        return {name: submissions.read_blob(connection, hashes[-1]) for name, hashes in held.items()}


def count(database: Database) -> int:
    with database.read() as connection:
        return submissions.count(connection)


def test_a_submission_is_kept_byte_for_byte_with_all_that_is_known_of_it(database: Database) -> None:
    assert save(database, FIRST) == (Saved.NEW, SubmissionState.RECEIVED)
    found = stored(database, "uuid:1")
    assert xml(database, found) == FIRST.xml
    assert (found.form_id, found.form_version, found.root_id, found.deprecated_id) == ("census", "1", "uuid:1", None)
    assert (found.received_at, found.received_on) == (FIRST.received_at, date(2022, 8, 15))
    assert (found.state, found.reason, found.household_id) == (SubmissionState.RECEIVED, None, None)


def test_what_is_not_here_is_none(database: Database) -> None:
    with database.read() as connection:
        assert submissions.read(database, connection, "uuid:none") is None
        assert submissions.state_of(connection, "uuid:none") is None
        assert submissions.attachment_hashes(connection, "uuid:none") == {}
        assert submissions.read_blob(connection, "0" * 64) is None
        assert submissions.attachment_names(connection, "uuid:none") == []


def test_the_same_instance_twice_keeps_one_submission(database: Database) -> None:
    save(database, FIRST)
    later = replace(FIRST, received_at="2022-08-16T00:00:00.000+00:00", received_on=date(2022, 8, 16))
    assert save(database, later) == (Saved.SAME, SubmissionState.RECEIVED)
    assert count(database) == 1
    assert stored(database, "uuid:1").received_on == date(2022, 8, 15)


def test_the_same_instance_with_other_bytes_changes_nothing(database: Database) -> None:
    save(database, replace(FIRST, attachments={"a.jpg": b"1"}))
    other = replace(FIRST, xml=FIRST.xml + b" ", attachments={"b.jpg": b"2"})
    assert save(database, other)[0] is Saved.OTHER_CONTENT
    assert xml(database, stored(database, "uuid:1")) == FIRST.xml
    assert files(database, "uuid:1") == {"a.jpg": b"1"}


def test_a_retry_finds_the_state_that_the_submission_has_reached(database: Database) -> None:
    save(database, FIRST)
    with database.write() as connection:
        submissions.set_state(connection, "uuid:1", SubmissionState.FLAGGED, "Because {what}.", {"what": 3})
    assert save(database, FIRST) == (Saved.SAME, SubmissionState.FLAGGED)
    assert stored(database, "uuid:1").reason == ("Because {what}.", {"what": "3"})


def test_a_later_chunk_brings_the_attachments_that_are_missing(database: Database) -> None:
    save(database, replace(FIRST, attachments={"a.jpg": b"1"}))
    save(database, replace(FIRST, attachments={"b.jpg": b"2", "audit.csv": b""}))
    save(database, replace(FIRST, attachments={"a.jpg": b"1"}))
    assert files(database, "uuid:1") == {"a.jpg": b"1", "audit.csv": b"", "b.jpg": b"2"}


def test_an_attachment_sent_again_with_other_content_is_the_newer_one(database: Database) -> None:
    # a photo whose upload was cut short at first
    save(database, replace(FIRST, attachments={"a.jpg": b"half"}))
    save(database, replace(FIRST, attachments={"a.jpg": b"half and half"}))
    assert files(database, "uuid:1") == {"a.jpg": b"half and half"}


def test_no_content_of_an_attachment_is_lost_and_a_late_retry_does_not_bring_the_old_one_back(
    database: Database,
) -> None:
    for content in (b"half", b"half and half", b"whole", b"half", b"half and half"):
        save(database, replace(FIRST, attachments={"a.jpg": content, "b.jpg": b"same"}))
    save(database, replace(FIRST, instance_id="uuid:2", attachments={"a.jpg": b"half"}))
    assert files(database, "uuid:1") == {"a.jpg": b"whole", "b.jpg": b"same"}
    with database.read() as connection:
        kept = submissions.attachment_hashes(connection, "uuid:1")
        contents = {name: [submissions.read_blob(connection, each) for each in some] for name, some in kept.items()}
    assert contents == {"a.jpg": [b"half", b"half and half", b"whole"], "b.jpg": [b"same"]}
    assert files(database, "uuid:2") == {"a.jpg": b"half"}


def test_an_attachment_is_found_by_its_composed_name(database: Database) -> None:
    assert unicodedata.is_normalized("NFC", PHOTO)
    save(database, replace(FIRST, attachments={PHOTO: b"jpg"}))
    assert files(database, "uuid:1") == {PHOTO: b"jpg"}


def test_a_photo_sent_decomposed_and_composed_is_one_photo(database: Database) -> None:
    decomposed = unicodedata.normalize("NFD", PHOTO)
    assert decomposed != PHOTO
    save(database, replace(FIRST, attachments={decomposed: b"jpg"}))
    save(database, replace(FIRST, attachments={PHOTO: b"jpg"}))
    assert files(database, "uuid:1") == {PHOTO: b"jpg"}


def test_the_same_photo_of_two_households_is_stored_once(database: Database) -> None:
    save(database, replace(FIRST, attachments={"a.jpg": b"the same"}))
    save(database, replace(FIRST, instance_id="uuid:9", attachments={"b.jpg": b"the same"}))
    assert files(database, "uuid:9") == {"b.jpg": b"the same"}
    with database.write() as connection:
        digest = submissions.save_blob(database, connection, b"the same")
        assert submissions.read_blob(connection, digest) == b"the same"


def test_what_was_kept_is_there_after_the_process_ended(database: Database) -> None:
    save(database, replace(FIRST, attachments={PHOTO: bytes(range(256)) * 1000}))
    again = Database(database.engine.url.render_as_string(hide_password=False))
    assert xml(again, stored(again, "uuid:1")) == FIRST.xml
    assert files(again, "uuid:1") == {PHOTO: bytes(range(256)) * 1000}
    again.close()


# Edits


def test_an_edit_belongs_to_the_root_of_what_it_edits(database: Database) -> None:
    save(database, FIRST)
    assert save(database, EDIT) == (Saved.NEW, SubmissionState.RECEIVED)
    assert save(database, replace(EDIT, instance_id="uuid:3", deprecated_id="uuid:2", xml=b"3"))[0] is Saved.NEW
    assert [stored(database, f"uuid:{n}").root_id for n in (1, 2, 3)] == ["uuid:1"] * 3


def test_an_edit_that_comes_before_its_original_is_held(database: Database) -> None:
    assert save(database, EDIT) == (Saved.NEW, SubmissionState.HELD)
    assert save(database, EDIT) == (Saved.SAME, SubmissionState.HELD)
    assert save(database, FIRST) == (Saved.NEW, SubmissionState.RECEIVED)
    with database.write() as connection:
        assert edits.held_edit_of(database, connection, "uuid:1") == "uuid:2"
        edits.release(connection, "uuid:2", "uuid:1")
        assert edits.held_edit_of(database, connection, "uuid:1") is None
    assert stored(database, "uuid:2").state is SubmissionState.RECEIVED


def test_an_edit_of_an_edit_that_is_held_is_held_too(database: Database) -> None:
    save(database, EDIT)
    third = replace(EDIT, instance_id="uuid:3", deprecated_id="uuid:2", xml=b"3")
    assert save(database, third) == (Saved.NEW, SubmissionState.HELD)


def test_a_second_edit_of_one_original_is_stale(database: Database) -> None:
    save(database, FIRST)
    save(database, EDIT)
    other = replace(EDIT, instance_id="uuid:other", attachments={"a.jpg": b"1"})
    assert save(database, other)[0] is Saved.STALE_EDIT
    assert count(database) == 2
    assert files(database, "uuid:other") == {}


def test_an_original_that_an_edit_replaces_counts_no_longer(database: Database) -> None:
    save(database, FIRST)
    with database.write() as connection:
        assert edits.household_of(connection, "uuid:1") is None
        submissions.set_processed(database, connection, "uuid:1", "covid19", "house")
        assert edits.household_of(connection, "uuid:1") == ("covid19", "house")
        edits.supersede(connection, "uuid:1")
        assert edits.household_of(connection, "uuid:1") is None
        assert edits.household_of(connection, "uuid:none") is None
        edits.supersede(connection, "uuid:none")
    found = stored(database, "uuid:1")
    assert (found.state, found.household_id) == (SubmissionState.SUPERSEDED, None)


def test_whoever_replaces_an_edit_that_never_counted_replaces_its_original_too(database: Database) -> None:
    save(database, FIRST)
    save(database, EDIT)
    save(database, replace(EDIT, instance_id="uuid:3", deprecated_id="uuid:2", xml=b"3"))
    with database.write() as connection:
        submissions.set_processed(database, connection, "uuid:1", "covid19", "house")
        submissions.set_state(connection, "uuid:2", SubmissionState.FLAGGED, "odd", {})
        assert edits.household_of(connection, "uuid:2") == ("covid19", "house")
        edits.supersede(connection, "uuid:2")
    assert [stored(database, f"uuid:{n}").state.value for n in (1, 2, 3)] == ["superseded", "superseded", "received"]


def test_what_edits_each_other_in_a_circle_comes_to_an_end(database: Database) -> None:
    save(database, replace(EDIT, instance_id="uuid:a", deprecated_id="uuid:b"))
    save(database, replace(EDIT, instance_id="uuid:b", deprecated_id="uuid:a"))
    save(database, replace(EDIT, instance_id="uuid:c", deprecated_id="uuid:c"))
    assert [stored(database, f"uuid:{n}").state for n in "abc"] == [SubmissionState.HELD] * 3
    with database.write() as connection:
        assert edits.household_of(connection, "uuid:a") is None
        edits.supersede(connection, "uuid:c")


# What tells of a household, and what waits


def test_the_others_of_a_household_are_those_that_count_or_wait_for_it_oldest_first(database: Database) -> None:
    for number in range(1, 7):
        save(database, replace(FIRST, instance_id=f"uuid:{number}"))
    with database.write() as connection:
        for number in (5, 3, 1):
            submissions.set_processed(database, connection, f"uuid:{number}", "covid19", "house")
        submissions.set_processed(database, connection, "uuid:2", "covid19", "next door")
        submissions.set_processed(database, connection, "uuid:4", "measles", "house")
        found = submissions.others_of_household(database, connection, "covid19", "house", "uuid:3")
        assert [one.instance_id for _, one in found] == ["uuid:1", "uuid:5"]
        edits.supersede(connection, "uuid:5")
        found = submissions.others_of_household(database, connection, "covid19", "house", "uuid:6")
        assert [one.instance_id for _, one in found] == ["uuid:1", "uuid:3"]
        submissions.set_state(connection, "uuid:6", SubmissionState.HELD, "waits", {}, ("covid19", "house"))
        found = submissions.others_of_household(database, connection, "covid19", "house", "uuid:3")
        assert [one.state for _, one in found] == ["processed", "held"]


def test_an_edit_stands_in_the_place_of_what_it_edits(database: Database) -> None:
    for number in (1, 2):
        save(database, replace(FIRST, instance_id=f"uuid:{number}"))
    save(database, replace(FIRST, instance_id="uuid:3", deprecated_id="uuid:1"))
    with database.write() as connection:
        for number in (2, 3):
            submissions.set_processed(database, connection, f"uuid:{number}", "covid19", "house")
        found = submissions.others_of_household(database, connection, "covid19", "house", "")
        assert [one.instance_id for _, one in found] == ["uuid:3", "uuid:2"]
        places = [place for place, _ in found]
        assert places[0] < places[1] < found[0][1].seq
        assert [submissions.place(connection, one) for _, one in found] == places


def test_an_edit_of_what_waits_for_its_household_waits_for_no_original(database: Database) -> None:
    for number in (1, 2):
        save(database, replace(FIRST, instance_id=f"uuid:{number}"))
    with database.write() as connection:
        submissions.set_state(connection, "uuid:1", SubmissionState.HELD, "waits", {}, ("covid19", "house"))
        submissions.set_state(connection, "uuid:2", SubmissionState.HELD, "waits", {})
    edits = [replace(FIRST, instance_id=f"uuid:of {number}", deprecated_id=f"uuid:{number}") for number in (1, 2)]
    assert [save(database, edit)[1] for edit in edits] == ["received", "held"]


def test_waiting_is_whatever_does_not_count_newest_first(database: Database) -> None:
    for number in range(1, 6):
        save(database, replace(FIRST, instance_id=f"uuid:{number}", form_id="water" if number == 3 else "census"))
    with database.write() as connection:
        submissions.set_processed(database, connection, "uuid:1", "covid19", "house")
        submissions.set_state(connection, "uuid:2", SubmissionState.FLAGGED, "odd", {})
        submissions.set_state(connection, "uuid:4", SubmissionState.HELD, "held", {})
        edits.supersede(connection, "uuid:5")
        assert [one.instance_id for one in submissions.waiting(connection)] == ["uuid:4", "uuid:3", "uuid:2"]
        assert [one.instance_id for one in submissions.waiting(connection, form_id="water")] == ["uuid:3"]


def test_a_submission_that_counts_again_forgets_why_it_did_not(database: Database) -> None:
    save(database, FIRST)
    with database.write() as connection:
        submissions.set_state(connection, "uuid:1", SubmissionState.FLAGGED, "odd", {})
        submissions.set_processed(database, connection, "uuid:1", None, None)
    found = stored(database, "uuid:1")
    assert (found.state, found.reason, found.household_id) == (SubmissionState.PROCESSED, None, None)


@pytest.mark.parametrize("batch", [1, 3, 4, 100])
def test_all_submissions_stream_in_the_order_they_came_whatever_the_batch(database: Database, batch: int) -> None:
    for number in (3, 1, 4, 2):
        save(database, replace(FIRST, instance_id=f"uuid:{number}"))
    with database.read() as connection:
        batches = list(submissions.stream(connection, batch))
    assert [one.instance_id for some in batches for one, _ in some] == ["uuid:3", "uuid:1", "uuid:4", "uuid:2"]
    assert all(0 < len(some) <= batch for some in batches)
    assert {xml for some in batches for _, xml in some} == {FIRST.xml}


def test_forgetting_what_was_processed_leaves_held_edits_held(database: Database) -> None:
    save(database, FIRST)
    save(database, replace(EDIT, instance_id="uuid:8", deprecated_id="uuid:not here"))
    with database.write() as connection:
        submissions.set_processed(database, connection, "uuid:1", "covid19", "house")
        edits.forget_processing(connection)
    assert (stored(database, "uuid:1").state, stored(database, "uuid:1").household_id) == (
        SubmissionState.RECEIVED,
        None,
    )
    assert stored(database, "uuid:8").state is SubmissionState.HELD


def test_before_a_rebuild_edits_go_on_whose_original_is_here(database: Database) -> None:
    # the server stopped between keeping the original and counting it; meanwhile its edit and the edit's edit came
    save(database, replace(EDIT, instance_id="uuid:3", deprecated_id="uuid:2", xml=b"3"))
    save(database, EDIT)
    save(database, FIRST)
    with database.write() as connection:
        edits.forget_processing(connection)
    assert [stored(database, f"uuid:{n}").state.value for n in (1, 2, 3)] == ["received"] * 3
    assert [stored(database, f"uuid:{n}").root_id for n in (1, 2, 3)] == ["uuid:1"] * 3


# Many at once


def test_ten_copies_at_once_leave_one_record(database: Database) -> None:
    found: list[Saved] = []
    photos = {f"{n}.jpg": bytes([n]) for n in range(10)}
    start = threading.Barrier(10)

    def send(number: int) -> None:
        start.wait()
        found.append(save(database, replace(FIRST, attachments={f"{number}.jpg": photos[f"{number}.jpg"]}))[0])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([Saved.NEW] + [Saved.SAME] * 9)
    assert count(database) == 1
    assert files(database, "uuid:1") == photos


def test_of_two_edits_at_once_one_is_stale(database: Database) -> None:
    save(database, FIRST)
    found: list[Saved] = []
    start = threading.Barrier(4)

    def send(number: int) -> None:
        start.wait()
        found.append(save(database, replace(EDIT, instance_id=f"uuid:edit {number}"))[0])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([Saved.NEW] + [Saved.STALE_EDIT] * 3)
    assert count(database) == 2
