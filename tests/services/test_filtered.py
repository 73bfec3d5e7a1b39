"""A filter wants the same people as the register says, person by person, whatever of it is copied already."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import String, select, type_coerce

from mapper.domain.campaign import Campaign
from mapper.domain.ledger import INSIDE, State, state_on
from mapper.domain.made_plan import PlanSite
from mapper.domain.people_filter import Entering, Obstacle, PeopleFilter
from mapper.domain.places import fold
from mapper.domain.plan import PlanQuestion
from mapper.errors import NotFound
from mapper.services import accounts, filter_lists, people_copy, submission_page
from mapper.services.accounts import User
from mapper.services.filtered import FilterQuestion, filtered
from mapper.services.people_copy import NotReady, copy_of
from mapper.services.reference import Reference
from mapper.store import people_list, tables
from mapper.store.database import Database
from mapper.store.people_list import Found
from tests.ready import sqlite_copy
from tests.services.made_plans import change, hall, keep, made_of, of_house, planned, session
from tests.services.test_sequences import DAYS, Story
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Answers, Town, inside, person

ONE = [("1", date(2021, 9, 1), "pfizer")]


def names(town: Town, user: User = EVERYTHING, day: date = DAY, set_id: str = "squares", **wanted: object) -> list[str]:
    question = FilterQuestion("covid19", set_id, day, PeopleFilter(**wanted))  # type: ignore[arg-type]
    with filtered(town.reference, user, question) as found:
        every = [one.name or "" for some in found.people() for one in some]
        assert found.count()[0] == sum(found.by_cell().values()) == len(every)
        assert every[1:3] == [one.name or "" for one in found.page(1, 2)]
        return every


def enter(town: Town, house: str, *people: Answers, commune: int = 0, hamlet: int = 0, **facts: object) -> None:
    told = {"household.house_number": house} | facts
    town.send(town.write(told, people, commune=commune, hamlet=hamlet, entity=f"{commune}-{hamlet}-{house}"))


def lan(name: str, born: date = date(1980, 1, 1), doses: object = (), **facts: str) -> Answers:
    return person(born, doses, name=name, **facts)  # type: ignore[arg-type]


def test_whom_a_plan_in_use_invites_is_found_by_day_and_site_and_only_in_the_area_of_who_asks(town: Town) -> None:
    for number, name in enumerate(("Mai", "Lan", "Sen")):
        enter(town, str(number), lan(name), commune=0)
    enter(town, "9", lan("Nam"), commune=1, **{"household.point": inside(1, 0.25, 0.25)})
    with town.reference.database.read() as connection:
        ids = {one.name: one.id for one in connection.execute(select(tables.people.c.name, tables.people.c.id))}
    first, second = DAY + timedelta(days=1), DAY + timedelta(days=2)

    def at(name: str, site: str, *asked: tuple[str, date]) -> PlanSite:
        people = tuple(planned(ids[one], day) for one, day in asked)
        return hall(name, [of_house(f"h{site}", people)], [session(first, len(people))], site)

    one, two = at("Nhà văn hoá", "nvh", ("Mai", first), ("Lan", second)), at("Trường", "t", ("Nam", first))
    question = PlanQuestion("covid19", first, second, set_id="squares")
    assert names(town, invited_from=first) == [], "no plan is in use yet"
    number = keep(town.reference, made_of(one, two), question)
    assert names(town, invited_from=first) == ["Mai", "Lan", "Nam"]
    assert names(town, invited_from=first, invited_to=first) == ["Mai", "Nam"]
    assert names(town, invited_from=second) == names(town, invited_sites=("nvh",), invited_from=second) == ["Lan"]
    assert names(town, invited_sites=("nvh",)) == ["Mai", "Lan"]
    assert names(town, invited_sites=("nvh", "t"), text="mai") == ["Mai"]
    assert names(town, invited_sites=("none",)) == []
    commune = accounts.add_user(town.reference, "xã", "commune_supervisor", [f"squares:{COMMUNES[0]}"])
    user = accounts.by_id(town.reference, commune.id)
    assert user is not None
    assert names(town, user, invited_from=first) == ["Mai", "Lan"], "nobody of another commune"
    change(town.reference, number, in_use=False)
    assert names(town, invited_from=first) == [], "a plan put aside invites nobody"


@pytest.fixture(scope="module")
def searched_town(town_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A woman whose name three forms write in three ways, each with another writing of one phone; and another."""
    folder = tmp_path_factory.mktemp("searched")
    database = Database(sqlite_copy(town_file, folder))
    town = Town(Reference(database), folder)
    spelt = ("Đặng Thúy Hoà", "Đặng Thuý Hòa", "\u0110a\u0323\u0306ng Thu\u0301y Ho\u0061\u0300")
    for house, (name, phone) in enumerate(zip(spelt, ("0912 345 678", "+84 912.345.678", "0912345678"), strict=True)):
        facts = {"household.phone": phone, "household.head": "Lý Văn Tài"}
        enter(town, str(house), lan(name, date(1950, 5, 5)), **facts)
    other = {"household.phone": "0987 654 321", "household.head": "Lý Sún"}
    enter(town, "9", lan("Bàn Văn Khé"), **other)
    yield town
    database.close()


