"""Finding what is odd, deciding about it, mending it, and taking that back: submissions stay, and a rebuild agrees."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from mapper.domain.quality import RULES
from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound
from mapper.services import accounts, audit, cleaning, follow_up, rebuilding
from mapper.services.accounts import User
from mapper.services.background import Stage
from mapper.services.cleaning import Choice
from mapper.services.looking_through import look_through
from mapper.services.mending_choices import Correcting, Parting
from mapper.store import mendings, oddities, tables
from mapper.store.oddities import Oddity
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Answers, Town, inside, person

C = "covid19"
FIRST, SECOND, SOON = date(2021, 8, 10), date(2021, 9, 20), date(2021, 8, 15)


def overseer(town: Town) -> User:
    return replace(EVERYTHING, id=accounts.add_user(town.reference, "station", Role.ADMINISTRATOR, []).id)


def send(town: Town, house: str, people: list[Answers], east: float = 0.5, hamlet: int = 0, **answers: object) -> None:
    told = {"household.point": inside(0, east), "household.house_number": house, "household.head": house} | {
        f"household.{name}": value for name, value in answers.items()
    }
    assert town.send(
        town.write(told, people, entity=house, instance=f"uuid:{house}-{town.numbers}", hamlet=hamlet)
    ).counted
    town.numbers += 1


def lan(*doses: tuple[str, date | None, str], name: str = "Nông Thị Lan", born: date = date(1980, 3, 4)) -> Answers:
    return person(born, doses) | {"person.name": name, "person.id": f"{name}-{len(doses)}"}


def waiting(town: Town, *rules: str) -> list[Oddity]:
    look_through(town.reference, C)
    with town.reference.database.read() as connection:
        return oddities.waiting(town.reference.database, connection, C, rules or RULES, None, 99)


def whole(town: Town) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the register's tables as it stands."""
    with town.reference.database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in (tables.households, tables.people, tables.doses, tables.findings)
        }


def doses(town: Town) -> list[tuple[str, date | None, str | None]]:
    with town.reference.database.read() as connection:
        d = tables.doses
        return sorted((tuple(row) for row in connection.execute(select(d.c.code, d.c.given_on, d.c.vaccine))), key=repr)


def check_rebuild(town: Town) -> None:
    before, states = town.everything(), town.states()
    rebuilding.rebuild(town.reference)
    assert (town.everything(), town.states()) == (before, states)


@pytest.fixture
def twice(town: Town) -> Town:
    """Lan was counted in two houses: with her first dose in one, with both in the other."""
    send(town, "a", [lan(("1", FIRST, "pfizer"))], 0.4)
    send(town, "b", [lan(("1", FIRST, "pfizer"), ("2", SECOND, "pfizer")), lan(name="Hoàng Văn Páo")], 0.6)
    return town


def test_one_person_of_two_entries_keeps_every_dose_once_and_is_parted_again_to_the_byte(twice: Town) -> None:
    station = overseer(twice)
    (one,) = waiting(twice, "same_person")
    before, tallies = whole(twice), twice.everything()
    assert len(doses(twice)) == 3
    cleaning.decide(twice.reference, station, C, one.key, Choice("join"))
    assert doses(twice) == [("1", FIRST, "pfizer"), ("2", SECOND, "pfizer")]
    assert sorted(str(row[2]) for row in whole(twice)["people"]) == ["Hoàng Văn Páo-0", "Nông Thị Lan-1"]
    assert waiting(twice, "same_person") == []
    check_rebuild(twice)
    cleaning.take_back(twice.reference, station, C, one.key)
    assert whole(twice) == before
    assert twice.everything() == tallies
    assert [each.key for each in waiting(twice, "same_person")] == [one.key]
    check_rebuild(twice)
    with pytest.raises(NotFound):
        cleaning.take_back(twice.reference, station, C, one.key)


