"""Invented households of the sample: families drawn by chance, and what they answer at the door.

It speaks roles and the campaign's own groups, doses and vaccines, and knows no question's name.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from mapper.domain.campaign import Campaign, Group, Period
from mapper.domain.ledger import Membership
from mapper.domain.people import Outcome, Person, Point, Residence
from mapper.formats.declared import Roles
from mapper.formats.xform import XFormModel

VIETNAM = timezone(timedelta(hours=7))
HOUSEHOLDS = 1500
"""In the sample, where no other number is asked for."""
SEED = 2022
"""Of everything that is drawn by chance."""

SURNAMES = tuple(
    "Hoàng Nông Triệu Lý Ma Hà Nguyễn Bàn Đặng Dương Lường Phùng Bế Đàm Lục Chu Vi La Nguyễn Hoàng Nông".split(" ")
)
MIDDLE = {
    "male": "Văn Đức Quang Minh Hữu Xuân Đình Ngọc".split(" "),
    "female": "Thị Thị Thị Thu Ngọc Thanh Kim Mai".split(" "),
}
GIVEN = {
    "male": (
        "Hùng Dũng Tuấn Nam Sơn Hải Long Thắng Kiên Đức Toàn Hiếu Cường Phong Quân Trường Lâm Thành Huy Khánh".split(
            " "
        )
    ),
    "female": (
        "Hoa Lan Hương Mai Thuỷ Hằng Nga Hiền Liên Bích Yến Dung Thảo Linh Trang Ngân Huệ Tuyết Vân Oanh".split(" ")
    ),
}
PLACES = ("Trạm Y tế xã", "Trung tâm Y tế huyện", "Điểm tiêm lưu động")
REFUSALS = ("Sợ con sốt sau tiêm", "Chờ bố mẹ về", "Muốn đợi thêm")
"""Said where the form asks for a reason in words."""
WOMEN_ONLY = frozenset({"pregnant"})
"""Priority groups that no man is in."""


@dataclass(frozen=True, slots=True)
class HamletSketch:
    """A hamlet of the sample: where it lies, how many houses, how far the census and the vaccine got."""

    code: str
    commune: str
    households: int
    lon: float
    lat: float
    visited_share: float
    reach: float


@dataclass(frozen=True, slots=True)
class House:
    """A house of the first round, and what was told there. count: its place in the row of all houses.

    answers, people: by roles. family: whoever lives there, also where nobody was met.
    """

    count: int
    sketch: HamletSketch
    day: date
    instance_id: str
    answers: dict[str, object]
    people: list[dict[str, object]]
    family: list[dict[str, object]]

    @property
    def shown(self) -> str:
        """How a phone names the house."""
        return f"{self.answers['household.house_number']} - {self.answers['household.head']}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One invented submission, the day it is said to have come, and where the house lies.

    team: the first or the second of the commune's, who sent it.
    """

    xml: bytes
    day: date
    commune: str
    hamlet: str
    team: int = 1


def at_the_door(house: House, turn: int, day: date | None = None, people: int | None = None) -> dict[str, object]:
    """When the form of a house was opened and finished, as its answers tell it.

    turn: how many houses the team went to before it that day; one in half an hour, from half past seven. day, people:
    of a later visit than the house's own.
    """
    chance = random.Random(f"{SEED} {house.instance_id} {day or house.day} at the door")  # noqa: S311
    asked = len(house.people) if people is None else people
    opened = datetime.combine(day or house.day, time(7, 30), VIETNAM)
    start = opened + timedelta(minutes=30 * (turn % 22), seconds=chance.randrange(420))
    minutes = min(22.0, (1.2 + 2.6 * asked) * chance.lognormvariate(0, 0.25) + (0 if asked else chance.random()))
    return {"started": start, "ended": start + timedelta(seconds=round(60 * minutes))}


