"""Figures sent to DHIS2 by a script: what it is told, and with which exit code; a server of the tests stands there."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from mapper.errors import InvalidInput, InvalidQuestion
from mapper.formats.org_units import OrgUnitLine
from mapper.services import exchange
from mapper.services.accounts import OPERATOR
from mapper.services.reference import Reference
from mapper.settings import Settings
from server import command_line, open_reference
from tests.client.site import SET_ID, House, fill_database
from tests.services.dhis2_server import TOKEN, dhis2_server
from tests.web.test_exchange import MAPPING


def test_a_script_asks_first_then_sends_and_hears_of_units_left_out(tmp_path: Path) -> None:
    fill_database(f"sqlite:///{tmp_path / 'tungnha.sqlite3'}", tmp_path)
    (tmp_path / "phone").mkdir()
    for number, where in enumerate(({}, {"commune": "00002", "hamlet": "0000201", "location": "22.05 105.15 300 6.5"})):
        people = (("Nông Thị Lan", "1980-05-04", "2021-08-10"),)
        (tmp_path / "phone" / f"{number}.xml").write_bytes(House(f"uuid:{number}", people=people, **where).xml)
    with dhis2_server({"Uabcdefgh01"}) as there:

        def run(*arguments: str) -> Result:
            given = Settings(data_dir=tmp_path, dhis2_url=there.address, dhis2_token=TOKEN, language="en")
            return CliRunner().invoke(command_line(given), list(arguments))

        def send(*more: str) -> Result:
            asked = ("--campaign", "mini", "--level", "commune", "--set", SET_ID, "--date", "2022-08-31")
            return run("dhis2", "send", *asked, *more)

        run("submissions", "import", str(tmp_path / "phone"))
        prepare(open_reference(Settings(data_dir=tmp_path)))
        refused = send()
        assert isinstance(refused.exception, InvalidInput) and "00002" in refused.stderr
        tried = send("--skip-unmapped", "--dry-run")
        assert tried.exit_code == 0 and "0 not taken" in tried.stdout and not there.values
        assert "values of period 202208" in send("--skip-unmapped").stdout and there.standing
        there.units = set()
        lost = send("--skip-unmapped")
        assert lost.exit_code == 1 and "Uabcdefgh01" in lost.stderr
        assert isinstance(send("--period", "2022Q9").exception, InvalidQuestion)


def prepare(reference: Reference) -> None:
    with reference.database.write() as connection:
        campaign = reference.known(connection).campaigns["mini"]
        exchange.keep_mapping(reference, connection, campaign, MAPPING)
        day = campaign.start
    line = OrgUnitLine(2, "00001", "commune", "Uabcdefgh01", "", "One")
    exchange.take_org_units(reference, OPERATOR, SET_ID, day, [line])
    reference.database.close()
