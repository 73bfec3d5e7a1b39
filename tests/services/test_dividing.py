"""A household that is two: divided, told of since, taken back; and what a rebuild makes of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from mapper.domain.slip import Standing
from mapper.errors import Conflict, InvalidInput
from mapper.services import audit, cleaning, mending_choices, people_list, slips
from mapper.services.accounts import User
from mapper.services.cleaning import Choice
from mapper.services.mending_choices import Dividing
from mapper.store import tables
from mapper.store.oddities import Oddity
from tests.services.book import check_figures
from tests.services.test_cleaning import FIRST, SECOND, C, check_rebuild, overseer, waiting, whole
from tests.services.test_filtered import names
from tests.services.test_people_list import asked
from tests.services.town import DAY, EVERYTHING, Answers, Town, person

NAMES = ("Nông Thị Lan", "Hoàng Văn Páo", "Lý Thị Mẩy", "Triệu Văn Sinh", "Đặng Thị Dung")
LAN, PAO, MAY, SINH, DUNG = NAMES
LATER = DAY + timedelta(days=3)


def member(name: str, *doses: tuple[str, date | None, str]) -> Answers:
    return person(date(1980, 3, 4 + NAMES.index(name)), doses) | {"person.name": name, "person.id": name}


def visit(town: Town, house: str, *people: Answers, on: date = DAY, base: int = 0, **answers: object) -> str:
    """A census of a house; with base, as a phone sends it that has this version of the house. Its instance id."""
    told = {f"{'visit' if name == 'outcome' else 'household'}.{name}": value for name, value in answers.items()}
    told["visit.date"] = on
    instance = town.new_instance()
    update = (str(base), str(base), instance) if base else None
    assert town.send(town.write(told, people, entity=house, instance=instance, update=update), received=on).counted
    return instance


@pytest.fixture
def crowded(town: Town) -> Town:
    """Five people in a house that said it has two, of whom two have doses."""
    members = [member(LAN, ("1", FIRST, "pfizer")), member(PAO), member(MAY, ("1", FIRST, "pfizer"))]
    visit(town, "a", *members, member(SINH), member(DUNG), expected_members=2)
    return town


def found(town: Town) -> Oddity:
    (one,) = waiting(town, "head_count")
    return one


def divide(town: Town, who: User, one: Oddity, *people: str, head: str = MAY, **more: object) -> str:
    """The second household's id."""
    before = set(houses(town))
    wanted = Dividing(people, head=head, **more)  # type: ignore[arg-type]
    cleaning.decide(town.reference, who, C, one.key, Choice("divide", dividing=wanted))
    (second,) = set(houses(town)) - before
    return second


def houses(town: Town) -> dict[str, list[str]]:
    """The names of each household's people, by its id."""
    rows = whole(town)
    ids = {row[0]: str(row[2]) for row in rows["households"]}
    members: dict[str, list[str]] = {each: [] for each in ids.values()}
    for row in sorted(rows["people"], key=lambda row: (row[0], row[1])):  # type: ignore[arg-type,return-value]
        members[ids[row[0]]].append(str(row[4]))
    return members


def doses(town: Town) -> dict[str, list[tuple[str, date]]]:
    """Number and day of each dose, by the name of who has it."""
    rows = whole(town)
    names = {row[:2]: str(row[4]) for row in rows["people"]}
    found: dict[str, list[tuple[str, date]]] = {}
    for row in rows["doses"]:
        found.setdefault(names[row[:2]], []).append((str(row[3]), row[4]))  # type: ignore[arg-type]
    return found


