"""How a commune's fieldwork stands: who sent, who is silent, what waits, what is odd; on each database."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta

import pytest

from mapper.errors import NotFound
from mapper.services import accounts, health, intake
from mapper.services.accounts import User
from mapper.services.health import CanvasserDay, Fieldwork, HeardFrom, OldForm, Work
from mapper.store import fieldwork
from mapper.store.fieldwork import Contact
from tests.services.town import COMMUNES, DAY, EVERYTHING, EXPECTED, HAMLETS, Town, inside, person

NOON = datetime.combine(DAY, time(5), UTC)
"""Noon in Vietnam."""
HERE, NEXT = HAMLETS[0][:2]


def add(town: Town, name: str, *areas: str, role: str = "canvasser") -> User:
    made = accounts.add_user(town.reference, name, role, areas)
    found = accounts.by_id(town.reference, made.id)
    assert found is not None
    return found


def send(town: Town, xml: bytes, sender: User | None, at: datetime = NOON) -> None:
    intake.receive(town.reference, xml, {}, sender_id=sender.id if sender else None, received=at)


def stands(town: Town, user: User = EVERYTHING, commune: int = 0, now: datetime = NOON, day: date = DAY) -> Fieldwork:
    return health.fieldwork_of(town.reference, user, "covid19", COMMUNES[commune], day, now)


def by_name(found: Fieldwork) -> dict[str, CanvasserDay]:
    return {one.name: one for one in found.people}


def heard(town: Town, user: User, at: datetime) -> None:
    with town.reference.database.write() as connection:
        contact = Contact(at.isoformat(timespec="seconds"), "phone", "Collect")
        fieldwork.save_contact(town.reference.database, connection, user.id, contact)


def test_each_canvasser_has_houses_expected_and_visited_and_what_came_today(town: Town) -> None:
    lan, minh = add(town, "Lan", HERE), add(town, "Minh", NEXT)
    yesterday = NOON - timedelta(days=1)
    send(town, town.write({"visit.date": DAY - timedelta(days=1)}, [person()]), lan, yesterday)
    send(town, town.write({}, [person()]), lan)
    send(town, town.write({"visit.outcome": "absent"}), lan, NOON + timedelta(minutes=1))
    send(town, town.write({}, [person()], hamlet=1), minh)
    found = stands(town)
    assert (found.commune, found.visited, found.visited_today, found.received) == ("Xã 0", 4, 3, 3)
    assert found.expected == sum(EXPECTED[code] for code in HAMLETS[0])
    first, second = by_name(found)["Lan"], by_name(found)["Minh"]
    assert (first.expected, first.visited, first.visited_today, first.received) == (EXPECTED[HERE], 3, 2, 2)
    assert (second.expected, second.visited, second.visited_today, second.received) == (EXPECTED[NEXT], 1, 1, 1)
    assert first.heard_at is not None
    assert datetime.fromisoformat(first.heard_at) == NOON + timedelta(minutes=1)
    assert [one.name for one in found.people] == ["Lan", "Minh"]
    assert (found.waiting, found.odd, found.silent) == ((), (), [])


def test_a_phone_not_heard_from_for_a_day_is_silent_and_one_that_asked_for_forms_is_not(town: Town) -> None:
    sent, asked, never, late = (add(town, name, HERE) for name in ("sent", "asked", "never", "late"))
    heard(town, asked, NOON - timedelta(hours=23, minutes=59))
    heard(town, late, NOON - timedelta(hours=24))
    send(town, town.write({"visit.date": DAY - timedelta(days=2)}), sent, NOON - timedelta(days=2))
    heard(town, sent, NOON - timedelta(hours=1))
    assert [one.name for one in stands(town).silent] == ["never", "late"]
    heard(town, never, NOON)
    assert [one.name for one in stands(town).silent] == ["late"]


def test_a_contact_told_late_does_not_turn_the_clock_back(town: Town) -> None:
    lan = add(town, "Lan", HERE)
    heard(town, lan, NOON)
    heard(town, lan, NOON - timedelta(hours=3))
    with town.reference.database.read() as connection:
        (contact,) = fieldwork.contacts(connection).values()
    assert datetime.fromisoformat(contact.seen_at) == NOON


def test_houses_expected_are_those_that_wanted_a_visit_when_the_day_began(town: Town) -> None:
    lan, *_ = (add(town, name, *areas) for name, *areas in (("Lan", HERE), ("Minh", NEXT), ("Tư", HERE, NEXT)))
    before = DAY - timedelta(days=4)

    def visited(house: str, outcome: str = "interviewed", hamlet: int = 0, **facts: str) -> None:
        people = [person(**facts)] if outcome == "interviewed" else []
        answers = {"visit.date": before, "visit.outcome": outcome}
        xml = town.write(answers, people, hamlet=hamlet, entity=HOUSE.format(house))
        send(town, xml, lan, NOON - timedelta(days=4))

    visited("1")  # somebody is due
    visited("2", "absent")
    visited("3", "locked")
    visited("4", vaccinated="unknown")  # to be asked
    visited("5", deferred_until=DAY.isoformat())  # until this very day
    visited("6", deferred_until=(DAY + timedelta(days=1)).isoformat())
    visited("7", "refused")
    visited("8", consent="no")
    visited("9", residence="works_away")
    visited("1a", hamlet=1)
    here, there = EXPECTED[HERE] - 9 + 5, EXPECTED[NEXT] - 1 + 1
    found = stands(town, day=DAY)
    assert found.work == Work(EXPECTED[HERE] - 9 + EXPECTED[NEXT] - 1 + rest(), 6, *expected(here + there + rest(), 0))
    people = by_name(found)
    assert people["Lan"].work == Work(EXPECTED[HERE] - 9, 5, *expected(here, 0))
    assert people["Minh"].work == Work(EXPECTED[NEXT] - 1, 1, *expected(there, 0))
    assert people["Tư"].work == Work(EXPECTED[HERE] + EXPECTED[NEXT] - 10, 6, *expected(here + there, 0))
    # A house nobody knew of, one where nobody had been met, one that was not to be gone to: no other work for the day.
    send(town, town.write({}, [person()]), lan)
    again = {"visit.date": DAY}
    send(town, town.write(again, [person()], entity=HOUSE.format("2")), lan)
    send(town, town.write(again, [person()], entity=HOUSE.format("7")), lan)
    later = by_name(stands(town, day=DAY))["Lan"]
    assert (later.visited_today, later.work) == (3, Work(EXPECTED[HERE] - 9, 5, *expected(here, 3)))
    # What is found of a day that is over is what was to be done then.
    first = by_name(stands(town, day=before))["Lan"]
    assert (first.visited_today, first.work) == (9, Work(EXPECTED[HERE], 0, *expected(EXPECTED[HERE], 9, before)))


def test_houses_visited_so_far_and_on_a_day_are_those_of_the_day_whatever_came_later(town: Town) -> None:
    add(town, "Lan", HERE)

    def visited(house: str, days_later: int, outcome: str = "absent") -> None:
        answers = {"visit.date": DAY + timedelta(days=days_later), "visit.outcome": outcome}
        people = [person()] if outcome == "interviewed" else []
        xml = town.write(answers, people, entity=HOUSE.format(house))
        send(town, xml, None, NOON + timedelta(days=days_later))

    visited("1", 0)
    visited("2", 1)
    visited("1", 2, "interviewed")
    visited("3", 2)
    visited("4", 3)
    visited("2", 3)
    found = [stands(town, day=DAY + timedelta(days=later)) for later in range(-1, 5)]
    assert [one.visited for one in found] == [0, 1, 2, 3, 4, 4]
    assert [one.visited_today for one in found] == [0, 1, 1, 2, 2, 0]
    assert [by_name(one)["Lan"].visited for one in found] == [0, 1, 2, 3, 4, 4]


def test_work_is_spread_over_the_days_left() -> None:
    assert Work.of(10, 5, 1, 4) == Work(10, 5, 4, 3)
    assert Work.of(10, 5, 6, 4) == Work(10, 5, 4, 0)
    assert Work.of(10, 5, 1, None) == Work(10, 5, 15, 14)


HOUSE = "00000000-0000-4000-8000-{:0>12}"


def rest() -> int:
    """Houses of the commune's other hamlets, where nobody was."""
    return sum(EXPECTED[code] for code in HAMLETS[0][2:])


