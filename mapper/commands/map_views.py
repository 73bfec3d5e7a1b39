"""The command that makes views for map programs."""

from __future__ import annotations

import click

from mapper.commands.console import Console, command


def add(group: click.Group, console: Console) -> None:
    """``views``."""
    _ = console.say

    @command(
        group,
        "views",
        _("Make views with geometry for QGIS, on PostgreSQL with PostGIS; they hold nothing personal."),
        click.Option(
            ["--houses"],
            is_flag=True,
            help=_("Make views of single houses too, which are personal data; without it they are taken out."),
        ),
    )
    def views(houses: bool) -> None:
        from mapper.services import map_views

        missing = map_views.make(console.opened(), houses)
        click.echo(_("The views stand in the schema tungnha_maps."))
        if houses:
            click.echo(_("Those of houses stand in the schema tungnha_houses: grant its role to few."))
        for role in missing:
            click.echo(
                _(
                    "This user may make no roles. Have an administrator run: CREATE ROLE {role}; then run this again.",
                    role=role,
                )
            )
