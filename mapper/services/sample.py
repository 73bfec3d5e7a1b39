"""The sample district: invented households in a real district's communes, through the real intake.

Everything about people is drawn by chance from a fixed seed, so that the sample is the same everywhere. It speaks
roles and the campaign's own groups, doses and vaccines, and knows no question's name.
"""

from __future__ import annotations

import csv
import random
import secrets
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from mapper.domain.campaign import Campaign, Group, Period
from mapper.domain.ledger import Membership
from mapper.domain.people import Outcome, Person, Point, Residence
from mapper.errors import Conflict, InvalidInput, mark
from mapper.formats.campaign import read_campaign
from mapper.formats.declared import Roles
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import XFormModel
from mapper.geo.approximate import approximate_set
from mapper.services import accounts, boundaries, intake, publish
from mapper.services.reference import Reference
from mapper.store import reference as kept

HOUSEHOLDS = 1500
SEED = 2022
EDITION = 3
"""Raise it when forms, boundaries or households of the sample change."""
FIRST_DAY, LAST_DAY = date(2022, 8, 8), date(2022, 9, 8)
"""The invented census: five weeks up to the day of the meeting that set the targets."""
SET_ID = "bach_thong_2022"
SUPERVISOR, ADMINISTRATOR = "giamsat", "quantri"
TEAM = "Tổ {commune}"
"""Who sends the forms of a commune: a team, since nobody here is a real person."""
DISTRICT = "063"

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
class Made:
    """A finished sample and how to sign in to it: name and password of the supervisor and of the administrator."""

    households: int
    supervisor: tuple[str, str]
    administrator: tuple[str, str]


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


def build(reference: Reference, root: Path, households: int, progress: Callable[[int], None]) -> Made:
    """Publish the forms, make the approximate boundary set, take in the households; then fresh passwords.

    Does again only what is missing: of fewer or more households the first are the same. Raises InvalidInput for none,
    Conflict in a database that holds anything else, since invented households never mix with real ones, or the sample
    of another edition.
    """
    if households < 1:
        raise InvalidInput(mark("A sample has one household or more, not {number}."), number=households)
    with reference.database.read() as connection:
        known = reference.known(connection)
        ready = kept.fact(connection, "sample built") == _mark(households)
        edition = kept.fact(connection, "sample edition")
    if known.sample and edition != str(EDITION):
        raise Conflict(
            mark(
                "The sample in this database is of an older edition of the program. Remove that database, or give "
                "the sample another folder: MAPPER_DATA_DIR."
            )
        )
    if not known.sample:
        if known.sets or known.campaigns or intake.how_many(reference):
            raise Conflict(
                mark("This database holds real data; the sample is invented. Give it another folder: MAPPER_DATA_DIR.")
            )
        with reference.database.write() as connection:
            kept.set_fact(reference.database, connection, "sample", "yes")
            kept.set_fact(reference.database, connection, "sample edition", str(EDITION))
            kept.raise_revision(reference.database, connection)
    if ready:
        progress(households)
    else:
        _fill(reference, root, households, progress)
        with reference.database.write() as connection:
            kept.set_fact(reference.database, connection, "sample built", _mark(households))
    passwords = secrets.token_urlsafe(9), secrets.token_urlsafe(9)
    accounts.add_user(reference, SUPERVISOR, "supervisor", [f"{SET_ID}:{DISTRICT}"], passwords[0])
    accounts.add_user(reference, ADMINISTRATOR, "administrator", [], passwords[1])
    return Made(households, (SUPERVISOR, passwords[0]), (ADMINISTRATOR, passwords[1]))


def _mark(households: int) -> str:
    """Names a finished sample: one of another number builds what that one lacks."""
    return f"{EDITION} {households}"