def expected(houses: int, visited: int, day: date = DAY) -> tuple[int, int]:
    """The day's share of the houses, and what the visited ones leave of it; to 30 September without its Sundays."""
    days = [day + timedelta(days=later) for later in range((date(2022, 9, 30) - day).days + 1)]
    share = math.ceil(houses / sum(each.weekday() != 6 for each in days))
    return share, max(0, share - visited)


def test_all_is_expected_at_once_where_the_last_day_of_visits_is_over(town: Town) -> None:
    add(town, "Lan", HERE)
    found = stands(town, day=date(2022, 9, 30), now=NOON + timedelta(days=90))
    assert (found.last_day, found.days_left, found.work.today) == (date(2022, 9, 30), 1, found.expected)
    found = stands(town, day=date(2022, 10, 1), now=NOON + timedelta(days=90))
    assert (found.last_day, found.days_left, found.work.left) == (date(2022, 9, 30), None, found.expected)


def test_a_phone_is_silent_on_a_day_that_is_over_as_it_was_when_that_ended(town: Town) -> None:
    lan, minh = add(town, "Lan", HERE), add(town, "Minh", HERE)
    send(town, town.write({}), lan)
    send(town, town.write({"visit.date": DAY - timedelta(days=1)}), minh, NOON - timedelta(days=1))
    long_after = NOON + timedelta(days=500)
    assert [one.name for one in stands(town, now=long_after).silent] == ["Minh"]
    assert [one.name for one in stands(town, day=DAY + timedelta(days=1), now=long_after).silent] == ["Minh", "Lan"]
    # What a phone did later says nothing of the day.
    later = NOON + timedelta(days=3)
    send(town, town.write({"visit.date": DAY + timedelta(days=3)}), minh, later)
    heard(town, lan, later)
    people = by_name(stands(town, now=long_after))
    assert (people["Minh"].silent, people["Lan"].silent) == (True, False)
    assert people["Minh"].heard_at is not None
    assert datetime.fromisoformat(people["Minh"].heard_at) == NOON - timedelta(days=1)


