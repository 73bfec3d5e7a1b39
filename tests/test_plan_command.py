"""Sites are imported and chosen at the command line, as an operator's scripts do it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner, Result

from mapper.settings import Settings
from server import command_line
from tests.client.site import House, fill_database


def test_sites_are_imported_and_chosen_by_a_script(tmp_path: Path) -> None:
    fill_database(f"sqlite:///{tmp_path / 'tungnha.sqlite3'}", tmp_path)
    (tmp_path / "phone").mkdir()
    for number in range(3):
        house = House(
            f"uuid:{number}", location=f"22.05{number} 105.05 300 6.5", people=(("Nông Thị Lan", "1980-05-04", ""),)
        )
        (tmp_path / "phone" / f"{number}.xml").write_bytes(house.xml)
    (tmp_path / "sites.csv").write_text("code,name,kind,lat,lon\nTYT,Trạm y tế,fixed,22.05,105.05\nXA,Xa,,21.0,105.0\n")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command_line(Settings(data_dir=tmp_path, language="en")), list(arguments))

    def plan(*more: str) -> Result:
        days = ("--first", "2022-08-20", "--last", "2022-08-24")
        return run("plan", "sites", "--campaign", "mini", *days, *more)

    run("submissions", "import", str(tmp_path / "phone"))
    assert "2 sites are new, 0 changed, 0 as before." in run("sites", "import", str(tmp_path / "sites.csv")).stdout
    told = plan("--sites", "1")
    assert told.exit_code == 0, told.output
    assert "Trạm y tế (TYT): 3 people, 3 houses, farthest" in told.stdout
    assert "3 people due: 3 at 1 sites. Gap 0.00 %" in told.stdout
    assert "vials" not in told.stdout, "the campaign says nothing of any"
    found = json.loads(plan("--aim", "fewest_sites", "--entered", "--json").stdout)
    assert [(one["code"], one["people"], one["doses"]) for one in found["sites"]] == [("TYT", 3, {"": 3})]
    assert "Nông" not in json.dumps(found, ensure_ascii=False)
    assert plan().exit_code != 0
    (tmp_path / "sites.csv").write_text("code,name,lat,lon\nTYT,Nhà văn hóa,22.05,105.05\n")
    assert "0 sites are new, 1 changed" in run("sites", "import", str(tmp_path / "sites.csv")).stdout
    days = plan("--sites", "1", "--entered", "--seconds", "1", "--team", "Đội 1,22.05,105.05,200")
    assert re.search(
        r"2022-08-2\d Đội 1: 07:00 to 07:\d\d, 0.0 km, 3 doses\n  07:00 Nhà văn hóa: 3 people", days.stdout
    )
    assert plan("--sites", "1", "--team", "Đội 1").exit_code != 0
