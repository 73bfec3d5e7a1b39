"""The sample's second round: canvassers who come again to invented houses, and tell what changed there since.

What a phone would know of a house is read from the census that was written for it, so that nothing here depends on what
a database holds, and an interrupted round goes on with the same submissions.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mapper.domain.follow_up import PersonState, Status, status
from mapper.domain.people import AWAY, Outcome, Person, Residence, Visit
from mapper.formats.declared import Roles
from mapper.formats.instance import read_instance
from mapper.formats.roles import read_visit
from mapper.formats.writer import InstanceWriter, Versions
from mapper.formats.xform import XFormModel
from mapper.services.invented import (
    GIVEN,
    MIDDLE,
    REFUSALS,
    SEED,
    Asking,
    House,
    Sent,
    asked,
    at_the_door,
    dose_given,
    people_asked,
)

DAYS = 17
"""The round's last days, counted from the end."""

SHARES = {Outcome.INTERVIEWED: 0.08, Outcome.REFUSED: 0.4, Outcome.ABSENT: 0.5, Outcome.LOCKED: 0.5}
"""Of the houses of the first round, by its outcome, those that are gone to again."""

DEFERRED_BY = (0, 0, 0, 1, 2, 5, 9)
"""Days after the end of the round until which somebody is put off: many until that very day."""

AWAY_AT = ("Thái Nguyên", "Bắc Ninh", "Hà Nội", "Bình Dương")

News = dict[str, object]
"""What is new about a person, by roles."""


@dataclass(frozen=True, slots=True)
class Door:
    """A house that is gone to again. visit: what its census tells, as the server reads it."""

    house: House
    visit: Visit


Tale = Callable[[Door, list[tuple[Person, Status]]], list[Sent]]


