"""Courses and pyramids in words: what each shows in a sentence, its picture, and its table for a page or a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from mapper.charts import courses
from mapper.charts.courses import CurveWords
from mapper.charts.picture import Caption, Form, Words
from mapper.charts.pyramid import PyramidWords, Side, age_pyramid
from mapper.domain.ranges import ShareRange
from mapper.errors import mark
from mapper.formats.cells import harmless
from mapper.language import translate
from mapper.services.ages import BANDS, Pyramid, band_name
from mapper.services.trends import WEEK, Changes, Course, Numbers
from mapper.services.ways import SEXES

Cell = str | int | float | date | None
"""A cell of a table; a float is shown with one decimal."""


LEAST_DAYS = 30
"""A whole course shows at least so many days, where the campaign has them."""


class Kind(StrEnum):
    """What can be looked at."""

    COVERAGE = "coverage"
    DOSES = "doses"
    PYRAMID = "pyramid"
    CHANGES = "changes"


TITLES = {
    Kind.COVERAGE: mark("Coverage by day"),
    Kind.DOSES: mark("Newly vaccinated by day"),
    Kind.PYRAMID: mark("Vaccinated and due by age"),
    Kind.CHANGES: mark("What changed"),
}

STATE_NAMES = (
    mark("Vaccinated"),
    mark("Due"),
    mark("Refused"),
    mark("Deferred"),
    mark("Away"),
    mark("Houses visited"),
)
"""The columns of changes, in the order of ``Change``."""

_MORE = (
    mark("{number} more vaccinated"),
    mark("{number} more due"),
    mark("{number} more refused"),
    mark("{number} more deferred"),
    mark("{number} more away"),
)
_FEWER = (
    mark("{number} fewer vaccinated"),
    mark("{number} fewer due"),
    mark("{number} fewer refused"),
    mark("{number} fewer deferred"),
    mark("{number} fewer away"),
)


WITHOUT = mark("Not counting {people} people of whom nobody can tell in which unit they live.")
"""Beside figures that have no range."""


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows; the first cell of a row names it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class About:
    """What figures are of, in the reader's words.

    area: "" for all that the reader may see. sample: invented ones. changes: days on which another boundary set took
    over; figures of an area are summed from its households on both sides. loose: people of the group of whom nobody can
    tell whether they live in the area or in another part of a unit that was divided.
    """

    language: str
    project: str
    campaign: str
    area: str
    group: str
    dose: str
    boundaries: str
    day: date
    sample: bool
    changes: tuple[date, ...] = ()
    loose: int = 0

    def say(self, message: str, **facts: object) -> str:
        """A sentence in the reader's language."""
        return translate(message, self.language, **facts)

    @property
    def words(self) -> Words:
        """Numbers and days as the reader writes them."""
        return Words(self.language)

    @property
    def place(self) -> str:
        """The area's name."""
        return self.area or self.say(mark("All that you may see"))

    @property
    def told_changes(self) -> tuple[tuple[date, str], ...]:
        """The days of ``changes`` with the words that stand beside them in pictures."""
        return tuple((day, self.say(mark("New boundaries {day}"), day=self.words.day(day))) for day in self.changes)

    def without(self) -> list[str]:
        """That some people are not in the figures; empty where all are."""
        if not self.loose:
            return []
        return [self.say(WITHOUT, people=self.words.number(self.loose))]

    def caption(self, kind: Kind, finding: str) -> Caption:
        """What stands around a picture."""
        day = self.say(mark("Figures up to {day}"), day=self.words.day(self.day))
        return Caption(
            self.say(TITLES[kind]),
            f"{self.place} · {self.group} · {self.dose}",
            f"{day} · {self.boundaries} · {self.project}",
            finding,
            self.say(mark("Sample, not real")) if self.sample else "",
            self.language,
        )


