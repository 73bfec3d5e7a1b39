"""The sections of a report: tables of its figures, and what is to be done; each number says whom it counts."""

from __future__ import annotations

from collections.abc import Mapping

from mapper.domain.coverage import Verdict
from mapper.domain.epidemic import LEVELS
from mapper.domain.ledger import INSIDE, State
from mapper.errors import mark
from mapper.formats.paper import Cell, Column, Section, Table
from mapper.services.daily_report import DailyReport, HamletFigures, SeriesFigures
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET
from mapper.services.report_writing import Writing, whole_day

RANKED = 8
"""Hamlets in the table of the lowest, and in each list of where to send a team."""

VERDICTS: Mapping[Verdict, str] = {
    Verdict.MET: mark("Met"),
    Verdict.NOT_MET: mark("Not met"),
    Verdict.UNDECIDED: mark("Undecided"),
}
REASONS = (
    (State.DUE, mark("Due, not yet vaccinated")),
    (State.WAITING, mark("Interval not over or earlier dose missing")),
    (State.DEFERRED, mark("Deferred")),
    (State.CONTRAINDICATED, mark("Contraindicated")),
    (State.REFUSED, mark("Refused")),
    (State.AWAY, mark("Away or moved out")),
    (State.UNKNOWN, mark("Not known")),
)
_WIDE = 5.4


def sections(words: Writing, report: DailyReport) -> tuple[Section, ...]:
    """All that have something to say, in the order of the paper."""
    made = (_review, _groups, _results, _reasons, _lowest, _levels, _facts)
    return tuple(section for make in made if (section := make(words, report)) is not None)


def _review(words: Writing, report: DailyReport) -> Section:
    houses = report.houses
    say = words.say
    columns = (
        (mark("Houses expected"), houses.expected, ("houses", "expected")),
        (mark("Houses visited"), houses.visited, ("houses", "visited")),
        (mark("Interviewed"), houses.interviewed, ("houses", "interviewed")),
        (mark("Absent or locked"), houses.closed, ("houses", "closed")),
        (mark("Interview refused"), houses.refused, ("houses", "refused")),
        (mark("Nobody lives there"), houses.vacant, ("houses", "vacant")),
        (mark("Not yet visited"), houses.unvisited, ("houses", "never")),
        (mark("Visited on this day"), houses.on_the_day, None),
        (mark("People registered"), houses.people, ("state", "")),
    )
    cells = [words.number(number, *([counted] if counted else [])) for _, number, counted in columns]
    return Section(
        say(mark("Results of the census")),
        table=Table(
            say(mark("Results of the census")),
            (Column(say(mark("Area")), 1.4), *(Column(say(title), numbers=True) for title, _, _ in columns)),
            ((Cell(report.name or say(mark("the whole area"))), *cells),),
        ),
    )


def _groups(words: Writing, report: DailyReport) -> Section:
    say = words.say
    rows = []
    seen = set()
    for one in report.series:
        if one.group.code in seen:
            continue
        seen.add(one.group.code)
        rows.append(
            (
                Cell(one.group.label[words.language]),
                words.number(sum(one.figures.counts), *_of_series(one, "group")),
                words.number(one.figures.shown("eligible"), *_of_series(one, "eligible")),
                _in_state(words, one, State.CONTRAINDICATED),
                _in_state(words, one, State.AWAY),
                _in_state(words, one, State.UNKNOWN),
            )
        )
    titles = (mark("In the group"), mark("Eligible"), mark("Contraindicated"), mark("Away or moved out"))
    return Section(
        say(mark("People by group (first dose of the group)")),
        table=Table(
            say(mark("People by group")),
            (
                Column(say(mark("Group")), 3),
                *(Column(say(title), 1.2, numbers=True) for title in (*titles, mark("Not known"))),
            ),
            tuple(rows),
        ),
    )


def _of_series(one: SeriesFigures, state: str) -> tuple[tuple[str, str], ...]:
    return ("group", one.group.code), ("dose", one.dose.code), ("state", state)


