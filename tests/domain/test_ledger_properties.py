"""Random people, campaigns and days: the dated steps and the rule agree, and the rule is what its text says."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from mapper.domain.campaign import Campaign, Group, Label, Period, ScheduledDose
from mapper.domain.household import household_moves
from mapper.domain.ledger import MOVES, State, state_on, steps
from mapper.domain.people import AWAY, Dose, Person, Visit

CODES = ("1", "2", "3", "b")
VACCINES = ("x", "y", "z")
NAME = Label("n")
T = TypeVar("T")
START, END = date(2020, 1, 1), date(2024, 12, 31)

SPAN = (END - START).days


class Drawn:
    """Random people and campaigns from one seed: hypothesis chooses the seeds, and many more are tried in turn."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def one(self, *choices: T) -> T:
        return self.chance.choice(choices)

    def some(self, most: int, *choices: T) -> list[T]:
        return self.chance.sample(choices, self.chance.randint(0, most))

    def day(self) -> date:
        """Half of the days lie close together, so that several things happen on the same one."""
        if self.chance.random() < 0.5:
            return date(2022, 1, 1) + timedelta(days=self.chance.randrange(60))
        return START + timedelta(days=self.chance.randrange(SPAN))

    def period(self) -> Period:
        return Period(self.chance.randint(0, 18), self.one(0, 0, 1, 28, 40))

    def age(self) -> Period:
        return Period(self.chance.randint(0, 20 * 12), self.one(0, 0, 0, 1, 45))

    def dose(self, code: str) -> ScheduledDose:
        before = CODES[: CODES.index(code)]
        if not before:
            return ScheduledDose(code)
        return ScheduledDose(
            code,
            after=self.one(None, *before),
            interval=self.period(),
            interval_by_vaccine={vaccine: self.period() for vaccine in self.some(2, *VACCINES)},
            after_by_vaccine={vaccine: self.one(*before) for vaccine in self.some(2, *VACCINES)},
            only_vaccines=frozenset(self.some(1, *VACCINES)),
            given_by_vaccine={vaccine: self.one(*before) for vaccine in self.some(1, *VACCINES)},
        )

    def group(self, code: str) -> Group:
        from_age, to_age = self.one(None, self.age()), self.one(None, self.age())
        if from_age and to_age and from_age.after(START) >= to_age.after(START):
            from_age = None
        codes = [self.one(*CODES), *self.some(2, *CODES)]
        priorities, either = frozenset(self.some(2, "p", "q")), self.one(True, False)
        return Group(
            code,
            NAME,
            tuple(self.dose(one) for one in dict.fromkeys(codes)),
            from_age,
            to_age,
            priorities,
            either,
            self.one(None, self.age()) if priorities and not either else None,
            self.one(None, self.period()),
        )

    def campaign(self) -> Campaign:
        groups = tuple(self.group(f"g{n}") for n in range(self.chance.randint(1, 3)))
        start, until = sorted((self.day(), self.day()))
        return Campaign("c", NAME, start, groups, {}, {}, {}, until=self.one(until, date.max))

    def person(self) -> Person:
        doses = [
            Dose(self.one(*CODES), self.one(None, self.day(), self.day()), self.one(None, *VACCINES))
            for _ in range(self.chance.randint(0, 4))
        ]
        return Person(
            id="p",
            reported_on=self.day(),
            born_on=self.one(None, *(date(2000, 1, 1) + timedelta(days=self.chance.randrange(9130)) for _ in range(4))),
            residence=self.one("here", "here", "here", "here", "absent", "works_away", "moved_out"),
            priorities=tuple(self.some(2, "p", "q", "r")),
            contraindicated=self.chance.random() < 0.2,
            deferred_until=self.one(None, self.day()),
            infected_on=self.one(None, self.day()),
            refused=self.chance.random() < 0.2,
            vaccination_unknown=self.chance.random() < 0.2,
            doses=tuple(doses),
        )

    def telling_days(self, person: Person, campaign: Campaign) -> list[date]:
        """Days on which something about this person changes, the days beside them, and some others."""
        moments = [
            person.reported_on,
            campaign.start,
            min(campaign.until, END),
            person.deferred_until,
            person.infected_on,
        ]
        moments += [dose.given_on for dose in person.doses]
        moments += [date.fromordinal(step.day) for step in steps(person, campaign)]
        beside = {day + timedelta(days=n) for day in moments if day for n in (-1, 0, 1)}
        return sorted(beside | {self.day() for _ in range(3)})


seeds = st.integers(0, 2**32 - 1).map(Drawn)


