"""The sums of the ledger hold at every level on 100,000 invented people, each recounted by the one rule.

A quarter of them unless the whole proof is asked for.

The households are those of the sample's maker. They are placed, entered and counted by the very functions that a
rebuild uses once it has read a submission (``counting.enter``, ``counting.write``); only the XML between is left out.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from mapper.domain.household import house_counts
from mapper.domain.ledger import INSIDE, State
from mapper.domain.people import Dose, Outcome, Person, Visit
from mapper.services import ages, counting, invented, people_list, reasons, ways
from mapper.services.ages import Pyramid
from mapper.services.areas import Area
from mapper.services.counting import Entering, Gathered
from mapper.services.invented import Asking, HamletSketch
from mapper.services.people_list import PeopleList
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.understanding import dated_steps
from mapper.store import reference as kept
from mapper.store import register
from mapper.store.database import Database
from tests.proofs import drawn
from tests.ready import sqlite_copy
from tests.services.book import RegisteredHouse, check_figures, registered
from tests.services.town import COMMUNES, EVERYTHING, HAMLETS, Town, inside

pytestmark = pytest.mark.long

PEOPLE = drawn(100_000, 25_000)
FIRST_DAY, DAYS = date(2022, 7, 11), 60
UNLISTED = HAMLETS[3][1]
"""A hamlet whose size no list says."""
ALIKE = 8
"""Houses, in as many hamlets, in which each family that is drawn lives: drawing them and their steps takes longest."""
TOGETHER = 1000


@dataclass(frozen=True)
class City:
    """The town with its people. houses: its register, row by row; expected: houses of each hamlet's list."""

    town: Town
    houses: Sequence[RegisteredHouse]
    expected: Mapping[str, int | None]


def told(said: Mapping[str, Any], day: date, number: int) -> Person:
    """A person as the maker's answers tell them."""
    born, precision = said.get("person.birth_date"), "day"
    if "person.birth_year" in said:
        born, precision = date(said["person.birth_year"], 7, 1), "year"
    priority = said.get("person.priority")
    return Person(
        f"p{number}",
        day,
        said["person.name"],
        born,
        precision,  # type: ignore[arg-type]
        said["person.sex"],
        said["person.residence"],
        priorities=(priority,) if priority and priority != "none" else (),
        contraindicated=said["person.contraindicated"] == "yes",
        deferred_until=said.get("person.deferred_until"),
        deferral_reason=said.get("person.deferral_reason"),
        infected_on=said.get("person.infected_on"),
        refused=said["person.consent"] == "no",
        refusal_reason=said.get("person.refusal_reason"),
        vaccination_unknown=said["person.vaccinated"] == "unknown",
        doses=tuple(Dose(one["dose.number"], one["dose.date"], one["dose.vaccine"]) for one in said["doses"]),
    )


def sketches(chance: random.Random) -> list[HamletSketch]:
    """The hamlets of the town, some of them across the border of their commune."""
    found = []
    for commune, hamlets in enumerate(HAMLETS):
        for place, code in enumerate(hamlets):
            at = inside(commune, 0.99 if place == 0 else chance.random(), chance.random())
            share = chance.choice((0.4, 0.8, 0.95, 1.0))
            found.append(HamletSketch(code, COMMUNES[commune], 0, at.lon, at.lat, share, chance.gauss(0.86, 0.08)))
    return found