def test_a_household_is_two_and_one_again_to_the_byte(crowded: Town) -> None:
    town, station = crowded, overseer(crowded)
    one, before, tallies = found(crowded), whole(crowded), crowded.everything()
    second = divide(town, station, one, MAY, SINH, DUNG, house_number="12B")
    assert UUID(second).version == 4
    assert houses(town) == {"a": [LAN, PAO], second: [MAY, SINH, DUNG]}
    assert doses(town) == {LAN: [("1", FIRST)], MAY: [("1", FIRST)]}
    first, other = sorted(whole(town)["households"], key=lambda row: row[2] != "a")
    h = tables.households.c
    columns = [column.name for column in h]
    facts = dict(zip(columns, other, strict=True))
    with town.reference.database.read() as connection:
        act = connection.scalar(select(tables.mendings.c.seq))
    assert (facts["seq"], facts["head"], facts["house_number"], facts["expected_members"]) == (-act, MAY, "12B", None)
    assert (facts["hamlet_code"], facts["lat"]) == tuple(first[columns.index(each)] for each in ("hamlet_code", "lat"))
    total = town.ask().total
    assert (total.eligible, total.houses.visited) == (5, 2)
    assert waiting(town, "head_count") == []
    check_rebuild(town)
    cleaning.take_back(town.reference, station, C, one.key)
    assert (whole(town), town.everything()) == (before, tallies)
    assert [each.key for each in waiting(town, "head_count")] == [one.key]
    check_rebuild(town)


def test_what_is_told_later_of_who_went_follows_them_and_all_else_stays_with_the_first(crowded: Town) -> None:
    town, station = crowded, overseer(crowded)
    second = divide(town, station, found(town), MAY, SINH, DUNG)
    # A phone that has the new list tells of those who stayed; nobody went back, or away.
    visit(town, "a", member(LAN, ("1", FIRST, "pfizer")), on=LATER, house_number="7")
    assert houses(town) == {"a": [LAN], second: [MAY, SINH, DUNG]}
    # One that was away all the while still has those who went in the first house.
    visit(town, "a", member(LAN), member(MAY, ("1", FIRST, "pfizer"), ("2", SECOND, "pfizer")), on=LATER)
    assert houses(town) == {"a": [LAN], second: [MAY, SINH, DUNG]}
    assert doses(town)[MAY] == [("1", FIRST), ("2", SECOND)]
    visit(town, "a", on=LATER + timedelta(days=1), house_number="7")
    check_rebuild(town)
    # The second is visited for itself: Sinh is gone from there, and what is told of May last counts.
    visit(town, second, member(MAY, ("1", FIRST, "pfizer")), member(DUNG), on=LATER + timedelta(days=2), base=1)
    assert houses(town)[second] == [MAY, DUNG]
    visit(town, "a", member(LAN), member(DUNG, ("1", SECOND, "pfizer")), on=LATER + timedelta(days=3))
    assert houses(town)[second] == [MAY, DUNG]
    assert (doses(town)[MAY], doses(town)[DUNG]) == ([("1", FIRST)], [("1", SECOND)])
    check_rebuild(town)


def test_taken_back_after_both_were_visited_all_are_in_the_first_with_what_was_told_of_them(crowded: Town) -> None:
    town, station = crowded, overseer(crowded)
    one = found(town)
    second = divide(town, station, one, MAY, SINH)
    child = member(DUNG) | {"person.name": "Lý A Sử", "person.id": "born since"}
    visit(town, "a", member(LAN), member(PAO), on=LATER, house_number="7")
    told = member(MAY, ("1", FIRST, "pfizer"), ("2", SECOND, "pfizer"))
    visit(town, second, told, child, on=LATER, base=1, house_number="9", head=MAY)
    assert houses(town) == {"a": [LAN, PAO], second: [MAY, "Lý A Sử"]}
    check_rebuild(town)
    cleaning.take_back(town.reference, station, C, one.key)
    # While they were two the list of the first lacked those who went, so its census tells nothing of them; what was
    # told of the second's people stays.
    assert houses(town) == {"a": [LAN, PAO, MAY, SINH, "Lý A Sử"]}
    assert doses(town) == {MAY: [("1", FIRST), ("2", SECOND)]}
    (house,) = whole(town)["households"]
    assert "7" in house and "9" not in house
    assert set(town.states().values()) == {"processed"}
    check_rebuild(town)
    # What a phone still sends of the second counts in the first.
    late = LATER + timedelta(days=1)
    visit(town, second, told, member(SINH, ("1", FIRST, "pfizer")), on=late, base=2)
    assert houses(town) == {"a": [LAN, PAO, MAY, SINH, "Lý A Sử"]}
    assert doses(town)[SINH] == [("1", FIRST)]
    check_rebuild(town)
    # And the first's next census, by the list that has them all, tells again who lives there.
    visit(town, "a", member(LAN), told, on=late + timedelta(days=1), base=2)
    assert houses(town) == {"a": [LAN, MAY]}
    check_rebuild(town)


