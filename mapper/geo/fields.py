"""Which field of a boundary file is a code, a name, a level: told by the importer or guessed from its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mapper.domain.people import Finding
from mapper.domain.places import fold
from mapper.errors import InvalidBoundaries, mark

# Innermost first; adm1 to adm4 are the words of files that number their levels (ADM1_PCODE, ADM3_VI).
LEVEL_WORDS: dict[str, tuple[str, ...]] = {
    "hamlet": ("hamlet", "village", "thon", "ban", "ap", "adm4"),
    "commune": ("commune", "ward", "xa", "phuong", "phuongxa", "xaphuong", "px", "adm3"),
    "district": ("district", "huyen", "quan", "quanhuyen", "huyenquan", "qh", "adm2"),
    "province": ("province", "tinh", "thanhpho", "tinhthanh", "tp", "adm1"),
    "region": ("region", "vung", "mien", "khuvuc"),
}
CODE_WORDS = ("code", "ma", "id", "pcode", "maso")
NAME_WORDS = ("name", "ten", "vi", "label")
PLAIN_CODES = ("code", "ma", "maso", "madvhc", "pcode", "id")
PLAIN_NAMES = ("name", "ten", "tendvhc", "label")
# GADM writes the number behind: GID_3, NAME_3.
NUMBERED = {"hamlet": "4", "commune": "3", "district": "2", "province": "1"}
# Digits of an official Vietnamese code, by level (General Statistics Office).
CODE_WIDTHS = {"province": 2, "district": 3, "commune": 5}
_LEVEL = re.compile(r"[a-z][a-z0-9_-]{0,29}")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the importer says about a file; None is guessed.

    layer: of a GeoPackage, or the shapefile of an archive. code, name, parent, parent_name: fields.
    level, parent_level: words. upper: all levels above the units', innermost first, in place of what is guessed; with
    parent they stand above that. dissolve: make the upper units from the leaves where their codes are given.
    encoding, crs: of a file that does not say.
    """

    layer: str | None = None
    code: str | None = None
    name: str | None = None
    level: str | None = None
    parent: str | None = None
    parent_name: str | None = None
    parent_level: str | None = None
    upper: tuple[LevelFields, ...] = ()
    dissolve: bool = True
    encoding: str | None = None
    crs: str | None = None


@dataclass(frozen=True, slots=True)
class LevelFields:
    """The fields that tell a unit of one level; level "" where no word says it; name None where there is none."""

    level: str
    code: str
    name: str | None


def choose_fields(fields: Sequence[str], options: ReadOptions) -> list[LevelFields]:
    """The levels that a file tells of, the leaves first, each with its fields.

    A level is told by a code field: commune_code, MA_XA, ADM3_PCODE, GID_3. Raises InvalidBoundaries where a
    field that was asked for is missing or no code field can be found.
    """
    told = (field for upper in options.upper for field in (upper.code, upper.name))
    for asked in (options.code, options.name, options.parent, options.parent_name, *told):
        if asked is not None and asked not in fields:
            raise InvalidBoundaries(
                mark("The file has no field {field}. It has: {fields}."),
                field=asked,
                fields=", ".join(fields)[:400] or "-",
            )
    guessed = _guess(fields)
    if options.code is not None:
        leaf = next((g for g in guessed if g.code == options.code), LevelFields("", options.code, None))
        if leaf.name is None and options.name is None:
            leaf = LevelFields(leaf.level, leaf.code, _first(fields, PLAIN_NAMES))
    elif guessed:
        leaf = guessed[0]
    else:
        code = _first(fields, PLAIN_CODES)
        if code is None:
            raise InvalidBoundaries(
                mark("No field looks like a code. Say which one holds the units' codes: {fields}."),
                fields=", ".join(fields)[:400] or "-",
            )
        leaf = LevelFields("", code, _first(fields, PLAIN_NAMES))
    leaf = LevelFields(options.level or leaf.level, leaf.code, options.name or leaf.name)
    if options.parent is not None:
        parent = next((g for g in guessed if g.code == options.parent), LevelFields("", options.parent, None))
        level = options.parent_level or parent.level
        if not level:
            raise InvalidBoundaries(
                mark("Say what level the parent field {field} holds (district, province)."), field=options.parent
            )
        return _checked([leaf, LevelFields(level, parent.code, options.parent_name or parent.name), *options.upper])
    if options.upper:
        return _checked([leaf, *options.upper])
    order = list(LEVEL_WORDS)
    inside = order.index(leaf.level) if leaf.level in order else -1
    return _checked([leaf, *(g for g in guessed if order.index(g.level) > inside and g.code != leaf.code)])


