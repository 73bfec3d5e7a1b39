"""Epidemic levels of communes by day: entered by hand or from a table, and read within what a user may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from unicodedata import normalize

from mapper.domain.epidemic import LEVELS, LevelEntry, levels_on
from mapper.domain.people import Finding
from mapper.domain.places import fold, order_key
from mapper.domain.roles import READERS
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.formats.level_table import LevelColumns, LevelRow, RowFault, read_levels
from mapper.linkage.gazetteer import Match, Told
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.carried_levels import levels_until
from mapper.services.listed import units_of
from mapper.services.place_matching import filled_up, match, why_not
from mapper.services.questions import default_set
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.reporting import visible_rows
from mapper.store import epidemic as kept
from mapper.store.database import Connection

LONGEST_SOURCE = 300
EARLIEST = date(2019, 12, 1)
HISTORY = 200
"""Entries shown at once, the newest."""


@dataclass(frozen=True, slots=True)
class UnitLevel:
    """An innermost unit on a day. entry: what holds, None where nothing was entered; may_set: by this user."""

    code: str
    name: str
    parent: str
    entry: LevelEntry | None
    may_set: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """One line of the history. name: of the unit; by: None where it was entered at the server itself."""

    name: str
    entry: LevelEntry
    by: str | None
    at: str


@dataclass(frozen=True, slots=True)
class WholeUnit:
    """A unit around innermost ones, all of which may be entered at once. key: LEVEL:CODE; number: how many they are."""

    key: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The levels of a set on a day. count: units by level, None for those without one.

    whole: units around those that may be entered. about: the one unit of which the history is, None for that of all.
    """

    set_id: str
    units: tuple[UnitLevel, ...]
    count: Mapping[int | None, int]
    whole: tuple[WholeUnit, ...]
    about: UnitLevel | None
    history: tuple[Entered, ...]

    @property
    def may_set(self) -> list[UnitLevel]:
        """The units whose level the user may enter."""
        return [unit for unit in self.units if unit.may_set]


@dataclass(frozen=True, slots=True)
class ImportedLevels:
    """What became of a table: how many levels were entered, or why none was. findings: what was put right in it."""

    entered: int
    faults: tuple[RowFault, ...]
    findings: tuple[Finding, ...] = ()


