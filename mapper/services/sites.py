"""Where people can be vaccinated: the sites of an installation, entered one by one or as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mapper.domain.places import order_key
from mapper.domain.roles import OVERSEERS
from mapper.domain.sites import Site
from mapper.domain.stock import SITE, Book, Store
from mapper.errors import Conflict, Forbidden, NotFound, mark
from mapper.formats.site_list import COLUMNS, ListedSite, read_site_table, read_sites, told_by
from mapper.geo.site_layer import is_site_layer, read_site_points
from mapper.services import audit
from mapper.services.accounts import User, holds
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.store import sites as kept
from mapper.store import stock
from mapper.store.database import Connection


@dataclass(frozen=True, slots=True)
class TakenSites:
    """What a file of sites did. new, changed, same: how many sites."""

    new: int
    changed: int
    same: int


@dataclass(frozen=True, slots=True)
class ShownSite:
    """A site as a reader sees it. unit: name of the innermost unit it stands in, "" outside of all.

    own: whether the reader may change it.
    """

    site: Site
    unit: str
    own: bool


def shown_to(reference: Reference, user: User, set_id: str = "") -> list[ShownSite]:
    """All sites, by unit and name: where they stand is no secret. set_id: of the units; "" for that of the lists."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id) if known.sets else None
        found = []
        for one in kept.everywhere(connection):
            unit, _ = places.placer.place_one(one.lon, one.lat) if places else (None, False)
            name = places.units[places.leaf, unit].name if places and unit is not None else ""
            own = user.role in OVERSEERS and (
                not user.areas
                or (places is not None and unit is not None and holds(reference, connection, user, [(places.id, unit)]))
            )
            found.append(ShownSite(one, name, own))
    return sorted(found, key=lambda one: (order_key(one.unit), one.site.kind, order_key(one.site.name)))


def everywhere(reference: Reference) -> list[Site]:
    """All sites, by code: where they stand is no secret."""
    with reference.database.read() as connection:
        return kept.everywhere(connection)


def take_file(reference: Reference, user: User | None, name: str, data: bytes) -> TakenSites:
    """Enter the sites of a CSV, workbook, GeoJSON or KML, each in place of the one of its code.

    user: None at the command line. Of a file with one wrong row nothing is taken. Raises InvalidInput, TooLarge, which
    name the row; Forbidden where a site, new or old, lies outside the user's area.
    """
    sites = read_file(name, data)
    with reference.database.write() as connection:
        old = {one.code: one for one in kept.everywhere(connection)}
        changed = [one for one in sites if one != old.get(one.code)]
        _allow(reference, connection, user, [*changed, *(old[one.code] for one in changed if one.code in old)])
        _keep(reference, connection, user, changed)
        new = sum(one.code not in old for one in changed)
        taken = TakenSites(new, len(changed) - new, len(sites) - len(changed))
        _record(reference, connection, user, "sites.taken", "", new=taken.new, changed=taken.changed)
    return taken


def read_file(name: str, data: bytes) -> list[Site]:
    """The sites that a file tells. Raises InvalidInput, TooLarge."""
    if not is_site_layer(name):
        return read_site_table(name, data)
    points = read_site_points(name, data)
    return read_sites(
        name,
        [
            ListedSite(one.number, told_by(one.fields) | {"lat": f"{one.lat:.7f}", "lon": f"{one.lon:.7f}"})
            for one in points
        ],
    )


def read_one(fields: Mapping[str, str]) -> Site:
    """The site that a form tells, by the names of a list's columns. Raises InvalidInput, naming the field."""
    told = {name: value.strip() for name, value in fields.items() if name in COLUMNS}
    return read_sites("", [ListedSite(0, told)])[0]


def as_typed(site: Site) -> dict[str, str]:
    """A site as a form tells it; ``read_one`` makes the same site of it."""
    return {
        "code": site.code,
        "name": site.name,
        "kind": site.kind.value,
        "lat": f"{site.lat:.6f}",
        "lon": f"{site.lon:.6f}",
        "capacity": "" if site.capacity is None else str(site.capacity),
        "cold_chain": "yes" if site.cold_chain else "no",
    }


def enter(reference: Reference, user: User, site: Site) -> None:
    """Enter a site, or change the one of its code. Raises Forbidden where either lies outside the user's area."""
    with reference.database.write() as connection:
        old = [one for one in kept.everywhere(connection) if one.code == site.code]
        _allow(reference, connection, user, [site, *old])
        _keep(reference, connection, user, [site])
        _record(reference, connection, user, "site.changed" if old else "site.entered", site.code)


def remove(reference: Reference, user: User, code: str) -> None:
    """Take a site out. Raises NotFound, Forbidden; Conflict while vaccine stands there."""
    with reference.database.write() as connection:
        old = [one for one in kept.everywhere(connection) if one.code == code]
        if not old:
            raise NotFound(mark("There is no site {code}."), code=code)
        _allow(reference, connection, user, old)
        store = Store(SITE, code)
        book = Book(stock.of_store(connection, store))
        doses = sum(number for held, number in book.at_hand(date.max).items() if held.store == store)
        if doses:
            raise Conflict(
                mark(
                    "{doses} doses of vaccine stand at the site {name} by the ledger. Move or count them there first."
                ),
                doses=doses,
                name=old[0].name,
            )
        kept.remove(reference.database, connection, [code])
        _record(reference, connection, user, "site.removed", code)


def _keep(reference: Reference, connection: Connection, user: User | None, sites: list[Site]) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    kept.save(reference.database, connection, sites, user.id if user else None, at)


def _allow(reference: Reference, connection: Connection, user: User | None, sites: list[Site]) -> None:
    """Raises Forbidden unless the user oversees the land on which all of the sites stand."""
    if user is None:
        return
    if user.role not in OVERSEERS:
        raise Forbidden(mark("Sites are entered by those who oversee an area. Ask your supervisor."))
    if not user.areas:
        return
    places = default_set(reference.known(connection))
    for one in sites:
        unit, _ = places.placer.place_one(one.lon, one.lat)
        if unit is None or not holds(reference, connection, user, [(places.id, unit)]):
            raise Forbidden(mark("The site {name} does not lie in your area. Take it out of the list."), name=one.name)


def _record(
    reference: Reference, connection: Connection, user: User | None, action: str, subject: str, **facts: int
) -> None:
    number, name = (user.id, user.name) if user else (None, audit.COMMAND_LINE)
    audit.record(reference, connection, number, name, action, subject, facts)