def test_what_does_not_count_is_listed_with_its_sender(town: Town) -> None:
    lan = add(town, "Lan", HERE)
    version = town.form("covid19_census").version.encode()
    send(town, town.write({}, instance="uuid:unread").replace(version, b"1999"), lan)
    send(town, town.write({}, instance="uuid:edit", edits="uuid:still-on-its-way"), lan)
    found = stands(town)
    assert {one.instance_id for one in found.waiting} == {"uuid:unread", "uuid:edit"}
    assert (by_name(found)["Lan"].received, by_name(found)["Lan"].waiting) == (2, 2)
    elsewhere = stands(town, commune=1)
    assert (elsewhere.waiting, elsewhere.people, elsewhere.received) == ((), (), 0)


def test_positions_that_are_odd_are_listed_and_other_findings_are_not(town: Town) -> None:
    lan = add(town, "Lan", HERE)
    send(town, town.write({"household.point": inside(0, accuracy_m=90.0)}, instance="uuid:poor"), lan)
    send(town, town.write({"household.point": None}, instance="uuid:none"), lan)
    send(town, town.write({}, [person(born=DAY + timedelta(days=400))], instance="uuid:born-later"), lan)
    found = stands(town)
    assert {(one.instance_id, one.code) for one in found.odd} == {
        ("uuid:poor", "point_poor_accuracy"),
        ("uuid:none", "point_missing"),
    }


