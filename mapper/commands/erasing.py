"""Commands that erase people."""

from __future__ import annotations

import click

from mapper.commands.console import Console, command


def commands(console: Console) -> click.Group:
    """``erase household``, ``erase person``, ``erase sweep``."""
    _ = console.say
    group = click.Group("erase", help=_("Erase people or households for good; their numbers stay in the figures."))
    campaign = click.Argument(["campaign"])
    household = click.Argument(["household"])
    shared = (
        click.Option(["--reason"], default="request", show_default=True, help=_("request, mistake or order.")),
        click.Option(["--yes"], is_flag=True, help=_("Erase without asking.")),
    )
    photos = click.Option(["--photos"], is_flag=True, help=_("With all photos of the household."))

    @command(group, "household", _("Erase a household with everybody in it."), campaign, household, *shared)
    def erase_household(campaign: str, household: str, reason: str, yes: bool) -> None:
        _erase(console, campaign, household, "", reason, yes, False)

    @command(
        group,
        "person",
        _("Erase one person of a household."),
        campaign,
        household,
        click.Argument(["person"]),
        *shared,
        photos,
    )
    def erase_person(campaign: str, household: str, person: str, reason: str, yes: bool, photos: bool) -> None:
        _erase(console, campaign, household, person, reason, yes, photos)

    @command(group, "sweep", _("Take away what deleted rows left in the files of the database."))
    def sweep() -> None:
        from mapper.services import erasing

        erasing.sweep(console.opened())
        click.echo(_("Nothing that was erased is left in the files."))

    return group


def _erase(console: Console, campaign: str, household: str, person: str, reason: str, yes: bool, photos: bool) -> None:
    from mapper.services import erasing

    _ = console.say
    reference = console.opened()
    wish = erasing.Wish(campaign, household, person, reason, photos)
    looked = erasing.preview(reference, None, wish)
    click.echo(_("To be erased: {people}", people=", ".join(looked.people) or "–"))
    for name, number in looked.numbers.items():
        click.echo(f"  {number:>7}  {_(erasing.WORDS[name])}")
    click.echo(_("This cannot be taken back; only backups still hold them, until they are deleted."))
    if not yes:
        click.confirm(_("Erase?"), abort=True)
    done = erasing.erase(reference, None, wish)
    erasing.sweep(reference)
    click.echo(_("Erased. Number of the erasure: {number}", number=done.number))
