"""Commands for the key that names and phones are sealed with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapper.commands.console import Console, command
from mapper.errors import InvalidInput, mark

if TYPE_CHECKING:
    from mapper.services.sealing import Sealed


def add(group: click.Group, console: Console) -> None:
    """``make-key``, ``encrypt``, ``rotate-key`` and ``decrypt``."""
    _ = console.say

    @command(
        group,
        "make-key",
        _("Put a new key for names and phones in front of those of a file, made where there is none."),
        click.Argument(["file"], type=click.Path(path_type=Path, dir_okay=False), required=False),
    )
    def make_key(file: Path | None) -> None:
        from mapper.services import sealing

        path = file or _file(console)
        number = sealing.make_key(path)
        click.echo(_("{file} holds {number} keys, the newest first.", file=str(path), number=number))
        click.echo(_("Keep a copy of it away from this machine and from the backups: without it every name is lost."))

    @command(group, "encrypt", _("Seal all names, phones and forms that are in the database, while the server runs."))
    def encrypt() -> None:
        from mapper.services import sealing

        _file(console)
        reference = console.opened()
        with closing(reference.database), console.bar(_("Rows"), sealing.how_many(reference)) as shown:
            done = sealing.seal(reference, shown.update)
        _tell(console, _("Sealed {rows} rows.", rows=done.rows), done)

    @command(group, "rotate-key", _("Seal everything anew with the newest key of the file, while the server runs."))
    def rotate_key() -> None:
        from mapper.services import sealing

        path = _file(console)
        reference = console.opened()
        with closing(reference.database), console.bar(_("Rows"), sealing.how_many(reference)) as shown:
            done = sealing.rotate(reference, path, shown.update)
        _tell(console, _("Sealed {rows} rows with the newest key.", rows=done.rows), done)
        click.echo(
            _("Nothing here needs the older keys any more. Keep them for as long as backups from before are kept.")
        )

    @command(
        group,
        "decrypt",
        _("Have all names and phones plain again; the server must not run."),
        click.Option(["--yes"], is_flag=True, help=_("Without asking.")),
    )
    def decrypt(yes: bool) -> None:
        from mapper.services import sealing

        _file(console)
        reference = console.opened()
        if not yes:
            click.confirm(_("Have all names and phones plain in the database?"), abort=True)
        with closing(reference.database), console.bar(_("Rows"), sealing.how_many(reference, to_open=True)) as shown:
            rows = sealing.unseal(reference, shown.update)
        click.echo(_("Opened {rows} rows.", rows=rows))
        click.echo(_("Take MAPPER_FIELD_KEY out of the settings before the server is started."))


def _file(console: Console) -> Path:
    if not console.settings.field_key:
        raise InvalidInput(
            mark("No key is set. Make one with: python server.py make-key FILE, and set MAPPER_FIELD_KEY to its file.")
        )
    return Path(console.settings.field_key).expanduser()


def _tell(console: Console, first: str, done: Sealed) -> None:
    _ = console.say
    click.echo(first)
    if not done.swept:
        click.echo(_("Somebody was using the database: older values may still lie in its file."))
        click.echo(_("Run: python server.py erase sweep"))
    for copy in done.beside:
        click.echo(_("An older copy holds names as they were; delete it: {file}", file=str(copy)))
    click.echo(_("Backups made before hold names as they were, too."))
