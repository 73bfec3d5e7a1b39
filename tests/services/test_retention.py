"""A campaign whose time is over is numbers; nothing goes that nobody said, and not before it was told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from mapper.errors import Conflict, InvalidInput, NotFound
from mapper.services import audit, erasing, rebuilding, retention
from mapper.services.retention import Part, Policy
from tests.services.test_erasing import HOUSE, C, counts, found_in_files, number_of, people_of, tell
from tests.services.town import DAY, Town

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
