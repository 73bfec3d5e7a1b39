"""What became of units, at the command line: told by a file, measured, printed, taken out."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mapper.errors import Conflict, InvalidBoundaries, InvalidInput, NotFound
from mapper.services import boundaries
from mapper.services.boundaries import SetFacts
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import schema
from mapper.store.database import Database
from server import command_line

SETS = ("--old", "old", "--new", "new")
FILE = "old_code,old_name,new_code,relation,decree\nA,Xã A,X,full,NQ 1\nB,Xã Khác,X,full,NQ 1\n"


def boundary_file(path: Path, *units: tuple[str, float, float]) -> Path:
    """Units side by side: code, western and eastern edge."""
    features = [
        {
            "type": "Feature",
            "properties": {"commune_code": code, "commune_name": f"Xã {code}", "province_code": "P"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, 22.0], [east, 22.0], [east, 22.1], [west, 22.1], [west, 22.0]]],
            },
        }
        for code, west, east in units
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two sets: A and B, which become X whole."""
    folder = tmp_path_factory.mktemp("filled")
    database = Database(f"sqlite:///{folder / 'tungnha.sqlite3'}")
    schema.upgrade(database)
    reference = Reference(database)
    for set_id, begins, ends, units in (
        ("old", date(2020, 1, 1), date(2025, 6, 30), [("A", 105.0, 105.1), ("B", 105.1, 105.2)]),
        ("new", date(2025, 7, 1), None, [("X", 105.0, 105.2)]),
    ):
        path = boundary_file(folder / f"{set_id}.geojson", *units)
        boundaries.import_file(reference, path, SetFacts(set_id, set_id.title(), begins, ends))
    database.close()
    return folder


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    """A copy of it, and the crosswalk beside."""
    shutil.copy(filled / "tungnha.sqlite3", tmp_path)
    (tmp_path / "crosswalk.csv").write_text(FILE, "utf-8")
    return tmp_path


def run(data: Path, *arguments: str, language: str = "en") -> Result:
    """One command of ``boundaries``."""
    settings = Settings(data_dir=data, language=language)  # type: ignore[arg-type]
    return CliRunner().invoke(command_line(settings), ["boundaries", *arguments])


def test_a_crosswalk_is_told_printed_and_taken_out(data: Path) -> None:
    told = run(data, "crosswalk", str(data / "crosswalk.csv"), *SETS)
    assert told.exit_code == 0, told.output
    assert told.output.splitlines() == [
        "- Row 3: B is Xã B here, and the crosswalk calls it Xã Khác. Check the code.",
        "2 pairs are kept.",
        "Compared: crosswalk, outlines. Pairs on which they disagree: 0.",
    ]
    lines = run(data, "succession", *SETS).output.splitlines()
    assert {"A  Xã A  merged  X Xã X", "B  Xã B  merged  X Xã X", "merged: 2", "divided: 0"} <= set(lines)
    assert "old → new  giữ nguyên: 0" in run(data, "succession", language="vi").output
    assert run(data, "crosswalk", *SETS, "--remove").exit_code == 0
    gone = run(data, "succession", *SETS)
    assert isinstance(gone.exception, NotFound)


def test_outlines_are_measured_and_disagreements_printed(data: Path) -> None:
    assert run(data, "crosswalk", *SETS, "--measure").output.splitlines()[0] == "2 pairs are kept."
    (data / "crosswalk.csv").write_text("old_code,new_code,relation\nA,X,part\nB,X,full\n", "utf-8")
    told = run(data, "crosswalk", str(data / "crosswalk.csv"), *SETS, "--decree", "NQ 2").output
    assert "Pairs on which they disagree: 1." in told
    assert "A Xã A → X Xã X  crosswalk: a part, outlines: whole  100.00 %" in told


def test_a_faulty_file_is_told_row_by_row(data: Path) -> None:
    (data / "crosswalk.csv").write_text(f"{FILE}C,,X,full,\n", "utf-8")
    refused = run(data, "crosswalk", str(data / "crosswalk.csv"), *SETS)
    assert isinstance(refused.exception, InvalidInput)
    assert refused.exception.facts == {"number": 1}
    assert "Row 4: The old set has no unit of the code C." in refused.output
    assert run(data, "crosswalk", str(data / "crosswalk.csv"), *SETS, "--only-known").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("crosswalk", *SETS), InvalidInput),
        (("crosswalk", "nothing.csv", *SETS), NotFound),
        (("crosswalk", *SETS, "--measure", "--remove"), InvalidInput),
        (("crosswalk", "--old", "old", "--new", "neither", "--measure"), NotFound),
        (("succession", "--old", "old"), InvalidInput),
    ],
)
def test_what_cannot_be_done_is_said(data: Path, arguments: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(run(data, *arguments).exception, error)


def test_an_import_on_the_ground_and_days_of_another_set_is_refused_with_its_cure(data: Path) -> None:
    path = str(boundary_file(data / "again.geojson", ("X", 105.0, 105.2)))
    again = ("import", path, "--id", "again", "--label", "Again")
    beside = "Again would hold on the same ground and the same days (01/08/2025 – …) as boundary set new, New"
    refused = run(data, *again, "--valid-from", "2025-08-01").exception
    assert isinstance(refused, Conflict)
    assert beside in str(refused)
    assert "boundaries days new --valid-from 2025-07-01 --valid-to 2025-07-31." in str(refused)
    assert "again" not in run(data, "succession").output
    sooner = run(data, *again, "--valid-from", "2010-01-01").exception
    assert "Let this one end on the day before: --valid-to 2019-12-31." in str(sooner)
    alike = run(data, *again, "--valid-from", "2025-07-01").exception
    assert "Give this one its own days: --valid-from, --valid-to." in str(alike)
    cured = run(data, "days", "new", "--valid-from", "2025-07-01", "--valid-to", "2025-07-31")
    assert "Boundary set new is in force: 01/07/2025 – 31/07/2025." in cured.output
    assert run(data, *again, "--valid-from", "2025-08-01").exit_code == 0
    assert "again  Again  01/08/2025 – …  province: 1, commune: 1" in run(data, "succession").output
    reopened = run(data, "days", "new", "--valid-from", "2025-07-01").exception
    assert isinstance(reopened, Conflict)
    assert "as boundary set again, Again" in str(reopened)


def test_a_set_on_trial_stands_beside_another_and_is_in_force_on_no_day(data: Path) -> None:
    path = str(boundary_file(data / "again.geojson", ("X", 105.0, 105.2)))
    assert run(data, "import", path, "--id", "again", "--valid-from", "2025-07-01", "--beside").exit_code == 0
    listed = run(data, "succession").output
    assert "on the same ground" not in listed
    assert "again  again  01/07/2025 – …  province: 1, commune: 1  (on trial)" in listed
    assert isinstance(run(data, "days", "again", "--valid-from", "2025-07-01").exception, Conflict)
    assert run(data, "withdraw", "new").exit_code == 0
    assert run(data, "days", "again", "--valid-from", "2025-07-01").exit_code == 0
    shown_again = run(data, "place", "new").exception
    assert isinstance(shown_again, Conflict)
    assert "as boundary set again" in str(shown_again)
    assert run(data, "days", "again", "--beside").output.strip() == "Boundary set again is on trial, beside the others."
    assert run(data, "place", "new").exit_code == 0
    assert isinstance(run(data, "days", "nowhere").exception, NotFound)
    backwards = run(data, "days", "new", "--valid-from", "2025-07-02", "--valid-to", "2025-07-01").exception
    assert isinstance(backwards, InvalidBoundaries)