def coverage_finding(about: About, course: Course) -> str:
    """What the curve of coverage shows."""
    words, share = about.words, course.shares[-1]
    ranges = course.ranges
    between = ranges[-1]
    if share is None and between is None:
        return about.say(mark("Nobody of this group was found here yet, so there is no coverage: no data is not zero."))
    told = [
        about.say(
            mark("On {day}, {vaccinated} of {eligible} people were vaccinated: {share}."),
            day=words.day(about.day),
            vaccinated=_reaching(words, course.vaccinated, course.more_vaccinated),
            eligible=_reaching(words, course.eligible, course.more_eligible),
            share=_told(words, share, between),
        )
    ]
    if len(ranges) > WEEK and (before := _told(words, course.shares[-1 - WEEK], ranges[-1 - WEEK])):
        told.append(about.say(mark("Seven days before it was {share}."), share=before))
    if course.goal.share is not None:
        goal = float(course.goal.share)
        facts = {"target": words.percent(goal), "day": words.day(course.goal.deadline) if course.goal.deadline else ""}
        low, high = (between.least, between.most) if between is not None else (share or 0.0, share or 0.0)
        reached = between is not None and low >= goal
        reached |= between is None and int(course.vaccinated[-1]) >= course.goal.share * int(course.eligible[-1])
        points = words.decimal((goal - high) * 100)
        if between is not None and round((goal - low) * 100, 1) != round((goal - high) * 100, 1):
            points += f"–{words.decimal((goal - low) * 100)}"
        if between is not None and low < goal <= high:
            told.append(about.say(mark("Whether the target of {target} is reached cannot be said."), **facts))
        elif reached:
            told.append(about.say(mark("The target of {target} is reached."), **facts))
        elif course.goal.deadline is None:
            told.append(
                about.say(mark("To the target of {target}, {points} points are missing."), points=points, **facts)
            )
        elif course.goal.deadline < about.day:
            told.append(
                about.say(
                    mark("To the target of {target}, {points} points are missing; the deadline, {day}, is over."),
                    points=points,
                    **facts,
                )
            )
        else:
            told.append(
                about.say(
                    mark("To the target of {target} by {day}, {points} points are missing."), points=points, **facts
                )
            )
    if course.loose:
        told.append(
            about.say(
                mark("It is a range because of {people} people without a position, who may live here or elsewhere."),
                people=words.number(course.loose),
            )
        )
    return " ".join(told)


def _told(words: Words, share: float | None, between: ShareRange | None) -> str:
    """A share, or from where to where it may lie; "" for none."""
    if between is not None:
        return words.span(between.least, between.most)
    return "" if share is None else words.percent(share, 1)


def _reaching(words: Words, certain: Numbers, more: Numbers | None) -> str:
    """A number of the last day, or from how many to how many."""
    least = int(certain[-1])
    most = least if more is None else least + int(more[-1])
    return words.number(least) if most == least else f"{words.number(least)}–{words.number(most)}"


def doses_finding(about: About, course: Course, first: date) -> str:
    """What the bars show. first: the first day shown."""
    words = about.words
    mean = course.means[-1]
    if mean is None:
        return about.say(mark("The campaign has no seven days of figures yet."))
    more, fewer = (
        mark("In the last 7 days, {mean} more people a day hold the dose."),
        mark("In the last 7 days, {mean} fewer people a day hold the dose: vaccinated people grew out of the group."),
    )
    told = [about.say(fewer if mean < 0 else more, mean=words.decimal(abs(mean)))]
    before = course.means[-1 - WEEK] if len(course.means) > WEEK else None
    if before is not None:
        told.append(about.say(mark("In the 7 days before: {mean}."), mean=words.decimal(before)))
    shown = [(number, day) for day, number in zip(course.days, course.gained, strict=True) if number and day >= first]
    most, on = max(shown, default=(0, first))
    if most > 0:
        told.append(
            about.say(mark("Most on one day: {number}, on {day}."), number=words.number(most), day=words.day(on))
        )
    return " ".join(told + about.without())


def pyramid_finding(about: About, pyramid: Pyramid) -> str:
    """What the pyramid shows."""
    words = about.words
    vaccinated, due, others = pyramid.total
    told = [
        about.say(
            mark("{vaccinated} vaccinated, {due} due, {others} others."),
            vaccinated=words.number(vaccinated),
            due=words.number(due),
            others=words.number(others),
        )
    ]
    by_band = pyramid.counts[:, :BANDS, 1].sum(axis=0)
    if by_band.any():
        band = int(by_band.argmax())
        told.append(
            about.say(
                mark("Most of those due are {band} years old: {number}."),
                band=band_name(band),
                number=words.number(int(by_band[band])),
            )
        )
    ages, sexes = pyramid.counts[: len(SEXES)], pyramid.counts[len(SEXES)]
    # Where nobody's sex is known, the picture has no sexes.
    unknown = int(ages[:, BANDS].sum() + sexes.sum()) if ages.any() else int(sexes[BANDS].sum())
    if unknown:
        told.append(
            about.say(
                mark("Of {number} people the age or the sex is not known; they stand in the table alone."),
                number=words.number(unknown),
            )
        )
    return " ".join(told + about.without())


