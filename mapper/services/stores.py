"""Where vaccine is kept, as one user sees it: units of a boundary set and sites, by name, area and who fills them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mapper.domain.places import order_key
from mapper.domain.roles import OVERSEERS
from mapper.domain.stock import SITE, Store
from mapper.errors import InvalidInput, mark
from mapper.linkage.gazetteer import Gazetteer, How, NamedPlace, Told
from mapper.services.accounts import User, holds
from mapper.services.areas import Area
from mapper.services.place_matching import MOST_NAMED, names_of, words_for
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.services.unit_history import area_there
from mapper.store import sites as kept_sites
from mapper.store.database import Connection


@dataclass(frozen=True, slots=True)
class NamedStore:
    """A store as it is shown. around: name of the unit that it lies in, "" for none. own: whether the user fills it.

    key: how forms and files write it.
    """

    store: Store
    name: str
    around: str
    own: bool
    key: str


def key_of(store: Store, set_id: str) -> str:
    """How forms and files of a boundary set write a store: one of another set with that, since codes are given anew."""
    return f"{store.level}:{store.code}" if store.set_id in ("", set_id) else str(store)


class Stores:
    """The stores of a transaction. user: None at the command line, who sees and fills all."""

    def __init__(
        self, reference: Reference, connection: Connection, user: User | None, set_id: str, day: date | None = None
    ) -> None:
        """set_id, day: as for ``questions.default_set``."""
        self._reference, self._connection, self._user = reference, connection, user
        self.known = reference.known(connection)
        self.places = default_set(self.known, set_id, day)
        self._sites = {one.code: one for one in kept_sites.everywhere(connection)}
        self._leaves: dict[str, str | None] = {}
        self._there: dict[Store, tuple[str, str] | None] = {}
        self._seen: dict[Store, bool] = {}

    def name(self, store: Store) -> str:
        """What a store is called; its code where it is no longer here."""
        if store.level == SITE:
            return self._sites[store.code].name if store.code in self._sites else store.code
        places = self.known.sets.get(store.set_id)
        unit = places.units.get((store.level, store.code)) if places else None
        return unit.name if unit else store.code

    def named(self, store: Store) -> NamedStore:
        """A store with its names."""
        own = store.level == SITE or store.set_id == self.places.id
        around = self.line(store)[1:2] if own else self.line(store)[:1]
        unit = self.places.units.get(around[0]) if around else None
        named = self.name(store), unit.name if unit else ""
        return NamedStore(store, *named, self.may_fill(store), key_of(store, self.places.id))

    def line(self, store: Store) -> list[tuple[str, str]]:
        """(level, code) of a store and of the units of the set around it, the innermost first.

        Of a unit of another set those that hold all of its ground; none where it was divided among several.
        """
        levels = self.places.about.levels
        found: list[tuple[str, str]] = []
        if store.level == SITE:
            found.append((SITE, store.code))
            at: tuple[str, str] | None = (levels[-1], self._leaf_of(store.code) or "")
        else:
            at = (store.level, store.code) if store.set_id == self.places.id else self._unit_there(store)
        while at is not None and at in self.places.units:
            found.append(at)
            place = levels.index(at[0])
            parent = self.places.units[at].parent_code
            at = (levels[place - 1], parent) if place and parent else None
        return found

    def leaf(self, store: Store) -> str | None:
        """The innermost unit of the set in which a store lies; None for one of a larger unit."""
        return next((code for level, code in self.line(store) if level == self.places.leaf), None)

    def within(self, store: Store, area: Area | None) -> bool:
        """Whether a store lies in an area."""
        return area is None or (area.level, area.code) in self.line(store)

    def may_see(self, store: Store) -> bool:
        """Whether a store lies in the user's area."""
        user = self._user
        if user is None or not user.areas:
            return True
        if store not in self._seen:
            set_id, code = store.set_id, store.code
            if store.level == SITE:
                set_id, code = self.places.id, self._leaf_of(code) or ""
            self._seen[store] = bool(code) and holds(self._reference, self._connection, user, [(set_id, code)])
        return self._seen[store]

    def may_fill(self, store: Store) -> bool:
        """Whether the user enters what comes to a store and goes from it."""
        return (self._user is None or self._user.role in OVERSEERS) and self.may_see(store)

    def choices(self, area: Area | None = None) -> list[NamedStore]:
        """Every store of an area that the user may see: units with those around them first, then sites, by name."""
        levels = self.places.about.levels
        units = [Store(level, code, self.places.id) for level, code in self.places.units]
        several = [*units, *(Store(SITE, code) for code in self._sites)]
        found = [self.named(one) for one in several if self.within(one, area) and self.may_see(one)]
        order = {level: place for place, level in enumerate((*levels, SITE))}
        return sorted(found, key=lambda one: (order[one.store.level], order_key(one.around), order_key(one.name)))

    def find(self, written: str) -> Store:
        """The store that somebody wrote: LEVEL:CODE, site:CODE, a code or a name alone. Raises InvalidInput.

        SET/LEVEL:CODE is one of that set, from which what lies there may be moved.
        """
        level, colon, code = written.partition(":")
        set_id, slash, at = level.partition("/")
        if slash and set_id in self.known.sets and (at, code) in self.known.sets[set_id].units:
            return Store(at, code, set_id)
        if colon and level in (SITE, *self.places.about.levels):
            found, near = self._of_code(code, level), ""
        else:
            found, near = self._of_code(written), ""
            if not found:
                found, near = self._of_name(written)
        if not found and near:
            raise InvalidInput(
                mark("There is no store {store}. Is one of these meant: {stores}? Write its name, or its code."),
                store=written[:60],
                stores=near,
            )
        if not found:
            raise InvalidInput(
                mark("There is no store {store}. Write the code of a unit of the boundary set, or of a site."),
                store=written[:60] or "–",
            )
        if len(found) > 1:
            several = (", ".join((f"{one.level}:{one.code}", *self._called(one))) for one in found[:MOST_NAMED])
            raise InvalidInput(
                mark("{store} may be one of several stores ({stores}). Write one of these in its place."),
                store=written[:60],
                stores="; ".join(several),
            )
        return found[0]

    def _called(self, store: Store) -> list[str]:
        """Names of a store and of the units around it, the innermost first."""
        return [self.name(store), *(self.places.units[at].name for at in self.line(store)[1:])]

    def _of_code(self, code: str, level: str = "") -> list[Store]:
        """Stores of a code; spreadsheets take the zeros off one that they believe a number."""
        units = [Store(at, each, self.places.id) for at, each in self.places.units if level in ("", at)]
        sites = [Store(SITE, each) for each in self._sites] if level in ("", SITE) else []
        exact = [one for one in (*units, *sites) if one.code == code]
        return exact or [one for one in units if code and one.code.lstrip("0") == code]

    def _of_name(self, written: str) -> tuple[list[Store], str]:
        """Stores of a name, those that the user may see first, and in words what is near where there is none."""
        sites = Gazetteer(NamedPlace(SITE, one.code, one.name) for one in self._sites.values())
        matches = [each.match(Told(name=written)) for each in (names_of(self.places), sites)]
        for hows in ((How.NAME, How.SEVERAL), (How.UNMARKED,)):
            found = [
                Store(place.level, place.code, "" if place.level == SITE else self.places.id)
                for one in matches
                if one.how in hows
                for place in ([one.place] if one.place else one.candidates)
            ]
            if found:
                return [one for one in found if self.may_see(one)] or found, ""
        return [], words_for([place for one in matches for place in one.candidates])

    def _unit_there(self, store: Store) -> tuple[str, str] | None:
        """The smallest unit of the set that holds the ground of a store of another set; None where none does."""
        if store not in self._there:
            places = self.known.sets.get(store.set_id)
            unit = (store.level, store.code)
            held = places is not None and unit in places.units
            found = area_there(self.known, places, Area(*unit), self.places) if places is not None and held else None
            self._there[store] = (found.level, found.code) if found is not None else None
        return self._there[store]

    def _leaf_of(self, site: str) -> str | None:
        """The innermost unit in which a site stands."""
        if site not in self._leaves:
            one = self._sites.get(site)
            self._leaves[site] = self.places.placer.place_one(one.lon, one.lat)[0] if one else None
        return self._leaves[site]