def test_each_criterion_finds_those_it_names(town: Town) -> None:
    enter(town, "10", lan("Nguyễn Văn Đức", doses=ONE, sex="male"), lan("Bé", date(2015, 8, 16)), commune=0)
    enter(
        town,
        "2",
        lan("Trần Thị Hoà", date(1950, 5, 5), consent="no", refusal_reason="fear"),
        lan("Lý Sún", residence="works_away", away_place="Bình Dương"),
        **{"household.phone": "0912 345 678", "household.head": "Lý Văn Tài"},
    )
    enter(town, "1", lan("Hoàng Đức Nam", priority="pregnant"), commune=1, **{"household.point": inside(1, 0.25, 0.25)})
    everybody = ["Trần Thị Hoà", "Lý Sún", "Nguyễn Văn Đức", "Bé", "Hoàng Đức Nam"]
    assert names(town) == everybody  # commune by commune, house 2 before house 10
    assert names(town, text="duc nguyen") == ["Nguyễn Văn Đức"]
    assert names(town, text="ĐỨC") == ["Nguyễn Văn Đức", "Hoàng Đức Nam"]
    assert names(town, text="uc") == []  # words are found by their beginnings
    assert names(town, text="1950") == ["Trần Thị Hoà"]
    assert names(town, text="912345") == names(town, text="ly tai") == ["Trần Thị Hoà", "Lý Sún"]
    assert names(town, sexes=("male",)) == ["Nguyễn Văn Đức"]
    # Seven years old on the day of the visit but one: the birthday counts.
    assert names(town, age_to=6, day=date(2022, 8, 15)) == names(town, age_from=7, age_to=7, day=date(2022, 8, 16))
    assert names(town, age_from=60) == ["Trần Thị Hoà"]
    assert names(town, residences=("works_away",)) == names(town, reasons=((Obstacle.AWAY, "Bình Dương"),))
    assert names(town, reasons=((Obstacle.AWAY, None),)) == ["Lý Sún"]
    assert names(town, reasons=((Obstacle.REFUSED, "fear"), (Obstacle.AWAY, ""))) == ["Trần Thị Hoà"]
    assert names(town, priorities=("pregnant", "frontline")) == ["Hoàng Đức Nam"]
    assert names(town, areas=(f"commune:{COMMUNES[1]}",)) == ["Hoàng Đức Nam"]
    assert len(names(town, areas=(f"commune:{COMMUNES[1]}", f"hamlet:{HAMLETS[0][0]}"))) == 5
    assert names(town, given=("1",), vaccines=("pfizer",), given_from=date(2021, 9, 1)) == ["Nguyễn Văn Đức"]
    assert names(town, given=("1",), given_from=date(2021, 9, 2)) == names(town, given=("2",)) == []
    assert names(town, within=((22.0, 105.1), (22.1, 105.1), (22.0, 105.2))) == ["Hoàng Đức Nam"]
    assert names(town, within=((22.1, 105.1), (22.1, 105.2), (22.05, 105.2))) == []
    assert len(names(town, visited_from=DAY)) == 5 and names(town, visited_to=DAY - timedelta(days=1)) == []
    assert names(town, outcomes=("absent",)) == [] and len(names(town, outcomes=("interviewed",))) == 5


