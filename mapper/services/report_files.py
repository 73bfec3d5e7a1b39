"""Reports as files: PDF, Word and Excel; that one was made is entered in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mapper.errors import mark
from mapper.formats.paper import Paper, PaperWords
from mapper.formats.paper_docx import write_docx
from mapper.formats.paper_pdf import draw_papers
from mapper.formats.paper_xlsx import write_xlsx
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.reference import Reference

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Kinds of files to their media types."""


def write_reports(
    reference: Reference,
    user: User,
    kind: str,
    papers: Sequence[Paper],
    language: str,
    project: str,
    fonts: Path,
    facts: Mapping[str, object],
    subject: str,
) -> bytes:
    """The file of a kind of MEDIA_TYPES. facts, subject: for the audit trail; fonts: folder of the PDF's."""
    words = PaperWords(
        language, project, translate(mark("Page {page} of {pages}"), language, page="{page}", pages="{pages}")
    )
    match kind:
        case "pdf":
            content = draw_papers(papers, words, fonts)
        case "docx":
            content = write_docx(papers, words)
        case _:
            content = write_xlsx(papers, words)
    told = {**facts, "file": kind, "number": len(papers)}
    audit.record_seen(reference, user.id, user.name, "report.downloaded", subject, told)
    return content