def plain_state(person: Person, group: Group, dose: ScheduledDose, day: date) -> State:
    """The rule as its text says it, with dates, one condition after another."""
    by_priority = bool(group.priorities & set(person.priorities))
    from_age = group.from_age if by_priority or group.also_from_age is None else group.also_from_age
    asks_age = from_age is not None or group.to_age is not None
    if asks_age and person.born_on is None:
        by_age = None
    elif asks_age and person.born_on is not None:
        old_enough = (from_age or Period()).after(person.born_on) <= day
        by_age = old_enough and (group.to_age is None or day < group.to_age.after(person.born_on))
    else:
        by_age = not (group.priorities and group.either)
    if not group.priorities:
        inside = by_age
    elif group.either:
        inside = True if by_priority else by_age
    else:
        inside = by_age if by_priority or group.also_from_age is not None else False
    if inside is None:
        return State.UNKNOWN
    if not inside:
        return State.OUTSIDE

    def first(some: list[Dose]) -> Dose | None:
        return min(some, key=lambda d: d.given_on or date.max, default=None)

    def held(code: str) -> list[Dose]:
        return [each for each in [first([d for d in person.doses if d.code == code])] if each is not None]

    stand_ins = [d for vaccine, code in dose.given_by_vaccine.items() for d in held(code) if d.vaccine == vaccine]
    got = first(held(dose.code) + stand_ins)
    told_first = person.doses[0] if person.doses else None
    begun = told_first if told_first and told_first.given_on is None else first(list(person.doses))
    before = dose.after_by_vaccine.get((begun.vaccine if begun else None) or "", dose.after)
    previous = first([d for d in person.doses if d.code == before]) if before else None
    if got is None and dose.only_vaccines and (previous is None or previous.vaccine not in dose.only_vaccines):
        return State.OUTSIDE
    if person.residence in AWAY:
        return State.AWAY
    if got is not None and (got.given_on or person.reported_on) <= day:
        return State.VACCINATED
    if got is not None and got.given_on is None:
        return State.UNKNOWN
    if person.contraindicated:
        return State.CONTRAINDICATED
    if person.refused and day >= person.reported_on:
        return State.REFUSED
    if person.deferred_until and person.reported_on <= day < person.deferred_until:
        return State.DEFERRED
    infection = person.infected_on
    if infection and group.after_infection and infection <= day < group.after_infection.after(infection):
        return State.DEFERRED
    if person.vaccination_unknown:
        return State.UNKNOWN
    if before is None:
        return State.DUE
    if previous is None:
        return State.WAITING
    if previous.given_on is None:
        return State.DUE if day >= person.reported_on else State.WAITING
    wait = dose.interval_by_vaccine.get(previous.vaccine or "", dose.interval)
    return State.DUE if day >= wait.after(previous.given_on) else State.WAITING


def rule_is_its_text(drawn: Drawn) -> None:
    person, campaign = drawn.person(), drawn.campaign()
    for day in drawn.telling_days(person, campaign):
        for group, dose in campaign.series:
            assert state_on(person, group, dose, day) is plain_state(person, group, dose, day), (person, group, day)


def steps_follow_the_rule(drawn: Drawn) -> None:
    person, campaign = drawn.person(), drawn.campaign()
    way = steps(person, campaign)
    for day in drawn.telling_days(person, campaign):
        if not campaign.start <= day <= campaign.until:
            continue
        for series, (group, dose) in enumerate(campaign.series):
            sums: Counter[State] = Counter()
            for step in way:
                if step.series == series and step.day <= day.toordinal():
                    if step.left is not None:
                        sums[step.left] -= 1
                    if step.entered is not None:
                        sums[step.entered] += 1
            state = state_on(person, group, dose, day)
            # in exactly one state, or in none where outside
            assert +sums == ({} if state is State.OUTSIDE else {state: 1}), (person, group, day)
            assert all(count >= 0 for count in sums.values())


@given(seeds)
def test_the_rule_is_what_its_text_says(drawn: Drawn) -> None:
    rule_is_its_text(drawn)


@given(seeds)
def test_the_steps_up_to_any_day_put_a_person_into_their_state_of_that_day(drawn: Drawn) -> None:
    steps_follow_the_rule(drawn)


def test_rule_text_and_steps_agree_for_a_thousand_people_more() -> None:
    for seed in range(1000):
        rule_is_its_text(Drawn(seed))
        steps_follow_the_rule(Drawn(seed))


def test_every_state_is_met_among_the_people_drawn() -> None:
    met: Counter[State] = Counter()
    for seed in range(300):
        drawn = Drawn(seed)
        person, campaign = drawn.person(), drawn.campaign()
        met.update(
            state_on(person, group, dose, day)
            for day in drawn.telling_days(person, campaign)
            for group, dose in campaign.series
        )
    assert set(met) == set(State)
    assert min(met.values()) > 50, met


@given(seeds)
def test_steps_are_dated_within_the_campaign_each_leaving_what_the_last_entered(drawn: Drawn) -> None:
    person, campaign = drawn.person(), drawn.campaign()
    way = steps(person, campaign)
    for series in range(len(campaign.series)):
        own = [step for step in way if step.series == series]
        at: State | None = None
        for before, step in zip([None, *own], own, strict=False):
            assert campaign.start.toordinal() <= step.day <= campaign.until.toordinal()
            assert before is None or before.day < step.day
            assert step.left is at
            assert step.entered is not at
            assert State.OUTSIDE not in (step.left, step.entered)
            at = step.entered


@given(seeds, st.integers(0, 4))
def test_a_households_moves_add_up_to_the_steps_of_its_people(drawn: Drawn, number: int) -> None:
    campaign = drawn.campaign()
    visit = Visit("h", date(2022, 1, 1), "interviewed", people=tuple(drawn.person() for _ in range(number)))
    expected: dict[tuple[int, int], Counter[State]] = {}
    for person in visit.people:
        for step in steps(person, campaign):
            row = expected.setdefault((step.series, step.day), Counter())
            if step.left is not None:
                row[step.left] -= 1
            if step.entered is not None:
                row[step.entered] += 1
    found = household_moves(visit, campaign)
    rows: dict[tuple[int, int], Counter[State]] = {}
    for series, day, move in zip(found[::3], found[1::3], found[2::3], strict=True):
        left, entered = MOVES[move]
        row = rows.setdefault((series, day), Counter())
        row.subtract([left] if left else [])
        row.update([entered] if entered else [])
    assert rows == expected
