"""A boundary set is added to a province of 1,000,000 households while phones go on sending: seconds, p95 and memory.

python bench/adding_a_set.py [--households 1000000] [--hamlets 2500] [--communes 150] [--units 3321] [--vertices 1185]
                             [--within 123] [--rate 20] [--alone 60] [--longest 300] [--database-url postgres]
                             [--keep FOLDER] [--cut-off]

The register is filled directly, not through the intake, and without rows of people and doses, which no set touches:
households of twelve invented hamlets again and again under other numbers, each with what it adds to the tallies. The
new set is that of a whole country, its units about as many and as detailed as the communes of 2025. All of them are
read and indexed; the province lies in as many of them as its households are of the country's, or in --within, up to
all. Their borders run through hamlets as they please, and nobody has told what became of the old communes: households
without a point leave the others of their hamlet. `python server.py serve` takes submissions at a steady rate, first
alone, then while another process adds the set as `boundaries import` does. --cut-off kills that process three times and
goes on with it as `boundaries place` does. Ends with an error where a phone was not answered 201, where households
looked up one by one are in other units, or where tallies are not those of the households of their cells.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import statistics
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import date
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.households import Hamlet, Inventor, instance_id
from bench.intake import told
from bench.phones import FORK, Line, Target
from bench.place_points import EAST, NORTH, SOUTH, WEST, wobbling_grid
from bench.province import province
from bench.service import CHECKOUT, SET_ID, installation, serving
from mapper.domain.household import house_counts
from mapper.domain.people import Outcome, Point, Visit
from mapper.domain.places import Unit, UnitShape
from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import XFormModel
from mapper.services import boundaries, counting, set_placing
from mapper.services.counting import Entering, Gathered
from mapper.services.reference import Reference
from mapper.services.understanding import dated_steps
from mapper.settings import Settings
from mapper.store import placements, register, tables, tallies
from mapper.store import reference as kept
from server import open_reference

PATTERNS = 12
HAMLETS_AT_ONCE = 10
PHONES = 8
NEW = "new"
OF_THE_COUNTRY = 27_000_000
"""Households of the country."""
FIRST_SEQ = 10_000_000
"""Behind all that phones send."""
CHECKED = 20_000
"""Households whose point is looked up by itself in the end."""


def fill(reference: Reference, options: argparse.Namespace) -> None:
    """Communes, hamlets, and every household with its placement and tallies; the forms are published already."""
    units, hamlets = places_of(options)
    database, begun = reference.database, time.perf_counter()
    with database.write() as connection:
        rows = [kept.Hamlet(h.code, f"Thôn {h.code}", h.commune, h.households) for h in hamlets]
        kept.save_hamlets(database, connection, rows)
        kept.raise_revision(database, connection)
    facts = boundaries.SetFacts(SET_ID, "Province", None, date(2025, 6, 30))
    boundaries.add_set(reference, facts, ["district", "commune"], units)
    with database.read() as connection:
        known = reference.known(connection)
    campaign = known.campaign("covid19")
    patterns = []
    for number, hamlet in enumerate(hamlets[:PATTERNS]):
        inventor, visits = Inventor(campaign, [hamlet]), []
        for house in range(max(h.households for h in hamlets)):
            answers, said = inventor.household(10_000 * number + house)
            day, point = answers["visit.date"], answers["household.point"]
            assert isinstance(day, date) and isinstance(point, Point)
            people = tuple(replace(told(one, day), id=str(place)) for place, one in enumerate(said))
            visit = Visit("", day, Outcome.INTERVIEWED, people=people)
            steps, counts = dated_steps(known, campaign, visit), house_counts(visit)
            visits.append((replace(visit, people=()), point, steps, counts))
        patterns.append((hamlet, visits))
    seq, gathered = FIRST_SEQ, Gathered(alone=True)
    for first in range(0, len(hamlets), HAMLETS_AT_ONCE):
        with database.write() as connection:
            for place in range(first, min(first + HAMLETS_AT_ONCE, len(hamlets))):
                hamlet, (model, visits) = hamlets[place], patterns[place % PATTERNS]
                east, north = hamlet.lon - model.lon, hamlet.lat - model.lat
                for house, (visit, point, steps, counts) in enumerate(visits[: hamlet.households], 1):
                    seq += 1
                    there = replace(
                        visit,
                        household_id=f"house-{seq}",
                        hamlet_code=hamlet.code,
                        commune_code=hamlet.commune,
                        house_number=str(house),
                        # one in fifty has none
                        point=replace(point, lon=point.lon + east, lat=point.lat + north) if seq % 50 else None,
                    )
                    rows_of_visit = register.visit_rows(there, steps, counts)
                    instance, where = f"uuid:{seq}", there.whereabouts
                    counting.enter(
                        reference,
                        connection,
                        known,
                        Entering(seq, campaign, instance, where, rows_of_visit, steps, counts, [], instance),
                        gathered,
                    )
            counting.write(reference, connection, gathered)
            known.cells.update(gathered.new_cells)
    print(
        f"{seq - FIRST_SEQ:,} households in {len(hamlets):,} hamlets: filled in {time.perf_counter() - begun:.0f} s",
        flush=True,
    )


def places_of(options: argparse.Namespace) -> tuple[list[UnitShape], list[Hamlet]]:
    """Communes and hamlets of the province."""
    return province(options.communes, options.hamlets, options.households)


def country(options: argparse.Namespace) -> list[UnitShape]:
    """The units of the new set: a coverage of the whole country, with about so many of them over the province."""
    rng = np.random.default_rng(20250701)
    shapes = shapely.from_wkb(np.array(wobbling_grid(options.units, options.vertices, rng), dtype=object))
    west, south, east, north = shapely.total_bounds(shapely.from_wkb([unit.wkb for unit in places_of(options)[0]]))
    within = options.within or max(1, round(options.units * options.households / OF_THE_COUNTRY))
    side = ((EAST - WEST) * (NORTH - SOUTH) / len(shapes)) ** 0.5
    # as many side by side as the country has at most, the rest above each other
    across = min(within**0.5, round((EAST - WEST) / side))
    scale = np.array([(east - west) / across, (north - south) * across / within]) / side
    middle = np.array([(WEST + EAST) / 2, (SOUTH + NORTH) / 2])
    onto = np.array([(west + east) / 2, (south + north) / 2])
    units = []
    for number, shape in enumerate(shapely.transform(shapes, lambda xy: (xy - middle) * scale + onto)):
        whole = shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
        code, inside = f"9{number:04d}", shape.representative_point()
        unit = Unit(code, f"Xã {code}", "commune", None)
        units.append(UnitShape(unit, bytes(whole.wkb), 100.0, whole.bounds, (inside.x, inside.y)))
    return units


def adding(settings: Settings, units: list[UnitShape] | None, answer: Pipe) -> None:
    """Add the set, or go on with it where units are None, in a process of its own; seconds, CPU seconds, memory."""
    reference = open_reference(settings)
    shown: list[tuple[float, float]] = []
    begun, cpu = time.perf_counter(), time.process_time()

    def share(done: float) -> None:
        if not shown and done >= set_placing.SHOWN_SHARE:
            shown.append((time.perf_counter() - begun, time.process_time() - cpu))

    if units is None:
        set_placing.go_on(reference, NEW, share)
    else:
        boundaries.add_set(
            reference, boundaries.SetFacts(NEW, "Country", date(2025, 7, 1)), ["commune"], units, share=share
        )
    end = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    answer.send((*shown[0], end - begun, time.process_time() - cpu, memory))


def sending(target: Target, posts: list[bytes], every_s: float, first_s: float, answer: Pipe) -> None:
    """A phone that sends at its moments until it is told to stop: when each was due and milliseconds until answered."""
    line, seen = Line(target), []
    for number, post in enumerate(posts):
        due = first_s + number * every_s
        time.sleep(max(0.0, due - time.monotonic()))
        if answer.poll():
            break
        start = time.perf_counter()
        status = line.ask(post)
        seen.append((time.monotonic(), (time.perf_counter() - start) * 1000, status))
    answer.send(seen)


def p95(times: list[float]) -> str:
    """Median, p95 and slowest."""
    ordered = sorted(times)
    last = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return (
        f"p50 {statistics.median(ordered):.1f} ms, p95 {last:.1f} ms, slowest {ordered[-1]:.0f} ms of {len(ordered):,}"
    )


def check(reference: Reference) -> None:
    """Hold points, cells and tallies against each other. Ends the program on a difference."""
    h, t = tables.households, tables.house_totals
    chance = random.Random(3)
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = known.sets[NEW]
        cells = reference.cells(connection)
        seqs = list(connection.scalars(select(h.c.seq)))
        wanted = chance.sample(seqs, min(CHECKED, len(seqs)))
        rows = connection.execute(
            select(h.c.cell_id, h.c.lat, h.c.lon, h.c.point_state).where(reference.database.among(h.c.seq, wanted))
        ).all()
        for cell, lat, lon, state in rows:
            by_itself = places.placer.place_one(lon, lat)[0] if state == "usable" else None
            by_itself = by_itself or known.without_point(cells[cell].units[SET_ID], places)
            if NEW not in cells[cell].units or cells[cell].units[NEW] != by_itself:
                sys.exit(f"a household's cell is in {cells[cell].units.get(NEW)}, its point in {by_itself}")
        counted = dict(connection.execute(select(h.c.cell_id, func.count()).group_by(h.c.cell_id)).all())
        kept_counts = dict(connection.execute(select(t.c.cell_id, func.sum(t.c.visited)).group_by(t.c.cell_id)).all())
        if counted != {cell: number for cell, number in kept_counts.items() if number}:
            sys.exit("the tallies' houses are not those of the register")
        some = chance.sample(sorted(counted), min(200, len(counted)))
        steps = tallies.Steps()
        for cell, one in register.steps_by_cell(reference.database, connection, "covid19", some):
            steps.gather(cell, one, +1)
        rows_of = tables.tallies
        right = [tuple(row) for part in steps.sums() for row in part]
        found = connection.execute(
            select(rows_of).where(reference.database.among(rows_of.c.cell_id, some)).order_by(*rows_of.primary_key)
        )
        if [tuple(row) for row in found if any(row[3:])] != right:
            sys.exit("tallies are not those of the households of their cells")
        units_of: dict[str | None, set[str | None]] = {}
        for cell in counted:
            units_of.setdefault(cells[cell].hamlet_code, set()).add(cells[cell].units[NEW])
    several = sum(len(units - {None}) > 1 for units in units_of.values())
    apart = sum(None in units for units in units_of.values())
    print(
        f"checked: {len(wanted):,} points by themselves, tallies of {len(some)} cells; they lie in "
        f"{len(set().union(*units_of.values()) - {None})} units, {several:,} hamlets in several of them, and of "
        f"{apart:,} hamlets some households in none"
    )


def of_province(description: str | None) -> argparse.ArgumentParser:
    """Arguments of whoever measures with this register and this set."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--hamlets", type=int, default=2500)
    parser.add_argument("--communes", type=int, default=150)
    parser.add_argument("--units", type=int, default=3321)
    parser.add_argument("--vertices", type=int, default=1185)
    parser.add_argument(
        "--within", type=int, default=0, help="units of the new set that the province lies in; as in the country"
    )
    return parser


