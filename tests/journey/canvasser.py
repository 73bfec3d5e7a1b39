"""A canvasser with a phone: households told by chance, entered into the census as a phone lets them be entered.

What is written down beside each submission are the answers that the phone took, by the names of the questions; the
figures that a test expects come from these and from nothing that the server made of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.engine.javarosa import Entry, Form, NotRelevant

DAY = timedelta(days=1)
FIRST_VACCINE = date(2020, 12, 1)
FIRST_CASE = date(2020, 1, 1)
VACCINES = ("pfizer", "pfizer", "moderna", "astrazeneca", "astrazeneca", "vero_cell", "abdala", "janssen", "other")
PRIORITIES = ("underlying_disease", "industrial_worker", "frontline", "border_resident")
HEALTH = frozenset(
    "priority infected infected_on contraindicated contraindication deferred deferred_until deferral_reason "
    "vaccinated dose no_dose_choice consent refusal_reason refusal_other".split()
)
AFTER_DOSES = ("no_dose_choice", "consent", "refusal_reason", "refusal_other")

Answers = dict[str, object]


@dataclass
class Told:
    """One household as the phone took it. people: answers of each, with their doses under "dose"."""

    visited_on: date
    house: Answers
    people: list[Answers] = field(default_factory=list)


@dataclass(frozen=True)
class Hamlet:
    """Where canvassers go."""

    code: str
    commune: str
    lon: float
    lat: float


class Canvasser:
    """Invents households and enters them.

    today: of the engine's clock, which the form's constraints look at.
    """

    def __init__(self, form: Form, hamlets: Sequence[Hamlet], today: date, chance: random.Random) -> None:
        self.form, self.hamlets, self.today, self.chance = form, hamlets, today, chance

    def visit(self, number: int) -> tuple[bytes, Told]:
        """One visit: the submission and what was told."""
        chance = self.chance
        told = Told(self.today - chance.randrange(28) * DAY, {})
        entry = self.form.new(on=told.visited_on)
        outcome = chance.choices(["interviewed", "absent", "refused", "locked", "moved_away"], (78, 8, 5, 5, 4))[0]
        people = self._people(told.visited_on) if outcome == "interviewed" else []
        self._enter(entry, self._place(number), told.house)
        self._interview(entry, told, outcome, people)
        return entry.finalise(), told

    def correct(self, submission: bytes, told: Told) -> tuple[bytes, Told]:
        """An edit: who was out is met after all, or somebody has moved out or changed their mind."""
        entry = self.form.edit(submission)
        mended = Told(told.visited_on, dict(told.house), [dict(person) for person in told.people])
        if mended.house["outcome"] != "interviewed":
            for gone in ("outcome", "revisit_on", "head", "phone", "expected_members", "remarks"):
                mended.house.pop(gone, None)
            self._interview(entry, mended, "interviewed", self._people(told.visited_on))
        else:
            person = mended.people[0]
            if person.get("consent") == "yes":
                change = {"consent": "no", "refusal_reason": "far"}
            else:
                # Who has moved out is asked nothing about health; what was said of it is not sent any more.
                change = {"residence": "moved_out"}
                mended.people[0] = person = {name: answer for name, answer in person.items() if name not in HEALTH}
            for name, answer in change.items():
                entry.answer(name, answer, person=1)
                person[name] = answer
        return entry.finalise(), mended

    def _interview(self, entry: Entry, told: Told, outcome: str, people: Sequence[Answers]) -> None:
        chance = self.chance
        expected = len(people) + (chance.random() < 0.1)
        answers: Answers = {
            "outcome": outcome,
            "revisit_on": self.today + chance.randrange(1, 20) * DAY if chance.random() < 0.5 else None,
            "head": people[0]["person_name"] if people else chance.choice([None, "Triệu Văn Hùng"]),
            "phone": chance.choice([None, f"09{chance.randrange(10**8):08d}"]),
            "expected_members": expected if people else chance.choice([None, 0, 3, 5]),
        }
        self._enter(entry, answers, told.house)
        for person in people:
            entry.add("person")
            taken: Answers = {}
            doses = person.pop("dose")
            after = {name: person.pop(name) for name in AFTER_DOSES}
            self._enter(entry, person, taken)
            taken["dose"] = []
            if taken.get("vaccinated") == "yes":
                assert isinstance(doses, list)
                if not doses:
                    entry.remove("dose")  # the form begins with a blank one
                for dose in doses:
                    entry.add("dose")
                    given: Answers = {}
                    self._enter(entry, dose, given)
                    taken["dose"].append(given)
            self._enter(entry, after, taken)
            told.people.append(taken)
        self._enter(entry, {"count_choice": "right", "remarks": chance.choice([None, "Nhà sàn, chó dữ"])}, told.house)

    def _enter(self, entry: Entry, answers: Mapping[str, object], taken: Answers) -> None:
        for name, answer in answers.items():
            if answer is not None:
                with suppress(NotRelevant):
                    entry.answer(name, answer)
                    taken[name] = answer

    def _place(self, number: int) -> Answers:
        chance = self.chance
        hamlet = chance.choice(self.hamlets)
        lon, lat, accuracy = hamlet.lon, hamlet.lat, round(chance.uniform(3, 30), 1)
        luck = chance.random()
        if luck < 0.04:
            accuracy = 180.0
        elif luck < 0.08:
            # The phone stood in another commune than the one that was chosen.
            other = chance.choice(self.hamlets)
            lon, lat = other.lon, other.lat
        elif luck < 0.10:
            lon, lat = 105.85, 21.03
        point = (round(lat + chance.gauss(0, 0.002), 6), round(lon + chance.gauss(0, 0.002), 6), 310.0, accuracy)
        return {
            "commune": hamlet.commune,
            "hamlet": hamlet.code,
            "house_number": str(number),
            "location": None if luck > 0.97 else point,
            "accuracy_choice": "keep",
            "no_point_reason": "no_signal",
        }

    def _people(self, on: date) -> list[Answers]:
        chance = self.chance
        return [self._person(on) for _ in range(chance.choices(range(1, 8), (14, 24, 24, 20, 10, 5, 3))[0])]

    def _person(self, on: date) -> Answers:
        chance = self.chance
        years = chance.choice([chance.uniform(0, 13), chance.uniform(5, 20), chance.uniform(18, 95)])
        born = min(on, on - timedelta(days=int(years * 365.25)))
        known = chance.choices(["date", "year", "age"], (70, 15, 15))[0]
        age = max(0, on.year - born.year - ((on.month, on.day) < (born.month, born.day)))
        # The earliest birth that this answer leaves possible, for the form (which looks at today) and for the server.
        earliest = {"date": born, "year": date(born.year, 1, 1), "age": self.today - (age + 1) * 365 * DAY + 40 * DAY}
        sex = chance.choice(["male", "female"])
        priority = ["none"] if chance.random() < 0.7 else chance.sample(PRIORITIES, chance.randrange(1, 3))
        if sex == "female" and 18 <= age <= 40 and chance.random() < 0.2:
            priority = ["pregnant"]
        contraindicated = "yes" if chance.random() < 0.06 else "no"
        vaccinated = chance.choices(["yes", "no", "unknown"], (76, 17, 7))[0]
        consent = chance.choices(["yes", "no", "undecided"], (80, 12, 8))[0]
        ill_from = max(FIRST_CASE, earliest[known])
        ill_on = ill_from + chance.randrange(max(1, (on - ill_from).days + 1)) * DAY
        return {
            "person_name": chance.choice(["Nông", "Hoàng", "Triệu", "Lý"]) + chance.choice([" Thị Thuỷ", " Văn Đức"]),
            "sex": sex,
            "birth_known": known,
            "birth_date": born,
            "birth_year": born.year,
            "age_years": age,
            "residence": chance.choices(["here", "works_away", "absent", "moved_in", "moved_out"], (80, 8, 4, 4, 4))[0],
            "away_place": chance.choice([None, "Bắc Ninh"]),
            "priority": priority,
            "infected": chance.choice(["yes", "no"]),
            "infected_on": ill_on if ill_on <= on and chance.random() < 0.8 else None,
            "contraindicated": contraindicated,
            "contraindication": "Phản vệ độ 3",
            "deferred": "yes" if chance.random() < 0.12 else "no",
            "deferred_until": self.today + chance.randrange(1, 60) * DAY,
            "deferral_reason": "treatment",
            "vaccinated": vaccinated,
            "dose": (doses := self._doses(earliest[known], on) if chance.random() < 0.96 else []),
            "no_dose_choice": "nobody_knows" if not doses else None,
            "consent": consent,
            "refusal_reason": "other",
            "refusal_other": "Đợi con về",
        }

    def _doses(self, earliest: date, on: date) -> list[Answers]:
        """Doses in the order of the form, each with a chance to be the last, some without a date or vaccine."""
        chance = self.chance
        last = max(FIRST_VACCINE, earliest) - DAY
        vaccine = chance.choice(VACCINES)
        known_vaccines: list[str] = []
        doses: list[Answers] = []
        for number in ("1", "2", "3", "additional", "booster1", "booster2"):
            held = [dose["dose_number"] for dose in doses]
            if number == "2" and vaccine == "janssen" and chance.random() < 0.7:
                continue
            if number == "3" and ("2" not in held or (known_vaccines and "abdala" not in known_vaccines)):
                continue
            if number == "additional" and chance.random() < 0.7:
                continue
            if number == "booster2" and "booster1" not in held:
                break
            if number != "1" and chance.random() < 0.22:
                break
            room = (on - last).days
            if room < 1:
                break
            if number in ("additional", "booster1", "booster2"):
                vaccine = chance.choice(VACCINES)
            recalled = chance.random() < 0.15
            given = last + chance.randrange(1, min(room, 160) + 1) * DAY
            dose: Answers = {
                "dose_number": number,
                "evidence": "recall" if recalled else chance.choice(["paper_card", "app"]),
                "vaccine": None if recalled and chance.random() < 0.5 else vaccine,
                "dose_date": None if recalled and chance.random() < 0.5 else given,
                "lot": chance.choice([None, "FK0108"]),
            }
            if dose["vaccine"]:
                known_vaccines.append(vaccine)
            if dose["dose_date"]:
                last = given
            doses.append(dose)
        return doses
