"""A plan in lines, as the command line prints it: sites with their days and vials, teams, who has no place and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mapper.commands.console import Console
from mapper.domain.made_plan import WHY, MadePlan, PlanSite, VialNeed
from mapper.domain.plan import PlanQuestion
from mapper.domain.planning import PlanningRules
from mapper.errors import mark
from mapper.language import written_day, written_facts
from mapper.services.plan_figures import clock
from mapper.services.plans import PlanLine, PlanState
from mapper.services.site_number import sites_told

STATES: Mapping[PlanState, str] = {
    PlanState.WAITING: mark("waiting to be worked out"),
    PlanState.RUNNING: mark("being worked out"),
    PlanState.DONE: mark("ready"),
    PlanState.STOPPED: mark("stopped, with the best found"),
    PlanState.FAILED: mark("could not be made"),
}


def state_of(console: Console, line: PlanLine) -> str:
    """How a plan stands."""
    return console.say(STATES[line.state])


def lines_of(
    console: Console, made: MadePlan, rules: PlanningRules, question: PlanQuestion | None = None
) -> Iterator[str]:
    """A plan that came out. question: that it answers, told for how many sites it uses."""
    _ = console.say
    labels = {one.code: one.label[console.settings.language] for one in rules.formulations}
    for site in made.sites:
        yield from _site(console, site, labels)
    names = {site.site.code: site.site.name for site in made.sites}
    for day in made.days:
        on, hours = written_day(day.day, console.settings.language), (clock(day.begin), clock(day.end))
        told = {"team": day.team, "begin": hours[0], "end": hours[1], "km": f"{day.way_m / 1000:.1f}"}
        yield _("{day} {team}: {begin} to {end}, {km} km, {doses} doses", day=on, doses=day.doses, **told)
        for stop in day.stops:
            if stop.site:
                told = {"begin": clock(stop.begin), "name": names.get(stop.site, stop.site)}
                yield "  " + _("{begin} {name}: {people} people", people=stop.people, **told)
        at_home = sum(stop.people for stop in day.stops if not stop.site)
        if at_home:
            yield "  " + _("at home: {people} people", people=at_home)
    for need in made.needs:
        yield _need(console, need, labels)
    for why, people in made.by_why().items():
        yield f"- {_(WHY[why])}: {people}"
    if question is not None and (used := sites_told(question, made)) is not None:
        yield _(used.words, **written_facts(used.facts, console.settings.language))
    for one in made.binds:
        yield "- " + _(one.words, **written_facts(one.facts, console.settings.language))
    yield _(
        "{people} people due: {served} at {sites} sites. Gap {gap} %, {seconds} s.",
        people=made.people,
        served=made.served,
        sites=len(made.sites),
        gap=f"{100 * made.quality.gap:.2f}",
        seconds=f"{made.quality.seconds + made.quality.routes_seconds:.1f}",
    )


def _site(console: Console, site: PlanSite, labels: Mapping[str, str]) -> Iterator[str]:
    yield console.say(
        "{name} ({code}): {people} people, {houses} houses, farthest {metres} m",
        name=site.site.name,
        code=site.site.code,
        people=site.people,
        houses=len({one.id for one in site.houses}),
        metres=round(max((one.way_m or 0.0 for one in site.houses), default=0.0)),
    )
    for session in site.sessions:
        on = written_day(session.day, console.settings.language)
        hours = f"{clock(session.begin)}–{clock(session.end)}"
        team = f" {session.team}" if session.team else ""
        yield "  " + console.say(
            "{day} {hours}{team}: {people} people", day=on, hours=hours, team=team, people=session.people
        )
    for need in site.needs:
        yield "  " + _need(console, need, labels)


def _need(console: Console, need: VialNeed, labels: Mapping[str, str]) -> str:
    return console.say(
        "{label}: {due} doses due, {vials} vials, {ready} with the buffer",
        label=labels.get(need.formulation, need.formulation),
        due=need.due,
        vials=need.vials,
        ready=need.ready,
    )
