"""Behind every figure exactly the people, and the houses, that it counts: at every level, on each database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapper.domain.ledger import INSIDE, State, state_on
from mapper.domain.reasons import Kind, reason_key
from mapper.domain.walk import number_key
from mapper.errors import InvalidInput, NotFound
from mapper.services import accounts, area_ledger, audit, people_list, reasons, ways
from mapper.services.accounts import User
from mapper.services.area_ledger import AreaWithin
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.people_list import HouseList, PeopleList
from mapper.services.questions import Question
from mapper.store import people_list as kept
from tests.services.test_sequences import DAYS, Story
from tests.services.town import COMMUNES, DAY, EVERYTHING, HAMLETS, Answers, Town, inside, person

ONE = [("1", date(2021, 9, 1), "pfizer")]


def asked(
    set_id: str = "squares", group: str = "18_plus", dose: str = "1", day: date = DAY, level: str = "commune"
) -> Question:
    return Question("covid19", group, dose, day, level, set_id)


def listed(
    town: Town, figure: str, area: Area | None = None, question: Question | None = None, **other: object
) -> PeopleList:
    user = other.pop("user", EVERYTHING)
    found = people_list.people(town.reference, user, question or asked(), area, figure, **other)  # type: ignore[arg-type]
    assert isinstance(found, PeopleList)
    return found


def houses(town: Town, figure: str, area: Area | None = None, question: Question | None = None) -> HouseList:
    return people_list.houses(town.reference, EVERYTHING, question or asked(), area, figure)


def names(found: PeopleList) -> list[str | None]:
    return [one.person.name for one in found.people]


def user(town: Town, role: str, *areas: str) -> User:
    made = accounts.add_user(town.reference, f"{role} of {'-'.join(areas)}", role, areas)
    found = accounts.by_id(town.reference, made.id)
    assert found is not None
    return found


NAMES = {"outcome": "visit.outcome", "told_hamlet": "household.hamlet", "point": "household.point"}


def enter(town: Town, house: str, *people: Answers, commune: int = 0, hamlet: int = 0, **facts: object) -> None:
    """A visited house, named by its number; facts: by NAMES."""
    told: Answers = {NAMES[word]: value for word, value in facts.items()}
    town.send(town.write({"household.house_number": house} | told, people, commune=commune, hamlet=hamlet))


def areas_of(town: Town, question: Question) -> Iterator[tuple[Area | None, UnitFigures]]:
    """Every area that an address can name and where somebody was, with its figures; and the whole."""
    answer = town.ask("hamlet", question.group_code, question.dose_code, question.day, question.set_id)
    yield None, answer.total
    for level in (*answer.places.levels, "hamlet"):
        for unit in town.ask(level, question.group_code, question.dose_code, question.day, question.set_id).units:
            if not unit.houses.visited:
                continue
            if unit.code is not None and level == "hamlet":
                yield AreaWithin(level, unit.code, unit.parent or "-"), unit
            elif unit.code is not None:
                yield Area(level, unit.code), unit


def check_lists(town: Town, question: Question) -> Counter[str]:
    """Every figure of every area is as long as its list, and says of each the state it is asked for."""
    seen: Counter[str] = Counter()
    with town.reference.database.read() as connection:
        campaign = town.reference.known(connection).campaigns["covid19"]
    found = campaign.find(question.group_code, question.dose_code)
    assert found is not None
    group, dose = found
    for area, unit in areas_of(town, question):
        numbers = {state.value: unit.states[state] for state in INSIDE} | {"outside": unit.outside}
        together = {
            "": unit.people,
            "group": sum(unit.states.values()),
            "eligible": unit.eligible,
            "not_vaccinated": sum(unit.states.values()) - unit.states[State.VACCINATED],
        }
        for figure, number in (numbers | together).items():
            shown = listed(town, figure, area, question)
            assert (shown.total, len(shown.people), shown.pages) == (number, number, 1), (area, figure)
            for one in shown.people:
                assert state_on(one.person, group, dose, question.day) is one.why.state
                assert one.why.state in people_list.FIGURES[figure]
            seen[figure] += number
        for figure, number in (
            ("visited", unit.houses.visited),
            ("interviewed", unit.houses.interviewed),
            ("vacant", unit.houses.vacant),
        ):
            rows = houses(town, figure, area, question)
            assert (rows.total, len(rows.houses)) == (number, number), (area, figure)
        ends = people_list.house_counts(town.reference, EVERYTHING, question, area)
        for figure in ("closed", "refused"):
            assert len(houses(town, figure, area, question).houses) == ends[figure]
        assert ends["visited"] == sum(ends[end] for end in ("interviewed", "closed", "refused", "vacant"))
        assert sum(one.people for one in houses(town, "visited", area, question).houses) == unit.people
    return seen


def test_every_cell_of_the_ledger_has_its_people(town: Town) -> None:
    story = Story(town, 5)
    story.run(24)
    # What the story may leave out.
    others = [{"consent": "no"}, {"contraindicated": "yes"}, {"residence": "works_away"}, {"vaccinated": "unknown"}]
    enter(town, "1", *(person(**facts) for facts in others), commune=2)
    deferred = person(deferred_until=DAYS[-1] + timedelta(days=20))
    enter(town, "1", person(doses=ONE), person(born=date(2018, 1, 1)), person(), deferred, commune=9)
    seen = check_lists(town, asked("squares", "18_plus", "1", DAYS[-1]))
    seen += check_lists(town, asked("strips", "18_plus", "booster1", DAYS[2]))
    assert min(seen[figure] for figure in people_list.FIGURES) > 0, seen


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(1000, 9999), later=st.integers(-200, 200))
def test_whatever_happens_in_a_town_its_lists_are_as_long_as_its_figures(
    new_town: Callable[[], Town], seed: int, later: int
) -> None:
    story = Story(new_town(), seed)
    story.run(15)
    series = [("18_plus", "2"), ("5_11", "1"), ("65_plus", "booster2"), ("12_17", "booster1")]
    group, dose = series[seed % len(series)]
    check_lists(story.town, asked("squares", group, dose, DAY + timedelta(days=later)))


# Order and pages


def test_people_stand_as_one_looks_for_them(town: Town) -> None:
    for hamlet, house, name in ((1, "2", "E"), (0, "12A", "C"), (0, "2", "A"), (0, "12", "B"), (0, "", "D")):
        enter(town, house, person(name=name), hamlet=hamlet)
    enter(town, "1", person(name="F"), person(name="G"), commune=1)
    enter(town, "1", person(name="H"), told_hamlet=None)
    found = listed(town, "")
    # By commune, then hamlet, then number; a house that told no hamlet after the hamlets of its commune.
    assert names(found) == ["A", "B", "C", "D", "E", "H", "F", "G"]
    first = found.people[0]
    assert (first.unit, first.house.house_number) == ("Xã 0", "2")
    assert first.hamlet
    assert found.people[5].hamlet == ""


def test_pages_joined_are_the_whole_list_and_read_no_other_hamlets(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for commune in range(3):
        for hamlet in range(2):
            for house in range(3):
                enter(town, str(house), person(name=f"{commune}{hamlet}{house}"), commune=commune, hamlet=hamlet)
    whole = names(listed(town, "due"))
    assert len(whole) == 18
    monkeypatch.setattr(people_list, "AT_ONCE", 4)
    read: list[int] = []
    people = kept.people

    def spy(*given: object) -> list[kept.Found]:
        read.append(len(given[3]))  # type: ignore[arg-type]
        return people(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(kept, "people", spy)
    pages = [listed(town, "due", page=number) for number in range(1, 6)]
    assert list(chain.from_iterable(names(page) for page in pages)) == whole
    assert [page.first for page in pages] == [1, 5, 9, 13, 17]
    assert {(page.total, page.pages) for page in pages} == {(18, 5)}
    # Three people a hamlet and four a page: two hamlets are met, and the last page lies in one.
    assert read == [2, 2, 2, 2, 1]
    for wrong in (0, 6):
        with pytest.raises(NotFound, match="has 5 pages"):
            listed(town, "due", page=wrong)


def test_nobody_is_a_list_too(town: Town) -> None:
    found = listed(town, "due")
    assert (found.total, found.pages, found.people) == (0, 1, ())
    assert audit.size(town.reference) == 0


def test_house_numbers_order_houses_too(town: Town) -> None:
    for house in ("10", "9", "9A"):
        enter(town, house, outcome="absent")
    found = houses(town, "closed")
    assert [one.house.house_number for one in found.houses] == ["9", "9A", "10"]
    assert sorted(["10", "9A", "9"], key=number_key) == ["9", "9A", "10"]


# What is asked for


def test_a_list_can_be_of_one_reason(town: Town) -> None:
    enter(town, "1", person(name="A", consent="no", refusal_reason="side_effects"))
    enter(town, "2", person(name="B", consent="no", refusal_reason="side_effects"))
    enter(
        town, "3", person(name="C", consent="no", refusal_reason="distrust"), person(name="D", residence="works_away")
    )
    told = listed(town, "refused").people
    of_one = told[0].why
    key = reason_key(of_one.kind, of_one.reason)
    assert [one.why.reason for one in told] == ["side_effects", "side_effects", "distrust"]
    assert names(listed(town, "refused", reason=key)) == ["A", "B"]
    assert names(listed(town, "refused", reason=Kind.PLAIN.value)) == ["A", "B", "C"]
    assert names(listed(town, "away", reason=Kind.WORKS_AWAY.value)) == ["D"]
    assert listed(town, "away", reason=Kind.MOVED_OUT.value).total == 0
    assert listed(town, "refused", reason="plain.0123456789ab").total == 0
    with pytest.raises(InvalidInput, match="belongs to one state"):
        listed(town, "not_vaccinated", reason=key)


def test_the_other_answers_together_lead_to_their_people(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of A twice, B twice, C, D once each and nothing told, the two most frequent are named."""
    monkeypatch.setattr(area_ledger, "MOST_REASONS", 2)
    monkeypatch.setattr(reasons, "MOST_REASONS", 2)
    for house, told in enumerate("ABCDAB"):
        enter(town, str(house), person(name=f"{told}{house}", consent="no", refusal_reason=told), commune=house % 2)
    enter(town, "9", person(name="-", consent="no"))
    tree = reasons.tree(town.reference, EVERYTHING, asked(), None)
    (kind,) = next(branch.kinds for branch in tree.branches if branch.state is State.REFUSED) or ()
    assert [(one.text, one.number) for one in kind.reasons] == [("A", 2), ("B", 2)]
    assert (kind.others, kind.other_reasons) == (3, 3)
    assert set(names(listed(town, "refused", reason=kind.others_key))) == {"C2", "D3", "-"}
    assert names(listed(town, "refused", reason="week.others")) == []


