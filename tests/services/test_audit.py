"""Who did what: added with what was done, and beyond anybody's editing."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from mapper.errors import Unavailable
from mapper.services import audit, people_list, trail
from mapper.services.audit import ACTIONS, Verdict
from mapper.services.questions import Question
from mapper.store import audit_aside, tables
from mapper.store.database import Database
from tests.ready import editable_audit
from tests.services.town import DAY, EVERYTHING, Town, person


def note(town: Town, subject: str, action: str = "user.renewed", **facts: object) -> None:
    """One more entry, by user 7."""
    with town.reference.database.write() as connection:
        audit.record(town.reference, connection, 7, "lan", action, subject, facts)


def subjects(town: Town, **chosen: object) -> list[str]:
    return [one.subject for one in audit.entries(town.reference, 50, **chosen)]  # type: ignore[arg-type]


def test_entries_tell_who_did_what_the_newest_first(town: Town) -> None:
    note(town, "12", "user.areas", hamlet="0196501", number=2)
    note(town, "13")
    first = audit.entries(town.reference, 50)[1]
    assert (first.seq, first.user_id, first.user_name, first.action) == (1, 7, "lan", "user.areas")
    assert (first.words, first.subject, first.facts) == ("area changed", "12", {"hamlet": "0196501", "number": "2"})
    assert first.at.endswith("+00:00")
    assert subjects(town) == ["13", "12"]


def test_entries_are_chosen_by_number_kind_and_user(sqlite_town: Town) -> None:
    town = sqlite_town
    for subject in ("1", "2", "3"):
        note(town, subject)
    note(town, "4", "form.closed")
    assert subjects(town, before=3) == ["2", "1"]
    assert subjects(town, action="form.closed") == ["4"]
    assert subjects(town, user_id=7) == ["4", "3", "2", "1"]
    assert subjects(town, user_id=8) == []
    assert [one.seq for one in audit.entries(town.reference, 2)] == [4, 3]


def test_an_entry_of_a_transaction_that_fails_was_never_written(town: Town) -> None:
    note(town, "1")
    with pytest.raises(RuntimeError), town.reference.database.write() as connection:
        audit.record(town.reference, connection, 7, "lan", "user.renewed", "lost")
        raise RuntimeError
    note(town, "2")
    assert subjects(town) == ["2", "1"]
    assert audit.verify(town.reference).broken_at is None


@pytest.mark.parametrize(
    "change",
    [update(tables.audit).values(subject="other"), delete(tables.audit), delete(tables.audit).where(text("seq = 2"))],
    ids=["changed", "emptied", "one taken out"],
)
def test_the_database_refuses_every_change_of_an_entry(town: Town, change: object) -> None:
    note(town, "1")
    note(town, "2")
    with pytest.raises(DBAPIError, match="audit"), town.reference.database.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert subjects(town) == ["2", "1"]


def test_an_empty_trail_and_an_untouched_one_are_in_order(town: Town) -> None:
    assert audit.verify(town.reference) == Verdict(0, None, "0" * 64)
    for subject in ("1", "2", "3"):
        note(town, subject)
    found = audit.verify(town.reference)
    assert (found.entries, found.broken_at) == (3, None)
    assert len(found.seal) == 64
    note(town, "4")
    assert audit.verify(town.reference).seal != found.seal


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET user_name = 'minh' WHERE seq = 2", 2),
        ("UPDATE audit SET facts = '{}' WHERE seq = 3", 3),
        ("UPDATE audit SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 1", 1),
        ("UPDATE audit SET user_id = NULL WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 2", 3),
        ("DELETE FROM audit WHERE seq = 1", 2),
        ("UPDATE audit SET chain = 'x' WHERE seq = 2", 2),
    ],
)
def test_a_change_behind_the_triggers_back_shows(town: Town, sql: str, broken_at: int) -> None:
    for subject in ("1", "2", "3", "4"):
        note(town, subject, hamlet="0196501")
    with town.reference.database.write() as connection, forced(town, connection):
        connection.execute(text(sql))
    assert audit.verify(town.reference).broken_at == broken_at


def forced(town: Town, connection):  # type: ignore[no-untyped-def]
    """What the database's owner can do."""
    if not town.reference.database.is_sqlite:
        return editable_audit(connection)
    for event in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER audit_no_{event}"))
    return nullcontext()


def test_many_who_act_at_once_make_one_chain(town: Town) -> None:
    threads = [threading.Thread(target=note, args=(town, str(number))) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, subjects(town))) == list(range(12))
    found = audit.verify(town.reference)
    assert (found.entries, found.broken_at) == (12, None)


def test_every_kind_of_action_has_words_of_its_own() -> None:
    assert len(set(ACTIONS.values())) == len(ACTIONS)


# What was seen while somebody else writes for long


def seen(town: Town, subject: str) -> None:
    audit.record_seen(town.reference, 7, "lan", "people.listed", subject, {"number": 3})


def test_a_list_is_shown_while_somebody_writes_for_long_and_its_entry_is_on_the_disk(sqlite_town: Town) -> None:
    town = sqlite_town
    town.send(town.write(people=[person(name="Lý Thị An")]))
    question = Question("covid19", "18_plus", "1", DAY, "commune", "squares")
    note(town, "first")
    with town.reference.database.write() as writing:
        assert people_list.people(town.reference, EVERYTHING, question, None, "due").total == 1
        seen(town, "second")
        # What another process reads from the disk, were this one to die now.
        other = Database(str(town.reference.database.engine.url))
        with other.read() as connection:
            assert audit_aside.any_waits(other, connection)
        other.close()
        audit.record(town.reference, writing, 7, "lan", "user.renewed", "third")
    found = audit.entries(town.reference, 10)
    assert [(one.seq, one.subject) for one in found] == [(4, "third"), (3, "second"), (2, "covid19"), (1, "first")]
    assert found[1].facts == {"number": "3"}
    assert audit.verify(town.reference) == Verdict(4, None, found[0].chain)


def test_what_was_set_aside_is_taken_once_even_where_taking_it_failed_before(sqlite_town: Town) -> None:
    town = sqlite_town
    with town.reference.database.write():
        seen(town, "1")
        seen(town, "2")
    with pytest.raises(RuntimeError), town.reference.database.write() as connection:
        audit.record(town.reference, connection, 7, "lan", "user.renewed", "lost")
        raise RuntimeError
    assert subjects(town) == ["2", "1"]
    with town.reference.database.write():
        seen(town, "3")
    assert [(told.entry.seq, told.entry.subject) for told in trail.entries(town.reference, trail.Wanted(), 10)] == [
        (3, "3"),
        (2, "2"),
        (1, "1"),
    ]
    assert (audit.size(town.reference), audit.verify(town.reference).broken_at) == (3, None)


def test_a_list_that_cannot_be_entered_anywhere_is_not_shown(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    town = sqlite_town
    (tmp_path / "no folder").write_text("a file")
    monkeypatch.setattr(town.reference.database, "_file", tmp_path / "no folder" / "aside.sqlite3")
    with town.reference.database.write(), pytest.raises(Unavailable):
        seen(town, "1")
    monkeypatch.undo()
    seen(town, "2")
    assert subjects(town) == ["2"]
