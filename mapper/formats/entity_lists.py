"""The entity lists of a campaign: which of a form's media they are, and the files that phones read them from.

Phones keep one list of a name for all forms. Two names are known, and a second campaign puts a word of its own in
front: ``measles_households``. A list is CSV; that of households is also GeoJSON, where a form asks for it so. Of a CSV
the phone keeps the rows as entities; the GeoJSON is a file like any other, and shows what the server knows.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from io import StringIO

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_CONTROL = re.compile(r"[\x00-\x20\x7f]+")


class EntityList(StrEnum):
    """What the rows of a list are."""

    HOUSEHOLDS = "households"
    PEOPLE = "people"


_VERSIONS = ("name", "label", "__version", "__trunkVersion", "__branchId")
COLUMNS = {
    EntityList.HOUSEHOLDS: (
        *_VERSIONS,
        "geometry",
        "commune",
        "hamlet",
        "house_number",
        "head",
        "phone",
        "outcome",
        "state",
        "state_text",
        "due_text",
        "marker-color",
        "marker-symbol",
    ),
    EntityList.PEOPLE: (
        *_VERSIONS,
        "household",
        "person_name",
        "sex",
        "born",
        "age_text",
        "residence",
        "state",
        "due",
        "due_text",
        "vaccines",
        "doses_text",
        "deferred_until",
    ),
}
"""The columns of each list; the first five are what an update of an entity stands on."""


MAP = "geojson"
"""The ending of a list as a map; only households stand anywhere."""


def list_of(file_name: str) -> EntityList | None:
    """What rows a media file of that name holds, where it is a list that the server keeps; None for any other file."""
    stem, _, kind = file_name.rpartition(".")
    found = next((one for one in EntityList if stem == one or stem.endswith(f"_{one}")), None)
    return found if kind == "csv" or (kind == MAP and found is EntityList.HOUSEHOLDS) else None


def is_map(file_name: str) -> bool:
    """Whether a list of that name is asked for as GeoJSON."""
    return file_name.endswith(f".{MAP}")


def served_lists(media: Iterable[str], declared: Collection[str]) -> dict[str, EntityList]:
    """Those of a form's media that the server makes itself: lists it knows, and a form of the campaign declares.

    media: file names. declared: names of entity lists. By file name.
    """
    found = {name: kind for name in media if (kind := list_of(name)) is not None}
    return {name: kind for name, kind in found.items() if name.rpartition(".")[0] in declared}


def is_entity_id(text: str) -> bool:
    """Whether a phone takes that for the id of an entity: a UUID. One other row, and it drops the whole list."""
    return _UUID.fullmatch(text) is not None


def write_list(kind: EntityList, rows: Iterable[Sequence[str]]) -> bytes:
    """The CSV of a list, UTF-8: rows in the order of COLUMNS; line breaks within a value become blanks."""
    return head_of(kind) + write_rows(rows)


def head_of(kind: EntityList) -> bytes:
    """The first line of a list."""
    return (",".join(COLUMNS[kind]) + "\n").encode()


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Further lines of a list."""
    # By hand, since it takes a third of the time: csv.writer looks at every letter of every cell.
    lines = [",".join([_cell(cell) if "," in cell or '"' in cell else cell for cell in _clean(row)]) for row in rows]
    return "".join([f"{line}\n" for line in lines]).encode()


def _cell(text: str) -> str:
    """A cell in quotation marks, those within it doubled."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _clean(row: Sequence[str]) -> Sequence[str]:
    """A row without line breaks; as a whole it is looked at first, since hardly any has something to replace."""
    return row if "".join(row).isprintable() else [_CONTROL.sub(" ", cell) for cell in row]


def write_map(parts: Iterable[bytes]) -> bytes:
    """The households' list as GeoJSON, of parts that ``write_features`` made."""
    return b'{"type":"FeatureCollection","features":[\n' + b",\n".join(filter(None, parts)) + b"\n]}\n"


def write_features(rows: Iterable[Sequence[str]]) -> bytes:
    """Some of the features of a map: rows of households, those without a position left out.

    The columns are properties but for the position, and ``title`` is the label, as forms ask for it unless told
    otherwise.
    """
    kind = EntityList.HOUSEHOLDS
    at = COLUMNS[kind].index("geometry")
    found = []
    for row in map(_clean, rows):
        if row[at]:
            lat, lon = row[at].split()[:2]
            told = {name: cell for name, cell in zip(COLUMNS[kind], row, strict=True) if name != "geometry"}
            feature = {
                "type": "Feature",
                "id": row[0],
                "geometry": {"type": "Point", "coordinates": [float(lon), float(lat)]},
                "properties": {"title": told["label"], **told},
            }
            found.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    return ",\n".join(found).encode()


def cut(content: bytes, column: str, wanted: Collection[str]) -> bytes | None:
    """A CSV with only the rows whose value of a column is wanted; None where it has no such column, or is no CSV."""
    try:
        rows = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    heads = [cell.strip() for cell in rows[0]] if rows else []
    if column not in heads:
        return None
    at = heads.index(column)
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [rows[0], *(row for row in rows[1:] if len(row) > at and row[at].strip() in wanted)]
    )
    return text.getvalue().encode()
