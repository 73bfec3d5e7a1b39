"""A town of households that chance made up, what was sent of them, and filters to ask about them."""

from __future__ import annotations

import random
import tomllib
from datetime import UTC, date, datetime, time, timedelta

from mapper.services import accounts, intake, submission_page
from tests.services.raw_answers import RawAnswers
from tests.services.town import COMMUNES, DAY, FORMS, HAMLETS, SIDE, SOUTH, WEST, Answers, Town, inside, person

CAMPAIGN = tomllib.loads((FORMS / "covid19" / "campaign.toml").read_text("utf-8"))
SERIES = [(group["code"], dose["dose"]) for group in CAMPAIGN["groups"] for dose in group["doses"]]
STATES = ("outside", "away", "vaccinated", "contraindicated", "refused", "deferred", "unknown", "waiting", "due")
DAYS = (0, 0, 0, -170, -45, 60, 190)
"""Days that are asked about, from the census on; few, since everybody's state is reckoned anew for each."""

LAST = ("Nguyễn", "Lý", "Đặng", "Hoàng", "Trần")
MIDDLE = ("Văn", "Thị", "Thị Hoà", "Đức")
FIRST = ("Hòa", "Lan", "Đông", "Ước", "Thuỷ", "Nam")
LOTS = ("FK1234", "AB-77", "0012")
SETS = {
    "squares": {
        "commune": {
            code: (
                *(
                    WEST + SIDE * (n % 7),
                    SOUTH + SIDE * (n // 7),
                    WEST + SIDE * (n % 7 + 1),
                    SOUTH + SIDE * (n // 7 + 1),
                ),
                {"district": "SN"[n // 7], "province": "P"},
            )
            for n, code in enumerate(COMMUNES)
        }
    },
    "strips": {
        "commune": {
            "X": (105.0, 22.0, 105.25, 22.2, {"province": "Q"}),
            "Y": (105.25, 22.0, 105.6, 22.2, {"province": "Q"}),
        }
    },
}


DIVIDED = (2, 9)
"""Communes that the strips' border divides."""


class Census:
    """Houses of some communes, entered, a few of them twice; and what was sent."""

    def __init__(self, town: Town, seed: int, houses: int) -> None:
        self.town, self.chance = town, random.Random(seed)
        whole = [commune for commune in range(len(COMMUNES)) if commune not in DIVIDED]
        self.communes = [*DIVIDED, *self.chance.sample(whole, 4)]
        self.raw = RawAnswers(CAMPAIGN, SETS)
        reference = town.reference
        self.senders = [
            accounts.add_user(reference, f"canvasser {n}", "canvasser", [f"squares:{COMMUNES[n]}"]).id for n in range(3)
        ]
        user = accounts.by_id(reference, accounts.add_user(reference, "sees all", "administrator", []).id)
        assert user is not None
        self.supervisor = user
        for number in range(houses):
            self._house(number)

    def _house(self, number: int) -> None:
        chance, town = self.chance, self.town
        commune, sender = chance.choice(self.communes), chance.choice(self.senders)
        hamlet = chance.randrange(min(3, len(HAMLETS[commune])))
        east, north = chance.uniform(0.02, 0.98), chance.uniform(0.02, 0.98)
        place: Answers = {
            "household.house_number": str(number),
            "household.head": self._name(),
            "household.phone": f"09{chance.randrange(10**8):08d}",
            "household.point": inside(commune, east, north, chance.choice((5.0, 5.0, 5.0, 90.0))),
            "visit.date": DAY - timedelta(days=chance.randrange(30)),
        }
        entity, edits = f"{number:08}-0000-4000-8000-000000000000", ""
        for _ in range(2 if chance.random() < 0.15 else 1):
            people = [self._person(place["visit.date"]) for _ in range(chance.randrange(1, 7))]  # type: ignore[arg-type]
            instance = town.new_instance()
            xml = town.write(
                place, people, instance=instance, edits=edits, entity=entity, commune=commune, hamlet=hamlet
            )
            intake.receive(town.reference, xml, {}, sender_id=sender, received=datetime.combine(DAY, time(5), UTC))
            edits = instance
        review = chance.choice(("", "", "approved", "has_issues"))
        if review:
            submission_page.remark(town.reference, self.supervisor, instance, review, "")
        self.raw.add(xml, sender, review)

    def _name(self) -> str:
        return " ".join(self.chance.choice(words) for words in (LAST, MIDDLE, FIRST))

    def _person(self, visited: date) -> Answers:
        chance = self.chance
        born = visited - timedelta(days=chance.randrange(400, 31000))
        if chance.random() < 0.4:
            asked = DAY + timedelta(days=chance.choice(DAYS))
            born = asked.replace(year=asked.year - chance.randrange(3, 75)) + timedelta(days=chance.choice((-1, 0, 1)))
        facts: dict[str, str] = {
            "name": self._name(),
            "sex": chance.choice(("male", "female")),
            "residence": chance.choice(("here", "here", "here", "absent", "works_away", "moved_out")),
        }
        doses, on = [], visited - timedelta(days=chance.randrange(200, 500))
        if chance.random() < 0.6 and (visited - born).days > 2000:
            for code in ("1", "2", "booster1")[: chance.randrange(1, 4)]:
                doses.append(
                    (code, on if chance.random() < 0.9 else None, chance.choice(("pfizer", "astrazeneca", "vero_cell")))
                )
                on += timedelta(days=chance.randrange(30, 100))
                if on > visited:
                    break
        luck = chance.random()
        if luck < 0.1:
            facts |= {"contraindicated": "yes", "contraindication": chance.choice(("allergy", "other"))}
        elif luck < 0.25:
            facts |= {"consent": "no", "refusal_reason": chance.choice(("far", "fear", ""))}
        elif luck < 0.35:
            facts |= {
                "deferred_until": (visited + timedelta(days=chance.randrange(5, 90))).isoformat(),
                "deferral_reason": "ill",
            }
        if facts["residence"] in ("works_away", "moved_out"):
            facts["away_place"] = chance.choice(("Bình Dương", "Hà Nội"))
        facts["priority"] = chance.choice(("", "", "pregnant", "underlying_disease frontline", "border_resident"))
        made = person(born, doses, **facts)
        for dose in made["doses"]:  # type: ignore[attr-defined]
            dose["dose.lot"] = chance.choice(LOTS)
        if chance.random() < 0.2 and not doses:
            del made["person.birth_date"]
            made["person.birth_year"] = born.year
        return made

    def filter(self) -> tuple[dict[str, list[str]], str, date]:
        """One to three criteria, the set that they are asked of, and a day."""
        chance = self.chance
        set_id = chance.choice(("squares", "squares", "strips"))
        day = DAY + timedelta(days=chance.choice(DAYS))
        group, dose = chance.choice(SERIES)
        age, near = chance.randrange(60), (22 + chance.random() / 5, 105 + chance.random() * 0.7)
        two = chance.sample(self.communes, 2)
        units = [f"commune:{COMMUNES[n]}" for n in self.communes] if set_id == "squares" else ["commune:X", "commune:Y"]
        units += ["province:P", "district:S", "district:N"] if set_id == "squares" else ["province:Q"]
        first = day + timedelta(days=chance.choice((-14, 1)))
        period = {"entering_from": [first.isoformat()], "entering_to": [(first + timedelta(days=14)).isoformat()]}
        corners = ((0.09, -0.2), (0.05, 0.25), (-0.08, 0.1))
        some = self.raw.people.sample(1, random_state=chance.randrange(10**6)).iloc[0]
        texts = (
            "nguyen",
            "LAN ly",
            "hoà đặng",
            "hòa",
            "duc",
            "dong",
            str(some["born"].year),
            some["phone"][3:8],
            some["name"],
        )
        reasons = (
            "contraindicated",
            "deferred",
            "refused",
            "away",
            "refused:fear",
            "refused:",
            "away:Hà Nội",
            "contraindicated:other",
            "deferred:ill",
        )
        criteria: list[dict[str, list[str]]] = [
            {"areas": chance.sample(units, 2)},
            {"areas": [f"hamlet:{HAMLETS[commune][place]}" for place, commune in enumerate(two)]},
            {"within": [",".join(f"{near[0] + lat:.6f} {near[1] + lon:.6f}" for lat, lon in corners)]},
            {"age_from": [str(age)]},
            {"age_from": [str(age)], "age_to": [str(age + chance.randrange(30))]},
            {"age_from": [str(age)], "age_to": [str(age + chance.randrange(3))]},
            {"age_to": [str(age)]},
            {"group": [group]},
            {"group": [group], "dose": [dose], "states": chance.sample(STATES, 3)},
            {"group": [group], "dose": [dose], "states": [chance.choice(STATES)]},
            {"group": [group], "dose": [dose], "entering": ["due"]} | period,
            {"group": [group], "entering": ["group"]} | period,
            {"sexes": [chance.choice(("male", "female"))]},
            {"given": [chance.choice(("1", "2", "booster1"))], "vaccines": [chance.choice(("pfizer", "vero_cell"))]},
            {"lots": chance.sample(LOTS, 2)},
            {"given_from": ["2021-06-01"], "given_to": [f"2022-{chance.randrange(1, 9):02}-01"]},
            {"priorities": [chance.choice(("pregnant", "frontline", "border_resident"))]},
            {"residences": chance.sample(("here", "absent", "works_away", "moved_out"), 2)},
            {"reasons": chance.sample(reasons, 2)},
            {"senders": [str(chance.choice(self.senders))]},
            {"reviews": [chance.choice(("", "approved", "has_issues"))]},
            {
                "visited_from": [(DAY - timedelta(days=20)).isoformat()],
                "visited_to": [(DAY - timedelta(days=5)).isoformat()],
            },
            {"text": [chance.choice(texts)]},
        ]
        chosen: dict[str, list[str]] = {}
        for each in chance.sample(criteria, chance.randrange(1, 4)):
            if not (each.keys() & chosen.keys()):
                chosen |= each
        return chosen, set_id, day
