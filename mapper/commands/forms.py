"""Commands of forms and campaigns."""

from __future__ import annotations

from pathlib import Path

import click

from mapper.commands.console import Console, command
from mapper.services import audit


def commands(console: Console) -> click.Group:
    """``forms publish``."""
    _ = console.say
    group = click.Group("forms", help=_("Forms and campaigns."))

    @command(
        group,
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
        made = publish.publish(console.opened(), folder, told, confirmed, (None, audit.COMMAND_LINE))
        words = {"new": _("published"), "same": _("already published"), "media": _("new media")}
        for form in made.forms:
            click.echo(f"{form.form_id} {form.version}: {words[form.change]}")
            for warning in form.warnings:
                click.echo(f"  {warning}", err=True)
        if made.counted:
            click.echo(_("{number} submissions that had waited for these forms count now.", number=made.counted))

    return group