def test_one_household_of_two_has_the_people_of_both_and_what_comes_later_counts_there(town: Town) -> None:
    people = [lan(("1", FIRST, "pfizer")), lan(name="Hoàng Văn Páo", born=date(1975, 1, 2))]
    send(town, "a", [*people, lan(name="Lý Thị Mẩy", born=date(2001, 5, 6))], 0.4)
    send(town, "b", [*people, lan(name="Triệu Văn Sinh", born=date(1950, 7, 8))], 0.6)
    station = overseer(town)
    (one,) = waiting(town, "same_household")
    before = whole(town)
    cleaning.decide(town.reference, station, C, one.key, Choice("join", kept="other"))
    after = whole(town)
    assert [row[2] for row in after["households"]] == ["b"]
    assert len(after["people"]) == 4 and len(after["doses"]) == 1
    assert town.ask().total.eligible == 4
    send(town, "a", [lan(("1", FIRST, "pfizer"), ("2", SECOND, "pfizer"))], 0.4)
    assert len(whole(town)["households"]) == 1
    check_rebuild(town)
    cleaning.take_back(town.reference, station, C, one.key)
    assert len(whole(town)["households"]) == 2
    assert len(before["households"]) == 2
    check_rebuild(town)


def test_a_dose_before_the_vaccine_is_corrected_where_it_is_still_what_was_seen(town: Town) -> None:
    early = date(2020, 8, 10)
    send(town, "a", [lan(("1", early, "pfizer"))])
    station = overseer(town)
    (one,) = waiting(town)
    assert (one.rule, one.facts) == (
        "dose_before_vaccine",
        {"dose": "1", "given_on": "2020-08-10", "vaccine": "pfizer", "first": "2021-06-12"},
    )
    what = (one.person_id, "dose_given_on", "1")
    raw = town.states()

    def correct(before: str, after: str) -> None:
        choice = Choice("correct", correcting=Correcting(what, before, after))
        cleaning.decide(town.reference, station, C, one.key, choice)

    with pytest.raises(Conflict, match="meanwhile"):
        correct("2020-08-11", "2021-08-10")
    for wrong in ("10/8/2021", "1899-01-01", "2999-01-01", "1980-03-03"):
        with pytest.raises(InvalidInput):
            correct("2020-08-10", wrong)
    assert doses(town) == [("1", early, "pfizer")]
    correct("2020-08-10", "2021-08-10")
    assert doses(town) == [("1", FIRST, "pfizer")]
    assert town.states() == raw
    assert waiting(town) == []
    check_rebuild(town)
    # A later visit that tells another day has the word; the correction was of the old one.
    town.send(town.write({"visit.date": DAY + timedelta(days=1)}, [lan(("1", SECOND, "pfizer"))], entity="a"))
    assert doses(town) == [("1", SECOND, "pfizer")]
    check_rebuild(town)


def test_doses_follow_one_another_after_a_correction_too(town: Town) -> None:
    send(town, "a", [lan(("1", FIRST, "pfizer"), ("2", date(2020, 9, 20), "pfizer"))])
    station = overseer(town)
    (one,) = waiting(town, "dose_before_vaccine")

    def correct(after: str) -> None:
        wanted = Correcting((one.person_id, "dose_given_on", "2"), "2020-09-20", after)
        cleaning.decide(town.reference, station, C, one.key, Choice("correct", correcting=wanted))

    with pytest.raises(InvalidInput, match="follow one another"):
        correct("2021-08-09")
    correct("2021-09-20")
    assert doses(town) == [("1", FIRST, "pfizer"), ("2", SECOND, "pfizer")]


def test_an_entry_that_is_two_people_is_parted_and_joined_again_to_the_byte(town: Town) -> None:
    send(town, "a", [lan(("1", FIRST, "pfizer"), ("1", SECOND, "moderna"))])
    station = overseer(town)
    (one,) = waiting(town, "dose_twice")
    before, tallies = whole(town), town.everything()

    def part(name: str, *theirs: tuple[str, str]) -> None:
        cleaning.decide(town.reference, station, C, one.key, Choice("part", parting=Parting(name, theirs)))

    with pytest.raises(Conflict, match="meanwhile"):
        part("Nông Thị Lân", ("1", "2021-09-21 moderna"))
    with pytest.raises(InvalidInput):
        part(" ", ("1", "2021-09-20 moderna"))
    assert whole(town) == before
    part("Nông Thị Lân", ("1", "2021-09-20 moderna"))
    after = whole(town)
    assert [row[4] for row in after["people"]] == ["Nông Thị Lan", "Nông Thị Lân"]
    assert len(after["doses"]) == 2
    assert town.ask().total.eligible == 2
    assert waiting(town, "dose_twice") == []
    check_rebuild(town)
    cleaning.take_back(town.reference, station, C, one.key)
    assert (whole(town), town.everything()) == (before, tallies)
    assert [each.key for each in waiting(town, "dose_twice")] == [one.key]
    check_rebuild(town)


