"""Từng Nhà: the application and its command line. ``python server.py --help`` lists the commands.

The only place that reads settings and makes the database. What only some commands need is imported by them: a server's
pages, maps and workbooks take seconds to load, and whoever adds a user need not wait for them.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from mapper.commands import (
    boundaries,
    dhis2,
    erasing,
    forms,
    keeping,
    map_views,
    plan,
    retention,
    roads,
    sealing,
    sites,
    stock,
    submissions,
    users,
)
from mapper.commands.console import Console, command
from mapper.errors import MapperError, trace
from mapper.language import explain
from mapper.services import intake, rebuilding
from mapper.services.invented import HOUSEHOLDS
from mapper.services.reference import Reference
from mapper.services.roads import RoadMap, RoadSource
from mapper.services.sealing import in_memory
from mapper.settings import Settings
from mapper.store import schema, sealed_columns
from mapper.store.database import Database
from mapper.store.replica import Replica
from mapper.store.sealing import Sealing

if TYPE_CHECKING:
    from flask import Flask

    from mapper.web.installation import Installation

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
WARMING_S = 3600
"""How often a server sums beforehand what its readers ask first."""

READING_AHEAD_S = 300
"""How often it reads who is due where something was counted since, before anybody asks for a plan."""

TAKING_UP_S = 30
"""How often it looks for plans that wait though nobody makes them, and for boundary sets that nobody goes on with."""

MAKING_READY_S = 2
"""How often it looks for boundary sets that are about to be announced, and reads them before phones meet them."""


def open_reference(settings: Settings) -> Reference:
    """The database of these settings, its schema up to date."""
    database = Database(settings.database, _sealing(settings))
    try:
        # Before anything is written to it, by a migration neither.
        sealed_columns.check(database)
        schema.upgrade(database)
        sealed_columns.begin(database)
    except MapperError:
        database.close()
        raise
    if settings.reading_url and not database.is_sqlite:
        database.aside = Replica(database, settings.reading_url)
    return Reference(database, settings.secret_key, _copies(settings), _road_source(settings), settings.dask)


def _sealing(settings: Settings) -> Sealing | None:
    return Sealing(Path(settings.field_key).expanduser()) if settings.field_key else None


def _copies(settings: Settings) -> Path:
    """Where copies lie that hold names and can be made again: with a field key in memory, with all temporary files."""
    plain = settings.data_dir / "columns"
    if not settings.field_key:
        return plain
    folder = in_memory(settings.memory_dir, settings.data_dir)
    shutil.rmtree(plain, ignore_errors=True)  # what a server without the key had left there
    tempfile.tempdir = str(folder)
    return folder / "columns"


def _road_source(settings: Settings) -> RoadSource:
    server = None
    if settings.routing_url or settings.routing_walking_url:
        from mapper.services.routing_server import RoutingServer

        server = RoutingServer.of(settings.routing_kind, settings.routing_url, settings.routing_walking_url)
    return RoadSource(RoadMap(settings.road_map), server)


def create_app(settings: Settings, reference: Reference | None = None) -> Flask:
    """The web application over one database; makes or migrates its schema."""
    from mapper.services.base_map import open_base_map
    from mapper.web.application import application
    from mapper.web.installation import Installation

    base_map = open_base_map(settings.basemap)
    return application(Installation(settings, reference or open_reference(settings), base_map))


def _warmed(settings: Settings) -> Flask:
    """The application of a server that has just started, working out beside it what its readers ask first."""
    from mapper.services import asked_files, warming
    from mapper.services.erasing import sweep_if_due
    from mapper.services.scheduling import Scheduler

    app = create_app(settings)
    here = app.extensions["mapper"]
    # Whoever asks first is answered all the same, or told what is wrong.
    _every(WARMING_S, "warming", partial(warming.warm, here.reference))
    _every(READING_AHEAD_S, "reading ahead for plans", partial(warming.warm_plans, here.reference))
    # What one process does for all that share the database.
    alone = Scheduler(here.reference.database).alone
    _every(TAKING_UP_S, "plans left waiting", alone(partial(_take_up, here)))
    _every(TAKING_UP_S, "boundary sets left behind", alone(partial(_place_on, here.reference)))
    _every(TAKING_UP_S, "what was erased", alone(partial(sweep_if_due, here.reference)))
    _every(WARMING_S, "what is kept long enough", alone(partial(_keep_no_longer, here.reference)))
    _every(WARMING_S, "files that nobody fetched", alone(partial(asked_files.forget_old, here.reference)))
    _every(WARMING_S, "what PostgreSQL knows of its tables", alone(partial(_look_at_tables, here.reference)))
    _every(MAKING_READY_S, "boundary sets to come", here.reference.make_ready)
    return app


def _take_up(here: Installation) -> None:
    """Make plans that wait though nobody looks at them: the process that was asked for them may have died."""
    from mapper.services import plans

    for line in plans.left_waiting(here.reference):
        from mapper.services.plan_work import see_to  # heavy, and wanted only now

        see_to(here.plans, here.reference, line)


def _keep_no_longer(reference: Reference) -> None:
    """Announce, and later take out, what somebody said is not to be kept for longer; nothing else ever goes."""
    from mapper.services import retention

    retention.see_to(reference, intake.today())


def _look_at_tables(reference: Reference) -> None:
    """Let PostgreSQL look once a day at its tables over partitions, at which it never does by itself."""
    from mapper.store import shelves

    shelves.analyse(reference.database, older_than_h=24)


def _place_on(reference: Reference) -> None:
    """Go on placing households in sets whose import was cut off."""
    from mapper.services import set_placing

    for set_id in set_placing.left_behind(reference):
        set_placing.go_on(reference, set_id)


def _every(seconds: float, name: str, work: Callable[[], object]) -> None:
    """Work again and again in a thread of its own, for as long as the process lives; a fault is logged."""

    def again() -> None:
        while True:
            try:
                work()
            except Exception as fault:
                log.info("%s: %s", name, trace(fault))
            time.sleep(seconds)

    threading.Thread(target=again, name=name, daemon=True).start()


# The command line


def command_line(settings: Settings) -> click.Group:
    """Every command, its help in the operator's language."""

    console = Console(settings, lambda: open_reference(settings))
    _ = console.say
    group = click.Group(
        "server.py",
        help=_("Từng Nhà: door-to-door vaccination census, coverage and maps."),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    for inner in (boundaries, forms, submissions, sites, roads, plan, stock, dhis2, erasing, retention, users):
        group.add_command(inner.commands(console))
    group.add_command(stock.forecast_command(console))
    keeping.add(group, console)
    map_views.add(group, console)
    sealing.add(group, console)

    @command(
        group,
        "serve",
        _("Serve phones and browsers until stopped."),
        click.Option(["--host"], default="127.0.0.1", show_default=True, help=_("Address to listen on.")),
        click.Option(
            ["--port"], default=8000, show_default=True, type=click.IntRange(0, 65535), help=_("Port to listen on.")
        ),
        click.Option(
            ["--workers"], default=1, show_default=True, type=click.IntRange(1, 64), help=_("Number of processes.")
        ),
        click.Option(
            ["--threads"], default=16, show_default=True, type=click.IntRange(1, 64), help=_("Threads of each process.")
        ),
    )
    def serve(host: str, port: int, workers: int, threads: int) -> None:
        from mapper.services.base_map import open_base_map
        from mapper.web import log_lines, serving

        log_lines.set_up(settings.log)
        database = console.opened().database
        database.check_durable()
        if sealed_columns.may_be_plain(database):
            click.echo(
                _("Values from before the key may still be plain in the database. Run: python server.py encrypt"),
                err=True,
            )
        database.close()
        # Before a port is taken and an address told: a file that cannot be read is said at once, and once.
        if (base_map := open_base_map(settings.basemap)) is not None:
            base_map.file.close()
        listener = serving.listen(host, port)
        shown = settings.public_url or f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104
        click.echo(_("Serving at {address}. Stop with Ctrl-C.", address=shown))
        limit = (max(settings.max_submission_mb, settings.max_upload_mb) + 1) * MEGABYTE
        serving.serve(partial(_warmed, settings), listener, workers, threads, limit)

    @command(
        group,
        "sample",
        _("Fill the database with the invented sample district, and show how to sign in."),
        click.Option(
            ["--households"], default=HOUSEHOLDS, show_default=True, type=click.IntRange(1), help=_("How many.")
        ),
    )
    def build_sample(households: int) -> None:
        from mapper.services import sample

        with console.bar(_("Sample households"), households) as shown:
            made = sample.build(console.opened(), Path(__file__).parent, households, shown.update)
        click.echo(_("The sample district is ready: {number} invented households.", number=made.households))
        for name, password in (made.supervisor, made.administrator):
            click.echo(_("Sign in as {name} with the password {password}", name=name, password=password))

    @command(group, "rebuild", _("Make the register and the tallies anew from the raw submissions."))
    def rebuild() -> None:
        from mapper.services.cluster import Cluster

        reference = console.opened()
        with console.bar(_("Submissions"), intake.how_many(reference)) as shown:
            cluster = Cluster(settings.dask) if settings.dask else None
            done = rebuilding.rebuild(reference, shown.update, cluster=cluster, patience_s=settings.dask_wait_s)
        click.echo(_("Register and tallies made anew from {number} submissions.", number=done))

    return group


def main() -> None:
    """Run a command; what goes wrong is said in one line, with its cure."""
    try:
        settings = Settings()
    except ValidationError as problem:
        for one in problem.errors():
            click.echo(f"MAPPER_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}", err=True)
        raise SystemExit(2) from None
    try:
        command_line(settings).main(prog_name="server.py")
    except MapperError as error:
        click.echo(explain(error, settings.language), err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
