"""How much of which vaccine an area needs by when, beside what it was allocated and what its stores hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

from mapper.domain.campaign import Campaign
from mapper.domain.forecast import ANYBODY, UNKNOWN, ComingDose, Horizon
from mapper.domain.ledger import State
from mapper.domain.planning import Formulation, PlanningRules
from mapper.domain.ranges import Leaf
from mapper.domain.stock import RunDown, run_down
from mapper.domain.vials import Supplies, supplies, with_buffer
from mapper.errors import InvalidQuestion, mark
from mapper.services import demand
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.areas import check as check_area
from mapper.services.coming import coming
from mapper.services.questions import HAMLET, Question, check_level, default_set
from mapper.services.reference import PlaceSet, Reference
from mapper.services.reporting import coverage_of_every
from mapper.services.stock_shelves import Shelf, Shelves
from mapper.services.vaccine_need import needs_of

MOST_DAYS = 184
"""Days of one forecast."""

MOST_SESSIONS = 7
"""Days of a week on which one place vaccinates."""

WEEK = 7

Row = str | None
At = TypeVar("At", bound=Hashable)
"""Code of a unit or hamlet; None for households that lie in none."""


@dataclass(frozen=True, slots=True)
class ForecastQuestion:
    """What is asked. level: of the rows. sessions: days a week on which each commune vaccinates. follow: as Horizon."""

    campaign_id: str
    first: date
    last: date
    set_id: str = ""
    area: Area | None = None
    level: str = ""
    sessions: int = 1
    follow: bool = False


@dataclass(frozen=True, slots=True)
class VaccineNeed:
    """What is needed of a formulation, and what is there.

    now, due: doses due on the first day, and with those that fall due later. given, wasted: doses, on average, of those
    who come. vials: with which the sessions suffice; order: the same with the buffer. stock, promised: doses in the
    stores, and allocated but not received.
    run: how the stock is used up by the need without a buffer.
    """

    formulation: Formulation
    now: int
    due: int
    given: float
    wasted: float
    vials: int
    order: int
    stock: int
    promised: int
    run: RunDown

    @property
    def over(self) -> int:
        """Doses that are more than the sessions need, once what is promised has come; below 0 are missing."""
        return self.stock + self.promised - self.vials * self.formulation.doses

    @property
    def to_order(self) -> int:
        """Vials that stock and promise lack of those needed with the buffer."""
        return max(0, self.order - (self.stock + self.promised) // self.formulation.doses)

    @property
    def supplies(self) -> Supplies:
        """What goes with the vials and their buffer."""
        return supplies(self.due, self.order, self.formulation.vial)


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A unit, a hamlet, all of them, or the stores of larger units. people, now: due on the first day, and doses then.

    unknown_now, unknown: the same of no formulation known. by_day: doses. has_vials: not of a hamlet, whose sessions
    are those of its commune.
    """

    code: Row
    name: str
    people: int
    now: int
    due: int
    unknown_now: int
    unknown: int
    needs: tuple[VaccineNeed, ...]
    by_day: Mapping[date, int]
    has_vials: bool = True