def test_whoever_becomes_due_or_comes_into_a_group_is_found_on_the_day(town: Town) -> None:
    enter(town, "1", lan("Mười tám", date(2004, 9, 1)), lan("Mũi hai", doses=[("1", date(2022, 8, 10), "pfizer")]))
    between = {"entering_from": date(2022, 9, 1), "entering_to": date(2022, 9, 7)}
    later = {"entering_from": date(2022, 9, 2), "entering_to": date(2022, 9, 6)}
    coming = {"group": "18_plus", "entering": Entering.GROUP}
    assert names(town, **coming, **between) == ["Mười tám"]
    assert names(town, **coming, **later) == []
    # 28 days after the first dose.
    assert names(town, group="18_plus", dose="2", entering=Entering.DUE, **between) == ["Mũi hai"]
    assert names(town, group="18_plus", dose="2", entering=Entering.DUE, **later) == []


def test_nobody_finds_people_outside_their_area(town: Town) -> None:
    enter(town, "1", lan("Ở đây"), commune=0)
    enter(town, "1", lan("Nơi khác"), commune=1)
    made = accounts.add_user(town.reference, "of one commune", "commune_supervisor", [f"squares:{COMMUNES[0]}"])
    user = accounts.by_id(town.reference, made.id)
    assert user is not None
    assert names(town, user) == names(town, user, text="o") == ["Ở đây"]
    assert names(town, user, areas=(f"commune:{COMMUNES[1]}",)) == []
    assert names(town, user, within=((22.0, 105.0), (22.2, 105.0), (22.2, 105.7), (22.0, 105.7))) == ["Ở đây"]


def test_a_group_or_dose_that_the_campaign_lacks_is_named(sqlite_town: Town) -> None:
    with pytest.raises(NotFound, match="no group"):
        names(sqlite_town, group="gods")
    with pytest.raises(NotFound, match="no dose"):
        names(sqlite_town, group="18_plus", dose="9")


def test_what_changed_since_the_copy_is_read_beside_it(town: Town) -> None:
    for commune in (0, 1, 2):
        enter(town, "1", lan(f"Người {commune}"), commune=commune)
    copy = copy_of(town.reference)
    copy.copy(town.reference, "covid19")
    before = copy.columns.manifest("covid19")
    assert len(before.cells) == 3
    enter(town, "1", lan("Đổi tên"), lan("Mới"), commune=1)
    enter(town, "9", lan("Nhà mới"), commune=1)
    assert names(town) == ["Người 0", "Đổi tên", "Mới", "Nhà mới", "Người 2"]
    assert copy.columns.manifest("covid19") == before
    copy.copy(town.reference, "covid19")
    assert copy.columns.manifest("covid19") != before
    assert names(town) == ["Người 0", "Đổi tên", "Mới", "Nhà mới", "Người 2"]


def test_what_supervisors_say_of_a_submission_is_found_at_once(town: Town) -> None:
    enter(town, "1", lan("Đã xem"))
    enter(town, "2", lan("Chưa xem"))
    copy_of(town.reference).copy(town.reference, "covid19")
    with town.reference.database.read() as connection:
        house = tables.households.c
        first = connection.scalar(select(house.instance_id).where(type_coerce(house.house_number, String) == "1"))
    assert first is not None
    user = accounts.by_id(town.reference, accounts.add_user(town.reference, "sees all", "administrator", []).id)
    assert user is not None
    assert names(town, reviews=("",)) == ["Đã xem", "Chưa xem"]
    submission_page.remark(town.reference, user, first, "approved", "")
    assert names(town, reviews=("approved",)) == ["Đã xem"]
    assert names(town, reviews=("",)) == ["Chưa xem"]


@pytest.mark.parametrize(
    "text",
    [
        *("hoà", "hòa", "HOÀ dang", "đặng hòa", "ho\u0061\u0300", "dặng", "dang thuy hoa 1950", "1950 hoa"),
        *("0912345678", "0912 345 678", "0912.345.678", "09 12 34 56 78", "+84912345678", "+84 912 345 678"),
        *("84912345678", "0084 912345678", "912345", "345.678", "+84912", "678 hoa 0912", "hoa 0912-345-678"),
    ],
)
def test_free_text_finds_a_person_however_name_and_phone_are_written(searched_town: Town, text: str) -> None:
    assert [fold(name) for name in names(searched_town, text=text)] == ["dang thuy hoa"] * 3


