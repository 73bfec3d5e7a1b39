"""What a page, a file or a report says of a target, in one sentence that a tired person reads right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from mapper.domain.coverage import Verdict
from mapper.domain.ranges import Range, ShareRange
from mapper.domain.targets import Doubt, Goal, Outlook
from mapper.errors import mark
from mapper.language import translate, written_day
from mapper.services.figure_rows import UnitFigures

VERDICTS: Mapping[Verdict, str] = {
    Verdict.MET: mark("Met"),
    Verdict.NOT_MET: mark("Not met"),
    Verdict.UNDECIDED: mark("Undecided"),
}

DOUBTS: Mapping[Doubt, str] = {
    Doubt.BOUNDS: mark(
        "It cannot be said yet, because of people nobody has asked, or who do not know their doses: if none of them "
        "were vaccinated coverage would be {worst}, if all were, {best}."
    ),
    Doubt.INTERVAL: mark(
        "It cannot be said yet, because chance alone could explain the difference: not everybody was asked, and the "
        "95% interval from {low} to {high} reaches over the target."
    ),
    Doubt.BOTH: mark(
        "It cannot be said yet. Of the people nobody has asked, none or all may be vaccinated, which makes {worst} to "
        "{best}; and the 95% interval from {low} to {high} reaches over the target as well."
    ),
    Doubt.SAMPLE: mark(
        "This sample cannot decide it: its 95% interval, from {low} to {high}, reaches over the target."
    ),
    Doubt.SILENT: mark("The sample says nothing about this place by itself: too few of its hamlets were drawn."),
    Doubt.NOBODY: mark("It cannot be said yet: no eligible person is known so far. Visit houses there first."),
}


MAYBE = mark(
    "{people} people without a position, of a unit that was divided, may live here or in another part of it; about "
    "{likely} do."
)
"""Why a figure is a range."""

_VIETNAMESE = str.maketrans(",.", ".,")


class TargetWords:
    """Figures and sentences about targets in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def say(self, message: str, **facts: object) -> str:
        """A sentence of the catalogue."""
        return translate(message, self.language, **facts)

    def share(self, share: float | Fraction | ShareRange | None, digits: int = 1) -> str:
        """A share as a percentage, or from where to where, rounded down so that what misses a target never looks so."""
        if share is None:
            return "–"
        if isinstance(share, ShareRange):
            least, most = self.share(share.least, digits), self.share(share.most, digits)
            return least if least == most else least.rstrip("\u00a0%") + "–" + most
        # A millionth of a point covers what a float lacks of the number it stands for.
        points = math.floor(float(share) * 100 * 10**digits + 1e-6) / 10**digits
        text = self._written(f"{points:.{0 if points.is_integer() else digits}f}")
        return f"{text}\u00a0%" if self.language == "vi" else f"{text}%"

    def number(self, number: float | Fraction) -> str:
        """A number with the reader's separators, one decimal where it is not whole."""
        rounded = round(float(number), 1)
        return self._written(f"{rounded:,.{0 if rounded.is_integer() else 1}f}").replace("-", "\u2212")

    def _written(self, number: str) -> str:
        """A number of Python's with the reader's separators; a page has too many of them for a library of locales."""
        return number.translate(_VIETNAMESE) if self.language == "vi" else number

    def aim(self, goal: Goal) -> str:
        """The share that a goal means; carried over from another map and not quite certain: about so much."""
        told = self.share(goal.share)
        return self.say(mark("about {share}"), share=told) if goal.about and goal.share is not None else told

    def people(self, number: int | Range) -> str:
        """How many people, or from how many to how many."""
        if isinstance(number, Range):
            return f"{self._written(f'{number.least:,}')}–{self._written(f'{number.most:,}')}"
        return self._written(f"{number:,}")

    def maybe(self, unit: UnitFigures) -> str:
        """That of some people nobody can tell whether they are here; "" where there are none."""
        people = unit.ranges.get("people")
        if people is None:
            return ""
        return self.say(MAYBE, people=self.people(people.most - people.least), likely=people.likely - people.least)

    def at_least(self, number: Fraction) -> str:
        """A number of people a day that is enough: rounded up to whole ones."""
        return self._written(f"{math.ceil(number):,}")

    def day(self, day: date) -> str:
        """A date as people write it."""
        return written_day(day, self.language)

    def sentence(self, unit: UnitFigures, look: Outlook) -> str:
        """Verdict, what is missing, the deadline and the pace in one sentence."""
        parts = [self._verdict(unit, look)]
        if look.goal.share is not None:
            parts.append(self.deadline(look))
            if look.needed:
                parts.append(self._pace(look))
        text = "; ".join(part for part in parts if part)
        return text + "."

    def _verdict(self, unit: UnitFigures, look: Outlook) -> str:
        said, target = unit.assessment, self.aim(look.goal)
        share = self.share(unit.coverage)
        if look.goal.share is None:
            if said.coverage is None:
                return self.say(mark("No target is set, and nobody of this group is known here yet"))
            return self.say(mark("{share} vaccinated; no target is set"), share=share)
        if look.verdict is None or said.coverage is None:
            return self.say(
                mark("No data: nobody of this group has been found here yet (target {target})"), target=target
            )
        if said.sampled:
            return self._of_sample(unit, look)
        people = self.people(unit.needed or 0)
        if look.verdict is Verdict.MET:
            return self.say(mark("Met: {share} against a target of {target}"), share=share, target=target)
        if look.verdict is Verdict.NOT_MET:
            message = mark("Not met: {share} against a target of {target}, {people} more people needed")
        elif look.needed:
            message = mark("Undecided: {share} so far against a target of {target}, {people} more people needed")
        else:
            message = mark("Undecided: {share} so far against a target of {target}, reached among those asked")
        return self.say(message, share=share, target=target, people=people)

    def _of_sample(self, unit: UnitFigures, look: Outlook) -> str:
        said = unit.assessment
        facts = {"share": self.share(said.coverage), "target": self.share(look.goal.share)}
        if said.low is None:
            return self.say(mark("Undecided: {share} of those asked against a target of {target}"), **facts)
        message = {
            Verdict.MET: mark("Met: {share} in the sample, 95% interval {low} to {high}, against a target of {target}"),
            Verdict.NOT_MET: mark(
                "Not met: {share} in the sample, 95% interval {low} to {high}, against a target of {target}"
            ),
        }.get(
            look.verdict or Verdict.UNDECIDED,
            mark("Undecided: {share} in the sample, 95% interval {low} to {high}, against a target of {target}"),
        )
        return self.say(message, low=self.share(said.low), high=self.share(said.high), **facts)

    def deadline(self, look: Outlook) -> str:
        """How far the deadline is away."""
        left, on = look.days_left, look.goal.deadline
        if left is None or on is None:
            return self.say(mark("no deadline is set"))
        facts = {"day": self.day(on), "days": abs(left), "working": look.working}
        if left < 0:
            return self.say(mark("the deadline, {day}, was {days} days ago"), **facts)
        if left == 0:
            return self.say(mark("the deadline is this very day, {day}"), **facts)
        return self.say(mark("{days} days left until the deadline, {day} ({working} without Sundays)"), **facts)

    def _pace(self, look: Outlook) -> str:
        if look.per_day is not None and look.too_late:
            needed = self.say(
                mark("{need} a day would reach all who can be vaccinated by then"), need=self.at_least(look.per_day)
            )
        elif look.per_day is not None:
            needed = self.say(mark("{need} a day are needed"), need=self.at_least(look.per_day))
        else:
            in_a_week = self.at_least(Fraction(look.needed or 0, 7))
            needed = self.say(mark("to get there in a week takes {need} a day"), need=in_a_week)
        if look.pace is None:
            gone = self.say(mark("nothing tells the pace of the last days"))
        elif look.pace.people < 0:
            message = mark(
                "in the last {days} days more vaccinated people left the group, by their age or by moving, than were "
                "vaccinated: {people} fewer"
            )
            gone = self.say(message, days=look.pace.days, people=self.number(-look.pace.people))
        else:
            message = mark("in the last {days} days {pace} people a day were vaccinated")
            gone = self.say(message, days=look.pace.days, pace=self.number(look.pace.per_day))
        return f"{gone}, {needed}"

    def doubt(self, unit: UnitFigures, look: Outlook) -> str:
        """Why it is undecided; "" where it is not."""
        if look.doubt is None:
            return ""
        said = unit.assessment
        return self.say(
            DOUBTS[look.doubt],
            worst=self.share(said.worst),
            best=self.share(said.best),
            low=self.share(said.low),
            high=self.share(said.high),
        )

    def reach(self, look: Outlook) -> str:
        """What stands in the way of the target, whatever the pace; "" where nothing does."""
        if not look.out_of_reach:
            return ""
        return self.say(
            mark(
                "Even if everybody who is due, waits for the interval or is deferred were vaccinated ({still} people), "
                "the target would be missed: {short} of the {refused} people who refused have to be won over as well."
            ),
            still=self.number(look.still),
            short=self.number((look.needed or 0) - look.still),
            refused=self.number(look.refused),
        )

    def in_time(self, look: Outlook) -> str:
        """Whether the target can be reached by the deadline, and the most that can be; "" where nobody is needed."""
        at = look.at_deadline
        if not look.needed or at is None or at.highest is None or look.goal.share is None:
            return ""
        first = (
            mark("The target cannot be reached by the deadline any more: {highest} is the most that can be.")
            if at.missed
            else mark("The target can still be reached by the deadline: {highest} is the most that can be.")
        )
        return self.say(first, highest=self.share(at.highest))

    def by_deadline(self, look: Outlook) -> list[tuple[str, int]]:
        """The same people as a list: words and how many; of whom there is nobody only the first is told."""
        at = look.at_deadline
        if not self.in_time(look) or at is None:
            return []
        others = [
            (self.say(mark("not due until after the deadline")), at.waiting),
            (self.say(mark("deferred beyond the deadline")), at.deferred),
            (self.say(mark("refused")), at.refused),
            (self.say(mark("contraindicated, not counted as eligible")), at.contraindicated),
        ]
        return [(self.say(mark("can be vaccinated by the deadline")), at.due), *(one for one in others if one[1])]

    def projected(self, look: Outlook) -> str:
        """The day of reaching the target at the pace of the last days."""
        if look.goal.share is None or look.needed is None:
            return "–"
        if not look.needed:
            return self.say(mark("reached among those known"))
        if look.out_of_reach:
            return self.say(mark("not without those who refused"))
        if look.pace is None:
            return "–"
        return self.day(look.projected) if look.projected else self.say(mark("not at this pace"))

    def ahead(self, look: Outlook) -> str:
        """When the target is reached at the pace of the last days, as a sentence; "" where nothing tells."""
        if not look.needed or look.out_of_reach or look.pace is None or look.goal.share is None:
            return ""
        if look.projected is None:
            return self.say(mark("At the pace of the last {days} days the target is not reached."), days=look.pace.days)
        on, deadline = self.day(look.projected), look.goal.deadline
        if deadline is None or look.days_left is None or look.days_left < 0:
            return self.say(mark("At the pace of the last days the target is reached on {day}."), day=on)
        late = (look.projected - deadline).days
        if late > 0:
            return self.say(
                mark("At the pace of the last days the target is reached on {day}, {late} days after the deadline."),
                day=on,
                late=late,
            )
        return self.say(mark("At the pace of the last days the target is reached on {day}, in time."), day=on)
