"""Reports as a workbook: a sheet a report, its tables one below the other, numbers as numbers and no formula."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from mapper.formats.cells import harmless
from mapper.formats.paper import Paper, PaperWords, numbered

LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\\/*?:\[\]]")
_WIDEST = 46


def write_xlsx(papers: Sequence[Paper], words: PaperWords) -> bytes:
    """The workbook; of each sheet the report's title and the first column stay in sight."""
    from openpyxl.styles.alignment import Alignment
    from openpyxl.styles.borders import Border, Side
    from openpyxl.styles.fills import PatternFill
    from openpyxl.styles.fonts import Font
    from openpyxl.utils.cell import get_column_letter
    from openpyxl.workbook.workbook import Workbook

    book = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = papers[0].title, words.author
    thin = Side(style="thin", color="B0B0B0")
    edge = Border(left=thin, right=thin, top=thin, bottom=thin)
    strong, fill = Font(bold=True), PatternFill("solid", fgColor="E3EEF1")
    used: set[str] = set()
    for paper in papers:
        sheet: Any = book.create_sheet(_sheet_name(paper.name, used))
        sheet.append([harmless(paper.title)])
        sheet.cell(1, 1).font = Font(bold=True, size=14)
        for line in paper.lines:
            sheet.append([harmless(line)])
        widths: dict[int, float] = {}
        head = 1 + len(paper.lines)
        sheet.freeze_panes, sheet.print_title_rows = f"B{head + 1}", f"1:{head}"
        for number, section in numbered(paper.sections):
            sheet.append([])
            sheet.append([harmless(f"{number}. {section.title}")])
            sheet.cell(sheet.max_row, 1).font = strong
            for sentence in section.sentences:
                sheet.append([harmless(sentence)])
            if section.table is not None:
                sheet.append([harmless(column.title) for column in section.table.columns])
                for place, column in enumerate(section.table.columns, 1):
                    cell = sheet.cell(sheet.max_row, place)
                    cell.font, cell.fill, cell.border = strong, fill, edge
                    cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
                    widths[place] = max(widths.get(place, 0), 11 if column.numbers else 18)
                for row in section.table.rows:
                    sheet.append([harmless(one.text) if one.number is None else one.number for one in row])
                    for place, one in enumerate(row, 1):
                        cell = sheet.cell(sheet.max_row, place)
                        cell.border = edge
                        if one.number is not None:
                            cell.number_format = "0.0%" if one.share else "#,##0"
                        else:
                            cell.alignment = Alignment(vertical="top", wrap_text=True)
                            widths[place] = max(widths[place], min(_WIDEST, len(one.text) + 2))
            for point in section.points:
                sheet.append([harmless(f"• {point}")])
        sheet.append([])
        for note in paper.notes:
            sheet.append([harmless(f"* {note}")])
        for place, width in widths.items():
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_setup.fitToHeight = 0
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _sheet_name(name: str, used: set[str]) -> str:
    """A name that a workbook takes, and that no other sheet of it has."""
    wanted = _NOT_IN_NAMES.sub(" ", name).strip("' ")[:LONGEST_NAME] or "-"
    made, number = wanted, 2
    while made.casefold() in used:
        made = f"{wanted[: LONGEST_NAME - 1 - len(str(number))]} {number}"
        number += 1
    used.add(made.casefold())
    return made
