"""Places by their names in every boundary set and list of hamlets, as a user may see them, and where they lie now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mapper.errors import InvalidQuestion, mark
from mapper.linkage.gazetteer import How, NamedPlace, Told
from mapper.linkage.name_search import NEAR, NameSearch
from mapper.services.accounts import User
from mapper.services.listed import Visited, visible_hamlets, visited_in
from mapper.services.place_matching import named, names_of
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import visible_rows
from mapper.store import tallies
from mapper.store.database import Connection
from mapper.store.reference import Hamlet

LONGEST = 100
MOST = 50
MOST_HEIRS = 12

_MOST_KEPT = 8
_searches: list[tuple[tuple[Mapping[Any, Any], ...], NameSearch]] = []


@dataclass(frozen=True, slots=True)
class Today:
    """Where ground of an old unit lies on the day that was asked for. whole: all of it."""

    set_id: str
    level: str
    code: str
    name: str
    whole: bool


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """A place. set_id: of its boundary set; of a hamlet, that of the communes' lists. bounds: west, south, east, north
    of the place, of a hamlet those of its commune; None where unknown. rank: of name_search.

    today: where it lies in the set in force, where it is of another; empty where nobody told.
    """

    set_id: str
    set_label: str
    valid_from: date | None
    valid_to: date | None
    place: NamedPlace
    bounds: tuple[float, float, float, float] | None
    rank: int
    today: tuple[Today, ...]

    @property
    def near(self) -> bool:
        """Whether it is only like what was asked for."""
        return self.rank == NEAR


def search(
    reference: Reference, user: User, typed: str, day: date, set_id: str = "", most: int = 20, into: str = ""
) -> list[PlaceFound]:
    """Places whose names begin as typed, the best first and of the sets in force first; near ones where there is none.

    set_id: of one set alone, "" for all. into: the set that comes first and in which the others' ground is told, "" for
    the one in force. Raises InvalidQuestion for nothing or too much typed, NotFound for a set that is not here.
    """
    if not 0 < len(typed.strip()) <= LONGEST:
        raise InvalidQuestion(mark("Write a name or a code to look for, of {limit} characters at most."), limit=LONGEST)
    with reference.database.read() as connection:
        known = reference.known(connection)
        if not known.sets:
            return []
        now = default_set(known, into, day)
        several = [default_set(known, set_id)] if set_id else list(known.sets.values())
        several.sort(key=lambda each: (each is not now, not each.in_force(day)))
        found = [
            hit for places in several for hit in _in_set(reference, connection, known, user, places, now, typed, most)
        ]
        home = known.sets.get(known.home or "")
        if home is not None and home in several:
            found += _hamlets(reference, connection, known, user, home, now, typed, most)
    near = [hit for hit in found if hit.rank < NEAR]
    return sorted(near or found, key=lambda hit: hit.rank)[: min(most, MOST)]


def _in_set(
    reference: Reference,
    connection: Connection,
    known: Known,
    user: User,
    places: PlaceSet,
    now: PlaceSet,
    typed: str,
    most: int,
) -> list[PlaceFound]:
    leaves = visible_rows(reference, connection, known, places, user)
    levels = places.about.levels
    seen = None
    if leaves is not None:
        lines = [list(zip(levels[::-1], places.line(leaf), strict=False)) for leaf in leaves]
        seen = {key for line in lines for key in line}

    def fits(place: NamedPlace) -> bool:
        return seen is None or place.key in seen

    hits = [(hit.rank, hit.place) for hit in _search_of((places.units,), lambda: named(places)).find(typed, most, fits)]
    if not hits:
        own = None if seen is None else list(seen)
        near = names_of(places).match(Told(name=typed), None, own)
        hits = [(NEAR, place) for place in near.candidates if near.how is How.UNKNOWN and fits(place)]
    return [
        _found(places, place, places.units[place.key].bounds, rank, _today(known, places, now, place))
        for rank, place in hits
    ]


def _hamlets(
    reference: Reference,
    connection: Connection,
    known: Known,
    user: User,
    home: PlaceSet,
    now: PlaceSet,
    typed: str,
    most: int,
) -> list[PlaceFound]:
    def visited(at: str) -> Visited:
        houses = [
            row
            for campaign in known.campaigns
            for row in tallies.houses(reference.database, connection, campaign, None)
        ]
        return visited_in(reference.cells(connection), houses, at)

    seen = {one.code for one in visible_hamlets(known, user, visited)} if user.areas else None
    hits = _search_of((known.hamlets, home.units), lambda: _named_hamlets(known.hamlets, home)).find(
        typed, most, lambda place: seen is None or place.code in seen
    )
    found = []
    for hit in hits:
        commune = known.hamlets[hit.place.code].commune_code
        unit = home.units.get((home.leaf, commune))
        today: tuple[Today, ...] = ()
        if unit is not None:
            today = _today(known, home, now, NamedPlace(home.leaf, commune, unit.name))
        found.append(_found(home, hit.place, unit.bounds if unit else None, hit.rank, today))
    return found


def _named_hamlets(hamlets: Mapping[str, Hamlet], home: PlaceSet) -> list[NamedPlace]:
    lines: dict[str, tuple[tuple[str, str, str], ...]] = {}
    for place in named(home):
        if place.level == home.leaf:
            lines[place.code] = ((place.level, place.code, place.name), *place.around)
    return [NamedPlace(HAMLET, one.code, one.label, lines.get(one.commune_code, ())) for one in hamlets.values()]


def _found(
    places: PlaceSet,
    place: NamedPlace,
    bounds: tuple[float, float, float, float] | None,
    rank: int,
    today: tuple[Today, ...],
) -> PlaceFound:
    about = places.about
    return PlaceFound(places.id, about.label, about.valid_from, about.valid_to, place, bounds, rank, today)


def _today(known: Known, places: PlaceSet, now: PlaceSet, place: NamedPlace) -> tuple[Today, ...]:
    """Where an old unit lies in the set in force: its heirs; of a larger one the outermost units that hold these."""
    if (places.about.valid_from or date.min) >= (now.about.valid_from or date.min):
        return ()
    whole: dict[tuple[str, str], bool] = {}
    level = now.leaf if place.level == places.leaf else now.about.levels[0]
    leaves = (
        [place.code]
        if place.level == places.leaf
        else [leaf.code for leaf in places.at_level(places.leaf) if places.above(leaf.code, place.level) == place.code]
    )
    for leaf in leaves:
        for heir, all_of_it in _heirs(known, places, now, leaf):
            code = now.above(heir, level)
            if code is not None and (level, code) in now.units:
                whole[level, code] = whole.get((level, code), True) and all_of_it
    single = len(whole) == 1
    return tuple(
        Today(now.id, at, code, now.units[at, code].name, all_of_it if place.level == places.leaf else single)
        for (at, code), all_of_it in list(whole.items())[:MOST_HEIRS]
    )


def _heirs(known: Known, places: PlaceSet, now: PlaceSet, leaf: str) -> Sequence[tuple[str, bool]]:
    told = known.succession(places.id, now.id)
    if told is not None:
        return [(heir.new, heir.whole) for heir in told.of_old.get(leaf, ())]
    there = known.counterpart(places, leaf, now)
    return [(there, True)] if there is not None else []


def _search_of(made_of: tuple[Mapping[Any, Any], ...], make: Callable[[], Sequence[NamedPlace]]) -> NameSearch:
    """The search over some places, kept while what they are made of is the same, though read anew."""
    for number, (of, made) in enumerate(_searches):
        if len(of) == len(made_of) and all(
            one is other or one == other for one, other in zip(of, made_of, strict=True)
        ):
            if any(one is not other for one, other in zip(of, made_of, strict=True)):
                _searches[number] = (made_of, made)
            return made
    made = NameSearch(make())
    _searches.append((made_of, made))
    del _searches[:-_MOST_KEPT]
    return made
