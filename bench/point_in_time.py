"""Point-in-time recovery as docs/backup-and-recovery.md tells it, done for real on a PostgreSQL of its own.

python bench/point_in_time.py

Archives the write-ahead log, takes a base copy, keeps submissions, notes the moment, deletes them, and goes back to the
moment: all that was there then has to be there again, and nothing later. Ends with 1 where it is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import text

from mapper.store import schema, submissions
from mapper.store.database import Database, driver_of
from mapper.store.submissions import RawSubmission
from tests import postgres

FIRST, SECOND = 300, 200


def keep(database: Database, first: int, number: int) -> None:
    """Keep submissions as intake does before it understands them."""
    for place in range(first, first + number):
        with database.write() as connection:
            xml = f"<data id='x'>{place}</data>".encode()
            raw = RawSubmission(f"uuid:{place}", None, "form", "1", xml, "2026-09-01T09:00:00+00:00", date(2026, 9, 1))
            submissions.save(database, connection, raw)


def count(database: Database) -> int:
    """How many submissions with their XML there are."""
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM submissions JOIN instances USING (seq)")).scalar_one())


def execute(database: Database, statement: str) -> object:
    """One statement outside of a transaction, and the first value that it answers, if any."""
    with database.engine.connect() as connection:
        cursor = driver_of(connection).execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def restart(server: postgres.Server, binaries: Path) -> None:
    """Stop the server as an operator does, and start it on its data folder again."""
    if server.process.poll() is None:
        server.process.send_signal(2)
        server.process.wait(60)
    uid, gid = postgres._owner()
    again = postgres._launch(binaries, server.folder, server.password, uid, gid, "")
    server.process, server.port = again.process, again.port
    postgres._wait(server)


def main() -> None:
    server = postgres.start()
    lent = server.folder / "lent"
    binaries = next(lent.glob("*/pginstall*/bin"), None) or postgres._binaries()[0]
    try:
        told = goes_back(server, binaries)
    finally:
        server.stop()
    print(told)


def goes_back(server: postgres.Server, binaries: Path) -> str:
    """The whole of it; what was found. Ends the program where it is not what it should be."""
    uid, gid = postgres._owner()
    archive, base, data = server.folder / "wal", server.folder / "base", server.folder / "data"
    for folder in (archive, base):
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, uid, gid)
    # 1. every change is kept
    copying = f"test ! -f {archive}/%f && cp %p {archive}/.%f && sync {archive}/.%f && mv {archive}/.%f {archive}/%f"
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"archive_mode = on\narchive_timeout = 60\narchive_command = '{copying}'\n")
    restart(server, binaries)
    database = Database(server.url("postgres"))
    schema.upgrade(database)
    # 2. a base copy, taken online
    keep(database, 0, FIRST)
    subprocess.run(
        [
            *(str(binaries / "pg_basebackup"), "-D", str(base / "copy"), "-Fp", "-X", "none", "-c", "fast"),
            *("-h", "127.0.0.1", "-p", str(server.port), "-U", postgres.USER),
        ],
        env={"PATH": os.defpath, "PGPASSWORD": server.password},
        check=True,
        capture_output=True,
    )
    keep(database, FIRST, SECOND)
    moment = execute(database, "SELECT clock_timestamp()::text")
    time.sleep(1)
    execute(database, "TRUNCATE submissions CASCADE")
    keep(database, FIRST + SECOND, 1)
    lost = count(database)
    execute(database, "SELECT pg_switch_wal()")
    database.close()
    # 3. back to the moment
    server.process.send_signal(2)
    server.process.wait(60)
    data.rename(server.folder / "data-aside")
    shutil.copytree(base / "copy", data, symlinks=True)
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {archive}/%f %p'\n")
        settings.write(f"recovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n")
    (data / "recovery.signal").touch()
    data.chmod(0o700)
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)
    restart(server, binaries)
    there = Database(server.url("postgres"))
    while execute(there, "SELECT pg_is_in_recovery()"):
        time.sleep(0.2)
    found = count(there)
    there.close()
    if (lost, found) != (1, FIRST + SECOND):
        sys.exit(f"not what it should be: {lost} left after the deletion, {found} after going back")
    return (
        f"{FIRST} submissions before the base copy and {SECOND} after it; all deleted, {lost} came later; back at "
        f"{moment}: {found} are there"
    )


if __name__ == "__main__":
    main()
