"""The people whom a filter wants: one answer for page, count, map, API and export, as of one moment.

Only households that the asking user may see are looked among, whatever the filter says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from mapper.domain.campaign import Campaign, Group, Label, Period
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.places import fold
from mapper.domain.walk import number_key
from mapper.errors import NotFound, mark
from mapper.geo.drawn import polygon, within_any
from mapper.services import invitations
from mapper.services.accounts import User
from mapper.services.areas import cells_in, read_area
from mapper.services.people_copy import copy_of
from mapper.services.questions import default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store import tallies
from mapper.store.column_conditions import Condition, Scope, condition
from mapper.store.columns import Asking, PersonRow, Table
from mapper.store.database import Connection

AT_ONCE = 5000
"""People read together where all of them are."""

IN_A_SHEET = 100_000
"""The same of a wide table, about."""


@dataclass(frozen=True, slots=True)
class FilterQuestion:
    """A filter with what its words belong to. set_id: of the boundary set, "" for the usual one. day: asked about."""

    campaign_id: str
    set_id: str
    day: date
    wanted: PeopleFilter


@dataclass(frozen=True, slots=True)
class Place:
    """Where a household belongs, by name: hamlet and innermost unit, with their codes; "" where it is in none.

    one_of: names of several units, where it is in one of these and nobody can tell in which.
    """

    hamlet: str
    hamlet_code: str
    unit: str
    unit_code: str
    one_of: tuple[str, ...] = ()


class Filtered:
    """The people wanted, while the moment is held; see ``filtered``."""

    def __init__(
        self,
        known: Known,
        places: PlaceSet,
        campaign: Campaign,
        question: FilterQuestion,
        cells: dict[int, tallies.Cell],
        asking: Asking,
        wanted: Condition,
        series: int | None,
    ) -> None:
        self.known = known
        self.places = places
        self.campaign = campaign
        self.question = question
        self._cells = cells
        self._asking = asking
        self._wanted = wanted
        self._series = series
        self._rank()

    def count(self) -> tuple[int, int]:
        """People, and households they belong to."""
        return self._asking.count(self._wanted)

    def by_cell(self) -> dict[int, int]:
        """How many people there are in each cell that has any."""
        return self._asking.by_cell(self._wanted)

    def page(self, first: int, limit: int) -> list[PersonRow]:
        """Some people, hamlet by hamlet and house by house."""
        return self._read(self._asking.numbers(self._wanted, first, limit))

    def people(self) -> Iterator[list[PersonRow]]:
        """All of them in the same order, some at a time; memory stays flat."""
        numbers = self._asking.numbers(self._wanted)
        for first in range(0, len(numbers), AT_ONCE):
            yield self._read(numbers[first : first + AT_ONCE])

    def sheets(self) -> Iterator[Table]:
        """All of them in the same order as wide tables of whole cells; see ``Asking.sheet``. Memory stays flat."""
        here = self.by_cell()
        some: list[int] = []
        people = 0
        for cell in self._ranked:
            if cell in here:
                some.append(cell)
                people += here[cell]
            if people >= IN_A_SHEET:
                yield self._sheet(some)
                some, people = [], 0
        yield self._sheet(some)

    def _sheet(self, cells: Sequence[int]) -> Table:
        codes = list(self.campaign.doses)
        return self._asking.sheet(self._wanted, cells, codes, self._series, self.question.day)

    @property
    def asking(self) -> Asking:
        """What answers other views of the same people, in ``store.column_views``."""
        return self._asking

    @property
    def condition(self) -> Condition:
        """The filter as a condition, for them."""
        return self._wanted

    @property
    def cells(self) -> Sequence[int]:
        """Every cell, in the order of lists."""
        return self._ranked

    @property
    def tells_state(self) -> bool:
        """Whether it says where people stand: only for a group and a dose."""
        return self._series is not None

    def place(self, cell: int) -> Place:
        """Where a cell lies."""
        one = self._cells[cell]
        unit, hamlet = one.units.get(self.places.id) or "", one.hamlet_code or ""
        found, listed = self.places.units.get((self.places.leaf, unit)), self.known.hamlets.get(hamlet)
        one_of = self.places.names_of(self.known.leaf(one, self.places))
        return Place(listed.label if listed else hamlet, hamlet, found.name if found else unit, unit, one_of)

    def _read(self, numbers: Sequence[int]) -> list[PersonRow]:
        return self._asking.people(numbers, self._series, self.question.day) if len(numbers) else []

    def _rank(self) -> None:
        """Tell the copy in which order hamlets are told: by the name of their unit and their own."""

        def order(cell: int) -> tuple[object, ...]:
            at = self.place(cell)
            return (
                *(not at.unit, fold(at.unit), at.unit_code),
                *(not at.hamlet, number_key(fold(at.hamlet)), at.hamlet_code, cell),
            )

        self._ranked = sorted(self._cells, key=order)
        self._asking.register("places", cell=self._ranked, rank=range(len(self._ranked)))


@contextmanager
def filtered(reference: Reference, user: User, question: FilterQuestion) -> Iterator[Filtered]:
    """Whom a filter wants, as of this moment, among what a user may see.

    Raises NotFound for a campaign, set, area, group or dose that is not there, ``people_copy.NotReady`` while the
    copy is being made.
    """
    wanted = question.wanted
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(question.campaign_id)
        places = default_set(known, question.set_id, question.day)
        of_group, series = _series(campaign, wanted)
        with copy_of(reference).asked(reference, connection, campaign.id) as asking:
            if wanted.within:
                _register_within(asking, wanted)
            invited = wanted.asks_invited and _register_invited(reference, connection, campaign.id, asking, wanted)
            scope = Scope(
                day=question.day,
                cells=_cells(reference, connection, known, user, places, wanted),
                of_group=of_group,
                series=series,
                births=_births(wanted, question.day),
                within=bool(wanted.within),
                invited=invited,
                first=campaign.start,
            )
            held = reference.cells(connection)
            yield Filtered(known, places, campaign, question, held, asking, condition(wanted, scope), series)


def _cells(
    reference: Reference, connection: Connection, known: Known, user: User, places: PlaceSet, wanted: PeopleFilter
) -> list[int] | None:
    if not wanted.areas:
        return cells_in(reference, connection, known, user, places, None)
    found: set[int] = set()
    for text in wanted.areas:
        found.update(cells_in(reference, connection, known, user, places, read_area(text)) or ())
    return sorted(found)


def _series(campaign: Campaign, wanted: PeopleFilter) -> tuple[list[int], int | None]:
    """Places in ``Campaign.series`` of a filter's group, and the one of its dose."""
    if not wanted.group:
        return [], None
    of_group = [place for place, (group, _) in enumerate(campaign.series) if group.code == wanted.group]
    if not of_group:
        raise NotFound(
            mark("The campaign has no group {group}. Choose one of: {groups}."),
            group=wanted.group[:60],
            groups=", ".join(group.code for group in campaign.groups),
        )
    if not wanted.dose:
        return of_group, None
    for place in of_group:
        if campaign.series[place][1].code == wanted.dose:
            return of_group, place
    raise NotFound(
        mark("The group {group} has no dose {dose}. Choose one of: {doses}."),
        group=wanted.group,
        dose=wanted.dose[:60],
        doses=", ".join(campaign.series[place][1].code for place in of_group),
    )


