"""Commands of the road map by which plans reckon ways."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mapper.commands.console import Console, command


def commands(console: Console) -> click.Group:
    """``roads import`` and ``roads show``."""
    _ = console.say
    group = click.Group("roads", help=_("The road map by which plans reckon ways."))

    @command(
        group,
        "import",
        _("Make the road map from an extract of OpenStreetMap (.osm.pbf, .osm), in place of the one there is."),
        click.Argument(["file"], type=click.Path(path_type=Path)),
        click.Option(
            ["--whole"], is_flag=True, help=_("Keep the whole extract, not only the boundary sets' surroundings.")
        ),
    )
    def import_roads(file: Path, whole: bool) -> None:
        from mapper.services import road_map

        target = console.settings.road_map
        watched = sys.stderr.isatty()  # in a script's log it would say nothing

        def told(ways: int) -> None:
            if watched:
                click.echo(f"\r{_('Roads and paths')}: {ways}", err=True, nl=False)

        made = road_map.import_extract(console.opened(), file, target, whole, told)
        if watched:
            click.echo(err=True)
        _tell(console, made)

    @command(group, "show", _("Say which road map there is, and by what plans reckon ways."))
    def show_roads() -> None:
        from mapper.domain.planning import PlanningRules
        from mapper.services import roads

        source = console.opened().roads
        facts = source.map.facts()
        if facts is None:
            click.echo(
                _("There is no road map {file}. Make one with: roads import", file=str(console.settings.road_map))
            )
        else:
            _tell(console, facts)
        for message, told in roads.in_words(roads.written(source.ways(PlanningRules()))):
            click.echo(_(message, **told))

    return group


def _tell(console: Console, facts: object) -> None:
    from mapper.services.roads import RoadMapFacts, day_of

    assert isinstance(facts, RoadMapFacts)
    words = {
        "extract": facts.extract,
        "dated": day_of(facts.dated),
        "edges": facts.edges,
        "walking": round(facts.walking_km),
        "riding": round(facts.riding_km),
        "islands": facts.islands,
        "fingerprint": facts.fingerprint,
    }
    click.echo(
        console.say(
            "{extract} of {dated}: {edges} stretches of road, {walking} km on foot, {riding} km by vehicle, {islands} "
            "pieces apart from the largest. Fingerprint {fingerprint}.",
            **words,
        )
    )
