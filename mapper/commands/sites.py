"""Commands of the places where people can be vaccinated."""

from __future__ import annotations

from pathlib import Path

import click

from mapper.commands.console import Console, command


def commands(console: Console) -> click.Group:
    """``sites import``."""
    _ = console.say
    group = click.Group("sites", help=_("Places where people can be vaccinated."))

    @command(
        group,
        "import",
        _("Take in sites from a CSV, workbook, GeoJSON or KML, each in place of the one of its code."),
        click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    )
    def import_sites(file: Path) -> None:
        from mapper.services import sites

        taken = sites.take_file(console.opened(), None, file.name, file.read_bytes())
        click.echo(
            _(
                "{new} sites are new, {changed} changed, {same} as before.",
                new=taken.new,
                changed=taken.changed,
                same=taken.same,
            )
        )

    return group