def _fill(reference: Reference, root: Path, households: int, progress: Callable[[int], None]) -> None:
    """Boundary set, forms, a team of canvassers a commune, and every household that is not here yet."""
    with reference.database.read() as connection:
        sets = reference.known(connection).sets
    if SET_ID not in sets:
        _import_outlines(reference, root / "geodata")
    for folder in sorted((root / "forms").iterdir()):
        if any(folder.glob("*.xlsx")):
            publish.publish(reference, folder)
    teams = _teams(reference)
    for one in submissions(reference, root, households):
        received = datetime.combine(one.day, time(10), UTC)
        intake.receive(reference, one.xml, {}, sender_id=teams[one.commune], received=received)
        progress(1)


def _teams(reference: Reference) -> dict[str, int]:
    """Numbers of the canvassers by the code of their commune, all of whose hamlets are theirs."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    hamlets: dict[str, list[str]] = {}
    for hamlet in known.hamlets.values():
        hamlets.setdefault(hamlet.commune_code, []).append(f"hamlet:{hamlet.code}")
    places = known.sets[SET_ID]
    return {
        commune: accounts.add_user(
            reference, TEAM.format(commune=places.units[places.leaf, commune].name), "canvasser", codes
        ).id
        for commune, codes in hamlets.items()
    }


def _import_outlines(reference: Reference, geodata: Path) -> None:
    """The district's communes with approximate outlines, made here and now, as a boundary file like any other."""
    outlines = approximate_set(geodata / "bach_thong_communes.csv", geodata / "bach_thong_outline.geojson")
    facts = boundaries.SetFacts(
        SET_ID, "Huyện Bạch Thông, 2022", date(2020, 2, 1), date(2025, 6, 30), True, "geodata/PROVENANCE.md"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bach_thong.geojson"
        file.write_bytes(outlines)
        boundaries.import_file(reference, file, facts)


@dataclass(frozen=True, slots=True)
class Sent:
    """One invented submission, the day it is said to have come, and the code of the house's commune."""

    xml: bytes
    day: date
    commune: str


def submissions(reference: Reference, root: Path, households: int) -> Iterator[Sent]:
    """The invented submissions of every campaign that has a census with roles: all of the first, a fifth of others."""
    with reference.database.read() as connection:
        forms = kept.current_forms(connection)
        files = dict(kept.campaigns(connection))
    sketches = _sketches(root)
    number = households
    for form in sorted(forms, key=lambda f: f.campaign_id != "covid19"):
        if form.campaign_id is None:
            continue
        campaign = read_campaign(files[form.campaign_id])
        model = XFormModel.from_json(form.model)
        if any(node.role == "visit.kind" for node in model.nodes):
            # It tells what changed since a census, and here nothing has.
            continue
        yield from _households(Asking(campaign, model), InstanceWriter(model, campaign), sketches, number, form.form_id)
        number = max(1, households // 5)


def _sketches(root: Path) -> list[HamletSketch]:
    chance = random.Random(SEED)  # noqa: S311
    centres = {}
    with (root / "geodata" / "bach_thong_hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            centres[row["code"]] = float(row["lon"]), float(row["lat"])
    sketches = []
    with (root / "forms" / "covid19" / "hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            visited = chance.choice((1, 1, 1, 0.97, 0.95, 0.9, 0.85, 0.7, 0.35, 0.12))
            reach = min(
                0.995, max(0.25, chance.gauss(0.93, 0.05) if chance.random() < 0.7 else chance.gauss(0.6, 0.12))
            )
            lon, lat = centres[row["name"]]
            sketches.append(HamletSketch(row["name"], row["commune"], int(row["households"]), lon, lat, visited, reach))
    return sketches


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

    def asks_about(self, born: object, day: date) -> bool:
        """Whether somebody is of an age that the campaign is about, or younger; a form for children names no adults."""
        assert isinstance(born, date)
        ends = [group.to_age for group in self.campaign.groups]
        return any(end is None or day < end.after(born) for end in ends)

    def one_of(self, role: str, chance: random.Random, words: Sequence[str] = ()) -> str | None:
        """A choice that needs no further word, the first ones more often; one of the words where none is offered."""
        offered = [choice for choice in self._offered[role] if choice not in ("other", "none")] or words
        return offered[int(len(offered) * chance.random() ** 2)] if offered else None

    def none_of(self, role: str) -> str | None:
        """The choice that says "none", where the form has one."""
        return "none" if "none" in self._offered[role] else None


def _households(
    asking: Asking, writer: InstanceWriter, sketches: list[HamletSketch], number: int, form: str
) -> Iterator[Sent]:
    """The first so many households of one endless row: asking for more changes none of those before."""
    houses = [
        (sketch, house)
        for sketch in sketches
        for house in range(1, round(sketch.households * sketch.visited_share) + 1)
    ]
    random.Random(f"{SEED} {form}").shuffle(houses)  # noqa: S311
    # Beyond what the hamlets' lists hold come houses that they lack, as lists do, spread over the well-visited hamlets.
    visited = [sketch for sketch in sketches if sketch.visited_share >= 0.9]
    days = (LAST_DAY - FIRST_DAY).days
    for count in range(number):
        chance = random.Random(f"{SEED} {form} {count}")  # noqa: S311
        beyond = count - len(houses)
        if beyond < 0:
            sketch, house = houses[count]
        else:
            sketch = visited[beyond % len(visited)]
            house = sketch.households + 1 + beyond // len(visited)
        instance = f"uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'sample {form} {count}')}"
        day = FIRST_DAY + timedelta(days=min(days, int(chance.triangular(0, days, days * 0.6))))
        answers, people = _household(asking, sketch, house, day, chance)
        yield Sent(
            writer.write(answers, people, instance_id=instance, instance_name=f"{answers['household.head']}"),
            day,
            sketch.commune,
        )


def _household(
    asking: Asking, sketch: HamletSketch, house: int, day: date, chance: random.Random
) -> tuple[dict[str, object], list[dict[str, object]]]:
    outcome = chance.choices(list(Outcome), (91, 4, 1.5, 2, 1.5))[0]
    surname = chance.choice(SURNAMES)
    members = _members(surname, day, chance) if outcome is not Outcome.VACANT else []
    answers: dict[str, object] = {
        "visit.date": day,
        "visit.outcome": outcome.value,
        "household.commune": sketch.commune,
        "household.hamlet": sketch.code,
        "household.house_number": str(house),
        "household.head": members[0]["person.name"] if members else f"{surname} (nhà bỏ không)",
        "household.phone": f"0900{chance.randrange(1_000_000):06d}" if members and chance.random() < 0.85 else None,
        "household.expected_members": len(members) or None,
        "household.point": _point(sketch, chance),
    }
    if outcome is not Outcome.INTERVIEWED:
        return answers, []
    told = [_asked(asking, sketch, person, day, chance) for person in members if asking.asks_about(person["born"], day)]
    answers["household.expected_members"] = len(told) or None
    return answers, told


def _point(sketch: HamletSketch, chance: random.Random) -> Point | None:
    if chance.random() < 0.01:
        return None
    accuracy = chance.choice((4.0, 5.0, 6.5, 8.0, 12.0)) if chance.random() > 0.01 else 180.0
    return Point(
        round(sketch.lat + chance.gauss(0, 0.0019), 6), round(sketch.lon + chance.gauss(0, 0.0021), 6), accuracy, 250.0
    )


def _members(surname: str, day: date, chance: random.Random) -> list[dict[str, object]]:
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


def _asked(
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
    groups = [g for g in campaign.groups if not g.priorities and _member(person, g, day)]
    doses = _doses(asking, groups[-1], person, sketch.reach, day, chance) if groups else []
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


def _member(person: Person, group: Group, day: date) -> bool:
    member = Membership(person, group)
    return member.start <= day.toordinal() < member.end


def _doses(
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
        choices = list(dose.vaccines) or list(campaign.vaccines)
        if not (dose.same_vaccine and vaccine) and choices:
            vaccine = chance.choice(choices[:3])
        dates[dose.code] = on
        given.append(
            {
                "dose.number": dose.code,
                "dose.date": on,
                "dose.vaccine": vaccine,
                "dose.place": chance.choice(PLACES),
                "dose.evidence": asking.one_of("dose.evidence", chance),
            }
        )
    return given