def test_a_census_that_was_sent_of_the_wrong_house_is_of_the_second(town: Town) -> None:
    visit(town, "a", member(LAN, ("1", FIRST, "pfizer")), member(PAO), head=LAN, house_number="1")
    before = whole(town)
    wrong = [member(name) for name in (MAY, SINH, DUNG)]
    instance = visit(town, "a", *wrong, member(PAO), on=LATER, base=1, head=MAY, house_number="2", expected_members=9)
    assert houses(town) == {"a": [MAY, SINH, DUNG, PAO]}
    station, one = overseer(town), found(town)
    second = divide(town, station, one, tellings=(instance,), head="Lý Văn Tờ")
    assert houses(town) == {"a": [LAN, PAO], second: [MAY, SINH, DUNG, PAO]}
    assert doses(town) == {LAN: [("1", FIRST)]}
    ids = [row[2] for row in whole(town)["people"]]
    assert len(set(ids)) == len(ids), "who is told of in both under one id is somebody else in the second"
    first, other = sorted(whole(town)["households"], key=lambda row: row[2] != "a")
    assert first[:8] == before["households"][0][:8]
    assert {"Lý Văn Tờ", "2"} <= set(other) and LATER in other
    check_rebuild(town)
    # An edit of that census is of the second too.
    wrong[0] = member(MAY, ("1", SECOND, "pfizer"))
    xml = town.write({"visit.date": LATER}, wrong, entity="a", instance="uuid:edit", edits=instance)
    assert town.send(xml, received=LATER).counted
    assert houses(town) == {"a": [LAN, PAO], second: [MAY, SINH, DUNG]}
    assert doses(town)[MAY] == [("1", SECOND)]
    check_rebuild(town)
    cleaning.take_back(town.reference, station, C, one.key)
    assert houses(town) == {"a": [MAY, SINH, DUNG]}
    check_rebuild(town)


def test_what_cannot_be_divided_is_refused_and_changes_nothing(crowded: Town) -> None:
    town, station = crowded, overseer(crowded)
    one, before = found(town), whole(town)

    def wrong(error: type[Exception], match: str, *people: str, **more: object) -> None:
        with pytest.raises(error, match=match):
            divide(town, station, one, *people, **more)  # type: ignore[arg-type]

    wrong(InvalidInput, "Somebody must stay", *NAMES)
    wrong(InvalidInput, "Somebody must stay")
    wrong(InvalidInput, "head of the second", MAY, head=" ", house_number=" ")
    wrong(InvalidInput, "head of the second", MAY, head="x" * 201)
    wrong(Conflict, "meanwhile", MAY, "nobody")
    wrong(Conflict, "meanwhile", MAY, tellings=("uuid:none",))
    wrong(InvalidInput, "Somebody must stay", tellings=(next(iter(town.states())),))
    with pytest.raises(InvalidInput):
        cleaning.decide(town.reference, station, C, one.key, Choice("divide"))
    assert whole(town) == before
    assert [each.key for each in waiting(town, "head_count")] == [one.key]


def test_the_audit_trail_tells_which_household_was_divided_and_nobodys_name(crowded: Town) -> None:
    second = divide(crowded, overseer(crowded), found(crowded), MAY, SINH, DUNG)
    (entry,) = [each for each in audit.entries(crowded.reference, 99) if each.action == "oddity.decided"]
    told = str(entry)
    assert second in told and "divide" in told
    assert not [name for name in NAMES if name in told]