@pytest.mark.parametrize("text", ["hoa 1951", "0912345679", "+84345678", "ang", "12", "hoa nam"])
def test_free_text_finds_nobody_else(searched_town: Town, text: str) -> None:
    assert names(searched_town, text=text) == []


def test_where_much_changed_the_copy_is_made_first_and_says_how_far_it_is(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_copy, "READ_BESIDE", 1)
    enter(sqlite_town, "1", lan("Một"), lan("Hai"))
    with pytest.raises(NotReady) as waiting:
        names(sqlite_town)
    assert waiting.value.facts["percent"] in range(101)
    for _ in range(1200):
        try:
            assert names(sqlite_town) == ["Một", "Hai"]
            return
        except NotReady:
            time.sleep(0.05)  # the copying needs the processor too
    pytest.fail("the copy was never ready")


def test_random_filters_find_whom_the_register_says(new_town: Callable[[], Town]) -> None:
    story = Story(new_town(), 11)
    story.run(40)
    town, chance = story.town, random.Random(3)
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaigns["covid19"]
        cells = [row[0] for row in connection.execute(select(tables.cells.c.id))]
        people = people_list.people(town.reference.database, connection, "covid19", cells)
    found = 0
    for number in range(150):
        if number == 60:
            copy_of(town.reference).copy(town.reference, "covid19")
        wanted, day = drawn(chance, campaign), chance.choice(DAYS) + timedelta(days=chance.randrange(-90, 200))
        expected = sorted(one.person.id for one in people if is_wanted(one, wanted, campaign, day))
        with filtered(town.reference, EVERYTHING, FilterQuestion("covid19", "", day, wanted)) as asked:
            listed = [one.id for some in asked.people() for one in some]
            assert sorted(listed) == expected, (wanted, day)
            # What files are written from: the same people in the same order.
            assert [one for sheet in asked.sheets() for one in sheet["id"].to_pylist()] == listed
        found += bool(expected)
    assert found > 50


def drawn(chance: random.Random, campaign: Campaign) -> PeopleFilter:
    """A filter of one to three criteria."""
    group, dose = chance.choice(campaign.series)
    age = chance.randrange(60)
    criteria: list[dict[str, object]] = [
        {"group": group.code},
        {"group": group.code, "dose": dose.code, "states": frozenset(chance.sample(list(State), 2))},
        {"group": group.code, "dose": dose.code, "states": frozenset(chance.sample(INSIDE, 3))},
        {"age_from": age, "age_to": age + chance.randrange(40)},
        {"sexes": (chance.choice(("male", "female")),)},
        {"residences": (chance.choice(("here", "works_away", "moved_out")),)},
        {"given": (dose.code,), "vaccines": (chance.choice(("pfizer", "astrazeneca", "abdala")),)},
        {"given_from": date(2021, 9, 1), "given_to": date(2022, chance.randrange(1, 12), 1)},
        {"reasons": ((chance.choice(list(Obstacle)), None),)},
        {"text": chance.choice(("nguyen", "lan", "thi", "a", "1980", "2"))},
    ]
    chosen: dict[str, object] = {}
    for each in chance.sample(criteria, chance.randrange(1, 4)):
        chosen |= each
    return PeopleFilter(**chosen)  # type: ignore[arg-type]


