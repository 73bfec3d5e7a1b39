"""Từng Nhà: the application and its command line. ``python server.py --help`` lists the commands.

The only place that reads settings and makes the database. What only some commands need is imported by them: a server's
pages, maps and workbooks take seconds to load, and whoever adds a user need not wait for them.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from mapper.domain.roles import Role
from mapper.errors import MapperError, trace
from mapper.language import explain, translate
from mapper.services import accounts, audit, intake, rebuilding
from mapper.services.invented import HOUSEHOLDS
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import schema
from mapper.store.database import Database

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
WARMING_S = 3600
"""How often a server sums beforehand what its readers ask first."""


def open_reference(settings: Settings) -> Reference:
    """The database of these settings, its schema up to date."""
    database = Database(settings.database)
    schema.upgrade(database)
    return Reference(database, settings.secret_key, settings.data_dir / "columns")


def create_app(settings: Settings, reference: Reference | None = None) -> Flask:
    """The web application over one database; makes or migrates its schema."""
    from mapper.services.base_map import open_base_map
    from mapper.web.application import application
    from mapper.web.installation import Installation

    base_map = open_base_map(settings.basemap)
    return application(Installation(settings, reference or open_reference(settings), base_map))


def _warmed(settings: Settings) -> Flask:
    """The application of a server that has just started, working out beside it what its readers ask first."""
    from mapper.services import warming

    app = create_app(settings)
    reference = app.extensions["mapper"].reference

    def work() -> None:
        while True:
            try:
                warming.warm(reference)
            except Exception as fault:  # whoever asks first is answered all the same, or told what is wrong
                log.info("figures were not summed beforehand: %s", trace(fault))
            time.sleep(WARMING_S)

    threading.Thread(target=work, name="warming", daemon=True).start()
    return app


# The command line


def command_line(settings: Settings) -> click.Group:
    """Every command, its help in the operator's language."""

    def _(message: str, **facts: object) -> str:
        return translate(message, settings.language, **facts)

    group = click.Group(
        "server.py",
        help=_("Từng Nhà: door-to-door vaccination census, coverage and maps."),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )

    def command(name: str, help_text: str, *params: click.Parameter) -> Callable[[Callable[..., None]], None]:
        def add(work: Callable[..., None]) -> None:
            group.add_command(click.Command(name, callback=work, params=list(params), help=help_text))

        return add

    def subgroup(name: str, help_text: str) -> Callable[..., Callable[[Callable[..., None]], None]]:
        inner = click.Group(name, help=help_text)
        group.add_command(inner)

        def inner_command(
            command_name: str, command_help: str, *params: click.Parameter
        ) -> Callable[[Callable[..., None]], None]:
            def add(work: Callable[..., None]) -> None:
                inner.add_command(click.Command(command_name, callback=work, params=list(params), help=command_help))

            return add

        return inner_command

    def opened() -> Reference:
        return open_reference(settings)

    def bar(label: str, length: int | None = None) -> Any:
        # In a script's log a bar says nothing, and an error is to stand alone.
        return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())

    @command(
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
        from mapper.web import serving

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for handler in logging.getLogger().handlers:
            handler.addFilter(serving.NoKeysInLogs())
        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a busy moment is no warning
        opened().database.close()
        # Before a port is taken and an address told: a file that cannot be read is said at once, and once.
        if (base_map := open_base_map(settings.basemap)) is not None:
            base_map.file.close()
        listener = serving.listen(host, port)
        shown = settings.public_url or f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104
        click.echo(_("Serving at {address}. Stop with Ctrl-C.", address=shown))
        limit = (max(settings.max_submission_mb, settings.max_upload_mb) + 1) * MEGABYTE
        serving.serve(partial(_warmed, settings), listener, workers, threads, limit)

    @command(
        "sample",
        _("Fill the database with the invented sample district, and show how to sign in."),
        click.Option(
            ["--households"], default=HOUSEHOLDS, show_default=True, type=click.IntRange(1), help=_("How many.")
        ),
    )
    def build_sample(households: int) -> None:
        from mapper.services import sample

        with bar(_("Sample households"), households) as shown:
            made = sample.build(opened(), Path(__file__).parent, households, shown.update)
        click.echo(_("The sample district is ready: {number} invented households.", number=made.households))
        for name, password in (made.supervisor, made.administrator):
            click.echo(_("Sign in as {name} with the password {password}", name=name, password=password))

    boundary_command = subgroup("boundaries", _("Boundary sets."))

    @boundary_command(
        "import",
        _("Import a GeoJSON, GeoPackage or zipped Shapefile as a new boundary set."),
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(["--id", "set_id"], default="", help=_("Id of the set; made from the label where left out.")),
        click.Option(["--label"], default="", help=_("Name shown for the set; the file's name where left out.")),
        click.Option(["--valid-from"], type=click.DateTime(["%Y-%m-%d"]), help=_("First day the set is in force.")),
        click.Option(["--valid-to"], type=click.DateTime(["%Y-%m-%d"]), help=_("Last day the set is in force.")),
        click.Option(["--source"], default="", help=_("Where the outlines come from.")),
        click.Option(["--approximate"], is_flag=True, help=_("The outlines are approximate; every map says so.")),
        click.Option(["--layer"], help=_("Layer of a GeoPackage, or shapefile of an archive.")),
        click.Option(["--code-field"], help=_("Field that holds the code.")),
        click.Option(["--name-field"], help=_("Field that holds the name.")),
        click.Option(["--level"], help=_("Level of the units: commune, district, province, or another word.")),
        click.Option(["--parent-field"], help=_("Field that holds the code of the unit above.")),
        click.Option(["--parent-level"], help=_("Level of the unit above.")),
        click.Option(["--crs"], help=_("Coordinate reference system of a file that declares none, e.g. EPSG:4756.")),
        click.Option(["--encoding"], help=_("Character encoding of a shapefile that declares none.")),
    )
    def import_boundaries(
        file: Path,
        set_id: str,
        label: str,
        valid_from: datetime | None,
        valid_to: datetime | None,
        source: str,
        approximate: bool,
        layer: str | None,
        code_field: str | None,
        name_field: str | None,
        level: str | None,
        parent_field: str | None,
        parent_level: str | None,
        crs: str | None,
        encoding: str | None,
    ) -> None:
        from mapper.geo.fields import ReadOptions
        from mapper.services import boundaries

        facts = boundaries.SetFacts(set_id, label, _day(valid_from), _day(valid_to), approximate, source)
        options = ReadOptions(
            layer=layer,
            code=code_field,
            name=name_field,
            level=level,
            parent=parent_field,
            parent_level=parent_level,
            crs=crs,
            encoding=encoding,
        )
        reference = opened()
        with bar(_("Placing households"), intake.how_many(reference)) as shown:
            made = boundaries.import_file(reference, file, facts, options, shown.update)
        for finding in made.findings:
            click.echo("- " + _(finding.message, **dict(finding.facts)))
        units = ", ".join(f"{level}: {number}" for level, number in made.units)
        click.echo(_("Boundary set {id} imported. {units}", id=made.id, units=units))

    form_command = subgroup("forms", _("Forms and campaigns."))

    @form_command(
        "publish",
        _("Check every XLSForm of a folder with its campaign.toml, and publish them to the phones."),
        click.Argument(["folder"], type=click.Path(path_type=Path)),
        click.Option(
            ["--confirm", "confirmed"],
            multiple=True,
            help=_("A role that may leave its question, as role:old=new; nothing behind = where none is to have it."),
        ),
    )
    def publish_forms(folder: Path, confirmed: tuple[str, ...]) -> None:
        from mapper.services import publish

        told = lambda name: click.echo(_("Checking {name}", name=name), err=True)  # noqa: E731
        made = publish.publish(opened(), folder, told, confirmed, (None, audit.COMMAND_LINE))
        words = {"new": _("published"), "same": _("already published"), "media": _("new media")}
        for form in made.forms:
            click.echo(f"{form.form_id} {form.version}: {words[form.change]}")
            for warning in form.warnings:
                click.echo(f"  {warning}", err=True)
        if made.counted:
            click.echo(_("{number} submissions that had waited for these forms count now.", number=made.counted))

    submission_command = subgroup("submissions", _("Submissions."))

    @submission_command(
        "import",
        _("Take in instance XML with attachments from a folder or a zip, as copied from a phone."),
        click.Argument(["path"], type=click.Path(path_type=Path)),
    )
    def import_submissions(path: Path) -> None:
        from mapper.services import importing

        found = importing.find(path)
        counts = {"taken": 0, "known": 0, "refused": 0}
        words = {"taken": _("taken"), "known": _("already had"), "refused": _("refused")}
        reference = opened()
        with bar(_("Submissions"), len(found)) as shown:
            results = []
            for one in importing.take(reference, found):
                results.append(one)
                shown.update(1)
        for result in results:
            counts[result.outcome] += 1
            reason = f" - {explain(result.problem, settings.language)}" if result.problem else ""
            click.echo(f"{result.name}: {words[result.outcome]}{reason}")
        click.echo(", ".join(f"{words[key]}: {number}" for key, number in counts.items()))
        if counts["refused"]:
            raise SystemExit(1)

    site_command = subgroup("sites", _("Places where people can be vaccinated."))

    @site_command(
        "import",
        _("Take in sites from a CSV, workbook, GeoJSON or KML, each in place of the one of its code."),
        click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    )
    def import_sites(file: Path) -> None:
        from mapper.services import sites

        taken = sites.take_file(opened(), None, file.name, file.read_bytes())
        click.echo(
            _(
                "{new} sites are new, {changed} changed, {same} as before.",
                new=taken.new,
                changed=taken.changed,
                same=taken.same,
            )
        )

    plan_command = subgroup("plan", _("Plans of sites, teams and vials."))

    @plan_command(
        "sites",
        _("Choose sites for everybody due, and say who goes where and who cannot."),
        click.Option(["--campaign"], required=True, help=_("Id of the campaign.")),
        click.Option(["--first"], required=True, type=click.DateTime(["%Y-%m-%d"]), help=_("First day of the plan.")),
        click.Option(["--last"], required=True, type=click.DateTime(["%Y-%m-%d"]), help=_("Last day of the plan.")),
        click.Option(
            ["--aim"],
            type=click.Choice(["most_people", "fewest_sites", "least_travel"]),
            default="most_people",
            help=_("What the plan is to be best at."),
        ),
        click.Option(["--sites"], type=click.IntRange(min=1), help=_("Sites at most, the fixed ones among them.")),
        click.Option(["--entered"], is_flag=True, help=_("Only sites that were entered, no proposed ones.")),
        click.Option(
            ["--seconds"],
            type=click.FloatRange(min=0.1),
            default=60.0,
            help=_("Seconds after which the best plan so far is taken."),
        ),
        click.Option(
            ["--team", "teams"],
            multiple=True,
            help=_("A mobile team as NAME,LAT,LON or NAME,LAT,LON,DOSES (a day); may be given again."),
        ),
        click.Option(["--json", "as_json"], is_flag=True, help=_("Print JSON, without names.")),
    )
    def plan_sites(
        campaign: str,
        first: datetime,
        last: datetime,
        aim: str,
        sites: int | None,
        entered: bool,
        seconds: float,
        teams: tuple[str, ...],
        as_json: bool,
    ) -> None:
        from mapper.services import site_plan, team_plan
        from mapper.solve.siting import Limits
        from mapper.solve.watch import Watch

        crews = [team_plan.read_team(told) for told in teams]

        wish = site_plan.SitingWish(
            campaign,
            first.date(),
            last.date(),
            site_plan.Aim(aim),
            sites,
            proposed=not entered,
            limits=Limits(seconds),
        )
        plan = site_plan.plan_sites(opened(), accounts.OPERATOR, wish)
        if as_json:
            click.echo(json.dumps(site_plan.as_json(plan), ensure_ascii=False))
            return
        for one in plan.sites:
            click.echo(
                _(
                    "{name} ({code}): {people} people, {houses} houses, farthest {metres} m",
                    name=one.site.name,
                    code=one.site.code,
                    people=one.people,
                    houses=len({some.house.id for some in one.served}),
                    metres=round(max((some.way_m for some in one.served), default=0)),
                )
            )
            for need in plan.needs(one):
                told = {"due": need.due, "vials": need.vials, "ready": need.supplies.vials}
                label = need.formulation.label[settings.language]
                click.echo(
                    "  " + _("{label}: {due} doses due, {vials} vials, {ready} with the buffer", label=label, **told)
                )
        for why, several in plan.unserved.items():
            click.echo(f"- {_(site_plan.WHY[why])}: {sum(len(people) for _house, people in several)}")
        click.echo(
            _(
                "{people} people due: {served} at {sites} sites. Gap {gap} %, {seconds} s.",
                people=plan.people,
                served=sum(one.people for one in plan.sites),
                sites=len(plan.sites),
                gap=f"{100 * plan.gap:.2f}",
                seconds=f"{plan.seconds:.1f}",
            )
        )
        if crews:
            days = team_plan.working_days(first.date(), last.date())
            made = team_plan.plan_teams(plan, crews, days, Watch(Limits(seconds)))
            for line in team_plan.in_words(made, settings.language):
                click.echo(line)

    dhis2_command = subgroup("dhis2", _("Figures for a DHIS2 server."))

    @dhis2_command(
        "send",
        _("Send the figures of all units of a level to the DHIS2 server of the settings, and say what it took."),
        click.Option(["--campaign"], required=True, help=_("Id of the campaign.")),
        click.Option(["--level"], required=True, help=_("Level of the units: hamlet, commune, district or province.")),
        click.Option(["--set", "set_id"], default=settings.boundary_set, help=_("Id of the boundary set.")),
        click.Option(
            ["--period"],
            help=_("Kind of period, or one: 20220831, 2022W35, 202208; else as the data set has it."),
        ),
        click.Option(["--date", "day"], type=click.DateTime(["%Y-%m-%d"]), help=_("Figures of the end of this day.")),
        click.Option(["--dry-run"], is_flag=True, help=_("Only ask what would be taken.")),
        click.Option(
            ["--skip-unmapped"], is_flag=True, help=_("Send although units that have people are mapped to nothing.")
        ),
    )
    def send_to_dhis2(
        campaign: str,
        level: str,
        set_id: str,
        period: str | None,
        day: datetime | None,
        dry_run: bool,
        skip_unmapped: bool,
    ) -> None:
        from mapper.services import dhis2_delivery, exchange

        reference = opened()
        server = dhis2_delivery.Dhis2Server(settings.dhis2_url, settings.dhis2_token)
        period = period or exchange.usual_period(reference, campaign)
        wanted = exchange.wanted_of(campaign, set_id, level, period, _day(day) or intake.today(), intake.today())
        sending = exchange.sending(reference, accounts.OPERATOR, wanted)
        for one in sending.left_out:
            why = _(exchange.WHY[one.why])
            click.echo(f"{one.code or '-'} {one.name}: {why} ({one.people})", err=True)
        if not skip_unmapped:
            exchange.check_mapped(sending)
        with bar(_("Sending"), len(sending.values)) as shown:
            done = dhis2_delivery.deliver(reference, accounts.OPERATOR, server, sending, dry_run, shown.update)
        told = done.summary
        for refused, times in told.reasons:
            click.echo(f"{refused.what}: {refused.why} ({times})", err=True)
        click.echo(
            _(
                "{values} values of period {period} to {server}: {imported} new, {updated} written over, "
                "{deleted} deleted, {ignored} not taken.",
                values=done.values,
                period=wanted.period.dhis2,
                server=server.named,
                imported=told.imported,
                updated=told.updated,
                deleted=told.deleted,
                ignored=told.ignored,
            )
        )
        if told.refused:
            raise SystemExit(1)

    @command("rebuild", _("Make the register and the tallies anew from the raw submissions."))
    def rebuild() -> None:
        reference = opened()
        with bar(_("Submissions"), intake.how_many(reference)) as shown:
            done = rebuilding.rebuild(reference, shown.update)
        click.echo(_("Register and tallies made anew from {number} submissions.", number=done))

    user_command = subgroup("users", _("Users."))

    @user_command(
        "add",
        _("Add a user, or renew the one of that name: a new token, and new areas."),
        click.Argument(["name"]),
        click.Option(
            ["--role"], required=True, type=click.Choice([r.value for r in Role]), help=_("What the user may do.")
        ),
        click.Option(
            ["--area", "areas"], multiple=True, help=_("Code of a unit or hamlet; may be given several times.")
        ),
        click.Option(
            ["--password"],
            is_flag=True,
            help=_("Ask for a password, for signing in with a browser; MAPPER_NEW_PASSWORD may hold it."),
        ),
        click.Option(
            ["--qr"], type=click.Path(path_type=Path), help=_("Draw the phone's QR code into this file (.png, .svg).")
        ),
        click.Option(["--json", "as_json"], is_flag=True, help=_("Answer as JSON: name, token, server_url.")),
    )
    def add_user(name: str, role: str, areas: tuple[str, ...], password: bool, qr: Path | None, as_json: bool) -> None:
        secret = settings.new_password or None
        if password and secret is None:
            secret = click.prompt(_("Password"), hide_input=True, confirmation_prompt=True, err=True)
        made = accounts.add_user(opened(), name, role, areas, secret)
        root = (settings.public_url or "http://127.0.0.1:8000").rstrip("/")
        facts = {"name": made.name, "token": made.token, "server_url": f"{root}/key/{made.token}"}
        if qr is not None:
            if not settings.public_url:
                click.echo(
                    _(
                        "No phone reaches {url}. Set MAPPER_PUBLIC_URL to the server's address, then draw again.",
                        url=root,
                    ),
                    err=True,
                )
            from mapper.formats.collect_settings import write_qr_code

            write_qr_code(qr, facts["server_url"], settings.project_name, settings.language)
        if as_json:
            click.echo(json.dumps(facts, ensure_ascii=False))
            return
        click.echo(_("User {name} is ready.", name=made.name))
        click.echo(_("Server address for ODK Collect: {url}", url=facts["server_url"]))
        click.echo(_("Token for programs: {token}", token=made.token))

    return group


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


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
