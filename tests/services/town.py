"""A town of squares with the real census form: where houses stand is told by numbers, what they say by roles.

Fourteen communes, each a square of a tenth of a degree, seven side by side in two rows, under the real codes of the
census's hamlet list; the southern row is district S, the northern one district N, both in province P.

    north  22.1 - 22.2   7  8  9 10 11 12 13
    south  22.0 - 22.1   0  1  2  3  4  5  6
                      105.0 105.1 ...      105.7

The set of "later" divides the same land into two strips, X west of 105.25 and Y east of it up to 105.6: the square 2
lies in both, and the squares 6 and 13 in none.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

from sqlalchemy import Connection, select

from mapper.domain.campaign import Campaign
from mapper.domain.people import Point
from mapper.domain.roles import Role
from mapper.formats.writer import InstanceWriter, Versions
from mapper.formats.xform import XFormModel
from mapper.services import boundaries, intake, reporting
from mapper.services.accounts import User
from mapper.services.boundaries import ImportedSet, SetFacts
from mapper.services.intake import Receipt
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.services.reporting import Answer
from mapper.store import reference as kept
from mapper.store import submissions, tables, tallies
from mapper.store.reference import FormVersion

FORMS = Path(__file__).resolve().parents[2] / "forms"
SIDE = 0.1
WEST, SOUTH = 105.0, 22.0
DAY = date(2022, 8, 15)
"""The day of a visit where a test does not care."""
EVERYTHING = User(0, "all", Role.ADMINISTRATOR, (), 0)

Answers = dict[str, object]


def _rows(name: str) -> list[dict[str, str]]:
    with (FORMS / "covid19" / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


COMMUNES: tuple[str, ...] = tuple(row["name"] for row in _rows("communes.csv"))
HAMLETS: tuple[tuple[str, ...], ...] = tuple(
    tuple(row["name"] for row in _rows("hamlets.csv") if row["commune"] == commune) for commune in COMMUNES
)
"""Codes of the hamlets of each commune, in the order of COMMUNES."""
EXPECTED: dict[str, int] = {row["name"]: int(row["households"]) for row in _rows("hamlets.csv")}


def inside(commune: int, east: float = 0.5, north: float = 0.5, accuracy_m: float | None = 5.0) -> Point:
    """A point of a commune's square; east and north as shares of its side."""
    lon = WEST + SIDE * (commune % 7 + east)
    lat = SOUTH + SIDE * (commune // 7 + north)
    return Point(round(lat, 6), round(lon, 6), accuracy_m)


def person(
    born: date | None = date(1980, 1, 1), doses: Sequence[tuple[str, date | None, str]] = (), **facts: str
) -> Answers:
    """One member, by roles. doses: number, date, vaccine. facts: more of person.*, by the last word of the role."""
    answers: Answers = {
        "person.name": "Nông Thị Lan",
        "person.sex": "female",
        "person.residence": "here",
        "person.contraindicated": "no",
        "person.consent": "yes",
        "person.vaccinated": "yes" if doses else "no",
        "doses": [
            {"dose.number": code, "dose.date": on, "dose.vaccine": vaccine, "dose.evidence": "card"}
            for code, on, vaccine in doses
        ],
    }
    if born is not None:
        answers["person.birth_date"] = born
    return answers | {f"person.{word}": value for word, value in facts.items()}


def squares(files: Path) -> Path:
    """The boundary file of the fourteen squares."""
    features = []
    for number, code in enumerate(COMMUNES):
        row, column = divmod(number, 7)
        features.append(
            feature(
                WEST + SIDE * column,
                SOUTH + SIDE * row,
                WEST + SIDE * (column + 1),
                SOUTH + SIDE * (row + 1),
                commune_code=code,
                commune_name=f"Xã {number}",
                district_code="SN"[row],
                district_name=f"Huyện {'SN'[row]}",
                province_code="P",
                province_name="Tỉnh P",
            )
        )
    return feature_file(files / "squares.geojson", features)


def strips(files: Path) -> Path:
    """The boundary file of the two strips of later."""
    return feature_file(
        files / "strips.geojson",
        [
            feature(105.0, 22.0, 105.25, 22.2, commune_code="X", commune_name="Xã X", province_code="Q"),
            feature(105.25, 22.0, 105.6, 22.2, commune_code="Y", commune_name="Xã Y", province_code="Q"),
        ],
    )


def feature(west: float, south: float, east: float, north: float, **facts: str) -> dict[str, object]:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    ring = [[round(lon, 6), round(lat, 6)] for lon, lat in corners]
    return {"type": "Feature", "properties": facts, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def feature_file(path: Path, features: list[dict[str, object]]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def _register(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the register; the cell's signature and the household's id stand for numbers, steps in one order."""
    h = tables.households
    houses_by_seq = dict(row[:2] for row in connection.execute(select(h.c.seq, h.c.id)))
    signatures = {
        one.id: tallies.signature(one.hamlet_code, one.commune_code, one.units) for one in tallies.cells(connection)
    }
    found = {}
    for table in (tables.households, tables.people, tables.doses, tables.findings):
        rows = []
        for row in connection.execute(select(table)).mappings():
            values = dict(row)
            values.pop("seq", None)
            if "household_seq" in values:
                values["household_seq"] = houses_by_seq[values["household_seq"]]
            if "cell_id" in values:
                values["cell_id"] = signatures[values["cell_id"]]
            if "steps" in values:
                houses, steps = json.loads(values["steps"])
                values["steps"] = repr((houses, sorted(zip(steps[::3], steps[1::3], steps[2::3], strict=True))))
            rows.append(tuple(values.values()))
        found[table.name] = sorted(rows, key=repr)
    return found


CHANGE = date(2025, 7, 1)
VINTAGES = {
    "2022": ("legacy2022_communes_4prov.geojson", date(2020, 2, 1), date(2025, 6, 30)),
    "2025": ("vn2025_communes_4prov.geojson", CHANGE, None),
}
"""Sets of real communes: file of the shared test data, first and last day."""

SQUARES = SetFacts("squares", "Ô vuông", date(2020, 1, 1), date(2025, 6, 30))
STRIPS = SetFacts("strips", "Dải", date(2025, 7, 1))


@dataclass
class Town:
    """A database with the forms published and the squares imported, and what a test does there."""

    reference: Reference
    files: Path
    writers: dict[str, InstanceWriter] = field(default_factory=dict)
    numbers: int = 0

    def writer(self, form_id: str) -> InstanceWriter:
        """Writes submissions of the current version of a form."""
        if form_id not in self.writers:
            self.writers[form_id] = InstanceWriter(self.model(form_id), self.campaign(form_id))
        return self.writers[form_id]

    def model(self, form_id: str) -> XFormModel:
        """What is known of the current version of a form."""
        return XFormModel.from_json(self.form(form_id).model)

    def form(self, form_id: str) -> FormVersion:
        """The current version of a form."""
        with self.reference.database.read() as connection:
            return next(form for form in kept.current_forms(connection) if form.form_id == form_id)

    def campaign(self, form_id: str) -> Campaign | None:
        """The campaign that a form counts for."""
        campaign_id = self.form(form_id).campaign_id
        with self.reference.database.read() as connection:
            return self.reference.known(connection).campaigns[campaign_id] if campaign_id else None

    def write(
        self,
        answers: Mapping[str, object] = {},
        people: Sequence[Mapping[str, object]] = (),
        *,
        instance: str = "",
        edits: str = "",
        entity: str = "",
        commune: int = 0,
        hamlet: int = 0,
        form_id: str = "covid19_census",
        update: Versions | None = None,
    ) -> bytes:
        """A submission: an interview in the middle of a commune's square, unless the answers tell otherwise.

        update: of a household that is known, from the versions that the phone had; else it is new.
        """
        usual: Answers = {
            "visit.date": DAY,
            "visit.outcome": "interviewed",
            "household.commune": COMMUNES[commune],
            "household.hamlet": HAMLETS[commune][hamlet],
            "household.house_number": "12",
            "household.head": "Nông Văn Nam",
            "household.point": inside(commune),
        }
        return self.writer(form_id).write(
            usual | dict(answers),
            people,
            instance_id=instance or self.new_instance(),
            deprecated_id=edits,
            entity_id=entity,
            update=update,
        )

    def new_instance(self) -> str:
        """An instanceID that nobody has."""
        self.numbers += 1
        return f"uuid:{self.numbers:08}"

    def send(self, xml: bytes, received: date = DAY, attachments: Mapping[str, bytes] = {}) -> Receipt:
        """What a phone sends."""
        return intake.receive(self.reference, xml, attachments, received=datetime.combine(received, time(5), UTC))

    def keep_only(self, xml: bytes, instance: str, edits: str = "") -> None:
        """The first of the two commits alone, as after a crash between them."""
        form = self.form("covid19_census")
        raw = submissions.RawSubmission(
            instance, edits or None, form.form_id, form.version, xml, f"{DAY}T05:00:00.000+00:00", DAY
        )
        with self.reference.database.write() as connection:
            submissions.save(self.reference.database, connection, raw)

    def import_squares(self) -> ImportedSet:
        """The set of the town's own time."""
        return boundaries.import_file(self.reference, squares(self.files), SQUARES)

    def import_strips(self) -> ImportedSet:
        """The set of later."""
        return boundaries.import_file(self.reference, strips(self.files), STRIPS)

    def ask(
        self,
        level: str = "commune",
        group: str = "18_plus",
        dose: str = "1",
        day: date = DAY,
        set_id: str = "squares",
        user: User = EVERYTHING,
        campaign: str = "covid19",
    ) -> Answer:
        """The figures of a level."""
        return reporting.coverage(self.reference, user, Question(campaign, group, dose, day, level, set_id))

    def everything(self) -> dict[str, object]:
        """All that is derived from the submissions, by lasting names."""
        with self.reference.database.read() as connection:
            return {"tallies": tallies.snapshot(connection), "register": _register(connection)}

    def states(self) -> dict[str, str]:
        """What became of every submission, by instanceID."""
        with self.reference.database.read() as connection:
            return {one.instance_id: one.state.value for some in submissions.stream(connection) for one, _ in some}
