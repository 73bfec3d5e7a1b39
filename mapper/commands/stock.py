"""Commands of the vaccine stock and of what will be needed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from mapper.commands.console import Console, command

_DAY = click.DateTime(["%Y-%m-%d"])


def commands(console: Console) -> click.Group:
    """``stock import``."""
    _ = console.say
    group = click.Group("stock", help=_("The vaccine stock by store and lot."))

    @command(
        group,
        "import",
        _("Enter the rows of a CSV or workbook into the stock ledger: all of them, or none where one is wrong."),
        click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.Option(["--campaign"], required=True, help=_("Id of the campaign.")),
        click.Option(["--set", "set_id"], default="", help=_("Id of the boundary set whose units are stores.")),
    )
    def import_stock(file: Path, campaign: str, set_id: str) -> None:
        from mapper.services import stock
        from mapper.services.intake import today

        place = campaign, set_id or console.settings.boundary_set
        done = stock.import_table(console.opened(), None, *place, file.name, file.read_bytes(), today())
        for fault in done.faults:
            click.echo(f"{_('Row {row}:', row=fault.row)} {_(fault.message, **fault.facts)}", err=True)
        if done.faults:
            raise SystemExit(1)
        click.echo(_("{number} entries are in the ledger.", number=done.entered))

    return group


def forecast_command(console: Console) -> click.Command:
    """``forecast``."""
    _ = console.say

    def work(
        campaign: str,
        first: datetime,
        last: datetime,
        unit: str,
        level: str,
        set_id: str,
        sessions: int,
        follow: bool,
        as_json: bool,
    ) -> None:
        from mapper.domain.roles import Role
        from mapper.language import written_day
        from mapper.services.accounts import User
        from mapper.services.areas import read_area
        from mapper.services.forecast import ForecastQuestion, forecast
        from mapper.services.forecast_json import forecast_json
        from mapper.services.questions import default_set
        from mapper.services.reasons import level_within

        reference, everybody = console.opened(), User(0, "", Role.ADMINISTRATOR, (), 0)
        with reference.database.read() as connection:
            places = default_set(reference.known(connection), set_id or console.settings.boundary_set, first.date())
        area = read_area(unit)
        level = level or level_within(reference, everybody, places.id, area)
        asked = ForecastQuestion(campaign, first.date(), last.date(), places.id, area, level, sessions, follow)
        found = forecast(reference, everybody, asked, wait=True)
        if as_json:
            click.echo(json.dumps(forecast_json(found), ensure_ascii=False, indent=2))
            return
        language = console.settings.language
        for row in (*found.rows, found.total):
            name = _("Together") if row is found.total else row.name or _("In no commune")
            words = _(
                "{place}: {doses} doses due, {now} of them on the first day", place=name, doses=row.due, now=row.now
            )
            click.echo(words)
            for need in row.needs if row.has_vials else ():
                click.echo(
                    "  "
                    + _(
                        "{vaccine}: {due} doses, {vials} vials, {order} with buffer; {stock} doses in stock, "
                        "{promised} still to come; to order {more} vials",
                        vaccine=need.formulation.label[language],
                        due=need.due,
                        vials=need.vials,
                        order=need.order,
                        stock=need.stock,
                        promised=need.promised,
                        more=need.to_order,
                    )
                    + (
                        "; " + _("short on {day}", day=written_day(need.run.short_on, language))
                        if need.run.short_on
                        else ""
                    )
                )
            if row.unknown:
                click.echo("  " + _("{doses} doses of no vaccine of planning.toml", doses=row.unknown))

    return click.Command(
        "forecast",
        callback=work,
        help=_("Doses and vials that fall due between two days, beside what is in stock."),
        params=[
            click.Option(["--campaign"], required=True, help=_("Id of the campaign.")),
            click.Option(["--from", "first"], required=True, type=_DAY, help=_("First day of the forecast.")),
            click.Option(["--to", "last"], required=True, type=_DAY, help=_("Last day of the forecast.")),
            click.Option(["--unit"], default="", help=_("Only of a unit, as LEVEL:CODE.")),
            click.Option(["--level"], default="", help=_("Level of the rows: of the boundary set, or hamlet.")),
            click.Option(["--set", "set_id"], default="", help=_("Id of the boundary set whose units are stores.")),
            click.Option(
                ["--sessions"],
                default=1,
                show_default=True,
                type=click.IntRange(1, 7),
                help=_("Session days a week in each commune"),
            ),
            click.Option(
                ["--follow"], is_flag=True, help=_("Next doses too, as if all were given on the day they fall due")
            ),
            click.Option(["--json", "as_json"], is_flag=True, help=_("Print JSON, without names.")),
        ],
    )
