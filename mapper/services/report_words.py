"""The report of a day in words, as Vietnamese offices write it: figures -> a paper in one language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mapper.domain.campaign import Design
from mapper.errors import mark
from mapper.formats.paper import Letterhead, Paper
from mapper.services.audit import VIETNAM
from mapper.services.daily_report import DailyReport
from mapper.services.questions import set_name
from mapper.services.report_sections import sections
from mapper.services.report_writing import Writing, hour, whole_day

CLOSING = "17"
"""The hour up to which offices give the figures of a day that is over."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues the paper; without a body there is no letterhead."""

    above: str = ""
    body: str = ""
    number: str = ""
    place: str = ""


def paper(report: DailyReport, language: str, issuer: Issuer, now: datetime, sample: bool) -> Paper:
    """The report as a paper. now: at which it is asked for; sample: whether its people are invented."""
    words = Writing(language)
    say = words.say
    name = report.name or say(mark("the whole area"))
    title = say(mark("DAILY REPORT ON THE CENSUS AND VACCINATION"))
    where = f"{name} ({report.within})" if report.within else name
    return Paper(
        f"{name} {report.code}" if report.code else name,
        title,
        (f"{report.campaign.label[language]} · {where}", _as_of(words, report, now)),
        sections(words, report),
        _notes(words, report, sample, now),
        _letterhead(words, issuer, now) if issuer.body else None,
    )


def _as_of(words: Writing, report: DailyReport, now: datetime) -> str:
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


def _letterhead(words: Writing, issuer: Issuer, now: datetime) -> Letterhead:
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


def _notes(words: Writing, report: DailyReport, sample: bool, now: datetime) -> tuple[str, ...]:
    say = words.say
    notes = []
    if sample:
        notes.append(say(mark("Invented sample: no household or person here is real.")))
    if report.partial:
        notes.append(say(mark("Only those parts of the area that the reader may see are counted.")))
    notes.append(say(mark("Boundaries: {set}."), set=set_name(report.places, words.language)))
    if report.places.approximate:
        notes.append(say(mark("Boundaries are approximate.")))
    if report.day < now.astimezone(VIETNAM).date():
        notes.append(
            say(
                mark(
                    "Ages, doses and states are those of that day, of everybody known by now; houses are counted as of "
                    "now."
                )
            )
        )
    if report.houses.unvisited and report.campaign.design is Design.CENSUS:
        notes.append(
            say(
                mark(
                    "{number} houses of the lists were not visited: their people are in no figure, and coverage is of "
                    "the people asked."
                ),
                number=words.number(report.houses.unvisited).text,
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
