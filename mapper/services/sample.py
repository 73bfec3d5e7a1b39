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
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from mapper.domain.epidemic import LevelEntry
from mapper.domain.roles import Role
from mapper.errors import Conflict, InvalidInput, mark
from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import XFormModel
from mapper.geo.approximate import approximate_set, merged_set
from mapper.services import (
    accounts,
    boundaries,
    epidemic,
    intake,
    publish,
    sample_register,
    sample_sites,
    sample_stock,
    successions,
)
from mapper.services.invented import SEED, Asking, HamletSketch, House, Sent, at_the_door, household
from mapper.services.reference import Reference
from mapper.services.sample_overseeing import oversee
from mapper.services.sample_slips import Slips
from mapper.services.second_round import SecondRound
from mapper.store import reference as kept

EDITION = 7
"""Raise it when forms, boundaries or households of the sample change."""
FIRST_DAY, LAST_DAY = date(2022, 8, 8), date(2022, 9, 8)
"""The invented census: five weeks up to the day of the meeting that set the targets; the second round ends with it."""
SET_ID, LATER_SET_ID = "bach_thong_2022", "thai_nguyen_2025"
SUPERVISOR, ADMINISTRATOR = "giamsat", "quantri"
TEAM = "Tổ {commune}"
"""Who sends the forms of a commune: a team, since nobody here is a real person."""
SECOND_TEAM = "Tổ 2 {commune}"
"""Who helps it in some hamlets, and so may update a house at the same time."""
DISTRICT = "063"
LEVELS_SOURCE = "Số liệu mẫu, không có quyết định nào"


@dataclass(frozen=True, slots=True)
class Made:
    """A finished sample and how to sign in to it: name and password of the supervisor and of the administrator."""

    households: int
    supervisor: tuple[str, str]
    administrator: tuple[str, str]


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
    _enter_levels(reference)
    passwords = secrets.token_urlsafe(9), secrets.token_urlsafe(9)
    area = SET_ID, DISTRICT
    supervisor = accounts.add_user(reference, SUPERVISOR, "supervisor", [":".join(area)], passwords[0])
    user = accounts.User(supervisor.id, SUPERVISOR, Role.SUPERVISOR, (area,), 0)
    oversee(reference, user, SET_ID, LAST_DAY)
    sample_register.enter(reference, user, SET_ID, LAST_DAY)
    sample_sites.enter(reference, user, root)
    sample_stock.enter(reference, user, SET_ID, LAST_DAY)
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
        import_outlines(reference, root / "geodata")
    for folder in sorted((root / "forms").iterdir()):
        if any(folder.glob("*.xlsx")):
            publish.publish(reference, folder)
    teams = _teams(reference)
    second: dict[str, set[str]] = {}
    for one in submissions(reference, root, households):
        sender = teams[one.commune]
        if one.team == 2:
            hamlets = second.setdefault(one.commune, set())
            hamlets.add(one.hamlet)
            sender = _second_team(reference, one.commune, hamlets)
        # The second team comes home an hour later.
        received = datetime.combine(one.day, time(9 + one.team), UTC)
        intake.receive(reference, one.xml, {}, sender_id=sender, received=received)
        progress(1)


def _enter_levels(reference: Reference) -> None:
    """Invented epidemic levels: all communes green, some of them worse for a fortnight in between."""
    chance = random.Random(f"{SEED} levels")  # noqa: S311
    with reference.database.write() as connection:
        places = reference.known(connection).sets[SET_ID]
        codes = sorted(unit.code for unit in places.at_level(places.leaf))
        entries = [LevelEntry(code, FIRST_DAY - timedelta(days=30), 1, LEVELS_SOURCE) for code in codes]
        for code in chance.sample(codes, min(len(codes), 6)):
            begin = FIRST_DAY + timedelta(days=chance.randrange(0, 25))
            entries.append(LevelEntry(code, begin, chance.choice((2, 2, 3, 4)), LEVELS_SOURCE))
            entries.append(LevelEntry(code, begin + timedelta(days=14), chance.choice((1, 2)), LEVELS_SOURCE))
        epidemic.seed(reference, connection, SET_ID, entries)


