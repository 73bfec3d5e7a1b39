"""Entity lists for phones that try a draft: two invented houses, since a trial's code is handed round.

Nobody's real household is on them; an update of these houses goes to the draft like anything else.
"""

from __future__ import annotations

from mapper.formats.entity_lists import COLUMNS, EntityList, write_features, write_list, write_map

_HOUSES: tuple[dict[str, str], ...] = (
    {
        "name": "00000000-0000-4000-8000-000000000001",
        "label": "1 · Nhà Thử Một",
        "geometry": "22.05 105.05 0 5",
        "house_number": "1",
        "head": "Nhà Thử Một",
        "outcome": "interviewed",
        "state": "someone_due",
        "state_text": "Có người cần tiêm",
        "due_text": "1",
        "marker-color": "#c8372d",
        "marker-symbol": "1",
    },
    {
        "name": "00000000-0000-4000-8000-000000000002",
        "label": "2 · Nhà Thử Hai",
        "geometry": "22.051 105.051 0 5",
        "house_number": "2",
        "head": "Nhà Thử Hai",
        "outcome": "absent",
        "state": "not_met",
        "state_text": "Chưa gặp",
        "marker-color": "#596670",
        "marker-symbol": "?",
    },
)
_PEOPLE: tuple[dict[str, str], ...] = (
    {
        "name": "00000000-0000-4000-8000-000000000003",
        "label": "Người Thử Một",
        "household": "00000000-0000-4000-8000-000000000001",
        "person_name": "Người Thử Một",
        "sex": "female",
        "born": "1980-01-01",
        "residence": "here",
        "state": "due",
    },
    {
        "name": "00000000-0000-4000-8000-000000000004",
        "label": "Người Thử Hai",
        "household": "00000000-0000-4000-8000-000000000001",
        "person_name": "Người Thử Hai",
        "sex": "male",
        "born": "2015-01-01",
        "residence": "here",
        "state": "waiting",
    },
)


def trial_list(kind: EntityList, place: tuple[str, str], dose: tuple[str, str], vaccines: str) -> bytes:
    """The CSV of an invented list. place: codes of the commune and hamlet where the houses are said to stand.

    dose: code and words of the dose that somebody is due for; vaccines: codes of what may be given, by spaces.
    """
    return write_list(kind, _filled(kind, place, dose, vaccines))


def trial_map(place: tuple[str, str]) -> bytes:
    """The invented houses as GeoJSON."""
    return write_map([write_features(_filled(EntityList.HOUSEHOLDS, place))])


def _filled(
    kind: EntityList, place: tuple[str, str], dose: tuple[str, str] = ("", ""), vaccines: str = ""
) -> list[list[str]]:
    """The rows of an invented list, in the order of its columns."""
    commune, hamlet = place
    code, words = dose
    everywhere = {"__version": "1", "__trunkVersion": "1", "commune": commune, "hamlet": hamlet}
    due = {"due": code, "due_text": words, "vaccines": vaccines}
    rows = _HOUSES if kind is EntityList.HOUSEHOLDS else _PEOPLE
    filled = [everywhere | row | (due if row["state"] == "due" else {}) for row in rows]
    return [[row.get(column, "") for column in COLUMNS[kind]] for row in filled]
