"""Commands that send figures to a DHIS2 server."""

from __future__ import annotations

from datetime import datetime

import click

from mapper.commands.console import Console, as_day, command
from mapper.services import accounts, intake


def commands(console: Console) -> click.Group:
    """``dhis2 send``."""
    _ = console.say
    group = click.Group("dhis2", help=_("Figures for a DHIS2 server."))

    @command(
        group,
        "send",
        _("Send the figures of all units of a level to the DHIS2 server of the settings, and say what it took."),
        click.Option(["--campaign"], required=True, help=_("Id of the campaign.")),
        click.Option(["--level"], required=True, help=_("Level of the units: hamlet, commune, district or province.")),
        click.Option(["--set", "set_id"], default=console.settings.boundary_set, help=_("Id of the boundary set.")),
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

        reference = console.opened()
        server = dhis2_delivery.Dhis2Server(console.settings.dhis2_url, console.settings.dhis2_token)
        period = period or exchange.usual_period(reference, campaign)
        wanted = exchange.wanted_of(campaign, set_id, level, period, as_day(day) or intake.today(), intake.today())
        sending = exchange.sending(reference, accounts.OPERATOR, wanted)
        for one in sending.left_out:
            why = _(exchange.WHY[one.why])
            click.echo(f"{one.code or '-'} {one.name}: {why} ({one.people})", err=True)
        if not skip_unmapped:
            exchange.check_mapped(sending)
        with console.bar(_("Sending"), len(sending.values)) as shown:
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

    return group