@dataclass(frozen=True, slots=True)
class Week:
    """Some of the days. due, vials: doses and vials without a buffer, by code of the formulation."""

    first: date
    last: date
    due: Mapping[str, int]
    vials: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeriesDue:
    """What the pages of coverage call due on the first day. dose, group: codes."""

    group: str
    dose: str
    due: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The answer. larger: stores of units larger than the rows', None where they hold nothing. elsewhere: doses in
    stores of other boundary sets, which no row counts. now_by_dose: doses due on the first day.
    """

    question: ForecastQuestion
    campaign: Campaign
    rules: PlanningRules
    places: PlaceSet
    rows: tuple[ForecastRow, ...]
    total: ForecastRow
    larger: ForecastRow | None
    weeks: tuple[Week, ...]
    now_by_dose: Mapping[str, int]
    coverage: tuple[SeriesDue, ...]
    elsewhere: int


@dataclass(slots=True)
class _Part:
    """Of a place with sessions of its own: doses by formulation and day, and the vials of each week."""

    days: dict[str, Counter[date]]
    vials: dict[str, dict[int, int]]
    given: dict[str, float]
    wasted: dict[str, float]


def forecast(reference: Reference, user: User, question: ForecastQuestion, wait: bool = False) -> Forecast:
    """Doses, vials and stock of an area. wait: however many people have to be read.

    Raises InvalidQuestion, NotFound; BeingRead where many have to be read first and nobody waits.
    """
    _check(question)
    check_area(reference, user, question.set_id, question.area, question.first)
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(question.campaign_id)
        if not campaign.start <= question.first <= campaign.until:
            raise InvalidQuestion(
                mark("Campaign {campaign} runs from {start} to {until}. Ask from a day within that."),
                campaign=campaign.id,
                start=campaign.start.isoformat(),
                until=campaign.until.isoformat(),
            )
        places = default_set(known, question.set_id, question.first)
        check_level(places, question.level)
        question = replace(question, set_id=places.id)
        rules = demand.rules_of(connection, campaign)
        among = cells_in(reference, connection, known, user, places, question.area)
        horizon = Horizon(question.first, question.last, question.follow)
        numbers = coming(reference, connection, campaign, rules, horizon, among, wait)
        cells = {number: cell for number, cell in reference.cells(connection).items() if number in numbers}
        names = {code: unit.name for (level, code), unit in places.units.items() if level == question.level}
        if question.level == HAMLET:
            names = {code: one.label for code, one in known.hamlets.items()}
        shelves = Shelves(
            reference, connection, user, campaign, question.first, (places.id, question.area, question.level)
        )
    of_units = _together(numbers, lambda number: known.leaf(cells[number], places))
    parts = {unit: _part(found, rules, question) for unit, found in of_units.items()}

    def row(code: Row, name: str, units: Iterable[Leaf], shelf: Shelf) -> ForecastRow:
        return _row(code, name, [(of_units[one], parts[one]) for one in units], shelf, rules, question)

    if question.level == HAMLET:
        of_hamlets = _together(numbers, lambda number: cells[number].hamlet_code)
        rows = [
            _without_vials(code, names.get(code or "", code or ""), one, rules, question)
            for code, one in of_hamlets.items()
        ]
    else:
        of_rows: dict[Row, list[Leaf]] = {code: [] for code in shelves.codes}
        for unit in of_units:
            of_rows.setdefault(None if unit is None else places.above(unit, question.level), []).append(unit)
        rows = [
            row(code, names.get(code or "", code or ""), units, shelves.of(code)) for code, units in of_rows.items()
        ]
    total = row("", "", of_units, shelves.everything)
    larger = row("", "", [], shelves.larger) if shelves.larger.stock or shelves.larger.promised else None
    now_by_dose: Counter[str] = Counter()
    for found in of_units.values():
        for one, number in found.items():
            if one.day == question.first and one.dose != ANYBODY:
                now_by_dose[one.dose] += number
    return Forecast(
        question,
        campaign,
        rules,
        places,
        tuple(sorted(rows, key=lambda one: (one.code is None, one.name, one.code or ""))),
        total,
        larger,
        tuple(_weeks(list(parts.values()), question)),
        {dose: now_by_dose[dose] for dose in campaign.doses if now_by_dose[dose]},
        tuple(_coverage(reference, user, campaign, places, question)),
        shelves.elsewhere,
    )


def _check(question: ForecastQuestion) -> None:
    if question.last < question.first:
        raise InvalidQuestion(mark("The last day is before the first. Give them the other way round."))
    if (question.last - question.first).days >= MOST_DAYS:
        raise InvalidQuestion(mark("A forecast is of up to {days} days. Choose a shorter time."), days=MOST_DAYS)
    if not 1 <= question.sessions <= MOST_SESSIONS:
        raise InvalidQuestion(mark("A commune vaccinates on 1 to {most} days a week."), most=MOST_SESSIONS)


def _together(
    numbers: Mapping[int, Mapping[ComingDose, int]], place_of: Callable[[int], At]
) -> dict[At, Counter[ComingDose]]:
    """The doses of cells by the place that each lies in."""
    found: dict[At, Counter[ComingDose]] = {}
    for number, doses in numbers.items():
        if doses:
            found.setdefault(place_of(number), Counter()).update(doses)
    return found


def _without_vials(
    code: Row, name: str, doses: Mapping[ComingDose, int], rules: PlanningRules, question: ForecastQuestion
) -> ForecastRow:
    """A hamlet: its sessions are those of its commune, and so are their vials."""
    row = _row(code, name, [(doses, _Part(_by_day(doses), {}, {}, {}))], Shelf(), rules, question)
    return replace(row, has_vials=False)


def _by_day(doses: Mapping[ComingDose, int]) -> dict[str, Counter[date]]:
    """Doses by formulation and day."""
    days: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for one, number in doses.items():
        if one.dose != ANYBODY:
            days[one.formulation][one.day] += number
    return dict(days)


def _part(doses: Mapping[ComingDose, int], rules: PlanningRules, question: ForecastQuestion) -> _Part:
    """The vials of one place: those of every week are for sessions of their own."""
    part = _Part(_by_day(doses), {}, {}, {})
    weeks: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for formulation, days in part.days.items():
        for day, number in days.items():
            weeks[(day - question.first).days // WEEK][formulation] += number
    for week, needed in weeks.items():
        for need in needs_of(needed, rules, question.sessions):
            code = need.formulation.code
            part.vials.setdefault(code, {})[week] = need.vials
            part.given[code] = part.given.get(code, 0.0) + need.given
            part.wasted[code] = part.wasted.get(code, 0.0) + need.wasted
    return part


def _row(
    code: Row,
    name: str,
    several: Sequence[tuple[Mapping[ComingDose, int], _Part]],
    shelf: Shelf,
    rules: PlanningRules,
    question: ForecastQuestion,
) -> ForecastRow:
    by_day: Counter[date] = Counter()
    people = unknown = unknown_now = 0
    for doses, _ in several:
        for one, number in doses.items():
            if one.dose == ANYBODY:
                people += number
                continue
            by_day[one.day] += number
            if one.formulation == UNKNOWN:
                unknown += number
                unknown_now += number if one.day == question.first else 0
    needs = []
    for formulation in rules.formulations:
        parts = [part for _, part in several if formulation.code in part.days]
        if parts or shelf.stock.get(formulation.code) or shelf.promised.get(formulation.code):
            needs.append(_need(formulation, parts, shelf, rules, question))
    return ForecastRow(
        code,
        name,
        people,
        by_day[question.first],
        by_day.total(),
        unknown_now,
        unknown,
        tuple(needs),
        dict(sorted(by_day.items())),
    )


def _need(
    formulation: Formulation, parts: Sequence[_Part], shelf: Shelf, rules: PlanningRules, question: ForecastQuestion
) -> VaccineNeed:
    code = formulation.code
    due = vials = 0
    needed: defaultdict[date, float] = defaultdict(float)
    for part in parts:
        here, of_place = part.days[code].total(), sum(part.vials.get(code, {}).values())
        due += here
        vials += of_place
        for day, number in part.days[code].items():
            needed[day] += number * of_place * formulation.doses / here
    lots = shelf.stock.get(code, {})
    return VaccineNeed(
        formulation,
        sum(part.days[code][question.first] for part in parts),
        due,
        sum(part.given.get(code, 0.0) for part in parts),
        sum(part.wasted.get(code, 0.0) for part in parts),
        vials,
        # Of all vials together: a buffer of single vials at every place would be a multiple of it.
        with_buffer(vials, float(rules.buffer)),
        sum(doses for doses, _ in lots.values()),
        shelf.promised.get(code, 0),
        run_down(lots, sorted(needed.items()), question.first, question.last),
    )


def _weeks(several: Sequence[_Part], question: ForecastQuestion) -> list[Week]:
    found = []
    for number in range((question.last - question.first).days // WEEK + 1):
        first = question.first + timedelta(days=WEEK * number)
        last = first + timedelta(days=min(WEEK - 1, (question.last - first).days))
        due: Counter[str] = Counter()
        vials: Counter[str] = Counter()
        for part in several:
            for code, days in part.days.items():
                due[code] += sum(doses for day, doses in days.items() if first <= day <= last)
            for code, weeks in part.vials.items():
                vials[code] += weeks.get(number, 0)
        found.append(Week(first, last, dict(due), dict(vials)))
    return found


def _coverage(
    reference: Reference, user: User, campaign: Campaign, places: PlaceSet, question: ForecastQuestion
) -> list[SeriesDue]:
    """Who is due by every group and dose as the pages of coverage say, which sum them in another way."""
    if not campaign.series:
        return []
    group, dose = campaign.series[0]
    asked = Question(campaign.id, group.code, dose.code, question.first, places.leaf, places.id)
    totals = coverage_of_every(reference, user, asked, question.area, (), units=False).totals
    return [
        SeriesDue(group.code, dose.code, total.states[State.DUE])
        for (group, dose), total in zip(campaign.series, totals, strict=True)
    ]