def _in_state(words: Writing, one: SeriesFigures, state: State) -> Cell:
    return words.number(one.figures.shown(state.value), *_of_series(one, state.value))


def _of_hamlet(one: HamletFigures, what: str, which: str) -> tuple[tuple[str, str], ...]:
    """Empty where no hamlet was told."""
    figures = one.figures
    if not figures.code:
        return ()
    return ("area", f"{HAMLET}:{figures.code}"), ("within", figures.parent or "-"), (what, which)


def _concerned(report: DailyReport) -> list[SeriesFigures]:
    """Groups and doses that concern anybody here; an additional dose of one vaccine often concerns nobody."""
    return [one for one in report.series if any(one.figures.counts)]


def _label(words: Writing, report: DailyReport, one: SeriesFigures) -> str:
    return f"{one.group.label[words.language]}: {report.campaign.doses[one.dose.code][words.language]}"


def _results(words: Writing, report: DailyReport) -> Section:
    say = words.say
    titles = (
        mark("Vaccinated"),
        mark("Eligible"),
        mark("Coverage"),
        mark("Target"),
        mark("Verdict"),
        mark("Still needed"),
        mark("Since the day before"),
        mark("In 7 days"),
    )
    rows = tuple(
        (
            Cell(_label(words, report, one)),
            _in_state(words, one, State.VACCINATED),
            words.number(one.figures.shown("eligible"), *_of_series(one, "eligible")),
            words.share(one.figures.coverage),
            words.share(None if one.dose.target is None else float(one.dose.target)),
            Cell(_verdict(words, one.figures)),
            words.number(one.figures.needed),
            words.change(one.change(0)),
            words.change(one.change(1)),
        )
        for one in _concerned(report)
    )
    return Section(
        say(mark("Vaccination by group and dose")),
        table=Table(
            say(mark("Vaccination by group and dose")),
            (Column(say(mark("Group and dose")), _WIDE), *(Column(say(title), 1.5, numbers=True) for title in titles)),
            rows,
        ),
    )


def _verdict(words: Writing, figures: UnitFigures) -> str:
    verdict = figures.assessment.verdict
    return "–" if verdict is None else words.say(VERDICTS[verdict])


def _reasons(words: Writing, report: DailyReport) -> Section:
    say = words.say
    return Section(
        say(mark("Not vaccinated, by reason")),
        table=Table(
            say(mark("Not vaccinated, by reason")),
            (
                Column(say(mark("Group and dose")), _WIDE),
                *(Column(say(title), 1.7, numbers=True) for _, title in REASONS),
            ),
            tuple(
                (
                    Cell(_label(words, report, one)),
                    *(_in_state(words, one, state) for state, _ in REASONS),
                )
                for one in _concerned(report)
            ),
        ),
    )


def _hamlet_name(words: Writing, report: DailyReport, one: HamletFigures) -> str:
    name = one.figures.name or words.say(mark("Hamlet not told"))
    several = len({each.unit for each in report.hamlets}) > 1
    return f"{name} ({one.unit})" if several and one.unit else name


