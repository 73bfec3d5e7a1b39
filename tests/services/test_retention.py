"""A campaign whose time is over is numbers; nothing goes that nobody said, and not before it was told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from mapper.domain.mending import SameHousehold
from mapper.errors import Conflict, InvalidInput, NotFound
from mapper.services import audit, erasing, rebuilding, reducing, retention
from mapper.services.accounts import User
from mapper.services.retention import Part, Policy
from mapper.store import mendings, tables
from mapper.store import retention as store
from mapper.store.database import driver_of
from tests.services.test_erasing import (
    HOUSE,
    PHONE,
    C,
    check_rebuild,
    counts,
    found_in_files,
    number_of,
    people_of,
    tell,
)
from tests.services.test_rebuilding import tell as tell_all_kinds
from tests.services.town import DAY, Town, person

END = DAY + timedelta(days=10)
POLICY = Policy(END, photos=5, people=30)


def test_people_become_numbers_and_a_rebuild_keeps_those(town: Town) -> None:
    user = tell(town)
    water = town.write(instance="uuid:water", form_id="water_points")
    town.send(water)
    first = town.write({}, entity=HOUSE, instance="uuid:new")
    retention.set_policy(town.reference, user, C, POLICY)
    before, asked = counts(town), town.ask().total
    with pytest.raises(Conflict):
        retention.carry_out(town.reference, user, C, Part.PEOPLE, END + timedelta(days=29))
    taken = retention.carry_out(town.reference, user, C, Part.PEOPLE, END + timedelta(days=30))
    assert taken["submissions"] == 4
    assert (people_of(town), counts(town), town.ask().total) == ([], before, asked)
    assert (number_of(town, "submissions"), number_of(town, "attachments")) == (1, 0)
    rebuilding.rebuild(town.reference)
    assert (counts(town), town.ask().total) == (before, asked)
    with pytest.raises(Conflict, match="numbers"):
        town.send(first)
    assert number_of(town, "submissions") == 1


NAME = "Nông Xuân Quỳnh"
WORDS = (NAME, "Đàm Thị Hạ", "Nông Thu Sương", "Triệu Văn Sinh", PHONE, "a picture of the house", "tried photo")


def name_everywhere(town: Town, user: User) -> None:
    """Put a name into whatever else can hold one of a campaign, beside what ``tell`` sent."""
    t, at = tables, "2022-08-22T00:00:00+00:00"

    def put(connection: Connection, table: str, **values: object) -> None:
        connection.execute(insert(t.metadata.tables[table]).values(**values))

    with town.reference.database.write() as connection:
        by = {"user_id": user.id, "at": at}
        blob = {"sha256": "a" * 64, "size": 11, "content": b"tried photo"}
        put(connection, "blobs", **blob)
        draft = {"version": "1", "title": "", "xform": b"", "md5": "", "model": "", "media": "{}", "made_at": at}
        toml = connection.scalar(select(t.campaigns.c.toml).where(t.campaigns.c.id == C))
        put(connection, "form_drafts", form_id="tried", toml=toml, token_sha256="b" * 64, user_id=user.id, **draft)
        trial = {"version": "1", "received_at": at, "attachments": '{"nha.jpg": "' + "a" * 64 + '"}'}
        put(connection, "draft_submissions", instance_id="t", form_id="tried", xml=NAME.encode(), **trial)
        put(connection, "saved_filters", name="one", query=f"campaign={C}&text={NAME}", shared=False, **by)
        put(connection, "saved_filters", name="two", query="campaign=another", shared=False, **by)
        put(
            connection,
            "integrity_notes",
            campaign_id=C,
            canvasser_id=user.id,
            test="",
            upto_seq=1,
            words=NAME,
            closes=True,
            **by,
        )
        corrected = json.dumps(["correct", HOUSE, ["", "head", ""], NAME, NAME], ensure_ascii=False)
        put(connection, "mendings", campaign_id=C, household_id=HOUSE, act=corrected, **by)
        mending = connection.scalar(select(t.mendings.c.seq))
        odd = {"key": "k", "rule": "r", "cell_id": 1, "household_id": HOUSE, "mending": mending}
        put(connection, "verdicts", campaign_id=C, choice="c", reason=NAME, **odd, **by)
        put(connection, "register_extracts", campaign_id=C, set_id="squares", file_name=NAME, sha256="a" * 64, **by)
        extract = connection.scalar(select(t.register_extracts.c.id))
        row = dict.fromkeys(("code", "birth_precision", "sex", "national_id", "commune_code", "commune", "hamlet"), "")
        put(connection, "register_rows", extract_id=extract, row=1, name=NAME, phone=PHONE, doses="[]", **row)
        put(connection, "register_decisions", campaign_id=C, theirs=NAME, ours=HOUSE, **by)
        put(connection, "decisions", instance_id="uuid:again", said=f'{{"{NAME}": []}}', **by)
        plan = {"name": NAME, "question": f'"{HOUSE}"', "state": "done", "share": 1, "told_at": at, "areas": "[]"}
        put(connection, "plans", id=1, campaign_id=C, to_stop=False, in_use=False, **plan, **by)
        put(connection, "plan_contents", plan_id=1, part="p", content=NAME.encode())
        put(connection, "phone_rounds", user_id=user.id, campaign_id=C, round=1, rows=NAME.encode())
        asked = dict.fromkeys(
            ("allowed", "media_type", "query", "language", "asked_at", "told_at", "state", "file"), NAME
        )
        put(
            connection,
            "asked_files",
            id="f",
            user_id=user.id,
            name=NAME,
            share=1,
            to_stop=False,
            number=1,
            size=1,
            **asked,
        )


def holders(town: Town, *words: str) -> set[str]:
    """The tables of which some row has one of the words, as text or in bytes."""
    with town.reference.database.read() as connection:
        return {
            table.name
            for table in tables.metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
            if any(
                word in (value.decode(errors="ignore") if isinstance(value, bytes) else str(value)) for word in words
            )
        }


def test_of_a_campaign_reduced_to_numbers_nobody_is_named_anywhere(town: Town) -> None:
    user = tell(town)
    name_everywhere(town, user)
    held = holders(town, *WORDS, HOUSE)
    assert {"saved_filters", "draft_submissions", "blobs", "instances", "plan_contents", "slips", "mendings"} <= held
    retention.set_policy(town.reference, user, C, POLICY)
    taken = retention.carry_out(town.reference, user, C, Part.PEOPLE, END + timedelta(days=30))
    assert (taken["slips"], taken["register"], taken["plans_gone"]) == (3, 1, 1)
    erasing.sweep(town.reference)
    assert holders(town, *WORDS) == set()
    assert holders(town, HOUSE) <= {"audit"}
    if town.reference.database.is_sqlite:
        assert found_in_files(town.files, *WORDS) == set()
    with town.reference.database.read() as connection:
        assert set(connection.execute(select(tables.slips.c.reason, tables.slips.c.revoked_by))) == {
            ("erased", user.id)
        }
        assert connection.scalars(select(tables.saved_filters.c.name)).all() == ["two"]


def test_what_was_cut_off_is_gone_on_with(sqlite_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town = sqlite_town
    user = tell(town)
    retention.set_policy(town.reference, user, C, POLICY)
    day = END + timedelta(days=30)

    def fails(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(store, "delete_households", fails)
        retention.carry_out(town.reference, user, C, Part.PEOPLE, day)
    (standing,) = (one for one in retention.standings(town.reference) if one.campaign_id == C)
    assert standing.under_way is not None
    assert (standing.under_way.files, standing.under_way.silent, len(people_of(town))) == (2, False, 4)
    with pytest.raises(Conflict, match="numbers"):  # from the first moment on
        town.send(town.write(instance="uuid:late"))
    with pytest.raises(Conflict, match="being taken out"):
        retention.set_policy(town.reference, user, C, None)
    retention.see_to(town.reference, day)
    assert len(people_of(town)) == 4, "somebody may still be at it"
    with town.reference.database.write() as connection:
        f = tables.facts
        was = connection.scalar(select(f.c.value).where(f.c.name == f"retention under way {C}")) or ""
        later = was.replace(standing.under_way.told_at, "2022-08-01T00:00:00+00:00")
        connection.execute(update(f).where(f.c.name == f"retention under way {C}").values(value=later))
    retention.see_to(town.reference, day)
    assert (people_of(town), number_of(town, "erasures")) == ([], 1)


class Killed(Exception):
    """Ends a process between two transactions."""


def test_killed_between_portions_again_and_again_it_ends_the_same(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = sqlite_town
    tell_all_kinds(town)
    town.send(town.write({}, [person()] * 2, entity="joined", instance="joined"), DAY + timedelta(days=5))
    with town.reference.database.write() as connection:
        mendings.add(connection, C, SameHousehold("house-6", "joined", ()), None, "2022-08-22T00:00:00+00:00")
    rebuilding.rebuild(town.reference)
    retention.set_policy(town.reference, None, C, POLICY)
    day, before, left = END + timedelta(days=30), counts(town), [len(people_of(town))]
    take, portions = reducing.Portions.take, 0

    def then_killed(asked: reducing.Portions, write: Callable[[Connection], int]) -> int:
        nonlocal portions
        gone, portions = take(asked, write), portions + 1
        if portions % 3 == 0:
            raise Killed
        return gone

    monkeypatch.setattr(reducing.Portions, "take", then_killed)
    monkeypatch.setattr(reducing, "AT_ONCE", 2)
    monkeypatch.setattr(reducing, "REST", 0)
    while True:
        try:
            retention.carry_out(town.reference, None, C, Part.PEOPLE, day)
            break
        except Killed:
            assert counts(town) == before
            if (people := len(people_of(town))) < left[-1]:
                left.append(people)
                check_rebuild(town)
    assert (people_of(town), town.states(), counts(town)) == ([], {"water": "processed"}, before)
    assert len(left) > 3, "it went some at a time"
    check_rebuild(town)
    assert number_of(town, "erasures") == 1
    told = [one.action for one in audit.entries(town.reference, 9) if one.action.startswith("retention.")]
    assert told == ["retention.people", "retention.begun_people", "retention.set"]


def test_no_write_is_longer_where_more_goes_and_phones_send_between(
    new_town: Callable[[], Town], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reducing, "AT_ONCE", 3)
    monkeypatch.setattr(reducing, "LIGHT_AT_ONCE", 20)
    monkeypatch.setattr(reducing, "REST", 0)

    def rows_of_each_write(houses: int) -> list[int]:
        """Rows that each transaction changed while a campaign of so many houses went; a phone sent after each."""
        town = new_town()
        for number in range(houses):
            photo = {"nha.jpg": f"photo {number}".encode()}
            town.send(town.write({}, [person()] * 4, instance=f"house {number}"), attachments=photo)
        retention.set_policy(town.reference, None, C, POLICY)
        take, written = reducing.Portions.take, list[int]()

        def counted(asked: reducing.Portions, write: Callable[[Connection], int]) -> int:
            def counting(connection: Connection) -> int:
                before = driver_of(connection).total_changes
                gone = write(connection)
                written.append(driver_of(connection).total_changes - before)
                return gone

            gone = take(asked, counting)
            town.send(town.write(form_id="water_points", instance=f"water {len(written)}"))
            return gone

        with monkeypatch.context() as patch:
            patch.setattr(reducing.Portions, "take", counted)
            retention.carry_out(town.reference, None, C, Part.PEOPLE, END + timedelta(days=30))
        assert town.states() == {f"water {number + 1}": "processed" for number in range(len(written))}
        return written

    few, many = rows_of_each_write(4), rows_of_each_write(12)
    assert max(many) == max(few) > 12
    assert sum(many) > 2.5 * sum(few)


def test_photos_go_before_and_do_not_come_back(sqlite_town: Town) -> None:
    town = sqlite_town
    user = tell(town)
    retention.set_policy(town.reference, user, C, POLICY)
    retention.carry_out(town.reference, user, C, Part.PHOTOS, END + timedelta(days=5))
    erasing.sweep(town.reference)
    assert found_in_files(town.files, "a picture of the house") == set()
    assert len(people_of(town)) == 4
    town.send(town.write(instance="uuid:late"), attachments={"nha.jpg": b"another picture"})
    assert number_of(town, "attachments") == 0


def test_a_server_tells_first_and_takes_a_week_later(sqlite_town: Town) -> None:
    town = sqlite_town
    tell(town)
    retention.see_to(town.reference, date(2100, 1, 1))
    assert len(people_of(town)) == 4  # nobody set anything
    retention.set_policy(town.reference, None, C, Policy(END, people=30))
    due = END + timedelta(days=30)
    retention.see_to(town.reference, due - timedelta(days=1))
    assert audit.entries(town.reference, 1)[0].action == "retention.set"
    retention.see_to(town.reference, due)
    assert audit.entries(town.reference, 1)[0].action == "retention.announced"
    retention.see_to(town.reference, due + timedelta(days=6))
    assert len(people_of(town)) == 4
    retention.see_to(town.reference, due + timedelta(days=7))
    assert people_of(town) == []
    assert audit.entries(town.reference, 1)[0].action == "retention.people"
    retention.see_to(town.reference, due + timedelta(days=90))
    assert number_of(town, "erasures") == 1


def test_only_days_that_can_be_are_taken(sqlite_town: Town) -> None:
    with pytest.raises(InvalidInput):
        retention.set_policy(sqlite_town.reference, None, C, Policy(END, people=-1))
    with pytest.raises(NotFound):
        retention.set_policy(sqlite_town.reference, None, "nothing", POLICY)
