"""What addresses under ``/api`` may be asked, each name once, and the shapes of what they answer and take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mapper.domain.ledger import State
from mapper.domain.people_filter import LONGEST_TEXT, MOST_VALUES, Entering
from mapper.formats.stock_table import COLUMNS, KINDS

Schema = dict[str, Any]

DAY: Schema = {"type": "string", "format": "date"}
CODE: Schema = {"type": "string", "minLength": 1}
TEXT: Schema = {"type": "string"}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _words(*known: str) -> Schema:
    each = {"type": "string", "enum": list(known)} if known else {"type": "string", "maxLength": LONGEST_TEXT}
    return {"type": "array", "items": each, "maxItems": MOST_VALUES}


PARAMETERS: Mapping[str, tuple[str, Schema, Any]] = {
    "campaign": ("Id of a campaign, as /api/campaigns lists them.", CODE, "mini"),
    "group": ("Code of a group of the campaign.", CODE, "5_plus"),
    "dose": ("Code of a dose of that group.", CODE, "1"),
    "date": ("The day asked about; today where it is left out.", DAY, "2022-08-31"),
    "set": ("Id of a boundary set, as /api/sets lists them; without one the day or the operator chooses.", CODE, "now"),
    "level": ("Level of units of the set, or hamlet.", CODE, "commune"),
    "area": ("One part alone, as level:code.", {"type": "string", "pattern": "^[^:]+:.+$"}, "commune:00001"),
    "zoom": ("Zoom of the map that outlines are simplified for.", _whole(0, 22), 12),
    "layers": ("Layers of a tile, between commas: communes, hamlets, borders.", TEXT, "communes,hamlets"),
    "q": ("What a place's name begins with, or its code.", CODE, "xa mot"),
    "into": ("Id of the boundary set that comes first.", CODE, "now"),
    "limit": ("How many at most.", _whole(1, 1000), 100),
    "page": ("Page of a list, from 1.", {"type": "integer", "minimum": 1}, 1),
    "from": ("The first day.", DAY, "2022-09-01"),
    "to": ("The last day.", DAY, "2022-09-28"),
    "sessions": ("Sessions a week at each place.", {"type": "number"}, 1),
    "follow": ("1 foresees the doses after those that fall due.", {"type": "string", "enum": ["1"]}, "1"),
    "area_set": ("Id of the boundary set that the area belongs to, where that is another than set.", CODE, "now"),
    "unit": ("Code of the unit that a map shows chosen; passed over here.", TEXT, None),
    "with": ("Numbers of one to three other plans, between commas.", TEXT, "12,13"),
    "lang": ("Language of the sentences.", {"type": "string", "enum": ["vi", "en"]}, "en"),
    "view": ("How a page shows the list; programs need none.", TEXT, "people"),
    # A filter of people; several values of a name are given by repeating it.
    "text": ("Words of a name, digits of a phone, or a year of birth.", {**TEXT, "maxLength": LONGEST_TEXT}, "lo"),
    "areas": ("Parts, each as level:code.", _words(), ["commune:00001"]),
    "within": ("A drawn polygon: latitude,longitude of each corner between semicolons.", TEXT, None),
    "states": ("Where people stand for group and dose.", _words(*(one.value for one in State)), None),
    "age_from": ("Full years, at least.", _whole(0, 130), 5),
    "age_to": ("Full years, at most.", _whole(0, 130), 17),
    "sexes": ("Sexes as forms tell them.", _words(), None),
    "residences": ("Residences as forms tell them.", _words(), None),
    "priorities": ("Priorities as forms tell them.", _words(), None),
    "given": ("Codes of doses that people have.", _words(), ["1"]),
    "vaccines": ("Vaccines of a dose that people have.", _words(), None),
    "lots": ("Lots of a dose that people have.", _words(), None),
    "given_from": ("The dose was given on this day or later.", DAY, None),
    "given_to": ("The dose was given on this day or earlier.", DAY, None),
    "entering": ("Who comes into the group, or becomes due.", {"enum": [one.value for one in Entering]}, None),
    "entering_from": ("From this day on.", DAY, None),
    "entering_to": ("Until this day.", DAY, None),
    "reasons": ("Why somebody is not vaccinated: obstacle, or obstacle:reason.", _words(), None),
    "outcomes": ("Outcomes of visits.", _words(), None),
    "senders": ("Numbers of users who sent the visit.", _words(), None),
    "reviews": ("What supervisors found; an empty value where nobody looked yet.", _words(), None),
    "visited_from": ("Visited on this day or later.", DAY, None),
    "visited_to": ("Visited on this day or earlier.", DAY, None),
    "invited_from": ("A plan in use asks them to come on this day or later.", DAY, None),
    "invited_to": ("A plan in use asks them to come on this day or earlier.", DAY, None),
    "invited_sites": ("Codes of sites where a plan in use asks them to come.", _words(), None),
}
"""By name: what it means, its schema, and an example."""

PATHS: Mapping[str, tuple[str, Schema]] = {
    "number": ("Number of a plan, or of an entry.", {"type": "integer", "minimum": 0}),
    "z": ("Zoom of the tile.", {"type": "integer", "minimum": 0}),
    "x": ("Column of the tile.", {"type": "integer", "minimum": 0}),
    "y": ("Row of the tile.", {"type": "integer", "minimum": 0}),
    "set_id": ("Id of a boundary set.", CODE),
    "old": ("Id of the earlier boundary set.", CODE),
    "new": ("Id of the later boundary set.", CODE),
    "level": ("Level of the unit, or hamlet.", CODE),
    "code": ("Code of the unit.", CODE),
}
"""Parts of paths."""

_KINDS: Mapping[str, Schema] = {
    "text": TEXT,
    "text?": {"type": ["string", "null"]},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "number?": {"type": ["number", "null"]},
    "yes": {"type": "boolean"},
    "list": {"type": "array"},
    "list?": {"type": ["array", "null"]},
    "object": {"type": "object"},
    "object?": {"type": ["object", "null"]},
    "any": {},
}


def shape(told: str) -> Schema:
    """The schema of a JSON object whose fields are told as ``name name:kind``; without a kind a field is a text."""
    fields = {name: dict(_KINDS[kind or "text"]) for name, _, kind in (one.partition(":") for one in told.split())}
    return {"type": "object", "properties": fields, "required": list(fields)}


ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "message"],
            "properties": {
                "status": {"type": "integer"},
                "message": {"type": "string", "description": "What is wrong, and the cure."},
                "entries": {"type": "array", "description": "Of a list of stock entries, the wrong ones."},
                "elsewhere": {
                    "type": "array",
                    "description": "Of a code that the boundary set has not: the sets that have it, each with its "
                    "place and the address to ask there. It may be another place.",
                },
            },
        }
    },
}

ENTRY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        names[0]: {"type": ["string", "integer", "null"]} for column, names in COLUMNS.items() if column != "undoes"
    },
    "required": ["day", "kind", "store", "formulation"],
    "example": {
        "day": "2022-08-31",
        "kind": next(iter(KINDS)),
        "store": "commune:00001",
        "formulation": "pfizer",
        "lot": "A1",
        "doses": 60,
        "document": "PX 12",
    },
}
