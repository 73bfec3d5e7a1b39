"""XLSForm to XForm: the only door to pyxform, guarded before and translated behind.

pyxform's own errors are English sentences of several kinds; those a form's author meets often are told anew with
sheet, row and cure, the rest keep pyxform's reason. A Python traceback never reaches anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert as pyxform_convert

from mapper.errors import InvalidForm, MapperError, mark
from mapper.formats.workbook import check_workbook, survey_rows
from mapper.formats.xform import read_xform


@dataclass(frozen=True, slots=True)
class ConvertedForm:
    """A workbook made into an XForm.

    xform: the bytes to serve, UTF-8. warnings: what pyxform advises, in English. itemsets: the CSV of the choices of
    select_one_external, to be served as itemsets.csv, None where there are none.
    """

    xform: bytes
    warnings: tuple[str, ...]
    form_id: str
    version: str
    title: str
    itemsets: bytes | None = None


# pyxform calls a form so whose settings name none; phones would mix up all such forms.
_NO_FORM_ID = "data"
_ROW = re.compile(r"\[row\s*:\s*(\d+)\]\s*")
_SHEET = re.compile(r"\b[Oo]n the '?(survey|choices|settings|entities|external_choices|osm)'? sheet\b|sheet: '(\w+)'")
_COLUMN = re.compile(r"the '(\w+)' value")
# Columns that pyxform calls by other names than the workbook does.
_CALLED = {"dataset": "list_name"}
_QUESTION = re.compile(r"(?:question|name|named|element)\s*:?\s*['\"]([^'\"\s]+)['\"]|\$\{\s*([^}\s]+)\s*\}")

# What an author meets often: how to know it, and what to say. Facts are the pattern's named groups with sheet and row.
_TOLD: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"Unknown question type '(?P<value>[^']*)'"),
        mark("Sheet survey, row {row}: the question type {value} is unknown. Correct the column type."),
    ),
    (
        re.compile(r"Unmatched 'begin_(?P<kind>\w+)'"),
        mark("Sheet survey, row {row}: begin_{kind} has no end_{kind}. Add the row that ends it."),
    ),
    (
        re.compile(r"Unmatched 'end_(?P<kind>\w+)'"),
        mark("Sheet survey, row {row}: end_{kind} has no begin_{kind} before it. Add that row, or delete this one."),
    ),
    (
        re.compile(r"List name not in choices sheet: (?P<value>\S+)"),
        mark(
            "Sheet survey, row {row}: the choice list {value} is not on the sheet choices. Add it there or correct it."
        ),
    ),
    (
        re.compile(r"should be a choices sheet"),
        mark(
            "The form asks select questions but has no sheet choices. Add it, with the columns list_name, name, label."
        ),
    ),
    (
        re.compile(r"Could not find the name '(?P<value>[^']*)'"),
        mark("Sheet {sheet}, row {row}, column {column}: ${{{value}}} is no question of the form. Correct the name."),
    ),
    (
        re.compile(r"name '(?P<value>[^']*)' appears more than once"),
        mark("Sheet {sheet}, row {row}, column {column}: ${{{value}}} is several questions. Give each its own name."),
    ),
    (
        re.compile(r"Reference variable"),
        mark("Sheet {sheet}, row {row}, column {column}: a reference is not of the form ${{name}}. Correct it."),
    ),
    (
        re.compile(r"Choice names must be unique"),
        mark("Sheet choices, row {row}: this name stands twice in its list. Give each choice its own."),
    ),
    (re.compile(r"Choices should have a label"), mark("Sheet choices, row {row}: the choice has no label. Write one.")),
    (re.compile(r"Choices must have a name"), mark("Sheet choices, row {row}: the choice has no name. Write one.")),
    (
        re.compile(r"'name' value '(?P<value>[^']*)' is invalid. Questions"),
        mark("Sheet survey, row {row}: the name {value} stands twice in the same group. Give each question its own."),
    ),
    (
        re.compile(r"Repeat names must"),
        mark("Sheet survey, row {row}: a repeat needs a name that no other repeat, and not the form, has. Change it."),
    ),
    (
        re.compile(r"Names must begin with"),
        mark(
            "Sheet {sheet}, row {row}: the {column} is no usable name. Begin with a letter; then only letters, digits, "
            "underscores, hyphens and points, no spaces."
        ),
    ),
    (
        re.compile(r"Question or group with no name"),
        mark("Sheet survey, row {row}: the question has no name. Write one in the column name."),
    ),
    (
        re.compile(r"Missing calculation"),
        mark("Sheet survey, row {row}: a calculate needs a formula. Write it in the column calculation."),
    ),
    (
        re.compile(r"column headers were not found: (?P<value>.+?)\.(?:\s|$)"),
        mark("Sheet {sheet}: the first row lacks the column {value}. Add it."),
    ),
    (
        re.compile(r"different names for the same column were found: (?P<value>.+?)\. Rename"),
        mark("Sheet {sheet}: two columns mean the same: {value}. Keep one."),
    ),
    (
        re.compile(r"Duplicate column header: (?P<value>.+)"),
        mark("Sheet {sheet}: the column {value} stands twice. Keep one."),
    ),
)


def convert(name: str, workbook: bytes) -> ConvertedForm:
    """Make an XForm of a workbook.

    name: the file's name, for messages. Raises InvalidForm, naming sheet, row and cure as far as pyxform tells
    them, TooLarge for a workbook that unpacks to too much.
    """
    check_workbook(name, workbook)
    try:
        result = pyxform_convert(xlsform=workbook, file_type=".xlsx", validate=False)
    except MapperError:
        raise
    except PyXFormError as error:
        raise _told(name, str(error), workbook) from error
    except RecursionError:
        raise InvalidForm(
            mark("{name}: groups are nested too deeply. Use fewer levels of begin_group."), name=name
        ) from None
    except Exception as error:
        # pyxform 4.5 stumbles over some workbooks with bare KeyErrors and the like.
        raise InvalidForm(
            mark("{name} cannot be read as an XLSForm ({reason}). Compare its sheets with the XLSForm template."),
            name=name,
            reason=f"{type(error).__name__}: {str(error)[:200]}",
        ) from error
    xform = result.xform.encode()
    model = read_xform(xform)
    if model.form_id == _NO_FORM_ID:
        raise InvalidForm(
            mark("{name}: the sheet settings has no form_id. Add that column with a short lasting name for the form."),
            name=name,
        )
    if not model.version:
        raise InvalidForm(
            mark(
                "{name}: the sheet settings has no version. Add the column version with a number that grows, such as "
                "the date 2026112101, so that phones notice a new form."
            ),
            name=name,
        )
    return ConvertedForm(
        xform,
        tuple(str(warning).strip() for warning in result.warnings),
        model.form_id,
        model.version,
        model.title or model.form_id,
        result.itemsets.encode() if result.itemsets else None,
    )


def _told(name: str, text: str, workbook: bytes) -> InvalidForm:
    row = _ROW.search(text)
    reason = _ROW.sub("", text).strip()
    sheet = _SHEET.search(reason)
    column = _COLUMN.search(reason)
    facts: dict[str, object] = {
        "row": row[1] if row else "?",
        "sheet": (sheet[1] or sheet[2]) if sheet else "survey",
        "column": _CALLED.get(column[1], column[1]) if column else "?",
    }
    for pattern, message in _TOLD:
        found = pattern.search(reason)
        if found:
            facts.update(found.groupdict())
            if facts["row"] == "?" and "question type" in reason:
                rows = survey_rows(workbook, "type").get(found["value"], [])
                facts["row"] = ", ".join(map(str, rows)) or "?"
            return InvalidForm(message, **facts)
    if row:
        return InvalidForm(
            mark("{name}, sheet {sheet}, row {row}: {reason} Correct that row and upload the form again."),
            name=name,
            reason=_sentence(reason),
            **{key: facts[key] for key in ("sheet", "row")},
        )
    question = _QUESTION.search(reason)
    wanted = (question[1] or question[2]) if question else ""
    rows = survey_rows(workbook).get(wanted, []) if wanted else []
    if rows:
        return InvalidForm(
            mark(
                "{name}, sheet survey, row {row}, question {question}: {reason} Correct it and upload the form again."
            ),
            name=name,
            row=", ".join(map(str, rows)),
            question=wanted,
            reason=_sentence(reason),
        )
    return InvalidForm(
        mark("{name}: {reason} Correct the workbook and upload it again."), name=name, reason=_sentence(reason)
    )


def _sentence(reason: str) -> str:
    reason = reason.strip()[:600]
    return reason if reason.endswith((".", "!", "?")) else reason + "."