def _checked(levels: list[LevelFields]) -> list[LevelFields]:
    """The same, each a word of its own that can stand in an address. Raises InvalidBoundaries."""
    words = [one.level for one in levels if one.level]
    for word in words:
        if not _LEVEL.fullmatch(word):
            raise InvalidBoundaries(
                mark("{level} is no word for a level: use small letters a to z, digits, - and _, 30 at most."),
                level=word[:60],
            )
        if words.count(word) > 1 and word != words[0]:
            raise InvalidBoundaries(mark("Two levels are called {level}. Say another word for one."), level=word)
    return levels


def read_upper(written: str) -> LevelFields:
    """A level as typed: LEVEL=CODE_FIELD, or LEVEL=CODE_FIELD=NAME_FIELD. Raises InvalidBoundaries."""
    level, *fields = (part.strip() for part in written.split("="))
    if len(fields) not in (1, 2) or not all((level, *fields)):
        raise InvalidBoundaries(
            mark("{value} names no level with its fields. Write LEVEL=CODE_FIELD or LEVEL=CODE_FIELD=NAME_FIELD."),
            value=written[:100] or "-",
        )
    return LevelFields(level, fields[0], fields[1] if len(fields) == 2 else None)


def filled_in(
    levels: list[LevelFields], columns: list[list[str | None]], findings: list[Finding]
) -> tuple[list[LevelFields], list[list[str | None]]]:
    """The levels of which any unit is told; a field of codes that is empty throughout makes no level.

    So are the districts of a file of after 2025 that kept their field.
    """
    empty = [depth for depth in range(1, len(levels)) if not any(columns[depth])]
    findings += [
        Finding(
            "no_such_level",
            mark("The field {field} is empty in every row: the set has no level {level}."),
            (("field", levels[depth].code), ("level", levels[depth].level)),
        )
        for depth in empty
    ]
    kept = [depth for depth in range(len(levels)) if depth not in empty]
    return [levels[depth] for depth in kept], [columns[depth] for depth in kept]


def guess_level(codes: Sequence[str]) -> str:
    """The level whose official code width all these codes have; raises InvalidBoundaries where none has."""
    widths = {len(code) for code in codes if code.isdecimal()} if all(c.isdecimal() for c in codes) else set()
    for level, width in CODE_WIDTHS.items():
        if widths == {width}:
            return level
    raise InvalidBoundaries(mark("Say what level the units are of (commune, district, province): no field tells."))


def _guess(fields: Sequence[str]) -> list[LevelFields]:
    by_key = {re.sub(r"[^a-z0-9]", "", fold(field)): field for field in reversed(fields)}
    found = []
    for level, words in LEVEL_WORDS.items():
        code, name = _pair(by_key, words, CODE_WORDS), _pair(by_key, words, NAME_WORDS)
        if code is None:
            number = NUMBERED.get(level)
            code, name = by_key.get(f"gid{number}"), by_key.get(f"name{number}")
        if code is not None:
            found.append(LevelFields(level, code, name))
    return found


def _pair(by_key: dict[str, str], levels: Sequence[str], kinds: Sequence[str]) -> str | None:
    for level in levels:
        for kind in kinds:
            for key in (level + kind, kind + level):
                if key in by_key:
                    return by_key[key]
    return None


def _first(fields: Sequence[str], words: Sequence[str]) -> str | None:
    by_key = {re.sub(r"[^a-z0-9]", "", fold(field)): field for field in reversed(fields)}
    return next((by_key[word] for word in words if word in by_key), None)