def _births(wanted: PeopleFilter, day: date) -> tuple[int, int] | None:
    if wanted.age_from is None and wanted.age_to is None:
        return None
    oldest = Period(12 * (wanted.age_to + 1)) if wanted.age_to is not None else None
    youngest = Period(12 * wanted.age_from) if wanted.age_from else None
    return Group("", Label(""), (), from_age=youngest, to_age=oldest).births(day, day)


def _register_within(asking: Asking, wanted: PeopleFilter) -> None:
    """Let the copy know the households inside a drawn polygon; those on its edge are inside."""
    lats, lons = zip(*wanted.within, strict=True)
    near = asking.points(min(lats), min(lons), max(lats), max(lons))
    inside = within_any([polygon(wanted.within)], [(lon, lat) for _, lat, lon in near])
    asking.register("within", seq=[one[0] for one, yes in zip(near, inside, strict=True) if yes])


def _register_invited(
    reference: Reference, connection: Connection, campaign_id: str, asking: Asking, wanted: PeopleFilter
) -> bool:
    """Let the copy know whom plans in use ask to come, as far as the filter's days and sites say."""
    first, last = wanted.invited_from or date.min, wanted.invited_to or date.max
    sites = frozenset(wanted.invited_sites)
    every = invitations.invited(reference, connection, campaign_id)
    asking.register(
        "invited",
        # An id that nobody has keeps the column one of texts.
        id=["", *(id for id, one in every.items() if first <= one.day <= last and (not sites or one.code in sites))],
    )
    return True