def test_people_of_a_reason_are_read_first_where_they_are_many(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(town, "1", person(name="A", consent="no"), person(name="B"))
    monkeypatch.setattr(ways, "AT_ONCE", 1)
    missing = people_list.people(town.reference, EVERYTHING, asked(), None, "refused", reason="plain")
    assert isinstance(missing, ways.Missing)
    assert (missing.people, audit.size(town.reference)) == (2, 0)
    ways.read(town.reference, missing, lambda _: None)
    assert names(listed(town, "refused", reason="plain")) == ["A"]


def test_a_page_from_very_many_hamlets_looks_at_the_houses_of_those_on_it_alone(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for commune in range(4):
        enter(town, "1", person(name=f"A{commune}", consent="no"), person(name="-"), commune=commune)
        enter(town, "2", person(name="-"), person(name="-"), commune=commune)
    whole = names(listed(town, "refused"))
    assert whole == ["A0", "A1", "A2", "A3"]
    monkeypatch.setattr(people_list, "SIEVED", 15)
    monkeypatch.setattr(ways, "AT_ONCE", 15)
    looked_at: list[int] = []
    people = kept.people

    def spy(*given: object) -> list[kept.Found]:
        looked_at.append(len(given[5] or ()))  # type: ignore[arg-type]
        return people(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(kept, "people", spy)
    missing = people_list.people(town.reference, EVERYTHING, asked(), None, "refused")
    assert isinstance(missing, ways.Missing)
    assert (missing.people, looked_at) == (16, [])
    ways.read(town.reference, missing, lambda _: None)
    assert names(listed(town, "refused")) == whole
    assert looked_at == [4]
    # Whoever is outside the group has no way in it: those are sieved.
    assert listed(town, "").total == 16
    assert looked_at == [4, 0]


def test_a_figure_that_is_none_is_refused_by_name(town: Town) -> None:
    with pytest.raises(InvalidInput, match="no figure dead"):
        listed(town, "dead")
    with pytest.raises(InvalidInput, match="no figure never"):
        houses(town, "never")


def test_a_hamlet_in_two_communes_has_two_lists(town: Town) -> None:
    enter(town, "1", person(name="A"))
    enter(town, "2", person(name="B"), point=inside(8))
    code = HAMLETS[0][0]
    assert sorted(map(str, names(listed(town, "", Area("hamlet", code))))) == ["A", "B"]
    assert names(listed(town, "", AreaWithin("hamlet", code, COMMUNES[0]))) == ["A"]
    assert names(listed(town, "", AreaWithin("hamlet", code, COMMUNES[8]))) == ["B"]
    assert names(listed(town, "", AreaWithin("hamlet", code, "-"))) == []


def test_what_is_counted_since_stands_in_the_next_list(town: Town) -> None:
    sent = town.write(people=[person(name="A", consent="no")], instance="uuid:first")
    town.send(sent)
    assert names(listed(town, "refused", reason="plain")) == ["A"]
    assert names(listed(town, "due")) == []
    town.send(town.write(people=[person(name="A")], edits="uuid:first"))
    assert names(listed(town, "refused", reason="plain")) == []
    assert names(listed(town, "due")) == ["A"]


# Who may see it, and what is remembered of it


def test_a_user_sees_the_people_of_their_own_area_alone(town: Town) -> None:
    enter(town, "1", person(name="A"))
    enter(town, "2", person(name="B"), commune=8)
    here = user(town, "commune_supervisor", COMMUNES[0])
    assert names(listed(town, "", user=here)) == ["A"]
    assert names(listed(town, "", Area("commune", COMMUNES[8]), user=here)) == []
    assert names(listed(town, "", Area("province", "P"), user=here)) == ["A"]
    nowhere = User(9, "nobody", here.role, (accounts.NOWHERE,), 0)
    assert names(listed(town, "", user=nowhere)) == []


def test_that_a_list_was_seen_is_in_the_trail_and_nobody_s_name(town: Town) -> None:
    enter(town, "1", person(name="Nông Thị Bí Mật", consent="no", refusal_reason="lời nói riêng"))
    here = user(town, "commune_supervisor", COMMUNES[0])
    before = audit.size(town.reference)
    reason = listed(town, "refused", user=here).people[0].why
    key = reason_key(reason.kind, reason.reason)
    listed(town, "refused", Area("commune", COMMUNES[0]), user=here, reason=key)
    listed(town, "due", user=here)  # nobody was on it
    people_list.houses(town.reference, here, asked(), Area("hamlet", HAMLETS[0][0]), "visited")
    told = audit.entries(town.reference, 10)[: audit.size(town.reference) - before]
    assert [(one.user_name, one.action, one.subject) for one in told] == [(here.name, "people.listed", "covid19")] * 3
    day = {"day": "2022-08-15", "number": "1"}
    series = {"group": "18_plus", "dose": "1"}
    assert [dict(one.facts) for one in told] == [
        {"areas": f"hamlet:{HAMLETS[0][0]}", "houses_seen": "visited", **day},
        {"areas": f"squares:{COMMUNES[0]}", "state": "refused", **series, "reason": key, **day},
        {"areas": "", "state": "refused", **series, **day},
    ]
    assert not [one for one in told if "Bí Mật" in str(one) or "riêng" in str(one)]
