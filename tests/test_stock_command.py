"""Stock is entered, and need foreseen, at the command line, as an operator's scripts do it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from mapper.settings import Settings
from server import command_line
from tests.client.site import House, fill_database

DUE = (("Nông Thị Lan", "1980-05-04", ""), ("Nông Văn Páo", "1990-02-03", "2022-08-01"))


def test_stock_is_imported_and_need_is_foreseen_by_a_script(tmp_path: Path) -> None:
    fill_database(f"sqlite:///{tmp_path / 'tungnha.sqlite3'}", tmp_path)
    folder = tmp_path / "house_check"
    campaign = (folder / "campaign.toml").read_text("utf-8").replace('dose = "1"', 'dose = "1"\nvaccines = ["pfizer"]')
    (folder / "campaign.toml").write_text(campaign, "utf-8")
    vials = 'code = "ten"\nvaccine = "pfizer"\nlabel = "Pfizer"\ndoses = 10\nopen_hours = 6\n'
    (folder / "planning.toml").write_text(f'come = "100 %"\nbuffer = "10 %"\n[[vials]]\n{vials}', "utf-8")
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "1.xml").write_bytes(House("uuid:1", people=DUE).xml)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command_line(Settings(data_dir=tmp_path, language="en")), list(arguments))

    assert run("forms", "publish", str(folder)).exit_code == 0
    run("submissions", "import", str(tmp_path / "phone"))
    expiry = date.today() + timedelta(days=90)
    table = f"day,kind,store,formulation,lot,expiry,vials\n2022-08-01,received,001,ten,A,{expiry},3\n"
    file = tmp_path / "stock.csv"
    file.write_text(table + "2022-08-02,moved,001,ten,A,,9\n", "utf-8")
    wrong = run("stock", "import", str(file), "--campaign", "mini")
    assert wrong.exit_code == 1
    assert wrong.stderr.strip() == "Row 3: It is not told to which store the doses go. Fill in to_store."
    file.write_text(table, "utf-8")
    assert run("stock", "import", str(file), "--campaign", "mini").stdout.strip() == "1 entries are in the ledger."
    again = run("stock", "import", str(file), "--campaign", "mini")
    assert again.exit_code == 1 and "as entry 1" in again.stderr

    days = ("--campaign", "mini", "--from", "2022-08-15", "--to", "2022-08-21")
    told = run("forecast", *days)
    assert told.exit_code == 0, told.output
    assert "Together: 1 doses due, 1 of them on the first day" in told.stdout
    assert "1 vials, 2 with buffer; 30 doses in stock, 0 still to come; to order 0 vials" in told.stdout
    found = json.loads(run("forecast", *days, "--level", "commune", "--unit", "commune:00001", "--json").stdout)
    assert [(one["code"], one["doses_due"]) for one in found["units"]] == [("00001", 1)]
    assert found["total"]["vaccines"][0]["stock_doses"] == 0, "the district's own store lies in no commune"
    assert "Nông" not in json.dumps(found, ensure_ascii=False)
    assert run("forecast", *days, "--unit", "commune:9").exit_code != 0
