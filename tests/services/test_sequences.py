"""Whatever comes in whatever order: what intake keeps is what counting everything anew would give.

Stories are drawn from a seed: visits, edits, edits before their originals, several visits of one household, crashes,
versions published late, hamlets merged, a boundary set imported in between.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile

import pytest

from mapper.domain.people import Point
from mapper.errors import Conflict
from mapper.services import intake, rebuilding
from mapper.store import reference as kept
from tests.services.book import check_figures
from tests.services.town import COMMUNES, DAY, HAMLETS, Answers, Town, inside, person

pytestmark = pytest.mark.long

LATER = "2030010101"
DAYS = [DAY + timedelta(days=7 * week) for week in range(5)]


KINDS = {
    "visit": 6,
    "edit": 5,
    "visit_again": 3,
    "withhold": 3,
    "deliver": 3,
    "crash": 2,
    "retry": 1,
    "other_content": 1,
    "stale_edit": 1,
    "later_version": 1,
    "form_without_roles": 1,
    "rebuild": 1,
}
"""What can happen, and how often."""


@dataclass
class Sent:
    """One submission of a chain of edits. state: "pending" until the server has it."""

    instance: str
    xml: bytes
    edits: str
    entity: str
    hamlet: tuple[int, int]
    later_version: bool = False
    arrived: bool = False


class Story:
    """A town and what happens there, drawn from a seed."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.chance = random.Random(seed)
        self.chains: list[list[Sent]] = []
        self.later_is_known = False
        self.has_strips = False
        self.told: Counter[str] = Counter()

    def run(self, events: int) -> None:
        kinds = [self.visit] * 6 + [self.edit] * 5 + [self.visit_again] * 3 + [self.withhold] * 3 + [self.deliver] * 3
        kinds += [
            self.crash,
            self.retry,
            self.other_content,
            self.stale_edit,
            self.later_version,
            self.form_without_roles,
        ]
        for number in range(events):
            self.chance.choice(kinds)()
            if number == events // 3:
                self.merge_hamlets()
            if number == events // 2:
                self.import_strips()
            if number == events * 2 // 3:
                self.publish_later_version()
        intake.process_waiting(self.town.reference)

    # What happens

    def visit(self) -> None:
        self.told["visit"] += 1
        self._begin(entity=f"house-{self.chance.randrange(10**9)}", arrives=True)

    def visit_again(self) -> None:
        if self.chains:
            self.told["visit_again"] += 1
            self._begin(entity=self.chance.choice(self.chains)[-1].entity, arrives=True)

    def withhold(self) -> None:
        """A submission that is filled but whose upload fails for the time being."""
        self.told["withhold"] += 1
        known = [chain[-1].entity for chain in self.chains]
        entity = self.chance.choice(known) if known and self.chance.random() < 0.3 else f"house-{self.chance.random()}"
        self._begin(entity=entity, arrives=False)

    def edit(self) -> None:
        if self.chains:
            self.told["edit"] += 1
            chain = self.chance.choice(self.chains)
            moved = self.chance.random() < 0.15
            entity = f"house-{self.chance.randrange(10**9)}" if moved else chain[-1].entity
            self._add(chain, entity, arrives=self.chance.random() < 0.8)

    def deliver(self) -> None:
        waiting = [one for chain in self.chains for one in chain if not one.arrived]
        if waiting:
            self.told["deliver"] += 1
            self._send(self.chance.choice(waiting))

    def crash(self) -> None:
        """The server dies between the two commits; another start finds what was left."""
        self.told["crash"] += 1
        chain = self._begin(entity=f"house-{self.chance.randrange(10**9)}", arrives=False)
        self.town.keep_only(chain[0].xml, chain[0].instance)
        chain[0].arrived = True
        if self.chance.random() < 0.5:
            self._add(chain, chain[0].entity, arrives=True)
        self.chance.choice((lambda: None, self.rebuild, lambda: intake.process_waiting(self.town.reference)))()

    def retry(self) -> None:
        arrived = [one for chain in self.chains for one in chain if one.arrived]
        if arrived:
            self.told["retry"] += 1
            one = self.chance.choice(arrived)
            before = self.town.states()[one.instance]
            receipt = self.town.send(one.xml)
            assert not receipt.new
            assert before in ("received", receipt.state.value)

    def other_content(self) -> None:
        arrived = [one for chain in self.chains for one in chain if one.arrived]
        if arrived:
            self.told["other_content"] += 1
            with pytest.raises(Conflict):
                self.town.send(self.chance.choice(arrived).xml + b" ")

    def stale_edit(self) -> None:
        edited = [one for chain in self.chains for one in chain if one.edits and one.arrived]
        if edited:
            self.told["stale_edit"] += 1
            with pytest.raises(Conflict):
                self.town.send(
                    self._write(self.town.new_instance(), self.chance.choice(edited).edits, "another", (0, 0))
                )

    def later_version(self) -> None:
        """A phone that fetched a version which this server does not have yet."""
        self.told["later_version"] += 1
        chain = self.chance.choice(self.chains) if self.chains and self.chance.random() < 0.5 else []
        entity = chain[-1].entity if chain else f"house-{self.chance.randrange(10**9)}"
        if not chain:
            self.chains.append(chain)
        one = self._add(chain, entity, arrives=False)
        one.xml, times = re.subn(rb' version="\d{10}"', f' version="{LATER}"'.encode(), one.xml)
        assert times == 1
        one.later_version = True
        self._send(one)

    def form_without_roles(self) -> None:
        self.told["form_without_roles"] += 1
        assert self.town.send(self.town.write(form_id="water_points")).counted

    def rebuild(self) -> None:
        """An operator counts everything anew, whatever waits at that moment."""
        self.told["rebuild"] += 1
        rebuilding.rebuild(self.town.reference)

    def merge_hamlets(self) -> None:
        """The commune merges two hamlets: every household of one is edited into the other."""
        commune = Counter(chain[-1].hamlet[0] for chain in self.chains).most_common(1)[0][0]
        for chain in self.chains:
            if chain[-1].hamlet == (commune, 1):
                self.told["merged"] += 1
                self._add(chain, chain[-1].entity, arrives=True, hamlet=(commune, 0))

    def import_strips(self) -> None:
        intake.process_waiting(self.town.reference)
        before = self.town.ask("province")
        self.town.import_strips()
        after = self.town.ask("province")
        assert (after.units, after.total) == (before.units, before.total)
        self.has_strips = True

    def publish_later_version(self) -> None:
        form = self.town.form("covid19_census")
        reference = self.town.reference
        with reference.database.write() as connection:
            xform = kept.xform(connection, form.form_id, form.version)
            assert xform is not None
            kept.save_form(connection, replace(form, version=LATER), xform)
            kept.raise_revision(reference.database, connection)
        self.later_is_known = True
        intake.process_waiting(reference, form.form_id)

    # How

    def _begin(self, entity: str, arrives: bool) -> list[Sent]:
        chain: list[Sent] = []
        self.chains.append(chain)
        self._add(chain, entity, arrives)
        return chain

    def _add(self, chain: list[Sent], entity: str, arrives: bool, hamlet: tuple[int, int] | None = None) -> Sent:
        instance, edits = self.town.new_instance(), chain[-1].instance if chain else ""
        if hamlet is None:
            commune = self.chance.choice((0, 1, 2, 2, 2, 6, 9))
            hamlet = chain[-1].hamlet if chain and self.chance.random() < 0.7 else (commune, self.chance.randrange(3))
        one = Sent(instance, self._write(instance, edits, entity, hamlet), edits, entity, hamlet)
        chain.append(one)
        if arrives:
            self._send(one)
        return one

    def _send(self, one: Sent) -> None:
        receipt = self.town.send(one.xml, self.chance.choice(DAYS))
        assert receipt.new
        one.arrived = True

    def _write(self, instance: str, edits: str, entity: str, hamlet: tuple[int, int]) -> bytes:
        chance = self.chance
        commune, number = hamlet
        outcome = chance.choice(["interviewed"] * 7 + ["absent", "locked", "refused", "moved_away"])
        answers: Answers = {
            "visit.date": chance.choice(DAYS),
            "visit.outcome": outcome,
            "household.commune": COMMUNES[commune] if chance.random() < 0.95 else None,
            "household.hamlet": HAMLETS[commune][number]
            if chance.random() < 0.9
            else chance.choice((None, "elsewhere")),
            "household.head": chance.choice(("Nông Văn Nam", None)),
            "household.point": chance.choice(
                [inside(commune, chance.random(), chance.random())] * 6
                + [inside(commune, 1.0), inside(commune, accuracy_m=80.0), inside(0, -3.0), Point(0.0, 0.0), None]
            ),
        }
        people = [self._person() for _ in range(chance.randint(0, 4))] if outcome == "interviewed" else []
        return self.town.write(answers, people, instance=instance, edits=edits, entity=entity)

    def _person(self) -> Answers:
        chance = self.chance
        doses = []
        day = date(2021, 6, 1)
        for code in ("1", "2", chance.choice(("3", "booster1")), "booster2")[: chance.randint(0, 4)]:
            day += timedelta(days=chance.randint(14, 150))
            doses.append((code, chance.choice((day, day, day, None)), chance.choice(("pfizer", "abdala", "janssen"))))
        born = date(1940, 1, 1) + timedelta(days=chance.randrange(82 * 365))
        return person(
            chance.choice((born, born, date(2015, 1, 1) + timedelta(days=chance.randrange(1500)), None)),
            doses,
            residence=chance.choice(("here", "here", "here", "works_away", "moved_out")),
            contraindicated=chance.choice(("no", "no", "no", "yes")),
            consent=chance.choice(("yes", "yes", "no")),
            deferred_until=chance.choice((None, None, DAY + timedelta(days=chance.randrange(60)))),
            infected_on=chance.choice((None, None, date(2022, 6, 20))),
            priority=chance.choice(([], [], ["pregnant"], ["underlying_disease", "frontline"])),
        )

    # What must be true in the end

    def expected_states(self) -> dict[str, str]:
        """What became of each submission that arrived.

        Of every chain of edits the newest that can be understood counts and replaces those before it; newer ones that
        cannot be understood are flagged; whatever comes after a gap is held.
        """
        states = {}
        for chain in self.chains:
            whole = list(takewhile(lambda one: one.arrived, chain))
            understood = [one for one in whole if self.later_is_known or not one.later_version]
            for one in chain:
                if one not in whole:
                    state = "held"
                elif understood and one is understood[-1]:
                    state = "processed"
                elif understood and whole.index(one) < whole.index(understood[-1]):
                    state = "superseded"
                else:
                    state = "flagged"
                if one.arrived:
                    states[one.instance] = state
        return states


