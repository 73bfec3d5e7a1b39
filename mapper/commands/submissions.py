"""Commands of submissions."""

from __future__ import annotations

from pathlib import Path

import click

from mapper.commands.console import Console, command
from mapper.language import explain


def commands(console: Console) -> click.Group:
    """``submissions import``."""
    _ = console.say
    group = click.Group("submissions", help=_("Submissions."))

    @command(
        group,
        "import",
        _("Take in instance XML with attachments from a folder or a zip, as copied from a phone."),
        click.Argument(["path"], type=click.Path(path_type=Path)),
    )
    def import_submissions(path: Path) -> None:
        from mapper.services import importing

        found = importing.find(path)
        counts = {"taken": 0, "known": 0, "refused": 0}
        words = {"taken": _("taken"), "known": _("already had"), "refused": _("refused")}
        reference = console.opened()
        with console.bar(_("Submissions"), len(found)) as shown:
            results = []
            for one in importing.take(reference, found):
                results.append(one)
                shown.update(1)
        for result in results:
            counts[result.outcome] += 1
            reason = f" - {explain(result.problem, console.settings.language)}" if result.problem else ""
            click.echo(f"{result.name}: {words[result.outcome]}{reason}")
        click.echo(", ".join(f"{words[key]}: {number}" for key, number in counts.items()))
        if counts["refused"]:
            raise SystemExit(1)

    return group