def test_a_phone_that_sends_an_old_version_is_named(town: Town) -> None:
    lan, minh = add(town, "Lan", HERE), add(town, "Minh", HERE)
    current = town.form("covid19_census").version
    send(town, town.write({}, instance="uuid:old").replace(current.encode(), b"2020010101"), lan)
    send(town, town.write({}), minh)
    people = by_name(stands(town))
    assert people["Lan"].old_forms == (OldForm("covid19_census", "2020010101", current, 1),)
    assert people["Minh"].old_forms == ()


def test_whoever_else_sent_from_the_commune_is_shown_after_its_canvassers(town: Town) -> None:
    add(town, "Lan", HERE)
    guest = add(town, "Guest", COMMUNES[5])
    send(town, town.write({}), guest)
    send(town, town.write({}), None)
    found = stands(town)
    assert [(one.name, one.received, one.silent, one.expected) for one in found.people] == [
        ("Lan", 0, True, EXPECTED[HERE]),
        ("Guest", 1, False, None),
        ("", 1, False, None),
    ]


def test_a_supervisor_sees_the_own_commune_and_no_other(town: Town) -> None:
    lan = add(town, "Lan", HERE)
    send(town, town.write({}), lan)
    own = add(town, "own", COMMUNES[0], role="commune_supervisor")
    assert (stands(town, own).received, [one.name for one in stands(town, own).people]) == (1, ["Lan"])
    other = add(town, "other", COMMUNES[1], role="commune_supervisor")
    with pytest.raises(NotFound, match=COMMUNES[0]):
        stands(town, other)
    with pytest.raises(NotFound, match="campaign"):
        health.fieldwork_of(town.reference, own, "none", COMMUNES[0], DAY, NOON)


def test_a_supervisor_of_one_hamlet_sees_no_more_of_its_commune(town: Town) -> None:
    send(town, town.write({"household.point": None}, instance="uuid:here"), add(town, "Lan", HERE))
    send(town, town.write({"household.point": None}, instance="uuid:next", hamlet=1), add(town, "Minh", NEXT))
    own = add(town, "own", HERE, role="commune_supervisor")
    found = stands(town, own)
    assert (found.expected, found.visited, found.received) == (EXPECTED[HERE], 1, 1)
    assert [one.name for one in found.people] == ["Lan"]
    assert [one.instance_id for one in found.odd] == ["uuid:here"]


def test_the_version_changes_with_all_that_the_page_shows(town: Town) -> None:
    lan = add(town, "Lan", HERE)
    seen = {health.version(town.reference)}
    send(town, town.write({}), lan)
    seen.add(health.version(town.reference))
    send(town, town.write({}, edits="uuid:still-on-its-way"), lan)
    seen.add(health.version(town.reference))
    heard(town, lan, NOON)
    seen.add(health.version(town.reference))
    assert len(seen) == 4
    assert health.version(town.reference) in seen


def test_a_phone_is_written_down_once_in_ten_minutes_and_its_words_are_cleaned(town: Town) -> None:
    lan, minh = add(town, "Lan", HERE), add(town, "Minh", HERE)
    noted = HeardFrom()
    noted.note(town.reference, lan.id, "collect:1\n2", "org.odk.collect.android/" + "v" * 200)
    with town.reference.database.read() as connection:
        first = fieldwork.contacts(connection)
    assert first[lan.id].device_id == "collect:12"
    assert first[lan.id].application == ("org.odk.collect.android/" + "v" * 200)[:100]
    noted.note(town.reference, lan.id, "another", None)
    noted.note(town.reference, minh.id, None, None)
    with town.reference.database.read() as connection:
        second = fieldwork.contacts(connection)
    assert second[lan.id] == first[lan.id]
    assert set(second) == {lan.id, minh.id}
    noted.last[lan.id] -= health.HEARD_AGAIN
    noted.note(town.reference, lan.id, "another", None)
    with town.reference.database.read() as connection:
        assert fieldwork.contacts(connection)[lan.id].seen_at >= first[lan.id].seen_at
    assert noted.last[lan.id] > datetime.now(UTC) - timedelta(minutes=5)