def check(story: Story) -> None:
    """Register and tallies are those of a rebuild, in which nothing is missing and nothing counted twice."""
    town = story.town
    kept_by_intake, states = town.everything(), town.states()
    expected = story.expected_states()
    assert {instance: state for instance, state in states.items() if instance in expected} == expected
    houses = {row[1] for row in kept_by_intake["register"]["households"]}  # type: ignore[index]
    assert houses == {
        one.entity for chain in story.chains for one in chain if expected.get(one.instance) == "processed"
    }
    for set_id in ("squares", *(["strips"] if story.has_strips else [])):
        for group, dose, day in (
            ("18_plus", "booster1", DAYS[2]),
            ("5_11", "2", date(2022, 10, 1)),
            ("high_risk_18_plus", "2", date(2021, 12, 1)),
        ):
            check_figures(town, set_id, group, dose, day)
    assert rebuilding.rebuild(town.reference, batch=7) == len(states)
    assert town.states() == states
    assert town.everything() == kept_by_intake


def test_what_intake_keeps_is_what_counting_anew_gives(new_town: Callable[[], Town]) -> None:
    told: Counter[str] = Counter()
    for seed in range(6):
        story = Story(new_town(), seed)
        try:
            story.run(32)
            check(story)
        except BaseException as fault:
            fault.add_note(f"in the story of seed {seed}")
            raise
        told += story.told
    assert min(told[kind] for kind in KINDS) >= 1, told


@pytest.mark.parametrize("seed", [100])
def test_both_databases_keep_the_same(town: Town, seed: int) -> None:
    story = Story(town, seed)
    story.run(32)
    check(story)
