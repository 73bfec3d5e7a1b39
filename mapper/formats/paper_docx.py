"""Reports as a Word file: real headings and tables, to be edited further."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mapper.formats.paper import Letterhead, Paper, PaperWords, Section, Table, numbered

if TYPE_CHECKING:
    from docx.document import Document

FONT = "Times New Roman"
"""As the rules for official papers ask."""


def write_docx(papers: Sequence[Paper], words: PaperWords) -> bytes:
    """The file, each report from the top of a page on."""
    from docx import Document as new_document
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt, RGBColor

    document = new_document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin, page.right_margin, page.top_margin, page.bottom_margin = Mm(20), Mm(15), Mm(15), Mm(15)
    for name, size in (("Normal", 11), ("Heading 1", 14), ("Heading 2", 12)):
        style: Any = document.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = FONT, Pt(size), RGBColor(0, 0, 0)
        fonts = style.element.rPr.rFonts
        for attribute in [key for key in fonts.attrib if "Theme" in key]:
            del fonts.attrib[attribute]
        fonts.set(qn("w:eastAsia"), FONT)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(4), Pt(3)
    told = document.core_properties
    told.title, told.author, told.language = papers[0].title, words.author, words.language
    for place, paper in enumerate(papers):
        if place:
            document.add_page_break()
        if paper.letterhead is not None:
            _head(document, paper.letterhead)
        document.add_heading(paper.title, 1).alignment = ALIGN.CENTER
        for line in paper.lines:
            document.add_paragraph(line).alignment = ALIGN.CENTER
        for number, section in numbered(paper.sections):
            _section(document, number, section)
        for note in paper.notes:
            document.add_paragraph().add_run(f"* {note}").font.size = Pt(9)
        if paper.letterhead is not None:
            _signs(document, paper.letterhead)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _section(document: Document, number: str, section: Section) -> None:
    document.add_heading(f"{number}. {section.title}", 2)
    for sentence in section.sentences:
        document.add_paragraph(sentence)
    if section.table is not None:
        _table(document, section.table)
    for point in section.points:
        document.add_paragraph(f"- {point}")


def _table(document: Document, table: Table) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.oxml import OxmlElement
    from docx.shared import Mm, Pt

    made = document.add_table(rows=1 + len(table.rows), cols=len(table.columns))
    made.style = "Table Grid"
    made.autofit = False
    whole = sum(column.wide for column in table.columns)
    # Row by row: asking a table for one cell after another takes ever longer.
    for place, row in enumerate(made.rows):
        texts = [column.title for column in table.columns] if not place else [c.text for c in table.rows[place - 1]]
        for column, cell, text in zip(table.columns, row.cells, texts, strict=True):
            cell.width = Mm(175 * column.wide / whole)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1)
            run = paragraph.add_run(text)
            run.font.size, run.bold = Pt(9), not place
            if column.numbers:
                paragraph.alignment = ALIGN.RIGHT if place else ALIGN.CENTER
    # Stands again at the top of a page that the table goes on to.
    made.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _head(document: Document, head: Letterhead) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.shared import Mm

    left, right = document.add_table(rows=1, cols=2).rows[0].cells
    left.width, right.width = Mm(73), Mm(102)
    sides = (
        (left, ((head.above, False), (head.body, True), (head.number, False))),
        (right, ((head.motto[0], True), (head.motto[1], True), (head.place_and_day, False))),
    )
    for cell, lines in sides:
        for place, (text, bold) in enumerate(line for line in lines if line[0]):
            paragraph = cell.paragraphs[0] if not place else cell.add_paragraph()
            paragraph.alignment = ALIGN.CENTER
            run = paragraph.add_run(text)
            run.bold = bold
            run.italic = text == head.place_and_day
    document.add_paragraph()


def _signs(document: Document, head: Letterhead) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN

    cells = document.add_table(rows=1, cols=len(head.signs)).rows[0].cells
    for cell, (who, how) in zip(cells, head.signs, strict=True):
        cell.paragraphs[0].alignment = ALIGN.CENTER
        cell.paragraphs[0].add_run(who).bold = True
        below = cell.add_paragraph()
        below.alignment = ALIGN.CENTER
        below.add_run(how).italic = True