class Asking:
    """The campaign and what its form offers to choose from."""

    def __init__(self, campaign: Campaign, model: XFormModel) -> None:
        self.campaign = campaign
        paths = Roles.of(model).paths
        self._offered: dict[str, list[str]] = {}
        for role in ("person.refusal_reason", "person.deferral_reason", "person.priority", "dose.evidence"):
            node = model.node(paths.get(role, ""))
            found = model.choice_list(node.choices) if node is not None and node.choices else None
            self._offered[role] = [choice.value for choice in found.choices] if found else []
        wanted = {name for group in campaign.groups for name in group.priorities}
        self.priorities = [name for name in self._offered["person.priority"] if name in wanted]

    @property
    def vaccines(self) -> list[str]:
        """The vaccines of the campaign, the usual ones first."""
        return list(self.campaign.vaccines)

    def asks_about(self, born: object, day: date) -> bool:
        """Whether somebody is of an age that the campaign is about, or younger; a form for children names no adults."""
        assert isinstance(born, date)
        ends = [group.to_age for group in self.campaign.groups]
        return any(end is None or day < end.after(born) for end in ends)

    def one_of(self, role: str, chance: random.Random, words: Sequence[str] = ()) -> str | None:
        """A choice that needs no further word, the first ones more often; one of the words where none is offered."""
        offered = self.all_of(role) or words
        return offered[int(len(offered) * chance.random() ** 2)] if offered else None

    def all_of(self, role: str) -> list[str]:
        """The choices that need no further word."""
        return [choice for choice in self._offered[role] if choice not in ("other", "none")]

    def none_of(self, role: str) -> str | None:
        """The choice that says "none", where the form has one."""
        return "none" if "none" in self._offered[role] else None


def household(
    asking: Asking, sketch: HamletSketch, house: int, day: date, chance: random.Random
) -> tuple[dict[str, object], list[dict[str, object]], list[dict[str, object]]]:
    """What is told of a house by roles, of its people, and who lives there, met or not."""
    outcome = chance.choices(list(Outcome), (91, 4, 1.5, 2, 1.5))[0]
    surname = chance.choice(SURNAMES)
    members = family(surname, day, chance) if outcome is not Outcome.VACANT else []
    answers: dict[str, object] = {
        "visit.date": day,
        "visit.outcome": outcome.value,
        "household.commune": sketch.commune,
        "household.hamlet": sketch.code,
        "household.house_number": str(house),
        "household.head": members[0]["person.name"] if members else f"{surname} (nhà bỏ không)",
        "household.phone": f"0900{chance.randrange(1_000_000):06d}" if members and chance.random() < 0.85 else None,
        "household.expected_members": len(members) or None,
        "household.point": point_near(sketch, chance),
    }
    if outcome is not Outcome.INTERVIEWED:
        return answers, [], members
    told = people_asked(asking, sketch, members, day, chance)
    answers["household.expected_members"] = len(told) or None
    return answers, told, members


def people_asked(
    asking: Asking, sketch: HamletSketch, members: Sequence[dict[str, object]], day: date, chance: random.Random
) -> list[dict[str, object]]:
    """The answers about those members whom the campaign is about."""
    return [asked(asking, sketch, person, day, chance) for person in members if asking.asks_about(person["born"], day)]


def point_near(sketch: HamletSketch, chance: random.Random) -> Point | None:
    if chance.random() < 0.01:
        return None
    accuracy = chance.choice((4.0, 5.0, 6.5, 8.0, 12.0)) if chance.random() > 0.01 else 180.0
    return Point(
        round(sketch.lat + chance.gauss(0, 0.0019), 6), round(sketch.lon + chance.gauss(0, 0.0021), 6), accuracy, 250.0
    )


def family(surname: str, day: date, chance: random.Random) -> list[dict[str, object]]:
    """A family: a couple, their children, sometimes a grandparent."""

    def person(years: float, sex: str, name: str = surname) -> dict[str, object]:
        born = day - timedelta(days=int(years * 365.25) + chance.randrange(365))
        full = f"{name} {chance.choice(MIDDLE[sex])} {chance.choice(GIVEN[sex])}"
        return {"person.name": full, "person.sex": sex, "born": min(born, day)}

    parents = chance.uniform(24, 62)
    family = [person(parents, "male"), person(parents - chance.uniform(-2, 6), "female", chance.choice(SURNAMES))]
    for number in range(chance.choice((0, 1, 1, 2, 2, 2, 3))):
        years = parents - 22 - number * 3.2 - chance.uniform(0, 4)
        if 0 < years < 30:
            family.append(person(years, chance.choice(("male", "female"))))
    if chance.random() < 0.3:
        family.append(person(min(parents + 26, chance.uniform(62, 90)), chance.choice(("male", "female", "female"))))
    return family


