"""Commands of boundary sets."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from mapper.commands import set_states, successions
from mapper.commands.console import Console, as_day, command
from mapper.services import intake


def commands(console: Console) -> click.Group:
    """``boundaries import`` and ``boundaries find``."""
    _ = console.say
    group = click.Group("boundaries", help=_("Boundary sets."))

    @command(
        group,
        "import",
        _("Import a GeoJSON, GeoPackage or zipped Shapefile as a new boundary set."),
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(["--id", "set_id"], default="", help=_("Id of the set; made from the label where left out.")),
        click.Option(["--label"], default="", help=_("Name shown for the set; the file's name where left out.")),
        click.Option(["--valid-from"], type=click.DateTime(["%Y-%m-%d"]), help=_("First day the set is in force.")),
        click.Option(["--valid-to"], type=click.DateTime(["%Y-%m-%d"]), help=_("Last day the set is in force.")),
        click.Option(["--source"], default="", help=_("Where the outlines come from.")),
        click.Option(["--beside"], is_flag=True, help=_("On trial: in force on no day, only to be looked at.")),
        click.Option(["--approximate"], is_flag=True, help=_("The outlines are approximate; every map says so.")),
        click.Option(["--layer"], help=_("Layer of a GeoPackage, or shapefile of an archive.")),
        click.Option(["--code-field"], help=_("Field that holds the code.")),
        click.Option(["--name-field"], help=_("Field that holds the name.")),
        click.Option(["--level"], help=_("Level of the units: commune, district, province, or another word.")),
        click.Option(["--parent-field"], help=_("Field that holds the code of the unit above.")),
        click.Option(["--parent-level"], help=_("Level of the unit above.")),
        click.Option(
            ["--upper"],
            multiple=True,
            metavar="LEVEL=CODE_FIELD[=NAME_FIELD]",
            help=_("A level above the units with its fields, of any word; one after another, the innermost first."),
        ),
        click.Option(["--crs"], help=_("Coordinate reference system of a file that declares none, e.g. EPSG:4756.")),
        click.Option(["--encoding"], help=_("Character encoding of a shapefile that declares none.")),
    )
    def import_boundaries(
        file: Path,
        set_id: str,
        label: str,
        valid_from: datetime | None,
        valid_to: datetime | None,
        source: str,
        beside: bool,
        approximate: bool,
        layer: str | None,
        code_field: str | None,
        name_field: str | None,
        level: str | None,
        parent_field: str | None,
        parent_level: str | None,
        upper: tuple[str, ...],
        crs: str | None,
        encoding: str | None,
    ) -> None:
        from mapper.geo.fields import ReadOptions, read_upper
        from mapper.services import boundaries, set_periods

        facts = boundaries.SetFacts(set_id, label, as_day(valid_from), as_day(valid_to), approximate, source, beside)
        options = ReadOptions(
            layer=layer,
            code=code_field,
            name=name_field,
            level=level,
            parent=parent_field,
            parent_level=parent_level,
            upper=tuple(read_upper(one) for one in upper),
            crs=crs,
            encoding=encoding,
        )
        reference = console.opened()
        with set_states.placing(console) as share:
            made = boundaries.import_file(reference, file, facts, options, share)
        for finding in (*made.findings, *set_periods.beside(reference, made.id)):
            click.echo("- " + _(finding.message, **dict(finding.facts)))
        units = ", ".join(f"{level}: {number}" for level, number in made.units)
        click.echo(_("Boundary set {id} imported. {units}", id=made.id, units=units))

    @command(
        group,
        "find",
        _("Find places by name or code, in any spelling, in every boundary set and list of hamlets."),
        click.Argument(["name"]),
        click.Option(["--set", "set_id"], default="", help=_("Id of the one boundary set to look in.")),
        click.Option(["--most"], type=click.IntRange(1, 50), default=20, help=_("So many places at most.")),
    )
    def find(name: str, set_id: str, most: int) -> None:
        from mapper.services import place_search
        from mapper.services.accounts import OPERATOR

        found = place_search.search(console.opened(), OPERATOR, name, intake.today(), set_id, most)
        if not found or found[0].near:
            click.echo(_("No place of this name.") + (" " + _("Is one of these meant?") if found else ""))
        for one in found:
            told = ", ".join((one.place.name, *(around for _, _, around in one.place.around)))
            click.echo(f"{one.set_id}  {one.place.level}:{one.place.code}  {told}")
            if one.today:
                heirs = ", ".join(f"{heir.name} ({heir.code})" for heir in one.today)
                click.echo("    " + _("today: {places}", places=heirs))

    set_states.add(group, console)
    successions.add(group, console)
    return group
