"""Commands that say how long a campaign's people are kept, and end it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import click

from mapper.commands.console import Console, as_day, command
from mapper.errors import InvalidInput, mark


def _numbers(console: Console, numbers: Mapping[str, int]) -> str:
    from mapper.services.retention import WORDS

    return ", ".join(f"{console.say(WORDS[name])}: {number}" for name, number in numbers.items() if number)


def commands(console: Console) -> click.Group:
    """``retention show``, ``retention set``, ``retention run``."""
    _ = console.say
    group = click.Group("retention", help=_("How long people and photos of a campaign are kept."))

    @command(group, "show", _("What is kept of each campaign, how long, and what is due to go."))
    def show() -> None:
        from mapper.services import intake, retention

        for one in retention.standings(console.opened()):
            due = ", ".join(one.due(intake.today())) or "-"
            numbers = _numbers(console, one.numbers)
            policy = one.policy
            told = _("for ever") if policy is None else f"{policy.end:%d/%m/%Y} +{policy.photos} +{policy.people}"
            click.echo(f"{one.campaign_id}: {told}; {numbers}; {_('due to go')}: {due}")

    @command(
        group,
        "set",
        _("Say how many days after its end a campaign's photos and people go; without days they stay for ever."),
        click.Argument(["campaign"]),
        click.Option(["--end"], type=click.DateTime(["%Y-%m-%d"]), help=_("Last day of the campaign.")),
        click.Option(["--photos"], type=int, help=_("Days after it that photos and files are kept.")),
        click.Option(["--people"], type=int, help=_("Days after it that people are kept; their numbers stay.")),
    )
    def set_policy(campaign: str, end: datetime | None, photos: int | None, people: int | None) -> None:
        from mapper.services import retention

        last = as_day(end)
        if last is None and (photos is not None or people is not None):
            raise InvalidInput(mark("Say on which day the campaign ends: --end 2022-12-31."))
        keeps_all = last is None or (photos is None and people is None)
        policy = None if keeps_all or last is None else retention.Policy(last, photos, people)
        retention.set_policy(console.opened(), None, campaign, policy)
        click.echo(_("Kept."))

    @command(
        group,
        "run",
        _("Take out what is due, after telling how much that is."),
        click.Option(["--yes"], is_flag=True, help=_("Without asking.")),
    )
    def run(yes: bool) -> None:
        from mapper.services import erasing, intake, retention

        reference, day = console.opened(), intake.today()
        for one in retention.standings(reference):
            for part in one.due(day):
                numbers = _numbers(console, one.numbers)
                told = {"campaign": one.campaign_id, "part": part, "numbers": numbers}
                click.echo(_("{campaign}: {part} are due to go ({numbers}).", **told))
                if yes or click.confirm(_("Erase?")):
                    retention.carry_out(reference, None, one.campaign_id, part, day)
                    erasing.sweep(reference)
                    click.echo(_("Done."))

    return group
