"""Who is erased is nowhere any more, does not come back, and counts on as a number; everybody else stays."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound
from mapper.services import accounts, audit, cleaning, erasing, rebuilding, slips, submission_page
from mapper.services.accounts import User
from mapper.services.cleaning import Choice
from mapper.services.erasing import Wish
from mapper.services.looking_through import look_through
from mapper.services.slips import Choice as Slips
from mapper.store import erasing as store
from mapper.store import oddities, tables
from tests.services.town import COMMUNES, DAY, Answers, Town, inside, person

C = "covid19"
HOUSE = "6f0c2e3a-1111-4222-8333-444455556666"
PHONE = "0987123456"
ODD = date(2020, 1, 2)
"""Of a dose before there was a vaccine, which is found to be odd."""


def member(name: str, born: date = date(1980, 3, 4), **more: object) -> Answers:
    return person(born, [("1", ODD, "pfizer")]) | {"person.name": name} | more


def tell(town: Town) -> User:
    """A house of three with a photo, an edit, a revisit, a comment, a correction and slips; and a neighbour."""
    people = [member("Nông Xuân Quỳnh"), member("Đàm Thị Hạ"), member("Nông Thu Sương", date(2012, 5, 6))]
    house = {"household.head": "Nông Xuân Quỳnh", "household.phone": PHONE, "household.expected_members": 3}
    first = town.write(house, people, entity=HOUSE, instance="uuid:first")
    town.send(first, attachments={"nha.jpg": b"a picture of the house", "audit.csv": "Quỳnh".encode()})
    later = house | {"visit.date": DAY + timedelta(days=1)}
    town.send(
        town.write(later, people, entity=HOUSE, instance="uuid:edit", edits="uuid:first"), DAY + timedelta(days=1)
    )
    last = house | {"visit.date": DAY + timedelta(days=2)}
    town.send(town.write(last, people, entity=HOUSE, instance="uuid:again"), DAY + timedelta(days=2))
    town.send(town.write({"household.point": inside(0, 0.9)}, [member("Triệu Văn Sinh")], instance="uuid:beside"))
    admin = accounts.add_user(town.reference, "station", Role.ADMINISTRATOR, [])
    user = User(admin.id, "station", Role.ADMINISTRATOR, (), 0)
    submission_page.remark(town.reference, user, "uuid:again", "has_issues", "Nông Xuân Quỳnh đi vắng")
    slips.give(town.reference, user, C, {HOUSE: None}, Slips(), DAY)
    return user


def people_of(town: Town) -> list[str]:
    with town.reference.database.read() as connection:
        return sorted(str(name) for name in connection.scalars(select(tables.people.c.name)))


def ids_of(town: Town) -> dict[str, str]:
    with town.reference.database.read() as connection:
        rows = connection.execute(select(tables.people.c.name, tables.people.c.id))
        return {str(name): str(identity) for name, identity in rows}


def number_of(town: Town, table: str) -> int:
    with town.reference.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(tables.metadata.tables[table])) or 0


def found_in_files(folder: Path, *words: str) -> set[str]:
    """Which of the words stand in any file below a folder, byte for byte or as JSON and addresses write them."""
    forms = {form: word for word in words for form in (word.encode(), word.encode("unicode-escape"))}
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert texts
    return {word for form, word in forms.items() if any(form in text for text in texts)}


def named_in(town: Town, word: str) -> set[str]:
    """The tables of which some row has a word."""
    with town.reference.database.read() as connection:
        return {
            table.name
            for table in tables.metadata.sorted_tables
            if any(word in repr(tuple(row)) for row in connection.execute(select(table)))
        }


def counts(town: Town) -> object:
    return town.everything()["tallies"]


def check_rebuild(town: Town) -> None:
    before, states = town.everything(), town.states()
    rebuilding.rebuild(town.reference)
    assert (town.everything(), town.states()) == (before, states)


def test_of_a_household_that_was_erased_no_byte_stays_and_its_number_does(sqlite_town: Town) -> None:
    town = sqlite_town
    user = tell(town)
    words = ("Nông Xuân Quỳnh", "Đàm Thị Hạ", "Nông Thu Sương", PHONE, "a picture of the house")
    before = counts(town)
    town.reference.database.close()
    assert found_in_files(town.files, *words) == {*words}
    wish = Wish(C, HOUSE)
    looked = erasing.preview(town.reference, user, wish)
    assert (counts(town), number_of(town, "submissions")) == (before, 4)
    done = erasing.erase(town.reference, user, wish)
    assert done.numbers == looked.numbers
    assert dict(done.numbers) | {"counts": 0} == {
        "people": 3,
        "submissions": 3,
        "files": 2,
        "slips": 3,
        "counts": 0,
    }
    erasing.sweep(town.reference)
    assert found_in_files(town.files, *words) == set()
    assert (people_of(town), counts(town)) == (["Triệu Văn Sinh"], before)
    check_rebuild(town)
    assert counts(town) == before
    assert found_in_files(town.files, *words) == set()
    assert named_in(town, HOUSE) == {"audit"}
    (entry, *_) = audit.entries(town.reference, 1)
    assert (entry.action, entry.subject, dict(entry.facts)) == (
        "erased.household",
        C,
        {"reason": "request", "number": "1"},
    )
    assert audit.verify(town.reference).broken_at is None


def test_a_household_that_was_erased_does_not_come_back(town: Town) -> None:
    user = tell(town)
    people = [member("Nông Xuân Quỳnh")]
    first = town.write({}, people, entity=HOUSE, instance="uuid:first")
    erasing.erase(town.reference, user, Wish(C, HOUSE))
    before = town.everything()
    for again in (
        first,
        town.write({}, people, entity=HOUSE, instance="uuid:new"),
        town.write({}, people, instance="uuid:edited", edits="uuid:again"),
        town.write({}, people, instance="uuid:edited2", edits="uuid:edited"),
    ):
        receipt = town.send(again, attachments={"nha.jpg": b"a picture of the house"})
        assert (receipt.counted, receipt.new) == (True, False)
    assert town.everything() == before
    assert (number_of(town, "submissions"), number_of(town, "attachments")) == (1, 0)
    assert town.send(town.write({}, people, instance="uuid:others")).new
    check_rebuild(town)
    with pytest.raises(NotFound):
        erasing.erase(town.reference, user, Wish(C, HOUSE))


def test_one_person_is_erased_and_the_house_stays(sqlite_town: Town) -> None:
    town = sqlite_town
    user = tell(town)
    before, gone = counts(town), ids_of(town)["Nông Xuân Quỳnh"]
    first = town.write(
        {"household.head": "Nông Xuân Quỳnh", "household.phone": PHONE, "household.expected_members": 3},
        [member("Nông Xuân Quỳnh"), member("Đàm Thị Hạ"), member("Nông Thu Sương", date(2012, 5, 6))],
        entity=HOUSE,
        instance="uuid:first",
    )
    done = erasing.erase(town.reference, user, Wish(C, HOUSE, gone))
    assert done.numbers["redacted"] == 3 and done.numbers["people"] == 1 and done.numbers["slips"] == 1
    erasing.sweep(town.reference)
    assert found_in_files(town.files, "Nông Xuân Quỳnh", "Quỳnh") == set()
    assert found_in_files(town.files, "Đàm Thị Hạ", PHONE, "a picture of the house") != set()
    assert people_of(town) == ["Nông Thu Sương", "Triệu Văn Sinh", "Đàm Thị Hạ"]
    assert counts(town) == before
    check_rebuild(town)
    assert counts(town) == before
    # The phone sends the same again, with the log that it lost, and an edit: neither tells of them.
    receipt = town.send(first, attachments={"audit.csv": "Quỳnh".encode(), "them.jpg": b"more"})
    assert (receipt.counted, receipt.new) == (True, False)
    told = town.write(
        {"visit.date": DAY + timedelta(days=3), "household.head": "Nông Xuân Quỳnh"},
        [member("Nông Xuân Quỳnh"), member("Đàm Thị Hạ"), member("Nông Thu Sương", date(2012, 5, 6))],
        entity=HOUSE,
        instance="uuid:edit2",
        edits="uuid:again",
    )
    assert town.send(told, DAY + timedelta(days=3)).new
    assert people_of(town) == ["Nông Thu Sương", "Triệu Văn Sinh", "Đàm Thị Hạ"]
    erasing.sweep(town.reference)
    assert found_in_files(town.files, "Quỳnh") == set()
    check_rebuild(town)


def test_whose_house_was_corrected_and_joined_goes_with_all_of_it(town: Town) -> None:
    user = tell(town)
    reference = town.reference
    other = "7f0c2e3a-1111-4222-8333-444455556666"
    people = [member("Nông Xuân Quỳnh"), member("Đàm Thị Hạ"), member("Nông Thu Sương", date(2012, 5, 6))]
    town.send(town.write({"household.point": inside(0, 0.51)}, people, entity=other, instance="uuid:other"))
    look_through(reference, C)
    with reference.database.read() as connection:
        waiting = oddities.waiting(reference.database, connection, C, ["same_household"], None, 9)
    found = next(one for one in waiting if one.household_id == HOUSE)
    cleaning.decide(reference, user, C, found.key, Choice("join"))
    before = counts(town)
    done = erasing.erase(reference, user, Wish(C, HOUSE))
    assert set(done.households) == {HOUSE, other}
    assert (people_of(town), number_of(town, "mendings"), counts(town)) == (["Triệu Văn Sinh"], 0, before)
    check_rebuild(town)


def test_only_an_administrator_of_everything_erases_and_says_why(sqlite_town: Town) -> None:
    town = sqlite_town
    user = tell(town)
    for role, areas in ((Role.SUPERVISOR, ()), (Role.ADMINISTRATOR, (("squares", COMMUNES[0]),))):
        with pytest.raises(Forbidden):
            erasing.preview(town.reference, User(user.id, "x", role, areas, 0), Wish(C, HOUSE))
    with pytest.raises(InvalidInput):
        erasing.erase(town.reference, user, Wish(C, HOUSE, reason="because"))
    for nobody in (Wish(C, "nobody"), Wish(C, HOUSE, "nobody"), Wish("nothing", HOUSE)):
        with pytest.raises(NotFound):
            erasing.erase(town.reference, user, nobody)
    assert number_of(town, "erasures") == 0
    assert number_of(town, "erased_marks") == 0


@pytest.mark.parametrize("seed", range(3))
def test_counts_stay_whatever_was_told_and_whoever_is_erased(new_town: object, seed: int) -> None:
    town: Town = new_town()  # type: ignore[operator]
    chance = random.Random(seed)
    houses = [f"6f0c2e3a-1111-4222-8333-4444555566{number:02}" for number in range(8)]
    sent: list[tuple[str, str]] = []
    for number in range(24):
        house = chance.choice(houses)
        edits = chance.choice([old for old, of in sent if of == house] or [""]) if chance.random() < 0.3 else ""
        people = [
            member(f"Người Thứ {chance.randrange(9)}", date(chance.randrange(1940, 2015), 3, 4))
            for _ in range(chance.randrange(4))
        ]
        answers = {
            "visit.date": DAY + timedelta(days=chance.randrange(9)),
            "household.point": inside(chance.randrange(3)),
        }
        xml = town.write(answers, people, entity=house, instance=f"uuid:{seed}-{number}", edits=edits)
        try:
            town.send(xml, DAY + timedelta(days=9))
        except Conflict:
            continue
        sent.append((f"uuid:{seed}-{number}", house))
    before = counts(town)
    for _ in range(4):
        with town.reference.database.read() as connection:
            h, p = tables.households, tables.people
            rows = list(connection.execute(select(h.c.id, p.c.id).join(p, p.c.household_seq == h.c.seq)))
        house, someone = chance.choice(sorted(tuple(row) for row in rows))
        erasing.erase(town.reference, None, Wish(C, house, chance.choice(["", someone])))
        assert counts(town) == before
    check_rebuild(town)
    assert counts(town) == before
    with town.reference.database.read() as connection:
        assert len(store.newest(connection, 9)) == 4