def changes_finding(about: About, changes: Changes) -> str:
    """What changed, in a sentence."""
    words, day = about.words, about.words.day(changes.since)
    parts = [
        about.say(more if number > 0 else fewer, number=words.number(abs(number)))
        for number, more, fewer in zip(changes.total[:-1], _MORE, _FEWER, strict=True)
        if number
    ]
    houses = about.say(mark("houses visited: {number}"), number=words.number(changes.total.visited))
    if not parts:
        told = about.say(mark("Since {day}: nobody's state changed in sum; {houses}."), day=day, houses=houses)
    else:
        told = about.say(mark("Since {day}: {changes}; {houses}."), day=day, changes=", ".join(parts), houses=houses)
    return " ".join([told, *about.without()])


def since(course: Course, span: int) -> date:
    """The first day shown of a course. span: so many days, 0 for all since a week before anybody was vaccinated."""
    if span:
        return max(course.days[0], course.days[-1] - timedelta(days=span - 1))
    begun = np.flatnonzero(course.vaccinated)
    first = course.days[int(begun[0])] if len(begun) else course.days[-1]
    return max(course.days[0], min(first - timedelta(days=WEEK), course.days[-1] - timedelta(days=LEAST_DAYS)))


def coverage_picture(about: About, course: Course, span: int, form: Form) -> bytes:
    """The curve of coverage of the last days."""
    start = course.days.index(since(course, span))
    goal, words = course.goal, about.words
    return courses.coverage_curve(
        course.days[start:],
        course.shares[start:],
        None if goal.share is None else float(goal.share),
        goal.deadline,
        about.caption(Kind.COVERAGE, coverage_finding(about, course)),
        CurveWords(
            about.say(mark("Target {share}"), share=words.percent(float(goal.share))) if goal.share is not None else "",
            about.say(mark("Deadline {day}"), day=words.day(goal.deadline)) if goal.deadline else "",
            about.say(mark("What the deadline asks for")),
            about.told_changes,
            about.say(mark("Between these, by where people without a position live")),
        ),
        form,
        [one and (one.least, one.most) for one in course.ranges[start:]],
    )


def doses_picture(about: About, course: Course, span: int, form: Form) -> bytes:
    """The bars of the last days."""
    start = course.days.index(since(course, span))
    return courses.doses_a_day(
        course.days[start:],
        [number or 0 for number in course.gained[start:]],
        course.means[start:],
        about.caption(Kind.DOSES, doses_finding(about, course, course.days[start])),
        about.say(mark("More people vaccinated than the day before")),
        about.say(mark("Mean of 7 days")),
        form,
        about.told_changes,
    )


def pyramid_picture(about: About, pyramid: Pyramid, form: Form) -> bytes:
    """The pyramid, from the youngest to the oldest of the group; people whose age or sex is not known are left out.

    Where nobody's sex is known, all stand on one side.
    """
    male, female, unknown = SEXES.index("male"), SEXES.index("female"), len(SEXES)
    if pyramid.counts[:unknown].any():
        left, right = (male, mark("Male")), (female, mark("Female"))
        shown = pyramid.counts[:unknown, :BANDS].any(axis=(0, 2))
    else:
        left, right = (male, ""), (unknown, mark("Sex not known"))
        shown = pyramid.counts[unknown, :BANDS].any(axis=1)
    used = np.flatnonzero(shown).tolist() or [0]
    bands = list(range(used[0], used[-1] + 1))
    sides = [
        Side(about.say(name) if name else "", *(pyramid.counts[sex, bands, kind].tolist() for kind in range(3)))
        for sex, name in (left, right)
    ]
    words = PyramidWords(
        about.say(mark("Vaccinated")), about.say(mark("Due")), about.say(mark("Others")), about.say(mark("Age"))
    )
    caption = about.caption(Kind.PYRAMID, pyramid_finding(about, pyramid))
    return age_pyramid([band_name(band) for band in bands], sides[0], sides[1], caption, words, form)