def _lowest(words: Writing, report: DailyReport) -> Section | None:
    say = words.say
    if report.level == "hamlet":
        return None
    known = [one for one in report.hamlets if one.figures.assessment.coverage is not None]
    if not known:
        return None
    known.sort(key=lambda one: (one.figures.assessment.coverage, -one.figures.eligible, one.figures.key))
    group, dose = report.asked
    told = f"{group.label[words.language]}, {report.campaign.doses[dose.code][words.language]}"
    titles = (
        mark("Vaccinated"),
        mark("Eligible"),
        mark("Coverage"),
        mark("Verdict"),
        mark("Houses visited"),
        mark("Houses expected"),
    )
    return Section(
        say(mark("Hamlets of the lowest coverage: {dose}"), dose=told),
        table=Table(
            say(mark("Hamlets of the lowest coverage")),
            (Column(say(mark("Hamlet")), 4), *(Column(say(title), 1.3, numbers=True) for title in titles)),
            tuple(
                (
                    Cell(_hamlet_name(words, report, one)),
                    words.number(one.figures.shown("vaccinated"), *_of_hamlet(one, "state", "vaccinated")),
                    words.number(one.figures.shown("eligible"), *_of_hamlet(one, "state", "eligible")),
                    words.share(one.figures.coverage),
                    Cell(_verdict(words, one.figures)),
                    words.number(one.figures.shown("visited"), *_of_hamlet(one, "houses", "visited")),
                    words.number(one.figures.houses.expected, *_of_hamlet(one, "houses", "expected")),
                )
                for one in known[:RANKED]
            ),
        ),
    )


CARRIED = mark("It was decided on the communes of other boundaries, and is carried over: the highest that holds there.")


def _levels(words: Writing, report: DailyReport) -> Section | None:
    say = words.say
    if report.entry is not None:
        told = say(
            mark("{level}, since {day}, by {source}."),
            level=say(LEVELS[report.entry.level]),
            day=whole_day(report.entry.from_day),
            source=report.entry.source,
        )
        if report.entry.carried_from:
            told += " " + say(CARRIED)
        return Section(say(mark("Epidemic level")), (told,))
    if not report.levels:
        return None
    points = [
        say(mark("{level}: {number} communes"), level=say(LEVELS[level]), number=words.count(report.levels[level]))
        for level in LEVELS
        if report.levels.get(level)
    ]
    if report.levels.get(None):
        points.append(say(mark("No level entered: {number} communes"), number=words.count(report.levels[None])))
    return Section(say(mark("Epidemic level")), points=tuple(points))


def _facts(words: Writing, report: DailyReport) -> Section:
    """Where people and houses wait; computed, and nothing besides."""
    say = words.say
    due_column = INSIDE.index(State.DUE)
    points = []
    hamlets = report.hamlets
    due = sorted(
        (one for one in hamlets if one.figures.counts[due_column] and one.figures.assessment.verdict != Verdict.MET),
        key=lambda one: (-one.figures.counts[due_column], one.figures.key),
    )
    group, dose = report.asked
    told = f"{group.label[words.language]}, {report.campaign.doses[dose.code][words.language]}"
    if due:
        rows = "; ".join(
            say(
                mark("{hamlet}: {number} people"),
                hamlet=_hamlet_name(words, report, one),
                number=words.count(one.figures.counts[due_column]),
            )
            for one in due[:RANKED]
        )
        points.append(
            say(mark("A vaccination team is wanted where people are due ({dose}): {hamlets}."), dose=told, hamlets=rows)
        )
        rest = sum(one.figures.counts[due_column] for one in due[RANKED:])
        if rest:
            points.append(
                say(
                    mark("{number} more people are due in {hamlets} other hamlets."),
                    number=words.count(rest),
                    hamlets=words.count(len(due) - RANKED),
                )
            )
    unvisited = sorted(
        (one for one in hamlets if one.figures.houses.unvisited),
        key=lambda one: (-one.figures.houses.unvisited, one.figures.key),
    )
    if unvisited:
        rows = "; ".join(
            say(
                mark("{hamlet}: {number} houses"),
                hamlet=_hamlet_name(words, report, one),
                number=words.count(one.figures.houses.unvisited),
            )
            for one in unvisited[:RANKED]
        )
        points.append(say(mark("Canvassers have not yet been to: {hamlets}."), hamlets=rows))
    if report.houses.closed:
        points.append(
            say(
                mark("{number} houses were absent or locked, and are to be visited again."),
                number=words.count(report.houses.closed),
            )
        )
    if not points:
        points.append(say(mark("Nobody is due, and no house of the lists waits for a visit.")))
    return Section(say(mark("What is to be done, from the figures")), points=tuple(points))