def build(town: Town) -> Mapping[str, int | None]:
    """Invent, place, enter and count the households; how many each hamlet's list expects."""
    chance = random.Random(20220908)
    reference, database = town.reference, town.reference.database
    campaign = town.campaign("covid19_census")
    assert campaign is not None
    asking, places = Asking(campaign, town.model("covid19_census")), sketches(chance)
    houses: Counter[str] = Counter()
    people = seq = family = 0
    with database.write() as connection:
        known = reference.known(connection)
        gathered = Gathered(alone=True)
        while people < PEOPLE:
            family += 1
            day = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
            answers, members, _ = invented.household(asking, chance.choice(places), family, day, chance)
            living = tuple(told(one, day, place) for place, one in enumerate(members))
            outcome = str(answers["visit.outcome"])
            steps = dated_steps(known, campaign, Visit("", day, outcome, people=living))
            for sketch in chance.sample(places, ALIKE):
                seq += 1
                people += len(living)
                houses[sketch.code] += 1
                visit = Visit(
                    f"house-{seq}",
                    day,
                    outcome,
                    sketch.code,
                    sketch.commune,
                    str(houses[sketch.code]),
                    point=invented.point_near(sketch, chance),
                    people=tuple(replace(one, id=f"{seq}-{one.id}") for one in living),
                )
                instance, counts = f"uuid:{seq}", house_counts(visit)
                rows = register.visit_rows(visit, steps, counts)
                entering = Entering(seq, campaign, instance, visit.whereabouts, rows, steps, counts, [], instance)
                counting.enter(reference, connection, known, entering, gathered)
            if family % TOGETHER == 0:
                counting.write(reference, connection, gathered)
        counting.write(reference, connection, gathered)
        expected = {
            one.code: None if one.code == UNLISTED else round(houses[one.code] / one.visited_share) for one in places
        }
        rows_of_list = [kept.Hamlet(one.code, f"Thôn {one.code}", one.commune, expected[one.code]) for one in places]
        kept.save_hamlets(database, connection, rows_of_list)
        kept.raise_revision(database, connection)
    return expected


