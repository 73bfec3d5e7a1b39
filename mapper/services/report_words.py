"""The report of a day in words, as Vietnamese offices write it: figures -> a paper in one language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from babel.numbers import format_decimal

from mapper.domain.campaign import Design
from mapper.domain.coverage import Verdict
from mapper.domain.epidemic import LEVELS
from mapper.domain.ledger import INSIDE, State
from mapper.errors import mark
from mapper.formats.paper import Cell, Column, Letterhead, Paper, Section, Table
from mapper.language import translate
from mapper.services.audit import VIETNAM
from mapper.services.daily_report import DailyReport, HamletFigures, SeriesFigures
from mapper.services.reporting import UnitFigures

RANKED = 8
"""Hamlets in the table of the lowest, and in each list of where to send a team."""

CLOSING = "17"
"""The hour up to which offices give the figures of a day that is over."""

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


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues the paper; without a body there is no letterhead."""

    above: str = ""
    body: str = ""
    number: str = ""
    place: str = ""


def whole_day(day: date) -> str:
    """A day as official papers write it: the days below 10, January and February with a zero before."""
    return f"{day:%d}/{day.month:02d}/{day.year}" if day.month <= 2 else f"{day:%d}/{day.month}/{day.year}"


def hour(at: datetime) -> str:
    """The hour in Vietnam, as 17h05."""
    local = at.astimezone(VIETNAM)
    return f"{local.hour}h{local:%M}"


def _floored(share: float) -> float:
    return math.floor(share * 1000 + 1e-9) / 1000


def shown_share(share: float, language: str) -> str:
    """A share in per cent, rounded down: below a target it never looks like the target."""
    return f"{format_decimal(_floored(share) * 100, format='0.#', locale=language)}%"