def act_in_any_order(town: Town, patch: pytest.MonkeyPatch, seed: int, steps: int, done: Counter[str]) -> None:
    """Visits, edits and decisions as a seed draws them, then all decisions taken back; done: counts what happened."""
    chance = random.Random(seed)
    patch.setattr(mending_choices, "uuid4", lambda: UUID(int=chance.getrandbits(128), version=4))
    station = overseer(town)
    held: list[str] = []
    sent: list[tuple[str, str]] = []
    for day in range(steps):
        kind = chance.choice(("visit", "visit", "visit", "edit", "divide", "divide", "join", "undo"))
        known = list(houses(town))
        people = [
            member(name, *[("1", FIRST, "pfizer"), ("2", SECOND, "pfizer")][: chance.randint(0, 2)])
            for name in chance.sample(NAMES, chance.randint(1, 4))
        ]
        on = DAY + timedelta(days=chance.choice((day, day, 0)))
        if kind == "visit":
            new = not known or (len(known) < 3 and chance.random() < 0.3)
            house = f"house-{day}" if new else chance.choice([*known, *(house for house, _ in sent)])
            told = {"outcome": chance.choice(("interviewed", "interviewed", "interviewed", "moved_away"))}
            base = 0 if new else chance.randint(1, 3)
            sent.append((house, visit(town, house, *people, on=on, base=base, **told, expected_members=20)))
        elif kind == "edit" and sent:
            place = chance.randrange(len(sent))
            house, before = sent[place]
            instance = town.new_instance()
            xml = town.write({"visit.date": on}, people, entity=house, instance=instance, edits=before)
            town.send(xml, received=on)
            sent[place] = house, instance
        elif kind == "undo" and held:
            cleaning.take_back(town.reference, station, C, held.pop(chance.randrange(len(held))))
        elif kind == "divide" and (odd := waiting(town, "head_count")):
            one = chance.choice(odd)
            with town.reference.database.read() as connection:
                p, h = tables.people.c, tables.households.c
                ids = select(p.id).join(tables.households, h.seq == p.household_seq).where(h.id == one.household_id)
                members = sorted(connection.scalars(ids))
                roots = select(tables.submissions.c.root_id).where(
                    tables.submissions.c.household_id == one.household_id, tables.submissions.c.state == "processed"
                )
                tellings = sorted(connection.scalars(roots))
            going = tuple(chance.sample(members, chance.randint(0, max(0, len(members) - 1))))
            moved = tuple(chance.sample(tellings, chance.randint(0, 1) if len(tellings) > 1 else 0))
            try:
                wanted = Dividing(going, moved, head=f"Chủ hộ {day}")
                cleaning.decide(town.reference, station, C, one.key, Choice("divide", dividing=wanted))
            except (Conflict, InvalidInput):
                continue  # nobody would stay, or go; or what was sent is of another household by now
            held.append(one.key)
        elif kind == "join" and (odd := waiting(town, "same_person", "same_household")):
            one = chance.choice(odd)
            cleaning.decide(town.reference, station, C, one.key, Choice("join", kept=chance.choice(("one", "other"))))
            held.append(one.key)
        else:
            continue
        done[kind] += 1
        if chance.random() < 0.2:
            check_rebuild(town)
    check_rebuild(town)
    for key in reversed(held):
        cleaning.take_back(town.reference, station, C, key)
    check_rebuild(town)