class SecondRound:
    """Gathers the houses to go to again while the first round is made, and then tells what was sent from there.

    census, revisit: the forms of both rounds. last_day: of the round.
    """

    def __init__(self, asking: Asking, census: XFormModel, revisit: XFormModel, last_day: date) -> None:
        self._asking, self._last = asking, last_day
        self._roles = Roles.of(census)
        self._census = InstanceWriter(census, asking.campaign)
        self._writer = InstanceWriter(revisit, asking.campaign)
        self._again = Asking(asking.campaign, revisit)
        self._form = revisit.form_id
        self._sent: list[Sent] = []
        # Each is told of the first house that it fits, so that a larger sample tells them of the same houses.
        self._tales: list[Tale] = [self._dose_twice, self._refused_and_given, self._gone_and_deferred]
        self._tales += [self._base_missing, self._house_missing]

    def sent(self) -> list[Sent]:
        """The submissions of the round, day by day."""
        return sorted(self._sent, key=lambda one: (one.day, one.team))

    def consider(self, house: House, xml: bytes) -> None:
        """Go to a house again, or do not. xml: its census."""
        chance = random.Random(f"{SEED} {self._form} {house.count}")  # noqa: S311
        outcome = Outcome(str(house.answers["visit.outcome"]))
        picked = chance.random() < SHARES.get(outcome, 0)
        earliest = max(house.day + timedelta(days=2), self._last - timedelta(days=DAYS))
        if earliest > self._last or not (picked or (self._tales and outcome is Outcome.INTERVIEWED)):
            return
        visit, _ = read_visit(read_instance(xml), self._roles, self._asking.campaign, house.day, house.instance_id)
        door = Door(house, visit)
        if outcome is Outcome.INTERVIEWED and self._tales and earliest < self._last - timedelta(days=3):
            due = self._due(door, self._last - timedelta(days=1))
            if len(due) > 1:
                self._sent += self._tales.pop(0)(door, due)
                return
        if picked:
            day = earliest + timedelta(days=chance.randrange((self._last - earliest).days + 1))
            self._sent += self._come_again(door, outcome, day, chance)

    def _come_again(self, door: Door, outcome: Outcome, day: date, chance: random.Random) -> list[Sent]:
        if outcome is Outcome.INTERVIEWED:
            if chance.random() < 0.15:
                return [self._revisit(door, day, chance.choice((Outcome.ABSENT, Outcome.LOCKED)))]
            news, new = self._news(door, day, chance), self._new_members(door, day, chance)
            return [self._revisit(door, day, Outcome.INTERVIEWED, news, new)] if news or new else []
        if outcome is Outcome.REFUSED:
            people = self._everybody(door, day, chance) if chance.random() < 0.4 else []
            return [self._revisit(door, day, Outcome.INTERVIEWED if people else outcome, None, people)]
        if chance.random() < 0.4:
            first = self._revisit(door, day, outcome)
            later = day + timedelta(days=chance.randrange(2, 7))
            return [first, self._met(door, later, chance, 2)] if later <= self._last else [first]
        return [self._met(door, day, chance, 1)]

    def _news(self, door: Door, day: date, chance: random.Random) -> dict[str, News]:
        """What is new by the id of a person: mostly a dose, now and then a refusal, a deferral or a move."""
        found: dict[str, News] = {}
        for person in door.visit.people:
            stands = status(person, self._asking.campaign, day)
            luck = chance.random()
            if stands.state is PersonState.DUE and luck < 0.06 and _of_age(person, day):
                found[person.id] = _gone(chance)
            elif stands.state is PersonState.DUE and luck < 0.6:
                found[person.id] = self._dose(door, stands, day, chance)
            elif stands.state is PersonState.DUE and luck < 0.72:
                found[person.id] = self._refusal(chance)
            elif stands.state is PersonState.DUE and luck < 0.88:
                found[person.id] = self._deferral(day, chance)
            elif stands.state is PersonState.REFUSED and luck < 0.4:
                found[person.id] = {"person.consent": "yes"}
        return found

    def _new_members(self, door: Door, day: date, chance: random.Random) -> list[News]:
        """Somebody who was born, or moved in, since."""
        luck = chance.random()
        if luck > 0.12:
            return []
        sex = chance.choice(("male", "female"))
        surname = str(door.house.answers["household.head"]).partition(" ")[0]
        name = f"{surname} {chance.choice(MIDDLE[sex])} {chance.choice(GIVEN[sex])}"
        born = day - timedelta(days=chance.randrange(5, 40) if luck < 0.06 else chance.randrange(7_000, 20_000))
        member = asked(
            self._again, door.house.sketch, {"person.name": name, "person.sex": sex, "born": born}, day, chance
        )
        if luck >= 0.06:
            member |= {"person.residence": Residence.MOVED_IN.value, "person.away_place": chance.choice(AWAY_AT)}
        return [member]

    def _dose(self, door: Door, stands: Status, day: date, chance: random.Random) -> News:
        """A dose given since the census, from the day on which it was due."""
        due = stands.due[0]
        since = max(due.since, door.house.day + timedelta(days=1))
        on = since + timedelta(days=chance.randrange((day - since).days + 1))
        vaccines = list(due.vaccines) or self._asking.vaccines
        return {"doses": [dose_given(self._again, due.code, on, chance.choice(vaccines[:2]), chance)]}

    def _refusal(self, chance: random.Random) -> News:
        return {
            "person.consent": "no",
            "person.refusal_reason": self._again.one_of("person.refusal_reason", chance, REFUSALS),
        }

    def _deferral(self, day: date, chance: random.Random) -> News:
        return {
            "person.deferred_until": max(day, self._last + timedelta(days=chance.choice(DEFERRED_BY))),
            "person.deferral_reason": self._again.one_of("person.deferral_reason", chance),
        }

    def _everybody(self, door: Door, day: date, chance: random.Random) -> list[News]:
        """All that a family tells which had told nothing yet."""
        return people_asked(self._asking, door.house.sketch, door.house.family, day, chance)

    def _met(self, door: Door, day: date, chance: random.Random, version: int) -> Sent:
        """The family of a house where nobody had answered, met at last: the census of the same house."""
        house, people = door.house, self._everybody(door, day, chance)
        answers = house.answers | {
            "visit.date": day,
            "visit.outcome": Outcome.INTERVIEWED.value,
            "household.expected_members": len(people) or None,
        }
        answers |= at_the_door(house, 12 + house.count % 8, day, len(people))
        xml = self._census.write(
            answers,
            people,
            instance_id=_name("uuid:", house, "met"),
            instance_name=house.shown,
            entity_id=door.visit.household_id,
            update=_listed(version, house, "met"),
        )
        return _sent(house, day, xml)

    def _revisit(
        self,
        door: Door,
        day: date,
        outcome: Outcome,
        news: Mapping[str, News] | None = None,
        new: Sequence[News] = (),
        *,
        team: int = 1,
        update: Versions | None = None,
        house_id: str = "",
    ) -> Sent:
        """What a revisit tells: everybody of the house is named, and of some something is new.

        update: the versions that the phone held, where that is not the one that the server gave out first.
        """
        house, mark = door.house, f"again {team}"
        people: list[dict[str, object]] = []
        for person in door.visit.people if outcome is Outcome.INTERVIEWED else ():
            entry: dict[str, object] = {"person.id": person.id, "label": person.name}
            entry["update"] = _listed(1, house, f"{mark} {person.id}")
            told = (news or {}).get(person.id)
            people.append(entry | ({"told": False} if told is None else {"person.name": person.name, **told}))
        answers = {
            "visit.kind": "revisit",
            "visit.date": day,
            "visit.outcome": outcome.value,
            "household.commune": house.sketch.commune,
            "household.hamlet": house.sketch.code,
        }
        answers |= at_the_door(house, 12 + house.count % 8, day, len(people) // 2)
        xml = self._writer.write(
            answers,
            [*people, *new],
            instance_id=_name("uuid:", house, mark),
            instance_name=house.shown,
            entity_id=house_id or door.visit.household_id,
            update=update or _listed(1, house, mark),
        )
        return _sent(house, day, xml, team)

    # --- what a supervisor has to look at ---

    def _due(self, door: Door, day: date) -> list[tuple[Person, Status]]:
        people = [(person, status(person, self._asking.campaign, day)) for person in door.visit.people]
        return [(person, stands) for person, stands in people if stands.state is PersonState.DUE]

    def _both(self, door: Door, person: Person, first: News, second: News) -> list[Sent]:
        """Two teams at one house on one day, neither of whom knows of the other."""
        day = self._last - timedelta(days=1)
        return [
            self._revisit(door, day, Outcome.INTERVIEWED, {person.id: news}, team=team)
            for team, news in ((1, first), (2, second))
        ]

    def _dose_twice(self, door: Door, due: list[tuple[Person, Status]]) -> list[Sent]:
        """One has seen the card, the other was told another day and vaccine."""
        (person, stands), *_ = due
        dose, day = stands.due[0], self._last - timedelta(days=1)
        vaccines = [*dose.vaccines, *self._asking.vaccines]
        since = max(dose.since, door.house.day + timedelta(days=1))
        seen: News = {"dose.number": dose.code, "dose.date": day, "dose.vaccine": vaccines[0]}
        said: News = {"dose.number": dose.code, "dose.date": since, "dose.vaccine": vaccines[1]}
        evidence = self._again.all_of("dose.evidence")
        return self._both(
            door,
            person,
            {"doses": [seen | {"dose.evidence": next(iter(evidence), None)}]},
            {"doses": [said | {"dose.evidence": next(reversed(evidence), None)}]},
        )

    def _refused_and_given(self, door: Door, due: list[tuple[Person, Status]]) -> list[Sent]:
        """One was refused, the other was shown that the dose had been given."""
        (person, stands), *_ = due
        chance = random.Random(SEED)  # noqa: S311
        day = self._last - timedelta(days=1)
        return self._both(door, person, self._refusal(chance), self._dose(door, stands, day, chance))

    def _gone_and_deferred(self, door: Door, due: list[tuple[Person, Status]]) -> list[Sent]:
        """One hears that somebody moved away, the other that they are ill."""
        chance = random.Random(SEED)  # noqa: S311
        day = self._last - timedelta(days=1)
        return self._both(door, due[0][0], _gone(chance), self._deferral(day, chance))

    def _base_missing(self, door: Door, due: list[tuple[Person, Status]]) -> list[Sent]:
        """The second update of a phone without a signal, the first of which it has not sent yet."""
        day = self._last
        (person, stands), *_ = due
        news = {person.id: self._dose(door, stands, day, random.Random(SEED))}  # noqa: S311
        branch = _name("", door.house, "offline")
        return [self._revisit(door, day, Outcome.INTERVIEWED, news, update=("2", "1", branch))]

    def _house_missing(self, door: Door, due: list[tuple[Person, Status]]) -> list[Sent]:
        """An update of a house that the phone had from another server."""
        unknown = _name("", door.house, "unknown")
        return [
            self._revisit(door, self._last, Outcome.ABSENT, update=_listed(2, door.house, "unknown"), house_id=unknown)
        ]


def _gone(chance: random.Random) -> News:
    return {"person.residence": Residence.MOVED_OUT.value, "person.away_place": chance.choice(AWAY_AT)}


def _of_age(person: Person, day: date) -> bool:
    return person.born_on is not None and (day - person.born_on).days > 18 * 365 and person.residence not in AWAY


def _sent(house: House, day: date, xml: bytes, team: int = 1) -> Sent:
    return Sent(xml, day, house.sketch.commune, house.sketch.code, team)


def _name(prefix: str, house: House, what: str) -> str:
    """A lasting id of something about a house."""
    return f"{prefix}{uuid.uuid5(uuid.NAMESPACE_URL, f'{house.instance_id} {what}')}"


def _listed(version: int, house: House, what: str) -> Versions:
    """How a phone updates what it has from the server: in a branch of its own, on that version."""
    return str(version), str(version), _name("", house, f"branch {what}")