def is_wanted(one: Found, wanted: PeopleFilter, campaign: Campaign, day: date) -> bool:
    """The same asked of one person in plain Python."""
    p = one.person
    if wanted.group:
        of_group = [(group, dose) for group, dose in campaign.series if group.code == wanted.group]
        if wanted.states:
            of_group = [pair for pair in of_group if pair[1].code == wanted.dose]
        stands = {state_on(p, group, dose, day) for group, dose in of_group}
        if stands.isdisjoint(wanted.states or INSIDE):
            return False
    if wanted.age_from is not None and wanted.age_to is not None:
        if p.born_on is None:
            return False
        # Full years, counted from birthday to birthday.
        age = day.year - p.born_on.year - ((day.month, day.day) < (p.born_on.month, p.born_on.day))
        if not wanted.age_from <= age <= wanted.age_to:
            return False
    if wanted.sexes and p.sex not in wanted.sexes:
        return False
    if wanted.residences and p.residence not in wanted.residences:
        return False
    if wanted.asks_dose and not any(
        (not wanted.given or dose.code in wanted.given)
        and (not wanted.vaccines or dose.vaccine in wanted.vaccines)
        and (not wanted.given_from or (dose.given_on is not None and dose.given_on >= wanted.given_from))
        and (not wanted.given_to or (dose.given_on is not None and dose.given_on <= wanted.given_to))
        for dose in p.doses
    ):
        return False
    obstacles = {
        Obstacle.CONTRAINDICATED: p.contraindicated,
        Obstacle.DEFERRED: p.deferred_until is not None,
        Obstacle.REFUSED: p.refused,
        Obstacle.AWAY: p.residence in ("works_away", "moved_out"),
    }
    if wanted.reasons and not any(obstacles[obstacle] for obstacle, _ in wanted.reasons):
        return False
    words = fold(p.name or "").split()
    for word in fold(wanted.text).split():
        born = p.born_on is not None and len(word) == 4 and str(p.born_on.year) == word
        if not born and not any(each.startswith(word) for each in words):
            return False
    return True


def test_a_hamlet_on_the_map_does_not_tell_where_the_only_house_found_stands(sqlite_town: Town) -> None:
    for house, east in (("1", 0.2), ("2", 0.4)):
        enter(sqlite_town, house, lan(f"Lan {house}"), **{"household.point": inside(0, east=east)})

    def middles(**wanted: object) -> list[tuple[int, float | None, float | None]]:
        question = FilterQuestion("covid19", "squares", DAY, PeopleFilter(**wanted))  # type: ignore[arg-type]
        found = filter_lists.on_map(sqlite_town.reference, EVERYTHING, question)
        return [(spot.people, spot.lat, spot.lon) for spot in found.spots]

    ((all_people, *middle),) = middles()
    ((one, *middle_of_one),) = middles(text="Lan 2")
    assert (all_people, one) == (2, 1)
    assert middle == middle_of_one


def test_of_very_many_hamlets_the_map_shows_the_units_around_them(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for commune, hamlet in ((0, 0), (0, 1), (1, 0), (7, 0)):
        enter(sqlite_town, "1", lan("Lan"), lan("Lý"), commune=commune, hamlet=hamlet)
    # Its point lies in the next commune: one hamlet in two of them.
    enter(sqlite_town, "9", lan("Sún"), commune=7, hamlet=0, **{"household.point": inside(8)})
    question = FilterQuestion("covid19", "squares", DAY, PeopleFilter(age_from=18))
    drawn = {}
    for most in (500, 4, 3, 1):
        monkeypatch.setattr(filter_lists, "MOST_SPOTS", most)
        found = filter_lists.on_map(sqlite_town.reference, EVERYTHING, question)
        assert sum(spot.people for spot in found.spots) == found.of.people == 9
        for spot in found.spots:
            if spot.area:
                narrowed = PeopleFilter(age_from=18, areas=(spot.area,))
                told = filter_lists.count(
                    sqlite_town.reference, EVERYTHING, FilterQuestion("covid19", "squares", DAY, narrowed)
                )
                assert told.people == spot.people, spot
        drawn[most] = found.level, sorted(spot.area for spot in found.spots)
    hamlets = sorted(f"hamlet:{HAMLETS[commune][hamlet]}" for commune, hamlet in ((0, 0), (0, 1), (1, 0)))
    communes = sorted(f"commune:{COMMUNES[number]}" for number in (0, 1, 7, 8))
    assert drawn == {
        500: ("hamlet", ["", "", *hamlets]),
        4: ("commune", communes),
        3: ("district", ["district:N", "district:S"]),
        1: ("province", ["province:P"]),
    }
    # The mean of five parts: three in the southern row of squares and three in the first column, the others beside.
    (whole,) = found.spots
    assert (whole.lat, whole.lon) == (pytest.approx(22.09), pytest.approx(105.09))