def test_visits_and_divisions_in_any_order_are_what_a_rebuild_gives(
    new_town: Callable[[], Town], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Counter[str] = Counter()
    for seed in range(2):
        try:
            act_in_any_order(new_town(), monkeypatch, seed, 24, done)
        except BaseException as fault:
            fault.add_note(f"with seed {seed}")
            raise
    assert min(done[kind] for kind in ("visit", "edit", "divide", "join", "undo")) >= 2, done


def test_both_databases_give_what_a_rebuild_gives_after_divisions(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    done: Counter[str] = Counter()
    act_in_any_order(town, monkeypatch, 2, 14, done)
    assert min(done[kind] for kind in ("visit", "divide")) >= 1, done


# Slips given out before somebody's household or entry was mended


def standing(town: Town, text: str) -> Standing:
    found = slips.check(town.reference, text, DAY)
    assert isinstance(found, slips.Checked)
    return found.standing


def slips_of(town: Town, who: User, house: str) -> dict[str, str]:
    """Texts of new slips of a household, by name."""
    given = slips.give(town.reference, who, C, {house: None}, slips.Choice(), DAY)
    return {one.slip.name: one.text for one in given}


def test_a_slip_follows_its_person_to_the_second_household_and_back(crowded: Town) -> None:
    town, station = crowded, overseer(crowded)
    one, given = found(town), slips_of(town, station, "a")
    second = divide(town, station, one, MAY, SINH, DUNG)
    assert {standing(town, text) for text in given.values()} == {Standing.GOOD}
    shown = slips.household(town.reference, station, C, second, DAY)
    assert [[each.standing for each in member.slips] for member in shown.members] == [[Standing.GOOD]] * 3
    # New slips of either house revoke nothing that still holds of who went.
    slips_of(town, station, "a")
    slips_of(town, station, second)
    assert {standing(town, text) for text in given.values()} == {Standing.GOOD}
    visit(town, second, member(MAY, ("1", FIRST, "pfizer"), ("2", SECOND, "pfizer")), on=LATER, base=1)
    assert {name: standing(town, text) for name, text in given.items()} == {
        **dict.fromkeys((LAN, PAO), Standing.GOOD),
        **dict.fromkeys((MAY, SINH, DUNG), Standing.SUPERSEDED),
    }
    slips_of(town, station, second)
    cleaning.take_back(town.reference, station, C, one.key)
    # Sinh is in the first house again as the slip says; May has a dose more, and her old slip was replaced besides.
    assert {standing(town, given[name]) for name in (LAN, PAO)} == {Standing.GOOD}
    assert standing(town, given[MAY]) is Standing.SUPERSEDED


def test_a_slip_of_a_joined_household_holds_and_can_be_revoked_there(town: Town) -> None:
    people = [member(LAN, ("1", FIRST, "pfizer")), member(PAO)]
    visit(town, "a", *people, house_number="1")
    visit(town, "b", *([one | {"person.id": f"{one['person.name']} again"} for one in people]), member(MAY))
    station = overseer(town)
    given = slips_of(town, station, "b")
    (one,) = waiting(town, "same_household")
    cleaning.decide(town.reference, station, C, one.key, Choice("join"))
    (kept,) = houses(town)
    gone = "b" if kept == "a" else "a"
    # Whose entry was the other one's is known under another's id now; who was in one house alone is the same.
    again = Standing.SUPERSEDED if gone == "b" else Standing.GOOD
    assert [standing(town, given[name]) for name in (LAN, PAO, MAY)] == [again, again, Standing.GOOD]
    found_slip = slips.check(town.reference, given[LAN], DAY)
    assert isinstance(found_slip, slips.Checked)
    slips.revoke(town.reference, station, found_slip.slip.id, "lost")
    assert standing(town, given[LAN]) is Standing.REVOKED
    cleaning.take_back(town.reference, station, C, one.key)
    assert [standing(town, given[name]) for name in (LAN, PAO, MAY)] == [
        Standing.REVOKED,
        Standing.GOOD,
        Standing.GOOD,
    ]


def test_figures_lists_and_filters_count_two_households_and_everybody_once(crowded: Town) -> None:
    town, station = crowded, overseer(crowded)
    one = found(town)

    def counted() -> tuple[int, int, list[str]]:
        total, question = town.ask().total, asked()
        listed = people_list.houses(town.reference, EVERYTHING, question, None, "visited")
        return total.houses.visited, len(listed.houses), sorted(names(town))

    assert counted() == (1, 1, sorted(NAMES))
    divide(town, station, one, MAY, SINH, DUNG)
    assert counted() == (2, 2, sorted(NAMES))
    check_figures(town, "squares", "18_plus", "1", DAY)
    cleaning.take_back(town.reference, station, C, one.key)
    assert counted() == (1, 1, sorted(NAMES))
