"""Workbooks: what becomes a form, what is refused, and that its author learns where and why."""

from __future__ import annotations

import io
import zipfile
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from mapper.errors import InvalidForm, MapperError, TooLarge
from mapper.formats.workbook import survey_rows
from mapper.formats.xform import read_xform
from mapper.formats.xlsform import convert
from tests.formats.forms import CENSUS, SETTINGS, workbook

GOOD = "| survey |\n| | type | name | label |\n| | text | a | Tên |"
HEAD = "| survey |\n| | type | name | label | relevant | calculation |\n"
CHOICES = "\n| choices |\n| | list_name | name | label |\n"


def repacked(data: bytes, change: dict[str, bytes | None]) -> bytes:
    """The zip with parts replaced, added, or (None) left out."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        parts = {name: old.read(name) for name in old.namelist()}
        for name, content in {**parts, **change}.items():
            if content is not None:
                new.writestr(name, content)
    return packed.getvalue()


def test_a_workbook_becomes_a_form() -> None:
    titled = "\n| settings |\n| | form_id | version | form_title |\n| | t | 1 | Mẫu |"
    form = convert("t.xlsx", workbook(GOOD + titled))
    assert (form.form_id, form.version, form.title, form.itemsets) == ("t", "1", "Mẫu", None)
    assert "<value>" not in form.xform.decode()
    assert "Tên" in form.xform.decode()


def test_a_form_without_a_title_is_called_by_its_id() -> None:
    assert convert("t.xlsx", workbook(GOOD + SETTINGS)).title == "t"


def test_advice_of_pyxform_is_kept() -> None:
    form = convert("t.xlsx", workbook(GOOD + "\n| | image | b | B |" + SETTINGS))
    assert len(form.warnings) == 1
    assert "max-pixels" in form.warnings[0]


def test_external_choices_become_a_file() -> None:
    form = convert(
        "t.xlsx",
        workbook(
            "| survey |\n| | type | name | label | choice_filter |\n| | text | s | S | |\n"
            "| | select_one_external cities | c | C | state=${s} |\n"
            "| external_choices |\n| | list_name | name | label | state |\n| | cities | x | Thành phố | a |" + SETTINGS
        ),
    )
    assert form.itemsets is not None
    assert "Thành phố" in form.itemsets.decode()


@pytest.mark.parametrize(
    ("markdown", "says"),
    [
        (HEAD + "| | txt | a | A | | |", r"Sheet survey, row 2: the question type txt is unknown"),
        (HEAD + "| | text | a b | A | | |", r"Sheet survey, row 2: the name is no usable name"),
        (HEAD + "| | text | | A | | |", r"Sheet survey, row 2: the question has no name"),
        (HEAD + "| | text | a | A | | |\n| | text | a | A | | |", r"Sheet survey, row 3: the name a stands twice"),
        (HEAD + "| | text | a | A | ${b} = 1 | |", r"row 2, column relevant: \$\{b\} is no question"),
        (HEAD + "| | text | a | A | ${b = 1 | |", r"row 2, column relevant: a reference is not of the form \$\{name\}"),
        (HEAD + "| | calculate | a | | | |", r"Sheet survey, row 2: a calculate needs a formula"),
        (HEAD + "| | begin_group | a | A | | |\n| | text | b | B | | |", r"row 2: begin_group has no end_group"),
        (HEAD + "| | text | b | B | | |\n| | end_repeat | | | | |", r"row 3: end_repeat has no begin_repeat"),
        (HEAD + "| | select_one yn | a | A | | |", r"no sheet choices. Add it"),
        (
            HEAD + "| | select_one yn | a | A | | |" + CHOICES + "| | ny | y | Y |",
            r"Sheet survey, row 2: the choice list yn is not on the sheet choices",
        ),
        (
            HEAD + "| | select_one yn | a | A | | |" + CHOICES + "| | yn | y | Y |\n| | yn | y | N |",
            r"Sheet choices, row 3: this name stands twice",
        ),
        (
            HEAD + "| | select_one yn | a | A | | |" + CHOICES + "| | yn | y | Y |\n| | yn | | N |",
            r"Sheet choices, row 3: the choice has no name",
        ),
        (
            "| survey |\n| | typ | name | label |\n| | text | a | A |",
            r"Sheet survey: the first row lacks the column 'type'",
        ),
        ("| survey |\n| | type | name | name |\n| | text | a | A |", r"Sheet survey: the column name stands twice"),
        (GOOD.replace("survey", "questions"), r"t\.xlsx: .*survey.* Correct the workbook"),
        (
            HEAD + "| | begin_repeat | a | A | | |\n| | text | c | A | | |\n| | end_repeat |\n"
            "| | begin_group | g | G | | |\n| | begin_repeat | a | A | | |\n| | text | c | C | | |\n| | end_repeat |\n"
            "| | end_group |",
            r"Sheet survey, row 6: a repeat needs a name that no other repeat",
        ),
        (
            HEAD + "| | text | a | A | | |\n| | begin_group | g | G | | |\n| | text | a | A | | |\n| | end_group |\n"
            "| | text | b | B | ${a} = 1 | |",
            r"row 6, column relevant: \$\{a\} is several questions",
        ),
        (
            GOOD + "\n| entities |\n| | list_name | label |\n| | a b | x |",
            r"Sheet entities, row 2: the list_name is no usable name",
        ),
        (
            GOOD + "\n| entities |\n| | list_name |\n| | houses |",
            r"t\.xlsx, sheet entities, row 2: .* Correct that row",
        ),
    ],
)
def test_an_author_learns_sheet_row_and_cure(markdown: str, says: str) -> None:
    with pytest.raises(InvalidForm, match=says) as refused:
        convert("t.xlsx", workbook(markdown + SETTINGS))
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("| | form_id |\n| | t |", "no version"),
        ("| | version |\n| | 1 |", "no form_id"),
        ("", "no form_id"),
    ],
)
def test_a_form_needs_an_id_and_a_version(settings: str, says: str) -> None:
    with pytest.raises(InvalidForm, match=says):
        convert("t.xlsx", workbook(GOOD + (f"\n| settings |\n{settings}" if settings else "")))


def test_rows_are_those_that_excel_shows() -> None:
    data = workbook(HEAD + "| | text | a | A | | |\n| | | | | | |\n| | text | b | B | | |\n| | text | a | A | | |")
    assert survey_rows(data) == {"a": [2, 5], "b": [4]}
    assert survey_rows(data, "type") == {"text": [2, 4, 5]}
    assert survey_rows(data, "nothing") == {}
    assert survey_rows(b"no workbook") == {}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not an Excel workbook"),
        (b"type,name,label\ntext,a,A\n", "not an Excel workbook"),
        (b"PK\x03\x04 and nothing more", "not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"old \.xls workbook or is locked with a password"),
        (workbook(GOOD)[:-300], "arrived incomplete"),
        (repacked(workbook(GOOD), {"xl/workbook.xml": None}), "a zip file but no Excel workbook"),
    ],
    ids=["empty", "csv", "broken zip", "xls", "truncated", "zip"],
)
def test_what_is_no_workbook_is_refused_by_name(data: bytes, says: str) -> None:
    with pytest.raises(InvalidForm, match=says) as refused:
        convert("mẫu.xlsx", data)
    assert "mẫu.xlsx" in str(refused.value)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
def test_a_workbook_of_broken_parts_is_refused_without_a_traceback(part: str) -> None:
    for content in (b"", b"<worksheet>", b"\xff\xfe\0", b"<a/>"):
        with pytest.raises(MapperError) as refused:
            convert("t.xlsx", repacked(workbook(GOOD + SETTINGS), {part: content}))
        assert "t.xlsx" in str(refused.value)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    good = workbook(GOOD + SETTINGS)
    bomb = repacked(good, {"xl/media/image1.png": b"\0" * 70_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge, match="70 MB"):
        convert("t.xlsx", bomb)
    quieter = repacked(good, {"xl/sharedStrings2.xml": b" " * 8_000_000})
    with pytest.raises(TooLarge, match="8 MB"):
        convert("t.xlsx", quieter)


def test_a_sheet_of_endless_rows_is_refused() -> None:
    rows = b"".join(b'<row r="%d"><c r="A%d"/></row>' % (number, number) for number in range(1, 60_001))
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    data = repacked(workbook(GOOD + SETTINGS), {"xl/worksheets/sheet1.xml": sheet + rows + b"</sheetData></worksheet>"})
    with pytest.raises(TooLarge, match="60000 rows"):
        convert("t.xlsx", data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_workbook_that_declares_entities_is_refused(encoding: str) -> None:
    evil = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'
    data = repacked(workbook(GOOD + SETTINGS), {"xl/worksheets/sheet1.xml": evil.encode(encoding)})
    with pytest.raises(InvalidForm, match="document type"):
        convert("t.xlsx", data)


def test_a_document_type_across_the_seam_of_two_blocks_is_seen() -> None:
    for before in range((1 << 18) - 12, 1 << 18):
        evil = b"<!--" + b"x" * (before - 7) + b"--><!DOCTYPE x><a/>"
        data = repacked(
            workbook(GOOD + SETTINGS), {"xl/theme/theme1.xml": evil + b"<!-- " + bytes(range(65, 90)) * 4000}
        )
        with pytest.raises(InvalidForm, match="document type"):
            convert("t.xlsx", data)


def test_a_long_choice_list_within_the_limits_is_a_good_form() -> None:
    choices = "\n".join(f"| | c | n{number} | Thôn {number} |" for number in range(3000))
    form = convert("t.xlsx", workbook(HEAD + "| | select_one c | a | A | | |" + CHOICES + choices + SETTINGS))
    listed = read_xform(form.xform).choice_list("c")
    assert listed is not None
    assert len(listed.choices) == 3000


def test_dates_and_numbers_of_excel_are_taken() -> None:
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    survey, settings = book.create_sheet("survey"), book.create_sheet("settings")
    survey.append(["type", "name", "label"])
    survey.append(["text", "a", 12])
    settings.append(["form_id", "version"])
    settings.append(["t", 2026112101])
    written = io.BytesIO()
    book.save(written)
    assert convert("t.xlsx", written.getvalue()).version == "2026112101"


@cache
def census() -> bytes:
    return workbook(CENSUS + SETTINGS)


@settings(max_examples=50)
@given(st.data())
def test_a_mangled_workbook_is_a_form_or_a_named_error(data: st.DataObject) -> None:
    whole = bytearray(census())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    try:
        convert("t.xlsx", bytes(whole))
    except MapperError as error:
        assert "t.xlsx" in str(error) or "Sheet" in str(error)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["text", "begin_group", "end_group", "begin_repeat", "end_repeat", "calculate", "note", "", "x"]
            ),
            st.sampled_from(["a", "b", "a b", "", "data", "meta", "ă"]),
            st.sampled_from(["A", "", "${a}", "${"]),
            st.sampled_from(["", "${a} = 1", "1 +", "${zz}"]),
            st.sampled_from(["", "1", "${b}"]),
        ),
        max_size=8,
    )
)
def test_any_survey_is_a_form_or_a_named_error(rows: list[tuple[str, ...]]) -> None:
    survey = "\n".join("| | " + " | ".join(row) + " |" for row in rows)
    try:
        form = convert("t.xlsx", workbook(HEAD + survey + SETTINGS))
    except MapperError as error:
        assert "t.xlsx" in str(error) or "Sheet" in str(error)
    else:
        assert read_xform(form.xform).form_id == "t"