def _second_team(reference: Reference, commune: str, hamlets: Collection[str]) -> int:
    """Number of the canvassers who help the team of a commune in some of its hamlets."""
    with reference.database.read() as connection:
        places = reference.known(connection).sets[SET_ID]
    name = SECOND_TEAM.format(commune=places.units[places.leaf, commune].name)
    return accounts.add_user(reference, name, "canvasser", [f"hamlet:{code}" for code in sorted(hamlets)]).id


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


def import_outlines(reference: Reference, geodata: Path) -> None:
    """The district's communes of 2022 and of 2025 with approximate outlines, and what became of which.

    The outlines are made here and now, and are boundary files like any other.
    """
    outlines = approximate_set(geodata / "bach_thong_communes.csv", geodata / "bach_thong_outline.geojson")
    heirs = geodata / "bach_thong_successors_2025.csv"
    source = "geodata/PROVENANCE.md"
    before = boundaries.SetFacts(SET_ID, "Huyện Bạch Thông, 2022", date(2020, 2, 1), date(2025, 6, 30), True, source)
    after = boundaries.SetFacts(
        LATER_SET_ID, "Thái Nguyên 2025, đất huyện Bạch Thông cũ", date(2025, 7, 1), None, True, source
    )
    with tempfile.TemporaryDirectory() as folder:
        for facts, content in ((before, outlines), (after, merged_set(outlines, heirs))):
            file = Path(folder) / f"{facts.id}.geojson"
            file.write_bytes(content)
            boundaries.import_file(reference, file, facts)
    told = successions.take_crosswalk(
        reference, accounts.OPERATOR, heirs.name, heirs.read_bytes(), SET_ID, LATER_SET_ID
    )
    if told.faults:
        raise InvalidInput(mark("{file} does not fit the communes of the sample."), file=heirs.name)


def submissions(reference: Reference, root: Path, households: int) -> Iterator[Sent]:
    """The invented submissions of every campaign that has a census with roles: all of the first, a fifth of others.

    Where a campaign has a form for those who come again, its second round follows the first, which has some mistakes.
    """
    with reference.database.read() as connection:
        forms = kept.current_forms(connection)
        files = dict(kept.campaigns(connection))
    models = {form.form_id: XFormModel.from_json(form.model) for form in forms if form.campaign_id is not None}
    again = {form.campaign_id: models[form.form_id] for form in forms if _again(models.get(form.form_id))}
    sketches = _sketches(root)
    number = households
    for form in sorted(forms, key=lambda f: f.campaign_id != "covid19"):
        if form.campaign_id is None or _again(models[form.form_id]):
            continue
        campaign, model = read_campaign(files[form.campaign_id]), models[form.form_id]
        asking, writer = Asking(campaign, model), InstanceWriter(model, campaign)
        revisit = again.get(form.campaign_id)
        later = SecondRound(asking, model, revisit, LAST_DAY) if revisit is not None else None
        slips = Slips(asking) if revisit is not None else None
        asked: Counter[tuple[str, date]] = Counter()
        for drawn in _houses(asking, sketches, number, form.form_id):
            house = drawn if slips is None else slips.made(drawn)
            name = str(house.answers["household.head"])
            times = at_the_door(house, asked[house.sketch.commune, house.day])
            asked[house.sketch.commune, house.day] += 1
            xml = writer.write(house.answers | times, house.people, instance_id=house.instance_id, instance_name=name)
            yield Sent(xml, house.day, house.sketch.commune, house.sketch.code)
            if later is not None and house is drawn:
                later.consider(house, xml)
        if later is not None:
            yield from later.sent()
        number = max(1, households // 5)


def _again(model: XFormModel | None) -> bool:
    """Whether a form tells what changed since a census."""
    return model is not None and any(node.role == "visit.kind" for node in model.nodes)


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


def _houses(asking: Asking, sketches: list[HamletSketch], number: int, form: str) -> Iterator[House]:
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
        yield House(count, sketch, day, instance, *household(asking, sketch, house, day, chance))
