"""The sample district's invented sites: a health station in each commune, and houses where a team may set up."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from math import hypot
from pathlib import Path

from mapper.domain.sites import Site, SiteKind
from mapper.services import sites
from mapper.services.accounts import User
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store.reference import Hamlet

STATION, HOUSE = "MAU-TYT-{code}", "MAU-NVH-{code}"
PEOPLE_A_DAY = 80
HOUSES = 2
"""In each commune so many hamlets far from its station have a house of culture."""

_ENTERED = "sample sites"
_ASIDE = 0.001
"""Degrees from the middle of its hamlet, so that a station is no dwelling's neighbour."""


def enter(reference: Reference, user: User, root: Path) -> None:
    """Enter them in a supervisor's name, once; what people change or take out afterwards stays so."""
    with reference.database.read() as connection:
        if kept.fact(connection, _ENTERED):
            return
        known = reference.known(connection)
        places = known.sets[known.home or ""]
        names = {unit.code: unit.name for unit in places.at_level(places.leaf)}
    for site in invented(list(known.hamlets.values()), names, _centres(root)):
        sites.enter(reference, user, site)
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, _ENTERED, "yes")


def invented(
    hamlets: Sequence[Hamlet], communes: Mapping[str, str], centres: Mapping[str, tuple[float, float]]
) -> list[Site]:
    """The sites, by commune. centres: lon, lat of each hamlet."""
    found = []
    for code, name in sorted(communes.items()):
        own = sorted(
            (one for one in hamlets if one.commune_code == code), key=lambda one: (-(one.households or 0), one.code)
        )
        if not own:
            continue
        lon, lat = centres[own[0].code]
        bare = name.removeprefix("Xã ")
        found.append(
            Site(
                STATION.format(code=code),
                f"Trạm y tế {bare} (mẫu)",
                SiteKind.FIXED,
                round(lat + _ASIDE, 5),
                round(lon + _ASIDE, 5),
                PEOPLE_A_DAY,
                cold_chain=True,
            )
        )
        far = sorted(own[1:], key=lambda one: -hypot(centres[one.code][0] - lon, centres[one.code][1] - lat))
        for one in far[:HOUSES]:
            east, north = centres[one.code]
            title = f"Nhà văn hóa {one.label} (mẫu)"
            found.append(Site(HOUSE.format(code=one.code), title, SiteKind.MOBILE, north, east))
    return found


def _centres(root: Path) -> dict[str, tuple[float, float]]:
    with (root / "geodata" / "bach_thong_hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["code"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)}
