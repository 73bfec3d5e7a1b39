"""A boundary set is added to one register twice, by one process and with a Dask cluster of this machine: CPU, equal.

python bench/cluster.py [--households 1000000] [--workers 2] [--filled FILE] [--units 3321] [--vertices 1185]
                        [--within 123]

The register is that of ``bench/adding_a_set.py``; --filled names a SQLite file that it left in its --keep folder, of
the same numbers. Workers are processes of their own, which hear of nothing but the index of the set and of points.
Ends with an error where households are in other cells, or tallies differ.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import select

from bench import adding_a_set
from bench.service import CHECKOUT, installation
from mapper.domain.places import UnitShape
from mapper.services import boundaries, set_placing, set_points
from mapper.settings import Settings
from mapper.store import tables, tallies
from server import open_reference


@dataclass
class Taken:
    """Seconds of CPU: of this process in finding units, of it until the set is shown, and of the workers."""

    finding: float = 0.0
    shown: float = 0.0
    workers: float = 0.0
    digest: str = ""


class Shown(Exception):
    """Ends the bench's import where readers see the set; outlines are not what is measured."""


def add(file: Path, units: list[UnitShape], cluster: Any) -> Taken:
    """Add the set to a copy of the register."""
    taken = Taken()
    with tempfile.TemporaryDirectory(prefix="tungnha-cluster-", dir=file.parent) as folder:
        shutil.copyfile(file, Path(folder) / "tungnha.sqlite3")
        reference = open_reference(Settings(data_dir=Path(folder), dask=cluster.scheduler_address if cluster else ""))
        find, before = set_points.find, _workers_cpu(cluster)

        def timed(*given: Any) -> Any:
            began = time.process_time()
            found = find(*given)
            taken.finding += time.process_time() - began
            return found

        def share(done: float) -> None:
            if done >= set_placing.SHOWN_SHARE:
                raise Shown

        set_placing.find = timed
        began = time.process_time()
        try:
            facts = boundaries.SetFacts("new", "Country", None, None, trial=True)
            boundaries.add_set(reference, facts, ["district", "commune"], units, share=share)
        except Shown:
            taken.shown = time.process_time() - began
        finally:
            set_placing.find = find
        taken.workers = _workers_cpu(cluster) - before
        taken.digest = _digest(reference.database)
        reference.database.close()
    return taken


def _workers_cpu(cluster: Any) -> float:
    if cluster is None:
        return 0.0
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        return float(sum(client.run(time.process_time).values()))


def _digest(database: Any) -> str:
    """Of where every household is, and of all tallies, by lasting names."""
    found = hashlib.sha256()
    with database.read() as connection:
        names = {
            cell.id: tallies.signature(cell.hamlet_code, cell.commune_code, cell.units)
            for cell in tallies.cells(connection)
        }
        h = tables.households
        for seq, cell in connection.execute(select(h.c.seq, h.c.cell_id).order_by(h.c.seq)):
            found.update(f"{seq} {names[cell]}\n".encode())
        found.update(repr(tallies.snapshot(connection)).encode())
    return found.hexdigest()


@contextmanager
def filled(options: argparse.Namespace) -> Iterator[Path]:
    """The file of the register."""
    if options.filled:
        with tempfile.TemporaryDirectory(prefix="tungnha-cluster-") as folder:
            shutil.copyfile(options.filled, Path(folder) / "tungnha.sqlite3")
            open_reference(Settings(data_dir=Path(folder))).database.close()
            yield Path(folder) / "tungnha.sqlite3"
        return
    with installation("", None) as here:
        here.command("forms", "publish", "forms/covid19")
        reference = open_reference(Settings(data_dir=here.data_dir))
        adding_a_set.fill(reference, options)
        reference.database.close()
        yield Path(here.data_dir) / "tungnha.sqlite3"


def main() -> None:
    """Fill, add twice, compare, print."""
    parser = adding_a_set.of_province(__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--filled", type=Path, default=None)
    options = parser.parse_args()
    from distributed import LocalCluster

    os.environ["PYTHONPATH"] = str(CHECKOUT)
    units = adding_a_set.country(options)
    with filled(options) as file:
        alone = add(file, units, None)
        kind = {"n_workers": options.workers, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
        with LocalCluster(**kind) as cluster:
            together = add(file, units, cluster)
    print(f"alone: units found in {alone.finding:.1f} s of CPU, shown after {alone.shown:.1f} s")
    print(
        f"with {options.workers} workers: units found in {together.finding:.1f} s of CPU of this process, shown after "
        f"{together.shown:.1f} s; workers {together.workers:.1f} s; load {os.getloadavg()[0]:.1f}"
    )
    print("households and tallies are the same" if alone.digest == together.digest else "NOT THE SAME")
    sys.exit(alone.digest != together.digest)


if __name__ == "__main__":
    main()
