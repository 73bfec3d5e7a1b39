"""Invented households for the benchmarks: who lives there and which doses they hold, told by roles.

A hamlet is vaccinated as hamlets are: a mobile site comes on two days a dose, and who missed them straggles in over
the weeks that follow. Births lie uniformly over seventy years. Every household follows from the seed and its number,
so that two runs, or two servers, are sent the same bytes.
"""

from __future__ import annotations

import csv
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from mapper.domain.campaign import Campaign, Group, Period
from mapper.domain.people import Point

SEED = 20220908
FIRST_DAY, LAST_DAY = date(2022, 7, 11), date(2022, 9, 8)
SURNAMES = ("Nguyễn", "Trần", "Hoàng", "Nông", "Triệu", "Lý", "Ma", "Hà", "Bàn", "Đặng", "Dương", "Phùng")
MIDDLE = {"male": ("Văn", "Đức", "Quang", "Minh", "Hữu"), "female": ("Thị", "Thu", "Ngọc", "Kim", "Mai")}
GIVEN = {
    "male": ("Hùng", "Dũng", "Tuấn", "Nam", "Sơn", "Hải", "Long", "Thắng", "Kiên", "Đức"),
    "female": ("Hoa", "Lan", "Hương", "Mai", "Thuỷ", "Hằng", "Nga", "Hiền", "Liên", "Bích"),
}
PLACES = ("Trạm Y tế xã", "Trung tâm Y tế huyện", "Điểm tiêm lưu động")

Answers = dict[str, object]


@dataclass(frozen=True, slots=True)
class Hamlet:
    """Where a hamlet lies and how far vaccine got: reach is the share that takes a first dose."""

    code: str
    commune: str
    lon: float
    lat: float
    households: int
    reach: float
    start: int
    """Days by which its rounds come later than the earliest hamlet's."""


def sample_hamlets(checkout: Path) -> list[Hamlet]:
    """The hamlets of the sample district, with their places."""
    chance = random.Random(SEED)
    with (checkout / "geodata" / "bach_thong_hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        centres = {row["code"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)}
    with (checkout / "forms" / "covid19" / "hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        return [
            Hamlet(
                row["name"],
                row["commune"],
                *centres[row["name"]],
                int(row["households"]),
                min(0.99, chance.gauss(0.9, 0.07)),
                chance.randrange(60),
            )
            for row in csv.DictReader(file)
        ]


class Inventor:
    """Invents household after household for a campaign."""

    def __init__(self, campaign: Campaign, hamlets: Sequence[Hamlet], seed: int = SEED) -> None:
        self.campaign = campaign
        self.hamlets = hamlets
        self.seed = seed
        self._rounds: dict[tuple[str, str], date] = {}
        for place, group in enumerate(reversed(campaign.groups)):
            on = campaign.start + timedelta(days=100 + 30 * place)
            for dose in group.doses:
                self._rounds[group.code, dose.code] = on
                if not dose.only_vaccines:
                    on += timedelta(days=90)
        self._ages = [group for group in campaign.groups if not group.priorities]
        self._vaccines = {
            (group.code, dose.code): tuple(dose.vaccines or campaign.vaccines)[:3]
            for group in campaign.groups
            for dose in group.doses
        }

    def household(self, number: int, hamlet: Hamlet | None = None) -> tuple[Answers, list[Answers]]:
        """Answers and people of one household, in the words of the roles.

        hamlet: where it stands; one by its number where left out. Everybody is interviewed: the costliest submission.
        """
        chance = random.Random(self.seed * 1_000_003 + number)
        at = hamlet or self.hamlets[number % len(self.hamlets)]
        day = FIRST_DAY + timedelta(days=chance.randrange((LAST_DAY - FIRST_DAY).days + 1))
        surname = chance.choice(SURNAMES)
        people = [self._person(surname, at, day, chance) for _ in range(chance.choice((2, 3, 4, 4, 4, 5, 6)))]
        answers: Answers = {
            "visit.date": day,
            "visit.outcome": "interviewed",
            "household.commune": at.commune,
            "household.hamlet": at.code,
            "household.house_number": str(1 + number // len(self.hamlets)),
            "household.head": people[0]["person.name"],
            "household.phone": f"09{number:08d}",
            "household.expected_members": len(people),
            "household.point": Point(
                round(at.lat + chance.gauss(0, 0.0015), 6), round(at.lon + chance.gauss(0, 0.0015), 6), 6.5, 250.0
            ),
        }
        return answers, people

    def _person(self, surname: str, hamlet: Hamlet, day: date, chance: random.Random) -> Answers:
        sex = chance.choice(("male", "female"))
        born = day - timedelta(days=chance.randrange(70 * 365))
        doses = self._doses(born, hamlet, day, chance)
        answers: Answers = {
            "person.name": f"{surname} {chance.choice(MIDDLE[sex])} {chance.choice(GIVEN[sex])}",
            "person.sex": sex,
            "person.birth_date": born,
            "person.residence": "works_away" if chance.random() < 0.05 else "here",
            "person.contraindicated": "no",
            "person.vaccinated": "yes" if doses else "no",
            "person.consent": "yes",
            "doses": doses,
        }
        luck = chance.random()
        if luck < 0.02:
            answers["person.contraindicated"] = "yes"
        elif luck < 0.05 and not doses:
            answers["person.deferred_until"] = day + timedelta(days=chance.randrange(7, 60))
        elif luck < 0.1 and not doses:
            answers["person.consent"] = "no"
            answers["person.refusal_reason"] = "side_effects"
        if luck > 0.9:
            answers["person.priority"] = ["underlying_disease"]
        return answers

    def _group(self, born: date, day: date) -> Group | None:
        for group in self._ages:
            start = (group.from_age or Period()).after(born)
            if start <= day and (group.to_age is None or day < group.to_age.after(born)):
                return group
        return None

    def _doses(self, born: date, hamlet: Hamlet, day: date, chance: random.Random) -> list[Answers]:
        group = self._group(born, day)
        if group is None:
            return []
        given: list[Answers] = []
        dates: dict[str, date] = {}
        vaccine = ""
        for place, dose in enumerate(group.doses):
            if dose.only_vaccines and vaccine not in dose.only_vaccines:
                continue
            if (dose.after is not None and dose.after not in dates) or chance.random() > hamlet.reach - 0.08 * place:
                break
            on = self._rounds[group.code, dose.code] + timedelta(days=hamlet.start)
            if chance.random() < 0.7:
                on += timedelta(days=chance.randrange(2))
            else:
                on += timedelta(days=2 + int(chance.expovariate(1 / 25)))
            earliest = (group.from_age or Period()).after(born)
            if dose.after is not None:
                interval = dose.interval_by_vaccine.get(vaccine, dose.interval)
                earliest = max(earliest, interval.after(dates[dose.after]))
            on = max(on, earliest)
            if on > day:
                break
            if not (dose.same_vaccine and vaccine):
                vaccine = chance.choice(self._vaccines[group.code, dose.code])
            dates[dose.code] = on
            given.append(
                {
                    "dose.number": dose.code,
                    "dose.date": on,
                    "dose.vaccine": vaccine,
                    "dose.lot": f"L{on.toordinal() % 9000 + 1000}",
                    "dose.place": chance.choice(PLACES),
                    "dose.evidence": chance.choice(("paper_card", "paper_card", "app", "recall")),
                }
            )
        return given


def instance_id(number: int, run: str = "") -> str:
    """An instanceID that follows from the number, and from the run where each is to send new ones."""
    return f"uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'household {run} {number}')}"
