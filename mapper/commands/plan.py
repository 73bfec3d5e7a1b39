"""Commands of plans: asked for and made here, looked at, repeated, stopped."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapper.commands.console import Console, command
from mapper.domain.plan import Aim
from mapper.language import written_day, written_facts

if TYPE_CHECKING:
    from mapper.domain.plan import PlanQuestion
    from mapper.services.reference import Reference

_DAY = click.DateTime(["%Y-%m-%d"])
_LOOKS_S = 0.2


def commands(console: Console) -> click.Group:
    """``plan make``, ``tomorrow``, ``what-if``, ``list``, ``show``, ``repeat``, ``stop``, ``use``, ``progress``."""
    _ = console.say
    group = click.Group("plan", help=_("Plans of sites, teams and vials."))
    number = click.Argument(["number"], type=click.IntRange(min=1))
    as_json = click.Option(["--json", "as_json"], is_flag=True, help=_("Print JSON, without names."))
    _add_make(console, group, as_json)
    _add_looks(console, group, number, as_json)

    @command(
        group,
        "tomorrow",
        _("Make a plan for its days still to come, from today's register, and keep what is announced."),
        number,
        click.Option(
            ["--keep-days"],
            type=click.IntRange(min=0),
            help=_("On how many of the next days sessions stand; all of them where left out."),
        ),
        as_json,
    )
    def tomorrow(number: int, keep_days: int | None, as_json: bool) -> None:
        from mapper.services.accounts import OPERATOR
        from mapper.services.intake import today
        from mapper.services.plan_again import question_again

        reference = console.opened()
        question = question_again(reference, OPERATOR, number, today(), keep_days)
        _make_here(console, reference, question, None, as_json)

    @command(
        group,
        "what-if",
        _("Make a plan from the same census with one thing other; without a code, list what may be."),
        number,
        click.Argument(["code"], required=False),
        as_json,
    )
    def what_if(number: int, code: str | None, as_json: bool) -> None:
        from mapper.services import plans
        from mapper.services import what_if as service
        from mapper.services.accounts import OPERATOR
        from mapper.services.plan_figures import rules_for

        reference = console.opened()
        line = plans.line(reference, OPERATOR, number)
        question, used = line.question, line.sites_used
        rules = rules_for(reference, question.campaign_id)
        if code is not None:
            _make_here(console, reference, service.varied(question, rules, code, used).question, number, as_json)
            return
        for one in service.variants(question, rules, used):
            click.echo(f"{one.code}  {_(one.told.words, **one.told.facts)}")

    @command(
        group, "repeat", _("Make a plan a second time from the same census, and say whether it is the same."), number
    )
    def repeat(number: int) -> None:
        from mapper.services import plan_again
        from mapper.services.accounts import OPERATOR
        from mapper.services.audit import VIETNAM

        reference = console.opened()
        made_from = plan_again.origin(reference, OPERATOR, number)
        moment = datetime.fromisoformat(made_from.moment).astimezone(VIETNAM)
        told = f"{moment:%H:%M} {written_day(moment.date(), console.settings.language)}"
        census = {"moment": told, "people": made_from.people, "houses": made_from.houses}
        click.echo(_("Census of {moment}: {people} people due in {houses} houses.", **census))
        rules = _("the same as now") if made_from.rules == made_from.rules_now else _("another one than now")
        click.echo(_("planning.toml: {rules}. Seed {seed}.", rules=rules, seed=made_from.question.seed))
        found = plan_again.repeat(reference, OPERATOR, number)
        if found.same:
            click.echo(_("The same plan came out: {digest}.", digest=found.again[:12]))
            return
        click.echo(
            _("Another plan came out: {again} and not {before}.", again=found.again[:12], before=found.before[:12])
        )
        for why in found.why:
            click.echo("- " + _(why.words, **why.facts))
        raise SystemExit(1)

    @command(group, "stop", _("Stop a plan, whichever process makes it; the best so far is kept."), number)
    def stop(number: int) -> None:
        from mapper.services import plans
        from mapper.services.accounts import OPERATOR

        plans.stop(console.opened(), OPERATOR, number)

    @command(group, "use", _("Have a plan carried out, in place of those whose areas meet its own."), number)
    def use(number: int) -> None:
        from mapper.services import plans
        from mapper.services.accounts import OPERATOR

        plans.use(console.opened(), OPERATOR, number)

    return group


def _add_make(console: Console, group: click.Group, as_json: click.Parameter) -> None:
    _ = console.say

    @command(
        group,
        "make",
        _(
            "Choose sites for everybody due, send teams, and say who goes where and who cannot. Ctrl-C takes the "
            "best so far."
        ),
        click.Option(
            ["--question", "file"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=_("JSON file of the question, as programs ask it; other options come before what it says."),
        ),
        click.Option(["--campaign", "campaign_id"], help=_("Id of the campaign.")),
        click.Option(["--first"], type=_DAY, help=_("First day of the plan.")),
        click.Option(["--last"], type=_DAY, help=_("Last day of the plan.")),
        click.Option(["--name"], help=_("What the plan is called.")),
        click.Option(["--set", "set_id"], help=_("Id of the boundary set.")),
        click.Option(["--area"], help=_("Unit that the plan is for, as LEVEL:CODE.")),
        click.Option(
            ["--aim"], type=click.Choice([one.value for one in Aim]), help=_("What the plan is to be best at.")
        ),
        click.Option(
            ["--sites"],
            type=click.IntRange(min=1),
            help=_("Sites at most, the fixed ones among them; else as many as the teams' days hold."),
        ),
        click.Option(["--entered"], is_flag=True, help=_("Only sites that were entered, no proposed ones.")),
        click.Option(["--doses"], type=click.IntRange(min=0), help=_("Doses that there are in all.")),
        click.Option(["--rolling"], is_flag=True, help=_("Commune after commune.")),
        click.Option(["--scenario"], help=_("Code of a scenario of planning.toml.")),
        click.Option(
            ["--team", "teams"],
            multiple=True,
            help=_("A mobile team as NAME,LAT,LON or NAME,LAT,LON,DOSES (a day); may be given again."),
        ),
        click.Option(
            ["--seconds"],
            type=click.FloatRange(min=0.1),
            help=_("Seconds after which the best plan so far is taken."),
        ),
        click.Option(["--seed"], type=int, help=_("Number that chance is drawn from.")),
        click.Option(
            ["--like"], type=click.IntRange(min=1), help=_("Number of a plan from whose census this one is made.")
        ),
        as_json,
    )
    def make(
        file: Path | None,
        first: datetime | None,
        last: datetime | None,
        entered: bool,
        rolling: bool,
        teams: tuple[str, ...],
        like: int | None,
        as_json: bool,
        **others: Any,
    ) -> None:
        from mapper.formats.plan_file import asked_question, question_fields
        from mapper.services import plans
        from mapper.services.accounts import OPERATOR
        from mapper.services.team_plan import read_team

        reference = console.opened()
        told = {name: value for name, value in others.items() if value is not None}
        told |= {name: day.date().isoformat() for name, day in (("first", first), ("last", last)) if day is not None}
        told |= {"proposed": False} if entered else {}
        told |= {"rolling": True} if rolling else {}
        told |= {"teams": [asdict(read_team(one)) for one in teams]} if teams else {}
        usual = question_fields(plans.line(reference, OPERATOR, like).question) if like is not None else {}
        if file is not None:
            usual = question_fields(asked_question(file.read_bytes(), usual))
        question = asked_question(json.dumps(told).encode(), usual)
        _make_here(console, reference, question, like, as_json)


def _add_looks(console: Console, group: click.Group, number: click.Parameter, as_json: click.Parameter) -> None:
    _ = console.say

    @command(
        group,
        "list",
        _("The newest plans."),
        click.Option(["--campaign"], help=_("Id of the campaign.")),
        as_json,
    )
    def listed(campaign: str | None, as_json: bool) -> None:
        from mapper.commands.plan_lines import state_of
        from mapper.services import plans
        from mapper.services.accounts import OPERATOR
        from mapper.services.plan_facts import line_facts

        lines = plans.lines(console.opened(), OPERATOR, campaign)
        if as_json:
            click.echo(json.dumps([line_facts(one, _) for one in lines], ensure_ascii=False))
            return
        for one in lines:
            used = f" [{_('in use')}]" if one.row.in_use else ""
            days = f"{one.question.first} – {one.question.last}"
            click.echo(f"{one.row.id}  {one.row.campaign_id}  {days}  {one.row.name}  {state_of(console, one)}{used}")

    @command(group, "show", _("A plan: sites, teams, vials, and who has no place and why."), number, as_json)
    def show(number: int, as_json: bool) -> None:
        _show(console, console.opened(), number, as_json)

    @command(group, "progress", _("A plan against what came in until today."), number, as_json)
    def progress(number: int, as_json: bool) -> None:
        from mapper.services.accounts import OPERATOR
        from mapper.services.intake import today
        from mapper.services.plan_facts import progress_facts
        from mapper.services.plan_figures import rules_for
        from mapper.services.plan_progress import FATES
        from mapper.services.plan_progress import progress as progress_of

        reference = console.opened()
        found = progress_of(reference, OPERATOR, number, today())
        if as_json:
            click.echo(json.dumps(progress_facts(found), ensure_ascii=False))
            return
        told = {"asked": found.total.asked, "vaccinated": found.total.vaccinated, "left": found.total.left}
        click.echo(_("{asked} people are asked to come: {vaccinated} are vaccinated, {left} still due.", **told))
        for fate, people in found.total.fates.most_common():
            click.echo(f"- {_(FATES[fate])}: {people}")
        for day in found.days:
            on = written_day(day.day, console.settings.language)
            counts = {"planned": day.planned, "vaccinated": day.vaccinated}
            click.echo(_("{day}: {planned} asked, {vaccinated} vaccinated", day=on, **counts))
        rules = rules_for(reference, found.line.row.campaign_id)
        labels = {one.code: one.label[console.settings.language] for one in rules.formulations}
        for dose in found.doses:
            counts = asdict(dose) | {"formulation": labels.get(dose.formulation, dose.formulation or "–")}
            click.echo(_("{formulation}: {given} of {due} doses given, {vials} vials planned", **counts))


def _make_here(
    console: Console, reference: Reference, question: PlanQuestion, given_of: int | None, as_json: bool
) -> None:
    """Ask for a plan and make it in this process; Ctrl-C stops it, and the best so far is shown."""
    from mapper.services import plan_work, plans
    from mapper.services.accounts import OPERATOR

    _ = console.say
    number = plans.ask(reference, OPERATOR, question, given_of)
    over = threading.Event()  # a thread whose join is interrupted counts as ended
    with console.bar(_("Plan {number}", number=number), 100) as bar:

        def work() -> None:
            try:
                plan_work.work_out(reference, number, lambda share: bar.update(max(0, round(100 * share) - bar.pos)))
            finally:
                over.set()

        threading.Thread(target=work, name="plan", daemon=True).start()
        while not over.is_set():
            try:
                over.wait(_LOOKS_S)
            except KeyboardInterrupt:
                plans.stop(reference, OPERATOR, number)
                click.echo("\n" + _("Stopping; the best plan so far is taken."), err=True)
    _show(console, reference, number, as_json)


def _show(console: Console, reference: Reference, number: int, as_json: bool) -> None:
    from mapper.commands.plan_lines import lines_of, state_of
    from mapper.formats.plan_file import made_json
    from mapper.services import plans
    from mapper.services.accounts import OPERATOR
    from mapper.services.plan_facts import line_facts
    from mapper.services.plan_figures import rules_for

    found = plans.plan(reference, OPERATOR, number)
    if as_json:
        made = json.loads(made_json(found.made)) if found.made is not None else None
        click.echo(json.dumps({**line_facts(found.line, console.say), "made": made}, ensure_ascii=False))
    else:
        click.echo(f"{console.say('Plan {number}', number=number)}: {state_of(console, found.line)}")
        if found.made is not None:
            for line in lines_of(
                console, found.made, rules_for(reference, found.line.row.campaign_id), found.line.question
            ):
                click.echo(line)
    if found.line.trouble is not None:
        facts = written_facts(found.line.trouble.facts, console.settings.language)
        click.echo(console.say(found.line.trouble.words, **facts), err=True)
        raise SystemExit(1)
