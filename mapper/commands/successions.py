"""Commands of what became of the units of one boundary set in the next."""

from __future__ import annotations

from pathlib import Path

import click

from mapper.commands.console import Console, command
from mapper.domain.people import Finding
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services.accounts import OPERATOR
from mapper.services.succession_report import CHANGES, ON_TRIAL, SAYS, STATES, TOLD_BY

TOLD_AT_ONCE = 50
"""Findings of one kind, or pairs of which tellings disagree, that are printed; ``--all`` prints every one."""


def add(group: click.Group, console: Console) -> None:
    """``boundaries crosswalk`` and ``boundaries succession``."""
    _ = console.say

    @command(
        group,
        "crosswalk",
        _("Tell what became of a set's units in the next: from a table, the outlines or the package of units."),
        click.Argument(["file"], type=click.Path(path_type=Path), required=False),
        click.Option(["--old", "old_set"], required=True, help=_("Id of the old set.")),
        click.Option(["--new", "new_set"], required=True, help=_("Id of the new set.")),
        click.Option(["--decree", "source"], default="", help=_("Decree, for rows that name none.")),
        click.Option(
            ["--only-known"],
            is_flag=True,
            help=_("Pass over units that the sets do not have, as of a file of the whole country."),
        ),
        click.Option(["--measure"], is_flag=True, help=_("Measure on the outlines of both sets.")),
        click.Option(
            ["--least"],
            type=click.FloatRange(0, 25, min_open=True),
            default=0.5,
            show_default=True,
            help=_("Per cent of an old unit from which measured common ground counts."),
        ),
        click.Option(["--package"], is_flag=True, help=_("Take what the package vietnamadminunits tells of 2025.")),
        click.Option(["--remove"], is_flag=True, help=_("Take out what is told between the two sets.")),
        click.Option(["--all", "everything"], is_flag=True, help=_("Print every finding.")),
    )
    def crosswalk(
        file: Path | None,
        old_set: str,
        new_set: str,
        source: str,
        only_known: bool,
        measure: bool,
        least: float,
        package: bool,
        remove: bool,
        everything: bool,
    ) -> None:
        from mapper.services import successions

        if (file is not None) + measure + package + remove != 1:
            raise InvalidInput(mark("Name a crosswalk file, or one of --measure, --package and --remove."))
        if file is not None and not file.is_file():
            raise NotFound(mark("There is no file {file}."), file=str(file))
        reference = console.opened()
        sets = old_set, new_set
        if remove:
            successions.remove(reference, OPERATOR, *sets)
            click.echo(_("What was told between {old} and {new} is taken out.", old=old_set, new=new_set))
            return
        if measure:
            done = successions.measure(reference, OPERATOR, *sets, source, least / 100)
        elif package:
            done = successions.take_package(reference, OPERATOR, *sets)
        else:
            assert file is not None
            content = file.read_bytes()
            done = successions.take_crosswalk(reference, OPERATOR, file.name, content, *sets, source, only_known)
        if done.faults:
            for fault in done.faults if everything else done.faults[:TOLD_AT_ONCE]:
                click.echo(_("Row {row}:", row=fault.row) + " " + _(fault.message, **fault.facts), err=True)
            raise InvalidInput(
                mark(
                    "Nothing is entered: {number} rows are wrong. If the file also tells of units that these sets do "
                    "not have, add --only-known."
                ),
                number=len(done.faults),
            )
        tell(done.report.findings, everything)
        click.echo(_("{number} pairs are kept.", number=done.pairs))
        compare(*sets, everything)

    @command(
        group,
        "succession",
        _("Show what became of units: all steps from set to set, or one with every change."),
        click.Option(["--old", "old_set"], default="", help=_("Id of the old set.")),
        click.Option(["--new", "new_set"], default="", help=_("Id of the new set.")),
        click.Option(["--all", "everything"], is_flag=True, help=_("Print every finding.")),
    )
    def succession(old_set: str, new_set: str, everything: bool) -> None:
        from mapper.services import succession_view as view

        if bool(old_set) != bool(new_set):
            raise InvalidInput(mark("Name both sets, --old and --new, or none."))
        reference = console.opened()
        if not old_set:
            found = view.overview(reference)
            for one in found.sets:
                days = " – ".join(
                    f"{day:%d/%m/%Y}" if day else "…" for day in (one.about.valid_from, one.about.valid_to)
                )
                units = ", ".join(f"{level}: {number}" for level, number in one.units)
                words = [STATES[one.about.state]] if one.about.state in STATES else []
                state = "".join(f"  ({_(word)})" for word in (*words, *([ON_TRIAL] if one.about.trial else [])))
                click.echo(f"{one.about.id}  {one.about.label}  {days}  {units}{state}")
                for finding in one.beside:
                    click.echo("  - " + _(finding.message, **dict(finding.facts)))
            for step in found.steps:
                changes = ", ".join(f"{_(CHANGES[change])}: {number}" for change, number in step.changes.items())
                click.echo(f"{step.about.old_set} → {step.about.new_set}  {changes}")
            return
        shown = view.look(reference, old_set, new_set)
        tell(shown.findings, everything)
        for fate in shown.fates:
            heirs = "; ".join(
                f"{place.code} {place.name}"
                + ("" if heir.whole else f" ({_('part')})" if heir.share is None else f" ({100 * heir.share:.1f} %)")
                for heir, place in fate.heirs
            )
            click.echo(f"{fate.old.code}  {fate.old.name}  {_(CHANGES[fate.change])}  {heirs}")
        for fate in shown.reused:
            assert fate.code_now is not None
            click.echo(
                _(
                    "The code {code} was {old} and is {new} now, another place.",
                    code=fate.old.code,
                    old=fate.old.name,
                    new=fate.code_now.name,
                )
            )
        for change, number in shown.changes.items():
            click.echo(f"{_(CHANGES[change])}: {number}")
        compare(old_set, new_set, everything)

    def tell(findings: tuple[Finding, ...], everything: bool) -> None:
        told: dict[str, int] = {}
        for finding in findings:
            told[finding.code] = told.get(finding.code, 0) + 1
            if everything or told[finding.code] <= TOLD_AT_ONCE:
                click.echo("- " + _(finding.message, **dict(finding.facts)))
        more = sum(max(0, number - TOLD_AT_ONCE) for number in told.values())
        if more and not everything:
            click.echo(_("and {number} more; --all prints them.", number=more))

    def compare(old_set: str, new_set: str, everything: bool) -> None:
        from mapper.services import succession_view as view

        shown = view.look(console.opened(), old_set, new_set)
        if shown.report is None:
            return
        by = ", ".join(_(TOLD_BY[one]) for one in shown.report.compared)
        click.echo(_("Compared: {by}. Pairs on which they disagree: {number}.", by=by, number=len(shown.doubts)))
        for one in shown.doubts if everything else shown.doubts[:TOLD_AT_ONCE]:
            says = ", ".join(f"{_(TOLD_BY[name])}: {_(SAYS[said])}" for name, said in one.pair.says.items())
            share = "" if one.pair.share is None else f"  {100 * one.pair.share:.2f} %"
            heir = one.new.name or _("not in this set")
            click.echo(f"  {one.old.code} {one.old.name} → {one.new.code} {heir}  {says}{share}")
        if len(shown.doubts) > TOLD_AT_ONCE and not everything:
            click.echo(_("and {number} more; --all prints them.", number=len(shown.doubts) - TOLD_AT_ONCE))