def test_a_position_in_another_commune_than_the_one_chosen_is_told_and_one_in_it_is_not(
    new_town: Callable[[], Town],
) -> None:
    town = new_town()
    for house, where in (("a", 0), ("b", 1)):
        assert town.send(town.write({"household.point": inside(where)}, [person()], entity=house)).counted
    (one,) = waiting(town, "commune_differs")
    facts = one.facts or {}
    assert (one.household_id, facts["found_code"]) == ("b", COMMUNES[1])


def test_one_name_and_day_of_birth_in_two_communes_is_told_and_another_day_or_the_same_commune_is_not(
    new_town: Callable[[], Town],
) -> None:
    town = new_town()
    houses = (("a", 0, date(1980, 3, 4)), ("b", 1, date(1980, 3, 4)), ("c", 0, date(1970, 1, 2)))
    for house, commune, born in (*houses, ("d", 0, date(1970, 1, 2)), ("e", 1, date(1981, 3, 4))):
        people = [person(born) | {"person.id": f"lan-{house}"}]
        assert town.send(town.write({}, people, entity=house, commune=commune)).counted
    (one,) = waiting(town, "same_person_elsewhere")
    assert {one.person_id, one.other_person_id} == {"lan-a", "lan-b"}


def test_what_is_no_problem_needs_a_reason_and_does_not_come_back(twice: Town) -> None:
    station = overseer(twice)
    (one,) = waiting(twice, "same_person")
    with pytest.raises(InvalidInput, match="reason"):
        cleaning.decide(twice.reference, station, C, one.key, Choice("not_a_problem"))
    with pytest.raises(Forbidden):
        cleaning.decide(twice.reference, replace(station, role=Role.PLANNER), C, one.key, Choice("accept"))
    elsewhere = replace(station, role=Role.COMMUNE_SUPERVISOR, areas=(("", HAMLETS[5][0]),))
    with pytest.raises(NotFound):
        cleaning.decide(twice.reference, elsewhere, C, one.key, Choice("accept"))
    assert cleaning.queue(twice.reference, elsewhere, C).counts == {}
    cleaning.decide(twice.reference, station, C, one.key, Choice("not_a_problem", "Hai chị em họ"))
    assert waiting(twice, "same_person") == []
    rebuilding.rebuild(twice.reference)
    assert waiting(twice, "same_person") == []
    with pytest.raises(NotFound):
        cleaning.decide(twice.reference, station, C, one.key, Choice("accept"))
    (held,) = cleaning.settled(twice.reference, station, C)
    assert (held.verdict.reason, held.act) == ("Hai chị em họ", None)
    (entry,) = [each for each in audit.entries(twice.reference, 99) if each.action == "oddity.decided"]
    assert "Lan" not in str(entry)