class _Words:
    """Sentences, numbers and cells in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def say(self, message: str, **facts: object) -> str:
        return translate(message, self.language, **facts)

    def count(self, number: float) -> str:
        return str(format_decimal(number, locale=self.language))

    def number(self, number: int | None) -> Cell:
        return Cell("–") if number is None else Cell(self.count(number), number)

    def change(self, number: int | None) -> Cell:
        if number is None:
            return Cell("–")
        sign = "+" if number > 0 else "−" if number < 0 else ""
        return Cell(f"{sign}{self.count(abs(number))}", number)

    def share(self, share: float | None) -> Cell:
        """Rounded down, as on the map."""
        if share is None:
            return Cell("–")
        return Cell(shown_share(share, self.language), _floored(share), share=True)


def paper(report: DailyReport, language: str, issuer: Issuer, now: datetime, sample: bool) -> Paper:
    """The report as a paper. now: at which it is asked for; sample: whether its people are invented."""
    words = _Words(language)
    say = words.say
    name = report.name or say(mark("the whole area"))
    title = say(mark("DAILY REPORT ON THE CENSUS AND VACCINATION"))
    where = f"{name} ({report.within})" if report.within else name
    return Paper(
        f"{name} {report.code}" if report.code else name,
        title,
        (f"{report.campaign.label[language]} · {where}", _as_of(words, report, now)),
        tuple(
            section
            for section in (
                _review(words, report),
                _groups(words, report),
                _results(words, report),
                _reasons(words, report),
                _lowest(words, report),
                _levels(words, report),
                _facts(words, report),
            )
            if section is not None
        ),
        _notes(words, report, sample),
        _letterhead(words, issuer, now) if issuer.body else None,
    )


def _as_of(words: _Words, report: DailyReport, now: datetime) -> str:
    today = now.astimezone(VIETNAM).date()
    day = whole_day(report.day)
    if report.day > today:
        told = words.say(mark("Figures expected for {day}"), day=day)
    else:
        at = hour(now) if report.day == today else f"{CLOSING}h"
        told = words.say(mark("Figures up to {hour} on {day}"), hour=at, day=day)
    if report.received is None:
        return f"({told})"
    last = words.say(
        mark("last form received at {hour} on {day}"),
        hour=hour(report.received),
        day=whole_day(report.received.astimezone(VIETNAM).date()),
    )
    return f"({told}; {last})"


def _letterhead(words: _Words, issuer: Issuer, now: datetime) -> Letterhead:
    today = now.astimezone(VIETNAM).date()
    say = words.say
    month = f"{today.month:02d}" if today.month <= 2 else str(today.month)
    return Letterhead(
        issuer.above.upper(),
        issuer.body.upper(),
        say(mark("No.: {number}"), number=issuer.number or "……/BC-……"),
        (say(mark("SOCIALIST REPUBLIC OF VIET NAM")), say(mark("Independence - Freedom - Happiness"))),
        say(
            mark("{place}, {day}/{month}/{year}"),
            place=issuer.place or "………",
            day=f"{today:%d}",
            month=month,
            year=today.year,
        ),
        (
            (say(mark("PREPARED BY")), say(mark("(signature, full name)"))),
            (say(mark("HEAD OF THE BODY")), say(mark("(signature, stamp, full name)"))),
        ),
    )


def _review(words: _Words, report: DailyReport) -> Section:
    houses = report.houses
    say = words.say
    columns = (
        (mark("Houses expected"), houses.expected),
        (mark("Houses visited"), houses.visited),
        (mark("Interviewed"), houses.interviewed),
        (mark("Absent or locked"), houses.closed),
        (mark("Interview refused"), houses.refused),
        (mark("Nobody lives there"), houses.vacant),
        (mark("Not yet visited"), houses.unvisited),
        (mark("Visited on this day"), houses.on_the_day),
        (mark("People registered"), houses.people),
    )
    return Section(
        say(mark("Results of the census")),
        table=Table(
            say(mark("Results of the census")),
            (Column(say(mark("Area")), 1.4), *(Column(say(title), numbers=True) for title, _ in columns)),
            ((Cell(report.name or say(mark("the whole area"))), *(words.number(number) for _, number in columns)),),
        ),
    )


def _groups(words: _Words, report: DailyReport) -> Section:
    say = words.say
    rows = []
    seen = set()
    for one in report.series:
        if one.group.code in seen:
            continue
        seen.add(one.group.code)
        inside = one.figures
        rows.append(
            (
                Cell(one.group.label[words.language]),
                words.number(sum(inside.counts)),
                words.number(inside.eligible),
                words.number(inside.counts[INSIDE.index(State.CONTRAINDICATED)]),
                words.number(inside.counts[INSIDE.index(State.AWAY)]),
                words.number(inside.counts[INSIDE.index(State.UNKNOWN)]),
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


def _concerned(report: DailyReport) -> list[SeriesFigures]:
    """Groups and doses that concern anybody here; an additional dose of one vaccine often concerns nobody."""
    return [one for one in report.series if any(one.figures.counts)]


def _label(words: _Words, report: DailyReport, one: SeriesFigures) -> str:
    return f"{one.group.label[words.language]}: {report.campaign.doses[one.dose.code][words.language]}"


def _results(words: _Words, report: DailyReport) -> Section:
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
            words.number(one.figures.counts[INSIDE.index(State.VACCINATED)]),
            words.number(one.figures.eligible),
            words.share(one.figures.assessment.coverage),
            words.share(None if one.dose.target is None else float(one.dose.target)),
            Cell(_verdict(words, one.figures)),
            words.number(one.figures.assessment.needed),
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


def _verdict(words: _Words, figures: UnitFigures) -> str:
    verdict = figures.assessment.verdict
    return "–" if verdict is None else words.say(VERDICTS[verdict])


def _reasons(words: _Words, report: DailyReport) -> Section:
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
                    *(words.number(one.figures.counts[INSIDE.index(state)]) for state, _ in REASONS),
                )
                for one in _concerned(report)
            ),
        ),
    )


def _hamlet_name(words: _Words, report: DailyReport, one: HamletFigures) -> str:
    name = one.figures.name or words.say(mark("Hamlet not told"))
    several = len({each.unit for each in report.hamlets}) > 1
    return f"{name} ({one.unit})" if several and one.unit else name


def _lowest(words: _Words, report: DailyReport) -> Section | None:
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
                    words.number(one.figures.counts[INSIDE.index(State.VACCINATED)]),
                    words.number(one.figures.eligible),
                    words.share(one.figures.assessment.coverage),
                    Cell(_verdict(words, one.figures)),
                    words.number(one.figures.houses.visited),
                    words.number(one.figures.houses.expected),
                )
                for one in known[:RANKED]
            ),
        ),
    )


def _levels(words: _Words, report: DailyReport) -> Section | None:
    say = words.say
    if report.entry is not None:
        told = say(
            mark("{level}, since {day}, by {source}."),
            level=say(LEVELS[report.entry.level]),
            day=whole_day(report.entry.from_day),
            source=report.entry.source,
        )
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


def _facts(words: _Words, report: DailyReport) -> Section:
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


def _notes(words: _Words, report: DailyReport, sample: bool) -> tuple[str, ...]:
    say = words.say
    notes = []
    if sample:
        notes.append(say(mark("Invented sample: no household or person here is real.")))
    if report.partial:
        notes.append(say(mark("Only those parts of the area that the reader may see are counted.")))
    if report.places.approximate:
        notes.append(say(mark("Boundaries are approximate.")))
    if report.houses.unvisited and report.campaign.design is Design.CENSUS:
        notes.append(
            say(
                mark(
                    "{number} houses of the lists were not visited: their people are in no figure, and coverage is of "
                    "the people asked."
                ),
                number=words.count(report.houses.unvisited),
            )
        )
    notes.append(
        say(
            mark(
                "Forms tell the day of a dose and not its hour: a day is counted whole. Forms that come later change "
                "past days."
            )
        )
    )
    if report.campaign.design is Design.CLUSTER_SURVEY:
        notes.append(
            say(
                mark(
                    "This campaign is a cluster survey: a verdict is by the 95% interval of the sample, and left open "
                    "for places of which the sample says nothing by themselves."
                )
            )
        )
    notes.append(
        say(
            mark(
                "Coverage is vaccinated / eligible, rounded down. A verdict is left open where houses not visited "
                "could turn it. Groups overlap: their numbers are not to be added up."
            )
        )
    )
    return tuple(notes)