@pytest.fixture(scope="module")
def city(town_file: Path, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Built once."""
    folder = tmp_path_factory.mktemp("city")
    town = Town(Reference(Database(sqlite_copy(town_file, folder))), folder)
    town.import_strips()
    expected = build(town)
    return City(town, registered(town), expected)


SERIES = (
    ("squares", "18_plus", "booster1", date(2022, 9, 8)),
    ("strips", "5_11", "1", date(2022, 8, 1)),
    ("squares", "5_11", "2", date(2023, 1, 15)),
    ("strips", "high_risk_18_plus", "booster2", date(2021, 12, 31)),
    ("squares", "12_17", "booster1", date(2022, 7, 20)),
)
"""Sets, groups, doses and days: before the census, during it, after it."""


def test_the_city_is_what_it_says(city: City) -> None:
    assert PEOPLE <= sum(len(house.people) for house in city.houses) < PEOPLE + 100
    assert {house.outcome for house in city.houses} == {end.value for end in Outcome}
    assert {house.hamlet for house in city.houses} == {code for commune in HAMLETS for code in commune}


@pytest.mark.parametrize(
    ("set_id", "group", "dose", "day"), SERIES, ids=["booster", "first", "second", "risk", "teens"]
)
def test_everybody_is_in_one_state_and_every_level_sums_to_the_same(
    city: City, set_id: str, group: str, dose: str, day: date
) -> None:
    # Row by row against everybody's state by the one rule, then level by level against the total.
    check_figures(city.town, set_id, group, dose, day, city.houses)
    answer = city.town.ask("province", group, dose, day, set_id)
    total = answer.total
    assert total.people == sum(len(house.people) for house in city.houses)
    assert total.people == sum(total.states.values()) + total.outside
    assert total.eligible == sum(total.states[state] for state in INSIDE if state in people_list.ELIGIBLE)
    assert total.states[State.VACCINATED] <= total.eligible <= total.people


def test_of_the_houses_expected_each_was_found_or_was_not(city: City) -> None:
    question = Question("covid19", "18_plus", "1", date(2022, 9, 8), "commune", "squares")
    ends = Counter(house.outcome for house in city.houses)
    found = people_list.house_counts(city.town.reference, EVERYTHING, question, None)
    assert found == {
        "visited": len(city.houses),
        "interviewed": ends["interviewed"],
        "closed": ends["absent"] + ends["locked"],
        "refused": ends["refused"],
        "vacant": ends["moved_away"],
    }
    visited = Counter(house.hamlet for house in city.houses)
    lists: dict[str, list[int]] = defaultdict(list)
    for commune, hamlets in zip(COMMUNES, HAMLETS, strict=True):
        for code in hamlets:
            number = city.expected[code]
            if number is not None:
                lists[commune].append(number)
    communes = city.town.ask("commune", "18_plus", "1", question.day)
    for unit in communes.units:
        assert unit.code is not None or unit.houses.expected is None
        if unit.code is None:
            continue
        assert unit.houses.expected == sum(lists[unit.code])
        mine = HAMLETS[COMMUNES.index(unit.code)]
        assert unit.houses.unvisited == sum(max(0, (city.expected[code] or 0) - visited[code]) for code in mine)
    total = communes.total.houses
    assert total.expected == sum(number for number in city.expected.values() if number is not None)
    # Expected = found + not yet visited, since no hamlet has more houses than its list; and what was found ended.
    listed = sum(visited[code] for code, number in city.expected.items() if number is not None)
    assert total.expected == listed + total.unvisited
    assert total.visited == found["interviewed"] + found["closed"] + found["refused"] + found["vacant"]
    for area in (Area("district", "S"), Area("commune", COMMUNES[4]), Area("hamlet", HAMLETS[4][0])):
        of_area = people_list.house_counts(city.town.reference, EVERYTHING, question, area)
        parts = (of_area[end] for end in ("interviewed", "closed", "refused", "vacant"))
        assert of_area["visited"] == sum(parts) > 0


def test_the_branches_of_why_not_add_up_at_every_level(city: City) -> None:
    reference = city.town.reference
    question = Question("covid19", "18_plus", "booster1", date(2022, 9, 8), "hamlet", "squares")
    # The branches stand at once; what is behind them once everybody was read.
    first = reasons.tree(reference, EVERYTHING, question, None)
    assert first.unread is not None
    assert {branch.kinds for branch in first.branches} == {None, ()}
    ways.read(reference, first.unread, lambda _: None)
    for area in (None, Area("district", "N"), Area("commune", COMMUNES[2]), Area("hamlet", HAMLETS[2][0])):
        tree = reasons.tree(reference, EVERYTHING, question, area)
        assert tree.group == tree.vaccinated + tree.not_vaccinated > 0
        assert sum(branch.number for branch in tree.branches) == tree.not_vaccinated
        assert sum(sum(unit.counts) for unit in tree.answer.units) == tree.group
        assert tree.unread is None
        if area is None:
            assert [branch.number for branch in tree.branches] == [branch.number for branch in first.branches]
        for branch in tree.branches:
            assert branch.kinds is not None
            assert sum(kind.number for kind in branch.kinds) == (branch.number if branch.kinds else 0)
            assert bool(branch.kinds) == (branch.state in reasons.KINDS and branch.number > 0)
            for kind in branch.kinds:
                named = sum(one.number for one in kind.reasons) + kind.others
                assert named in (kind.number, 0)
                assert bool(named) == bool(kind.reasons)
        found = ages.pyramid(reference, EVERYTHING, question, area)
        assert isinstance(found, Pyramid)
        due = next(branch.number for branch in tree.branches if branch.state is State.DUE)
        assert found.total == (tree.vaccinated, due, tree.not_vaccinated - due)


def test_lists_of_a_city_are_as_long_as_its_figures(city: City) -> None:
    question = Question("covid19", "5_11", "2", date(2022, 9, 8), "commune", "squares")
    total = city.town.ask("commune", "5_11", "2", question.day).total
    for state in (State.REFUSED, State.DEFERRED, State.UNKNOWN, State.AWAY, State.CONTRAINDICATED):
        number = total.states[state]
        pages = -(-number // people_list.AT_ONCE) or 1
        shown: list[tuple[str, str]] = []
        for page in range(1, pages + 1):
            found = people_list.people(city.town.reference, EVERYTHING, question, None, state.value, page)
            if isinstance(found, ways.Missing):  # few among very many: those are read beside the page, once
                ways.read(city.town.reference, found, lambda share: None)
                found = people_list.people(city.town.reference, EVERYTHING, question, None, state.value, page)
            assert isinstance(found, PeopleList)
            assert (found.total, found.pages) == (number, pages)
            shown += [(one.house.id, one.person.id) for one in found.people]
        assert len(shown) == len(set(shown)) == number
