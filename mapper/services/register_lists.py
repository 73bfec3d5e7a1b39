"""What a comparison with the national register shows and hands over: balances, people, and files for the platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose
from mapper.errors import NotFound, mark
from mapper.formats.register_file import Value, write_list
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.questions import default_set
from mapper.services.reference import PlaceSet, Reference
from mapper.services.register_entries import (
    KINDS,
    PEOPLE,
    URGENCY,
    Balance,
    Compared,
    Difference,
    Entry,
    Kind,
    balances,
    in_order,
    total,
)
from mapper.services.register_pairs import own_units, visible
from mapper.store import national_register as kept
from mapper.store.national_register import Extract

_OUTSIDE = "outside"
"""In the place of a unit: all communes that a user does not see. No code is a word."""

SEXES = {"male": mark("male"), "female": mark("female"), "": ""}


@dataclass(frozen=True, slots=True)
class View:
    """What is asked of a comparison. kind: of Kind, "" for all; measure: PEOPLE or a dose; level: "" for communes;
    unit: one of that level, "" for all.
    """

    kind: str = ""
    measure: str = PEOPLE
    unit: str = ""
    page: int = 1
    level: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """A comparison within what a user may see. units: all of the level, ``balances`` those of the view; total: of
    these; entries: those of the view, who waits for somebody first. names: of communes, unit_names: of the level.
    inside: communes whose people the balances count, "" for those in none; level: of the boundary set.
    """

    balances: tuple[Balance, ...]
    total: Balance
    kinds: Counter[Kind]
    entries: Sequence[Entry]
    names: dict[str, str]
    made_at: datetime
    unplaced: int
    units: tuple[str, ...]
    unit_names: dict[str, str]
    inside: frozenset[str]
    level: str
    levels: tuple[str, ...]
    measure: str

    def counted(self, entry: Entry) -> tuple[int, int]:
        """How often somebody is counted in the register's and in the census's total of the view."""
        there, here = entry.counts(self.measure)
        return there * (entry.their_unit in self.inside), here * (entry.our_unit in self.inside)


def extract(reference: Reference, number: int) -> Extract:
    """An extract by its number. Raises NotFound."""
    with reference.database.read() as connection:
        found = kept.extract(connection, number)
    if found is None:
        raise NotFound(mark("There is no such file of the national register here. Look at the list again."))
    return found


def placed(reference: Reference, about: Extract) -> int:
    """How many people of an extract have their commune; rises when somebody says which one a name means."""
    with reference.database.read() as connection:
        return (about.people or 0) - sum(people for _, _, people in kept.unplaced(connection, about.id))


def overview(reference: Reference, user: User, about: Extract, compared: Compared, view: View) -> Overview:
    """What a user sees of a comparison: communes of their area, with every person behind the figures."""
    with reference.database.read() as connection:
        places = default_set(reference.known(connection), about.set_id)
    names = {unit.code: unit.name for unit in places.at_level(places.leaf)}
    own = own_units(reference, user, about.set_id)
    level = view.level if view.level in places.about.levels else places.leaf
    unit_names = {unit.code: unit.name for unit in places.at_level(level)}
    unit_of = _unit_of(places, level, own)
    found = [one for one in balances(compared.entries, view.measure, unit_of) if one.unit != _OUTSIDE]
    parts = in_order(found, unit_names)
    units = tuple(one.unit for one in parts if one.unit)
    if view.unit in units:
        parts = [one for one in parts if one.unit == view.unit]
    shown = {one.unit for one in parts}
    communes = {unit for entry in compared.entries for unit in (entry.their_unit, entry.our_unit)}
    inside = frozenset(unit for unit in communes if unit_of(unit) in shown)
    seen = [
        entry
        for entry in visible(compared, own)
        if (entry.theirs is not None and entry.their_unit in inside)
        or (entry.ours is not None and entry.our_unit in inside)
    ]
    counted = [entry for entry in seen if view.measure == PEOPLE or any(entry.counts(view.measure))]
    chosen = [entry for entry in counted if not view.kind or entry.kind.value == view.kind]
    chosen.sort(key=lambda entry: URGENCY.index(entry.kind))
    return Overview(
        tuple(parts),
        total(parts),
        Counter(entry.kind for entry in counted),
        chosen,
        names,
        compared.made_at,
        sum(entry.theirs is not None and not entry.their_unit for entry in seen),
        units,
        unit_names,
        inside,
        level,
        places.about.levels,
        view.measure,
    )


def _unit_of(places: PlaceSet, level: str, own: set[str] | None) -> Callable[[str], str]:
    """The unit of a level that holds a commune, of what a user may see; "" for in none."""
    held: dict[str, str] = {}
    above = list(reversed(places.about.levels)).index(level)

    def unit_of(commune: str) -> str:
        if own is not None and commune not in own:
            return _OUTSIDE
        if commune not in held:
            line = places.line(commune) if commune else []
            held[commune] = line[above] if above < len(line) else ""
        return held[commune]

    return unit_of


def told(campaign: Campaign, names: dict[str, str], part: str, value: str | date | None, language: str) -> str:
    """A side of a difference in words."""
    if value is None:
        return translate(mark("none"), language) if part != "commune" else translate(mark("in no commune"), language)
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if part == "vaccine" and value in campaign.vaccines:
        return campaign.vaccines[value][language]
    if part == "sex":
        return translate(SEXES.get(value, value), language)
    if part == "dose" and value == "?":
        return translate(mark("given, day not told"), language)
    return names.get(value, value) if part == "commune" else value


_HEADER = (
    mark("What became of it"),
    mark("Row of the file"),
    mark("Name in the register"),
    mark("Birth in the register"),
    mark("Commune in the register"),
    mark("Doses in the register"),
    mark("Name in the census"),
    mark("Birth in the census"),
    mark("Commune in the census"),
    mark("Hamlet"),
    mark("Doses in the census"),
    mark("What differs"),
    mark("Counted in the register"),
    mark("Counted in the census"),
)


def write_comparison(
    reference: Reference, user: User, about: Extract, campaign: Campaign, found: Overview, kind: str, language: str
) -> bytes:
    """The people of a view with both sides, as a file; it is entered in the audit trail."""
    record_file(reference, user, about, kind, len(found.entries))
    rows = (_line(campaign, found, entry, language) for entry in found.entries)
    header = [translate(words, language) for words in _HEADER]
    return write_list(kind, header, rows, translate(mark("Comparison"), language)[:31])


def record_file(reference: Reference, user: User, about: Extract, kind: str, number: int) -> None:
    """Enter in the audit trail that people of a comparison were handed over as a file."""
    facts = {"campaign": about.campaign_id, "file": kind, "number": number}
    audit.record_seen(reference, user.id, user.name, "register.downloaded", str(about.id), facts)


def _line(campaign: Campaign, found: Overview, entry: Entry, language: str) -> list[Value]:
    row, one = entry.theirs, entry.ours
    differs = "; ".join(_difference(campaign, found, each, language) for each in entry.differences)
    return [
        translate(KINDS[entry.kind], language),
        (row.row or None) if row else None,
        row.name if row else None,
        birth_told(row.born_on, row.birth_precision) if row else None,
        found.names.get(entry.their_unit, row.commune or row.commune_code) if row else None,
        _doses(campaign, row.doses, language) if row else None,
        one.name if one else None,
        birth_told(one.born_on, one.precision) if one else None,
        found.names.get(one.unit, one.unit) if one else None,
        one.hamlet if one else None,
        _doses(campaign, one.doses, language) if one else None,
        differs,
        *found.counted(entry),
    ]


def _difference(campaign: Campaign, found: Overview, one: Difference, language: str) -> str:
    part, _, code = one.field.partition(":")
    words = {"given": mark("day"), "vaccine": mark("vaccine"), "dose": mark("given"), "born": mark("birth")}
    words |= {"name": mark("name"), "sex": mark("sex"), "commune": mark("commune")}
    label = f"{campaign.doses[code][language]}: " if code else ""
    sides = [told(campaign, found.names, part, each, language) for each in (one.theirs, one.ours)]
    return f"{label}{translate(words[part], language)}: {sides[0]} / {sides[1]}"


def birth_told(born: date | None, precision: str) -> Value:
    """A birth date with as much of it as is known."""
    return born if born is None or precision == "day" else born.strftime("%m/%Y" if precision == "month" else "%Y")


def _doses(campaign: Campaign, doses: Sequence[Dose], language: str) -> str:
    parts = []
    for dose in doses:
        label = campaign.doses[dose.code][language] if dose.code in campaign.doses else dose.code
        vaccine = campaign.vaccines[dose.vaccine][language] if dose.vaccine in campaign.vaccines else dose.vaccine
        day = dose.given_on.strftime("%d/%m/%Y") if dose.given_on else None
        parts.append(" ".join(filter(None, (f"{label}:", day, vaccine))))
    return "; ".join(parts)
