"""Commands of how far a boundary set is: going on with placing households in it, and withdrawing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from mapper.commands.console import Console, as_day, command

STEPS = 1000
"""Of the bar that shows how much is placed."""


def add(group: click.Group, console: Console) -> None:
    """``boundaries place``, ``boundaries withdraw`` and ``boundaries days``."""
    _ = console.say

    @command(
        group,
        "place",
        _("Go on placing households in a set, where its import was cut off; a withdrawn set is shown again."),
        click.Argument(["set_id"], metavar="SET"),
    )
    def place(set_id: str) -> None:
        from mapper.services import set_periods, set_placing

        reference = console.opened()
        set_periods.check_shown_again(reference, set_id)
        with placing(console) as share:
            number = set_placing.go_on(reference, set_id, share)
        click.echo(_("Boundary set {id} is shown, with {number} households placed in it.", id=set_id, number=number))

    @command(
        group,
        "withdraw",
        _("Let readers no longer see a set; nothing is deleted, and `boundaries place` shows it again."),
        click.Argument(["set_id"], metavar="SET"),
        click.Option(["--anyway"], is_flag=True, help=_("Though plans, settings or users still use it.")),
    )
    def withdraw(set_id: str, anyway: bool) -> None:
        from mapper.services import withdrawing

        reference, chosen = console.opened(), console.settings.boundary_set
        for finding in withdrawing.uses(reference, set_id, chosen):
            click.echo("- " + _(finding.message, **dict(finding.facts)))
        withdrawing.withdraw(reference, set_id, chosen, anyway=anyway)
        click.echo(_("Boundary set {id} is withdrawn.", id=set_id))

    @command(
        group,
        "days",
        _("Change on which days a set is in force; without an option there is no end on that side."),
        click.Argument(["set_id"], metavar="SET"),
        click.Option(["--valid-from"], type=click.DateTime(["%Y-%m-%d"]), help=_("First day the set is in force.")),
        click.Option(["--valid-to"], type=click.DateTime(["%Y-%m-%d"]), help=_("Last day the set is in force.")),
        click.Option(["--beside"], is_flag=True, help=_("On trial: in force on no day, only to be looked at.")),
    )
    def days(set_id: str, valid_from: datetime | None, valid_to: datetime | None, beside: bool) -> None:
        from mapper.services import set_periods
        from mapper.services.accounts import OPERATOR

        first, last = as_day(valid_from), as_day(valid_to)
        set_periods.change(console.opened(), OPERATOR, set_id, first, last, beside)
        begin, end = (f"{day:%d/%m/%Y}" if day else "…" for day in (first, last))
        if beside:
            click.echo(_("Boundary set {id} is on trial, beside the others.", id=set_id))
        else:
            click.echo(_("Boundary set {id} is in force: {begin} – {end}.", id=set_id, begin=begin, end=end))


@contextmanager
def placing(console: Console) -> Iterator[Callable[[float], None]]:
    """A bar of how much is placed, 0..1; cut off with Ctrl-C, it is said how to go on."""
    try:
        with console.bar(console.say("Placing households"), STEPS) as shown:
            yield lambda done: shown.update(max(0, round(done * STEPS) - shown.pos))
    except KeyboardInterrupt:
        click.echo(
            "\n"
            + console.say(
                "Cut off. If the set was saved already, its households are placed in the background by the server, or "
                "by: python server.py boundaries place SET"
            ),
            err=True,
        )
        raise SystemExit(130) from None
