"""Lists of people in the national platform's import layout, which is a file beside the campaign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose
from mapper.formats.register_dates import UNKNOWN_DAY
from mapper.formats.register_file import Value, write_list
from mapper.formats.register_layout import Layout, LayoutColumn
from mapper.services.accounts import User
from mapper.services.reference import Reference
from mapper.services.register_entries import CensusPerson
from mapper.services.register_layouts import layout_of
from mapper.services.register_lists import Overview, birth_told, record_file
from mapper.store.national_register import Extract


def write_import(
    reference: Reference, user: User, about: Extract, campaign: Campaign, found: Overview, kind: str, language: str
) -> bytes:
    """The people of a view whom the census knows, in the platform's layout; entered in the audit trail."""
    with reference.database.read() as connection:
        layout = layout_of(connection, campaign)
    people = [entry.ours for entry in found.entries if entry.ours is not None and entry.ours.key]
    record_file(reference, user, about, kind, len(people))
    return import_file(layout, campaign, found.names, people, kind)


def import_file(
    layout: Layout, campaign: Campaign, names: dict[str, str], people: Sequence[CensusPerson], kind: str
) -> bytes:
    """People as a file of a layout. names: of communes by code; kind: of register_file.MEDIA_TYPES."""
    rows = _filled(layout, campaign, names, people)
    return write_list(kind, [each.name for each in layout.columns], rows, layout.sheet, layout.date_format)


def _filled(
    layout: Layout, campaign: Campaign, names: dict[str, str], people: Sequence[CensusPerson]
) -> Iterator[list[Value]]:
    number = 0
    for one in people:
        for dose in one.doses if layout.rows == "dose" else (None,):
            number += 1
            yield [_cell(layout, campaign, names, one, dose, each, number) for each in layout.columns]


def _cell(
    layout: Layout,
    campaign: Campaign,
    names: dict[str, str],
    one: CensusPerson,
    dose: Dose | None,
    column: LayoutColumn,
    number: int,
) -> Value:
    part, _, code = column.holds.partition(":")
    if code:
        dose = next((each for each in one.doses if each.code == code), None)
    values: dict[str, Value] = {
        "number": number,
        "name": one.name,
        "born": birth_told(one.born_on, one.precision),
        "year": str(one.born_on.year) if one.born_on else None,
        "sex": one.sex,
        "phone": one.phone,
        "commune_code": one.unit,
        "commune": names.get(one.unit, one.unit),
        "hamlet": one.hamlet,
        "text": column.text,
    }
    if dose is not None:
        day = dose.given_on or UNKNOWN_DAY
        values |= {"dose": dose.code, "given": day, "on": day, "vaccine": dose.vaccine}
        values |= {"lot": dose.lot, "place": dose.place}
    value = values.get(part)
    if not isinstance(value, str):
        return value
    if part == "vaccine" and value in campaign.vaccines:
        return layout.words.get(part, {}).get(value, campaign.vaccines[value].vi)
    return layout.words.get(part, {}).get(value, value)