def asked(
    asking: Asking, sketch: HamletSketch, member: Mapping[str, object], day: date, chance: random.Random
) -> dict[str, object]:
    """One member's answers, with the doses that the campaign's schedule and the hamlet's reach gave."""
    campaign, born = asking.campaign, member["born"]
    assert isinstance(born, date)
    answers: dict[str, object] = {"person.name": member["person.name"], "person.sex": member["person.sex"]}
    years = (day - born).days / 365.25
    if years > 60 and chance.random() < 0.25:
        answers["person.birth_year"] = born.year
    else:
        answers["person.birth_date"] = born
    away = 17 < years < 45 and chance.random() < 0.08
    answers["person.residence"] = (Residence.WORKS_AWAY if away else Residence.RESIDENT).value
    answers["person.contraindicated"] = "no"
    if years > 17:
        open_to = [name for name in asking.priorities if member["person.sex"] == "female" or name not in WOMEN_ONLY]
        chosen = chance.choice(open_to) if open_to and chance.random() < 0.05 + years / 400 else None
        if chosen in WOMEN_ONLY and years > 42:
            chosen = asking.priorities[0]
        answers["person.priority"] = chosen or asking.none_of("person.priority")
    if chance.random() < 0.2:
        answers["person.infected_on"] = max(born, day - timedelta(days=chance.randrange(30, 220)))
    person = Person("", day, born_on=born)
    groups = [g for g in campaign.groups if not g.priorities and is_member(person, g, day)]
    doses = doses_given(asking, groups[-1], person, sketch.reach, day, chance) if groups else []
    answers["doses"] = doses
    answers["person.vaccinated"] = "yes" if doses else "no"
    answers["person.consent"] = "yes"
    if groups and not doses:
        luck = chance.random()
        if luck < 0.1:
            answers["person.contraindicated"] = "yes"
        elif luck < 0.25:
            answers["person.deferred_until"] = day + timedelta(days=chance.randrange(7, 60))
            answers["person.deferral_reason"] = asking.one_of("person.deferral_reason", chance)
        elif luck < 0.5:
            answers["person.consent"] = "no"
            answers["person.refusal_reason"] = asking.one_of("person.refusal_reason", chance, REFUSALS)
        elif luck < 0.55:
            answers["person.vaccinated"] = "unknown"
    return answers


def is_member(person: Person, group: Group, day: date) -> bool:
    """Whether somebody is in a group on a day."""
    member = Membership(person, group)
    return member.start <= day.toordinal() < member.end


def doses_given(
    asking: Asking, group: Group, person: Person, reach: float, day: date, chance: random.Random
) -> list[dict[str, object]]:
    """Doses given one after another, each less likely in a hamlet that is hard to reach."""
    campaign = asking.campaign
    given: list[dict[str, object]] = []
    dates: dict[str, date] = {}
    vaccine: str | None = None
    for place, dose in enumerate(group.doses):
        if dose.only_vaccines and vaccine not in dose.only_vaccines:
            continue
        if dose.after is not None and dose.after not in dates:
            break
        if chance.random() > reach ** (1 + 0.9 * place):
            break
        if dose.after is None:
            start = dose.deadline - timedelta(days=140) if dose.deadline else campaign.start + timedelta(days=150)
            start = max(start, (group.from_age or Period()).after(person.born_on or start))
        else:
            start = dose.interval_by_vaccine.get(vaccine or "", dose.interval).after(dates[dose.after])
        on = start + timedelta(days=chance.randrange(0, 70))
        if on > day:
            break
        choices = list(dose.vaccines) or asking.vaccines
        if not (dose.same_vaccine and vaccine) and choices:
            vaccine = chance.choice(choices[:3])
        dates[dose.code] = on
        given.append(dose_given(asking, dose.code, on, vaccine, chance))
    return given


def dose_given(asking: Asking, code: str, on: date, vaccine: str | None, chance: random.Random) -> dict[str, object]:
    """One dose by roles."""
    return {
        "dose.number": code,
        "dose.date": on,
        "dose.vaccine": vaccine,
        "dose.place": chance.choice(PLACES),
        "dose.evidence": asking.one_of("dose.evidence", chance),
    }