def main() -> None:
    """Fill, serve, send, add, check, print."""
    parser = of_province(__doc__)
    parser.add_argument("--rate", type=float, default=20, help="submissions a second")
    parser.add_argument("--alone", type=float, default=60, help="seconds of sending before the set is added")
    parser.add_argument("--longest", type=float, default=300, help="seconds that adding it may take")
    parser.add_argument("--database-url", default="", help="empty: SQLite; postgres: a server of this run's own")
    parser.add_argument(
        "--keep", type=Path, default=None, help="folder of the filled database; a second run in it wants another id"
    )
    parser.add_argument("--cut-off", action="store_true", help="kill the adding process three times and go on")
    options = parser.parse_args()
    with installation(options.database_url, options.keep) as here:
        settings = Settings(data_dir=here.data_dir, database_url=here.database_url)
        reference = open_reference(settings)
        with reference.database.read() as connection:
            empty = not kept.campaigns(connection)
        if empty:
            here.command("forms", "publish", "forms/covid19")
            fill(reference, options)
        with reference.database.read() as connection:
            number = placements.count(connection)
            form = next(one for one in kept.current_forms(connection) if one.form_id == "covid19_census")
        begun = time.perf_counter()
        units = country(options)
        vertices = sum(shapely.get_num_coordinates(shapely.from_wkb(unit.wkb)) for unit in units) / len(units)
        made_s = time.perf_counter() - begun
        print(
            f"{number:,} households; a set of {len(units):,} units of {vertices:.0f} vertices, made in {made_s:.0f} s"
        )
        phone = here.token(
            "phone", "canvasser", *sorted({unit.unit.parent_code or "" for unit in places_of(options)[0]} - {""})
        )
        with serving(here, 1, 8) as server:
            target = Target(f"{server.url}/key/{phone}")
            campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
            inventor = Inventor(campaign, places_of(options)[1], int(time.time()))
            writer, run = InstanceWriter(XFormModel.from_json(form.model), campaign), f"{time.time()}"
            posts = []
            for one in range(int(options.rate * (options.alone + options.longest))):
                answers, people = inventor.household(one)
                posts.append(target.post(writer.write(answers, people, instance_id=instance_id(one, run))))
            first, lines = time.monotonic() + 1, []
            for place in range(PHONES):
                ours, theirs = FORK.Pipe()
                every = PHONES / options.rate
                process = FORK.Process(
                    target=sending, args=(target, posts[place::PHONES], every, first + place / options.rate, theirs)
                )
                process.start()
                lines.append((process, ours))
            time.sleep(options.alone + 1)
            from_s = time.monotonic()
            parts = add(settings, units, cut_off=options.cut_off)
            until_s = time.monotonic()
            seen = []
            for process, ours in lines:
                if ours.poll():
                    sys.exit("phones had sent all that was made up for them before the set was added: raise --longest")
                ours.send("stop")
                seen += ours.recv()
                process.join()
        if any(status != 201 for *_, status in seen):
            sys.exit(f"phones were answered {Counter(status for *_, status in seen)}")
        alone = [ms for at, ms, _ in seen if first + 5 < at < from_s]
        during = [ms for at, ms, _ in seen if from_s <= at - ms / 1000 and at <= until_s]
        for shown_s, shown_cpu_s, seconds, cpu_s, memory in parts:
            print(
                f"shown after {shown_s:.1f} s (CPU {shown_cpu_s:.1f} s), its outlines made after {seconds:.1f} s (CPU "
                f"{cpu_s:.1f} s); {memory:.0f} MB at most; load {os.getloadavg()[0]:.1f}"
            )
        print(f"intake alone, {options.rate:g} a second: {p95(alone)}")
        print(f"intake meanwhile: {p95(during)}")
        check(reference)
        reference.database.close()


def add(settings: Settings, units: list[UnitShape], *, cut_off: bool) -> list[tuple[float, ...]]:
    """Add the set in a process of its own; what each process that came to its end told."""
    told_parts = []
    for life in range(4 if cut_off else 1):
        ours, theirs = FORK.Pipe(duplex=False)
        process = FORK.Process(target=adding, args=(settings, None if life else units, theirs))
        process.start()
        theirs.close()
        if cut_off and life < 3:
            time.sleep(20 if not life else 2)
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
            continue
        told_parts.append(ours.recv())
        process.join()
    return told_parts


if __name__ == "__main__":
    main()
