"""Forms written as Markdown tables, made into workbooks and read back: the form stands beside the assertion."""

from __future__ import annotations

from io import BytesIO

from openpyxl import Workbook

from mapper.formats.xform import XFormModel, read_xform
from mapper.formats.xlsform import convert

NAMESPACE = 'map="urn:household-coverage:roles"'

SETTINGS = f"""
| settings |
|          | form_id | version | namespaces  |
|          | t       | 1       | {NAMESPACE} |
"""


def workbook(markdown: str) -> bytes:
    """An .xlsx of a Markdown table: a line with text in its first cell names a sheet, the others are its rows."""
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    sheet = None
    for line in markdown.strip().splitlines():
        cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if cells[0]:
            sheet = book.create_sheet(cells[0])
        elif sheet is not None and len(cells) > 1:
            sheet.append([cell or None for cell in cells[1:]])
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def xform(markdown: str) -> bytes:
    """The XForm of a form whose settings, unless it has its own, are id t, version 1, and the roles' namespace."""
    text = markdown if "| settings |" in markdown else markdown.rstrip() + SETTINGS
    return convert("t.xlsx", workbook(text)).xform


def model(markdown: str) -> XFormModel:
    """What is read of that form."""
    return read_xform(xform(markdown))


CENSUS = """
| survey  |                    |          |            |                            |                          |
|         | type               | name     | label      | bind::map:role             | appearance               |
|         | today              | today    |            | visit.date                 |                          |
|         | text               | hamlet   | Hamlet     | household.hamlet           |                          |
|         | text               | commune  | Commune    | household.commune          |                          |
|         | text               | house    | House      | household.house_number     |                          |
|         | geopoint           | gps      | Position   | household.point            |                          |
|         | text               | result   | Result     | visit.outcome              |                          |
|         | text               | head     | Head       | household.head             |                          |
|         | text               | phone    | Phone      | household.phone            |                          |
|         | integer            | members  | Members    | household.expected_members |                          |
|         | begin_repeat       | someone  | Person     | person                     |                          |
|         | text               | called   | Name       | person.name                |                          |
|         | text               | gender   | Sex        | person.sex                 |                          |
|         | date               | born     | Born       | person.birth_date          |                          |
|         | integer            | year     | Year       | person.birth_year          |                          |
|         | integer            | years    | Age        | person.age_years           |                          |
|         | integer            | months   | Months     | person.age_months          |                          |
|         | text               | lives    | Residence  | person.residence           |                          |
|         | text               | where    | Away       | person.away_place          |                          |
|         | text               | groups   | Groups     | person.priority            |                          |
|         | text               | contra   | Contra     | person.contraindicated     |                          |
|         | text               | contra2  | Which      | person.contraindication    |                          |
|         | date               | until    | Until      | person.deferred_until      |                          |
|         | text               | why      | Why        | person.deferral_reason     |                          |
|         | date               | ill      | Ill        | person.infected_on         |                          |
|         | text               | agrees   | Consent    | person.consent             |                          |
|         | text               | because  | Because    | person.refusal_reason      |                          |
|         | text               | any_dose | Vaccinated | person.vaccinated          |                          |
|         | begin_repeat       | shot     | Dose       | dose                       |                          |
|         | text               | number   | Number     | dose.number                |                          |
|         | date               | on       | Date       | dose.date                  |                          |
|         | text               | product  | Vaccine    | dose.vaccine               |                          |
|         | text               | batch    | Lot        | dose.lot                   |                          |
|         | text               | site     | Place      | dose.place                 |                          |
|         | text               | proof    | Evidence   | dose.evidence              |                          |
|         | end_repeat         |          |            |                            |                          |
|         | end_repeat         |          |            |                            |                          |
"""
"""A census that asks for every role, with names unlike the roles."""
