"""Commands that take the installation as a whole: back it up, put it back, move it to another database."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapper.commands.console import Console, command

if TYPE_CHECKING:
    from mapper.services.backups import Files, Restored
    from mapper.services.whole_copy import Proof

_DIGITS = 12
"""Of a digest that are shown; all are compared."""


def add(group: click.Group, console: Console) -> None:
    """``backup``, ``restore`` and ``move-database``."""
    _add_backup(group, console)
    _add_restore(group, console)
    _add_move(group, console)


def _add_backup(group: click.Group, console: Console) -> None:
    _ = console.say

    @command(
        group,
        "backup",
        _("Back everything up into one file, while phones send. It holds personal data: encrypt it."),
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(["--verify"], is_flag=True, help=_("Restore it into a temporary database and compare all of it.")),
        click.Option(["--base-map"], is_flag=True, help=_("Take the base map's file along, too.")),
        click.Option(
            ["--keep"],
            type=click.IntRange(min=1),
            help=_("Where FILE is a folder: afterwards delete all but so many of the newest backups there."),
        ),
    )
    def backup(file: Path, verify: bool, base_map: bool, keep: int | None) -> None:
        from mapper.services import backups

        reference = console.opened()
        if keep is not None and not file.is_dir():
            raise click.UsageError(
                _("--keep needs a folder that is there. Make it first: mkdir -m 700 {folder}", folder=file)
            )
        length = backups.size(reference.database) * (3 if verify else 1)
        with closing(reference.database), console.bar(_("Rows"), length) as shown:
            made = backups.back_up(reference, file, _files(console, base_map), verify=verify, progress=shown.update)
        facts = {"file": made.file, "rows": made.contents.rows, "mb": f"{made.bytes / 1e6:.1f}"}
        click.echo(_("Backed up into {file}: {rows} rows, {mb} MB.", **facts))
        if made.proof is not None:
            click.echo(_("It was restored into a temporary database, and all of it is equal."))
        click.echo(_("The file holds personal data and keys: encrypt it, and keep it on another machine."))
        if made.contents.key_outside:
            click.echo(_("MAPPER_SECRET_KEY is not in it: keep the key apart from the file."))
        if keep is not None:
            for old in backups.thin_out(file, keep):
                click.echo(_("Deleted the older backup {file}.", file=old))


def _add_restore(group: click.Group, console: Console) -> None:
    _ = console.say

    @command(
        group,
        "restore",
        _("Put a backup back into the configured database, and compare all of it."),
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(["--replace"], is_flag=True, help=_("Set aside what is in the database; else it must be empty.")),
        click.Option(["--check"], is_flag=True, help=_("Only try it in a temporary database; nothing is changed.")),
    )
    def restore(file: Path, replace: bool, check: bool) -> None:
        from mapper.services import backups

        told = backups.look(file)
        facts = {"made": told.made_at, "database": told.database, "revision": told.revision, "rows": told.rows}
        click.echo(_("Backup of {made}, from {database}, schema {revision}: {rows} rows.", **facts))
        with console.bar(_("Rows"), told.rows * 2) as shown:
            if check:
                done = backups.check(file, shown.update)
            else:
                done = backups.restore(
                    console.settings.database,
                    file,
                    _files(console, base_map=True),
                    replace=replace,
                    progress=shown.update,
                )
        _show(console, done.proof)
        if not done.complete:
            click.echo(_("Not equal: nothing was put back, and the database is as it was."), err=True)
            raise SystemExit(1)
        if check:
            click.echo(_("The backup is whole: restored into a temporary database, all of it is equal."))
            return
        _tell_restored(console, done)


def _tell_restored(console: Console, done: Restored) -> None:
    _ = console.say
    click.echo(_("The backup stands in the database, and all of it is equal."))
    if done.aside:
        click.echo(
            _("What was there before is kept in {place}; delete it when it is no longer wanted.", place=done.aside)
        )
    for place, before in done.files:
        click.echo(_("{file} was put back.", file=place) + (f" ({before})" if before else ""))
    if done.contents.key_outside and not console.settings.secret_key:
        click.echo(_("It was made with MAPPER_SECRET_KEY set: set the same key, or every phone needs a new QR code."))
    if console.settings.basemap and "basemap" not in done.contents.files:
        click.echo(_("The base map is not in the backup: put its file back from where it came."))


def _add_move(group: click.Group, console: Console) -> None:
    _ = console.say

    @command(
        group,
        "move-database",
        _("Copy everything into another, empty database, and prove that both are equal."),
        click.Option(["--to", "target"], help=_("Address: postgresql://user:password@host/name or sqlite:///FILE.")),
        click.Option(
            ["--undo"], is_flag=True, help=_("Serve the configured database again, though its data were moved.")
        ),
    )
    def move_database(target: str | None, undo: bool) -> None:
        from mapper.services import moving

        if undo == bool(target):
            raise click.UsageError(_("Give either --to or --undo."))
        if undo:
            moving.undo(console.settings.database)
            click.echo(_("This database is served again. What was entered into the other one since is not in it."))
            return
        database = console.opened().database
        assert target is not None
        with closing(database), console.bar(_("Rows"), moving.size(database) * 2) as shown:
            done = moving.move(database, target, shown.update)
        _show(console, done.proof)
        if not done.complete:
            click.echo(_("Not equal: the other database was left empty, and this one is served as before."), err=True)
            raise SystemExit(1)
        click.echo(_("Both are equal. Set MAPPER_DATABASE_URL to the new address and start the server."))
        click.echo(_("The old database is kept as it is, and no server starts on it any more (see --undo)."))


def _files(console: Console, base_map: bool) -> Files:
    from mapper.services.backups import Files

    settings = console.settings
    wanted = Path(settings.basemap).expanduser() if base_map and settings.basemap else None
    return Files(settings.road_map, wanted, bool(settings.secret_key))


def _show(console: Console, proof: Proof) -> None:
    """The figures of every table that holds anything, then what else was compared."""
    _ = console.say
    held = [one for one in proof.tables if one.source.rows or one.target.rows]
    heads = (_("table"), _("rows there"), _("rows here"), _("digest there"), _("digest here"))
    lines = [
        (
            one.name,
            str(one.source.rows),
            str(one.target.rows),
            one.source.digest[:_DIGITS],
            one.target.digest[:_DIGITS] if one.equal else one.target.digest[:_DIGITS] + " " + _("DIFFERS"),
        )
        for one in held
    ]
    widths = [max(len(row[place]) for row in (heads, *lines)) for place in range(len(heads))]
    for row in (heads, *lines):
        cells = [row[0].ljust(widths[0])]
        cells += [value.rjust(width) for value, width in zip(row[1:3], widths[1:3], strict=True)]
        cells += [value.ljust(width) for value, width in zip(row[3:], widths[3:], strict=True)]
        click.echo("  ".join(cells).rstrip())
    click.echo(_("{number} further tables are empty in both.", number=len(proof.tables) - len(held)))
    wrong = ", ".join(map(str, proof.wrong_cells))
    if proof.wrong_cells:
        click.echo(
            _(
                "{number} cells were recounted from their households; these have other tallies: {wrong}. Run rebuild "
                "where the data come from, then try again.",
                number=proof.cells,
                wrong=wrong,
            )
        )
    else:
        click.echo(_("{number} cells were recounted from their households: the tallies agree.", number=proof.cells))
    if proof.broken:
        click.echo(_("Rows refer to others that are not there in: {tables}", tables=", ".join(proof.broken)))