def coverage_table(about: About, course: Course, span: int) -> Table:
    """A row a day, the latest first. Where coverage is a range, who is certain, who may come, and both its ends."""
    heads = [mark("Day"), mark("Vaccinated"), mark("Eligible"), mark("Coverage, %")]
    if course.more is not None:
        heads[3:] = [mark("Eligible who may live here"), mark("Coverage from, %"), mark("Coverage to, %")]
    start = course.days.index(since(course, span))
    rows = zip(course.days, course.vaccinated.tolist(), course.eligible.tolist(), strict=True)
    mores = [0] * len(course.days) if course.more_eligible is None else course.more_eligible.tolist()
    made: list[tuple[Cell, ...]] = []
    for row, share, between, more in zip(rows, course.shares, course.ranges, mores, strict=True):
        ends = (share, share) if between is None else (between.least, between.most)
        told = tuple(None if end is None else round(end * 100, 1) for end in ends)
        made.append((*row, told[0]) if course.more is None else (*row, more, *told))
    return Table(tuple(map(about.say, heads)), tuple(made[: start - 1 if start else None : -1]))


def doses_table(about: About, course: Course, span: int) -> Table:
    """A row a day, the latest first."""
    heads = tuple(map(about.say, (mark("Day"), mark("More vaccinated than the day before"), mark("Mean of 7 days"))))
    start = course.days.index(since(course, span))
    rows = zip(course.days, course.gained, course.means, strict=True)
    return Table(
        heads,
        tuple(
            (day, gained, None if mean is None else round(mean, 1))
            for day, gained, mean in list(rows)[: start - 1 if start else None : -1]
        ),
    )


def pyramid_table(about: About, pyramid: Pyramid) -> Table:
    """A row a band that has people, by sex, with those whose age or sex is not known; then the sums."""
    states = [about.say(mark("Vaccinated")), about.say(mark("Due")), about.say(mark("Others"))]
    sexes = [about.say(mark("Male")), about.say(mark("Female")), about.say(mark("Sex not known"))]
    order = (SEXES.index("male"), SEXES.index("female"), len(SEXES))
    heads = (about.say(mark("Age")), *(f"{sex}: {state}" for sex in sexes for state in states))
    rows: list[tuple[Cell, ...]] = []
    for band in range(BANDS + 1):
        counts = [pyramid.counts[sex, band, kind] for sex in order for kind in range(3)]
        if any(counts):
            name = band_name(band) if band < BANDS else about.say(mark("Age not known"))
            rows.append((name, *(int(number) for number in counts)))
    sums = pyramid.counts.sum(axis=1)
    rows.append((about.say(mark("All")), *(int(sums[sex, kind]) for sex in order for kind in range(3))))
    return Table(heads, tuple(rows))


def changes_table(about: About, changes: Changes) -> Table:
    """A row a unit that changed, the biggest change first; then the sums."""
    heads = (about.say(mark("Area")), *map(about.say, STATE_NAMES))
    rows: list[tuple[Cell, ...]] = [(unit_name(about, one.name, one.place), *one.change) for one in changes.units]
    rows.append((about.say(mark("All")), *changes.total))
    return Table(heads, tuple(rows))


def unit_name(about: About, name: str, place: str) -> str:
    """What a unit is called; of a hamlet with its commune."""
    name = name or about.say(mark("Not told where"))
    return f"{name} ({place})" if place else name


def csv_file(about: About, kind: Kind, table: Table, more: Sequence[tuple[str, str]] = ()) -> bytes:
    """A table as spreadsheets open it: UTF-8 with its mark; lines that say what it is, an empty one, heads, rows."""
    told = [
        (about.project, about.say(TITLES[kind])),
        *([(about.say(mark("Sample, not real")), "")] if about.sample else []),
        (about.say(mark("Campaign")), about.campaign),
        (about.say(mark("Group")), about.group),
        (about.say(mark("Dose")), about.dose),
        (about.say(mark("Area")), about.place),
        (about.say(mark("Boundaries")), about.boundaries),
        (about.say(mark("Figures up to")), about.day.isoformat()),
        *more,
    ]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in line] for line in told)
    writer.writerow([])
    writer.writerow(map(harmless, table.heads))
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    return harmless(cell) if isinstance(cell, str) else str(cell)