def levels(reference: Reference, user: User, set_id: str, day: date) -> tuple[str, dict[str, LevelEntry]]:
    """The set and, by innermost unit that a user may see, the entry that holds on a day. Raises NotFound."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id, day)
        seen = visible_rows(reference, connection, known, places, user)
        found = levels_on(levels_until(reference, connection, known, places, day), day)
    return places.id, {code: entry for code, entry in found.items() if seen is None or code in seen}


def overview(
    reference: Reference,
    user: User,
    set_id: str,
    day: date,
    area: Area | None = None,
    find: str = "",
    unit_code: str = "",
) -> Overview:
    """Every unit of an area that a user may see with its level, and what was entered for them.

    find: part of the name or the beginning of the code of those wanted, without regard to accents. unit_code: the unit
    of which the history is, "" for that of all.
    """
    asked = _folded(find)
    with reference.database.read() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id, day)
        seen = visible_rows(reference, connection, known, places, user)
        own = units_of(places, user)
        in_force = levels_on(levels_until(reference, connection, known, places, day), day)
        units = []
        about: UnitLevel | None = None
        for unit in places.at_level(places.leaf):
            if (seen is None or unit.code in seen) and (area is None or _within(known, places, area, unit.code)):
                may = own is None or unit.code in own
                parent = _above(places, unit.code)
                made = UnitLevel(unit.code, unit.name, parent, in_force.get(unit.code), may)
                if unit.code == unit_code:
                    about = made
                if asked in _folded(unit.name) or unit.code.startswith(asked):
                    units.append(made)
        codes = None if seen is None and area is None and not asked else [unit.code for unit in units]
        if about is not None:
            codes = [about.code]
        history = kept.history(reference.database, connection, places.id, codes, HISTORY)
    units.sort(key=lambda unit: (order_key(unit.parent), order_key(unit.name), unit.code))
    names = {unit.code: unit.name for unit in places.at_level(places.leaf)}
    return Overview(
        places.id,
        tuple(units),
        Counter(unit.entry.level if unit.entry else None for unit in units),
        _whole(places, own, {unit.code for unit in units}),
        about,
        tuple(
            Entered(names.get(one.entry.unit_code, one.entry.unit_code), one.entry, one.user_name, one.at)
            for one in history
        ),
    )


def _whole(places: PlaceSet, own: set[str] | None, shown: set[str]) -> tuple[WholeUnit, ...]:
    """The units, the outermost first, around several innermost ones that may be entered, all of which are shown."""
    codes = [unit.code for unit in places.at_level(places.leaf) if own is None or unit.code in own]
    found: list[WholeUnit] = []
    for level in places.about.levels[:-1]:
        around = Counter(places.above(code, level) for code in codes)
        missing = {places.above(code, level) for code in codes if code not in shown}
        those = [
            WholeUnit(f"{level}:{code}", places.units[level, code].name, number)
            for code, number in around.items()
            if code is not None and code not in missing and number > 1 and (level, code) in places.units
        ]
        found += sorted(those, key=lambda each: order_key(each.name))
    return tuple(found)


def _within(known: Known, places: PlaceSet, area: Area, leaf: str) -> bool:
    hamlet = known.hamlets.get(area.code) if area.level == "hamlet" else None
    return hamlet.commune_code == leaf if hamlet else area.holds(places, leaf, None)


def _above(places: PlaceSet, leaf: str) -> str:
    """Name of the unit around an innermost one, "" where there is none."""
    levels = places.about.levels
    code = places.above(leaf, levels[-2]) if len(levels) > 1 else None
    unit = places.units.get((levels[-2], code)) if code is not None else None
    return unit.name if unit else ""


def enter(
    reference: Reference, user: User, set_id: str, unit_code: str, level: str, from_day: str, source: str, today: date
) -> int:
    """Enter the level of a unit from a day on, as typed; how many units it was entered for.

    unit_code: of an innermost unit, or LEVEL:CODE for all of these within another that lie in the user's area. A level
    is that of a whole unit: it is entered in the set of the user's own area, whatever they see of other sets.
    Raises InvalidInput, NotFound, Forbidden.
    """
    wanted = _level(level)
    day = _day(from_day, today)
    told = _source(source)
    _may_enter(user)
    with reference.database.write() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id)
        codes = _codes_of(places, units_of(places, user), unit_code)
        kept.add(connection, places.id, [LevelEntry(code, day, wanted, told) for code in codes], user.id, _now())
        facts = {"level": wanted, "from": day.isoformat(), "source": told, "set": places.id}
        if codes != [unit_code]:
            facts["number"] = len(codes)
        audit.record(reference, connection, user.id, user.name, "epidemic.entered", unit_code, facts)
    return len(codes)


def import_table(
    reference: Reference,
    user: User,
    set_id: str,
    name: str,
    data: bytes,
    today: date,
    columns: LevelColumns | None = None,
    from_day: str = "",
    source: str = "",
) -> ImportedLevels:
    """Enter the levels of a table, CSV or XLSX: all of them, or none where a row is wrong.

    columns: which column holds what; None is guessed. from_day, source: for rows that say none.
    Raises InvalidInput where the file is no table, or lacks a column.
    """
    _may_enter(user)
    fallback = _day(from_day, today) if from_day else None
    read = read_levels(name, data, columns or LevelColumns())
    faults = list(read.faults)
    entries: list[LevelEntry] = []
    with reference.database.write() as connection:
        known = reference.known(connection)
        places = default_set(known, set_id)
        finder = _Finder(places, units_of(places, user))
        for row in read.rows:
            made = finder.entry(row, fallback, source.strip(), today)
            if isinstance(made, RowFault):
                faults.append(made)
            else:
                entries.append(made)
        if faults or not entries:
            return ImportedLevels(0, tuple(sorted(faults, key=lambda fault: fault.row)))
        kept.add(connection, places.id, entries, user.id, _now())
        facts = {"number": len(entries), "set": places.id}
        audit.record(reference, connection, user.id, user.name, "epidemic.imported", places.id, facts)
    return ImportedLevels(len(entries), (), tuple(filled_up(finder.lost)))


def seed(reference: Reference, connection: Connection, set_id: str, entries: Sequence[LevelEntry]) -> None:
    """Enter levels at the server itself, unless the set has some; for the sample."""
    if not kept.any_of(connection, set_id):
        kept.add(connection, set_id, entries, None, _now())


class _Finder:
    """Turns the rows of a table into entries of one set."""

    def __init__(self, places: PlaceSet, own: set[str] | None) -> None:
        self._own = own
        self._places = places
        self.lost: list[tuple[Match, str]] = []

    def entry(self, row: LevelRow, from_day: date | None, source: str, today: date) -> LevelEntry | RowFault:
        """The entry of a row, or what is wrong with it."""
        code = self._code(row)
        if isinstance(code, RowFault):
            return code
        day = row.from_day or from_day
        if day is None:
            return RowFault(row.row, mark("it names no day. Fill the column in, or give the day in the form."))
        if not EARLIEST <= day <= _latest(today):
            return RowFault(
                row.row,
                mark("the day {day} cannot be right. Give one from {first} to {last}."),
                {"day": day.isoformat(), "first": EARLIEST.isoformat(), "last": _latest(today).isoformat()},
            )
        told = row.source or source
        if not told:
            return RowFault(
                row.row, mark("it names no decision. Fill the column in, or give the decision's number in the form.")
            )
        return LevelEntry(code, day, row.level, told[:LONGEST_SOURCE])

    def _code(self, row: LevelRow) -> str | RowFault:
        told = Told(row.code, row.name, row.around)
        found = match(self._places, told, own=self._own)
        if found.place is None:
            return RowFault(row.row, *why_not(found, told))
        self.lost.append((found, row.code))
        code = found.place.code
        if self._own is not None and code not in self._own:
            return RowFault(
                row.row, mark("{code} is no unit of your area in this set. Take the row out."), {"code": code}
            )
        return code


def _folded(name: str) -> str:
    return " ".join(fold(normalize("NFC", name)).split())


def _may_enter(user: User) -> None:
    if user.role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))


def _codes_of(places: PlaceSet, own: set[str] | None, asked: str) -> list[str]:
    """The innermost units that a user may enter of what was asked for. own: those of their area, None for all.

    Raises NotFound where there is none.
    """
    level, _, code = asked.rpartition(":")
    around = level in places.about.levels[:-1]
    codes = [
        unit.code
        for unit in places.at_level(places.leaf)
        if (places.above(unit.code, level) == code if around else unit.code == asked)
        and (own is None or unit.code in own)
    ]
    if not codes:
        raise NotFound(
            mark(
                "There is no place {place} in your area. Levels are entered by those whose area is of this boundary "
                "set and holds the whole place. Look at the list again."
            ),
            place=asked[:60] or "-",
        )
    return codes


def _level(typed: str) -> int:
    if typed not in {str(level) for level in LEVELS}:
        raise InvalidInput(mark("{level} is no epidemic level. Choose one from 1 to 4."), level=typed[:20] or "-")
    return int(typed)


def _day(typed: str, today: date) -> date:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise InvalidInput(mark("{date} is not a day. Write it as 2022-08-31."), date=typed[:20] or "-") from None
    if not EARLIEST <= day <= _latest(today):
        raise InvalidInput(
            mark("A level cannot hold from {day} on. Give a day from {first} to {last}."),
            day=typed,
            first=EARLIEST.isoformat(),
            last=_latest(today).isoformat(),
        )
    return day


def _latest(today: date) -> date:
    """A decision may hold from a day to come, though not from another year's."""
    return date(today.year + 1, 1, 1)


def _source(typed: str) -> str:
    source = " ".join(normalize("NFC", typed).split())
    if not source or not source.isprintable():
        raise InvalidInput(mark("Say which decision sets the level: its number and its day."))
    if len(source) > LONGEST_SOURCE:
        raise InvalidInput(mark("The name of the decision has more than {limit} characters."), limit=LONGEST_SOURCE)
    return source


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
