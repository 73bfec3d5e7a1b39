"""What a phone fetches once a cleaning station joined, parted or asked for a visit, and after that was taken back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from mapper.domain.roles import Role
from mapper.errors import Conflict, mark
from mapper.services import accounts, cleaning
from mapper.services.accounts import User
from mapper.services.cleaning import Choice
from mapper.services.intake import today
from mapper.services.looking_through import look_through
from mapper.services.mending_choices import Dividing, Parting
from mapper.store import oddities, phone_rounds, tables
from mapper.store.oddities import Oddity
from mapper.web import openrosa
from tests.client.collect import FilledForm
from tests.client.local_entities import LocalEntities, own_version
from tests.client.site import Site
from tests.web.test_phone_lists import CHILD, HOUSES, MOTHER, Field, made_field

HAMLET, HOUSE = "0000101", HOUSES[0]
TWIN, MOTHER_AGAIN, CHILD_AGAIN = (f"{letter}{'0' * 7}-2222-4222-8222-222222222222" for letter in "cde")
BORN, BORN_CHILD, DOSE = date(1980, 5, 4), date(2012, 6, 1), date(2021, 9, 1)
TWO = (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN_CHILD, None)


@pytest.fixture
def walk(site: Site, tmp_path: Path) -> Field:
    """The houses of three hamlets, on each kind of database."""
    return made_field(site, tmp_path)


def station(walk: Field) -> User:
    made = accounts.add_user(walk.site.reference, "station", Role.ADMINISTRATOR, [])
    return User(made.id, "station", Role.ADMINISTRATOR, (), 0)


def found(walk: Field, rule: str) -> Oddity:
    look_through(walk.site.reference, "mini")
    with walk.site.reference.database.read() as connection:
        (one,) = oddities.waiting(walk.site.reference.database, connection, "mini", [rule], None, 9)
    return one


def update(walk: Field, house: str, base: int, *people: tuple[str, str, date | None, date | None]) -> None:
    """What a phone sends that was away: a visit to a house of which it had that version, and of people the first."""
    walk.sent += 1
    xml = walk.writer.write(
        {"visit.date": date(2022, 8, 20), "visit.outcome": "interviewed", "household.hamlet": HAMLET},
        [
            {"person.id": identity, "person.name": name, "person.birth_date": born}
            | ({"dose.date@1": on} if on else {})
            for identity, name, born, on in people
        ],
        instance_id=f"uuid:away-{walk.sent}",
        entity_id=house,
    ).decode()

    def building_on(entity: re.Match[str]) -> str:
        version = base if 'dataset="households"' in entity[0] else 1
        told = f'update="1" baseVersion="{version}" trunkVersion="{version}" branchId="phone-{walk.sent}"'
        return entity[0].replace('create="1"', told)

    changed, times = re.subn("<[^<>]*entity [^<>]*>", building_on, xml)
    assert (times, changed.count('update="1"')) == (1 + len(people), 1 + len(people))
    phone = walk.site.phone(walk.token(HAMLET))
    assert phone.send(FilledForm("house.xml", changed.encode(), {})).statuses == (201,)


def households(walk: Field) -> dict[str, str]:
    return {row["name"]: own_version(row) for row in walk.rows(walk.token(HAMLET), "households.csv")}


def people(walk: Field) -> dict[str, tuple[str, str, str]]:
    rows = walk.rows(walk.token(HAMLET), "people.csv")
    return {row["name"]: (row["household"], own_version(row), row["doses_text"]) for row in rows}


def test_a_house_joined_to_another_goes_from_phones_and_what_is_still_sent_of_it_counts_at_the_other(
    walk: Field,
) -> None:
    walk.visit(HAMLET, HOUSE, *TWO)
    walk.visit(HAMLET, TWIN, (MOTHER_AGAIN, *TWO[0][1:]), (CHILD_AGAIN, *TWO[1][1:3], DOSE))
    who, token = station(walk), walk.token(HAMLET)
    before = households(walk), people(walk), walk.manifest(token)
    assert set(before[0]) == {HOUSE, TWIN}
    one = found(walk, "same_household")
    cleaning.decide(walk.site.reference, who, "mini", one.key, Choice("join"))
    assert set(households(walk)) == {HOUSE}
    assert {name: row[0] for name, row in people(walk).items()} == {MOTHER: HOUSE, CHILD: HOUSE}
    assert people(walk)[CHILD][2] == "Mũi 1 01/09/2021"
    assert all(walk.manifest(token)[name][0] != before[2][name][0] for name in ("households.csv", "people.csv"))
    gone = {"households.csv": (TWIN, HOUSE), "people.csv": (MOTHER_AGAIN, CHILD_AGAIN, MOTHER)}
    assert walk.gone(token, "households.csv", *gone["households.csv"]) == {TWIN: True, HOUSE: False}
    assert walk.gone(token, "people.csv", *gone["people.csv"]) == {MOTHER_AGAIN: True, CHILD_AGAIN: True, MOTHER: False}
    # A phone that was away all the while still has the house that is gone.
    update(walk, TWIN, 1, (MOTHER_AGAIN, *TWO[0][1:3], date(2022, 8, 19)), (CHILD_AGAIN, *TWO[1][1:3], DOSE))
    assert set(households(walk)) == {HOUSE}
    assert {name: row[2] for name, row in people(walk).items()} == {
        MOTHER: "Mũi 1 19/08/2022",
        CHILD: "Mũi 1 01/09/2021",
    }
    assert walk.gone(token, "people.csv", MOTHER_AGAIN) == {MOTHER_AGAIN: True}
    cleaning.take_back(walk.site.reference, who, "mini", one.key)
    assert set(households(walk)) == {HOUSE, TWIN}
    assert {name: row[0] for name, row in people(walk).items()} == {
        MOTHER: HOUSE,
        CHILD: HOUSE,
        MOTHER_AGAIN: TWIN,
        CHILD_AGAIN: TWIN,
    }
    assert people(walk)[MOTHER] == before[1][MOTHER]
    assert people(walk)[MOTHER_AGAIN][2] == "Mũi 1 19/08/2022"
    assert walk.gone(token, "households.csv", TWIN) == {TWIN: False}
    assert walk.gone(token, "people.csv", MOTHER_AGAIN) == {MOTHER_AGAIN: False}


def test_somebody_parted_from_another_comes_to_the_phone_and_keeps_step_with_it(walk: Field) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE))
    who, token = station(walk), walk.token(HAMLET)
    before = people(walk)
    one = found(walk, "dose_at_age")
    facts = one.facts or {}
    theirs = ((facts["dose"], f"{facts['given_on']} {facts['vaccine']}"),)
    choice = Choice("part", parting=Parting("Nông Thị Mai", theirs))
    cleaning.decide(walk.site.reference, who, "mini", one.key, choice)
    (second,) = set(people(walk)) - {MOTHER}
    assert people(walk) == {
        MOTHER: (HOUSE, "1", ""),
        second: (HOUSE, "1", "Mũi 1 01/09/2021"),
    }
    # The phone makes a second version of somebody whose first it was sent.
    told = (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), None), (second, "Nông Thị Mai", BORN, DOSE)
    update(walk, HOUSE, 2, *told)
    assert {name: row[1] for name, row in people(walk).items()} == {MOTHER: "2", second: "2"}
    assert households(walk) == {HOUSE: "3"}
    cleaning.take_back(walk.site.reference, who, "mini", one.key)
    assert set(people(walk)) == {MOTHER, second}, "a visit has told of the second since"
    assert before[MOTHER][2] == "Mũi 1 01/09/2021"
    assert walk.gone(token, "people.csv", second) == {second: False}


def test_a_parting_taken_back_takes_the_second_from_the_phone(walk: Field) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE))
    who, before = station(walk), people(walk)
    one = found(walk, "dose_at_age")
    facts = one.facts or {}
    theirs = ((facts["dose"], f"{facts['given_on']} {facts['vaccine']}"),)
    cleaning.decide(walk.site.reference, who, "mini", one.key, Choice("part", parting=Parting("Nông Thị Mai", theirs)))
    (second,) = set(people(walk)) - {MOTHER}
    cleaning.take_back(walk.site.reference, who, "mini", one.key)
    assert people(walk) == before
    assert walk.gone(walk.token(HAMLET), "people.csv", second, MOTHER) == {second: True, MOTHER: False}


def divided(walk: Field, who: User, *ids: str) -> tuple[str, str]:
    """The house divided, these people going to the second; the finding's key and the second's id."""
    one, before = found(walk, "dose_at_age"), set(households(walk))
    choice = Choice("divide", dividing=Dividing(ids, head="Lý Văn Tờ"))
    cleaning.decide(walk.site.reference, who, "mini", one.key, choice)
    (second,) = set(households(walk)) - before
    return one.key, second


def test_a_house_divided_is_two_on_the_phone_each_keeps_step_and_undone_it_is_one(walk: Field, phone: OldPhone) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE), (CHILD, "Lý Văn Đức", BORN_CHILD, None))
    who, token, before = station(walk), walk.token(HAMLET), (households(walk), people(walk))
    phone.fetch()
    key, second = divided(walk, who, CHILD)
    held = phone.fetch()
    assert held[second]["head"] == "Lý Văn Tờ" and held[CHILD]["household"] == second
    assert (households(walk), people(walk)[CHILD][:2]) == ({HOUSE: "2", second: "1"}, (second, "1"))
    # The phone makes the second version of a house and somebody whose first it was handed.
    update(walk, second, 1, (CHILD, "Lý Văn Đức", BORN_CHILD, DOSE))
    assert households(walk) == {HOUSE: "2", second: "2"}
    assert people(walk)[CHILD] == (second, "2", "Mũi 1 01/09/2021")
    assert phone.fetch()[CHILD]["doses_text"] == "Mũi 1 01/09/2021"
    # One that was away all the while still has everybody in one house.
    update(walk, HOUSE, 1, (MOTHER, "Nông Thị Mỷ", BORN, DOSE), (CHILD, "Lý Văn Đức", date(2012, 7, 1), DOSE))
    assert {name: row[0] for name, row in people(walk).items()} == {MOTHER: HOUSE, CHILD: second}
    assert households(walk) == {HOUSE: "3", second: "2"}
    assert walk.gone(token, "households.csv", HOUSE, second) == {HOUSE: False, second: False}
    cleaning.take_back(walk.site.reference, who, "mini", key)
    assert walk.gone(token, "households.csv", HOUSE, second) == {HOUSE: False, second: True}
    assert walk.gone(token, "people.csv", MOTHER, CHILD) == {MOTHER: False, CHILD: False}
    held = phone.fetch()
    assert (held[CHILD]["household"], held[CHILD]["doses_text"]) == (HOUSE, "Mũi 1 01/09/2021")
    # Of what is gone a phone may still tell: it is told of the one house, and no submission waits.
    update(walk, second, 2, (CHILD, "Lý Văn Đức", BORN_CHILD, date(2021, 9, 2)))
    assert set(households(walk)) == set(before[0])
    assert people(walk)[CHILD][::2] == (HOUSE, "Mũi 1 02/09/2021")


def test_a_division_taken_back_leaves_the_list_as_it_was(walk: Field) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE), (CHILD, "Lý Văn Đức", BORN_CHILD, None))
    who, before = station(walk), (households(walk), people(walk))
    key, second = divided(walk, who, CHILD)
    cleaning.take_back(walk.site.reference, who, "mini", key)
    assert (households(walk), people(walk)) == before
    assert walk.gone(walk.token(HAMLET), "households.csv", second) == {second: True}


def test_a_house_that_is_asked_for_again_says_so_on_its_phone_alone_until_somebody_was_there(walk: Field) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE))
    walk.visit(HAMLET, TWIN, (CHILD, "Lý Văn Đức", BORN_CHILD, DOSE))
    who, token, other = station(walk), walk.token(HAMLET), walk.token("0000102")

    def told() -> dict[str, tuple[str, str]]:
        rows = walk.rows(token, "households.csv")
        return {row["name"]: (row["state"], row["state_text"]) for row in rows}

    before, elsewhere = told(), walk.manifest(other)["households.csv"][0]
    assert before[HOUSE][0] != "someone_due"
    one = found(walk, "dose_at_age")
    cleaning.decide(walk.site.reference, who, "mini", one.key, Choice("visit", "Hỏi lại ngày tiêm"))
    after = told()
    assert after[HOUSE][0] == "someone_due"
    assert "Hỏi lại ngày tiêm" in after[HOUSE][1]
    assert after[TWIN] == before[TWIN]
    assert walk.manifest(other)["households.csv"][0] == elsewhere
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE))
    assert told()[HOUSE] == before[HOUSE]


# What a phone that has a row already takes of the next list


@pytest.fixture
def phone(walk: Field) -> OldPhone:
    return OldPhone(walk)


@dataclass
class OldPhone:
    """A phone that keeps its rows, and takes of a list only what is newer, as Collect does."""

    walk: Field
    entities: LocalEntities = field(default_factory=LocalEntities)

    def fetch(self) -> dict[str, dict[str, str]]:
        for name in ("households.csv", "people.csv"):
            self.walk.rows(self.walk.token(HAMLET), name)  # its hash is checked
            self.entities.take(name, self.walk.get(self.walk.token(HAMLET), f"media/{name}").content)
        return self.entities.rows["households.csv"] | self.entities.rows["people.csv"]


def test_a_phone_takes_what_the_station_asked_and_took_back(walk: Field, phone: OldPhone) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE))
    who = station(walk)
    before = phone.fetch()
    one = found(walk, "dose_at_age")
    cleaning.decide(walk.site.reference, who, "mini", one.key, Choice("visit", "Hỏi lại ngày tiêm"))
    after = phone.fetch()
    assert "Hỏi lại ngày tiêm" in after[HOUSE]["state_text"]
    assert after[MOTHER] == before[MOTHER], "nothing was said of her, so she is no new row"
    cleaning.take_back(walk.site.reference, who, "mini", one.key)
    assert phone.fetch()[HOUSE]["state_text"] == before[HOUSE]["state_text"]


def test_a_phone_takes_the_house_that_stays_after_a_joining_and_after_it_was_taken_back(
    walk: Field, phone: OldPhone
) -> None:
    walk.visit(HAMLET, HOUSE, *TWO)
    walk.visit(HAMLET, TWIN, (MOTHER_AGAIN, *TWO[0][1:]), (CHILD_AGAIN, *TWO[1][1:3], DOSE))
    assert phone.fetch()[CHILD]["doses_text"] == ""
    one = found(walk, "same_household")
    cleaning.decide(walk.site.reference, station(walk), "mini", one.key, Choice("join"))
    assert phone.fetch()[CHILD]["doses_text"] == "Mũi 1 01/09/2021"
    cleaning.take_back(walk.site.reference, station(walk), "mini", one.key)
    assert phone.fetch()[CHILD]["doses_text"] == ""


def test_a_phone_takes_what_another_day_makes_of_somebody(
    walk: Field, phone: OldPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", BORN, None), (CHILD, "Lý Văn Đức", BORN_CHILD, None))
    before = phone.fetch()
    monkeypatch.setattr(openrosa, "today", lambda: date(today().year + 2, 1, 1))
    after = phone.fetch()
    assert after[CHILD]["age_text"] != before[CHILD]["age_text"]


def test_what_was_done_offline_stays_while_other_houses_change(walk: Field, phone: OldPhone) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", BORN, None))
    walk.visit(HAMLET, TWIN, (CHILD, "Lý Văn Đức", BORN_CHILD, None))
    phone.fetch()
    mine = phone.entities.rows["households.csv"][HOUSE]
    mine |= {"state": "refused", "__version": str(int(mine["__version"]) + 1)}
    walk.visit(HAMLET, TWIN, (CHILD, "Lý Văn Đức", BORN_CHILD, DOSE))
    after = phone.fetch()
    assert after[CHILD]["doses_text"] == "Mũi 1 01/09/2021"
    assert after[HOUSE]["state"] == "refused", "not sent yet, so the server cannot know"
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", BORN, DOSE))
    assert phone.fetch()[HOUSE]["state"] != "refused"


def test_a_restored_database_without_rounds_still_reaches_the_phone_on_another_day(
    walk: Field, phone: OldPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", BORN, None))
    before = phone.fetch()
    with walk.site.reference.database.write() as connection:
        connection.execute(delete(tables.phone_rounds))
    later = today() + timedelta(days=1)
    monkeypatch.setattr(openrosa, "today", lambda: later)
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", BORN, DOSE))
    after = phone.fetch()
    assert (before[MOTHER]["doses_text"], after[MOTHER]["doses_text"]) == ("", "Mũi 1 01/09/2021")


def test_where_somebody_writes_for_long_a_list_is_served_and_its_changes_come_later(
    walk: Field, phone: OldPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk.visit(HAMLET, HOUSE, (MOTHER, "Nông Thị Mỷ", date(2021, 5, 4), DOSE))
    who = station(walk)
    phone.fetch()
    one = found(walk, "dose_at_age")
    cleaning.decide(walk.site.reference, who, "mini", one.key, Choice("visit", "Hỏi lại ngày tiêm"))

    def busy(*_: object) -> None:
        raise Conflict(mark("The lists were made anew meanwhile. Ask again."))

    with monkeypatch.context() as patch:
        patch.setattr(phone_rounds, "keep", busy)
        assert "Hỏi lại ngày tiêm" not in phone.fetch()[HOUSE]["state_text"]
    assert "Hỏi lại ngày tiêm" in phone.fetch()[HOUSE]["state_text"]
