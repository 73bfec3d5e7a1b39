"""What every request needs to know and what seldom changes, read once a process and again when it has changed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from itertools import pairwise
from pathlib import Path

from mapper.domain.campaign import Campaign
from mapper.domain.people import Whereabouts
from mapper.domain.places import USABLE, Placement, point_fault
from mapper.domain.ranges import Leaf, OneOf, forebears, heirs
from mapper.domain.shelves import UNKNOWN, shelf_of_province
from mapper.domain.succession import Succession, shortest_way
from mapper.domain.targets import Goal
from mapper.errors import NotFound, mark
from mapper.formats.campaign import read_campaign
from mapper.formats.roles import Roles
from mapper.formats.xform import XFormModel
from mapper.geo.counterparts import counterparts
from mapper.geo.placing import Placer
from mapper.services.kept_ages import KeptAges
from mapper.services.kept_houses import KeptHouses
from mapper.services.kept_invitations import KeptInvitations
from mapper.services.kept_latest import KeptLatest
from mapper.services.kept_lists import KeptLists
from mapper.services.kept_people import KeptPeople
from mapper.services.kept_states import KeptStates
from mapper.services.roads import RoadSource
from mapper.store import erasing, sealed_columns, successions, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection, Database
from mapper.store.targets import Place, every_target


@dataclass(frozen=True)
class PlaceSet:
    """A boundary set in memory: its units without outlines, and the index that places points.

    leaf: the innermost level, in which households are placed.
    """

    about: kept.BoundarySet
    units: Mapping[tuple[str, str], kept.UnitRow]
    placer: Placer

    @property
    def id(self) -> str:
        """Id of the set."""
        return self.about.id

    @property
    def leaf(self) -> str:
        """The innermost level."""
        return self.about.levels[-1]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of all units, degrees."""
        west, south, east, north = zip(*(unit.bounds for unit in self.units.values()), strict=True)
        return min(west), min(south), max(east), max(north)

    def above(self, leaf: Leaf, level: str) -> str | None:
        """Code of the unit of that level which holds a leaf unit, or all of which it may be one.

        None where a parent is missing, or where the units it may be lie in several of that level.
        """
        if isinstance(leaf, OneOf):
            around = {self.above(code, level) for code in leaf.codes}
            return around.pop() if len(around) == 1 and not leaf.elsewhere else None
        code = leaf
        for at in reversed(self.about.levels):
            if at == level or code is None:
                return code
            unit = self.units.get((at, code))
            code = unit.parent_code if unit else None
        return None

    def line(self, leaf: Leaf) -> list[str]:
        """A leaf unit's code and those of all units above it; of one of several those above all of them."""
        if isinstance(leaf, OneOf):
            above = (self.above(leaf, level) for level in reversed(self.about.levels))
            return [code for code in above if code is not None]
        codes = []
        code = leaf
        for level in reversed(self.about.levels):
            if code is None:
                break
            codes.append(code)
            unit = self.units.get((level, code))
            code = unit.parent_code if unit else None
        return codes

    def names_of(self, leaf: Leaf) -> tuple[str, ...]:
        """Names of the units in one of which households are; empty where that is one unit, or none."""
        if not isinstance(leaf, OneOf):
            return ()
        return tuple(self.units[self.leaf, code].name for code in leaf.codes)

    def area_km2(self, leaf_code: str) -> float | None:
        """Area of an innermost unit; None where there is none of that code."""
        unit = self.units.get((self.leaf, leaf_code))
        return unit.area_km2 if unit else None

    def at_level(self, level: str) -> list[kept.UnitRow]:
        """All units of a level, by code."""
        return [unit for (at, _), unit in self.units.items() if at == level]

    def in_force(self, day: date) -> bool:
        """Whether the set's period holds a day; that of one on trial holds none."""
        about = self.about
        return not about.trial and (about.valid_from or date.min) <= day <= (about.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a household belongs. units: by set, what counts; placements: by set, what the point alone says."""

    point_state: str
    units: dict[str, str | None]
    placements: dict[str, tuple[str | None, str]]


@dataclass
class Known:
    """Reference data of one revision, with what is worked out from it. Shared by threads, which only add to it.

    sets: that readers may ask for. every_set: with those that are withdrawn, or whose households are still being
    placed: households are placed in all of them.
    targets: those of single places, by campaign, group and dose.
    namespaces: those that forms give their instances, beyond the usual ones; None until somebody asks.
    counterparts: of two sets, the unit of the second in which each innermost unit of the first lies.
    successions: what became of the innermost units of a set in another, by the ids of both.
    """

    revision: int
    campaigns: dict[str, Campaign]
    series: dict[str, list[int]]
    hamlets: dict[str, kept.Hamlet]
    sets: dict[str, PlaceSet]
    home: str | None
    sample: bool
    targets: dict[tuple[str, str, str], dict[Place, Goal]] = field(default_factory=dict)
    roles: dict[tuple[str, str], tuple[Roles, str | None]] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    namespaces: frozenset[str] | None = None
    counterparts: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    successions: dict[tuple[str, str], Succession] = field(default_factory=dict)
    every_set: dict[str, PlaceSet] = field(default_factory=dict)
    anybody_erased: bool = False
    _composed: dict[tuple[str, str], Succession | None] = field(default_factory=dict)
    _leaves: dict[tuple[str, str], Leaf] = field(default_factory=dict)

    def succession(self, old_set: str, new_set: str) -> Succession | None:
        """What became of the units of one set in a later one, over the sets between them; None where nobody told.

        Of several ways the one over the fewest sets counts.
        """
        pair = old_set, new_set
        if pair not in self._composed:
            way = shortest_way(self.successions.keys(), old_set, new_set)
            steps = [self.successions[step] for step in pairwise(way)] if way else []
            self._composed[pair] = reduce(Succession.then, steps) if steps else None
        return self._composed[pair]

    def campaign(self, campaign_id: str) -> Campaign:
        """The campaign of that id. Raises NotFound, which names those that there are."""
        found = self.campaigns.get(campaign_id)
        if found is None:
            raise NotFound(
                mark("There is no campaign {campaign}. Choose one of: {campaigns}."),
                campaign=campaign_id or "-",
                campaigns=", ".join(self.campaigns) or "-",
            )
        return found

    def counterpart(self, places: PlaceSet, leaf_code: str, other: PlaceSet) -> str | None:
        """The innermost unit of another set in which one of this set lies as good as whole; None where it is divided.

        Told by their outlines alone: a code, and even a name, may have been given to another place.
        """
        if places.id == other.id:
            return leaf_code if (places.leaf, leaf_code) in places.units else None
        pair = (places.id, other.id)
        if pair not in self.counterparts:
            bounds = {unit.code: unit.bounds for unit in places.at_level(places.leaf)}
            self.counterparts[pair] = counterparts(bounds, places.placer, other.placer)
        return self.counterparts[pair].get(leaf_code)

    def followed(self, home_code: str | None, places: PlaceSet) -> Leaf:
        """Where in another set households are of which no more is known than their unit of the home set.

        What was told of its heirs counts, or in an older set of its forebears. Where nobody told of the two sets,
        their outlines do, and only for a unit that lies in one as good as whole, as with hamlets of the list.
        """
        if home_code is None or self.home is None:
            return None
        if places.id == self.home:
            return home_code if (places.leaf, home_code) in places.units else None
        key = (home_code, places.id)
        if key not in self._leaves:
            self._leaves[key] = self._follow(self.every_set[self.home], home_code, places)
        return self._leaves[key]

    def _follow(self, home: PlaceSet, code: str, places: PlaceSet) -> Leaf:
        later = self.succession(home.id, places.id)
        if later is not None:
            return heirs(later, code, places.area_km2)
        earlier = self.succession(places.id, home.id)
        if earlier is not None:
            return forebears(earlier, code, places.area_km2)
        return self.counterpart(home, code, places)

    def leaf(self, cell: tallies.Cell, places: PlaceSet) -> Leaf:
        """Where households of a cell are in a set: in a unit, in one of several, or nobody knows."""
        unit = cell.units.get(places.id)
        return unit if unit is not None else self.followed(cell.units.get(self.home or ""), places)

    def place(self, visit: Whereabouts, accuracy_limit_m: float) -> Placed:
        """Where a household belongs in every set: by its point, else by the commune chosen in the form.

        The chosen commune is one of the hamlet list's own set, since codes are given to other places later. In another
        set a household whose point lies in no unit there is where its unit of the list's set went as a whole.
        """
        fault = point_fault(visit.point, accuracy_limit_m)
        units: dict[str, str | None] = {}
        placements: dict[str, tuple[str | None, str]] = {}
        for set_id, places in self.every_set.items():
            code: str | None = None
            result = fault or Placement.OUTSIDE
            if fault is None and visit.point is not None:
                code, on_border = places.placer.place_one(visit.point.lon, visit.point.lat)
                if code is not None:
                    result = Placement.BORDER if on_border else Placement.INSIDE
            placements[set_id] = (code, result.value)
            units[set_id] = code
        if self.home is not None and None in units.values():
            at_home = units[self.home] = units[self.home] or self._chosen(visit)
            for set_id, places in self.every_set.items():
                if units[set_id] is None:
                    units[set_id] = self.without_point(at_home, places)
        return Placed(USABLE if fault is None else fault.value, units, placements)

    def without_point(self, at_home: str | None, places: PlaceSet) -> str | None:
        """The unit of a set in which households count whose point lies in none there. at_home: theirs at home."""
        there = self.followed(at_home, places)
        return there if isinstance(there, str) else None

    def shelf(self, units: Mapping[str, str | None]) -> int:
        """The shelf of a province's new cells. units: theirs, by set; that of the hamlet list's set counts first."""
        for set_id in dict.fromkeys((self.home or "", *units)):
            code, places = units.get(set_id), self.every_set.get(set_id)
            if code is not None and places is not None:
                shelf = shelf_of_province(places.above(code, places.about.levels[0]))
                if shelf != UNKNOWN:
                    return shelf
        return UNKNOWN

    def _chosen(self, visit: Whereabouts) -> str | None:
        """The home set's unit that was chosen in the form."""
        code = visit.commune_code
        if code is None and visit.hamlet_code in self.hamlets:
            code = self.hamlets[visit.hamlet_code].commune_code
        places = self.every_set[self.home or ""]
        return code if code is not None and (places.leaf, code) in places.units else None


class Reference:
    """The database together with what is known from it; the one object that services are handed.

    secret_key: the operator's key of this installation; empty where the one kept in the database counts. folder: for
    what can be made again at any time; None for one of this process. roads: what plans reckon ways by. dask: address of
    the scheduler whose workers place a whole register's points; empty for none.
    """

    def __init__(
        self,
        database: Database,
        secret_key: str = "",
        folder: Path | None = None,
        roads: RoadSource | None = None,
        dask: str = "",
    ) -> None:
        self.database = database
        self.folder = folder
        self.secret_key = secret_key
        self.roads = roads or RoadSource()
        self.dask = dask
        self.states = KeptStates()
        self.latest = KeptLatest()
        self.ages = KeptAges()
        self.houses = KeptHouses()
        self.lists = KeptLists()
        self.people = KeptPeople()
        self.invited = KeptInvitations()
        self._known: Known | None = None
        self._lock = threading.Lock()
        self._cells: dict[int, tallies.Cell] = {}
        self._cells_as_of = -1
        self._ready: dict[tuple[str, str], PlaceSet] = {}

    def make_ready(self) -> None:
        """Read boundary sets that are here and not announced yet, so that no phone waits for their point index."""
        with self.database.read() as connection:
            known = self.known(connection)
            coming = {
                (about.id, about.imported_at): about
                for about in kept.boundary_sets(connection)
                if about.id not in known.every_set and about.state is not kept.SetState.ARRIVING
            }
            for key, about in coming.items():
                if key not in self._ready and (places := _place_set(connection, about)) is not None:
                    self._ready[key] = places
        for key in self._ready.keys() - coming.keys():
            del self._ready[key]

    def keep_ready(self, places: PlaceSet) -> None:
        """A set that is here now, as whoever made it has it in memory: it need not be read."""
        self._ready[places.about.id, places.about.imported_at] = places

    def ready(self) -> dict[str, PlaceSet]:
        """Sets that are here and not announced yet, as far as they were made ready, by id."""
        return {places.id: places for places in self._ready.copy().values()}

    def here(self) -> Known:
        """What is known, with the sets that are here and not announced yet; as of now, not of a transaction."""
        self.make_ready()
        with self.database.read() as connection:
            known = self.known(connection)
        return replace(known, every_set=self.ready() | known.every_set)

    def place_set(self, set_id: str) -> PlaceSet:
        """A set that is here, announced already or not. Raises NotFound."""
        self.make_ready()
        with self.database.read() as connection:
            found = self.known(connection).every_set.get(set_id) or self.ready().get(set_id)
        if found is None:
            raise NotFound(mark("There is no boundary set {set}. Choose one of: {sets}."), set=set_id, sets="-")
        return found

    def known(self, connection: Connection) -> Known:
        """Reference data as of this transaction."""
        revision = kept.revision(self.database, connection)
        known = self._known
        if known is None or known.revision != revision:
            with self._lock:
                known = self._known
                if known is None or known.revision != revision:
                    sealed_columns.agree(self.database, connection)
                    known = self._known = _read(self.database, connection, revision, known, self._ready.copy())
        return known

    def roles(
        self, connection: Connection, known: Known, form_id: str, version: str
    ) -> tuple[Roles, str | None] | None:
        """Roles of a form version and its campaign; None where that version was never published."""
        key = (form_id, version)
        found = known.roles.get(key)
        if found is None:
            form = kept.form(connection, form_id, version)
            if form is None:
                return None
            found = known.roles[key] = (Roles.of(XFormModel.from_json(form.model)), form.campaign_id)
        return found

    def namespaces(self, connection: Connection, known: Known) -> frozenset[str]:
        """Namespaces of their own that published forms give their instances."""
        if known.namespaces is None:
            models = [XFormModel.from_json(text) for text in kept.form_models(connection)]
            known.namespaces = frozenset(model.namespace for model in models if model.namespace)
        return known.namespaces

    def cells(self, connection: Connection) -> dict[int, tallies.Cell]:
        """The cells of the tallies by number, all that this transaction can meet."""
        # Their count tells, and not the highest number: on PostgreSQL a lower one may be kept after it. A boundary set
        # that was added has given old ones units of its own.
        count, revision = tallies.cells_stand(connection)
        with self._lock:
            if len(self._cells) < count or self._cells_as_of < revision:
                self._cells = {cell.id: cell for cell in tallies.cells(connection)}
                self._cells_as_of = revision
            return self._cells

    def is_sample(self) -> bool:
        """Whether this installation holds invented households."""
        with self.database.read() as connection:
            return self.known(connection).sample

    def forget(self) -> None:
        """Read everything again next time: what was learnt in a transaction that failed is not true."""
        with self._lock:
            self._known = None
            self._cells = {}
            self._cells_as_of = -1


def _place_set(connection: Connection, about: kept.BoundarySet) -> PlaceSet | None:
    content = kept.placer(connection, about.id)
    if content is None:
        return None
    units = {(unit.level, unit.code): unit for unit in kept.units(connection, about.id)}
    return PlaceSet(about, units, Placer.from_bytes(content))


def _read(
    database: Database,
    connection: Connection,
    revision: int,
    before: Known | None,
    ready: Mapping[tuple[str, str], PlaceSet],
) -> Known:
    campaigns = {campaign_id: read_campaign(toml) for campaign_id, toml in kept.campaigns(connection)}
    series = {}
    for campaign_id, campaign in campaigns.items():
        numbers = kept.series_ids(connection, campaign_id)
        series[campaign_id] = [numbers[group.code, dose.code] for group, dose in campaign.series]
    hamlets = {hamlet.code: hamlet for hamlet in kept.hamlets(connection)}
    sets: dict[str, PlaceSet] = {}
    for about in kept.boundary_sets(connection):
        if about.state is kept.SetState.ARRIVING:
            continue
        known = before.every_set.get(about.id) if before is not None else None
        known = known or ready.get((about.id, about.imported_at))
        if known is not None and replace(known.about, state=about.state) == about:
            sets[about.id] = known if known.about == about else replace(known, about=about)
            continue
        places = _place_set(connection, about)
        if places is not None:
            sets[about.id] = places
    return Known(
        revision,
        campaigns,
        series,
        hamlets,
        {set_id: places for set_id, places in sets.items() if places.about.state is kept.SetState.SHOWN},
        home_of(list(sets.values()), hamlets.values()),
        kept.fact(connection, "sample") == "yes",
        _targets(connection),
        counterparts={
            pair: found
            for pair, found in (before.counterparts if before is not None else {}).copy().items()
            if before is not None
            and all(set_id in sets and sets[set_id].placer is before.every_set[set_id].placer for set_id in pair)
        },
        successions=successions.every(connection),
        every_set=sets,
        anybody_erased=erasing.any_marks(database, connection),
    )


def shelves_of(places: PlaceSet) -> set[int]:
    """The shelves of a set's provinces."""
    return {shelf_of_province(unit.code) for unit in places.at_level(places.about.levels[0])}


def _targets(connection: Connection) -> dict[tuple[str, str, str], dict[Place, Goal]]:
    found: dict[tuple[str, str, str], dict[Place, Goal]] = {}
    for one in every_target(connection):
        of_series = found.setdefault((one.campaign_id, one.group_code, one.dose_code), {})
        of_series[one.place] = Goal(one.target, one.deadline, own=True)
    return found


def home_of(sets: Sequence[PlaceSet], hamlets: Iterable[kept.Hamlet], before: str | None = None) -> str | None:
    """The set whose commune codes hamlets use, which knows most of them; on a tie ``before``, else the earliest."""
    communes = {hamlet.commune_code for hamlet in hamlets}
    sets = [places for places in sets if not places.about.trial] or sets
    known = Counter({places.id: sum((places.leaf, code) in places.units for code in communes) for places in sets})
    best = max(known.values(), default=0)
    if best == 0:
        return None
    tied = [places for places in sets if known[places.id] == best]
    return min(tied, key=lambda places: (places.id != before, places.about.valid_from or date.min, places.id)).id
