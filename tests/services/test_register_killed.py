"""An extract is taken in whole or not at all, also where the process that takes it in is killed on the way."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mapper.domain.roles import Role
from mapper.errors import TooLarge
from mapper.services import accounts, national_register
from mapper.services.accounts import User
from mapper.services.reference import Reference
from mapper.store import national_register as kept
from mapper.store.database import Database
from tests.services.town import COMMUNES

TAKE = """
import os, signal, sys
from datetime import date
from mapper.domain.roles import Role
from mapper.services import national_register
from mapper.services.accounts import User
from mapper.services.reference import Reference
from mapper.store import national_register as kept
from mapper.store.database import Database

url, user, file = sys.argv[1:]
entered, values = 0, kept._values


def killed_on_the_way(number, one):
    global entered
    entered += 1
    if entered == kept._AT_ONCE + 10:  # the first rows are with the database
        print("killed", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return values(number, one)


kept._values = killed_on_the_way
with open(file, "rb") as extract:
    national_register.upload(
        Reference(Database(url)),
        User(int(user), "giamsat", Role.ADMINISTRATOR, (), 0),
        "covid19",
        "squares",
        "extract.csv",
        extract.read(),
        date(2022, 9, 8),
    )
"""


def test_a_process_killed_while_it_takes_people_in_leaves_none_and_the_file_is_taken_afterwards(
    town_url: str, tmp_path: Path
) -> None:
    database = Database(town_url)
    reference = Reference(database)
    number = accounts.add_user(reference, "giamsat", "administrator", [], "a long enough password").id
    user = User(number, "giamsat", Role.ADMINISTRATOR, (), 0)
    commune = sorted(COMMUNES)[0]
    header = "Họ và tên;Ngày sinh;Mã xã"
    columns, today = {"name": 0, "born": 1, "commune_code": 2}, date(2022, 9, 8)
    # One file that is said once, so that the next of its layout is taken in at once.
    first = f"{header}\nNguyễn Thị Mẫu;13/02/1980;{commune}".encode()
    known = national_register.upload(reference, user, "covid19", "squares", "known.csv", first, today)
    assert not national_register.take(reference, user, known, columns, {}, today).faults
    file = tmp_path / "extract.csv"
    rows = [f"Nguyễn Thị Mẫu;13/02/{1950 + place % 60};{commune}" for place in range(3000)]
    file.write_bytes("\n".join((header, *rows)).encode())
    done = subprocess.run(
        [sys.executable, "-c", TAKE, town_url, str(number), str(file)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (-9, "killed"), done.stderr
    left = national_register.extracts(reference, "covid19")[0]
    with database.read() as connection:
        assert (left.file_name, left.people, kept.rows(connection, left.id)) == ("extract.csv", None, [])
    reading = national_register.take(reference, user, left.id, columns, {}, today)
    assert len(reading.rows) == 3000
    with database.read() as connection:
        assert len(kept.rows(connection, left.id)) == 3000
    database.close()


def test_a_file_of_200_mb_is_refused_by_its_size_alone() -> None:
    with pytest.raises(TooLarge, match=r"extract\.xlsx has 200 MB; 60 MB are read\. Save it as CSV, or divide it"):
        national_register.check_size("extract.xlsx", 200_000_000)
    national_register.check_size("extract.xlsx", 60_000_000)
