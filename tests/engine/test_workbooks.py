"""The workbooks as somebody opens them in a spreadsheet program, and the files that stand beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from tests.engine.conftest import FORMS, xform_of
from tests.engine.javarosa import JavaRosa

WORKBOOKS = sorted(FORMS.glob("*/*.xlsx"))


@pytest.mark.parametrize("workbook", WORKBOOKS, ids=lambda path: path.stem)
def test_workbook_is_comfortable_to_edit(workbook: Path) -> None:
    book = openpyxl.load_workbook(workbook)
    assert {"survey", "choices", "settings"} <= set(book.sheetnames)
    for sheet in book:
        headers = [cell.value for cell in sheet[1]]
        assert all(headers), f"{sheet.title}: every column has a header"
        assert len(set(headers)) == len(headers)
        assert sheet.freeze_panes in ("A2", "C2"), f"{sheet.title}: the header stays in sight"
        assert not sheet.merged_cells.ranges
        assert all((dimension.width or 0) >= 10 for dimension in sheet.column_dimensions.values())
        for row in sheet.iter_rows(min_row=2):
            assert any(cell.value for cell in row), f"{sheet.title}, row {row[0].row}: no empty row"
            for cell in row:
                assert cell.data_type in ("s", "n"), f"{sheet.title} {cell.coordinate}: text, and no formula"
                assert cell.value is None or str(cell.value) == str(cell.value).strip(), cell.coordinate


@pytest.mark.parametrize("workbook", ["covid19/census.xlsx", "measles/measles.xlsx"])
def test_hamlets_beside_the_form_are_offered_by_their_commune(engine: JavaRosa, workbook: str) -> None:
    media = {path.name: path.read_bytes() for path in (FORMS / workbook).parent.glob("*.csv")}

    def rows(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(media[name].decode("utf-8-sig").splitlines()))

    communes = {row["name"]: row["label"] for row in rows("communes.csv")}
    assert {row["commune"] for row in rows("hamlets.csv")} == set(communes)
    entry = engine.load(xform_of(FORMS / workbook), media).new()
    ask_commune, ask_hamlet = [question.name for question in entry.questions()][:2]
    assert entry.choices(ask_commune) == communes
    for code in list(communes)[:3]:
        entry.answer(ask_commune, code)
        assert entry.choices(ask_hamlet) == {
            row["name"]: row["label"] for row in rows("hamlets.csv") if row["commune"] == code
        }