def act_in_any_order(town: Town, seed: int, steps: int, done: dict[str, int]) -> None:
    """Submissions and acts as a seed draws them, then all acts taken back; done: counts what happened."""
    chance = random.Random(seed)
    station = overseer(town)
    names = ["Nông Thị Lan", "Hoàng Văn Páo", "Lý Thị Mẩy"]
    held: list[str] = []
    for _ in range(steps):
        kind = chance.choice(("send", "send", "join", "correct", "part", "undo"))
        if kind == "send":
            given = [("1", FIRST, "pfizer"), ("2", chance.choice((SECOND, SOON)), "pfizer")][: chance.randint(0, 2)]
            people = [lan(*given, name=name) for name in chance.sample(names, chance.randint(1, 3))]
            send(town, f"house-{chance.randrange(5)}", people, chance.random())
        elif kind == "undo" and held:
            cleaning.take_back(town.reference, station, C, held.pop(chance.randrange(len(held))))
        elif kind == "join" and (found := waiting(town, "same_person", "same_household")):
            one = chance.choice(found)
            cleaning.decide(town.reference, station, C, one.key, Choice("join", kept=chance.choice(("one", "other"))))
            held.append(one.key)
        elif kind == "correct" and (found := waiting(town, "same_person")):
            one = chance.choice(found)
            with town.reference.database.read() as connection:
                p = tables.people
                name = connection.scalar(select(p.c.name).where(p.c.id == one.person_id).limit(1))
            wanted = Correcting((one.person_id, "name", ""), name, f"{name} {chance.randrange(99)}")
            try:
                cleaning.decide(town.reference, station, C, one.key, Choice("correct", correcting=wanted))
            except Conflict:
                continue
            held.append(one.key)
        elif kind == "part" and (found := waiting(town, "dose_too_soon")):
            one, facts = found[0], found[0].facts or {}
            theirs = (("2", f"{facts['given_on']} pfizer"),)
            cleaning.decide(
                town.reference, station, C, one.key, Choice("part", parting=Parting(chance.choice(names), theirs))
            )
            held.append(one.key)
        else:
            continue
        done[kind] += 1
    check_rebuild(town)
    for key in reversed(held):
        cleaning.take_back(town.reference, station, C, key)
    with town.reference.database.read() as connection:
        assert not mendings.mended(connection)
    check_rebuild(town)


def test_acts_and_submissions_in_any_order_are_what_a_rebuild_gives(new_town: Callable[[], Town]) -> None:
    done = dict.fromkeys(("join", "correct", "part", "undo", "send"), 0)
    for seed in range(2):
        act_in_any_order(new_town(), seed, 32, done)
    assert min(done.values()) >= 3, done


def test_both_databases_give_what_a_rebuild_gives_after_acts_in_any_order(town: Town) -> None:
    done = dict.fromkeys(("join", "correct", "part", "undo", "send"), 0)
    act_in_any_order(town, 0, 20, done)
    assert min(done["join"], done["send"], done["undo"]) >= 1, done


def test_a_house_to_be_visited_again_stands_on_the_follow_up_list_until_somebody_was_there(twice: Town) -> None:
    station = overseer(twice)

    def asked() -> dict[str, str]:
        return {house.id: house.asked_again for house in follow_up.households(twice.reference, station, C, DAY)}

    (one,) = waiting(twice, "same_person")
    cleaning.decide(twice.reference, station, C, one.key, Choice("visit", "Hỏi lại ngày sinh"))
    assert asked() == {"a": "Hỏi lại ngày sinh", "b": ""}
    send(twice, "a", [lan(("1", FIRST, "pfizer"))], 0.4)
    assert asked() == {"a": "", "b": ""}
    cleaning.take_back(twice.reference, station, C, one.key)
    assert [each.key for each in waiting(twice, "same_person")] == [one.key]


def test_looking_goes_on_aside_and_is_asked_for_again_only_where_something_changed(twice: Town) -> None:
    station = overseer(twice)

    def seen() -> cleaning.Queue:
        found = cleaning.queue(twice.reference, station, C)
        while found.work.stage in (Stage.WAITING, Stage.RUNNING):
            found = cleaning.queue(twice.reference, station, C)
        return found

    first = seen()
    assert (first.work.stage, first.counts) == (Stage.DONE, {"same_person": 1})
    (finding,) = cleaning.queue(twice.reference, station, C).findings
    assert finding.person is not None and finding.other_person is not None
    assert (len(finding.person.doses), len(finding.other_person.doses)) == (1, 2)
    assert look_through(twice.reference, C) == 0
    send(twice, "c", [lan(("1", FIRST, "pfizer"), ("1", SECOND, "pfizer"), born=date(1950, 1, 1))], 0.8)
    assert seen().counts == {"same_person": 1, "dose_twice": 1}
